"""Items that a third rater saw because the first two disagreed: what was seen by design is undone, and played again.

Two people label every item and a third one breaks the tie. All pairs of a disputed item then count three times, so that
raters look less alike than they are, and no law of ratings gives items of two ratings that all agree and of three that
never do. Where a table shows the rule,

* what is fitted are the first two ratings of each item. In a table without order they are, of an item with more, any
  two that disagree, drawn evenly (raters being alike, the first two were such a pair);
* what is played on a layout is drawn until the first two of an item agree if it has two ratings, and else disagree.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Protocol

import numpy as np

from expsim_panel.ratings import Codes

if TYPE_CHECKING:
    from expsim_panel.rating_models import Sheet

FEWEST = 25  # items of two ratings, and of more
BESIDE = 0.01  # of either that may break the rule
ROUNDS = 80  # of drawing again; what is left then stays as it is


class Law(Protocol):
    """A fitted law."""

    def simulate(self, sheet: Sheet, rng: np.random.Generator) -> Codes:
        """Draw levels on the layout of `sheet`."""


def tie_break(sheet: Sheet) -> int | None:
    """Return the levels that the first two raters may be apart without a third one; None where there is no rule."""
    own = sheet.ratings
    count = np.bincount(own.item, minlength=own.items)
    two, more = count == 2, count > 2
    if count.min(initial=2) < 2 or min(int(two.sum()), int(more.sum())) < FEWEST:
        return None
    least, most = np.full(own.items, len(sheet.values)), np.zeros(own.items, dtype=np.int64)
    np.minimum.at(least, own.item, sheet.level)
    np.maximum.at(most, own.item, sheet.level)
    apart = most - least
    for gap in range(len(sheet.values) - 1):
        if max(float((apart[two] > gap).mean()), float((apart[more] <= gap).mean())) <= BESIDE:
            return gap
    return None


def first_two(sheet: Sheet) -> Sheet:
    """Return the sheet of the first two ratings of each item, the sheet itself where no third one broke ties."""
    if sheet.tie_break is None:
        return sheet
    own, gap = sheet.ratings, sheet.tie_break
    rng = np.random.default_rng([own.rows, own.items])  # what is fitted depends on data alone
    order = np.argsort(own.item, kind="stable")
    start, size = np.searchsorted(own.item[order], np.arange(own.items)), np.bincount(own.item, minlength=own.items)
    keep = np.zeros(own.rows, dtype=bool)
    for ratings in np.unique(size):
        rows = order[start[size == ratings][:, None] + np.arange(ratings)]
        first, second = np.triu_indices(ratings, 1)
        level = sheet.level[rows]
        # of pairs that show why others were asked one is drawn; where none does, of all
        apart = np.abs(level[:, first] - level[:, second]) > gap
        pick = np.argmax(rng.random(apart.shape) + apart, axis=1)
        each = np.arange(len(rows))
        keep[rows[each, first[pick]]] = keep[rows[each, second[pick]]] = True
    return replace(sheet.half(keep), tie_break=None)


def play(law: Law, sheet: Sheet, rng: np.random.Generator) -> Codes:
    """Draw levels on the layout of `sheet`, its rule kept."""
    level = law.simulate(sheet, rng)
    if sheet.tie_break is None:
        return level
    own = sheet.ratings
    order = np.argsort(own.item, kind="stable")
    start = np.searchsorted(own.item[order], np.arange(own.items))
    first, second = order[start], order[start + 1]
    asked = np.bincount(own.item, minlength=own.items) > 2
    for _ in range(ROUNDS):
        wrong = (np.abs(level[first] - level[second]) > sheet.tie_break) != asked
        if not wrong.any():
            break
        again = wrong[own.item]
        level[again] = law.simulate(sheet.half(again), rng)
    return level


def tie_break_told(sheet: Sheet) -> list[str]:
    """Return what the reader should know of a table with the rule."""
    if sheet.tie_break is None:
        return []
    apart = "disagreed" if sheet.tie_break == 0 else f"were more than {sheet.tie_break} levels apart"
    return [
        f"Items have more than two ratings where the first two {apart}: the law, components and reliability are those"
        " of the first two (of an item with more, two that differ so)."
    ]
