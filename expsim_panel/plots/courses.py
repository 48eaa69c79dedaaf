"""One quantity over time (or over another), a line per policy: means, the spread of one, a reference line."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from bokeh.models import ColumnDataSource, CustomJS, NumeralTickFormatter, PlainText

from expsim_panel.plots._dress import dress
from expsim_panel.plots._frame import frame, hover, ink, plain
from expsim_panel.plots._palette import CONTROL
from expsim_panel.plots._policies import short, spread, styles

Floats = npt.NDArray[np.float64]

DOLLARS, PLAIN = "$0,0[.]00", "0,0[.]00"
ROOM = 1.32
"""Right end of the axis until the browser knows its width: names stand beside the ends of their lines."""
FIT = """
// Unset until the figure is laid out: reading it would be an error.
const wide = plot.properties.inner_width.is_unset ? 0 : plot.inner_width, {x, name} = ends.data, last = range.tags[0];
if (!wide || !last || !name.length) return;
let right = 1.04 * last;
for (let i = 0; i < name.length; i++) {
  const left = wide - 12 - 6.3 * name[i].length;
  right = Math.max(right, x[i] * wide / Math.max(left, 0.45 * wide));
}
if (Math.abs(range.end - right) > 1e-3 * last) range.end = right;
const few = wide * last / right < 240 ? 2 : 5;
for (const axis of plot.below) if (axis.ticker) axis.ticker.desired_num_ticks = few;
"""
"""Ends the axis where the longest name ends, but leaves the lines near half of a narrow figure."""
WHISKER = 1.96
ASKED = 40
"""Points of a line that the pointer can ask."""


@dataclass(frozen=True)
class Line:
    """One policy's line.

    Attributes
    ----------
    name : str
        The policy.
    x, y : ndarray, shape (points,)
        The line.
    se : float
        Simulation error at its end.
    band : ndarray, shape (2, points), or None
        Range of nine experiments in ten.
    said : mapping of int to str
        What the pointer is told, by point; plain text.
    """

    name: str
    x: Floats
    y: Floats
    se: float
    band: Floats | None
    said: Mapping[int, str]


@dataclass(frozen=True)
class Curves:
    """What one figure shows.

    Attributes
    ----------
    title, x_label, y_label : str
        Words; the title says whose band is shaded by itself.
    lines : sequence of Line
        One per policy, in the order of the policies.
    end : float
        Where the horizontal axis ends.
    reference : tuple of (x, y, name), or None
        A dashed or dotted line with its name, such as a bound or a budget.
    x_format, y_format : str
        Bokeh's formats of numbers.
    most : float or None
        Where the vertical axis has to end, such as 100 %.
    """

    title: str
    x_label: str
    y_label: str
    lines: Sequence[Line]
    end: float
    reference: tuple[Floats, Floats, str] | None = None
    x_format: str = "0,0"
    y_format: str = PLAIN
    most: float | None = None


def asked_at(size: int) -> list[int]:
    """Return the points of a line that the pointer can ask."""
    return [int(k) for k in np.unique(np.linspace(0, size - 1, ASKED).astype(int))]


def titled(title: str, name: str, banded: bool = True) -> str:
    """Return a figure's title, which says whose spread is shaded."""
    return f"{title} (band: {short(name, 20)})" if banded else title


