"""Cells of a surface by simulation: their luck is drawn once, and all cells read it (common random numbers).

For a fixed split and a rule that is a table of bounds. The law of every figure is that of `engine.run`. Of normal
rows, the same variates serve cells of all numbers of rows; other paths are drawn anew for every number.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, TypeGuard

import numpy as np

from expsim_panel import outcomes, plan
from expsim_panel.economics import Ledger
from expsim_panel.engine import Cancelled
from expsim_panel.kernels.lucky_cells import Ends, Truths, play_normals, play_paths, play_rates
from expsim_panel.kernels.outcomes import draw_paths
from expsim_panel.kernels.special import norm_ppf
from expsim_panel.kernels.streams import EVALUATOR, OUTCOME, generator
from expsim_panel.kernels.surfaces import TALLIES, read_paths
from expsim_panel.kernels.tables import Table
from expsim_panel.scenario import Scenario
from expsim_panel.strategy import Strategy
from expsim_panel.surface_luck import normals, pieces, uniforms
from expsim_panel.surface_rows import Cell, Row
from expsim_panel.uneven import RATES, SCORES

CHUNK = 64
"""Cells of one piece of work: enough to make the drawing cheap, few enough to share out and to cancel."""

ENOUGH = 32
"""Cells of a piece of work that is not worth waiting for more."""

MOST_PAIRS = 2_000_000
"""Numbers in the table of a piece of work that says how two strategies end together, 16 MB: daily looks for a year
have 1,830 ends, and so 3 million pairs of them, in each cell."""

RULE, BY_CELL = ("lower", "upper", "below", "z"), ("days", "units", "rows", "means", "sds", "effects", "indifference")

Ask = Callable[[], bool]


@dataclass(frozen=True)
class Rule:
    """A strategy's bounds at the looks of all strategies, and the interval it shows; the first axis is the cell."""

    lower: np.ndarray
    upper: np.ndarray
    below: np.ndarray
    z: np.ndarray


@dataclass(frozen=True)
class Counts:
    """How the experiments of some cells ended.

    Attributes
    ----------
    classes : tuple of int64 ndarray, shape (cells, classes)
        By strategy: experiments by last look and decision, see `kernels.surfaces`.
    tallies : tuple of ndarray, shape (cells, TALLIES)
        By strategy.
    pairs : int64 ndarray, shape (cells, classes, classes), or None
        Of two strategies on the same paths.
    """

    classes: tuple[np.ndarray, ...]
    tallies: tuple[np.ndarray, ...]
    pairs: np.ndarray | None


