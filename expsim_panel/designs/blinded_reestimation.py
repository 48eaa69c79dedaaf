"""Sample-size re-estimation from the blinded spread: the length follows the variance, never the difference."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from expsim_panel.design import Bounds, Ending, Remembered, Setting, designs
from expsim_panel.designs._adaptive_size import AdaptiveSize, ended, rows_so_far
from expsim_panel.kernels.contrasts import contrast
from expsim_panel.kernels.special import norm_ppf
from expsim_panel.kernels.trials import SQUARES, SUMS, decide
from expsim_panel.quantities import Probability, Share, Spread

if TYPE_CHECKING:
    from expsim_panel.row_law import Law
    from expsim_panel.several_exact import Won


class Reestimated(NamedTuple):
    """z bound, sides, day of the review, rows needed for each unit of variance, last day, scratch space.

    `work` has shape (2, arms): first the rows needed, then the z of every variant.
    """

    critical: float
    two_sided: bool
    review: int
    per_variance: float
    last: int
    ddof: float
    work: np.ndarray


@decide.register(Reestimated)
def _reestimated(rule: Reestimated, day: int, state: np.ndarray) -> int:
    """Fix the size at the review; test once, on the first day that has it, and end there."""
    arms = state.shape[1]
    if day < rule.review:
        return 0
    rows = rows_so_far(state)
    if day == rule.review:
        total = 0.0
        squares = 0.0
        for a in range(arms):
            total += state[SUMS, a]
            squares += state[SQUARES, a]
        # All arms lumped together: nobody sees which response is whose.
        spread = (squares - total * total / rows) / (rows - 1.0) if rows > 1.0 else 0.0
        rule.work[0, 0] = rule.per_variance * max(spread, 0.0)
    if day < rule.last and rows < rule.work[0, 0]:
        return 0
    for a in range(1, arms):
        d, v = contrast(state, a, rule.ddof)
        rule.work[1, a] = d / math.sqrt(v) if v > 0.0 else 0.0
    return ended(rule.work[1], rule.critical, rule.two_sided, day < rule.last)


@designs.register("blinded-reestimation")
class BlindedReestimation(AdaptiveSize):
    """At the review the blinded spread says how many units the planned effect needs; one fixed test there.

    Only the spread of all responses together is looked at, so that the type I error stays alpha (in large
    samples exactly). The planned days are the most it may take.

    References
    ----------
    A. L. Gould, W. J. Shih (1992), Communications in Statistics A 21, 2833-2853; M. Kieser, T. Friede (2003),
    Statistics in Medicine 22, 3571-3581.
    """

    kind = "blinded-reestimation"
    summary = "Sets its size by the spread of the first responses, blind to the difference"
    error_claim = "exact"
    several_days = True
    review_at = Share(
        0.25,
        bounds=(0.01, 0.99),
        softbounds=(0.1, 0.5),
        step=0.05,
        label="Review at",
        doc="Share of the planned days after which the spread is estimated.",
    )
    planned_effect = Spread(
        None,
        allow_None=True,
        bounds=(0, None),
        inclusive_bounds=(False, True),
        step=0.001,
        label="Effect to detect",
        doc="Effect that the size is for, metric units; unset: the indifference of the scenario.",
    )
    power = Probability(
        0.8,
        bounds=(0.5, 0.999),
        softbounds=(0.8, 0.95),
        step=0.05,
        label="Chance to detect it",
        doc="Power that the size is for.",
    )

    def remembers(self, setting: Setting, day: int) -> Remembered | None:
        """Return the review, once it is past."""
        review = self.rule(setting).review + 1
        return Remembered(review, "its review {when} fixes how long it runs") if day > review else None

    def next_look(self, setting: Setting, day: int, rule: Reestimated, rows: float) -> int | None:
        """Return the review; after it the day that reaches the size it fixed."""
        if day <= rule.review:
            return rule.review + 1
        return self.reached(setting, day, rows, float(rule.work[0, 0]), day + 1)

    def rule(self, setting: Setting) -> Reestimated:
        """Return the kernel's parameters."""
        critical = self.critical(setting)
        effect = setting.indifference if self.planned_effect is None else float(self.planned_effect)
        final = np.maximum(setting.rows[-1], 1.0)
        per_pair = float(final.sum() / final[0] + final.sum() / final[1:].min())
        needed = (critical + norm_ppf(self.power)) ** 2 * per_pair
        # No effect to detect: all of the planned units.
        per_variance = needed / effect**2 if effect > 0 else math.inf
        review = min(math.ceil(float(self.review_at) * setting.days), setting.days) - 1
        # Where outcomes are late, a review waits for the first ones: without any there is no spread to see.
        seen = np.flatnonzero(setting.rows.sum(axis=1) > 1)
        review = max(review, int(seen[0])) if seen.size else review
        return Reestimated(
            critical, self.sides == 2, review, min(per_variance, 1e300), setting.days - 1, setting.ddof,
            np.zeros((2, setting.arms)),
        )  # fmt: skip

    def ending(self, setting: Setting, law: Law) -> Ending | str:
        """Return the law of the day of the test and of its answer there; see `blinded_law`."""
        from expsim_panel.blinded_law import reestimated_ending

        rule = self.rule(setting)
        return reestimated_ending(setting, law, rule.review, rule.per_variance, rule.critical, rule.two_sided)

    def won(self, planned: Bounds | None, setting: Setting, law: Law, patient: bool = False) -> Won | str:
        """Return what it finds of two or three variants; see `several_blinded`."""
        from expsim_panel.several_blinded import reestimated_wins

        rule = self.rule(setting)
        return reestimated_wins(setting, law, rule.review, rule.per_variance, rule.critical, rule.two_sided)

    def decides_once(self, setting: Setting) -> bool:
        """Tell that it does not: the day is chosen."""
        return False
