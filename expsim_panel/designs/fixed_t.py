"""One analysis at the end by a t test: right in small samples too."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import param

from expsim_panel.contests import Contest, at_the_end
from expsim_panel.design import Bounds, Setting, designs
from expsim_panel.designs._horizon import AtTheEnd, pooled_scale, pooled_scales
from expsim_panel.kernels.contrasts import contrast, pooled_contrast, student_tail, welch_freedom
from expsim_panel.kernels.special import norm_ppf
from expsim_panel.kernels.trials import FOR_CONTROL, decide

if TYPE_CHECKING:
    from expsim_panel.row_law import Law


class StudentTest(NamedTuple):
    """Level of one side and variant, sides, whether one variance is shared, and the last day."""

    level: float
    two_sided: bool
    pooled: bool
    last: int


@decide.register(StudentTest)
def _student_test(rule: StudentTest, day: int, state: np.ndarray) -> int:
    """Test at the end; stop for the variant with the smallest p-value below the level."""
    if day != rule.last:
        return 0
    winner = 0
    smallest = rule.level
    all_below = rule.two_sided
    for a in range(1, state.shape[1]):
        freedom = 0.0
        if rule.pooled:
            d, v = pooled_contrast(state, a, False)
            freedom = state[1, a] + state[1, 0] - 2.0
        else:
            d, v = contrast(state, a, 1.0)
            freedom = welch_freedom(state, a)
        if v <= 0.0 or freedom <= 0.0:
            all_below = False
            continue
        t = d / math.sqrt(v)
        high = student_tail(t, freedom)
        if high < smallest:
            smallest = high
            winner = a
        if not student_tail(-t, freedom) < rule.level:
            all_below = False
    if winner > 0:
        return winner
    return FOR_CONTROL if all_below else 0


@designs.register("fixed-t")
class FixedT(AtTheEnd):
    """Wait until the planned end, test once by Welch's or Student's t: the level holds in small samples.

    References
    ----------
    B. L. Welch (1947), Biometrika 34, 28-35.
    """

    kind = "fixed-t"
    summary = "Wait until the end, one t test: for small samples"
    error_claim = "exact"
    only_fixed = "Student's law is that of pooled means"
    bounds_follow_spread = True
    variances = param.Selector(
        default="separate",
        objects=["separate", "equal"],
        label="Variances",
        doc="separate: Welch's test. equal: Student's, with one variance for both arms.",
    )

    def not_by_day(self) -> str:
        """Return why Student's test cannot: its variance is that of all rows together; Welch's can."""
        if self.variances == "separate":
            return ""
        return "one variance of all rows does not say how far days that are weighed apart are off"

    def rule(self, setting: Setting) -> StudentTest:
        """Return the kernel's parameters."""
        level = self.alpha / (self.sides * (setting.arms - 1))
        return StudentTest(float(level), self.sides == 2, self.variances == "equal", setting.days - 1)

    def bounds(self, setting: Setting) -> Bounds | None:
        """Return the z bound of large samples; Student's on the scale of the z with separate variances."""
        planned = super().bounds(setting)
        if planned is None or self.variances == "separate":
            return planned
        scale = pooled_scale(setting.rows[-1, [0, -1]], setting.sds[[0, -1]] ** 2)
        return planned if math.isnan(scale) else self.at_the_end(setting, float(planned.upper[0]) * scale)

    def contest(self, planned: Bounds | None, setting: Setting, law: Law) -> Contest:
        """Return the bound on each variant's z; the smallest p-value is of the largest t, in large samples."""
        variants = setting.arms - 1
        scale = np.ones(variants)
        if self.variances == "equal":
            scale = pooled_scales(setting.rows[-1], law.sds[0], None)
        critical = norm_ppf(1 - float(self.alpha) / (self.sides * variants))
        return at_the_end(setting, float(critical), int(self.sides), scale)
