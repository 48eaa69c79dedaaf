"""Fixed tests whose size is set on the way: what re-estimation and the promising zone share."""

from __future__ import annotations

import numpy as np

from expsim_panel.design import Setting
from expsim_panel.designs._frequentist import Frequentist
from expsim_panel.kernels.jit import inner
from expsim_panel.kernels.special import norm_ppf
from expsim_panel.kernels.trials import FOR_CONTROL, FUTILE, ROWS


@inner
def rows_so_far(state: np.ndarray) -> float:
    """Scored rows of all arms."""
    rows = 0.0
    for a in range(state.shape[1]):
        rows += state[ROWS, a]
    return rows


@inner
def ended(z: np.ndarray, critical: float, two_sided: bool, early: bool) -> int:
    """Answer of the test once its size is reached, from the z of every variant in ``z[1:]``.

    Without a finding it ends here too (`early`), unless it would have ended anyway.
    """
    winner = 0
    highest = critical
    all_below = two_sided
    for a in range(1, z.shape[0]):
        if z[a] > highest:
            highest = z[a]
            winner = a
        if not z[a] < -critical:
            all_below = False
    if winner > 0:
        return winner
    if all_below:
        return FOR_CONTROL
    return FUTILE if early else 0


class AdaptiveSize(Frequentist):
    """One test, at alpha shared out over the variants; when it is made depends on the data."""

    only_fixed = "it plans its size for an even split"

    def critical(self, setting: Setting) -> float:
        """Return the z bound of the test."""
        return -norm_ppf(float(self.alpha) / (self.sides * (setting.arms - 1)))

    def reached(self, setting: Setting, day: int, rows: float, needed: float, least: int) -> int | None:
        """Return the first day after `day`, from `least` on, that has so many rows at the planned pace; else the last.

        Parameters
        ----------
        day, least : int
            Days from 1.
        rows, needed : float
            Scored rows of all arms by `day`, and those at which the test is made.
        """
        if day >= setting.days:
            return None
        planned = setting.rows.sum(axis=1)
        coming = np.arange(max(day + 1, least), setting.days + 1)
        enough = rows + planned[coming - 1] - planned[day - 1] >= needed
        return int(coming[np.argmax(enough)]) if enough.any() else setting.days

    def bounds(self, setting: Setting) -> None:
        """Return None: the day of the test depends on the data."""
