"""The worlds without a true difference in which every design is played, and how: one draw for all designs.

Which design may be played in which world is asked of the product, by building the study; what its error rate
should be there is asked of `claims`. No list here says either.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import Any

from worlds import tree

from expsim_panel import claims, exact, plan, strategy
from expsim_panel.design import designs
from expsim_panel.economics import ledger
from expsim_panel.errors import InputError
from expsim_panel.kernels.streams import BLOCK
from expsim_panel.operating import rejected
from expsim_panel.results import Outcomes
from expsim_panel.scenario import Scenario
from expsim_panel.stage import Stage
from expsim_panel.study import Study

_MANY = {"units_per_day": 2_000_000}
"""Rates: so many that neither the lattice of the counts nor their skewness shows at 200,000 replicates."""
_MONEY = {"horizon_units": 1_000_000_000}
_RETURNING = {"exposures_per_unit": 14, "icc": 0.3}
_WEEK = {"level": [0.3, 0, 0, 0, 0, -0.4, -0.4]}
_EVENT = {"day": 3, "days": 2, "size": 0.5}
_RAMP = {"start": 0.2, "days": 5}
_JUDGE = {"kind": "judge", "scale": 0.8, "offset": 0.3, "item_sd": 0.4}
_HYBRID = {
    "kind": "hybrid",
    "judge": {"scale": 0.8, "offset": 0.3, "item_sd": 0.4, "drift": 0.3},
    "human": {"noise_sd": 0.5},
}
_THREE = [{"name": name, "mean": 3.0} for name in "ABC"]
_ONE_SIDED = {"sides": 1}
_RATED = {"family": "ordinal", "thresholds": [-1.4, -0.6, 0.2, 1.0], "range": [1, 5], "draw_levels": True}
_REVENUE = {"family": "amount", "zero_share": 0.9, "log_sd": 1.0}

WORLDS: dict[str, dict[str, Any]] = {
    "clusters, by unit": {"traffic": {**_RETURNING, "size_variation": 0.8}, "analysis": {"unit": "unit"}},
    "rates, clusters, by unit": {
        "family": "binary",
        "traffic": {**_MANY, **_RETURNING, "size_variation": 0.8},
        "analysis": {"unit": "unit"},
    },
    "requests with carry-over and interference, CUPED, responses lost at random": {
        "traffic": {
            **_RETURNING,
            "unit": "request",
            "carryover": 0.2,
            "interference": 0.3,
            "mismatch": {"lost": 0.05, "worse": 0.0},
        },
        "analysis": {"unit": "response", "covariate_correlation": -0.6},
    },
    "late outcomes, weekday traffic, first day left out": {
        "traffic": {"days": 8, "delay_days": 2, "seasonality": {"traffic": [1, 1, 1, 1, 1, 0.5, 0.25]}},
        "analysis": {"skip_days": 1},
    },
    "rates, late outcomes, uneven split": {
        "family": "binary",
        "traffic": {**_MANY, "days": 7, "delay_days": 2, "shares": [0.6, 0.4]},
    },
    "moving level": {
        "traffic": {"days": 7, "seasonality": _WEEK, "shock": _EVENT},
        "evaluator": {"kind": "judge", "drift": 0.4},
    },
    "moving level, day by day": {
        "traffic": {"days": 7, "seasonality": _WEEK, "shock": _EVENT},
        "evaluator": {"kind": "judge", "drift": 0.4},
        "analysis": {"estimator": "stratified"},
    },
    "moving rate": {
        "family": "binary",
        "traffic": {
            **_MANY,
            "days": 7,
            "seasonality": {"level": [0.01, 0, 0, 0, 0, -0.02, -0.02]},
            "shock": {"day": 3, "days": 2, "size": 0.03},
        },
    },
    "ramp and event, day by day": {"traffic": {"days": 7, "ramp": _RAMP, "shock": _EVENT}},
    "ramp, pooled": {"traffic": {"days": 7, "ramp": _RAMP}, "analysis": {"estimator": "pooled"}},
    "rates, ramp and event, day by day": {
        "family": "binary",
        "traffic": {**_MANY, "days": 7, "ramp": _RAMP, "shock": {"day": 3, "days": 2, "size": 0.03}},
    },
    "levels, judged": {
        "metric": _RATED,
        "evaluator": _JUDGE,
        "also": [{"kind": "empirical-bernstein", "name": "known range", "width": 4.0, "min_days": 1}],
    },
    "amounts": {
        "metric": _REVENUE,
        "variants": [{"name": "A", "mean": 2.0}, {"name": "B", "mean": 2.1}],
        "traffic": {"units_per_day": 2000},
    },
    "switchback, by period": {
        "traffic": {
            "units_per_day": 20_000,
            "days": 10,
            "switchback": {"periods_per_day": 288, "period_sd": 0.2, "carryover": 0.1},
        },
        "analysis": {"unit": "unit"},
    },
    "side by side": {"metric": {"family": "pairwise"}},
    "labels correct a judge who drifts": {"evaluator": _HYBRID},
    "late labels": {"evaluator": {**_HYBRID, "judge": _HYBRID["judge"] | {"drift": 0.0}}, "traffic": {"delay_days": 1}},
    "three variants, uneven split": {"variants": _THREE, "traffic": {"shares": [0.5, 0.25, 0.25]}, "all": _ONE_SIDED},
    "three variants, ramp": {"variants": _THREE, "traffic": {"ramp": _RAMP}, "all": _ONE_SIDED},
}
"""Where claims are supposed to hold: exactly, or as an upper bound."""

FAILING: dict[str, dict[str, Any]] = {
    "clusters, wrong unit": {"traffic": {**_RETURNING, "units_per_day": 2000}, "analysis": {"unit": "response"}},
    "rates, clusters, wrong unit": {
        "family": "binary",
        "traffic": {**_MANY, **_RETURNING},
        "analysis": {"unit": "response"},
    },
    "novelty": {"traffic": {"days": 7, "novelty": {"size": 0.05, "days": 2.0}}},
    "worse responses get lost": {"traffic": {"mismatch": {"lost": 0.05, "worse": 0.2}}},
    "ramp and event, pooled": {
        "traffic": {"days": 7, "ramp": _RAMP, "shock": {"day": 3, "days": 2, "size": 0.1}},
        "analysis": {"estimator": "pooled"},
    },
}
"""Where no claim holds: every test must fail by as much as its recursion says."""


@dataclass(frozen=True)
class Alarms:
    """How often a strategy finds a difference that is not there.

    Attributes
    ----------
    share : float
        Of the replicates.
    exact : float or None
        What the recursion over its looks says; None where there is none.
    bound : float or None
        An upper bound in place of that: of amounts, what it would be of scores with their spread.
    claim : Claim
        What should hold.
    alpha : float or None
        The rate that the design claims.
    own_split : bool
        Whether the strategy divides the traffic itself, whatever the world says of shares.
    """

    share: float
    exact: float | None
    bound: float | None
    claim: claims.Claim
    alpha: float | None
    own_split: bool


def trees(variations: list[dict[str, Any]], world: dict[str, Any]) -> list[dict[str, Any]]:
    """Return every registered design with its defaults, the variations, and what a world has besides."""
    made: list[dict[str, Any]] = [{"kind": kind} for kind in designs.names()]
    for one in made:
        fields = designs.get(one["kind"]).fields()
        one |= {"min_days": 1} if "min_days" in fields else {}
        one |= {key: value for key, value in world.get("all", {}).items() if key in fields}
    same = [one for one in variations if all(one.get(key) == value for key, value in world.get("all", {}).items())]
    return [*made, *same, *world.get("also", [])]


def scenario_of(world: dict[str, Any]) -> dict[str, Any]:
    """Return a world's scenario tree."""
    tables = {key: value for key, value in world.items() if key not in ("all", "also")}
    return tree(**{"economics": _MONEY, **tables})


