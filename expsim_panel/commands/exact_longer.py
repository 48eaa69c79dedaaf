"""`expsim exact how-much-longer`: what more units would bring to a fixed test that is not finished."""

from __future__ import annotations

import math
from dataclasses import asdict
from typing import Annotated

import typer

from expsim_panel.commands.targets import STANDARD_OUTPUT, targets


def how_much_longer(
    estimate: Annotated[float, typer.Option(help="Effect so far, positive is better.")],
    se: Annotated[float, typer.Option(help="Its standard error.")],
    units: Annotated[float, typer.Option(help="Units so far, over both arms.")],
    total: Annotated[float | None, typer.Option(help="Units at which the test is planned.")] = None,
    power: Annotated[float, typer.Option(help="Chance of success aimed at.")] = 0.8,
    alpha: Annotated[float, typer.Option(help="Type I error rate of the final test.")] = 0.05,
    sides: Annotated[int, typer.Option(help="1 or 2.")] = 2,
    effect: Annotated[float | None, typer.Option(help="Assumed from now on; the estimate unless given.")] = None,
    prior_mean: Annotated[float, typer.Option(help="Prior mean of the effect, with --prior-sd.")] = 0.0,
    prior_sd: Annotated[float | None, typer.Option(help="Its standard deviation; flat unless given.")] = None,
    units_per_day: Annotated[float | None, typer.Option(help="Gives days.")] = None,
    json: Annotated[
        str | None, typer.Option("--json", metavar="FILE or -", help="Write JSON instead; - for standard output.")
    ] = None,
) -> None:
    """How many more units a fixed test needs, given its data so far."""
    from expsim_panel import how_much_longer as exact
    from expsim_panel.checked import check_positive
    from expsim_panel.commands.screen import console, dumps, facts, print_json
    from expsim_panel.quantities import count, days, percent

    outputs = targets({"--json": json})
    if units_per_day is not None:
        check_positive("units-per-day", units_per_day, exact.WHERE)
    found = exact.how_much_longer(
        estimate, se, units, total=total, power=power, alpha=alpha, sides=sides, effect=effect,
        prior_mean=prior_mean, prior_sd=math.inf if prior_sd is None else prior_sd,
    )  # fmt: skip
    told = asdict(found)
    reasons = {key: "needs --total" for key in ("conditional", "predictive") if told[key] is None}
    for key in ("more_for_conditional", "more_for_predictive"):
        if told[key] is None:
            reasons[key] = "no size has that power, given these data"
        name = key.replace("more", "days")
        told[name] = None if told[key] is None or units_per_day is None else math.ceil(told[key] / units_per_day - 1e-9)
        if told[name] is None:
            reasons[name] = reasons.get(key, "needs --units-per-day")
    told["reasons"] = reasons
    if json == STANDARD_OUTPUT:
        print_json(told)
        return
    if outputs:
        outputs["--json"].write(dumps(told))
        return

    def more(key: str) -> str:
        if told[key] is None:
            return "no size has it"
        lasting = told[key.replace("more", "days")]
        return count(math.ceil(told[key] - 1e-9)) + ("" if lasting is None else f", {days(lasting)}")

    lines = [
        ("So far", f"z {found.z:.3f}, {'beyond' if found.significant else 'within'} the bound"),
        (f"More units for {percent(power)} if the effect is as assumed", more("more_for_conditional")),
        (f"More units for {percent(power)} over what is still open", more("more_for_predictive")),
    ]
    if found.conditional is not None:
        lines.append(
            (
                "Chance at the planned size",
                f"{percent(found.conditional)} if as assumed, {percent(found.predictive)} over what is open",
            )
        )
    lines.append(("Chance with ever more units", percent(found.ceiling)))
    console().print(facts(lines))
