import numpy as np
import pytest
from worlds import tree

from expsim_panel import recommend
from expsim_panel.economics import expected_net_benefit
from expsim_panel.kernels.special import norm_ppf
from expsim_panel.report import verdict_of
from expsim_panel.results import Outcomes, Trace
from expsim_panel.study import Study

JUDGE = {"kind": "judge", "suspected_bias_sd": 0.05}


def _trace(effect, rows=5000, code=0, sd=1.0, base=3.0):
    means = np.array([base, base + effect])
    state = np.array([[rows, rows], [rows, rows], rows * means, rows * (sd**2 + means**2)], float)
    return Trace(0, code, 5, state[None])


def _verdict(effect, code=0, rows=5000, world=None, **tables):
    study = Study.from_tree(world or tree(**tables), "test", names=["fixed-horizon"])
    return verdict_of(study.scenario, study.strategies[0], _trace(effect, rows, code))


@pytest.mark.parametrize("mean", [2.5, 3.0, 3.02, 4.0])
def test_verdict_does_not_move_when_only_the_truth_changes(mean):
    held = tree()
    changed = tree(variants=[{"name": "A", "mean": 3.0}, {"name": "B", "mean": mean, "sd": 2.0}])
    for effect, code in ((0.08, 1), (0.01, 0), (-0.08, -1)):
        assert _verdict(effect, code, world=held) == _verdict(effect, code, world=changed)


def test_verdict_moves_with_the_data():
    actions = [_verdict(effect, code).action for effect, code in ((0.08, 1), (-0.08, -1), (-0.06, 0))]
    assert actions == ["launch", "keep", "keep"]
    assert _verdict(0.08, 1).estimate == pytest.approx(0.08)
    assert _verdict(0.09, 1) != _verdict(0.08, 1)


def test_interval_is_the_estimate_and_its_standard_error():
    low, high = _verdict(0.08, 1).interval
    half = 1.959964 * np.sqrt(2 * 1.0 / 4999)
    assert (low, high) == (pytest.approx(0.08 - half, abs=1e-6), pytest.approx(0.08 + half, abs=1e-6))


def test_a_judges_finding_within_its_suspected_bias_asks_for_people():
    distrusted = _verdict(0.08, 1, evaluator=JUDGE, evaluators={"human": {"price_per_label": 0.5}})
    assert distrusted.action == "collect"
    assert "human labels" in distrusted.sentence
    assert distrusted.more_cost == pytest.approx(0.5 * distrusted.more_units)
    # 2 sqrt(SE^2 + 0.05^2) is 0.108: beyond it the judge is believed.
    assert _verdict(0.12, 1, evaluator=JUDGE).action == "launch"
    assert _verdict(0.08, 1, evaluator={"kind": "judge"}).action == "launch"


def test_labels_asked_for_reach_80_percent_power():
    found = _verdict(0.08, 1, evaluator=JUDGE)
    per_arm = 2 * (1.96 + 0.8416) ** 2 / 0.08**2
    assert found.more_units == pytest.approx(2 * per_arm, rel=0.05)


def test_a_gain_that_does_not_pay_is_not_launched():
    dear = tree()
    dear["variants"][1]["price_override"] = 0.02
    found = _verdict(0.08, 1, world=dear)
    assert found.action == "keep"
    assert "worth less than its price" in found.reasons[0]


def test_more_data_is_asked_for_only_while_it_pays():
    assert _verdict(0.02, 0, rows=500).action == "collect"
    costly = {"kind": "human", "price_per_label": 500.0, "coverage": 0.001, "raters": 100}
    assert _verdict(0.02, 0, rows=500, evaluator=costly).action == "inconclusive"


def test_too_little_data_is_inconclusive_and_says_so():
    found = _verdict(0.0, 0, rows=1)
    assert found.action == "inconclusive"
    assert found.estimate is None
    assert "too few" in found.sentence


