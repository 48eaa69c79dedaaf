"""One static page about a calibration: how real the fitted law looks, the four distances drawn, the judges."""

from __future__ import annotations

from dataclasses import asdict
from html import escape

from bokeh.document import Document
from bokeh.events import DocumentReady
from bokeh.models import CustomJS, LinearColorMapper

from expsim_panel._version import VERSION
from expsim_panel.calibration import Calibration, levels_of
from expsim_panel.calibration_tables import doubts, nested_told, tables
from expsim_panel.exports._explorer import PAINT
from expsim_panel.exports._frame import framed
from expsim_panel.exports._page import STYLE
from expsim_panel.exports._scroll import scrolls
from expsim_panel.exports._standalone import standalone
from expsim_panel.plots import realism as drawing
from expsim_panel.plots._palette import DARK, LIGHT, diverging
from expsim_panel.quantities import count, percent
from expsim_panel.rating_table import Beside

TEMPLATE = framed("""
  {% for root in roots %}
  <section class="card" aria-label="Picture {{ loop.index }}">{{ embed(root) }}</section>
  {% endfor %}
  {{ tables }}
""")

# Legends and the colours of a difference are not among what the page's common script paints.
OTHERS = """
const dark = window.matchMedia('(prefers-color-scheme: dark)');
const paint = () => {
  const ink = dark.matches ? night : day;
  for (const legend of legends) legend.label_text_color = ink.muted;
  for (const mapper of mappers) mapper.palette = dark.matches ? dim : bright;
};
paint();
dark.addEventListener('change', paint);
"""


def page(found: Calibration, beside: Beside) -> str:
    """Return the page as one self-contained document that asks no other host for anything."""
    seen = found.realism
    plots = []
    if seen.score is not None and seen.real is not None:
        plots = drawing.linked(seen, levels_of(found))
    document = Document()
    for plot in plots:
        # The page shows through and follows the reader's mode.
        plot.background_fill_color = plot.border_fill_color = None
        document.add_root(plot)
    if plots:
        inks = {"day": asdict(LIGHT), "night": asdict(DARK)}
        document.js_on_event(
            DocumentReady, CustomJS(args={"plots": plots, "glyphs": [], "drawn": [], **inks}, code=PAINT)
        )
        legends = [plot.legend[0] for plot in plots if plot.legend]
        mappers = [one for plot in plots for one in plot.select({"type": LinearColorMapper})]
        others = {"legends": legends, "mappers": mappers, "bright": diverging(LIGHT), "dim": diverging(DARK), **inks}
        document.js_on_event(DocumentReady, CustomJS(args=others, code=OTHERS))
    heading = f"What the ratings in {found.source} say"
    sentence = seen.reason if seen.honest is None else f"Realism {percent(seen.honest, 0)}"
    how = (
        "100 %: ratings that the fitted law plays are as close to unseen ratings as other real ratings are; mean of "
        f"four distances over {seen.splits} halvings by prompt, {count(seen.items)} items.{nested_told(seen)}"
        if seen.score is not None
        else ""
    )
    facts = [
        ("Version", f"expsim_panel {VERSION}"),
        ("File", found.source),
        ("SHA-256", found.sha256),
        ("Law", seen.law),
    ]
    variables = {
        "style": STYLE,
        "heading": escape(heading),
        "sentence": escape(sentence),
        "how": escape(how),
        "tables": _notes(found, beside)
        + "".join(
            table(one.title, list(one.head), [list(row) for row in one.rows], one.note) for one in tables(found, beside)
        ),
        "reproduce": "".join(f"<dt>{escape(what)}</dt><dd>{escape(value)}</dd>" for what, value in facts),
    }
    return standalone(document, escape(heading), TEMPLATE, variables)


def table(title: str, head: list[str], rows: list[list[str]], note: str = "") -> str:
    """Return a card with a table and a note below it; text is escaped here."""
    top = "".join(f"<th scope='col'>{escape(cell)}</th>" for cell in head)
    lines = [
        f"<tr><th scope='row'>{escape(row[0])}</th>{''.join(f'<td>{escape(cell)}</td>' for cell in row[1:])}</tr>"
        for row in rows
    ]
    body = f"<table><thead><tr>{top}</tr></thead><tbody>{''.join(lines)}</tbody></table>"
    name, below = escape(title), f"<p class='muted small'>{escape(note)}</p>" if note else ""
    return f"<section class='card' aria-label='{name}'><h2>{name}</h2>{scrolls(body, title)}{below}</section>"


def _notes(found: Calibration, beside: Beside) -> str:
    lines = doubts(found, beside)
    if not lines:
        return ""
    items = "".join(f"<li>{escape(line)}</li>" for line in lines)
    return f"<section class='card' aria-label='To know'><h2>To know</h2><ul>{items}</ul></section>"
