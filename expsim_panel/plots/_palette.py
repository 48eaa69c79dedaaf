"""Colours and marks, fixed per thing and never cycled: every plot, page and export takes them from here.

References
----------
M. Okabe, K. Ito (2008), "Color universal design": the eight colours are told apart by colour-blind readers.
"""

from __future__ import annotations

from dataclasses import dataclass

from bokeh.palettes import interp_palette

CONTROL = "#5B6770"
"""The first variant."""

VARIANTS = ("#0072B2", "#E69F00", "#009E73", "#CC79A7", "#56B4E9")
"""The other variants, in order."""

WARNING = "#D55E00"
"""Breached guardrails and false alarms; nothing else."""

WARNING_TEXT = "#B54700"
"""The same as text: dark enough to be read on white (5.4 to 1)."""

DASHES = ("solid", "dashed", "dotted", "dotdash", "dashdot")
"""Line styles of strategies, in the order of the study."""

MARKERS = (
    "circle",
    "square",
    "triangle",
    "diamond",
    "inverted_triangle",
    "hex",
    "star",
    "plus",
    "x",
    "asterisk",
    "cross",
    "y",
)
"""Markers of strategies, in the order of the study."""

MAGNITUDE = "Cividis256"
"""Bokeh palette of surfaces that show a size: its lightness ascends evenly."""

BELOW, ABOVE = ("#00395A", "#0072B2", "#7DB9DE"), ("#F5CF86", "#E69F00", "#7A4300")
"""Anchors of surfaces that show a difference: blue below 0, nothing at 0, orange above."""

BELOW_IN_DARK, ABOVE_IN_DARK = ("#BFE4FB", "#56B4E9", "#24658F"), ("#835A12", "#E69F00", "#FFE0A3")
"""The same on dark ground: what is far from 0 is light."""


@dataclass(frozen=True)
class Ink:
    """What is drawn around the data, for one mode.

    Attributes
    ----------
    page, panel : str
        Background of the page and of a plot.
    text, muted, grid, accent : str
        Text, secondary text, grid lines, and the one colour of a selection. Text and muted text reach a
        contrast of 4.5 on both backgrounds.
    """

    page: str
    panel: str
    text: str
    muted: str
    grid: str
    accent: str


LIGHT = Ink("#F7F8F9", "#FFFFFF", "#1B242B", "#55616B", "#E3E7EA", "#0072B2")
DARK = Ink("#12171B", "#1B2228", "#E8EDF0", "#A3B0B9", "#333D45", "#56B4E9")


def diverging(ink: Ink) -> list[str]:
    """Return 255 colours of a difference: blue below 0, orange above, and at 0 the ground of a plot."""
    below, above = (BELOW_IN_DARK, ABOVE_IN_DARK) if ink == DARK else (BELOW, ABOVE)
    return list(interp_palette([*below, ink.panel, *above], 255))


def colour(arm: int) -> str:
    """Return the colour of an arm; 0 is the control. Beyond five variants the colours repeat."""
    return CONTROL if arm == 0 else VARIANTS[(arm - 1) % len(VARIANTS)]


def dash(index: int) -> str:
    """Return the line style of a strategy by its place in the study."""
    return DASHES[index % len(DASHES)]


def marker(index: int) -> str:
    """Return the marker of a strategy by its place in the study."""
    return MARKERS[index % len(MARKERS)]
