"""Worlds of a bandit: an oracle request by request, exact answers where they exist, batches against requests, bad input."""

import json
import math

import numpy as np
import pytest

from expsim_panel import bandit
from expsim_panel.__main__ import main
from expsim_panel.bandit_law import evaluation, law_of
from expsim_panel.bandit_runs import Run, checkpoints
from expsim_panel.bandit_worlds import BanditWorld, read_world
from expsim_panel.bandits import FIRST_PICTURE, progressive
from expsim_panel.errors import InputError
from expsim_panel.kernels.bits import normal, stream
from expsim_panel.kernels.streams import OUTCOME, POLICY, generator
from expsim_panel.policy import Problem
from expsim_panel.policy_names import read_policy

MEANS, HORIZON = np.array([0.3, 0.5, 0.6]), 90
WORLDS = {
    "plain, with costs": {"cost": (0.01, 0.2, 0.3), "value_per_point": 2.0},
    "delay": {"delay": 13},
    "batch": {"batch": 7},
    "batch and delay": {"batch": 7, "delay": 10},
    "shifts": {"shift": ((20, (0.9, 0.2, 0.1)), (55, (0.1, 0.2, 0.9)))},
    "drift": {"drift": (0.6, 0.0, -0.5)},
    "season": {"season": (0.25, 30)},
    "late arms": {"arrives": (25, 60, 0)},
    "judge": {"sensitivity": (0.9, 0.8, 0.7), "specificity": (0.8,)},
    "everything": {
        "delay": 5, "batch": 4, "shift": ((41, (0.5, 0.3, 0.4)),), "drift": (0.1, 0.1, -0.1), "season": (0.1, 11),
        "arrives": (0, 30, 6), "cost": (0.1,), "sensitivity": (0.9,), "specificity": (0.95,), "population": 500,
    },
}  # fmt: skip


def runs_of(name, world, family="bernoulli", replicates=40, horizon=HORIZON, means=MEANS):
    made = read_world(world, means, horizon, family)
    problem = Problem(means.size, horizon, family == "bernoulli", made.batch > 1 or made.delay > 0, True)
    return Run(means, problem, read_policy(name), name, replicates, 3, checkpoints(horizon, made.batch), made)


class Oracle:
    """The loop as one would explain it: who is there, what is known, choose, draw; nothing is kept but the log."""

    def __init__(self, run, family):
        self.world, self.family, self.horizon = run.world, family, run.problem.horizon
        self.arms = run.means.size
        self.arrives = np.array(self.world.arrives or (0,) * self.arms)
        self.order = sorted(range(self.arms), key=lambda a: (self.arrives[a], a))
        self.choices = generator(run.seed, POLICY, 0, run.lane)
        self.outcomes = generator(run.seed, OUTCOME, 0, run.lane)
        self.bits = stream(run.seed, OUTCOME, 0, run.lane)
        self.means = run.means

    def truth(self, arm, t):
        rows = [self.means, *(row for at, row in self.world.shift if at <= t)]
        drift = self.world.drift[arm] if self.world.drift else 0.0
        return rows[-1][arm] + drift * t / self.horizon

    def net(self, arm, t):
        cost = self.world.cost or (0.0,)
        return self.world.value_per_point * self.truth(arm, t) - cost[arm if len(cost) > 1 else 0]

    def level(self, t):
        if self.world.season is None:
            return 0.0
        amplitude, period = self.world.season
        return amplitude * math.sin(2 * math.pi * (t % period) / period)

    def reward(self, arm, t):
        mean = self.truth(arm, t) + self.level(t)
        offset, gain, sd = evaluation(self.world, self.arms, self.family)
        seen = offset[arm] + gain[arm] * mean
        if self.family == "bernoulli":
            return float(self.outcomes.random() < seen)
        return seen + sd * normal(self.bits)

    def index(self, known, arm):
        rewards = [reward for a, reward in known if a == arm]
        if not rewards:
            return math.inf
        n = float(len(rewards))
        return sum(rewards) * (1 / n) + math.sqrt(2.0 * math.log(float(len(known)))) * (1 / math.sqrt(n))

    def pick(self, values, arms):
        best = [arm for arm, value in zip(arms, values, strict=True) if value == max(values)]
        return best[int(self.choices.random() * len(best))] if len(best) > 1 else best[0]

    def play(self, name):
        log, lost, missed, earned = [], 0.0, 0.0, 0.0
        for t in range(self.horizon):
            asked = t - t % self.world.batch
            there = [a for a in self.order if self.arrives[a] <= asked]
            known = log[: max(asked - self.world.delay, 0)]
            if len(there) == 1:
                arm = there[0]
            elif name == "even":
                arm = there[int(self.choices.random() * len(there))]
            else:
                arm = self.pick([self.index(known, a) for a in there], there)
            now = [a for a in range(self.arms) if self.arrives[a] <= t]
            lost += max(self.truth(a, t) for a in now) - self.truth(arm, t)
            missed += max(self.net(a, t) for a in now) - self.net(arm, t)
            earned += self.net(arm, t) + self.world.value_per_point * self.level(t)
            log.append((arm, self.reward(arm, t)))
        tried = [[reward for a, reward in log if a == arm] for arm in there]
        final = [sum(one) / len(one) if one else -math.inf for one in tried]
        best = [a for a, value in zip(there, final, strict=True) if value == max(final)]
        kept = best[int(self.choices.random() * len(best))]
        return [a for a, _ in log], kept, lost, missed, earned


