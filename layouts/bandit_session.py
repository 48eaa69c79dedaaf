"""What one visitor asks of a bandit problem, and the one computation that answers. No widgets.

A change goes through the same door as the command line (`bandit`, `regret_over`), so a bad value gives the same line
everywhere. Computation runs on threads; what an overtaken run still delivers is dropped by its run number.
"""

from __future__ import annotations

import re
import threading
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field, replace
from typing import Any, Self

import param

from expsim_panel import bandit
from expsim_panel.bandit_axes import Setting, setting_of
from expsim_panel.bandit_form import FAMILIES, BanditPlace, form_world
from expsim_panel.bandit_inference import inference
from expsim_panel.bandit_results import in_dollars
from expsim_panel.bandit_scenario import of_scenario
from expsim_panel.bandit_verdict import check_value
from expsim_panel.bandits import BanditResult
from expsim_panel.best_arm import check_means
from expsim_panel.errors import InputError, did_you_mean, shown
from expsim_panel.layouts.computing import POOL
from expsim_panel.layouts.problem_links import RESERVED, SIZES, address, common
from expsim_panel.layouts.varying import Varying
from expsim_panel.policy_names import read_value
from expsim_panel.quantities import count
from expsim_panel.study import Study

WHERE, PLAIN = "bandit", "plain"
FIRST_PULLS, MOST_PULLS = 2_000_000, 400_000_000
"""Pulls of the first picture, over all policies: a fifth of a second; and of the whole, so that a page stays quick."""
MOST_POLICIES, MOST_ARMS, MOST_TEXT = 10, 50, 2000


