"""Which estimator a strategy's estimate and interval come from, and what each is worth there: bias and coverage."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from expsim_panel.estimate_figures import covered
from expsim_panel.kernels.special import norm_ppf
from expsim_panel.logged_shares import NAMES, USED, floored, moves, why_naive
from expsim_panel.operating import Estimates, by_logged, mean, naive
from expsim_panel.quantities import effect, percent
from expsim_panel.results import Figure, Result, StrategyResult
from expsim_panel.scenario import Scenario

NAIVE = "naive difference of means"
WEIGHTED = "adaptively weighted AIPW"
SAMPLE_MEAN = "sample_mean"
"""The naive estimator's name beside those of `logged_shares.NAMES`."""
LABELS = {
    SAMPLE_MEAN: "Pooled means (naive)",
    "ipw": "IPW",
    "aipw_uniform": "AIPW, even weights",
    "aipw_sqrt_e": "AIPW, root weights",
    "aipw_twopoint": "AIPW, two-point weights",
}
"""Names of the estimators for people."""
MEANINGS = {
    LABELS[SAMPLE_MEAN]: "Difference of the means over all days, as if traffic had not moved",
    LABELS["ipw"]: "Inverse-propensity weighting: every score over the share that its variant had that day",
    LABELS["aipw_uniform"]: "The same around running means (augmented), every row counting alike",
    LABELS["aipw_sqrt_e"]: "Augmented, days weighed so that each adds the same variance (square-root weights)",
    LABELS["aipw_twopoint"]: "Augmented, weighed for shares that may fall (two-point allocation)",
}
"""What they are, for those who ask."""


@dataclass(frozen=True)
class Worth:
    """One estimator of a strategy's effects.

    Attributes
    ----------
    method : str
        A key of `LABELS`.
    valid, used : bool
        Whether the allocation leaves it valid; whether interval, verdict and recommendation come from it.
    bias : tuple of Figure
        By variant: mean of estimate less true long-run effect, metric units, positive in its favour. What an
        evaluator's own bias adds is in it.
    coverage : Figure
        P(the interval holds the true effect), averaged over variants.
    """

    method: str
    valid: bool
    used: bool
    bias: tuple[Figure, ...]
    coverage: Figure

    @property
    def worst(self) -> Figure:
        """The largest bias of a variant."""
        return max(self.bias, key=lambda figure: abs(figure.value or 0.0))


def bias(one: StrategyResult, scenario: Scenario) -> tuple[Figure, ...]:
    """Return by variant the bias of the estimate that a strategy uses; see `Worth`."""
    return next(each.bias for each in compared(one, scenario) if each.used)


def compared(one: StrategyResult, scenario: Scenario) -> tuple[Worth, ...]:
    """Return what each estimator of a strategy is worth, over all simulated experiments of the truth.

    The naive one always; where shares follow the data and are logged, those that reckon with it.
    """
    out = one.worlds["truth"]
    safe = floored(scenario, one.strategy)
    made = [
        _worth(SAMPLE_MEAN, not moves(scenario, one.strategy), not safe, naive(out, scenario.by_counts), one, scenario)
    ]
    if out.logged is not None:
        for method, name in NAMES.items():
            made.append(_worth(name, safe, safe and method == USED, by_logged(out.logged, method), one, scenario))
    return tuple(made)


def moving(result: Result) -> list[tuple[StrategyResult, tuple[Worth, ...]]]:
    """Return the strategies whose shares follow the data, with what their estimators are worth."""
    scenario = result.study.scenario
    found = [(one, compared(one, scenario)) for one in result.strategies if one.worlds["truth"].logged is not None]
    return found


HEADS = ("Strategy", "Estimate from", "Used", "Off by", "Covers")
"""Columns of `rows`."""


def rows(result: Result) -> list[tuple[str, str, str, str, str]]:
    """Return the comparison of estimators in words, columns as in `HEADS`; empty where no traffic follows the data."""
    kind = result.study.scenario.shown_as
    made = []
    for one, every in moving(result):
        for each in every:
            off, held = each.worst, each.coverage
            apart = "n/a" if off.value is None else f"{effect(off.value, kind)} ± {effect(off.se or 0.0, kind, False)}"
            share = "n/a" if held.value is None else f"{percent(held.value)} ± {percent(held.se or 0.0)}"
            place = ["yes"] * each.used + ["not valid"] * (not each.valid)
            made.append((one.name, LABELS[each.method], ", ".join(place), apart, share))
    return made


def named(one: StrategyResult, scenario: Scenario) -> dict[str, Any]:
    """Return the JSON of a strategy's estimators: the one it uses, with name, bias and coverage, and all others."""
    every = compared(one, scenario)
    used = next(each for each in every if each.used)
    adaptive = bool(one.strategy.policy.adaptive)
    return {
        "name": NAIVE if used.method == SAMPLE_MEAN else WEIGHTED,
        "adaptive_allocation": adaptive,
        "valid_under_allocation": used.valid,
        "note": why_naive(scenario, one.strategy) if adaptive else None,
        "bias": [figure.to_json() for figure in used.bias],
        "coverage": used.coverage.to_json(),
        "compared": [
            {
                "method": each.method,
                "valid": each.valid,
                "used": each.used,
                "bias": [figure.to_json() for figure in each.bias],
                "coverage": each.coverage.to_json(),
            }
            for each in every
        ],
    }


def _worth(method: str, valid: bool, used: bool, found: Estimates, one: StrategyResult, scenario: Scenario) -> Worth:
    off = found.effect - np.asarray(scenario.effects)[None, 1:]
    made = []
    for column in off.T:
        usable = column[np.isfinite(column)]
        made.append(mean(usable, spread=False) if usable.size else Figure(None, reason="no experiment has an estimate"))
    level = one.strategy.design.level()
    return Worth(method, valid, used, tuple(made), covered(found, scenario.effects[None], norm_ppf(0.5 + level / 2)))
