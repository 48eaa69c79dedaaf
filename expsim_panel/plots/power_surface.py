"""The power surface: true effect x units per day, with the 80 % line and the scenario's own point.

For pages: ``figure, sources = draw(surface, metric="power", ink=LIGHT)``. Sources, all ColumnDataSources:

* ``cells``: one row per cell (effect-major, as ``values.ravel()``): edges ``left right bottom top``,
  ``value`` (what is coloured) and ``says`` (the hover text). Selecting a row, or a Tap event with
  ``surface.nearest(event.x / scale(surface.origin), event.y)``, picks a cell.
* ``chosen``: the outline of the picked cell; set it with ``outline(surface, i, j)``.
* ``iso``: the line of 80 % power, ``iso_label`` its label; ``own``: the scenario's own point.

To show another surface assign ``cells.data = columns(surface, metric)``, ``iso.data = iso(surface)``,
``iso_label.data = iso_label(surface)``, ``own.data = own(surface)``, and set ``low, high = span(surface, metric)``
on ``figure.select_one(LinearColorMapper)``. For another metric draw anew: a colour bar does not notice that its
formatter changes.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from bokeh.models import (
    BasicTicker,
    ColorBar,
    ColumnDataSource,
    CustomJSTickFormatter,
    HoverTool,
    LinearColorMapper,
    NumeralTickFormatter,
    PlainText,
    TapTool,
)
from bokeh.plotting import figure

from expsim_panel.plots._dress import dress
from expsim_panel.plots._frame import DAY_TICKS, plain
from expsim_panel.plots._palette import LIGHT, MAGNITUDE, Ink
from expsim_panel.quantities import days, effect, money, percent
from expsim_panel.quantities import effect_unit as unit_of
from expsim_panel.surface import Origin, PowerSurface

TARGET = 0.8
"""Power that a plan is expected to reach; the iso-line."""


def scale(origin: Origin) -> float:
    """Return the factor from an effect to what the axis shows: percentage points for rates."""
    return unit_of(origin.family == "binary")[0]


def effect_axis(origin: Origin) -> str:
    """Return the label of the effect axis, for plain text only."""
    return f"True improvement in {origin.quantity}, {effect_unit(origin)}"


def effect_unit(origin: Origin) -> str:
    """Return the unit of the effect axis."""
    return unit_of(origin.family == "binary")[1]


def shown(metric: str, value: float) -> str:
    """Format a value of a metric."""
    return {"power": percent, "days": days, "cost": money}[metric](value)


def edges(levels: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return where the cells around ascending levels begin and end."""
    middle = (levels[1:] + levels[:-1]) / 2
    if not middle.size:
        return levels * 0.95, levels * 1.05
    first, last = 2 * levels[0] - middle[0], 2 * levels[-1] - middle[-1]
    return np.concatenate([[first], middle]), np.concatenate([middle, [last]])


def says(surface: PowerSurface, i: int, j: int) -> str:
    """Say in plain words what happens in a cell; plain text, to be escaped where HTML is meant."""
    at = {key: shown(key, float(table[i, j])) for key, table in surface.values.items()}
    who = surface.origin.size(float(surface.units[j]))
    if surface.effects[i] == 0:
        start = (
            f"No true difference, {who}: {surface.origin.strategy} raises a false alarm in {at['power']} of experiments"
        )
    else:
        size = effect(float(surface.effects[i]), surface.origin.family)
        start = f"True difference {size}, {who}: {surface.origin.strategy} finds it in {at['power']} of experiments"
    return f"{start}, after {at['days']} and {at['cost']} on average."


def columns(surface: PowerSurface, metric: str) -> dict[str, Any]:
    """Return the data of the cells for a metric."""
    factor = scale(surface.origin)
    left, right = edges(surface.effects * factor)
    bottom, top = edges(surface.units.astype(float))
    across, up = surface.effects.size, surface.units.size
    return {
        "left": np.repeat(left, up),
        "right": np.repeat(right, up),
        "bottom": np.tile(bottom, across),
        "top": np.tile(top, across),
        "value": surface.values[metric].ravel().astype(float),
        "says": [says(surface, i, j) for i in range(across) for j in range(up)],
    }


def outline(surface: PowerSurface, i: int, j: int) -> dict[str, list[float]]:
    """Return the outline of one cell."""
    left, right = edges(surface.effects * scale(surface.origin))
    bottom, top = edges(surface.units.astype(float))
    return {"left": [float(left[i])], "right": [float(right[i])], "bottom": [float(bottom[j])], "top": [float(top[j])]}


def iso(surface: PowerSurface) -> dict[str, list[Any]]:
    """Return the line on which power first reaches `TARGET`, by linear interpolation at each traffic."""
    factor = scale(surface.origin)
    x, y = [], []
    for j, units in enumerate(surface.units):
        power = surface.values["power"][:, j]
        over = np.flatnonzero(power >= TARGET)
        if not over.size or over[0] == 0:
            continue
        k = int(over[0])
        part = (TARGET - power[k - 1]) / (power[k] - power[k - 1])
        x.append(float(factor * (surface.effects[k - 1] + part * (surface.effects[k] - surface.effects[k - 1]))))
        y.append(float(units))
    return {"x": x, "y": y}


def iso_label(surface: PowerSurface) -> dict[str, list[Any]]:
    """Return the label at the upper end of the line, which keeps clear of the right edge."""
    line = iso(surface)
    some = len(line["x"]) > 0
    right = some and line["x"][-1] > 0.7 * float(surface.effects[-1]) * scale(surface.origin)
    return {
        "x": line["x"][-1:], "y": line["y"][-1:], "text": [f"{percent(TARGET, 0)} chance"][:some],
        "align": ["right" if right else "left"][:some], "away": [-9 if right else 9][:some],
    }  # fmt: skip