def play(
    world: dict[str, Any], variations: list[dict[str, Any]], replicates: int, seed: int
) -> dict[str, Alarms | InputError]:
    """Play every design in a world at once; those that the product refuses come with its reason."""
    of_world = scenario_of(world)
    scenario = Scenario.from_tree(of_world, "acceptance")
    found: dict[str, Alarms | InputError] = {}
    played: list[strategy.Strategy] = []
    for one in trees(variations, world):
        try:
            played += Study.from_tree({**of_world, "strategies": [one]}, "acceptance").strategies
        except InputError as refused:
            found[one.get("name", one["kind"])] = refused
    # A study for people holds twelve strategies; the engine plays as many as it gets on the same draws.
    study = Study.from_tree({**of_world, "strategies": [{"kind": "fixed-horizon"}]}, "acceptance")
    study.strategies = played
    stage = Stage.prepare(study, "null", seed)
    into = {one.name: Outcomes.empty(BLOCK, stage.setting.arms) for one in played}
    counts = dict.fromkeys(into, 0)
    for block in range(replicates // BLOCK):
        stage.play(block, into)
        for name, out in into.items():
            counts[name] += int(rejected(out.code).sum())
    for one in played:
        known, upper = _exact(scenario, one), None
        if scenario.metric.family == "amount":
            # Rules on z have no more alarms than on scores; a lift of means far from normal is no such rule.
            known, upper = None, _exact(_as_scores(of_world, scenario), one) if _on_z(scenario, one) else None
        made = claims.claim(scenario, one)
        alpha, own = one.design.nominal_alpha(), bool(one.policy.adaptive)
        found[one.name] = Alarms(counts[one.name] / replicates, known, upper, made, alpha, own)
    return found


def _exact(scenario: Scenario, one: strategy.Strategy) -> float | None:
    found = exact.operating(scenario, one, "null", ledger(scenario))
    return found.values["rejection"] if isinstance(found, exact.Exact) else None


def _on_z(scenario: Scenario, one: strategy.Strategy) -> bool:
    return one.design.bounds(plan.setting_of(scenario)) is not None


def _as_scores(of_world: dict[str, Any], scenario: Scenario) -> Scenario:
    metric = {"name": "scores", "family": "normal", "sd": float(scenario.sds[0])}
    return Scenario.from_tree({**of_world, "metric": metric}, "acceptance")


@cache
def names(world: str) -> tuple[str, ...]:
    """Return the names that a world has besides the registered designs and the variations."""
    return tuple(one["name"] for one in {**WORLDS, **FAILING}[world].get("also", []))