@pytest.mark.arithmetic
@pytest.mark.parametrize("policy", ["even", "ucb1"])
@pytest.mark.parametrize("name", WORLDS)
def test_the_loop_is_the_oracle_with_the_same_uniforms(name, policy):
    run = runs_of(policy, WORLDS[name])
    run._worldly(0, slice(0, 40))
    oracle = Oracle(run, "bernoulli")
    for r in range(40):
        pulled, kept, lost, missed, earned = oracle.play(policy)
        np.testing.assert_array_equal(run.pulls[r], np.bincount(pulled, minlength=3))
        assert run.chosen[r] == kept
        np.testing.assert_allclose(run.regret[r], lost, rtol=0, atol=1e-9)
        np.testing.assert_allclose(run.money[r], [missed, earned], rtol=0, atol=1e-9)


@pytest.mark.arithmetic
def test_normal_rewards_are_the_oracle_too():
    world = {"judge_bias": (0.3, 0.0, -0.2), "judge_noise": 0.7, "delay": 4, "season": (3.0, 20), "drift": (1, 0, 0)}
    run = runs_of("ucb1", world, "gaussian", replicates=20)
    run.block(0)
    oracle = Oracle(run, "gaussian")
    for r in range(20):
        pulled, kept, lost, *_ = oracle.play("ucb1")
        np.testing.assert_array_equal(run.pulls[r], np.bincount(pulled, minlength=3))
        assert run.chosen[r] == kept
        np.testing.assert_allclose(run.regret[r], lost, rtol=0, atol=1e-9)


@pytest.mark.parametrize(
    "name", ["thompson(burn_in=1)", "epsilon-greedy(floor=0.1,burn_in=3)", "sliding-window-ucb(window=20)"]
)
def test_a_plain_world_gives_the_classic_bits(name):
    """The same price for every arm asks for the general loop and changes nothing but the money.

    Thompson and UCB1 alone have loops of many lanes, whose draws are others.
    """
    plain = bandit(MEANS, [name], HORIZON, replicates=300, seed=3).policies[0]
    run = runs_of(name, {"cost": 0.25}, replicates=300)
    assert not run.in_batches
    run.block(0)
    other = run.result()
    for key in ("final", "pulls", "traffic", "regret_over_time", "band"):
        np.testing.assert_array_equal(getattr(plain, key), getattr(other, key))
    assert plain.simple_regret == other.simple_regret
    np.testing.assert_allclose(other.money.final, plain.money.final, atol=1e-9)
    assert other.money.cost.value == pytest.approx(0.25 * HORIZON)


@pytest.mark.arithmetic
@pytest.mark.parametrize("name", ["ucb1", "thompson", "epsilon-greedy(epsilon=0.2)"])
def test_a_judge_meets_the_exact_regret(name):
    """The enumeration sees rewards with the judge's rates and counts the gaps of the truth."""
    world = {"sensitivity": (0.9, 0.7), "specificity": 0.8}
    one = bandit([0.3, 0.55], [name], 20, replicates=40_000, seed=4, world=world).policies[0]
    assert one.regret.exact is not None
    for figure in (one.regret, one.simple_regret, one.p_best_arm):
        assert abs(figure.value - figure.exact) <= 4 * figure.se
    other = bandit([0.3, 0.55], [name], 20, replicates=1000, seed=4).policies[0]
    assert other.regret.exact < one.regret.exact


