"""Exact operating characteristics of a sequential test of two or three variants against one control.

Every look compares each variant's z with its bounds and stops for the one that ranks highest of those above, or low
when all are below, as `kernels.tables.verdict` does. Given what the control's rows add between two looks the variants
move independently: the density of all of them that go on is carried from look to look on a grid that is cut at the
bounds, one factor for each variant.

References
----------
P. Armitage, C. K. McPherson, B. C. Rowe (1969), JRSS A 132, 235-244: the recursion, here with a grid for each variant.
C. W. Dunnett (1955), JASA 50, 1096-1121: independence given the control.
"""

from __future__ import annotations

import math
from itertools import pairwise
from typing import NamedTuple

import numpy as np

from expsim_panel.checked import Floats
from expsim_panel.contests import Contest
from expsim_panel.several_exact import legendre

MOST_VARIANTS = 3
QUICK, PATIENT = 5e7, 3e9
"""Products that a whole recursion may take: what a run and a page have time for, about a tenth of a second, and what
one answer has, about two. Two variants at five looks take 3e7, at 28 looks 5e8; three variants at five looks 1.4e9."""
_REACH, _DENSE, _AT_LEAST = 8.0, 1.2, 8
"""How many standard deviations the grid reaches; nodes for each width of a step, and for each piece besides."""
_BEYOND = 24
"""Nodes over each piece of the z of the variant that wins."""


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


class Step(NamedTuple):
    """What one variant does between two looks, given the control: mean by the control's node, and spread."""

    mean: Floats
    sd: float

    def density(self, new: Floats, old: Floats, q: int) -> Floats:
        """Return the density of new walks given old ones, shape (new, old), at a node of the control."""
        x = (new[:, None] - old - self.mean[q]) / self.sd
        return np.asarray(np.exp(-0.5 * x * x) / (math.sqrt(2 * math.pi) * self.sd))

    def below(self, w: Floats, old: Floats, q: int) -> Floats:
        """Return P(a new walk is below w) given old ones, shape (w, old), at a node of the control."""
        from scipy.special import ndtr

        return np.asarray(ndtr((w[:, None] - old - self.mean[q]) / self.sd))


