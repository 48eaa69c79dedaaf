"""Peeking every day at p < 0.05: the warning example."""

from __future__ import annotations

from typing import Any

import numpy as np

from expsim_panel.design import Bounds, Setting, designs
from expsim_panel.designs._monitoring import Monitored
from expsim_panel.kernels.special import norm_ppf


@designs.register("peek-daily")
class PeekDaily(Monitored):
    """Test every day (or every few days) as if it were the only test: the false alarm rate is a multiple of alpha.

    References
    ----------
    P. Armitage, C. K. McPherson, B. C. Rowe (1969), JRSS A 132, 235-244.
    """

    kind = "peek-daily"
    summary = "Look every day at p < alpha: the mistake to see, not to make"
    error_claim = "none"

    def bounds(self, setting: Setting) -> Bounds:
        """Return the fixed-sample bound on every day that is looked at."""
        days = self.look_days(setting)
        return self.both_ways(days, np.full(days.size, norm_ppf(1 - self.shared_alpha(setting) / self.sides)))

    def adaptive_rule(self, setting: Setting) -> Any:
        """Return the same rule on a bandit's pooled means: the mistake as it is made."""
        return self.rule(setting)
