"""The realism score: how close do simulated ratings come to real ones that the fit has not seen?

Real ratings are split in halves by prompt. The model is fitted to one half, played on the layout of the
other (so at the same size) and compared with it on four things that experiments depend on: the
distribution of scores, the joint distribution of two raters' scores on an item, the distribution of the
range within an item (total variation distances), and the intraclass correlation (absolute difference).
Two real halves differ too: that is the floor. The score is the mean over the four of
`min(1, (floor + 0.02) / (distance + 0.02))`, distances being averages over splits and both directions.

The floor compares two samples: two sampling errors. A law brings that of the half it was fitted to, and
meets that of the other; one simulated table would add a third, of the dice, which says nothing about the
law: the law that made the data then scores about 0.85, not 1. Each play therefore has the size of the
other half, and what is compared is the average of several plays. The figure with the dice in it, one
table for each fit, is reported as well (`scores_one_table`).
"""

from __future__ import annotations

import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from zlib import crc32

import numpy as np

from expsim_panel.rating_distances import PARTS, apart, blended, halves_of, pictures, score_of
from expsim_panel.rating_laws import (
    ADJUDICATED,
    FOCUSED,
    LAWS,
    MARGIN,
    MIXED,
    PILOT,
    REVISED,
    SHAPED,
    TASTED,
    TO_MEDIAN,
    chosen_law,
    chosen_rule,
    fitted_law,
    fitted_models,
    going_on,
    others_miss,
    rich_laws,
    tastes_may_help,
)
from expsim_panel.rating_models import ProbitModel, Sheet
from expsim_panel.rating_tiebreak import first_two, play
from expsim_panel.ratings import Floats
from expsim_panel.realism_nested import HALVINGS, Nested, chosen_within, nested_choice

__all__ = ["PARTS", "Drawn", "Realism", "apart", "assessed_part", "looks_adjudicated", "pictures", "realism"]

SPLITS = 20
MOST_THREADS = 4
FEWEST_ITEMS = 200
LOOKS_ADJUDICATED = 0.25  # observed over expected share of items with a range above two levels
EXPECTED_WIDE = 8.0  # such items must be expected before their absence says anything
MOST_ITEMS, MOST_ROWS = 2_000, 6_000  # larger tables are judged by a sample of their prompts
ENOUGH_ITEMS = 1_000  # kept in any case, however many raters an item has
PLAYED_ROWS, FEWEST_PLAYS, MOST_PLAYS = 20_000, 4, 8
Distances = tuple[dict[str, Floats], dict[str, Floats], list[dict[str, Floats]]]
"""Of one halving: the models' averaged over plays, of one play, and averaged over plays for each direction."""
Step = Callable[[int, int], None]


def no_step(begun: int, of: int) -> None:
    """Take no notice of how far the work is."""


@dataclass(frozen=True)
class Drawn:
    """The four pictures of the whole table and of the fitted law, to be drawn over each other.

    Attributes
    ----------
    marginal, range : float64 arrays, shape (levels,)
        Share of ratings at each level; share of items with a range of 0, 1, ... levels.
    pair : float64 array, shape (levels, levels)
        Share of ordered pairs of raters of an item.
    icc : float
        ICC(1) of levels, over all variants.
    """

    marginal: Floats
    pair: Floats
    range: Floats
    icc: float


