"""Where a path of a study leads: the section and the key, what is declared there, and how a number is put in."""

from __future__ import annotations

import re
from typing import Any

import param

from expsim_panel.arm_axes import ARMS, SHARES
from expsim_panel.errors import InputError, did_you_mean, shown
from expsim_panel.sections import Section
from expsim_panel.study import Study

EFFECT = "effect"
"""Pseudo path: the true effect of the best variant over control, positive is better; others keep their share of it."""

UNREAD = (
    ["evaluator", "judge", "coverage"],
    ["evaluator", "human", "coverage"],
)  # read when a hybrid is built


def locate(study: Study, path: str, where: str, fill: bool = False) -> tuple[Section, str]:
    """Return the section and the key that a path leads to; of a table that the study leaves out, one with its defaults.

    Parameters
    ----------
    fill : bool
        True puts that table into the study.

    Raises
    ------
    InputError
        It leads nowhere; the line suggests what there is.
    """
    keys = path.split(".")
    if keys[0] == "strategies":
        return _strategy(study, keys, where, path)
    if keys[0] == "evaluators" and len(keys) > 2:
        keys = ["evaluator", *_of_evaluator(study.scenario.evaluator.kind, keys[1:], where, path)]
    if keys in UNREAD and study.scenario.evaluator.kind == "hybrid":
        remedy = "write evaluator.coverage for the share judged, evaluator.label_share for the part of it labelled"
        raise InputError(where, path, "judge and people together have shares of their own", remedy)
    node: Any = study.scenario
    for depth, key in enumerate(keys):
        last = depth == len(keys) - 1
        if isinstance(node, list):
            _numbered(node, key, where, path)
            node = node[int(key)]
        elif isinstance(node, Section) and key in node.fields():
            if last:
                return node, key
            owner = node
            # An even split is an empty list.
            node = study.scenario.shares if path.startswith(SHARES) and depth else _table(node, key, fill)
            if depth == len(keys) - 2 and isinstance(node, list) and all(isinstance(n, int | float) for n in node):
                _numbered(node, keys[-1], where, path)
                return owner, f"{key}.{int(keys[-1])}"
        else:
            known = [*node.fields(), EFFECT, ARMS] if isinstance(node, Section) else [EFFECT]
            raise InputError(where, path, f"unknown key {shown(key)}", did_you_mean(key, known))
    raise InputError(where, path, "is not a number", "add the key of a number")


def _of_evaluator(kind: str, keys: list[str], where: str, path: str) -> list[str]:
    """Return where a key of ``[evaluators.KIND]`` is in the active evaluator, which was built from this table."""
    if kind == "hybrid" and keys[0] in ("judge", "human"):
        return keys
    if keys[0] != kind:
        remedy = (
            "write evaluators.judge, evaluators.human or evaluator" if kind == "hybrid" else f"write evaluators.{kind}"
        )
        raise InputError(where, path, f"{shown(keys[0])} does not measure here", remedy)
    return keys[1:]


def _table(owner: Section, key: str, fill: bool) -> Any:
    """Return a value of a section; of a table that is left out, one with its defaults."""
    found, declared = getattr(owner, key), owner.param[key]
    if found is None and isinstance(declared, param.ClassSelector) and issubclass(declared.class_, Section):
        found = declared.class_()
        if fill:
            setattr(owner, key, found)
    return found


def _numbered(entries: list[Any], key: str, where: str, path: str) -> None:
    if not re.fullmatch("[0-9]{1,3}", key) or int(key) >= len(entries):
        remedy = f"give 0 to {len(entries) - 1}" if entries else "there are none"
        raise InputError(where, path, f"there is no entry {shown(key)}", remedy)


def declared_of(section: Section, key: str) -> param.Parameter:
    """Return the declaration of what `locate` has found: of an entry of a list of numbers, one like its list's."""
    name, _, index = key.partition(".")
    declared = section.param[name]
    if not index:
        return declared
    return param.Number(label=f"{declared.label}, variant {int(index) + 1}", doc=str(declared.doc))


def own_of(section: Section, key: str) -> float | None:
    """Return the value of what `locate` has found; None where it is unset."""
    name, _, index = key.partition(".")
    found: float | None = getattr(section, name)[int(index)] if index else getattr(section, name)
    return found


def put(section: Section, key: str, value: float, where: str, path: str) -> None:
    """Set what `locate` has found, `path` being the section's."""
    name, _, index = key.partition(".")
    if not index:
        section.put(name, _typed(section.param[name], value), where, path)
        return
    entries = list(getattr(section, name))
    entries[int(index)] = value
    section.put(name, entries, where, path)


def _strategy(study: Study, keys: list[str], where: str, path: str) -> tuple[Section, str]:
    names = [one.name for one in study.strategies]
    if len(keys) != 3:
        raise InputError(where, path, "names no number of a strategy", "write strategies.NAME.looks")
    at = names.index(keys[1]) if keys[1] in names else -1
    if re.fullmatch("[0-9]{1,2}", keys[1]) and int(keys[1]) < len(names):
        at = int(keys[1])
    if at < 0:
        raise InputError(where, path, f"unknown strategy {shown(keys[1])}", did_you_mean(keys[1], names))
    one = study.strategies[at]
    for half in (one.policy, one.design):
        if keys[2] in half.fields():
            return half, keys[2]
    known = [*one.policy.fields(), *one.design.fields()]
    raise InputError(where, path, f"unknown key {shown(keys[2])}", did_you_mean(keys[2], known))


def _typed(declared: param.Parameter, value: float) -> float | int:
    return int(value) if isinstance(declared, param.Integer) else value
