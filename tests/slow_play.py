"""Play a rule of `slow_bandits` request by request, or follow every path it can take."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from slow_bandits import Rule, among, drawn


@dataclass
class Way:
    """What stands around a rule: floors, burn-in, batches, delay, means that shift."""

    floor: float = 0.0
    burn_in: int = 0
    batch: int = 1
    delay: int = 0
    shift: tuple = ()
    gaussian: bool = False

    def means(self, means, t):
        return np.array([row for at, row in ((0, means), *self.shift) if at <= t][-1], dtype=float)

    def law(self, rule: Rule, state, given):
        """Return probabilities with burn-in, in rounds without a floor, and floor."""
        found = self.floor + (1 - rule.arms * self.floor) * rule.law(state)
        short = given.min(axis=1) < self.burn_in
        found[short] = among(given[short] == given[short].min(axis=1, keepdims=True))
        return found

    def choose(self, rule: Rule, state, given, rng):
        arm = rule.choose(state, rng)
        coin = rng.random(len(arm)) < self.floor * rule.arms
        arm[coin] = rng.integers(rule.arms, size=coin.sum())
        short = given.min(axis=1) < self.burn_in
        if short.any():
            arm[short] = drawn(among(given[short] == given[short].min(axis=1, keepdims=True)), rng)
        return arm


PLAIN = Way()


def every_path(rule: Rule, means, horizon: int, way: Way = PLAIN):
    """Return expected regret, expected pulls and the law of the arm that is kept, under 0/1 rewards."""
    states = rule.start()
    weights = np.full(len(states), 1 / len(states))
    regret, pulls = 0.0, np.zeros(rule.arms)
    for t in range(horizon):
        now = way.means(means, t)
        law = way.law(rule, states, rule.parts(states)[0])
        np.testing.assert_allclose(law.sum(axis=1), 1.0, atol=1e-9)
        pulls += weights @ law
        regret += weights @ law @ (now.max() - now)
        more, mass = [], []
        for a in range(rule.arms):
            for reward, chance in ((0.0, 1 - now[a]), (1.0, now[a])):
                there = law[:, a] > 0
                if chance > 0 and there.any():
                    size = int(there.sum())
                    more.append(rule.learn(states[there], np.full(size, a), np.full(size, reward)))
                    mass.append(weights[there] * law[there, a] * chance)
        states, where = np.unique(np.concatenate(more).round(12), axis=0, return_inverse=True)
        weights = np.bincount(where.ravel(), np.concatenate(mass))
    return regret, pulls, weights @ rule.recommend(states)


def play(rule: Rule, means, size: int, seed: int, way: Way = PLAIN):
    """Return regret, pulls and kept arm of `size` experiments. Nothing is known before its batch and delay are over."""
    rng = np.random.default_rng(seed)
    states = rng.choice(rule.start(), size)
    regret, pulls, log = np.zeros(size), np.zeros((size, rule.arms)), []
    rows, known = np.arange(size), 0
    for t in range(rule.horizon):
        now = way.means(means, t)
        if t % way.batch == 0:
            while known < t - way.delay:
                states = rule.learn(states, *log[known])
                log[known] = ()
                known += 1
            states = rule.settle(states)
        arm = way.choose(rule, states, pulls, rng)
        noise = rng.standard_normal(size) if way.gaussian else rng.random(size)
        reward = now[arm] + noise if way.gaussian else (noise < now[arm]).astype(float)
        log.append((arm, reward))
        pulls[rows, arm] += 1
        regret += (now.max() - now)[arm]
    while known < rule.horizon:
        states = rule.learn(states, *log[known])
        known += 1
    return regret, pulls, drawn(rule.recommend(rule.settle(states)), rng)
