"""The one error that a person's input can cause."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches


class InputError(ValueError):
    """The input is wrong; the text is one line that names place, key, value and remedy.

    Parameters
    ----------
    where : str
        The file, flag, widget or upload that the input came through.
    key : str
        Path of the offending key, such as ``variants.1.mean``; empty when the whole input is meant.
    problem : str
        What is wrong, with the value.
    remedy : str
        What to do about it.
    """

    def __init__(self, where: str, key: str, problem: str, remedy: str) -> None:
        self.where, self.key, self.problem, self.remedy = where, key, problem, remedy
        place = f"{where} [{key}]" if key else where
        super().__init__(" ".join(f"{place}: {problem}; {remedy}".split()))


def shown(value: object, limit: int = 60) -> str:
    """Quote a value for an error line: one line, never longer than `limit` characters."""
    try:
        text = " ".join(repr(value).split())
    except ValueError:
        # Python refuses to print a whole number of more than 4,300 digits, which TOML may give in base 16.
        text = "a number of thousands of digits"
    return text if len(text) <= limit else text[: limit - 3] + "..."


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """Name the closest known word, or else all of them."""
    names = sorted(known)
    close = get_close_matches(word, names, n=1, cutoff=0.6)
    return f"did you mean '{close[0]}'?" if close else f"choose from {', '.join(names)}"
