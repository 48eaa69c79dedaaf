"""Experiments of a fixed split that a judge scores and people label in part: their states day by day.

A label may come later than the judge's score of the same response. A look then has the scores of all responses so far
and the labels that are in; a response whose label is under way counts among those that only the judge has scored.
"""

from __future__ import annotations

import numpy as np

from expsim_panel.kernels.hybrid import (
    FF,
    PPI,
    REST,
    REST_F,
    REST_FF,
    SUMS_KEPT,
    YF,
    YY,
    F,
    N,
    Scored,
    Y,
    add,
    as_rows,
    corrected,
    draw_day,
    label_in,
    score_only,
    start,
)
from expsim_panel.kernels.jit import inner, kernel


@inner
def _by_day(parts: np.ndarray, weight: float, today: np.ndarray) -> None:
    """Add one day of one arm, weighed, to the parts of the stratified estimate; see `_stratified`."""
    n, rest = today[N], today[REST]
    inside = weight * weight / (n * (n - 1.0))
    parts[0] += weight * today[Y] / n
    parts[2] += inside * max(today[YY] - today[Y] * today[Y] / n, 0.0)
    if rest < 2.0:
        return
    parts[1] += weight * (today[REST_F] / rest - today[F] / n)
    parts[3] += inside * (today[YF] - today[Y] * today[F] / n)
    parts[4] += inside * max(today[FF] - today[F] * today[F] / n, 0.0)
    outside = weight * weight / (rest * (rest - 1.0))
    parts[4] += outside * max(today[REST_FF] - today[REST_F] * today[REST_F] / rest, 0.0)


@inner
def _stratified(parts: np.ndarray, weight: float, correction: int) -> tuple[float, float]:
    """Return the mean over days, weighed, and its variance, by the judge's weight that makes it smallest.

    ``th(L) = [A + L B] / W`` and ``Var(L) = [C0 - 2 L C1 + L^2 C2] / W^2``: every day is corrected by its own labels,
    so that a drifting judge does no harm; L = C1 / C2 is PPI++'s weight for them all.
    """
    tuned = parts[3] / parts[4] if parts[4] > 0.0 else 0.0
    use = 1.0 if correction == PPI else tuned
    variance = parts[2] - 2.0 * use * parts[3] + use * use * parts[4]
    return (parts[0] + use * parts[1]) / weight, max(variance, 0.0) / (weight * weight)


@kernel
def draw_hybrid(
    outcome: np.random.Generator,
    evaluator: np.random.Generator,
    law: Scored,
    labelled: np.ndarray,
    judged: np.ndarray,
    shares: np.ndarray,
    stratified: bool,
    lag: int,
    sums: np.ndarray,
    squares: np.ndarray,
    known_sums: np.ndarray,
    known_squares: np.ndarray,
    daily: np.ndarray,
) -> None:
    """Draw a block of experiments of a fixed split into `sums` and `squares`, as they stand after each day.

    Parameters
    ----------
    outcome, evaluator : Generator
        Streams of the rows and of the raters.
    law : Scored
        Law of the rows.
    labelled, judged : int64 ndarray, shape (days, arms)
        Rows of each day with a label, and with a judge's score (those with a label among them).
    shares : float64 ndarray, shape (days, arms)
        Each arm's share of the day's traffic.
    stratified : bool
        Whether days are corrected apart and then combined, weighed by their labels.
    lag : int
        Days that a label comes later than a score.
    sums, squares : float64 ndarray, shape (replicates, days, arms)
        Output: of as many rows as have a label; see `as_rows`.
    known_sums, known_squares : float64 ndarray, shape (replicates, days, arms)
        Output: the same with the scores of all rows so far and the labels of those that are `lag` days old; left
        alone where days are corrected apart, for a day's scores say nothing before its labels are in.
    daily : float64 ndarray, shape (days, 9, arms)
        Output: the sums of each day of the last replicate.
    """
    days, arms = labelled.shape
    today, parts = np.zeros(SUMS_KEPT), np.zeros(5)
    weights = np.zeros(days)
    for t in range(days):
        usable = True
        for a in range(arms):
            weights[t] += labelled[t, a]
            if labelled[t, a] < 2:
                usable = False
        if not usable:
            weights[t] = 0.0
    kept, ahead = law.sums[0], law.sums[1]
    for k in range(law.means.shape[0]):
        start(law, evaluator)
        for a in range(arms):
            seen = 0
            weight = 0.0
            for i in range(5):
                parts[i] = 0.0
            for t in range(days):
                n = labelled[t, a]
                mean = law.means[k, a] + law.steps[t, a]
                for b in range(arms):
                    mean += shares[t, b] * law.spill[k, b]
                draw_day(law, outcome, k, t, a, n, judged[t, a] - n, mean, seen, today)
                for i in range(SUMS_KEPT):
                    daily[t, i, a] = today[i]
                seen += n
                value = 0.0
                variance = 0.0
                if stratified:
                    if weights[t] > 0.0:
                        weight += weights[t]
                        _by_day(parts, weights[t], today)
                    if weight > 0.0:
                        value, variance = _stratified(parts, weight, law.correction)
                else:
                    add(kept, a, today)
                    if seen > 0:
                        value, variance = corrected(kept, a, law.correction)
                sums[k, t, a], squares[k, t, a] = as_rows(law, float(seen), value, variance)
                if lag > 0 and not stratified:
                    score_only(ahead, a, daily, t)
                    if t >= lag:
                        label_in(ahead, a, daily, t - lag)
                    value = 0.0
                    variance = 0.0
                    if ahead[N, a] > 0.0:
                        value, variance = corrected(ahead, a, law.correction)
                    known_sums[k, t, a], known_squares[k, t, a] = as_rows(law, ahead[N, a], value, variance)
