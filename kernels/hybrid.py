"""Rows that a judge scored and people labelled in part: drawn as sums, corrected, read by every stopping rule.

The corrected mean of an arm and its variance go into the state of `trials` as those of as many rows as have a
label, so that a rule that reads number, sum and sum of squares of rows sees the estimate and its error.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

from expsim_panel.kernels.draws import binomial
from expsim_panel.kernels.estimators import binary_eif, rogan_gladen, tuned_weight, weighted_mean
from expsim_panel.kernels.jit import inner, kernel
from expsim_panel.kernels.measuring import draw_severity
from expsim_panel.kernels.pairs import binary_pair, normal_pair, normal_single
from expsim_panel.kernels.rows import LEVELS, RATES, SCORES, draw_amounts, draw_levels, row_severity, score_rows

PPI_PLUS, PPI, EIF, ROGAN_GLADEN = 0, 1, 2, 3
"""Ways to correct: see `kernels.estimators`."""

N, Y, F, YY, FF, YF, REST, REST_F, REST_FF = 0, 1, 2, 3, 4, 5, 6, 7, 8
"""Sums of an arm: labelled rows, their labels, scores, squares and products; the other rows and their scores."""
SUMS_KEPT = 9
LEAST = 4.0
"""Labelled rows from which the judge is used: a weight from fewer would be noise."""


class Scored(NamedTuple):
    """The law of label and judge score in a block; arrays (replicates, arms) unless said otherwise.

    A score is ``offset + slope q + drift + noise``, a label ``q + severity + noise``, q the true outcome. For rates
    q is 0 or 1, and both flip it.

    Attributes
    ----------
    family : int
        `SCORES`, `RATES`, `LEVELS` or `AMOUNTS` of `kernels.rows`.
    means, sds, spill : float64 ndarray
        True mean; standard deviation of q where it is normal; what all means gain by this arm's traffic.
    steps : float64 ndarray, shape (days, arms)
        What each day adds to the true mean.
    drift : float64 ndarray, shape (days,)
        What each day adds to a judge's score, or to its rate of positive ones.
    offset, slope, score_noise, label_noise : float64 ndarray
        Scores; see above.
    hit, false : float64 ndarray
        Rates: P(score 1 | q = 1), P(score 1 | q = 0).
    yes, no : float
        Rates: P(label 1 | q = 1), P(label 0 | q = 0).
    values, cuts, latent, implied, zeros, sigma
        Levels and amounts; see `kernels.rows.Rows`.
    correction : int
        `PPI_PLUS`, `PPI`, `EIF` or `ROGAN_GLADEN`.
    origin, sign : float
        A corrected mean counts as ``origin + sign mean``, so that more is better.
    residual, uneven : float
        Variance of a weighted label given its score, over that of any label: below 1 where labels go where the judge
        is unsure; squared coefficient of variation of these weights, which severities are multiplied by too. 1 and 0
        where labels are random; otherwise for normal rows only.
    favour : float
        Rates: labels of a positive verdict per label of a negative one; 1 where labels are random.
    per_label : float
        Judged rows per labelled one, 1 or more.
    severity_sd : float
    raters : int
    shared : bool
        Rater severity; see `measuring.draw_severity`.
    severity : float64 ndarray, shape (arms, >= raters)
    sums : float64 ndarray, shape (2, 9, arms)
        Scratch: sums of every arm, of all days and of those that are analysed.
    """

    family: int
    means: np.ndarray
    sds: np.ndarray
    spill: np.ndarray
    steps: np.ndarray
    drift: np.ndarray
    offset: np.ndarray
    slope: np.ndarray
    score_noise: np.ndarray
    label_noise: np.ndarray
    hit: np.ndarray
    false: np.ndarray
    yes: float
    no: float
    values: np.ndarray
    cuts: np.ndarray
    latent: np.ndarray
    implied: np.ndarray
    zeros: float
    sigma: float
    correction: int
    origin: float
    sign: float
    residual: float
    uneven: float
    favour: float
    per_label: float
    severity_sd: float
    raters: int
    shared: bool
    severity: np.ndarray
    sums: np.ndarray


@kernel
def label_and_score(
    rng: np.random.Generator,
    n: int,
    total: float,
    within: float,
    slope: float,
    offset: float,
    label_noise: float,
    score_noise: float,
    shift: float,
    between: float,
) -> tuple[float, float, float, float, float]:
    """Draw the sums of label and score of n outcomes known by their sum and sum of squares about the mean.

    Noise is normal, so only lengths and angles of the centred vectors count: along the outcomes, along what the
    raters' severities add across them, along the label noise across both, and the rest. Exact for normal outcomes;
    for others up to the angle between outcomes and severities.

    Parameters
    ----------
    total, within : float
        Of the outcomes q.
    shift, between : float
        Sum of the severities of the n labels, and their sum of squares about the mean.

    Returns
    -------
    tuple of float
        Sums of y, f, y^2, f^2, y f.
    """
    if n < 1:
        return 0.0, 0.0, 0.0, 0.0, 0.0
    root = math.sqrt(float(n))
    sum_y = total + shift + label_noise * root * rng.standard_normal()
    sum_f = n * offset + slope * total + score_noise * root * rng.standard_normal()
    w_yy, w_ff, w_yf = 0.0, 0.0, 0.0
    if n > 1:
        length = math.sqrt(within)
        y = length + label_noise * rng.standard_normal()
        f = slope * length + score_noise * rng.standard_normal()
        across = 0.0
        left = n - 2
        if between > 0.0:
            lead = rng.standard_normal()
            rest = rng.chisquare(n - 2.0) if n > 2 else 0.0
            cosine = lead / math.sqrt(lead * lead + rest)
            y += math.sqrt(between) * cosine
            across = math.sqrt(between) * math.sqrt(max(0.0, 1.0 - cosine * cosine))
        w_yy, w_ff, w_yf = y * y, f * f, y * f
        if between > 0.0 and n > 2:
            y = across + label_noise * rng.standard_normal()
            f = score_noise * rng.standard_normal()
            w_yy, w_ff, w_yf = w_yy + y * y, w_ff + f * f, w_yf + y * f
            left -= 1
        if left > 0:
            y = label_noise * math.sqrt(rng.chisquare(float(left)))
            f = score_noise * rng.standard_normal()
            w_yy, w_ff, w_yf = w_yy + y * y, w_ff + f * f, w_yf + y * f
            if left > 1:
                w_ff += score_noise * score_noise * rng.chisquare(left - 1.0)
    return sum_y, sum_f, w_yy + sum_y * sum_y / n, w_ff + sum_f * sum_f / n, w_yf + sum_y * sum_f / n


@inner
def _outcomes(law: Scored, rng: np.random.Generator, n: int, mean: float, sd: float) -> tuple[float, float]:
    """Draw the sum of n true outcomes and their sum of squares about the mean."""
    if n < 1:
        return 0.0, 0.0
    if law.family == LEVELS:
        return draw_levels(rng, law.values, law.cuts, law.latent, law.implied, n, mean)
    if law.family == SCORES:
        total, square = normal_single(rng, n, mean, sd)
        return total, max(square - total * total / n, 0.0)
    return draw_amounts(rng, law.zeros, law.sigma, n, mean)


@kernel
def severe_pair(
    rng: np.random.Generator,
    n: int,
    mean_y: float,
    mean_f: float,
    sd_y: float,
    sd_f: float,
    rho: float,
    shift: float,
    between: float,
) -> tuple[float, float, float, float, float]:
    """Draw the sums of n normal pairs whose labels carry given severities: y, f, y^2, f^2, y f.

    The centred severities are one direction, of squared length `between`: along it a pair of normals is added to
    them, across it the centred cross products are those of n - 1 pairs.

    Parameters
    ----------
    shift : float
        Sum of the severities.
    """
    if n < 1:
        return 0.0, 0.0, 0.0, 0.0, 0.0
    root, apart = math.sqrt(float(n)), math.sqrt(max(0.0, 1.0 - rho * rho))
    one, two = rng.standard_normal(), rng.standard_normal()
    sum_y = n * mean_y + shift + root * sd_y * one
    sum_f = n * mean_f + root * sd_f * (rho * one + apart * two)
    w_yy, w_ff, w_yf = 0.0, 0.0, 0.0
    if n > 1:
        one, two = rng.standard_normal(), rng.standard_normal()
        along, score = math.sqrt(between) + sd_y * one, sd_f * (rho * one + apart * two)
        y, f, yy, ff, yf = normal_pair(rng, n - 1, 0.0, 0.0, sd_y, sd_f, rho)
        w_yy = along * along + yy - y * y / (n - 1.0)
        w_ff = score * score + ff - f * f / (n - 1.0)
        w_yf = along * score + yf - y * f / (n - 1.0)
    return sum_y, sum_f, w_yy + sum_y * sum_y / n, w_ff + sum_f * sum_f / n, w_yf + sum_y * sum_f / n


@inner
def _by_verdict(
    law: Scored, rng: np.random.Generator, n: int, rest: int, label: float, score: float, both: float, today: np.ndarray
) -> None:
    """Draw a day of rates whose labels favour one verdict: verdicts first, then labels within each."""
    positive = binomial(rng, n + rest, min(max(score, 0.0), 1.0))
    negative = n + rest - positive
    weight = positive * law.favour + negative
    chosen = int(n * positive * law.favour / weight + 0.5) if weight > 0.0 else 0
    if n > 1 and positive > 0 and negative > 0:
        # Without a label of one verdict its rate could not be known.
        chosen = min(max(chosen, 1), n - 1)
    chosen = min(max(chosen, n - negative), positive)
    hit = both / score if score > 0.0 else 0.0
    missed = (label - both) / (1.0 - score) if score < 1.0 else 0.0
    one = float(binomial(rng, chosen, min(max(hit, 0.0), 1.0)))
    other = float(binomial(rng, n - chosen, min(max(missed, 0.0), 1.0)))
    today[Y], today[F], today[YY], today[FF], today[YF] = one + other, chosen, one + other, chosen, one
    today[REST_F], today[REST_FF] = positive - chosen, positive - chosen


@inner
def draw_day(
    law: Scored,
    rng: np.random.Generator,
    replicate: int,
    day: int,
    arm: int,
    n: int,
    rest: int,
    mean: float,
    first: int,
    today: np.ndarray,
) -> None:
    """Draw one day and arm: n labelled rows and `rest` others, into `today`, shape (9,); see `N` and what follows."""
    k, a = replicate, arm
    today[N], today[REST] = float(n), float(rest)
    if law.family == RATES:
        p = min(max(mean, 0.0), 1.0)
        hit = min(max(law.hit[k, a] + law.drift[day], 0.0), 1.0)
        false = min(max(law.false[k, a] + law.drift[day], 0.0), 1.0)
        label = p * law.yes + (1.0 - p) * (1.0 - law.no)
        score = p * hit + (1.0 - p) * false
        both = p * law.yes * hit + (1.0 - p) * (1.0 - law.no) * false
        caught = both / label if label > 0.0 else 0.0
        today[Y], today[F], today[YY], today[FF], today[YF] = 0.0, 0.0, 0.0, 0.0, 0.0
        if law.favour != 1.0:
            _by_verdict(law, rng, n, rest, label, score, both, today)
            return
        cleared = 1.0 - (score - both) / (1.0 - label) if label < 1.0 else 0.0
        tp, fn, fp, _ = binary_pair(rng, n, label, min(max(caught, 0.0), 1.0), min(max(cleared, 0.0), 1.0))
        far = float(binomial(rng, rest, score))
        today[Y], today[F], today[YY], today[FF], today[YF] = tp + fn, tp + fp, tp + fn, tp + fp, tp
        today[REST_F], today[REST_FF] = far, far
        return
    offset = law.offset[k, a] + law.drift[day]
    slope, noise, own = law.slope[k, a], law.score_noise[k, a], law.label_noise[k, a]
    if law.family == SCORES and (law.raters == 0 or law.residual != 1.0):
        sd = law.sds[k, a]
        sd_y = math.sqrt(sd * sd + own * own)
        sd_f = math.sqrt(slope * slope * sd * sd + noise * noise)
        rho = slope * sd * sd / (sd_y * sd_f) if sd_y > 0.0 and sd_f > 0.0 else 0.0
        if law.residual != 1.0:
            kept = math.sqrt(rho * rho + (1.0 - rho * rho) * law.residual)
            sd_y, rho = sd_y * kept, rho / kept
        if law.raters > 0:
            shift, between = row_severity(law.severity, law.raters, a, n, first)
            between_each = law.uneven * between / n if n > 0 else 0.0
            wider = math.sqrt(sd_y * sd_y + between_each)
            rho = rho * sd_y / wider if wider > 0.0 else 0.0
            y, f, yy, ff, yf = severe_pair(rng, n, mean, offset + slope * mean, wider, sd_f, rho, shift, between)
        else:
            y, f, yy, ff, yf = normal_pair(rng, n, mean, offset + slope * mean, sd_y, sd_f, rho)
        today[REST_F], today[REST_FF] = normal_single(rng, rest, offset + slope * mean, sd_f)
    else:
        total, within = _outcomes(law, rng, n, mean, law.sds[k, a])
        shift, between = row_severity(law.severity, law.raters, a, n, first)
        y, f, yy, ff, yf = label_and_score(rng, n, total, within, slope, offset, own, noise, shift, between)
        total, within = _outcomes(law, rng, rest, mean, law.sds[k, a])
        today[REST_F], today[REST_FF] = 0.0, 0.0
        if rest > 0:
            today[REST_F], today[REST_FF] = score_rows(rng, slope, noise, rest, total, within, rest * offset, 0.0)
    today[Y], today[F], today[YY], today[FF], today[YF] = y, f, yy, ff, yf


@inner
def _labels_only(n: float, y: float, yy: float) -> tuple[float, float]:
    within = yy - y * y / n
    return y / n, (within / (n - 1.0) / n if n > 1.0 and within > 0.0 else 0.0)


@kernel
def corrected(sums: np.ndarray, arm: int, correction: int) -> tuple[float, float]:
    """Return the corrected mean of an arm and its estimated variance, free of small-sample bias to order 1/n.

    Parameters
    ----------
    sums : float64 ndarray, shape (9, arms)
        Rows `N` to `REST_FF`; at least one label.
    correction : int
        `PPI_PLUS`, `PPI`, `EIF` or `ROGAN_GLADEN`. With fewer than `LEAST` labels or 2 other rows, and where
        Rogan-Gladen's J is below two standard errors, labels only.
    """
    n, y, f, yf = sums[N, arm], sums[Y, arm], sums[F, arm], sums[YF, arm]
    yy, ff = sums[YY, arm], sums[FF, arm]
    rest, far, far_square = sums[REST, arm], sums[REST_F, arm], sums[REST_FF, arm]
    if n < LEAST or rest < 2.0:
        return _labels_only(n, y, yy)
    if correction == EIF:
        return binary_eif(n - f, y - yf, f, yf, rest, far)
    if correction == ROGAN_GLADEN:
        if y < 1.0 or y > n - 1.0:
            return _labels_only(n, y, yy)
        value, variance, certainty = rogan_gladen(far / rest, rest, yf / y, y, (n - y - f + yf) / (n - y), n - y)
        if not certainty >= 2.0:
            return _labels_only(n, y, yy)
        return min(max(value, 0.0), 1.0), variance
    weight = 1.0 if correction == PPI else tuned_weight(n, y, f, ff, yf, rest, far, far_square)
    value, near, away = weighted_mean(n, y, f, yy, ff, yf, rest, far, far_square, weight)
    lost = 1.0 if correction == PPI else 2.0
    return value, near * n / (n - lost) + away * rest / (rest - 1.0)


@inner
def as_rows(law: Scored, n: float, value: float, variance: float) -> tuple[float, float]:
    """Return sum and sum of squares of n rows with this mean (turned so that more is better) and this error.

    Rules read the variance of a mean as ``(squares - sum^2 / n) / (n - 1) / n``.
    """
    mean = law.origin + law.sign * value
    return n * mean, n * mean * mean + variance * n * (n - 1.0)


@inner
def add(sums: np.ndarray, arm: int, today: np.ndarray) -> None:
    """Add one day's sums to those of an arm."""
    for i in range(SUMS_KEPT):
        sums[i, arm] += today[i]


