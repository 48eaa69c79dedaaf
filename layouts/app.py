"""The app: ``panel serve layouts/app.py``, or ``expsim serve``."""

from __future__ import annotations

from functools import cache
from typing import Any

import panel as pn
import panel_material_ui as pmu
from panel.custom import JSComponent

from expsim_panel.layouts.pages import compare, report, sidebar, status, surfaces, verdict, watch
from expsim_panel.layouts.session import Session
from expsim_panel.layouts.theme import THEME

TITLE = "expsim: rehearse the experiment"


@cache
def closer() -> type[JSComponent]:
    """Return the component that closes the form on phones, where it would cover the verdict.

    The browser alone knows its width in time. Made on first use: Panel's own parameters, which every component
    inherits, are none of this package's.
    """

    class ClosedOnPhones(JSComponent):  # type: ignore[misc]
        _esm = """
        export function render({view}) {
          if (window.innerWidth >= 700) return
          setTimeout(() => {
            for (const one of view.model.document.all_models)
              if ("sidebar_open" in (one.data?.attributes ?? {})) one.data.sidebar_open = false
          }, 0)
        }
        """

    return ClosedOnPhones


def page(scenario: str | None = None) -> pmu.Page:
    """Return the page of one visitor, with a session of its own."""
    pn.extension()
    session = Session(scenario, hold=pn.io.hold)
    dark = pn.config.theme == "dark"
    session.dark = dark
    made = pmu.Page(
        title=TITLE,
        main=[closer()(width=0, height=0, margin=0), main(session)],
        sidebar=sidebar.Sidebar(session).cards,
        sidebar_width=320,
        sidebar_variant="auto",
        sidebar_open="Mobi" not in pn.state.headers.get("User-Agent", ""),
        main_width=1440,
        theme_config=THEME,
        theme="dark" if dark else "default",
        busy_indicator=None,
        sx={"& .MuiToolbar-root": {"minHeight": "52px"}, "& .MuiToolbar-root .title": {"fontSize": "19px"}},
    )
    made.param.watch(lambda event: setattr(session, "dark", event.new), "dark_theme")

    async def begin() -> None:
        await session.play(0)

    pn.state.onload(begin)
    pn.state.on_session_destroyed(lambda context: session.close())
    return made


def main(session: Session) -> pn.Column:
    """Return what stands beside the form: verdict first, then the views."""
    views = {"Watch": watch.view, "Compare": compare.view, "Surfaces": surfaces.view, "Report": report.view}
    made: dict[str, Any] = {}
    # The tabs are only the heads: Bokeh measures a figure inside a Material component before it is drawn,
    # and fails. Views stand below, in a plain column, and are made when they are first asked for.
    tabs = pmu.Tabs(*((name, pn.Spacer(height=0)) for name in views), sizing_mode="stretch_width", margin=(14, 0, 0, 0))
    body = pn.Column(sizing_mode="stretch_width", margin=0, min_height=600)

    def turn() -> None:
        name = list(views)[tabs.active]
        with pn.io.hold():
            session.tab = name
            if name not in made:
                made[name] = views[name](session)
            body.objects = [made[name]]

    tabs.param.watch(lambda event: turn(), "active")
    # After the first paint: figures are the dearest part of a page, and there is nothing to show in them yet.
    pn.state.onload(turn)
    return pn.Column(
        status.view(session), verdict.view(session), tabs, body, sizing_mode="stretch_width", margin=(14, 22, 30, 22)
    )


if __name__.startswith("bokeh_app"):
    page().servable()
