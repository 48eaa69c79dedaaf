"""Tests that are made once, at the end."""

from __future__ import annotations

import math

import numpy as np

from expsim_panel.checked import Floats
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

    def decides_once(self, setting: Setting) -> bool:
        """Tell that it does."""
        return True

    def found_for(self, z: np.ndarray, setting: Setting) -> np.ndarray | None:
        """Tell which variants are over the bound."""
        planned = self.bounds(setting)
        return None if planned is None else np.asarray(z >= planned.upper[-1])


def pooled_scale(rows: Floats, spreads: Floats, apart: float = 0.0) -> float:
    """Return the standard error under one variance of all rows of two arms, over that of separate ones.

    Parameters
    ----------
    rows, spreads : ndarray, shape (2,)
        Numbers of rows, and their variances.
    apart : float
        Difference of the means where the one variance is that about a common mean; 0: within arms.

    Returns
    -------
    float
        nan without rows, or where nothing varies.
    """
    share = rows / max(float(rows.sum()), 1.0)
    common = float(share @ spreads + share[0] * share[1] * apart**2)
    with np.errstate(divide="ignore", invalid="ignore"):
        own = float((spreads / rows).sum())
    return math.sqrt(common * float((1 / rows).sum()) / own) if 0.0 < own < np.inf else math.nan


def pooled_scales(rows: Floats, sds: Floats, rates: Floats | None) -> Floats:
    """Return `pooled_scale` of every variant against the control, shape (variants,); `rates`: of 0/1 rows, or None."""
    apart = np.zeros(rows.size) if rates is None else rates - rates[0]
    pairs = ([0, arm] for arm in range(1, rows.size))
    return np.array([pooled_scale(rows[pair], sds[pair] ** 2, float(apart[pair[1]])) for pair in pairs])