@dataclass(frozen=True)
class Asked:
    """A problem as a visitor typed it.

    Attributes
    ----------
    means : str
        Means of the arms, with commas between.
    family : str
        ``bernoulli`` or ``gaussian``.
    horizon, replicates, seed : int or None
        Requests, experiments, seed.
    policies : tuple of str
        Names, with parameters in brackets.
    usd : float or None
        What one unit of reward is worth, in dollars.
    place, arms : mapping, tuple of mapping
        Values of `bandit_form.BanditPlace` and, by arm, of `bandit_form.BanditArm` that were changed: the world.
    """

    means: str = "0.62, 0.65, 0.68"
    family: str = "bernoulli"
    horizon: Any = 5000
    replicates: Any = 2000
    seed: Any = 1
    policies: tuple[str, ...] = ("even", "explore-then-commit", "epsilon-greedy", "ucb1", "thompson")
    usd: float | None = None
    place: Mapping[str, Any] = field(default_factory=dict)
    arms: tuple[Mapping[str, Any], ...] = ()

    @classmethod
    def linked(cls, parts: Mapping[str, str]) -> Self:
        """Return the problem of a link; what makes no sense is kept, for `problem` to name it."""
        values: dict[str, Any] = {key: parts[key][: MOST_TEXT + 1] for key in ("means", "family") if key in parts}
        if parts.get("usd"):
            values["usd"] = read_value(parts["usd"][:40])
        place: dict[str, Any] = {}
        rows: list[dict[str, Any]] = []
        for key, text in parts.items():
            if key in (*RESERVED, "means", "family", "usd"):
                continue
            arm = re.fullmatch(r"arms\.([0-9]{1,2})\.([a-z_]+)", key)
            if arm is None or int(arm[1]) >= MOST_ARMS:
                place[key[:80]] = read_value(text[:40])
                continue
            rows += [{} for _ in range(int(arm[1]) + 1 - len(rows))]
            rows[int(arm[1])][arm[2]] = read_value(text[:40])
        return cls(**values, **common(parts), place=place, arms=tuple(rows))

    def link(self) -> str:
        """Return the part of an address that asks for this problem: what differs from the usual world, too."""
        values: dict[str, Any] = {"means": self.means, "family": self.family}
        if self.usd is not None:
            values["usd"] = self.usd
        values |= self.place
        values |= {f"arms.{k}.{key}": value for k, row in enumerate(self.arms) for key, value in row.items()}
        return address(PLAIN, values, self.policies, {key: getattr(self, key) for key in SIZES})

    def numbers(self) -> list[float]:
        """Return the typed means; `InputError` where they are no numbers."""
        text = self.means[:MOST_TEXT]
        try:
            return [float(part) for part in text.replace(";", ",").split(",") if part.strip()]
        except ValueError:
            raise InputError(WHERE, "means", f"{shown(text)} is no list of numbers", "write 0.62, 0.65") from None

    def world(self, means: Sequence[float]) -> dict[str, Any]:
        """Return the world as `bandit` takes it; dollars are part of it where they are more than a factor."""
        made = form_world(self.place, self.arms, means, self.family, WHERE)
        if self.usd is not None and ("cost" in made or "population" in made):
            made["value_per_point"] = self.usd
        return made

    def problem(self) -> dict[str, Any]:
        """Return the arguments of `bandit`; `InputError` naming the place where they are wrong."""
        if self.family not in FAMILIES.values():
            raise InputError(WHERE, "family", f"unknown family {shown(self.family)}", "choose bernoulli or gaussian")
        for key in self.place:
            if key not in BanditPlace.fields():
                raise InputError(WHERE, key, f"unknown key {shown(key)}", did_you_mean(key, BanditPlace.fields()))
        if isinstance(self.usd, bool) or not isinstance(self.usd, int | float | None):
            raise InputError(WHERE, "usd", f"{shown(self.usd)} is no amount", "give dollars, or leave it out")
        means = self.numbers()
        values = check_means(means, self.family, WHERE, "means")
        if values.size > MOST_ARMS:
            raise InputError(WHERE, "means", f"{values.size} arms", f"give at most {MOST_ARMS} here")
        if not 1 <= len(self.policies) <= MOST_POLICIES:
            remedy = f"choose 1 to {MOST_POLICIES}"
            raise InputError(WHERE, "policies", f"{len(self.policies)} policies are chosen", remedy)
        for key, size in (("horizon", self.horizon), ("replicates", self.replicates)):
            if isinstance(size, bool) or not isinstance(size, int) or size < 1:
                raise InputError(WHERE, key, f"{key} is {shown(size)}", "give a whole number, 1 or more")
        check_value(self.usd, WHERE, "value of one")
        pulls = self.horizon * self.replicates * len(self.policies)
        if pulls > MOST_PULLS:
            problem = f"{count(pulls)} requests in all"
            remedy = f"give at most {count(MOST_PULLS)} here (fewer experiments), or use expsim bandit"
            raise InputError(WHERE, "replicates", problem, remedy)
        return {
            "means": means, "policies": list(self.policies), "horizon": self.horizon, "family": self.family,
            "replicates": self.replicates, "seed": self.seed, "world": self.world(means) or None,
        }  # fmt: skip


