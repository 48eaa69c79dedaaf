"""Any figure over any one or two numbers of a study: a curve with its errors, or a map with its iso-line."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import numpy as np
from bokeh.models import (
    BasicTicker,
    ColorBar,
    ColumnDataSource,
    CustomJSTickFormatter,
    FixedTicker,
    HoverTool,
    LinearColorMapper,
    NumeralTickFormatter,
    PlainText,
    Span,
    TapTool,
)
from bokeh.plotting import figure

from expsim_panel.axes import Axis
from expsim_panel.plots._dress import dress
from expsim_panel.plots._frame import DAY_TICKS, plain
from expsim_panel.plots._palette import LIGHT, MAGNITUDE, VARIANTS, Ink, diverging
from expsim_panel.plots.power_surface import TARGET, edges
from expsim_panel.quantities import PP, percent
from expsim_panel.response_surface import MONEY, ResponseSurface, is_share, unsigned, written
from expsim_panel.surface_metrics import DAYS

ERROR, VALUE = "se", "value"
"""What a map can show: the figure, or its Monte Carlo standard error as a map of its own."""


def axis_words(axis: Axis) -> str:
    """Return the label of an axis, with its unit; plain text."""
    unit = f", {axis.unit}" if axis.unit and axis.unit not in axis.label.lower() else ""
    whose = f" ({axis.path})" if axis.path.startswith(("variants.", "strategies.")) else ""
    return f"{axis.label}{unit}{whose}"


def table_of(made: ResponseSurface, what: str = VALUE) -> np.ndarray:
    """Return what is coloured; while cells are still missing, each shows the last one before it that is there."""
    table = np.array(made.se if what == ERROR and made.se is not None else made.value, float)
    if made.done < 1:
        for rows in (table.T, table):
            for before, row in pairwise(rows):
                missing = np.isnan(row)
                row[missing] = before[missing]
    return table


def columns(made: ResponseSurface, what: str = VALUE) -> dict[str, Any]:
    """Return the data of a map's cells: edges, value and what the pointer is told."""
    up = made.y.values if made.y is not None else np.zeros(1)
    left, right = edges(made.x.values)
    bottom, top = edges(up)
    told = [says(made, i, j) for i in range(up.size) for j in range(made.x.values.size)]
    return {
        "left": np.tile(left, up.size), "right": np.tile(right, up.size),
        "bottom": np.repeat(bottom, left.size), "top": np.repeat(top, left.size),
        "value": table_of(made, what).ravel(), "says": told,
    }  # fmt: skip


def says(made: ResponseSurface, i: int, j: int) -> str:
    """Say what a cell holds, and where it is; plain text."""
    apart = made.minus is not None
    error = "" if made.se is None else f" ± {unsigned(made.metric, float(made.se[i, j]), apart)}"
    place = f"{made.x.label.lower()} {made.x.values[j]:.4g}"
    if made.y is not None:
        place += f", {made.y.label.lower()} {made.y.values[i]:.4g}"
    return f"{made.words}: {written(made.metric, float(made.value[i, j]), apart)}{error}, at {place}"


def outline(made: ResponseSurface, cell: tuple[int, int] | None) -> dict[str, list[float]]:
    """Return the outline of one cell (indices of y and x); of none, no outline."""
    if cell is None or made.y is None:
        return {"left": [], "right": [], "bottom": [], "top": []}
    (left, right), (bottom, top) = edges(made.x.values), edges(made.y.values)
    i, j = cell
    return {"left": [float(left[j])], "right": [float(right[j])], "bottom": [float(bottom[i])], "top": [float(top[i])]}


def tick_format(made: ResponseSurface, what: str = VALUE) -> NumeralTickFormatter | CustomJSTickFormatter:
    """Return the formatter of a figure's axis or colour bar; errors need more digits."""
    sign = "+" if made.minus is not None and what == VALUE else ""
    if made.metric in MONEY:
        return CustomJSTickFormatter(
            args={"plus": sign},
            code="""const size = Math.abs(tick), sign = tick < 0 ? "-" : tick > 0 ? plus : ""
const text = size >= 1e6 ? size / 1e6 + "M" : size.toLocaleString("en-US", {maximumSignificantDigits: 4})
return sign + "$" + text""",
        )
    if is_share(made.metric) and made.minus is not None:
        reach = float(np.nanmax(np.abs(table))) if np.isfinite(table := table_of(made, what)).any() else 0.0
        digits = 2 if reach < 0.005 else 1 if reach < 0.05 or what == ERROR else 0
        code = "return (tick > 0 ? plus : '') + (100 * tick).toFixed(digits) + ' ' + unit"
        return CustomJSTickFormatter(args={"plus": sign, "digits": digits, "unit": PP}, code=code)
    if made.metric in DAYS:
        return CustomJSTickFormatter(args={"plus": sign}, code=DAY_TICKS)
    if is_share(made.metric):
        return NumeralTickFormatter(format="0.0 %" if what == ERROR else "0 %")
    return NumeralTickFormatter(format=f"{sign}0,0.[00]")


