"""Logged experiments written down in plain Python: every request, and the estimators as sums over them with NumPy."""

from __future__ import annotations

import math

import numpy as np

from expsim_panel.kernels.bits import normal, uniform
from expsim_panel.kernels.contextual import learn, pick
from expsim_panel.kernels.metered import meter
from expsim_panel.kernels.requests import begin, fewest, recommend, update

DRAWS = 20


def chances_of(params, bits, x, t, n, s, q, memory, floors):
    """Probability of every arm, given what the policy would do twenty times over."""
    work, share = np.zeros((4, n.size)), np.zeros(n.size)
    for _ in range(DRAWS):
        share[pick(params, bits, x, t, n, s, q, memory, work)] += 1 / DRAWS
    return floors + (1 - floors.sum()) * share


def choose(bits, chances):
    u, arm = uniform(bits), 0
    while arm < chances.size - 1 and u >= chances[arm]:
        u -= chances[arm]
        arm += 1
    return arm


def reward_of(bits, mean, edges):
    if edges.size == 0:
        return mean + normal(bits)
    return int(np.sum(uniform(bits) >= edges)) / edges.size


def metered(params, memory, rewards, prices, choices, world, horizon, burn_in, floors):
    """One experiment: a list of (arm, reward, bad event, chances) that is logged, the pulls, and the closed arms."""
    arms = world.means.size
    n, s, q, work = np.zeros(arms), np.zeros(arms), np.zeros(arms), np.zeros((4, arms))
    log, paid, closed = [], 0.0, []
    dearest = float(np.any(world.costs > 0)) if world.unknown_costs else world.costs.max()
    begin(params, memory)
    for t in range(horizon):
        if t < burn_in * arms:
            chances, arm = np.full(arms, 1 / arms), fewest(choices, n, work)
        else:
            chances = chances_of(params, choices, np.zeros(0), t, n, s, q, memory, floors)
            arm = choose(choices, chances)
        cost = float(uniform(prices) < world.costs[arm]) if world.unknown_costs else world.costs[arm]
        if paid + cost > world.budget:
            break
        reward = reward_of(rewards, world.means[arm], world.edges[arm])
        event = float(uniform(prices) < world.risks[arm])
        closed.append(memory[-1].copy())
        if paid + dearest <= world.budget:
            log.append((arm, reward, event, chances))
        paid += cost
        n[arm] += 1
        s[arm] += reward
        q[arm] += reward**2
        update(params, arm, 1.0, reward, t + 1, n, s, memory)
        meter(params, arm, cost, event, t + 1, n, memory)
    # Naming an arm takes from the stream of the choices.
    recommend(params, choices, n, s, memory)
    return log, n, closed


def segmented(params, memory, rewards, arrivals, choices, found, horizon, floors):
    """One experiment in segments: for every segment a list of (arm, reward, chances)."""
    segments, arms = found.means.shape
    n, s, q = np.zeros(arms), np.zeros(arms), np.zeros(arms)
    logs = [[] for _ in range(segments)]
    begin(params, memory)
    for t in range(horizon):
        k = int(np.sum(uniform(arrivals) >= np.cumsum(found.shares)[:-1]))
        x = found.features[k].copy()
        chances = chances_of(params, choices, x, t, n, s, q, memory, floors)
        arm = choose(choices, chances)
        reward = float(uniform(rewards) < found.means[k, arm])
        logs[k].append((arm, reward, chances))
        n[arm] += 1
        s[arm] += reward
        q[arm] += reward**2
        learn(params, arm, reward, x, t + 1, n, s, memory)
    return logs


def estimated(arms, came, chance):
    """Estimates and covariances by every method, shapes (5, arms) and (5, arms, arms), weights of a constant floor."""
    arms, came, chance = np.array(arms), np.array(came), np.array(chance)
    size, count = chance.shape
    values, both = np.zeros((5, count)), np.zeros((5, count, count))
    terms = {}
    for a in range(count):
        mine = arms == a
        before = np.concatenate([[0.0], np.cumsum(came * mine)[:-1]]), np.concatenate([[0], np.cumsum(mine)[:-1]])
        guess = np.where(before[1] > 0, before[0] / np.maximum(before[1], 1), 0.0)
        inverse = mine * came / chance[:, a]
        score = guess + mine * (came - guess) / chance[:, a]
        rows = [(inverse, np.ones(size)), (score, np.ones(size)), (score, np.sqrt(chance[:, a]))]
        values[0, a] = came[mine].mean() if mine.any() else math.nan
        both[0, a, a] = came[mine].var(ddof=1) / mine.sum() if mine.sum() > 1 else math.nan
        for m, (row, weight) in enumerate([*rows, rows[2]], start=1):
            values[m, a] = weight @ row / weight.sum()
            terms[m, a] = weight * (row - values[m, a]) / weight.sum()
    for m in range(1, 5):
        for a in range(count):
            for b in range(count):
                both[m, a, b] = terms[m, a] @ terms[m, b]
    return values, both
