"""Estimates by logged shares, row by row in plain NumPy: the slow way to what `kernels.day_scores` adds up by days."""

from __future__ import annotations

import numpy as np

DECAY = 0.7


def expected(past: list[tuple[np.ndarray, np.ndarray, float]], arms: int, which: np.ndarray, came: np.ndarray):
    """Return what each arm's row is expected to be today, and today's level over the first day's."""
    before = [[value for w, y, level in past for value in y[w == arm] - level] for arm in range(arms)]
    known = [arm for arm in range(arms) if before[arm]]
    off = [value - np.mean(before[arm]) for arm in known for value in came[which == arm]]
    level = float(np.mean(off)) if off else 0.0
    mean = np.full(arms, np.nan)
    for arm in range(arms):
        mine = came[which == arm]
        if before[arm]:
            mean[arm] = np.mean(before[arm]) + level
        elif mine.size:
            mean[arm] = mine.mean()
    return mean, level


def estimated(
    days: list[tuple[np.ndarray, np.ndarray, np.ndarray]], traffic: np.ndarray, skip: int = 0
) -> tuple[np.ndarray, np.ndarray]:
    """Return differences from arm 0 and their errors, shape (4, arms - 1) each.

    Parameters
    ----------
    days : list of (which, came, shares)
        Arm and outcome of every row of each day, and the shares of the arms on it.
    traffic : ndarray, shape (all planned days,)
        Units of each day.
    """
    arms = days[0][2].size
    scores = {(m, arm): [] for m in range(4) for arm in range(1, arms)}
    weights = {key: [] for key in scores}
    left = np.ones(arms)
    past: list[tuple[np.ndarray, np.ndarray, float]] = []
    total = traffic.sum()
    for day, (which, came, p) in enumerate(days):
        mean, level = expected(past, arms, which, came)
        first, end = traffic[:day].sum(), traffic[: day + 1].sum()
        for arm in range(1, arms):
            if day < skip or which.size == 0 or min(p[arm], p[0]) <= 0 or np.isnan(mean[[0, arm]]).any():
                continue
            precision = 1 / (1 / p[arm] + 1 / p[0])
            bad = (end**0.3 - first**0.3) / (total**0.3 - first**0.3)
            good = (end - first) / (total - first)
            spent = left[arm] * (4 * precision * good + (1 - 4 * precision) * bad)
            left[arm] -= spent
            by_method = (1.0, 1.0, np.sqrt(precision), np.sqrt(spent * precision / (end - first)))
            for m, weight in enumerate(by_method):
                m1, m0 = (0.0, 0.0) if m == 0 else (mean[arm], mean[0])
                for a, y in zip(which, came, strict=True):
                    score = m1 - m0
                    if a == arm:
                        score += (y - m1) / p[arm]
                    if a == 0:
                        score -= (y - m0) / p[0]
                    scores[m, arm].append(score)
                    weights[m, arm].append(weight)
        past.append((which, came, level))
    value, error = np.full((4, arms - 1), np.nan), np.full((4, arms - 1), np.nan)
    for (m, arm), listed in scores.items():
        if listed:
            g, h = np.array(listed), np.array(weights[m, arm])
            value[m, arm - 1] = (h * g).sum() / h.sum()
            error[m, arm - 1] = np.sqrt((h**2 * (g - value[m, arm - 1]) ** 2).sum()) / h.sum()
    return value, error
