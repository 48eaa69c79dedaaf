"""One static page with a bandit problem beyond the classic one: harm, budgets, ratings, segments, duels."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from html import escape
from typing import Any

import numpy as np
from bokeh.document import Document
from bokeh.events import DocumentReady
from bokeh.models import CustomJS

from expsim_panel._version import VERSION
from expsim_panel.bandit_blocks import PlayedProblem
from expsim_panel.bandit_curves import RegretCurve
from expsim_panel.bandit_inference import Inference
from expsim_panel.bandit_problems import command
from expsim_panel.bandit_surface import RegretSurface
from expsim_panel.exports._bandit_inference import learned_section
from expsim_panel.exports._bandit_over import curves, maps, over_section
from expsim_panel.exports._page import STYLE
from expsim_panel.exports._standalone import standalone
from expsim_panel.exports.bandit_html import PAINT_ALL, TEMPLATE, choice
from expsim_panel.plots import pictured
from expsim_panel.plots._palette import DARK, LIGHT
from expsim_panel.problem_pictures import how, pictures
from expsim_panel.problem_tables import table
from expsim_panel.problem_verdicts import verdict

SWITCH = """
const k = Number(cb_obj.value);
for (const part of parts) {
  const one = part.all[k];
  part.sources.forEach((source, i) => { source.data = {...source.data, ...one.data[i]} });
  part.figure.title.text = one.title;
  if (part.shade) part.shade.fill_color = one.colour;
}
"""


def page(
    found: PlayedProblem[Any],
    given: Mapping[str, Any],
    curve: RegretCurve | None = None,
    learned: Sequence[Inference] = (),
    surface: RegretSurface | None = None,
) -> str:
    """Return the page as one self-contained document that asks no other host for anything.

    Parameters
    ----------
    found : PlayedProblem
        Policies on one problem.
    given : mapping
        What was typed, by the names of the flags (`bandit_problems.play`): the command that gives it again.
    curve, learned, surface
        As for `bandit_html.page`.
    """
    answer = verdict(found)
    document, plots, glyphs, texts = _figures(found, answer.policy)
    over = {} if curve is None else curves(curve, None)
    glyphs += [one.whisker.glyph for one in over.values()]
    texts += [one.names.glyph for one in over.values()]
    more = {key: one.figure for key, one in over.items()} | ({} if surface is None else maps(surface, False))
    for key, plot in more.items():
        plot.name = key
        plot.background_fill_color = plot.border_fill_color = None
        plots.append(plot)
        document.add_root(plot)
    paint = CustomJS(
        args={
            "plots": plots, "glyphs": glyphs, "drawn": [], "texts": texts, "day": asdict(LIGHT), "night": asdict(DARK)
        },
        code=PAINT_ALL,
    )  # fmt: skip
    document.js_on_event(DocumentReady, paint)
    numbers = "".join(f"<div><dt>{escape(what)}</dt><dd>{escape(value)}</dd></div>" for value, what in answer.numbers)
    names = [one.name for one in found.policies]
    facts = (
        ("Version", f"expsim_panel {VERSION}"),
        ("Command", command(given, names, found.horizon, found.replicates, found.seed)),
        ("Request digest", found.request_digest),
        ("Result digest", found.digest),
    )
    variables = {
        "style": STYLE + ".figures caption { display: none; }",
        "heading": "A/B or bandit?",
        "sentence": escape(answer.sentence),
        "numbers": numbers,
        "notes": "<ul>" + "".join(f"<li>{escape(note)}</li>" for note in answer.notes) + "</ul>",
        "how": escape(how(found)),
        "table": table(found),
        "over": over_section(curve, None),
        "learned": learned_section(learned),
        "reproduce": "".join(f"<dt>{escape(what)}</dt><dd>{escape(value)}</dd>" for what, value in facts),
    }
    return standalone(document, escape(f"A/B or bandit? {answer.sentence}"), TEMPLATE, variables)


def _figures(found: PlayedProblem[Any], chosen: str) -> tuple[Document, list[Any], list[Any], list[Any]]:
    """Return the document, its plots, and the glyphs whose lines and text take the page's colour."""
    names = [one.name for one in found.policies]
    every = [pictures(found, name) for name in names]
    index = names.index(chosen)
    document, parts = Document(), []
    plots, glyphs, texts = [], [], []
    for key, picture in every[index].items():
        drawn = pictured.made_for(picture)
        pictured.draw(drawn, picture, chosen)
        plot = drawn.figure
        plot.name = key
        # The page shows through and follows the reader's mode.
        plot.background_fill_color = plot.border_fill_color = None
        lines, words = pictured.inks(drawn)
        plots.append(plot)
        glyphs += lines
        texts += words
        shown = pictured.in_focus(drawn, [one[key] for one in every])
        if shown is not None:
            parts.append(
                {"all": [_listed(one) for one in shown], "sources": pictured.sources(drawn), "figure": plot,
                 "shade": pictured.shade(drawn)}
            )  # fmt: skip
    focus = choice("choose-policy", "Policy in focus", index, [(str(i), name) for i, name in enumerate(names)])
    focus.js_on_change("value", CustomJS(args={"parts": parts}, code=SWITCH))
    for root in (focus, *plots):
        document.add_root(root)
    return document, plots, glyphs, texts


def _listed(one: dict[str, Any]) -> dict[str, Any]:
    """Return the same with lists in place of arrays."""
    data = [{key: np.asarray(column).tolist() for key, column in part.items()} for part in one["data"]]
    return {**one, "data": data}
