"""The test of a guardrail: pass, fail or unknown, from the readings of any number of experiments at once.

Harm is signed so that positive is worse. Two one-sided tests at the same level decide: a guardrail passes when the
harm is below the margin beyond doubt, and fails when it is estimated at the alarm threshold or more and is above zero
beyond doubt. Whatever is neither is unknown: absence of evidence is not safety.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from expsim_panel.guardrail import Rule
from expsim_panel.kernels.guardrails import FAIL, FEWEST, PASS, STUCK, UNKNOWN, classify_arms

MANY = 50
"""So many experiments are worth a compiled loop; few are not worth loading it."""

_ENDLESS = 1e15


@dataclass(frozen=True)
class Readings:
    """What was measured of a guardrail, arrays (..., arms), control first.

    Attributes
    ----------
    n : ndarray
        Units measured.
    mean, variance : ndarray
        Their mean and sample variance (divisor n - 1); the variance of a binary guardrail is not used.
    """

    n: np.ndarray
    mean: np.ndarray
    variance: np.ndarray


def words(code: int) -> str:
    """Return a result's word."""
    return {FAIL: "fail", PASS: "pass"}.get(int(code), "unknown")


def excess(rule: Rule, harm: float | np.ndarray, control: np.ndarray, arm: np.ndarray) -> np.ndarray:
    """Return by how much the harm of an arm exceeds `harm`, in the guardrail's own units.

    With a relative rule it is the linear contrast ``sign m_a - (sign + harm) m_0``: the ratio itself has no
    simple law, the contrast is exactly normal where means are.
    """
    if rule.relative:
        return np.asarray(rule.sign * arm - (rule.sign + harm) * control)
    return np.asarray(rule.sign * (arm - control) - harm)


def t_quantile(p: float, df: np.ndarray) -> np.ndarray:
    """Return the quantile of Student's t, by its expansion above 100 degrees of freedom (to 1e-8)."""
    from scipy.special import ndtri, stdtrit

    x = float(ndtri(p))
    df = np.asarray(df, float)
    with np.errstate(divide="ignore", invalid="ignore"):
        r = 1 / df
        tail = 3 * x**7 + 19 * x**5 + 17 * x**3 - 15 * x
        found = x + r * ((x**3 + x) / 4 + r * ((5 * x**5 + 16 * x**3 + 3 * x) / 96 + r * tail / 384))
    small = ~(df > 100)
    if small.any():
        found = np.where(small, stdtrit(np.where(small, np.maximum(df, 1e-3), 1.0), p), found)
    return np.asarray(found)


def standardised(rule: Rule, harm: float, seen: Readings) -> tuple[np.ndarray, np.ndarray]:
    """Return `excess` over its standard error for every arm but the control, and the quantile it is compared with.

    Returns
    -------
    z, quantile : ndarray, shape (..., arms - 1)
        Welch's t and the quantile of its approximate degrees of freedom for means; the score statistic of
        Farrington and Manning, whose error is taken where the harm is exactly `harm`, and the normal quantile
        for rates. nan without spread.

    References
    ----------
    B. L. Welch (1947), Biometrika 34, 28-35. C. P. Farrington, G. Manning (1990), Statistics in Medicine 9,
    1447-1454.
    """
    n0, na = seen.n[..., :1], seen.n[..., 1:]
    m0, ma = seen.mean[..., :1], seen.mean[..., 1:]
    above = excess(rule, harm, m0, ma)
    with np.errstate(divide="ignore", invalid="ignore"):
        if rule.binary:
            p0, pa = restricted(rule, harm, n0, na, m0, ma)
            weight = (rule.sign + harm) ** 2 if rule.relative else 1.0
            error = np.sqrt(pa * (1 - pa) / na + weight * p0 * (1 - p0) / n0)
            return above / error, np.broadcast_to(np.asarray(rule.z), above.shape)
        weight = (rule.sign + harm) ** 2 if rule.relative else 1.0
        one, two = seen.variance[..., 1:] / na, weight * seen.variance[..., :1] / n0
        df = (one + two) ** 2 / (one**2 / (na - 1) + two**2 / (n0 - 1))
        return above / np.sqrt(one + two), t_quantile(1 - rule.alpha, df)


