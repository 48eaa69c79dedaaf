"""Columns of rows, checked before anything is computed from them."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from expsim_panel.errors import InputError, shown

Floats = npt.NDArray[np.float64]


def column(name: str, values: npt.ArrayLike, least: int, binary: bool = False) -> Floats:
    """Return values as a float array, shape (n,); raise `InputError` unless finite and at least `least` long."""
    try:
        made: Floats = np.asarray(values, dtype=np.float64)
    except (TypeError, ValueError):
        raise InputError("estimators", name, f"{shown(values)} is not numeric", "give a list of numbers") from None
    if made.ndim != 1:
        raise InputError("estimators", name, f"has {made.ndim} dimensions", "give a flat list, one number a row")
    if len(made) < least:
        raise InputError("estimators", name, f"{len(made)} row{'s' * (len(made) != 1)}", f"give {least} or more")
    if not np.isfinite(made).all():
        row = int(np.flatnonzero(~np.isfinite(made))[0])
        raise InputError("estimators", name, f"row {row + 1} is {made[row]}", "drop missing rows, and say how many")
    if binary and not np.isin(made, (0.0, 1.0)).all():
        row = int(np.flatnonzero(~np.isin(made, (0.0, 1.0)))[0])
        raise InputError("estimators", name, f"row {row + 1} is {made[row]:g}", "give 0 or 1")
    return made


def codes(name: str, values: npt.ArrayLike, length: int) -> npt.NDArray[np.int64]:
    """Return group numbers 0, 1, ... of any labels, shape (length,)."""
    made = np.asarray(values)
    if made.ndim != 1 or len(made) != length:
        problem = f"shape {made.shape} for {length} rows"
        raise InputError("estimators", name, problem, "give one group for each row")
    return np.asarray(np.unique(made, return_inverse=True)[1], dtype=np.int64)
