"""Roots and minima of a function of one number, without the third of a second that importing SciPy's takes.

Brent's methods [1]_, step by step those of ``scipy.optimize.brentq`` and of ``minimize_scalar(method="bounded")``:
the same points are asked for and the same numbers returned, which a test compares to the last bit.

References
----------
.. [1] Brent, R. P. (1973). Algorithms for Minimization without Derivatives, chapters 4 and 5. Prentice-Hall.
"""

from __future__ import annotations

import math
import sys
from collections.abc import Callable

RELATIVE = 4 * sys.float_info.epsilon
MOST_STEPS, MOST_POINTS = 100, 500
GOLDEN = 0.5 * (3.0 - math.sqrt(5.0))


def root_between(function: Callable[[float], float], low: float, high: float, tolerance: float) -> float:
    """Return where a continuous function is 0, within `tolerance`.

    Raises
    ------
    ValueError
        If the function has the same sign at both ends, or no root is found in a hundred steps.
    """
    # the best point so far, the one before it, and the one beyond the root
    last, now = low, high
    at_last, at_now = function(last), function(now)
    if at_last == 0.0:
        return last
    if at_now == 0.0:
        return now
    if (at_last > 0.0) == (at_now > 0.0):
        raise ValueError(f"the function has the same sign at {low:g} and {high:g}")
    beyond, at_beyond, before, step = last, at_last, now - last, now - last
    for _ in range(MOST_STEPS):
        if at_last != 0.0 and at_now != 0.0 and (at_last > 0.0) != (at_now > 0.0):
            beyond, at_beyond = last, at_last
            before = step = now - last
        if abs(at_beyond) < abs(at_now):
            last, now, beyond = now, beyond, now
            at_last, at_now, at_beyond = at_now, at_beyond, at_now
        least = (tolerance + RELATIVE * abs(now)) / 2
        middle = (beyond - now) / 2
        if at_now == 0.0 or abs(middle) < least:
            return now
        trial = math.inf
        if abs(before) > least and abs(at_now) < abs(at_last):
            if last == beyond:  # a straight line
                trial = -at_now * (now - last) / (at_now - at_last)
            else:  # an inverse parabola
                slope, other = (at_last - at_now) / (last - now), (at_beyond - at_now) / (beyond - now)
                top = at_beyond * other - at_last * slope
                trial = -at_now * top / (other * slope * (at_beyond - at_last))
        if 2 * abs(trial) < min(abs(before), 3 * abs(middle) - least):
            before, step = step, trial
        else:
            before = step = middle
        last, at_last = now, at_now
        now += step if abs(step) > least else math.copysign(least, middle)
        at_now = function(now)
    raise ValueError(f"no root between {low:g} and {high:g} in {MOST_STEPS} steps")


def least_between(function: Callable[[float], float], low: float, high: float, tolerance: float) -> float:
    """Return where a function with one minimum has it, within about `tolerance`; its ends are not asked for."""
    root = math.sqrt(2.2e-16)
    best = second = third = low + GOLDEN * (high - low)
    at_best = at_second = at_third = function(best)
    step = before = 0.0
    for _ in range(MOST_POINTS - 1):
        middle, least = 0.5 * (low + high), root * abs(best) + tolerance / 3.0
        if abs(best - middle) <= 2.0 * least - 0.5 * (high - low):
            break
        parabola = False
        if abs(before) > least:
            one, other = (best - second) * (at_best - at_third), (best - third) * (at_best - at_second)
            top, below = (best - third) * other - (best - second) * one, 2.0 * (other - one)
            top, below = (-top if below > 0.0 else top), abs(below)
            limit, before = abs(0.5 * below * before), step
            parabola = abs(top) < limit and below * (low - best) < top < below * (high - best)
            if parabola:
                step = (top + 0.0) / below
                at = best + step
                if at - low < 2.0 * least or high - at < 2.0 * least:
                    step = least if middle >= best else -least
        if not parabola:
            before = low - best if best >= middle else high - best
            step = GOLDEN * before
        at = best + (1.0 if step >= 0.0 else -1.0) * max(abs(step), least)
        value = function(at)
        if value <= at_best:
            low, high = (best, high) if at >= best else (low, best)
            third, at_third, second, at_second = second, at_second, best, at_best
            best, at_best = at, value
        else:
            low, high = (at, high) if at < best else (low, at)
            if value <= at_second or second == best:
                third, at_third, second, at_second = second, at_second, at, value
            elif value <= at_third or third in (best, second):
                third, at_third = at, value
    return best
