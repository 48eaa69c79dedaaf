"""Stop when a confidence sequence (normal mixture) excludes no difference: valid at any number of looks."""

from __future__ import annotations

from typing import Any

import numpy as np

from expsim_panel.design import Bounds, Setting, designs
from expsim_panel.designs._monitoring import Monitored
from expsim_panel.mixture_bounds import mixture_precision, normal_mixture_bound
from expsim_panel.quantities import Share


@designs.register("confidence-sequence")
class ConfidenceSequence(Monitored):
    """Normal-mixture boundary on the planned information: never more false alarms than alpha, at any looks.

    On the z scale ``sqrt((t + rho) / t [log((t + rho) / rho) - 2 log alpha])`` at information fraction t.

    References
    ----------
    S. R. Howard, A. Ramdas, J. McAuliffe, J. Sekhon (2021), Annals of Statistics 49, 1055-1080.
    """

    kind = "confidence-sequence"
    summary = "Look whenever you like: an interval that holds at all times together"
    error_claim = "at most"
    tightest_at = Share(
        0.5,
        bounds=(0.001, 1),
        softbounds=(0.1, 1),
        step=0.05,
        label="Tightest at",
        doc="Share of the planned units at which the interval is tuned to be shortest.",
    )

    def bounds(self, setting: Setting) -> Bounds:
        """Return the boundary at every look."""
        days = self.look_days(setting)
        information = setting.information(days)
        return self.both_ways(days, self.boundary(information, self.shared_alpha(setting)))

    def adaptive_rule(self, setting: Setting) -> Any:
        """Return the same mixture at the information that a bandit's days bring, in place of the planned one."""
        alpha, sides = self.shared_alpha(setting), int(self.sides)
        rho = mixture_precision(float(self.tightest_at), alpha, sides)
        # The unit of information is that of the whole plan, one variant against control.
        whole = 1.0 / float((setting.sds**2 / setting.rows[-1])[[0, -1]].sum())
        return self.daily_ratio(setting, 1.0 / (rho * whole))

    def boundary(self, information: np.ndarray, alpha: float) -> np.ndarray:
        """Return the z bound at information fractions, for an error rate."""
        tuned, sides = float(self.tightest_at), int(self.sides)
        at = [normal_mixture_bound(float(t), alpha, tuned, sides, alpha) / np.sqrt(t) for t in information]
        return np.array(at, dtype=float)
