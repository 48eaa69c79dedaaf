"""A rating law as the engine needs it: the chance of every value of a row along a grid of latent means.

A row is what people say of one response: one rating, or the mean (of yes and no: the majority) of several. Of one
rating the chances are exact, `Phi((c - m) / s)` for each kind of rater: nothing that the law says of how ratings go
together touches a single one. Of several on one response they are counted in `ITEMS` simulated responses in all, the
same ones at every latent mean, with panels of raters of mixed kinds: an error of about `0.5 / sqrt(ITEMS)` in a
chance. Where responses lie at places the grid is not of shifts but of tilts (`shaped_law`). Between two points of the
grid chances are interpolated, and so is their mean, so that a row's mean is right.
"""

from __future__ import annotations

import functools
from dataclasses import dataclass

import numpy as np
from scipy.special import ndtr

from expsim_panel.rating_law import RatingLaw

GRID, COARSE = 161, 61
REACH = 4.5  # latent standard deviations beyond the outermost thresholds
ITEMS = 48_000
PANELS = 16
MOST_VALUES = 64
SEED = 20_817


@dataclass(frozen=True)
class LawTable:
    """Chances of the values of a row.

    Attributes
    ----------
    values : float64 ndarray, shape (values,)
    table : float64 ndarray, shape (variants, kinds, grid, values)
        P(row <= value) for each kind of rater, or of panel.
    centre, within, between : float64 ndarray, shape (variants, grid)
        Mean over kinds, mean of their variances (with `residual`), and variance of their means.
    residual : float
        Standard deviation of a row within a value.
    """

    values: np.ndarray
    table: np.ndarray
    centre: np.ndarray
    within: np.ndarray
    between: np.ndarray
    residual: float

    def at(self, arm: int, mean: float, which: np.ndarray) -> float:
        """Return `within` or `between` of a variant at a mean."""
        arm = min(arm, len(self.centre) - 1)
        return float(np.interp(mean, self.centre[arm], which[arm]))

    def spread(self, means: np.ndarray) -> np.ndarray:
        """Return the standard deviation of a row given who rates, shape (..., variants) as `means`."""
        columns = [
            np.interp(
                means[..., a], self.centre[min(a, len(self.centre) - 1)], self.within[min(a, len(self.within) - 1)]
            )
            for a in range(means.shape[-1])
        ]
        return np.asarray(np.sqrt(np.stack(columns, axis=-1)))

    @property
    def limits(self) -> tuple[float, float]:
        """Least and greatest mean that every variant can have."""
        return float(self.centre[:, 0].max()), float(self.centre[:, -1].min())


def law_table(law: RatingLaw, votes: int, binary: bool) -> LawTable:
    """Return the table of a law for rows of `votes` ratings."""
    return _table(law.key(), votes, binary)


@functools.lru_cache(maxsize=16)
def _table(key: str, votes: int, binary: bool) -> LawTable:
    law = RatingLaw.from_key(key)
    values, cuts = np.asarray(law.values, float), np.asarray(law.cuts, float)
    if law.places:
        return _shaped(law, votes, binary)
    spreads = np.asarray(law.spreads or [1.0], float)
    wide = REACH * spreads.max()
    latent = np.linspace(cuts.min() - wide, cuts.max() + wide, GRID if votes == 1 else COARSE)
    residual = float(law.residual_sd) / votes**0.5
    if votes == 1:
        up_to = np.ones((len(spreads), len(cuts), len(latent), len(values)))
        scale = spreads[:, None, None, None]
        up_to[..., :-1] = ndtr((cuts[None, :, None, :] - latent[None, None, :, None]) / scale)
        return _moments(values, up_to, residual)
    shape = (len(spreads), PANELS, len(latent))
    sums = np.array([_panel(law, panel, votes, latent, s) for s in spreads for panel in _panels(len(cuts), votes)])
    return _counted(sums.reshape(*shape, -1), binary, residual)


