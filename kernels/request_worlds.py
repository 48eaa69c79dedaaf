"""The loop of bandits in worlds that are not plain: late rewards, batches, changing means, a judge, costs, late arms.

The same draws in the same order as `requests.play_requests`, so that a plain world gives its results to the bit.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from expsim_panel.kernels.bits import normal, uniform
from expsim_panel.kernels.jit import inner, kernel
from expsim_panel.kernels.requests import begin, fewest, floored, recommend, select, sum_of, update


class RequestLaw(NamedTuple):
    """What rewards are, and what they are worth; arms stand in the order of their arrival.

    Attributes
    ----------
    means : float64 ndarray, shape (phases, arms)
        True mean rewards by phase, drift and common level apart.
    gaps, losses : float64 ndarray, shape (phases, arms)
        Distance to the best arm at hand, in reward units and in dollars of net value; read where nothing drifts.
    starts, ready : int64 ndarray, shape (phases,)
        First request (from 0) of each phase, and the number of arms that have arrived by then.
    drifting : bool
        Whether `slope` differs from 0.
    slope : float64 ndarray, shape (arms,)
        Change of a mean per request.
    level : float64 ndarray, shape (period,)
        Common level of all arms, which repeats.
    offset, gain : float64 ndarray, shape (arms,)
        What a judge makes of the truth: the reward seen has mean ``offset + gain truth``.
    sd : float
        Standard deviation of a normal reward as seen.
    value : float
        Dollars per unit of true reward.
    cost : float64 ndarray, shape (arms,)
        Dollars per pull.
    """

    means: np.ndarray
    gaps: np.ndarray
    losses: np.ndarray
    starts: np.ndarray
    ready: np.ndarray
    drifting: bool
    slope: np.ndarray
    level: np.ndarray
    offset: np.ndarray
    gain: np.ndarray
    sd: float
    value: float
    cost: np.ndarray


@inner
def best_at_hand(law: RequestLaw, phase: int, t: int) -> tuple[float, float]:
    """Return the best mean and the best net value of the arms that have arrived, common level apart."""
    best = law.means[phase, 0] + law.slope[0] * t
    most = law.value * best - law.cost[0]
    for a in range(1, law.ready[phase]):
        mean = law.means[phase, a] + law.slope[a] * t
        best = max(best, mean)
        most = max(most, law.value * mean - law.cost[a])
    return best, most


@inner
def learn(
    params: Any,
    until: int,
    seen: int,
    tail: int,
    in_turn: bool,
    arms: np.ndarray,
    rewards: np.ndarray,
    fresh: np.ndarray,
    n: np.ndarray,
    s: np.ndarray,
    q: np.ndarray,
    memory: np.ndarray,
) -> tuple[int, int]:
    """Hand the policy the rewards of the requests before `until`; return how many it has seen, and the next place.

    `arms` and `rewards` are rings over the requests under way, `tail` the place of the oldest (a remainder would
    cost more than the rest of this). `in_turn`: one after the other, in the order of the
    requests, as a policy with a window needs it; otherwise by sums over an arm (rows of `fresh`).
    """
    size = arms.shape[0]
    while seen < until:
        # One place that calls the policy, whichever the mode: its body is compiled into the loop.
        low = arms[tail] if in_turn else 0
        high = low + 1 if in_turn else n.shape[0]
        stop = seen + 1 if in_turn else until
        for a in range(low, high):
            fresh[0, a] = 0.0
            fresh[1, a] = 0.0
        while seen < stop:
            arm = arms[tail]
            reward = rewards[tail]
            fresh[0, arm] += 1.0
            fresh[1, arm] += reward
            q[arm] += reward * reward
            seen += 1
            tail = 0 if tail + 1 == size else tail + 1
        for a in range(low, high):
            n[a] += fresh[0, a]
            s[a] += fresh[1, a]
        for a in range(low, high):
            if fresh[0, a] > 0.0:
                update(params, a, fresh[0, a], fresh[1, a], seen, n, s, memory)
    return seen, tail


@inner
def clear(n: np.ndarray, s: np.ndarray, q: np.ndarray, given: np.ndarray, flat: np.ndarray) -> None:
    """Forget the experiment before: pulls, sums, requests sent to each arm, and the policy's memory."""
    for a in range(n.shape[0]):
        n[a] = 0.0
        s[a] = 0.0
        q[a] = 0.0
        given[a] = 0.0
    for i in range(flat.shape[0]):
        flat[i] = 0.0


