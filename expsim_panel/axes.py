"""Any number of a study as an axis: which path, which values."""

from __future__ import annotations

import copy
import re
from dataclasses import dataclass
from typing import Any

import numpy as np
import param

from expsim_panel import grid
from expsim_panel.arm_axes import ARMS, MOST_ARMS, SHARES
from expsim_panel.errors import InputError, shown
from expsim_panel.places import EFFECT, declared_of, locate, own_of, put
from expsim_panel.quantities import Probability, Score
from expsim_panel.study import Study

MOST = 200
"""Levels of one axis at most."""


@dataclass(frozen=True)
class Axis:
    """The levels of one number of a study.

    Attributes
    ----------
    path : str
        Its place in the scenario's tree, or `EFFECT`.
    values : ndarray, shape (levels,)
        Ascending; whole numbers where the number is a count.
    label, unit : str
        In the words of its declaration.
    own : float or None
        The study's own value; None where it is unset.
    """

    path: str
    values: np.ndarray
    label: str
    unit: str
    own: float | None

    def to_json(self) -> dict[str, Any]:
        """Return a JSON object."""
        return {
            "path": self.path,
            "label": self.label,
            "unit": self.unit,
            "values": self.values.tolist(),
            "own": self.own,
        }


def axis(study: Study, path: str, low: float, high: float, levels: int, where: str = "surface") -> Axis:
    """Return evenly spaced levels of one number of a study.

    Parameters
    ----------
    study : Study
        Not changed.
    path : str
        As in ``--set``: ``traffic.units_per_day``, ``variants.1.mean``, ``evaluator.scale``,
        ``strategies.0.looks`` or ``strategies.NAME.looks``; or ``effect``, or ``arms``.
    low, high : float
        First and last level, ``low < high``.
    levels : int
        2 to `MOST`; equal ones, after rounding of a count, are dropped.

    Raises
    ------
    InputError
        The path names no number, or a level is out of its bounds.
    """
    if not (np.isfinite(low) and np.isfinite(high) and low < high):
        raise InputError(where, path, f"{shown(low)} to {shown(high)} is no range", "give two numbers, the lower first")
    if not 2 <= levels <= MOST:
        raise InputError(where, path, f"{levels} levels", f"give 2 to {MOST}")
    values = np.linspace(low, high, levels)
    if path == EFFECT:
        binary = study.scenario.shown_as == "binary"
        most = grid.largest_effect(study.scenario)
        if high > most * (1 + 1e-9):
            raise InputError(where, path, f"{high:g} is out of bounds", f"give up to {most:g}")
        unit = "as a rate" if binary else "points"
        return Axis(path, values, "True effect of the best variant", unit, grid.best_effect(study.scenario))
    if path == ARMS:
        values = np.unique(np.round(values))
        if not 2 <= values[0] <= values[-1] <= MOST_ARMS:
            raise InputError(where, path, f"{values[0]:g} to {values[-1]:g} arms", f"give 2 to {MOST_ARMS}")
        return Axis(path, values, "Arms, control included", "", float(len(study.scenario.variants)))
    if path.startswith("traffic.") and study.scenario.offline is not None:
        raise InputError(where, path, "a prompt set has no traffic", "give offline.prompts, or remove [offline]")
    section, key = locate(study, path, where)
    if path.startswith(SHARES):
        arm = int(key.rpartition(".")[2])
        if not 0 < low < high < 1:
            raise InputError(where, path, f"{low:g} to {high:g} are no shares", "give shares above 0 and below 1")
        return Axis(path, values, _share_words(arm), "", float(study.scenario.shares[arm]))
    declared = declared_of(section, key)
    if not isinstance(declared, param.Number) or isinstance(declared, param.Boolean):
        raise InputError(where, path, "is not a number", "choose a numeric key")
    if isinstance(declared, param.Integer):
        values = np.unique(np.round(values))
    probe = copy.deepcopy(section)
    for value in (values[0], values[-1]):
        put(probe, key, float(value), where, path.removesuffix(f".{key}"))
    own = own_of(section, key)
    unit = getattr(declared, "unit", "")
    if isinstance(declared, Score) and not isinstance(declared, Probability) and study.scenario.family == "binary":
        unit = "as a rate"
    return Axis(path, values, str(declared.label), unit, None if own is None else float(own))


def parse(study: Study, text: str, flag: str) -> Axis:
    """Read ``PATH=lo:hi:n``.

    Raises
    ------
    InputError
        Not of that form, or not an axis.
    """
    path, separator, span = text.partition("=")
    parts = span.split(":")
    number = r"\s*[-+]?(\d+\.?\d*|\.\d+)([eE][-+]?\d+)?\s*"
    if not separator or len(parts) != 3 or not all(re.fullmatch(number, part) for part in parts[:2]):
        raise InputError(flag, shown(text), "is not PATH=lo:hi:n", "write for example traffic.units_per_day=500:4000:8")
    if not re.fullmatch(r"\s*\d{1,6}\s*", parts[2]):
        raise InputError(flag, shown(text), f"{shown(parts[2])} is no number of levels", f"give 2 to {MOST}")
    return axis(study, path.strip(), float(parts[0]), float(parts[1]), int(parts[2]), flag)


def _share_words(arm: int) -> str:
    return f"Share of the traffic, variant {arm + 1}" if arm else "Share of the traffic, control"
