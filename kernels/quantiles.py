"""Binomial counts from normal luck: the same luck gives neighbouring laws neighbouring counts."""

from __future__ import annotations

import math

import numpy as np

from expsim_panel.kernels.jit import kernel
from expsim_panel.kernels.special import betainc, log_gamma, norm_cdf


@kernel
def binomial_quantiles(n: np.ndarray, p: np.ndarray, normal: np.ndarray, counts: np.ndarray) -> None:
    """Write the smallest count whose probability of not being exceeded reaches ``Phi(normal)`` into `counts`.

    Parameters
    ----------
    n, normal : float64 ndarray, shape (replicates, arms)
        Trials, whole and at least 1; standard normal numbers.
    p : float64 ndarray, shape (arms,)
        Rates, 0..1.
    counts : float64 ndarray, shape (replicates, arms)
        Output.
    """
    for r in range(n.shape[0]):
        for a in range(n.shape[1]):
            size, rate, z = n[r, a], p[a], normal[r, a]
            if rate <= 0.0 or rate >= 1.0:
                counts[r, a] = size if rate >= 1.0 else 0.0
                continue
            u = norm_cdf(z)
            # Cornish and Fisher's guess is off by one or two; probabilities of neighbours follow by products.
            k = math.floor(size * rate + math.sqrt(size * rate * (1 - rate)) * z + (1 - 2 * rate) * (z * z - 1) / 6)
            k = min(max(k, 0.0), size)
            ways = log_gamma(size + 1) - log_gamma(k + 1) - log_gamma(size - k + 1)
            mass = math.exp(ways + k * math.log(rate) + (size - k) * math.log1p(-rate))
            below = 1.0 if k >= size else betainc(size - k, k + 1, 1 - rate)
            odds = rate / (1 - rate)
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
            counts[r, a] = k
