"""LUCB: the leader and its most dangerous rival."""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np

from expsim_panel.kernels.jit import inner
from expsim_panel.kernels.requests import by_shares
from expsim_panel.policy import BanditPolicy, Problem, policies
from expsim_panel.quantities import Probability


class LucbParams(NamedTuple):
    """Error probability and variance bound of a reward."""

    delta: float
    variance: float


@inner
def _width(params: LucbParams, t: float, n: float, arms: int) -> float:
    return math.sqrt(2.0 * params.variance * math.log(1.25 * arms * t * t * t * t / params.delta) / n)


@by_shares(LucbParams)
def _shares(
    params: LucbParams, t: int, n: np.ndarray, s: np.ndarray, q: np.ndarray, memory: np.ndarray, work: np.ndarray
) -> None:
    arms = n.shape[0]
    untried = 0.0
    for a in range(arms):
        work[2, a] = 1.0 if n[a] <= 0.0 else 0.0
        untried += work[2, a]
    if untried > 0.0:
        for a in range(arms):
            work[2, a] /= untried
        return
    best = -math.inf
    leaders = 0.0
    for a in range(arms):
        mean = s[a] / n[a]
        work[0, a] = mean
        work[1, a] = _width(params, float(t), n[a], arms)
        if mean > best:
            best = mean
            leaders = 1.0
        elif mean == best:
            leaders += 1.0
    for lead in range(arms):
        if work[0, lead] != best:
            continue
        high = -math.inf
        rivals = 0.0
        for a in range(arms):
            value = work[0, a] + work[1, a]
            if a != lead and value > high:
                high = value
                rivals = 1.0
            elif a != lead and value == high:
                rivals += 1.0
        decided = high < best - work[1, lead]
        work[2, lead] += (1.0 if decided else 0.5) / leaders
        for a in range(arms):
            if not decided and a != lead and work[0, a] + work[1, a] == high:
                work[2, a] += 0.5 / (rivals * leaders)


@policies.register("lucb")
class Lucb(BanditPolicy):
    """Pull the arm with the best mean or the one with the largest upper bound among the others, evenly.

    The paper pulls both in every round; here each request goes to one of them at random. Once the leader's
    lower bound passes the rival's upper one it gets everything. Equal leaders, and equal rivals, share evenly.
    Half width after n of t pulls: ``sqrt(2 v log(5 K t^4 / (4 delta)) / n)``, v = 1/4 for rates and 1 for scores.

    References
    ----------
    S. Kalyanakrishnan, A. Tewari, P. Auer, P. Stone (2012), "PAC subset selection in stochastic multi-armed
    bandits", ICML.
    """

    kind = "lucb"
    summary = "Traffic to the leader and its most dangerous rival (LUCB)"
    delta = Probability(
        0.05, bounds=(1e-9, 0.5), softbounds=(0.01, 0.2), label="Chance of error", doc="P(a wrong arm is named)."
    )

    def request(self, problem: Problem) -> Any:
        """Return the kernel's parameters."""
        return LucbParams(float(self.delta), 0.25 if problem.binary else 1.0)
