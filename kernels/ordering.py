"""The stage-wise ordering of how sequential tests end: tail probabilities for many ends, and their inverse."""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

from expsim_panel.kernels.crossing import nodes
from expsim_panel.kernels.jit import inner, kernel

Floats = npt.NDArray[np.float64]

_REACH = 16.0
# Paths are integrated once, without drift, and weighed by exp(drift x - drift^2 t / 2) for every other drift:
# far tails without drift are the middle under a large one.
_PLAIN_STEPS = 8
_CERTAIN = 8.0
"""Where the complementary error function is 1e-29: most paths are that far from a bound within a day."""
_ROOT_HALF = 0.7071067811865476
_ROOT_2PI = 2.5066282746310007


@inner
def carry(points: Floats, mass: Floats, first: int, step: float, targets: Floats, weights: Floats) -> None:
    """Turn the quadrature weights of `targets` into the mass that comes to them from the nodes from `first` on.

    A step of Brownian motion without drift; `step` is the information between the two looks.
    """
    factor = 1.0 / (_ROOT_2PI * math.sqrt(step))
    for j in range(targets.size):
        total = 0.0
        for i in range(first, points.size):
            gap = points[i] - targets[j]
            total += mass[i] * math.exp(-0.5 * gap * gap / step)
        weights[j] *= factor * total


@kernel
def going_on(information: Floats, lower: Floats, upper: Floats) -> tuple[Floats, Floats, npt.NDArray[np.int64]]:
    """Return nodes and mass of the paths, without drift, that are still going before each look.

    Parameters
    ----------
    information, lower, upper : ndarray, shape (K,), float64
        Looks and z bounds, as in `crossing.cross`.

    Returns
    -------
    points, mass : ndarray
        All looks one after the other, on the score scale ``x = sqrt(I) z``.
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
        low, high = max(lower[k], -_REACH) * root, min(upper[k], _REACH) * root
        if low < high:
            following = information[k + 1] - now
            targets, weights = nodes(low, high, math.sqrt(step * following / (step + following)))
            carry(points, mass, first, step, targets, weights)
        else:
            targets, weights = np.zeros(1), np.zeros(1)
        first = points.size
        points, mass = np.concatenate((points, targets)), np.concatenate((mass, weights))
        start[k + 2] = points.size
        before = now
    return points, mass, start


@inner
def beyond(
    points: Floats, mass: Floats, first: int, last: int, before: float, step: float, bound: float, drift: float
) -> tuple[float, float]:
    """P(going on, then beyond `bound` on the score scale) under a drift, and its derivative by the drift."""
    scale = _ROOT_HALF / math.sqrt(step)
    height = math.sqrt(step) / _ROOT_2PI
    tail, slope = 0.0, 0.0
    for i in range(first, last):
        gap = bound - points[i] - drift * step
        far = gap * scale
        if far > _CERTAIN:
            continue
        off = points[i] - drift * before
        weight = mass[i] * math.exp(drift * points[i] - 0.5 * drift * drift * before)
        if far < -_CERTAIN:
            tail += weight
            slope += weight * off
            continue
        high = 0.5 * math.erfc(far)
        tail += weight * high
        slope += weight * (off * high + height * math.exp(-0.5 * gap * gap / step))
    return tail, slope


@inner
def _before(
    information: Floats,
    upper: Floats,
    points: Floats,
    mass: Floats,
    start: npt.NDArray[np.int64],
    look: int,
    drift: float,
) -> tuple[float, float]:
    """Return P(a stop high before `look`) under a drift, and its derivative by the drift."""
    tail, slope = 0.0, 0.0
    before = 0.0
    for j in range(look):
        now = information[j]
        bound = upper[j] * math.sqrt(now)
        if bound < math.inf:
            one, more = beyond(points, mass, start[j], start[j + 1], before, now - before, bound, drift)
            tail += one
            slope += more
        before = now
    return tail, slope


@inner
def _at(
    information: Floats,
    points: Floats,
    mass: Floats,
    start: npt.NDArray[np.int64],
    look: int,
    z: float,
    drift: float,
) -> tuple[float, float]:
    """Return P(still going at `look`, and at least `z` there) under a drift, and its derivative by the drift."""
    now = information[look]
    before = information[look - 1] if look > 0 else 0.0
    bound = z * math.sqrt(now)
    if bound == math.inf:
        return 0.0, 0.0
    return beyond(points, mass, start[look], start[look + 1], before, now - before, bound, drift)


@kernel
def tail_at(
    information: Floats,
    upper: Floats,
    points: Floats,
    mass: Floats,
    start: npt.NDArray[np.int64],
    look: int,
    z: float,
    drift: float,
) -> tuple[float, float]:
    """Return P(an end at least as far up as z at `look`) under a drift, and its derivative by the drift.

    ``sum_(j < look) P(stop high at j) + P(still going, Z_look >= z)``; `look` counts from 0.
    """
    earlier, steep = _before(information, upper, points, mass, start, look, drift)
    tail, slope = _at(information, points, mass, start, look, z, drift)
    return earlier + tail, steep + slope


@kernel
def tails_before(
    information: Floats,
    upper: Floats,
    points: Floats,
    mass: Floats,
    start: npt.NDArray[np.int64],
    look: int,
    drift: Floats,
) -> Floats:
    """Return P(a stop high before `look`) under every drift."""
    found = np.empty(drift.size)
    for i in range(drift.size):
        found[i] = _before(information, upper, points, mass, start, look, drift[i])[0]
    return found


@kernel
def tails_at(
    information: Floats,
    points: Floats,
    mass: Floats,
    start: npt.NDArray[np.int64],
    look: int,
    z: Floats,
    drift: Floats,
) -> Floats:
    """Return P(still going at `look`, and at least z there) for every pair of `z` and `drift`, arrays (n,)."""
    found = np.empty(z.size)
    for i in range(z.size):
        found[i] = _at(information, points, mass, start, look, z[i], drift[i])[0]
    return found


@kernel
def _between(
    information: Floats,
    upper: Floats,
    points: Floats,
    mass: Floats,
    start: npt.NDArray[np.int64],
    look: int,
    z: float,
    tail: float,
) -> float:
    """Return one such drift as `drifts_at`: Newton's method between bounds that close in."""
    root = math.sqrt(information[look])
    drift = z / root
    low, high = drift - 2.0 / root, drift + 2.0 / root
    while low > -1e4 and tail_at(information, upper, points, mass, start, look, z, low)[0] > tail:
        high = low
        low -= 4.0 / root
    while high < 1e4 and tail_at(information, upper, points, mass, start, look, z, high)[0] < tail:
        low = high
        high += 4.0 / root
    drift = min(max(drift, low), high)
    for _ in range(100):
        value, slope = tail_at(information, upper, points, mass, start, look, z, drift)
        if value < tail:
            low = drift
        else:
            high = drift
        following = 0.5 * (low + high)
        if slope > 1e-12:
            newton = drift - (value - tail) / slope
            if low < newton < high:
                following = newton
        done = abs(following - drift) * root < 1e-10
        drift = following
        if done:
            break
    return drift


