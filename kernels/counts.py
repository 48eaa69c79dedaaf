"""Counts and sums drawn from a stream in registers (see `bits`): binomial, multinomial, rewards of many requests.

What a batch of a bandit needs, at a third of the cost of the same draws from a `Generator`.
"""

from __future__ import annotations

import math

import numpy as np

from expsim_panel.kernels.bits import State, put, step, step_gamma, step_normal, step_uniform, take
from expsim_panel.kernels.draws import FEW, few_hits, hat, many_hits
from expsim_panel.kernels.jit import inner
from expsim_panel.kernels.tallies import most_of, step_tally

_WORD = 64
_NONE = np.uint64(0)
_ALL = np.uint64(0xFFFFFFFFFFFFFFFF)
_ONE, _TWO, _FOUR, _TOP, _LAST = np.uint64(1), np.uint64(2), np.uint64(4), np.uint64(56), np.uint64(63)
_PAIRS, _FOURS, _EIGHTS = np.uint64(0x5555555555555555), np.uint64(0x3333333333333333), np.uint64(0x0F0F0F0F0F0F0F0F)
_SUM = np.uint64(0x0101010101010101)
_SCALE = 9007199254740992.0
_ALIGN = np.uint64(11)


@inner
def ones(word: np.uint64) -> int:
    """Return how many of the 64 bits are 1."""
    word = word - ((word >> _ONE) & _PAIRS)
    word = (word & _FOURS) + ((word >> _TWO) & _FOURS)
    return int(np.int64((((word + (word >> _FOUR)) & _EIGHTS) * _SUM) >> _TOP))


@inner
def step_trials(state: State, n: int, p: float) -> tuple[int, State]:
    """Return the hits of n trials, 1 to 64, each of them played: 64 comparisons of a uniform with p side by side.

    The binary digits of p and of the uniforms are compared from the first on, those of all trials in one word: a trial
    is decided at the first digit that differs, so that all are after about ``log2(n) + 1`` words. Exact for
    `p` rounded up to a multiple of 2^-53, as a comparison with `bits.uniform` is.
    """
    digits = np.uint64(np.int64(math.ceil(p * _SCALE))) << _ALIGN
    open_ = _ALL >> np.uint64(_WORD - n)
    hits = _NONE
    while open_ != _NONE and digits != _NONE:
        out, state = step(state)
        # All ones where this digit of p is 1: smaller uniforms have a 0 there.
        here = _NONE - (digits >> _LAST)
        hits = hits | (open_ & here & ~out)
        open_ = open_ & ~(out ^ here)
        digits = digits << _ONE
    return ones(hits), state


@inner
def step_binomial(state: State, n: int, p: float) -> tuple[int, State]:
    """Draw from Binomial(n, p), exactly; see `draws.binomial`. Up to 64 trials are played one and all."""
    if n <= 0 or p <= 0.0:
        return 0, state
    if p >= 1.0:
        return n, state
    if n <= _WORD:
        return step_trials(state, n, p)
    q = p if p <= 0.5 else 1.0 - p
    size = float(n)
    hits = -1.0
    if size * q < FEW:
        while hits < 0.0:
            u, state = step_uniform(state)
            hits = few_hits(u, size, q)
    else:
        over = hat(size, q)
        while hits < 0.0:
            u, state = step_uniform(state)
            v, state = step_uniform(state)
            hits = many_hits(u, v, size, q, over)
    return (int(hits) if p <= 0.5 else n - int(hits)), state


@inner
def split(bits: np.ndarray, size: int, shares: np.ndarray, row: int, table: np.ndarray, out: np.ndarray) -> None:
    """Draw multinomial counts into `out`, shape (arms,), with the probabilities ``shares[row]``.

    Binomials in turn, the largest share first: what is left for the others is then mostly few, which is cheap. Where
    the others have equal shares, as under exploration, they are drawn from tables.

    Parameters
    ----------
    table : float64 ndarray, shape (arms - 1, columns)
        Tables (see `tallies`) of the probabilities 1/2, 1/3, ...
    """
    arms = out.shape[0]
    lead = 0
    for a in range(1, arms):
        lead = a if shares[row, a] > shares[row, lead] else lead
    top = shares[row, lead]
    others, least, most, there = 0.0, top, 0.0, 1
    for a in range(arms):
        share = shares[row, a]
        if a != lead and share > 0.0:
            others += share
            least = min(least, share)
            most = max(most, share)
            there += 1
    even = least == most
    left = size
    rest = top + others
    state = take(bits)
    for place in range(arms):
        a = lead if place == 0 else place - 1 if place <= lead else place
        share = shares[row, a]
        drawn = 0
        if there == 1:
            drawn = left if share > 0.0 else 0
        elif even and left <= most_of(table) and (place > 0 or top == least):
            if share > 0.0:
                drawn, state = step_tally(state, left, there - 2, table)
        else:
            drawn, state = step_binomial(state, left, share / rest)
        out[a] = drawn
        left -= drawn
        there -= int(share > 0.0)
        rest = others if place == 0 else rest - share
    put(bits, state)


@inner
def hits_of(bits: np.ndarray, n: int, p: float, row: int, table: np.ndarray) -> float:
    """Draw the number of rewards of 1 among n; from row `row` of the tables, which is of p, where there is one."""
    state = take(bits)
    if n <= most_of(table) and row < table.shape[0]:
        drawn, state = step_tally(state, n, row, table)
    else:
        drawn, state = step_binomial(state, n, p)
    put(bits, state)
    return float(drawn)


@inner
def scores_of(bits: np.ndarray, n: int, mean: float, sd: float) -> tuple[float, float]:
    """Draw sum and sum of squares of n normal rewards, n at least 1; see `measuring.normal_rows`."""
    x, state = step_normal(take(bits))
    total = n * mean + sd * math.sqrt(float(n)) * x
    within = 0.0
    if n == 2:
        x, state = step_normal(state)
        within = x * x
    elif n > 2:
        # A chi-square with n - 1 degrees of freedom is twice a gamma of half that shape.
        d = 0.5 * (n - 1.0) - 1.0 / 3.0
        x, state = step_gamma(state, d, 1.0 / math.sqrt(9.0 * d))
        within = x + x
    put(bits, state)
    return total, sd * sd * within + total * total / n
