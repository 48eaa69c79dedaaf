"""How policies look in every figure of a bandit problem: colour, dash, marker, and names beside their lines."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from bokeh.plotting import figure

from expsim_panel.bandit_verdict import EVEN
from expsim_panel.plots._palette import CONTROL, VARIANTS, dash, marker


class Style(NamedTuple):
    """What one policy is drawn with."""

    colour: str
    dash: str
    marker: str


def styles(names: Sequence[str]) -> list[Style]:
    """Return the style of each policy by its place; the even split has the colour of the control."""
    made, place = [], 0
    for index, name in enumerate(names):
        if name == EVEN:
            made.append(Style(CONTROL, "solid", marker(index)))
            continue
        made.append(Style(VARIANTS[place % len(VARIANTS)], dash(place // len(VARIANTS)), marker(index)))
        place += 1
    return made


def short(name: str, most: int = 26) -> str:
    """Return a name that fits beside its line."""
    return name if len(name) <= most else f"{name[: most - 1]}…"


def apart(
    places: Sequence[tuple[float, float, float]], height: float, top: float = np.inf, bottom: float = -np.inf
) -> list[float]:
    """Return heights of labels so that none covers another: moved up, or down where there is no room.

    `places` are left end, right end and height of each label, `height` is a label's own, all in the units of the axes.
    """
    done: list[tuple[float, float, float]] = []
    heights = [0.0] * len(places)
    for at in sorted(range(len(places)), key=lambda k: places[k][2]):
        low, high, y = places[at]
        steps = [step * sign for step in range(2 * len(places) + 1) for sign in (1, -1)]
        free = (
            y + step * height / 2
            for step in steps
            if bottom <= y + step * height / 2 <= top
            and all(
                low >= right or high <= left or abs(y + step * height / 2 - v) >= 0.99 * height
                for left, right, v in done
            )
        )
        heights[at] = next(free, y)
        done.append((low, high, heights[at]))
    return heights


def clear(heights: Sequence[Any], plot: figure) -> list[Any]:
    """Return the heights of labels at the ends of lines so that none covers another, within the range on screen."""
    low, high = float(plot.y_range.start), float(plot.y_range.end)
    line = (high - low) * 15 / max(plot.height - 90, 60)
    return list(spread([float(value) for value in heights], line, high - line))


def spread(heights: Sequence[float], gap: float, top: float = np.inf) -> list[float]:
    """Move labels apart until neighbours are at least `gap` from each other; their order stays, and `top` holds."""
    order = np.argsort(heights, kind="stable")
    placed = [0.0] * len(order)
    floor = -np.inf
    for at in order:
        placed[at] = max(float(heights[at]), floor)
        floor = placed[at] + gap
    ceiling = top
    for at in order[::-1]:
        placed[at] = min(placed[at], ceiling)
        ceiling = placed[at] - gap
    return placed
