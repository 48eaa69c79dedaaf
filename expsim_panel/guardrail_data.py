"""Guardrails of an experiment that was already run: counts, means or columns of its table."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from expsim_panel.errors import InputError, did_you_mean, shown
from expsim_panel.guardrail import Guardrail
from expsim_panel.guardrail_tests import Readings
from expsim_panel.quantities import LARGEST
from expsim_panel.ratings_csv import frame
from expsim_panel.running_totals import running_totals
from expsim_panel.scenario import Scenario

FLAG = "--guardrail"
_NUMBER = r"\s*[-+]?([0-9]{1,15}\.?[0-9]*|\.[0-9]+)([eE][-+]?[0-9]{1,3})?\s*"
_WHOLE = r"\s*[0-9]{1,12}\s*"


@dataclass(frozen=True)
class Measured:
    """Readings of one guardrail, cumulative by day, in the order of the scenario's variants.

    Attributes
    ----------
    days : int ndarray, shape (days,)
        Days of the experiment, from 1; one entry where only totals are known.
    n, sums, squares : float ndarray, shape (days, arms)
        Units measured, sum and sum of squares of their values.
    """

    days: np.ndarray
    n: np.ndarray
    sums: np.ndarray
    squares: np.ndarray

    def readings(self, day: int | None) -> Readings | None:
        """Return what was measured by a day, or in all; None where that is nothing."""
        last = len(self.days) - 1 if day is None else int(np.searchsorted(self.days, day, side="right")) - 1
        if last < 0 or not self.n[last].any():
            return None
        n, sums, squares = self.n[last], self.sums[last], self.squares[last]
        some = np.maximum(n, 1.0)
        mean = sums / some
        spread = np.maximum(squares / some - mean**2, 0.0) * some / np.maximum(n - 1, 1.0)
        return Readings(n, mean, spread)


def split_lines(scenario: Scenario, text: str) -> tuple[list[str], list[str]]:
    """Return the lines of a text that begin with a guardrail's name and a colon or equals sign, and the others."""
    rails: list[str] = []
    rest: list[str] = []
    for line in text.split("\n"):
        names = [one.name for one in scenario.guardrails if _after(line, one.name) is not None]
        (rails if names else rest).append(line)
    return rails, rest


def _after(text: str, name: str) -> str | None:
    """Return what follows a name and its sign; None where the text does not begin with them."""
    head = text.lstrip()
    rest = head[len(name) :].lstrip()
    return rest[1:] if head.startswith(name) and rest[:1] in ("=", ":") else None


def from_flags(scenario: Scenario, texts: Sequence[str], where: str = FLAG) -> dict[str, Measured]:
    """Read ``NAME=A=HITS/UNITS,B=HITS/UNITS`` of a rate, or ``NAME=A=MEAN/SD/UNITS,...`` of a number.

    A colon after the guardrail's name does as well.

    Raises
    ------
    InputError
        Not of that form, an unknown guardrail or variant, or numbers that cannot be.
    """
    found: dict[str, Measured] = {}
    for text in texts:
        rail, rest = _named(scenario, text, where)
        if rail.name in found:
            raise InputError(where, "", f"{shown(rail.name)} is given twice", "give each guardrail once")
        found[rail.name] = _totals(scenario, rail, rest, where)
    return found


def _named(scenario: Scenario, text: str, where: str) -> tuple[Guardrail, str]:
    if not scenario.guardrails:
        raise InputError(where, "", "the scenario has no guardrails", "add [[guardrails]] to its file")
    # The longest name first: names may hold any sign, an equals sign too.
    for rail in sorted(scenario.guardrails, key=lambda one: -len(one.name)):
        rest = _after(text, rail.name)
        if rest is not None:
            return rail, rest
    given = text.partition("=")[0].strip()
    raise InputError(
        where, "", f"unknown guardrail {shown(given)}", did_you_mean(given, [one.name for one in scenario.guardrails])
    )


def _totals(scenario: Scenario, rail: Guardrail, text: str, where: str) -> Measured:
    arms = [variant.name for variant in scenario.variants]
    form = "NAME=HITS/UNITS" if rail.binary else "NAME=MEAN/SD/UNITS"
    example = f"'{rail.name}=A=12/1000,B=15/1000'" if rail.binary else f"'{rail.name}=A=1650/900/1000,B=1700/900/1000'"
    values = np.zeros((3, len(arms)))
    seen = set()
    for part in text.split(","):
        name, separator, numbers = part.rpartition("=")
        fields = numbers.split("/")
        patterns = [_WHOLE, _WHOLE] if rail.binary else [_NUMBER, _NUMBER, _WHOLE]
        right = len(fields) == len(patterns) and all(
            re.fullmatch(pattern, field) for pattern, field in zip(patterns, fields, strict=True)
        )
        if not separator or not right:
            raise InputError(where, rail.name, f"{shown(part.strip())} is not {form}", f"write for example {example}")
        name = name.strip()
        if name not in arms:
            raise InputError(where, rail.name, f"unknown variant {shown(name)}", did_you_mean(name, arms))
        if name in seen:
            raise InputError(where, rail.name, f"{shown(name)} is given twice", "give each variant once")
        seen.add(name)
        values[:, arms.index(name)] = _sums(rail, [float(field) for field in fields], where)
    missing = [name for name in arms if name not in seen]
    if missing:
        raise InputError(where, rail.name, f"{shown(missing[0])} is missing", "give all variants")
    return Measured(np.ones(1, int), values[:1], values[1:2], values[2:])


