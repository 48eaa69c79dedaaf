"""Three laws of a rating table, fitted to one table and played on the layout of another.

`ProbitModel` is the one that scenarios use; `RoundedNormal` and `IndependentRaters` are the shortcuts
that it is measured against.
"""

from __future__ import annotations

import functools
from dataclasses import dataclass, replace

import numpy as np
from scipy.special import ndtri

from expsim_panel.components import Components, one_way, variance_components
from expsim_panel.item_agreement import Agreement
from expsim_panel.kernels.rating_items import levels_above
from expsim_panel.latent_correlation import LARGEST
from expsim_panel.ordered_probit import OrderedProbit, fit_ordered_probit
from expsim_panel.rating_agreement import distinct
from expsim_panel.rating_standing import pulled, standing_slope, standings
from expsim_panel.ratings import Codes, Floats, Ratings
from expsim_panel.recoding import coded_anew

ADJUDICATED_RANGE = 2  # levels; raters further apart than this look again (SummEval's rule)
LOOKS = 30
MOST_STRETCHED = 60
STEPS = 4  # of the secant method
DRAWS = 4  # tables that are simulated at each step of it
ROUNDS = 3  # of moving thresholds and correlation in turn


@dataclass(frozen=True)
class Sheet:
    """Ratings with scores as levels.

    Attributes
    ----------
    level : int64 array, shape (rows,)
        Level of each rating, from 0.
    values : float64 array, shape (levels,)
        Score of each level, ascending; for continuous scores the mean of a class.
    edges : float64 array, shape (levels - 1,)
        Where a continuous score changes level.
    tie_break : int or None
        Levels that the first two raters of an item may be apart without a third one (`rating_tiebreak`).
    """

    ratings: Ratings
    level: Codes
    values: Floats
    edges: Floats
    tie_break: int | None = None

    @classmethod
    def of_levels(cls, ratings: Ratings, values: Floats) -> Sheet:
        """Make the sheet of ratings that only take `values`."""
        level = np.searchsorted(values, ratings.score).astype(np.int64)
        return cls(ratings, level, values, (values[1:] + values[:-1]) / 2)

    @classmethod
    def of_classes(cls, ratings: Ratings, classes: int = 10) -> Sheet:
        """Make the sheet of scores with many values in about equal classes; few values are levels as they are."""
        seen, _ = distinct(ratings.score)
        if len(seen) <= classes + 1:
            return cls.of_levels(ratings, seen)
        edges = np.unique(np.quantile(ratings.score, np.arange(1, classes) / classes))
        level = np.searchsorted(edges, ratings.score).astype(np.int64)
        kept, level = np.unique(level, return_inverse=True)
        values = np.bincount(level, ratings.score) / np.bincount(level)
        return cls(ratings, level.astype(np.int64), values, edges[kept[:-1]])

    def half(self, keep: np.ndarray) -> Sheet:
        """Return the rows where `keep` holds; items are coded anew, all other codes stay."""
        kept = np.flatnonzero(keep)
        own = self.ratings
        codes, item = coded_anew(own.item[kept], own.items)
        part = replace(
            own,
            prompt=own.prompt[kept],
            item=item,
            variant=own.variant[kept],
            rater=own.rater[kept],
            score=own.score[kept],
            items=len(codes),
        )
        return Sheet(part, self.level[kept], self.values, self.edges, self.tie_break)

    @functools.cached_property
    def item_prompt(self) -> Codes:
        """Prompt of each item."""
        owner = np.zeros(self.ratings.items, dtype=np.int64)
        owner[self.ratings.item] = self.ratings.prompt
        return owner

    @functools.cached_property
    def standing(self) -> Floats:
        """Where each item stands among those of its variant that were rated more or less often."""
        own = self.ratings
        return standings(own.item, own.variant, own.items, len(own.variants))


def effects(sheet: Sheet, prompt_share: float, rng: np.random.Generator, pull: float = 0.0) -> Floats:
    """Draw standard normal item effects that correlate by `prompt_share` within a prompt, and go with standing."""
    shared = rng.standard_normal(len(sheet.ratings.prompts))[sheet.item_prompt]
    own = rng.standard_normal(sheet.ratings.items)
    return pulled(np.sqrt(prompt_share) * shared + np.sqrt(1 - prompt_share) * own, sheet, pull)


def prompt_share(components: Components) -> float:
    """Share of the item variance that variants have in common on a prompt."""
    if not components.item or components.prompt is None:
        return 0.0
    return min(components.prompt / components.item, 1.0)


