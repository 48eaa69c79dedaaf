"""Outcomes that are neither 0/1 nor normal: ordered levels and zero-inflated amounts."""

from __future__ import annotations

import functools
import math
from typing import TYPE_CHECKING

import numpy as np

from expsim_panel.uneven import AMOUNTS, LEVELS, RATES, SCORES, VERDICTS, Outcome

if TYPE_CHECKING:
    from expsim_panel.scenario_metric import Metric


def family(metric: Metric) -> int:
    """Return the kernel's family of a metric's outcomes."""
    if metric.family == "binary":
        return RATES
    if metric.family == "amount":
        return AMOUNTS
    if metric.family == "pairwise":
        return VERDICTS
    return LEVELS if metric.draw_levels else SCORES


def limits(metric: Metric) -> tuple[float, float]:
    """Return what a mean must stay above and below."""
    if metric.family == "amount":
        return 1e-9, math.inf
    if metric.family == "pairwise":
        return -0.9999, 0.9999
    if metric.draw_levels:
        return float(metric.levels[0]) + 1e-6, float(metric.levels[-1]) - 1e-6
    return -math.inf, math.inf


def spread(metric: Metric, means: np.ndarray) -> np.ndarray:
    """Return the standard deviation of one outcome that follows from its mean, shape of `means`.

    Levels: of the ordered probit with that mean. Amounts, 0 with probability z and lognormal otherwise:
    ``E[X^2] = mean^2 exp(sigma^2) / (1 - z)``.
    """
    if metric.family == "amount":
        return np.asarray(means * np.sqrt(np.exp(metric.log_sd**2) / (1 - metric.zero_share) - 1))
    chances = level_chances(metric, means)
    centre = chances @ metric.levels
    return np.asarray(np.sqrt(np.maximum(chances @ metric.levels**2 - centre**2, 0.0)))


def level_chances(metric: Metric, means: np.ndarray) -> np.ndarray:
    """Return the probability of every level under the ordered probit with these means, shape (..., levels)."""
    from scipy.special import ndtr

    cuts = np.asarray(metric.thresholds, float)
    latent, implied = probit_grid(cuts, metric.levels)
    at = np.interp(means, implied, latent)
    up_to = ndtr(cuts - at[..., None])
    return np.diff(up_to, axis=-1, prepend=0.0, append=1.0)


def law(metric: Metric, offset: np.ndarray, scale: float, noise: float) -> Outcome:
    """Return the law of a metric's outcomes under an evaluator's offset, scale and noise."""
    if metric.family == "amount":
        return Outcome(offset, scale, noise, zeros=float(metric.zero_share), sigma=float(metric.log_sd))
    cuts, values = np.asarray(metric.thresholds, float), metric.levels
    return Outcome(offset, scale, noise, values, cuts, *probit_grid(cuts, values))


def probit_grid(cuts: np.ndarray, values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return latent means and the mean outcome each implies under an ordered probit of unit variance.

    Parameters
    ----------
    cuts : ndarray, shape (levels - 1,)
        Thresholds, ascending.
    values : ndarray, shape (levels,)
        Value of each level.
    """
    return _grid(tuple(cuts.tolist()), tuple(values.tolist()))


@functools.lru_cache(maxsize=32)
def _grid(cuts: tuple[float, ...], values: tuple[float, ...]) -> tuple[np.ndarray, np.ndarray]:
    from scipy.special import ndtr

    latent = np.linspace(cuts[0] - 7.0, cuts[-1] + 7.0, 2001)
    implied = values[0] + ndtr(latent[:, None] - np.array(cuts)) @ np.diff(values)
    for array in (latent, implied):
        array.setflags(write=False)
    return latent, implied
