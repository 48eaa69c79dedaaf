"""A law of ratings whose item effects have any shape: answers that hit or miss, two kinds of items, long tails.

The ordered probit says that the quality of a variant's items is normal on the latent scale. Where an answer is either
right or wrong, ratings crowd at both ends of the scale and raters agree on which: no normal effect does that, whatever
its variance. Here an item's effect is one of about fifty places,

    z = place[i] + severity[r] + noise,    noise ~ N(0, 1),    level j iff  c[j-1] < z <= c[j]

with weights of the places for every variant. They are nonparametric maximum likelihood [1]_, the likelihood of an
item being the product over its ratings, and each variant's are drawn towards those of all by the weight of half an
imaginary item; the search begins with the normal law and ends before it splits hairs. Thresholds keep the
distribution of levels that was seen. Severities are random effects whose variance is estimated: penalised scoring
steps with the observed information of each rater, `sum of squares of what each rating adds to the slope` [2]_. A
share of lapses, ratings as of another item of the variant, is kept if it gains 4 of log likelihood.
Variants have a shape each, not one shape that moves: where half the answers miss and a better prompt lets a quarter
miss, no shift of the one shape gives the other. Items that far more raters have seen than the others are often of
another kind (clear cases by which raters are checked): then each variant has a shape of theirs, too.

References
----------
.. [1] Laird, N. (1978). Nonparametric maximum likelihood estimation of a mixing distribution. JASA 73.
.. [2] Berndt, Hall, Hall, Hausman (1974). Estimation and inference in nonlinear structural models. Annals of Economic
   and Social Measurement 3.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from scipy.special import ndtr

from expsim_panel.kernels.rating_items import levels_above
from expsim_panel.kernels.rating_shapes import place_chances, shape_step, shaped_marginal
from expsim_panel.ordered_probit import OrderedProbit, cell_counts, next_variance
from expsim_panel.rating_models import ProbitModel, Sheet, effects
from expsim_panel.ratings import Codes, Floats

PLACES = 49
IMAGINARY = 0.5  # items of the common shape for each variant: more would pull such together as are far apart
STEPS, TURNS = 120, 3  # of raters and thresholds; of the weights within each
SETTLED = 0.02  # log likelihood that a step must gain
MATCHING, WIDEST_STEP, MOST_GROWN = 12, 0.5, 0.1
OFTEN, FEWEST_OFTEN = 3.0, 25  # times as many ratings; items on either side
BEYOND = 3.2  # standard deviations of a variant's items that places reach
LEAST_REACH, MOST_WIDTH = 3.5, 24.0  # places further apart than half the noise would show
LAPSES = (0.02, 0.05, 0.1, 0.2)
LAPSE_COST = 4.0  # log likelihood that a larger lapse must gain
TINY = 1e-12
FAINT = 1e-6  # of every place at the start: what is 0 stays 0


@dataclass(frozen=True)
class Shape:
    """What an item's effect may be, and raters beside it, on the scale where a rating's noise has variance 1.

    Attributes
    ----------
    places : float64 array, shape (places,)
        Ascending; of a focused law each several times, with other noises.
    weights : float64 array, shape (variants, places) or (2 * variants, places)
        Part of each variant's items at each place, and after them of its items with `often` ratings or more; rows
        sum to 1.
    thresholds : float64 array, shape (levels - 1,)
        Ascending; of raters without severity.
    severities, severity_errors : float64 arrays, shape (raters,)
        Shift of each rater, shrunken; positive gives higher scores. Standard deviation of what is not known of it.
    severity_sd : float
        Standard deviation of raters' severities.
    lapse : float
        Share of ratings that do not depend on the item: they are as of another item of the variant.
    noises : float64 array, shape (places,) or (1,)
        Standard deviation of a rating's noise at each place; 1 unless the law is focused (`focused_ratings`).
    often : int or None
        Ratings from which on an item is of those that far more raters have seen; None if there are none.
    often_part : float64 array, shape (variants,)
        Part of each variant's items that is.
    """

    places: Floats
    weights: Floats
    thresholds: Floats
    severities: Floats
    severity_errors: Floats
    severity_sd: float
    lapse: float
    noises: Floats = field(default_factory=lambda: np.ones(1))
    often: int | None = None
    often_part: Floats = field(default_factory=lambda: np.zeros(1))

    @property
    def of_variants(self) -> Floats:
        """Part of each variant's items at each place, however often they were rated, shape (variants, places)."""
        if self.often is None:
            return self.weights
        few, many = np.split(self.weights, 2)
        part = self.often_part[:, None]
        return np.asarray((1 - part) * few + part * many)

    def drawn(self, owner: Codes, chance: Floats) -> Codes:
        """Return the codes of places of items of an `owner` whose rank within it is `chance`, from 0 to 1."""
        owners, places = self.weights.shape
        up_to = np.cumsum(self.weights, axis=1) + np.arange(owners)[:, None]
        place = np.searchsorted(up_to.ravel(), chance + owner) - owner * places
        return np.asarray(np.clip(place, 0, places - 1))


