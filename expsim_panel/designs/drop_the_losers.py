"""Drop the losers: at each look the worst variants leave, and the survivors are tested at the end."""

from __future__ import annotations

import math
from itertools import pairwise
from typing import NamedTuple

import numpy as np
import param

from expsim_panel.design import Bounds, Setting, designs
from expsim_panel.designs._horizon import AtTheEnd
from expsim_panel.dropping import MOST_VARIANTS, drop_the_losers_critical
from expsim_panel.errors import InputError
from expsim_panel.kernels.contrasts import contrast
from expsim_panel.kernels.trials import UNITS, decide
from expsim_panel.look_lists import LookList
from expsim_panel.quantities import Count, Probability


class Survivors(NamedTuple):
    """z bound, day of the last drop (-1: none), last day, and scratch space (arms,): units at that drop."""

    critical: float
    dropped: int
    last: int
    ddof: float
    work: np.ndarray


@decide.register(Survivors)
def _survivors(rule: Survivors, day: int, state: np.ndarray) -> int:
    """Test at the end those that still got traffic after the last drop; the furthest above the bound wins."""
    arms = state.shape[1]
    if day == 0:
        for a in range(arms):
            rule.work[a] = 0.0
    if day == rule.dropped:
        for a in range(arms):
            rule.work[a] = state[UNITS, a]
    if day != rule.last:
        return 0
    winner = 0
    highest = rule.critical
    for a in range(1, arms):
        if not state[UNITS, a] > rule.work[a]:
            continue
        d, v = contrast(state, a, rule.ddof)
        z = d / math.sqrt(v) if v > 0.0 else 0.0
        if z > highest:
            highest = z
            winner = a
    return winner


class Kept(LookList):
    """How many variants go on after each look."""

    noun = "a list of whole numbers from 1 that does not rise"
    advice = "give how many variants go on after each look but the last, such as 3, 1"

    def accepts(self, values: list[object]) -> bool:
        """Tell whether no variant comes back."""
        whole = all(isinstance(n, int) and not isinstance(n, bool) and 1 <= n <= MOST_VARIANTS for n in values)
        return whole and all(b <= a for a, b in pairwise(values))  # type: ignore[operator]


