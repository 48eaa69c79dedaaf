"""Adaptive strategies in studies of the shipped scenarios: what naive and valid estimates of a difference are worth."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache

import numpy as np

from expsim_panel import engine, operating
from expsim_panel.kernels.special import norm_ppf
from expsim_panel.logged_shares import NAMES
from expsim_panel.named_estimator import LABELS, SAMPLE_MEAN
from expsim_panel.results import Outcomes
from expsim_panel.scenario import Scenario
from expsim_panel.study import Study

STRATEGY, REPLICATES, SEED, NOMINAL = "thompson(floor=0.05)", 4000, 1, 0.95
WEEKS = {
    "hallucination-prompt": ("traffic.units_per_day=300", "traffic.seasonality.level=[0,0.03,0.02,0.01,0,-0.04,-0.02]"),
    "ranking-diversity": ("traffic.units_per_day=300", "traffic.seasonality.level=[0,0.2,0.3,0.2,0,-0.4,-0.3]"),
    "summarization-prompt": ("traffic.units_per_day=100", "traffic.seasonality.level=[0,0.1,0.2,0.1,0,-0.2,-0.2]"),
}
"""A fifth to a third of the scenario's traffic for two weeks, with weekdays that move all variants alike."""


@cache
def played(name: str) -> tuple[Scenario, Outcomes]:
    """Return the scenario and how its experiments ended."""
    study = Study.load(name, ["evaluator.kind=truth", "traffic.days=14", *WEEKS[name]], [STRATEGY])
    return study.scenario, engine.played(study, "truth", replicates=REPLICATES, seed=SEED)[STRATEGY]


@cache
def worth(name: str) -> dict[str, tuple[np.ndarray, np.ndarray, np.ndarray]]:
    """Return by method bias, its standard error and coverage, shape (variants,) each."""
    scenario, out = played(name)
    assert out.logged is not None
    found = {SAMPLE_MEAN: operating.naive(out, scenario.by_counts)}
    found |= {key: operating.by_logged(out.logged, method) for method, key in NAMES.items()}
    made = {}
    for key, one in found.items():
        off = one.effect - scenario.effects[1:]
        held = (np.abs(off) <= norm_ppf(0.5 + NOMINAL / 2) * one.se).mean(axis=0)
        made[key] = off.mean(axis=0), off.std(axis=0) / np.sqrt(len(off)), held
    return made


def lines() -> Iterator[str]:
    """Yield the lines of the section of docs/validation.md."""
    yield "\n## Inference after adaptive allocation: studies\n"
    yield (
        f"`expsim run` with `{STRATEGY}` and a true evaluator, 14 days, a fifth to a third of the scenario's traffic, weekdays "
        f"that move all variants alike; {REPLICATES:,} experiments, nominal coverage {NOMINAL:.0%}, differences from the "
        "control by variant. Weighted intervals cover within 3 points; pooled means are confounded with the weekdays. "
        "`tests/expsim_panel/test_logged_shares.py`.\n"
    )
    yield "| Scenario | Estimator | Variant | Bias | SE | Coverage |\n|---|---|---:|---:|---:|---:|"
    for name in WEEKS:
        for key, (bias, error, held) in worth(name).items():
            for k in range(bias.size):
                yield f"| {name} | {LABELS[key]} | {k + 1} | {bias[k]:.4f} | {error[k]:.4f} | {held[k]:.3f} |"
