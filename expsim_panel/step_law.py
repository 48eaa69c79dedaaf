"""The law of step-wise tests of several variants against one control: who is found, and whether all are."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

from expsim_panel.checked import Floats
from expsim_panel.several_exact import ALONG, REACH, Shared, Won, legendre, shared

MOST_VARIANTS = 8
"""Variants up to which the sums over their sets take less than a second."""
_ACROSS = 48
"""Nodes over a variant's z between two thresholds."""
BELOW, ABOVE, ANYWHERE = 0, 1, 2
"""Where the z of another variant may be: below that of the variant in question, above it, anywhere."""


class StepTest(NamedTuple):
    """A step-wise test.

    Attributes
    ----------
    thresholds : ndarray, shape (variants,)
        z bound of the variant that is first, second and so on; falling.
    up : bool
        False, down: rejects as long as each is beyond its bound. True, up: all up to the last that is beyond its.
    two_sided : bool
        Whether variants are ordered by the size of z, or by z.
    """

    thresholds: Floats
    up: bool
    two_sided: bool


def step_wins(means: Floats, sds: Floats, rows: Floats, steps: StepTest, better: np.ndarray) -> Won:
    """Return P(each variant wins), P(all are found worse) and P(every better one is found) of a step-wise test.

    The winner has the largest z of those that are rejected; a variant is found if it is rejected with a gain. Given
    the control's mean the z are independent: one integral over it, one over the z of the variant in question, and
    between them a sum over the sets of variants beyond each threshold, since only their numbers count. Arms' means
    are at their large-sample law; error below 1e-9.

    Parameters
    ----------
    means, sds, rows : ndarray, shape (arms,)
        Control first; law of a row (more is better), and numbers of rows.
    better : bool ndarray, shape (arms - 1,)
        Which variants are truly better.

    References
    ----------
    .. [1] S. Holm (1979), Scandinavian Journal of Statistics 6, 65-70 (down).
    .. [2] Y. Benjamini, Y. Hochberg (1995), JRSS B 57, 289-300 (up).
    """
    law = shared(means, sds, rows)
    variants = range(law.own.size)
    wins = np.array([_rejected(law, steps, j, [BELOW] * law.own.size) for j in variants])
    low = _all_worse(law, steps)
    whole = max(1.0, float(wins.sum()) + low)
    if not better.any():
        return Won(wins / whole, low / whole, math.nan)
    # The least of the better ones is rejected: then all are.
    others = [ABOVE if good else ANYWHERE for good in better]
    every = sum(_rejected(law, steps, j, others) for j in variants if better[j])
    return Won(wins / whole, low / whole, float(every))


def _rejected(law: Shared, steps: StepTest, j: int, where: list[int]) -> float:
    """Return P(variant j is rejected with a gain, and every other one is where it may be)."""
    others = [i for i in range(law.own.size) if i != j]
    allowed = [where[i] for i in others]
    total = 0.0
    node, part = legendre(_ACROSS)
    for s in range(steps.thresholds.size):
        least = steps.thresholds[s]
        most = steps.thresholds[s - 1] if s else math.inf
        start = np.maximum(least, law.centre[j] - REACH * law.own[j])
        half = np.maximum(np.minimum(most, law.centre[j] + REACH * law.own[j]) - start, 0.0) / 2
        if not half.any():
            continue
        z = start + half * (1 + node[:, None])
        x = (z - law.centre[j]) / law.own[j]
        density = np.exp(-0.5 * x * x) / (math.sqrt(2 * math.pi) * law.own[j])
        chance = (_up if steps.up else _down)(law, steps, others, allowed, s, z)
        total += float((part @ (density * chance) * half) @ law.weight)
    return total


def _beyond(law: Shared, i: int, bound: float, kind: int, two_sided: bool) -> Floats:
    """Return P(variant i is beyond a bound that is over the z in question, where it may be), by the control."""
    found = np.zeros(ALONG)
    if kind != BELOW:
        found = found + law.above(i, bound)
    if two_sided and kind != ABOVE:
        found = found + law.below(i, -bound)
    return found


def _counts(size: int) -> np.ndarray:
    """Return how many elements every set has, shape (2,) * size + (1,): index 1 for an element in it."""
    return np.asarray(np.indices((2,) * size).sum(axis=0))[..., None] if size else np.zeros(1)


