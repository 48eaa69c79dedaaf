"""What the policies for changing rewards share: recent pulls and sums, and UCB and Thompson sampling on them.

Rows of the memory: 0 pulls, 1 sums of the recent past by arm; 2 and 3 the arms and rewards of a window, as a
ring. A discount keeps the first two rows only.
"""

from __future__ import annotations

import math
from typing import Any, TypeVar

import numpy as np

from expsim_panel.errors import InputError
from expsim_panel.kernels.bits import beta, normal
from expsim_panel.kernels.jit import inner
from expsim_panel.kernels.requests import UNTRIED, largest, select, update
from expsim_panel.policy import BanditPolicy, Problem
from expsim_panel.quantities import Count, Factor, Share

C = TypeVar("C", bound=type)
PULLS, SUMS, ARMS, REWARDS = 0, 1, 2, 3
_NOTHING = 1e-9
"""Discounted pulls below this are none: their mean would be that of rounding errors."""


@inner
def slide(window: int, arm: int, reward: float, t: int, memory: np.ndarray) -> None:
    """Take a reward into a window of the last `window` requests; t counts it already."""
    at = (t - 1) % window
    if t > window:
        old = int(memory[ARMS, at])
        memory[PULLS, old] -= 1.0
        memory[SUMS, old] -= memory[REWARDS, at]
    memory[ARMS, at] = arm
    memory[REWARDS, at] = reward
    memory[PULLS, arm] += 1.0
    memory[SUMS, arm] += reward


@inner
def fade(gamma: float, arm: int, reward: float, arms: int, memory: np.ndarray) -> None:
    """Discount everything by `gamma`, then add a reward."""
    for a in range(arms):
        memory[PULLS, a] *= gamma
        memory[SUMS, a] *= gamma
    memory[PULLS, arm] += 1.0
    memory[SUMS, arm] += reward


def _slide(
    params: Any, arm: int, pulls: float, reward: float, t: int, n: np.ndarray, s: np.ndarray, memory: np.ndarray
) -> None:
    slide(params.window, arm, reward, t, memory)


def _fade(
    params: Any, arm: int, pulls: float, reward: float, t: int, n: np.ndarray, s: np.ndarray, memory: np.ndarray
) -> None:
    fade(params.gamma, arm, reward, n.shape[0], memory)


def by_window(cls: C) -> C:
    """Let a policy's parameters, which name a `window`, remember the last so many requests."""
    update.register(cls)(_slide)
    return cls


def by_discount(cls: C) -> C:
    """Let a policy's parameters, which name a `gamma`, forget at that rate."""
    update.register(cls)(_fade)
    return cls


@inner
def recent_ucb(c: float, level: float, arm: int, memory: np.ndarray) -> float:
    """Return ``mean + sqrt(c level / n)`` of the recent past; what has no recent pull comes first."""
    recent = memory[PULLS, arm]
    if recent <= _NOTHING:
        return UNTRIED
    value: float = memory[SUMS, arm] / recent + math.sqrt(c * level / recent)
    return value


def _draw(
    params: Any,
    bits: np.ndarray,
    t: int,
    n: np.ndarray,
    s: np.ndarray,
    q: np.ndarray,
    memory: np.ndarray,
    work: np.ndarray,
) -> int:
    """Draw every arm's mean from the posterior of its recent past: Beta(1, 1) prior, or a flat one for scores."""
    for a in range(n.shape[0]):
        recent = max(memory[PULLS, a], 0.0)
        total = memory[SUMS, a]
        if params.binary:
            hits = min(max(total, 0.0), recent)
            work[0, a] = beta(bits, 1.0 + hits, 1.0 + recent - hits)
        elif recent <= _NOTHING:
            work[0, a] = UNTRIED
        else:
            work[0, a] = total / recent + normal(bits) / math.sqrt(recent)
    return largest(bits, work)


def recent_thompson(cls: C) -> C:
    """Let a policy's parameters, which name `binary`, choose by Thompson sampling on the recent past."""
    select.register(cls)(_draw)
    return cls


class Recent(BanditPolicy):
    """A policy that forgets: exact regret cannot be enumerated, and a day's batch has no order to forget by."""

    markov = False
    batched = False


class RecentUcb(Recent):
    """UCB on the recent past."""

    c = Factor(
        2.0,
        bounds=(0.0, 1000.0),
        softbounds=(0.1, 4.0),
        label="Exploration factor",
        doc="Factor c in sqrt(c log(...) / n).",
    )


class Windowed(Recent):
    """A policy that forgets what is older than a window of requests."""

    window = Count(
        1000,
        bounds=(2, 10_000_000),
        softbounds=(50, 5000),
        label="Window",
        doc="Requests that it remembers; at most the horizon.",
    )

    def memory(self, problem: Problem) -> tuple[int, int]:
        """Return the shape of recent pulls and sums, and of the ring."""
        return (4, max(problem.arms, int(self.window)))

    def check_arms(self, problem: Problem, where: str, key: str = "") -> None:
        """Refuse a window longer than the horizon: it would never slide."""
        super().check_arms(problem, where, key)
        if self.window > problem.horizon:
            path = f"{key}.window" if key else "window"
            text = f"a window of {self.window:,} requests in a horizon of {problem.horizon:,}"
            raise InputError(where, path, text, "give a window that is at most the horizon")


class Discounted(Recent):
    """A policy that forgets at a constant rate."""

    gamma = Share(
        0.995,
        bounds=(0.5, 1.0),
        softbounds=(0.9, 0.9999),
        step=0.001,
        label="Discount per request",
        doc="What one request leaves of the weight of the past; 1 / (1 - discount) requests are remembered.",
    )

    def memory(self, problem: Problem) -> tuple[int, int]:
        """Return the shape of discounted pulls and sums by arm."""
        return (2, problem.arms)
