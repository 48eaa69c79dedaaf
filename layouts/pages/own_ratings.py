"""Your ratings: a team's own table of ratings in; how people and judges measure, and a scenario, out."""

from __future__ import annotations

import io
from collections.abc import Callable
from typing import Any

import numpy as np
import panel as pn
import panel_material_ui as pmu

from expsim_panel.calibration import levels_of
from expsim_panel.errors import InputError
from expsim_panel.layouts.measuring import Columns, Measured, Measuring, on_page
from expsim_panel.layouts.pages.frame import beside, follow, plot, words
from expsim_panel.layouts.pages.pasted import as_table
from expsim_panel.layouts.pages.rating_words import problem, tables, told
from expsim_panel.layouts.session import Session
from expsim_panel.plots import realism as drawing
from expsim_panel.plots._dress import dress
from expsim_panel.plots._palette import DARK, LIGHT

TAB = "Your ratings"
MAX_BYTES = 20 * 2**20
HINT = (
    "Paste ratings as a table, or open CSV, JSONL or Parquet files: one row for each score that somebody gave to a "
    "response, with the columns item, variant, rater and score, and where you know them kind (human or judge), prompt "
    "(where several items answer one), cost ($) and seconds. Where each rater has a column of scores, name them all as "
    "the score: h1,h2,h3. Logs of Inspect (.eval, .json) and results of promptfoo "
    "(.json) do too, several at once. Nothing is stored, and nothing in a cell is run."
)
MADE = {"current prompt": 0.0, "new prompt": 0.35}
DIRECTIONS = {"Higher scores": "increase", "Lower scores": "decrease"}


def example(prompts: int = 160, seed: int = 11) -> str:
    """Return made-up ratings: two variants, three people and a judge that favours the second one."""
    g = np.random.Generator(np.random.SFC64(seed))
    cuts, severity = np.array([-1.4, -0.5, 0.3, 1.2]), {"ann": -0.25, "bob": 0.0, "cleo": 0.25}
    lines = ["item,variant,rater,kind,score,cost,seconds"]

    def add(prompt: int, variant: str, rater: str, kind: str, heard: float, cost: float, seconds: float) -> None:
        score, spent = 1 + int(np.searchsorted(cuts, heard)), seconds * np.exp(0.4 * g.standard_normal())
        lines.append(f"{prompt},{variant},{rater},{kind},{score},{cost},{spent:.1f}")

    for prompt in range(1, prompts + 1):
        shared = 0.5 * g.standard_normal()
        for variant, own in MADE.items():
            q = own + shared + 0.6 * g.standard_normal()
            for rater, harsh in severity.items():
                add(prompt, variant, rater, "human", q + harsh + 0.7 * g.standard_normal(), 0.3, 30)
            judged = 0.3 + 0.8 * q + (0.5 if own else 0.0) + 0.6 * g.standard_normal()
            add(prompt, variant, "judge-model", "judge", judged, 0.002, 2)
    return "\n".join(lines) + "\n"


