"""Sentences and tables of the page Your ratings, as HTML; everything a person wrote is escaped."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

from expsim_panel.calibration import Calibration
from expsim_panel.calibration_tables import Table, doubts
from expsim_panel.calibration_tables import tables as figures
from expsim_panel.calibration_tables import told as estimate
from expsim_panel.layouts.theme import ACTIONS, tone
from expsim_panel.quantities import count, percent
from expsim_panel.rating_table import Beside

GOOD = 0.9
"""Realism from which the fitted law is called like the ratings (docs/model.md)."""


def problem(line: str) -> str:
    """Return a line that says what is wrong."""
    return f'<p role="alert"><b>{escape(line)}</b></p>'


def told(found: Calibration, beside: Beside, dark: bool) -> str:
    """Return the answer: how like the ratings the fitted law is, and how people and judges measure."""
    score = found.realism.honest
    if score is None:
        action, word = "inconclusive", "Realism unknown"
        sentence = f"Whether the fitted scenario looks like these ratings is {found.realism.reason}."
    elif score >= GOOD:
        action, word = "launch", f"Realism {percent(score, 0)}"
        sentence = "A scenario fitted to these ratings plays ratings that look like yours."
    else:
        action, word = "collect", f"Realism {percent(score, 0)}"
        sentence = "A scenario fitted to these ratings looks like them in part; the pictures show where it does not."
    numbers = [(count(found.rows), f"ratings of {count(found.items)} responses by {_people(found, beside)}")]
    if found.reliability.icc1 is not None:
        numbers.append((f"{found.reliability.icc1:.2f}", "agreement of two ratings of one response (ICC, 1 is full)"))
    first = next(iter(beside.judges.values()), None)
    if first is not None and first.rho.value is not None:
        numbers.append((f"{first.rho.value:.2f}", f"correlation of {first.name} with people within a variant (ρ)"))
    icon = ACTIONS[action][0]
    mark = f'<svg aria-hidden="true" viewBox="0 0 16 16"><path d="{icon}"/></svg>{escape(word)}'
    how = "100 %: as close to unseen ratings as other real ratings are"
    who = f'<span class="who">{how}</span>' if score is not None else ""
    cells = "".join(f"<div><b>{value}</b><span>{escape(name)}</span></div>" for value, name in numbers)
    lines = [*_differences(found), *_judges(beside)]
    listed = "".join(f"<li>{escape(line)}</li>" for line in lines)
    known = "".join(f"<li>{escape(line)}</li>" for line in doubts(found, beside)) or "<li>Nothing stood out.</li>"
    return (
        f'<section class="verdict" aria-live="polite" style="--tone:{tone(action, dark)}">'
        f'<div class="word">{mark}{who}</div><h2 class="said">{escape(sentence)}</h2>'
        f'<div class="numbers">{cells}</div></section>'
        f'<div class="two"><section class="box"><h2>What they say</h2><ul>{listed}</ul></section>'
        f'<section class="box"><h2>What to know about these rows</h2><ul>{known}</ul></section></div>'
    )


def _people(found: Calibration, beside: Beside) -> str:
    judges = len(beside.judges)
    extra = f", and {count(judges)} {'judge' if judges == 1 else 'judges'}" if judges else ""
    return f"{count(found.raters)} {'rater' if found.raters == 1 else 'raters'}{extra}"


def _differences(found: Calibration) -> list[str]:
    lines = []
    for one in found.contrasts[:3]:
        if one.difference is not None and one.se is not None:
            lines.append(
                f"{one.treatment} is rated {one.difference:+.2f} points against {found.control}, ± {1.96 * one.se:.2f} "
                f"(95 %, the same {count(one.prompts)} prompts)."
            )
    return lines or [f"No prompt was answered by two variants often enough to compare them with {found.control}."]


def _judges(beside: Beside) -> list[str]:
    lines = []
    for one in list(beside.judges.values())[:3]:
        known = {name: each for name, each in one.bias.items() if each.value is not None}
        most = max(known, key=lambda name: known[name].value or 0.0, default=None)
        if most is None:
            lines.append(f"{one.name}: bias between variants unknown.")
            continue
        bias = known[most]
        even = bias.interval is not None and bias.interval[0] <= 0
        favour = f"{one.name} favours {most} most" if not even else f"{one.name} shows no bias that these data can tell"
        lines.append(
            f"{favour}: {estimate(bias, signed=True)} points{'' if not even else f' for {most}'} above its average "
            f"variant. Correlation with people {estimate(one.rho)}, of differences {estimate(one.rho_difference)}."
        )
    return lines or ["No judge's scores among them: its numbers in the scenario are assumed."]


def tables(found: Calibration, beside: Beside) -> str:
    """Return every table."""
    return "".join(map(_table, figures(found, beside)))


def _table(one: Table) -> str:
    last = len(one.head) - 1

    def cells(row: Sequence[str], tag: str, scope: str) -> str:
        made = [f'<th scope="{scope}">{escape(row[0])}</th>']
        for at, cell in enumerate(row[1:], 1):
            side = ' class="note"' if one.worded and at == last else ""
            scoped = ' scope="col"' if tag == "th" else ""
            made.append(f"<{tag}{side}{scoped}>{escape(cell)}</{tag}>")
        return "".join(made)

    head = cells(one.head, "th", "col")
    body = "".join(f"<tr>{cells(row, 'td', 'row')}</tr>" for row in one.rows)
    note = f'<p class="caption" style="margin-top:6px">{escape(one.note)}</p>' if one.note else ""
    return (
        f'<section style="margin-top:22px"><div class="scroll" tabindex="0" role="region" '
        f'aria-label="{escape(one.title)}"><table class="figures"><caption>{escape(one.title)}</caption>'
        f"<thead><tr>{head}</tr></thead><tbody>{body}</tbody></table></div>{note}</section>"
    )
