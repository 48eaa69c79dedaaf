"""A study on a prompt set nowhere speaks of traffic, users or days; a live one still does."""

from __future__ import annotations

import asyncio
import io
import re
from typing import Any

import pytest
from rich.console import Console

from expsim_panel.commands.summary import show
from expsim_panel.decide import decide
from expsim_panel.exports import html, json, markdown
from expsim_panel.layouts.pages import compare
from expsim_panel.layouts.pages import decide as deciding
from expsim_panel.layouts.pages.sidebar import Sidebar
from expsim_panel.layouts.pages.verdict import carrying
from expsim_panel.layouts.session import Session
from expsim_panel.observed import from_counts
from expsim_panel.plots.comparison import Comparison
from expsim_panel.quantities import clock, days
from expsim_panel.results import Result
from expsim_panel.study import Study
from expsim_panel.surface import power_surface
from expsim_panel.surface_metrics import metrics_of
from expsim_panel.world_words import LIVE, PROMPTS, words_of

FOREIGN = re.compile(r"\b(traffic|users?|days?|units?)\b", re.IGNORECASE)


def tree() -> dict[str, Any]:
    return {
        "schema": 1,
        "scenario": {"name": "set", "indifference": 0.02},
        "metric": {"name": "helpfulness", "sd": 1.0},
        "variants": [{"name": "a", "mean": 4.0}, {"name": "b", "mean": 4.2}],
        "offline": {"prompts": 60, "prompt_sd": 0.5, "batches": 5},
        "evaluator": {"kind": "judge", "item_sd": 0.3, "repeat_sd": 0.3, "price_override": 0.002},
        "strategies": [{"kind": "fixed-horizon"}, {"kind": "obrien-fleming"}],
    }


@pytest.fixture(scope="module")
def result() -> Result:
    return Study.from_tree(tree(), "set").run(replicates=200, seed=1)


def read(text: str) -> str:
    """Return what a person reads of HTML."""
    text = re.sub(r"<(script|style)\b.*?</\1>", " ", text, flags=re.DOTALL)
    return re.sub(r"<[^>]*>", " ", text)


def test_no_export_command_or_page_speaks_of_live_traffic(result: Result) -> None:
    out = io.StringIO()
    show(result, "expsim run set", Console(file=out, width=80))
    surface = power_surface(result.study, "fixed-horizon", effects=4, units=3)
    told = {
        "run": out.getvalue(),
        "markdown": markdown.write(result),
        "html": read(html.page(result, [surface])),
        "compare": read(compare.text(result)),
        "verdict": " ".join(f"{value} {what}" for value, what in carrying(result, result.strategies[0])),
    }
    assert {name: FOREIGN.findall(text) for name, text in told.items()} == {name: [] for name in told}
    assert max(map(len, told["run"].splitlines()[:24])) <= 80


def test_the_page_of_a_surface_names_what_it_varies(result: Result) -> None:
    page = html.page(result, [power_surface(result.study, "fixed-horizon", effects=4, units=3)])
    assert 'aria-label="Curve of the chosen prompts over the true improvement"' in page
    assert "improvement across, prompts upwards" in page
    assert "Expected time to the last score" in page


def test_the_answer_takes_the_time_of_its_scores_not_its_batches_as_days(result: Result) -> None:
    # 60 prompts of two variants, one call each, ten at a time: 12 rounds of the judge's seconds.
    for one in result.strategies:
        assert one.figures["calendar_days"].value == pytest.approx(one.figures["days"].value, rel=1e-12)
        assert 0 < one.figures["calendar_days"].value < 1 / 24
    drawn = Comparison()
    drawn.show(result)
    assert drawn.figures["days"].xaxis[0].axis_label == "Minutes"
    value = result.strategies[0].figures["days"].value
    assert value is not None
    assert drawn.sources["days"].data["value"][0] == pytest.approx(1440 * value)


def test_the_form_and_the_choices_follow_the_world() -> None:
    raw = b"""schema = 1
scenario = { name = "set" }
metric = { name = "helpfulness" }
variants = [{ name = "a", mean = 4.0 }, { name = "b", mean = 4.2 }]
offline = { prompts = 60, prompt_sd = 0.5 }
evaluator = { kind = "truth" }
"""

    async def used() -> None:
        session = Session("hallucination-prompt")
        form = Sidebar(session)
        assert form.parts["traffic"].card.title == "Traffic and money"
        assert session.upload(raw, "set.toml")
        assert form.parts["traffic"].card.title == "Prompts and money"
        form.parts["guardrails"].card.collapsed = False
        (note,) = form.parts["guardrails"].card.objects
        assert "a prompt set has none" in note.object
        page = deciding.Deciding(session)
        assert (page.day.label, page.day.placeholder) == ("Batch of the totals", "taken from the prompts")
        offered = " ".join(text for _, _, text in metrics_of(session.study.scenario).values())
        assert not re.search(r"traffic|units", offered, re.IGNORECASE)

    # Widgets run their callbacks on the loop of the page.
    asyncio.run(used())


def test_a_decision_counts_batches() -> None:
    study = Study.from_tree(tree(), "set")
    made = decide(study, from_counts(study.scenario, "a=4.0/1.0/24, b=4.1/1.0/24", "data"), "obrien-fleming")
    said = read(deciding.told(study, made, False)) + " ".join(made.notes)
    assert "Batch 2 of 5" in said
    assert FOREIGN.findall(said) == []


def test_words_are_complete_and_live_ones_are_as_before() -> None:
    live = Study.load("hallucination-prompt", ()).scenario
    assert words_of(live) is LIVE
    assert {key: text for key, (_, _, text) in metrics_of(live).items()}["units"] == "Expected units"
    assert (LIVE.ended(5), PROMPTS.ended(5)) == ("on day 5", "after batch 5")
    assert PROMPTS.figure("power", "usual") == "usual"


@pytest.mark.parametrize(
    ("value", "said"),
    [
        (0.0, "0 days"), (1e-5, "<1 min"), (1 / 1440, "1 min"), (0.002, "3 min"), (2.5 / 24 / 2.5, "1 h"),
        (0.0499, "1.2 h"), (0.05, "0.1 days"), (1.0, "1 day"), (23.4, "23.4 days"), (None, "n/a"),
    ],
)  # fmt: skip
def test_short_times_do_not_read_zero_days(value: float | None, said: str) -> None:
    assert days(value) == said


def test_an_axis_of_time_has_a_readable_unit() -> None:
    assert [clock(longest) for longest in (28.0, 0.5, 0.002)] == [(1.0, "Days"), (24.0, "Hours"), (1440.0, "Minutes")]


def test_json_keeps_its_keys(result: Result) -> None:
    made = json.write(result)
    assert "calendar_days" in made
