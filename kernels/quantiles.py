"""Binomial counts from normal luck: the same luck gives neighbouring laws neighbouring counts."""

from __future__ import annotations

import math

import numpy as np

from expsim_panel.kernels.jit import kernel
from expsim_panel.kernels.special import binomial_below, norm_cdf

_REACH = 4.5
"""Standard deviations on each side that a table holds."""
_WORTH = 50.0
"""Entries of a table that take as long as one count without it."""
_SPREAD_OUT = 4
"""Sizes are sorted by counting where their range is at most so many times their number."""


@kernel
def binomial_quantiles(n: np.ndarray, p: np.ndarray, normal: np.ndarray, counts: np.ndarray) -> None:
    """Write the smallest count whose probability of not being exceeded reaches ``Phi(normal)`` into `counts`.

    Replicates of one size share a table of the distribution function.

    Parameters
    ----------
    n, normal : float64 ndarray, shape (replicates, arms)
        Trials, whole and at least 1; standard normal numbers.
    p : float64 ndarray, shape (arms,)
        Rates, 0..1.
    counts : float64 ndarray, shape (replicates, arms)
        Output.
    """
    for a in range(n.shape[1]):
        rate = p[a]
        if rate <= 0.0 or rate >= 1.0:
            for r in range(n.shape[0]):
                counts[r, a] = n[r, a] if rate >= 1.0 else 0.0
            continue
        order = _by_size(n, a)
        first = 0
        while first < order.size:
            size = n[order[first], a]
            last = first + 1
            while last < order.size and n[order[last], a] == size:
                last += 1
            if _WORTH * (last - first - 1) < 2.0 * _REACH * math.sqrt(size * rate * (1.0 - rate)):
                for i in range(first, last):
                    counts[order[i], a] = _quantile(size, rate, normal[order[i], a])
            else:
                _by_table(size, rate, order[first:last], a, normal, counts)
            first = last


@kernel
def _by_size(n: np.ndarray, a: int) -> np.ndarray:
    """Return the replicates in an order in which equal sizes of arm `a` stand together."""
    replicates = n.shape[0]
    if replicates == 0:
        return np.zeros(0, np.int64)
    low, high = n[0, a], n[0, a]
    for r in range(replicates):
        low, high = min(low, n[r, a]), max(high, n[r, a])
    if high - low > _SPREAD_OUT * replicates:
        return np.argsort(n[:, a])
    starts = np.zeros(int(high - low) + 2, np.int64)
    for r in range(replicates):
        starts[int(n[r, a] - low) + 1] += 1
    for i in range(1, starts.size):
        starts[i] += starts[i - 1]
    order = np.empty(replicates, np.int64)
    for r in range(replicates):
        at = int(n[r, a] - low)
        order[starts[at]] = r
        starts[at] += 1
    return order


@kernel
def _guess(size: float, rate: float, z: float) -> float:
    """Return Cornish and Fisher's guess of a quantile: off by one or two."""
    k = math.floor(size * rate + math.sqrt(size * rate * (1 - rate)) * z + (1 - 2 * rate) * (z * z - 1) / 6)
    return min(max(k, 0.0), size)


@kernel
def _quantile(size: float, rate: float, z: float) -> float:
    """Return one quantile: from the guess on, probabilities of neighbours follow by products."""
    u = norm_cdf(z)
    k = _guess(size, rate, z)
    odds = rate / (1 - rate)
    below, mass = binomial_below(k, size, rate)
    if below < u:
        while below < u and k < size:
            k += 1.0
            mass *= (size - k + 1) / k * odds
            below += mass
    else:
        while k > 0 and below - mass >= u:
            below -= mass
            mass *= k / ((size - k + 1) * odds)
            k -= 1.0
    return k


@kernel
def binomial_table(low: float, high: float, size: float, rate: float) -> np.ndarray:
    """Return P(at most k hits) for every k from `low` to `high`, 0 <= low <= high <= size, 0 < rate < 1."""
    table = np.empty(int(high - low) + 1)
    below, mass = binomial_below(low, size, rate)
    odds = rate / (1 - rate)
    k = low
    for i in range(table.size):
        table[i] = below
        k += 1.0
        mass *= (size - k + 1) / k * odds
        below += mass
    return table


@kernel
def _by_table(size: float, rate: float, which: np.ndarray, a: int, normal: np.ndarray, counts: np.ndarray) -> None:
    """Write the quantiles of replicates of one size, from a table of the distribution function."""
    reach = _REACH * math.sqrt(size * rate * (1 - rate)) + 1.0
    low = max(math.floor(size * rate - reach), 0.0)
    high = min(math.ceil(size * rate + reach), size)
    table = binomial_table(low, high, size, rate)
    for r in which:
        z = normal[r, a]
        u = norm_cdf(z)
        if u <= table[0] or u > table[table.size - 1]:
            counts[r, a] = _quantile(size, rate, z)
            continue
        at = int(min(max(_guess(size, rate, z), low), high) - low)
        while table[at] < u:
            at += 1
        while table[at - 1] >= u:
            at -= 1
        counts[r, a] = low + at
