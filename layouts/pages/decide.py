"""Decide: the data of an experiment that was already run, in; its verdict under the planned design, out."""

from __future__ import annotations

import asyncio
import csv
import io
import math
import re
from dataclasses import replace
from html import escape
from typing import Any

import numpy as np
import panel as pn
import panel_material_ui as pmu

from expsim_panel import plan
from expsim_panel.decide import Decision, decide
from expsim_panel.decision_adjusted import columns
from expsim_panel.errors import InputError, shown
from expsim_panel.guardrail_data import from_flags, split_lines
from expsim_panel.layouts.computing import POOL
from expsim_panel.layouts.guardrails import box
from expsim_panel.layouts.pages.frame import follow, words
from expsim_panel.layouts.pages.pasted import as_table
from expsim_panel.layouts.session import Session
from expsim_panel.layouts.theme import ACTIONS, tone
from expsim_panel.observed import Observed, from_counts, from_csv
from expsim_panel.quantities import count
from expsim_panel.scenario import Scenario
from expsim_panel.standing import standing
from expsim_panel.study import Study
from expsim_panel.world_words import words_of

MAX_BYTES = 20 * 2**20
HINT = (
    "Have you run this experiment? Paste what you counted, and read the verdict of the design you planned. "
    "Nothing is stored."
)
FORMS = (
    ("A rate", "A=96/1000, B=81/1000", "hits and responses of each variant"),
    ("A score", "A=3.2/1.1/1000, B=3.3/1.1/1000", "mean, spread and responses"),
    ("Side by side", "B=540/100/360", "wins, ties and losses of each variant after the control"),
    ("A table", "variant,value", "one response a line; side by side variant,outcome"),
    ("Sums", "variant,rows,hits", "or variant,rows,sum,squares"),
    ("By day", "day,variant,…", "add a column day where you know it: of late outcomes the day each came in"),
    ("Guardrails", "refusals: A=12/1000, B=15/1000", "a line of their own each, or columns of the table; "
     "response time: A=1650/900/1000, … (mean, spread, units)"),
)  # fmt: skip
"""What can be pasted: kind of data, how it is written, and what that is."""


class Deciding:
    """The page: its inputs, and the answer to them. Data stay in this object and go with it."""

    def __init__(self, session: Session) -> None:
        self.session = session
        self._file: tuple[bytes, str] | None = None
        narrow: dict[str, Any] = {"size": "small", "margin": (9, 12, 4, 0)}
        self.strategy = pmu.Select(label="Design that was planned", options=[], width=240, **narrow)
        # A number box shows an unset number as 0, which is a day that does not exist.
        self.day = pmu.TextInput(label="Day of the totals", placeholder="taken from the units", width=190, **narrow)
        self.data = pmu.TextAreaInput(
            label="Data of the experiment", rows=6, max_length=200_000, sizing_mode="stretch_width",
            margin=(9, 0, 4, 0),
        )  # fmt: skip
        self.upload = pmu.FileInput(
            label="Or open a CSV file", accept=".csv", max_file_size=MAX_BYTES, variant="outlined", icon="upload_file",
            width=220, **narrow,
        )  # fmt: skip
        self.example = pmu.Button(label="Fill in the experiment on screen", variant="outlined", width=270, **narrow)
        self.button = pmu.Button(label="Decide", icon="gavel", variant="contained", width=140, **narrow)
        self.answer = words(
            '<p class="caption" role="status">No data yet. The verdict will stand here.</p>', margin=(12, 0)
        )
        self.button.on_click(self._asked)
        self.example.on_click(self._filled)
        self.upload.param.watch(self._opened, "value")
        follow(session, ["study"], self._names)

    def view(self) -> pn.Column:
        """Return the page's layout."""
        head = pn.FlexBox(self.strategy, self.day, sizing_mode="stretch_width", margin=0)
        do = pn.FlexBox(self.upload, self.example, self.button, sizing_mode="stretch_width", margin=0)
        hint = words(f"<p>{HINT}</p>", margin=(10, 0, 0, 0))
        forms = words(told_forms(), margin=(2, 0, 0, 0))
        return pn.Column(hint, self.data, forms, head, do, self.answer, sizing_mode="stretch_width", margin=(10, 0))

    async def _filled(self, _: Any) -> None:
        result = self.session.result
        if result is None:
            return
        one = result[self.session.shown_strategy]
        self.strategy.value = one.name
        scenario, day = result.study.scenario, int(one.trace.day)
        seen = min(day, int(scenario.traffic.days))
        if one.strategy.design.remembers(plan.setting_of(scenario), seen) is None:
            self.data.value = counts_of(scenario, one.trace.state[-1])
            # The day of a prompt set's batch, and of totals by rows alone, cannot be read off the counts.
            self.day.value = str(day)
        else:
            self.data.value, self.day.value = by_day(scenario, one.trace.state), ""
        self._file = None
        await self._decide()

    def _names(self) -> None:
        names = [one.name for one in self.session.study.strategies]
        kept = self.strategy.value if self.strategy.value in names else self.session.shown_strategy
        self.strategy.param.update(options=names, value=kept if kept in names else names[0])
        arms = [variant.name for variant in self.session.study.scenario.variants]
        rate = self.session.study.scenario.family == "binary"
        counts = [f"{name}={'96/1000' if rate else '3.2/1.1/1000'}" for name in arms]
        if self.session.study.scenario.side_by_side:
            counts = [f"{name}=540/100/360" for name in arms[1:]]
        self.data.placeholder = ", ".join(counts)
        clock = words_of(self.session.study.scenario)
        self.day.param.update(
            label=f"{clock.tick.capitalize()} of the totals", placeholder=f"taken from the {clock.unit}s"
        )

    async def _opened(self, event: Any) -> None:
        if event.new:
            name = " ".join(str(self.upload.filename or "upload.csv").split())[:80]
            self._file = (bytes(event.new), name)
            await self._decide()

    async def _asked(self, _: Any) -> None:
        if self.data.value.strip():
            self._file = None
        await self._decide()

    async def _decide(self) -> None:
        """Read and judge on a thread: a large table must not hold up the page."""
        study, name, when = self.session.study, self.strategy.value, str(self.day.value).strip()
        text, file = str(self.data.value), self._file

        def work() -> Decision:
            if when and not re.fullmatch("[0-9]{1,6}", when):
                raise InputError(
                    self.day.label, "", f"{shown(when)} is no number", "give a whole number or leave it empty"
                )
            seen = read(study, text, file)
            try:
                return decide(study, seen, name, int(when) if when else None)
            except InputError as error:
                label = {"--day": self.day.label, "--strategy": self.strategy.label}.get(error.where)
                if label is None:
                    raise
                raise InputError(label, "", error.problem, error.remedy) from None

        try:
            made = await asyncio.get_running_loop().run_in_executor(POOL, work)
        except InputError as error:
            self.answer.object = f'<p role="alert"><b>{escape(str(error))}</b></p>'
            return
        self.answer.object = told(study, made, self.session.dark)


