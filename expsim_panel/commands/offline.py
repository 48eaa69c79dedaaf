"""`expsim offline`: the same comparison on a fixed prompt set and on live traffic, side by side."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated, Any

import typer

from expsim_panel.commands.targets import STANDARD_OUTPUT, targets

if TYPE_CHECKING:
    from rich.table import Table

    from expsim_panel.offline_answers import Beside, SideBySide
    from expsim_panel.results import Figure


def offline(
    name: Annotated[str, typer.Argument(metavar="NAME|FILE", help="A name of `expsim list`, or a scenario file.")],
    settings: Annotated[
        list[str] | None, typer.Option("--set", metavar="PATH=VALUE", help="Change the scenario; repeatable.")
    ] = None,
    prompts: Annotated[int | None, typer.Option(help="Prompts; [offline] of the file or 300 unless given.")] = None,
    samples: Annotated[int | None, typer.Option(help="Answers to each prompt in each variant.")] = None,
    topics: Annotated[int | None, typer.Option(help="Groups of as many prompts each that are alike.")] = None,
    prompt_sd: Annotated[float | None, typer.Option(help="Spread between prompts, of all variants.")] = None,
    interaction_sd: Annotated[float | None, typer.Option(help="Spread of a prompt's effect in one variant.")] = None,
    topic_sd: Annotated[float | None, typer.Option(help="Spread between topics, of all variants.")] = None,
    topic_interaction_sd: Annotated[float | None, typer.Option(help="Spread of a topic's effect.")] = None,
    analysis: Annotated[str | None, typer.Option(help="Rows: auto, topic, prompt or response.")] = None,
    prompt_cost: Annotated[
        float, typer.Option(help="Dollars for writing a prompt, for the best number of answers.")
    ] = 0.0,
    budget: Annotated[
        float | None, typer.Option(help="Dollars for judge, people or both; what people cost on the set unless given.")
    ] = None,
    replicates: Annotated[int, typer.Option(help="Experiments simulated for each figure.")] = 20_000,
    seed: Annotated[int, typer.Option(help="Same request and seed, same numbers.")] = 1,
    json: Annotated[
        str | None, typer.Option("--json", metavar="FILE or -", help="Write JSON instead; - for standard output.")
    ] = None,
) -> None:
    """Offline, then online: judge and people on a prompt set, paired or not, and on the live traffic."""
    from expsim_panel import library
    from expsim_panel.commands.screen import dumps, print_json
    from expsim_panel.offline_answers import side_by_side
    from expsim_panel.scenario import Scenario

    outputs = targets({"--json": json}, (name,))
    tree, where = library.read_tree(name)
    library.override_all(tree, settings or ())
    scenario = Scenario.from_tree(tree, where)
    found = side_by_side(
        scenario, replicates=replicates, seed=seed, prompt_cost=prompt_cost, budget=budget, prompts=prompts,
        samples=samples, topics=topics, prompt_sd=prompt_sd, interaction_sd=interaction_sd, topic_sd=topic_sd,
        topic_interaction_sd=topic_interaction_sd, analysis=analysis,
    )  # fmt: skip
    if json is None:
        _print(found, scenario.shown_as)
        return
    whole = {"scenario": scenario.scenario.name, "replicates": replicates, "seed": seed, **document(found)}
    if json == STANDARD_OUTPUT:
        print_json(whole)
    else:
        outputs["--json"].write(dumps(whole))


def told(one: Beside) -> dict[str, Any]:
    """Return the JSON of one way to measure."""
    figures = {"power": one.power.to_json(), "type1_error": one.type1_error.to_json()}
    return {**asdict(one), **figures, "reason": one.reason or None}


def document(found: SideBySide) -> dict[str, Any]:
    """Return the JSON; what is undefined is null, with the reason."""

    return {
        "offline": found.offline,
        "rows": [told(one) for one in found.rows],
        "equal_budget": {"budget": found.budget or None, "rows": [told(one) for one in found.equal]},
        "responses_per_prompt": found.worth,
        "pairing_gain": found.gain,
        "best": found.best,
        "assumed": list(found.assumed),
    }


def _print(found: SideBySide, family: str) -> None:
    from expsim_panel.commands.screen import bullets, console, heading
    from expsim_panel.quantities import money
    from expsim_panel.wording_offline import sentences

    out = console()
    out.print(heading("Offline, then online"))
    out.print("Finds it: chance to detect the effect. False: alarms without one, the evaluator's bias included.")
    out.print(table(found.rows, family))
    if found.equal:
        out.print(heading(f"The same prompts, {money(found.budget)} for each"))
        out.print(table(found.equal, family))
    out.print(bullets(sentences(found)))


def _share(one: Figure) -> str:
    """Write a share: exact where it is, otherwise with its simulation error."""
    from expsim_panel.quantities import percent

    if one.exact is not None:
        return percent(one.exact, 0)
    told = percent(one.value, 0)
    return f"{told.removesuffix(' %')} ±{100 * one.se:.1g} %" if one.se else told


def table(rows: Sequence[Beside], family: str) -> Table:
    """Return rows as a table."""
    from rich import box
    from rich.table import Table

    from expsim_panel.quantities import count, days, effect, money
    from expsim_panel.wording_offline import MODES, WORDS

    made = Table("", "On", "Each", "Costs", "Time", "Bias", "Error ±", "Finds it", "False",
                  box=box.SIMPLE_HEAD, padding=0, pad_edge=False)  # fmt: skip
    for one in rows:
        if one.se is None or one.bias is None:
            made.add_row(WORDS[one.evaluator], MODES[one.mode], "n/a")
            continue
        figures = one.power, one.type1_error
        made.add_row(
            WORDS[one.evaluator], MODES[one.mode], count(one.per_variant),
            money(one.cost), days(one.days), effect(one.bias, family), effect(one.se, family, signed=False),
            *(_share(one_of) for one_of in figures),
        )  # fmt: skip
    for column in made.columns:
        column.no_wrap = True
    for column in made.columns[2:]:
        column.justify = "right"
    return made