@inner
def note(
    mark: int,
    given: np.ndarray,
    lost: float,
    missed: float,
    replicate: int,
    path: np.ndarray,
    dollars: np.ndarray,
    traffic: np.ndarray,
) -> None:
    """Add pulls and regret at a checkpoint to the sums over replicates, and to the paths that are kept."""
    arms = given.shape[0]
    for a in range(arms):
        traffic[mark, a] += given[a]
    traffic[mark, arms] += lost
    traffic[mark, arms + 1] += lost * lost
    traffic[mark, arms + 2] += missed
    traffic[mark, arms + 3] += missed * missed
    if replicate < path.shape[0]:
        path[replicate, mark] = lost
    if replicate < dollars.shape[0]:
        dollars[replicate, mark] = missed


T, PHASE, SEEN, TAIL, HEAD, LEFT, SEASON, MARK = 0, 1, 2, 3, 4, 5, 6, 7
"""Where a stretch stands: requests so far, phase, rewards known, ends of the ring, requests left in the batch, place
in the season, next checkpoint."""


@inner
def _stretch(
    params: Any,
    law: RequestLaw,
    rewards: np.ndarray,
    choices: np.ndarray,
    binary: bool,
    until: int,
    horizon: int,
    burn_in: int,
    floors: np.ndarray,
    delay: int,
    batch: int,
    in_turn: bool,
    checkpoints: np.ndarray,
    memory: np.ndarray,
    n: np.ndarray,
    s: np.ndarray,
    q: np.ndarray,
    given: np.ndarray,
    work: np.ndarray,
    every_given: np.ndarray,
    fresh: np.ndarray,
    ring_arms: np.ndarray,
    ring_rewards: np.ndarray,
    at: np.ndarray,
    total: np.ndarray,
    replicate: int,
    path: np.ndarray,
    dollars: np.ndarray,
    traffic: np.ndarray,
) -> None:
    """Play the requests before `until`, while the arms to choose from stay the same.

    A function of its own, since the arrays of a kernel that are made anew inside its loop would have their
    references counted at every request (40 ns, measured). `at` and `total` (regret, regret in dollars, net value)
    carry the state from stretch to stretch; at the horizon the rewards under way arrive.
    """
    hand = n.shape[0]
    phases = law.starts.shape[0]
    period = law.level.shape[0]
    size = ring_arms.shape[0]
    explore = sum_of(floors)
    forced = burn_in > 0
    t, phase, seen, tail = at[T], at[PHASE], at[SEEN], at[TAIL]
    ring, left, day, mark = at[HEAD], at[LEFT], at[SEASON], at[MARK]
    lost, missed, earned = total[0], total[1], total[2]
    while t < until or t == horizon:
        while phase + 1 < phases and t >= law.starts[phase + 1]:
            phase += 1
        if left == 0 or t == horizon:
            left = batch
            known = horizon if t == horizon else t - delay
            seen, tail = learn(params, known, seen, tail, in_turn, ring_arms, ring_rewards, fresh, n, s, q, memory)
            if t == horizon:
                break
        left -= 1
        if forced:
            least = given[0]
            for a in range(1, hand):
                least = min(least, given[a])
            forced = least < burn_in
        arm = 0
        if hand > 1:
            arm = fewest(choices, given, work) if forced else floored(choices, floors, explore)
            if arm < 0:
                arm = select(params, choices, seen, n, s, q, memory, work)
        mean = law.means[phase, arm]
        if law.drifting:
            mean += law.slope[arm] * t
            best, most = best_at_hand(law, phase, t)
            lost += best - mean
            missed += most - (law.value * mean - law.cost[arm])
        else:
            lost += law.gaps[phase, arm]
            missed += law.losses[phase, arm]
        mean += law.level[day]
        day = 0 if day + 1 == period else day + 1
        earned += law.value * mean - law.cost[arm]
        mean = law.offset[arm] + law.gain[arm] * mean
        # No branch on the uniform: half of them would be mispredicted.
        reward = 1.0 * int(uniform(rewards) < mean) if binary else mean + law.sd * normal(rewards)
        ring_arms[ring] = arm
        ring_rewards[ring] = reward
        ring = 0 if ring + 1 == size else ring + 1
        given[arm] += 1.0
        t += 1
        if t == checkpoints[mark]:
            note(mark, every_given, lost, missed, replicate, path, dollars, traffic)
            mark += 1 if t < horizon else 0
    at[T], at[PHASE], at[SEEN], at[TAIL] = t, phase, seen, tail
    at[HEAD], at[LEFT], at[SEASON], at[MARK] = ring, left, day, mark
    total[0], total[1], total[2] = lost, missed, earned


