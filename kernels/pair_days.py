"""Variants on the same prompts, day by day: what has been added up, and what it says of every difference.

The three laws of pairs draw a day's sums each in its own way; from there on the book is kept here.
"""

from __future__ import annotations

import math

import numpy as np

from expsim_panel.kernels.hybrid import SUMS_KEPT, N, corrected, label_in, score_only
from expsim_panel.kernels.jit import inner

BASE = SUMS_KEPT
"""Row of the sums that holds the sum of the control's labels, the same in every column."""
BOOK = SUMS_KEPT + 1
"""Rows of the sums of a day, and of all days so far."""


@inner
def close_day(
    sign: float,
    origin: float,
    correction: int,
    kept: np.ndarray,
    ahead: np.ndarray,
    daily: np.ndarray,
    day: int,
    lag: int,
    sums: np.ndarray,
    squares: np.ndarray,
    known_sums: np.ndarray,
    known_squares: np.ndarray,
) -> None:
    """Add a day to the sums, and write every arm's rows as they stand after it.

    Parameters
    ----------
    sign, origin : float
        A mean m counts as ``origin + sign m``.
    kept, ahead : float64 ndarray, shape (10, arms - 1)
        Sums of the differences from the control: of all rows so far, and where labels are late of what is known.
    daily : float64 ndarray, shape (days, 10, arms - 1)
        Sums of each day.
    lag : int
        Days that a label comes later than a score.
    sums, squares, known_sums, known_squares : float64 ndarray, shape (arms,)
        Output; the last two only where labels are late.
    """
    for c in range(kept.shape[1]):
        for i in range(BOOK):
            kept[i, c] += daily[day, i, c]
        if lag > 0:
            score_only(ahead, c, daily, day)
            if day >= lag:
                label_in(ahead, c, daily, day - lag)
                ahead[BASE, c] += daily[day - lag, BASE, c]
    write_contrasts(sign, origin, correction, kept, sums, squares)
    if lag > 0:
        write_contrasts(sign, origin, correction, ahead, known_sums, known_squares)


@inner
def write_contrasts(
    sign: float, origin: float, correction: int, kept: np.ndarray, sums: np.ndarray, squares: np.ndarray
) -> None:
    """Write every arm's rows: the control's labels, and at the corrected distances the others'.

    The control stands with half of the smallest variance of a difference, an arm with what its own is more: what a
    rule reads is each difference with its error.

    Parameters
    ----------
    kept : float64 ndarray, shape (10, arms - 1)
        Sums of the differences from the control, as many rows in each, and of the control's labels.
    sums, squares : float64 ndarray, shape (arms,)
        Output.
    """
    rows = kept[N, 0]
    least = math.inf
    for a in range(sums.shape[0]):
        value = 0.0
        variance = 0.0
        if rows > 0.0 and a > 0:
            value, variance = corrected(kept, a - 1, correction)
            least = min(least, variance)
        sums[a] = origin * rows + sign * (kept[BASE, 0] + rows * value)
        squares[a] = variance
    part = 0.5 * least if rows > 0.0 else 0.0
    for a in range(sums.shape[0]):
        own = part if a == 0 else squares[a] - part
        squares[a] = own * rows * (rows - 1.0) + (sums[a] * sums[a] / rows if rows > 0.0 else 0.0)
