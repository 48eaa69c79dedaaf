"""Discounted UCB: optimism about a fading past."""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np

from expsim_panel.kernels.requests import UNTRIED, by_index, update
from expsim_panel.policies._recent import PULLS, SUMS, Discounted, fade
from expsim_panel.policy import Problem, policies
from expsim_panel.quantities import Factor


class DiscountUcbParams(NamedTuple):
    """How far it remembers, and the factor inside the root."""

    gamma: float
    c: float


@update.register(DiscountUcbParams)
def _update(
    params: DiscountUcbParams,
    arm: int,
    pulls: float,
    reward: float,
    t: int,
    n: np.ndarray,
    s: np.ndarray,
    memory: np.ndarray,
) -> None:
    fade(params.gamma, arm, reward, n.shape[0], memory)


@by_index(DiscountUcbParams)
def _index(
    params: DiscountUcbParams, arm: int, t: int, n: np.ndarray, s: np.ndarray, q: np.ndarray, memory: np.ndarray
) -> float:
    recent = memory[PULLS, arm]
    if recent <= 1e-9:
        return UNTRIED
    total = 0.0
    for a in range(n.shape[0]):
        total += memory[PULLS, a]
    level = math.log(max(total, 1.0))
    value: float = memory[SUMS, arm] / recent + math.sqrt(params.c * level / recent)
    return value


@policies.register("discounted-ucb")
class DiscountedUcb(Discounted):
    """Pull the largest ``mean + sqrt(c log(N) / n)``, all with weights that fade by gamma per request; N sums n.

    An arm without a pull comes first.

    References
    ----------
    A. Garivier, E. Moulines (2011), "On upper-confidence bound policies for switching bandit problems", ALT.
    """

    kind = "discounted-ucb"
    summary = "UCB with a fading memory, for rewards that change"
    c = Factor(
        2.0,
        bounds=(0.0, 1000.0),
        softbounds=(0.1, 4.0),
        label="Exploration factor",
        doc="Factor c in sqrt(c log(...) / n).",
    )

    def request(self, problem: Problem) -> Any:
        """Return the kernel's parameters."""
        return DiscountUcbParams(float(self.gamma), float(self.c))
