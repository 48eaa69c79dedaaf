"""What is inferred after each policy of a bandit result, against the same figures by other roads."""

import json

import numpy as np
import pytest
from typer.testing import CliRunner

from expsim_panel import InputError, bandit
from expsim_panel.__main__ import app
from expsim_panel.adaptive_inference import METHODS, covariances, estimates, summarise
from expsim_panel.bandit_inference import LEVEL, METHOD, decisions, differences, inference, to_json
from expsim_panel.kernels.bits import stream
from expsim_panel.kernels.logged import play_logged
from expsim_panel.kernels.streams import OUTCOME, POLICY
from expsim_panel.policy import Problem, policies
from expsim_panel.policy_names import bandit_names, read_policy

MEANS = [0.45, 0.55, 0.6]
NAIVE = METHODS.index("sample_mean")


def played(policy, size, *, means=MEANS, horizon=150, batch=1, delay=0, binary=True, sd=1.0, seed=5):
    """Logged experiments of one policy: estimates, covariances, kept arms, pulls."""
    made = read_policy(policy)
    problem = Problem(len(means), horizon, binary, batch > 1 or delay > 0, True)
    out, cross = np.zeros((size, 5, len(means), 2)), np.zeros((size, 5, len(means), len(means)))
    kept, pulls = np.zeros(size, np.int64), np.zeros((size, len(means)), np.int64)
    with np.errstate(over="ignore"):
        play_logged(
            made.request(problem), stream(seed, OUTCOME, 0), stream(seed, POLICY, 0), binary, np.array(means), sd,
            horizon, int(made.burn_in), made.floor_of(len(means)), delay, batch, 0.0, np.zeros(made.memory(problem)), out, cross,
            kept, pulls,
        )  # fmt: skip
    return out, cross, kept, pulls


@pytest.mark.arithmetic
@pytest.mark.parametrize(
    ("policy", "world"),
    [
        ("epsilon-greedy(epsilon=0.2)", {}), ("ucb1(floor=0.05)", {}), ("thompson(floor=0.05)", {"batch": 25}),
        ("epsilon-greedy(epsilon=0.2,burn_in=10)", {"delay": 20}), ("exp3", {}), ("ucb1(floor=[0.1,0.3,0.2])", {}), ("ucb1(floor=0.1)", {"batch": 10, "delay": 15}),
    ],
)  # fmt: skip
def test_the_logged_experiment_is_the_one_that_regret_is_of(policy, world):
    """Pulls of every arm and the arm kept, with the error of both simulations."""
    size = 800
    _, _, kept, pulls = played(policy, size, **world)
    found = bandit(MEANS, [policy], 150, replicates=2000, seed=9, world=world or None).policies[0]
    error = np.hypot(pulls.std(axis=0) / np.sqrt(size), found.pulls_se)
    assert np.all(np.abs(pulls.mean(axis=0) - found.pulls) <= 4 * error)
    right = (kept == 2).mean()
    assert abs(right - found.p_best_arm.value) <= 4 * np.hypot(np.sqrt(0.25 / size), found.p_best_arm.se)
    assert np.all(pulls.sum(axis=1) == 150)


@pytest.mark.arithmetic
@pytest.mark.parametrize("name", [name for name in bandit_names() if policies.get(name)().batched])
def test_every_policy_with_a_floor_has_propensities_that_its_pulls_follow(name):
    """A weighted score is unbiased only by the true propensity: of even weights what is left is simulation error."""
    extra = {"explore-then-commit": "m=20,"}.get(name, "")
    out, _, _, _ = played(f"{name}({extra}floor=0.1)", 150, means=[0.4, 0.6], horizon=60)
    even = METHODS.index("aipw_uniform")
    off = out[:, even, :, 0] - [0.4, 0.6]
    assert np.all(np.abs(off.mean(axis=0)) <= 4 * off.std(axis=0) / np.sqrt(150))


