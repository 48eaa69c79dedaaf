"""UCB-V: optimism scaled by the observed variance."""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np

from expsim_panel.kernels.requests import by_index
from expsim_panel.policy import BanditPolicy, Problem, policies
from expsim_panel.quantities import Factor


class UcbVParams(NamedTuple):
    """Factors zeta and c, and the range b of the rewards."""

    zeta: float
    c: float
    b: float


@by_index(UcbVParams)
def _index(
    params: UcbVParams, arm: int, t: int, n: np.ndarray, s: np.ndarray, q: np.ndarray, memory: np.ndarray
) -> float:
    mean = s[arm] / n[arm]
    variance = max(q[arm] / n[arm] - mean * mean, 0.0)
    level = params.zeta * math.log(float(t)) / n[arm]
    value: float = mean + math.sqrt(2.0 * variance * level) + 3.0 * params.c * params.b * level
    return value


@policies.register("ucb-v")
class UcbV(BanditPolicy):
    """Pull the largest ``mean + sqrt(2 v zeta log(t) / n) + 3 c b zeta log(t) / n``, v the observed variance.

    References
    ----------
    J.-Y. Audibert, R. Munos, C. Szepesvári (2009), "Exploration-exploitation tradeoff using variance estimates
    in multi-armed bandits", Theoretical Computer Science 410, 1876-1902, with zeta = c = 1.
    """

    kind = "ucb-v"
    summary = "Optimism scaled by the observed variance (UCB-V)"
    zeta = Factor(
        1.0,
        bounds=(0.0, 1000.0),
        softbounds=(0.1, 4.0),
        label="Exploration factor",
        doc="Factor zeta of log(t).",
    )
    c = Factor(
        1.0, bounds=(0.0, 1000.0), softbounds=(0.0, 2.0), label="Correction", doc="Factor c of the term in 1 / n."
    )
    b = Factor(
        1.0,
        bounds=(0.0, None),
        softbounds=(0.1, 5.0),
        label="Range of the rewards",
        doc="Largest possible reward; 1 for rates.",
    )

    def request(self, problem: Problem) -> Any:
        """Return the kernel's parameters."""
        return UcbVParams(float(self.zeta), float(self.c), float(self.b))
