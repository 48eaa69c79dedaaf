"""Any number of a study as an axis: which path, which values, and how a study is moved along it.

A study is moved in place, Param by Param, with the checks that a file gets; building a study anew for each
of 1,600 cells would take a hundred times as long as its exact answer. What no move can have changed is not worked
out again: see `remembering`.
"""

from __future__ import annotations

import copy
import re
from dataclasses import dataclass
from typing import Any

import numpy as np
import param

from expsim_panel import grid
from expsim_panel.arm_axes import ARMS, MOST_ARMS, SHARES, split, with_arms
from expsim_panel.errors import InputError, did_you_mean, shown
from expsim_panel.quantities import LARGEST, Probability, Score
from expsim_panel.remembering import Memory, Once
from expsim_panel.scenario import Scenario
from expsim_panel.sections import Section
from expsim_panel.study import Study

EFFECT = "effect"
"""Pseudo path: the true effect of the best variant over control, positive is better; others keep their share of it."""

MOST = 200
"""Levels of one axis at most."""


@dataclass(frozen=True)
class Axis:
    """The levels of one number of a study.

    Attributes
    ----------
    path : str
        Its place in the scenario's tree, or `EFFECT`.
    values : ndarray, shape (levels,)
        Ascending; whole numbers where the number is a count.
    label, unit : str
        In the words of its declaration.
    own : float or None
        The study's own value; None where it is unset.
    """

    path: str
    values: np.ndarray
    label: str
    unit: str
    own: float | None

    def to_json(self) -> dict[str, Any]:
        """Return a JSON object."""
        return {
            "path": self.path,
            "label": self.label,
            "unit": self.unit,
            "values": self.values.tolist(),
            "own": self.own,
        }


def axis(study: Study, path: str, low: float, high: float, levels: int, where: str = "surface") -> Axis:
    """Return evenly spaced levels of one number of a study.

    Parameters
    ----------
    study : Study
        Not changed.
    path : str
        As in ``--set``: ``traffic.units_per_day``, ``variants.1.mean``, ``evaluator.scale``,
        ``strategies.0.looks`` or ``strategies.NAME.looks``; or ``effect``, or ``arms``.
    low, high : float
        First and last level, ``low < high``.
    levels : int
        2 to `MOST`; equal ones, after rounding of a count, are dropped.

    Raises
    ------
    InputError
        The path names no number, or a level is out of its bounds.
    """
    if not (np.isfinite(low) and np.isfinite(high) and low < high):
        raise InputError(where, path, f"{shown(low)} to {shown(high)} is no range", "give two numbers, the lower first")
    if not 2 <= levels <= MOST:
        raise InputError(where, path, f"{levels} levels", f"give 2 to {MOST}")
    values = np.linspace(low, high, levels)
    if path == EFFECT:
        binary = study.scenario.shown_as == "binary"
        most = grid.largest_effect(study.scenario)
        if high > most * (1 + 1e-9):
            raise InputError(where, path, f"{high:g} is out of bounds", f"give up to {most:g}")
        unit = "as a rate" if binary else "points"
        return Axis(path, values, "True effect of the best variant", unit, grid.best_effect(study.scenario))
    if path == ARMS:
        values = np.unique(np.round(values))
        if not 2 <= values[0] <= values[-1] <= MOST_ARMS:
            raise InputError(where, path, f"{values[0]:g} to {values[-1]:g} arms", f"give 2 to {MOST_ARMS}")
        return Axis(path, values, "Arms, control included", "", float(len(study.scenario.variants)))
    if path.startswith("traffic.") and study.scenario.offline is not None:
        raise InputError(where, path, "a prompt set has no traffic", "give offline.prompts, or remove [offline]")
    section, key = locate(study, path, where)
    if path.startswith(SHARES):
        arm = int(key.rpartition(".")[2])
        if not 0 < low < high < 1:
            raise InputError(where, path, f"{low:g} to {high:g} are no shares", "give shares above 0 and below 1")
        return Axis(path, values, _share_words(arm), "", float(study.scenario.shares[arm]))
    declared = declared_of(section, key)
    if not isinstance(declared, param.Number) or isinstance(declared, param.Boolean):
        raise InputError(where, path, "is not a number", "choose a numeric key")
    if isinstance(declared, param.Integer):
        values = np.unique(np.round(values))
    probe = copy.deepcopy(section)
    for value in (values[0], values[-1]):
        put(probe, key, float(value), where, path.removesuffix(f".{key}"))
    own = own_of(section, key)
    unit = getattr(declared, "unit", "")
    if isinstance(declared, Score) and not isinstance(declared, Probability) and study.scenario.family == "binary":
        unit = "as a rate"
    return Axis(path, values, str(declared.label), unit, None if own is None else float(own))


def parse(study: Study, text: str, flag: str) -> Axis:
    """Read ``PATH=lo:hi:n``.

    Raises
    ------
    InputError
        Not of that form, or not an axis.
    """
    path, separator, span = text.partition("=")
    parts = span.split(":")
    number = r"\s*[-+]?(\d+\.?\d*|\.\d+)([eE][-+]?\d+)?\s*"
    if not separator or len(parts) != 3 or not all(re.fullmatch(number, part) for part in parts[:2]):
        raise InputError(flag, shown(text), "is not PATH=lo:hi:n", "write for example traffic.units_per_day=500:4000:8")
    if not re.fullmatch(r"\s*\d{1,6}\s*", parts[2]):
        raise InputError(flag, shown(text), f"{shown(parts[2])} is no number of levels", f"give 2 to {MOST}")
    return axis(study, path.strip(), float(parts[0]), float(parts[1]), int(parts[2]), flag)


