"""The realism score: how close do simulated ratings come to real ones that the fit has not seen?

Real ratings are split in halves by prompt. The model is fitted to one half, played on the layout of the
other and compared with it on four things that experiments depend on: the distribution of scores, the
joint distribution of two raters' scores on an item, the distribution of the range within an item (total
variation distances), and the intraclass correlation (absolute difference). Two real halves differ too:
that is the floor. The score is the mean over the four of `min(1, (floor + 0.02) / (distance + 0.02))`,
distances being averages over splits and both directions. A perfect law scores about 0.9, not 1: its fit
and its simulation have sampling errors of their own that the floor does not have.
"""

from __future__ import annotations

from dataclasses import dataclass
from zlib import crc32

import numpy as np

from expsim_panel.components import variance_components
from expsim_panel.rating_models import IndependentRaters, ProbitModel, RoundedNormal, Sheet, agreement, spans
from expsim_panel.ratings import Codes, Floats

SPLITS = 20
SLACK = 0.02  # keeps the ratio of two tiny distances from deciding
FEWEST_ITEMS = 200
LOOKS_ADJUDICATED = 0.25  # observed over expected share of items with a range above two levels
MOST_ITEMS, MOST_ROWS = 5_000, 16_000  # larger tables are judged by a sample of their prompts
ENOUGH_ITEMS = 1_000  # kept in any case, however many raters an item has
MOST_STRETCHED = 60  # of more raters, single ones have too few ratings to show how they use the scale
PARTS = ("marginal", "pair", "range", "icc")
Pictures = tuple[Floats, Floats, Floats, float]
Player = ProbitModel | RoundedNormal | IndependentRaters


@dataclass(frozen=True)
class Realism:
    """Scores in 0..1, 1 meaning as close as real data are to themselves.

    Attributes
    ----------
    score : float or None
        Of the law that scenarios use: ordered probit with rater severity, or normal for continuous scores
        (compared in ten classes). None with a `reason` where it cannot be assessed.
    scores : dict of str to float
        Of every model: ``ordered-probit``, ``rounded-normal``, ``independent-raters``; ``stretched`` ones
        where raters also use the scale more or less widely; ``adjudicated`` ones where raters more than two
        levels apart revise (only if asked for, or if the data look like it).
    distances : dict of str to dict
        Mean distance of every model, and of ``floor``, by part (`PARTS`).
    wide : dict of str to float
        Share of items whose range exceeds two levels: real (``observed``) and under the ordered probit
        (``expected``). Far fewer than expected means that ratings were adjudicated.
    items, splits : int
        Items that took part, and splits.
    """

    score: float | None
    reason: str
    scores: dict[str, float]
    distances: dict[str, dict[str, float]]
    wide: dict[str, float]
    items: int
    splits: int


def pictures(sheet: Sheet, level: Codes) -> Pictures:
    """Return distribution of levels, of pairs of raters, of ranges within items, and ICC(1)."""
    item, items, levels = sheet.ratings.item, sheet.ratings.items, len(sheet.values)
    table = np.bincount(item * levels + level, minlength=items * levels).reshape(items, levels).astype(float)
    pair = table.T @ table - np.diag(table.sum(axis=0))
    several = table.sum(axis=1) > 1
    order = np.argsort(item, kind="stable")
    ranges = spans(level[order], np.searchsorted(item[order], np.arange(items)))[several]
    ranged = np.bincount(ranges, minlength=levels)
    icc = agreement(sheet, level)
    return table.sum(axis=0) / len(level), pair / pair.sum(), ranged / ranged.sum(), icc


def apart(first: Pictures, second: Pictures) -> Floats:
    """Return the four distances, in the order of `PARTS`."""
    varied = [0.5 * float(np.abs(a - b).sum()) for a, b in zip(first[:3], second[:3], strict=True)]
    return np.array([*varied, abs(first[3] - second[3])])


def _models(seen: Sheet, adjudicated: bool, continuous: bool, seed: int) -> dict[str, Player]:
    """Fit every model to one sheet; the first is the one that scenarios use."""
    parts = variance_components(seen.ratings)
    models: dict[str, Player] = {}
    normal = RoundedNormal.fitted(seen, parts)
    if continuous:
        models["normal"] = normal
    else:
        plain = ProbitModel.fitted(seen, parts)
        models["ordered-probit"] = plain
        models["rounded-normal"] = normal
        stretched = None
        if len(seen.values) > 2 and len(seen.ratings.raters) <= MOST_STRETCHED:
            stretched = ProbitModel.fitted(seen, parts, stretch=True)
            models["ordered-probit-stretched"] = stretched
        if adjudicated:
            models["ordered-probit-adjudicated"] = plain.with_adjudication(seen, seed)
        if adjudicated and stretched:
            models["ordered-probit-stretched-adjudicated"] = stretched.with_adjudication(seen, seed)
    models["independent-raters"] = IndependentRaters.fitted(seen)
    return models


