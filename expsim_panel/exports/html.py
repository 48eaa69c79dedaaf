"""One static HTML file: verdict, strategies, and a power surface that stays interactive without a server."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from html import escape
from typing import Any

import numpy as np
from bokeh.document import Document
from bokeh.events import DocumentReady, Tap
from bokeh.models import (
    ColorBar,
    ColumnDataSource,
    CustomJS,
    CustomJSTickFormatter,
    InlineStyleSheet,
    PlainText,
    Select,
)

from expsim_panel.caveats import caveats
from expsim_panel.exports._estimators import estimators
from expsim_panel.exports._explorer import EXPLORE, PAINT, SCALE
from expsim_panel.exports._guardrails import section
from expsim_panel.exports._page import STYLE, TEMPLATE, WIDGETS
from expsim_panel.exports._reproduce import facts
from expsim_panel.exports._standalone import standalone
from expsim_panel.exports._strategies import BADGES, carrying, plain_figure, rows
from expsim_panel.plots import power_curve as curves
from expsim_panel.plots import power_surface as maps
from expsim_panel.plots._frame import plain
from expsim_panel.plots._palette import DARK, LIGHT, Ink
from expsim_panel.printed import clean
from expsim_panel.quantities import count, effect, percent
from expsim_panel.results import Result
from expsim_panel.surface import METRICS, PowerSurface, power_surface


def write(
    result: Result,
    strategies: Sequence[str] | None = None,
    *,
    progress: Callable[[int, int], None] | None = None,
    cancelled: Callable[[], bool] | None = None,
) -> str:
    """Return the page as one self-contained document that asks no other host for anything.

    Parameters
    ----------
    result : Result
        A finished run.
    strategies : sequence of str, optional
        Whose surfaces to include; all of the run's by default. Adaptive ones are simulated, which takes seconds.
    progress, cancelled
        As in `power_surface`; progress counts hundredths of the whole.
    """
    names = list(strategies) if strategies else [one.name for one in result.strategies]
    study = result.study
    made = []
    for place, name in enumerate(names):
        watch = _share(progress, place, len(names))
        made.append(power_surface(study, name, progress=watch, cancelled=cancelled))
    return page(result, made)


def page(result: Result, surfaces: Sequence[PowerSurface]) -> str:
    """Return the page of surfaces that are already computed; the advised strategy's is shown first."""
    names = [surface.origin.strategy for surface in surfaces]
    first = names.index(result.advice.strategy) if result.advice.strategy in names else 0
    document, words = _explorer(surfaces, first)
    scenario = result.study.scenario
    verdict = result.verdict
    heading = clean(scenario.scenario.title or scenario.scenario.name)
    noted = "".join(f"<li>{escape(sentence)}</li>" for sentence in caveats(result))
    changed = "".join(f"<li>{escape(reason)}</li>" for reason in verdict.reasons)
    variables = {
        "style": STYLE,
        "description": escape(f"{verdict.sentence} {heading}"),
        "heading": escape(heading),
        "question": escape(clean(scenario.scenario.question)),
        "badge": BADGES[verdict.action],
        "verdict": escape(verdict.sentence),
        "whose": escape(
            f"What one simulated experiment (number {result.request.luck}) says, stopped by {verdict.strategy}. "
            f"{count(result.replicates)} more like it are behind the figures below."
        ),
        "numbers": "".join(
            f"<div><dt>{escape(what)}</dt><dd>{escape(value)}</dd></div>" for what, value in carrying(result)
        ),
        "reasons_title": "What carries it, and what would change it",
        "reasons": f"<ul>{changed}</ul>" if changed else "<p>Nothing beyond the interval.</p>",
        "advice": escape(result.advice.sentence),
        "hint": "Tap a cell, or choose below. White line: four experiments in five find the difference. "
        "Diamond: your plan.",
        "table_note": "Each figure ± its simulation error; exact values where they exist. "
        "▲ marks more false alarms than allowed.",
        "notes": f"<ul>{noted}</ul>" if noted else "",
        "table": _table(result),
        "estimators": estimators(result),
        "guardrails": section(result),
        "reproduce": "".join(f"<dt>{escape(what)}</dt><dd>{escape(value)}</dd>" for what, value in facts(result)),
        **{key: escape(value) for key, value in words.items()},
    }
    title = escape(f"{heading}: how sure can a plan be?")
    return standalone(document, title, TEMPLATE, variables)


