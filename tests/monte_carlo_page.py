"""The Monte Carlo part of docs/validation.md: bandit rows whose tolerance is both sampling errors, and inference."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator
from pathlib import Path

import adaptive_scenarios
import numpy as np
import study_inference
from validation import bandits

from expsim_panel.adaptive_inference import METHODS

REFERENCE = Path(__file__).resolve().parent / "reference" / "bandits.csv"
WORDS = {
    "sample_mean": "naive mean",
    "ipw": "inverse propensity",
    "aipw_uniform": "AIPW, even weights",
    "aipw_sqrt_e": "AIPW, square-root weights",
    "aipw_twopoint": "AIPW, two-point weights",
}


def rows(area: str) -> list[dict[str, str]]:
    with REFERENCE.open(encoding="utf-8", newline="") as file:
        return [row for row in csv.DictReader(file) if row["area"] == area]


def lines() -> Iterator[str]:
    """Yield the lines of the part."""
    yield "\n## bandits: Monte Carlo\n"
    yield (
        "Mean regret is held to four standard errors of both simulations together; a quantile must lie between our order "
        "statistics at its level plus and minus four binomial standard errors, sqrt(p (1 - p) (1 / n + 1 / N)). Fixed "
        "seeds; `tests/expsim_panel/test_bandit_reference.py`.\n"
    )
    yield "| Case | Ours | SE | Theirs | SE | Difference / SE |\n|---|---:|---:|---:|---:|---:|"
    for row in rows("regret_mc"):
        one = bandits.result(json.loads(row["inputs"])).regret
        theirs, error = float(row["value"]), bandits.printed(row["source"], "SE")
        apart = abs(one.value - theirs) / np.hypot(one.se, error)
        yield f"| {row['id']} | {one.value:.2f} | {one.se:.2f} | {theirs:.2f} | {error:.2f} | {apart:.1f} |"
    yield "\n| Quantile | Ours | Theirs | From | To |\n|---|---:|---:|---:|---:|"
    for row in rows("regret_quantile"):
        mine, low, high = bandits.range_of_quantile(row, json.loads(row["inputs"]))
        yield f"| {row['id']} | {mine:.2f} | {float(row['value']):.2f} | {low:.2f} | {high:.2f} |"
    yield "\n## Inference after adaptive allocation: the shipped scenarios\n"
    yield (
        f"Thompson sampling a day at a time for {adaptive_scenarios.DAYS} days, a tenth of the scenario's traffic, "
        f"propensities floored at t^-0.7 / K and logged; {adaptive_scenarios.REPLICATES:,} experiments, nominal coverage "
        f"90 %, by arm. The weighted intervals cover within 3 points; the naive mean is too low, and its intervals fall short. "
        "`tests/expsim_panel/test_adaptive_scenarios.py`.\n"
    )
    yield "| Scenario | Estimator | Arm | Bias | SE | Coverage | SE |\n|---|---|---:|---:|---:|---:|---:|"
    for name in adaptive_scenarios.NAMES:
        bias, bias_se, rate, rate_se = adaptive_scenarios.coverage(name)
        for method, key in enumerate(METHODS):
            for arm in range(bias.shape[1]):
                yield (
                    f"| {name} | {WORDS[key]} | {arm} | {bias[method, arm]:.4f} | {bias_se[method, arm]:.4f} "
                    f"| {rate[method, arm]:.3f} | {rate_se[method, arm]:.3f} |"
                )
    yield from study_inference.lines()
