"""Estimate and interval after a test that may give up in the middle: the sample-mean ordering.

Paths above and below an inner wedge mix at later looks, so that earlier is no longer more extreme. Ordered by their
estimates, ends have a p-value all the same, whose inverse is a median-unbiased estimate and an interval with exactly
the stated coverage. It needs the looks to come as they were planned.
"""

from __future__ import annotations

import math

import numpy as np

from expsim_panel.checked import Floats
from expsim_panel.kernels.mean_ordering import above, all_above, drifts_of, going_on_outside
from expsim_panel.kernels.special import norm_ppf
from expsim_panel.stagewise import Stagewise

__all__ = ["ORDERING", "estimate_by_mean", "medians_by_mean", "tails_by_mean"]

ORDERING = "sample mean"
_POINTS = 129


def estimate_by_mean(
    t: Floats, lower: Floats, inner: Floats, upper: Floats, look: int, z: float, se: float | None, level: float
) -> Stagewise:
    """Return what an end says, by the sample-mean ordering.

    Parameters
    ----------
    t, lower, inner, upper : ndarray, shape (K,)
        All planned looks, ending at information 1, and z bounds; it gives up within `inner` of 0, -inf: it does not.
    look : int
        The look (from 1) at which it ended.
    z : float
        The statistic there.
    se : float or None
        Standard error there, for the effect's own units.
    level : float
        Of the interval.

    References
    ----------
    .. [1] S. S. Emerson, T. R. Fleming (1990), "Parameter estimation following group sequential hypothesis testing",
       Biometrika 77, 875-892.
    """
    looks = (t, lower, inner, upper)
    paths = going_on_outside(*looks)
    root = math.sqrt(float(t[look - 1]))
    scale, seen = 1.0 if se is None else se * root, z / root
    side, reach = 0.5 - level / 2.0, norm_ppf(0.5 + level / 2.0)
    middle, low, high = (
        float(drifts_of(*looks, *paths, np.array([seen]), tail)[0]) * scale for tail in (0.5, side, 1.0 - side)
    )
    naive = seen * scale
    return Stagewise(
        middle, low, high, float(above(*looks, *paths, seen, 0.0)), naive, naive - reach * scale / root,
        naive + reach * scale / root, ORDERING,
    )  # fmt: skip


def tails_by_mean(t: Floats, lower: Floats, inner: Floats, upper: Floats, seen: Floats, drift: Floats) -> Floats:
    """Return P(an estimate at least as high as each of `seen`) under each drift, arrays (n,): uniform if it is true."""
    return np.asarray(
        all_above(t, lower, inner, upper, *going_on_outside(t, lower, inner, upper), seen, drift), np.float64
    )


def medians_by_mean(t: Floats, lower: Floats, inner: Floats, upper: Floats, seen: Floats) -> Floats:
    """Return the median-unbiased drift of every estimate, array (n,), from a table of both."""
    at = np.linspace(float(seen.min()), float(seen.max()), min(_POINTS, seen.size))
    paths = going_on_outside(t, lower, inner, upper)
    return np.interp(seen, at, drifts_of(t, lower, inner, upper, *paths, at, 0.5))
