"""Two variants on the same prompts: differences of labels and scores, drawn as sums and corrected."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

from expsim_panel.kernels.hybrid import (
    FF,
    REST,
    REST_F,
    REST_FF,
    SUMS_KEPT,
    YF,
    YY,
    F,
    N,
    Y,
    add,
    corrected,
    label_in,
    score_only,
)
from expsim_panel.kernels.jit import inner, kernel
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
    kept, ahead = np.zeros((SUMS_KEPT, 1)), np.zeros((SUMS_KEPT, 1))
    today = np.zeros(SUMS_KEPT)
    for k in range(law.label.shape[0]):
        for i in range(SUMS_KEPT):
            kept[i, 0] = 0.0
            ahead[i, 0] = 0.0
        base = 0.0
        known = 0.0
        for t in range(labelled.shape[0]):
            n, rest = labelled[t], judged[t] - labelled[t]
            mean_y, mean_f = law.label[k] + law.label_steps[t], law.score[k] + law.score_steps[t]
            y, f, yy, ff, yf = normal_pair(outcome, n, mean_y, mean_f, law.label_sd[k], law.score_sd[k], law.rho[k])
            far, far_square = normal_single(outcome, rest, mean_f, law.score_sd[k])
            own = 0.0
            if n > 0:
                own = n * law.control[k] + math.sqrt(float(n)) * law.control_sd[k] * outcome.standard_normal()
            base += own
            today[N], today[Y], today[F], today[YY], today[FF] = n, y, f, yy, ff
            today[YF], today[REST], today[REST_F], today[REST_FF] = yf, rest, far, far_square
            add(kept, 0, today)
            for i in range(SUMS_KEPT):
                daily[t, i, 0] = today[i]
            daily[t, SUMS_KEPT, 0] = own
            write_pair(law, kept, base, sums[k, t], squares[k, t])
            if lag > 0:
                score_only(ahead, 0, daily, t)
                if t >= lag:
                    label_in(ahead, 0, daily, t - lag)
                    known += daily[t - lag, SUMS_KEPT, 0]
                write_pair(law, ahead, known, known_sums[k, t], known_squares[k, t])


@inner
def write_pair(law: PairedDifferences, kept: np.ndarray, base: float, sums: np.ndarray, squares: np.ndarray) -> None:
    """Write both arms' rows: the control's labels, and at the corrected distance the other's."""
    rows = kept[N, 0]
    value = 0.0
    variance = 0.0
    if rows > 0.0:
        value, variance = corrected(kept, 0, law.correction)
    for a in range(2):
        total = law.sign * (base + a * rows * value)
        sums[a] = total
        square = 0.5 * variance * rows * (rows - 1.0)
        squares[a] = square + (total * total / rows if rows > 0.0 else 0.0)
