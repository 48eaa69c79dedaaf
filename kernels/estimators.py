"""Means corrected by labels, from sufficient statistics: PPI and PPI++, binary EIF, Rogan-Gladen.

Scalars in, scalars out, so that a loop over replicates or days calls them without creating arrays.
`n` labelled rows carry a label y and a judge score f; `rest` further rows carry a judge score only.
Sums are plain sums (not about the mean): they add over days.
"""

from __future__ import annotations

import math

from expsim_panel.kernels.jit import kernel


@kernel
def mean_of(n: float, total: float, square: float) -> tuple[float, float]:
    """Return the mean of n > 0 rows and its variance, from sum and sum of squares (divisor n, as all below)."""
    mean = total / n
    within = square / n - mean * mean
    return mean, (within if within > 0.0 else 0.0) / n


@kernel
def tuned_weight(
    n: float, sum_y: float, sum_f: float, sum_ff: float, sum_yf: float, rest: float, rest_sum: float, rest_square: float
) -> float:
    """Return the PPI++ weight ``Cov(y, f) / [Var(f) (1 + n / rest)]``; 0 where it is undefined.

    The covariance is over the labelled rows with divisor n, the variance over all rows with divisor
    n + rest - 1: the convention of ppi-python 0.2.3, which clips the result to 0..1 in addition.

    References
    ----------
    .. [1] Angelopoulos, Duchi, Zrnic (2023), "PPI++: efficient prediction-powered inference",
       arXiv:2311.01453, example 6.1 with d = 1.
    """
    if n < 2.0 or rest < 1.0:
        return 0.0
    rows = n + rest
    total = sum_f + rest_sum
    variance = (sum_ff + rest_square - total * total / rows) / (rows - 1.0)
    # Rounding leaves 1e-16 of the square of a constant score.
    if not variance > 1e-14 * (sum_ff + rest_square) / rows:
        return 0.0
    return (sum_yf - sum_y * sum_f / n) / n / (variance * (1.0 + n / rest))


@kernel
def weighted_mean(
    n: float,
    sum_y: float,
    sum_f: float,
    sum_yy: float,
    sum_ff: float,
    sum_yf: float,
    rest: float,
    rest_sum: float,
    rest_square: float,
    weight: float,
) -> tuple[float, float, float]:
    """Return the PPI++ mean for a given weight, and the two parts of its variance.

    ``mean(y) + weight (mean_rest(f) - mean_n(f))`` with variance ``Var(y - weight f) / n`` (first part)
    ``+ weight^2 Var_rest(f) / rest`` (second part). Weight 1 is PPI [1]_, weight 0 labels only.

    References
    ----------
    .. [1] Angelopoulos, Bates, Fannjiang, Jordan, Zrnic (2023), "Prediction-powered inference", Science 382.
    """
    mean = sum_y / n
    square = sum_yy - 2.0 * weight * sum_yf + weight * weight * sum_ff
    total = sum_y - weight * sum_f
    within = (square - total * total / n) / n
    labelled = (within if within > 0.0 else 0.0) / n
    if weight == 0.0 or rest < 1.0:
        return mean, labelled, 0.0
    far, spread = mean_of(rest, rest_sum, rest_square)
    return mean + weight * (far - sum_f / n), labelled, weight * weight * spread


@kernel
def own_weight(n: float, sum_y: float, sum_f: float, sum_ff: float, sum_yf: float, ratio: float) -> float:
    """Return the PPI++ weight from labelled rows alone, ``Cov(y, f) / [Var(f) (1 + ratio)]``; 0 where undefined.

    Used on other rows than those it was computed from (cross-fitting), it leaves the estimate exactly unbiased.

    Parameters
    ----------
    ratio : float
        Labelled rows per row with a judge score only, n / N.
    """
    if n < 2.0:
        return 0.0
    variance = sum_ff - sum_f * sum_f / n
    if not variance > 1e-14 * sum_ff:
        return 0.0
    return (sum_yf - sum_y * sum_f / n) / (variance * (1.0 + ratio))