def own(surface: PowerSurface) -> dict[str, list[Any]]:
    """Return the scenario's own point and its label, which keeps clear of the right edge; empty off the map."""
    origin, effects = surface.origin, surface.effects
    if not effects[0] <= origin.effect <= effects[-1]:
        return {"x": [], "y": [], "text": [], "align": [], "away": []}
    right = origin.effect > 0.6 * effects[-1]
    return {
        "x": [origin.effect * scale(origin)], "y": [float(origin.units)], "text": ["your plan"],
        "align": ["right" if right else "left"], "away": [-13 if right else 13],
    }  # fmt: skip


def span(surface: PowerSurface, metric: str) -> tuple[float, float]:
    """Return the values at the ends of the colour scale."""
    if metric == "power":
        return 0.0, 1.0
    if metric == "days":
        # The planned days; the batches of a prompt set are no days.
        return 0.0, float(surface.origin.days if surface.origin.live else max(surface.values[metric].max(), 1e-9))
    return 0.0, float(max(surface.values[metric].max(), 1e-9))


def formatter(metric: str) -> NumeralTickFormatter | CustomJSTickFormatter:
    """Return the formatter of an axis or a colour bar of a metric."""
    if metric == "power":
        return NumeralTickFormatter(format="0 %")
    if metric == "days":
        return CustomJSTickFormatter(code=DAY_TICKS)
    return CustomJSTickFormatter(code="return '$' + (tick >= 1e6 ? tick / 1e6 + 'M' : tick.toLocaleString('en-US'))")


def draw(
    surface: PowerSurface, *, metric: str = "power", ink: Ink = LIGHT, height: int = 420
) -> tuple[figure, dict[str, ColumnDataSource]]:
    """Return the figure and its sources; see the module for what they hold.

    Parameters
    ----------
    surface : PowerSurface
        What is shown.
    metric : str
        One of `METRICS`.
    ink : Ink
        Colours around the data.
    height : int
        Pixels; the width follows the page.
    """
    origin = surface.origin
    sources = {
        "cells": ColumnDataSource(columns(surface, metric), name="cells"),
        "chosen": ColumnDataSource(outline(surface, *surface.nearest(origin.effect, origin.units)), name="chosen"),
        "iso": ColumnDataSource(iso(surface), name="iso"),
        "iso_label": ColumnDataSource(iso_label(surface), name="iso_label"),
        "own": ColumnDataSource(own(surface), name="own"),
    }
    plot = figure(
        height=height,
        sizing_mode="stretch_width",
        tools="",
        toolbar_location=None,
        name="power-surface",
        title=plain(f"{origin.titles[metric]}, {origin.strategy}"),
    )
    plot.x_range.range_padding = plot.y_range.range_padding = 0
    low, high = span(surface, metric)
    mapper = LinearColorMapper(palette=MAGNITUDE, low=low, high=high)
    fill = {"field": "value", "transform": mapper}
    cells = plot.quad(
        "left", "right", "top", "bottom", source=sources["cells"], fill_color=fill, line_color=fill,
        nonselection_fill_alpha=1, nonselection_line_alpha=1,
    )  # fmt: skip
    plot.line("x", "y", source=sources["iso"], line_color="#1B242B", line_width=5, line_alpha=0.55)
    plot.line("x", "y", source=sources["iso"], line_color="#FFFFFF", line_width=2.5)
    plot.quad(
        "left", "right", "top", "bottom", source=sources["chosen"], fill_alpha=0, line_color="#1B242B", line_width=5
    )
    plot.quad(
        "left", "right", "top", "bottom", source=sources["chosen"], fill_alpha=0, line_color="#FFFFFF", line_width=2.5
    )
    plot.scatter(
        "x",
        "y",
        source=sources["own"],
        marker="diamond",
        size=15,
        fill_color="#FFFFFF",
        line_color="#1B242B",
        line_width=2,
    )
    on_data = {"text_font_size": "12px", "text_font_style": "bold", "text_color": "#1B242B"}
    backed = {"background_fill_color": "#FFFFFF", "background_fill_alpha": 0.88, "padding": 3, "border_radius": 3}
    plot.text(
        "x", "y", "text", source=sources["own"], x_offset="away", y_offset=-4, text_align="align", **on_data, **backed
    )
    plot.text(
        "x",
        "y",
        "text",
        source=sources["iso_label"],
        x_offset="away",
        y_offset=22,
        text_align="align",
        **on_data,
        **backed,
    )
    plot.add_layout(
        ColorBar(color_mapper=mapper, formatter=formatter(metric), ticker=BasicTicker(desired_num_ticks=5), width=10,
                 padding=6, bar_line_color=None, major_tick_line_color=None),
        "right",
    )  # fmt: skip
    plot.add_tools(
        TapTool(renderers=[cells]),
        HoverTool(renderers=[cells], tooltips="<div style='max-width: 280px; font-size: 13px'>@says</div>"),
    )
    plot.xaxis.axis_label = PlainText(text=plain(effect_axis(origin)))
    plot.yaxis.axis_label = PlainText(text=origin.across)
    plot.yaxis.formatter = NumeralTickFormatter(format="0,0")
    dress(plot, ink)
    # From the figure's own edge: on a phone a heading is as wide as the screen.
    plot.title.offset = -36
    return plot, sources
