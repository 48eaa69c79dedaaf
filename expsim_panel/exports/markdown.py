"""The summary a product manager hands on: verdict first, then what carries it, what it costs and how it was made."""

from __future__ import annotations

import re
from collections.abc import Iterable

from expsim_panel import named_estimator
from expsim_panel.caveats import caveats
from expsim_panel.economics import Ledger, ledger
from expsim_panel.errors import InputError, did_you_mean, shown
from expsim_panel.exports._evidence import EVIDENCE, TRADE_OFF, evidence, trade_off
from expsim_panel.exports._reproduce import facts
from expsim_panel.exports._strategies import BADGES, carrying, cell, rows
from expsim_panel.guardrail_tables import MARKS, launch_rows, strategy_rows, verdict_rows
from expsim_panel.printed import clean
from expsim_panel.quantities import count, days, effect, millis, money, percent
from expsim_panel.response_times import DRAWN, waits
from expsim_panel.results import Result, StrategyResult
from expsim_panel.scenario import Scenario
from expsim_panel.world_words import words_of

_SPECIAL = re.compile(r"([\\`*_\[\]|#~])")
_COSTS = {
    "cost.generation": "Generating the responses",
    "cost.judge": "LLM judge",
    "cost.human": "Human labels",
    "cost.latency": "Readers' waiting",
    "cost": "**Total of one experiment**",
}


def write(result: Result, strategy: str | None = None) -> str:
    """Return the summary as Markdown; the same result gives the same text.

    Parameters
    ----------
    result : Result
        A finished run.
    strategy : str, optional
        Whose experiment gives the verdict; the advised strategy's by default.

    Raises
    ------
    InputError
        The run has no such strategy.
    """
    name = strategy or result.advice.strategy
    known = [one.name for one in result.strategies]
    if name not in known:
        raise InputError("report", "strategy", f"unknown strategy {shown(name)}", did_you_mean(name, known))
    scenario, money_of = result.study.scenario, ledger(result.study.scenario)
    one = result[name]
    parts = [
        f"# {escape(scenario.scenario.title or scenario.scenario.name)}",
        *([escape(scenario.scenario.question)] if scenario.scenario.question else []),
        *_verdict(result, one),
        *_evidence(one, scenario),
        *_advice(result),
        *_strategies(result),
        *_guardrails(result, one),
        *_costs(one, scenario, money_of),
        *_latency(result),
        *_measured(scenario),
        *_reproduce(result),
    ]
    return "\n\n".join(part for part in parts if part) + "\n"


def escape(text: str) -> str:
    """Return user text as one line that Markdown and HTML take literally."""
    line = clean(text).replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    line = _SPECIAL.sub(r"\\\1", line)
    # At the start of a line these would begin a list, a rule or a heading.
    return re.sub(
        r"^(?:([-+=])(?=[-+= ]|$)|(\d+)([.)])(?= |$))", lambda m: f"\\{m[1]}" if m[1] else f"{m[2]}\\{m[3]}", line
    )


def table(head: Iterable[str], body: Iterable[Iterable[str]]) -> str:
    """Return a Markdown table of cells that are escaped already; numbers to the right."""
    titles = list(head)
    lines = [titles, ["---", *["---:"] * (len(titles) - 1)], *body]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _verdict(result: Result, one: StrategyResult) -> list[str]:
    verdict = one.verdict
    numbers = [f"* {escape(what)}: **{escape(value)}**" for what, value in carrying(result, one.name)]
    reasons = [f"* {escape(reason)}" for reason in verdict.reasons]
    given = one.verdicts[verdict.action]
    right = given["right"]
    trust = (
        f"{percent(given['share'].value)} of the simulated experiments under {escape(one.name)} end with this verdict"
    )
    if right.value is not None:
        trust += f"; of those, {percent(right.value)} (± {percent(right.se)}) are right"
    luck = result.request.luck
    return [
        f"## {BADGES[verdict.action]}",
        f"**{escape(verdict.sentence)}**",
        "\n".join(numbers),
        "### What would change this",
        "\n".join(reasons) or "Nothing known beside the interval: only more data.",
        *_checks(result, one),
        f"This is the verdict on one simulated experiment (number {luck}), from its own data alone. {trust}.",
    ]


def _checks(result: Result, one: StrategyResult) -> list[str]:
    """Return the guardrails of the experiment."""
    scenario = result.study.scenario
    found = verdict_rows(scenario, one.verdict)
    if not found:
        return []
    body = [
        [escape(row.name), MARKS[row.result], escape(row.shows), escape(row.limits), escape(row.breach)]
        for row in found
    ]
    return [
        "### Guardrails in this experiment",
        table(["Guardrail", "Result", "Change", "Limits", "Chance of a breach"], body),
    ]


def _guardrails(result: Result, one: StrategyResult) -> list[str]:
    """Return what the guardrails do over all experiments."""
    if one.guarded is None:
        return []
    tables = [table(head, [[escape(text) for text in row] for row in body])
              for head, body in (strategy_rows(result, one), launch_rows(result))]  # fmt: skip
    note = (
        f"Under {escape(one.name)}. A guardrail passes when harm of its margin is ruled out, fails when the alarm is "
        "reached beyond chance, and is unknown otherwise; only a variant whose guardrails all pass is launched."
    )
    return ["## Guardrails", note, *tables]


