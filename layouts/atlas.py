"""The map of any figure over any two numbers that a visitor asks for: one computation, coarse first. No widgets."""

from __future__ import annotations

import asyncio
import logging
import threading
from collections.abc import Callable
from concurrent.futures import Executor
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from typing import Any

import param

from expsim_panel import axes, engine, places
from expsim_panel.arm_axes import ARMS, SHARES, with_arms
from expsim_panel.errors import InputError, shown
from expsim_panel.layouts.form import Path
from expsim_panel.mover import Mover
from expsim_panel.places import EFFECT
from expsim_panel.response_surface import ResponseSurface, response_surface
from expsim_panel.study import Request, Study

_LOG = logging.getLogger(__name__)


@dataclass(frozen=True)
class Span:
    """An axis as a visitor typed it: path, and first and last level as text."""

    path: str
    low: str
    high: str


@dataclass(frozen=True)
class Question:
    """What a map is asked for."""

    x: Span
    y: Span
    levels: int
    metric: str
    strategy: str
    minus: str | None
    replicates: int


class Atlas(param.Parameterized):  # type: ignore[misc]
    """One map, its picked cell, and the running computation; an overtaken one is dropped."""

    surface = param.ClassSelector(
        class_=ResponseSurface, allow_None=True, default=None, label="Map", doc="The figures, partial or complete."
    )
    cell = param.Tuple(default=None, length=2, allow_None=True, label="Picked cell", doc="Indices of y and x.")
    running = param.Boolean(default=False, label="Running", doc="Whether a map is being computed.")
    progress = param.Integer(default=0, bounds=(0, 100), label="Progress", doc="Percent of the cells that are in.")
    words = param.String(default="", label="Progress in words", doc="What is being computed, or how it was.")
    error = param.String(default="", label="Problem", doc="One line; empty if nothing is wrong.")

    def __init__(self, pool: Executor, hold: Callable[[], AbstractContextManager[Any]]) -> None:
        super().__init__(name="atlas")
        self._pool, self._hold = pool, hold
        self._run, self._stop = 0, threading.Event()
        self.request: Request | None = None

    def close(self) -> None:
        """Stop computing."""
        self._run += 1
        self._stop.set()

    def cancel(self) -> None:
        """Stop computing; what is on screen stays."""
        if self.running:
            self.close()
            self.param.update(running=False, progress=0, words="Cancelled; the map shows what was ready.")

    async def compute(self, request: Request, asked: Question) -> None:
        """Compute a map of a study: the coarse cells at once, then all of them."""
        self.close()
        run, stop = self._run, threading.Event()
        self._stop = stop
        found: list[ResponseSurface] = []
        done = [0, 1]
        self.param.update(running=True, progress=0, error="", words="Computing the map")

        def work() -> ResponseSurface:
            study = request.study()
            across, up = _axis(study, asked.x, asked.levels, "Across"), _axis(study, asked.y, asked.levels, "Upwards")
            return response_surface(
                study, asked.strategy, across, up, metric=asked.metric, minus=asked.minus,
                replicates=asked.replicates, progress=lambda *at: done.__setitem__(slice(None), at),
                cancelled=stop.is_set, partial=found.append,
            )  # fmt: skip

        future = asyncio.get_running_loop().run_in_executor(self._pool, work)
        # Nobody awaits an overtaken computation; its exception must still be collected.
        future.add_done_callback(lambda ended: ended.cancelled() or ended.exception())
        while not future.done():
            await asyncio.wait({future}, timeout=0.05)
            if run != self._run:
                return
            if found and not future.done():
                self._show(found.pop(), request)
                found.clear()
            self.param.update(progress=100 * done[0] // done[1], words=f"{done[0]:,} of {done[1]:,} cells")
        try:
            made = future.result()
        except engine.Cancelled:
            return
        except InputError as error:
            self.param.update(running=False, words="", error=str(error))
            return
        except Exception as error:
            # The page must outlive whatever goes wrong in a computation; the log keeps the traceback.
            _LOG.exception("map failed")
            line = " ".join(str(error).split())[:200]
            self.param.update(running=False, words="", error=f"The computation failed ({line}); change a value")
            return
        with self._hold():
            self._show(made, request)
            self.param.update(running=False, progress=100, words="")

    def _show(self, made: ResponseSurface, request: Request) -> None:
        """Put a map on screen; the picked cell stays picked while the map is refined, otherwise it is the own point."""
        self.request = request
        before, cell = self.surface, self.cell
        same = before is not None and before.value.shape == made.value.shape and _question(before) == _question(made)
        if not same:
            cell = None
            if made.x.own is not None and made.y is not None and made.y.own is not None:
                cell = made.nearest(made.x.own, made.y.own)
        with self._hold():
            self.param.update(surface=made, cell=cell)

    def used(self, changes: dict[Path, Any], request: Request) -> None:
        """Take note that the study was moved to a cell: the same map, with the study's own point there."""
        if self.surface is None or self.cell is None or self.surface.y is None:
            return
        i, j = self.cell
        x, y = self.surface.x, self.surface.y
        x, y = replace(x, own=float(x.values[j])), replace(y, own=float(y.values[i]))
        self.request = request
        self.surface = replace(self.surface, x=x, y=y)

    def point(self) -> dict[Path, Any]:
        """Return the values of the study's form at the picked cell, by place."""
        if self.surface is None or self.cell is None or self.request is None or self.surface.y is None:
            return {}
        i, j = self.cell
        study = self.request.study()
        x, y = self.surface.x, self.surface.y
        levels = {x.path: float(x.values[j]), y.path: float(y.values[i])}
        made = _moved(study, {path: value for path, value in levels.items() if _special(path)})
        for path, value in levels.items():
            if not _special(path):
                section, key = places.locate(study, path, "map")
                number = int(value) if isinstance(places.declared_of(section, key), param.Integer) else value
                made[_place(study, path)] = number
        return made


def _special(path: str) -> bool:
    """Tell whether a path is not one number of the form."""
    return path in (EFFECT, ARMS) or path.startswith(SHARES)


def _moved(study: Study, levels: dict[str, float]) -> dict[Path, Any]:
    """Return what becomes of the form when the effect, the arms or their shares are these."""
    shares = {int(path.removeprefix(SHARES)): value for path, value in levels.items() if path.startswith(SHARES)}
    try:
        tree = Mover(study).to(levels).scenario.to_tree() if levels else {}
    except InputError:
        # The form says in its own words what contradicts what.
        tree = study.scenario.to_tree()
        if shares:
            tree["traffic"]["shares"] = [shares.get(arm, own) for arm, own in enumerate(study.scenario.shares)]
        if ARMS in levels:
            tree = with_arms(tree, int(levels[ARMS]), 1 + int(study.scenario.effects[1:].argmax()))
    made: dict[Path, Any] = {}
    if ARMS in levels:
        made |= {(key,): tree[key] for key in ("variants", "guardrails", "evaluator") if key in tree}
    elif EFFECT in levels:
        for arm, (now, old) in enumerate(zip(tree["variants"], study.scenario.variants, strict=True)):
            if now["mean"] != old.mean or arm == 1:
                made["variants", arm, "mean"] = float(now["mean"])
    if shares or (ARMS in levels and study.scenario.traffic.shares and study.scenario.offline is None):
        made["traffic", "shares"] = tree["traffic"]["shares"]
    return made


def _question(made: ResponseSurface) -> tuple[Any, ...]:
    ends = [(one.path, one.values[0], one.values[-1]) for one in (made.x, made.y) if one is not None]
    return made.digest, made.metric, made.strategy, made.minus, *ends


def _place(study: Study, path: str) -> Path:
    """Return where the form keeps the number of a path."""
    keys: list[str | int] = [int(key) if key.isdigit() else key for key in path.split(".")]
    if keys[0] == "strategies":
        names = [one.name for one in study.strategies]
        keys[1] = names.index(str(keys[1])) if keys[1] in names else keys[1]
    return tuple(keys)


def _axis(study: Study, span: Span, levels: int, where: str) -> axes.Axis:
    """Return the axis of a span.

    Raises
    ------
    InputError
        An end is no number, or the number cannot take it.
    """
    ends = []
    for text in (span.low, span.high):
        try:
            ends.append(float(text))
        except ValueError:
            raise InputError(where, span.path, f"{shown(text)} is not a number", "give two numbers") from None
    return axes.axis(study, span.path, ends[0], ends[1], levels, where)
