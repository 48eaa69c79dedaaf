"""Ordered probit with rater severity: the default law of rating noise.

A rating of item `i` (variant `a`) by rater `r` is the level `j` with `tau[j-1] < z <= tau[j]`, where

    z = latent_mean[a] + item[i] + severity[r] + noise,    var(item) + var(severity) + var(noise) = 1

The scale is fixed by the total variance of a single rating within a variant, the origin by thresholds;
hence `P(score <= level j | a) = Phi(tau[j] - latent_mean[a])` for a rater drawn at random.

Fit in two steps, both of which read counts and not rows, so a million ratings cost little more than a
thousand: (1) thresholds, variants and raters by maximum composite likelihood on the table variant x
rater x level, ratings taken as independent there [1]_ [2]_, with raters as random effects whose variance
is estimated by restricted EM; (2) the latent correlation of two raters on an item so that the model's
average within-item covariance of scores equals the observed item component (the polychoric idea [3]_
with a moment in place of the likelihood).

References
----------
.. [1] McCullagh, P. (1980). Regression models for ordinal data. JRSS B 42, 109-142.
.. [2] Varin, Reid, Firth (2011). An overview of composite likelihood methods. Statistica Sinica 21, 5-42.
.. [3] Olsson, U. (1979). Maximum likelihood estimation of the polychoric correlation. Psychometrika 44.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.special import ndtri

from expsim_panel.item_agreement import Agreement, fit_agreement
from expsim_panel.kernels.rating_probit import (
    OF_FACTOR,
    OF_MEAN,
    OF_NARROW,
    OF_SEVERITY,
    moved_thresholds,
    parameter_slopes,
)
from expsim_panel.latent_correlation import latent_correlation
from expsim_panel.ratings import Codes, Floats
from expsim_panel.recoding import coded_anew

ROUNDS = 400
TOLERANCE = 1e-4  # far below sampling error
TINY = 1e-12


@dataclass(frozen=True)
class OrderedProbit:
    """Fitted parameters on the unit latent scale.

    Attributes
    ----------
    thresholds : float64 array, shape (levels - 1,)
        Ascending cut points.
    latent_means : float64 array, shape (variants,)
        Mean of `z`; the first variant (code 0) is the origin, 0.
    severities : float64 array, shape (raters,)
        Predicted (shrunken) latent shift of each rater; positive gives higher scores.
    severity_errors : float64 array, shape (raters,)
        Standard deviation of what is not known of each rater's severity; `severity_sd` without ratings.
    stretches : float64 array, shape (raters,)
        Factor on each rater's thresholds: above 1 for raters who keep to the middle of the scale. Ones
        unless asked for.
    spreads : float64 array, shape (variants,)
        Factor on the latent standard deviation of a variant's item and noise; ones unless asked for.
    item_sd, severity_sd, noise_sd : float
        Latent standard deviations; their squares sum to 1.
    agreement : Agreement
        Latent correlation of two ratings of an item, raters given: one for all items unless classes were
        asked for.
    """

    thresholds: Floats
    latent_means: Floats
    severities: Floats
    severity_errors: Floats
    stretches: Floats
    spreads: Floats
    item_sd: float
    severity_sd: float
    noise_sd: float
    agreement: Agreement

    def cuts(self, rater: Codes, rng: np.random.Generator) -> Floats:
        """Return each rating's own thresholds for `z` without severity, shape (rows, levels - 1).

        What is not known of raters' severity is drawn: otherwise raters with few ratings were too alike.
        """
        severity = self.severities + self.severity_errors * rng.standard_normal(len(self.severities))
        return self.stretches[rater][:, None] * self.thresholds - severity[rater][:, None]


def cell_counts(level: Codes, variant: Codes, rater: Codes, levels: int, raters: int) -> tuple[Floats, Codes, Codes]:
    """Tabulate ratings by the (variant, rater) pairs that occur: counts (cells, levels), variant, rater."""
    pair, at = coded_anew(variant * raters + rater)
    counts = np.bincount(at * levels + level, minlength=len(pair) * levels).reshape(-1, levels)
    return counts.astype(float), pair // raters, pair % raters


@dataclass(frozen=True)
class Marginal:
    """Step 1 of the fit, on the scale where item plus noise has variance 1; see `OrderedProbit`."""

    thresholds: Floats
    latent_means: Floats
    severities: Floats
    severity_errors: Floats
    stretches: Floats
    spreads: Floats
    severity_sd: float


def fit_marginal(
    counts: Floats,
    variant: Codes,
    rater: Codes,
    variants: int,
    raters: int,
    random: bool = True,
    stretch: bool = False,
    spread: bool = False,
    most: float = np.inf,
) -> Marginal:
    """Maximise the composite likelihood of a table of counts by Fisher scoring, block by block.

    Parameters
    ----------
    counts : float64 array, shape (cells, levels)
    variant, rater : int64 arrays, shape (cells,)
    random : bool
        False: no rater effects (severities are 0).
    stretch : bool
        True: each rater's thresholds have a factor of their own, too.
    spread : bool
        True: each variant's latent standard deviation has one.
    most : float
        Largest variance of severities, that of item plus noise being 1.
    """
    counts = counts + np.where(counts.sum(axis=0) == 0, 0.5 / len(counts), 0.0)  # an unused level stays open
    rows = counts.sum(axis=1)
    tau: Floats = ndtri(np.cumsum(counts.sum(axis=0) / counts.sum())[:-1])
    mean, severity, factor = np.zeros(variants), np.zeros(raters), np.ones(raters)
    variance = factor_variance = 0.1 if random and raters > 1 else 0.0
    narrow, narrow_variance = np.ones(variants), 0.1 if spread and variants > 1 else 0.0  # 1 / spread
    weight = np.bincount(variant, rows, minlength=variants)
    weight = weight / weight.sum()
    errors = np.zeros(raters)
    for _ in range(ROUNDS):
        before = np.concatenate([tau, mean, severity, factor, narrow, [variance]])

        def slope(of: int) -> Floats:
            return parameter_slopes(counts, variant, rater, tau, mean, severity, factor, narrow, of)  # noqa: B023

        score, known = slope(OF_MEAN)
        # a twentieth of a rating at 0 keeps a variant finite that only has the lowest or highest level
        mean = mean + np.clip((score - 0.05 * mean) / (known + 0.05), -1, 1)
        shift = float(mean @ weight)
        mean, tau, severity = mean - shift, tau - shift, severity + shift * (1 - factor)
        if variance > 0:
            score, known = slope(OF_SEVERITY)
            severity = severity + np.clip((score - severity / variance) / (known + 1 / variance), -1, 1)
            variance = min(next_variance(severity, known, variance), most)
            errors = np.sqrt(1 / (known + 1 / variance))
            middle = float(severity.mean())
            severity, mean = severity - middle, mean + middle
        if stretch and factor_variance > 0:
            score, known = slope(OF_FACTOR)
            push = (score - (factor - 1) / factor_variance) / (known + 1 / factor_variance)
            factor = np.maximum(factor + np.clip(push, -0.3, 0.3), 0.1)
            factor_variance = next_variance(factor - 1, known, factor_variance)
            middle = float(factor.mean())
            factor, tau = factor / middle, tau * middle
        if narrow_variance > 0:
            score, known = slope(OF_NARROW)
            push = (score - (narrow - 1) / narrow_variance) / (known + 1 / narrow_variance)
            narrow = np.maximum(narrow + np.clip(push, -0.3, 0.3), 0.1)
            narrow_variance = next_variance(narrow - 1, known, narrow_variance)
            unit = float(narrow @ weight)
            narrow, tau, mean, severity, errors = narrow / unit, tau * unit, mean * unit, severity * unit, errors * unit
            variance = variance * unit**2
        tau = moved_thresholds(counts, variant, rater, tau, mean, severity, factor, narrow)
        if np.abs(np.concatenate([tau, mean, severity, factor, narrow, [variance]]) - before).max() < TOLERANCE:
            break
    severity = severity + mean[0] * (1 - factor)  # the origin moves to the first variant
    return Marginal(tau - mean[0], mean - mean[0], severity, errors, factor, 1 / narrow, float(np.sqrt(variance)))


def next_variance(effect: Floats, known: Floats, variance: float) -> float:
    """Return the next variance of random effects: a fixed point of restricted EM that is reached faster.

    EM's fixed point ``R v = sum(effect^2) + sum(error) + sum(shrink^2) origin``, solved for `v` with the
    shrinkage held; the last term is the uncertainty of the effects' common origin.
    """
    shrink = known / (known + 1 / variance)
    origin = 1 / (1 / (1 + 1 / np.maximum(known * variance, TINY))).sum()
    freedom = float(shrink.sum() - (shrink**2).sum() * origin)
    return min(max(float(effect @ effect) / max(freedom, TINY), 1e-8), 25.0)


def fit_ordered_probit(
    level: Codes,
    variant: Codes,
    rater: Codes,
    values: Floats,
    variants: int,
    raters: int,
    item_variance: float,
    random: bool = True,
    stretch: bool = False,
    spread: bool = False,
    item: Codes | None = None,
    most_severity: float = np.inf,
) -> OrderedProbit:
    """Fit the model.

    Parameters
    ----------
    level, variant, rater : int64 arrays, shape (rows,)
        Codes of every rating.
    values : float64 array, shape (levels,)
        Score of each level, ascending.
    item_variance : float
        Item component of scores within variants (`components.variance_components`), squared points.
    random : bool
        False where severity is not estimable: raters are then taken as alike.
    stretch : bool
        True: raters also differ in how much of the scale they use.
    spread : bool
        True: variants also differ in how much their items vary.
    item : int64 array, shape (rows,), optional
        Item codes; if given, items may differ in how well raters agree on them.
    most_severity : float
        Largest variance of severities, as part of that of item plus noise.
    """
    counts, cell_variant, cell_rater = cell_counts(level, variant, rater, len(values), raters)
    most = max(most_severity, 1e-8)
    step = fit_marginal(counts, cell_variant, cell_rater, variants, raters, random, stretch, spread, most)
    centre = step.latent_means[cell_variant] + step.severities[cell_rater]
    cuts = (step.stretches[cell_rater][:, None] * step.thresholds - centre[:, None]) / step.spreads[cell_variant][
        :, None
    ]
    rho = latent_correlation(item_variance, cuts, values, counts.sum(axis=1), cell_variant)
    agreement = Agreement.common(rho)
    if item is not None:
        cells = (cuts, counts.sum(axis=1), cell_variant)
        cell = coded_anew(variant * raters + rater)[1]
        agreement = fit_agreement(level, item, cell, rho, item_variance, cells, values)
    unit = float(np.sqrt(1 + step.severity_sd**2))
    return OrderedProbit(
        thresholds=step.thresholds / unit,
        latent_means=step.latent_means / unit,
        severities=step.severities / unit,
        severity_errors=step.severity_errors / unit,
        stretches=step.stretches,
        spreads=step.spreads,
        item_sd=float(np.sqrt(rho)) / unit,
        severity_sd=step.severity_sd / unit,
        noise_sd=float(np.sqrt(1 - rho)) / unit,
        agreement=agreement,
    )
