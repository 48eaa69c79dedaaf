"""Estimates of an arm's mean after adaptive allocation, from logged propensities."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from expsim_panel.kernels.bits import uniform
from expsim_panel.kernels.jit import inner, kernel
from expsim_panel.kernels.requests import begin, shares

NAIVE, IPW, AIPW, ROOT, TWO_POINT = 0, 1, 2, 3, 4
"""Rows of the estimates: sample mean, inverse-propensity weighting, augmented by the running mean with even
weights, with square-root weights (constant allocation rate), with two-point allocation weights."""


@inner
def _weigh(weight: np.ndarray, score: np.ndarray, out: np.ndarray, parts: np.ndarray, method: int, arm: int) -> None:
    """Fill estimate ``sum h g / sum h``, variance ``sum h^2 (g - estimate)^2 / (sum h)^2`` and its parts."""
    total = 0.0
    mean = 0.0
    for t in range(score.shape[0]):
        total += weight[t]
        mean += weight[t] * score[t]
    mean /= total
    square = 0.0
    for t in range(score.shape[0]):
        off = weight[t] * (score[t] - mean)
        square += off * off
        parts[method, arm, t] = off / total
    out[method, arm, 0] = mean
    out[method, arm, 1] = square / (total * total)


@kernel
def estimate(
    arms: np.ndarray, rewards: np.ndarray, chance: np.ndarray, decay: float, out: np.ndarray, cross: np.ndarray
) -> None:
    """Estimate every arm's mean from one experiment by all methods.

    Parameters
    ----------
    arms : int64 ndarray, shape (requests,)
        Which arm was pulled.
    rewards : float64 ndarray, shape (requests,)
        What came.
    chance : float64 ndarray, shape (requests, arms)
        Logged probability of every arm, known before the pull, greater than 0.
    decay : float
        Exponent a of the floor ``t^-a / K`` that the two-point weights assume in their bad case, 0 <= a < 1.
    out : float64 ndarray, shape (5, arms, 2)
        Output: estimate and variance; nan for the sample mean of an arm without two pulls.
    cross : float64 ndarray, shape (5, arms, arms)
        Output: covariances of the estimates, ``sum over t of h_a (g_a - mean_a) h_b (g_b - mean_b)`` over the sums of
        weights; 0 between sample means, which have no reward in common.

    References
    ----------
    V. Hadad, D. A. Hirshberg, R. Zhan, S. Wager, S. Athey (2021), "Confidence intervals for policy evaluation in
    adaptive experiments", PNAS 118, e2014602118: scores (5), weights by stick breaking (14) and (18).
    """
    size = arms.shape[0]
    score = np.zeros(size)
    plain = np.zeros(size)
    weight = np.zeros(size)
    parts = np.zeros((out.shape[0], chance.shape[1], size))
    for a in range(chance.shape[1]):
        n = 0.0
        s = 0.0
        q = 0.0
        for t in range(size):
            guess = s / n if n > 0.0 else 0.0
            score[t] = guess
            plain[t] = 0.0
            if arms[t] == a:
                score[t] += (rewards[t] - guess) / chance[t, a]
                plain[t] = rewards[t] / chance[t, a]
                n += 1.0
                s += rewards[t]
                q += rewards[t] * rewards[t]
        out[NAIVE, a, 0] = s / n if n > 0.0 else math.nan
        out[NAIVE, a, 1] = (q - s * s / n) / (n - 1.0) / n if n > 1.0 else math.nan
        for t in range(size):
            weight[t] = 1.0
        _weigh(weight, plain, out, parts, IPW, a)
        _weigh(weight, score, out, parts, AIPW, a)
        for t in range(size):
            weight[t] = math.sqrt(chance[t, a])
        _weigh(weight, score, out, parts, ROOT, a)
        stick = 1.0
        for t in range(size):
            at = t + 1.0
            good = 1.0 / (1.0 + size - at)
            bad = (1.0 - decay) / ((1.0 - decay) + size * math.exp(decay * math.log(at / size)) - at)
            e = chance[t, a]
            part = (1.0 - e) * bad + e * good if t < size - 1 else 1.0
            weight[t] = math.sqrt(stick * part * e)
            stick *= 1.0 - part
        _weigh(weight, score, out, parts, TWO_POINT, a)
    for m in range(out.shape[0]):
        for a in range(chance.shape[1]):
            for b in range(a):
                total = 0.0
                if m != NAIVE:
                    for t in range(size):
                        total += parts[m, a, t] * parts[m, b, t]
                cross[m, a, b] = total
                cross[m, b, a] = total
            cross[m, a, a] = out[m, a, 1]


@kernel
def play_and_estimate(
    params: Any,
    rewards: np.ndarray,
    choices: np.ndarray,
    means: np.ndarray,
    horizon: int,
    batch: int,
    floor: float,
    decay: float,
    clip: bool,
    memory: np.ndarray,
    out: np.ndarray,
    cross: np.ndarray,
) -> None:
    """Play a policy in batches on Bernoulli arms with a logged, floored propensity, then estimate.

    ``p_a = f + (1 - K f) w_a`` with ``f = min(floor, t^-decay) / K``, t the first request of the batch; with
    `clip` shares below f are raised to it and the others shrink, which leaves a bad arm less.

    Parameters
    ----------
    params : NamedTuple
        A policy's parameters; its `shares` are asked before every batch, the first of which is split evenly.
    rewards, choices : uint64 ndarray, shape (4,)
        Streams.
    out : float64 ndarray, shape (replicates, 5, arms, 2)
        Output: see `estimate`.
    cross : float64 ndarray, shape (replicates, 5, arms, arms)
        Output: see `estimate`.
    """
    arms = means.shape[0]
    n = np.zeros(arms)
    s = np.zeros(arms)
    work = np.zeros((4, arms))
    pulled = np.zeros(horizon, np.int64)
    came = np.zeros(horizon)
    chance = np.zeros((horizon, arms))
    for r in range(out.shape[0]):
        for a in range(arms):
            n[a] = 0.0
            s[a] = 0.0
        begin(params, memory)
        for first in range(0, horizon, batch):
            if first == 0:
                for a in range(arms):
                    work[2, a] = 1.0 / arms
            else:
                shares(params, first, n, s, s, memory, work)
                f = min(floor, math.exp(-decay * math.log(first + 1.0))) / arms
                if clip:
                    over = -1.0
                    slack = 0.0
                    for a in range(arms):
                        work[2, a] = max(work[2, a], f)
                        over += work[2, a]
                        slack += work[2, a] - f
                    for a in range(arms):
                        work[2, a] -= over / slack * (work[2, a] - f) if slack > 0.0 else 0.0
                else:
                    for a in range(arms):
                        work[2, a] = f + (1.0 - f * arms) * work[2, a]
            for t in range(first, min(first + batch, horizon)):
                u = uniform(choices)
                arm = 0
                while arm < arms - 1 and u >= work[2, arm]:
                    u -= work[2, arm]
                    arm += 1
                pulled[t] = arm
                came[t] = 1.0 * int(uniform(rewards) < means[arm])
                for a in range(arms):
                    chance[t, a] = work[2, a]
            for t in range(first, min(first + batch, horizon)):
                n[pulled[t]] += 1.0
                s[pulled[t]] += came[t]
        estimate(pulled, came, chance, decay, out[r], cross[r])
