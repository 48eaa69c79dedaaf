"""The true type I error of a table of z bounds on rates with few units: every pair of counts with its probability."""

from __future__ import annotations

from functools import lru_cache

import numpy as np

from expsim_panel.checked import Floats

LEAST_EVENTS = 20.0
"""Expected events (or units without one, whichever are fewer) of an arm at a look from which the normal law does."""
MOST_LOOKS = 20
_LEFT_OUT = 1e-10
_MOST_COUNTS = 600


def expected_events(rate: float, rows: Floats) -> float:
    """Return the fewest events, or units without one, that an arm can expect at the first look.

    Parameters
    ----------
    rate : float
        Chance of an event, 0 to 1.
    rows : ndarray, shape (looks, 2)
        Rows of both arms at each look.
    """
    return float(min(rate, 1 - rate) * rows[0].min())


def true_level(
    rate: float, rows: Floats, lower: Floats, upper: Floats, futility: bool = False, inner: Floats | None = None
) -> float | None:
    """Return the exact chance that a table rejects where both arms have the same rate; None where it takes too long.

    The statistic is the unpooled (Wald) z, 0 where no variance can be seen. The law of both arms' counts is carried
    from look to look, without what has stopped.

    Parameters
    ----------
    rate : float
        Chance of an event, 0 to 1.
    rows : ndarray, shape (looks, 2)
        Whole numbers of rows of control and variant at each look, increasing.
    lower, upper : ndarray, shape (looks,)
        z bounds.
    futility : bool
        Whether a stop below is for futility and rejects nothing.
    inner : ndarray, shape (looks,), or None
        Half width around z = 0 within which it gives up; -inf for none.

    References
    ----------
    A. Agresti, B. Caffo (2000), The American Statistician 54, 280-288, for one look; P. Armitage, C. K. McPherson,
    B. C. Rowe (1969), JRSS A 132, 235-244, for the recursion.
    """
    # The rarer answer is counted: the statistic only changes its sign.
    rare = min(rate, 1 - rate)
    turned = rare != rate
    low, high = (-upper, -lower) if turned else (lower, upper)
    key = tuple(map(tuple, np.rint(rows).astype(int).tolist()))
    within = None if inner is None else tuple(inner.tolist())
    return _level(float(rare), key, tuple(low.tolist()), tuple(high.tolist()), futility, turned, within)


@lru_cache(maxsize=128)
def _level(
    rate: float, rows: tuple[tuple[int, int], ...], lower: tuple[float, ...], upper: tuple[float, ...],
    futility: bool, turned: bool, inner: tuple[float, ...] | None,
) -> float | None:  # fmt: skip
    from scipy.stats import binom

    last = rows[-1]
    sizes = [int(min(binom.isf(_LEFT_OUT, n, rate) + 1, n)) + 1 for n in last]
    if max(sizes) > _MOST_COUNTS or len(rows) > MOST_LOOKS or rate == 0.0:
        return None
    law = np.zeros(sizes)
    law[0, 0] = 1.0
    before, rejected = (0, 0), 0.0
    counts = [np.arange(size) for size in sizes]
    for k, now in enumerate(rows):
        for axis in (0, 1):
            new = now[axis] - before[axis]
            law = _added(law, axis, binom.pmf(np.arange(min(new, sizes[axis] - 1) + 1), new, rate))
        before = now
        p0, p1 = counts[0] / now[0], counts[1] / now[1]
        variance = np.maximum(p0 * (1 - p0) / now[0], 0.0)[:, None] + np.maximum(p1 * (1 - p1) / now[1], 0.0)
        z = np.where(variance > 0, (p1 - p0[:, None]) / np.sqrt(np.maximum(variance, 1e-300)), 0.0)
        high, low = z > upper[k], z < lower[k]
        if not futility:
            rejected += float(law[high | low].sum())
        else:
            rejected += float(law[low if turned else high].sum())
        done = high | low
        if inner is not None:
            done |= np.abs(z) <= inner[k]
        law[done] = 0.0
    return rejected


def _added(law: Floats, axis: int, new: Floats) -> Floats:
    """Return the law of counts to which more are added along one axis; what would leave the table is left out."""
    law = np.swapaxes(law, 0, axis)
    found = np.zeros_like(law)
    for j in np.flatnonzero(new > 1e-14):
        found[j:] += new[j] * law[: law.shape[0] - j]
    return np.ascontiguousarray(np.swapaxes(found, 0, axis))
