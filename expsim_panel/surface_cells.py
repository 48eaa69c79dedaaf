"""Filling a surface: coarse cells first, exact row by row, or simulated on threads; cancelled between any two."""

from __future__ import annotations

import math
import os
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor

import numpy as np

from expsim_panel import engine, guardrail_play, guardrail_surfaces, operating, plan
from expsim_panel.axes import Axis
from expsim_panel.economics import ledger
from expsim_panel.errors import InputError
from expsim_panel.mover import Mover
from expsim_panel.results import Figure, Outcomes
from expsim_panel.strategy import Strategy
from expsim_panel.study import Study
from expsim_panel.surface_figures import figures_of, less
from expsim_panel.surface_metrics import ADJUSTED, of_guardrails
from expsim_panel.surface_rows import EXACT, Cell, NoExact, Row, exact_figures, rows
from expsim_panel.surface_simulation import Collector, Counts, Task, tasks

Progress = Callable[[int, int], None]
Cancelled = Callable[[], bool]
Figures = Mapping[str, Figure]


class Watch:
    """Counts cells; reports them, and stops when asked to."""

    def __init__(self, progress: Progress | None, cancelled: Cancelled | None, total: int) -> None:
        self.progress, self.cancelled, self.total, self.done = progress, cancelled, total, 0

    def check(self) -> None:
        """Stop if the caller wants it."""
        if self.cancelled and self.cancelled():
            raise engine.Cancelled

    def step(self) -> None:
        """Count a cell as done."""
        self.done += 1
        if self.progress:
            self.progress(self.done, self.total)


class Canvas:
    """The cells of a surface while they are being filled.

    `reason` says why they are simulated; `absent` which have no exact value where others do, and why.
    """

    def __init__(self, x: Axis, y: Axis | None, reason: str | None = None) -> None:
        self.x, self.y, self.reason = x, y, reason
        self.shape = (1 if y is None else y.values.size, x.values.size)
        self.value: dict[str, np.ndarray] = {}
        self.se: dict[str, np.ndarray] = {}
        self.gaps: dict[str, None] = {}
        self.refused: InputError | None = None
        self.absent: dict[Cell, str] = {}
        self.count = 0

    @property
    def done(self) -> float:
        """Share of the cells that are in."""
        return self.count / (self.shape[0] * self.shape[1])

    def put(self, cell: Cell, found: Figures | str, key: str) -> None:
        """Take the figures of a cell, or why it has none; `key` is the one whose gap is worth a word."""
        self.count += 1
        if isinstance(found, str):
            self.gaps[found] = None
            return
        for name, figure in found.items():
            if name not in self.value:
                self.value[name], self.se[name] = np.full(self.shape, np.nan), np.full(self.shape, np.nan)
            if figure.value is not None:
                self.value[name][cell] = figure.value
                self.se[name][cell] = np.nan if figure.se is None else figure.se
            elif name == key:
                self.gaps[figure.reason or "undefined"] = None

    def simulate_the_rest(self) -> list[Cell]:
        """Return the cells that have no exact value, to be simulated; the others are known without an error."""
        cells = list(self.absent)
        self.reason = f"in {len(cells)} of {self.shape[0] * self.shape[1]} cells, {next(iter(self.absent.values()))}"
        self.gaps = {gap: None for gap in self.gaps if gap not in self.absent.values()}
        self.count -= len(cells)
        for name, table in self.se.items():
            table[np.isfinite(self.value[name])] = 0.0
        return cells

    def refuse(self, cell: Cell, error: InputError) -> None:
        """Leave a cell empty whose levels contradict the study."""
        self.count += 1
        self.refused = error
        self.gaps[f"{error.problem} ({error.key})" if error.key else error.problem] = None

    def filled(self, key: str) -> bool:
        """Tell whether any cell has this figure."""
        return key in self.value and bool(np.isfinite(self.value[key]).any())

    def tables(
        self, names: Mapping[str, str], wanted: str
    ) -> tuple[dict[str, np.ndarray], dict[str, np.ndarray] | None]:
        """Return copies of values and, where simulated, errors by the names of the metrics."""
        nothing = np.full(self.shape, np.nan)
        known = {name: key for name, key in names.items() if key in self.value or name == wanted}
        values = {name: self.value.get(key, nothing).copy() for name, key in known.items()}
        if self.reason is None:
            return values, None
        return values, {name: self.se.get(key, nothing).copy() for name, key in known.items()}


def difference(first: Canvas, second: Canvas) -> Canvas:
    """Return one surface less another; at most one of them is simulated, or they are independent."""
    made = Canvas(first.x, first.y, first.reason or second.reason)
    made.count = min(first.count, second.count)
    made.gaps, made.refused = first.gaps | second.gaps, first.refused or second.refused
    for key in first.value.keys() & second.value.keys():
        made.value[key] = first.value[key] - second.value[key]
        errors = [canvas.se[key] for canvas in (first, second) if canvas.reason is not None]
        made.se[key] = np.sqrt(sum((error**2 for error in errors), np.zeros(made.shape)))
    return made


