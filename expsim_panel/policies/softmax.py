"""Softmax (Boltzmann exploration): probabilities proportional to exp(mean / temperature)."""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np

from expsim_panel.kernels.requests import by_shares
from expsim_panel.policy import BanditPolicy, Problem, policies
from expsim_panel.quantities import Factor


class SoftmaxParams(NamedTuple):
    """The temperature."""

    temperature: float


@by_shares(SoftmaxParams)
def _shares(
    params: SoftmaxParams, t: int, n: np.ndarray, s: np.ndarray, q: np.ndarray, memory: np.ndarray, work: np.ndarray
) -> None:
    arms = n.shape[0]
    best = -math.inf
    untried = 0.0
    for a in range(arms):
        if n[a] <= 0.0:
            untried += 1.0
        else:
            best = max(best, s[a] / n[a])
    total = 0.0
    for a in range(arms):
        if untried > 0.0:
            work[2, a] = 1.0 if n[a] <= 0.0 else 0.0
        else:
            work[2, a] = math.exp((s[a] / n[a] - best) / params.temperature)
        total += work[2, a]
    for a in range(arms):
        work[2, a] /= total


@policies.register("softmax")
class Softmax(BanditPolicy):
    """Pull arm a with probability proportional to ``exp(mean_a / temperature)``; untried arms first.

    References
    ----------
    R. S. Sutton, A. G. Barto (2018), "Reinforcement Learning", section 2.8, with observed means.
    """

    kind = "softmax"
    summary = "Traffic in proportion to exp(mean / temperature)"
    temperature = Factor(
        0.1,
        bounds=(0.0, None),
        inclusive_bounds=(False, True),
        softbounds=(0.01, 1.0),
        label="Temperature",
        doc="Large is even traffic, small is all to the leader; in units of the reward.",
    )

    def request(self, problem: Problem) -> Any:
        """Return the kernel's parameters."""
        return SoftmaxParams(float(self.temperature))
