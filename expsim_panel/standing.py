"""Wins, ties and losses of a variant, from the state that rules read."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from expsim_panel.preference_checks import rows_are_comparisons
from expsim_panel.quantities import percent

if TYPE_CHECKING:
    from expsim_panel.scenario import Scenario


@dataclass(frozen=True)
class Standing:
    """How one variant fares against the control.

    Attributes
    ----------
    comparisons : int
        Read in all.
    wins, ties, losses : float
        Shares of them; a win is a comparison whose answer is this variant, whether that is good or bad.
    """

    comparisons: int
    wins: float
    ties: float
    losses: float

    def words(self) -> str:
        """Say it in three shares."""
        told = (("wins", self.wins), ("ties", self.ties), ("losses", self.losses))
        return ", ".join(f"{name} {percent(share, 0)}" for name, share in told)

    def to_json(self) -> dict[str, float]:
        """Return a JSON object."""
        return dict(self.__dict__)


def standing(scenario: Scenario, state: np.ndarray, arm: int) -> Standing | None:
    """Return the shares that a state stands for; None where there are none to count.

    Parameters
    ----------
    state : ndarray, shape (4, arms)
        As rules read it: undoes `kernels.verdicts.share_variance`.
    """
    rows, total, square = (float(state[i, arm]) for i in (1, 2, 3))
    one = scenario.evaluator
    if not rows_are_comparisons(scenario):
        return None
    if rows < 2 or one.kind == "hybrid" or getattr(one, "combine", "majority") == "mean":
        return None
    own = float(state[3, 0]) / max(float(state[1, 0]) - 1, 1)
    decided = square + own * rows / float(state[1, 0]) * (rows - 1)
    net = scenario.sign * total
    wins, losses = (decided + net) / 2, (decided - net) / 2
    return Standing(int(rows), *(float(min(max(x / rows, 0.0), 1.0)) for x in (wins, rows - decided, losses)))
