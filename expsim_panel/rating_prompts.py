"""Which prompt an item answers, where a table says so: several items of a variant may answer one (epochs, repeats)."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pandas as pd

from expsim_panel.errors import InputError, shown
from expsim_panel.ratings_csv import Places, check_columns, others, place_of

PROMPT = "prompt"


def prompt_column(asked: str | None, item: str, header: list[str], where: str, taken: dict[str, str]) -> str | None:
    """Return the column of the prompt; None where the item itself is the prompt.

    Parameters
    ----------
    asked : str or None
        A column that was named, which must exist; None for the column `prompt`, if there is one of no other use.
    item : str
        Column of the item. Naming it as the prompt's says that every item is a prompt of its own.
    header : list of str
    where : str
        The file, in errors.
    taken : dict of str to str
        Columns already in use, by flag.

    Raises
    ------
    InputError
        The named column is not there, occurs twice, or has another use.
    """
    if asked is None:
        return PROMPT if header.count(PROMPT) == 1 and PROMPT not in taken.values() else None
    if asked == item:
        return None
    check_columns(taken | {"--prompt": asked}, header, where)
    return asked


def pairs_variants(prompt: npt.NDArray[np.integer], variant: npt.NDArray[np.integer]) -> bool:
    """Return whether some prompt has two variants: a column that nobody named may hold the variant's own prompt."""
    if not len(variant) or variant.max() == 0:
        return True
    both = pd.Series(prompt.astype(np.int64) * (int(variant.max()) + 1) + variant).unique()
    return len(both) > int(prompt.max()) + 1


def check_prompts(
    prompt: npt.NDArray[np.integer],
    item: npt.NDArray[np.integer],
    cells: pd.DataFrame,
    where: str,
    numbered: bool | Places,
) -> None:
    """Refuse an item of two prompts; `cells` are the columns of the item and of the prompt."""
    first = np.zeros(int(item.max()) + 1, dtype=np.int64)
    first[item[::-1]] = np.arange(len(item))[::-1]
    odd = prompt[first[item]] != prompt
    if not odd.any():
        return
    row = int(odd.argmax())
    before = int(first[item[row]])
    name, column = cells.columns
    texts = [shown(str(cells[column].iloc[at])) for at in (row, before)]
    raise InputError(
        where,
        column,
        f"{place_of(cells.index[row], numbered)} gives item {shown(str(cells[name].iloc[row]))} the prompt {texts[0]},"
        f" {place_of(cells.index[before], numbered)} {texts[1]}{others(int(odd.sum()))}",
        f"give each item one prompt, or --prompt {name} where every item is a prompt of its own",
    )
