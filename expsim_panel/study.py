"""A study: a scenario, the strategies that play it, how often and with which seed."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Self

import param

from expsim_panel import library, preference_checks, strategy
from expsim_panel.errors import InputError
from expsim_panel.kernels.strata import DailyRatio, DailyTable
from expsim_panel.late_arms import check_late, late_arms
from expsim_panel.policy import Floored, Problem
from expsim_panel.quantities import Count
from expsim_panel.scenario import Scenario
from expsim_panel.sections import Section
from expsim_panel.timeline import stratified

if TYPE_CHECKING:
    from expsim_panel.results import Result


MAX_BYTES = 2_100_000_000
"""Arrays of one result. A run needs up to one and a half times as much, which a laptop still has."""


@dataclass(frozen=True)
class Request:
    """A frozen study: hashable, comparable, and all that the engine gets to see.

    Attributes
    ----------
    document : str
        The study as canonical JSON (sorted keys, no spaces).
    replicates, seed, luck : int
        Experiments per strategy and world; seed; which replicate is shown day by day.
    """

    document: str
    replicates: int
    seed: int
    luck: int

    @property
    def digest(self) -> str:
        """SHA-256 of everything that the results depend on, the shown replicate apart."""
        return hashlib.sha256(f"{self.document}|{self.replicates}|{self.seed}".encode()).hexdigest()

    def study(self) -> Study:
        """Return an independent study equal to the frozen one."""
        made = Study.from_tree(json.loads(self.document), "request")
        made.replicates, made.seed, made.luck = self.replicates, self.seed, self.luck
        return made

    def shared(self) -> Study:
        """Return such a study to be read and never changed: the same object for all who ask, parsed once."""
        return _parsed(self)


@lru_cache(maxsize=8)
def _parsed(request: Request) -> Study:
    return request.study()


def _standard(scenario: Scenario) -> list[strategy.Strategy]:
    """Return the standard strategies that the evaluator allows; of a prompt set also a t test for few rows."""
    fixed = scenario.side_by_side or scenario.evaluator.fixed_split is not None
    made = strategy.standard(not fixed, late_arms(scenario))
    if scenario.offline is None:
        return made
    return [strategy.build({"kind": "fixed-t"}, "standard strategies", "fixed-t"),
            *(_within(one, scenario.offline.ticks) for one in made if not one.policy.adaptive)]  # fmt: skip


def _within(one: strategy.Strategy, batches: int) -> strategy.Strategy:
    """Return a standard strategy that looks no more often than there are batches."""
    if (getattr(one.design, "looks", None) or 0) <= batches:
        return one
    return strategy.build({"kind": one.kind, "looks": batches}, "standard strategies", one.kind)


class Study(Section):
    """What is simulated. Change its Params, then `freeze` it or `run` it."""

    scenario = param.ClassSelector(class_=Scenario, label="Scenario", doc="The experiment.")
    strategies = param.List(default=[], item_type=strategy.Strategy, label="Strategies", doc="What is compared.")
    replicates = Count(
        20_000,
        bounds=(1, 2_000_000),
        softbounds=(1000, 200_000),
        step=1000,
        label="Simulated experiments",
        doc="Experiments per strategy and world; more of them shrink the simulation error.",
    )
    seed = Count(1, bounds=(0, 2**63 - 1), softbounds=(0, 1000), label="Seed", doc="Same study and seed, same numbers.")
    luck = Count(
        0,
        bounds=(0, 10_000_000),
        softbounds=(0, 1000),
        label="Which experiment to watch",
        doc="Index of the simulated experiment that is shown day by day.",
    )

    @classmethod
    def load(cls, name_or_path: str, settings: Iterable[str] = (), names: Iterable[str] = ()) -> Self:
        """Load a study of a library scenario or a scenario file.

        Parameters
        ----------
        name_or_path : str
            Name in the library, or a TOML file.
        settings : iterable of str
            Overrides ``PATH=VALUE``.
        names : iterable of str
            Strategies by name or kind, instead of the scenario's.
        """
        tree, where = library.read_tree(name_or_path)
        library.override_all(tree, settings)
        return cls.from_tree(tree, where, names=names)

    @classmethod
    def from_tree(cls, tree: Any, where: str, path: str = "", names: Iterable[str] = ()) -> Self:
        """Build a study from a scenario tree."""
        made = cls()
        made.scenario = Scenario.from_tree(tree, where)
        rows = made.scenario.strategies
        listed = [strategy.build(row, where, f"strategies.{i}") for i, row in enumerate(rows)] or _standard(
            made.scenario
        )
        wanted = list(names)
        if wanted:
            if rows:
                # What the file says must be right, whether it is played this time or not.
                made.strategies = listed
                made.check(where)
            by_name = {one.name: one for one in listed}
            listed = [by_name.get(name) or strategy.named(name, "--strategy") for name in wanted]
        made.strategies = listed
        made.check(where)
        return made

    def check(self, where: str, path: str = "") -> None:
        """Check the strategies against each other and the traffic."""
        from expsim_panel.plan import setting_of

        names = [one.name for one in self.strategies]
        if len(names) > 12:
            raise InputError(where, "strategies", f"{len(names)} strategies", "compare at most 12 at a time")
        setting = setting_of(self.scenario)
        for i, one in enumerate(self.strategies):
            if names.index(one.name) != i:
                raise InputError(
                    where, f"strategies.{i}.name", f"{one.name!r} appears twice", "give every strategy its own name"
                )
            fixed = self.scenario.evaluator.fixed_split
            if one.policy.adaptive and fixed is not None:
                problem = f"{one.name} {fixed.because}"
                raise InputError(where, f"strategies.{i}", problem, f"remove it, or {fixed.otherwise}")
            if one.policy.adaptive and self.scenario.offline is not None:
                problem = f"{one.name} divides live traffic, and a prompt set has none"
                raise InputError(where, f"strategies.{i}", problem, "remove it, or remove [offline]")
            if setting.late_arms:
                check_late(self.scenario, one, one.rule(setting), where, f"strategies.{i}")
            if self.scenario.side_by_side:
                preference_checks.check_strategy(self.scenario, one, where, f"strategies.{i}")
            if isinstance(one.policy, Floored):
                problem_ = Problem(setting.arms, int(setting.units[-1].sum()), setting.binary, True)
                one.policy.check_arms(problem_, where, f"strategies.{i}")
            one.design.check_for(setting, where, f"strategies.{i}")
            apart = one.design.not_by_day() if stratified(self.scenario) and not one.policy.adaptive else ""
            if apart:
                remedy = 'choose another design, or write analysis.estimator = "pooled" where no level moves'
                problem = f"{one.name} where variants are compared within each day: {apart}"
                raise InputError(where, f"strategies.{i}", problem, remedy)
            hybrid = self.scenario.evaluator.kind == "hybrid"
            moves = one.policy.follows_data or (one.policy.adaptive and setting.late_arms)
            if hybrid and moves and isinstance(one.rule(setting), DailyTable | DailyRatio):
                problem = f"{one.design.kind} compares day by day, and a hybrid corrects a day by labels of all days"
                remedy = "choose bayesian, or another evaluator"
                raise InputError(where, f"strategies.{i}.stopping", f"{one.name}: {problem}", remedy)

    def to_tree(self) -> dict[str, Any]:
        """Return the scenario tree with the strategies spelled out."""
        return {**self.scenario.to_tree(), "strategies": [one.to_tree() for one in self.strategies]}

    def freeze(self) -> Request:
        """Return the frozen study.

        Raises
        ------
        InputError
            The Params contradict each other, or the result would not fit into memory.
        """
        tree = self.to_tree()
        self._check_size()
        try:
            document = json.dumps(tree, sort_keys=True, separators=(",", ":"), allow_nan=False)
            made = Request(document, int(self.replicates), int(self.seed), int(self.luck))
            made.shared()
        except (InputError, ValueError):
            # Of this study, then, not of the document that nobody has seen.
            Study.from_tree(tree, "study")
            raise
        return made

    def _check_size(self) -> None:
        """Refuse results that would not fit into memory; the same on every machine, as results are."""
        from expsim_panel.logged_shares import empty
        from expsim_panel.plan import WORLDS

        each = len(WORLDS) * sum(empty(self.scenario, one, 1).nbytes for one in self.strategies)
        if self.replicates * each > MAX_BYTES:
            most = MAX_BYTES // each // 1000 * 1000
            have = f"{self.replicates:,} experiments of {len(self.strategies)} strategies"
            problem = f"{have} need {self.replicates * each / 1e9:.1f} GB of memory"
            raise InputError("study", "replicates", problem, f"give at most {most:,}, or fewer strategies")

    def run(self, *, workers: int | None = None, **changes: Any) -> Result:
        """Simulate and return the result; `changes` (replicates, seed, luck) hold for this run only."""
        from expsim_panel import engine

        study = self.freeze().study()
        for key, value in changes.items():
            study.put(key, value, "run")
        return engine.run(study.freeze(), workers=workers)
