"""Data of a study side by side: wins, ties and losses by variant, as the state that rules read."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from expsim_panel.errors import InputError, did_you_mean, shown
from expsim_panel.kernels.verdicts import share_variance
from expsim_panel.preference_checks import rows_are_comparisons
from expsim_panel.preference_rows import part_of_control
from expsim_panel.ratings_csv import place_of

if TYPE_CHECKING:
    from expsim_panel.scenario import Scenario

OUTCOMES = {"win": 1.0, "tie": 0.0, "loss": -1.0}
FORMS = {"verdicts": ("variant", "outcome"), "counts": ("variant", "wins", "ties", "losses")}
"""Columns by form: one comparison a row, or counts; each may have ``day``."""


def told_variance(scenario: Scenario, rows: np.ndarray, sums: np.ndarray, squares: np.ndarray) -> np.ndarray:
    """Return sums of squares as rules read them, shape (days, arms), from those of the verdicts."""
    made, part = squares.astype(float).copy(), part_of_control(squares.shape[1] - 1)
    for day in range(len(made)):
        share_variance(part, rows[day].astype(float), sums[day].astype(float).copy(), made[day])
    return made


def from_counts(scenario: Scenario, text: str, where: str) -> pd.DataFrame:
    """Read ``NAME=WINS/TIES/LOSSES,...``, one entry for each variant after the control, into a table of sums."""
    table: list[dict[str, object]] = []
    for part in text.split(","):
        name, separator, counts = part.rpartition("=")
        numbers = counts.split("/")
        whole = len(numbers) == 3 and all(re.fullmatch(r"\s*[0-9]{1,12}\s*", number) for number in numbers)
        if not separator or not whole:
            example = f"{scenario.variants[1].name}=54/10/36"
            raise InputError(where, "", f"{shown(part)} is not NAME=WINS/TIES/LOSSES", f"write for example '{example}'")
        _check_name(scenario, name.strip(), where, "")
        if any(row["variant"] == name.strip() for row in table):
            raise InputError(where, "", f"{shown(name.strip())} is given twice", "give each variant once")
        wins, ties, losses = (float(number) for number in numbers)
        table.append({"variant": name.strip(), "wins": wins, "ties": ties, "losses": losses})
    return with_control(scenario, pd.DataFrame(table), "counts", where)


def _check_name(scenario: Scenario, name: str, where: str, key: str) -> None:
    """Check that a name is that of a variant after the control; raise `InputError`."""
    control, *others = [variant.name for variant in scenario.variants]
    if name == control:
        raise InputError(where, key, f"{control} is what the others are compared with", "name the others")
    if name not in others:
        raise InputError(where, key, f"unknown variant {shown(name)}", did_you_mean(name, others))


def outcomes(column: pd.Series[str], where: str, numbered: bool) -> pd.Series[float]:
    """Return a column of ``win``, ``tie``, ``loss`` (or 1, 0, -1) as numbers."""
    told = column.str.strip().str.lower()
    found = told.map(OUTCOMES)
    numbers = pd.to_numeric(told.where(found.isna()), errors="coerce")
    found = found.fillna(numbers.where(numbers.isin((-1.0, 0.0, 1.0))))
    if found.isna().any():
        row = int(found.isna().to_numpy().argmax())
        place = place_of(column.index[row], numbered)
        problem = f"{place} holds {shown(column.iloc[row])}"
        raise InputError(where, "outcome", problem, "write win, tie or loss of the variant")
    return found


def with_control(scenario: Scenario, table: pd.DataFrame, form: str, where: str) -> pd.DataFrame:
    """Return the table with rows, sums and squares of every variant, and the control's rows beside them."""
    control = scenario.variants[0].name
    if not rows_are_comparisons(scenario):
        problem = f"wins, ties and losses do not say which {scenario.offline.level} they are on"
        raise InputError(where, "", problem, "remove [offline], or write samples = 1 and no topics")
    for name in table["variant"].unique():
        _check_name(scenario, str(name), where, "variant")
    if form == "counts":
        table["rows"] = table["wins"] + table["ties"] + table["losses"]
        table["sum"], table["squares"] = table["wins"] - table["losses"], table["wins"] + table["losses"]
    else:
        table["rows"], table["sum"], table["squares"] = 1.0, table["outcome"], table["outcome"] ** 2
    kept = [name for name in ("variant", "rows", "sum", "squares", "day") if name in table]
    beside = table[kept].assign(variant=control, sum=0.0, squares=0.0)
    return pd.concat([table[kept], beside], ignore_index=True)
