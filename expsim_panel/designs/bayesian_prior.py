"""Bayesian rule with a prior on the effect: past experiments temper what the data say."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from expsim_panel.contests import Contest, by_line, variances
from expsim_panel.design import Bounds, Setting, designs
from expsim_panel.designs._belief import Belief
from expsim_panel.designs.bayesian import z_of_loss
from expsim_panel.kernels.contrasts import contrast
from expsim_panel.kernels.special import norm_cdf, norm_pdf, norm_ppf
from expsim_panel.kernels.trials import FOR_CONTROL, decide
from expsim_panel.quantities import Spread

if TYPE_CHECKING:
    from expsim_panel.row_law import Law


class Tempered(NamedTuple):
    """Thresholds, prior precision and mean, and the days looked at."""

    confidence: float
    max_loss: float
    precision: float
    mean: float
    looks: np.ndarray
    ddof: float


@decide.register(Tempered)
def _tempered(rule: Tempered, day: int, state: np.ndarray) -> int:
    """Stop for the surest variant that is better than control with little to lose; for control if all are worse."""
    if not rule.looks[day]:
        return 0
    winner = 0
    surest = -1.0
    all_below = True
    for a in range(1, state.shape[1]):
        d, v = contrast(state, a, rule.ddof)
        if v <= 0.0:
            return 0
        posterior = 1.0 / (1.0 / v + rule.precision)
        sd = math.sqrt(posterior)
        z = posterior * (d / v + rule.precision * rule.mean) / sd
        size = abs(z)
        loss = sd * (norm_pdf(size) - size * norm_cdf(-size))
        passes = norm_cdf(size) >= rule.confidence and loss <= rule.max_loss
        if passes and z > 0.0 and z > surest:
            surest = z
            winner = a
        if not (passes and z < 0.0):
            all_below = False
    if winner > 0:
        return winner
    return FOR_CONTROL if all_below else 0


@designs.register("bayesian-prior")
class BayesianPrior(Belief):
    """Posterior chance that a variant beats control, and the expected loss, under a normal prior on the effect.

    Each variant is compared with control. A sceptical prior does what a correction for peeking does: with the
    prior from which the effects really come, the chances it states are right at every look.
    """

    kind = "bayesian-prior"
    summary = "Stops when a variant is probably better, given what past experiments brought"
    error_claim = "none"
    bounds_follow_spread = True
    max_loss = Spread(
        None,
        allow_None=True,
        bounds=(0, None),
        step=0.001,
        label="Expected loss allowed",
        doc="Expected loss of the choice, metric units; unset: the indifference of the scenario.",
    )

    def loss_allowed(self, setting: Setting) -> float:
        """Return the expected loss allowed; without an indifference, any."""
        if self.max_loss is not None:
            return float(self.max_loss)
        return setting.indifference if setting.indifference > 0 else math.inf

    def rule(self, setting: Setting) -> Tempered:
        """Return the kernel's parameters."""
        precision, mean = self.prior_precision(setting)
        return Tempered(
            float(self.confidence), self.loss_allowed(setting), precision, mean, self.looked_at(setting), setting.ddof
        )

    def bounds(self, setting: Setting) -> Bounds | None:
        """Return the z bounds that the rule comes to for two arms; with a prior mean they are not symmetrical."""
        if setting.arms != 2:
            return None
        days = self.look_days(setting)
        precision, mean = self.prior_precision(setting)
        with np.errstate(divide="ignore"):
            variance = (setting.sds**2 / setting.rows[days - 1]).sum(axis=1)
        lower, upper = np.empty(days.size), np.empty(days.size)
        for k, v in enumerate(variance):
            if not 0.0 < v < math.inf:
                lower[k], upper[k] = -math.inf, math.inf
                continue
            sd = math.sqrt(1.0 / (1.0 / v + precision))
            needed = max(norm_ppf(self.confidence), z_of_loss(self.loss_allowed(setting) / sd))
            pull = precision * mean
            upper[k], lower[k] = (needed / sd - pull) * math.sqrt(v), (-needed / sd - pull) * math.sqrt(v)
        return Bounds(days, lower, upper)

    def contest(self, planned: Bounds | None, setting: Setting, law: Law) -> Contest:
        """Return each variant's own bounds; the surest one wins, by its posterior mean in posterior spreads."""
        days = self.look_days(setting)
        precision, mean = self.prior_precision(setting)
        variance = variances(setting, law, days)
        sd, allowed = np.sqrt(1.0 / (1.0 / variance + precision)), self.loss_allowed(setting)
        losses = np.array([[z_of_loss(allowed / float(one)) for one in look] for look in sd])
        needed = np.maximum(norm_ppf(self.confidence), losses)
        slope, offset = sd / np.sqrt(variance), sd * precision * mean
        return Contest(days, (-needed - offset) / slope, (needed - offset) / slope, level=by_line(slope, offset))
