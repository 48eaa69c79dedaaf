"""Ranking: side-by-side votes on several variants in; who is best, and how sure that is, out."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from html import escape
from typing import Any

import numpy as np
import panel as pn
import panel_material_ui as pmu

from expsim_panel.errors import InputError
from expsim_panel.layouts.computing import POOL
from expsim_panel.layouts.pages.frame import follow, plot, words
from expsim_panel.layouts.pages.pasted import as_table
from expsim_panel.layouts.session import Session
from expsim_panel.layouts.theme import ACTIONS, tone
from expsim_panel.plots import ranking as drawing
from expsim_panel.plots._palette import DARK, LIGHT
from expsim_panel.quantities import count, percent
from expsim_panel.ranking_answers import Standings, odds, signed, standings
from expsim_panel.ranking_simulation import chances
from expsim_panel.ranking_size import said, separation
from expsim_panel.ranking_votes import votes_in, votes_of

MAX_BYTES = 20 * 2**20
HINT = (
    "Paste side-by-side votes as a table with the columns prompt,first,second,winner, or open a CSV, JSONL or Parquet "
    "file: which variant was shown first and second, and who won (its name, first, second or tie; a and b or model_a "
    "and model_b do too). Several votes on one prompt count as alike. Nothing is stored."
)
HOW = (
    "Bradley-Terry model with Davidson's ties. Line: interval of an ability, errors by prompt. Of two variants an "
    "ability of 1 apart, the better one wins 73 % of the votes that decide."
)
PAIRS = 60
"""Rows of the table of pairs; the rest is in the JSON of `expsim rank`."""
EXAMPLE = {"current prompt": 0.0, "shorter prompt": -0.1, "prompt with examples": 0.5, "larger model": 0.65}


def example(prompts: int = 150, each: int = 3, seed: int = 7) -> str:
    """Return made-up votes as a table: three pairs on each prompt."""
    g = np.random.Generator(np.random.SFC64(seed))
    names, lines = list(EXAMPLE), ["prompt,first,second,winner"]
    for prompt in range(1, prompts + 1):
        own = np.array(list(EXAMPLE.values())) + 0.4 * g.standard_normal(len(names))
        for _ in range(each):
            i, j = g.choice(len(names), 2, replace=False)
            up = np.cumsum(chances(own[i] - own[j], 0.5, 0.2))
            winner = ("first", "tie", "second")[int(np.searchsorted(up, g.random()))]
            lines.append(f"{prompt},{names[i]},{names[j]},{winner}")
    return "\n".join(lines) + "\n"


class Ranked:
    """The page: its inputs, and the answer to them. Votes stay in this object and go with it."""

    def __init__(self, session: Session) -> None:
        self.session = session
        self._file: tuple[bytes, str] | None = None
        self._found: Standings | None = None
        narrow: dict[str, Any] = {"size": "small", "margin": (9, 12, 4, 0)}
        self.columns = {
            name: pmu.TextInput(label=f"Column: {told}", value=name, max_length=200, width=150, **narrow)
            for name, told in (
                ("prompt", "prompt"), ("first", "shown first"), ("second", "shown second"), ("winner", "winner")
            )
        }  # fmt: skip
        self.data = pmu.TextAreaInput(
            label="Votes", rows=6, max_length=2_000_000, sizing_mode="stretch_width", margin=(9, 0, 4, 0),
            placeholder="prompt,first,second,winner\n1,current prompt,larger model,second",
        )  # fmt: skip
        self.upload = pmu.FileInput(
            label="Or open a file", accept=".csv,.jsonl,.json,.parquet", max_file_size=MAX_BYTES, variant="outlined",
            icon="upload_file", width=220, **narrow,
        )  # fmt: skip
        self.example = pmu.Button(label="Fill in an example", variant="outlined", width=170, **narrow)
        self.button = pmu.Button(label="Rank", icon="leaderboard", variant="contained", width=120, **narrow)
        self.answer = words(
            '<p class="caption" role="status">No votes yet. The ranking will stand here.</p>', margin=(12, 0)
        )
        self.picture = pn.Column(sizing_mode="stretch_width", margin=0)
        self.tables = words()
        self.button.on_click(self._asked)
        self.example.on_click(self._filled)
        self.upload.param.watch(self._opened, "value")
        follow(session, ["dark"], self._draw)

    def view(self) -> pn.Column:
        """Return the page's layout."""
        head = pn.FlexBox(*self.columns.values(), sizing_mode="stretch_width", margin=0)
        do = pn.FlexBox(self.upload, self.example, self.button, sizing_mode="stretch_width", margin=0)
        hint = words(f'<p class="caption">{HINT}</p>', margin=(10, 0, 0, 0))
        parts = hint, self.data, head, do, self.answer, self.picture, self.tables
        return pn.Column(*parts, sizing_mode="stretch_width", margin=(10, 0))

    async def _filled(self, _: Any) -> None:
        self.data.value = example()
        for name, one in self.columns.items():
            one.value = name
        self._file = None
        await self._rank()

    async def _opened(self, event: Any) -> None:
        if event.new:
            name = " ".join(str(self.upload.filename or "upload.csv").split())[:80]
            self._file = (bytes(event.new), name)
            await self._rank()

    async def _asked(self, _: Any) -> None:
        if self.data.value.strip():
            self._file = None
        await self._rank()

    async def _rank(self) -> None:
        """Read and fit on a thread: a large table must not hold up the page."""
        text, file = str(self.data.value), self._file
        columns = [str(one.value).strip() for one in self.columns.values()]

        def work() -> Standings:
            if file is None and not text.strip():
                raise InputError("votes", "", "there are none", "paste a table, or open a file")
            data, where = file or (as_table(text), "votes")
            read = votes_of(data, where, *columns)
            with votes_in(where, columns[0], columns[3]):
                return standings(read.first, read.second, read.outcomes, read.items)

        try:
            self._found = await asyncio.get_running_loop().run_in_executor(POOL, work)
        except InputError as error:
            self._found = None
            problem = str(error)
            for name in ("item", "first", "second", "winner"):
                # The reader speaks of the command's flags.
                problem = problem.replace(f"--{name}", f"column {'prompt' if name == 'item' else name}")
            self._draw()
            self.answer.object = f'<p role="alert"><b>{escape(problem)}</b></p>'
            return
        self._draw()

    def _draw(self) -> None:
        found = self._found
        with pn.io.hold():
            if found is None:
                self.picture.objects, self.tables.object = [], ""
                return
            dark = bool(self.session.dark)
            self.answer.object = told(found, dark)
            self.picture.objects = [plot(drawing.draw(found, ink=DARK if dark else LIGHT))]
            self.tables.object = tables(found)


