"""What each policy has lost so far, request by request: means, the spread of one, and the Lai-Robbins line."""

from __future__ import annotations

from typing import Any

import numpy as np

from expsim_panel.bandit_verdict import lost
from expsim_panel.bandits import BanditResult, PolicyResult
from expsim_panel.plots.courses import DOLLARS, PLAIN, CoursePlot, Curves, Line, asked_at, titled
from expsim_panel.quantities import count

__all__ = ["DOLLARS", "PLAIN", "TITLE", "BanditRegret", "band", "lai_robbins_line", "title", "unit"]

TITLE = "Lost so far"


_UNITS = {
    "bernoulli": "Good answers lost", "gaussian": "Reward lost, points", "ratings": "Rating points lost",
    "dollars": "Net value lost, $", "wins": "Wins given away",
}  # fmt: skip
"""Labels by what losses are counted in; see `bandit_verdict.COUNTED`."""


def unit(family: str, usd: float | None) -> str:
    """Return the label of an axis of regret."""
    return "Lost against the best arm, $" if usd is not None else _UNITS[family]


def lai_robbins_line(found: BanditResult) -> np.ndarray:
    """Return ``C log t`` at every checkpoint; nan where the bound does not hold in the result's world."""
    if found.lai_robbins_reason:
        return np.full(found.checkpoints.size, np.nan)
    return np.asarray(found.lai_robbins * np.log(found.checkpoints), np.float64)


class BanditRegret(CoursePlot):
    """One figure; made once, then shown new results."""

    dash = (2, 4)
    apart = says_band = True

    def __init__(self, dark: bool = False, height: int = 340) -> None:
        super().__init__(dark, height, TITLE)

    def show(self, found: BanditResult, chosen: str, usd: float | None = None) -> None:
        """Show a result with the spread of one policy; in dollars where one unit of reward has a price."""
        scale = 1.0 if usd is None else usd
        at = found.checkpoints.astype(np.float64)
        lines = [
            Line(
                one.name, at, scale * one.regret_over_time, scale * float(one.regret_se[-1]),
                scale * one.band[[0, 2]], _said(found, one, usd),
            ) for one in found.policies
        ]  # fmt: skip
        bound = scale * lai_robbins_line(found)
        name = "Lai-Robbins, C log t" if found.lai_robbins > 0 else ""
        shown = Curves(
            TITLE, "Requests", unit(found.family, usd), lines, float(found.horizon),
            (at, bound, name) if np.isfinite(bound).all() else None, y_format=PLAIN if usd is None else DOLLARS,
        )  # fmt: skip
        self.draw(shown, chosen)

    def _scale(self, shown: Curves, focus: int) -> tuple[float, float]:
        """Return the ends of the vertical axis; the bound may leave the figure."""
        own = shown.lines[focus].band
        ends = [float(one.y[-1]) for one in shown.lines] + ([] if own is None else [float(own[1, -1])])
        return 0.0, max(*ends, 1e-9) * 1.12


def title(name: str) -> str:
    """Return the figure's title, which says whose spread is shaded."""
    return titled(TITLE, name)


def band(found: BanditResult, one: PolicyResult, scale: float) -> dict[str, Any]:
    """Return the 5 to 95 % range of one policy over time."""
    return {"x": found.checkpoints, "low": scale * one.band[0], "high": scale * one.band[2]}


def _said(found: BanditResult, one: PolicyResult, usd: float | None) -> dict[int, str]:
    """Return what the pointer is told at a few points of a line."""
    made = {}
    for k in asked_at(found.checkpoints.size):
        low, high = (lost(float(one.band[row, k]), found.family, usd) for row in (0, 2))
        made[k] = (
            f"{one.name} after {count(float(found.checkpoints[k]))} requests: "
            f"{lost(float(one.regret_over_time[k]), found.family, usd)} lost on average, nine experiments in ten "
            f"{low} to {high}"
        )
    return made
