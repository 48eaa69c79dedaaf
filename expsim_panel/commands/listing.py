"""`expsim list`: what there is to run."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from expsim_panel.commands.targets import STANDARD_OUTPUT, targets
from expsim_panel.evaluator_profiles import RATES, load, names

if TYPE_CHECKING:
    from expsim_panel.evaluator_profiles import Profile


def inventory() -> dict[str, Any]:
    """Return scenarios, strategies, bandit policies and evaluators by name; reads texts, imports no plug-in."""
    from expsim_panel import library
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
    profiles = [profile_facts(load(name)) for name in names()]
    return {
        "version": VERSION,
        "scenarios": scenarios,
        "strategies": sorted(kinds),
        "policies": sorted(bandits),
        "evaluators": evaluators.names(),
        "profiles": profiles,
    }


def profile_facts(one: Profile) -> dict[str, Any]:
    """Return a profile with every field: its value, where it comes from, and whether it is assumed."""
    fields = {}
    for key, value in one.fields.items():
        fields[key] = {
            "value": value,
            "source": one.sources.get(key, one.assumptions.get(key, "")),
            "assumed": key in one.assumptions,
        }
    rates = {key: rate for key, rate in RATES.items() if key in one.fields}
    return {"name": one.name, "kind": one.kind, "title": one.title, "fields": fields, "assumed_of_rates": rates}


def _show(one: dict[str, Any], path: str) -> None:
    """Print a profile: its fields, values and sources."""
    from rich import box
    from rich.table import Table
    from rich.text import Text

    from expsim_panel.commands.screen import console
    from expsim_panel.printed import clean

    out = console()
    out.print(Text(f"{one['name']} ({one['kind']})", style="bold"))
    out.print(Text(clean(one["title"])))
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    table.add_column("Field", no_wrap=True)
    table.add_column("Value", no_wrap=True)
    table.add_column("Where it comes from")
    for key, field in one["fields"].items():
        told = Text("Assumed: " if field["assumed"] else "", style="bold")
        told.append(clean(field["source"]), style="not bold")
        value = field["value"]
        parts = value if isinstance(value, dict) else {}
        table.add_row(key, "" if parts else _told(value), told)
        for name, part in parts.items():
            table.add_row(f"  {name}", _told(part))
    out.print(table)
    if one["assumed_of_rates"]:
        rates = " and ".join(f"{key} {rate:g}" for key, rate in one["assumed_of_rates"].items())
        out.print(Text(f"Of a yes/no metric, where points are no rates, this is assumed instead: {rates}."))
    out.print(f"Use it with: --set {path}.profile={one['name']}, and change any field the same way", soft_wrap=True)


def _told(value: Any) -> str:
    from expsim_panel.printed import clean

    return f"{value:,}" if type(value) is int else clean(str(value))


def list_scenarios(
    profile: Annotated[
        str | None,
        typer.Argument(metavar="[PROFILE]", help="A profile: show its fields, values, sources and assumptions."),
    ] = None,
    json: Annotated[
        str | None, typer.Option("--json", metavar="FILE or -", help="Write JSON instead; - for standard output.")
    ] = None,
) -> None:
    """List the scenarios, strategies, bandit policies, evaluators and profiles, or what one profile says."""
    from expsim_panel.commands.screen import console, dumps, facts, print_json
    from expsim_panel.printed import clean

    outputs = targets({"--json": json})
    found = profile_facts(load(profile)) if profile is not None else inventory()
    if json == STANDARD_OUTPUT:
        print_json(found)
        return
    if outputs:
        outputs["--json"].write(dumps(found))
        return
    if profile is not None:
        _show(found, f"evaluators.{found['kind']}")
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
    out.print("Numbers and sources of a profile: expsim list strong-llm", soft_wrap=True)
