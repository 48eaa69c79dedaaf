"""A/B or bandit? A problem and its world, editable: what each policy loses while it learns, how often it ends wrong."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import replace
from html import escape
from io import BytesIO
from typing import Any

import panel as pn
import panel_material_ui as pmu

from expsim_panel.bandit_form import FAMILIES, allowed
from expsim_panel.bandit_inference import Inference
from expsim_panel.bandit_scenario import of_scenario
from expsim_panel.bandit_verdict import BanditVerdict, verdict
from expsim_panel.bandits import BanditResult
from expsim_panel.errors import InputError
from expsim_panel.exports._bandit_inference import LEARNED, learned_words
from expsim_panel.exports.bandit_html import command, heads, how, page, rows
from expsim_panel.frontier import of_bandit
from expsim_panel.layouts.bandit_session import Asked, BanditSession, of_study
from expsim_panel.layouts.number_boxes import IntBox, unset_or_number
from expsim_panel.layouts.pages.bandit_curve import Over
from expsim_panel.layouts.pages.bandit_world import Worlds
from expsim_panel.layouts.pages.frame import beside, plot, words
from expsim_panel.layouts.problem_links import SIZES as SIZES_ASKED
from expsim_panel.layouts.session import Session
from expsim_panel.layouts.theme import ACTIONS, tone
from expsim_panel.plots._policies import styles
from expsim_panel.plots.bandit_pulls import BanditPulls
from expsim_panel.plots.bandit_regret import BanditRegret, unit
from expsim_panel.plots.bandit_traffic import BanditTraffic
from expsim_panel.plots.regret_frontier import RegretFrontier
from expsim_panel.policy_names import names_in, read_policy

HINT = (
    "One request after the other, each answered by one arm; a bandit moves traffic to what works while it learns, an "
    "even split (the A/B test) does not. Tap a dot to see that policy's spread and traffic."
)
SIZES = [200, 500, 1000, 2000, 5000, 10_000]
WITH_PARAMETERS = ("explore-then-commit(m=100)", "epsilon-greedy(epsilon=0.05)", "kl-ucb(c=3)", "thompson(floor=0.05)")
"""Offered beside the plain names; any other is typed."""


def amount(text: str) -> float | None:
    """Return the dollars of a text; None where it is empty, nan where it is no amount."""
    kept = text.strip().removeprefix("$").replace(",", "")
    try:
        return float(kept) if kept else None
    except ValueError:
        return math.nan


def pair(*figures: Any) -> pn.Column:
    """Return two figures side by side where there is room; never three columns of which one is empty."""
    made = beside(*map(plot, figures))
    made.styles = {**made.styles, "grid-template-columns": "repeat(auto-fit, minmax(min(max(430px, 40%), 100%), 1fr))"}
    return made


def _readable(name: str) -> bool:
    """Tell whether a typed name is a policy with parameters that it accepts."""
    try:
        read_policy(name)
    except InputError:
        return False
    return True


class Bandits:
    """The page: its inputs and its figures, of one visitor."""

    def __init__(self, session: Session, linked: Asked | None = None) -> None:
        self.outer, self.session = session, BanditSession(hold=pn.io.hold)
        asked = linked or self.session.asked
        self.session.param.update(asked=asked, dollars=asked.usd is not None)
        whole = {key: one if isinstance(one := getattr(asked, key), int) else None for key in SIZES_ASKED}
        narrow: dict[str, Any] = {"size": "small", "margin": (9, 12, 4, 0)}
        self.means = pmu.TextInput(
            label="Mean of each arm", value=asked.means[:2000], width=240, max_length=2000, **narrow
        )
        family = asked.family if asked.family in FAMILIES.values() else None
        self.family = pmu.Select(label="Rewards", options=FAMILIES, value=family, width=270, **narrow)
        self.horizon = IntBox(label="Requests", value=whole["horizon"], start=1, step=1000, width=130, **narrow)
        sizes = sorted({*SIZES, *([whole["replicates"]] if whole["replicates"] else [])})
        self.size = pmu.Select(
            label="Simulated experiments", options=sizes, value=whole["replicates"], width=170, **narrow
        )
        self.seed = IntBox(
            label="Seed of the bandits",
            value=whole["seed"],
            start=0,
            width=130,
            format=unset_or_number(0, False),
            **narrow,
        )
        # A number box shows an unset number as 0, which is a worth.
        self.worth = pmu.TextInput(label="Worth of one, $", placeholder="not set", max_length=30, width=140, **narrow)
        self.worth.value = "" if asked.usd is None else str(asked.usd)[:30]
        self.names = pmu.MultiChoice(
            label="Policies",
            options=list(dict.fromkeys([*allowed(3, 5000, "bernoulli", {}), *WITH_PARAMETERS, *asked.policies])),
            value=list(asked.policies),
            sizing_mode="stretch_width", margin=(9, 0, 4, 0),
        )  # fmt: skip
        self.more = pmu.TextInput(
            label="More policies, with parameters",
            placeholder="kl-ucb(c=3), ucb1(c=1)",
            width=300,
            max_length=2000,
            **narrow,
        )
        self.take = pmu.Button(
            label="Take it from the scenario", icon="south_east", variant="outlined", width=240, **narrow
        )
        self.stop = pmu.Button(
            label="Stop", icon="close", variant="outlined", color="default", width=100, disabled=True, **narrow
        )
        self.focus = pmu.Select(label="Policy in focus", options=[], width=270, **narrow)
        self.unit = pmu.Select(label="Loss in", options=["good answers"], width=170, disabled=True, **narrow)
        # Disabled until a price is given: there is nothing to switch to.
        self.said, self.head, self.table = words(min_height=22), words(), words()
        self.caption = words()
        self.problem = words(visible=False)
        dark = session.dark
        self.regret, self.traffic, self.pulls = BanditRegret(dark), BanditTraffic(dark), BanditPulls(dark)
        self.frontier, self.over = RegretFrontier(dark), Over(self.session, dark)
        self.frontier.figure.yaxis.axis_label = "Keeps a lesser arm, % of experiments"
        # Its constructor warns of its own two names for the look; set afterwards there is but one.
        self.away = pmu.FileDownload(
            label="Page (HTML)",
            callback=self._page,
            filename="bandit.html",
            embed=False,
            auto=True,
            width=170,
            **narrow,
        )
        self.away.variant = "outlined"
        self.inferred, self.again = words(), words()
        self.worlds = Worlds(self.session, self._typed_means)
        self._watch()

    def view(self) -> pn.Column:
        """Return the page's layout."""
        box: dict[str, Any] = {"sizing_mode": "stretch_width", "margin": 0}
        first = pn.FlexBox(self.means, self.family, self.horizon, self.size, self.worth, self.seed, **box)
        second = pn.FlexBox(self.more, self.take, self.stop, **box)
        third = pn.FlexBox(self.focus, self.unit, self.away, **box)
        return pn.Column(
            words(f'<p class="caption">{HINT}</p>', margin=(6, 0, 0, 0)), first, self.names, second, self.worlds.view(),
            self.problem, self.said, self.head, third, pair(self.regret.figure, self.frontier.figure), self.caption,
            pair(self.traffic.figure, self.pulls.figure), self.table, self.inferred, self.over.view(), self.again,
            sizing_mode="stretch_width", margin=(10, 0),
        )  # fmt: skip

    def _watch(self) -> None:
        session = self.session

        def typed(widget: Any, key: str, read: Callable[[Any], Any] = lambda value: value) -> None:
            async def changed(event: Any) -> None:
                await session.change(**{key: read(event.new)})

            widget.param.watch(changed, "value")

        typed(self.means, "means", str)
        typed(self.family, "family")
        typed(self.horizon, "horizon")
        typed(self.size, "replicates")
        typed(self.seed, "seed")
        typed(self.worth, "usd", lambda value: amount(str(value)))

        async def chosen(*_: Any) -> None:
            typed = names_in(str(self.more.value))
            together = dict.fromkeys([*self.names.value, *typed])
            if typed and all(map(_readable, typed)):
                # What can be played joins the others; what cannot stays where it is typed, with its line.
                with pn.io.hold():
                    # Emptied first: `_follow` leaves out what is still typed.
                    self.more.value = ""
                    session.asked = replace(session.asked, policies=tuple(together))
                await session.play()
                return
            await session.change(policies=tuple(together))

        self.names.param.watch(chosen, "value")
        self.more.param.watch(chosen, "value")

        async def take(_: Any) -> None:
            found = of_scenario(self.outer.study.scenario)
            new = of_study(self.outer.study, session.asked)
            with pn.io.hold():
                session.asked = new
                session.dollars = new.usd is not None
                session.noted = "; ".join(found.notes)
                self._fill()
                self.worlds.follow(everything=True)
            await session.play()

        self.take.on_click(take)
        self.stop.on_click(lambda _: session.cancel())
        self.focus.param.watch(lambda event: session.param.update(focus=event.new or ""), "value")
        self.unit.param.watch(lambda event: session.param.update(dollars=event.new == "dollars"), "value")
        self.frontier.source.selected.on_change("indices", self._tapped)
        session.param.watch(self._held(self._show), ["result", "focus", "dollars"])
        session.param.watch(self._held(self._speak), ["words", "error", "busy", "noted"])
        session.param.watch(self._held(self._infer), "learned")
        session.param.watch(self._held(self._follow), "asked")
        self.outer.param.watch(self._held(self._paint), "dark")
        if pn.state.curdoc is not None:
            pn.state.onload(session.play)
            pn.state.on_session_destroyed(lambda context: session.close())

    def _typed_means(self, means: list[float]) -> None:
        """Put means into the one place where they are typed, which plays them."""
        self.means.value = ", ".join(f"{mean:.12g}" for mean in means)

    def _fill(self) -> None:
        """Show in the widgets what is asked."""
        asked = self.session.asked
        options = sorted({*SIZES, int(asked.replicates)})
        self.size.param.update(options=options, value=asked.replicates)
        self.family.value, self.horizon.value = asked.family, asked.horizon
        self.worth.value = "" if asked.usd is None else f"{asked.usd:g}"
        self.means.value = asked.means

    def _follow(self) -> None:
        """Offer what the world allows, and build the folds whose fields are others now."""
        asked = self.session.asked
        try:
            means = asked.numbers()
            names = allowed(len(means), int(asked.horizon or 1), asked.family, asked.world(means))
        except (InputError, ValueError, TypeError):
            return
        typed = names_in(str(self.more.value))
        chosen = [name for name in asked.policies if name not in typed]
        offered = [*names, *(name for name in WITH_PARAMETERS if name.partition("(")[0] in names)]
        options = list(dict.fromkeys([*offered, *chosen]))
        if options != list(self.names.options) or chosen != list(self.names.value):
            self.names.param.update(options=options, value=chosen)
        self.worlds.follow()

    def _infer(self) -> None:
        self.inferred.object = learned_box(self.session.learned)

    def _held(self, job: Callable[[], None]) -> Callable[..., None]:
        def work(*_: Any) -> None:
            with pn.io.hold():
                job()

        return work

    def _tapped(self, attr: str, old: list[int], new: list[int]) -> None:
        found = self.session.result
        if new and found is not None and new[0] < len(found.policies):
            self.session.focus = found.policies[new[0]].name

    def _paint(self) -> None:
        for one in (self.regret, self.traffic, self.pulls, self.frontier, self.over.drawn):
            one.paint(self.outer.dark)
        self.over.paint(self.outer.dark)
        self._show()

    def _speak(self) -> None:
        session = self.session
        noted = f". From the scenario: {session.noted}" if session.noted else ""
        self.said.object = f'<span class="caption" role="status">{escape(session.words + noted)}</span>'
        self.problem.param.update(
            object=f'<p role="alert"><b>{escape(session.error)}</b></p>' if session.error else "",
            visible=bool(session.error),
        )
        self.stop.disabled = not session.busy

    def _show(self) -> None:
        found, usd = self.session.shown()
        if found is None:
            return
        answer = verdict(found, usd)
        names = [one.name for one in found.policies]
        shown = self.session.focus if self.session.focus in names else answer.policy
        unit_of = "good answers" if found.family == "bernoulli" else "points of reward"
        priced = self.session.priced
        self.unit.param.update(
            options=[unit_of, "dollars"] if priced else [unit_of],
            value="dollars" if usd else unit_of,
            disabled=not priced,
        )
        self.focus.param.update(options=names, value=shown)
        self.regret.show(found, shown, usd)
        self.traffic.show(found, shown)
        self.pulls.show(found)
        colours = [look.colour for look in styles(names)]
        self.frontier.show(of_bandit(found, usd), unit(found.family, usd), usd is not None, colours)
        self.head.object = _head(found, usd, self.outer.dark)
        self.table.object = _table(found, usd, answer.policy)
        self.caption.object = f'<p class="caption">{escape(how(found))}</p>'
        played = self.session.result or found
        said = command(played, self.session.asked.usd)
        self.again.object = the_same_again(self.session.asked.link(), said, played.digest)

    def _page(self) -> Any:
        found = self.session.result
        if found is None:
            return BytesIO(b"")
        session = self.session
        return BytesIO(page(found, session.asked.usd, session.curve, session.learned, session.surface).encode())


