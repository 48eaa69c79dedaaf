"""Bandits in batches: one question to the policy per batch, then counts and sums of rewards by arm.

The law of `request_worlds.play_world` with the same batch, at a cost that does not grow with the batch: requests
of a batch are exchangeable, so the arms' shares of it are multinomial in the policy's probabilities, and an arm's
rewards enter through their sum and sum of squares.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from expsim_panel.kernels.arms import P_BEST
from expsim_panel.kernels.counts import hits_of, scores_of, split
from expsim_panel.kernels.jit import inner, kernel
from expsim_panel.kernels.request_worlds import RequestLaw, clear, note
from expsim_panel.kernels.requests import begin, fewest, mix, recommend, shares, sum_of, update
from expsim_panel.kernels.tallies import fill_tables, width_of


@inner
def _arrive(
    params: Any,
    seen: int,
    late: np.ndarray,
    slot: int,
    n: np.ndarray,
    s: np.ndarray,
    q: np.ndarray,
    memory: np.ndarray,
) -> int:
    """Hand the policy a batch's counts, sums and sums of squares, and empty it; return how many rewards it knows."""
    low, high = n.shape[0], 0
    for a in range(n.shape[0]):
        if late[slot, 0, a] > 0.0:
            n[a] += late[slot, 0, a]
            s[a] += late[slot, 1, a]
            q[a] += late[slot, 2, a]
            seen += int(late[slot, 0, a])
            low, high = min(low, a), a + 1
    for a in range(low, high):
        if late[slot, 0, a] > 0.0:
            update(params, a, late[slot, 0, a], late[slot, 1, a], seen, n, s, memory)
            late[slot, 0, a] = 0.0
    return seen


@inner
def _sole(work: np.ndarray) -> int:
    """Return the arm that has all of the traffic, or -1."""
    for a in range(work.shape[1]):
        if work[P_BEST, a] > 0.0:
            return a if work[P_BEST, a] == 1.0 else -1
    return -1


_TABLES = 64
"""Tables of rewards at most: each takes some 20 microseconds."""

STATE = 9
"""Whole numbers that a stretch leaves to the next."""
T, PHASE, SEEN, KNOWN, OLDEST, NUMBER, SLOT, MARK, FORCED = range(STATE)


@kernel
def _stretch(
    params: Any,
    gaps: np.ndarray,
    losses: np.ndarray,
    starts: np.ndarray,
    ready: np.ndarray,
    sd: float,
    rewards: np.ndarray,
    choices: np.ndarray,
    binary: bool,
    horizon: int,
    burn_in: int,
    floors: np.ndarray,
    delay: int,
    batch: int,
    checkpoints: np.ndarray,
    memory: np.ndarray,
    seen_means: np.ndarray,
    worth: np.ndarray,
    n: np.ndarray,
    s: np.ndarray,
    q: np.ndarray,
    given: np.ndarray,
    part: np.ndarray,
    every_today: np.ndarray,
    work: np.ndarray,
    every_given: np.ndarray,
    late: np.ndarray,
    even_tables: np.ndarray,
    tables: np.ndarray,
    at: np.ndarray,
    total: np.ndarray,
    replicate: int,
    path: np.ndarray,
    dollars: np.ndarray,
    traffic: np.ndarray,
) -> None:
    """Play the batches that have the same arms to choose from, or all that are left.

    A function of its own, since the arrays of a kernel that are made anew inside its loop have their references
    counted at every use: of 185 ns that a batch of UCB1 took, 85. `at` and `total` (regret, regret in dollars, net
    value) carry the state from stretch to stretch; ``at[MARK]`` is beyond the checkpoints when all is done.
    """
    hand, phases = n.shape[0], starts.shape[0]
    t, phase, seen, known, oldest = at[T], at[PHASE], at[SEEN], at[KNOWN], at[OLDEST]
    k, slot, mark, forced = at[NUMBER], at[SLOT], at[MARK], at[FORCED] > 0
    lost, missed, earned = total[0], total[1], total[2]
    explore = sum_of(floors)
    while True:
        over = mark == checkpoints.shape[0]
        if not over:
            while phase + 1 < phases and t >= starts[phase + 1]:
                phase += 1
        while known < k - delay or (over and known < k):
            seen = _arrive(params, seen, late, oldest, n, s, q, memory)
            oldest = 0 if oldest == delay else oldest + 1
            known += 1
        if over:
            mark += 1
            break
        if ready[phase] != hand:
            break
        end = min(t + batch, horizon)
        asked = False
        while t < end:
            # A batch is split where the means change; the policy learns of it after the batch.
            while phase + 1 < phases and t >= starts[phase + 1]:
                phase += 1
            until = end
            if phase + 1 < phases:
                until = min(until, starts[phase + 1])
            # Arms that may have got requests: mostly one has all of them, and the others need not be looked at.
            low, high = 0, hand
            turns = forced
            if turns or hand == 1:
                for a in range(hand):
                    part[a] = 0
            while forced and t < until:
                least = given[0]
                for a in range(1, hand):
                    least = min(least, given[a])
                forced = least < burn_in
                if forced:
                    arm = fewest(choices, given, work)
                    given[arm] += 1.0
                    part[arm] += 1
                    t += 1
                    asked = False
            if hand == 1:
                part[0] += until - t
                given[0] += until - t
            elif t < until:
                if not asked:
                    shares(params, seen, n, s, q, memory, work)
                    if explore > 0.0:
                        mix(floors, work)
                    asked = True
                sole = _sole(work)
                if sole >= 0:
                    given[sole] += until - t
                    if turns:
                        part[sole] += until - t
                    else:
                        part[sole] = until - t
                        low, high = sole, sole + 1
                else:
                    for a in range(hand):
                        every_today[a] = part[a] if turns else 0
                    split(choices, until - t, work, P_BEST, even_tables, part)
                    for a in range(hand):
                        given[a] += part[a]
                        part[a] += every_today[a]
            t = until
            for a in range(low, high):
                if part[a] > 0:
                    if binary:
                        value = hits_of(rewards, part[a], seen_means[phase, a], phase * gaps.shape[1] + a, tables)
                        square = value
                    else:
                        value, square = scores_of(rewards, part[a], seen_means[phase, a], sd)
                    if late[slot, 0, a] == 0.0:
                        late[slot, 1, a] = 0.0
                        late[slot, 2, a] = 0.0
                    late[slot, 0, a] += part[a]
                    late[slot, 1, a] += value
                    late[slot, 2, a] += square
                    lost += part[a] * gaps[phase, a]
                    missed += part[a] * losses[phase, a]
                    earned += part[a] * worth[phase, a]
        k += 1
        slot = 0 if slot == delay else slot + 1
        if t >= checkpoints[mark]:
            note(mark, every_given, lost, missed, replicate, path, dollars, traffic)
            mark += 1
    at[T], at[PHASE], at[SEEN], at[KNOWN], at[OLDEST] = t, phase, seen, known, oldest
    at[NUMBER], at[SLOT], at[MARK], at[FORCED] = k, slot, mark, int(forced)
    total[0], total[1], total[2] = lost, missed, earned


