"""Drop the losers: at each look the worst variants leave, or those below a bound; survivors are tested at the end."""

from __future__ import annotations

import math
from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np
import param

from expsim_panel.design import ROOM, Bounds, Remembered, Setting, designs
from expsim_panel.designs._horizon import AtTheEnd
from expsim_panel.dropping import MOST_VARIANTS, drop_the_losers_critical
from expsim_panel.dropping_laws import Drops, bound_critical, by_bounds, one_is_kept, the_best_are_kept
from expsim_panel.errors import InputError
from expsim_panel.kernels.contrasts import contrast, leave
from expsim_panel.kernels.trials import FUTILE, UNITS, decide
from expsim_panel.look_lists import FutilityBounds, LookList, z_bounds
from expsim_panel.multiplicity import dunnett_critical
from expsim_panel.quantities import GivenCount, Probability, was_given


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


class AboveBounds(NamedTuple):
    """Final z bound, z bound of each day (-inf: none) and whether against the best, last day, and scratch (2, arms)."""

    critical: float
    below: np.ndarray
    best: bool
    last: int
    ddof: float
    work: np.ndarray


@decide.register(AboveBounds)
def _above_bounds(rule: AboveBounds, day: int, state: np.ndarray) -> int:
    """Give up when the last variant leaves; test at the end those that still get traffic."""
    arms = state.shape[1]
    alive, units = rule.work[0], rule.work[1]
    if day == 0:
        for a in range(arms):
            alive[a] = 1.0
            units[a] = 0.0
    for a in range(1, arms):
        # Who gets traffic is what the policy says: its data may be ahead of those that are analysed.
        if state[UNITS, a] <= units[a] and state[UNITS, 0] > units[0]:
            alive[a] = 0.0
    for a in range(arms):
        units[a] = state[UNITS, a]
    if rule.below[day] > -math.inf and leave(state, alive, rule.below[day], rule.best, rule.ddof) == 0:
        return FUTILE
    if day != rule.last:
        return 0
    winner = 0
    highest = rule.critical
    for a in range(1, arms):
        if alive[a] == 0.0:
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
    """At every look but the last the variants with the worst means leave, or those whose z lies below a bound.

    By number: their traffic goes to the others, even over control and the variants left. Choosing the best raises
    false alarms, dropping the rest lowers them: the bound at the end makes the family-wise error exactly alpha, and
    lies below Dunnett's. By bound (`drop_below`): their traffic leaves the experiment, which ends when nobody is left.
    The test at the end is Dunnett's, so that the bounds may be overruled; or, `binding`, a lower one, exactly alpha.

    References
    ----------
    P. F. Thall, R. Simon, S. S. Ellenberg (1988), Biometrika 75, 303-310; J. Wason, N. Stallard, J. Bowden,
    C. Jennison (2017), Statistical Methods in Medical Research 26, 508-524; D. Magirr, T. Jaki, J. Whitehead (2012),
    Biometrika 99, 494-501 (bounds).
    """

    kind = "drop-the-losers"
    summary = "Several variants; the worst leave at each look, the best is tested at the end"
    error_claim = "exact"
    needs_allocation = "drop-the-losers"
    drops = True
    alpha = Probability(
        0.025,
        bounds=(1e-6, 0.5),
        softbounds=(0.01, 0.2),
        step=0.005,
        label="False alarm rate allowed",
        doc="Chance of any false winner, over all variants.",
    )
    sides = param.Selector(default=1, objects=[1], label="Sides", doc="1: looks for better variants only.")
    looks = GivenCount(
        2, bounds=(1, 20), softbounds=(2, 5), label="Looks", doc="Evenly spaced, the last is the test at the end."
    )
    keep = GivenCount(
        1, bounds=(1, MOST_VARIANTS), softbounds=(1, 3), label="Variants at the end", doc="How many reach the test."
    )
    kept = Kept(
        label="Variants after each look",
        doc="How many go on after each look but the last, such as 3, 1; unset: evenly down to those at the end.",
    )

    drop_below = FutilityBounds(
        label="Leave below z",
        doc="z at each look but the last below which a variant leaves, such as 0, 0.5; unset: the worst leave.",
    )
    against = param.Selector(
        default="control",
        objects=["control", "best"],
        label="z against",
        doc="Whom a variant is compared with when it is dropped by a bound: the control, or the best variant left.",
    )
    binding = param.Boolean(
        False,
        label="Bounds are binding",
        doc="Whether who is below a bound leaves without fail: the test at the end may then be easier.",
    )

    def planned_looks(self) -> int:
        """Return the number of looks, the end among them."""
        if self.drop_below is not None:
            return len(self.drop_below) + 1
        return int(self.looks) if self.kept is None else len(self.kept) + 1

    def to_tree(self) -> dict[str, Any]:
        """Return the tree that `from_tree` reads back; defaults that a list overrules are no part of it."""
        tree = super().to_tree()
        for key in ("looks", "keep") if self.kept is not None or self.drop_below is not None else ():
            if not was_given(self, key):
                del tree[key]
        return tree

    def look_days(self, setting: Setting) -> np.ndarray:
        """Return the day (from 1) of each look."""
        looks = self.planned_looks()
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
        if self.drop_below is not None:
            return found
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
        if self.drop_below is not None:
            if not self.binding:
                return dunnett_critical(setting.arms - 1, float(self.alpha), 1)
            return bound_critical(setting.arms - 1, seen[days - 1] / seen[-1], self.below(days.size), float(self.alpha))
        times = seen[days[:-1] - 1] / seen[-1] if seen[-1] > 0 else np.linspace(0, 1, days.size + 1)[1:-1]
        kept = self.left(setting.arms - 1, days.size)
        return drop_the_losers_critical(setting.arms - 1, kept, times.tolist(), float(self.alpha))

    def bounds(self, setting: Setting) -> Bounds:
        """Return the bound of the survivors on the last day."""
        return self.at_the_end(setting, self.critical(setting))

    def below(self, looks: int) -> np.ndarray:
        """Return the z bounds of the last looks but the end, -inf for one without: early ones may have no data."""
        found = z_bounds(self.drop_below) or []
        return np.array(found[len(found) - (looks - 1) :], float)

    def below_by_day(self, setting: Setting) -> np.ndarray:
        """Return the z bound at the end of each day, -inf where none is used, (days,)."""
        found = np.full(setting.days, -np.inf)
        if self.drop_below is not None:
            days = self.look_days(setting)
            found[days[:-1] - 1] = self.below(days.size)
        return found

    def drops_in(self, setting: Setting) -> bool:
        """Tell whether it is more than a test of one variant on an even split."""
        even = np.allclose(setting.units[-1], setting.units[-1, 0])
        return self.drop_below is not None or setting.arms > 2 or not even

    def dropped(
        self, setting: Setting, means: np.ndarray, sds: np.ndarray
    ) -> tuple[Drops, np.ndarray, np.ndarray] | str:
        """Return the law of who wins, stays and ends; see `Design.dropped`."""
        days = self.look_days(setting)
        seen, critical = self.seen_by(setting)[days - 1], self.critical(setting)
        coverage = setting.rows[-1].sum() / setting.units[-1].sum()
        rows = coverage * seen
        enrolled = np.diff(
            (setting.units if setting.enrolled is None else setting.enrolled)[days - 1].sum(axis=1), prepend=0.0
        )
        if setting.enrolled is not None and not np.array_equal(setting.enrolled, setting.units):
            return "no exact value: outcomes come in after the stop"
        if np.any(sds <= 0):
            return "no exact value: the outcome does not vary"
        if self.drop_below is not None:
            if self.against == "best":
                return "no exact value: variants are dropped against the best one"
            if days.size > 4:
                return "no exact value of bounds at more than four looks"
            return by_bounds(means, sds, rows, self.below(days.size), critical), days, enrolled / setting.arms
        kept = self.left(setting.arms - 1, days.size)
        each = enrolled / np.append(setting.arms, np.array(kept) + 1)
        falls = [k for k, (now, was) in enumerate(zip(kept, [setting.arms - 1, *kept], strict=False)) if now < was]
        if not falls:
            # Dunnett's test with looks that drop nobody.
            nobody = by_bounds(means, sds, rows[-1:], np.empty(0), critical)
            return Drops(nobody.wins, np.ones((days.size - 1, means.size - 1)), np.zeros(days.size - 1)), days, each
        if kept[-1] > 1:
            return "no exact value where several variants reach the test"
        if len(falls) == 1:
            at = falls[0]
            found = one_is_kept(means, sds, float(rows[at]), float(rows[-1]), float(rows[-1]), critical)
            stays = np.concatenate([np.ones((at, means.size - 1)), np.repeat(found.stays, days.size - 1 - at, axis=0)])
            return Drops(found.wins, stays, np.zeros(days.size - 1)), days, each
        return the_best_are_kept(means, sds, kept, rows, float(rows[-1]), critical), days, each

    def remembers(self, setting: Setting, day: int) -> Remembered | None:
        """Return the last look at which variants left, or the first with a bound, once it is past."""
        falls = np.flatnonzero(np.diff(self.variants_by_day(setting)) < 0)
        if self.drop_below is not None:
            falls = np.flatnonzero(self.below_by_day(setting) > -np.inf)[:1]
        if not falls.size or day <= int(falls[-1]) + 1:
            return None
        return Remembered(int(falls[-1]) + 1, "which variants are left is seen from the look {when} on")

    def rule(self, setting: Setting) -> Survivors | AboveBounds:
        """Return the kernel's parameters."""
        if self.drop_below is not None:
            return AboveBounds(
                self.critical(setting), self.below_by_day(setting), self.against == "best", setting.days - 1,
                setting.ddof, np.zeros((2, setting.arms)),
            )  # fmt: skip
        falls = np.flatnonzero(np.diff(self.variants_by_day(setting)) < 0)
        dropped = int(falls[-1]) if falls.size else -1
        return Survivors(self.critical(setting), dropped, setting.days - 1, setting.ddof, np.zeros(setting.arms))

    def claim(self, setting: Setting) -> str:
        """Return the claim, which several variants do not weaken; bounds that may be overruled do."""
        exact = self.drop_below is None or (self.binding and self.against == "control")
        return self.error_claim if exact else "at most"

    def check_for(self, setting: Setting, where: str, path: str) -> None:
        """Check the drops against the variants and the traffic; raise `InputError`."""
        looks = self.planned_looks()
        other_looks = was_given(self, "looks") and self.looks != looks
        if self.drop_below is not None and (self.kept is not None or was_given(self, "keep") or other_looks):
            key = "kept" if self.kept is not None else "keep" if was_given(self, "keep") else "looks"
            told = f"{looks - 1} look{'' if looks == 2 else 's'}"
            problem = f"{getattr(self, key)} beside drop_below, whose bounds say who leaves at {told}"
            raise InputError(where, f"{path}.{key}", problem, f"leave {key} or drop_below out")
        if self.drop_below is None and (self.binding or self.against != "control"):
            key = "binding" if self.binding else "against"
            raise InputError(where, f"{path}.{key}", "there are no bounds", "give drop_below too")
        if self.binding and self.against == "best":
            problem = "the error of bounds against the best variant is known from above alone"
            raise InputError(where, f"{path}.binding", problem, 'give against = "control", or leave binding out')
        if looks > setting.days:
            key = "drop_below" if self.drop_below is not None else "looks" if self.kept is None else "kept"
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
        if self.kept is not None and other_looks:
            problem = f"looks is {int(self.looks)} beside a list of {looks - 1} for {looks} looks, the end among them"
            raise InputError(where, f"{path}.looks", problem, f"give {looks}, or leave looks or kept out")
        if self.kept is not None and was_given(self, "keep") and self.keep != self.kept[-1]:
            problem = f"keep {self.keep} beside a list that ends with {self.kept[-1]}"
            raise InputError(where, f"{path}.keep", problem, "give keep or kept")
        # One variant is tested as it is; a design by itself does not know how many there will be.
        most = max(variants - 1, 1)
        if self.kept is None and self.keep > most and setting is not ROOM:
            told = f"{variants} variant{'' if variants == 1 else 's'}"
            problem = f"{int(self.keep)} of {told} reach the test: none can be dropped"
            raise InputError(where, f"{path}.keep", problem, f"give at most {most}")
