"""Any figure over any one or two numbers of a study: a curve with its errors, or a map with its iso-line."""

from __future__ import annotations

from typing import Any

import numpy as np
from bokeh.models import BasicTicker, ColorBar, ColumnDataSource, HoverTool, LinearColorMapper, PlainText, Span
from bokeh.plotting import figure

from expsim_panel.axes import EFFECT, Axis
from expsim_panel.plots._dress import dress
from expsim_panel.plots._frame import plain
from expsim_panel.plots._palette import LIGHT, MAGNITUDE, VARIANTS, Ink
from expsim_panel.plots.power_surface import TARGET, edges, formatter
from expsim_panel.quantities import percent
from expsim_panel.response_surface import SHARES, ResponseSurface, written

ERROR, VALUE = "se", "value"
"""What a map can show: the figure, or its Monte Carlo standard error as a map of its own."""


def axis_words(axis: Axis) -> str:
    """Return the label of an axis, with its unit; plain text."""
    unit = f", {axis.unit}" if axis.unit else ""
    whose = "" if axis.path == EFFECT or "." not in axis.path else f" ({axis.path})"
    return f"{axis.label}{unit}{whose}"


def columns(made: ResponseSurface, what: str = VALUE) -> dict[str, Any]:
    """Return the data of a map's cells: edges, value and what the pointer is told."""
    table = made.se if what == ERROR and made.se is not None else made.value
    up = made.y.values if made.y is not None else np.zeros(1)
    left, right = edges(made.x.values)
    bottom, top = edges(up)
    says = [_says(made, i, j) for i in range(up.size) for j in range(made.x.values.size)]
    return {
        "left": np.tile(left, up.size), "right": np.tile(right, up.size),
        "bottom": np.repeat(bottom, left.size), "top": np.repeat(top, left.size),
        "value": table.ravel(), "says": says,
    }  # fmt: skip


def _says(made: ResponseSurface, i: int, j: int) -> str:
    error = "" if made.se is None else f" ± {written(made.metric, float(made.se[i, j]))}"
    place = f"{made.x.path} = {made.x.values[j]:.4g}"
    if made.y is not None:
        place += f", {made.y.path} = {made.y.values[i]:.4g}"
    return f"{made.words}: {written(made.metric, float(made.value[i, j]))}{error}; {place}"


def draw(
    made: ResponseSurface, *, what: str = VALUE, ink: Ink = LIGHT, height: int = 460
) -> tuple[figure, dict[str, ColumnDataSource]]:
    """Return the figure and its sources.

    Parameters
    ----------
    made : ResponseSurface
        A curve without a second axis, a map with one.
    what : str
        `VALUE` or, for a map, `ERROR`.
    ink : Ink
        Colours around the data.
    height : int
        Pixels; the width follows the page.
    """
    plot = figure(
        height=height, sizing_mode="stretch_width", tools="pan,box_zoom,reset,save", active_drag=None,
        toolbar_location="above", title=plain(f"{made.words}, {made.strategy}"),
    )  # fmt: skip
    plot.xaxis.axis_label = PlainText(text=plain(axis_words(made.x)))
    # Round numbers rather than one tick per level, which on a phone run into each other.
    plot.xaxis.ticker = BasicTicker(desired_num_ticks=4)
    sources = _map(plot, made, what) if made.y is not None else _curve(plot, made, ink)
    dress(plot, ink)
    return plot, sources


def _map(plot: figure, made: ResponseSurface, what: str) -> dict[str, ColumnDataSource]:
    cells = ColumnDataSource(columns(made, what), name="cells")
    shares = made.metric in SHARES and what == VALUE
    table = np.asarray(cells.data["value"], float)
    high = 1.0 if shares else max(float(np.nanmax(table)), 1e-12)
    mapper = LinearColorMapper(palette=MAGNITUDE, low=0.0, high=high, nan_color="rgba(128,128,128,0.25)")
    drawn = plot.quad(
        "left", "right", "bottom", "top", source=cells, fill_color={"field": "value", "transform": mapper},
        line_color=None, hover_line_color="white",
    )  # fmt: skip
    style = formatter("power" if made.metric in SHARES else "cost" if "cost" in made.metric else "days")
    plot.add_layout(
        ColorBar(
            color_mapper=mapper, formatter=style, ticker=BasicTicker(desired_num_ticks=5), width=10, padding=6,
            bar_line_color=None, major_tick_line_color=None,
        ),
        "right",
    )  # fmt: skip
    plot.add_tools(HoverTool(renderers=[drawn], tooltips="@says"))
    up = made.y
    if up is None:
        return {"cells": cells}
    plot.yaxis.axis_label = PlainText(text=plain(axis_words(up)))
    if made.metric == "power" and what == VALUE and np.isfinite(made.value).all() and min(made.value.shape) > 1:
        plot.contour(made.x.values, up.values, made.value, levels=[TARGET], line_color="white", line_width=2)
        if made.value.min() < TARGET < made.value.max():
            i, j = np.unravel_index(np.abs(made.value - TARGET).argmin(), made.value.shape)
            plot.text(
                [made.x.values[j]], [up.values[i]], [f"{percent(TARGET, 0)} chance"], text_color="#1B242B",
                text_font_size="12px", x_offset=8, background_fill_color="rgba(255,255,255,0.75)", padding=3,
            )  # fmt: skip
    if made.x.own is not None and up.own is not None:
        plot.scatter([made.x.own], [up.own], marker="diamond", size=13, fill_color="white", line_color="#1B242B")
    return {"cells": cells}


def _curve(plot: figure, made: ResponseSurface, ink: Ink) -> dict[str, ColumnDataSource]:
    value = made.value[0]
    says = [_says(made, 0, j) for j in range(value.size)]
    data: dict[str, Any] = {"x": made.x.values, "y": value, "says": says}
    if made.se is not None:
        data |= {"low": value - 2 * made.se[0], "high": value + 2 * made.se[0]}
    source = ColumnDataSource(data, name="curve")
    if made.se is None:
        plot.line("x", "y", source=source, line_width=2.5, line_dash="dashed", line_color=VARIANTS[0])
    else:
        plot.segment("x", "low", "x", "high", source=source, line_color=VARIANTS[0], line_width=1)
    dots = plot.scatter("x", "y", source=source, size=7 if made.se is not None else 4, color=VARIANTS[0])
    plot.add_tools(HoverTool(renderers=[dots], tooltips="@says"))
    plot.yaxis.axis_label = PlainText(text=made.words)
    if made.metric in SHARES:
        plot.y_range.start, plot.y_range.end = -0.02, 1.02
        plot.yaxis.formatter = formatter("power")
    if made.metric == "power":
        plot.add_layout(Span(location=TARGET, dimension="width", line_color=ink.muted, line_dash="dotted"))
    return {"curve": source}
