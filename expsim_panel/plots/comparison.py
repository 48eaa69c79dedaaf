"""The strategies side by side: right decisions, false launches, days and cost."""

from __future__ import annotations

from typing import Any

from bokeh.models import ColumnDataSource, FactorRange, NumeralTickFormatter, Span
from bokeh.plotting import figure

from expsim_panel.exact import Exact
from expsim_panel.plots._frame import frame, hover, ink, plain
from expsim_panel.plots._palette import WARNING, marker
from expsim_panel.quantities import clock, days, money, percent
from expsim_panel.results import Figure, Result
from expsim_panel.world_words import LIVE, words_of

PANELS: dict[str, tuple[str, str, Any]] = {
    "p_correct": ("Right decisions", "Share of experiments, %", percent),
    "false_launch": ("False launches, if nothing is better", "Share of experiments, %", percent),
    "days": (LIVE.until, "Days", days),
    "cost": ("Cost of the experiment", "Cost, $", money),
}
"""Per figure of the report: title, axis and formatter."""

_SHARES = ("p_correct", "false_launch")
_WHISKER = 1.96


class Comparison:
    """One small figure per panel; made once, then shown new results."""

    def __init__(self, dark: bool = False) -> None:
        self.figures: dict[str, figure] = {}
        self.sources: dict[str, ColumnDataSource] = {}
        self.exact: dict[str, ColumnDataSource] = {}
        self._dots: list[Any] = []
        self._rungs: list[Any] = []
        self._time = 1.0
        for key, (title, axis, _) in PANELS.items():
            made = frame(title, axis, "", height=230, y_range=FactorRange(factors=["-"]))
            source = ColumnDataSource(
                {name: [] for name in ("name", "value", "low", "high", "q05", "q95", "mark", "size", "said")}
            )
            known = ColumnDataSource({"name": [], "value": [], "said": []})
            made.hbar(
                "name",
                left="q05",
                right="q95",
                height=0.34,
                source=source,
                fill_color="#56B4E9",
                fill_alpha=0.3,
                line_color=None,
            )
            whisker = made.segment("low", "name", "high", "name", source=source, line_width=1.5)
            dots = made.scatter("value", "name", source=source, marker="mark", size="size")
            rings = made.scatter("value", "name", source=known, marker="dash", angle=1.5708, size=26, line_width=1.5)
            hover(made, [dots], "<div style='max-width:280px'>@said</div>")
            hover(made, [rings], "<div style='max-width:280px'>@said</div>")
            made.ygrid.grid_line_color = None
            # Room for the names, so that headings stand at the edge here too.
            made.min_border_left, made.title.offset = 92, -84
            made.yaxis.axis_label = None
            made.x_range.start = 0
            if key == "cost":
                made.xaxis.formatter = NumeralTickFormatter(format="$0,0[.]00")
            if key == "false_launch":
                made.add_layout(Span(location=5, dimension="height", line_color=WARNING, line_dash="dotted"))
            self.figures[key], self.sources[key], self.exact[key] = made, source, known
            self._dots += [whisker, dots]
            self._rungs.append(rings)
        self.paint(dark)

    def paint(self, dark: bool) -> None:
        """Take the colours of a mode."""
        for made in self.figures.values():
            made.xgrid.grid_line_color = ink(dark).grid
        for renderer in self._rungs:
            renderer.glyph.line_color = ink(dark).accent
        for renderer in self._dots:
            renderer.glyph.line_color = ink(dark).text
            if hasattr(renderer.glyph, "fill_color"):
                renderer.glyph.fill_color = ink(dark).text

    def show(self, result: Result) -> None:
        """Show the figures of a result."""
        names = [plain(one.name) for one in result.strategies]
        took = [one.figures["days"] for one in result.strategies]
        longest = max([one.value or 0.0 for one in took] + [(one.quantiles or {}).get("0.95", 0.0) for one in took])
        self._time, unit = clock(longest)
        self.figures["days"].title.text = words_of(result.study.scenario).until
        self.figures["days"].xaxis.axis_label = unit
        for key in PANELS:
            columns: dict[str, list[Any]] = {name: [] for name in self.sources[key].data}
            for index, one in enumerate(result.strategies):
                row = self._row(key, one.figures[key])
                if row is not None:
                    advised = one.name == result.advice.strategy
                    row = {"name": names[index], "mark": marker(index), "size": 13 if advised else 9, **row}
                    row["said"] = f"{one.name}: {row['said']}"
                    for name, values in columns.items():
                        values.append(row[name])
            made = self.figures[key]
            if list(made.y_range.factors) != names[::-1]:
                made.y_range.factors = names[::-1]
            self.sources[key].data = columns
            limits = [*columns["high"], *(value for value in columns["q95"] if value == value)]
            made.x_range.end = 1.08 * max(limits, default=1.0) or 1.0
        known = {one.name: {key: one.figures[key].exact for key in PANELS} for one in result.strategies}
        self._rings(known)

    def expect(self, exact: dict[str, Exact | str]) -> None:
        """Show exact values of a changed study before it has been simulated."""
        known = {}
        for name, one in exact.items():
            values = one.values if isinstance(one, Exact) else {}
            known[name] = {"days": values.get("days"), "cost": values.get("cost")}
        self._rings(known)

    def _factor(self, key: str) -> float:
        """Return the factor from a figure to what its axis shows."""
        return 100.0 if key in _SHARES else self._time if key == "days" else 1.0

    def _rings(self, known: dict[str, dict[str, float | None]]) -> None:
        for key, (_, _, words) in PANELS.items():
            factor = self._factor(key)
            rows = [(plain(name), values.get(key)) for name, values in known.items()]
            kept = [(name, float(value)) for name, value in rows if value is not None]
            self.exact[key].data = {
                "name": [name for name, _ in kept],
                "value": [factor * value for _, value in kept],
                "said": [f"{name}, exactly: {words(value)}" for name, value in kept],
            }

    def _row(self, key: str, found: Figure) -> dict[str, Any] | None:
        """Return the numbers of one dot; None where the figure is undefined."""
        if found.value is None:
            return None
        _, _, words = PANELS[key]
        factor = self._factor(key)
        error = found.se or 0.0
        low, high = (factor * (found.value + sign * _WHISKER * error) for sign in (-1, 1))
        said = f"{words(found.value)}, simulation error ± {words(error)}"
        nothing = float("nan")
        q05, q95 = nothing, nothing
        if found.quantiles:
            ends = found.quantiles["0.05"], found.quantiles["0.95"]
            q05, q95 = (factor * end for end in ends)
            said += f"; nine experiments in ten between {words(ends[0])} and {words(ends[1])}"
        return {"value": factor * found.value, "low": max(low, 0.0), "high": high, "q05": q05, "q95": q95, "said": said}
