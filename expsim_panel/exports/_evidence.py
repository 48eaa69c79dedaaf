"""What more data is worth, and quality, cost and latency at once: rows of plain text that any export can write."""

from __future__ import annotations

from expsim_panel.quantities import count, days, effect, money, percent
from expsim_panel.results import Verdict

EVIDENCE = ("Source of more data", "Amount", "Cost", "Time", "Worth, net of cost", "Worth of endless rows")
TRADE_OFF = ("Variant", "Quality over control", "Cost per 1,000", "Mean latency", "On the frontier", "Worth most")
_SOURCES = {"judge": "LLM judge", "human": "people", "hybrid": "people and judge"}


def evidence(verdict: Verdict, live: bool = True) -> list[list[str]]:
    """Return one row a source, at its best amount."""
    made = []
    for one in verdict.evidence:
        name = _SOURCES.get(one.source, "scored responses")
        ceiling = _dollars(one.ceiling)
        if one.net_benefit is None:
            made.append([name, str(one.reason), "n/a", "n/a", "n/a", ceiling])
            continue
        # A unit of a prompt set is one answer to a prompt; the request is for prompts that two variants answer.
        units, word = (one.units, "units") if live else (one.units / 2, "prompts")
        amounts = {word: units, "labels": one.labels, "scores": 0 if one.own else one.scores}
        amount = ", ".join(f"{count(n)} {word}" for word, n in amounts.items() if n)
        took = "n/a" if one.days is None else days(one.days)
        made.append([name, amount, money(one.cost), took, _dollars(one.net_benefit), ceiling])
    return made


def trade_off(verdict: Verdict, family: str) -> list[list[str]]:
    """Return one row a variant."""
    if verdict.trade_off is None:
        return []
    return [
        [
            row["variant"], effect(row["quality"], family), money(1000 * row["cost"]),
            "n/a" if row["latency"] is None else f"{row['latency']:.2f} s", percent(row["frontier"]),
            percent(row["best"]),
        ]
        for row in verdict.trade_off.to_json()
    ]  # fmt: skip


def _dollars(value: float | None) -> str:
    if value is None:
        return "n/a"
    return money(value) if abs(value) < 10 else f"{'-' if value < 0 else ''}${count(abs(value))}"
