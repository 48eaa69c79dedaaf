"""The stage-wise ordering where outcomes come in after a stop: an end is its look, its side, and the final data."""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

from expsim_panel.kernels.crossing import nodes
from expsim_panel.kernels.jit import inner, kernel

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

_REACH = 16.0
_ROOT_HALF = 0.7071067811865476
_ROOT_2PI = 2.5066282746310007
HIGH, LOW, LAST = 1, -1, 0


@kernel
def stopping(
    information: Floats,
    final: Floats,
    lower: Floats,
    upper: Floats,
    points: Floats,
    mass: Floats,
    start: Ints,
    side: int,
) -> tuple[Floats, Floats, Ints]:
    """Return nodes and mass, without drift, of the paths that stop on one side at each look; of all at the last look.

    Parameters
    ----------
    information, lower, upper : ndarray, shape (K,)
        Looks and z bounds.
    final : ndarray, shape (K,)
        Information once everybody's outcome is in who was enrolled by the look; at least that of the look.
    points, mass, start
        Paths that go on, from `ordering.going_on`.
    side : int
        `HIGH` or `LOW`.

    Returns
    -------
    points, mass, start
        As `ordering.going_on`, on the score scale at the look.
    """
    looks = information.size
    found_points, found_mass = np.zeros(0), np.zeros(0)
    found_start = np.zeros(looks + 1, np.int64)
    before = 0.0
    for k in range(looks):
        now = information[k]
        step, root = now - before, math.sqrt(now)
        low, high = -_REACH * root, _REACH * root
        if k < looks - 1:
            if side == HIGH:
                low = max(upper[k] * root, low)
            else:
                high = min(lower[k] * root, high)
        if low < high:
            more = max(final[k] - now, 1e-4 * step)
            targets, weights = nodes(low, high, math.sqrt(step * more / (step + more)))
            factor = 1.0 / (_ROOT_2PI * math.sqrt(step))
            for j in range(targets.size):
                total = 0.0
                for i in range(start[k], start[k + 1]):
                    gap = points[i] - targets[j]
                    total += mass[i] * math.exp(-0.5 * gap * gap / step)
                weights[j] *= factor * total
            found_points, found_mass = np.concatenate((found_points, targets)), np.concatenate((found_mass, weights))
        found_start[k + 1] = found_points.size
        before = now
    return found_points, found_mass, found_start


@inner
def _reached(
    points: Floats, mass: Floats, first: int, last: int, now: float, more: float, bound: float, drift: float, side: int
) -> float:
    """P(stopping so, then a final score beyond `bound` on `side`) under a drift; -inf on the high side: all of them."""
    total = 0.0
    for i in range(first, last):
        weight = mass[i] * math.exp(drift * points[i] - 0.5 * drift * drift * now)
        if math.isinf(bound):
            total += weight
        elif more <= 0.0:
            total += weight * (1.0 if side * (points[i] - bound) >= 0.0 else 0.0)
        else:
            total += weight * 0.5 * math.erfc(side * (bound - points[i] - drift * more) * _ROOT_HALF / math.sqrt(more))
    return total


@kernel
def tail_after(
    information: Floats, final: Floats, points: Floats, mass: Floats, start: Ints, side: int, look: int, z: float,
    drift: float,
) -> float:  # fmt: skip
    """Return P(an end at least as far out on `side`) under a drift.

    ``sum_(j < look) P(stop so at j) + P(stop so at look, final z beyond z)``; at the last look whatever comes to it.

    Parameters
    ----------
    points, mass, start
        From `stopping`, for the same side.
    look : int
        Counted from 0.
    z : float
        The statistic of the final data.
    """
    tail = 0.0
    for k in range(look):
        tail += _reached(points, mass, start[k], start[k + 1], information[k], 0.0, math.inf, drift, side)
    more = final[look] - information[look]
    bound = z * math.sqrt(final[look])
    return tail + _reached(points, mass, start[look], start[look + 1], information[look], more, bound, drift, side)


@kernel
def tails_after(
    information: Floats, final: Floats, points: Floats, mass: Floats, start: Ints, side: int, look: int, z: Floats,
    drift: Floats,
) -> Floats:  # fmt: skip
    """Return `tail_after` for every pair of `z` and `drift`, arrays of one shape (n,)."""
    found = np.empty(z.size)
    for i in range(z.size):
        found[i] = tail_after(information, final, points, mass, start, side, look, z[i], drift[i])
    return found


@kernel
def drifts_after(
    information: Floats, final: Floats, points: Floats, mass: Floats, start: Ints, side: int, look: int, z: Floats,
    tail: float,
) -> Floats:  # fmt: skip
    """Return the drift at which each end has the tail probability `tail` on `side`, by bisection."""
    found = np.empty(z.size)
    for i in range(z.size):
        low = side * z[i] / math.sqrt(final[look]) - 8.0 / math.sqrt(information[look])
        high = low + 16.0 / math.sqrt(information[look])
        for _ in range(44):
            drift = 0.5 * (low + high)
            if tail_after(information, final, points, mass, start, side, look, z[i], side * drift) < tail:
                low = drift
            else:
                high = drift
        found[i] = side * 0.5 * (low + high)
    return found
