"""Tests that are made once, at the end."""

from __future__ import annotations

import numpy as np

from expsim_panel.design import Bounds, Setting
from expsim_panel.designs._frequentist import Frequentist
from expsim_panel.kernels.special import norm_ppf


class AtTheEnd(Frequentist):
    """A test at the horizon; in large samples, and with two arms, the fixed z test."""

    def bounds(self, setting: Setting) -> Bounds | None:
        """Return the z bound that the test comes to, at each variant's share of alpha."""
        level = float(self.alpha) / (self.sides * (setting.arms - 1))
        return self.at_the_end(setting, norm_ppf(1 - level))

    def at_the_end(self, setting: Setting, critical: float) -> Bounds:
        """Return one look on the last day with this z bound."""
        upper = np.array([critical])
        return Bounds(np.array([setting.days]), -upper if self.sides == 2 else np.array([-np.inf]), upper)

    def found_for(self, z: np.ndarray, setting: Setting) -> np.ndarray | None:
        """Tell which variants are over the bound."""
        planned = self.bounds(setting)
        return None if planned is None else np.asarray(z >= planned.upper[-1])
