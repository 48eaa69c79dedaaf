"""Exact operating characteristics of two-stage tests of several variants whose second stage follows the first one.

Until the first stage's end the leads of all variants over the control are carried as one density
(`several_looks`); each length of the second stage takes its part of that and goes on from there.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from itertools import pairwise

import numpy as np

from expsim_panel.checked import Floats
from expsim_panel.contests import Contest
from expsim_panel.several_exact import REACH, Won, legendre
from expsim_panel.several_looks import Edges, Step, control_nodes, from_one, shape_for, stops

_NARROW, _DENSE = 5, 1.5
"""Nodes for each piece of a first z, and for each width of its law besides."""
_BEYOND, _SIDE = 32, 48
"""Nodes over the z of the variant that wins, and of one that does not, where both stages are one."""


class Stage:
    """The z of every variant from the rows of one stage: mean, part of the control, and own part.

    Parameters
    ----------
    means, sds, rows : ndarray, shape (arms,)
        Control first; law of a row (more is better), and numbers of rows.
    """

    def __init__(self, means: Floats, sds: Floats, rows: Floats) -> None:
        each = sds**2 / rows
        self.spread = np.sqrt(each[1:] + each[0])
        self.drift = (means[1:] - means[0]) / self.spread
        self.own, self.common = np.sqrt(each[1:]) / self.spread, math.sqrt(each[0]) / self.spread

    def steps(self, scale: float, control: Floats) -> list[Step]:
        """Return what each variant's walk does in this stage, its z times a scale."""
        return [
            Step(scale * (drift + common * control), scale * own)
            for drift, common, own in zip(self.drift.tolist(), self.common.tolist(), self.own.tolist(), strict=True)
        ]


def zone_wins(
    first: Stage, second: Callable[[int], Stage], information: float, critical: float, two_sided: bool,
    length: Callable[[Floats], np.ndarray], kinks: Floats, last: int, most: float,
) -> Won | None:  # fmt: skip
    """Return what an inverse-normal combination of two stages finds, its length set by the largest interim z.

    Where the largest z lies between two values is a box less a smaller one: on grids cut there each length has whole
    cells. Error below 1e-6.

    Parameters
    ----------
    first, second
        Of the stages; the second by its last day, from 0.
    information, critical, two_sided
        As of `zone_law.combined_ending`.
    length, kinks
        Last day, from 0, by the largest interim z (its size in two-sided tests), and where it may change.
    last : int
        The last day planned, from 0: without a finding it ends there undecided.
    most : float
        Products that there is time for.
    """
    size, root, rest = first.drift.size, math.sqrt(information), math.sqrt(1 - information)
    edges = np.unique(np.append(0.0, kinks[np.isfinite(kinks) & (kinks > 0)]))
    days = np.asarray(length(np.append((edges[1:] + edges[:-1]) / 2, edges[-1] + 1.0)), int)
    # Only where the day does change.
    edges = edges[1:][days[1:] != days[:-1]]
    days = days[np.append(days[1:] != days[:-1], True)]
    cuts = np.append(-edges, edges) if two_sided else edges
    axes = [_pieces(float(drift), cuts, float(own)) for drift, own in zip(first.drift, first.own, strict=True)]
    control, chance = control_nodes(first.common, first.own)
    cells = math.prod(node.size for node, _ in axes)
    used = np.unique(days)
    if control.size * cells * (axes[0][0].size + used.size * _BEYOND) * size > most:
        return None
    mass = from_one(first.steps(root, control), chance, [root * node for node, _ in axes])
    for a, (_, weight) in enumerate(axes):
        mass = mass * shape_for(root * weight, a, size)
    largest = np.zeros(mass.shape, int)
    for a, (node, _) in enumerate(axes):
        where = np.searchsorted(edges, np.abs(node) if two_sided else node)
        largest = np.maximum(largest, shape_for(where, a, size))
    bound = np.array([[critical] * size])
    asked = Contest(np.array([1]), -bound if two_sided else np.full_like(bound, -np.inf), bound)
    low, idle, high = (np.zeros(used.size) for _ in range(3))
    won = np.zeros(size)
    for k, day in enumerate(used.tolist()):
        part = np.where(days[largest] == day, mass, 0.0)
        kept = [np.flatnonzero(part.any(axis=tuple(b for b in range(size) if b != a))) for a in range(size)]
        part, old = part[np.ix_(*kept)], [root * axes[a][0][kept[a]] for a in range(size)]
        stage = second(int(day))
        reached = Edges.of(asked, 0, 1.0, float((root * first.drift + rest * stage.drift).max()))
        moves = stage.steps(rest, control)
        for q in range(control.size):
            found, below, _ = stops(moves, old, part, reached, q)
            won += chance[q] * found
            high[k] += chance[q] * found.sum()
            low[k] += chance[q] * below
        idle[k] = max(float(part.sum()) - high[k] - low[k], 0.0) if day < last else 0.0
    return Won(won, float(low.sum()), math.nan, (used + 1, low, idle, high))


