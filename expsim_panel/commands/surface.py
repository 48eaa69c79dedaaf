"""`expsim surface`: a figure over any one or two numbers of a study."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import numpy as np
import typer

from expsim_panel.commands.targets import STANDARD_OUTPUT, targets

if TYPE_CHECKING:
    from expsim_panel.response_surface import ResponseSurface

MOST_COLUMNS = 7


def surface(
    name: Annotated[str, typer.Argument(metavar="NAME|FILE", help="Scenario of the library, or a TOML file.")],
    x: Annotated[
        str,
        typer.Option(
            "--x",
            metavar="PATH=lo:hi:n",
            help="Across; effect=0:0.03:7 is the best variant's true effect, arms=2:5:4 the number of arms.",
        ),
    ],
    y: Annotated[str | None, typer.Option("--y", metavar="PATH=lo:hi:n", help="Upwards; without it a curve.")] = None,
    metric: Annotated[str, typer.Option(help="Any operating characteristic, such as power, days or cost.")] = "power",
    strategy: Annotated[
        str | None, typer.Option("--strategy", metavar="NAME", help="Whose figure; the scenario's first unless given.")
    ] = None,
    minus: Annotated[
        str | None, typer.Option("--minus", metavar="NAME", help="Another strategy: show the first less this one.")
    ] = None,
    settings: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="PATH=VALUE", help="Change a value of the scenario; repeatable."),
    ] = None,
    replicates: Annotated[int, typer.Option(help="Experiments per cell where it must be simulated.")] = 2000,
    seed: Annotated[int, typer.Option(help="Same study and seed, same numbers.")] = 1,
    workers: Annotated[int | None, typer.Option(help="Threads; all cores unless given.", min=1)] = None,
    simulate: Annotated[bool, typer.Option("--simulate", help="Simulate even where an exact value exists.")] = False,
    json: Annotated[
        str | None, typer.Option("--json", metavar="FILE or -", help="Write JSON; - for standard output.")
    ] = None,
    html: Annotated[
        str | None, typer.Option("--html", metavar="FILE", help="Write the picture as a page that needs no network.")
    ] = None,
) -> None:
    """Show a figure over any one or two numbers of a study: exact where exact exists, else simulated."""
    from expsim_panel import axes
    from expsim_panel.commands import screen
    from expsim_panel.commands.check import load
    from expsim_panel.errors import InputError
    from expsim_panel.response_surface import response_surface

    study = load(name, settings, [strategy] if strategy else None)
    mine = study.strategies[0].name
    if minus is not None and minus != mine:
        try:
            study = load(name, settings, [mine, minus])
        except InputError as error:
            # The first strategy was loaded above: what is wrong now is the other one's flag.
            where = "--minus" if error.where == "--strategy" else error.where
            raise InputError(where, error.key, error.problem, error.remedy) from None
    study.put("seed", seed, "expsim surface")
    outputs = targets({"--json": json, "--html": html}, (name,))
    across = axes.parse(study, x, "--x")
    up = axes.parse(study, y, "--y") if y is not None else None
    with screen.progress(f"Computing {metric} of {mine}") as progress:
        made = response_surface(
            study, mine, across, up,
            metric=metric, minus=minus, replicates=replicates, simulate=simulate, workers=workers, progress=progress,
        )  # fmt: skip
    if "--html" in outputs:
        from expsim_panel.exports.surface_html import page

        outputs["--html"].write(page(made, study.scenario))
    if "--json" in outputs:
        outputs["--json"].write(screen.dumps(made.to_json()))
    if json == STANDARD_OUTPUT:
        screen.print_json(made.to_json())
        return
    _show(made)
    for target in outputs.values():
        screen.console().print(f"Wrote {target.name}", soft_wrap=True)


def _show(made: ResponseSurface) -> None:
    """Print the figure as a table: levels of x across, of y downwards, at most as many as a terminal holds."""
    from rich import box
    from rich.table import Table

    from expsim_panel.commands import screen
    from expsim_panel.response_surface import unsigned, written

    across = _some(made.x.values.size, MOST_COLUMNS)
    down = _some(made.value.shape[0], 2 * MOST_COLUMNS)
    table = Table("", *(f"{made.x.values[j]:.4g}" for j in across), box=box.SIMPLE_HEAD, pad_edge=False)
    for column in table.columns:
        column.no_wrap = True
    for column in table.columns[1:]:
        column.justify = "right"
    for i in down:
        head = "" if made.y is None else f"{made.y.values[i]:.4g}"
        table.add_row(head, *(written(made.metric, made.value[i, j], made.minus is not None) for j in across))
    out = screen.console()
    out.print(screen.heading(f"{made.words}, {made.whose}"))
    out.print(table)
    if made.se is None:
        how = "Exact values, no simulation error."
    else:
        largest = unsigned(made.metric, float(np.nanmax(made.se)), made.minus is not None)
        how = f"Simulated, {made.replicates:,} experiments a cell ({made.reason}); largest standard error {largest}."
    lines = [f"Across: {made.x.path}." + (f" Downwards: {made.y.path}." if made.y is not None else ""), how]
    if len(across) < made.x.values.size or len(down) < made.value.shape[0]:
        lines.append("Some levels are left out here; --json has them all.")
    lines += [f"{note}." for note in made.notes]
    lines += [f"Empty cells: {gap}." for gap in made.gaps]
    out.print(screen.bullets(lines))


def _some(size: int, most: int) -> list[int]:
    """Return evenly spread positions, the first and the last among them."""
    return sorted({round(k * (size - 1) / (min(size, most) - 1)) for k in range(min(size, most))}) if size > 1 else [0]
