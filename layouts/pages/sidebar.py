"""The form: scenario, variants, evaluator, traffic and money, strategies; every input comes from its Param."""

from __future__ import annotations

from functools import partial
from html import escape
from typing import Any

import panel_material_ui as pmu

from expsim_panel import library, strategy
from expsim_panel.evaluation import evaluators
from expsim_panel.layouts import guardrails
from expsim_panel.layouts.controls import Field, fields, plain
from expsim_panel.layouts.form import EVALUATOR_KIND, Path
from expsim_panel.layouts.pages.frame import Fold, words
from expsim_panel.layouts.session import Session
from expsim_panel.meaningless import meaningless, misplaced
from expsim_panel.sections import Section
from expsim_panel.world_words import words_of

_WORLD = {
    "seasonality": "Weekdays",
    "novelty": "Novelty and learning",
    "shock": "Outside event",
    "ramp": "Ramp",
    "mismatch": "Lost responses",
    "switchback": "Switchback",
}
"""Tables inside the traffic, each with a fold of its own."""
_RARE = {
    "name", "provider", "sd", "latent_mean", "profile", "offset", "item_variant_sd",
    "labels_per_item", "shared_raters", "model", "input_tokens", "output_tokens", "shares",
    "unit", "exposures_per_unit", "launch_cost", "max_loss", "prior_hits", "prior_misses", "sides", "drift",
    "size_variation", "icc", "delay_days", "interference", "carryover", *_WORLD,
    "upgrade_shift", "upgrade_day", "verbosity", "length_sds", "pile_up", "pile_up_at", "refusals", "judges",
    "refusal_correlation", "error_correlation", "fatigue", "adjudication", "correction", "labelling", "combine",
    "change", "adjudication_gap", "law",
}  # fmt: skip
"""Keys that stand in the fold below the others; they rarely change."""
_MONEY = {
    "cached_tokens", "cached_share", "input_tokens_sd", "output_tokens_sd", "batch", "price_date", "price_override",
    "retries", "hourly_wage", "overhead", "seconds", "hours_per_day", "latency_ms", "concurrency",
    "days_per_week",
}  # fmt: skip
"""Keys of what calls and labels cost and how long they take, in a fold of their own below that."""
_HALVES = {"judge", "human"}
"""Tables inside a hybrid evaluator, each with a fold of its own."""

INPUT: dict[str, Any] = {"size": "small", "sizing_mode": "stretch_width", "margin": (7, 0)}


