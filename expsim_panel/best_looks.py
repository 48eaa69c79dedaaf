"""Exact operating characteristics of a rule that stops when one of three arms is surely the best.

Where it goes on is no product of intervals of the two variants' leads over the control: two arms that are both ahead
keep it going. The density of both leads is carried from look to look on slices: for every lead of the second variant
the first one's lies between two bounds.

References
----------
P. Armitage, C. K. McPherson, B. C. Rowe (1969), JRSS A 132, 235-244: the recursion, here in two dimensions.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from itertools import pairwise
from typing import NamedTuple

import numpy as np

from expsim_panel.best_of_three import Lead
from expsim_panel.checked import Floats
from expsim_panel.kernels.leads import beyond_line, spread_points
from expsim_panel.several_exact import legendre

QUICK, PATIENT = 1e7, 3e8
"""Pairs of nodes that a whole recursion may take: a tenth of a second, and two seconds."""
_REACH, _DENSE, _AT_LEAST, _GRADED = 6.0, 1.5, 8, 16
"""How many standard deviations the grid reaches; nodes for each width of a step, for each piece besides, and in a
piece at whose end the other bound comes from infinity."""
_NOTHING = 1e-9
"""Chance of the nodes that a look may leave out, all together."""
_HALVINGS = 45


class Chosen(NamedTuple):
    """How it ends, look by look.

    Attributes
    ----------
    wins : ndarray, shape (looks, 2)
        P(it stops for each variant).
    control : ndarray, shape (looks,)
        P(it stops for the control).
    """

    wins: Floats
    control: Floats


_TURNS = tuple(np.array(turn, float) for turn in ([[-1, 0], [-1, 1]], [[1, 0], [0, 1]], [[0, 1], [1, 0]]))
"""By arm, control first: own lead over another arm and the third's over that, from both variants' over the control."""
_OTHERS = ((1, 2), (0, 2), (0, 1))


class _Look(NamedTuple):
    """A look: its time, and the least lead of each arm on the scale of sums, time times the lead."""

    time: float
    leads: tuple[Lead, Lead, Lead]

    def least(self, arm: int, third: Floats) -> Floats:
        return self.time * self.leads[arm](third / self.time)

    def kinks(self, arm: int) -> Floats:
        """Return where the least lead of an arm bends, by the third's."""
        return self.time * self.leads[arm].kinks


def chosen(
    means: Floats, sds: Floats, rows: Floats, confidence: float, allowed: float, most: float = PATIENT
) -> Chosen | None:
    """Return where the rule stops; None where that takes too long.

    Arms' means are at their large-sample law with flat priors, their shares of the rows the same at every look; error
    below 1e-6 with up to 28 looks.

    Parameters
    ----------
    means, sds : ndarray, shape (3,)
        Control first; law of a row (more is better).
    rows : ndarray, shape (looks, 3)
        Numbers of rows by each look, rising.
    confidence, allowed : float
        P(best) and expected loss asked for, at every look.
    most : float
        Pairs that there is time for, `QUICK` or `PATIENT`.
    """
    time = rows.sum(axis=1) / rows[-1].sum()
    each = sds**2 / rows[-1]
    drift = means[1:] - means[0]
    spread = np.diag(each[1:]) + each[0]
    wins, control = np.zeros((time.size, 2)), np.zeros(time.size)
    old, mass, work = np.zeros((1, 2)), np.ones(1), 0.0
    steps = np.diff(time, prepend=0.0)
    for k, (at, step) in enumerate(zip(time.tolist(), steps.tolist(), strict=True)):
        look = _Look(at, _leads(np.sqrt(each / at), confidence, allowed))
        centre = old + drift * step
        for arm in range(3):
            stop = _stop(look, arm, centre, mass, drift * at, spread * at, spread * step)
            if arm:
                wins[k, arm - 1] = stop
            else:
                control[k] = stop
        if k + 1 == time.size:
            break
        node, weight = _slices(look, drift * at, spread, min(step, float(steps[k + 1])))
        density, pairs = _carried(node, centre, mass, spread * step)
        work += pairs
        if work > most:
            return None
        mass = weight * density
        order = np.argsort(mass)
        kept = np.sort(order[np.searchsorted(np.cumsum(mass[order]), _NOTHING) :])
        old, mass = node[kept], mass[kept]
    return Chosen(wins, control)


def _leads(sds: Floats, confidence: float, allowed: float) -> tuple[Lead, Lead, Lead]:
    made: dict[tuple[float, ...], Lead] = {}
    found = []
    for arm, (first, second) in enumerate(_OTHERS):
        key = float(sds[arm]), float(sds[first]), float(sds[second])
        if key not in made:
            made[key] = Lead(*key, confidence, allowed)
        found.append(made[key])
    return found[0], found[1], found[2]


def _stop(look: _Look, arm: int, centre: Floats, mass: Floats, mean: Floats, whole: Floats, step: Floats) -> float:
    """Return P(the look stops for an arm): an integral over the third arm's lead, own leads beyond the least.

    Parameters
    ----------
    centre, mass : ndarray, shapes (nodes, 2) and (nodes,)
        Where the leads are expected, and how surely.
    mean, whole : ndarray, shapes (2,) and (2, 2)
        Law of both leads at this look if nothing stopped.
    step : ndarray, shape (2, 2)
        Covariance of what they have gained since the last one.
    """
    turn = _TURNS[arm]
    law, added = turn @ whole @ turn.T, turn @ step @ turn.T
    middle, reach = float((turn @ mean)[1]), _REACH * math.sqrt(law[1, 1])
    width, slope = math.sqrt(added[1, 1]), added[0, 1] / added[1, 1]
    sds = width, float(slope), math.sqrt(added[0, 0] - added[0, 1] * slope)
    y, part = _panels([middle - reach, *look.kinks(arm), middle + reach], min(width, sds[2]))
    return beyond_line(y, part, look.least(arm, y), np.ascontiguousarray(centre @ turn.T), mass, sds)


