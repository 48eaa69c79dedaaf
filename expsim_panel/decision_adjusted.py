"""What an experiment's figure is worth after its looks: by stages, with late outcomes, and of several variants."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from expsim_panel.design import Setting
from expsim_panel.designs._horizon import AtTheEnd
from expsim_panel.kernels.crossing import cross
from expsim_panel.kernels.special import norm_ppf
from expsim_panel.kernels.trials import ROWS
from expsim_panel.operating import estimates
from expsim_panel.overrun import after_overrun
from expsim_panel.recommend import of_trace
from expsim_panel.repeated_intervals import half_widths
from expsim_panel.results import Trace
from expsim_panel.scenario import Scenario
from expsim_panel.stagewise import Stagewise, after_stopping, table_of
from expsim_panel.strategy import Strategy

__all__ = ["IMPLAUSIBLE", "REPEATED", "Ended", "Repeated", "adjusted_for_looks", "columns"]

IMPLAUSIBLE = 0.01
"""Totals that would have passed the earlier looks more rarely than this were hardly looked at before."""
REPEATED = "repeated intervals"


@dataclass(frozen=True)
class Ended:
    """Where the data of an experiment stand.

    Attributes
    ----------
    day : int
        Day (from 1) of the look that ended it, else the last day of data that a look could see.
    waited : int
        Days of outcomes after it that are in: of starts by that day, where outcomes are late.
    over : bool
        Whether the experiment has ended: by its rule, or at the planned end.
    daily : bool
        Whether the data show every look by itself; totals show one.
    """

    day: int
    waited: int = 0
    over: bool = True
    daily: bool = True


@dataclass(frozen=True)
class Repeated:
    """Repeated confidence intervals of every comparison with the control, arrays (variants,); nan where undefined.

    Attributes
    ----------
    estimate, low, high : ndarray
        Plain estimates at the look and intervals that hold at all looks at once, in the units of the effect.
    plain_low, plain_high : ndarray
        Intervals that pretend that nobody had looked before.
    shown : int
        Index of the variant that the verdict speaks of.
    day : int
        Day of the look.
    needed : bool
        False where one look at the end is all there is: then nothing is adjusted.
    """

    estimate: np.ndarray
    low: np.ndarray
    high: np.ndarray
    plain_low: np.ndarray
    plain_high: np.ndarray
    shown: int
    day: int
    needed: bool

    def to_json(self, names: list[str]) -> dict[str, Any]:
        """Return JSON keys, `names` being those of the variants without the control."""
        each = {
            name: {"plain_estimate": _number(self.estimate[i]), "interval": _ends(self.low[i], self.high[i]),
                   "plain_interval": _ends(self.plain_low[i], self.plain_high[i])}
            for i, name in enumerate(names)
        }  # fmt: skip
        return {
            "estimate": None, "p_value": None, "ordering": REPEATED, "look_on_day": self.day,
            **each[names[self.shown]], "variants": each,
        }  # fmt: skip


def _number(value: float) -> float | None:
    return float(value) if math.isfinite(value) else None


def _ends(low: float, high: float) -> list[float] | None:
    return [float(low), float(high)] if math.isfinite(low) and math.isfinite(high) else None


def adjusted_for_looks(
    scenario: Scenario, one: Strategy, setting: Setting, shown: Trace, end: Ended, arm: int, value: float, se: float
) -> Stagewise | Repeated | str:
    """Return the estimate or the intervals that count the looks; or why there are none.

    Parameters
    ----------
    shown : Trace
        The data, up to the last outcome that counts.
    arm : int
        The variant that the verdict speaks of, with its plain estimate `value` and standard error `se`.
    """
    if one.policy.adaptive:
        return "no stage-wise estimate: the allocation adapts to the data"
    bounds = one.design.bounds(setting)
    late = scenario.delay_days
    looked = bounds is not None and bounds.days.size > 1
    if late and not end.daily and looked and end.over:
        return (
            "outcomes are late, and totals do not say what the look that ended it saw: give a table with the columns "
            f"day,{columns(scenario)}, each outcome on the day it came in; two days will do, that of the look and "
            "one for all that came in after it"
        )
    if setting.arms > 2:
        return _repeated(scenario, one, setting, shown, end, arm)
    if not end.over:
        return "no stage-wise estimate before the experiment has ended"
    if late and end.waited and looked:
        # The last look is one-sided in the ordering: whatever comes to it counts by its final figure.
        return after_overrun(one.design, setting, late, end.day, end.waited, shown.code >= 0, value, se)
    made = after_stopping(one.design, setting, end.day, value, se)
    if isinstance(made, str) or not looked:
        return made
    return _plausible(one, setting, shown, end, value, se) or made


def columns(scenario: Scenario) -> str:
    """Return the columns of a table of sums, for a line that asks for one."""
    if scenario.side_by_side:
        return "variant,wins,ties,losses"
    return "variant,rows,hits" if scenario.family == "binary" else "variant,rows,sum,squares"


def saw_every_look(one: Strategy, setting: Setting, shown: Trace, end: Ended) -> bool:
    """Tell whether the data show the looks before the end; totals and tables of few days leave them out."""
    bounds = one.design.bounds(setting)
    if bounds is None or not end.daily:
        return end.daily
    before = bounds.days[bounds.days < end.day]
    before = before[setting.rows[before - 1].min(axis=1) > 0]
    return bool(np.all(shown.state[before - 1, ROWS] > 0))


def _plausible(one: Strategy, setting: Setting, shown: Trace, end: Ended, value: float, se: float) -> str | None:
    """Return why totals cannot have passed the earlier looks; None where they can, or the data show them."""
    table = table_of(one.design, setting)
    if isinstance(table, str) or saw_every_look(one, setting, shown, end):
        return None
    looks, information, lower, upper = table
    at = int(np.flatnonzero(looks == end.day)[0])
    if at > 0:
        drift = value / se / math.sqrt(float(information[at]))
        below, above = cross(information[:at], lower[:at], upper[:at], drift)
        if 1.0 - float(below.sum() + above.sum()) < IMPLAUSIBLE:
            return "no stage-wise estimate: an effect as large as this would have ended an earlier look; give days"
    return None


def _repeated(
    scenario: Scenario, one: Strategy, setting: Setting, shown: Trace, end: Ended, arm: int
) -> Repeated | str:
    """Return the intervals at the look: they hold whatever ended it, so a look that let it go on has them too."""
    reach = half_widths(one.design, setting)
    if isinstance(reach, str):
        return reach
    width = float(reach[end.day - 1]) if end.day <= reach.size else math.nan
    if not math.isfinite(width):
        return f"no repeated confidence interval: day {end.day} is no look of this design that may find something"
    # Outcomes that came in after the look are not covered by its bound: the interval is of what the look saw.
    seen = shown.state[: end.day] if end.daily else shown.state
    found = estimates(of_trace(Trace(shown.luck, shown.code, end.day, seen)), scenario.by_counts)
    effect, se = found.effect[0], np.where(found.se[0] > 0, found.se[0], np.nan)
    z = norm_ppf(0.5 + one.design.level() / 2)
    return Repeated(
        effect, effect - width * se, effect + width * se, effect - z * se, effect + z * se, arm - 1, end.day,
        not isinstance(one.design, AtTheEnd),
    )  # fmt: skip
