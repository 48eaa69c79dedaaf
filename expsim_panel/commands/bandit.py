"""`expsim bandit`: the classic bandit problem in one line, no scenario file."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from expsim_panel.commands import bandit_world as at
from expsim_panel.commands.targets import STANDARD_OUTPUT, targets

if TYPE_CHECKING:
    from expsim_panel.bandit_curves import RegretCurve
    from expsim_panel.bandits import BanditResult

_WHERE = "expsim bandit"
OVER_REPLICATES = 2000
"""Experiments at each level of ``--over``, at most."""


def read_means(text: str) -> list[float]:
    """Read numbers separated by commas; raise `InputError` naming the flag."""
    from expsim_panel.errors import InputError, shown

    try:
        return [float(part) for part in text.split(",")]
    except ValueError:
        problem = f"{shown(text)} is not a list of numbers"
        raise InputError(_WHERE, "--means", problem, "write for example 0.1,0.9") from None


def play(asked: dict[str, Any]) -> BanditResult:
    """Play with a progress bar on standard error, where a person can see it; name flags in errors."""
    from expsim_panel.bandits import bandit
    from expsim_panel.commands.bandit_kinds import with_progress
    from expsim_panel.errors import InputError

    try:
        found: BanditResult = with_progress(lambda progress: bandit(**asked, progress=progress))
        return found
    except InputError as error:
        key = f"--{error.key.replace('_', '-')}" if error.key and not error.key.startswith("--") else error.key
        raise InputError(_WHERE, key, error.problem, error.remedy) from None


def document(found: BanditResult) -> dict[str, Any]:
    """Return the JSON of a result; names and meanings as in ``docs/contract.md``."""
    from expsim_panel._version import VERSION
    from expsim_panel.exports.json import SCHEMA, environment, figure

    return {
        "provenance": {
            "version": VERSION,
            "schema": SCHEMA,
            "seed": found.seed,
            "replicates": found.replicates,
            "request_digest": found.request_digest,
            "digest": found.digest,
            "environment": environment(found.seconds),
        },
        "means": found.means.tolist(),
        "family": found.family,
        "horizon": found.horizon,
        "world": found.world.tree(),
        "lai_robbins": None if found.lai_robbins_reason else found.lai_robbins,
        "lai_robbins_reason": found.lai_robbins_reason,
        "checkpoints": found.checkpoints.tolist(),
        "policies": [
            {
                "name": one.name,
                "regret": figure(one.regret),
                "simple_regret": figure(one.simple_regret),
                "p_best_arm": figure(one.p_best_arm),
                "tail_regret": figure(one.tail_regret),
                "pulls": one.pulls.tolist(),
                "pulls_se": one.pulls_se.tolist(),
                "regret_over_time": {
                    "value": one.regret_over_time.tolist(),
                    "se": one.regret_se.tolist(),
                    "quantiles": {
                        key: row.tolist() for key, row in zip(("0.05", "0.5", "0.95"), one.band, strict=True)
                    },
                },
                "traffic": one.traffic.tolist(),
                **at.money(one.money, found.world.population is not None),
            }
            for one in found.policies
        ],
    }


def bandit(
    policy: Annotated[
        list[str], typer.Option("--policy", metavar="NAME", help="A policy, such as ucb1 or kl-ucb(c=3); repeatable.")
    ],
    horizon: Annotated[int, typer.Option(help="Requests in one experiment.")],
    more: Annotated[
        list[str] | None, typer.Argument(metavar="[NAME]...", help="More policies.", show_default=False)
    ] = None,
    means: Annotated[
        str | None,
        typer.Option(help="Mean reward of each arm, such as 0.1,0.9; with segments a row each: 0.1,0.5;0.4,0.2."),
    ] = None,
    family: Annotated[str, typer.Option(help="bernoulli, or gaussian with standard deviation 1.")] = "bernoulli",
    replicates: Annotated[int, typer.Option(help="Experiments per policy.")] = 10_000,
    seed: Annotated[int, typer.Option(help="Same problem and seed, same numbers.")] = 1,
    workers: Annotated[
        int | None, typer.Option(help="Threads; all cores unless given. Results do not depend on it.")
    ] = None,
    delay: at.Delay = None,
    batch: at.Batch = None,
    shift: at.Shift = None,
    drift: at.Drift = None,
    season: at.Season = None,
    judge_bias: at.JudgeBias = None,
    judge_noise: at.JudgeNoise = None,
    sensitivity: at.Sensitivity = None,
    specificity: at.Specificity = None,
    arrives: at.Arrives = None,
    cost: at.Cost = None,
    value_per_point: at.ValuePerPoint = None,
    population: at.Population = None,
    segments: Annotated[str | None, typer.Option(help="Frequencies of prompt segments, such as 0.6,0.4.")] = None,
    features: Annotated[
        str | None, typer.Option(help="Context of each segment, such as 1,0.2;1,0.9; one-hot without.")
    ] = None,
    preferences: Annotated[
        str | None, typer.Option(help="P(row's arm is preferred to column's), such as 0.5,0.6;0.4,0.5.")
    ] = None,
    strengths: Annotated[str | None, typer.Option(help="Instead: log strengths of the arms, such as 1,0.5,0.")] = None,
    tie: Annotated[
        float | None, typer.Option(help="Davidson's nu: ties between equal arms come nu / (2 + nu).")
    ] = None,
    ratings: Annotated[
        str | None, typer.Option(help="Instead of means: chances of the ratings 1..J, a row per arm.")
    ] = None,
    unknown_costs: Annotated[
        bool, typer.Option("--unknown-costs", help="Costs are chances of paying 1, to be learned.")
    ] = False,
    budget: Annotated[float | None, typer.Option(help="What all pulls together may cost.")] = None,
    guardrail: Annotated[str | None, typer.Option(help="Rate of bad events of each arm; needs --limit.")] = None,
    limit: Annotated[float | None, typer.Option(help="Largest rate of bad events that is allowed.")] = None,
    json: Annotated[
        str | None, typer.Option("--json", metavar="FILE or -", help="Write JSON instead; - for standard output.")
    ] = None,
    html: Annotated[
        str | None, typer.Option("--html", metavar="FILE", help="Write the pictures as a page that needs no network.")
    ] = None,
    over: Annotated[
        str | None,
        typer.Option("--over", metavar="PATH=lo:hi:n", help="Also over horizon, lead, means.0 or POLICY.PARAMETER."),
    ] = None,
) -> None:
    """Regret of bandit policies, with their bounds, on a classic problem or in a less plain world."""
    from expsim_panel.bandit_curves import parse, regret_over
    from expsim_panel.bandit_verdict import check_value
    from expsim_panel.commands import bandit_kinds
    from expsim_panel.commands.screen import console, dumps, print_json
    from expsim_panel.errors import InputError

    outputs = targets({"--json": json, "--html": html})
    names = [*policy, *(more or [])]
    given = {"means": means, "family": family, "segments": segments, "features": features, "tie": tie,
             "preferences": preferences, "strengths": strengths, "ratings": ratings, "cost": cost, "budget": budget,
             "unknown_costs": unknown_costs, "value_per_point": value_per_point, "guardrail": guardrail,
             "limit": limit}  # fmt: skip
    plain = {"delay": delay, "batch": batch, "shift": shift, "drift": drift, "season": season, "judge_bias": judge_bias,
             "judge_noise": judge_noise, "sensitivity": sensitivity, "specificity": specificity, "arrives": arrives,
             "population": population}  # fmt: skip
    kind = bandit_kinds.kind_of({**given, **plain, "html": html, "over": over}, names)
    if kind is not None:
        sizes = {"replicates": replicates, "seed": seed, "workers": workers}
        other = bandit_kinds.play(kind, given, names, horizon, sizes)
        if json == STANDARD_OUTPUT:
            print_json(bandit_kinds.document(kind, other))
        elif outputs:
            outputs["--json"].write(dumps(bandit_kinds.document(kind, other)))
        else:
            bandit_kinds.show(kind, other)
        return
    if means is None:
        raise InputError(_WHERE, "--means", "no means", "write for example 0.1,0.9")
    asked: dict[str, Any] = {"means": read_means(means), "policies": names, "horizon": horizon, "family": family}
    asked["world"] = at.read_world({**plain, "cost": cost, "value_per_point": value_per_point})
    worth = check_value(value_per_point, _WHERE, "--value-per-point") if html is not None else None
    axis = None if over is None else parse(over)
    settings: dict[str, Any] = {"replicates": replicates, "seed": seed, "workers": workers}
    found = play({**asked, **settings})
    curve = None
    if axis is not None:
        settings["replicates"] = min(replicates, OVER_REPLICATES)
        curve = regret_over(**asked, path=axis[0], values=axis[1], **settings, where=_WHERE)
    if "--html" in outputs:
        from expsim_panel.exports.bandit_html import page

        outputs["--html"].write(page(found, worth, curve))
    written = document(found) | ({} if curve is None else {"over": curve.to_json()})
    if "--json" in outputs:
        outputs["--json"].write(dumps(written))
    if json == STANDARD_OUTPUT:
        print_json(written)
    elif not outputs:
        _print(found)
        if curve is not None:
            _print_over(curve)
    elif html is not None:
        console().print(f"Wrote {outputs['--html'].name}", soft_wrap=True)


def _print(found: BanditResult) -> None:
    """Print one row per policy, and the bound below."""
    import math

    from rich import box
    from rich.table import Table

    from expsim_panel.commands.screen import console, facts
    from expsim_panel.quantities import count, percent

    heads = ["Policy", "Regret", "Exact", "5 %", "50 %", "95 %", "Tail", "Right", "Traffic"]
    dollars = bool(any(found.world.cost) or found.world.value_per_point != 1.0 or found.world.population)
    if dollars:
        heads[2] = "Dollars"
    table = Table(*heads, box=box.SIMPLE_HEAD, pad_edge=False, padding=(0, 1))
    for position, column in enumerate(table.columns):
        column.no_wrap = True
        column.justify = "right" if position else "left"
    lead = found.best
    for one in found.policies:
        marks = one.regret.quantiles or {}
        exact = "" if one.regret.exact is None else f"{one.regret.exact:.4g}"
        if dollars:
            exact = f"{(one.money.total_regret or one.money.regret).value:.4g}"
        error = "" if one.regret.se is None else f" ± {one.regret.se:.2g}"
        table.add_row(
            one.name,
            f"{one.regret.value:.4g}{error}",
            exact,
            *(f"{marks[key]:.4g}" for key in ("0.05", "0.5", "0.95")),
            f"{one.tail_regret.value:.4g}",
            percent(one.p_best_arm.value or 0.0),
            percent(float(one.pulls[lead].sum()) / found.horizon),
        )
    out = console()
    out.print(table)
    slope = found.lai_robbins
    line = f"{slope:.4g} log T, here {slope * math.log(found.horizon):.4g}: a slope for large T, not a floor"
    if found.lai_robbins_reason:
        line = f"none: {found.lai_robbins_reason}"
    words = "Tail: mean regret of the worst 5 %. Right: keeps a best arm. Traffic: share that went to the best arm."
    if dollars:
        words += " Dollars: net value lost, "
        words += "up to the population." if found.world.population else "up to the horizon."
    size = (
        f"{count(found.replicates)} experiments of {count(found.horizon)} requests, {found.family}, seed {found.seed}"
    )
    out.print(facts([("Lai-Robbins bound", line), ("Simulated", size), ("Columns", words)]))


def _print_over(curve: RegretCurve) -> None:
    """Print regret by level, at most as many levels as a terminal holds; the JSON has all."""
    import numpy as np
    from rich import box
    from rich.table import Table

    from expsim_panel.commands.screen import console, heading

    some = np.unique(np.linspace(0, curve.values.size - 1, min(curve.values.size, 7)).round().astype(int))
    table = Table("Policy", *(f"{curve.values[k]:.4g}" for k in some), box=box.SIMPLE_HEAD, pad_edge=False)
    for column in table.columns[1:]:
        column.justify = "right"
    for name, row in zip(curve.names, curve.regret, strict=True):
        table.add_row(name, *(f"{row[k]:.4g}" for k in some))
    out = console()
    out.print(heading(f"Regret over {curve.path}: {curve.label}"))
    out.print(table)
