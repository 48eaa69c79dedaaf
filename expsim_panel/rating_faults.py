"""All that is wrong with a table of ratings, kind by kind: what reading refuses at the first fault.

Reading stops at the first fault with one line. Whoever mends a table wants all of them: every kind with its rows (at
most ten of them, all of them counted). Faults of rows are looked for first; what the rows without one are refused for
(two scales, a rater who scores twice, too many variants) comes last.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from expsim_panel.errors import InputError, did_you_mean, shown
from expsim_panel.rating_cells import tidied
from expsim_panel.rating_columns import hinted, meanings, unfolded
from expsim_panel.rating_doubts import MOST_SHOWN, listed, scales
from expsim_panel.rating_files import texts_of, together
from expsim_panel.rating_prompts import PROMPT
from expsim_panel.rating_table import EMPTY, HUMAN, JUDGE, kind_column, parse_table
from expsim_panel.ratings import ratings_of
from expsim_panel.ratings_csv import MAX_SCORE, MISSING, Lines, Places, check_columns, plainly
from expsim_panel.ratings_csv import frame as read_frame

PAYMENTS = ("cost", "seconds")
FEWEST = 10


@dataclass(frozen=True)
class Fault:
    """One kind of fault.

    Attributes
    ----------
    column : str
        Column or flag; empty where the whole file is meant.
    problem, remedy : str
    count : int
        Rows that have it; 0 where no rows are to blame.
    rows : tuple of str
        The first ten of them, such as ``line 3`` (of a CSV file) or ``data row 2``.
    """

    column: str
    problem: str
    remedy: str
    count: int = 0
    rows: tuple[str, ...] = ()

    def sentence(self) -> str:
        """Return all of it in one line."""
        place = f"{self.column}: " if self.column else ""
        found = f" ({self.count:,} row{'s' * (self.count != 1)}: {listed(self.rows, self.count)})" if self.count else ""
        return f"{place}{self.problem}{found}; {self.remedy}"


def faults(
    several: Sequence[tuple[bytes, str]],
    item: str = "item",
    rater: str = "rater",
    score: str = "score",
    variant: str = "variant",
    judges: Sequence[str] = (),
    kind: str | None = None,
    prompt: str | None = None,
) -> tuple[Fault, ...]:
    """Return every kind of fault of some files that are read as one table; none where it can be read.

    Parameters are those of `rating_table.read_table`, files as (bytes, name).
    """
    ragged: Fault | None = None
    try:
        texts, _ = texts_of(several)
        _, where, header = texts[0]
        read = []
        for at, (data, name, own) in enumerate(texts):
            data, long = _without_long(data, len(own), f" of {name}" if at else "")
            ragged = ragged or long
            read.append(read_frame(data, name, list(dict.fromkeys(header))))
        table, places = together(read, [name for _, name in several])
        wide = unfolded(table, header, where, rater, score, meanings(item, variant, prompt, kind, judges))
        table, header = wide.table, wide.header
        table, _ = tidied(table, (item, rater, variant, prompt or PROMPT), (score, *judges))
    except InputError as error:
        return (_waiting(error),) if ragged is None else (ragged, _waiting(error))
    wanted = {"--item": item, "--rater": rater, "--score": score}
    found = [] if ragged is None else [ragged]
    found += _columns(wanted, judges, header, where)
    names = [name for name in wanted.values() if header.count(name) == 1]
    by_row = _Rows(table, places)
    judged, named = np.zeros(len(table), dtype=bool), kind
    try:
        kind = kind_column(kind, header, where)
    except InputError as error:
        kind = ""
        found.append(_of(error))
    if kind in table.columns:
        words = table[kind].str.strip().str.lower()
        judged = words.isin(JUDGE).to_numpy(dtype=bool)
        by_row.look(
            kind, ~(judged | words.isin(HUMAN).to_numpy(dtype=bool)), "neither human nor judge", "write human or judge"
        )
    people = ~judged if not judged.all() else np.ones(len(table), dtype=bool)
    for name in dict.fromkeys([*names, *([variant] if variant in header else [])]):
        by_row.look(name, (table[name] == "").to_numpy() & people, "no value", "complete the row or delete it")
    if score in names:
        by_row.numbers(score, table[score], people, empty=True)
        by_row.numbers(score, table[score], ~people, empty=False)
    for name in judges:
        if header.count(name) == 1:
            by_row.numbers(name, table[name], people, empty=False)
    for name in PAYMENTS:
        if name in table.columns:
            values = by_row.numbers(name, table[name], np.ones(len(table), dtype=bool), empty=False)
            by_row.look(name, values < 0, "below 0", "give what it took, or nothing")
    found += by_row.found
    if len(names) == len(wanted) and not any(fault.column.startswith("--") for fault in found):
        kept = people & ~by_row.bad
        if by_row.bad.any() and kept.sum() < FEWEST:
            return tuple(found)  # what few rows are left cannot speak for the table
        found += _rest(table, kept, places, where, (item, rater, score, variant), prompt)
    if not found and (judges or judged.any()):
        try:
            parse_table(several, item, rater, score, variant, tuple(judges), named, prompt)
        except InputError as error:
            found.append(_with_lines(error, places))
    return tuple(found)


def _without_long(data: bytes, columns: int, of: str) -> tuple[bytes, Fault | None]:
    """Return a table without the rows that have more fields than the header, which keep their lines; and these.

    A table whose quotes hold line breaks is returned as it is: pandas finds its first fault.
    """
    text = data.decode("utf-8-sig")
    first = len(text) - len(text.lstrip("\r\n"))
    lines = text[first:].split("\n")
    sizes = [len(row) for row in csv.reader(io.StringIO(text[first:], newline=""))]
    long = [at for at, size in enumerate(sizes) if size > columns]
    if not long or len(sizes) != len(lines) - (not lines[-1]):
        return data, None
    for at in long:
        lines[at] = ""
    places = tuple((f"line {at + 1}" if not first else f"data row {at}") + of for at in long[:MOST_SHOWN])
    problem = f"more fields than the {columns} of the header"
    remedy = "put quotes around a cell that holds a comma, or delete what is too much"
    return (text[:first] + "\n".join(lines)).encode(), Fault("", problem, remedy, len(long), places)


def _waiting(error: InputError) -> Fault:
    """Return a fault for which no cell can be read."""
    return Fault(error.key, error.problem, f"{error.remedy} (the cells are checked once the file can be read)")


def _of(error: InputError) -> Fault:
    return Fault(error.key, error.problem, error.remedy)


def _columns(wanted: dict[str, str], judges: Sequence[str], header: list[str], where: str) -> list[Fault]:
    """Return what is wrong with the names of columns."""
    found = []
    for flag, name in wanted.items():
        try:
            check_columns({flag: name}, header, where)
        except InputError as error:
            found.append(_of(error))
    if not found:
        try:
            check_columns(wanted, header, where)
        except InputError as error:
            found.append(_of(error))
    absent = [flag for flag, name in wanted.items() if name not in header]
    found = [replace(one, remedy=hinted(one.remedy, absent)) if one.column == "--score" else one for one in found]
    missing = [name for name in judges if name not in header]
    return found + [
        Fault("--judge", f"there is no column {shown(name)}", did_you_mean(name, header)) for name in missing
    ]


class _Rows:
    """Faults of rows, and which rows have one."""

    def __init__(self, table: pd.DataFrame, places: Places) -> None:
        self.index, self.places = table.index.to_numpy(), places
        self.found: list[Fault] = []
        self.bad = np.zeros(len(table), dtype=bool)

    def look(self, column: str, odd: np.ndarray, problem: str, remedy: str) -> None:
        """Note a kind of fault where `odd` holds somewhere."""
        rows = np.flatnonzero(odd)
        if not len(rows):
            return
        self.bad[rows] = True
        places = tuple(self.places.name(int(self.index[row])) for row in rows[:MOST_SHOWN])
        self.found.append(Fault(column, problem, remedy, len(rows), places))

    def numbers(self, column: str, texts: pd.Series[str], mine: np.ndarray, empty: bool) -> np.ndarray:
        """Note cells that hold no number, or one that is none of ordinary size; return the numbers."""
        values = pd.to_numeric(texts, errors="coerce").to_numpy(dtype=np.float64, na_value=np.nan)
        words = texts.str.strip().str.lower()
        blank = (texts == "").to_numpy() if empty else words.isin(EMPTY).to_numpy(dtype=bool)
        endless = words.str.lstrip("+-").isin(("nan", "inf", "infinity")).to_numpy(dtype=bool)
        large = endless | (np.abs(np.nan_to_num(values, nan=0.0, posinf=np.inf, neginf=-np.inf)) > MAX_SCORE)
        large &= ~blank
        odd = np.isnan(values) & ~blank & ~large & mine
        lost = MISSING if empty else "leave the cell empty if it is missing"
        if odd.any():
            example = str(texts.iloc[int(odd.argmax())])
            remedy = plainly(example, "give plain numbers, 0 and 1 for no and yes", lost)
            self.look(column, odd, f"not a number, such as {shown(example)}", remedy)
        self.look(column, large & endless & mine, "not a finite number of ordinary size", lost)
        self.look(
            column, large & ~endless & mine, "not a finite number of ordinary size", f"give at most {MAX_SCORE:g}"
        )
        return np.where(odd | large | blank, 0.0, np.nan_to_num(values))


def _rest(
    table: pd.DataFrame,
    kept: np.ndarray,
    named: Places,
    where: str,
    columns: tuple[str, str, str, str],
    prompt: str | None,
) -> list[Fault]:
    """Return what the rows without a fault of their own are refused for."""
    if not kept.any():
        return []
    item, rater, score, variant = columns
    found: list[Fault] = []
    key = [name for name in (item, rater, variant) if name in table.columns]
    again = table[kept].duplicated(key).to_numpy()
    if again.any():
        rows = table.index.to_numpy()[kept][again]
        places = tuple(named.name(int(row)) for row in rows[:MOST_SHOWN])
        problem = "the same rater scores the same item of the same variant again"
        found.append(Fault(rater, problem, "keep one row for each item, variant and rater", len(rows), places))
        kept = kept.copy()
        kept[np.flatnonzero(kept)[again]] = False
    left = table[kept]
    try:
        ratings = ratings_of(left, named, list(table.columns), where, "", item, rater, score, variant, prompt)
        scales(ratings, score, Lines(left.index.to_numpy(), named))
    except InputError as error:
        found.append(_with_lines(error, named))
    return found


def _with_lines(error: InputError, named: Places) -> Fault:
    """Return a refusal with the rows that its words name."""
    others = "|".join(re.escape(f" of {name}") for name in named.files[1:])
    lines = re.findall(rf"(?:line|data row) \d+(?:{others})?", error.problem)
    more = re.search(r"and ([\d,]+) more", error.problem)
    count = len(lines) + (int(more[1].replace(",", "")) if more else 0)
    return Fault(error.key, error.problem, error.remedy, count, tuple(lines))
