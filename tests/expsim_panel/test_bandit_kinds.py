"""Policies for segments, duels, budgets, guardrails and ratings, against slow oracles and exact values.

The oracles are written from the papers, request by request, with NumPy's generator and SciPy; they share
nothing with the kernels.
"""

import json
import math

import numpy as np
import pytest
from scipy import optimize, stats

from expsim_panel import bandit
from expsim_panel.__main__ import main
from expsim_panel.duelling import duel, from_strengths, lower_bound, preferences
from expsim_panel.errors import InputError
from expsim_panel.kernels.contextual import predict, start_inverse, take_reward
from expsim_panel.metered_bandits import metered_bandit
from expsim_panel.metered_world import divergence_to, metered_world
from expsim_panel.segment_bandits import segment_bandit

SIZE = 500


def agree(fast, slow):
    """Means within four standard errors of their difference."""
    slow = np.asarray(slow, float)
    assert abs(fast.value - slow.mean()) <= 4 * np.hypot(fast.se, slow.std(ddof=1) / np.sqrt(slow.size))


def top(values, rng):
    return int(rng.choice(np.flatnonzero(np.asarray(values) == np.max(values))))


# Segments


def slow_linear(kind, shares, means, features, horizon, rng, alpha=1.0):
    arms, width = means.shape[1], features.shape[1]
    A = [np.eye(width) for _ in range(arms)]
    b = [np.zeros(width) for _ in range(arms)]
    lost = 0.0
    for _ in range(horizon):
        k = rng.choice(len(shares), p=shares)
        x = features[k]
        if kind == "lin-ucb":
            value = [
                x @ np.linalg.solve(A[a], b[a]) + alpha * math.sqrt(x @ np.linalg.solve(A[a], x)) for a in range(arms)
            ]
            # Equal data give equal indices up to rounding, which is no tie-breaker.
            value = np.round(value, 12)
        else:
            inverse = [np.linalg.inv(A[a]) for a in range(arms)]
            value = [
                x @ rng.multivariate_normal(inverse[a] @ b[a], 0.25 * inverse[a], method="cholesky")
                for a in range(arms)
            ]
        a = top(value, rng)
        reward = float(rng.random() < means[k, a])
        A[a] += np.outer(x, x)
        b[a] += reward * x
        lost += means[k].max() - means[k, a]
    return lost


@pytest.mark.arithmetic
@pytest.mark.parametrize("kind", ["lin-ucb", "lin-thompson"])
def test_linear_policies_play_like_the_papers(kind):
    shares, means = np.array([0.5, 0.3, 0.2]), np.array([[0.2, 0.7], [0.6, 0.3], [0.5, 0.5]])
    features = np.array([[1.0, 0.0], [0.2, 1.0], [0.5, 0.5]])
    found = segment_bandit(shares, means, [kind], 60, features=features, replicates=4000, seed=5)[kind]
    rng = np.random.default_rng(8)
    agree(found.regret, [slow_linear(kind, shares, means, features, 60, rng) for _ in range(SIZE)])


def test_the_rank_one_update_is_the_inverse():
    rng = np.random.default_rng(3)
    width, arms = 4, 3
    memory = np.zeros((arms * (width + 2), width))
    start_inverse(0.5, arms, width, memory)
    A, b = 0.5 * np.eye(width), np.zeros(width)
    for _ in range(500):
        x, reward = rng.normal(size=width), rng.normal()
        take_reward(1, reward, x, memory)
        A += np.outer(x, x)
        b += reward * x
    x = rng.normal(size=width)
    mean, square = predict(1, x, memory)
    assert mean == pytest.approx(x @ np.linalg.solve(A, b), abs=1e-10)
    assert square == pytest.approx(x @ np.linalg.solve(A, x), abs=1e-12)
    assert predict(0, x, memory) == pytest.approx((0.0, x @ x / 0.5))


