"""Variants that arrive after the experiment has begun: what they ask of scenario and strategies, and what they leave.

Before its day a variant gets no traffic and no policy knows of it; shares are those of the others among themselves.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from expsim_panel.errors import InputError
from expsim_panel.timeline import arrivals, late_arms, weights

if TYPE_CHECKING:
    from expsim_panel.economics import Ledger
    from expsim_panel.guardrail_play import Guards
    from expsim_panel.scenario import Scenario
    from expsim_panel.strategy import Strategy

__all__ = ["check_arrivals", "check_late", "late_arms", "regret"]


def check_arrivals(scenario: Scenario, where: str) -> None:
    """Check that the control is there from the start, and the others in turn while there are days left."""
    if not late_arms(scenario):
        return
    days, traffic = arrivals(scenario), scenario.traffic
    last = int(traffic.days) - scenario.delay_days
    for i, day in enumerate(days.tolist()):
        key, told = f"variants.{i}.arrives_day", f"{scenario.variants[i].name} arrives on day {day + 1}"
        if i == 0 and day > 0:
            raise InputError(where, key, f"the control {told}", "compare with one that is there from day 1")
        if day >= last:
            late = f", with outcomes {scenario.delay_days} days late" if scenario.delay_days else ""
            raise InputError(where, key, f"{told} of {traffic.days}{late}", f"give a day up to {last}")
        if i > 0 and day < days[i - 1]:
            raise InputError(where, key, f"{told}, before the one above it", "list variants as they arrive")
    if scenario.offline is not None or scenario.side_by_side:
        kind = "on a prompt set" if scenario.offline is not None else "side by side"
        raise InputError(where, "variants", f"a variant arrives late {kind}", "remove arrives_day")
    for key in ("ramp", "switchback"):
        if getattr(traffic, key) is not None:
            raise InputError(where, f"traffic.{key}", "a variant arrives late", f"remove {key}, or arrives_day")
    if traffic.shares:
        problem = "shares of their own beside a variant that arrives late"
        raise InputError(where, "traffic.shares", problem, "remove shares: an even split is played")


def check_late(scenario: Scenario, one: Strategy, rule: Any, where: str, path: str) -> None:
    """Check that a strategy compares a late variant with the control of the same days.

    Pooled means would compare it with days that it has not seen.
    """
    from expsim_panel.kernels.strata import DailyTable
    from expsim_panel.kernels.trials import FUTILE
    from expsim_panel.policy import BanditPolicy

    days = arrivals(scenario)
    late = scenario.variants[int(days.argmax())].name
    problem = f"{one.name}, and {late} arrives on day {int(days.max()) + 1}"
    if not isinstance(one.policy, BanditPolicy):
        remedy = 'write allocation = "even": it splits evenly over those that are there and compares within days'
        raise InputError(where, f"{path}.allocation", f"a fixed plan in {problem}", remedy)
    if one.design.only_fixed:
        remedy = "choose a rule that compares within days, such as fixed-horizon, or bayesian"
        raise InputError(where, f"{path}.stopping", f"pooled means in {problem}", remedy)
    if isinstance(rule, DailyTable):
        low = np.isfinite(rule.lower) & (rule.below == FUTILE) | np.isfinite(rule.inner)
        early = np.flatnonzero(low[: int(days.max()) + scenario.delay_days])
        if early.size:
            told = f"a futility look on day {int(early[0]) + 1} of {problem}"
            raise InputError(where, f"{path}.stopping", told, "let looks that may give up come after it")


def regret(
    scenario: Scenario,
    money: Ledger,
    lost: np.ndarray,
    value: np.ndarray,
    best: np.ndarray,
    guards: Guards | None,
) -> np.ndarray:
    """Return the regret against the best variant that is there: before it arrives, nobody could have served it.

    Parameters
    ----------
    lost : ndarray, shape (replicates,)
        Regret against the best of all, dollars.
    value : ndarray, shape (replicates, arms)
        Net value of the arms, dollars per response.
    best : ndarray, shape (replicates,)
        That of the best.
    guards : Guards or None
        An arm that truly breaches is no candidate.
    """
    days = arrivals(scenario)
    served = weights(scenario) * float(scenario.traffic.units_per_day) * money.exposures_per_unit
    usable = value if guards is None else np.where(guards.breached, -np.inf, value)
    made = lost.copy()
    for day in range(int(days.max())):
        made -= served[day] * (best - usable[:, days <= day].max(axis=1))
    return np.maximum(made, 0.0) if guards is not None else made
