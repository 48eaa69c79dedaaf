"""Shares of a whole as bars that lie beside each other in a row: who got which arm, which segment was served well."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from bokeh.models import ColumnDataSource, FactorRange, PlainText

from expsim_panel.plots._dress import dress
from expsim_panel.plots._frame import add, frame, hover, ink, plain
from expsim_panel.plots._policies import short


@dataclass(frozen=True)
class Bar:
    """One row.

    Attributes
    ----------
    name : str
        What the row is about.
    parts : sequence of (share, colour, said)
        From the left: the part of the whole, how it is drawn, and what the pointer is told (plain text).
    words : str
        Written into the row.
    """

    name: str
    parts: Sequence[tuple[float, str, str]]
    words: str


@dataclass(frozen=True)
class Shares:
    """What one figure shows: a title, the label of the axis, and its rows from the top."""

    title: str
    x_label: str
    rows: Sequence[Bar]


class Bars:
    """One figure; made once, then shown new results."""

    def __init__(self, dark: bool = False, height: int = 340) -> None:
        self.figure = frame(
            "", "Share of all requests, %", "", height=height, x_range=(0, 100), y_range=FactorRange(factors=["-"])
        )
        self.figure.yaxis.axis_label = None
        self.figure.ygrid.grid_line_color = None
        self.source = ColumnDataSource({name: [] for name in ("policy", "left", "right", "colour", "said")})
        self.ends = ColumnDataSource({name: [] for name in ("policy", "x", "name")})
        bars = self.figure.hbar(
            "policy", left="left", right="right", height=0.62, source=self.source, fill_color="colour", fill_alpha=0.6,
            line_color=None,
        )  # fmt: skip
        hover(self.figure, [bars], "<div style='max-width:280px'>@said</div>")
        self.names = self.figure.text(
            "x", "policy", text="name", source=self.ends, text_baseline="middle", x_offset=8, text_font_size="12px"
        )
        self.paint(dark)

    def paint(self, dark: bool) -> None:
        """Take the colours of a mode."""
        dress(self.figure, ink(dark))
        self.names.glyph.text_color = ink(dark).text

    def draw(self, shown: Shares) -> None:
        """Show rows."""
        names = [plain(short(one.name, 22)) for one in shown.rows]
        self.figure.title.text = shown.title
        self.figure.xaxis.axis_label = PlainText(text=shown.x_label)
        if list(self.figure.y_range.factors) != names[::-1]:
            self.figure.y_range.factors = names[::-1]
        self.source.data, self.ends.data = bars_of(shown), words_of(shown)


def bars_of(shown: Shares) -> dict[str, Any]:
    """Return the ends of the bars, in percent, and what the pointer is told."""
    made: dict[str, list[Any]] = {name: [] for name in ("policy", "left", "right", "colour", "said")}
    for one in shown.rows:
        base = 0.0
        for share, colour, said in one.parts:
            add(made, plain(short(one.name, 22)), base, base + 100 * share, colour, said)
            base += 100 * share
    return made


def words_of(shown: Shares) -> dict[str, Any]:
    """Return what is written into the rows."""
    made: dict[str, list[Any]] = {name: [] for name in ("policy", "x", "name")}
    for one in shown.rows:
        add(made, plain(short(one.name, 22)), 0.0, one.words)
    return made
