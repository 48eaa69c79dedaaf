"""`expsim calibrate`: from a table of real ratings to a scenario file."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from expsim_panel.commands.targets import STANDARD_OUTPUT, Target, targets

if TYPE_CHECKING:
    from expsim_panel.calibration import Calibration
    from expsim_panel.errors import InputError
    from expsim_panel.rating_table import Beside


def calibrate(
    ratings: Annotated[
        str, typer.Argument(metavar="RATINGS", help="CSV, JSONL, Parquet, or a log of Inspect or promptfoo.")
    ],
    item: Annotated[str, typer.Option(metavar="COLUMN", help="Column of the item.")] = "item",
    rater: Annotated[str, typer.Option(metavar="COLUMN", help="Column of the rater.")] = "rater",
    score: Annotated[
        str,
        typer.Option(metavar="COLUMN", help="Column of the score; h1,h2,h3 where each rater has a column of scores."),
    ] = "score",
    variant: Annotated[
        str,
        typer.Option(
            metavar="COLUMN or REGEX", help="Column of the variant, or a pattern whose group finds it in the item."
        ),
    ] = "variant",
    judge: Annotated[
        list[str] | None, typer.Option(metavar="COLUMN", help="Column with a judge's score of the item; repeatable.")
    ] = None,
    kind: Annotated[
        str | None, typer.Option(metavar="COLUMN", help="Column that says human or judge; kind, if there is one.")
    ] = None,
    prompt: Annotated[
        str | None,
        typer.Option(
            metavar="COLUMN",
            help="Column of the prompt, where several items answer one; prompt if there is one, else the item.",
        ),
    ] = None,
    also: Annotated[
        list[str] | None, typer.Option(metavar="FILE", help="More of the same, such as another log; repeatable.")
    ] = None,
    control: Annotated[str | None, typer.Option(metavar="VARIANT", help="The variant in use today.")] = None,
    treatment: Annotated[
        list[str] | None, typer.Option(metavar="VARIANT", help="A variant to try; repeatable.")
    ] = None,
    name: Annotated[
        str | None, typer.Option(metavar="SLUG", help="Name of the scenario; the file's unless given.")
    ] = None,
    direction: Annotated[
        str, typer.Option(metavar="increase or decrease", help="Which scores are better.")
    ] = "increase",
    output: Annotated[
        str | None, typer.Option("--output", "-o", metavar="FILE", help="Write the scenario as TOML.")
    ] = None,
    json: Annotated[
        str | None,
        typer.Option("--json", metavar="FILE or -", help="Write what was measured as JSON; - for standard output."),
    ] = None,
    html: Annotated[
        str | None, typer.Option(metavar="FILE", help="Write a page that draws the realism score and the judges.")
    ] = None,
) -> None:
    """Turn real ratings into a scenario: quality, noise, severity, and a realism score."""
    from expsim_panel import calibrate as measuring
    from expsim_panel.calibrated_scenario import document_of
    from expsim_panel.commands.screen import dumps, print_json
    from expsim_panel.errors import InputError, did_you_mean, shown
    from expsim_panel.rating_table import read_table
    from expsim_panel.study import Study

    directions = ("increase", "decrease")
    if direction not in directions:
        raise InputError(
            "expsim calibrate",
            "--direction",
            f"unknown direction {shown(direction)}",
            did_you_mean(direction, directions),
        )
    outputs = targets({"-o": output, "--json": json, "--html": html}, (ratings, *(also or ())))
    columns = (item, rater, score, variant, tuple(judge or ()), kind, prompt)
    try:
        table, beside = read_table(ratings, *columns, tuple(also or ()))
    except InputError as error:
        raise _with_all(error, (ratings, *(also or ())), columns, json, outputs) from None
    found = measuring.calibrate(table, control, treatment)
    tree: dict[str, Any] | None = None
    if found.treatments or output is not None:
        tree = measuring.to_scenario(found, name=name, direction=direction, beside=beside)
        # What is written must be readable: the tree goes through the door that `expsim run` uses.
        Study.from_tree(tree, table.source).freeze()
    document = document_of(found, beside, tree)
    if "-o" in outputs and tree is not None:
        outputs["-o"].write(measuring.dump_scenario(tree))
    if "--json" in outputs:
        outputs["--json"].write(dumps(document))
    if "--html" in outputs:
        from expsim_panel.exports.calibration_html import page

        outputs["--html"].write(page(found, beside))
    if json == STANDARD_OUTPUT:
        print_json(document)
        return
    _print(found, output, beside)


def _with_all(
    error: InputError,
    paths: tuple[str, ...],
    columns: tuple[str, str, str, str, tuple[str, ...], str | None, str | None],
    json: str | None,
    outputs: dict[str, Target],
) -> InputError:
    """Print or write all faults of the tables; return the error line, which counts their kinds."""
    from dataclasses import asdict
    from pathlib import Path

    from expsim_panel.commands.screen import bullets, console, dumps, print_json
    from expsim_panel.errors import InputError
    from expsim_panel.rating_faults import faults
    from expsim_panel.ratings import read_bytes

    try:
        found = faults([(read_bytes(path), Path(path).name) for path in paths], *columns)
    except InputError:
        return error
    document = {"calibration": None, "scenario": None, "faults": [asdict(fault) for fault in found]}
    if "--json" in outputs:
        outputs["--json"].write(dumps(document))
    if json == STANDARD_OUTPUT:
        print_json(document)
    elif found:
        console().print(bullets([fault.sentence() for fault in found]))
    if len(found) < 2:
        return error
    told = f"{error.problem} (all {len(found)} kinds of faults are listed on standard output)"
    return InputError(error.where, error.key, told, error.remedy)


def _print(found: Calibration, output: str | None, beside: Beside) -> None:
    """Print what the ratings say, in words."""
    import shlex

    from expsim_panel.calibrated_scenario import ONE_VARIANT
    from expsim_panel.commands.screen import bullets, console, facts
    from expsim_panel.quantities import count, percent, points

    out = console()
    control = found.facts(found.control)
    people = "rater" if found.raters == 1 else "raters"
    rows = [
        ("Read", f"{count(found.rows)} ratings of {count(found.items)} items by {count(found.raters)} {people}"),
        ("Kind of score", found.family),
        ("Control", f"{control.name}: mean {points(control.mean)}"),
    ]
    for contrast in found.contrasts:
        told = f"{contrast.treatment}: mean {points(found.facts(contrast.treatment).mean)}"
        if contrast.se is not None:
            told += f", {points(contrast.difference, True)} ± {points(contrast.se)} on the same prompts"
        rows.append(("Treatment", told))
    told = found.realism.reason
    if found.realism.honest is not None:
        told = f"{percent(found.realism.honest, 0)} (100 %: as close to unseen ratings as other real ratings are)"
    rows.append(("Realism", told))
    alpha, icc = beside.agreement.alpha_interval, found.reliability.icc1
    if alpha is not None:
        told = f"Krippendorff's alpha {alpha:.2f} (1: all agree, 0: by chance)"
        rows.append(("Agreement", told + ("" if icc is None else f"; reliability of one rating {icc:.2f} (ICC)")))
    for name, facts_of in beside.judges.items():
        told = f"no correlation with people: {facts_of.rho.reason}"
        if facts_of.rho.value is not None and facts_of.rho.interval is not None:
            low, high = facts_of.rho.interval
            told = f"correlation with people {facts_of.rho.value:.2f} within a variant ({low:.2f} to {high:.2f})"
            if facts_of.rho_difference.value is not None:
                told += f", {facts_of.rho_difference.value:.2f} for differences"
            biases = ((one, facts_of.bias.get(one)) for one in (found.control, *found.treatments))
            parts = [
                f"for {one} {bias.value:+.2f} ({bias.interval[0]:+.2f} to {bias.interval[1]:+.2f})"
                for one, bias in biases
                if bias is not None and bias.value is not None and bias.interval is not None
            ]
            if parts:
                scale = "points" if facts_of.same_scale else "points, once on the people's scale,"
                told += f"; bias in {scale} {', '.join(parts)}"
        if facts_of.missing:
            told += f"; {count(facts_of.missing)} of {count(found.items)} items without its score"
        rows.append((f"Judge {name}", told))
    out.print(facts(rows))
    if beside.warnings:
        out.print(bullets([doubt.sentence() for doubt in beside.warnings]))
    if found.notes:
        out.print(bullets(found.notes))
    if not found.treatments:
        out.print(f"{ONE_VARIANT[0].upper()}{ONE_VARIANT[1:]}.")
    elif output is None:
        out.print("Add -o FILE to write the scenario.", soft_wrap=True)
    else:
        out.print(f"Wrote {output}; play it with: expsim run {shlex.quote(output)}", soft_wrap=True)
