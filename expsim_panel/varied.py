"""Bandit problems whose numbers can be varied: what every kind of problem says of itself, and axes that all share.

A kind supplies the numbers that it has (with the bounds of their declarations) and plays one cell; curves
(`bandit_curves`), maps (`bandit_surface`), the command line, the page and the static page do the rest.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any, ClassVar, Self

import param

from expsim_panel.errors import InputError, did_you_mean, shown
from expsim_panel.policy import BanditPolicy, Policy
from expsim_panel.policy_names import canonical, read_kind
from expsim_panel.results import Figure

HORIZON, LEAD = "horizon", "lead"
"""Axes of most problems: requests in one experiment; lead of the best arm over the next."""

LOST, USD, WRONG = "lost", "regret", "p_wrong"
"""Figures that most problems have: regret in units of reward, in dollars of net value, share of wrong decisions."""
FIGURES = {
    LOST: "Lost while learning", USD: "Lost while learning, $", WRONG: "Keeps a lesser arm",
    "breach_exposures": "Requests answered over the limit", "p_keeps_breach": "Keeps an arm over the limit",
    "spent": "Spent, $", "requests": "Requests answered", "blind_regret": "Lost against the best single arm",
    "strong_regret": "Given away by the worse arm", "weak_regret": "Given away by the better arm",
}  # fmt: skip
"""What can be drawn over numbers of a problem, in plain words."""
TELLING = ("breach_exposures", "requests", "blind_regret")
"""Figures that say as much as what is lost: harm of guardrails, answers for the money, what seeing segments wins."""
EVENS = ("even", "even-pairs")
"""Policies that spread their traffic evenly whatever comes out: the A/B test."""


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
    place: Callable[[Any, float], Any]


@dataclass(frozen=True)
class Cell:
    """One problem played.

    Attributes
    ----------
    digest : str
        Of its request.
    figures : mapping of str to tuple
        By a name of `FIGURES`, first what is lost: mean and simulation error (0 where exact) of every policy.
    low, high : tuple of float
        5 and 95 % quantiles of what is lost, by policy.
    """

    digest: str
    figures: Mapping[str, tuple[tuple[float, float], ...]]
    low: tuple[float, ...]
    high: tuple[float, ...]


@dataclass(frozen=True)
class Varied(ABC):
    """A bandit problem as it is asked for.

    Attributes
    ----------
    policies : tuple of str
        Names, with parameters.
    horizon : int
        Requests, or duels.
    """

    policies: tuple[str, ...]
    horizon: int

    kinds: ClassVar[tuple[type[Policy], ...]] = (BanditPolicy,)
    thing: ClassVar[str] = "Requests"
    even: ClassVar[str] = EVENS[0]

    @property
    @abstractmethod
    def counted(self) -> str:
        """What losses are counted in; see `bandit_verdict.lost`."""

    @abstractmethod
    def own_axis(self, path: str, where: str) -> BanditAxis | None:
        """Return the axis of a number that this kind of problem has; None where it has none of this name."""

    @abstractmethod
    def own_axes(self) -> dict[str, str]:
        """Return this kind's axes, words and path."""

    @abstractmethod
    def own_range(self, path: str) -> tuple[float, float] | None:
        """Return a range that fits one of them, to begin with."""

    @abstractmethod
    def value_at(self, path: str) -> float | None:
        """Return the problem's own value of a number; None where it has no single one."""

    @abstractmethod
    def check(self, path: str, where: str) -> None:
        """Raise `InputError` where numbers are out of bounds, before anything is played."""

    @abstractmethod
    def play(self, replicates: int, seed: int, workers: int | None) -> Cell:
        """Play the problem."""

    def known(self) -> list[str]:
        """Return every path, for suggestions."""
        return list(self.axes().values())

    def axis(self, path: str, where: str) -> BanditAxis:
        """Return the axis of a name: ``horizon``, a number of the problem, or ``POLICY.PARAMETER`` of one that plays.

        Raises
        ------
        InputError
            The path leads nowhere in this problem.
        """
        if path == HORIZON:
            words = f"{self.thing} in one experiment"
            return BanditAxis(path, words, True, lambda one, level: replace(one, horizon=int(level)))
        return self.own_axis(path, where) or self._of_policy(path, where)

    def axes(self) -> dict[str, str]:
        """Return every axis that the problem offers: words and path."""
        made = {f"{self.thing} in one experiment": HORIZON, **self.own_axes()}
        for text in self.policies:
            try:
                one = self.read(text, "bandit")
            except InputError:
                continue
            made |= {f"{one.kind}: {one.param[path.split('.')[1]].label}": path for path in policy_paths([one])}
        return made

    def usual(self, path: str) -> tuple[float, float]:
        """Return a range that fits an axis, to begin with."""
        if path == HORIZON:
            return 500.0, 10_000.0
        found = self.own_range(path)
        if found is not None:
            return found
        head, _, key = path.partition(".")
        low, high = ends_of(self.read(head, "bandit").param[key])
        return low, min(high, 0.9 / self.arms) if key == "floor" else high

    @property
    @abstractmethod
    def arms(self) -> int:
        """How many arms there are."""

    def read(self, name: str, where: str) -> Policy:
        """Return the policy of a name."""
        return read_kind(name, self.kinds, where, "policy")

    def _of_policy(self, path: str, where: str) -> BanditAxis:
        head, _, key = path.partition(".")
        made = [self.read(name, where) for name in self.policies]
        kinds = [one.kind for one in made]
        if not key or head not in kinds:
            raise InputError(where, path, "is no axis of this problem", did_you_mean(path, self.known()))
        at = kinds.index(head)
        one = made[at]
        declared = one.param[key] if key in one.fields() else None
        if not isinstance(declared, param.Number) or isinstance(declared, param.Boolean):
            raise InputError(where, path, f"{head} has no number {shown(key)}", did_you_mean(path, policy_paths(made)))
        whole = isinstance(declared, param.Integer)

        def place(problem: Self, level: float) -> Self:
            changed = problem.read(problem.policies[at], where)
            changed.put(key, int(level) if whole else level, where, f"policy {head}")
            # Two policies of one kind would be the same at some level, and the order must stay.
            names = tuple(canonical(changed) if k == at else name for k, name in enumerate(problem.policies))
            return replace(problem, policies=names)

        return BanditAxis(path, f"{declared.label} of {head}", whole, place)


