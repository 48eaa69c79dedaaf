"""How far apart two rating tables are: four pictures that experiments depend on, and the score made of them."""

from __future__ import annotations

import numpy as np

from expsim_panel.kernels.rating_items import level_pictures
from expsim_panel.rating_models import Sheet, agreement
from expsim_panel.ratings import Codes, Floats

PARTS = ("marginal", "pair", "range", "icc")
SLACK = 0.02  # keeps the ratio of two tiny distances from deciding
Pictures = tuple[Floats, Floats, Floats, float]


def pictures(sheet: Sheet, level: Codes) -> Pictures:
    """Return distribution of levels, of pairs of raters, of ranges within items, and ICC(1)."""
    item, items, levels = sheet.ratings.item, sheet.ratings.items, len(sheet.values)
    counted = level_pictures(level, item, items, levels)
    marginal, pair, ranges = (table / table.sum() for table in counted)
    return marginal, pair, ranges, agreement(sheet, level)


def apart(first: Pictures, second: Pictures) -> Floats:
    """Return the four distances, in the order of `PARTS`."""
    varied = [0.5 * float(np.abs(a - b).sum()) for a, b in zip(first[:3], second[:3], strict=True)]
    return np.array([*varied, abs(first[3] - second[3])])


def blended(several: list[Pictures]) -> Pictures:
    """Return the average of several pictures."""
    columns = list(zip(*several, strict=True))
    varied = [np.asarray(np.mean(column, axis=0)) for column in columns[:3]]
    return varied[0], varied[1], varied[2], float(np.mean(columns[3]))


def score_of(floor: Floats, distance: Floats) -> float:
    """Return the score of mean distances, given those of real halves."""
    return float(np.minimum(1, (floor + SLACK) / (distance + SLACK)).mean())


def _there(variant: Codes) -> int:
    """Return how many variants occur."""
    return int(np.count_nonzero(np.bincount(variant)))


def halves_of(sheet: Sheet, rng: np.random.Generator) -> tuple[Sheet, Sheet] | None:
    """Split by prompt such that both halves have every variant; None if a hundred tries fail."""
    own = sheet.ratings
    present, kinds = np.unique(own.prompt), _there(own.variant)
    for _ in range(100):
        first = np.zeros(len(own.prompts), dtype=bool)
        first[rng.permutation(present)[: len(present) // 2]] = True
        keep = first[own.prompt]
        if all(_there(own.variant[part]) == kinds for part in (keep, ~keep)):
            return sheet.half(keep), sheet.half(~keep)
    return None
