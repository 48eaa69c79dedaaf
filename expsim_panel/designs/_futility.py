"""Futility bounds that spend the error of the second kind: Params of the designs that spend alpha."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import param

from expsim_panel.beta_spending import beta_spending_bounds
from expsim_panel.design import Setting
from expsim_panel.designs._frequentist import GroupSequential
from expsim_panel.errors import InputError
from expsim_panel.quantities import Factor, Probability
from expsim_panel.spending import hwang_shih_decani, kim_demets, lan_demets_obrien_fleming, lan_demets_pocock

NONE = "none"
PARAMETERS = {"kim-demets": (0.05, 50.0, 3.0), "hwang-shih-decani": (-40.0, 40.0, -4.0)}
"""Least and greatest gamma, and the usual one, of the functions that have one."""
_PLAIN: dict[str, Callable[[np.ndarray, float], np.ndarray]] = {
    "lan-demets-obrien-fleming": lan_demets_obrien_fleming,
    "lan-demets-pocock": lan_demets_pocock,
}


class FutilitySpending(GroupSequential):
    """A design that may spend beta too: it gives up where the effect that it is planned for would show by now."""

    futility_kind = param.Selector(
        default=NONE,
        objects=[NONE, *_PLAIN, *PARAMETERS],
        label="Futility spends by",
        doc="Spending function of the chance to miss the effect; its futility bounds meet the others at the end.",
    )
    futility_parameter = Factor(
        None,
        allow_None=True,
        bounds=(-40.0, 50.0),
        softbounds=(-8.0, 4.0),
        step=0.5,
        label="Gamma of futility",
        doc="Gamma of kim-demets (unset: 3) or hwang-shih-decani (unset: -4).",
    )
    beta = Probability(
        0.2,
        bounds=(1e-4, 0.5),
        softbounds=(0.05, 0.3),
        step=0.05,
        label="Chance to miss",
        doc="Error of the second kind that futility spends: 1 - power under the effect that it is planned for.",
    )

    def spent(self, information: np.ndarray, alpha: float, sides: int) -> np.ndarray:
        """Return the cumulative probability of stopping, both sides together; all of alpha at the end."""
        raise LookupError(f"{type(self).__name__} does not say how it spends")

    def lost(self, information: np.ndarray) -> np.ndarray:
        """Return the cumulative part of beta spent at each look."""
        kind, beta = str(self.futility_kind), float(self.beta)
        if kind in _PLAIN:
            total = _PLAIN[kind](information, beta)
        else:
            gamma = PARAMETERS[kind][2] if self.futility_parameter is None else float(self.futility_parameter)
            total = (kim_demets if kind == "kim-demets" else hwang_shih_decani)(information, beta, gamma)
        return np.append(np.minimum(total[:-1], beta), beta)

    def may_give_up(self) -> bool:
        """Tell whether a look may stop for futility."""
        return bool(super().may_give_up() or self.futility_kind != NONE)

    def solved(self, information: np.ndarray, alpha: float) -> tuple[np.ndarray, np.ndarray | None]:
        """Return efficacy bounds, and futility bounds: both solved together where beta is spent."""
        if self.futility_kind == NONE:
            return super().solved(information, alpha)
        sides = int(self.sides)
        spent = self.spent(information, alpha, sides)
        upper, lower, _ = beta_spending_bounds(spent, self.lost(information), information, bool(self.binding), sides)
        return upper, lower

    def check_for(self, setting: Setting, where: str, path: str) -> None:
        """Check the design against itself and the traffic; raise `InputError`."""
        kind, gamma = str(self.futility_kind), self.futility_parameter
        if kind != NONE and self.futility_bounds is not None:
            problem, remedy = "futility bounds are listed too", "give futility_bounds or futility_kind"
            raise InputError(where, f"{path}.futility_kind", problem, remedy)
        if gamma is not None:
            key = f"{path}.futility_parameter"
            if kind not in PARAMETERS:
                remedy = "leave it out, or choose kim-demets or hwang-shih-decani"
                raise InputError(where, key, f"futility_kind {kind} has no parameter", remedy)
            least, most, _ = PARAMETERS[kind]
            if not least <= gamma <= most:
                raise InputError(where, key, f"{gamma:g} is out of bounds", f"give {least:g} to {most:g} for {kind}")
        if kind != NONE and not self.alpha < 1 - self.beta:
            problem = f"beta {self.beta:g} beside alpha {self.alpha:g}"
            raise InputError(where, f"{path}.beta", problem, "the power 1 - beta must exceed alpha")
        super().check_for(setting, where, path)
