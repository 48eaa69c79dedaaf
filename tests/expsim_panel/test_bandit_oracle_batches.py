"""Policies that decide at the end of a batch, and GLR restarts, against `slow_batches`."""

import numpy as np
import pytest
from scipy import stats
from slow_batches import CommitLater, EliminationLater, Glr, HalvingLater
from slow_play import Way, play

from expsim_panel import bandit

THREE, FIVE = [0.5, 0.55, 0.45], [0.1, 0.3, 0.35, 0.5, 0.7]
TURNED = ((50, (0.05, 0.9)),)
PLAYED = {
    "explore-then-commit(m=15)": (CommitLater, {"m": 15}, [
        (FIVE, 120, Way(batch=20)), (THREE, 100, Way(batch=10, delay=20, floor=0.1)),
    ]),
    "successive-elimination(delta=0.5)": (EliminationLater, {"delta": 0.5}, [([0.02, 0.5, 0.98], 120, Way(batch=20))]),
    # Whole batches by their sums, and requests drawn one by one where a delay is no whole number of batches.
    "sequential-halving": (HalvingLater, {}, [
        (FIVE, 120, Way(batch=20)), (FIVE, 120, Way(batch=40)), (FIVE, 120, Way(batch=6, delay=3)),
        (FIVE, 120, Way(batch=10, delay=10, floor=0.05)),
    ]),
    "glr-kl-ucb(every=5,explore=0.1)": (Glr, {"every": 5, "explore": 0.1}, [
        ([0.9, 0.2], 100, Way(shift=TURNED)), ([0.9, 0.2], 100, Way(batch=10, delay=5)),
    ]),
    "glr-kl-ucb(every=5,explore=0.2,restart=arm)": (Glr, {"every": 5, "explore": 0.2, "everywhere": False}, [
        ([0.9, 0.2], 100, Way(shift=TURNED)),
    ]),
}  # fmt: skip
pytestmark = pytest.mark.arithmetic

COMPARED = sum(8 + len(means) for _, _, ways in PLAYED.values() for means, _, _ in ways)
CRITICAL = stats.norm.isf(0.001 / (2 * COMPARED))
"""All comparisons together fail once in a thousand seeds."""


@pytest.mark.parametrize("name", PLAYED)
def test_batches_are_those_of_the_rule(name):
    """Regret, its quantiles, pulls and kept arms; each way with another problem."""
    rule, parameters, ways = PLAYED[name]
    size, many = 1500, 10_000
    for place, (means, horizon, way) in enumerate(ways):
        made = rule(len(means), horizon, binary=not way.gaussian, **parameters)
        lost, pulls, kept = play(made, means, size, 4000 + place, way)
        floor = f"floor={way.floor}"
        asked = f"{name[:-1]},{floor})" if "(" in name else f"{name}({floor})"
        world = {"batch": way.batch, "delay": way.delay} if way.batch > 1 or way.delay else {}
        world |= {"shift": way.shift} if way.shift else {}
        family = "gaussian" if way.gaussian else "bernoulli"
        sizes = {"family": family, "replicates": many, "seed": 78, "world": world or None}
        found = bandit(means, [asked], horizon, **sizes).policies[0]
        wider = CRITICAL * np.sqrt(1 + many / size)
        assert abs(found.regret.value - lost.mean()) <= wider * found.regret.se + 1e-9
        np.testing.assert_array_less(np.abs(found.pulls - pulls.mean(axis=0)), wider * found.pulls_se + 1e-9)
        last = way.means(means, horizon)
        right = np.mean(last[kept] == last.max())
        ours = found.p_best_arm.value
        assert abs(ours - right) <= wider * np.sqrt(max(ours * (1 - ours), 1 / size) / many)
        for level in (0.1, 0.5, 0.9):
            at = np.quantile(found.final, level)
            for away in (-1e-9, 1e-9):
                under = np.mean(found.final < at + away)
                spread = np.sqrt(max(under * (1 - under), 1 / size) / many)
                assert abs(under - np.mean(lost < at + away)) <= wider * spread
