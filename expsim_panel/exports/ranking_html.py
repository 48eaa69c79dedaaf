"""One static page about a ranking: abilities with intervals, places, pairs."""

from __future__ import annotations

from dataclasses import asdict
from html import escape

from bokeh.document import Document
from bokeh.events import DocumentReady
from bokeh.models import CustomJS

from expsim_panel._version import VERSION
from expsim_panel.exports._explorer import PAINT
from expsim_panel.exports._page import STYLE
from expsim_panel.exports._standalone import standalone
from expsim_panel.exports.calibration_html import TEMPLATE, table
from expsim_panel.plots import ranking as drawing
from expsim_panel.plots._palette import DARK, LIGHT
from expsim_panel.quantities import count, percent
from expsim_panel.ranking_answers import Standings, odds, signed


def page(found: Standings) -> str:
    """Return the page as one self-contained document that asks no other host for anything."""
    plot = drawing.draw(found)
    plot.background_fill_color = plot.border_fill_color = None
    document = Document()
    document.add_root(plot)
    inks = {"day": asdict(LIGHT), "night": asdict(DARK)}
    document.js_on_event(DocumentReady, CustomJS(args={"plots": [plot], "glyphs": [], "drawn": [], **inks}, code=PAINT))
    best = found.variants[0]
    heading = f"{count(found.verdicts)} verdicts on {count(found.clusters)} prompts"
    sentence = f"{best.name} is ranked first; the chance that it is the best is {percent(float(best.p_rank[0]))}."
    facts = [("Version", f"expsim_panel {VERSION}"), ("Command", "expsim rank FILE --html PAGE")]
    variables = {
        "style": STYLE,
        "heading": escape(heading),
        "sentence": escape(sentence),
        "how": "Bradley-Terry model with Davidson's ties; errors are clustered by prompt.",
        "tables": _variants(found) + _pairs(found),
        "reproduce": "".join(f"<dt>{escape(what)}</dt><dd>{escape(value)}</dd>" for what, value in facts),
    }
    return standalone(document, escape(heading), TEMPLATE, variables)


def _variants(found: Standings) -> str:
    head = ["Variant", "Rank", "Ability", "Interval", "Places", "P(best)", "Won", "Tied", "Lost"]
    rows = [
        [
            one.name, str(one.rank), signed(one.ability), f"{one.interval[0]:+.3f} to {one.interval[1]:+.3f}",
            f"{one.rank_interval[0]} to {one.rank_interval[1]}", percent(float(one.p_rank[0])),
            count(one.wins), count(one.ties), count(one.losses),
        ]
        for one in found.variants
    ]  # fmt: skip
    return table("Variants", head, rows)


def _pairs(found: Standings) -> str:
    head = ["Pair", "Wins of those that decide", "Interval", "P(better)", "Won", "Tied", "Lost"]
    rows = [
        [
            f"{one.better} over {one.other}", percent(odds(one.difference)),
            f"{percent(odds(one.interval[0]))} to {percent(odds(one.interval[1]))}", percent(one.p_better),
            count(one.wins), count(one.ties), count(one.losses),
        ]
        for one in found.pairs[:200]
    ]  # fmt: skip
    return table("Pairs", head, rows)
