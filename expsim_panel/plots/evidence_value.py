"""What n rows are worth before any data: a judge's value saturates, that of labels does not."""

from __future__ import annotations

from typing import Any

import numpy as np
from bokeh.models import ColumnDataSource, NumeralTickFormatter
from bokeh.plotting import figure

from expsim_panel.evaluator_answers import Answers
from expsim_panel.plots._kinds import MARKS, SHADES, across, dollars, line, name, plain_ticks, start
from expsim_panel.plots._palette import LIGHT, Ink
from expsim_panel.quantities import count


def draw(found: Answers, *, net: bool = False, ink: Ink = LIGHT, height: int = 320) -> figure:
    """Return the figure: EVSI, or with `net` the expected net benefit (ENBS)."""
    worth = found.worth
    axis = "Comparisons" if found.what.law.pairs else "Rows per variant"
    what = "Expected net benefit" if net else "Value of the evidence"
    made = start(
        f"{what}: {worth.reason}" if worth.reason else what, f"{axis} (for people and both: labels)",
        "Dollars over the horizon", ink, height, x_axis_type="log",
    )  # fmt: skip
    plain_ticks(made)
    made.yaxis.formatter = NumeralTickFormatter(format="$0,0")
    if worth.reason:
        # Nothing to draw: a heading that says why, not an empty plane.
        made.height = 60
        made.axis.visible = made.grid.visible = False
        return made
    curves = worth.enbs if net else worth.evsi
    rows = worth.rows
    top = max(float(np.max(curve)) for curve in curves.values())
    if net:
        made.title.text = _title(worth.best)
        made.y_range.start, made.y_range.end = -0.35 * max(top, 1.0), 1.25 * max(top, 1.0)
        across(made, 0.0, "not worth its cost below", ink.muted, float(rows[0]), y_offset=-17)
    else:
        made.y_range.start, made.y_range.end = 0.0, 1.15 * max(worth.evpi, 1e-9)
        across(made, worth.evpi, f"perfect knowledge {dollars(worth.evpi)}", ink.muted, float(rows[0]))
    inside = curves if net else worth.evsi
    for kind, curve in inside.items():
        seen = np.where(curve > made.y_range.start, curve, np.nan)
        line(made, kind, rows, seen)
        at = int(np.argmax(curve)) if net else {"judge": -1, "human": 60, "hybrid": 34}[kind]
        shift = {"judge": 4, "human": -18, "hybrid": 6}[kind]
        sideways: dict[str, Any] = {}
        if (kind == "human") if net else (kind != "human"):
            sideways = {"text_align": "right", "x_offset": -12}
            shift = -26 if net else shift
        if curve[at] > made.y_range.start:
            name(made, kind, float(rows[at]), float(curve[at]), ink, y_offset=shift, **sideways)
        if net and worth.best[kind][1] > 0:
            made.scatter("x", "y", size=10, marker=MARKS[kind], color=SHADES[kind], line_color=ink.panel,
                         source=ColumnDataSource({"x": [rows[at]], "y": [curve[at]]}))  # fmt: skip
    return made


def _title(best: dict[str, tuple[float, float]]) -> str:
    """Say which evidence to buy, and how much of it."""
    kind, (n, net) = max(best.items(), key=lambda item: item[1][1])
    if net <= 0:
        return "Net benefit: nothing pays"
    words = {"judge": "judge scores", "human": "labels", "hybrid": "labels"}
    return f"Net benefit: best {count(n)} {words[kind]}, {dollars(net)}"
