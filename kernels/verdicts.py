"""Side-by-side verdicts of one day and arm: counts of losses, ties and wins, drawn as a multinomial.

A comparison is a row of its variant; the control's row beside it is 0 by definition. Rules read differences of means
with the variances of two arms, so the variance of the verdicts is told as the sum of two parts, of which the control's
arm carries one: the contrast then has the mean of the verdicts and exactly their estimated variance.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

from expsim_panel.kernels.draws import binomial
from expsim_panel.kernels.jit import inner, kernel
from expsim_panel.kernels.rows import rows_of


class Verdicts(NamedTuple):
    """The law of the verdicts in a block.

    Attributes
    ----------
    chances : float64 ndarray, shape (replicates, 1 or days, arms - 1, values)
        Of every value, for the variants after the control; one day stands for all where they are alike.
    values : float64 ndarray, shape (values,)
        Outcomes, oriented so that more is better.
    part : float
        Part of the least variance of a verdict that the control's arm carries, 0 to 1.
    icc, size, spread : float
        Clustered comparisons; see `rows.Rows`. `icc` 0: independent ones.
    """

    chances: np.ndarray
    values: np.ndarray
    part: float
    icc: float
    size: float
    spread: float


@inner
def add_counts(rng: np.random.Generator, chances: np.ndarray, n: int, counts: np.ndarray) -> None:
    """Add a multinomial draw of n to `counts`, by binomials in turn."""
    left = n
    rest = 1.0
    last = chances.shape[0] - 1
    for j in range(last + 1):
        count = left
        if j < last and left > 0:
            count = binomial(rng, left, min(max(chances[j] / rest, 0.0), 1.0)) if rest > 0.0 else 0
            rest -= chances[j]
        counts[j] += count
        left -= count


@inner
def _draw(rng: np.random.Generator, law: Verdicts, chances: np.ndarray, n: int, counts: np.ndarray,
          alike: np.ndarray) -> None:  # fmt: skip
    """Draw how often each value occurs among n comparisons into `counts`.

    Clusters: with probability `icc` all comparisons of a prompt end alike, otherwise they are independent; two of them
    then have correlation `icc`, and counts stay whole.
    """
    for j in range(counts.shape[0]):
        counts[j] = 0
        alike[j] = 0
    left = n
    if law.icc > 0.0:
        prompts = max(int(n / law.size + 0.5), 1)
        add_counts(rng, chances, binomial(rng, prompts, law.icc), alike)
        taken = 0
        for j in range(counts.shape[0]):
            alike[j] = rows_of(rng, law.size, law.spread, alike[j])
            taken += alike[j]
        for j in range(counts.shape[0]):
            # More than there are: cut in proportion.
            counts[j] = alike[j] if taken <= n else int(alike[j] * (n / taken))
            left -= counts[j]
    add_counts(rng, chances, left, counts)


@kernel
def share_variance(part: float, rows: np.ndarray, sums: np.ndarray, squares: np.ndarray) -> None:
    """Tell the control's arm a part of the variants' variance, in place.

    Before, `sums` and `squares` are those of the verdicts; after, ``v_a / n_a + v_0 / n_0`` is the variance of the mean
    of variant a's verdicts, with ``v_0`` the part `part` of the least of them.

    Parameters
    ----------
    rows, sums, squares : float64 ndarray, shape (arms,)
        Cumulative; the control's rows are those of all comparisons.
    """
    least = math.inf
    for a in range(1, rows.shape[0]):
        if rows[a] > 1.0:
            least = min(least, max(squares[a] - sums[a] * sums[a] / rows[a], 0.0) / (rows[a] - 1.0))
    own = part * least if least < math.inf else 0.0
    for a in range(1, rows.shape[0]):
        if rows[a] > 1.0:
            squares[a] -= own * rows[a] / rows[0] * (rows[a] - 1.0)
    sums[0] = 0.0
    squares[0] = own * max(rows[0] - 1.0, 0.0)


@kernel
def draw_verdicts(
    outcome: np.random.Generator, law: Verdicts, rows: np.ndarray, sums: np.ndarray, squares: np.ndarray
) -> None:
    """Draw a block of experiments into `sums` and `squares`, cumulative over days.

    Parameters
    ----------
    rows : int64 ndarray, shape (days, arms)
        Comparisons of each day by variant; the control's are those of all of them.
    sums, squares : float64 ndarray, shape (replicates, days, arms)
        Output, with the variance shared by `share_variance`.
    """
    days, arms = rows.shape
    values = law.values.shape[0]
    counts = np.zeros(values, np.int64)
    alike = np.zeros(values, np.int64)
    seen = np.zeros(arms)
    total = np.zeros(arms)
    square = np.zeros(arms)
    varying = law.chances.shape[1] > 1
    for k in range(law.chances.shape[0]):
        for a in range(1, arms):
            s = 0.0
            q = 0.0
            for t in range(days):
                _draw(outcome, law, law.chances[k, t if varying else 0, a - 1], rows[t, a], counts, alike)
                for j in range(values):
                    s += counts[j] * law.values[j]
                    q += counts[j] * law.values[j] * law.values[j]
                sums[k, t, a] = s
                squares[k, t, a] = q
        for a in range(arms):
            seen[a] = 0.0
        for t in range(days):
            for a in range(arms):
                seen[a] += rows[t, a]
                total[a] = sums[k, t, a]
                square[a] = squares[k, t, a]
            share_variance(law.part, seen, total, square)
            for a in range(arms):
                sums[k, t, a] = total[a]
                squares[k, t, a] = square[a]
