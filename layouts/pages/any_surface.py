"""A map of any figure over any two numbers of the study: choose, look, tap a cell, use it."""

from __future__ import annotations

from html import escape
from typing import Any

import numpy as np
import panel as pn
import panel_material_ui as pmu

from expsim_panel.axis_choices import Choice, choices, typed
from expsim_panel.layouts.atlas import Question, Span
from expsim_panel.layouts.pages.frame import plot, words
from expsim_panel.layouts.pages.status import literal
from expsim_panel.layouts.session import Session
from expsim_panel.plots import response_surface as maps
from expsim_panel.plots._palette import DARK, LIGHT, Ink
from expsim_panel.response_surface import ResponseSurface, unsigned, written
from expsim_panel.surface_metrics import METRICS, metrics_of

NOBODY = "no other strategy"
BOX: dict[str, Any] = {"size": "small", "margin": (9, 12, 4, 0)}
FIRST = ("effect",), ("traffic.units_per_day", "offline.prompts")


class AnySurface:
    """The page: what is asked for, the map, and what a cell says."""

    def __init__(self, session: Session) -> None:
        self.session, self.atlas = session, session.atlas
        self._choices: dict[str, Choice] = {}
        self._chosen: Any = None
        self._drawn: tuple[Any, Any, dict[str, Any]] | None = None
        self.across, self.up = _Ends("Across", self._find), _Ends("Upwards", self._find)
        self.metric = pmu.Select(
            label="Figure", options={text: key for key, (_, _, text) in METRICS.items()}, value="power", width=300,
            searchable=True, **BOX,
        )  # fmt: skip
        self.strategy = pmu.Select(label="Of strategy", options=[], width=200, **BOX)
        self.minus = pmu.Select(label="Minus", options=[NOBODY], value=NOBODY, width=200, **BOX)
        self.levels = pmu.Select(
            label="Resolution", options={f"{n} x {n}": n for n in (10, 20, 40)}, value=20, width=120, **BOX
        )
        self.replicates = pmu.Select(
            label="Experiments per simulated cell", options={f"{n:,}": n for n in (500, 2000, 10_000)}, value=2000,
            width=230, **BOX,
        )  # fmt: skip
        self.what = pmu.RadioButtonGroup(
            label="", options={"Figure": maps.VALUE, "Simulation error": maps.ERROR}, value=maps.VALUE,
            size="small", width=240, margin=(9, 12, 4, 0), disabled=True,
        )  # fmt: skip
        button: dict[str, Any] = {"size": "small", "margin": (11, 12, 4, 0)}
        self.go = pmu.Button(label="Compute map", icon="grid_on", variant="contained", width=150, **button)
        self.stop = pmu.Button(
            label="Cancel map", icon="close", color="default", variant="outlined", disabled=True, width=130, **button
        )
        self.use = pmu.Button(
            label="Use this point", icon="my_location", variant="outlined", disabled=True, width=160, **button
        )
        self.said, self.told = words(margin=(8, 0, 2, 0)), words(margin=(4, 0))
        self.problem = pmu.Alert(object="", severity="error", visible=False, sizing_mode="stretch_width", margin=(4, 0))
        # A figure that takes another's place must not move what stands below it.
        self.body = pn.Column(sizing_mode="stretch_width", margin=0, min_height=0)
        self.go.on_click(self._compute)
        self.stop.on_click(lambda _: self.atlas.cancel())
        self.use.on_click(self._use)
        self.what.param.watch(lambda event: self._draw(), "value")
        session.param.watch(lambda event: self._draw(), "dark")
        session.param.watch(lambda event: self._offer(), "study")
        self.atlas.param.watch(lambda event: self._draw(), "surface")
        self.atlas.param.watch(lambda event: self._follow(), "cell")
        self.atlas.param.watch(lambda *events: self._speak(), ["words", "error", "running", "progress"])
        self._offer()
        for ends, paths in zip((self.across, self.up), FIRST, strict=True):
            ends.choose(next((path for path in paths if path in self._choices), next(iter(self._choices))))
        self._draw()
        self._speak()

    def view(self) -> pn.Column:
        """Return the page's layout."""
        row: dict[str, Any] = {"sizing_mode": "stretch_width", "margin": 0}
        return pn.Column(
            pn.FlexBox(*self.across.widgets, **row),
            pn.FlexBox(*self.up.widgets, **row),
            pn.FlexBox(self.metric, self.strategy, self.minus, self.levels, self.replicates, **row),
            pn.FlexBox(self.go, self.stop, self.what, self.use, **row),
            self.problem, self.said, self.body, self.told, **row,
        )  # fmt: skip

    def _find(self, path: str) -> Choice | None:
        return self._choices.get(path)

    def _offer(self) -> None:
        """Offer what the study on screen has."""
        study = self.session.study
        self._choices = {choice.path: choice for choice in choices(study)}
        listed = {choice.words: choice.path for choice in self._choices.values()}
        names = [one.name for one in study.strategies]
        offered = {text: key for key, (_, _, text) in metrics_of(study.scenario).items()}
        with pn.io.hold():
            self.across.offer(listed)
            self.up.offer(listed)
            if offered != self.metric.options:
                kept = self.metric.value if self.metric.value in offered.values() else "power"
                self.metric.param.update(options=offered, value=kept)
            mine = self.strategy.value if self.strategy.value in names else self.session.shown_strategy
            self.strategy.param.update(options=names, value=mine if mine in names else names[0])
            other = self.minus.value if self.minus.value in names else NOBODY
            self.minus.param.update(options=[NOBODY, *names], value=other)
        self._speak()

    async def _compute(self, _: Any) -> None:
        minus = None if self.minus.value == NOBODY else self.minus.value
        asked = Question(
            self.across.span, self.up.span, int(self.levels.value), self.metric.value, self.strategy.value, minus,
            int(self.replicates.value),
        )  # fmt: skip
        await self.atlas.compute(self.session.request, asked)

    async def _use(self, _: Any) -> None:
        changes = self.atlas.point()
        if not changes:
            return
        if self.session.edit_all(changes):
            self.atlas.used(changes, self.session.request)
            await self.session.play(0)

    def _draw(self) -> None:
        made = self.atlas.surface
        if made is None:
            return
        ink = DARK if self.session.dark else LIGHT
        with pn.io.hold():
            self.what.disabled = made.se is None
            what = self.what.value if made.se is not None else maps.VALUE
            drawn = _same(made, what, ink)
            if self._drawn is not None and self._drawn[0] == drawn:
                maps.refresh(self._drawn[1], self._drawn[2], made, what, self.atlas.cell)
            else:
                figure, sources = maps.draw(made, what=what, ink=ink, height=440, cell=self.atlas.cell, bare=True)
                figure.on_event("tap", self._tap)
                self._drawn, self._chosen = (drawn, figure, sources), sources.get("chosen")
                self.body.min_height = 452
                self.body.objects = [plot(figure)]
            self._follow()
            self._speak()

    def _tap(self, event: Any) -> None:
        made = self.atlas.surface
        if made is not None and event.x is not None:
            self.atlas.cell = made.nearest(event.x, event.y)

    def _follow(self) -> None:
        made, cell = self.atlas.surface, self.atlas.cell
        if made is None:
            return
        with pn.io.hold():
            if self._chosen is not None:
                self._chosen.data = maps.outline(made, cell)
            self.use.disabled = cell is None
            self.told.object = figures(made, cell)

    def _speak(self) -> None:
        atlas, made = self.atlas, self.atlas.surface
        with pn.io.hold():
            self.problem.param.update(object=literal(atlas.error), visible=bool(atlas.error))
            self.stop.disabled = not atlas.running
            self.said.object = f'<span class="caption" role="status">{escape(self._caption(made))}</span>'

    def _caption(self, made: ResponseSurface | None) -> str:
        if self.atlas.words:
            return str(self.atlas.words)
        if made is None:
            return (
                "Choose two numbers and a figure. Exact values come at once; others are simulated, coarse cells first."
            )
        stale = self.atlas.request is not None and self.atlas.request.digest != self.session.request.digest
        old = "The study has changed since this map; compute it again. " if stale else ""
        return f"{old}{how(made)}"


