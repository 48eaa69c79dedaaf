"""A bandit problem beyond the classic one as one visitor asks for it, its link, and its result. No widgets.

What is typed goes through the door of the command line (`bandit_problems.play`), so a bad value gives the same line
everywhere.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Self

import param

from expsim_panel.bandit_blocks import PlayedProblem
from expsim_panel.bandit_problems import NOT_INFERRED, play
from expsim_panel.errors import InputError, shown
from expsim_panel.layouts.problem_links import RESERVED, SIZES, address, common
from expsim_panel.layouts.varying import Varying
from expsim_panel.policy_names import read_value
from expsim_panel.problem_axes import ProblemSetting
from expsim_panel.problem_forms import FORMS, MOST_TEXT, ProblemForm, read_form
from expsim_panel.problem_inference import inference_of
from expsim_panel.quantities import count

WHERE = "bandit"
FIRST_PULLS, MOST_PULLS = 1_500_000, 200_000_000
"""Pulls of the first picture, over all policies: a fifth of a second; and of the whole, so that a page stays quick."""
MOST_POLICIES = 10


@dataclass(frozen=True)
class AskedProblem:
    """A problem as a visitor typed it.

    Attributes
    ----------
    kind : str
        A name of `problem_forms.FORMS`.
    values : mapping
        Fields of its form that were changed.
    policies : tuple of str
        Names, with parameters in brackets.
    horizon, replicates, seed : int or None
        Requests or duels, experiments, seed.
    """

    kind: str
    values: Mapping[str, Any] = field(default_factory=dict)
    policies: tuple[str, ...] = ()
    horizon: Any = 5000
    replicates: Any = 2000
    seed: Any = 1

    @classmethod
    def usual(cls, kind: str) -> Self:
        """Return the problem that a kind opens with."""
        form = FORMS[kind]
        return cls(kind, policies=form.usual, horizon=form.horizon)

    @classmethod
    def linked(cls, parts: Mapping[str, str]) -> Self:
        """Return the problem of a link; what makes no sense is kept, for `problem` to name it."""
        kind = parts.get("problem", "")
        made = cls.usual(kind) if kind in FORMS else cls(kind)
        values: dict[str, Any] = {}
        for key, text in parts.items():
            if key in RESERVED:
                continue
            text = text[: MOST_TEXT + 1]
            declared = FORMS[kind].param[key] if kind in FORMS and key in FORMS[kind].param else None
            words = isinstance(declared, param.String | param.Selector)
            values[key] = None if text == "" and not words else text if words else read_value(text)
        return replace(made, values=values, **common(parts))

    def link(self) -> str:
        """Return the part of an address that asks for this problem, every field of it."""
        form = FORMS[self.kind]
        values = {key: self.values.get(key, form.param[key].default) for key in form.param if key != "name"}
        return address(self.kind, values, self.policies, {key: getattr(self, key) for key in SIZES})

    def form(self) -> ProblemForm:
        """Return the form with what was typed; `InputError` naming the field that is wrong."""
        return read_form(self.kind, dict(self.values), WHERE)

    def problem(self) -> dict[str, Any]:
        """Return the arguments of `bandit_problems.play`; `InputError` naming the field that is wrong."""
        form = self.form()
        if not 1 <= len(self.policies) <= MOST_POLICIES:
            problem = f"{len(self.policies)} policies are chosen"
            raise InputError(WHERE, "policies", problem, f"choose 1 to {MOST_POLICIES}")
        for key, size in (("horizon", self.horizon), ("replicates", self.replicates)):
            if isinstance(size, bool) or not isinstance(size, int) or size < 1:
                raise InputError(WHERE, key, f"{key} is {shown(size)}", "give a whole number, 1 or more")
        pulls = self.horizon * self.replicates * len(self.policies)
        if pulls > MOST_PULLS:
            problem = f"{count(pulls)} {form.thing.lower()} in all"
            remedy = f"give at most {count(MOST_PULLS)} here (fewer experiments), or use expsim bandit"
            raise InputError(WHERE, "replicates", problem, remedy)
        return {
            "kind": form.plays, "given": form.given(), "policies": list(self.policies), "horizon": self.horizon,
            "replicates": self.replicates, "seed": self.seed,
        }  # fmt: skip


class ProblemSession(Varying):
    """One problem and its result."""

    asked = param.ClassSelector(class_=AskedProblem, label="Problem", doc="What the visitor typed.")
    result = param.ClassSelector(
        class_=PlayedProblem, allow_None=True, default=None, label="Result", doc="The newest result, whole or partial."
    )
    learned = param.List(default=[], label="Inference", doc="What each policy leaves to be inferred, by policy.")
    given = param.Dict(default={}, label="Played", doc="What the result was asked with, by the names of the flags.")

    async def change(self, **changes: Any) -> None:
        """Take new values and play; a bad one keeps what is on screen and gives its line."""
        new = replace(self.asked, **changes)
        if new == self.asked and self.result is not None:
            return
        self.asked = new
        await self.play()

    def setting(self) -> ProblemSetting:
        """Return the problem as it is asked for; `InputError` where it is wrong."""
        asked = self.asked.problem()
        return ProblemSetting(tuple(asked["policies"]), asked["horizon"], asked["kind"], asked["given"])

    def sizes(self) -> tuple[int, int]:
        """Return experiments and seed that are asked for."""
        return self.asked.replicates, self.asked.seed

    async def put(self, key: str, value: Any) -> None:
        """Take one field of the form."""
        await self.change(values={**self.asked.values, key: value})

    async def play(self) -> None:
        """Play the problem: a first picture from few experiments, then all of them. Overtakes any other run."""
        try:
            asked = self.asked.problem()
        except InputError as error:
            self.refuse(error)
            return
        run = self._stop()
        thing = self.asked.form().thing.lower()

        def done(found: PlayedProblem[Any]) -> str:
            size = f"{count(found.replicates)} experiments of {count(found.horizon)} {thing}"
            return f"{size} per policy in {found.seconds:.1f} s"

        found = await self._stepwise(run, asked, FIRST_PULLS, _play, done, given=asked["given"], learned=[])
        if found is None or asked["kind"] in NOT_INFERRED or run != self._run:
            return
        # After everything else is on screen.
        made = await self._work(run, lambda stop: inference_of(found, progress=stop))
        if made is not None:
            self._show(run, learned=list(made))


def _play(asked: dict[str, Any], progress: Any) -> PlayedProblem[Any]:
    try:
        return play(**asked, progress=progress)
    except InputError as error:
        raise InputError(WHERE, error.key, error.problem, error.remedy) from None