class CoursePlot:
    """One figure; made once, then shown new results."""

    dash: Any = (6, 4)
    """Of the reference line."""
    apart = False
    """Whether the reference has its name inside the figure; otherwise beside its end, as the lines have."""
    says_band = False
    """Whether the title says whose spread is shaded; otherwise the thick line does."""

    def __init__(self, dark: bool = False, height: int = 340, title: str = "") -> None:
        self.figure = frame(title, "Requests", "", height=height, x_range=(0.0, 1.0), y_range=(0.0, 1.0))
        self.figure.yaxis.axis_label_standoff = 6
        self.lines = ColumnDataSource({"xs": [], "ys": [], "colour": [], "dash": [], "width": []}, name="regret-lines")
        self.band = ColumnDataSource({"x": [], "low": [], "high": []}, name="regret-band")
        self.bound = ColumnDataSource({"x": [], "y": []}, name="lai-robbins")
        self.ends = ColumnDataSource({"x": [], "y": [], "at": [], "low": [], "high": [], "name": [], "colour": []})
        self.points = ColumnDataSource({"x": [], "y": [], "said": []})
        self.shade = self.figure.varea("x", "low", "high", source=self.band, fill_alpha=0.2)
        self.floor = self.figure.line("x", "y", source=self.bound, line_dash=list(self.dash), line_width=1.5)
        self.figure.multi_line("xs", "ys", source=self.lines, line_color="colour", line_dash="dash", line_width="width")
        self.whisker = self.figure.segment("x", "low", "x", "high", source=self.ends, line_width=1.5)
        self.names = self.figure.text(
            "x", "at", text="name", source=self.ends, text_align="left", text_baseline="middle", x_offset=5,
            text_font_size="12px",
        )  # fmt: skip
        self.bound_name = self.figure.text(
            "x", "y", text="name", source=ColumnDataSource({"x": [], "y": [], "name": []}), text_align="left",
            text_baseline="middle", text_font_size="12px", x_offset=6,
        )  # fmt: skip
        dots = self.figure.scatter("x", "y", source=self.points, size=9, fill_alpha=0.0, line_alpha=0.0)
        hover(self.figure, [dots], "<div style='max-width:280px'>@said</div>")
        # How much room names need is known in the browser alone.
        fit = CustomJS(args={"plot": self.figure, "range": self.figure.x_range, "ends": self.ends}, code=FIT)
        self.figure.js_on_change("inner_width", fit)
        self.ends.js_on_change("data", fit)
        self.figure.xaxis.ticker.desired_num_ticks = 5
        self.paint(dark)

    def paint(self, dark: bool) -> None:
        """Take the colours of a mode."""
        colours = ink(dark)
        dress(self.figure, colours)
        self.floor.glyph.line_color = colours.muted
        self.bound_name.glyph.text_color = colours.muted
        self.names.glyph.text_color = colours.text
        self.whisker.glyph.line_color = colours.text

    def draw(self, shown: Curves, chosen: str) -> None:
        """Show lines with the spread of one policy."""
        looks = styles([one.name for one in shown.lines])
        focus = next((i for i, one in enumerate(shown.lines) if one.name == chosen), 0)
        end = [float(one.y[-1]) for one in shown.lines]
        error = [WHISKER * one.se for one in shown.lines]
        bottom, top = self._scale(shown, focus)
        plot = self.figure
        plot.x_range.tags = [shown.end]
        plot.x_range.start, plot.x_range.end = 0.0, shown.end * ROOM
        plot.xaxis.bounds = plot.xgrid.bounds = (0.0, shown.end)
        plot.y_range.start, plot.y_range.end = bottom, top
        plot.xaxis.axis_label, plot.yaxis.axis_label = PlainText(text=shown.x_label), PlainText(text=shown.y_label)
        plot.yaxis.formatter = NumeralTickFormatter(format=shown.y_format)
        plot.xaxis.formatter = NumeralTickFormatter(format=shown.x_format)
        own = self.focused(shown, focus)
        plot.title.text, self.shade.glyph.fill_color = own["title"], own["colour"]
        self.band.data = own["band"]
        self.lines.data = {
            "xs": [one.x for one in shown.lines], "ys": [one.y for one in shown.lines],
            "colour": [look.colour for look in looks], "dash": [look.dash for look in looks],
            "width": [3.0 if i == focus else 1.8 for i in range(len(end))],
        }  # fmt: skip
        self._refer(shown, bottom, top)
        across, names = [float(one.x[-1]) for one in shown.lines], [plain(short(one.name, 20)) for one in shown.lines]
        colours = [look.colour for look in looks]
        if shown.reference is not None and not self.apart:
            across.append(float(shown.reference[0][-1]))
            end.append(float(shown.reference[1][-1]))
            error.append(0.0)
            names.append(shown.reference[2])
            colours.append(CONTROL)
        room = top - bottom
        # A name is written around its height: it has to stay off the frame.
        heights = [max(y, bottom + 0.035 * room) for y in end]
        self.ends.data = {
            "x": across, "y": end, "at": spread(heights, 0.066 * room, bottom + 0.97 * room),
            "low": [y - e for y, e in zip(end, error, strict=True)],
            "high": [y + e for y, e in zip(end, error, strict=True)], "name": names, "colour": colours,
        }  # fmt: skip
        asked = [(one, k) for one in shown.lines for k in one.said]
        self.points.data = {
            "x": [float(one.x[k]) for one, k in asked], "y": [float(one.y[k]) for one, k in asked],
            "said": [one.said[k] for one, k in asked],
        }  # fmt: skip

    def focused(self, shown: Curves, index: int) -> dict[str, Any]:
        """Return what belongs to the policy in focus: title, colour, band, and the widths of all lines."""
        one = shown.lines[index]
        band = {"x": [], "low": [], "high": []} if one.band is None else {
            "x": one.x, "low": one.band[0], "high": one.band[1],
        }  # fmt: skip
        return {
            "title": titled(shown.title, one.name, self.says_band),
            "colour": styles([line.name for line in shown.lines])[index].colour, "band": band,
            "width": [3.0 if i == index else 1.8 for i in range(len(shown.lines))],
        }  # fmt: skip

    def _scale(self, shown: Curves, focus: int) -> tuple[float, float]:
        """Return the ends of the vertical axis: 0 is always in it."""
        if shown.most is not None:
            return 0.0, shown.most
        own = shown.lines[focus]
        ends = [float(one.y[-1]) for one in shown.lines]
        if own.band is not None:
            ends += [float(own.band[0].min()), float(own.band[1].max())]
        if shown.reference is not None:
            ends.append(float(shown.reference[1].max()))
        ends += [float(one.y.min()) for one in shown.lines]
        top = max(*ends, 1e-9) * 1.12
        least = min(*ends, 0.0)
        return (least * 1.12 if least < -0.02 * top else 0.0), max(top, -0.12 * least)

    def _refer(self, shown: Curves, bottom: float, top: float) -> None:
        """Draw the reference, its name a third along, or lower if it leaves the figure before that."""
        nothing: dict[str, Any] = {"x": [], "y": [], "name": []}
        if shown.reference is None:
            self.bound.data, self.bound_name.data_source.data = {"x": [], "y": []}, nothing
            return
        x, y, name = shown.reference
        inside = (y <= top) & (y >= bottom)
        self.bound.data = {"x": x[inside], "y": y[inside]}
        if not self.apart:
            self.bound_name.data_source.data = nothing
            return
        place = self._name_at(x[inside], y[inside], bottom, top, shown.end)
        self.bound_name.data_source.data = (
            nothing if place < 0 else {"x": [x[inside][place]], "y": [y[inside][place]], "name": [name]}
        )

    def _name_at(self, x: Floats, y: Floats, bottom: float, top: float, end: float) -> int:
        """Return the point of the reference beside which its name stands; -1 for none."""
        low = (y <= bottom + 0.8 * (top - bottom)) & (x <= end / 3)
        return int(low.sum()) - 1 if low.any() else -1