def _pieces(centre: float, cuts: Floats, width: float) -> tuple[Floats, Floats]:
    """Return nodes and weights over a z around its mean, in pieces between cuts."""
    bottom, top = centre - REACH, centre + REACH
    node, weight = [np.zeros(0)], [np.zeros(0)]
    for start, stop in pairwise(np.unique(np.clip([bottom, *cuts, top], bottom, top)).tolist()):
        x, part = legendre(_NARROW + math.ceil(_DENSE * (stop - start) / width))
        node.append((start + stop) / 2 + (stop - start) / 2 * x)
        weight.append((stop - start) / 2 * part)
    return np.concatenate(node), np.concatenate(weight)


def later_wins(
    first: Stage, later: Stage, time: float, critical: float, two_sided: bool, share: Callable[[list[Floats]], Floats]
) -> tuple[Floats, float, float]:
    """Return P(each variant is found), P(all are worse) and P(tested here) of a test on a later day, if chosen.

    Parameters
    ----------
    first, later : Stage
        Of the rows by the review, and by the day of the test.
    time : float
        Rows by the review over those by the test.
    share : callable
        Chance that this is the day, by every variant's z at the review (arrays that broadcast).
    """
    size, root = first.drift.size, math.sqrt(time)
    bound = np.array([[critical] * size])
    if time >= 1.0:
        return _at_once(first, critical, two_sided, share)
    control, chance = control_nodes(first.common, first.own)
    axes = [_pieces(float(drift), np.zeros(0), float(own)) for drift, own in zip(first.drift, first.own, strict=True)]
    old = [root * node for node, _ in axes]
    mass = from_one(first.steps(root, control), chance, old)
    for a, (_, weight) in enumerate(axes):
        mass = mass * shape_for(root * weight, a, size)
    mass = mass * share([shape_for(node, a, size) for a, (node, _) in enumerate(axes)])
    # The walk of all rows: its increments are those of the rows since the review.
    rest = math.sqrt(1 - time)
    control, chance = control_nodes(later.common, later.own)
    gained = (later.drift - root * first.drift) / rest
    moves = [
        Step(rest * (drift + common * control), rest * own)
        for drift, common, own in zip(gained.tolist(), later.common.tolist(), later.own.tolist(), strict=True)
    ]
    asked = Contest(np.array([1]), -bound if two_sided else np.full_like(bound, -np.inf), bound)
    reached = Edges.of(asked, 0, 1.0, float(later.drift.max()))
    found, low = np.zeros(size), 0.0
    for q in range(control.size):
        won, below, _ = stops(moves, old, mass, reached, q)
        found += chance[q] * won
        low += chance[q] * below
    return found, low, float(mass.sum())


def _at_once(
    first: Stage, critical: float, two_sided: bool, share: Callable[[list[Floats]], Floats]
) -> tuple[Floats, float, float]:
    """Return the same where the test is at the review: integrals over every z there, the others below the winner's."""
    size = first.drift.size
    correlation = np.outer(first.common, first.common) + np.diag(first.own**2)
    inverse, norm = np.linalg.inv(correlation), math.sqrt((2 * math.pi) ** size * np.linalg.det(correlation))
    bottom, top = first.drift - REACH, first.drift + REACH

    def over(z: list[Floats], weight: Floats) -> float:
        away = [one - drift for one, drift in zip(z, first.drift.tolist(), strict=True)]
        square = sum(inverse[a, b] * away[a] * away[b] for a in range(size) for b in range(size))
        return float((np.exp(-0.5 * square) / norm * share(z) * weight).sum())

    def box(lows: Floats, highs: Floats) -> float:
        half = np.maximum(highs - lows, 0.0) / 2
        x, part = legendre(_SIDE)
        z = [shape_for(lows[a] + half[a] * (1 + x), a, size) for a in range(size)]
        return over(z, np.asarray(math.prod(shape_for(half[a] * part, a, size) for a in range(size))))

    found = np.zeros(size)
    for j in range(size):
        half = max(float(top[j]) - critical, 0.0) / 2
        x, part = legendre(_BEYOND)
        own = shape_for(critical + half * (1 + x), j, size)
        z, weight = [own] * size, shape_for(half * part, j, size)
        x, part = legendre(_SIDE)
        for a in range(size):
            if a != j:
                room = np.maximum(own - bottom[a], 0.0) / 2
                z[a] = bottom[a] + room * (1 + shape_for(x, a, size))
                weight = weight * room * shape_for(part, a, size)
        found[j] = over(z, weight)
    low = box(bottom, np.full(size, -critical)) if two_sided else 0.0
    return found, low, box(bottom, top)
