"""Params that hold one number for each look or arm; contradictions within the list are refused where it is set."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import param

NONE = "none"
"""Stands for a look without a bound: neither TOML readers of every language nor JSON know infinity."""


class LookList(param.List):  # type: ignore[misc]
    """A list of numbers, one for each look, or None."""

    noun = "a list of numbers"
    advice = "give numbers such as 0.2, 0.5, 1"

    def __init__(self, default: Sequence[Any] | None = None, **kw: Any):
        super().__init__(None if default is None else list(default), allow_None=True, **kw)

    def read(self, value: Any) -> Any:
        """Return a value in the one form that is stored."""
        return list(value) if isinstance(value, tuple) else value

    def remedy(self) -> str:
        """Say in words which values are accepted."""
        return self.advice

    def _validate_value(self, val: Any, allow_None: bool) -> None:
        if val is None:
            return
        if not isinstance(val, list) or not 1 <= len(val) <= 100 or not self.accepts(val):
            raise ValueError(f"{val!r} is not {self.noun}")

    def accepts(self, values: list[Any]) -> bool:
        """Tell whether a list, not empty, makes sense."""
        return all(map(is_number, values))


def is_number(value: Any) -> bool:
    """Tell whether `value` is a finite number; True and False are not."""
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


class Floors(LookList):
    """Least probabilities of the arms: from 0 to 1 each."""

    noun = "a list of probabilities"
    advice = "give one for each arm, such as 0.1, 0.05, 0, at most 1 together"

    def accepts(self, values: list[Any]) -> bool:
        """Tell whether all are probabilities."""
        return super().accepts(values) and all(0 <= value <= 1 for value in values)


class Fractions(LookList):
    """Information fractions: they increase and end at 1."""

    noun = "a list of fractions above 0 that increase and end at 1"
    advice = "give one for each look in order, such as 0.2, 0.5, 1"

    def accepts(self, values: list[Any]) -> bool:
        """Tell whether the looks are in order and end at 1."""
        if not super().accepts(values) or not 0 < values[0] <= 1:
            return False
        return all(a < b for a, b in pairwise(values)) and abs(values[-1] - 1) <= 1e-9


class CumulativeSpending(LookList):
    """Cumulative error rate after each look: it does not decrease, and ends above 0."""

    noun = "a list of cumulative probabilities that does not decrease"
    advice = "give one for each look in order, such as 0.001, 0.01, 0.05"

    def accepts(self, values: list[Any]) -> bool:
        """Tell whether the spending is cumulative."""
        if not super().accepts(values) or values[0] < 0 or not 0 < values[-1] < 1:
            return False
        return all(a <= b for a, b in pairwise(values))


class FutilityBounds(LookList):
    """z bounds of the interim looks below which a test gives up; ``"none"`` for a look without."""

    noun = "a list of z bounds"
    advice = 'give one for each look but the last, such as 0, 0.5, and "none" for a look without'

    def read(self, value: Any) -> Any:
        """Write minus infinity as ``"none"``, one bound as a list of one; an empty list is no bounds at all."""
        value = super().read(value)
        if is_number(value):
            return [value]
        if not isinstance(value, list):
            return value
        return [NONE if item == -math.inf or str(item).strip().lower() == NONE else item for item in value] or None

    def accepts(self, values: list[Any]) -> bool:
        """Tell whether every item is a bound or ``"none"``."""
        return all(item == NONE or (is_number(item) and abs(item) <= 40) for item in values)


def z_bounds(values: Sequence[Any] | None) -> list[float] | None:
    """Return futility bounds as numbers, minus infinity for ``"none"`` and for None."""
    if values is None:
        return None
    return [-math.inf if item is None or item == NONE else float(item) for item in values]
