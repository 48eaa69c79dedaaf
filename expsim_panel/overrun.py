"""Stage-wise answers where outcomes are late: those still out at the stop come in, and the estimate has them.

An end is its look, the side on which it stopped, and the final statistic. Stops upwards come first, the earlier the
more extreme, and among those of one look the larger final statistic; then what came to the last look, by its final
statistic; then stops downwards. The order is total, so that the tail probability is uniform under the true effect:
exact, where Whitehead's deletion of the last look is not.
"""

from __future__ import annotations

import math

import numpy as np

from expsim_panel.checked import Floats
from expsim_panel.design import Design, Setting
from expsim_panel.kernels.ordering import going_on
from expsim_panel.kernels.overrun import HIGH, LOW, drifts_after, stopping, tails_after
from expsim_panel.kernels.special import norm_ppf
from expsim_panel.stagewise import Stagewise, after_stopping, looks_of

__all__ = ["Overrun", "after_overrun", "overrun"]

_POINTS = 65


class Overrun:
    """A test with late outcomes, solved once.

    Parameters
    ----------
    t, final : ndarray, shape (K,)
        Information at the looks, and once all outcomes of those enrolled by then are in, in the same unit.
    lower, upper : ndarray, shape (K,)
        z bounds of the looks.

    References
    ----------
    .. [1] A. A. Tsiatis, G. L. Rosner, C. R. Mehta (1984), Biometrics 40, 797-803: the ordering by stages.
    .. [2] J. Whitehead (1992), "Overrunning and underrunning in sequential clinical trials", Controlled Clinical Trials
       13, 106-121: the problem, and deletion of the last look.
    .. [3] L. V. Hampson, C. Jennison (2013), "Group sequential tests for delayed responses", JRSS B 75, 3-54.
    """

    def __init__(self, t: Floats, final: Floats, lower: Floats, upper: Floats) -> None:
        self.t, self.final = t, final
        paths = going_on(t, lower, upper)
        self.ends = {side: stopping(t, final, lower, upper, *paths, side) for side in (HIGH, LOW)}

    def tails(self, look: int, side: int, z: Floats, drift: Floats) -> Floats:
        """Return P(an end at least as far up) of ends at a look (from 0) on a side (last look: 1), arrays (n,)."""
        found = tails_after(self.t, self.final, *self.ends[side], side, look, z, drift)
        return np.asarray(found if side == HIGH else 1.0 - found)

    def drifts(self, look: int, side: int, z: Floats, tail: float) -> Floats:
        """Return the drift under which each end has the tail probability `tail`, array (n,)."""
        own = tail if side == HIGH else 1.0 - tail
        if z.size <= _POINTS:
            return np.asarray(drifts_after(self.t, self.final, *self.ends[side], side, look, z, own))
        at = np.linspace(float(z.min()), float(z.max()), _POINTS)
        return np.interp(z, at, drifts_after(self.t, self.final, *self.ends[side], side, look, at, own))


def overrun(design: Design, setting: Setting, missing: int = 0) -> tuple[np.ndarray, Overrun] | str:
    """Return the days of a design's looks and its ordering with late outcomes; or why there is none.

    Parameters
    ----------
    missing : int
        Days until the last outcome is in: the figure is made of what came in by then. When it is made must not depend
        on the data.
    """
    table = looks_of(design, setting)
    if isinstance(table, str):
        return table
    days, t, lower, inner, upper = table
    if inner is not None:
        return "no stage-wise estimate: inner bounds with late outcomes"
    scored = setting.rows if setting.scored is None else setting.scored
    until = np.maximum(days - missing, 1)
    with np.errstate(divide="ignore"):
        known = 1.0 / (setting.sds**2 / setting.rows[days - 1]).sum(axis=1)
        whole = np.maximum(1.0 / (setting.sds**2 / scored[until - 1]).sum(axis=1), known)
    return days, Overrun(t, np.asarray(whole / known[-1]), lower, upper)


def after_overrun(
    design: Design, setting: Setting, delay: int, day: int, waited: int, high: bool, effect: float, se: float,
    level: float | None = None,
) -> Stagewise | str:  # fmt: skip
    """Return what an experiment of two arms says that ended on a day, with the outcomes that came in after it.

    Parameters
    ----------
    design, setting
        The design, and what it knew when it was planned.
    delay, waited : int
        Days by which outcomes are late, and for how many of them the figure waited.
    day : int
        Day (from 1) of the look at which it ended, or the last planned day.
    high : bool
        Whether it stopped upwards, or went to the planned end.
    effect, se : float
        Plain estimate and its standard error of the final data.
    level : float, optional
        Of the interval; the design's own unless given.
    """
    found = overrun(design, setting, max(delay - waited, 0))
    if isinstance(found, str):
        return found
    days, made = found
    at = np.flatnonzero(days == day)
    if at.size == 0:
        return f"no stage-wise estimate: day {day} is no look of this design"
    if not se > 0.0:
        return "no stage-wise estimate: there is no standard error"
    look, level = int(at[0]), design.level() if level is None else level
    if made.final[look] <= made.t[look] * (1 + 1e-12):
        # Nothing came in after the look.
        return after_stopping(design, setting, day, effect, se, level)
    side, z = HIGH if high or look == days.size - 1 else LOW, np.array([effect / se])
    # One unit of drift in the units of the effect: the standard error that information 1 would have.
    scale, tail, reach = se * math.sqrt(float(made.final[look])), 0.5 - level / 2, norm_ppf(0.5 + level / 2)
    middle, low, top = (float(made.drifts(look, side, z, part)[0]) * scale for part in (0.5, tail, 1.0 - tail))
    p_value = float(made.tails(look, side, z, np.zeros(1))[0])
    return Stagewise(middle, low, top, p_value, effect, effect - reach * se, effect + reach * se)
