"""The power surface a visitor explores: which one, which cell of it, and the curve of that row. No widgets."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from concurrent.futures import Executor
from contextlib import AbstractContextManager
from typing import Any, TypeVar

import param

from expsim_panel import economics, engine, exact, grid
from expsim_panel.errors import InputError
from expsim_panel.study import Request
from expsim_panel.surface import METRICS, PowerCurve, PowerSurface, power_curve, power_surface

POINT_REPLICATES = 2000
T = TypeVar("T")


class Explorer(param.Parameterized):  # type: ignore[misc]
    """One surface, its picked cell and that row's curve; each overtaken computation is dropped."""

    surface = param.ClassSelector(
        class_=PowerSurface, allow_None=True, default=None, label="Surface", doc="Figures over true effect and traffic."
    )
    curve = param.ClassSelector(
        class_=PowerCurve,
        allow_None=True,
        default=None,
        label="Curve",
        doc="The picked row with simulated points; none while they are simulated.",
    )
    cell = param.NumericTuple(default=(0, 0), length=2, label="Picked cell", doc="Indices of effect and traffic.")
    metric = param.Selector(
        default="power", objects=list(METRICS), label="Figure on the surface", doc="What the colours mean."
    )
    words = param.String(default="", label="Progress in words", doc="What is being computed, or why it cannot be.")

    def __init__(self, pool: Executor, hold: Callable[[], AbstractContextManager[Any]]) -> None:
        super().__init__(name="explorer")
        self._pool, self._hold = pool, hold
        self._run, self._stop = 0, threading.Event()
        self._request: Request | None = None
        self._strategy = ""

    def holds(self, request: Request, strategy: str) -> bool:
        """Tell whether this surface is on screen or under way."""
        same = self._request is not None and self._request.digest == request.digest
        return same and self._strategy == strategy

    def close(self) -> None:
        """Stop computing; the next request starts anew."""
        self._run += 1
        self._stop.set()
        self._request = None

    async def open(self, request: Request, strategy: str) -> None:
        """Compute the surface of a strategy, pick the scenario's own cell, and simulate its row."""
        if self.holds(request, strategy):
            return
        self.close()
        run, self._stop = self._run, threading.Event()
        self._request, self._strategy = request, strategy
        stop = self._stop
        self.words = f"Computing the surface of {strategy}"
        made = await self._work(run, lambda: power_surface(request.study(), strategy, cancelled=stop.is_set))
        if made is None:
            return
        cell = made.nearest(made.origin.effect, made.origin.units)
        with self._hold():
            self.param.update(surface=made, cell=cell, curve=None, words="")
        await self._row(run, cell)

    async def pick(self, cell: tuple[int, int]) -> None:
        """Show another cell: its row at once from the surface, then with simulated points."""
        if self.surface is None or self._request is None:
            return
        row_changed = cell[1] != self.cell[1]
        self.cell = cell
        if row_changed or self.curve is None:
            self._run += 1
            self._stop.set()
            self._stop = threading.Event()
            await self._row(self._run, cell)

    async def _row(self, run: int, cell: tuple[int, int]) -> None:
        request, surface, stop = self._request, self.surface, self._stop
        if request is None or surface is None:
            return
        units = int(surface.units[cell[1]])
        metric, strategy = self.metric, self._strategy

        def work() -> PowerCurve:
            study = request.study()
            study.scenario = grid.with_units(study.scenario, units)
            return power_curve(study, strategy, metric=metric, replicates=POINT_REPLICATES, cancelled=stop.is_set)

        with self._hold():
            self.param.update(curve=None, words=f"Simulating this row, {POINT_REPLICATES:,} experiments per point")
        made = await self._work(run, work)
        if made is not None:
            with self._hold():
                self.param.update(curve=made, words="")

    async def show(self, metric: str) -> None:
        """Colour the surface by another figure."""
        self.metric = metric
        self._run += 1
        self._stop.set()
        self._stop = threading.Event()
        await self._row(self._run, self.cell)

    async def _work(self, run: int, job: Callable[[], T]) -> T | None:
        """Run a job on a thread; None if it was overtaken or failed (then `words` says why)."""
        try:
            made = await asyncio.get_running_loop().run_in_executor(self._pool, job)
        except engine.Cancelled:
            return None
        except InputError as error:
            if run == self._run:
                self.words = str(error)
            return None
        return made if run == self._run else None

    def details(self) -> dict[str, exact.Exact | str]:
        """Return the exact figures of every strategy at the picked cell, or why there are none."""
        if self.surface is None or self._request is None:
            return {}
        study = self._request.study()
        effect, units = (axis[i] for axis, i in zip((self.surface.effects, self.surface.units), self.cell, strict=True))
        scenario = grid.with_units(exact.with_effect(study.scenario, float(effect)), int(units))
        money = economics.ledger(scenario)
        return {one.name: exact.operating(scenario, one, "truth", money) for one in study.strategies}
