"""Explore-then-commit: m rewards of every arm, then the best of them for good."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from expsim_panel.kernels.requests import by_shares, update
from expsim_panel.policy import BanditPolicy, Problem, policies
from expsim_panel.quantities import Count


class CommitParams(NamedTuple):
    """Exploration per arm; in batches the choice is kept in the memory, per request the pulls show it."""

    m: int
    batched: bool


@by_shares(CommitParams)
def _shares(
    params: CommitParams, t: int, n: np.ndarray, s: np.ndarray, q: np.ndarray, memory: np.ndarray, work: np.ndarray
) -> None:
    arms = n.shape[0]
    if params.batched and memory[0, 0] > 0.0:
        for a in range(arms):
            work[2, a] = 1.0 if a + 1.0 == memory[0, 0] else 0.0
        return
    least = n[0]
    most = n[0]
    for a in range(1, arms):
        least = min(least, n[a])
        most = max(most, n[a])
    exploring = least < params.m
    # Per request every arm stops at m pulls but the one that was kept.
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
    """Keep the leader once every arm has its m rewards; of equal ones the first, which is the control."""
    if not params.batched or memory[0, 0] > 0.0:
        return
    lead = 0
    for a in range(n.shape[0]):
        if n[a] < params.m:
            return
        if s[a] * n[lead] > s[lead] * n[a]:
            lead = a
    memory[0, 0] = lead + 1.0


@policies.register("explore-then-commit")
class ExploreThenCommit(BanditPolicy):
    """Pull every arm m times in turn, then the one with the best mean until the end.

    Where the requests end before every arm has its m (or its burn-in), all of them are exploration: the split is even,
    and the arm of the best mean so far is kept.

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
        return CommitParams(int(self.m), problem.batched)

    def expected_pulls(self, problem: Problem, means: np.ndarray) -> np.ndarray | None:
        """Return m pulls and the rest in proportion to the chance of each arm to lead after m; exact."""
        from expsim_panel.best_arm import lead_probabilities

        if self.has_floor or self.burn_in > self.m or problem.horizon < self.m * problem.arms:
            return None
        rest = problem.horizon - self.m * problem.arms
        return np.asarray(int(self.m) + rest * lead_probabilities(means, int(self.m), problem.binary))
