"""The study that every visitor sees first, computed once: its result and exact figures, ready when a page opens.

What lies here belongs to no visitor: it follows from the scenario library and the seed alone, and nobody changes it
(a session replaces its result, never edits it).
"""

from __future__ import annotations

import threading
from concurrent.futures import Future
from typing import NamedTuple

from expsim_panel import engine
from expsim_panel.exact import Exact
from expsim_panel.layouts.computing import POOL, exact_figures
from expsim_panel.results import Result
from expsim_panel.study import Request


class Opening(NamedTuple):
    """A study's complete result and its exact figures."""

    result: Result
    exact: dict[str, Exact | str]


class Shelf:
    """Holds the opening of one request once it has been computed on a thread."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._work: Future[Opening] | None = None

    def prepare(self, request: Request) -> Future[Opening]:
        """Compute the opening in the background, if that has not begun; after a failure begin again."""
        with self._lock:
            if self._work is None or (self._work.done() and self._work.exception() is not None):
                self._work = POOL.submit(_compute, request)
            return self._work

    def take(self, request: Request) -> Opening | None:
        """Return the opening if it is there and belongs to this request; never waits."""
        work = self._work
        if work is None or not work.done() or work.exception() is not None:
            return None
        found = work.result()
        return found._replace(exact=dict(found.exact)) if found.result.request == request else None


def _compute(request: Request) -> Opening:
    return Opening(engine.run(request), exact_figures(request))


SHELF = Shelf()
