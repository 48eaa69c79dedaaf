"""Plug-ins found by their file: one file in a folder is one policy, design, evaluator, plot or export.

Names are listed from the folder without importing anything (importing HoloViews to list plots would
cost a second); a plug-in is imported when it is asked for.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import cache
from importlib import import_module
from importlib.resources import files
from typing import Generic, TypeVar

from expsim_panel.errors import InputError, did_you_mean

T = TypeVar("T")


@cache
def _in_folder(package: str) -> frozenset[str]:
    """Return the names of the files of a package's folder, which nobody changes while it is in use."""
    return frozenset(
        entry.name.removesuffix(".py").replace("_", "-")
        for entry in files(package).iterdir()
        if entry.name.endswith(".py") and not entry.name.startswith("_")
    )


class Registry(Generic[T]):
    """The plug-ins of one folder of the package.

    Parameters
    ----------
    package : str
        The folder, such as ``expsim_panel.policies``; ``thompson.py`` in it is ``thompson``.
    noun : str
        What one of them is called in an error.
    """

    def __init__(self, package: str, noun: str) -> None:
        self.package, self.noun = package, noun
        self._made: dict[str, T] = {}

    def names(self) -> list[str]:
        """Return the names in alphabetical order, without importing the plug-ins."""
        return sorted(_in_folder(self.package) | set(self._made))

    def get(self, name: str, where: str = "expsim", key: str = "") -> T:
        """Return the plug-in called `name`.

        Raises
        ------
        InputError
            No such plug-in; the line suggests the nearest name.
        """
        if not isinstance(name, str) or name not in self._made:
            if not re.fullmatch(r"[a-z0-9-]+", str(name)) or name not in self.names():
                remedy = did_you_mean(str(name), self.names())
                raise InputError(where, key, f"unknown {self.noun} {str(name)[:60]!r}", remedy)
            import_module(f"{self.package}.{name.replace('-', '_')}")
        if name not in self._made:
            raise LookupError(f"{self.package}.{name.replace('-', '_')} registers no {self.noun} {name!r}")
        return self._made[name]

    def register(self, name: str) -> Callable[[T], T]:
        """Register the decorated class or function under `name`, which is its file's name."""

        def decorate(thing: T) -> T:
            self._made[name] = thing
            return thing

        return decorate

    def all(self) -> dict[str, T]:
        """Import and return every plug-in."""
        return {name: self.get(name) for name in self.names()}
