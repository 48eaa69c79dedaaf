"""Regret of policies over any one number: lines with their simulation errors, the spread of one shaded."""

from __future__ import annotations

import numpy as np
from bokeh.models import BasicTicker, ColumnDataSource, NumeralTickFormatter, PlainText

from expsim_panel.bandit_curves import RegretCurve
from expsim_panel.bandit_verdict import lost
from expsim_panel.plots._dress import dress
from expsim_panel.plots._frame import add, frame, hover, ink, plain
from expsim_panel.plots._policies import short, spread, styles
from expsim_panel.plots.bandit_regret import DOLLARS, PLAIN, unit
from expsim_panel.quantities import percent

_WHISKER = 1.96


class RegretOverParameter:
    """One figure; made once, then shown new curves."""

    def __init__(self, dark: bool = False, height: int = 340) -> None:
        self.figure = frame("", "", "", height=height, x_range=(0.0, 1.0), y_range=(0.0, 1.0))
        self.lines = ColumnDataSource({"xs": [], "ys": [], "colour": [], "dash": []}, name="curve-lines")
        self.points = ColumnDataSource({name: [] for name in ("x", "y", "low", "high", "colour", "mark", "said")})
        self.ends = ColumnDataSource({"x": [], "y": [], "name": []})
        self.figure.multi_line("xs", "ys", source=self.lines, line_color="colour", line_dash="dash", line_width=2)
        self.whisker = self.figure.segment("x", "low", "x", "high", source=self.points, line_width=1.5)
        dots = self.figure.scatter(
            "x", "y", source=self.points, marker="mark", size=7, fill_color="colour", line_color="colour"
        )
        hover(self.figure, [dots], "<div style='max-width:280px'>@said</div>")
        self.names = self.figure.text(
            "x", "y", text="name", source=self.ends, text_align="left", text_baseline="middle", x_offset=6,
            text_font_size="12px",
        )  # fmt: skip
        self.figure.xaxis.ticker = BasicTicker(desired_num_ticks=5)
        self.paint(dark)

    def paint(self, dark: bool) -> None:
        """Take the colours of a mode."""
        dress(self.figure, ink(dark))
        self.names.glyph.text_color = self.whisker.glyph.line_color = ink(dark).text

    def show(self, made: RegretCurve, usd: float | None = None) -> None:
        """Show a curve; in dollars where one unit of reward has a price."""
        scale = 1.0 if usd is None else usd
        looks, x = styles(made.names), made.values
        span = max(float(np.ptp(x)), 1e-12)
        top = max(float(scale * (made.regret + _WHISKER * made.regret_se).max()), 1e-9) * 1.14
        self.figure.x_range.start, self.figure.x_range.end = x[0] - 0.02 * span, x[-1] + 0.32 * span
        self.figure.xaxis.bounds = self.figure.xgrid.bounds = self.figure.ygrid.bounds = (float(x[0]), float(x[-1]))
        self.figure.y_range.start, self.figure.y_range.end = 0.0, top
        self.figure.title.text = plain(f"Lost, over {made.label[:1].lower()}{made.label[1:]}")
        self.figure.xaxis.axis_label = PlainText(text=plain(f"{made.label} ({made.path})"))
        self.figure.yaxis.axis_label = PlainText(text=unit(made.family, usd))
        self.figure.yaxis.formatter = NumeralTickFormatter(format=PLAIN if usd is None else DOLLARS)
        self.figure.xaxis.formatter = NumeralTickFormatter(format="0,0.[000]")
        points: dict[str, list[object]] = {name: [] for name in self.points.data}
        for i, name in enumerate(made.names):
            for j, at in enumerate(x):
                value, error = float(made.regret[i, j]), float(made.regret_se[i, j])
                low, high = (lost(float(ends[i, j]), made.family, usd) for ends in (made.low, made.high))
                said = (
                    f"{name} at {at:.4g}: {lost(value, made.family, usd)} lost on average, nine experiments in ten "
                    f"{low} to {high}; "
                    f"keeps a lesser arm in {percent(float(made.wrong[i, j]))}"
                )
                off = _WHISKER * error
                add(
                    points,
                    at,
                    scale * value,
                    scale * (value - off),
                    scale * (value + off),
                    looks[i].colour,
                    looks[i].marker,
                    said,
                )
        self.points.data = points
        self.lines.data = {
            "xs": [x] * len(made.names), "ys": [scale * row for row in made.regret],
            "colour": [look.colour for look in looks], "dash": [look.dash for look in looks],
        }  # fmt: skip
        end = [scale * float(row[-1]) for row in made.regret]
        self.ends.data = {
            "x": [x[-1]] * len(end), "y": spread(end, 0.066 * top, 0.97 * top),
            "name": [plain(short(name, 17)) for name in made.names],
        }  # fmt: skip
