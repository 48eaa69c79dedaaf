"""The last part of the bandit page: what the policies lose over any number, or any two."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import panel as pn
import panel_material_ui as pmu

from expsim_panel.bandit_verdict import DOLLARS
from expsim_panel.errors import InputError
from expsim_panel.layouts.number_boxes import FloatBox, IntBox
from expsim_panel.layouts.pages.frame import plot, words
from expsim_panel.layouts.varying import Varying
from expsim_panel.plots import response_surface
from expsim_panel.plots._frame import ink
from expsim_panel.plots.regret_over_parameter import RegretOverParameter
from expsim_panel.varied import EVENS, FIGURES, HORIZON, LOST, USD, WRONG

CAPTION = (
    "One number: each dot is the mean of at most 500 simulated experiments per policy, the whisker its simulation "
    "error (95 %). Two numbers: at most 200 in each cell; the line is where the policy in focus is level with the even "
    "split. Every level uses the same random numbers."
)
NOTHING = "(nothing)"


class Over:
    """Inputs and figures; a figure joins the page with the first curve or map.

    It stands in a plain column: Bokeh measures a figure inside a Material card before it is drawn, and fails.
    """

    def __init__(self, session: Varying, dark: bool) -> None:
        self.session, self.drawn, self._dark = session, RegretOverParameter(dark), dark
        narrow: dict[str, Any] = {"size": "small", "margin": (9, 12, 4, 0)}
        offered = self.axes()
        self.path = pmu.Select(label="Number to vary", options=offered, value=HORIZON, width=300, **narrow)
        self.low = FloatBox(label="From", value=500.0, width=150, **narrow)
        self.high = FloatBox(label="To", value=10_000.0, width=150, **narrow)
        self.levels = IntBox(label="Levels", value=7, start=2, end=60, width=100, **narrow)
        self.second = pmu.Select(
            label="And over", options={"Nothing else": NOTHING, **offered}, value=NOTHING, width=300, **narrow
        )
        self.low_up = FloatBox(label="Second from", value=0.0, width=150, disabled=True, **narrow)
        self.high_up = FloatBox(label="Second to", value=0.3, width=150, disabled=True, **narrow)
        self.levels_up = IntBox(label="Second levels", value=7, start=2, end=40, width=130, disabled=True, **narrow)
        self.what = pmu.Select(
            label="Picture of", options={FIGURES[LOST]: LOST, FIGURES[WRONG]: WRONG}, value=LOST, width=270,
            disabled=True, **narrow,
        )  # fmt: skip
        self.button = pmu.Button(label="Draw", icon="show_chart", variant="contained", width=110, **narrow)
        self.figure = plot(self.drawn.figure)
        self.body, self.map = (pn.Column(sizing_mode="stretch_width", margin=0) for _ in range(2))
        self.path.param.watch(lambda event: self._usual(str(event.new), self.low, self.high), "value")
        self.second.param.watch(self._pair, "value")
        self.what.param.watch(lambda event: self._shown(), "value")
        self.button.on_click(self._draw)
        session.param.watch(self._show, ["curve", "dollars"])
        session.param.watch(lambda *events: self._show_map(), ["surface", "focus", "dollars"])
        session.param.watch(lambda event: self._offer(), ["asked"])
        # A curve would overtake the experiments that are being played, and leave the page without them.
        session.param.watch(lambda event: self.button.param.update(disabled=bool(event.new)), "busy")

    def view(self) -> pn.Column:
        """Return the part's layout."""
        row: dict[str, Any] = {"sizing_mode": "stretch_width", "margin": 0}
        first = pn.FlexBox(self.path, self.low, self.high, self.levels, **row)
        second = pn.FlexBox(self.second, self.low_up, self.high_up, self.levels_up, self.what, self.button, **row)
        title = words("<h2 style='font-size:16px'>Over any number, or any two</h2>", margin=(14, 0, 0, 0))
        return pn.Column(title, first, second, words(f'<p class="caption">{CAPTION}</p>'), self.body, self.map, **row)

    def axes(self) -> dict[str, str]:
        """Return what can be varied: words and path."""
        try:
            return self.session.setting().axes()
        except InputError:
            return {"Requests in one experiment": HORIZON}

    def paint(self, dark: bool) -> None:
        """Take the colours of a mode."""
        self._dark = dark
        self._show_map()

    def _offer(self) -> None:
        offered = self.axes()
        known = list(offered.values())
        self.path.param.update(options=offered, value=self.path.value if self.path.value in known else HORIZON)
        second = self.second.value if self.second.value in known else NOTHING
        self.second.param.update(options={"Nothing else": NOTHING, **offered}, value=second)

    def _pair(self, event: Any) -> None:
        two = event.new != NOTHING
        for one in (self.low_up, self.high_up, self.levels_up):
            one.disabled = not two
        if two:
            self._usual(str(event.new), self.low_up, self.high_up)

    def _usual(self, path: str, low: Any, high: Any) -> None:
        """Suggest a range that fits the number."""
        try:
            low.value, high.value = self.session.setting().usual(path)
        except InputError:
            return

    async def _draw(self, _: Any) -> None:
        def span(path: str, low: Any, high: Any, levels: Any) -> str:
            ends = (float(one.value) if one.value is not None else float("nan") for one in (low, high))
            return "{}={!r}:{!r}:{}".format(path, *ends, levels.value)

        first = span(str(self.path.value), self.low, self.high, self.levels)
        if self.second.value == NOTHING:
            await self.session.draw_over(first)
            return
        await self.session.draw_map(first, span(str(self.second.value), self.low_up, self.high_up, self.levels_up))

    def _shown(self) -> None:
        self._show()
        self._show_map()

    def _figures(self, made: Any) -> str:
        """Offer the figures of a picture; return the one that is chosen."""
        offered = {FIGURES[key]: key for key in made.figures if key != USD}
        chosen = self.what.value if self.what.value in offered.values() else LOST
        if list(self.what.options) != list(offered) or self.what.disabled:
            self.what.param.update(options=offered, value=chosen, disabled=False)
        return str(chosen)

    def _show(self, *_: Any) -> None:
        made = self.session.curve
        with pn.io.hold():
            if made is not None:
                usd = self.session.usd
                what = self._figures(made)
                if self.session.dollars and self.session.net:
                    figures, errors = ({**table, LOST: table[USD]} for table in (made.figures, made.errors))
                    made, usd = replace(made, figures=figures, errors=errors), 1.0
                self.drawn.show(made, usd, what)
            self.body.objects = [] if made is None else [self.figure]

    def _show_map(self) -> None:
        made = self.session.surface
        if made is None:
            self.map.objects = []
            return
        session = self.session
        of = session.focus if session.focus in made.names and session.focus not in EVENS else made.bandit
        what, scale = self._figures(made), 1.0
        if what == LOST and (session.dollars or made.family == DOLLARS):
            # In a world without costs a dollar is the worth of one reward.
            what, scale = USD, 1.0 if session.net or made.family == DOLLARS else session.usd or 1.0
        shown = made.shown(of, what, made.minus(of))
        if scale != 1.0:
            shown = replace(
                shown, values={key: scale * table for key, table in shown.values.items()},
                errors={key: scale * table for key, table in (shown.errors or {}).items()},
            )  # fmt: skip
        figure, _ = response_surface.draw(shown, ink=ink(self._dark), height=420, bare=True)
        with pn.io.hold():
            self.map.objects = [plot(figure)]
