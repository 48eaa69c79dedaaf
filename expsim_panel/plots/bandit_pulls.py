"""Who got which arm: shares of all requests by policy, the best arm first."""

from __future__ import annotations

from typing import Any

from bokeh.models import ColumnDataSource, FactorRange

from expsim_panel.bandits import BanditResult
from expsim_panel.plots._dress import dress
from expsim_panel.plots._frame import add, frame, hover, ink, plain
from expsim_panel.plots._policies import short
from expsim_panel.plots.bandit_traffic import layers
from expsim_panel.quantities import count, percent


class BanditPulls:
    """One figure; made once, then shown new results."""

    def __init__(self, dark: bool = False, height: int = 340) -> None:
        self.figure = frame(
            "Who got which arm", "Share of all requests, %", "", height=height, x_range=(0, 100),
            y_range=FactorRange(factors=["-"]),
        )  # fmt: skip
        self.figure.yaxis.axis_label = None
        self.figure.ygrid.grid_line_color = None
        self.source = ColumnDataSource({name: [] for name in ("policy", "left", "right", "colour", "said")})
        self.ends = ColumnDataSource({name: [] for name in ("policy", "x", "name")})
        bars = self.figure.hbar(
            "policy", left="left", right="right", height=0.62, source=self.source, fill_color="colour", fill_alpha=0.6,
            line_color=None,
        )  # fmt: skip
        hover(self.figure, [bars], "<div style='max-width:280px'>@said</div>")
        self.names = self.figure.text(
            "x", "policy", text="name", source=self.ends, text_baseline="middle", x_offset=8, text_font_size="12px"
        )
        self.paint(dark)

    def paint(self, dark: bool) -> None:
        """Take the colours of a mode."""
        dress(self.figure, ink(dark))
        self.names.glyph.text_color = ink(dark).text

    def show(self, found: BanditResult) -> None:
        """Show a result."""
        bars: dict[str, list[Any]] = {name: [] for name in self.source.data}
        words: dict[str, list[Any]] = {name: [] for name in self.ends.data}
        names = [plain(short(one.name, 22)) for one in found.policies]
        for name, one in zip(names, found.policies, strict=True):
            base = 0.0
            for place, layer in enumerate(layers(found.means)):
                pulls = float(one.pulls[list(layer.arms)].sum())
                error = float((one.pulls_se[list(layer.arms)] ** 2).sum() ** 0.5)
                share = 100 * pulls / found.horizon
                said = (
                    f"{one.name}: {count(pulls)} of {count(found.horizon)} requests to {layer.name} on average "
                    f"(simulation error ± {count(error)})"
                )
                add(bars, name, base, base + share, layer.colour, said)
                if place == 0:
                    add(words, name, 0.0, f"{percent(share / 100, 0)} to {layer.name}")
                base += share
        if list(self.figure.y_range.factors) != names[::-1]:
            self.figure.y_range.factors = names[::-1]
        self.source.data, self.ends.data = bars, words
