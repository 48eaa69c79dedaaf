"""Which estimator a strategy's estimate and interval come from, and what it is worth there: bias and coverage."""

from __future__ import annotations

from typing import Any

import numpy as np

from expsim_panel.operating import estimates, mean
from expsim_panel.results import Figure, StrategyResult
from expsim_panel.scenario import Scenario

NAIVE = "naive difference of means"
WEIGHTED = "adaptively weighted AIPW"


def bias(one: StrategyResult, scenario: Scenario) -> tuple[Figure, ...]:
    """Return by variant the mean of estimate less true long-run effect, metric units, positive in its favour.

    Over all simulated experiments of the truth, whatever they ended with; what an evaluator's own bias adds is in it.
    """
    found = estimates(one.worlds["truth"], scenario.family == "binary").effect
    made = []
    for k, truth in enumerate(np.asarray(scenario.effects)[1:]):
        off = found[:, k] - float(truth)
        off = off[np.isfinite(off)]
        made.append(mean(off, spread=False) if off.size else Figure(None, reason="no experiment has an estimate"))
    return tuple(made)


def named(one: StrategyResult, scenario: Scenario) -> dict[str, Any]:
    """Return the JSON of a strategy's estimator: its name, whether allocation leaves it valid, bias and coverage."""
    adaptive = bool(one.strategy.policy.adaptive)
    note = (
        f"pooled over days whose shares follow the data, so biased; {WEIGHTED} for logged propensities: expsim bandit"
        if adaptive
        else None
    )
    return {
        "name": NAIVE,
        "adaptive_allocation": adaptive,
        "valid_under_allocation": not adaptive,
        "note": note,
        "bias": [figure.to_json() for figure in bias(one, scenario)],
        "coverage": one.figures["coverage"].to_json(),
    }
