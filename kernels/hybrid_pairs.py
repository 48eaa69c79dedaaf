"""Two variants on the same prompts: differences of labels and scores, drawn as sums and corrected."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

from expsim_panel.kernels.hybrid import FF, REST, REST_F, REST_FF, YF, YY, F, N, Y
from expsim_panel.kernels.jit import kernel
from expsim_panel.kernels.pair_days import BASE, BOOK, close_day
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
    lag: int,
    sums: np.ndarray,
    squares: np.ndarray,
    known_sums: np.ndarray,
    known_squares: np.ndarray,
    daily: np.ndarray,
) -> None:
    """Draw a block of experiments on pairs into `sums` and `squares`, as they stand after each day.

    The corrected difference stands as the distance of the two arms' means, and half of its variance as that of each:
    what a rule reads is the difference with its error.

    Parameters
    ----------
    labelled, judged : int64 ndarray, shape (days,)
        Prompts of each day whose two responses people label, and the judge scores (the labelled ones among them).
    lag : int
        Days that a label comes later than a score.
    sums, squares : float64 ndarray, shape (replicates, days, 2)
        Output; as many rows in each arm as prompts have labels.
    known_sums, known_squares : float64 ndarray, shape (replicates, days, 2)
        Output: the same with the labels that are `lag` days old and the scores of all prompts so far.
    daily : float64 ndarray, shape (days, 10, 1)
        Output: the sums of each day of the last replicate, and the sum of the control's labels.
    """
    kept, ahead = np.zeros((BOOK, 1)), np.zeros((BOOK, 1))
    for k in range(law.label.shape[0]):
        kept[:] = 0.0
        ahead[:] = 0.0
        for t in range(labelled.shape[0]):
            n, rest = labelled[t], judged[t] - labelled[t]
            mean_y, mean_f = law.label[k] + law.label_steps[t], law.score[k] + law.score_steps[t]
            y, f, yy, ff, yf = normal_pair(outcome, n, mean_y, mean_f, law.label_sd[k], law.score_sd[k], law.rho[k])
            far, far_square = normal_single(outcome, rest, mean_f, law.score_sd[k])
            own = 0.0
            if n > 0:
                own = n * law.control[k] + math.sqrt(float(n)) * law.control_sd[k] * outcome.standard_normal()
            daily[t, N, 0], daily[t, Y, 0], daily[t, F, 0] = n, y, f
            daily[t, YY, 0], daily[t, FF, 0], daily[t, YF, 0] = yy, ff, yf
            daily[t, REST, 0], daily[t, REST_F, 0], daily[t, REST_FF, 0] = rest, far, far_square
            daily[t, BASE, 0] = own
            into = sums[k, t], squares[k, t], known_sums[k, t], known_squares[k, t]
            close_day(law.sign, 0.0, law.correction, kept, ahead, daily, t, lag, *into)
