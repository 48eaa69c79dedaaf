"""Stop when empirical-Bernstein confidence sequences of the arms separate: bounded outcomes, nothing else assumed."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from expsim_panel.checked import Floats
from expsim_panel.contests import Contest, by_line
from expsim_panel.design import Bounds, Ending, Remembered, Setting, designs
from expsim_panel.designs._monitoring import Monitored
from expsim_panel.kernels.trials import FOR_CONTROL, ROWS, SQUARES, SUMS, decide
from expsim_panel.quantities import Spread

if TYPE_CHECKING:
    from expsim_panel.row_law import Law

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


def _reaches(rule: Separated, rows: Floats, means: Floats, sds: Floats, effect: float) -> tuple[Floats, Floats]:
    """Return the rows that each arm's mean is of and its half width, shape (days, arms), as `_separated` has them.

    With the variance process at its expectation: a row's squared distance from the mean of the N rows of the days
    before is expected to be ``sd^2 (1 + effect / N)``, `effect` being the clusters' design effect. The process
    strays from it by a part of ``1 / sqrt(rows)`` and the half width by half of that, up as often as down.
    """
    new = np.diff(rows, axis=0, prepend=0.0)
    before = rows - new
    with np.errstate(divide="ignore", invalid="ignore"):
        away = np.where(before > 0, effect * sds**2 / before, (means - rule.centre) ** 2)
    # The first scores only say where the middle is.
    lost = np.where((before == 0) & np.isnan(away), new, 0.0).sum(axis=0)
    v = np.cumsum(np.where(np.isnan(away) | (new == 0), 0.0, new * (sds**2 + np.nan_to_num(away))), axis=0)
    n = rows - np.minimum(lost, rows)
    v = np.maximum(v, rule.least_variance)
    weight = 1.4 * np.log(np.log(2.0 * v / rule.least_variance)) + rule.offset
    linear = 1.2071067811865475 * rule.width * weight
    with np.errstate(divide="ignore"):
        return n, (np.sqrt(2.0606601717798214 * v * weight + linear * linear) + linear) / n


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

    def remembers(self, setting: Setting, day: int) -> Remembered | None:
        """Return the day before: how far scores are off is measured from the mean until then."""
        return (
            Remembered(day - 1, "it measures each day's scores from the mean of the days before") if day > 1 else None
        )

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

    def ending(self, setting: Setting, law: Law) -> Ending | str:
        """Return the crossing law of the difference at the expected half widths; exact in large samples."""
        from expsim_panel.exact_worlds import why_not
        from expsim_panel.regions import stops_between
        from expsim_panel.severities import severities

        uneven = law.uneven
        if not law.kind.plain or not (uneven is None or uneven.constant):
            return "no exact value for this stopping rule in a world that is not plain"
        absent = "" if uneven is None else why_not(law, uneven)
        if absent or (law.severity_sd > 0 and not law.shared):
            return absent or "no exact value: each variant has raters of its own"
        rule, sds, effect = self.rule(setting), law.sds[0], 1.0 if uneven is None else uneven.effect
        if np.any(sds <= 0):
            return "no exact value: the outcome does not vary"
        looks, stops = self.look_days(setting) - 1, np.zeros(0)
        for between, weight in severities(law):
            seen = np.sqrt(sds**2 + between)
            n, half = _reaches(rule, setting.rows, law.means[0], seen, effect)
            if stops.size == 0:
                looks = looks[(n[looks] > 0).all(axis=1)]
                # A look that knows nothing new stops nothing.
                looks = looks[np.diff(n[looks].sum(axis=1), prepend=0.0) > 0]
                if looks.size == 0:
                    return "no exact value: no look sees a response of both variants"
                variance = effect * (sds**2 / n[looks]).sum(axis=1)
                drift = float(law.means[0, 1] - law.means[0, 0]) / math.sqrt(variance[-1])
                stops = np.zeros((3, looks.size))
            bound = half[looks].sum(axis=1) / np.sqrt(variance)
            lower = -bound if self.sides == 2 else np.full_like(bound, -np.inf)
            stops += weight * np.array(stops_between(variance[-1] / variance, lower, bound, None, drift))
        return Ending(looks + 1, (stops[0], stops[1], stops[2]))

    def contest(self, planned: Bounds | None, setting: Setting, law: Law) -> Contest | None:
        """Return bounds at the expected half widths; the variant furthest above the control's interval wins."""
        looks, sds = self.look_days(setting) - 1, law.sds[0]
        n, half = _reaches(self.rule(setting), setting.rows, law.means[0], sds, 1.0)
        looks = looks[(n[looks] > 0).all(axis=1)]
        if looks.size == 0:
            return None
        each = sds**2 / n[looks]
        spread, reach = np.sqrt(each[:, 1:] + each[:, :1]), half[looks][:, 1:] + half[looks][:, :1]
        upper = reach / spread
        lower = -upper if self.sides == 2 else np.full_like(upper, -np.inf)
        return Contest(looks + 1, lower, upper, level=by_line(spread, -reach), rows=n[looks])

    def claim(self, setting: Setting) -> str:
        """Return the claim: without a known range there is none."""
        return "at most" if setting.binary or self.width is not None else "none"
