"""`expsim exact`: answers that need no simulation."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from expsim_panel.commands import exact_split
from expsim_panel.commands.groups import CONTEXT, Commands, show_help
from expsim_panel.commands.targets import STANDARD_OUTPUT, targets

if TYPE_CHECKING:
    from expsim_panel.analytic import GroupSequential
    from expsim_panel.designs._frequentist import Frequentist

app = typer.Typer(cls=Commands, help="Exact answers that need no simulation.", context_settings=CONTEXT)

app.command("split")(exact_split.split)

_WHERE = "exact group-sequential"


@app.callback(invoke_without_command=True)
def exact(context: typer.Context) -> None:
    """Exact answers that need no simulation."""
    show_help(context)


def kinds() -> dict[str, type[Frequentist]]:
    """Return the designs whose bounds are a constant times a shape."""
    from expsim_panel.design import designs
    from expsim_panel.designs._frequentist import Frequentist

    # A design with bounds of its own, such as peeking daily, is no constant times a shape.
    return {
        name: cls
        for name, cls in designs.all().items()
        if issubclass(cls, Frequentist) and cls.bounds is Frequentist.bounds
    }


def numbers(flag: str, text: str, separator: str, example: str) -> list[float]:
    """Read numbers from one argument; raise `InputError` naming the flag."""
    from expsim_panel.errors import InputError, shown

    try:
        return [float(part) for part in text.split(separator)]
    except ValueError:
        problem = f"{shown(text)} is not a list of numbers"
        raise InputError(_WHERE, flag, problem, f"write for example {example}") from None


def plan(kind: str, looks: int | None, information: str | None) -> tuple[Frequentist, list[float]]:
    """Return the design and its information fractions; raise `InputError` where they disagree."""
    from expsim_panel.analytic import equal_information
    from expsim_panel.errors import InputError, did_you_mean, shown

    known = kinds()
    if kind not in known:
        raise InputError(_WHERE, "--kind", f"unknown kind {shown(kind)}", did_you_mean(kind, known))
    design = known[kind]()
    fractions = numbers("--information", information, ",", "0.2,0.5,1") if information is not None else None
    if looks is None:
        looks = len(fractions) if fractions is not None else design.planned_looks()
    if fractions is None:
        fractions = [float(part) for part in equal_information(looks)]
    if len(fractions) != looks:
        problem = f"{len(fractions)} fractions for {looks} looks"
        raise InputError(_WHERE, "--information", problem, "give one fraction for each look")
    if "looks" not in design.fields() and looks != 1:
        raise InputError(_WHERE, "--looks", f"{kind} with {looks} looks", "it looks once, at the end: give --looks 1")
    return design, fractions


def document(kind: str, found: GroupSequential) -> dict[str, Any]:
    """Return the JSON of a design; what was not asked for is null, with the reason."""
    sized = {key: getattr(found, key) for key in ("power", "expected_units", "drift")}
    powered = {
        "inflation_factor": found.inflation_factor,
        "expected_fraction_null": found.expected_fraction_null,
        "expected_fraction_half": found.expected_fraction_half,
        "expected_fraction_alternative": found.expected_fraction_alternative,
    }
    reasons = {key: "needs --effect, --sd and --units" for key, value in sized.items() if value is None}
    reasons |= {key: "needs --power" for key, value in powered.items() if value is None}
    return {
        "kind": kind,
        "looks": len(found.information),
        "alpha": found.alpha,
        "sides": found.sides,
        "information": found.information.tolist(),
        "critical_values": found.critical_values.tolist(),
        "alpha_spent": found.alpha_spent.tolist(),
        **powered,
        **sized,
        "reasons": reasons,
    }


@app.command("group-sequential")
def group_sequential(
    kind: Annotated[str, typer.Option(help="Design: obrien-fleming, pocock or fixed-horizon.")],
    looks: Annotated[int | None, typer.Option(help="Planned analyses, evenly spaced without --information.")] = None,
    alpha: Annotated[float, typer.Option(help="Type I error rate, all sides and looks together.")] = 0.05,
    sides: Annotated[int, typer.Option(help="2, or 1 to look for a gain only.")] = 2,
    information: Annotated[
        str | None, typer.Option(help="Information fraction of each look, such as 0.2,0.5,1.")
    ] = None,
    power: Annotated[float | None, typer.Option(help="Target power: gives the inflation factor.")] = None,
    effect: Annotated[float | None, typer.Option(help="True difference, treatment less control.")] = None,
    sd: Annotated[float | None, typer.Option(help="Standard deviation of one observation.")] = None,
    units: Annotated[float | None, typer.Option(help="Units over both arms at the last look.")] = None,
    allocation: Annotated[str, typer.Option(help="Ratio control:treatment.")] = "1:1",
    json: Annotated[
        str | None, typer.Option("--json", metavar="FILE or -", help="Write JSON instead; - for standard output.")
    ] = None,
) -> None:
    """Boundaries of a group-sequential test, and its exact power and size."""
    import numpy as np

    from expsim_panel import analytic
    from expsim_panel.checked import check_information
    from expsim_panel.commands.screen import dumps, print_json

    outputs = targets({"--json": json})
    design, fractions = plan(kind, looks, information)
    # The fractions are checked before a shape is taken of them: 1/sqrt(-1) would warn, not explain.
    checked = check_information(fractions, end=True)
    split = numbers("--allocation", allocation, ":", "1:1")
    found = analytic.group_sequential(
        design.shape(np.asarray(checked)), checked, alpha, sides, power, effect, sd, units, split
    )
    told = document(kind, found)
    if json == STANDARD_OUTPUT:
        print_json(told)
    elif outputs:
        outputs["--json"].write(dumps(told))
    else:
        _print(told)


def _print(told: dict[str, Any]) -> None:
    """Print a design as a table, with the figures that were asked for below."""
    from rich import box
    from rich.table import Table

    from expsim_panel.commands.screen import console, facts
    from expsim_panel.quantities import count, percent

    table = Table(
        "Look",
        "Information",
        "Stop beyond |z|" if told["sides"] == 2 else "Stop above z",
        "Alpha spent",
        box=box.SIMPLE_HEAD,
        pad_edge=False,
    )
    for column in table.columns:
        column.justify = "right"
    rows = zip(told["information"], told["critical_values"], told["alpha_spent"], strict=True)
    for look, (information, bound, spent) in enumerate(rows, start=1):
        table.add_row(str(look), percent(information), f"{bound:.4f}", percent(spent, 3))
    out = console()
    out.print(table)
    lines = []
    if told["inflation_factor"] is not None:
        lines.append(("Maximum size", f"{told['inflation_factor']:.4f} times the fixed design's"))
        under, without = told["expected_fraction_alternative"], told["expected_fraction_null"]
        lines.append(("Expected size", f"{under:.4f} times it under the effect, {without:.4f} times without one"))
    if told["power"] is not None:
        lines.append(("Chance to detect", percent(told["power"], 2)))
        lines.append(("Expected units", count(told["expected_units"])))
    out.print(facts(lines))
