"""`expsim exact conditional-power`: how a running sequential test is likely to end."""

from __future__ import annotations

import math
from typing import Annotated

import typer

from expsim_panel.commands.number_lists import bounds_or_none, numbers
from expsim_panel.commands.targets import STANDARD_OUTPUT, targets

_WHERE = "exact conditional-power"


def conditional_power(
    kind: Annotated[str, typer.Option(help="Design, such as obrien-fleming or kim-demets.")],
    look: Annotated[int, typer.Option(help="The present look.")],
    z: Annotated[float, typer.Option(help="z statistic at the present look.")],
    looks: Annotated[int | None, typer.Option(help="Planned analyses.")] = None,
    alpha: Annotated[float, typer.Option(help="Type I error rate, all sides and looks together.")] = 0.05,
    sides: Annotated[int, typer.Option(help="2, or 1 to look for a gain only.")] = 2,
    information: Annotated[str | None, typer.Option(help="Information fraction of each look.")] = None,
    parameter: Annotated[float | None, typer.Option(help="As in group-sequential.")] = None,
    futility_bounds: Annotated[str | None, typer.Option(help="As in group-sequential.")] = None,
    binding: Annotated[bool, typer.Option("--binding", help="As in group-sequential.")] = False,
    drift: Annotated[float | None, typer.Option(help="Assumed mean of z at the last look.")] = None,
    effect: Annotated[float | None, typer.Option(help="Assumed difference instead, with --sd and --units.")] = None,
    sd: Annotated[float | None, typer.Option(help="Standard deviation of one observation.")] = None,
    units: Annotated[float | None, typer.Option(help="Units over both arms at the last look.")] = None,
    allocation: Annotated[str, typer.Option(help="Ratio control:treatment.")] = "1:1",
    prior_mean: Annotated[float, typer.Option(help="Prior mean of z at the last look, for predictive power.")] = 0.0,
    prior_sd: Annotated[float | None, typer.Option(help="Its standard deviation; flat unless given.")] = None,
    json: Annotated[
        str | None, typer.Option("--json", metavar="FILE or -", help="Write JSON instead; - for standard output.")
    ] = None,
) -> None:
    """Conditional and predictive power of a sequential test at one of its looks."""
    from expsim_panel import conditional_power as exact
    from expsim_panel import sequential
    from expsim_panel.commands.screen import console, dumps, facts, print_json
    from expsim_panel.errors import InputError
    from expsim_panel.quantities import percent
    from expsim_panel.sequential_size import size_of

    outputs = targets({"--json": json})
    fractions = None if information is None else numbers("--information", information, ",", "0.2,0.5,1", _WHERE)
    futility = None if futility_bounds is None else bounds_or_none("--futility-bounds", futility_bounds, _WHERE)
    planned = sequential.plan(kind, looks, alpha, sides, fractions, parameter, futility, binding)
    upper, given_up = planned.upper(), planned.futility if futility is not None else None
    size = size_of(effect, sd, units, numbers("--allocation", allocation, ":", "1:1", _WHERE))
    if size is not None and size.units is not None:
        if drift is not None:
            raise InputError(_WHERE, "--drift", "a drift beside an effect", "give one of them")
        drift = size.drift(size.units)
    under_estimate = exact.conditional_power(planned.information, upper, sides, look, z, None, given_up)
    assumed = under_estimate
    if drift is not None:
        assumed = exact.conditional_power(planned.information, upper, sides, look, z, drift, given_up)
    under_null = exact.conditional_power(planned.information, upper, sides, look, z, 0.0, given_up)
    averaged = exact.predictive_power(planned.information, upper, sides, look, z, prior_mean, prior_sd, given_up)
    told = {
        "kind": kind,
        "look": look,
        "z": z,
        "information": planned.information.tolist(),
        "critical_values": [float(bound) if math.isfinite(bound) else None for bound in upper],
        "crossed": bool(z >= upper[look - 1] or (sides == 2 and z <= -upper[look - 1])),
        "drift": assumed.drift,
        "conditional_power": assumed.power,
        "conditional_power_upper": float(assumed.upper.sum()),
        "conditional_power_by_look": assumed.upper.tolist(),
        "conditional_power_under_estimate": under_estimate.power,
        "conditional_power_under_null": under_null.power,
        "predictive_power": averaged.power,
        "futility": assumed.futility,
    }
    if json == STANDARD_OUTPUT:
        print_json(told)
    elif outputs:
        outputs["--json"].write(dumps(told))
    else:
        lines = [
            ("If the effect is what it looks like", percent(under_estimate.power, 2)),
            ("If there is none", percent(under_null.power, 2)),
            ("Averaged over what the data say", percent(averaged.power, 2)),
        ]
        if drift is not None:
            lines.insert(0, ("If the effect is as assumed", percent(assumed.power, 2)))
        console().print(facts(lines))