def locate(study: Study, path: str, where: str) -> tuple[Section, str]:
    """Return the section and the key that a path leads to.

    Raises
    ------
    InputError
        It leads nowhere; the line suggests what there is.
    """
    keys = path.split(".")
    if keys[0] == "strategies":
        return _strategy(study, keys, where, path)
    if keys[0] == "evaluators" and len(keys) == 3:
        # The active evaluator was built from this table; another one's numbers change nothing.
        kind = study.scenario.evaluator.kind
        if keys[1] != kind:
            raise InputError(where, path, f"{keys[1]} does not measure here", f"write evaluators.{kind}")
        keys = ["evaluator", keys[2]]
    node: Any = study.scenario
    for depth, key in enumerate(keys):
        last = depth == len(keys) - 1
        if isinstance(node, list):
            _numbered(node, key, where, path)
            node = node[int(key)]
        elif isinstance(node, Section) and key in node.fields():
            if last:
                return node, key
            owner = node
            # An even split is an empty list.
            node = study.scenario.shares if path.startswith(SHARES) and depth else getattr(node, key)
            if depth == len(keys) - 2 and isinstance(node, list) and all(isinstance(n, int | float) for n in node):
                _numbered(node, keys[-1], where, path)
                return owner, f"{key}.{int(keys[-1])}"
        else:
            known = [*node.fields(), EFFECT, ARMS] if isinstance(node, Section) else [EFFECT]
            raise InputError(where, path, f"unknown key {shown(key)}", did_you_mean(key, known))
    raise InputError(where, path, "is not a number", "add the key of a number")


def _share_words(arm: int) -> str:
    return f"Share of the traffic, variant {arm + 1}" if arm else "Share of the traffic, control"


def _numbered(entries: list[Any], key: str, where: str, path: str) -> None:
    if not re.fullmatch("[0-9]{1,3}", key) or int(key) >= len(entries):
        remedy = f"give 0 to {len(entries) - 1}" if entries else "there are none"
        raise InputError(where, path, f"there is no entry {shown(key)}", remedy)


def declared_of(section: Section, key: str) -> param.Parameter:
    """Return the declaration of what `locate` has found: of an entry of a list of numbers, one like its list's."""
    name, _, index = key.partition(".")
    declared = section.param[name]
    if not index:
        return declared
    return param.Number(label=f"{declared.label}, variant {int(index) + 1}", doc=str(declared.doc))


def own_of(section: Section, key: str) -> float | None:
    """Return the value of what `locate` has found; None where it is unset."""
    name, _, index = key.partition(".")
    found: float | None = getattr(section, name)[int(index)] if index else getattr(section, name)
    return found


def put(section: Section, key: str, value: float, where: str, path: str) -> None:
    """Set what `locate` has found, `path` being the section's."""
    name, _, index = key.partition(".")
    if not index:
        section.put(name, _typed(section.param[name], value), where, path)
        return
    entries = list(getattr(section, name))
    entries[int(index)] = value
    section.put(name, entries, where, path)


def _strategy(study: Study, keys: list[str], where: str, path: str) -> tuple[Section, str]:
    names = [one.name for one in study.strategies]
    if len(keys) != 3:
        raise InputError(where, path, "names no number of a strategy", "write strategies.NAME.looks")
    at = names.index(keys[1]) if keys[1] in names else -1
    if re.fullmatch("[0-9]{1,2}", keys[1]) and int(keys[1]) < len(names):
        at = int(keys[1])
    if at < 0:
        raise InputError(where, path, f"unknown strategy {shown(keys[1])}", did_you_mean(keys[1], names))
    one = study.strategies[at]
    for half in (one.policy, one.design):
        if keys[2] in half.fields():
            return half, keys[2]
    known = [*one.policy.fields(), *one.design.fields()]
    raise InputError(where, path, f"unknown key {shown(keys[2])}", did_you_mean(keys[2], known))


def _typed(declared: param.Parameter, value: float) -> float | int:
    return int(value) if isinstance(declared, param.Integer) else value


def moves_truth(path: str) -> bool:
    """Tell whether a number is the truth about a variant: no plan, price or bound depends on it."""
    return path == EFFECT or re.fullmatch(r"variants\.0*[1-9][0-9]*\.mean", path) is not None


def truth(scenario: Scenario) -> tuple[np.ndarray, np.ndarray]:
    """Return the true means and standard deviations of a response, shape (arms,)."""
    return scenario.means, scenario.sds


class Mover:
    """A study of its own that is moved along axes, the original's effects kept as the measure of `EFFECT`.

    Attributes
    ----------
    study : Study
        As it was moved last; only through its Params may anybody else change it.
    """

    def __init__(self, study: Study) -> None:
        self._request = study.freeze()
        self.study = self._request.study()
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
                self._by_arms[count] = Mover(Study.from_tree(tree, where))
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
