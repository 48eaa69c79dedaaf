"""The metered experiment with every propensity logged: what estimators make of rewards, and of bad events."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from expsim_panel.kernels.adaptive import AIPW, IPW, NAIVE, ROOT, TWO_POINT, estimate
from expsim_panel.kernels.bits import uniform
from expsim_panel.kernels.jit import inner, kernel
from expsim_panel.kernels.logged import drawn, even_chances, note_chances
from expsim_panel.kernels.metered import draw_reward, meter
from expsim_panel.kernels.requests import begin, fewest, mix, recommend, shares, update


@inner
def note_loads(pulled: np.ndarray, chance: np.ndarray, load: np.ndarray) -> None:
    """Fill `load`, shape (5, arms): variance of each method's estimate per unit of variance of one reward.

    ``1 / n``, ``sum 1/e / T^2`` for even weights, and ``T / (sum sqrt e)^2`` for weights ``sqrt e``, which the
    two-point ones are with a constant floor. What the estimates would vary by if the reward's variance were known.
    """
    size = pulled.shape[0]
    for a in range(chance.shape[1]):
        n = 0.0
        odds = 0.0
        root = 0.0
        for t in range(size):
            n += 1.0 * int(pulled[t] == a)
            odds += 1.0 / chance[t, a]
            root += math.sqrt(chance[t, a])
        load[NAIVE, a] = 1.0 / n if n > 0.0 else math.inf
        load[IPW, a] = odds / size / size
        load[AIPW, a] = odds / size / size
        load[ROOT, a] = size / root / root
        load[TWO_POINT, a] = size / root / root


@kernel
def play_logged_metered(
    params: Any,
    asked: Any,
    rewards: np.ndarray,
    prices: np.ndarray,
    choices: np.ndarray,
    means: np.ndarray,
    edges: np.ndarray,
    costs: np.ndarray,
    unknown: bool,
    risks: np.ndarray,
    budget: float,
    horizon: int,
    burn_in: int,
    floors: np.ndarray,
    decay: float,
    memory: np.ndarray,
    out: np.ndarray,
    cross: np.ndarray,
    harm: np.ndarray,
    harm_cross: np.ndarray,
    load: np.ndarray,
    kept: np.ndarray,
    pulls: np.ndarray,
    logged: np.ndarray,
) -> None:
    """Play a policy by the law of `metered.play_metered`, log its propensities, and estimate.

    A budget ends the experiment at a request that depends on what came. Which requests are used has to be known before
    each of them: the last ones, where a cheap arm could still be paid and a dear one not, are made more often with the
    cheap one than its propensity says. So the log ends before the first request that the dearest arm would overspend.
    That is a stopping time known before the request, and the sums ``sum h (score - mean)`` up to it are a stopped
    martingale: their mean is 0. An estimate is such a sum over ``sum h``, and inherits a bias of the covariance of the
    sum with ``1 / sum h`` only, at most its standard error times the coefficient of variation of ``sum h``.

    Parameters
    ----------
    params : NamedTuple
        Parameters of a policy.
    asked : NamedTuple
        What is asked for `shares`: the same, or `logged.Drawn`.
    rewards, prices, choices, means, edges, costs, unknown, risks, budget, burn_in, floors
        As in `metered.play_metered`.
    horizon : int
        Most requests.
    decay : float
        Of the two-point weights; see `adaptive.estimate`.
    memory : float64 ndarray
        Space for the policy.
    out, cross : float64 ndarray, shape (replicates, 5, arms, 2) and (replicates, 5, arms, arms)
        Output: estimates of the mean rewards; see `adaptive.estimate`. nan where the log is empty.
    harm, harm_cross : float64 ndarray, the same shapes, or without a replicate
        Output: the same of the rates of bad events.
    load : float64 ndarray, shape (replicates, 5, arms), or without a replicate
        Output: see `note_loads`.
    kept : int64 ndarray, shape (replicates,)
        Output: arm that the policy would keep.
    pulls : int64 ndarray, shape (replicates, arms)
        Output: pulls of each arm.
    logged : int64 ndarray, shape (replicates,)
        Output: requests that the estimates are of.
    """
    arms = means.shape[0]
    n = np.zeros(arms)
    s = np.zeros(arms)
    q = np.zeros(arms)
    work = np.zeros((4, arms))
    pulled = np.zeros(horizon, np.int64)
    came = np.zeros(horizon)
    events = np.zeros(horizon)
    chance = np.zeros((horizon, arms))
    flat = memory.reshape(-1)
    dearest = 0.0
    for a in range(arms):
        dearest = max(dearest, 1.0 * int(costs[a] > 0.0) if unknown else costs[a])
    for r in range(out.shape[0]):
        for a in range(arms):
            n[a] = 0.0
            s[a] = 0.0
            q[a] = 0.0
        for i in range(flat.shape[0]):
            flat[i] = 0.0
        begin(params, memory)
        paid = 0.0
        size = 0
        t = 0
        broke = False
        while t < horizon and not broke:
            if t < burn_in * arms:
                arm = fewest(choices, n, work)
                even_chances(t, chance)
            else:
                shares(asked, t, n, s, q, memory, work)
                mix(floors, work)
                arm = drawn(choices, work)
                note_chances(t, work, chance)
            cost = costs[arm]
            if unknown:
                cost = 1.0 * int(uniform(prices) < costs[arm])
            if paid + cost > budget:
                broke = True
                continue
            # What was paid never falls: once closed, the log stays so.
            size = t + 1 if paid + dearest <= budget else size
            paid += cost
            reward = draw_reward(rewards, arm, means, edges)
            event = 1.0 * int(uniform(prices) < risks[arm])
            pulled[t] = arm
            came[t] = reward
            events[t] = event
            n[arm] += 1.0
            s[arm] += reward
            q[arm] += reward * reward
            t += 1
            update(params, arm, 1.0, reward, t, n, s, memory)
            meter(params, arm, cost, event, t, n, memory)
        kept[r] = recommend(params, choices, n, s, memory)
        logged[r] = size
        for a in range(arms):
            pulls[r, a] = int(n[a])
        if size == 0:
            out[r, :] = math.nan
            cross[r, :] = math.nan
            continue
        estimate(pulled[:size], came[:size], chance[:size], decay, out[r], cross[r])
        if harm.shape[0] > 0:
            estimate(pulled[:size], events[:size], chance[:size], decay, harm[r], harm_cross[r])
            note_loads(pulled[:size], chance[:size], load[r])
