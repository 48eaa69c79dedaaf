"""What a strategy loses while it learns against how often it decides wrongly: one point per strategy."""

from __future__ import annotations

from dataclasses import dataclass

from expsim_panel.bandit_verdict import lost
from expsim_panel.bandits import BanditResult
from expsim_panel.quantities import money, percent
from expsim_panel.results import Figure, Result


@dataclass(frozen=True)
class Point:
    """One strategy on the two axes; less is better on both.

    Attributes
    ----------
    name : str
        The strategy.
    regret, regret_se : float
        Mean regret (reward or dollars) and its Monte Carlo standard error.
    wrong, wrong_se : float
        Share of experiments that do not end with the right decision, and its standard error.
    cost : float or None
        Mean cost of the experiment in dollars, where there is one.
    adaptive : bool
        Whether it moves traffic while it learns.
    said : str
        The point in words, plain text.
    """

    name: str
    regret: float
    regret_se: float
    wrong: float
    wrong_se: float
    cost: float | None
    adaptive: bool
    said: str


def of_bandit(found: BanditResult, usd: float | None = None) -> tuple[Point, ...]:
    """Return the points of a bandit result: wrong means that the arm kept at the end is not a best one."""
    points, scale = [], 1.0 if usd is None else usd
    for one in found.policies:
        regret, right = one.regret, one.p_best_arm
        value = float(regret.value or 0.0) if regret.exact is None else regret.exact
        error = 0.0 if regret.exact is not None else regret.se or 0.0
        wrong = 1.0 - (right.value or 0.0)
        said = (
            f"{one.name}: loses {lost(value, found.family, usd)} while learning, keeps a lesser arm in "
            f"{percent(wrong)} of the experiments"
        )
        points.append(
            Point(one.name, scale * value, scale * error, wrong, right.se or 0.0, None, one.name != "even", said)
        )
    return tuple(points)


def of_study(result: Result) -> tuple[Point, ...]:
    """Return the points of a study's strategies, A/B tests and bandits alike; undefined figures are left out."""
    points = []
    for one in result.strategies:
        regret, right = one.figures["regret"], one.figures["p_correct"]
        if regret.value is None or right.value is None:
            continue
        wrong, cost = 1.0 - right.value, one.figures["cost"].value
        parts = [
            f"{word} {percent(part)}"
            for key, word in (
                ("p_harmful_launch", "harmful launch"), ("p_suboptimal_launch", "lesser variant"),
                ("p_missed_win", "missed win"), ("p_inconclusive", "inconclusive"),
            ) if (part := _value(one.figures.get(key)))
        ]  # fmt: skip
        said = (
            f"{one.name}: loses {money(regret.value)} to the horizon, not the right decision in {percent(wrong)} of "
            f"the experiments ({', '.join(parts) or 'never'}); costs {money(cost)}"
        )
        points.append(
            Point(
                one.name, regret.value, regret.se or 0.0, wrong, right.se or 0.0, cost,
                bool(one.strategy.policy.adaptive), said,
            )
        )  # fmt: skip
    return tuple(points)


def _value(found: Figure | None) -> float | None:
    return None if found is None else found.value


def efficient(points: tuple[Point, ...]) -> tuple[Point, ...]:
    """Return the points that no other beats on both axes, by ascending regret; equal points all stay."""

    def beaten(one: Point) -> bool:
        return any(
            other.regret <= one.regret
            and other.wrong <= one.wrong
            and (other.regret, other.wrong) != (one.regret, one.wrong)
            for other in points
        )

    return tuple(sorted((one for one in points if not beaten(one)), key=lambda one: (one.regret, one.wrong)))
