"""`expsim rank`: several variants ranked from side-by-side votes, or simulated rankings."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated, Any

import typer

from expsim_panel.commands.targets import STANDARD_OUTPUT, targets

if TYPE_CHECKING:
    from expsim_panel.ranking_answers import Standings
    from expsim_panel.ranking_simulation import SimulatedRankings

_WHERE = "rank"


def rank(
    votes: Annotated[
        str | None, typer.Argument(metavar="[FILE]", help="Side-by-side votes: CSV, JSONL or Parquet.")
    ] = None,
    item: Annotated[str, typer.Option(help="Column of the prompt; votes on one prompt count as alike.")] = "prompt",
    first: Annotated[str, typer.Option(help="Column of the variant shown first.")] = "first",
    second: Annotated[str, typer.Option(help="Column of the variant shown second.")] = "second",
    winner: Annotated[
        str, typer.Option(help="Column of the winner: its name, or first, second (a, b; model_a, model_b), tie.")
    ] = "winner",
    position: Annotated[
        str | None,
        typer.Option(help="Advantage of the first place: a number to simulate; fit or none in the analysis."),
    ] = None,
    level: Annotated[float, typer.Option(help="Confidence of the intervals.")] = 0.95,
    bootstrap: Annotated[int, typer.Option(help="Also resample whole prompts so many times.")] = 0,
    strengths: Annotated[
        str | None, typer.Option(metavar="S,S,...", help="Simulate instead: true log strengths.")
    ] = None,
    tie: Annotated[float | None, typer.Option(help="Simulated: Davidson's nu; equals tie with nu / (2 + nu).")] = None,
    prompts: Annotated[int | None, typer.Option(help="Simulated: prompts; 200 unless given.")] = None,
    per_prompt: Annotated[int | None, typer.Option(help="Simulated: pairs compared on each; 3 unless given.")] = None,
    both_orders: Annotated[bool, typer.Option("--both-orders", help="Simulated: each pair in both orders.")] = False,
    judge_bias: Annotated[
        str | None, typer.Option(metavar="B,B,...", help="Simulated: what the judge adds to each log strength.")
    ] = None,
    prompt_sd: Annotated[
        float | None, typer.Option(help="Simulated: SD of a variant's strength between prompts.")
    ] = None,
    ignore_position: Annotated[
        bool, typer.Option("--ignore-position", help="Fit no advantage of the first place.")
    ] = False,
    replicates: Annotated[int, typer.Option(help="Simulated: rankings.")] = 1000,
    seed: Annotated[int, typer.Option(help="Same request and seed, same numbers.")] = 1,
    json: Annotated[
        str | None, typer.Option("--json", metavar="FILE or -", help="Write JSON instead; - for standard output.")
    ] = None,
    html: Annotated[str | None, typer.Option("--html", metavar="FILE", help="Write a page with the intervals.")] = None,
) -> None:
    """Rank several variants from side-by-side votes (Bradley-Terry-Davidson), errors clustered by prompt."""
    from expsim_panel.commands.screen import dumps, print_json, progress
    from expsim_panel.errors import InputError

    outputs = targets({"--json": json, "--html": html}, (votes,) if votes else ())
    if (votes is None) == (strengths is None):
        problem = "neither votes nor strengths" if votes is None else "both votes and strengths"
        raise InputError(_WHERE, "FILE", problem, "give a file of votes, or --strengths 1,0.5,0 to simulate")
    if ignore_position and position == "fit":
        raise InputError(_WHERE, "--ignore-position", "--position fit asks for the opposite", "remove one of them")
    advantage, fit = _position(position, ignore_position, strengths is not None)
    if strengths is None:
        given = {"--tie": tie, "--prompts": prompts, "--per-prompt": per_prompt, "--judge-bias": judge_bias,
                 "--prompt-sd": prompt_sd, "--both-orders": both_orders or None}  # fmt: skip
        for flag, value in given.items():
            if value is not None:
                raise InputError(_WHERE, flag, "belongs to simulated rankings", "remove it, or give --strengths")
        from pathlib import Path

        from expsim_panel.ranking_answers import standings
        from expsim_panel.ranking_votes import read_votes, votes_in

        read = read_votes(votes or "", item, first, second, winner)
        with votes_in(Path(votes or "").name, item, winner):
            found = standings(
                read.first, read.second, read.outcomes, read.items, position=fit, level=level, bootstrap=bootstrap,
                seed=seed,
            )  # fmt: skip
        told = document(found)
    else:
        from expsim_panel.ranking_simulation import VotingWorld, simulate

        columns = {"--item": item != "prompt", "--first": first != "first", "--second": second != "second",
                   "--winner": winner != "winner"}  # fmt: skip
        for flag in [flag for flag, value in {"--bootstrap": bootstrap, "--html": html, **columns}.items() if value]:
            raise InputError(_WHERE, flag, "belongs to a file of votes", "remove it")
        world = VotingWorld(
            _numbers("--strengths", strengths), 0.0 if tie is None else tie, advantage,
            _numbers("--judge-bias", judge_bias) if judge_bias is not None else (),
            200 if prompts is None else prompts, 3 if per_prompt is None else per_prompt, both_orders,
            0.0 if prompt_sd is None else prompt_sd,
        )  # fmt: skip
        with progress("Ranking") as moved:
            played = simulate(
                world, replicates=replicates, seed=seed, position=fit is not False, level=level, progress=moved
            )
        told = simulated_document(played)
    if json == STANDARD_OUTPUT:
        print_json(told)
    elif json is not None:
        outputs["--json"].write(dumps(told))
    if html is not None:
        from expsim_panel.exports.ranking_html import page

        outputs["--html"].write(page(found))
    if json is None:
        _print(found) if strengths is None else _print_simulated(played)


def _position(text: str | None, ignored: bool, simulated: bool) -> tuple[float, bool | None]:
    """Return the advantage to simulate, and whether the analysis fits one (None: where it can)."""
    from expsim_panel.errors import InputError, shown

    if text in (None, "fit", "none"):
        fit = False if ignored or text == "none" else (True if simulated or text == "fit" else None)
        return 0.0, fit
    try:
        value = float(text or "")
    except ValueError:
        raise InputError(_WHERE, "--position", shown(text), "give a number to simulate, or fit or none") from None
    if not simulated:
        raise InputError(_WHERE, "--position", f"{value:g} is to be simulated", "write fit or none for a file of votes")
    return value, not ignored


def _numbers(flag: str, text: str) -> tuple[float, ...]:
    from expsim_panel.commands.number_lists import numbers

    return tuple(numbers(flag, text, ",", "1,0.5,0", _WHERE))


def document(found: Standings) -> dict[str, Any]:
    """Return the JSON of a ranking; what is undefined is null, with the reason."""
    variants = [
        {**asdict(one), "interval": list(one.interval), "rank_interval": list(one.rank_interval),
         "bootstrap": list(one.bootstrap) if one.bootstrap else None, "p_rank": one.p_rank.tolist(),
         "p_best": float(one.p_rank[0])}
        for one in found.variants
    ]  # fmt: skip
    from expsim_panel.ranking_size import separation

    return {
        "variants": variants,
        "separation": asdict(separation(found)),
        "pairs": [{**asdict(one), "interval": list(one.interval)} for one in found.pairs],
        "tie": found.tie,
        "position": {
            "value": found.position,
            "se": found.position_se,
            "interval": list(found.position_interval) if found.position_interval else None,
            "reason": found.position_reason or None,
        },
        "verdicts": found.verdicts,
        "clusters": found.clusters,
        "level": found.level,
        "bootstrap": {"resamples": found.resampled, "unusable": found.unusable},
    }


def simulated_document(found: SimulatedRankings) -> dict[str, Any]:
    """Return the JSON of simulated rankings."""
    from expsim_panel.results import Figure

    def told(value: Any) -> Any:
        return value.to_json() if isinstance(value, Figure) else value

    world = {**asdict(found.world), "votes": found.world.votes}
    world["strengths"], world["judge_bias"] = list(found.world.strengths), list(found.world.judge_bias)
    names = ("best_right", "order_right", "agreement", "wrong_finding", "wrong_finding_independent", "position",
             "unusable")  # fmt: skip
    return {
        "world": world,
        "variants": [{key: told(value) for key, value in vars(one).items()} for one in found.variants],
        **{name: told(getattr(found, name)) for name in names},
        "replicates": found.replicates,
        "seed": found.seed,
    }


def _print(found: Standings) -> None:
    from rich import box
    from rich.table import Table

    from expsim_panel.commands.screen import bullets, console, heading
    from expsim_panel.quantities import count, percent
    from expsim_panel.ranking_answers import odds, signed

    out = console()
    out.print(heading(f"{count(found.verdicts)} verdicts on {count(found.clusters)} prompts"))
    sure = f"{100 * found.level:.10g}% interval"
    table = Table("", "Variant", "Ability", sure, "Rank", "P(best)", "Won", "Tied", "Lost",
                  box=box.SIMPLE_HEAD, padding=(0, 1, 0, 0), pad_edge=False)  # fmt: skip
    for one in found.variants:
        low, high = one.rank_interval
        table.add_row(
            str(one.rank), one.name, signed(one.ability), f"{one.interval[0]:+.3f} to {one.interval[1]:+.3f}",
            str(low) if low == high else f"{low} to {high}", percent(float(one.p_rank[0])),
            count(one.wins), count(one.ties), count(one.losses),
        )  # fmt: skip
    out.print(table)
    lines = []
    for pair in found.pairs:
        if abs(found_rank(found, pair.better) - found_rank(found, pair.other)) == 1:
            lines.append(
                f"{pair.better} over {pair.other}: wins {percent(odds(pair.difference))} of the verdicts that decide "
                f"({percent(odds(pair.interval[0]))} to {percent(odds(pair.interval[1]))}); "
                f"better with a chance of {percent(pair.p_better)}."
            )
    if found.position is not None and found.position_interval is not None:
        first, last = found.position_interval
        lines.append(
            f"Shown first, an equal variant wins {percent(odds(found.position))} of the verdicts that decide "
            f"({percent(odds(first))} to {percent(odds(last))})."
        )
    else:
        lines.append(f"No advantage of the first place was fitted: {found.position_reason}.")
    from expsim_panel.ranking_size import said, separation

    lines.append(said(found, separation(found)))
    out.print(bullets(lines))


def found_rank(found: Standings, name: str) -> int:
    """Return the rank of a variant."""
    return next(one.rank for one in found.variants if one.name == name)


def _print_simulated(found: SimulatedRankings) -> None:
    from rich import box
    from rich.table import Table

    from expsim_panel.commands.screen import bullets, console, heading
    from expsim_panel.quantities import count, percent
    from expsim_panel.ranking_answers import signed

    out, world = console(), found.world
    out.print(heading(f"{count(found.replicates)} rankings of {count(world.votes)} votes on {count(world.prompts)} "
                      "prompts"))  # fmt: skip
    table = Table("Strength", "Seen", "Bias", "SD", "SE", "SE*", "Covers truth", "Covers seen", "Covers seen*",
                  "Ranked first", box=box.SIMPLE_HEAD, padding=(0, 1, 0, 0), pad_edge=False)  # fmt: skip
    for one in found.variants:
        table.add_row(
            f"{one.strength:g}", signed(one.limit), signed(one.bias.value or 0.0), f"{one.sd:.3f}", f"{one.se:.3f}",
            f"{one.se_independent:.3f}", percent(one.coverage.value or 0), percent(one.coverage_limit.value or 0),
            percent(one.coverage_independent.value or 0), percent(one.p_first.value or 0),
        )  # fmt: skip
    out.print(table)
    lines = [
        "Covers: intervals that hold the truth, or what endless prompts show with this judge (Seen). *: with errors "
        "that ignore prompts.",
        f"A truly best variant is ranked first in {percent(found.best_right.value or 0)}, "
        f"the whole order is right in {percent(found.order_right.value or 0)} of the rankings.",
        f"Some interval of a pair finds what is not there in {percent(found.wrong_finding.value or 0)}; "
        f"with errors that ignore prompts in {percent(found.wrong_finding_independent.value or 0)}.",
    ]
    shares = [one for each in found.variants for one in (each.coverage, each.coverage_limit,
              each.coverage_independent, each.p_first)]  # fmt: skip
    shares += [found.best_right, found.order_right, found.wrong_finding, found.wrong_finding_independent]
    off = max(one.se or 0.0 for one in shares), max(one.bias.se or 0.0 for one in found.variants)
    lines.append(
        f"Simulation error, one standard error: shares ±{percent(off[0])} at most, biases ±{off[1]:.3f}. A share of 0 "
        f"or 100 % may be off by up to {percent(3 / found.replicates)}."
    )
    if any(world.judge_bias):
        lines.append("The judge's bias moves what endless prompts would show (Seen); intervals then miss the truth.")
    if found.unusable.value:
        lines.append(f"{percent(found.unusable.value)} of the rankings had an infinite ability and are left out.")
    out.print(bullets(lines))
