"""Integer codes without gaps, by counting: a million codes are sorted by no one."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Codes = npt.NDArray[np.int64]

SPARSE = 8  # times more codes than rows: a table of them would take longer than sorting


def coded_anew(codes: Codes, size: int | None = None) -> tuple[Codes, Codes]:
    """Return the codes that occur, ascending, and for each entry which of them it is.

    Parameters
    ----------
    codes : int64 array, shape (rows,)
        From 0.
    size : int, optional
        A number above all codes.
    """
    size = (int(codes.max(initial=-1)) + 1) if size is None else size
    if size > SPARSE * len(codes):
        kept, again = np.unique(codes, return_inverse=True)
        return kept.astype(np.int64), again.reshape(-1).astype(np.int64)
    there = np.zeros(size, dtype=bool)
    there[codes] = True
    kept = np.flatnonzero(there)
    return kept.astype(np.int64), (np.cumsum(there) - 1)[codes].astype(np.int64)


def counted(codes: Codes, size: int | None = None) -> tuple[Codes, Codes]:
    """Return the codes that occur, ascending, and how often each does."""
    kept, again = coded_anew(codes, size)
    return kept, np.bincount(again, minlength=len(kept)).astype(np.int64)