@kernel
def play_batches(
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
    """Play one policy through a block of bandit problems, batch by batch.

    Parameters
    ----------
    params : NamedTuple
        Parameters of a policy whose `shares` are known.
    law : RequestLaw
        A world whose means are constant within each phase: no drift, no season.
    rewards, choices : uint64 ndarray, shape (4,)
        Streams of the block, by role; see `bits`.
    delay : int
        Whole batches that a batch's rewards are late.
    batch : int
        Requests of a batch; the last one has what is left of the horizon.
    checkpoints : int64 ndarray
        Ends of batches at which regret is noted, the last the horizon.
    binary, horizon, burn_in, floors, memory, pulls, chosen, regret, money, path, dollars, traffic
        As in `request_worlds.play_world`.
    """
    # Taken out of the tuple once: each access in the loop would count references.
    means = law.means
    phases, arms = means.shape
    seen_means = np.zeros((phases, arms))
    worth = np.zeros((phases, arms))
    for i in range(phases):
        for a in range(arms):
            seen_means[i, a] = law.offset[a] + law.gain[a] * (means[i, a] + law.level[0])
            worth[i, a] = law.value * (means[i, a] + law.level[0]) - law.cost[a]
    every_n = np.zeros(arms)
    every_s = np.zeros(arms)
    every_q = np.zeros(arms)
    every_given = np.zeros(arms)
    every_today = np.zeros(arms, np.int64)
    every_part = np.zeros(arms, np.int64)
    late = np.zeros((delay + 1, 3, arms))
    # Tables of an even split over 2, 3, ... arms, and of the arms' rewards, unless there are very many of them.
    even_tables = np.zeros((arms - 1, width_of(batch)))
    fill_tables(1.0 / np.arange(2.0, arms + 1.0), even_tables)
    tables = np.zeros((phases * arms if binary and phases * arms <= _TABLES else 0, width_of(batch)))
    fill_tables(seen_means.reshape(-1)[: tables.shape[0]], tables)
    at = np.zeros(STATE, np.int64)
    total = np.zeros(3)
    flat = memory.reshape(-1)
    for r in range(pulls.shape[0]):
        clear(every_n, every_s, every_q, every_given, flat)
        for i in range(STATE):
            at[i] = 0
        for i in range(3):
            total[i] = 0.0
        begin(params, memory)
        hand = 0
        while at[MARK] <= checkpoints.shape[0]:
            hand = law.ready[at[PHASE]]
            at[FORCED] = burn_in > 0
            _stretch(
                params, law.gaps, law.losses, law.starts, law.ready, law.sd, rewards, choices, binary, horizon, burn_in,
                floors[:hand], delay, batch, checkpoints, memory, seen_means, worth, every_n[:hand],
                every_s[:hand], every_q[:hand], every_given[:hand], every_part[:hand], every_today,
                np.zeros((4, hand)), every_given, late, even_tables, tables, at, total, r, path, dollars, traffic,
            )  # fmt: skip
        for a in range(arms):
            pulls[r, a] = int(every_given[a])
        regret[r] = total[0]
        money[r, 0] = total[1]
        money[r, 1] = total[2]
        chosen[r] = recommend(params, choices, every_n[:hand], every_s[:hand], memory)
