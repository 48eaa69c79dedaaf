import numpy as np
import pytest
from worlds import tree

from expsim_panel import operating, plan, report
from expsim_panel.economics import ledger
from expsim_panel.results import Outcomes
from expsim_panel.study import Study

CLASSES = ("p_correct", "p_harmful_launch", "p_suboptimal_launch", "p_missed_win", "p_inconclusive")


def _three():
    world = tree(
        traffic={"units_per_day": 300, "days": 5, "exposures_per_unit": 2.0},
        economics={"value_per_point": 0.1, "horizon_units": 10_000, "launch_cost": 20.0, "usd_per_second": 0.01},
        evaluator={"kind": "judge", "price_override": 0.002, "coverage": 0.5},
    )
    world["variants"] = [
        {"name": "A", "mean": 3.0, "price_override": 0.001, "latency_ms": {"median": 500, "p95": 500}},
        {"name": "B", "mean": 3.2, "price_override": 0.003, "latency_ms": {"median": 900, "p95": 900}},
        {"name": "C", "mean": 2.9, "price_override": 0.001, "latency_ms": {"median": 300, "p95": 300}},
    ]
    return Study.from_tree(world, "test", names=["fixed-horizon"])


def test_net_value_by_hand():
    money = ledger(_three().scenario)
    # 0.1 per point; B costs 0.002 more and waits 0.4 s x 0.01; launch cost 20 over 20,000 responses.
    wanted = [0.0, 0.1 * 0.2 - 0.002 - 0.004 - 0.001, 0.1 * -0.1 - 0.001]
    np.testing.assert_allclose(money.net_value(np.array([0.0, 0.2, -0.1])), wanted, atol=1e-15)


def test_figures_equal_a_plain_loop():
    study = _three()
    result = study.run(replicates=400, seed=4)
    one = result["fixed-horizon"]
    out = one.worlds["truth"]
    value = [0.0, 0.013, -0.011]
    cost, regret, right = [], [], []
    for k in range(400):
        units = out.units[k]
        spent = sum(2 * units[a] * (0.001, 0.003, 0.001)[a] for a in range(3))
        spent += out.rows[k].sum() * 0.002 + 2 * units[1] * 0.4 * 0.01
        cost.append(spent)
        means = out.sums[k] / out.rows[k]
        spread = [(out.squares[k, a] - out.sums[k, a] ** 2 / out.rows[k, a]) / (out.rows[k, a] - 1) for a in range(3)]
        ends = [
            means[a] - means[0] + 1.959964 * np.sqrt(spread[a] / out.rows[k, a] + spread[0] / out.rows[k, 0])
            for a in (1, 2)
        ]
        decided = out.code[k] if out.code[k] != 0 else (-1 if max(ends) < 0.01 else 0)
        chosen = max(decided, 0)
        after = 20_000 - 2 * units.sum()
        regret.append(sum(2 * units[a] * (0.013 - value[a]) for a in range(3)) + after * (0.013 - value[chosen]))
        right.append(decided != 0 and value[chosen] >= 0.013 - 0.1 * 0.01)
    assert one.figures["cost"].value == pytest.approx(np.mean(cost), rel=1e-12)
    assert one.figures["cost"].se == pytest.approx(np.std(cost, ddof=1) / 20, rel=1e-9, abs=1e-12)
    assert one.figures["regret"].value == pytest.approx(np.mean(regret), rel=1e-9)
    assert one.figures["p_correct"].value == pytest.approx(np.mean(right))


@pytest.mark.parametrize("family", ["normal", "binary"])
def test_outcome_classes_add_up_to_one(family):
    result = Study.from_tree(tree(family, traffic={"units_per_day": 500}), "test").run(replicates=2000, seed=4)
    for one in result.strategies:
        for under in (one.figures, one.under_null):
            assert sum(under[name].value for name in CLASSES) == pytest.approx(1, abs=1e-12)


def test_every_figure_has_an_error_or_a_reason():
    result = Study.from_tree(tree(traffic={"units_per_day": 500}), "test").run(replicates=2000, seed=4)
    for one in result.strategies:
        assert set(one.figures) == set(report.ORDER)
        for under in (one.figures, one.under_null):
            for name, figure in under.items():
                assert (figure.value is None) == (figure.se is None), name
                assert figure.value is not None or figure.reason, name
                assert figure.value is None or np.isfinite([figure.value, figure.se]).all(), name


