"""Bandit problems beyond the classic one, as they are typed: flags, fields of a page or parts of a link.

What is given is a mapping with the names of the flags of `expsim bandit`, dashes as underscores: lists are text with
commas, tables have a semicolon between rows. Every door plays through `play`, so that the same text gives the same
numbers and the same error line.
"""

from __future__ import annotations

import shlex
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from expsim_panel.bandit_blocks import PlayedProblem
from expsim_panel.errors import InputError, shown

SEGMENTS, DUELS, METERED = "segments", "duels", "metered"
WHERE = "expsim bandit"
_TAKES = {
    SEGMENTS: ("segments", "features", "means", "family"),
    DUELS: ("preferences", "strengths", "tie"),
    METERED: (
        "means", "family", "ratings", "cost", "unknown_costs", "budget", "value_per_point", "guardrail", "limit",
    ),
}  # fmt: skip
_NAMED = {SEGMENTS: "segments", DUELS: "duels", METERED: "a budget, a guardrail, ratings, or a policy made for them"}
_MAKES_METERED = ("ratings", "unknown_costs", "budget", "guardrail", "limit")
_MADE_FOR_METERED = ("budgeted-ucb", "budgeted-thompson", "lagrangian", "guardrailed-thompson", "dirichlet-thompson")
NOT_INFERRED = {
    DUELS: "an answer is only ever preferred to another one: no arm has a mean of its own to estimate",
}
"""Why nothing is inferred after a kind of problem."""
_CALLED = {"costs": "cost", "value": "value_per_point"}
"""Arguments of the Python calls whose flags have other names."""


def flag_of(key: str) -> str:
    """Return the flag of a key: ``--value-per-point`` of ``value_per_point``."""
    return key if key.startswith("--") else f"--{key.replace('_', '-')}"


def is_set(value: object) -> bool:
    """Tell whether something was given; a budget of 0 was, and is refused later."""
    return value is not None and value is not False and value != []


def kind_of(given: Mapping[str, Any], policies: Sequence[str], where: str = WHERE) -> str | None:
    """Return which problem is asked for; None for the classic one and its worlds.

    Raises
    ------
    InputError
        Parts of two problems at once.
    """
    kind = None
    if given.get("segments") is not None:
        kind = SEGMENTS
    elif given.get("preferences") is not None or given.get("strengths") is not None:
        kind = DUELS
    elif any(is_set(given.get(key)) for key in _MAKES_METERED) or any(
        name.strip().split("(")[0] in _MADE_FOR_METERED for name in policies
    ):
        # prices alone are also what a world of the classic problem may have
        kind = METERED
    for key, value in given.items():
        if not is_set(value) or (key == "family" and value == "bernoulli"):
            continue
        if kind is not None and key not in _TAKES[kind]:
            raise InputError(where, flag_of(key), f"it does not go with {_NAMED[kind]}", "leave it out")
        if kind is None and key in ("features", "tie"):
            needs = {"features": "--segments", "tie": "--strengths"}[key]
            raise InputError(where, flag_of(key), f"it goes with {needs}", f"give {needs} too, or leave it out")
    return kind


def read_numbers(text: str, key: str, example: str = "0.1,0.9", where: str = WHERE) -> list[float]:
    """Read numbers separated by commas; raise `InputError` naming the key."""
    try:
        return [float(part) for part in text.split(",")]
    except ValueError:
        problem = f"{shown(text)} is not a list of numbers"
        raise InputError(where, key, problem, f"write for example {example}") from None


def read_table(text: str, key: str, where: str = WHERE) -> list[list[float]]:
    """Read rows of numbers: commas within a row, semicolons between rows."""
    return [read_numbers(row, key, "0.5,0.6;0.4,0.5", where) for row in text.split(";")]


