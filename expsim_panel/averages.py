"""Figures from what thousands of experiments brought each: proportions, means and quantiles with their errors."""

from __future__ import annotations

import math

import numpy as np

from expsim_panel.results import Figure

MIN_EVENTS = 30
"""Conditional figures on fewer events than this are left blank."""

SHARES = (0.05, 0.5, 0.95)
"""Quantiles of a figure that is the mean of a distribution."""


def over_arms(values: np.ndarray) -> np.ndarray:
    """Sum over the last axis; NumPy's own `sum` is ten times slower along an axis of a few arms."""
    return np.asarray(np.einsum("...a->...", values))


def proportion(hits: np.ndarray, exact: float | None = None) -> Figure:
    """Return a proportion with its binomial standard error (never 0: at 0 or 1 of the Laplace estimate)."""
    return proportion_of(float(hits.sum()), hits.size, exact)


def proportion_of(hits: float, size: int, exact: float | None = None) -> Figure:
    """Return such a proportion from the number of hits among `size`."""
    share = hits / size
    safe = share if 0 < share < 1 else (hits + 1) / (size + 2)
    return Figure(share, float(np.sqrt(safe * (1 - safe) / size)), exact)


def mean(values: np.ndarray, exact: float | None = None, spread: bool = True) -> Figure:
    """Return a mean with its standard error and, if `spread`, the quantiles over experiments."""
    quantiles = None
    if spread:
        quantiles = {str(share): quantile for share, quantile in zip(SHARES, quantiles_of(values, SHARES), strict=True)}
    error = float(values.std(ddof=1) / np.sqrt(values.size)) if values.size > 1 else None
    reason = None if values.size > 1 else "one replicate has no standard error"
    return Figure(float(values.mean()), error, exact, quantiles, reason)


def quantiles_of(values: np.ndarray, shares: tuple[float, ...]) -> list[float]:
    """Return quantiles between the two nearest values, as NumPy's own: without what that takes for each of them."""
    last = values.size - 1
    places = [min(math.floor(share * last), max(last - 1, 0)) for share in shares]
    ranked = np.partition(values, sorted({at for place in places for at in (place, min(place + 1, last))}))
    found = []
    for share, place in zip(shares, places, strict=True):
        low, high = float(ranked[place]), float(ranked[min(place + 1, last)])
        part = share * last - place
        found.append(low + (high - low) * part if part < 0.5 else high - (high - low) * (1 - part))
    return found


def blank(reason: str) -> Figure:
    """Return an undefined figure."""
    return Figure(None, reason=reason)
