"""Where labels and judge scores together beat labels alone: correlation against relative price."""

from __future__ import annotations

import numpy as np
from bokeh.models import BasicTicker, ColorBar, ColumnDataSource, LinearColorMapper, NumeralTickFormatter
from bokeh.plotting import figure

from expsim_panel.plots._frame import plain
from expsim_panel.plots._kinds import start, text
from expsim_panel.plots._palette import LIGHT, MAGNITUDE, VARIANTS, Ink

LOW = -4.0
"""Cheapest judge shown: a ten-thousandth of a label."""


def gain(rho: np.ndarray, g: np.ndarray) -> np.ndarray:
    """Return the share of the variance that a hybrid saves for the same money; 0 where it does not pay."""
    pays = (g < 1) & (rho**2 > 4 * g / (1 + g) ** 2)
    return np.where(pays, 1 - (np.sqrt(1 - rho**2) + rho * np.sqrt(g)) ** 2, 0.0)


def draw(rho: float, ratio: float, *, ink: Ink = LIGHT, height: int = 320) -> figure:
    """Return the figure with one point picked.

    Parameters
    ----------
    rho : float
        Correlation of a label and a judge score, 0 to 1.
    ratio : float
        Price of a judge score over that of a label, above 0.
    """
    saved = float(gain(np.array(rho), np.array(ratio)))
    title = f"Both together save {100 * saved:.0f} % of the variance" if saved > 0 else "Here labels alone are better"
    made = start(title, "Price of a judge score, share of a label's", "Correlation of label and judge score", ink,
                 height, x_axis_type="log", y_range=(0.0, 1.0), x_range=(10**LOW, 2.0))  # fmt: skip
    made.xaxis.formatter = NumeralTickFormatter(format="0.[00] %")
    mapper = LinearColorMapper(palette=MAGNITUDE, low=0, high=1)
    edges, rows = np.logspace(LOW, np.log10(2.0), 61), np.linspace(0, 1, 41)
    left, bottom = (part.ravel() for part in np.meshgrid(edges[:-1], rows[:-1]))
    right, top = (part.ravel() for part in np.meshgrid(edges[1:], rows[1:]))
    value = gain((bottom + top) / 2, np.sqrt(left * right))
    shown = gain(top, left) > 0
    cells = {"left": left, "right": right, "bottom": bottom, "top": top, "value": value}
    mapper.low_color = ink.panel
    made.quad(
        "left", "right", "top", "bottom", source=ColumnDataSource({key: part[shown] for key, part in cells.items()}),
        fill_color={"field": "value", "transform": mapper}, line_color=None, fill_alpha=0.9,
    )  # fmt: skip
    bound = np.logspace(LOW, 0, 200)
    # Cells reach over the bound; what lies beyond it is covered.
    edge = ColumnDataSource({"x": bound, "zero": 0 * bound, "y": 2 * np.sqrt(bound) / (1 + bound)})
    made.varea("x", "zero", "y", source=edge, fill_color=ink.panel)
    made.line("x", "y", source=edge, line_color=ink.text, line_width=2)
    text(made, "labels alone", 2.0, 0.05, ink.text, text_align="right", x_offset=-6)
    picked = ColumnDataSource({"x": [min(max(ratio, 10**LOW), 2.0)], "y": [rho]}, name="picked")
    shades = {"fill_color": VARIANTS[1], "line_color": "#1B242B", "line_width": 1.5}
    made.scatter("x", "y", size=15, marker="diamond", source=picked, **shades)
    bar = ColorBar(
        color_mapper=mapper, ticker=BasicTicker(desired_num_ticks=4), formatter=NumeralTickFormatter(format="0 %"),
        title=plain("saved"), width=10, background_fill_color=ink.panel, major_label_text_color=ink.muted,
        title_text_color=ink.muted,
    )  # fmt: skip
    made.add_layout(bar, "right")
    made.min_border_right = 0
    return made