def _shaped(law: RatingLaw, votes: int, binary: bool) -> LawTable:
    """Return the table of a law whose responses lie at places."""
    from expsim_panel.shaped_law import effects_by_mean, levels_by_place, panel_means

    residual = float(law.residual_sd) / votes**0.5
    places, weights = effects_by_mean(law, GRID if votes == 1 else COARSE)
    if votes == 1:
        up_to = np.einsum("agp,kpv->akgv", weights, levels_by_place(law, places), optimize=True)
        return _moments(np.asarray(law.values, float), up_to, residual)
    count = max(ITEMS // (PANELS * len(weights)), 200)
    panels = _panels(len(law.cuts), votes)
    sums = np.array([[panel_means(law, panel, places, own, count, SEED) for panel in panels] for own in weights])
    return _counted(sums, binary, residual)


def _counted(sums: np.ndarray, binary: bool, residual: float) -> LawTable:
    """Return the table of simulated rows, shape (variants, panels, grid, responses)."""
    if binary:
        sums = (sums > 0.5).astype(float)
    seen = np.unique(np.round(sums, 9))
    if len(seen) > MOST_VALUES:
        seen = np.linspace(seen[0], seen[-1], MOST_VALUES)
    place = np.searchsorted((seen[1:] + seen[:-1]) / 2, sums)
    counts = np.stack([(place <= j).mean(axis=-1) for j in range(len(seen))], axis=-1)
    return _moments(seen, counts, residual)


def _moments(values: np.ndarray, up_to: np.ndarray, residual: float) -> LawTable:
    chance = np.diff(up_to, axis=-1, prepend=0.0)
    mean = chance @ values
    variance = np.maximum(chance @ values**2 - mean**2, 0.0) + residual**2
    centre = np.maximum.accumulate(mean.mean(axis=1), axis=-1)
    centre = centre + 1e-12 * np.arange(centre.shape[-1]) * np.ptp(values)
    for array in (values, up_to, centre):
        array.setflags(write=False)
    return LawTable(values, up_to, centre, variance.mean(axis=1), mean.var(axis=1), residual)


def _panels(kinds: int, votes: int) -> np.ndarray:
    """Return panels of raters, shape (PANELS, votes): every kind is in about as many, with random others."""
    rng = np.random.default_rng(SEED)
    turns = -(-PANELS * votes // kinds)
    return np.concatenate([rng.permutation(kinds) for _ in range(turns)])[: PANELS * votes].reshape(PANELS, votes)


def _panel(law: RatingLaw, panel: np.ndarray, votes: int, latent: np.ndarray, spread: float) -> np.ndarray:
    """Return mean ratings of simulated responses by a panel at every latent mean, shape (grid, responses)."""
    from expsim_panel.item_texture import Texture
    from expsim_panel.rating_models import adjudicated_levels

    count = max(ITEMS // (PANELS * max(len(law.spreads), 1)), 200)
    item, rater = np.repeat(np.arange(count), votes), np.tile(np.arange(votes), count)
    cuts, values = np.asarray(law.cuts, float), np.asarray(law.values, float)
    average = cuts.mean(axis=0)
    texture = Texture(
        np.asarray(law.loadings, float)[panel],
        np.asarray(law.shifts, float),
        np.asarray(law.shares, float),
        float(law.style),
        float(law.lapse),
        float(law.echo),
        float(law.straight),
        np.asarray(law.tastes, float).reshape(len(law.tastes), len(values)),
    )
    found = np.empty((len(latent), count))
    for at, mean in enumerate(latent):
        rng = np.random.default_rng([SEED, *map(int, panel)])
        factors = rng.standard_normal((texture.loadings.shape[1], count))
        own = ((cuts[panel] - mean) / spread)[rater]
        plain = np.broadcast_to((average - mean) / spread, own.shape)
        level = texture.levels(item, rater, own, plain, factors, rng)
        if law.adjudicated:
            level = adjudicated_levels(level, item, count, bool(law.to_median))
        found[at] = values[level].reshape(count, votes).mean(axis=1)
    return found
