"""Isotonic calibration of judge scores, cross-fitted, from counts of labels and scores by cell of the score.

A score is rounded to one of `CELLS` cells, and a rounded judge is a judge: nothing that holds of the estimate hangs on
how fine they are. What an arm's rows say is then a table that adds up over days.
"""

from __future__ import annotations

import numpy as np

from expsim_panel.kernels.jit import inner, kernel

FOLDS = 5
CELLS = 64
"""Cells of a score: `STEPS` of one width, and room for two scores that many responses share."""
STEPS = CELLS - 4
REACH = 4.0
"""SDs of the score between its mean and the first and the last cell: a cell is 0.13 SDs wide."""
LABELS, REST_ROW, SQUARE_ROW = FOLDS, 2 * FOLDS, 2 * FOLDS + 1
"""Rows of a table: labelled rows by fold come first, then their sums of labels from `LABELS` on, rows without a label,
and in its first columns the sum of squared labels of each fold."""
TABLE = 2 * FOLDS + 2
LEAST = 4.0 * FOLDS
"""Labelled rows from which the judge is used; below, a map from so few labels would be noise."""


@inner
def cell_of(score: float, low: float, high: float) -> int:
    """Return which step between two ends a score is on; scores beyond belong to the first and the last."""
    at = (score - low) / (high - low) * STEPS if high > low else 0.0
    return int(min(max(at, 0.0), STEPS - 1.0))


@inner
def beside(score: float, shared: float) -> int:
    """Return by how many cells a score moves up for one that many share: it has a cell of its own, in its order."""
    if score > shared:
        return 2
    return 1 if score == shared else 0


@inner
def fold_of(row: int, raters: int) -> int:
    """Return the fold of a labelled row: dealt in turn, and so that no fold belongs to one rater.

    Raters label in turn too. Where their number is a multiple of the folds', a fold more is gone on after each round.
    """
    if raters > 0 and raters % FOLDS == 0:
        return (row + row // raters) % FOLDS
    return row % FOLDS


@kernel
def monotone(count: np.ndarray, total: np.ndarray, level: np.ndarray) -> None:
    """Fit non-decreasing means to cells by least squares; between cells with rows linearly, flat outside.

    Pool adjacent violators: neighbours that fall are merged until none does.

    Parameters
    ----------
    count, total : float64 ndarray, shape (cells,)
        Rows and their sum; at least one row.
    level : float64 ndarray, shape (cells,)
        Output.

    References
    ----------
    M. Ayer, H. D. Brunk, G. M. Ewing, W. T. Reid, E. Silverman (1955), "An empirical distribution function for
    sampling with incomplete information", Annals of Mathematical Statistics 26, 641-647.
    """
    cells = count.shape[0]
    size, sums = np.empty(cells), np.empty(cells)
    first = np.empty(cells, np.int64)
    blocks = 0
    for b in range(cells):
        if count[b] <= 0.0:
            continue
        size[blocks], sums[blocks], first[blocks] = count[b], total[b], b
        blocks += 1
        while blocks > 1 and sums[blocks - 1] * size[blocks - 2] <= sums[blocks - 2] * size[blocks - 1]:
            size[blocks - 2] += size[blocks - 1]
            sums[blocks - 2] += sums[blocks - 1]
            blocks -= 1
    last = -1
    block = -1
    for b in range(cells):
        if count[b] <= 0.0:
            continue
        while block + 1 < blocks and first[block + 1] <= b:
            block += 1
        level[b] = sums[block] / size[block]
        before = level[last] if last >= 0 else level[b]
        for c in range(last + 1, b):
            part = (c - last) / (b - last) if last >= 0 else 1.0
            level[c] = before + part * (level[b] - before)
        last = b
    for c in range(last + 1, cells):
        level[c] = level[last]


@kernel
def calibrated_mean(table: np.ndarray) -> tuple[float, float]:
    """Return the mean label by cross-fitted isotonic calibration, and its estimated variance.

    ``mean_n(y - w g_-k(f)) + w mean_N(g(f))`` with ``w = N / (n + N)``: g_-k is fitted on the labels of the other
    folds, g is the mean of the maps weighed by the folds' labels. The residual's variance is that within folds.

    Parameters
    ----------
    table : float64 ndarray, shape (12, cells)
        See `LABELS` and what is beside it; at least one label. With fewer than `LEAST` labels or 2 other rows, labels
        only.

    References
    ----------
    Zrnic, Candes (2024), "Cross-prediction-powered inference", PNAS 121.
    """
    cells = table.shape[1]
    count, total = np.zeros(cells), np.zeros(cells)
    n = 0.0
    y = 0.0
    yy = 0.0
    rest = 0.0
    for k in range(FOLDS):
        yy += table[SQUARE_ROW, k]
        for b in range(cells):
            count[b] += table[k, b]
            total[b] += table[LABELS + k, b]
    for b in range(cells):
        n += count[b]
        y += total[b]
        rest += table[REST_ROW, b]
    if n < LEAST or rest < 2.0:
        within = yy - y * y / n
        return y / n, (within / (n - 1.0) / n if n > 1.0 and within > 0.0 else 0.0)
    weight = rest / (n + rest)
    others, sums, level, mixed = np.empty(cells), np.empty(cells), np.empty(cells), np.zeros(cells)
    residual = 0.0
    within = 0.0
    for k in range(FOLDS):
        size = 0.0
        for b in range(cells):
            others[b] = count[b] - table[k, b]
            sums[b] = total[b] - table[LABELS + k, b]
            size += table[k, b]
        monotone(others, sums, level)
        left = 0.0
        square = table[SQUARE_ROW, k]
        for b in range(cells):
            g = weight * level[b]
            left += table[LABELS + k, b] - g * table[k, b]
            square += g * (g * table[k, b] - 2.0 * table[LABELS + k, b])
            mixed[b] += level[b] * size / n
        residual += left
        within += max(square - left * left / size, 0.0)
    mean = 0.0
    for b in range(cells):
        mean += table[REST_ROW, b] * mixed[b] / rest
    spread = 0.0
    for b in range(cells):
        spread += table[REST_ROW, b] * (mixed[b] - mean) * (mixed[b] - mean)
    variance = within / (n - FOLDS) / n + weight * weight * spread / (rest - 1.0) / rest
    return residual / n + weight * mean, variance
