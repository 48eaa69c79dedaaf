"""Many truths over the same experiments: the paths are drawn once, and every cell of a surface only reads them.

Rows of an arm are independent with one law, so a true mean shifts their sum and leaves the squares about the
mean as they are, and a standard deviation stretches both. A path drawn at mean 0 therefore is the path at
every mean, and two cells differ by nothing but their truth (common random numbers).
"""

from __future__ import annotations

import math

import numpy as np

from expsim_panel.kernels.jit import kernel
from expsim_panel.kernels.trials import FOR_CONTROL, FUTILE

FOR_NOBODY, STOPPED_FOR_CONTROL, GAVE_UP, NOTHING_THERE = 0, 1, 2, 3
"""Decisions that launch nothing, counted from the number of arms less 1; launches of arm a come first, at a - 1.
`NOTHING_THERE` ends at the horizon with every interval below the smallest effect that matters."""

USABLE, INSIDE, INSIDE_SQUARED, LAUNCHES, RATIO, RATIO_SQUARED, UNDEFINED = 0, 1, 2, 3, 4, 5, 6
TALLIES = 7
"""Sums over the experiments of a cell: those with an interval, the share of intervals that hold the truth and its
square; launches, estimate over truth and its square; launches whose true effect is 0."""


@kernel
def read_paths(
    rows: np.ndarray, sums: np.ndarray, squares: np.ndarray, ddof: float, mean: np.ndarray, variance: np.ndarray
) -> None:
    """Turn cumulative sums into means and the estimated variances of these means, at every look.

    Parameters
    ----------
    rows : int64 ndarray, shape (looks, arms)
        Cumulative rows.
    sums, squares : float64 ndarray, shape (replicates, looks, arms)
        As `outcomes.draw_paths` makes them.
    ddof : float
        1 for scores, 0 for rates.
    mean, variance : float64 ndarray, same shape
        Output; -1 for a variance of too few rows.
    """
    looks, arms = rows.shape
    for k in range(sums.shape[0]):
        for t in range(looks):
            for a in range(arms):
                n = float(rows[t, a])
                if n <= ddof or n == 0.0:
                    mean[k, t, a] = 0.0
                    variance[k, t, a] = -1.0
                    continue
                s = sums[k, t, a]
                mean[k, t, a] = s / n
                variance[k, t, a] = max(squares[k, t, a] - s * s / n, 0.0) / (n - ddof) / n


@kernel
def draw_looks(rng: np.random.Generator, steps: np.ndarray, mean: np.ndarray, variance: np.ndarray) -> None:
    """Draw what `read_paths` makes of normal rows with mean 0 and standard deviation 1, in half the time.

    The law is that of `outcomes.draw_paths`; what the squares' gamma variates need of the number of rows is worked
    out once and not in every replicate.

    Parameters
    ----------
    rng : Generator
        Stream of the rows.
    steps : int64 ndarray, shape (looks, arms)
        Rows from one look to the next.
    mean, variance : float64 ndarray, shape (replicates, looks, arms)
        Output.

    References
    ----------
    G. Marsaglia, W. W. Tsang (2000), "A simple method for generating gamma variables", ACM Transactions on
    Mathematical Software 26, 363-372.
    """
    replicates, looks, arms = mean.shape
    root, shape, narrow = np.empty(looks), np.empty(looks), np.empty(looks)
    each, both, freedom = np.empty(looks), np.empty(looks), np.empty(looks)
    for a in range(arms):
        seen = 0.0
        for t in range(looks):
            n = float(steps[t, a])
            seen += n
            root[t] = math.sqrt(n)
            each[t] = 1.0 / n if n > 0.0 else 0.0
            both[t] = 1.0 / seen if seen > 0.0 else 0.0
            freedom[t] = both[t] / (seen - 1.0) if seen > 1.0 else -1.0
            shape[t] = 0.5 * (n - 1.0) - 1.0 / 3.0
            narrow[t] = 1.0 / math.sqrt(9.0 * shape[t]) if n >= 3.0 else 0.0
        for k in range(replicates):
            total = 0.0
            square = 0.0
            for t in range(looks):
                n = steps[t, a]
                if n > 0:
                    s = root[t] * rng.standard_normal()
                    total += s
                    square += s * s * each[t]
                if n == 2:
                    x = rng.standard_normal()
                    square += x * x
                elif n > 2:
                    while True:
                        x = rng.standard_normal()
                        v = 1.0 + narrow[t] * x
                        if v <= 0.0:
                            continue
                        v = v * v * v
                        u = rng.random()
                        x *= x
                        if u < 1.0 - 0.0331 * x * x or math.log(u) < 0.5 * x + shape[t] * (1.0 - v + math.log(v)):
                            square += 2.0 * shape[t] * v
                            break
                if freedom[t] < 0.0:
                    mean[k, t, a] = 0.0
                    variance[k, t, a] = -1.0
                else:
                    mean[k, t, a] = total * both[t]
                    variance[k, t, a] = max(square - total * total * both[t], 0.0) * freedom[t]


