"""Tests that stay valid when traffic follows the data: arms are compared within each day, and the days then combined.

Which rows come tomorrow depends on what was seen up to today, so pooled means are biased and their z has no normal
law. Given the counts of a day, though, the difference of two arms' means on that day has its true mean and a known
variance, whatever happened before. Standardised, the days of no difference are independent standard normals.

References
----------
.. [1] K. W. Zhang, L. Janson, S. A. Murphy (2020), "Inference for batched bandits", Advances in Neural Information
   Processing Systems 33: the studentised difference of every batch (batched least squares).
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

from expsim_panel.kernels.jit import inner
from expsim_panel.kernels.special import norm_cdf
from expsim_panel.kernels.tables import anything_to_see, verdict
from expsim_panel.kernels.trials import FOR_CONTROL, ROWS, SQUARES, SUMS, decide

SCRATCH = 9
"""Rows of the scratch space."""
_ROWS, _SUMS, _SQUARES, _WITHIN, _FREEDOM, _PLANNED, _WEIGHED, _INFORMATION, _Z = range(SCRATCH)
_PRIOR_FREEDOM = 20.0
"""Rows that the variance over all arms counts for in each arm's: the few first rows may be all alike."""


class DailyTable(NamedTuple):
    """A table of z bounds (see `tables.Table`) for the combined days.

    `part`, shape (days,): root of the information fraction planned for each day: with these weights the sum over
    days is a Brownian motion in planned information, whatever the policy does. `least`: rows that both arms need
    for a day to count; one that does not adds nothing, which can only lose false alarms. `common`: see `_variance`.
    """

    lower: np.ndarray
    upper: np.ndarray
    inner: np.ndarray
    below: int
    part: np.ndarray
    least: float
    common: bool
    work: np.ndarray


class DailyRatio(NamedTuple):
    """A mixture likelihood ratio (see `designs.msprt`) of the combined days, at the information that there is.

    With days weighed by their precision the sum over days is a Brownian motion in the precision collected, which
    is known before each day's outcomes are: the ratio is a martingale (Ville's inequality).
    """

    mixture: float
    threshold: float
    two_sided: bool
    looks: np.ndarray
    common: bool
    work: np.ndarray


@inner
def _variance(arm: int, pooled: float, common: bool, work: np.ndarray) -> float:
    """Return the variance of a row of `arm` within its days, drawn a little to that over all arms.

    With `common` (rates: equal ones have equal variances) control's rows count too. The own variance of an arm
    without luck would be too small just where little traffic makes it weigh most.
    """
    within = work[_WITHIN, arm]
    freedom = work[_FREEDOM, arm]
    if common and arm > 0:
        within += work[_WITHIN, 0]
        freedom += work[_FREEDOM, 0]
    return float((within + _PRIOR_FREEDOM * pooled) / (freedom + _PRIOR_FREEDOM))


@inner
def _add_day(day: int, state: np.ndarray, part: float, least: float, common: bool, work: np.ndarray) -> None:
    """Take the rows that became known today out of the sums so far, and add every contrast to both processes."""
    arms = state.shape[1]
    if day == 0:
        for i in range(work.shape[0]):
            for a in range(arms):
                work[i, a] = 0.0
    within = 0.0
    freedom = 0.0
    for a in range(arms):
        n = state[ROWS, a] - work[_ROWS, a]
        total = state[SUMS, a] - work[_SUMS, a]
        squares = state[SQUARES, a] - work[_SQUARES, a]
        if n > 1.0:
            work[_WITHIN, a] += max(squares - total * total / n, 0.0)
            work[_FREEDOM, a] += n - 1.0
        within += work[_WITHIN, a]
        freedom += work[_FREEDOM, a]
    if within > 0.0:
        pooled = within / freedom
        n0 = state[ROWS, 0] - work[_ROWS, 0]
        for a in range(1, arms):
            n = state[ROWS, a] - work[_ROWS, a]
            if n < 1.0 or n0 < 1.0:
                continue
            own = _variance(a, pooled, common, work)
            v = own / n + (own if common else _variance(0, pooled, False, work)) / n0
            d = (state[SUMS, a] - work[_SUMS, a]) / n - (state[SUMS, 0] - work[_SUMS, 0]) / n0
            if n >= least and n0 >= least:
                work[_PLANNED, a] += part * d / math.sqrt(v)
            work[_WEIGHED, a] += d / v
            work[_INFORMATION, a] += 1.0 / v
    for a in range(arms):
        work[_ROWS, a] = state[ROWS, a]
        work[_SUMS, a] = state[SUMS, a]
        work[_SQUARES, a] = state[SQUARES, a]


@decide.register(DailyTable)
def _daily_table(rule: DailyTable, day: int, state: np.ndarray) -> int:
    """Compare ``sum part_t Z_t / sqrt(sum part_t^2)`` with the bounds of today."""
    work, part = rule.work, rule.part
    _add_day(day, state, part[day], rule.least, rule.common, work)
    if not anything_to_see(rule.lower[day], rule.upper[day], rule.inner[day]):
        return 0
    planned = 0.0
    for t in range(day + 1):
        planned += part[t] * part[t]
    if planned <= 0.0:
        return 0
    for a in range(1, state.shape[1]):
        work[_Z, a] = work[_PLANNED, a] / math.sqrt(planned)
    return verdict(rule.lower[day], rule.upper[day], rule.inner[day], rule.below, work[_Z])


@decide.register(DailyRatio)
def _daily_ratio(rule: DailyRatio, day: int, state: np.ndarray) -> int:
    """Stop for the variant with the largest ratio that rejects; for control when all reject downwards."""
    work = rule.work
    _add_day(day, state, 0.0, 1.0, rule.common, work)
    if not rule.looks[day]:
        return 0
    winner = 0
    highest = rule.threshold
    all_below = rule.two_sided
    for a in range(1, state.shape[1]):
        known = work[_INFORMATION, a]
        if known <= 0.0:
            all_below = False
            continue
        d = work[_WEIGHED, a] / known
        v = 1.0 / known
        total = v + rule.mixture
        ratio = 0.5 * math.log(v / total) + rule.mixture * d * d / (2.0 * v * total)
        if not rule.two_sided:
            ratio += math.log(2.0 * norm_cdf(d * math.sqrt(rule.mixture / (v * total))) + 1e-300)
        if d > 0.0 and ratio > highest:
            highest = ratio
            winner = a
        if not (d < 0.0 and ratio > rule.threshold):
            all_below = False
    if winner > 0:
        return winner
    return FOR_CONTROL if all_below else 0
