"""How sure the data are, day by day, against the threshold of the stopping rule."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from bokeh.models import ColumnDataSource, Span

from expsim_panel.daily import Daily
from expsim_panel.plots._frame import add, day_axis, frame, halo, hover, ink, label_ink, short
from expsim_panel.plots._palette import colour
from expsim_panel.plots._policies import clear
from expsim_panel.quantities import percent


class Confidence:
    """P(best) of every arm for a Bayesian rule, z of every variant with the bounds of the looks otherwise."""

    def __init__(self, dark: bool = False) -> None:
        self.figure = frame("Confidence", "Days", "Confidence", y_range=(0.0, 1.0))
        self.lines = ColumnDataSource({"day": [], "value": [], "colour": []})
        self.dots = ColumnDataSource({"day": [], "value": [], "colour": [], "said": []})
        self.bars = ColumnDataSource({"day": [], "bound": [], "said": []})
        self.ends = ColumnDataSource({"day": [], "value": [], "name": [], "colour": []})
        self.note = ColumnDataSource({"day": [], "value": [], "name": []})
        self.figure.multi_line("day", "value", source=self.lines, line_color="colour", line_width=2.5)
        dots = self.figure.scatter("day", "value", source=self.dots, size=5, color="colour")
        steps = self.figure.line("day", "bound", source=self.bars, line_dash="dashed", line_width=1.5)
        marks = self.figure.scatter("day", "bound", source=self.bars, marker="dash", size=12, line_width=2.5)
        self._bars = (steps, marks)
        hover(self.figure, [dots, steps, marks], "<div style='max-width:260px'>@said</div>")
        self.names = self.figure.text(
            "day", "value", text="name", source=self.ends, text_color="colour", text_align="right",
            text_baseline="bottom", x_offset=-6, y_offset=-7, text_font_size="12px", text_font_style="bold",
        )  # fmt: skip
        self.note_text = self.figure.text(
            "day", "value", text="name", source=self.note, text_align="right", text_baseline="bottom",
            y_offset=-4, text_font_size="11px",
        )  # fmt: skip
        self.zero = Span(location=0, dimension="width", line_width=1.0)
        self.stop = Span(location=0, dimension="height", line_width=1.5, line_dash="dotted")
        self.figure.add_layout(self.zero)
        self.figure.add_layout(self.stop)
        self.paint(dark)

    def paint(self, dark: bool) -> None:
        """Take the text colours of a mode."""
        muted = ink(dark).muted
        self.names.glyph.text_color = label_ink(dark)
        halo(self.names, dark)
        self.note_text.glyph.text_color = self.zero.line_color = muted
        self.stop.line_color = ink(dark).text
        for bar in self._bars:
            bar.glyph.line_color = muted

    def show(self, seen: Daily) -> None:
        """Show another experiment."""
        day_axis(self.figure, seen.planned, seen.tick)
        self.stop.location, self.stop.visible = seen.day, seen.code != 0
        if seen.p_best is not None:
            self._posterior(seen)
        else:
            self._statistic(seen)

    def _posterior(self, seen: Daily) -> None:
        table = 100 * np.asarray(seen.p_best)
        asked = 100 * float(seen.confidence or 0)
        self.figure.title.text = f"Chance to be best: the rule asks for {percent(asked / 100, 0)}"
        self.figure.yaxis.axis_label.text = "Chance to be best, %"
        self._lines(table, seen, 0, lambda name, value: f"{name} is best with a chance of {percent(value / 100)}")
        across = [0, seen.planned]
        said = f"Threshold of the rule: {percent(asked / 100)}"
        self.bars.data = {"day": across, "bound": [asked, asked], "said": [said] * 2}
        self.note.data = {"day": [seen.planned], "value": [asked], "name": ["stops from here"]}
        self.zero.visible = False
        self.figure.y_range.start, self.figure.y_range.end = -4, 112
        self._part()

    def _part(self) -> None:
        """Move the names at the ends of the lines apart."""
        self.ends.data = {**self.ends.data, "value": clear(self.ends.data["value"], self.figure)}

    def _statistic(self, seen: Daily) -> None:
        self.figure.title.text = "Evidence: difference in standard errors (z)"
        self.figure.yaxis.axis_label.text = "Standard errors from 0 (z)"
        self._lines(seen.z, seen, 1, lambda name, value: f"{name} is {value:+.2f} standard errors from no difference")
        self.zero.visible = True
        days, upper, lower = np.empty(0), np.empty(0), np.empty(0)
        if seen.bounds is not None:
            days, upper, lower = seen.bounds.days, seen.bounds.upper, seen.bounds.lower
        top = 1.25 * max(3.0, _largest(upper[upper < 6]), _largest(np.abs(seen.z)))
        columns: dict[str, list[object]] = {"day": [], "bound": [], "said": []}
        sides = [(upper, "stops beyond"), (lower, "stops beyond")]
        if seen.bounds is not None and seen.bounds.inner is not None:
            sides += [(seen.bounds.inner, "gives up within"), (-seen.bounds.inner, "gives up within")]
        for side, what in sides:
            for d, b in zip(days, side, strict=True):
                if np.isfinite(b) and abs(b) <= top:
                    columns["day"].append(int(d))
                    columns["bound"].append(float(b))
                    columns["said"].append(f"Look on {seen.tick} {d}: {what} z = {b:+.2f}")
            columns["day"].append(float("nan"))
            columns["bound"].append(float("nan"))
            columns["said"].append("")
        self.bars.data = columns
        # Above the lower bounds, which come up to it from below: beside the upper ones the words would be crossed.
        drawn = [b for b in (lower, upper) if b.size and np.isfinite(b[-1]) and abs(b[-1]) <= top]
        where = (
            {"day": [seen.planned], "value": [float(drawn[0][-1])], "name": ["stops beyond"]}
            if drawn
            else {"day": [], "value": [], "name": []}
        )
        self.note.data = where
        self.figure.y_range.start, self.figure.y_range.end = -top, top
        self._part()

    def _lines(self, table: np.ndarray, seen: Daily, first: int, say: Callable[[str, float], str]) -> None:
        """Draw the columns of `table`; column 0 belongs to arm `first`."""
        ends: dict[str, list[object]] = {"day": [], "value": [], "name": [], "colour": []}
        lines: dict[str, list[object]] = {"day": [], "value": [], "colour": []}
        dots: dict[str, list[object]] = {"day": [], "value": [], "colour": [], "said": []}
        for i in range(table.shape[1]):
            name, shade = seen.names[i + first], colour(i + first)
            kept = np.flatnonzero(np.isfinite(table[:, i]))
            if not kept.size:
                continue
            values = table[kept, i]
            add(lines, kept + 1, values, shade)
            for d, value in zip(kept, values, strict=True):
                add(dots, d + 1, value, shade, f"{seen.tick.capitalize()} {d + 1}: {say(name, float(value))}")
            add(ends, kept[-1] + 1, values[-1], short(name), shade)
        self.lines.data, self.dots.data, self.ends.data = lines, dots, ends


def _largest(values: np.ndarray) -> float:
    """Return the largest finite value; 0 where there is none."""
    finite = values[np.isfinite(values)]
    return float(finite.max()) if finite.size else 0.0
