"""Guardrails in a session and on its pages, without a browser."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from expsim_panel.layouts.guardrails import box, card
from expsim_panel.layouts.pages import compare, verdict
from expsim_panel.layouts.session import Session


@pytest.fixture(scope="module")
def session() -> Session:
    made = Session("hallucination-prompt", debounce=0.0)
    while len(made.study.strategies) > 1:
        made.remove_strategy(1)
    made.edit(("replicates",), 300)
    asyncio.run(made.play())
    return made


def test_the_page_shows_a_row_for_each_guardrail_with_its_interval(session: Session) -> None:
    page = verdict.text(session)
    assert page.count('class="rail"') == 2
    assert "✓ pass" in page
    assert "90 % interval" in page
    assert "refusal rate" in page
    table = compare.text(session.result)
    assert "Winners held back" in table
    assert "own power" in table


def test_bad_values_stay_in_the_form_with_their_line() -> None:
    session = Session("hallucination-prompt", debounce=0.0)
    kept = session.study
    assert not session.edit(("guardrails", 0, "margin"), 301)
    assert session.error_key == "guardrails.0.margin"
    assert "301 is above the alarm threshold 300" in session.error
    assert session.study is kept
    assert not session.edit(("guardrails", 0, "margin"), -1)
    assert "-1 is out of bounds" in session.error
    assert session.edit(("guardrails", 0, "margin"), 200)
    assert session.study.scenario.guardrails[0].allowed == 200
    assert session.edit(("guardrails", 0, "margin"), None)
    assert session.study.scenario.guardrails[0].allowed == 300


def test_the_card_has_a_widget_for_threshold_and_margin_adds_and_removes() -> None:
    session = Session("hallucination-prompt", debounce=0.0)
    session.edit(("replicates",), 20)
    found: dict[str, Any] = {}
    refreshed: list[int] = []

    def keep(field: Any) -> None:
        found[".".join(map(str, field.path))] = field

    made = card(session, keep, lambda: refreshed.append(1))
    made[1].collapsed = False
    assert {"guardrails.0.threshold", "guardrails.0.margin", "guardrails.0.means"} <= set(found)
    assert found["guardrails.0.threshold"].widget.value == 300
    assert "response time, ms" in found["guardrails.0.threshold"].widget.label

    async def click(button: Any) -> None:
        button.clicks += 1
        await asyncio.sleep(0.2)

    asyncio.run(click(made[-1]))
    assert [one.name for one in session.study.scenario.guardrails] == ["response time", "refusal rate", "guardrail 1"]
    asyncio.run(click(made[1].objects[-1]))
    assert [one.name for one in session.study.scenario.guardrails] == ["refusal rate", "guardrail 1"]
    assert refreshed == [1, 1]


def test_no_guardrails_no_rows() -> None:
    session = Session("hallucination-prompt", debounce=0.0)
    assert session.edit(("guardrails",), [])
    session.edit(("replicates",), 20)
    asyncio.run(session.play())
    assert box(session.study.scenario, session.result.verdict, True) == ""
    assert "Guardrails" not in compare.text(session.result)


def test_an_unset_margin_is_shown_as_the_threshold_and_follows_it() -> None:
    session = Session("hallucination-prompt", debounce=0.0)
    session.edit(("replicates",), 20)
    assert session.edit(("guardrails", 0, "margin"), None)
    found: dict[str, Any] = {}
    made = card(session, lambda field: found.update({str(field.path[-1]): field.widget}), lambda: None)

    async def work() -> None:
        made[1].collapsed = False
        assert found["margin"].value == 300
        found["threshold"].value = 280.0
        await asyncio.sleep(0.5)
        assert found["margin"].value == 280.0
        await asyncio.sleep(0.5)

    asyncio.run(work())
    assert session.study.scenario.guardrails[0].allowed == 280
    assert session.error == ""
