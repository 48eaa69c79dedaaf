"""Designs that spend their error rate by a function of the information."""

from __future__ import annotations

import numpy as np
import param

from expsim_panel.boundaries import spending_bounds
from expsim_panel.designs._futility import FutilitySpending


class Spending(FutilitySpending):
    """Bounds that use up alpha as the information comes in: looks need not be evenly spaced."""

    two_sided_spending = param.Selector(
        default="per-side",
        objects=["per-side", "overall"],
        label="Two-sided spending",
        doc="per-side: the function is applied to alpha / 2 for each side (rpact, gsDesign). overall: to alpha, "
        "half of it on each side. They differ only where the function is not proportional to alpha.",
    )

    def spending(self, information: np.ndarray, alpha: float) -> np.ndarray:
        """Return the cumulative part of `alpha` spent at each information fraction."""
        raise LookupError(f"{type(self).__name__} does not say how it spends")

    def spent(self, information: np.ndarray, alpha: float, sides: int) -> np.ndarray:
        """Return the cumulative probability of stopping, both sides together; all of alpha at the end."""
        if sides == 2 and self.two_sided_spending == "per-side":
            total = 2 * self.spending(information, alpha / 2)
        else:
            total = self.spending(information, alpha)
        return np.append(np.minimum(total[:-1], alpha), alpha)

    def efficacy(
        self, information: np.ndarray, alpha: float, sides: int, futility: np.ndarray | None = None
    ) -> np.ndarray:
        """Return the upper z bounds that spend `alpha` as `spent` says."""
        return spending_bounds(self.spent(information, alpha, sides), information, sides, futility)
