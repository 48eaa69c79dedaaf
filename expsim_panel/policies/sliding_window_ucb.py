"""Sliding-window UCB: optimism about the recent past."""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np

from expsim_panel.kernels.requests import UNTRIED, by_index, update
from expsim_panel.policies._recent import PULLS, SUMS, Windowed, slide
from expsim_panel.policy import Problem, policies
from expsim_panel.quantities import Factor


class WindowUcbParams(NamedTuple):
    """How far it remembers, and the factor inside the root."""

    window: int
    c: float


@update.register(WindowUcbParams)
def _update(
    params: WindowUcbParams,
    arm: int,
    pulls: float,
    reward: float,
    t: int,
    n: np.ndarray,
    s: np.ndarray,
    memory: np.ndarray,
) -> None:
    slide(params.window, arm, reward, t, memory)


@by_index(WindowUcbParams)
def _index(
    params: WindowUcbParams, arm: int, t: int, n: np.ndarray, s: np.ndarray, q: np.ndarray, memory: np.ndarray
) -> float:
    recent = memory[PULLS, arm]
    if recent <= 1e-9:
        return UNTRIED
    level = math.log(float(min(t, params.window)))
    value: float = memory[SUMS, arm] / recent + math.sqrt(params.c * level / recent)
    return value


@policies.register("sliding-window-ucb")
class SlidingWindowUcb(Windowed):
    """Pull the largest ``mean + sqrt(c log(min(t, W)) / n)``, mean and n within the last W requests.

    An arm without a pull in the window comes first.

    References
    ----------
    A. Garivier, E. Moulines (2011), "On upper-confidence bound policies for switching bandit problems", ALT.
    """

    kind = "sliding-window-ucb"
    summary = "UCB on a sliding window, for rewards that change"
    c = Factor(
        2.0,
        bounds=(0.0, 1000.0),
        softbounds=(0.1, 4.0),
        label="Exploration factor",
        doc="Factor c in sqrt(c log(...) / n).",
    )

    def request(self, problem: Problem) -> Any:
        """Return the kernel's parameters."""
        return WindowUcbParams(int(self.window), float(self.c))
