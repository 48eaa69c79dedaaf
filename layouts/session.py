"""One visitor's session: the study on screen, its result, and the one running computation. No widgets.

A change goes through the same door as a file (`Study.from_tree`), so a bad value gives the same line
everywhere and never replaces what is on screen. Computation runs on threads; everything here is assigned
on the event loop, and what an overtaken run still delivers is dropped by its run number.
"""

from __future__ import annotations

import asyncio
import copy
import logging
import threading
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from typing import Any

import param

from expsim_panel import economics, engine, library
from expsim_panel.errors import InputError
from expsim_panel.layouts.computing import POOL, Mailbox, default_scenario, exact_figures, played, watch_another
from expsim_panel.layouts.explorer import Explorer
from expsim_panel.layouts.opening import SHELF
from expsim_panel.results import Result
from expsim_panel.study import Request, Study

RUN_KEYS = ("replicates", "seed", "luck")
EVALUATOR_KIND = ("evaluator", "kind")

Path = tuple[str | int, ...]
_LOG = logging.getLogger(__name__)


class Session(param.Parameterized):  # type: ignore[misc]
    """The study a visitor works on and what came out of it."""

    study = param.ClassSelector(class_=Study, label="Study", doc="The last valid study; replaced, never changed.")
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
    error = param.String(
        default="", label="Problem", doc="One line: what is wrong, where, and what to do; empty if nothing is."
    )
    error_key = param.String(
        default="",
        label="Place of the problem",
        doc="Path of the value that is wrong, such as variants.1.mean; empty where none is.",
    )
    watching = param.String(
        default="", label="Strategy on screen", doc="Strategy whose experiment is watched; empty: the advised one."
    )
    tab = param.String(
        default="Watch", label="View", doc="The view on screen; what only another view needs is not computed."
    )
    dark = param.Boolean(
        default=False, label="Dark mode", doc="Whether the page is dark; figures take their text colours from it."
    )
    rebuilt = param.Parameter(
        default=("all", 0),
        label="Form",
        doc="Which part of the form has other fields now, and how often that happened.",
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
        super().__init__(name="session")
        self._debounce, self._workers, self._hold = debounce, workers, hold
        self._run, self._stop = 0, threading.Event()
        self._draft: dict[str, Any] = {}
        self._where = ""
        self.explorer = Explorer(POOL, hold)
        self.open(scenario or default_scenario())

    # What is studied

    def open(self, name: str) -> bool:
        """Open a library scenario; tell whether it could be."""
        try:
            tree, where = library.read_tree(name)
        except InputError as error:
            self._complain(error)
            return False
        return self._begin(tree, where)

    def upload(self, raw: bytes, filename: str) -> bool:
        """Open an uploaded scenario file; on a bad one keep everything and say what is wrong."""
        where = " ".join(filename.split())[:80] or "upload"
        try:
            tree = library.parse(raw, where)
        except InputError as error:
            self._complain(error)
            return False
        return self._begin(tree, where)

    def refuse_upload(self) -> None:
        """Say that the browser would not send a file."""
        self._complain(InputError("upload", "", "the file is too large for a scenario", "give a TOML file under 5 MB"))

    def value(self, path: Path) -> Any:
        """Return what the form shows at `path`: the visitor's last input, valid or not."""
        node: Any = self._draft
        for key in path:
            if isinstance(node, dict):
                node = node.get(key)
            elif isinstance(node, list) and isinstance(key, int) and key < len(node):
                node = node[key]
            else:
                return None
        return node

    def edit(self, path: Path, value: Any) -> bool:
        """Put one value into the study; tell whether the study changed.

        A bad value stays in the form with its line in `error`; the study and its result stay as they are.
        """
        if self.value(path) == value and type(self.value(path)) is type(value):
            return False
        if path == EVALUATOR_KIND:
            return self._switch_evaluator(value)
        node: Any = self._draft
        for key in path[:-1]:
            node = node.setdefault(key, {}) if isinstance(node, dict) else node[key]
        if value is None:
            node.pop(path[-1], None)
        else:
            node[path[-1]] = value
        changed = self._adopt()
        # Labels carry the names, units follow the kind of metric: such a change asks for another form.
        if changed and path[-1] == "name" and path[0] in ("variants", "strategies"):
            self._rebuild(str(path[0]))
        elif changed and path == ("metric", "family"):
            self._rebuild("all")
        return changed

    def add_strategy(self, kind: str) -> bool:
        """Add a strategy of a kind under a name of its own."""
        rows = self._draft["strategies"]
        names = {row.get("name", row["kind"]) for row in rows}
        name = next(n for n in (kind, *(f"{kind} {i}" for i in range(2, 99))) if n not in names)
        rows.append({"kind": kind, "name": name})
        if not self._adopt():
            rows.pop()
            return False
        self._rebuild("strategies")
        return True

    def remove_strategy(self, index: int) -> bool:
        """Remove a strategy; the last one stays."""
        rows = self._draft["strategies"]
        if len(rows) < 2:
            self.error = "Strategies: one strategy is left; add another before you remove it"
            return False
        rows.pop(index)
        changed = self._adopt()
        self._rebuild("strategies")
        return changed

    def draw_another(self) -> None:
        """Put the next simulated experiment on screen."""
        self.edit(("luck",), (self.study.luck + 1) % self.study.replicates)
        self._rebuild("scenario")

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
            result = await self._simulate(run, request, stop)
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

    async def _simulate(self, run: int, request: Request, stop: threading.Event) -> Result:
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

    def _show(self, run: int, **values: Any) -> None:
        """Assign at once what a run has found, unless another run has overtaken it."""
        if run == self._run:
            with self._hold():
                self.param.update(**values)

    # How a draft becomes a study

    def _begin(self, tree: dict[str, Any], where: str) -> bool:
        """Start over with a scenario tree; on a bad one keep everything."""
        try:
            study = Study.from_tree(tree, where)
        except InputError as error:
            self._complain(error)
            return False
        kept: dict[str, Any] = {key: self._draft[key] for key in RUN_KEYS[:2] if key in self._draft}
        self._draft = {**study.to_tree(), **{key: getattr(study, key) for key in RUN_KEYS}, **kept}
        self._where = where
        with self._hold():
            adopted = self._adopt()
            self.watching = ""
            self._rebuild("all")
        return adopted

    def _adopt(self) -> bool:
        """Make the draft the study if it is valid, otherwise say in one line why it is not."""
        tree = copy.deepcopy(self._draft)
        settings = {key: tree.pop(key) for key in RUN_KEYS}
        try:
            study = Study.from_tree(tree, self._where)
            for key, value in settings.items():
                study.put(key, value, "run")
            economics.ledger(study.scenario)
            self._request = study.freeze()
        except InputError as error:
            self._complain(error)
            return False
        names = [one.name for one in study.strategies]
        with self._hold():
            self.param.update(
                study=study, error="", error_key="", watching=self.watching if self.watching in names else ""
            )
        return True

    def _switch_evaluator(self, kind: str) -> bool:
        """Take the fields of ``[evaluators.KIND]``; keep those of the kind that is left for coming back."""
        before = copy.deepcopy(self._draft)
        left = dict(self._draft["evaluator"])
        self._draft.setdefault("evaluators", {})[left.pop("kind")] = left
        fields = self._draft["evaluators"].get(kind, {})
        self._draft["evaluator"] = {"kind": kind, **fields}
        if not self._adopt():
            self._draft = before
            self._rebuild("evaluator")
            return False
        self._draft["evaluator"] = self.study.scenario.evaluator.to_tree()
        self._rebuild("evaluator")
        return True

    def _complain(self, error: InputError) -> None:
        """Show one line, and which value it is about."""
        self.param.update(error=str(error), error_key=error.key.removeprefix("run."))

    def _rebuild(self, what: str) -> None:
        self.rebuilt = (what, self.rebuilt[1] + 1)
