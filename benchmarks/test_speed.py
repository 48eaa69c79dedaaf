"""Speed claims, each a ratio in one run against a named yardstick.

Run ``python -m pytest benchmarks -s -q`` on a quiet machine. They are asserted here and never in the test suite:
a shared CI machine proves nothing about speed.
"""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from expsim_panel import analytic, engine, sequential
from expsim_panel.layouts.session import Session
from expsim_panel.study import Study

LOOKS, PER_LOOK, ALPHA = 5, 1000, 0.05


def _tree(days: int, units_per_day: int) -> dict[str, Any]:
    return {
        "scenario": {"name": "five-looks", "indifference": 0.01},
        "metric": {"name": "score", "family": "normal", "sd": 1.0},
        "variants": [{"name": "A", "mean": 3.0}, {"name": "B", "mean": 3.03}],
        "traffic": {"units_per_day": units_per_day, "days": days},
        "strategies": [{"kind": "obrien-fleming", "looks": LOOKS}],
    }


def _bounds() -> np.ndarray:
    information = np.arange(1, LOOKS + 1) / LOOKS
    return analytic.critical_values(1 / np.sqrt(information), information, ALPHA, 2)


def numpy_over_users(replicates: int) -> float:
    """Simulate every user with vectorised NumPy, 64 experiments at a time; return the rejection rate."""
    rng, bounds, rejected = np.random.default_rng(1), _bounds(), 0
    per_look = np.arange(1, LOOKS + 1) * PER_LOOK
    for start in range(0, replicates, 64):
        size = min(64, replicates - start)
        rows = rng.standard_normal((size, 2, LOOKS, PER_LOOK))
        rows[:, 1] += 0.03
        sums = rows.sum(axis=3).cumsum(axis=2)
        squares = (rows * rows).sum(axis=3).cumsum(axis=2)
        variance = (squares - sums**2 / per_look) / (per_look - 1) / per_look
        z = (sums[:, 1] - sums[:, 0]) / per_look / np.sqrt(variance.sum(axis=1))
        rejected += int(np.any(np.abs(z) > bounds, axis=1).sum())
    return rejected / replicates


def numpy_over_sums(replicates: int) -> float:
    """Simulate the same sufficient statistics with vectorised NumPy; return the rejection rate."""
    rng, bounds = np.random.default_rng(1), _bounds()
    shape = (replicates, 2, LOOKS)
    per_look = np.arange(1, LOOKS + 1) * PER_LOOK
    sums = np.sqrt(PER_LOOK) * rng.standard_normal(shape)
    sums[:, 1] += 0.03 * PER_LOOK
    squares = rng.chisquare(PER_LOOK - 1, shape) + sums**2 / PER_LOOK
    sums, squares = sums.cumsum(axis=2), squares.cumsum(axis=2)
    variance = (squares - sums**2 / per_look) / (per_look - 1) / per_look
    z = (sums[:, 1] - sums[:, 0]) / per_look / np.sqrt(variance.sum(axis=1))
    return float(np.any(np.abs(z) > bounds, axis=1).mean())


def ours(replicates: int) -> float:
    """Run the engine's blocks of one world, on all cores as `engine.run` does; return the rejection rate."""
    study = Study.from_tree(_tree(LOOKS, 2 * PER_LOOK), "benchmark")
    study.replicates = replicates
    out = engine.outcomes(study.freeze(), workers=os.cpu_count() or 1)
    return float(np.mean(out["obrien-fleming"].code != 0))


def _seconds(run: Callable[[], Any], rounds: int = 3) -> float:
    best = np.inf
    for _ in range(rounds):
        started = time.perf_counter()
        run()
        best = min(best, time.perf_counter() - started)
    return float(best)


def _rate(run: Callable[[int], float], replicates: int, rounds: int = 3) -> float:
    return replicates / _seconds(lambda: run(replicates), rounds)


