"""Explore-then-commit: m rewards of every arm, then the best of them for good."""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np

from expsim_panel.kernels.requests import by_shares, update
from expsim_panel.policy import BanditPolicy, Problem, policies
from expsim_panel.quantities import Count


class CommitParams(NamedTuple):
    """Exploration per arm, and whether a day is shared at once.

    Memory, row 0: 1 for the arm that is kept, or for several of equal means until one of them is pulled. Row 1: number
    of arms at the choice, 0 before it; number of arms marked.
    """

    m: int
    batched: bool


@by_shares(CommitParams)
def _shares(
    params: CommitParams, t: int, n: np.ndarray, s: np.ndarray, q: np.ndarray, memory: np.ndarray, work: np.ndarray
) -> None:
    arms = n.shape[0]
    if memory[1, 0] == arms:
        for a in range(arms):
            work[2, a] = memory[0, a] / memory[1, 1]
        return
    least = n[0]
    most = n[0]
    for a in range(1, arms):
        least = min(least, n[a])
        most = max(most, n[a])
    exploring = least < params.m
    # Exact regret is enumerated from pulls alone: there every arm stops at m pulls but the one that was kept.
    committed = not params.batched and not exploring and most > params.m
    best = s[0] / n[0] if n[0] > 0.0 else 0.0
    if not exploring:
        for a in range(1, arms):
            best = max(best, s[a] / n[a])
    ties = 0.0
    for a in range(arms):
        if exploring:
            taken = n[a] < params.m if params.batched else n[a] == least
        elif committed:
            taken = n[a] == most
        else:
            taken = s[a] / n[a] == best
        work[2, a] = 1.0 if taken else 0.0
        ties += work[2, a]
    for a in range(arms):
        work[2, a] /= ties


@update.register(CommitParams)
def _update(
    params: CommitParams,
    arm: int,
    pulls: float,
    reward: float,
    t: int,
    n: np.ndarray,
    s: np.ndarray,
    memory: np.ndarray,
) -> None:
    """Mark the leader once every arm has its m rewards.

    Of equal ones in batches the first, which is the control; per request all of them, and the first one pulled is kept:
    by symmetry each has the same chance, with floors too.
    """
    arms = n.shape[0]
    if memory[1, 0] == arms:
        if memory[1, 1] > 1.0 and memory[0, arm] > 0.0:
            for a in range(arms):
                memory[0, a] = 0.0
            memory[0, arm] = 1.0
            memory[1, 1] = 1.0
        return
    best = -math.inf
    for a in range(arms):
        if n[a] < params.m:
            return
        best = max(best, s[a] / n[a])
    memory[1, 0] = arms
    memory[1, 1] = 0.0
    for a in range(arms):
        marked = s[a] / n[a] == best and not (params.batched and memory[1, 1] > 0.0)
        memory[0, a] = 1.0 if marked else 0.0
        memory[1, 1] += memory[0, a]


@policies.register("explore-then-commit")
class ExploreThenCommit(BanditPolicy):
    """Pull every arm m times in turn, then the one with the best mean until the end.

    Where the requests end before every arm has its m (or its burn-in), all of them are exploration: the split is even,
    and the arm of the best mean so far is kept. A longer burn-in is the exploration. An arm that arrives later gets its
    m pulls too, and the choice is made anew. In batches the arms that lack rewards share each batch evenly, and the
    first of equal means is kept.

    References
    ----------
    T. Lattimore, C. Szepesvári (2020), "Bandit Algorithms", chapter 6.
    """

    kind = "explore-then-commit"
    summary = "A test of fixed size, then the winner for good"
    m = Count(
        100,
        bounds=(1, 10_000_000),
        softbounds=(1, 5000),
        label="Rewards per arm before the choice",
        doc="Size of the exploration, per arm.",
    )

    def request(self, problem: Problem) -> Any:
        """Return the kernel's parameters."""
        return CommitParams(self._explored, problem.batched)

    def memory(self, problem: Problem) -> tuple[int, int]:
        """Return the shape of the marks, and of how many there are."""
        return (2, problem.arms)

    def shown_by_pulls(self, floored: bool) -> bool:
        """Tell whether pulls show the choice: a floor brings any arm above its m."""
        return not floored

    @property
    def _explored(self) -> int:
        return max(int(self.m), int(self.burn_in))

    def expected_pulls(self, problem: Problem, means: np.ndarray) -> np.ndarray | None:
        """Return m pulls and the rest in proportion to the chance of each arm to lead after m; exact."""
        from expsim_panel.best_arm import lead_probabilities

        m = self._explored
        if self.has_floor or problem.horizon < m * problem.arms:
            return None
        rest = problem.horizon - m * problem.arms
        return np.asarray(m + rest * lead_probabilities(means, m, problem.binary))