@pytest.mark.arithmetic
def test_knowing_nothing_is_an_even_split():
    """With one batch for all requests, or rewards that come with the last one, every policy splits evenly: exact."""
    for world in ({"batch": 60}, {"delay": 59}):
        for one in bandit([0.2, 0.6], ["ucb1", "thompson"], 60, replicates=4000, seed=2, world=world).policies:
            assert abs(one.regret.value - 60 * 0.4 / 2) <= 4 * one.regret.se
            assert abs(one.pulls[0] - 30) <= 4 * one.pulls_se[0]


@pytest.mark.arithmetic
def test_two_batches_have_a_closed_form():
    """Half of the requests evenly, the rest by the leader of the first half: epsilon-greedy with epsilon 0, summed
    over both binomial laws."""
    from scipy import stats

    half, p, q = 6, 0.3, 0.6
    ahead = 0.0
    for n in range(half + 1):
        split = stats.binom.pmf(n, half, 0.5)
        if n == 0 or n == half:
            # The arm without a reward comes first.
            ahead += split * (1.0 if n == half else 0.0)
            continue
        for x in range(n + 1):
            for y in range(half - n + 1):
                mass = split * stats.binom.pmf(x, n, p) * stats.binom.pmf(y, half - n, q)
                a, b = x / n, y / (half - n)
                ahead += mass * (1.0 if b > a else 0.5 if b == a else 0.0)
    world = {"batch": half}
    for name in ("epsilon-greedy(epsilon=0)",):
        run = runs_of(name, world, replicates=20_000, horizon=2 * half, means=np.array([p, q]))
        for block in range(20):
            run.block(block)
        found = run.result()
        assert abs(found.pulls[1] - (half / 2 + half * ahead)) <= 4 * found.pulls_se[1]


BATCHED = ["ucb1", "thompson", "epsilon-greedy(burn_in=9)", "explore-then-commit(m=30)", "kl-ucb(floor=0.1)"]


@pytest.mark.arithmetic
@pytest.mark.parametrize("family", ["bernoulli", "gaussian"])
@pytest.mark.parametrize("name", BATCHED)
def test_sums_by_batch_have_the_law_of_requests(name, family, monkeypatch):
    world = {"batch": 25, "delay": 25, "shift": ((110, (0.7, 0.5, 0.4)),), "arrives": (0, 0, 60), "cost": (0.1, 0, 0)}
    found = []
    for fast in (True, False):
        monkeypatch.setattr(Run, "in_batches", fast)
        run = runs_of(name, world, family, replicates=4000, horizon=240)
        for block in range(4):
            run.block(block)
        found.append(run.result())
    fast, slow = found
    for a in range(3):
        assert abs(fast.pulls[a] - slow.pulls[a]) <= 4 * math.hypot(fast.pulls_se[a], slow.pulls_se[a]) + 1e-9
    for key in ("regret", "simple_regret"):
        one, two = getattr(fast, key), getattr(slow, key)
        assert abs(one.value - two.value) <= 4 * math.hypot(one.se, two.se) + 1e-9
    assert abs(fast.regret.quantiles["0.95"] - slow.regret.quantiles["0.95"]) <= 0.1 * slow.regret.value
    one, two = fast.money.earned, slow.money.earned
    assert abs(one.value - two.value) <= 4 * math.hypot(one.se, two.se)
    middle = np.searchsorted(fast.regret_over_time, fast.regret_over_time[-1] / 2)
    error = math.hypot(fast.regret_se[middle], slow.regret_se[middle])
    assert abs(fast.regret_over_time[middle] - slow.regret_over_time[middle]) <= 4 * error


