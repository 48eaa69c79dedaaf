"""Exact operating characteristics of a sequential test of two or three variants against one control.

Every look compares each variant's z with the same bounds and stops for the one furthest above, or low when all are
below, as `kernels.tables.verdict` does. Given what the control's rows add between two looks the variants move
independently: the density of all of them that go on is carried from look to look on a grid that is cut at the
bounds, one factor for each variant.

References
----------
P. Armitage, C. K. McPherson, B. C. Rowe (1969), JRSS A 132, 235-244: the recursion, here with a grid for each variant.
C. W. Dunnett (1955), JASA 50, 1096-1121: independence given the control.
"""

from __future__ import annotations

import math
from functools import lru_cache
from itertools import pairwise
from typing import NamedTuple

import numpy as np

from expsim_panel.checked import Floats
from expsim_panel.design import Bounds

MOST_VARIANTS = 3
QUICK, PATIENT = 5e7, 3e9
"""Products that a whole recursion may take: what a run and a page have time for, about a tenth of a second, and what
one answer has, about two. Two variants at five looks take 3e7, at 28 looks 5e8; three variants at five looks 1.4e9."""
_REACH, _DENSE, _AT_LEAST = 8.0, 1.2, 8
"""How many standard deviations the grid reaches; nodes for each width of a step, and for each piece besides."""
_BEYOND = 24
"""Nodes over the z of the variant that wins."""


class Stopped(NamedTuple):
    """How a sequential test of several variants ends, look by look.

    Attributes
    ----------
    wins : ndarray, shape (looks, variants)
        P(it stops for each variant).
    low, idle : ndarray, shape (looks,)
        P(it stops because all variants are below the lower bound), P(it gives up between the inner ones).
    """

    wins: Floats
    low: Floats
    idle: Floats


class _Axis(NamedTuple):
    """One variant's grid at a look: nodes, weights, and on which side of the cuts each piece lies."""

    node: Floats
    weight: Floats
    low: np.ndarray
    done: np.ndarray


class _Step(NamedTuple):
    """What one variant does between two looks, given the control: mean by the control's node, and spread."""

    mean: Floats
    sd: float

    def density(self, new: Floats, old: Floats, q: int) -> Floats:
        x = (new[:, None] - old - self.mean[q]) / self.sd
        return np.asarray(np.exp(-0.5 * x * x) / (math.sqrt(2 * math.pi) * self.sd))

    def below(self, w: Floats, old: Floats, q: int) -> Floats:
        from scipy.special import ndtr

        return np.asarray(ndtr((w[:, None] - old - self.mean[q]) / self.sd))


def stopped(means: Floats, sds: Floats, rows: Floats, planned: Bounds, most: float = PATIENT) -> Stopped | None:
    """Return where a test of several variants stops; None of more variants or looks than there is time for.

    Arms' means are at their large-sample law, their shares of the rows the same at every look; error below 1e-6 with
    up to 28 looks.

    Parameters
    ----------
    means, sds : ndarray, shape (arms,)
        Control first; law of a row (more is better).
    rows : ndarray, shape (looks, arms)
        Numbers of rows by each look, rising.
    planned : Bounds
        z bounds of these looks.
    most : float
        Products that there is time for, `QUICK` or `PATIENT`.
    """
    variants = means.size - 1
    if not 2 <= variants <= MOST_VARIANTS:
        return None
    time = rows.sum(axis=1) / rows[-1].sum()
    each = sds**2 / rows[-1]
    spread = np.sqrt(each[1:] + each[0])
    drift, own, common = (means[1:] - means[0]) / spread, np.sqrt(each[1:]) / spread, math.sqrt(each[0]) / spread
    steps = np.diff(time, prepend=0.0)
    lower, upper = planned.lower * np.sqrt(time), planned.upper * np.sqrt(time)
    inner = np.full(time.size, -math.inf) if planned.inner is None else planned.inner * np.sqrt(time)
    fine = np.minimum(np.sqrt(steps), np.append(np.sqrt(steps[1:]), math.inf))
    grids = [
        [_axis(drift[a] * t, math.sqrt(t), lo, up, mid, s * own[a]) for a in range(variants)]
        for t, lo, up, mid, s in zip(time[:-1], lower, upper, inner, fine, strict=False)
    ]
    # The control moves all variants by its own step, over which each is spread by its own.
    control, chance = _control(max(32, 8 + math.ceil(24 * float((common / own).max()))))
    if _work(grids, control.size) > most:
        return None
    wins, low, idle = np.zeros((time.size, variants)), np.zeros(time.size), np.zeros(time.size)
    old, mass = [np.zeros(1)] * variants, np.ones((1,) * variants)
    for k, step in enumerate(steps):
        moves = [
            _Step(drift[a] * step + math.sqrt(step) * common[a] * control, math.sqrt(step) * own[a])
            for a in range(variants)
        ]
        bounds = float(lower[k]), float(upper[k]), float(inner[k])
        top = float(max(drift.max() * time[k], 0.0) + _REACH * math.sqrt(time[k]))
        for q in range(control.size):
            won, below, gone = _stops(moves, old, mass, bounds, top, q)
            wins[k] += chance[q] * won
            low[k] += chance[q] * below
            idle[k] += chance[q] * gone
        if k + 1 == time.size:
            break
        axes, made = grids[k], np.zeros(tuple(axis.node.size for axis in grids[k]))
        for q in range(control.size):
            made += chance[q] * _carry(
                mass, [m.density(x.node, o, q) for m, x, o in zip(moves, axes, old, strict=True)]
            )
        for a, axis in enumerate(axes):
            made *= axis.weight.reshape([-1 if b == a else 1 for b in range(variants)])
        ended = _all(axes, "low") | _all(axes, "done")
        mass, old = np.where(ended, 0.0, made), [axis.node for axis in axes]
    return Stopped(wins, low, idle)


