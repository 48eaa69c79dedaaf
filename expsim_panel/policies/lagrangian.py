"""Quality against cost: optimism about the value of a reward less the price of a pull."""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np

from expsim_panel.kernels.metered import meter
from expsim_panel.kernels.requests import by_index, recommend
from expsim_panel.policies._prices import SPENT, PricedUcb, known, price
from expsim_panel.policy import Problem, policies
from expsim_panel.quantities import Factor

SHADOW = 1


class LagrangianParams(NamedTuple):
    """Exploration; prices if known; worth of a reward; weight of cost; step and pace of the shadow price."""

    c: float
    costs: np.ndarray
    unknown: bool
    value: float
    weight: float
    step: float
    pace: float


@meter.register(LagrangianParams)
def _meter(
    params: LagrangianParams, arm: int, cost: float, bad: float, t: int, n: np.ndarray, memory: np.ndarray
) -> None:
    """Add up prices, and raise the shadow price of money where it is spent faster than the budget allows."""
    memory[SPENT, arm] += cost
    memory[SHADOW, 0] = max(0.0, memory[SHADOW, 0] + params.step * (cost - params.pace))


@by_index(LagrangianParams)
def _index(
    params: LagrangianParams, arm: int, t: int, n: np.ndarray, s: np.ndarray, q: np.ndarray, memory: np.ndarray
) -> float:
    width = math.sqrt(params.c * math.log(float(t)) / n[arm])
    paid = price(params, arm, n[arm], memory)
    if params.unknown:
        paid = max(paid - width, 0.0)
    worth: float = params.value * (s[arm] / n[arm] + width) - (params.weight + memory[SHADOW, 0]) * paid
    return worth


@recommend.register(LagrangianParams)
def _recommend(params: LagrangianParams, bits: np.ndarray, n: np.ndarray, s: np.ndarray, memory: np.ndarray) -> int:
    """Keep the largest mean worth; the first of equal ones."""
    best = -math.inf
    found = 0
    for a in range(n.shape[0]):
        if n[a] > 0.0:
            paid = price(params, a, n[a], memory)
            worth = params.value * s[a] / n[a] - (params.weight + memory[SHADOW, 0]) * paid
            if worth > best:
                best = worth
                found = a
    return found


@policies.register("lagrangian")
class Lagrangian(PricedUcb):
    """Pull the largest ``value (mean + e) - (w + lambda) cost``, ``e = sqrt(c log(t) / n)``; untried arms first.

    With a value of rewards in dollars w = 1; without one value = 1 and w = 0. Under a budget B lambda is the
    shadow price of money: after every pull ``lambda = max(0, lambda + step (cost - B / T))``; otherwise it is 0.
    Unknown 0/1 prices enter by ``max(0, mean price - e)``.

    References
    ----------
    S. Agrawal, N. Devanur (2014), "Bandits with concave rewards and convex knapsacks", EC; A. Badanidiyuru,
    R. Kleinberg, A. Slivkins (2013), "Bandits with knapsacks", FOCS: UCB on the Lagrangian with gradient steps
    on the multiplier.
    """

    kind = "lagrangian"
    summary = "Value of quality less its cost, with optimism"
    step = Factor(
        0.0,
        bounds=(0.0, 100.0),
        softbounds=(0.0, 1.0),
        label="Step of the shadow price",
        doc="How fast the price of money follows spending; 0 means 1 / sqrt(requests).",
    )

    def request(self, problem: Problem) -> Any:
        """Return the kernel's parameters."""
        limited = math.isfinite(problem.budget)
        value, weight = (1.0, 0.0) if problem.value is None else (problem.value, 1.0)
        step = (float(self.step) or 1.0 / math.sqrt(problem.horizon)) if limited else 0.0
        pace = problem.budget / problem.horizon if limited else 0.0
        return LagrangianParams(float(self.c), known(problem), problem.unknown_costs, value, weight, step, pace)

    def memory(self, problem: Problem) -> tuple[int, int]:
        """Return the shape of what was paid, by arm, and of the shadow price."""
        return (2, problem.arms)
