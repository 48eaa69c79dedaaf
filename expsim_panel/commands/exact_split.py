"""`expsim exact split`: how many labels, how many judge scores for a budget."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from expsim_panel.commands.targets import STANDARD_OUTPUT, targets

if TYPE_CHECKING:
    from expsim_panel.split import Split


def split(
    rho: Annotated[float, typer.Option(help="Correlation of a label and a judge score of the same item.")],
    cost_human: Annotated[float, typer.Option(help="Dollars per label, all its raters together.")],
    cost_judge: Annotated[float, typer.Option(help="Dollars per judge score, all its repeats together.")],
    budget: Annotated[float, typer.Option(help="Dollars to spend on labels and scores.")],
    json: Annotated[
        str | None, typer.Option("--json", metavar="FILE or -", help="Write JSON instead; - for standard output.")
    ] = None,
) -> None:
    """Best split of a budget between people and an LLM judge, and whether the judge pays at all."""
    from expsim_panel.commands.screen import dumps, print_json
    from expsim_panel.split import optimal_split

    outputs = targets({"--json": json})
    found = optimal_split(rho, cost_human, cost_judge, budget)
    told = document(rho, cost_human, cost_judge, budget, found)
    if json == STANDARD_OUTPUT:
        print_json(told)
    elif outputs:
        outputs["--json"].write(dumps(told))
    else:
        _print(told)


def document(rho: float, cost_human: float, cost_judge: float, budget: float, found: Split) -> dict[str, Any]:
    """Return the JSON of a split; what is infinite is null, with the reason."""
    endless = found.judged_per_label == float("inf")
    reasons = {"judged_per_label": "the judge knows every label: one is enough"} if endless else {}
    if found.smallest_rho is None:
        reasons["smallest_rho"] = "a judge score costs as much as a label"
    return {
        "rho": rho,
        "cost_human": cost_human,
        "cost_judge": cost_judge,
        "budget": budget,
        "labelled": found.labelled,
        "judged": found.judged,
        "judged_per_label": None if endless else found.judged_per_label,
        "variance_ratio": found.variance_ratio,
        "hybrid_pays": found.hybrid_pays,
        "smallest_rho": found.smallest_rho,
        "labels_only": found.labels_only,
        "cost": found.cost,
        "closed_form": {"labelled": found.exact_labelled, "judged": found.exact_judged},
        "integers": {"variance_ratio": found.integer_variance_ratio, "hybrid_pays": found.pays_in_integers},
        "reasons": reasons,
    }


def _print(told: dict[str, Any]) -> None:
    """Print the split, and say in words whether to use it."""
    from expsim_panel.commands.screen import console, facts
    from expsim_panel.quantities import count, money, percent

    saved = 1 - told["variance_ratio"]
    if told["hybrid_pays"]:
        lines = [
            ("Labels", f"{count(told['labelled'])} at {money(told['cost_human'])}"),
            ("Judge scores", f"{count(told['judged'])} at {money(told['cost_judge'])}, the labelled items among them"),
            ("Labels only", f"{count(told['labels_only'])} for the same budget"),
            ("Gain", f"the variance is {percent(saved)} smaller than with labels only"),
        ]
    else:
        mix = f"{count(told['labelled'])} labels and {count(told['judged'])} judge scores"
        lines = [
            ("Answer", "spend everything on labels: the judge does not pay"),
            ("Labels", f"{count(told['labels_only'])} at {money(told['cost_human'])}"),
            ("Best mix", f"{mix}: a variance {percent(-saved)} larger"),
        ]
    if told["smallest_rho"] is not None:
        lines.append(("Pays from", f"a correlation of {told['smallest_rho']:.3f} at these prices"))
    console().print(facts(lines))