def test_a_context_blind_policy_plays_the_average_problem():
    """Blind to segments, arm a is a Bernoulli arm with its average mean: pulls, and so regret, have that law."""
    shares, means = [0.6, 0.4], [[0.1, 0.5], [0.4, 0.2]]
    found = segment_bandit(shares, means, ["ucb1", "lin-ucb"], 60, replicates=20_000, seed=2)
    flat = np.array(shares) @ np.array(means)
    exact = bandit(flat.tolist(), ["ucb1"], 60, replicates=10).policies[0].regret.exact
    blind = found["ucb1"]
    assert abs(blind.blind_regret.value - exact) <= 4 * blind.blind_regret.se
    assert abs(blind.regret.value - exact - 60 * found.blind_loss) <= 4 * blind.regret.se
    assert found.blind_loss == pytest.approx(0.6 * 0.5 + 0.4 * 0.4 - flat.max())
    assert not blind.sees_context
    assert found["lin-ucb"].blind_regret.value < 0


# Duels


def slow_rucb(P, T, horizon, rng, alpha=0.51):
    arms, w, B, lost = len(P), np.zeros((len(P), len(P))), set(), 0.0
    for t in range(1, horizon + 1):
        n = w + w.T
        with np.errstate(divide="ignore", invalid="ignore"):
            u = np.where(n > 0, w / n + np.sqrt(alpha * math.log(t) / n), 2.0)
        np.fill_diagonal(u, 0.5)
        C = [i for i in range(arms) if (u[i] >= 0.5).all()]
        if not C:
            c = int(rng.integers(arms))
        B &= set(C)
        if len(C) == 1:
            B = set(C)
            c = C[0]
        elif len(C) > 1:
            others = [i for i in C if i not in B]
            chance = {i: 0.5 if i in B else 1 / (2 ** len(B) * len(others)) for i in C}
            c = int(rng.choice(C, p=[chance[i] for i in C]))
        best = [j for j in range(arms) if u[j, c] == u[:, c].max()]
        if len(best) > 1:
            best = [j for j in best if j != c]
        d = int(rng.choice(best))
        lost += slow_duel(P, T, w, c, d, rng)
    return lost


def slow_double(P, T, horizon, rng, alpha=0.51):
    arms, w, lost = len(P), np.zeros((len(P), len(P))), 0.0
    for t in range(1, horizon + 1):
        n = w + w.T
        with np.errstate(divide="ignore", invalid="ignore"):
            u = np.where(n > 0, w / n + np.sqrt(alpha * math.log(t) / n), 2.0)
            low = np.where(n > 0, w / n - np.sqrt(alpha * math.log(t) / n), 0.0)
        np.fill_diagonal(u, 0.5)
        np.fill_diagonal(low, 0.5)
        copeland = (u > 0.5).sum(axis=1)
        C = np.flatnonzero(copeland == copeland.max())
        theta = np.full((arms, arms), 0.5)
        for i in range(arms):
            for j in range(i + 1, arms):
                theta[i, j] = rng.beta(w[i, j] + 1, w[j, i] + 1)
                theta[j, i] = 1 - theta[i, j]
        score = np.full(arms, -1)
        score[C] = (theta > 0.5).sum(axis=1)[C]
        a = top(score, rng)
        second = np.array([0.5 if i == a else rng.beta(w[i, a] + 1, w[a, i] + 1) for i in range(arms)])
        second[low[:, a] > 0.5] = -1.0
        lost += slow_duel(P, T, w, a, top(second, rng), rng)
    return lost


def slow_duel(P, T, w, i, j, rng):
    if i != j:
        u = rng.random()
        half = u < P[i, j] + T[i, j]
        share = 1.0 if u < P[i, j] else 0.5 if half else 0.0
        w[i, j] += share
        w[j, i] += 1 - share
    score = P + T / 2
    return (score[0, i] + score[0, j]) / 2 - 0.5


