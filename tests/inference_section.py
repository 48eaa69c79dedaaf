"""The section of docs/validation.md on intervals after a bandit: coverage and bias of every method, simulated."""

from __future__ import annotations

from functools import cache

from expsim_panel.adaptive_inference import METHODS, Coverage, coverage

SCENARIOS = ((0.5, 0.5), (0.5, 0.55), (0.62, 0.65, 0.68))
REPLICATES, SEED = 2000, 11


@cache
def found(means: tuple[float, ...]) -> Coverage:
    """Return bias and coverage after Thompson sampling in batches of 100, 2,000 requests, floor t^-0.7 / K."""
    return coverage(means, replicates=REPLICATES, seed=SEED)


def section() -> str:
    """Return the section: the worst arm and the worst difference from arm 0 of each problem."""
    parts = [
        "\n## Intervals after adaptive allocation\n",
        f"Thompson sampling in batches of 100 over 2,000 requests, logged propensities floored at `t^-0.7 / K`, {REPLICATES:,}",
        "experiments. Coverage of nominal 90 % intervals (lowest over arms, and over differences from arm 0 with the",
        "covariance of the two estimates) and the largest bias. One coverage has a standard error of 0.007.\n",
        "| Means | Method | Coverage, arms | Coverage, differences | Bias, arms | Bias, differences |",
        "|---|---|---:|---:|---:|---:|",
    ]
    for means in SCENARIOS:
        one = found(means)
        for row, method in enumerate(METHODS):
            bias = max(one.bias[row], key=abs), max(one.contrast_bias[row], key=abs)
            rate = one.coverage[row].min(), one.contrast_coverage[row].min()
            cells = [f"{rate[0]:.3f}", f"{rate[1]:.3f}", f"{bias[0]:.4f}", f"{bias[1]:.4f}"]
            parts.append(f"| {' '.join(map(str, means))} | {method} | {' | '.join(cells)} |")
    return "\n".join(parts)