@dataclass(frozen=True)
class ProbitModel:
    """Ordered probit with rater severity; `adjudicated` lets raters who are far apart look again.

    `to_median`: those further than a level from an item's median then move to within a level of it. `slope`: what
    ratings rise by with the standing of items that are rated more often (`rating_standing`), on the latent scale.
    """

    fit: OrderedProbit
    share: float
    adjudicated: bool = False
    to_median: bool = False
    slope: float = 0.0

    @classmethod
    def fitted(
        cls, sheet: Sheet, components: Components | None = None, stretch: bool = False, mixed: bool = False
    ) -> ProbitModel:
        """Fit to a sheet; `components` are those within variants, if already known.

        `stretch`: raters differ in how much of the scale they use (unless there are so many that single ones
        have too few ratings to show it), and variants in their spread; `mixed`: items in how well raters
        agree. Both need more than two levels, or raters, to be told from what the plain model has.
        """
        own = sheet.ratings
        parts = components or variance_components(own)
        most, rest = np.inf, (parts.item or 0.0) + (parts.noise or 0.0)
        if len(own.raters) > MOST_STRETCHED and parts.severity is not None and rest > 0:
            # of a crowd, each with the items of one task, totals cannot tell who is lenient from who got good ones;
            # what raters of the same items have apart can
            most = parts.severity / rest
        fit = fit_ordered_probit(
            sheet.level,
            own.variant,
            own.rater,
            sheet.values,
            len(own.variants),
            len(own.raters),
            parts.item or 0.0,
            random=parts.severity is not None,
            stretch=stretch and len(sheet.values) > 2 and len(own.raters) <= MOST_STRETCHED,
            spread=stretch and len(sheet.values) > 2,
            item=own.item if mixed else None,
            most_severity=most,
        )
        return cls(fit, prompt_share(parts), slope=standing_slope(sheet))

    def simulate(self, sheet: Sheet, rng: np.random.Generator) -> Codes:
        """Draw levels on the layout of `sheet`, for the raters and variants that were fitted."""
        own, fit = sheet.ratings, self.fit
        unit = np.hypot(fit.item_sd, fit.noise_sd)
        z = unit * fit.agreement.latent(own.item, effects(sheet, self.share, rng, self.pull), rng)
        latent = fit.latent_means[own.variant] + fit.spreads[own.variant] * z
        level = levels_above(latent, own.rater, fit.cuts(np.arange(len(own.raters)), rng))
        return adjudicate(level, sheet, self.to_median) if self.adjudicated else level

    @property
    def pull(self) -> float:
        """By how many standard deviations of items their effects rise with standing."""
        fit = self.fit
        return self.slope * float(np.hypot(fit.item_sd, fit.noise_sd)) / max(fit.item_sd, 1e-9)

    def without_classes(self) -> ProbitModel:
        """Return the model in which raters agree on all items alike."""
        fit = self.fit
        common = fit.item_sd**2 / (fit.item_sd**2 + fit.noise_sd**2)
        return replace(self, fit=replace(fit, agreement=Agreement.common(common)))

    def with_adjudication(self, sheet: Sheet, seed: int, to_median: bool = False) -> ProbitModel:
        """Return the adjudicated model that gives, *after* adjudication, what is seen in `sheet`.

        Adjudication makes raters agree and pulls them to the middle, so before it the correlation must be
        lower and the thresholds closer than what is seen. Indirect inference, every step a simulation with
        the same random numbers: secant steps of the latent correlation until the intraclass correlation is
        right, and thresholds moved by what the distribution of levels is off.
        """
        fit, target = self.fit, agreement(sheet, sheet.level)
        rest = fit.item_sd**2 + fit.noise_sd**2
        seen = _below(sheet.level, sheet)
        thresholds, trial = fit.thresholds, self
        middle, slope = fit.item_sd**2 / rest, 1.0
        for turn in range(ROUNDS):
            before: tuple[float, float] | None = None
            for _ in range(STEPS if turn == 0 else 2):
                item, noise = float(np.sqrt(rest * middle)), float(np.sqrt(rest * (1 - middle)))
                changed = replace(fit, thresholds=thresholds, item_sd=item, noise_sd=noise)
                changed = replace(changed, agreement=Agreement.common(middle))
                trial = replace(self, fit=changed, adjudicated=True, to_median=to_median)
                plays = [trial.simulate(sheet, np.random.default_rng([seed, k])) for k in range(DRAWS)]
                now = float(np.mean([agreement(sheet, level) for level in plays]))
                if before is not None and abs(middle - before[0]) > 1e-3:
                    slope = float(np.clip((now - before[1]) / (middle - before[0]), 0.3, 3.0))
                before = (middle, now)
                middle = float(np.clip(middle + (target - now) / slope, 0.0, LARGEST))
            if turn < ROUNDS - 1:
                moved = thresholds + ndtri(seen) - ndtri(np.mean([_below(level, sheet) for level in plays], axis=0))
                if np.all(np.diff(moved) > 0):
                    thresholds = moved
        return trial


def _below(level: Codes, sheet: Sheet) -> Floats:
    """Return the share of ratings at or below each level but the last, kept off 0 and 1."""
    levels = len(sheet.values)
    counts = np.bincount(level, minlength=levels) + 0.5 / levels
    return np.asarray(np.cumsum(counts)[:-1] / counts.sum())


