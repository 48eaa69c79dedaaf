"""What a visitor tries on the Evaluators page: judge, people, budget; the answers, and their simulation. No widgets.

A bench belongs to one session, follows its study, and changes nothing in it. Whatever an overtaken computation still
delivers is dropped by its run number.
"""

from __future__ import annotations

import asyncio
import copy
import math
from typing import Any

import numpy as np
import param

from expsim_panel.errors import InputError
from expsim_panel.evaluation_simulation import Comparison, compare
from expsim_panel.evaluator_advice import played_splits
from expsim_panel.evaluator_answers import Answers, answers, with_evaluators
from expsim_panel.evaluator_picks import DriftPicks, Picks, SplitPicks, Weights, fields_of
from expsim_panel.evaluator_profiles import INSTEAD
from expsim_panel.layouts.computing import POOL
from expsim_panel.offline_answers import SideBySide, side_by_side
from expsim_panel.scenario import Scenario

FIRST, FULL = 2000, 20_000
"""Experiments of the first simulated figures, and of the final ones."""

SECTIONS: dict[str, type[Any]] = {"pick": Picks, "split": SplitPicks, "drift": DriftPicks, "weights": Weights}

Path = tuple[str | int, ...]
Played = tuple[Comparison, tuple[np.ndarray, np.ndarray], int, SideBySide | str]


