"""Honest inference after a bandit: what each estimator of an arm's mean is worth, by bias and coverage."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from expsim_panel.bandits import check_size
from expsim_panel.best_arm import check_means
from expsim_panel.errors import InputError, shown
from expsim_panel.kernels.adaptive import estimate, play_and_estimate
from expsim_panel.kernels.bits import stream
from expsim_panel.kernels.special import norm_ppf
from expsim_panel.kernels.streams import OUTCOME, POLICY
from expsim_panel.policy import Problem
from expsim_panel.policy_names import read_policy

Floats = npt.NDArray[np.float64]
METHODS = ("sample_mean", "ipw", "aipw_uniform", "aipw_sqrt_e", "aipw_twopoint")
_WHERE = "adaptive inference"


@dataclass(frozen=True)
class Coverage:
    """Bias and coverage of every method; rows follow `METHODS`, columns the arms.

    Attributes
    ----------
    bias, bias_se : ndarray, shape (5, arms)
        Mean error of the estimate over experiments, and its standard error.
    coverage, coverage_se : ndarray, shape (5, arms)
        P(the interval holds the true mean), and its standard error.
    contrast_bias, contrast_bias_se, contrast_coverage, contrast_coverage_se : ndarray, shape (5, arms - 1)
        The same for each arm's difference from arm 0, with the covariance of the two estimates.
    recommended : ndarray, shape (5, arms)
        P(the method's largest estimate is that of the arm).
    """

    bias: Floats
    bias_se: Floats
    coverage: Floats
    coverage_se: Floats
    contrast_bias: Floats
    contrast_bias_se: Floats
    contrast_coverage: Floats
    contrast_coverage_se: Floats
    recommended: Floats


def estimates(arms: Sequence[int], rewards: Sequence[float], propensities: object, decay: float = 0.7) -> Floats:
    """Return estimate and variance of every arm's mean by every method, from one logged experiment.

    Parameters
    ----------
    arms, rewards : sequence, shape (requests,)
        Which arm was pulled, and what came.
    propensities : array_like, shape (requests, arms)
        Logged probability of each arm before the pull; each above 0.
    decay : float
        Exponent of the floor that the two-point weights assume, 0 to below 1.

    Returns
    -------
    ndarray, shape (5, arms, 2)
        Rows as in `METHODS`. For differences of arms see `adaptive_contrasts.contrast`.

    Raises
    ------
    InputError
        Lengths that do not fit, or a propensity that is not in (0, 1].
    """
    chance = np.array(propensities, dtype=np.float64, ndmin=2)
    which, came = np.array(arms, dtype=np.int64), np.array(rewards, dtype=np.float64)
    if which.ndim != 1 or which.size == 0 or chance.shape[0] != which.size or came.shape != which.shape:
        problem = f"{which.size} arms, {came.size} rewards and {chance.shape[0]} rows of propensities"
        raise InputError(_WHERE, "propensities", problem, "give one of each for every request")
    if not np.all((chance > 0) & (chance <= 1)):
        raise InputError(_WHERE, "propensities", "a propensity is not in (0, 1]", "log floored propensities")
    if which.min() < 0 or which.max() >= chance.shape[1]:
        raise InputError(_WHERE, "arms", f"arm {which.max()} of {chance.shape[1]}", "count arms from 0")
    _check_decay(decay)
    out, _ = _estimated(which, came, chance, decay)
    return out


def covariances(arms: Sequence[int], rewards: Sequence[float], propensities: object, decay: float = 0.7) -> Floats:
    """Return the covariances of the arms' estimates by every method, shape (5, arms, arms); see `estimates`.

    ``sum over t of h_a (g_a - mean_a) h_b (g_b - mean_b) / (sum h_a sum h_b)``: estimates of two arms share every
    request, through the running means in their scores.
    """
    estimates(arms, rewards, propensities, decay)
    chance = np.array(propensities, dtype=np.float64, ndmin=2)
    return _estimated(np.array(arms, dtype=np.int64), np.array(rewards, dtype=np.float64), chance, decay)[1]


def _estimated(arms: npt.NDArray[np.int64], rewards: Floats, chance: Floats, decay: float) -> tuple[Floats, Floats]:
    out = np.zeros((len(METHODS), chance.shape[1], 2))
    cross = np.zeros((len(METHODS), chance.shape[1], chance.shape[1]))
    estimate(arms, rewards, chance, float(decay), out, cross)
    return out, cross


def _check_decay(decay: float) -> None:
    if not 0.0 <= decay < 1.0:
        raise InputError(_WHERE, "decay", f"decay is {shown(decay)}", "give a number from 0 to below 1")


def coverage(
    means: Sequence[float],
    *,
    horizon: int = 2000,
    batch: int = 100,
    decay: float = 0.7,
    floor: float = 1.0,
    floor_rule: str = "mix",
    alpha: float = 0.1,
    policy: str = "thompson",
    replicates: int = 4000,
    seed: int = 1,
) -> Coverage:
    """Return bias and coverage of the methods after a batched bandit on Bernoulli arms.

    The propensities are floored at ``f = min(floor, t^-decay) / K`` and logged. `floor_rule` ``mix`` is
    ``f + (1 - K f) w``; ``clip`` raises shares below f and shrinks the others, as the paper's own code does.

    Raises
    ------
    InputError
        Fewer than two arms, a size or level out of bounds.
    """
    values = check_means(means, "bernoulli", _WHERE)
    check_size("horizon", horizon, _WHERE)
    check_size("replicates", replicates, _WHERE)
    _check_decay(decay)
    if not 1 <= batch <= horizon:
        raise InputError(_WHERE, "batch", f"batch is {shown(batch)}", f"give 1 to the horizon, {horizon}")
    if not 0.0 < alpha < 1.0 or not 0.0 < floor <= 1.0:
        key, value = ("alpha", alpha) if not 0.0 < alpha < 1.0 else ("floor", floor)
        raise InputError(_WHERE, key, f"{key} is {shown(value)}", "give a number above 0, at most 1")
    if floor_rule not in ("mix", "clip"):
        raise InputError(_WHERE, "floor_rule", f"unknown rule {shown(floor_rule)}", "choose mix or clip")
    made = read_policy(policy, _WHERE, "policy")
    problem = Problem(values.size, int(horizon), True)
    if not made.shown_by_pulls(True):
        raise InputError(_WHERE, "policy", f"{policy} keeps more than pulls and sums", "choose for example thompson")
    out = np.zeros((int(replicates), len(METHODS), values.size, 2))
    cross = np.zeros((int(replicates), len(METHODS), values.size, values.size))
    rewards, choices = stream(seed, OUTCOME, 0), stream(seed, POLICY, 0)
    memory = np.zeros(made.memory(problem))
    with np.errstate(over="ignore"):
        play_and_estimate(
            made.request(problem),
            rewards,
            choices,
            values,
            int(horizon),
            int(batch),
            float(floor),
            float(decay),
            floor_rule == "clip",
            memory,
            out,
            cross,
        )
    return summarise(out, cross, values, 1.0 - alpha)


def summarise(out: Floats, cross: Floats, means: Floats, level: float) -> Coverage:
    """Return bias and coverage from the estimates of many experiments.

    Parameters
    ----------
    out : ndarray, shape (replicates, 5, arms, 2)
        Estimates and variances.
    cross : ndarray, shape (replicates, 5, arms, arms)
        Covariances of the estimates.
    means : ndarray, shape (arms,)
        What they estimate.
    level : float
        Nominal coverage.
    """
    z = float(norm_ppf(0.5 + level / 2.0))
    apart = out[..., 1:, 0] - out[..., :1, 0]
    # The variance of a difference is never negative: it is a sum of squares.
    own = np.diagonal(cross, axis1=2, axis2=3)
    spread = own[..., 1:] + own[..., :1] - 2.0 * cross[..., 0, 1:]
    best = np.argmax(np.nan_to_num(out[..., 0], nan=-np.inf), axis=2)
    share = np.stack([(best == a).mean(axis=0) for a in range(means.size)], axis=1)
    single = _covered(out[..., 0] - means, out[..., 1], z)
    paired = _covered(apart - (means[1:] - means[0]), np.maximum(spread, 0.0), z)
    return Coverage(*single, *paired, share)


def listed(values: Floats) -> list[float | None]:
    """Return numbers for JSON, None for those that cannot be had."""
    return [float(value) if math.isfinite(value) else None for value in values]


def _covered(off: Floats, variance: Floats, z: float) -> tuple[Floats, Floats, Floats, Floats]:
    """Return bias and coverage with their standard errors; an interval that cannot be had covers nothing."""
    size = off.shape[0]
    rate = (np.abs(off) <= z * np.sqrt(variance)).mean(axis=0)
    spread = np.nanstd(off, axis=0) / math.sqrt(size)
    return np.nanmean(off, axis=0), spread, rate, np.sqrt(rate * (1 - rate) / size)
