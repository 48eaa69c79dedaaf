"""Doubts about rows of a table of ratings: scores on several scales, cells that look like formulas.

What cannot be one scale is refused; what may be one is kept and named, with its lines.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from expsim_panel.errors import InputError, shown
from expsim_panel.rating_agreement import distinct
from expsim_panel.rating_scales import TwoScales, judge_scales, two_scales
from expsim_panel.ratings import Codes, Floats, Ratings
from expsim_panel.ratings_csv import Lines, beginning, floats, others

FORMULA = ("=", "+", "-", "@")
MOST_SHOWN = 10
MOST_LEVELS = 11
CORE = 0.9  # share of the scores that makes a rating scale of few levels the table's own
BEYOND = 4.0  # times the highest score of that scale: no rating on it
APART = 4.0  # ratio of two raters' medians, their scores not even overlapping
LIKELY_APART = 8.0
FEWEST_RATED = 4  # levels from 0 on beside which -1 is no level
FEWEST, ENOUGH = 3, 10  # scores of one rater that show a scale for certain, and probably


@dataclass(frozen=True)
class Warned:
    """Rows that were kept or set aside with a doubt.

    Attributes
    ----------
    column, problem : str
    count : int
    lines : tuple of int
        The first ten of them, by number.
    rows : tuple of str
        The same with what is counted, such as ``line 3``, ``data row 2`` or ``line 3 of more.csv``.
    """

    column: str
    problem: str
    count: int
    lines: tuple[int, ...]
    rows: tuple[str, ...]

    def sentence(self) -> str:
        """Return all of it in one line."""
        rows = f"{self.count:,} row{'s' * (self.count != 1)}: {listed(self.rows, self.count)}"
        return f"{self.column}: {self.problem} ({rows})"


def listed(rows: Sequence[str], count: int) -> str:
    """Return places of rows with the word for them once, where it is the same; dots where `count` are more."""
    parts = [row.split(" of ", 1) for row in rows]
    words = {(first.rpartition(" ")[0], *rest) for first, *rest in parts}
    more = ", ..." if count > len(rows) else ""
    if len(words) > 1:
        return ", ".join(rows) + more
    [(word, *rest)] = words
    numbers = ", ".join(first.rpartition(" ")[2] for first, *_ in parts)
    return f"{word} {numbers}{more}{' of ' + rest[0] if rest else ''}"


def warned(column: str, problem: str, lines: Lines) -> Warned:
    """Return a doubt about the rows in `lines`."""
    rows = [int(row) for row in lines.rows[:MOST_SHOWN]]
    numbers = tuple(lines.places.number(row) for row in rows)
    return Warned(column, problem, len(lines), numbers, tuple(lines.places.name(row) for row in rows))


def left_out(what: str, problem: str, numbers: Sequence[int]) -> Warned:
    """Return the doubt about `samples` or `results` of a log that are no ratings."""
    first = tuple(numbers[:MOST_SHOWN])
    return Warned(what, problem, len(numbers), first, tuple(f"{what[:-1]} {number}" for number in first))


def formulas(table: pd.DataFrame, columns: list[str], lines: Lines) -> list[Warned]:
    """Return warnings of cells that a spreadsheet would run; here they are names like any others."""
    found = []
    for column in dict.fromkeys(columns):
        if column in table.columns:
            text = table[column]
            odd = beginning(text, FORMULA)
            odd[odd] = np.isnan(floats(text[odd]))
            if odd.any():
                found.append(warned(column, "looks like a spreadsheet formula: read as text, not run", lines[odd]))
    return found


def scales(ratings: Ratings, column: str, lines: Lines) -> list[Warned]:
    """Refuse scores that cannot be on one scale; return doubts about those that may be on two.

    Parameters
    ----------
    column : str
        Name of the score's column.
    lines : Lines
        Place of each rating in the file.

    Raises
    ------
    InputError
        Single scores far outside of a rating scale that nine in ten scores keep to, or a rater whose scores all
        lie below those of another, with a median of less than a quarter; or scores on two scales that everybody uses,
        see `rating_scales.two_scales`.
    """
    score = ratings.score
    _refuse_strays(score, column, lines, ratings.source)
    if score.min() < 0:
        return []
    found = []
    by_rater = _Groups(ratings.rater, score)
    pair = by_rater.separate(APART, FEWEST)
    if pair is not None:
        low, high = (np.flatnonzero(ratings.rater == code) for code in pair)
        names = [shown(ratings.raters[code]) for code in pair]
        problem = (
            f"two scales: rater {names[0]} gives {_span(score[low])} ({lines.name(low[0])}), rater {names[1]}"
            f" {_span(score[high])} ({lines.name(high[0])})"
        )
        raise InputError(ratings.source, column, problem, "bring all scores to one scale")
    found += _mixed(two_scales(ratings), score, column, lines, ratings.source)
    for codes, names_of, word in ((ratings.rater, ratings.raters, "rater"), (ratings.variant, ratings.variants, "")):
        groups = by_rater if word else _Groups(codes, score)
        for code in groups.suspects():
            mine = codes == code
            problem = (
                f"{word or 'variant'} {shown(names_of[code])} gives {_span(score[mine])}, others up to"
                f" {score.max():g}: two scales?"
            )
            found.append(warned(column, problem, lines[mine]))
    return found


def code_doubts(score: Floats, column: str, lines: Lines) -> list[Warned]:
    """Return the doubt about one negative score among several that are not, as exports write what is missing.

    Scales that run to both sides of 0 have more than one, or few levels in all.
    """
    below = np.unique(score[score < 0])
    others_ = np.unique(score[score >= 0])
    if len(below) != 1 or len(others_) < 2 or (others_[0] < 1 and len(others_) < FEWEST_RATED):
        return []
    problem = f"{below[0]:g}, where all other scores are {_span(others_)}, counts as a score: a code for missing?"
    return [warned(column, problem, lines[np.flatnonzero(score < 0)])]


def judge_doubts(
    name: str, score: Floats, human: Floats, most: float, column: str, lines: Lines, where: str
) -> list[Warned]:
    """Refuse scores of one judge that cannot be on one scale; return doubts about those that may be on two.

    Parameters
    ----------
    name : str
        The judge.
    score, human : float arrays, shape (scores,)
        Its scores, and people's mean rating of the same item.
    most : float
        The greatest rating of people.
    column : str
        Where its scores are.
    lines : Lines
        Place of each in the file.

    Raises
    ------
    InputError
        Single scores far outside of the judge's own rating scale, or two scales, see `rating_scales.judge_scales`.
    """
    if not len(score):
        return []
    _refuse_strays(score, column, lines, where)
    who = "" if name == column else f"judge {shown(name)}: "
    return _mixed(judge_scales(score, human, most), score, column, lines, where, who)


def _mixed(
    mixed: TwoScales | None, score: Floats, column: str, lines: Lines, where: str, who: str = ""
) -> list[Warned]:
    """Refuse two scales that are certain; return the doubt about those that are not."""
    if mixed is None:
        return []
    small, large = f"{score.min():g} to {mixed.top:g}", f"{mixed.bottom:g} to {score.max():g}"
    fewer = mixed.low.sum() < mixed.high.sum()
    rows = np.flatnonzero(mixed.low if fewer else mixed.high)
    told = f"{small}, where others are {large}" if fewer else f"{large}, where others are {small}"
    if mixed.certain:
        problem = f"{who}two scales: {lines.name(rows[0])} holds {score[rows[0]]:g}{others(len(rows))} of {told}"
        raise InputError(where, column, problem, "bring all scores to one scale")
    return [warned(column, f"{who}scores are {told}: two scales?", lines[rows])]


class _Groups:
    """Least, middle and greatest score of each rater or variant."""

    def __init__(self, codes: Codes, score: Floats) -> None:
        values, at = distinct(score)
        ranked = np.sort(codes * len(values) + at)  # group by group, scores ascending
        self.size = np.bincount(codes)
        end = np.cumsum(self.size)
        start = end - self.size
        new = np.concatenate([[True], ranked[1:] != ranked[:-1]])
        scores = values[ranked % len(values)]
        self.least, self.most, self.kinds = scores[start], scores[end - 1], np.add.reduceat(new, start, dtype=np.int64)
        self.middle = (scores[(start + end - 1) // 2] + scores[(start + end) // 2]) / 2

    def separate(self, ratio: float, fewest: int) -> tuple[int, int] | None:
        """Return two groups whose scores do not overlap and whose medians are `ratio` apart."""
        usable = np.flatnonzero(self.size >= fewest)
        if len(usable) < 2:
            return None
        low = usable[self.most[usable].argmin()]
        high = usable[self.least[usable].argmax()]
        apart = self.most[low] < self.least[high] and self.middle[high] >= ratio * self.middle[low]
        several = self.kinds[low] > 1 and self.kinds[high] > 1  # one and the same score may be a habit
        return (int(low), int(high)) if apart and several else None

    def suspects(self) -> list[int]:
        """Return groups of enough scores whose greatest is far below the middle of the highest group."""
        usable = self.size >= ENOUGH
        if usable.sum() < 2:
            return []
        top = float(self.middle[usable].max())
        odd = usable & (self.kinds > 2) & (self.middle * LIKELY_APART < top) & (self.most < top)
        return [int(code) for code in np.flatnonzero(odd)]


def _refuse_strays(score: Floats, column: str, lines: Lines, where: str) -> None:
    """Refuse single scores that no rating scale of the others has."""
    if score.min() < 0 or len(score) < ENOUGH:
        return
    top = float(np.quantile(score, CORE, method="lower"))
    core = score[score <= top]
    if top <= 0 or np.any(core != np.round(core)) or len(np.unique(core)) > MOST_LEVELS or len(np.unique(core)) < 2:
        return
    odd = score > BEYOND * top
    if odd.any() and top < MOST_LEVELS:
        at = int(odd.argmax())
        problem = f"{lines.name(at)} holds {score[at]:g}{others(int(odd.sum()))}, where most scores are {_span(core)}"
        raise InputError(where, column, problem, "bring all scores to one scale")


def _span(score: Floats) -> str:
    return f"{score.min():g} to {score.max():g}"
