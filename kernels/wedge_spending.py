"""Inner bounds of a two-sided test that spend the error of the second kind, look by look."""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

from expsim_panel.kernels.jit import kernel
from expsim_panel.kernels.spending import carry, tail_bound

Floats = npt.NDArray[np.float64]

_ROOT_HALF = 0.7071067811865476
_ROOT_2PI = 2.5066282746310007


@kernel
def _within(points: Floats, mass: Floats, step: float, centre: float, width: float) -> tuple[float, float]:
    """Return the probability of [centre - width, centre + width], and its derivative by the width."""
    deviation = math.sqrt(step)
    scale = _ROOT_HALF / deviation
    inside, slope = 0.0, 0.0
    for i in range(points.size):
        # Mirrored where needed, so that both tails are upper ones and small numbers keep their digits.
        gap = abs(points[i] - centre)
        inside += mass[i] * (math.erfc((gap - width) * scale) - math.erfc((gap + width) * scale))
        near, far = (gap - width) / deviation, (gap + width) / deviation
        slope += mass[i] * (math.exp(-0.5 * near * near) + math.exp(-0.5 * far * far))
    return 0.5 * inside, slope / (_ROOT_2PI * deviation)


@kernel
def middle_bound(points: Floats, mass: Floats, step: float, centre: float, target: float) -> float:
    """Return the half width around `centre` that (points carrying mass) + N(0, step) hits with `target`.

    0 where nothing is to be hit, infinite where that is more than there is. Newton in a bracket, to 1e-14 of
    the step's deviation.
    """
    if target <= 0.0:
        return 0.0
    whole = 0.0
    furthest = 0.0
    for i in range(points.size):
        whole += mass[i]
        furthest = max(furthest, abs(points[i] - centre))
    if target >= whole:
        return math.inf
    deviation = math.sqrt(step)
    low, high = 0.0, furthest + 40.0 * deviation
    width = 0.5 * high
    for _ in range(200):
        inside, slope = _within(points, mass, step, centre, width)
        if inside < target:
            low = width
        else:
            high = width
        following = 0.5 * (low + high)
        if slope > 1e-300:
            newton = width - (inside - target) / slope
            if low < newton < high:
                following = newton
        if abs(following - width) <= 1e-14 * deviation or high - low <= 1e-15 * max(high, deviation):
            return following
        width = following
    return width


@kernel
def spend_inside(
    information: Floats, increments: Floats, losses: Floats, drift: float, fixed: Floats, binding: bool
) -> tuple[Floats, Floats]:
    """Return outer and inner z bounds of a two-sided test that spends both errors.

    Parameters
    ----------
    information, increments, losses, drift, fixed, binding
        As in `spending.spend_both`; `increments` counts both sides, and a loss is a stop within the inner
        bounds under `drift`.

    Returns
    -------
    upper, inner : ndarray, shape (K,)
        Half widths around z = 0. Once an inner bound reaches its outer one, the rest is nan.

    References
    ----------
    .. [1] Pampallona, Tsiatis, Kim (2001), Drug Information Journal 35, 1113-1121.
    """
    looks = information.size
    upper, inner = np.full(looks, np.nan), np.full(looks, np.nan)
    null_points, null_mass = np.zeros(1), np.ones(1)
    true_points, true_mass = np.zeros(1), np.ones(1)
    before = 0.0
    for k in range(looks):
        now = information[k]
        step, root, shift = now - before, math.sqrt(now), drift * now
        if binding:
            upper[k] = tail_bound(null_points, null_mass, step, 0.5 * increments[k], 1.0) / root
        else:
            upper[k] = fixed[k]
        inner[k] = middle_bound(true_points, true_mass, step, -shift, losses[k]) / root
        if k + 1 == looks or not inner[k] < upper[k]:
            break
        high, width, following = upper[k] * root, inner[k] * root, information[k + 1] - now
        if width <= 0.0:
            width = -math.inf
        if binding:
            null_points, null_mass = carry(null_points, null_mass, -high, high, now, step, following, -width, width)
        true_points, true_mass = carry(
            true_points, true_mass, -high - shift, high - shift, now, step, following, -width - shift, width - shift
        )
        before = now
    return upper, inner
