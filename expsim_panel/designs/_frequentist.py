"""Params and bounds that the designs with an error rate share."""

from __future__ import annotations

from typing import Any

import numpy as np
import param

from expsim_panel.boundaries import check_futility, check_order, critical_values, lower_bounds
from expsim_panel.design import Bounds, Design, Setting
from expsim_panel.errors import InputError
from expsim_panel.look_lists import Fractions, FutilityBounds, z_bounds
from expsim_panel.quantities import GivenCount, Probability, was_given
from expsim_panel.regions import inner_bounds

_SOLVED: dict[tuple[Any, ...], tuple[np.ndarray, np.ndarray | None]] = {}
_MOST_SOLVED = 512
"""Bounds solved before: a surface asks for the same ones in every cell. They follow from the key alone."""


class Frequentist(Design):
    """A design that spends a type I error rate over its looks."""

    parameter_key = ""
    """The Param that ``--parameter`` of the exact command sets; empty where there is none."""
    may_contradict = False
    """Whether `efficacy` can refuse Params that are each in their range."""
    alpha = Probability(
        0.05,
        bounds=(1e-6, 0.5),
        softbounds=(0.01, 0.2),
        step=0.005,
        label="False alarm rate allowed",
        doc="Type I error rate, all sides and looks together.",
    )
    sides = param.Selector(
        default=2, objects=[1, 2], label="Sides", doc="2: may find the variant better or worse. 1: better only."
    )

    def planned_looks(self) -> int:
        """Return the number of looks."""
        return 1

    def shape(self, information: np.ndarray) -> np.ndarray:
        """Return the bounds up to a constant, as a function of the information fraction."""
        return np.ones_like(information)

    def efficacy(
        self, information: np.ndarray, alpha: float, sides: int, futility: np.ndarray | None = None
    ) -> np.ndarray:
        """Return the upper z bounds at these information fractions that spend exactly `alpha`.

        Parameters
        ----------
        information : ndarray, shape (K,)
            Increasing, the last 1.
        alpha, sides
            In place of the design's own.
        futility : ndarray, shape (K,), optional
            Binding futility bounds, -inf for none: see `regions.stops`.
        """
        return critical_values(self.shape(information), information, alpha, sides, futility)

    def look_days(self, setting: Setting) -> np.ndarray:
        """Return the day (from 1) of each look."""
        return setting.look_days(self.planned_looks())

    def given_up(self) -> np.ndarray | None:
        """Return the futility bounds of all looks, -inf for none; None if no look has one."""
        return None

    def bounds(self, setting: Setting) -> Bounds | None:
        """Solve for the bounds that spend exactly alpha (alpha over the variants where there are several)."""
        days = self.look_days(setting)
        information = setting.information(days)
        key = (type(self), repr(self.to_tree()), information.tobytes(), setting.arms)
        if key not in _SOLVED:
            if len(_SOLVED) >= _MOST_SOLVED:
                _SOLVED.clear()
            _SOLVED[key] = self.solved(information, float(self.alpha) / (setting.arms - 1))
        upper, futility = _SOLVED[key]
        if futility is not None:
            check_order(futility, upper)
        return self.as_bounds(days, upper.copy(), futility)

    def solved(self, information: np.ndarray, alpha: float) -> tuple[np.ndarray, np.ndarray | None]:
        """Return efficacy bounds that spend exactly `alpha`, and futility bounds (None if no look has one)."""
        futility = self.given_up()
        if futility is not None:
            # Looks before any outcome are left out, with what is listed for them.
            futility = futility[-information.size :]
        binding = futility if getattr(self, "binding", False) else None
        return self.efficacy(information, alpha, int(self.sides), binding), futility

    def as_bounds(self, days: np.ndarray, upper: np.ndarray, futility: np.ndarray | None) -> Bounds:
        """Return where the test stops: futility lies low in a one-sided test, in the middle of a two-sided one."""
        lower = lower_bounds(upper, self.sides, futility)
        if futility is None:
            return Bounds(days, lower, upper)
        return Bounds(days, lower, upper, self.sides == 1, inner_bounds(int(self.sides), futility))

    def adaptive_rule(self, setting: Setting) -> Any:
        """Return the table with days compared one by one; see `kernels.strata`."""
        planned = self.bounds(setting)
        return self.rule(setting) if planned is None else planned.daily(setting)

    def level(self) -> float:
        """Return the two-sided level that matches the test."""
        return float(1 - (self.alpha if self.sides == 2 else min(2 * self.alpha, 0.999)))

    def nominal_alpha(self) -> float:
        """Return the claimed type I error."""
        return float(self.alpha)


