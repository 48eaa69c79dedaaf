"""KL-UCB: optimism in Kullback-Leibler divergence."""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np

from expsim_panel.kernels.bits import uniform
from expsim_panel.kernels.indices import exploration, kl_upper, kl_upper_from
from expsim_panel.kernels.jit import inner
from expsim_panel.kernels.requests import UNTRIED, begin, by_index, select, update
from expsim_panel.policy import BanditPolicy, Problem, policies
from expsim_panel.quantities import Factor

ENTROPY, LAST = 0, 1


class KlUcbParams(NamedTuple):
    """Factor of log log t, and the family of the rewards."""

    c: float
    binary: bool


@inner
def _upper(params: KlUcbParams, level: float, n: float, s: float) -> float:
    if params.binary:
        return kl_upper(s / n, level / n)
    return s / n + math.sqrt(2.0 * level / n)


@inner
def _again(params: KlUcbParams, level: float, n: float, s: float, entropy: float, last: float) -> float:
    """Return the index of an arm whose last one is known."""
    if params.binary and level > 0.0 and 0.0 < s < n:
        return kl_upper_from(s / n, level / n, entropy, last)
    return _upper(params, level, n, s)


@by_index(KlUcbParams)
def _index(
    params: KlUcbParams, arm: int, t: int, n: np.ndarray, s: np.ndarray, q: np.ndarray, memory: np.ndarray
) -> float:
    return _upper(params, exploration(float(t), params.c), n[arm], s[arm])


@begin.register(KlUcbParams)
def _begin(params: KlUcbParams, memory: np.ndarray) -> None:
    for a in range(memory.shape[1]):
        memory[LAST, a] = UNTRIED


@update.register(KlUcbParams)
def _update(
    params: KlUcbParams, arm: int, pulls: float, reward: float, t: int, n: np.ndarray, s: np.ndarray, memory: np.ndarray
) -> None:
    """Keep p log p + (1 - p) log(1 - p), which only a pull changes; the last index is a guess at who leads."""
    p = s[arm] / n[arm]
    memory[ENTROPY, arm] = p * math.log(p) + (1.0 - p) * math.log(1.0 - p) if params.binary and 0.0 < p < 1.0 else 0.0
    if memory[LAST, arm] == UNTRIED:
        memory[LAST, arm] = 1.0


@select.register(KlUcbParams)
def _select(
    params: KlUcbParams,
    bits: np.ndarray,
    t: int,
    n: np.ndarray,
    s: np.ndarray,
    q: np.ndarray,
    memory: np.ndarray,
    work: np.ndarray,
) -> int:
    """Solve for the index of the likely leader only; ask of the others whether theirs is larger, which costs
    two products: ``n kl(mean, leader's index) <= level``.
    """
    arms = n.shape[0]
    found = 0
    ties = 1
    for a in range(1, arms):
        if memory[LAST, a] > memory[LAST, found]:
            found = a
            ties = 1
        elif memory[LAST, a] == UNTRIED and memory[LAST, found] == UNTRIED:
            ties += 1
            if uniform(bits) * ties < 1.0:
                found = a
    if memory[LAST, found] == UNTRIED:
        return found
    level = exploration(float(t), params.c)
    lazy = params.binary and level > 0.0
    best = _again(params, level, n[found], s[found], memory[ENTROPY, found], memory[LAST, found])
    memory[LAST, found] = best
    ties = 1
    first = found
    inside = lazy and best < 1.0
    up = math.log(best) if inside else 0.0
    down = math.log(1.0 - best) if inside else 0.0
    for a in range(arms):
        if a == first:
            continue
        same = n[a] == n[found] and s[a] == s[found]
        if lazy and not same:
            p = s[a] / n[a]
            if inside and p < best and n[a] * (memory[ENTROPY, a] - p * up - (1.0 - p) * down) > level:
                continue
            if not inside and p < 1.0:
                continue
        value = best if same else _again(params, level, n[a], s[a], memory[ENTROPY, a], memory[LAST, a])
        memory[LAST, a] = value
        if value > best:
            best = value
            found = a
            ties = 1
            inside = lazy and best < 1.0
            up = math.log(best) if inside else 0.0
            down = math.log(1.0 - best) if inside else 0.0
        elif value == best:
            ties += 1
            if uniform(bits) * ties < 1.0:
                found = a
    return found


@policies.register("kl-ucb")
class KlUcb(BanditPolicy):
    """Pull the largest q with ``n kl(mean, q) <= log t + c log log t``, t the completed pulls.

    Untried arms first, ties at random; the level is never below 0. For scores kl is that of normal laws with
    standard deviation 1: ``mean + sqrt(2 level / n)``.

    References
    ----------
    A. Garivier, O. Cappé (2011), "The KL-UCB algorithm for bounded stochastic bandits and beyond", COLT;
    c = 3 in its analysis, c = 0 in its experiments.
    """

    kind = "kl-ucb"
    summary = "Optimism measured in information (KL-UCB)"
    c = Factor(
        0.0,
        bounds=(0.0, 100.0),
        softbounds=(0.0, 5.0),
        label="Factor of log log t",
        doc="Extra exploration; 3 in the proof, 0 in practice.",
    )

    def request(self, problem: Problem) -> Any:
        """Return the kernel's parameters."""
        return KlUcbParams(float(self.c), problem.binary)

    def memory(self, problem: Problem) -> tuple[int, int]:
        """Return the shape of entropies and last indices by arm."""
        return (2, problem.arms)
