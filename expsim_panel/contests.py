"""What a rule asks of each of several variants at every look, where variants need not be alike."""

from __future__ import annotations

import math
from collections.abc import Callable
from itertools import pairwise
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from expsim_panel.checked import Floats
from expsim_panel.design import Bounds, Setting

if TYPE_CHECKING:
    from expsim_panel.row_law import Law

Level = Callable[[int, int, int, Floats], Floats]
"""By look, variant, another variant and z of the first: z of the other that ranks as high. Rising in z."""

_APART = 1e-9
"""z values nearer than this are the same bound, rounded."""


class Contest(NamedTuple):
    """Bounds of every variant's z against the control, and who wins where several pass.

    Attributes
    ----------
    days : int ndarray, shape (looks,)
        Day (from 1) at whose end the look happens.
    lower, upper : ndarray, shape (looks, variants)
        It stops for the variant that ranks highest of those above their upper bound; low if all are below theirs.
    inner : tuple of two ndarray, shape (looks, variants), or None
        Least and largest z within which it gives up.
    strict : bool
        Whether it gives up only if all are within; otherwise also if the rest are below their lower bounds.
    level : callable or None
        Who ranks as high as whom; None: by z.
    rows : ndarray, shape (looks, arms), or None
        Rows that the z are of, by each look; None: all that are known by then.
    """

    days: np.ndarray
    lower: Floats
    upper: Floats
    inner: tuple[Floats, Floats] | None = None
    strict: bool = False
    level: Level | None = None
    rows: Floats | None = None

    def rival(self, look: int, winner: int, other: int, z: Floats) -> Floats:
        """Return the z that another variant must stay below for the winner at some z to win."""
        same = z if self.level is None else self.level(look, winner, other, z)
        return np.asarray(np.maximum(same, self.upper[look, other]))

    def pieces(self, look: int, winner: int) -> list[tuple[float, float]]:
        """Return intervals of the winner's z, from its bound on, within which `rival` has no kink."""
        start = float(self.upper[look, winner])
        cuts = [start]
        for other in range(self.upper.shape[1]):
            bound = self.upper[look, other]
            if other == winner or not np.isfinite(bound):
                continue
            kink = bound if self.level is None else self.level(look, other, winner, np.array([bound]))[0]
            if np.isfinite(kink) and kink > start + _APART:
                cuts.append(float(kink))
        return list(pairwise([*sorted(set(cuts)), math.inf]))

    def once(self, setting: Setting) -> bool:
        """Tell whether it is one look on the last day, without inner bounds."""
        return self.days.tolist() == [setting.days] and (self.inner is None or not np.any(self.inner[1] > -np.inf))


def everyone(planned: Bounds, variants: int) -> Contest:
    """Return the contest of bounds that hold for every variant."""
    lower, upper = (np.repeat(bound[:, None], variants, axis=1) for bound in (planned.lower, planned.upper))
    inner = None
    if planned.inner is not None:
        width = np.repeat(planned.inner[:, None], variants, axis=1)
        inner = -width, width
    return Contest(planned.days, lower, upper, inner)


def at_the_end(setting: Setting, critical: float, sides: int, scale: Floats) -> Contest:
    """Return one look at statistics that are z over a scale of each variant, shape (variants,)."""
    upper = critical * scale[None]
    lower = -upper if sides == 2 else np.full_like(upper, -np.inf)
    nothing = np.zeros_like(upper)
    return Contest(np.array([setting.days]), lower, upper, level=by_line(1 / scale[None], nothing))


def by_line(slope: Floats, offset: Floats) -> Level | None:
    """Return who ranks as high by ``slope z + offset``, shape (looks, variants); None where all are alike."""
    if np.all(slope == slope[:, :1]) and np.all(offset == offset[:, :1]):
        return None

    def level(look: int, winner: int, other: int, z: Floats) -> Floats:
        return np.asarray((slope[look, winner] * z + offset[look, winner] - offset[look, other]) / slope[look, other])

    return level


def variances(setting: Setting, law: Law, days: np.ndarray) -> Floats:
    """Return the variance of every variant's difference to the control on some days, shape (days, variants)."""
    each = law.sds[0] ** 2 / setting.rows[days - 1]
    return np.asarray(each[:, 1:] + each[:, :1])
