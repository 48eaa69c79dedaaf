"""Response times of the variants: densities with their medians."""

from __future__ import annotations

import numpy as np
from bokeh.models import ColumnDataSource, NumeralTickFormatter, Range1d

from expsim_panel.plots._frame import add, frame, hover, label_ink, plain, short
from expsim_panel.plots._palette import colour
from expsim_panel.quantities import millis
from expsim_panel.scenario import Scenario

_POINTS = 160


class LatencyDensities:
    """One outlined area per variant that has a latency."""

    def __init__(self, dark: bool = False) -> None:
        self.figure = frame("Response time", "Response time, milliseconds", "Share of responses", y_range=(0.0, 1.0))
        self.figure.xaxis.formatter = NumeralTickFormatter(format="0,0")
        self.figure.yaxis.visible = self.figure.ygrid.visible = False
        self.areas = ColumnDataSource({"ms": [], "density": [], "colour": []})
        self.medians = ColumnDataSource({"ms": [], "top": [], "zero": [], "name": [], "colour": [], "said": []})
        self.figure.patches(
            "ms", "density", source=self.areas, fill_color="colour", fill_alpha=0.15, line_color="colour", line_width=2
        )
        stems = self.figure.segment(
            "ms", "zero", "ms", "top", source=self.medians, line_color="colour", line_dash="dashed", line_width=1.5
        )
        dots = self.figure.scatter("ms", "top", source=self.medians, size=8, color="colour")
        hover(self.figure, [stems, dots], "<div style='max-width:260px'>@said</div>")
        self.names = self.figure.text(
            "ms", "top", text="name", source=self.medians, text_color="colour", x_offset=10, text_baseline="middle",
            text_font_size="12px", text_font_style="bold",
        )  # fmt: skip
        self.paint(dark)

    def paint(self, dark: bool) -> None:
        """Take the text colours of a mode."""
        self.names.glyph.text_color = label_ink(dark)

    def show(self, scenario: Scenario) -> None:
        """Show the latencies of a scenario's variants."""
        known = [(i, v.name, v.response_time()) for i, v in enumerate(scenario.variants)]
        with_latency = [(i, name, law) for i, name, law in known if law is not None]
        end = max((1000 * law.quantile(0.95) for _, _, law in with_latency), default=1000.0) * 1.25
        grid = np.linspace(end / _POINTS, end, _POINTS)
        columns: dict[str, list[object]] = {key: [] for key in self.medians.data}
        peak = 0.0
        areas: dict[str, list[object]] = {"ms": [], "density": [], "colour": []}
        for place, (i, name, law) in enumerate(with_latency):
            below = law.cdf_at(np.concatenate([[0.0], grid]) / 1000)
            density = np.diff(below) / (grid[0] if grid[0] > 0 else 1.0)
            peak = max(peak, float(density.max()))
            add(areas, np.concatenate([[0.0], grid, [end]]), np.concatenate([[0.0], density, [0.0]]), colour(i))
            median, late = 1000 * law.quantile(0.5), 1000 * law.quantile(0.95)
            said = (
                f"{name}: half of the responses take less than {millis(median)}, "
                f"one in twenty more than {millis(late)}, {millis(1000 * law.mean)} on average"
            )
            # Labels of close medians would cover each other: each stands on a line of its own.
            add(columns, median, float(place), 0.0, plain(f"{short(name)}: {millis(median)}"), colour(i), said)
        columns["top"] = [peak * (1.3 - 0.13 * float(str(place))) for place in columns["top"]]
        self.areas.data, self.medians.data = areas, columns
        self.figure.x_range = Range1d(0, end)
        self.figure.y_range.start, self.figure.y_range.end = 0.0, max(peak, 1e-9) * 1.45
        self.figure.title.text = (
            "Response time of the variants, with medians" if with_latency else "Response time: the scenario names none"
        )
