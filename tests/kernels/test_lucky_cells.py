"""Cells played all at once: the same ends as one by one, block by block, on the same variates."""

from __future__ import annotations

import numpy as np
import pytest

from expsim_panel import surface_luck
from expsim_panel.kernels import luck, lucky_cells, surfaces
from expsim_panel.kernels.lucky_cells import Ends, Truths
from expsim_panel.kernels.trials import FOR_CONTROL, FUTILE

SIZE, BLOCKS = 40, 3
# Neighbours with the same rows, one arm alike, and all others.
ROWS = np.cumsum(
    [[[30, 31], [20, 22]], [[30, 31], [20, 22]], [[30, 50], [20, 25]], [[3, 2], [60, 55]], [[30, 31], [20, 22]]], axis=1
)
RATES = np.array([[0.3, 0.4], [0.3, 0.5], [0.3, 0.5], [0.02, 0.97], [0.3, 0.4]])


def cells(rules: int) -> Truths:
    rng = np.random.default_rng(4)
    many = len(ROWS)
    centre, scale = rng.normal(0, 0.2, (many, 2)), rng.uniform(0.5, 1.5, (many, 2))
    upper = np.sort(rng.uniform(0.5, 3.0, (rules, many, 2)), axis=2)[:, :, ::-1].copy()
    below = np.resize(np.array([FOR_CONTROL, FUTILE]), (rules, many))
    z = np.full((rules, many), 1.96)
    return Truths(centre, scale, rng.normal(0, 0.2, (many, 2)), np.full(many, 0.1), -upper, upper, below, z)


def nothing(rules: int) -> Ends:
    many, classes = len(ROWS), 2 * 5
    pairs = np.zeros((many if rules == 2 else 0, classes, classes), np.int64)
    return Ends(np.zeros((rules, many, classes), np.int64), np.zeros((rules, many, surfaces.TALLIES)), pairs)


def played(rules: int, binary: bool, plain: bool = False) -> Ends:
    truths, ends = cells(rules), nothing(rules)
    if binary:
        play = _plain(lucky_cells.play_rates) if plain else lucky_cells.play_rates
        play(ROWS, RATES, surface_luck.uniforms(5, (0, BLOCKS, SIZE), 2, 2), truths, ends)
    else:
        play = _plain(lucky_cells.play_normals) if plain else lucky_cells.play_normals
        play(ROWS, surface_luck.normals(5, (0, BLOCKS, SIZE), 2, 2), truths, ends)
    return ends


def one_by_one(rules: int, binary: bool) -> Ends:
    """Every cell's own paths, made anew in every block."""
    truths, ends = cells(rules), nothing(rules)
    for c, rows in enumerate(ROWS):
        for block in range(BLOCKS):
            mean, variance = np.empty((2, 2, SIZE)), np.empty((2, 2, SIZE))
            if binary:
                got = surface_luck.uniforms(5, (block, 1, SIZE), 2, 2)
                for a in range(2):
                    luck.lucky_rate(rows, a, RATES[c, a], got.first[0], got.second[0], got.spare[0], mean, variance)
            else:
                n = surface_luck.normals(5, (block, 1, SIZE), 2, 2)
                luck.lucky_paths(rows, n.luck[0], n.bend[0], n.doubt[0], n.need[0], n.spare[0], mean, variance)
            ended = np.empty((rules, 1, SIZE), np.uint16)
            some = slice(c, c + 1)
            for r in range(rules):
                surfaces.judge_cells(
                    mean, variance, truths.centre[some], truths.scale[some], truths.effects[some],
                    truths.lower[r, some], truths.upper[r, some], truths.below[r, some], truths.z[r, some],
                    truths.indifference[some], ended[r], ends.tallies[r, some],
                )  # fmt: skip
                ends.classes[r, c] += np.bincount(ended[r, 0], minlength=10)
            if rules == 2:
                np.add.at(ends.pairs[c], (ended[0, 0], ended[1, 0]), 1)
    return ends


@pytest.mark.arithmetic
@pytest.mark.parametrize("binary", [False, True])
@pytest.mark.parametrize("rules", [1, 2])
def test_cells_end_as_they_end_one_by_one(rules, binary):
    made, wanted = played(rules, binary), one_by_one(rules, binary)
    assert np.all(made.classes.sum(axis=2) == SIZE * BLOCKS)
    assert np.array_equal(made.classes, wanted.classes)
    assert np.array_equal(made.pairs, wanted.pairs)
    # Sums of floats in another order at most.
    assert made.tallies == pytest.approx(wanted.tallies, rel=1e-12)
    assert len({cell.tobytes() for cell in made.classes[0]}) > 3


@pytest.mark.parametrize("binary", [False, True])
def test_compiled_and_interpreted_agree_to_the_bit(binary):
    for one, other in zip(played(2, binary), played(2, binary, plain=True), strict=True):
        assert one.tobytes() == other.tobytes()


@pytest.mark.arithmetic
def test_pieces_hold_every_block_once(monkeypatch):
    assert list(surface_luck.pieces(10_000, 5, 2)) == [(0, 10, 1000)]
    assert list(surface_luck.pieces(2300, 5, 2)) == [(0, 2, 1000), (2, 1, 300)]
    monkeypatch.setattr(surface_luck, "MOST_NUMBERS", 30_000)
    assert list(surface_luck.pieces(7200, 5, 2)) == [(0, 3, 1000), (3, 3, 1000), (6, 1, 1000), (7, 1, 200)]
    assert list(surface_luck.pieces(2000, 300, 2)) == [(0, 1, 1000), (1, 1, 1000)]


@pytest.mark.arithmetic
@pytest.mark.parametrize("draw", [surface_luck.normals, surface_luck.uniforms])
def test_variates_of_a_block_do_not_hang_on_its_piece(draw):
    whole, part = draw(9, (0, 3, 20), 2, 2), draw(9, (2, 1, 20), 2, 2)
    for name, one, other in zip(whole._fields, whole, part, strict=True):
        # Padded to the block with the most doubtful variates of its piece.
        assert np.array_equal(one[2][: len(other[0])] if name in ("doubt", "need") else one[2], other[0])


def _plain(kernel):
    """The function that was compiled; itself where the JIT is off."""
    return getattr(kernel, "py_func", kernel)
