"""Sums over the ratings of items: what fits of a rating table do with every row."""

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
