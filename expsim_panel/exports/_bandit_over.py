"""The part of bandit pages on what policies lose over one or two numbers; every kind of problem has it."""

from __future__ import annotations

from html import escape
from typing import Any

from expsim_panel.bandit_curves import RegretCurve
from expsim_panel.bandit_surface import RegretSurface
from expsim_panel.bandit_verdict import DOLLARS, lost
from expsim_panel.exports._scroll import scrolls
from expsim_panel.plots import response_surface
from expsim_panel.plots.regret_over_parameter import RegretOverParameter
from expsim_panel.response_surface import written
from expsim_panel.varied import FIGURES, LOST, USD, told


def curves(made: RegretCurve, usd: float | None) -> dict[str, RegretOverParameter]:
    """Return the figures of a curve by name, drawn."""
    found = {}
    for key in told(made.figures):
        found[f"over-{key}"] = drawn = RegretOverParameter()
        drawn.show(made, usd, key)
    return found


def maps(made: RegretSurface, dollars: bool) -> dict[str, Any]:
    """Return the figures of a map by name: the best bandit less the even split, or its own without one."""
    found = {}
    for key in told(made.figures):
        shown = USD if key == LOST and (dollars or made.family == DOLLARS) and USD in made.figures else key
        minus = made.minus(made.bandit)
        found[f"map-{key}"], _ = response_surface.draw(made.shown(made.bandit, shown, minus), height=400, bare=True)
        for bar in found[f"map-{key}"].right:
            # Its ground is white by default, in the dark too.
            bar.background_fill_alpha = 0.0
    return found


def over_section(curve: RegretCurve | None, usd: float | None) -> str:
    """Return a curve's figures as tables; nothing without one."""
    if curve is None:
        return ""
    head = "".join(f"<th scope='col'>{value:,.6g}</th>" for value in curve.values)
    made = ""
    for key in told(curve.figures):
        body = ""
        for name, row in zip(curve.names, curve.figures[key], strict=True):
            texts = (
                lost(float(value), curve.family, usd).split(" ")[0] if key == LOST else written(key, float(value))
                for value in row
            )
            cells = "".join(f"<td>{text}</td>" for text in texts)
            body += f"<tr><th scope='row'>{escape(name)}</th>{cells}</tr>"
        words = "Lost" if key == LOST else FIGURES[key]
        title = f"<h2 style='margin-top:18px'>{words}, over {escape(curve.label)}</h2>"
        table = (
            f"<table><thead><tr><th scope='col'>{escape(curve.path)}</th>{head}</tr></thead><tbody>{body}</tbody>"
            "</table>"
        )
        made += f"{title}{scrolls(table, f'{words}, over {curve.label}')}"
    return made
