"""Exact group-sequential answers: boundaries, power and expected size by recursion; no simulation."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from expsim_panel.checked import (
    WHERE,
    Floats,
    check_allocation,
    check_error_rate,
    check_finite,
    check_information,
    check_positive,
    check_power,
    equal_information,
)
from expsim_panel.errors import InputError, shown
from expsim_panel.kernels.crossing import cross
from expsim_panel.kernels.special import norm_ppf

__all__ = [
    "GroupSequential",
    "critical_values",
    "equal_information",
    "group_sequential",
    "obrien_fleming_shape",
    "operating",
    "pocock_shape",
]


@dataclass(frozen=True, eq=False)
class GroupSequential:
    """A group-sequential design and what it does, exactly. See `group_sequential` for the arguments.

    Attributes
    ----------
    critical_values : ndarray, shape (K,)
        z bounds per look; a two-sided test also stops at minus these.
    alpha_spent : ndarray, shape (K,)
        Cumulative probability of stopping under no effect, both sides together.
    information : ndarray, shape (K,)
        Information fractions, ending at 1.
    sides : int
        1 or 2.
    alpha : float
        Nominal level, over both sides.
    inflation_factor : float or None
        Maximum size over the size of the fixed design of the same level and power; None without a target
        power, like the three expected fractions.
    expected_fraction_null, expected_fraction_half, expected_fraction_alternative : float or None
        Expected size over the fixed design's size under no effect, half the effect and the effect that the
        design is powered for; stops at both bounds count.
    drift : float or None
        Mean of the last z under `effect`; None without an effect, like the next two.
    power : float or None
        Probability of rejecting. Two-sided: in either direction.
    expected_units : float or None
        Expected number of units over both arms.
    """

    critical_values: Floats
    alpha_spent: Floats
    information: Floats
    sides: int
    alpha: float
    inflation_factor: float | None = None
    expected_fraction_null: float | None = None
    expected_fraction_half: float | None = None
    expected_fraction_alternative: float | None = None
    drift: float | None = None
    power: float | None = None
    expected_units: float | None = None


def obrien_fleming_shape(information: Floats) -> Floats:
    """Return the shape 1/sqrt(information): bounds constant on the score scale (O'Brien, Fleming 1979)."""
    return 1.0 / np.sqrt(information)


def pocock_shape(information: Floats) -> Floats:
    """Return the shape 1, 1, ..., 1: bounds constant on the z scale (Pocock 1977)."""
    return np.ones(len(information))


def _lower(upper: Floats, sides: int) -> Floats:
    return -upper if sides == 2 else np.full(upper.size, -np.inf)


def critical_values(
    shape: Sequence[float] | Floats, information: Sequence[float] | Floats, alpha: float, sides: int
) -> Floats:
    """Return the z bounds ``c * shape`` whose probability of being crossed under no effect is `alpha`.

    Parameters
    ----------
    shape : array_like, shape (K,)
        Positive relative heights: `obrien_fleming_shape`, `pocock_shape`; any for a single look.
    information : array_like, shape (K,)
        Information fractions in (0, 1], increasing, the last 1.
    alpha : float
        Level in (0, 1). Two-sided: over both sides, bounds symmetrical.
    sides : int
        1 (stops high only) or 2.

    Returns
    -------
    ndarray, shape (K,)
        Bounds; the level is met to 1e-12. Negative for a one-sided level above one half.

    Raises
    ------
    InputError
        An argument is out of its range.

    References
    ----------
    .. [1] Jennison, Turnbull (2000), "Group Sequential Methods", sections 2.4-2.5 and 19.2.
    """
    fractions = check_information(information, end=True)
    check_error_rate(alpha, sides)
    heights = np.array(shape, dtype=np.float64, ndmin=1)
    if heights.shape != fractions.shape or not np.all((heights > 0) & np.isfinite(heights)):
        problem = f"shape is {shown(heights.tolist())}"
        raise InputError(WHERE, "shape", problem, f"give {fractions.size} finite numbers greater than 0")
    # One look alone at level alpha already spends alpha; all looks at alpha / K spend alpha at most.
    least = max(-norm_ppf(alpha / sides) / height for height in heights)
    most = max(-norm_ppf(alpha / sides / fractions.size) / height for height in heights)
    if fractions.size == 1:
        return np.array([least * heights[0]])

    def excess(constant: float) -> float:
        upper = constant * heights
        below, above = cross(fractions, _lower(upper, sides), upper, 0.0)
        return float(below.sum() + above.sum()) - alpha

    from scipy.optimize import brentq

    return float(brentq(excess, least - 1e-9, most + 1e-9, xtol=1e-12, rtol=1e-14)) * heights


def operating(
    information: Sequence[float] | Floats, lower: Sequence[float] | Floats, upper: Sequence[float] | Floats,
    drift: float,
) -> tuple[float, float, float]:  # fmt: skip
    """Return the exact operating characteristics of any table of bounds.

    Parameters
    ----------
    information : array_like, shape (K,)
        Information fractions in (0, 1], increasing; the last need not be 1.
    lower, upper : array_like, shape (K,)
        z bounds, ``lower <= upper``; -inf and inf where the look cannot stop on that side.
    drift : float
        Mean of z at information 1.

    Returns
    -------
    p_upper, p_lower, expected_information : float
        Probability of stopping high and low at any look, and the expected information fraction at the end,
        where paths that never stop end at the last look.

    Raises
    ------
    InputError
        An argument is out of its range.
    """
    fractions = check_information(information, end=False)
    low = np.array(lower, dtype=np.float64, ndmin=1)
    high = np.array(upper, dtype=np.float64, ndmin=1)
    if not (low.shape == high.shape == fractions.shape) or not np.all(low <= high):
        problem = f"lower is {shown(low.tolist())}, upper is {shown(high.tolist())}"
        raise InputError(WHERE, "bounds", problem, "give one pair per look, lower at most upper")
    check_finite("drift", drift)
    below, above = cross(fractions, low, high, float(drift))
    stop = below + above
    # The last look also ends what never crossed: written so that it adds up to the last fraction.
    expected = float(fractions[-1] - np.sum(stop * (fractions[-1] - fractions)))
    return float(above.sum()), float(below.sum()), expected


def _drift_for(fractions: Floats, upper: Floats, sides: int, alpha: float, power: float) -> float:
    """Return the drift at which the upper bound is crossed with probability `power`."""
    from scipy.optimize import brentq

    lower = _lower(upper, sides)
    # The fixed test of the level is the most powerful; the last look alone the least.
    least = norm_ppf(power) - norm_ppf(alpha / sides)
    most = norm_ppf(power) + float(upper[-1])
    reach = least, max(least, most)

    def excess(drift: float) -> float:
        return float(cross(fractions, lower, upper, drift)[1].sum()) - power

    return float(brentq(excess, reach[0] - 1e-6, reach[1] + 1e-6, xtol=1e-12, rtol=1e-14))


def group_sequential(
    shape: Sequence[float] | Floats,
    information: Sequence[float] | Floats,
    alpha: float,
    sides: int,
    target_power: float | None = None,
    effect: float | None = None,
    sd: float | None = None,
    units: float | None = None,
    allocation: Sequence[float] = (1, 1),
) -> GroupSequential:
    """Return a group-sequential design, and its exact size or power where asked for.

    Parameters
    ----------
    shape, information, alpha, sides
        As in `critical_values`.
    target_power : float, optional
        In (alpha, 1): gives the inflation factor and the expected fractions of the fixed design's size.
        Conventional in both designs: the probability of crossing the bound on the effect's side.
    effect, sd, units : float, optional
        True difference of means (treatment less control), known standard deviation of an observation and
        total units over both arms at the last look: all three or none; gives power and expected units.
    allocation : (float, float)
        Ratio control:treatment.

    Returns
    -------
    GroupSequential
        Probabilities to 1e-12. Two-sided `power` counts both directions.

    Raises
    ------
    InputError
        An argument is out of its range.

    References
    ----------
    .. [1] Jennison, Turnbull (2000), "Group Sequential Methods", sections 2.2-2.6.
    .. [2] Wassmer, Brannath (2016), "Group Sequential and Confirmatory Adaptive Designs", section 2.2
       (shift and inflation factor).
    """
    fractions = check_information(information, end=True)
    upper = critical_values(shape, fractions, alpha, sides)
    lower = _lower(upper, sides)
    below, above = cross(fractions, lower, upper, 0.0)
    inflation = null = half = alternative = drift = power = expected = None
    if target_power is not None:
        check_power(target_power, alpha)
        powered = _drift_for(fractions, upper, sides, alpha, target_power)
        inflation = (powered / (norm_ppf(target_power) - norm_ppf(alpha / sides))) ** 2
        null = inflation * operating(fractions, lower, upper, 0.0)[2]
        half = inflation * operating(fractions, lower, upper, powered / 2)[2]
        alternative = inflation * operating(fractions, lower, upper, powered)[2]
    given = {"effect": effect, "sd": sd, "units": units}
    if any(value is not None for value in given.values()):
        for key, value in given.items():
            if value is None:
                remedy = "give --effect, --sd and --units together"
                raise InputError(WHERE, f"--{key}", f"{key} is missing", remedy)
    control, treatment = check_allocation(allocation)
    if effect is not None and sd is not None and units is not None:
        check_finite("effect", effect)
        check_positive("sd", sd)
        check_positive("units", units)
        drift = effect / sd * math.sqrt(units * control * treatment)
        p_upper, p_lower, fraction = operating(fractions, lower, upper, drift)
        power, expected = p_upper + p_lower, units * fraction
    return GroupSequential(
        upper, np.cumsum(below + above), fractions, sides, alpha, inflation, null, half, alternative,
        drift, power, expected,
    )  # fmt: skip
