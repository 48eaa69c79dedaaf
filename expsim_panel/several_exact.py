"""Exact operating characteristics of one test at the end of several variants against one control."""

from __future__ import annotations

import math
from functools import lru_cache

import numpy as np

from expsim_panel.checked import Floats
from expsim_panel.design import Bounds, Design

_ALONG, _ACROSS, _REACH = 64, 96, 8.5
"""Nodes over the control's mean, and over a variant's z beyond its bound; both as far as so many spreads."""


def may(design: Design) -> bool:
    """Tell whether a design judges several variants by bounds on z alone: one look of it has exact figures."""
    return type(design).rule is Design.rule


def one_bound(design: Design, planned: Bounds | None) -> bool:
    """Tell whether a design judges several variants by one bound on z at one look: then their law is known.

    Step-wise tests, t tests and rules that look more than once have rules of their own, or know more than one z.
    """
    if planned is None or not may(design):
        return False
    return planned.days.size == 1 and (planned.inner is None or not np.any(planned.inner > -np.inf))


def wins(means: Floats, sds: Floats, rows: Floats, lower: float, upper: float) -> tuple[Floats, float]:
    """Return P(each variant is found better), and P(all variants are found worse).

    The variant with the largest z is found if it is over the upper bound; all are worse if each z is below the lower
    bound. Given the control's mean the variants are independent: one integral over it, and one over the z of the
    variant that wins. Arms' means are at their large-sample law; error below 1e-9.

    Parameters
    ----------
    means, sds, rows : ndarray, shape (arms,)
        Control first; law of a row (more is better), and numbers of rows.
    lower, upper : float
        Bounds on the z scale; infinite for none.

    Returns
    -------
    wins : ndarray, shape (arms - 1,)
    low : float

    References
    ----------
    C. W. Dunnett (1955), "A multiple comparison procedure for comparing several treatments with a control", JASA 50,
    1096-1121: the same conditioning, for the bound under no difference.
    """
    from scipy.special import ndtr

    variance = sds * sds / rows
    c, weight = _legendre(_ALONG)
    c = _REACH * c
    weight = _REACH * weight * np.exp(-0.5 * c * c) / math.sqrt(2 * math.pi)
    spread = np.sqrt(variance[1:] + variance[0])
    # Law of each variant's z given the control: shape (variants, nodes), and one standard deviation each.
    centre = (means[1:, None] - means[0] - math.sqrt(variance[0]) * c) / spread[:, None]
    own = np.sqrt(variance[1:]) / spread
    low = float(weight @ np.prod(ndtr((lower - centre) / own[:, None]), axis=0)) if lower > -math.inf else 0.0
    node, part = _legendre(_ACROSS)
    found = np.zeros(own.size)
    for j in range(own.size):
        start = np.maximum(upper, centre[j] - _REACH * own[j])
        half = np.maximum(centre[j] + _REACH * own[j] - start, 0.0) / 2
        z = start + half * (1 + node[:, None])
        x = (z - centre[j]) / own[j]
        density = np.exp(-0.5 * x * x) / (math.sqrt(2 * math.pi) * own[j])
        for i in range(own.size):
            if i != j:
                density = density * ndtr((z - centre[i]) / own[i])
        found[j] = float((part @ density * half) @ weight)
    # What the rounding of the rule adds is no chance.
    whole = max(1.0, float(found.sum()) + low)
    return found / whole, low / whole


@lru_cache(maxsize=4)
def _legendre(nodes: int) -> tuple[Floats, Floats]:
    """Return Gauss-Legendre nodes and weights on [-1, 1]."""
    found = np.polynomial.legendre.leggauss(nodes)
    return np.asarray(found[0]), np.asarray(found[1])
