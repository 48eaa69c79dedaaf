"""Side-by-side verdicts that people give for a part of the comparisons and a judge for all, drawn and corrected."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from expsim_panel.kernels.hybrid import FF, REST, REST_F, REST_FF, SUMS_KEPT, YF, YY, F, N, Y, corrected
from expsim_panel.kernels.jit import kernel
from expsim_panel.kernels.verdicts import add_counts, share_variance


class CorrectedVerdicts(NamedTuple):
    """The joint law of label and verdict of a comparison.

    Attributes
    ----------
    cells : float64 ndarray, shape (replicates, 1 or days, arms - 1, labels * verdicts)
        Chances of every pair, the label's value varying slowest; one day stands for all where they are alike.
    labels, verdicts : float64 ndarray
        Values, oriented so that more is better.
    part : float
        See `verdicts.Verdicts`.
    correction : int
        `hybrid.PPI_PLUS` or `hybrid.PPI`.
    """

    cells: np.ndarray
    labels: np.ndarray
    verdicts: np.ndarray
    part: float
    correction: int


@kernel
def draw_corrected_verdicts(
    outcome: np.random.Generator,
    law: CorrectedVerdicts,
    rows: np.ndarray,
    judged: np.ndarray,
    sums: np.ndarray,
    squares: np.ndarray,
) -> None:
    """Draw a block of experiments into `sums` and `squares`, corrected as they stand after each day.

    Parameters
    ----------
    rows, judged : int64 ndarray, shape (days, arms)
        Comparisons of each day that people label, and that the judge reads (the labelled ones among them).
    sums, squares : float64 ndarray, shape (replicates, days, arms)
        Output: of as many rows as have a label, with the corrected mean and its variance.
    """
    days, arms = rows.shape
    width = law.verdicts.shape[0]
    counts = np.zeros(law.cells.shape[3], np.int64)
    others = np.zeros(width, np.int64)
    margin = np.zeros(width)
    kept = np.zeros((SUMS_KEPT, 1))
    seen = np.zeros(arms)
    for k in range(law.cells.shape[0]):
        for a in range(1, arms):
            for i in range(SUMS_KEPT):
                kept[i, 0] = 0.0
            for t in range(days):
                cells = law.cells[k, t if law.cells.shape[1] > 1 else 0, a - 1]
                for j in range(width):
                    others[j] = 0
                    margin[j] = 0.0
                for c in range(cells.shape[0]):
                    counts[c] = 0
                    margin[c % width] += cells[c]
                add_counts(outcome, cells, rows[t, a], counts)
                add_counts(outcome, margin, judged[t, a] - rows[t, a], others)
                for c in range(cells.shape[0]):
                    y, f = law.labels[c // width], law.verdicts[c % width]
                    kept[N, 0] += counts[c]
                    kept[Y, 0] += counts[c] * y
                    kept[F, 0] += counts[c] * f
                    kept[YY, 0] += counts[c] * y * y
                    kept[FF, 0] += counts[c] * f * f
                    kept[YF, 0] += counts[c] * y * f
                for j in range(width):
                    f = law.verdicts[j]
                    kept[REST, 0] += others[j]
                    kept[REST_F, 0] += others[j] * f
                    kept[REST_FF, 0] += others[j] * f * f
                n = kept[N, 0]
                value = 0.0
                variance = 0.0
                if n > 0.0:
                    value, variance = corrected(kept, 0, law.correction)
                sums[k, t, a] = n * value
                squares[k, t, a] = n * value * value + variance * n * (n - 1.0)
        for a in range(arms):
            seen[a] = 0.0
        for t in range(days):
            for a in range(arms):
                seen[a] += rows[t, a]
            share_variance(law.part, seen, sums[k, t], squares[k, t])
