"""Bayesian rule with a region of practical equivalence: better, worse, or as good as equal."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from expsim_panel.checked import Floats
from expsim_panel.contests import Contest, by_line, variances
from expsim_panel.design import Bounds, Setting, designs
from expsim_panel.designs._belief import Belief
from expsim_panel.kernels.contrasts import contrast
from expsim_panel.kernels.special import norm_cdf, norm_ppf
from expsim_panel.kernels.trials import FOR_CONTROL, FUTILE, decide
from expsim_panel.regions import has_inner

if TYPE_CHECKING:
    from expsim_panel.row_law import Law


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
    bounds_follow_spread = True

    def rule(self, setting: Setting) -> Region:
        """Return the kernel's parameters."""
        precision, mean = self.prior_precision(setting)
        return Region(
            float(self.confidence), self.margin(setting), precision, mean, self.looked_at(setting), setting.ddof
        )

    def bounds(self, setting: Setting) -> Bounds | None:
        """Return the z bounds that the rule comes to for two arms and a prior around 0; None for others.

        In the middle lie the estimates whose posterior is within the region.
        """
        precision, mean = self.prior_precision(setting)
        if setting.arms != 2 or mean != 0.0:
            return None
        days, region = self.look_days(setting), self.margin(setting)
        with np.errstate(divide="ignore"):
            variance = (setting.sds**2 / setting.rows[days - 1]).sum(axis=1)
        upper, inner = np.full(days.size, np.inf), np.full(days.size, -np.inf)
        for k, v in enumerate(variance):
            if not 0.0 < v < math.inf:
                continue
            sd = math.sqrt(1.0 / (1.0 / v + precision))
            # z of an estimate over the posterior mean that it leads to.
            scale = math.sqrt(v) / (sd * sd)
            upper[k] = scale * (region + norm_ppf(float(self.confidence)) * sd)
            inner[k] = scale * _within(region, sd, float(self.confidence))
        return Bounds(days, -upper, upper, False, inner if has_inner(inner) else None)

    def contest(self, planned: Bounds | None, setting: Setting, law: Law) -> Contest:
        """Return each variant's own bounds; the one surest to be above the region wins, and all must be within it."""
        days, region = self.look_days(setting), self.margin(setting)
        precision, mean = self.prior_precision(setting)
        variance = variances(setting, law, days)
        sd = np.sqrt(1.0 / (1.0 / variance + precision))
        slope, offset = sd / np.sqrt(variance), sd * precision * mean

        def z_of(posterior_mean: Floats) -> Floats:
            return np.asarray((posterior_mean / sd - offset) / slope)

        beyond = region + norm_ppf(float(self.confidence)) * sd
        half = np.array([[_within(region, float(one), float(self.confidence)) for one in look] for look in sd])
        level = by_line(slope, offset - region / sd)
        return Contest(days, z_of(-beyond), z_of(beyond), (z_of(-half), z_of(half)), True, level)


def _within(region: float, sd: float, confidence: float) -> float:
    """Return the largest posterior mean whose normal posterior lies within the region surely enough; -inf: none."""

    def excess(mean: float) -> float:
        return norm_cdf((region - mean) / sd) - norm_cdf((-region - mean) / sd) - confidence

    if excess(0.0) < 0.0:
        return -math.inf
    low, high = 0.0, region
    while excess(high) > 0.0:
        high += sd
    for _ in range(60):
        middle = 0.5 * (low + high)
        low, high = (middle, high) if excess(middle) > 0.0 else (low, middle)
    return 0.5 * (low + high)
