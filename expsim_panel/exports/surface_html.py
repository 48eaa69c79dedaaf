"""One static page with a surface: the map, its errors where it is simulated, and every number as a table."""

from __future__ import annotations

from dataclasses import asdict
from html import escape

from bokeh.document import Document
from bokeh.events import DocumentReady
from bokeh.models import ColorBar, CustomJS

from expsim_panel._version import VERSION
from expsim_panel.exports._explorer import PAINT
from expsim_panel.exports._frame import framed
from expsim_panel.exports._page import STYLE
from expsim_panel.exports._standalone import standalone
from expsim_panel.plots._palette import DARK, LIGHT
from expsim_panel.plots.response_surface import ERROR, draw
from expsim_panel.response_surface import ResponseSurface, unsigned, written
from expsim_panel.scenario import Scenario

TEMPLATE = framed("""
  <section class="card" aria-label="The figure">{% for root in roots %}{{ embed(root) }}{% endfor %}</section>
  <section class="card" aria-label="Every number"><h2>Every number</h2>
    <div class="scroll" tabindex="0">{{ table }}</div></section>
""")


def page(made: ResponseSurface, scenario: Scenario) -> str:
    """Return the page as one self-contained document that asks no other host for anything."""
    plots = [draw(made)[0]]
    plots[0].title.visible = False
    if made.se is not None and made.y is not None:
        plots.append(draw(made, what=ERROR, height=320)[0])
        plots[1].title.text = "Its simulation error, one standard error"
    document = Document()
    for plot in plots:
        # The page shows through and follows the reader's mode.
        plot.background_fill_color = plot.border_fill_color = None
        for bar in plot.select({"type": ColorBar}):
            bar.background_fill_color = None
        document.add_root(plot)
    inks = {"day": asdict(LIGHT), "night": asdict(DARK)}
    paint = CustomJS(args={"plots": plots, "glyphs": [], "drawn": [], **inks}, code=PAINT)
    document.js_on_event(DocumentReady, paint)
    over = made.x.label.lower() + (f" and {made.y.label.lower()}" if made.y is not None else "")
    how = "Exact values, no simulation error."
    if made.se is not None:
        how = (
            f"Simulated, {made.replicates:,} experiments a cell ({made.reason}), the same random numbers in every cell."
        )
    how = " ".join([how, *(f"{note}." for note in made.notes), *(f"Empty cells: {gap}." for gap in made.gaps)])
    heading = scenario.scenario.title or scenario.scenario.name
    facts = [
        ("Version", f"expsim_panel {VERSION}"),
        ("Seed", str(made.seed)),
        ("Request digest", made.digest),
        ("Across", f"{made.x.path} = {made.x.values[0]:g} to {made.x.values[-1]:g}, {made.x.values.size} levels"),
    ]
    if made.y is not None:
        span = f"{made.y.values[0]:g} to {made.y.values[-1]:g}, {made.y.values.size} levels"
        facts.append(("Upwards", f"{made.y.path} = {span}"))
    variables = {
        "style": STYLE,
        "heading": escape(heading),
        "sentence": escape(f"{made.words} with {made.whose}, over {over}"),
        "how": escape(how),
        "table": _table(made),
        "reproduce": "".join(f"<dt>{escape(what)}</dt><dd>{escape(value)}</dd>" for what, value in facts),
    }
    return standalone(document, escape(f"{heading}: {made.words}"), TEMPLATE, variables)


def _table(made: ResponseSurface) -> str:
    """Return the values, with their errors below where there are any."""
    across = f"{made.x.label} →"
    corner = escape(across if made.y is None else f"{made.y.label} ↓, {across[0].lower()}{across[1:]}")
    head = "".join(f"<th scope='col'>{value:.4g}</th>" for value in made.x.values)
    lines = [f"<table><thead><tr><th scope='col'>{corner}</th>{head}</tr></thead><tbody>"]
    apart = made.minus is not None
    for i, row in enumerate(made.value):
        name = "" if made.y is None else f"{made.y.values[i]:.4g}"
        cells = []
        for j, value in enumerate(row):
            error = "" if made.se is None else f"<small>± {unsigned(made.metric, float(made.se[i, j]), apart)}</small>"
            cells.append(f"<td>{written(made.metric, float(value), apart)}{error}</td>")
        lines.append(f"<tr><th scope='row'>{name}</th>{''.join(cells)}</tr>")
    return "".join([*lines, "</tbody></table>"])