def _panels(cuts: list[float], width: float) -> tuple[Floats, Floats]:
    """Return nodes and weights from the first of the cuts to the last, in pieces between them."""
    node, weight = [np.zeros(0)], [np.zeros(0)]
    for start, stop in pairwise(sorted({min(max(cut, cuts[0]), cuts[-1]) for cut in cuts})):
        x, part = legendre(2 * _AT_LEAST + math.ceil(_DENSE * (stop - start) / width))
        node.append((start + stop) / 2 + (stop - start) / 2 * x)
        weight.append((stop - start) / 2 * part)
    return np.concatenate(node), np.concatenate(weight)


def _slices(look: _Look, mean: Floats, spread: Floats, step: float) -> tuple[Floats, Floats]:
    """Return nodes, shape (nodes, 2), and weights over all leads at which the look goes on."""
    sd = np.sqrt(np.diag(spread) * look.time)
    bottom, top = mean - _REACH * sd, mean + _REACH * sd
    fine = np.sqrt(np.diag(spread) * step * (1 - spread[0, 1] ** 2 / (spread[0, 0] * spread[1, 1])))

    # Where the control, or the second variant, is no longer chosen however bad the first one is.
    ends = [-float(look.least(0, np.array([1e6 * sd.sum()]))[0] - 1e6 * sd.sum()), float(look.least(2, bottom[:1])[0])]
    bends = [*look.kinks(1), *look.least(2, look.kinks(2)), *(look.kinks(0) - look.least(0, look.kinks(0)))]
    y, part = _graded([float(bottom[1]), *bends, float(top[1])], ends, float(fine[1]))
    upper = np.minimum(look.least(1, y), top[0])
    # From where on neither the second variant nor the control is chosen.
    second = _first(lambda x: look.least(2, x) - y, float(bottom[0]), upper)
    lower = np.maximum(second, _first(lambda x: look.least(0, y - x) + x, float(bottom[0]), upper))
    nodes, weights = [np.zeros((0, 2))], [np.zeros(0)]
    whole = np.linalg.inv(spread * look.time)
    for one, weight, start, stop in zip(y, part, lower, upper, strict=True):
        if stop > start:
            x, parts = legendre(_AT_LEAST + math.ceil(_DENSE * (stop - start) / fine[0]))
            leads = np.stack([(start + stop) / 2 + (stop - start) / 2 * x, np.full(x.size, one)], axis=1)
            # Not where both leads are hardly ever together.
            near = np.einsum("ni,ij,nj->n", leads - mean, whole, leads - mean) < _REACH**2
            nodes.append(leads[near])
            weights.append((weight * (stop - start) / 2 * parts)[near])
    return np.concatenate(nodes), np.concatenate(weights)


def _first(goes_on: Callable[[Floats], Floats], bottom: float, upper: Floats) -> Floats:
    """Return the least x from which it goes on, by halving: `goes_on` rises through 0 once."""
    low, high = np.full(upper.size, bottom), np.maximum(upper, bottom)
    always = goes_on(low) >= 0
    for _ in range(_HALVINGS):
        middle = (low + high) / 2
        above = goes_on(middle) >= 0
        low, high = np.where(above, low, middle), np.where(above, middle, high)
    return np.where(always, bottom, high)


def _graded(cuts: list[float], ends: list[float], width: float) -> tuple[Floats, Floats]:
    """Return nodes and weights in pieces, close to each other near `ends`, where a slice changes without end."""
    start, stop = cuts[0], cuts[-1]
    near = 2.0 * width
    inner = [end for end in ends if start < end < stop]
    marks = [*cuts, *inner, *(end + side * near for end in inner for side in (-1, 1))]
    marks = sorted({min(max(mark, start), stop) for mark in marks})
    node, weight = [np.zeros(0)], [np.zeros(0)]
    for low, high in pairwise(marks):
        if low in inner or high in inner:
            u, part = legendre(_GRADED)
            u, part = (1 + u) / 2, part / 2
            # u^3 from the end in question.
            far = (high - low) * u**3
            node.append(low + far if low in inner else high - far)
            weight.append((high - low) * 3 * u**2 * part)
            continue
        u, part = legendre(_AT_LEAST + math.ceil(_DENSE * (high - low) / width))
        node.append((low + high) / 2 + (high - low) / 2 * u)
        weight.append((high - low) / 2 * part)
    made = np.concatenate(node)
    order = np.argsort(made)
    return made[order], np.concatenate(weight)[order]


def _carried(node: Floats, centre: Floats, mass: Floats, step: Floats) -> tuple[Floats, int]:
    """Return the density of leads at the nodes, after a step, and how many pairs it took; both in order of the second.

    Parameters
    ----------
    node, centre : ndarray, shapes (nodes, 2) and (others, 2)
        Leads after the step, and what is expected of them from those before it.
    """
    # The second lead alone, then the first one given that.
    inverse = np.linalg.inv(np.linalg.cholesky(step[::-1, ::-1]))[::-1, ::-1]
    new, old = node @ inverse.T, centre @ inverse.T
    density, pairs = spread_points(np.ascontiguousarray(new), np.ascontiguousarray(old), mass)
    return abs(float(np.linalg.det(inverse))) * density, pairs
