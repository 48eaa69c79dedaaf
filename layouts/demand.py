"""What it would take: units, days and smallest effect of every strategy for a power, solved when asked. No widgets."""

from __future__ import annotations

import asyncio
import logging
import threading
from collections.abc import Callable
from concurrent.futures import Executor
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any

import param

from expsim_panel import engine
from expsim_panel.errors import InputError
from expsim_panel.needed import Needed, days_needed, effect_needed, units_needed
from expsim_panel.study import Request

_LOG = logging.getLogger(__name__)
REPLICATES = 2000


@dataclass(frozen=True)
class Row:
    """What one strategy needs; a line of words where it cannot be asked."""

    strategy: str
    units: Needed | str
    days: Needed | str
    effect: Needed | str


class Demand(param.Parameterized):  # type: ignore[misc]
    """The table of what every strategy needs; an overtaken computation is dropped."""

    rows = param.List(default=[], item_type=Row, label="Rows", doc="One per strategy that is solved.")
    running = param.Boolean(default=False, label="Running", doc="Whether a strategy is being solved.")
    words = param.String(default="", label="Progress in words", doc="What is being solved.")
    error = param.String(default="", label="Problem", doc="One line; empty if nothing is wrong.")

    def __init__(self, pool: Executor, hold: Callable[[], AbstractContextManager[Any]]) -> None:
        super().__init__(name="demand")
        self._pool, self._hold = pool, hold
        self._run, self._stop = 0, threading.Event()
        self.request: Request | None = None
        self.power = 0.8

    def close(self) -> None:
        """Stop solving."""
        self._run += 1
        self._stop.set()

    def cancel(self) -> None:
        """Stop solving; rows that are there stay."""
        if self.running:
            self.close()
            self.param.update(running=False, words="Cancelled; the table has what was ready.")

    async def solve(self, request: Request, power: float) -> None:
        """Solve every strategy of a study, one after the other."""
        self.close()
        run, stop = self._run, threading.Event()
        self._stop, self.request, self.power = stop, request, power
        names = [one.name for one in request.shared().strategies]
        with self._hold():
            self.param.update(rows=[], running=True, error="", words=f"Solving {names[0]}")
        for number, name in enumerate(names, start=1):
            with self._hold():
                self.words = f"Solving {name}, {number} of {len(names)}"
            try:
                row = await asyncio.get_running_loop().run_in_executor(self._pool, _row, request, name, power, stop)
            except engine.Cancelled:
                return
            except Exception as error:
                # The page must outlive whatever goes wrong in a computation; the log keeps the traceback.
                if run == self._run:
                    _LOG.exception("solving failed")
                    line = " ".join(str(error).split())[:200]
                    self.param.update(running=False, words="", error=f"The computation failed ({line}); change a value")
                return
            if run != self._run:
                return
            with self._hold():
                self.rows = [*self.rows, row]
        self.param.update(running=False, words="")


def _row(request: Request, name: str, power: float, stop: threading.Event) -> Row:
    found: list[Needed | str] = []
    for solve in (units_needed, days_needed, effect_needed):
        try:
            found.append(solve(request.study(), name, power, replicates=REPLICATES, cancelled=stop.is_set))
        except InputError as error:
            found.append(error.problem)
    return Row(name, *found)
