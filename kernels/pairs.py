"""Rows with two correlated columns, a label and a judge score, drawn as sufficient statistics.

Exact for independent rows with a common law (MODEL section 2): five sums of n normal pairs cost five draws
whatever n, four counts of n binary pairs three binomials. Labelled rows and rows that only the judge saw are
drawn apart.
"""

from __future__ import annotations

import math

import numpy as np

from expsim_panel.kernels.draws import binomial
from expsim_panel.kernels.estimators import (
    binary_eif,
    mean_of,
    own_weight,
    rogan_gladen,
    tuned_weight,
    weighted_mean,
)
from expsim_panel.kernels.jit import kernel

NORMAL_COLUMNS = (
    "labels", "labels_variance", "judge", "judge_variance", "ppi", "ppi_variance",
    "tuned", "tuned_labelled", "tuned_rest", "weight", "crossed", "crossed_variance",
)  # fmt: skip
"""What `correct_normal` writes for a replicate: estimates and their estimated variances."""
BINARY_COLUMNS = (*NORMAL_COLUMNS, "eif", "eif_variance", "rogan_gladen", "rogan_gladen_variance", "certainty")
"""What `correct_binary` writes for a replicate."""


@kernel
def normal_pair(
    rng: np.random.Generator, n: int, mean_y: float, mean_f: float, sd_y: float, sd_f: float, rho: float
) -> tuple[float, float, float, float, float]:
    """Draw the sums of n bivariate normal rows: y, f, y^2, f^2, y f.

    The means are two correlated normals; the centred cross products are Wishart with n - 1 degrees of freedom,
    independent of them, by Bartlett's decomposition ``W = L A A' L'``. One row leaves W = 0, two leave rank 1.

    Parameters
    ----------
    n : int
        Rows, 0 or more.
    rho : float
        Correlation, -1 to 1.

    References
    ----------
    .. [1] Bartlett (1933), "On the theory of statistical regression", Proceedings of the Royal Society of
       Edinburgh 53, 260-283.
    """
    if n < 1:
        return 0.0, 0.0, 0.0, 0.0, 0.0
    apart = math.sqrt(max(0.0, 1.0 - rho * rho))
    root = math.sqrt(float(n))
    first = rng.standard_normal()
    second = rng.standard_normal()
    sum_y = n * mean_y + root * sd_y * first
    sum_f = n * mean_f + root * sd_f * (rho * first + apart * second)
    a11 = math.sqrt(rng.chisquare(n - 1.0)) if n > 1 else 0.0
    a21 = rng.standard_normal() if n > 1 else 0.0
    a22 = rng.chisquare(n - 2.0) if n > 2 else 0.0
    b11 = sd_y * a11
    b21 = sd_f * (rho * a11 + apart * a21)
    w_yy = b11 * b11
    w_ff = b21 * b21 + sd_f * sd_f * apart * apart * a22
    w_yf = b11 * b21
    return sum_y, sum_f, w_yy + sum_y * sum_y / n, w_ff + sum_f * sum_f / n, w_yf + sum_y * sum_f / n


@kernel
def normal_single(rng: np.random.Generator, n: int, mean: float, sd: float) -> tuple[float, float]:
    """Draw sum and sum of squares of n normal rows, n 0 or more."""
    if n < 1:
        return 0.0, 0.0
    total = n * mean + math.sqrt(float(n)) * sd * rng.standard_normal()
    within = sd * sd * rng.chisquare(n - 1.0) if n > 1 else 0.0
    return total, within + total * total / n


@kernel
def binary_pair(
    rng: np.random.Generator, n: int, prevalence: float, sensitivity: float, specificity: float
) -> tuple[float, float, float, float]:
    """Draw the confusion matrix of n rows: true positives, false negatives, false positives, true negatives.

    The truth is drawn, then flipped: a multinomial over the four cells, as three binomials.

    Parameters
    ----------
    n : int
        Rows, 0 or more.
    prevalence : float
        P(label = 1).
    sensitivity, specificity : float
        P(judge says 1 | label 1), P(judge says 0 | label 0).
    """
    yes = binomial(rng, n, prevalence)
    caught = binomial(rng, yes, sensitivity)
    cleared = binomial(rng, n - yes, specificity)
    return float(caught), float(yes - caught), float(n - yes - cleared), float(cleared)