def test_a_common_season_leaves_gaps_alone():
    """A level that moves far more than the contrast changes neither gaps nor Lai-Robbins' absence of an answer."""
    world = {"season": (5.0, 300)}
    found = bandit([0.0, 0.2], ["even", "ucb1"], 1000, family="gaussian", replicates=500, world=world)
    assert abs(found["even"].regret.value - 100.0) <= 4 * found["even"].regret.se
    assert math.isnan(found.lai_robbins)
    assert "does not change" in found.lai_robbins_reason


def test_a_bias_makes_the_wrong_arm_look_best():
    world = {"judge_bias": (0.0, 0.6), "judge_noise": 0.5}
    found = bandit([0.3, 0.0], ["ucb1"], 2000, family="gaussian", replicates=300, world=world)
    one = found.policies[0]
    assert one.p_best_arm.value < 0.1
    assert one.regret.value > 0.6 * 2000 * 0.3
    assert "rank the arms wrongly" in found.lai_robbins_reason


def test_noise_stretches_the_lower_bound():
    plain = bandit([0.0, 0.5], ["even"], 10, family="gaussian", replicates=2)
    noisy = bandit([0.0, 0.5], ["even"], 10, family="gaussian", replicates=2, world={"judge_noise": 1.0, "delay": 3})
    assert noisy.lai_robbins == pytest.approx(2.0 * plain.lai_robbins)


def test_dollars_add_up():
    world = {"cost": (0.5, 0.1), "value_per_point": 3.0, "population": 1000}
    one = bandit([0.5, 0.4], ["even"], 200, replicates=2000, world=world).policies[0]
    # Net values 1.0 and 1.1: the arm with fewer points is worth more.
    np.testing.assert_allclose(one.money.final, 0.1 * (200 - one.final / 0.1))
    assert one.money.cost.value == pytest.approx(one.pulls @ [0.5, 0.1])
    assert one.money.earned.value == pytest.approx(200 * 1.1 - one.money.regret.value)
    kept_best = one.p_best_arm.value
    assert one.money.total_value.value == pytest.approx(one.money.earned.value + 800 * (1.1 - 0.1 * kept_best))
    assert one.money.total_regret.value == pytest.approx(one.money.regret.value + 800 * 0.1 * kept_best)
    assert one.money.band[1, -1] == pytest.approx(np.median(one.money.final))


def test_windows_and_weights_learn_late_rewards_in_turn():
    world = {"batch": 10}
    names = ["sliding-window-ucb(window=50)", "discounted-thompson", "cusum-ucb", "exp3"]
    for one in bandit(MEANS, names, 400, replicates=200, world=world).policies:
        assert one.pulls.sum() == pytest.approx(400)
        assert one.regret.value < 400 * np.mean(0.6 - MEANS)


def test_memory_is_that_of_what_is_under_way():
    made = law_of(read_world({"season": (0.1, 50)}, MEANS, 10**7, "bernoulli"), MEANS, 10**7, "bernoulli")
    assert sum(np.size(part) for part in made.kernel) < 100
    assert checkpoints(10**7, 1000).size <= 200
    assert set(checkpoints(1050, 100).tolist()) == {*range(100, 1100, 100), 1050}


def test_partial_results_are_the_first_replicates():
    asked = {"policies": ["even", "ucb1", "epsilon-greedy"], "horizon": 200, "replicates": 2300, "seed": 6}
    steps = list(progressive(MEANS, **asked))
    assert [steps[0].replicates, steps[0].complete] == [FIRST_PICTURE, False]
    assert [steps[-1].replicates, steps[-1].complete] == [2300, True]
    whole = bandit(MEANS, **asked)
    assert whole.digest == steps[-1].digest
    for first, last in zip(steps[0].policies, whole.policies, strict=True):
        np.testing.assert_array_equal(first.final, last.final[:FIRST_PICTURE])
        assert first.regret.value == pytest.approx(last.final[:FIRST_PICTURE].mean())
        assert first.regret_over_time[-1] == pytest.approx(first.regret.value)
    seen = []
    bandit(MEANS, **asked, partial=seen.append)
    assert seen[0].replicates == FIRST_PICTURE


def test_closing_the_generator_stops_the_work():
    steps = progressive(MEANS, ["even"], 10_000, replicates=500_000)
    assert next(steps).replicates == FIRST_PICTURE
    steps.close()
    with pytest.raises(InputError, match="below the horizon"):
        progressive(MEANS, ["even"], 100, world={"delay": 100})


