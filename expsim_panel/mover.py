"""A study that is moved along axes: in place, Param by Param, with the checks that a file gets.

Building a study anew for each of 1,600 cells would take a hundred times as long as its exact answer. What no move can
have changed is not worked out again: see `remembering`.
"""

from __future__ import annotations

import re
from typing import Any

import numpy as np

from expsim_panel.arm_axes import ARMS, SHARES, split, with_arms
from expsim_panel.errors import InputError
from expsim_panel.places import EFFECT, locate, put
from expsim_panel.quantities import LARGEST
from expsim_panel.remembering import Memory, Once
from expsim_panel.scenario import Scenario
from expsim_panel.sections import Section
from expsim_panel.study import Study


def moves_truth(path: str) -> bool:
    """Tell whether a number is the truth about a variant: no plan, price or bound depends on it."""
    return path == EFFECT or re.fullmatch(r"variants\.0*[1-9][0-9]*\.mean", path) is not None


def truth(scenario: Scenario) -> tuple[np.ndarray, np.ndarray]:
    """Return the true means and standard deviations of a response, shape (arms,)."""
    return scenario.means, scenario.sds


class Mover:
    """A study of its own that is moved along axes, the original's effects kept as the measure of `EFFECT`.

    Parameters
    ----------
    study : Study
        Not changed.
    paths : tuple of str
        Where it will be moved; tables among them that it leaves out are put in with their defaults.

    Attributes
    ----------
    study : Study
        As it was moved last; only through its Params may anybody else change it.
    """

    def __init__(self, study: Study, paths: tuple[str, ...] = ()) -> None:
        self._request, self._paths = study.freeze(), paths
        self.study = self._request.study()
        for path in paths:
            if path not in (EFFECT, ARMS):
                locate(self.study, path, "surface", fill=True)
        self._split = self.study.scenario.shares
        self._there, self._by_arms = self, dict[int, Mover | InputError]()
        self._effects = self.study.scenario.effects
        self._best = 1 + int(self._effects[1:].argmax())
        self._at: dict[str, float] = {}
        # Numbers are put into sections, never sections exchanged: where a path leads stays.
        self._found: dict[str, tuple[Section, str]] = {}
        self._accepted: dict[tuple[str, float], Any] = {}
        self._once = Memory(self.study).once

    @property
    def once(self) -> Once:
        """Does what follows from the numbers of the study that was moved last once for all places of the same."""
        return self._there._once

    def to(self, levels: dict[str, float], checked: bool = True) -> Study:
        """Move to these levels by path and return the study, which the next move changes again.

        Parameters
        ----------
        levels : dict
            Value by path.
        checked : bool
            False leaves the check of strategies against traffic to the caller.

        Raises
        ------
        InputError
            The levels contradict each other or the rest of the study.
        """
        where = "surface"
        if ARMS in levels:
            self._there = self._with_arms(int(levels[ARMS]), where)
            if self._there is not self:
                return self._there.to({path: value for path, value in levels.items() if path != ARMS}, checked)
        self._there = self
        moved = {path: value for path, value in levels.items() if path != EFFECT and self._at.get(path) != value}
        self._at = {}
        shares = {int(path.removeprefix(SHARES)): value for path, value in levels.items() if path.startswith(SHARES)}
        if shares and any(path.startswith(SHARES) for path in moved):
            self.study.scenario.traffic.put("shares", split(self._split, shares, where), where, "traffic")
        for path, value in moved.items():
            if path == ARMS or path.startswith(SHARES):
                continue
            if path not in self._found:
                self._found[path] = locate(self.study, path, where)
            self._put(*self._found[path], path, float(value), where)
        for path in moved:
            if path in self._found:
                # A table checks what concerns several of its keys, as it does when a file is read.
                self.once(self._found[path][0].check, where, path.rpartition(".")[0])
        if EFFECT in levels:
            self._to_effect(levels[EFFECT], where)
        self.study.scenario.settle(self.once)
        self.once(self._check, where)
        if moved and checked:
            # Strategies are checked against traffic, never against the truth.
            self.once(self.study.check, where)
        self._at = dict(levels)
        return self.study

    def _check(self, where: str) -> None:
        """Check the scenario, table by table: no check is made again that could not come out otherwise."""
        self.study.scenario.check(where, once=self.once)

    def _put(self, section: Section, key: str, path: str, value: float, where: str) -> None:
        """Set a number; Param is asked once for each of its values, since it takes longer than an exact answer."""
        values = section._param__private.values
        if (path, value) in self._accepted:
            values[key] = self._accepted[path, value]
            return
        put(section, key, value, where, path.removesuffix(f".{key}"))
        if key in values:
            self._accepted[path, value] = values[key]

    def truths(self, levels: list[dict[str, float]]) -> tuple[np.ndarray, dict[int, InputError]]:
        """Return the true means at several levels of the truth, shape (levels, arms), the study left where it is.

        Returns
        -------
        ndarray, dict
            The means; by index the levels that the study has no room for, and why.
        """
        if self._there is not self:
            return self._there.truths(levels)
        scenario = self.study.scenario
        made = np.repeat(self.once(truth, scenario)[0][None], len(levels), axis=0)
        if not any(levels):
            return made, {}
        for i, one in enumerate(levels):
            for path, value in one.items():
                if path != EFFECT:
                    made[i, int(path.split(".")[1])] = value
            if EFFECT in one:
                for arm, share in self._shares():
                    made[i, arm] = made[i, 0] + scenario.sign * share * one[EFFECT]
        low, high = (0.0, 1.0) if scenario.family == "binary" else (-LARGEST, LARGEST)
        if scenario.metric.range is not None and not any(EFFECT in one for one in levels):
            low, high = max(low, scenario.metric.range[0]), min(high, scenario.metric.range[1])
        refused = {}
        for i, arm in zip(*np.nonzero((made < low) | (made > high)), strict=True):
            problem = f"{made[i, arm]:g} is not a rate" if high == 1.0 else f"{made[i, arm]:g} is out of bounds"
            refused[int(i)] = InputError("surface", f"variants.{arm}.mean", problem, f"give {low:g} to {high:g}")
        return made, refused

    def _with_arms(self, count: int, where: str) -> Mover:
        """Return what moves the study with another number of arms; the best variant is always among them."""
        if count == self._effects.size:
            return self
        if count not in self._by_arms:
            try:
                tree = with_arms(self._request.study().to_tree(), count, self._best)
                self._by_arms[count] = Mover(Study.from_tree(tree, where), self._paths)
            except InputError as error:
                self._by_arms[count] = error
        found = self._by_arms[count]
        if isinstance(found, InputError):
            raise found
        return found

    def _shares(self) -> list[tuple[int, float]]:
        """Return the arms that `EFFECT` moves: the best and other better ones, with their share of its effect."""
        own = float(self._effects[self._best])
        arms = range(1, self._effects.size)
        return [
            (arm, 1.0 if arm == self._best else float(self._effects[arm]) / own)
            for arm in arms
            if arm == self._best or self._effects[arm] > 0
        ]

    def _to_effect(self, effect: float, where: str) -> None:
        """Give the best variant this effect; better ones keep their share of it, worse ones their own."""
        scenario = self.study.scenario
        scenario.metric.range = None
        for arm, share in self._shares():
            scenario.variants[arm].put("mean", scenario.mean_at(share * effect), where, f"variants.{arm}")
