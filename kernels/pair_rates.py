"""Right or wrong on the same prompts: counts of what judge and people say of all variants, drawn exactly.

A prompt makes all variants' answers better or worse together. What is said of one prompt is one of few states, so that
a day is one multinomial draw over them.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

from expsim_panel.kernels.draws import binomial
from expsim_panel.kernels.hybrid import FF, REST, REST_F, REST_FF, YF, YY, F, N, Y
from expsim_panel.kernels.jit import inner, kernel
from expsim_panel.kernels.pair_days import BASE, BOOK, close_day
from expsim_panel.kernels.special import norm_cdf, norm_ppf

REACH = 8.5
"""Standard deviations of a latent normal that are integrated over."""
SMALLEST = 1e-4
"""Least part of the latent variance that answers have of their own: less is a step that no grid resolves."""
STATES = 10_000
"""Most states of one prompt that a table is made of."""


class PairedRates(NamedTuple):
    """The law of labels and verdicts on one prompt.

    An answer of arm a is right iff ``cut + prompt z + own g + noise e > 0``: z of the prompt, g of the prompt in this
    arm, e of the answer. Both who say so flip the truth, independently.

    Attributes
    ----------
    means, spill : float64 ndarray, shape (replicates, arms)
        P(right), and what every arm gains of all others.
    hit, false : float64 ndarray, shape (replicates, arms)
        P(judge says right | right), P(judge says right | wrong).
    steps : float64 ndarray, shape (days, arms)
        What each day adds to the means.
    drift : float64 ndarray, shape (days,)
        What each day adds to `hit` and `false`.
    yes, no : float
        P(people say right | right), P(people say wrong | wrong).
    repeats : int
        Answers of an arm to one prompt; a label and a score of the prompt are means over them.
    prompt, own : float
        Standard deviations, with ``prompt^2 + own^2`` below 1, which is all.
    correction : int
    sign, origin : float
        A rate p counts as ``origin + sign p``.
    """

    means: np.ndarray
    spill: np.ndarray
    hit: np.ndarray
    false: np.ndarray
    steps: np.ndarray
    drift: np.ndarray
    yes: float
    no: float
    repeats: int
    prompt: float
    own: float
    correction: int
    sign: float
    origin: float


@inner
def _kept(p: float) -> float:
    return min(max(p, 0.0), 1.0)


@inner
def _nodes(slope: float, times: float) -> int:
    """Return the points of a trapezoidal rule that is exact to rounding for `times` curves of this steepness."""
    return math.ceil(2.0 * REACH * 2.0 * math.sqrt(1.0 + times * slope * slope)) + 1


@kernel
def prompt_states(law: PairedRates, replicate: int, day: int, cells: np.ndarray) -> int:
    """Write the chances of what is said of one prompt, and return the number of states.

    With m answers, state ``i (m + 1) + j`` of an arm has i labels and j verdicts that say right; the first arm's
    digit counts most.

    Parameters
    ----------
    cells : float64 ndarray, shape (>= (m + 1)^(2 arms),)
        Output.
    """
    arms, m = law.means.shape[1], law.repeats
    each = (m + 1) * (m + 1)
    left = 1.0 - law.prompt * law.prompt
    own = law.own if m > 1 else 0.0
    noise = math.sqrt(max(left - own * own, SMALLEST))
    outside = _nodes(law.prompt / math.sqrt(max(left, SMALLEST)), float(arms)) if law.prompt > 0.0 else 1
    inside = _nodes(own / noise, float(m)) if own > 0.0 else 1
    states: int = each**arms
    one, said, more = np.zeros((arms, each)), np.zeros(each), np.zeros(each)
    product = np.zeros(states)
    cells[:states] = 0.0
    whole = 0.0
    for z in range(outside):
        at = 0.0 if outside == 1 else REACH * (2.0 * z / (outside - 1.0) - 1.0)
        weight = math.exp(-0.5 * at * at)
        whole += weight
        one[:] = 0.0
        for a in range(arms):
            mean = _kept(law.means[replicate, a] + law.spill[replicate, a] + law.steps[day, a])
            cut = min(max(norm_ppf(mean), -40.0), 40.0) + law.prompt * at
            hit = _kept(law.hit[replicate, a] + law.drift[day])
            false = _kept(law.false[replicate, a] + law.drift[day])
            within = 0.0
            for g in range(inside):
                off = 0.0 if inside == 1 else REACH * (2.0 * g / (inside - 1.0) - 1.0)
                share = math.exp(-0.5 * off * off)
                within += share
                right = norm_cdf((cut + own * off) / noise)
                yes, no = right * law.yes, (1.0 - right) * (1.0 - law.no)
                both = yes * hit + no * false
                label = yes + no - both
                score = right * hit + (1.0 - right) * false - both
                neither = 1.0 - both - label - score
                said[:] = 0.0
                said[0] = 1.0
                for _s in range(m):
                    more[:] = 0.0
                    for i in range(m):
                        for j in range(m):
                            p = said[i * (m + 1) + j]
                            more[i * (m + 1) + j] += p * neither
                            more[i * (m + 1) + j + 1] += p * score
                            more[(i + 1) * (m + 1) + j] += p * label
                            more[(i + 1) * (m + 1) + j + 1] += p * both
                    said[:] = more
                for c in range(each):
                    one[a, c] += share * said[c]
            for c in range(each):
                one[a, c] /= within
        product[0] = weight
        size = 1
        for a in range(arms):
            for s in range(size - 1, -1, -1):
                p = product[s]
                for c in range(each):
                    product[s * each + c] = p * one[a, c]
            size *= each
        for s in range(states):
            cells[s] += product[s]
    for s in range(states):
        cells[s] /= whole
    return states


@inner
def _split(rng: np.random.Generator, n: int, chances: np.ndarray, states: int, counts: np.ndarray) -> None:
    """Draw n multinomial rows, one conditional binomial after the other."""
    left, mass = n, 1.0
    last = states - 1
    while last > 0 and chances[last] <= 0.0:
        last -= 1
    for s in range(states):
        here = 0
        if left > 0 and chances[s] > 0.0:
            here = left if s == last or chances[s] >= mass else binomial(rng, left, chances[s] / mass)
            mass -= chances[s]
            left -= here
        counts[s] = here


@inner
def _digit(state: int, arm: int, arms: int, base: int) -> int:
    over: int = base ** (arms - 1 - arm)
    return state // over % base


@kernel
def draw_paired_rates(
    outcome: np.random.Generator,
    law: PairedRates,
    labelled: np.ndarray,
    judged: np.ndarray,
    lag: int,
    sums: np.ndarray,
    squares: np.ndarray,
    known_sums: np.ndarray,
    known_squares: np.ndarray,
    daily: np.ndarray,
) -> None:
    """Draw a block of experiments into `sums` and `squares`; parameters as in `pair_contrasts.draw_arm_pairs`."""
    arms, m = law.means.shape[1], law.repeats
    each = (m + 1) * (m + 1)
    size, small = each**arms, (m + 1) ** arms
    cells, scored = np.zeros(size), np.zeros(small)
    counts, others = np.zeros(size, np.int64), np.zeros(small, np.int64)
    kept, ahead = np.zeros((BOOK, arms - 1)), np.zeros((BOOK, arms - 1))
    table_of, table_on = -1, -1
    for k in range(law.means.shape[0]):
        kept[:] = 0.0
        ahead[:] = 0.0
        for t in range(labelled.shape[0]):
            n, rest = labelled[t], judged[t] - labelled[t]
            if table_of < 0 or not _alike(law, table_of, table_on, k, t):
                prompt_states(law, k, t, cells)
                scored[:] = 0.0
                for s in range(size):
                    at = 0
                    for a in range(arms):
                        at = at * (m + 1) + _digit(s, a, arms, each) % (m + 1)
                    scored[at] += cells[s]
            table_of, table_on = k, t
            daily[t] = 0.0
            _split(outcome, n, cells, size, counts)
            for s in range(size):
                if counts[s] == 0:
                    continue
                first = _digit(s, 0, arms, each)
                daily[t, BASE, :] += counts[s] * (first // (m + 1)) / m
                for a in range(1, arms):
                    state = _digit(s, a, arms, each)
                    d = (state // (m + 1) - first // (m + 1)) / m
                    f = (state % (m + 1) - first % (m + 1)) / m
                    daily[t, Y, a - 1] += counts[s] * d
                    daily[t, F, a - 1] += counts[s] * f
                    daily[t, YY, a - 1] += counts[s] * d * d
                    daily[t, FF, a - 1] += counts[s] * f * f
                    daily[t, YF, a - 1] += counts[s] * d * f
            _split(outcome, rest, scored, small, others)
            for s in range(small):
                if others[s] == 0:
                    continue
                for a in range(1, arms):
                    f = (_digit(s, a, arms, m + 1) - _digit(s, 0, arms, m + 1)) / m
                    daily[t, REST_F, a - 1] += others[s] * f
                    daily[t, REST_FF, a - 1] += others[s] * f * f
            daily[t, N, :] = n
            daily[t, REST, :] = rest
            into = sums[k, t], squares[k, t], known_sums[k, t], known_squares[k, t]
            close_day(law.sign, law.origin, law.correction, kept, ahead, daily, t, lag, *into)


@inner
def _alike(law: PairedRates, replicate: int, day: int, other: int, later: int) -> bool:
    """Tell whether two days of two replicates have the same chances."""
    if law.drift[day] != law.drift[later]:
        return False
    for a in range(law.means.shape[1]):
        if law.steps[day, a] != law.steps[later, a] or law.means[replicate, a] != law.means[other, a]:
            return False
        if law.spill[replicate, a] != law.spill[other, a]:
            return False
        if law.hit[replicate, a] != law.hit[other, a] or law.false[replicate, a] != law.false[other, a]:
            return False
    return True
