"""What a fit of the ordered probit asks for again and again: slopes of its likelihood, covariance of an item's scores.

A cell is a variant and a rater. Its rating has level j with ``below(edge[j]) - below(edge[j - 1])``, where

    edge[j] = narrow[variant] * (factor[rater] * tau[j] - mean[variant] - severity[rater])
"""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

from expsim_panel.kernels.jit import inner, kernel
from expsim_panel.kernels.normal_table import below, density

Floats = npt.NDArray[np.float64]
Codes = npt.NDArray[np.int64]

LEAST = 1e-12  # chance of a level
OF_MEAN, OF_SEVERITY, OF_FACTOR, OF_NARROW = 0, 1, 2, 3


@inner
def _levels(tau: Floats, factor: float, centre: float, narrow: float, chance: Floats, dense: Floats) -> None:
    """Write the chance of each level of a cell, kept off 0, and the density at each edge."""
    last = 0.0
    for j in range(tau.size):
        edge = narrow * (factor * tau[j] - centre)
        now = below(edge)
        chance[j] = max(now - last, LEAST)
        dense[j] = density(edge)
        last = now
    chance[tau.size] = max(1.0 - last, LEAST)


@kernel
def parameter_slopes(
    counts: Floats,
    variant: Codes,
    rater: Codes,
    tau: Floats,
    mean: Floats,
    severity: Floats,
    factor: Floats,
    narrow: Floats,
    of: int,
) -> Floats:
    """Return the score and the Fisher information of every entry of a parameter, shape (2, entries).

    Parameters
    ----------
    counts : float64 array, shape (cells, levels)
    variant, rater : int64 arrays, shape (cells,)
    tau : float64 array, shape (levels - 1,)
    mean, narrow : float64 arrays, shape (variants,)
    severity, factor : float64 arrays, shape (raters,)
    of : int
        `OF_MEAN`, `OF_SEVERITY`, `OF_FACTOR` or `OF_NARROW`.
    """
    edges = tau.size
    by_rater = of in (OF_SEVERITY, OF_FACTOR)
    found = np.zeros((2, severity.size if by_rater else mean.size))
    chance, dense = np.empty(edges + 1), np.empty(edges)
    for cell in range(variant.size):
        a, r = variant[cell], rater[cell]
        centre = mean[a] + severity[r]
        _levels(tau, factor[r], centre, narrow[a], chance, dense)
        score, known, rows, last = 0.0, 0.0, 0.0, 0.0
        for j in range(edges + 1):
            now = 0.0
            if j < edges:  # how fast the edge falls as the parameter grows
                turn = narrow[a]
                if of == OF_FACTOR:
                    turn *= -tau[j]
                elif of == OF_NARROW:
                    turn = centre - factor[r] * tau[j]
                now = turn * dense[j]
            change = last - now
            ratio = change / chance[j]
            score += counts[cell, j] * ratio
            known += change * ratio
            rows += counts[cell, j]
            last = now
        group = r if by_rater else a
        found[0, group] += score
        found[1, group] += rows * known
    return found


@kernel
def threshold_slopes(
    counts: Floats,
    variant: Codes,
    rater: Codes,
    tau: Floats,
    mean: Floats,
    severity: Floats,
    factor: Floats,
    narrow: Floats,
) -> Floats:
    """Return score, Fisher information and that of each threshold with the next, shape (3, levels - 1)."""
    edges = tau.size
    found = np.zeros((3, edges))
    chance, dense = np.empty(edges + 1), np.empty(edges)
    for cell in range(variant.size):
        a, r = variant[cell], rater[cell]
        _levels(tau, factor[r], mean[a] + severity[r], narrow[a], chance, dense)
        rows = 0.0
        for j in range(edges + 1):
            rows += counts[cell, j]
        move = narrow[a] * factor[r]
        for j in range(edges):
            now = move * dense[j]
            found[0, j] += now * (counts[cell, j] / chance[j] - counts[cell, j + 1] / chance[j + 1])
            found[1, j] += rows * (now * now) * (1.0 / chance[j] + 1.0 / chance[j + 1])
            if j + 1 < edges:
                found[2, j] -= rows * now * (move * dense[j + 1]) / chance[j + 1]
    return found


