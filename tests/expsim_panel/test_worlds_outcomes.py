"""Levels and amounts, drawn as they are, against closed forms and against simulation row by row."""

import numpy as np
import pytest
from oracles import amount_rows, ordered_rows, welch_z
from scipy import stats
from worlds import exact_in, played, tree

from expsim_panel import outcomes
from expsim_panel.errors import InputError
from expsim_panel.study import Study

pytestmark = pytest.mark.arithmetic

CUTS = [-1.4, -0.6, 0.2, 1.0]
RATED = {"name": "helpfulness", "family": "ordinal", "thresholds": CUTS, "range": [1, 5], "draw_levels": True}
REVENUE = {"name": "revenue", "family": "amount", "zero_share": 0.9, "log_sd": 1.0}
TRAFFIC = {"units_per_day": 4000, "days": 5}


def _study(metric, means, names=("fixed-horizon", "pocock"), **tables):
    variants = [{"name": "AB"[i], "mean": mean} for i, mean in enumerate(means)]
    return Study.from_tree(
        tree(metric=metric, variants=variants, **{"traffic": TRAFFIC, **tables}), "outcomes", names=list(names)
    )


def test_spread_of_levels_is_that_of_the_probit():
    metric = _study(RATED, (3.2, 3.3)).scenario.metric
    latent = np.linspace(-2, 2, 5)
    edges = stats.norm.cdf(np.array([-np.inf, *CUTS, np.inf])[:, None] - latent)
    chances = np.diff(edges, axis=0).T
    means = chances @ np.arange(1, 6)
    np.testing.assert_allclose(outcomes.level_chances(metric, means), chances, atol=2e-5)
    wanted = np.sqrt(chances @ np.arange(1, 6) ** 2 - means**2)
    np.testing.assert_allclose(outcomes.spread(metric, means), wanted, atol=1e-5)


def test_spread_of_amounts_is_that_of_the_rows():
    scenario = _study(REVENUE, (2.0, 2.1)).scenario
    rows = amount_rows(np.random.default_rng(1), 4_000_000, 2.0, 0.9, 1.0)
    assert rows.mean() == pytest.approx(2.0, rel=0.01)
    assert scenario.sds[0] == pytest.approx(rows.std(), rel=0.02)


@pytest.mark.parametrize("world", ["truth", "null"])
@pytest.mark.parametrize(
    "tables",
    [
        {},
        {"evaluator": {"kind": "judge", "scale": 0.8, "offset": 0.4, "differential_bias": 0.02, "item_sd": 0.6}},
        {"traffic": {**TRAFFIC, "novelty": {"size": 0.05, "days": 2}, "delay_days": 1}},
        {"metric": {**RATED, "direction": "decrease"}},
    ],
    ids=["plain", "judge", "novelty, late", "decrease"],
)
def test_levels_agree_with_the_exact_value(world, tables):
    tables = dict(tables)
    study = _study(tables.pop("metric", RATED), (3.2, 3.23), **tables)
    out = played(study, world)
    for name in ("fixed-horizon", "pocock"):
        wanted = exact_in(study, world, name)["rejection"]
        share = np.mean(out[name].code != 0)
        assert abs(share - wanted) <= 3 * np.sqrt(wanted * (1 - wanted) / 200_000), (name, share, wanted)


def test_levels_are_levels():
    out = played(_study(RATED, (3.2, 3.3)), "truth", 50)["fixed-horizon"]
    assert np.all(out.sums == np.round(out.sums))
    assert np.all(out.squares == pytest.approx(np.round(out.squares), abs=1e-6))


def test_levels_test_as_row_by_row_simulation_does():
    """30 ratings an arm: small enough that the test's true level is its own."""
    study = _study(RATED, (4.5, 4.5), ["fixed-horizon"], traffic={"units_per_day": 60, "days": 1})
    fast = np.mean(played(study, "null", 40_000)["fixed-horizon"].code != 0)
    latent = float(np.interp(4.5, *outcomes.probit_grid(np.array(CUTS), np.arange(1.0, 6.0))[::-1]))
    rng = np.random.default_rng(2)
    hits = []
    for _ in range(6000):
        one, two = (ordered_rows(rng, 30, latent, np.array(CUTS), np.arange(1.0, 6.0)) for _ in range(2))
        hits.append(abs(welch_z(one, two)) > 1.959964 if one.var() + two.var() > 0 else False)
    slow = np.mean(hits)
    assert abs(fast - slow) <= 4 * np.sqrt(slow * (1 - slow) * (1 / 40_000 + 1 / 6000))


def test_amounts_test_as_row_by_row_simulation_does():
    """Few paying users: the z test keeps less than its level, and only the joint law of sum and squares shows it."""
    study = _study(REVENUE, (2.0, 2.0), ["fixed-horizon"], traffic={"units_per_day": 400, "days": 1})
    fast = np.mean(played(study, "null", 40_000)["fixed-horizon"].code != 0)
    rng = np.random.default_rng(2)
    hits = [
        abs(welch_z(amount_rows(rng, 200, 2.0, 0.9, 1.0), amount_rows(rng, 200, 2.0, 0.9, 1.0))) > 1.959964
        for _ in range(10_000)
    ]
    slow = np.mean(hits)
    assert abs(fast - slow) <= 4 * np.sqrt(slow * (1 - slow) * (1 / 40_000 + 1 / 10_000))
    assert fast < 0.047


def test_many_amounts_reach_the_nominal_level():
    study = _study(REVENUE, (2.0, 2.0), ["fixed-horizon"], traffic={"units_per_day": 20_000, "days": 1})
    share = np.mean(played(study, "null", 20_000)["fixed-horizon"].code != 0)
    assert abs(share - 0.05) <= 3 * np.sqrt(0.05 * 0.95 / 20_000)


def test_bandits_and_priors_play_levels_and_amounts():
    for metric, means in ((RATED, (3.2, 3.4)), (REVENUE, (2.0, 3.0))):
        study = _study(metric, means, ["thompson", "bayesian"], traffic={"units_per_day": 200, "days": 4})
        result = study.run(replicates=300)
        for one in result.strategies:
            assert one.figures["regret"].value is not None
            out = one.worlds["truth"]
            found = out.sums.sum(axis=0) / out.rows.sum(axis=0)
            np.testing.assert_allclose(found, means, rtol=0.05)


@pytest.mark.parametrize(
    ("metric", "means", "tables", "key"),
    [
        ({**RATED, "thresholds": []}, (3.0, 3.1), {}, "metric.draw_levels"),
        ({**RATED, "family": "normal"}, (3.0, 3.1), {}, "metric.draw_levels"),
        (RATED, (3.0, 5.0), {}, "variants.1.mean"),
        (REVENUE, (0.0, 1.0), {}, "variants.0.mean"),
        ({**REVENUE, "zero_share": 1.0}, (1.0, 1.0), {}, "metric.zero_share"),
        ({**REVENUE, "log_sd": 4.0}, (1.0, 1.0), {}, "metric.log_sd"),
        (REVENUE, (1.0, 1.0), {"analysis": {"unit": "unit"}}, "analysis.unit"),
        (REVENUE, (1.0, 1.0), {"analysis": {"covariate_correlation": 0.5}}, "analysis.covariate_correlation"),
    ],
)
def test_contradictions_are_refused(metric, means, tables, key):
    with pytest.raises(InputError) as caught:
        _study(metric, means, **tables)
    assert caught.value.key == key
