"""Thompson sampling on whole distributions of ratings."""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np

from expsim_panel.errors import InputError
from expsim_panel.kernels.bits import gamma
from expsim_panel.kernels.requests import largest, select, update
from expsim_panel.policy import BanditPolicy, Problem, policies


class DirichletThompsonParams(NamedTuple):
    """Number of levels."""

    levels: int


@update.register(DirichletThompsonParams)
def _update(
    params: DirichletThompsonParams,
    arm: int,
    pulls: float,
    reward: float,
    t: int,
    n: np.ndarray,
    s: np.ndarray,
    memory: np.ndarray,
) -> None:
    """Count the level; rewards are levels in equal steps from 0 to 1."""
    memory[int(reward * (params.levels - 1) + 0.5), arm] += 1.0


@select.register(DirichletThompsonParams)
def _select(
    params: DirichletThompsonParams,
    bits: np.ndarray,
    t: int,
    n: np.ndarray,
    s: np.ndarray,
    q: np.ndarray,
    memory: np.ndarray,
    work: np.ndarray,
) -> int:
    """Draw a distribution of each arm's levels as independent gammas over their sum; only its mean counts."""
    for a in range(n.shape[0]):
        total = 0.0
        mean = 0.0
        for k in range(params.levels):
            # Shape 1 + count, less a third.
            d = memory[k, a] + 2.0 / 3.0
            x = gamma(bits, d, 1.0 / math.sqrt(9.0 * d))
            total += x
            mean += k * x
        work[0, a] = mean / total
    return largest(bits, work)


@policies.register("dirichlet-thompson")
class DirichletThompson(BanditPolicy):
    """Draw every arm's distribution of ratings from Dirichlet(1 + counts) and pull the largest mean.

    Knows that rewards are 1..J (0/1 for the Bernoulli problem, where it is Thompson sampling with a Beta(1, 1)
    prior). No initialisation; ties have probability 0.

    References
    ----------
    C. Riou, J. Honda (2020), "Bandit algorithms based on Thompson sampling for bounded reward distributions", ALT,
    algorithm 1 (multinomial Thompson sampling), which meets the bound of Burnetas and Katehakis.
    """

    kind = "dirichlet-thompson"
    summary = "Thompson sampling on whole distributions of ratings"
    markov = False
    batched = False

    def request(self, problem: Problem) -> Any:
        """Return the kernel's parameters."""
        return DirichletThompsonParams(problem.levels)

    def memory(self, problem: Problem) -> tuple[int, int]:
        """Return the shape of counts by level and arm."""
        return (problem.levels, problem.arms)

    def check_arms(self, problem: Problem, where: str, key: str = "") -> None:
        """Refuse rewards that have no levels."""
        super().check_arms(problem, where, key)
        if not problem.binary:
            raise InputError(where, key, "dirichlet-thompson needs rewards with levels", "give ratings, or 0/1 rewards")
