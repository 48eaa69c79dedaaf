"""Likelihood of the ratings of items under classes of items, and the shares of the classes."""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

from expsim_panel.kernels.jit import inner, kernel
from expsim_panel.kernels.normal_table import below

Floats = npt.NDArray[np.float64]
Codes = npt.NDArray[np.int64]

LEAST = 1e-12  # chance of a level
_TOGETHER = 16  # chances that are multiplied before the largest product is taken out: at least 1e-192


@inner
def _fill(row: Floats, edge: float, moved: Floats, scale: Floats) -> None:
    """Write the chance to be below an edge, by node and class."""
    for column in range(row.size):
        row[column] = below(edge / scale[column] - moved[column])


@kernel
def class_chances(lower: Floats, upper: Floats, nodes: Floats, rho: Floats) -> Floats:
    """Return the chance of a rating between two edges, shape (kinds, nodes * classes); classes beside each other.

    Parameters
    ----------
    lower, upper : float64 arrays, shape (kinds,)
        Edges on the scale where item plus noise has variance 1; may be infinite. Kinds with a common edge are
        best neighbours.
    nodes : float64 array, shape (nodes,)
        Standard normal effects of an item.
    rho : float64 array, shape (classes,)
        Latent correlation of two ratings of an item of each class, below 1.
    """
    columns = nodes.size * rho.size
    moved, scale = np.empty(columns), np.empty(columns)
    for column in range(columns):
        code = column % rho.size
        scale[column] = math.sqrt(1.0 - rho[code])
        moved[column] = math.sqrt(rho[code]) * nodes[column // rho.size] / scale[column]
    under, over = np.zeros(columns), np.zeros(columns)
    found = np.empty((lower.size, columns))
    last = -np.inf
    for kind in range(lower.size):
        if lower[kind] != last:
            _fill(under, lower[kind], moved, scale)
        _fill(over, upper[kind], moved, scale)
        for column in range(columns):
            found[kind, column] = over[column] - under[column]
        under, over = over, under
        last = upper[kind]
    return found


@kernel
def item_likelihoods(
    chance: Floats, plain: Floats, place: Codes, start: Codes, weights: Floats, lapse: float
) -> Floats:
    """Return the log likelihood of the ratings of each item under each class, shape (items, classes).

    Parameters
    ----------
    chance : float64 array, shape (kinds, nodes * classes)
        Of each kind of rating, see `class_chances`.
    plain : float64 array, shape (kinds,)
        Chance of each kind whatever the item.
    place : int64 array, shape (rows,)
        Kind of each rating, item by item.
    start : int64 array, shape (items + 1,)
        Rows of item i are those from ``start[i]`` to ``start[i + 1]``, at least one.
    weights : float64 array, shape (nodes,)
        Chances of the nodes.
    lapse : float
        Share of ratings that do not depend on the item.
    """
    classes = chance.shape[1] // weights.size
    found = np.empty((start.size - 1, classes))
    product, total = np.empty(chance.shape[1]), np.empty(classes)
    for item in range(start.size - 1):
        for code in range(classes):
            found[item, code] = 0.0
        for column in range(product.size):
            product[column] = 1.0
        for row in range(start[item], start[item + 1]):
            kind = place[row]
            rest = lapse * plain[kind]
            for column in range(product.size):
                product[column] *= max((1.0 - lapse) * chance[kind, column] + rest, LEAST)
            if (row - start[item]) % _TOGETHER == _TOGETHER - 1:
                for code in range(classes):
                    total[code] = 0.0
                for node in range(weights.size):
                    for code in range(classes):
                        total[code] = max(total[code], product[node * classes + code])
                for code in range(classes):
                    found[item, code] += math.log(total[code])
                    for node in range(weights.size):
                        product[node * classes + code] /= total[code]
        for code in range(classes):
            total[code] = 0.0
        for node in range(weights.size):
            for code in range(classes):
                total[code] += weights[node] * product[node * classes + code]
        for code in range(classes):
            found[item, code] += math.log(total[code])
    return found


@kernel
def summed_rows(table: npt.NDArray[np.float32], place: Codes, start: Codes) -> npt.NDArray[np.float32]:
    """Return the sums of rows ``place[start[i] : start[i + 1]]`` of a table, shape (items, columns), in that order.

    Parameters
    ----------
    table : float32 array, shape (kinds, columns)
    place : int64 array, shape (rows,)
    start : int64 array, shape (items + 1,)
    """
    found = np.zeros((start.size - 1, table.shape[1]), np.float32)
    for item in range(start.size - 1):
        for row in range(start[item], start[item + 1]):
            for column in range(table.shape[1]):
                found[item, column] += table[place[row], column]
    return found


@kernel
def class_shares(joint: Floats, prior: Floats, first: Floats, steps: int) -> tuple[Floats, float]:
    """Return the shares of classes after steps of expectation-maximisation, and the log likelihood of all items.

    Parameters
    ----------
    joint : float64 array, shape (items, classes)
        Log likelihood of each item under each class.
    prior : float64 array, shape (classes,)
        Imaginary items of each class.
    first : float64 array, shape (classes,)
        Where to begin; sums to 1.
    """
    items, classes = joint.shape
    chance = np.empty((items, classes))
    fit = 0.0
    for item in range(items):
        top = joint[item, 0]
        for code in range(1, classes):
            top = max(top, joint[item, code])
        for code in range(classes):
            chance[item, code] = math.exp(joint[item, code] - top)
        fit += top
    shares, counted = np.empty(classes), np.empty(classes)
    for code in range(classes):
        shares[code] = first[code]
    for _ in range(steps):
        for code in range(classes):
            counted[code] = 0.0
        for item in range(items):
            mixed = 0.0
            for code in range(classes):
                mixed += chance[item, code] * shares[code]
            weight = 1.0 / mixed
            for code in range(classes):
                counted[code] += chance[item, code] * weight
        whole = 0.0
        for code in range(classes):
            shares[code] = shares[code] * counted[code] + prior[code]
            whole += shares[code]
        for code in range(classes):
            shares[code] /= whole
    for item in range(items):
        mixed = 0.0
        for code in range(classes):
            mixed += chance[item, code] * shares[code]
        fit += math.log(mixed)
    return shares, fit
