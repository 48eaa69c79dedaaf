"""Arguments of the exact calculations, checked: every complaint names the flag, the value and the remedy."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from expsim_panel.errors import InputError, shown

Floats = npt.NDArray[np.float64]

WHERE = "exact group-sequential"
MAX_LOOKS = 400
"""More looks than a year of days; beyond it an always-valid rule is the right tool."""
_CLOSEST = 1e-4
# The recursion is right to 1e-12: a smaller probability would be mostly rounding.
_LEAST_RATE = 1e-9


def is_real(value: object) -> bool:
    """Tell whether `value` is a finite number; True and False are not."""
    return isinstance(value, int | float | np.number) and not isinstance(value, bool) and math.isfinite(value)


def equal_information(looks: int) -> Floats:
    """Return the information fractions 1/K, 2/K, ..., 1 of `looks` equally spaced looks (1 to 400)."""
    if not is_real(looks) or looks != int(looks) or not 1 <= looks <= MAX_LOOKS:
        remedy = f"give a whole number, 1 to {MAX_LOOKS}"
        raise InputError(WHERE, "--looks", f"looks is {shown(looks)}", remedy)
    return np.arange(1, int(looks) + 1) / int(looks)


def check_information(information: Sequence[float] | Floats, end: bool) -> Floats:
    """Return information fractions as an array: in (0, 1], increasing, the last 1 if `end`; or InputError."""
    try:
        fractions = np.array(information, dtype=np.float64, ndmin=1)
    except (TypeError, ValueError):
        problem = f"information is {shown(information)}"
        raise InputError(WHERE, "--information", problem, "give numbers such as 0.2,0.5,1") from None
    said = f"information is {shown(fractions.tolist())}"
    if fractions.ndim != 1 or not 1 <= fractions.size <= MAX_LOOKS:
        raise InputError(WHERE, "--looks", f"{fractions.size} looks", f"give 1 to {MAX_LOOKS} looks")
    if not np.all((fractions > 0) & (fractions <= 1)):
        raise InputError(WHERE, "--information", said, "give fractions greater than 0, at most 1")
    if np.any(np.diff(fractions) <= 0):
        raise InputError(WHERE, "--information", said, "each look must have more information than the last")
    if end and abs(fractions[-1] - 1.0) > 1e-9:
        raise InputError(WHERE, "--information", said, "the last look must be at 1")
    if np.any(np.diff(fractions) < _CLOSEST * fractions[1:]):
        raise InputError(WHERE, "--information", said, "merge looks closer together than one part in 10,000")
    if end:
        fractions[-1] = 1.0
    return fractions


def check_error_rate(alpha: float, sides: int, where: str = WHERE) -> None:
    """Raise InputError unless `alpha` lies strictly within 0 and 1 and `sides` is 1 or 2."""
    if not is_real(alpha) or not 0.0 < alpha < 1.0:
        raise InputError(where, "--alpha", f"alpha is {shown(alpha)}", "give a number between 0 and 1")
    if not _LEAST_RATE <= alpha <= 1.0 - _LEAST_RATE:
        raise InputError(where, "--alpha", f"alpha is {shown(alpha)}", "stay 1e-9 away from 0 and 1")
    if isinstance(sides, bool) or sides not in (1, 2):
        raise InputError(where, "--sides", f"sides is {shown(sides)}", "give 1 or 2")


def check_positive(key: str, value: float, where: str = WHERE) -> None:
    """Raise InputError unless `value` is a finite number greater than 0."""
    if not is_real(value) or not value > 0.0:
        raise InputError(where, f"--{key}", f"{key} is {shown(value)}", "give a finite number greater than 0")


def check_finite(key: str, value: float, where: str = WHERE) -> None:
    """Raise InputError unless `value` is a finite number."""
    if not is_real(value):
        raise InputError(where, f"--{key}", f"{key} is {shown(value)}", "give a finite number")


def check_power(power: float, alpha: float, where: str = WHERE) -> None:
    """Raise InputError unless the target power lies between alpha and 1."""
    if not is_real(power) or not alpha < power <= 1.0 - _LEAST_RATE:
        remedy = f"give a number above alpha = {alpha:g} and below 1 (at most 1 - 1e-9)"
        raise InputError(where, "--power", f"power is {shown(power)}", remedy)


def check_allocation(allocation: Sequence[float], where: str = WHERE) -> tuple[float, float]:
    """Return allocation as shares (control, treatment) of all units that sum to 1."""
    parts = list(allocation) if isinstance(allocation, Sequence) else []
    if len(parts) != 2 or not all(is_real(part) and part > 0 for part in parts):
        problem, remedy = (
            f"allocation is {shown(allocation)}",
            "give control:treatment, two positive numbers, as 1:1",
        )
        raise InputError(where, "--allocation", problem, remedy)
    control, treatment = (float(part) for part in parts)
    return control / (control + treatment), treatment / (control + treatment)


def check_real_list(key: str, values: Sequence[float] | Floats, where: str = WHERE) -> list[float]:
    """Return a list of finite numbers, 1 to `MAX_LOOKS` of them; or InputError."""
    listed = list(values) if isinstance(values, Sequence | np.ndarray) and not isinstance(values, str) else []
    if not 1 <= len(listed) <= MAX_LOOKS or not all(map(is_real, listed)):
        name = key.removeprefix("--").replace("-", " ")
        raise InputError(where, key, f"{name} is {shown(values)}", f"give 1 to {MAX_LOOKS} numbers")
    return [float(value) for value in listed]
