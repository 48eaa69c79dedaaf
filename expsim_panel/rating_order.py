"""Do raters use levels as steps of one scale, all the same way round? What a table shows of it.

Laws and means take levels as steps. A rater who took 1 for the best, or labels that are names of kinds, are not seen by
a realism score: a law may meet them by factors or tastes, and says nothing sensible of quality.

*Turned round.* A rater's scores fall where those of the others of an item rise: the correlation over items with the
mean of the others is beyond doubt below 0.

*Kinds.* Scores for levels that make two raters of an item as alike as can be are the first factor of the table of pairs
(dual scaling [1]_). On a scale they ascend. Those of each half of the items must make raters of the other half more
alike than any of several ordered ones do: steps of 1, and the factors as far as they ascend.

References
----------
.. [1] Nishisato, S. (1980). Analysis of Categorical Data: Dual Scaling and its Applications. Toronto.
"""

from __future__ import annotations

import numpy as np
from scipy.optimize import isotonic_regression

from expsim_panel.errors import shown
from expsim_panel.rating_models import Sheet
from expsim_panel.ratings import Codes, Floats

FEWEST_SHARED, SURE, LEAST = 20, 4.0, 0.1  # items of a rater with others; standard errors below 0; and at least
MOST_NAMED = 5
FEWEST_ITEMS = 200  # with several ratings, in each half
BEYOND, MUCH = 0.02, 0.1  # that free scores must gain on ordered ones at least: correlation, and part of it
RARE = 0.02  # part of the ratings at a level below which its score is luck
TINY = 1e-12


def turned_raters(sheet: Sheet) -> list[tuple[int, float]]:
    """Return raters whose scores fall where those of others rise, with the correlation; the clearest first."""
    own = sheet.ratings
    score = sheet.values[sheet.level]
    size = np.bincount(own.item, minlength=own.items)[own.item]
    shared = size > 1
    item, rater, mine = own.item[shared], own.rater[shared], score[shared]
    others = (np.bincount(own.item, score, own.items)[item] - mine) / (size[shared] - 1)
    raters = len(own.raters)
    count = np.bincount(rater, minlength=raters)

    def centred(value: Floats) -> Floats:
        return np.asarray(value - (np.bincount(rater, value, raters) / np.maximum(count, 1))[rater])

    x, y = centred(mine), centred(others)
    both, first, second = (np.bincount(rater, value, raters) for value in (x * y, x * x, y * y))
    known = (count >= FEWEST_SHARED) & (first > 0) & (second > 0)
    correlation = np.where(known, both / np.sqrt(np.where(known, first * second, 1.0)), 0.0)
    beyond = np.arctanh(np.clip(correlation, -0.999, 0.999)) * np.sqrt(np.maximum(count - 3, 0))
    found = [int(one) for one in np.argsort(beyond, kind="stable") if beyond[one] < -SURE]
    return [(one, float(correlation[one])) for one in found if correlation[one] <= -LEAST]


def pairs_of(item: Codes, level: Codes, levels: int) -> Floats:
    """Return the shares of ordered pairs of ratings of an item, items counting by their ratings, not by their pairs."""
    counts = np.zeros((int(item.max()) + 1, levels))
    np.add.at(counts, (item, level), 1.0)
    counts = counts[counts.sum(axis=1) > 1]
    each = counts / (counts.sum(axis=1) - 1)[:, None]
    pairs = each.T @ counts - np.diag(each.sum(axis=0))
    return np.asarray(pairs / pairs.sum())


def factors_of(pairs: Floats) -> Floats:
    """Return scores of levels, a row for each factor, those first by which two raters of an item are most alike."""
    part = np.maximum(pairs.sum(axis=1), TINY)
    size, factor = np.linalg.eigh(pairs / np.sqrt(np.outer(part, part)))
    # one of them is the share of each level itself, which is no factor
    trivial = int(np.argmax(np.abs(np.sqrt(part) @ factor)))
    order = [code for code in np.argsort(-size, kind="stable") if code != trivial]
    return np.asarray((factor[:, order] / np.sqrt(part)[:, None]).T)


def alike(score: Floats, pairs: Floats) -> float:
    """Return the correlation of two raters of an item when levels have these scores."""
    part = pairs.sum(axis=1)
    off = score - part @ score
    spread = float(part @ off**2)
    return float(off @ pairs @ off) / spread if spread > TINY else 0.0


def order_of_kinds(sheet: Sheet, leave: list[int]) -> list[float] | None:
    """Return the levels in the order that agreement gives them, None if that may be their own.

    Parameters
    ----------
    leave : list of int
        Raters that are not looked at.
    """
    own, levels = sheet.ratings, len(sheet.values)
    keep = ~np.isin(own.rater, leave)
    item, level = own.item[keep], sheet.level[keep]
    several = np.bincount(item, minlength=own.items) > 1
    if levels < 3 or int(several.sum()) < 2 * FEWEST_ITEMS:
        return None
    half = np.cumsum(several) % 2 == 0
    tables, luck = [], []
    for mine in (several & half, several & ~half):
        of = mine[item]
        tables.append(pairs_of(item[of], level[of], levels))
        size = np.bincount(item[of])
        luck.append(SURE / np.sqrt((size * (size - 1)).sum() / 2))  # correlations of raters who agree on nothing
    for seen, other, beyond in zip(tables, tables[::-1], luck[::-1], strict=True):
        factors, part = factors_of(seen), np.maximum(seen.sum(axis=1), TINY)
        steps = [np.arange(levels, dtype=float)]
        for score in factors[:2]:
            steps += [isotonic_regression(score, weights=part, increasing=up).x for up in (True, False)]
        best = max(alike(score, other) for score in steps)
        if alike(factors[0], other) < max(best + max(beyond, BEYOND), best * (1 + MUCH)):
            return None
    both = (tables[0] + tables[1]) / 2
    score = factors_of(both)[0]
    common = np.flatnonzero(both.sum(axis=1) >= RARE)
    score = -score if score[common[-1]] < score[common[0]] else score
    return [float(sheet.values[code]) for code in common[np.argsort(score[common], kind="stable")]]


def order_told(sheet: Sheet, steps: bool) -> list[str]:
    """Return what the reader should know of raters who turned the scale round, and of levels that are no scale.

    Parameters
    ----------
    steps : bool
        Whether levels are whole scores: classes of a continuous score are in order.
    """
    turned, told = turned_raters(sheet), []
    if turned:
        named = [f"{shown(sheet.ratings.raters[code])} ({value:.2f})" for code, value in turned[:MOST_NAMED]]
        more = f" and {len(turned) - MOST_NAMED} more" if len(turned) > MOST_NAMED else ""
        told.append(
            f"Low scores where the other raters of an item give high ones (correlation): {', '.join(named)}{more}."
            " A scale turned round, or another idea of what is good?"
        )
    order = order_of_kinds(sheet, [code for code, _ in turned]) if steps else None
    if order is not None:
        told.append(
            "The levels are not used as steps of one scale: by who agrees with whom their order is"
            f" {', '.join(f'{value:g}' for value in order)}. If they are names of kinds, means and laws of them say"
            " little: give one kind as 1 and the others as 0. If some raters took the scale the other way round, turn"
            " it back."
        )
    return told
