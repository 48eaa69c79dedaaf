"""Processor time until the bandit page draws its first picture, on its own thread and the pool's."""

from __future__ import annotations

import asyncio
import time

from expsim_panel.layouts.bandit_session import Asked
from expsim_panel.layouts.pages.bandit import Bandits
from expsim_panel.layouts.session import Session


def test_the_first_picture_takes_less_than_half_a_second() -> None:
    page = Bandits(Session())
    when: list[float] = []

    async def play() -> None:
        page.session.asked = Asked(horizon=2000, replicates=10_000, policies=(*Asked().policies, "kl-ucb"))
        await page.session.play()

    # Once for the machine code.
    asyncio.run(play())
    started = time.process_time()
    page.session.param.watch(lambda event: when.append(time.process_time() - started), "result")
    asyncio.run(play())
    print(f"\nfirst picture after {when[0] * 1000:.0f} ms of processor time")
    assert when[0] < 0.5
