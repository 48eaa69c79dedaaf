"""How often to repeat: variance for the money by judge calls, raters, and samples per item."""

from __future__ import annotations

from typing import Any

import numpy as np
from bokeh.models import ColumnDataSource
from bokeh.plotting import figure

from expsim_panel.evaluator_answers import MOST_REPEATS, Answers
from expsim_panel.plots._kinds import SHADES, start, text
from expsim_panel.plots._palette import LIGHT, Ink

STYLES = {
    "judge calls": (SHADES["judge"], "solid", "circle"),
    "raters": (SHADES["human"], "dashed", "square"),
    "samples": ("#CC79A7", "dotdash", "triangle"),
}


def draw(found: Answers, *, ink: Ink = LIGHT, height: int = 320) -> figure:
    """Return the figure."""
    best = found.repeats.best
    said = ", ".join(f"{name} {number}" for name, number in best.items())
    made = start(f"Best: {said}", "Repeats per item", "Variance for the money, 1 is best", ink, height,
                 y_range=(0.9, 4.0), x_range=(0.6, MOST_REPEATS + 1.2))  # fmt: skip
    counts = np.arange(1, MOST_REPEATS + 1)
    for name, loss in found.repeats.loss.items():
        shade, dash, mark = STYLES[name]
        source = ColumnDataSource({"x": counts, "y": loss})
        made.line("x", "y", source=source, line_color=shade, line_width=2.5, line_dash=dash)
        made.scatter([best[name]], [1.0], size=11, marker=mark, fill_color=shade, line_color=ink.text)
        # At different heights, so that names do not meet.
        inside = np.flatnonzero(loss <= {"judge calls": 2.9, "raters": 3.7, "samples": 2.1}[name])
        at = int(inside[-1])
        where: dict[str, Any] = {"text_align": "right", "x_offset": -10} if at > 8 else {"x_offset": 10}
        shade = shade if ink is LIGHT else ink.text
        text(made, name, float(counts[at]), float(loss[at]), shade, bold=True, y_offset=-16, **where)
    return made
