"""What the linear policies share: a ridge regression of the reward on the context for every arm."""

from __future__ import annotations

from typing import Any, TypeVar

import numpy as np

from expsim_panel.kernels.contextual import learn, start_inverse, take_reward
from expsim_panel.kernels.requests import begin
from expsim_panel.policy import Problem, SegmentPolicy
from expsim_panel.quantities import Factor

C = TypeVar("C", bound=type)


def _begin(params: Any, memory: np.ndarray) -> None:
    width = memory.shape[1]
    start_inverse(params.ridge, memory.shape[0] // (width + 2), width, memory)


def _learn(
    params: Any, arm: int, reward: float, x: np.ndarray, t: int, n: np.ndarray, s: np.ndarray, memory: np.ndarray
) -> None:
    take_reward(arm, reward, x, memory)


def regresses(cls: C) -> C:
    """Let a policy's parameters, which name a `ridge`, regress every arm's reward on the context."""
    begin.register(cls)(_begin)
    learn.register(cls)(_learn)
    return cls


class Linear(SegmentPolicy):
    """A policy that believes in rewards linear in the context, with coefficients for every arm."""

    ridge = Factor(
        1.0, bounds=(1e-6, 1e6), softbounds=(0.1, 10.0), label="Ridge", doc="Weight of the prior coefficients, 0."
    )

    def memory(self, problem: Problem) -> tuple[int, int]:
        """Return the shape of an inverse matrix and two vectors by arm."""
        return (problem.arms * (problem.width + 2), problem.width)
