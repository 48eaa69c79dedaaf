"""The last part of the bandit page: what the policies lose over any one number."""

from __future__ import annotations

from typing import Any

import panel as pn
import panel_material_ui as pmu
import param

from expsim_panel.bandit_curves import HORIZON, LEAD
from expsim_panel.errors import InputError
from expsim_panel.layouts.bandit_session import BanditSession
from expsim_panel.layouts.pages.frame import plot, words
from expsim_panel.plots.regret_over_parameter import RegretOverParameter
from expsim_panel.policy_names import read_policy

CAPTION = (
    "Each dot is the mean of at most 500 simulated experiments per policy, the whisker its simulation error (95 %); "
    "every level uses the same random numbers."
)


class Over:
    """Inputs and figure; the figure joins the page with the first curve.

    It stands in a plain column: Bokeh measures a figure inside a Material card before it is drawn, and fails.
    """

    def __init__(self, session: BanditSession, dark: bool) -> None:
        self.session, self.drawn = session, RegretOverParameter(dark)
        narrow: dict[str, Any] = {"size": "small", "margin": (9, 12, 4, 0)}
        self.path = pmu.Select(label="Number to vary", options=self.axes(), value=HORIZON, width=300, **narrow)
        self.low = pmu.FloatInput(label="From", value=500.0, width=150, **narrow)
        self.high = pmu.FloatInput(label="To", value=10_000.0, width=150, **narrow)
        self.levels = pmu.IntInput(label="Levels", value=7, start=2, end=60, width=100, **narrow)
        self.button = pmu.Button(label="Draw", icon="show_chart", variant="contained", width=110, **narrow)
        self.figure = plot(self.drawn.figure)
        self.body = pn.Column(sizing_mode="stretch_width", margin=0)
        self.path.param.watch(lambda event: self._usual(str(event.new)), "value")
        self.button.on_click(self._draw)
        session.param.watch(self._show, ["curve", "dollars"])
        session.param.watch(lambda event: self._offer(), ["asked"])

    def view(self) -> pn.Column:
        """Return the part's layout."""
        head = pn.FlexBox(
            self.path, self.low, self.high, self.levels, self.button, sizing_mode="stretch_width", margin=0
        )
        title = words(f'<h2 style="font-size:16px">Loss over any one number</h2><p class="caption">{CAPTION}</p>')
        return pn.Column(title, head, self.body, sizing_mode="stretch_width", margin=(18, 0, 0, 0))

    def axes(self) -> dict[str, str]:
        """Return what can be varied: words and path."""
        made = {"Requests in one experiment": HORIZON, "Lead of the best arm": LEAD}
        try:
            problem = self.session.asked.problem()
            chosen = [read_policy(name) for name in problem["policies"]]
        except InputError:
            return made
        made |= {f"Mean of arm {k} ({mean:g})": f"means.{k}" for k, mean in enumerate(problem["means"])}
        for one in chosen:
            for key in one.fields():
                declared = one.param[key]
                if isinstance(declared, param.Number) and not isinstance(declared, param.Boolean):
                    made[f"{one.kind}: {declared.label}"] = f"{one.kind}.{key}"
        return made

    def _offer(self) -> None:
        offered = self.axes()
        self.path.param.update(
            options=offered, value=self.path.value if self.path.value in offered.values() else HORIZON
        )

    def _usual(self, path: str) -> None:
        """Suggest a range that fits the number."""
        low, high = 0.0, 0.3
        if path == HORIZON:
            low, high = 500.0, 10_000.0
        elif path.startswith("means."):
            low, high = (0.1, 0.9) if self.session.asked.family == "bernoulli" else (-1.0, 1.0)
        elif path != LEAD:
            kind, _, key = path.partition(".")
            ends = getattr(read_policy(kind).param[key], "softbounds", None) or (0.0, 1.0)
            low, high = (float(end) if end is not None else 1.0 for end in ends)
        self.low.value, self.high.value = low, high

    async def _draw(self, _: Any) -> None:
        low, high = (float(box.value) if box.value is not None else float("nan") for box in (self.low, self.high))
        await self.session.draw_over(f"{self.path.value}={low!r}:{high!r}:{self.levels.value}")

    def _show(self, *_: Any) -> None:
        made = self.session.curve
        with pn.io.hold():
            if made is not None:
                self.drawn.show(made, self.session.usd)
            self.body.objects = [] if made is None else [self.figure]
