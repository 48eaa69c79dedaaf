"""The experiment in segments with every propensity logged, estimated inside every segment."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from expsim_panel.kernels.adaptive import estimate
from expsim_panel.kernels.bits import normal, uniform
from expsim_panel.kernels.contextual import learn
from expsim_panel.kernels.jit import kernel
from expsim_panel.kernels.logged import drawn, even_chances, note_chances
from expsim_panel.kernels.requests import begin, fewest, mix, shares


@kernel
def play_logged_segments(
    params: Any,
    asked: Any,
    rewards: np.ndarray,
    arrivals: np.ndarray,
    choices: np.ndarray,
    binary: bool,
    means: np.ndarray,
    edges: np.ndarray,
    features: np.ndarray,
    horizon: int,
    burn_in: int,
    floors: np.ndarray,
    decay: float,
    x: np.ndarray,
    memory: np.ndarray,
    inside: np.ndarray,
    cross: np.ndarray,
    pooled: np.ndarray,
    pulls: np.ndarray,
) -> None:
    """Play a policy by the law of `contextual.play_segments`, log its propensities, and estimate by segment.

    The propensity of an arm is that under the context that came. Weights such as ``sqrt e`` follow the context then,
    and one weighted mean over all requests would favour the segments in which an arm is served: so the requests of
    every segment are estimated apart, and brought together by the segments' shares of requests
    (`segment_inference.over_all`).

    Parameters
    ----------
    params : NamedTuple
        Parameters of a policy.
    asked : NamedTuple
        What is asked for `shares`: the same, or `logged.Drawn` with `x`.
    rewards, arrivals, choices, binary, means, edges, features, burn_in, floors
        As in `contextual.play_segments`.
    horizon : int
        Requests.
    decay : float
        Of the two-point weights; see `adaptive.estimate`.
    x : float64 ndarray, shape (width,)
        Space for the context.
    memory : float64 ndarray
        Space for the policy.
    inside, cross : float64 ndarray, shape (replicates, segments, 5, arms, 2) and (replicates, segments, 5, arms, arms)
        Output: estimates from the requests of each segment; see `adaptive.estimate`. 0 where none came.
    pooled : float64 ndarray, shape (replicates, arms, 2)
        Output: sample mean of each arm over all its requests, and its variance; nan without two pulls.
    pulls : int64 ndarray, shape (replicates, segments, arms)
        Output: pulls by segment.
    """
    segments, arms = means.shape
    n = np.zeros(arms)
    s = np.zeros(arms)
    q = np.zeros(arms)
    work = np.zeros((4, arms))
    count = np.zeros(segments, np.int64)
    pulled = np.zeros((segments, horizon), np.int64)
    came = np.zeros((segments, horizon))
    chance = np.zeros((segments, horizon, arms))
    flat = memory.reshape(-1)
    for r in range(inside.shape[0]):
        for a in range(arms):
            n[a] = 0.0
            s[a] = 0.0
            q[a] = 0.0
        for k in range(segments):
            count[k] = 0
        for i in range(flat.shape[0]):
            flat[i] = 0.0
        begin(params, memory)
        for t in range(horizon):
            u = uniform(arrivals)
            k = 0
            while k < segments - 1 and u >= edges[k]:
                k += 1
            for i in range(x.shape[0]):
                x[i] = features[k, i]
            at = count[k]
            if t < burn_in * arms:
                arm = fewest(choices, n, work)
                even_chances(at, chance[k])
            else:
                shares(asked, t, n, s, q, memory, work)
                mix(floors, work)
                arm = drawn(choices, work)
                note_chances(at, work, chance[k])
            mean = means[k, arm]
            reward = 1.0 * int(uniform(rewards) < mean) if binary else mean + normal(rewards)
            pulled[k, at] = arm
            came[k, at] = reward
            count[k] = at + 1
            n[arm] += 1.0
            s[arm] += reward
            q[arm] += reward * reward
            pulls[r, k, arm] += 1
            learn(params, arm, reward, x, t + 1, n, s, memory)
        for a in range(arms):
            pooled[r, a, 0] = s[a] / n[a] if n[a] > 0.0 else math.nan
            pooled[r, a, 1] = (q[a] - s[a] * s[a] / n[a]) / (n[a] - 1.0) / n[a] if n[a] > 1.0 else math.nan
        for k in range(segments):
            if count[k] > 0:
                size = count[k]
                estimate(pulled[k, :size], came[k, :size], chance[k, :size], decay, inside[r, k], cross[r, k])