@kernel
def play_world(
    params: Any,
    law: RequestLaw,
    rewards: np.ndarray,
    choices: np.ndarray,
    binary: bool,
    horizon: int,
    burn_in: int,
    floors: np.ndarray,
    delay: int,
    batch: int,
    in_turn: bool,
    checkpoints: np.ndarray,
    memory: np.ndarray,
    pulls: np.ndarray,
    chosen: np.ndarray,
    regret: np.ndarray,
    money: np.ndarray,
    path: np.ndarray,
    dollars: np.ndarray,
    traffic: np.ndarray,
) -> None:
    """Play one policy through a block of bandit problems, request by request.

    Parameters
    ----------
    params, rewards, choices, binary, horizon, burn_in, floors, checkpoints, memory
        As in `requests.play_requests`.
    law : RequestLaw
        The world.
    delay, batch : int
        Before request t the policy knows the rewards of the requests before ``batch floor(t / batch) - delay``, and
        arms that arrived by ``batch floor(t / batch)``.
    in_turn : bool
        Whether the policy learns rewards one by one; see `learn`.
    pulls, chosen, regret, path
        As in `requests.play_requests`; arms in the order of `law`.
    money : float64 ndarray, shape (replicates, 2)
        Output: regret in dollars of net value, net value earned.
    dollars : float64 ndarray, shape (paths or 0, checkpoints)
        Output: regret in dollars over time.
    traffic : float64 ndarray, shape (checkpoints, arms + 4)
        Output, summed over replicates: pulls of each arm so far, regret, its square, regret in dollars, its square.
    """
    arms = law.means.shape[1]
    every_n = np.zeros(arms)
    every_s = np.zeros(arms)
    every_q = np.zeros(arms)
    every_given = np.zeros(arms)
    fresh = np.zeros((2, arms))
    size = min(delay + batch, horizon)
    ring_arms = np.zeros(size, np.int64)
    ring_rewards = np.zeros(size)
    at = np.zeros(8, np.int64)
    total = np.zeros(3)
    # First request at which so many arms can be chosen: the first batch after the last of them arrived.
    since = np.full(arms + 2, horizon)
    for k in range(law.starts.shape[0] - 1, -1, -1):
        since[law.ready[k]] = min((law.starts[k] + batch - 1) // batch * batch, horizon)
    flat = memory.reshape(-1)
    for r in range(pulls.shape[0]):
        clear(every_n, every_s, every_q, every_given, flat)
        for i in range(at.shape[0]):
            at[i] = 0
        for i in range(total.shape[0]):
            total[i] = 0.0
        begin(params, memory)
        kept = 0
        for hand in range(1, arms + 1):
            until = horizon
            for more in range(hand + 1, arms + 1):
                until = min(until, since[more])
            if until <= at[T]:
                continue
            n = every_n[:hand]
            s = every_s[:hand]
            q = every_q[:hand]
            _stretch(
                params, law, rewards, choices, binary, until, horizon, burn_in, floors[:hand], delay, batch, in_turn,
                checkpoints, memory, n, s, q, every_given[:hand], np.zeros((4, hand)), every_given, fresh,
                ring_arms, ring_rewards, at, total, r, path, dollars, traffic,
            )  # fmt: skip
            if at[T] == horizon:
                kept = recommend(params, choices, n, s, memory)
                break
        for a in range(arms):
            pulls[r, a] = int(every_given[a])
        regret[r] = total[0]
        money[r, 0] = total[1]
        money[r, 1] = total[2]
        chosen[r] = kept
