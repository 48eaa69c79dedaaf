"""A ranking: abilities with their intervals, best on top."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bokeh.models import ColumnDataSource, Span
from bokeh.plotting import figure

from expsim_panel.plots._frame import hover, plain
from expsim_panel.plots._kinds import start
from expsim_panel.plots._palette import LIGHT, Ink
from expsim_panel.quantities import percent

if TYPE_CHECKING:
    from expsim_panel.ranking_answers import Standings

_SHADE = "#0072B2"


def draw(found: Standings, *, ink: Ink = LIGHT, height: int = 0) -> figure:
    """Return the figure."""
    # Names from uploads could be equal to the eye after `plain`, and factors have to differ.
    names = [f"{one.rank}. {plain(one.name)}" for one in found.variants]
    made = start(
        f"Abilities with {percent(found.level, 0)} intervals by prompt", "Log ability (the mean is 0)", "", ink,
        height or 130 + 34 * len(names), y_range=names[::-1],
    )  # fmt: skip
    source = ColumnDataSource(
        {
            "name": names,
            "x": [one.ability for one in found.variants],
            "low": [one.interval[0] for one in found.variants],
            "high": [one.interval[1] for one in found.variants],
            "best": [percent(float(one.p_rank[0])) for one in found.variants],
            "places": [
                str(one.rank_interval[0]) if one.rank_interval[0] == one.rank_interval[1]
                else f"{one.rank_interval[0]} to {one.rank_interval[1]}" for one in found.variants
            ],
        }
    )  # fmt: skip
    made.add_layout(Span(location=0, dimension="height", line_color=ink.muted, line_dash="dotted"))
    made.segment("low", "name", "high", "name", source=source, line_color=_SHADE, line_width=2.5)
    dots = made.scatter("x", "name", source=source, size=10, fill_color=_SHADE, line_color=ink.text)
    hover(made, [dots], "<div>@name: chance to be the best @best; place @places</div>")
    return made