@dataclass(frozen=True)
class ShapedModel:
    """Item effects of a `shape`; `fit` is the ordered probit beside it, of which thresholds and raters are not read.

    Variants share the part `share` of item variance on a prompt: standard normal effects correlate by it, and an
    item's place is the quantile of its variant's shape.
    """

    fit: OrderedProbit
    share: float
    shape: Shape

    @classmethod
    def fitted(cls, sheet: Sheet, plain: ProbitModel) -> ShapedModel:
        """Fit to a sheet, beginning with the `plain` model that was fitted to it."""
        own, fit, levels = sheet.ratings, plain.fit, len(sheet.values)
        order = np.argsort(own.item, kind="stable")
        kind = (own.rater * levels + sheet.level)[order]
        start = np.searchsorted(own.item[order], np.arange(own.items + 1))
        often, often_part = rated_often(sheet)
        owner = owners(sheet, often)
        counts, whose, rater = cell_counts(sheet.level, owner[own.item], own.rater, levels, len(own.raters))
        cells = (rater, whose, counts.sum(axis=1) / own.rows)
        below = np.cumsum(np.bincount(sheet.level, minlength=levels) + 0.5 / levels)[:-1] / (own.rows + 0.5)

        unit = 1 / max(fit.noise_sd, 0.05)
        spread = max(fit.item_sd * unit, 0.2)
        places, weights = _start(np.tile(fit.latent_means, 1 if often is None else 2) * unit, spread)
        data = _Data(kind, start, owner, cells, below, levels)
        first = _State(
            places,
            weights,
            fit.thresholds * unit,
            fit.severities * unit,
            fit.severity_errors * unit,
            (fit.severity_sd * unit) ** 2,
        )
        lapse = 0.0
        state, best = _climbed(data, first, lapse)
        for more in LAPSES:
            trial, gained = _climbed(data, state, more)
            if gained - LAPSE_COST <= best:
                break
            state, best, lapse = trial, gained - LAPSE_COST, more
        raters = state.severity, state.errors, state.variance**0.5
        shape = Shape(state.places, state.weights, state.tau, *raters, lapse, often=often, often_part=often_part)
        return cls(fit, plain.share, shape)

    def simulate(self, sheet: Sheet, rng: np.random.Generator) -> Codes:
        """Draw levels on the layout of `sheet`, for the raters and variants that were fitted."""
        own, shape = sheet.ratings, self.shape
        owner = owners(sheet, shape.often)
        place = shape.drawn(owner, ndtr(effects(sheet, self.share, rng)))[own.item]
        # what is not known of raters is drawn: otherwise raters with few ratings were too alike
        severity = shape.severities + shape.severity_errors * rng.standard_normal(len(shape.severities))
        if shape.lapse > 0:
            other = shape.drawn(owner[own.item], rng.random(own.rows))
            place = np.where(rng.random(own.rows) < shape.lapse, other, place)
        noise = np.broadcast_to(shape.noises, shape.places.shape)[place]
        latent = shape.places[place] + noise * rng.standard_normal(own.rows)
        return levels_above(latent, own.rater, shape.thresholds - severity[:, None])


def rated_often(sheet: Sheet) -> tuple[int | None, Floats]:
    """Return the ratings from which on an item is of those that far more raters have seen, and each variant's part.

    There are such items if some were rated three times as often as all others, or more, with none between.
    """
    own = sheet.ratings
    ratings = np.bincount(own.item, minlength=own.items)
    seen, items = np.unique(ratings, return_counts=True)
    below = np.cumsum(items)[:-1]
    enough = np.minimum(below, own.items - below) >= FEWEST_OFTEN
    gap = np.where(enough, seen[1:] / np.maximum(seen[:-1], 1), 0.0)
    if not len(gap) or gap.max() < OFTEN:
        return None, np.zeros(1)
    often = int(seen[gap.argmax() + 1])
    variants, owner = len(own.variants), owners(sheet, None)
    part = np.bincount(owner, ratings >= often, variants) / np.maximum(np.bincount(owner, minlength=variants), 1)
    return often, part


