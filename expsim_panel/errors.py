"""The one error that a person's input can cause."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
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


@contextmanager
def asked_by(where: str) -> Iterator[None]:
    """Let every complaint name the question that was asked, whichever part of the package finds it.

    Parameters
    ----------
    where : str
        The command, such as ``exact power``.

    Raises
    ------
    InputError
        The one that was raised within, with this `where`.
    """
    try:
        yield
    except InputError as error:
        raise InputError(where, error.key, error.problem, error.remedy) from None


def shown(value: object, limit: int = 60) -> str:
    """Quote a value for an error line: one line, never longer than `limit` characters."""
    try:
        text = " ".join(repr(value).split())
    except ValueError:
        # Python refuses to print a whole number of more than 4,300 digits, which TOML may give in base 16.
        text = "a number of thousands of digits"
    return text if len(text) <= limit else text[: limit - 3] + "..."


LISTED = 12
"""Names that fit into one line; of more only the nearest are given."""


def did_you_mean(word: str, known: Iterable[str], everything: str = "") -> str:
    """Name the closest known word, or those that hold it, or else all of them: of many the nearest three.

    Parameters
    ----------
    word : str
        What was written.
    known : iterable of str
        What there is.
    everything : str
        Where all of them are listed, such as ``expsim list``.
    """
    names = sorted(known)
    lower = word.strip().lower()
    plain = {name.lower(): name for name in reversed(names)}
    close = get_close_matches(lower, plain, n=1, cutoff=0.6)
    if close:
        return f"did you mean '{plain[close[0]]}'?"
    if len(names) <= LISTED:
        return f"choose from {', '.join(names)}"
    holding = [name for name in names if len(lower) > 2 and lower in name.lower()]
    close = [plain[one] for one in get_close_matches(lower, plain, n=3, cutoff=0.01)]
    nearest = (holding or close or names)[:3]
    listed = ", ".join(f"'{name}'" for name in nearest[:-1])
    listed = f"{listed} or '{nearest[-1]}'" if listed else f"'{nearest[-1]}'"
    told = f"{everything} names all {len(names)}" if everything else f"there are {len(names)}"
    return f"did you mean {listed}? ({told})" if holding else f"the nearest are {listed} ({told})"
