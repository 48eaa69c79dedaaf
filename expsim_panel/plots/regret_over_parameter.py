"""Regret of policies over any one number: lines with their simulation errors, the spread of one shaded."""

from __future__ import annotations

from textwrap import wrap

import numpy as np
from bokeh.models import BasicTicker, ColumnDataSource, NumeralTickFormatter, PlainText

from expsim_panel.bandit_curves import RegretCurve
from expsim_panel.bandit_verdict import DOLLARS as IN_DOLLARS
from expsim_panel.bandit_verdict import lost
from expsim_panel.plots._dress import dress
from expsim_panel.plots._frame import add, frame, hover, ink, plain
from expsim_panel.plots._policies import short, spread, styles
from expsim_panel.plots.bandit_regret import DOLLARS, PLAIN, unit
from expsim_panel.quantities import percent
from expsim_panel.response_surface import MONEY, is_share, written
from expsim_panel.varied import FIGURES, LOST, WRONG

_WHISKER = 1.96
LETTERS = 42
"""Letters of a title that a phone's width holds."""


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

    def show(self, made: RegretCurve, usd: float | None = None, figure: str = LOST) -> None:
        """Show one of a curve's figures; what is lost in dollars where one unit of reward has a price."""
        table, errors = made.figures[figure], made.errors[figure]
        scale = 1.0 if usd is None or figure != LOST else usd
        looks, x = styles(made.names), made.values
        span = max(float(np.ptp(x)), 1e-12)
        off = _WHISKER * scale * errors
        top = max(float((scale * table + off).max()), 1e-9) * 1.14
        lowest = float((scale * table - off).min())
        bottom = min(0.0, 1.14 * lowest if (scale * table).min() < 0.0 else 0.0)
        self.figure.x_range.start, self.figure.x_range.end = x[0] - 0.02 * span, x[-1] + 0.32 * span
        self.figure.xaxis.bounds = self.figure.xgrid.bounds = self.figure.ygrid.bounds = (float(x[0]), float(x[-1]))
        self.figure.y_range.start, self.figure.y_range.end = bottom, top
        words = "Lost" if figure == LOST else FIGURES[figure].removesuffix(", $")
        title = f"{words}, over {made.label[:1].lower()}{made.label[1:]}"
        # A title on a canvas does not wrap by itself, and a phone would cut it.
        self.figure.title.text = "\n".join(wrap(plain(title), LETTERS))
        self.figure.xaxis.axis_label = PlainText(text=plain(f"{made.label} ({made.path})"))
        self.figure.yaxis.axis_label = PlainText(text=unit(made.family, usd) if figure == LOST else FIGURES[figure])
        dollars = figure in MONEY or (figure == LOST and (usd is not None or made.family == IN_DOLLARS))
        form = "0 %" if is_share(figure) else DOLLARS if dollars else PLAIN
        self.figure.yaxis.formatter = NumeralTickFormatter(format=form)
        self.figure.xaxis.formatter = NumeralTickFormatter(format="0,0.[000]")
        points: dict[str, list[object]] = {name: [] for name in self.points.data}
        for i, name in enumerate(made.names):
            for j, at in enumerate(x):
                value = scale * float(table[i, j])
                add(
                    points, at, value, value - off[i, j], value + off[i, j], looks[i].colour, looks[i].marker,
                    f"{name} at {at:.4g}: {_said(made, figure, usd, i, j)}",
                )  # fmt: skip
        self.points.data = points
        self.lines.data = {
            "xs": [x] * len(made.names), "ys": [scale * row for row in table],
            "colour": [look.colour for look in looks], "dash": [look.dash for look in looks],
        }  # fmt: skip
        end = [scale * float(row[-1]) for row in table]
        self.ends.data = {
            "x": [x[-1]] * len(end), "y": spread(end, 0.066 * (top - bottom), 0.97 * top),
            "name": [plain(short(name, 20)) for name in made.names],
        }  # fmt: skip


def _said(made: RegretCurve, figure: str, usd: float | None, i: int, j: int) -> str:
    """Say one point in words."""
    value = float(made.figures[figure][i, j])
    if figure != LOST:
        return f"{FIGURES[figure].removesuffix(', $').lower()} {written(figure, value)} on average"
    low, high = (lost(float(ends[i, j]), made.family, usd) for ends in (made.low, made.high))
    said = f"{lost(value, made.family, usd)} lost on average, nine experiments in ten {low} to {high}"
    wrong = made.figures.get(WRONG)
    return said if wrong is None else f"{said}; keeps a lesser arm in {percent(float(wrong[i, j]))}"
