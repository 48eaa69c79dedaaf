"""Exact expectations of bandit policies, by formula or by enumeration."""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

from expsim_panel.kernels.enumeration import enumerate_pulls
from expsim_panel.policy import BanditPolicy, Problem

Floats = npt.NDArray[np.float64]

_STATES, _CELLS = 2_000_000, 20_000_000
_STATES_BY_QUADRATURE = 20_000


def exact_figures(
    policy: BanditPolicy, problem: Problem, means: Floats, gaps: Floats | None = None
) -> dict[str, float]:
    """Return exact expectations by formula or by enumeration; empty where neither is at hand.

    Enumeration asks for 0/1 rewards, a policy whose probabilities depend on pulls and successes alone, and at
    most two million states in all: horizon 80 for two arms, 16 for three.

    Parameters
    ----------
    means : ndarray, shape (arms,)
        Means of the rewards as seen; normal ones in their standard deviations.
    gaps : ndarray, shape (arms,), optional
        What a pull of each arm loses, where that is not its distance to the best mean seen.
    """
    gaps = means.max() - means if gaps is None else gaps
    pulls = policy.expected_pulls(problem, means)
    found = {} if pulls is None else {"regret": float(np.sum(gaps * pulls))}
    if not problem.binary or not policy.shown_by_pulls(policy.has_floor) or not _enumerable(policy, problem):
        return found
    chosen, kept = enumerate_policy(policy, problem, means)
    found["regret"] = float(np.sum(gaps * chosen.sum(axis=0)))
    found["simple_regret"] = float(np.sum(gaps * kept))
    found["p_best_arm"] = float(np.sum(kept[gaps == 0.0]))
    return found


def _enumerable(policy: BanditPolicy, problem: Problem) -> bool:
    if problem.horizon > 1000 or problem.arms > 10:
        return False
    states = math.comb(problem.horizon + 2 * problem.arms, 2 * problem.arms)
    cells = (problem.horizon + 1) ** (2 * problem.arms - 1)
    most = _STATES_BY_QUADRATURE if policy.slow_shares and problem.arms > 2 else _STATES
    return states <= most and cells <= _CELLS


def enumerate_policy(policy: BanditPolicy, problem: Problem, means: Floats) -> tuple[Floats, Floats]:
    """Return exact probabilities under 0/1 rewards: each request's arm, and the arm that leads at the end.

    Returns
    -------
    ndarray, shape (horizon, arms)
        P(request t pulls arm a).
    ndarray, shape (arms,)
        P(arm a has the largest observed mean at the end), ties shared evenly.
    """
    chosen = np.zeros((problem.horizon, problem.arms))
    kept = np.zeros(problem.arms)
    memory = np.zeros(policy.memory(problem))
    rates = np.ascontiguousarray(means, dtype=np.float64)
    parameters = (int(policy.burn_in), policy.floor_of(problem.arms), memory)
    enumerate_pulls(policy.request(problem), rates, problem.horizon, *parameters, chosen, kept)
    return chosen, kept
