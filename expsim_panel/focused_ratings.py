"""A law of ratings whose items differ in quality and in how well raters agree on it, both with any joint distribution.

On a scale from bad over neither to good, all raters say "neither" of items that have no side, and differ in how good
the good ones are; a sentence that most call positive is called very negative by hardly anyone. The other laws have one
noise for all items, or classes of agreement that know nothing of quality. Here an item has a place and a noise,

    z = place[i] + severity[r] + noise[i] e,    e ~ N(0, 1),    level j iff  c[j-1] < z <= c[j]

one of `PLACES` times `NOISES` pairs, with weights of the pairs for every variant: nonparametric maximum likelihood
[1]_, each variant's drawn towards those of all by half an imaginary item. Thresholds take scoring steps of the
likelihood between rounds of expectation-maximisation, which ends before it splits hairs. A rating in a hundred is a
lapse, as of another item: one wild answer does not make a wide item. Raters' severities are those of the ordered
probit; in the fit, raters of like severity are one kind, so that an item is a few counts however many raters it has.
Members of a crowd, each of whom has rated a few items of one task, are taken as alike: they differ in noise.

References
----------
.. [1] Laird, N. (1978). Nonparametric maximum likelihood estimation of a mixing distribution. JASA 73.
"""

from __future__ import annotations

import numpy as np
from scipy.special import ndtr, ndtri

from expsim_panel.rating_models import MOST_STRETCHED, ProbitModel, Sheet
from expsim_panel.ratings import Codes, Floats
from expsim_panel.shaped_ratings import IMAGINARY, TINY, Shape, ShapedModel, owners, rated_often

PLACES = np.linspace(-3.6, 3.6, 25)
NOISES = np.array([0.1, 0.2, 0.35, 0.5, 0.75, 1.0, 1.5, 2.5])
WIDE = 1.3  # standard deviation of a rating at the start, places having 1
KINDS = 7  # of raters
ROUNDS, TURNS = 12, 12  # of thresholds; of the weights within each
WIDEST_STEP = 0.2
LAPSE = 0.01  # estimated along it grew to several hundredths, at the cost of ranges of twenty raters' scores


def fitted_focused(sheet: Sheet, plain: ProbitModel) -> ShapedModel:
    """Fit to a sheet, with the raters of the `plain` model that was fitted to it."""
    own, fit, levels = sheet.ratings, plain.fit, len(sheet.values)
    unit = WIDE / float(np.hypot(fit.item_sd, fit.noise_sd))
    alone = fit.severities if len(fit.severities) <= MOST_STRETCHED else np.zeros(len(fit.severities))
    kind = _kinds(alone)
    often, often_part = rated_often(sheet)
    kinds, owner = int(kind.max()) + 1, owners(sheet, often)
    severity = np.bincount(kind, alone) / np.bincount(kind) * unit
    code = (own.item * kinds + kind[own.rater]) * levels + sheet.level
    counts = np.bincount(code, minlength=own.items * kinds * levels).reshape(own.items, -1).astype(float)

    seen = np.cumsum(np.bincount(sheet.level, minlength=levels) + 0.5 / levels)
    tau = ndtri(seen[:-1] / seen[-1]) * WIDE
    level = np.diff(np.concatenate([[0.0], seen / seen[-1]]))
    places, noises = np.repeat(PLACES, len(NOISES)), np.tile(NOISES, len(PLACES))
    start = np.exp(-0.5 * places**2)
    weights = np.tile(start / start.sum(), (len(own.variants) * (1 if often is None else 2), 1))
    for _ in range(ROUNDS):
        off = ((tau - severity[:, None])[..., None] - places) / noises
        chance = np.maximum(np.diff(np.pad(ndtr(off), ((0, 0), (1, 0), (0, 0))), axis=1, append=1.0), TINY)
        mixed = (1 - LAPSE) * chance + LAPSE * level[:, None]
        weights, after = _weighed(counts, owner, np.log(mixed).reshape(kinds * levels, -1), weights)
        expected = (counts.T @ after).reshape(mixed.shape)
        # ratings at a level less those at the next, by what moving the threshold between them does to both
        ratio = expected / mixed
        dense = (1 - LAPSE) * np.exp(-0.5 * off**2) / (noises * np.sqrt(2 * np.pi))
        push = (dense * (ratio[:, :-1] - ratio[:, 1:])).sum(axis=(0, 2))
        known = (dense**2 * (ratio[:, :-1] / mixed[:, :-1] + ratio[:, 1:] / mixed[:, 1:])).sum(axis=(0, 2))
        tau = np.maximum.accumulate(tau + np.clip(push / np.maximum(known, TINY), -WIDEST_STEP, WIDEST_STEP))
    raters = alone * unit, np.zeros(len(alone)), fit.severity_sd * unit if alone.any() else 0.0
    return ShapedModel(fit, plain.share, Shape(places, weights, tau, *raters, LAPSE, noises, often, often_part))


def _kinds(severity: Floats) -> Codes:
    """Return the kind of each rater: its own, or of many raters one of `KINDS` of like severity."""
    count = len(severity)
    rank = np.empty(count, np.int64)
    rank[np.argsort(severity, kind="stable")] = np.arange(count)
    return rank if count <= KINDS else rank * KINDS // count


def _weighed(counts: Floats, owner: Codes, log: Floats, weights: Floats) -> tuple[Floats, Floats]:
    """Return weights after turns of expectation-maximisation, and each item's chances of the pairs.

    Parameters
    ----------
    counts : float64 array, shape (items, kinds * levels)
    owner : int64 array, shape (items,)
    log : float64 array, shape (kinds * levels, pairs)
        Logarithms of chances.
    weights : float64 array, shape (variants, pairs)
    """
    like = counts @ log
    like = np.exp(like - like.max(axis=1, keepdims=True))
    variants = len(weights)
    member = (owner == np.arange(variants)[:, None]).astype(float)
    for _ in range(TURNS):
        after = like * weights[owner]
        after /= np.maximum(after.sum(axis=1, keepdims=True), TINY)
        weights = member @ after
        weights = weights + IMAGINARY * (weights.sum(axis=0) / len(owner))
        weights = np.maximum(weights / np.maximum(weights.sum(axis=1, keepdims=True), TINY), 0.0)
    return weights, after