@pytest.mark.arithmetic
@pytest.mark.parametrize(("kind", "slow"), [("rucb", slow_rucb), ("double-thompson", slow_double)])
@pytest.mark.parametrize("tie", [0.0, 0.8])
def test_duelling_policies_play_like_the_papers(kind, slow, tie):
    world = from_strengths([1.2, 0.5, 0.0], tie)
    found = duel(world, [kind], 60, replicates=4000, seed=4)[kind]
    rng = np.random.default_rng(9)
    agree(found.regret, [slow(world.prefer, world.ties, 60, rng) for _ in range(SIZE)])
    assert found.strong_regret.value + found.weak_regret.value == pytest.approx(2 * found.regret.value)
    assert found.duels.sum() == pytest.approx(120)


@pytest.mark.arithmetic
def test_duels_find_the_winner_at_the_rate_of_the_bound():
    """Both have logarithmic regret: from 4,000 to 16,000 duels it grows by a few times C log 4, not by a factor 4."""
    world = preferences([[0.5, 0.7, 0.8], [0.3, 0.5, 0.65], [0.2, 0.35, 0.5]])
    assert world.winner == 0
    found = duel(world, ["rucb", "double-thompson"], 16_000, replicates=200, seed=1)
    for one in found.policies:
        quarter = np.searchsorted(found.checkpoints, 4000)
        grown = one.courses["regret"].value[-1] - one.courses["regret"].value[quarter]
        assert 0 < grown <= 6 * found.lower_bound * math.log(4)
        assert one.p_best_arm.value >= 0.99
    assert found["double-thompson"].regret.value < found["rucb"].regret.value


def test_the_lower_bound_of_duels():
    """Two arms: C = gap / (2 kl). Three: each loser by its cheapest proof, here by hand."""
    kl = stats.entropy([0.3, 0.7], [0.5, 0.5])
    assert lower_bound(preferences([[0.5, 0.7], [0.3, 0.5]])) == pytest.approx(0.2 / (2 * kl))
    world = preferences([[0.5, 0.7, 0.6], [0.3, 0.5, 0.9], [0.4, 0.1, 0.5]])
    third = min(0.1 / (2 * stats.entropy([0.4, 0.6], [0.5, 0.5])), 0.3 / (2 * stats.entropy([0.1, 0.9], [0.5, 0.5])))
    assert lower_bound(world) == pytest.approx(0.2 / (2 * kl) + third)


def test_strengths_are_bradley_terry_and_davidson():
    world = from_strengths([1.0, 0.0])
    assert world.prefer[0, 1] == pytest.approx(1 / (1 + math.exp(-1)))
    tied = from_strengths([1.0, 0.0], 0.5)
    under = math.e + 1 + 0.5 * math.exp(0.5)
    assert tied.prefer[0, 1] == pytest.approx(math.e / under)
    assert tied.ties[0, 1] == pytest.approx(0.5 * math.exp(0.5) / under)
    assert tied.scores[0, 1] + tied.scores[1, 0] == pytest.approx(1)


# Prices


def exact(means, name, horizon):
    return bandit(means, [name], horizon, replicates=10).policies[0].regret.exact


@pytest.mark.parametrize(
    ("kind", "plain"),
    [("budgeted-ucb", "ucb1"), ("budgeted-thompson", "thompson"), ("lagrangian", "ucb1"),
     ("guardrailed-thompson", "thompson"), ("dirichlet-thompson", "thompson")],
)  # fmt: skip
def test_without_anything_to_meter_they_are_the_classic_policies(kind, plain):
    """Every price 1, a budget of 24, nobody does harm, ratings 1 or 2: the exact regret is the enumerated one."""
    means = [0.3, 0.55]
    budget = 24 if kind.startswith("budgeted") else None
    world = metered_world(means, budget=budget, guardrail=[0, 0], limit=0.5)
    found = metered_bandit(world, [kind], 24, replicates=40_000, seed=4)[kind]
    assert abs(found.regret.value - exact(means, plain, 24)) <= 4 * found.regret.se
    assert found.requests.value == 24


