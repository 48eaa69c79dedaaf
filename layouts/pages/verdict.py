"""The head of the page: the verdict, the numbers that carry it, what would change it; the advice apart."""

from __future__ import annotations

from html import escape

import numpy as np
import panel as pn

from expsim_panel.economics import ledger
from expsim_panel.exact import Exact
from expsim_panel.layouts.guardrails import box
from expsim_panel.layouts.session import Session
from expsim_panel.layouts.theme import ACTIONS, SHEET, tone
from expsim_panel.quantities import count, effect, money, percent, span
from expsim_panel.results import Result, StrategyResult
from expsim_panel.scenario import Scenario
from expsim_panel.world_words import words_of

SHOWN = 2
"""Reasons that stand open: the tabs below should not need scrolling."""

WAITING = """<div aria-busy="true" aria-label="The first result is being computed">
<div class="verdict" style="--tone:#8795A0">
<div class="bone" style="width:120px;height:20px"></div>
<div class="bone" style="width:82%;height:30px;margin:14px 0"></div>
<div class="numbers"><div class="bone" style="height:44px"></div><div class="bone" style="height:44px"></div>
<div class="bone" style="height:44px"></div></div></div></div>"""


def view(session: Session) -> pn.pane.HTML:
    """Return the pane; it follows the session."""
    pane = pn.pane.HTML(
        WAITING,
        css_classes=["live-verdict"],
        stylesheets=[SHEET],
        sizing_mode="stretch_width",
        margin=0,
    )

    def show(*_: object) -> None:
        pane.object = text(session)

    session.param.watch(show, ["result", "exact", "status", "watching", "dark"])
    show()
    return pane


def text(session: Session) -> str:
    """Return the head as HTML; everything a person wrote is escaped."""
    result = session.result
    if result is None:
        return WAITING + _expected(session)
    one = result[session.shown_strategy]
    stale = not session.fresh
    head = (
        f'<div class="{"old" if stale else ""}">{_verdict(result, one, session.dark, stale)}'
        f"{box(result.study.scenario, one.verdict, session.dark)}{_boxes(result, one)}</div>"
    )
    return head + (_expected(session) if stale else "")


def _verdict(result: Result, one: StrategyResult, dark: bool, stale: bool) -> str:
    verdict = one.verdict
    icon, word, *_ = ACTIONS[verdict.action]
    numbers = "".join(
        f"<div><b>{escape(value)}</b><span>{escape(name)}</span></div>" for value, name in carrying(result, one)
    )
    meant = escape(one.strategy.summary, quote=True)
    played = f'<abbr title="{meant}">{escape(one.name)}</abbr>'
    who = f"Verdict on simulated experiment {one.trace.luck:,}, played by {played}"
    note = " · of the study before your change" if stale else ""
    mark = f'<svg aria-hidden="true" viewBox="0 0 16 16"><path d="{icon}"/></svg><span>{word}</span>'
    return (
        f'<section class="verdict" aria-live="polite" style="--tone:{tone(verdict.action, dark)}">'
        f'<div class="word">{mark}<span class="who">{who}{note}</span></div>'
        f'<h1>{escape(verdict.sentence)}</h1><div class="numbers">{numbers}</div></section>'
    )


def carrying(result: Result, one: StrategyResult) -> list[tuple[str, str]]:
    """Return at most three numbers of the experiment on screen, with what they are."""
    scenario = result.study.scenario
    verdict, shown = one.verdict, one.trace
    units, rows = (shown.state[-1][i] for i in range(2))
    made = []
    if verdict.estimate is not None and verdict.interval is not None:
        low, high = (effect(end, scenario.shown_as) for end in verdict.interval)
        level = percent(one.strategy.design.level(), 0)
        made.append(
            (
                effect(verdict.estimate, scenario.shown_as),
                f"better {scenario.metric.name}; {level} interval {low} to {high}",
            )
        )
    made.append(
        (
            span(int(shown.day), words_of(scenario).tick),
            _scored(scenario, units, rows),
        )
    )
    spent = {kind: float(amount) for kind, amount in ledger(scenario).costs(units, rows).items()}
    words = {"generation": "responses", "judge": "judge", "human": "raters", "latency": "waiting"}
    parts = ", ".join(f"{words[kind]} {money(amount)}" for kind, amount in spent.items() if amount > 0)
    made.append((money(sum(spent.values())), f"spent: {parts}" if parts else "spent"))
    return made


def _scored(scenario: Scenario, units: np.ndarray, rows: np.ndarray) -> str:
    """Say what was scored, and of whom."""
    word = scenario.evaluator.rows_word
    if scenario.side_by_side:
        return f"{count(rows.sum() / 2)} comparisons {word} side by side"
    if scenario.offline is not None:
        return f"answers to {count(units.max())} prompts, {word}"
    return f"{count(rows.sum())} responses {word} from {count(units.sum())} {scenario.traffic.unit}s"


def _boxes(result: Result, one: StrategyResult) -> str:
    items = [f"<li>{escape(reason)}</li>" for reason in one.verdict.reasons] or ["<li>Nothing beyond more data.</li>"]
    reasons = f"<ul>{''.join(items[:SHOWN])}</ul>"
    if rest := items[SHOWN:]:
        word = "reason" if len(rest) == 1 else "reasons"
        reasons += f"<details><summary>{len(rest)} more {word}</summary><ul>{''.join(rest)}</ul></details>"
    advice = result.advice
    # A sign does not stand at the end of a line, away from its number.
    advised = escape(advice.sentence).replace("± ", "±&nbsp;")
    why = "".join(f"<li>{escape(reason)}</li>" for reason in advice.reasons)
    return (
        f'<div class="two"><section class="box"><h2>What would change this verdict</h2>{reasons}</section>'
        f'<section class="box"><h2>Design advice, before any data</h2><p>{advised}</p>'
        f"<details><summary>Why this one, and not the others</summary><ul>{why}</ul></details></section></div>"
    )


def _expected(session: Session) -> str:
    """Say what is known exactly while the simulation runs."""
    parts = [
        f"{escape(name)} {percent(one.values['rejection'])}"
        for name, one in session.exact.items()
        if isinstance(one, Exact)
    ]
    if not parts or session.status in ("done", "failed"):
        return ""
    said = f"Exact already, chance to detect the difference as it is now: {', '.join(parts)}."
    return f'<p class="caption" style="margin-top:10px">{said}</p>'
