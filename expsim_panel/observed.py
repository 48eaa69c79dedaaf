"""Data of an experiment that was already run: counts, sums or a table of results, as the state that rules read."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
import pandas as pd

from expsim_panel import observed_checks, preference_data
from expsim_panel.errors import InputError, did_you_mean, shown
from expsim_panel.guardrail_data import Measured
from expsim_panel.guardrail_data import from_csv as guardrails_from_csv
from expsim_panel.quantities import LARGEST
from expsim_panel.ratings_csv import frame, header, refuse_blank
from expsim_panel.running_totals import running_totals
from expsim_panel.scenario import Scenario

MAX_BYTES = 256 * 2**20
"""Larger tables should come as daily sums: nothing more is read from them."""

FORMS = {
    "rows": ("variant", "value"),
    "hits": ("variant", "rows", "hits"),
    "sums": ("variant", "rows", "sum", "squares"),
}
"""Columns by form: one scored response a row; counts of positives; sums and sums of squares. Each may have
``day`` (1, 2, ...) and, but for the first, ``units``."""


@dataclass(frozen=True)
class Observed:
    """Cumulative data by day, in the order of the scenario's variants.

    Attributes
    ----------
    days : int ndarray, shape (days,)
        Days of the experiment, from 1, ascending; one entry where only totals are known.
    units, rows, sums, squares : float ndarray, shape (days, arms)
        Cumulative; scores as measured, not yet oriented.
    daily : bool
        Whether days were given, so that every look can be replayed.
    guardrails : dict of Measured
        By name, those that were measured.
    counted : bool
        Whether units were given; otherwise they are worked out from the rows and the planned share that is scored.
    enrolled : bool
        Whether a column says how many units were enrolled, those whose outcomes are still to come included.
    notes : tuple of str
        What the reader has to know of the data, such as dates that were not read.
    source : str
        The file, flag or box that they came through, for a line that refuses them.
    source_has_columns : bool
        Whether they are a table, and not counts.
    """

    days: np.ndarray
    units: np.ndarray
    rows: np.ndarray
    sums: np.ndarray
    squares: np.ndarray
    daily: bool
    guardrails: Mapping[str, Measured] = field(default_factory=dict)
    counted: bool = True
    enrolled: bool = False
    notes: tuple[str, ...] = ()
    source: str = "data"
    source_has_columns: bool = False

    def state(self, scenario: Scenario) -> np.ndarray:
        """Return the state that stopping rules read, shape (days, 4, arms), oriented so that more is better."""
        sums, squares = self.sums, self.squares
        if scenario.side_by_side:
            squares = preference_data.told_variance(scenario, self.rows, sums, squares)
        if scenario.sign < 0:
            if scenario.family == "binary":
                sums = self.rows - sums
                squares = sums
            else:
                sums = -sums
        return np.stack([self.units, self.rows, sums, squares], axis=1)


_NUMBER = r"\s*[-+]?([0-9]{1,15}\.?[0-9]*|\.[0-9]{1,15})([eE][-+]?[0-9]{1,3})?\s*"
# Not `isdigit`: it takes superscripts and digits of other scripts, which are no numbers to `float`.
_WHOLE = r"\s*[0-9]{1,12}\s*"


def from_counts(scenario: Scenario, text: str, where: str = "--counts") -> Observed:
    """Read ``NAME=HITS/ROWS,...`` of a rate, ``NAME=MEAN/SD/ROWS,...`` of any other metric, an entry for each variant.

    Raises
    ------
    InputError
        Not of that form, an unknown variant or one that is given twice, or numbers that cannot be.
    """
    if scenario.side_by_side:
        return _collect(scenario, preference_data.from_counts(scenario, text, where), "sums", where, "")
    rate = scenario.family == "binary"
    form, patterns = ("HITS/ROWS", [_WHOLE] * 2) if rate else ("MEAN/SD/ROWS", [_NUMBER, _NUMBER, _WHOLE])
    names = [variant.name for variant in scenario.variants]
    example = ",".join(f"{name}={'96/1000' if rate else '3.2/1.1/1000'}" for name in names[:2])
    table: list[dict[str, object]] = []
    for part in text.split(","):
        name, separator, numbers = part.rpartition("=")
        fields = numbers.split("/")
        right = len(fields) == len(patterns) and all(map(re.fullmatch, patterns, fields))
        if not separator or not right:
            kind = "a rate" if rate else "no rate"
            problem = f"{shown(part.strip())} is not NAME={form}: {scenario.metric.name} is {kind}"
            raise InputError(where, "", problem, f"write for example '{example}'")
        name = name.strip()
        if name not in names:
            raise InputError(where, "", f"unknown variant {shown(name)}", did_you_mean(name, names))
        if any(row["variant"] == name for row in table):
            raise InputError(where, "", f"{shown(name)} is given twice", "give each variant once")
        table.append({"variant": name, **_totals(scenario, [float(field) for field in fields], where)})
    made = pd.DataFrame(table)
    missing = [name for name in names if name not in set(made["variant"])]
    if missing:
        raise InputError(where, "", f"{shown(missing[0])} is missing", f"give all variants: {', '.join(names)}")
    return _collect(scenario, made, "hits" if rate else "sums", where, "")


def _totals(scenario: Scenario, fields: list[float], where: str) -> dict[str, float]:
    """Return one variant's columns from its hits and rows, or its mean, spread and rows."""
    if scenario.family == "binary":
        return {"hits": fields[0], "rows": fields[1]}
    mean, sd, rows = fields
    if sd < 0:
        raise InputError(where, "", f"a spread of {sd:g}", "give the standard deviation of one response's score")
    if max(abs(mean), sd) > LARGEST:
        raise InputError(where, "", f"{max(abs(mean), sd):g} is out of bounds", f"give numbers up to {LARGEST:g}")
    low, high = scenario.metric.range or (-LARGEST, LARGEST)
    if scenario.evaluator.kind == "truth" and not low <= mean <= high:
        raise InputError(where, "", f"a mean of {mean:g} is outside metric.range", f"give {low:g} to {high:g}")
    widest = math.sqrt(max(high - mean, 0.0) * max(mean - low, 0.0) * rows / max(rows - 1, 1))
    if scenario.evaluator.kind == "truth" and scenario.metric.range is not None and sd > widest * (1 + 1e-6) + 1e-6:
        problem = f"a spread of {sd:g} is more than scores from {low:g} to {high:g} with mean {mean:g} can have"
        raise InputError(where, "", problem, "give the standard deviation of one response's score, not the variance")
    return {"rows": rows, "sum": rows * mean, "squares": rows * mean**2 + max(rows - 1, 0) * sd**2}


