"""Estimate, interval and p-value after a sequential test stopped: the stage-wise ordering.

Stopping on a high makes the plain estimate too large and its interval too short on one side. Ordering all ways
to end (the earlier a stop, the more extreme) gives a p-value whose inverse is a median-unbiased estimate and an
interval with exactly the stated coverage.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from expsim_panel.boundaries import lower_bounds
from expsim_panel.checked import Floats, check_error_rate, check_finite, check_information, check_positive
from expsim_panel.design import Design, Setting
from expsim_panel.errors import InputError, shown
from expsim_panel.kernels.crossing import cross
from expsim_panel.kernels.special import norm_ppf
from expsim_panel.regions import has_inner, inner_bounds

__all__ = ["Stagewise", "after_stopping", "stagewise_estimate", "tail_probability"]

WHERE = "estimate after stopping"
_NO_ORDER = "the paths above and below inner bounds mix later, so that stages do not order them"
_FAR = 12.0


@dataclass(frozen=True)
class Stagewise:
    """What a stopped experiment says.

    Attributes
    ----------
    estimate, low, high : float
        Median-unbiased estimate and interval, in the units of the effect (of z at information 1 without a
        standard error).
    p_value : float
        One-sided p-value of no gain in the stage-wise ordering; twice the smaller tail is the two-sided one.
    naive, naive_low, naive_high : float
        The estimate and interval that pretend that nobody had looked before.
    ordering : str
        Which ends count as more extreme: ``stage-wise`` (earlier ones), or ``sample mean`` (larger estimates) where a
        two-sided test may give up in the middle.
    """

    estimate: float
    low: float
    high: float
    p_value: float
    naive: float
    naive_low: float
    naive_high: float
    ordering: str = "stage-wise"


def tail_probability(
    information: Sequence[float] | Floats, lower: Sequence[float] | Floats, upper: Sequence[float] | Floats,
    look: int, z: float, drift: float,
) -> float:  # fmt: skip
    """Return P(an end at least as far up as z at `look`) under a drift, in the stage-wise ordering.

    ``sum_(j < look) P(stop high at j) + P(still going, Z_look >= z)``. Under the true drift it is uniform.

    Parameters
    ----------
    information, lower, upper : array_like, shape (K,)
        Looks and z bounds; those from `look` on do not matter.
    look : int
        The look (from 1) at which it ended.
    z : float
        The statistic there.
    drift : float
        Mean of z at information 1.

    References
    ----------
    .. [1] Tsiatis, Rosner, Mehta (1984), "Exact confidence intervals following a group sequential test",
       Biometrics 40, 797-803.
    """
    t = np.asarray(information, np.float64)[:look]
    low = np.append(np.asarray(lower, np.float64)[: look - 1], -np.inf)
    high = np.append(np.asarray(upper, np.float64)[: look - 1], z)
    return float(cross(t, low, high, float(drift))[1].sum())


def stagewise_estimate(
    information: Sequence[float] | Floats, upper: Sequence[float] | Floats, sides: int, look: int, z: float,
    *, se: float | None = None, futility: Sequence[float] | Floats | None = None, level: float = 0.95,
) -> Stagewise:  # fmt: skip
    """Return estimate and interval after a sequential test ended.

    Parameters
    ----------
    information, upper : array_like, shape (K,)
        Looks so far (those to come may be there too) and their efficacy bounds on the z scale.
    sides : int
        2: symmetrical bounds; 1: upper ones, and the lower ones of `futility`.
    look : int
        The look (from 1) at which it ended.
    z : float
        The statistic at that look.
    se : float, optional
        Standard error of the effect at that look; turns the answer into the effect's units.
    futility : array_like, shape (K,), optional
        z bounds at which a one-sided test gave up (and was obeyed), -inf for none. Two-sided: half widths of its inner
        wedge; then `information` holds all planned looks, and larger estimates are the more extreme ends.
    level : float
        Of the interval.

    Raises
    ------
    InputError
        An argument is out of its range, or the test would have ended before.

    References
    ----------
    .. [1] Jennison, Turnbull (2000), "Group Sequential Methods", section 8.4-8.5.
    """
    t = check_information(information, end=False)
    high = np.array(upper, np.float64, ndmin=1)
    if high.shape != t.shape:
        raise InputError(WHERE, "upper", f"upper is {shown(high.tolist())}", "give one bound for each look")
    if isinstance(sides, bool) or sides not in (1, 2):
        raise InputError(WHERE, "--sides", f"sides is {shown(sides)}", "give 1 or 2")
    given_up = None if futility is None else np.array(futility, np.float64, ndmin=1)
    if given_up is not None and given_up.shape != t.shape:
        problem = f"futility bounds are {shown(given_up.tolist())}"
        raise InputError(WHERE, "--futility-bounds", problem, "give one bound for each look")
    if isinstance(look, bool) or not isinstance(look, int) or not 1 <= look <= t.size:
        raise InputError(WHERE, "--look", f"look is {shown(look)}", f"give 1 to {t.size}")
    check_finite("z", z, WHERE)
    check_error_rate(1.0 - level, 2, WHERE)
    if se is not None:
        check_positive("se", se, WHERE)
    inner = inner_bounds(sides, given_up)
    if inner is not None:
        from expsim_panel.mean_ordering import estimate_by_mean

        if abs(float(t[-1]) - 1.0) > 1e-9:
            problem = "futility in a two-sided test whose looks to come are not given"
            raise InputError(WHERE, "--information", problem, "give all planned looks: estimates order the ends")
        return estimate_by_mean(t, -high, inner, high, look, z, se, level)
    return _solved(t, lower_bounds(high, sides, given_up), high, look, z, se, level)


def _solved(t: Floats, lower: Floats, upper: Floats, look: int, z: float, se: float | None, level: float) -> Stagewise:
    from scipy.optimize import brentq

    root = math.sqrt(float(t[look - 1]))
    # One unit of drift in the units of the effect: the standard error that information 1 would have.
    scale = 1.0 if se is None else se * root
    middle, reach = z / root, norm_ppf(0.5 + level / 2.0)

    def solve(tail: float) -> float:
        def excess(drift: float) -> float:
            return tail_probability(t, lower, upper, look, z, drift) - tail

        # An early stop knows little of what information 1 would show: its interval is 1 / sqrt(t) as wide.
        low, high = middle - 4.0 / root, middle + 4.0 / root
        while excess(low) > 0.0 and low > middle - _FAR * _FAR / root:
            low -= 4.0 / root
        while excess(high) < 0.0 and high < middle + _FAR * _FAR / root:
            high += 4.0 / root
        return float(brentq(excess, low, high, xtol=1e-10))

    side = 0.5 - level / 2.0
    naive = middle * scale
    return Stagewise(
        solve(0.5) * scale, solve(side) * scale, solve(1.0 - side) * scale,
        tail_probability(t, lower, upper, look, z, 0.0),
        naive, naive - reach * scale / root, naive + reach * scale / root,
    )  # fmt: skip


def after_stopping(
    design: Design, setting: Setting, day: int, effect: float, se: float, level: float | None = None
) -> Stagewise | str:
    """Return what an experiment of two arms that ended on a day says, by its own design; or why it cannot.

    Parameters
    ----------
    design, setting
        The design, and what it knew when it was planned.
    day : int
        Day (from 1) on which it ended: a look of the design, or the last planned day.
    effect, se : float
        Plain estimate and its standard error on that day.
    level : float, optional
        Of the interval; the design's own unless given.
    """
    table = looks_of(design, setting)
    if isinstance(table, str):
        return table
    days, information, lower, inner, upper = table
    at = np.flatnonzero(days == day)
    if at.size == 0:
        return f"no stage-wise estimate: day {day} is no look of this design"
    if not se > 0.0:
        return "no stage-wise estimate: there is no standard error"
    end = int(at[0]) + 1, effect / se, se, design.level() if level is None else level
    if inner is not None:
        from expsim_panel.mean_ordering import estimate_by_mean

        return estimate_by_mean(information, lower, inner, upper, *end)
    return _solved(information, lower, upper, *end)


def table_of(design: Design, setting: Setting) -> tuple[np.ndarray, Floats, Floats, Floats] | str:
    """Return days, information fractions, lower and upper z bounds of a design's looks, the last day's included.

    Or the reason why it has no such table.
    """
    found = looks_of(design, setting)
    if isinstance(found, str):
        return found
    days, information, lower, inner, upper = found
    return f"no stage-wise estimate: {_NO_ORDER}" if inner is not None else (days, information, lower, upper)


def looks_of(design: Design, setting: Setting) -> tuple[np.ndarray, Floats, Floats, Floats | None, Floats] | str:
    """Return days, information fractions, lower, inner (None: no look has one) and upper z bounds of a design's looks.

    The last day is one of them. Or the reason why it has no such table.
    """
    if setting.arms != 2:
        return "no stage-wise estimate for more than two arms"
    planned = design.bounds(setting)
    if planned is None:
        return "no stage-wise estimate: this rule follows more than z"
    days, lower, upper, inner = planned.days, planned.lower, planned.upper, planned.inner
    if days[-1] < setting.days:
        inner = None if inner is None else np.append(inner, -np.inf)
        days, lower, upper = np.append(days, setting.days), np.append(lower, -np.inf), np.append(upper, np.inf)
    with np.errstate(divide="ignore"):
        variance = (setting.sds**2 / setting.rows[days - 1]).sum(axis=1)
    if not np.all(np.isfinite(variance) & (variance > 0)):
        return "no stage-wise estimate: a look sees no responses"
    if np.any(np.diff(1 / variance) <= 0):
        return "no stage-wise estimate: two looks see the same responses"
    if (
        setting.clock is not None
        and np.ptp(setting.clock[days - 1] * variance) > 1e-9 * setting.clock[-1] * variance[-1]
    ):
        # What the looks have in common is then not what they know of the effect.
        return "no stage-wise estimate: shares change, and days are compared apart"
    return days, np.asarray(variance[-1] / variance), lower, inner if has_inner(inner) else None, upper