def stopped(means: Floats, sds: Floats, rows: Floats, asked: Contest, most: float = PATIENT) -> Stopped | None:
    """Return where a test of several variants stops; None of more variants or looks than there is time for.

    Arms' means are at their large-sample law, their shares of the rows the same at every look; error below 1e-6 with
    up to 28 looks.

    Parameters
    ----------
    means, sds : ndarray, shape (arms,)
        Control first; law of a row (more is better).
    rows : ndarray, shape (looks, arms)
        Numbers of rows by each look, rising.
    asked : Contest
        What is asked of every z at these looks.
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
    edges = [Edges.of(asked, k, math.sqrt(t), float(drift.max()) * t) for k, t in enumerate(time)]
    fine = np.minimum(np.sqrt(steps), np.append(np.sqrt(steps[1:]), math.inf))
    grids = [
        [_axis(drift[a] * t, math.sqrt(t), edge, a, s * own[a]) for a in range(variants)]
        for t, edge, s in zip(time[:-1], edges, fine, strict=False)
    ]
    # The control moves all variants by its own step, over which each is spread by its own.
    control, chance = control_nodes(common, own)
    if _work(grids, control.size) > most:
        return None
    wins, low, idle = np.zeros((time.size, variants)), np.zeros(time.size), np.zeros(time.size)
    old, mass = [np.zeros(1)] * variants, np.ones((1,) * variants)
    for k, step in enumerate(steps):
        moves = [
            Step(drift[a] * step + math.sqrt(step) * common[a] * control, math.sqrt(step) * own[a])
            for a in range(variants)
        ]
        for q in range(control.size):
            won, below, gone = stops(moves, old, mass, edges[k], q)
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
            made *= shape_for(axis.weight, a, variants)
        ended = _all(axes, "low") | _all(axes, "done")
        mass, old = np.where(ended, 0.0, made), [axis.node for axis in axes]
    return Stopped(wins, low, idle)


class Edges(NamedTuple):
    """Where a look stops, on the scale of the walks.

    Attributes
    ----------
    lower, upper, least, most : ndarray, shape (variants,)
        Bounds, and where inner ones begin and end; empty ones begin at inf.
    strict : bool
        As of the contest.
    beyond : list by variant of (nodes, weights, list of nodes by variant)
        Where it may win: its own walk, and what those of all variants must stay below.
    """

    lower: Floats
    upper: Floats
    least: Floats
    most: Floats
    strict: bool
    beyond: list[tuple[Floats, Floats, list[Floats]]]

    @staticmethod
    def of(asked: Contest, look: int, root: float, furthest: float) -> Edges:
        """Return the edges at a look; `root`: of its time, `furthest`: largest mean of a walk."""
        lower, upper = asked.lower[look] * root, asked.upper[look] * root
        variants = range(upper.size)
        least, most = np.full(upper.size, math.inf), np.full(upper.size, -math.inf)
        if asked.inner is not None:
            some = asked.inner[1][look] >= asked.inner[0][look]
            least[some], most[some] = asked.inner[0][look][some] * root, asked.inner[1][look][some] * root
        top = max(furthest, 0.0) + _REACH * root
        node, part = legendre(_BEYOND)
        beyond = []
        for a in variants:
            at, weight = [np.zeros(0)], [np.zeros(0)]
            for start, end in asked.pieces(look, a):
                half = (min(end * root, top) - start * root) / 2
                if half > 0:
                    at.append(start * root + half * (1 + node))
                    weight.append(half * part)
            w = np.concatenate(at)
            limits = [w if b == a else asked.rival(look, a, b, w / root) * root for b in variants]
            beyond.append((w, np.concatenate(weight), limits))
        return Edges(lower, upper, least, most, asked.strict, beyond)


def stops(moves: list[Step], old: list[Floats], mass: Floats, edges: Edges, q: int) -> tuple[Floats, float, float]:
    """Return P(stops for each variant), P(stops low) and P(gives up) at a look, given what the control adds."""
    variants = range(len(moves))
    won = np.zeros(len(moves))
    for a in variants:
        w, weight, limits = edges.beyond[a]
        if w.size:
            each = [
                moves[b].density(w, old[b], q) if b == a else moves[b].below(limits[b], old[b], q) for b in variants
            ]
            won[a] = float(weight @ _along(mass, each))
    at = [moves[a].below(np.array([edges.lower[a], edges.least[a], edges.most[a]]), old[a], q) for a in variants]
    low = float(_along(mass, [one[:1] for one in at])[0]) if np.all(edges.lower > -math.inf) else 0.0
    within = edges.most >= edges.least
    if not within.any():
        return won, low, 0.0
    done = [np.maximum(one[2:] - np.maximum(one[1:2], one[:1]), 0.0) + (0.0 if edges.strict else one[:1]) for one in at]
    gone = float(_along(mass, done)[0])
    return won, low, gone if edges.strict else gone - low


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


def _axis(centre: float, sd: float, edges: Edges, a: int, width: float) -> _Axis:
    """Return the grid of one variant below the upper bound, cut where a rule may stop."""
    bottom, top = centre - _REACH * sd, min(float(edges.upper[a]), centre + _REACH * sd)
    cuts = np.unique(np.clip([bottom, edges.lower[a], edges.least[a], edges.most[a], top], bottom, max(top, bottom)))
    node, weight = [np.zeros(0)], [np.zeros(0)]
    for start, stop in pairwise(cuts.tolist()):
        x, part = legendre(_AT_LEAST + math.ceil(_DENSE * (stop - start) / width))
        node.append((start + stop) / 2 + (stop - start) / 2 * x)
        weight.append((stop - start) / 2 * part)
    where = np.concatenate(node)
    low = where < edges.lower[a]
    within = (where >= edges.least[a]) & (where <= edges.most[a])
    return _Axis(where, np.concatenate(weight), low, within if edges.strict else low | within)


def _all(axes: list[_Axis], name: str) -> np.ndarray:
    """Return where all variants are on one side."""
    size = len(axes)
    made = np.ones((1,) * size, np.bool_)
    for a, axis in enumerate(axes):
        made = made & shape_for(getattr(axis, name), a, size)
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


def control_nodes(common: Floats, own: Floats) -> tuple[Floats, Floats]:
    """Return nodes and weights over a standard normal, for variants with these parts of the control and own."""
    node, part = legendre(max(32, 8 + math.ceil(24 * float((common / own).max()))))
    x = _REACH * node
    return x, _REACH * part * np.exp(-0.5 * x * x) / math.sqrt(2 * math.pi)


def shape_for(values: np.ndarray, variant: int, variants: int) -> np.ndarray:
    """Return values of one variant along its axis of an array with an axis for each."""
    return values.reshape([-1 if b == variant else 1 for b in range(variants)])


def from_one(moves: list[Step], chance: Floats, nodes: list[Floats]) -> Floats:
    """Return the density of all variants' walks after their first step."""
    start, made = np.zeros(1), np.zeros(tuple(node.size for node in nodes))
    for q, weight in enumerate(chance.tolist()):
        each = [move.density(node, start, q)[:, 0] for move, node in zip(moves, nodes, strict=True)]
        made += weight * math.prod(shape_for(one, a, len(nodes)) for a, one in enumerate(each))
    return made
