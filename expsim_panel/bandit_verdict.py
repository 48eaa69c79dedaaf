"""A/B or bandit, in words: what each policy loses while it learns, and how often it ends up wrong."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from expsim_panel.bandits import BanditResult, PolicyResult
from expsim_panel.errors import InputError
from expsim_panel.quantities import count, money, percent

EVEN = "even"
"""The randomised experiment as a policy: what every other one is compared with."""
SURE = 3.0
"""Simulation standard errors from which a difference is called one; six policies are compared at once."""

DOLLARS, WINS = "dollars", "wins"
COUNTED = {
    "bernoulli": "good answers", "gaussian": "points of reward", "ratings": "rating points", WINS: "wins",
}  # fmt: skip
"""What losses are counted in, by the law of the rewards; among duels they are wins given away."""

_NOTHING = 1e-9
"""Below this an amount of reward is round-off."""


@dataclass(frozen=True)
class BanditVerdict:
    """The answer for one result.

    Attributes
    ----------
    policy : str
        The policy the sentence is about: the least regret.
    clear : bool
        Whether it loses less than an even split beyond the error of the simulation.
    sentence : str
        The answer in plain words.
    numbers : tuple of (str, str)
        At most three numbers that carry it, each with what it is.
    notes : tuple of str
        What would change it, and what to keep in mind.
    """

    policy: str
    clear: bool
    sentence: str
    numbers: tuple[tuple[str, str], ...]
    notes: tuple[str, ...]


def check_value(usd: float | None, where: str = "bandit", key: str = "value") -> float | None:
    """Return what one unit of reward is worth; `InputError` unless it is a positive amount or None."""
    if usd is not None and not 1e-9 <= usd <= 1e9:
        raise InputError(where, key, f"{usd:g} dollars", "give an amount from 0.000000001 to 1,000,000,000")
    return usd


def even_regret(found: BanditResult) -> tuple[float, float] | None:
    """Return the expected regret of an even split and its error: exact in the classic problem, else as simulated.

    In the classic problem it is the horizon times the mean gap of the arms. In another world None, if no even split
    was played there.
    """
    if found.world.plain and not any(found.world.cost):
        return float(found.horizon * np.mean(found.means.max() - found.means)), 0.0
    even = next((one for one in found.policies if one.name == EVEN), None)
    return None if even is None else (_regret(even), _error(even))


def lost(amount: float, family: str, usd: float | None, signed: bool = False) -> str:
    """Write an amount of what is lost: dollars where one reward has a price, else what a problem counts losses in.

    `family`: a key of `COUNTED`, or ``dollars`` for net value.
    """
    if abs(amount) < _NOTHING:
        amount = 0.0
    if usd is not None or family == DOLLARS:
        return money(amount * (1.0 if usd is None else usd), signed)
    sign = "+" if signed and amount > 0 else ""
    text = f"{sign}{amount:,.0f}" if abs(amount) >= 10 else f"{sign}{amount:.3g}"
    return f"{text} {COUNTED[family]}"


def counted_in(family: str, priced: bool) -> str:
    """Return what losses are counted in where rewards have a law, and perhaps a worth in dollars."""
    return DOLLARS if priced else family


def verdict(found: BanditResult, usd: float | None = None) -> BanditVerdict:
    """Return which policy to prefer and why.

    Parameters
    ----------
    found : BanditResult
        Policies on one problem.
    usd : float, optional
        What one unit of reward is worth, in dollars; amounts are then in dollars.
    """
    best = min(found.policies, key=_regret)
    base, others = even_regret(found), [one for one in found.policies if one.name != EVEN]
    even, spread = (math.nan, math.inf) if base is None else base
    gain, error = even - _regret(best), math.hypot(_error(best), spread)
    clear = best.name != EVEN and gain > SURE * error + _NOTHING * max(1.0, even)
    right = best.p_best_arm.value or 0.0
    numbers = [
        (lost(_regret(best), found.family, usd), f"lost while learning by {best.name}{_within(best, found, usd)}")
    ]
    if best.name != EVEN and base is not None:
        how = ", exactly" if spread == 0.0 else ""
        numbers.append((lost(even, found.family, usd), f"lost by an even split{how}"))
    numbers.append((percent(right), f"of the experiments of {best.name} end with a best arm"))
    if float(np.ptp(found.means)) == 0.0 and found.world.plain:
        sentence = "All arms are equally good: nothing can be lost, and nothing can be found."
    elif base is None:
        sentence = (
            f"{_capital(best.name)} loses least, {lost(_regret(best), found.family, usd)} in "
            f"{count(found.horizon)} requests; add the policy even to compare with an even split."
        )
    elif not others:
        sentence = (
            f"An even split loses {lost(even, found.family, usd)} in {count(found.horizon)} requests; add a policy."
        )
    elif not clear:
        sentence = f"No policy here loses clearly less than an even split ({lost(even, found.family, usd)})."
    else:
        found_best = f"it finds the best arm {percent(right, 0)} of the time{_against(found, best)}"
        sentence = (
            f"{_capital(best.name)} loses {_fewer(gain, found.family, usd)} than an even split in "
            f"{count(found.horizon)} requests; {found_best}."
        )
    return BanditVerdict(best.name, clear, sentence, tuple(numbers[:3]), tuple(_notes(found, best, even, usd)))


def break_even(found: BanditResult, name: str) -> tuple[float, float] | None:
    """Return after how many later requests a policy's worse choices have cost what it saved, with the error.

    An even split may lose more while it learns and still choose better. Every later request of the policy then costs
    the difference of the simple regrets, S - S_even, against the R_even - R that it saved: the two are level after
    ``(R_even - R) / (S - S_even)`` requests (standard error by the delta method, the two runs being independent).
    None where there is no even split to compare with, or where the policy does not choose worse beyond the error of
    the simulation.
    """
    one, even = found[name], next((one for one in found.policies if one.name == EVEN), None)
    if even is None or one.name == EVEN:
        return None
    base = even_regret(found) or (0.0, 0.0)
    saved = base[0] - _regret(one)
    worse = (one.simple_regret.value or 0.0) - (even.simple_regret.value or 0.0)
    error = math.hypot(one.simple_regret.se or math.inf, even.simple_regret.se or 0.0)
    if saved <= 0.0 or worse <= SURE * error:
        return None
    level = saved / worse
    return level, level * math.hypot(_error(one) / saved, error / worse)


def _regret(one: PolicyResult) -> float:
    return one.regret.exact if one.regret.exact is not None else one.regret.value or 0.0


def _error(one: PolicyResult) -> float:
    """Return the error of `_regret`: none if exact, unknown (infinite) with one replicate."""
    if one.regret.exact is not None:
        return 0.0
    return math.inf if one.regret.se is None else one.regret.se


def _fewer(gain: float, family: str, usd: float | None) -> str:
    text = lost(gain, family, usd)
    if usd is not None:
        return f"{text} less"
    amount, _, what = text.partition(" ")
    return f"{amount} fewer {what}"


def _within(one: PolicyResult, found: BanditResult, usd: float | None) -> str:
    marks = one.regret.quantiles
    if not marks:
        return ""
    low, high = (lost(marks[key], found.family, usd).split(" ")[0] for key in ("0.05", "0.95"))
    return f"; nine experiments in ten between {low} and {high}"


def _against(found: BanditResult, best: PolicyResult) -> str:
    even = next((one for one in found.policies if one.name == EVEN), None)
    return "" if even is None or even is best else f", an even split {percent(even.p_best_arm.value, 0)}"


def _notes(found: BanditResult, best: PolicyResult, even: float, usd: float | None) -> list[str]:
    made = []
    level = break_even(found, best.name)
    if level is not None:
        made.append(
            f"If the choice serves more than about {count(level[0])} later requests (± {count(level[1])}), an even "
            f"split is better after all: it loses more while learning, but keeps a lesser arm less often."
        )
    worst = best.tail_regret.value or 0.0
    if even > 0 and worst > even:
        made.append(
            f"In the worst twentieth of its experiments {best.name} loses {lost(worst, found.family, usd)} on average, "
            "more than an even split: it has settled on a lesser arm."
        )
    elif even > 0:
        made.append(
            f"In the worst twentieth of its experiments {best.name} loses {lost(worst, found.family, usd)} on average."
        )
    if any(found.world.cost) and usd is None:
        made.append("The costs of pulls are not in these losses; in dollars they are.")
    net = found.world.value_per_point * found.means - np.array(found.world.cost or 0.0)
    if any(found.world.cost) and not found.world.changing and int(net.argmax()) != int(found.means.argmax()):
        made.append(
            f"By net value arm {int(net.argmax())} is the best, not arm {int(found.means.argmax())}: policies that "
            "learn from rewards alone move towards the wrong one. Lower its cost or raise the worth of a reward."
        )
    if found.world.judged:
        made.append(
            "The policies learn from what the evaluator sees; losses are of the true rewards. A bias between arms is "
            "not averaged away by more requests."
        )
    if found.world.plain:
        made.append(
            "Rewards come at once and are measured without error here; delay, batches, an evaluator's errors, costs "
            "and change can be set, and move the answer."
        )
    return made


def _capital(name: str) -> str:
    return name[:1].upper() + name[1:]