@pytest.fixture(scope="module")
def rates() -> dict[str, float]:
    """Replicates per second of the three, measured one after the other."""
    ours(2000)
    answers = [ours(200_000), numpy_over_sums(200_000), numpy_over_users(4000)]
    assert max(answers[:2]) - min(answers[:2]) < 0.006
    assert abs(answers[2] - answers[0]) < 4 * np.sqrt(0.25 / 4000)
    return {
        "ours": _rate(ours, 400_000),
        "numpy over sums": _rate(numpy_over_sums, 400_000),
        "numpy over users": _rate(numpy_over_users, 2000, 2),
    }


def test_five_looks_against_numpy_over_users(rates: dict[str, float]) -> None:
    ratio = rates["ours"] / rates["numpy over users"]
    print(f"\n5 looks, 2 arms, 10,000 users: {rates['ours']:,.0f} experiments/s, {ratio:,.0f} x NumPy over users")
    assert ratio >= 150


def test_five_looks_against_numpy_over_sums(rates: dict[str, float]) -> None:
    ratio = rates["ours"] / rates["numpy over sums"]
    print(f"\n{ratio:.2f} x NumPy over sufficient statistics ({rates['numpy over sums']:,.0f} experiments/s)")
    assert ratio >= 1


@pytest.mark.parametrize("name", ["summarization-prompt", "hallucination-prompt"])
def test_warm_run_of_five_strategies_and_their_twins(name: str) -> None:
    study = Study.load(name)
    study.run(replicates=2000, seed=99)
    seconds = _seconds(lambda: _fresh(study))
    print(f"\n{name}: 20,000 replicates x 5 strategies, 4 worlds: {seconds:.2f} s")
    assert seconds < 2


def _fresh(study: Study) -> None:
    engine._CACHE.clear()
    study.run(replicates=20_000, seed=1)


@pytest.mark.parametrize("name", ["summarization-prompt", "hallucination-prompt"])
def test_slider_move_to_first_and_full_result(name: str) -> None:
    """What a visitor waits for: from the slider's event, through debounce and threads, to the session's results."""
    seen: dict[str, list[float]] = {"exact": [], "first": [], "full": []}

    async def move() -> None:
        session = Session(name)
        await session.play(0)
        for step in range(4):
            engine._CACHE.clear()
            started = time.perf_counter()

            def note(event: Any, started: float = started) -> None:
                kind = "exact" if event.name == "exact" else "full" if event.new.complete else "first"
                seen[kind].append(time.perf_counter() - started)

            watcher = session.param.watch(note, ["exact", "result"])
            await session.change(("traffic", "days"), 21 + step)
            session.param.unwatch(watcher)

    asyncio.run(move())
    exact, first, full = (min(seen[kind]) for kind in ("exact", "first", "full"))
    print(f"\n{name}: exact {1000 * exact:.0f} ms, first simulated {1000 * first:.0f} ms, full {1000 * full:.0f} ms")
    assert exact < 0.3
    assert first < 0.3
    assert full < 1


def test_group_sequential_answer_is_instant() -> None:
    information = np.arange(1, 6) / 5
    seconds = _seconds(
        lambda: analytic.group_sequential(1 / np.sqrt(information), information, 0.025, 1, target_power=0.8), 20
    )
    print(f"\nbounds, inflation and expected size of a 5-look design: {1000 * seconds:.1f} ms")
    assert seconds < 0.005


@pytest.mark.parametrize(("looks", "limit"), [(5, 0.005), (20, 0.05)])
@pytest.mark.parametrize("kind", sorted(set(sequential.kinds()) - {"fixed-horizon", "user-spending"}))
def test_every_named_design_is_instant(kind: str, looks: int, limit: float) -> None:
    def solve() -> None:
        sequential.sequential_design(kind, looks, 0.025, 1, power=0.8, effect=0.1, sd=1.0)

    solve()
    spent = []
    for _ in range(20):
        started = time.thread_time()
        solve()
        spent.append(time.thread_time() - started)
    print(f"\n{kind}, {looks} looks: {1000 * min(spent):.2f} ms")
    assert min(spent) < limit
