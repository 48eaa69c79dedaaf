"""Pieces that every page is put together from."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import panel as pn
import panel_material_ui as pmu

from expsim_panel.layouts.session import Session
from expsim_panel.layouts.theme import SHEET


def words(html: str = "", **changes: Any) -> pn.pane.HTML:
    """Return a pane of text in the house style; the caller has escaped what people wrote."""
    return pn.pane.HTML(html, stylesheets=[SHEET], sizing_mode="stretch_width", **{"margin": (4, 0), **changes})


def plot(figure: Any) -> pn.pane.Bokeh:
    """Return a figure that takes half of a wide page and all of a phone's."""
    return pn.pane.Bokeh(figure, sizing_mode="stretch_width", margin=(6, 0))


def beside(*panes: Any) -> pn.Column:
    """Return panes side by side where there is room, below each other on a phone."""
    tracks = "repeat(auto-fit, minmax(min(430px, 100%), 1fr))"
    grid = {"display": "grid", "grid-template-columns": tracks, "gap": "6px 16px"}
    return pn.Column(*panes, styles=grid, sizing_mode="stretch_width", margin=0)


def follow(session: Session, names: list[str], show: Callable[[], None]) -> None:
    """Call `show` now and whenever one of the session's values changes, as one update of the document."""

    def changed(*_: object) -> None:
        with pn.io.hold():
            show()

    session.param.watch(changed, names)
    show()


# The whole head of a fold answers, not its arrow alone; a button that turns would keep its area to itself.
_HEAD = {
    # The arrow of an inner fold reaches 8 px beyond its card, which would scroll there when it takes the focus.
    "&": {"overflow": "clip"},
    "& > .MuiCardHeader-root .MuiIconButton-root": {"position": "static", "transform": "none"},
    "& > .MuiCardHeader-root .MuiIconButton-root[aria-expanded=true] svg": {"transform": "rotate(180deg)"},
    "& > .MuiCardHeader-root .MuiIconButton-root::after": {"content": '""', "position": "absolute", "inset": 0},
}
_TIGHT = {
    **_HEAD,
    "& > .MuiCardHeader-root": {"position": "relative", "padding": "8px 12px"},
    "& .MuiCardContent-root": {"padding": "2px 12px 8px"},
}
_INNER = {
    **_HEAD,
    "& > .MuiCardHeader-root": {"position": "relative", "padding": "4px 0"},
    "& .MuiCardContent-root": {"padding": "0"},
    "& > .MuiCardHeader-root .MuiTypography-root": {"fontSize": "14px", "fontWeight": 500},
}


class Fold:
    """A card that folds; what is in it is made when it is first opened: a closed card costs nothing."""

    def __init__(self, title: str, build: Callable[[], list[Any]], *, opened: bool = False, level: int = 0) -> None:
        self._build, self._made = build, False
        self.card = pmu.Card(
            title=title,
            collapsed=not opened,
            collapsible=True,
            outlined=level == 0,
            elevation=0,
            margin=(5, 10) if level == 0 else (3, 0),
            sizing_mode="stretch_width",
            title_variant="subtitle1" if level == 0 else "body2",
            sx=_TIGHT if level == 0 else _INNER,
        )
        self.card.param.watch(lambda event: self._fill(), "collapsed")
        self._fill()

    def refresh(self) -> None:
        """Build again: the fields are others now."""
        self._made = False
        self._fill()

    def _fill(self) -> None:
        if self._made:
            return
        if self.card.collapsed:
            self.card.objects = []
            return
        self._made = True
        self.card.objects = self._build()
