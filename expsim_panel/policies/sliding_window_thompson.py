"""Sliding-window Thompson sampling."""

from __future__ import annotations

from typing import Any, NamedTuple

from expsim_panel.policies._recent import Windowed, by_window, recent_thompson
from expsim_panel.policy import Problem, policies


@recent_thompson
@by_window
class WindowThompsonParams(NamedTuple):
    """How far it remembers, and the family of the rewards."""

    window: int
    binary: bool


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
