"""The power of one strategy at points of a study: exact where it is, else simulated with the same random numbers.

One meaning of power for every design: the chance of a finding *for a variant that is truly better*.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from expsim_panel import engine, exact, plan
from expsim_panel.economics import ledger
from expsim_panel.errors import InputError, did_you_mean, shown
from expsim_panel.mover import Mover
from expsim_panel.operating import estimates, rejected
from expsim_panel.results import Outcomes
from expsim_panel.strategy import Strategy
from expsim_panel.study import Study

REPLICATES = 4000
"""Simulated experiments at a point, unless told otherwise."""

FEW_ROWS = 100
"""Scored rows an arm below which the law of large samples, which live traffic is taken at, is no exact one."""

NO_EXACT = "no exact value"
"""How every reason begins for which `exact.operating` has no value where a simulation has one."""

FINDS = {
    "any": "a finding for any variant that is truly better",
    "best": "a finding for the best variant",
    "all": "a finding for every variant that is truly better",
}
"""What counts as found with several variants."""

DIRECTIONS = {
    "effect": "only a finding in the direction of the true effect counts",
    "both": "any rejection counts, a finding for the worse one too, as in the reports",
}
"""What counts as found of two-sided tests with one variant."""


@dataclass(frozen=True)
class Point:
    """What a strategy does at one point of a study.

    Attributes
    ----------
    power, se : float
        Chance of what counts as a finding, and its Monte Carlo standard error (0: exact).
    wrong : float
        Chance of a finding for a variant that is not better, or for the control where a variant is.
    expected_units, expected_days : float
        Means at the end of the experiment, all arms.
    per_arm : tuple of int
        Units planned for each arm.
    """

    power: float
    se: float
    wrong: float
    expected_units: float
    expected_days: float
    per_arm: tuple[int, ...]


class Meter:
    """Reads the power of one strategy at points of a study.

    Parameters
    ----------
    study : Study
        Not changed; its strategies may be several.
    strategy : str
        Name of one of them.
    finds, directions : str
        Of `FINDS` and `DIRECTIONS`.
    replicates : int
        Simulated experiments at a point, where it is simulated.
    simulate : bool
        True simulates even where exact values exist.
    """

    def __init__(
        self, study: Study, strategy: str, *, finds: str = "any", directions: str = "effect",
        replicates: int = REPLICATES, simulate: bool = False, workers: int = 1,
        cancelled: Callable[[], bool] | None = None,
    ) -> None:  # fmt: skip
        names = [one.name for one in study.strategies]
        if strategy not in names:
            problem = f"unknown strategy {shown(strategy)}"
            raise InputError("power", "--strategy", problem, did_you_mean(strategy, names))
        for flag, value, known in (("--finds", finds, FINDS), ("--directions", directions, DIRECTIONS)):
            if value not in known:
                raise InputError("power", flag, f"{shown(value)} is none", did_you_mean(value, known))
        arms = len(study.scenario.variants)
        if directions == "both" and (arms > 2 or finds != "any"):
            problem = "both directions of several variants"
            raise InputError("power", "--directions", problem, "give effect: a finding for a worse one is none")
        alone = study.freeze().study()
        alone.strategies = [alone.strategies[names.index(strategy)]]
        alone.put("replicates", replicates, "power")
        self.mover = Mover(alone)
        self.finds, self.directions = finds, directions
        self.replicates, self.workers = int(replicates), workers
        self.seed = int(alone.seed)
        self._cancelled = cancelled
        self._seen: dict[tuple[object, ...], Point | str] = {}
        self.why = "asked to simulate" if simulate else self._why_simulated()

    @property
    def strategy(self) -> Strategy:
        """The strategy."""
        one: Strategy = self.mover.study.strategies[0]
        return one

    def _why_simulated(self) -> str:
        """Return why points are simulated; empty if they are exact."""
        study = self.mover.study
        absent = exact.why_not(study.scenario, self.strategy)
        if absent and self.strategy.policy.adaptive:
            return absent
        found = self._exact(study)
        if isinstance(found, Point):
            return ""
        # Few rows may be all that is missing: what grows will have them.
        roomy = self._roomy()
        return found if roomy is None or isinstance(self._exact(roomy), str) else ""

    def _roomy(self) -> Study | None:
        scenario = self.mover.study.scenario
        path = "traffic.units_per_day" if scenario.offline is None else "offline.prompts"
        own = scenario.traffic.units_per_day if scenario.offline is None else scenario.offline.prompts
        probe = Mover(self.mover.study)
        try:
            return probe.to({path: own * 64})
        except InputError:
            return None

    def at(self, levels: dict[str, float], replicates: int | None = None) -> Point | str:
        """Return the point at these levels by path, or why there is none there; the meter's study is moved to it."""
        if self._cancelled and self._cancelled():
            raise engine.Cancelled
        try:
            study = self.mover.to(levels)
        except InputError as error:
            return f"{error.problem} ({error.key})" if error.key else error.problem
        size = (replicates or self.replicates) if self.why else 0
        key = (size, *sorted(levels.items()))
        if key not in self._seen:
            self._seen[key] = self._simulated(study, size) if size else self._exact(study)
        return self._seen[key]

    def _exact(self, study: Study) -> Point | str:
        scenario, one = study.scenario, study.strategies[0]
        each = _per_arm(study)
        if scenario.offline is None and plan.setting_of(scenario).rows[-1].min() < FEW_ROWS:
            return f"{NO_EXACT} at fewer than {FEW_ROWS} responses an arm, where an estimated spread is no known one"
        try:
            found = exact.operating(scenario, one, "truth", ledger(scenario), patient=True)
        except InputError as error:
            # Such as looks that this little traffic lets know nothing more than those before.
            return error.problem
        if isinstance(found, str):
            return found
        values = found.values
        if "power" in values:
            name = {"any": "power", "best": "best", "all": "every"}[self.finds]
            if name not in values:
                return f"{NO_EXACT} of finding all of several variants"
            power = values[name]
            wrong = values["rejection"] - values["power"]
        else:
            power = values["rejection"] if self.directions == "both" else float(found.high.sum())
            wrong = values["rejection"] - float(found.high.sum())
        return Point(power, 0.0, max(0.0, wrong), values["units"], values["days"], each)

    def _simulated(self, study: Study, replicates: int) -> Point | str:
        name = study.strategies[0].name
        try:
            out = engine.played(
                study, "truth", replicates=replicates, seed=self.seed, workers=self.workers, cancelled=self._cancelled
            )[name]
        except InputError as error:
            return error.problem
        hits, wrong = self._hits(study, out)
        share = float(hits.mean())
        # Laplace's rule: no share of finitely many experiments is known for certain.
        safe = (float(hits.sum()) + 1) / (replicates + 2)
        money = ledger(study.scenario)
        return Point(
            share, float(np.sqrt(safe * (1 - safe) / replicates)), float(wrong.mean()),
            float(out.units.sum(axis=1).mean()), float(np.mean(money.days(out.day.astype(float)))), _per_arm(study),
        )  # fmt: skip

    def _hits(self, study: Study, out: Outcomes) -> tuple[np.ndarray, np.ndarray]:
        """Return which experiments find what counts, and which find something wrong."""
        scenario, design = study.scenario, study.strategies[0].design
        effects = scenario.effects
        good = (out.code > 0) & (effects[np.maximum(out.code, 0)] > 0)
        wrong = rejected(out.code) & ~good
        if self.directions == "both":
            return rejected(out.code), wrong
        if self.finds == "best":
            return out.code == 1 + int(effects[1:].argmax()), wrong
        if self.finds == "any" or effects.size == 2:
            return good, wrong
        found = estimates(out, scenario.by_counts)
        with np.errstate(invalid="ignore", divide="ignore"):
            z = np.where(found.se > 0, found.effect / found.se, 0.0)
        each = None if study.strategies[0].policy.adaptive else design.found_for(z, plan.setting_of(scenario))
        if each is None:
            problem = f"{design.kind} stops with one finding and tells nothing of the other variants"
            raise InputError("power", "--finds", problem, "give any or best; all needs a test at the end")
        return np.asarray(each[:, effects[1:] > 0].all(axis=1)), wrong


def _per_arm(study: Study) -> tuple[int, ...]:
    return tuple(int(units) for units in plan.schedule(study.scenario).units[-1])
