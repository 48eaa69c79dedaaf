"""Discounted Thompson sampling."""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np

from expsim_panel.kernels.bits import beta, normal
from expsim_panel.kernels.requests import UNTRIED, largest, select, update
from expsim_panel.policies._recent import PULLS, SUMS, Discounted, fade
from expsim_panel.policy import Problem, policies


class DiscountThompsonParams(NamedTuple):
    """How far it remembers, and the family of the rewards."""

    gamma: float
    binary: bool


@update.register(DiscountThompsonParams)
def _update(
    params: DiscountThompsonParams,
    arm: int,
    pulls: float,
    reward: float,
    t: int,
    n: np.ndarray,
    s: np.ndarray,
    memory: np.ndarray,
) -> None:
    fade(params.gamma, arm, reward, n.shape[0], memory)


@select.register(DiscountThompsonParams)
def _select(
    params: DiscountThompsonParams,
    bits: np.ndarray,
    t: int,
    n: np.ndarray,
    s: np.ndarray,
    q: np.ndarray,
    memory: np.ndarray,
    work: np.ndarray,
) -> int:
    for a in range(n.shape[0]):
        recent = max(memory[PULLS, a], 0.0)
        total = memory[SUMS, a]
        if params.binary:
            hits = min(max(total, 0.0), recent)
            work[0, a] = beta(bits, 1.0 + hits, 1.0 + recent - hits)
        elif recent <= 1e-9:
            work[0, a] = UNTRIED
        else:
            work[0, a] = total / recent + normal(bits) / math.sqrt(recent)
    return largest(bits, work)


@policies.register("discounted-thompson")
class DiscountedThompson(Discounted):
    """Thompson sampling on successes and failures that fade by gamma per request, on top of a Beta(1, 1) prior.

    Scores: N(s / n, 1 / n) of the faded sums.

    References
    ----------
    V. Raj, S. Kalyani (2017), "Taming non-stationary bandits: a Bayesian approach", arXiv:1707.09727.
    """

    kind = "discounted-thompson"
    summary = "Thompson sampling with a fading memory, for rewards that change"

    def request(self, problem: Problem) -> Any:
        """Return the kernel's parameters."""
        return DiscountThompsonParams(float(self.gamma), problem.binary)
