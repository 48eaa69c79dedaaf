"""Paths of whole experiments: cumulative sufficient statistics by replicate, day and arm.

Every strategy with the same fixed split reads the same paths: that is what makes comparisons sharp
(common random numbers) and cheap (drawn once).
"""

from __future__ import annotations

import numpy as np

from expsim_panel.kernels.jit import kernel
from expsim_panel.kernels.measuring import binary_rows, draw_severity, normal_rows


@kernel
def draw_paths(
    outcome: np.random.Generator,
    evaluator: np.random.Generator,
    binary: bool,
    rows: np.ndarray,
    means: np.ndarray,
    sds: np.ndarray,
    severity_sd: float,
    raters: int,
    shared: bool,
    sums: np.ndarray,
    squares: np.ndarray,
) -> None:
    """Draw a block of experiments into `sums` and `squares`, cumulative over days.

    Parameters
    ----------
    outcome, evaluator : Generator
        Streams of the rows and of the raters.
    binary : bool
        Whether rows are 0/1.
    rows : int64 ndarray, shape (days, arms)
        Scored rows of each day.
    means, sds : float64 ndarray, shape (replicates, arms)
        Law of a row in each replicate; for binary rows `means` are rates.
    severity_sd, raters, shared
        Rater severity, see `draw_severity`.
    sums, squares : float64 ndarray, shape (replicates, days, arms)
        Output: cumulative sum and sum of squares of the rows.
    """
    days, arms = rows.shape
    severity = np.zeros((arms, max(raters, 1)))
    for k in range(means.shape[0]):
        draw_severity(evaluator, severity_sd, raters, shared, severity)
        for a in range(arms):
            total = 0.0
            square = 0.0
            seen = 0
            mean = means[k, a]
            sd = sds[k, a]
            for t in range(days):
                n = rows[t, a]
                if binary:
                    s, q = binary_rows(outcome, n, mean)
                else:
                    s, q = normal_rows(outcome, n, mean, sd, severity, a, raters, seen)
                total += s
                square += q
                seen += n
                sums[k, t, a] = total
                squares[k, t, a] = square
