"""Colours, type and CSS of the app; light and dark are both designed, and follow the page's switch live.

Panes live in shadow roots, so each gets its style sheet; colours come from the custom properties that the
page sets for its mode, apart from the few that must differ by more than the theme knows.
"""

from __future__ import annotations

from typing import Any

from expsim_panel.plots._dress import SHADES
from expsim_panel.plots._palette import DARK, LIGHT, Ink

FONT = '"Early Roboto", Roboto, Helvetica, Arial, sans-serif'
"""Fonts of the page; the first is the toolkit's own under a name of ours (`shell.fonts`)."""


def _mode(ink: Ink, primary: str, on_primary: str, bar: str) -> dict[str, Any]:
    return {
        "components": {
            "MuiAppBar": {
                "styleOverrides": {"root": {"backgroundColor": bar, "backgroundImage": "none", "color": "#FFFFFF"}}
            }
        },
        "palette": {
            "primary": {"main": primary, "contrastText": on_primary},
            "background": {"default": ink.page, "paper": ink.panel},
            "text": {"primary": ink.text, "secondary": ink.muted},
            # Arrows and signs of the inputs: the toolkit's own grey is lost on dark ground.
            "default": {"main": ink.muted, "light": ink.muted, "dark": ink.text, "contrastText": ink.page},
            "divider": ink.grid,
        },
        "typography": {"fontFamily": FONT, "fontSize": 14, "button": {"textTransform": "none"}},
        "shape": {"borderRadius": 8},
    }


THEME = {"light": _mode(LIGHT, "#005A8F", "#FFFFFF", "#12344B"), "dark": _mode(DARK, "#7CC4EE", "#0B1318", "#0E1418")}
"""Theme of the page, as Material UI reads it."""

ACTIONS = {
    "launch": ("M3 8.5l3.2 3.2L13 5", "Launch", "#007A5A", "#5FD3AE"),
    "keep": ("M4 4h8v8H4z", "Keep control", "#465057", "#B9C4CC"),
    "collect": ("M8 3v10M3 8h10", "Collect more", "#8A5A00", "#F2B84B"),
    "inconclusive": (
        "M5.5 6a2.5 2.5 0 1 1 3.6 2.2c-.8.4-1.1.8-1.1 1.6M8 12.4v.2",
        "Inconclusive",
        "#6B4A7A",
        "#D3B3E2",
    ),
}
"""Verdicts: icon (a path in 16 x 16), word, colour in light and in dark mode. The word carries the meaning alone."""

