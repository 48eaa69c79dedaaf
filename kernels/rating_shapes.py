"""Item effects of any shape: chances of levels by place, what ratings say of the shape and of raters, marginals.

A kind of rating is a rater and a level: ``rater * levels + level``. A place is a value that an item's effect may
have; a rating of an item at place x has level j with ``below(c[j] - x) - below(c[j - 1] - x)``, `c` the rater's cuts.
"""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

from expsim_panel.kernels.jit import kernel
from expsim_panel.kernels.normal_table import below, density

Floats = npt.NDArray[np.float64]
Codes = npt.NDArray[np.int64]

LEAST = 1e-12  # chance of a level
_TOGETHER = 16  # chances that are multiplied before the largest product is taken out: at least 1e-192


@kernel
def place_chances(cuts: Floats, places: Floats) -> Floats:
    """Return chance and slopes of every kind of rating at every place, shape (3, kinds, places).

    Parameters
    ----------
    cuts : float64 array, shape (raters, levels - 1)
        Ascending; a rating's noise has variance 1.
    places : float64 array, shape (places,)

    Returns
    -------
    float64 array
        Chance, kept off 0, and derivatives of its logarithm as all cuts of the rater fall, and as the scale grows: all
        cuts and places by the same factor, from 1 on.
    """
    raters, edges = cuts.shape
    levels = edges + 1
    found = np.empty((3, raters * levels, places.size))
    for rater in range(raters):
        for at in range(places.size):
            last, dense, before = 0.0, 0.0, 0.0
            for level in range(levels):
                now, steep, off = 1.0, 0.0, 0.0
                if level < edges:
                    off = cuts[rater, level] - places[at]
                    now, steep = below(off), density(off)
                chance = max(now - last, LEAST)
                found[0, rater * levels + level, at] = chance
                found[1, rater * levels + level, at] = (dense - steep) / chance
                found[2, rater * levels + level, at] = (steep * off - dense * before) / chance
                last, dense, before = now, steep, off
    return found


@kernel
def shape_step(
    chances: Floats,
    kind: Codes,
    start: Codes,
    owner: Codes,
    weights: Floats,
    prior: Floats,
    lapse: float,
    turns: int,
    levels: int,
) -> tuple[Floats, Floats, Floats, float]:
    """Return the weights of places after turns of expectation-maximisation, and what ratings then say of raters.

    Parameters
    ----------
    chances : float64 array, shape (3, kinds, places)
        Of `place_chances`.
    kind : int64 array, shape (rows,)
        Kind of each rating, item by item.
    start : int64 array, shape (items + 1,)
        Rows of item i are those from ``start[i]`` to ``start[i + 1]``, at least one.
    owner : int64 array, shape (items,)
        Variant of each item.
    weights : float64 array, shape (variants, places)
        Of the places in each variant, above 0; rows sum to 1.
    prior : float64 array, shape (variants, places)
        Imaginary items of each variant.
    lapse : float
        Share of ratings that belong to another item of the variant.
    turns : int
    levels : int

    Returns
    -------
    weights : float64 array, shape (variants, places)
    known : float64 array, shape (2, raters)
        Derivative of the log likelihood as all cuts of a rater fall, and its observed information: the sum of
        squares of what each rating adds to it.
    scale : float64 array, shape (2,)
        The same of the scale, from what each item adds.
    fit : float
        Log likelihood under the weights returned.
    """
    items, places = owner.size, chances.shape[2]
    variants = weights.shape[0]
    like, top, other = np.ones((items, places)), np.zeros(items), np.zeros(kind.size)
    for item in range(items):
        own = owner[item]
        for row in range(start[item], start[item + 1]):
            one = kind[row]
            if lapse > 0.0:
                for at in range(places):
                    other[row] += lapse * weights[own, at] * chances[0, one, at]
            for at in range(places):
                like[item, at] *= (1.0 - lapse) * chances[0, one, at] + other[row]
            if (row - start[item]) % _TOGETHER == _TOGETHER - 1 or row == start[item + 1] - 1:
                most = 0.0
                for at in range(places):
                    most = max(most, like[item, at])
                top[item] += math.log(most)
                for at in range(places):
                    like[item, at] /= most
    now, size, counted = weights.copy(), np.zeros(variants), np.empty((variants, places))
    for item in range(items):
        size[owner[item]] += 1.0
    for own in range(variants):
        for at in range(places):
            size[own] += prior[own, at]
    for _ in range(turns):
        counted[:] = 0.0
        for item in range(items):
            own = owner[item]
            mixed = 0.0
            for at in range(places):
                mixed += like[item, at] * now[own, at]
            share = 1.0 / mixed
            for at in range(places):
                counted[own, at] += like[item, at] * share
        for own in range(variants):
            for at in range(places):
                now[own, at] = (counted[own, at] * now[own, at] + prior[own, at]) / size[own]
    known = np.zeros((2, chances.shape[1] // levels))
    scale, after, fit = np.zeros(2), np.empty(places), 0.0
    for item in range(items):
        own = owner[item]
        mixed = 0.0
        for at in range(places):
            after[at] = like[item, at] * now[own, at]
            mixed += after[at]
        fit += top[item] + math.log(mixed)
        grown = 0.0
        for row in range(start[item], start[item + 1]):
            one = kind[row]
            slope = 0.0
            for at in range(places):
                near = (1.0 - lapse) * chances[0, one, at]
                near = after[at] * near / (near + other[row])
                slope += near * chances[1, one, at]
                grown += near * chances[2, one, at]
            slope /= mixed
            known[0, one // levels] += slope
            known[1, one // levels] += slope * slope
        grown /= mixed
        scale[0] += grown
        scale[1] += grown * grown
    return now, known, scale, fit


@kernel
def shaped_marginal(
    cuts: Floats, places: Floats, rater: Codes, variant: Codes, part: Floats, weights: Floats
) -> Floats:
    """Return the chance to be at or below each level but the last over all ratings, and its density, (2, levels - 1).

    Parameters
    ----------
    cuts : float64 array, shape (raters, levels - 1)
    places : float64 array, shape (places,)
    rater, variant : int64 arrays, shape (cells,)
        Pairs that occur, in any order.
    part : float64 array, shape (cells,)
        Part of the ratings in each cell.
    weights : float64 array, shape (variants, places)
    """
    raters, edges = cuts.shape
    mixed = np.zeros((raters, places.size))
    for cell in range(rater.size):
        for at in range(places.size):
            mixed[rater[cell], at] += part[cell] * weights[variant[cell], at]
    found = np.zeros((2, edges))
    for one in range(raters):
        for at in range(places.size):
            for level in range(edges):
                off = cuts[one, level] - places[at]
                found[0, level] += mixed[one, at] * below(off)
                found[1, level] += mixed[one, at] * density(off)
    return found