@designs.register("drop-the-losers")
class DropTheLosers(AtTheEnd):
    """At every look but the last the variants with the worst means leave; their traffic goes to the others.

    Traffic is even over control and the variants left. Choosing the best raises false alarms, dropping the rest
    lowers them: the bound at the end makes the family-wise error exactly alpha, and lies below Dunnett's.

    References
    ----------
    P. F. Thall, R. Simon, S. S. Ellenberg (1988), Biometrika 75, 303-310; J. Wason, N. Stallard, J. Bowden,
    C. Jennison (2017), Statistical Methods in Medical Research 26, 508-524.
    """

    kind = "drop-the-losers"
    summary = "Several variants; the worst leave at each look, the best is tested at the end"
    error_claim = "exact"
    needs_allocation = "drop-the-losers"
    alpha = Probability(
        0.025,
        bounds=(1e-6, 0.5),
        softbounds=(0.01, 0.2),
        step=0.005,
        label="False alarm rate allowed",
        doc="Chance of any false winner, over all variants.",
    )
    sides = param.Selector(default=1, objects=[1], label="Sides", doc="1: looks for better variants only.")
    looks = Count(
        2, bounds=(1, 20), softbounds=(2, 5), label="Looks", doc="Evenly spaced, the last is the test at the end."
    )
    keep = Count(
        1, bounds=(1, MOST_VARIANTS), softbounds=(1, 3), label="Variants at the end", doc="How many reach the test."
    )
    kept = Kept(
        label="Variants after each look",
        doc="How many go on after each look but the last, such as 3, 1; unset: evenly down to those at the end.",
    )

    def look_days(self, setting: Setting) -> np.ndarray:
        """Return the day (from 1) of each look."""
        looks = int(self.looks) if self.kept is None else len(self.kept) + 1
        days = np.unique([math.ceil(k * setting.days / looks) for k in range(1, looks + 1)])
        enrolled = setting.units if setting.enrolled is None else setting.enrolled
        return np.asarray(days[enrolled[days - 1].sum(axis=1) > 0])

    def left(self, variants: int, looks: int) -> list[int]:
        """Return how many variants go on after each look but the last."""
        if self.kept is not None:
            return [min(int(n), variants) for n in self.kept[-(looks - 1) :]] if looks > 1 else []
        last = min(int(self.keep), variants)
        return [variants - round((variants - last) * k / (looks - 1)) for k in range(1, looks)]

    def variants_by_day(self, setting: Setting) -> np.ndarray:
        """Return how many variants get traffic on each day, int array (days,)."""
        days = self.look_days(setting)
        variants = setting.arms - 1
        found = np.full(setting.days, variants, np.int64)
        for day, number in zip(days[:-1], self.left(variants, days.size), strict=True):
            found[day:] = number
        return found

    def seen_by(self, setting: Setting) -> np.ndarray:
        """Return the units of a variant that never leaves whose outcomes are known by each day, (days,)."""
        enrolled = (setting.units if setting.enrolled is None else setting.enrolled).sum(axis=1)
        own = np.cumsum(np.diff(enrolled, prepend=0.0) / (self.variants_by_day(setting) + 1))
        # Late outcomes: what is known is what had been enrolled when the total was as large.
        return np.asarray(np.interp(setting.units.sum(axis=1), np.append(0.0, enrolled), np.append(0.0, own)))

    def critical(self, setting: Setting) -> float:
        """Return the z bound of the survivors."""
        days, seen = self.look_days(setting), self.seen_by(setting)
        times = seen[days[:-1] - 1] / seen[-1] if seen[-1] > 0 else np.linspace(0, 1, days.size + 1)[1:-1]
        kept = self.left(setting.arms - 1, days.size)
        return drop_the_losers_critical(setting.arms - 1, kept, times.tolist(), float(self.alpha))

    def bounds(self, setting: Setting) -> Bounds:
        """Return the bound of the survivors on the last day."""
        return self.at_the_end(setting, self.critical(setting))

    def rule(self, setting: Setting) -> Survivors:
        """Return the kernel's parameters."""
        falls = np.flatnonzero(np.diff(self.variants_by_day(setting)) < 0)
        dropped = int(falls[-1]) if falls.size else -1
        return Survivors(self.critical(setting), dropped, setting.days - 1, setting.ddof, np.zeros(setting.arms))

    def claim(self, setting: Setting) -> str:
        """Return the claim, which several variants do not weaken."""
        return self.error_claim

    def check_for(self, setting: Setting, where: str, path: str) -> None:
        """Check the drops against the variants and the traffic; raise `InputError`."""
        looks = int(self.looks) if self.kept is None else len(self.kept) + 1
        if looks > setting.days:
            key = "looks" if self.kept is None else "kept"
            problem = f"{looks} looks in {setting.days} days"
            raise InputError(where, f"{path}.{key}", problem, "plan at most one look a day")
        first = int(self.look_days(setting)[0])
        if setting.units[first - 1].sum() == 0:
            problem = f"no outcome is known by the look on day {first}"
            raise InputError(where, f"{path}.looks", problem, "plan fewer looks")
        variants = setting.arms - 1
        if self.kept is not None and max(self.kept) > variants > 1:
            problem = f"{max(self.kept)} of {variants} variants go on"
            raise InputError(where, f"{path}.kept", problem, f"give at most {variants}")
        if self.kept is not None and self.keep not in (1, self.kept[-1]):
            problem = f"keep {self.keep} beside a list that ends with {self.kept[-1]}"
            raise InputError(where, f"{path}.keep", problem, "give keep or kept")
