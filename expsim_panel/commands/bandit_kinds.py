"""`expsim bandit` beyond the classic problem: segments, duels, and worlds with prices, guardrails or ratings."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any

_WHERE = "expsim bandit"
SEGMENTS, DUELS, METERED = "segments", "duels", "metered"
_TAKES = {
    SEGMENTS: ("segments", "features", "means", "family"),
    DUELS: ("preferences", "strengths", "tie"),
    METERED: (
        "means", "family", "ratings", "cost", "unknown_costs", "budget", "value_per_point", "guardrail", "limit",
    ),
}  # fmt: skip


_NAMED = {SEGMENTS: "segments", DUELS: "duels", METERED: "a budget, a guardrail, ratings, or a policy made for them"}
_MAKES_METERED = ("ratings", "unknown_costs", "budget", "guardrail", "limit")


def read_numbers(text: str, flag: str, example: str = "0.1,0.9") -> list[float]:
    """Read numbers separated by commas; raise `InputError` naming the flag."""
    from expsim_panel.errors import InputError, shown

    try:
        return [float(part) for part in text.split(",")]
    except ValueError:
        raise InputError(
            _WHERE, flag, f"{shown(text)} is not a list of numbers", f"write for example {example}"
        ) from None


def read_table(text: str, flag: str) -> list[list[float]]:
    """Read rows of numbers: commas within a row, semicolons between rows."""
    return [read_numbers(row, flag, "0.5,0.6;0.4,0.5") for row in text.split(";")]


_MADE_FOR_METERED = ("budgeted-ucb", "budgeted-thompson", "lagrangian", "guardrailed-thompson", "dirichlet-thompson")


def kind_of(given: dict[str, Any], policies: list[str]) -> str | None:
    """Return which problem the flags and policies ask for; None for the classic one and its worlds.

    Raises
    ------
    InputError
        Flags of two problems at once.
    """
    from expsim_panel.errors import InputError

    kind = None
    if given.get("segments") is not None:
        kind = SEGMENTS
    elif given.get("preferences") is not None or given.get("strengths") is not None:
        kind = DUELS
    elif any(given.get(key) for key in _MAKES_METERED) or any(
        name.strip().split("(")[0] in _MADE_FOR_METERED for name in policies
    ):
        # prices alone are also what a world of the classic problem may have
        kind = METERED
    for key, value in given.items():
        if value in (None, False, []) or (key == "family" and value == "bernoulli"):
            continue
        if kind is not None and key not in _TAKES[kind]:
            raise InputError(_WHERE, _flag(key), f"it does not go with {_NAMED[kind]}", "leave it out")
        if kind is None and key in ("features", "tie"):
            needs = {"features": "--segments", "tie": "--strengths"}[key]
            raise InputError(_WHERE, _flag(key), f"it goes with {needs}", f"give {needs} too, or leave it out")
    return kind


def _flag(key: str) -> str:
    return f"--{key.replace('_', '-')}"


def play(kind: str, given: dict[str, Any], policies: list[str], horizon: int, sizes: dict[str, Any]) -> Any:
    """Play one of the problems with a progress bar on standard error; name flags in errors."""
    from expsim_panel.errors import InputError

    try:
        return with_progress(lambda progress: _play(kind, given, policies, horizon, {**sizes, "progress": progress}))
    except InputError as error:
        key = error.key if error.key.startswith("--") or not error.key else _flag(error.key)
        raise InputError(_WHERE, {"--costs": "--cost", "--value": "--value-per-point"}.get(key, key), error.problem,
                         error.remedy) from None  # fmt: skip


def with_progress(run: Callable[[Any], Any]) -> Any:
    """Call `run` with a progress function, or with None where nobody watches."""
    if not sys.stderr.isatty():
        return run(None)
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

    from expsim_panel.commands.screen import console

    words = TextColumn("{task.description}", markup=False)
    columns = (words, BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=console(stderr=True), transient=True) as bar:
        task = bar.add_task("Playing", total=None)
        return run(lambda done, blocks: bar.update(task, completed=done, total=blocks))


def _play(kind: str, given: dict[str, Any], policies: list[str], horizon: int, sizes: dict[str, Any]) -> Any:
    from expsim_panel.errors import InputError

    if kind == SEGMENTS:
        from expsim_panel.segment_bandits import segment_bandit

        if given["means"] is None:
            raise InputError(_WHERE, "--means", "no means", "give a row for every segment, such as 0.1,0.5;0.4,0.2")
        features = None if given["features"] is None else read_table(given["features"], "--features")
        shares, means = read_numbers(given["segments"], "--segments"), read_table(given["means"], "--means")
        return segment_bandit(shares, means, policies, horizon, features=features, family=given["family"], **sizes)
    if kind == DUELS:
        from expsim_panel.duelling import duel, from_strengths, preferences

        if given["preferences"] is not None:
            if given["strengths"] is not None or given["tie"] is not None:
                flag = "--strengths" if given["strengths"] is not None else "--tie"
                raise InputError(_WHERE, flag, "it does not go with --preferences", "leave one of them out")
            world = preferences(read_table(given["preferences"], "--preferences"))
        else:
            world = from_strengths(read_numbers(given["strengths"], "--strengths"), given["tie"] or 0.0)
        return duel(world, policies, horizon, **sizes)
    from expsim_panel.metered_bandits import metered_bandit
    from expsim_panel.metered_world import metered_world

    lists = {
        key: read_numbers(given[flag], _flag(flag))
        for key, flag in (("means", "means"), ("costs", "cost"), ("guardrail", "guardrail"))
        if given[flag] is not None
    }
    ratings = None if given["ratings"] is None else read_table(given["ratings"], "--ratings")
    if ratings is None and "means" not in lists:
        raise InputError(_WHERE, "--means", "no means", "write for example 0.1,0.9")
    made = metered_world(
        **lists,
        family=given["family"],
        ratings=ratings,
        unknown_costs=given["unknown_costs"],
        budget=given["budget"],
        value=given["value_per_point"],
        limit=given["limit"],
    )
    return metered_bandit(made, policies, horizon, **sizes)


def document(kind: str, found: Any) -> dict[str, Any]:
    """Return the JSON of a result; names and meanings as in ``docs/contract.md``."""
    from expsim_panel._version import VERSION
    from expsim_panel.exports.json import SCHEMA, environment

    return {
        "provenance": {
            "version": VERSION,
            "schema": SCHEMA,
            "seed": found.seed,
            "replicates": found.replicates,
            "request_digest": found.request_digest,
            "digest": found.digest,
            "environment": environment(found.seconds),
        },
        "horizon": found.horizon,
        "checkpoints": found.checkpoints.tolist(),
        **_world(kind, found),
        "policies": [_fields(one) for one in found.policies],
    }


def _world(kind: str, found: Any) -> dict[str, Any]:
    if kind == SEGMENTS:
        return {
            "family": found.family,
            "segments": found.shares.tolist(),
            "means": found.means.tolist(),
            "features": found.features.tolist(),
            "blind_loss": found.blind_loss,
        }
    if kind == DUELS:
        reason = "no bound is known to this program where duels can end in ties" if found.lower_bound is None else None
        return {
            "preferences": found.world.prefer.tolist(),
            "ties": found.world.ties.tolist(),
            "winner": found.world.winner,
            "lower_bound": found.lower_bound,
            "reason": reason,
        }
    from math import isfinite

    world = found.world
    bounded = found.lower_bound is not None
    return {
        "family": world.family,
        "means": (world.means * world.scale + (world.family == "ratings")).tolist(),
        "cost": world.costs.tolist(),
        "unknown_costs": world.unknown_costs,
        "budget": world.budget if isfinite(world.budget) else None,
        "value_per_point": world.value,
        "guardrail": world.risks.tolist(),
        "limit": world.limit,
        "optimum": found.optimum,
        "lower_bound": found.lower_bound,
        "reason": None if bounded else "no bound of the form C log T is known to this program with prices or a limit",
    }


def _fields(one: Any) -> dict[str, Any]:
    """Return the figures and arrays of one policy; regret by replicate is left out."""
    import dataclasses

    import numpy as np

    from expsim_panel.exports.json import figure
    from expsim_panel.results import Figure

    made: dict[str, Any] = {}
    for field in dataclasses.fields(one):
        value = getattr(one, field.name)
        if field.name in ("final", "policy", "regret_se"):
            continue
        if isinstance(value, Figure):
            made[field.name] = figure(value)
        elif field.name == "regret_over_time":
            made[field.name] = {"value": value.tolist(), "se": one.regret_se.tolist()}
        else:
            made[field.name] = value.tolist() if isinstance(value, np.ndarray) else value
    return made


_COLUMNS = {
    SEGMENTS: (("regret", "Regret"), ("blind_regret", "Against one arm"), ("tail_regret", "Tail")),
    DUELS: (("regret", "Regret"), ("strong_regret", "Strong"), ("weak_regret", "Weak"), ("p_best_arm", "Right")),
    METERED: (
        ("regret", "Regret"),
        ("requests", "Requests"),
        ("spent", "Spent"),
        ("bad_events", "Bad events"),
        ("breach_exposures", "Over limit"),
        ("p_best_arm", "Right"),
    ),
}


def _columns(kind: str, found: Any) -> list[tuple[str, str]]:
    """Return the columns that say something here."""
    from math import isfinite

    idle: tuple[str, ...] = ()
    if kind == METERED:
        idle = () if isfinite(found.world.budget) else ("requests", "spent")
        idle += () if found.world.limit is not None else ("bad_events", "breach_exposures")
    return [column for column in _COLUMNS[kind] if column[0] not in idle]


def show(kind: str, found: Any) -> None:
    """Print one row per policy, and what was played below."""
    from rich import box
    from rich.table import Table

    from expsim_panel.commands.screen import console, facts
    from expsim_panel.quantities import count

    columns = _columns(kind, found)
    table = Table("Policy", *(head for _, head in columns), box=box.SIMPLE_HEAD, pad_edge=False, padding=(0, 1))
    for position, column in enumerate(table.columns):
        column.no_wrap = True
        column.justify = "right" if position else "left"
    for one in found.policies:
        cells = []
        for key, _ in columns:
            value = getattr(one, key)
            error = f" ± {value.se:.2g}" if key == "regret" and value.se is not None else ""
            cells.append(f"{value.value:.4g}{error}")
        table.add_row(one.name, *cells)
    out = console()
    out.print(table)
    size = f"{count(found.replicates)} experiments of {count(found.horizon)} requests, seed {found.seed}"
    out.print(facts([("Simulated", size), ("Columns", _WORDS[kind])]))


_WORDS = {
    SEGMENTS: "Regret: against the best arm of each segment. Against one arm: below 0 is gained by the context.",
    DUELS: "Mean, larger and smaller loss of the two arms. Right: names the arm that beats all others.",
    METERED: "Regret: against the best that requests, budget and limit allow. Over limit: requests to arms over it.",
}