def _stops(
    moves: list[_Step], old: list[Floats], mass: Floats, bounds: tuple[float, float, float], top: float, q: int
) -> tuple[Floats, float, float]:
    """Return P(stops for each variant), P(stops low) and P(gives up) at a look, given what the control adds."""
    lower, upper, inner = bounds
    variants = range(len(moves))
    won = np.zeros(len(moves))
    if upper < top:
        node, part = _legendre(_BEYOND)
        half = (top - upper) / 2
        w = upper + half * (1 + node)
        under = [moves[a].below(w, old[a], q) for a in variants]
        for a in variants:
            each = [moves[a].density(w, old[a], q) if b == a else under[b] for b in variants]
            won[a] = half * float(part @ _along(mass, each))
    edges = np.array([lower, -inner, inner])
    at = [moves[a].below(edges, old[a], q) for a in variants]
    low = float(_along(mass, [one[:1] for one in at])[0]) if lower > -math.inf else 0.0
    if inner < 0:
        return won, low, 0.0
    done = [one[:1] + np.maximum(one[2:] - np.maximum(one[1:2], one[:1]), 0.0) for one in at]
    return won, low, float(_along(mass, done)[0]) - low


def _along(mass: Floats, each: list[Floats]) -> Floats:
    """Return the sum of `mass` times one factor for each variant, row by row of the factors."""
    made = np.tensordot(each[0], mass, axes=1)
    for factor in each[1:]:
        made = np.einsum("rj,rj...->r...", factor, made)
    return np.asarray(made)


def _carry(mass: Floats, each: list[Floats]) -> Floats:
    """Return the mass moved by one matrix for each variant."""
    for matrix in each:
        # The variant in question is first, and comes last.
        mass = np.tensordot(mass, matrix, axes=(0, 1))
    return mass


def _axis(centre: float, sd: float, lower: float, upper: float, inner: float, width: float) -> _Axis:
    """Return the grid of one variant below the upper bound, cut where a rule may stop."""
    bottom, top = centre - _REACH * sd, min(upper, centre + _REACH * sd)
    cuts = np.unique(np.clip([bottom, lower, -abs(inner), abs(inner), top], bottom, max(top, bottom)))
    node, weight = [np.zeros(0)], [np.zeros(0)]
    for start, stop in pairwise(cuts.tolist()):
        x, part = _legendre(_AT_LEAST + math.ceil(_DENSE * (stop - start) / width))
        node.append((start + stop) / 2 + (stop - start) / 2 * x)
        weight.append((stop - start) / 2 * part)
    where = np.concatenate(node)
    low = where < lower
    return _Axis(where, np.concatenate(weight), low, low | (np.abs(where) <= inner))


def _all(axes: list[_Axis], name: str) -> np.ndarray:
    """Return where all variants are on one side."""
    size = len(axes)
    made = np.ones((1,) * size, np.bool_)
    for a, axis in enumerate(axes):
        made = made & getattr(axis, name).reshape([-1 if b == a else 1 for b in range(size)])
    return made


def _work(grids: list[list[_Axis]], control: int) -> float:
    """Return roughly how many products the recursion takes."""
    total, before = 0.0, 1.0
    for axes in [*grids, []]:
        cells = math.prod(axis.node.size for axis in axes) if axes else 0.0
        widest = max((axis.node.size for axis in axes), default=0)
        total += control * (cells * widest + before * _BEYOND) * len(grids[0] if grids else [])
        before = cells
    return total


def _control(nodes: int) -> tuple[Floats, Floats]:
    """Return nodes and weights over a standard normal."""
    node, part = _legendre(nodes)
    x = _REACH * node
    return x, _REACH * part * np.exp(-0.5 * x * x) / math.sqrt(2 * math.pi)


@lru_cache(maxsize=256)
def _legendre(nodes: int) -> tuple[Floats, Floats]:
    found = np.polynomial.legendre.leggauss(nodes)
    return np.asarray(found[0]), np.asarray(found[1])
