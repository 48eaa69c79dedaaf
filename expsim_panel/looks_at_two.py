"""Several looks at two variants that share a control: where the test ends, by a recursion over both z at once."""

from __future__ import annotations

import math
from itertools import pairwise
from typing import NamedTuple

import numpy as np

from expsim_panel.checked import Floats

MOST_LOOKS = 10
"""Looks up to which the recursion takes less than a second."""
_SHARED, _REACH = 20, 7.0
"""Nodes over what the control adds between two looks, for a variant that it decides little of, and standard deviations
that everything reaches."""
_LEAST, _PER_SPREAD = 10, 1.4
"""Nodes on a piece between two bounds: at least so many, and so many for each standard deviation of a step."""


class TwoStops(NamedTuple):
    """Where a test of two variants ends.

    Attributes
    ----------
    wins : ndarray, shape (looks, 2)
        P(stops for each variant) at each look.
    low : ndarray, shape (looks,)
        P(stops because both are below the lower bound).
    """

    wins: Floats
    low: Floats


def two_variants(
    means: Floats, sds: Floats, rows: Floats, time: Floats, lower: Floats, upper: Floats, fine: float = 1.0
) -> TwoStops:
    """Return where a table of z bounds ends a test of two variants.

    It stops for the variant with the largest z if that is over the upper bound, and low if both are below the lower
    one. On the scale of z times the root of time both are random walks; given what the control adds between two looks
    their steps are independent, so that a step of the joint density is two products of matrices for each value of it.
    Arms' means are at their large-sample law; error below 1e-8.

    Parameters
    ----------
    means, sds, rows : ndarray, shape (3,)
        Control first; law of a row (more is better), and numbers of rows at the last look.
    time : ndarray, shape (looks,)
        Share of the information at each look; the last is 1.
    lower, upper : ndarray, shape (looks,)
        z bounds, infinite for none.
    fine : float
        Multiplies the numbers of nodes.

    References
    ----------
    P. Armitage, C. K. McPherson, B. C. Rowe (1969), JRSS A 132, 235-244, for one variant.
    """
    from scipy.special import ndtr

    variance = sds**2 / rows
    spread = np.sqrt(variance[1:] + variance[0])
    drift = (means[1:] - means[0]) / spread
    own, common = np.sqrt(variance[1:]) / spread, -math.sqrt(variance[0]) / spread
    # The less rows a control has, the more its step says of both: the narrower is what is integrated.
    sharp = math.sqrt(1.0 + float((common**2 / own**2).sum()))
    unit, part = np.polynomial.legendre.leggauss(math.ceil(_SHARED * sharp * fine))
    control = _REACH * unit
    chance = _REACH * part * np.exp(-0.5 * control**2) / math.sqrt(2 * math.pi)
    wins, low = np.zeros((time.size, 2)), np.zeros(time.size)
    at, density = (np.zeros(1), np.zeros(1)), np.ones((1, 1))
    steps = np.diff(time, prepend=0.0)
    for k, (now, step) in enumerate(zip(time, steps, strict=True)):
        root = math.sqrt(step)
        bound, floor = upper[k] * math.sqrt(now), lower[k] * math.sqrt(now)
        # Nodes must resolve this step and the next one.
        narrow = math.sqrt(min(step, steps[k + 1])) if k + 1 < time.size else root
        ahead = [_over(bound, drift[i] * now, math.sqrt(now), own[i] * root, fine) for i in (0, 1)]
        inside = [_nodes(floor, bound, drift[i] * now, math.sqrt(now), own[i] * narrow, fine) for i in (0, 1)]
        found = np.zeros((inside[0][0].size, inside[1][0].size))
        for c, weight in zip(control, chance, strict=True):
            # Of what each variant is now, given what it was and what the control adds.
            centre = [at[i] + drift[i] * step + common[i] * root * c for i in (0, 1)]
            scale = own * root

            def law(i: int, x: Floats, centre: list[Floats] = centre, scale: Floats = scale) -> Floats:
                z = (x[:, None] - centre[i]) / scale[i]
                return np.asarray(np.exp(-0.5 * z * z) / (math.sqrt(2 * math.pi) * scale[i]))

            def below(i: int, x: Floats, centre: list[Floats] = centre, scale: Floats = scale) -> Floats:
                return np.asarray(ndtr((x[:, None] - centre[i]) / scale[i]))

            for i in (0, 1):
                x, weights = ahead[i]
                joint = density if i == 0 else density.T
                wins[k, i] += weight * float(weights @ ((law(i, x) @ joint) * below(1 - i, x)).sum(axis=1))
            if floor > -math.inf:
                edge = np.array([floor])
                low[k] += weight * float((below(0, edge) @ density @ below(1, edge).T)[0, 0])
            if k + 1 < time.size:
                found += weight * (law(0, inside[0][0]) @ density @ law(1, inside[1][0]).T)
        # Both below the lower bound: it has stopped.
        found[np.ix_(inside[0][0] < floor, inside[1][0] < floor)] = 0.0
        density = found * np.outer(inside[0][1], inside[1][1])
        at = (inside[0][0], inside[1][0])
    return TwoStops(wins, low)


def _over(bound: float, mean: float, spread: float, step: float, fine: float) -> tuple[Floats, Floats]:
    """Return nodes and weights over a bound, as far as a walk reaches."""
    most = mean + _REACH * spread
    return _piece(max(bound, mean - _REACH * spread), most, step, fine) if bound < most else (np.zeros(0), np.zeros(0))


def _nodes(floor: float, bound: float, mean: float, spread: float, step: float, fine: float) -> tuple[Floats, Floats]:
    """Return nodes and weights below a bound, split at the lower one."""
    least, most = mean - _REACH * spread, min(mean + _REACH * spread, bound)
    cuts = [least, *([floor] if least < floor < most else []), max(most, least)]
    pieces = [_piece(low, high, step, fine) for low, high in pairwise(cuts)]
    return np.concatenate([x for x, _ in pieces]), np.concatenate([w for _, w in pieces])


def _piece(low: float, high: float, step: float, fine: float) -> tuple[Floats, Floats]:
    size = math.ceil(fine * (_LEAST + _PER_SPREAD * (high - low) / step))
    unit, part = np.polynomial.legendre.leggauss(size)
    half = (high - low) / 2
    return low + half * (1 + unit), half * part
