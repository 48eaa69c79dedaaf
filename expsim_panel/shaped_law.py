"""A law of ratings whose responses lie at places, at any mean: which shape a variant has that is better or worse.

A mean that is moved tilts the shape: the weight of place x is multiplied by ``exp(t x)``. Of hits and misses more hit,
at the same two places; a normal law of variance v moves by ``t v`` and stays normal, as in the other laws. Every mean
that a rating can have has one t, as the mean grows with it.
"""

from __future__ import annotations

import numpy as np
from scipy.special import ndtr

from expsim_panel.rating_law import RatingLaw

REACH = 4.5  # beyond the outermost thresholds: places of all means
FAINT = 1e-12  # weight of every place besides: tilts can reach them, and no other mean than the last ones shows it
STEEPEST = 400.0
HALVINGS = 60


def noises_of(law: RatingLaw, places: np.ndarray) -> np.ndarray:
    """Return the standard deviation of the noise at each of the law's places, or at those and the two ends beyond."""
    if not law.noises:
        return np.ones(len(places))
    own = np.asarray(law.noises, float)
    return own if len(places) == len(own) else np.pad(own, 1, constant_values=1.0)


def levels_by_place(law: RatingLaw, places: np.ndarray) -> np.ndarray:
    """Return P(level <= j) for each kind of rater at each place, shape (kinds, places, levels)."""
    cuts = np.asarray(law.cuts, float)
    found = np.ones((len(cuts), len(places), len(law.values)))
    found[..., :-1] = ndtr((cuts[:, None, :] - places[None, :, None]) / noises_of(law, places)[:, None])
    return found


def effects_by_mean(law: RatingLaw, size: int) -> tuple[np.ndarray, np.ndarray]:
    """Return places and each variant's weights at `size` means from the lowest to the highest, at even steps.

    Returns
    -------
    places : float64 ndarray, shape (places,)
    weights : float64 ndarray, shape (variants, size, places)
    """
    cuts, values = np.asarray(law.cuts, float), np.asarray(law.values, float)
    places, own = np.asarray(law.places, float), np.asarray(law.weights, float)
    ends = min(cuts.min() - REACH, places[0] - 1), max(cuts.max() + REACH, places[-1] + 1)
    places = np.concatenate([ends[:1], places, ends[1:]])
    own = np.pad(own, ((0, 0), (1, 1))) + FAINT
    score = np.diff(levels_by_place(law, places), axis=-1, prepend=0.0).mean(axis=0) @ values
    log = np.log(own / own.sum(axis=1, keepdims=True))[:, None, :]

    def tilted(tilt: np.ndarray) -> np.ndarray:
        power = log + tilt[..., None] * places
        power = np.exp(power - power.max(axis=-1, keepdims=True))
        return np.asarray(power / power.sum(axis=-1, keepdims=True))

    low = np.full((len(own), size), -STEEPEST)
    high = -low
    least, most = tilted(low) @ score, tilted(high) @ score
    wanted = least + (most - least) * np.linspace(0, 1, size)
    for _ in range(HALVINGS):
        middle = (low + high) / 2
        under = tilted(middle) @ score < wanted
        low, high = np.where(under, middle, low), np.where(under, high, middle)
    return places, tilted((low + high) / 2)


def panel_means(
    law: RatingLaw, panel: np.ndarray, places: np.ndarray, weights: np.ndarray, count: int, seed: int
) -> np.ndarray:
    """Return mean ratings of `count` simulated responses by a panel, under each row of `weights`, (rows, count).

    Parameters
    ----------
    panel : int64 ndarray, shape (votes,)
        Kinds of its raters.
    """
    rng = np.random.default_rng([seed, *map(int, panel)])
    rank = np.tile((rng.permutation(count) + 0.5) / count, (len(panel), 1)).T
    if law.lapse:
        rank = np.where(rng.random(rank.shape) < float(law.lapse), rng.random(rank.shape), rank)
    noise, noises = rng.standard_normal((count, len(panel))), noises_of(law, places)
    cuts, values = np.asarray(law.cuts, float)[panel], np.asarray(law.values, float)
    found = np.empty((len(weights), count))
    for at, own in enumerate(weights):
        place = np.minimum(np.searchsorted(np.cumsum(own), rank), len(places) - 1)
        latent = places[place] + noises[place] * noise
        level = (latent[:, :, None] > cuts).sum(axis=2)
        found[at] = values[level].mean(axis=1)
    return found
