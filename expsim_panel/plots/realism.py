"""How close a fitted law of ratings comes to the ratings themselves: the four distances, and what lies behind them."""

from __future__ import annotations

import numpy as np
from bokeh.models import (
    ColumnDataSource,
    CustomJS,
    FactorRange,
    FixedTicker,
    LinearColorMapper,
    NumeralTickFormatter,
    Range1d,
    TapTool,
)
from bokeh.plotting import figure

from expsim_panel.calibration_tables import WORDS
from expsim_panel.plots._frame import add, frame, hover, plain
from expsim_panel.plots._palette import CONTROL, LIGHT, VARIANTS, Ink, diverging
from expsim_panel.realism import PARTS, Realism

REAL, LAW = CONTROL, VARIANTS[0]
MODELS = {
    "floor": ("other real ratings", REAL, "circle"),
    "rounded-normal": ("rounded normal", VARIANTS[1], "triangle"),
    "independent-raters": ("independent raters", VARIANTS[3], "square"),
}
_HALF = 0.38
SMALLEST_GAP = 0.03
"""Difference of shares that gets the strongest colour at least: smaller ones are pale, as they should be."""


CHOOSE = """const levels = bars.selected.indices, d = cells.data
cells.selected.indices = levels.length === 0 ? [] :
  [...d.x.keys()].filter((k) => levels.includes(d.x[k]) || levels.includes(d.y[k]))"""
"""A level that is tapped among the scores shows its pairs alone."""


def linked(found: Realism, levels: tuple[float, ...], *, ink: Ink = LIGHT, height: int = 270) -> list[figure]:
    """Return the four figures; scores and pairs share their levels, and a level tapped in one is shown in the other."""
    given, beside = scores(found, levels, height=height), pairs(found, levels, ink=ink, height=height)
    given.x_range = beside.x_range
    bars, cells = given.renderers[0].data_source, beside.renderers[0].data_source
    bars.selected.js_on_change("indices", CustomJS(args={"bars": bars, "cells": cells}, code=CHOOSE))
    return [distances(found, height=height), ranges(found, height=height), given, beside]


def distances(found: Realism, *, height: int = 270) -> figure:
    """Return the four distances of the law, of other real ratings, and of two simpler laws; left is closer."""
    names = [WORDS[part] for part in reversed(PARTS)]
    made = frame(
        "Distance from unseen ratings", "Distance, 0 is the same", "", height=height, y_range=FactorRange(*names)
    )
    shown = {**MODELS, found.law: ("the fitted law", LAW, "diamond")}
    for name, (word, colour, mark) in shown.items():
        if name not in found.distances:
            continue
        columns: dict[str, list[object]] = {"x": [], "y": [], "said": []}
        for part in PARTS:
            value = found.distances[name][part]
            add(columns, value, WORDS[part], plain(f"{WORDS[part]}: {word} {value:.3f}"))
        source = ColumnDataSource(columns)
        dots = made.scatter(
            "x", "y", source=source, size=11, marker=mark, color=colour, fill_alpha=0.85, legend_label=plain(word)
        )
        hover(made, [dots], "<div style='max-width:260px'>@said</div>")
    made.x_range.start = 0
    _dress(made)
    return made


def scores(found: Realism, levels: tuple[float, ...], *, height: int = 270) -> figure:
    """Return the distribution of scores, real and played."""
    assert found.real is not None
    assert found.model is not None
    return _bars(
        "Scores given", "Score", "Share of ratings", found.real.marginal, found.model.marginal, list(levels), height
    )


def ranges(found: Realism, *, height: int = 270) -> figure:
    """Return the distribution of ranges within items, real and played, in levels."""
    assert found.real is not None
    assert found.model is not None
    width = [float(k) for k in range(len(found.real.range))]
    title = "How far the raters of an item are apart"
    return _bars(
        title, "Levels between highest and lowest", "Share of items", found.real.range, found.model.range, width, height
    )


def pairs(found: Realism, levels: tuple[float, ...], *, ink: Ink = LIGHT, height: int = 270) -> figure:
    """Return where pairs of raters stand more often in reality (orange) or under the law (blue).

    No difference has the ground's colour, so the mapper's palette has to follow `ink`.
    """
    assert found.real is not None
    assert found.model is not None
    gap = found.real.pair - found.model.pair
    reach = max(float(np.abs(gap).max()), SMALLEST_GAP)
    made = frame(
        "Pairs: orange more real, blue more fitted",
        "One rater",
        "Another rater",
        height=height,
    )
    made.x_range = Range1d(-0.5, len(levels) - 0.5)
    columns: dict[str, list[object]] = {"x": [], "y": [], "gap": [], "said": []}
    for i in range(len(levels)):
        for j in range(len(levels)):
            real, played = found.real.pair[i, j], found.model.pair[i, j]
            said = f"{levels[i]:g} and {levels[j]:g}: {real:.1%} of real pairs, {played:.1%} of the law's"
            add(columns, i, j, float(gap[i, j]), said)
    mapper = LinearColorMapper(palette=diverging(ink), low=-reach, high=reach)
    cells = made.rect(
        "x",
        "y",
        width=1,
        height=1,
        source=ColumnDataSource(columns),
        line_color=None,
        fill_color={"field": "gap", "transform": mapper},
    )
    hover(made, [cells], "<div style='max-width:260px'>@said</div>")
    ticks = list(range(len(levels)))
    for axis in (made.xaxis[0], made.yaxis[0]):
        axis.ticker = FixedTicker(ticks=ticks)
        axis.major_label_overrides = {k: f"{levels[k]:g}" for k in ticks}
    made.grid.visible = False
    return made


def _bars(
    title: str, across: str, up: str, real: np.ndarray, model: np.ndarray, levels: list[float], height: int
) -> figure:
    made = frame(title, across, up, height=height)
    places = np.arange(len(levels), dtype=float)
    said = [f"{level:g}: real {a:.1%}, the fitted law {b:.1%}" for level, a, b in zip(levels, real, model, strict=True)]
    source = ColumnDataSource({"left": places - _HALF / 2, "right": places + _HALF / 2, "real": real, "law": model,
                               "said": said})  # fmt: skip
    bars = [
        made.vbar(x, top=top, width=_HALF, source=source, color=colour, legend_label=word)
        for x, top, colour, word in (("left", "real", REAL, "real"), ("right", "law", LAW, "the fitted law"))
    ]
    hover(made, bars, "<div style='max-width:260px'>@said</div>")
    made.add_tools(TapTool(renderers=bars, visible=False))
    made.xaxis.ticker = FixedTicker(ticks=list(places))
    made.xaxis.major_label_overrides = {int(place): f"{level:g}" for place, level in zip(places, levels, strict=True)}
    made.yaxis.formatter = NumeralTickFormatter(format="0 %")
    made.y_range.start = 0
    _dress(made)
    return made


def _dress(made: figure) -> None:
    """Put the legend where it hides nothing, in the colours of the page."""
    made.add_layout(made.legend[0], "below")
    # Beside each other while a phone has room for them.
    made.legend.orientation, made.legend.ncols = "horizontal", 2
    made.legend.background_fill_color = made.legend.border_line_color = None
    made.legend.label_text_font_size = "11px"
