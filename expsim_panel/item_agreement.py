"""How much raters agree differs from item to item, and some ratings have nothing to do with the item.

In the ordered probit the two ratings of an item have one latent correlation. Real items are clear or
ambiguous, and real raters slip. Both are added here without touching the distribution of a single rating:

    z = sqrt(rho) * item + sqrt(1 - rho) * noise          item, noise ~ N(0, 1): z ~ N(0, 1) for every rho

with `rho` drawn for each item from a few classes, and a share `lapse` of ratings in which `z` is drawn
anew, whatever the item. The shares of the classes are the nonparametric maximum-likelihood estimate of a
mixing distribution [1]_ on a grid, kept from running wild by the weight of a few imaginary items, and all
are then moved along the logit scale so that the covariance of two raters' scores is the observed one: the
level comes from the analysis of variance, only the shape from the likelihood.

References
----------
.. [1] Laird, N. (1978). Nonparametric maximum likelihood estimation of a mixing distribution. JASA 73.
"""

from __future__ import annotations

import functools
from dataclasses import dataclass

import numpy as np
from scipy.special import expit, logit, ndtr

from expsim_panel.kernels.rating_mixtures import class_chances, class_shares, item_likelihoods
from expsim_panel.latent_correlation import LARGEST, classes, item_covariance, merged_cells, root
from expsim_panel.ratings import Codes, Floats
from expsim_panel.recoding import coded_anew

GRID = np.array([0.002, 0.05, 0.15, 0.3, 0.5, 0.7, 0.85, 0.94, 0.985])
LAPSES = (0.0, 0.02, 0.05, 0.1, 0.2, 0.35)
LAPSE_COST = 2.0  # log likelihood that a larger lapse must gain: fewer than that is noise
NODES = np.linspace(-3.45, 3.45, 47)  # steps of 0.15: fine enough for the clearest class
WEIGHTS = np.exp(-0.5 * NODES**2) / np.exp(-0.5 * NODES**2).sum()
IMAGINARY = 10.0  # items whose class is that of the common correlation
STEPS = 150
MOST_ROWS = 5_000  # ratings are enough for a shape; more are sampled by item
FEWEST_ITEMS = 50


@dataclass(frozen=True)
class Agreement:
    """Classes of items.

    Attributes
    ----------
    correlations : float64 array, shape (classes,)
        Latent correlation of two ratings of an item of the class.
    shares : float64 array, shape (classes,)
        Share of items; they sum to 1.
    lapse : float
        Share of ratings that do not depend on the item.
    """

    correlations: Floats
    shares: Floats
    lapse: float

    @classmethod
    def common(cls, correlation: float) -> Agreement:
        """Return one class for all items and no lapses: the plain ordered probit."""
        return cls(np.array([correlation]), np.ones(1), 0.0)

    def latent(self, item: Codes, effect: Floats, rng: np.random.Generator) -> Floats:
        """Draw unit normal latent scores of ratings of `item`, whose standard normal effects are `effect`."""
        rows = len(item)
        noise = rng.standard_normal(rows)
        if len(self.shares) == 1:
            rho = np.full(len(effect), self.correlations[0])
        else:
            pick = np.searchsorted(np.cumsum(self.shares), rng.random(len(effect)))
            rho = self.correlations[np.minimum(pick, len(self.shares) - 1)]
        z = (np.sqrt(rho) * effect)[item] + np.sqrt(1 - rho)[item] * noise
        if self.lapse > 0:
            z = np.where(rng.random(rows) < self.lapse, rng.standard_normal(rows), z)
        return np.asarray(z)


