"""Sentences and tables of the Evaluators page, as HTML; everything a person wrote is escaped."""

from __future__ import annotations

import math
from html import escape

from expsim_panel import wording_evaluators as wording
from expsim_panel.errors import InputError
from expsim_panel.evaluation_simulation import Comparison, Played
from expsim_panel.evaluator_advice import launch_bar
from expsim_panel.evaluator_answers import Answers
from expsim_panel.offline_answers import Beside, SideBySide
from expsim_panel.quantities import count, days, effect, money, percent
from expsim_panel.split import optimal_split
from expsim_panel.trade_offs import TradeOff
from expsim_panel.wording_offline import MODES, WORDS, sentences

INSTEAD = "On live traffic instead, for"
"""How an answer begins that is not about the prompt set which the study is played on."""


def headline(found: Answers, metric: str, live: bool = True) -> str:
    """Return the answer in one sentence, and what carries it; `live` is off where a prompt set stands before it."""
    best, what = found.advised, found.what
    who = {"judge": "an LLM judge alone", "human": "people alone", "hybrid": "people and a judge together"}[best.name]
    error = effect(best.expected_error, found.family, False)
    rows = " and ".join(
        f"{count(found.samples * n)} {word}"
        for n, word in ((best.rows.labelled, "labels"), (best.rows.judged, "scores"))
        if n
    )
    rows += " of comparisons" if what.law.pairs else ""
    facts = [line for line in (wording.suspected(found), wording.both_pay(found)) if line]
    where = "For" if live else INSTEAD
    said = f"{where} {money(found.budget)}, measure {escape(metric)} with {who}: {rows}, an error of {error}."
    return (
        f'<section class="box" aria-live="polite"><p style="font-size:18px;font-weight:600">{said}</p>'
        f"<p>{escape(' '.join(facts), quote=False)}</p></section>"
    )


def tables(found: Answers, played: Comparison | None, live: bool = True) -> str:
    """Return both comparisons: equal budget and equal accuracy."""
    where = "For" if live else INSTEAD
    seen = {one.name: told for one, told in played.options} if played else {}
    family, body = found.family, ""
    for one in found.options:
        fit, told = math.isfinite(one.se), seen.get(one.name)
        name = f'<th scope="row" class="{"advised" if one is found.advised else ""}">{wording.NAMES[one.name]}</th>'
        taken = (
            count(found.samples * one.rows.labelled),
            count(found.samples * one.rows.judged),
            money(one.cost),
            _days(one.days),
        )
        cells = "".join(f"<td>{text}</td>" for text in (*taken, f"{one.rater_hours:,.1f}"))
        if not fit:
            rows = "comparisons" if found.what.law.pairs else "rows a variant"
            cells += f'<td colspan="6">the budget buys fewer than two {rows}</td>'
        else:
            cells += "".join(
                f"<td>{text}{_simulated(told, key, family)}</td>"
                for key, text in (
                    ("bias", effect(one.bias, family)),
                    ("se", effect(one.se, family, False)),
                    ("power", percent(one.power)),
                    ("false_rejection", percent(one.false_rejection)),
                    ("p_correct", percent(one.p_correct)),
                )
            )
            each = one.cost_per_correct
            cells += f"<td>{'n/a' if each is None else money(each)}</td>"
        body += f"<tr>{name}{cells}</tr>"
    heads = ("", "Labels", "Scores", "Cost", "Days", "Rater hours", "Bias", "Noise ±", "Finds it", "False alarms",
             "Right", "Cost per right decision")  # fmt: skip
    equal = _table(f"{where} the same money, {money(found.budget)}", heads, body)
    body = ""
    for need in found.needs:
        name = f'<th scope="row">{wording.NAMES[need.name]}</th>'
        if need.budget is None:
            body += f'<tr>{name}<td colspan="4" style="text-align:left">out of reach: {escape(need.reason)}</td></tr>'
            continue
        amounts = (money(need.budget), count(need.labelled), count(need.judged), _days(need.days))
        body += f"<tr>{name}{''.join(f'<td>{cell}</td>' for cell in amounts)}</tr>"
    size = effect(found.target, family, False)
    same = _table(
        f"{where} the same accuracy, an error of {size}{', whatever the traffic' if live else ''}",
        ("", "Cost", "Labels", "Scores", "Days"),
        body,
    )
    whole = (
        "A label or a score is of one comparison, effects are net win rates, P(win) - P(loss)."
        if found.what.law.pairs
        else "Both variants together."
    )
    note = f"Closed forms; below them, smaller, the same simulated. Scoring costs only. {whole}"
    return f'{equal}{same}<p class="caption">{note}</p>'


