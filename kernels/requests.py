"""THE loop of bandits: one request after the other, replicate by replicate; memory does not grow with the horizon.

A policy is a NamedTuple of numbers with one compiled body at least (see `jit.generic`): `index` for those
that pull the arm with the largest index, `shares` for those that choose at random. From it follow the others:
`select` (which arm now), `shares` (with what probability: exact regret, propensities, daily batches).
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from expsim_panel.kernels.bits import normal, uniform, whole
from expsim_panel.kernels.jit import generic, generic_or, inner, kernel

UNTRIED = math.inf
"""Index of an arm without a pull: untried arms come first, in random order."""


@generic
def index(params: Any, arm: int, t: int, n: np.ndarray, s: np.ndarray, q: np.ndarray, memory: np.ndarray) -> float:
    """Return how much `arm` is worth pulling after t completed pulls; the largest is pulled, ties at random.

    `n`, `s`, `q`, shape (arms,): pulls, sum and sum of squares of the rewards. `memory`: what the policy keeps.
    """
    raise TypeError(f"no index is registered for {type(params).__name__}")


@generic
def shares(
    params: Any, t: int, n: np.ndarray, s: np.ndarray, q: np.ndarray, memory: np.ndarray, work: np.ndarray
) -> None:
    """Fill ``work[P_BEST]`` (row 2 of the (4, arms) scratch space) with the probability of each arm."""


@generic
def select(
    params: Any,
    bits: np.ndarray,
    t: int,
    n: np.ndarray,
    s: np.ndarray,
    q: np.ndarray,
    memory: np.ndarray,
    work: np.ndarray,
) -> int:
    """Return the arm of the next request, drawn from `shares`."""
    raise TypeError(f"no selection is registered for {type(params).__name__}")


@generic_or
def begin(params: Any, memory: np.ndarray) -> None:
    """Prepare the memory, which is zero, for a new experiment."""


@generic_or
def update(
    params: Any, arm: int, pulls: float, reward: float, t: int, n: np.ndarray, s: np.ndarray, memory: np.ndarray
) -> None:
    """Learn the sum `reward` of `pulls` rewards of `arm`; t, n and s already hold them."""


@generic_or
def recommend(params: Any, bits: np.ndarray, n: np.ndarray, s: np.ndarray, memory: np.ndarray) -> int:
    """Return the arm to keep at the end: the largest observed mean, ties at random."""
    best = -math.inf
    ties = 0
    for a in range(n.shape[0]):
        value = s[a] / n[a] if n[a] > 0.0 else -math.inf
        if value > best:
            best = value
            ties = 1
        elif value == best:
            ties += 1
    left = whole(bits, ties)
    for a in range(n.shape[0]):
        if (s[a] / n[a] if n[a] > 0.0 else -math.inf) == best:
            if left == 0:
                return a
            left -= 1
    return 0


@inner
def largest(bits: np.ndarray, work: np.ndarray) -> int:
    """Return where row 0 of the scratch space is largest, ties at random.

    Without a branch that data decide: one in the loop would be mispredicted at every change of arm. A random
    number is spent only on a tie.
    """
    best = work[0, 0]
    found = 0
    ties = 1
    for a in range(1, work.shape[1]):
        value = work[0, a]
        ties = 1 if value > best else ties + int(value == best)
        found = a if value > best else found
        best = value if value > best else best
    if ties > 1:
        left = whole(bits, ties)
        for a in range(work.shape[1]):
            if work[0, a] == best:
                if left == 0:
                    return a
                left -= 1
    return found


def _largest(
    params: Any,
    bits: np.ndarray,
    t: int,
    n: np.ndarray,
    s: np.ndarray,
    q: np.ndarray,
    memory: np.ndarray,
    work: np.ndarray,
) -> int:
    """Pull the largest index."""
    for a in range(n.shape[0]):
        work[0, a] = UNTRIED if n[a] <= 0.0 else index(params, a, t, n, s, q, memory)
    return largest(bits, work)


def _among_largest(
    params: Any, t: int, n: np.ndarray, s: np.ndarray, q: np.ndarray, memory: np.ndarray, work: np.ndarray
) -> None:
    """Share evenly among the arms with the largest index."""
    best = -math.inf
    ties = 0.0
    for a in range(n.shape[0]):
        work[0, a] = UNTRIED if n[a] <= 0.0 else index(params, a, t, n, s, q, memory)
        if work[0, a] > best:
            best = work[0, a]
            ties = 1.0
        elif work[0, a] == best:
            ties += 1.0
    for a in range(n.shape[0]):
        work[2, a] = 1.0 / ties if work[0, a] == best else 0.0


def _drawn(
    params: Any,
    bits: np.ndarray,
    t: int,
    n: np.ndarray,
    s: np.ndarray,
    q: np.ndarray,
    memory: np.ndarray,
    work: np.ndarray,
) -> int:
    """Draw an arm from the policy's probabilities."""
    shares(params, t, n, s, q, memory, work)
    u = uniform(bits)
    last: int = n.shape[0] - 1
    while last > 0 and work[2, last] <= 0.0:
        last -= 1
    for a in range(last):
        u -= work[2, a]
        if u < 0.0:
            return a
    return last


def by_index(cls: type) -> Callable[[Any], Any]:
    """Register the decorated `index` of a policy, and what follows from it."""

    def decorate(body: Any) -> Any:
        made = index.register(cls)(body)
        select.register(cls)(_largest)
        shares.register(cls)(_among_largest)
        return made

    return decorate


