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
    places: Sequence[tuple[float, float]],
    width: float,
    height: float,
    top: float = np.inf,
    bottom: float = -np.inf,
    dots: Sequence[tuple[float, float]] = (),
    leftward: Sequence[bool] = (),
) -> list[float]:
    """Return heights of labels at (x, y) so that none covers another: moved up, or down where there is no room.

    `width` and `height` are those of a label in the units of the axes. With `dots`, one per label, no label covers
    another one's dot either; `leftward` says which labels end at their place.
    """

    def covers(at: int, y: float) -> bool:
        x = places[at][0]
        low, high = (x - width, x) if leftward and leftward[at] else (x, x + width)
        return any(
            k != at and low <= u <= high and y - 0.5 * height < v < y + 1.3 * height for k, (u, v) in enumerate(dots)
        )

    done: list[tuple[float, float]] = []
    heights = [0.0] * len(places)
    for at in sorted(range(len(places)), key=lambda k: places[k][1]):
        x, y = places[at]
        steps = [step * sign for step in range(2 * len(places) + 1) for sign in (1, -1)]
        free = (
            y + step * height / 2
            for step in steps
            if bottom <= y + step * height / 2 <= top
            and not covers(at, y + step * height / 2)
            and all(abs(x - u) >= width or abs(y + step * height / 2 - v) >= 0.99 * height for u, v in done)
        )
        heights[at] = next(free, y)
        done.append((x, heights[at]))
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
