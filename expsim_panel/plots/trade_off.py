"""Quality against cost with the chance to be best: quality is uncertain, cost and latency are known."""

from __future__ import annotations

import numpy as np
from bokeh.models import ColumnDataSource, NumeralTickFormatter, Whisker
from bokeh.plotting import figure

from expsim_panel.plots._frame import plain
from expsim_panel.plots._kinds import start, text
from expsim_panel.plots._palette import LIGHT, Ink, colour
from expsim_panel.quantities import effect_unit, percent
from expsim_panel.trade_offs import TradeOff


def draw(found: TradeOff, *, binary: bool, ink: Ink = LIGHT, height: int = 320) -> figure:
    """Return the figure: one point a variant, whiskers two posterior SDs each way, latency in words."""
    scale, unit = effect_unit(binary)
    made = start("Quality and cost, with the chance to be worth most", "Dollars per 1,000 responses",
                 f"Over the control, {unit}", ink, height)  # fmt: skip
    made.xaxis.formatter = NumeralTickFormatter(format="$0,0.00")
    cost = 1000 * np.array(found.cost)
    quality, sd = scale * np.array(found.quality), scale * np.array(found.quality_sd)
    shades = [colour(a) for a in range(cost.size)]
    source = ColumnDataSource(
        {"x": cost, "y": quality, "low": quality - 2 * sd, "high": quality + 2 * sd, "shade": shades}
    )
    whisker = Whisker(base="x", lower="low", upper="high", source=source, line_color="shade", line_width=2)
    whisker.upper_head.size = whisker.lower_head.size = 8
    whisker.upper_head.line_color = whisker.lower_head.line_color = ink.muted
    made.add_layout(whisker)
    made.scatter("x", "y", source=source, size=13, fill_color="shade", line_color=ink.text)
    middle = float(cost.mean())
    for a, name in enumerate(found.variants):
        wait = found.latency[a]
        waits = "" if wait is None else f", {wait:.1f} s"
        said = plain(f"{name[:28]}: best {percent(found.best[a], 0)}{waits}")
        left = bool(cost[a] > middle)
        text(made, said, float(cost[a]), float(quality[a]), ink.text, bold=True,
             text_align="right" if left else "left", x_offset=-12 if left else 12)  # fmt: skip
    span = max(float(np.ptp(cost)), 0.05 * max(float(cost.max()), 1e-9), 1e-6)
    if not cost.any():
        # All free: the scale of a dollar, not of rounding.
        span = 1.0
    made.x_range.start, made.x_range.end = float(cost.min()) - 0.35 * span, float(cost.max()) + 0.35 * span
    made.y_range.start = float((quality - 2.4 * sd).min())
    made.y_range.end = float((quality + 2.4 * sd).max())
    return made
