"""`expsim exact group-sequential`: boundaries of a sequential test, and its exact power and size."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Annotated, Any

import typer

from expsim_panel.commands.number_lists import bounds_or_none, numbers
from expsim_panel.commands.targets import STANDARD_OUTPUT, targets

if TYPE_CHECKING:
    from expsim_panel.analytic import GroupSequential

_WHERE = "exact group-sequential"
_POWERED = (
    "inflation_factor", "expected_fraction_null", "expected_fraction_half", "expected_fraction_alternative",
)  # fmt: skip
_SIZED = (
    "power", "expected_units", "drift", "units", "power_ignoring_futility", "expected_units_ignoring_futility",
    "expected_units_null", "stop_efficacy", "stop_futility",
)  # fmt: skip


def document(kind: str, found: GroupSequential) -> dict[str, Any]:
    """Return the JSON of a design; what was not asked for is null, with the reason."""
    told: dict[str, Any] = {
        "kind": kind,
        "looks": len(found.information),
        "alpha": found.alpha,
        "sides": found.sides,
        "information": found.information.tolist(),
        "critical_values": finite(found.critical_values),
        "alpha_spent": found.alpha_spent.tolist(),
        "futility_bounds": None,
        "binding": found.binding,
        "type1_error": found.type1_error,
    }
    reasons = {}
    if any(bound is None for bound in told["critical_values"]):
        reasons["critical_values"] = "null: that look spends nothing and cannot stop"
    if any(map(math.isfinite, found.futility_bounds)):
        told["futility_bounds"] = finite(found.futility_bounds[:-1])
        if None in told["futility_bounds"]:
            reasons["futility_bounds"] = "null: that look does not stop for futility"
    else:
        reasons["futility_bounds"] = "needs --futility-bounds or --futility-kind"
    for keys, reason in ((_POWERED, "needs --power"), (_SIZED, "needs --effect, --sd and --units")):
        for key in keys:
            value = getattr(found, key)
            told[key] = value.tolist() if hasattr(value, "tolist") else value
            if value is None:
                reasons[key] = reason
    return {**told, "reasons": reasons}


def finite(bounds: Any) -> list[float | None]:
    """Return bounds for JSON: null where there is none."""
    return [float(bound) if math.isfinite(bound) else None for bound in bounds]


def group_sequential(
    kind: Annotated[str, typer.Option(help="Design, such as obrien-fleming or kim-demets.")],
    looks: Annotated[int | None, typer.Option(help="Planned analyses, evenly spaced without --information.")] = None,
    alpha: Annotated[float, typer.Option(help="Type I error rate, all sides and looks together.")] = 0.05,
    sides: Annotated[int, typer.Option(help="2, or 1 to look for a gain only.")] = 2,
    information: Annotated[
        str | None, typer.Option(help="Information fraction of each look, such as 0.2,0.5,1.")
    ] = None,
    parameter: Annotated[
        float | None,
        typer.Option(help="Delta of wang-tsiatis, gamma of a spending kind, interim bound of haybittle-peto."),
    ] = None,
    futility_bounds: Annotated[
        str | None,
        typer.Option(
            help="z bound of each look but the last; none for a look without: 0,none,0.5. Two-sided: a half width."
        ),
    ] = None,
    binding: Annotated[
        bool, typer.Option("--binding", help="Futility will be obeyed for certain: lowers the other bounds.")
    ] = False,
    futility_kind: Annotated[
        str | None, typer.Option(help="Spending kind that spends 1 - power on futility bounds, with --power.")
    ] = None,
    futility_parameter: Annotated[float | None, typer.Option(help="Its gamma.")] = None,
    alpha_spent: Annotated[str | None, typer.Option(help="Cumulative alpha of user-spending: 0.01,0.05.")] = None,
    two_sided_spending: Annotated[
        str, typer.Option(help="per-side (alpha / 2 each, as rpact and gsDesign) or overall.")
    ] = "per-side",
    observed: Annotated[
        str | None, typer.Option(help="Information at which the looks so far really happened: their bounds.")
    ] = None,
    final: Annotated[bool, typer.Option("--final", help="The last of --observed is the last look.")] = False,
    power: Annotated[float | None, typer.Option(help="Target power: inflation factor, and size.")] = None,
    effect: Annotated[float | None, typer.Option(help="True difference, treatment less control.")] = None,
    sd: Annotated[float | None, typer.Option(help="Standard deviation of one observation.")] = None,
    units: Annotated[float | None, typer.Option(help="Units over both arms at the last look.")] = None,
    allocation: Annotated[str, typer.Option(help="Ratio control:treatment.")] = "1:1",
    rates: Annotated[str | None, typer.Option(help="True rates control,treatment for --effect and --sd.")] = None,
    margin: Annotated[float, typer.Option(help="Acceptable loss of a non-inferiority test.")] = 0.0,
    json: Annotated[
        str | None, typer.Option("--json", metavar="FILE or -", help="Write JSON instead; - for standard output.")
    ] = None,
) -> None:
    """Boundaries of a group-sequential test, and its exact power and size."""
    from expsim_panel import sequential
    from expsim_panel.commands.screen import dumps, print_json
    from expsim_panel.errors import InputError

    outputs = targets({"--json": json})
    fractions = None if information is None else numbers("--information", information, ",", "0.2,0.5,1")
    futility = None if futility_bounds is None else bounds_or_none("--futility-bounds", futility_bounds)
    if futility_parameter is not None and futility_kind is None:
        raise InputError(_WHERE, "--futility-parameter", "no futility kind", "give --futility-kind")
    listed = None if alpha_spent is None else numbers("--alpha-spent", alpha_spent, ",", "0.01,0.05")
    found = sequential.sequential_design(
        kind,
        looks,
        alpha,
        sides,
        information=fractions,
        parameter=parameter,
        futility=futility,
        binding=binding,
        futility_kind=futility_kind,
        futility_parameter=futility_parameter,
        alpha_spent=listed,
        two_sided_spending=two_sided_spending,
        power=power,
        effect=effect,
        sd=sd,
        units=units,
        allocation=numbers("--allocation", allocation, ":", "1:1"),
        rates=None if rates is None else numbers("--rates", rates, ",", "0.10,0.12"),
        margin=margin,
    )
    told = document(kind, found)
    if observed is not None:
        seen = numbers("--observed", observed, ",", "0.3,0.62,1.08")
        planned = sequential.sequential_plan(
            kind, looks, alpha, sides, fractions, parameter, futility, binding, listed, two_sided_spending
        )
        upper, spent = sequential.observed_bounds(planned, seen, final)
        told["observed"] = {"information": seen, "critical_values": finite(upper), "alpha_spent": spent.tolist()}
    elif final:
        raise InputError(_WHERE, "--final", "no looks were observed", "give --observed")
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

    futility = told["futility_bounds"]
    names = ["Look", "Information", "Stop beyond |z|" if told["sides"] == 2 else "Stop above z"]
    giving_up = "Give up within |z|" if told["sides"] == 2 else "Give up below z"
    names += [giving_up] if futility else []
    out = console()

    def show(part: dict[str, Any], futility: list[float | None] | None) -> None:
        table = Table(*names, "Alpha spent", box=box.SIMPLE_HEAD, pad_edge=False)
        for column in table.columns:
            column.justify = "right"
        rows = zip(part["information"], part["critical_values"], part["alpha_spent"], strict=True)
        for look, (information, bound, spent) in enumerate(rows, start=1):
            cells = [str(look), percent(information), "never" if bound is None else f"{bound:.4f}"]
            if futility:
                low = futility[look - 1] if look <= len(futility) else None
                cells.append("" if low is None else f"{low:.4f}")
            table.add_row(*cells, percent(spent, 3))
        out.print(table)

    show(told, futility)
    if "observed" in told:
        out.print("At the looks as they happened:")
        names = [name for name in names if name != giving_up]
        show(told["observed"], None)
    lines = []
    if told["inflation_factor"] is not None:
        lines.append(("Maximum size", f"{told['inflation_factor']:.4f} times the fixed design's"))
        under, without = told["expected_fraction_alternative"], told["expected_fraction_null"]
        lines.append(("Expected size", f"{under:.4f} times it under the effect, {without:.4f} times without one"))
    if told["power"] is not None:
        lines.append(("Chance to detect", percent(told["power"], 2)))
        lines.append(("Units at most", count(told["units"])))
        lines.append(("Expected units", count(told["expected_units"])))
    out.print(facts(lines))
