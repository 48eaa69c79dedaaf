"""From counts of ends to figures: what `operating.figures` says of as many experiments, a class at a time."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from expsim_panel import operating
from expsim_panel.economics import Ledger
from expsim_panel.kernels import surfaces
from expsim_panel.operating import KEEP, MIN_EVENTS, NOTHING, blank, proportion_of
from expsim_panel.results import Figure
from expsim_panel.surface_rows import Cell
from expsim_panel.surface_simulation import Counts, Task

_NO_ESTIMATES = operating.Estimates(np.empty(0), np.empty(0))

Figures = dict[str, Figure]


def figures_of(task: Task, counts: Counts) -> Iterator[tuple[Cell, Figures]]:
    """Yield the figures of every cell by name; of two strategies, those of the first less those of the second."""
    by_money: dict[tuple[object, ...], list[int]] = {}
    for c, money in enumerate(task.money):
        by_money.setdefault(money.key, []).append(c)
    for cells in by_money.values():
        columns = _columns(task, task.money[cells[0]], np.array(cells))
        made = [
            _figures(task, columns, ends[cells], tallies[cells])
            for ends, tallies in zip(counts.classes, counts.tallies, strict=True)
        ]
        if counts.pairs is None:
            yield from zip((task.cells[c] for c in cells), made[0], strict=True)
            continue
        every = np.stack(list(columns.values()), axis=1)
        products = np.sum((every @ counts.pairs[cells].astype(float)) * every, axis=2) / task.replicates
        for i, c in enumerate(cells):
            one, other = made[0][i], made[1][i]
            shared = {
                name: float(product) - (one[name].value or 0.0) * (other[name].value or 0.0)
                for name, product in zip(columns, products[i], strict=True)
            }
            yield task.cells[c], {name: less(one[name], other[name], shared.get(name), task.replicates) for name in one}


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


def _columns(task: Task, money: Ledger, cells: np.ndarray) -> dict[str, np.ndarray]:
    """Return by figure what an experiment of every class adds to it in cells of the same prices.

    Returns
    -------
    dict of float64 ndarray, shape (cells, classes)
    """
    looks, arms = task.rows.shape[1:]
    decision = np.tile(np.arange(arms + 3), looks)
    no_launch = decision - (arms - 1)
    launched, against = no_launch < 0, no_launch == surfaces.STOPPED_FOR_CONTROL
    chosen = np.where(launched, decision + 1, np.where(no_launch == surfaces.FOR_NOBODY, NOTHING, KEEP))
    shape = (cells.size, decision.size)
    # A class of a cell is to `operating` what an experiment is.
    units, rows, days = (np.repeat(each[cells], arms + 3, axis=1) for each in (task.units, task.rows, task.days))
    units, rows = units.reshape(-1, arms), rows.reshape(-1, arms)
    effects = np.repeat(task.effects[cells], decision.size, axis=0)
    end = operating.followed(money, _NO_ESTIMATES, np.tile(chosen, cells.size), units, rows, effects)
    made = operating.experiments(
        money, end, units, rows, days.ravel(), np.repeat(task.indifference[cells], decision.size)
    )
    found = np.broadcast_to(launched | against, shape)
    if task.world == "truth" and arms > 2:
        found = launched & (task.effects[cells][:, np.maximum(chosen, 0)] > 0)
    shares = {"rejection": found, "launch": np.broadcast_to(launched, shape), **made.shares}
    return {name: each.reshape(shape).astype(float) for name, each in {**shares, **made.means}.items()}


_SHARES = {
    "rejection", "launch", "p_correct", "p_harmful_launch", "p_suboptimal_launch", "p_missed_win", "p_inconclusive",
}  # fmt: skip


def _figures(task: Task, columns: dict[str, np.ndarray], counts: np.ndarray, tallies: np.ndarray) -> list[Figures]:
    """Return the figures of every cell from how often each class occurred, shape (cells, classes)."""
    size = task.replicates
    made: list[Figures] = [{} for _ in counts]
    for name, column in columns.items():
        total = np.einsum("ck,ck->c", counts, column)
        if name in _SHARES:
            found = [proportion_of(hits, size) for hits in total.tolist()]
        else:
            found = _means(total / size, _errors(column, total / size, counts, size))
        for figures, figure in zip(made, found, strict=True):
            figures[name] = figure
    right = np.array([figures["p_correct"].value for figures in made])
    with np.errstate(divide="ignore", invalid="ignore"):
        ratio = np.array([figures["cost"].value for figures in made]) / right
        gap = columns["cost"] - ratio[:, None] * columns["p_correct"]
        errors = _errors(gap, np.einsum("ck,ck->c", counts, gap) / size, counts, size) / right
    for figures, told, tally in zip(made, _means(ratio, errors), tallies, strict=True):
        few = (figures["p_correct"].value or 0.0) * size < MIN_EVENTS
        figures["cost_per_correct"] = blank(f"fewer than {MIN_EVENTS} correct decisions") if few else told
        figures |= _of_tally(tally, task.rows.shape[2])
    return made


def _of_tally(tally: np.ndarray, arms: int) -> Figures:
    """Return what the estimates of a cell's experiments were worth."""
    launches, usable = float(tally[surfaces.LAUNCHES]), float(tally[surfaces.USABLE])
    if launches < MIN_EVENTS:
        exaggeration = blank(f"fewer than {MIN_EVENTS} launches")
    elif tally[surfaces.UNDEFINED] > 0:
        exaggeration = blank("defined for one true effect other than zero")
    else:
        exaggeration = _of_sums(tally[surfaces.RATIO], tally[surfaces.RATIO_SQUARED], launches)
    if usable < MIN_EVENTS:
        coverage = blank("too few scored responses for an interval")
    elif arms == 2:
        coverage = proportion_of(float(tally[surfaces.INSIDE]), int(usable))
    else:
        coverage = _of_sums(tally[surfaces.INSIDE], tally[surfaces.INSIDE_SQUARED], usable)
    return {"exaggeration": exaggeration, "coverage": coverage}


def _errors(column: np.ndarray, mean: np.ndarray, counts: np.ndarray, size: int) -> np.ndarray:
    """Return the standard errors of the cells' means; nan of a single experiment."""
    gap = column - mean[:, None]
    gap *= gap
    return np.asarray(np.sqrt(np.einsum("ck,ck->c", counts, gap) / (size - 1) / size if size > 1 else mean * np.nan))


def _means(values: np.ndarray, errors: np.ndarray) -> list[Figure]:
    none = "one replicate has no standard error"
    return [
        Figure(value, error) if error == error else Figure(value, None, reason=none)
        for value, error in zip(values.tolist(), errors.tolist(), strict=True)
    ]


def _of_sums(total: float, squares: float, size: float) -> Figure:
    mean = total / size
    return Figure(float(mean), float(np.sqrt(max(squares / size - mean * mean, 0.0) / (size - 1))))