@dataclass(frozen=True)
class Task:
    """Some cells that read the same paths, ready to be played on any thread.

    Attributes
    ----------
    cells : tuple of (int, int)
        Where the figures belong.
    seed, replicates : int
        Every cell gets the same random numbers.
    rules : tuple of Rule
        One strategy, or two to be compared.
    days : int ndarray, shape (cells, looks)
        Days (from 1) on which something is decided, the last one of the experiment.
    units, rows : int64 ndarray, shape (cells, looks, arms)
        Enrolled and scored by then.
    binary : bool
        Whether rows are 0/1.
    means, sds, effects : ndarray, shape (cells, arms)
        Law of a row, and the true effects.
    severity_sd, raters, shared
        Rater severity.
    indifference : ndarray, shape (cells,)
        Smallest effect that matters.
    money : tuple of Ledger
        Prices in each cell.
    world : str
        Which world this is.
    """

    cells: tuple[Cell, ...]
    seed: int
    replicates: int
    rules: tuple[Rule, ...]
    days: np.ndarray
    units: np.ndarray
    rows: np.ndarray
    binary: bool
    means: np.ndarray
    sds: np.ndarray
    effects: np.ndarray
    severity_sd: float
    raters: int
    shared: bool
    indifference: np.ndarray
    money: tuple[Ledger, ...]
    world: str

    @property
    def key(self) -> tuple[object, ...]:
        """What the paths depend on; tasks with the same key can be one."""
        if self.binary or self.severity_sd == 0:
            return *self.rows.shape[1:], self.binary
        raters = (self.severity_sd, self.raters, self.shared, self.sds[0].tobytes())
        return *self.rows.shape[1:], self.rows[0].tobytes(), *raters

    @property
    def most(self) -> int:
        """Cells that are worth to be played together at most."""
        return _most(len(self.rules), *self.rows.shape[1:])

    def with_others(self, others: list[Task]) -> Task:
        """Return one task in place of several with the same key."""
        every = [self, *others]
        rules = tuple(
            Rule(*(np.concatenate([getattr(one.rules[k], name) for one in every]) for name in RULE))
            for k in range(len(self.rules))
        )
        joined: dict[str, Any] = {name: np.concatenate([getattr(one, name) for one in every]) for name in BY_CELL}
        cells, money = (tuple(each for one in every for each in getattr(one, name)) for name in ("cells", "money"))
        return replace(self, cells=cells, money=money, rules=rules, **joined)

    def play(self, cancelled: Ask | None = None) -> Counts:
        """Play the experiments piece by piece and count how each cell's end."""
        _, looks, arms = self.rows.shape
        cells, classes, rules = len(self.cells), looks * (arms + 3), len(self.rules)
        ends = Ends(
            np.zeros((rules, cells, classes), np.int64),
            np.zeros((rules, cells, TALLIES)),
            np.zeros((cells if rules == 2 else 0, classes, classes), np.int64),
        )
        bounds = [np.stack([getattr(rule, name) for rule in self.rules]) for name in RULE]
        truths = Truths(self.means, self.sds, self.effects, self.indifference, *bounds)
        if self.binary:
            truths = truths._replace(centre=np.zeros_like(self.means), scale=np.ones_like(self.means))
        elif self.severity_sd > 0:
            truths = truths._replace(scale=np.ones_like(self.sds))
        for piece in pieces(self.replicates, looks, arms):
            if cancelled and cancelled():
                raise Cancelled
            if self.binary:
                play_rates(self.rows, self.means, uniforms(self.seed, piece, looks, arms), truths, ends)
            elif self.severity_sd == 0:
                play_normals(self.rows, normals(self.seed, piece, looks, arms), truths, ends)
            else:
                self._play_severe(piece, truths, ends, cancelled)
        return Counts(tuple(ends.classes), tuple(ends.tallies), ends.pairs if rules == 2 else None)

    def _play_severe(self, piece: tuple[int, int, int], truths: Truths, ends: Ends, cancelled: Ask | None) -> None:
        """Play rows that raters of their own severity score; all cells have the same rows and spread."""
        first, blocks, size = piece
        rows, shape = self.rows[0], (size, *self.rows.shape[1:])
        sums, squares = np.empty(shape), np.empty(shape)
        mean, variance = np.empty((*shape[1:], size)), np.empty((*shape[1:], size))
        sds = np.tile(self.sds[0], (size, 1))
        for block in range(first, first + blocks):
            if cancelled and cancelled():
                raise Cancelled
            draw_paths(
                generator(self.seed, OUTCOME, block), generator(self.seed, EVALUATOR, block), False,
                np.diff(rows, axis=0, prepend=0), np.zeros_like(sds), sds, self.severity_sd, self.raters, self.shared,
                sums, squares,
            )  # fmt: skip
            read_paths(rows, sums, squares, mean, variance)
            play_paths(mean, variance, 0, len(self.cells), truths, ends)


