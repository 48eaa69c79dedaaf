"""The bandit page without a browser: first pictures, bad input, sessions apart."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from html import escape
from typing import Any
from urllib.parse import parse_qsl

import pytest

from expsim_panel import InputError, bandit
from expsim_panel.layouts.bandit_session import MOST_PULLS, Asked, BanditSession, of_study
from expsim_panel.layouts.pages.bandit import Bandits, amount
from expsim_panel.layouts.session import Session
from expsim_panel.policy_names import names_in
from expsim_panel.study import Study

SMALL = Asked(means="0.3, 0.5", horizon=2000, replicates=3000, policies=("even", "ucb1"))


def opened(asked: Asked = SMALL) -> BanditSession:
    session = BanditSession()
    session.asked = asked
    return session


def test_a_first_picture_comes_before_the_whole() -> None:
    session = opened()
    seen: list[int] = []
    session.param.watch(lambda event: seen.append(event.new.replicates), "result")
    asyncio.run(session.play())
    assert len(seen) == 2
    assert seen[0] < seen[1] == 3000
    assert not session.busy
    assert session.result.digest == bandit([0.3, 0.5], ["even", "ucb1"], 2000, replicates=3000, seed=1).digest


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"means": "0.5"}, "at least two arms"), ({"means": "0.5, x"}, "no list of numbers"),
        ({"means": "0.5, 1.5"}, "no success rate"), ({"policies": ()}, "0 policies"),
        ({"policies": ("even", "<b>x</b>")}, "no policy"), ({"policies": ("tompson",)}, "did you mean 'thompson'"),
        ({"horizon": None}, "horizon is None"), ({"horizon": 10**7}, "requests in all"), ({"seed": None}, "seed is None"),
        ({"usd": float("nan")}, "give an amount"), ({"policies": ("even", "thompson(floor=0.5)"), "means": "0.1,0.2,0.3"}, "floor"),
    ],
)  # fmt: skip
def test_bad_input_is_one_line_and_keeps_what_is_on_screen(changes: dict[str, Any], said: str) -> None:
    session = opened()

    async def play() -> None:
        await session.play()
        before = session.result
        await session.change(**changes)
        assert said in session.error
        assert "\n" not in session.error
        assert session.result is before
        assert not session.busy
        await session.change(**{key: getattr(SMALL, key) for key in changes})
        assert session.error == ""

    asyncio.run(play())


def test_sessions_know_nothing_of_each_other() -> None:
    one, other = opened(), opened(replace(SMALL, means="0.1, 0.9"))

    async def both() -> None:
        await asyncio.gather(one.play(), other.play())

    asyncio.run(both())
    assert one.result.means.tolist() == [0.3, 0.5]
    assert other.result.means.tolist() == [0.1, 0.9]
    assert one.asked != other.asked


def test_a_newer_problem_overtakes() -> None:
    session = opened()

    async def hurry() -> None:
        first = asyncio.ensure_future(session.play())
        await asyncio.sleep(0.01)
        await session.change(means="0.2, 0.8")
        await first

    asyncio.run(hurry())
    assert session.result.means.tolist() == [0.2, 0.8]
    assert not session.busy


def test_cancel_stops_and_keeps_the_first_picture() -> None:
    session = opened()
    session.param.watch(lambda event: session.cancel(), "result")
    asyncio.run(session.play())
    assert session.result.replicates < 3000
    assert "Cancelled" in session.words


def test_a_price_alone_plays_nothing_again() -> None:
    session = opened()

    async def price() -> None:
        await session.play()
        before = session.result
        await session.change(usd=0.5)
        assert session.result is before

    asyncio.run(price())
    assert (session.dollars, session.usd) == (True, 0.5)


def test_the_curve_over_a_number() -> None:
    session = opened()
    asyncio.run(session.draw_over("lead=0.0:0.3:3"))
    assert session.curve.values.tolist() == pytest.approx([0.0, 0.15, 0.3])
    asyncio.run(session.draw_over("lead=0.3:0.0:3"))
    assert "no range" in session.error


@pytest.mark.parametrize("name", ["hallucination-prompt", "summarization-prompt", "ranking-diversity"])
def test_a_scenario_becomes_a_problem(name: str) -> None:
    study = Study.load(name)
    scenario = study.scenario
    asked = of_study(study, Asked())
    problem = asked.problem()
    assert problem["horizon"] == scenario.traffic.units_per_day * scenario.traffic.days
    assert problem["horizon"] * problem["replicates"] * len(problem["policies"]) <= MOST_PULLS
    # A difference of the problem's arms, priced, is the scenario's own difference, priced.
    gap = problem["means"][1] - problem["means"][0]
    worth = scenario.economics.value_per_point * scenario.effects[1]
    assert asked.usd * gap == pytest.approx(worth, rel=1e-4)


def test_typed_lists_and_prices() -> None:
    assert names_in("kl-ucb(c=3), epsilon-greedy(epsilon=0.1,start=none) ,") == [
        "kl-ucb(c=3)", "epsilon-greedy(epsilon=0.1,start=none)"
    ]  # fmt: skip
    assert amount("") is None
    assert amount("$1,200.5") == 1200.5
    assert amount("x") != amount("x")
    with pytest.raises(InputError):
        replace(SMALL, usd=amount("x")).problem()


def test_user_text_is_escaped_on_the_page() -> None:
    page = Bandits(Session())
    asyncio.run(page.session.change(means="<script>alert(1)</script>"))
    assert "<script>" not in page.problem.object
    assert "&lt;script&gt;" in page.problem.object


def test_a_world_costs_and_a_scenario_are_played_on_the_page() -> None:
    """What is typed in the folds reaches the result; what is bad is one line and keeps what is on screen."""
    page = Bandits(Session())
    session = page.session
    for fold in page.worlds.folds:
        fold.card.collapsed = False

    async def use() -> None:
        await session.change(means="0.3, 0.5", horizon=200, replicates=50, policies=("even", "epsilon-greedy"), usd=2.0)
        await session.change(place={"delay": 10, "batch": 5}, arms=({}, {"cost": 0.1}))
        found = session.result
        assert (found.world.delay, found.world.batch, found.world.cost) == (10, 5, (0.0, 0.1))
        assert found.world.value_per_point == 2.0
        assert [one.policy for one in session.learned] == ["even", "epsilon-greedy"]
        assert "Weighted AIPW" in page.inferred.object
        # Costs are dollars: what is shown is the net value of the same result.
        shown, usd = session.shown()
        assert usd == 1.0
        assert shown.policies[1].regret == found.policies[1].money.regret
        for bad in ({"delay": 500}, {"delay": None}, {"season_amplitude": 0.9}):
            await session.change(place=bad)
            assert session.error
            assert "\n" not in session.error
            assert session.result is found
        await session.change(place={}, arms=())
        assert session.error == ""
        assert session.result.world.plain
        await session.draw_map("means.0=0.2:0.4:2", "horizon=50:100:2")
        assert session.surface.figures["lost"].shape == (2, 2, 2)
        assert page.over.map.objects

    asyncio.run(use())


def test_the_scenario_brings_its_evaluator_and_money() -> None:
    study = Study.load("hallucination-prompt")
    problem = of_study(study, Asked()).problem()
    world = problem["world"]
    judge = study.scenario.evaluator
    # Fewer hallucinations are better, so a good answer is one without: the two error rates change places.
    assert world["sensitivity"] == (judge.specificity,) * 2
    assert world["specificity"] == (judge.sensitivity,) * 2
    assert world["population"] == study.scenario.economics.horizon_units
    assert world["value_per_point"] == study.scenario.economics.value_per_point
    assert len(world["cost"]) == 2


def linked(address: str) -> Asked:
    """Return the problem of an address."""
    return Asked.linked(dict(parse_qsl(address.removeprefix("?"), keep_blank_values=True)))


def test_a_link_asks_for_the_same_problem() -> None:
    """World, arms and worth included; the page opens with it."""
    asked = replace(
        SMALL, horizon=100, replicates=40, seed=3, usd=0.5, policies=("even", "kl-ucb(c=3)"),
        place={"delay": 10, "population": 500}, arms=({}, {"cost": 0.01, "drift": -0.05}),
    )  # fmt: skip
    again = linked(asked.link())
    assert again.problem() == asked.problem()
    page = Bandits(Session(), again)
    asyncio.run(page.session.play())
    assert page.session.error == ""
    assert page.session.result is not None
    assert page.session.result.digest == bandit(**asked.problem()).digest
    assert page.session.result.digest in page.again.object
    assert escape(asked.link()) in page.again.object


@pytest.mark.parametrize(
    ("address", "said"),
    [
        ("?problem=plain&means=0.1,<b>", "no list of numbers"), ("?problem=plain&nope=3", "unknown key 'nope'"),
        ("?problem=plain&family=<script>", "unknown family"), ("?problem=plain&delay=x", "'x' is not"),
        ("?problem=plain&arms.99.drift=1", "unknown key 'arms.99.drift'"), ("?problem=plain&horizon=many", "horizon is 'many'"),
        ("?problem=plain&usd=free", "no amount"), ("?problem=plain&arms.0.nope=1", "unknown key 'nope'"),
        ("?problem=plain&policies=tompson", "unknown policy 'tompson'"),
    ],
)  # fmt: skip
def test_a_bad_link_is_one_line(address: str, said: str) -> None:
    page = Bandits(Session(), linked(address))
    asyncio.run(page.session.play())
    assert said in page.session.error
    assert "\n" not in page.session.error
    assert page.session.result is None
    assert "<script>" not in page.problem.object