def test_an_even_split_has_the_estimates_of_its_own_log():
    """One replicate of the even split, estimated again through the public functions."""
    found = bandit(MEANS, ["even", "epsilon-greedy"], 300, replicates=50, seed=2)
    even, greedy = inference(found, experiments=400)
    assert even.least == pytest.approx(1 / 3)
    assert greedy.least == pytest.approx(0.1 / 3)
    assert np.all(np.abs(even.coverage.bias[NAIVE]) <= 4 * even.coverage.bias_se[NAIVE])
    # Sampling error of 400 experiments, and what a normal interval loses with 100 answers an arm.
    assert np.all(np.abs(even.coverage.coverage[NAIVE] - LEVEL) <= 4 * np.sqrt(0.09 / 400) + 0.01)
    assert greedy.coverage.bias[NAIVE].min() < -4 * greedy.coverage.bias_se[NAIVE].max()
    assert inference(found, experiments=400, workers=1)[1].coverage.bias.tolist() == greedy.coverage.bias.tolist()


@pytest.mark.arithmetic
def test_the_valid_estimators_cover_where_the_naive_one_is_biased():
    found = bandit([0.5, 0.5], ["thompson(floor=0.02)"], 1000, replicates=50, seed=2, world={"batch": 50})
    (one,) = inference(found, experiments=1000)
    valid = METHODS.index(METHOD)
    assert np.all(np.abs(one.coverage.coverage[valid] - LEVEL) <= 0.03)
    assert np.all(one.coverage.bias[NAIVE] < -8 * one.coverage.bias_se[NAIVE])
    assert np.abs(one.coverage.bias[valid]).max() < np.abs(one.coverage.bias[NAIVE]).max()


def test_decisions_are_what_the_intervals_say():
    out, cross, _, _ = played("epsilon-greedy(epsilon=0.3)", 60)
    right, wrong, undecided = decisions(out, cross, np.array(MEANS))
    apart, error = differences(out, cross)
    z = 1.959963984540054  # 1 - 0.1 / (2 * 2)
    for m in range(5):
        seen = []
        for r in range(60):
            low, high = apart[r, m] - z * error[r, m], apart[r, m] + z * error[r, m]
            better = [k for k in range(2) if low[k] > 0]
            if better:
                seen.append("right" if max(better, key=lambda k: apart[r, m, k]) == 1 else "wrong")
            else:
                seen.append("wrong" if np.all(high < 0) else "undecided")
        for name, row in (("right", right), ("wrong", wrong), ("undecided", undecided)):
            assert row[m] == pytest.approx(seen.count(name) / 60)
    assert right + wrong + undecided == pytest.approx(np.ones(5))


def test_covariances_come_from_the_same_log():
    """`play_logged` hands its log to the estimator that takes logs: one short experiment written down by hand."""
    rng = np.random.default_rng(1)
    arms, chance = rng.integers(0, 2, 40), np.full((40, 2), 0.5)
    rewards = rng.random(40)
    table, cross = estimates(arms, rewards, chance, 0.0), covariances(arms, rewards, chance, 0.0)
    root, two = METHODS.index("aipw_sqrt_e"), METHODS.index(METHOD)
    # With a constant floor (decay 0) the bad case is the good one.
    np.testing.assert_allclose(table[root], table[two], rtol=1e-12)
    whole = summarise(table[None], cross[None], np.array([0.5, 0.5]), 0.9)
    np.testing.assert_allclose(whole.bias, table[..., 0] - 0.5)