def _evidence(one: StrategyResult, scenario: Scenario) -> list[str]:
    """Return what more data is worth, and the trade-off: both from the experiment's own data."""
    parts = []
    bought, spread = evidence(one.verdict, words_of(scenario).live), trade_off(one.verdict, scenario.shown_as)
    if bought:
        note = "Each source at the amount that is worth most; more data is collected only where that is above zero."
        parts += ["## What more data would be worth", note, table(EVIDENCE, [[*map(escape, row)] for row in bought])]
    if spread:
        note = "On the frontier: no other variant is at least as good, as cheap and as fast, and better in one."
        body = [[*map(escape, row)] for row in spread]
        parts += ["## Quality, cost and latency at once", table(TRADE_OFF, body), note]
    return parts


def _advice(result: Result) -> list[str]:
    reasons = "\n".join(f"* {escape(reason)}" for reason in result.advice.reasons)
    return [
        "## Design advice: which experiment to run",
        "Apart from the verdict: from how every strategy does over the effects that the team expects.",
        escape(result.advice.sentence),
        reasons,
    ]


def _strategies(result: Result) -> list[str]:
    head, body = rows(result)
    cells = [[escape(f"{row[0].text}: {row[0].note}"), *(escape(one.plain()) for one in row[1:])] for row in body]
    note = (
        "If the truth is as the scenario says; false alarms without any difference. "
        f"{count(result.replicates)} simulated experiments each; ± is the simulation error (one standard error), exact "
        "values stand in brackets where they exist; ▲ marks more false alarms than allowed."
    )
    noted = "\n".join(f"* {escape(sentence)}" for sentence in caveats(result))
    estimated = [[escape(cell) for cell in row] for row in named_estimator.rows(result)]
    title = "Estimates where traffic follows the data: bias of the worst variant, and coverage."
    worth = [title, table(list(named_estimator.HEADS), estimated)] if estimated else []
    return ["## How the strategies compare", note, table(head, cells), *worth, noted]


def _costs(one: StrategyResult, scenario: Scenario, money_of: Ledger) -> list[str]:
    body = [[what, escape(cell(key, one.figures[key]).plain())] for key, what in _COSTS.items()]
    per_row = f"One evaluation costs {money(money_of.per_row)}."
    note = scenario.evaluator.price_note()
    correct = one.figures["cost_per_correct"]
    if correct.value is not None:
        per_row += f" One correct decision costs {money(correct.value)} (± {money(correct.se)})."
    responses = [
        f"{escape(variant.name)}: {money(float(price))} a response"
        for variant, price in zip(scenario.variants, money_of.generation, strict=True)
    ]
    extra = f" Prices: {escape(note)}." if note else ""
    took = one.figures["calendar_days"]
    late = (took.quantiles or {}).get("0.95")
    waits_for = one.figures["waiting_days"].value or 0.0
    time = f"The answer takes {days(took.value)} on average (19 in 20 within {days(late)})"
    if waits_for > 0:
        time += f", {days(waits_for)} of it until the last score is in"
    hours = one.figures["rater_hours"].value
    time += f", and {hours:,.1f} hours of raters." if hours else "."
    return [f"## What it costs under {escape(one.name)}", table(["Dollars, mean", "Per experiment"], body),
            f"{per_row}{extra}", time, "Generation: " + "; ".join(responses) + "."]  # fmt: skip


def _latency(result: Result) -> list[str]:
    known = waits(result.study.scenario, result.request.seed)
    if not known:
        return []
    head = ["Variant", "Mean", "Median", "95 % of responses within", "Mean and 95 % of drawn answers"]
    body = [
        [
            escape(one.variant), millis(one.figure.exact), millis(one.exact["0.5"]), millis(one.exact["0.95"]),
            f"{millis(one.figure.value)} (± {millis(one.figure.se)}), {millis((one.figure.quantiles or {})['0.95'])}",
        ]
        for one in known
    ]  # fmt: skip
    note = f"Exact by the law of response times; beside it {count(DRAWN)} drawn answers."
    return ["## How long readers wait", note, table(head, body)]


def _measured(scenario: Scenario) -> list[str]:
    who, about, metric = scenario.evaluator, scenario.scenario, scenario.metric
    better = "more" if metric.direction == "increase" else "less"
    lines = [
        f"* Metric: {escape(metric.name)} ({better} is better). {escape(metric.definition)}",
        f"* Evaluator: {escape(who.summary)}. {percent(who.coverage, 0)} of {words_of(scenario).unit}s are scored.",
    ]
    if who.row_share < who.coverage:
        lines.append(
            f"* Scored and usable as a row of the analysis: {percent(who.row_share)} of {words_of(scenario).unit}s."
        )
    profile = getattr(who, "profile", "")
    if profile:
        lines.append(f"* Evaluator's profile: {escape(profile)}")
    if who.bias_sd() > 0:
        size = effect(who.bias_sd(), scenario.shown_as, signed=False)
        lines.append(
            f"* Evaluators of this kind favour one variant by {size} (SD); no number of their scores removes it."
        )
    if about.indifference:
        size = effect(about.indifference, scenario.shown_as, signed=False)
        lines.append(f"* Differences below {size} are treated as none.")
    if about.provenance:
        lines.append(f"* Sources: {escape(about.provenance)}")
    assumed = scenario.calibration.get("assumptions", [])
    lines += [f"* Assumed: {escape(str(one))}" for one in assumed]
    return ["## How it is measured, and what is assumed", "\n".join(lines)]


def _reproduce(result: Result) -> list[str]:
    known = dict(facts(result))
    command = known.pop("Command")
    fence = "`" * max(3, 1 + max((len(run) for run in re.findall("`+", command)), default=0))
    return [
        "## How to reproduce",
        f"{fence}sh\n{command}\n{fence}",
        "\n".join(f"* {what}: {escape(value)}" for what, value in known.items()),
    ]
