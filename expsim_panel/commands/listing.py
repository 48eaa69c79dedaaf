"""`expsim list`: what there is to run."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from expsim_panel.commands.targets import STANDARD_OUTPUT, targets


def inventory() -> dict[str, Any]:
    """Return scenarios, strategies, bandit policies and evaluators by name; reads texts, imports no plug-in."""
    from expsim_panel import evaluator_profiles, library
    from expsim_panel._version import VERSION
    from expsim_panel.evaluation import evaluators
    from expsim_panel.per_request import PER_REQUEST
    from expsim_panel.registry import Registry

    scenarios = []
    for name in library.names():
        tree = library.read_tree(name)[0]
        about, metric = tree["scenario"], tree["metric"]
        scenarios.append(
            {
                "name": name,
                **{key: about.get(key, "") for key in ("title", "question", "persona")},
                "metric": metric.get("name", ""),
                "family": metric.get("family", "normal"),
                "variants": [variant["name"] for variant in tree["variants"]],
                "evaluator": tree.get("evaluator", {}).get("kind", "truth"),
            }
        )
    # Registries of our own: importing the real ones would load Numba, only to list file names.
    kinds = {*Registry[Any]("expsim_panel.designs", "design").names()}
    bandits = {*Registry[Any]("expsim_panel.policies", "policy").names()} - {"split"}
    kinds |= bandits - PER_REQUEST
    profiles = []
    for name in evaluator_profiles.names():
        one = evaluator_profiles.load(name)
        profiles.append({"name": name, "kind": one.kind, "title": one.title})
    return {
        "version": VERSION,
        "scenarios": scenarios,
        "strategies": sorted(kinds),
        "policies": sorted(bandits),
        "evaluators": evaluators.names(),
        "profiles": profiles,
    }


def list_scenarios(
    json: Annotated[
        str | None, typer.Option("--json", metavar="FILE or -", help="Write JSON instead; - for standard output.")
    ] = None,
) -> None:
    """List the scenarios, strategies, bandit policies and evaluators."""
    from expsim_panel.commands.screen import console, dumps, facts, print_json
    from expsim_panel.printed import clean

    outputs = targets({"--json": json})
    found = inventory()
    if json == STANDARD_OUTPUT:
        print_json(found)
        return
    if outputs:
        outputs["--json"].write(dumps(found))
        return
    from rich import box
    from rich.table import Table
    from rich.text import Text

    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    table.add_column("Scenario", no_wrap=True)
    table.add_column("What the team has to decide")
    for row in found["scenarios"]:
        told = Text(clean(row["title"]), style="bold")
        told.append(f"\n{clean(row['question'])}", style="not bold")
        table.add_row(row["name"], told)
    out = console()
    out.print(table)
    lines = [("Strategies", ", ".join(found["strategies"])), ("Evaluators", ", ".join(found["evaluators"]))]
    lines.append(("Bandit policies", ", ".join(found["policies"])))
    for kind, label in (("judge", "Profiles of judges"), ("human", "Profiles of raters")):
        lines.append((label, ", ".join(one["name"] for one in found["profiles"] if one["kind"] == kind)))
    out.print(facts(lines))
    out.print()
    out.print("Run one with: expsim run summarization-prompt", soft_wrap=True)
