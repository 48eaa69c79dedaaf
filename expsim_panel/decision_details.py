"""What the data of one experiment say beyond the verdict: the estimate after stopping early, and how much longer."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from expsim_panel import plan
from expsim_panel.conditional import conditional_power, predictive_power
from expsim_panel.design import Bounds, Setting
from expsim_panel.how_much_longer import how_much_longer
from expsim_panel.kernels.crossing import cross
from expsim_panel.operating import estimates
from expsim_panel.quantities import effect, percent, span
from expsim_panel.recommend import of_trace
from expsim_panel.results import Trace
from expsim_panel.scenario import Scenario
from expsim_panel.stagewise import Stagewise, after_stopping, table_of
from expsim_panel.strategy import Strategy
from expsim_panel.world_words import words_of

IMPLAUSIBLE = 0.01
"""Totals that would have passed the earlier looks more rarely than this were hardly looked at before."""
POWER = 0.8
"""Chance of a finding that "how much longer" aims at."""


@dataclass(frozen=True)
class Longer:
    """What going on would bring.

    Attributes
    ----------
    conditional_power, predictive_power : float or None
        Chance of a finding for the better by the planned end, by the design's own bounds: if the effect is as
        estimated, and averaged over what the data and the prior leave open. None at the planned end.
    more_units, more_units_predictive : float or None
        Further units (all arms) until one fixed test has `POWER`, in the same two senses; None where no size has.
    more_days, more_days_predictive : int or None
        The same in days of the planned traffic.
    ceiling : float
        Predictive power with ever more units.
    """

    conditional_power: float | None
    predictive_power: float | None
    more_units: float | None
    more_units_predictive: float | None
    more_days: int | None
    more_days_predictive: int | None
    ceiling: float


@dataclass(frozen=True)
class Details:
    """What stands beside a verdict.

    Attributes
    ----------
    adjusted : Stagewise or None
        Stage-wise estimate and interval where the experiment has ended; positive is better.
    sides : int
        Of the planned test: its p-value counts both tails where it has two.
    shrunk : float or None
        Posterior mean of the effect under the team's prior; None without one.
    longer : Longer or None
        Where nothing was found.
    reasons : dict of str
        Why something is None.
    lines : tuple of str
        The same in words.
    """

    adjusted: Stagewise | None
    sides: int
    shrunk: float | None
    longer: Longer | None
    reasons: dict[str, str]
    lines: tuple[str, ...]

    def to_json(self) -> dict[str, Any]:
        """Return JSON keys for the decision."""
        made: dict[str, Any] = {"adjusted": None, "shrunk": self.shrunk, "how_much_longer": None}
        if self.adjusted is not None:
            one = self.adjusted
            made["adjusted"] = {
                "estimate": one.estimate,
                "interval": [one.low, one.high],
                "p_value": self.p_value,
                "ordering": one.ordering,
                "plain_estimate": one.naive,
                "plain_interval": [one.naive_low, one.naive_high],
            }
        if self.longer is not None:
            made["how_much_longer"] = {"power": POWER, **self.longer.__dict__}
        return {**made, "reasons": self.reasons}

    @property
    def p_value(self) -> float | None:
        """Stage-wise p-value of no difference, by the sides of the test."""
        if self.adjusted is None:
            return None
        p = self.adjusted.p_value
        return min(1.0, 2 * min(p, 1 - p)) if self.sides == 2 else p


def details(scenario: Scenario, one: Strategy, shown: Trace, day: int, ended: bool, daily: bool = True) -> Details:
    """Return what the data say besides the verdict.

    Parameters
    ----------
    scenario, one
        The plan; true means are not used.
    shown : Trace
        The data up to the rule's end.
    day : int
        Day of the last data used.
    ended : bool
        Whether the experiment is over: stopped, or at its planned end.
    daily : bool
        Whether the data show the earlier looks; totals do not.
    """
    found = estimates(of_trace(shown), scenario.by_counts)
    point = np.where(np.isfinite(found.effect[0]), found.effect[0], -np.inf)
    arm = shown.code if shown.code > 0 else int(point.argmax()) + 1
    value, se = float(found.effect[0, arm - 1]), float(found.se[0, arm - 1])
    setting = plan.setting_of(scenario)
    reasons: dict[str, str] = {}
    sides = int(getattr(one.design, "sides", 2))
    if not (math.isfinite(value) and math.isfinite(se) and se > 0):
        reason = "too few scored responses for an estimate"
        every = dict.fromkeys(("adjusted", "shrunk", "how_much_longer"), reason)
        return Details(None, sides, None, None, every, ())
    adjusted = _adjusted(one, setting, day, value, se, ended, daily)
    bounds = one.design.bounds(setting)
    if scenario.delay_days and not isinstance(adjusted, str) and bounds is not None and bounds.days.size > 1:
        # Outcomes that came in after the stop are in these totals, and the look that stopped it had none of them.
        adjusted = "no stage-wise estimate: outcomes are late, and totals do not say what the look that ended it saw"
    if isinstance(adjusted, str):
        reasons["adjusted"] = adjusted
    prior = scenario.prior
    shrunk = None
    if prior.sd:
        share = 1.0 / (1.0 + (se / prior.sd) ** 2)
        shrunk = share * value + (1.0 - share) * prior.mean
    else:
        reasons["shrunk"] = "needs prior.effect_sd"
    longer = None
    if shown.code != 0:
        reasons["how_much_longer"] = "the planned rule has ended the experiment"
    else:
        longer = _longer(scenario, one, setting, shown, day, value, se, sides)
    stagewise = None if isinstance(adjusted, str) else adjusted
    lines = _lines(scenario, one, arm, stagewise, shrunk, longer)
    return Details(stagewise, sides, shrunk, longer, reasons, lines)


def _adjusted(
    one: Strategy, setting: Setting, day: int, value: float, se: float, ended: bool, daily: bool
) -> Stagewise | str:
    if one.policy.adaptive:
        return "no stage-wise estimate: the allocation adapts to the data"
    if not ended:
        return "no stage-wise estimate before the experiment has ended"
    made = after_stopping(one.design, setting, day, value, se)
    table = table_of(one.design, setting)
    if daily or isinstance(made, str) or isinstance(table, str):
        return made
    looks, information, lower, upper = table
    at = int(np.flatnonzero(looks == day)[0])
    if at > 0:
        drift = value / se / math.sqrt(float(information[at]))
        below, above = cross(information[:at], lower[:at], upper[:at], drift)
        if 1.0 - float(below.sum() + above.sum()) < IMPLAUSIBLE:
            return "no stage-wise estimate: an effect as large as this would have ended an earlier look; give days"
    return made


def _longer(
    scenario: Scenario, one: Strategy, setting: Setting, shown: Trace, day: int, value: float, se: float, sides: int
) -> Longer:
    design, prior = one.design, scenario.prior
    units = float(shown.state[-1, 0].sum())
    claimed = design.nominal_alpha()
    alpha = (1 - design.level() if claimed is None else claimed) / (setting.arms - 1)
    mean, sd = (prior.mean, prior.sd) if prior.sd else (0.0, None)
    found = how_much_longer(
        value, se, units, power=POWER, alpha=alpha, sides=sides, prior_mean=mean,
        prior_sd=math.inf if sd is None else sd,
    )  # fmt: skip
    conditional = predictive = None
    planned = design.bounds(setting)
    if planned is not None and setting.arms == 2 and day < setting.days and not one.policy.adaptive:
        conditional, predictive = _by_the_plan(planned, setting, day, value, se, sides, mean, sd)
    per_day = float(scenario.traffic.units_per_day)
    lasting = [
        None if more is None else math.ceil(more / per_day - 1e-9)
        for more in (found.more_for_conditional, found.more_for_predictive)
    ]
    return Longer(
        conditional, predictive, found.more_for_conditional, found.more_for_predictive, lasting[0], lasting[1],
        found.ceiling,
    )  # fmt: skip


def _by_the_plan(
    planned: Bounds, setting: Setting, day: int, value: float, se: float, sides: int, mean: float, sd: float | None
) -> tuple[float, float] | tuple[None, None]:
    """Return conditional and predictive power of the looks to come, from information now."""
    coming = planned.days > day
    at = np.append(day, planned.days[coming])
    seen = setting.rows[at - 1].min(axis=1)
    if not coming.any() or np.any(np.diff(seen) <= 0) or seen[0] <= 0:
        return None, None
    variance = (setting.sds**2 / setting.rows[at - 1]).sum(axis=1)
    information = variance[-1] / variance
    z, root = value / se, math.sqrt(float(information[0]))
    upper = np.append(np.inf, planned.upper[coming])
    if planned.inner is not None:
        futility = np.append(-np.inf, planned.inner[coming])
    else:
        futility = np.append(-np.inf, planned.lower[coming]) if planned.futility else np.full(at.size, -np.inf)
    # One unit of drift in the units of the effect.
    scale = se * root
    known = {"prior_mean": mean / scale, "prior_sd": sd / scale} if sd is not None else {}
    one = conditional_power(information, upper, sides, 1, z, futility=futility)
    two = predictive_power(information, upper, sides, 1, z, futility=futility, **known)
    return float(one.upper.sum()), float(two.upper.sum())


def _lines(
    scenario: Scenario, one: Strategy, arm: int, adjusted: Stagewise | None, shrunk: float | None, longer: Longer | None
) -> tuple[str, ...]:
    """Put the numbers into sentences about the metric, as the verdict's own."""
    family = scenario.shown_as
    name, clock = scenario.variants[arm].name, words_of(scenario)

    def size(value: float) -> str:
        return effect(scenario.sign * value, family, True)

    said = []
    if adjusted is not None and one.design.bounds(plan.setting_of(scenario)) is not None:
        low, high = sorted((scenario.sign * adjusted.low, scenario.sign * adjusted.high))
        ends = f"{effect(low, family, True)} to {effect(high, family, True)}"
        level = percent(one.design.level(), 0)
        if abs(adjusted.estimate - adjusted.naive) > 1e-6 * (adjusted.high - adjusted.low):
            said.append(
                f"Adjusted for the earlier looks {name} shows {size(adjusted.estimate)} ({level} interval {ends}); "
                f"the plain figure is {size(adjusted.naive)}."
            )
        else:
            said.append("No adjustment for earlier looks is needed: none could have ended it before.")
    if shrunk is not None:
        said.append(f"Weighed with what your team usually finds, {name} is worth {size(shrunk)}.")
    if longer is not None:
        if longer.conditional_power is not None and longer.predictive_power is not None:
            said.append(
                f"Chance to find {name} better by the planned end: {percent(longer.conditional_power)} if the effect "
                f"is as it looks now, {percent(longer.predictive_power)} counting what is still open."
            )
        if longer.more_units is None:
            said.append(f"At what {name} shows now no number of further {clock.unit}s makes a finding likely.")
        elif longer.more_units > 0 and longer.more_days is not None:
            over = "" if longer.conditional_power is not None else " Past the planned end that is a new experiment."
            said.append(
                f"One fixed test has an {percent(POWER, 0)} chance, if the effect is as it looks now, after "
                f"{clock.more(longer.more_units, len(scenario.variants))} ({span(longer.more_days, clock.tick)}).{over}"
            )
    return tuple(said)
