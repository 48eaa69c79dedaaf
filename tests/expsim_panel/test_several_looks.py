"""The recursion of sequential tests of several variants: against one look, one variant, published laws and play."""

import math

import numpy as np
import pytest
from scipy.stats import multivariate_normal, norm
from worlds import exact_in, played, tree

from expsim_panel import Study, exact, several_exact, several_looks
from expsim_panel.contests import everyone
from expsim_panel.design import Bounds
from expsim_panel.economics import ledger
from expsim_panel.operating import rejected
from expsim_panel.power_points import Meter
from expsim_panel.regions import stops_between
from expsim_panel.several_exact import SLOW

NEVER = -np.inf


def bounds(lower, upper, inner=None):
    days = np.arange(1, len(upper) + 1)
    return Bounds(
        days, np.array(lower, float), np.array(upper, float), False, None if inner is None else np.array(inner)
    )


def stopped(means, sds, rows, planned, *most):
    return several_looks.stopped(means, sds, rows, everyone(planned, means.size - 1), *most)


def rows_of(shares, looks):
    return np.cumsum(np.tile(np.array(shares, float), (looks, 1)), axis=0)


MEANS, SDS = np.array([0.0, 0.1, 0.05, 0.12]), np.array([1.0, 1.2, 0.9, 1.1])


@pytest.mark.arithmetic
@pytest.mark.parametrize("variants", [2, 3])
def test_one_look_is_the_law_of_one_look(variants):
    rows = rows_of([400, 300, 250, 200][: variants + 1], 1)
    means, sds = MEANS[: variants + 1], SDS[: variants + 1]
    found = stopped(means, sds, rows, bounds([-1.1], [1.7]))
    asked = everyone(bounds([-1.1], [1.7]), variants)
    wins, low = several_exact.wins(several_exact.shared(means, sds, rows[-1]), asked)
    np.testing.assert_allclose(found.wins[0], wins, atol=1e-7)
    assert found.low[0] == pytest.approx(low, abs=1e-7)


@pytest.mark.arithmetic
def test_a_variant_that_cannot_win_leaves_the_law_of_the_other():
    """A hopeless variant is below every bound, so that one variant's recursion remains."""
    means, sds, rows = np.array([0.0, 0.12, -40.0]), np.ones(3), rows_of([200, 200, 200], 4)
    upper, lower = [3.2, 2.7, 2.4, 2.1], [-0.3, 0.2, 0.6, NEVER]
    found = stopped(means, sds, rows, bounds(lower, upper))
    variance = 2.0 / rows[:, 0]
    low, _, high = stops_between(
        variance[-1] / variance, np.array(lower), np.array(upper), None, 0.12 / float(np.sqrt(variance[-1]))
    )
    np.testing.assert_allclose(found.wins[:, 0], high, atol=1e-8)
    np.testing.assert_allclose(found.wins[:, 1], 0, atol=1e-15)
    np.testing.assert_allclose(found.low, low, atol=1e-8)


@pytest.mark.arithmetic
def test_two_looks_are_a_four_dimensional_normal_law():
    """P(nothing crosses at either look), with the covariance written down by hand."""
    rows, upper = rows_of([300, 200, 250], 2), [1.9, 1.4]
    means, sds = MEANS[:3], SDS[:3]
    found = stopped(means, sds, rows, bounds([NEVER, NEVER], upper))
    mean, cov = [], np.zeros((4, 4))
    spread = [np.sqrt(sds[1:] ** 2 / r[1:] + sds[0] ** 2 / r[0]) for r in rows]
    for k in range(2):
        mean += list((means[1:] - means[0]) / spread[k])
        for j in range(2):
            last = rows[max(k, j)]
            shared = sds[0] ** 2 / last[0] + np.diag(sds[1:] ** 2 / last[1:])
            cov[2 * k : 2 * k + 2, 2 * j : 2 * j + 2] = shared / np.outer(spread[k], spread[j])
    law = multivariate_normal(mean, cov, abseps=1e-7, releps=1e-7, maxpts=2_000_000, seed=1)
    nothing = law.cdf([upper[0]] * 2 + [upper[1]] * 2)
    assert 1 - found.wins.sum() == pytest.approx(nothing, abs=2e-5)