def _join(sets: Floats, axis: int, chance: Floats) -> None:
    """Let an element come into the sets with a chance, in place."""
    view = np.moveaxis(sets, axis, 0)
    view[1] += chance * view[0]


def _down(law: Shared, steps: StepTest, others: list[int], allowed: list[int], s: int, z: Floats) -> Floats:
    """Return P(rejected) by the z in question, (nodes, control): at least i of the others beyond bound i < s."""
    size, two_sided = len(others), steps.two_sided
    sets = np.zeros((2,) * size + (ALONG,))
    sets[(0,) * size] = 1.0
    count = _counts(size)
    before = [np.zeros(ALONG)] * size
    for level in range(s):
        bound = float(steps.thresholds[level])
        now = [_beyond(law, i, bound, kind, two_sided) for i, kind in zip(others, allowed, strict=True)]
        for axis in range(size):
            _join(sets, axis, np.maximum(now[axis] - before[axis], 0.0))
        sets = np.where(count > level, sets, 0.0)
        before = now
    made: Floats = np.broadcast_to(sets[..., None, :], (2,) * size + z.shape)
    for i, kind, beyond in zip(others, allowed, before, strict=True):
        room = law.below(i, z) if kind == BELOW else law.above(i, z) if kind == ABOVE else np.ones(z.shape)
        made = made[0] * np.maximum(room - beyond, 0.0) + made[1]
    return made


def _up(law: Shared, steps: StepTest, others: list[int], allowed: list[int], s: int, z: Floats) -> Floats:
    """Return P(rejected) by the z in question, (nodes, control): i - 1 of the others beyond bound i, for some i >= s.

    The complement: at most i - 2 of them beyond bound i, for all i from s on.
    """
    size, bounds = len(others), steps.thresholds
    count = _counts(size)

    def within(i: int, kind: int, bound: float) -> Floats:
        """P(variant i is nearer than a bound below the z in question, where it may be)."""
        if kind == ABOVE:
            return np.zeros(ALONG)
        return law.below(i, bound) - (law.below(i, -bound) if steps.two_sided else 0.0)

    near = [within(i, kind, float(bounds[-1])) for i, kind in zip(others, allowed, strict=True)]
    sets = np.ones((2,) * size + (ALONG,))
    for axis in range(size):
        view = np.moveaxis(sets, axis, 0)
        view[0] *= near[axis]
    sets = np.where(count <= bounds.size - 2, sets, 0.0)
    for level in range(bounds.size - 2, s - 1, -1):
        further = [within(i, kind, float(bounds[level])) for i, kind in zip(others, allowed, strict=True)]
        for axis in range(size):
            view = np.moveaxis(sets, axis, 0)
            view[0] += np.maximum(further[axis] - near[axis], 0.0) * view[1]
        sets = np.where(count <= level - 1, sets, 0.0)
        near = further
    kept: Floats = np.broadcast_to(sets[..., None, :], (2,) * size + z.shape)
    whole = np.ones(z.shape)
    for i, kind, inside in zip(others, allowed, near, strict=True):
        room = law.below(i, z) if kind == BELOW else law.above(i, z) if kind == ABOVE else np.ones(z.shape)
        kept = kept[0] + kept[1] * np.maximum(room - inside, 0.0)
        whole = whole * room
    return whole - kept


def _all_worse(law: Shared, steps: StepTest) -> float:
    """Return P(every variant is rejected with a loss)."""
    if not steps.two_sided:
        return 0.0
    size = law.own.size
    if steps.up:
        return float(np.prod([law.below(i, -float(steps.thresholds[-1])) for i in range(size)], axis=0) @ law.weight)
    sets = np.zeros((2,) * size + (ALONG,))
    sets[(0,) * size] = 1.0
    count = _counts(size)
    before = [np.zeros(ALONG)] * size
    for level in range(size):
        now = [law.below(i, -float(steps.thresholds[level])) for i in range(size)]
        for axis in range(size):
            _join(sets, axis, now[axis] - before[axis])
        sets = np.where(count > level, sets, 0.0)
        before = now
    return float(sets[(1,) * size] @ law.weight)
