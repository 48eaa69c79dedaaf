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
miss, no shift of the one shape gives the other.

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
    weights : float64 array, shape (variants, places)
        Part of each variant's items at each place; rows sum to 1.
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
    """

    places: Floats
    weights: Floats
    thresholds: Floats
    severities: Floats
    severity_errors: Floats
    severity_sd: float
    lapse: float
    noises: Floats = field(default_factory=lambda: np.ones(1))

    def drawn(self, variant: Codes, chance: Floats) -> Codes:
        """Return the codes of places of items of a `variant` whose rank within it is `chance`, from 0 to 1."""
        variants, places = self.weights.shape
        up_to = np.cumsum(self.weights, axis=1) + np.arange(variants)[:, None]
        place = np.searchsorted(up_to.ravel(), chance + variant) - variant * places
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
        owner = owners(sheet)
        counts, variant, rater = cell_counts(sheet.level, own.variant, own.rater, levels, len(own.raters))
        cells = (rater, variant, counts.sum(axis=1) / own.rows)
        below = np.cumsum(np.bincount(sheet.level, minlength=levels) + 0.5 / levels)[:-1] / (own.rows + 0.5)

        unit = 1 / max(fit.noise_sd, 0.05)
        spread = max(fit.item_sd * unit, 0.2)
        places, weights = _start(fit.latent_means * unit, spread)
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
        shape = Shape(state.places, state.weights, state.tau, state.severity, state.errors, state.variance**0.5, lapse)
        return cls(fit, plain.share, shape)

    def simulate(self, sheet: Sheet, rng: np.random.Generator) -> Codes:
        """Draw levels on the layout of `sheet`, for the raters and variants that were fitted."""
        own, shape = sheet.ratings, self.shape
        place = shape.drawn(owners(sheet), ndtr(effects(sheet, self.share, rng)))[own.item]
        # what is not known of raters is drawn: otherwise raters with few ratings were too alike
        severity = shape.severities + shape.severity_errors * rng.standard_normal(len(shape.severities))
        if shape.lapse > 0:
            other = shape.drawn(own.variant, rng.random(own.rows))
            place = np.where(rng.random(own.rows) < shape.lapse, other, place)
        noise = np.broadcast_to(shape.noises, shape.places.shape)[place]
        latent = shape.places[place] + noise * rng.standard_normal(own.rows)
        return levels_above(latent, own.rater, shape.thresholds - severity[:, None])


def owners(sheet: Sheet) -> Codes:
    """Return the variant of each item."""
    owner = np.zeros(sheet.ratings.items, dtype=np.int64)
    owner[sheet.ratings.item] = sheet.ratings.variant
    return owner


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
    """Ratings as the kernels read them; `cells`: rater, variant and part of the ratings of each pair that occurs."""

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
