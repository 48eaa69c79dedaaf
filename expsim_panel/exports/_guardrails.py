"""Guardrails as a section of the static page; everything a person wrote is escaped."""

from __future__ import annotations

from collections.abc import Iterable
from html import escape

from expsim_panel.exports._scroll import scrolls
from expsim_panel.guardrail_tables import MARKS, launch_rows, strategy_rows, verdict_rows
from expsim_panel.results import Result, Verdict
from expsim_panel.scenario import Scenario

NOTE = (
    "A guardrail passes when harm of its margin is ruled out, fails when the alarm is reached beyond chance, and is "
    "unknown otherwise. Only a variant whose guardrails all pass is launched."
)


def section(result: Result) -> str:
    """Return the section as HTML; empty without guardrails."""
    one = result[result.advice.strategy]
    if one.guarded is None:
        return ""
    strategies = table(*strategy_rows(result, one))
    return (
        '<section class="card" aria-label="Guardrails"><h2>Guardrails</h2>'
        f'<p class="muted small">{NOTE}</p>'
        f"{scrolls(checks(result.study.scenario, one.verdict), 'What they say')}"
        f'<h2 style="margin-top:14px">Over all experiments, under {escape(one.name)}</h2>'
        f"{scrolls(strategies, 'Guardrails over all experiments')}"
        f'<div style="margin-top:14px">{scrolls(table(*launch_rows(result)), "Launches")}</div></section>'
    )


def checks(scenario: Scenario, verdict: Verdict) -> str:
    """Return the guardrails of one experiment as an HTML table."""
    rows = []
    for row in verdict_rows(scenario, verdict):
        mark = MARKS[row.result]
        shown = f"<span class='alarm'>{mark}</span>" if row.result == "fail" else mark
        rows.append([escape(row.name), shown, escape(row.shows), escape(row.limits), escape(row.breach)])
    return _table(["Guardrail", "In this experiment", "Change", "Limits", "Chance of a breach"], rows)


def table(head: Iterable[str], body: Iterable[Iterable[str]]) -> str:
    """Return plain text as an HTML table."""
    return _table(head, [[escape(text) for text in row] for row in body])


def _table(head: Iterable[str], body: Iterable[Iterable[str]]) -> str:
    heads = "".join(f"<th scope='col'>{escape(text)}</th>" for text in head)
    rows = "".join("<tr>" + "".join(f"<td>{text}</td>" for text in row) + "</tr>" for row in body)
    return f"<table><thead><tr>{heads}</tr></thead><tbody>{rows}</tbody></table>"