@pytest.mark.parametrize(
    ("policy", "world", "said"),
    [
        ("thompson", {}, "give it a floor"), ("thompson(floor=[0.1,0.1,0])", {}, "give it a floor"), ("ucb1", {}, "give it a floor"),
        ("even", {"shift": [(10, [0.1, 0.2, 0.3])]}, "change"), ("even", {"season": (0.1, 20)}, "season"),
        ("even", {"arrives": (0, 0, 5)}, "late"), ("epsilon-greedy(epsilon=0.5,decay=5)", {}, "give it a floor"),
        ("cusum-ucb(floor=0.1)", {}, "floor"),
    ],
)  # fmt: skip
def test_where_nothing_honest_can_be_said_there_is_a_reason(policy, world, said):
    found = bandit(MEANS, [policy], 50, replicates=20, seed=2, world=world or None)
    (one,) = inference(found)
    assert one.coverage is None
    assert said in one.reason
    assert to_json(one) == {"inference": None, "inference_reason": one.reason}
    with pytest.raises(InputError, match="whole number"):
        inference(found, experiments=1)


def test_a_judge_stays_in_the_bias():
    """Sensitivity 0.8 and specificity 0.9: the seen rate is 0.1 + 0.7 p, and no estimator knows."""
    world = {"sensitivity": [0.8], "specificity": [0.9]}
    found = bandit([0.4, 0.6], ["epsilon-greedy(epsilon=0.5)"], 400, replicates=20, seed=2, world=world)
    (one,) = inference(found, experiments=300)
    even = METHODS.index("aipw_uniform")
    expected = 0.1 + 0.7 * np.array([0.4, 0.6]) - [0.4, 0.6]
    assert np.all(np.abs(one.coverage.bias[even] - expected) <= 4 * one.coverage.bias_se[even])


def test_the_command_gives_inference_by_policy():
    asked = ["bandit", "--means", "0.5,0.6", "--policy", "even", "--policy", "ucb1", "--policy", "thompson(floor=0.05)",
             "--horizon", "200", "--replicates", "50", "--batch", "20"]  # fmt: skip
    done = CliRunner().invoke(app, [*asked, "--inference", "60", "--json", "-"])
    assert done.exit_code == 0
    even, ucb1, thompson = json.loads(done.stdout)["policies"]
    assert ucb1["inference"] is None
    assert "floor" in ucb1["inference_reason"]
    told = thompson["inference"]
    assert [one["name"] for one in told["methods"]] == list(METHODS)
    assert [one["valid"] for one in told["methods"]] == [False, False, False, True, True]
    assert even["inference"]["methods"][0]["valid"]
    assert told["verdict"]["method"] == METHOD
    first = told["methods"][METHODS.index(METHOD)]["one_experiment"]
    low, high = first["contrasts"][0]["interval"]
    assert low < first["contrasts"][0]["estimate"] < high
    assert first["contrasts"][0]["estimate"] == pytest.approx(first["estimates"][1] - first["estimates"][0])
    # Two arms need no correction for several contrasts.
    assert told["verdict"]["contrasts"][0]["interval"] == pytest.approx([low, high])
    assert (
        "inference"
        not in json.loads(CliRunner().invoke(app, [*asked, "--inference", "0", "--json", "-"]).stdout)["policies"][0]
    )
    shown = CliRunner().invoke(app, [*asked, "--inference", "60"])
    assert "Weighted AIPW" in shown.output
    bad = CliRunner().invoke(app, [*asked, "--inference", "1"])
    assert bad.exit_code == 2 or "--inference" in str(bad.exception)


def test_each_arm_s_own_floor_is_in_its_propensity():
    """IPW is unbiased by the propensities that were played, and by no others."""
    ipw, size = METHODS.index("ipw"), 600
    out, _, _, pulls = played("thompson(floor=[0.1,0.05])", size, means=[0.4, 0.6], horizon=80, batch=10)
    off = out[:, ipw, :, 0] - [0.4, 0.6]
    assert np.all(np.abs(off.mean(axis=0)) <= 4 * off.std(axis=0) / np.sqrt(size))
    assert np.all(pulls.mean(axis=0) >= 80 * np.array([0.1, 0.05]))
    told = inference(bandit([0.4, 0.6], ["thompson(floor=[0.1,0.05])"], 80, replicates=50, seed=3), experiments=60)[0]
    assert told.least == 0.05
