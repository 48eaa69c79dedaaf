"""Guardrails as rows of plain text, for every place that shows them: screen, Markdown, HTML, app."""

from __future__ import annotations

from dataclasses import dataclass

from expsim_panel.guardrail import Guardrail
from expsim_panel.guardrail_figures import Watched
from expsim_panel.guardrail_verdict import Check, seen_change
from expsim_panel.quantities import count, money, percent
from expsim_panel.results import Figure, Result, StrategyResult, Verdict
from expsim_panel.scenario import Scenario

MARKS = {"pass": "✓ pass", "fail": "▲ fail", "unknown": "? unknown"}
"""An icon and a word for each result."""

COLUMNS = {
    "p_pass": "Passes",
    "p_fail": "Fails",
    "p_unknown": "Stays unknown",
    "p_false_alarm": "Not passed though harmless",
    "p_pass_at_margin": "Passed with harm at the margin",
}
"""Figures of a guardrail in tables, in plain words."""


@dataclass(frozen=True)
class Row:
    """One guardrail of one variant in one experiment, as text.

    Attributes
    ----------
    name, result, shows, limits, breach : str
        Whose; ``pass``, ``fail`` or ``unknown``; the change seen with its interval; margin and alarm; the chance of a
        true breach and what it is expected to cost.
    check : Check
        Its numbers.
    """

    name: str
    result: str
    shows: str
    limits: str
    breach: str
    check: Check


def rail_of(scenario: Scenario, name: str) -> Guardrail:
    """Return a guardrail by its name."""
    found: Guardrail = next(one for one in scenario.guardrails if one.name == name)
    return found


def named(scenario: Scenario, name: str, variant: str) -> str:
    """Return a guardrail's name, and the variant where there are several."""
    return name if len(scenario.variants) == 2 else f"{name}, {variant}"


def limits(rail: Guardrail) -> str:
    """Write margin and alarm of a guardrail."""
    alarm, margin = rail.told(float(rail.threshold)), rail.told(rail.allowed)
    return f"alarm at {alarm}" if margin == alarm else f"margin {margin}, alarm at {alarm}"


def verdict_rows(scenario: Scenario, verdict: Verdict) -> list[Row]:
    """Return the guardrails of one experiment."""
    rows = []
    for check in verdict.guardrails:
        rail = rail_of(scenario, check.name)
        shows = "not measured"
        if check.estimate is not None and check.interval is not None:
            shows = seen_change(rail, check.estimate, check.interval)
        rows.append(
            Row(named(scenario, check.name, check.variant), check.result, shows, limits(rail), breach(check), check)
        )
    return rows


def breach(check: Check) -> str:
    """Write the chance of a true breach, and where it has a price what it is expected to cost."""
    if check.p_breached is None:
        return "n/a"
    cost = f", costs {money(1000 * check.expected_penalty)} per 1,000" if check.expected_penalty else ""
    return f"{percent(check.p_breached)}{cost}"


def cell(figure: Figure) -> str:
    """Write a chance with its simulation error and its exact value."""
    if figure.value is None:
        return "n/a"
    exact = f" (exact {percent(figure.exact)})" if figure.exact is not None else ""
    return f"{percent(figure.value)} ± {percent(figure.se)}{exact}"


def needs(one: Watched) -> str:
    """Write a guardrail's own power at the planned end, and what 80 % takes."""
    units = f"{count(one.units_needed)} units of each variant" if one.units_needed else "no size gives 80 %"
    return f"{percent(one.planned_power)} at the planned end; 80 % from {units}" if one.units_needed else units


def strategy_rows(result: Result, one: StrategyResult) -> tuple[list[str], list[list[str]]]:
    """Return head and rows: what every guardrail does over all experiments of one strategy."""
    scenario = result.study.scenario
    head = ["Guardrail", *COLUMNS.values(), "Own power"]
    body = []
    for check in one.guarded.checks if one.guarded else ():
        truth = rail_of(scenario, check.name).told(check.harm)
        name = f"{named(scenario, check.name, check.variant)}: truly {truth}{', a breach' if check.breached else ''}"
        body.append([name, *(cell(check.figures[key]) for key in COLUMNS), needs(check)])
    return head, body


def launch_rows(result: Result) -> tuple[list[str], list[list[str]]]:
    """Return head and rows: what all guardrails together do to every strategy."""
    head = ["Strategy", "Launches", "Winners held back", "Launches of a breaching variant", "Responses that breached"]
    body = []
    for one in result.strategies:
        if one.guarded:
            found = one.guarded
            parts = (found.launch, found.held_back, found.p_breached_launch)
            body.append([one.name, *map(cell, parts), count(found.breach_exposures.value)])
    return head, body
