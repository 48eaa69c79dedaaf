"""The text of docs/peer-mistakes.md: two wrong recipes for bounds, replayed by our recursion and our engine."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from expsim_panel import engine, spending
from expsim_panel.peer_mistakes import conditional_as_marginal, cumulative_as_nominal, nominal_bounds, true_error
from expsim_panel.sequential import sequential_design
from expsim_panel.study import Study

PAGE = Path(__file__).resolve().parent.parent / "docs" / "peer-mistakes.md"
REPLICATES, SEED = 200_000, 1
SPENDING = {
    "lan-demets-obrien-fleming": spending.lan_demets_obrien_fleming,
    "lan-demets-pocock": spending.lan_demets_pocock,
}
RECIPES = {
    "conditional alpha as marginal level": conditional_as_marginal,
    "cumulative alpha as nominal level": cumulative_as_nominal,
}
LOOKS = 5


def bounds_of(recipe: str, kind: str, looks: int) -> np.ndarray:
    information = np.arange(1, looks + 1) / looks
    return nominal_bounds(RECIPES[recipe](SPENDING[kind](information, 0.05)), 2)


def name_of(recipe: str, kind: str) -> str:
    return f"{recipe.split()[0]} {kind}"


@cache
def simulated() -> dict[str, float]:
    """Play all tables of five looks through the engine on the same experiments without an effect."""
    strategies: list[dict[str, Any]] = []
    for kind in SPENDING:
        strategies.append({"kind": kind, "name": name_of("right", kind), "two_sided_spending": "overall"})
        for recipe in RECIPES:
            values = [float(bound) for bound in bounds_of(recipe, kind, LOOKS)]
            strategies.append({"kind": "user-bounds", "name": name_of(recipe, kind), "critical_values": values})
    tree = {
        "scenario": {"name": "peer-mistakes", "indifference": 0.01},
        "metric": {"name": "score", "family": "normal", "sd": 1.0},
        "variants": [{"name": "A", "mean": 3.0}, {"name": "B", "mean": 3.0}],
        "traffic": {"units_per_day": 20_000, "days": LOOKS},
        "strategies": strategies,
    }
    study = Study.from_tree(tree, "peer-mistakes")
    study.replicates, study.seed = REPLICATES, SEED
    return {name: float(np.mean(out.code != 0)) for name, out in engine.outcomes(study.freeze(), workers=2).items()}


HEAD = """# Two ways to get sequential bounds wrong

Two Python packages compute the bounds of a sequential test by recipes that look plausible and are wrong. Here are both,
replayed for a two-sided 5 % test at equally spaced looks: the type I error that their bounds really have, by our
recursion, and by {replicates:,} simulated experiments of our engine (seed {seed}, five looks). Written by
`python tests/write_validation.py`; a test fails if this page is out of date. To try bounds of your own, play the strategy
`user-bounds` with `critical_values = [...]`.

Right bounds solve, look by look, for the probability of crossing *now and not before* under the joint law of all looks,
whose z statistics correlate by the square root of the ratio of their information.

**Conditional alpha as marginal level.** The spending function gives look k the increment `A_k - A_(k-1)`; divided by
`1 - A_(k-1)` it is the chance of rejecting at k among tests that are still going on. The recipe takes the normal quantile of
that as if it held over all paths. That would be right if looks shared no data. They do, so that most of what crosses at
look k has crossed before: the test is far below its level, and the power that this costs is lost for nothing.

**Cumulative alpha as nominal level.** The recipe compares every look's p-value with the whole alpha spent so far, `A_k`. What
was spent at earlier looks is spent again: the test is above its level, the more the earlier it spends.
"""


def page() -> str:
    """Return the text of docs/peer-mistakes.md."""
    parts = [HEAD.format(replicates=REPLICATES, seed=SEED)]
    parts.append("| Spending function | Looks | Recipe | Bounds | True type I error | Simulated | Claimed |")
    parts.append("|---|---:|---|---|---:|---:|---:|")
    for kind in SPENDING:
        for looks in (2, 3, LOOKS, 10):
            information = np.arange(1, looks + 1) / looks
            right = sequential_design(kind, looks, 0.05, 2, two_sided_spending="overall").critical_values
            tables = {"right": right, **{recipe: bounds_of(recipe, kind, looks) for recipe in RECIPES}}
            for recipe, upper in tables.items():
                error = true_error(upper, information, 2)
                seen = f"{simulated()[name_of(recipe, kind)]:.4f}" if looks == LOOKS else ""
                shown = " ".join(f"{bound:.3f}" for bound in upper)
                parts.append(f"| {kind} | {looks} | {recipe} | {shown} | {error:.4f} | {seen} | 0.0500 |")
    parts.append(
        "\nBoth recipes apply the spending function to the two-sided alpha, so the right bounds beside them do too\n"
        "(`two_sided_spending = overall`); the default here applies it to alpha / 2 on each side."
    )
    return "\n".join(parts) + "\n"
