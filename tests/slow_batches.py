"""Rules that wait for the end of a batch, as in `slow_bandits`: they share each batch evenly, equal means go by order.

And GLR-klUCB with every reward since its restarts kept.
"""

from __future__ import annotations

import math

import numpy as np
from slow_bandits import Commit, Elimination, Halving, Rule, among, kl, kl_upper, largest


class CommitLater(Commit):
    """The arms that lack rewards share a batch; the first of equal means is kept."""

    extra = 1

    def start(self):
        return Rule.start(self)

    def law(self, state):
        n, kept = self.parts(state)[0], self.kept(state)[:, -1:]
        lacking = n < self.m
        waiting = among(np.where(lacking.any(axis=1, keepdims=True), lacking, 1.0))
        return np.where(kept > 0, np.arange(1, self.arms + 1) == kept, waiting)

    def remember(self, state, arm, reward):
        pass

    def settle(self, state):
        n, s, _ = self.parts(state)
        kept = self.kept(state)[:, -1]
        for row in np.flatnonzero((n.min(axis=1) >= self.m) & (kept == 0)):
            kept[row] = 1 + np.argmax(s[row] / n[row])
        return state


class EliminationLater(Elimination):
    def law(self, state):
        return among(self.kept(state) == 0)

    def remember(self, state, arm, reward):
        pass

    def settle(self, state):
        n, s, _ = self.parts(state)
        left, variance = self.kept(state), 0.25 if self.binary else 1.0
        for row in range(len(state)):
            there = np.flatnonzero(left[row] == 0)
            if n[row, there].min() > 0:
                mean = s[row, there] / n[row, there]
                width = np.sqrt(2 * variance * np.log(4 * self.arms * n[row, there] ** 2 / self.delta) / n[row, there])
                left[row, there[mean + width < (mean - width).max()]] = 1.0
        return state


class HalvingLater(Halving):
    """Kept: 1 for an arm that left, then the pulls that end the round."""

    @property
    def extra(self):
        return self.arms + 1

    def start(self):
        state = Rule.start(self)
        self.rounds = math.ceil(math.log2(self.arms))
        self.kept(state)[:, -1] = self.horizon // (self.arms * self.rounds)
        return state

    def law(self, state):
        return among(self.kept(state)[:, : self.arms] == 0)

    def remember(self, state, arm, reward):
        pass

    def settle(self, state):
        n, s, _ = self.parts(state)
        kept = self.kept(state)
        for row in range(len(state)):
            while True:
                there = np.flatnonzero(kept[row, : self.arms] == 0)
                if there.size == 1 or n[row, there].min() < kept[row, -1]:
                    break
                ahead = sorted(there, key=lambda a: (-s[row, a] / n[row, a], a))
                stay = math.ceil(there.size / 2)
                kept[row, ahead[stay:]] = 1
                kept[row, -1] += self.horizon // (stay * self.rounds)
        return state

    def recommend(self, state):
        n, s, _ = self.parts(state)
        there = (self.kept(state)[:, : self.arms] == 0) & (n > 0)
        return largest(np.where(there, s / np.maximum(n, 1.0), -np.inf))


class Glr(Rule):
    """Kept: the request of each arm's restart, its rewards since, and the rewards themselves, arm by arm."""

    explore, every, everywhere, untried_first = 0.05, 10, True, False

    @property
    def extra(self):
        return (2 + self.horizon) * self.arms

    def pieces(self, state):
        kept = self.kept(state).reshape(len(state), 2 + self.horizon, self.arms)
        return kept[:, 0], kept[:, 1], kept[:, 2:]

    def cost(self, mean, other):
        return kl(mean, other) if self.binary else (mean - other) ** 2 / 2

    def remember(self, state, arm, reward):
        since, count, log = self.pieces(state)
        t = self.parts(state)[0].sum(axis=1)
        delta = 1 / math.sqrt(self.horizon)
        for row, (a, x) in enumerate(zip(arm, reward, strict=True)):
            log[row, int(count[row, a]), a] = x
            count[row, a] += 1
            size = int(count[row, a])
            if size % self.every:
                continue
            recent = log[row, :size, a]
            cuts = np.arange(self.every, size, self.every)
            early = np.array([recent[:cut].mean() for cut in cuts])
            late = np.array([recent[cut:].mean() for cut in cuts])
            ratio = cuts * self.cost(early, recent.mean()) + (size - cuts) * self.cost(late, recent.mean())
            if (ratio >= math.log(3 * size * math.sqrt(size) / delta)).any():
                which = slice(None) if self.everywhere else a
                since[row, which], count[row, which] = t[row], 0

    def law(self, state):
        since, count, log = self.pieces(state)
        t = self.parts(state)[0].sum(axis=1, keepdims=True)
        sums = (log * (np.arange(self.horizon)[None, :, None] < count[:, None])).sum(axis=1)
        with np.errstate(divide="ignore", invalid="ignore"):
            mean, level = sums / count, np.log(np.maximum(t - since, 1.0)) / count
            index = kl_upper(mean, level) if self.binary else mean + np.sqrt(2 * level)
        found = largest(np.where(count > 0, index, np.inf))
        turn = (t[:, 0] - (since[:, 0] if self.everywhere else 0)) % max(self.arms, int(self.arms / self.explore))
        forced = turn < self.arms
        found[forced] = np.arange(self.arms) == turn[forced, None]
        return found
