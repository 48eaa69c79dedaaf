"""Tables with a column of scores for each rater, as sheets and published data have them: one row for each score.

Several columns are named in the place of one, with commas between them: ``h1,h2,h3``. Each is a rater. An empty cell
is a score that this rater did not give.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
from pandas.api.types import union_categoricals

from expsim_panel.errors import InputError, did_you_mean, shown

OF_ROWS = ("cost", "seconds")
"""What is known of a row, and not of each score in it."""
HINT = "where each rater has a column, name them all: --score FIRST,SECOND"


@dataclass(frozen=True)
class Unfolded:
    """A table with one row for each score.

    Attributes
    ----------
    table : DataFrame
        Its index holds that of the row which a score came from, so that several rows may share one.
    header : list of str
        Names of its columns, repeated ones as often as they occur in the file.
    empty : int64 array
        Index of the rows of the empty cells, one for each cell.
    unread : tuple of str
        Columns that were left out, as they tell of several scores at once.
    """

    table: pd.DataFrame
    header: list[str]
    empty: npt.NDArray[np.int64]
    unread: tuple[str, ...] = ()


def score_columns(score: str, header: Sequence[str]) -> list[str]:
    """Return the columns that are named together; none where `score` is one column, there or not."""
    if score in header or "," not in score:
        return []
    return [name for part in score.split(",") if (name := part.strip())]


def unfolded(
    table: pd.DataFrame, header: list[str], where: str, rater: str, score: str, others: dict[str, str | None]
) -> Unfolded:
    """Return a table of text with one row for each score; as it is where there is one column of scores.

    Parameters
    ----------
    table : DataFrame
        As `ratings_csv.frame` returns it.
    rater, score : str
        Names of the columns that are made, where `score` names several.
    others : dict
        Columns with another meaning, by flag.

    Raises
    ------
    InputError
        A column that is not there, is named twice or means something else, or a column of raters besides.
    """
    parts = score_columns(score, header)
    if not parts:
        return Unfolded(table, header, np.zeros(0, dtype=np.int64))
    _check(parts, header, where, rater, others)
    size, wide = table.shape[0], len(parts)
    row, which = np.repeat(np.arange(size), wide), np.tile(np.arange(wide), size)
    index = table.index[row]
    unread = tuple(name for name in OF_ROWS if name in table.columns)
    made: dict[str, Any] = {
        name: table[name].iloc[row].set_axis(index) for name in table.columns if name not in (*parts, *unread)
    }
    if isinstance(table[parts[0]].dtype, pd.CategoricalDtype):
        cells = union_categoricals([table[name] for name in parts])
        codes = cells.codes.reshape(wide, size).T.ravel()
        made[score] = pd.Series(pd.Categorical.from_codes(codes, dtype=cells.dtype), index=index)
        made[rater] = pd.Series(pd.Categorical.from_codes(which, pd.Index(parts, dtype="str")), index=index)
    else:
        texts = np.stack([table[name].to_numpy(dtype=object) for name in parts], axis=1).ravel()
        made[score] = pd.Series(texts, index=index, dtype=table[parts[0]].dtype)
        made[rater] = pd.Series(np.array(parts, dtype=object)[which], index=index, dtype=table[parts[0]].dtype)
    long = pd.DataFrame(made)
    blank = (long[score].astype(str).str.strip() == "").to_numpy()
    if blank.all():
        raise InputError(where, "--score", f"no cell of {_told(parts)} holds a score", "give columns with scores")
    names = [name for name in header if name not in (*parts, *unread)]
    return Unfolded(long[~blank], [*names, rater, score], index.to_numpy()[blank], unread)


def meanings(
    item: str, variant: str, prompt: str | None, kind: str | None, judges: Sequence[str]
) -> dict[str, str | None]:
    """Return columns by the flag that names them; of judges' columns, by their own name."""
    named: dict[str, str | None] = {"--item": item, "--variant": variant, "--prompt": prompt, "--kind": kind}
    return named | {f"--judge {name}": name for name in judges}


def hinted(remedy: str, missing: Sequence[str]) -> str:
    """Return a remedy that names tables with a column for each rater, where both columns of ratings are missing."""
    return f"{remedy}; {HINT}" if {"--rater", "--score"} <= set(missing) else remedy


def _check(parts: list[str], header: list[str], where: str, rater: str, others: dict[str, str | None]) -> None:
    for at, name in enumerate(parts):
        if name not in header:
            raise InputError(where, "--score", f"there is no column {shown(name)}", did_you_mean(name, header))
        if header.count(name) > 1 or name in parts[:at]:
            raise InputError(where, "--score", f"column {shown(name)} occurs twice", "give each column once")
        for flag, other in others.items():
            if name == other:
                raise InputError(where, "--score", f"column {shown(name)} is also {flag}", "give different columns")
    if rater in header:
        problem = f"{_told(parts)} would each be a rater, and there is a column {shown(rater)}"
        raise InputError(where, "--score", problem, "give one column of scores, or rename that column")


def _told(parts: list[str]) -> str:
    first = ", ".join(map(shown, parts[:3]))
    return f"{first} and {len(parts) - 3} more" if len(parts) > 3 else first
