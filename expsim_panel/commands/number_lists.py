"""Lists of numbers on the command line."""

from __future__ import annotations


def numbers(flag: str, text: str, separator: str, example: str, where: str = "exact group-sequential") -> list[float]:
    """Read numbers from one argument; raise `InputError` naming the flag."""
    from expsim_panel.errors import InputError, shown

    try:
        return [float(part) for part in text.split(separator)]
    except ValueError:
        problem = f"{shown(text)} is not a list of numbers"
        raise InputError(where, flag, problem, f"write for example {example}") from None


def bounds_or_none(flag: str, text: str, where: str = "exact group-sequential") -> list[float | str]:
    """Read z bounds from one argument, ``none`` for a look without; raise `InputError` naming the flag."""
    parts: list[float | str] = []
    for part in text.split(","):
        if part.strip().lower() == "none":
            parts.append("none")
        else:
            parts += numbers(flag, part, ",", "0,none,0.5", where)
    return parts
