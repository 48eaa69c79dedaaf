"""A judge alone: its noise falls with every row, its bias does not; where they cross more rows stop helping."""

from __future__ import annotations

import numpy as np
from bokeh.models import ColumnDataSource, NumeralTickFormatter
from bokeh.plotting import figure

from expsim_panel.evaluator_answers import Answers
from expsim_panel.plots._kinds import SHADES, across, log_ticks, plain_ticks, start, text, upright
from expsim_panel.plots._palette import LIGHT, Ink
from expsim_panel.quantities import count, effect_unit


def draw(found: Answers, *, ink: Ink = LIGHT, height: int = 320) -> figure:
    """Return the figure."""
    scale, unit = effect_unit(found.family == "binary")
    floor = found.floor
    even = np.isfinite(floor.break_even)
    title = "A judge alone: no suspected bias"
    if even:
        title = f"A judge alone: break-even at {count(floor.break_even)}"
    made = start(
        title, f"Judge scores {found.each}", f"Error, {unit}", ink, height, x_axis_type="log",
        y_axis_type="log",
    )  # fmt: skip
    plain_ticks(made)
    made.yaxis.formatter = NumeralTickFormatter(format="0.[000]")
    noise, both = scale * floor.noise, scale * np.hypot(floor.noise, floor.suspected)
    made.y_range.start, made.y_range.end = 0.7 * float(noise[-1]), 2.0 * float(both[0])
    log_ticks(made)
    made.line("x", "y", source=ColumnDataSource({"x": floor.rows, "y": noise}), line_color=ink.muted, line_width=2,
              line_dash="dashed")  # fmt: skip
    made.line(
        "x", "y", source=ColumnDataSource({"x": floor.rows, "y": both}), line_color=SHADES["judge"], line_width=2.5
    )
    text(made, "noise alone", float(floor.rows[55]), float(noise[55]), ink.muted, x_offset=8)
    if even:
        text(made, "noise and bias", float(floor.rows[0]), float(both[0]), ink.text, bold=True, x_offset=12)
        across(made, scale * floor.suspected, "error floor: suspected bias (SD)", ink.muted, float(floor.rows[-1]),
               text_align="right", y_offset=-17, x_offset=-4)  # fmt: skip
        upright(made, floor.break_even, "break-even", ink.muted, float(noise[-1]))
    return made
