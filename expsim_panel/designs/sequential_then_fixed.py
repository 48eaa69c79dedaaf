"""Watch with an always-valid rule until the horizon, then make one fixed test with what is left of alpha."""

from __future__ import annotations

from typing import Any

import numpy as np

from expsim_panel.design import Bounds, Setting, designs
from expsim_panel.designs.confidence_sequence import ConfidenceSequence
from expsim_panel.kernels.crossing import cross
from expsim_panel.kernels.special import norm_ppf
from expsim_panel.quantities import Share


@designs.register("sequential-then-fixed")
class SequentialThenFixed(ConfidenceSequence):
    """A confidence sequence at a share of alpha while it runs; at the horizon the bound that uses up alpha exactly.

    The last bound is solved by the recursion over all looks, so that watching costs little power: it is close
    to the fixed test's.
    """

    kind = "sequential-then-fixed"
    summary = "Look whenever you like for big effects; a normal test at the end"
    error_claim = "exact"
    monitoring = Share(
        0.2,
        bounds=(0.001, 0.999),
        softbounds=(0.05, 0.5),
        step=0.05,
        label="Spent while watching",
        doc="Share of the false alarm rate given to the looks before the end.",
    )

    def bounds(self, setting: Setting) -> Bounds:
        """Return the sequence's bounds before the end, and the one at the end that exhausts alpha."""
        days = self.look_days(setting)
        information = setting.information(days)
        alpha = self.shared_alpha(setting)
        upper = self.boundary(information, alpha * float(self.monitoring))
        upper[-1] = self._last(information, upper, alpha)
        return self.both_ways(days, upper)

    def times_looks(self, setting: Setting) -> bool:
        """Tell whether there are looks before the end, whose part of alpha the last bound counts on."""
        return self.look_days(setting).size > 1

    def adaptive_rule(self, setting: Setting) -> Any:
        """Return the table with days compared one by one: its last bound counts on the planned information."""
        return self.bounds(setting).daily(setting)

    def _last(self, information: np.ndarray, upper: np.ndarray, alpha: float) -> float:
        from scipy.optimize import brentq

        fixed = norm_ppf(1 - alpha / self.sides)
        if upper.size == 1:
            return float(fixed)

        def excess(last: float) -> float:
            high = np.append(upper[:-1], last)
            low = -high if self.sides == 2 else np.full_like(high, -np.inf)
            below, above = cross(information, low, high, 0.0)
            return float(below.sum() + above.sum()) - alpha

        # The looks before spend at most their share; what is left bounds the last one from above.
        most = norm_ppf(1 - alpha * (1 - float(self.monitoring)) / self.sides)
        return float(brentq(excess, fixed - 1e-6, most + 1e-6, xtol=1e-12))
