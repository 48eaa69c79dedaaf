"""Evaluators: LLM judge, people or both; what each gives for the money, the best split, the worth of evidence."""

from __future__ import annotations

from html import escape
from typing import Any

import panel as pn
import panel_material_ui as pmu

from expsim_panel.economics import ledger
from expsim_panel.errors import InputError
from expsim_panel.evaluation import evaluators
from expsim_panel.evaluator_picks import DriftPicks, Picks, SplitPicks, Weights, profiles
from expsim_panel.layouts.bench import Bench
from expsim_panel.layouts.controls import Field, fields, shape
from expsim_panel.layouts.pages import evaluator_words
from expsim_panel.layouts.pages.frame import Fold, beside, plot, words
from expsim_panel.layouts.session import Session
from expsim_panel.plots import (
    drift_labels,
    error_floor,
    evidence_value,
    frontier,
    replication,
    split_curve,
    split_region,
    trade_off,
)
from expsim_panel.plots._palette import DARK, LIGHT, Ink
from expsim_panel.trade_offs import reweighted

NAMES = {"judge": "Judge", "human": "People"}
HEIGHT = 320
PROMPTS = "On this study's prompts"


def view(session: Session) -> pn.Column:
    """Return the page; it follows the session."""
    return Evaluators(session).view()


