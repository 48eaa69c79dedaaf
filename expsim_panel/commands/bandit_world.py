"""Options of `expsim bandit` that say what kind of world it is; see `expsim_panel.bandit_worlds`."""

from __future__ import annotations

from typing import Annotated, Any

import typer

_WHERE = "expsim bandit"
_WORLD, _JUDGE = "A less plain world", "A judge between truth and policy"
MONEY = "Money"
"""Headings of ``--help``, which would be one list of thirty flags."""

Delay = Annotated[int | None, typer.Option(rich_help_panel=_WORLD, help="Requests until a reward is known.")]
Batch = Annotated[int | None, typer.Option(rich_help_panel=_WORLD, help="Requests between two questions to a policy.")]
Shift = Annotated[
    list[str] | None,
    typer.Option(
        metavar="T:MEANS",
        rich_help_panel=_WORLD,
        help="From request T on the means are others, as 1000:0.5,0.3; repeatable.",
    ),
]
Drift = Annotated[
    str | None, typer.Option(rich_help_panel=_WORLD, help="Linear change of each mean over the horizon, as 0.1,-0.1.")
]
Season = Annotated[
    str | None,
    typer.Option(
        metavar="A:P", rich_help_panel=_WORLD, help="A sine of amplitude A and period P moves all arms alike."
    ),
]
JudgeBias = Annotated[
    str | None, typer.Option(rich_help_panel=_JUDGE, help="Added by the evaluator to each arm's reward (gaussian).")
]
JudgeNoise = Annotated[
    float | None, typer.Option(rich_help_panel=_JUDGE, help="Standard deviation of the evaluator's noise (gaussian).")
]
Sensitivity = Annotated[
    str | None, typer.Option(rich_help_panel=_JUDGE, help="P(seen as 1 | 1), for all arms or by arm (bernoulli).")
]
Specificity = Annotated[
    str | None, typer.Option(rich_help_panel=_JUDGE, help="P(seen as 0 | 0), for all arms or by arm (bernoulli).")
]
Arrives = Annotated[
    str | None, typer.Option(rich_help_panel=_WORLD, help="Request from which on each arm is there, as 0,0,500.")
]
Cost = Annotated[
    str | None, typer.Option(rich_help_panel=MONEY, help="Dollars per pull, for all arms or by arm, as 0.01,0.02.")
]
ValuePerPoint = Annotated[
    float | None, typer.Option(rich_help_panel=MONEY, help="Dollars per unit of true reward; 1 unless given.")
]
Population = Annotated[
    int | None,
    typer.Option(
        rich_help_panel=MONEY, help="Requests in all: after the horizon the arm that was kept serves the rest."
    ),
]


def read_world(given: dict[str, Any]) -> dict[str, object] | None:
    """Return the world that flags ask for, None without any; raise `InputError` naming a flag that cannot be read."""
    from expsim_panel.commands.number_lists import numbers
    from expsim_panel.errors import InputError, shown

    world: dict[str, object] = {}
    for key, value in given.items():
        flag = f"--{key.replace('_', '-')}"
        if value is None or value == []:
            continue
        if key == "shift":
            shifts = []
            for text in value:
                at, colon, row = text.partition(":")
                if not colon or not at.strip().isascii() or not at.strip().isdigit():
                    raise InputError(_WHERE, flag, f"{shown(text)} is no shift", "write for example 1000:0.5,0.3")
                shifts.append((int(at), numbers(flag, row, ",", "1000:0.5,0.3", _WHERE)))
            world[key] = shifts
        elif key == "season":
            parts = numbers(flag, value, ":", "0.2:500", _WHERE)
            if len(parts) != 2:
                raise InputError(_WHERE, flag, f"{shown(value)} is no season", "write amplitude:period, as 0.2:500")
            world[key] = tuple(parts)
        elif isinstance(value, str):
            world[key] = numbers(flag, value, ",", "0.1,0.2", _WHERE)
        else:
            world[key] = value
    return world or None
