"""The table of strategies, as cells that any export can write."""

from __future__ import annotations

from dataclasses import dataclass
from html import escape

from expsim_panel.economics import ledger
from expsim_panel.quantities import days, effect, money, percent
from expsim_panel.results import Figure, Result
from expsim_panel.world_words import words_of

BADGES = {"launch": "▲ Launch", "keep": "■ Keep", "collect": "+ Collect more", "inconclusive": "? Inconclusive"}
"""An icon and a word for each verdict."""

COLUMNS = {
    "power": "Finds the difference (power)",
    "type1_error": "False alarm, no difference (type I error)",
    "p_correct": "Right decision, following the rule",
    "days": "{time}, mean",
    "cost": "Cost, mean",
    "regret": "Loss while learning and after (regret)",
}
"""Figures of the table: plain words (in braces those of the world), exact terms in brackets."""


@dataclass(frozen=True)
class Cell:
    """One cell of the table, plain text.

    Attributes
    ----------
    text, error, exact : str
        Empty where there is none.
    note : str
        A second line.
    alarming : bool
        A false alarm rate beyond what the strategy may have.
    """

    text: str
    error: str = ""
    exact: str = ""
    note: str = ""
    alarming: bool = False

    def plain(self) -> str:
        """Return the cell in one line of plain text."""
        error = f" ± {self.error}" if self.error else ""
        return f"{'▲ ' if self.alarming else ''}{self.text}{error}{f' (exact {self.exact})' if self.exact else ''}"

    def html(self) -> str:
        """Return the cell as HTML, escaped."""
        text = f"<span class='alarm'>▲ {escape(self.text)}</span>" if self.alarming else escape(self.text)
        rest = ", ".join([f"± {self.error}"] * bool(self.error) + [f"exact {self.exact}"] * bool(self.exact))
        note = f"<small>{escape(self.note)}</small>" if self.note else ""
        return (f"{text} <span class='error'>{escape(rest)}</span>" if rest else text) + note


def shown(key: str, value: float) -> str:
    """Format a figure by its name."""
    if key == "days":
        return days(value)
    return money(value) if key in ("cost", "regret") or key.startswith("cost") else percent(value)


def plain_figure(key: str, value: float, error: float | None) -> str:
    """Format a figure with its simulation error, where it has one."""
    return shown(key, value) if not error else f"{shown(key, value)} ± {shown(key, error)}"


def cell(key: str, figure: Figure) -> Cell:
    """Return a figure as a cell; an undefined one says why."""
    if figure.value is None:
        return Cell(f"n/a ({figure.reason})" if figure.reason else "n/a")
    error = shown(key, figure.se) if figure.se and figure.se > 1e-9 * max(1.0, abs(figure.value)) else ""
    return Cell(shown(key, figure.value), error, "" if figure.exact is None else shown(key, figure.exact))


def rows(result: Result) -> tuple[list[str], list[list[Cell]]]:
    """Return the head and the rows, one for each strategy; the advised one says so."""
    body = []
    for one in result.strategies:
        advised = ", advised" if one.name == result.advice.strategy else ""
        cells = [Cell(f"{one.name}{advised}", note=one.strategy.summary)]
        limit = one.strategy.design.nominal_alpha() or 0.05
        for key in COLUMNS:
            made = cell(key, one.figures[key])
            alarm = one.figures["type1_error"]
            if key == "type1_error" and alarm.value is not None and alarm.value > limit + 3 * (alarm.se or 0.0):
                made = Cell(made.text, made.error, made.exact, alarming=True)
            cells.append(made)
        body.append(cells)
    return ["Strategy", *(title.format(time=words_of(result.study.scenario).time) for title in COLUMNS.values())], body


def carrying(result: Result, name: str | None = None) -> list[tuple[str, str]]:
    """Return at most three numbers that carry the verdict, as (what, value)."""
    scenario, verdict = result.study.scenario, result[name].verdict if name else result.verdict
    found: list[tuple[str, str]] = []
    if verdict.estimate is not None:
        # The verdict counts what is better; a difference in the metric has the metric's own sign, as its sentence.
        size = effect(scenario.sign * verdict.estimate, scenario.shown_as)
        found.append((f"difference in {scenario.metric.name}", size))
    if verdict.interval is not None:
        low, high = (effect(end, scenario.shown_as) for end in sorted(scenario.sign * end for end in verdict.interval))
        found.append((f"{percent(result[verdict.strategy].strategy.design.level(), 0)} interval", f"{low} to {high}"))
    found.append(("per evaluation", money(ledger(scenario).per_row)))
    return found
