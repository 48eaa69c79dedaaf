"""The app: ``panel serve layouts/app.py``, or ``expsim serve``."""

from __future__ import annotations

from typing import Any

import panel as pn
import panel_material_ui as pmu

from expsim_panel.layouts import shell
from expsim_panel.layouts.pages import (
    bandit_choice,
    compare,
    decide,
    evaluators,
    own_ratings,
    ranking,
    report,
    sidebar,
    status,
    surfaces,
    verdict,
    watch,
)
from expsim_panel.layouts.pages.frame import words
from expsim_panel.layouts.session import Session
from expsim_panel.layouts.theme import THEME

TITLE = "expsim: rehearse the experiment"
SOON = 20
"""Milliseconds until the page is filled: long enough for the answer with its shell to leave the server first."""


def page(scenario: str | None = None) -> pmu.Page:
    """Serve the page of one visitor, with a session of its own, and return it.

    The answer carries the shell and an empty page; while the browser loads its scripts the page is filled, piece by
    piece, so that the server can hand out those scripts in between.
    """
    try:
        dark = pn.config.theme == "dark"
    except UnicodeDecodeError:
        # What the link asks for is no text, and Panel would end the visit at every look at it.
        dark = False
        pn.config.theme = "default"
    pn.extension()
    session = Session(scenario, hold=pn.io.hold)
    session.start()
    session.dark = dark
    closed = "Mobi" in pn.state.headers.get("User-Agent", "")
    made = pmu.Page(
        title=TITLE,
        main=[pn.Spacer(height=0)],
        sidebar=[pn.Spacer(height=0)],
        sidebar_width=320,
        sidebar_variant="auto",
        sidebar_open=not closed,
        main_width=1440,
        theme_config=THEME,
        theme="dark" if dark else "default",
        template=shell.TEMPLATE,
        busy_indicator=None,
        sx={"& .MuiToolbar-root": {"minHeight": "52px"}, "& .MuiToolbar-root .title": {"fontSize": "19px"}},
    )
    made.param.watch(lambda event: setattr(session, "dark", event.new), "dark_theme")

    def fill_main() -> None:
        made.main = [main(session)]
        pn.state.curdoc.add_next_tick_callback(fill_form)

    def fill_form() -> None:
        made.sidebar = sidebar.Sidebar(session).cards

    pn.state.onload(session.begin)
    pn.state.on_session_destroyed(lambda context: session.close())
    made.servable()
    shell.dress(made, verdict.text(session), status.topic(session), dark, closed)
    if pn.state.curdoc is not None:
        pn.state.curdoc.add_timeout_callback(fill_main, SOON)
    return made


def main(session: Session) -> pn.Column:
    """Return what stands beside the form: verdict first, then the views."""
    views = {
        "Watch": watch.view,
        "Compare": compare.view,
        "Surfaces": surfaces.view,
        "Evaluators": evaluators.view,
        own_ratings.TAB: own_ratings.view,
        "Decide": decide.view,
        "Ranking": ranking.view,
        bandit_choice.TAB: bandit_choice.view,
        "Report": report.view,
    }
    made: dict[str, Any] = {}
    # The tabs are only the heads: Bokeh measures a figure inside a Material component before it is drawn,
    # and fails. Views stand below, in a plain column, and are made when they are first asked for.
    first = list(views).index(bandit_choice.TAB) if bandit_choice.linked() is not None else 0
    heads = ((name, pn.Spacer(height=0)) for name in views)
    tabs = pmu.Tabs(*heads, active=first, sizing_mode="stretch_width", margin=(14, 0, 0, 0))
    body = pn.Column(words(shell.BONES), sizing_mode="stretch_width", margin=0, min_height=600)

    def turn() -> None:
        name = list(views)[tabs.active]
        if name in made:
            fill(name)
        else:
            # A view takes a moment to make: bones stand under its head until then, not the view before it.
            body.objects = [words(shell.BONES)]
            pn.state.curdoc.add_timeout_callback(lambda: fill(name), SOON)

    def fill(name: str) -> None:
        # Who has clicked on meanwhile gets that view alone.
        if name != list(views)[tabs.active]:
            return
        with pn.io.hold():
            session.tab = name
            if name not in made:
                made[name] = views[name](session)
            body.objects = [made[name]]

    def begin() -> None:
        # After the first paint: figures are the dearest part of a page. A tab that was clicked before is the first
        # view then; two views in one update would refer to figures that the browser never gets.
        fill(list(views)[tabs.active])
        tabs.param.watch(lambda event: turn(), "active")

    pn.state.onload(begin)
    return pn.Column(
        status.view(session), verdict.view(session), tabs, body, sizing_mode="stretch_width", margin=(14, 22, 30, 22)
    )


if __name__.startswith("bokeh_app"):
    page()
