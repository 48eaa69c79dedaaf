"""One budget, split between labels and judge scores in every way: the best split, and labels alone."""

from __future__ import annotations

import numpy as np
from bokeh.models import ColumnDataSource
from bokeh.plotting import figure

from expsim_panel.evaluator_answers import Answers, split_error
from expsim_panel.plots._kinds import SHADES, across, plain_ticks, start, text
from expsim_panel.plots._palette import LIGHT, Ink
from expsim_panel.quantities import count, effect_unit


def draw(
    found: Answers, played: tuple[np.ndarray, np.ndarray] | None = None, *, ink: Ink = LIGHT, height: int = 320
) -> figure:
    """Return the figure.

    Parameters
    ----------
    played : tuple of ndarray, optional
        Labels per variant and the simulated errors there.
    """
    scale, unit = effect_unit(found.family == "binary")
    what, best = found.what, found.split
    most = found.budget / found.samples / what.cost_human
    labels = np.linspace(max(1.0, 0.01 * most), most, 300)
    error = scale * split_error(what, found.budget, labels)
    title = f"Best: {count(found.samples * best.labelled)} labels, {count(found.samples * best.judged)} scores"
    made = start(title, f"Human labels {found.each}, the rest pays judge scores", f"Error, {unit}", ink, height)
    plain_ticks(made)
    made.line("x", "y", line_color=SHADES["hybrid"], line_width=2.5,
              source=ColumnDataSource({"x": labels, "y": error}))  # fmt: skip
    alone = scale * float(np.sqrt((what.law.label_sd**2).sum() / most + what.law.severity_variance))
    across(made, alone, "labels alone", SHADES["human"] if ink is LIGHT else ink.text, 0.0)
    if played is not None:
        made.scatter("x", "y", size=12, marker="diamond", color=SHADES["hybrid"], line_color=ink.panel,
                     source=ColumnDataSource({"x": played[0], "y": scale * played[1]}))  # fmt: skip
    at = scale * float(split_error(what, found.budget, [best.exact_labelled])[0])
    if np.isfinite(at):
        made.scatter([best.exact_labelled], [at], size=14, marker="diamond", fill_color="#E69F00", line_color=ink.text)
        late = best.exact_labelled > 0.7 * most
        where = {"text_align": "right", "x_offset": -4} if late else {}
        text(made, "best", best.exact_labelled, at, ink.text, bold=True, y_offset=-24, **where)
    top = np.nanmin(error) if np.isfinite(error).any() else alone
    made.y_range.start, made.y_range.end = 0.0, 2.2 * max(float(top), alone)
    return made
