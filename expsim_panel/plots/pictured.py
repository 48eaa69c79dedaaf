"""Figures of the pictures of a bandit problem: one class for each kind of picture, made once and drawn many times."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from bokeh.models import ColumnDataSource, PlainText

from expsim_panel.plots._policies import styles
from expsim_panel.plots.bandit_traffic import BanditTraffic, Stack, names_of, stacked, title
from expsim_panel.plots.bars import Bars, Shares, bars_of, words_of
from expsim_panel.plots.courses import CoursePlot, Curves
from expsim_panel.plots.regret_frontier import RegretFrontier
from expsim_panel.problem_pictures import Dots, Picture

Drawn = CoursePlot | Bars | BanditTraffic | RegretFrontier


def made_for(picture: Picture, dark: bool = False, height: int = 340) -> Drawn:
    """Return an empty figure of the right kind."""
    kinds: dict[type, type] = {Curves: CoursePlot, Shares: Bars, Stack: BanditTraffic, Dots: RegretFrontier}
    made: Drawn = kinds[type(picture)](dark, height)
    return made


def draw(figure: Drawn, picture: Picture, chosen: str) -> None:
    """Show a picture with one policy in focus."""
    if isinstance(figure, CoursePlot) and isinstance(picture, Curves):
        figure.draw(picture, chosen)
    if isinstance(figure, Bars) and isinstance(picture, Shares):
        figure.draw(picture)
    if isinstance(figure, BanditTraffic) and isinstance(picture, Stack):
        figure.draw(picture)
    if isinstance(figure, RegretFrontier) and isinstance(picture, Dots):
        colours = [look.colour for look in styles([one.name for one in picture.points])]
        figure.show(picture.points, picture.x_label, picture.dollars, colours)
        figure.figure.title.text = picture.title
        figure.figure.yaxis.axis_label = PlainText(text=picture.y_label)


def in_focus(figure: Drawn, pictures: Sequence[Picture]) -> list[dict[str, Any]] | None:
    """Return what a figure shows of every policy in focus, for a script to switch; None where nothing changes.

    Parameters
    ----------
    figure : figure
        Drawn already.
    pictures : sequence
        The same picture with each policy in focus.
    """
    if isinstance(figure, CoursePlot):
        shown = [one for one in pictures if isinstance(one, Curves)]
        return [_course(figure.focused(one, index)) for index, one in enumerate(shown)]
    if isinstance(figure, BanditTraffic):
        stacks = [one for one in pictures if isinstance(one, Stack)]
        return [{"title": title(one.name), "data": [stacked(one), names_of(one)]} for one in stacks]
    if isinstance(figure, Bars):
        bars = [one for one in pictures if isinstance(one, Shares)]
        if all(one == bars[0] for one in bars):
            return None
        return [{"title": one.title, "data": [bars_of(one), words_of(one)]} for one in bars]
    return None


def _course(own: dict[str, Any]) -> dict[str, Any]:
    return {"title": own["title"], "colour": own["colour"], "data": [own["band"], {"width": own["width"]}]}


def sources(figure: Drawn) -> list[ColumnDataSource]:
    """Return the sources that `in_focus` gives data for, in its order."""
    if isinstance(figure, CoursePlot):
        return [figure.band, figure.lines]
    if isinstance(figure, RegretFrontier):
        return []
    return [figure.source, figure.ends]


def shade(figure: Drawn) -> Any:
    """Return the glyph whose colour is the policy's in focus; None without one."""
    return figure.shade.glyph if isinstance(figure, CoursePlot) else None


def inks(figure: Drawn) -> tuple[list[Any], list[Any]]:
    """Return the glyphs whose lines, and those whose text, have the colour of the page's text."""
    texts = [figure.names.glyph]
    if isinstance(figure, CoursePlot):
        return [figure.whisker.glyph], [*texts, figure.bound_name.glyph]
    if isinstance(figure, RegretFrontier):
        return [one.glyph for one in figure.whiskers], texts
    return [], texts