def play(
    kind: str,
    given: Mapping[str, Any],
    policies: Sequence[str],
    horizon: int,
    *,
    replicates: int,
    seed: int,
    workers: int | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> PlayedProblem[Any]:
    """Play one of the problems.

    Parameters
    ----------
    kind : str
        `SEGMENTS`, `DUELS` or `METERED`; see `kind_of`.
    given : mapping
        Values by the names of the flags; see the module. Missing ones are None.
    policies, horizon, replicates, seed, workers, progress
        As in `bandit`.

    Raises
    ------
    InputError
        With the key of the value that is wrong, as in `given`.
    """
    sizes: dict[str, Any] = {"replicates": replicates, "seed": seed, "workers": workers, "progress": progress}
    try:
        return _PLAYED[kind](dict(given), policies, horizon, sizes)
    except InputError as error:
        key = error.key.removeprefix("--").replace("-", "_") if error.key.startswith("--") else error.key
        raise InputError(error.where, _CALLED.get(key, key), error.problem, error.remedy) from None


def _play_segments(
    given: dict[str, Any], policies: Sequence[str], horizon: int, sizes: dict[str, Any]
) -> PlayedProblem[Any]:
    from expsim_panel.segment_bandits import segment_bandit

    if given.get("means") is None:
        raise InputError(WHERE, "means", "no means", "give a row for every segment, such as 0.1,0.5;0.4,0.2")
    seen = given.get("features")
    features = None if seen is None else read_table(seen, "features")
    shares, means = read_numbers(given["segments"], "segments"), read_table(given["means"], "means")
    family = given.get("family") or "bernoulli"
    return segment_bandit(shares, means, policies, horizon, features=features, family=family, **sizes)


def _play_duels(
    given: dict[str, Any], policies: Sequence[str], horizon: int, sizes: dict[str, Any]
) -> PlayedProblem[Any]:
    from expsim_panel.duelling import duel, from_strengths, preferences

    if given.get("preferences") is not None:
        for key in ("strengths", "tie"):
            if given.get(key) is not None:
                raise InputError(WHERE, key, "it does not go with --preferences", "leave one of them out")
        world = preferences(read_table(given["preferences"], "preferences"))
    else:
        world = from_strengths(read_numbers(given["strengths"], "strengths"), given.get("tie") or 0.0)
    return duel(world, policies, horizon, **sizes)


def _play_metered(
    given: dict[str, Any], policies: Sequence[str], horizon: int, sizes: dict[str, Any]
) -> PlayedProblem[Any]:
    from expsim_panel.metered_bandits import metered_bandit
    from expsim_panel.metered_world import metered_world

    lists = {
        name: read_numbers(given[key], key)
        for name, key in (("means", "means"), ("costs", "cost"), ("guardrail", "guardrail"))
        if given.get(key) is not None
    }
    rated = given.get("ratings")
    ratings = None if rated is None else read_table(rated, "ratings")
    if ratings is None and "means" not in lists:
        raise InputError(WHERE, "means", "no means", "write for example 0.1,0.9")
    made = metered_world(
        **lists,
        family=given.get("family") or "bernoulli",
        ratings=ratings,
        unknown_costs=bool(given.get("unknown_costs")),
        budget=given.get("budget"),
        value=given.get("value_per_point"),
        limit=given.get("limit"),
    )
    return metered_bandit(made, policies, horizon, **sizes)


_PLAYED: dict[str, Callable[[dict[str, Any], Sequence[str], int, dict[str, Any]], PlayedProblem[Any]]] = {
    SEGMENTS: _play_segments, DUELS: _play_duels, METERED: _play_metered,
}  # fmt: skip


def command(given: Mapping[str, Any], policies: Sequence[str], horizon: int, replicates: int, seed: int) -> str:
    """Return the command line that gives the same numbers again: what was typed, as it was typed."""
    parts = ["expsim", "bandit"]
    for key, value in given.items():
        if not is_set(value) or (key == "family" and value == "bernoulli"):
            continue
        # A list that begins with a minus would be read as a flag.
        parts.append(flag_of(key) if value is True else f"{flag_of(key)}={value}")
    for name in policies:
        parts += ["--policy", name]
    parts += ["--horizon", str(horizon), "--replicates", str(replicates), "--seed", str(seed)]
    return shlex.join(parts)
