"""UCB1: the largest optimistic mean."""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import partial
from typing import Any, NamedTuple

import numpy as np

from expsim_panel.kernels.lanes import play_ucb1
from expsim_panel.kernels.requests import UNTRIED, begin, by_index, largest, select, shares, update
from expsim_panel.policy import BanditPolicy, Problem, policies
from expsim_panel.quantities import Factor


class Ucb1Params(NamedTuple):
    """The factor inside the root."""

    c: float


@by_index(Ucb1Params)
def _index(
    params: Ucb1Params, arm: int, t: int, n: np.ndarray, s: np.ndarray, q: np.ndarray, memory: np.ndarray
) -> float:
    value: float = s[arm] * (1.0 / n[arm]) + math.sqrt(params.c * math.log(float(t))) * (1.0 / math.sqrt(n[arm]))
    return value


@shares.register(Ucb1Params)
def _shares(
    params: Ucb1Params, t: int, n: np.ndarray, s: np.ndarray, q: np.ndarray, memory: np.ndarray, work: np.ndarray
) -> None:
    """Share evenly among the arms with the largest index; its root is the same for all arms."""
    root = math.sqrt(params.c * math.log(float(t))) if t > 0 else 0.0
    best = -math.inf
    ties = 1.0
    for a in range(n.shape[0]):
        work[0, a] = s[a] * (1.0 / n[a]) + root * (1.0 / math.sqrt(n[a])) if n[a] > 0.0 else UNTRIED
        ties = 1.0 if work[0, a] > best else ties + 1.0 * int(work[0, a] == best)
        best = max(best, work[0, a])
    for a in range(n.shape[0]):
        work[2, a] = 1.0 / ties if work[0, a] == best else 0.0


@begin.register(Ucb1Params)
def _begin(params: Ucb1Params, memory: np.ndarray) -> None:
    for a in range(memory.shape[1]):
        memory[0, a] = UNTRIED
        memory[2, a] = 1.0
        memory[3, a] = 1.0


@update.register(Ucb1Params)
def _update(
    params: Ucb1Params, arm: int, pulls: float, reward: float, t: int, n: np.ndarray, s: np.ndarray, memory: np.ndarray
) -> None:
    """Keep mean and root of the arm that changed, and prepare those of its next pull.

    The next selection waits for nothing but a product; root and division run beside it.
    """
    if pulls == 1.0:
        memory[0, arm] = s[arm] * memory[2, arm]
        memory[1, arm] = memory[3, arm]
    else:
        memory[0, arm] = s[arm] * (1.0 / n[arm])
        memory[1, arm] = 1.0 / math.sqrt(n[arm])
    after = n[arm] + 1.0
    memory[2, arm] = 1.0 / after
    memory[3, arm] = 1.0 / math.sqrt(after)


@select.register(Ucb1Params)
def _select(
    params: Ucb1Params,
    bits: np.ndarray,
    t: int,
    n: np.ndarray,
    s: np.ndarray,
    q: np.ndarray,
    memory: np.ndarray,
    work: np.ndarray,
) -> int:
    root = math.sqrt(params.c * math.log(float(t))) if t > 0 else 0.0
    best = memory[0, 0] + root * memory[1, 0]
    found = 0
    ties = 1
    for a in range(1, n.shape[0]):
        value = memory[0, a] + root * memory[1, a]
        ties = 1 if value > best else ties + int(value == best)
        found = a if value > best else found
        best = value if value > best else best
    if ties == 1:
        return found
    for a in range(n.shape[0]):
        work[0, a] = memory[0, a] + root * memory[1, a]
    return largest(bits, work)


@policies.register("ucb1")
class Ucb1(BanditPolicy):
    """Pull the largest ``mean + sqrt(c log(t) / n)``, t the completed pulls; untried arms first, ties at random.

    References
    ----------
    P. Auer, N. Cesa-Bianchi, P. Fischer (2002), "Finite-time analysis of the multiarmed bandit problem",
    Machine Learning 47, 235-256, figure 1 (c = 2).
    """

    kind = "ucb1"
    summary = "The largest mean plus uncertainty (UCB1)"
    c = Factor(
        2.0,
        bounds=(0.0, 1000.0),
        softbounds=(0.1, 4.0),
        label="Exploration factor",
        doc="Factor c in sqrt(c log(t) / n); 2 in the original.",
    )

    def request(self, problem: Problem) -> Any:
        """Return the kernel's parameters."""
        return Ucb1Params(float(self.c))

    def memory(self, problem: Problem) -> tuple[int, int]:
        """Return the shape of means and roots by arm."""
        return (4, problem.arms)

    def lanes(self, problem: Problem) -> Callable[..., None] | None:
        """Return the loop of many lanes where nothing but UCB1 itself chooses, on Bernoulli rewards."""
        params = self.request(problem)
        if type(params) is not Ucb1Params or not problem.binary or self.has_floor or self.burn_in:
            return None
        return partial(play_ucb1, params.c)