@dataclass(frozen=True)
class Realism:
    """Scores in 0..1, 1 meaning as close as real data are to themselves.

    Attributes
    ----------
    score : float or None
        Of `law`. None with a `reason` where it cannot be assessed.
    law : str
        The law of ratings that is kept: the plainest of `rating_laws.LAWS` within 0.02 of the best score;
        ``ordered-probit-mixed`` where none can be computed; where ratings were adjudicated
        ``ordered-probit-stretched-adjudicated``, or ``-median`` (those far from the median revise) if that
        scores more by over 0.02. Scores with more than eleven values are compared in ten classes,
        of which the law is one too.
    scores : dict of str to float
        Of every model: ``ordered-probit`` (with rater severity), ``rounded-normal``, ``independent-raters``
        (one histogram for all), ``independent-raters-by-variant``; ``normal`` (continuous scores, in classes) in
        place of ``rounded-normal``; ``ordered-probit-stretched``, where raters
        also use the scale more or less widely and variants spread more or less; ``-mixed``, where moreover
        items differ in how well raters agree on them; ``-shaped`` (`shaped_ratings`), ``-textured`` and ``-structured``
        (`structured_ratings`) if they lead after the first splits; ``-focused`` (`focused_ratings`) if it leads there
        where no other reaches 0.97; ``-tasted`` (`level_tastes`) where none reaches 0.92; ``-adjudicated``, where
        raters more than two levels apart revise (only if asked for, or if the data look like it and ``-shaped`` does
        not do better).
    tried : dict of str to float
        Scores on the first splits of rich laws that were left then.
    scores_one_table : dict of str to float
        The same with one simulated table for each fit: the luck of the dice counts as distance.
    distances : dict of str to dict
        Mean distance of every model, and of ``floor``, by part (`PARTS`).
    wide : dict of str to float
        Share of items whose range exceeds two levels: real (``observed``) and under the ordered probit
        (``expected``). Far fewer than expected means that ratings were adjudicated.
    items, splits, plays : int
        Items that took part, splits, and simulated tables for each fit.
    real, model : Drawn or None
        What the distances are between, on all ratings that took part.
    nested : Nested or None
        The score less what choosing the law on the same halves adds; None where nothing was chosen.
    """

    score: float | None
    reason: str
    law: str = ""
    scores: dict[str, float] = field(default_factory=dict)
    tried: dict[str, float] = field(default_factory=dict)
    scores_one_table: dict[str, float] = field(default_factory=dict)
    distances: dict[str, dict[str, float]] = field(default_factory=dict)
    wide: dict[str, float] = field(default_factory=dict)
    items: int = 0
    splits: int = 0
    plays: int = 0
    real: Drawn | None = field(default=None, compare=False)
    model: Drawn | None = field(default=None, compare=False)
    nested: Nested | None = None

    @property
    def honest(self) -> float | None:
        """The score that is told: the lower of the nested one, where there is one, and `score`."""
        if self.nested is None or self.score is None:
            return self.score
        return min(self.nested.score, self.score)