def slow_priced(kind, means, costs, unknown, budget, horizon, rng, value=None):
    arms = len(means)
    n, s, paid = np.zeros(arms), np.zeros(arms), np.zeros(arms)
    spent, price = 0.0, 0.0
    for t in range(horizon):
        if kind == "budgeted-thompson":
            reward = rng.beta(1 + s, 1 + n - s)
            index = reward / (rng.beta(1 + paid, 1 + n - paid) if unknown else costs)
        elif (n == 0).any():
            index = (n == 0).astype(float)
        else:
            e = np.sqrt(2 * math.log(t) / n)
            if kind == "budgeted-ucb":
                index = np.minimum(1, s / n + e) / np.maximum(paid / n - e, 0.01) if unknown else (s / n + e) / costs
            else:
                c = np.maximum(paid / n - e, 0) if unknown else costs
                index = (value or 1) * (s / n + e) - ((value is not None) + price) * c
        a = top(index, rng)
        cost = float(rng.random() < costs[a]) if unknown else costs[a]
        if spent + cost > budget:
            break
        spent += cost
        n[a] += 1
        s[a] += rng.random() < means[a]
        paid[a] += cost
        if kind == "lagrangian" and budget < math.inf:
            price = max(0.0, price + (cost - budget / horizon) / math.sqrt(horizon))
    return n


@pytest.mark.arithmetic
@pytest.mark.parametrize("unknown", [False, True])
@pytest.mark.parametrize("kind", ["budgeted-ucb", "budgeted-thompson", "lagrangian"])
def test_policies_with_a_budget_play_like_the_papers(kind, unknown):
    means, costs = np.array([0.3, 0.7, 0.6]), np.array([0.25, 0.9, 0.6])
    world = metered_world(means, costs=costs, unknown_costs=unknown, budget=40)
    found = metered_bandit(world, [kind], 120, replicates=4000, seed=4)[kind]
    rng = np.random.default_rng(5)
    slow = np.array([slow_priced(kind, means, costs, unknown, 40, 120, rng) for _ in range(SIZE)])
    agree(found.regret, world.optimum(120) - slow @ means)
    agree(found.requests, slow.sum(axis=1))
    assert found.spent.value <= 40


def test_quality_against_cost():
    means, costs = np.array([0.5, 0.6, 0.7]), np.array([0.1, 0.2, 0.6])
    world = metered_world(means, costs=costs, value=2.0)
    found = metered_bandit(world, ["lagrangian", "thompson"], 150, replicates=4000, seed=4)
    rng = np.random.default_rng(5)
    slow = [slow_priced("lagrangian", means, costs, False, math.inf, 150, rng, 2.0) for _ in range(SIZE)]
    agree(found["lagrangian"].regret, 150 * 1.0 - np.array(slow) @ (2 * means - costs))
    assert found.optimum == pytest.approx(150 * 1.0)
    assert found["lagrangian"].p_best_arm.value > found["thompson"].p_best_arm.value


def test_the_optimum_is_the_best_mixture():
    """With two limits the optimum mixes at most two arms: all pairs by hand."""
    means, costs = np.array([0.2, 0.6, 0.9]), np.array([0.1, 1.0, 3.0])
    for budget, horizon in ((50, 100), (1000, 100), (5, 100), (150, 100)):
        best = 0.0
        for i in range(3):
            for j in range(3):
                for x in np.linspace(0, horizon, 20_001):
                    left = budget - x * costs[i]
                    if left >= 0:
                        best = max(best, x * means[i] + min(horizon - x, left / costs[j]) * means[j])
        found = metered_world(means, costs=costs, budget=budget).optimum(horizon)
        assert found == pytest.approx(best, rel=1e-3)
        assert found >= best - 1e-9


# Guardrails


