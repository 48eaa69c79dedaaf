"""Stage-wise estimates of thousands of simulated experiments at once, from tables solved beforehand.

One experiment is solved by `stagewise`; here the tail probability and the median-unbiased estimate are smooth
functions of z and of the drift at each look, which Chebyshev polynomials give to about 1e-6.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.polynomial import chebyshev

from expsim_panel.checked import Floats
from expsim_panel.design import Design, Setting
from expsim_panel.kernels.ordering import drifts_at, going_on, tails_at, tails_before
from expsim_panel.mean_ordering import medians_by_mean, tails_by_mean
from expsim_panel.overrun import overrun
from expsim_panel.stagewise import looks_of

__all__ = ["Adjusted", "adjusted"]

MOST_LOOKS = 60
"""The work grows with the square of the looks."""
_ALONG_Z, _ALONG_DRIFT = 25, 5
_ALONG_EARLIER = 14
_MOST_POINTS = 49
_FAR = 6.0
"""An end further than this from its mean, in standard errors, has a tail probability of 0 or 1 here."""


@dataclass(frozen=True)
class Adjusted:
    """Stage-wise answers by experiment, arrays (replicates,).

    Attributes
    ----------
    tail : ndarray
        P(an end at least as far up) under the true effect: uniform. An interval of level L holds the truth where
        it lies within (1 - L) / 2 and (1 + L) / 2. nan without a standard error.
    estimate : ndarray
        Median-unbiased estimate of the experiments that were asked for, metric units; nan for the others.
    """

    tail: Floats
    estimate: Floats


def adjusted(
    design: Design,
    setting: Setting,
    ended: np.ndarray,
    effect: Floats,
    se: Floats,
    truth: float,
    wanted: np.ndarray,
    code: np.ndarray | None = None,
) -> Adjusted | str:
    """Return the stage-wise tails and estimates of experiments of two arms; or why there are none.

    Parameters
    ----------
    design, setting
        The design, and what it knew when it was planned.
    ended : int ndarray, shape (replicates,)
        Day (from 1) on which each experiment ended.
    effect, se : ndarray, shape (replicates,)
        Plain estimates and their standard errors.
    truth : float
        The true effect of all of them.
    wanted : bool ndarray, shape (replicates,)
        Whose estimate is needed.
    code : int ndarray, shape (replicates,), optional
        Where outcomes are late, how each experiment stopped (below 0: downwards); `effect` and `se` are of the final
        data.
    """
    if code is not None:
        return _overrun(design, setting, ended, effect, se, truth, wanted, code)
    table = looks_of(design, setting)
    if isinstance(table, str):
        return table
    days, t, lower, inner, upper = table
    if days.size > MOST_LOOKS:
        return f"no stage-wise estimates of more than {MOST_LOOKS} looks in a simulation"
    if inner is not None:
        return _by_mean((t, lower, inner, upper), days, ended, effect, se, truth, wanted)
    paths = going_on(t, lower, upper)
    tail, estimate = np.full(effect.size, np.nan), np.full(effect.size, np.nan)
    usable = np.isfinite(effect) & np.isfinite(se) & (se > 0)
    for look, day in enumerate(days):
        root = float(np.sqrt(t[look]))
        mine = np.flatnonzero((ended == day) & usable)
        if mine.size:
            z, drift = effect[mine] / se[mine], truth / (se[mine] * root)
            tail[mine] = _tails(t, upper, paths, look, z, drift)
        mine = mine[wanted[mine]]
        if mine.size:
            z = effect[mine] / se[mine]
            estimate[mine] = _medians(t, upper, paths, look, z) * se[mine] * root
    return Adjusted(tail, estimate)


def _overrun(
    design: Design, setting: Setting, ended: np.ndarray, effect: Floats, se: Floats, truth: float, wanted: np.ndarray,
    code: np.ndarray,
) -> Adjusted | str:  # fmt: skip
    """Return the answers where outcomes come in after the stop."""
    found = overrun(design, setting)
    if isinstance(found, str):
        return found
    days, made = found
    tail, estimate = np.full(effect.size, np.nan), np.full(effect.size, np.nan)
    usable = np.isfinite(effect) & np.isfinite(se) & (se > 0)
    low = (code < 0) & (ended < days[-1])
    for look, day in enumerate(days):
        root = float(np.sqrt(made.final[look]))
        for side in (1, -1):
            mine = np.flatnonzero((ended == day) & usable & (low == (side < 0)))
            if not mine.size:
                continue
            tail[mine] = made.tails(look, side, effect[mine] / se[mine], truth / (se[mine] * root))
            mine = mine[wanted[mine]]
            if mine.size:
                estimate[mine] = made.drifts(look, side, effect[mine] / se[mine], 0.5) * se[mine] * root
    return Adjusted(tail, estimate)


def _by_mean(
    looks: tuple[Floats, Floats, Floats, Floats], days: np.ndarray, ended: np.ndarray, effect: Floats, se: Floats,
    truth: float, wanted: np.ndarray,
) -> Adjusted:  # fmt: skip
    """Return the answers where a look may give up in the middle: ordered by their estimates."""
    tail, estimate = np.full(effect.size, np.nan), np.full(effect.size, np.nan)
    mine = np.flatnonzero(np.isin(ended, days) & np.isfinite(effect) & np.isfinite(se) & (se > 0))
    # One unit of drift in the effect's units, by each experiment's own standard error.
    unit = np.full(effect.size, np.nan)
    unit[mine] = se[mine] * np.sqrt(looks[0][np.searchsorted(days, ended[mine])])
    tail[mine] = tails_by_mean(*looks, effect[mine] / unit[mine], truth / unit[mine])
    mine = mine[wanted[mine]]
    if mine.size:
        estimate[mine] = medians_by_mean(*looks, effect[mine] / unit[mine]) * unit[mine]
    return Adjusted(tail, estimate)


Paths = tuple[Floats, Floats, "np.ndarray"]


def _points(low: float, high: float, number: int) -> tuple[Floats, Floats]:
    """Return Chebyshev points of [-1, 1] and of [low, high]; one point where the two are the same."""
    at = chebyshev.chebpts1(number if high > low else 1)
    return at, 0.5 * (low + high) + 0.5 * (high - low) * at


def _scaled(values: Floats, low: float, high: float) -> Floats:
    return np.asarray((2.0 * values - low - high) / (high - low) if high > low else np.zeros(values.size))


def _tails(t: Floats, upper: Floats, paths: Paths, look: int, z: Floats, drift: Floats) -> Floats:
    """Return the tail probability of every (z, drift) at a look, from a grid of both."""
    root = np.sqrt(t[look])
    if z.size <= _ALONG_Z * _ALONG_DRIFT:
        return np.asarray(_before(t, upper, paths, look, drift) + tails_at(t, *paths, look, z, drift))
    # Around its mean z looks the same for neighbouring drifts.
    off = np.clip(z - drift * root, -_FAR, _FAR)
    ends = (float(off.min()), float(off.max())), (float(drift.min()), float(drift.max()))
    near_unit, near = _points(*ends[0], _ALONG_Z)
    drift_unit, at = _points(*ends[1], _ALONG_DRIFT)
    grid_off, grid_drift = (grid.ravel() for grid in np.meshgrid(near, at, indexing="ij"))
    values = tails_at(t, *paths, look, grid_off + grid_drift * root, grid_drift).reshape(near.size, at.size)
    values = tails_before(t, upper, *paths, look, at) + values
    # Coefficients along one axis, then along the other.
    first = chebyshev.chebfit(near_unit, values, near.size - 1)
    both = chebyshev.chebfit(drift_unit, first.T, at.size - 1).T
    rows = chebyshev.chebvander(_scaled(off, *ends[0]), near.size - 1) @ both
    return np.asarray(np.einsum("ij,ij->i", rows, chebyshev.chebvander(_scaled(drift, *ends[1]), at.size - 1)))


def _before(t: Floats, upper: Floats, paths: Paths, look: int, drift: Floats) -> Floats:
    """Return P(a stop high before a look) under every drift: exactly, or from a polynomial to 1e-14."""
    low, high = float(drift.min()), float(drift.max())
    if low == high:
        return np.repeat(tails_before(t, upper, *paths, look, drift[:1]), drift.size)
    # It is smooth on the scale of one standard error.
    if drift.size <= _ALONG_EARLIER or (high - low) * np.sqrt(t[look]) > 1.0:
        return np.asarray(tails_before(t, upper, *paths, look, drift))
    unit, at = _points(low, high, _ALONG_EARLIER)
    fitted = chebyshev.chebfit(unit, tails_before(t, upper, *paths, look, at), at.size - 1)
    return np.asarray(chebyshev.chebval(_scaled(drift, low, high), fitted))


def _medians(t: Floats, upper: Floats, paths: Paths, look: int, z: Floats) -> Floats:
    """Return the drift whose median end at a look each z is."""
    low, high = float(z.min()), float(z.max())
    number = min(7 + int(np.ceil(4 * (high - low))), _MOST_POINTS)
    if z.size <= number:
        order = np.argsort(z)
        found = np.empty(z.size)
        found[order] = drifts_at(t, upper, *paths, look, z[order], 0.5)
        return found
    unit, at = _points(low, high, number)
    values = drifts_at(t, upper, *paths, look, at, 0.5)
    fitted = chebyshev.chebfit(unit, values, at.size - 1)
    return np.asarray(chebyshev.chebval(_scaled(z, low, high), fitted))
