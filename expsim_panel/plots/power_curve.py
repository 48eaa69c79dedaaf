"""The power curve: a figure over the true effect, exact as a dashed line through simulated points.

For pages: ``figure, sources = draw(of_curve(curve))`` or ``draw(of_row(surface, j, metric))`` for the row of a
surface at units level `j`. Sources, all ColumnDataSources:

* ``line``: ``x y`` of the exact line, empty where there is none;
* ``points``: ``x y low high says``, simulated values with two standard errors each way;
* ``here``: ``x y text lift``, the picked effect; set with ``mark(shape, effect)``.

To show another one assign each source's ``data`` from ``shape.line``, ``shape.points`` and ``mark``.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from bokeh.models import (
    ColumnDataSource,
    HoverTool,
    Label,
    LabelSet,
    NumeralTickFormatter,
    PlainText,
    Range1d,
    Span,
    Whisker,
)
from bokeh.plotting import figure

from expsim_panel.plots._dress import dress
from expsim_panel.plots._frame import plain
from expsim_panel.plots._palette import LIGHT, VARIANTS, Ink
from expsim_panel.plots.power_surface import TARGET, effect_axis, formatter, scale, shown
from expsim_panel.quantities import effect, percent
from expsim_panel.surface import Origin, PowerCurve, PowerSurface

LIFT = {"power": -18, "other": 8}
"""Where the picked value stands, pixels above its point: clear of a curve that rises, and of one that falls."""


@dataclass(frozen=True)
class Shape:
    """A curve ready to be drawn.

    Attributes
    ----------
    origin, metric
        As in the surface or curve.
    units : float
        Units per day.
    line, points : dict
        Data of the two sources.
    """

    origin: Origin
    metric: str
    units: float
    line: dict[str, Any]
    points: dict[str, Any]


def of_curve(curve: PowerCurve) -> Shape:
    """Return a curve's shape."""
    factor = scale(curve.origin)
    exact = curve.line is not None
    line: dict[str, Any] = {"x": curve.line_effects * factor if exact else [], "y": curve.line if exact else []}
    points = _points(curve.origin, curve.metric, curve.effects, curve.value, curve.se)
    return Shape(curve.origin, curve.metric, float(curve.origin.units), line, points)


def of_row(surface: PowerSurface, j: int, metric: str) -> Shape:
    """Return the shape of one traffic of a surface."""
    value = surface.values[metric][:, j]
    nothing = _points(surface.origin, metric, np.empty(0), np.empty(0), np.empty(0))
    line: dict[str, Any] = {"x": [], "y": []}
    if surface.errors is None:
        line, points = {"x": surface.effects * scale(surface.origin), "y": value}, nothing
    else:
        points = _points(surface.origin, metric, surface.effects, value, surface.errors[metric][:, j])
    return Shape(surface.origin, metric, float(surface.units[j]), line, points)


def _points(origin: Origin, metric: str, effects: np.ndarray, value: np.ndarray, se: np.ndarray) -> dict[str, Any]:
    low, high = value - 2 * se, value + 2 * se
    if metric == "power":
        low, high = np.maximum(low, 0.0), np.minimum(high, 1.0)
    texts = [
        f"{effect(float(e), origin.family)}: {shown(metric, float(v))} ± {shown(metric, float(s))} (simulation error)"
        for e, v, s in zip(effects, value, se, strict=True)
    ]
    return {"x": effects * scale(origin), "y": value, "low": low, "high": high, "says": texts}


def mark(shape: Shape, at: float) -> dict[str, list[Any]]:
    """Return the data of ``here`` for a true effect, metric units."""
    source = shape.line if len(shape.line["x"]) else shape.points
    x = at * scale(shape.origin)
    y = float(np.interp(x, source["x"], source["y"]))
    lift = LIFT["power" if shape.metric == "power" else "other"]
    # The label keeps clear of the right edge.
    right = x > 0.75 * float(max(source["x"]))
    return {
        "x": [x], "y": [y], "text": [shown(shape.metric, y)], "lift": [lift],
        "align": ["right" if right else "left"], "away": [-10 if right else 10],
    }  # fmt: skip


def title(shape: Shape) -> str:
    """Return the heading: what, by whom, at which traffic; plain text."""
    return f"{shape.origin.titles[shape.metric]} at {shape.origin.size(shape.units)}"


def draw(shape: Shape, *, ink: Ink = LIGHT, height: int = 300) -> tuple[figure, dict[str, ColumnDataSource]]:
    """Return the figure and its sources; see the module for what they hold.

    Parameters
    ----------
    shape : Shape
        From `of_curve` or `of_row`.
    ink : Ink
        Colours around the data.
    height : int
        Pixels; the width follows the page.
    """
    sources = {
        "line": ColumnDataSource(shape.line, name="line"),
        "points": ColumnDataSource(shape.points, name="points"),
        "here": ColumnDataSource(mark(shape, shape.origin.effect), name="here"),
    }
    plot = figure(
        height=height,
        sizing_mode="stretch_width",
        tools="",
        toolbar_location=None,
        name="power-curve",
        title=plain(title(shape)),
    )
    plot.x_range.range_padding = 0.02
    top = (
        1.0
        if shape.metric == "power"
        else max([float(np.max(part["y"])) for part in (shape.line, shape.points) if len(part["y"])])
    )
    plot.y_range = Range1d(0, top * 1.06 or 1.0)
    if shape.metric == "power":
        plot.add_layout(
            Span(location=TARGET, dimension="width", line_color=ink.muted, line_dash="dotted", name="target")
        )
        words = Label(x=6, y=TARGET, x_units="screen", y_offset=3, text=f"{percent(TARGET, 0)} target",
                      text_font_size="12px", text_color=ink.muted, name="target")  # fmt: skip
        plot.add_layout(words)
    plot.line("x", "y", source=sources["line"], line_color=VARIANTS[0], line_width=2.5, line_dash="dashed")
    points = plot.scatter("x", "y", source=sources["points"], size=7, color=VARIANTS[0])
    whisker = Whisker(base="x", lower="low", upper="high", source=sources["points"], line_color=VARIANTS[0])
    whisker.upper_head.line_color = whisker.lower_head.line_color = VARIANTS[0]
    whisker.upper_head.size = whisker.lower_head.size = 6
    plot.add_layout(whisker)
    plot.scatter("x", "y", source=sources["here"], size=13, fill_color=VARIANTS[1], line_color=ink.text, line_width=1.5)
    plot.add_layout(
        LabelSet(x="x", y="y", text="text", source=sources["here"],
                 x_offset="away", y_offset="lift", text_align="align", text_color=ink.text,
                 text_font_size="13px", text_font_style="bold", name="here")
    )  # fmt: skip
    plot.add_tools(HoverTool(renderers=[points], tooltips="@says"))
    plot.xaxis.axis_label = PlainText(text=plain(effect_axis(shape.origin)))
    plot.yaxis.formatter = formatter(shape.metric)
    if shape.metric == "days":
        plot.yaxis.formatter = NumeralTickFormatter(format="0")
    dress(plot, ink)
    # From the figure's own edge: on a phone a heading is as wide as the screen.
    plot.title.offset = -36
    return plot, sources
