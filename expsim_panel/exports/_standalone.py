"""One self-contained page around a Bokeh document."""

from __future__ import annotations

from bokeh.core.templates import FILE, MACROS, get_env
from bokeh.document import Document
from bokeh.embed.bundle import Bundle
from bokeh.embed.elements import html_page_for_render_items
from bokeh.embed.util import OutputDocumentFor, standalone_docs_json_and_render_items
from bokeh.resources import Resources


def standalone(document: Document, title: str, template: str, variables: dict[str, str]) -> str:
    """Return the page with BokehJS inside; title and variables are escaped already.

    Not `bokeh.embed.file_html`: it bundles the scripts of every model class registered in the process, so
    a page made inside the app would ask the app's server for Panel's.
    """
    if not document.roots:
        # Too little to draw, such as too few ratings: the page is its words and tables, and Bokeh would add a script.
        parts = {"title": title, "base": FILE, "macros": MACROS, "docs": [], "roots": [], "plot_script": ""}
        words: str = get_env().from_string("{% extends base %}\n" + template).render({**variables, **parts})
        return words
    bundle = Bundle(js_raw=Resources(mode="inline", components=["bokeh", "bokeh-widgets"]).js_raw)
    with OutputDocumentFor(document.roots, always_new=False):
        json, items = standalone_docs_json_and_render_items(document.roots)
        made: str = html_page_for_render_items(
            bundle, json, items, title=title, template=template, template_variables=variables
        )
    return made
