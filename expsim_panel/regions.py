"""Where a planned test stops: beyond its efficacy bounds, and where it gives up. One place for one and two sides."""

from __future__ import annotations

import numpy as np

from expsim_panel.checked import Floats
from expsim_panel.kernels.crossing import cross
from expsim_panel.kernels.wedge import cross_wedge

__all__ = ["has_inner", "inner_bounds", "stops", "stops_between"]


def has_inner(inner: Floats | None) -> bool:
    """Tell whether any look gives up between inner bounds."""
    return inner is not None and bool(np.any(inner > -np.inf))


def inner_bounds(sides: int, futility: Floats | None) -> Floats | None:
    """Return the half width around z = 0 in which a two-sided test gives up, by look; None for no such test."""
    return futility if sides == 2 and has_inner(futility) else None


def stops_between(
    information: Floats, lower: Floats, upper: Floats, inner: Floats | None, drift: float, ratio: float = 1.0
) -> tuple[Floats, Floats, Floats]:
    """Return P(stop low), P(give up between the inner bounds) and P(stop high) at each look.

    Parameters
    ----------
    information, lower, upper, drift, ratio
        As in `kernels.crossing.cross`.
    inner : ndarray, shape (K,), or None
        Half width on the z scale, -inf for a look without.
    """
    if inner is None or not has_inner(inner):
        low, high = cross(information, lower, upper, drift, ratio)
        return low, np.zeros(low.size), high
    found: tuple[Floats, Floats, Floats] = cross_wedge(information, lower, -inner, inner, upper, drift, ratio)
    return found


def stops(
    information: Floats, upper: Floats, sides: int, futility: Floats | None, drift: float
) -> tuple[Floats, Floats, Floats]:
    """Return P(reject downwards), P(give up) and P(reject upwards) at each look of a test.

    Parameters
    ----------
    upper : ndarray, shape (K,)
        Efficacy bounds; mirrored where the test has two sides.
    futility : ndarray, shape (K,), or None
        One-sided: z bounds at or below which it gives up. Two-sided: it gives up within them of 0. -inf: none.
    """
    if sides == 2:
        return stops_between(information, -upper, upper, futility, drift)
    lower = np.full(upper.size, -np.inf) if futility is None else futility
    low, high = cross(information, np.minimum(lower, upper), upper, drift)
    return np.zeros(low.size), low, high