def realism(
    sheet: Sheet,
    splits: int = SPLITS,
    seed: int = 1,
    adjudicated: bool | None = None,
    continuous: bool = False,
    step: Step = no_step,
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
        Whether ratings were adjudicated; None: if the data look like it and items that hit or miss do not say why.
    continuous : bool
        Whether the sheet's levels are classes of a continuous score.
    step : callable
        Told before each halving how many have begun, of how many, on the thread that computes it; what it raises
        ends the work.
    """
    sheet = assessed_part(sheet, seed)
    items = sheet.ratings.items
    wide = {} if continuous or len(sheet.values) < 4 or sheet.ratings.rows == items else _wide(sheet, seed)
    asked, revised = adjudicated is not None, bool(adjudicated) and bool(wide)
    if not asked:
        revised = looks_adjudicated(wide, items)
    law = REVISED if revised else MIXED
    if sheet.ratings.rows == items:
        return Realism(None, "not assessable: no item has two ratings", law, items=items)
    if items < FEWEST_ITEMS:
        reason = f"not assessable: {items} items are too few to tell models apart; {FEWEST_ITEMS} are needed"
        return Realism(None, reason, law, wide=wide, items=items)
    plays = int(np.clip(2 * PLAYED_ROWS // sheet.ratings.rows, FEWEST_PLAYS, MOST_PLAYS))
    first, raters = min(PILOT, splits), len(sheet.ratings.raters)
    rich = rich_laws(raters) if not revised else (TO_MEDIAN,) if asked else (SHAPED, TO_MEDIAN)
    tried: dict[str, float] = {}

    def played(which: range, names: tuple[str, ...], begun: int = 0) -> list[Distances | None]:
        # NumPy lets go of the interpreter, so two splits run side by side; they are added up in their own order
        def task(split: int) -> Distances | None:
            step(max(split, begun), splits)
            return _split(sheet, plays, revised, continuous, seed, names, split)

        with ThreadPoolExecutor(min(os.cpu_count() or 1, MOST_THREADS)) as pool:
            return list(pool.map(task, which))

    parts = played(range(first), rich)
    if revised and None not in parts:
        tried = _scores(parts)
        if tried.get(SHAPED, 0.0) > max(tried[name] for name in ADJUDICATED) + MARGIN:
            # answers that hit or miss: raters are rarely far apart, though nobody revised
            revised, law, rich = False, MIXED, rich_laws(raters)
            parts = played(range(first), rich, first)
        else:
            law = chosen_rule(tried)
            rich = (law,) if law == TO_MEDIAN else ()
            tried = {name: value for name, value in tried.items() if name in (SHAPED, TO_MEDIAN) and name not in rich}
    if rich and not revised and None not in parts:
        tried = _scores(parts)
        rich = going_on(tried)
        if others_miss(tried, len(sheet.values)):
            others = max(value for name, value in tried.items() if name in LAWS)
            focused = played(range(first), (FOCUSED,), first)
            tried |= {FOCUSED: _scores(focused)[FOCUSED]}
            if tried[FOCUSED] > others + MARGIN:
                parts, rich = focused, (FOCUSED,)
        if tastes_may_help(tried, raters, len(sheet.values)):
            others = max(value for name, value in tried.items() if name in LAWS)
            tasting = played(range(first), (TASTED,), first)
            tried |= {TASTED: _scores(tasting)[TASTED]}
            if tried[TASTED] > others + MARGIN:
                parts, rich = tasting, (TASTED,)
        rare = (*rich_laws(raters), FOCUSED, TASTED)
        tried = {name: value for name, value in tried.items() if name in rare and name not in rich}
    parts += played(range(first, splits), rich)
    known = [one for one in parts if one is not None]
    if len(known) < splits:
        return Realism(None, "not assessable: some variant has too few prompts to be split", law, items=items)
    total, single = _summed([one[0] for one in known]), _summed([one[1] for one in known])
    mean = {name: value / splits for name, value in total.items()}
    floor = mean.pop("floor")
    scores = {name: score_of(floor, value) for name, value in mean.items()}
    alone = {name: score_of(floor, value / splits) for name, value in single.items()}
    distances = {
        name: dict(zip(PARTS, map(float, value), strict=True)) for name, value in [("floor", floor), *mean.items()]
    }
    law = chosen_rule(scores) if revised else chosen_law(scores)
    whole = fitted_law(sheet, sheet, law, seed)
    rng = np.random.default_rng([seed, 997])
    modelled = blended([pictures(sheet, play(whole, sheet, rng)) for _ in range(MOST_PLAYS)])
    pair = (Drawn(*pictures(sheet, sheet.level)), Drawn(*modelled))
    checked = None
    if not revised:

        def again(split: int) -> tuple[str, str]:
            step(splits, splits)
            return _chosen_within(sheet, seed, rich, split)

        with ThreadPoolExecutor(min(os.cpu_count() or 1, MOST_THREADS)) as pool:
            chosen = list(pool.map(again, range(min(HALVINGS, first))))
        outer = known[: len(chosen)]
        floors, turns = [one[0]["floor"] for one in outer], [one[2] for one in outer]
        checked = nested_choice(law, scores[law], floors, turns, chosen)
    return Realism(scores[law], "", law, scores, tried, alone, distances, wide, items, splits, plays, *pair, checked)


def _chosen_within(sheet: Sheet, seed: int, rich: tuple[str, ...], split: int) -> tuple[str, str]:
    """Return the laws that both halves of a halving would keep by themselves."""
    halves = halves_of(sheet, np.random.default_rng([seed, split]))
    assert halves is not None
    first, second = (chosen_within(half, seed, (split, turn), rich) for turn, half in enumerate(halves))
    return first, second


def _summed(parts: list[dict[str, Floats]]) -> dict[str, Floats]:
    return {name: np.asarray(sum(part[name] for part in parts)) for name in parts[-1]}


def _scores(parts: list[Distances | None]) -> dict[str, float]:
    """Return the scores of all models on some splits."""
    known = [one[0] for one in parts if one is not None]
    mean = {name: np.asarray(sum(one[name] for one in known)) / len(known) for name in known[0]}
    return {name: score_of(mean["floor"], value) for name, value in mean.items() if name != "floor"}


def _split(
    sheet: Sheet, plays: int, adjudicated: bool, continuous: bool, seed: int, rich: tuple[str, ...], split: int
) -> Distances | None:
    """Return the distances of one halving; None if it fails."""
    halves = halves_of(sheet, np.random.default_rng([seed, split]))
    if halves is None:
        return None
    real = [pictures(half, half.level) for half in halves]
    total: dict[str, Floats] = {"floor": apart(real[0], real[1])}
    single: dict[str, Floats] = {}
    turns: list[dict[str, Floats]] = [{}, {}]
    for turn, (seen, other) in enumerate([halves, halves[::-1]]):
        for name, model in fitted_models(seen, adjudicated, continuous, seed, rich).items():
            # a stream per model, so that no score depends on which other models are scored
            rng = np.random.default_rng([seed, split, turn, crc32(name.encode())])
            played = [pictures(other, play(model, other, rng)) for _ in range(plays)]
            turns[turn][name] = apart(blended(played), real[1 - turn])
            total[name] = total.get(name, np.zeros(len(PARTS))) + turns[turn][name] / 2
            single[name] = single.get(name, np.zeros(len(PARTS))) + apart(played[0], real[1 - turn]) / 2
    return total, single, turns


def looks_adjudicated(wide: dict[str, float], items: int) -> bool:
    """Return whether far fewer items than expected have raters more than two levels apart."""
    return far_fewer(wide.get("observed", 1.0), wide.get("expected", 0.0), items)


def far_fewer(observed: float, expected: float, items: int) -> bool:
    """Return whether a share of items is so far below the expected one that it says something."""
    return expected * items >= EXPECTED_WIDE and observed < LOOKS_ADJUDICATED * expected


def assessed_part(sheet: Sheet, seed: int) -> Sheet:
    """Return the sheet, or a random sample of its prompts if it is large."""
    own = sheet.ratings
    part = max(min(MOST_ITEMS / own.items, MOST_ROWS / own.rows), ENOUGH_ITEMS / own.items)
    prompts = len(own.prompts)
    if part >= 1:
        return sheet
    rng = np.random.default_rng([seed, 999])
    chosen = np.zeros(prompts, dtype=bool)
    chosen[rng.permutation(prompts)[: max(int(part * prompts), 20)]] = True
    part_of = sheet.half(chosen[own.prompt])
    kept, prompt = np.unique(part_of.ratings.prompt, return_inverse=True)
    names = tuple(own.prompts[code] for code in kept)
    return replace(part_of, ratings=replace(part_of.ratings, prompt=prompt.astype(np.int64), prompts=names))


def _wide(sheet: Sheet, seed: int) -> dict[str, float]:
    """Return the shares of items with a range above two levels, observed and expected."""
    level = play(ProbitModel.fitted(first_two(sheet)), sheet, np.random.default_rng([seed, 998]))
    names = {"observed": sheet.level, "expected": level}
    return {name: float(pictures(sheet, value)[2][3:].sum()) for name, value in names.items()}
