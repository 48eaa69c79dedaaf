"""Scored rows of one day and arm in worlds that are not plain: drifting, clustered, ordinal, amounts.

A plain world (rows independent, one law all the time) is drawn by `measuring` and needs none of this.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

from expsim_panel.kernels.draws import binomial
from expsim_panel.kernels.jit import inner, kernel
from expsim_panel.kernels.measuring import binary_rows, normal_rows
from expsim_panel.kernels.special import norm_cdf, norm_pdf

SCORES, RATES, LEVELS, AMOUNTS, VERDICTS, RATED = 0, 1, 2, 3, 4, 5
"""Families of outcomes: normal, 0/1, ordered levels, zero-inflated lognormal; `verdicts` draws the next one; what
people give, from a table of raters."""

_ONE_BY_ONE = 4
"""Rows of a rater, per value that a row can have, up to which drawing them one by one is faster."""


class Rows(NamedTuple):
    """The law of the scored rows of a block, and scratch space for the raters.

    Attributes
    ----------
    family : int
        `SCORES`, `RATES`, `LEVELS`, `AMOUNTS` or `RATED`.
    means : float64 ndarray, shape (replicates, arms)
        Mean of a row: as scored for scores and rates, of the true outcome for levels and amounts, of the ratings of
        all raters for rated rows.
    sds : float64 ndarray, shape (replicates, arms)
        Standard deviation of a scored row; not read for levels and amounts.
    shift : float64 ndarray, shape (days, arms)
        What each day adds to `means`.
    spill : float64 ndarray, shape (replicates, arms)
        What all arms' means gain where this arm has all of the day's traffic; in proportion otherwise.
    icc, size, spread : float
        Clustered rows: correlation of two rows of a unit, mean rows of a unit and the coefficient of variation
        of their number. `icc` 0: independent rows.
    offset : float64 ndarray, shape (days, arms)
        Levels and amounts: added by the evaluator to every score.
    scale, noise : float
        Levels and amounts: points of score per point of outcome, and standard deviation of the score's noise; rated
        rows: standard deviation within a value.
    values, cuts : float64 ndarray, shapes (levels,), (levels - 1,)
        Levels: value of each, and thresholds of the ordered probit. Rated: values that a row can have.
    latent, implied : float64 ndarray, shape (grid,)
        Levels: latent means, ascending, and the mean outcome each one implies.
    zeros, sigma : float
        Amounts: P(0), and the standard deviation of the log of the others.
    severity_sd : float
    raters : int
    shared : bool
        Rater severity; see `measuring.draw_severity`.
    severity : float64 ndarray, shape (arms, >= raters)
        Scratch: severity of each rater in the current replicate; rated rows: a standard normal that says by its
        rank which kind of rater it is.
    table : float64 ndarray, shape (arms, kinds, grid, values)
        Rated: P(value of a row <= this one) for each kind of rater along a grid of latent means.
    centre : float64 ndarray, shape (arms, grid)
        Rated: mean of a row there, all kinds of raters together, ascending.
    """

    family: int
    means: np.ndarray
    sds: np.ndarray
    shift: np.ndarray
    spill: np.ndarray
    icc: float
    size: float
    spread: float
    offset: np.ndarray
    scale: float
    noise: float
    values: np.ndarray
    cuts: np.ndarray
    latent: np.ndarray
    implied: np.ndarray
    zeros: float
    sigma: float
    severity_sd: float
    raters: int
    shared: bool
    severity: np.ndarray
    table: np.ndarray
    centre: np.ndarray


@inner
def draw_rows(law: Rows, rng: np.random.Generator, day: int, arm: int, rows: int, mean: float, sd: float,
              first: int) -> tuple[float, float]:  # fmt: skip
    """Return sum and sum of squares of `rows` scored rows of one day and arm.

    Parameters
    ----------
    mean, sd : float
        Law of a row on this day; see `Rows.means` and `Rows.sds`.
    first : int
        Rater of the first row.
    """
    if rows == 0:
        return 0.0, 0.0
    if law.family == RATES:
        if law.icc > 0.0:
            return _clustered_hits(rng, law.icc, law.size, law.spread, rows, mean)
        return binary_rows(rng, rows, mean)
    if law.family == SCORES:
        if law.icc > 0.0:
            shift, between = row_severity(law.severity, law.raters, arm, rows, first)
            return _clustered_scores(rng, law.icc, law.size, law.spread, rows, mean, sd, shift, between)
        return normal_rows(rng, rows, mean, sd, law.severity, arm, law.raters, first)
    if law.family == RATED:
        total, within = _rated(law, rng, arm, rows, mean, first)
        return score_rows(rng, 1.0, law.noise, rows, total, within, 0.0, 0.0)
    if law.family == LEVELS:
        total, within = draw_levels(rng, law.values, law.cuts, law.latent, law.implied, rows, mean)
    else:
        total, within = draw_amounts(rng, law.zeros, law.sigma, rows, mean)
    shift, between = row_severity(law.severity, law.raters, arm, rows, first)
    return score_rows(rng, law.scale, law.noise, rows, total, within, rows * law.offset[day, arm] + shift, between)


@kernel
def row_severity(severity: np.ndarray, raters: int, arm: int, rows: int, first: int) -> tuple[float, float]:
    """Return the sum of the severities of `rows` rows scored in turn, and their sum of squares about the mean."""
    shift = 0.0
    square = 0.0
    if raters == 0:
        return 0.0, 0.0
    each = rows // raters
    left = rows - each * raters
    for r in range(raters):
        turn = r - first % raters
        if turn < 0:
            turn += raters
        n_r = each + (1 if turn < left else 0)
        shift += n_r * severity[arm, r]
        square += n_r * severity[arm, r] * severity[arm, r]
    return shift, max(square - shift * shift / rows, 0.0)


@inner
def _rated(law: Rows, rng: np.random.Generator, arm: int, rows: int, mean: float, first: int) -> tuple[float, float]:
    """Draw rows that raters give in turn: sum, and sum of squares about the mean.

    Given who rates, rows are independent and take few values, so their counts are multinomial for each rater.
    """
    low, part = _between(law.centre[arm], mean)
    kinds, last = law.table.shape[1], law.values.shape[0] - 1
    each = rows // law.raters
    left = rows - each * law.raters
    total = 0.0
    square = 0.0
    for r in range(law.raters):
        turn = r - first % law.raters
        if turn < 0:
            turn += law.raters
        n = each + (1 if turn < left else 0)
        kind = min(int(norm_cdf(law.severity[arm, r]) * kinds), kinds - 1)
        if n <= _ONE_BY_ONE * last:
            for _ in range(n):
                chance = rng.random()
                j = 0
                while j < last and chance > _up_to(law.table, arm, kind, low, part, j):
                    j += 1
                total += law.values[j]
                square += law.values[j] * law.values[j]
            continue
        below = 0.0
        for j in range(last + 1):
            count = n
            if j < last and n > 0:
                up_to = _up_to(law.table, arm, kind, low, part, j)
                above = 1.0 - below
                count = binomial(rng, n, min(max((up_to - below) / above, 0.0), 1.0)) if above > 0.0 else n
                below = up_to
            total += count * law.values[j]
            square += count * law.values[j] * law.values[j]
            n -= count
    return total, max(square - total * total / rows, 0.0)


@inner
def _up_to(table: np.ndarray, arm: int, kind: int, low: int, part: float, value: int) -> float:
    """Return P(row <= value) between two latent means of the grid."""
    found: float = (1.0 - part) * table[arm, kind, low, value] + part * table[arm, kind, low + 1, value]
    return found


@inner
def _between(centre: np.ndarray, mean: float) -> tuple[int, float]:
    """Return where in an ascending grid a mean lies: the point below, and the part of the way to the next."""
    low = 0
    high = centre.shape[0] - 1
    if mean <= centre[0]:
        return 0, 0.0
    if mean >= centre[high]:
        return high - 1, 1.0
    while high - low > 1:
        middle = (low + high) // 2
        if centre[middle] <= mean:
            low = middle
        else:
            high = middle
    return low, (mean - centre[low]) / (centre[high] - centre[low])


@kernel
def _clustered_scores(
    rng: np.random.Generator,
    icc: float,
    size: float,
    spread: float,
    rows: int,
    mean: float,
    sd: float,
    shift: float,
    between: float,
) -> tuple[float, float]:
    """Normal rows of which those of a unit have correlation `icc`.

    The sum has variance ``n sd^2 deff`` with ``deff = 1 + ((1 + cv^2) m - 1) icc``. About the mean, units of one
    size m leave ``sd^2 deff chi2(U - 1)`` between them and ``sd^2 (1 - icc) chi2(n - U)`` within: exact; units
    of several sizes have the first part's mean, and its degrees of freedom.
    """
    units = max(rows / size, 1.0)
    effect = 1.0 + ((1.0 + spread * spread) * size - 1.0) * icc
    total = rows * mean + shift + sd * math.sqrt(rows * effect) * rng.standard_normal()
    within = between
    if units > 1.0:
        share = max(units - effect + icc * (rows - units), 0.0) / (units - 1.0)
        within += sd * sd * share * rng.chisquare(units - 1.0)
    if rows > units:
        within += sd * sd * (1.0 - icc) * rng.chisquare(rows - units)
    return total, within + total * total / rows


@kernel
def _clustered_hits(
    rng: np.random.Generator, icc: float, size: float, spread: float, rows: int, rate: float
) -> tuple[float, float]:
    """0/1 rows of which those of a unit have correlation `icc`; the number of hits, twice.

    A unit is with probability `icc` one that always answers the same, otherwise its rows are independent:
    two rows of a unit then have correlation `icc`, whatever their number, and the hits are whole and exact.
    """
    units = max(int(rows / size + 0.5), 1)
    fixed = binomial(rng, units, icc)
    good = binomial(rng, fixed, rate)
    of_good = rows_of(rng, size, spread, good)
    of_bad = rows_of(rng, size, spread, fixed - good)
    over = of_good + of_bad - rows
    if over > 0:
        # More rows than there are: the last of the constant units are cut off, in proportion.
        cut = min(int(over * (of_good / (of_good + of_bad)) + 0.5), of_good)
        of_good -= cut
        of_bad -= over - cut
    hits = float(of_good + binomial(rng, rows - of_good - of_bad, rate))
    return hits, hits


@inner
def rows_of(rng: np.random.Generator, size: float, spread: float, units: int) -> int:
    """Return the rows of some units together: a normal sum of sizes, rounded."""
    if units == 0:
        return 0
    total = units * size
    if spread > 0.0:
        total += spread * size * math.sqrt(units) * rng.standard_normal()
    return max(int(total + 0.5), 0)


@inner
def latent_mean(values: np.ndarray, cuts: np.ndarray, latent: np.ndarray, implied: np.ndarray, mean: float) -> float:
    """Return the latent mean whose ordered probit has this mean: from the grid, then one Newton step."""
    last = latent.shape[0] - 1
    at: float = latent[0]
    if mean <= implied[0]:
        return at
    if mean >= implied[last]:
        at = latent[last]
        return at
    low = 0
    high = last
    while high - low > 1:
        middle = (low + high) // 2
        if implied[middle] <= mean:
            low = middle
        else:
            high = middle
    part = (mean - implied[low]) / (implied[high] - implied[low])
    at = latent[low] + part * (latent[high] - latent[low])
    found: float = values[0]
    slope = 0.0
    for j in range(cuts.shape[0]):
        step = values[j + 1] - values[j]
        found += step * norm_cdf(at - cuts[j])
        slope += step * norm_pdf(at - cuts[j])
    if slope > 1e-6:
        at += (mean - found) / slope
    return at


@kernel
def draw_levels(
    rng: np.random.Generator,
    values: np.ndarray,
    cuts: np.ndarray,
    latent: np.ndarray,
    implied: np.ndarray,
    rows: int,
    mean: float,
) -> tuple[float, float]:
    """Multinomial over the levels of an ordered probit: sum, and sum of squares about the mean."""
    at = latent_mean(values, cuts, latent, implied, mean)
    left = rows
    below = 0.0
    total = 0.0
    square = 0.0
    last = values.shape[0] - 1
    for j in range(last + 1):
        count = left
        if j < last and left > 0:
            up_to = norm_cdf(cuts[j] - at)
            above = 1.0 - below
            count = binomial(rng, left, min((up_to - below) / above, 1.0)) if above > 0.0 else left
            below = up_to
        total += count * values[j]
        square += count * values[j] * values[j]
        left -= count
    return total, max(square - total * total / rows, 0.0)


@kernel
def draw_amounts(rng: np.random.Generator, zeros: float, sigma: float, rows: int, mean: float) -> tuple[float, float]:
    """Zero-inflated lognormal, row by row: the sum and the sum of squares are far from independent."""
    paying = binomial(rng, rows, 1.0 - zeros)
    if mean <= 0.0:
        return 0.0, 0.0
    centre = math.log(mean / (1.0 - zeros)) - 0.5 * sigma * sigma
    total = 0.0
    square = 0.0
    for _ in range(paying):
        one = math.exp(centre + sigma * rng.standard_normal())
        total += one
        square += one * one
    return total, max(square - total * total / rows, 0.0)


@kernel
def score_rows(
    rng: np.random.Generator,
    scale: float,
    noise: float,
    rows: int,
    total: float,
    within: float,
    shift: float,
    between: float,
) -> tuple[float, float]:
    """Put the evaluator's scale, offset, noise and raters on outcomes known by their sums.

    About its mean the vector of scores is that of the outcomes, stretched, plus the raters' severities (in a
    random direction against it), plus noise: of that, one squared normal lies along the rest and a
    chi-square across it.
    """
    square = scale * scale * within + between
    if between > 0.0 and rows > 1:
        square += 2.0 * scale * math.sqrt(within * between / (rows - 1.0)) * rng.standard_normal()
        square = max(square, 0.0)
    scored = shift + scale * total
    if noise > 0.0:
        scored += noise * math.sqrt(rows) * rng.standard_normal()
        if rows > 1:
            lead = math.sqrt(square) + noise * rng.standard_normal()
            square = lead * lead
        if rows > 2:
            square += noise * noise * rng.chisquare(rows - 2.0)
    return scored, square + scored * scored / rows
