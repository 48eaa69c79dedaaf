"""Agreement of sparse crowds: all pairs of ratings of an item in one pool, whoever gave them.

Where many raters rate few items each, no two of them share enough items for a coefficient of their own. Any two ratings
of an item are then a pair, counted in both orders, so that both margins are alike. Every pair counts the same: an item
of m ratings has ``m (m - 1)`` of them.

* Kappa of the pooled table with symmetric margins is Scott's pi [1]_; on a complete table of two raters Krippendorff's
  alpha is ``1 - (1 - pi) (n - 1) / n`` for n ratings.
* Pearson's correlation over all pairs in both orders is Fisher's intraclass correlation [2]_ and equals the kappa
  with quadratic weights. On a complete table of two raters with means m, variances v and covariance c (divided by the
  items) it is ``(c - d) / ((v_1 + v_2) / 2 + d)``, ``d = (m_1 - m_2)^2 / 4``: severity counts as disagreement.

References
----------
.. [1] Scott, W. A. (1955). Reliability of content analysis: the case of nominal scale coding. POQ 19, 321-325.
.. [2] Fisher, R. A. (1925). Statistical Methods for Research Workers, section 38.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from expsim_panel.ratings import Codes, Floats
from expsim_panel.recoding import counted


class Pooled(NamedTuple):
    """Coefficients over all pairs of ratings of an item; None where undefined.

    Attributes
    ----------
    kappa, kappa_linear : float or None
        Of the pooled table, plain and weighted by the distance of the scores; None too of more than 101 scores.
    pearson : float or None
        Over the pairs in both orders.
    pairs : int
        Pairs, each counted once.
    """

    kappa: float | None
    kappa_linear: float | None
    pearson: float | None
    pairs: int


def pooled_pairs(score: Floats, item: Codes, values: Floats | None, code: Codes) -> Pooled:
    """Return the coefficients of ratings in long form.

    Parameters
    ----------
    score : float64 array, shape (rows,)
    item : int64 array, shape (rows,)
    values : float64 array or None
        Scores of the scale, ascending; None where they are too many for a table.
    code : int64 array, shape (rows,)
        Which of them each is; not read without `values`.
    """
    size = np.bincount(item).astype(float)
    orders = float((size * (size - 1)).sum())
    if not orders:
        return Pooled(None, None, None, 0)
    weight = size[item] - 1
    x = score - float(weight @ score) / orders
    variance = float(weight @ x**2) / orders
    total = np.bincount(item, x)
    pearson = (float(total @ total - x @ x) / orders) / variance if variance > 0 else None
    found: list[float | None] = [None, None]
    if values is not None:
        table = pair_counts(item, code, len(values)) / orders
        margin = table.sum(axis=1)
        gap = np.abs(values[:, None] - values)
        for at, distance in enumerate(((gap > 0).astype(float), gap)):
            expected = float(margin @ distance @ margin)
            found[at] = 1 - float((distance * table).sum()) / expected if expected > 0 else None
    return Pooled(found[0], found[1], pearson, round(orders / 2))


def pair_counts(item: Codes, code: Codes, levels: int) -> Floats:
    """Return how often two ratings of an item are of two levels, in both orders, shape (levels, levels)."""
    from scipy.sparse import csr_array

    cells, counts = counted(item * levels + code)
    seen = csr_array((counts.astype(float), (cells // levels, cells % levels)), shape=(int(item.max()) + 1, levels))
    both = (seen.T @ seen).toarray()
    both[np.diag_indices(levels)] -= np.bincount(code, minlength=levels)
    return np.asarray(both)