@kernel
def binary_eif(
    negatives: float, hits_negative: float, positives: float, hits_positive: float, rest: float, rest_positive: float
) -> tuple[float, float]:
    """Return the efficient estimate of a rate from a yes/no judge, and its variance.

    ``th = (1 - p) m0 + p m1`` with ``m_c`` the rate of labels among labelled rows the judge scored c and p the
    judge's rate over all rows; variance ``(m1 - m0)^2 p (1 - p) / T + (1 - p)^2 m0 (1 - m0) / n0 +
    p^2 m1 (1 - m1) / n1``, in which ``m_c = (x + 1) / (n_c + 2)``: an observed 0 or 1 would claim certainty.
    Where the judge never said c, labels only.

    Parameters
    ----------
    negatives, positives : float
        Labelled rows that the judge scored 0 and 1.
    hits_negative, hits_positive : float
        Of these, labelled 1 by people.
    rest, rest_positive : float
        Rows without a label, and of these scored 1.
    """
    n = negatives + positives
    if negatives < 1.0 or positives < 1.0:
        hits = hits_negative + hits_positive
        shrunk = (hits + 1.0) / (n + 2.0)
        return hits / n, shrunk * (1.0 - shrunk) / n
    rows = n + rest
    p = (positives + rest_positive) / rows
    value = (1.0 - p) * hits_negative / negatives + p * hits_positive / positives
    m0 = (hits_negative + 1.0) / (negatives + 2.0)
    m1 = (hits_positive + 1.0) / (positives + 2.0)
    variance = (m1 - m0) * (m1 - m0) * p * (1.0 - p) / rows
    variance += (1.0 - p) * (1.0 - p) * m0 * (1.0 - m0) / negatives
    variance += p * p * m1 * (1.0 - m1) / positives
    return value, variance


@kernel
def plain_eif_variance(
    negatives: float, hits_negative: float, positives: float, hits_positive: float, rest: float, rest_positive: float
) -> float:
    """Return the variance of `binary_eif` with rates as observed and divisors n_c - 1; 0 without two labels of each.

    A shrunken rate has about one hit more, so that the variance with it is too large by some ``sum w_c / x_c``, x_c
    the hits at verdict c and w_c its part of the variance: a quarter too large at four hits. Unshrunken it is
    unbiased, but 0 where there was no hit: for an interval on log odds, not for a test.
    """
    if negatives < 2.0 or positives < 2.0:
        return 0.0
    rows = negatives + positives + rest
    p = (positives + rest_positive) / rows
    m0, m1 = hits_negative / negatives, hits_positive / positives
    variance = (m1 - m0) * (m1 - m0) * p * (1.0 - p) / rows
    variance += (1.0 - p) * (1.0 - p) * m0 * (1.0 - m0) / (negatives - 1.0)
    return variance + p * p * m1 * (1.0 - m1) / (positives - 1.0)


@kernel
def rogan_gladen(
    rate: float, rows: float, sensitivity: float, true_positives: float, specificity: float, true_negatives: float
) -> tuple[float, float, float]:
    """Return the rate corrected for sensitivity and specificity, its variance, and ``J / SE(J)``.

    ``th = (p + Sp - 1) / J``, ``J = Se + Sp - 1``; variance ``[p (1 - p) / N + th^2 Se (1 - Se) / m1 +
    (1 - th)^2 Sp (1 - Sp) / m0] / J^2``. Not clipped; nan for J = 0. The third number is inf where no error was
    seen; below 2 nobody should use the first.

    Parameters
    ----------
    rate, rows : float
        Rate p of positive scores among N rows, independent of the validation.
    sensitivity, true_positives, specificity, true_negatives : float
        Rates measured on m1 truly positive and m0 truly negative validated rows.

    References
    ----------
    .. [1] Rogan, Gladen (1978), "Estimating prevalence from the results of a screening test", American Journal
       of Epidemiology 107, 71-76.
    """
    j = sensitivity + specificity - 1.0
    up = sensitivity * (1.0 - sensitivity) / true_positives
    down = specificity * (1.0 - specificity) / true_negatives
    error = math.sqrt(up + down)
    certainty = j / error if error > 0.0 else (math.inf if j > 0.0 else -math.inf)
    if j == 0.0:
        return math.nan, math.nan, 0.0
    value = (rate + specificity - 1.0) / j
    variance = rate * (1.0 - rate) / rows + value * value * up + (1.0 - value) * (1.0 - value) * down
    return value, variance / (j * j), certainty
