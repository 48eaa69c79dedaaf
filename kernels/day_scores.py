"""Differences of arms that stay valid when traffic follows the data: scores of each day by its logged shares.

The shares of a day are known before it begins, so every row has a score whose mean is the difference of the two arms on
that day, whatever was seen before. A day enters by its sums; memory does not grow with the days or the rows.

References
----------
.. [1] V. Hadad, D. A. Hirshberg, R. Zhan, S. Wager, S. Athey (2021), "Confidence intervals for policy evaluation in
   adaptive experiments", PNAS 118, e2014602118: scores of differences, weights known before, allocation rates.
"""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np

from expsim_panel.kernels.arms import P_BEST
from expsim_panel.kernels.jit import inner
from expsim_panel.kernels.trials import ROWS, SQUARES, SUMS, UNITS, advance

METHODS = 4
"""Estimators of a difference, in this order."""
IPW, AIPW, ROOT, TWO_POINT = range(METHODS)
"""Inverse-propensity weighting; augmented by running means, with even weights, with square-root weights (constant
allocation rate), with two-point allocation weights."""
KEPT = 5
"""Sums behind an estimate: rows h, rows h^2, score h, score h^2, squared score h^2."""
_H, _HH, _HG, _HHG, _HHGG = range(KEPT)
_ROWS, _SUMS, _MEAN = range(3)


class Logged(NamedTuple):
    """A policy whose shares are logged, and what every estimator makes of its days.

    Attributes
    ----------
    policy : NamedTuple
        The policy's own parameters, in its world.
    shares : float64 ndarray, shape (4, arms)
        The policy's scratch space, which holds its shares of the day in row `arms.P_BEST`.
    log : float64 ndarray, shape (days, 4, arms)
        Where a world keeps what each day's enrolment brought; empty (0 days) where the state grows by it.
    traffic : float64 ndarray, shape (days + 1,)
        Units enrolled before each day.
    skip : int
        First days that the analysis leaves out.
    decay : float
        Exponent a, 0 to below 1, of the floor ``t^-a`` that the two-point weights assume in their bad case.
    before, learned : float64 ndarray, shape (4, arms) and (3, arms)
        Scratch: the state before the day; rows and sums so far, on the level of the first day, and today's means.
    kept : float64 ndarray, shape (4, arms - 1, 5)
        Scratch: see `KEPT`.
    left : float64 ndarray, shape (arms - 1,)
        Scratch: what the two-point weights have not yet spent.
    out : float64 ndarray, shape (replicates, 4, arms - 1, 2)
        Output: difference of each variant to the control and its standard error; nan until they are defined.
    path : float64 ndarray, shape (days, 4, arms - 1, 2)
        Output: the same after each day's enrolment, of the last replicate; may be empty.
    """

    policy: Any
    shares: np.ndarray
    log: np.ndarray
    traffic: np.ndarray
    skip: int
    decay: float
    before: np.ndarray
    learned: np.ndarray
    kept: np.ndarray
    left: np.ndarray
    out: np.ndarray
    path: np.ndarray


@inner
def expect(today: np.ndarray, learned: np.ndarray) -> float:
    """Fill row 2 of `learned` with what a row of each arm is expected to be today; return how far the level moved.

    The running mean of the arm, moved by what today's rows of all arms together are off from theirs: a level common to
    all arms moves no difference. An arm without earlier rows is expected at its own mean of today. nan: no row yet.
    """
    arms = learned.shape[1]
    off = 0.0
    rows = 0.0
    for a in range(arms):
        if learned[_ROWS, a] > 0.0:
            off += today[SUMS, a] - today[ROWS, a] * learned[_SUMS, a] / learned[_ROWS, a]
            rows += today[ROWS, a]
    level = off / rows if rows > 0.0 else 0.0
    for a in range(arms):
        if learned[_ROWS, a] > 0.0:
            learned[_MEAN, a] = learned[_SUMS, a] / learned[_ROWS, a] + level
        elif today[ROWS, a] > 0.0:
            learned[_MEAN, a] = today[SUMS, a] / today[ROWS, a]
        else:
            learned[_MEAN, a] = math.nan
    return level


@inner
def _sums(today: np.ndarray, arm: int, m1: float, m0: float, p1: float, p0: float) -> tuple[float, float]:
    """Return sum and sum of squares of the scores of all of today's rows, of `arm` against the control.

    A row has ``m1 - m0 + [arm] (y - m1) / p1 - [control] (y - m0) / p0``.
    """
    base = m1 - m0
    rows = 0.0
    for a in range(today.shape[1]):
        rows += today[ROWS, a]
    off1 = (today[SUMS, arm] - today[ROWS, arm] * m1) / p1
    off0 = (today[SUMS, 0] - today[ROWS, 0] * m0) / p0
    around1 = (today[SQUARES, arm] - 2.0 * m1 * today[SUMS, arm] + today[ROWS, arm] * m1 * m1) / (p1 * p1)
    around0 = (today[SQUARES, 0] - 2.0 * m0 * today[SUMS, 0] + today[ROWS, 0] * m0 * m0) / (p0 * p0)
    return rows * base + off1 - off0, rows * base * base + 2.0 * base * (off1 - off0) + around1 + around0


