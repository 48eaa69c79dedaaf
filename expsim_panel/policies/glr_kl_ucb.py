"""GLR-klUCB: KL-UCB that starts anew when a likelihood ratio says that rewards have changed."""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np
import param

from expsim_panel.errors import InputError
from expsim_panel.kernels.indices import bernoulli_kl, exploration, kl_upper
from expsim_panel.kernels.jit import inner
from expsim_panel.kernels.requests import UNTRIED, largest, select, update
from expsim_panel.policy import BanditPolicy, Problem, policies
from expsim_panel.quantities import Count, Probability, Share

PULLS, SUMS, RESTART, FIRST = 0, 1, 2, 3
"""Rows of the memory; from FIRST on the sums of an arm's first 1, 2, ... times `every` rewards since its restart."""
_MOST = 20_000_000


class GlrParams(NamedTuple):
    """Family, exploration, level, spacing of the tests, and whether every arm restarts."""

    binary: bool
    explore: float
    delta: float
    every: int
    everywhere: bool


@inner
def _kl(params: GlrParams, p: float, q: float) -> float:
    return bernoulli_kl(p, q) if params.binary else 0.5 * (p - q) * (p - q)


@inner
def changed(params: GlrParams, arm: int, memory: np.ndarray) -> bool:
    """Tell whether ``max over s of s kl(mean of first s, mean) + (n - s) kl(mean of rest, mean)`` exceeds beta."""
    n = memory[PULLS, arm]
    total = memory[SUMS, arm]
    mean = total / n
    beta = math.log(3.0 * n * math.sqrt(n) / params.delta)
    for i in range(int(n) // params.every):
        size = (i + 1.0) * params.every
        if size < n:
            early = memory[FIRST + i, arm]
            rest = n - size
            # Rounding may leave a mean of ones a hair above 1.
            late = min(max((total - early) / rest, 0.0), 1.0) if params.binary else (total - early) / rest
            if size * _kl(params, early / size, mean) + rest * _kl(params, late, mean) >= beta:
                return True
    return False


@update.register(GlrParams)
def _update(
    params: GlrParams, arm: int, pulls: float, reward: float, t: int, n: np.ndarray, s: np.ndarray, memory: np.ndarray
) -> None:
    memory[PULLS, arm] += 1.0
    memory[SUMS, arm] += reward
    k = int(memory[PULLS, arm])
    if k % params.every != 0:
        return
    memory[FIRST + k // params.every - 1, arm] = memory[SUMS, arm]
    if changed(params, arm, memory):
        for a in range(n.shape[0]):
            if params.everywhere or a == arm:
                memory[PULLS, a] = 0.0
                memory[SUMS, a] = 0.0
                memory[RESTART, a] = t


@select.register(GlrParams)
def _select(
    params: GlrParams,
    bits: np.ndarray,
    t: int,
    n: np.ndarray,
    s: np.ndarray,
    q: np.ndarray,
    memory: np.ndarray,
    work: np.ndarray,
) -> int:
    arms = n.shape[0]
    if params.explore > 0.0:
        since = t - int(memory[RESTART, 0]) if params.everywhere else t
        turn: int = since % max(arms, int(arms / params.explore))
        if turn < arms:
            return turn
    for a in range(arms):
        k = memory[PULLS, a]
        if k <= 0.0:
            work[0, a] = UNTRIED
        else:
            level = exploration(max(t - memory[RESTART, a], 1.0), 0.0) / k
            mean = memory[SUMS, a] / k
            work[0, a] = kl_upper(mean, level) if params.binary else mean + math.sqrt(2.0 * level)
    return largest(bits, work)


@policies.register("glr-kl-ucb")
class GlrKlUcb(BanditPolicy):
    """KL-UCB on the rewards since the last restart, with the generalised likelihood ratio test on every arm.

    After each `every` rewards of an arm it is tested at each `every`-th split: a change is reported where the
    ratio reaches ``log(3 n sqrt(n) / delta)``, n the rewards since the restart. Then the arm starts anew, or all
    arms. Every ``floor(K / explore)`` requests each arm is pulled once, in order, so that changes are noticed
    (after a restart of all arms the count begins anew). Index: ``n kl(mean, q) <= log(t - restart)``; what has no
    pull since its restart comes first, ties at random.

    References
    ----------
    L. Besson, E. Kaufmann, O.-A. Maillard, J. Seznec (2022), "Efficient change-point detection for tackling
    piecewise-stationary bandits", JMLR 23(77): algorithm 1, threshold and sub-sampling of its experiments.
    """

    kind = "glr-kl-ucb"
    summary = "KL-UCB that starts anew when a likelihood ratio shows a change"
    markov = False
    batched = False
    explore = Share(0.05, bounds=(0.0, 1.0), step=0.01, label="Share that explores", doc="Even over all arms, in turn.")
    delta = Probability(
        0.0,
        bounds=(0.0, 0.5),
        label="False alarm level",
        doc="Chance of a false alarm that the threshold allows for; 0 means 1 / sqrt(requests).",
    )
    every = Count(
        10,
        bounds=(1, 100_000),
        softbounds=(1, 100),
        label="Spacing of the tests",
        doc="An arm is tested after so many rewards, at splits so many rewards apart.",
    )
    restart = param.Selector(
        default="all",
        objects=["all", "arm"],
        label="What starts anew",
        doc="All arms, or only the one that has changed.",
    )

    def request(self, problem: Problem) -> Any:
        """Return the kernel's parameters."""
        delta = float(self.delta) or 1.0 / math.sqrt(problem.horizon)
        return GlrParams(problem.binary, float(self.explore), delta, int(self.every), self.restart == "all")

    def memory(self, problem: Problem) -> tuple[int, int]:
        """Return the shape of pulls, sums, restarts and partial sums by arm."""
        return (FIRST + problem.horizon // int(self.every) + 1, problem.arms)

    def check_arms(self, problem: Problem, where: str, key: str = "") -> None:
        """Refuse partial sums that would not fit the memory."""
        super().check_arms(problem, where, key)
        if self.memory(problem)[0] * problem.arms > _MOST:
            path = f"{key}.every" if key else "every"
            text = f"{problem.horizon:,} requests with a test every {self.every}"
            raise InputError(where, path, text, f"give at least {problem.horizon * problem.arms // _MOST + 1}")