# Panel caps a pane at the height of the window: on a phone, what is higher would lie under what follows.
SHEET = """
:host { display: block; color: var(--panel-on-background-color);
  line-height: 1.45; max-height: none !important; }
* { box-sizing: border-box; font-family: FONT; }
h1, h2, h3, p, ul { margin: 0; }
abbr[title] { text-decoration: underline dotted; text-underline-offset: 3px; cursor: help; }
.muted { color: var(--panel-on-surface-color); opacity: .74; }
.topic b { display: block; font-size: 17px; font-weight: 700; line-height: 1.35; }
.topic span { font-size: 13px; opacity: .8; display: block; max-width: 110ch; }
.topic { overflow-wrap: anywhere; }
.verdict { border-radius: 10px; padding: 18px 22px 16px; border-left: 6px solid var(--tone);
  background: color-mix(in srgb, var(--tone) 9%, var(--panel-surface-color)); }
.verdict .word { display: flex; flex-wrap: wrap; align-items: center; gap: 2px 8px; font-weight: 700; font-size: 13px;
  color: var(--tone); letter-spacing: .02em; }
.verdict .word svg { flex: none; width: 22px; height: 22px; padding: 3px; border-radius: 50%; background: var(--tone);
  fill: none; stroke: var(--panel-surface-color); stroke-width: 2; stroke-linecap: round; stroke-linejoin: round; }
.verdict .who { font-weight: 400; color: var(--panel-on-surface-color); opacity: .78; letter-spacing: 0; }
.verdict h1, .verdict .said { font-size: 23px; line-height: 1.3; font-weight: 600; margin: 8px 0 14px; max-width: 84ch;
  overflow-wrap: anywhere; }
.numbers { display: grid; grid-template-columns: repeat(auto-fit, minmax(180px, 1fr)); gap: 10px 26px; }
.numbers b { display: block; font-size: 21px; font-weight: 600; font-variant-numeric: tabular-nums; }
.numbers span { font-size: 13px; opacity: .8; }
.two { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(320px, 100%), 1fr)); gap: 14px;
  margin-top: 14px; align-items: start; }
p, li { font-size: 15px; }
details.forms { font-size: 14px; } code { font-family: ui-monospace, "SFMono-Regular", Menlo, Consolas, monospace;
  font-size: 13px; overflow-wrap: anywhere; }
.box details { margin-top: 6px; font-size: 14px; } summary { cursor: pointer; color: var(--panel-primary-color); }
.box { border: 1px solid color-mix(in srgb, var(--panel-on-surface-color) 16%, transparent); border-radius: 10px;
  padding: 14px 18px; overflow-wrap: anywhere; }
.box h2 { font-size: 14px; font-weight: 700; margin-bottom: 6px; }
.box p, .box li { font-size: 14px; }
.notes { margin-top: 14px; } .box ul { padding-left: 18px; } .box li { margin-top: 3px; }
.old .verdict, .old .box { opacity: .62; }
.bone { border-radius: 6px; background: color-mix(in srgb, var(--panel-on-surface-color) 11%, transparent);
  animation: breathe 1.4s ease-in-out infinite; }
.still .bone { animation: none; }
@keyframes breathe { 50% { opacity: .45; } }
@media (prefers-reduced-motion: reduce) { .bone { animation: none; } }
.caption { font-size: 13px; opacity: .8; max-width: 100ch; overflow-wrap: anywhere; }
.scroll { overflow-x: auto; -webkit-overflow-scrolling: touch; --paper: var(--panel-surface-color);
  --edge: color-mix(in srgb, var(--panel-on-surface-color) 24%, transparent); SHADES }
table { border-collapse: collapse; font-size: 13px; font-variant-numeric: tabular-nums; width: 100%; }
caption { text-align: left; font-weight: 700; font-size: 14px; padding: 4px 0 8px; }
.scroll + .scroll { margin-top: 16px; } .scroll + .caption, .scroll + ul { margin-top: 8px; }
th, td { text-align: right; padding: 5px 7px; white-space: nowrap; vertical-align: top;
  border-bottom: 1px solid color-mix(in srgb, var(--panel-on-surface-color) 13%, transparent); }
th:first-child, td:first-child { text-align: left; position: sticky; left: 0; background: var(--panel-surface-color); }
thead th { font-weight: 600; } tbody th { font-weight: 500; }
td small, th small { display: block; font-size: 12px; opacity: .76; font-weight: 400; }
td.note, th.note { text-align: left; white-space: normal; min-width: 200px; }
.figures thead th { white-space: normal; min-width: 84px; }
.figures th:first-child { white-space: normal; min-width: 130px; max-width: 210px; }
tr.group th { text-align: left; font-weight: 700; padding-top: 14px; }
.advised { color: var(--panel-primary-color); }
.report { overflow-wrap: anywhere; } .report > :not(.scroll) { max-width: 78ch; }
.report .scroll { margin: 6px 0; } .report .scroll table { width: auto; min-width: min(78ch, 100%); }
.report td:first-child { white-space: normal; min-width: 130px; }
.report pre { overflow-x: auto; } .report h1 { font-size: 22px; }
.report h2 { font-size: 17px; margin-top: 18px; }
.report h3 { font-size: 15px; margin-top: 14px; } .report p, .report li { font-size: 15px; }
.report p, .report ul { margin: 8px 0; }
@media (max-width: 600px) { .topic span { display: none; } .verdict { padding: 14px 16px; }
  .verdict h1, .verdict .said { font-size: 19px; }
  .numbers { grid-template-columns: auto 1fr; gap: 6px 14px; } .numbers b { font-size: 18px; }
  .numbers > div { display: grid; grid-column: span 2; grid-template-columns: subgrid; align-items: baseline; } }
""".replace("FONT", FONT).replace("SHADES", SHADES)
"""Style of every pane of text."""


def tone(action: str, dark: bool) -> str:
    """Return the colour of a verdict in a mode."""
    return ACTIONS[action][3 if dark else 2]