def _passes(up: int, across: int) -> list[list[Cell]]:
    """Return every cell once: a coarse lattice, then the first half of the rest row by row, then the others."""
    down, right = max(1, up // 5), max(1, across // 5)
    coarse = [(i, j) for i in range(0, up, down) for j in range(0, across, right)]
    rest = [(i, j) for i in range(up) for j in range(across) if i % down or j % right]
    half = max(0, up * across // 2 - len(coarse))
    return [part for part in (coarse, rest[:half], rest[half:]) if part]


def _answerable(canvas: Canvas, mover: Mover, cells: list[Cell], world: str, ask: Watch) -> Iterator[Row]:
    """Yield the rows of these cells that can be worked out; what is refused stands on the canvas at once."""
    for row in rows(mover, canvas.x, canvas.y, cells, world):
        ask.check()
        if not isinstance(row, Row):
            canvas.refuse(*row)
            ask.step()
            continue
        for cell, error in row.refused.items():
            canvas.refuse(cell, error)
            ask.step()
        yield row


def exactly(
    canvas: Canvas, mover: Mover, at: int, world: str, key: str, ask: Watch, show: Callable[[Canvas], None] | None
) -> str | None:
    """Fill a canvas with exact figures of a strategy; return why there are none, where that turns out."""
    rail = key if of_guardrails(key) else ""
    if key not in EXACT and not rail:
        return "no exact value of this figure"
    passes, cells = _passes(*canvas.shape), math.prod(canvas.shape)
    try:
        for number, part in enumerate(passes, start=1):
            for row in _answerable(canvas, mover, part, world, ask):
                for cell, found in exact_figures(row, at, world, key == "launch" or bool(rail), rail, cells):
                    canvas.put(cell, found, key)
                    if isinstance(found, str):
                        canvas.absent[cell] = found
                    ask.step()
                    ask.check()
            if show and number < len(passes):
                show(canvas)
    except NoExact as none:
        return str(none)
    # Not one cell has an exact value: simulation may still have one for each.
    nothing = canvas.refused is None and not canvas.filled(key)
    return next(iter(canvas.gaps), None) if nothing else None


UNGUARDED = ("rejection", "units", "exposures", "judged", "labelled", "rater_hours", "days", "cost", "coverage")
"""Figures in which the guardrails have no say: they veto a launch at the end of an experiment."""


def simulated(
    canvas: Canvas,
    mover: Mover,
    at: list[int],
    world: str,
    key: str,
    replicates: int,
    workers: int | None,
    ask: Watch,
    show: Callable[[Canvas], None] | None,
    only: list[Cell] | None = None,
) -> None:
    """Fill a canvas with simulated figures of a strategy, or of the first less the second of two; or `only` cells."""
    passes, threads = _passes(*canvas.shape) if only is None else [only], workers or os.cpu_count() or 1
    seed, ended = int(mover.study.seed), False

    def stop() -> bool:
        return ended or bool(ask.cancelled and ask.cancelled())

    waiting: deque[tuple[Task, Future[Counts]]] = deque()
    joined = Collector()

    def collect(most: int) -> None:
        """Take in the work that is done, in order; wait for it while more than `most` pieces are under way."""
        while waiting and (len(waiting) > most or waiting[0][1].done()):
            task, future = waiting.popleft()
            for cell, found in figures_of(task, future.result()):
                canvas.put(cell, found, key)
                ask.step()
            ask.check()

    with ThreadPoolExecutor(max_workers=threads) as pool:

        def start(ready: list[Task]) -> None:
            waiting.extend((task, pool.submit(task.play, stop)) for task in ready)
            collect(8 * threads)

        try:
            for number, cells in enumerate(passes, start=1):
                for row in _answerable(canvas, mover, cells, world, ask):
                    # Guardrails are read experiment by experiment; what they cannot change needs them not.
                    guarded = bool(mover.study.scenario.guardrails) and key not in UNGUARDED
                    work = None if guarded or key in ADJUSTED else tasks(row, at, world, seed, replicates)
                    if work is not None:
                        for task in work:
                            start(joined.add(task))
                        continue
                    for cell, levels in zip(row.cells, row.levels, strict=True):
                        if cell not in row.refused:
                            ask.check()
                            canvas.put(
                                cell, _played(mover.to(levels), at, world, key, seed, replicates, threads, stop), key
                            )
                            ask.step()
                start(joined.flush())
                collect(0)
                if show and number < len(passes):
                    show(canvas)
        finally:
            ended = True
            for _, future in waiting:
                future.cancel()


def _played(
    study: Study, at: list[int], world: str, key: str, seed: int, replicates: int, threads: int, stop: Cancelled
) -> dict[str, Figure]:
    """Return the figures of a cell by the general engine."""
    chosen = [study.strategies[k] for k in at]
    names = [one.name for one in chosen]
    out = engine.played(study, world, replicates=replicates, seed=seed, names=names, workers=threads, cancelled=stop)
    made = [_figures(study, one, world, key, seed, out[one.name]) for one in chosen]
    if len(made) == 1:
        return made[0]
    # An adaptive strategy draws in a lane of its own; two fixed splits share their paths.
    apart = any(one.policy.adaptive for one in chosen)
    return {name: less(made[0][name], made[1][name], 0.0 if apart else None) for name in made[0]}


def _figures(study: Study, one: Strategy, world: str, key: str, seed: int, out: Outcomes) -> dict[str, Figure]:
    scenario = study.scenario
    effects = plan.law(scenario, world, seed, 0, 1).effects
    guards = guardrail_play.play(scenario, seed, {one.name: {world: out}}).get((one.name, world))
    money, asked = ledger(scenario), key in ADJUSTED
    found = operating.figures(operating.Played(scenario, one, money, out, effects, guards), "simulated", asked)
    if not asked:
        # Solving the stages takes most of the time.
        found = {name: figure for name, figure in found.items() if name not in ADJUSTED}
    if guards is not None:
        found |= guardrail_surfaces.counted(scenario, world, out, guards, money)
    if world == "truth" and len(scenario.variants) > 2:
        hits = (out.code > 0) & (scenario.effects[np.maximum(out.code, 0)] > 0)
        found["rejection"] = operating.proportion(hits)
    return found
