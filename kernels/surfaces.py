"""Many truths over the same experiments: every cell of a surface reads paths that are there.

Rows of an arm are independent with one law, so a true mean shifts their sum and leaves the squares about the
mean as they are, and a standard deviation stretches both. A path drawn at mean 0 therefore is the path at
every mean, and two cells differ by nothing but their truth (common random numbers).
"""

from __future__ import annotations

import math

import numpy as np

from expsim_panel.kernels.jit import inner, kernel
from expsim_panel.kernels.trials import FOR_CONTROL, FUTILE

FOR_NOBODY, STOPPED_FOR_CONTROL, GAVE_UP, NOTHING_THERE = 0, 1, 2, 3
"""Decisions that launch nothing, counted from the number of arms less 1; launches of arm a come first, at a - 1.
`NOTHING_THERE` ends at the horizon with every interval below the smallest effect that matters."""

USABLE, INSIDE, INSIDE_SQUARED, LAUNCHES, RATIO, RATIO_SQUARED, UNDEFINED = 0, 1, 2, 3, 4, 5, 6
TALLIES = 7
"""Sums over the experiments of a cell: those with an interval, the share of intervals that hold the truth and its
square; launches, estimate over truth and its square; launches whose true effect is 0."""


@kernel
def read_paths(rows: np.ndarray, sums: np.ndarray, squares: np.ndarray, mean: np.ndarray, variance: np.ndarray) -> None:
    """Turn cumulative sums of scores into means and the estimated variances of these means, at every look.

    Parameters
    ----------
    rows : int64 ndarray, shape (looks, arms)
        Cumulative rows.
    sums, squares : float64 ndarray, shape (replicates, looks, arms)
        As `outcomes.draw_paths` makes them.
    mean, variance : float64 ndarray, shape (looks, arms, replicates)
        Output; -1 for a variance of too few rows.
    """
    looks, arms = rows.shape
    for k in range(sums.shape[0]):
        for t in range(looks):
            for a in range(arms):
                n = float(rows[t, a])
                if n <= 1.0:
                    mean[t, a, k] = 0.0
                    variance[t, a, k] = -1.0
                    continue
                s = sums[k, t, a]
                mean[t, a, k] = s / n
                variance[t, a, k] = max(squares[k, t, a] - s * s / n, 0.0) / (n - 1.0) / n


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

    A look is taken in all experiments before the next, those that have ended included: their registers of four or
    eight are faster than asking each whether it still runs. Statistics are compared by their signed squares, with
    neither root nor quotient.

    Parameters
    ----------
    mean, variance : float64 ndarray, shape (looks, arms, replicates)
        From `read_paths` or `luck.lucky_paths`, of rows with mean 0 and standard deviation 1 (or the cells' own).
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
    looks, arms, replicates = mean.shape
    answer, at = np.empty(replicates, np.int64), np.empty(replicates, np.int64)
    winner, under = np.empty(replicates, np.int64), np.empty(replicates, np.int64)
    top, top_of = np.empty(replicates), np.empty(replicates)
    estimate, spread = np.empty((arms, replicates)), np.empty((arms, replicates))
    for c in range(centre.shape[0]):
        answer[:] = 0
        at[:] = looks - 1
        for t in range(looks):
            if t < looks - 1 and not (lower[c, t] > -np.inf or upper[c, t] < np.inf):
                continue
            low, high = lower[c, t] * abs(lower[c, t]), upper[c, t] * abs(upper[c, t])
            winner[:] = 0
            under[:] = 1
            top[:] = high
            top_of[:] = 1.0
            for a in range(1, arms):
                _compare(
                    mean[t, 0], variance[t, 0], mean[t, a], variance[t, a], centre[c, a], centre[c, 0], scale[c, a],
                    scale[c, 0], low, a, answer, estimate[a], spread[a], winner, under, top, top_of,
                )  # fmt: skip
            loss = below[c]
            for k in range(replicates):
                won, lost, told, then = winner[k], under[k], answer[k], at[k]
                new = won if won > 0 else lost * loss
                answer[k] = new if told == 0 else told
                at[k] = t if told == 0 else then
        _tally(
            answer, at, estimate, spread, effects[c], z[c], indifference[c], top, top_of, under, ended[c], tallies[c]
        )


@inner
def _compare(
    mean_0: np.ndarray,
    variance_0: np.ndarray,
    mean_a: np.ndarray,
    variance_a: np.ndarray,
    centre_a: float,
    centre_0: float,
    scale_a: float,
    scale_0: float,
    low: float,
    a: int,
    answer: np.ndarray,
    estimate: np.ndarray,
    spread: np.ndarray,
    winner: np.ndarray,
    under: np.ndarray,
    top: np.ndarray,
    top_of: np.ndarray,
) -> None:
    """Compare an arm with the control at a look, in all experiments: no branches, every array read before it is set.

    `top` over `top_of` is the highest signed square so far, `winner` whose it is; `under` stays 1 while all are
    below `low`, a signed square too. Estimates and their variances (-1: not known) stay as an experiment ended.
    """
    square_a, square_0 = scale_a * scale_a, scale_0 * scale_0
    for k in range(answer.size):
        v_0, v_a = variance_0[k], variance_a[k]
        was, was_spread, told = estimate[k], spread[k], answer[k]
        best, best_of, who, all_under = top[k], top_of[k], winner[k], under[k]
        e = (centre_a + scale_a * mean_a[k]) - (centre_0 + scale_0 * mean_0[k])
        v = square_a * v_a + square_0 * v_0 if min(v_0, v_a) >= 0.0 else -1.0
        estimate[k] = e if told == 0 else was
        spread[k] = v if told == 0 else was_spread
        e = e * abs(e) if v > 0.0 else 0.0
        v = v if v > 0.0 else 1.0
        under[k] = all_under if e < low * v else 0
        wins = e * best_of > best * v
        winner[k] = a if wins else who
        top[k] = e if wins else best
        top_of[k] = v if wins else best_of


@inner
def _tally(
    answer: np.ndarray,
    at: np.ndarray,
    estimate: np.ndarray,
    spread: np.ndarray,
    effects: np.ndarray,
    z: float,
    indifference: float,
    inside: np.ndarray,
    ratio: np.ndarray,
    nothing: np.ndarray,
    ended: np.ndarray,
    tallies: np.ndarray,
) -> None:
    """Decide experiments that have ended, and add up what their estimates were worth.

    Written over: `inside` (the intervals of an experiment that hold the truth, -inf where one is not known),
    `ratio` (estimate over truth of what is launched) and `nothing` (1 while no interval reaches what matters).
    """
    arms, replicates = effects.size, answer.size
    inside[:] = 0.0
    ratio[:] = 0.0
    nothing[:] = 1
    launches, undefined = 0, 0
    for a in range(1, arms):
        effect = effects[a]
        over = 1.0 / effect if effect != 0.0 else 0.0
        e_a, v_a, won = estimate[a], spread[a], 0
        for k in range(replicates):
            e, v, held, share, small = e_a[k], v_a[k], inside[k], ratio[k], nothing[k]
            mine = answer[k] == a
            half = z * math.sqrt(max(v, 0.0))
            held += 1.0 if abs(e - effect) <= half else 0.0
            inside[k] = held if v >= 0.0 else -np.inf
            nothing[k] = small if v >= 0.0 and e + half < indifference else 0
            ratio[k] = e * over if mine else share
            won += 1 if mine else 0
        launches += won
        undefined += won if effect == 0.0 else 0
    usable, total, squared, ratios, ratios_squared = 0, 0.0, 0.0, 0.0, 0.0
    nobody = arms - 1 + FOR_NOBODY
    for k in range(replicates):
        held, told, then = inside[k], answer[k], at[k]
        usable += 1 if held >= 0.0 else 0
        held = max(held, 0.0) / (arms - 1.0)
        total += held
        squared += held * held
        ratios += ratio[k]
        ratios_squared += ratio[k] * ratio[k]
        decision = nobody + (NOTHING_THERE - FOR_NOBODY) * nothing[k]
        decision = arms - 1 + STOPPED_FOR_CONTROL if told == FOR_CONTROL else decision
        decision = arms - 1 + GAVE_UP if told == FUTILE else decision
        ended[k] = then * (arms + 3) + (told - 1 if told > 0 else decision)
    tallies[USABLE] += usable
    tallies[INSIDE] += total
    tallies[INSIDE_SQUARED] += squared
    tallies[LAUNCHES] += launches
    tallies[RATIO] += ratios
    tallies[RATIO_SQUARED] += ratios_squared
    tallies[UNDEFINED] += undefined


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
