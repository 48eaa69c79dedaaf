"""Discounted UCB: optimism about a fading past."""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np

from expsim_panel.kernels.requests import by_index
from expsim_panel.policies._recent import PULLS, Discounted, RecentUcb, by_discount, recent_ucb
from expsim_panel.policy import Problem, policies


@by_discount
class DiscountUcbParams(NamedTuple):
    """How far it remembers, and the factor inside the root."""

    gamma: float
    c: float


@by_index(DiscountUcbParams)
def _index(
    params: DiscountUcbParams, arm: int, t: int, n: np.ndarray, s: np.ndarray, q: np.ndarray, memory: np.ndarray
) -> float:
    total = 0.0
    for a in range(n.shape[0]):
        total += memory[PULLS, a]
    return recent_ucb(params.c, math.log(max(total, 1.0)), arm, memory)


@policies.register("discounted-ucb")
class DiscountedUcb(Discounted, RecentUcb):
    """Pull the largest ``mean + sqrt(c log(N) / n)``, all with weights that fade by gamma per request; N sums n.

    An arm without a pull comes first.

    References
    ----------
    A. Garivier, E. Moulines (2011), "On upper-confidence bound policies for switching bandit problems", ALT.
    """

    kind = "discounted-ucb"
    summary = "UCB with a fading memory, for rewards that change"

    def request(self, problem: Problem) -> Any:
        """Return the kernel's parameters."""
        return DiscountUcbParams(float(self.gamma), float(self.c))
