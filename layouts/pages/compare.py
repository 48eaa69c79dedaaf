"""Compare: what every strategy does over thousands of experiments, with its null twin beside it."""

from __future__ import annotations

from collections.abc import Callable
from html import escape
from typing import Any

import panel as pn

from expsim_panel.caveats import caveats
from expsim_panel.exports._estimators import estimators
from expsim_panel.frontier import of_study
from expsim_panel.layouts.guardrails import compared
from expsim_panel.layouts.pages.demand import DemandView
from expsim_panel.layouts.pages.frame import beside, follow, plot, words
from expsim_panel.layouts.session import Session
from expsim_panel.plots.comparison import Comparison
from expsim_panel.plots.regret_frontier import RegretFrontier
from expsim_panel.quantities import count, days, money, percent
from expsim_panel.results import Figure, Result
from expsim_panel.world_words import words_of

CAPTION = (
    "Dot: mean of the simulated experiments, the largest is the advised strategy; whisker: simulation error (95 %). "
    "Upright dash: exact value. Pale bar: nine experiments in ten. Dotted line: 5 %."
)

FRONTIER = (
    "One dot per strategy: what it loses against always serving the best variant, and how often it does not end "
    "with the right decision. Blue dots move traffic while they learn (bandits), grey ones keep their split (A/B "
    "tests); the larger the dot, the dearer the experiment. Whiskers: simulation error (95 %). Dashed: "
    "strategies that no other beats on both."
)
FRONTIER_AXIS = "Lost to the horizon against the best variant, $"


WORLDS = {
    "as it is": "In the world of the scenario, with its true difference",
    "no difference": "The null twin: the same experiments where no variant is better, with the same evaluator",
}
"""The two worlds that every strategy plays in, and what they are."""


def _times(value: float | None) -> str:
    if value is None:
        return "n/a"
    return f"{value:.2f}×" if value >= 0.005 else "<0.01×"


ROWS: dict[str, dict[str, tuple[str, Callable[[Any], str]]]] = {
    "How often it is right": {
        "power": ("Chance to detect the difference (power)", percent),
        "p_correct": ("Right decisions, following the rule", percent),
        "p_harmful_launch": ("Harmful launches", percent),
        "p_suboptimal_launch": ("Launches of a lesser variant", percent),
        "p_missed_win": ("Missed wins", percent),
        "p_inconclusive": ("Inconclusive", percent),
        "type1_error": ("False alarms, if nothing differs (type I)", percent),
        "type1_error_unbiased": ("… with a perfect evaluator", percent),
        "false_launch": ("False launches, if nothing differs", percent),
        "coverage": ("Intervals that hold the truth", percent),
        "coverage_adjusted": ("… adjusted for stopping early", percent),
        "exaggeration": ("Estimate over truth, among launches", _times),
        "exaggeration_adjusted": ("… adjusted for stopping early", _times),
        "exaggeration_shrunk": ("… shrunk to what your team usually finds", _times),
    },
    "What it takes": {
        "days": ("{time}", days),
        "waiting_days": ("… then until the last score is in", days),
        "calendar_days": ("Days until the answer", days),
        "units": ("{units}", count),
        "exposures": ("Responses", count),
        "judged": ("Judged", count),
        "labelled": ("Labelled by people", count),
        "rater_hours": ("Hours of raters", count),
        "cost": ("Cost", money),
        "cost.generation": ("… of responses", money),
        "cost.judge": ("… of the judge", money),
        "cost.human": ("… of raters", money),
        "cost.latency": ("… of waiting", money),
        "cost_per_correct": ("Cost per right decision", money),
    },
    "What you lose while learning": {
        "regret": ("Regret to the horizon", money),
        "simple_regret": ("Regret per 1,000 responses, after the decision", lambda one: money(1000 * one)),
        "traffic_on_worse_arms": ("{worse}", percent),
    },
}
"""Rows of the table: the figure's name, its plain words (in braces those of the world) and its formatter."""


