"""`expsim bandit` beyond the classic problem: segments, duels, and worlds with prices, guardrails or ratings."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any

from expsim_panel.bandit_problems import DUELS, METERED, SEGMENTS

_WHERE = "expsim bandit"


def play(kind: str, given: dict[str, Any], policies: list[str], horizon: int, sizes: dict[str, Any]) -> Any:
    """Play one of the problems with a progress bar on standard error; name flags in errors."""
    from expsim_panel.bandit_problems import flag_of
    from expsim_panel.bandit_problems import play as play_problem
    from expsim_panel.errors import InputError

    try:
        return with_progress(lambda progress: play_problem(kind, given, policies, horizon, progress=progress, **sizes))
    except InputError as error:
        raise InputError(_WHERE, error.key and flag_of(error.key), error.problem, error.remedy) from None


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
