"""Numbers of a bandit problem that can be varied: of the problem, of its world, of a policy."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import param

from expsim_panel.bandit_worlds import BanditWorld
from expsim_panel.errors import InputError, did_you_mean, shown
from expsim_panel.policy import BanditPolicy
from expsim_panel.policy_names import canonical, read_policy

HORIZON, LEAD = "horizon", "lead"
"""Axes beside ``means.0``, ``means.1``, ...: requests in one experiment; lead of the best arm over the next."""

_WHOLE = {"delay": "Requests until a reward is known", "batch": "Requests between two questions to a policy",
          "population": "Requests in all"}  # fmt: skip
_REAL = {"judge_noise": "Standard deviation of the evaluator's noise", "value_per_point": "Dollars per unit of reward"}
_BY_ARM = {
    "drift": "Change of the mean of arm {} over the horizon", "judge_bias": "Evaluator's bias towards arm {}",
    "sensitivity": "P(a good answer of arm {} is seen as good)",
    "specificity": "P(a bad answer of arm {} is seen as bad)",
    "arrives": "Request from which arm {} is there", "cost": "Dollars per pull of arm {}",
}  # fmt: skip
_FOR_ALL = {"sensitivity": "P(a good answer is seen as good)", "specificity": "P(a bad answer is seen as bad)",
            "cost": "Dollars per pull"}  # fmt: skip
_NOTHING = {"drift": 0.0, "judge_bias": 0.0, "sensitivity": 1.0, "specificity": 1.0, "arrives": 0, "cost": 0.0}
_SEASON = {"season.amplitude": "Amplitude of the season", "season.period": "Period of the season, requests"}
_SHIFT = "shift.at"


@dataclass(frozen=True)
class Setting:
    """A bandit problem as it is asked for.

    Attributes
    ----------
    means : tuple of float
        Arms.
    policies : tuple of str
        Names, with parameters.
    horizon : int
        Requests.
    world : mapping
        What differs from the classic problem; names as in `BanditWorld`.
    """

    means: tuple[float, ...]
    policies: tuple[str, ...]
    horizon: int
    world: Mapping[str, Any]

    def put(self, **changes: Any) -> Setting:
        """Return the problem with values of its world changed."""
        return replace(self, world={**self.world, **changes})


@dataclass(frozen=True)
class BanditAxis:
    """One number that can be varied.

    Attributes
    ----------
    path, label : str
        Its name, and its words.
    whole : bool
        Whether it is a whole number.
    place : callable
        Returns a problem with a level put in.
    """

    path: str
    label: str
    whole: bool
    place: Callable[[Setting, float], Setting]


def world_of(given: BanditWorld | Mapping[str, object] | None) -> dict[str, Any]:
    """Return a world as a mapping of what was given."""
    return given.tree() if isinstance(given, BanditWorld) else dict(given or {})


def bandit_axis(setting: Setting, path: str, where: str = "bandit") -> BanditAxis:
    """Return the axis of a name.

    Parameters
    ----------
    setting : Setting
        The problem that is varied.
    path : str
        ``horizon``; ``lead``; ``means.K`` (arm K, counted from 0); of the world ``delay``, ``batch``, ``judge_noise``,
        ``value_per_point``, ``population``, ``season.amplitude``, ``season.period``, ``shift.at`` (the first shift),
        ``drift.K``, ``judge_bias.K``, ``arrives.K``, ``cost`` or ``cost.K``, ``sensitivity`` or ``sensitivity.K``,
        ``specificity`` or ``specificity.K`` (hyphens will do for underscores); or ``POLICY.PARAMETER``, of a policy
        that plays.

    Raises
    ------
    InputError
        The path leads nowhere in this problem.
    """
    arms = len(setting.means)
    if path == HORIZON:
        return BanditAxis(path, "Requests in one experiment", True, lambda one, level: replace(one, horizon=int(level)))
    if path == LEAD:
        if np.ptp(setting.means) == 0.0:
            raise InputError(where, path, "no arm leads", "give different means, or vary means.0")
        return BanditAxis(path, "Lead of the best arm over the next", False, _lead)
    head, _, key = path.partition(".")
    name = head.replace("-", "_")
    made = _of_world(setting, path, name, key)
    if made is not None:
        return made
    if name == "means" or (name in _BY_ARM and key):
        if not re.fullmatch("[0-9]{1,3}", key) or int(key) >= arms:
            remedy = f"give {head}.0 to {head}.{arms - 1}"
            raise InputError(where, path, f"there is no arm {shown(key)}", remedy)
        if name == "means":
            return BanditAxis(path, f"Mean of arm {int(key)}", False, _one_mean(int(key)))
        return BanditAxis(path, _BY_ARM[name].format(int(key)), name == "arrives", _one_arm(name, int(key)))
    return _of_policy(setting, path, head, key, where)


def axes_of(setting: Setting, family: str) -> dict[str, str]:
    """Return every axis that a problem offers: path by words, those of the world of this family included."""
    arms = range(len(setting.means))
    made = {"Requests in one experiment": HORIZON}
    if np.ptp(setting.means) > 0.0:
        made["Lead of the best arm over the next"] = LEAD
    made |= {f"Mean of arm {k} ({mean:g})": f"means.{k}" for k, mean in enumerate(setting.means)}
    made |= {words: path for path, words in _WHOLE.items() if path != "population" or setting.world.get(path)}
    made |= {_FOR_ALL["cost"]: "cost", _REAL["value_per_point"]: "value_per_point"}
    if family == "bernoulli":
        made |= {_FOR_ALL[key]: key for key in ("sensitivity", "specificity")}
    else:
        made[_REAL["judge_noise"]] = "judge_noise"
    judged = ("judge_bias",) if family != "bernoulli" else ("sensitivity", "specificity")
    for name in (*judged, "drift", "cost", *(("arrives",) if setting.world.get("arrives") else ())):
        made |= {_BY_ARM[name].format(k): f"{name}.{k}" for k in arms}
    if setting.world.get("season"):
        made |= {words: path for path, words in _SEASON.items()}
    if setting.world.get("shift"):
        made["Request of the shift"] = _SHIFT
    for text in setting.policies:
        try:
            one = read_policy(text)
        except InputError:
            continue
        made |= {f"{one.kind}: {one.param[path.split('.')[1]].label}": path for path in _paths([one])}
    return made


def known_axes(setting: Setting, where: str) -> list[str]:
    """Return every path that a problem has, for suggestions."""
    policies = [read_policy(name, where, "policy") for name in setting.policies]
    arms = range(len(setting.means))
    by_arm = [f"{name}.{k}" for name in ("means", *_BY_ARM) for k in arms]
    return [HORIZON, LEAD, *by_arm, *_FOR_ALL, *_WHOLE, *_REAL, *_SEASON, _SHIFT, *_paths(policies)]


def _of_world(setting: Setting, path: str, name: str, key: str) -> BanditAxis | None:
    if name in _WHOLE and not key:
        return BanditAxis(path, _WHOLE[name], True, lambda one, level: one.put(**{name: int(level)}))
    if name in _REAL and not key:
        return BanditAxis(path, _REAL[name], False, lambda one, level: one.put(**{name: level}))
    if name in _FOR_ALL and not key:
        return BanditAxis(path, _FOR_ALL[name], False, lambda one, level: one.put(**{name: (level,)}))
    if path in _SEASON:
        return BanditAxis(path, _SEASON[path], key == "period", _season(key))
    if path == _SHIFT and setting.world.get("shift"):
        return BanditAxis(path, "Request of the shift", True, _shift_at)
    return None


def _season(key: str) -> Callable[[Setting, float], Setting]:
    def place(one: Setting, level: float) -> Setting:
        amplitude, period = one.world.get("season") or (0.1, min(1000, max(one.horizon // 4, 2)))
        return one.put(season=(level, period) if key == "amplitude" else (amplitude, int(level)))

    return place


def _shift_at(one: Setting, level: float) -> Setting:
    (_, means), *rest = one.world["shift"]
    return one.put(shift=[(int(level), means), *rest])


def _one_arm(name: str, at: int) -> Callable[[Setting, float], Setting]:
    def place(one: Setting, level: float) -> Setting:
        row = list(one.world.get(name) or ())
        if len(row) < len(one.means):
            row = (row or [_NOTHING[name]]) * len(one.means)
        row[at] = int(level) if name == "arrives" else level
        return one.put(**{name: tuple(row)})

    return place


def _one_mean(at: int) -> Callable[[Setting, float], Setting]:
    def place(one: Setting, level: float) -> Setting:
        return replace(one, means=tuple(level if k == at else mean for k, mean in enumerate(one.means)))

    return place


def _lead(one: Setting, level: float) -> Setting:
    best = int(np.argmax(one.means))
    moved = max(mean for k, mean in enumerate(one.means) if k != best) + level
    return replace(one, means=tuple(moved if k == best else mean for k, mean in enumerate(one.means)))


def _of_policy(setting: Setting, path: str, head: str, key: str, where: str) -> BanditAxis:
    made = [read_policy(name, where, "policy") for name in setting.policies]
    kinds = [one.kind for one in made]
    if not key or head not in kinds:
        remedy = did_you_mean(path, known_axes(setting, where))
        raise InputError(where, path, "is no axis of this problem", remedy)
    at = kinds.index(head)
    one = made[at]
    declared = one.param[key] if key in one.fields() else None
    if not isinstance(declared, param.Number) or isinstance(declared, param.Boolean):
        raise InputError(where, path, f"{head} has no number {shown(key)}", did_you_mean(path, _paths(made)))
    whole = isinstance(declared, param.Integer)

    def place(problem: Setting, level: float) -> Setting:
        changed = read_policy(problem.policies[at], where, "policy")
        changed.put(key, int(level) if whole else level, where, f"policy {head}")
        # Two policies of one kind would be the same at some level, and the order must stay.
        names = tuple(canonical(changed) if k == at else name for k, name in enumerate(problem.policies))
        return replace(problem, policies=names)

    return BanditAxis(path, f"{declared.label} of {head}", whole, place)


def _paths(made: list[BanditPolicy]) -> list[str]:
    return [f"{one.kind}.{key}" for one in made for key in one.fields() if isinstance(one.param[key], param.Number)]


def usual_range(path: str, setting: Setting, family: str) -> tuple[float, float]:
    """Return a range that fits an axis, to begin with."""
    head, _, key = path.partition(".")
    horizon = setting.horizon
    plain = {
        HORIZON: (500.0, 10_000.0), LEAD: (0.0, 0.3), "delay": (0.0, float(max(1, horizon // 4))),
        "batch": (1.0, float(max(2, horizon // 5))), "judge_noise": (0.0, 2.0), "value_per_point": (0.1, 2.0),
        "population": (float(horizon), 20.0 * horizon), "season": (0.0, 0.2), "shift": (1.0, float(horizon - 1)),
        "drift": (-0.2, 0.2), "judge_bias": (-0.3, 0.3), "sensitivity": (0.6, 1.0), "specificity": (0.6, 1.0),
        "arrives": (0.0, float(max(1, horizon // 2))), "cost": (0.0, 0.2),
    }  # fmt: skip
    if path == "season.period":
        return 20.0, float(max(40, horizon // 2))
    if head == "means":
        return (0.1, 0.9) if family == "bernoulli" else (-1.0, 1.0)
    if head in plain:
        return plain[head]
    declared = read_policy(head).param[key]
    ends = getattr(declared, "softbounds", None) or (0.0, 1.0)
    low, high = (float(end) if end is not None and math.isfinite(end) else 1.0 for end in ends)
    if key == "floor":
        high = min(high, 0.9 / len(setting.means))
    return low, high
