"""The latent correlation of two raters on an item that explains an observed covariance of their scores."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from scipy.optimize import brentq

from expsim_panel.kernels.rating_probit import mean_covariance
from expsim_panel.ratings import Codes, Floats

CLASSES = 24  # beyond this many raters per variant, those with similar cuts are merged
MOST_CELLS, FINE_CLASSES = 400, 48  # where likelihoods of items are computed, cell by cell
LARGEST = 0.995
NODES, WEIGHTS = np.polynomial.hermite_e.hermegauss(31)
WEIGHTS = WEIGHTS / WEIGHTS.sum()


def item_covariance(rho: float, cuts: Floats, values: Floats, rows: Floats, variant: Codes) -> float:
    """Return the model's covariance of two raters' scores on an item, averaged over variants.

    Parameters
    ----------
    rho : float
        Latent correlation of two ratings of an item, raters given; item plus noise has variance 1.
    cuts : float64 array, shape (cells, levels - 1)
        Thresholds minus latent centre of each (variant, rater) cell.
    values : float64 array, shape (levels,)
        Score of each level.
    rows, variant : arrays, shape (cells,)
        Ratings in each cell, and its variant.
    """
    return mean_covariance(rho, cuts, values, rows, variant, NODES, WEIGHTS)


def _summed(of: Codes, values: Floats) -> Floats:
    """Return the sums of the rows of each group, added in their order; shape (groups, columns)."""
    groups, columns = int(of.max()) + 1, values.shape[1]
    place = (of[:, None] * columns + np.arange(columns)).ravel()
    return np.asarray(np.bincount(place, values.ravel(), minlength=groups * columns).reshape(groups, columns), float)


def latent_correlation(target: float, cuts: Floats, values: Floats, rows: Floats, variant: Codes) -> float:
    """Find the latent correlation whose `item_covariance` is `target`, in [0, 0.995]; the covariance grows with it."""
    size, grouped, merged = classes(rows, variant, cuts)

    def gap(rho: float) -> float:
        return item_covariance(rho, merged, values, size, grouped) - target

    return root(gap, 0.0, LARGEST, 1e-9)


def root(gap: Callable[[float], float], low: float, high: float, tolerance: float) -> float:
    """Return where a growing function is 0, or the end that comes nearest to it."""
    ends = {low: gap(low)}
    if ends[low] >= 0:
        return low
    ends[high] = gap(high)
    if ends[high] <= 0:
        return high
    # the search begins by asking for both ends again
    return float(brentq(lambda at: ends[at] if at in ends else gap(at), low, high, xtol=tolerance))


def classes(rows: Floats, variant: Codes, cuts: Floats) -> tuple[Floats, Codes, Floats]:
    """Merge cells of a variant with similar cuts; with few cells return them as they are."""
    if len(rows) <= CLASSES * (int(variant.max()) + 1):
        return rows, variant, cuts
    at, size, of = ranked_classes(rows, variant, cuts, CLASSES)
    return size, of, class_means(rows, cuts, at, size)


def ranked_classes(rows: Floats, variant: Codes, cuts: Floats, number: int) -> tuple[Codes, Floats, Codes]:
    """Put the cells of each variant, ranked by their cuts, in `number` classes of about as many ratings.

    Returns
    -------
    at : int64 array, shape (cells,)
        Class of each cell.
    size, of : arrays, shape (classes,)
        Ratings in each class, and its variant.
    """
    order = np.lexsort((cuts.mean(axis=1), variant))
    rank = np.empty(len(rows))
    total = np.bincount(variant, rows)
    rank[order] = np.cumsum(rows[order]) - rows[order] / 2 - (np.cumsum(total) - total)[variant[order]]
    group = variant * number + np.minimum((rank / total[variant] * number).astype(np.int64), number - 1)
    kept, at = np.unique(group, return_inverse=True)
    return at.astype(np.int64), np.bincount(at, rows).astype(float), kept // number


def merged_cells(rows: Floats, variant: Codes, cuts: Floats) -> tuple[Codes, Floats]:
    """Return the class of each cell and the cuts of the classes; up to `MOST_CELLS` cells are their own classes.

    A class of 1/48 of the ratings of a variant spans about 0.02 of the latent scale where raters differ by 0.3, so
    likelihoods of items are what they are without it: on 1,000 cells realism scores move by less than 0.0001.
    """
    if len(rows) <= MOST_CELLS:
        return np.arange(len(rows)), cuts
    at, size, _ = ranked_classes(rows, variant, cuts, FINE_CLASSES)
    return at, class_means(rows, cuts, at, size)


def class_means(rows: Floats, cuts: Floats, at: Codes, size: Floats) -> Floats:
    """Return the mean cuts of each class, cells weighted by their ratings."""
    return np.asarray(_summed(at, rows[:, None] * cuts) / size[:, None])
