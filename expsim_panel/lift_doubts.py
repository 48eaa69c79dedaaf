"""Where data leave a test of the relative lift without one: the control's mean may be 0."""

from __future__ import annotations

import math

import numpy as np

from expsim_panel.design import Design
from expsim_panel.kernels.arms import row_variance
from expsim_panel.kernels.special import norm_ppf
from expsim_panel.kernels.trials import ROWS, SQUARES, SUMS
from expsim_panel.plan import setting_of
from expsim_panel.quantities import percent
from expsim_panel.scenario import Scenario

__all__ = ["no_lift"]


def no_lift(scenario: Scenario, design: Design, state: np.ndarray) -> str:
    """Say that data have no lift, in one sentence; empty where they have one, or the design tests none.

    A ratio has no interval where its denominator's interval holds 0 (Fieller), and no logarithm where two means are
    on both sides of 0; the rule then finds nothing.

    Parameters
    ----------
    state : ndarray, shape (4, arms)
        Units, rows, sums and squares, oriented so that more is better: of a rate that should fall its complement.

    References
    ----------
    .. [1] E. C. Fieller (1954), Some problems in interval estimation, JRSS B 16, 175-185.
    """
    ddof = setting_of(scenario).ddof
    if not design.of_lifts or np.any(state[ROWS] <= max(ddof, 0.0)):
        return ""
    means = state[SUMS] / state[ROWS]
    error = math.sqrt(max(row_variance(state[ROWS, 0], state[SUMS, 0], state[SQUARES, 0], ddof) / state[ROWS, 0], 0.0))
    level, rate = design.level(), scenario.family == "binary"
    reach = norm_ppf(0.5 + level / 2) * error
    sign = 1.0 if rate else scenario.sign

    def shown(value: float) -> str:
        return percent(value, 2) if rate else f"{value:.4g}"

    if abs(means[0]) <= reach or means[0] == 0:
        low, high = sorted((sign * (means[0] - reach), sign * (means[0] + reach)))
        what = "the complement of the control's rate" if rate and scenario.sign < 0 else "the control's mean"
        return (
            f"No lift is defined here: {what}, {shown(sign * means[0])} ({percent(level, 0)} interval {shown(low)} to "
            f"{shown(high)}), is not clearly above 0. The figures are of the difference."
        )
    across = [one.name for one, mean in zip(scenario.variants[1:], means[1:], strict=True) if mean * means[0] <= 0]
    if across:
        return (
            f"No lift is defined here: the means of {scenario.variants[0].name} and {', '.join(across)} are not on one "
            "side of 0. The figures are of the difference."
        )
    return ""
