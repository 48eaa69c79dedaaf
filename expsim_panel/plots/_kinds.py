"""Colour, dash and word of each way to measure, the same in every figure."""

from __future__ import annotations

import math
from typing import Any

from bokeh.models import ColumnDataSource, FixedTicker, Label, NumeralTickFormatter, Span
from bokeh.plotting import figure

from expsim_panel.plots._dress import dress
from expsim_panel.plots._frame import frame
from expsim_panel.plots._palette import LIGHT, Ink
from expsim_panel.quantities import count

WORDS = {"judge": "LLM judge", "human": "people", "hybrid": "both"}
SHADES = {"judge": "#E69F00", "human": "#009E73", "hybrid": "#0072B2"}
DASHES = {"judge": "solid", "human": "dashed", "hybrid": "solid"}
MARKS = {"judge": "circle", "human": "square", "hybrid": "diamond"}


def start(title: str, x: str, y: str, ink: Ink, height: int, **changes: Any) -> figure:
    """Return an empty figure, dressed."""
    made = frame(title, x, y, height=height, **changes)
    dress(made, ink)
    made.min_border_right = 18
    return made


def plain_ticks(made: figure, dollars: bool = False) -> None:
    """Write numbers as people do on the horizontal axis: 10,000, not 10^4."""
    made.xaxis.formatter = NumeralTickFormatter(format="$0,0[.]00" if dollars else "0,0")


def log_ticks(made: figure) -> None:
    """Put ticks at 1, 2 and 5 of each power of ten: what Bokeh chooses runs together where an axis spans little."""
    low, high = float(made.y_range.start), float(made.y_range.end)
    tens = range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
    marks = (1, 2, 5) if high / low < 200 else (1,)
    made.yaxis.ticker = FixedTicker(
        ticks=[m * 10.0**ten for ten in tens for m in marks if low <= m * 10.0**ten <= high]
    )


def name(made: figure, kind: str, x: float, y: float, ink: Ink, **changes: Any) -> None:
    """Write a way's name beside its line."""
    text(made, WORDS[kind], x, y, ink.text if ink is not LIGHT else SHADES[kind], bold=True, **changes)


def text(made: figure, said: str, x: float, y: float, shade: str, bold: bool = False, **changes: Any) -> None:
    """Write a few words into a figure."""
    made.add_layout(
        Label(x=x, y=y, text=said, text_color=shade, text_font_size="12px", padding=1,
              background_fill_color=made.background_fill_color, background_fill_alpha=0.75,
              text_font_style="bold" if bold else "normal", **{"x_offset": 5, "y_offset": 3, **changes})
    )  # fmt: skip


def across(made: figure, y: float, said: str, shade: str, x: float, **changes: Any) -> None:
    """Draw a labelled level."""
    made.add_layout(Span(location=y, dimension="width", line_color=shade, line_dash="dotted", line_width=1.5))
    text(made, said, x, y, shade, **changes)


def upright(made: figure, x: float, said: str, shade: str, y: float, **changes: Any) -> None:
    """Draw a labelled place."""
    made.add_layout(Span(location=x, dimension="height", line_color=shade, line_dash="dotted", line_width=1.5))
    text(made, said, x, y, shade, **changes)


def dollars(value: float) -> str:
    """Return whole dollars."""
    return f"{'-' if value < 0 else ''}${count(abs(value))}"


def line(made: figure, kind: str, x: Any, y: Any) -> Any:
    """Draw a way's line."""
    return made.line(
        "x", "y", source=ColumnDataSource({"x": x, "y": y}), line_color=SHADES[kind], line_width=2.5,
        line_dash=DASHES[kind],
    )  # fmt: skip
