"""Experiments of a fixed split whose judge is calibrated by labels: rows drawn one by one, their states day by day.

Unlike the corrections in `hybrid`, which see a judge by second moments, isotonic calibration sees the order of the
scores: favourite scores and refusals are drawn as they are.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

from expsim_panel.kernels.draws import binomial
from expsim_panel.kernels.hybrid import Scored, as_rows, start
from expsim_panel.kernels.isotonic import (
    CELLS,
    FOLDS,
    LABELS,
    REST_ROW,
    SQUARE_ROW,
    STEPS,
    TABLE,
    beside,
    calibrated_mean,
    cell_of,
    fold_of,
)
from expsim_panel.kernels.jit import inner, kernel
from expsim_panel.kernels.pairs import binary_pair
from expsim_panel.kernels.rows import AMOUNTS, LEVELS, RATES, latent_mean
from expsim_panel.kernels.special import norm_cdf


class Ordered(NamedTuple):
    """The law of labels and of scores whose order counts; arrays (replicates, arms).

    Attributes
    ----------
    law : Scored
        Law of label and score before favourite scores and refusals.
    low, high : float64 ndarray
        Ends of the cells of a score.
    pile, pile_at : float
        Share of the scores that are the favourite one, and this one.
    barrier : float64 ndarray
        A response is refused where ``barrier + missing (q - mean) / sd + sqrt(1 - missing^2) e <= 0``.
    refuses : bool
        Whether any is.
    missing : float
    refused : float64 ndarray
        Score that a refused response counts as.
    """

    law: Scored
    low: np.ndarray
    high: np.ndarray
    pile: float
    pile_at: float
    barrier: np.ndarray
    refuses: bool
    missing: float
    refused: np.ndarray


@inner
def _quality(law: Scored, rng: np.random.Generator, mean: float, sd: float, latent: float) -> float:
    """Draw one true outcome that is no rate."""
    if law.family == LEVELS:
        at = latent + rng.standard_normal()
        j = 0
        while j < law.cuts.shape[0] and at > law.cuts[j]:
            j += 1
        level: float = law.values[j]
        return level
    if law.family == AMOUNTS:
        if mean <= 0.0 or rng.random() < law.zeros:
            return 0.0
        return math.exp(math.log(mean / (1.0 - law.zeros)) + law.sigma * (rng.standard_normal() - 0.5 * law.sigma))
    return mean + sd * rng.standard_normal()


@inner
def _place(kind: Ordered, k: int, a: int, score: float) -> int:
    """Return the cell of a score."""
    at = cell_of(score, kind.low[k, a], kind.high[k, a])
    if kind.pile > 0.0:
        at += beside(score, kind.pile_at)
    if kind.refuses:
        at += beside(score, kind.refused[k, a])
    return at


@inner
def _cell(kind: Ordered, rng: np.random.Generator, k: int, a: int, drift: float, q: float) -> int:
    """Draw the score of an outcome; return its cell."""
    law = kind.law
    score = law.offset[k, a] + law.slope[k, a] * q
    if law.score_noise[k, a] > 0.0:
        score += law.score_noise[k, a] * rng.standard_normal()
    if kind.pile > 0.0 and rng.random() < kind.pile:
        score = kind.pile_at
    if kind.refuses:
        sd = law.sds[k, a]
        own = kind.missing * (q - law.means[k, a]) / sd if sd > 0.0 else 0.0
        free = math.sqrt(1.0 - kind.missing * kind.missing)
        if kind.barrier[k, a] + own + free * rng.standard_normal() <= 0.0:
            score = kind.refused[k, a]
    return _place(kind, k, a, score + drift)


@inner
def _rates(
    law: Scored, rng: np.random.Generator, k: int, a: int, drift: float, n: int, rest: int, mean: float, first: int,
    today: np.ndarray,
) -> None:  # fmt: skip
    """Draw a day of rates, whose scores have two cells."""
    p = min(max(mean, 0.0), 1.0)
    hit = min(max(law.hit[k, a] + drift, 0.0), 1.0)
    false = min(max(law.false[k, a] + drift, 0.0), 1.0)
    label = p * law.yes + (1.0 - p) * (1.0 - law.no)
    score = p * hit + (1.0 - p) * false
    both = p * law.yes * hit + (1.0 - p) * (1.0 - law.no) * false
    caught = both / label if label > 0.0 else 0.0
    cleared = 1.0 - (score - both) / (1.0 - label) if label < 1.0 else 0.0
    for j in range(FOLDS):
        turn = j - first % FOLDS
        if turn < 0:
            turn += FOLDS
        size = (n - turn + FOLDS - 1) // FOLDS if n > turn else 0
        tp, fn, fp, tn = binary_pair(rng, size, label, min(max(caught, 0.0), 1.0), min(max(cleared, 0.0), 1.0))
        today[j, 0], today[j, 1] = fn + tn, tp + fp
        today[LABELS + j, 0], today[LABELS + j, 1] = fn, tp
        today[SQUARE_ROW, j] = tp + fn
    far = float(binomial(rng, rest, min(max(score, 0.0), 1.0)))
    today[REST_ROW, 0], today[REST_ROW, 1] = rest - far, far


@inner
def _spread_out(
    kind: Ordered, rng: np.random.Generator, k: int, a: int, drift: float, rest: int, mean: float, sd: float,
    latent: float, counts: np.ndarray,
) -> None:  # fmt: skip
    """Draw the cells of many scores at once, without refusals: multinomial, of normals or of normals by level.

    Steps that the favourite score cuts in two are two cells, with its own between them.
    """
    law = kind.law
    low, high = kind.low[k, a], kind.high[k, a]
    slope, noise, offset = law.slope[k, a], law.score_noise[k, a], law.offset[k, a] + drift
    left = rest
    if kind.pile > 0.0:
        piled = binomial(rng, rest, kind.pile)
        counts[_place(kind, k, a, kind.pile_at + drift)] += piled
        left -= piled
    below = 0.0
    step = 0
    cell = 0
    cut = kind.pile > 0.0
    while left > 0:
        count = left
        edge = low + (high - low) * (step + 1) / STEPS
        next_cell = cell + 1
        if cut and (kind.pile_at < edge or step == STEPS - 1):
            edge = kind.pile_at
            next_cell = cell + 2
            cut = False
        elif step < STEPS - 1:
            step += 1
        else:
            next_cell = CELLS
        if next_cell < CELLS:
            up_to = 0.0
            if law.family == LEVELS:
                under = 0.0
                for j in range(law.values.shape[0]):
                    over = norm_cdf(law.cuts[j] - latent) if j < law.cuts.shape[0] else 1.0
                    up_to += (over - under) * norm_cdf((edge - offset - slope * law.values[j]) / noise)
                    under = over
            else:
                up_to = norm_cdf((edge - offset - slope * mean) / math.sqrt(slope * slope * sd * sd + noise * noise))
            above = 1.0 - below
            count = binomial(rng, left, min(max((up_to - below) / above, 0.0), 1.0)) if above > 0.0 else 0
            below = up_to
        counts[cell] += count
        left -= count
        cell = next_cell


@inner
def _draw_day(
    kind: Ordered, rng: np.random.Generator, k: int, t: int, a: int, n: int, rest: int, mean: float, first: int,
    today: np.ndarray,
) -> None:  # fmt: skip
    """Draw one day and arm, n labelled rows and `rest` others, into `today`, shape (12, 64)."""
    law = kind.law
    drift = law.drift[t]
    today[:] = 0.0
    if law.family == RATES:
        _rates(law, rng, k, a, drift, n, rest, mean, first, today)
        return
    sd, own = law.sds[k, a], law.label_noise[k, a]
    latent = latent_mean(law.values, law.cuts, law.latent, law.implied, mean) if law.family == LEVELS else 0.0
    for i in range(n):
        q = _quality(law, rng, mean, sd, latent)
        b = _cell(kind, rng, k, a, drift, q)
        y = q + law.severity[a, (first + i) % law.raters] if law.raters > 0 else q
        if own > 0.0:
            y += own * rng.standard_normal()
        j = fold_of(first + i, law.raters)
        today[j, b] += 1.0
        today[LABELS + j, b] += y
        today[SQUARE_ROW, j] += y * y
    noisy = law.score_noise[k, a] > 0.0
    if rest > 2 * CELLS and law.family != AMOUNTS and noisy and not kind.refuses:
        _spread_out(kind, rng, k, a, drift, rest, mean, sd, latent, today[REST_ROW])
        return
    for _ in range(rest):
        today[REST_ROW, _cell(kind, rng, k, a, drift, _quality(law, rng, mean, sd, latent))] += 1.0


@kernel
def scored_only(day: np.ndarray, into: np.ndarray, sign: float) -> None:
    """Add (or take away, by `sign`) all rows of a day's table as rows without a label to those of another."""
    for b in range(day.shape[1]):
        rows = day[REST_ROW, b]
        for j in range(FOLDS):
            rows += day[j, b]
        into[REST_ROW, b] += sign * rows