def _explorer(surfaces: Sequence[PowerSurface], first: int) -> tuple[Document, dict[str, str]]:
    """Build the Bokeh document, and the texts that the page shows before anyone touches it."""
    shown = surfaces[first]
    i, j = shown.nearest(shown.origin.effect, shown.origin.units)
    tables = [_cube(surface) for surface in surfaces]
    plot, sources = maps.draw(shown, height=560)
    shape = curves.of_row(shown, j, "power")
    curve, parts = curves.draw(shape, height=330)
    parts["here"].data = curves.mark(shape, float(shown.effects[i]))
    sources["chosen"].data = maps.outline(shown, i, j)
    reach = max(float(surface.effects[-1]) for surface in surfaces) * maps.scale(shown.origin)
    curve.x_range.start, curve.x_range.end = -0.02 * reach, 1.08 * reach
    ceilings = {metric: max(maps.span(surface, metric)[1] for surface in surfaces) for metric in METRICS}
    bar = next(item for item in plot.right if isinstance(item, ColorBar))
    sheet = InlineStyleSheet(css=WIDGETS)
    names = [(str(k), surface.origin.strategy) for k, surface in enumerate(surfaces)]

    def select(name: str, title: str, options: list[tuple[str, str]], value: str) -> Select:
        return Select(
            name=name, title=title, options=options, value=value, sizing_mode="stretch_width", stylesheets=[sheet]
        )

    widgets = {
        "strategy": select("strategy", "Strategy", names, str(first)),
        "metric": select("metric", "Show", list(shown.origin.titles.items()), "power"),
        "traffic": select("traffic", shown.origin.words.size, _options(tables[first]["unit_texts"]), str(j)),
        "truth": select("truth", "True improvement", _options(tables[first]["effect_texts"]), str(i)),
    }
    state = ColumnDataSource(
        {"effect": [float(tables[first]["effects"][i])], "units": [float(shown.units[j])]}, name="state", tags=["idle"]
    )
    explore = CustomJS(
        args={
            **widgets, **sources, **parts, "all": tables, "state": state, "map": plot, "curve": curve,
            "mapper": bar.color_mapper, "ceilings": ceilings, "titles": shown.origin.titles, "lift": curves.LIFT,
            "formats": {metric: maps.formatter(metric) for metric in METRICS},
            "targets": list(curve.select({"name": "target"})),
        },
        code=EXPLORE,
    )  # fmt: skip
    for widget in widgets.values():
        widget.js_on_change("value", explore)
    plot.js_on_event(Tap, explore)
    # The page writes the headings, which wrap, and shows through, which follows the reader's mode.
    for made in (plot, curve):
        made.title.visible = False
        made.background_fill_color = made.border_fill_color = None
        made.sizing_mode = "stretch_both"
        made.xaxis.axis_label = PlainText(text=f"True improvement, {maps.effect_unit(shown.origin)}")
    bar.background_fill_color = None
    # A colour bar does not notice another formatter; this one asks which metric is shown.
    bar.formatter = CustomJSTickFormatter(args={"metric": widgets["metric"]}, code=SCALE)
    document = Document()
    for root in (*widgets.values(), plot, curve):
        document.add_root(root)
    plot.name, curve.name = "map", "curve"
    marked = [item.glyph for item in curve.renderers if item.data_source is parts["here"]]
    drawn = [item.glyph for item in curve.renderers if item.data_source is not parts["here"]]
    paint = CustomJS(
        args={"plots": [plot, curve], "glyphs": marked, "drawn": drawn, "day": _ink(LIGHT), "night": _ink(DARK)},
        code=PAINT,
    )
    document.js_on_event(DocumentReady, paint)
    words = {
        "map_title": f"{shown.origin.titles['power']}, {shown.origin.strategy}",
        "curve_title": f"{shown.origin.titles['power']} at {tables[first]['unit_texts'][j]}",
        "says": maps.says(shown, i, j),
        "label_power": "chance to find this difference" if i else "false alarm without any difference",
        **{
            f"value_{metric}": tables[first]["cube"].data[f"{metric}_text"][i * shown.units.size + j]
            for metric in METRICS
        },
        "reach": tables[first]["reach"][j],
        "size": shown.origin.words.growing,
        "label_days": f"{shown.origin.words.time.lower()} on average",
        "kind": tables[first]["kind"],
    }
    return document, words


