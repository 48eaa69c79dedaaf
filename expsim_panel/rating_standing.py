"""Where an item stands among those rated more or less often, and how much better the often rated ones are.

Users rate what they like or what many talk about: films that hundreds have rated are better than those that three have.
Pairs of raters and wide ranges then come mostly from good items, whichever law says how raters differ. So the effect of
an item may go with its standing: normal scores of the number of its ratings within its variant,

    effect = pull * standing + sqrt(1 - pull^2 var(standing)) * e,    e ~ N(0, 1),

mean 0 and variance 1 over ratings, as thresholds and agreement were fitted to ratings. The pull comes from a regression
of scores within raters (who rates much may rate other things, and be stricter) and is kept only if it is beyond doubt,
the error being that of items, not of ratings. Where all items are rated as often there is none.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scipy.special import ndtri

from expsim_panel.ratings import Codes, Floats

if TYPE_CHECKING:
    from expsim_panel.rating_models import Sheet

SURE = 4.0  # standard errors
MOST = 0.95  # of the variance of effects that standing may explain
TOLD = 0.01  # of the width of the scale that means of ratings and of items must be apart to be told


def standings(item: Codes, variant: Codes, items: int, variants: int) -> Floats:
    """Return the normal score of each item's number of ratings within its variant, of mean 0 over ratings.

    Parameters
    ----------
    item, variant : int64 arrays, shape (rows,)
    """
    count = np.bincount(item, minlength=items)
    owner = np.zeros(items, dtype=np.int64)
    owner[item] = variant
    found = np.zeros(items)
    for one in range(variants):
        mine = np.flatnonzero((owner == one) & (count > 0))
        if len(mine):
            _, kind, size = np.unique(count[mine], return_inverse=True, return_counts=True)
            score = ndtri((np.cumsum(size) - size / 2)[kind] / len(mine))  # the middle of its ranks
            found[mine] = score - np.average(score, weights=count[mine])
    return found


def standing_slope(sheet: Sheet) -> float:
    """Return by how many standard deviations of the latent scale ratings rise with standing; 0 unless beyond doubt."""
    own, level = sheet.ratings, sheet.level
    standing = sheet.standing
    if np.ptp(standing) < 1e-9 or len(sheet.values) < 2:
        return 0.0
    up_to = np.cumsum(np.bincount(level, minlength=len(sheet.values))) / own.rows
    dense = np.exp(-0.5 * ndtri(np.concatenate([[0.0], up_to[:-1], [1.0]])) ** 2) / np.sqrt(2 * np.pi)
    share = np.diff(up_to, prepend=0.0)
    # the mean of a standard normal within each level; its slope on a shift is its own variance
    mean = (dense[:-1] - dense[1:]) / np.maximum(share, 1e-12)
    x, y = (_within(own.rater, value, len(own.raters)) for value in (standing[own.item], mean[level]))
    square = float(x @ x)
    if square < 1e-9:
        return 0.0
    slope = float(x @ y) / square
    # raters' rows of an item have its luck in common
    error = float(np.sqrt((np.bincount(own.item, x * (y - slope * x)) ** 2).sum())) / square
    return slope / float(share @ mean**2) if abs(slope) > SURE * error else 0.0


def pulled(effect: Floats, sheet: Sheet, pull: float) -> Floats:
    """Return standard normal effects moved by what items' standing says."""
    if pull == 0:
        return effect
    known = float(np.mean(sheet.standing[sheet.ratings.item] ** 2))
    if known == 0:
        return effect
    pull = float(np.clip(pull, -np.sqrt(MOST / known), np.sqrt(MOST / known)))
    return np.asarray(pull * sheet.standing + np.sqrt(1 - pull**2 * known) * effect)


def _within(rater: Codes, value: Floats, raters: int) -> Floats:
    """Return values less their rater's mean."""
    size = np.maximum(np.bincount(rater, minlength=raters), 1)
    return np.asarray(value - (np.bincount(rater, value, raters) / size)[rater])


def standing_told(sheet: Sheet) -> list[str]:
    """Return what the reader should know where ratings go with how often items are rated."""
    slope = standing_slope(sheet)
    if slope == 0:
        return []
    own = sheet.ratings
    size = np.bincount(own.item, minlength=own.items)
    of_items = float((np.bincount(own.item, own.score, own.items)[size > 0] / size[size > 0]).mean())
    if abs(own.score.mean() - of_items) < TOLD * np.ptp(own.score):
        return []
    return [
        f"Items that were rated more often have {'higher' if slope > 0 else 'lower'} scores: the mean of ratings is"
        f" {own.score.mean():.2f}, that of items {of_items:.2f}. The scenario has the mean of ratings; items rated"
        " equally often would have the other."
    ]