def test_conditional_figures_are_blank_under_thirty_events():
    study = Study.from_tree(tree(), "test", names=["fixed-horizon"])
    result = study.run(replicates=25, seed=4)
    figure = result["fixed-horizon"].figures["exaggeration"]
    assert figure.value is None
    assert "fewer than 30" in figure.reason


def test_coverage_is_nominal_at_the_fixed_horizon_and_not_when_peeking():
    study = Study.from_tree(
        tree(traffic={"days": 14, "units_per_day": 4000}), "test", names=["fixed-horizon", "peek-daily"]
    )
    result = study.run(replicates=20_000, seed=4)
    fixed, peeking = (result[name].under_null["coverage"] for name in ("fixed-horizon", "peek-daily"))
    assert abs(fixed.value - 0.95) <= 3 * fixed.se
    assert peeking.value < 0.9


def test_exaggeration_shows_the_winners_curse():
    study = Study.from_tree(tree(traffic={"units_per_day": 2000}), "test", names=["fixed-horizon"])
    figure = study.run(replicates=20_000, seed=4)["fixed-horizon"].figures["exaggeration"]
    # Gelman and Carlin 2014: E[estimate | significant] for effect 0.02, SE sqrt(2 / 5000), truncated normal.
    from scipy import stats

    se = np.sqrt(2 / 5000)
    mean, bound = 0.02, 1.959964 * se
    tail = stats.norm.sf((bound - mean) / se)
    wanted = (mean + se * stats.norm.pdf((bound - mean) / se) / tail) / mean
    assert abs(figure.value - wanted) <= 4 * figure.se


def test_peeking_costs_more_regret_in_the_long_run_than_to_its_decision():
    study = Study.from_tree(tree(), "test", names=["obrien-fleming", "peek-daily"])
    result = study.run(replicates=5000, seed=4)
    early = {n: result[n].figures["days"].value for n in ("obrien-fleming", "peek-daily")}
    assert early["peek-daily"] < early["obrien-fleming"]


def test_proportion_never_claims_to_be_certain():
    for hits in (np.zeros(50, bool), np.ones(50, bool)):
        assert operating.proportion(hits).se > 0


def test_null_twin_keeps_bias_and_drops_the_difference():
    study = Study.from_tree(tree(evaluator={"kind": "judge", "differential_bias": 0.1, "offset": 1.0}), "test")
    null = plan.law(study.scenario, "null", 1, 0, 3)
    clean = plan.law(study.scenario, "unbiased", 1, 0, 3)
    np.testing.assert_allclose(null.means, [[4.0, 4.1]] * 3)
    np.testing.assert_allclose(clean.means, [[3.0, 3.0]] * 3)
    assert np.all(null.effects == 0)


def test_people_who_do_not_share_variants_inflate_false_alarms_as_row_by_row_simulation_does():
    people = {
        "kind": "human",
        "coverage": 1.0,
        "raters": 5,
        "shared_raters": False,
        "severity_sd": 0.5,
        "noise_sd": 0.6,
    }
    people.update(seconds=1.0)
    world = tree(traffic={"units_per_day": 600, "days": 1}, evaluator=people, metric={"sd": 0.5})
    result = Study.from_tree(world, "test", names=["fixed-horizon"]).run(replicates=20_000, seed=4)
    figure = result["fixed-horizon"].figures["type1_error"]
    rng = np.random.default_rng(5)
    size, hits = 4000, 0
    sd = np.hypot(0.5, 0.6)
    for _ in range(size):
        arms = [0.5 * rng.standard_normal(5)[np.arange(300) % 5] + sd * rng.standard_normal(300) for _ in range(2)]
        v = sum(arm.var(ddof=1) / 300 for arm in arms)
        hits += abs(arms[1].mean() - arms[0].mean()) > 1.959964 * np.sqrt(v)
    slow = hits / size
    assert abs(figure.value - slow) <= 4 * np.hypot(figure.se, np.sqrt(slow * (1 - slow) / size))
    assert figure.value > 0.5
    assert figure.exact is None


def test_shapes_of_empty_outcomes():
    assert Outcomes.empty(3, 2).sums.shape == (3, 2)
