"""JSON of ratings and logs: keys that stand twice, and one line about what is not there."""

from __future__ import annotations

import json
from typing import Any, NamedTuple

from expsim_panel.errors import InputError, shown

TWICE = "keep the value that is meant"


class Failed(NamedTuple):
    """Entries of a log that failed and were left out: what they are, why, and which (counted from 1)."""

    what: str
    problem: str
    numbers: list[int]


class Twice(dict[str, Any]):
    """An object that has a key twice; JSON keeps the last value silently."""

    key: str


def keyed(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Make an object of its pairs."""
    made = dict(pairs)
    if len(made) == len(pairs):
        return made
    seen: set[str] = set()
    twice = Twice(made)
    twice.key = next(key for key, _ in pairs if key in seen or seen.add(key))  # type: ignore[func-returns-value]
    return twice


def strictly(text: str, row: Any) -> Any:
    """Return the object of a text, as `Twice` if it has a key twice: only then, or in a text, are there more colons.

    Counting them is far faster than a hook for every object.
    """
    if isinstance(row, dict) and text.count(":") > len(row):
        return json.loads(text, object_pairs_hook=keyed)
    return row


def object_of(value: Any, what: str, where: str) -> dict[str, Any]:
    """Return an object of a log, an empty one for nothing, or one line that says what stands there instead."""
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise InputError(where, "", f"{what} is {shown(value)}, not an object", "export the log again")
    if isinstance(value, Twice):
        raise InputError(where, value.key, f"{what} has the key {shown(value.key)} twice", TWICE)
    return value


def list_of(value: Any, what: str, where: str) -> list[Any]:
    """Return a list of a log, an empty one for nothing, or one line that says what stands there instead."""
    if value is None:
        return []
    if not isinstance(value, list):
        raise InputError(where, "", f"{what} is {shown(value)}, not a list", "export the log again")
    return value


def kind_of(name: str) -> str:
    """Return who scores: a person if a name of a scorer says so, else a judge."""
    return "human" if "human" in name.lower() else "judge"
