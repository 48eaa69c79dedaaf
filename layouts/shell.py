"""What a visitor sees before the page's scripts have run: the same head, as plain HTML in the server's answer.

The scripts take a second or more to arrive and to start. Until then this stands where the live page will: title
bar, verdict (or its skeleton), and grey bones for form and figures. The live page is built beneath it, and each part
goes when its live counterpart has been drawn, so that nothing flashes and nothing moves. Text is what the live pane
would show, escaped there; nothing here can be clicked, and `aria-busy` says so.
"""

from __future__ import annotations

import base64
import json
from functools import cache
from html import escape
from pathlib import Path
from typing import Any

import panel as pn
import panel_material_ui as pmu

from expsim_panel.layouts.names import NAMES
from expsim_panel.layouts.theme import FONT, SHEET, THEME

TABS = (
    '<div class="still" aria-hidden="true" '
    'style="display:flex;gap:42px;height:48px;margin:14px 0 18px;padding:16px 26px">'
    + '<div class="bone" style="width:56px;height:16px"></div>' * 4
    + "</div>"
)
"""Where the heads of the views will stand."""

BONES = (
    '<div class="still" aria-hidden="true" style="display:grid;gap:22px 16px;padding-top:14px;'
    'grid-template-columns:repeat(auto-fit,minmax(min(430px,100%),1fr))">'
    + '<div class="bone" style="height:250px"></div>' * 4
    + "</div>"
)
"""Where the figures will stand."""

TEMPLATE = """{% extends "base.html" %}
{% block js_resources %}
<style>
{{ shell.fonts }}
#shell, #shell > * { position: fixed; inset: 0; overflow: hidden; box-sizing: border-box; }
#shell { z-index: 2000; pointer-events: none; color: var(--text); font: 16px/1.45 {{ shell.font }}; }
#shell > .bar { bottom: auto; height: 56px; background: var(--bar); color: #fff; padding: 16px 68px 0;
  font-size: 19px; font-weight: 700; line-height: 1;
  box-shadow: 0 2px 4px -1px rgba(0,0,0,.2), 0 4px 5px rgba(0,0,0,.14), 0 1px 10px rgba(0,0,0,.12); z-index: 1; }
#shell > .side { right: auto; width: 320px; top: 56px; background: var(--panel); border-right: 1px solid var(--line);
  padding: 9px 10px; }
#shell > .main { top: 56px; left: 320px; background: var(--panel); }
#shell .column { max-width: 1440px; margin: 0 auto; padding: 22px 22px 0; }
#shell .status { margin-bottom: 14px; display: flex; flex-wrap: wrap; gap: 0 22px; }
#shell .status > .asked { flex: 999 1 380px; min-width: 0; padding-bottom: 7px; }
#shell .status > .doing { flex: 1 1 400px; display: flex; flex-wrap: wrap; gap: 5px 8px; padding-top: 4px; }
#shell .card { border: 1px solid var(--line); border-radius: 8px; padding: 16px 12px; margin-bottom: 10px; }
#shell .bone { border-radius: 6px; background: color-mix(in srgb, var(--text) 11%, transparent); }
#shell.closed > .side { display: none; }
#shell.closed > .main { left: 0; }
@media (max-width: 699px) {
  #shell > .bar { padding-left: 60px; padding-right: 56px; padding-top: 7px; }
  #shell > .side { display: none; }
  #shell > .main { left: 0; }
}
#skip { position: fixed; left: 8px; top: -60px; z-index: 3000; padding: 10px 16px; border-radius: 8px;
  background: #fff; color: #12344B; font: 600 15px/1.2 {{ shell.font }}; text-decoration: none; }
#skip:focus { top: 8px; outline: 3px solid #56B4E9; }
/* The framework's own loader would darken the page until everything is drawn; its error line stays. */
#loader:not(.error) { display: none !important; }
</style>
<link rel="preload" as="fetch" crossorigin href="{{ shell.bundle }}">
{% endblock %}
{% block contents %}
<a id="skip" href="#views">Skip the form</a>
<div id="shell" class="{{ shell.state }}" aria-busy="true" style="{{ shell.colours }}">
  <div class="bar">{{ shell.title }}</div>
  <div class="side" aria-hidden="true">{{ shell.form }}</div>
  <div class="main"><div class="column">
    <div class="status"><div class="asked"><template shadowrootmode="open">{{ shell.topic }}</template></div>
    <div class="doing" aria-hidden="true"><div class="bone" style="width:100px;height:35px"></div>
    <div class="bone" style="width:110px;height:35px"></div><div style="flex:1 1 220px;height:23px"></div></div></div>
    <div><template shadowrootmode="open">{{ shell.head }}</template></div>
  </div></div>
</div>
{{ bokeh_js }}
<script>
{{ shell.script }}
</script>
{{ super() }}
{% endblock %}
"""

