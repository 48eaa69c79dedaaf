"""Turning what the argument parser complains about into the one line that every wrong input gets."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import typer

from expsim_panel.errors import InputError, did_you_mean, shown

USAGE_ERROR: Any = typer.BadParameter.__base__
"""The parser's usage error: click's, or the copy of click in newer versions of Typer; both export its child."""


def one_line(error: Any, arguments: Sequence[str]) -> str:
    """Say in one line which argument is wrong and what to do.

    Parameters
    ----------
    error : click.UsageError
        Unknown option, missing or malformed argument.
    arguments : sequence of str
        The command line, which still holds the value that the error may not name.
    """
    context = getattr(error, "ctx", None)
    where = context.command_path if context else "expsim"
    unknown = getattr(error, "option_name", None)
    if unknown and "such option" in error.message.lower():
        options = context.command.params if context else []
        known = [name for one in options for name in one.opts if name.startswith("--")]
        return str(InputError(where, "", f"unknown option {shown(unknown)}", did_you_mean(unknown, [*known, "--help"])))
    declared = getattr(error, "param", None)
    text = str(error.message).strip().rstrip(".")
    remedy = f"see {where} --help"
    if declared is None:
        return str(InputError(where, "", text[:1].lower() + text[1:], remedy))
    if declared.param_type_name != "option":
        return str(InputError(where, str(declared.metavar or declared.name).upper(), text or "is missing", remedy))
    key = max(declared.opts, key=len)
    value = _given(declared.opts, arguments)
    kind = next((word for word in ("integer", "float", "number") if word in text), "")
    if value is not None and kind:
        noun = "a whole number" if kind == "integer" else "a number"
        return str(InputError(where, key, f"{shown(value)} is not {noun}", f"give {noun}"))
    return str(InputError(where, key, text or "is missing", remedy))


def _given(names: list[str], arguments: Sequence[str]) -> str | None:
    """Return the last value given to an option."""
    value = None
    for position, word in enumerate(arguments):
        flag, separator, rest = word.partition("=")
        if flag in names:
            value = rest if separator else next(iter(arguments[position + 1 :]), None)
    return value
