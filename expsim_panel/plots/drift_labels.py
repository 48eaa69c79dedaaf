"""How many fresh labels notice that a judge has moved by so much."""

from __future__ import annotations

import numpy as np
from bokeh.models import ColumnDataSource, NumeralTickFormatter
from bokeh.plotting import figure

from expsim_panel.evaluator_answers import Answers
from expsim_panel.plots._kinds import SHADES, start, text
from expsim_panel.plots._palette import LIGHT, Ink
from expsim_panel.quantities import count, effect, effect_unit


def draw(found: Answers, drift: float, *, ink: Ink = LIGHT, height: int = 320) -> figure:
    """Return the figure with one drift (points) picked."""
    scale, unit = effect_unit(found.family == "binary")
    points, labels = found.drift
    here = float(np.exp(np.interp(np.log(drift), np.log(points), np.log(labels))))
    made = start(
        f"{count(here)} labels notice a judge that drifts by {effect(drift, found.family, False)}",
        f"Drift of the judge, {unit}", "Fresh labels (80 % power)", ink, height, y_axis_type="log",
    )  # fmt: skip
    made.yaxis.formatter = NumeralTickFormatter(format="0,0")
    made.line("x", "y", line_color=SHADES["human"], line_width=2.5,
              source=ColumnDataSource({"x": scale * points, "y": labels}))  # fmt: skip
    made.scatter([scale * drift], [here], size=13, marker="square", fill_color=SHADES["human"], line_color=ink.text)
    text(made, count(here), scale * drift, here, ink.text, bold=True, x_offset=9)
    return made
