"""Estimated effect of every variant, day by day, with its interval band."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from bokeh.models import ColumnDataSource, Label, Span

from expsim_panel.daily import Daily
from expsim_panel.plots._frame import add, day_axis, frame, halo, hover, ink, label_ink, plain, short
from expsim_panel.plots._palette import colour
from expsim_panel.plots._policies import clear
from expsim_panel.quantities import PP, effect_unit, percent
from expsim_panel.quantities import effect as effect_text


class EffectOverTime:
    """Lines and bands per variant; made once, then shown new data."""

    def __init__(self, dark: bool = False) -> None:
        self.figure = frame("Effect over control", "Days", "Effect", y_range=(-1.0, 1.0))
        self.bands = ColumnDataSource({"day": [], "edge": [], "colour": []})
        self.lines = ColumnDataSource({"day": [], "effect": [], "colour": []})
        self.dots = ColumnDataSource({"day": [], "effect": [], "colour": [], "said": []})
        self.ends = ColumnDataSource({"day": [], "effect": [], "name": [], "colour": []})
        self.needed = ColumnDataSource({"day": [], "up": [], "down": [], "said": []})
        # One glyph for all variants: a figure with three per variant takes ten times as long to make.
        self.figure.patches("day", "edge", source=self.bands, fill_color="colour", fill_alpha=0.17, line_color=None)
        self.figure.multi_line("day", "effect", source=self.lines, line_color="colour", line_width=2.5)
        dots = self.figure.scatter("day", "effect", source=self.dots, size=5, color="colour")
        bars = self.figure.scatter("day", "up", source=self.needed, marker="dash", size=16, line_width=2.5)
        below = self.figure.scatter("day", "down", source=self.needed, marker="dash", size=16, line_width=2.5)
        self._bars = (bars, below)
        hover(self.figure, [dots], "<div style='max-width:260px'>@said</div>")
        hover(self.figure, [bars], "<div style='max-width:260px'>@said</div>")
        self.names = self.figure.text(
            "day", "effect", text="name", source=self.ends, text_color="colour", text_align="right",
            text_baseline="bottom", x_offset=-6, y_offset=-7, text_font_size="12px", text_font_style="bold",
        )  # fmt: skip
        self.zero = Span(location=0, dimension="width", line_width=1.5)
        self.matters = Span(location=0, dimension="width", line_dash="dashed")
        self.stop = Span(location=0, dimension="height", line_width=1.5, line_dash="dotted")
        self.matters_label = Label(
            x=0, y=0, text="smallest that matters", text_font_size="11px", x_offset=4, y_offset=2
        )
        self.zero_label = Label(
            x=0, y=0, text="as good as control", text_font_size="11px", text_baseline="top", x_offset=4, y_offset=-3
        )
        for shape in (self.zero, self.matters, self.stop, self.matters_label, self.zero_label):
            self.figure.add_layout(shape)
        self.paint(dark)

    def paint(self, dark: bool) -> None:
        """Take the text colours of a mode."""
        muted = ink(dark).muted
        self.names.glyph.text_color = label_ink(dark)
        halo(self.names, dark)
        self.matters_label.text_color = self.zero_label.text_color = muted
        self.zero.line_color = self.matters.line_color = muted
        self.stop.line_color = ink(dark).text
        for bar in self._bars:
            bar.glyph.line_color = muted

    def show(self, seen: Daily) -> None:
        """Show another experiment."""
        factor, unit = effect_unit(seen.family == "binary")
        day = np.arange(1, seen.day + 1)
        day_axis(self.figure, seen.planned, seen.tick)
        self.figure.yaxis.axis_label.text = f"Better {short(seen.metric, 18)}, {PP if factor > 1 else unit}"
        ends: dict[str, list[object]] = {"day": [], "effect": [], "name": [], "colour": []}
        bands: dict[str, list[object]] = {"day": [], "edge": [], "colour": []}
        lines: dict[str, list[object]] = {"day": [], "effect": [], "colour": []}
        dots: dict[str, list[object]] = {"day": [], "effect": [], "colour": [], "said": []}
        for i in range(seen.effect.shape[1]):
            kept = np.flatnonzero(np.isfinite(seen.effect[:, i]))
            if not kept.size:
                continue
            shade, effect = colour(i + 1), factor * seen.effect[kept, i]
            there_and_back = np.concatenate([day[kept], day[kept][::-1]])
            edge = factor * np.concatenate([seen.low[kept, i], seen.high[kept, i][::-1]])
            add(bands, there_and_back, edge, shade)
            add(lines, day[kept], effect, shade)
            for d, value in zip(kept, effect, strict=True):
                add(dots, d + 1, value, shade, self._said(seen, i, int(d)))
            add(ends, day[kept[-1]], effect[-1], short(seen.names[i + 1]), shade)
        self.bands.data, self.lines.data, self.dots.data = bands, lines, dots
        self._bounds(seen, factor)
        self.stop.location, self.stop.visible = seen.day, seen.code != 0
        self.matters.location = self.matters_label.y = factor * seen.indifference
        self.matters.visible = self.matters_label.visible = seen.indifference > 0
        self.figure.title.text = plain(f"Effect: {replace(seen, names=tuple(map(short, seen.names))).ending}")
        self._scale(seen, factor)
        ends["effect"] = clear(ends["effect"], self.figure)
        self.ends.data = ends

    def _bounds(self, seen: Daily, factor: float) -> None:
        """Mark the effect that each look asked for."""
        days = seen.bounds.days[: seen.needed.size] if seen.bounds is not None else np.empty(0)
        kept = np.isfinite(seen.needed)
        said = [
            f"Look on {seen.tick} {d}: stops beyond {effect_text(float(e), seen.family)}"
            for d, e in zip(days[kept], seen.needed[kept], strict=True)
        ]
        down = -factor * seen.needed[kept]
        if seen.bounds is not None and not np.isfinite(seen.bounds.lower).any():
            down = np.full(kept.sum(), np.nan)
        self.needed.data = {"day": days[kept], "up": factor * seen.needed[kept], "down": down, "said": said}

    def _scale(self, seen: Daily, factor: float) -> None:
        """Show the last three quarters of the days in full; the first days' intervals may leave the picture."""
        settled = slice(len(seen.effect) // 4, None)
        ends = np.concatenate([seen.low[settled].ravel(), seen.high[settled].ravel(), [0.0, seen.indifference]])
        ends = factor * ends[np.isfinite(ends)]
        room = 0.12 * max(float(np.ptp(ends)), 1e-9)
        self.figure.y_range.start, self.figure.y_range.end = float(ends.min() - room), float(ends.max() + 1.6 * room)

    def _said(self, seen: Daily, i: int, d: int) -> str:
        low, point, high = (effect_text(float(v[d, i]), seen.family) for v in (seen.low, seen.effect, seen.high))
        interval = f"{percent(seen.level, 0)} interval {low} to {high}"
        return f"{seen.tick.capitalize()} {d + 1}: {seen.names[i + 1]} shows {point} better {seen.metric}, {interval}"