class GroupSequential(Frequentist):
    """A frequentist design with several looks."""

    looks = GivenCount(
        5, bounds=(1, 100), softbounds=(2, 10), label="Looks", doc="Planned analyses, evenly spaced in time."
    )
    information = Fractions(
        label="Times of the looks",
        doc="Information fraction of each look, such as 0.2, 0.5, 1, in place of evenly spaced ones; "
        "a look is at the end of the first day that reaches its fraction.",
    )
    futility_bounds = FutilityBounds(
        label="Futility bounds",
        doc="z bound of each look but the last: a one-sided test gives up at or below it, a two-sided one within it "
        "of 0; none for a look without.",
    )
    binding = param.Boolean(
        False,
        label="Futility binds",
        doc="Futility bounds will be obeyed without exception, which lowers the bounds for a finding.",
    )

    def planned_looks(self) -> int:
        """Return the number of looks."""
        return int(self.looks) if self.information is None else len(self.information)

    def listed_looks(self) -> bool:
        """Tell whether a list says how many looks there are."""
        return self.information is not None

    def to_tree(self) -> dict[str, Any]:
        """Return the tree that `from_tree` reads back; a default number of looks is no part of it beside a list."""
        tree = super().to_tree()
        if self.listed_looks() and not was_given(self, "looks"):
            del tree["looks"]
        return tree

    def look_days(self, setting: Setting) -> np.ndarray:
        """Return the day (from 1) of each look: that which reaches its information fraction."""
        if self.information is None:
            return setting.look_days(self.planned_looks())
        reached = setting.information(np.arange(1, setting.days + 1))
        return np.searchsorted(reached, np.asarray(self.information) - 1e-9) + 1

    def given_up(self) -> np.ndarray | None:
        """Return the futility bounds of all looks, -inf for none; None if no look has one."""
        listed = z_bounds(self.futility_bounds)
        return None if listed is None else check_futility(listed, self.planned_looks(), int(self.sides))

    def may_give_up(self) -> bool:
        """Tell whether a look may stop for futility."""
        return self.futility_bounds is not None

    def times_looks(self, setting: Setting) -> bool:
        """Tell whether there are looks to share alpha out over."""
        return self.look_days(setting).size > 1

    def claim(self, setting: Setting) -> str:
        """Return the claim: obeying futility bounds that do not bind only loses false alarms."""
        claimed = super().claim(setting)
        loose = self.may_give_up() and not self.binding
        return "at most" if claimed == "exact" and loose else claimed

    def check_lists(self, looks: int, where: str, path: str) -> None:
        """Check that what is listed look by look agrees with the number of looks; raise `InputError`."""
        if self.information is not None and len(self.information) != looks:
            problem = f"{len(self.information)} fractions for {looks} looks"
            raise InputError(where, f"{path}.information", problem, "give one fraction for each look")
        if was_given(self, "looks") and int(self.looks) != looks:
            problem = f"looks is {int(self.looks)} beside a list of {looks}"
            remedy = f"give {looks} or leave it out: the list says how many looks there are"
            raise InputError(where, f"{path}.looks", problem, remedy)
        if self.binding and not self.may_give_up():
            raise InputError(where, f"{path}.binding", "no futility bounds to bind", "give futility_bounds")

    def check_for(self, setting: Setting, where: str, path: str) -> None:
        """Check the design against itself and the traffic; raise `InputError`."""
        looks = self.planned_looks()
        self.check_lists(looks, where, path)
        if looks > setting.days:
            key = "looks" if self.information is None else "information"
            raise InputError(
                where, f"{path}.{key}", f"{looks} looks in {setting.days} days", "plan at most one look a day"
            )
        days = self.look_days(setting)
        if np.any(np.diff(days) < 1):
            at = int(days[np.flatnonzero(np.diff(days) < 1)[0]])
            raise InputError(where, f"{path}.information", f"two looks on day {at}", "plan at most one look a day")
        if not self.may_give_up() and not self.may_contradict:
            return
        try:
            self.bounds(setting)
        except InputError as error:
            # Known to the exact command by the name of a flag, to a file by its key.
            key = error.key.removeprefix("--").replace("-", "_")
            key = self.parameter_key if key == "parameter" else key
            raise InputError(where, f"{path}.{key}", error.problem, error.remedy) from None