SCRIPT = """(() => {
  // The page's components come from one module, which Panel asks for only when the document has arrived.
  if (window.importShim) importShim(new URL(BUNDLE, document.baseURI).href).catch(() => {})
  const shell = document.getElementById("shell")
  const part = (name) => shell.querySelector(":scope > " + name)
  const drawn = (view, selector) => {
    const found = view?.el?.shadowRoot?.querySelector(selector)
    // Panel lays its panes out hidden, and shows them when their style sheets have arrived.
    return found && found.getBoundingClientRect().height > 0 && getComputedStyle(found).visibility === "visible"
  }
  // One frame later the live part is on screen; only then may the copy go.
  const leave = (one) => requestAnimationFrame(() => requestAnimationFrame(() => one.remove()))
  const narrow = window.innerWidth < 700
  let folded = false, ticks = 0
  const look = () => {
    const models = window.Bokeh?.documents?.[0]?.all_models
    if (models) {
      const root = Bokeh.documents[0].roots()[0]
      // The browser alone knows its width in time: an open form would cover the verdict of a narrow window.
      if (narrow && !folded && root?.data) { folded = true; root.data.sidebar_open = false }
      const views = (test) => [...models].filter(test).map((model) => Bokeh.index.find_one(model))
      const ready = (wanted, selector) => wanted.length > 0 && wanted.every((view) => drawn(view, selector))
      if (ready(views((one) => one.css_classes?.includes("live-verdict")), ".verdict")
          && ready(views((one) => one.class_name === "Tabs"), "[role=tab]")
          && ready(views((one) => one.class_name === "Button"), "button"))
        for (const name of [".bar", ".main"]) gone(name)
      // Of the form, what is in view: the first card, which has to be complete, and the heads of the others.
      const cards = root?.data?.sidebar ?? []
      const form = [...cards, ...(cards[0]?.data?.objects ?? [])].filter((one) => one.class_name)
      if (ready(views((one) => form.includes(one)), "input, button, label")) gone(".side")
    }
    if (narrow && !part(".main")) gone(".side")
    if (!shell.firstElementChild || ++ticks > 1200) return shell.remove()
    setTimeout(look, 25)
  }
  const leaving = new Set()
  const gone = (name) => {
    const one = part(name)
    if (one && !leaving.has(name)) { leaving.add(name); leave(one) }
  }
  look()
})()"""


@cache
def fonts() -> str:
    """Return the style sheet of the page's font.

    The toolkit ships these files, but declares them anew when its scripts start, and text vanishes while they are
    asked for again. Under a name of its own the font stays; what the head needs of it is in the answer itself, so
    that its text neither waits for another answer nor changes its shape when that comes.
    """
    sheet, folder = "", Path(pmu.__file__).parent / "dist"
    for weight in (400, 500, 700):
        # The toolkit names its files after their content; without them the next font of the list is used.
        for path in sorted(folder.glob(f"roboto-latin-{weight}-normal-*.woff2"))[:1]:
            address, meanwhile = f"static/extensions/panel-material-ui/{path.name}", "swap"
            if weight != 500:
                meanwhile = "block"
                address = f"data:font/woff2;base64,{base64.b64encode(path.read_bytes()).decode('ascii')}"
            sheet += (
                f'@font-face {{ font-family: "Early Roboto"; font-weight: {weight}; font-display: {meanwhile}; '
                f'src: url("{address}") format("woff2"); }}\n'
            )
    return sheet


def variables(title: str, head: str, bundle: str, dark: bool, closed: bool, topic: str = "") -> dict[str, Any]:
    """Return what the template is filled with.

    Parameters
    ----------
    title : str
        Title of the page.
    head : str
        HTML of the verdict, as the live pane shows it: what people wrote is escaped there.
    bundle : str
        Address of the module with the page's components.
    dark, closed : bool
        Whether the page is dark, and whether its form starts closed.
    topic : str
        HTML of what is being asked, escaped as the head is.
    """
    mode = THEME["dark" if dark else "light"]
    palette = mode["palette"]
    text, panel, line = palette["text"]["primary"], palette["background"]["paper"], palette["divider"]
    bar = mode["components"]["MuiAppBar"]["styleOverrides"]["root"]["backgroundColor"]
    names = {
        "--text": text,
        "--panel": panel,
        "--line": line,
        "--bar": bar,
        # The names that the live page gives to its panes.
        "--panel-on-background-color": text,
        "--panel-on-surface-color": text,
        "--panel-surface-color": panel,
        "--panel-primary-color": palette["primary"]["main"],
    }
    row = '<div class="bone" style="width:55%;height:12px;margin-top:22px"></div>'
    row += '<div class="bone" style="height:26px;margin-top:10px"></div>'
    heading = '<div class="bone" style="width:96px;height:16px"></div>'
    cards = "".join(f'<div class="card">{heading}{row * count}</div>' for count in (7, 0, 5))
    return {
        "title": escape(title),
        "head": f"<style>{SHEET}</style>{head}{TABS}{BONES}",
        "topic": f"<style>{SHEET}</style>{topic}",
        "bundle": escape(bundle),
        "script": SCRIPT.replace("BUNDLE", json.dumps(bundle).replace("<", "\\u003c")) + ";\n" + NAMES,
        "fonts": fonts(),
        "font": FONT,
        "form": cards,
        "state": "closed" if closed else "",
        "colours": ";".join(f"{name}:{value}" for name, value in names.items()),
    }


def dress(made: pmu.Page, head: str, topic: str, dark: bool, closed: bool) -> None:
    """Give a page that has been made servable its shell."""
    document = pn.state.curdoc
    if document is None or not document.roots:
        return
    values = variables(str(made.title), head, str(document.roots[0].esm), dark, closed, topic)
    document.template_variables["shell"] = values
