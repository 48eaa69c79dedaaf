"""One analysis at the end with one variance for all arms, as it is if there is no difference."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

from expsim_panel.design import Bounds, Setting, designs
from expsim_panel.designs._horizon import AtTheEnd
from expsim_panel.kernels.contrasts import pooled_contrast
from expsim_panel.kernels.special import norm_ppf
from expsim_panel.kernels.trials import FOR_CONTROL, decide

_MIDDLE = 0.458
"""Standard deviation of a rate of 0.3 or 0.7: beyond it, two spreads do not tell on which side of 1/2 a rate is."""


class PooledTest(NamedTuple):
    """z bound, sides, family, and the last day."""

    critical: float
    two_sided: bool
    binary: bool
    last: int


@decide.register(PooledTest)
def _pooled_test(rule: PooledTest, day: int, state: np.ndarray) -> int:
    """Test at the end; stop for the variant with the largest z beyond the bound."""
    if day != rule.last:
        return 0
    winner = 0
    highest = rule.critical
    all_below = rule.two_sided
    for a in range(1, state.shape[1]):
        d, v = pooled_contrast(state, a, rule.binary)
        z = d / math.sqrt(v) if v > 0.0 else 0.0
        if z > highest:
            highest = z
            winner = a
        if not z < -rule.critical:
            all_below = False
    if winner > 0:
        return winner
    return FOR_CONTROL if all_below else 0


@designs.register("fixed-pooled")
class FixedPooled(AtTheEnd):
    """Wait until the planned end, test once with the pooled variance: the textbook test of two proportions."""

    kind = "fixed-pooled"
    summary = "Wait until the end, one test with the pooled variance"
    error_claim = "exact"
    only_fixed = "it pools the arms' means over days"
    bounds_follow_spread = True
    counts_rates = True

    def not_by_day(self) -> str:
        """Return why: the pooled variance is that of all rows together, whatever day they came on."""
        return "one variance of all rows does not say how far days that are weighed apart are off"

    def rule(self, setting: Setting) -> PooledTest:
        """Return the kernel's parameters."""
        critical = norm_ppf(1 - self.alpha / (self.sides * (setting.arms - 1)))
        return PooledTest(float(critical), self.sides == 2, setting.binary, setting.days - 1)

    def bounds(self, setting: Setting) -> Bounds | None:
        """Return the bound on the scale of the unpooled z: larger by the ratio of the two standard errors.

        The spreads give the rates unless one is near 1/2; then there is no such bound.
        """
        planned = super().bounds(setting)
        assert planned is not None
        n, v = setting.rows[-1, [0, -1]], setting.sds[[0, -1]] ** 2
        share = n / max(float(n.sum()), 1.0)
        if setting.binary:
            if float(setting.sds.max()) > _MIDDLE and abs(v[0] - v[1]) > 1e-15:
                return None
            # p (1 - p) = v on the same side of 1/2 for both; the pooled rate's variance adds their distance.
            rates = 0.5 - np.sqrt(np.maximum(0.25 - v, 0.0))
            common = float(share @ v + share[0] * share[1] * (rates[1] - rates[0]) ** 2)
        else:
            common = float(share @ v)
        with np.errstate(divide="ignore", invalid="ignore"):
            own = float((v / n).sum())
        if not 0.0 < own < np.inf:
            return planned
        scale = math.sqrt(common * float((1 / n).sum()) / own)
        return self.at_the_end(setting, float(planned.upper[0]) * scale)
