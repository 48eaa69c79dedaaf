"""Every figure of a bandit problem beyond the classic one as a table, with simulation errors."""

from __future__ import annotations

import math
from collections.abc import Callable
from html import escape
from typing import Any

from expsim_panel.bandit_blocks import PlayedProblem
from expsim_panel.bandit_verdict import lost
from expsim_panel.duelling import DuelResult
from expsim_panel.metered_bandits import MeteredResult
from expsim_panel.problem_verdicts import wins, writer
from expsim_panel.quantities import count, money, percent
from expsim_panel.results import Figure
from expsim_panel.segment_bandits import SegmentResult

Column = tuple[str, Callable[[Any], str]]


def table(found: PlayedProblem[Any], best: str = "") -> str:
    """Return an HTML table, one row per policy; what a person wrote is escaped."""
    columns = _columns(found)
    head = "".join(f'<th scope="col">{escape(name)}</th>' for name in ("Policy", *(name for name, _ in columns)))
    body = ""
    for one in found.policies:
        kind = ' class="advised"' if one.name == best else ""
        cells = "".join(f"<td>{cell(one)}</td>" for _, cell in columns)
        body += f'<tr><th scope="row"{kind}>{escape(one.name)}</th>{cells}</tr>'
    return (
        f'<table class="figures"><caption>Every policy</caption><thead><tr>{head}</tr></thead><tbody>{body}</tbody>'
        "</table>"
    )


def _figure(key: str, write: Callable[[float], str]) -> Callable[[Any], str]:
    """Return a cell: a figure with its simulation error below."""

    def cell(one: Any) -> str:
        figure: Figure = getattr(one, key)
        text = write(figure.value or 0.0)
        return text if figure.se is None else f"{text}<small>± {write(figure.se)}</small>"

    return cell


def _range(key: str, write: Callable[[float], str]) -> Callable[[Any], str]:
    """Return a cell: where nine experiments in ten lie."""

    def cell(one: Any) -> str:
        marks = getattr(one, key).quantiles or {}
        return f"{write(marks.get('0.05', 0.0))} to {write(marks.get('0.95', 0.0))}" if marks else "n/a"

    return cell


def _columns(found: PlayedProblem[Any]) -> list[Column]:
    if isinstance(found, SegmentResult):
        return _of_segments(found)
    if isinstance(found, DuelResult):
        return _of_duels()
    assert isinstance(found, MeteredResult)
    return _of_metered(found)


def _of_metered(found: MeteredResult) -> list[Column]:
    write, world = writer(found), found.world

    def short(amount: float) -> str:
        return write(amount).split(" ")[0]

    priced = math.isfinite(world.budget) or world.value is not None
    guarded: list[Column] = [
        ("Requests over the limit", _figure("breach_exposures", count)),
        ("Nine experiments in ten, over the limit", _range("breach_exposures", count)),
        ("Keeps an arm over the limit", _figure("keeps_breach", percent)),
        ("Bad events", _figure("bad_events", count)),
        ("Furthest behind arm 0", _figure("behind_control", percent)),
    ]
    paid: list[Column] = [
        ("Spent", _figure("spent", money)),
        ("Requests answered", _figure("requests", count)),
    ]
    return [
        ("Lost against the best plan" if priced else "Lost while learning", _figure("regret", short)),
        ("Nine experiments in ten", _range("regret", short)),
        ("Worst twentieth, mean", _figure("tail_regret", short)),
        *(guarded if world.limit is not None else []),
        *(paid if priced else []),
        # Under a budget the best plan may mix two arms.
        *([] if math.isfinite(world.budget) else [("Keeps the best arm", _figure("p_best_arm", percent))]),
    ]


def _of_segments(found: SegmentResult) -> list[Column]:
    def short(amount: float) -> str:
        return lost(amount, found.family, None).split(" ")[0]

    def right(place: int) -> Callable[[Any], str]:
        return lambda one: f"{percent(float(one.right[place]))}<small>± {percent(float(one.right_se[place]))}</small>"

    return [
        ("Sees the segment", lambda one: "yes" if one.sees_context else "no"),
        ("Lost against each segment's best", _figure("regret", short)),
        ("Nine experiments in ten", _range("regret", short)),
        ("Worst twentieth, mean", _figure("tail_regret", short)),
        ("Lost against the best single arm (below 0: won)", _figure("blind_regret", short)),
        *((f"Right in segment {k + 1} ({percent(float(share), 0)})", right(k)) for k, share in enumerate(found.shares)),
    ]


def _of_duels() -> list[Column]:
    def short(amount: float) -> str:
        return wins(amount).split(" ")[0]

    return [
        ("Wins given away (mean of the two arms)", _figure("regret", short)),
        ("Nine experiments in ten", _range("regret", short)),
        ("Worst twentieth, mean", _figure("tail_regret", short)),
        ("By the worse arm (strong regret)", _figure("strong_regret", short)),
        ("By the better arm (weak regret)", _figure("weak_regret", short)),
        ("Names the winner", _figure("p_best_arm", percent)),
    ]
