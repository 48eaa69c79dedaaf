"""One visitor's session: the study on screen, its result, and the one running computation. No widgets.

Editing the study is `Form`'s part. Computation runs on threads; everything here is assigned on the event
loop, and what an overtaken run still delivers is dropped by its run number.
"""

from __future__ import annotations

import asyncio
import logging
import threading
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from typing import Any

import param

from expsim_panel import engine
from expsim_panel.errors import InputError
from expsim_panel.exact import Exact
from expsim_panel.layouts.atlas import Atlas
from expsim_panel.layouts.computing import POOL, Mailbox, default_scenario, exact_figures, played, watch_another
from expsim_panel.layouts.demand import Demand
from expsim_panel.layouts.explorer import Explorer
from expsim_panel.layouts.form import Form, Path
from expsim_panel.layouts.opening import SHELF
from expsim_panel.results import Result
from expsim_panel.study import Request

_LOG = logging.getLogger(__name__)


class Session(Form):
    """The study a visitor works on and what came out of it."""

    result = param.ClassSelector(
        class_=Result,
        allow_None=True,
        default=None,
        label="Result",
        doc="The latest result, partial or complete; of an earlier study while a new one runs.",
    )
    exact = param.Dict(
        default={}, label="Exact figures", doc="Per strategy its exact figures, or the reason why there are none."
    )
    status = param.Selector(
        default="ready",
        objects=["ready", "running", "settling", "done", "cancelled", "failed"],
        label="Status",
        doc="What the session is doing; settling: a partial result is on screen.",
    )
    progress = param.Integer(
        default=0, bounds=(0, 100), label="Progress", doc="Percent of the simulation that is done."
    )
    words = param.String(default="", label="Progress in words", doc="What is being computed.")
    tab = param.String(
        default="Watch", label="View", doc="The view on screen; what only another view needs is not computed."
    )
    dark = param.Boolean(
        default=False, label="Dark mode", doc="Whether the page is dark; figures take their text colours from it."
    )

    def __init__(
        self,
        scenario: str | None = None,
        *,
        debounce: float = 0.05,
        workers: int | None = None,
        hold: Callable[[], AbstractContextManager[Any]] = nullcontext,
    ) -> None:
        """Open a scenario without running it.

        Parameters
        ----------
        scenario : str, optional
            Name in the library or a file; `default_scenario` if not given.
        debounce : float
            Seconds without another change before a run starts.
        workers : int, optional
            Threads of the engine.
        hold : callable
            Makes a context in which a document collects its updates, so that a result appears at once.
        """
        super().__init__(hold)
        self._debounce, self._workers = debounce, workers
        self._run, self._stop = 0, threading.Event()
        self.explorer, self.atlas, self.demand = Explorer(POOL, hold), Atlas(POOL, hold), Demand(POOL, hold)
        self.open(scenario or default_scenario())

    # What is computed

    @property
    def name_shown(self) -> str:
        """Name of the scenario on screen."""
        return str(self.study.scenario.scenario.name)

    @property
    def fresh(self) -> bool:
        """Whether the result on screen belongs to the study on screen."""
        return self.result is not None and self.result.request == self._request

    @property
    def shown_strategy(self) -> str:
        """The strategy whose experiment is on screen: the one chosen, otherwise the advised one."""
        if self.result is None:
            return str(self.watching)
        names = [one.name for one in self.result.strategies]
        return str(self.watching if self.watching in names else self.result.advice.strategy)

    @property
    def busy(self) -> bool:
        """Whether a run is under way."""
        return self.status in ("running", "settling")

    async def change(self, path: Path, value: Any) -> None:
        """Edit and run, as a widget does."""
        if self.edit(path, value):
            await self.play()

    def start(self) -> bool:
        """Show at once what the server knows of the study on screen; tell whether it knows all of it."""
        known = SHELF.take(self._request)
        if known is None:
            return False
        with self._hold():
            self.param.update(
                exact=known.exact, result=known.result, status="done", progress=100, words=played(known.result)
            )
        return True

    async def begin(self) -> None:
        """Play the study on screen for the first time, and keep it for the next visitor."""
        opened = self._request
        if self.result is None:
            await self.play(0)
        if self.result is not None and self.result.complete and self.result.request == opened:
            SHELF.prepare(opened)

    async def play(self, debounce: float | None = None) -> None:
        """Run the study on screen: exact figures, a partial result, the full one. Overtakes any other run."""
        self._stop.set()
        self._run += 1
        run, stop = self._run, threading.Event()
        self._stop = stop
        await asyncio.sleep(self._debounce if debounce is None else debounce)
        if run != self._run:
            return
        request = self._request
        with self._hold():
            self.param.update(status="running", progress=0, words="Working out the exact figures")
        loop = asyncio.get_running_loop()
        try:
            known = await loop.run_in_executor(POOL, exact_figures, request)
            if run != self._run:
                return
            self._show(run, exact=known, words="Simulating")
            result = await self._simulate(run, request, stop, known)
        except engine.Cancelled:
            return
        except InputError as error:
            self._show(run, status="failed", error=str(error), words="")
            return
        except Exception as error:
            # The page must outlive whatever goes wrong in a computation; the log keeps the traceback.
            _LOG.exception("run failed")
            line = " ".join(str(error).split())[:200]
            self._show(
                run, status="failed", error=f"The computation failed ({line}); change a value or press Run", words=""
            )
            return
        self._show(run, result=result, status="done", progress=100, words=played(result))

    async def _simulate(
        self, run: int, request: Request, stop: threading.Event, known: dict[str, Exact | str]
    ) -> Result:
        """Run the engine on a thread and show what it leaves in the mailbox."""
        loop, box = asyncio.get_running_loop(), Mailbox()
        shown: Result | None = self.result

        def work() -> Result:
            if shown is not None and shown.complete and shown.request.digest == request.digest:
                return watch_another(shown, request)
            return engine.run(
                request,
                workers=self._workers,
                progress=box.progress,
                cancelled=stop.is_set,
                partial=box.leave,
                partial_after=1,
                exact=known,
            )

        future = loop.run_in_executor(POOL, work)
        # Nobody awaits an overtaken run; its exception must still be collected.
        future.add_done_callback(lambda ended: ended.cancelled() or ended.exception())
        while not future.done():
            await asyncio.wait({future}, timeout=0.02)
            if run != self._run:
                raise engine.Cancelled
            partial, box.partial = box.partial, None
            if partial is not None and not future.done():
                self._show(run, result=partial, status="settling")
            if box.total:
                done = request.replicates * box.done // box.total
                words = f"Simulating: {done:,} of {request.replicates:,} experiments per strategy and world"
                self._show(run, progress=100 * box.done // box.total, words=words)
        return future.result()

    def cancel(self) -> None:
        """Stop the run; what is on screen stays."""
        if not self.busy:
            return
        self.close()
        self.param.update(
            status="cancelled", progress=0, words="Cancelled; the figures on screen are of the last finished step"
        )

    def close(self) -> None:
        """Stop computing, as when the visitor leaves."""
        self._run += 1
        self._stop.set()
        self.explorer.close()
        self.atlas.close()
        self.demand.cancel()
        self.demand.close()

    def _show(self, run: int, **values: Any) -> None:
        """Assign at once what a run has found, unless another run has overtaken it."""
        if run == self._run:
            with self._hold():
                self.param.update(**values)
