"""Exact boundary crossing of a test that also gives up in the middle: between two inner bounds."""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

from expsim_panel.kernels.crossing import nodes, spread
from expsim_panel.kernels.jit import kernel

Floats = npt.NDArray[np.float64]

_REACH = 8.0
_ROOT_HALF = 0.7071067811865476


@kernel
def two_intervals(low: float, inner_low: float, inner_high: float, high: float, scale: float) -> tuple[Floats, Floats]:
    """Return ascending nodes and weights on [low, inner_low] and [inner_high, high]; an empty one has none.

    Where ``inner_low > inner_high`` nothing is cut out.
    """
    if inner_low > inner_high or inner_high <= low or inner_low >= high:
        if not low < high:
            return np.zeros(1), np.zeros(1)
        return nodes(low, high, scale)
    left, right = low < inner_low, inner_high < high
    if not left and not right:
        return np.zeros(1), np.zeros(1)
    if not left:
        return nodes(inner_high, high, scale)
    if not right:
        return nodes(low, inner_low, scale)
    points, weights = nodes(low, inner_low, scale)
    more_points, more_weights = nodes(inner_high, high, scale)
    return np.concatenate((points, more_points)), np.concatenate((weights, more_weights))


@kernel
def cross_wedge(
    information: Floats,
    lower: Floats,
    inner_low: Floats,
    inner_high: Floats,
    upper: Floats,
    drift: float,
    variance_ratio: float = 1.0,
) -> tuple[Floats, Floats, Floats]:
    """Return the probability of stopping low, in the middle and high at each look.

    The test stops at the first look with ``Z_k <= lower_k``, ``inner_low_k <= Z_k <= inner_high_k`` or
    ``Z_k >= upper_k``; see `crossing.cross` for the law of Z, the other arguments and the errors.

    Parameters
    ----------
    inner_low, inner_high : ndarray, shape (K,), float64
        Inner bounds on the z scale, within the outer ones; ``inner_low > inner_high``: the look has none.

    Returns
    -------
    p_lower, p_inner, p_upper : ndarray, shape (K,), float64
        What is missing to 1 goes past the last look.

    References
    ----------
    .. [1] Pampallona, Tsiatis (1994), "Group sequential designs for one-sided and two-sided hypothesis testing
       with provision for early stopping in favor of the null hypothesis", JSPI 42, 19-35.
    """
    looks = information.size
    p_lower, p_inner, p_upper = np.zeros(looks), np.zeros(looks), np.zeros(looks)
    root_ratio = math.sqrt(variance_ratio)
    points, mass = np.zeros(1), np.ones(1)
    before = 0.0
    for k in range(looks):
        now = information[k]
        step, root = now - before, math.sqrt(now)
        shift = drift * now
        low, high = (lower[k] * root - shift) / root_ratio, (upper[k] * root - shift) / root_ratio
        left, right = (inner_low[k] * root - shift) / root_ratio, (inner_high[k] * root - shift) / root_ratio
        scale = _ROOT_HALF / math.sqrt(step)
        below, middle, above = 0.0, 0.0, 0.0
        for i in range(points.size):
            below += mass[i] * math.erfc((points[i] - low) * scale)
            above += mass[i] * math.erfc((high - points[i]) * scale)
            if left <= right:
                # The same tail on both ends: no difference of numbers close to 2.
                if points[i] < right:
                    middle += mass[i] * (math.erfc((left - points[i]) * scale) - math.erfc((right - points[i]) * scale))
                else:
                    middle += mass[i] * (math.erfc((points[i] - right) * scale) - math.erfc((points[i] - left) * scale))
        p_lower[k], p_inner[k], p_upper[k] = 0.5 * below, 0.5 * middle, 0.5 * above
        if k + 1 == looks:
            break
        low, high = max(low, -_REACH * root), min(high, _REACH * root)
        following = information[k + 1] - now
        targets, weights = two_intervals(low, left, right, high, math.sqrt(step * following / (step + following)))
        if targets.size == 1:
            break
        density = spread(points, mass, targets, step)
        for i in range(targets.size):
            weights[i] *= density[i]
        points, mass = targets, weights
        before = now
    return p_lower, p_inner, p_upper
