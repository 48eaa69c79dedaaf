"""The head of the page: what is being asked, Run and Cancel with what is being computed, the one line of a problem."""

from __future__ import annotations

from html import escape
from typing import Any

import panel as pn
import panel_material_ui as pmu

from expsim_panel.layouts.pages.frame import follow, words
from expsim_panel.layouts.session import Session
from expsim_panel.printed import clean


def view(session: Session) -> pn.Column:
    """Return the line; it follows the session."""
    run = pmu.Button(label="Run", icon="play_arrow", color="primary", size="small", width=100, margin=(4, 8, 4, 0))
    cancel = pmu.Button(
        label="Cancel",
        icon="close",
        color="default",
        variant="outlined",
        size="small",
        width=110,
        margin=(4, 12, 4, 0),
        disabled=True,
    )
    asked = words(margin=(3, 0, 4, 0), styles={"flex": "999 1 380px", "min-width": "0"})
    said = words(margin=(3, 0, 0, 0), styles={"flex": "1 1 220px", "min-width": "0"}, min_height=22)
    bar = pmu.LinearProgress(value=0, max=100, variant="determinate", sizing_mode="stretch_width", margin=0)
    problem = pmu.Alert(object="", severity="error", visible=False, sizing_mode="stretch_width", margin=(0, 0, 8, 0))

    async def start(_: Any) -> None:
        await session.play(0)

    run.on_click(start)
    cancel.on_click(lambda _: session.cancel())

    def show() -> None:
        said.object = f'<span class="caption" role="status">{session.words}</span>'
        bar.value = session.progress
        bar.styles = {"visibility": "visible" if session.busy else "hidden"}
        cancel.disabled = not session.busy

    def complain() -> None:
        problem.param.update(object=literal(session.error), visible=bool(session.error))

    def ask() -> None:
        asked.object = topic(session)

    follow(session, ["study"], ask)
    follow(session, ["status", "progress", "words"], show)
    follow(session, ["error"], complain)
    # Beside the question where there is room, below it on a phone.
    doing = pn.FlexBox(run, cancel, said, margin=0, styles={"flex": "1 1 400px", "min-width": "0"})
    row = pn.FlexBox(asked, doing, sizing_mode="stretch_width", margin=0, gap="0 22px")
    return pn.Column(problem, row, bar, sizing_mode="stretch_width", margin=(0, 0, 10, 0))


def topic(session: Session) -> str:
    """Return what the study is about and what it asks, as HTML; what a person wrote is escaped."""
    about = session.study.scenario.scenario
    title, question = (escape(clean(text)) for text in (about.title or about.name, about.question))
    return f'<div class="topic"><b>{title}</b><span>{question}</span></div>'


def literal(line: str) -> str:
    """Return text that a Markdown or HTML reader shows as it is: an error quotes what a person wrote."""
    marked = "".join(f"&#{ord(sign)};" if sign in "\\`*_{}[]()<>#+-.!|~&$:/@" else sign for sign in line)
    return marked
