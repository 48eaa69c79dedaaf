"""The session without a browser: one door for input, one result on screen, stale runs dropped."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from expsim_panel import engine
from expsim_panel.layouts.computing import watch_another
from expsim_panel.layouts.session import Session
from expsim_panel.results import Result
from expsim_panel.study import Study

NAME = "hallucination-prompt"
MEAN = ("variants", 1, "mean")


def opened(replicates: int = 300, **changes: Any) -> Session:
    session = Session(NAME, debounce=0.0, **changes)
    # Two quick strategies: these tests are about the session, not about the strategies.
    while len(session.study.strategies) > 2:
        assert session.remove_strategy(2)
    assert session.edit(("replicates",), replicates)
    return session


def test_the_digest_is_that_of_a_script() -> None:
    session = Session(NAME, debounce=0.0)
    session.edit(("replicates",), 200)
    session.edit(("seed",), 7)
    asyncio.run(session.play())
    assert session.status == "done"
    assert session.fresh
    assert session.result.digest == Study.load(NAME).run(replicates=200, seed=7).digest
    session.edit(("seed",), 8)
    asyncio.run(session.play())
    assert session.result.digest != Study.load(NAME).run(replicates=200, seed=7).digest


def test_exact_figures_come_before_the_result() -> None:
    session = opened()
    order: list[str] = []
    session.param.watch(lambda *events: order.extend(event.name for event in events), ["exact", "result"])
    asyncio.run(session.play())
    assert order[:2] == ["exact", "result"]
    known = session.exact["fixed-horizon"].values["rejection"]
    assert known == session.result["fixed-horizon"].figures["power"].exact


def test_a_partial_result_comes_before_the_full_one() -> None:
    session = opened(9000)
    seen: list[int] = []
    session.param.watch(lambda event: seen.append(event.new.replicates), "result")
    asyncio.run(session.play())
    assert seen[-1] == 9000
    assert len(seen) == 2
    assert seen[0] < 9000


def test_an_overtaken_run_shows_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    shown: list[float] = []
    session = opened()
    session.param.watch(lambda event: shown.append(event.new.study.scenario.variants[1].mean), "result")
    true_run = engine.run

    def slow(request: Any, **hooks: Any) -> Result:
        # An engine that finishes whatever it is told: the session itself must drop what comes too late.
        import time

        time.sleep(0.3 if request.study().scenario.variants[1].mean == 0.07 else 0.0)
        return true_run(request)

    monkeypatch.setattr(engine, "run", slow)

    async def two() -> None:
        first = asyncio.create_task(session.change(MEAN, 0.07))
        await asyncio.sleep(0.15)
        await session.change(MEAN, 0.05)
        await first
        await asyncio.sleep(0.4)

    asyncio.run(two())
    assert shown == [0.05]
    assert session.status == "done"


def test_a_burst_of_moves_is_one_run(monkeypatch: pytest.MonkeyPatch) -> None:
    session = opened()
    session._debounce = 0.05
    runs: list[Any] = []
    true_run = engine.run
    monkeypatch.setattr(engine, "run", lambda request, **hooks: runs.append(request) or true_run(request, **hooks))

    async def drag() -> None:
        await asyncio.gather(*(session.change(MEAN, 0.05 + step / 1000) for step in range(8)))

    asyncio.run(drag())
    assert len(runs) == 1
    assert session.result.study.scenario.variants[1].mean == 0.057


def test_cancel_keeps_what_is_on_screen() -> None:
    session = opened()
    asyncio.run(session.play())
    before = session.result
    session.edit(("replicates",), 400_000)

    async def begin_and_cancel() -> None:
        run = asyncio.create_task(session.play())
        while session.status != "running":
            await asyncio.sleep(0.01)
        session.cancel()
        await asyncio.wait_for(run, 20)

    asyncio.run(begin_and_cancel())
    assert session.status == "cancelled"
    assert session.result is before
    assert not session.fresh


@pytest.mark.parametrize(
    ("path", "value", "key"),
    [
        (MEAN, 3.0, "variants.1.mean"),
        (MEAN, "", "variants.1.mean"),
        (("replicates",), 0, "replicates"),
        (("traffic", "shares"), [0.9, 0.9], "traffic.shares"),
        (("strategies", 1, "looks"), 99, "strategies.1.looks"),
        (("variants", 1, "latency_ms", "p95"), 1.0, "variants.1.latency_ms.p95"),
        (("variants", 1, "model"), "no-such-model", "variants.1.model"),
    ],
)
def test_a_bad_value_keeps_the_result_and_gives_one_line(path: Any, value: Any, key: str) -> None:
    session = opened()
    asyncio.run(session.play())
    study, result = session.study, session.result
    good = session.value(path)
    asyncio.run(session.change(path, value))
    assert session.study is study
    assert session.result is result
    assert session.error
    assert "\n" not in session.error
    assert session.error_key == key
    # The bad value stays in the form; putting it right takes the line away.
    assert session.value(path) == value
    session.edit(path, good)
    assert session.error == ""


def test_two_values_may_pass_through_a_contradiction() -> None:
    session = opened()
    assert not session.edit(("variants", 1, "latency_ms", "median"), 5000.0)
    assert session.edit(("variants", 1, "latency_ms", "p95"), 9000.0)
    law = session.study.scenario.variants[1].latency_ms
    assert (law.median, law.p95) == (5000.0, 9000.0)


def test_a_bad_upload_keeps_everything() -> None:
    session = opened()
    study = session.study
    for raw in (b"\xff\xfe", b"[scenario", b"schema = 2", b"x" * 6_000_000, b""):
        assert not session.upload(raw, "mine.toml")
        assert session.error.startswith("mine.toml")
        assert "\n" not in session.error
        assert session.study is study


def test_switching_the_evaluator_takes_its_table_and_back() -> None:
    session = opened()
    session.edit(("evaluator", "sensitivity"), 0.8)
    assert session.edit(("evaluator", "kind"), "human")
    now = session.study.scenario.evaluator
    assert (now.kind, now.raters, now.coverage) == ("human", 12, 0.15)
    session.edit(("evaluator", "kind"), "judge")
    assert session.study.scenario.evaluator.sensitivity == 0.8


def test_another_experiment_is_the_one_a_run_would_show() -> None:
    session = opened()
    asyncio.run(session.play())
    digest = session.result.digest
    asyncio.run(session.change(("luck",), 5))
    assert session.result.digest == digest
    direct = engine.run(session.result.request)
    watched = watch_another(direct, session.result.request)
    for one in direct.strategies:
        assert session.result[one.name].trace.luck == 5
        assert session.result[one.name].verdict == one.verdict == watched[one.name].verdict


def test_sessions_share_nothing() -> None:
    one, other = opened(), opened()
    asyncio.run(one.change(MEAN, 0.05))
    one.watching = "fixed-horizon"
    assert other.study.scenario.variants[1].mean != 0.05
    assert other.result is None
    assert other.watching == ""


def test_strategies_come_and_go() -> None:
    session = opened()
    names = [one.name for one in session.study.strategies]
    assert session.add_strategy("pocock")
    assert session.add_strategy("pocock")
    assert [one.name for one in session.study.strategies] == [*names, "pocock", "pocock 2"]
    while len(session.study.strategies) > 1:
        session.remove_strategy(0)
    assert not session.remove_strategy(0)
    assert session.error.startswith("Strategies:")
