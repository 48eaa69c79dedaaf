"""A planned group-sequential design as a function of its drift: power, expected length, inflation over fixed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from expsim_panel.boundaries import check_order
from expsim_panel.checked import Floats
from expsim_panel.errors import InputError
from expsim_panel.kernels.special import norm_ppf
from expsim_panel.regions import stops
from expsim_panel.sequential import sequential_plan

WHERE = "exact sample-size"


@dataclass(frozen=True, eq=False)
class Sequential:
    """Solved bounds of a named design.

    Attributes
    ----------
    kind : str
        Its name.
    information, futility, upper : ndarray, shape (K,)
        Fractions and z bounds: those of `regions.stops`.
    alpha, sides
        Level of the whole.
    """

    kind: str
    information: Floats
    futility: Floats
    upper: Floats
    alpha: float
    sides: int

    @classmethod
    def planned(
        cls, kind: str, looks: int | None, alpha: float, sides: int, information: Sequence[float] | None,
        parameter: float | None, futility: Sequence[Any] | None, binding: bool,
    ) -> Sequential:  # fmt: skip
        """Return the design of that name; arguments and errors as in `sequential.plan`."""
        made = sequential_plan(kind, looks, alpha, sides, information, parameter, futility, binding)
        upper = made.upper()
        check_order(made.futility, upper, WHERE)
        return cls(kind, made.information, made.futility, upper, alpha, sides)

    def operating(self, drift: float) -> tuple[float, float]:
        """Return the probability of rejecting upwards, and the expected information fraction at the end."""
        down, idle, up = stops(self.information, self.upper, self.sides, self.futility, float(drift))
        left = self.information[-1] - self.information
        return float(up.sum()), float(self.information[-1] - ((down + idle + up) * left).sum())

    def power(self, drift: float, both: bool) -> float:
        """Return the power at a drift; `both` counts the lower bounds of a two-sided test too."""
        down, _, up = stops(self.information, self.upper, self.sides, self.futility, float(drift))
        return float(up.sum() + (down.sum() if both else 0.0))

    def drift_for(self, power: float) -> float:
        """Return the drift at which the upper bounds are crossed with probability `power`."""
        from scipy.optimize import brentq

        least = norm_ppf(power) + norm_ppf(1.0 - self.alpha / self.sides) - 1.0
        most = least + 2.0
        while self.operating(most)[0] < power:
            most += 1.0
            if most > least + 60.0:
                raise InputError(WHERE, "--futility-bounds", f"no effect reaches a power of {power:g}", "lower them")
        while self.operating(least)[0] > power:
            least -= 1.0
        return float(brentq(lambda d: self.operating(d)[0] - power, least, most, xtol=1e-12, rtol=1e-14))

    def inflation(self, power: float) -> float:
        """Return the maximum size over the fixed test's size of the same level and power."""
        fixed = norm_ppf(power) - norm_ppf(self.alpha / self.sides)
        return (self.drift_for(power) / fixed) ** 2
