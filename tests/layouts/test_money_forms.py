"""What scoring costs, in the forms: in a fold of its own, and a wage that takes the place of a price."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from expsim_panel.layouts.bench import Bench
from expsim_panel.layouts.pages.sidebar import Sidebar
from expsim_panel.layouts.session import Session
from expsim_panel.study import Study

KEYS = {
    "judge": {"cached_tokens", "cached_share", "batch", "price_date", "input_tokens_sd", "output_tokens_sd", "retries",
              "latency_ms.tokens_per_second", "latency_ms.slow_share", "seconds", "price_override"},
    "human": {"hourly_wage", "overhead", "seconds"},
}  # fmt: skip


def opened(kind: str) -> tuple[Session, Sidebar]:
    session = Session("summarization-prompt", debounce=0.0)
    assert session.study.scenario.evaluator.kind == kind or session.edit(("evaluator", "kind"), kind)
    return session, Sidebar(session)


def folds(objects: list[Any]) -> dict[str, Any]:
    return {one.title: one for one in objects if hasattr(one, "collapsed")}


@pytest.mark.parametrize("kind", ["judge", "human", "hybrid"])
def test_price_and_time_have_a_fold_of_their_own(kind: str) -> None:
    _, side = opened(kind)
    inside = folds(side.parts["evaluator"].card.objects)
    for half in ("judge", "human") if kind == "hybrid" else (kind,):
        where = inside
        title, path = "Price and time", "evaluator"
        if kind == "hybrid":
            whole = inside[{"judge": "The judge", "human": "The people"}[half]]
            whole.collapsed = False
            where, title, path = folds(whole.objects), f"Price and time of {half}", f"evaluator.{half}"
        wanted = {f"{path}.{key}" for key in KEYS[half]}
        # A closed fold costs nothing: its fields are made when it is opened.
        assert not wanted & set(side._fields)
        where[title].collapsed = False
        assert wanted <= set(side._fields)
        assert len(where[title].objects) >= len(wanted)


def test_a_variant_has_the_fold_too() -> None:
    _, side = opened("judge")
    side.parts["variants"].card.collapsed = False
    name = side.session.study.scenario.variants[1].name
    one = next(card for card in side.parts["variants"].card.objects if "variant 1" in card.title)
    folds(one.objects)[f"Price and time of {name}"].collapsed = False
    assert {"variants.1.batch", "variants.1.cached_share", "variants.1.price_date"} <= set(side._fields)


def test_a_wage_takes_the_place_of_a_price_in_the_form_and_gives_it_back() -> None:
    session, side = opened("human")
    price, wage = ("evaluator", "price_per_label"), ("evaluator", "hourly_wage")
    assert session.edit(price, 2.5)
    rebuilt = session.rebuilt[1]
    assert session.edit(wage, 18.0), session.error
    assert (session.value(price), session.study.scenario.evaluator.price_per_label) == (None, None)
    assert session.rebuilt == ("evaluator", rebuilt + 1)
    assert side._fields["evaluator.price_per_label"].widget.value is None
    assert session.study.scenario.evaluator.usd_per_label() == pytest.approx(18 * 120 / 3600)
    assert session.edit(wage, None)
    assert (session.value(price), session.study.scenario.evaluator.usd_per_label()) == (2.5, 2.5)
    assert session.edit(wage, 18.0)
    assert session.edit(price, 3.0)
    assert (session.value(wage), session.study.scenario.evaluator.usd_per_label()) == (None, 3.0)


def test_a_bad_day_is_one_line_at_its_field() -> None:
    session, side = opened("judge")
    folds(side.parts["evaluator"].card.objects)["Price and time"].collapsed = False
    assert not session.edit(("evaluator", "price_date"), "yesterday")
    assert side._fields["evaluator.price_date"].complaining
    assert session.edit(("evaluator", "price_date"), "2026-03-01")
    assert not side._fields["evaluator.price_date"].complaining


def test_the_bench_reads_the_parts_of_a_latency_and_a_wage() -> None:
    made = Bench()
    made.follow(Study.load("summarization-prompt").scenario)
    asyncio.run(made.refresh())
    before = made.answers.what
    asyncio.run(made.change(("judge", "latency_ms", "tokens_per_second"), 50.0))
    assert made.error == ""
    assert made.value(("judge", "latency_ms", "tokens_per_second")) == 50.0
    assert made.answers.what.pace.scores_per_day != before.pace.scores_per_day
    rebuilt = made.rebuilt
    asyncio.run(made.change(("human", "hourly_wage"), 30.0))
    assert made.error == ""
    assert made.rebuilt == rebuilt + 1
    assert made.answers.what.cost_human == pytest.approx(30 * 120 / 3600)
    asyncio.run(made.change(("human", "price_per_label"), 2.0))
    assert made.answers.what.cost_human == pytest.approx(2.0)
