"""What the policies for changing rewards share: pulls and sums of the recent past, in a policy's memory.

Rows of the memory: 0 pulls, 1 sums of the recent past by arm; 2 and 3 the arms and rewards of a window, as a
ring. A discount keeps the first two rows only.
"""

from __future__ import annotations

import numpy as np

from expsim_panel.errors import InputError
from expsim_panel.kernels.jit import inner
from expsim_panel.policy import BanditPolicy, Problem
from expsim_panel.quantities import Count, Share

PULLS, SUMS, ARMS, REWARDS = 0, 1, 2, 3


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


class Windowed(BanditPolicy):
    """A policy that forgets what is older than a window of requests."""

    markov = False
    batched = False
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


class Discounted(BanditPolicy):
    """A policy that forgets at a constant rate."""

    markov = False
    batched = False
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
