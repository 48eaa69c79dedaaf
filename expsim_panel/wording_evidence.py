"""Sentences about more data: what to ask for, of whom, for how many dollars and days, and what the others are worth."""

from __future__ import annotations

from expsim_panel.evidence import Evidence
from expsim_panel.quantities import count, days, money, percent
from expsim_panel.trade_offs import TradeOff

SOURCES = {"judge": "judge scores", "human": "human labels", "hybrid": "labels and judge scores together"}
"""What each source brings; any other evaluator brings scored responses."""


def request(chosen: Evidence, more: int, own: str, live: bool = True) -> str:
    """Return the request, without the full stop; `own` is the kind of the evaluator in use."""
    if chosen.own and not live:
        return f"Have the two variants answer {count(more / 2)} more prompts"
    if chosen.own:
        return f"Collect {count(more)} more units"
    if own == "judge":
        which = "nobody has scored"
        if chosen.source == "hybrid":
            which = "the judge has scored" if not chosen.scores else "the judge scores too"
        return f"Collect {count(more)} human labels of responses that {which}"
    if own == "hybrid" and chosen.source == "human":
        return f"Collect {count(more)} human labels of responses that the judge has scored"
    if own == "hybrid":
        return f"Let the judge score {count(more)} more responses that were shown, which the labels at hand correct"
    beside = ", which the labels at hand correct" if chosen.source == "hybrid" else ""
    return f"Let a judge score {count(more)} responses that were shown{beside}"


def price(chosen: Evidence, live: bool = True) -> str:
    """Return dollars, days and net worth."""
    took = _time(chosen.days)
    where = "At the present traffic that" if chosen.own and live else "That"
    cost = f" and costs {money(chosen.cost)}{' for scoring' if live else ''}" if chosen.cost else ""
    return f"{where} takes {took}{cost}; it is worth {_dollars(chosen.net_benefit)} net of what it costs."


def compared(offered: tuple[Evidence, ...]) -> list[str]:
    """Return what every source is worth at its best amount; nothing where there is only one."""
    if len(offered) < 2:
        return []
    parts = []
    for one in offered:
        name = SOURCES.get(one.source, "scored responses")
        if one.net_benefit is None:
            parts.append(f"{name}: {one.reason}")
            continue
        size = one.units or one.labels or one.scores
        unit = "units" if one.own else "labels" if one.labels else "scores"
        parts.append(f"{name} {_dollars(one.net_benefit)} ({count(size)} {unit})")
    said = [f"Best worth of more data, net of its cost: {'; '.join(parts)}."]
    judge = next((one for one in offered if one.source == "judge"), None)
    other = max((one.ceiling or 0.0 for one in offered if one.source != "judge"), default=0.0)
    if any(one.own and one.source == "hybrid" for one in offered):
        return said
    if judge is not None and judge.ceiling is not None and judge.ceiling < 0.95 * other:
        said.append(
            f"However many judge scores are bought, they are worth at most {_dollars(judge.ceiling)}, because their "
            f"bias stays; labels could be worth up to {_dollars(other)}."
        )
    return said


def trade_off(found: TradeOff) -> str:
    """Say who is worth most, and who is beaten in nothing."""
    best = max(range(len(found.variants)), key=lambda a: found.best[a])
    other = max((a for a in range(1, len(found.variants))), key=lambda a: found.frontier[a])
    what = "Quality, price, waiting and expected breaches" if any(found.penalty) else "Quality, price and waiting"
    chance, on = percent(found.best[best], 0), percent(found.frontier[other], 0)
    return (
        f"{what} together: {found.variants[best]} is worth most with {chance}; "
        f"{found.variants[other]} is on the frontier of the three with {on}."
    )


def _time(value: float | None) -> str:
    if value is None:
        return "n/a"
    if value < 1 / 24:
        return "less than an hour"
    if value >= 0.1:
        return days(round(value, 1))
    hours = f"{24 * value:.0f}"
    return f"{hours} hour{'' if hours == '1' else 's'}"


def _dollars(value: float | None) -> str:
    """Format dollars to the digit that such a worth has."""
    if value is None:
        return "n/a"
    if abs(value) < 10:
        return money(value)
    return f"{'-' if value < 0 else ''}${count(abs(value))}"
