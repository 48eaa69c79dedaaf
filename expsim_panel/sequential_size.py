"""The difference that a sequential test is to find, and the units it has for that."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from expsim_panel.checked import WHERE, check_allocation, check_finite, check_positive
from expsim_panel.errors import InputError, shown
from expsim_panel.proportions import restricted_rates


@dataclass(frozen=True)
class Size:
    """The difference to find and the units to find it with.

    Attributes
    ----------
    effect : float
        True difference, treatment less control, plus the margin of a non-inferiority test.
    sd : float
        Standard deviation of an observation; for rates that of a difference of one unit at the allocation,
        scaled so that ``effect / sd * sqrt(units * share_0 * share_1)`` is the drift.
    offset : float
        Added to the drift: what the pooled variance of a test of rates changes.
    shares : (float, float)
        Of control and treatment.
    units : float or None
        Total at the last look.
    """

    effect: float
    sd: float
    offset: float
    shares: tuple[float, float]
    units: float | None

    def drift(self, units: float) -> float:
        """Return the mean of the last z with this many units."""
        return self.effect / self.sd * math.sqrt(units * self.shares[0] * self.shares[1]) + self.offset

    def units_for(self, drift: float) -> float:
        """Return the units that give this drift."""
        root = (drift - self.offset) * self.sd / self.effect
        return root * root / (self.shares[0] * self.shares[1])


def size_of(
    effect: float | None,
    sd: float | None,
    units: float | None,
    allocation: Sequence[float] = (1, 1),
    rates: Sequence[float] | None = None,
    margin: float = 0.0,
    critical: float = 0.0,
    needs_units: bool = True,
) -> Size | None:
    """Check what says how large the test is; None where nothing of it is given.

    Parameters
    ----------
    critical : float
        Quantile of the fixed test: with rates the test's own standard error is pooled over the arms and its
        difference to the true one counts at this quantile (the formula of Fleiss, exact for one look).
    needs_units : bool
        Whether `units` must be there when the rest is.
    """
    given: dict[str, object] = {"effect": effect, "sd": sd}
    if needs_units or units is not None:
        given["units"] = units
    if rates is not None:
        if effect is not None or sd is not None:
            remedy = "give --rates, or --effect and --sd"
            raise InputError(WHERE, "--rates", "rates beside an effect or a standard deviation", remedy)
        given = {"rates": rates, "units": units} if needs_units or units is not None else {"rates": rates}
    control, treatment = check_allocation(allocation)
    if margin and all(value is None for value in given.values()):
        raise InputError(WHERE, "--margin", "a margin of no effect", "give --effect and --sd, or --rates")
    if all(value is None for value in given.values()):
        return None
    for key, value in given.items():
        if value is None:
            remedy = "give " + " and ".join([f"--{key}" for key in given]).replace(" and ", ", ", len(given) - 2)
            raise InputError(WHERE, f"--{key}", f"{key} is missing", f"{remedy} together")
    check_finite("margin", margin)
    if margin < 0:
        remedy = "give the loss that is still acceptable as a positive number"
        raise InputError(WHERE, "--margin", f"margin is {margin:g}", remedy)
    if units is not None:
        check_positive("units", units)
    if rates is None:
        assert effect is not None
        assert sd is not None
        check_finite("effect", effect)
        check_positive("sd", sd)
        return Size(effect + margin, sd, 0.0, (control, treatment), units)
    if not isinstance(rates, Sequence | np.ndarray) or len(rates) != 2:
        raise InputError(WHERE, "--rates", f"rates are {shown(rates)}", "give control,treatment, as 0.10,0.12")
    for rate in rates:
        check_finite("rates", rate)
        if not 0.0 < rate < 1.0:
            raise InputError(WHERE, "--rates", f"rate {rate:g}", "give rates between 0 and 1")
    low, high = (float(rate) for rate in rates)
    own = low * (1 - low) * treatment + high * (1 - high) * control
    if margin == 0.0:
        mean = control * low + treatment * high
        tested = mean * (1 - mean)
    else:
        # Farrington and Manning: the variance of the rates that lie the margin apart.
        under = restricted_rates(low, high, control, treatment, -margin)
        tested = under[0] * (1 - under[0]) * treatment + under[1] * (1 - under[1]) * control
    offset = critical * (1.0 - math.sqrt(tested / own))
    effect_seen = high - low + margin
    return Size(effect_seen, math.sqrt(own), offset if effect_seen >= 0 else -offset, (control, treatment), units)
