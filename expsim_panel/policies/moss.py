"""MOSS: optimism that ends once an arm has had its share of a known horizon."""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np

from expsim_panel.kernels.jit import inner
from expsim_panel.kernels.requests import UNTRIED, begin, by_index, largest, select, update
from expsim_panel.policy import BanditPolicy, Problem, policies


class MossParams(NamedTuple):
    """Horizon over the number of arms."""

    share: float


@inner
def _moss(share: float, n: float, s: float) -> float:
    level = math.log(share / n)
    return s / n + math.sqrt((level if level > 0.0 else 0.0) / n)


@by_index(MossParams)
def _index(
    params: MossParams, arm: int, t: int, n: np.ndarray, s: np.ndarray, q: np.ndarray, memory: np.ndarray
) -> float:
    return _moss(params.share, n[arm], s[arm])


@begin.register(MossParams)
def _begin(params: MossParams, memory: np.ndarray) -> None:
    for a in range(memory.shape[1]):
        memory[0, a] = UNTRIED


@update.register(MossParams)
def _update(
    params: MossParams, arm: int, pulls: float, reward: float, t: int, n: np.ndarray, s: np.ndarray, memory: np.ndarray
) -> None:
    """Keep the index of the arm that changed: it depends on nothing else."""
    memory[0, arm] = _moss(params.share, n[arm], s[arm])


@select.register(MossParams)
def _select(
    params: MossParams,
    bits: np.ndarray,
    t: int,
    n: np.ndarray,
    s: np.ndarray,
    q: np.ndarray,
    memory: np.ndarray,
    work: np.ndarray,
) -> int:
    for a in range(n.shape[0]):
        work[0, a] = memory[0, a]
    return largest(bits, work)


@policies.register("moss")
class Moss(BanditPolicy):
    """Pull the largest ``mean + sqrt(max(0, log(T / (K n))) / n)``, T the horizon, K the number of arms.

    References
    ----------
    J.-Y. Audibert, S. Bubeck (2009), "Minimax policies for adversarial and stochastic bandits", COLT.
    """

    kind = "moss"
    summary = "Optimism for a known horizon (MOSS)"

    def request(self, problem: Problem) -> Any:
        """Return the kernel's parameters."""
        return MossParams(problem.horizon / problem.arms)
