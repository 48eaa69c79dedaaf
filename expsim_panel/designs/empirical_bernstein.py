"""Stop when empirical-Bernstein confidence sequences of the arms separate: bounded outcomes, nothing else assumed."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

from expsim_panel.design import Setting, designs
from expsim_panel.designs._monitoring import Monitored
from expsim_panel.kernels.trials import FOR_CONTROL, ROWS, SQUARES, SUMS, decide
from expsim_panel.quantities import Spread

_FAR = 8.0
_EXPONENT, _RATIO = 1.4, 2.0


class Separated(NamedTuple):
    """Range of an outcome, constants of the stitched boundary, days looked at, and scratch space.

    `work` has shape (7, arms): variance process, rows, sum and squares of the evening before, rows and sum left
    out of the estimate, half width.
    """

    width: float
    centre: float
    offset: float
    least_variance: float
    two_sided: bool
    looks: np.ndarray
    work: np.ndarray


@decide.register(Separated)
def _separated(rule: Separated, day: int, state: np.ndarray) -> int:
    """Update each arm's variance process; stop for a variant whose interval lies above control's."""
    work = rule.work
    arms = state.shape[1]
    for a in range(arms):
        if day == 0:
            for i in range(7):
                work[i, a] = 0.0
        rows = state[ROWS, a] - work[1, a]
        total = state[SUMS, a] - work[2, a]
        squares = state[SQUARES, a] - work[3, a]
        if rows > 0.0:
            centre = work[2, a] / work[1, a] if work[1, a] > 0.0 else rule.centre
            if centre != centre:
                # The first scores only say where the middle is.
                work[4, a] = rows
                work[5, a] = total
            else:
                work[0, a] += max(squares - 2.0 * centre * total + rows * centre * centre, 0.0)
        work[1, a] = state[ROWS, a]
        work[2, a] = state[SUMS, a]
        work[3, a] = state[SQUARES, a]
    if not rule.looks[day]:
        return 0
    for a in range(arms):
        n = work[1, a] - work[4, a]
        if n <= 0.0:
            return 0
        v = max(work[0, a], rule.least_variance)
        weight = 1.4 * math.log(math.log(2.0 * v / rule.least_variance)) + rule.offset
        # Constants of epochs that double: k1 = (2^(1/4) + 2^(-1/4)) / sqrt 2, k2 = (sqrt 2 + 1) / 2.
        linear = 1.2071067811865475 * rule.width * weight
        work[6, a] = (math.sqrt(2.0606601717798214 * v * weight + linear * linear) + linear) / n
    winner = 0
    highest = 0.0
    all_below = rule.two_sided
    middle = (work[2, 0] - work[5, 0]) / (work[1, 0] - work[4, 0])
    for a in range(1, arms):
        gap = (work[2, a] - work[5, a]) / (work[1, a] - work[4, a]) - middle
        reach = work[6, a] + work[6, 0]
        if gap - reach > highest:
            highest = gap - reach
            winner = a
        if not gap + reach < 0.0:
            all_below = False
    if winner > 0:
        return winner
    return FOR_CONTROL if all_below else 0


@designs.register("empirical-bernstein")
class EmpiricalBernstein(Monitored):
    """Polynomial-stitched empirical-Bernstein sequence of each arm's mean; a variant wins when they separate.

    Needs only that an outcome lies in a known range (a rate's is 1). Centred day by day at the mean of the days
    before; scores give their first day away for that. Cautious: no more false alarms than alpha in any sample
    size, usually far fewer.

    References
    ----------
    S. R. Howard, A. Ramdas, J. McAuliffe, J. Sekhon (2021), Annals of Statistics 49, 1055-1080, Theorem 4 and
    equation (10).
    """

    kind = "empirical-bernstein"
    summary = "Look whenever you like, trusting nothing but the range of an outcome"
    error_claim = "at most"
    width = Spread(
        None,
        allow_None=True,
        bounds=(0, None),
        inclusive_bounds=(False, True),
        label="Range of an outcome",
        doc="Largest less smallest possible score; unset: 1 for a rate, 8 planned standard deviations for a score.",
    )

    def not_by_day(self) -> str:
        """Return why: it follows every arm's own mean, of all rows until now."""
        return "it follows each variant's own sums, and a combination of days adds nothing up"

    def rule(self, setting: Setting) -> Separated:
        """Return the kernel's parameters."""
        from scipy.special import zeta

        width = float(self.width) if self.width is not None else 1.0 if setting.binary else _FAR * float(setting.sds[0])
        # A contrast errs if either arm's interval fails: each gets half of a side's error rate.
        level = self.shared_alpha(setting) / self.sides / 2
        offset = math.log(float(zeta(_EXPONENT, 1)) / (level * math.log(_RATIO) ** _EXPONENT))
        first = int(self.look_days(setting)[0]) - 1
        least = max(float(setting.sds[0]) ** 2 * float(setting.rows[first].min()), 1e-12)
        return Separated(
            width, 0.5 if setting.binary else math.nan, offset, least, self.sides == 2, self.looked_at(setting),
            np.zeros((7, setting.arms)),
        )  # fmt: skip

    def bounds(self, setting: Setting) -> None:
        """Return None: the rule follows the variance process, not z."""

    def claim(self, setting: Setting) -> str:
        """Return the claim: without a known range there is none."""
        return "at most" if setting.binary or self.width is not None else "none"