@kernel
def judge_cells(
    mean: np.ndarray,
    variance: np.ndarray,
    centre: np.ndarray,
    scale: np.ndarray,
    effects: np.ndarray,
    lower: np.ndarray,
    upper: np.ndarray,
    below: np.ndarray,
    z: np.ndarray,
    indifference: np.ndarray,
    ended: np.ndarray,
    tallies: np.ndarray,
) -> None:
    """Stop and decide every experiment in every cell, as `tables.Table` and `operating.decisions` do.

    Parameters
    ----------
    mean, variance : float64 ndarray, shape (replicates, looks, arms)
        From `read_paths`, of rows with mean 0 and standard deviation 1 (or the cells' own).
    centre, scale : float64 ndarray, shape (cells, arms)
        Mean of a row in each cell, and its standard deviation over that of the paths.
    effects : float64 ndarray, shape (cells, arms)
        True effects over control.
    lower, upper : float64 ndarray, shape (cells, looks)
        Bounds; the last look is the end of the experiment, with infinite ones where there is no test.
    below : int64 ndarray, shape (cells,)
        Answer when all variants are below: `FOR_CONTROL` or `FUTILE`.
    z, indifference : float64 ndarray, shape (cells,)
        Quantile of the interval shown with an estimate; smallest effect that matters.
    ended : uint16 ndarray, shape (cells, replicates)
        Output: ``look (arms + 3) + decision``.
    tallies : float64 ndarray, shape (cells, TALLIES)
        Output: added to.
    """
    replicates, looks, arms = mean.shape
    for c in range(centre.shape[0]):
        for k in range(replicates):
            answer = 0
            at = looks - 1
            for t in range(looks):
                if not (lower[c, t] > -np.inf or upper[c, t] < np.inf):
                    continue
                v0 = variance[k, t, 0]
                base = centre[c, 0] + scale[c, 0] * mean[k, t, 0]
                winner = 0
                highest = upper[c, t]
                all_below = True
                for a in range(1, arms):
                    statistic = 0.0
                    va = variance[k, t, a]
                    if v0 >= 0.0 and va >= 0.0:
                        v = scale[c, a] * scale[c, a] * va + scale[c, 0] * scale[c, 0] * v0
                        if v > 0.0:
                            statistic = (centre[c, a] + scale[c, a] * mean[k, t, a] - base) / math.sqrt(v)
                    if statistic > highest:
                        highest = statistic
                        winner = a
                    if not statistic < lower[c, t]:
                        all_below = False
                if winner > 0:
                    answer = winner
                elif all_below:
                    answer = below[c]
                if answer != 0:
                    at = t
                    break
            nothing = True
            usable = True
            inside = 0.0
            ratio = 0.0
            v0 = variance[k, at, 0]
            base = centre[c, 0] + scale[c, 0] * mean[k, at, 0]
            for a in range(1, arms):
                va = variance[k, at, a]
                if v0 < 0.0 or va < 0.0:
                    usable = False
                    nothing = False
                    continue
                estimate = centre[c, a] + scale[c, a] * mean[k, at, a] - base
                half = z[c] * math.sqrt(scale[c, a] * scale[c, a] * va + scale[c, 0] * scale[c, 0] * v0)
                if not estimate + half < indifference[c]:
                    nothing = False
                if abs(estimate - effects[c, a]) <= half:
                    inside += 1.0
                if a == answer and effects[c, a] != 0.0:
                    ratio = estimate / effects[c, a]
            if usable:
                inside /= arms - 1.0
                tallies[c, USABLE] += 1.0
                tallies[c, INSIDE] += inside
                tallies[c, INSIDE_SQUARED] += inside * inside
            decision = arms - 1 + FOR_NOBODY
            if answer > 0:
                decision = answer - 1
                tallies[c, LAUNCHES] += 1.0
                tallies[c, RATIO] += ratio
                tallies[c, RATIO_SQUARED] += ratio * ratio
                if effects[c, answer] == 0.0:
                    tallies[c, UNDEFINED] += 1.0
            elif answer == FOR_CONTROL:
                decision = arms - 1 + STOPPED_FOR_CONTROL
            elif answer == FUTILE:
                decision = arms - 1 + GAVE_UP
            elif nothing:
                decision = arms - 1 + NOTHING_THERE
            ended[c, k] = at * (arms + 3) + decision


@kernel
def count_ends(ended: np.ndarray, counts: np.ndarray) -> None:
    """Add to `counts`, shape (cells, classes), how often each class of `ended` occurs in each cell."""
    for c in range(ended.shape[0]):
        for k in range(ended.shape[1]):
            counts[c, ended[c, k]] += 1


@kernel
def count_pairs(one: np.ndarray, other: np.ndarray, counts: np.ndarray) -> None:
    """Add to `counts`, shape (cells, classes, classes), how often two strategies end so on the same paths."""
    for c in range(one.shape[0]):
        for k in range(one.shape[1]):
            counts[c, one[c, k], other[c, k]] += 1
