"""Money spent so far, day by day, stacked by what it is spent on."""

from __future__ import annotations

import numpy as np
from bokeh.models import ColumnDataSource, NumeralTickFormatter

from expsim_panel.daily import Daily
from expsim_panel.plots._frame import add, day_axis, frame, hover, ink
from expsim_panel.plots._kinds import SHADES
from expsim_panel.plots._policies import clear
from expsim_panel.quantities import money, span

KINDS = {
    "generation": ("responses", "#5B6770"),
    "judge": ("LLM judge", SHADES["judge"]),
    "human": ("human labels", SHADES["human"]),
    "latency": ("waiting", "#A9B4BC"),
}
"""Words and colour of each kind of cost: judge and people as everywhere, the rest in greys, which name no variant."""

ROOM = 0.42
"""Of the plan, what stays free beside the last day, where the kinds are named."""


class CostOverTime:
    """Stacked areas with their totals written at the end."""

    def __init__(self, dark: bool = False) -> None:
        self.figure = frame("Spend", "Days", "Spend so far, $", y_range=(0.0, 1.0))
        self.figure.yaxis.formatter = NumeralTickFormatter(format="$0,0[.]00")
        empty: dict[str, list[float]] = {
            "day": [],
            "total": [],
            "said": [],
            **{f"{k}{end}": [] for k in KINDS for end in (0, 1)},
        }
        self.source = ColumnDataSource(empty)
        self.ends = ColumnDataSource({"day": [], "y": [], "name": []})
        for kind, (_, shade) in KINDS.items():
            self.figure.varea("day", f"{kind}0", f"{kind}1", source=self.source, fill_color=shade, fill_alpha=0.55)
        top = self.figure.line("day", "total", source=self.source, line_color="#5B6770", line_width=1.5)
        hover(self.figure, [top], "<div style='max-width:280px'>@said</div>")
        self.figure.hover.mode = "vline"
        self.names = self.figure.text(
            "day", "y", text="name", source=self.ends, text_align="left", text_baseline="middle", x_offset=6,
            text_font_size="12px",
        )  # fmt: skip
        self.paint(dark)

    def paint(self, dark: bool) -> None:
        """Take the text colours of a mode."""
        self.names.glyph.text_color = ink(dark).text

    def show(self, seen: Daily) -> None:
        """Show another experiment."""
        day_axis(self.figure, seen.planned, seen.tick)
        self.figure.x_range.end = max(self.figure.x_range.end, seen.day + ROOM * seen.planned)
        day = np.arange(0, seen.day + 1)
        kinds = {kind: np.append(0.0, seen.spent[kind]) for kind in KINDS}
        total = np.sum(list(kinds.values()), axis=0)
        columns: dict[str, object] = {"day": day, "total": total}
        ends: dict[str, list[object]] = {"day": [], "y": [], "name": []}
        base = np.zeros(day.size)
        whole = max(float(total[-1]), 1e-12)
        for kind, (word, _) in KINDS.items():
            columns[f"{kind}0"], columns[f"{kind}1"] = base, base + kinds[kind]
            if kinds[kind][-1] > 0.005 * whole:
                add(ends, seen.day, float(base[-1] + kinds[kind][-1] / 2), f"{word} {money(float(kinds[kind][-1]))}")
            base = base + kinds[kind]
        columns["said"] = [self._said(kinds, d, seen.tick) for d in range(day.size)]
        self.source.data = columns
        # Nothing spent: the scale of a dollar, not of rounding.
        self.figure.y_range.start, self.figure.y_range.end = 0.0, 1.12 * whole if total[-1] > 0 else 1.0
        ends["y"] = clear(ends["y"], self.figure)
        self.ends.data = ends
        self.figure.title.text = f"Spend: {money(float(total[-1]))} in {span(seen.day, seen.tick)}"

    def _said(self, kinds: dict[str, np.ndarray], d: int, tick: str) -> str:
        parts = [f"{word} {money(float(kinds[kind][d]))}" for kind, (word, _) in KINDS.items() if kinds[kind][-1] > 0]
        return f"By {tick} {d}: {', '.join(parts) or '$0'}"
