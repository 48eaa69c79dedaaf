"""Where the requests of one policy went, as its experiment went on: stacked shares by arm."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from bokeh.models import ColumnDataSource, NumeralTickFormatter

from expsim_panel.bandits import BanditResult, PolicyResult
from expsim_panel.plots._dress import dress
from expsim_panel.plots._frame import add, frame, hover, ink
from expsim_panel.plots._palette import CONTROL, VARIANTS, WARNING
from expsim_panel.plots._policies import short
from expsim_panel.quantities import count, percent

MOST = 6
"""Layers: the arms beyond are drawn as one."""
SHADES = (*VARIANTS, CONTROL)


class Layer(NamedTuple):
    """One or more arms that are drawn together."""

    name: str
    colour: str
    arms: tuple[int, ...]


def layers(means: np.ndarray, over: np.ndarray | None = None) -> list[Layer]:
    """Return the layers from the bottom: the best arm first, then by mean; the worst of many together.

    Arms `over` a limit are never called best; they come after the others, and the first has the colour of a breach.
    """
    breaking = np.zeros(means.size, np.bool_) if over is None else over
    order = [int(arm) for arm in np.lexsort((-means, breaking))]
    apart = order if len(order) <= MOST else order[: MOST - 1]
    best = means[~breaking].max() if not breaking.all() else np.inf
    made = []
    for place, arm in enumerate(apart):
        mark = " (over the limit)" if breaking[arm] else " (best)" if means[arm] == best else ""
        first = breaking[arm] and not any(breaking[apart[:place]])
        made.append(Layer(f"{means[arm]:g}{mark}", WARNING if first else SHADES[place], (arm,)))
    rest = tuple(order[len(apart) :])
    if rest:
        made.append(Layer(f"{len(rest)} lesser arms", SHADES[len(apart)], rest))
    return made


@dataclass(frozen=True)
class Stack:
    """Where the requests of one policy went over time.

    Attributes
    ----------
    name : str
        The policy.
    x : ndarray, shape (checkpoints,)
        Requests so far.
    shares : ndarray, shape (checkpoints, arms)
        Shares of the requests so far.
    layers : list of Layer
        What is drawn, from the bottom.
    """

    name: str
    x: np.ndarray
    shares: np.ndarray
    layers: list[Layer]


def stacked(shown: Stack) -> dict[str, Any]:
    """Return the stacked areas' edges, in percent, and what the pointer is told."""
    made: dict[str, Any] = {"x": shown.x}
    base = np.zeros(shown.x.size)
    drawn = shown.layers
    shares = [shown.shares[:, list(layer.arms)].sum(axis=1) for layer in drawn]
    for k in range(MOST):
        made[f"low{k}"] = 100 * base
        if k < len(drawn):
            base = base + shares[k]
        made[f"high{k}"] = 100 * base
    made["said"] = [
        f"First {count(float(shown.x[t]))} requests of {shown.name}: "
        + ", ".join(f"{percent(float(share[t]))} to {layer.name}" for layer, share in zip(drawn, shares, strict=True))
        for t in range(shown.x.size)
    ]
    return made


def names_of(shown: Stack) -> dict[str, Any]:
    """Return the layers' names, at the right end where a layer is high enough to be written in."""
    made: dict[str, list[Any]] = {"x": [], "y": [], "name": []}
    base = 0.0
    for layer in shown.layers:
        share = float(shown.shares[-1, list(layer.arms)].sum())
        if share > 0.07:
            add(made, float(shown.x[-1]), 100 * (base + share / 2), f"{layer.name}: {percent(share, 0)}")
        base += share
    return made


def _stack(found: BanditResult, one: PolicyResult) -> Stack:
    return Stack(one.name, found.checkpoints, one.traffic, layers(found.means))


def areas(found: BanditResult, one: PolicyResult) -> dict[str, Any]:
    """Return the areas of a policy of the classic problem; see `stacked`."""
    return stacked(_stack(found, one))


def ends(found: BanditResult, one: PolicyResult) -> dict[str, Any]:
    """Return the names in the areas of a policy of the classic problem; see `names_of`."""
    return names_of(_stack(found, one))


class BanditTraffic:
    """One figure; made once, then shown new results."""

    def __init__(self, dark: bool = False, height: int = 340) -> None:
        self.figure = frame(
            "", "Requests so far", "Share of the traffic so far, %", height=height, x_range=(0.0, 1.0), y_range=(0, 100)
        )
        columns = ["x", "said", *(f"{end}{k}" for k in range(MOST) for end in ("low", "high"))]
        self.source = ColumnDataSource({name: [] for name in columns}, name="traffic")
        self.ends = ColumnDataSource({"x": [], "y": [], "name": []}, name="traffic-names")
        self.areas = [
            self.figure.varea("x", f"low{k}", f"high{k}", source=self.source, fill_alpha=0.6, fill_color=SHADES[k])
            for k in range(MOST)
        ]
        top = self.figure.scatter("x", "high0", source=self.source, size=8, fill_alpha=0.0, line_alpha=0.0)
        hover(self.figure, [top], "<div style='max-width:280px'>@said</div>")
        self.figure.hover.mode = "vline"
        self.names = self.figure.text(
            "x", "y", text="name", source=self.ends, text_align="right", text_baseline="middle", x_offset=-8,
            text_font_size="12px",
        )  # fmt: skip
        self.figure.xaxis.formatter = NumeralTickFormatter(format="0,0")
        self.paint(dark)

    def paint(self, dark: bool) -> None:
        """Take the colours of a mode."""
        dress(self.figure, ink(dark))
        self.names.glyph.text_color = ink(dark).text

    def show(self, found: BanditResult, chosen: str) -> None:
        """Show one policy of a result."""
        self.draw(_stack(found, next((one for one in found.policies if one.name == chosen), found.policies[0])))

    def draw(self, shown: Stack) -> None:
        """Show where the requests of one policy went."""
        self.figure.x_range.start, self.figure.x_range.end = 0.0, float(shown.x[-1])
        self.figure.title.text = title(shown.name)
        for area, layer in zip(self.areas, shown.layers, strict=False):
            area.glyph.fill_color = layer.colour
        self.source.data, self.ends.data = stacked(shown), names_of(shown)


def title(name: str) -> str:
    """Return the figure's title for a policy."""
    return f"Traffic of {short(name, 20)}, by arm"
