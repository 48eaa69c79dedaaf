"""Cells of a table of ratings as people mean them: names without spaces around them, yes and no as 1 and 0."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import numpy.typing as npt
import pandas as pd

YES, NO = ("true", "yes"), ("false", "no")
SPACES = "spaces around the name: taken off"


def tidied(
    table: pd.DataFrame, names: Sequence[str | None], scores: Sequence[str]
) -> tuple[pd.DataFrame, dict[str, npt.NDArray[np.bool_]]]:
    """Return the table with cells of names stripped and words for yes and no as numbers.

    Parameters
    ----------
    table : DataFrame
        Of text, as categories or not.
    names, scores : sequence of str
        Columns; those that are not there are passed over.

    Returns
    -------
    tuple
        The table, and for each column of names with spaces which rows had them.
    """
    found: dict[str, npt.NDArray[np.bool_]] = {}
    made = dict(table.items())
    for name in dict.fromkeys(names):
        if name in made:
            made[name], changed = _each(made[name], str.strip)
            if changed.any():
                found[str(name)] = changed
    for name in dict.fromkeys(scores):
        if name in made and _of_words(made[name]):
            made[name], _ = _each(made[name], _number)
    return pd.DataFrame(made, index=table.index), found


def _each(column: pd.Series[str], change: Callable[[str], str]) -> tuple[pd.Series[str], npt.NDArray[np.bool_]]:
    """Return the column with every text changed, and which cells did; of categories, each text is looked at once."""
    codes, texts = _coded(column)
    new = [change(text) for text in texts]
    differs = np.array([a != b for a, b in zip(new, texts, strict=True)], dtype=bool)
    if not differs.any():
        return column, np.zeros(len(column), dtype=bool)
    if isinstance(column.dtype, pd.CategoricalDtype):
        kept, again = np.unique(np.array(new, dtype=object), return_inverse=True)
        cells = pd.Categorical.from_codes(again[codes], categories=pd.Index(kept, dtype="str"), validate=False)
        return pd.Series(cells, index=column.index), differs[codes]
    return pd.Series(np.array(new, dtype=object)[codes], index=column.index, dtype=column.dtype), differs[codes]


def _coded(column: pd.Series[str]) -> tuple[npt.NDArray[np.int64], list[str]]:
    if isinstance(column.dtype, pd.CategoricalDtype):
        return column.cat.codes.to_numpy().astype(np.int64), [str(text) for text in column.cat.categories]
    codes, texts = pd.factorize(column.to_numpy(dtype=object))
    return codes.astype(np.int64), [str(text) for text in texts]


def _of_words(column: pd.Series[str]) -> bool:
    """Return whether words for yes and no stand in the column, and no number that is not between 0 and 1."""
    _, texts = _coded(column)
    if not any(_number(text) != text for text in texts):
        return False
    values = pd.to_numeric(pd.Series(texts), errors="coerce").to_numpy(dtype=np.float64, na_value=np.nan)
    return bool(np.all(np.isnan(values) | ((values >= 0) & (values <= 1))))


def _number(text: str) -> str:
    word = text.strip().lower()
    return "1" if word in YES else "0" if word in NO else text
