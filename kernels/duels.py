"""The loop of duelling bandits: two arms answer a request, and a judge or rater prefers one of them or neither."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from expsim_panel.kernels.bits import uniform, whole
from expsim_panel.kernels.courses import note
from expsim_panel.kernels.jit import generic, inner, kernel


@generic
def pair(
    params: Any, bits: np.ndarray, t: int, wins: np.ndarray, memory: np.ndarray, work: np.ndarray, chosen: np.ndarray
) -> None:
    """Fill `chosen`, shape (2,), with the two arms of the next request after t of them; they may be the same.

    `wins`, shape (arms, arms): how often arm i was preferred to j, a tie as half a win of each. `memory` and
    `work`: the policy's, shape (4, arms); the memory is zero at first.
    """
    raise TypeError(f"no pair is registered for {type(params).__name__}")


@inner
def bound(i: int, j: int, alpha: float, t: float, sign: float, wins: np.ndarray) -> float:
    """Return ``w_ij / n + sign sqrt(alpha log(t) / n)``, n the duels of i and j; x / 0 is 1, and 1/2 where i = j."""
    if i == j:
        return 0.5
    n = wins[i, j] + wins[j, i]
    if n <= 0.0:
        return 1.0 + sign
    value: float = wins[i, j] / n + sign * math.sqrt(alpha * math.log(t) / n)
    return value


@inner
def some(bits: np.ndarray, row: int, work: np.ndarray) -> int:
    """Return an arm whose entry of this row of the scratch space is above 0, each with equal probability."""
    count = 0
    for a in range(work.shape[1]):
        count += int(work[row, a] > 0.0)
    left = whole(bits, count)
    for a in range(work.shape[1]):
        if work[row, a] > 0.0:
            if left == 0:
                return a
            left -= 1
    return 0


@inner
def leaders(wins: np.ndarray, work: np.ndarray) -> None:
    """Set row 0 of the scratch space to 1 for the arms that beat most others by their share of wins, 0 for the rest."""
    arms = wins.shape[0]
    most = -1.0
    for i in range(arms):
        beaten = 0.0
        for j in range(arms):
            beaten += 1.0 * int(wins[i, j] > wins[j, i])
        work[0, i] = beaten
        most = max(most, beaten)
    for i in range(arms):
        work[0, i] = 1.0 * int(work[0, i] == most)


@kernel
def play_duels(
    params: Any,
    verdicts: np.ndarray,
    choices: np.ndarray,
    prefer: np.ndarray,
    ties: np.ndarray,
    losses: np.ndarray,
    checkpoints: np.ndarray,
    memory: np.ndarray,
    duels: np.ndarray,
    chosen: np.ndarray,
    regret: np.ndarray,
    course: np.ndarray,
    sums: np.ndarray,
) -> None:
    """Play one policy through a block of experiments.

    Parameters
    ----------
    params : NamedTuple
        Parameters of a policy.
    verdicts, choices : uint64 ndarray, shape (4,)
        Streams of the verdicts and of the policy.
    prefer, ties : float64 ndarray, shape (arms, arms)
        P(i is preferred to j); P(neither is).
    losses : float64 ndarray, shape (arms,)
        ``P(winner beats arm) - 1/2``, a tie half a win.
    checkpoints : int64 ndarray
        Increasing numbers of duels, the last the horizon.
    memory : float64 ndarray, shape (4, arms)
        Space for the policy.
    duels : int64 ndarray, shape (replicates, arms)
        Output: places of each arm in duels, two a duel.
    chosen : int64 ndarray, shape (replicates,)
        Output: the arm that beats most others by its share of wins at the end (ties at random).
    regret : float64 ndarray, shape (replicates, 3)
        Output: sums of the mean, the larger and the smaller of the two losses.
    course, sums
        Output of `courses.note`: mean regret so far, and the chance that the arm to be named now is one without loss
        (a share of 1 where several arms beat as many others).
    """
    so_far = np.zeros(2)
    arms = prefer.shape[0]
    wins = np.zeros((arms, arms))
    work = np.zeros((4, arms))
    both = np.zeros(2, np.int64)
    for r in range(duels.shape[0]):
        for i in range(arms):
            for j in range(arms):
                wins[i, j] = 0.0
            for row in range(memory.shape[0]):
                memory[row, i] = 0.0
        t = 0
        for c in range(checkpoints.shape[0]):
            while t < checkpoints[c]:
                pair(params, choices, t, wins, memory, work, both)
                i = both[0]
                j = both[1]
                u = uniform(verdicts)
                if i != j:
                    if u < prefer[i, j]:
                        wins[i, j] += 1.0
                    elif u < prefer[i, j] + ties[i, j]:
                        wins[i, j] += 0.5
                        wins[j, i] += 0.5
                    else:
                        wins[j, i] += 1.0
                t += 1
                duels[r, i] += 1
                duels[r, j] += 1
                regret[r, 0] += 0.5 * (losses[i] + losses[j])
                regret[r, 1] += max(losses[i], losses[j])
                regret[r, 2] += min(losses[i], losses[j])
            leaders(wins, work)
            leading = 0.0
            right = 0.0
            for i in range(arms):
                leading += work[0, i]
                right += work[0, i] * int(losses[i] == 0.0)
            so_far[0] = regret[r, 0]
            so_far[1] = right / leading
            note(r, c, so_far, course, sums)
        leaders(wins, work)
        chosen[r] = some(choices, 0, work)
