"""The loop of bandits whose pulls also cost something, can do harm, or are rated: reward, price, bad event.

The policies are those of `requests`; one that wants to know prices and bad events registers `meter`.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from expsim_panel.kernels.bits import normal, uniform
from expsim_panel.kernels.courses import note
from expsim_panel.kernels.jit import generic_or, inner, kernel
from expsim_panel.kernels.requests import begin, fewest, floored, recommend, select, sum_of, update


@generic_or
def meter(params: Any, arm: int, cost: float, bad: float, t: int, n: np.ndarray, memory: np.ndarray) -> None:
    """Learn the price of a pull and whether it was a bad event (1 or 0); t and n already count the pull."""


@inner
def draw_reward(bits: np.ndarray, arm: int, means: np.ndarray, edges: np.ndarray) -> float:
    """Return a reward: a level of 0..1 in equal steps, or a normal one where there are no levels.

    `edges`, shape (arms, levels - 1): P(level <= k); shape (arms, 0) means normal with standard deviation 1.
    """
    steps = edges.shape[1]
    if steps == 0:
        score: float = means[arm] + normal(bits)
        return score
    u = uniform(bits)
    at = 0
    while at < steps and u >= edges[arm, at]:
        at += 1
    level: float = at / steps
    return level


@kernel
def play_metered(
    params: Any,
    rewards: np.ndarray,
    prices: np.ndarray,
    choices: np.ndarray,
    means: np.ndarray,
    edges: np.ndarray,
    costs: np.ndarray,
    unknown: bool,
    risks: np.ndarray,
    budget: float,
    burn_in: int,
    floors: np.ndarray,
    checkpoints: np.ndarray,
    memory: np.ndarray,
    pulls: np.ndarray,
    chosen: np.ndarray,
    spent: np.ndarray,
    harm: np.ndarray,
    behind: np.ndarray,
    traffic: np.ndarray,
    worth: np.ndarray,
    pace: np.ndarray,
    course: np.ndarray,
    sums: np.ndarray,
) -> None:
    """Play one policy through a block of experiments.

    Parameters
    ----------
    params : NamedTuple
        Parameters of a policy.
    rewards, prices, choices : uint64 ndarray, shape (4,)
        Streams of rewards, of prices and bad events, and of the policy.
    means : float64 ndarray, shape (arms,)
        Mean reward.
    edges : float64 ndarray, shape (arms, levels - 1)
        Law of the rewards; see `draw_reward`.
    costs : float64 ndarray, shape (arms,)
        Price of a pull, or with `unknown` the chance that it costs 1 instead of nothing.
    risks : float64 ndarray, shape (arms,)
        Chance of a bad event.
    budget : float
        The first pull that would overspend it is not made, and ends the experiment.
    burn_in, floors, checkpoints, memory
        As in `requests.play_requests`.
    pulls, chosen : int64 ndarray
        Output: pulls of each arm, shape (replicates, arms); the arm to keep.
    spent, harm, behind : float64 ndarray, shape (replicates,)
        Output: money spent; bad events; how far the mean rewards collected were ever behind always serving
        arm 0, as a share of the latter (arm 0 must have a mean above 0; otherwise 0).
    traffic : float64 ndarray, shape (checkpoints, arms)
        Output, summed over replicates: pulls of each arm so far.
    worth : float64 ndarray, shape (arms, 3)
        What a pull of the arm is worth, 1 where it breaks the limit (else 0), its mean reward in its own unit.
    pace : float64 ndarray, shape (checkpoints,)
        What the best plan has earned so far.
    course, sums
        Output of `courses.note`: worth behind the pace, money spent, pulls that broke the limit, mean reward so far.
    """
    arms = means.shape[0]
    so_far = np.zeros(4)
    n = np.zeros(arms)
    s = np.zeros(arms)
    q = np.zeros(arms)
    work = np.zeros((4, arms))
    flat = memory.reshape(-1)
    forced = burn_in * arms
    explore = sum_of(floors)
    for r in range(pulls.shape[0]):
        for a in range(arms):
            n[a] = 0.0
            s[a] = 0.0
            q[a] = 0.0
        for i in range(flat.shape[0]):
            flat[i] = 0.0
        begin(params, memory)
        paid = 0.0
        bad = 0.0
        lack = 0.0
        worst = 0.0
        t = 0
        broke = False
        for c in range(checkpoints.shape[0]):
            while t < checkpoints[c] and not broke:
                arm = fewest(choices, n, work) if t < forced else floored(choices, floors, explore)
                if arm < 0:
                    arm = select(params, choices, t, n, s, q, memory, work)
                cost = costs[arm]
                if unknown:
                    cost = 1.0 * int(uniform(prices) < costs[arm])
                if paid + cost > budget:
                    broke = True
                    continue
                paid += cost
                reward = draw_reward(rewards, arm, means, edges)
                event = 1.0 * int(uniform(prices) < risks[arm])
                bad += event
                n[arm] += 1.0
                s[arm] += reward
                q[arm] += reward * reward
                t += 1
                lack += means[0] - means[arm]
                if means[0] > 0.0:
                    worst = max(worst, lack / (means[0] * t))
                update(params, arm, 1.0, reward, t, n, s, memory)
                meter(params, arm, cost, event, t, n, memory)
            for k in range(4):
                so_far[k] = 0.0
            for a in range(arms):
                traffic[c, a] += n[a]
                so_far[0] += n[a] * worth[a, 0]
                so_far[2] += n[a] * worth[a, 1]
                so_far[3] += n[a] * worth[a, 2]
            so_far[0] = pace[c] - so_far[0]
            so_far[1] = paid
            note(r, c, so_far, course, sums)
        for a in range(arms):
            pulls[r, a] = int(n[a])
        spent[r] = paid
        harm[r] = bad
        behind[r] = worst
        chosen[r] = recommend(params, choices, n, s, memory)