def scale_of(made: ResponseSurface, what: str = VALUE, ink: Ink = LIGHT) -> LinearColorMapper:
    """Return the colours: shares from 0 to 1, sizes from 0 to the largest, differences evenly around 0.

    No difference has the ground's colour: the mapper is tagged ``difference``, so that a page can follow its mode.
    """
    table = table_of(made, what)
    largest = float(np.nanmax(np.abs(table))) if np.isfinite(table).any() else 0.0
    nothing = "rgba(128,128,128,0.25)"
    if made.minus is not None and what == VALUE:
        reach = largest or 1e-12
        return LinearColorMapper(palette=diverging(ink), low=-reach, high=reach, nan_color=nothing, tags=["difference"])
    high = 1.0 if is_share(made.metric) and what == VALUE else max(largest, 1e-12)
    return LinearColorMapper(palette=MAGNITUDE, low=0.0, high=high, nan_color=nothing)


def draw(
    made: ResponseSurface,
    *,
    what: str = VALUE,
    ink: Ink = LIGHT,
    height: int = 460,
    cell: tuple[int, int] | None = None,
    bare: bool = False,
) -> tuple[figure, dict[str, ColumnDataSource]]:
    """Return the figure and its sources.

    Parameters
    ----------
    made : ResponseSurface
        A curve without a second axis, a map with one; of one strategy or of the difference of two.
    what : str
        `VALUE` or, for a map, `ERROR`.
    ink : Ink
        Colours around the data.
    height : int
        Pixels; the width follows the page.
    cell : tuple of int, optional
        Picked cell of a map, indices of y and x; ``sources["chosen"]`` holds its outline.
    bare : bool
        True leaves the tools for moving about out, as on a page on which a tap picks a cell.
    """
    of = "Simulation error: " if what == ERROR else ""
    plot = figure(
        height=height, sizing_mode="stretch_width", tools="" if bare else "pan,box_zoom,reset,save", active_drag=None,
        toolbar_location=None if bare else "above", title=plain(f"{of}{made.words}, {made.whose}"),
        name="response-surface",
    )  # fmt: skip
    plot.xaxis.axis_label = PlainText(text=plain(axis_words(made.x)))
    plot.xaxis.ticker = _ticker(made.x, 4)
    plot.xaxis.formatter = NumeralTickFormatter(format="0,0.[0000]")
    sources = _map(plot, made, what, cell, ink) if made.y is not None else _curve(plot, made, ink)
    dress(plot, ink)
    return plot, sources


def _map(
    plot: figure, made: ResponseSurface, what: str, cell: tuple[int, int] | None, ink: Ink
) -> dict[str, ColumnDataSource]:
    cells = ColumnDataSource(columns(made, what), name="cells")
    chosen = ColumnDataSource(outline(made, cell), name="chosen")
    mapper, up = scale_of(made, what, ink), made.y
    fill = {"field": "value", "transform": mapper}
    drawn = plot.quad(
        "left", "right", "bottom", "top", source=cells, fill_color=fill, line_color=fill,
        nonselection_fill_alpha=1, nonselection_line_alpha=1,
    )  # fmt: skip
    plot.x_range.range_padding = plot.y_range.range_padding = 0
    bar = ColorBar(
        color_mapper=mapper, formatter=tick_format(made, what), ticker=BasicTicker(desired_num_ticks=5), width=10,
        padding=6, bar_line_color=None, major_tick_line_color=None,
    )  # fmt: skip
    plot.add_layout(bar, "right")
    hover = "<div style='max-width: 280px; font-size: 13px'>@says</div>"
    plot.add_tools(TapTool(renderers=[drawn]), HoverTool(renderers=[drawn], tooltips=hover))
    sources = {"cells": cells, "chosen": chosen}
    if up is None:
        return sources
    plot.yaxis.axis_label = PlainText(text=plain(axis_words(up)))
    plot.yaxis.ticker = _ticker(up, 6)
    plot.yaxis.formatter = NumeralTickFormatter(format="0,0.[0000]")
    line, word = (
        ColumnDataSource(iso(made, what), name="iso"),
        ColumnDataSource(iso_label(made, what), name="iso_label"),
    )
    mine = ColumnDataSource(own(made), name="own")
    for colour, width in (("#1B242B", 5), ("#FFFFFF", 2.5)):
        plot.multi_line("xs", "ys", source=line, line_color=colour, line_width=width)
        plot.quad("left", "right", "bottom", "top", source=chosen, fill_alpha=0, line_color=colour, line_width=width)
    plot.scatter(
        "x", "y", source=mine, marker="diamond", size=15, fill_color="#FFFFFF", line_color="#1B242B", line_width=2
    )
    for source in (word, mine):
        plot.text(
            "x", "y", "text", source=source, x_offset="away", y_offset=-4, text_align="align", text_font_size="12px",
            text_font_style="bold", text_color="#1B242B", background_fill_color="#FFFFFF", background_fill_alpha=0.88,
            padding=3, border_radius=3,
        )  # fmt: skip
    return {**sources, "iso": line, "iso_label": word, "own": mine}


