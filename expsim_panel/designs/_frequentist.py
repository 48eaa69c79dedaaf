"""Params and bounds that the designs with an error rate share."""

from __future__ import annotations

import numpy as np
import param

from expsim_panel.analytic import critical_values
from expsim_panel.design import Bounds, Design, Setting
from expsim_panel.quantities import Count, Probability


class Frequentist(Design):
    """A design that spends a type I error rate over its looks."""

    alpha = Probability(
        0.05,
        bounds=(1e-6, 0.5),
        softbounds=(0.01, 0.2),
        step=0.005,
        label="False alarm rate allowed",
        doc="Type I error rate, all sides and looks together.",
    )
    sides = param.Selector(
        default=2, objects=[1, 2], label="Sides", doc="2: may find the variant better or worse. 1: better only."
    )

    def planned_looks(self) -> int:
        """Return the number of looks."""
        return int(getattr(self, "looks", 1))

    def shape(self, information: np.ndarray) -> np.ndarray:
        """Return the bounds up to a constant, as a function of the information fraction."""
        return np.ones_like(information)

    def bounds(self, setting: Setting) -> Bounds:
        """Solve for the bounds that spend exactly alpha (alpha over the variants where there are several)."""
        days = setting.look_days(self.planned_looks())
        information = setting.information(days)
        upper = critical_values(self.shape(information), information, self.alpha / (setting.arms - 1), self.sides)
        lower = -upper if self.sides == 2 else np.full_like(upper, -np.inf)
        return Bounds(days, lower, upper)

    def level(self) -> float:
        """Return the two-sided level that matches the test."""
        return float(1 - (self.alpha if self.sides == 2 else min(2 * self.alpha, 0.999)))

    def nominal_alpha(self) -> float:
        """Return the claimed type I error."""
        return float(self.alpha)


class GroupSequential(Frequentist):
    """A frequentist design with several looks."""

    looks = Count(5, bounds=(1, 100), softbounds=(2, 10), label="Looks", doc="Planned analyses, evenly spaced in time.")
