"""`expsim run`: simulate a study, print what came out, write the files that were asked for."""

from __future__ import annotations

import shlex
import sys
from importlib import import_module
from typing import TYPE_CHECKING, Annotated

import typer

from expsim_panel.commands.targets import STANDARD_OUTPUT, targets

if TYPE_CHECKING:
    from expsim_panel.results import Result
    from expsim_panel.study import Study

EXPORTS = {"--json": "json", "--html": "html", "--report": "markdown"}
"""Which export writes the file of an option; each has ``write(result) -> str``."""
MAX_WORKERS = 1024


def simulate(study: Study, workers: int | None) -> Result:
    """Run a study with a progress bar on standard error, where a person can see it."""
    from expsim_panel import engine
    from expsim_panel.commands.screen import progress
    from expsim_panel.quantities import count

    request = study.freeze()
    with progress(
        f"Simulating {count(study.replicates)} experiments for each of {len(study.strategies)} strategies"
    ) as advance:
        return engine.run(request, workers=workers, progress=advance)


def command(study: Study, name: str, settings: list[str], strategies: list[str]) -> str:
    """Return the command that gives the same numbers again."""
    words = ["expsim", "run", name]
    for flag, values in (("--set", settings), ("--strategy", strategies)):
        for value in values:
            words += [flag, value]
    words += ["--replicates", str(study.replicates), "--seed", str(study.seed)]
    if study.luck:
        words += ["--luck", str(study.luck)]
    return shlex.join(words)


def run(
    name: Annotated[str, typer.Argument(metavar="NAME|FILE", help="A name of `expsim list`, or a scenario file.")],
    settings: Annotated[
        list[str] | None,
        typer.Option(
            "--set", metavar="PATH=VALUE", help="Change the scenario, such as variants.1.mean=0.93; repeatable."
        ),
    ] = None,
    strategy: Annotated[
        list[str] | None,
        typer.Option("--strategy", metavar="NAME", help="Play this strategy instead of the scenario's; repeatable."),
    ] = None,
    replicates: Annotated[
        int | None, typer.Option(help="Experiments per strategy and world; 20,000 unless given.", show_default=False)
    ] = None,
    seed: Annotated[int, typer.Option(help="Same study and seed, same numbers.")] = 1,
    workers: Annotated[
        int | None, typer.Option(help="Threads; all cores unless given. Results do not depend on it.")
    ] = None,
    luck: Annotated[int, typer.Option(help="Which simulated experiment to show day by day.")] = 0,
    json: Annotated[
        str | None,
        typer.Option(
            "--json",
            metavar="FILE or -",
            help="Write all figures as JSON; - for standard output and nothing else there.",
        ),
    ] = None,
    html: Annotated[
        str | None,
        typer.Option("--html", metavar="FILE", help="Write an interactive page that works without a network."),
    ] = None,
    report: Annotated[str | None, typer.Option("--report", metavar="FILE", help="Write a summary in Markdown.")] = None,
) -> None:
    """Simulate a study: how often each strategy is right, how long it takes, what it costs."""
    from expsim_panel.commands.check import load
    from expsim_panel.errors import InputError

    study = load(name, settings, strategy)
    for key, value in (("replicates", replicates), ("seed", seed), ("luck", luck)):
        if value is not None:
            study.put(key, value, "expsim run")
    if workers is not None and not 1 <= workers <= MAX_WORKERS:
        raise InputError(
            "expsim run", "--workers", f"{workers} is out of bounds", f"give a whole number from 1 to {MAX_WORKERS}"
        )
    outputs = targets({"--json": json, "--html": html, "--report": report}, (name,))
    result = simulate(study, workers)
    # All texts before the first file: a failing export must not leave half of the files behind.
    texts = {flag: import_module(f"expsim_panel.exports.{EXPORTS[flag]}").write(result) for flag in outputs}
    for flag, text in texts.items():
        outputs[flag].write(text)
    if json == STANDARD_OUTPUT:
        from expsim_panel.exports.json import write

        sys.stdout.write(write(result))
        return
    from expsim_panel.commands import summary
    from expsim_panel.commands.screen import console

    out = console()
    summary.show(result, command(study, name, settings or [], strategy or []), out)
    for target in outputs.values():
        out.print(f"Wrote {target.name}", soft_wrap=True)
