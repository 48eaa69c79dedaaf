"""Sliding-window UCB: optimism about the recent past."""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np

from expsim_panel.kernels.requests import by_index
from expsim_panel.policies._recent import RecentUcb, Windowed, by_window, recent_ucb
from expsim_panel.policy import Problem, policies


@by_window
class WindowUcbParams(NamedTuple):
    """How far it remembers, and the factor inside the root."""

    window: int
    c: float


@by_index(WindowUcbParams)
def _index(
    params: WindowUcbParams, arm: int, t: int, n: np.ndarray, s: np.ndarray, q: np.ndarray, memory: np.ndarray
) -> float:
    return recent_ucb(params.c, math.log(float(min(t, params.window))), arm, memory)


@policies.register("sliding-window-ucb")
class SlidingWindowUcb(Windowed, RecentUcb):
    """Pull the largest ``mean + sqrt(c log(min(t, W)) / n)``, mean and n within the last W requests.

    An arm without a pull in the window comes first.

    References
    ----------
    A. Garivier, E. Moulines (2011), "On upper-confidence bound policies for switching bandit problems", ALT.
    """

    kind = "sliding-window-ucb"
    summary = "UCB on a sliding window, for rewards that change"

    def request(self, problem: Problem) -> Any:
        """Return the kernel's parameters."""
        return WindowUcbParams(int(self.window), float(self.c))