def _ticker(axis: Axis, most: int) -> BasicTicker | FixedTicker:
    """Return ticks at every level of a few arms or looks: there are no 2.5 of them. Otherwise at round numbers.

    One tick per level would run into its neighbours on a phone.
    """
    few = axis.values.size <= most and bool(np.all(axis.values == np.round(axis.values)))
    return FixedTicker(ticks=axis.values.tolist()) if few else BasicTicker(desired_num_ticks=most)


def refresh(
    plot: figure, sources: dict[str, ColumnDataSource], made: ResponseSurface, what: str, cell: tuple[int, int] | None
) -> None:
    """Show a finer picture of the same map in a figure that is on screen."""
    fresh, mapper = scale_of(made, what), plot.select_one(LinearColorMapper)
    mapper.update(low=fresh.low, high=fresh.high)
    sources["cells"].data, sources["chosen"].data = columns(made, what), outline(made, cell)
    if made.y is not None:
        sources["iso"].data, sources["iso_label"].data = iso(made, what), iso_label(made, what)
        sources["own"].data = own(made)


def iso(made: ResponseSurface, what: str = VALUE) -> dict[str, list[Any]]:
    """Return where power reaches its target, or where two strategies are equal; nothing while cells are missing."""
    level = 0.0 if made.minus is not None else TARGET if made.metric == "power" else None
    if level is None or what != VALUE or made.done < 1 or made.y is None or min(made.value.shape) < 2:
        return {"xs": [], "ys": []}
    from contourpy import contour_generator

    found = contour_generator(made.x.values, made.y.values, np.ma.masked_invalid(made.value)).lines(level)
    lines = [np.asarray(line) for line in found]
    return {"xs": [line[:, 0] for line in lines], "ys": [line[:, 1] for line in lines]}


def iso_label(made: ResponseSurface, what: str = VALUE) -> dict[str, list[Any]]:
    """Return the label of the longest line, at its highest point that keeps clear of the picture's edge."""
    lines = iso(made, what)
    if not lines["xs"] or made.y is None:
        return {"x": [], "y": [], "text": [], "align": [], "away": []}
    at = max(range(len(lines["xs"])), key=lambda k: lines["xs"][k].size)
    low, high = made.y.values[0], made.y.values[-1]
    x, y = lines["xs"][at], lines["ys"][at]
    inside = np.flatnonzero(y <= low + 0.88 * (high - low))
    k = int(inside[y[inside].argmax()]) if inside.size else 0
    words = f"{percent(TARGET, 0)} chance" if made.minus is None else "no difference"
    return _beside(made, float(x[k]), float(y[k]), words)


def own(made: ResponseSurface) -> dict[str, list[Any]]:
    """Return the study's own point and its label; empty off the map."""
    x, y = made.x, made.y
    if y is None or x.own is None or y.own is None or not (_on(x, x.own) and _on(y, y.own)):
        return {"x": [], "y": [], "text": [], "align": [], "away": []}
    return _beside(made, x.own, y.own, made.mine)


def _beside(made: ResponseSurface, x: float, y: float, text: str) -> dict[str, list[Any]]:
    """Write beside a point, on the side where there is room."""
    left = x > made.x.values[0] + 0.6 * (made.x.values[-1] - made.x.values[0])
    return {"x": [x], "y": [y], "text": [text], "align": ["right" if left else "left"], "away": [-13 if left else 13]}


def _on(axis: Axis, value: float) -> bool:
    low, high = edges(axis.values)
    return bool(low[0] <= value <= high[-1])


def _curve(plot: figure, made: ResponseSurface, ink: Ink) -> dict[str, ColumnDataSource]:
    value = made.value[0]
    told = [says(made, 0, j) for j in range(value.size)]
    data: dict[str, Any] = {"x": made.x.values, "y": value, "says": told}
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
    plot.yaxis.formatter = tick_format(made)
    if made.minus is not None:
        plot.add_layout(Span(location=0, dimension="width", line_color=ink.muted, line_dash="dotted"))
    elif is_share(made.metric):
        plot.y_range.start, plot.y_range.end = -0.02, 1.02
    if made.metric == "power" and made.minus is None:
        plot.add_layout(Span(location=TARGET, dimension="width", line_color=ink.muted, line_dash="dotted"))
    return {"curve": source}