def fit_agreement(
    level: Codes,
    item: Codes,
    cell: Codes,
    common: float,
    target: float,
    cells: tuple[Floats, Floats, Codes],
    values: Floats,
) -> Agreement:
    """Estimate classes and lapses.

    Parameters
    ----------
    level, item, cell : int64 arrays, shape (rows,)
        Level, item and (variant, rater) cell of each rating.
    common : float
        Latent correlation of the plain model; where there is too little to see, it is returned.
    target : float
        Observed covariance of two raters' scores on an item, within variants.
    cells : tuple
        Cuts (thresholds on the scale where item plus noise has variance 1, less the centre), ratings and variant
        of each cell. The likelihood merges cells of similar cuts where there are more than 400 of them.
    values : float64 array, shape (levels,)
        Score of each level.
    """
    level, item, cell = _sampled(level, item, cell)
    items = int(item.max()) + 1
    if items < FEWEST_ITEMS or not 0.0 < common < LARGEST or len(level) < 2 * items * 0.75:
        return Agreement.common(common)
    near = np.exp(-0.5 * ((logit(GRID) - logit(np.clip(common, GRID[0], GRID[-1]))) / 0.7) ** 2)
    prior = IMAGINARY * near / near.sum()
    best: tuple[float, Floats, float] | None = None
    at, cuts = merged_cells(cells[1], cells[2], cells[0])
    tables = _tables(level, at[cell], cuts)
    for lapse in LAPSES:
        fit, shares = _shares(_likelihood(tables, item, items, lapse), prior)
        fit -= LAPSE_COST * (lapse > 0)
        if best is not None and fit <= best[0]:
            break
        best = (fit, shares, lapse)
    assert best is not None
    _, shares, lapse = best
    keep = shares > 0.01
    shares, rho = shares[keep] / shares[keep].sum(), GRID[keep]
    return Agreement(_moved(rho, shares, target / (1 - lapse) ** 2, cells, values), shares, lapse)


def _sampled(level: Codes, item: Codes, cell: Codes) -> tuple[Codes, Codes, Codes]:
    """Return the ratings of items with several raters, evenly thinned if there are very many, coded anew."""
    size = np.bincount(item)
    keep = (size > 1)[item]
    chosen = np.flatnonzero(size > 1)
    rows = int(size[chosen].sum())
    if rows > MOST_ROWS:
        part = np.zeros(len(size), dtype=bool)
        count = max(int(len(chosen) * MOST_ROWS / rows), FEWEST_ITEMS)
        part[chosen[np.linspace(0, len(chosen) - 1, min(count, len(chosen))).astype(np.int64)]] = True
        keep = part[item]
    if not keep.any():
        return level[:0], np.zeros(1, dtype=np.int64), cell[:0]
    codes = np.unique(item[keep], return_inverse=True)[1].astype(np.int64)
    order = np.argsort(codes, kind="stable")
    rows_kept = np.flatnonzero(keep)[order]
    return level[rows_kept], codes[order], cell[rows_kept]


def _tables(level: Codes, cell: Codes, cuts: Floats) -> tuple[Floats, Floats, Codes]:
    """Return, for every (cell, level) that occurs, its chance by node and class, and its plain one; and where it is."""
    levels = cuts.shape[1] + 1
    edged = np.full((len(cuts), levels + 1), np.inf)
    edged[:, 0], edged[:, 1:-1] = -np.inf, cuts
    seen, place = coded_anew(cell * levels + level, len(cuts) * levels)
    at, rung = seen // levels, seen % levels
    lower, upper = edged[at, rung], edged[at, rung + 1]
    return class_chances(lower, upper, NODES, GRID), ndtr(upper) - ndtr(lower), place


def _likelihood(tables: tuple[Floats, Floats, Codes], item: Codes, items: int, lapse: float) -> Floats:
    """Return the log likelihood of each item under each class, shape (items, classes); `item` ascends."""
    return item_likelihoods(*tables, np.searchsorted(item, np.arange(items + 1)), WEIGHTS, lapse)


def _shares(joint: Floats, prior: Floats) -> tuple[float, Floats]:
    """Return the log likelihood and the shares of classes, by expectation-maximisation."""
    shares, fit = class_shares(joint, prior, prior / prior.sum(), STEPS)
    return fit + float(prior @ np.log(shares)), shares


def _moved(rho: Floats, shares: Floats, target: float, cells: tuple[Floats, Floats, Codes], values: Floats) -> Floats:
    """Move correlations along the logit scale until the mean item covariance is `target`."""
    cuts, rows, variant = cells
    size, grouped, merged = classes(rows, variant, cuts)

    @functools.cache  # far along the scale all classes are at its end
    def covariance(value: float) -> float:
        return item_covariance(value, merged, values, size, grouped)

    def gap(shift: float) -> float:
        trial = np.minimum(expit(logit(rho) + shift), LARGEST)
        return float(sum(share * covariance(float(value)) for share, value in zip(shares, trial, strict=True))) - target

    return np.asarray(np.minimum(expit(logit(rho) + root(gap, -12.0, 8.0, 5e-6)), LARGEST))
