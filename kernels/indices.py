"""Indices of bandit policies: divergences, upper confidence bounds, posterior quantiles."""

from __future__ import annotations

import math

from expsim_panel.kernels.jit import kernel
from expsim_panel.kernels.special import beta_pdf, betainc, norm_ppf

_NEAR_ONE = 1.0 - 1e-15


@kernel
def bernoulli_kl(p: float, q: float) -> float:
    """Return the Kullback-Leibler divergence of Bernoulli(p) from Bernoulli(q), natural logarithm.

    ``p log(p / q) + (1 - p) log((1 - p) / (1 - q))`` with ``0 log 0 = 0``; infinite where q is 0 or 1 and p
    is not. Both in [0, 1].
    """
    total = 0.0
    if p > 0.0:
        if q <= 0.0:
            return math.inf
        total += p * math.log(p / q)
    if p < 1.0:
        if q >= 1.0:
            return math.inf
        total += (1.0 - p) * math.log((1.0 - p) / (1.0 - q))
    return total if total > 0.0 else 0.0


@kernel
def kl_upper(p: float, level: float) -> float:
    """Return the largest q in [p, 1] with ``kl(p, q) <= level``, to 1e-13.

    Safeguarded Newton steps on the convex function ``q -> kl(p, q)`` from an upper bound of its root; rates
    of 0 and 1 are answered in closed form.

    Parameters
    ----------
    p : float
        Observed rate, 0 to 1.
    level : float
        Exploration level over the number of pulls; at most 0 gives p.

    References
    ----------
    O. Cappé, A. Garivier, O.-A. Maillard, R. Munos, G. Stoltz (2013), "Kullback-Leibler upper confidence
    bounds for optimal sequential allocation", Annals of Statistics 41, 1516-1541.
    """
    if level <= 0.0:
        return p
    if p >= 1.0:
        return 1.0
    if p <= 0.0:
        return 1.0 - math.exp(-level)
    entropy = p * math.log(p) + (1.0 - p) * math.log(1.0 - p)
    # The root lies below Pinsker's bound, and below that of (1 - p) log((1 - p) / (1 - q)) + p log p <= level.
    q = p + math.sqrt(0.5 * level)
    other = 1.0 - (1.0 - p) * math.exp((p * math.log(p) - level) / (1.0 - p))
    return kl_upper_from(p, level, entropy, min(q, other))


@kernel
def kl_upper_from(p: float, level: float, entropy: float, guess: float) -> float:
    """Return `kl_upper` for 0 < p < 1 and level > 0, from a guess; a good one saves half of the steps.

    Parameters
    ----------
    entropy : float
        ``p log p + (1 - p) log(1 - p)``.
    guess : float
        Where to start; any number.
    """
    low, high = p, 1.0
    q = guess if p < guess < _NEAR_ONE else 0.5 * (p + 1.0)
    for _ in range(200):
        gap = entropy - p * math.log(q) - (1.0 - p) * math.log(1.0 - q) - level
        if gap > 0.0:
            high = q
        else:
            low = q
        new = q - gap * q * (1.0 - q) / (q - p)
        if not low <= new <= high:
            new = 0.5 * (low + high)
        # Steps square the relative error: after one of 1e-7 the next would change nothing.
        if abs(new - q) <= 1e-8 * min(new - p, 1.0 - new):
            return new
        q = new
    return q


@kernel
def exploration(t: float, c: float) -> float:
    """Return ``max(0, log t + c log log t)``, the level of KL-UCB after t completed pulls (t >= 1)."""
    first = math.log(t)
    if first <= 0.0:
        return 0.0
    level = first + c * math.log(first) if c != 0.0 else first
    return level if level > 0.0 else 0.0


@kernel
def beta_ppf(p: float, a: float, b: float) -> float:
    """Return the quantile of Beta(a, b) at p in [0, 1], a, b >= 0.5, to 1e-12 of the smaller tail.

    Newton steps on `betainc`, inside a bracket that bisection shrinks; nan for p outside [0, 1].
    """
    if not (0.0 <= p <= 1.0):
        return math.nan
    if p == 0.0 or p == 1.0:
        return p
    n = a + b
    mean = a / n
    x = mean + norm_ppf(p) * math.sqrt(mean * (1.0 - mean) / (n + 1.0))
    if b <= 1.5 and x > 0.0:
        x = math.exp(math.log(p) / a)
    if not 0.0 < x < 1.0:
        x = 0.5 * (mean + (1.0 if x >= 1.0 else 0.0))
    return beta_ppf_from(p, a, b, x)


@kernel
def beta_ppf_from(p: float, a: float, b: float, guess: float) -> float:
    """Return `beta_ppf` for 0 < p < 1, from a guess between 0 and 1; a good one saves half of the steps."""
    low, high = 0.0, 1.0
    x = guess
    for _ in range(200):
        off = betainc(a, b, x) - p
        if off > 0.0:
            high = x
        elif off < 0.0:
            low = x
        else:
            return x
        slope = beta_pdf(x, a, b)
        new = x - off / slope if slope > 1e-300 else 0.5 * (low + high)
        if not low <= new <= high:
            new = 0.5 * (low + high)
        elif abs(new - x) <= 1e-9 * min(new, 1.0 - new):
            return new
        x = new
        if high - low <= 1e-16:
            return x
    return x
