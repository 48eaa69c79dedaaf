"""Items that draw some levels and keep others away, beyond what their place on the scale makes of them.

A pupil who leaves questions out, a respondent who answers "don't know" or only 3 and 6: one latent order of levels
does not say why some items keep to a level in the middle and others never get it. Each item has a kind `k`, all as
likely; it multiplies a rater's chances of the levels by ``w[k, j] = exp(sum over d of g[k, d] t[d, j])``, `g` fixed
standard normal draws and `t` the law's `tastes`, and they are scaled to sum to 1 (a nominal response law [1]_ whose
intercepts vary by item). The chances that are multiplied are found by iterative proportional fitting [2]_, so that
over all kinds each rater's distribution of levels stays what it was.

To first order two raters then give levels j and k with ``p[j] p[k] (1 + sum over d of t[d, j] t[d, k])``, tastes
centred. So tastes are read from what the table of pairs has beyond the rest of the law: residuals over ``sqrt(p[j]
p[k])``, as in correspondence analysis [3]_, whose eigenvectors are kept while their eigenvalues lie above the edge
that sampling errors alone would reach, ``2 sqrt(levels) error``, and are shrunk by what noise adds to those [4]_.

References
----------
.. [1] Bock, R. D. (1972). Estimating item parameters and latent ability when responses are scored in two or more
   nominal categories. Psychometrika 37.
.. [2] Deming, W. E., Stephan, F. F. (1940). On a least squares adjustment of a sampled frequency table. Annals of
   Mathematical Statistics 11.
.. [3] Greenacre, M. (1984). Theory and Applications of Correspondence Analysis, chapter 4.
.. [4] Benaych-Georges, F., Nadakuditi, R. (2011). The eigenvalues and eigenvectors of finite, low rank perturbations
   of large random matrices. Advances in Mathematics 227.
"""

from __future__ import annotations

import functools

import numpy as np
from scipy.special import ndtr, ndtri

from expsim_panel.ratings import Codes, Floats

KINDS = 64
FITTING, CLOSE = 60, 1e-5
LARGEST = 2.5  # standard deviation of a logarithm
MOST_EIGENVALUE = 3.0
FEWEST = 1e-4  # share of a level that is never given
TINY = 1e-12


@functools.lru_cache(maxsize=32)
def _draws(tastes: int) -> Floats:
    """Return the draws of all kinds, shape (KINDS, tastes): the same ones always, so that a law is a law."""
    from scipy.stats import qmc  # takes half a second to import, and few tables need it

    found = np.asarray(ndtri(qmc.Sobol(tastes, scramble=True, seed=11).random(KINDS)))
    found.setflags(write=False)
    return found


def tasted(cuts: Floats, tastes: Floats, kind: Codes) -> Floats:
    """Return each rating's thresholds for a unit normal score, its item being of a kind.

    Parameters
    ----------
    cuts : float64 array, shape (rows, levels - 1)
        Thresholds over all kinds.
    tastes : float64 array, shape (tastes, levels)
    kind : int64 array, shape (rows,)
        From 0 to `KINDS` - 1.
    """
    weight = np.exp(_draws(len(tastes)) @ tastes)
    rows = np.ascontiguousarray(cuts).view(np.dtype((np.void, cuts.itemsize * cuts.shape[1])))[:, 0]
    _, first, at = np.unique(rows, return_index=True, return_inverse=True)
    below = np.ones((len(first), cuts.shape[1] + 1))
    below[:, :-1] = ndtr(cuts[first])
    whole = np.maximum(np.diff(below, axis=1, prepend=0.0), TINY)
    base = whole.copy()
    for _ in range(FITTING):
        part = base[:, None, :] * weight
        part /= part.sum(axis=2, keepdims=True)
        mean = part.mean(axis=1)
        if np.abs(mean - whole).max() < CLOSE:
            break
        base *= whole / mean
        base /= base.sum(axis=1, keepdims=True)
    up_to = np.cumsum(part, axis=2)[:, :, :-1]
    return np.asarray(ndtri(np.clip(up_to, 1e-15, 1 - 1e-15))[at.ravel(), kind])


def pair_table(level: Codes, item: Codes, items: int, levels: int) -> tuple[Floats, float]:
    """Return the shares of ordered pairs of ratings of an item, shape (levels, levels), and the edge of their noise.

    The edge is the largest eigenvalue that sampling errors alone give residuals over ``sqrt(p[j] p[k])``; items are
    the independent ones.
    """
    table = np.bincount(item * levels + level, minlength=items * levels).reshape(items, levels).astype(float)
    size = table.sum(axis=1)
    pairs = size * (size - 1)
    whole = max(float(pairs.sum()), 1.0)
    share = (table.T @ table - np.diag(table.sum(axis=0))) / whole
    chance = np.maximum(table.sum(axis=0) / max(len(level), 1), FEWEST)
    own = table[:, :, None] * table[:, None, :]
    own[:, range(levels), range(levels)] -= table
    square = ((own - share * pairs[:, None, None]) ** 2).sum(axis=0) / whole**2 / np.outer(chance, chance)
    return share, float(2 * np.sqrt(levels * square.mean()))


def tastes_of(beyond: Floats, chance: Floats, edge: float) -> Floats:
    """Return tastes, shape (tastes, levels), of what pairs have beyond the law; no rows where that may be noise.

    Parameters
    ----------
    beyond : float64 array, shape (levels, levels)
        Residual shares of pairs over ``sqrt(p[j] p[k])``.
    chance : float64 array, shape (levels,)
        The p.
    edge : float
        See `pair_table`.
    """
    root, axis = np.linalg.eigh((beyond + beyond.T) / 2)
    kept = root > edge
    size = (root[kept] + np.sqrt(root[kept] ** 2 - edge**2)) / 2
    found = (axis[:, kept] * np.sqrt(np.minimum(size, MOST_EIGENVALUE))).T / np.sqrt(np.maximum(chance, FEWEST))
    spread = np.sqrt((found**2).sum(axis=0))
    return np.asarray(found * np.minimum(1.0, LARGEST / np.maximum(spread, TINY)))
