"""Sliding-window Thompson sampling."""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np

from expsim_panel.kernels.bits import beta, normal
from expsim_panel.kernels.requests import UNTRIED, largest, select, update
from expsim_panel.policies._recent import PULLS, SUMS, Windowed, slide
from expsim_panel.policy import Problem, policies


class WindowThompsonParams(NamedTuple):
    """How far it remembers, and the family of the rewards."""

    window: int
    binary: bool


@update.register(WindowThompsonParams)
def _update(
    params: WindowThompsonParams,
    arm: int,
    pulls: float,
    reward: float,
    t: int,
    n: np.ndarray,
    s: np.ndarray,
    memory: np.ndarray,
) -> None:
    slide(params.window, arm, reward, t, memory)


@select.register(WindowThompsonParams)
def _select(
    params: WindowThompsonParams,
    bits: np.ndarray,
    t: int,
    n: np.ndarray,
    s: np.ndarray,
    q: np.ndarray,
    memory: np.ndarray,
    work: np.ndarray,
) -> int:
    for a in range(n.shape[0]):
        recent = max(memory[PULLS, a], 0.0)
        total = memory[SUMS, a]
        if params.binary:
            hits = min(max(total, 0.0), recent)
            work[0, a] = beta(bits, 1.0 + hits, 1.0 + recent - hits)
        elif recent <= 1e-9:
            work[0, a] = UNTRIED
        else:
            work[0, a] = total / recent + normal(bits) / math.sqrt(recent)
    return largest(bits, work)


@policies.register("sliding-window-thompson")
class SlidingWindowThompson(Windowed):
    """Thompson sampling on the last W requests alone: Beta(1 + s, 1 + n - s), or N(s / n, 1 / n).

    A score without a pull in the window comes first.

    References
    ----------
    F. Trovò, S. Paladino, M. Restelli, N. Gatti (2020), "Sliding-window Thompson sampling for non-stationary
    settings", JAIR 68, 311-364.
    """

    kind = "sliding-window-thompson"
    summary = "Thompson sampling on a sliding window, for rewards that change"

    def request(self, problem: Problem) -> Any:
        """Return the kernel's parameters."""
        return WindowThompsonParams(int(self.window), problem.binary)
