"""Several looks at two variants: against one look, one variant, a finer rule, plain walks, and the engine."""

import math

import numpy as np
import pytest
from scipy.stats import norm
from worlds import exact_in, played, tree

from expsim_panel import Study
from expsim_panel.kernels.crossing import cross
from expsim_panel.looks_at_two import two_variants
from expsim_panel.operating import rejected
from expsim_panel.power_points import Meter
from expsim_panel.several_exact import wins

ARMS = {
    "even": ([0, 0.1, 0.06], [1, 1.2, 0.9], [1000, 900, 1100]),
    "few in control": ([0, 0.2, 0.0], [1, 1, 1], [300, 2000, 2000]),
    "many in control": ([0, -0.1, 0.2], [1, 1, 1.3], [3000, 900, 500]),
}


def arms(name):
    return [np.array(part, float) for part in ARMS[name]]


@pytest.mark.parametrize("name", ARMS)
def test_one_look_is_the_integral_for_one_look(name):
    found = two_variants(*arms(name), np.ones(1), np.array([-1.5]), np.array([1.5]))
    won, low = wins(*arms(name), -1.5, 1.5)
    assert found.wins[0] == pytest.approx(won, abs=1e-8)
    assert found.low[0] == pytest.approx(low, abs=1e-8)


@pytest.mark.parametrize("name", ARMS)
@pytest.mark.parametrize("looks", [2, 5])
def test_more_nodes_say_the_same(name, looks):
    time = np.arange(1, looks + 1) / looks
    bounds = -np.full(looks, 1.7), np.linspace(3, 1.9, looks)
    found, finer = (two_variants(*arms(name), time, *bounds, fine) for fine in (1.0, 1.6))
    assert found.wins == pytest.approx(finer.wins, abs=1e-8)
    assert found.low == pytest.approx(finer.low, abs=1e-8)


def test_a_variant_that_cannot_be_found_leaves_the_recursion_of_the_other():
    time, upper = np.array([0.3, 0.6, 1.0]), np.array([2.5, 2.2, 2.0])
    means, sds, rows = np.array([0.0, 0.08, -2.0]), np.ones(3), np.full(3, 1000.0)
    found = two_variants(means, sds, rows, time, np.full(3, -np.inf), upper)
    _, high = cross(time, np.full(3, -np.inf), upper, 0.08 / math.sqrt(2 / 1000))
    assert found.wins[:, 0] == pytest.approx(high, abs=1e-8)
    assert found.wins[:, 1] == pytest.approx(np.zeros(3), abs=1e-12)


def test_it_ends_as_plain_walks_do():
    means, sds, rows = arms("even")
    looks, size = 4, 200_000
    time, upper, lower = np.arange(1, 5) / 4, np.array([2.4, 2.3, 2.2, 2.1]), np.array([-1.0, -0.8, -0.6, -0.4])
    found = two_variants(means, sds, rows, time, lower, upper)
    step = np.random.default_rng(20261130).standard_normal((size, looks, 3)) * sds / np.sqrt(rows * looks)
    walks = np.cumsum(step, axis=1) + means * time[:, None]
    variance = sds**2 / rows
    z = (walks[:, :, 1:] - walks[:, :, :1]) / np.sqrt((variance[1:] + variance[0]) * time[:, None])
    going = np.ones(size, bool)
    for k in range(looks):
        over, both = going & (z[:, k] > upper[k]).any(axis=1), going & (z[:, k] < lower[k]).all(axis=1)
        first = z[:, k].argmax(axis=1)
        pairs = [(np.mean(over & (first == i)), found.wins[k, i]) for i in (0, 1)] + [(np.mean(both), found.low[k])]
        for share, chance in pairs:
            assert abs(share - chance) <= 4 * math.sqrt(chance * (1 - chance) / size) + 3 / size, k
        going &= ~over & ~both


STRATEGIES = [
    {"kind": "pocock"},
    {"kind": "obrien-fleming", "looks": 4, "sides": 1, "alpha": 0.025, "futility_bounds": [-0.5, 0.3, 0.9]},
    {"kind": "lan-demets-pocock", "looks": 3},
]


@pytest.mark.parametrize("shares", [[1 / 3, 1 / 3, 1 / 3], [0.5, 0.25, 0.25]])
@pytest.mark.parametrize("family", ["normal", "binary"])
def test_three_arms_end_as_the_engine_plays_them(family, shares):
    # Rates: so many that the skewness of unequal arms does not show.
    rates = [0.10, 0.0985, 0.0995] if family == "binary" else [3.0, 3.02, 2.99]
    per_day = 300_000 if family == "binary" else 15_000
    variants = [{"name": name, "mean": mean} for name, mean in zip("ABC", rates, strict=True)]
    world = tree(family, variants=variants, traffic={"units_per_day": per_day, "days": 10, "shares": shares})
    study = Study.from_tree({**world, "strategies": STRATEGIES}, "test")
    for truth in ("truth", "null"):
        outs = played(study, truth, replicates=100_000, seed=20261130)
        for one in study.strategies:
            out, known = outs[one.name], exact_in(study, truth, one.name)
            seen = {"rejection": rejected(out.code), "launch": out.code > 0, "units": out.units.sum(axis=1)}
            if truth == "truth":
                seen |= {"best": out.code == 1}
            for name, each in seen.items():
                # 84 comparisons: all of them fail by chance as rarely as one does at 3 standard errors.
                error = max(each.std(), 1e-3) / math.sqrt(each.size)
                assert abs(each.mean() - known[name]) <= norm.isf(norm.sf(3) / 84) * error, (truth, one.name, name)


def test_what_it_takes_is_exact_but_not_for_all_of_them():
    variants = [{"name": name, "mean": mean} for name, mean in zip("ABC", (3.0, 3.02, 3.01), strict=True)]
    world = tree(variants=variants, traffic={"units_per_day": 15_000, "days": 10})
    study = Study.from_tree({**world, "strategies": [{"kind": "pocock"}, {"kind": "peek-daily"}]}, "test")
    assert Meter(study, "pocock", finds="best").why == ""
    assert Meter(study, "pocock", finds="all").why == "no exact value of finding all of several variants"
    study.scenario.traffic.days = 14
    assert Meter(study, "peek-daily").why == "no exact value for more than two arms"
