"""Exact group-sequential answers: power, expected size and inflation of any bounds by recursion; no simulation."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from expsim_panel.boundaries import (
    check_futility,
    check_order,
    critical_values,
    obrien_fleming_shape,
    pocock_shape,
)
from expsim_panel.checked import (
    WHERE,
    Floats,
    check_finite,
    check_information,
    check_power,
    equal_information,
)
from expsim_panel.errors import InputError, shown
from expsim_panel.kernels.crossing import cross
from expsim_panel.kernels.special import norm_ppf
from expsim_panel.regions import stops
from expsim_panel.sequential_size import Size, size_of

__all__ = [
    "GroupSequential",
    "characteristics",
    "critical_values",
    "equal_information",
    "group_sequential",
    "obrien_fleming_shape",
    "operating",
    "pocock_shape",
]


@dataclass(frozen=True, eq=False)
class GroupSequential:
    """A group-sequential design and what it does, exactly. See `characteristics` for the arguments.

    Power and expected sizes count stops for futility, whether or not the futility bounds bind, unless the
    name says otherwise.

    Attributes
    ----------
    critical_values : ndarray, shape (K,)
        z bounds per look; a two-sided test also stops at minus these.
    alpha_spent : ndarray, shape (K,)
        Cumulative probability of rejecting under no effect, both sides together. With binding futility
        bounds they are in force, otherwise they are ignored.
    information : ndarray, shape (K,)
        Information fractions, ending at 1.
    sides : int
        1 or 2.
    alpha : float
        Nominal level, over both sides.
    futility_bounds : ndarray, shape (K,)
        z bounds at or below which a one-sided test gives up, within which of 0 a two-sided one does; -inf: none.
    binding : bool
        Whether alpha is kept only if futility bounds are obeyed.
    type1_error : float
        Probability of rejecting under no effect with futility bounds obeyed.
    inflation_factor : float or None
        Maximum size over the size of the fixed design of the same level and power; None without a target
        power, like the three expected fractions.
    expected_fraction_null, expected_fraction_half, expected_fraction_alternative : float or None
        Expected size over the fixed design's size under no effect, half the effect and the effect that the
        design is powered for; stops at both bounds count.
    drift : float or None
        Mean of the last z under `effect`; None without an effect, like the next ones.
    power : float or None
        Probability of rejecting. Two-sided: in either direction.
    expected_units : float or None
        Expected number of units over both arms.
    units : float or None
        Units over both arms at the last look: as given, or solved from the target power.
    power_ignoring_futility, expected_units_ignoring_futility : float or None
        The same if nobody obeys the futility bounds.
    expected_units_null : float or None
        Expected number of units under no effect.
    stop_efficacy, stop_futility : ndarray, shape (K,), or None
        Probability of rejecting (either direction), and of giving up, at each look under the effect.
    """

    critical_values: Floats
    alpha_spent: Floats
    information: Floats
    sides: int
    alpha: float
    futility_bounds: Floats
    binding: bool
    type1_error: float
    inflation_factor: float | None = None
    expected_fraction_null: float | None = None
    expected_fraction_half: float | None = None
    expected_fraction_alternative: float | None = None
    drift: float | None = None
    power: float | None = None
    expected_units: float | None = None
    units: float | None = None
    power_ignoring_futility: float | None = None
    expected_units_ignoring_futility: float | None = None
    expected_units_null: float | None = None
    stop_efficacy: Floats | None = None
    stop_futility: Floats | None = None


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
    return float(above.sum()), float(below.sum()), _expected(fractions, below + above)


def _expected(fractions: Floats, stop: Floats) -> float:
    """Return the expected information at the end."""
    # The last look also ends what never crossed: written so that it adds up to the last fraction.
    return float(fractions[-1] - np.sum(stop * (fractions[-1] - fractions)))


def _drift_for(fractions: Floats, futility: Floats, upper: Floats, sides: int, alpha: float, power: float) -> float:
    """Return the drift at which the upper bound is crossed with probability `power`."""
    from scipy.optimize import brentq

    def excess(drift: float) -> float:
        return float(stops(fractions, upper, sides, futility, drift)[2].sum()) - power

    # The fixed test of the level is the most powerful, unless binding futility bounds lowered the last
    # bound; the last look alone is the least powerful, unless futility bounds stop paths before it.
    least = min(norm_ppf(power) - norm_ppf(alpha / sides), norm_ppf(power) + float(upper[-1])) - 1e-6
    most = max(least, norm_ppf(power) + float(upper[-1])) + 1e-6
    while excess(least) > 0.0:
        least -= 1.0
    while excess(most) < 0.0:
        most += 1.0
        if most > 200.0:
            raise InputError(WHERE, "--futility-bounds", f"no effect reaches a power of {power:g}", "lower them")
    return float(brentq(excess, least, most, xtol=1e-12, rtol=1e-14))


def characteristics(
    upper: Floats,
    information: Sequence[float] | Floats,
    alpha: float,
    sides: int,
    futility: Floats | None = None,
    binding: bool = False,
    target_power: float | None = None,
    effect: float | None = None,
    sd: float | None = None,
    units: float | None = None,
    allocation: Sequence[float] = (1, 1),
    rates: Sequence[float] | None = None,
    margin: float = 0.0,
) -> GroupSequential:
    """Return what bounds do, and their exact size or power where asked for.

    Parameters
    ----------
    upper : ndarray, shape (K,)
        z bounds for efficacy, solved beforehand.
    information, alpha, sides
        As in `critical_values`.
    futility : ndarray, shape (K,), optional
        z bounds for futility, -inf for none, the last one always: see `regions.stops`.
    binding : bool
        Whether `upper` was solved with them in force.
    target_power : float, optional
        In (alpha, 1): gives the inflation factor and the expected fractions of the fixed design's size.
        Conventional in both designs: the probability of crossing the bound on the effect's side.
    effect, sd, units : float, optional
        True difference of means (treatment less control), known standard deviation of an observation and
        total units over both arms at the last look: gives power and expected units. With a target power,
        `units` may be left out: it is solved for.
    allocation : (float, float)
        Ratio control:treatment.
    rates : (float, float), optional
        True rates of control and treatment instead of `effect` and `sd`. Normal approximation with the
        score variance (pooled; with a margin Farrington and Manning) in the test and the unpooled one for the truth.
    margin : float
        Loss that is still acceptable: the null hypothesis is ``effect = -margin``. Not negative.

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
    given_up = np.full(upper.size, -np.inf) if futility is None else futility
    check_order(given_up, upper)
    down, idle, up = stops(fractions, upper, sides, given_up, 0.0)
    null_stop, obeyed = down + idle + up, down + up
    if binding:
        spent = obeyed
    else:
        free_down, _, free_up = stops(fractions, upper, sides, None, 0.0)
        spent = free_down + free_up
    quantile = -norm_ppf(alpha / sides)
    inflation = null = half = alternative = powered = None
    if target_power is not None:
        check_power(target_power, alpha)
        powered = _drift_for(fractions, given_up, upper, sides, alpha, target_power)
        inflation = (powered / (norm_ppf(target_power) + quantile)) ** 2
        null = inflation * _expected(fractions, null_stop)
        half = inflation * _expected(fractions, np.sum(stops(fractions, upper, sides, given_up, powered / 2), axis=0))
        alternative = inflation * _expected(
            fractions, np.sum(stops(fractions, upper, sides, given_up, powered), axis=0)
        )
    found = GroupSequential(
        upper, np.cumsum(spent), fractions, sides, alpha, given_up, binding, float(obeyed.sum()),
        inflation, null, half, alternative,
    )  # fmt: skip
    if margin > 0 and sides == 2:
        # As rpact, and as `sample_size`: not to be worse by the margin is one question, and has one side.
        remedy = f"give --sides 1, and --alpha {alpha / 2:g} for the same bound upwards"
        raise InputError(WHERE, "--margin", "a two-sided test with a margin", remedy)
    size = size_of(effect, sd, units, allocation, rates, margin, quantile, powered is None)
    if size is None:
        return found
    total = size.units
    if total is None:
        assert powered is not None
        assert inflation is not None
        assert target_power is not None
        if size.effect == 0.0:
            raise InputError(WHERE, "--effect", "effect is 0", "no size gives power: give a difference")
        # Inflation of the fixed size, as is usual: for rates the pooled variance makes it a little more
        # or less than the size at which the recursion gives the power.
        total = inflation * size.units_for(math.copysign(norm_ppf(target_power) + quantile, size.effect))
    if total < 2 * fractions.size:
        problem = f"{fractions.size} looks at {total:g} units"
        raise InputError(WHERE, "--units", problem, "give at least one unit of each arm for every look")
    return _sized(found, size, total)


