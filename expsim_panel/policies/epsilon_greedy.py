"""Epsilon-greedy: a fixed or decaying share explores, the rest goes to the best mean so far."""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np
import param

from expsim_panel.kernels.bits import uniform, whole
from expsim_panel.kernels.jit import inner
from expsim_panel.kernels.requests import largest, select, shares
from expsim_panel.policy import BanditPolicy, Problem, policies
from expsim_panel.quantities import Factor, Share


class EpsilonParams(NamedTuple):
    """Share that explores, its decay, and whether every arm is tried first."""

    epsilon: float
    decay: float
    each_once: bool


@inner
def _share(params: EpsilonParams, t: int, arms: int) -> float:
    """Return the share that explores after t completed pulls."""
    if params.decay <= 0.0 or t <= 0:
        return params.epsilon
    return min(params.epsilon, params.decay * arms / t)


@inner
def _value(params: EpsilonParams, n: float, s: float) -> float:
    if n > 0.0:
        return s / n
    return math.inf if params.each_once else 0.0


@shares.register(EpsilonParams)
def _shares(
    params: EpsilonParams, t: int, n: np.ndarray, s: np.ndarray, q: np.ndarray, memory: np.ndarray, work: np.ndarray
) -> None:
    arms = n.shape[0]
    best = -math.inf
    ties = 0.0
    for a in range(arms):
        work[0, a] = _value(params, n[a], s[a])
        if work[0, a] > best:
            best = work[0, a]
            ties = 1.0
        elif work[0, a] == best:
            ties += 1.0
    explore = _share(params, t, arms) if best < math.inf else 0.0
    for a in range(arms):
        work[2, a] = explore / arms + ((1.0 - explore) / ties if work[0, a] == best else 0.0)


@select.register(EpsilonParams)
def _select(
    params: EpsilonParams,
    bits: np.ndarray,
    t: int,
    n: np.ndarray,
    s: np.ndarray,
    q: np.ndarray,
    memory: np.ndarray,
    work: np.ndarray,
) -> int:
    arms = n.shape[0]
    untried = False
    for a in range(arms):
        work[0, a] = _value(params, n[a], s[a])
        untried = untried or work[0, a] == math.inf
    if not untried and uniform(bits) < _share(params, t, arms):
        return whole(bits, arms)
    return largest(bits, work)


@policies.register("epsilon-greedy")
class EpsilonGreedy(BanditPolicy):
    """Explore all arms evenly with probability epsilon, otherwise pull the best observed mean.

    With a decay d the probability after t pulls is ``min(epsilon, d arms / t)``, which for epsilon = 1 is
    the epsilon_n-greedy of the reference. Ties are broken at random.

    References
    ----------
    P. Auer, N. Cesa-Bianchi, P. Fischer (2002), "Finite-time analysis of the multiarmed bandit problem",
    Machine Learning 47, 235-256, figure 3.
    """

    kind = "epsilon-greedy"
    summary = "Most traffic to the leader, a share to all"
    epsilon = Share(
        0.1, softbounds=(0.01, 0.5), step=0.01, label="Share that explores", doc="Split evenly over all arms."
    )
    decay = Factor(
        0.0,
        bounds=(0.0, 1_000_000.0),
        softbounds=(0.0, 50.0),
        label="Decay of the exploration",
        doc="0 keeps the share fixed; d makes it min(epsilon, d arms / t).",
    )
    start = param.Selector(
        default="each-arm-once",
        objects=["each-arm-once", "none"],
        label="Start",
        doc="Whether untried arms come first, or count as mean 0 like any other.",
    )

    def request(self, problem: Problem) -> Any:
        """Return the kernel's parameters."""
        return EpsilonParams(float(self.epsilon), float(self.decay), self.start == "each-arm-once")

    def explores(self) -> bool:
        """Tell whether a share of the traffic that does not fall goes to every arm."""
        return bool(self.decay == 0.0 and self.epsilon > 0.0)

    def least_share(self, problem: Problem) -> float:
        """Return an arm's part of what explores; a decaying share falls to the floor alone."""
        explored = float(self.epsilon) / problem.arms if self.explores() else 0.0
        floors = self.floor_of(problem.arms, problem.study)
        return float(floors.min() + (1.0 - floors.sum()) * explored)
