"""Even split: every request goes to an arm at random, whatever comes out."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from expsim_panel.kernels.bits import whole
from expsim_panel.kernels.requests import select, shares
from expsim_panel.policy import BanditPolicy, Problem, policies


class EvenParams(NamedTuple):
    """Nothing to know but the number of arms."""

    arms: int


@shares.register(EvenParams)
def _shares(
    params: EvenParams, t: int, n: np.ndarray, s: np.ndarray, q: np.ndarray, memory: np.ndarray, work: np.ndarray
) -> None:
    for a in range(n.shape[0]):
        work[2, a] = 1.0 / n.shape[0]


@select.register(EvenParams)
def _select(
    params: EvenParams,
    bits: np.ndarray,
    t: int,
    n: np.ndarray,
    s: np.ndarray,
    q: np.ndarray,
    memory: np.ndarray,
    work: np.ndarray,
) -> int:
    return whole(bits, n.shape[0])


@policies.register("even")
class Even(BanditPolicy):
    """Give every arm the same chance at every request: the randomised experiment as a bandit policy."""

    kind = "even"
    follows_data = False
    summary = "Even split at random, whatever comes out"

    def request(self, problem: Problem) -> Any:
        """Return the kernel's parameters."""
        return EvenParams(problem.arms)

    def expected_pulls(self, problem: Problem, means: np.ndarray) -> np.ndarray | None:
        """Return horizon / arms for every arm."""
        return np.full(problem.arms, problem.horizon / problem.arms)

    def least_share(self, problem: Problem) -> float:
        """Return an even share."""
        return 1.0 / problem.arms
