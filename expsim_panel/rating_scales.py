"""Scores of two scales mixed by everybody: the same steps twice, once small and once large.

A table put together of two (stars of 1 to 5 and per cents, or fractions) holds two sets of levels. Where the second is
the first times a factor with nothing between them, or where the two never meet within an item, no single scale is
left that could have made them.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from expsim_panel.rating_agreement import distinct
from expsim_panel.ratings import Floats, Ratings

MOST_LEVELS = 24  # two scales of eleven levels and their zeros
FEWEST, SURE = 3, 4  # levels of a scale that suggest one, and that show one
STEPS = 3.0  # ratio of the two scales' steps; a scale with half points has 2
GAP = 3.0  # ratio of the upper scale's least score to the lower one's greatest with nothing between
WIDE_GAP = 4.0  # the same for scores that show no steps
ENOUGH = 20  # scores on each scale
VARIED = 10  # items on each of two scales far apart whose scores differ
JUMPING = 30  # items on each of two that touch whose scores jump over a level: on one scale several would jump across
UNRELATED = 0.85  # part of the disagreement by chance about which scale an item is on
ERRORS = 2.0  # standard errors above it
RELATED = 0.2  # correlation of people's ratings with which scale a judge used, from which it may be one scale
DENSE = 3.0  # times as many scores to a point on people's scale as above it
LEAST_RATING = 0.01  # smaller scores are probabilities, not ratings


@dataclass(frozen=True)
class TwoScales:
    """Two scales in one table.

    Attributes
    ----------
    low, high : bool arrays, shape (rows,)
        Scores that are on the lower and on the upper scale; what may be on both is on neither.
    top, bottom : float
        Greatest level of the lower scale and least of the upper one.
    certain : bool
    """

    low: npt.NDArray[np.bool_]
    high: npt.NDArray[np.bool_]
    top: float
    bottom: float
    certain: bool


def two_scales(ratings: Ratings) -> TwoScales | None:
    """Return the two scales of a table, None where one could have made it.

    Only scores of at least 0 are looked at: every scale that is mixed with its percentages or fractions is such.
    """
    score = ratings.score
    if score.min() < 0:
        return None
    values, at = distinct(score)
    positive = values[values > 0]
    if len(positive) <= MOST_LEVELS:
        for top, bottom, steps in _splits(positive):
            low, high = (score < bottom) & (score > 0), score > top
            if min(low.sum(), high.sum()) < ENOUGH:
                continue
            apart = _never_meet(ratings, low, high, (1.5 * steps[0], 1.5 * steps[1]), JUMPING)
            gap = bottom >= GAP * top
            levels = min(int((positive <= top).sum()), int((positive >= bottom).sum()))
            if gap or apart or (levels >= SURE and _unrelated(ratings, low, high)):
                return TwoScales(low, high, top, bottom, certain=levels >= SURE and (gap or apart))
    ratio = values[1:] / np.where(values[:-1] > 0, values[:-1], np.inf)
    for place in np.flatnonzero(ratio >= WIDE_GAP):
        low, high = at <= place, at > place
        if _never_meet(ratings, low, high, (0.0, 0.0), VARIED) and _spread(ratings, high) >= WIDE_GAP * _spread(
            ratings, low
        ):
            return TwoScales(low, high, float(values[place]), float(values[place + 1]), certain=False)
    return None


def judge_scales(score: Floats, human: Floats, most: float = np.inf) -> TwoScales | None:
    """Return the two scales that one judge used, None where one could have made its scores.

    A judge mostly scores an item once, so that what people say of the item takes the place of other scores of it: on
    one scale, items with high scores are those that people rate higher, if the judge is any good.

    Parameters
    ----------
    score, human : float arrays, shape (scores,)
        The judge's scores, and people's mean rating of the same item.
    most : float
        The greatest rating of people: what is on their scale may be, beside many scores far above it.
    """
    if not len(score) or score.min() < 0:
        return None
    values, at = distinct(score)
    positive = values[values > 0]
    if len(positive) <= MOST_LEVELS:
        for top, bottom, _ in _splits(positive):
            low, high = (score < bottom) & (score > 0), score > top
            levels = min(int((positive <= top).sum()), int((positive >= bottom).sum()))
            if min(low.sum(), high.sum()) < ENOUGH:
                continue
            if bottom >= GAP * top or (levels >= SURE and _regardless(human, low, high)):
                return TwoScales(low, high, top, bottom, certain=levels >= SURE and bottom >= GAP * top)
    ratio = values[1:] / np.where(values[:-1] >= LEAST_RATING, values[:-1], np.inf)
    for place in np.flatnonzero(ratio >= WIDE_GAP):
        low, high = (at <= place) & (score > 0), at > place
        several = min(int((positive <= values[place]).sum()), len(values) - 1 - int(place)) >= FEWEST
        if several and min(low.sum(), high.sum()) >= ENOUGH and _regardless(human, low, high):
            return TwoScales(low, high, float(values[place]), float(values[place + 1]), certain=False)
    low, high = (score > 0) & (score <= most), score > most
    if score.max() >= WIDE_GAP * most and min(low.sum(), high.sum()) >= ENOUGH:
        dense = low.sum() / most >= DENSE * high.sum() / (score.max() - most)
        if dense and len(np.unique(score[low])) >= FEWEST and _regardless(human, low, high):
            return TwoScales(low, high, float(score[low].max()), float(score[high].min()), certain=False)
    return None


def _regardless(human: Floats, low: npt.NDArray[np.bool_], high: npt.NDArray[np.bool_]) -> bool:
    """Return whether people rate the items of the upper scale hardly higher than those of the lower."""
    mine, upper = human[low | high], high[low | high].astype(float)
    if mine.std() == 0 or upper.std() == 0:
        return True
    return float(np.corrcoef(mine, upper)[0, 1]) < RELATED


def _splits(levels: Floats) -> Iterator[tuple[float, float, tuple[float, float]]]:
    """Yield greatest level of the lower and least of the upper scale, and the steps, even ones, with like ends."""
    for place in range(FEWEST, len(levels) - 1):
        for start in (place, place - 1):  # the last of the lower scale may be the first of the upper
            lower, upper = levels[:place], levels[start:]
            if len(upper) < FEWEST:
                continue
            steps = [np.diff(lower), np.diff(upper)]
            if any(not np.allclose(step, step[0], rtol=1e-6) for step in steps):
                continue
            small, large = float(steps[0][0]), float(steps[1][0])
            ends = np.array([lower[[0, -1]] / small, upper[[0, -1]] / large])
            whole = np.allclose(ends, np.round(ends), atol=1e-6)
            like = np.abs(ends[0] - ends[1]).max() < 1.5  # an end that nobody gave, or a scale from 0 beside one from 1
            if large >= STEPS * small and whole and like:
                yield float(lower[-1]), float(upper[0]), (small, large)


def _never_meet(
    ratings: Ratings,
    low: npt.NDArray[np.bool_],
    high: npt.NDArray[np.bool_],
    reach: tuple[float, float],
    fewest: int,
) -> bool:
    """Return whether no item has scores on both scales, though many on each have scores further apart than `reach`."""
    items = ratings.items
    has_low, has_high = (np.bincount(ratings.item[mine], minlength=items) > 0 for mine in (low, high))
    if np.any(has_low & has_high):
        return False
    least, most = np.full(items, np.inf), np.full(items, -np.inf)
    np.minimum.at(least, ratings.item, ratings.score)
    np.maximum.at(most, ratings.item, ratings.score)
    wide = most - least
    return all(int((has & (wide > far)).sum()) >= fewest for has, far in zip((has_low, has_high), reach, strict=True))


def _spread(ratings: Ratings, mine: npt.NDArray[np.bool_]) -> float:
    """Return the root of the mean square within items; on one scale bad and good items are about as noisy."""
    item, score = ratings.item[mine], ratings.score[mine]
    size = np.bincount(item, minlength=ratings.items)
    mean = np.bincount(item, score, minlength=ratings.items) / np.maximum(size, 1)
    spare = max(int((size[size > 0] - 1).sum()), 1)
    return float(np.sqrt(((score - mean[item]) ** 2).sum() / spare))


def _unrelated(ratings: Ratings, low: npt.NDArray[np.bool_], high: npt.NDArray[np.bool_]) -> bool:
    """Return whether raters of an item agree on the scale hardly more than by chance: on quality they would."""
    below, above = (np.bincount(ratings.item[mine], minlength=ratings.items).astype(float) for mine in (low, high))
    pairs = float(((below + above) * (below + above - 1)).sum()) / 2
    share = float(high.sum() / (low.sum() + high.sum()))
    expected = 2 * share * (1 - share)
    if pairs < 10 * ENOUGH:
        return False
    ratio = float((below * above).sum()) / pairs / expected
    return bool(ratio - ERRORS * np.sqrt((1 - expected) / (expected * pairs)) >= UNRELATED)
