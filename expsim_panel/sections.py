"""Param objects that read themselves from a tree (TOML, JSON, flags) and write themselves back.

Every door (file, flag, widget, link, upload) goes through `Section.from_tree`, so bad input gets the
same single line everywhere.
"""

from __future__ import annotations

import math
from typing import Any, Self

import param

from expsim_panel.errors import InputError, did_you_mean, shown
from expsim_panel.quantities import LARGEST, SMALLEST

_FIELDS: dict[type[param.Parameterized], tuple[str, ...]] = {}
"""Keys of each class, looked up once: a surface asks four times a cell."""


class Section(param.Parameterized):  # type: ignore[misc]
    """A table of a scenario file."""

    def __init__(self, **params: Any) -> None:
        # Without a name of its own Param would invent one, such as Variant00012.
        super().__init__(**{"name": "", **params})

    @classmethod
    def fields(cls) -> list[str]:
        """Return the keys that a file may hold; `name` only where the class declares one."""
        return list(_FIELDS.get(cls) or _FIELDS.setdefault(cls, cls._keys()))

    @classmethod
    def _keys(cls) -> tuple[str, ...]:
        return tuple(key for key in cls.param if key != "name" or not cls.param["name"].constant)

    @classmethod
    def from_tree(cls, tree: Any, where: str, path: str = "") -> Self:
        """Build the object from a dictionary.

        Raises
        ------
        InputError
            Unknown key, wrong type, or value out of bounds.
        """
        if not isinstance(tree, dict):
            raise InputError(where, path, f"{shown(tree)} is not a table", f"give {', '.join(cls.fields())}")
        made = cls()
        for key, value in tree.items():
            made.put(key, value, where, path)
        made.check(where, path)
        return made

    def put(self, key: str, value: Any, where: str, path: str = "") -> None:
        """Set one key, with the error of `from_tree`."""
        full = f"{path}.{key}" if path else str(key)
        if key not in self.fields():
            raise InputError(where, full, f"unknown key {shown(key)}", did_you_mean(str(key), self.fields()))
        declared = self.param[key]
        part = declared.class_ if isinstance(declared, param.ClassSelector) else None
        if isinstance(part, type) and issubclass(part, Section):
            setattr(self, key, part.from_tree(value, where, full))
            return
        if isinstance(declared, (param.NumericTuple, param.Tuple)) and isinstance(value, list):
            value = tuple(value)
        if hasattr(declared, "read"):
            value = declared.read(value)
        if isinstance(declared, (param.List, param.Tuple)) and value is not None:
            _check_numbers(value, where, full)
        if isinstance(declared, param.Selector) and type(value) not in {type(one) for one in declared.objects}:
            # True and 1.0 are equal to 1, and would pass as a member.
            known = ", ".join(str(one) for one in declared.objects)
            raise InputError(where, full, f"unknown value {shown(value)}", f"choose from {known}")
        try:
            setattr(self, key, value)
        except (ValueError, TypeError) as error:
            problem, remedy = _explain(declared, value, str(error))
            raise InputError(where, full, problem, remedy) from None

    def check(self, where: str, path: str = "") -> None:
        """Check what concerns several keys at once; raise `InputError`."""

    def to_tree(self) -> dict[str, Any]:
        """Return the tree that `from_tree` reads back to an equal object; what is None is left out."""
        tree: dict[str, Any] = {}
        for key in self.fields():
            value = getattr(self, key)
            if isinstance(value, Section):
                tree[key] = value.to_tree()
            elif isinstance(value, tuple):
                tree[key] = list(value)
            elif value is not None:
                tree[key] = value
        return tree

    def copy(self, **changes: Any) -> Self:
        """Return an independent object with some keys changed."""
        return type(self).from_tree({**self.to_tree(), **changes}, "copy")


def _check_numbers(values: Any, where: str, path: str) -> None:
    """Refuse nan, infinity and astronomic numbers inside lists, which Param's containers let through."""
    for value in values if isinstance(values, (list, tuple)) else ():
        if isinstance(value, (int, float)) and math.inf > abs(value) > LARGEST:
            raise InputError(where, path, f"{shown(value)} is out of bounds", f"give numbers up to {LARGEST:g}")
        if isinstance(value, bool) or (isinstance(value, float) and not math.isfinite(value)):
            raise InputError(where, path, f"{shown(value)} is not a finite number", "give finite numbers")


def _explain(declared: param.Parameter, value: Any, message: str) -> tuple[str, str]:
    """Turn Param's message into problem and remedy."""
    if isinstance(declared, param.Selector):
        return f"unknown value {shown(value)}", did_you_mean(str(value), [str(o) for o in declared.objects])
    if hasattr(declared, "remedy"):
        problem = f"{shown(value)} is not accepted"
        if isinstance(value, float) and not math.isfinite(value):
            problem = f"{shown(value)} is not a finite number"
        elif isinstance(value, (str, bool, list, dict, tuple)) or (
            isinstance(value, float) and isinstance(declared, param.Integer)
        ):
            problem = f"{shown(value)} is not {declared.noun}"
        elif isinstance(value, (int, float)):
            problem = f"{shown(value)} is out of bounds"
            if declared.bounds and declared.bounds[1] is not None:
                return problem, declared.remedy()
            if 0 < value < SMALLEST:
                return problem, f"{declared.remedy()}, at least {SMALLEST:g}"
            if math.inf > abs(value) > LARGEST:
                return problem, f"{declared.remedy()}, at most {LARGEST:g}"
        return problem, declared.remedy()
    if isinstance(declared, param.NumericTuple):
        return f"{shown(list(value) if isinstance(value, tuple) else value)} is not accepted", (
            f"give a list of {declared.length} numbers"
        )
    kinds = {param.String: "text in quotes", param.Boolean: "true or false", param.List: "a list of numbers"}
    for kind, words in kinds.items():
        if isinstance(declared, kind):
            return f"{shown(value)} is not {words}", f"give {words}"
    return f"{shown(value)} is not accepted", "".join(message.split("\n")[:1])
