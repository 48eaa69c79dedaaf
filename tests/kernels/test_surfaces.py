"""Cells that read common paths: against the loop that plays them day by day, and compiled against interpreted."""

from __future__ import annotations

import numpy as np
import pytest

from expsim_panel.kernels import surfaces, trials
from expsim_panel.kernels.outcomes import draw_paths
from expsim_panel.kernels.tables import Table

ROWS = np.array([[40, 38, 41], [35, 36, 33], [1, 2, 3], [50, 49, 52]])


def paths(arms: int, replicates: int = 300, seed: int = 5) -> tuple[np.ndarray, np.ndarray]:
    """Paths at mean 0 and standard deviation 1."""
    shape = replicates, ROWS.shape[0], arms
    sums, squares = np.empty(shape), np.empty(shape)
    rng = np.random.Generator(np.random.SFC64(seed))
    means, sds = np.zeros((replicates, arms)), np.ones((replicates, arms))
    draw_paths(rng, rng, False, ROWS[:, :arms].copy(), means, sds, 0.0, 0, True, sums, squares)
    return sums, squares


def judged(judge, read, sums, squares, centre, scale, lower, upper, below):
    cells, arms = centre.shape
    rows = np.cumsum(ROWS[:, :arms], axis=0)
    mean, variance = (np.empty((*rows.shape, sums.shape[0])) for _ in range(2))
    read(rows, sums, squares, mean, variance)
    ended = np.empty((cells, sums.shape[0]), np.uint16)
    tallies = np.zeros((cells, surfaces.TALLIES))
    judge(
        mean, variance, centre, scale, centre - centre[:, :1], np.tile(lower, (cells, 1)), np.tile(upper, (cells, 1)),
        np.full(cells, below, np.int64), np.full(cells, 1.96), np.full(cells, 0.3), ended, tallies,
    )  # fmt: skip
    return ended, tallies


@pytest.mark.parametrize("below", [trials.FOR_CONTROL, trials.FUTILE])
@pytest.mark.parametrize("arms", [2, 3])
def test_a_cell_ends_as_the_loop_ends_that_plays_its_own_rows(arms, below):
    sums, squares = paths(arms)
    centre = np.array([[0.1, 0.1, 0.1], [0.1, 0.4, 0.2], [0.1, -0.3, 0.6]])[:, :arms].copy()
    scale = np.array([[1.0, 1.0, 1.0], [0.7, 1.3, 0.9], [1.5, 1.5, 1.5]])[:, :arms].copy()
    lower = np.array([-2.6, -np.inf, -np.inf, -1.9])
    upper = np.array([2.6, np.inf, 2.3, 1.9])
    ended, tallies = judged(
        surfaces.judge_cells, surfaces.read_paths, sums, squares, centre, scale, lower, upper, below
    )
    rows = np.cumsum(ROWS[:, :arms], axis=0).astype(float)
    nobody = np.random.Generator(np.random.SFC64(0))
    for c in range(3):
        # The rows of this cell, spelled out: shifted and stretched sums, squares about their own mean.
        own = rows * centre[c] + scale[c] * sums
        own_squares = scale[c] ** 2 * (squares - sums**2 / rows) + own**2 / rows
        size = sums.shape[0]
        code, day = np.zeros(size, np.int16), np.zeros(size, np.int16)
        units, seen = np.zeros((size, arms), np.int32), np.zeros((size, arms), np.int32)
        end, end_squares = np.zeros((size, arms)), np.zeros((size, arms))
        rule = Table(lower, upper, np.full(lower.shape, -np.inf), 1.0, below, np.zeros(arms))
        trials.play(
            trials.Recorded(rows, rows, own, own_squares), rule, nobody, nobody, nobody,
            4, trials.WATCH_NOBODY, code, day, units, seen, end, end_squares, np.zeros((4, 4, arms)),
        )  # fmt: skip
        look, decision = np.divmod(ended[c], arms + 3)
        assert np.array_equal(look + 1, day)
        answers = [*range(1, arms), 0, trials.FOR_CONTROL, trials.FUTILE, 0]
        assert np.array_equal(np.array(answers)[decision], code)
        assert len(set(code.tolist())) > 1
        # Who has found nothing keeps control where every interval excludes what matters.
        mean = end / seen
        error = np.sqrt((end_squares / seen - mean**2) / (seen - 1))
        estimate = mean[:, 1:] - mean[:, :1]
        half = 1.96 * np.sqrt(error[:, 1:] ** 2 + error[:, :1] ** 2)
        nothing = (code == 0) & np.all(estimate + half < 0.3, axis=1)
        assert np.array_equal(decision == arms - 1 + surfaces.NOTHING_THERE, nothing)
        inside = (np.abs(estimate - (centre[c, 1:] - centre[c, 0])) <= half).mean(axis=1)
        assert tallies[c, surfaces.INSIDE] == pytest.approx(inside.sum())
        assert tallies[c, surfaces.INSIDE_SQUARED] == pytest.approx((inside**2).sum())
        assert tallies[c, surfaces.LAUNCHES] == (code > 0).sum()
        if np.all(centre[c, 1:] != centre[c, 0]):
            won = np.flatnonzero(code > 0)
            ratio = estimate[won, code[won] - 1] / (centre[c, code[won]] - centre[c, 0])
            assert tallies[c, surfaces.RATIO] == pytest.approx(ratio.sum())
            assert tallies[c, surfaces.RATIO_SQUARED] == pytest.approx((ratio**2).sum())


def test_counts_are_counts():
    rng = np.random.default_rng(1)
    one, other = (rng.integers(0, 7, (3, 200)).astype(np.uint16) for _ in range(2))
    counts, pairs = np.zeros((3, 7), np.int64), np.zeros((3, 7, 7), np.int64)
    surfaces.count_ends(one, counts)
    surfaces.count_pairs(one, other, pairs)
    for c in range(3):
        assert np.array_equal(counts[c], np.bincount(one[c], minlength=7))
        assert np.array_equal(pairs[c].sum(axis=1), counts[c])
        assert pairs[c][2, 3] == np.sum((one[c] == 2) & (other[c] == 3))


def test_compiled_and_interpreted_agree_to_the_bit():
    sums, squares = paths(3, 60)
    centre, scale = np.array([[0.1, 0.4, 0.2]]), np.array([[0.7, 1.3, 0.9]])
    lower, upper = np.array([-2.6, -np.inf, -np.inf, -1.9]), np.array([2.6, np.inf, 2.3, 1.9])
    made = [
        judged(judge, read, sums, squares, centre, scale, lower, upper, trials.FOR_CONTROL)
        for judge, read in (
            (surfaces.judge_cells, surfaces.read_paths),
            (_plain(surfaces.judge_cells), _plain(surfaces.read_paths)),
        )
    ]
    for one, other in zip(*made, strict=True):
        assert one.tobytes() == other.tobytes()


def _plain(kernel):
    """The function that was compiled; itself where the JIT is off."""
    return getattr(kernel, "py_func", kernel)
