"""What a planner tries out on the evaluators: budget, accuracy, a split, a drift, weights in dollars."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from expsim_panel import evaluator_profiles, library
from expsim_panel.evaluation import evaluators
from expsim_panel.evaluator_profiles import RATES
from expsim_panel.evaluators.hybrid import Hybrid
from expsim_panel.quantities import Correlation, Factor, Money, Probability, Score
from expsim_panel.scenario import Scenario
from expsim_panel.sections import Section

SPARE = {"judge": "strong-llm", "human": "crowd"}
"""Profiles for a scenario that has no numbers of its own."""


class Picks(Section):
    """Values to try; none of them changes the study."""

    budget = Money(
        None,
        allow_None=True,
        bounds=(0, None),
        step=50,
        label="Budget for scoring",
        doc="Dollars that each way may spend; a tenth of the responses labelled, unless given.",
    )
    power = Probability(
        0.8,
        bounds=(0.1, 0.99),
        softbounds=(0.5, 0.99),
        step=0.01,
        label="Chance to find the effect",
        doc="Sets the accuracy asked for: the error at which the scenario's effect is found so often.",
    )


class SplitPicks(Section):
    """A correlation and a price to try."""

    rho = Correlation(
        0.5,
        bounds=(0.0, 0.999),
        softbounds=(0.0, 0.999),
        step=0.01,
        label="Correlation of label and score",
        doc="Of one response's label and judge score; the scenario's own until you move it.",
    )
    scores_per_label = Factor(
        100.0,
        bounds=(0.5, 10_000.0),
        softbounds=(1.0, 5000.0),
        step=1.0,
        label="Judge scores for a label's price",
        doc="A label's dollars divided by a judge score's; the scenario's own until you move it.",
    )


class DriftPicks(Section):
    """A drift to notice."""

    drift = Score(
        0.2,
        bounds=(0.0001, None),
        step=0.01,
        label="Drift to notice",
        doc="How far the judge's scores move against people's, in points of the metric.",
    )


class Weights(Section):
    """Dollars that make quality, cost and latency comparable."""

    value_per_point = Money(
        0.05,
        bounds=(0, None),
        step=0.01,
        label="Worth of a point",
        doc="Dollars per response and point of the metric (or rate of 100 %).",
    )
    usd_per_second = Money(
        0.001,
        bounds=(0, None),
        step=0.0005,
        label="Cost of a second",
        doc="Dollars per response for each second slower than the control.",
    )


def fields_of(scenario: Scenario, kind: str, profile: str = "") -> dict[str, Any]:
    """Return the fields of a judge (or people): of a profile, else the scenario's, else a spare profile's.

    Of a yes/no metric, what a profile says in points is left to the scenario, else assumed; see `evaluation.over`.
    """
    using = scenario.evaluator
    mine = getattr(using, kind) if isinstance(using, Hybrid) else using if using.kind == kind else None
    if not profile and mine is not None:
        own: dict[str, Any] = mine.to_tree()
    else:
        chosen, tables, rates = {"kind": kind}, scenario.evaluators, scenario.family == "binary"
        if profile or kind not in tables:
            chosen["profile"] = profile or SPARE[kind]
            given = {key: tables[kind][key] for key in RATES if key in tables.get(kind, {})}
            given |= {key: getattr(mine, key) for key in RATES if getattr(mine, key, 0.0)}
            stated = evaluator_profiles.load(chosen["profile"]).fields
            tables = {kind: {key: value for key, value in given.items() if rates and key in stated}}
        own = evaluators.build(chosen, tables, scenario.scenario.name, f"evaluators.{kind}", rates=rates).to_tree()
    own.pop("kind")
    return own


def changed(scenario: Scenario, kind: str, settings: Sequence[str] | None) -> dict[str, Any]:
    """Return the fields of a judge (or people) that ``--set`` names, wherever the evaluator in use has them."""
    tree: dict[str, Any] = {}
    library.override_all(tree, settings or ())
    using, tables = tree.get("evaluator", {}), tree.get("evaluators", {})
    found = dict(tables.get(kind, {}))
    if scenario.evaluator.kind == "hybrid":
        found |= tables.get("hybrid", {}).get(kind, {}) | using.get(kind, {})
    elif scenario.evaluator.kind == kind:
        found |= using
    return {key: value for key, value in found.items() if key not in ("kind", "profile")}


def profiles(kind: str) -> dict[str, str]:
    """Return the choices of a kind: what is shown, and the profile's name; the scenario's own first."""
    return {"As in the scenario": "", **{name: name for name in evaluator_profiles.names(kind)}}