@kernel
def draw_ordered(
    outcome: np.random.Generator,
    evaluator: np.random.Generator,
    kind: Ordered,
    labelled: np.ndarray,
    judged: np.ndarray,
    shares: np.ndarray,
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
    kind : Ordered
    daily : float64 ndarray, shape (days, 12, 64, arms)
        Output: the tables of each day of the last replicate.
    outcome, evaluator, labelled, judged, shares, lag, sums, squares, known_sums, known_squares
        As in `hybrid_paths.draw_hybrid`.
    """
    law = kind.law
    days, arms = labelled.shape
    own = np.zeros((days, TABLE, CELLS))
    kept, ahead = np.zeros((TABLE, CELLS)), np.zeros((TABLE, CELLS))
    last = law.means.shape[0] - 1
    for k in range(last + 1):
        start(law, evaluator)
        for a in range(arms):
            seen = 0
            late = 0
            kept[:] = 0.0
            ahead[:] = 0.0
            for t in range(days):
                n = labelled[t, a]
                mean = law.means[k, a] + law.steps[t, a]
                for b in range(arms):
                    mean += shares[t, b] * law.spill[k, b]
                _draw_day(kind, outcome, k, t, a, n, judged[t, a] - n, mean, seen, own[t])
                seen += n
                kept += own[t]
                if k == last:
                    daily[t, :, :, a] = own[t]
                value = 0.0
                variance = 0.0
                if seen > 0:
                    value, variance = calibrated_mean(kept)
                sums[k, t, a], squares[k, t, a] = as_rows(law, float(seen), value, variance)
                if lag > 0:
                    scored_only(own[t], ahead, 1.0)
                    if t >= lag:
                        scored_only(own[t - lag], ahead, -1.0)
                        ahead += own[t - lag]
                        late += labelled[t - lag, a]
                    value = 0.0
                    variance = 0.0
                    if late > 0:
                        value, variance = calibrated_mean(ahead)
                    known_sums[k, t, a], known_squares[k, t, a] = as_rows(law, float(late), value, variance)
