"""Rules for changing rewards, as in `slow_bandits`: a window of requests, a discount, CUSUM restarts."""

from __future__ import annotations

import numpy as np
from slow_bandits import Rule, Thompson, among, drawn, largest


class Recent(Rule):
    """Kept last: recent pulls and sums by arm."""

    def recent(self, state):
        k = self.arms
        return state[:, -2 * k : -k], state[:, -k:]


class Windowed(Recent):
    """Kept: the arms (from 1) and rewards of the last `window` requests, the newest first."""

    window = 1000

    @property
    def extra(self):
        return 2 * self.window + 2 * self.arms

    def remember(self, state, arm, reward):
        w, kept = self.window, self.kept(state)
        log = kept[:, : 2 * w].reshape(-1, 2, w)
        log[:, :, 1:] = log[:, :, :-1].copy()
        log[:, 0, 0], log[:, 1, 0] = arm + 1, reward
        n, s = self.recent(state)
        for a in range(self.arms):
            n[:, a] = (log[:, 0] == a + 1).sum(axis=1)
            s[:, a] = (log[:, 1] * (log[:, 0] == a + 1)).sum(axis=1)


class Discounted(Recent):
    gamma = 0.995

    @property
    def extra(self):
        return 2 * self.arms

    def remember(self, state, arm, reward):
        n, s = self.recent(state)
        n *= self.gamma
        s *= self.gamma
        n[np.arange(len(n)), arm] += 1.0
        s[np.arange(len(n)), arm] += reward


class RecentUcb(Recent):
    c = 2.0

    def law(self, state):
        n, s = self.recent(state)
        with np.errstate(divide="ignore", invalid="ignore"):
            index = s / n + np.sqrt(self.c * self.level(state, n) / n)
        return largest(np.where(n > 0, index, np.inf))


class WindowUcb(RecentUcb, Windowed):
    def level(self, state, n):
        return np.log(np.minimum(self.parts(state)[0].sum(axis=1, keepdims=True), self.window))


class DiscountUcb(RecentUcb, Discounted):
    def level(self, state, n):
        return np.log(n.sum(axis=1, keepdims=True))


class RecentThompson(Recent, Thompson):
    def law(self, state):
        return self.p_best(*self.recent(state))

    def choose(self, state, rng):
        n, s = self.recent(state)
        found, new = self.leader(n, s, rng), (n == 0).any(axis=1) & (not self.binary)
        if new.any():
            found[new] = drawn(among(n[new] == 0), rng)
        return found


class WindowThompson(RecentThompson, Windowed):
    pass


class DiscountThompson(RecentThompson, Discounted):
    pass


class Cusum(Recent):
    """Kept: sum of the first rewards, the two sums of deviations, by arm; recent is what came since the restart."""

    c, explore, threshold, drift, first = 2.0, 0.05, 10.0, 0.1, 50

    @property
    def extra(self):
        return 5 * self.arms

    def remember(self, state, arm, reward):
        n, s = self.recent(state)
        base, up, down = (self.kept(state)[:, i * self.arms : (i + 1) * self.arms] for i in range(3))
        for i, (a, x) in enumerate(zip(arm, reward, strict=True)):
            n[i, a] += 1
            s[i, a] += x
            if n[i, a] <= self.first:
                base[i, a] += x
                continue
            mean = base[i, a] / self.first
            up[i, a] = max(0.0, up[i, a] + x - mean - self.drift)
            down[i, a] = max(0.0, down[i, a] + mean - x - self.drift)
            if max(up[i, a], down[i, a]) >= self.threshold:
                for part in (n, s, base, up, down):
                    part[i, a] = 0.0

    def law(self, state):
        n, s = self.recent(state)
        with np.errstate(divide="ignore", invalid="ignore"):
            index = s / n + np.sqrt(self.c * np.log(n.sum(axis=1, keepdims=True)) / n)
        return self.explore / self.arms + (1 - self.explore) * largest(np.where(n > 0, index, np.inf))