def slow_guarded(means, risks, limit, horizon, rng, level=0.95):
    arms = len(means)
    n, s, bad = np.zeros(arms), np.zeros(arms), np.zeros(arms)
    for _ in range(horizon):
        shut = stats.beta.sf(limit, 1 + bad, 1 + n - bad) > level
        shut &= n > 0
        draw = np.where(shut, -1, rng.beta(1 + s, 1 + n - s))
        a = 0 if shut.all() else int(draw.argmax())
        n[a] += 1
        s[a] += rng.random() < means[a]
        bad[a] += rng.random() < risks[a]
    return n


@pytest.mark.arithmetic
def test_guardrailed_thompson_plays_like_its_rule():
    means, risks = np.array([0.4, 0.5, 0.7]), np.array([0.05, 0.1, 0.5])
    world = metered_world(means, guardrail=risks, limit=0.2)
    found = metered_bandit(world, ["guardrailed-thompson", "thompson"], 100, replicates=4000, seed=4)
    rng = np.random.default_rng(5)
    slow = np.array([slow_guarded(means, risks, 0.2, 100, rng) for _ in range(SIZE)])
    one = found["guardrailed-thompson"]
    agree(one.regret, 100 * 0.5 - slow @ means)
    agree(one.breach_exposures, slow[:, 2])
    assert one.breach_exposures.value < 0.5 * found["thompson"].breach_exposures.value
    assert one.bad_events.value == pytest.approx(one.pulls @ risks, abs=4 * one.bad_events.se)
    assert one.simple_regret.value < found["thompson"].simple_regret.value


def slow_conservative(means, horizon, rng, alpha=0.1, delta=0.05):
    arms = len(means)
    n, s = np.zeros(arms), np.zeros(arms)
    for t in range(1, horizon + 1):
        upper, lower = np.full(arms, np.inf), np.zeros(arms)
        for i in range(arms):
            if n[i]:
                width = math.sqrt(0.5 * math.log(arms * n[i] ** 3 / delta) / n[i])
                upper[i], lower[i] = s[i] / n[i] + width, max(0, s[i] / n[i] - width)
        j = top(upper, rng)
        owed = n[0] - (1 - alpha) * t
        left = n[1:] @ lower[1:] + lower[j] + owed * (upper[0] if owed < 0 else lower[0])
        a = j if j == 0 or left >= 0 else 0
        n[a] += 1
        s[a] += rng.random() < means[a]
    return n


@pytest.mark.arithmetic
def test_conservative_ucb_plays_like_the_paper_and_keeps_its_promise():
    means = np.array([0.5, 0.8, 0.1])
    found = metered_bandit(metered_world(means), ["conservative-ucb", "ucb1"], 400, replicates=4000, seed=4)
    rng = np.random.default_rng(5)
    slow = np.array([slow_conservative(means, 400, rng) for _ in range(SIZE)])
    one = found["conservative-ucb"]
    agree(one.regret, 400 * 0.8 - slow @ means)
    assert one.behind_control.quantiles["0.95"] <= 0.1
    assert found["ucb1"].behind_control.quantiles["0.5"] > 0.1


# Ratings


def slow_dirichlet(laws, horizon, rng):
    arms, levels = laws.shape
    counts = np.ones((arms, levels))
    n = np.zeros(arms)
    for _ in range(horizon):
        a = int(np.argmax([rng.dirichlet(row) @ np.arange(levels) for row in counts]))
        counts[a, rng.choice(levels, p=laws[a])] += 1
        n[a] += 1
    return n


@pytest.mark.arithmetic
def test_dirichlet_thompson_plays_like_the_paper():
    laws = np.array([[0.3, 0.3, 0.3, 0.1], [0.1, 0.2, 0.3, 0.4], [0.5, 0.0, 0.0, 0.5]])
    world = metered_world(ratings=laws)
    found = metered_bandit(world, ["dirichlet-thompson", "thompson", "kl-ucb"], 80, replicates=4000, seed=4)
    rng = np.random.default_rng(5)
    means = laws @ np.arange(4)
    agree(
        found["dirichlet-thompson"].regret,
        [80 * means.max() - slow_dirichlet(laws, 80, rng) @ means for _ in range(SIZE)],
    )
    assert found.optimum == pytest.approx(80 * means.max())


