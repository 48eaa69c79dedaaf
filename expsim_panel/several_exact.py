"""Exact operating characteristics of one test at the end of several variants against one control."""

from __future__ import annotations

import math
from functools import lru_cache
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from expsim_panel.checked import Floats
from expsim_panel.contests import Contest
from expsim_panel.design import Bounds, Design, Setting

if TYPE_CHECKING:
    from expsim_panel.row_law import Law

ALONG, REACH = 64, 8.5
"""Nodes over the control's mean, and how many spreads it and a variant's z reach."""
_ACROSS = 96
"""Nodes over a variant's z beyond its bound."""


UNKNOWN = "no exact value for more than two arms"
SLOW = "no exact value: so many looks at so many variants take too long"


class Won(NamedTuple):
    """What a test of several variants finds.

    Attributes
    ----------
    wins : ndarray, shape (variants,)
        P(each variant is found, with the largest z of all).
    low : float
        P(all variants are found worse).
    every : float
        P(every variant that is truly better is found); nan where none is, or only the first finding is known.
    looks : tuple of four ndarray, shape (looks,), or None
        Days (from 1), P(found worse), P(gives up) and P(found better) on each, of a test that looks more than once.
    """

    wins: Floats
    low: float
    every: float
    looks: tuple[np.ndarray, Floats, Floats, Floats] | None = None


class Shared(NamedTuple):
    """The variants' z given the control's mean, of which they are independent.

    Attributes
    ----------
    weight : ndarray, shape (nodes,)
        Of the control's means.
    centre : ndarray, shape (variants, nodes)
        Mean of each z there.
    own : ndarray, shape (variants,)
        Standard deviation of each z there.
    """

    weight: Floats
    centre: Floats
    own: Floats

    def below(self, variant: int, z: Floats | float) -> Floats:
        """Return P(a variant's z is below some value), by the control's mean on the last axis."""
        from scipy.special import ndtr

        return np.asarray(ndtr((z - self.centre[variant]) / self.own[variant]))

    def above(self, variant: int, z: Floats | float) -> Floats:
        """Return P(a variant's z is above some value), by the control's mean on the last axis."""
        from scipy.special import ndtr

        return np.asarray(ndtr((self.centre[variant] - z) / self.own[variant]))


def may(design: Design) -> bool:
    """Tell whether a design may have exact figures with several variants."""
    kind = type(design)
    return kind.rule is Design.rule or kind.won is not Design.won or kind.contest is not Design.contest


def one_look(planned: Bounds, setting: Setting) -> bool:
    """Tell whether bounds are one look on the last day, without inner bounds."""
    return planned.days.tolist() == [setting.days] and (planned.inner is None or not np.any(planned.inner > -np.inf))


def by_contest(asked: Contest, setting: Setting, law: Law, patient: bool) -> Won | str:
    """Return what bounds on z find, at one look or several; or why that is not known."""
    if not asked.once(setting):
        return _at_looks(asked, setting, law, patient)
    rows = setting.rows[-1] if asked.rows is None else asked.rows[-1]
    given = shared(law.means[0], law.sds[0], rows)
    found, low = wins(given, asked)
    better = np.flatnonzero(law.effects[0, 1:] > 0)
    if not better.size:
        return Won(found, low, math.nan)
    every = np.prod([given.above(int(i), float(asked.upper[0, i])) for i in better], axis=0) @ given.weight
    return Won(found, low, float(every))


def few_rows(rows: Floats) -> str:
    """Return why looks at these rows, shape (looks, arms), have no exact figures; empty if they may have."""
    if np.any(rows < 2):
        return "no exact value: a look sees fewer than two scored responses"
    return "no exact value: a look sees no more than the one before" if np.any(np.diff(rows, axis=0) <= 0) else ""


def _at_looks(asked: Contest, setting: Setting, law: Law, patient: bool) -> Won | str:
    from expsim_panel.several_looks import PATIENT, QUICK, stopped

    rows = setting.rows[asked.days - 1] if asked.rows is None else asked.rows
    absent = few_rows(rows)
    if absent:
        return absent
    found = stopped(law.means[0], law.sds[0], rows, asked, PATIENT if patient else QUICK)
    if found is None:
        return SLOW
    looks = asked.days, found.low, found.idle, found.wins.sum(axis=1)
    return Won(found.wins.sum(axis=0), float(found.low.sum()), math.nan, looks)


def shared(means: Floats, sds: Floats, rows: Floats) -> Shared:
    """Return the law of each variant's z given the control.

    Parameters
    ----------
    means, sds, rows : ndarray, shape (arms,)
        Control first; law of a row (more is better), and numbers of rows.
    """
    variance = sds * sds / rows
    c, weight = legendre(ALONG)
    c = REACH * c
    weight = REACH * weight * np.exp(-0.5 * c * c) / math.sqrt(2 * math.pi)
    spread = np.sqrt(variance[1:] + variance[0])
    centre = (means[1:, None] - means[0] - math.sqrt(variance[0]) * c) / spread[:, None]
    return Shared(weight, centre, np.sqrt(variance[1:]) / spread)


def wins(given: Shared, asked: Contest) -> tuple[Floats, float]:
    """Return P(each variant is found better), and P(all variants are found worse), at the only look.

    The variant that ranks highest of those over their bounds is found; all are worse if each z is below its lower
    bound. Given the control's mean the variants are independent: one integral over it, and one over the z of the
    variant that wins. Arms' means are at their large-sample law; error below 1e-9.

    Returns
    -------
    wins : ndarray, shape (variants,)
    low : float

    References
    ----------
    C. W. Dunnett (1955), "A multiple comparison procedure for comparing several treatments with a control", JASA 50,
    1096-1121: the same conditioning, for the bound under no difference.
    """
    centre, own, weight = given.centre, given.own, given.weight
    variants = range(own.size)
    low = float(weight @ np.prod([given.below(i, float(asked.lower[0, i])) for i in variants], axis=0))
    node, part = legendre(_ACROSS)
    found = np.zeros(own.size)
    for j in variants:
        for least, most in asked.pieces(0, j):
            start = np.maximum(least, centre[j] - REACH * own[j])
            half = np.maximum(np.minimum(most, centre[j] + REACH * own[j]) - start, 0.0) / 2
            z = start + half * (1 + node[:, None])
            x = (z - centre[j]) / own[j]
            density = np.exp(-0.5 * x * x) / (math.sqrt(2 * math.pi) * own[j])
            for i in variants:
                if i != j:
                    density = density * given.below(i, asked.rival(0, j, i, z))
            found[j] += float((part @ density * half) @ weight)
    # What the rounding of the rule adds is no chance.
    whole = max(1.0, float(found.sum()) + low)
    return found / whole, low / whole


@lru_cache(maxsize=256)
def legendre(nodes: int) -> tuple[Floats, Floats]:
    """Return Gauss-Legendre nodes and weights on [-1, 1]."""
    found = np.polynomial.legendre.leggauss(nodes)
    return np.asarray(found[0]), np.asarray(found[1])
