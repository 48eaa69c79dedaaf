"""Cells of a surface by simulation: their luck is drawn once, and all cells read it (common random numbers).

For a fixed split and a rule that is a table of bounds. The law of every figure is that of `engine.run`. Of normal
rows, the same variates serve cells of all numbers of rows; other paths are drawn anew for every number.
"""

from __future__ import annotations

import math
from collections import OrderedDict
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any, TypeGuard

import numpy as np

from expsim_panel import outcomes, plan
from expsim_panel.economics import Ledger
from expsim_panel.engine import Cancelled
from expsim_panel.kernels.luck import draw_luck, draw_uniforms, lucky_paths, lucky_rate
from expsim_panel.kernels.outcomes import draw_paths
from expsim_panel.kernels.special import norm_ppf
from expsim_panel.kernels.streams import BLOCK, EVALUATOR, OUTCOME, generator
from expsim_panel.kernels.surfaces import TALLIES, count_ends, count_pairs, judge_cells, read_paths
from expsim_panel.kernels.tables import Table
from expsim_panel.scenario import Scenario
from expsim_panel.strategy import Strategy
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
Paths = tuple[slice, np.ndarray, np.ndarray, np.ndarray, np.ndarray]


@dataclass(frozen=True)
class Rule:
    """A strategy's bounds at the looks of all strategies, and the interval it shows; the first axis is the cell."""

    lower: np.ndarray
    upper: np.ndarray
    below: np.ndarray
    z: np.ndarray

    def part(self, which: slice) -> Rule:
        """Return the rule in some cells."""
        return Rule(self.lower[which], self.upper[which], self.below[which], self.z[which])


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
        """Draw the paths block by block and count how each cell's experiments end on them."""
        _, looks, arms = self.rows.shape
        cells, classes, two = len(self.cells), looks * (arms + 3), len(self.rules) == 2
        counts = tuple(np.zeros((cells, classes), np.int64) for _ in self.rules)
        tallies = tuple(np.zeros((cells, TALLIES)) for _ in self.rules)
        pairs = np.zeros((cells, classes, classes), np.int64) if two else None
        for block in range(math.ceil(self.replicates / BLOCK)):
            if cancelled and cancelled():
                raise Cancelled
            size = min(BLOCK, self.replicates - block * BLOCK)
            for part, mean, variance, centre, scale in self._paths(block, size):
                ended = []
                for rule, count, tally in zip(self.rules, counts, tallies, strict=True):
                    ended.append(np.empty((part.stop - part.start, size), np.uint16))
                    some = rule.part(part)
                    judge_cells(
                        mean, variance, centre, scale, self.effects[part], some.lower, some.upper, some.below, some.z,
                        self.indifference[part], ended[-1], tally[part],
                    )  # fmt: skip
                    count_ends(ended[-1], count[part])
                if pairs is not None:
                    count_pairs(ended[0], ended[1], pairs[part])
        return Counts(counts, tallies, pairs)

    def _paths(self, block: int, size: int) -> Iterator[Paths]:
        """Yield the paths of a block with the cells that read them, and each cell's centre and scale."""
        if self.binary:
            yield from self._lucky_rates(block, size)
        elif self.severity_sd == 0:
            yield from self._lucky(block, size)
        else:
            yield self._severe(block, size)

    def _lucky(self, block: int, size: int) -> Iterator[Paths]:
        """Yield the paths of normal rows: one set of variates, read by the cells of each number of rows."""
        cells, shape = len(self.cells), (*self.rows.shape[1:], size)
        many = math.prod(shape)
        luck, bend, doubt, need = np.empty(shape), np.empty(shape), np.empty(many, np.int64), np.empty((many, 2))
        # One variate in twenty is replaced at most, by two numbers of rows in three: an eighth is never used up.
        spare = np.empty((64 + many // 8, 2))
        found = draw_luck(generator(self.seed, OUTCOME, block), luck, bend, doubt, need, spare)
        mean, variance = np.empty(shape), np.empty(shape)
        new = np.flatnonzero(np.any(self.rows[1:] != self.rows[:-1], axis=(1, 2))) + 1
        for start, stop in zip([0, *new.tolist()], [*new.tolist(), cells], strict=True):
            lucky_paths(self.rows[start], luck, bend, doubt[:found], need[:found], spare, mean, variance)
            yield slice(start, stop), mean, variance, self.means[start:stop], self.sds[start:stop]

    def _lucky_rates(self, block: int, size: int) -> Iterator[Paths]:
        """Yield the paths of rates, cell by cell; an arm is made anew where its rate or its rows change."""
        _, looks, arms = self.rows.shape
        first, second, mean, variance = (np.empty((looks, arms, size)) for _ in range(4))
        # One pair in four is not accepted at most, nor is one in four of the spares: half are never used up.
        spare = np.empty((arms, 64 + looks * size // 2, 2))
        draw_uniforms(generator(self.seed, OUTCOME, block), first, second, spare)
        new = np.ones((len(self.cells), arms), bool)
        new[1:] = (self.means[1:] != self.means[:-1]) | np.any(self.rows[1:] != self.rows[:-1], axis=1)
        centre, scale = np.zeros((1, arms)), np.ones((1, arms))
        for c, rates in enumerate(self.means.tolist()):
            for a in np.flatnonzero(new[c]).tolist():
                lucky_rate(self.rows[c], a, rates[a], first, second, spare, mean, variance)
            yield slice(c, c + 1), mean, variance, centre, scale

    def _severe(self, block: int, size: int) -> Paths:
        """Return the paths of rows that raters of their own severity score; all cells have the same rows and spread."""
        rows, shape = self.rows[0], (size, *self.rows.shape[1:])
        sums, squares = np.empty(shape), np.empty(shape)
        mean, variance = np.empty((*shape[1:], size)), np.empty((*shape[1:], size))
        sds = np.tile(self.sds[0], (size, 1))
        draw_paths(
            generator(self.seed, OUTCOME, block), generator(self.seed, EVALUATOR, block), False,
            np.diff(rows, axis=0, prepend=0), np.zeros_like(sds), sds, self.severity_sd, self.raters, self.shared,
            sums, squares,
        )  # fmt: skip
        read_paths(rows, sums, squares, mean, variance)
        return slice(0, len(self.cells)), mean, variance, self.means, np.ones_like(self.sds)


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
