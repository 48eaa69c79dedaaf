"""`expsim exact value`, `pareto`, `response-time`: worth of evidence, the frontier of three goals, seconds."""

from __future__ import annotations

import math
from typing import Annotated, Any

import typer

from expsim_panel.commands.exact_measuring import Json, flags_of, tell


def value(
    mean: Annotated[float, typer.Option(help="Prior mean of the effect, metric points.")],
    sd: Annotated[float, typer.Option(help="Its SD.")],
    horizon: Annotated[float, typer.Option(help="Exposures that the decision is about.")],
    row_sd: Annotated[float, typer.Option(help="SD of one scored row.")],
    value_per_point: Annotated[float, typer.Option(help="Dollars per exposure and point.")] = 1.0,
    launch_cost: Annotated[float, typer.Option(help="Dollars of a launch, per exposure.")] = 0.0,
    bias_sd: Annotated[float, typer.Option(help="SD of a bias that no rows remove: a judge's.")] = 0.0,
    cost_per_row: Annotated[float, typer.Option(help="Dollars per scored row.")] = 0.0,
    rows_per_day: Annotated[float | None, typer.Option(help="Rows that can be scored in a day, both variants.")] = None,
    exposures_per_row: Annotated[float, typer.Option(help="Exposures served per scored row.")] = 1.0,
    units: Annotated[
        float | None, typer.Option("--rows", help="Rows per variant; the best number unless given.")
    ] = None,
    json: Json = None,
) -> None:
    """Value of perfect and of sample information, and the amount of data that is worth most net of its cost."""
    import numpy as np

    from expsim_panel.checked import check_positive
    from expsim_panel.collecting import Source, Stakes, best_collection
    from expsim_panel.quantities import count, days, money
    from expsim_panel.value_of_information import Belief

    where = "exact value"
    for flag, number in (("sd", sd), ("horizon", horizon), ("row-sd", row_sd), ("value-per-point", value_per_point)):
        check_positive(flag, number, where)
    for flag, optional in (("rows", units), ("rows-per-day", rows_per_day)):
        if optional is not None:
            check_positive(flag, optional, where)
    with flags_of(where):
        belief = Belief(value_per_point * mean, value_per_point * sd, launch_cost)
        source = Source("rows", row_sd**2, cost_per_row, bias_sd, rows_per_day or math.inf, exposures_per_row)
    best = best_collection(belief, source, Stakes(value_per_point, horizon))
    n = float(best.n if units is None else units)
    square = value_per_point**2
    worth = belief.evsi(square * float(source.variance(np.array(n)))) if n else 0.0
    cost = 2 * n * cost_per_row
    variance = square * source.variance(np.array(max(n, 1.0)))
    net = float(belief.enbs(np.array(n), variance, horizon, np.array(cost), exposures_per_row)) if n else 0.0
    took = 2 * n / rows_per_day if rows_per_day else None
    told: dict[str, Any] = {
        "rows": n,
        "evpi": belief.evpi(),
        "evsi": worth,
        "evsi_ceiling": belief.evsi(square * bias_sd**2),
        "enbs": net,
        "cost": cost,
        "days": took,
        "collect": best.pays,
        "best": {"rows": best.n, "enbs": best.net_benefit, "cost": best.cost},
        "reason": None if rows_per_day else "days need --rows-per-day",
    }
    lines = [
        ("Perfect knowledge", f"{money(belief.evpi())} per exposure, {money(belief.evpi() * horizon)} in all"),
        ("Endless rows", f"{money(told['evsi_ceiling'])} per exposure"),
        (
            f"{count(n)} rows per variant",
            f"{money(worth)} per exposure, for {money(cost)}; {money(net)} net of test and cost",
        ),
        ("Answer", f"collect {count(best.n)} per variant" if best.pays else "decide now: no data is worth its cost"),
    ]
    if launch_cost:  # of scenarios it is the whole sum: what a wrong unit would come to is shown
        lines.insert(0, ("Launch", f"{money(launch_cost)} per exposure, {money(launch_cost * horizon)} in all"))
    if took is not None:
        lines.append(("Takes", days(round(took, 1))))
    tell(json, told, lines)


