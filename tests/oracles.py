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


def clustered_scores(
    rng: np.random.Generator, units: int, size: int, mean: float, sd: float, icc: float
) -> tuple[float, float]:
    """Draw every response of every unit, those of a unit with correlation `icc`, and add up."""
    of_unit = np.sqrt(icc) * rng.standard_normal((units, 1))
    values = mean + sd * (of_unit + np.sqrt(1 - icc) * rng.standard_normal((units, size)))
    return float(values.sum()), float((values**2).sum())


def ordered_rows(
    rng: np.random.Generator, rows: int, latent: float, cuts: np.ndarray, values: np.ndarray
) -> np.ndarray:
    """Draw every latent quality and look up the level it falls into."""
    return np.asarray(values[np.searchsorted(cuts, latent + rng.standard_normal(rows))])


def amount_rows(rng: np.random.Generator, rows: int, mean: float, zeros: float, sigma: float) -> np.ndarray:
    """Draw who pays at all, and how much."""
    centre = np.log(mean / (1 - zeros)) - sigma**2 / 2
    return np.asarray((rng.random(rows) >= zeros) * np.exp(centre + sigma * rng.standard_normal(rows)))


def days_combined(days: list[tuple[np.ndarray, np.ndarray]]) -> tuple[float, float]:
    """Return estimate and variance of the stratified difference: within each day, then weighted by its traffic."""
    total = sum(control.size + treatment.size for control, treatment in days)
    estimate = variance = 0.0
    for control, treatment in days:
        weight = (control.size + treatment.size) / total
        estimate += weight * (treatment.mean() - control.mean())
        variance += weight**2 * (treatment.var(ddof=1) / treatment.size + control.var(ddof=1) / control.size)
    return float(estimate), float(variance)
