"""Budgeted UCB: the most reward per dollar, with optimism."""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np

from expsim_panel.kernels.requests import by_index
from expsim_panel.policies._prices import PricedUcb, known, pays, price
from expsim_panel.policy import Problem, policies
from expsim_panel.quantities import Share


@pays
class BudgetedUcbParams(NamedTuple):
    """Exploration, prices if known, the smallest price, and whether rewards end at 1."""

    c: float
    costs: np.ndarray
    unknown: bool
    least: float
    bounded: bool


@by_index(BudgetedUcbParams)
def _index(
    params: BudgetedUcbParams, arm: int, t: int, n: np.ndarray, s: np.ndarray, q: np.ndarray, memory: np.ndarray
) -> float:
    width = math.sqrt(params.c * math.log(float(t)) / n[arm])
    upper: float = s[arm] / n[arm] + width
    paid = price(params, arm, n[arm], memory)
    if not params.unknown:
        return upper / paid
    if params.bounded:
        upper = min(upper, 1.0)
    return upper / max(paid - width, params.least)


@policies.register("budgeted-ucb")
class BudgetedUcb(PricedUcb):
    """Pull the largest optimistic reward per dollar; untried arms first, ties at random.

    Known prices: ``(mean + e) / cost`` with ``e = sqrt(c log(t) / n)``, t the completed pulls (fractional KUBE).
    Unknown 0/1 prices: ``min(1, mean + e) / max(mean price - e, least)`` (m-UCB). Pulls end when the next one
    cannot be paid.

    References
    ----------
    L. Tran-Thanh, A. Chapman, A. Rogers, N. Jennings (2012), "Knapsack based optimal policies for
    budget-limited multi-armed bandits", AAAI. Y. Xia, W. Ding, X.-D. Zhang, N. Yu, T. Qin (2015), "Budgeted
    bandit problems with continuous random costs", ACML, for unknown prices.
    """

    kind = "budgeted-ucb"
    summary = "The most reward per dollar, with optimism (KUBE)"
    least = Share(0.01, bounds=(1e-6, 1.0), label="Smallest price", doc="No arm costs less than this on average.")

    def request(self, problem: Problem) -> Any:
        """Return the kernel's parameters."""
        return BudgetedUcbParams(
            float(self.c), known(problem), problem.unknown_costs, float(self.least), problem.binary
        )
