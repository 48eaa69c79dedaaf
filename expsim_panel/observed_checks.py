"""What cannot be in a table of results: wrong columns, days outside the plan, impossible counts; each is one line."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from difflib import get_close_matches
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from expsim_panel.errors import InputError, did_you_mean, shown
from expsim_panel.quantities import LARGEST
from expsim_panel.ratings_csv import frame, place_of, refuse_blank

if TYPE_CHECKING:
    from expsim_panel.scenario import Scenario

__all__ = [
    "ONE_BY_ONE", "check", "check_columns", "check_counts", "check_days", "check_repeats", "form_of", "numbers",
    "unused_dates", "where_in",
]  # fmt: skip

ONE_BY_ONE = ("rows", "verdicts")
"""Forms with one response a line, which may well be repeated."""
_SURE = 0.78
_DATES = ("date", "dates", "datum", "datetime", "time", "timestamp", "week")


def form_of(names: Sequence[str], forms: Mapping[str, Sequence[str]], where: str) -> str:
    """Return the form whose columns a table has; name the column that is misspelt, or the columns there are."""
    for form, columns in forms.items():
        if set(columns) <= set(names):
            return form
    for columns in forms.values():
        meant = {column: _alike(column, names) for column in columns if column not in names}
        if len(meant) < len(columns) or len(columns) == len(names):
            column, name = next(iter(meant.items()))
            if all(meant.values()):
                raise InputError(where, column, f"there is no such column, but {shown(name)}", "rename that one")
    wanted = " or ".join(",".join(columns) for columns in forms.values())
    raise InputError(where, "", f"columns are {shown(list(names))}", f"give {wanted}, and day where it is known")


def _alike(column: str, names: Iterable[str]) -> str | None:
    """Return the column that was meant, but for a slip of the pen."""
    plain = {name.strip().lower(): name for name in names}
    close = get_close_matches(column, plain, n=1, cutoff=_SURE)
    return plain[close[0]] if close else None


def check_columns(scenario: Scenario, names: Sequence[str], form: str, used: Sequence[str], where: str) -> None:
    """Refuse columns that occur twice, and those that nobody would read because of a slip of the pen."""
    for column in used:
        if names.count(column) > 1:
            raise InputError(where, column, f"the column {shown(column)} occurs twice", "rename one of them")
    rest = [name for name in names if name not in used]
    for column in ("day",) if form in ONE_BY_ONE else ("day", "units"):
        name = None if column in names else _alike(column, rest)
        if name is not None:
            raise InputError(where, name, "there is no such column to read", f"did you mean '{column}'? Rename it")
    rails = [one.name for one in scenario.guardrails]
    for name in rest if rails else ():
        stem, dot, what = name.rpartition(".")
        summed = bool(dot) and what in ("hits", "sum", "squares", "units") and form not in ONE_BY_ONE
        stem = stem if summed else name
        if stem not in rails and (summed or _alike(name, rails)):
            raise InputError(where, name, f"unknown guardrail {shown(stem)}", did_you_mean(stem, rails))


def unused_dates(names: Sequence[str]) -> tuple[str, ...]:
    """Say that dates are not read, where a table has some and no days."""
    found = [name for name in names if name.strip().lower() in _DATES]
    if "day" in names or not found:
        return ()
    said = f"The column {found[0]} was not read: number the days in a column day (1 is the first day of the experiment)"
    return (f"{said}, and every look is replayed.",)


def check_repeats(read: pd.DataFrame, data: bytes, names: Sequence[str], where: str, numbered: bool) -> None:
    """Refuse a line of sums that says the same as one before: it would count twice."""
    if not read.duplicated().any():
        return
    # Another column may tell two lines apart, such as a country.
    whole, _ = frame(data, where, [name for name in names if name.strip()])
    again = whole.duplicated().to_numpy()
    if again.any():
        place = place_of(whole.index[int(again.argmax())], numbered)
        raise InputError(where, "", f"{place} says the same as a line before it", "delete one of them")


def numbers(column: pd.Series[str], name: str, where: str, numbered: bool) -> pd.Series[float]:
    """Return a column as finite floats."""
    refuse_blank(column, name, where, numbered)
    values = pd.to_numeric(column, errors="coerce")
    bad = ~(values.abs() <= LARGEST)
    if bad.any():
        row = int(bad.to_numpy().argmax())
        said = f"{place_of(column.index[row], numbered)} holds {shown(column.iloc[row])}"
        if np.isfinite(values.iloc[row]):
            raise InputError(where, name, f"{said}, which is out of bounds", f"give numbers up to {LARGEST:g}")
        raise InputError(where, name, f"{said}, not a number", "give plain numbers")
    return values


def check_days(scenario: Scenario, days: np.ndarray, where: str) -> None:
    """Check the days of a table: planned ones, and after them those on which late outcomes come in."""
    planned, late = int(scenario.traffic.days), scenario.delay_days
    if days[0] < 1 or np.any(days != np.round(days)) or days[-1] > planned + late:
        remedy = f"count whole days from 1 to the planned {planned}"
        if late:
            remedy += f", and to {planned + late} for outcomes that come in late"
        elif days[0] >= 1 and days[-1] > planned and scenario.offline is None:
            remedy += ", or set traffic.delay_days if outcomes come in late"
        raise InputError(where, "day", f"days run from {days[0]:g} to {days[-1]:g}", remedy)


def where_in(table: pd.DataFrame, bad: np.ndarray, numbered: bool | None) -> str:
    """Name the first bad row: by its place in the file, or (None) by its variant."""
    row = int(bad.argmax())
    return str(table["variant"].iloc[row]) if numbered is None else place_of(table.index[row], numbered)


def check_counts(table: pd.DataFrame, column: str, where: str, numbered: bool | None) -> None:
    """Check that a column, where there is one, counts something."""
    if column not in table:
        return
    bad = ((table[column] < 0) | (table[column] != np.round(table[column]))).to_numpy()
    if bad.any():
        value = table[column].iloc[int(bad.argmax())]
        problem = f"{where_in(table, bad, numbered)} has {value:g}, which is no count"
        raise InputError(where, column, problem, "give whole numbers from 0")


def check(scenario: Scenario, table: pd.DataFrame, form: str, where: str, numbered: bool | None) -> None:
    """Check a table of one of the forms against itself and the scenario; raise `InputError`.

    Parameters
    ----------
    numbered : bool or None
        Whether rows of the table are lines of the file; None: it comes of no file.
    """
    for column in ("rows", "units", "hits"):
        check_counts(table, column, where, numbered)

    def refuse(bad: pd.Series[bool], key: str, what: str, remedy: str) -> None:
        found = bad.to_numpy()
        if found.any():
            row = table.iloc[int(found.argmax())]
            told = what.format(**{str(name): value for name, value in row.items()})
            raise InputError(where, key, f"{where_in(table, found, numbered)} has {told}", remedy)

    # Late outcomes come in on days on which fewer units are enrolled: then the sums up to each day must be in order.
    if "units" in table and not scenario.delay_days:
        fewer = "{units:g} units, fewer units than scored responses ({rows:g})"
        refuse(table["units"] < table["rows"], "units", fewer, "give at least as many units as rows")
    if form == "hits":
        if scenario.family != "binary":
            raise InputError(where, "hits", f"{scenario.metric.name} is no rate", "give the columns sum and squares")
        many = "{hits:g} hits of {rows:g} rows: more hits than responses"
        refuse(table["hits"] > table["rows"], "hits", many, "count hits among the responses")
    if scenario.family == "binary":
        if form == "rows":
            odd = "{value:g}, which is neither 0 nor 1"
            refuse(~table["value"].isin((0.0, 1.0)), "value", odd, "a rate counts 0 and 1")
        if form == "sums":
            outside = (table["sum"] < 0) | (table["sum"] > table["rows"])
            told = "a sum of {sum:g}, which is outside 0 to the number of rows ({rows:g})"
            refuse(outside, "sum", told, "a rate counts 0 and 1")
            if scenario.by_counts:
                unequal = (table["squares"] - table["sum"]).abs() > 1e-6 * (1.0 + table["rows"])
                told = "{squares:g} beside a sum of {sum:g}: of zeros and ones both are the number of hits"
                refuse(unequal, "squares", told, "give variant,rows,hits")
    elif form == "sums":
        least = table["sum"] ** 2 / table["rows"].clip(lower=1)
        told = "{squares:g}: a sum of squares is smaller than its sum ({sum:g}) allows"
        short = table["squares"] < least * (1 - 1e-9)
        refuse(short, "squares", told, "give the sum of the squared scores, not the squared sum")
    if form == "rows" and scenario.metric.range is not None and scenario.evaluator.kind == "truth":
        low, high = scenario.metric.range
        outside = (table["value"] < low) | (table["value"] > high)
        refuse(outside, "value", "{value:g}, which is outside metric.range", f"give {low:g} to {high:g}")
