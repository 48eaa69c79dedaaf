"""Bayesian rule with a region of practical equivalence: better, worse, or as good as equal."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

from expsim_panel.design import Setting, designs
from expsim_panel.designs._belief import Belief
from expsim_panel.kernels.contrasts import contrast
from expsim_panel.kernels.special import norm_cdf
from expsim_panel.kernels.trials import FOR_CONTROL, FUTILE, decide


class Region(NamedTuple):
    """Confidence asked for, half width of the region, prior precision and mean, and the days looked at."""

    confidence: float
    region: float
    precision: float
    mean: float
    looks: np.ndarray
    ddof: float


@decide.register(Region)
def _region(rule: Region, day: int, state: np.ndarray) -> int:
    """Stop for the surest variant above the region, for control below it, and give up within it."""
    if not rule.looks[day]:
        return 0
    winner = 0
    surest = rule.confidence
    all_below = True
    all_equal = True
    for a in range(1, state.shape[1]):
        d, v = contrast(state, a, rule.ddof)
        if v <= 0.0:
            return 0
        posterior = 1.0 / (1.0 / v + rule.precision)
        mean = posterior * (d / v + rule.precision * rule.mean)
        sd = math.sqrt(posterior)
        above = norm_cdf((mean - rule.region) / sd)
        below = norm_cdf((-mean - rule.region) / sd)
        if above >= surest:
            surest = above
            winner = a
        if not below >= rule.confidence:
            all_below = False
        if not 1.0 - above - below >= rule.confidence:
            all_equal = False
    if winner > 0:
        return winner
    if all_below:
        return FOR_CONTROL
    return FUTILE if all_equal else 0


@designs.register("rope")
class Rope(Belief):
    """Stop when the posterior of a difference lies above, below or within the region of practical equivalence.

    Normal posterior of each variant's difference to control (rates too), with a normal prior if one is given.
    A difference within the region ends the experiment without a finding. Its type I error is no promise.

    References
    ----------
    J. K. Kruschke (2018), Advances in Methods and Practices in Psychological Science 1, 270-280.
    """

    kind = "rope"
    summary = "Stops when a variant is better, worse, or practically the same"
    error_claim = "none"

    def rule(self, setting: Setting) -> Region:
        """Return the kernel's parameters."""
        precision, mean = self.prior_precision(setting)
        return Region(
            float(self.confidence), self.margin(setting), precision, mean, self.looked_at(setting), setting.ddof
        )
