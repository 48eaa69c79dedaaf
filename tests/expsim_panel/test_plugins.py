"""What every design, policy and evaluator must do, whoever wrote it: the tests run over the registries."""

import numpy as np
import pytest
from worlds import tree

from expsim_panel import strategy
from expsim_panel.design import designs
from expsim_panel.evaluation import evaluators
from expsim_panel.kernels.trials import FUTILE
from expsim_panel.plan import setting_of
from expsim_panel.policy import policies
from expsim_panel.results import ARRAYS
from expsim_panel.scenario import Scenario
from expsim_panel.study import Study

ARMS = {
    2: [{"name": "A", "mean": 0.10}, {"name": "B", "mean": 0.12}],
    3: [{"name": "A", "mean": 0.10}, {"name": "B", "mean": 0.12}, {"name": "C", "mean": 0.09}],
}


@pytest.mark.parametrize("kind", designs.names() + policies.names())
def test_plug_in_describes_itself(kind):
    cls = designs.get(kind) if kind in designs.names() else policies.get(kind)
    assert cls.kind == kind
    assert cls.summary
    assert cls.__doc__
    if kind in designs.names():
        assert cls.error_claim in ("exact", "at most", "none")


@pytest.mark.parametrize("kind", strategy.kinds())
def test_strategy_survives_the_round_trip(kind):
    made = strategy.build({"kind": kind}, "test", kind)
    again = strategy.build(made.to_tree(), "test", kind)
    assert again.to_tree() == made.to_tree()


@pytest.mark.parametrize("family", ["normal", "binary"])
@pytest.mark.parametrize("arms", ARMS)
@pytest.mark.parametrize("kind", strategy.kinds())
def test_strategy_plays_every_world(kind, arms, family):
    world = tree(family, variants=ARMS[arms], traffic={"units_per_day": 301, "days": 6})
    result = Study.from_tree(world, "test", names=[kind]).run(replicates=60, seed=3)
    for out in result[kind].worlds.values():
        assert np.all((out.code >= FUTILE) & (out.code < arms))
        assert np.all((out.day >= 1) & (out.day <= 6))
        np.testing.assert_array_equal(out.units.sum(axis=1), 301 * out.day.astype(int))
        assert np.all(out.rows <= out.units)
        assert np.isfinite(out.sums).all()
        assert np.isfinite(out.squares).all()


@pytest.mark.parametrize("kind", evaluators.names())
@pytest.mark.parametrize("family", ["normal", "binary"])
def test_evaluator_measures_what_it_says(kind, family):
    world = tree(family, evaluator={"kind": kind})
    scenario = Scenario.from_tree(world, "test")
    law = scenario.evaluator.measure(scenario.means[None], scenario.sds[None], scenario.family)
    assert law.means.shape == law.sds.shape == (1, 2)
    assert np.all(law.sds > 0)
    perfect = scenario.evaluator.bias_free()
    assert perfect.coverage == scenario.evaluator.row_share
    clean = perfect.measure(scenario.means[None], scenario.sds[None], scenario.family)
    np.testing.assert_array_equal(clean.means[0], scenario.means)
    assert scenario.evaluator.usd_per_row() >= 0
    result = Study.from_tree(world, "test", names=["fixed-horizon"]).run(replicates=30, seed=3)
    assert all(np.isfinite(getattr(result["fixed-horizon"].worlds["truth"], name)).all() for name in ARRAYS)


@pytest.mark.arithmetic
@pytest.mark.parametrize("kind", [k for k in designs.names() if designs.get(k).error_claim == "exact"])
def test_several_variants_keep_the_level_as_an_upper_bound(kind):
    world = tree(variants=[{"name": n, "mean": 3.0} for n in "ABCD"])
    study = Study.from_tree(world, "test", names=[kind])
    # These bounds use the control that the variants share, and are exact for any number of them.
    exact = kind in ("dunnett", "drop-the-losers")
    assert study.strategies[0].design.claim(setting_of(study.scenario)) == ("exact" if exact else "at most")
    figure = study.run(replicates=20_000, seed=3)[kind].figures["false_launch"]
    assert figure.value <= 0.05 / 2 + 3 * figure.se
    assert figure.value > 0.05 / 2 / 3


@pytest.mark.arithmetic
def test_thompson_plays_like_a_plain_simulation():
    """An oracle that draws every score, written with NumPy and SciPy alone."""
    from scipy import stats

    days, per_day, means, sd = 6, 100, (3.0, 3.25), 1.0
    world = tree(
        variants=[{"name": "A", "mean": means[0]}, {"name": "B", "mean": means[1]}],
        traffic={"units_per_day": per_day, "days": days},
    )
    out = Study.from_tree(world, "test", names=["thompson(floor=0)"])
    out = out.run(replicates=20_000, seed=3).strategies[0].worlds["truth"]
    rng = np.random.default_rng(17)
    size, wins, won = 6000, [], 0
    for _ in range(size):
        scores = [np.empty(0), np.empty(0)]
        for _day in range(days):
            share = 0.5
            if min(s.size for s in scores) > 1:
                v = [s.var(ddof=1) / s.size for s in scores]
                share = stats.norm.cdf((scores[1].mean() - scores[0].mean()) / np.sqrt(sum(v)))
            today = rng.binomial(per_day, share)
            for arm, count in ((0, per_day - today), (1, today)):
                scores[arm] = np.append(scores[arm], means[arm] + sd * rng.standard_normal(count))
        wins.append(scores[1].size)
        if min(s.size for s in scores) > 1:
            v = [s.var(ddof=1) / s.size for s in scores]
            d, s = scores[1].mean() - scores[0].mean(), np.sqrt(sum(v))
            z = d / s
            # Expected loss at most the indifference of 0.01, and P(best) at least 0.95.
            won += z > stats.norm.ppf(0.95) and s * (stats.norm.pdf(z) - z * stats.norm.sf(z)) <= 0.01
    fast, slow = out.units[:, 1], np.array(wins)
    error = np.hypot(fast.std() / np.sqrt(fast.size), slow.std() / np.sqrt(size))
    assert abs(fast.mean() - slow.mean()) <= 4 * error
    assert stats.ks_2samp(fast, slow).pvalue > 1e-4
    share = won / size
    error = np.hypot(np.sqrt(share * (1 - share) / size), np.sqrt(share * (1 - share) / fast.size))
    assert abs(np.mean(out.code == 1) - share) <= 4 * error


@pytest.mark.arithmetic
def test_bayesian_rule_stops_where_its_posterior_says():
    """Replay watched experiments with SciPy's beta law: first day on which both thresholds pass."""
    from oracles import best_by_quadrature
    from scipy import stats

    world = tree("binary", traffic={"units_per_day": 400, "days": 8}, strategies=[{"kind": "bayesian", "min_days": 2}])
    study = Study.from_tree(world, "test")
    for luck in range(12):
        study.luck = luck
        shown = study.run(replicates=12, seed=3)["bayesian"].trace
        for day, (_, rows, sums, _) in enumerate(shown.state, start=1):
            best, lost = best_by_quadrature([stats.beta(1 + s, 1 + n - s) for n, s in zip(rows, sums, strict=True)])
            stops = day >= 2 and any(b >= 0.95 and x <= 0.001 for b, x in zip(best, lost, strict=True))
            assert stops == (day == shown.day and shown.code != 0)
