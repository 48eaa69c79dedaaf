"""How experiments went: quantities at checkpoints, summed over replicates, and one by one for the first of them."""

from __future__ import annotations

import numpy as np

from expsim_panel.kernels.jit import inner


@inner
def note(r: int, c: int, so_far: np.ndarray, course: np.ndarray, sums: np.ndarray) -> None:
    """Write down where a replicate stands at a checkpoint.

    Parameters
    ----------
    r, c : int
        Replicate of the block, and checkpoint.
    so_far : float64 ndarray, shape (quantities,)
        Where it stands.
    course : float64 ndarray, shape (kept replicates, checkpoints, quantities)
        Output: the same; replicates beyond those kept are not written.
    sums : float64 ndarray, shape (checkpoints, quantities, 2)
        Output, added to: the quantities and their squares.
    """
    for k in range(so_far.shape[0]):
        sums[c, k, 0] += so_far[k]
        sums[c, k, 1] += so_far[k] * so_far[k]
        if r < course.shape[0]:
            course[r, c, k] = so_far[k]
