"""What comes between a response's quality and a judge's score: panels, refusals, a favourite score.

Closed forms on arrays (..., arms); the control comes first.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import lru_cache

import numpy as np
import numpy.typing as npt


def panel_factor(judges: int, correlation: float) -> float:
    """Return the error variance of the mean of k judges over that of one: ``(1 + (k - 1) r) / k``."""
    return (1 + (judges - 1) * correlation) / judges


@lru_cache(maxsize=4096)
def majority(rate: float, votes: int, correlation: float = 0.0) -> float:
    """Return P(most of k voters say yes) when each does with probability `rate`.

    Crossed probit: voter j says yes iff ``sqrt(r) g + sqrt(1 - r) h_j`` is below the quantile of `rate`, with g common
    to all and h_j their own, so that two voters' errors have the latent correlation r.

    Parameters
    ----------
    rate : float
        0 to 1.
    votes : int
        k, odd.
    correlation : float
        r, 0 to 1.
    """
    need = votes // 2 + 1

    if correlation == 0:
        return math.fsum(math.comb(votes, k) * rate**k * (1 - rate) ** (votes - k) for k in range(need, votes + 1))

    def most(p: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
        terms = [math.comb(votes, k) * p**k * (1 - p) ** (votes - k) for k in range(need, votes + 1)]
        return np.asarray(sum(terms))

    return _over_common(most, rate, votes, correlation)


@lru_cache(maxsize=4096)
def unanimous(rate: float, votes: int, correlation: float = 0.0) -> float:
    """Return P(all of k voters say yes); see `majority`."""
    return _over_common(lambda p: p**votes, rate, votes, correlation)


@lru_cache(maxsize=4096)
def wide_range(gap: float, sd: float, votes: int) -> float:
    """Return P(highest less lowest of k independent normals exceeds `gap`).

    ``1 - k int phi(z) [Phi(z + w) - Phi(z)]^(k - 1) dz``, w the gap in SDs.

    References
    ----------
    H. O. Hartley (1942), "The range in random samples", Biometrika 32, 334-348.
    """
    from scipy.special import ndtr

    if votes < 2 or sd <= 0:
        return 0.0
    z = np.linspace(-9.0, 9.0, 3601)
    density = np.exp(-z * z / 2) / math.sqrt(2 * math.pi)
    inside = density * (ndtr(z + gap / sd) - ndtr(z)) ** (votes - 1)
    return float(min(max(1 - votes * inside.sum() * (z[1] - z[0]), 0.0), 1.0))


def _over_common(
    chance: Callable[[npt.NDArray[np.float64]], npt.NDArray[np.float64]], rate: float, votes: int, correlation: float
) -> float:
    """Average a probability given the voters' own rate over what they have in common."""
    from scipy.special import ndtr, ndtri

    if votes == 1 or rate in (0.0, 1.0) or correlation == 1:
        return float(rate)
    if correlation == 0:
        return float(chance(np.array(float(rate))))
    # The integrand is smooth in g; where r is near 1 it is a step, which the fine grid resolves.
    g = np.linspace(-8.5, 8.5, 4001)
    own = ndtr((ndtri(rate) - math.sqrt(correlation) * g) / math.sqrt(1 - correlation))
    weight = np.exp(-g * g / 2)
    return float((weight * chance(own)).sum() / weight.sum())


def judged_quality(
    means: np.ndarray, sds: np.ndarray, refusals: float, correlation: float
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return mean and SD of the quality of responses that get a score, and the share that does.

    A response is scored iff ``h + d (q - mean) / s + sqrt(1 - d^2) e > 0``, e standard normal: with d the correlation
    of quality and being scored, ``E[q | scored] = mean + s d lambda`` and ``Var = s^2 [1 - d^2 lambda (lambda + h)]``,
    ``lambda = phi(h) / Phi(h)``. ``h = Phi^-1(1 - refusals)`` for the control; elsewhere it moves by d times the
    difference of means in SDs.

    Parameters
    ----------
    refusals, correlation : float
        Share of the control's responses without a score; d.

    References
    ----------
    Heckman (1979), Econometrica 47, 153-161: the moments of a normal under selection.
    """
    from scipy.special import log_ndtr, ndtr, ndtri

    if refusals == 0:
        return means, sds, np.ones(np.shape(means))
    safe = np.where(sds > 0, sds, 1.0)
    h = float(ndtri(1 - refusals)) + correlation * (means - means[..., :1]) / safe
    ratio = np.exp(-h * h / 2 - log_ndtr(h)) / math.sqrt(2 * math.pi)
    left = np.maximum(1 - correlation**2 * ratio * (ratio + h), 0.0)
    return means + sds * correlation * ratio, sds * np.sqrt(left), ndtr(h)


def asked(refusals: float) -> float:
    """Return the responses asked about for one score."""
    return 1 / (1 - float(refusals))


def answered(means: np.ndarray, sds: np.ndarray, refusals: float, correlation: float, binary: bool) -> np.ndarray:
    """Return the share of responses that get a score, shape of `means`; see `judged_quality`."""
    if binary:
        one, none = judged_rates(means, refusals, correlation)
        return np.asarray(means * one + (1 - means) * none)
    return np.asarray(judged_quality(means, sds, refusals, correlation)[2] + 0 * means)


def judged_rates(means: np.ndarray, refusals: float, correlation: float) -> tuple[np.ndarray, np.ndarray]:
    """Return P(scored | truth 1) and P(scored | truth 0), shape of `means`, for rates.

    A probit in the standardised truth of the control, whose slope is ``d / sqrt(1 - d^2)``; solved for the control's
    share of refusals.
    """
    from scipy.special import ndtr

    shape = np.shape(means)
    if refusals == 0:
        return np.ones(shape), np.ones(shape)
    if correlation == 0:
        return np.full(shape, 1 - refusals), np.full(shape, 1 - refusals)
    p = np.clip(means[..., :1], 1e-9, 1 - 1e-9)
    slope = correlation / math.sqrt(1 - correlation**2)
    up, down = (slope * (truth - p) / np.sqrt(p * (1 - p)) for truth in (1.0, 0.0))
    reach = 10.0 + np.abs(up) + np.abs(down)
    low, high = -reach, reach
    for _ in range(80):
        middle = (low + high) / 2
        small = p * ndtr(middle + up) + (1 - p) * ndtr(middle + down) < 1 - refusals
        low, high = np.where(small, middle, low), np.where(small, high, middle)
    one, none = (np.broadcast_to(ndtr(low + at), shape) for at in (up, down))
    return one, none


def piled_up(
    offset: np.ndarray,
    slope: np.ndarray,
    noise: np.ndarray,
    means: np.ndarray,
    sds: np.ndarray,
    share: float,
    at: float,
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return offset, slope and noise of scores of which a random `share` is the favourite score `at`.

    ``E f = (1 - w) m + w c``, ``Var f = (1 - w) v + w (1 - w) (m - c)^2``, and ``Cov(q, f)`` falls by ``1 - w``.
    """
    if share == 0:
        return offset, slope, noise
    centre, own = offset + slope * means, slope**2 * sds**2
    whole = (1 - share) * (own + noise**2) + share * (1 - share) * (centre - at) ** 2
    left = np.sqrt(np.maximum(whole - (1 - share) ** 2 * own, 0.0))
    return (1 - share) * offset + share * at, (1 - share) * slope, left