def test_ratings_have_a_bound_below_the_binary_one():
    """K_inf by its primal problem: the nearest law on the same levels with the larger mean."""
    law, levels = np.array([0.3, 0.3, 0.3, 0.1]), np.linspace(0, 1, 4)
    for mean in (0.45, 0.6, 0.9):
        found = optimize.minimize(
            lambda q: float(np.sum(law * np.log(law / np.maximum(q, 1e-12)))), np.full(4, 0.25), bounds=[(1e-9, 1)] * 4,
            method="SLSQP", options={"ftol": 1e-13, "maxiter": 500},
            constraints=[{"type": "eq", "fun": lambda q: q.sum() - 1},
                         {"type": "ineq", "fun": lambda q, m=mean: q @ levels - m}],
        )  # fmt: skip
        assert divergence_to(law, mean) == pytest.approx(found.fun, rel=1e-4)
    assert divergence_to(np.array([0.7, 0.3]), 0.6) == pytest.approx(stats.entropy([0.7, 0.3], [0.4, 0.6]), rel=1e-9)
    assert divergence_to(law, 0.2) == 0.0
    assert metered_world([0.3, 0.6]).lower_bound() == pytest.approx(0.3 / stats.entropy([0.7, 0.3], [0.4, 0.6]))
    assert metered_world([0.3, 0.6], budget=9).lower_bound() is None


# Wrong input


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: segment_bandit([0.5, 0.5], [[0.1, 0.2], [0.3]], ["lin-ucb"], 10), "segment 2 has 1 numbers"),
        (lambda: segment_bandit([0.5, 0.5], [[0.1, 0.2]], ["lin-ucb"], 10), "means of 1 segments, shares of 2"),
        (
            lambda: segment_bandit([0.5, 0.5], [[0.1, 0.2]] * 2, ["lin-ucb"], 10, features=[[1, 0], [1]]),
            "the context of segment 2 has 1 numbers, the first has 2",
        ),
        (
            lambda: segment_bandit([0.5, 0.5], [[0.1, 0.2]] * 2, ["lin-ucb"], 10, features=[[1, 0]]),
            "contexts of 1 segments, shares of 2",
        ),
        (lambda: segment_bandit([0.5, -0.5], [[0.1, 0.2]] * 2, ["lin-ucb"], 10), "no frequencies"),
        (lambda: segment_bandit([0.5, 0.5], [[0.1], [0.2]], ["lin-ucb"], 10), "two arms"),
        (lambda: segment_bandit([0.5, 0.5], [[0.1, 0.2]] * 2, ["rucb"], 10), "it needs preferences"),
        (lambda: bandit([0.1, 0.2], ["lin-ucb"], 10), "it needs segments"),
        (lambda: bandit([0.1, 0.2], ["dirichlet-thompson"], 10, family="gaussian"), "needs rewards with levels"),
        (lambda: duel([[0.5, 0.6, 0.4], [0.4, 0.5, 0.6], [0.6, 0.4, 0.5]], ["rucb"], 10), "no arm beats every other"),
        (lambda: duel([[0.5, 0.6], [0.6, 0.5]], ["rucb"], 10), "1.2 in all"),
        (lambda: duel([[0.5, 0.6]], ["rucb"], 10), "give a square table"),
        (lambda: duel([[0.5]], ["rucb"], 10), "2 to 100 arms"),
        (lambda: from_strengths([1, 0], -1), "give 0 or more"),
        (lambda: metered_world([0.1, 0.2], budget=0), "a budget of 0"),
        (lambda: metered_world([0.1, 0.2], costs=[1, 0]), "0 is no price"),
        (lambda: metered_world([0.1, 0.2], costs=[1, 1, 1]), "3 numbers for 2 arms"),
        (lambda: metered_world([0.1, 0.2], guardrail=[0.1, 0.2]), "guardrail without limit"),
        (lambda: metered_world([0.1, 0.2], guardrail=[0.1, 1.2], limit=0.1), "no rates"),
        (lambda: metered_world([0.1]), "at least two arms"),
        (lambda: metered_world(ratings=[[0.5, 0.5], [1.0]]), "arm 2 has 1 numbers"),
        (lambda: metered_bandit(metered_world([0.1, 0.2, 0.3]), ["thompson(floor=0.4)"], 10), "floor of 0.4"),
    ],
)
def test_wrong_input_gets_one_line(call, words):
    with pytest.raises(InputError, match=words) as caught:
        call()
    assert "\n" not in str(caught.value)


