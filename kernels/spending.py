"""Bounds that are crossed with given probabilities, solved look by look while the density is carried along."""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

from expsim_panel.kernels.crossing import spread
from expsim_panel.kernels.jit import kernel
from expsim_panel.kernels.wedge import two_intervals

Floats = npt.NDArray[np.float64]

_REACH = 8.0
# A bound beyond 8 standard deviations is crossed with a probability that spending functions do give
# (1e-23 at a twentieth of the information): keep the density up to the bound itself then.
_FAR = 12.0
_ROOT_HALF = 0.7071067811865476
_ROOT_2PI = 2.5066282746310007
_NOTHING = 1e-300


@kernel
def tail_bound(points: Floats, mass: Floats, step: float, target: float, side: float) -> float:
    """Return x such that (points carrying mass) + N(0, step) lies beyond x with probability `target`.

    Parameters
    ----------
    points, mass : ndarray
        Nodes and the probability that each carries.
    step : float
        Variance of the increment, above 0.
    target : float
        Probability; at most 1e-300: the bound is infinite. At least all the mass: it is infinite the other way.
    side : float
        1: the upper tail; -1: the lower one.

    Returns
    -------
    float
        Safeguarded Newton on the logarithm of the tail, which is concave: to 1e-13 of the step's deviation.
    """
    if target <= _NOTHING:
        return side * math.inf
    whole = 0.0
    for i in range(mass.size):
        whole += mass[i]
    if target >= whole:
        return -side * math.inf
    deviation = math.sqrt(step)
    low, high = side * points[0], side * points[0]
    for i in range(points.size):
        low, high = min(low, side * points[i]), max(high, side * points[i])
    low, high = low - 40.0 * deviation, high + 40.0 * deviation
    scale, wanted = _ROOT_HALF / deviation, math.log(target)
    x = 0.5 * (low + high)
    for _ in range(200):
        tail, slope = 0.0, 0.0
        for i in range(points.size):
            gap = x - side * points[i]
            tail += mass[i] * math.erfc(gap * scale)
            slope += mass[i] * math.exp(-0.5 * gap * gap / step)
        tail *= 0.5
        slope /= _ROOT_2PI * deviation
        if tail >= target:
            low = x
        else:
            high = x
        # Where the tail underflows, halve the bracket instead.
        following = 0.5 * (low + high)
        if tail > _NOTHING and slope > _NOTHING:
            newton = x + (math.log(tail) - wanted) * tail / slope
            if low < newton < high:
                following = newton
        if abs(following - x) <= 1e-14 * deviation or high - low <= 1e-15 * max(abs(high), deviation):
            x = following
            break
        x = following
    return float(side * x)


@kernel
def carry(
    points: Floats,
    mass: Floats,
    low: float,
    high: float,
    now: float,
    step: float,
    following: float,
    left: float = math.inf,
    right: float = -math.inf,
) -> tuple[Floats, Floats]:
    """Return nodes and mass of the paths that stay within (low, high) at information `now`.

    `low` and `high` are on the driftless score scale; `step` is the increment that led here and `following`
    the next one. An empty interval carries nothing. Paths within [left, right] stop too, where ``left <= right``.
    """
    root = math.sqrt(now)
    low, high = max(low, -_FAR * root), min(high, _FAR * root)
    if low < -_REACH * root and high > 0.0:
        low = -_REACH * root
    if not low < high:
        return np.zeros(1), np.zeros(1)
    targets, weights = two_intervals(low, left, right, high, math.sqrt(step * following / (step + following)))
    if targets.size == 1:
        return targets, weights
    density = spread(points, mass, targets, step)
    for i in range(targets.size):
        weights[i] *= density[i]
    return targets, weights


@kernel
def spend(information: Floats, increments: Floats, lower: Floats, sides: int) -> Floats:
    """Return the upper z bounds that paths without drift cross first at look k with probability ``increments[k]``.

    Parameters
    ----------
    information : ndarray, shape (K,), float64
        Increasing, positive; the last need not be 1.
    increments : ndarray, shape (K,), float64
        Probability of stopping at each look, both sides together.
    lower : ndarray, shape (K,), float64
        Paths that stop too (binding futility); -inf: none. One-sided: those at or below it. Two-sided: those
        within it of 0.
    sides : int
        1, or 2: the bounds are symmetrical.

    Returns
    -------
    ndarray, shape (K,)
        Infinite where nothing is spent, and minus infinity where more is to be spent than is left.

    References
    ----------
    .. [1] Lan, DeMets (1983), "Discrete sequential boundaries for clinical trials", Biometrika 70, 659-663.
    """
    looks = information.size
    upper = np.empty(looks)
    points, mass = np.zeros(1), np.ones(1)
    before = 0.0
    for k in range(looks):
        now = information[k]
        step, root = now - before, math.sqrt(now)
        high = tail_bound(points, mass, step, increments[k] / sides, 1.0)
        upper[k] = high / root
        if k + 1 < looks:
            following = information[k + 1] - now
            if sides == 2:
                width = lower[k] * root
                points, mass = carry(points, mass, -high, high, now, step, following, -width, width)
            else:
                points, mass = carry(points, mass, lower[k] * root, high, now, step, following)
        before = now
    return upper


@kernel
def spend_both(
    information: Floats, increments: Floats, losses: Floats, drift: float, fixed: Floats, binding: bool
) -> tuple[Floats, Floats]:
    """Return upper and lower z bounds of a one-sided test that spends both errors.

    Parameters
    ----------
    information : ndarray, shape (K,), float64
        As in `spend`.
    increments, losses : ndarray, shape (K,), float64
        Probability of stopping high without drift, and of stopping low under `drift`, at each look.
    drift : float
        Mean of z at information 1.
    fixed : ndarray, shape (K,), float64
        Upper bounds where the lower ones do not bind; not read where they do.
    binding : bool
        Whether paths without drift stop at the lower bounds too, which lowers the upper ones.

    Returns
    -------
    upper, lower : ndarray, shape (K,)
        The error of the second kind is the sum of `losses` where the last two are equal: the caller finds
        the drift for that. Once a lower bound reaches its upper one, the rest is nan.

    References
    ----------
    .. [1] Pampallona, Tsiatis, Kim (2001), "Interim monitoring of group sequential trials using spending
       functions for the type I and type II error probabilities", Drug Information Journal 35, 1113-1121.
    """
    looks = information.size
    upper, lower = np.full(looks, np.nan), np.full(looks, np.nan)
    null_points, null_mass = np.zeros(1), np.ones(1)
    true_points, true_mass = np.zeros(1), np.ones(1)
    before = 0.0
    for k in range(looks):
        now = information[k]
        step, root = now - before, math.sqrt(now)
        if binding:
            upper[k] = tail_bound(null_points, null_mass, step, increments[k], 1.0) / root
        else:
            upper[k] = fixed[k]
        lower[k] = (tail_bound(true_points, true_mass, step, losses[k], -1.0) + drift * now) / root
        if k + 1 == looks or not lower[k] < upper[k]:
            break
        low, high, following = lower[k] * root, upper[k] * root, information[k + 1] - now
        if binding:
            null_points, null_mass = carry(null_points, null_mass, low, high, now, step, following)
        shift = drift * now
        true_points, true_mass = carry(true_points, true_mass, low - shift, high - shift, now, step, following)
        before = now
    return upper, lower
