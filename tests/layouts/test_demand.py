"""What it would take, in a session: solved strategy by strategy, cancelled, stale, escaped."""

from __future__ import annotations

import asyncio

import pytest

from expsim_panel import Study, units_needed
from expsim_panel.layouts import demand
from expsim_panel.layouts.pages.demand import DemandView, text
from expsim_panel.layouts.session import Session
from expsim_panel.needed import Needed


def test_the_table_has_every_strategy(monkeypatch: pytest.MonkeyPatch) -> None:
    """The cells are those of the public functions; a simulated one says so; a changed study is told."""
    monkeypatch.setattr(demand, "REPLICATES", 200)
    session = Session("hallucination-prompt")
    shown = DemandView(session)
    assert "Exact where exact exists" in str(shown.said.object)
    study = Study.load("hallucination-prompt", ["traffic.days=5"], ["obrien-fleming", "thompson"])
    asyncio.run(session.demand.solve(study.freeze(), 0.8))
    rows = {row.strategy: row for row in session.demand.rows}
    assert list(rows) == [one.name for one in study.strategies]
    units = rows["obrien-fleming"].units
    assert isinstance(units, Needed)
    assert units == units_needed(study, "obrien-fleming", 0.8)
    simulated = rows["thompson"].effect
    assert isinstance(simulated, Needed)
    assert simulated.method == "simulated"
    told = str(shown.table.object)
    assert told == text(session.demand)
    assert f"{units.units:,}" in told
    assert ">simulated</span>" in told
    assert not session.demand.running
    assert "has changed" in str(shown.said.object)


def test_cancel_keeps_the_rows_that_are_there() -> None:
    session = Session("hallucination-prompt")

    async def cancelled() -> None:
        running = asyncio.create_task(session.demand.solve(session.request, 0.8))
        while not session.demand.rows:
            await asyncio.sleep(0.01)
        session.demand.cancel()
        await running

    asyncio.run(cancelled())
    assert 0 < len(session.demand.rows) < len(session.study.strategies)
    assert "Cancelled" in session.demand.words
