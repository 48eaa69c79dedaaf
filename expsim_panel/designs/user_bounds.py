"""Bounds by a list of the team's own: what a tool or a paper says, played as it stands."""

from __future__ import annotations

import numpy as np

from expsim_panel.boundaries import check_order
from expsim_panel.design import Bounds, Setting, designs
from expsim_panel.designs._frequentist import GroupSequential
from expsim_panel.errors import InputError, shown
from expsim_panel.look_lists import LookList


@designs.register("user-bounds")
class UserBounds(GroupSequential):
    """Stops beyond the listed z bounds, whatever their type I error; `looks` is the length of the list.

    References
    ----------
    P. Armitage, C. K. McPherson, B. C. Rowe (1969), JRSS A 132, 235-244: its true error, by recursion.
    """

    kind = "user-bounds"
    summary = "Planned looks with bounds that you list, right or wrong"
    error_claim = "none"
    may_contradict = True
    critical_values = LookList(
        [3.0, 2.5, 2.0], label="Critical values", doc="z bound of each look; nothing is solved, nothing is promised."
    )

    def listed_looks(self) -> bool:
        """Tell whether a list says how many looks there are: it always does."""
        return True

    def planned_looks(self) -> int:
        """Return the number of looks."""
        return len(self.critical_values or (2.0,))

    def bounds(self, setting: Setting) -> Bounds:
        """Return the listed bounds, the same for every variant."""
        upper, futility = np.asarray(self.critical_values or (2.0,), np.float64), self.given_up()
        if self.sides == 2 and upper.min() <= 0.0:
            problem = f"critical values are {shown(upper.tolist())} in a two-sided test"
            raise InputError(
                "user-bounds", "critical_values", problem, "give z bounds above 0: it stops beyond plus or minus them"
            )
        if futility is not None:
            check_order(futility, upper)
        days = self.look_days(setting)
        # Looks before any outcome are left out, with what is listed for them.
        upper = upper[-days.size :]
        return self.as_bounds(days, upper, None if futility is None else futility[-days.size :])

    def nominal_alpha(self) -> None:  # type: ignore[override]
        """Return None: no type I error is claimed."""
        return None
