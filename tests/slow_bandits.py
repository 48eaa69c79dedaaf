"""Bandit policies straight from their definitions: one request at a time, many experiments side by side, no shortcuts.

A state is a row of floats: pulls, sums and sums of squares of every arm, then what the rule keeps besides. A `law` gives
every arm's probability from the state, `learn` takes one reward in. Ties are ties of real numbers: up to 1e-9.
"""

from __future__ import annotations

import itertools
import math
from typing import Any

import numpy as np
from scipy import special, stats

Floats = np.ndarray


def among(which: Floats) -> Floats:
    """Share evenly among the arms that are marked."""
    return which / which.sum(axis=1, keepdims=True)


def largest(values: Floats) -> Floats:
    """Share evenly among the largest of each row; infinite ones are equal."""
    top = values.max(axis=1, keepdims=True)
    with np.errstate(invalid="ignore"):
        return among((values == top) | (np.abs(values - top) <= 1e-9))


def kl(p: Floats, q: Floats) -> Floats:
    return special.rel_entr(p, q) + special.rel_entr(1.0 - p, 1.0 - q)


def kl_upper(mean: Floats, level: Floats) -> Floats:
    """Return the largest q with kl(mean, q) <= level, by bisection."""
    low, high = mean.copy(), np.ones_like(mean)
    for _ in range(60):
        middle = (low + high) / 2.0
        within = kl(mean, middle) <= level
        low, high = np.where(within, middle, low), np.where(within, high, middle)
    return low