@kernel
def moved_thresholds(
    counts: Floats,
    variant: Codes,
    rater: Codes,
    tau: Floats,
    mean: Floats,
    severity: Floats,
    factor: Floats,
    narrow: Floats,
) -> Floats:
    """Return the thresholds after one Fisher step, halved until they ascend and none moves by 2; see above."""
    edges = tau.size
    slopes = threshold_slopes(counts, variant, rater, tau, mean, severity, factor, narrow)
    # the information is tridiagonal and positive: elimination without exchanges
    step, right = np.empty(edges), 0.0
    for j in range(edges):
        step[j], slopes[1, j] = slopes[0, j], slopes[1, j] + 1e-9
        if j > 0:
            share = slopes[2, j - 1] / slopes[1, j - 1]
            slopes[1, j] -= share * slopes[2, j - 1]
            step[j] -= share * step[j - 1]
    for j in range(edges - 1, -1, -1):
        left = step[j] - (slopes[2, j] * right if j + 1 < edges else 0.0)
        step[j] = right = left / slopes[1, j]
    moved = np.empty(edges)
    for _ in range(20):
        good = True
        for j in range(edges):
            moved[j] = tau[j] + step[j]
            good = good and abs(step[j]) < 2.0 and (j == 0 or moved[j] > moved[j - 1])
        if good:
            return moved
        for j in range(edges):
            step[j] /= 2.0
    return tau.copy()


@kernel
def mean_covariance(
    rho: float, cuts: Floats, values: Floats, rows: Floats, variant: Codes, nodes: Floats, weights: Floats
) -> float:
    """Return the covariance of two raters' scores on an item, averaged over variants by their ratings.

    Parameters
    ----------
    rho : float
        Latent correlation of two ratings of an item, below 1.
    cuts : float64 array, shape (cells, levels - 1)
    values : float64 array, shape (levels,)
    rows, variant : arrays, shape (cells,)
    nodes, weights : float64 arrays, shape (nodes,)
        Of the item's standard normal effect; the weights sum to 1.
    """
    variants = 0
    for cell in range(variant.size):
        if variant[cell] >= variants:
            variants = variant[cell] + 1
    scale = math.sqrt(1.0 - rho)
    moved = np.empty(nodes.size)
    for k in range(nodes.size):
        moved[k] = math.sqrt(rho) * nodes[k] / scale
    expected = np.empty(nodes.size)  # score of a cell given the item's effect
    sums = np.zeros((variants, nodes.size))
    size, squares, same = np.zeros(variants), np.zeros(variants), np.zeros(variants)
    for cell in range(variant.size):
        a = variant[cell]
        for k in range(nodes.size):
            expected[k] = values[values.size - 1]
        for j in range(cuts.shape[1]):
            cut, step = cuts[cell, j] / scale, values[j + 1] - values[j]
            for k in range(nodes.size):
                expected[k] -= step * below(cut - moved[k])
        middle, spread = 0.0, 0.0
        for k in range(nodes.size):
            middle += expected[k] * weights[k]
        for k in range(nodes.size):
            off = expected[k] - middle
            sums[a, k] += rows[cell] * off
            spread += off * off * weights[k]
        size[a] += rows[cell]
        squares[a] += rows[cell] * rows[cell]
        same[a] += rows[cell] * rows[cell] * spread
    several = False  # a rater rates an item once: pairs are of different cells, where there are such
    for a in range(variants):
        several = several or size[a] * size[a] > squares[a]
    total, whole = 0.0, 0.0
    for a in range(variants):
        pairs = size[a] * size[a] - squares[a] if several else size[a] * size[a]
        if pairs > 0.0:
            product = 0.0 if not several else -same[a]
            for k in range(nodes.size):
                product += sums[a, k] * sums[a, k] * weights[k]
            total += product / pairs * size[a]
            whole += size[a]
    return total / whole
