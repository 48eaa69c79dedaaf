"""Watch: one experiment day by day, as the team would have seen it."""

from __future__ import annotations

from typing import Any

import panel as pn
import panel_material_ui as pmu

from expsim_panel.daily import follow as daily
from expsim_panel.layouts.pages.frame import beside, follow, plot, words
from expsim_panel.layouts.session import Session
from expsim_panel.plots.confidence import Confidence
from expsim_panel.plots.cost_over_time import CostOverTime
from expsim_panel.plots.effect_over_time import EffectOverTime
from expsim_panel.plots.latency import LatencyDensities

CAPTION = "Band: interval of the estimate. Dash: what a planned look asks for. Dotted line: where it stopped."


def view(session: Session) -> pn.Column:
    """Return the page; it follows the session."""
    effect, confidence, cost = (made(session.dark) for made in (EffectOverTime, Confidence, CostOverTime))
    latency = LatencyDensities(session.dark)
    chosen = pmu.Select(label="Strategy to watch", options=[], size="small", width=240, margin=(9, 12, 4, 0))
    another = pmu.Button(
        label="Another experiment", icon="casino", variant="outlined", size="small", width=190, margin=(9, 12, 4, 0)
    )
    said = words(margin=(10, 0, 4, 0))

    async def lucky(_: Any) -> None:
        session.draw_another()
        await session.play(0)

    def choose(event: Any) -> None:
        if event.new and event.new != session.shown_strategy:
            session.watching = event.new

    another.on_click(lucky)
    chosen.param.watch(choose, "value")

    panes = [plot(one.figure) for one in (effect, confidence, cost, latency)]

    def show() -> None:
        result = session.result
        if result is None:
            return
        name = session.shown_strategy
        chosen.param.update(options=[one.name for one in result.strategies], value=name)
        scenario, one = result.study.scenario, result[name]
        seen = daily(scenario, one)
        for drawn in (effect, confidence, cost):
            drawn.show(seen)
        latency.show(scenario)
        panes[-1].visible = bool(latency.medians.data["ms"])
        said.object = f'<span class="caption">Experiment {one.trace.luck:,} of the simulated ones. {CAPTION}</span>'

    def paint() -> None:
        for drawn in (effect, confidence, cost, latency):
            drawn.paint(session.dark)

    follow(session, ["result", "watching"], show)
    session.param.watch(lambda event: paint(), "dark")
    head = pn.FlexBox(chosen, another, sizing_mode="stretch_width", margin=0)
    return pn.Column(
        head,
        said,
        beside(*panes),
        sizing_mode="stretch_width",
        margin=(10, 0),
    )
