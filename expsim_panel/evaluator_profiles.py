"""Profiles of judges and raters: named sets of fields with their sources, all of them editable.

``[evaluator] profile = "strong-llm"`` fills the fields that the scenario leaves out. Any text that is no name
(`profile = "Fitted to our ratings"`) is a label, as in calibrated scenarios.
"""

from __future__ import annotations

import re
import tomllib
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any

from expsim_panel.errors import InputError, did_you_mean, shown

RATES = {"differential_bias": 0.01, "suspected_bias_sd": 0.02}
"""Assumed of a yes/no metric, as a rate, where a profile says it in points of a 1-5 scale; as calibrations assume."""

INSTEAD = {"hourly_wage": "price_per_label", "price_per_label": "hourly_wage"}
"""Fields that stand in place of each other: never both, and the one that is given on top takes the other away."""
OVER = {**INSTEAD, "seconds": "latency_ms"}
"""The same, and what is read where the other is not: given on top of it, it counts."""


def stacked(below: dict[str, Any], above: dict[str, Any]) -> dict[str, Any]:
    """Return fields with others on top, which win; what they stand in place of is gone."""
    gone = {other for key, other in OVER.items() if above.get(key) is not None}
    return {**{key: value for key, value in below.items() if key not in gone}, **above}


@dataclass(frozen=True)
class Profile:
    """A named evaluator.

    Attributes
    ----------
    name, kind, title : str
        Slug, ``judge`` or ``human``, and one line for lists.
    fields : dict
        Keys of the evaluator and their values.
    sources, assumptions : dict of str
        Where each field's number comes from, or that it is assumed; together they name every field.
    """

    name: str
    kind: str
    title: str
    fields: dict[str, Any]
    sources: dict[str, str]
    assumptions: dict[str, str]


def names(kind: str | None = None) -> list[str]:
    """Return the names of all profiles, or of those of one kind of evaluator."""
    found = _in_folder()
    return list(found) if kind is None else [name for name in found if load(name).kind == kind]


@cache
def _in_folder() -> tuple[str, ...]:
    entries = files("expsim_panel.profiles").iterdir()
    return tuple(sorted(entry.name.removesuffix(".toml") for entry in entries if entry.name.endswith(".toml")))


@cache
def load(name: str) -> Profile:
    """Return a profile of the package.

    Raises
    ------
    InputError
        There is none of that name.
    """
    if name not in names():
        raise InputError("profiles", "profile", f"unknown profile {shown(name)}", did_you_mean(name, names()))
    tree = tomllib.loads((files("expsim_panel.profiles") / f"{name}.toml").read_text(encoding="utf-8"))
    return Profile(name, tree["kind"], tree["title"], tree["fields"], tree["sources"], tree["assumptions"])


def is_name(text: object) -> bool:
    """Tell whether a profile's text is meant as a name: a slug with a hyphen, or a known one."""
    return isinstance(text, str) and (text in names() or bool(re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)+", text)))


def filled(tree: dict[str, Any], kind: str, where: str, path: str, rates: bool = False) -> dict[str, Any]:
    """Return the fields of the profile that `tree` names, with the tree's own on top.

    Parameters
    ----------
    rates : bool
        Whether the metric is yes or no: a profile's points are no rates then, and `RATES` takes their place.

    Raises
    ------
    InputError
        An unknown name, or a profile of another kind of evaluator.
    """
    name = tree.get("profile")
    if not is_name(name):
        return tree
    if name not in names(kind):
        of = f" of a {load(str(name)).kind}" if name in names() else ""
        problem = f"{'profile' if of else 'unknown profile'} {shown(name)}{of}"
        remedy = did_you_mean(str(name), names(kind)) if names(kind) else f"a {kind} has no profiles"
        raise InputError(where, f"{path}.profile", problem, remedy)
    fields = load(str(name)).fields
    assumed = {key: rate for key, rate in RATES.items() if rates and key in fields}
    return stacked({**fields, **assumed}, tree)
