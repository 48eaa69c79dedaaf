"""What every bandit policy must do: draws with the law of its shares, exact regret met, floor and burn-in kept."""

import numpy as np
import pytest

from expsim_panel import bandit
from expsim_panel.bandits import BLOCK, PATHS
from expsim_panel.errors import InputError
from expsim_panel.kernels.bits import stream
from expsim_panel.kernels.requests import play_requests
from expsim_panel.kernels.streams import OUTCOME, POLICY
from expsim_panel.per_request import PER_REQUEST
from expsim_panel.policy import Problem, policies
from expsim_panel.policy_names import bandit_names, canonical, read_policy

NAMES = bandit_names()
MARKOV = [name for name in NAMES if policies.get(name).markov]
SHORT = {"explore-then-commit": "explore-then-commit(m=4)"}


def sized(name, horizon):
    window = "window" in policies.get(name).fields()
    return SHORT.get(name, f"{name}(window={max(2, horizon // 4)})" if window else name)


def test_names_known_without_import_are_those_of_the_classes():
    assert frozenset(name for name in policies.names() if not policies.get(name).batched) == PER_REQUEST


@pytest.mark.arithmetic
@pytest.mark.parametrize("name", MARKOV)
def test_simulated_regret_is_the_enumerated_one(name):
    """The enumeration uses the policy's shares, the simulation its fast selection: neither knows the other."""
    found = bandit([0.3, 0.55], [SHORT.get(name, name)], 24, replicates=40_000, seed=4).policies[0]
    for figure in (found.regret, found.simple_regret, found.p_best_arm):
        assert abs(figure.value - figure.exact) <= 4 * max(figure.se, 1e-12)


@pytest.mark.arithmetic
@pytest.mark.parametrize("name", ["ucb1", "kl-ucb", "epsilon-greedy", "moss", "imed", "lucb", "bayes-ucb"])
def test_three_arms_meet_the_enumeration_too(name):
    found = bandit([0.3, 0.55, 0.5], [name], 12, replicates=40_000, seed=4).policies[0]
    assert abs(found.regret.value - found.regret.exact) <= 4 * found.regret.se


@pytest.mark.parametrize("family", ["bernoulli", "gaussian"])
@pytest.mark.parametrize("name", NAMES)
def test_pulls_add_up_and_figures_are_sound(name, family):
    if name in ("exp3", "dirichlet-thompson") and family == "gaussian":
        with pytest.raises(InputError, match="needs rewards"):
            bandit([0.1, 0.9], [name], 100, family=family)
        return
    found = bandit([0.2, 0.5, 0.45], [sized(name, 200)], 200, family=family, replicates=200, seed=4)
    one = found.policies[0]
    assert one.pulls.sum() == pytest.approx(200)
    assert 0 <= one.regret.value <= 200 * 0.3
    assert one.regret.value == pytest.approx(one.pulls @ [0.3, 0.0, 0.05])
    assert one.regret_over_time[-1] == pytest.approx(one.regret.value)
    assert np.all(np.diff(one.regret_over_time) >= -1e-9)
    np.testing.assert_allclose(one.traffic.sum(axis=1), 1.0)
    assert one.tail_regret.value >= one.regret.value


@pytest.mark.parametrize("name", [name for name in NAMES if name != "exp3"])
def test_floor_and_burn_in_are_kept(name):
    asked = sized(name, 400)
    inside = "floor=0.2,burn_in=20"
    asked = f"{asked[:-1]},{inside})" if asked.endswith(")") else f"{asked}({inside})"
    found = bandit([0.0, 1.0], [asked], 400, replicates=300, seed=4).policies[0]
    # 20 forced pulls of each arm, then a coin of 0.2 for each of 360 requests.
    least = 20 + 0.2 * 360
    assert found.pulls.min() >= least - 4 * np.sqrt(360 * 0.2 * 0.8 / 300)


