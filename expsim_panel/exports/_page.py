"""Template and style of the static page. Variables are escaped by the caller; nothing is fetched."""

from __future__ import annotations

from expsim_panel.exports._frame import FOOT, HEAD
from expsim_panel.plots._dress import FONT, SHADES
from expsim_panel.plots._palette import DARK, LIGHT, WARNING_TEXT, Ink


def _variables(ink: Ink) -> str:
    named = {
        "page": ink.page,
        "panel": ink.panel,
        "text": ink.text,
        "muted": ink.muted,
        "grid": ink.grid,
        "accent": ink.accent,
    }
    return " ".join(f"--{name}: {colour};" for name, colour in named.items())


STYLE = f"""
:root {{ color-scheme: light dark; {_variables(LIGHT)} }}
@media (prefers-color-scheme: dark) {{ :root {{ {_variables(DARK)} }} }}
* {{ box-sizing: border-box; }}
body {{ margin: 0; background: var(--page); color: var(--text); font: 16px/1.5 {FONT}; }}
main {{ max-width: 1440px; margin: 0 auto; padding: 28px 32px 40px; }}
h1 {{ font-size: 15px; font-weight: 600; color: var(--muted); margin: 0 0 4px; letter-spacing: .01em; }}
h2 {{ font-size: 18px; line-height: 1.3; margin: 0 0 4px; }}
p {{ margin: 0; max-width: 90ch; overflow-wrap: anywhere; }}
.verdict {{ font-size: 25px; line-height: 1.28; font-weight: 650; max-width: 48ch; margin: 8px 0 14px;
  letter-spacing: -.01em; }}
.badge {{ display: inline-block; border: 1.5px solid currentColor; border-radius: 99px; padding: 1px 11px;
  font-size: 13px; font-weight: 600; color: var(--accent); }}
.muted {{ color: var(--muted); }}
.small {{ font-size: 14px; }}
.card > ul {{ margin: 14px 0 0; padding-left: 18px; font-size: 14px; max-width: 100ch; }}
.card > ul li {{ margin-bottom: 4px; }}
.top {{ display: grid; margin-top: 14px; grid-template-columns: minmax(0, 3fr) minmax(0, 2fr); gap: 40px;
  margin-bottom: 30px; align-items: start; }}
.top ul {{ margin: 0; padding-left: 18px; font-size: 15px; }}
.top li {{ margin-bottom: 4px; overflow-wrap: anywhere; }}
.numbers {{ display: flex; flex-wrap: wrap; gap: 12px 36px; margin: 0; }}
.numbers div {{ min-width: 0; }}
.numbers dt {{ font-size: 13px; color: var(--muted); }}
.numbers dd {{ margin: 0; font-size: 22px; font-weight: 650; font-variant-numeric: tabular-nums; }}
.card {{ background: var(--panel); border: 1px solid var(--grid); border-radius: 12px;
  padding: 20px; margin-bottom: 20px; min-width: 0; }}
.controls {{ display: grid; grid-template-columns: repeat(4, minmax(0, 1fr)); gap: 14px; margin: 14px 0 10px; }}
.explore {{ display: grid; grid-template-columns: minmax(0, 11fr) minmax(0, 9fr); gap: 24px; }}
.explore figure {{ margin: 0; min-width: 0; }}
figcaption {{ font-weight: 650; font-size: 14.5px; margin-bottom: 4px; overflow-wrap: anywhere; }}
.map {{ height: 580px; }}
.curve {{ height: 330px; }}
#says {{ font-size: 17px; font-weight: 550; margin: 0 0 10px; min-height: 3em; }}
.reading {{ border-left: 4px solid #E69F00; padding: 2px 0 2px 16px; margin-bottom: 14px; }}
.scroll {{ overflow-x: auto; --paper: var(--panel);
  --edge: color-mix(in srgb, var(--text) 24%, transparent); {SHADES} }}
table {{ border-collapse: collapse; width: 100%; font-size: 14.5px; font-variant-numeric: tabular-nums; }}
th, td {{ text-align: right; padding: 7px 0 7px 18px; border-bottom: 1px solid var(--grid);
  white-space: nowrap; vertical-align: top; }}
th:first-child, td:first-child {{ text-align: left; padding-left: 0; white-space: normal; min-width: 190px; }}
th {{ color: var(--muted); font-weight: 550; font-size: 13px; white-space: normal; vertical-align: bottom; }}
td small {{ display: block; color: var(--muted); font-size: 13px; }}
td .error {{ display: block; }}
td .error {{ color: var(--muted); font-size: 12.5px; }}
td .alarm {{ color: {WARNING_TEXT}; font-weight: 650; }}
@media (prefers-color-scheme: dark) {{ td .alarm {{ color: #FF8A4A; }} }}
footer dl {{ display: grid; grid-template-columns: max-content minmax(0, 1fr); gap: 3px 18px;
  margin: 8px 0 0; font-size: 13px; }}
footer dt {{ color: var(--muted); }}
footer dd {{ margin: 0; overflow-wrap: anywhere; font-family: ui-monospace, Consolas, monospace; font-size: 12.5px; }}
@media (max-width: 900px) {{
  main {{ padding: 18px 14px 28px; }}
  .top, .explore {{ grid-template-columns: minmax(0, 1fr); gap: 20px; }}
  .controls {{ grid-template-columns: repeat(2, minmax(0, 1fr)); }}
  .verdict {{ font-size: 21px; }}
  .map {{ height: 400px; }}
  .curve {{ height: 270px; }}
  .card {{ padding: 14px; border-radius: 10px; }}
  .numbers {{ gap: 10px 22px; }}
  .numbers dd {{ font-size: 19px; }}
  th:first-child, td:first-child {{ min-width: 130px; }}
  footer dl {{ grid-template-columns: minmax(0, 1fr); }}
  footer dd {{ margin-bottom: 6px; }}
}}
@media print {{
  body {{ background: none; }}
  .card {{ break-inside: avoid; }}
  .scroll {{ overflow: visible; background: none; }}
}}
@media (max-width: 480px) {{
  .controls {{ grid-template-columns: minmax(0, 1fr); gap: 8px; }}
}}
"""