def of_study(study: Study, asked: Asked) -> Asked:
    """Return the problem that a study makes, its evaluator and money included; see `bandit_scenario`."""
    found = of_scenario(study.scenario)
    # As many experiments as the page allows, in round numbers; batches are played by their sums.
    room = MOST_PULLS // (2 * found.horizon * max(len(asked.policies), 1))
    replicates = max(20, min(2000, room // 10 * 10))
    text = ", ".join(f"{mean:.6g}" for mean in found.means)
    return replace(
        asked, means=text, family=found.family, horizon=found.horizon, replicates=replicates, usd=found.usd,
        place=found.place, arms=tuple(found.arms),
    )  # fmt: skip


class Opening:
    """The result of the problem that every visitor sees first; it belongs to no visitor and nobody changes it."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._work: Future[BanditResult] | None = None

    def prepare(self) -> Future[BanditResult]:
        """Compute it in the background, if that has not begun."""
        with self._lock:
            if self._work is None or (self._work.done() and self._work.exception() is not None):
                self._work = POOL.submit(bandit, **Asked().problem())
            return self._work

    def take(self, asked: Asked) -> BanditResult | None:
        """Return it if it is there and is what is asked; never waits."""
        work = self._work
        same = replace(asked, usd=None) == Asked()
        return work.result() if same and work is not None and work.done() and work.exception() is None else None


OPENING = Opening()


class BanditSession(Varying):
    """One problem, its result and the curve over one number."""

    asked = param.ClassSelector(class_=Asked, default=Asked(), label="Problem", doc="What the visitor typed.")
    result = param.ClassSelector(
        class_=BanditResult, allow_None=True, default=None, label="Result", doc="The newest result, whole or partial."
    )
    learned = param.List(default=[], label="Inference", doc="What each policy leaves to be inferred, by policy.")
    noted = param.String(default="", label="From the scenario", doc="What of it is here in another form, or not.")

    @property
    def usd(self) -> float | None:
        """What amounts are multiplied by, if they are to be shown in dollars."""
        return self.asked.usd if self.dollars else None

    @property
    def priced(self) -> bool:
        """Whether there is anything to show in dollars."""
        return self.asked.usd is not None or (self.result is not None and any(self.result.world.cost))

    @property
    def net(self) -> bool:
        """Whether dollars are net value, which is more than rewards times a price."""
        found = self.result
        return found is not None and (any(found.world.cost) or "value_per_point" in found.world.tree())

    def setting(self) -> Setting:
        """Return the problem as it is asked for; `InputError` where it is wrong."""
        asked = self.asked.problem()
        keys = ("means", "policies", "horizon", "family", "world")
        return setting_of(**{key: asked[key] for key in keys}, where=WHERE)

    def sizes(self) -> tuple[int, int]:
        """Return experiments and seed that are asked for."""
        return self.asked.replicates, self.asked.seed

    def shown(self) -> tuple[BanditResult | None, float | None]:
        """Return the result to show, and what its amounts are to be multiplied by: net value where pulls cost."""
        found = self.result
        if found is not None and self.dollars and any(found.world.cost):
            return in_dollars(found), 1.0
        return found, self.usd

    async def change(self, **changes: Any) -> None:
        """Take new values and play; a bad one keeps what is on screen and gives its line."""
        new = replace(self.asked, **changes)
        if new == self.asked and self.result is not None:
            return
        same = replace(new, usd=self.asked.usd) == self.asked and self.result is not None and not self.busy
        only_price = same and "cost" not in _world_of(new) and "population" not in _world_of(new)
        values: dict[str, Any] = {"asked": new}
        if new.usd != self.asked.usd:
            values["dollars"] = new.usd is not None
        with self._hold():
            self.param.update(**values)
        await self.play(check_only=only_price)

    async def play(self, check_only: bool = False) -> None:
        """Play the problem: a first picture from few experiments, then all of them. Overtakes any other run."""
        try:
            asked = self.asked.problem()
        except InputError as error:
            self.refuse(error)
            return
        if check_only:
            with self._hold():
                self.error = ""
                self.param.trigger("result")
            return
        run = self._stop()
        known = OPENING.take(self.asked)
        if known is not None:
            self._show(
                run, result=known, curve=None, surface=None, learned=[], error="", words=_played(known), busy=False
            )
            await self._infer(run, known)
            return
        found = await self._stepwise(run, asked, FIRST_PULLS, _play, _played, learned=[])
        if found is not None:
            await self._infer(run, found)

    async def _infer(self, run: int, found: BanditResult | None) -> None:
        """Reckon what can be inferred, after everything else is on screen."""
        if found is None or run != self._run:
            return
        made = await self._work(run, lambda stop: inference(found, progress=stop))
        if made is not None:
            self._show(run, learned=list(made))


def _world_of(asked: Asked) -> dict[str, Any]:
    """Return the world asked for; empty where it cannot be read (the error is given when it is played)."""
    try:
        return asked.world(asked.numbers())
    except InputError:
        return {}


def _play(asked: dict[str, Any], stop: Callable[[int, int], None]) -> BanditResult:
    found: BanditResult = bandit(**asked, progress=stop)
    return found


def _played(found: BanditResult) -> str:
    size = f"{count(found.replicates)} experiments of {count(found.horizon)} requests"
    return f"{size} per policy in {found.seconds:.1f} s"
