"""A study of the plainest world from a few numbers: what a test is asked about when there is no scenario yet."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from expsim_panel import strategy
from expsim_panel.design import designs
from expsim_panel.errors import InputError, shown
from expsim_panel.policy import policies
from expsim_panel.policy_names import read_fields
from expsim_panel.study import Study

WHERE = "simple study"
DAYS = 14
"""Planned days of a kind that looks every day, or that sets its length on the way, unless told otherwise."""
_START = 1000
_FLAGS = {
    "metric.sd": "--sd", "variants.0.mean": "--base", "variants.k.mean": "--effect", "variants.k.sd": "--sd-treatment",
    "traffic.units_per_day": "--units-per-day", "traffic.days": "--days",
    "traffic.exposures_per_unit": "--cluster-size", "traffic.icc": "--icc",
    "traffic.size_variation": "--cluster-cv", "analysis.covariate_correlation": "--cuped-correlation",
}  # fmt: skip
"""What was given, by the key of the study that it became."""
_OF_KIND = ("alpha", "sides", "looks", "information", "futility_bounds", "binding")
"""Fields of a kind that have a flag of their own."""


def simple_study(
    kind: str,
    *,
    family: str = "means",
    base: float | None = None,
    sd: float | None = None,
    sd_treatment: float | None = None,
    effects: Sequence[float] = (0.0,),
    direction: str | None = None,
    allocation: Sequence[float] | None = None,
    units_per_day: int | None = None,
    days: int | None = None,
    looks: int | None = None,
    cluster_size: float = 1.0,
    icc: float = 0.0,
    cluster_cv: float = 0.0,
    cuped_correlation: float = 0.0,
    where: str = WHERE,
    **fields: Any,
) -> Study:
    """Return a study with one strategy: perfect measurement, the same traffic every day.

    Parameters
    ----------
    kind : str
        Any strategy, also with parameters: ``msprt(tau=0.1)``.
    family : str
        ``means`` or ``proportions``.
    base : float, optional
        The control's mean (0 unless given) or rate.
    sd, sd_treatment : float, optional
        Of means: spread of a response, of the treatments' where it differs.
    effects : sequence of float
        True difference of each variant to the control, in the metric's units; two or more make several variants.
    direction : str, optional
        ``increase`` or ``decrease`` is better; by the sign of the largest effect unless given.
    allocation : sequence of float, optional
        Parts of the traffic, the control first; even unless given.
    units_per_day, days : int, optional
        Traffic, and planned days: as many as looks unless given, 14 for kinds that look
        every day or set their length on the way.
    looks : int, optional
        Planned analyses. Of a kind that looks every day these are its days.
    cluster_size, icc, cluster_cv, cuped_correlation : float
        Responses of a unit, their correlation, variation of their number; correlation with a covariate.
    fields
        Of the kind: ``alpha``, ``sides``, ``information``, ``futility_bounds``, ``binding``, ``parameter``. None: its
        own value.

    Raises
    ------
    InputError
        A number is missing, out of range, or no number of this kind.
    """
    name, given = _kind(kind, where)
    halves = _halves(name, given)
    known = [key for half in halves for key in half.fields()]
    for key, value in fields.items():
        if value is None:
            continue
        field = key
        if key == "parameter":
            field = next((half.parameter_key for half in halves if getattr(half, "parameter_key", "")), key)
        if field not in known:
            flag = f"--{key.replace('_', '-')}"
            raise InputError(
                where, flag, f"{name} has no {key.replace('_', ' ')}", f"leave it out, or write {name}(...)"
            )
        given.setdefault(field, value)
    if looks is not None and "looks" in known:
        given.setdefault("looks", looks)
    if any(getattr(half, "of_lifts", False) for half in halves) and not (base or 0.0) > 0.0:
        problem = "base is missing" if base is None else f"base is {shown(base)}"
        raise InputError(where, "--base", problem, "a lift needs a control above 0")
    several = any(getattr(half, "several_days", False) for half in halves)
    planned = _days(name, given, known, days, looks, several, where)
    if several and planned == 1:
        raise InputError(where, "--days", f"one day for {name}", "give 2 or more: it sets its length on the way")
    tree: dict[str, Any] = {
        "scenario": {"name": "simple", "title": "A simple world"},
        "metric": _metric(family, sd, direction, effects, where),
        "variants": _variants(family, base, sd_treatment, effects, where),
        "traffic": {
            "units_per_day": _START * (len(effects) + 1) if units_per_day is None else units_per_day,
            "days": planned, "exposures_per_unit": cluster_size, "icc": icc, "size_variation": cluster_cv,
        },
        "analysis": {
            "unit": "one-response" if cluster_size == 1 else "unit",
            "covariate_correlation": cuped_correlation,
        },
        "strategies": [{"kind": name, "name": kind[:60], **given}],
    }  # fmt: skip
    if allocation is not None:
        tree["traffic"]["shares"] = _shares(allocation, len(effects) + 1, where)
    try:
        return Study.from_tree(tree, where)
    except InputError as error:
        key = re.sub(r"^variants\.[1-9]\d*\.", "variants.k.", error.key)
        own = key.removeprefix("strategies.0.")
        if own != key:
            key = _flag(own, halves, fields)
        raise InputError(error.where, _FLAGS.get(key, key), error.problem, error.remedy) from None


def _flag(key: str, halves: list[Any], fields: dict[str, Any]) -> str:
    """Return how a field of the kind was given: by a flag, or within the kind."""
    if fields.get("parameter") is not None and key in [getattr(half, "parameter_key", "") for half in halves]:
        return "--parameter"
    first = key.split(".")[0]
    return f"--{first.replace('_', '-')}" if first in _OF_KIND else f"--kind.{key}"


def _kind(text: str, where: str) -> tuple[str, dict[str, Any]]:
    name, given = read_fields(text, where, "--kind") if "(" in text else (text, {})
    # Unknown names are refused with what there is.
    try:
        strategy.build({"kind": name}, where, "--kind")
    except InputError as error:
        raise InputError(where, "--kind", error.problem, error.remedy) from None
    return name, dict(given)


def _halves(name: str, given: dict[str, Any]) -> list[Any]:
    made = strategy.build({"kind": name, **{key: given[key] for key in ("stopping", "allocation") if key in given}},
                          WHERE, "--kind")  # fmt: skip
    return [made.policy, made.design]


def _days(
    name: str, given: dict[str, Any], known: list[str], days: int | None, looks: int | None, several: bool, where: str
) -> int:  # fmt: skip
    own = given.get("looks")
    if own is None and "looks" in known and name in designs.names():
        own = getattr(designs.get(name)(), "looks", None)
    lists = [len(given[key]) for key in ("information", "critical_values", "alpha_spent") if given.get(key)]
    every_day = "min_days" in known or name in policies.names()
    if looks is not None and "looks" not in known:
        if not every_day and (several or looks != 1):
            raise InputError(where, "--looks", f"{name} looks once", "leave it out")
        return looks if days is None else days
    if days is not None:
        return days
    if "information" in known and given.get("information"):
        # Fractions become days: hundredths of the plan.
        return 100
    return max([int(own or 0), *lists]) or (DAYS if every_day or several else 1)


def _metric(
    family: str, sd: float | None, direction: str | None, effects: Sequence[float], where: str
) -> dict[str, Any]:
    if family not in ("means", "proportions"):
        problem = f"{shown(family)} in a study by days"
        raise InputError(where, "--family", problem, "give means or proportions (ratio: its linearised mean and sd)")
    if direction not in (None, "increase", "decrease"):
        raise InputError(where, "--direction", f"unknown direction {shown(direction)}", "choose increase or decrease")
    largest = max(effects, key=abs)
    made = {"name": "metric", "family": "normal" if family == "means" else "binary"}
    made["direction"] = direction or ("decrease" if largest < 0 else "increase")
    if family == "means":
        if sd is None:
            raise InputError(where, "--sd", "sd is missing", "give the standard deviation of one response")
        return {**made, "sd": sd}
    if sd is not None:
        raise InputError(where, "--sd", "a rate has no sd of its own", "leave it out")
    return made


def _variants(
    family: str, base: float | None, sd_treatment: float | None, effects: Sequence[float], where: str
) -> list[dict[str, Any]]:
    if base is None and family == "proportions":
        raise InputError(where, "--base", "base is missing", "give the control's rate")
    own = {} if sd_treatment is None else {"sd": sd_treatment}
    control = 0.0 if base is None else base
    names = ["control", *(f"variant {k}" for k in range(1, len(effects) + 1))]
    means = [control, *(control + effect for effect in effects)]
    return [{"name": name, "mean": mean, **(own if k else {})}
            for k, (name, mean) in enumerate(zip(names, means, strict=True))]  # fmt: skip


def _shares(allocation: Sequence[float], arms: int, where: str) -> list[float]:
    if len(allocation) != arms or not all(part > 0 for part in allocation):
        problem = f"allocation is {shown(list(allocation))} for {arms} arms"
        raise InputError(where, "--allocation", problem, "give one positive part for each, the control first, as 2:1:1")
    return [float(part) / sum(allocation) for part in allocation]
