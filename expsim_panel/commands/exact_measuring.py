"""`expsim exact break-even`, `replication`, `drift-labels`, `judge-launch`: how to measure, by closed forms."""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Annotated, Any

import typer

from expsim_panel.commands.targets import STANDARD_OUTPUT, targets

Json = Annotated[
    str | None, typer.Option("--json", metavar="FILE or -", help="Write JSON instead; - for standard output.")
]


@contextmanager
def flags_of(where: str, **other: str) -> Iterator[None]:
    """Let a complaint about an argument name the command and its flag; `other` are flags of other names."""
    from expsim_panel.errors import InputError

    try:
        yield
    except InputError as error:
        flag = f"--{other.get(error.key, error.key).replace('_', '-')}" if error.key else ""
        raise InputError(where, flag, error.problem, error.remedy) from None


def tell(json: str | None, told: dict[str, Any], lines: list[tuple[str, str]]) -> None:
    """Print facts, or write the same as JSON."""
    from expsim_panel.commands.screen import console, dumps, facts, print_json

    outputs = targets({"--json": json})
    if json == STANDARD_OUTPUT:
        print_json(told)
    elif outputs:
        outputs["--json"].write(dumps(told))
    else:
        console().print(facts(lines))


def break_even(
    bias: Annotated[float, typer.Option(help="Bias of the judge's difference, or its suspected SD; points.")],
    sd: Annotated[float, typer.Option(help="SD of one score.")],
    sd_treatment: Annotated[float | None, typer.Option(help="The same in the variant; as --sd unless given.")] = None,
    alpha: Annotated[float, typer.Option(help="Level of the two-sided test.")] = 0.05,
    json: Json = None,
) -> None:
    """Rows per variant beyond which a judge alone is more biased than noisy, and its false alarms there."""
    from expsim_panel.checked import check_positive
    from expsim_panel.errors import InputError, shown
    from expsim_panel.measurement_design import break_even_n, false_rejection
    from expsim_panel.quantities import count, percent, points

    where = "exact break-even"
    for flag, value in (("sd", sd), ("sd-treatment", sd if sd_treatment is None else sd_treatment)):
        check_positive(flag, value, where)
    if not math.isfinite(bias):
        raise InputError(where, "--bias", shown(bias), "give a finite number")
    if not 0 < alpha < 1:
        raise InputError(where, "--alpha", shown(alpha), "give a number between 0 and 1")
    variance = sd**2 + (sd if sd_treatment is None else sd_treatment) ** 2
    rows = break_even_n(variance, bias)
    ratios = (0.25, 1.0, 4.0, 16.0)
    alarms = [{"ratio": r, "rows": r * rows if math.isfinite(rows) else None, "false_rejection": false_rejection(
        r if bias else 0.0, alpha)} for r in ratios]  # fmt: skip
    endless = math.isinf(rows)
    told = {
        "rows": None if endless else rows,
        "row_variance": variance,
        "error_floor": abs(bias),
        "false_rejection": alarms,
        "reason": "without bias there is no floor" if endless else None,
    }
    shown_rows = "none: without bias every row helps" if endless else f"{count(rows)} rows per variant"
    lines = [("Break-even", shown_rows), ("Error floor", f"{points(abs(bias))}, whatever the number of rows")]
    lines += [
        (f"False alarms at {one['ratio']:g} times that", percent(one["false_rejection"])) for one in alarms if bias
    ]
    tell(json, told, lines)


def replication(
    fixed_cost: Annotated[float, typer.Option(help="Dollars per item: output, prompt or label that is repeated.")],
    unit_cost: Annotated[float, typer.Option(help="Dollars per repeat: judge call, rater or sample.")],
    fixed_variance: Annotated[float, typer.Option(help="Variance between items, which repeats do not remove.")],
    unit_variance: Annotated[float, typer.Option(help="Variance between repeats of one item.")],
    json: Json = None,
) -> None:
    """Best number of judge calls, raters or samples per item: the smallest variance for the money."""
    from expsim_panel.measurement_design import cheapest_replication, exact_replication

    with flags_of("exact replication"):
        exact = exact_replication(fixed_cost, unit_cost, fixed_variance, unit_variance)
        best = cheapest_replication(fixed_cost, unit_cost, fixed_variance, unit_variance)
    once = (fixed_variance + unit_variance) * (fixed_cost + unit_cost)
    here = (fixed_variance + unit_variance / best) * (fixed_cost + best * unit_cost)
    endless = math.isinf(exact)
    told = {
        "repeats": best,
        "exact_repeats": None if endless else exact,
        "variance_ratio": here / once if once > 0 else 1.0,
        "reason": "nothing but the repeats varies: the most that was tried" if endless else None,
    }
    lines = [
        ("Repeats per item", f"{best}" if endless else f"{best} (unrounded {exact:.2f})"),
        ("Variance for the money", f"{told['variance_ratio']:.3f} of that with one repeat"),
    ]
    tell(json, told, lines)


def drift_labels(
    drift: Annotated[float, typer.Option(help="Points that the judge has moved.")],
    residual_sd: Annotated[float, typer.Option(help="SD of label minus judge score on one item.")],
    alpha: Annotated[float, typer.Option(help="False alarm rate.")] = 0.05,
    power: Annotated[float, typer.Option(help="Chance to notice it.")] = 0.8,
    sides: Annotated[int, typer.Option(help="1 or 2.")] = 2,
    baseline: Annotated[float | None, typer.Option(help="Labels behind the earlier mean; known unless given.")] = None,
    json: Json = None,
) -> None:
    """Fresh labels needed to notice that a judge has drifted."""
    from expsim_panel.checked import check_positive
    from expsim_panel.measurement_design import labels_to_detect_drift
    from expsim_panel.quantities import count

    if baseline is not None:
        check_positive("baseline", baseline, "exact drift-labels")
    base = math.inf if baseline is None else baseline
    with flags_of("exact drift-labels"):
        found = labels_to_detect_drift(drift, residual_sd, alpha=alpha, power=power, sides=sides, baseline=base)
    reason = "the earlier labels are too few: no number of fresh ones is enough" if found is None else None
    tell(json, {"labels": found, "reason": reason}, [("Labels", reason if found is None else count(found))])  # type: ignore[list-item]


def judge_launch(
    estimate: Annotated[float, typer.Option(help="Judge's difference, positive is better.")],
    se: Annotated[float, typer.Option(help="Its standard error.")],
    bias_sd: Annotated[float, typer.Option(help="SD of such judges' differential bias.")],
    factor: Annotated[float, typer.Option(help="Errors beyond which it is believed.")] = 2.0,
    json: Json = None,
) -> None:
    """Whether a judge's word alone is enough to launch, and why."""
    from dataclasses import asdict

    from expsim_panel.errors import InputError, shown
    from expsim_panel.quantities import points
    from expsim_panel.value_of_information import judge_only_launch

    for flag, number, least in (
        ("estimate", estimate, -math.inf), ("se", se, 0.0), ("bias-sd", bias_sd, 0.0), ("factor", factor, 1e-9),
    ):  # fmt: skip
        if not (math.isfinite(number) and number >= least):
            remedy = {-math.inf: "give a finite number", 0.0: "give 0 or more"}.get(least, "give a number above 0")
            raise InputError("exact judge-launch", f"--{flag}", shown(number), remedy)
    found = judge_only_launch(estimate, se, bias_sd, factor)
    lines = [
        ("Launch", "yes" if found.launch else "no"),
        ("Bar", f"{points(found.bar)}, of which no rows remove {points(found.floor)}"),
        ("Why", found.sentence),
    ]
    tell(json, asdict(found), lines)