def pareto(
    quality: Annotated[str, typer.Option(help="Mean quality of each variant, control first, such as 0,0.1.")],
    quality_sd: Annotated[str, typer.Option(help="Its posterior SD, such as 0.05,0.05.")],
    cost: Annotated[str, typer.Option(help="Dollars per response.")],
    latency: Annotated[str, typer.Option(help="Seconds per response.")],
    value_per_point: Annotated[float, typer.Option(help="Dollars per response and point.")] = 1.0,
    usd_per_second: Annotated[float, typer.Option(help="Dollars per second slower than the control.")] = 0.0,
    slack: Annotated[float, typer.Option(help="Seconds slower that cost nothing.")] = 0.0,
    json: Json = None,
) -> None:
    """P(on the frontier of quality, cost and latency) and P(best in dollars) of each variant."""
    import numpy as np

    from expsim_panel.checked import check_positive
    from expsim_panel.commands.number_lists import numbers
    from expsim_panel.errors import InputError
    from expsim_panel.quantities import percent
    from expsim_panel.trade_offs import best_probability, frontier_probability

    where = "exact pareto"
    given = {"quality": quality, "quality-sd": quality_sd, "cost": cost, "latency": latency}
    q, sd, dollars, wait = (
        np.array(numbers(f"--{flag}", text, ",", "0,0.1", where)) for flag, text in given.items()
    )  # fmt: skip
    for flag, part in zip(given, (q, sd, dollars, wait), strict=True):
        if part.size != q.size or q.size < 2 or not np.isfinite(part).all():
            raise InputError(
                where, f"--{flag}", f"{part.size} numbers", "give a finite number for each variant, 2 or more"
            )
    if not (sd > 0).all():
        raise InputError(where, "--quality-sd", "not above 0", "give spreads above 0")
    check_positive("value-per-point", value_per_point, where)
    if not (usd_per_second >= 0 and slack >= 0):
        raise InputError(where, "--usd-per-second", "negative", "give 0 or more")
    slower = usd_per_second * np.maximum(0.0, wait - wait[0] - slack)
    handicap = (dollars - dollars[0] + slower) / value_per_point
    on, best = frontier_probability(q, sd, dollars, wait), best_probability(q, sd, handicap)
    told = {"frontier": on.tolist(), "best": best.tolist(), "handicap": (value_per_point * handicap).tolist()}
    lines = [
        (f"Variant {a}" if a else "Control", f"on the frontier {percent(float(on[a]))}, best {percent(float(best[a]))}")
        for a in range(q.size)
    ]
    tell(json, told, lines)


def response_time(
    ttft_median: Annotated[float, typer.Option(help="Median seconds to the first token.")],
    ttft_p95: Annotated[float, typer.Option(help="95 % point of it.")],
    tokens_median: Annotated[float, typer.Option(help="Median tokens of an answer.")],
    tokens_p95: Annotated[float, typer.Option(help="95 % point of them.")],
    speed: Annotated[float, typer.Option(help="Tokens per second.")],
    slow: Annotated[float, typer.Option(help="Share of calls in the slow mode.")] = 0.0,
    wait_median: Annotated[float, typer.Option(help="Median of the extra seconds there.")] = 5.0,
    wait_p95: Annotated[float, typer.Option(help="95 % point of them.")] = 15.0,
    json: Json = None,
) -> None:
    """Seconds until a streamed answer is complete: mean, SD, median and upper quantiles."""
    from expsim_panel.call_costs import TokenLaw
    from expsim_panel.response_time import ResponseTime

    with flags_of("exact response-time", p95="tokens_p95"):
        law = ResponseTime(
            ttft_median, ttft_p95, TokenLaw(tokens_median, tokens_p95), speed, slow, wait_median, wait_p95
        )  # fmt: skip
    quantiles = {f"{p:g}": law.quantile(p) for p in (0.5, 0.9, 0.95, 0.99)}
    told = {"mean": law.mean, "sd": law.sd, "quantiles": quantiles}
    lines = [("Mean", f"{law.mean:.2f} s, SD {law.sd:.2f} s")]
    lines += [(f"{100 * float(p):g} % within", f"{seconds:.2f} s") for p, seconds in quantiles.items()]
    tell(json, told, lines)