def agreement(sheet: Sheet, level: Codes) -> float:
    """Return ICC(1) of levels on the layout of a sheet, over all variants."""
    msb, msw, k = one_way(sheet.values[level], sheet.ratings.item, sheet.ratings.items)
    spread = msb + (k - 1) * msw
    return float((msb - msw) / spread) if spread > 0 else 0.0


@dataclass(frozen=True)
class RoundedNormal:
    """Normal scores with the same variance components; levels come from rounding and cutting to the scale."""

    means: Floats
    raters: Floats
    rater_errors: Floats
    item_sd: float
    noise_sd: float
    share: float

    @classmethod
    def fitted(cls, sheet: Sheet, components: Components | None = None) -> RoundedNormal:
        """Fit by moments."""
        own = sheet.ratings
        parts = components or variance_components(own)
        size = np.bincount(own.variant, minlength=len(own.variants))
        means = np.bincount(own.variant, own.score, minlength=len(own.variants)) / np.maximum(size, 1)
        item, noise = np.sqrt(parts.item or 0.0), np.sqrt(parts.noise or 0.0)
        severity = parts.severity or 0.0
        load = np.bincount(own.rater, minlength=len(own.raters))
        known = severity * load / np.maximum(severity * load + (parts.noise or 0.0), 1e-300)
        raters, errors = known * parts.rater_effects, np.sqrt(severity * (1 - known))
        return cls(means, raters, errors, float(item), float(noise), prompt_share(parts))

    def simulate(self, sheet: Sheet, rng: np.random.Generator) -> Codes:
        """Draw levels on the layout of `sheet`."""
        own = sheet.ratings
        raters = self.raters + self.rater_errors * rng.standard_normal(len(self.raters))
        score = self.means[own.variant] + raters[own.rater]
        score = score + self.item_sd * effects(sheet, self.share, rng)[own.item]
        score = score + self.noise_sd * rng.standard_normal(own.rows)
        return np.searchsorted(sheet.edges, score).astype(np.int64)


@dataclass(frozen=True)
class IndependentRaters:
    """Every rating drawn from a histogram, as if raters did not look at the same item."""

    cumulative: Floats

    @classmethod
    def fitted(cls, sheet: Sheet, by_variant: bool = True) -> IndependentRaters:
        """Fit by counting: a histogram of each variant, or the same one for all."""
        own, levels = sheet.ratings, len(sheet.values)
        counts = np.bincount(own.variant * levels + sheet.level, minlength=len(own.variants) * levels)
        table = counts.reshape(-1, levels)
        if not by_variant:
            table = np.broadcast_to(table.sum(axis=0), table.shape)
        table = table.cumsum(axis=1)
        return cls(table / np.maximum(table[:, -1:], 1))

    def simulate(self, sheet: Sheet, rng: np.random.Generator) -> Codes:
        """Draw levels on the layout of `sheet`."""
        draw = rng.random(sheet.ratings.rows)
        return levels_above(draw, sheet.ratings.variant, np.ascontiguousarray(self.cumulative[:, :-1]))


def spans(ordered: Codes, start: Codes) -> Codes:
    """Return max - min of each run of `ordered` that begins at `start`."""
    return np.asarray(np.maximum.reduceat(ordered, start) - np.minimum.reduceat(ordered, start))


def adjudicate(level: Codes, sheet: Sheet, to_median: bool = False) -> Codes:
    """Return levels after raters who are too far apart have moved just close enough."""
    return adjudicated_levels(level, sheet.ratings.item, sheet.ratings.items, to_median)


def adjudicated_levels(level: Codes, item: Codes, items: int, to_median: bool = False) -> Codes:
    """Return levels after adjudication; the rater furthest from an item's mean revises first, no further than asked.

    `to_median`: all raters at once, to within a level of the item's median.
    """
    if to_median:
        ranked = level[np.lexsort((level, item))]
        first, size = np.searchsorted(np.sort(item), np.arange(items)), np.bincount(item, minlength=items)
        # twice the median; an item without ratings is asked for nothing
        twice = ranked[np.minimum(first + np.maximum(size - 1, 0) // 2, len(ranked) - 1)]
        twice = (twice + ranked[np.minimum(first + size // 2, len(ranked) - 1)])[item]
        return np.asarray(np.clip(level, -(-(twice - 2) // 2), (twice + 2) // 2))
    order = np.argsort(item, kind="stable")
    owner, level = item[order], level[order]
    start = np.searchsorted(owner, np.arange(items))
    size = np.bincount(owner, minlength=items)
    for _ in range(LOOKS):
        rows = np.flatnonzero((spans(level, start) > ADJUDICATED_RANGE)[owner])
        if not len(rows):
            break
        off = level - (np.bincount(owner, level, minlength=items) / size)[owner]
        ranked = rows[np.lexsort((-np.abs(off[rows]), owner[rows]))]
        worst = ranked[np.unique(owner[ranked], return_index=True)[1]]
        level[worst] -= np.sign(off[worst]).astype(np.int64)
    level[order] = level.copy()
    return level