@pytest.mark.parametrize(
    ("world", "words"),
    [
        ({"delay": 100}, "below the horizon"),
        ({"delay": -1}, "below the horizon"),
        ({"delay": 1.5}, "whole number"),
        ({"batch": 0}, "from 1 to the horizon"),
        ({"batch": 101}, "from 1 to the horizon"),
        ({"dealy": 3}, "did you mean 'delay'"),
        ({"drift": (0.1,)}, "1 number for 2 arms"),
        ({"drift": (0.1, 0.2, 0.3)}, "3 numbers for 2 arms"),
        ({"drift": (1.0, 0.0)}, "success rate of 1.0"),
        ({"season": (0.5, 20)}, "success rate of -0.4"),
        ({"season": 0.5}, "amplitude"),
        ({"shift": ((100, (0.1, 0.2)),)}, "below the horizon"),
        ({"shift": ((50, (0.1, 0.2)), (20, (0.1, 0.2)))}, "in order"),
        ({"shift": ((50, (0.1, 1.2)),)}, "success rate of 1.2"),
        ({"shift": "50:1,2"}, "no list of shifts"),
        ({"arrives": (5, 9)}, "from request 0"),
        ({"arrives": (0, 100)}, "below the horizon"),
        ({"cost": -0.1}, "at least 0"),
        ({"cost": (0.1, math.nan)}, "finite"),
        ({"sensitivity": 1.1}, "from 0 to 1"),
        ({"judge_bias": (0.0, 0.1)}, "sensitivity and specificity"),
        ({"judge_noise": -1.0}, "at least 0"),
        ({"population": 99}, "at least the horizon"),
        ({"value_per_point": "x"}, "finite number"),
        (7, "no world"),
    ],
)
def test_wrong_worlds_get_one_line(world, words):
    with pytest.raises(InputError, match=words) as caught:
        bandit([0.1, 0.9], ["even"], 100, world=world)
    assert "\n" not in str(caught.value)


def test_wrong_pairs_get_one_line():
    with pytest.raises(InputError, match="which a delay forgets"):
        bandit([0.1, 0.9], ["exp3"], 100, world={"delay": 3})
    with pytest.raises(InputError, match="judge_bias and judge_noise"):
        bandit([0.1, 0.9], ["even"], 100, family="gaussian", world={"sensitivity": 0.9})
    assert BanditWorld() == read_world(None, MEANS, 10, "bernoulli")


def test_one_line_asks_for_a_world(capsys):
    words = (
        "bandit --means 0.3,0.5 --policy even --horizon 200 --replicates 50 --delay 100 --batch 50 --shift 90:0.5,0.3"
    )
    words += " --shift 120:0.2,0.3 --drift 0.1,-0.1 --season 0.1:40 --sensitivity 0.9 --specificity 0.8,0.7 --json -"
    words += " --cost 0.01,0.02 --arrives 0,20 --value-per-point 2 --population 1000"
    assert main(words.split()) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["world"]["shift"] == [[90, [0.5, 0.3]], [120, [0.2, 0.3]]]
    assert found["world"]["delay"] == 100
    assert found["lai_robbins"] is None
    assert found["lai_robbins_reason"]
    one = found["policies"][0]
    for key in ("regret_usd", "tail_regret_usd", "cost", "value", "total_value", "total_regret_usd"):
        assert isinstance(one[key]["value"], float)
    assert len(one["regret_usd_over_time"]["value"]) == len(found["checkpoints"])
    words = "bandit --means 0.3,0.5 --policy even --horizon 200 --replicates 50 --population 900"
    assert main(words.split()) == 0
    assert "Dollars" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("flags", "words"),
    [
        ("--delay 1000", "[--delay]"),
        ("--shift x:1,2", "[--shift]"),
        ("--season 5", "[--season]"),
        ("--judge-noise -1 --family gaussian", "[--judge-noise]"),
        ("--arrives 5,5", "[--arrives]"),
    ],
)
def test_wrong_flags_get_one_line(flags, words, capsys):
    assert main(f"bandit --means 0.3,0.5 --policy even --horizon 100 {flags}".split()) == 2
    said = capsys.readouterr().err
    assert words in said
    assert said.count("\n") == 1