def offline(beside: SideBySide | str, family: str) -> str:
    """Return the prompt set and the live traffic side by side; nothing until they are there."""
    if not beside:
        return '<p class="caption">Comes with the full simulation.</p>'
    if isinstance(beside, str):
        return f'<p class="caption">{escape(beside)}</p>'
    prompts = count(beside.offline["prompts"])
    made = _sets(f"{prompts} prompts, and the live traffic as planned; one test at the end", beside.rows, family)
    if beside.equal:
        made = (
            _sets(f"The same prompts for all variants, {money(beside.budget)} for each way", beside.equal, family)
            + made
        )
    lines = "".join(f"<li>{escape(line)}</li>" for line in sentences(beside))
    return f"{made}<ul>{lines}</ul>"


def _sets(caption: str, rows: tuple[Beside, ...], family: str) -> str:
    """Return ways to measure a prompt set as a table; simulated figures below the exact ones."""
    body = ""
    for one in rows:
        body += f'<tr><th scope="row">{WORDS[one.evaluator]}, {MODES[one.mode]}</th>'
        if one.se is None or one.bias is None:
            body += f'<td colspan="8" style="text-align:left">{escape(one.reason)}</td></tr>'
            continue
        cells = [count(one.per_variant), count(one.labels), money(one.cost), escape(days(one.days)),
                 effect(one.bias, family), effect(one.se, family, False)]  # fmt: skip
        cells += [
            percent(told.exact if told.exact is not None else told.value) + f"<small>{percent(told.value)}</small>"
            for told in (one.power, one.type1_error)
        ]
        body += "".join(f"<td>{cell}</td>" for cell in cells) + "</tr>"
    heads = ("", "Each variant", "Labels", "Cost", "Time", "Bias", "Noise ±", "Finds it", "False alarms")
    return _table(caption, heads, body)


def _simulated(told: Played | None, key: str, family: str) -> str:
    """Return the simulated figure with its error, in small print."""
    if told is None:
        return ""
    figure = getattr(told, key)
    form = (
        percent(figure.value)
        if key in ("power", "false_rejection", "p_correct")
        else effect(figure.value, family, key == "bias")
    )
    return f"<small>{form}</small>"


def _table(caption: str, heads: tuple[str, ...], body: str) -> str:
    head = "".join(f'<th scope="col">{text}</th>' for text in heads)
    return (
        f'<div class="scroll" tabindex="0" role="region" aria-label="{escape(caption)}"><table>'
        f"<caption>{escape(caption)}</caption><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table></div>"
    )


def _days(value: float | None) -> str:
    return escape(wording.took(value))


def split(found: Answers, rho: float, ratio: float) -> str:
    """Say the best split at a correlation and a price that are tried out, people's price as it is."""
    try:
        said = wording.split(found, rho, ratio)
    except InputError as problem:
        return f'<p role="alert">{escape(str(problem))}</p>'
    human = found.what.cost_human
    smallest = optimal_split(rho, human, ratio * human, found.budget / found.samples).smallest_rho
    threshold = "never, a score costs as much as a label" if smallest is None else f"from {smallest:.2f}"
    return f'<p>{said} <span class="caption">It pays {threshold} (ρ² &gt; 4g/(1+g)²).</span></p>'


def worth(found: Answers) -> str:
    """Say what to collect before deciding, for how much and in how long; and where a judge's worth ends."""
    return _said(wording.worth(found), found.worth.reason)


def launch(found: Answers) -> str:
    """Say when a judge alone may decide, at this budget."""
    said = wording.launch(found)
    if not math.isfinite(launch_bar(found).bar):
        return _said(said, said)
    return f'<p>{escape(said, quote=False)} <span class="caption">2 √(SE² + SD(bias)²).</span></p>'


def _said(text: str, reason: str) -> str:
    """Return a paragraph; a caption where there is a reason why it says nothing more."""
    kind = ' class="caption"' if reason else ""
    return f"<p{kind}>{escape(text, quote=False)}</p>"


def trade(found: TradeOff, binary: bool) -> str:
    """Return the chances as a table: what the experiment on screen says, at the weights on this page."""
    body = ""
    for row in found.to_json():
        wait = "n/a" if row["latency"] is None else f"{row['latency']:.2f} s"
        cells = (effect(row["quality"], "binary" if binary else "normal"), money(1000 * row["cost"]), wait,
                 percent(row["frontier"]), percent(row["best"]))  # fmt: skip
        body += f'<tr><th scope="row">{escape(row["variant"])}</th>{"".join(f"<td>{cell}</td>" for cell in cells)}</tr>'
    heads = ("", "Quality over control", "Per 1,000 responses", "Mean latency", "On the frontier", "Worth most")
    note = (
        "From the data of the experiment on screen, the evaluator's suspected bias counted in. On the frontier: no "
        "other variant is at least as good, as cheap and as fast, and better in one."
    )
    return _table("Chances, from the experiment on screen", heads, body) + f'<p class="caption">{note}</p>'
