"""`expsim exact prior`: the prior of effects that past experiments fit."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated

import typer

from expsim_panel.commands.targets import STANDARD_OUTPUT, targets

_WHERE = "exact prior"


def prior(
    past: Annotated[
        str | None, typer.Option(help="Estimate:standard error of each past experiment: 0.01:0.005,0.03:0.01.")
    ] = None,
    file: Annotated[str | None, typer.Option(help="Instead: a CSV file with the columns effect and se.")] = None,
    method: Annotated[
        str, typer.Option(help="dersimonian-laird (moments) or maximum-likelihood.")
    ] = "dersimonian-laird",
    json: Annotated[
        str | None, typer.Option("--json", metavar="FILE or -", help="Write JSON instead; - for standard output.")
    ] = None,
) -> None:
    """The normal prior of effects that a team's past experiments fit."""
    from expsim_panel.commands.screen import console, dumps, facts, print_json
    from expsim_panel.errors import InputError
    from expsim_panel.past_effects import fit_prior, read_past
    from expsim_panel.scenario_prior import PastEffects

    outputs = targets({"--json": json})
    if (past is None) == (file is None):
        problem = "no past experiments" if past is None else "past experiments and a file"
        raise InputError(_WHERE, "--past", problem, "give --past 0.01:0.005,0.03:0.01 or --file FILE")
    if past is not None:
        pairs = PastEffects().read(past)
        if not isinstance(pairs, list):
            problem = f"{past!r} is no list of past experiments"
            raise InputError(_WHERE, "--past", problem, "write for example 0.01:0.005,0.03:0.01")
    else:
        assert file is not None
        pairs = read_past(file)
    found = fit_prior(pairs, method)
    told = asdict(found)
    told["reasons"] = {} if found.sd_se is not None else {"sd_se": "no spread beyond what errors explain"}
    if json == STANDARD_OUTPUT:
        print_json(told)
        return
    if outputs:
        outputs["--json"].write(dumps(told))
        return
    error = "" if found.sd_se is None else f" (standard error {found.sd_se:.3g})"
    lines = [
        ("Past experiments", str(found.experiments)),
        ("Expected effect", f"{found.mean:.6g} (standard error {found.mean_se:.3g})"),
        ("Spread of effects", f"{found.sd:.6g}{error}"),
        ("Share of the variation that is real", f"{100 * found.i2:.0f} %"),
        ("In a scenario", _table(pairs, method) if found.sd > 0 else "no: without a spread there is no prior to fit"),
    ]  # fmt: skip
    console().print(facts(lines))


def _table(pairs: list[list[float]], method: str) -> str:
    """Return what to write into a scenario for this prior."""
    from expsim_panel.past_effects import METHODS

    past = ", ".join(f"[{a:g}, {b:g}]" for a, b in pairs[:3]) + (", ..." if len(pairs) > 3 else "")
    return f"[prior] past = [{past}]" + ("" if method == METHODS[0] else f', fit = "{method}"')