def view(session: Session) -> pn.Column:
    """Return the page; it follows the session's light."""
    return Ranked(session).view()


def told(found: Standings, dark: bool) -> str:
    """Return the answer as HTML; everything a person wrote is escaped."""
    best, next_one, apart = found.variants[0], found.variants[1], separation(found)
    action = "launch" if apart.separated else "collect"
    icon = ACTIONS[action][0]
    word = "Told apart" if apart.separated else "Not told apart yet"
    pair = found.pairs[0]
    low, high = (percent(odds(one), 0) for one in pair.interval)
    sentence = (
        f"{best.name} is ranked first. Against {next_one.name} it wins {percent(odds(pair.difference), 0)} of the "
        f"votes that decide ({percent(found.level, 0)} interval {low} to {high})."
    )
    numbers = [
        (percent(float(best.p_rank[0]), 0), f"chance that {best.name} is the best"),
        (count(found.verdicts), "votes"),
        (count(found.clusters), "prompts behind them"),
    ]
    cells = "".join(f"<div><b>{value}</b><span>{escape(name)}</span></div>" for value, name in numbers)
    lines = [said(found, apart)]
    if found.position is not None and found.position_interval is not None:
        first, last = (percent(odds(one), 0) for one in found.position_interval)
        share = percent(odds(found.position), 0)
        lines.append(f"Shown first, an equal variant wins {share} of the votes that decide ({first} to {last}).")
    else:
        lines.append(f"No advantage of the first place was fitted: {found.position_reason}.")
    listed = "".join(f"<li>{escape(line)}</li>" for line in lines)
    mark = f'<svg aria-hidden="true" viewBox="0 0 16 16"><path d="{icon}"/></svg>{word}'
    return (
        f'<section class="verdict" aria-live="polite" style="--tone:{tone(action, dark)}">'
        f'<div class="word">{mark}</div><h2 class="said">{escape(sentence)}</h2>'
        f'<div class="numbers">{cells}</div></section>'
        f'<div class="two"><section class="box"><h2>What would change this</h2><ul>{listed}</ul></section></div>'
    )


def tables(found: Standings) -> str:
    """Return the figures behind the picture as two tables."""
    sure = f"{percent(found.level, 0)} interval"
    heads = ("Variant", "Place", "Ability", sure, "Best with", "Won", "Tied", "Lost")
    rows = [
        (
            f"{one.rank}. {one.name}", _range(*one.rank_interval), signed(one.ability),
            f"{signed(one.interval[0])} to {signed(one.interval[1])}", percent(float(one.p_rank[0]), 0),
            count(one.wins), count(one.ties), count(one.losses),
        )
        for one in found.variants
    ]  # fmt: skip
    made = _table("Variants, best first", heads, rows)
    lines = ("Pair", "Wins of those that decide", sure, "Better with", "Won", "Tied", "Lost")
    pairs = [
        (
            f"{one.better} over {one.other}", percent(odds(one.difference), 0),
            f"{percent(odds(one.interval[0]), 0)} to {percent(odds(one.interval[1]), 0)}", percent(one.p_better, 0),
            count(one.wins), count(one.ties), count(one.losses),
        )
        for one in found.pairs[:PAIRS]
    ]  # fmt: skip
    left = len(found.pairs) - len(pairs)
    more = f" {count(left)} more pairs: expsim rank FILE --json -." if left else ""
    return made + _table("Pairs", lines, pairs) + f'<p class="caption">{HOW}{more}</p>'


def _range(low: int, high: int) -> str:
    return str(low) if low == high else f"{low} to {high}"


def _table(caption: str, heads: tuple[str, ...], rows: Sequence[tuple[str, ...]]) -> str:
    head = "".join(f'<th scope="col">{escape(one)}</th>' for one in heads)
    body = "".join(
        f'<tr><th scope="row">{escape(row[0])}</th>{"".join(f"<td>{escape(cell)}</td>" for cell in row[1:])}</tr>'
        for row in rows
    )
    return (
        f'<div class="scroll" tabindex="0" role="region" aria-label="{escape(caption)}"><table class="figures">'
        f"<caption>{escape(caption)}</caption><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table></div>"
    )
