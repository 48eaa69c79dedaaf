"""The test of a guardrail for thousands of experiments: the loop behind `guardrail_tests.classify`."""

from __future__ import annotations

import math

import numpy as np

from expsim_panel.kernels.jit import inner, kernel

FAIL, UNKNOWN, PASS, STUCK = -1, 0, 1, 2
"""Codes of a result. `STUCK` is unknown as well: at this estimate, between margin and threshold, more units of the
same would decide nothing."""

FEWEST = 2
"""Measured units of an arm below which nothing is said."""

_LARGE_DF = 100.0


@kernel
def classify_arms(
    binary: bool,
    sign: float,
    relative: bool,
    threshold: float,
    margin: float,
    x: float,
    n: np.ndarray,
    mean: np.ndarray,
    variance: np.ndarray,
    codes: np.ndarray,
    left: np.ndarray,
) -> None:
    """Write the results of every arm but the control into `codes`.

    Parameters
    ----------
    binary, sign, relative, threshold, margin
        As in `guardrail.Rule`.
    x : float
        Normal quantile of the level, upper tail.
    n, mean, variance : float64 ndarray, shape (replicates, arms)
        Readings.
    codes : int8 ndarray, shape (replicates, arms - 1)
        Output.
    left : bool ndarray, shape (replicates,)
        Output: experiments with so few units that Student's t needs more than its expansion; their codes are not
        written.
    """
    for r in range(n.shape[0]):
        left[r] = False
        n0, m0 = n[r, 0], mean[r, 0]
        for a in range(1, n.shape[1]):
            na, ma = n[r, a], mean[r, a]
            codes[r, a - 1] = UNKNOWN
            # A share of nothing, or of less than nothing, says nothing.
            if n0 < FEWEST or na < FEWEST or (relative and not m0 > 0.0):
                continue
            above = _excess(sign, relative, margin, m0, ma)
            reached = _excess(sign, relative, threshold, m0, ma) >= 0.0
            if above >= 0.0 and not reached:
                codes[r, a - 1] = STUCK
                continue
            # Without an alarm it can pass and no more; with one it can fail and no more.
            harm = 0.0 if reached else margin
            if reached:
                above = _excess(sign, relative, 0.0, m0, ma)
            weight = (sign + harm) * (sign + harm) if relative else 1.0
            quantile = x
            if binary:
                p0, pa = _restricted(sign, relative, harm, n0, na, m0, ma)
                square = pa * (1.0 - pa) / na + weight * p0 * (1.0 - p0) / n0
            else:
                one, two = variance[r, a] / na, weight * variance[r, 0] / n0
                square = one + two
                if square > 0.0:
                    df = square * square / (one * one / (na - 1.0) + two * two / (n0 - 1.0))
                    if not df > _LARGE_DF:
                        left[r] = True
                        continue
                    quantile = t_expanded(x, df)
            if square > 0.0:
                z = above / math.sqrt(square)
            elif square == 0.0 and above != 0.0 and binary:
                z = math.inf if above > 0.0 else -math.inf
            else:
                continue
            if reached and z >= quantile:
                codes[r, a - 1] = FAIL
            elif not reached and z < -quantile:
                codes[r, a - 1] = PASS


@inner
def _excess(sign: float, relative: bool, harm: float, control: float, arm: float) -> float:
    """Return by how much the harm of an arm exceeds `harm`, see `guardrail_tests.excess`."""
    if relative:
        return sign * arm - (sign + harm) * control
    return sign * (arm - control) - harm


@inner
def t_expanded(x: float, df: float) -> float:
    """Return the quantile of Student's t whose normal counterpart is x, by its expansion in 1 / df."""
    third = x * x * x
    fifth = third * x * x
    r = 1.0 / df
    tail = 3.0 * fifth * x * x + 19.0 * fifth + 17.0 * third - 15.0 * x
    return x + r * ((third + x) / 4.0 + r * ((5.0 * fifth + 16.0 * third + 3.0 * x) / 96.0 + r * tail / 384.0))


@inner
def _restricted(
    sign: float, relative: bool, harm: float, n0: float, na: float, m0: float, ma: float
) -> tuple[float, float]:
    """Return the likeliest rates of control and arm with exactly this harm, see `guardrail_tests.restricted`."""
    if harm == 0.0:
        pooled = (n0 * m0 + na * ma) / (n0 + na)
        return pooled, pooled
    share = n0 / na
    if relative:
        ratio = 1.0 + sign * harm
        half = -(ratio * (1.0 + share * m0) + share + ma)
        inside = half * half - 4.0 * (1.0 + share) * ratio * (ma + share * m0)
        arm = (-half - math.sqrt(max(inside, 0.0))) / (2.0 * (1.0 + share))
        control = arm / ratio if ratio > 0.0 else m0
        return min(max(control, 0.0), 1.0), min(max(arm, 0.0), 1.0)
    gap = sign * harm
    a = 1.0 + share
    b = -(1.0 + share + ma + share * m0 + gap * (share + 2.0))
    c = gap * gap + gap * (2.0 * ma + share + 1.0) + ma + share * m0
    d = -ma * gap * (1.0 + gap)
    middle = b / (3.0 * a)
    v = middle * middle * middle - b * c / (6.0 * a * a) + d / (2.0 * a)
    u = math.sqrt(max(middle * middle - c / (3.0 * a), 0.0))
    if u == 0.0:
        arm = -middle
    else:
        u = -u if v < 0.0 else u
        turn = (math.pi + math.acos(min(max(v / (u * u * u), -1.0), 1.0))) / 3.0
        arm = 2.0 * u * math.cos(turn) - middle
    arm = min(max(arm, max(0.0, gap)), min(1.0, 1.0 + gap))
    return arm - gap, arm
