"""The richest law of a rating table: raters with scales and factors of their own, items with a texture."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from expsim_panel.item_texture import Texture, fit_texture
from expsim_panel.latent_correlation import merged_cells
from expsim_panel.level_tastes import FEWEST, pair_table, tastes_of
from expsim_panel.ordered_probit import OrderedProbit, cell_counts
from expsim_panel.rater_factors import LARGEST, LEAST, rater_loadings
from expsim_panel.rater_scales import threshold_shifts
from expsim_panel.rating_models import ProbitModel, Sheet, agreement, effects
from expsim_panel.ratings import Codes, Floats

MOST_ROWS = 3_000  # ratings are enough for the shape of the law of items
STEPS = 7
PLAYED_ROWS, MOST_PLAYS = 20_000, 10  # at each step
MOST_ECHO = 0.5
DAMPED = 0.8
TASTING, SETTLING = 5, 4  # steps that move tastes, and that level what they did to agreement


@dataclass(frozen=True)
class Structure:
    """What the rich laws add to the ordered probit.

    Attributes
    ----------
    shifts : float64 array, shape (raters, levels - 1)
        Added to each rater's thresholds.
    concentration : float
        How closely raters' levels keep to the ordered probit, in ratings; infinite if nothing had to be added.
    texture : Texture
        How items differ; raters' loadings on common factors.
    """

    shifts: Floats
    concentration: float
    texture: Texture


@dataclass(frozen=True)
class StructuredModel:
    """Ordered probit of `fit` with a `structure`; variants share the part `share` of item variance on a prompt.

    `slope`: what ratings rise by with the standing of items that are rated more often, on the latent scale.
    """

    fit: OrderedProbit
    share: float
    structure: Structure
    slope: float = 0.0

    @classmethod
    def fitted(
        cls,
        sheet: Sheet,
        stretched: ProbitModel,
        seed: int = 1,
        factors: bool = True,
        plays: int = MOST_PLAYS,
        tastes: bool = False,
    ) -> StructuredModel:
        """Fit to a sheet; `stretched` is the model with raters' and variants' factors that was fitted to it.

        `plays`: simulated tables at each step of levelling, at most; `tastes`: items draw levels, in place of echoes.
        """
        own, fit = sheet.ratings, stretched.fit
        levels, raters = len(sheet.values), len(own.raters)
        counts, variant, rater = cell_counts(sheet.level, own.variant, own.rater, levels, raters)
        unit = np.hypot(fit.item_sd, fit.noise_sd)
        base = fit.stretches[:, None] * fit.thresholds - fit.severities[:, None]
        scale = fit.spreads * unit
        cuts = (base[rater] - fit.latent_means[variant][:, None]) / scale[variant][:, None]
        shifts, kappa = threshold_shifts(counts, variant, rater, cuts, scale, raters)
        cuts = cuts + shifts[rater] / scale[variant][:, None]
        plain = (fit.thresholds - fit.latent_means[variant][:, None]) / scale[variant][:, None]
        pair = variant * raters + rater
        cell = np.searchsorted(pair, own.variant * raters + own.rater)
        keep, item = _some(own.item, own.items)
        rho = np.clip(fit.item_sd**2 / unit**2, LEAST, LARGEST)
        loadings = np.full((raters, 1), np.sqrt(rho))
        few, few_cuts, few_plain, few_raters = np.arange(len(cuts)), cuts, plain, rater
        if not factors:  # raters differ by their thresholds alone
            few, few_cuts = merged_cells(counts.sum(axis=1), variant, cuts)
            first = np.unique(few, return_index=True)[1]
            few_plain, few_raters = plain[first], rater[first]
        straight = 0.0
        # twice: items that are answered alike make raters look more alike than they are
        for _ in range(2 if factors else 1):
            found = rater_loadings(sheet.level, own.item, own.rater, cuts[cell], raters, straight) if factors else None
            loadings = loadings if found is None else found
            texture = fit_texture(sheet.level[keep], item, few[cell[keep]], few_cuts, few_plain, few_raters, loadings)
            straight = texture.straight
            if straight == 0:
                break
        made = cls(fit, stretched.share, Structure(shifts, kappa, texture), stretched.slope)
        return made._tasted(sheet, seed, plays) if tastes else made._levelled(sheet, seed, plays)

    def simulate(self, sheet: Sheet, rng: np.random.Generator) -> Codes:
        """Draw levels on the layout of `sheet`, for the raters and variants that were fitted."""
        own, fit, texture = sheet.ratings, self.fit, self.structure.texture
        unit = np.hypot(fit.item_sd, fit.noise_sd)
        means, scale = fit.latent_means[own.variant][:, None], (fit.spreads * unit)[own.variant][:, None]
        cuts = (fit.cuts(own.rater, rng) + self.structure.shifts[own.rater] - means) / scale
        plain = (fit.thresholds - means) / scale
        loading = texture.loadings.mean(axis=0)
        pulls = self.slope * loading / max(float(loading @ loading), LEAST)
        factors = np.stack([effects(sheet, self.share, rng, pull) for pull in pulls])
        return texture.levels(own.item, own.rater, cuts, plain, factors, rng)

    def _levelled(self, sheet: Sheet, seed: int, most: int) -> StructuredModel:
        """Move clarity until raters agree as much as they are seen to, and echoes until they tie as often.

        Indirect inference: secant steps, every one a simulation with the same random numbers.
        """
        own = self.structure.texture
        signs = np.sign(own.loadings @ own.loadings.T)
        several = np.ptp(own.loadings) > 0

        def measure(level: Codes) -> tuple[float, float]:
            return _covariance(sheet, level, signs) if several else agreement(sheet, level), _ties(sheet, level)

        target, tied = measure(sheet.level)
        move, echo, slope = 0.0, own.echo, max(0.25 * abs(target), 1e-3)
        before: tuple[float, float, float] | None = None
        trial = self
        count = int(np.clip(PLAYED_ROWS // sheet.ratings.rows, 1, most))
        for step in range(STEPS):
            texture = replace(own, shifts=own.shifts + move, echo=echo)
            trial = replace(self, structure=replace(self.structure, texture=texture))
            plays = [measure(trial.simulate(sheet, np.random.default_rng([seed, k]))) for k in range(count)]
            now, ties = np.mean(plays, axis=0)
            if before is not None and abs(move - before[0]) > 1e-3 and abs(echo - before[2]) < 0.05:
                slope = float(np.clip((now - before[1]) / (move - before[0]), 0.3 * slope, 3 * slope))
            before = (move, float(now), echo)
            if step < STEPS - 1:
                move = float(np.clip(move + np.clip((target - now) / slope, -1.5, 1.5), -6, 3))
                if step < 3:
                    echo = float(np.clip(echo + (tied - ties) / (0.5 * (1 - ties)), 0.0, MOST_ECHO))
        return trial

    def _tasted(self, sheet: Sheet, seed: int, most: int) -> StructuredModel:
        """Give items the tastes that pairs of raters show beyond the law, then level clarity as `_levelled` does."""
        own, levels = self.structure.texture, len(sheet.values)
        signs, several = np.sign(own.loadings @ own.loadings.T), np.ptp(own.loadings) > 0
        chance = np.maximum(np.bincount(sheet.level, minlength=levels) / len(sheet.level), FEWEST)
        unit = np.sqrt(np.outer(chance, chance))

        def measure(level: Codes) -> tuple[float, Floats, float]:
            agreed = _covariance(sheet, level, signs) if several else agreement(sheet, level)
            return agreed, *pair_table(level, sheet.ratings.item, sheet.ratings.items, levels)

        target, pairs, edge = measure(sheet.level)
        move, slope, beyond = 0.0, max(0.25 * abs(target), 1e-3), np.zeros((levels, levels))
        before: tuple[float, float] | None = None
        trial, tastes = self, own.tastes
        count = int(np.clip(PLAYED_ROWS // sheet.ratings.rows, 1, most))
        for step in range(TASTING + SETTLING):
            texture = replace(own, shifts=own.shifts + move, tastes=tastes)
            trial = replace(self, structure=replace(self.structure, texture=texture))
            plays = [measure(trial.simulate(sheet, np.random.default_rng([seed, k]))) for k in range(count)]
            now = float(np.mean([one[0] for one in plays]))
            if before is not None and abs(move - before[0]) > 1e-3:
                slope = float(np.clip((now - before[1]) / (move - before[0]), 0.3 * slope, 3 * slope))
            # tastes change agreement too: no slope across a step that moved them
            before = (move, now) if step >= TASTING else None
            if step == TASTING + SETTLING - 1:
                break
            if step < TASTING:
                beyond = beyond + DAMPED * (pairs - np.mean([one[1] for one in plays], axis=0)) / unit
                tastes = tastes_of(beyond, chance, edge)
            move = float(np.clip(move + np.clip((target - now) / slope, -1.5, 1.5), -6, 3))
        return trial


def _ties(sheet: Sheet, level: Codes) -> float:
    """Return the share of pairs of raters of an item who give the same level."""
    levels, own = len(sheet.values), sheet.ratings
    table = np.bincount(own.item * levels + level, minlength=own.items * levels).reshape(own.items, levels)
    size = table.sum(axis=1)
    return float((table * (table - 1.0)).sum() / max((size * (size - 1.0)).sum(), 1.0))


def _covariance(sheet: Sheet, level: Codes, signs: Floats) -> float:
    """Return the mean covariance of two raters, counted with the sign that their correlation has."""
    own = sheet.ratings
    value, there = np.zeros((own.items, len(own.raters))), np.zeros((own.items, len(own.raters)))
    there[own.item, own.rater] = 1.0
    score = sheet.values[level]
    size = np.maximum(there.sum(axis=0), 1.0)
    middle = np.bincount(own.rater, score, minlength=len(own.raters)) / size
    value[own.item, own.rater] = score - middle[own.rater]
    both = there.T @ there
    weight = signs * (1 - np.eye(len(signs)))
    return float((weight * (value.T @ value)).sum() / max((np.abs(weight) * both).sum(), 1.0))


def _some(item: Codes, items: int) -> tuple[np.ndarray, Codes]:
    """Return rows of items with several ratings, thinned evenly, and their items coded anew."""
    size = np.bincount(item, minlength=items)
    chosen = np.flatnonzero(size > 1)
    part = min(1.0, MOST_ROWS / max(int(size[chosen].sum()), 1))
    count = max(int(part * len(chosen)), min(len(chosen), 60))
    if not count:
        return np.arange(0), np.zeros(1, dtype=np.int64)
    kept = np.zeros(items, dtype=bool)
    kept[chosen[np.linspace(0, len(chosen) - 1, count).astype(np.int64)]] = True
    rows = np.flatnonzero(kept[item])
    return rows, np.unique(item[rows], return_inverse=True)[1].astype(np.int64)