def test_digest_depends_on_the_seed_and_on_nothing_else():
    asked = {"means": [0.1, 0.2, 0.3], "horizon": 300, "replicates": 2500}
    one = bandit(policies=["thompson", "ucb1"], workers=1, **asked)
    two = bandit(policies=["thompson", "ucb1"], workers=3, **asked)
    assert one.digest == two.digest
    alone = bandit(policies=["ucb1"], **asked)
    np.testing.assert_array_equal(alone["ucb1"].final, one["ucb1"].final)
    other = bandit(policies=["thompson", "ucb1"], seed=2, **asked)
    assert not np.array_equal(other["ucb1"].final, one["ucb1"].final)
    assert other.digest != one.digest
    same = bandit(policies=["ucb1(c=2)"], **asked).policies[0]
    assert same.name == "ucb1(c=2)"
    np.testing.assert_array_equal(same.final, one["ucb1"].final)


def test_memory_does_not_grow_with_the_horizon():
    found = bandit([0.4, 0.6], ["moss"], 200_000, replicates=BLOCK, seed=1).policies[0]
    assert found.regret_over_time.size <= 200
    assert PATHS == 10 * BLOCK


@pytest.mark.parametrize("name", NAMES)
def test_names_are_read_back(name):
    assert canonical(read_policy(name)) == name
    changed = read_policy(f" {name} ( burn_in = 3 ) ")
    assert canonical(changed) == f"{name}(burn_in=3)"


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("ucb", "did you mean 'ucb1'"),
        ("kl-ucb(d=3)", "unknown key 'd'"),
        ("kl-ucb(c=3", "is no policy"),
        ("kl-ucb(c)", "no parameter=value"),
        ("kl-ucb(c=1,c=2)", "stands twice"),
        ("kl-ucb(c=nan)", "not a finite number"),
        ("epsilon-greedy(epsilon=1.5)", "give a share from 0 to 1"),
        ("epsilon-greedy(start=non)", "did you mean 'none'"),
        ("split", "no bandit policy"),
        ("thompson(floor=0.4)", "floor"),
        ("sliding-window-ucb(window=101)", "at most the horizon"),
    ],
)
def test_wrong_policies_get_one_line(text, words):
    with pytest.raises(InputError, match=words) as caught:
        bandit([0.1, 0.9, 0.5], [text], 100)
    assert "\n" not in str(caught.value)


@pytest.mark.arithmetic
def test_forgetting_policies_follow_a_shift():
    """The best arm turns bad half-way; its long good past then misleads whatever does not forget."""
    means = np.array([[0.9, 0.5], [0.1, 0.5]])
    horizon, lost = 4000, {}
    for text in ("ucb1", "sliding-window-ucb(window=500)", "discounted-ucb(gamma=0.998)", "cusum-ucb", "glr-kl-ucb", "thompson",
                 "sliding-window-thompson(window=500)", "discounted-thompson(gamma=0.998)"):  # fmt: skip
        policy, problem, size = read_policy(text), Problem(2, horizon, True), 200
        regret = np.zeros(size)
        with np.errstate(over="ignore"):
            play_requests(
                policy.request(problem), stream(1, OUTCOME, 0), stream(1, POLICY, 0), True, means,
                np.array([0, 2000]), horizon, 0, np.zeros(2), np.array([horizon]), np.zeros(policy.memory(problem)),
                np.zeros((size, 2), np.int64), np.zeros(size, np.int64), regret, np.zeros((0, 1)), np.zeros((1, 4)),
            )  # fmt: skip
        lost[policy.kind] = regret.mean()
    for kind in ("sliding-window-ucb", "discounted-ucb", "cusum-ucb", "glr-kl-ucb"):
        assert lost[kind] < 0.5 * lost["ucb1"]
    for kind in ("sliding-window-thompson", "discounted-thompson"):
        assert lost[kind] < 0.5 * lost["thompson"]


def test_an_exploration_longer_than_the_horizon_is_an_even_split():
    for found in bandit([0.3, 0.5], ["explore-then-commit(m=1000)", "ucb1(burn_in=500)"], 100, replicates=100).policies:
        np.testing.assert_array_equal(found.pulls, [50.0, 50.0])
        assert found.regret.value == pytest.approx(10.0)
