"""Two variants on the same prompts: differences of labels and scores, drawn as sums and corrected."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

from expsim_panel.kernels.hybrid import FF, REST, REST_F, REST_FF, SUMS_KEPT, YF, YY, F, N, Y, corrected
from expsim_panel.kernels.jit import kernel
from expsim_panel.kernels.pairs import normal_pair, normal_single


class PairedDifferences(NamedTuple):
    """The law of differences, treatment less control, of label (D) and score (F) on one prompt.

    Attributes
    ----------
    control : float64 ndarray, shape (replicates,)
        True mean of the control's labels, which the report shows.
    label, score : float64 ndarray, shape (replicates,)
        Means of D and F.
    label_steps, score_steps : float64 ndarray, shape (days,)
        What each day adds to them.
    control_sd, label_sd, score_sd, rho : float64 ndarray, shape (replicates,)
        Standard deviations of a control's label, of D and of F, and the correlation of D and F.
    correction : int
        `PPI_PLUS` or `PPI`.
    sign : float
        -1 where less is better.
    """

    control: np.ndarray
    label: np.ndarray
    score: np.ndarray
    label_steps: np.ndarray
    score_steps: np.ndarray
    control_sd: np.ndarray
    label_sd: np.ndarray
    score_sd: np.ndarray
    rho: np.ndarray
    correction: int
    sign: float


@kernel
def draw_paired(
    outcome: np.random.Generator,
    law: PairedDifferences,
    labelled: np.ndarray,
    judged: np.ndarray,
    sums: np.ndarray,
    squares: np.ndarray,
) -> None:
    """Draw a block of experiments on pairs into `sums` and `squares`, as they stand after each day.

    The corrected difference stands as the distance of the two arms' means, and half of its variance as that of each:
    what a rule reads is the difference with its error.

    Parameters
    ----------
    labelled, judged : int64 ndarray, shape (days,)
        Prompts of each day whose two responses people label, and the judge scores (the labelled ones among them).
    sums, squares : float64 ndarray, shape (replicates, days, 2)
        Output; as many rows in each arm as prompts have labels.
    """
    kept = np.zeros((SUMS_KEPT, 1))
    for k in range(law.label.shape[0]):
        for i in range(SUMS_KEPT):
            kept[i, 0] = 0.0
        base = 0.0
        for t in range(labelled.shape[0]):
            n, rest = labelled[t], judged[t] - labelled[t]
            mean_y, mean_f = law.label[k] + law.label_steps[t], law.score[k] + law.score_steps[t]
            y, f, yy, ff, yf = normal_pair(outcome, n, mean_y, mean_f, law.label_sd[k], law.score_sd[k], law.rho[k])
            far, far_square = normal_single(outcome, rest, mean_f, law.score_sd[k])
            if n > 0:
                base += n * law.control[k] + math.sqrt(float(n)) * law.control_sd[k] * outcome.standard_normal()
            kept[N, 0] += n
            kept[Y, 0] += y
            kept[F, 0] += f
            kept[YY, 0] += yy
            kept[FF, 0] += ff
            kept[YF, 0] += yf
            kept[REST, 0] += rest
            kept[REST_F, 0] += far
            kept[REST_FF, 0] += far_square
            rows = kept[N, 0]
            value = 0.0
            variance = 0.0
            if rows > 0.0:
                value, variance = corrected(kept, 0, law.correction)
            for a in range(2):
                total = law.sign * (base + a * rows * value)
                sums[k, t, a] = total
                square = 0.5 * variance * rows * (rows - 1.0)
                squares[k, t, a] = square + (total * total / rows if rows > 0.0 else 0.0)