def _same(made: ResponseSurface, what: str, ink: Ink) -> tuple[Any, ...]:
    """Return what a figure on screen must have in common with a map to show it by new data alone."""
    spans = [(one.path, one.values.size, one.values[0], one.values[-1]) for one in (made.x, made.y) if one is not None]
    return made.metric, made.whose, made.exact, what, ink, *spans


class _Ends:
    """One axis: which number, from where to where."""

    def __init__(self, label: str, find: Any) -> None:
        self._find = find
        self.number = pmu.AutocompleteInput(
            label=label, options={}, min_characters=0, case_sensitive=False, search_strategy="includes", width=330,
            placeholder="Type to search", **BOX,
        )  # fmt: skip
        self.low = pmu.TextInput(label=f"{label}, from", width=110, **BOX)
        self.high = pmu.TextInput(label=f"{label}, to", width=110, **BOX)
        self.number.param.watch(self._ranged, "value")

    @property
    def widgets(self) -> list[Any]:
        """The widgets in a row."""
        return [self.number, self.low, self.high]

    @property
    def span(self) -> Span:
        """What was typed."""
        return Span(str(self.number.value or ""), str(self.low.value).strip(), str(self.high.value).strip())

    def offer(self, listed: dict[str, str]) -> None:
        """Offer numbers; the chosen one stays if it is still there."""
        kept = self.number.value
        if listed != self.number.options:
            value = kept if kept in listed.values() else None
            self.number.param.update(options=listed, value=value)

    def choose(self, path: str) -> None:
        """Choose a number."""
        self.number.value = path

    def _ranged(self, event: Any) -> None:
        choice = self._find(event.new) if event.new else None
        if choice is not None:
            with pn.io.hold():
                self.low.value, self.high.value = typed(choice.low), typed(choice.high)


