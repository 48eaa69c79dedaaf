"""`expsim decide`: the verdict for an experiment that was already run."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Annotated

import typer

from expsim_panel.commands.targets import STANDARD_OUTPUT, targets

if TYPE_CHECKING:
    import numpy as np

    from expsim_panel.decide import Decision
    from expsim_panel.study import Study


def decide(
    name: Annotated[str, typer.Argument(metavar="NAME|FILE", help="The scenario that the experiment was planned as.")],
    data: Annotated[
        str | None,
        typer.Option(
            "--data",
            metavar="FILE",
            help="CSV: variant,value or variant,rows,hits or variant,rows,sum,squares; side by side variant,outcome.",
        ),
    ] = None,
    counts: Annotated[
        str | None,
        typer.Option(
            "--counts",
            metavar="A=HITS/ROWS,...",
            help="Hits and responses of each variant; A=MEAN/SD/ROWS of scores; side by side B=WINS/TIES/LOSSES.",
        ),
    ] = None,
    guardrail: Annotated[
        list[str] | None,
        typer.Option(
            "--guardrail",
            metavar="NAME=A=HITS/UNITS,...",
            help="A guardrail's data, NAME=A=MEAN/SD/UNITS,... for a number; repeatable.",
        ),
    ] = None,
    strategy: Annotated[
        str | None,
        typer.Option("--strategy", metavar="NAME", help="The planned design; the scenario's first unless given."),
    ] = None,
    day: Annotated[
        int | None,
        typer.Option(help="Day after which totals were taken; in a table a column day says when each outcome came in."),
    ] = None,
    settings: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="PATH=VALUE", help="Change a value of the scenario; repeatable."),
    ] = None,
    json: Annotated[
        str | None, typer.Option("--json", metavar="FILE or -", help="Write JSON; - for standard output.")
    ] = None,
) -> None:
    """Say what the data of one experiment mean, under the design that was planned."""
    from expsim_panel.commands import screen
    from expsim_panel.commands.check import load
    from expsim_panel.decide import decide as judge
    from expsim_panel.errors import InputError
    from expsim_panel.guardrail_data import from_flags
    from expsim_panel.observed import from_counts, from_file

    if (data is None) == (counts is None):
        raise InputError(
            "expsim decide",
            "",
            "needs the data once",
            "give --data FILE, or --counts A=HITS/ROWS,B=... (A=MEAN/SD/ROWS,B=... for scores)",
        )
    study = load(name, settings, None if strategy is None else [strategy])
    outputs = targets({"--json": json}, tuple(path for path in (name, data) if path))
    scenario = study.scenario
    seen = from_file(scenario, data) if data is not None else from_counts(scenario, str(counts))
    if guardrail:
        seen = replace(seen, guardrails={**seen.guardrails, **from_flags(scenario, guardrail)})
    made = judge(study, seen, day=day)
    if "--json" in outputs:
        outputs["--json"].write(screen.dumps(made.to_json()))
    if json == STANDARD_OUTPUT:
        screen.print_json(made.to_json())
        return
    _show(study, made)


def _data(study: Study, last: np.ndarray, arm: int) -> str:
    """Say what is at hand of one arm, by the state at the end."""
    from expsim_panel.quantities import count
    from expsim_panel.standing import standing
    from expsim_panel.world_words import words_of

    if study.scenario.side_by_side:
        found = standing(study.scenario, last, arm)
        return f"{count(last[1, arm])} comparisons" + (f": {found.words()}" if found else "")
    return f"{count(last[1, arm])} scored responses of {count(last[0, arm])} {words_of(study.scenario).unit}s"


def _show(study: Study, made: Decision) -> None:
    from rich.text import Text

    from expsim_panel.commands import screen
    from expsim_panel.printed import clean
    from expsim_panel.world_words import words_of

    out = screen.console()
    last = made.trace.state[-1]
    told = [(clean(variant.name), _data(study, last, arm)) for arm, variant in enumerate(study.scenario.variants)]
    told = told[1:] if study.scenario.side_by_side else told
    clock = words_of(study.scenario)
    when = f"{clock.tick} {made.day} of {made.planned}"
    ended = (
        f", ended by {clean(made.verdict.strategy)} {clock.ended(made.ended_on)}" if made.ended_on is not None else ""
    )
    told += [
        ("Time", when + ended),
        *([("Late outcomes", made.late_words)] if made.late_words else []),
        ("Next look", f"{clock.tick} {made.next_look}" if made.next_look else "none"),
        ("Split", f"as planned (p = {made.split_p:.2g})" if not made.split.alarm else "not as planned"),
    ]
    out.print(screen.facts(told))
    out.print()
    out.print(Text(clean(made.verdict.sentence), style="bold"))
    if any(each is not None for each in made.trace.readings):
        told_already = made.verdict.reasons
        out.print(screen.bullets([one.sentence for one in made.verdict.guardrails if one.sentence not in told_already]))
    out.print(screen.bullets([*made.notes, *made.verdict.reasons, *made.details.lines]))