class OwnRatings:
    """The page: its inputs, and the answer to them."""

    def __init__(self, session: Session) -> None:
        self.session, self.measuring = session, Measuring()
        self._files: list[tuple[bytes, str]] = []
        narrow: dict[str, Any] = {"size": "small", "margin": (9, 12, 4, 0)}
        self.columns = {
            name: pmu.TextInput(label=f"Column: {word}", value=name, max_length=500, width=140, **narrow)
            for name, word in (
                ("item", "item"), ("variant", "variant"), ("rater", "rater"), ("score", "score"),
                ("kind", "kind of rater"),
            )
        }  # fmt: skip
        self.judges = pmu.TextInput(
            label="Columns with judges' scores", placeholder="none, or gpt,claude", max_length=2000, width=250, **narrow
        )
        self.data = pmu.TextAreaInput(
            label="Ratings", rows=6, max_length=2_000_000, sizing_mode="stretch_width", margin=(9, 0, 4, 0),
            placeholder="item,variant,rater,kind,score\n1,current prompt,ann,human,4\n1,current prompt,gpt,judge,5",
        )  # fmt: skip
        self.upload = pmu.FileInput(
            label="Or open files", accept=".csv,.jsonl,.json,.parquet,.eval", multiple=True, max_file_size=MAX_BYTES,
            max_total_file_size=MAX_BYTES, variant="outlined", icon="upload_file", width=190, **narrow,
        )  # fmt: skip
        self._received = self.upload._handle_msg
        self.upload._handle_msg = self._message
        self.example = pmu.Button(label="Fill in an example", variant="outlined", width=170, **narrow)
        self.button = pmu.Button(label="Measure", icon="straighten", variant="contained", width=130, **narrow)
        self.cancel = pmu.Button(
            label="Stop", icon="close", color="default", variant="outlined", width=100, disabled=True, **narrow
        )
        self.bar = pmu.LinearProgress(value=0, max=100, variant="determinate", sizing_mode="stretch_width", margin=0)
        self.status = words('<p class="caption" role="status">No ratings yet.</p>', margin=(8, 0))
        self.answer, self.tables, self.used = words(margin=0), words(margin=0), words(margin=(4, 0))
        self.picture = pn.Column(sizing_mode="stretch_width", margin=0)
        self.control = pmu.Select(label="Variant in use today", options=[], width=230, **narrow)
        self.direction = pmu.Select(label="Better is", options=DIRECTIONS, value="increase", width=160, **narrow)
        self.use = pmu.Button(label="Use this in the scenario", icon="input", variant="contained", width=230, **narrow)
        self.taken = [
            self._download("Scenario (TOML)", "toml", lambda: self.measuring.toml(self.direction.value)),
            self._download("Figures (JSON)", "json", lambda: self.measuring.json(self.direction.value)),
            self._download("Page (HTML)", "html", self.measuring.html),
        ]
        self.button.on_click(self._asked)
        self.example.on_click(self._filled)
        self.cancel.on_click(lambda _: self.measuring.cancel())
        self.use.on_click(self._use)
        self.upload.param.watch(self._opened, "value")
        self.control.param.watch(self._against, "value")
        self.take = pn.Column(
            pn.FlexBox(self.control, self.direction, self.use, sizing_mode="stretch_width", margin=0),
            pn.FlexBox(*self.taken, sizing_mode="stretch_width", margin=0),
            self.used, visible=False, sizing_mode="stretch_width", margin=(14, 0, 0, 0),
        )  # fmt: skip
        if pn.state.curdoc is not None:
            pn.state.on_session_destroyed(lambda context: self.measuring.close())
        self.measuring.param.watch(lambda *_: self._speak(), ["words", "progress", "busy", "error"])
        self.measuring.param.watch(lambda *_: self._draw(), "measured")
        follow(session, ["dark"], self._draw)

    def view(self) -> pn.Column:
        """Return the page's layout."""
        grow: dict[str, Any] = {"sizing_mode": "stretch_width"}
        hint = words(f'<p class="caption">{HINT}</p>', margin=(10, 0, 0, 0))
        head = pn.FlexBox(*self.columns.values(), self.judges, margin=0, **grow)
        do = pn.FlexBox(self.upload, self.example, self.button, self.cancel, margin=0, **grow)
        parts = hint, self.data, head, do, self.status, self.bar, self.answer, self.take, self.picture, self.tables
        return pn.Column(*parts, margin=(10, 0), **grow)

    def _download(self, label: str, suffix: str, write: Callable[[], str]) -> pmu.FileDownload:
        made = pmu.FileDownload(
            label=label, filename=f"ratings.{suffix}", callback=lambda: io.BytesIO(write().encode("utf-8")),
            embed=False, auto=True, size="small", width=180, margin=(4, 10, 4, 0),
        )  # fmt: skip
        # Given at once, it meets a deprecated name of the same that the toolkit passes on.
        made.variant = "outlined"
        return made

    # What happens

    async def _filled(self, _: Any) -> None:
        self.data.value, self.judges.value, self._files = example(), "", []
        for name, one in self.columns.items():
            one.value = name
        await self._measure()

    async def _opened(self, event: Any) -> None:
        if not event.new:
            return
        given = event.new if isinstance(event.new, list) else [event.new]
        names = self.upload.filename if isinstance(self.upload.filename, list) else [self.upload.filename]
        told_as = [" ".join(str(name or "upload.csv").split())[:80] for name in names]
        told_as += ["upload.csv"] * (len(given) - len(told_as))
        self._files = [(bytes(one), name) for one, name in zip(given, told_as, strict=False)]
        if sum(len(one) for one, _ in self._files) > MAX_BYTES:
            self._files = []
            self.measuring.refuse()
            return
        self.data.value = ""
        await self._measure()

    def _message(self, message: dict[str, Any]) -> None:
        if message.get("status") == "error":
            self.measuring.refuse()
        else:
            self._received(message)

    async def _asked(self, _: Any) -> None:
        if self.data.value.strip():
            self._files = []
        await self._measure()

    async def _measure(self) -> None:
        text = str(self.data.value)
        several = self._files or ([(as_table(text), "ratings")] if text.strip() else [])
        if not several:
            self.measuring.complain("ratings: there are none; paste a table, or open a file")
            return
        names = {name: str(one.value).strip() for name, one in self.columns.items()}
        judges = tuple(filter(None, (one.strip() for one in str(self.judges.value).split(","))))
        await self.measuring.read(several, Columns(**names, judges=judges))

    async def _against(self, event: Any) -> None:
        if event.new:
            await self.measuring.against(event.new)

    async def _use(self, _: Any) -> None:
        """Open the fitted scenario in the form, through the door of an uploaded file, and play it."""
        try:
            raw = self.measuring.toml(self.direction.value).encode()
        except InputError as error:
            self.used.object = problem(on_page(str(error)))
            return
        if self.session.upload(raw, "your ratings"):
            self.used.object = (
                '<p class="caption" role="status">The scenario in the form is now the one fitted here.</p>'
            )
            await self.session.play(0)
        else:
            self.used.object = problem(self.session.error)

    # What is shown

    def _speak(self) -> None:
        one = self.measuring
        with pn.io.hold():
            said = problem(one.error) if one.error else f'<p class="caption" role="status">{one.words}</p>'
            self.status.object = said
            self.bar.param.update(value=one.progress, styles={"visibility": "visible" if one.busy else "hidden"})
            self.cancel.disabled = not one.busy

    def _draw(self) -> None:
        seen: Measured | None = self.measuring.measured
        with pn.io.hold():
            self.take.visible = seen is not None
            if seen is None:
                self.answer.object = self.tables.object = self.used.object = ""
                self.picture.objects = []
                return
            dark, found = bool(self.session.dark), seen.found
            self.answer.object = told(found, seen.beside, dark)
            self.tables.object = tables(found, seen.beside)
            self.control.param.update(options=list(seen.ratings.variants), value=found.control)
            self.use.disabled = self.taken[0].disabled = not found.treatments
            for one in self.taken:
                one.filename = f"{seen.ratings.source.rsplit('.', 1)[0] or 'ratings'}.{one.filename.rsplit('.', 1)[1]}"
            self.picture.objects = self._figures(found, dark)

    def _figures(self, found: Any, dark: bool) -> list[Any]:
        """Return the four distances and what lies behind them; nothing where realism cannot be assessed."""
        if found.realism.score is None or found.realism.real is None:
            return []
        ink = DARK if dark else LIGHT
        made = drawing.linked(found.realism, levels_of(found), ink=ink)
        for one in made:
            dress(one, ink)
            for legend in one.legend:
                legend.label_text_color = ink.muted
        return [beside(*map(plot, made))]


def view(session: Session) -> pn.Column:
    """Return the page; it follows the session's light."""
    return OwnRatings(session).view()