@kernel
def drifts_at(
    information: Floats,
    upper: Floats,
    points: Floats,
    mass: Floats,
    start: npt.NDArray[np.int64],
    look: int,
    z: Floats,
    tail: float,
) -> Floats:
    """Return the drift under which an end at each `z` of `look` has the tail probability `tail`.

    Newton's method from the line through the solutions of two neighbours, which should be near each other in `z`;
    where it does not settle at once, a safeguarded one between bounds.
    """
    root = math.sqrt(information[look])
    found = np.empty(z.size)
    for i in range(z.size):
        drift = z[i] / root
        if i == 1:
            drift = found[0] + (z[1] - z[0]) / root
        elif i > 1:
            gap = z[i - 1] - z[i - 2]
            slant = (found[i - 1] - found[i - 2]) / gap if gap != 0.0 else 1.0 / root
            drift = found[i - 1] + slant * (z[i] - z[i - 1])
        settled = False
        for _ in range(_PLAIN_STEPS):
            value, slope = tail_at(information, upper, points, mass, start, look, z[i], drift)
            change = (value - tail) / slope if slope > 1e-12 else math.inf
            if not abs(change) * root < 1.0:
                break
            drift -= change
            if abs(change) * root < 1e-10:
                settled = True
                break
        found[i] = drift if settled else _between(information, upper, points, mass, start, look, z[i], tail)
    return found
