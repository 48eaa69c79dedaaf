"""Step-wise tests of several variants against one control, at the end."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from expsim_panel.design import Bounds, Setting
from expsim_panel.designs._horizon import AtTheEnd
from expsim_panel.kernels.contrasts import contrast, normal_p_value
from expsim_panel.kernels.special import norm_ppf
from expsim_panel.kernels.trials import FOR_CONTROL, decide

if TYPE_CHECKING:
    from expsim_panel.row_law import Law
    from expsim_panel.several_exact import Won

HOLM, BENJAMINI_HOCHBERG = 0, 1


class Steps(NamedTuple):
    """Level of the family, procedure, sides, last day, and scratch space (2, variants): z and p, sorted by p."""

    alpha: float
    procedure: int
    sides: int
    last: int
    ddof: float
    work: np.ndarray


@decide.register(Steps)
def _steps(rule: Steps, day: int, state: np.ndarray) -> int:
    """Reject by the procedure; stop for the rejected variant with the largest z, for control if all are worse."""
    if day != rule.last:
        return 0
    variants = state.shape[1] - 1
    work = rule.work
    for a in range(variants):
        d, v = contrast(state, a + 1, rule.ddof)
        z = d / math.sqrt(v) if v > 0.0 else 0.0
        p = normal_p_value(z, rule.sides)
        i = a
        while i > 0 and work[1, i - 1] > p:
            work[0, i] = work[0, i - 1]
            work[1, i] = work[1, i - 1]
            i -= 1
        work[0, i] = z
        work[1, i] = p
    rejected = 0
    for i in range(variants):
        if rule.procedure == BENJAMINI_HOCHBERG:
            if work[1, i] <= rule.alpha * (i + 1) / variants:
                rejected = i + 1
        elif work[1, i] <= rule.alpha / (variants - i):
            rejected = i + 1
        else:
            break
    if rejected == 0:
        return 0
    best = 0.0
    for i in range(rejected):
        best = max(best, work[0, i])
    if best > 0.0:
        for a in range(variants):
            d, v = contrast(state, a + 1, rule.ddof)
            if v > 0.0 and d / math.sqrt(v) == best:
                return a + 1
    return FOR_CONTROL if rejected == variants and best <= 0.0 else 0


class StepWise(AtTheEnd):
    """A step-wise procedure; for two arms the fixed test. `procedure` names it."""

    only_fixed = "its p-values are those of pooled means"

    procedure = HOLM

    def remembers(self, setting: Setting, day: int) -> None:
        """Return None: its p-values are of the data at the end."""

    def rule(self, setting: Setting) -> Steps:
        """Return the kernel's parameters."""
        work = np.zeros((2, max(setting.arms - 1, 1)))
        return Steps(float(self.alpha), self.procedure, int(self.sides), setting.days - 1, setting.ddof, work)

    def won(self, planned: Bounds | None, setting: Setting, law: Law, patient: bool = False) -> Won | str:
        """Return who is found, see `step_law`; not of more variants than a sum over their sets has time for."""
        from expsim_panel.step_law import MOST_VARIANTS, StepTest, step_wins

        variants = setting.arms - 1
        if variants > MOST_VARIANTS:
            return f"no exact value of more than {MOST_VARIANTS} variants"
        at = np.arange(1, variants + 1)
        up = self.procedure == BENJAMINI_HOCHBERG
        levels = float(self.alpha) * (at / variants if up else 1 / (variants - at + 1)) / int(self.sides)
        test = StepTest(np.array([-norm_ppf(level) for level in levels]), up, self.sides == 2)
        return step_wins(law.means[0], law.sds[0], setting.rows[-1], test, law.effects[0, 1:] > 0)

    def found_for(self, z: np.ndarray, setting: Setting) -> np.ndarray | None:
        """Tell which variants the procedure rejects with a gain."""
        from scipy.special import ndtr

        p = 2 * ndtr(-np.abs(z)) if self.sides == 2 else ndtr(-z)
        order, variants = np.argsort(p, axis=1, kind="stable"), z.shape[1]
        ranked = np.take_along_axis(p, order, axis=1)
        at = np.arange(1, variants + 1)
        if self.procedure == BENJAMINI_HOCHBERG:
            passed = ranked <= self.alpha * at / variants
            # All up to the last that passes.
            passed = np.flip(np.maximum.accumulate(np.flip(passed, axis=1), axis=1), axis=1)
        else:
            passed = np.minimum.accumulate(ranked <= self.alpha / (variants - at + 1), axis=1)
        found = np.empty_like(passed)
        np.put_along_axis(found, order, passed, axis=1)
        return np.asarray(found & (z > 0))