@kernel
def _correct(
    sizes: tuple[float, float],
    a: tuple[float, float, float, float, float],
    b: tuple[float, float, float, float, float],
    rest: float,
    far: tuple[float, float],
    bounds: tuple[float, float],
    out: np.ndarray,
) -> None:
    """Write the columns `NORMAL_COLUMNS` of one replicate, whose labelled rows came in two halves a and b."""
    low, high = bounds
    n = sizes[0] + sizes[1]
    y, f, yy, ff, yf = a[0] + b[0], a[1] + b[1], a[2] + b[2], a[3] + b[3], a[4] + b[4]
    out[0], out[1] = mean_of(n, y, yy)
    out[2], out[3] = mean_of(n + rest, f + far[0], ff + far[1])
    value, near, away = weighted_mean(n, y, f, yy, ff, yf, rest, far[0], far[1], 1.0)
    out[4], out[5] = value, near + away
    weight = min(max(tuned_weight(n, y, f, ff, yf, rest, far[0], far[1]), low), high)
    out[6], out[7], out[8] = weighted_mean(n, y, f, yy, ff, yf, rest, far[0], far[1], weight)
    out[9] = weight
    if sizes[0] < 2.0:
        out[10], out[11] = out[0], out[1]
        return
    # Each half with the weight of the other.
    wa = min(max(own_weight(sizes[1], b[0], b[1], b[3], b[4], n / rest), low), high)
    wb = min(max(own_weight(sizes[0], a[0], a[1], a[3], a[4], n / rest), low), high)
    va, na, _ = weighted_mean(sizes[0], a[0], a[1], a[2], a[3], a[4], rest, far[0], far[1], wa)
    vb, nb, _ = weighted_mean(sizes[1], b[0], b[1], b[2], b[3], b[4], rest, far[0], far[1], wb)
    pa, pb = sizes[0] / n, sizes[1] / n
    mixed = pa * wa + pb * wb
    _, spread = mean_of(rest, far[0], far[1])
    out[10] = pa * va + pb * vb
    out[11] = pa * pa * na + pb * pb * nb + mixed * mixed * spread


@kernel
def correct_normal(
    rng: np.random.Generator,
    n: int,
    rest: int,
    means: tuple[float, float],
    sds: tuple[float, float],
    rho: float,
    bounds: tuple[float, float],
    out: np.ndarray,
) -> None:
    """Draw normal label-judge data and estimate the label mean in every way, replicate by replicate.

    Parameters
    ----------
    n, rest : int
        Labelled rows (1 or more), rows with a judge score only (1 or more).
    means, sds : tuple of float
        Of label and judge score.
    bounds : tuple of float
        The weight of PPI++ is kept between them.
    out : float64 ndarray, shape (replicates, 12)
        Output; columns `NORMAL_COLUMNS`.
    """
    half = n // 2
    sizes = (float(half), float(n - half))
    for k in range(out.shape[0]):
        a = normal_pair(rng, half, means[0], means[1], sds[0], sds[1], rho)
        b = normal_pair(rng, n - half, means[0], means[1], sds[0], sds[1], rho)
        far = normal_single(rng, rest, means[1], sds[1])
        _correct(sizes, a, b, float(rest), far, bounds, out[k])


@kernel
def correct_binary(
    rng: np.random.Generator,
    n: int,
    rest: int,
    prevalence: float,
    sensitivity: float,
    specificity: float,
    bounds: tuple[float, float],
    out: np.ndarray,
) -> None:
    """Draw yes/no labels and judge scores and estimate the rate in every way, replicate by replicate.

    Rogan-Gladen takes the judge's rate from the rows without label and Se and Sp from the labelled ones; nan
    where these hold no positive or no negative label.

    Parameters
    ----------
    n, rest : int
        Labelled rows (1 or more), rows with a judge score only (1 or more).
    out : float64 ndarray, shape (replicates, 17)
        Output; columns `BINARY_COLUMNS`.
    """
    half = n // 2
    sizes = (float(half), float(n - half))
    for k in range(out.shape[0]):
        tp, fn, fp, tn = binary_pair(rng, half, prevalence, sensitivity, specificity)
        a = (tp + fn, tp + fp, tp + fn, tp + fp, tp)
        more_tp, more_fn, more_fp, more_tn = binary_pair(rng, n - half, prevalence, sensitivity, specificity)
        b = (more_tp + more_fn, more_tp + more_fp, more_tp + more_fn, more_tp + more_fp, more_tp)
        far_tp, _, far_fp, _ = binary_pair(rng, rest, prevalence, sensitivity, specificity)
        scored = far_tp + far_fp
        _correct(sizes, a, b, float(rest), (scored, scored), bounds, out[k])
        tp, fn, fp, tn = tp + more_tp, fn + more_fn, fp + more_fp, tn + more_tn
        out[k, 12], out[k, 13] = binary_eif(fn + tn, fn, tp + fp, tp, float(rest), scored)
        out[k, 14], out[k, 15], out[k, 16] = math.nan, math.nan, math.nan
        if tp + fn > 0.0 and tn + fp > 0.0:
            se, sp = tp / (tp + fn), tn / (tn + fp)
            out[k, 14], out[k, 15], out[k, 16] = rogan_gladen(scored / rest, float(rest), se, tp + fn, sp, tn + fp)
