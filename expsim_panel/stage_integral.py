"""One integral over what is known on the way: how often a test rejects later, given a first result."""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import lru_cache

import numpy as np

from expsim_panel.checked import Floats

_NODES, _REACH = 64, 9.0
"""Gauss-Legendre nodes on every piece, and how far a standard normal reaches."""


def beyond(
    start: float, stop: float, turn: float, steep: float, side: int, given: Callable[[Floats], Floats] | None = None
) -> float:
    """Return the integral of ``phi(x) Phi(side (x - turn) / steep)``, times `given`, from `start` to `stop`.

    The chance of a later rejection, where x is a standard normal first result: it turns at `turn`, over a width of
    `steep` (0: at once). Error below 1e-12 where `given` changes no faster than the normal density.

    Parameters
    ----------
    side : int
        1 for above, -1 for below.
    given : callable, optional
        Factor by x, such as the chance that the test is made then.
    """
    from scipy.special import ndtr

    start, stop = max(start, -_REACH), min(stop, _REACH)
    if stop <= start:
        return 0.0
    cuts = np.unique(np.clip([start, turn - _REACH * steep, turn, turn + _REACH * steep, stop, 0.0], start, stop))
    half = np.diff(cuts)[:, None] / 2
    node, part = _rule()
    x = cuts[:-1, None] + half * (1 + node)
    with np.errstate(divide="ignore"):
        chance = ndtr(side * (x - turn) / steep) * np.exp(-0.5 * x * x) / math.sqrt(2 * math.pi)
    if given is not None:
        chance = chance * given(x)
    return float(((chance * half) @ part).sum())


@lru_cache(maxsize=1)
def _rule() -> tuple[Floats, Floats]:
    """Return Gauss-Legendre nodes and weights on [-1, 1]."""
    found = np.polynomial.legendre.leggauss(_NODES)
    return np.asarray(found[0]), np.asarray(found[1])