def _cube(surface: PowerSurface) -> dict[str, Any]:
    """Return what the script needs of one surface: levels, texts, and its figures as Float32 columns."""
    origin = surface.origin
    data = maps.columns(surface, "power")
    del data["value"]
    cells = [(i, j) for i in range(surface.effects.size) for j in range(surface.units.size)]
    for metric, table in surface.values.items():
        data[metric] = table.ravel().astype(np.float32)
        data[f"{metric}_text"] = [
            plain_figure(
                metric, float(table[at]), None if surface.errors is None else float(surface.errors[metric][at])
            )
            for at in cells
        ]
    errors = None
    if surface.errors is not None:
        errors = ColumnDataSource({key: table.ravel().astype(np.float32) for key, table in surface.errors.items()})
    return {
        "name": plain(origin.strategy),
        "effects": [float(value) * maps.scale(origin) for value in surface.effects],
        "effect_texts": [effect(float(value), origin.family) if value else "none" for value in surface.effects],
        "units": [float(units) for units in surface.units],
        "unit_texts": [origin.size(float(units)) for units in surface.units],
        "cube": ColumnDataSource(data, name="cube"),
        "errors": errors,
        "iso": maps.iso(surface),
        "iso_label": maps.iso_label(surface),
        "own": maps.own(surface),
        "reach": [_reach(surface, j) for j in range(surface.units.size)],
        "kind": _kind(surface),
    }


def _reach(surface: PowerSurface, j: int) -> str:
    """Say what this traffic, or this number of prompts, is good for."""
    origin = surface.origin
    who = f"At {origin.size(float(surface.units[j]))}" + (f" and at most {origin.days} days" if origin.live else "")
    line = maps.iso(surface)
    if float(surface.units[j]) in line["y"]:
        size = line["x"][line["y"].index(float(surface.units[j]))] / maps.scale(surface.origin)
        least = effect(size, surface.origin.family)
        return f"{who}, {surface.origin.strategy} finds improvements from {least} on in four of five experiments."
    if surface.values["power"][0, j] >= maps.TARGET:
        alarm = percent(float(surface.values["power"][0, j]))
        found = f"{surface.origin.strategy} finds a difference even where there is none"
        return f"{who}, {found}, in {alarm} of experiments: power says nothing here, the evaluator's bias does."
    return f"{who}, no improvement on this map is found in four of five experiments."


def _kind(surface: PowerSurface) -> str:
    if surface.errors is None:
        return "Exact values, by numerical integration over all paths of the test; no simulation error."
    runs = count(surface.origin.replicates)
    bars = "whiskers: two standard errors of the simulation each way"
    return f"Simulated, {runs} experiments a cell ({surface.reason}); {bars}."


def _table(result: Result) -> str:
    """Return the strategies at the scenario's own point as an HTML table."""
    head, body = rows(result)
    lines = ["<table><thead><tr>", *(f"<th scope='col'>{escape(cell)}</th>" for cell in head), "</tr></thead><tbody>"]
    for cells in body:
        lines.append("<tr>" + "".join(f"<td>{cell.html()}</td>" for cell in cells) + "</tr>")
    return "".join([*lines, "</tbody></table>"])


def _options(texts: Sequence[str]) -> list[tuple[str, str]]:
    return [(str(k), text) for k, text in enumerate(texts)]


def _ink(ink: Ink) -> dict[str, str]:
    return {"panel": ink.panel, "text": ink.text, "muted": ink.muted, "grid": ink.grid, "accent": ink.accent}


def _share(progress: Callable[[int, int], None] | None, place: int, parts: int) -> Callable[[int, int], None] | None:
    """Return a progress that reports one part of a whole of 100."""
    if progress is None:
        return None
    return lambda done, total: progress(round(100 * (place + done / total) / parts), 100)