class Bench(param.Parameterized):  # type: ignore[misc]
    """Draft of judge, people and picks; the latest valid answers."""

    answers = param.ClassSelector(
        class_=Answers, allow_None=True, default=None, label="Answers", doc="Closed forms of the latest valid draft."
    )
    played = param.Parameter(default=None, label="Simulated", doc="The same simulated; none until it is there.")
    words = param.String(default="", label="Progress in words", doc="What is being simulated, or how it was.")
    error = param.String(default="", label="Problem", doc="One line on a bad value; empty if there is none.")
    fitted = param.Integer(
        default=0, bounds=(0, None), label="Fitted values", doc="How often values that nobody has moved followed."
    )
    rebuilt = param.Integer(default=0, bounds=(0, None), label="Form", doc="How often the fields became others.")

    def __init__(self) -> None:
        super().__init__(name="bench")
        self.draft: dict[str, dict[str, Any]] = {}
        self.profile = {"judge": "", "human": ""}
        self.scenario: Scenario | None = None
        self._tree: dict[str, Any] = {}
        self._touched: set[str] = set()
        self._run = 0

    def follow(self, scenario: Scenario) -> None:
        """Take over another scenario: its judge, people and weights; picks stay while it is the same one."""
        tree = scenario.to_tree()
        if tree == self._tree:
            return
        same = bool(self._tree) and self._tree["scenario"]["name"] == tree["scenario"]["name"]
        self._tree, self.scenario = tree, scenario.live
        kept = self.draft.get("pick", {}) if same else {}
        if not same:
            self.profile = {"judge": "", "human": ""}
        self._touched &= {"budget", "power"} if same else set()
        self.draft = {kind: fields_of(scenario, kind, self.profile[kind]) for kind in ("judge", "human")}
        self.draft.update({key: section().to_tree() for key, section in SECTIONS.items()})
        self.draft["pick"].update(kept)
        money = scenario.economics
        self.draft["weights"] = {
            "value_per_point": float(money.value_per_point), "usd_per_second": float(money.usd_per_second)
        }  # fmt: skip
        self.rebuilt += 1

    def value(self, path: Path) -> Any:
        """Return what the form shows at a place of the draft."""
        node: Any = self.draft
        for key in path:
            node = node.get(str(key)) if isinstance(node, dict) else None
        return {} if node is None and len(path) == 1 else node

    def section(self, key: str) -> Any:
        """Return a part of the draft as checked Params.

        Raises
        ------
        InputError
            A value out of range.
        """
        return SECTIONS[key].from_tree(self.draft[key], "evaluators", key)

    async def change(self, path: Path, value: Any) -> None:
        """Put one value into the draft and answer again."""
        part, key = str(path[0]), str(path[-1])
        if self.value(path) == value:
            return
        node: Any = self.draft
        for above in path[:-1]:
            node = node.setdefault(str(above), {})
        if value is None:
            node.pop(key, None)
        else:
            node[key] = value
        if key in INSTEAD and part == "human":
            # A wage takes the place of a price: without either, labels cost what they do by default.
            node.pop(INSTEAD[key], None)
            self.rebuilt += 1
        self._touched.add(key)
        await self.refresh(simulate=part in ("judge", "human", "pick"))

    async def choose(self, kind: str, profile: str) -> None:
        """Take a profile's numbers, or with an empty name the scenario's."""
        if self.scenario is None or profile == self.profile[kind]:
            return
        self.profile[kind] = profile
        self.draft[kind] = fields_of(self.scenario, kind, profile)
        self._touched -= {"rho", "scores_per_label", "drift"}
        self.rebuilt += 1
        await self.refresh()

    def close(self) -> None:
        """Drop whatever is still computed."""
        self._run += 1

    async def refresh(self, simulate: bool = True) -> None:
        """Answer in closed form, then simulate: a first look, then in full. A bad value leaves what is on screen."""
        self._run += 1
        run = self._run
        base, draft = self.scenario, copy.deepcopy(self.draft)
        if "budget" not in self._touched:
            draft.get("pick", {}).pop("budget", None)
        if base is None:
            return
        await asyncio.sleep(0.05)
        if run != self._run:
            return

        def closed() -> tuple[Scenario, Answers]:
            for key, section in SECTIONS.items():
                section.from_tree(draft[key], "evaluators", key)
            pick = Picks.from_tree(draft["pick"], "evaluators", "pick")
            tried = with_evaluators(base, draft["judge"], draft["human"])
            return tried, answers(tried, pick.budget, float(pick.power))

        loop = asyncio.get_running_loop()
        try:
            tried, found = await loop.run_in_executor(POOL, closed)
        except InputError as problem:
            if run == self._run:
                self.error = str(problem)
            return
        if run != self._run:
            return
        self._fit(found)
        if not simulate and self.answers is not None:
            self.param.update(error="")
            self.param.trigger("answers")
            return
        self.param.update(answers=found, played=None, error="", words=f"Simulating {FIRST:,} experiments for each dot")
        power = float(self.section("pick").power)
        prompt_set = self._tree.get("offline")
        for replicates in (FIRST, FULL):
            made = await loop.run_in_executor(POOL, simulated, tried, found, power, replicates, prompt_set)
            if run != self._run:
                return
            more = "" if replicates == FULL else f"; simulating {FULL:,}"
            self.param.update(played=made, words=f"Dots: {replicates:,} simulated experiments each{more}")

    def _fit(self, found: Answers) -> None:
        """Let picks that the visitor has not moved follow the answers."""
        own = {
            # A number box shows an unset number as 0.
            "pick": {"budget": found.budget},
            "split": {"rho": found.rho, "scores_per_label": found.what.cost_human / found.what.cost_judge},
            "drift": {"drift": float(found.drift[0][30])},
        }
        moved = False
        for part, values in own.items():
            for key, value in values.items():
                low, high = SECTIONS[part].param[key].bounds
                fitted = float(f"{min(max(value, low), math.inf if high is None else high):.3g}")
                if key not in self._touched and self.draft[part].get(key) != fitted:
                    self.draft[part][key] = fitted
                    moved = True
        if moved:
            self.fitted += 1


def simulated(
    tried: Scenario, found: Answers, power: float, replicates: int, prompt_set: dict[str, Any] | None = None
) -> Played:
    """Return the comparison played, the error of seven splits of the budget, and in the end the prompt set beside."""
    played = compare(
        tried, found.budget, power=power, replicates=replicates, concurrency=math.ceil(_concurrency(tried))
    )  # fmt: skip
    splits = played_splits(found.what, found.budget, replicates)
    dots = (np.array([float(one.labelled) for one in splits]), np.array([one.simulated for one in splits]))
    beside: SideBySide | str = ""
    if replicates == FULL:
        # A few thousand experiments beside the exact figures: the other dots come first.
        try:
            beside = side_by_side(tried, replicates=FIRST, **(prompt_set or {}))
        except InputError as problem:
            beside = str(problem)
    return played, dots, replicates, beside


def _concurrency(tried: Scenario) -> float:
    from expsim_panel.evaluation_laws import measurers

    return float(measurers(tried)[0].concurrency)
