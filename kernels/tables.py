"""The stopping rule of every design whose bounds are known beforehand: a table of z bounds by day."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from expsim_panel.kernels.arms import contrast_z
from expsim_panel.kernels.jit import inner
from expsim_panel.kernels.trials import FUTILE, decide


class Table(NamedTuple):
    """Bounds on the z scale for every day; a day without a look has infinite ones.

    `ddof` is 1 for scores (unbiased variance) and 0 for proportions; `below` is the answer when every variant
    is below its lower bound: `FOR_CONTROL`, or `FUTILE`. A two-sided test may give up within `inner` of 0
    (-inf: it does not), when no variant is left that could still be found better or worse. `z`, shape (arms,), is
    scratch space.
    """

    lower: np.ndarray
    upper: np.ndarray
    inner: np.ndarray
    ddof: float
    below: int
    z: np.ndarray


@inner
def anything_to_see(lower: float, upper: float, inner: float) -> bool:
    """Tell whether a day has a look."""
    return lower > -np.inf or upper < np.inf or inner > -np.inf


@inner
def verdict(lower: float, upper: float, inner: float, below: int, z: np.ndarray) -> int:
    """Stop for the variant furthest above its bound, or low when every variant is below its own, or give up.

    `z`, shape (arms,): statistic of every variant against control; the control's own is not read.
    """
    winner = 0
    highest = upper
    all_below = True
    all_done = True
    for a in range(1, z.shape[0]):
        if z[a] > highest:
            highest = z[a]
            winner = a
        if not z[a] < lower:
            all_below = False
            if not abs(z[a]) <= inner:
                all_done = False
    if winner > 0:
        return winner
    if all_below:
        return below
    return FUTILE if all_done else 0


@decide.register(Table)
def _table(rule: Table, day: int, state: np.ndarray) -> int:
    """Compare the z of the pooled means with the bounds of today."""
    if not anything_to_see(rule.lower[day], rule.upper[day], rule.inner[day]):
        return 0
    for a in range(1, state.shape[1]):
        rule.z[a] = contrast_z(state, a, rule.ddof)
    return verdict(rule.lower[day], rule.upper[day], rule.inner[day], rule.below, rule.z)