class Sidebar:
    """Cards of the form. It keeps its fields by path, so that an error shows at its widget."""

    def __init__(self, session: Session) -> None:
        self.session = session
        self._fields: dict[str, Field] = {}
        self._complained = ""
        self.picker = pmu.Select(
            label="Scenario",
            options=self._scenarios(),
            value=session.name_shown,
            helper_text="A scenario of the library, or your own file.",
            **INPUT,
        )
        self.picker.param.watch(self._pick, "value")
        self.upload = pmu.FileInput(
            label="Open a scenario file (.toml)",
            accept=".toml",
            max_file_size=library.MAX_BYTES,
            variant="outlined",
            icon="upload_file",
            **INPUT,
        )
        # The browser refuses a file that is too large and reports it in a message that 0.16 does not know.
        self._received = self.upload._handle_msg
        self.upload._handle_msg = self._message
        self.upload.param.watch(self._upload, "value")
        self.parts = {
            "scenario": Fold("Scenario", self._scenario, opened=True),
            "variants": Fold("Variants", self._variants),
            "evaluator": Fold("Evaluator", self._evaluator, opened=True),
            "traffic": Fold(words_of(session.study.scenario).inputs, self._traffic),
            "guardrails": Fold("Guardrails", self._guardrails),
            "strategies": Fold("Strategies", self._strategies),
        }
        session.param.watch(self._rebuild, "rebuilt")
        session.param.watch(self._complain, "error_key")

    @property
    def cards(self) -> list[Any]:
        """The cards, from top to bottom."""
        return [part.card for part in self.parts.values()]

    # Cards

    def _scenario(self) -> list[Any]:
        study, scenario = self.session.study, self.session.study.scenario
        main = self._make(scenario.scenario, ("scenario",), skip=("name", "title", "question", "persona", "provenance"))
        runs = self._make(study, (), skip=("scenario", "strategies"), typed=("seed", "luck"))

        def more() -> list[Any]:
            return [
                *self._make(scenario.scenario, ("scenario",), skip=("indifference",)),
                *self._make(scenario.metric, ("metric",), skip=self._left_out()),
                *self._make(scenario.prior, ("prior",)),
            ]

        return [
            self.picker,
            self.upload,
            *main,
            *runs,
            Fold("Words, metric and prior", more, level=1).card,
        ]

    def _variants(self) -> list[Any]:
        def one(index: int) -> Fold:
            variant = self.session.study.scenario.variants[index]
            role = "control" if index == 0 else f"variant {index}"
            path: Path = ("variants", index)
            return Fold(
                f"{variant.name} ({role})", lambda: self._split(variant, path, variant.name), opened=index == 1, level=1
            )

        return [one(index).card for index in range(len(self.session.study.scenario.variants))]

    def _evaluator(self) -> list[Any]:
        now = self.session.study.scenario.evaluator
        named = {"truth": "Truth (yardstick)", "judge": "LLM judge", "human": "Human raters"}
        named["hybrid"] = "Judge corrected by labels"
        options = {named.get(name, name): name for name in evaluators.names()}
        picker = pmu.Select(
            label="Who measures quality", options=options, value=now.kind, helper_text=f"{now.summary}.", **INPUT
        )
        picker.param.watch(self._kind, "value")
        halves = {"judge": "The judge", "human": "The people"} if now.kind == "hybrid" else {}

        def half(key: str) -> list[Any]:
            one, path = getattr(now, key), ("evaluator", key)
            plainly = self._make(one, path, key, ("coverage", *self._unused(), *_MONEY))
            return [*plainly, *self._paid(one, path, key)]

        folds = [Fold(title, partial(half, key), level=1).card for key, title in halves.items()]
        return [picker, *self._split(now, ("evaluator",), "", note=now.price_note()), *folds]

    def _traffic(self) -> list[Any]:
        scenario = self.session.study.scenario
        if scenario.offline is not None:
            # Nobody waits for the answers: what counts is the prompt set, and the money of the launch.
            note = words('<p class="caption">Offline: all variants answer a fixed set of prompts, without traffic.</p>')
            money = [*self._often(scenario.economics, ("economics",)), *self._rare(scenario.economics, ("economics",))]
            return [note, *self._make(scenario.offline, ("offline",)), *money]
        more = Fold(
            "More about traffic and money",
            lambda: [*self._rare(scenario.traffic, ("traffic",)), *self._rare(scenario.economics, ("economics",))],
            level=1,
        )
        return [
            *self._often(scenario.traffic, ("traffic",)),
            *self._often(scenario.economics, ("economics",)),
            more.card,
            *self._worlds(),
        ]

    def _worlds(self) -> list[Any]:
        """Return a fold for everything that makes the world less plain, and one for the analysis."""
        traffic, analysis = self.session.study.scenario.traffic, self.session.study.scenario.analysis

        def table(key: str) -> list[Any]:
            made = getattr(traffic, key) or traffic.param[key].class_()
            return self._make(made, ("traffic", key))

        out = self._left_out()
        folds = [Fold(title, partial(table, key), level=1).card for key, title in _WORLD.items() if key not in out]
        return [*folds, Fold("Analysis", lambda: self._make(analysis, ("analysis",), skip=out), level=1).card]

    def _guardrails(self) -> list[Any]:
        def keep(field: Field) -> None:
            self._fields[plain(field.path)] = field

        return guardrails.card(self.session, keep, lambda: self.parts["guardrails"].refresh())

    def _strategies(self) -> list[Any]:
        made = []
        for index, one in enumerate(self.session.study.strategies):
            made.append(Fold(one.name, partial(self._strategy, index), level=1).card)
        add = pmu.Select(
            label="Add a strategy",
            options=["", *strategy.kinds()],
            value="",
            helper_text="Compare up to 12 at a time.",
            **INPUT,
        )

        async def added(event: Any) -> None:
            if event.new and self.session.add_strategy(event.new):
                await self.session.play()

        add.param.watch(added, "value")
        return [*made, add]

    def _strategy(self, index: int) -> list[Any]:
        one = self.session.study.strategies[index]
        path: Path = ("strategies", index)
        remove = pmu.Button(label=f"Remove {one.name}", icon="delete", variant="text", color="default", **INPUT)

        async def removed(_: Any) -> None:
            if self.session.remove_strategy(index):
                await self.session.play()

        remove.on_click(removed)
        own = self._split(one.design, path, one.name)
        if one.policy.adaptive:
            own += self._split(one.policy, path, f"{one.name} (traffic)")
        return [words(f'<p class="caption">{escape(one.summary)}.</p>'), *own, remove]

    # Fields

    def _make(
        self, section: Section, path: Path, owner: str = "", skip: tuple[str, ...] = (), typed: tuple[str, ...] = ()
    ) -> list[Any]:
        scenario = self.session.study.scenario
        # Side by side quality is latent; what matters and what the team expects are net win rates.
        binary = scenario.family == "binary" or (scenario.side_by_side and path[:1] in (("scenario",), ("prior",)))
        made = fields(
            section, path, self.session.value, self.session.change, binary=binary, owner=owner, skip=skip, typed=typed
        )
        for field in made:
            self._fields[plain(field.path)] = field
        return [field.widget for field in made]

    def _unused(self) -> set[str]:
        """Keys that mean nothing for this kind of metric."""
        return set(meaningless(self.session.study.scenario))

    def _left_out(self) -> tuple[str, ...]:
        """Keys that mean nothing side by side, or only there; those of rates and scores stay where they were."""
        return tuple(misplaced(self.session.study.scenario))

    def _often(self, section: Section, path: Path, owner: str = "") -> list[Any]:
        return self._make(section, path, owner, tuple(_RARE | self._unused() | _HALVES | _MONEY))

    def _rare(self, section: Section, path: Path, owner: str = "") -> list[Any]:
        often = {key for key in section.fields() if key not in _RARE}
        return self._make(section, path, owner, tuple(often | self._unused() | set(_WORLD) | _HALVES))

    def _paid(self, section: Section, path: Path, owner: str) -> list[Any]:
        """Return the fold of what calls and labels cost and how long they take, where there is any."""
        keys = {key for key in section.fields() if key in _MONEY}
        if not keys - self._unused():
            return []
        others = tuple(set(section.fields()) - keys | self._unused())
        title = f"Price and time of {owner}" if owner else "Price and time"
        return [Fold(title, lambda: self._make(section, path, owner, others), level=1).card]

    def _split(self, section: Section, path: Path, owner: str, note: str = "") -> list[Any]:
        """Return the usual fields, and a fold with the rare ones where there are any."""
        made = self._often(section, path, owner)
        if note:
            made.append(words(f'<p class="caption">Price: {escape(note)}.</p>'))
        if set(section.fields()) & _RARE - self._unused():
            title = f"More about {owner}" if owner else "More about the evaluator"
            made.append(Fold(title, lambda: self._rare(section, path, owner), level=1).card)
        return [*made, *self._paid(section, path, owner)]

    # What happens

    def _scenarios(self) -> list[str]:
        known = library.names()
        return known if self.session.name_shown in known else [*known, self.session.name_shown]

    async def _pick(self, event: Any) -> None:
        if event.new in library.names() and event.new != self.session.name_shown and self.session.open(event.new):
            await self.session.play(0)

    async def _upload(self, event: Any) -> None:
        if event.new and self.session.upload(bytes(event.new), str(self.upload.filename or "upload.toml")):
            await self.session.play(0)

    def _message(self, message: dict[str, Any]) -> None:
        if message.get("status") == "error":
            self.session.refuse_upload()
        else:
            self._received(message)

    async def _kind(self, event: Any) -> None:
        await self.session.change(EVALUATOR_KIND, event.new)

    def _rebuild(self, event: Any) -> None:
        what = event.new[0]
        if what == "all":
            self._fields.clear()
            self.picker.param.update(options=self._scenarios(), value=self.session.name_shown)
        self.parts["traffic"].card.title = words_of(self.session.study.scenario).inputs
        for name, part in self.parts.items():
            if what in ("all", name):
                part.refresh()

    def _complain(self, event: Any) -> None:
        for key, line in ((self._complained, ""), (event.new, "See the message on the page.")):
            if key in self._fields:
                self._fields[key].complain(line)
        self._complained = event.new
