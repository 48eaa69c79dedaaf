"""CUSUM-UCB: UCB that starts an arm anew when its rewards have changed."""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np

from expsim_panel.kernels.bits import uniform, whole
from expsim_panel.kernels.requests import UNTRIED, largest, select, update
from expsim_panel.policy import BanditPolicy, Problem, policies
from expsim_panel.quantities import Count, Factor, Share

PULLS, SUMS, BASE, UP, DOWN = 0, 1, 2, 3, 4


class CusumParams(NamedTuple):
    """Exploration, and the detector's threshold, drift and first sample."""

    c: float
    explore: float
    threshold: float
    drift: float
    first: float


@update.register(CusumParams)
def _update(
    params: CusumParams, arm: int, pulls: float, reward: float, t: int, n: np.ndarray, s: np.ndarray, memory: np.ndarray
) -> None:
    """Sum the deviations from the mean of the first rewards, both ways; forget the arm at the threshold."""
    memory[PULLS, arm] += 1.0
    memory[SUMS, arm] += reward
    if memory[PULLS, arm] <= params.first:
        memory[BASE, arm] = memory[SUMS, arm] / memory[PULLS, arm]
        return
    off = reward - memory[BASE, arm]
    memory[UP, arm] = max(0.0, memory[UP, arm] + off - params.drift)
    memory[DOWN, arm] = max(0.0, memory[DOWN, arm] - off - params.drift)
    if max(memory[UP, arm], memory[DOWN, arm]) > params.threshold:
        for row in range(5):
            memory[row, arm] = 0.0


@select.register(CusumParams)
def _select(
    params: CusumParams,
    bits: np.ndarray,
    t: int,
    n: np.ndarray,
    s: np.ndarray,
    q: np.ndarray,
    memory: np.ndarray,
    work: np.ndarray,
) -> int:
    arms = n.shape[0]
    if uniform(bits) < params.explore:
        return whole(bits, arms)
    total = 0.0
    for a in range(arms):
        total += memory[PULLS, a]
    level = math.log(max(total, 1.0))
    for a in range(arms):
        k = memory[PULLS, a]
        work[0, a] = UNTRIED if k <= 0.0 else memory[SUMS, a] / k + math.sqrt(params.c * level / k)
    return largest(bits, work)


@policies.register("cusum-ucb")
class CusumUcb(BanditPolicy):
    """UCB1 with a two-sided CUSUM detector on every arm, and even exploration so that changes are noticed.

    The detector compares with the mean of an arm's first M rewards since its restart.

    References
    ----------
    F. Liu, J. Lee, N. Shroff (2018), "A change-detection based framework for piecewise-stationary multi-armed
    bandit problem", AAAI.
    """

    kind = "cusum-ucb"
    summary = "UCB that starts an arm anew when its rewards changed"
    markov = False
    batched = False
    c = Factor(2.0, bounds=(0.0, 1000.0), softbounds=(0.1, 4.0), label="Exploration factor", doc="As in UCB1.")
    explore = Share(0.05, step=0.01, label="Share that explores", doc="Even over all arms, to notice changes.")
    threshold = Factor(
        10.0,
        bounds=(0.1, 100_000.0),
        softbounds=(2.0, 50.0),
        label="Alarm threshold",
        doc="Summed deviation at which an arm starts anew.",
    )
    drift = Factor(
        0.1,
        bounds=(0.0, 10.0),
        softbounds=(0.0, 0.5),
        label="Allowed drift",
        doc="Deviation per reward that is ignored.",
    )
    first = Count(
        50, bounds=(1, 1_000_000), softbounds=(10, 500), label="First sample", doc="Rewards that set an arm's baseline."
    )

    def request(self, problem: Problem) -> Any:
        """Return the kernel's parameters."""
        numbers = (self.c, self.explore, self.threshold, self.drift, self.first)
        return CusumParams(*(float(number) for number in numbers))

    def memory(self, problem: Problem) -> tuple[int, int]:
        """Return the shape of pulls, sums, baseline and the two sums of deviations by arm."""
        return (5, problem.arms)