def policy_paths(made: list[Policy]) -> list[str]:
    """Return the paths of every number of some policies."""
    return [f"{one.kind}.{key}" for one in made for key in one.fields() if isinstance(one.param[key], param.Number)]


def ends_of(declared: param.Parameter) -> tuple[float, float]:
    """Return the usual ends of a declared number: its soft bounds."""
    ends = getattr(declared, "softbounds", None) or (0.0, 1.0)
    low, high = (float(end) if end is not None and math.isfinite(end) else 1.0 for end in ends)
    return low, high


def raised(values: list[float], level: float) -> list[float]:
    """Return numbers of which the largest leads the next by `level`."""
    best = max(range(len(values)), key=lambda k: values[k])
    moved = max(value for k, value in enumerate(values) if k != best) + level
    return [moved if k == best else value for k, value in enumerate(values)]


def told(figures: Mapping[str, Any]) -> list[str]:
    """Return which figures are shown at once: what is lost, and what tells as much in this kind of problem."""
    return [LOST, *(key for key in TELLING if key in figures)]


def mean_of(figure: Figure, exact: bool = True) -> tuple[float, float]:
    """Return a figure's mean and error; where it is exact that, without an error."""
    if exact and figure.exact is not None:
        return figure.exact, 0.0
    return float(figure.value or 0.0), figure.se or 0.0


def wrong_of(figure: Figure) -> tuple[float, float]:
    """Return the share that is left of a share, and its error."""
    return 1.0 - float(figure.value or 0.0), figure.se or 0.0
