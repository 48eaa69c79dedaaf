"""Estimators that need the rows themselves: cross-fitted weights and calibration, clustered rows."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from expsim_panel.errors import InputError, shown
from expsim_panel.estimates import Estimate, warned
from expsim_panel.rows import Floats, codes, column


def _pairs(labels: npt.ArrayLike, judge: npt.ArrayLike, rest: npt.ArrayLike) -> tuple[Floats, Floats, Floats]:
    y, f, far = column("labels", labels, 4), column("judge", judge, 4), column("rest", rest, 1)
    if len(y) != len(f):
        raise InputError("estimators", "judge", f"{len(f)} scores for {len(y)} labels", "give one for each label")
    return y, f, far


def _folds(n: int, folds: int, rng: np.random.Generator | None) -> npt.NDArray[np.int64]:
    """Return the fold of each row: in turn, or shuffled by `rng`."""
    if isinstance(folds, bool) or not 2 <= folds <= n // 2:
        raise InputError("estimators", "folds", f"{shown(folds)} folds of {n} labels", f"give 2 to {n // 2}")
    made = np.arange(n) % folds
    return made if rng is None else rng.permutation(made)


def crossed_ppi(
    labels: npt.ArrayLike,
    judge: npt.ArrayLike,
    rest: npt.ArrayLike,
    *,
    folds: int = 5,
    rng: np.random.Generator | None = None,
) -> Estimate:
    """Return the PPI++ mean with each fold's weight taken from the labels of the other folds.

    Exactly unbiased whatever the law of the rows: the weight is independent of the rows it multiplies (its
    variance of f comes from labelled rows only).

    Parameters
    ----------
    labels, judge : array_like, shape (n,)
        Label and judge score of the labelled rows, n at least 4.
    rest : array_like, shape (N,)
        Judge scores of the other rows.
    folds : int
        2 to n / 2.
    rng : Generator, optional
        Shuffles the rows into folds; without it they are dealt in turn.

    References
    ----------
    Zrnic, Candes (2024), "Cross-prediction-powered inference", PNAS 121 (here for the weight).
    """
    y, f, far = _pairs(labels, judge, rest)
    fold = _folds(len(y), folds, rng)
    weights = np.zeros(folds)
    for k in range(folds):
        other = fold != k
        spread = f[other].var()
        if spread > 0:
            weights[k] = np.mean((y[other] - y[other].mean()) * f[other]) / (spread * (1 + len(y) / len(far)))
    scaled = weights[fold]
    residual = y - scaled * f
    mixed = float(scaled.mean())
    return _corrected(residual, mixed * far, fold, "PPI++ (cross-fitted weight)", mixed)


def isotonic(
    labels: npt.ArrayLike,
    judge: npt.ArrayLike,
    rest: npt.ArrayLike,
    *,
    folds: int = 5,
    rng: np.random.Generator | None = None,
) -> Estimate:
    """Return the mean of the judge's scores after isotonic calibration, corrected by cross-fitted residuals.

    In each fold a non-decreasing map g from score to label is fitted on the other folds (least squares, linear
    between knots, flat outside), and ``th = w mean_N(g(f)) + mean_n(y - w g_-k(f))`` with ``w = N / (n + N)``:
    unbiased however badly g fits, with PPI++'s variance where the judge is linear and a smaller one where it is
    monotone but not linear. A fitted map follows labels already, so its best weight is known: that w.

    Parameters
    ----------
    labels, judge, rest, folds, rng
        As in `crossed_ppi`.

    References
    ----------
    Zrnic, Candes (2024), "Cross-prediction-powered inference", PNAS 121.
    """
    y, f, far = _pairs(labels, judge, rest)
    fold = _folds(len(y), folds, rng)
    residual = np.empty(len(y))
    predicted = np.zeros(len(far))
    weight = len(far) / (len(y) + len(far))
    for k in range(folds):
        other = fold != k
        knots, levels = isotonic_fit(f[other], y[other])
        residual[~other] = y[~other] - weight * np.interp(f[~other], knots, levels)
        predicted += weight * np.interp(far, knots, levels) * np.mean(~other)
    return _corrected(residual, predicted, fold, "isotonic", None)


def isotonic_fit(judge: Floats, labels: Floats, weights: Floats | None = None) -> tuple[Floats, Floats]:
    """Return distinct scores in order and the fitted non-decreasing labels (pool adjacent violators)."""
    from scipy.optimize import isotonic_regression

    own = np.ones(len(judge)) if weights is None else weights
    knots, at = np.unique(judge, return_inverse=True)
    count = np.bincount(at, own)
    means = np.bincount(at, own * labels) / count
    return knots, np.asarray(isotonic_regression(means, weights=count).x, dtype=np.float64)


def _corrected(
    residual: Floats, predicted: Floats, fold: npt.NDArray[np.int64], method: str, weight: float | None
) -> Estimate:
    """Return mean(predicted) + mean(residual); residuals vary within folds, each with a map of its own."""
    n, far, folds = len(residual), len(predicted), int(fold.max()) + 1
    size = np.bincount(fold)
    within = residual - (np.bincount(fold, residual) / size)[fold]
    near = float(within @ within) / n / n
    away = float(predicted.var()) / far
    small = near * n / (n - folds) + away * far / max(far - 1, 1)
    value = float(predicted.mean() + residual.mean())
    df = small**2 / ((near * n / (n - folds)) ** 2 / (n - folds) + away**2 / max(far - 1, 1)) if small > 0 else np.inf
    return warned(Estimate(value, near + away, small, float(df), method, n, far, weight))


def clustered(values: npt.ArrayLike, clusters: npt.ArrayLike) -> Estimate:
    """Return the mean of rows that come in clusters (several outputs of a prompt, ratings of a rater).

    Variance ``G / (G - 1) sum_g (sum_{i in g} (x_i - mean))^2 / n^2`` with G clusters; t with G - 1 degrees of
    freedom. Only the clusters are independent: a thousand ratings by five raters are five.

    Parameters
    ----------
    values : array_like, shape (n,)
        Rows, n at least 2.
    clusters : array_like, shape (n,)
        Cluster of each row, any labels; at least 2 different ones.

    References
    ----------
    Liang, Zeger (1986), Biometrika 73, 13-22; Miller (2024), "Adding error bars to evals", arXiv:2411.00640.
    """
    x = column("values", values, 2)
    group = codes("clusters", clusters, len(x))
    influence = (x - x.mean()) / len(x)
    return _by_cluster(float(x.mean()), influence, group, "clustered mean", len(x), 0, None)


def clustered_ppi(
    labels: npt.ArrayLike,
    judge: npt.ArrayLike,
    rest: npt.ArrayLike,
    *,
    clusters: npt.ArrayLike,
    rest_clusters: npt.ArrayLike,
    bounds: tuple[float, float] | None = (0.0, 1.0),
) -> Estimate:
    """Return the PPI++ mean with a variance that treats rows of one cluster as one, labelled or not.

    Parameters
    ----------
    labels, judge : array_like, shape (n,)
        Label and judge score of the labelled rows.
    rest : array_like, shape (N,)
        Judge scores of the other rows.
    clusters, rest_clusters : array_like, shapes (n,) and (N,)
        Cluster (prompt, user, rater) of each row; the same label means the same cluster in both.
    """
    from expsim_panel.estimators import Pairs

    y, f, far = _pairs(labels, judge, rest)
    found = Pairs.of(y, f, far).ppi_plus_plus(None, bounds)
    weight = float(found.weight or 0.0)
    residual = y - weight * f
    influence = np.concatenate([(residual - residual.mean()) / len(y), weight * (far - far.mean()) / len(far)])
    labelled, others = np.asarray(clusters), np.asarray(rest_clusters)
    if labelled.shape != y.shape or others.shape != far.shape:
        raise InputError("estimators", "clusters", "not one for each row", "give one cluster for each row")
    group = codes("clusters", np.concatenate([labelled, others]), len(influence))
    return _by_cluster(found.value, influence, group, "PPI++ (clustered)", len(y), len(far), weight)


def _by_cluster(
    value: float,
    influence: Floats,
    group: npt.NDArray[np.int64],
    method: str,
    labels: int,
    judged: int,
    weight: float | None,
) -> Estimate:
    sums = np.bincount(group, influence)
    clusters = len(sums)
    if clusters < 2:
        raise InputError("estimators", "clusters", "all rows are in one cluster", "give at least 2 clusters")
    raw = float(sums @ sums)
    notes = (f"{clusters} clusters: with fewer than 30 use the t interval",) if clusters < 30 else ()
    small = raw * clusters / (clusters - 1)
    return warned(Estimate(value, small, small, clusters - 1.0, method, labels, judged, weight, notes))
