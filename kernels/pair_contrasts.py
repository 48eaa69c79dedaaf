"""Several variants on the same prompts: sums of each variant's differences from the control, corrected one by one."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

from expsim_panel.kernels.hybrid import FF, REST, REST_F, REST_FF, YF, YY, F, N, Y
from expsim_panel.kernels.jit import inner, kernel
from expsim_panel.kernels.pair_days import BASE, BOOK, close_day


class ArmPairs(NamedTuple):
    """The law of labels and scores of several variants on one prompt, what all of them share left out.

    Attributes
    ----------
    label, score : float64 ndarray, shape (replicates, arms)
        Mean label and mean score.
    label_steps, score_steps : float64 ndarray, shape (days, arms)
        What each day adds to them.
    label_sd, score_sd, rho : float64 ndarray, shape (replicates, arms)
        Standard deviations and correlation of what an arm's label and score have of their own.
    control_sd : float64 ndarray, shape (replicates,)
        Of the control's label as it is, for the report.
    correction : int
        `PPI_PLUS` or `PPI`.
    sign : float
        -1 where less is better.
    """

    label: np.ndarray
    score: np.ndarray
    label_steps: np.ndarray
    score_steps: np.ndarray
    label_sd: np.ndarray
    score_sd: np.ndarray
    rho: np.ndarray
    control_sd: np.ndarray
    correction: int
    sign: float


@inner
def centred(rng: np.random.Generator, rows: int, size: int, out: np.ndarray) -> None:
    """Write vectors whose inner products are the centred cross products of `rows` rows of `size` standard normals.

    Bartlett's decomposition of a Wishart matrix; with fewer rows than columns it keeps its lower rank.

    Parameters
    ----------
    out : float64 ndarray, shape (>= size, >= size)
        Output: vector i in row i.
    """
    for i in range(size):
        for j in range(size):
            left = rows - 1 - j
            if j > i or left <= 0:
                out[i, j] = 0.0
            elif j == i:
                out[i, j] = math.sqrt(rng.chisquare(float(left)))
            else:
                out[i, j] = rng.standard_normal()


@kernel
def draw_arm_pairs(
    outcome: np.random.Generator,
    law: ArmPairs,
    labelled: np.ndarray,
    judged: np.ndarray,
    lag: int,
    sums: np.ndarray,
    squares: np.ndarray,
    known_sums: np.ndarray,
    known_squares: np.ndarray,
    daily: np.ndarray,
) -> None:
    """Draw a block of experiments into `sums` and `squares`, as they stand after each day.

    Exact: means and centred cross products of independent normal rows, whatever their number.

    Parameters
    ----------
    labelled, judged : int64 ndarray, shape (days,)
        Prompts of each day whose responses people label, and the judge scores (the labelled ones among them).
    lag : int
        Days that a label comes later than a score.
    sums, squares : float64 ndarray, shape (replicates, days, arms)
        Output; as many rows in each arm as prompts have labels.
    known_sums, known_squares : float64 ndarray, shape (replicates, days, arms)
        Output: the same with the labels that are `lag` days old and the scores of all prompts so far.
    daily : float64 ndarray, shape (days, 10, arms - 1)
        Output: the sums of each day and contrast of the last replicate, and the sum of the control's labels.
    """
    arms = law.label.shape[1]
    kept, ahead = np.zeros((BOOK, arms - 1)), np.zeros((BOOK, arms - 1))
    root, seen, far = np.zeros((2 * arms, 2 * arms)), np.zeros((2 * arms, 2 * arms)), np.zeros((arms, arms))
    total, other = np.zeros((2, arms)), np.zeros(arms)
    for k in range(law.label.shape[0]):
        kept[:] = 0.0
        ahead[:] = 0.0
        for t in range(labelled.shape[0]):
            n, rest = labelled[t], judged[t] - labelled[t]
            centred(outcome, n, 2 * arms, root)
            for a in range(arms):
                rho = law.rho[k, a]
                apart = math.sqrt(max(0.0, 1.0 - rho * rho))
                one, two = outcome.standard_normal(), outcome.standard_normal()
                spread = math.sqrt(float(n))
                total[0, a] = n * (law.label[k, a] + law.label_steps[t, a]) + spread * law.label_sd[k, a] * one
                total[1, a] = n * (law.score[k, a] + law.score_steps[t, a])
                total[1, a] += spread * law.score_sd[k, a] * (rho * one + apart * two)
                for j in range(2 * arms):
                    seen[2 * a, j] = law.label_sd[k, a] * root[2 * a, j]
                    seen[2 * a + 1, j] = law.score_sd[k, a] * (rho * root[2 * a, j] + apart * root[2 * a + 1, j])
            centred(outcome, rest, arms, far)
            for a in range(arms):
                other[a] = rest * (law.score[k, a] + law.score_steps[t, a])
                other[a] += math.sqrt(float(rest)) * law.score_sd[k, a] * outcome.standard_normal()
                for j in range(arms):
                    far[a, j] *= law.score_sd[k, a]
            for a in range(1, arms):
                y, f, away = total[0, a] - total[0, 0], total[1, a] - total[1, 0], other[a] - other[0]
                yy, ff, yf, square = 0.0, 0.0, 0.0, 0.0
                for j in range(2 * arms):
                    d, s = seen[2 * a, j] - seen[0, j], seen[2 * a + 1, j] - seen[1, j]
                    yy, ff, yf = yy + d * d, ff + s * s, yf + d * s
                for j in range(arms):
                    square += (far[a, j] - far[0, j]) * (far[a, j] - far[0, j])
                size = max(float(n), 1.0)
                c = a - 1
                daily[t, N, c], daily[t, Y, c], daily[t, F, c] = n, y, f
                daily[t, YY, c], daily[t, FF, c], daily[t, YF, c] = (
                    yy + y * y / size,
                    ff + f * f / size,
                    yf + y * f / size,
                )
                daily[t, REST, c], daily[t, REST_F, c] = rest, away
                daily[t, REST_FF, c] = square + away * away / max(float(rest), 1.0)
            own = n * (law.label[k, 0] + law.label_steps[t, 0])
            own += math.sqrt(float(n)) * law.control_sd[k] * outcome.standard_normal()
            daily[t, BASE, :] = own
            into = sums[k, t], squares[k, t], known_sums[k, t], known_squares[k, t]
            close_day(law.sign, 0.0, law.correction, kept, ahead, daily, t, lag, *into)
