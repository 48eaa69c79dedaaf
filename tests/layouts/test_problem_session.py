"""The pages of guardrails, budgets, segments, duels and ratings without a browser."""

import asyncio
import json
from dataclasses import replace
from urllib.parse import parse_qsl

import pytest

from expsim_panel.bandit_problems import play
from expsim_panel.layouts.pages.bandit_problem import ProblemPage
from expsim_panel.layouts.pages.bandit_world import typed_number
from expsim_panel.layouts.problem_session import AskedProblem, ProblemSession
from expsim_panel.layouts.session import Session
from expsim_panel.problem_forms import FORMS


def small(kind, **changes):
    return replace(AskedProblem.usual(kind), **{"horizon": 200, "replicates": 50, **changes})


def linked(address):
    return AskedProblem.linked(dict(parse_qsl(address.removeprefix("?"), keep_blank_values=True)))


def test_a_first_picture_comes_before_the_whole():
    session = ProblemSession()
    session.asked = small("duels", horizon=1000, replicates=2500)
    seen = []
    session.param.watch(lambda event: seen.append(event.new.replicates), "result")
    asyncio.run(session.play())
    assert seen == [500, 2500]
    assert not session.busy
    same = play("duels", session.given, ["even-pairs", "rucb", "double-thompson"], 1000, replicates=2500, seed=1)
    assert session.result.digest == same.digest


@pytest.mark.parametrize("kind", list(FORMS))
def test_a_link_asks_for_the_same_problem(kind):
    asked = small(kind, seed=7)
    assert linked(asked.link()).problem() == asked.problem()
    page = ProblemPage(Session(), linked(asked.link()))
    asyncio.run(page.session.play())
    assert page.session.error == ""
    assert set(page.drawn) >= {"regret"}
    assert page.session.result.digest in page.again.object
    assert json.loads(page._json().read())["provenance"]["digest"] == page.session.result.digest
    assert page.session.result.digest in page._page().read().decode()
    assert page.view() is not None


def test_a_link_keeps_what_was_changed():
    asked = small(
        "budget",
        values={"budget": None, "value_per_point": 0.05, "unknown_costs": True},
        policies=("lagrangian(c=1.5)",),
    )
    again = linked(asked.link())
    assert again.problem() == asked.problem()
    assert again.problem()["given"] == {
        "family": "bernoulli", "means": "0.55, 0.66, 0.72", "cost": "0.006, 0.008, 0.02", "unknown_costs": True,
        "value_per_point": 0.05,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("kind", "changes", "field", "said"),
    [
        ("guardrail", {"guardrail": "0.1, <b>x</b>"}, "guardrail", "not a list of numbers"),
        ("guardrail", {"guardrail": "0.1"}, "guardrail", "1 numbers for 4 arms"),
        ("guardrail", {"limit": 1.5}, "limit", "out of bounds"),
        ("guardrail", {"means": "0.5"}, "means", "at least two arms"),
        ("guardrail", {"means": " "}, "means", "it is empty"),
        ("budget", {"budget": 0}, "budget", "0"),
        ("budget", {"budget": "many"}, "budget", "many"),
        ("budget", {"cost": "0.1,-1,2"}, "cost", "no price"),
        ("segments", {"features": "1,0;0,1"}, "features", "contexts of 2 segments"),
        ("segments", {"means": "0.1,0.2;0.3"}, "means", "segment 2 has 1 numbers"),
        ("duels", {"preferences": "0.5,0.9;0.9,0.5"}, "preferences", "at most 1"),
        ("duels", {"strengths": ""}, "strengths", "it is empty"),
        ("ratings", {"ratings": "0.5,0.5;0.1,0.2,0.7"}, "ratings", "numbers"),
    ],
)  # fmt: skip
def test_bad_input_is_one_line_at_its_field(kind, changes, field, said):
    page = ProblemPage(Session(), small(kind))
    session = page.session

    async def use():
        await session.play()
        before = session.result
        await session.change(values=changes)
        assert session.error.startswith(f"bandit [{field}]: ")
        assert said in session.error
        assert "\n" not in session.error
        assert session.result is before
        assert not session.busy
        assert [key for key, one in page.fields.items() if one.complaining] == [field]
        assert "<b>" not in page.problem.object.replace("<b>bandit", "")
        await session.change(values={})
        assert session.error == ""
        assert not any(one.complaining for one in page.fields.values())

    asyncio.run(use())


