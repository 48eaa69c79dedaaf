"""One static page with a bandit result: the answer, its pictures, and every number as a table."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from html import escape
from typing import Any

import numpy as np
from bokeh.document import Document
from bokeh.events import DocumentReady
from bokeh.models import CustomJS, InlineStyleSheet, Select

from expsim_panel._version import VERSION
from expsim_panel.bandit_curves import RegretCurve
from expsim_panel.bandit_inference import Inference
from expsim_panel.bandit_results import in_dollars
from expsim_panel.bandit_surface import RegretSurface
from expsim_panel.bandit_verdict import lost, verdict
from expsim_panel.bandit_worlds import BanditWorld
from expsim_panel.bandits import BanditResult
from expsim_panel.exports._bandit_inference import learned_section
from expsim_panel.exports._bandit_over import curves, maps, over_section
from expsim_panel.exports._explorer import PAINT
from expsim_panel.exports._frame import FOOT, HEAD
from expsim_panel.exports._page import STYLE, WIDGETS
from expsim_panel.exports._standalone import standalone
from expsim_panel.frontier import of_bandit
from expsim_panel.plots import bandit_regret, bandit_traffic
from expsim_panel.plots._palette import DARK, LIGHT
from expsim_panel.plots._policies import styles
from expsim_panel.plots.bandit_pulls import BanditPulls
from expsim_panel.plots.bandit_regret import DOLLARS, PLAIN, BanditRegret, band, unit
from expsim_panel.plots.bandit_traffic import BanditTraffic
from expsim_panel.plots.regret_frontier import RegretFrontier
from expsim_panel.quantities import count, money, percent
from expsim_panel.results import Figure

_BODY = """{% block postamble %}<style>{{ style }}
.pair { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(430px, 100%), 1fr)); gap: 14px 24px; }
.pair > div { min-width: 0; min-height: 340px; overflow: clip; }
.pair > div:last-child:nth-child(odd) { grid-column: 1 / -1; }
th small { display: block; font-weight: 400; }
tbody th { color: var(--text); font-size: 14.5px; vertical-align: top; }</style>{% endblock %}
{% block contents %}
<main>
  <h1>{{ heading }}</h1>
  <div class="top">
    <section aria-label="Answer">
      <p class="verdict">{{ sentence }}</p>
      <dl class="numbers">{{ numbers }}</dl>
    </section>
    <section aria-label="What would change it"><h2>What would change it</h2>{{ notes }}</section>
  </div>
  <section class="card" aria-label="The figures">
    <div class="controls">{% for root in roots %}{% if root.name.startswith("choose") %}<div>{{ embed(root) }}</div>
    {% endif %}{% endfor %}</div>
    <div class="pair">{% for root in roots %}{% if not root.name.startswith("choose") %}<div>{{ embed(root) }}</div>
    {% endif %}{% endfor %}</div>
    <p class="muted small" style="margin-top:8px">{{ how }}</p>
  </section>
  <section class="card" aria-label="Every policy"><h2>Every policy</h2>
    <div class="scroll" tabindex="0">{{ table }}</div>{{ over }}
  </section>
  {{ learned }}
"""

TEMPLATE = HEAD + _BODY + FOOT

FOCUS = """
const one = all[Number(cb_obj.value)], k = state.tags[0];
const times = (column) => Array.from(column, (v) => v * k);
band.data = {x: one.band.x, low: times(one.band.low), high: times(one.band.high)};
traffic.data = one.traffic;
ends.data = one.ends;
shade.glyph.fill_color = one.colour;
regret.title.text = one.titles[0];
share.title.text = one.titles[1];
"""

UNIT = """
const k = Number(cb_obj.value), factor = k / state.tags[0], money = k !== 1;
state.tags = [k];
for (const [source, columns] of scaled) {
  const data = {...source.data};
  for (const name of columns) {
    data[name] = Array.from(data[name], (v) => typeof v === 'number' ? v * factor : Array.from(v, (w) => w * factor));
  }
  source.data = data;
}
for (const [range, axis] of axes) {
  range.start = range.start * factor;
  range.end = range.end * factor;
  axis.formatter = money ? dollars : plain;
  axis.axis_label = money ? labels[1] : labels[0];
}
"""
"""Every amount of reward times what one is worth. A price of exactly 1 leaves the label to the page's own unit."""


