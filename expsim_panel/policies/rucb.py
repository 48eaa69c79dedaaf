"""RUCB: relative upper confidence bounds for duels."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from expsim_panel.kernels.bits import uniform, whole
from expsim_panel.kernels.duels import bound, pair, some
from expsim_panel.policy import DuelPolicy, Problem, policies
from expsim_panel.quantities import Factor

HYPOTHESIS = 0


class RucbParams(NamedTuple):
    """Exploration."""

    alpha: float


@pair.register(RucbParams)
def _pair(
    params: RucbParams,
    bits: np.ndarray,
    t: int,
    wins: np.ndarray,
    memory: np.ndarray,
    work: np.ndarray,
    chosen: np.ndarray,
) -> None:
    """Row 0 of the memory marks the hypothesised best arm B; row 0 of the scratch space the candidates C."""
    arms = wins.shape[0]
    now = t + 1.0
    count = 0
    held = -1
    for i in range(arms):
        work[0, i] = 1.0
        for j in range(arms):
            if bound(i, j, params.alpha, now, 1.0, wins) < 0.5:
                work[0, i] = 0.0
        count += int(work[0, i] > 0.0)
        if work[0, i] <= 0.0:
            memory[HYPOTHESIS, i] = 0.0
        if memory[HYPOTHESIS, i] > 0.0:
            held = i
    if count == 0:
        first = whole(bits, arms)
    elif count == 1:
        first = some(bits, 0, work)
        memory[HYPOTHESIS, first] = 1.0
    elif held >= 0 and uniform(bits) < 0.5:
        first = held
    else:
        if held >= 0:
            work[0, held] = 0.0
        first = some(bits, 0, work)
    best = -1.0
    for j in range(arms):
        best = max(best, bound(j, first, params.alpha, now, 1.0, wins))
    others = 0
    for j in range(arms):
        work[1, j] = 1.0 * int(bound(j, first, params.alpha, now, 1.0, wins) == best)
        others += int(j != first and work[1, j] > 0.0)
    if others > 0:
        work[1, first] = 0.0
    chosen[0] = first
    chosen[1] = some(bits, 1, work)


@policies.register("rucb")
class Rucb(DuelPolicy):
    """Choose a champion that may still beat everybody, and the opponent that may beat it most.

    With ``u_ij = w_ij / n_ij + sqrt(alpha log(t) / n_ij)``, x / 0 = 1, u_ii = 1/2, t the number of this duel:
    candidates C = {i: u_ij >= 1/2 for all j}. The only candidate becomes the hypothesis B; B is dropped when it
    leaves C. Champion: any arm if C is empty; of several, B with probability 1/2, else another of C, evenly.
    Opponent: the largest u_j,champion, ties at random but never the champion itself on a tie.

    References
    ----------
    M. Zoghi, S. Whiteson, R. Munos, M. de Rijke (2014), "Relative upper confidence bound for the K-armed duelling
    bandit problem", ICML, algorithm 1 (alpha above 1/2; 0.51 in its experiments).
    """

    kind = "rucb"
    summary = "Optimism about who beats whom (RUCB)"
    alpha = Factor(
        0.51,
        bounds=(0.0, 100.0),
        softbounds=(0.5, 2.0),
        label="Exploration",
        doc="Factor alpha in sqrt(alpha log(t) / n).",
    )

    def request(self, problem: Problem) -> Any:
        """Return the kernel's parameters."""
        return RucbParams(float(self.alpha))
