"""Confidence sequences for the mean of outcomes known to lie in an interval: no variance or normality assumed.

Each returns the interval after every observation; all of them hold together with probability ``1 - alpha``.

References
----------
.. [1] Waudby-Smith, Ramdas (2024), "Estimating means of bounded random variables by betting", JRSS B 86, 1-27.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from expsim_panel.checked import Floats, check_error_rate
from expsim_panel.errors import InputError, shown

WHERE = "bounded mean"


def _outcomes(values: Sequence[float] | Floats, low: float, high: float) -> Floats:
    """Return the outcomes scaled to [0, 1]; or InputError."""
    if not (math.isfinite(low) and math.isfinite(high) and low < high):
        raise InputError(WHERE, "range", f"range is {shown((low, high))}", "give a low end below the high end")
    x = np.array(values, dtype=np.float64, ndmin=1)
    if x.ndim != 1 or x.size == 0 or not np.all((x >= low) & (x <= high)):
        problem = f"an outcome is outside {low:g} to {high:g}" if x.size else "there are no outcomes"
        raise InputError(WHERE, "outcomes", problem, "give at least one outcome, all within the range")
    return (x - low) / (high - low)


def _before(values: Floats, first: float) -> Floats:
    return np.append(first, values[:-1])


def predictable_bets(x: Floats, alpha: float, fixed_n: int | None = None) -> Floats:
    """Return the bets ``lambda_t = sqrt(2 log(1/alpha) / (s^2_(t-1) t log(1+t)))`` of [1]_ section 3.

    The mean and variance behind ``s^2`` start from one imaginary outcome of 1/2 and one quarter.
    """
    t = np.arange(1, x.size + 1)
    mean = (0.5 + np.cumsum(x)) / (t + 1)
    variance = (0.25 + np.cumsum((x - mean) ** 2)) / (t + 1)
    horizon = t * np.log1p(t) if fixed_n is None else float(fixed_n)
    return np.asarray(np.sqrt(2.0 * math.log(1.0 / alpha) / (horizon * _before(variance, 0.25))))


def _weighted(x: Floats, bets: Floats, spent: Floats, alpha: float) -> Floats:
    """Return the lower ends: weighted mean less (log(1/alpha) + what the bets cost) / their sum."""
    total = np.cumsum(bets)
    return np.asarray((np.cumsum(bets * x) - math.log(1.0 / alpha) - np.cumsum(spent)) / total)


def _pair(low: Floats, high: Floats, ends: tuple[float, float], running: bool) -> tuple[Floats, Floats]:
    if running:
        low, high = np.maximum.accumulate(low), np.minimum.accumulate(high)
    low, high = np.clip(low, 0.0, 1.0), np.clip(high, 0.0, 1.0)
    width = ends[1] - ends[0]
    return ends[0] + width * low, ends[0] + width * high


def hoeffding_sequence(
    outcomes: Sequence[float] | Floats,
    alpha: float = 0.05,
    *,
    low: float = 0.0,
    high: float = 1.0,
    running: bool = False,
) -> tuple[Floats, Floats]:
    """Return the predictable-mixture Hoeffding sequence: bets that do not look at the data.

    ``lambda_t = min(1, sqrt(8 log(2/alpha) / (t log(1+t))))``, half width
    ``(log(2/alpha) + sum lambda^2 / 8) / sum lambda``. `running` intersects with the intervals before.
    """
    check_error_rate(alpha, 2, WHERE)
    x = _outcomes(outcomes, low, high)
    t = np.arange(1, x.size + 1)
    bets = np.minimum(np.sqrt(8.0 * math.log(2.0 / alpha) / (t * np.log1p(t))), 1.0)
    spent = bets * bets / 8.0
    lower, upper = _weighted(x, bets, spent, alpha / 2), 1.0 - _weighted(1.0 - x, bets, spent, alpha / 2)
    return _pair(lower, upper, (low, high), running)


def empirical_bernstein_sequence(
    outcomes: Sequence[float] | Floats,
    alpha: float = 0.05,
    *,
    low: float = 0.0,
    high: float = 1.0,
    truncation: float = 0.5,
    running: bool = False,
) -> tuple[Floats, Floats]:
    """Return the predictable-mixture empirical-Bernstein sequence: short where the outcomes vary little.

    Bets as in `predictable_bets` at ``alpha / 2``, at most `truncation` (in (0, 1)); each costs
    ``(x_t - mean_(t-1))^2 (-log(1 - lambda_t) - lambda_t)``, [1]_ Theorem 2, with the plain running mean, and
    for the first outcome the end of the range that the interval is measured from.
    """
    check_error_rate(alpha, 2, WHERE)
    if not 0.0 < truncation < 1.0:
        raise InputError(WHERE, "truncation", f"truncation is {shown(truncation)}", "give a number within 0 and 1")
    x = _outcomes(outcomes, low, high)
    t = np.arange(1, x.size + 1)

    def lower_of(side: Floats) -> Floats:
        bets = np.minimum(predictable_bets(side, alpha / 2), truncation)
        centre = _before(np.cumsum(side) / t, 0.0)
        return _weighted(side, bets, (side - centre) ** 2 * (-np.log1p(-bets) - bets), alpha / 2)

    return _pair(lower_of(x), 1.0 - lower_of(1.0 - x), (low, high), running)


def betting_sequence(
    outcomes: Sequence[float] | Floats,
    alpha: float = 0.05,
    *,
    low: float = 0.0,
    high: float = 1.0,
    breaks: int = 1000,
    share: float = 0.5,
    running: bool = False,
) -> tuple[Floats, Floats]:
    """Return the hedged capital sequence: the means against which no bet has grown ``1 / alpha``-fold.

    Capital of a gambler who bets up and of one who bets down, half of the stake each; bets as in
    `predictable_bets` at `alpha`, at most the share that cannot go bankrupt times `share`. The tightest of the
    three sequences, and the slowest: a grid of ``breaks`` candidate means, each end moved out by one step.
    """
    check_error_rate(alpha, 2, WHERE)
    if isinstance(breaks, bool) or not isinstance(breaks, int) or not 2 <= breaks <= 100_000:
        raise InputError(WHERE, "breaks", f"breaks is {shown(breaks)}", "give a whole number, 2 to 100,000")
    if not 0.0 < share < 1.0:
        raise InputError(WHERE, "share", f"share is {shown(share)}", "give a number within 0 and 1")
    x = _outcomes(outcomes, low, high)
    bets = predictable_bets(x, alpha)
    means = np.arange(breaks + 1) / breaks
    lower, upper = np.ones(x.size), np.zeros(x.size)
    for m in means:
        rise = np.minimum(bets, share / m if m > 0.0 else np.inf)
        fall = np.minimum(bets, share / (1.0 - m) if m < 1.0 else np.inf)
        up, down = np.cumsum(np.log1p(rise * (x - m))), np.cumsum(np.log1p(-fall * (x - m)))
        kept = np.maximum(up, down) <= math.log(2.0 / alpha)
        lower[kept] = np.minimum(lower[kept], m)
        upper[kept] = np.maximum(upper[kept], m)
    empty = lower > upper
    lower, upper = np.where(empty, 0.0, lower - 1.0 / breaks), np.where(empty, 1.0, upper + 1.0 / breaks)
    return _pair(lower, upper, (low, high), running)
