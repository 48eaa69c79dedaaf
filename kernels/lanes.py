"""UCB1 for many replicates at once: the same request of 32 experiments side by side, in vector registers.

One experiment after the other waits for a root, a division and a mispredicted branch at every request; 32 of
them side by side share the logarithm and keep the units busy. The inner loops run over the lanes with unsigned
counters (a signed one would be checked for wrapping around) and hold no branch, so that they vectorise.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from expsim_panel.kernels.bits import stream
from expsim_panel.kernels.jit import inner, kernel

LANES = 32
_L = np.uint64(LANES)
_ONE = np.uint64(1)
_THREE = np.uint64(3)
_ELEVEN = np.uint64(11)
_LEFT = np.uint64(24)
_RIGHT = np.uint64(40)
_UNIT = 1.0 / 9007199254740992.0
_UNTRIED = math.inf
_LISTED = 65536
"""Counts whose reciprocal and root are listed; the divisions would take a third of the time (measured)."""


def lane_streams(seed: int, role: int, block: int, lane: int) -> np.ndarray:
    """Return the streams of all lanes of one block, and a spare one for what lanes do one after the other.

    Returns
    -------
    uint64 ndarray, shape (4 * LANES + 4,)
        First words of all lanes, second words, and so on; then the four words of the spare stream.
    """
    words = [stream(seed, role, block, lane, side) for side in range(LANES)]
    return np.concatenate([np.array(words).T.ravel(), stream(seed, role, block, lane, LANES)])


@inner
def uniforms(bits: np.ndarray, u: np.ndarray) -> None:
    """Draw one uniform for every lane; `bits.uniform` for 32 streams."""
    for lane in range(_L):
        b = bits[_L + lane]
        c = bits[_L + _L + lane]
        w = bits[_L + _L + _L + lane]
        out = bits[lane] + b + w
        bits[_L + _L + _L + lane] = w + _ONE
        bits[lane] = b ^ (b >> _ELEVEN)
        bits[_L + lane] = c + (c << _THREE)
        bits[_L + _L + lane] = ((c << _LEFT) | (c >> _RIGHT)) + out
        u[lane] = np.int64(out >> _ELEVEN) * _UNIT


@inner
def _lane_uniform(bits: np.ndarray, lane: Any) -> float:
    """Draw one uniform for one lane."""
    b = bits[_L + lane]
    c = bits[_L + _L + lane]
    w = bits[_L + _L + _L + lane]
    out = bits[lane] + b + w
    bits[_L + _L + _L + lane] = w + _ONE
    bits[lane] = b ^ (b >> _ELEVEN)
    bits[_L + lane] = c + (c << _THREE)
    bits[_L + _L + lane] = ((c << _LEFT) | (c >> _RIGHT)) + out
    return np.int64(out >> _ELEVEN) * _UNIT


@inner
def _choose(
    bits: np.ndarray,
    root: float,
    arms: np.uint64,
    mean: np.ndarray,
    width: np.ndarray,
    best: np.ndarray,
    found: np.ndarray,
    second: np.ndarray,
) -> None:
    """Find the largest index of every lane; ties, which are rare, one lane after the other.

    A lane has a tie where its second largest index equals the largest: cheaper to follow than a count of ties.
    """
    for lane in range(_L):
        best[lane] = mean[lane] + root * width[lane]
        found[lane] = 0
        second[lane] = -_UNTRIED
    for a in range(_ONE, arms):
        row = a * _L
        for lane in range(_L):
            value = mean[row + lane] + root * width[row + lane]
            lead = best[lane]
            more = value > lead
            under = lead if more else value
            second[lane] = under if under > second[lane] else second[lane]
            found[lane] = np.int64(a) if more else found[lane]
            best[lane] = value if more else lead
    tied = 0
    for lane in range(_L):
        tied += int(second[lane] == best[lane])
    if tied > 0:
        for lane in range(_L):
            if second[lane] == best[lane]:
                ties = 0
                for a in range(arms):
                    ties += int(mean[a * _L + lane] + root * width[a * _L + lane] == best[lane])
                left = int(_lane_uniform(bits, lane) * ties)
                for a in range(arms):
                    if mean[a * _L + lane] + root * width[a * _L + lane] == best[lane]:
                        if left == 0:
                            found[lane] = np.int64(a)
                            break
                        left -= 1


@inner
def tally(
    first: int, mark: int, n: np.ndarray, gaps: np.ndarray, regret: np.ndarray, path: np.ndarray, traffic: np.ndarray
) -> None:
    """Note what the lanes have pulled and lost by a checkpoint; `first` is the replicate of the first lane."""
    arms = gaps.shape[0]
    for side in range(min(LANES, regret.shape[0] - first)):
        lost = 0.0
        for a in range(arms):
            traffic[mark, a] += n[a * LANES + side]
            lost += gaps[a] * n[a * LANES + side]
        traffic[mark, arms] += lost
        traffic[mark, arms + 1] += lost * lost
        regret[first + side] = lost
        if first + side < path.shape[0]:
            path[first + side, mark] = lost


@inner
def keep(choices: np.ndarray, first: int, n: np.ndarray, s: np.ndarray, pulls: np.ndarray, chosen: np.ndarray) -> None:
    """Note the pulls of every lane and the arm it would keep: the largest mean, ties at random."""
    arms = pulls.shape[1]
    for side in range(min(LANES, pulls.shape[0] - first)):
        high = -1.0
        equal = 0
        for a in range(arms):
            place = a * LANES + side
            pulls[first + side, a] = int(n[place])
            value = s[place] / n[place] if n[place] > 0.0 else -1.0
            equal = 1 if value > high else equal + int(value == high)
            high = max(high, value)
        left = int(_lane_uniform(choices, np.uint64(side)) * equal)
        for a in range(arms):
            place = a * LANES + side
            if (s[place] / n[place] if n[place] > 0.0 else -1.0) == high:
                if left == 0:
                    chosen[first + side] = a
                left -= 1


@kernel
def play_ucb1(
    c: float,
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
    """Play UCB1 on a Bernoulli problem; the same law as `requests.play_requests` with UCB1's parameters.

    Parameters
    ----------
    c : float
        Factor inside the root.
    rewards, choices : uint64 ndarray, shape (4 * LANES + 4,)
        Streams of the lanes; see `lane_streams`.
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
    mean = np.zeros(size)
    width = np.zeros(size)
    u = np.zeros(LANES)
    best = np.zeros(LANES)
    found = np.zeros(LANES, np.int64)
    second = np.zeros(LANES)
    listed = min(checkpoints[-1], _LISTED)
    inverse = np.zeros(listed + 1)
    root_of = np.zeros(listed + 1)
    for i in range(1, listed + 1):
        inverse[i] = 1.0 / i
        root_of[i] = 1.0 / math.sqrt(float(i))
    most = float(listed)
    for first in range(0, pulls.shape[0], LANES):
        for i in range(size):
            n[i] = 0.0
            s[i] = 0.0
            mean[i] = _UNTRIED
            width[i] = 0.0
        t = 0
        for mark in range(checkpoints.shape[0]):
            while t < checkpoints[mark]:
                root = math.sqrt(c * math.log(float(t))) if t > 0 else 0.0
                _choose(choices, root, arms, mean, width, best, found, second)
                uniforms(rewards, u)
                for lane in range(_L):
                    arm = np.uint64(found[lane])
                    at = arm * _L + lane
                    k = n[at] + 1.0
                    x = s[at] + 1.0 * int(u[lane] < means[arm])
                    n[at] = k
                    s[at] = x
                    if k <= most:
                        pulled = np.uint64(np.int64(k))
                        mean[at] = x * inverse[pulled]
                        width[at] = root_of[pulled]
                    else:
                        mean[at] = x * (1.0 / k)
                        width[at] = 1.0 / math.sqrt(k)
                t += 1
            tally(first, mark, n, gaps, regret, path, traffic)
        keep(choices, first, n, s, pulls, chosen)
