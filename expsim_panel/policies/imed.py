"""IMED: the smallest cost of believing that the arm is best."""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np

from expsim_panel.kernels.indices import bernoulli_kl
from expsim_panel.kernels.jit import inner
from expsim_panel.kernels.requests import UNTRIED, by_index, largest, select
from expsim_panel.policy import BanditPolicy, Problem, policies

_GRID = 1.5 * 2.0**12
"""Added and taken away again it rounds an index to 2**-40: ties such as ``kl(0, 1/2) + log 1 = log 2`` are ties of real
numbers, which the last bit of a logarithm must not break."""


class ImedParams(NamedTuple):
    """The family of the rewards."""

    binary: bool


@inner
def _imed(params: ImedParams, n: float, s: float, best: float) -> float:
    mean = s / n
    if mean >= best:
        return (_GRID - math.log(n)) - _GRID
    apart = bernoulli_kl(mean, best) if params.binary else 0.5 * (best - mean) * (best - mean)
    return (_GRID - (n * apart + math.log(n))) - _GRID


@by_index(ImedParams)
def _index(
    params: ImedParams, arm: int, t: int, n: np.ndarray, s: np.ndarray, q: np.ndarray, memory: np.ndarray
) -> float:
    best = -math.inf
    for a in range(n.shape[0]):
        if n[a] > 0.0:
            best = max(best, s[a] / n[a])
    return _imed(params, n[arm], s[arm], best)


@select.register(ImedParams)
def _select(
    params: ImedParams,
    bits: np.ndarray,
    t: int,
    n: np.ndarray,
    s: np.ndarray,
    q: np.ndarray,
    memory: np.ndarray,
    work: np.ndarray,
) -> int:
    top = -math.inf
    for a in range(n.shape[0]):
        if n[a] > 0.0:
            top = max(top, s[a] / n[a])
    for a in range(n.shape[0]):
        work[0, a] = UNTRIED if n[a] <= 0.0 else _imed(params, n[a], s[a], top)
    return largest(bits, work)


@policies.register("imed")
class Imed(BanditPolicy):
    """Pull the smallest ``n kl(mean, best mean) + log n``; untried arms first, ties at random.

    References
    ----------
    J. Honda, A. Takemura (2015), "Non-asymptotic analysis of a new bandit algorithm for semi-bounded rewards",
    JMLR 16, 3721-3756.
    """

    kind = "imed"
    summary = "Least evidence against being best (IMED)"

    def request(self, problem: Problem) -> Any:
        """Return the kernel's parameters."""
        return ImedParams(problem.binary)
