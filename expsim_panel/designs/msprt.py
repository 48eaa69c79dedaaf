"""Mixture sequential probability ratio test: always-valid p-values from a normal mixture."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from expsim_panel.checked import Floats
from expsim_panel.contests import Contest, variances
from expsim_panel.design import Bounds, Setting, designs
from expsim_panel.designs._monitoring import Monitored
from expsim_panel.kernels.contrasts import contrast
from expsim_panel.kernels.special import norm_cdf
from expsim_panel.kernels.strata import DailyRatio
from expsim_panel.kernels.trials import FOR_CONTROL, decide
from expsim_panel.quantities import Spread

if TYPE_CHECKING:
    from expsim_panel.row_law import Law


class MixtureRatio(NamedTuple):
    """Mixture variance, log of the ratio that rejects, sides, and the days looked at."""

    mixture: float
    threshold: float
    two_sided: bool
    looks: np.ndarray
    ddof: float


@decide.register(MixtureRatio)
def _mixture_ratio(rule: MixtureRatio, day: int, state: np.ndarray) -> int:
    """Stop for the variant with the largest ratio that rejects; for control when all reject downwards."""
    if not rule.looks[day]:
        return 0
    winner = 0
    highest = rule.threshold
    all_below = rule.two_sided
    for a in range(1, state.shape[1]):
        d, v = contrast(state, a, rule.ddof)
        if v <= 0.0:
            all_below = False
            continue
        total = v + rule.mixture
        log_ratio = 0.5 * math.log(v / total) + rule.mixture * d * d / (2.0 * v * total)
        if not rule.two_sided:
            # Effects mixed over the positive half alone: twice the part of the mixture that lies there.
            log_ratio += math.log(2.0 * norm_cdf(d * math.sqrt(rule.mixture / (v * total))) + 1e-300)
        if d > 0.0 and log_ratio > highest:
            highest = log_ratio
            winner = a
        if not (d < 0.0 and log_ratio > rule.threshold):
            all_below = False
    if winner > 0:
        return winner
    return FOR_CONTROL if all_below else 0


@designs.register("msprt")
class Msprt(Monitored):
    """Reject when the likelihood ratio mixed over ``N(0, tau^2)`` effects reaches ``1 / alpha``.

    Never more false alarms than alpha, at any number of looks; with one side the mixture is a half normal.

    References
    ----------
    R. Johari, P. Koomen, L. Pekelis, D. Walsh (2022), Operations Research 70, 1806-1821.
    """

    kind = "msprt"
    summary = "Look whenever you like: always-valid p-values from a mixture of effects"
    error_claim = "at most"
    bounds_follow_spread = True
    tau = Spread(
        None,
        allow_None=True,
        bounds=(0, None),
        inclusive_bounds=(False, True),
        step=0.001,
        label="Effects mixed over",
        doc="Standard deviation of the mixture, metric units: the size of effect worth finding; "
        "unset: the indifference of the scenario, or else a twentieth of the planned spread of a response.",
    )

    def mixture_sd(self, setting: Setting) -> float:
        """Return tau in metric units."""
        if self.tau is not None:
            return float(self.tau)
        return setting.indifference if setting.indifference > 0 else float(setting.sds[0]) / 20

    def rule(self, setting: Setting) -> MixtureRatio:
        """Return the kernel's parameters."""
        threshold = -math.log(self.shared_alpha(setting))
        return MixtureRatio(
            self.mixture_sd(setting) ** 2, threshold, self.sides == 2, self.looked_at(setting), setting.ddof
        )

    def adaptive_rule(self, setting: Setting) -> DailyRatio:
        """Return the ratio of the days compared one by one; see `kernels.strata`."""
        return self.daily_ratio(setting, self.mixture_sd(setting) ** 2)

    def bounds(self, setting: Setting) -> Bounds:
        """Return the z bounds that the ratio comes to at the planned spread of a response."""
        days = self.look_days(setting)
        with np.errstate(divide="ignore"):
            variance = (setting.sds**2 / setting.rows[days - 1])[:, [0, -1]].sum(axis=1)
        mixture, threshold = self.mixture_sd(setting) ** 2, -math.log(self.shared_alpha(setting))
        return self.both_ways(days, np.array([_z_bound(float(v), mixture, threshold, self.sides) for v in variance]))

    def contest(self, planned: Bounds | None, setting: Setting, law: Law) -> Contest:
        """Return each variant's own bound, and who has as large a ratio."""
        days, mixture = self.look_days(setting), self.mixture_sd(setting) ** 2
        variance, threshold = variances(setting, law, days), -math.log(self.shared_alpha(setting))
        upper = np.array([[_z_bound(float(v), mixture, threshold, self.sides) for v in look] for look in variance])
        lower = -upper if self.sides == 2 else np.full_like(upper, -np.inf)

        def level(look: int, winner: int, other: int, z: Floats) -> Floats:
            own, others = float(variance[look, winner]), float(variance[look, other])
            if own == others:
                return z
            ratios = _log_ratio(z, own, mixture, self.sides)
            return np.array([_z_bound(others, mixture, float(one), self.sides) for one in ratios])

        return Contest(days, lower, upper, level=level)


def _log_ratio(z: Floats, variance: float, mixture: float, sides: int) -> Floats:
    """Return the log ratio at some z above 0."""
    from scipy.special import log_ndtr

    total = variance + mixture
    found = 0.5 * math.log(variance / total) + 0.5 * z * z * mixture / total
    return np.asarray(found if sides == 2 else found + math.log(2.0) + log_ndtr(math.sqrt(mixture / total) * z))


def _z_bound(variance: float, mixture: float, threshold: float, sides: int) -> float:
    """Return the z from 0 on at which the log ratio reaches its threshold; inf without a response."""
    if not 0.0 < variance < math.inf:
        return math.inf
    total = variance + mixture
    needed = threshold + 0.5 * math.log(total / variance)
    if needed <= 0.0:
        return 0.0
    highest = math.sqrt(2.0 * total / mixture * needed)
    if sides == 2:
        return highest
    from scipy.optimize import brentq
    from scipy.special import log_ndtr

    slope = math.sqrt(mixture / total)

    def excess(z: float) -> float:
        return 0.5 * z * z * mixture / total + math.log(2.0) + float(log_ndtr(slope * z)) - needed

    # At least half of the normal mixture lies above 0 for a gain, so that twice it is at least the whole.
    return float(brentq(excess, 0.0, highest, xtol=1e-12))
