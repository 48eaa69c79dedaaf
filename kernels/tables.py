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
    (-inf: it does not), when no variant is left that could still be found better or worse.
    """

    lower: np.ndarray
    upper: np.ndarray
    inner: np.ndarray
    ddof: float
    below: int


@inner
def _anything_to_see(lower: float, upper: float, inner: float) -> bool:
    return lower > -np.inf or upper < np.inf or inner > -np.inf


@decide.register(Table)
def _table(rule: Table, day: int, state: np.ndarray) -> int:
    """Stop for the variant furthest above its bound, or low when every variant is below its own, or give up."""
    if not _anything_to_see(rule.lower[day], rule.upper[day], rule.inner[day]):
        return 0
    winner = 0
    highest = rule.upper[day]
    all_below = True
    all_done = True
    for a in range(1, state.shape[1]):
        z = contrast_z(state, a, rule.ddof)
        if z > highest:
            highest = z
            winner = a
        if not z < rule.lower[day]:
            all_below = False
            if not abs(z) <= rule.inner[day]:
                all_done = False
    if winner > 0:
        return winner
    if all_below:
        return rule.below
    return FUTILE if all_done else 0
