"""One table of one or more files of ratings, in which every row keeps the name of its file and its line there."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd
from pandas.api.types import union_categoricals

from expsim_panel.errors import InputError, shown
from expsim_panel.rating_json import Failed
from expsim_panel.rating_sources import as_csv
from expsim_panel.ratings_csv import Places
from expsim_panel.ratings_csv import header as read_header

Text = tuple[bytes, str, list[str]]  # a file as CSV, its name, its columns


def texts_of(several: Sequence[tuple[bytes, str]], failed: list[Failed] | None = None) -> tuple[list[Text], str]:
    """Return files of the same columns, in any order, as CSV; and the format of the first."""
    made: list[Text] = []
    form = ""
    for at, (raw, name) in enumerate(several):
        twin = next((other for before, other in several[:at] if before == raw), None)
        if twin is not None:
            raise InputError(name, "--also", f"it holds the same as {twin}", "give each file once")
        data, own = as_csv(raw, name, failed)
        form = form or own
        if own != "csv":
            data = b"\n" + data  # rows of other formats have no line of their own: they are counted
        columns = read_header(data, name)
        if made and sorted(columns) != sorted(made[0][2]):
            odd = next(iter(sorted(set(columns) ^ set(made[0][2]))), "")
            problem = f"other columns than in {made[0][1]}{f': {shown(odd)} is in one of them' if odd else ''}"
            raise InputError(name, "--also", problem, "give files of one kind")
        made.append((data, name, columns))
    return made, form


def together(tables: Sequence[tuple[pd.DataFrame, bool]], names: Sequence[str]) -> tuple[pd.DataFrame, Places]:
    """Return tables one below the other, their rows counted on, and how a row is named.

    Parameters
    ----------
    tables : sequence of tuple
        As `ratings_csv.frame` returns them.
    names : sequence of str
        Of the files; the second of one name, from another folder, is told apart by its number.
    """
    names = [name if name not in names[:at] else f"{name} ({at + 1})" for at, name in enumerate(names)]
    starts = [0]
    for table, _ in tables:
        starts.append(starts[-1] + int(table.index[-1]) + 1)
    places = Places(tuple(names), tuple(starts[:-1]), tuple(numbered for _, numbered in tables))
    first = tables[0][0]
    if len(tables) == 1:
        return first, places
    made: dict[str, pd.Series[str]] = {}
    rows = [table.index + start for (table, _), start in zip(tables, starts, strict=False)]
    index = rows[0].append(rows[1:])
    for name in first.columns:
        parts = [table[name] for table, _ in tables]
        if isinstance(parts[0].dtype, pd.CategoricalDtype):
            made[name] = pd.Series(union_categoricals(parts), index=index)
        else:
            made[name] = pd.concat(parts, ignore_index=True).set_axis(index)
    return pd.DataFrame(made), places