@pytest.mark.parametrize(
    ("address", "said"),
    [
        ("?problem=<script>", "unknown kind"), ("?problem=duels&colour=red", "unknown key 'colour'"),
        ("?problem=duels&horizon=x", "horizon is 'x'"), ("?problem=budget&budget=much", "'much'"),
        ("?problem=segments&family=poisson", "unknown value"), ("?problem=duels&policies=tompson", "policy"),
        ("?problem=guardrail&replicates=100000000", "requests in all"),
        ("?problem=guardrail&means=" + "0.1," * 2000, "means"),
    ],
)  # fmt: skip
def test_a_bad_link_is_one_line(address, said):
    page = ProblemPage(Session(), linked(address))
    asyncio.run(page.session.play())
    assert said in page.session.error
    assert "\n" not in page.session.error
    assert page.session.result is None
    assert "<script>" not in page.problem.object


def test_policies_are_typed_and_their_parameters_edited():
    page = ProblemPage(Session(), small("duels"))
    session = page.session
    page.parameters.fold.card.collapsed = False

    async def use():
        await session.play()
        page.more.value = "rucb(alpha=0.8)"
        await page.choose()
        assert [one.name for one in session.result.policies] == [
            "even-pairs",
            "rucb",
            "double-thompson",
            "rucb(alpha=0.8)",
        ]
        assert page.more.value == ""
        session.focus = "rucb"
        assert page.drawn["regret"].lines.data["width"] == [1.8, 3.0, 1.8, 1.8]
        await session.change(policies=("rucb", "thompson"))
        assert "thompson is no bandit policy here" in session.error
        assert page.fields["policies"].complaining

    asyncio.run(use())


def test_an_unset_amount_is_no_zero():
    """A number box would show 0 for a worth that nobody set."""
    page = ProblemPage(Session(), small("budget"))
    assert page.fields["value_per_point"].widget.value == ""
    assert page.fields["budget"].widget.value == "25"
    assert [typed_number(text) for text in ("", "$1,200.5", "7", "x")] == [None, 1200.5, 7, "x"]


@pytest.mark.parametrize("kind", ["guardrail", "segments", "duels"])
def test_the_page_draws_over_any_number_and_any_two(kind):
    page = ProblemPage(Session(), small(kind, horizon=60, replicates=30))
    session = page.session
    path = {"guardrail": "guardrail.3", "segments": "segments.0", "duels": "lead"}[kind]

    async def visit():
        await session.play()
        assert path in page.over.axes().values()
        page.over.path.value = path
        page.over.levels.value = 2
        await page.over._draw(None)
        assert session.error == ""
        assert session.curve.path == path
        assert page.over.body.objects
        page.over.second.value = "horizon"
        page.over.low_up.value, page.over.high_up.value, page.over.levels_up.value = 20.0, 40.0, 2
        await page.over._draw(None)
        assert session.error == ""
        assert page.over.map.objects
        # Every figure that came is on offer, and a picture of it can be drawn.
        for key in page.over.what.options.values():
            page.over.what.value = key
        await session.draw_over("nope=0:1:3")
        assert "no axis" in session.error

    asyncio.run(visit())
    assert json.loads(page._json().read())["over"]["minus_even"]
    assert ", over " in page._page().read().decode()


def test_what_can_be_inferred_follows_the_figures():
    """On the page, in its HTML and in its JSON; duels have nothing of the kind."""
    page = ProblemPage(Session(), small("ratings", policies=("even", "ucb1")))
    asyncio.run(page.session.play())
    assert len(page.session.learned) == 2
    assert "After the experiment" in page.inferred.object
    assert "ucb1(floor=0.05)" in page.inferred.object
    even, ucb1 = json.loads(page._json().read())["policies"]
    assert even["inference"]["experiments"] > 0
    assert ucb1["inference"] is None
    assert "After the experiment" in page._page().read().decode()
    duels = ProblemPage(Session(), small("duels"))
    asyncio.run(duels.session.play())
    assert duels.session.learned == []
    assert not duels.inferred.object
