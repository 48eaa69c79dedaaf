"""`expsim bandit`: the classic bandit problem in one line, no scenario file."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from expsim_panel.commands import bandit_world as at
from expsim_panel.commands.targets import STANDARD_OUTPUT, targets

if TYPE_CHECKING:
    from expsim_panel.bandit_blocks import PlayedProblem
    from expsim_panel.bandit_curves import RegretCurve
    from expsim_panel.bandit_inference import Inference
    from expsim_panel.bandit_surface import RegretSurface
    from expsim_panel.bandits import BanditResult
    from expsim_panel.varied import Varied

_WHERE = "expsim bandit"
_INSTEAD, _LIMITED, _ANSWERS = "Other kinds of problem", "A budget, a guardrail", "What comes out"
OVER_REPLICATES, MAP_REPLICATES = 2000, 500
"""Experiments at each level of ``--over``, and in each cell of a map over two, at most."""


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


def inferred(
    found: BanditResult | PlayedProblem[Any], experiments: int | None, workers: int | None, every: bool
) -> list[Inference]:
    """Return what each policy leaves to be inferred; nothing where nobody asked for it.

    Without a number and without a file or JSON to write, only policies that adapt are worth a reader's wait.
    """
    from expsim_panel.commands.bandit_kinds import with_progress
    from expsim_panel.errors import InputError
    from expsim_panel.problem_inference import inference_of

    if experiments == 0 or (experiments is None and not every):
        return []
    try:
        made: list[Inference] = with_progress(
            lambda progress: inference_of(found, experiments=experiments, workers=workers, progress=progress)
        )
    except InputError as error:
        raise InputError(_WHERE, "--inference", error.problem, error.remedy) from None
    return list(made)


def varied(
    problem: Varied, axes: list[Any], settings: dict[str, Any]
) -> tuple[RegretCurve | None, RegretSurface | None]:
    """Return the curves over one number of any kind of problem, or the map over two; neither without one."""
    from expsim_panel.bandit_curves import curve_over
    from expsim_panel.bandit_surface import surface_over
    from expsim_panel.commands.bandit_kinds import with_progress

    if not axes:
        return None, None
    most = OVER_REPLICATES if len(axes) == 1 else MAP_REPLICATES
    sizes = {**settings, "replicates": min(settings["replicates"], most), "where": _WHERE}
    if len(axes) == 1:
        path, values = axes[0]
        curve: RegretCurve = with_progress(
            lambda progress: curve_over(problem, path, values, progress=progress, **sizes)
        )
        return curve, None
    surface: RegretSurface = with_progress(
        lambda progress: surface_over(problem, axes[0], axes[1], progress=progress, **sizes)
    )
    return None, surface


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
    segments: Annotated[
        str | None, typer.Option(rich_help_panel=_INSTEAD, help="Frequencies of prompt segments, such as 0.6,0.4.")
    ] = None,
    features: Annotated[
        str | None,
        typer.Option(rich_help_panel=_INSTEAD, help="Context of each segment, such as 1,0.2;1,0.9; one-hot without."),
    ] = None,
    preferences: Annotated[
        str | None,
        typer.Option(rich_help_panel=_INSTEAD, help="P(row's arm is preferred to column's), such as 0.5,0.6;0.4,0.5."),
    ] = None,
    strengths: Annotated[
        str | None, typer.Option(rich_help_panel=_INSTEAD, help="Instead: log strengths of the arms, such as 1,0.5,0.")
    ] = None,
    tie: Annotated[
        float | None,
        typer.Option(rich_help_panel=_INSTEAD, help="Davidson's nu: ties between equal arms come nu / (2 + nu)."),
    ] = None,
    ratings: Annotated[
        str | None,
        typer.Option(rich_help_panel=_INSTEAD, help="Instead of means: chances of the ratings 1..J, a row per arm."),
    ] = None,
    unknown_costs: Annotated[
        bool,
        typer.Option("--unknown-costs", rich_help_panel=_LIMITED, help="Costs are chances of paying 1, to be learned."),
    ] = False,
    budget: Annotated[
        float | None, typer.Option(rich_help_panel=_LIMITED, help="What all pulls together may cost.")
    ] = None,
    guardrail: Annotated[
        str | None, typer.Option(rich_help_panel=_LIMITED, help="Rate of bad events of each arm; needs --limit.")
    ] = None,
    limit: Annotated[
        float | None, typer.Option(rich_help_panel=_LIMITED, help="Largest rate of bad events that is allowed.")
    ] = None,
    json: Annotated[
        str | None,
        typer.Option(
            "--json", metavar="FILE or -", rich_help_panel=_ANSWERS, help="Write JSON instead; - for standard output."
        ),
    ] = None,
    html: Annotated[
        str | None,
        typer.Option(
            "--html",
            metavar="FILE",
            rich_help_panel=_ANSWERS,
            help="Write the pictures as a page that needs no network.",
        ),
    ] = None,
    over: Annotated[
        list[str] | None,
        typer.Option(
            "--over",
            metavar="PATH=lo:hi:n",
            rich_help_panel=_ANSWERS,
            help="Also over horizon, lead, means.0, delay, cost.1, POLICY.PARAMETER, ...; twice for a map over both.",
        ),
    ] = None,
    inference: Annotated[
        int | None,
        typer.Option(
            rich_help_panel=_ANSWERS,
            help="Experiments to check the estimators after each policy by; 0: none. Default: as many as are quick.",
        ),
    ] = None,
) -> None:
    """Regret of bandit policies, with their bounds, on a classic problem or in a less plain world."""
    from expsim_panel.bandit_axes import setting_of
    from expsim_panel.bandit_curves import parse
    from expsim_panel.bandit_problems import NOT_INFERRED, is_set, kind_of
    from expsim_panel.bandit_verdict import check_value
    from expsim_panel.commands import bandit_kinds
    from expsim_panel.commands import bandit_words as tell
    from expsim_panel.commands.screen import console, dumps, print_json
    from expsim_panel.errors import InputError
    from expsim_panel.exports.bandit_json import document
    from expsim_panel.problem_axes import ProblemSetting

    outputs = targets({"--json": json, "--html": html})
    names = [*policy, *(more or [])]
    given = {"means": means, "family": family, "segments": segments, "features": features, "tie": tie,
             "preferences": preferences, "strengths": strengths, "ratings": ratings, "cost": cost, "budget": budget,
             "unknown_costs": unknown_costs, "value_per_point": value_per_point, "guardrail": guardrail,
             "limit": limit}  # fmt: skip
    plain = {"delay": delay, "batch": batch, "shift": shift, "drift": drift, "season": season, "judge_bias": judge_bias,
             "judge_noise": judge_noise, "sensitivity": sensitivity, "specificity": specificity, "arrives": arrives,
             "population": population}  # fmt: skip
    kind = kind_of({**given, **plain}, names)
    axes = [parse(text) for text in over or []]
    if len(axes) > 2:
        raise InputError(_WHERE, "--over", f"given {len(axes)} times", "give it once for curves, twice for a map")
    settings: dict[str, Any] = {"replicates": replicates, "seed": seed, "workers": workers}
    worth = check_value(value_per_point, _WHERE, "--value-per-point") if html is not None and kind is None else None
    found: Any
    problem: Varied
    if kind is None:
        if means is None:
            raise InputError(_WHERE, "--means", "no means", "write for example 0.1,0.9")
        asked: dict[str, Any] = {"means": read_means(means), "policies": names, "horizon": horizon, "family": family}
        asked["world"] = at.read_world({**plain, "cost": cost, "value_per_point": value_per_point})
        found = play({**asked, **settings})
        problem = setting_of(**asked, where=_WHERE)
    else:
        if inference and kind in NOT_INFERRED:
            raise InputError(_WHERE, "--inference", NOT_INFERRED[kind], "leave it out, or give 0")
        found = bandit_kinds.play(kind, given, names, horizon, settings)
        problem = ProblemSetting(tuple(names), horizon, kind, {key: one for key, one in given.items() if is_set(one)})
    learned = [] if kind in NOT_INFERRED else inferred(found, inference, workers, bool(outputs) or json is not None)
    curve, surface = varied(problem, axes, settings)
    if "--html" in outputs:
        from expsim_panel.exports import bandit_html, problem_html

        if kind is None:
            page = bandit_html.page(found, worth, curve, learned, surface)
        else:
            page = problem_html.page(found, given, curve, learned, surface)
        outputs["--html"].write(page)
    written = document(found, learned, surface or curve)
    if "--json" in outputs:
        outputs["--json"].write(dumps(written))
    if json == STANDARD_OUTPUT:
        print_json(written)
    elif not outputs:
        _print(found) if kind is None else bandit_kinds.show(kind, found)
        tell.print_inference(learned)
        if curve is not None:
            tell.print_over(curve)
        if surface is not None:
            tell.print_map(surface)
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
    out = console()
    # A narrow terminal does without the median rather than with cut numbers.
    narrow = out.width < 100
    kept = [place for place in range(len(heads)) if not (narrow and place == 4)]
    table = Table(*(heads[place] for place in kept), box=box.SIMPLE_HEAD, pad_edge=False, padding=(0, 1))
    for position, column in enumerate(table.columns):
        column.no_wrap = True
        column.overflow = "ellipsis" if position == 0 else "fold"
        column.min_width = None if position == 0 else len(heads[kept[position]])
        column.justify = "right" if position else "left"
    lead = found.best
    for one in found.policies:
        marks = one.regret.quantiles or {}
        exact = "" if one.regret.exact is None else f"{one.regret.exact:.4g}"
        if dollars:
            exact = f"{(one.money.total_regret or one.money.regret).value:.4g}"
        error = "" if one.regret.se is None else f" ± {one.regret.se:.2g}"
        cells = [
            one.name if len(one.name) <= 17 or not narrow else f"{one.name[:16]}\u2026",
            f"{one.regret.value:.4g}{error}",
            exact,
            *(f"{marks[key]:.4g}" for key in ("0.05", "0.5", "0.95")),
            f"{one.tail_regret.value:.4g}",
            percent(one.p_best_arm.value or 0.0, 0),
            percent(float(one.pulls[lead].sum()) / found.horizon, 0),
        ]
        table.add_row(*(cells[place] for place in kept))
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
