"""What each policy has lost so far, request by request: means, the spread of one, and the Lai-Robbins line."""

from __future__ import annotations

from typing import Any

import numpy as np
from bokeh.models import ColumnDataSource, NumeralTickFormatter, PlainText

from expsim_panel.bandit_verdict import lost
from expsim_panel.bandits import BanditResult, PolicyResult
from expsim_panel.plots._dress import dress
from expsim_panel.plots._frame import frame, hover, ink
from expsim_panel.plots._policies import short, spread, styles
from expsim_panel.quantities import count

DOLLARS, PLAIN = "$0,0[.]00", "0,0[.]00"
TITLE = "Lost so far"
ROOM = 1.32
"""Right end of the axis in horizons: names stand beside the ends of their lines."""
_WHISKER = 1.96


def unit(family: str, usd: float | None) -> str:
    """Return the label of an axis of regret."""
    if usd is not None:
        return "Lost against the best arm, $"
    return "Good answers lost" if family == "bernoulli" else "Reward lost, points"


def lai_robbins_line(found: BanditResult) -> np.ndarray:
    """Return ``C log t`` at every checkpoint; nan where the bound does not hold in the result's world."""
    if found.lai_robbins_reason:
        return np.full(found.checkpoints.size, np.nan)
    return np.asarray(found.lai_robbins * np.log(found.checkpoints), np.float64)


class BanditRegret:
    """One figure; made once, then shown new results."""

    def __init__(self, dark: bool = False, height: int = 340) -> None:
        self.figure = frame(TITLE, "Requests", "", height=height, x_range=(0.0, 1.0), y_range=(0.0, 1.0))
        self.figure.yaxis.axis_label_standoff = 6
        self.lines = ColumnDataSource({"xs": [], "ys": [], "colour": [], "dash": [], "width": []}, name="regret-lines")
        self.band = ColumnDataSource({"x": [], "low": [], "high": []}, name="regret-band")
        self.bound = ColumnDataSource({"x": [], "y": []}, name="lai-robbins")
        self.ends = ColumnDataSource({"x": [], "y": [], "at": [], "low": [], "high": [], "name": [], "colour": []})
        self.points = ColumnDataSource({"x": [], "y": [], "said": []})
        self.shade = self.figure.varea("x", "low", "high", source=self.band, fill_alpha=0.2)
        self.floor = self.figure.line("x", "y", source=self.bound, line_dash=[2, 4], line_width=1.5)
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
        self.paint(dark)

    def paint(self, dark: bool) -> None:
        """Take the colours of a mode."""
        colours = ink(dark)
        dress(self.figure, colours)
        self.floor.glyph.line_color = colours.muted
        self.bound_name.glyph.text_color = colours.muted
        self.names.glyph.text_color = colours.text
        self.whisker.glyph.line_color = colours.text

    def show(self, found: BanditResult, chosen: str, usd: float | None = None) -> None:
        """Show a result with the spread of one policy; in dollars where one unit of reward has a price."""
        scale = 1.0 if usd is None else usd
        looks = styles([one.name for one in found.policies])
        focus = next((i for i, one in enumerate(found.policies) if one.name == chosen), 0)
        one = found.policies[focus]
        at = found.checkpoints
        end = [scale * float(p.regret_over_time[-1]) for p in found.policies]
        error = [scale * _WHISKER * float(p.regret_se[-1]) for p in found.policies]
        top = max(*end, scale * float(one.band[2, -1]), 1e-9) * 1.12
        self.figure.x_range.start, self.figure.x_range.end = 0.0, float(found.horizon) * ROOM
        self.figure.xaxis.bounds = self.figure.xgrid.bounds = self.figure.ygrid.bounds = (0.0, float(found.horizon))
        self.figure.y_range.start, self.figure.y_range.end = 0.0, top
        self.figure.yaxis.axis_label = PlainText(text=unit(found.family, usd))
        self.figure.yaxis.formatter = NumeralTickFormatter(format=PLAIN if usd is None else DOLLARS)
        self.figure.xaxis.formatter = NumeralTickFormatter(format="0,0")
        self.figure.title.text = title(one.name)
        self.shade.glyph.fill_color = looks[focus].colour
        self.band.data = band(found, one, scale)
        self.lines.data = {
            "xs": [at] * len(end), "ys": [scale * p.regret_over_time for p in found.policies],
            "colour": [look.colour for look in looks], "dash": [look.dash for look in looks],
            "width": [3.0 if i == focus else 1.8 for i in range(len(end))],
        }  # fmt: skip
        bound = scale * lai_robbins_line(found)
        inside = bound <= top
        self.bound.data = {"x": at[inside], "y": bound[inside]}
        # Its name stands where the line is a third along, or lower if it leaves the figure before that.
        low = inside & (bound <= 0.8 * top) & (at <= found.horizon / 3)
        place = int(low.sum()) - 1 if low.any() and found.lai_robbins > 0 else -1
        near = {"x": [], "y": [], "name": []} if place < 0 else {
            "x": [at[place]], "y": [bound[place]], "name": ["Lai-Robbins, C log t"],
        }  # fmt: skip
        self.bound_name.data_source.data = near
        self.ends.data = {
            "x": [found.horizon] * len(end), "y": end, "at": spread(end, 0.066 * top, 0.97 * top),
            "low": [y - e for y, e in zip(end, error, strict=True)],
            "high": [y + e for y, e in zip(end, error, strict=True)],
            "name": [short(p.name, 17) for p in found.policies], "colour": [look.colour for look in looks],
        }  # fmt: skip
        self.points.data = _points(found, scale, usd)


def title(name: str) -> str:
    """Return the figure's title, which says whose spread is shaded."""
    return f"{TITLE} (band: {short(name, 20)})"


def band(found: BanditResult, one: PolicyResult, scale: float) -> dict[str, Any]:
    """Return the 5 to 95 % range of one policy over time."""
    return {"x": found.checkpoints, "low": scale * one.band[0], "high": scale * one.band[2]}


def _points(found: BanditResult, scale: float, usd: float | None) -> dict[str, Any]:
    """Return a few points of every line that the pointer can ask."""
    some = np.unique(np.linspace(0, found.checkpoints.size - 1, 40).astype(int))
    made: dict[str, list[Any]] = {"x": [], "y": [], "said": []}
    for one in found.policies:
        for k in some:
            value = float(one.regret_over_time[k])
            low, high = (lost(float(one.band[row, k]), found.family, usd) for row in (0, 2))
            made["x"].append(int(found.checkpoints[k]))
            made["y"].append(scale * value)
            made["said"].append(
                f"{one.name} after {count(float(found.checkpoints[k]))} requests: {lost(value, found.family, usd)} "
                f"lost on average, nine experiments in ten {low} to {high}"
            )
    return made