def test_net_benefit_reproduces_test_and_roll():
    # Feit and Berman 2019, table 1: E = 100,000, s = sqrt(0.68 x 0.32), sigma = 0.03: 2,284 per arm.
    spread2, sigma2 = 0.68 * 0.32, 0.03**2
    n = np.arange(100.0, 10_000.0)
    before = np.full_like(n, 2 * sigma2)
    after = 1 / (1 / (2 * sigma2) + n / (2 * spread2))
    benefit = expected_net_benefit(n, np.zeros_like(n), before, after, np.full_like(n, 1e5), np.zeros_like(n))
    assert n[benefit.argmax()] == pytest.approx(2284, abs=1)


@pytest.mark.parametrize(("mean", "n"), [(0.0, 200), (0.02, 100), (-0.03, 400)])
def test_net_benefit_equals_monte_carlo(mean, n):
    rng = np.random.default_rng(11)
    t2, spread2, horizon, cost = 0.05**2, 1.0, 10_000.0, 1.5
    size = 400_000
    truth = mean + np.sqrt(t2) * rng.standard_normal(size)
    v = 2 * spread2 / n
    seen = truth + np.sqrt(v) * rng.standard_normal(size)
    posterior = (mean / t2 + seen / v) / (1 / t2 + 1 / v)
    with_data = n * truth + (horizon - 2 * n) * truth * (posterior > 0) - cost
    without = horizon * max(mean, 0.0)
    wanted = with_data.mean() - without
    error = with_data.std() / np.sqrt(size)
    after = 1 / (1 / t2 + 1 / v)
    got = expected_net_benefit(
        np.array(n), np.array(mean), np.array(t2), np.array(after), np.array(horizon), np.array(cost)
    )
    assert float(got) == pytest.approx(wanted, abs=4 * error)


def test_a_bias_that_stays_makes_more_judged_data_worthless():
    n = np.array([1e3, 1e6])
    sampling, bias2 = 2.0 / n, 0.05**2
    before = np.full(2, 0.1**2)
    after = 1 / (1 / before + 1 / (sampling + bias2))
    clean = 1 / (1 / before + 1 / sampling)
    horizon, nothing = np.full(2, 1e9), np.zeros(2)
    biased = expected_net_benefit(n, nothing, before, after, horizon, nothing) / (1e9 - 2 * n)
    honest = expected_net_benefit(n, nothing, before, clean, horizon, nothing) / (1e9 - 2 * n)
    assert biased[1] < 0.9 * honest[1]
    assert biased[1] - biased[0] < honest[1] - honest[0]


def test_every_replicate_is_judged_like_the_one_on_screen():
    study = Study.from_tree(tree(evaluator=JUDGE), "test", names=["obrien-fleming"])
    result = study.run(replicates=1500, seed=2)
    one = result["obrien-fleming"]
    facts = recommend.known(study.scenario)
    found = recommend.judge(facts, 0.95, one.worlds["truth"])
    shares = [one.verdicts[action]["share"].value for action in recommend.ACTIONS]
    assert sum(shares) == pytest.approx(1)
    assert shares == [np.mean(found.action == k) for k in range(4)]
    first = recommend.judge(facts, 0.95, recommend.of_trace(one.trace))
    assert first.action[0] == found.action[0]
    assert first.effect[0] == found.effect[0]
    assert recommend.ACTIONS[found.action[0]] == one.verdict.action


def test_advice_never_names_a_strategy_that_breaks_its_promise():
    result = Study.from_tree(tree(), "test").run(replicates=4000, seed=2)
    assert result.advice.strategy in ("fixed-horizon", "obrien-fleming")
    assert any("peek-daily" in reason for reason in result.advice.reasons)


def test_watched_data_keep_their_numbers():
    out = recommend.of_trace(_trace(0.1, rows=7))
    assert isinstance(out, Outcomes)
    assert out.rows.tolist() == [[7, 7]]
    assert out.sums[0, 1] == pytest.approx(7 * 3.1)
    assert norm_ppf(0.975) == pytest.approx(1.959964, abs=1e-6)
