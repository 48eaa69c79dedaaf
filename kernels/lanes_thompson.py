"""Thompson sampling of rates for many replicates at once: the same request of 32 experiments side by side.

One experiment after the other waits for every draw in its chain of gammas; 32 side by side fill the vector
registers (1.8 times the pulls, measured). Every lane draws as `bits.step_gamma` does: one proposal for all lanes
in a loop without a branch, then the three in a hundred that neither the ziggurat's rectangles nor the squeeze
settle, one after the other, from the words that were drawn for them.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from expsim_panel.kernels.bits import (
    State,
    gamma_of,
    normal_of,
    proposed_normal,
    squeezed,
    step_gamma,
    step_normal,
    take,
)
from expsim_panel.kernels.jit import inner, kernel
from expsim_panel.kernels.lanes import LANES, keep, tally, uniforms

_L = np.uint64(LANES)
_NONE = np.uint64(0)
_ONE = np.uint64(1)
_TWO = np.uint64(2)
_THREE = np.uint64(3)
_ELEVEN = np.uint64(11)
_LEFT = np.uint64(24)
_RIGHT = np.uint64(40)
_UNIT = 1.0 / 9007199254740992.0


@inner
def _propose(
    bits: np.ndarray,
    row: Any,
    d: np.ndarray,
    c: np.ndarray,
    words: np.ndarray,
    u: np.ndarray,
    value: np.ndarray,
    unsettled: np.ndarray,
) -> int:
    """Propose one gamma for every lane, `row` being the first lane's place; return how many are not settled."""
    count = 0
    for lane in range(_L):
        # Two steps of the stream, spelled out: tuples of states keep the loop from being vectorised.
        x0 = bits[lane]
        x1 = bits[_L + lane]
        x2 = bits[_L + _L + lane]
        x3 = bits[_L + _L + _L + lane]
        word = x0 + x1 + x3
        x0 = x1 ^ (x1 >> _ELEVEN)
        x1 = x2 + (x2 << _THREE)
        x2 = ((x2 << _LEFT) | (x2 >> _RIGHT)) + word
        x3 = x3 + _ONE
        second = x0 + x1 + x3
        bits[lane] = x1 ^ (x1 >> _ELEVEN)
        bits[_L + lane] = x2 + (x2 << _THREE)
        bits[_L + _L + lane] = ((x2 << _LEFT) | (x2 >> _RIGHT)) + second
        bits[_L + _L + _L + lane] = x3 + _ONE
        at = row + lane
        x, inside = proposed_normal(word)
        uniform = np.int64(second >> _ELEVEN) * _UNIT
        v = 1.0 + c[at] * x
        words[at] = word
        u[at] = uniform
        value[at] = d[at] * (v * v * v)
        bad = 0 if inside & squeezed(x, uniform, c[at]) else 1
        unsettled[at] = bad
        count += bad
    return count


@inner
def _settle(state: State, word: np.uint64, u: float, d: float, c: float) -> tuple[float, State]:
    """Return the gamma draw that begins with a word and a uniform already drawn."""
    x, state = normal_of(word, state)
    if x != x:
        x, state = step_normal(state)
    value = gamma_of(x, u, d, c)
    if value >= 0.0:
        return value, state
    return step_gamma(state, d, c)


@kernel
def play_thompson(
    hits: float,
    misses: float,
    rewards: np.ndarray,
    choices: np.ndarray,
    means: np.ndarray,
    gaps: np.ndarray,
    checkpoints: np.ndarray,
    pulls: np.ndarray,
    chosen: np.ndarray,
    regret: np.ndarray,
    path: np.ndarray,
    traffic: np.ndarray,
) -> None:
    """Play Thompson sampling on a Bernoulli problem; the same law as `requests.play_requests` with its parameters.

    Parameters
    ----------
    hits, misses : float
        Beta prior of every arm, 1 or more.
    rewards, choices : uint64 ndarray, shape (4 * LANES + 4,)
        Streams of the lanes; see `lanes.lane_streams`.
    means : float64 ndarray, shape (arms,)
        Success rates of the rewards as seen.
    gaps : float64 ndarray, shape (arms,)
        What a pull of each arm loses.
    checkpoints, pulls, chosen, regret, path, traffic
        As in `requests.play_requests`.
    """
    arms = np.uint64(means.shape[0])
    size = means.shape[0] * LANES
    n = np.zeros(size)
    s = np.zeros(size)
    reward = np.zeros(LANES)
    top = np.zeros(LANES)
    rest = np.zeros(LANES)
    found = np.zeros(LANES, np.int64)
    # Two gammas an arm: hits of arm 0 in all lanes, its misses, hits of arm 1, and so on.
    d = np.zeros(2 * size)
    c = np.zeros(2 * size)
    u = np.zeros(2 * size)
    value = np.zeros(2 * size)
    words = np.zeros(2 * size, np.uint64)
    unsettled = np.zeros(2 * size, np.int64)
    open_ = np.zeros(2 * size + 1, np.uint64)
    state = take(choices[4 * LANES :])
    for first in range(0, pulls.shape[0], LANES):
        for i in range(size):
            n[i] = 0.0
            s[i] = 0.0
        for i in range(2 * size):
            d[i] = (hits if i // LANES % 2 == 0 else misses) - 1.0 / 3.0
            c[i] = 1.0 / math.sqrt(9.0 * d[i])
        t = 0
        for mark in range(checkpoints.shape[0]):
            while t < checkpoints[mark]:
                left = _NONE
                for row in range(_NONE, arms * _TWO * _L, _L):
                    if _propose(choices, row, d, c, words, u, value, unsettled) > 0:
                        for lane in range(_L):
                            open_[left] = row + lane
                            left += np.uint64(unsettled[row + lane])
                for i in range(left):
                    at = open_[i]
                    value[at], state = _settle(state, words[at], u[at], d[at], c[at])
                for lane in range(_L):
                    found[lane] = 0
                    top[lane] = value[lane]
                    rest[lane] = value[_L + lane]
                for a in range(_ONE, arms):
                    base = _TWO * a * _L
                    for lane in range(_L):
                        x = value[base + lane]
                        y = value[base + _L + lane]
                        # x / (x + y) > top / (top + rest), without a division
                        more = x * rest[lane] > top[lane] * y
                        found[lane] = np.int64(a) if more else found[lane]
                        top[lane] = x if more else top[lane]
                        rest[lane] = y if more else rest[lane]
                uniforms(rewards, reward)
                for lane in range(_L):
                    arm = np.uint64(found[lane])
                    hit = reward[lane] < means[arm]
                    at = arm * _L + lane
                    n[at] += 1.0
                    s[at] += 1.0 * int(hit)
                    at = arm * _TWO * _L + lane + (_NONE if hit else _L)
                    d[at] += 1.0
                    c[at] = 1.0 / math.sqrt(9.0 * d[at])
                t += 1
            tally(first, mark, n, gaps, regret, path, traffic)
        keep(choices, first, n, s, pulls, chosen)