def by_shares(cls: type) -> Callable[[Any], Any]:
    """Register the decorated `shares` of a policy, and the selection that follows from it."""

    def decorate(body: Any) -> Any:
        made = shares.register(cls)(body)
        select.register(cls)(_drawn)
        return made

    return decorate


@inner
def floored(bits: np.ndarray, floors: np.ndarray, total: float) -> int:
    """Return the arm that the floors give the next request to, or -1: the policy chooses.

    ``p_a = f_a + (1 - sum f) w_a``: with probability f_a arm a whatever the policy says. `total`: the sum of floors.
    """
    if total <= 0.0:
        return -1
    u = uniform(bits)
    if u >= total:
        return -1
    last: int = floors.shape[0] - 1
    while last > 0 and floors[last] <= 0.0:
        last -= 1
    for a in range(last):
        u -= floors[a]
        if u < 0.0:
            return a
    return last


@inner
def sum_of(values: np.ndarray) -> float:
    """Return the sum, in order."""
    total = 0.0
    for a in range(values.shape[0]):
        total += values[a]
    return total


@inner
def mix(floors: np.ndarray, work: np.ndarray) -> None:
    """Turn the policy's shares w in row 2 of the scratch space into ``f_a + (1 - sum f) w_a``."""
    rest = 1.0 - sum_of(floors)
    for a in range(floors.shape[0]):
        work[2, a] = floors[a] + rest * work[2, a]


@inner
def fewest(bits: np.ndarray, n: np.ndarray, work: np.ndarray) -> int:
    """Return the arm with the fewest pulls, ties at random."""
    for a in range(n.shape[0]):
        work[0, a] = -n[a]
    return largest(bits, work)


@kernel
def play_requests(
    params: Any,
    rewards: np.ndarray,
    choices: np.ndarray,
    binary: bool,
    means: np.ndarray,
    starts: np.ndarray,
    horizon: int,
    burn_in: int,
    floors: np.ndarray,
    checkpoints: np.ndarray,
    memory: np.ndarray,
    pulls: np.ndarray,
    chosen: np.ndarray,
    regret: np.ndarray,
    path: np.ndarray,
    traffic: np.ndarray,
) -> None:
    """Play one policy through a block of bandit problems.

    Parameters
    ----------
    params : NamedTuple
        Parameters of a policy; their type chooses the compiled bodies.
    rewards, choices : uint64 ndarray, shape (4,)
        Streams of the block, by role; see `bits`.
    binary : bool
        Bernoulli rewards, or else normal ones with standard deviation 1.
    means : float64 ndarray, shape (phases, arms)
        Mean reward of each arm, phase by phase: one phase is the classic problem.
    starts : int64 ndarray, shape (phases,)
        Request (from 0) with which each phase begins; the first is 0.
    horizon : int
        Requests.
    burn_in : int
        First pulls of every arm, before the policy is asked.
    floors : float64 ndarray, shape (arms,)
        Least probability of each arm; their sum is at most 1.
    checkpoints : int64 ndarray
        Increasing numbers of requests at which regret is noted, the last the horizon.
    memory : float64 ndarray
        Space for the policy.
    pulls : int64 ndarray, shape (replicates, arms)
        Output: pulls at the end.
    chosen : int64 ndarray, shape (replicates,)
        Output: arm that the policy would keep.
    regret : float64 ndarray, shape (replicates,)
        Output: pseudo-regret, the sum of the gaps of the arms pulled.
    path : float64 ndarray, shape (paths, checkpoints)
        Output: regret over time of the first so many replicates.
    traffic : float64 ndarray, shape (checkpoints, arms + 2)
        Output, summed over replicates: pulls of each arm so far, regret, squared regret.
    """
    phases, arms = means.shape
    n = np.zeros(arms)
    s = np.zeros(arms)
    q = np.zeros(arms)
    work = np.zeros((4, arms))
    gaps = np.zeros((phases, arms))
    for k in range(phases):
        best = means[k, 0]
        for a in range(1, arms):
            best = max(best, means[k, a])
        for a in range(arms):
            gaps[k, a] = best - means[k, a]
    flat = memory.reshape(-1)
    forced = burn_in * arms
    explore = sum_of(floors)
    for r in range(pulls.shape[0]):
        for a in range(arms):
            n[a] = 0.0
            s[a] = 0.0
            q[a] = 0.0
        for i in range(flat.shape[0]):
            flat[i] = 0.0
        begin(params, memory)
        lost = 0.0
        phase = 0
        t = 0
        for c in range(checkpoints.shape[0]):
            while t < checkpoints[c]:
                if phase + 1 < phases and t >= starts[phase + 1]:
                    phase += 1
                arm = fewest(choices, n, work) if t < forced else floored(choices, floors, explore)
                if arm < 0:
                    arm = select(params, choices, t, n, s, q, memory, work)
                mean = means[phase, arm]
                # No branch on the uniform: half of them would be mispredicted.
                reward = 1.0 * int(uniform(rewards) < mean) if binary else mean + normal(rewards)
                n[arm] += 1.0
                s[arm] += reward
                q[arm] += reward * reward
                t += 1
                lost += gaps[phase, arm]
                update(params, arm, 1.0, reward, t, n, s, memory)
            for a in range(arms):
                traffic[c, a] += n[a]
            traffic[c, arms] += lost
            traffic[c, arms + 1] += lost * lost
            if r < path.shape[0]:
                path[r, c] = lost
        for a in range(arms):
            pulls[r, a] = int(n[a])
        regret[r] = lost
        chosen[r] = recommend(params, choices, n, s, memory)