def _sized(found: GroupSequential, size: Size, units: float) -> GroupSequential:
    """Return the design with its figures under an effect."""
    fractions, upper, sides, given_up = found.information, found.critical_values, found.sides, found.futility_bounds
    drift = size.drift(units)
    down, idle, up = stops(fractions, upper, sides, given_up, drift)
    free_down, _, free_up = stops(fractions, upper, sides, None, drift)
    reject, free_reject = down + up, free_down + free_up
    null_stop = np.sum(stops(fractions, upper, sides, given_up, 0.0), axis=0)
    return replace(
        found,
        drift=drift,
        power=float(reject.sum()),
        units=units,
        expected_units=units * _expected(fractions, reject + idle),
        power_ignoring_futility=float(free_reject.sum()),
        expected_units_ignoring_futility=units * _expected(fractions, free_reject),
        expected_units_null=units * _expected(fractions, null_stop),
        stop_efficacy=reject,
        stop_futility=idle,
    )


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
    futility: Sequence[float] | Floats | None = None,
    binding: bool = False,
) -> GroupSequential:
    """Return the design whose bounds are a constant times `shape`; see `critical_values` and `characteristics`."""
    fractions = check_information(information, end=True)
    given_up = check_futility(futility, fractions.size, sides)
    upper = critical_values(shape, fractions, alpha, sides, given_up if binding else None)
    return characteristics(
        upper, fractions, alpha, sides, given_up, binding, target_power, effect, sd, units, allocation
    )