@inner
def start(law: Scored, evaluator: np.random.Generator) -> None:
    """Begin an experiment: no sums yet, and new raters."""
    draw_severity(evaluator, law.severity_sd, law.raters, law.shared, law.severity)
    for j in range(2):
        for i in range(SUMS_KEPT):
            for a in range(law.sums.shape[2]):
                law.sums[j, i, a] = 0.0


@inner
def score_only(ahead: np.ndarray, arm: int, daily: np.ndarray, day: int) -> None:
    """Add a day whose labels are not in yet to the sums of an arm: all of its rows count as scored ones.

    Parameters
    ----------
    ahead : float64 ndarray, shape (9, arms)
    daily : float64 ndarray, shape (days, >= 9, arms)
        Sums of every day; see `N` and what follows.
    """
    ahead[REST, arm] += daily[day, N, arm] + daily[day, REST, arm]
    ahead[REST_F, arm] += daily[day, F, arm] + daily[day, REST_F, arm]
    ahead[REST_FF, arm] += daily[day, FF, arm] + daily[day, REST_FF, arm]


@inner
def label_in(ahead: np.ndarray, arm: int, daily: np.ndarray, day: int) -> None:
    """Let the labels of a day arrive that `score_only` has added; parameters as there."""
    for i in range(REST):
        ahead[i, arm] += daily[day, i, arm]
    ahead[REST, arm] -= daily[day, N, arm]
    ahead[REST_F, arm] -= daily[day, F, arm]
    ahead[REST_FF, arm] -= daily[day, FF, arm]
