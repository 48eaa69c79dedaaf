"""Cells of a surface, all blocks of their experiments in one call: whoever calls holds no lock in between.

A thread that comes back to Python for every cell waits for its turn each time, up to five milliseconds while another
one prepares cells: a map of 1,600 cells stood still for more than half of its time (measured).
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from expsim_panel.kernels.jit import kernel
from expsim_panel.kernels.luck import lucky_paths, lucky_rate
from expsim_panel.kernels.surfaces import count_ends, count_pairs, judge_cells


class Normals(NamedTuple):
    """What `luck.draw_luck` makes of some blocks; the first axis is the block.

    Attributes
    ----------
    luck, bend : float64 ndarray, shape (blocks, looks, arms, replicates)
    found : int64 ndarray, shape (blocks,)
        Doubtful variates of each block.
    doubt, need : ndarray, shape (blocks, most, ...)
        The first `found` of them count.
    spare : float64 ndarray, shape (blocks, spares, 2)
    """

    luck: np.ndarray
    bend: np.ndarray
    found: np.ndarray
    doubt: np.ndarray
    need: np.ndarray
    spare: np.ndarray


class Uniforms(NamedTuple):
    """What `luck.draw_uniforms` makes of some blocks; the first axis is the block.

    Attributes
    ----------
    first, second : float64 ndarray, shape (blocks, looks, arms, replicates)
    spare : float64 ndarray, shape (blocks, arms, spares, 2)
    """

    first: np.ndarray
    second: np.ndarray
    spare: np.ndarray


class Truths(NamedTuple):
    """What tells cells apart: see `surfaces.judge_cells`, and there for the bounds, here by rule on the first axis.

    Attributes
    ----------
    centre, scale, effects : float64 ndarray, shape (cells, arms)
    indifference : float64 ndarray, shape (cells,)
    lower, upper : float64 ndarray, shape (rules, cells, looks)
    below : int64 ndarray, shape (rules, cells)
    z : float64 ndarray, shape (rules, cells)
    """

    centre: np.ndarray
    scale: np.ndarray
    effects: np.ndarray
    indifference: np.ndarray
    lower: np.ndarray
    upper: np.ndarray
    below: np.ndarray
    z: np.ndarray


class Ends(NamedTuple):
    """How the experiments ended, added up.

    Attributes
    ----------
    classes : int64 ndarray, shape (rules, cells, classes)
        Experiments by last look and decision.
    tallies : float64 ndarray, shape (rules, cells, TALLIES)
    pairs : int64 ndarray, shape (cells, classes, classes)
        How two rules end together; without cells for one rule.
    """

    classes: np.ndarray
    tallies: np.ndarray
    pairs: np.ndarray


@kernel
def play_normals(rows: np.ndarray, luck: Normals, truths: Truths, ends: Ends) -> None:
    """Play cells of normal rows on the same variates.

    Parameters
    ----------
    rows : int64 ndarray, shape (cells, looks, arms)
        Cumulative rows; paths are made once for neighbours that have the same.
    luck, truths
        Variates and cells.
    ends : Ends
        Output: added to.
    """
    cells = rows.shape[0]
    mean, variance = np.empty(luck.luck.shape[1:]), np.empty(luck.luck.shape[1:])
    for b in range(luck.luck.shape[0]):
        found = luck.found[b]
        start = 0
        while start < cells:
            stop = start + 1
            while stop < cells and np.all(rows[stop] == rows[start]):
                stop += 1
            lucky_paths(
                rows[start], luck.luck[b], luck.bend[b], luck.doubt[b, :found], luck.need[b, :found], luck.spare[b],
                mean, variance,
            )  # fmt: skip
            play_paths(mean, variance, start, stop, truths, ends)
            start = stop


@kernel
def play_rates(rows: np.ndarray, rates: np.ndarray, luck: Uniforms, truths: Truths, ends: Ends) -> None:
    """Play cells of rows of 0 and 1 on the same variates.

    Parameters
    ----------
    rows : int64 ndarray, shape (cells, looks, arms)
        Cumulative rows.
    rates : float64 ndarray, shape (cells, arms)
        An arm's paths are made anew where its rate or its rows are others than in the cell before.
    luck, truths
        Variates, and cells with centre 0 and scale 1.
    ends : Ends
        Output: added to.
    """
    cells, _, arms = rows.shape
    mean, variance = np.empty(luck.first.shape[1:]), np.empty(luck.first.shape[1:])
    for b in range(luck.first.shape[0]):
        for c in range(cells):
            for a in range(arms):
                if c > 0 and rates[c, a] == rates[c - 1, a] and np.all(rows[c, :, a] == rows[c - 1, :, a]):
                    continue
                lucky_rate(rows[c], a, rates[c, a], luck.first[b], luck.second[b], luck.spare[b], mean, variance)
            play_paths(mean, variance, c, c + 1, truths, ends)


@kernel
def play_paths(mean: np.ndarray, variance: np.ndarray, start: int, stop: int, truths: Truths, ends: Ends) -> None:
    """Play the cells from `start` to before `stop` on paths that `surfaces.read_paths` makes, and count their ends."""
    rules = truths.lower.shape[0]
    ended = np.empty((rules, stop - start, mean.shape[2]), np.uint16)
    for r in range(rules):
        judge_cells(
            mean, variance, truths.centre[start:stop], truths.scale[start:stop], truths.effects[start:stop],
            truths.lower[r, start:stop], truths.upper[r, start:stop], truths.below[r, start:stop],
            truths.z[r, start:stop], truths.indifference[start:stop], ended[r], ends.tallies[r, start:stop],
        )  # fmt: skip
        count_ends(ended[r], ends.classes[r, start:stop])
    if ends.pairs.shape[0] > 0:
        count_pairs(ended[0], ended[1], ends.pairs[start:stop])
