"""From counts of ends to figures: what `operating.figures` says of as many experiments, a class at a time."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from expsim_panel import operating
from expsim_panel.kernels import surfaces
from expsim_panel.operating import KEEP, MIN_EVENTS, NOTHING, blank, proportion_of
from expsim_panel.results import Figure
from expsim_panel.surface_rows import Cell
from expsim_panel.surface_simulation import Counts, Task

_NO_ESTIMATES = operating.Estimates(np.empty(0), np.empty(0))


def figures_of(task: Task, counts: Counts) -> Iterator[tuple[Cell, dict[str, Figure]]]:
    """Yield the figures of every cell by name; of two strategies, those of the first less those of the second."""
    classes = _Classes(task)
    for c, cell in enumerate(task.cells):
        columns = [classes.of_cell(c) for _ in task.rules]
        made = [_figures(task, columns[k], counts.classes[k][c], counts.tallies[k][c]) for k in range(len(task.rules))]
        if counts.pairs is None:
            yield cell, made[0]
            continue
        shared: dict[str, float] = {}
        for name, column in columns[0].items():
            expected = float(column @ counts.pairs[c] @ column) / task.replicates
            shared[name] = expected - (made[0][name].value or 0.0) * (made[1][name].value or 0.0)
        yield cell, {name: less(made[0][name], made[1][name], shared.get(name), task.replicates) for name in made[0]}


def less(one: Figure, other: Figure, covariance: float | None, replicates: int = 1) -> Figure:
    """Return the difference of two figures.

    Parameters
    ----------
    covariance : float or None
        Of one experiment's contributions; None where it is not known: the error is then an upper limit, since
        ``sd(A - B) <= sd(A) + sd(B)``.
    """
    if one.value is None or other.value is None:
        return blank(one.reason or other.reason or "undefined")
    if one.se is None and other.se is None:
        return Figure(one.value - other.value)
    first, second = one.se or 0.0, other.se or 0.0
    if covariance is None:
        return Figure(one.value - other.value, first + second)
    variance = first**2 + second**2 - 2 * covariance / replicates
    return Figure(one.value - other.value, float(np.sqrt(max(variance, 0.0))))


class _Classes:
    """What an experiment of each class took and led to."""

    def __init__(self, task: Task) -> None:
        looks, arms = task.rows.shape
        self.task = task
        self.look = np.repeat(np.arange(looks), arms + 3)
        decision = np.tile(np.arange(arms + 3), looks)
        no_launch = decision - (arms - 1)
        self.launched = no_launch < 0
        self.against = no_launch == surfaces.STOPPED_FOR_CONTROL
        self.chosen = np.where(self.launched, decision + 1, np.where(no_launch == surfaces.FOR_NOBODY, NOTHING, KEEP))
        self.units, self.rows = task.units[self.look], task.rows[self.look]
        self.days = task.days[self.look]

    def of_cell(self, c: int) -> dict[str, np.ndarray]:
        """Return by figure what every class adds to it in a cell."""
        task = self.task
        effects, money = task.effects[c : c + 1], task.money[c]
        end = operating.followed(money, _NO_ESTIMATES, self.chosen, self.units, self.rows, effects)
        made = operating.experiments(money, end, self.units, self.rows, self.days, float(task.indifference[c]))
        found = self.launched | self.against
        if task.world == "truth" and task.rows.shape[1] > 2:
            found = self.launched & (effects[0][np.maximum(self.chosen, 0)] > 0)
        shares = {"rejection": found, "launch": self.launched, **made.shares}
        return {**{name: hits.astype(float) for name, hits in shares.items()}, **made.means}


_SHARES = {
    "rejection", "launch", "p_correct", "p_harmful_launch", "p_suboptimal_launch", "p_missed_win", "p_inconclusive",
}  # fmt: skip


def _figures(task: Task, columns: dict[str, np.ndarray], counts: np.ndarray, tally: np.ndarray) -> dict[str, Figure]:
    size = task.replicates
    made = {}
    for name, column in columns.items():
        made[name] = proportion_of(float(counts @ column), size) if name in _SHARES else _mean(column, counts, size)
    right = made["p_correct"].value or 0.0
    if right * size < MIN_EVENTS:
        made["cost_per_correct"] = blank(f"fewer than {MIN_EVENTS} correct decisions")
    else:
        ratio = (made["cost"].value or 0.0) / right
        error = _mean(columns["cost"] - ratio * columns["p_correct"], counts, size).se
        made["cost_per_correct"] = Figure(ratio, None if error is None else error / right)
    launches = tally[surfaces.LAUNCHES]
    if launches < MIN_EVENTS:
        made["exaggeration"] = blank(f"fewer than {MIN_EVENTS} launches")
    elif tally[surfaces.UNDEFINED] > 0:
        made["exaggeration"] = blank("defined for one true effect other than zero")
    else:
        made["exaggeration"] = _of_sums(tally[surfaces.RATIO], tally[surfaces.RATIO_SQUARED], launches)
    usable = tally[surfaces.USABLE]
    if usable < MIN_EVENTS:
        made["coverage"] = blank("too few scored responses for an interval")
    elif task.rows.shape[1] == 2:
        made["coverage"] = proportion_of(float(tally[surfaces.INSIDE]), int(usable))
    else:
        made["coverage"] = _of_sums(tally[surfaces.INSIDE], tally[surfaces.INSIDE_SQUARED], usable)
    return made


def _mean(column: np.ndarray, counts: np.ndarray, size: int) -> Figure:
    mean = float(counts @ column) / size
    if size < 2:
        return Figure(mean, None, reason="one replicate has no standard error")
    gap = column - mean
    return Figure(mean, float(np.sqrt((counts @ (gap * gap)) / (size - 1) / size)))


def _of_sums(total: float, squares: float, size: float) -> Figure:
    mean = total / size
    return Figure(float(mean), float(np.sqrt(max(squares / size - mean * mean, 0.0) / (size - 1))))
