"""Small scenarios for tests, as trees."""

from __future__ import annotations

import copy
from dataclasses import replace
from typing import Any

from expsim_panel import engine, exact
from expsim_panel.economics import ledger
from expsim_panel.results import Outcomes
from expsim_panel.study import Study

_NORMAL: dict[str, Any] = {
    "scenario": {"name": "test-normal", "title": "A normal test", "indifference": 0.01},
    "metric": {"name": "helpfulness", "family": "normal", "sd": 1.0},
    "variants": [{"name": "A", "mean": 3.0}, {"name": "B", "mean": 3.02}],
    "traffic": {"units_per_day": 20_000, "days": 5},
    "economics": {"value_per_point": 0.1, "horizon_units": 1_000_000},
    "prior": {"effect_sd": 0.02},
}
_BINARY: dict[str, Any] = {
    "scenario": {"name": "test-binary", "title": "A binary test", "indifference": 0.001},
    "metric": {"name": "hallucination rate", "family": "binary", "direction": "decrease"},
    "variants": [{"name": "A", "mean": 0.10}, {"name": "B", "mean": 0.094}],
    "traffic": {"units_per_day": 20_000, "days": 5},
    "economics": {"value_per_point": 1.0, "horizon_units": 1_000_000},
    "prior": {"effect_sd": 0.005},
}


def tree(family: str = "normal", **tables: Any) -> dict[str, Any]:
    """Return a fresh scenario tree with some tables changed (dicts are merged, the rest replaced)."""
    made = copy.deepcopy(_BINARY if family == "binary" else _NORMAL)
    for name, value in tables.items():
        made[name] = {**made.get(name, {}), **value} if isinstance(value, dict) else value
    return made


def played(study: Study, world: str, replicates: int = 200_000, seed: int = 1) -> dict[str, Outcomes]:
    """Play one world of a study and return the outcomes by strategy."""
    return engine.outcomes(replace(study.freeze(), replicates=replicates, seed=seed), world)


def exact_in(study: Study, world: str, name: str) -> dict[str, float]:
    """Return the exact figures of a strategy in a world; fail with the reason where there are none."""
    one = next(one for one in study.strategies if one.name == name)
    found = exact.operating(study.scenario, one, world, ledger(study.scenario))
    assert isinstance(found, exact.Exact), found
    return found.values
