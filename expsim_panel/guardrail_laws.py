"""Exact chances of a guardrail's results at known sizes: pass, fail, own power, and the units that a power needs.

Rates: sums over both binomial laws. Means: the normal law of the contrast, averaged over the spread of its estimated
error (a scaled chi-square with Welch's degrees of freedom: exact to 1e-3 from thirty units an arm on).
"""

from __future__ import annotations

import math
from functools import lru_cache

import numpy as np

from expsim_panel.guardrail import Guardrail, Rule
from expsim_panel.guardrail_tests import FAIL, FEWEST, PASS, Readings, classify, excess, t_quantile

POWER = 0.8
"""Power that `units_needed` asks for."""

_REACH = 8.5
_LARGEST = 10**9


def chances(guardrail: Guardrail, n0: float, na: float, mean0: float, mean: float) -> tuple[float, float]:
    """Return P(pass) and P(fail) of one arm against control.

    Parameters
    ----------
    n0, na : float
        Units measured of control and arm, whole.
    mean0, mean : float
        Their true means.
    """
    if min(n0, na) < FEWEST:
        return 0.0, 0.0
    if guardrail.binary:
        law = (guardrail.rule, int(n0), int(na), float(mean0), float(mean))
        return _binary_passes(*law), _binary_fails(*law)
    return _normal(guardrail.rule, int(n0), int(na), float(mean0), float(mean), float(guardrail.sd))


def p_pass(guardrail: Guardrail, n0: float, na: float, mean0: float, mean: float) -> float:
    """Return P(pass) alone; see `chances`."""
    if guardrail.binary and min(n0, na) >= FEWEST:
        return _binary_passes(guardrail.rule, int(n0), int(na), float(mean0), float(mean))
    return chances(guardrail, n0, na, mean0, mean)[0]


def own_power(guardrail: Guardrail, n0: float, na: float, harm: float = 0.0) -> float:
    """Return P(pass) of a variant that does this harm; by default none: the guardrail's own power."""
    return p_pass(guardrail, n0, na, float(guardrail.means[0]), guardrail.harmed(harm))


def units_needed(guardrail: Guardrail, power: float = POWER) -> int | None:
    """Return the units of each arm, split evenly, from which a harmless variant passes with this power.

    None above a thousand million. For rates the power climbs in small steps; the answer is the end of a bisection.
    """

    def reached(units: int) -> bool:
        n = float(guardrail.rows(units))
        return own_power(guardrail, n, n) >= power

    low, high = 1, 16
    while not reached(high):
        low, high = high, 2 * high
        if high > _LARGEST:
            return None
    while high - low > max(1, high // 2000):
        middle = (low + high) // 2
        low, high = (low, middle) if reached(middle) else (middle, high)
    return high


@lru_cache(maxsize=4096)
def _normal(rule: Rule, n0: int, na: int, mean0: float, mean: float, sd: float) -> tuple[float, float]:
    from scipy.special import ndtr

    above = float(excess(rule, rule.margin, np.array(mean0), np.array(mean)))
    weight = (rule.sign + rule.margin) ** 2 if rule.relative else 1.0
    error, df = _error(sd, n0, na, weight)
    nodes, share = _spread(df)
    passed = float(share @ ndtr(-(above / error) - float(t_quantile(1 - rule.alpha, np.array(df))) * nodes))
    # Fail: the arm's mean lies beyond the alarm and beyond what chance explains, given the control's mean.
    plain, df = _error(sd, n0, na, 1.0)
    nodes, share = _spread(df)
    reach = float(t_quantile(1 - rule.alpha, np.array(df))) * plain * nodes
    if not rule.relative:
        gap = rule.sign * (mean - mean0)
        return passed, float(share @ ndtr((gap - np.maximum(rule.threshold, reach)) / plain))
    x = np.linspace(-_REACH, _REACH, 801)
    density = np.exp(-x * x / 2)
    control = mean0 + sd / math.sqrt(n0) * x
    least = rule.sign * control[:, None] + np.maximum(rule.threshold * control[:, None], reach[None, :])
    tails = ndtr((rule.sign * mean - least) / (sd / math.sqrt(na))) @ share
    return passed, float((density * tails).sum() / density.sum())


def _error(sd: float, n0: int, na: int, weight: float) -> tuple[float, float]:
    """Return the standard error of a contrast and the degrees of freedom of its estimate."""
    one, two = sd**2 / na, weight * sd**2 / n0
    return math.sqrt(one + two), (one + two) ** 2 / (one**2 / (na - 1) + two**2 / (n0 - 1))


@lru_cache(maxsize=256)
def _spread(df: float) -> tuple[np.ndarray, np.ndarray]:
    """Return values of estimated over true standard error, and their probabilities."""
    from scipy.special import gammaincinv, ndtr, roots_hermitenorm

    nodes, weights = roots_hermitenorm(32)
    return np.sqrt(gammaincinv(df / 2, ndtr(nodes)) / (df / 2)), weights / weights.sum()


def _binary_passes(rule: Rule, n0: int, na: int, mean0: float, mean: float) -> float:
    from scipy.stats import binom

    counts, passing = _edge(rule, n0, na, mean0, PASS)
    weight = binom.pmf(counts, n0, mean0)
    weight = weight / weight.sum()
    beyond = binom.cdf if rule.sign > 0 else binom.sf
    return float(weight @ beyond(passing, na, mean))


def _binary_fails(rule: Rule, n0: int, na: int, mean0: float, mean: float) -> float:
    from scipy.stats import binom

    counts, failing = _edge(rule, n0, na, mean0, FAIL)
    weight = binom.pmf(counts, n0, mean0)
    weight = weight / weight.sum()
    beyond = binom.sf if rule.sign > 0 else binom.cdf
    return float(weight @ beyond(failing, na, mean))


@lru_cache(maxsize=2048)
def _edge(rule: Rule, n0: int, na: int, mean0: float, code: int) -> tuple[np.ndarray, np.ndarray]:
    """Return counts of the control that matter, and for each the arm's count at which a result comes or goes.

    An arm with more harm never fares better, so that bisection finds the edge. With an increase as harm the arm
    passes up to it and fails above it; with a decrease it passes above and fails up to it.
    """
    spread = math.sqrt(n0 * mean0 * (1 - mean0))
    first = max(0, math.floor(n0 * mean0 - _REACH * spread - 6))
    last = min(n0, math.ceil(n0 * mean0 + _REACH * spread + 6))
    step = max(1, (last - first) // 1500)
    counts = np.arange(first, last + 1, step)

    sizes = np.broadcast_to([float(n0), float(na)], (counts.size, 2))
    low_side = (rule.sign > 0) == (code == PASS)
    # The largest count at which the arm is still on the low side of the change; -1 if there is none.
    low, high = np.full(counts.size, -1), np.full(counts.size, na)
    while np.any(low < high):
        middle = (low + high + 1) // 2
        means = np.stack([counts / n0, middle / na], axis=1)
        hit = classify(rule, Readings(sizes, means, means))[:, 0] == code
        below = hit if low_side else ~hit
        low, high = np.where(below, middle, low), np.where(below, high, middle - 1)
    return counts, low
