"""One policy's logged experiments: how it is asked for its probabilities, how many are played, in which streams."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import numpy.typing as npt

from expsim_panel.bandit_inference import no_floor
from expsim_panel.kernels.bits import stream
from expsim_panel.kernels.logged import Drawn
from expsim_panel.policy import BanditPolicy, Problem, SegmentPolicy
from expsim_panel.policy_names import canonical

Floats = npt.NDArray[np.float64]

DRAWS = 20
"""Choices that a policy is asked for at a request where its own probabilities are not known, or slow: enough for
standard errors within a few per cent of those by the probabilities (measured: 1 to 2 % with four arms)."""
LEAST, MOST = 60, 1000
"""Experiments that are played for bias and coverage, unless their number is given."""
_BUDGET, _CELLS, _DRAW = 1.2e7, 3e7, 0.4
_PART, _SIDE = 25, 12


class LoggedRun:
    """One policy's logged experiments."""

    def __init__(self, seed: int, name: str, policy: SegmentPolicy | BanditPolicy, pool: ThreadPoolExecutor) -> None:
        self.seed, self.name, self.policy, self.pool = seed, name, policy, pool
        self.lane = int.from_bytes(hashlib.sha256(canonical(policy).encode()).digest()[:7], "little")

    def least(self, problem: Problem) -> float:
        """Return the propensity that no arm falls below; 0 where there is none."""
        floor = float(self.policy.floor_of(problem.arms).min())
        return max(floor, self._own(problem))

    def _own(self, problem: Problem) -> float:
        """Return what a policy that explores by itself leaves every arm."""
        return self.policy.least_share(problem) if isinstance(self.policy, BanditPolicy) else 0.0

    def draws(self, problem: Problem) -> int:
        """Return how many choices the policy is asked for at a request; 0: its own probabilities are logged.

        Those are known for whole counts of 0/1 or normal rewards (a posterior after ratings has none in closed form),
        and for policies that explore by themselves, whose probabilities hold for any rewards.
        """
        own, policy = self._own(problem), self.policy
        if own > float(policy.floor_of(problem.arms).min()):
            return 0
        known = isinstance(policy, BanditPolicy) and policy.batched and problem.levels <= 2
        return 0 if known and not (policy.slow_shares and problem.arms > 2) else DRAWS

    def asked(self, request: Any, problem: Problem, choices: npt.NDArray[np.uint64], x: Floats) -> Any:
        """Return what a kernel asks for shares."""
        draws = self.draws(problem)
        return Drawn(request, choices, x, np.zeros(problem.arms), draws) if draws else request

    def stream(self, role: int, index: int) -> npt.NDArray[np.uint64]:
        """Return a part's stream."""
        return stream(self.seed, role, index, self.lane, _SIDE)

    def size(self, problem: Problem, experiments: int | None) -> int:
        """Return how many experiments are played: what is asked for, or what a second or two allow."""
        work = 1.0 + _DRAW * self.draws(problem) * max(1.0, problem.width**2 / 8.0)
        return experiments or int(min(max(_BUDGET / (problem.arms * problem.horizon * work), LEAST), MOST))

    def why_not(self, problem: Problem, rows: int = 1) -> str | None:
        """Return why nothing can honestly be inferred; `rows`: logs that are kept at once."""
        if self.least(problem) <= 0.0:
            return no_floor(self.policy, problem.arms)
        if float(problem.arms) * problem.horizon * rows > _CELLS:
            return f"{problem.horizon:,} requests are too many to log; ask for fewer requests"
        return None

    def play(self, size: int, part: Callable[[int, slice], None]) -> None:
        """Call `part` with the index and the replicates of every part; results do not depend on the threads."""

        def one(index: int) -> None:
            with np.errstate(over="ignore"):
                part(index, slice(index * _PART, min((index + 1) * _PART, size)))

        list(self.pool.map(one, range(math.ceil(size / _PART))))