def view(session: Session) -> pn.Column:
    """Return the page; it follows the session."""
    drawn = Comparison(session.dark)
    frontier = RegretFrontier(session.dark, height=300)
    table, caption = words(), words(f'<p class="caption">{CAPTION}</p>')

    def show() -> None:
        if session.result is not None:
            drawn.show(session.result)
            frontier.show(of_study(session.result), FRONTIER_AXIS, True)
            table.object = text(session.result)

    def expect() -> None:
        if session.exact and not session.fresh:
            drawn.expect(session.exact)

    follow(session, ["result"], show)
    follow(session, ["exact"], expect)
    for one in (drawn, frontier):
        session.param.watch(lambda event, one=one: one.paint(event.new), "dark")
    return pn.Column(
        caption,
        beside(*map(plot, drawn.figures.values())),
        plot(frontier.figure),
        words(f'<p class="caption">{FRONTIER}</p>'),
        DemandView(session).view(),
        table,
        sizing_mode="stretch_width",
        margin=(10, 0),
    )


def text(result: Result) -> str:
    """Return the table as HTML."""
    advised = result.advice.strategy
    heads = "".join(
        f'<th scope="col" colspan="2" class="{"advised" if one.name == advised else ""}">{escape(one.name)}'
        f"{'<small>advised</small>' if one.name == advised else ''}</th>"
        for one in result.strategies
    )
    pair = "".join(
        f'<th scope="col"><small><abbr title="{meant}">{name}</abbr></small></th>' for name, meant in WORLDS.items()
    )
    twins = "<th></th>" + pair * len(result.strategies)
    body, said = "", vars(words_of(result.study.scenario))
    for group, rows in ROWS.items():
        body += f'<tr class="group"><th colspan="{1 + 2 * len(result.strategies)}">{group}</th></tr>'
        for key, (title, form) in rows.items():
            if _empty(result, key):
                continue
            cells = "".join(
                f"<td>{_cell(one.figures[key], form)}</td><td>{_cell(one.under_null[key], form)}</td>"
                for one in result.strategies
            )
            body += f'<tr><th scope="row">{title.format(**said)}</th>{cells}</tr>'
    body += compared(result, _cell)
    note = (
        f"{result.replicates:,} experiments per strategy and world, each ± its simulation standard error; "
        "no difference: the same experiments where no variant is better (the null twin)."
    )
    worth = estimators(result)
    lines = "".join(f"<li>{escape(sentence)}</li>" for sentence in caveats(result))
    noted = f'<section class="box notes"><h2>What to keep in mind</h2><ul>{lines}</ul></section>' if lines else ""
    return (
        '<div class="scroll" tabindex="0" role="region" aria-label="All figures"><table class="figures">'
        f"<caption>All figures</caption><thead><tr><th></th>{heads}</tr><tr>{twins}</tr></thead>"
        f'<tbody>{body}</tbody></table></div><p class="caption">{note}</p>{worth}{noted}'
    )


def _empty(result: Result, key: str) -> bool:
    """Tell whether a row would hold nothing but zeros, as the cost of people where nobody labels.

    On a prompt set nobody is served, traffic is nobody's, and the time to the answer is said once.
    """
    if result.study.scenario.offline is not None and key in ("exposures", "calendar_days"):
        return True
    return key.startswith(("cost.", "judged", "labelled", "rater", "waiting")) and not any(
        one.figures[key].value for one in result.strategies
    )


def _cell(found: Figure, form: Callable[[Any], str]) -> str:
    if found.value is None:
        return f'<span class="muted" title="{escape(found.reason or "undefined")}">n/a</span>'
    # What is the same in every experiment has an error of rounding alone.
    error = f"<small>± {form(found.se)}</small>" if found.se and found.se > 1e-9 * abs(found.value) else ""
    exact = f"<small>exact {form(found.exact)}</small>" if found.exact is not None else ""
    return f"{form(found.value)}{error}{exact}"
