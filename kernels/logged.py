"""A policy's experiment with every propensity logged, and what each estimator makes of it, replicate by replicate."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from expsim_panel.kernels.adaptive import estimate
from expsim_panel.kernels.bits import normal, uniform
from expsim_panel.kernels.contextual import pick
from expsim_panel.kernels.jit import inner, kernel
from expsim_panel.kernels.requests import begin, fewest, mix, recommend, shares, update


class Drawn(NamedTuple):
    """A policy asked by drawing: what it would do `draws` times over.

    Serving one of its `draws` choices at random is serving as the policy does; given the choices the probability of an
    arm is its share of them, whatever the policy is. The choices belong to what is known before the request, so that
    the propensity is exact: there is no error of a simulation in it, only fewer requests' worth of information than by
    the policy's own probabilities. `bits`: the stream of the choices; `x`: the context where there is one, filled by
    the loop; `tally`: space, shape (arms,).
    """

    policy: Any
    bits: np.ndarray
    x: np.ndarray
    tally: np.ndarray
    draws: int


@shares.register(Drawn)
def _drawn_shares(
    params: Drawn, t: int, n: np.ndarray, s: np.ndarray, q: np.ndarray, memory: np.ndarray, work: np.ndarray
) -> None:
    """Fill row 2 with every arm's share of the choices; the policy itself may use the row while it chooses."""
    for a in range(n.shape[0]):
        params.tally[a] = 0.0
    for _ in range(params.draws):
        params.tally[pick(params.policy, params.bits, params.x, t, n, s, q, memory, work)] += 1.0 / params.draws
    for a in range(n.shape[0]):
        work[2, a] = params.tally[a]


@inner
def drawn(bits: np.ndarray, work: np.ndarray) -> int:
    """Return an arm drawn by the probabilities in row 2 of the scratch space."""
    u = uniform(bits)
    arm = 0
    while arm < work.shape[1] - 1 and (u >= work[2, arm] or work[2, arm] <= 0.0):
        u -= work[2, arm]
        arm += 1
    while work[2, arm] <= 0.0 and arm > 0:
        arm -= 1
    return arm


@inner
def note_chances(t: int, work: np.ndarray, chance: np.ndarray) -> None:
    """Log the probabilities in row 2; ``1 / arms`` in a round in which every arm has its turn, as it is before it."""
    arms = work.shape[1]
    turns = False
    for a in range(arms):
        turns = turns or work[2, a] <= 0.0
    for a in range(arms):
        chance[t, a] = 1.0 / arms if turns else work[2, a]


@inner
def even_chances(t: int, chance: np.ndarray) -> None:
    """Log ``1 / arms`` for every arm."""
    for a in range(chance.shape[1]):
        chance[t, a] = 1.0 / chance.shape[1]


@kernel
def play_logged(
    params: Any,
    rewards: np.ndarray,
    choices: np.ndarray,
    binary: bool,
    seen: np.ndarray,
    sd: float,
    horizon: int,
    burn_in: int,
    floors: np.ndarray,
    delay: int,
    batch: int,
    decay: float,
    memory: np.ndarray,
    out: np.ndarray,
    cross: np.ndarray,
    kept: np.ndarray,
    pulls: np.ndarray,
) -> None:
    """Play a policy whose `shares` are known, log them at every request, and estimate.

    The law of `request_worlds.play_world`: before the requests of a batch the policy knows the rewards of those before
    ``batch floor(t / batch) - delay``, and chooses with ``p_a = f_a + (1 - sum f) w_a``. In the rounds in which
    every arm has its turn in random order (burn-in, untried arms first) the logged propensity is ``1 / arms``, which
    it is before the round.

    Parameters
    ----------
    params : NamedTuple
        Parameters of a policy.
    rewards, choices : uint64 ndarray, shape (4,)
        Streams.
    binary : bool
        0/1 rewards, or else normal ones.
    seen : float64 ndarray, shape (arms,)
        Mean reward of each arm as it is seen.
    sd : float
        Standard deviation of a normal reward as seen.
    horizon, burn_in, delay, batch : int
        As in `request_worlds.play_world`.
    floors : float64 ndarray, shape (arms,)
        Least probability of each arm.
    decay : float
        Of the two-point weights; see `adaptive.estimate`.
    memory : float64 ndarray
        Space for the policy.
    out : float64 ndarray, shape (replicates, 5, arms, 2)
        Output: see `adaptive.estimate`.
    cross : float64 ndarray, shape (replicates, 5, arms, arms)
        Output: see `adaptive.estimate`.
    kept : int64 ndarray, shape (replicates,)
        Output: arm that the policy would keep.
    pulls : int64 ndarray, shape (replicates, arms)
        Output: pulls of each arm.
    """
    arms = seen.shape[0]
    n = np.zeros(arms)
    s = np.zeros(arms)
    q = np.zeros(arms)
    given = np.zeros(arms)
    fresh = np.zeros(arms)
    total = np.zeros(arms)
    work = np.zeros((4, arms))
    pulled = np.zeros(horizon, np.int64)
    came = np.zeros(horizon)
    chance = np.zeros((horizon, arms))
    flat = memory.reshape(-1)
    for r in range(out.shape[0]):
        for a in range(arms):
            n[a] = 0.0
            s[a] = 0.0
            q[a] = 0.0
            given[a] = 0.0
        for i in range(flat.shape[0]):
            flat[i] = 0.0
        begin(params, memory)
        known = 0
        for first in range(0, horizon + batch, batch):
            # After the last request all rewards under way arrive.
            until = max(first - delay, 0) if first < horizon else horizon
            for a in range(arms):
                fresh[a] = 0.0
                total[a] = 0.0
            for t in range(known, until):
                fresh[pulled[t]] += 1.0
                total[pulled[t]] += came[t]
                q[pulled[t]] += came[t] * came[t]
            known = max(known, until)
            for a in range(arms):
                n[a] += fresh[a]
                s[a] += total[a]
            for a in range(arms):
                if fresh[a] > 0.0:
                    update(params, a, fresh[a], total[a], known, n, s, memory)
            if first >= horizon:
                break
            asked = False
            for t in range(first, min(first + batch, horizon)):
                least = given[0]
                for a in range(1, arms):
                    least = min(least, given[a])
                if least < burn_in:
                    arm = fewest(choices, given, work)
                    even_chances(t, chance)
                    asked = False
                else:
                    if not asked:
                        shares(params, known, n, s, q, memory, work)
                        mix(floors, work)
                        asked = True
                    arm = drawn(choices, work)
                    note_chances(t, work, chance)
                given[arm] += 1.0
                pulled[t] = arm
                came[t] = 1.0 * int(uniform(rewards) < seen[arm]) if binary else seen[arm] + sd * normal(rewards)
        kept[r] = recommend(params, choices, n, s, memory)
        for a in range(arms):
            pulls[r, a] = int(given[a])
        estimate(pulled, came, chance, decay, out[r], cross[r])