class Evaluators:
    """The page: its form, the sentence, and the figures, made anew when the answers change."""

    sections = {"pick": Picks, "split": SplitPicks, "drift": DriftPicks, "weights": Weights}

    def __init__(self, session: Session) -> None:
        self.session, self.bench = session, Bench()
        self.problem, self.progress, self.trade_said = words(margin=0), words(margin=0), words()
        self.said, self.tables = words(bones(64)), words(bones(260))
        self.offline_said, self.prompts_said = words(), words(margin=0)
        self.split_said, self.worth_said, self.launch_said = words(bones(40)), words(bones(40)), words(bones(60))
        self.pictures = {
            key: pn.Column(words(bones(HEIGHT, 2)), sizing_mode="stretch_width", margin=0)
            for key in ("money", "split", "worth", "design")
        }
        self.pictures["trade"] = pn.Column(sizing_mode="stretch_width", margin=0)
        self.choices = {
            kind: pmu.Select(
                label=f"{name}: numbers of", options=profiles(kind), value="", size="small", width=230,
                margin=(9, 12, 4, 0),
            )
            for kind, name in NAMES.items()
        }  # fmt: skip
        for kind, select in self.choices.items():
            select.param.watch(self._chooser(kind), "value")
        self.folds = {
            kind: Fold(f"{name}: all numbers", lambda kind=kind: self._numbers(kind), level=1)  # type: ignore[misc]
            for kind, name in NAMES.items()
        }
        self.forms = {
            key: pn.FlexBox(sizing_mode="stretch_width", margin=0) for key in ("pick", "split", "drift", "weights")
        }
        bench = self.bench
        self.fields: list[Field] = []
        bench.param.watch(lambda *_: self._form(), "rebuilt")
        bench.param.watch(lambda *_: self._refit(), "fitted")
        bench.param.watch(lambda *_: self._draw(), ["answers", "played"])
        bench.param.watch(lambda *_: self._speak(), ["error", "words"])
        session.param.watch(self._follow, ["study", "tab"])
        session.param.watch(lambda *_: self._draw(), "dark")
        session.param.watch(lambda *_: self._trade(), "result")
        if pn.state.curdoc is not None:
            pn.state.on_session_destroyed(lambda context: bench.close())
        pn.state.execute(self._follow)

    def view(self) -> pn.Column:
        """Return the page's layout."""
        grow: dict[str, Any] = {"sizing_mode": "stretch_width"}
        head = pn.FlexBox(*self.choices.values(), self.forms["pick"], margin=0, **grow)
        return pn.Column(
            self.prompts_said, self.said, head, beside(*(fold.card for fold in self.folds.values())), self.problem,
            self.tables, self.progress, self.pictures["money"],
            self.offline_said,
            title("How to split a budget"), self.forms["split"], self.split_said, self.pictures["split"],
            title("What evidence is worth before it is bought"), self.worth_said, self.pictures["worth"],
            title("When a judge alone may decide"), self.launch_said,
            title("How often to repeat, and how to notice a drift"), self.forms["drift"], self.pictures["design"],
            title("Quality, cost and latency at once"), self.forms["weights"], self.trade_said, self.pictures["trade"],
            margin=(10, 0), **grow,
        )  # fmt: skip

    async def _follow(self, *_: Any) -> None:
        """Take over the study on screen, once the page is looked at."""
        if self.session.tab != "Evaluators":
            return
        before = self.bench.rebuilt
        try:
            self.bench.follow(self.session.study.scenario)
        except InputError as problem:
            self.bench.error = str(problem)
            return
        if self.bench.rebuilt != before or self.bench.answers is None:
            self._trade()
            await self.bench.refresh()

    def _chooser(self, kind: str) -> Any:
        async def chosen(event: Any) -> None:
            await self.bench.choose(kind, event.new)

        return chosen

    @property
    def _binary(self) -> bool:
        return bool(self.session.study.scenario.family == "binary")

    def _percent(self, part: str) -> bool:
        """Whether a part of the form speaks of rates: net win rates side by side, though judges see latent points."""
        return self._binary or (part == "drift" and self.session.study.scenario.side_by_side)

    def _form(self) -> None:
        """Build the fields: they hold what the bench holds."""
        self.fields = []
        with pn.io.hold():
            for kind, select in self.choices.items():
                select.value = self.bench.profile[kind]
                self.folds[kind].refresh()
            for key, section in self.sections.items():
                made = fields(section(), (key,), self.bench.value, self._changed, binary=self._percent(key))
                for one in made:
                    one.widget.param.update(sizing_mode="fixed", width=250, margin=(7, 14, 4, 0))
                self.fields += made
                self.forms[key].objects = [one.widget for one in made]

    def _refit(self) -> None:
        """Show the values that followed the answers, in the fields that are there."""
        with pn.io.hold():
            for one in self.fields:
                value = self.bench.value(one.path)
                declared = self.sections[str(one.path[0])].param[str(one.path[1])]
                one.widget.value = shape(declared, self._percent(str(one.path[0]))).shown(value)

    def _numbers(self, kind: str) -> list[Any]:
        if not self.bench.draft:
            return []
        cls = evaluators.get(kind, "evaluators", kind)
        made = fields(
            cls(), (kind,), self.bench.value, self._changed, binary=self._binary, owner=NAMES[kind].lower(),
            skip=("profile",),
        )  # fmt: skip
        return [one.widget for one in made]

    async def _changed(self, path: tuple[str | int, ...], value: Any) -> None:
        await self.bench.change(path, value)
        if path[0] == "weights" and not self.bench.error:
            self._trade()

    def _speak(self) -> None:
        bench = self.bench
        if bench.error and bench.answers is None:
            self._clear()
        self.problem.object = f'<p role="alert"><b>{escape(bench.error)}</b></p>' if bench.error else ""
        self.progress.object = f'<p class="caption" role="status">{escape(bench.words)}</p>' if bench.words else ""

    def _clear(self) -> None:
        """Take the bones away: what they stand for does not come."""
        for said in (self.said, self.tables, self.split_said, self.worth_said, self.launch_said):
            said.object = ""
        for key in ("money", "split", "worth", "design"):
            self.pictures[key].objects = []

    @property
    def _ink(self) -> Ink:
        return DARK if self.session.dark else LIGHT

    def _draw(self) -> None:
        found, played = self.bench.answers, self.bench.played
        if found is None:
            return
        ink = self._ink
        points = played[0].frontier if played else ()
        pick, drift = self.bench.section("split"), self.bench.section("drift")
        with pn.io.hold():
            scenario = self.session.study.scenario
            live = scenario.offline is None
            self.said.object = evaluator_words.headline(found, scenario.metric.name, live)
            self.tables.object = evaluator_words.tables(found, played[0] if played else None, live)
            beside_traffic = evaluator_words.offline(played[3] if played else "", found.family)
            # A study on a prompt set is answered on its prompts; live traffic comes second.
            self.prompts_said.object = "" if live else title_text(PROMPTS) + beside_traffic
            self.offline_said.object = title_text("Offline first, then online") + beside_traffic if live else ""
            self.worth_said.object, self.launch_said.object = (
                evaluator_words.worth(found),
                evaluator_words.launch(found),
            )
            self.split_said.object = evaluator_words.split(found, float(pick.rho), 1 / float(pick.scores_per_label))
            style: dict[str, Any] = {"ink": ink, "height": HEIGHT}
            self._put("money", frontier.draw(found, points, **style), error_floor.draw(found, **style))
            self._put(
                "split",
                split_region.draw(float(pick.rho), 1 / float(pick.scores_per_label), **style),
                split_curve.draw(found, played[1] if played else None, **style),
            )
            self._put("worth", evidence_value.draw(found, **style), evidence_value.draw(found, net=True, **style))
            self._put("design", replication.draw(found, **style), drift_labels.draw(found, float(drift.drift), **style))
            self._trade()

    def _put(self, key: str, *figures: Any) -> None:
        self.pictures[key].objects = [beside(*map(plot, figures))]

    def _trade(self) -> None:
        """Draw what the experiment on screen says of quality, with the weights on this page."""
        result = self.session.result
        found = result[self.session.shown_strategy].verdict.trade_off if result is not None else None
        if result is None or found is None or not self.bench.draft:
            return
        try:
            weights = self.bench.section("weights")
        except InputError:
            return
        money = ledger(result.study.scenario)
        launch = money.launch_cost / money.horizon
        spread = reweighted(found, float(weights.value_per_point), float(weights.usd_per_second), launch)
        binary = result.study.scenario.shown_as == "binary"
        self.trade_said.object = evaluator_words.trade(spread, binary)
        self._put("trade", trade_off.draw(spread, binary=binary, ink=self._ink, height=HEIGHT))


def bones(height: int, beside: int = 1) -> str:
    """Return grey areas, of a height in pixels, where something is being computed."""
    made = f'<div class="bone" style="height:{height}px"></div>' * beside
    return (
        '<div aria-hidden="true" style="display:grid;gap:16px;margin:6px 0;'
        f'grid-template-columns:repeat(auto-fit,minmax(min(430px,100%),1fr))">{made}</div>'
    )


def title(text: str) -> pn.pane.HTML:
    """Return a heading between the parts of the page."""
    return words(title_text(text))


def title_text(text: str) -> str:
    """Return the heading as HTML."""
    return f'<h2 style="font-size:17px;font-weight:700;margin:18px 0 2px">{escape(text)}</h2>'