def p_best_betas(alpha: Floats, beta: Floats) -> Floats:
    """Integral of one density times the others' distribution functions: polynomials, so Gauss-Legendre is exact."""
    nodes, weights = np.polynomial.legendre.leggauss(int((alpha + beta).sum(axis=1).max()) // 2 + 2)
    x, w = (nodes + 1.0) / 2.0, weights / 2.0
    density = stats.beta.pdf(x, alpha[..., None], beta[..., None])
    below = special.betainc(alpha[..., None], beta[..., None], x)
    arms = range(alpha.shape[1])
    return np.stack([(w * density[:, a] * np.delete(below, a, 1).prod(axis=1)).sum(axis=1) for a in arms], axis=1)


class Rule:
    """What all rules share: pulls n, sums s, sums of squares q, and untried arms first."""

    extra = 0
    untried_first = True

    def __init__(self, arms: int, horizon: int, binary: bool = True, **parameters: Any) -> None:
        self.arms, self.horizon, self.binary = arms, horizon, binary
        for key, value in parameters.items():
            setattr(self, key, value)

    def start(self) -> Floats:
        return np.zeros((1, 3 * self.arms + self.extra))

    def parts(self, state: Floats) -> tuple[Floats, Floats, Floats]:
        k = self.arms
        return state[:, :k], state[:, k : 2 * k], state[:, 2 * k : 3 * k]

    def kept(self, state: Floats) -> Floats:
        """Return a view of what the rule keeps besides."""
        return state[:, 3 * self.arms :]

    def learn(self, state: Floats, arm: Floats, reward: Floats) -> Floats:
        state, rows = state.copy(), np.arange(len(state))
        for part, more in zip(self.parts(state), (1.0, reward, reward**2), strict=True):
            part[rows, arm] += more
        self.remember(state, arm, reward)
        return state

    def remember(self, state: Floats, arm: Floats, reward: Floats) -> None:
        """Change what is kept besides, in place."""

    def settle(self, state: Floats) -> Floats:
        """Decide what waits for the end of a batch."""
        return state

    def law(self, state: Floats) -> Floats:
        n, s, q = self.parts(state)
        new = n == 0
        if not self.untried_first or not new.any():
            return self.tried(state, n, s, q)
        found, old = np.zeros(n.shape), ~new.any(axis=1)
        found[~old] = among(new[~old])
        if old.any():
            found[old] = self.tried(state[old], n[old], s[old], q[old])
        return found

    def tried(self, state: Floats, n: Floats, s: Floats, q: Floats) -> Floats:
        with np.errstate(divide="ignore", invalid="ignore"):
            return largest(self.index(n, s / n, q, n.sum(axis=1, keepdims=True)))

    def index(self, n: Floats, mean: Floats, q: Floats, t: Floats) -> Floats:
        raise NotImplementedError

    def choose(self, state: Floats, rng: np.random.Generator) -> Floats:
        return drawn(self.law(state), rng)

    def recommend(self, state: Floats) -> Floats:
        """Return the probability that each arm is kept: the best mean, ties shared evenly."""
        n, s, _ = self.parts(state)
        with np.errstate(invalid="ignore", divide="ignore"):
            return largest(np.where(n > 0, s / n, -np.inf))


def drawn(law: Floats, rng: np.random.Generator) -> Floats:
    """Draw an arm of every row."""
    u = rng.random((len(law), 1)) * law.sum(axis=1, keepdims=True)
    return (u >= np.cumsum(law, axis=1)[:, :-1]).sum(axis=1)


class Ucb1(Rule):
    c = 2.0

    def index(self, n, mean, q, t):
        return mean + np.sqrt(self.c * np.log(t) / n)


class UcbV(Rule):
    zeta = c = b = 1.0

    def index(self, n, mean, q, t):
        variance, level = q / n - mean**2, self.zeta * np.log(t)
        return mean + np.sqrt(2.0 * np.maximum(variance, 0.0) * level / n) + 3.0 * self.c * self.b * level / n


class Moss(Rule):
    def index(self, n, mean, q, t):
        return mean + np.sqrt(np.maximum(0.0, np.log(self.horizon / (self.arms * n))) / n)


class KlUcb(Rule):
    c = 0.0

    def index(self, n, mean, q, t):
        level = np.log(t) + (self.c * np.log(np.log(t)) if self.c else 0.0)
        level = np.maximum(level, 0.0) / n
        return kl_upper(mean, level) if self.binary else mean + np.sqrt(2.0 * level)


class Imed(Rule):
    def index(self, n, mean, q, t):
        best = mean.max(axis=1, keepdims=True)
        cost = kl(mean, best + 0.0 * mean) if self.binary else (best - mean) ** 2 / 2.0
        return -(n * np.where(mean == best, 0.0, cost) + np.log(n))


class BayesUcb(Rule):
    c, prior_hits, prior_misses = 0.0, 1.0, 1.0

    def index(self, n, mean, q, t):
        tail = 1.0 / (t * math.log(self.horizon) ** self.c)
        if self.binary:
            return special.betainccinv(self.prior_hits + n * mean, self.prior_misses + n - n * mean, tail)
        return mean + stats.norm.isf(tail) / np.sqrt(n)


class EpsilonGreedy(Rule):
    epsilon, decay = 0.1, 0.0

    def tried(self, state, n, s, q):
        t = n.sum(axis=1, keepdims=True)
        share = np.minimum(self.epsilon, self.decay * self.arms / t) if self.decay else self.epsilon
        mean = np.where(n > 0, s / np.maximum(n, 1.0), 0.0)
        return share / self.arms + (1.0 - share) * largest(mean)


class Softmax(Rule):
    temperature = 0.1

    def tried(self, state, n, s, q):
        return special.softmax(s / n / self.temperature, axis=1)


class Ordered(Rule):
    """A rule that breaks some ties for good, by an order of the arms that is drawn beforehand: the first thing kept."""

    untried_first = False

    @property
    def extra(self):
        return self.arms + 2

    def start(self):
        orders = np.array(list(itertools.permutations(range(self.arms))))
        state = np.repeat(super().start(), len(orders), axis=0)
        self.kept(state)[:, : self.arms] = orders
        return state


class Commit(Ordered):
    """Explore-then-commit; kept last: the arm it commits to, from 1."""

    m = 100

    def tried(self, state, n, s, q):
        return np.where(
            self.kept(state)[:, -1:] > 0, np.arange(1, self.arms + 1) == self.kept(state)[:, -1:], largest(-n)
        )

    def remember(self, state, arm, reward):
        n, s, _ = self.parts(state)
        kept = self.kept(state)
        for row in np.flatnonzero((n.min(axis=1) >= self.m) & (kept[:, -1] == 0)):
            mean = s[row] / n[row]
            kept[row, -1] = 1 + max(np.flatnonzero(mean == mean.max()), key=lambda a: kept[row, a])


class Elimination(Rule):
    """Successive elimination; kept: 1 for an arm that left."""

    delta, untried_first = 0.05, False

    @property
    def extra(self):
        return self.arms

    def tried(self, state, n, s, q):
        return largest(np.where(self.kept(state) > 0, -np.inf, -n))

    def remember(self, state, arm, reward):
        n, s, _ = self.parts(state)
        left = self.kept(state)
        variance = 0.25 if self.binary else 1.0
        for row in range(len(state)):
            there = np.flatnonzero(left[row] == 0)
            if there.size > 1 and n[row, there].min() == n[row, there].max():
                mean = s[row, there] / n[row, there]
                width = np.sqrt(2 * variance * np.log(4 * self.arms * n[row, there] ** 2 / self.delta) / n[row, there])
                left[row, there[mean + width < (mean - width).max()]] = 1.0


class Halving(Ordered):
    """Sequential halving; kept last: round and the pulls that end it. An arm that left has an order below 0."""

    def start(self):
        state = super().start()
        self.rounds = math.ceil(math.log2(self.arms))
        self.kept(state)[:, -2:] = 1, self.horizon // (self.arms * self.rounds)
        return state

    def tried(self, state, n, s, q):
        return largest(np.where(self.kept(state)[:, : self.arms] < 0, -np.inf, -n))

    def remember(self, state, arm, reward):
        n, s, _ = self.parts(state)
        kept = self.kept(state)
        for row in range(len(state)):
            there = np.flatnonzero(kept[row, : self.arms] >= 0)
            if n[row, there].min() >= kept[row, -1] and kept[row, -2] < self.rounds:
                ahead = sorted(there, key=lambda a: (-s[row, a] / n[row, a], kept[row, a]))
                stay = math.ceil(there.size / 2)
                kept[row, ahead[stay:]] = -1
                kept[row, -2] += 1
                kept[row, -1] += self.horizon // (stay * self.rounds)

    def recommend(self, state):
        n, s, _ = self.parts(state)
        return largest(np.where(self.kept(state)[:, : self.arms] < 0, -np.inf, s / np.maximum(n, 1.0)))


class Lucb(Rule):
    delta = 0.05

    def tried(self, state, n, s, q):
        t, mean = n.sum(axis=1, keepdims=True), s / n
        variance = 0.25 if self.binary else 1.0
        width = np.sqrt(2 * variance * np.log(5 * self.arms * t**4 / (4 * self.delta)) / n)
        lead, found = largest(mean), np.zeros(n.shape)
        for a in range(self.arms):
            others = mean + width
            others[:, a] = -np.inf
            rival = largest(others)
            sure = mean[:, a] - width[:, a] > others.max(axis=1)
            found[:, a] += lead[:, a] * np.where(sure, 1.0, 0.5)
            found += lead[:, [a]] * np.where(sure, 0.0, 0.5)[:, None] * rival
        return found


class Exp3(Rule):
    """Kept: logarithms of the weights. Each arm's turn in the burn-in has the probability 1 / K."""

    gamma, untried_first, burn_in = 0.1, False, 0

    @property
    def extra(self):
        return self.arms

    def tried(self, state, n, s, q):
        return (1 - self.gamma) * special.softmax(self.kept(state), axis=1) + self.gamma / self.arms

    def remember(self, state, arm, reward):
        rows = np.arange(len(state))
        p = self.tried(state, None, None, None)[rows, arm]
        p[self.parts(state)[0].sum(axis=1) <= self.burn_in * self.arms] = 1 / self.arms
        self.kept(state)[rows, arm] += self.gamma * reward / (self.arms * p)


class Thompson(Rule):
    prior_hits = prior_misses = 1.0

    @property
    def untried_first(self):
        return not self.binary

    def p_best(self, n, s):
        if self.binary:
            return p_best_betas(self.prior_hits + s, self.prior_misses + n - s)
        raise NotImplementedError

    def tried(self, state, n, s, q):
        return self.p_best(n, s)

    def leader(self, n, s, rng):
        if self.binary:
            return rng.beta(self.prior_hits + s, self.prior_misses + n - s).argmax(axis=1)
        with np.errstate(divide="ignore", invalid="ignore"):
            return (s / n + rng.standard_normal(n.shape) / np.sqrt(n)).argmax(axis=1)

    def choose(self, state, rng):
        n, s, _ = self.parts(state)
        found = self.chosen(n, s, rng)
        new = (n == 0).any(axis=1) & self.untried_first
        if new.any():
            found[new] = drawn(among(n[new] == 0), rng)
        return found

    def chosen(self, n, s, rng):
        return self.leader(n, s, rng)


class TopTwo(Thompson):
    beta = 0.5

    def tried(self, state, n, s, q):
        p = self.p_best(n, s)
        rest = np.stack([np.delete(p, a, 1).sum(axis=1) for a in range(self.arms)], axis=1)
        return p * (self.beta + (1 - self.beta) * ((p / rest).sum(axis=1, keepdims=True) - p / rest))

    def chosen(self, n, s, rng):
        first = self.leader(n, s, rng)
        other = first.copy()
        again = np.flatnonzero(rng.random(len(n)) >= self.beta)
        for _ in range(20):
            if again.size:
                draws = np.array([self.leader(n[again], s[again], rng) for _ in range(50)])
                hit = draws != first[again]
                other[again] = np.where(hit.any(axis=0), draws[hit.argmax(axis=0), np.arange(again.size)], first[again])
                again = again[other[again] == first[again]]
        other[again] = self.second(first[again], n[again], s[again])
        return other

    def second(self, lead, n, s):
        """What a thousand draws have not brought: the best mean beside the leader, two prior rewards of 0 and 1 added."""
        mean = (s + 1.0) / (n + 2.0)
        mean[np.arange(len(n)), lead] = -np.inf
        return mean.argmax(axis=1)


class Exploration(TopTwo):
    def tried(self, state, n, s, q):
        p = self.p_best(n, s)
        spread = p * np.stack([np.delete(p, a, 1).sum(axis=1) for a in range(self.arms)], axis=1)
        return spread / spread.sum(axis=1, keepdims=True)

    def chosen(self, n, s, rng):
        first = self.leader(n, s, rng)
        found, again = first.copy(), np.arange(len(n))
        for _ in range(20):
            if again.size:
                one, two = (np.array([self.leader(n[again], s[again], rng) for _ in range(50)]) for _ in "ab")
                hit = one != two
                found[again] = one[hit.argmax(axis=0), np.arange(again.size)]
                again = again[~hit.any(axis=0)]
        half = again[rng.random(again.size) < 0.5]
        found[half] = self.second(found[half], n[half], s[half])
        return found
