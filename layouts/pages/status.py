"""The line that says what is being computed, with Run and Cancel; and the one line of a problem."""

from __future__ import annotations

from typing import Any

import panel as pn
import panel_material_ui as pmu

from expsim_panel.layouts.pages.frame import follow, words
from expsim_panel.layouts.session import Session


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
    said = words(margin=(9, 0, 4, 0), styles={"flex": "1 1 220px", "min-width": "0"}, min_height=22)
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

    follow(session, ["status", "progress", "words"], show)
    follow(session, ["error"], complain)
    row = pn.FlexBox(run, cancel, said, sizing_mode="stretch_width", margin=0)
    return pn.Column(problem, row, bar, sizing_mode="stretch_width", margin=(0, 0, 12, 0))


def literal(line: str) -> str:
    """Return text that a Markdown or HTML reader shows as it is: an error quotes what a person wrote."""
    marked = "".join(f"&#{ord(sign)};" if sign in "\\`*_{}[]()<>#+-.!|~&$:/@" else sign for sign in line)
    return marked
