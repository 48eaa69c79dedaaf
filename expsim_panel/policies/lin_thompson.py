"""Linear Thompson sampling: a draw of what a linear model predicts for this prompt."""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np

from expsim_panel.kernels.bits import normal
from expsim_panel.kernels.contextual import pick, predict
from expsim_panel.kernels.requests import largest
from expsim_panel.policies._linear import Linear, regresses
from expsim_panel.policy import Problem, policies
from expsim_panel.quantities import Factor


@regresses
class LinThompsonParams(NamedTuple):
    """Ridge, and the standard deviation of the posterior in units of that for noise 1."""

    ridge: float
    scale: float


@pick.register(LinThompsonParams)
def _pick(
    params: LinThompsonParams,
    bits: np.ndarray,
    x: np.ndarray,
    t: int,
    n: np.ndarray,
    s: np.ndarray,
    q: np.ndarray,
    memory: np.ndarray,
    work: np.ndarray,
) -> int:
    """Draw the predictions themselves: of a draw of the coefficients nothing but x' theta is used."""
    for a in range(n.shape[0]):
        mean, square = predict(a, x, memory)
        work[0, a] = mean + params.scale * math.sqrt(square) * normal(bits)
    return largest(bits, work)


@policies.register("lin-thompson")
class LinThompson(Linear):
    """Draw ``theta ~ N(A^-1 b, (v R)^2 A^-1)`` for every arm and pull the largest ``x' theta``.

    A = ridge I + sum x x' by arm; R bounds the noise: 1/2 for 0/1 rewards, 1 for normal ones. Separate models
    by arm are the reference's common model with contexts that stand in a block for each arm. Ties have
    probability 0; the first request is drawn evenly.

    References
    ----------
    S. Agrawal, N. Goyal (2013), "Thompson sampling for contextual bandits with linear payoffs", ICML, algorithm 1;
    its v = R sqrt(9 d log(t / delta)) is for the proof, 1 is the posterior itself.
    """

    kind = "lin-thompson"
    summary = "Thompson sampling on what a linear model predicts for this prompt"
    v = Factor(
        1.0,
        bounds=(0.0, 1000.0),
        softbounds=(0.1, 3.0),
        label="Width of the draws",
        doc="Factor of the posterior's standard deviation; 1 is the posterior itself.",
    )

    def request(self, problem: Problem) -> Any:
        """Return the kernel's parameters."""
        return LinThompsonParams(float(self.ridge), float(self.v) * (0.5 if problem.binary else 1.0))
