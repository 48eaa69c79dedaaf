"""What `expsim run` prints: the comparison, then the two answers, then how to get them again."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich import box
from rich.console import Group
from rich.table import Table
from rich.text import Text

from expsim_panel.caveats import caveats
from expsim_panel.commands.check import told_evaluator
from expsim_panel.commands.screen import bullets, facts, heading
from expsim_panel.guardrail_tables import named, rail_of
from expsim_panel.named_estimator import HEADS, rows
from expsim_panel.priced_calls import note_of
from expsim_panel.printed import clean
from expsim_panel.quantities import count, days, effect, money, percent
from expsim_panel.results import SIMULATED, Figure, Result
from expsim_panel.scenario_offline import told_traffic
from expsim_panel.world_words import words_of

if TYPE_CHECKING:
    from rich.console import Console, RenderableType

LEGEND = (
    ("Finds it", "chance to detect the real difference ± simulation error; the exact value below, where there is one"),
    ("False alarm", "chance to report a difference where there is none"),
    ("Right", "experiments whose rule ends in the right decision"),
    ("Cost", "responses, scoring and waiting up to the decision"),
    ("Lost", "value lost against serving the best variant from the start, for this truth alone"),
)

SEVERAL = {"False alarm": "chance to find a variant better, or all of them worse, where there is no difference"}
"""What means something else with several variants: one found worse ends nothing."""


def show(result: Result, command: str, out: Console) -> None:
    """Print a run."""
    out.print(_header(result))
    out.print(_comparison(result))
    out.print(facts((*_legend(result), *_undefined(result))))
    if any(one.guarded for one in result.strategies):
        out.print(_guardrails(result))
    estimated = rows(result)
    if estimated:
        out.print(_estimators(estimated))
    noted = caveats(result)
    if noted:
        out.print()
        out.print(bullets(noted))
    out.print()
    for title, body in (("What to run", _advice(result)), ("What this one experiment says", _verdict(result))):
        out.print(heading(title))
        out.print(body)
        out.print()
    out.print(heading("The same again"))
    out.print(clean(command), soft_wrap=True)
    out.print(f"seed {result.request.seed}, digest {result.digest[:12]}", style="dim")


def _legend(result: Result) -> tuple[tuple[str, str], ...]:
    """Return what the columns mean, which of several variants a false alarm says more of."""
    if len(result.study.scenario.variants) == 2:
        return LEGEND
    return tuple((what, SEVERAL.get(what, meant)) for what, meant in LEGEND)


def _estimators(estimated: list[tuple[str, str, str, str, str]]) -> RenderableType:
    """Return what each estimator is worth where traffic follows the data."""
    table = Table(box=box.SIMPLE, title="Estimates where traffic follows the data", title_justify="left")
    for k, head in enumerate(HEADS):
        table.add_column(head, justify="left" if k < 3 else "right", no_wrap=k > 1)
    last = ""
    for name, *cells in estimated:
        table.add_row("" if name == last else clean(name), *cells)
        last = name
    return table


def _header(result: Result) -> RenderableType:
    """Say what was simulated, for whom, at which prices."""
    scenario = result.study.scenario
    about = scenario.scenario
    control = scenario.variants[0].name
    lines = []
    for variant, gain in zip(scenario.variants[1:], scenario.effects[1:], strict=True):
        word = "better" if gain > 0 else "worse"
        size = f"is {word} than {control} by {effect(abs(gain), scenario.shown_as, False)} of {scenario.metric.name}"
        lines.append(f"{variant.name} {size if gain else f'equals {control}'}")
    notes = [note_of(variant) for variant in scenario.variants]
    notes.append(scenario.evaluator.price_note())
    paid = "; ".join(dict.fromkeys(note for note in notes if note and note != "free")) or "everything is free"
    often = "per strategy, with and without a difference"
    rows = [
        ("The truth here", "; ".join(lines)),
        (words_of(scenario).source, told_traffic(scenario)),
        ("Measured by", told_evaluator(result.study)),
        ("Prices", paid),
        ("Simulated", f"{count(result.replicates)} experiments {often}, in {result.seconds:.1f} s"),
    ]
    title = Text(clean(about.title or about.name), style="bold")
    return Group(title, Text(clean(about.question)), Text(), facts(rows))


def _comparison(result: Result) -> Table:
    """Return the table of strategies; fits 80 columns."""
    table = Table(box=box.SIMPLE_HEAD, padding=(0, 1, 0, 0), pad_edge=False)
    table.add_column("Strategy", overflow="fold")
    words = words_of(result.study.scenario)
    for title in ("Finds it", "False\nalarm", "Right", words.time_short, words.units_short, "Cost", "Lost"):
        table.add_column(title, justify="right", no_wrap=True)
    for one in result.strategies:
        found = one.figures
        advised = one.name == result.advice.strategy
        table.add_row(
            Text(clean(one.name), style="bold" if advised else ""),
            _detection(found["power"]),
            percent(found["type1_error"].value),
            percent(found["p_correct"].value),
            _days(found["days"].value, words.live),
            count(found["units"].value),
            money(found["cost"].value),
            money(found["regret"].value),
        )
    return table


def _days(value: float | None, live: bool) -> str:
    """Return days as a number alone; scoring a prompt set may take minutes."""
    if not live:
        return days(value)
    return f"{value:.2g}" if value is not None and 0 < value < 1 else count(value)


def _guardrails(result: Result) -> Table:
    """Return what the guardrails do under the advised strategy; fits 80 columns."""
    one = result[result.advice.strategy]
    table = Table(box=box.SIMPLE_HEAD, padding=(0, 1, 0, 0), pad_edge=False)
    table.add_column(f"Guardrail ({clean(one.name)})", overflow="fold")
    for title in ("True\nchange", "Alarm", "Passes", "Fails", "Unknown", "False\nalarm"):
        table.add_column(title, justify="right", no_wrap=True)
    scenario = result.study.scenario
    for check in one.guarded.checks if one.guarded else ():
        rail = rail_of(scenario, check.name)
        shares = [percent(check.figures[key].value) for key in ("p_pass", "p_fail", "p_unknown", "p_false_alarm")]
        name = clean(named(scenario, check.name, check.variant))
        table.add_row(Text(name), clean(rail.told(check.harm)), clean(rail.told(float(rail.threshold))), *shares)
    return table


def _detection(power: Figure) -> Text:
    """Return a simulated probability with its error, and the exact one in grey below."""
    told = Text(percent(power.value))
    if power.value is not None and power.se is not None:
        told.append(f" ± {percent(power.se)}")
    if power.exact is not None:
        told.append(f"\nexact {percent(power.exact)}", style="dim")
    elif power.value is not None:
        told.append("\nsimulated", style="dim")
    return told


def _undefined(result: Result) -> list[tuple[str, str]]:
    """Say why a chance to detect is missing, or has no exact value beside it."""
    reasons = [one.figures["power"].reason for one in result.strategies if one.figures["power"].value is None]
    missing = [("n/a", reason) for reason in dict.fromkeys(reasons) if reason]
    whose: dict[str, list[str]] = {}
    for one in result.strategies:
        power = one.figures["power"]
        if power.value is not None and power.exact is None and power.reason:
            whose.setdefault(power.reason.removeprefix(f"{SIMULATED}: "), []).append(clean(one.name))
    every = len(result.strategies)
    return missing + [
        ("Simulated", why if len(names) == every else f"{', '.join(names)}: {why}") for why, names in whose.items()
    ]


def _advice(result: Result) -> RenderableType:
    """Return the design advice: from all simulated experiments, for the next real one."""
    advice = result.advice
    scenario, traffic = result.study.scenario, result.study.scenario.traffic
    mean = result[advice.strategy].figures
    size = (
        f"Plan {told_traffic(scenario)}; on average it takes {days(mean['days'].value)} and "
        f"{count((mean['units'].value or 0) / len(scenario.variants))} prompts."
        if scenario.offline is not None
        else f"Plan {days(traffic.days)} and {count(traffic.units_per_day * traffic.days)} {traffic.unit}s;"
        f" on average it takes {days(mean['days'].value)} and {count(mean['units'].value)}."
    )
    hint = Text("Design advice, from all simulated experiments.", style="dim")
    return Group(hint, Text(clean(advice.sentence), style="bold"), bullets([size, *advice.reasons]))


def _verdict(result: Result) -> RenderableType:
    """Return the verdict: from the data of the one experiment on screen."""
    verdict = result.verdict
    shown = result[verdict.strategy].trace
    when = words_of(result.study.scenario).ended(shown.day)
    which = f"experiment {count(shown.luck)} alone: {clean(verdict.strategy)}, ended {when}"
    hint = f"Verdict from the data of {which}."
    said = [one.sentence for one in verdict.guardrails if one.sentence not in verdict.reasons]
    lines = (*verdict.reasons, *said)
    return Group(Text(hint, style="dim"), Text(clean(verdict.sentence), style="bold"), bullets(lines))
