"""What is done with every row of a rating table: sums over items and raters, levels of latent scores, pictures."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from expsim_panel.kernels.jit import kernel

Floats = npt.NDArray[np.float64]
Codes = npt.NDArray[np.int64]


@kernel
def shared_items(start: Codes, rater: Codes, raters: int) -> Floats:
    """Return for every two raters the sum of 1 / (ratings of the item) over the items that both have rated.

    Parameters
    ----------
    start : int64 array, shape (items + 1,)
        Rows of item i are those from ``start[i]`` to ``start[i + 1]``.
    rater : int64 array, shape (rows,)
        Rater of each row, no rater twice on an item.

    Returns
    -------
    float64 array, shape (raters, raters)
        On the diagonal over the items of each rater.
    """
    shared = np.zeros((raters, raters))
    for item in range(start.size - 1):
        first, last = start[item], start[item + 1]
        if first == last:
            continue
        root = 1.0 / np.sqrt(float(last - first))
        share = root * root
        for one in range(first, last):
            for other in range(first, last):
                shared[rater[one], rater[other]] += share
    return shared


@kernel
def connected_sets(shared: Floats) -> Codes:
    """Return for every rater the first one of those that hang together with it, through others or not.

    Parameters
    ----------
    shared : float64 array, shape (raters, raters)
        Symmetric, above 0 where two raters share an item.
    """
    raters = shared.shape[0]
    first, waiting = np.empty(raters, np.int64), np.empty(raters, np.int64)
    for rater in range(raters):
        first[rater] = -1
    for root in range(raters):
        if first[root] >= 0:
            continue
        first[root], waiting[0], many = root, root, 1
        while many > 0:
            many -= 1
            one = waiting[many]
            for other in range(raters):
                if first[other] < 0 and shared[one, other] > 0.0:
                    first[other], waiting[many] = root, other
                    many += 1
    return first


@kernel
def item_sums(score: Floats, item: Codes, items: int, middle: float) -> Floats:
    """Return each item's number of ratings, sum of scores off `middle` and sum of their squares, shape (3, items)."""
    found = np.zeros((3, items))
    for row in range(score.size):
        off, one = score[row] - middle, item[row]
        found[0, one] += 1.0
        found[1, one] += off
        found[2, one] += off * off
    return found


@kernel
def level_pictures(level: Codes, item: Codes, items: int, levels: int) -> tuple[Codes, Codes, Codes]:
    """Return how often levels, ordered pairs of levels of an item, and ranges within items of several ratings occur.

    Parameters
    ----------
    level, item : int64 arrays, shape (rows,)

    Returns
    -------
    marginal, pair, ranges : int64 arrays, shapes (levels,), (levels, levels), (levels,)
    """
    table = np.zeros((items, levels), np.int64)
    for row in range(level.size):
        table[item[row], level[row]] += 1
    marginal, pair = np.zeros(levels, np.int64), np.zeros((levels, levels), np.int64)
    ranges = np.zeros(levels, np.int64)
    for one in range(items):
        low, high, several = levels, 0, 0
        for a in range(levels):
            own = table[one, a]
            if own == 0:
                continue
            low, high = min(low, a), a
            several += own
            marginal[a] += own
            pair[a, a] -= own
            for b in range(levels):
                pair[a, b] += own * table[one, b]
        if several > 1:
            ranges[high - low] += 1
    return marginal, pair, ranges


@kernel
def levels_above(latent: Floats, of: Codes, edges: Floats) -> Codes:
    """Return how many of its edges each latent score is above.

    Parameters
    ----------
    latent : float64 array, shape (rows,)
    of : int64 array, shape (rows,)
        Which edges are its own.
    edges : float64 array, shape (kinds, levels - 1)
    """
    found = np.empty(latent.size, np.int64)
    for row in range(latent.size):
        level = 0
        for j in range(edges.shape[1]):
            if latent[row] > edges[of[row], j]:
                level += 1
        found[row] = level
    return found
