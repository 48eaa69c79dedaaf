"""What raters look at: the correlations of raters on the same items, as a few common factors.

With a common latent correlation every rater is as good as any other. Real raters differ: some follow the
others closely, some answer by themselves, some by another question or on a scale that is turned around.
Every rating becomes the expected normal score of its level; the covariance of two raters' scores grows with
their latent correlation as `sum_k rho^k a_k b_k`, `a` and `b` the Hermite coefficients of their scales, and is
inverted for each pair (the polychoric correlation by moments [1]_). Principal factors [2]_ of the matrix are kept
while their eigenvalue is above what sampling errors alone would give, `2 sqrt(raters var)` [3]_.

References
----------
.. [1] Olsson, U. (1979). Maximum likelihood estimation of the polychoric correlation. Psychometrika 44.
.. [2] Harman, H. (1976). Modern Factor Analysis, 3rd ed., chapter 8.
.. [3] Wigner, E. (1958). On the distribution of the roots of certain symmetric matrices. Annals of Mathematics 67.
"""

from __future__ import annotations

from math import factorial

import numpy as np
from scipy.special import ndtr

from expsim_panel.ratings import Codes, Floats

FEWEST, MOST = 2, 120  # raters
SHARED = 30  # items that nearly all pairs must have in common
MOST_FACTORS = 8
ORDERS = 7
ROUNDS = 40
LEAST, LARGEST = 0.002, 0.97
TINY = 1e-9


def scores_of(cuts: Floats) -> tuple[Floats, Floats]:
    """Return expected normal scores of levels, and the Hermite coefficients of the score of a unit normal.

    Parameters
    ----------
    cuts : float64 array, shape (rows, levels - 1)

    Returns
    -------
    scores : float64 array, shape (rows, levels)
    coefficients : float64 array, shape (rows, ORDERS)
        Of order 1 and above, on normalised polynomials: their squares sum to the scores' variance.
    """
    edge = np.full((len(cuts), cuts.shape[1] + 2), 40.0)
    edge[:, 0], edge[:, 1:-1] = -40.0, np.clip(cuts, -39, 39)
    density = np.exp(-0.5 * edge**2) / np.sqrt(2 * np.pi)
    chance = np.maximum(np.diff(ndtr(edge), axis=1), TINY)
    scores = -np.diff(density, axis=1) / chance
    poly = [np.ones_like(edge), edge]
    for k in range(1, ORDERS):
        poly.append(edge * poly[-1] - k * poly[-2])
    found = [
        (scores * -np.diff(poly[k - 1] * density, axis=1)).sum(axis=1) / np.sqrt(factorial(k))
        for k in range(1, ORDERS + 1)
    ]
    return scores, np.stack(found, axis=1)


def rater_loadings(
    level: Codes, item: Codes, rater: Codes, cuts: Floats, raters: int, straight: float = 0.0
) -> Floats | None:
    """Estimate loadings on common factors, shape (raters, factors); None where too few pairs share items.

    Parameters
    ----------
    level, item, rater : int64 arrays, shape (rows,)
    cuts : float64 array, shape (rows, levels - 1)
        Thresholds of each rating for a unit normal score.
    straight : float
        Share of items that all raters answer alike, whose covariances are taken out.
    """
    if not FEWEST <= raters <= MOST:
        return None
    scores, orders = scores_of(cuts)
    items = int(item.max()) + 1
    value, there = np.zeros((items, raters)), np.zeros((items, raters))
    value[item, rater] = scores[np.arange(len(level)), level]
    there[item, rater] = 1.0
    both = there.T @ there
    off = ~np.eye(raters, dtype=bool)
    known = (both >= SHARED) & off
    if known.sum() < 0.9 * off.sum():
        return None
    load = np.maximum(there.sum(axis=0), 1.0)
    coefficient = np.zeros((raters, ORDERS))
    np.add.at(coefficient, rater, orders)
    coefficient /= load[:, None]
    own = np.sqrt(coefficient[:, 0])  # SD of a rater's scores; those of straight items correlate perfectly
    target = (value.T @ value / np.maximum(both, 1.0) - straight * np.outer(own, own)) / (1 - straight)
    rho = _inverted(target, coefficient)
    common = float(rho[known].mean())
    strength = np.maximum(coefficient[:, 0] ** 2, TINY)
    error = (1 - rho**2) ** 2 / np.maximum(both, 1.0) / strength / strength[:, None]
    edge = 2 * np.sqrt(raters * float(error[known].mean()))
    rho = np.where(known, rho, common)
    return _factors(rho, edge)


def _inverted(target: Floats, coefficient: Floats) -> Floats:
    """Return the correlation whose covariance of scores is `target`, for each pair, by bisection."""
    order = np.einsum("rk,sk->krs", coefficient, coefficient)
    low, high = np.full_like(target, -0.99), np.full_like(target, 0.99)
    for _ in range(24):
        middle = (low + high) / 2
        value = np.zeros_like(target)
        for k in range(ORDERS, 0, -1):
            value = (value + order[k - 1]) * middle
        low, high = np.where(value < target, middle, low), np.where(value < target, high, middle)
    return (low + high) / 2


def _factors(rho: Floats, edge: float) -> Floats:
    """Return principal factors of a correlation matrix whose diagonal is not known."""
    size = len(rho)
    matrix = rho.copy()
    np.fill_diagonal(matrix, 0.0)
    share = np.clip(np.abs(matrix).max(axis=1), LEAST, LARGEST)
    loadings = np.zeros((size, 1))
    for _ in range(ROUNDS):
        np.fill_diagonal(matrix, share)
        roots, axes = np.linalg.eigh(matrix)
        keep = np.argsort(roots)[::-1][: min(MOST_FACTORS, max(size // 2, 1))]
        keep = keep[(roots[keep] > edge) | (np.arange(len(keep)) == 0)]
        loadings = axes[:, keep] * np.sqrt(np.maximum(roots[keep], 0.0))
        new = np.clip((loadings**2).sum(axis=1), LEAST, LARGEST)
        if np.abs(new - share).max() < 1e-4:
            break
        share = new
    own = (loadings**2).sum(axis=1)
    return np.asarray(loadings * np.sqrt(np.minimum(1.0, LARGEST / np.maximum(own, TINY)))[:, None])