# The command line

SHORT = ["--horizon", "50", "--replicates", "20"]


@pytest.mark.parametrize(
    ("flags", "keys"),
    [
        (["--segments", "0.6,0.4", "--means", "0.1,0.5;0.4,0.2", "--policy", "lin-ucb", "thompson"], ["blind_loss"]),
        (["--strengths", "1,0.5,0", "--tie", "0.3", "--policy", "rucb"], ["winner", "ties"]),
        (["--preferences", "0.5,0.7;0.3,0.5", "--policy", "double-thompson"], ["lower_bound"]),
        (["--means", "0.3,0.6", "--cost", "1,2", "--budget", "20", "--policy", "budgeted-ucb"], ["optimum", "budget"]),
        (
            ["--means", "0.3,0.6", "--guardrail", "0,0.5", "--limit", "0.1", "--policy", "guardrailed-thompson"],
            ["limit"],
        ),
        (["--ratings", "0.2,0.3,0.5;0.5,0.3,0.2", "--policy", "dirichlet-thompson"], ["lower_bound"]),
    ],
)
def test_the_command_line_plays_every_kind(flags, keys, capsys):
    assert main(["bandit", *flags, *SHORT, "--json", "-"]) == 0
    made = json.loads(capsys.readouterr().out)
    assert all(key in made for key in keys)
    assert made["policies"][0]["regret"]["se"] >= 0
    assert made["provenance"]["replicates"] == 20
    assert main(["bandit", *flags, *SHORT]) == 0
    assert made["policies"][0]["name"] in capsys.readouterr().out


@pytest.mark.parametrize(
    ("flags", "words"),
    [
        (["--means", "0.3,0.6", "--budget", "0", "--policy", "budgeted-ucb"], "[--budget]: a budget of 0"),
        (["--means", "0.3,0.6", "--budget", "9", "--cost", "1,0", "--policy", "ucb1"], "[--cost]: 0 is no price"),
        (["--means", "0.3;0.6", "--segments", "1,1", "--policy", "lin-ucb"], "[--means]: 1 arm"),
        (
            ["--means", "0.3,0.6;0.1,0.2", "--segments", "1,1", "--features", "1,0;1", "--policy", "lin-ucb"],
            "[--features]: the context of segment 2 has 1 numbers",
        ),
        (["--policy", "ucb1"], "[--means]: no means"),
        (["--means", "0.3,0.6", "--tie", "1", "--policy", "ucb1"], "[--tie]: it goes with --strengths"),
        (["--means", "0.3,0.6", "--strengths", "1,0", "--policy", "rucb"], "[--means]: it does not go with duels"),
        (["--preferences", "0.5,x;0.3,0.5", "--policy", "rucb"], "[--preferences]: '0.5,x' is not a list of numbers"),
        (["--means", "0.3,0.6", "--policy", "lin-ucb"], "it needs segments"),
    ],
)
def test_the_command_line_refuses_in_one_line(flags, words, capsys):
    assert main(["bandit", *flags, *SHORT]) == 2
    shown = capsys.readouterr()
    assert words in shown.err
    assert shown.err.count("\n") == 1
    assert not shown.out


def test_the_list_names_every_policy(capsys):
    assert main(["list", "--json", "-"]) == 0
    assert {"lin-ucb", "rucb", "glr-kl-ucb", "lagrangian", "thompson"} <= set(
        json.loads(capsys.readouterr().out)["policies"]
    )