def from_file(scenario: Scenario, name: str) -> Observed:
    """Read a CSV file of one of the `FORMS`; it is recognised by its columns.

    Raises
    ------
    InputError
        Unreadable, no such form, unknown variants, or numbers that cannot be.
    """
    path = Path(name)
    try:
        if path.stat().st_size > MAX_BYTES:
            raise InputError(name, "", "the file is above 256 MB", "give sums by day and variant instead of rows")
        data = path.read_bytes()
    except OSError as error:
        raise InputError(shown(name), "", f"cannot be read ({error.strerror})", "give a CSV file") from None
    return from_csv(scenario, data, name)


def from_csv(scenario: Scenario, data: bytes, where: str) -> Observed:
    """Read the bytes of a CSV file; see `from_file`."""
    names = header(data, where)
    forms = preference_data.FORMS if scenario.side_by_side else FORMS
    form = observed_checks.form_of(names, forms, where)
    columns = [*forms[form], *(extra for extra in ("day", "units") if extra in names)]
    if form == "rows" or scenario.side_by_side:
        columns = [column for column in columns if column != "units"]
    observed_checks.check_columns(scenario, names, form, columns, where)
    read, numbered = frame(data, where, columns)
    refuse_blank(read["variant"], "variant", where, numbered)
    if form not in observed_checks.ONE_BY_ONE:
        observed_checks.check_repeats(read, data, names, where, numbered)
    table = pd.DataFrame({"variant": read["variant"].str.strip()})
    for column in columns[1:]:
        if column == "outcome":
            refuse_blank(read[column], column, where, numbered)
            table[column] = preference_data.outcomes(read[column], where, numbered)
            continue
        table[column] = observed_checks.numbers(read[column], column, where, numbered)
    if scenario.side_by_side:
        for column in ("wins", "ties", "losses"):
            observed_checks.check_counts(table, column, where, numbered)
        table = preference_data.with_control(scenario, table, form, where)
        form = "sums"
    if form == "rows":
        table["rows"], table["sum"], table["squares"] = 1.0, table["value"], table["value"] ** 2
    made = _collect(scenario, table, form, where, "variant", numbered)
    notes = observed_checks.unused_dates(names)
    return replace(made, guardrails=guardrails_from_csv(scenario, data, where, names), notes=notes)


def _collect(
    scenario: Scenario, table: pd.DataFrame, form: str, where: str, key: str, numbered: bool | None = None
) -> Observed:
    """Sum a table up by day and variant, and check what cannot be."""
    arms = [variant.name for variant in scenario.variants]
    for name in table["variant"].unique():
        if name not in arms:
            raise InputError(where, key, f"unknown variant {shown(name)}", did_you_mean(str(name), arms))
    if form == "hits":
        table["sum"] = table["squares"] = table["hits"]
    daily = "day" in table
    if not daily:
        table["day"] = 1.0
    days = np.sort(table["day"].unique())
    observed_checks.check_days(scenario, days, where)
    observed_checks.check(scenario, table, form, where, numbered)
    coverage = float(scenario.evaluator.row_share)
    enrolled = "units" in table
    counted = enrolled or coverage == 1.0
    if not enrolled:
        table["units"] = np.round(table["rows"] / coverage)
    span = np.arange(1, int(days[-1]) + 1)
    columns = ("units", "rows", "sum", "squares")
    units, rows, sums, squares = running_totals(table, span.astype(float), arms, columns)
    if enrolled and np.any(units < rows):
        raise InputError(where, "units", "fewer units than scored responses", "give at least as many units as rows")
    if np.any(rows[-1] < 2):
        # Side by side the rows of the control are those of all comparisons.
        arm = arms[1 + int(rows[-1][1:].argmin())] if scenario.side_by_side else arms[int(rows[-1].argmin())]
        what = "comparison" if scenario.side_by_side else "scored response"
        number = rows[-1].min()
        problem = f"{arm} has {number:g} {what}{'' if number == 1 else 's'}"
        raise InputError(where, key, problem, "give at least 2 for each variant")
    return Observed(
        span, units, rows, sums, squares, daily, counted=counted, enrolled=enrolled, source=where,
        source_has_columns=bool(key),
    )  # fmt: skip
