"""The smallest size at which a curve is high enough, where the curve may rise and fall: a lattice, then every step."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from expsim_panel.kernels.special import norm_ppf

Height = Callable[[int], float | None]
"""Height of the curve at a whole number; None where there is none."""

_NEAR = 0.03
"""So far below the target a curve that goes up and down may still have an earlier step above it."""


@dataclass(frozen=True)
class Found:
    """Where a curve first is high enough.

    Attributes
    ----------
    at : int or None
        The smallest number found; None: nowhere.
    before : int or None
        The step before it, which is too low; None where there is none to be had.
    highest, highest_at : float, int or None
        The largest height seen and where: what can be reached, if `at` is None.
    last : int or None
        The largest number that has a height.
    """

    at: int | None
    before: int | None
    highest: float | None
    highest_at: int | None
    last: int | None


def first_enough(
    height: Height, target: float, low: int, high: int, *, growth: float, every: int, ripple: int, coarse: int = 1
) -> Found:
    """Return the smallest whole number in [low, high] at which `height` is at least `target`.

    A lattice that grows by `growth` finds the first stretch at whose end the curve is high enough. Where it has at
    most `every` steps each of them is looked at, otherwise it is narrowed. Then steps below are looked at until
    `ripple` of them in a row are too low: days and looks are whole, and a curve over them has teeth.

    Parameters
    ----------
    coarse : int
        A stretch no longer than this is not halved further: a simulated curve cannot tell its steps apart.
    """
    seen: dict[int, float | None] = {}

    def at(n: int) -> float | None:
        if n not in seen:
            seen[n] = height(n)
        return seen[n]

    def enough(n: int) -> bool:
        found = at(n)
        return found is not None and found >= target

    below, first = low - 1, None
    for n in _lattice(low, high, growth):
        found = at(n)
        if found is None and any(value is not None for value in seen.values()):
            # The study has no room for more: the last step that it has room for may be high enough.
            end = _last(at, below, n)
            first = end if enough(end) else None
            break
        if enough(n):
            first = n
            break
        below = n
    if first is None:
        known = {n: value for n, value in seen.items() if value is not None}
        top = max(known, key=lambda n: (known[n], -n)) if known else None
        return Found(None, None, known[top] if top is not None else None, top, max(known, default=None))
    while first - below > max(1, coarse, every):
        middle = _between(at, below, first, target, max(1, coarse))
        below, first = (below, middle) if enough(middle) else (middle, first)
    if 1 < first - below <= every:
        first = next(n for n in range(below + 1, first + 1) if enough(n))
        below = first - 1
    earlier = _earlier(at, enough, first, low, ripple, target)
    below = below if earlier == first else earlier - 1
    first = earlier
    before = below if below >= low and at(below) is not None else None
    return Found(first, before, at(first), first, None)


def _lattice(low: int, high: int, growth: float) -> Iterator[int]:
    n = low
    while n < high:
        yield n
        n = max(n + 1, int(n * growth))
    yield high


def _between(at: Height, below: int, first: int, target: float, close: int) -> int:
    """Return a step inside a stretch: half a close distance beyond the crossing that its ends let expect.

    Beyond it on the side of the farther end, so that both ends come close.
    """
    ends = at(below), at(first)
    middle = (below + first) // 2
    if ends[0] is None or ends[1] is None or first - below < 4 * close or ends[1] <= ends[0]:
        return middle
    # Power is nearly a straight line on the scale of probits over the root of a size.
    lower, upper, aim = (_probit(value) for value in (ends[0], ends[1], target))
    if not lower < aim < upper:
        return middle
    root = math.sqrt(below) + (aim - lower) / (upper - lower) * (math.sqrt(first) - math.sqrt(below))
    guess, nudge = root * root, max(1, close // 2)
    guess += nudge if first - guess > guess - below else -nudge
    return min(max(round(guess), below + 1), first - 1)


def _probit(share: float) -> float:
    return norm_ppf(min(max(share, 1e-9), 1 - 1e-9))


def _last(at: Height, inside: int, outside: int) -> int:
    """Return the largest number with a height, between one that has it and one that has not."""
    while outside - inside > 1:
        middle = (inside + outside) // 2
        inside, outside = (middle, outside) if at(middle) is not None else (inside, middle)
    return inside


def _earlier(at: Height, enough: Callable[[int], bool], first: int, low: int, ripple: int, target: float) -> int:
    """Return the smallest step that is high enough with fewer than `ripple` low ones in a row above it."""
    n, misses = first - 1, 0
    while n >= low and misses < ripple:
        found = at(n)
        if found is None:
            break
        if enough(n):
            first, misses = n, 0
        else:
            misses += 1
            if found < target - _NEAR:
                break
        n -= 1
    return first