WIDGETS = """
:host { --bokeh-font-size: 15px; }
label { font: 600 13px/1.4 system-ui, sans-serif; color: var(--muted); }
select.bk-input { font: 15px system-ui, sans-serif; height: 40px; color: var(--text); background-color: var(--panel);
  border: 1px solid var(--muted); border-radius: 8px; padding: 0 8px 0 10px; text-overflow: ellipsis;
  appearance: auto !important; background-image: none !important; color-scheme: light dark; }
select.bk-input:focus-visible { outline: 3px solid var(--accent); outline-offset: 1px; }
option { color: var(--text); background: var(--panel); }
"""
"""Style inside the widgets; the page's colour variables reach through their shadow roots."""

_BODY = """{% block postamble %}<style>{{ style }}</style>{% endblock %}
{% block contents %}
<main>
  <h1>{{ heading }}</h1>
  {% if question %}<p class="muted small">{{ question }}</p>{% endif %}
  <div class="top">
    <section aria-label="Verdict">
      <span class="badge">{{ badge }}</span>
      <p class="verdict">{{ verdict }}</p>
      <dl class="numbers">{{ numbers }}</dl>
      <p class="muted small" style="margin-top:10px">{{ whose }}</p>
    </section>
    <section aria-label="What carries it and what would change it">
      <h2>{{ reasons_title }}</h2>
      {{ reasons }}
      <h2 style="margin-top:14px">Which plan to run</h2>
      <p class="small">{{ advice }}</p>
    </section>
  </div>
  <section class="card" aria-label="Explore the plan">
    <h2>How sure can a plan be?</h2>
    <p class="muted small">{{ hint }}</p>
    <div class="controls">
      <div>{{ embed(roots.strategy) }}</div><div>{{ embed(roots.metric) }}</div>
      <div>{{ embed(roots.traffic) }}</div><div>{{ embed(roots.truth) }}</div>
    </div>
    <div class="explore">
      <figure role="group" aria-label="Heat map: improvement across, {{ size }} upwards; choices and text say the same">
        <figcaption id="map-title">{{ map_title }}</figcaption>
        <div class="map">{{ embed(roots.map) }}</div>
      </figure>
      <div>
        <div class="reading" aria-live="polite">
          <p id="says">{{ says }}</p>
          <dl class="numbers">
            <div><dt id="label-power">{{ label_power }}</dt><dd id="value-power">{{ value_power }}</dd></div>
            <div><dt>{{ label_days }}</dt><dd id="value-days">{{ value_days }}</dd></div>
            <div><dt>cost on average</dt><dd id="value-cost">{{ value_cost }}</dd></div>
          </dl>
          <p class="small" style="margin-top:8px" id="reach">{{ reach }}</p>
        </div>
        <figure role="group" aria-label="Curve of the chosen {{ size }} over the true improvement">
          <figcaption id="curve-title">{{ curve_title }}</figcaption>
          <div class="curve">{{ embed(roots.curve) }}</div>
        </figure>
      </div>
    </div>
    <p class="muted small" id="kind" style="margin-top:8px">{{ kind }}</p>
  </section>
  <section class="card" aria-label="Strategies">
    <h2>The strategies at your plan</h2>
    <p class="muted small">{{ table_note }}</p>
    <div class="scroll" tabindex="0" role="region" aria-label="Strategies">{{ table }}</div>
    {{ notes }}{{ estimators }}
  </section>
  {{ guardrails }}
"""

TEMPLATE = HEAD + _BODY + FOOT
