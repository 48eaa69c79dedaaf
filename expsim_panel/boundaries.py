"""Efficacy bounds of group-sequential tests: a constant times a shape, a spent error rate, or fixed interim bounds."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from expsim_panel.checked import WHERE, Floats, check_error_rate, check_information
from expsim_panel.errors import InputError, shown
from expsim_panel.kernels.special import norm_ppf
from expsim_panel.kernels.spending import spend
from expsim_panel.regions import stops

__all__ = [
    "critical_values",
    "haybittle_peto_bounds",
    "lower_bounds",
    "obrien_fleming_shape",
    "pocock_shape",
    "spending_bounds",
    "wang_tsiatis_shape",
]


def obrien_fleming_shape(information: Floats) -> Floats:
    """Return the shape 1/sqrt(information): bounds constant on the score scale (O'Brien, Fleming 1979)."""
    return 1.0 / np.sqrt(information)


def pocock_shape(information: Floats) -> Floats:
    """Return the shape 1, 1, ..., 1: bounds constant on the z scale (Pocock 1977)."""
    return np.ones(len(information))


def wang_tsiatis_shape(information: Floats, delta: float) -> Floats:
    """Return the shape information^(delta - 1/2): 0 is O'Brien-Fleming, 1/2 Pocock (Wang, Tsiatis 1987)."""
    return np.asarray(np.asarray(information, np.float64) ** (delta - 0.5))


def lower_bounds(upper: Floats, sides: int, futility: Floats | None = None) -> Floats:
    """Return where a test stops low: at minus the upper bounds (two-sided), or at futility bounds, or nowhere.

    The inner futility bounds of a two-sided test are none of these: see `regions.inner_bounds`.

    Parameters
    ----------
    upper : ndarray, shape (K,)
        Upper z bounds.
    sides : int
        1 or 2.
    futility : ndarray, shape (K,), optional
        z bounds, -inf for none; one-sided tests only.
    """
    if sides == 2:
        return -upper
    return np.full(upper.size, -np.inf) if futility is None else futility


def check_futility(futility: Sequence[float] | Floats | None, looks: int, sides: int, where: str = WHERE) -> Floats:
    """Return futility bounds of the interim looks as an array of all looks, -inf for none; or InputError.

    Parameters
    ----------
    futility : array_like, shape (looks - 1,), or None
        z bounds of the interim looks; -inf: this look has none. Two-sided: not negative, the test gives up
        within them of 0.
    """
    full = np.full(looks, -np.inf)
    if futility is None:
        return full
    try:
        given = np.array(futility, dtype=np.float64, ndmin=1)
    except (TypeError, ValueError):
        remedy = "give z bounds such as 0,0, none for a look without"
        raise InputError(where, "--futility-bounds", f"futility bounds are {shown(futility)}", remedy) from None
    said = f"futility bounds are {shown(given.tolist())}"
    if sides != 1 and np.any((given < 0.0) & (given > -np.inf)):
        remedy = "give 0 or more: it gives up within so much of z = 0; none for a look without"
        raise InputError(where, "--futility-bounds", f"{said} in a two-sided test", remedy)
    if given.shape != (looks - 1,):
        remedy = f"give one for each look but the last: {looks - 1}"
        raise InputError(where, "--futility-bounds", f"{said} for {looks} looks", remedy)
    if np.any(np.isnan(given)) or np.any(given == np.inf):
        raise InputError(where, "--futility-bounds", said, "give finite z bounds, none for a look without")
    full[:-1] = given
    return full


def check_order(futility: Floats, upper: Floats, where: str = WHERE) -> None:
    """Raise InputError where a futility bound reaches the efficacy bound of its look."""
    for look, (low, high) in enumerate(zip(futility[:-1], upper[:-1], strict=True), start=1):
        if low > -np.inf and not low < high:
            problem = f"futility bound {low:g} of look {look} is not below its efficacy bound {high:.4g}"
            raise InputError(where, "--futility-bounds", problem, "lower the futility bound, or leave it out: none")
    if not np.all(upper > -np.inf):
        raise InputError(
            where, "--futility-bounds", "too few paths pass the futility bounds to spend alpha", "lower them"
        )


def critical_values(
    shape: Sequence[float] | Floats,
    information: Sequence[float] | Floats,
    alpha: float,
    sides: int,
    futility: Floats | None = None,
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
    futility : ndarray, shape (K,), optional
        Binding futility bounds, -inf for none: see `regions.stops`. They lower `c`.

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
        down, _, up = stops(fractions, constant * heights, sides, futility, 0.0)
        return float(down.sum() + up.sum()) - alpha

    from scipy.optimize import brentq

    if futility is not None:
        # Paths that stopped for futility no longer cross: the constant may have to be smaller than any
        # look alone would need.
        while excess(least) < 0.0 and least > most - 50.0:
            least = least - 1.0 if sides == 1 else max(least - 1.0, 0.5 * least)
            if least < 1e-6 and sides == 2:
                break
        if excess(least) < 0.0:
            check_order(futility, np.full(fractions.size, -np.inf))
    upper = float(brentq(excess, least - 1e-9, most + 1e-9, xtol=1e-12, rtol=1e-14)) * heights
    if futility is not None:
        check_order(futility, upper)
    return upper


def spending_bounds(
    spent: Sequence[float] | Floats,
    information: Sequence[float] | Floats,
    sides: int,
    futility: Floats | None = None,
) -> Floats:
    """Return the z bounds that spend an error rate as it is told.

    Parameters
    ----------
    spent : array_like, shape (K,)
        Cumulative probability of stopping under no effect, both sides together: not decreasing, in [0, 1).
    information : array_like, shape (K,)
        Information of the looks, increasing.
    sides : int
        1 or 2; half of every increment goes to each side.
    futility : ndarray, shape (K,), optional
        Binding futility bounds, -inf for none: see `regions.stops`.

    Returns
    -------
    ndarray, shape (K,)
        Bounds; inf at a look that spends nothing.

    Raises
    ------
    InputError
        An argument is out of its range.
    """
    fractions = check_information(information, end=True)
    total = np.array(spent, dtype=np.float64, ndmin=1)
    said = f"alpha spent is {shown(total.tolist())}"
    if total.shape != fractions.shape:
        raise InputError(WHERE, "--alpha-spent", said, f"give {fractions.size} numbers, one for each look")
    if not np.all((total >= 0) & (total < 1)) or np.any(np.diff(total) < 0):
        raise InputError(WHERE, "--alpha-spent", said, "give cumulative probabilities that do not decrease")
    check_error_rate(float(total[-1]), sides)
    lower = np.full(fractions.size, -np.inf) if futility is None else futility
    upper = spend(fractions, np.diff(total, prepend=0.0), lower, sides)
    if futility is not None:
        check_order(futility, upper)
    return np.asarray(upper)


def haybittle_peto_bounds(
    information: Sequence[float] | Floats, alpha: float, sides: int, interim: float, futility: Floats | None = None
) -> Floats:
    """Return a constant bound for the interim looks and the last one that makes the level exactly `alpha`.

    Parameters
    ----------
    information, alpha, sides, futility
        As in `critical_values`.
    interim : float
        z bound of every look but the last, usually 3.

    Returns
    -------
    ndarray, shape (K,)
        The last bound lies a little above the fixed test's; the older convention, which leaves it there,
        exceeds alpha a little.

    Raises
    ------
    InputError
        The interim looks alone spend more than `alpha`.

    References
    ----------
    .. [1] Haybittle (1971), British Journal of Radiology 44, 793-797; Peto et al. (1976), British Journal
       of Cancer 34, 585-612.
    """
    fractions = check_information(information, end=True)
    check_error_rate(alpha, sides)
    upper = np.full(fractions.size, float(interim))
    upper[-1] = np.inf
    if futility is not None:
        check_order(futility, upper)
    down, _, up = stops(fractions, upper, sides, futility, 0.0)
    interim_spent = up + down
    total = np.append(np.cumsum(interim_spent[:-1]), alpha)
    if fractions.size > 1 and total[-2] >= alpha:
        problem = f"interim bounds of {interim:g} spend {total[-2]:.4g} of alpha = {alpha:g}"
        raise InputError(WHERE, "--parameter", problem, "raise the interim bound, or look less often")
    solved = spend(fractions, np.diff(total, prepend=0.0), lower_bounds(upper, 1, futility), sides)
    upper[-1] = solved[-1]
    check_order(np.full(upper.size, -np.inf), upper)
    return upper
