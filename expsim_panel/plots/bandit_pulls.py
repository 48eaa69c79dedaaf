"""Who got which arm: shares of all requests by policy, the best arm first."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from expsim_panel.bandits import BanditResult
from expsim_panel.plots.bandit_traffic import Layer, layers
from expsim_panel.plots.bars import Bar, Bars, Shares
from expsim_panel.quantities import count, percent

TITLE, LABEL = "Who got which arm", "Share of all requests, %"


def row(name: str, pulls: np.ndarray, se: np.ndarray | None, drawn: Sequence[Layer], whole: str = "requests") -> Bar:
    """Return the row of a policy, or of a segment: mean pulls by arm and their errors, layer by layer."""
    total = max(float(pulls.sum()), 1e-9)
    parts, words = [], ""
    for place, layer in enumerate(drawn):
        arms = list(layer.arms)
        got = float(pulls[arms].sum())
        error = "" if se is None else f" (simulation error ± {count(float((se[arms] ** 2).sum() ** 0.5))})"
        said = f"{name}: {count(got)} of {count(total)} {whole} to {layer.name} on average{error}"
        parts.append((got / total, layer.colour, said))
        if place == 0:
            words = f"{percent(got / total, 0)} to {layer.name}"
    return Bar(name, parts, words)


class BanditPulls(Bars):
    """One figure; made once, then shown new results."""

    def show(self, found: BanditResult) -> None:
        """Show a result."""
        drawn = layers(found.means)
        self.draw(Shares(TITLE, LABEL, [row(one.name, one.pulls, one.pulls_se, drawn) for one in found.policies]))
