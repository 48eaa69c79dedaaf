"""Surfaces: chance, days and cost over true effect and traffic, tap a cell and its row follows; or any two numbers."""

from __future__ import annotations

from html import escape
from typing import Any

import panel as pn
import panel_material_ui as pmu

from expsim_panel.exact import Exact
from expsim_panel.layouts.pages.any_surface import AnySurface
from expsim_panel.layouts.pages.frame import beside, plot, words
from expsim_panel.layouts.session import Session
from expsim_panel.plots import power_curve, power_surface
from expsim_panel.plots._palette import DARK, LIGHT
from expsim_panel.quantities import count, days, effect, money, percent
from expsim_panel.scenario import Scenario
from expsim_panel.surface import METRICS, PowerSurface
from expsim_panel.world_words import words_of

CAPTION = (
    "Tap a cell: the curve of its row and the figures below follow. White line: 80 % chance. "
    "Dashed curve: exact; dots: simulated, whiskers ± two simulation errors."
)


PLAN, ANY = "plan", "any"


def view(session: Session) -> pn.Column:
    """Return the page; it follows the session. The map of any two numbers is made when it is first asked for."""
    kind = pmu.RadioButtonGroup(
        label="", options=_kinds(session), value=PLAN, size="small", width=310, margin=(12, 0, 2, 0)
    )
    made: dict[str, pn.Column] = {PLAN: Surfaces(session).view()}
    body = pn.Column(made[PLAN], sizing_mode="stretch_width", margin=0)

    def turn(event: Any) -> None:
        if event.new not in made:
            made[event.new] = AnySurface(session).view()
        body.objects = [made[event.new]]

    def name(*_: object) -> None:
        if kind.options != _kinds(session):
            kind.options = _kinds(session)

    kind.param.watch(turn, "value")
    session.param.watch(name, "study")
    return pn.Column(kind, body, sizing_mode="stretch_width", margin=0)


def _kinds(session: Session) -> dict[str, str]:
    """Return the choice between the two maps, in the words of the study's world."""
    return {f"Effect and {words_of(session.study.scenario).growing}": PLAN, "Any two numbers": ANY}


def _titles(scenario: Scenario) -> dict[str, str]:
    words = words_of(scenario)
    return {key: words.figure(key, usual) for key, usual in METRICS.items()}


