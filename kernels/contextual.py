"""The loop of bandits that see a prompt's segment or features before they choose.

A policy for contexts registers `pick` and `learn`; any policy of `requests` plays too, blind to the context,
and so shows what the context is worth. Linear policies keep for every arm the inverse of
``A = ridge I + sum x x'`` and the vector ``b = sum reward x``: after a reward the inverse changes by one product of
vectors (Sherman and Morrison), so nothing is ever factorised.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from expsim_panel.kernels.bits import normal, uniform
from expsim_panel.kernels.courses import note
from expsim_panel.kernels.jit import generic_or, inner, kernel
from expsim_panel.kernels.requests import begin, fewest, floored, select, sum_of, update


@generic_or
def pick(
    params: Any,
    bits: np.ndarray,
    x: np.ndarray,
    t: int,
    n: np.ndarray,
    s: np.ndarray,
    q: np.ndarray,
    memory: np.ndarray,
    work: np.ndarray,
) -> int:
    """Return the arm for a request with context `x`, shape (width,), after t requests; here: whatever x is."""
    arm: int = select(params, bits, t, n, s, q, memory, work)
    return arm


@generic_or
def learn(
    params: Any, arm: int, reward: float, x: np.ndarray, t: int, n: np.ndarray, s: np.ndarray, memory: np.ndarray
) -> None:
    """Learn a reward of `arm` under context `x`; t, n and s already hold it."""
    update(params, arm, 1.0, reward, t, n, s, memory)


@inner
def start_inverse(ridge: float, arms: int, width: int, memory: np.ndarray) -> None:
    """Set the memory, shape (arms (width + 2), width): inverses, then a row b and a spare row for every arm."""
    for a in range(arms):
        for i in range(width):
            memory[a * (width + 2) + i, i] = 1.0 / ridge


@inner
def predict(arm: int, x: np.ndarray, memory: np.ndarray) -> tuple[float, float]:
    """Return ``x' A^-1 b``, the expected reward, and ``x' A^-1 x``, its variance for noise of variance 1."""
    width = x.shape[0]
    first = arm * (width + 2)
    mean = 0.0
    square = 0.0
    for i in range(width):
        part = 0.0
        for j in range(width):
            part += memory[first + i, j] * x[j]
        mean += part * memory[first + width, i]
        square += part * x[i]
    return mean, max(square, 0.0)


@inner
def take_reward(arm: int, reward: float, x: np.ndarray, memory: np.ndarray) -> None:
    """Add x x' to A and reward x to b: ``A^-1 -= v v' / (1 + x' v)`` with ``v = A^-1 x``."""
    width = x.shape[0]
    first = arm * (width + 2)
    spare = first + width + 1
    under = 1.0
    for i in range(width):
        part = 0.0
        for j in range(width):
            part += memory[first + i, j] * x[j]
        memory[spare, i] = part
        under += part * x[i]
    for i in range(width):
        for j in range(width):
            memory[first + i, j] -= memory[spare, i] * memory[spare, j] / under
        memory[first + width, i] += reward * x[i]


@kernel
def play_segments(
    params: Any,
    rewards: np.ndarray,
    arrivals: np.ndarray,
    choices: np.ndarray,
    binary: bool,
    means: np.ndarray,
    edges: np.ndarray,
    features: np.ndarray,
    burn_in: int,
    floors: np.ndarray,
    checkpoints: np.ndarray,
    memory: np.ndarray,
    pulls: np.ndarray,
    regret: np.ndarray,
    single: int,
    course: np.ndarray,
    sums: np.ndarray,
) -> None:
    """Play one policy through a block of experiments.

    Parameters
    ----------
    params : NamedTuple
        Parameters of a policy.
    rewards, arrivals, choices : uint64 ndarray, shape (4,)
        Streams of rewards, of the segments that come, and of the policy.
    binary : bool
        0/1 rewards, or normal ones with standard deviation 1.
    means : float64 ndarray, shape (segments, arms)
        Mean reward.
    edges : float64 ndarray, shape (segments - 1,)
        P(segment <= k), increasing.
    features : float64 ndarray, shape (segments, width)
        Context that the policy sees.
    burn_in, floors
        As in `requests.play_requests`, over all segments together.
    checkpoints : int64 ndarray
        Increasing numbers of requests, the last the horizon.
    memory : float64 ndarray
        Space for the policy.
    pulls : int64 ndarray, shape (replicates, segments, arms)
        Output: pulls by segment.
    regret : float64 ndarray, shape (replicates,)
        Output: sum over requests of the gap to the best arm of the request's segment.
    single : int
        The arm that is best over all segments together.
    course, sums
        Output of `courses.note`: regret so far, and the same against always serving `single`.
    """
    segments, arms = means.shape
    so_far = np.zeros(2)
    n = np.zeros(arms)
    s = np.zeros(arms)
    q = np.zeros(arms)
    work = np.zeros((4, arms))
    x = np.zeros(features.shape[1])
    forced = burn_in * arms
    explore = sum_of(floors)
    flat = memory.reshape(-1)
    gaps = np.zeros((segments, arms))
    for k in range(segments):
        best = -math.inf
        for a in range(arms):
            best = max(best, means[k, a])
        for a in range(arms):
            gaps[k, a] = best - means[k, a]
    for r in range(pulls.shape[0]):
        for a in range(arms):
            n[a] = 0.0
            s[a] = 0.0
            q[a] = 0.0
        for i in range(flat.shape[0]):
            flat[i] = 0.0
        begin(params, memory)
        lost = 0.0
        behind = 0.0
        t = 0
        for c in range(checkpoints.shape[0]):
            while t < checkpoints[c]:
                u = uniform(arrivals)
                segment = 0
                while segment < segments - 1 and u >= edges[segment]:
                    segment += 1
                for i in range(x.shape[0]):
                    x[i] = features[segment, i]
                arm = fewest(choices, n, work) if t < forced else floored(choices, floors, explore)
                if arm < 0:
                    arm = pick(params, choices, x, t, n, s, q, memory, work)
                mean = means[segment, arm]
                reward = 1.0 * int(uniform(rewards) < mean) if binary else mean + normal(rewards)
                n[arm] += 1.0
                s[arm] += reward
                q[arm] += reward * reward
                t += 1
                pulls[r, segment, arm] += 1
                lost += gaps[segment, arm]
                behind += means[segment, single] - mean
                learn(params, arm, reward, x, t, n, s, memory)
            so_far[0] = lost
            so_far[1] = behind
            note(r, c, so_far, course, sums)
        regret[r] = lost