def view(session: Session) -> pn.Column:
    """Return the page; it follows the session."""
    return Deciding(session).view()


def told_forms() -> str:
    """Return what can be pasted, behind one line."""
    lines = "".join(
        f'<tr><th scope="row">{kind}</th><td class="note"><code>{escape(form)}</code>'
        f"<small>{escape(what)}</small></td></tr>"
        for kind, form, what in FORMS
    )
    return (
        '<details class="forms"><summary>What can be pasted</summary><div class="scroll" tabindex="0" role="region" '
        f'aria-label="What can be pasted"><table><tbody>{lines}</tbody></table></div></details>'
    )


def counts_of(scenario: Scenario, state: np.ndarray) -> str:
    """Return the totals of an experiment as they are pasted, from the state that rules read, shape (4, arms)."""
    names = [variant.name for variant in scenario.variants]
    made = []
    for arm, name in enumerate(names):
        rows, total, square = (float(state[part, arm]) for part in (1, 2, 3))
        if scenario.side_by_side:
            if arm and (stands := standing(scenario, state, arm)) is not None:
                wins, ties = (round(share * rows) for share in (stands.wins, stands.ties))
                made.append(f"{name}={wins}/{ties}/{round(rows) - wins - ties}")
        elif scenario.family == "binary":
            made.append(f"{name}={round(total if scenario.sign > 0 else rows - total)}/{round(rows)}")
        else:
            mean = total / rows if rows else 0.0
            spread = math.sqrt(max(square - rows * mean**2, 0.0) / max(rows - 1, 1))
            made.append(f"{name}={scenario.sign * mean:.6g}/{spread:.6g}/{round(rows)}")
    return ", ".join(made)


