"""What the data of one experiment say beyond the verdict: the estimate after stopping early, and how much longer."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from expsim_panel import plan
from expsim_panel.conditional import conditional_power, predictive_power
from expsim_panel.decision_adjusted import Ended, Repeated, adjusted_for_looks
from expsim_panel.design import Bounds, Setting
from expsim_panel.how_much_longer import how_much_longer
from expsim_panel.operating import estimates
from expsim_panel.quantities import days, effect, percent, span
from expsim_panel.recommend import of_trace
from expsim_panel.repeated_intervals import NO_ESTIMATE
from expsim_panel.results import Trace
from expsim_panel.scenario import Scenario
from expsim_panel.stagewise import Stagewise
from expsim_panel.strategy import Strategy
from expsim_panel.world_words import words_of

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
    adjusted : Stagewise, Repeated or None
        Stage-wise estimate and interval where the experiment has ended, of several variants the intervals that hold
        at all looks at once; positive is better.
    names : tuple of str
        Variants without the control.
    waited : int
        Days of outcomes after the look that ended it, which the figure counts.
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

    adjusted: Stagewise | Repeated | None
    sides: int
    shrunk: float | None
    longer: Longer | None
    reasons: dict[str, str]
    lines: tuple[str, ...]
    names: tuple[str, ...] = ()
    waited: int = 0

    def to_json(self) -> dict[str, Any]:
        """Return JSON keys for the decision."""
        made: dict[str, Any] = {"adjusted": None, "shrunk": self.shrunk, "how_much_longer": None}
        one = self.adjusted
        if isinstance(one, Repeated):
            made["adjusted"] = one.to_json(list(self.names))
        elif one is not None:
            made["adjusted"] = {
                "estimate": one.estimate,
                "interval": [one.low, one.high],
                "p_value": self.p_value,
                "ordering": one.ordering,
                "late_days_included": self.waited,
                "plain_estimate": one.naive,
                "plain_interval": [one.naive_low, one.naive_high],
            }
        if self.longer is not None:
            made["how_much_longer"] = {"power": POWER, **self.longer.__dict__}
        return {**made, "reasons": self.reasons}

    @property
    def p_value(self) -> float | None:
        """Stage-wise p-value of no difference, by the sides of the test; None where there is no such order."""
        if not isinstance(self.adjusted, Stagewise):
            return None
        p = self.adjusted.p_value
        return min(1.0, 2 * min(p, 1 - p)) if self.sides == 2 else p


def details(scenario: Scenario, one: Strategy, shown: Trace, end: Ended) -> Details:
    """Return what the data say besides the verdict.

    Parameters
    ----------
    scenario, one
        The plan; true means are not used.
    shown : Trace
        The data up to the rule's end, and the outcomes of starts by then that came in after it.
    end : Ended
        Where they stand.
    """
    found = estimates(of_trace(shown), scenario.by_counts)
    point = np.where(np.isfinite(found.effect[0]), found.effect[0], -np.inf)
    arm = shown.code if shown.code > 0 else int(point.argmax()) + 1
    value, se = float(found.effect[0, arm - 1]), float(found.se[0, arm - 1])
    setting = plan.setting_of(scenario)
    reasons: dict[str, str] = {}
    sides = int(getattr(one.design, "sides", 2))
    if not (math.isfinite(value) and math.isfinite(se) and se > 0):
        reason = "no error of the estimate: too few scored responses, or all of them alike"
        every = dict.fromkeys(("adjusted", "shrunk", "how_much_longer"), reason)
        return Details(None, sides, None, None, every, ())
    adjusted = adjusted_for_looks(scenario, one, setting, shown, end, arm, value, se)
    if isinstance(adjusted, str):
        reasons["adjusted"] = adjusted
    elif isinstance(adjusted, Repeated):
        reasons |= dict.fromkeys(("adjusted.estimate", "adjusted.p_value"), NO_ESTIMATE)
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
        longer = _longer(scenario, one, setting, shown, end.day, value, se, sides)
    kept = None if isinstance(adjusted, str) else adjusted
    lines = (*_looks(scenario, one, arm, kept, end), *_lines(scenario, arm, shrunk, longer))
    names = tuple(variant.name for variant in scenario.variants[1:])
    return Details(kept, sides, shrunk, longer, reasons, lines, names, end.waited)


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


UNADJUSTED = "No adjustment for earlier looks is needed: none could have ended it before."


def _looks(
    scenario: Scenario, one: Strategy, arm: int, adjusted: Stagewise | Repeated | None, end: Ended
) -> tuple[str, ...]:
    """Say in a sentence about the metric what the looks do to the figure."""
    family, level = scenario.shown_as, percent(one.design.level(), 0)

    def size(value: float) -> str:
        return effect(scenario.sign * value, family, True)

    def ends(low: float, high: float) -> str:
        return " to ".join(effect(value, family, True) for value in sorted((scenario.sign * low, scenario.sign * high)))

    if adjusted is None or one.design.bounds(plan.setting_of(scenario)) is None:
        return ()
    if isinstance(adjusted, Repeated):
        if not adjusted.needed:
            return (UNADJUSTED,)
        known = np.isfinite(adjusted.high - adjusted.low)
        each = [
            f"{variant.name} {ends(adjusted.low[i], adjusted.high[i])} "
            f"(plain: {ends(adjusted.plain_low[i], adjusted.plain_high[i])})"
            for i, variant in enumerate(scenario.variants[1:]) if known[i]
        ]  # fmt: skip
        saw = f" of what the look on day {adjusted.day} saw" if end.waited else ""
        return (f"Counting all planned looks, the {level} intervals{saw} are: {'; '.join(each)}.",) if each else ()
    if abs(adjusted.estimate - adjusted.naive) <= 1e-6 * (adjusted.high - adjusted.low):
        return (UNADJUSTED,)
    name = scenario.variants[arm].name
    late = f" and for {days(end.waited)} of outcomes that came in after the last of them" if end.waited else ""
    looks = "looks" if end.waited else "earlier looks"
    return (
        f"Adjusted for the {looks}{late} {name} shows {size(adjusted.estimate)} ({level} interval "
        f"{ends(adjusted.low, adjusted.high)}); the plain figure is {size(adjusted.naive)}.",
    )


def _lines(scenario: Scenario, arm: int, shrunk: float | None, longer: Longer | None) -> tuple[str, ...]:
    """Put the other numbers into sentences about the metric, as the verdict's own."""
    family = scenario.shown_as
    name, clock = scenario.variants[arm].name, words_of(scenario)

    def size(value: float) -> str:
        return effect(scenario.sign * value, family, True)

    said = []
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
