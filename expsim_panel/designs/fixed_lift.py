"""One analysis at the end of the relative lift, on the logarithmic scale."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from expsim_panel.design import Bounds, Ending, Setting, designs
from expsim_panel.designs._horizon import AtTheEnd
from expsim_panel.kernels.arms import row_variance
from expsim_panel.kernels.special import norm_ppf
from expsim_panel.kernels.trials import FOR_CONTROL, decide
from expsim_panel.lift_law import lift_rejects, lift_wins

if TYPE_CHECKING:
    from expsim_panel.row_law import Law
    from expsim_panel.several_exact import Won

_NO_LIFT = "no exact value: a mean may be on either side of 0, where there is no lift"


class LiftTest(NamedTuple):
    """z bound, sides, degrees of freedom that a variance loses, and the last day."""

    critical: float
    two_sided: bool
    ddof: float
    last: int


@decide.register(LiftTest)
def _lift_test(rule: LiftTest, day: int, state: np.ndarray) -> int:
    """Test at the end; stop for the variant with the largest z of its logarithmic lift beyond the bound."""
    if day != rule.last:
        return 0
    winner = 0
    highest = rule.critical
    all_below = rule.two_sided
    n0 = state[1, 0]
    for a in range(1, state.shape[1]):
        n1 = state[1, a]
        z = 0.0
        if n1 > rule.ddof and n0 > rule.ddof:
            m1 = state[2, a] / n1
            m0 = state[2, 0] / n0
            # Means on both sides of 0 have no ratio; means below 0 are of a metric that should fall.
            if m1 * m0 > 0.0:
                v1 = row_variance(n1, state[2, a], state[3, a], rule.ddof) / (n1 * m1 * m1)
                v0 = row_variance(n0, state[2, 0], state[3, 0], rule.ddof) / (n0 * m0 * m0)
                if v1 + v0 > 0.0:
                    z = math.log(m1 / m0) / math.sqrt(v1 + v0)
                    if m0 < 0.0:
                        z = -z
        if z > highest:
            highest = z
            winner = a
        if not z < -rule.critical:
            all_below = False
    if winner > 0:
        return winner
    return FOR_CONTROL if all_below else 0


@designs.register("fixed-lift")
class FixedLift(AtTheEnd):
    """Wait until the planned end, test the relative lift once: ``log(m1 / m0)`` by the delta method.

    With two arms and no difference it is the z test of the difference in large samples. Means must not be near 0.
    Of a rate that should fall, the lift is that of its complement.

    References
    ----------
    A. Deng, U. Knoblich, J. Lu (2018), Applying the delta method in metric analytics, KDD.
    """

    kind = "fixed-lift"
    summary = "Wait until the end, one test of the relative lift"
    error_claim = "exact"
    only_fixed = "it compares pooled means"
    of_lifts = True

    def rule(self, setting: Setting) -> LiftTest:
        """Return the kernel's parameters."""
        critical = norm_ppf(1 - self.alpha / (self.sides * (setting.arms - 1)))
        return LiftTest(float(critical), self.sides == 2, setting.ddof, setting.days - 1)

    def bounds(self, setting: Setting) -> Bounds | None:
        """Return None: on the scale of differences the bound depends on the means, which a plan does not know."""
        return None

    def ending(self, setting: Setting, law: Law) -> Ending | str:
        """Return P(found worse) and P(found better) by the law of the logarithmic lift, see `lift_law`."""
        if not law.plain or law.severity_sd > 0:
            return "no exact value of a lift in a world that is not plain"
        critical = float(norm_ppf(1 - self.alpha / self.sides))
        found = lift_rejects(law.means[0], law.sds[0], setting.rows[-1], critical, setting.binary)
        if found is None:
            return _NO_LIFT
        low, high = np.array([found[0] if self.sides == 2 else 0.0]), np.array([found[1]])
        return Ending(np.array([setting.days]), (low, np.zeros(1), high))

    def won(self, planned: Bounds | None, setting: Setting, law: Law, patient: bool = False) -> Won | str:
        """Return who has the largest logarithmic lift beyond the bound, see `lift_law`."""
        rule = self.rule(setting)
        better = law.effects[0, 1:] > 0
        arms = law.means[0], law.sds[0], setting.rows[-1]
        return lift_wins(*arms, rule.critical, rule.two_sided, setting.binary, better) or _NO_LIFT
