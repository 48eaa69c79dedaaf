"""What would it take: a table of units, days and smallest effect of every strategy for the power asked for."""

from __future__ import annotations

import math
from html import escape
from typing import Any

import panel as pn
import panel_material_ui as pmu

from expsim_panel.layouts.demand import REPLICATES, Demand
from expsim_panel.layouts.pages.frame import words
from expsim_panel.layouts.pages.status import literal
from expsim_panel.layouts.session import Session
from expsim_panel.needed import Needed
from expsim_panel.quantities import count, days, effect, percent

TARGETS = {"80 %": 0.8, "90 %": 0.9, "95 %": 0.95}


class DemandView:
    """The section: which chance is asked for, a button, and the table."""

    def __init__(self, session: Session) -> None:
        self.session, self.demand = session, session.demand
        small: dict[str, Any] = {"size": "small", "margin": (11, 12, 4, 0)}
        self.power = pmu.Select(
            label="Chance to detect", options=TARGETS, value=0.8, width=150, size="small", margin=(9, 12, 4, 0)
        )
        self.go = pmu.Button(label="Find what it takes", icon="straighten", variant="contained", width=190, **small)
        self.stop = pmu.Button(
            label="Cancel solving", icon="close", color="default", variant="outlined", disabled=True, width=160, **small
        )
        self.problem = pmu.Alert(object="", severity="error", visible=False, sizing_mode="stretch_width", margin=(4, 0))
        self.said, self.table = words(margin=(8, 0, 2, 0)), words()
        self.go.on_click(self._solve)
        self.stop.on_click(lambda _: self.demand.cancel())
        self.demand.param.watch(lambda *events: self._show(), ["rows", "running", "words", "error"])
        session.param.watch(lambda event: self._show(), "study")
        self._show()

    def view(self) -> pn.Column:
        """Return the section's layout."""
        row: dict[str, Any] = {"sizing_mode": "stretch_width", "margin": 0}
        title = words("<h3>What would it take?</h3>")
        return pn.Column(
            title, pn.FlexBox(self.power, self.go, self.stop, **row), self.problem, self.said, self.table, **row
        )

    async def _solve(self, _: Any) -> None:
        await self.demand.solve(self.session.request, float(self.power.value))

    def _show(self) -> None:
        demand = self.demand
        with pn.io.hold():
            self.problem.param.update(object=literal(demand.error), visible=bool(demand.error))
            self.stop.disabled = not demand.running
            self.said.object = f'<span class="caption" role="status">{escape(self._caption())}</span>'
            self.table.object = text(demand)

    def _caption(self) -> str:
        demand = self.demand
        if demand.words:
            return str(demand.words)
        if not demand.rows or demand.request is None:
            return (
                "The units, days or effect at which each strategy finds the better variant as often as you ask. Exact "
                "where exact exists; others are simulated, which takes some seconds."
            )
        stale = demand.request.digest != self.session.request.digest
        return "The study has changed since this table; ask again." if stale else ""


def text(demand: Demand) -> str:
    """Return the table as HTML; what people wrote is escaped."""
    if not demand.rows or demand.request is None:
        return ""
    scenario = demand.request.shared().scenario
    live = scenario.offline is None
    heads = ["Units", "Days"] if live else ["Prompts"]
    heads += ["Smallest effect", "How it is known"]
    head = "".join(f'<th scope="col">{escape(name)}</th>' for name in ("Strategy", *heads))
    body = ""
    for row in demand.rows:
        cells = [_cell(row.units, "units", scenario.shown_as)]
        if live:
            cells.append(_cell(row.days, "days", scenario.shown_as))
        cells.append(_cell(row.effect, "effect", scenario.shown_as))
        known = next((one for one in (row.effect, row.units, row.days) if isinstance(one, Needed)), None)
        how = ""
        if known is not None:
            why = known.why_simulated or "no simulation error"
            how = f'<span title="{escape(why)}">{known.method}</span>'
        body += f'<tr><th scope="row">{escape(row.strategy)}</th>{"".join(cells)}<td>{how}</td></tr>'
    share = percent(demand.power, 0)
    note = (
        f"One number is changed, the others stay as planned, for a {share} chance that a variant that is truly better "
        f"is found. ± what the simulation's error leaves open ({count(REPLICATES)} experiments at each point). Below a "
        "plan: what it takes on average, where a rule may stop early."
    )
    return (
        '<div class="scroll" tabindex="0" role="region" aria-label="What it would take"><table class="figures">'
        f"<caption>For {share} chance to detect</caption><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"
        f'</div><p class="caption">{note}</p>'
    )


def _cell(found: Needed | str, asked: str, shown_as: str) -> str:
    if isinstance(found, str):
        return f'<td><span class="muted" title="{escape(found)}">n/a</span></td>'
    if found.value is None:
        most = "" if found.largest_power is None else f"<small>at most {percent(found.largest_power)}</small>"
        return f'<td><span class="muted" title="{escape(found.reason or "")}">out of reach</span>{most}</td>'
    error = f" ± {_form(found.uncertainty, asked, shown_as)}" if found.uncertainty else ""
    mean = {"units": found.expected_units, "days": found.expected_days}.get(asked)
    small = "" if mean is None or math.isclose(mean, found.value, rel_tol=0.005) else (
        f"<small>{_form(mean, asked, shown_as)} on average</small>"
    )  # fmt: skip
    return f"<td>{_form(found.value, asked, shown_as)}{error}{small}</td>"


def _form(value: float, asked: str, shown_as: str) -> str:
    if asked == "units":
        return count(value)
    return days(value) if asked == "days" else effect(value, shown_as, False)