PLANS = {
    "two sides": ([0, 0.05, 0.08], [400, 300, 300], [-3.5, -2.6, -2.2], [3.5, 2.6, 2.2], None),
    "giving up low": ([0, 0.03, -0.02], [300, 300, 300], [NEVER, 0, 0.3, 0.8, NEVER], [4.5, 3.2, 2.6, 2.3, 2.1], None),
    "giving up inside": (
        [0, 0.0, 0.06], [300, 300, 300], [-4, -2.9, -2.4, -2.1], [4, 2.9, 2.4, 2.1], [NEVER, 0.3, 0.9, NEVER],
    ),
    "three variants": ([0, 0.05, 0.02, 0.07], [300, 200, 300, 400], [-4, -2.9, -2.1], [4, 2.9, 2.1], None),
    "small control": ([0, 0.1, 0.2], [50, 400, 300], [NEVER] * 3, [3.5, 2.6, 2.2], None),
    "large control": ([0, 0.2, 0.1], [900, 60, 60], [NEVER] * 3, [3.5, 2.6, 2.2], None),
}  # fmt: skip


@pytest.mark.arithmetic
@pytest.mark.parametrize("name", PLANS)
def test_it_stops_as_played_with_plain_normal_means(name):
    means, shares, lower, upper, inner = PLANS[name]
    means, plan = np.array(means, float), bounds(lower, upper, inner)
    arms, looks, size = means.size, len(upper), 200_000
    rows, sds = rows_of(shares, looks), SDS[: means.size]
    found = stopped(means, sds, rows, plan)
    rng = np.random.default_rng(7)
    total, alive = np.zeros((size, arms)), np.ones(size, bool)
    for k, step in enumerate(np.diff(rows, axis=0, prepend=0)):
        total += step * means + np.sqrt(step) * sds * rng.standard_normal((size, arms))
        mean = total / rows[k]
        z = (mean[:, 1:] - mean[:, :1]) / np.sqrt(sds[1:] ** 2 / rows[k, 1:] + sds[0] ** 2 / rows[k, 0])
        up = alive & (z > upper[k]).any(axis=1)
        down = alive & ~up & (z < lower[k]).all(axis=1)
        middle = NEVER if inner is None else inner[k]
        idle = alive & ~up & ~down & ((z < lower[k]) | (np.abs(z) <= middle)).all(axis=1)
        seen = [np.mean(up & (z.argmax(axis=1) == a)) for a in range(arms - 1)] + [down.mean(), idle.mean()]
        for p, share in zip([*found.wins[k], found.low[k], found.idle[k]], seen, strict=True):
            assert abs(share - p) <= 4.2 * np.sqrt(max(p * (1 - p), 1 / size) / size)
        alive &= ~(up | down | idle)


@pytest.mark.arithmetic
@pytest.mark.parametrize("name", PLANS)
def test_a_finer_grid_changes_nothing(name, monkeypatch):
    means, shares, lower, upper, inner = PLANS[name]
    asked = np.array(means, float), SDS[: len(means)], rows_of(shares, len(upper)), bounds(lower, upper, inner)
    found = stopped(*asked)
    made = several_looks.control_nodes
    monkeypatch.setattr(several_looks, "_DENSE", 2.0)
    monkeypatch.setattr(several_looks, "_AT_LEAST", 14)
    monkeypatch.setattr(several_looks, "_BEYOND", 40)
    monkeypatch.setattr(several_looks, "control_nodes", lambda common, own: made(2 * common, own))
    for ours, finer in zip(found, stopped(*asked, 1e12), strict=True):
        np.testing.assert_allclose(ours, finer, atol=1e-6)


def test_what_takes_too_long_has_none():
    five = rows_of([100] * 5, 3)
    assert stopped(np.zeros(5), np.ones(5), five, bounds([NEVER] * 3, [2.5] * 3)) is None
    many = rows_of([100] * 4, 60)
    assert stopped(np.zeros(4), np.ones(4), many, bounds([NEVER] * 60, [2.9] * 60)) is None


STRATEGIES = [
    {"kind": "pocock"},
    {"kind": "obrien-fleming", "looks": 4, "sides": 1, "alpha": 0.025, "futility_bounds": [-0.5, 0.3, 0.9]},
    {"kind": "lan-demets-pocock", "looks": 3},
]


@pytest.mark.arithmetic
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
    assert Meter(study, "peek-daily").why == ""
    # A run has a tenth of the time.
    assert exact.operating(study.scenario, study.strategies[1], "truth", ledger(study.scenario)) == SLOW
    world["variants"] = [{"name": name, "mean": 3.0 + 0.005 * i} for i, name in enumerate("ABCDE")]
    many = Study.from_tree({**world, "strategies": [{"kind": "pocock"}]}, "test")
    assert Meter(many, "pocock").why == SLOW
