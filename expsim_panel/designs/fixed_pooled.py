"""One analysis at the end with one variance for all arms, as it is if there is no difference."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from expsim_panel.contests import Contest, at_the_end
from expsim_panel.design import Bounds, Setting, designs
from expsim_panel.designs._horizon import AtTheEnd, pooled_scale, pooled_scales
from expsim_panel.kernels.contrasts import pooled_contrast
from expsim_panel.kernels.special import norm_ppf
from expsim_panel.kernels.trials import FOR_CONTROL, decide

if TYPE_CHECKING:
    from expsim_panel.row_law import Law

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
        apart = 0.0
        if setting.binary:
            if float(setting.sds.max()) > _MIDDLE and abs(v[0] - v[1]) > 1e-15:
                return None
            # p (1 - p) = v on the same side of 1/2 for both; the pooled rate's variance adds their distance.
            rates = 0.5 - np.sqrt(np.maximum(0.25 - v, 0.0))
            apart = float(rates[1] - rates[0])
        scale = pooled_scale(n, v, apart)
        return planned if math.isnan(scale) else self.at_the_end(setting, float(planned.upper[0]) * scale)

    def contest(self, planned: Bounds | None, setting: Setting, law: Law) -> Contest:
        """Return the bound on each variant's unpooled z; the largest pooled z wins."""
        rates = law.means[0] if setting.binary else None
        scale = pooled_scales(setting.rows[-1], law.sds[0], rates)
        return at_the_end(setting, self.rule(setting).critical, int(self.sides), scale)
