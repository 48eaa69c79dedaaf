"""Guardrails in the app: a row for each under the verdict, their figures to compare, and the card that edits them."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from html import escape
from typing import Any

import panel_material_ui as pmu

from expsim_panel.guardrail import MOST, Guardrail
from expsim_panel.guardrail_tables import MARKS, Row, named, needs, rail_of, verdict_rows
from expsim_panel.layouts.controls import Field, fields
from expsim_panel.layouts.form import Path
from expsim_panel.layouts.pages.frame import Fold, words
from expsim_panel.layouts.session import Session
from expsim_panel.quantities import count, percent
from expsim_panel.results import Figure, Result, Verdict
from expsim_panel.scenario import Scenario

_RARE = ("name", "definition", "unit", "family", "direction", "alpha", "coverage", "penalty")
_INPUT: dict[str, Any] = {"size": "small", "sizing_mode": "stretch_width", "margin": (7, 0)}
_TONES = {"pass": ("#007A5A", "#5FD3AE"), "fail": ("#B84A00", "#FF8A4A"), "unknown": ("#8A5A00", "#F2B84B")}
"""Colour of a result in light and in dark mode; a breach is vermilion, darker or lighter until text can be read."""

_STYLE = """<style>
.rail { display: grid; grid-template-columns: minmax(120px, 1.1fr) 92px minmax(150px, 1fr) minmax(170px, 1.6fr);
  gap: 4px 16px; align-items: center; padding: 7px 0; font-size: 14px;
  border-top: 1px solid color-mix(in srgb, var(--panel-on-surface-color) 13%, transparent); }
.rail b { font-weight: 600; } .rail i { font-style: normal; font-weight: 700; color: var(--is); }
.rail small { display: block; font-size: 12.5px; opacity: .78; }
.rail svg { width: 100%; height: 26px; overflow: visible; }
.rail line { vector-effect: non-scaling-stroke; }
.wide { margin-top: 14px; } .wide .note { font-size: 13px; opacity: .8; margin-bottom: 4px; }
@media (max-width: 700px) { .rail { grid-template-columns: 1fr 92px; }
  .rail > :nth-child(n+3) { grid-column: 1 / -1; } }
