"""Processor time until a bandit page has drawn its first picture, and of the whole comparison behind it.

Processor time of all threads, because a shared machine's clock says little; the clock is printed beside it.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from expsim_panel.layouts.bandit_session import Asked
from expsim_panel.layouts.pages.bandit import Bandits
from expsim_panel.layouts.pages.bandit_problem import ProblemPage
from expsim_panel.layouts.problem_session import AskedProblem
from expsim_panel.layouts.session import Session
from expsim_panel.problem_forms import FORMS

NOISE = {"sensitivity": 0.9, "specificity": 0.8}
SIX = ("even", "epsilon-greedy", "ucb1", "kl-ucb", "moss", "thompson")
FULL = Asked(horizon=2000, replicates=10_000, policies=SIX, arms=(NOISE, NOISE, NOISE))
FIRST = 0.5
"""Seconds until the first picture."""
WHOLE = 10.0
"""Seconds of the whole comparison on two cores."""


def seconds(page: Any) -> list[tuple[float, float]]:
    """Return processor time and clock at every result that the page has shown, machine code being loaded."""
    seen: list[tuple[float, float]] = []
    began = (0.0, 0.0)
    # The page's own watcher came first: when this one is called the figures are drawn.
    page.session.param.watch(
        lambda event: seen.append((time.process_time() - began[0], time.perf_counter() - began[1])), "result"
    )
    began = (time.process_time(), time.perf_counter())
    asyncio.run(page.session.play())
    return seen


async def shown(page: Any, asked: Any) -> None:
    """Let a page play a problem; widgets that follow what is asked may ask once more, which has to be over."""
    page.session.asked = asked
    await asyncio.sleep(0.3)
    await page.session.play()


def opened(make: Callable[[], Any], asked: Any) -> Any:
    """Return a page with its figures made and machine code loaded, as for a visitor who changes a value."""
    page = make()
    asyncio.run(shown(page, replace(asked, replicates=20)))
    assert page.session.result.replicates == 20
    page.session.asked = asked
    return page


def told(name: str, seen: list[tuple[float, float]]) -> None:
    """Print what was measured."""
    first, last = seen[0], seen[-1]
    print(
        f"\n{name}: first picture {1000 * first[0]:.0f} ms of processor time ({1000 * first[1]:.0f} ms on the clock), "
        f"all {last[0]:.2f} s of processor time, {last[0] / 2:.2f} s on two cores ({last[1]:.2f} s on the clock)"
    )


def test_six_policies_under_a_judge() -> None:
    """10,000 experiments of 2,000 requests for six policies, rewards seen through an evaluator's errors."""
    seen = seconds(opened(lambda: Bandits(Session()), FULL))
    told("six policies", seen)
    assert len(seen) == 2
    assert seen[0][0] < FIRST
    assert seen[-1][0] / 2 < WHOLE


@pytest.mark.parametrize("kind", list(FORMS))
def test_first_picture_of_every_kind(kind: str) -> None:
    """The problem that the kind opens with."""
    usual, outer = AskedProblem.usual(kind), Session()
    seen = seconds(opened(lambda: ProblemPage(outer, usual), usual))
    told(kind, seen)
    assert seen[0][0] < FIRST
    # The same for who opens the page: its widgets and figures have to be made first.
    began = time.process_time()
    page = ProblemPage(outer, usual)
    page.view()
    made = time.process_time() - began
    first = seconds(page)[0][0]
    print(f"{kind}, opened anew: {1000 * made:.0f} ms for the widgets, {1000 * first:.0f} ms until the first picture")
    assert made + first < FIRST
