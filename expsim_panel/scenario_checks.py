"""What a scenario's tables may not ask of each other: names, means, shares, days, units, families; one check each."""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from typing import TYPE_CHECKING

from expsim_panel import timeline
from expsim_panel.errors import InputError, shown
from expsim_panel.guardrail import check_all
from expsim_panel.late_arms import check_arrivals
from expsim_panel.preference_checks import check_evaluator, check_side_by_side
from expsim_panel.scenario_offline import check_offline

if TYPE_CHECKING:
    from expsim_panel.scenario import Scenario

__all__ = ["CHECKS"]

LONGEST_NAME = 60

Check = Callable[["Scenario", str], None]


def _check_names(scenario: Scenario, where: str) -> None:
    """Check that the scenario has a slug and every variant a name of its own."""
    slug = scenario.scenario.name
    if len(slug) > 100 or not re.fullmatch(r"[A-Za-z0-9][\w.-]*", slug, re.ASCII):
        raise InputError(where, "scenario.name", f"{shown(slug)} is not a slug", "use letters, digits and hyphens")
    names = [variant.name for variant in scenario.variants]
    for i, name in enumerate(names):
        # A name of nothing but invisible characters is no name.
        if len(name) > LONGEST_NAME or not any(c.isprintable() and not c.isspace() for c in name):
            raise InputError(
                where, f"variants.{i}.name", f"{shown(name)} is not a name", f"give 1 to {LONGEST_NAME} characters"
            )
        if names.index(name) != i:
            problem = f"{shown(name)} appears twice"
            raise InputError(where, f"variants.{i}.name", problem, "give every variant its own name")


def _check_means(scenario: Scenario, where: str) -> None:
    """Check that rates are rates, and means within the range of the metric."""
    span = scenario.metric.range
    for i, variant in enumerate(scenario.variants):
        key, mean = f"variants.{i}.mean", variant.mean
        if scenario.family == "binary" and not 0 <= mean <= 1:
            raise InputError(where, key, f"{mean:g} is not a rate", "give a rate from 0 to 1")
        if span is not None and not span[0] <= mean <= span[1]:
            raise InputError(where, key, f"{mean:g} is outside metric.range", f"give {span[0]:g} to {span[1]:g}")


def _check_shares(scenario: Scenario, where: str) -> None:
    """Check that the traffic is shared out among the variants, and gives each a unit a day."""
    shares, arms = (scenario.served or scenario.traffic).shares, len(scenario.variants)
    if shares:
        key, total = "traffic.shares", math.fsum(shares)
        if len(shares) != arms:
            raise InputError(where, key, f"{len(shares)} shares for {arms} variants", "give one share for each")
        if min(shares) <= 0:
            raise InputError(where, key, f"share {min(shares):g} is not positive", "give positive shares")
        if abs(total - 1) > 1e-9:
            raise InputError(where, key, f"shares sum to {total:g}", "make them sum to 1")
    smallest = scenario.traffic.units_per_day * min(scenario.shares)
    if smallest < 1:
        problem, remedy = f"an arm gets {smallest:g} units a day", "raise units_per_day or the share to reach 1"
        raise InputError(where, "traffic.units_per_day", problem, remedy)


def _check_prompts(scenario: Scenario, where: str) -> None:
    """Check what is played on a prompt set."""
    if scenario.offline is not None:
        check_offline(scenario, where)


def _check_batches(scenario: Scenario, where: str) -> None:
    """Check that nobody waits a day for a response."""
    for i, variant in enumerate(scenario.variants):
        if variant.batch and scenario.offline is None:
            problem = "true, and users would wait a day for a response"
            raise InputError(where, f"variants.{i}.batch", problem, "set it to false, or add [offline] prompts")


def _check_measuring(scenario: Scenario, where: str) -> None:
    """Check who measures against what is measured."""
    scenario.evaluator.check_for(scenario, where)


def _check_pairs(scenario: Scenario, where: str) -> None:
    """Check what is compared side by side."""
    if scenario.side_by_side:
        check_side_by_side(scenario, where)


def _check_days(scenario: Scenario, where: str) -> None:
    """Check that there are days with outcomes to analyse."""
    traffic, analysis = scenario.traffic, scenario.analysis
    if analysis.skip_days + scenario.delay_days >= traffic.days:
        problem = f"{analysis.skip_days} of {traffic.days} days, with outcomes {scenario.delay_days} days late"
        remedy = f"give at most {max(traffic.days - scenario.delay_days - 1, 0)}"
        raise InputError(where, "analysis.skip_days", problem + " leave nothing to analyse", remedy)


def _check_changes(scenario: Scenario, where: str) -> None:
    """Check that variants change while the experiment lasts."""
    days = scenario.traffic.days
    for i, variant in enumerate(scenario.variants):
        if variant.change is not None and variant.change.day > days:
            problem = f"a jump on day {variant.change.day} of {days}"
            raise InputError(where, f"variants.{i}.change.day", problem, f"give a day up to {days}")