def realism(
    sheet: Sheet,
    splits: int = SPLITS,
    seed: int = 1,
    adjudicated: bool | None = None,
    continuous: bool = False,
) -> Realism:
    """Compute the score of a sheet of ratings.

    Parameters
    ----------
    sheet : Sheet
        Ratings as levels.
    splits : int
        Random halvings; the study's standard is 20 or more.
    seed : int
        Results depend on data, splits and seed only.
    adjudicated : bool, optional
        Whether to score the adjudicated simulation as well; None: if the data look adjudicated.
    continuous : bool
        Whether the sheet's levels are classes of a continuous score.
    """
    sheet = _assessed(sheet, seed)
    items = sheet.ratings.items
    if items < FEWEST_ITEMS:
        return _none(f"{items} items are too few to tell models apart; {FEWEST_ITEMS} are needed", items)
    if sheet.ratings.rows == items:
        return _none("no item has two ratings", items)
    wide = {} if continuous or len(sheet.values) < 4 else _wide(sheet, seed)
    if adjudicated is None:
        adjudicated = wide.get("observed", 1.0) < LOOKS_ADJUDICATED * wide.get("expected", 0.0)
    adjudicated = adjudicated and bool(wide)
    total: dict[str, Floats] = {}
    for split in range(splits):
        halves = _halves(sheet, np.random.default_rng([seed, split]))
        if halves is None:
            return _none("some variant has too few prompts to be split", items)
        real = [pictures(half, half.level) for half in halves]
        total["floor"] = total.get("floor", 0.0) + apart(real[0], real[1])
        for turn, (seen, other) in enumerate([halves, halves[::-1]]):
            for name, model in _models(seen, adjudicated, continuous, seed).items():
                # a stream per model, so that no score depends on which other models are scored
                rng = np.random.default_rng([seed, split, turn, crc32(name.encode())])
                level = model.simulate(other, rng)
                total[name] = total.get(name, 0.0) + apart(pictures(other, level), real[1 - turn]) / 2
    mean = {name: value / splits for name, value in total.items()}
    floor = mean["floor"] + SLACK
    scores = {
        name: float(np.minimum(1, floor / (value + SLACK)).mean()) for name, value in mean.items() if name != "floor"
    }
    distances = {name: dict(zip(PARTS, map(float, value), strict=True)) for name, value in mean.items()}
    return Realism(next(iter(scores.values())), "", scores, distances, wide, items, splits)


def _none(reason: str, items: int) -> Realism:
    return Realism(None, f"not assessable: {reason}", {}, {}, {}, items, 0)


def _assessed(sheet: Sheet, seed: int) -> Sheet:
    """Return the sheet, or a random sample of its prompts if it is large."""
    own = sheet.ratings
    part = max(min(MOST_ITEMS / own.items, MOST_ROWS / own.rows), ENOUGH_ITEMS / own.items)
    prompts = len(own.prompts)
    if part >= 1:
        return sheet
    rng = np.random.default_rng([seed, 999])
    chosen = np.zeros(prompts, dtype=bool)
    chosen[rng.permutation(prompts)[: max(int(part * prompts), 20)]] = True
    return sheet.half(chosen[own.prompt])


def _halves(sheet: Sheet, rng: np.random.Generator) -> tuple[Sheet, Sheet] | None:
    """Split by prompt such that both halves have every variant; None if a hundred tries fail."""
    own = sheet.ratings
    present = np.unique(own.prompt)
    kinds = np.unique(own.variant)
    for _ in range(100):
        first = np.zeros(len(own.prompts), dtype=bool)
        first[rng.permutation(present)[: len(present) // 2]] = True
        keep = first[own.prompt]
        both = (np.unique(own.variant[keep]), np.unique(own.variant[~keep]))
        if all(len(part) == len(kinds) for part in both):
            return sheet.half(keep), sheet.half(~keep)
    return None


def _wide(sheet: Sheet, seed: int) -> dict[str, float]:
    """Return the shares of items with a range above two levels, observed and expected."""
    level = ProbitModel.fitted(sheet).simulate(sheet, np.random.default_rng([seed, 998]))
    names = {"observed": sheet.level, "expected": level}
    return {name: float(pictures(sheet, value)[2][3:].sum()) for name, value in names.items()}
