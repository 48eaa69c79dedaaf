"""Double Thompson sampling for duels."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from expsim_panel.kernels.bits import beta
from expsim_panel.kernels.duels import bound, pair, some
from expsim_panel.policy import DuelPolicy, Problem, policies
from expsim_panel.quantities import Factor


class DoubleThompsonParams(NamedTuple):
    """Exploration of the bounds that rule arms out."""

    alpha: float


@pair.register(DoubleThompsonParams)
def _pair(
    params: DoubleThompsonParams,
    bits: np.ndarray,
    t: int,
    wins: np.ndarray,
    memory: np.ndarray,
    work: np.ndarray,
    chosen: np.ndarray,
) -> None:
    """Scratch rows: 0 arms that may beat most others, 1 arms beaten in the draw, 2 draws against the champion."""
    arms = wins.shape[0]
    now = t + 1.0
    most = -1.0
    for i in range(arms):
        work[0, i] = 0.0
        work[1, i] = 0.0
        for j in range(arms):
            if j != i and bound(i, j, params.alpha, now, 1.0, wins) > 0.5:
                work[0, i] += 1.0
        most = max(most, work[0, i])
    for i in range(arms):
        for j in range(i + 1, arms):
            draw = beta(bits, wins[i, j] + 1.0, wins[j, i] + 1.0)
            if draw > 0.5:
                work[1, i] += 1.0
            elif draw < 0.5:
                work[1, j] += 1.0
    top = -1.0
    for i in range(arms):
        if work[0, i] == most:
            top = max(top, work[1, i])
    for i in range(arms):
        work[0, i] = 1.0 * int(work[0, i] == most and work[1, i] == top)
    first = some(bits, 0, work)
    best = -1.0
    for i in range(arms):
        work[2, i] = -1.0
        if i == first:
            work[2, i] = 0.5
        else:
            draw = beta(bits, wins[i, first] + 1.0, wins[first, i] + 1.0)
            if bound(i, first, params.alpha, now, -1.0, wins) <= 0.5:
                work[2, i] = draw
        best = max(best, work[2, i])
    for i in range(arms):
        work[2, i] = 1.0 * int(work[2, i] == best)
    chosen[0] = first
    chosen[1] = some(bits, 2, work)


@policies.register("double-thompson")
class DoubleThompson(DuelPolicy):
    """Draw every preference; the champion beats most others, a second draw names its strongest opponent.

    With bounds ``w_ij / n_ij -+ sqrt(alpha log(t) / n_ij)``, x / 0 = 1, 1/2 on the diagonal, t the number of this
    duel: the champion is drawn among the arms whose upper bounds beat most others, by ``theta_ij ~ Beta(w_ij + 1,
    w_ji + 1)``, ties at random. The opponent has the largest new draw against the champion (the champion itself
    1/2) among the arms whose lower bound does not exceed 1/2. A tie in a duel counts half for each.

    References
    ----------
    H. Wu, X. Liu (2016), "Double Thompson sampling for dueling bandits", NeurIPS, algorithm 1 (alpha above 1/2).
    """

    kind = "double-thompson"
    summary = "Two posterior draws name the pair of a duel (D-TS)"
    alpha = Factor(
        0.51,
        bounds=(0.0, 100.0),
        softbounds=(0.5, 2.0),
        label="Exploration",
        doc="Factor alpha in sqrt(alpha log(t) / n).",
    )

    def request(self, problem: Problem) -> Any:
        """Return the kernel's parameters."""
        return DoubleThompsonParams(float(self.alpha))