@inner
def _add(kept: np.ndarray, method: int, arm: int, h: float, rows: float, score: float, square: float) -> None:
    """Add a day of weight h per row to the sums of an estimator."""
    kept[method, arm - 1, _H] += h * rows
    kept[method, arm - 1, _HH] += h * h * rows
    kept[method, arm - 1, _HG] += h * score
    kept[method, arm - 1, _HHG] += h * h * score
    kept[method, arm - 1, _HHGG] += h * h * square


@inner
def spend(rest: float, precision: float, before: float, after: float, total: float, decay: float) -> float:
    """Return the part of the variance that is left which two-point weights spend on a day.

    Between its share of the traffic to come (the precision stays as it is) and what it would be if precision fell as
    ``t^-decay``: the request-wise rates of [1]_ (14) and (18), added up over the requests of a day. Everything on the
    last day. `precision` 0..1; `before`, `after`, `total`: units enrolled before the day, after it, by the end.
    """
    if after >= total:
        return rest
    good = (after - before) / (total - before)
    power = 1.0 - decay
    start = math.exp(power * math.log(before)) if before > 0.0 else 0.0
    until = math.exp(power * math.log(after))
    bad = (until - start) / (math.exp(power * math.log(total)) - start)
    return rest * (precision * good + (1.0 - precision) * bad)


@inner
def add_day(day: int, today: np.ndarray, logged: Logged) -> None:
    """Add a day's scores to the sums of every estimator and difference."""
    learned, shares, traffic = logged.learned, logged.shares, logged.traffic
    level = expect(today, learned)
    rows = 0.0
    for a in range(learned.shape[1]):
        rows += today[ROWS, a]
    units = traffic[day + 1] - traffic[day]
    if day >= logged.skip and rows > 0.0 and units > 0.0:
        for a in range(1, learned.shape[1]):
            p1 = shares[P_BEST, a]
            p0 = shares[P_BEST, 0]
            m1 = learned[_MEAN, a]
            m0 = learned[_MEAN, 0]
            if p1 <= 0.0 or p0 <= 0.0:
                continue
            # Of a difference, in parts of what an even split between the two would give it.
            precision = 1.0 / (1.0 / p1 + 1.0 / p0)
            if math.isnan(m1) or math.isnan(m0):
                continue
            score, square = _sums(today, a, 0.0, 0.0, p1, p0)
            _add(logged.kept, IPW, a, 1.0, rows, score, square)
            score, square = _sums(today, a, m1, m0, p1, p0)
            _add(logged.kept, AIPW, a, 1.0, rows, score, square)
            _add(logged.kept, ROOT, a, math.sqrt(precision), rows, score, square)
            rest = logged.left[a - 1]
            spent = spend(rest, 4.0 * precision, traffic[day], traffic[day + 1], traffic[-1], logged.decay)
            logged.left[a - 1] = rest - spent
            _add(logged.kept, TWO_POINT, a, math.sqrt(spent * precision / units), rows, score, square)
    for a in range(learned.shape[1]):
        # A newcomer's rows stand beside the others' of the same day, on the level of the first one too.
        learned[_ROWS, a] += today[ROWS, a]
        learned[_SUMS, a] += today[SUMS, a] - today[ROWS, a] * level


@inner
def estimates(kept: np.ndarray, out: np.ndarray) -> None:
    """Fill `out`, shape (4, arms - 1, 2): ``sum h g / sum h``, root of ``sum h^2 (g - estimate)^2 / (sum h)^2``."""
    for m in range(kept.shape[0]):
        for k in range(kept.shape[1]):
            total = kept[m, k, _H]
            if total <= 0.0:
                out[m, k, 0] = math.nan
                out[m, k, 1] = math.nan
                continue
            value = kept[m, k, _HG] / total
            square = kept[m, k, _HHGG] - 2.0 * value * kept[m, k, _HHG] + value * value * kept[m, k, _HH]
            out[m, k, 0] = value
            out[m, k, 1] = math.sqrt(square) / total if square > 0.0 else math.nan


@advance.register(Logged)
def _logged(
    allocation: Logged,
    outcome: np.random.Generator,
    evaluator: np.random.Generator,
    policy: np.random.Generator,
    replicate: int,
    day: int,
    state: np.ndarray,
) -> None:
    """Let the policy enrol and score its day, then add the day's scores by the shares that it had."""
    before = allocation.before
    if day == 0:
        for i in range(3):
            for a in range(state.shape[1]):
                allocation.learned[i, a] = 0.0
        for a in range(state.shape[1] - 1):
            allocation.left[a] = 1.0
            for m in range(METHODS):
                for i in range(KEPT):
                    allocation.kept[m, a, i] = 0.0
    for i in range(4):
        for a in range(state.shape[1]):
            before[i, a] = state[i, a]
    advance(allocation.policy, outcome, evaluator, policy, replicate, day, state)
    for i in range(UNITS, SQUARES + 1):
        for a in range(state.shape[1]):
            before[i, a] = allocation.log[day, i, a] if allocation.log.shape[0] > 0 else state[i, a] - before[i, a]
    add_day(day, before, allocation)
    estimates(allocation.kept, allocation.out[replicate])
    if allocation.path.shape[0] > 0:
        estimates(allocation.kept, allocation.path[day])
