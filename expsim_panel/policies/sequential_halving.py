"""Sequential halving: a fixed budget in rounds, the worse half of the arms leaves after each."""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np

from expsim_panel.kernels.bits import uniform, whole
from expsim_panel.kernels.jit import inner
from expsim_panel.kernels.requests import recommend, select, shares
from expsim_panel.policy import BanditPolicy, Problem, policies


class HalvingParams(NamedTuple):
    """Pulls of one round, over all its arms; whether a day is shared at once."""

    round_pulls: int
    batched: bool


@inner
def _over(params: HalvingParams, n: np.ndarray, memory: np.ndarray) -> bool:
    """Tell whether every arm of the round has its pulls, and half of them must leave.

    Memory, row 0: 1 for an arm that left. Row 1, first cell: pulls that an arm has once the last round is over.
    """
    active = 0
    least = math.inf
    for a in range(n.shape[0]):
        if memory[0, a] == 0.0:
            active += 1
            least = min(least, n[a])
    if memory[1, 0] == 0.0:
        memory[1, 0] = max(1, params.round_pulls // active)
    # Per request the last two go on in turn until the horizon, which ends their round.
    return least >= memory[1, 0] and active > (1 if params.batched else 2)


@inner
def _halve(params: HalvingParams, n: np.ndarray, s: np.ndarray, memory: np.ndarray, work: np.ndarray) -> None:
    """Drop the worse half; of equal means the one with the smaller number in row 1 of the scratch space."""
    active = 0
    for a in range(n.shape[0]):
        active += int(memory[0, a] == 0.0)
    leaving = active // 2
    for _ in range(leaving):
        worst = -1
        for a in range(n.shape[0]):
            if memory[0, a] != 0.0:
                continue
            if worst < 0:
                worst = a
                continue
            ahead = s[a] / n[a] - s[worst] / n[worst]
            if ahead < 0.0 or (ahead == 0.0 and work[1, a] < work[1, worst]):
                worst = a
        memory[0, worst] = 1.0
    memory[1, 0] += max(1, params.round_pulls // (active - leaving))


@inner
def _in_turn(params: HalvingParams, n: np.ndarray, memory: np.ndarray, work: np.ndarray) -> None:
    """Share evenly among the arms of the round; per request among those with the fewest pulls."""
    least = math.inf
    for a in range(n.shape[0]):
        if memory[0, a] == 0.0:
            least = min(least, n[a])
    total = 0.0
    for a in range(n.shape[0]):
        here = memory[0, a] == 0.0 and (params.batched or n[a] == least)
        work[2, a] = 1.0 if here else 0.0
        total += work[2, a]
    for a in range(n.shape[0]):
        work[2, a] /= total


@shares.register(HalvingParams)
def _shares(
    params: HalvingParams, t: int, n: np.ndarray, s: np.ndarray, q: np.ndarray, memory: np.ndarray, work: np.ndarray
) -> None:
    if params.batched and _over(params, n, memory):
        for a in range(n.shape[0]):
            work[1, a] = -float(a)
        _halve(params, n, s, memory, work)
    _in_turn(params, n, memory, work)


@select.register(HalvingParams)
def _select(
    params: HalvingParams,
    bits: np.ndarray,
    t: int,
    n: np.ndarray,
    s: np.ndarray,
    q: np.ndarray,
    memory: np.ndarray,
    work: np.ndarray,
) -> int:
    if _over(params, n, memory):
        for a in range(n.shape[0]):
            work[1, a] = uniform(bits)
        _halve(params, n, s, memory, work)
    _in_turn(params, n, memory, work)
    u = uniform(bits)
    found = 0
    for a in range(n.shape[0]):
        if work[2, a] > 0.0:
            found = a
            u -= work[2, a]
            if u < 0.0:
                return a
    return found


@recommend.register(HalvingParams)
def _recommend(params: HalvingParams, bits: np.ndarray, n: np.ndarray, s: np.ndarray, memory: np.ndarray) -> int:
    """Return the best of those that are left, ties at random."""
    best = -math.inf
    ties = 0
    for a in range(n.shape[0]):
        if memory[0, a] == 0.0 and n[a] > 0.0:
            value = s[a] / n[a]
            ties = 1 if value > best else ties + int(value == best)
            best = max(best, value)
    left = whole(bits, max(ties, 1))
    for a in range(n.shape[0]):
        if memory[0, a] == 0.0 and n[a] > 0.0 and s[a] / n[a] == best:
            if left == 0:
                return a
            left -= 1
    return 0


@policies.register("sequential-halving")
class SequentialHalving(BanditPolicy):
    """Split the horizon into ceil(log2 K) equal rounds; after each, the worse half of the arms leaves.

    An arm of a round with a arms gets ``floor(T / (a ceil(log2 K)))`` pulls in it; means are over all pulls so
    far, ties at random, and what is left of the horizon goes on in turn. It keeps the best of the last two.

    References
    ----------
    Z. Karnin, T. Koren, O. Somekh (2013), "Almost optimal exploration in multi-armed bandits", ICML.
    """

    kind = "sequential-halving"
    summary = "Rounds of even traffic, the worse half leaves after each"
    markov = False

    def request(self, problem: Problem) -> Any:
        """Return the kernel's parameters."""
        rounds = max(1, math.ceil(math.log2(problem.arms)))
        return HalvingParams(problem.horizon // rounds, problem.batched)

    def memory(self, problem: Problem) -> tuple[int, int]:
        """Return the shape of who left, and of the round's target."""
        return (2, problem.arms)
