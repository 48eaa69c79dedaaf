"""EXP3: exponential weights, which promise something even where rewards are chosen by an adversary."""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np

from expsim_panel.errors import InputError
from expsim_panel.kernels.requests import by_shares, update
from expsim_panel.policy import BanditPolicy, Problem, policies
from expsim_panel.quantities import Share


class Exp3Params(NamedTuple):
    """Share that explores."""

    gamma: float


@by_shares(Exp3Params)
def _shares(
    params: Exp3Params, t: int, n: np.ndarray, s: np.ndarray, q: np.ndarray, memory: np.ndarray, work: np.ndarray
) -> None:
    """Row 0 of the memory: logarithm of the weights; row 1: the probabilities of this request."""
    arms = n.shape[0]
    top = memory[0, 0]
    for a in range(1, arms):
        top = max(top, memory[0, a])
    total = 0.0
    for a in range(arms):
        work[2, a] = math.exp(memory[0, a] - top)
        total += work[2, a]
    for a in range(arms):
        work[2, a] = (1.0 - params.gamma) * work[2, a] / total + params.gamma / arms
        memory[1, a] = work[2, a]


@update.register(Exp3Params)
def _update(
    params: Exp3Params, arm: int, pulls: float, reward: float, t: int, n: np.ndarray, s: np.ndarray, memory: np.ndarray
) -> None:
    # Before the first question to the policy (burn-in) traffic was even.
    p = memory[1, arm] if memory[1, arm] > 0.0 else 1.0 / n.shape[0]
    memory[0, arm] += params.gamma * reward / (p * n.shape[0])


@policies.register("exp3")
class Exp3(BanditPolicy):
    """Weights grow by ``exp(gamma reward / (K p))``; probabilities are the weights, mixed with gamma / K each.

    Needs rewards between 0 and 1.

    References
    ----------
    P. Auer, N. Cesa-Bianchi, Y. Freund, R. E. Schapire (2002), "The nonstochastic multiarmed bandit problem",
    SIAM Journal on Computing 32, 48-77.
    """

    kind = "exp3"
    summary = "Exponential weights, safe against an adversary (EXP3)"
    markov = False
    batched = False
    delayed = False
    gamma = Share(
        0.1, bounds=(0.0001, 1.0), softbounds=(0.01, 0.5), label="Share that explores", doc="Even over all arms."
    )

    def request(self, problem: Problem) -> Any:
        """Return the kernel's parameters."""
        return Exp3Params(float(self.gamma))

    def least_share(self, problem: Problem) -> float:
        """Return an arm's part of what explores."""
        return float(self.gamma) / problem.arms

    def memory(self, problem: Problem) -> tuple[int, int]:
        """Return the shape of weights and probabilities by arm."""
        return (2, problem.arms)

    def check_arms(self, problem: Problem, where: str, key: str = "") -> None:
        """Refuse rewards that are not between 0 and 1, and a floor that would bias the weights."""
        super().check_arms(problem, where, key)
        if not problem.binary:
            raise InputError(where, key, "exp3 needs rewards from 0 to 1", "use the family bernoulli")
        if self.has_floor:
            raise InputError(where, f"{key}.floor" if key else "floor", "exp3 explores by gamma", "leave floor at 0")
