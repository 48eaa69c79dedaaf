"""The bench of the Evaluators page: follows the study, changes nothing in it, keeps its figures on a bad value."""

from __future__ import annotations

import asyncio

import pytest

from expsim_panel.layouts import bench as module
from expsim_panel.layouts.bench import Bench
from expsim_panel.layouts.pages import evaluator_words
from expsim_panel.study import Study


@pytest.fixture(autouse=True)
def short(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "FIRST", 200)
    monkeypatch.setattr(module, "FULL", 400)


def opened(name: str = "summarization-prompt") -> Bench:
    made = Bench()
    made.follow(Study.load(name).scenario)
    return made


def test_closed_forms_first_then_the_simulated_ones() -> None:
    made, seen = opened(), []
    made.param.watch(lambda event: seen.append(event.new[2] if event.new else None), "played")
    asyncio.run(made.refresh())
    assert made.answers is not None
    assert seen == [200, 400]
    assert made.words == "Dots: 400 simulated experiments each"
    assert made.draft["split"]["rho"] == pytest.approx(made.answers.rho, abs=0.005)


def test_a_bad_value_is_one_line_and_leaves_the_figures() -> None:
    made = opened()
    asyncio.run(made.refresh())
    before = made.answers
    asyncio.run(made.change(("judge", "repeats"), 0))
    assert made.answers is before
    assert made.error
    assert "\n" not in made.error
    asyncio.run(made.change(("judge", "repeats"), 3))
    assert made.error == ""
    assert made.answers.what.cost_judge == pytest.approx(3 * before.what.cost_judge)
    asyncio.run(made.change(("pick", "budget"), 0.5))
    assert "two labels" in made.error


def test_a_profile_is_taken_and_the_scenario_comes_back() -> None:
    made = opened()
    asyncio.run(made.refresh())
    own = made.answers.rho
    asyncio.run(made.choose("judge", "small-llm"))
    assert made.answers.rho != own
    assert made.draft["judge"]["profile"] == "small-llm"
    asyncio.run(made.choose("judge", ""))
    assert made.answers.rho == own


def test_benches_know_nothing_of_each_other_or_of_the_study() -> None:
    study = Study.load("summarization-prompt")
    before = study.to_tree()
    one, other = Bench(), Bench()
    one.follow(study.scenario)
    other.follow(study.scenario)
    asyncio.run(one.change(("human", "price_per_label"), 9.0))
    assert other.draft["human"]["price_per_label"] == 1.0
    assert study.to_tree() == before


def test_an_overtaken_answer_is_dropped() -> None:
    made = opened()

    async def two() -> None:
        first = asyncio.create_task(made.change(("pick", "budget"), 300.0))
        await asyncio.sleep(0)
        await made.change(("pick", "budget"), 500.0)
        await first

    asyncio.run(two())
    assert made.answers.budget == 500.0
    assert made.played[0].budget == 500.0


def test_words_escape_what_people_wrote() -> None:
    made = opened("hallucination-prompt")
    asyncio.run(made.refresh())
    assert "<b>x" not in evaluator_words.headline(made.answers, "<b>x</b>")
    told = evaluator_words.tables(made.answers, made.played[0])
    assert told.count("<table>") == 2
    assert "For the same money" in told
    assert "does not pay" in evaluator_words.split(made.answers, 0.05, 0.5)
    told = evaluator_words.offline(made.played[3], "binary")
    assert "300 prompts, and the live traffic" in told
    assert told.count("<tr>") == 7 + 4
    assert "The same prompts for all variants" in told
    assert "Days" not in told
    there = evaluator_words.tables(made.answers, made.played[0], live=False)
    assert there.count("On live traffic instead, for the same") == 2 * 2  # as the table's name and its caption
    assert "whatever the traffic" not in there
    assert "On live traffic instead, for $" in evaluator_words.headline(made.answers, "rate", live=False)
    assert evaluator_words.offline("a <b>", "binary").count("<b>") == 0
    assert "full simulation" in evaluator_words.offline("", "binary")


def test_words_of_comparisons() -> None:
    made = opened("side-by-side-prompt")
    asyncio.run(made.refresh())
    assert made.error == ""
    assert "200 labels" not in evaluator_words.headline(made.answers, "preference")
    assert "2,000 scores of comparisons" in evaluator_words.headline(made.answers, "preference")
    told = evaluator_words.tables(made.answers, made.played[0])
    assert "A label or a score is of one comparison" in told
    assert "<td>200</td><td>0</td><td>$60.00</td>" in told
    assert "comparisons to score" in evaluator_words.split(made.answers, 0.56, 1 / 461)
    beside = evaluator_words.offline(made.played[3], "preference")
    assert "300 prompts, and the live traffic" in beside
    assert "<li>Judge: a prompt says as much as 1 live comparison.</li>" in beside
