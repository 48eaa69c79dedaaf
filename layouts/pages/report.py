"""Report: the summary for a product manager, and everything to take away."""

from __future__ import annotations

import io
from collections.abc import Callable
from importlib import import_module

import panel as pn
import panel_material_ui as pmu
import tomli_w
from markdown_it import MarkdownIt

from expsim_panel.layouts.pages.frame import follow, words
from expsim_panel.layouts.session import Session

FRAME = '<div class="scroll" tabindex="0" role="region" aria-label="Table">'
"""A wide table scrolls in a frame of its own, which a keyboard reaches."""

# Raw HTML and pictures stay text: a scenario file of somebody else must neither run code nor call another host.
_READER = MarkdownIt("commonmark", {"html": False}).enable("table").disable("image")


_READER.add_render_rule("table_open", lambda *_: f"{FRAME}<table>")
_READER.add_render_rule("table_close", lambda *_: "</table></div>")


def _export(kind: str, session: Session) -> str:
    """Write the result on screen; the exports are imported when they are first wanted."""
    return (
        str(import_module(f"expsim_panel.exports.{kind}").write(session.result)) if session.result is not None else ""
    )


def view(session: Session) -> pn.Column:
    """Return the page; it follows the session."""
    summary = words()

    def named(suffix: str) -> str:
        return f"{session.name_shown}.{suffix}"

    def download(label: str, suffix: str, write: Callable[[], str]) -> pmu.FileDownload:
        button = pmu.FileDownload(
            label=label, filename=named(suffix), callback=lambda: io.BytesIO(write().encode("utf-8")), embed=False,
            auto=True, variant="outlined", size="small", width=210, margin=(4, 10, 4, 0),
        )  # fmt: skip
        session.param.watch(lambda event: setattr(button, "filename", named(suffix)), "study")
        return button

    buttons = [
        download("Summary (Markdown)", "md", lambda: _export("markdown", session)),
        download("Power surface (HTML)", "html", lambda: _export("html", session)),
        download("Scenario (TOML)", "toml", lambda: tomli_w.dumps(session.study.to_tree())),
    ]

    def show() -> None:
        if session.tab == "Report" and session.result is not None and session.result.complete:
            summary.object = f'<article class="report">{_READER.render(_export("markdown", session))}</article>'

    follow(session, ["result", "tab"], show)
    return pn.Column(
        pn.FlexBox(*buttons, sizing_mode="stretch_width"), summary, sizing_mode="stretch_width", margin=(10, 0)
    )
