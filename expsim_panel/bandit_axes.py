"""The classic bandit problem and its worlds: the numbers that can be varied, and how one problem is played."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from expsim_panel.bandit_worlds import BanditWorld
from expsim_panel.bandits import BanditResult, bandit, check_size
from expsim_panel.best_arm import check_means
from expsim_panel.errors import InputError, shown
from expsim_panel.varied import (
    HORIZON,
    LEAD,
    LOST,
    USD,
    WRONG,
    BanditAxis,
    Cell,
    Varied,
    mean_of,
    policy_paths,
    raised,
    wrong_of,
)

Floats = npt.NDArray[np.float64]
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
class Setting(Varied):
    """A classic problem as it is asked for.

    Attributes
    ----------
    means : tuple of float
        Arms.
    world : mapping
        What differs from the classic problem; names as in `BanditWorld`.
    family : str
        ``bernoulli`` or ``gaussian``.
    """

    means: tuple[float, ...] = ()
    world: Mapping[str, Any] = field(default_factory=dict)
    family: str = "bernoulli"

    def put(self, **changes: Any) -> Setting:
        """Return the problem with values of its world changed."""
        return replace(self, world={**self.world, **changes})

    @property
    def counted(self) -> str:
        """What losses are counted in: the rewards' own unit."""
        return self.family

    @property
    def arms(self) -> int:
        """How many arms there are."""
        return len(self.means)

    def own_axis(self, path: str, where: str) -> BanditAxis | None:
        """Return the axis of a number of the problem or its world.

        ``lead``; ``means.K`` (arm K, counted from 0); of the world ``delay``, ``batch``, ``judge_noise``,
        ``value_per_point``, ``population``, ``season.amplitude``, ``season.period``, ``shift.at`` (the first shift),
        ``drift.K``, ``judge_bias.K``, ``arrives.K``, ``cost`` or ``cost.K``, ``sensitivity`` or ``sensitivity.K``,
        ``specificity`` or ``specificity.K`` (hyphens will do for underscores).
        """
        if path == LEAD:
            if np.ptp(self.means) == 0.0:
                raise InputError(where, path, "no arm leads", "give different means, or vary means.0")
            return BanditAxis(path, LEAD_WORDS, False, _lead)
        head, _, key = path.partition(".")
        name = head.replace("-", "_")
        made = _of_world(self, path, name, key)
        if made is not None:
            return made
        if name == "means" or (name in _BY_ARM and key):
            at = arm_at(key, self.arms, path, head, where)
            if name == "means":
                return BanditAxis(path, f"Mean of arm {at}", False, _one_mean(at))
            return BanditAxis(path, _BY_ARM[name].format(at), name == "arrives", _one_arm(name, at))
        return None

    def own_axes(self) -> dict[str, str]:
        """Return every axis that the problem offers, those of the world of this family included."""
        arms = range(self.arms)
        made = {LEAD_WORDS: LEAD} if np.ptp(self.means) > 0.0 else {}
        made |= {f"Mean of arm {k} ({mean:g})": f"means.{k}" for k, mean in enumerate(self.means)}
        made |= {words: path for path, words in _WHOLE.items() if path != "population" or self.world.get(path)}
        made |= {_FOR_ALL["cost"]: "cost", _REAL["value_per_point"]: "value_per_point"}
        if self.family == "bernoulli":
            made |= {_FOR_ALL[key]: key for key in ("sensitivity", "specificity")}
        else:
            made[_REAL["judge_noise"]] = "judge_noise"
        judged = ("judge_bias",) if self.family != "bernoulli" else ("sensitivity", "specificity")
        for name in (*judged, "drift", "cost", *(("arrives",) if self.world.get("arrives") else ())):
            made |= {_BY_ARM[name].format(k): f"{name}.{k}" for k in arms}
        if self.world.get("season"):
            made |= {words: path for path, words in _SEASON.items()}
        if self.world.get("shift"):
            made["Request of the shift"] = _SHIFT
        return made

    def known(self) -> list[str]:
        """Return every path that a problem has, for suggestions."""
        policies = [self.read(name, "bandit") for name in self.policies]
        by_arm = [f"{name}.{k}" for name in ("means", *_BY_ARM) for k in range(self.arms)]
        return [HORIZON, LEAD, *by_arm, *_FOR_ALL, *_WHOLE, *_REAL, *_SEASON, _SHIFT, *policy_paths(policies)]

    def own_range(self, path: str) -> tuple[float, float] | None:
        """Return a range that fits an axis, to begin with."""
        horizon = self.horizon
        plain = {
            LEAD: (0.0, 0.3), "delay": (0.0, float(max(1, horizon // 4))),
            "batch": (1.0, float(max(2, horizon // 5))), "judge_noise": (0.0, 2.0), "value_per_point": (0.1, 2.0),
            "population": (float(horizon), 20.0 * horizon), "season": (0.0, 0.2), "shift": (1.0, float(horizon - 1)),
            "drift": (-0.2, 0.2), "judge_bias": (-0.3, 0.3), "sensitivity": (0.6, 1.0), "specificity": (0.6, 1.0),
            "arrives": (0.0, float(max(1, horizon // 2))), "cost": (0.0, 0.2),
            "season.period": (20.0, float(max(40, horizon // 2))),
            "means": (0.1, 0.9) if self.family == "bernoulli" else (-1.0, 1.0),
        }  # fmt: skip
        return plain.get(path) or plain.get(path.partition(".")[0])

    def value_at(self, path: str) -> float | None:
        """Return the problem's own value; None where it has not one number of that name."""
        head, _, key = path.partition(".")
        if path == HORIZON:
            return float(self.horizon)
        if head == "means":
            return float(self.means[int(key)])
        found = self.world.get(path.replace("-", "_"))
        return float(found) if isinstance(found, int | float) else None

    def check(self, path: str, where: str) -> None:
        """Raise `InputError` where means or requests are out of bounds."""
        check_means(self.means, self.family, where, path)
        check_size(HORIZON, self.horizon, where)

    def play(self, replicates: int, seed: int, workers: int | None) -> Cell:
        """Play the problem."""
        sizes: dict[str, Any] = {"family": self.family, "replicates": replicates, "seed": seed, "workers": workers}
        found: BanditResult = bandit(self.means, self.policies, self.horizon, world=dict(self.world) or None, **sizes)
        made = found.policies
        marks = [one.regret.quantiles or {} for one in made]
        figures = {
            LOST: tuple(mean_of(one.regret) for one in made),
            USD: tuple(mean_of(one.money.regret, exact=False) for one in made),
            WRONG: tuple(wrong_of(one.p_best_arm) for one in made),
        }
        ends = (tuple(one.get(key, np.nan) for one in marks) for key in ("0.05", "0.95"))
        return Cell(found.request_digest, figures, *ends)


LEAD_WORDS = "Lead of the best arm over the next"


def arm_at(key: str, arms: int, path: str, head: str, where: str, thing: str = "arm") -> int:
    """Return the arm that a path names, counted from 0; raise `InputError` where there is none."""
    if not re.fullmatch("[0-9]{1,3}", key) or int(key) >= arms:
        raise InputError(where, path, f"there is no {thing} {shown(key)}", f"give {head}.0 to {head}.{arms - 1}")
    return int(key)


def setting_of(
    means: Sequence[float] | Floats,
    policies: Sequence[str],
    horizon: int,
    family: str,
    world: BanditWorld | Mapping[str, object] | None,
    where: str,
) -> Setting:
    """Return a classic problem as it is asked for, its means and requests checked."""
    start = check_means(means, family, where, "means")
    check_size(HORIZON, horizon, where)
    given = world.tree() if isinstance(world, BanditWorld) else dict(world or {})
    return Setting(tuple(policies), int(horizon), tuple(start.tolist()), given, family)


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
    return replace(one, means=tuple(raised(list(one.means), level)))
