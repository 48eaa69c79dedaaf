"""Peeking every day at p < 0.05: the warning example."""

from __future__ import annotations

import numpy as np

from expsim_panel.design import Bounds, Setting, designs
from expsim_panel.designs._frequentist import Frequentist
from expsim_panel.kernels.special import norm_ppf
from expsim_panel.quantities import Days


@designs.register("peek-daily")
class PeekDaily(Frequentist):
    """Test every day as if it were the only test: the false alarm rate is a multiple of alpha.

    References
    ----------
    P. Armitage, C. K. McPherson, B. C. Rowe (1969), JRSS A 132, 235-244.
    """

    kind = "peek-daily"
    summary = "Look every day at p < alpha: the mistake to see, not to make"
    error_claim = "none"
    min_days = Days(1, bounds=(1, 366), softbounds=(1, 14), label="First look", doc="Day of the first look.")

    def bounds(self, setting: Setting) -> Bounds:
        """Return the fixed-sample bound on every day."""
        days = np.arange(min(int(self.min_days), setting.days), setting.days + 1)
        upper = np.full(days.size, norm_ppf(1 - self.alpha / (self.sides * (setting.arms - 1))))
        return Bounds(days, -upper if self.sides == 2 else np.full(days.size, -np.inf), upper)
