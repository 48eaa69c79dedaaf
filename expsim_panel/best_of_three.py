"""Where the posterior of three arms is sure enough that one of them is best, with little to lose if it is not.

Posteriors are normal with known spreads. How far an arm must lead follows from how far the other two are apart: its
lead over one of them, as a function of the lead of the third over that one, is all there is to know.
"""

from __future__ import annotations

import math
from functools import lru_cache
from typing import Any

import numpy as np

from expsim_panel.checked import Floats
from expsim_panel.several_exact import legendre

_APART, _EVERY = 10.0, 0.1
"""How far apart the other two are looked at, in standard deviations, and in which steps; beyond, one does not count."""
_NODES, _REACH = 80, 8.5
_STEPS, _NEAR = 30, 1e-9
"""Steps of a root at most, and the last step that is small enough: the next would be its square."""


class Lead:
    """Least lead of an arm at which it is chosen.

    Parameters
    ----------
    own, first, second : float
        Posterior standard deviations of the arm, and of the other two.
    confidence : float
        P(best) asked for.
    allowed : float
        Expected loss allowed; infinite for any.
    """

    def __init__(self, own: float, first: float, second: float, confidence: float, allowed: float) -> None:
        scale = math.hypot(first, second)
        self._scale = scale
        spreads = own / scale, first / scale, second / scale
        self._best, there = _surely(*spreads, confidence)
        self._loss = None
        self.kinks = np.zeros(0)
        if np.any(_posterior(there, _apart(), *spreads)[1] > allowed / scale):
            self._loss = _spline(_losing(there, *spreads, allowed / scale))
            difference = _spline(self._loss(_apart()) - self._best(_apart()))
            roots = np.asarray(difference.roots(extrapolate=False), float)
            self.kinks = scale * roots[np.isfinite(roots)]

    def __call__(self, apart: Floats) -> Floats:
        """Return the least lead over the first, by the lead of the second over the first; rising, slope at most 1."""
        inside = np.clip(apart / self._scale, -_APART, _APART)
        found = self._best(inside)
        if self._loss is not None:
            found = np.maximum(found, self._loss(inside))
        # Far ahead of the first, only the second counts; far behind it, only the first.
        return np.asarray(self._scale * (found + np.maximum(apart / self._scale - _APART, 0.0)))


def _apart() -> Floats:
    return np.linspace(-_APART, _APART, round(2 * _APART / _EVERY) + 1)


def _spline(values: Floats) -> Any:
    from scipy.interpolate import CubicSpline

    return CubicSpline(_apart(), values)


def _posterior(lead: Floats, apart: Floats, own: float, first: float, second: float) -> tuple[Floats, Floats]:
    """Return P(the arm is best) and its expected loss, by its lead over the first and the second's over the first."""
    from scipy.special import ndtr

    node, part = legendre(_NODES)
    x = _REACH * node[:, None]
    weight = _REACH * part * np.exp(-0.5 * x[:, 0] ** 2) / math.sqrt(2 * math.pi)
    at = lead + own * x
    chance = weight @ (ndtr(at / first) * ndtr((at - apart) / second))
    # E[(largest other - arm)+] = integral of P(arm < t < largest other).
    low = lead - _REACH * own
    high = np.maximum(_REACH * first, apart + _REACH * second)
    half = np.maximum(high - low, 0.0) / 2
    at = low + half * (1 + node[:, None])
    loss = half * (part @ (ndtr((at - lead) / own) * (1 - ndtr(at / first) * ndtr((at - apart) / second))))
    return chance, np.maximum(loss, 1e-300)


@lru_cache(maxsize=64)
def _surely(own: float, first: float, second: float, confidence: float) -> tuple[Any, Floats]:
    """Return the lead at which P(best) is as asked, by secants on the scale of z, and its values at the nodes."""
    from scipy.special import ndtri

    apart = _apart()

    def excess(lead: Floats) -> Floats:
        chance = _posterior(lead, apart, own, first, second)[0]
        return np.asarray(ndtri(np.clip(chance, 1e-300, 1 - 1e-16)) - ndtri(confidence))

    before = np.maximum(0.0, apart)
    after = before + float(ndtri(confidence)) * math.hypot(own, max(first, second)) + 0.1
    old, new = excess(before), excess(after)
    for _ in range(_STEPS):
        slope = (new - old) / np.where(after == before, 1.0, after - before)
        step = np.where(np.abs(slope) > 1e-12, -new / np.where(slope == 0, 1.0, slope), 0.0)
        if np.max(np.abs(step)) < _NEAR:
            break
        before, old = after, new
        after = after + step
        new = excess(after)
    return _spline(after), after


def _losing(start: Floats, own: float, first: float, second: float, allowed: float) -> Floats:
    """Return the lead at which the expected loss is as allowed: Newton's steps on its logarithm, which is concave."""
    if allowed <= 0.0:
        return np.full(start.size, np.inf)
    apart, lead = _apart(), start
    for _ in range(2 * _STEPS):
        chance, loss = _posterior(lead, apart, own, first, second)
        step = np.clip((np.log(loss) - math.log(allowed)) * loss / np.maximum(1 - chance, 1e-300), -1.0, 1.0)
        lead = lead + step
        if np.max(np.abs(step)) < _NEAR:
            break
    return lead