def by_day(scenario: Scenario, state: np.ndarray) -> str:
    """Return the days of an experiment as a table, from the states that rules read, shape (days, 4, arms)."""
    made = io.StringIO()
    table = csv.writer(made, lineterminator="\n")
    table.writerow(["day", *columns(scenario).split(",")])
    before: list[list[float]] = [[0.0] * 3 for _ in scenario.variants]
    for day, now in enumerate(state, start=1):
        for arm, variant in enumerate(scenario.variants):
            rows, total, square = (float(part) for part in now[1:, arm])
            known = before[arm]
            if scenario.side_by_side:
                stands = standing(scenario, now, arm) if arm else None
                if stands is not None:
                    wins, ties = (round(share * rows) for share in (stands.wins, stands.ties))
                    known = [wins, ties, round(rows) - wins - ties]
            elif scenario.family == "binary":
                known = [round(rows), round(total if scenario.sign > 0 else rows - total)]
            else:
                known = [round(rows), scenario.sign * total, square]
            if arm or not scenario.side_by_side:
                new = (f"{value - was:.10g}" for value, was in zip(known, before[arm], strict=False))
                table.writerow([day, variant.name, *new])
            before[arm] = known
    return made.getvalue()


def read(study: Study, text: str, file: tuple[bytes, str] | None) -> Observed:
    """Return the data of a file, a pasted table or pasted counts.

    Raises
    ------
    InputError
        There are none, or they cannot be right.
    """
    scenario = study.scenario
    if file is not None:
        return from_csv(scenario, *file)
    if not text.strip():
        raise InputError("data", "", "there are none", "paste counts or a table, or open a file")
    first = text.strip().partition("\n")[0]
    if ("/" in text and "," not in first.partition("=")[0]) or ("=" in first and "variant" not in first.lower()):
        rails, lines = split_lines(scenario, text)
        counts = ",".join(filter(None, (line.strip(" ,\t\r") for line in lines)))
        if not counts:
            problem = f"there are none of {scenario.metric.name}, only of guardrails"
            raise InputError("data", "", problem, "paste the counts of every variant too")
        made = from_counts(scenario, counts, "data")
        return replace(made, guardrails=from_flags(scenario, rails, "data"))
    return from_csv(scenario, as_table(text), "data")


def told(study: Study, made: Decision, dark: bool) -> str:
    """Return the answer as HTML; everything a person wrote is escaped."""
    verdict = made.verdict
    icon, word, *_ = ACTIONS[verdict.action]
    last = made.trace.state[-1]
    numbers = [
        (count(last[1, arm]), f"scored responses of {variant.name}")
        for arm, variant in enumerate(study.scenario.variants)
    ][:3]
    if study.scenario.side_by_side:
        numbers = [(value, f"comparisons of {name.partition(' of ')[2]}") for value, name in numbers[1:]]
    clock = words_of(study.scenario)
    split = "not as planned" if made.split.alarm else "as planned"
    ended = f", ended by {verdict.strategy} {clock.ended(made.ended_on)}" if made.ended_on is not None else ""
    facts = [
        f"{clock.tick.capitalize()} {made.day} of {made.planned}{ended}",
        *([f"Late outcomes: {made.late_words}"] if made.late_words else []),
        f"Next look: {clock.tick} {made.next_look}" if made.next_look else "No look to come",
        f"Split {split} (p = {made.split_p:.2g})",
    ]  # fmt: skip
    checked = any(each is not None for each in made.trace.readings)
    rails = box(study.scenario, verdict, dark) if checked else ""
    cells = "".join(f"<div><b>{value}</b><span>{escape(name)}</span></div>" for value, name in numbers)
    reasons = "".join(f"<li>{escape(line)}</li>" for line in (*made.notes, *verdict.reasons))
    mark = f'<svg aria-hidden="true" viewBox="0 0 16 16"><path d="{icon}"/></svg><span>{word}</span>'
    who = f'<span class="who">Verdict on your data, planned as {escape(verdict.strategy)}</span>'
    return (
        f'<section class="verdict" aria-live="polite" style="--tone:{tone(verdict.action, dark)}">'
        f'<div class="word">{mark}{who}</div>'
        f'<h2 class="said">{escape(verdict.sentence)}</h2><div class="numbers">{cells}</div></section>{rails}'
        f'<div class="two"><section class="box"><h2>What to know</h2><ul>{reasons}</ul></section>'
        f'<section class="box"><h2>Where the experiment stands</h2><ul>'
        + "".join(f"<li>{escape(fact)}</li>" for fact in facts)
        + "</ul></section>"
        + _more(made)
        + "</div>"
    )


def _more(made: Decision) -> str:
    """Return the box on the estimate after stopping early and on going on; empty where there is nothing to say."""
    lines = made.details.lines
    if not lines:
        return ""
    title = "How much longer?" if made.details.longer is not None else "What the number is worth"
    listed = "".join(f"<li>{escape(line)}</li>" for line in lines)
    return f'<section class="box"><h2>{title}</h2><ul>{listed}</ul></section>'
