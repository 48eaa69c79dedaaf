"""What differs from item to item: how clear it is, how strongly it moves raters, and whether it is answered alike.

A rating's latent score under `rater_factors` is ``x = sqrt(rho) f + sqrt(1 - rho) noise``, `f` the rater's
direction among the item's factors, standard normal. Of each item are drawn

    clarity   rho = expit(logit(communality of the rater) + shift of the item's class)
    style     x is multiplied by s = exp(omega g), g = -sqrt(3), 0, sqrt(3) with chances 1/6, 2/3, 1/6:
              items (or respondents) that draw extreme answers from all, and such that draw middling ones
    straight  with a small chance all raters give the same level, whatever they look at
    kind      levels that the item draws or keeps away, where the law has `tastes` (`level_tastes`)

of each rating whether it is a `lapse`, which has nothing to do with the item, and whether it is an `echo`: it
then repeats the level of an earlier rating of the item, where its rater gives that level at least as often (with
the ratio of both chances otherwise), so that raters agree to the point more often than smooth noise allows and an
item keeps to few of the levels (respondents who use few of them, raters who know what others said).

Thresholds are carried to the scale of the mixture, ``H(t) = sum of chances x Phi(t / s)``, and the chances of
straight answers and of echoes are taken out of each rater's distribution, so the distribution of a single rating
stays what it was. Classes' shares are the nonparametric maximum-likelihood estimate on a grid [1]_ with the weight
of a few imaginary items; omega and lapse are searched for on a grid and must gain more than noise; echoes are set by
how often raters tie (`structured_ratings`).

References
----------
.. [1] Laird, N. (1978). Nonparametric maximum likelihood estimation of a mixing distribution. JASA 73.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from scipy.special import expit, logit, ndtr, ndtri

from expsim_panel.kernels.normal_table import all_below
from expsim_panel.kernels.rating_items import levels_above
from expsim_panel.kernels.rating_mixtures import class_shares, summed_rows
from expsim_panel.level_tastes import KINDS, tasted
from expsim_panel.ratings import Codes, Floats
from expsim_panel.recoding import coded_anew

SHIFTS = np.array([-5.0, -2.0, -0.8, 0.0, 0.8, 1.8, 3.5])

STYLES = (0.3, 0.6, 0.9)
STEP = np.array([-(3**0.5), 0.0, 3**0.5])
CHANCE = np.array([1 / 6, 2 / 3, 1 / 6])
LAPSES = (0.04, 0.12)
COST = 2.0  # log likelihood that a parameter must gain
IMAGINARY = 10.0
ROUNDS = 120
FEWEST_ITEMS = 50
DRAWS = 256
WIDEST = 9.0
TINY = 1e-12


@dataclass(frozen=True)
class Texture:
    """The law of items.

    Attributes
    ----------
    loadings : float64 array, shape (raters, factors)
    shifts, shares : float64 arrays, shape (classes,)
        Of the classes of clarity; `shares` and `straight` sum to 1.
    style : float
        omega.
    lapse, echo : float
        Share of ratings that are lapses, and echoes.
    straight : float
        Share of items that are answered alike.
    tastes : float64 array, shape (tastes, levels)
        How much items differ in drawing levels (`level_tastes`); without rows they do not.
    """

    loadings: Floats
    shifts: Floats
    shares: Floats
    style: float = 0.0
    lapse: float = 0.0
    echo: float = 0.0
    straight: float = 0.0
    tastes: Floats = field(default_factory=lambda: np.zeros((0, 0)))

    def levels(
        self, item: Codes, rater: Codes, cuts: Floats, plain: Floats, factors: Floats, rng: np.random.Generator
    ) -> Codes:
        """Draw levels.

        Parameters
        ----------
        item, rater : int64 arrays, shape (rows,)
        cuts, plain : float64 arrays, shape (rows, levels - 1)
            Thresholds for a unit normal score, of the rating's rater and of a rater like all.
        factors : float64 array, shape (factors, items)
            Standard normal.
        """
        rows, items = len(item), factors.shape[1]
        share = (self.loadings**2).sum(axis=1)
        toward = self.loadings / np.sqrt(share)[:, None]
        edges = np.cumsum(self.shares)
        pick = np.searchsorted(edges, rng.random(items), side="right")  # the last one beyond: straight
        rho = expit(logit(share)[rater] + np.append(self.shifts, 0.0)[pick][item])
        f = (toward[rater] * factors.T[item]).sum(axis=1)
        x = np.sqrt(rho) * f + np.sqrt(1 - rho) * rng.standard_normal(rows)
        if self.lapse > 0:
            x = np.where(rng.random(rows) < self.lapse, rng.standard_normal(rows), x)
        own = without(cuts, plain, self.straight) if self.straight > 0 else cuts
        if len(self.tastes):
            own = tasted(own, self.tastes, np.asarray(rng.integers(0, KINDS, items))[item])
        turns: list[tuple[Codes, Codes]] = []
        if self.echo > 0:
            turns = earlier(item, items, rng)
            own, kept = apart_from_echoes(own, turns, self.echo)
        if self.style > 0:
            x = x * np.exp(self.style * STEP[np.searchsorted([1 / 6, 5 / 6], rng.random(items))])[item]
            own = widened(own, self.style)
        each = np.arange(rows)
        level = levels_above(x, each, own)
        for mine, source in turns:
            again = level[source]
            level[mine] = np.where(rng.random(len(mine)) < self.echo * kept[mine, again], again, level[mine])
        if self.straight > 0:
            alike = np.asarray(pick >= len(edges))[item]
            level = np.where(alike, levels_above(factors[0][item], each, plain), level)
        return level


def earlier(item: Codes, items: int, rng: np.random.Generator) -> list[tuple[Codes, Codes]]:
    """Return the second ratings of all items, then the third, and so on, with a random earlier one of its item each."""
    order = np.argsort(item, kind="stable")
    start = np.searchsorted(item[order], np.arange(items))
    size = np.bincount(item, minlength=items)
    found = []
    for place in range(1, int(size.max(initial=0))):
        first = start[size > place]
        found.append((order[first + place], order[first + (rng.random(len(first)) * place).astype(np.int64)]))
    return found


def apart_from_echoes(cuts: Floats, turns: list[tuple[Codes, Codes]], echo: float) -> tuple[Floats, Floats]:
    """Return thresholds such that, mixed with echoes, `cuts` come out; and the chance to take over each level.

    A level that the other rater gives with chance p and one's own with q is taken over with ``min(1, q / p)``, in
    all with ``echo min(p, q)``: what is left of q is never below 0.
    """
    below = np.ones((len(cuts), cuts.shape[1] + 1))
    below[:, :-1] = ndtr(cuts)
    chance = np.maximum(np.diff(below, axis=1, prepend=0.0), TINY)
    rest, kept = chance.copy(), np.ones_like(chance)
    for mine, source in turns:
        own, other = chance[mine], chance[source]
        kept[mine] = np.minimum(1.0, own / other)
        rest[mine] = own - echo * np.minimum(own, other)
    left = np.cumsum(rest, axis=1)[:, :-1] / rest.sum(axis=1, keepdims=True)
    return np.asarray(ndtri(np.clip(left, 1e-15, 1 - 1e-15))), kept


def widened(cuts: Floats, style: float) -> Floats:
    """Carry thresholds of a unit normal to the mixture of normals that items of different style make."""
    if style == 0:
        return cuts
    at = np.linspace(-40, 40, 3201)
    unit = ndtri(np.clip(ndtr(at[:, None] / np.exp(style * STEP)) @ CHANCE, 1e-300, 1 - 1e-16))
    kept = np.concatenate([[True], np.diff(unit) > 0])
    return np.asarray(np.interp(cuts, unit[kept], at[kept]))


def without(cuts: Floats, plain: Floats, straight: float) -> Floats:
    """Return thresholds such that, mixed with `straight` ratings at `plain` thresholds, `cuts` come out."""
    edge = np.zeros((2, len(cuts), cuts.shape[1] + 2))
    edge[0, :, 1:-1], edge[1, :, 1:-1], edge[:, :, -1] = ndtr(cuts), ndtr(plain), 1.0
    chance = np.diff(edge, axis=2)
    rest = np.maximum(chance[0] - straight * chance[1], 0.02 * chance[0])
    below = np.cumsum(rest, axis=1)[:, :-1] / rest.sum(axis=1, keepdims=True)
    return np.asarray(ndtri(np.clip(below, 1e-15, 1 - 1e-15)))


def fit_texture(
    level: Codes, item: Codes, cell: Codes, cuts: Floats, plain: Floats, of: Codes, loadings: Floats
) -> Texture:
    """Estimate the law of items, raters' thresholds and loadings given.

    Parameters
    ----------
    level, item, cell : int64 arrays, shape (rows,)
        Level, item from 0 without gaps, and (variant, rater) pair of each rating.
    cuts, plain : float64 arrays, shape (cells, levels - 1)
    of : int64 array, shape (cells,)
        Rater of each pair.
    """
    items = int(item.max()) + 1
    one = Texture(loadings, np.zeros(1), np.ones(1))
    if items < FEWEST_ITEMS or len(level) < 1.5 * items:
        return one
    levels = cuts.shape[1] + 1
    used, place = coded_anew(cell * levels + level, len(cuts) * levels)
    start = np.searchsorted(np.sort(item), np.arange(items + 1))
    seen = _Seen(place[np.lexsort((place, item))], start, used // levels, used % levels, cuts)
    straight = _straight(level, item, cell, plain, items)
    share = (loadings**2).sum(axis=1)[of]
    if loadings.shape[1] == 1:
        nodes = np.linspace(-3.45, 3.45, 35)[:, None]
        weights = np.exp(-0.5 * nodes[:, 0] ** 2) / np.exp(-0.5 * nodes**2).sum()
    else:
        from scipy.stats import qmc  # takes half a second to import, and few tables need it

        nodes = ndtri(qmc.Sobol(loadings.shape[1], scramble=True, seed=7).random(DRAWS))
        weights = np.full(DRAWS, 1 / DRAWS)
    toward = ((loadings / np.sqrt((loadings**2).sum(axis=1))[:, None]) @ nodes.T)[of]
    near = np.exp(-0.5 * (SHIFTS / 0.7) ** 2)
    prior = np.concatenate([IMAGINARY * near / near.sum(), [TINY]])

    def tried(style: float, lapse: float) -> tuple[float, Floats]:
        columns = [seen.likelihood(expit(logit(share) + shift), toward, weights, style, lapse) for shift in SHIFTS]
        fit, shares = _shares(np.stack([*columns, straight], axis=1), prior)
        return fit - COST * ((style > 0) + (lapse > 0)), shares

    kept = [0.0, 0.0]
    best = tried(0.0, 0.0)
    for which, grid in enumerate((STYLES, LAPSES)):
        for value in grid:
            trial = [*kept[:which], value, *kept[which + 1 :]]
            found = tried(*trial)
            if found[0] <= best[0]:
                break
            best, kept = found, trial
    shares = np.where(best[1] > 0.005, best[1], 0.0)
    shares /= shares.sum()
    clear = shares[:-1]
    return Texture(loadings, SHIFTS[clear > 0], clear[clear > 0], kept[0], kept[1], straight=float(shares[-1]))


@dataclass(frozen=True)
class _Seen:
    """Distinct (variant, rater, level) of each rating, item by item (`place`, from `start`); their pair and level."""

    place: Codes
    start: Codes
    cells: Codes
    at: Codes
    cuts: Floats

    def likelihood(self, rho: Floats, toward: Floats, weights: Floats, style: float, lapse: float) -> Floats:
        """Return the log likelihood of each item.

        Parameters
        ----------
        rho : float64 array, shape (pairs,)
        toward : float64 array, shape (pairs, nodes)
            Direction of each pair's rater at the nodes.
        weights : float64 array, shape (nodes,)
        """
        edge = np.full((2, len(self.cuts), self.cuts.shape[1] + 2), 60.0)
        edge[:, :, 0] = -60.0
        edge[0, :, 1:-1], edge[1, :, 1:-1] = widened(self.cuts, style), self.cuts
        upper, lower = edge[:, self.cells, self.at + 1], edge[:, self.cells, self.at]
        alone = ndtr(upper[1]) - ndtr(lower[1])
        own = rho[self.cells][:, None]
        centre, scale = np.sqrt(own) * toward[self.cells], np.sqrt(1 - own)
        logs = []
        for s in np.exp(style * STEP) if style > 0 else np.ones(1):
            chance = all_below((upper[0][:, None] / s - centre) / scale)
            chance -= all_below((lower[0][:, None] / s - centre) / scale)
            chance = (1 - lapse) * chance + lapse * alone[:, None]
            log = np.log(np.maximum(chance, TINY))
            logs.append(summed_rows(log.astype(np.float32), self.place, self.start))
        top = np.max([one.max(axis=1) for one in logs], axis=0)
        chances = CHANCE if style > 0 else np.ones(1)
        total = sum(p * (np.exp(one - top[:, None]) @ weights) for p, one in zip(chances, logs, strict=True))
        return np.asarray(top + np.log(total), dtype=float)


def _straight(level: Codes, item: Codes, cell: Codes, plain: Floats, items: int) -> Floats:
    """Return the log likelihood of each item if all its raters answer alike."""
    order = np.lexsort((level, item))
    start = np.searchsorted(item[order], np.arange(items))
    least, most = np.minimum.reduceat(level[order], start), np.maximum.reduceat(level[order], start)
    edge = np.zeros((len(plain), plain.shape[1] + 2))
    edge[:, 1:-1], edge[:, -1] = ndtr(plain), 1.0
    chance = np.diff(edge, axis=1)[cell[order][start], least]
    return np.where(least == most, np.log(np.maximum(chance, TINY)), -700.0)


def _shares(joint: Floats, prior: Floats) -> tuple[float, Floats]:
    """Return the penalised log likelihood and the shares of classes, by expectation-maximisation."""
    shares, fit = class_shares(joint, prior, np.full(len(prior), 1 / len(prior)), ROUNDS)
    return fit + float(prior @ np.log(shares)), shares
