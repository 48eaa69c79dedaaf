"""Exact chances of a guardrail's results at known sizes: pass, fail, own power, and the units that a power needs.

Rates: sums over both binomial laws. Means: the normal law of the contrast, averaged over the spread of its estimated
error (a scaled chi-square with Welch's degrees of freedom: exact to 1e-3 from thirty units an arm on).
"""

from __future__ import annotations

import math
from functools import lru_cache

import numpy as np

from expsim_panel.guardrail import Guardrail, Rule, rows_of
from expsim_panel.guardrail_tests import Readings, classify, excess, t_quantile
from expsim_panel.kernels.guardrails import FAIL, FEWEST, PASS
from expsim_panel.kernels.quantiles import binomial_table

POWER = 0.8
"""Power that `units_needed` asks for."""

_REACH = 8.5
_LARGEST = 10**9
_SPREAD_OUT = 50
"""Probabilities come from a table that is at most so many times longer than what is asked for."""


def chances(guardrail: Guardrail, n0: float, na: float, mean0: float, mean: float) -> tuple[float, float]:
    """Return P(pass) and P(fail) of one arm against control.

    Parameters
    ----------
    n0, na : float
        Units measured of control and arm, whole.
    mean0, mean : float
        Their true means.
    """
    return _chances(_known(guardrail), int(n0), int(na), float(mean0), float(mean))


def p_pass(guardrail: Guardrail, n0: float, na: float, mean0: float, mean: float) -> float:
    """Return P(pass) alone; see `chances`."""
    return _passes(_known(guardrail), int(n0), int(na), float(mean0), float(mean))


def chances_at(guardrail: Guardrail, units: np.ndarray, mean0: float, mean: float) -> np.ndarray:
    """Return P(pass) and P(fail) at some sizes, shape (sizes, 2); `units` enrolled of control and arm, (sizes, 2)."""
    known = _known(guardrail)
    return np.array([_chances(known, int(n[0]), int(n[1]), mean0, mean) for n in guardrail.rows(units)])


def passes_at(guardrail: Guardrail, units: np.ndarray, mean0: float, mean: float) -> np.ndarray:
    """Return P(pass) alone at some sizes, shape (sizes,)."""
    known = _known(guardrail)
    return np.array([_passes(known, int(n[0]), int(n[1]), mean0, mean) for n in guardrail.rows(units)])


_Known = tuple[Rule, float]


def _known(guardrail: Guardrail) -> _Known:
    """Return the rule and the spread of a value: what the chances depend on besides sizes and means."""
    return guardrail.rule, 0.0 if guardrail.binary else float(guardrail.sd)


def _chances(known: _Known, n0: int, na: int, mean0: float, mean: float) -> tuple[float, float]:
    rule, sd = known
    if min(n0, na) < FEWEST:
        return 0.0, 0.0
    if rule.binary:
        law = rule, n0, na, mean0, mean
        return _binary_passes(*law), _binary_fails(*law)
    return _normal(rule, n0, na, mean0, mean, sd)


def _passes(known: _Known, n0: int, na: int, mean0: float, mean: float) -> float:
    if known[0].binary and min(n0, na) >= FEWEST:
        return _binary_passes(known[0], n0, na, mean0, mean)
    return _chances(known, n0, na, mean0, mean)[0]


def own_power(guardrail: Guardrail, n0: float, na: float, harm: float = 0.0) -> float:
    """Return P(pass) of a variant that does this harm; by default none: the guardrail's own power."""
    return p_pass(guardrail, n0, na, float(guardrail.means[0]), guardrail.harmed(harm))


def units_needed(guardrail: Guardrail, power: float = POWER) -> int | None:
    """Return the units of each arm, split evenly, from which a harmless variant passes with this power.

    None above a thousand million. For rates the power climbs in small steps; the answer is the end of a bisection.
    """

    mean0, coverage = float(guardrail.means[0]), float(guardrail.coverage)
    return _units_needed(_known(guardrail), mean0, guardrail.harmed(0.0), coverage, power)


@lru_cache(maxsize=256)
def _units_needed(known: _Known, mean0: float, mean: float, coverage: float, power: float) -> int | None:
    def reached(units: int) -> bool:
        n = int(rows_of(units, coverage))
        return _passes(known, n, n, mean0, mean) >= power

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
    nodes, share_margin = _spread(df)
    bound = float(t_quantile(1 - rule.alpha, np.array(df))) * error * nodes
    passed = float(share_margin @ ndtr(-(above + bound) / error))
    # Fail: the arm's mean lies beyond the alarm and beyond what chance explains, given the control's mean.
    plain, df = _error(sd, n0, na, 1.0)
    nodes, share = _spread(df)
    reach = float(t_quantile(1 - rule.alpha, np.array(df))) * plain * nodes
    if not rule.relative:
        gap = rule.sign * (mean - mean0)
        return passed, float(share @ ndtr((gap - np.maximum(rule.threshold, reach)) / plain))
    x = np.linspace(-_REACH, _REACH, 801)
    density = np.exp(-x * x / 2)
    control = (mean0 + sd / math.sqrt(n0) * x)[:, None]
    # A share of a control's mean that is not above zero says nothing.
    density = np.where(control[:, 0] > 0, density, 0.0) / density.sum()
    own = sd / math.sqrt(na)
    most = (rule.sign + rule.margin) * control - bound[None, :]
    least = rule.sign * control + np.maximum(rule.threshold * control, reach[None, :])
    passed = float(density @ (ndtr((most - rule.sign * mean) / own) @ share_margin))
    return passed, float(density @ (ndtr((rule.sign * mean - least) / own) @ share))


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


@lru_cache(maxsize=4096)
def _binary_passes(rule: Rule, n0: int, na: int, mean0: float, mean: float) -> float:
    weight, passing = _edge(rule, n0, na, mean0, PASS)
    return float(weight @ _beyond(passing, na, mean, rule.sign > 0))


@lru_cache(maxsize=4096)
def _binary_fails(rule: Rule, n0: int, na: int, mean0: float, mean: float) -> float:
    weight, failing = _edge(rule, n0, na, mean0, FAIL)
    return float(weight @ _beyond(failing, na, mean, rule.sign < 0))


def _beyond(counts: np.ndarray, n: int, rate: float, below: bool) -> np.ndarray:
    """Return P(at most so many hits), or P(more), for every entry of `counts`, -1..n."""
    if not below:
        # So many misses: the upper tail by itself, not as a difference from 1.
        counts, rate = n - 1 - counts, 1 - rate
    low, high = max(int(counts.min()), 0), int(counts.max())
    if not 0 < rate < 1 or high - low > _SPREAD_OUT * counts.size:
        from scipy.stats import binom

        return np.asarray(binom.cdf(counts, n, rate))
    if high < 0:
        return np.zeros(counts.size)
    table = binomial_table(float(low), float(high), float(n), float(rate))
    return np.where(counts < 0, 0.0, table[np.maximum(counts - low, 0)])


@lru_cache(maxsize=2048)
def _edge(rule: Rule, n0: int, na: int, mean0: float, code: int) -> tuple[np.ndarray, np.ndarray]:
    """Return probabilities of the control's counts, and for each the arm's count at which a result comes or goes.

    An arm with more harm never fares better, so that bisection finds the edge. With an increase as harm the arm
    passes up to it and fails above it; with a decrease it passes above and fails up to it.
    """
    from scipy.stats import binom

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
    weight = binom.pmf(counts, n0, mean0)
    return weight / weight.sum(), low