def _head(found: BanditResult, usd: float | None, dark: bool) -> str:
    """Return the answer as HTML."""
    answer = verdict(found, usd)
    return head_of(answer, "Bandit" if answer.clear else "Even split", dark)


def learned_box(learned: Sequence[Inference]) -> str:
    """Return what can be inferred after each policy as a part of the page; nothing where there is none."""
    return f'<section class="box learned"><h2>{LEARNED}</h2>{learned_words(learned)}</section>' if learned else ""


def the_same_again(link: str, command: str, digest: str) -> str:
    """Return what asks for a problem once more, as HTML: its address and its command line."""
    return (
        '<section class="box"><h2>The same again</h2>'
        f'<p><a href="{escape(link)}" target="_blank" rel="noopener">Link to this problem</a></p>'
        f"<p><code style='font-size:12.5px'>{escape(command)}</code></p>"
        f"<p class='caption'>Result digest {digest}</p></section>"
    )


def head_of(answer: BanditVerdict, word: str, dark: bool) -> str:
    """Return an answer as HTML; everything a person wrote is escaped."""
    action = "launch" if answer.clear else "keep"
    icon = ACTIONS[action][0]
    mark = f'<svg aria-hidden="true" viewBox="0 0 16 16"><path d="{icon}"/></svg>{escape(word)}'
    numbers = "".join(f"<div><b>{escape(value)}</b><span>{escape(what)}</span></div>" for value, what in answer.numbers)
    notes = "".join(f"<li>{escape(note)}</li>" for note in answer.notes)
    return (
        f'<section class="verdict" aria-live="polite" style="--tone:{tone(action, dark)}">'
        f'<div class="word">{mark}<span class="who">A/B or bandit? The problem above</span></div>'
        f'<h2 class="said">{escape(answer.sentence)}</h2><div class="numbers">{numbers}</div></section>'
        f'<section class="box" style="margin-top:14px"><h2>What would change it</h2><ul>{notes}</ul></section>'
    )


def _table(found: BanditResult, usd: float | None, best: str) -> str:
    head = "".join(f'<th scope="col">{name}</th>' for name in heads(found))
    body = ""
    for name, *cells in rows(found, usd):
        kind = "advised" if name == best else ""
        row = "".join(f"<td>{cell}</td>" for cell in cells)
        body += f'<tr><th scope="row" class="{kind}">{escape(name)}</th>{row}</tr>'
    return (
        '<div class="scroll" tabindex="0" role="region" aria-label="Every policy"><table class="figures">'
        f"<caption>Every policy</caption><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table></div>"
    )