def page(
    found: BanditResult,
    usd: float | None = None,
    curve: RegretCurve | None = None,
    learned: Sequence[Inference] = (),
    surface: RegretSurface | None = None,
) -> str:
    """Return the page as one self-contained document that asks no other host for anything.

    Parameters
    ----------
    found : BanditResult
        Policies on one problem.
    usd : float, optional
        What one unit of reward is worth in dollars: the page can then switch between the two.
    curve : RegretCurve, optional
        The same policies over one number.
    learned : sequence of Inference, optional
        What each policy leaves to be inferred.
    surface : RegretSurface, optional
        The same policies over two numbers.
    """
    played, worth = found, usd
    if any(found.world.cost):
        # Costs are dollars already: every amount of the page is net value.
        found, usd = in_dollars(found), 1.0
    answer = verdict(found, usd)
    document, roots = _figures(found, usd, curve, answer.policy, surface)
    inks = {"day": asdict(LIGHT), "night": asdict(DARK)}
    glyphs, texts = roots.pop("inks")
    paint = CustomJS(
        args={"plots": list(roots.values()), "glyphs": glyphs, "drawn": [], "texts": texts, **inks}, code=PAINT_ALL
    )
    document.js_on_event(DocumentReady, paint)
    numbers = "".join(f"<div><dt>{escape(what)}</dt><dd>{escape(value)}</dd></div>" for value, what in answer.numbers)
    variables = {
        "style": STYLE,
        "heading": "A/B or bandit?",
        "sentence": escape(answer.sentence),
        "numbers": numbers,
        "notes": "<ul>" + "".join(f"<li>{escape(note)}</li>" for note in answer.notes) + "</ul>",
        "how": escape(how(found)),
        "table": table(found, usd),
        "over": over_section(curve, usd),
        "learned": learned_section(learned),
        "reproduce": "".join(
            f"<dt>{escape(what)}</dt><dd>{escape(value)}</dd>" for what, value in _facts(played, worth)
        ),
    }
    return standalone(document, escape(f"A/B or bandit? {answer.sentence}"), TEMPLATE, variables)


PAINT_ALL = PAINT.replace(
    "for (const glyph of glyphs)",
    "for (const text of texts) text.text_color = ink.text;\n  for (const glyph of glyphs)",
)
"""The page's colours, names beside lines included."""


def how(found: BanditResult) -> str:
    """Say what was simulated, and what the lines mean."""
    means = ", ".join(f"{mean:g}" for mean in found.means[:12]) + (", ..." if found.means.size > 12 else "")
    law = "rates of good answers" if found.family == "bernoulli" else "mean rewards, standard deviation 1"
    return (
        f"{count(found.replicates)} simulated experiments of {count(found.horizon)} requests per policy, seed "
        f"{found.seed}; arms: {means} ({law}). Loss: what the best arm would have brought, minus what the arms "
        "that were pulled bring on average. Band: nine experiments in ten. Whiskers: simulation error (95 %). Dotted: "
        "the Lai-Robbins bound, a slope for long runs and no floor. Dashed step: policies that no other beats on both."
    )


