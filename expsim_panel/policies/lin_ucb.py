"""LinUCB: optimism about what a linear model predicts for this prompt."""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np

from expsim_panel.kernels.contextual import pick, predict
from expsim_panel.kernels.requests import largest
from expsim_panel.policies._linear import Linear, regresses
from expsim_panel.policy import Problem, policies
from expsim_panel.quantities import Factor


@regresses
class LinUcbParams(NamedTuple):
    """Ridge, and how many standard errors of optimism."""

    ridge: float
    alpha: float


@pick.register(LinUcbParams)
def _pick(
    params: LinUcbParams,
    bits: np.ndarray,
    x: np.ndarray,
    t: int,
    n: np.ndarray,
    s: np.ndarray,
    q: np.ndarray,
    memory: np.ndarray,
    work: np.ndarray,
) -> int:
    for a in range(n.shape[0]):
        mean, square = predict(a, x, memory)
        work[0, a] = mean + params.alpha * math.sqrt(square)
    return largest(bits, work)


@policies.register("lin-ucb")
class LinUcb(Linear):
    """Pull the largest ``x' theta + alpha sqrt(x' A^-1 x)``, theta = A^-1 b, A = ridge I + sum x x' by arm.

    No arm is forced first: without data all indices are equal, and ties are broken at random.

    References
    ----------
    L. Li, W. Chu, J. Langford, R. E. Schapire (2010), "A contextual-bandit approach to personalized news article
    recommendation", WWW, algorithm 1 (disjoint linear models; ridge 1).
    """

    kind = "lin-ucb"
    summary = "Optimism about what a linear model predicts for this prompt"
    alpha = Factor(
        1.0,
        bounds=(0.0, 1000.0),
        softbounds=(0.1, 3.0),
        label="Optimism",
        doc="Standard errors added to the prediction, for noise of standard deviation 1.",
    )

    def request(self, problem: Problem) -> Any:
        """Return the kernel's parameters."""
        return LinUcbParams(float(self.ridge), float(self.alpha))
