"""Side-by-side votes from a table: who was shown first and second, who won, on which prompt."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from expsim_panel import ratings_csv
from expsim_panel.errors import InputError, shown
from expsim_panel.rating_sources import as_csv
from expsim_panel.ratings import MAX_BYTES, read_bytes
from expsim_panel.rows import Floats

FIRST = frozenset(("first", "a", "model_a", "left", "1"))
SECOND = frozenset(("second", "b", "model_b", "right", "-1", "2"))
TIE = frozenset(("tie", "draw", "both", "equal", "tie (bothbad)", "bothbad", "both_bad", "0", "0.5"))


@dataclass(frozen=True)
class Votes:
    """Votes, one a row.

    Attributes
    ----------
    first, second : list of str
        Variants in the order shown.
    outcomes : ndarray
        1 the first won, -1 the second did, 0 tie.
    items : list of str
        Prompts.
    """

    first: list[str]
    second: list[str]
    outcomes: Floats
    items: list[str]


@contextmanager
def votes_in(where: str, item: str = "prompt", winner: str = "winner") -> Iterator[None]:
    """Let complaints about a ranking name the table `where` and its column; those about settings stay as they are."""
    columns = {"outcomes": winner, "clusters": item, "variants": ""}
    try:
        yield
    except InputError as error:
        if error.key not in columns:
            raise
        raise InputError(where, columns[error.key], error.problem, error.remedy) from None


def read_votes(
    path: str | Path, item: str = "prompt", first: str = "first", second: str = "second", winner: str = "winner"
) -> Votes:
    """Read votes from a CSV, JSONL or Parquet file.

    The winner is a variant's name, or first, second (a, b; model_a, model_b; left, right; 1, 2 or 1, -1) or tie (draw,
    both, equal, 0); a variant's own name goes first.

    Raises
    ------
    InputError
        Columns missing, empty cells, a winner that is neither of the two, a variant against itself; with the line.
    """
    return votes_of(read_bytes(path, MAX_BYTES), Path(path).name or str(path), item, first, second, winner)


def votes_of(
    data: bytes, where: str, item: str = "prompt", first: str = "first", second: str = "second", winner: str = "winner"
) -> Votes:
    """Return the votes of a file's bytes, named `where` in errors; the rest as in `read_votes`."""
    data, form = as_csv(data, where)
    if form != "csv":
        data = b"\n" + data  # rows of other formats have no line of their own: they are counted
    header = ratings_csv.header(data, where)
    wanted = {"--item": item, "--first": first, "--second": second, "--winner": winner}
    ratings_csv.check_columns(wanted, header, where)
    table, numbered = ratings_csv.frame(data, where, list(wanted.values()))
    for name in wanted.values():
        ratings_csv.refuse_blank(table[name], name, where, numbered)
    a, b, won = (table[name].str.strip() for name in (first, second, winner))
    same = (a == b).to_numpy()
    if same.any():
        at = int(same.argmax())
        place = ratings_csv.place_of(table.index[at], numbered)
        problem = f"{place} compares {shown(a.iloc[at])} with itself{ratings_csv.others(int(same.sum()))}"
        raise InputError(where, second, problem, "drop the row")
    word = won.str.lower()
    outcomes = np.full(len(table), np.nan)
    for value, known in ((1.0, FIRST), (-1.0, SECOND), (0.0, TIE)):
        outcomes[word.isin(known).to_numpy()] = value
    if {"1", "-1"} <= set(word) and "2" in set(word):
        raise InputError(where, winner, "holds both 2 and -1 for the second", "write one of them")
    outcomes[(won == a).to_numpy()], outcomes[(won == b).to_numpy()] = 1.0, -1.0
    bad = np.isnan(outcomes)
    if bad.any():
        at = int(bad.argmax())
        place = ratings_csv.place_of(table.index[at], numbered)
        pair = f"{shown(a.iloc[at])} nor {shown(b.iloc[at])}"
        problem = f"{place} names {shown(won.iloc[at])}, neither {pair}{ratings_csv.others(int(bad.sum()))}"
        raise InputError(where, winner, problem, "write the winner's name, first, second or tie")
    return Votes(a.tolist(), b.tolist(), outcomes, table[item].tolist())
