"""Agreement coefficients: Krippendorff's alpha, Cohen's kappa plain and weighted, correlations of raters.

All treat a missing rating as missing. Alpha [1]_ is one minus observed over expected disagreement among
the pairable ratings (those of items with two or more). Its ordinal metric is the squared difference of
mid-ranks, so ordinal alpha is interval alpha of mid-ranks, and all of them take one pass over the rows.

References
----------
.. [1] Krippendorff, K. (2011). Computing Krippendorff's alpha-reliability. University of Pennsylvania.
.. [2] Cohen, J. (1968). Weighted kappa. Psychological Bulletin 70, 213-220.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import combinations

import numpy as np
import pandas as pd

from expsim_panel.pooled_pairs import pooled_pairs
from expsim_panel.ratings import Codes, Floats, Ratings
from expsim_panel.recoding import coded_anew, counted

MOST_RATERS = 60  # of more raters, single pairs share too few items
FEWEST_SHARED = 10
MOST_CELLS = 40_000_000
MOST_LEVELS = 101
MOST_COUNTED = 1e6  # whole scores up to it are told apart by counting


NAMES = (
    "alpha_nominal", "alpha_ordinal", "alpha_interval", "kappa", "kappa_linear", "kappa_quadratic", "pearson",
    "spearman",
)  # fmt: skip
"""Coefficients, in the order in which they are computed."""


@dataclass(frozen=True)
class Agreement:
    """Coefficients; None with an entry in `reasons` where undefined.

    Attributes
    ----------
    alpha_nominal, alpha_ordinal, alpha_interval : float or None
        Krippendorff's alpha over all variants.
    kappa, kappa_linear, kappa_quadratic : float or None
        Cohen's kappa, and with linear and quadratic weights by score: mean over pairs of raters.
    pearson, spearman : float or None
        Correlation of two raters' scores: mean over pairs of raters.
    pairs : int
        Pairs of raters that share at least ten items.
    pooled_kappa, pooled_kappa_linear, pooled_pearson : float or None
        Over all pairs of ratings of an item, whoever gave them; the last is kappa with quadratic weights too.
    pooled_pairs : int
        Those pairs.
    reasons : dict of str to str
    """

    alpha_nominal: float | None
    alpha_ordinal: float | None
    alpha_interval: float | None
    kappa: float | None
    kappa_linear: float | None
    kappa_quadratic: float | None
    pearson: float | None
    spearman: float | None
    pairs: int
    pooled_kappa: float | None
    pooled_kappa_linear: float | None
    pooled_pearson: float | None
    pooled_pairs: int
    reasons: dict[str, str]


@dataclass(frozen=True)
class PileUp:
    """How coarsely a scale is used.

    Attributes
    ----------
    values : int
        Distinct scores.
    effective : float
        Number of equally frequent scores that would be as varied (inverse Simpson).
    commonest, share : float
        The most frequent score and its share.
    top, bottom : float
        Share of the highest and of the lowest score.
    """

    values: int
    effective: float
    commonest: float
    share: float
    top: float
    bottom: float


def pile_up(score: Floats) -> PileUp:
    """Describe how scores pile up."""
    values, code = distinct(score)
    counts = np.bincount(code)
    part = counts / counts.sum()
    at = int(part.argmax())
    effective = float(1 / (part**2).sum())
    return PileUp(len(values), effective, float(values[at]), float(part[at]), float(part[-1]), float(part[0]))


def distinct(score: Floats) -> tuple[Floats, Codes]:
    """Return the different scores, ascending, and which of them each is; of a million, by counting or hashing."""
    if len(score) and np.abs(score).max() < MOST_COUNTED:  # false for nan
        whole = score.astype(np.int64)
        if np.array_equal(whole, score):
            low = int(whole.min())
            kept, at = coded_anew(whole - low, int(whole.max()) - low + 1)
            return (kept + low).astype(np.float64), at
    code, values = pd.factorize(score, sort=True)
    return np.asarray(values, dtype=np.float64), code.astype(np.int64)


def mid_ranks(score: Floats) -> Floats:
    """Return ranks from 1, equal scores sharing the mean of theirs."""
    _, code = distinct(score)
    size = np.bincount(code)
    return np.asarray((np.cumsum(size) - (size - 1) / 2)[code])


def krippendorff(score: Floats, item: Codes, metric: str) -> float | None:
    """Return Krippendorff's alpha of ratings in long form.

    Parameters
    ----------
    score : float64 array, shape (rows,)
        Present ratings only.
    item : int64 array, shape (rows,)
    metric : str
        ``nominal``, ``ordinal`` or ``interval``.

    Returns
    -------
    float or None
        None without two ratings of an item, or if all pairable ratings are equal.
    """
    size = np.bincount(item)
    if not (size > 1).all():
        keep = (size > 1)[item]
        score, item = score[keep], (np.cumsum(size > 1) - 1)[item[keep]]
        size = np.bincount(item)
    if not len(score):
        return None
    size = size.astype(float)
    n = len(score)
    if metric == "nominal":
        values, code = distinct(score)
        cells, counts = counted(item * len(values) + code)
        same = np.bincount(cells // len(values), counts.astype(float) ** 2)
        observed = float(((size**2 - same) / (size - 1)).sum()) / n
        expected = (n**2 - float((np.bincount(code).astype(float) ** 2).sum())) / (n * (n - 1))
    else:
        x = mid_ranks(score) if metric == "ordinal" else score
        x = x - x.mean()
        total = np.bincount(item, x)
        within = np.bincount(item, x**2) - total**2 / size
        observed = float((2 * size * np.maximum(within, 0.0) / (size - 1)).sum()) / n
        expected = 2 * float(x @ x) / (n - 1)
    return 1 - observed / expected if expected > 0 else None


def kappas(table: Floats, values: Floats) -> tuple[float | None, float | None, float | None]:
    """Return Cohen's kappa, unweighted and with linear and quadratic weights, of a square table of counts.

    `values` are the scores of the categories: weights are distances between scores.
    """
    chance = table / table.sum()
    independent = np.outer(chance.sum(axis=1), chance.sum(axis=0))
    gap = np.abs(values[:, None] - values)
    found = []
    for weight in ((gap > 0).astype(float), gap, gap**2):
        expected = float((weight * independent).sum())
        found.append(1 - float((weight * chance).sum()) / expected if expected > 0 else None)
    return found[0], found[1], found[2]


def agreement_of(ratings: Ratings) -> Agreement:
    """Compute all coefficients of a table of ratings."""
    alphas = [krippendorff(ratings.score, ratings.item, metric) for metric in ("nominal", "ordinal", "interval")]
    reasons = {}
    if alphas[0] is None:
        reasons["alpha"] = "no item has two ratings, or they are all equal"
    raters = len(ratings.raters)
    reason = ""
    if raters < 2:
        reason = "there is one rater"
    elif raters > MOST_RATERS or raters * ratings.items > MOST_CELLS:
        reason = f"{raters} raters: single pairs share too few items"
    means: list[float | None] = [None] * 5
    pairs = 0
    if not reason:
        sums = np.zeros((2, 5))
        for row in _pairs(ratings):
            pairs += 1
            known = np.isfinite(row)
            sums += np.where(known, [np.nan_to_num(row), np.ones(5)], 0.0)
        means = [float(total / count) if count else None for total, count in sums.T]
        reason = "" if pairs else f"no two raters share {FEWEST_SHARED} items"
    if reason:
        reasons["pairs"] = reason
    values, code = distinct(ratings.score)
    pooled = pooled_pairs(ratings.score, ratings.item, values if len(values) <= MOST_LEVELS else None, code)
    if pooled.pearson is None:
        reasons["pooled"] = reasons.get("alpha", "all ratings of items with several are equal")
    elif pooled.kappa is None:
        reasons["pooled"] = f"more than {MOST_LEVELS} different scores"
    found = dict(zip(NAMES, (*alphas, *means), strict=True))
    return Agreement(
        **found,
        pairs=pairs,
        pooled_kappa=pooled.kappa,
        pooled_kappa_linear=pooled.kappa_linear,
        pooled_pearson=pooled.pearson,
        pooled_pairs=pooled.pairs,
        reasons=reasons,
    )


def _pairs(ratings: Ratings) -> list[Floats]:
    """Return kappa (three kinds), Pearson and Spearman of every pair of raters; nan where undefined."""
    wide = np.full((len(ratings.raters), ratings.items), np.nan)
    wide[ratings.rater, ratings.item] = ratings.score
    values, _ = distinct(ratings.score)
    found = []
    for a, b in combinations(range(len(wide)), 2):
        both = np.isfinite(wide[a]) & np.isfinite(wide[b])
        if both.sum() < FEWEST_SHARED:
            continue
        x, y = wide[a, both], wide[b, both]
        kappa: tuple[float | None, ...] = (None, None, None)
        if len(values) <= MOST_LEVELS:
            codes = np.searchsorted(values, x) * len(values) + np.searchsorted(values, y)
            counted: Floats = np.bincount(codes, minlength=len(values) ** 2).astype(np.float64)
            kappa = kappas(counted.reshape(len(values), -1), values)
        varied = x.std() > 0 and y.std() > 0
        pearson = float(np.corrcoef(x, y)[0, 1]) if varied else None
        spearman = float(np.corrcoef(mid_ranks(x), mid_ranks(y))[0, 1]) if varied else None
        found.append(np.array([np.nan if v is None else v for v in (*kappa, pearson, spearman)]))
    return found