def restricted(
    rule: Rule, harm: float, n0: np.ndarray, na: np.ndarray, m0: np.ndarray, ma: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Return the likeliest rates of control and arm among those with exactly this harm.

    References
    ----------
    Farrington, Manning (1990), appendix; O. S. Miettinen, M. Nurminen (1985), Statistics in Medicine 4, 213-226.
    """
    pooled = (n0 * m0 + na * ma) / (n0 + na)
    if harm == 0:
        return pooled, pooled
    share = n0 / na
    if rule.relative:
        ratio = 1 + rule.sign * harm
        half = -(ratio * (1 + share * m0) + share + ma)
        arm = (-half - np.sqrt(np.maximum(half**2 - 4 * (1 + share) * ratio * (ma + share * m0), 0))) / (
            2 * (1 + share)
        )
        control = arm / ratio if ratio > 0 else np.broadcast_to(m0, arm.shape)
        return np.clip(control, 0, 1), np.clip(arm, 0, 1)
    gap = rule.sign * harm
    a = 1 + share
    b = -(1 + share + ma + share * m0 + gap * (share + 2))
    c = gap**2 + gap * (2 * ma + share + 1) + ma + share * m0
    d = -ma * gap * (1 + gap)
    v = (b / (3 * a)) ** 3 - b * c / (6 * a**2) + d / (2 * a)
    u = np.sqrt(np.maximum((b / (3 * a)) ** 2 - c / (3 * a), 0))
    u = np.where(v < 0, -u, u)
    turn = (np.pi + np.arccos(np.clip(np.divide(v, u**3, out=np.zeros_like(v), where=u != 0), -1, 1))) / 3
    arm = np.clip(2 * u * np.cos(turn) - b / (3 * a), max(0.0, gap), min(1.0, 1 + gap))
    return arm - gap, arm


def classify(rule: Rule, seen: Readings) -> np.ndarray:
    """Return the result of every arm but the control, int8 (..., arms - 1): a code of this module.

    ``pass``: the upper one-sided bound of the harm is below the margin, as a test: the excess over the margin is
    significantly negative. ``fail``: the estimate is at or above the threshold and significantly above zero.
    """
    if seen.n.ndim == 2 and len(seen.n) >= MANY:
        return _classify_many(rule, seen)
    n0, na = seen.n[..., :1], seen.n[..., 1:]
    m0, ma = seen.mean[..., :1], seen.mean[..., 1:]
    with np.errstate(invalid="ignore"):
        z, quantile = standardised(rule, rule.margin, seen)
        passed = z < -quantile
        reached = excess(rule, rule.threshold, m0, ma) >= 0
        between = (excess(rule, rule.margin, m0, ma) >= 0) & ~reached
        failed = np.zeros_like(reached)
        if reached.any():
            z, quantile = standardised(rule, 0.0, seen)
            failed = reached & (z >= quantile)
        usable = (n0 >= FEWEST) & (na >= FEWEST)
        if rule.relative:
            # A share of nothing, or of less than nothing, says nothing.
            usable = usable & (m0 > 0)
    found = np.full(reached.shape, UNKNOWN, np.int8)
    found[between] = STUCK
    found[passed & ~reached] = PASS
    found[failed] = FAIL
    found[~np.broadcast_to(usable, found.shape)] = UNKNOWN
    return found


def _classify_many(rule: Rule, seen: Readings) -> np.ndarray:
    """Return the same from a compiled loop; experiments with few units as before."""
    n, mean, variance = (np.ascontiguousarray(each, float) for each in (seen.n, seen.mean, seen.variance))
    codes, left = np.empty((len(n), n.shape[1] - 1), np.int8), np.empty(len(n), np.bool_)
    law = rule.binary, rule.sign, rule.relative, rule.threshold, rule.margin, rule.z
    classify_arms(*law, n, mean, variance, codes, left)
    few = np.flatnonzero(left)
    for part in np.split(few, range(MANY - 1, len(few), MANY - 1)):
        codes[part] = classify(rule, Readings(n[part], mean[part], variance[part]))
    return codes


def estimate(rule: Rule, control: np.ndarray, arm: np.ndarray) -> np.ndarray:
    """Return the estimated harm in the terms of the rule's kind; nan where a share means nothing."""
    gap = rule.sign * (arm - control)
    if not rule.relative:
        return np.asarray(gap)
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(control > 0, gap / control, np.nan)


def interval(rule: Rule, seen: Readings) -> tuple[float, float] | None:
    """Return the two one-sided bounds of one arm's harm, each at the rule's level; None where there are none.

    They invert the test of `classify`: the harms that it does not reject (for a relative rule Fieller's).

    Parameters
    ----------
    seen : Readings
        Of control and one arm, shape (2,).
    """
    from scipy.optimize import brentq

    middle = float(estimate(rule, seen.mean[0], seen.mean[1]))
    if not (np.all(seen.n >= FEWEST) and np.isfinite(middle)):
        return None

    def beyond(harm: float, side: float) -> float:
        z, quantile = standardised(rule, harm, seen)
        value = side * float(z[0]) + float(quantile[0])
        # Without any spread the excess alone decides.
        return value if np.isfinite(value) else side * float(np.sign(middle - harm))

    ends = []
    for side, limit in ((-1.0, _limits(rule, seen)[0]), (1.0, _limits(rule, seen)[1])):
        step = max(abs(middle), 1e-6 * max(float(np.abs(seen.mean).max()), 1.0))
        near, far = middle, middle + side * step
        while side * (limit - far) > 0 and beyond(far, side) > 0:
            near, step = far, 2 * step
            far = far + side * step
        far = min(far, limit) if side > 0 else max(far, limit)
        if beyond(far, side) > 0:
            if abs(far) >= _ENDLESS:
                return None
            ends.append(far)
        elif beyond(near, side) <= 0:
            ends.append(near)
        else:
            ends.append(float(brentq(beyond, near, far, args=(side,), xtol=1e-12, rtol=1e-12)))
    return ends[0], ends[1]


def _limits(rule: Rule, seen: Readings) -> tuple[float, float]:
    """Return the smallest and largest harm that there can be."""
    edge = 1 - 1e-9
    if rule.relative:
        # A ratio of 0 is the least; the largest is left open where means may be anything.
        return (-edge, _ENDLESS) if rule.sign > 0 else (-_ENDLESS, edge)
    return (-edge, edge) if rule.binary else (-_ENDLESS, _ENDLESS)