def _sums(rail: Guardrail, fields: list[float], where: str) -> tuple[float, float, float]:
    if any(abs(field) > LARGEST for field in fields):
        raise InputError(where, rail.name, f"{max(fields):g} is out of bounds", f"give numbers up to {LARGEST:g}")
    if rail.binary:
        hits, units = fields
        if hits > units:
            raise InputError(where, rail.name, f"{hits:g} of {units:g}", "count hits among the units")
        return units, hits, hits
    mean, sd, units = fields
    if sd < 0:
        raise InputError(where, rail.name, f"a spread of {sd:g}", "give a standard deviation of at least 0")
    return units, units * mean, units * mean**2 + max(units - 1, 0) * sd**2


def from_csv(scenario: Scenario, data: bytes, where: str, header: list[str]) -> dict[str, Measured]:
    """Read the guardrails' columns of a table of results; those without columns are left out.

    With one scored response a row, a column named as the guardrail holds its value in that unit, empty where it was
    not measured. In tables of sums the columns are ``NAME.hits`` of a rate, ``NAME.sum`` and ``NAME.squares`` of a
    number, and ``NAME.units`` where others than all ``rows`` were measured.

    Raises
    ------
    InputError
        A column is incomplete or cannot be right.
    """
    found = {}
    for rail in scenario.guardrails:
        sums = [f"{rail.name}.hits"] if rail.binary else [f"{rail.name}.sum", f"{rail.name}.squares"]
        if rail.name in header and "value" in header and rail.name not in ("variant", "value", "day", "units"):
            found[rail.name] = _rows(scenario, rail, data, where, header)
        elif any(column in header for column in sums):
            found[rail.name] = _daily(scenario, rail, data, where, header, sums)
    return found


def _rows(scenario: Scenario, rail: Guardrail, data: bytes, where: str, header: list[str]) -> Measured:
    columns = ["variant", rail.name, *(["day"] if "day" in header else [])]
    table, _ = frame(data, where, columns)
    table = table[table[rail.name].str.strip() != ""]
    values = _numbers(table[rail.name], rail.name, where)
    if rail.binary and not values.isin((0.0, 1.0)).all():
        bad = next(value for value in values if value not in (0.0, 1.0))
        raise InputError(where, rail.name, f"{bad:g} is neither 0 nor 1", "a rate counts 0 and 1")
    made = pd.DataFrame(
        {"variant": table["variant"].str.strip(), "n": 1.0, "sum": values, "squares": values**2}, index=table.index
    )
    made["day"] = _numbers(table["day"], "day", where) if "day" in header else 1.0
    return _cumulative(scenario, made)


def _daily(
    scenario: Scenario, rail: Guardrail, data: bytes, where: str, header: list[str], sums: list[str]
) -> Measured:
    for column in sums:
        if column not in header:
            raise InputError(where, column, "there is no such column", f"give {' and '.join(sums)}")
    units = f"{rail.name}.units" if f"{rail.name}.units" in header else "rows"
    if units not in header:
        raise InputError(where, units, "there is no such column", f"give rows, or {rail.name}.units")
    columns = ["variant", units, *sums, *(["day"] if "day" in header else [])]
    table, _ = frame(data, where, columns)
    made = pd.DataFrame({"variant": table["variant"].str.strip()})
    made["n"] = _numbers(table[units], units, where)
    made["sum"] = _numbers(table[sums[0]], sums[0], where)
    made["squares"] = _numbers(table[sums[-1]], sums[-1], where)
    made["day"] = _numbers(table["day"], "day", where) if "day" in header else 1.0
    if (made["n"] < 0).any() or (rail.binary and ((made["sum"] < 0) | (made["sum"] > made["n"])).any()):
        raise InputError(where, sums[0], "is outside 0 to the number of units", "count hits among the units")
    least = made["sum"] ** 2 / made["n"].clip(lower=1)
    if not rail.binary and (made["squares"] < least * (1 - 1e-9)).any():
        problem = "a sum of squares is smaller than its sum allows"
        raise InputError(where, sums[1], problem, "give the sum of the squared values, not the squared sum")
    return _cumulative(scenario, made)


def _numbers(column: pd.Series[str], name: str, where: str) -> pd.Series[float]:
    values = pd.to_numeric(column, errors="coerce")
    bad = ~(values.abs() <= LARGEST)
    if bad.any():
        row = int(bad.to_numpy().argmax())
        raise InputError(where, name, f"{shown(column.iloc[row])} is not a number", "give plain numbers")
    return values


def _cumulative(scenario: Scenario, table: pd.DataFrame) -> Measured:
    """Sum a table up by day and variant."""
    arms = [variant.name for variant in scenario.variants]
    if not len(table):
        nothing = np.zeros((1, len(arms)))
        return Measured(np.ones(1, int), nothing, nothing, nothing)
    days = np.sort(table["day"].unique())
    return Measured(days.astype(int), *running_totals(table, days, arms, ("n", "sum", "squares")))
