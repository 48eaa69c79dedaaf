"""The page of one kind of bandit problem beyond the classic one: its fields, its answer, its pictures and downloads."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from html import escape
from io import BytesIO
from typing import Any

import panel as pn
import panel_material_ui as pmu
import param

from expsim_panel.bandit_problems import command
from expsim_panel.errors import InputError
from expsim_panel.exports.bandit_json import document
from expsim_panel.exports.problem_html import page
from expsim_panel.layouts.controls import Field
from expsim_panel.layouts.number_boxes import IntBox, unset_or_number
from expsim_panel.layouts.pages.bandit import head_of, learned_box, pair, the_same_again
from expsim_panel.layouts.pages.bandit_curve import Over
from expsim_panel.layouts.pages.bandit_world import Parameters, box
from expsim_panel.layouts.pages.frame import words
from expsim_panel.layouts.problem_session import AskedProblem, ProblemSession
from expsim_panel.layouts.session import Session
from expsim_panel.plots import pictured
from expsim_panel.plots.regret_frontier import RegretFrontier
from expsim_panel.policy_names import names_in, read_kind
from expsim_panel.problem_forms import FORMS, Numbers
from expsim_panel.problem_pictures import how, pictures
from expsim_panel.problem_tables import table
from expsim_panel.problem_verdicts import verdict

SIZES = [200, 500, 1000, 2000, 5000, 10_000]
WIDE, WIDTH = 320, 200


class ProblemPage:
    """Inputs and figures of one visitor; a figure joins the page with the first result."""

    def __init__(self, outer: Session, asked: AskedProblem) -> None:
        self.outer, self.session = outer, ProblemSession(hold=pn.io.hold)
        kind = asked.kind if asked.kind in FORMS else next(iter(FORMS))
        self.form = FORMS[kind]
        self.session.asked = asked
        narrow: dict[str, Any] = {"size": "small", "margin": (9, 12, 4, 0)}
        self.fields: dict[str, Field] = {}
        for key in self.form.param:
            if key == "name":
                continue
            declared = self.form.param[key]
            width = WIDE if isinstance(declared, Numbers | param.Selector) else WIDTH
            start = asked.values.get(key, declared.default)
            self._add(key, box(declared, _typed(declared, start), "", self.session.put, width))
        whole = {"horizon": asked.horizon, "replicates": asked.replicates, "seed": asked.seed}
        whole = {key: value if isinstance(value, int) else None for key, value in whole.items()}
        self._add("horizon", IntBox(label=self.form.thing, value=whole["horizon"], step=1000, width=130, **narrow))
        options = sorted({*SIZES, *([whole["replicates"]] if whole["replicates"] else [])})
        self._add(
            "replicates",
            pmu.Select(label="Simulated experiments", options=options, value=whole["replicates"], width=180, **narrow),
        )
        self._add(
            "seed", IntBox(label="Seed", value=whole["seed"], width=130, format=unset_or_number(0, False), **narrow)
        )
        names = self.form().names()
        self.names = pmu.MultiChoice(
            label="Policies", options=list(dict.fromkeys([*names, *asked.policies])), value=list(asked.policies),
            sizing_mode="stretch_width", margin=(9, 0, 4, 0),
        )  # fmt: skip
        self.more = pmu.TextInput(
            label="More policies, with parameters", placeholder=f"{names[0]}(...)", width=300, max_length=2000, **narrow
        )
        self._add("policies", self.more)
        self.stop = pmu.Button(
            label="Stop", icon="close", variant="outlined", color="default", width=100, disabled=True, **narrow
        )
        self.focus = pmu.Select(label="Policy in focus", options=[], width=270, **narrow)
        self.away = self._download("Page (HTML)", f"{kind}.html", self._page, narrow)
        self.data = self._download("Figures (JSON)", f"{kind}.json", self._json, narrow)
        self.parameters = Parameters(
            lambda: self.session.asked.policies, lambda chosen: self.session.change(policies=chosen),
            self.session.complain, self.form.kinds,
        )  # fmt: skip
        self.problem, self.said = words(visible=False), words(min_height=22)
        self.head, self.caption, self.table, self.again, self.inferred = words(), words(), words(), words(), words()
        self.over = Over(self.session, outer.dark)
        self.drawn: dict[str, pictured.Drawn] = {}
        self.body = pn.Column(sizing_mode="stretch_width", margin=0)
        self._watch()

    def view(self) -> pn.Column:
        """Return the page's layout."""
        row: dict[str, Any] = {"sizing_mode": "stretch_width", "margin": 0}
        own = [field.widget for key, field in self.fields.items() if key != "policies"]
        return pn.Column(
            words(f'<p class="caption">{escape(self.form.hint)}</p>', margin=(6, 0, 8, 0)), pn.FlexBox(*own, **row),
            self.names, pn.FlexBox(self.more, self.stop, **row), self.parameters.fold.card, self.problem, self.said,
            self.head, pn.FlexBox(self.focus, self.away, self.data, **row), self.body, self.caption, self.table,
            self.inferred, self.over.view(), self.again, **row,
        )  # fmt: skip

    def _add(self, key: str, widget: Any) -> None:
        self.fields[key] = Field((key,), widget, "")

    def _download(self, label: str, name: str, made: Callable[[], BytesIO], narrow: dict[str, Any]) -> Any:
        # Its constructor warns of its own two names for the look; set afterwards there is but one.
        button = pmu.FileDownload(
            label=label, callback=made, filename=name, embed=False, auto=True, width=180, **narrow
        )
        button.variant = "outlined"
        return button

    def _watch(self) -> None:
        session = self.session

        def typed(key: str) -> None:
            async def changed(event: Any) -> None:
                await session.change(**{key: event.new})

            self.fields[key].widget.param.watch(changed, "value")

        for key in ("horizon", "replicates", "seed"):
            typed(key)

        async def chosen(*_: Any) -> None:
            await self.choose()

        self.names.param.watch(chosen, "value")
        self.more.param.watch(chosen, "value")
        self.stop.on_click(lambda _: session.cancel())
        self.focus.param.watch(lambda event: session.param.update(focus=event.new or ""), "value")
        session.param.watch(self._held(self._show), ["result", "focus"])
        session.param.watch(self._held(self._speak), ["words", "error", "busy", "wrong"])
        session.param.watch(self._held(self._infer), "learned")
        session.param.watch(self._held(self._follow), "asked")
        self.outer.param.watch(self._held(self._paint), "dark")
        if pn.state.curdoc is not None:
            pn.state.onload(session.play)
            pn.state.on_session_destroyed(lambda context: session.close())

    async def choose(self) -> None:
        """Play the policies that are chosen and typed."""
        typed = names_in(str(self.more.value))
        together = tuple(dict.fromkeys([*self.names.value, *typed]))
        if typed and all(map(self._readable, typed)):
            # What can be played joins the others; what cannot stays where it is typed, with its line.
            with pn.io.hold():
                # Emptied first: `_follow` leaves out what is still typed.
                self.more.value = ""
                self.session.asked = replace(self.session.asked, policies=together)
            await self.session.play()
            return
        await self.session.change(policies=together)

    def _held(self, job: Callable[[], None]) -> Callable[..., None]:
        def work(*_: Any) -> None:
            with pn.io.hold():
                job()

        return work

    def _readable(self, name: str) -> bool:
        """Tell whether a typed name is a policy of this kind with parameters that it accepts."""
        try:
            read_kind(name, self.form.kinds, "bandit", "policy")
        except InputError:
            return False
        return True

    def _follow(self) -> None:
        """Show the chosen policies, and build the fold of their parameters again."""
        typed = names_in(str(self.more.value))
        chosen = [name for name in self.session.asked.policies if name not in typed]
        options = list(dict.fromkeys([*self.names.options, *chosen]))
        if options != list(self.names.options) or chosen != list(self.names.value):
            self.names.param.update(options=options, value=chosen)
            self.parameters.fold.refresh()

    def _paint(self) -> None:
        for one in self.drawn.values():
            one.paint(self.outer.dark)
        self.over.drawn.paint(self.outer.dark)
        self.over.paint(self.outer.dark)
        self._show()

    def _speak(self) -> None:
        session = self.session
        self.said.object = f'<span class="caption" role="status">{escape(session.words)}</span>'
        line = session.error
        self.problem.param.update(
            object=f'<p role="alert"><b>{escape(line)}</b></p>' if line else "", visible=bool(line)
        )
        # "policy thompson.floor" and "policies" are both about what is typed as a policy.
        first = session.wrong.split(".")[0].split(" ")[0]
        wrong = "policies" if first == "policy" else first
        for key, field in self.fields.items():
            field.complain(line.partition("]: ")[2] or line if line and key == wrong else "")
        self.stop.disabled = not session.busy

    def _show(self) -> None:
        found = self.session.result
        if found is None:
            return
        answer = verdict(found)
        names = [one.name for one in found.policies]
        chosen = self.session.focus if self.session.focus in names else answer.policy
        self.focus.param.update(options=names, value=chosen)
        shown = pictures(found, chosen)
        fresh = [key for key in shown if key not in self.drawn]
        for key in fresh:
            self.drawn[key] = pictured.made_for(shown[key], self.outer.dark)
            self._tappable(self.drawn[key])
        for key, picture in shown.items():
            pictured.draw(self.drawn[key], picture, chosen)
        if fresh or list(self.drawn) != list(shown):
            self.drawn = {key: self.drawn[key] for key in shown}
            self.body.objects = [pair(*(one.figure for one in self.drawn.values()))]
        self.head.object = head_of(answer, answer.word, self.outer.dark)
        rows = table(found, answer.policy)
        self.table.object = f'<div class="scroll" tabindex="0" role="region" aria-label="Every policy">{rows}</div>'
        self.caption.object = f'<p class="caption">{escape(how(found))}</p>'
        again = command(self.session.given, names, found.horizon, found.replicates, found.seed)
        self.again.object = the_same_again(self.session.asked.link(), again, found.digest)

    def _infer(self) -> None:
        self.inferred.object = learned_box(self.session.learned)

    def _tappable(self, figure: pictured.Drawn) -> None:
        """Let a tapped dot bring its policy."""
        if not isinstance(figure, RegretFrontier):
            return

        def tapped(attr: str, old: list[int], new: list[int]) -> None:
            found = self.session.result
            if new and found is not None and new[0] < len(found.policies):
                self.session.focus = found.policies[new[0]].name

        figure.source.selected.on_change("indices", tapped)

    def _page(self) -> BytesIO:
        found = self.session.result
        if found is None:
            return BytesIO(b"")
        session = self.session
        return BytesIO(page(found, session.given, session.curve, session.learned, session.surface).encode())

    def _json(self) -> BytesIO:
        found = self.session.result
        return BytesIO(
            b""
            if found is None
            else json.dumps(
                document(found, self.session.learned, self.session.surface or self.session.curve),
                indent=1,
                allow_nan=False,
            ).encode()
        )


def _typed(declared: param.Parameter, value: Any) -> Any:
    """Return what a widget can show of a value that came by a link; what it cannot is shown as the default."""
    if isinstance(declared, param.Selector):
        return value if value in list(declared.objects) else declared.default
    if isinstance(declared, param.Boolean):
        return value is True
    if isinstance(declared, param.String):
        return str(value)[:2000]
    number = isinstance(value, int | float) and not isinstance(value, bool)
    return value if number or declared.allow_None else None