def _figures(
    found: BanditResult, usd: float | None, curve: RegretCurve | None, chosen: str, surface: RegretSurface | None = None
) -> tuple[Document, dict[str, Any]]:
    points = of_bandit(found, usd)
    looks = styles([one.name for one in found.policies])
    regret, share, pulls, frontier = BanditRegret(), BanditTraffic(), BanditPulls(), RegretFrontier()
    regret.show(found, chosen, usd)
    share.show(found, chosen)
    pulls.show(found)
    frontier.show(points, unit(found.family, usd), usd is not None, [look.colour for look in looks])
    frontier.figure.yaxis.axis_label = "Keeps a lesser arm, % of experiments"
    drawn: dict[str, Any] = {
        "regret": regret.figure, "frontier": frontier.figure, "share": share.figure, "pulls": pulls.figure
    }  # fmt: skip
    texts = [regret.names, share.names, pulls.names, frontier.names]
    glyphs = [regret.whisker, *frontier.whiskers]
    over = {} if curve is None else curves(curve, usd)
    for key, one in over.items():
        drawn[key] = one.figure
        texts.append(one.names)
        glyphs.append(one.whisker)
    drawn |= {} if surface is None else maps(surface, any(found.world.cost))
    for name, plot in drawn.items():
        plot.name = name
        # The page shows through and follows the reader's mode.
        plot.background_fill_color = plot.border_fill_color = None
    document = Document()
    scale = 1.0 if usd is None else usd
    state = regret.lines
    state.tags = [scale]
    index = next(i for i, one in enumerate(found.policies) if one.name == chosen)
    focus = choice(
        "choose-policy", "Policy in focus", index, [(str(i), one.name) for i, one in enumerate(found.policies)]
    )
    focus.js_on_change(
        "value",
        CustomJS(
            args={
                "all": [_focus(found, i, looks[i].colour) for i in range(len(found.policies))], "state": state,
                "band": regret.band, "shade": regret.shade, "traffic": share.source, "ends": share.ends,
                "regret": regret.figure, "share": share.figure,
            },
            code=FOCUS,
        ),
    )  # fmt: skip
    document.add_root(focus)
    if usd is not None and usd != 1.0:
        labels = [unit(found.family, None), unit(found.family, usd)]
        switch = choice("choose-unit", "Loss in", 0, [(repr(usd), "dollars"), ("1", labels[0].lower())])
        scaled: list[Any] = [
            [regret.lines, ["ys"]], [regret.band, ["low", "high"]], [regret.bound, ["y"]],
            [regret.ends, ["y", "at", "low", "high"]], [regret.points, ["y"]], [regret.bound_name.data_source, ["y"]],
            [frontier.source, ["x", "x0", "x1"]], [frontier.edge, ["x"]],
        ]  # fmt: skip
        axes: list[Any] = [
            [regret.figure.y_range, regret.figure.yaxis[0]], [frontier.figure.x_range, frontier.figure.xaxis[0]]
        ]  # fmt: skip
        for one in over.values():
            scaled += [[one.lines, ["ys"]], [one.points, ["y", "low", "high"]], [one.ends, ["y"]]]
            axes.append([one.figure.y_range, one.figure.yaxis[0]])
        from bokeh.models import NumeralTickFormatter

        formats = {"plain": NumeralTickFormatter(format=PLAIN), "dollars": NumeralTickFormatter(format=DOLLARS)}
        switch.js_on_change(
            "value",
            CustomJS(args={"scaled": scaled, "axes": axes, "labels": labels, "state": state, **formats}, code=UNIT),
        )
        document.add_root(switch)
    for plot in drawn.values():
        document.add_root(plot)
    drawn["inks"] = ([one.glyph for one in glyphs], [one.glyph for one in texts])
    return document, drawn


def choice(name: str, label: str, chosen: int, options: list[tuple[str, str]]) -> Select:
    """Return a choice among texts, by value, in the look of the static pages."""
    sheet = InlineStyleSheet(css=WIDGETS)
    return Select(
        name=name,
        title=label,
        value=options[chosen][0],
        options=options,
        sizing_mode="stretch_width",
        stylesheets=[sheet],
    )


def _focus(found: BanditResult, index: int, colour: str) -> dict[str, Any]:
    """Return what a figure shows of one policy, as lists."""
    one = found.policies[index]

    def lists(data: dict[str, Any]) -> dict[str, Any]:
        return {key: np.asarray(column).tolist() for key, column in data.items()}

    return {
        "band": lists(band(found, one, 1.0)), "traffic": lists(bandit_traffic.areas(found, one)),
        "ends": lists(bandit_traffic.ends(found, one)), "colour": colour,
        "titles": [bandit_regret.title(one.name), bandit_traffic.title(one.name)],
    }  # fmt: skip