def _check_rates(scenario: Scenario, where: str) -> None:
    """Check that a rate is one on every day, and analysed by its counts."""
    if scenario.family != "binary":
        return
    if scenario.analysis.covariate_correlation != 0:
        problem = "a rate is analysed by its counts, without a covariate"
        raise InputError(where, "analysis.covariate_correlation", problem, "set it to 0, or use scores")
    for world in ("truth", "null"):
        means = scenario.means if world == "truth" else scenario.means[:1].repeat(len(scenario.variants))
        days = means + timeline.shift(scenario, world)
        if days.min() < 0 or days.max() > 1:
            wrong = days.min() if days.min() < 0 else days.max()
            day = int((days < 0).any(axis=1).argmax() if wrong < 0 else (days > 1).any(axis=1).argmax()) + 1
            problem = f"on day {day} a rate would be {wrong:g}"
            remedy = "make seasonality, novelty, shock or a variant's change smaller"
            raise InputError(where, "traffic", problem, remedy)


def _check_switchback(scenario: Scenario, where: str) -> None:
    """Check that periods can be assigned, two or more to each variant."""
    traffic = scenario.traffic
    if traffic.switchback is None:
        return
    if traffic.unit == "request" or traffic.ramp is not None or traffic.seasonality is not None:
        problem = "periods are assigned, not requests; shares and traffic are the same every day"
        raise InputError(where, "traffic.switchback", problem, "remove ramp and seasonality, name another unit")
    per_arm = min(scenario.shares) * traffic.switchback.periods_per_day * traffic.days
    if per_arm < 2:
        problem = f"a variant gets {per_arm:g} periods in all"
        raise InputError(where, "traffic.switchback.periods_per_day", problem, "plan 2 or more")


def _check_ratings(scenario: Scenario, where: str) -> None:
    """Check that a fitted law of ratings fits the scenario and can have the means that its variants are given."""
    from expsim_panel.rated_rows import people, rated

    found, arms = people(scenario), len(scenario.variants)
    if found is None or found.law is None:
        return
    several = {key: len(getattr(found.law, key)) for key in ("spreads", "weights")}
    key = "evaluator.human.law" if found is not scenario.evaluator else "evaluator.law"
    for each, count in several.items():
        if count not in (0, arms):
            problem = f"{count} {each} for {arms} variants"
            raise InputError(where, f"{key}.{each}", problem, "give one for each, the control's first, or none")
    if scenario.family == "binary" and [float(one) for one in found.law.values] != [0.0, 1.0]:
        raise InputError(where, f"{key}.values", "a rate has the scores 0 and 1", "write values = [0, 1]")
    table = rated(scenario, scenario.evaluator)
    if table is None:
        return
    low, high = table.limits
    steps = timeline.shift(scenario, "truth")
    for i, mean in enumerate(scenario.means):
        worst = [float(mean + one) for one in (steps[:, i].min(), steps[:, i].max())]
        out = [one for one in worst if not low <= one <= high]
        if out:
            problem = f"a mean of {out[0]:g} is out of reach of the ratings"
            raise InputError(where, f"variants.{i}.mean", problem, f"stay between {low:g} and {high:g}")


def _check_outcomes(scenario: Scenario, where: str) -> None:
    """Check that levels and amounts can have the means that they are given, and are analysed as they are drawn."""
    metric = scenario.metric
    if scenario.family == "binary" or not (metric.draw_levels or metric.family == "amount"):
        return
    from expsim_panel.outcomes import limits

    low, high = limits(metric)
    kind = "levels" if metric.draw_levels else "amounts"
    for i, mean in enumerate(scenario.means):
        days = mean + timeline.shift(scenario, "truth")[:, i]
        if days.min() <= low or days.max() >= high:
            problem = f"a mean of {days.min() if days.min() <= low else days.max():g} is out of reach of the {kind}"
            remedy = f"stay between {low:g} and {high:g}" if metric.draw_levels else "stay above 0"
            raise InputError(where, f"variants.{i}.mean", problem, remedy)
    if scenario.analysis.unit != "one-response" or scenario.traffic.switchback is not None:
        problem = f"{kind} are drawn one response of a unit at a time"
        raise InputError(where, "analysis.unit", problem, 'write "one-response", and no switchback')
    if scenario.analysis.covariate_correlation != 0:
        problem = f"{kind} are drawn as they are, without a covariate"
        raise InputError(where, "analysis.covariate_correlation", problem, "set it to 0, or use scores")


CHECKS: tuple[Check, ...] = (
    _check_names, _check_means, _check_shares, _check_prompts, _check_batches, _check_measuring, check_evaluator,
    _check_pairs, _check_days, _check_changes, check_arrivals, _check_rates, _check_outcomes, _check_ratings,
    _check_switchback, check_all,
)  # fmt: skip
"""In the order in which their lines are told: of several contradictions a person is shown the first."""
