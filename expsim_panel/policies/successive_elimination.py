"""Successive elimination: all arms in turn, the clearly worse ones leave for good."""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np

from expsim_panel.kernels.jit import inner
from expsim_panel.kernels.requests import by_shares, update
from expsim_panel.policy import BanditPolicy, Problem, policies
from expsim_panel.quantities import Probability


class EliminationParams(NamedTuple):
    """Error probability, variance bound of a reward, and whether a day is shared at once."""

    delta: float
    variance: float
    batched: bool


@inner
def _width(params: EliminationParams, n: float, arms: int) -> float:
    return math.sqrt(2.0 * params.variance * math.log(4.0 * arms * n * n / params.delta) / n)


@by_shares(EliminationParams)
def _shares(
    params: EliminationParams, t: int, n: np.ndarray, s: np.ndarray, q: np.ndarray, memory: np.ndarray, work: np.ndarray
) -> None:
    arms = n.shape[0]
    least = math.inf
    for a in range(arms):
        if memory[0, a] == 0.0:
            least = min(least, n[a])
    total = 0.0
    for a in range(arms):
        here = memory[0, a] == 0.0 and (params.batched or n[a] == least)
        work[2, a] = 1.0 if here else 0.0
        total += work[2, a]
    for a in range(arms):
        work[2, a] /= total


@update.register(EliminationParams)
def _update(
    params: EliminationParams,
    arm: int,
    pulls: float,
    reward: float,
    t: int,
    n: np.ndarray,
    s: np.ndarray,
    memory: np.ndarray,
) -> None:
    """After a full round, drop every arm whose upper bound lies below the best lower bound (row 0 is 1 then)."""
    arms = n.shape[0]
    best = -math.inf
    for a in range(arms):
        if memory[0, a] == 0.0:
            if n[a] <= 0.0 or (not params.batched and n[a] != n[arm]):
                return
            best = max(best, s[a] / n[a] - _width(params, n[a], arms))
    for a in range(arms):
        if memory[0, a] == 0.0 and s[a] / n[a] + _width(params, n[a], arms) < best:
            memory[0, a] = 1.0


@policies.register("successive-elimination")
class SuccessiveElimination(BanditPolicy):
    """Pull the arms in turn; drop one when its interval lies below another's, with error delta in all.

    The half width after n pulls is ``sqrt(2 v log(4 K n^2 / delta) / n)``, v = 1/4 for rates and 1 for scores.
    In batches the arms that are left share each batch evenly, and are compared after it.

    References
    ----------
    E. Even-Dar, S. Mannor, Y. Mansour (2006), "Action elimination and stopping conditions for the multi-armed
    bandit and reinforcement learning problems", JMLR 7, 1079-1105.
    """

    kind = "successive-elimination"
    summary = "Even traffic, clearly worse arms leave for good"
    markov = False
    delta = Probability(
        0.05, bounds=(1e-9, 0.5), softbounds=(0.01, 0.2), label="Chance of error", doc="P(the best arm is dropped)."
    )

    def request(self, problem: Problem) -> Any:
        """Return the kernel's parameters."""
        return EliminationParams(float(self.delta), 0.25 if problem.binary else 1.0, problem.batched)