def tasks(row: Row, at: list[int], world: str, seed: int, replicates: int) -> list[Task] | None:
    """Return the work of a row; None where a strategy or the world needs the general engine.

    Parameters
    ----------
    row : Row
        From `surface_rows.rows`, its study still in place.
    at : list of int
        Positions of one strategy, or of two to be compared on the same paths.
    """
    law, scenario, setting = row.law, row.study.scenario, row.setting
    if law is None or not law.kind.plain:
        return None
    tables = []
    for one in (row.study.strategies[k] for k in at):
        rule = None if one.policy.adaptive else row.once(one.design.rule, setting)
        if not is_plain_table(rule):
            return None
        tables.append((rule, norm_ppf(0.5 + one.design.level() / 2)))
    kept = [index for index, cell in enumerate(row.cells) if cell not in row.refused]
    if law.severity_sd > 0 and kept and np.ptp(law.sds[kept], axis=0).any():
        return None
    tested = np.zeros(setting.days, bool)
    tested[-1] = True
    for table, _ in tables:
        tested |= np.isfinite(table.lower) | np.isfinite(table.upper)
    looks = np.flatnonzero(tested)
    units = setting.units if setting.enrolled is None else setting.enrolled
    whole = [looks + 1, units[looks].astype(np.int64), setting.rows[looks].astype(np.int64)]
    bounds = [(table.lower[looks], table.upper[looks], np.int64(table.below), np.float64(z)) for table, z in tables]
    made = []
    most = _most(len(at), looks.size, setting.arms)
    for start in range(0, len(kept), most):
        part = kept[start : start + most]
        size = len(part)
        rules = tuple(Rule(*(_each(value, size) for value in values)) for values in bounds)
        days, enrolled, scored = (_each(value, size) for value in whole)
        made.append(
            Task(
                tuple(row.cells[index] for index in part), seed, replicates, rules, days, enrolled, scored,
                setting.binary, law.means[part], law.sds[part], law.effects[part], float(law.severity_sd),
                int(law.raters), bool(law.shared), np.full(size, float(scenario.scenario.indifference)),
                (row.money,) * size, world,
            )
        )  # fmt: skip
    return made


def _most(rules: int, looks: int, arms: int) -> int:
    """Return how many cells a piece of work has at most."""
    return CHUNK if rules == 1 else max(1, min(CHUNK, MOST_PAIRS // (looks * (arms + 3)) ** 2))


def _each(value: np.ndarray | np.generic, size: int) -> np.ndarray:
    """Return the same value for each of some cells."""
    return np.repeat(np.asarray(value)[None], size, axis=0)


def reads_paths(scenario: Scenario, one: Strategy) -> bool:
    """Tell whether cells of this study can read common paths at its own point."""
    if one.policy.adaptive or outcomes.family(scenario.metric) not in (SCORES, RATES):
        return False
    return plan.law(scenario, "truth", 0, 0, 1).plain and is_plain_table(one.design.rule(plan.setting_of(scenario)))


def is_plain_table(rule: object) -> TypeGuard[Table]:
    """Tell whether a rule is a table without inner bounds, which the kernel of surfaces does not know."""
    return isinstance(rule, Table) and not np.any(rule.inner > -np.inf)


class Collector:
    """Joins small tasks that read the same paths: along an axis of noise alone, say, every row has the same ones."""

    def __init__(self) -> None:
        self._waiting: OrderedDict[tuple[object, ...], list[Task]] = OrderedDict()

    def add(self, task: Task) -> list[Task]:
        """Take a task and return what is ready to be played."""
        parts = self._waiting.setdefault(task.key, [])
        parts.append(task)
        if sum(len(part.cells) for part in parts) >= min(ENOUGH, task.most):
            del self._waiting[task.key]
            return [parts[0].with_others(parts[1:])]
        if len(self._waiting) > CHUNK:
            _, parts = self._waiting.popitem(last=False)
            return [parts[0].with_others(parts[1:])]
        return []

    def flush(self) -> list[Task]:
        """Return everything that is left."""
        left = [parts[0].with_others(parts[1:]) for parts in self._waiting.values()]
        self._waiting.clear()
        return left
