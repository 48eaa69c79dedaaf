"""GLR-klUCB against a slow oracle of the paper, its false alarms against their level."""

import math
from functools import cache

import numpy as np
import pytest

from expsim_panel import bandit
from expsim_panel.kernels.bits import stream
from expsim_panel.kernels.requests import play_requests
from expsim_panel.kernels.streams import OUTCOME, POLICY
from expsim_panel.policies.glr_kl_ucb import GlrParams, changed
from expsim_panel.policy import Problem
from expsim_panel.policy_names import read_policy


def kl(p, q):
    total = 0.0
    for x, y in ((p, q), (1 - p, 1 - q)):
        if x > 0:
            total += x * math.log(x / y) if y > 0 else math.inf
    return total


LOGS = [0.0, *(k * math.log(k) for k in range(1, 400))]


def likelihood(good, n):
    """Largest log-likelihood of `good` ones of n."""
    return LOGS[good] + LOGS[n - good] - LOGS[n]


def alarm(rewards, delta, every):
    """By likelihoods of counts: s kl(mean of s, mean) + (n - s) kl(mean of the rest, mean) is their difference."""
    n, total, head, best = len(rewards), int(sum(rewards)), 0, -math.inf
    for s in range(1, n):
        head += int(rewards[s - 1])
        if s % every == 0:
            best = max(best, likelihood(head, s) + likelihood(total - head, n - s))
    return best - likelihood(total, n) >= math.log(3 * n * math.sqrt(n) / delta)


@cache
def upper(mean, level):
    low, high = mean, 1.0
    for _ in range(45):
        middle = (low + high) / 2
        low, high = (middle, high) if kl(mean, middle) <= level else (low, middle)
    return low


def slow_glr(means, shift, horizon, rng, explore, delta, every, everywhere):
    arms = len(means[0])
    seen, since, lost = [[] for _ in range(arms)], [0] * arms, 0.0
    for t in range(horizon):
        now = means[int(t >= shift)]
        turn = (t - since[0] if everywhere else t) % int(arms / explore)
        if turn < arms:
            a = turn
        else:
            index = [
                2.0 if not x else upper(sum(x) / len(x), math.log(max(t - since[i], 1)) / len(x))
                for i, x in enumerate(seen)
            ]
            lead = [i for i, value in enumerate(index) if abs(value - max(index)) < 1e-9]
            a = lead[int(rng.integers(len(lead)))]
        seen[a].append(float(rng.random() < now[a]))
        lost += max(now) - now[a]
        if len(seen[a]) % every == 0 and alarm(seen[a], delta, every):
            for i in range(arms):
                if everywhere or i == a:
                    seen[i], since[i] = [], t + 1
    return lost


@pytest.mark.arithmetic
@pytest.mark.parametrize("restart", ["all", "arm"])
def test_glr_plays_like_the_paper(restart):
    means, shift, horizon, size = [[0.9, 0.5], [0.1, 0.5]], 80, 200, 2000
    policy = read_policy(f"glr-kl-ucb(explore=0.2,delta=0.1,every=2,restart={restart})")
    problem, regret = Problem(2, horizon, True), np.zeros(size)
    with np.errstate(over="ignore"):
        play_requests(
            policy.request(problem), stream(1, OUTCOME, 0), stream(1, POLICY, 0), True, np.array(means),
            np.array([0, shift]), horizon, 0, np.zeros(2), np.array([horizon]), np.zeros(policy.memory(problem)),
            np.zeros((size, 2), np.int64), np.zeros(size, np.int64), regret, np.zeros((0, 1)), np.zeros((1, 4)),
        )  # fmt: skip
    rng = np.random.default_rng(6)
    slow = np.array([slow_glr(means, shift, horizon, rng, 0.2, 0.1, 2, restart == "all") for _ in range(300)])
    error = np.hypot(regret.std() / np.sqrt(size), slow.std() / np.sqrt(slow.size))
    assert abs(regret.mean() - slow.mean()) <= 4 * error


@pytest.mark.arithmetic
def test_false_alarms_are_rarer_than_their_level():
    """A constant arm is looked at after each of 300 rewards; the threshold keeps all alarms together below 0.1."""
    rng = np.random.default_rng(2)
    params, size, alarms, slow = GlrParams(True, 0.0, 0.1, 1, True), 400, 0, 0
    for r in range(size):
        rewards = (rng.random(300) < 0.4).astype(float)
        memory = np.zeros((310, 1))
        memory[3:303, 0] = np.cumsum(rewards)
        hit = False
        for n in range(1, 301):
            memory[0, 0], memory[1, 0] = n, rewards[:n].sum()
            hit = hit or changed(params, 0, memory)
        alarms += hit
        if r < 5:
            slow += any(alarm(rewards[:n], 0.1, 1) for n in range(1, 301)) == hit
    assert alarms / size <= 0.1
    assert slow == 5


def test_a_change_is_noticed():
    params, rewards = GlrParams(True, 0.0, 0.01, 1, True), np.r_[np.ones(40), np.zeros(40)]
    memory = np.zeros((90, 1))
    memory[3:83, 0] = np.cumsum(rewards)
    first = 0
    for n in range(1, 81):
        memory[0, 0], memory[1, 0] = n, rewards[:n].sum()
        assert changed(params, 0, memory) == alarm(rewards[:n], 0.01, 1)
        if changed(params, 0, memory) and not first:
            first = n
    assert 40 < first < 50


def test_a_long_horizon_with_dense_tests_is_one_line():
    with pytest.raises(ValueError, match="every") as caught:
        bandit([0.1, 0.2], ["glr-kl-ucb(every=1)"], 100_000_000, replicates=1)
    assert "\n" not in str(caught.value)