</style>"""


# The verdict


def box(scenario: Scenario, verdict: Verdict, dark: bool) -> str:
    """Return a row for every guardrail of one experiment as HTML; empty without any."""
    rows = verdict_rows(scenario, verdict)
    if not rows:
        return ""
    made = "".join(_row(scenario, row, dark) for row in rows)
    note = (
        "Bar: interval of the change, left is better, right is worse. Dashed: margin that has to be ruled out to pass. "
        "Solid line: alarm."
    )
    return (
        f'{_STYLE}<section class="box wide" aria-label="Guardrails"><h2>Guardrails: what must not get worse</h2>'
        f'<p class="note">{note}</p>{made}</section>'
    )


def _row(scenario: Scenario, row: Row, dark: bool) -> str:
    tone = _TONES[row.result][1 if dark else 0]
    told = escape(row.check.sentence)
    return (
        f'<div class="rail" style="--is:{tone}" title="{told}"><b>{escape(row.name)}</b><i>{MARKS[row.result]}</i>'
        f"<span>{_drawn(rail_of(scenario, row.check.name), row)}</span>"
        f"<span>{escape(row.shows)}<small>{escape(row.limits)}; chance of a breach {row.breach}</small></span></div>"
    )


def _drawn(rail: Guardrail, row: Row) -> str:
    """Draw an interval against margin and alarm, on a scale of harm: worse is to the right."""
    check = row.check
    if check.interval is None or check.estimate is None:
        return ""
    alarm = check.threshold
    low = -min(max(-1.05 * check.interval[0], 0.7 * alarm), 2.5 * alarm)
    high = min(max(1.05 * check.interval[1], 1.15 * alarm), 2.5 * alarm)

    def at(harm: float) -> float:
        return round(100 * (min(max(harm, low), high) - low) / (high - low), 2)

    ends = at(check.interval[0]), at(check.interval[1])
    said = escape(f"{row.name}: {row.shows}, {row.limits}")

    def line(x: float, top: int, bottom: int, style: str) -> str:
        return f'<line x1="{x}" x2="{x}" y1="{top}" y2="{bottom}" {style}/>'

    return (
        f'<svg viewBox="0 0 100 26" preserveAspectRatio="none" role="img" aria-label="{said}">'
        + line(at(0.0), 6, 20, 'stroke="currentColor" stroke-opacity=".45" stroke-width="1"')
        + line(at(check.margin), 3, 23, 'stroke="currentColor" stroke-opacity=".8" stroke-dasharray="3 3"')
        + line(at(check.threshold), 1, 25, 'stroke="#D55E00" stroke-width="2"')
        + f'<line x1="{ends[0]}" x2="{ends[1]}" y1="13" y2="13" stroke="var(--is)" stroke-width="6" '
        'stroke-opacity=".55"/>' + line(at(check.estimate), 7, 19, 'stroke="var(--is)" stroke-width="3"') + "</svg>"
    )


# Compare

_PARTS: dict[str, tuple[str, str | None]] = {
    "p_pass": ("passes", "power"),
    "p_fail": ("fails", "p_false_fail"),
    "p_unknown": ("stays unknown", None),
    "p_false_alarm": ("… not passed though harmless", "p_false_alarm"),
    "p_pass_at_margin": ("… passed with harm at the margin", None),
}
"""Rows of a guardrail: figure under the truth, plain words, figure in the null twin."""


def compared(result: Result, cell: Callable[[Figure, Callable[[Any], str]], str]) -> str:
    """Return rows of the table of all figures as HTML; empty without guardrails."""
    first = result.strategies[0].guarded
    if first is None:
        return ""
    empty = '<span class="muted">–</span>'
    wide = 1 + 2 * len(result.strategies)

    def row(title: str, pairs: list[tuple[str, str]]) -> str:
        cells = "".join(f"<td>{left}</td><td>{right}</td>" for left, right in pairs)
        return f'<tr><th scope="row">{title}</th>{cells}</tr>'

    body = f'<tr class="group"><th colspan="{wide}">Guardrails</th></tr>'
    for key, title in (
        ("launch", "Launches, after the guardrails"),
        ("held_back", "Winners held back"),
        ("p_breached_launch", "Launches of a variant that truly breaches"),
    ):
        figures = [getattr(one.guarded, key) for one in result.strategies]
        body += row(title, [(cell(each, percent), empty) for each in figures])
    exposed = [one.guarded.breach_exposures for one in result.strategies if one.guarded]
    if any(each.value for each in exposed):
        body += row("Responses of breaching variants", [(cell(each, count), empty) for each in exposed])
    scenario = result.study.scenario
    for index, check in enumerate(first.checks):
        rail = rail_of(scenario, check.name)
        truth = f"truly {rail.told(check.harm)}, alarm at {rail.told(float(rail.threshold))}; own power {needs(check)}"
        name = escape(named(scenario, check.name, check.variant))
        head = f"{name}<small>{escape(truth)}</small>"
        body += f'<tr class="group"><th colspan="{wide}">{head}</th></tr>'
        for key, (title, twin) in _PARTS.items():
            pairs = []
            for one in result.strategies:
                found = one.guarded.checks[index].figures if one.guarded else {}
                # What is asked of a harmless variant has no value under the truth.
                left = empty if key == "p_false_alarm" else cell(found[key], percent)
                pairs.append((left, cell(found[twin], percent) if twin else empty))
            body += row(title, pairs)
    return body


# The form


def card(session: Session, keep: Callable[[Field], None], refresh: Callable[[], None]) -> list[Any]:
    """Return the card that edits the guardrails: one fold for each.

    Parameters
    ----------
    keep : callable
        Told of every field, so that an error shows at its widget.
    refresh : callable
        Builds the card again.
    """
    rails = session.study.scenario.guardrails
    made = [Fold(one.name, partial(_fields, session, keep, refresh, i), level=1).card for i, one in enumerate(rails)]
    note = "Metrics that must not get worse. Only a variant whose guardrails all pass is launched."
    if session.study.scenario.offline is not None:
        note = "Guardrails watch live traffic, and a prompt set has none: keep them for the online test."
        return [words(f'<p class="caption">{note}</p>')]
    add = pmu.Button(label="Add a guardrail", icon="add", variant="text", disabled=len(rails) >= MOST, **_INPUT)

    async def added(_: Any) -> None:
        await _put(session, refresh, [*_tree(session), _new(session)])

    add.on_click(added)
    return [words(f'<p class="caption">{note}</p>'), *made, add]


def _fields(session: Session, keep: Callable[[Field], None], refresh: Callable[[], None], index: int) -> list[Any]:
    rail = session.study.scenario.guardrails[index]
    path: Path = ("guardrails", index)
    unit = rail.unit or ("rate" if rail.binary else "")
    owner = f"{rail.name}, {unit}" if unit else rail.name

    boxes: dict[str | int, Any] = {}

    def value(at: Path) -> Any:
        # An unset margin is the threshold; a number box would show it as 0.
        found = session.value(at)
        return session.value((*path, "threshold")) if found is None and at[-1] == "margin" else found

    async def change(at: Path, new: Any) -> None:
        unset = session.value((*path, "margin")) is None
        if session.edit(at, new):
            if at[-1] == "threshold" and unset and "margin" in boxes:
                boxes["margin"].value = new
            await session.play()

    def some(keys: tuple[str, ...]) -> list[Any]:
        skip = tuple(key for key in rail.fields() if key not in keys or (key == "sd" and rail.binary))
        found = fields(rail, path, value, change, binary=False, owner=owner, skip=skip)
        for one in found:
            boxes[one.path[-1]] = one.widget
            keep(one)
        return [one.widget for one in found]

    remove = pmu.Button(label=f"Remove {rail.name}", icon="delete", variant="text", color="default", **_INPUT)

    async def removed(_: Any) -> None:
        await _put(session, refresh, [one for i, one in enumerate(_tree(session)) if i != index])

    remove.on_click(removed)
    often = tuple(key for key in rail.fields() if key not in _RARE)
    return [*some(often), Fold(f"More about {rail.name}", lambda: some(_RARE), level=1).card, remove]


def _tree(session: Session) -> list[dict[str, Any]]:
    return [one.to_tree() for one in session.study.scenario.guardrails]


def _new(session: Session) -> dict[str, Any]:
    """Return a guardrail that is valid as it stands, to be edited."""
    names = {one.name for one in session.study.scenario.guardrails}
    name = next(n for n in (f"guardrail {i}" for i in range(1, MOST + 2)) if n not in names)
    means = [0.02] * len(session.study.scenario.variants)
    return {"name": name, "family": "binary", "direction": "decrease", "means": means, "threshold": 0.01}


async def _put(session: Session, refresh: Callable[[], None], rails: list[dict[str, Any]]) -> None:
    if session.edit(("guardrails",), rails):
        refresh()
        await session.play()
