"""The bandit page's folds: each arm, the world, and the parameters of the policies; widgets follow the declarations."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any

import panel as pn
import panel_material_ui as pmu
import param

from expsim_panel.bandit_form import FEWEST, MOST, BanditArm, BanditPlace, arm_keys, place_keys
from expsim_panel.errors import InputError
from expsim_panel.layouts.bandit_session import BanditSession
from expsim_panel.layouts.controls import Shape, shape
from expsim_panel.layouts.number_boxes import FloatBox, IntBox, unset_or_number
from expsim_panel.layouts.pages.frame import Fold, words
from expsim_panel.policy import BanditPolicy, DuelPolicy, Policy
from expsim_panel.policy_names import canonical, read_kind

Changed = Callable[[str, Any], Awaitable[None]]


def box(declared: param.Parameter, start: Any, whose: str, changed: Changed, width: int = 182) -> Any:
    """Return the input of one declared value; a bad one is passed on for the error line to name.

    Its bounds are not the widget's: a browser would put the nearest bound in the place of what was typed.
    """
    label = f"{declared.label} · {whose}" if whose else str(declared.label)
    common: dict[str, Any] = {"size": "small", "width": width, "margin": (9, 10, 4, 0), "description": declared.doc}
    read: Callable[[Any], Any] = lambda value: value  # noqa: E731
    if isinstance(declared, param.Boolean):
        made: Any = pmu.Switch(label=label, value=bool(start), **common)
    elif isinstance(declared, param.Selector):
        named = dict(declared.names) if declared.names else list(declared.objects)
        made = pmu.Select(label=label, options=named, value=start, **common)
    elif isinstance(declared, param.String):
        made = pmu.TextInput(label=label, value=str(start), max_length=2000, **common)
    elif declared.allow_None:
        # A number box shows an unset number as 0, which is a value.
        form = shape(declared, False)
        number = form.shown(start)
        shown = "" if start is None else str(start) if number is None else f"{number:.12g}"
        made = pmu.TextInput(
            label=_with_unit(declared, whose), value=shown, placeholder="not set", max_length=40, **common
        )
        read = partial(_read, form)
    else:
        form = shape(declared, False)
        kind = IntBox if form.whole else FloatBox
        made = kind(
            label=_with_unit(declared, whose), value=form.shown(start), step=form.step,
            **({} if form.whole else {"format": unset_or_number(8, False)}), **common,
        )  # fmt: skip
        read = form.meant

    async def moved(event: Any) -> None:
        await changed(str(declared.name), read(event.new))

    made.param.watch(moved, "value")
    return made


def typed_number(text: Any) -> Any:
    """Return the number of a text, None where it is empty, the text itself where it is none."""
    kept = str(text).strip().removeprefix("$").replace(",", "")
    for kind in (int, float):
        try:
            return kind(kept) if kept else None
        except ValueError:
            continue
    return str(text)[:40]


def _read(form: Shape, text: Any) -> Any:
    """Return the study's value of a typed number; what is none stays text."""
    value = typed_number(text)
    return value if isinstance(value, str) else form.meant(value)


def _with_unit(declared: param.Parameter, whose: str) -> str:
    unit = shape(declared, False).unit
    label = f"{declared.label}, {unit}" if unit and not str(declared.label).endswith(unit) else str(declared.label)
    return f"{label} · {whose}" if whose else label


