"""Sequential halving: a fixed budget in rounds, the worse half of the arms leaves after each."""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np

from expsim_panel.kernels.bits import uniform, whole
from expsim_panel.kernels.jit import inner
from expsim_panel.kernels.requests import recommend, select, shares, update
from expsim_panel.policy import BanditPolicy, Problem, policies


class HalvingParams(NamedTuple):
    """Pulls of one round, over all its arms; burn-in per arm; whether a day is shared at once.

    Memory, row 0: 1 for an arm that left. Row 1: pulls that an arm has once its round is over; 1 while a round that is
    over waits for the halving. Row 2: the means by which it is done. Row 3: of equal means the smaller number leaves.
    """

    round_pulls: int
    burn_in: int
    batched: bool


@inner
def _over(params: HalvingParams, n: np.ndarray, memory: np.ndarray) -> bool:
    """Tell whether every arm of the round has its pulls, and half of them must leave."""
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
def _close(params: HalvingParams, n: np.ndarray, s: np.ndarray, memory: np.ndarray) -> None:
    """Note the means with which a round ends: what a floor pulls until the policy is next asked is not theirs."""
    if memory[1, 1] == 0.0 and _over(params, n, memory):
        memory[1, 1] = 1.0
        for a in range(n.shape[0]):
            memory[2, a] = s[a] / n[a] if n[a] > 0.0 else 0.0


@inner
def _halve(params: HalvingParams, arms: int, memory: np.ndarray) -> None:
    """Drop the worse half; of equal means the one with the smaller number in row 3 of the memory."""
    active = 0
    for a in range(arms):
        active += int(memory[0, a] == 0.0)
    leaving = active // 2
    for _ in range(leaving):
        worst = -1
        for a in range(arms):
            if memory[0, a] != 0.0:
                continue
            if worst < 0:
                worst = a
                continue
            ahead = memory[2, a] - memory[2, worst]
            if ahead < 0.0 or (ahead == 0.0 and memory[3, a] < memory[3, worst]):
                worst = a
        memory[0, worst] = 1.0
    memory[1, 0] += max(1, params.round_pulls // (active - leaving))
    memory[1, 1] = 0.0


@inner
def _halve_at_random(params: HalvingParams, bits: np.ndarray, arms: int, memory: np.ndarray) -> None:
    """Do the halving that waits, if one does; ties at random."""
    if memory[1, 1] > 0.0:
        for a in range(arms):
            memory[3, a] = uniform(bits)
        _halve(params, arms, memory)


@inner
def _halve_in_order(params: HalvingParams, n: np.ndarray, s: np.ndarray, memory: np.ndarray) -> None:
    """Halve for every round that the batches have ended; of equal means the later arm leaves, the control last."""
    _close(params, n, s, memory)
    while memory[1, 1] > 0.0:
        for a in range(n.shape[0]):
            memory[3, a] = -float(a)
        _halve(params, n.shape[0], memory)
        _close(params, n, s, memory)


@update.register(HalvingParams)
def _update(
    params: HalvingParams,
    arm: int,
    pulls: float,
    reward: float,
    t: int,
    n: np.ndarray,
    s: np.ndarray,
    memory: np.ndarray,
) -> None:
    # In batches a round ends with a batch: when the policy is asked, it knows all of the last one.
    if not params.batched and t >= params.burn_in * n.shape[0]:
        _close(params, n, s, memory)


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
    if params.batched:
        _halve_in_order(params, n, s, memory)
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
    if params.batched:
        _halve_in_order(params, n, s, memory)
    else:
        _halve_at_random(params, bits, n.shape[0], memory)
        # A round that began with that halving may have been over before the policy was asked.
        _close(params, n, s, memory)
        _halve_at_random(params, bits, n.shape[0], memory)
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
    _halve_at_random(params, bits, n.shape[0], memory)
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
    far, ties at random, and what is left of the horizon goes on in turn. It keeps the best of the last two. A burn-in
    belongs to the first round, and what a floor pulls after a round has no part in its halving. In batches the arms of
    a round share each batch evenly, a batch ends every round whose pulls it completes, of equal means the later arm
    leaves, and the best is left alone.

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
        return HalvingParams(problem.horizon // rounds, int(self.burn_in), problem.batched)

    def memory(self, problem: Problem) -> tuple[int, int]:
        """Return the shape of who left, the round's target, and the means and order of a halving."""
        return (4, problem.arms)
