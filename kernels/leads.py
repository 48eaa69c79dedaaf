"""One step of the density of two walks at once, from scattered points to scattered points."""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

from expsim_panel.kernels.jit import kernel
from expsim_panel.kernels.special import norm_cdf

Floats = npt.NDArray[np.float64]

_FAR = 6.5


@kernel
def spread_points(new: Floats, old: Floats, mass: Floats) -> tuple[Floats, int]:
    """Return ``sum_j mass_j exp(-|new_i - old_j|^2 / 2) / (2 pi)``, and how many pairs were looked at.

    Points farther apart than 6.5 in either coordinate or altogether add nothing: less than 1e-9 of the largest.

    Parameters
    ----------
    new, old : float64 ndarray, shapes (points, 2) and (others, 2)
        In standard deviations of a step, which are independent of each other; both sorted by the second coordinate.
    mass : float64 ndarray, shape (others,)
    """
    found = np.zeros(new.shape[0])
    first = 0
    pairs = 0
    for i in range(new.shape[0]):
        x, y = new[i, 0], new[i, 1]
        while first < old.shape[0] and old[first, 1] < y - _FAR:
            first += 1
        total = 0.0
        for j in range(first, old.shape[0]):
            if old[j, 1] > y + _FAR:
                break
            pairs += 1
            across, along = x - old[j, 0], y - old[j, 1]
            apart = across * across + along * along
            if apart < _FAR * _FAR:
                total += mass[j] * math.exp(-0.5 * apart)
        found[i] = total / (2.0 * math.pi)
    return found, pairs


@kernel
def beyond_line(
    points: Floats, weights: Floats, least: Floats, old: Floats, mass: Floats, sds: tuple[float, float, float]
) -> float:
    """Return the mass that a step brings beyond a line: own lead at least `least`, by the third's lead at `points`.

    Parameters
    ----------
    points, weights, least : float64 ndarray, shape (points,)
        Ascending third leads, their weights in the integral, and the line there.
    old, mass : float64 ndarray, shapes (others, 2) and (others,)
        Own and third lead expected after the step, and how surely.
    sds : tuple of three float
        Standard deviation of the third lead's step, what the own one gains with a unit of it, and the standard
        deviation of the rest.
    """
    width, slope, rest = sds
    total = 0.0
    for j in range(old.shape[0]):
        lead, third = old[j, 0], old[j, 1]
        part = 0.0
        for i in range(np.searchsorted(points, third - _FAR * width), points.shape[0]):
            x = (points[i] - third) / width
            if x > _FAR:
                break
            part += weights[i] * math.exp(-0.5 * x * x) * norm_cdf((lead + slope * x * width - least[i]) / rest)
        total += mass[j] * part
    return total / (math.sqrt(2.0 * math.pi) * width)
