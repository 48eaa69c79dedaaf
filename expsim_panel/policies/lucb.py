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
    lead = 0
    for a in range(1, arms):
        ahead = s[a] / n[a] - s[lead] / n[lead]
        if ahead > 0.0 or (ahead == 0.0 and n[a] < n[lead]):
            lead = a
    rival = -1
    high = -math.inf
    for a in range(arms):
        value = s[a] / n[a] + _width(params, float(t), n[a], arms)
        if a != lead and value > high:
            high = value
            rival = a
    decided = high < s[lead] / n[lead] - _width(params, float(t), n[lead], arms)
    work[2, lead] = 1.0 if decided else 0.5
    work[2, rival] = 0.0 if decided else 0.5


@policies.register("lucb")
class Lucb(BanditPolicy):
    """Pull the arm with the best mean or the one with the largest upper bound among the others, evenly.

    The paper pulls both in every round; here each request goes to one of them at random. Once the leader's
    lower bound passes the rival's upper one it gets everything. Half width after n of t pulls:
    ``sqrt(2 v log(5 K t^4 / (4 delta)) / n)``, v = 1/4 for rates and 1 for scores.

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
