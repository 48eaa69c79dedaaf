"""What testing again and again at one nominal level does to the error rate, exactly."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from expsim_panel.checked import Floats, check_error_rate, check_positive, is_real
from expsim_panel.errors import InputError, shown
from expsim_panel.kernels.crossing import cross
from expsim_panel.kernels.special import norm_cdf, norm_ppf

__all__ = ["Peeking", "look_information", "peeking"]

WHERE = "exact peeking"
MOST_LOOKS = 1000


@dataclass(frozen=True, eq=False)
class Peeking:
    """A test that is repeated at every look until it rejects.

    Attributes
    ----------
    information : ndarray, shape (K,)
        Fractions of the final information at the looks.
    alpha : float
        Nominal level of every look.
    sides : int
        1 or 2.
    critical_value : float
        z of the nominal level.
    type1_error : float
        Probability of rejecting at any look although there is no effect.
    by_look : ndarray, shape (K,)
        The same by the end of each look.
    if_independent : float
        ``1 - (1 - alpha)^K``: what it would be if looks shared no data, an upper bound.
    nominal_for_alpha : float
        Nominal level at every look that would keep the type I error at `alpha` (Pocock's).
    expected_fraction : float
        Expected information used without an effect.
    """

    information: Floats
    alpha: float
    sides: int
    critical_value: float
    type1_error: float
    by_look: Floats
    if_independent: float
    nominal_for_alpha: float
    expected_fraction: float


def look_information(
    looks: int | None = None,
    information: Sequence[float] | Floats | None = None,
    days: int | None = None,
    every: int = 1,
    first: int | None = None,
) -> Floats:
    """Return when a team looks: evenly spaced, at given fractions, or every so many days.

    Parameters
    ----------
    looks : int, optional
        Evenly spaced looks, 1 to 1000.
    information : array_like, optional
        Increasing positive information of the looks, on any scale: only ratios count.
    days, every, first : int, optional
        Length of the experiment, days between two looks, and day of the first look (default `every`). The
        last day is always a look. Traffic is even over days.

    Raises
    ------
    InputError
        Not exactly one of the three ways, or out of range.
    """
    given = [
        name for name, value in (("looks", looks), ("information", information), ("days", days)) if value is not None
    ]
    if len(given) != 1:
        problem = "no looks" if not given else f"--{given[0]} beside --{given[1]}"
        raise InputError(WHERE, f"--{given[0] if given else 'looks'}", problem, "give --looks, --information or --days")
    if information is not None:
        listed = np.array(information, np.float64, ndmin=1)
        ordered = listed.size and np.all(np.isfinite(listed)) and listed[0] > 0 and np.all(np.diff(listed) > 0)
        if not ordered or listed.size > MOST_LOOKS:
            problem = f"information is {shown(listed.tolist())}"
            raise InputError(WHERE, "--information", problem, f"give 1 to {MOST_LOOKS} positive numbers that increase")
        if np.any(np.diff(listed) < 1e-5 * listed[1:]):
            raise InputError(WHERE, "--information", "two looks at the same time", "merge looks that close together")
        return listed / listed[-1]
    if looks is not None:
        _whole("looks", looks, 1, MOST_LOOKS)
        return np.arange(1, looks + 1) / looks
    assert days is not None
    _whole("days", days, 1, 1_000_000)
    _whole("every", every, 1, days)
    start = every if first is None else first
    _whole("first", start, 1, days)
    chosen = np.arange(start, days + 1, every)
    if chosen[-1] != days:
        chosen = np.append(chosen, days)
    if chosen.size > MOST_LOOKS:
        problem = f"{chosen.size} looks in {days} days"
        raise InputError(WHERE, "--every", problem, f"look at most {MOST_LOOKS} times")
    return chosen / days


def _whole(key: str, value: int, least: int, most: int) -> None:
    if not is_real(value) or value != int(value) or not least <= value <= most:
        remedy = f"give a whole number, {least} to {most}"
        raise InputError(WHERE, f"--{key}", f"{key} is {shown(value)}", remedy)


def peeking(
    looks: int | None = None,
    alpha: float = 0.05,
    sides: int = 2,
    *,
    information: Sequence[float] | Floats | None = None,
    days: int | None = None,
    every: int = 1,
    first: int | None = None,
    design_effect: float = 1.0,
) -> Peeking:
    """Return the true type I error of a test repeated at every look.

    Parameters
    ----------
    looks, information, days, every, first
        When the team looks; see `look_information`.
    alpha : float
        Nominal level of every look, in (0, 1).
    sides : int
        1 or 2.
    design_effect : float
        True over assumed variance of the estimate, above 0: more than 1 where clustering is ignored.

    Returns
    -------
    Peeking
        Probabilities to 1e-12. Looks share their data: z of looks j < k correlates by sqrt(I_j / I_k).

    Raises
    ------
    InputError
        An argument is out of its range.

    References
    ----------
    .. [1] Armitage, McPherson, Rowe (1969), "Repeated significance tests on accumulating data",
       JRSS A 132, 235-244.
    """
    from scipy.optimize import brentq

    fractions = look_information(looks, information, days, every, first)
    check_error_rate(alpha, sides, WHERE)
    check_positive("design-effect", design_effect, WHERE)
    critical = -norm_ppf(alpha / sides)

    def stops(bound: float) -> Floats:
        upper = np.full(fractions.size, bound)
        lower = -upper if sides == 2 else np.full(fractions.size, -math.inf)
        if sides == 2 and bound <= 0.0:
            return np.append([1.0], np.zeros(fractions.size - 1))
        below, above = cross(fractions, lower, upper, 0.0, design_effect)
        return np.asarray(below + above if sides == 2 else above)

    stop = stops(critical)
    # One look at level alpha gives alpha at least; looks at alpha / K give alpha at most (with the design effect
    # on the standard error).
    spread = math.sqrt(design_effect)
    low, high = critical * spread, -norm_ppf(alpha / sides / fractions.size) * spread
    kept = critical * spread
    if fractions.size > 1:
        kept = float(brentq(lambda bound: stops(bound).sum() - alpha, low - 1e-9, high + 1e-9, xtol=1e-12))
    return Peeking(
        fractions,
        alpha,
        sides,
        critical,
        float(stop.sum()),
        np.cumsum(stop),
        -math.expm1(fractions.size * math.log1p(-alpha)),
        sides * norm_cdf(-kept),
        float(1.0 - np.sum(stop * (1.0 - fractions))),
    )