HEADS = (
    "Policy", "Lost while learning", "Exact", "Nine experiments in ten", "Worst twentieth, mean", "Keeps a best arm",
    "Best arm's traffic",
)  # fmt: skip


def heads(found: BanditResult) -> tuple[str, ...]:
    """Return the table's heads; what pulls cost, and what comes after the experiment, where a world has them."""
    more = ("Value to the end, $", "Lost to the end, $") if found.world.population is not None else ()
    return HEADS + (("Cost of pulls",) if any(found.world.cost) else ()) + more


def table(found: BanditResult, usd: float | None) -> str:
    """Return every policy's figures as an HTML table, with their simulation errors."""
    head = "".join(f"<th scope='col'>{name}</th>" for name in heads(found))
    body = "".join(
        f"<tr><th scope='row'>{escape(name)}</th>{''.join(f'<td>{cell}</td>' for cell in cells)}</tr>"
        for name, *cells in rows(found, usd)
    )
    return f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"


def rows(found: BanditResult, usd: float | None) -> list[list[str]]:
    """Return the table's cells: name, then HTML without anything that a person wrote."""
    lead = found.means == found.means.max()

    def amount(value: float | None) -> str:
        return "n/a" if value is None else lost(value, found.family, usd).split(" ")[0]

    def with_error(one: Figure, text: str, error: str) -> str:
        return f"{text}<small>± {error}</small>" if one.se is not None else text

    made = []
    for one in found.policies:
        marks = one.regret.quantiles or {}
        span = f"{amount(marks.get('0.05'))} to {amount(marks.get('0.95'))}"
        traffic = float(one.pulls[lead].sum()) / found.horizon
        made.append(
            [
                one.name,
                with_error(one.regret, amount(one.regret.value), amount(one.regret.se)),
                "" if one.regret.exact is None else amount(one.regret.exact),
                span,
                with_error(one.tail_regret, amount(one.tail_regret.value), amount(one.tail_regret.se)),
                with_error(one.p_best_arm, percent(one.p_best_arm.value), percent(one.p_best_arm.se)),
                percent(traffic),
                *([money(one.money.cost.value)] if any(found.world.cost) else []),
                *(
                    with_error(figure, money(figure.value), money(figure.se))
                    for figure in (one.money.total_value, one.money.total_regret)
                    if figure is not None
                ),
            ]
        )
    return made


def world_flags(world: BanditWorld) -> str:
    """Return the flags that ask for a world again, but for what one reward is worth."""
    made = ""
    for key, value in world.tree().items():
        flag = f" --{key.replace('_', '-')}"
        if key == "value_per_point":
            continue
        if key == "shift":
            made += "".join(f"{flag} {at}:{','.join(map(repr, row))}" for at, row in value)
        elif isinstance(value, tuple):
            made += f"{flag}={(':' if key == 'season' else ',').join(map(repr, value))}"
        else:
            made += f"{flag} {value!r}"
    return made


def command(found: BanditResult, usd: float | None) -> str:
    """Return the command line that gives a result again."""
    means = ",".join(f"{mean!r}" for mean in found.means.tolist())
    policies = " ".join(f"--policy '{one.name}'" for one in found.policies)
    worth = "" if usd is None else f" --value-per-point {usd:g}"
    return (
        f"expsim bandit --means {means} --family {found.family} {policies} --horizon {found.horizon} "
        f"--replicates {found.replicates} --seed {found.seed}{worth}{world_flags(found.world)}"
    )


def _facts(found: BanditResult, usd: float | None) -> list[tuple[str, str]]:
    return [
        ("Version", f"expsim_panel {VERSION}"),
        ("Command", command(found, usd)),
        ("Request digest", found.request_digest),
        ("Result digest", found.digest),
    ]
