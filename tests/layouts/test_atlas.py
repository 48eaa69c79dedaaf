"""The map of any two numbers in a session: one computation, coarse first, cancelled, used, and never shared."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import numpy as np
import pytest

from expsim_panel import axes
from expsim_panel.layouts.atlas import Question, Span
from expsim_panel.layouts.pages import any_surface
from expsim_panel.layouts.session import Session
from expsim_panel.response_surface import response_surface

ASKED = Question(
    Span("effect", "0", "0.03"), Span("traffic.units_per_day", "300", "1500"), 10, "power", "obrien-fleming", None, 200
)


def opened() -> Session:
    session = Session("hallucination-prompt")
    session.edit(("replicates",), 100)
    return session


def test_a_map_is_exact_where_it_can_be_and_its_own_point_is_picked() -> None:
    session = opened()
    asyncio.run(session.atlas.compute(session.request, ASKED))
    made = session.atlas.surface
    assert made is not None
    assert made.exact
    assert session.atlas.cell == made.nearest(0.015, 1000)
    assert not session.atlas.running
    assert session.atlas.error == session.atlas.words == ""


def test_a_simulated_map_comes_coarse_first() -> None:
    session, seen = opened(), []
    session.atlas.param.watch(lambda event: seen.append(event.new), "surface")
    asyncio.run(session.atlas.compute(session.request, replace(ASKED, strategy="thompson", replicates=400)))
    assert seen[-1].done == 1
    assert seen[-1].se is not None
    assert all(one.done < 1 for one in seen[:-1])
    assert len(seen) > 1


def test_cancel_keeps_what_is_there_and_an_overtaken_map_is_dropped() -> None:
    session = opened()
    slow = replace(ASKED, strategy="thompson", replicates=2000, levels=40)

    async def cancelled() -> None:
        running = asyncio.create_task(session.atlas.compute(session.request, slow))
        await asyncio.sleep(0.3)
        assert session.atlas.running
        session.atlas.cancel()
        await running

    asyncio.run(cancelled())
    assert not session.atlas.running
    assert "Cancelled" in session.atlas.words

    async def overtaken() -> None:
        first = asyncio.create_task(session.atlas.compute(session.request, slow))
        await asyncio.sleep(0.2)
        await session.atlas.compute(session.request, ASKED)
        await first

    asyncio.run(overtaken())
    assert session.atlas.surface is not None
    assert session.atlas.surface.strategy == "obrien-fleming"
    assert session.atlas.surface.done == 1


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"x": Span("effect", "0", "<b>")}, "'<b>' is not a number"),
        ({"x": Span("effect", "", "1")}, "'' is not a number"),
        ({"x": Span("effect", "nan", "1")}, "is no range"),
        ({"x": Span("effect", "0", "inf")}, "is no range"),
        ({"x": Span("effect", "0.02", "0.01")}, "lower first"),
        ({"y": Span("effect", "0", "0.01")}, "also on the other axis"),
        ({"y": Span("", "0", "1")}, "unknown key"),
        ({"y": Span("traffic.units_per_day", "-5", "10")}, "units_per_day"),
        ({"x": Span("effect", "0", "0.5")}, "give up to"),
        ({"minus": "obrien-fleming"}, "less itself"),
    ],
)
def test_a_bad_range_is_one_line_and_the_map_stays(changes: dict[str, object], words: str) -> None:
    session = opened()
    asyncio.run(session.atlas.compute(session.request, ASKED))
    before = session.atlas.surface
    asyncio.run(session.atlas.compute(session.request, replace(ASKED, **changes)))  # type: ignore[arg-type]
    assert words in session.atlas.error
    assert "\n" not in session.atlas.error
    assert session.atlas.surface is before
    assert not session.atlas.running


def test_use_this_point_moves_the_study_and_its_form() -> None:
    session = opened()
    asked = replace(ASKED, y=Span("strategies.obrien-fleming.looks", "2", "9"), levels=8)
    asyncio.run(session.atlas.compute(session.request, asked))
    session.atlas.cell = (2, 4)
    made = session.atlas.surface
    assert made is not None
    assert made.y is not None
    changes = session.atlas.point()
    assert session.edit_all(changes)
    session.atlas.used(changes, session.request)
    place = next(i for i, one in enumerate(session.study.strategies) if one.name == "obrien-fleming")
    assert session.study.strategies[place].design.looks == made.y.values[2] == 4
    assert session.study.scenario.effects[1] == pytest.approx(made.x.values[4])
    assert session.value(("strategies", place, "looks")) == 4
    moved = session.atlas.surface
    assert moved is not None
    assert moved.y is not None
    assert (moved.x.own, moved.y.own) == (made.x.values[4], 4)
    assert np.array_equal(moved.value, made.value)
    # The cell says what the study now is.
    again = replace(asked, levels=8)
    asyncio.run(session.atlas.compute(session.request, again))
    assert session.atlas.surface is not None
    assert session.atlas.surface.value[2, 4] == pytest.approx(made.value[2, 4], rel=1e-12)


def test_use_this_point_changes_the_arms_and_their_shares() -> None:
    session = opened()
    asked = replace(ASKED, x=Span("traffic.shares.0", "0.2", "0.6"), y=Span("arms", "2", "4"), strategy="fixed-horizon")
    asyncio.run(session.atlas.compute(session.request, asked))
    made = session.atlas.surface
    assert made is not None
    assert made.y is not None
    assert made.y.values.tolist() == [2, 3, 4]
    session.atlas.cell = (2, made.x.values.size - 1)
    changes = session.atlas.point()
    assert session.edit_all(changes), session.error
    study = session.study
    assert [one.name for one in study.scenario.variants][2:] == ["like control 1", "like control 2"]
    assert study.scenario.traffic.shares == pytest.approx([0.6, 0.4 / 3, 0.4 / 3, 0.4 / 3])
    assert all(len(rail.means) == 4 for rail in study.scenario.guardrails)
    # The study is now the cell: its own exact power is the one that the map shows there.
    own = response_surface(study, "fixed-horizon", axes.axis(study, "traffic.days", 7, 28, 2))
    assert own.value[0, -1] == pytest.approx(made.value[2, -1], abs=1e-12)
    session.atlas.used(changes, session.request)
    assert session.atlas.surface.x.own == pytest.approx(0.6)


def test_use_this_point_moves_latent_quality_side_by_side() -> None:
    session = Session("side-by-side-prompt")
    asked = replace(
        ASKED, x=Span("effect", "0", "0.2"), y=Span("traffic.units_per_day", "300", "900"), strategy="fixed-horizon"
    )
    asyncio.run(session.atlas.compute(session.request, asked))
    made = session.atlas.surface
    assert made is not None, session.atlas.error
    session.atlas.cell = (0, made.x.values.size - 1)
    assert session.edit_all(session.atlas.point()), session.error
    assert session.study.scenario.effects[1] == pytest.approx(0.2)


def test_a_point_that_contradicts_the_study_changes_nothing() -> None:
    session = opened()
    before = session.request
    assert not session.edit_all({("traffic", "days"): 3, ("traffic", "units_per_day"): 700})  # five looks in 3 days
    assert session.request == before
    assert "looks" in session.error
    assert session.value(("traffic", "units_per_day")) == 1000


def test_sessions_have_maps_of_their_own() -> None:
    one, other = opened(), opened()
    asyncio.run(one.atlas.compute(one.request, ASKED))
    assert other.atlas.surface is None


def test_what_people_wrote_is_escaped() -> None:
    session = opened()
    place = next(i for i, one in enumerate(session.study.strategies) if one.name == "obrien-fleming")
    session.edit(("strategies", place, "name"), "<i>plan</i>")
    asyncio.run(session.atlas.compute(session.request, replace(ASKED, strategy="<i>plan</i>", minus="fixed-horizon")))
    made = session.atlas.surface
    assert made is not None
    told = any_surface.figures(made, session.atlas.cell)
    assert "<i>" not in told
    assert "&lt;i&gt;plan" in told


def test_the_page_follows_the_study() -> None:
    session = opened()
    page = any_surface.AnySurface(session)
    page.view()
    assert page.across.span == Span("effect", "0", page.across.high.value)
    assert page.up.span.path == "traffic.units_per_day"
    page.up.number.value = "evaluator.repeats"
    assert float(page.up.low.value) < float(page.up.high.value)
    asyncio.run(page._compute(None))
    assert session.atlas.surface is not None
    assert session.atlas.surface.y is not None
    assert session.atlas.surface.y.path == "evaluator.repeats"
    assert "Exact values" in page.said.object
    assert "advised" in page.told.object
    session.edit(("traffic", "days"), 14)
    assert "has changed since this map" in page.said.object
    session.edit(("evaluator", "kind"), "human")
    assert page.up.number.value is None
    asyncio.run(page._compute(None))
    assert page.problem.visible
