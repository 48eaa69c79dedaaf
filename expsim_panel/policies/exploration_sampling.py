"""Exploration sampling: shares proportional to p (1 - p), p the probability of being best."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from expsim_panel.kernels.bits import uniform, whole
from expsim_panel.kernels.requests import begin, select, shares, update
from expsim_panel.policies.thompson import Thompson, ThompsonParams, fill_posterior, untried_scores
from expsim_panel.policies.top_two_thompson import second_best
from expsim_panel.policy import Problem, policies

_TRIES = 1000


class ExplorationParams(NamedTuple):
    """Thompson sampling, whose draws are compared."""

    thompson: ThompsonParams


@begin.register(ExplorationParams)
def _begin(params: ExplorationParams, memory: np.ndarray) -> None:
    begin(params.thompson, memory)


@update.register(ExplorationParams)
def _update(
    params: ExplorationParams,
    arm: int,
    pulls: float,
    reward: float,
    t: int,
    n: np.ndarray,
    s: np.ndarray,
    memory: np.ndarray,
) -> None:
    update(params.thompson, arm, pulls, reward, t, n, s, memory)


@shares.register(ExplorationParams)
def _shares(
    params: ExplorationParams, t: int, n: np.ndarray, s: np.ndarray, q: np.ndarray, memory: np.ndarray, work: np.ndarray
) -> None:
    arms = n.shape[0]
    proper = fill_posterior(params.thompson, n, s, q, work)
    shares(params.thompson, t, n, s, q, memory, work)
    if not proper:
        return
    total = 0.0
    for a in range(arms):
        if arms == 2 or work[2, a] >= 1.0 - 1e-15:
            # The limit: what leads for certain gets half.
            other = second_best(a, n, s)
            for b in range(arms):
                work[2, b] = 0.0
            work[2, a] = 0.5
            work[2, other] = 0.5
            return
        total += work[2, a] * (1.0 - work[2, a])
    for a in range(arms):
        work[2, a] = work[2, a] * (1.0 - work[2, a]) / total


@select.register(ExplorationParams)
def _select(
    params: ExplorationParams,
    bits: np.ndarray,
    t: int,
    n: np.ndarray,
    s: np.ndarray,
    q: np.ndarray,
    memory: np.ndarray,
    work: np.ndarray,
) -> int:
    """Draw pairs until they differ: the first of them has the law p (1 - p)."""
    first: int = select(params.thompson, bits, t, n, s, q, memory, work)
    if untried_scores(params.thompson, n):
        return first
    if n.shape[0] == 2:
        return whole(bits, 2)
    for _ in range(_TRIES):
        second = select(params.thompson, bits, t, n, s, q, memory, work)
        if second != first:
            return first
        first = select(params.thompson, bits, t, n, s, q, memory, work)
    return first if uniform(bits) < 0.5 else second_best(first, n, s)


@policies.register("exploration-sampling")
class ExplorationSampling(Thompson):
    """Share traffic in proportion to ``p (1 - p)``, p the posterior probability of being best.

    Two arms share evenly. So do, in the limit, an arm that is certain to lead and its challengers: where a thousand
    pairs of draws agree, the best mean beside it stands for them.

    References
    ----------
    M. Kasy, A. Sautmann (2021), "Adaptive treatment assignment in experiments for policy choice",
    Econometrica 89, 113-132.
    """

    kind = "exploration-sampling"
    summary = "Traffic where the choice is open, for a better decision"

    def request(self, problem: Problem) -> Any:
        """Return the kernel's parameters."""
        return ExplorationParams(super().request(problem))
