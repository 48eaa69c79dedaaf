"""Totals of a table up to the end of each day, by variant."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import pandas as pd


def running_totals(
    table: pd.DataFrame, days: npt.NDArray[np.float64], variants: Sequence[str], columns: Sequence[str]
) -> list[npt.NDArray[np.float64]]:
    """Return the totals of columns up to the end of each day, a day without rows being one of zeros.

    Parameters
    ----------
    table : DataFrame
        Numbers by ``day`` and ``variant``, any number of rows each.
    days : float64 array, shape (days,)
        Ascending; rows of other days are left out.
    variants, columns : sequence of str

    Returns
    -------
    list of float64 array, shape (days, variants)
        For each column.
    """
    cells = pd.MultiIndex.from_product([days, variants])
    # one pass: a pivot table for each column took most of the time of `expsim decide` besides compiling
    sums = table.groupby(["day", "variant"])[list(columns)].sum().reindex(cells, fill_value=0.0).to_numpy(float)
    return list(np.moveaxis(sums.reshape(len(days), len(variants), -1).cumsum(axis=0), -1, 0).copy())
