"""What every figure of one experiment has in common: axes, weeks, direct labels, quiet toolbar."""

from __future__ import annotations

from typing import Any

from bokeh.models import FixedTicker, HoverTool, PlainText, Range1d
from bokeh.plotting import figure

from expsim_panel.plots._palette import DARK, LIGHT, Ink
from expsim_panel.world_words import LIVE, of_world


def plain(text: str) -> str:
    """Return user text that Bokeh will not read as TeX (it would fetch MathJax from another host)."""
    return text.replace("$$", "$\u200b$").replace("\\(", "\\\u200b(").replace("\\[", "\\\u200b[")


def short(text: str, most: int = 20) -> str:
    """Return a name that fits beside a line; what is cut is said in full where a pointer hovers, and in the tables."""
    return plain(text if len(text) <= most else f"{text[: most - 1].rstrip()}…")


def frame(title: str, x_label: str, y_label: str, *, height: int = 270, **changes: Any) -> figure:
    """Return an empty figure in the house style."""
    made = figure(
        title=plain(title),
        height=height,
        sizing_mode="stretch_width",
        tools="pan,box_zoom,reset,save",
        active_drag=None,
        toolbar_location="above",
        min_border_left=52,
        **changes,
    )
    made.toolbar.autohide = True
    made.toolbar.logo = None
    made.outline_line_color = None
    made.title.text_font_style = "bold"
    # From the figure's own edge: on a phone a heading is as wide as the screen.
    made.title.offset = -44
    made.xaxis.axis_label, made.yaxis.axis_label = PlainText(text=x_label), PlainText(text=plain(y_label))
    made.xgrid.grid_line_color = None
    made.axis.minor_tick_line_color = None
    return made


def day_axis(made: figure, planned: int, tick: str = "day") -> None:
    """Scale the horizontal axis to the plan, a tick at every week's end; the batches of a prompt set are no days."""
    made.xaxis.axis_label = of_world(tick == LIVE.tick).ticks
    made.x_range = Range1d(0, planned * 1.03)
    step = 7 if planned >= 14 else max(1, planned // 7)
    while planned / step > 9:
        step += 7 if step >= 7 else 1
    made.xaxis.ticker = FixedTicker(ticks=list(range(0, planned + 1, step)))


DAY_TICKS = """const size = Math.abs(tick), sign = tick < 0 ? "-" : tick > 0 && typeof plus === "string" ? plus : ""
const say = (number) => sign + number.toLocaleString("en-US", {maximumSignificantDigits: 2})
if (size === 0) return "0"
if (size < 1 / 24) return say(1440 * size) + " min"
if (size < 0.75) return say(24 * size) + " h"
return sign + size.toLocaleString("en-US", {maximumFractionDigits: 1})"""
"""Ticks of an axis or a colour bar of days: scoring a prompt set may take minutes."""


def hover(made: figure, renderers: list[Any], tooltips: str) -> None:
    """Say in plain language what the point under the pointer means."""
    made.add_tools(HoverTool(renderers=renderers, tooltips=tooltips, visible=False))


def add(columns: dict[str, list[Any]], *row: Any) -> None:
    """Append one row to the columns of a source, in their order."""
    for values, value in zip(columns.values(), row, strict=True):
        values.append(value)


def halo(names: Any, dark: bool) -> None:
    """Give names inside a figure a ground of its own colour, so that a line below them does not cross them out."""
    names.glyph.update(background_fill_color=ink(dark).panel, background_fill_alpha=0.75, padding=1)


def label_ink(dark: bool) -> Any:
    """Return the colour of names beside their lines: the line's own; on dark ground that is too dim to read."""
    return DARK.text if dark else {"field": "colour"}


def ink(dark: bool) -> Ink:
    """Return the colours around the data."""
    return DARK if dark else LIGHT