class Worlds:
    """Three folds that show what is asked, and ask for what is typed."""

    def __init__(self, session: BanditSession, means: Callable[[list[float]], None]) -> None:
        self.session, self._means = session, means
        self._seen: tuple[Any, ...] = ()
        self._boxes: list[Any] = []
        self.arms = Fold("Each arm: means, costs, evaluator, change, arrival", self._arms)
        self.world = Fold("The world: delay, batches, shift, season, noise, requests in all", self._world)
        self.parameters = Parameters(
            lambda: session.asked.policies, lambda chosen: session.change(policies=chosen), session.complain
        )
        self.policies = self.parameters.fold
        self.folds = (self.arms, self.world, self.policies)
        for fold in self.folds:
            fold.card.margin = (4, 0)

    def view(self) -> pn.Column:
        """Return the folds."""
        return pn.Column(*(fold.card for fold in self.folds), sizing_mode="stretch_width", margin=(4, 0))

    def follow(self, everything: bool = False) -> None:
        """Build the folds again whose fields are others now; with `everything` all, as their values are others."""
        asked = self.session.asked
        shift = bool(asked.place.get("shift_at"))
        try:
            arms = len(asked.numbers())
        except InputError:
            return
        kinds = tuple(name.partition("(")[0].strip() for name in asked.policies)
        now = ((asked.family, shift, arms), (asked.family,), kinds)
        for fold, old, new in zip(self.folds, self._seen or (None,) * 3, now, strict=True):
            if everything or old != new:
                fold.refresh()
        self._seen = now
        # Means typed above; a box that is set again plays nothing.
        for mean, typed in zip(asked.numbers(), self._boxes, strict=False):
            if typed.value != mean:
                typed.value = mean

    def _arms(self) -> list[Any]:
        asked = self.session.asked
        try:
            means = asked.numbers()
        except InputError:
            return [words('<p class="caption">Write the means as numbers first.</p>')]
        count = IntBox(
            label="Number of arms", value=len(means), start=FEWEST, end=MOST, step=1, size="small", width=130,
            margin=(9, 10, 4, 0),
        )  # fmt: skip

        async def number(event: Any) -> None:
            if event.new and FEWEST <= event.new <= MOST and event.new != len(means):
                self._means((means + [means[-1]] * MOST)[: event.new])

        count.param.watch(number, "value")
        rows: list[Any] = [count]
        self._boxes = []
        shift = bool(asked.place.get("shift_at"))
        if len(means) > MOST:
            rows.append(words(f'<p class="caption">The first {MOST} of {len(means)} arms; means stand above.</p>'))
        for k, mean in enumerate(means[:MOST]):
            name = f"arm {k}" + (" (control)" if k == 0 else "")
            values = {"mean": mean, **(asked.arms[k] if k < len(asked.arms) else {})}
            inputs = [
                box(BanditArm.param[key], values.get(key, BanditArm.param[key].default), f"arm {k}", self._put_arm(k))
                for key in arm_keys(asked.family, shift)
            ]
            head = words(f'<p class="caption"><b>{name}</b></p>', margin=(8, 0, 0, 0))
            self._boxes.append(inputs[0])
            rows += [head, pn.FlexBox(*inputs, sizing_mode="stretch_width", margin=0)]
        return rows

    def _put_arm(self, arm: int) -> Changed:
        async def put(key: str, value: Any) -> None:
            asked = self.session.asked
            if key == "mean":
                try:
                    means = asked.numbers()
                except InputError:
                    return
                if value is not None and arm < len(means) and means[arm] != value:
                    means[arm] = value
                    self._means(means)
                return
            rows = [dict(row) for row in asked.arms] + [{} for _ in range(arm + 1 - len(asked.arms))]
            rows[arm][key] = value
            if value is None and BanditArm.param[key].allow_None:
                rows[arm].pop(key)
            await self.session.change(arms=tuple(rows))

        return put

    def _world(self) -> list[Any]:
        asked = self.session.asked

        async def put(key: str, value: Any) -> None:
            place = {**self.session.asked.place, key: value}
            if value is None and BanditPlace.param[key].allow_None:
                place.pop(key)
            await self.session.change(place=place)

        inputs = [
            box(BanditPlace.param[key], asked.place.get(key, BanditPlace.param[key].default), "", put, 190)
            for key in place_keys(asked.family)
        ]
        return [pn.FlexBox(*inputs, sizing_mode="stretch_width", margin=0)]


class Parameters:
    """The fold of the policies' parameters, which stand in the names that are asked for."""

    def __init__(
        self, policies: Callable[[], tuple[str, ...]], changed: Callable[[tuple[str, ...]], Awaitable[None]],
        complain: Callable[[InputError], None], kinds: tuple[type[Policy], ...] = (BanditPolicy,),
    ) -> None:  # fmt: skip
        self._policies, self._changed, self._complain, self._kinds = policies, changed, complain, kinds
        self.fold = Fold("Parameters of the policies", self._build)
        self.fold.card.margin = (4, 0)

    def _build(self) -> list[Any]:
        rows: list[Any] = []
        for place, text in enumerate(self._policies()):
            try:
                made = read_kind(text, self._kinds, "bandit", "policy")
            except InputError:
                continue
            shown = [key for key in made.fields() if self._editable(made, key)]
            inputs = [box(made.param[key], getattr(made, key), made.kind, self._put(place), 250) for key in shown]
            head = words(f'<p class="caption"><b>{made.kind}</b> {made.summary}</p>', margin=(8, 0, 0, 0))
            rows += [head, pn.FlexBox(*inputs, sizing_mode="stretch_width", margin=0)]
        return rows

    def _put(self, place: int) -> Changed:
        async def put(key: str, value: Any) -> None:
            chosen = list(self._policies())
            if place >= len(chosen):
                return
            try:
                made = read_kind(chosen[place], self._kinds, "bandit", "policy")
                made.put(key, value, "bandit", f"policy {made.kind}")
            except InputError as error:
                self._complain(error)
                return
            chosen[place] = canonical(made)
            await self._changed(tuple(chosen))

        return put

    @staticmethod
    def _editable(policy: Policy, key: str) -> bool:
        if isinstance(policy, DuelPolicy) and key in ("floor", "floors", "burn_in"):
            return False
        return isinstance(policy.param[key], (param.Number, param.Selector, param.Boolean))
