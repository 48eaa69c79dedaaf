"""Strategies whose shares of traffic follow the data and are logged: which have valid estimates, and why others not.

The shares of a day follow from what was known before it, and no outcome of the day changes them. By them every row has
a score whose mean is the difference of two arms, whatever the policy saw (`kernels.day_scores`).
"""

from __future__ import annotations

import numpy as np

from expsim_panel.kernels.batches import Batched
from expsim_panel.kernels.day_scores import AIPW, IPW, KEPT, METHODS, ROOT, TWO_POINT, Logged
from expsim_panel.kernels.worlds import World
from expsim_panel.policy import BanditPolicy, Problem
from expsim_panel.results import Outcomes
from expsim_panel.scenario import Scenario
from expsim_panel.strategy import Strategy
from expsim_panel.timeline import late_arms

NAMES = {IPW: "ipw", AIPW: "aipw_uniform", ROOT: "aipw_sqrt_e", TWO_POINT: "aipw_twopoint"}
"""Estimators of a difference from logged shares, by their place in arrays; called as in `adaptive_inference`."""
USED = ROOT
"""The one that interval, verdict and recommendation use."""
DECAY = 0.7
"""Exponent of the falling floor that the two-point weights assume in their bad case (Hadad et al. 2021)."""


def logs(scenario: Scenario, one: Strategy) -> bool:
    """Tell whether a strategy's shares follow the data and days can be scored by them."""
    return bool(
        isinstance(one.policy, BanditPolicy)
        and moves(scenario, one)
        and scenario.evaluator.kind != "hybrid"
        and scenario.offline is None
    )


def floored(scenario: Scenario, one: Strategy) -> bool:
    """Tell whether no arm's share can fall below a floor, so that estimates by logged shares are valid."""
    if not logs(scenario, one) or not isinstance(one.policy, BanditPolicy):
        return False
    units = int(scenario.traffic.units_per_day * scenario.traffic.days)
    problem = Problem(len(scenario.variants), units, scenario.by_counts, True, study=True)
    return one.policy.least_share(problem) > 0.0


def moves(scenario: Scenario, one: Strategy) -> bool:
    """Tell whether what was seen decides where traffic goes, or a variant arrives late: pooled means mislead."""
    if not one.policy.adaptive:
        return False
    return bool(one.policy.follows_data or not isinstance(one.policy, BanditPolicy) or late_arms(scenario))


def why_naive(scenario: Scenario, one: Strategy) -> str | None:
    """Return why the estimate of an adaptive strategy stays the difference of pooled means; None where it does not."""
    if floored(scenario, one):
        return None
    if not isinstance(one.policy, BanditPolicy):
        return "variants leave by what was seen of them: nobody chose at random"
    if not moves(scenario, one):
        return "the split is random and even whatever comes out: pooled means are valid"
    if scenario.evaluator.kind == "hybrid":
        return "a hybrid corrects a day by the labels of all days: days have no scores of their own"
    given = f"{one.policy.kind}(floor={min(0.05, 0.5 / len(scenario.variants)):g})"
    return f"its floor is 0: shares can fall to nothing, and then no estimator is valid; leave it out, or write {given}"


def empty(scenario: Scenario, one: Strategy, replicates: int) -> Outcomes:
    """Return the arrays that a strategy's experiments fill."""
    return Outcomes.empty(replicates, len(scenario.variants), logs(scenario, one), floored(scenario, one))


def log(whole: Batched | World, arrivals: np.ndarray, skip: int, out: np.ndarray, path: np.ndarray) -> Logged:
    """Return the kernel's parameters of a policy, in its world, whose days are scored into `out` and `path`."""
    inner = whole.policy if isinstance(whole, World) else whole
    arms = out.shape[2] + 1
    return Logged(
        whole,
        inner.work,
        whole.log if isinstance(whole, World) else np.zeros((0, 4, arms)),
        np.concatenate([[0.0], np.cumsum(arrivals, dtype=np.float64)]),
        int(skip),
        DECAY,
        np.zeros((4, arms)),
        np.zeros((3, arms)),
        np.zeros((METHODS, arms - 1, KEPT)),
        np.zeros(arms - 1),
        out,
        path,
    )
