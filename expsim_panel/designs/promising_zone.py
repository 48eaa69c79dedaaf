"""Extend an experiment whose interim result is promising; combine the two stages by their planned weights."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from expsim_panel.design import Bounds, Ending, Remembered, Setting, designs
from expsim_panel.designs._adaptive_size import AdaptiveSize, ended, rows_so_far
from expsim_panel.errors import InputError
from expsim_panel.kernels.arms import row_variance
from expsim_panel.kernels.contrasts import conditional_power, contrast
from expsim_panel.kernels.special import norm_ppf
from expsim_panel.kernels.trials import ROWS, SQUARES, SUMS, decide
from expsim_panel.quantities import Probability, Share

if TYPE_CHECKING:
    from expsim_panel.row_law import Law
    from expsim_panel.several_exact import Won


class Promising(NamedTuple):
    """z bound, zone, quantile of the power aimed at, interim information, days of the plan, scratch space.

    `work` has shape (5, arms): rows, sum and squares at the interim look, z there (its first entry is the number of
    rows over all arms at which the experiment ends), z at the end.
    """

    critical: float
    two_sided: bool
    least: float
    aim: float
    aim_quantile: float
    information: float
    interim: int
    planned: int
    last: int
    ddof: float
    work: np.ndarray


@decide.register(Promising)
def _promising(rule: Promising, day: int, state: np.ndarray) -> int:
    """Set the size at the interim look; at that size combine both stages and end."""
    arms = state.shape[1]
    work = rule.work
    if day < rule.interim:
        return 0
    rows = rows_so_far(state)
    if day == rule.interim:
        best = 0.0
        for a in range(arms):
            work[0, a] = state[ROWS, a]
            work[1, a] = state[SUMS, a]
            work[2, a] = state[SQUARES, a]
            if a > 0:
                d, v = contrast(state, a, rule.ddof)
                work[3, a] = d / math.sqrt(v) if v > 0.0 else 0.0
                size = abs(work[3, a]) if rule.two_sided else work[3, a]
                best = max(best, size)
        # Trend: the estimated effect goes on, so that z grows to z / sqrt(t) by the planned end.
        t = rule.information
        chance = conditional_power(best, t, best / math.sqrt(t), rule.critical)
        planned = rows / t
        needed = planned
        if rule.least <= chance and chance < rule.aim:
            reach = (rule.critical - best * math.sqrt(t)) / math.sqrt(1.0 - t) + rule.aim_quantile
            more = rows * reach * reach / (best * best)
            needed = max(planned, rows + more)
        work[3, 0] = needed
        return 0
    if day < rule.last and (day < rule.planned or rows < work[3, 0] * (1.0 - 1e-12)):
        return 0
    first = math.sqrt(rule.information)
    second = math.sqrt(1.0 - rule.information)
    n0 = state[ROWS, 0] - work[0, 0]
    s0 = state[SUMS, 0] - work[1, 0]
    v0 = row_variance(n0, s0, state[SQUARES, 0] - work[2, 0], rule.ddof)
    for a in range(1, arms):
        n1 = state[ROWS, a] - work[0, a]
        s1 = state[SUMS, a] - work[1, a]
        v1 = row_variance(n1, s1, state[SQUARES, a] - work[2, a], rule.ddof)
        z = 0.0
        if n0 > rule.ddof and n1 > rule.ddof and n0 > 0.0 and n1 > 0.0 and v0 + v1 > 0.0:
            z = first * work[3, a] + second * (s1 / n1 - s0 / n0) / math.sqrt(v1 / n1 + v0 / n0)
        work[4, a] = z
    return ended(work[4], rule.critical, rule.two_sided, day < rule.last)


def _last_days(rule: Promising, arrived: np.ndarray, z: np.ndarray) -> np.ndarray:
    """Return the day, from 0, on which it ends by each interim z, as `_promising` does."""
    t, rows = rule.information, arrived[rule.interim]
    best = np.abs(z) if rule.two_sided else np.maximum(z, 0.0)
    chance = [conditional_power(one, t, one / math.sqrt(t), rule.critical) for one in best.tolist()]
    promising = (np.array(chance) >= rule.least) & (np.array(chance) < rule.aim)
    reach = (rule.critical - best * math.sqrt(t)) / math.sqrt(1.0 - t) + rule.aim_quantile
    with np.errstate(divide="ignore"):
        needed = np.where(promising, np.maximum(rows / t, rows + rows * (reach / best) ** 2), rows / t)
    days = np.arange(rule.planned, rule.last + 1)
    enough = arrived[days] >= needed[:, None] * (1.0 - 1e-12)
    enough[:, -1] = True
    return np.asarray(days[np.argmax(enough, axis=1)])


def _kinks(rule: Promising, arrived: np.ndarray) -> np.ndarray:
    """Return the interim z at which the last day changes: edges of the zone, and sizes that a day just reaches."""
    t, rows = rule.information, arrived[rule.interim]
    rest = math.sqrt(1.0 - t)
    edges = [math.sqrt(t) * (rule.critical + rest * norm_ppf(share)) for share in (rule.least, rule.aim) if share > 0]
    # rows (reach / z)^2 more are those that day d has: reach = +-z k, and reach falls in a line with z.
    more = np.sqrt(np.maximum(arrived[rule.planned : rule.last + 1] / rows - 1.0, 0.0))
    level, slope = rule.critical / rest + rule.aim_quantile, math.sqrt(t) / rest
    with np.errstate(divide="ignore"):
        sizes = np.concatenate([level / (slope + more), level / (slope - more)])
    found = np.concatenate([[0.0], edges, sizes])
    found = found[np.isfinite(found) & (found >= 0)]
    return np.concatenate([-found, found]) if rule.two_sided else found


@designs.register("promising-zone")
class PromisingZone(AdaptiveSize):
    """Plan for less than the horizon; where the interim conditional power is promising, go on up to it.

    The size that would bring the conditional power (under the trend) to its aim, at most the planned days. The
    stages are combined with the weights of the plan (inverse normal), so that the type I error is alpha
    whatever made the size change.

    References
    ----------
    L. Cui, H. M. J. Hung, S.-J. Wang (1999), Biometrics 55, 853-857; C. R. Mehta, S. J. Pocock (2011),
    Statistics in Medicine 30, 3267-3284.
    """

    kind = "promising-zone"
    summary = "A short plan that is extended when the interim result is promising"
    error_claim = "exact"
    several_days = True
    planned_share = Share(
        0.5,
        bounds=(0.05, 1),
        softbounds=(0.3, 0.9),
        step=0.05,
        label="Planned length",
        doc="Share of the days after which it ends unless it is extended; the rest is the most it may add.",
    )
    interim_at = Share(
        0.5,
        bounds=(0.05, 0.95),
        softbounds=(0.3, 0.7),
        step=0.05,
        label="Interim look at",
        doc="Share of the planned length at which the size is decided.",
    )
    least = Probability(
        0.3,
        bounds=(0, 0.99),
        softbounds=(0.1, 0.5),
        step=0.05,
        label="Promising from",
        doc="Conditional power from which it pays to go on.",
    )
    aim = Probability(
        0.8,
        bounds=(0.01, 0.999),
        softbounds=(0.7, 0.95),
        step=0.05,
        label="Conditional power aimed at",
        doc="The size is raised until the conditional power is this.",
    )

    def not_by_day(self) -> str:
        """Return why: the second stage is what its rows add to those of the first."""
        return "its second stage is what was added since the first, and a combination of days adds nothing up"

    def days_of(self, setting: Setting) -> tuple[int, int]:
        """Return the interim day and the planned last day, both from 1; the same where one day is all there is."""
        planned = min(max(math.ceil(float(self.planned_share) * setting.days), 2), setting.days)
        return max(min(math.ceil(float(self.interim_at) * planned), planned - 1), 1), planned

    def remembers(self, setting: Setting, day: int) -> Remembered | None:
        """Return the interim look, once it is past."""
        interim, _ = self.days_of(setting)
        what = "its interim look {when} fixes how long it runs and is a stage of its test"
        return Remembered(interim, what) if day > interim else None

    def next_look(self, setting: Setting, day: int, rule: Promising, rows: float) -> int | None:
        """Return the interim look; after it the day that reaches the size it fixed."""
        if day <= rule.interim:
            return rule.interim + 1
        return self.reached(setting, day, rows, float(rule.work[3, 0]) * (1.0 - 1e-12), rule.planned + 1)

    def rule(self, setting: Setting) -> Promising:
        """Return the kernel's parameters."""
        interim, planned = self.days_of(setting)
        arrived = setting.rows.sum(axis=1)
        information = float(arrived[interim - 1] / arrived[planned - 1]) if arrived[planned - 1] > 0 else 0.5
        critical = self.critical(setting)
        return Promising(
            critical, self.sides == 2, float(self.least), float(self.aim), norm_ppf(self.aim),
            min(max(information, 1e-9), 1 - 1e-9), interim - 1, planned - 1, setting.days - 1, setting.ddof,
            np.zeros((5, setting.arms)),
        )  # fmt: skip

    def ending(self, setting: Setting, law: Law) -> Ending | str:
        """Return the law of the combination, by an integral over the interim z; see `zone_law`."""
        from expsim_panel.zone_law import combined_ending

        rule, arrived = self.rule(setting), setting.rows.sum(axis=1)
        if arrived[rule.interim] <= 0:
            return "no exact value: the interim look sees no scored response"
        return combined_ending(
            setting, law, rule.interim, rule.information, rule.critical, rule.two_sided,
            lambda z: _last_days(rule, arrived, z), _kinks(rule, arrived),
        )  # fmt: skip

    def won(self, planned: Bounds | None, setting: Setting, law: Law, patient: bool = False) -> Won | str:
        """Return what it finds of two variants (three where there is time); see `several_stages`."""
        from expsim_panel.several_exact import SLOW
        from expsim_panel.several_looks import PATIENT, QUICK
        from expsim_panel.several_stages import Stage, zone_wins

        rule, rows = self.rule(setting), setting.rows
        arrived = rows.sum(axis=1)
        later = rows - rows[rule.interim]
        if np.any(rows[rule.interim] < 2) or np.any(later[rule.planned :] < 2):
            return "no exact value: a stage sees fewer than two scored responses"
        found = zone_wins(
            Stage(law.means[0], law.sds[0], rows[rule.interim]),
            lambda day: Stage(law.means[0], law.sds[0], later[day]),
            rule.information, rule.critical, rule.two_sided, lambda z: _last_days(rule, arrived, z),
            _kinks(rule, arrived), rule.last, PATIENT if patient else QUICK,
        )  # fmt: skip
        return found or SLOW

    def decides_once(self, setting: Setting) -> bool:
        """Tell that it does not: the day is chosen."""
        return False

    def check_for(self, setting: Setting, where: str, path: str) -> None:
        """Check the zone and the traffic; raise `InputError`."""
        super().check_for(setting, where, path)
        if not self.least < self.aim:
            problem = f"promising from {self.least:g} but aiming at {self.aim:g}"
            raise InputError(where, f"{path}.aim", problem, "aim higher than where the promising zone starts")
        if setting.days < 2:
            raise InputError(
                where, f"{path}.interim_at", "one day is planned", "an interim look needs two days or more"
            )
