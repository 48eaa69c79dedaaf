"""Names that differ in nothing that a reader sees: `A` and `a`, an accent written in two ways, an invisible mark."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence

import numpy as np

from expsim_panel.errors import shown
from expsim_panel.rating_doubts import Warned, warned
from expsim_panel.ratings import Ratings
from expsim_panel.ratings_csv import Lines


def names_alike(ratings: Ratings, columns: Sequence[str], lines: Lines) -> list[Warned]:
    """Return doubts about variants, raters and prompts that may be one; they are kept apart.

    Parameters
    ----------
    columns : sequence of str
        Of the variant, the rater and the item.
    lines : Lines
        Place of each rating in the file.
    """
    found = []
    sides = (
        (ratings.variants, ratings.variant, True), (ratings.raters, ratings.rater, True),
        (ratings.prompts, ratings.prompt, False),  # ids may tell capitals apart
    )  # fmt: skip
    for column, (names, codes, fold) in zip(columns, sides, strict=True):
        pairs = _pairs(names, fold)
        if pairs:
            first, second = (names[code] for code in pairs[0])
            more = f", and {len(pairs) - 1:,} more such pairs" if len(pairs) > 1 else ""
            problem = f"{_told(first, second)} count as two, though they look alike{more}: one?"
            found.append(warned(column, problem, lines[np.isin(codes, [code for _, code in pairs])]))
    return found


def _pairs(names: Sequence[str], fold: bool) -> list[tuple[int, int]]:
    """Return codes of names that look like an earlier one, each with that one."""
    if not fold and all(map(str.isascii, names)):
        return []
    seen: dict[str, int] = {}
    pairs = []
    for code, name in enumerate(names):
        first = seen.setdefault(_seen(name, fold), code)
        if first != code:
            pairs.append((first, code))
    return pairs


def _seen(name: str, fold: bool) -> str:
    """Return what a reader sees of a name."""
    text = name if name.isascii() else unicodedata.normalize("NFKC", name)
    text = " ".join("".join(mark for mark in text if unicodedata.category(mark) != "Cf").split())
    return text.casefold() if fold else text


def _told(first: str, second: str) -> str:
    """Return both names; where they look the same, the second with its marks as codes."""
    visible = first.casefold() != second.casefold() and _seen(first, False) == _seen(second, False)
    return f"{shown(first)} and {ascii(second)[:60] if visible else shown(second)}"
