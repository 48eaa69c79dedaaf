"""The sample-mean ordering of how sequential tests end, for those that may give up in the middle.

Every end is as extreme as its estimate (Emerson, Fleming 1990). Estimates are on the scale of the drift: score over
information, the score being ``x = sqrt(I) z``.
"""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

from expsim_panel.kernels.jit import inner, kernel
from expsim_panel.kernels.ordering import beyond, carry
from expsim_panel.kernels.wedge import two_intervals

Floats = npt.NDArray[np.float64]

_REACH = 16.0


@kernel
def going_on_outside(
    information: Floats, lower: Floats, middle: Floats, upper: Floats
) -> tuple[Floats, Floats, npt.NDArray[np.int64]]:
    """Return nodes and mass of the paths, without drift, that are still going before each look.

    Parameters
    ----------
    information, lower, middle, upper : ndarray, shape (K,), float64
        Looks and z bounds; a look stops beyond the outer ones and within `middle` of 0 (-inf: it does not).

    Returns
    -------
    points, mass : ndarray
        All looks one after the other, on the score scale.
    start : int64 ndarray, shape (K + 1,)
        Look k (from 0) has those from ``start[k]`` to ``start[k + 1]``.
    """
    looks = information.size
    points, mass = np.zeros(1), np.ones(1)
    start = np.zeros(looks + 1, np.int64)
    start[1] = 1
    first = 0
    before = 0.0
    for k in range(looks - 1):
        now = information[k]
        step, root = now - before, math.sqrt(now)
        following = information[k + 1] - now
        low, high = max(lower[k], -_REACH) * root, min(upper[k], _REACH) * root
        width = max(middle[k], -1.0) * root
        targets, weights = two_intervals(low, -width, width, high, math.sqrt(step * following / (step + following)))
        carry(points, mass, first, step, targets, weights)
        first = points.size
        points, mass = np.concatenate((points, targets)), np.concatenate((mass, weights))
        start[k + 2] = points.size
        before = now
    return points, mass, start


@inner
def _beyond(
    points: Floats, mass: Floats, first: int, last: int, before: float, step: float, bound: float, drift: float
) -> float:
    """P(going on, then beyond `bound` on the score scale) under a drift."""
    if bound == math.inf:
        return 0.0
    return beyond(points, mass, first, last, before, step, bound, drift)[0]


@kernel
def above(
    information: Floats,
    lower: Floats,
    middle: Floats,
    upper: Floats,
    points: Floats,
    mass: Floats,
    start: npt.NDArray[np.int64],
    estimate: float,
    drift: float,
) -> float:
    """Return P(the estimate at the end >= `estimate`) under a drift; arguments as in `going_on_outside`."""
    looks = information.size
    tail = 0.0
    before = 0.0
    for k in range(looks):
        now = information[k]
        step, root, at = now - before, math.sqrt(now), estimate * now
        first, last = start[k], start[k + 1]
        if k == looks - 1:
            # Whatever has not ended before ends here.
            tail += _beyond(points, mass, first, last, before, step, at, drift)
        else:
            tail += _beyond(points, mass, first, last, before, step, max(upper[k] * root, at), drift)
            width = middle[k] * root
            if width >= 0.0 and at < width:
                tail += _beyond(points, mass, first, last, before, step, max(-width, at), drift)
                tail -= _beyond(points, mass, first, last, before, step, width, drift)
            low = lower[k] * root
            if at < low:
                tail += _beyond(points, mass, first, last, before, step, at, drift)
                tail -= _beyond(points, mass, first, last, before, step, low, drift)
        before = now
    return tail


@kernel
def all_above(
    information: Floats,
    lower: Floats,
    middle: Floats,
    upper: Floats,
    points: Floats,
    mass: Floats,
    start: npt.NDArray[np.int64],
    estimates: Floats,
    drifts: Floats,
) -> Floats:
    """Return `above` for every pair of an estimate and a drift, arrays of one shape (n,)."""
    found = np.empty(estimates.size)
    for i in range(estimates.size):
        found[i] = above(information, lower, middle, upper, points, mass, start, estimates[i], drifts[i])
    return found


@kernel
def drifts_of(
    information: Floats,
    lower: Floats,
    middle: Floats,
    upper: Floats,
    points: Floats,
    mass: Floats,
    start: npt.NDArray[np.int64],
    estimates: Floats,
    tail: float,
) -> Floats:
    """Return the drift under which an estimate at least as high has probability `tail`, for each, by bisection."""
    found = np.empty(estimates.size)
    for i in range(estimates.size):
        at = estimates[i]
        low, high = at - 4.0, at + 4.0
        while low > -1e4 and above(information, lower, middle, upper, points, mass, start, at, low) > tail:
            low -= 4.0
        while high < 1e4 and above(information, lower, middle, upper, points, mass, start, at, high) < tail:
            high += 4.0
        for _ in range(44):
            drift = 0.5 * (low + high)
            if above(information, lower, middle, upper, points, mass, start, at, drift) < tail:
                low = drift
            else:
                high = drift
        found[i] = 0.5 * (low + high)
    return found