def how(made: ResponseSurface) -> str:
    """Say how the numbers of a map are known; plain text."""
    parts = ["Exact values, no simulation error."]
    if made.se is not None:
        error = made.se[np.isfinite(made.se)]
        largest = (
            f", error at most {unsigned(made.metric, float(error.max()), made.minus is not None)}" if error.size else ""
        )
        parts = [f"Simulated, {made.replicates:,} experiments a cell{largest} ({made.reason})."]
    if made.minus is not None:
        parts.append(f"Orange: more with {made.strategy}; blue: more with {made.minus}; white line: no difference.")
    elif made.metric == "power":
        parts.append("White line: 80 % chance.")
    parts += [f"{note}." for note in made.notes]
    parts += [f"Empty cells: {gap}." for gap in made.gaps[:2]]
    return " ".join([*parts, "Tap a cell for its figures."])


def figures(made: ResponseSurface, cell: tuple[int, int] | None) -> str:
    """Return what a cell says, every figure that came with it, as HTML; what people wrote is escaped."""
    if cell is None or made.y is None:
        return ""
    i, j = cell
    apart = made.minus is not None
    rows = ""
    for metric, table in made.values.items():
        if not np.isfinite(table[i, j]):
            continue
        value = written(metric, float(table[i, j]), apart)
        error = "exact" if made.errors is None else f"± {unsigned(metric, float(made.errors[metric][i, j]), apart)}"
        mark = ' class="advised"' if metric == made.metric else ""
        rows += (
            f'<tr><th scope="row"{mark}>{escape(made.showing(metric).words)}</th><td>{value}</td><td>{error}</td></tr>'
        )
    place = f"{made.x.label.lower()} {made.x.values[j]:.4g}, {made.y.label.lower()} {made.y.values[i]:.4g}"
    return (
        '<div class="scroll" tabindex="0" role="region" aria-label="Figures">'
        f'<table class="figures" style="max-width: 620px"><caption>{escape(made.whose)} at '
        f'{escape(place)}</caption><thead><tr><th scope="col">Figure</th><th scope="col">Value</th>'
        f'<th scope="col">One standard error</th></tr></thead><tbody>{rows}</tbody></table></div>'
    )
