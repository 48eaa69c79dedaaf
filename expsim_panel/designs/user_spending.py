"""Alpha spending by a list of the team's own."""

from __future__ import annotations

import numpy as np

from expsim_panel.boundaries import spending_bounds
from expsim_panel.design import designs
from expsim_panel.designs._futility import FutilitySpending
from expsim_panel.errors import InputError, shown
from expsim_panel.look_lists import CumulativeSpending


@designs.register("user-spending")
class UserSpending(FutilitySpending):
    """Spends alpha as a list says, one cumulative value for each look; `looks` is the length of the list.

    References
    ----------
    K. K. G. Lan and D. L. DeMets (1983), Biometrika 70, 659-663.
    """

    kind = "user-spending"
    summary = "Planned looks; alpha spent as you list it"
    error_claim = "exact"
    may_contradict = True
    alpha_spent = CumulativeSpending(
        [0.001, 0.01, 0.05],
        label="Alpha spent",
        doc="Cumulative type I error after each look, both sides together; the last is the whole alpha.",
    )

    def listed_looks(self) -> bool:
        """Tell whether a list says how many looks there are: it always does."""
        return True

    def planned_looks(self) -> int:
        """Return the number of looks."""
        return len(self.alpha_spent or (self.alpha,))

    def spent(self, information: np.ndarray, alpha: float, sides: int) -> np.ndarray:
        """Return the list, scaled where several variants share alpha."""
        listed = np.asarray(self.alpha_spent or (self.alpha,), np.float64)
        where, said = "exact group-sequential", f"alpha spent is {shown(listed.tolist())}"
        if listed.size != information.size:
            remedy = "give one number for each look"
            raise InputError(where, "--alpha-spent", f"{said} for {information.size} looks", remedy)
        if abs(listed[-1] - self.alpha) > 1e-9:
            what = "more" if listed[-1] > self.alpha else "less"
            problem, remedy = f"{said}, {what} than alpha = {self.alpha:g}", "end the list at alpha"
            raise InputError(where, "--alpha-spent", problem, remedy)
        return np.asarray(listed * (alpha / listed[-1]))

    def efficacy(
        self, information: np.ndarray, alpha: float, sides: int, futility: np.ndarray | None = None
    ) -> np.ndarray:
        """Return the upper z bounds that spend the list."""
        return spending_bounds(self.spent(information, alpha, sides), information, sides, futility)