def owners(sheet: Sheet, often: int | None) -> Codes:
    """Return the variant of each item; of items with `often` ratings or more, the variant after all variants."""
    own = sheet.ratings
    owner = np.zeros(own.items, dtype=np.int64)
    owner[own.item] = own.variant
    if often is None:
        return owner
    return owner + len(own.variants) * (np.bincount(own.item, minlength=own.items) >= often)


def _start(means: Floats, spread: float) -> tuple[Floats, Floats]:
    """Return places that reach beyond the items of all variants, and the weights of normal effects."""
    reach = max(BEYOND * spread, LEAST_REACH)
    low, high = float(means.min()) - reach, float(means.max()) + reach
    beyond = max(high - low - MOST_WIDTH, 0.0) / 2
    places = np.linspace(low + beyond, high - beyond, PLACES)
    weights = np.exp(-0.5 * ((places - np.clip(means, places[0], places[-1])[:, None]) / spread) ** 2)
    weights = weights / weights.sum(axis=1, keepdims=True) + FAINT
    return places, weights / weights.sum(axis=1, keepdims=True)


@dataclass(frozen=True)
class _Data:
    """Ratings as the kernels read them; `cells`: rater, owner and part of the ratings of each pair that occurs."""

    kind: Codes
    start: Codes
    owner: Codes
    cells: tuple[Codes, Codes, Floats]
    below: Floats
    levels: int


@dataclass(frozen=True)
class _State:
    """Where the search stands."""

    places: Floats
    weights: Floats
    tau: Floats
    severity: Floats
    errors: Floats
    variance: float


def _climbed(data: _Data, state: _State, lapse: float) -> tuple[_State, float]:
    """Return the state after the search with this share of lapses, and its log likelihood."""
    places, weights, tau = state.places, state.weights, state.tau
    severity, errors, variance, before = state.severity, state.errors, state.variance, -np.inf
    part = np.bincount(data.owner, minlength=len(weights)) / len(data.owner)
    tau = _matched(tau, severity, places, data, weights, MATCHING)
    for _ in range(STEPS):
        chances = place_chances(tau - severity[:, None], places)
        prior = np.broadcast_to(IMAGINARY * (part @ weights), weights.shape).copy()
        weights, known, scale, gained = shape_step(
            chances, data.kind, data.start, data.owner, weights, prior, lapse, TURNS, data.levels
        )
        if variance > 0:
            push = (known[0] - severity / variance) / (known[1] + 1 / variance)
            severity = severity + np.clip(push, -WIDEST_STEP, WIDEST_STEP)
            severity = severity - severity.mean()
            variance = next_variance(severity, known[1], variance)
            errors = np.sqrt(1 / (known[1] + 1 / variance))
        # weights find the scale by themselves, but in hundreds of steps
        grown = float(np.exp(np.clip(scale[0] / max(scale[1], 1.0), -MOST_GROWN, MOST_GROWN)))
        places, tau, severity, errors, variance = (
            places * grown, tau * grown, severity * grown, errors * grown, variance * grown**2
        )  # fmt: skip
        tau = _matched(tau, severity, places, data, weights, 1)
        if gained - before < SETTLED:
            break
        before = gained
    tau = _matched(tau, severity, places, data, weights, MATCHING)
    return _State(places, weights, tau, severity, errors, variance), gained


def _matched(tau: Floats, severity: Floats, places: Floats, data: _Data, weights: Floats, steps: int) -> Floats:
    """Move thresholds by Newton steps until as many ratings are at or below each level as were seen."""
    for _ in range(steps):
        now, dense = shaped_marginal(tau - severity[:, None], places, *data.cells, weights)
        push = (data.below - now) / np.maximum(dense, 1e-9)
        tau = np.maximum.accumulate(tau + np.clip(push, -WIDEST_STEP, WIDEST_STEP))
        if np.abs(push).max() < 1e-9:
            break
    return tau
