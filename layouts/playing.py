"""What every session of a bandit page has in common: runs that overtake each other, on threads, and one error line."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from typing import Any, TypeVar

import param

from expsim_panel.errors import InputError
from expsim_panel.layouts.computing import POOL

T = TypeVar("T")
_LOG = logging.getLogger(__name__)


class Overtaken(Exception):
    """Another run has begun, or this one was cancelled."""


class Playing(param.Parameterized):  # type: ignore[misc]
    """A computation that answers one visitor; what an overtaken run still delivers is dropped by its run number."""

    focus = param.String(default="", label="Policy in focus", doc="Whose spread and traffic are shown.")
    busy = param.Boolean(default=False, label="Busy", doc="Whether something is being computed.")
    words = param.String(default="", label="Progress in words", doc="What is being computed, or was.")
    error = param.String(default="", label="Problem", doc="One line: what is wrong, where, and what to do.")
    wrong = param.String(default="", label="Field", doc="The field that the problem is about, where there is one.")

    def __init__(self, hold: Callable[[], AbstractContextManager[Any]] = nullcontext, debounce: float = 0.05) -> None:
        super().__init__(name="bandit-session")
        self._hold, self._debounce, self._run = hold, debounce, 0

    def cancel(self) -> None:
        """Stop computing; what is on screen stays."""
        self._stop()
        self.param.update(busy=False, words="Cancelled; the figures on screen are of the last finished step")

    def close(self) -> None:
        """Stop computing, as when the visitor leaves."""
        self._stop()

    def refuse(self, error: InputError) -> None:
        """Stop, and say what is wrong; what is on screen stays."""
        self._stop()
        with self._hold():
            self.param.update(error=str(error), wrong=error.key, words="", busy=False)

    def complain(self, error: InputError) -> None:
        """Say what is wrong; what is being computed goes on."""
        with self._hold():
            self.param.update(error=str(error), wrong=error.key)

    def _stop(self) -> int:
        self._run += 1
        return self._run

    async def _work(self, run: int, job: Callable[[Callable[[int, int], None]], T]) -> T | None:
        """Run a job on a thread; None if it was overtaken or failed (then `error` says why)."""

        def stop(done: int, total: int) -> None:
            if run != self._run:
                raise Overtaken

        if run != self._run:
            return None
        try:
            made = await asyncio.get_running_loop().run_in_executor(POOL, job, stop)
        except Overtaken:
            return None
        except InputError as error:
            self._show(run, error=str(error), wrong=error.key, words="", busy=False)
            return None
        except Exception as error:
            # The page must outlive whatever goes wrong in a computation; the log keeps the traceback.
            _LOG.exception("bandit run failed")
            line = " ".join(str(error).split())[:200]
            self._show(run, error=f"The computation failed ({line}); change a value", words="", busy=False)
            return None
        return made if run == self._run else None

    def _show(self, run: int, **values: Any) -> None:
        """Assign at once what a run has found, unless another has overtaken it."""
        if run == self._run:
            with self._hold():
                self.param.update(**values)


def steps(first: int, replicates: int) -> list[int]:
    """Return how many experiments to play: a first picture where all would take long, then all."""
    return [replicates] if replicates <= 2 * first else [first, replicates]
