"""Error against money: what an LLM judge, people, and both reach for each budget; lines exact, dots simulated."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from bokeh.models import ColumnDataSource, NumeralTickFormatter
from bokeh.plotting import figure

from expsim_panel.evaluation_simulation import Point
from expsim_panel.evaluator_answers import Answers
from expsim_panel.plots._frame import hover
from expsim_panel.plots._kinds import MARKS, SHADES, WORDS, across, line, log_ticks, name, plain_ticks, start, upright
from expsim_panel.plots._palette import LIGHT, Ink
from expsim_panel.quantities import effect, effect_unit, money


def draw(found: Answers, points: Sequence[Point] = (), *, ink: Ink = LIGHT, height: int = 320) -> figure:
    """Return the figure.

    Parameters
    ----------
    found : Answers
        Closed forms.
    points : sequence of Point
        Simulated errors, where they are there yet.
    """
    scale, unit = effect_unit(found.family == "binary")
    made = start(
        "What money buys: error of the difference", "Dollars for scoring", f"RMS error, {unit}", ink,
        height, x_axis_type="log", y_axis_type="log",
    )  # fmt: skip
    plain_ticks(made, dollars=True)
    made.yaxis.formatter = NumeralTickFormatter(format="0.[000]")
    budget = found.frontier.budget
    low, high = (float(part([part(error[np.isfinite(error)]) for error in found.frontier.error.values()
                                 if np.isfinite(error).any()])) for part in (np.min, np.max))  # fmt: skip
    made.y_range.start, made.y_range.end = 0.55 * scale * low, 1.9 * scale * high
    log_ticks(made)
    for kind, error in found.frontier.error.items():
        line(made, kind, budget, scale * error)
        at = np.flatnonzero(np.isfinite(error))
        if not at.size:
            continue
        # Names stand where the lines are apart: the judge's at the right, people's above and both's below the others.
        spot = int(at[-1] if kind == "judge" else at[at.size // 8])
        place: dict[str, Any] = {"y_offset": 8}
        if kind != "human":
            place = {"y_offset": 5 if kind == "judge" else -20, "text_align": "right", "x_offset": -6}
        name(made, kind, float(budget[spot]), float(scale * error[spot]), ink, **place)
    for kind in WORDS:
        seen = [point for point in points if point.simulated[kind] is not None]
        dots = made.scatter(
            "x", "y", size=7, marker=MARKS[kind], color=SHADES[kind], line_color=ink.panel,
            source=ColumnDataSource(
                {
                    "x": [point.budget for point in seen],
                    "y": [scale * float(point.simulated[kind] or 0) for point in seen],
                    "said": [
                        f"{WORDS[kind]}, {money(point.budget)}: {effect(point.simulated[kind], found.family, False)}"
                        f" ± {effect(point.simulated_se[kind] or 0.0, found.family, False)}"
                        for point in seen
                    ],
                }
            ),
        )  # fmt: skip
        hover(made, [dots], "@said")
    # Below its line at the right, unless the judge's name stands there.
    last = float(found.frontier.error["judge"][-1])
    end, align = (0, "left") if 0.4 * found.target < last < found.target else (-1, "right")
    across(made, scale * found.target, "accuracy asked for", ink.muted, float(budget[end]), text_align=align,
           y_offset=-17)  # fmt: skip
    upright(made, found.budget, "budget", ink.muted, 0.6 * scale * low)
    return made
