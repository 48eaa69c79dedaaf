"""Regret against wrong decisions, one dot per strategy: A/B tests and bandits on the same axes."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from bokeh.models import BasicTicker, ColumnDataSource, NumeralTickFormatter, PlainText, TapTool

from expsim_panel.frontier import Point, efficient
from expsim_panel.plots._dress import dress
from expsim_panel.plots._frame import frame, halo, hover, ink, plain
from expsim_panel.plots._palette import CONTROL, VARIANTS, marker
from expsim_panel.plots._policies import apart, short
from expsim_panel.plots.bandit_regret import DOLLARS, PLAIN

TITLE = "Loss and wrong decisions"
_WHISKER, _LEAST, _MOST = 1.96, 9.0, 20.0


def sizes(points: Sequence[Point]) -> list[float]:
    """Return the dots' diameters: their areas follow the cost; all alike where there is none."""
    costs = [one.cost or 0.0 for one in points]
    most = max(costs, default=0.0)
    return [max(_LEAST, _MOST * math.sqrt(cost / most)) if most > 0 else 13.0 for cost in costs]


class RegretFrontier:
    """One figure; made once, then shown new points. Tap a dot to choose its strategy (`source.selected`)."""

    def __init__(self, dark: bool = False, height: int = 340) -> None:
        self.figure = frame(
            TITLE, "", "Without the right decision, %", height=height, x_range=(0.0, 1.0), y_range=(0.0, 1.0)
        )
        # On a phone more ticks would run into each other.
        self.figure.xaxis.ticker = BasicTicker(desired_num_ticks=4)
        names = (
            "x",
            "y",
            "x0",
            "x1",
            "y0",
            "y1",
            "mark",
            "size",
            "colour",
            "name",
            "align",
            "nx",
            "ny",
            "shift",
            "said",
        )
        self.source = ColumnDataSource({name: [] for name in names}, name="frontier")
        self.edge = ColumnDataSource({"x": [], "y": []}, name="frontier-edge")
        self.step = self.figure.step("x", "y", source=self.edge, mode="after", line_width=1.5, line_dash=[5, 4])
        # From a dot to its name, where that had to move away.
        self.leads = ColumnDataSource({"x0": [], "y0": [], "x1": [], "y1": []})
        self.lead = self.figure.segment("x0", "y0", "x1", "y1", source=self.leads, line_width=1)
        self.whiskers = [
            self.figure.segment("x0", "y", "x1", "y", source=self.source, line_width=1.5),
            self.figure.segment("x", "y0", "x", "y1", source=self.source, line_width=1.5),
        ]
        self.dots = self.figure.scatter(
            "x", "y", source=self.source, marker="mark", size="size", fill_color="colour", fill_alpha=0.85,
            line_width=1.5,
        )  # fmt: skip
        self.names = self.figure.text(
            "nx", "ny", text="name", source=self.source, text_align="align", x_offset="shift", text_baseline="bottom",
            y_offset=-2,
            text_font_size="12px",
        )  # fmt: skip
        # A tap chooses; it must not fade the others, nor keep the colours that they had before the mode changed.
        for renderer in (self.dots, self.names, *self.whiskers):
            renderer.selection_glyph = renderer.nonselection_glyph = None
        hover(self.figure, [self.dots], "<div style='max-width:280px'>@said</div>")
        self.figure.add_tools(TapTool(renderers=[self.dots]))
        self.paint(dark)

    def paint(self, dark: bool) -> None:
        """Take the colours of a mode."""
        colours = ink(dark)
        dress(self.figure, colours)
        self.step.glyph.line_color = self.lead.glyph.line_color = colours.muted
        self.names.glyph.text_color = colours.text
        halo(self.names, dark)
        self.dots.glyph.line_color = colours.muted
        for one in self.whiskers:
            one.glyph.line_color = colours.text

    def show(self, points: Sequence[Point], label: str, dollars: bool, colours: Sequence[str] | None = None) -> None:
        """Show strategies.

        Parameters
        ----------
        points : sequence of Point
            In the order of the study.
        label : str
            Label of the horizontal axis, with its unit.
        dollars : bool
            Whether that is money.
        colours : sequence of str, optional
            One per point; otherwise adaptive strategies and fixed splits have a colour each.
        """
        shades = colours or [VARIANTS[0] if one.adaptive else CONTROL for one in points]
        right = max((one.regret + _WHISKER * one.regret_se for one in points), default=0.0) or 1.0
        top = max((100 * (one.wrong + _WHISKER * one.wrong_se) for one in points), default=0.0) or 1.0
        # A gain is a loss below 0: it has to be in sight too.
        left = min((one.regret - _WHISKER * one.regret_se for one in points), default=0.0)
        left = left * 1.08 if left < -0.03 * right else 0.0
        dots = sizes(points)
        late = [one.regret - left > 0.55 * (right - left) for one in points]
        self.figure.x_range.start, self.figure.x_range.end = left - 0.03 * (right - left), 1.08 * right
        self.figure.y_range.start, self.figure.y_range.end = -0.04 * top, 1.15 * top
        self.figure.xaxis.axis_label = PlainText(text=label)
        self.figure.xaxis.formatter = NumeralTickFormatter(format=DOLLARS if dollars else PLAIN)
        # Names stand beyond the whiskers, and out of each other's way.
        ends = [
            one.regret + (-1 if end else 1) * _WHISKER * one.regret_se for one, end in zip(points, late, strict=True)
        ]
        heights = [100 * one.wrong for one in points]
        # As wide as on a phone, where a letter takes a fortieth of the figure.
        longest = max((len(short(one.name)) for one in points), default=0)
        wide, line = (0.06 + 0.023 * longest) * (right - left), 0.085 * top
        names = apart(
            list(zip(ends, heights, strict=True)), wide, line, 1.1 * top, 0.0,
            [(one.regret, height) for one, height in zip(points, heights, strict=True)], late,
        )  # fmt: skip
        moved = [k for k in range(len(points)) if abs(names[k] - heights[k]) > line]
        self.leads.data = {
            "x0": [points[k].regret for k in moved],
            "y0": [heights[k] for k in moved],
            "x1": [ends[k] for k in moved],
            "y1": [names[k] for k in moved],
        }
        data: dict[str, list[Any]] = {
            "x": [one.regret for one in points], "y": heights, "nx": ends,
            "ny": names,
            "x0": [max(min(0.0, one.regret), one.regret - _WHISKER * one.regret_se) if left == 0.0
                   else one.regret - _WHISKER * one.regret_se for one in points],
            "x1": [one.regret + _WHISKER * one.regret_se for one in points],
            "y0": [max(0.0, 100 * (one.wrong - _WHISKER * one.wrong_se)) for one in points],
            "y1": [100 * (one.wrong + _WHISKER * one.wrong_se) for one in points],
            "mark": [marker(i) for i in range(len(points))], "size": dots, "colour": list(shades),
            "name": [plain(short(one.name)) for one in points],
            "align": ["right" if end else "left" for end in late],
            "shift": [(-1 if end else 1) * (size / 2 + 5) for end, size in zip(late, dots, strict=True)],
            "said": [one.said for one in points],
        }  # fmt: skip
        self.source.data = data
        best = efficient(tuple(points))
        self.edge.data = {"x": [one.regret for one in best], "y": [100 * one.wrong for one in best]}
