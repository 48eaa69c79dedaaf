"""What a scenario's tables may not ask of each other: days, units, families."""

from __future__ import annotations

from typing import TYPE_CHECKING

from expsim_panel import timeline
from expsim_panel.errors import InputError
from expsim_panel.late_arms import check_arrivals
from expsim_panel.preference_checks import check_evaluator, check_side_by_side

if TYPE_CHECKING:
    from expsim_panel.scenario import Scenario


def check_world(scenario: Scenario, where: str) -> None:
    """Check that every day has rates that are rates and rows to analyse; raise `InputError`."""
    traffic, analysis = scenario.traffic, scenario.analysis
    check_evaluator(scenario, where)
    if scenario.side_by_side:
        check_side_by_side(scenario, where)
    if analysis.skip_days + scenario.delay_days >= traffic.days:
        problem = f"{analysis.skip_days} of {traffic.days} days, with outcomes {scenario.delay_days} days late"
        remedy = f"give at most {max(traffic.days - scenario.delay_days - 1, 0)}"
        raise InputError(where, "analysis.skip_days", problem + " leave nothing to analyse", remedy)
    for i, variant in enumerate(scenario.variants):
        if variant.change is not None and variant.change.day > traffic.days:
            problem = f"a jump on day {variant.change.day} of {traffic.days}"
            raise InputError(where, f"variants.{i}.change.day", problem, f"give a day up to {traffic.days}")
    check_arrivals(scenario, where)
    if scenario.family == "binary":
        if analysis.covariate_correlation != 0:
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
    else:
        _check_outcomes(scenario, where)
    _check_ratings(scenario, where)
    if traffic.switchback is not None:
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
    spreads = len(found.law.spreads)
    key = "evaluator.human.law" if found is not scenario.evaluator else "evaluator.law"
    if spreads not in (0, arms):
        problem = f"{spreads} spreads for {arms} variants"
        raise InputError(where, f"{key}.spreads", problem, "give one for each, the control's first, or none")
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
    if not (metric.draw_levels or metric.family == "amount"):
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
