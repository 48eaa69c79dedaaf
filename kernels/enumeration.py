"""Exact bandits with 0/1 rewards over short horizons: every reachable state with its probability."""

from __future__ import annotations

from typing import Any

import numpy as np

from expsim_panel.kernels.jit import kernel
from expsim_panel.kernels.requests import begin, mix, shares


@kernel
def enumerate_pulls(
    params: Any,
    means: np.ndarray,
    horizon: int,
    burn_in: int,
    floors: np.ndarray,
    memory: np.ndarray,
    chosen: np.ndarray,
    kept: np.ndarray,
) -> None:
    """Propagate the law of pulls and successes of every arm from request to request.

    A policy whose probabilities depend on them alone is a Markov chain on (n_1, s_1, ..., n_K, s_K); the
    pulls of the last arm follow from the others. One number per state: (horizon + 1)^(2K - 1) of them.

    Parameters
    ----------
    params : NamedTuple
        Parameters of such a policy.
    means : float64 ndarray, shape (arms,)
        Success rates.
    horizon : int
        Requests.
    burn_in, floors
        As in `requests.play_requests`.
    memory : float64 ndarray
        Zeros, for the policy.
    chosen : float64 ndarray, shape (horizon, arms)
        Output: probability that request t pulls the arm.
    kept : float64 ndarray, shape (arms,)
        Output: probability that the arm has the largest mean at the end, ties shared evenly.
    """
    arms = means.shape[0]
    base = horizon + 1
    cells = 1
    for _ in range(2 * arms - 1):
        cells *= base
    # An arm's place in the code of a state: pulls and successes; the last arm has successes only.
    step_n = np.zeros(arms, np.int64)
    step_s = np.zeros(arms, np.int64)
    place = 1
    for a in range(arms):
        step_s[a] = place
        place *= base
        if a < arms - 1:
            step_n[a] = place
            place *= base
    now = np.zeros(cells)
    after = np.zeros(cells)
    n = np.zeros(arms)
    s = np.zeros(arms)
    work = np.zeros((4, arms))
    begin(params, memory)
    now[0] = 1.0
    for t in range(base):
        for code in range(min(cells, (t + 1) * (cells // base))):
            p = now[code]
            if p == 0.0:
                continue
            now[code] = 0.0
            rest = code
            left = t
            fewest = t
            for a in range(arms):
                s[a] = rest % base
                rest //= base
                if a < arms - 1:
                    n[a] = rest % base
                    rest //= base
                    left -= int(n[a])
                else:
                    n[a] = left
                fewest = min(fewest, int(n[a]))
            if t == horizon:
                best = -1.0
                ties = 0.0
                for a in range(arms):
                    value = s[a] / n[a] if n[a] > 0.0 else -1.0
                    if value > best:
                        best = value
                        ties = 1.0
                    elif value == best:
                        ties += 1.0
                for a in range(arms):
                    if (s[a] / n[a] if n[a] > 0.0 else -1.0) == best:
                        kept[a] += p / ties
                continue
            if t < burn_in * arms:
                ties = 0.0
                for a in range(arms):
                    work[2, a] = 1.0 if n[a] == fewest else 0.0
                    ties += work[2, a]
                for a in range(arms):
                    work[2, a] /= ties
            else:
                shares(params, t, n, s, s, memory, work)
                mix(floors, work)
            for a in range(arms):
                w = p * work[2, a]
                if w == 0.0:
                    continue
                chosen[t, a] += w
                win = w * means[a]
                after[code + step_n[a]] += w - win
                if win > 0.0:
                    after[code + step_n[a] + step_s[a]] += win
        now, after = after, now
