"""Slow and obvious: what the kernels compute, written so that nobody can doubt it."""

from __future__ import annotations

import numpy as np
from scipy import stats


def rows_with_raters(
    rng: np.random.Generator, rows: int, mean: float, sd: float, severity: np.ndarray
) -> tuple[float, float]:
    """Draw every row, raters in turn, and add up."""
    values = mean + severity[np.arange(rows) % severity.size] + sd * rng.standard_normal(rows)
    return float(values.sum()), float((values**2).sum())


def welch_z(control: np.ndarray, treatment: np.ndarray) -> float:
    """Return the z statistic of two samples with unpooled variance."""
    variance = treatment.var(ddof=1) / treatment.size + control.var(ddof=1) / control.size
    return float((treatment.mean() - control.mean()) / np.sqrt(variance))


def best_by_quadrature(laws: list[object]) -> tuple[np.ndarray, np.ndarray]:
    """Return P(best) and expected loss of independent scipy.stats laws, on a fine grid."""
    low = min(law.ppf(1e-16) for law in laws)  # type: ignore[attr-defined]
    high = max(law.isf(1e-16) for law in laws)  # type: ignore[attr-defined]
    x = np.linspace(low, high, 400_001)
    x = (x[1:] + x[:-1]) / 2
    step = x[1] - x[0]
    density = np.array([law.pdf(x) for law in laws])  # type: ignore[attr-defined]
    below = np.array([law.cdf(x) for law in laws])  # type: ignore[attr-defined]
    parts = np.array([density[k] * np.delete(below, k, 0).prod(axis=0) for k in range(len(laws))])
    best = parts.sum(axis=1) * step
    expected_max = (x * parts.sum(axis=0)).sum() * step
    return best, expected_max - np.array([law.mean() for law in laws])  # type: ignore[attr-defined]


def users_fixed_test(
    rng: np.random.Generator, replicates: int, per_arm: int, means: tuple[float, float], sd: float, alpha: float
) -> float:
    """Return the rejection rate of the two-sided z test, simulating every user."""
    bound = stats.norm.isf(alpha / 2)
    hits = 0
    for _ in range(replicates):
        control = means[0] + sd * rng.standard_normal(per_arm)
        treatment = means[1] + sd * rng.standard_normal(per_arm)
        hits += abs(welch_z(control, treatment)) > bound
    return hits / replicates
