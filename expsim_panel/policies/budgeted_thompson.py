"""Budgeted Thompson sampling: the most reward per dollar, by a draw from what is known of both."""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np

from expsim_panel.kernels.bits import beta, normal
from expsim_panel.kernels.requests import UNTRIED, largest, select
from expsim_panel.policies._prices import SPENT, Priced, known, pays
from expsim_panel.policy import Problem, policies


@pays
class BudgetedThompsonParams(NamedTuple):
    """Prices if known, and the family of the rewards."""

    costs: np.ndarray
    unknown: bool
    binary: bool


@select.register(BudgetedThompsonParams)
def _select(
    params: BudgetedThompsonParams,
    bits: np.ndarray,
    t: int,
    n: np.ndarray,
    s: np.ndarray,
    q: np.ndarray,
    memory: np.ndarray,
    work: np.ndarray,
) -> int:
    for a in range(n.shape[0]):
        if params.binary:
            value = beta(bits, 1.0 + s[a], 1.0 + n[a] - s[a])
        elif n[a] <= 0.0:
            work[0, a] = UNTRIED
            continue
        else:
            value = s[a] / n[a] + normal(bits) / math.sqrt(n[a])
        paid = beta(bits, 1.0 + memory[SPENT, a], 1.0 + n[a] - memory[SPENT, a]) if params.unknown else params.costs[a]
        work[0, a] = value / paid
    return largest(bits, work)


@policies.register("budgeted-thompson")
class BudgetedThompson(Priced):
    """Draw reward and price of every arm from their posteriors and pull the largest ratio.

    Rates and unknown 0/1 prices have a Beta(1, 1) prior; a known price is not drawn. Scores are drawn from
    N(mean, 1 / n), untried arms first. Pulls end when the next one cannot be paid.

    References
    ----------
    Y. Xia, H. Li, T. Qin, N. Yu, T.-Y. Liu (2015), "Thompson sampling for budgeted multi-armed bandits", IJCAI,
    algorithm 1.
    """

    kind = "budgeted-thompson"
    summary = "The most reward per dollar, by posterior draws"

    def request(self, problem: Problem) -> Any:
        """Return the kernel's parameters."""
        return BudgetedThompsonParams(known(problem), problem.unknown_costs, problem.binary)