class Surfaces:
    """The page. Figures are made once per surface; a tap only moves data."""

    def __init__(self, session: Session) -> None:
        self.session, self.explorer = session, session.explorer
        self.body = pn.Column(sizing_mode="stretch_width", margin=0)
        self._curve: tuple[Any, dict[str, Any]] | None = None
        self.details, self.said = words(), words(margin=(10, 0, 4, 0))
        self.metric = pmu.Select(
            label="Figure on the surface", options={text: key for key, text in _titles(session.study.scenario).items()},
            value=self.explorer.metric, size="small", width=260, margin=(9, 12, 4, 0),
        )  # fmt: skip
        self.strategy = pmu.Select(
            label="Strategy of the surface", options=[], size="small", width=240, margin=(9, 12, 4, 0)
        )
        self._chosen: Any = None
        self.metric.param.watch(self._measure, "value")
        self.strategy.param.watch(self._strategy, "value")
        session.param.watch(self._update, ["result", "watching", "tab"])
        pn.state.execute(self._update)
        session.param.watch(lambda event: self._draw(), "dark")
        self.explorer.param.watch(lambda *events: self._draw(), ["surface", "metric"])
        self.explorer.param.watch(lambda *events: self._follow(), ["cell", "curve"])
        self.explorer.param.watch(lambda *events: self._speak(), ["words"])
        self._draw()
        self._speak()

    def view(self) -> pn.Column:
        """Return the page's layout."""
        head = pn.FlexBox(self.strategy, self.metric, sizing_mode="stretch_width", margin=0)
        return pn.Column(head, self.said, self.body, self.details, sizing_mode="stretch_width", margin=(10, 0))

    async def refresh(self) -> None:
        """Compute the surface of the study on screen, if it is not here yet."""
        result = self.session.result
        if result is None:
            return
        name = self.session.shown_strategy
        self.strategy.param.update(options=[one.name for one in result.strategies], value=name)
        titles = {text: key for key, text in _titles(result.study.scenario).items()}
        if titles != self.metric.options:
            self.metric.options = titles
        await self.explorer.open(result.request, name)

    async def _update(self, *_: Any) -> None:
        if self.session.result is not None and self.session.result.complete and self.session.tab == "Surfaces":
            await self.refresh()

    async def _measure(self, event: Any) -> None:
        await self.explorer.show(event.new)

    def _strategy(self, event: Any) -> None:
        if event.new and event.new != self.session.shown_strategy:
            self.session.watching = event.new

    def _draw(self) -> None:
        made = self.explorer.surface
        if made is None:
            return
        ink = DARK if self.session.dark else LIGHT
        with pn.io.hold():
            figure, sources = power_surface.draw(made, metric=self.explorer.metric, ink=ink, height=400)
            figure.on_event("tap", self._tap)
            self._chosen = sources["chosen"]
            self._curve = power_curve.draw(self._shape(made), ink=ink, height=400)
            self.body.objects = [beside(plot(figure), plot(self._curve[0]))]
            self._follow()

    def _tap(self, event: Any) -> None:
        made = self.explorer.surface
        if made is None or event.x is None:
            return
        cell = made.nearest(event.x / power_surface.scale(made.origin), event.y)

        async def pick() -> None:
            await self.explorer.pick(cell)

        # Bokeh calls a figure's callbacks without awaiting them.
        pn.state.execute(pick)

    def _shape(self, made: PowerSurface) -> power_curve.Shape:
        """Return the picked row: with simulated points once they are there, from the surface until then."""
        j, metric, curve = self.explorer.cell[1], self.explorer.metric, self.explorer.curve
        if curve is not None and curve.metric == metric and curve.origin.units == int(made.units[j]):
            return power_curve.of_curve(curve)
        return power_curve.of_row(made, j, metric)

    def _follow(self) -> None:
        made = self.explorer.surface
        if made is None or self._curve is None:
            return
        i, j = self.explorer.cell
        shape = self._shape(made)
        figure, sources = self._curve
        with pn.io.hold():
            self._chosen.data = power_surface.outline(made, i, j)
            sources["line"].data, sources["points"].data = shape.line, shape.points
            sources["here"].data = power_curve.mark(shape, float(made.effects[i]))
            figure.title.text = power_curve.title(shape)
            self.details.object = self._table()

    def _speak(self) -> None:
        self.said.object = f'<span class="caption" role="status">{escape(self.explorer.words) or CAPTION}</span>'

    def _table(self) -> str:
        made = self.explorer.surface
        if made is None:
            return ""
        i, j = self.explorer.cell
        origin, rows = made.origin, ""
        for name, one in self.explorer.details().items():
            who = f'<th scope="row" class="{"advised" if name == origin.strategy else ""}">{escape(name)}</th>'
            if isinstance(one, Exact):
                found = one.values
                cells = (percent(found["rejection"]), days(found["days"]), count(found["units"]), money(found["cost"]))
                how = "exact"
            elif name == origin.strategy:
                power, day, cost = (made.values[key][i, j] for key in ("power", "days", "cost"))
                cells, how = (percent(power), days(day), "n/a", money(cost)), f"{origin.replicates:,} simulated"
            else:
                cells, how = ("n/a",) * 4, f"{one}; choose it above to simulate it"
            row = "".join(f"<td>{cell}</td>" for cell in cells) + f'<td class="note">{escape(how)}</td>'
            rows += f"<tr>{who}{row}</tr>"
        size, traffic = effect(float(made.effects[i]), origin.family), origin.size(float(made.units[j]))
        place = f"At a true difference of {size} and {escape(traffic)}"
        heads = "".join(
            f'<th scope="col">{head}</th>'
            for head in ("Strategy", "Chance to find it", origin.words.time, origin.words.units_short, "Cost")
        )
        return (
            f'<div class="scroll" tabindex="0" role="region" aria-label="Figures"><table><caption>{place}</caption>'
            f'<thead><tr>{heads}<th scope="col" class="note">How known</th></tr></thead>'
            f"<tbody>{rows}</tbody></table></div>"
        )
