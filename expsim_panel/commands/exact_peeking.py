"""`expsim exact peeking`: what testing again and again does to the error rate."""

from __future__ import annotations

from typing import Annotated

import typer

from expsim_panel.commands.number_lists import numbers
from expsim_panel.commands.targets import STANDARD_OUTPUT, targets

_WHERE = "exact peeking"


def peeking(
    looks: Annotated[int | None, typer.Option(help="Evenly spaced looks, 1 to 1000.")] = None,
    alpha: Annotated[float, typer.Option(help="Nominal level of every look.")] = 0.05,
    sides: Annotated[int, typer.Option(help="2, or 1 to look for a gain only.")] = 2,
    information: Annotated[
        str | None, typer.Option(help="When the looks are, instead: increasing numbers, only ratios count.")
    ] = None,
    days: Annotated[int | None, typer.Option(help="Length of the experiment, instead: looks by cadence.")] = None,
    every: Annotated[int, typer.Option(help="With --days: days between two looks.")] = 1,
    first: Annotated[int | None, typer.Option(help="With --days: day of the first look; --every unless given.")] = None,
    design_effect: Annotated[
        float, typer.Option(help="True over assumed variance: above 1 where clustering is ignored.")
    ] = 1.0,
    json: Annotated[
        str | None, typer.Option("--json", metavar="FILE or -", help="Write JSON instead; - for standard output.")
    ] = None,
) -> None:
    """True type I error of a test that is repeated at every look until it rejects."""
    from expsim_panel import peeking as exact
    from expsim_panel.commands.screen import console, dumps, facts, print_json
    from expsim_panel.errors import InputError
    from expsim_panel.quantities import percent

    outputs = targets({"--json": json})
    if days is None and (every != 1 or first is not None):
        raise InputError(_WHERE, "--every" if every != 1 else "--first", "no length", "give --days with it")
    fractions = None if information is None else numbers("--information", information, ",", "0.2,0.5,1", _WHERE)
    found = exact.peeking(
        looks, alpha, sides, information=fractions, days=days, every=every, first=first, design_effect=design_effect
    )
    told = {
        "looks": len(found.information),
        "alpha": found.alpha,
        "sides": found.sides,
        "information": found.information.tolist(),
        "critical_value": found.critical_value,
        "type1_error": found.type1_error,
        "type1_error_by_look": found.by_look.tolist(),
        "type1_error_if_independent": found.if_independent,
        "nominal_for_alpha": found.nominal_for_alpha,
        "expected_fraction": found.expected_fraction,
    }
    if json == STANDARD_OUTPUT:
        print_json(told)
    elif outputs:
        outputs["--json"].write(dumps(told))
    else:
        lines = [
            ("Looks", str(len(found.information))),
            ("Level of each", percent(found.alpha, 2)),
            ("True false alarm rate", percent(found.type1_error, 2)),
            ("Level of each that would keep it", percent(found.nominal_for_alpha, 3)),
        ]
        console().print(facts(lines))
