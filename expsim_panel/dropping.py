"""The law of tests that drop their worst variants on the way: family-wise error and critical value."""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import lru_cache

import numpy as np

from expsim_panel.checked import Floats, check_error_rate, check_information, is_real
from expsim_panel.errors import InputError, shown
from expsim_panel.kernels.special import norm_ppf

__all__ = ["drop_the_losers_critical", "drop_the_losers_error"]

WHERE = "dropping of losers"
_POINTS = 2**16
_EDGE, _DEGREE = 9.5, 96
MOST_VARIANTS = 20


def _rule(low: float, high: float, panels: int) -> tuple[Floats, Floats]:
    """Return Gauss-Legendre nodes and weights, 16 on each panel."""
    x, w = np.polynomial.legendre.leggauss(16)
    half = 0.5 * (high - low) / panels
    middles = low + half * (2 * np.arange(panels) + 1)
    return (middles[:, None] + half * x[None, :]).ravel(), np.tile(half * w, panels)


def _density(x: Floats) -> Floats:
    return np.asarray(np.exp(-0.5 * x * x) / math.sqrt(2.0 * math.pi))


def _one_drop(variants: int, left: int, t: float, bounds: Floats) -> Floats:
    """Return P(no survivor ends above a bound), for each bound: one drop to `left` at fraction `t`.

    The worst survivor lies at s: those dropped are below it, the other survivors above and still below the bound
    at the end.
    """
    from scipy.special import ndtr

    finer = max(1, math.ceil(0.4 / math.sqrt(1.0 - t)))
    s, weight = _rule(-8.0, 8.0, 4 * finer)
    root, rest = math.sqrt(t), math.sqrt(1.0 - t)
    ends = ndtr((bounds[:, None] - root * s[None, :]) / rest)
    inside = _density(s) * ndtr(s) ** (variants - left) * left * math.comb(variants, left)
    if left == 1:
        return np.asarray((ends * inside) @ weight)
    u, along = _rule(0.0, 16.0, 4 * finer)
    x = s[:, None] + u[None, :]
    above = np.empty(ends.shape)
    for i, bound in enumerate(bounds):
        above[i] = (_density(x) * ndtr((bound - root * x) / rest)) @ along
    return np.asarray((ends * inside * above ** (left - 1)) @ weight)


def _survivors(variants: int, left: tuple[int, ...], fractions: tuple[float, ...]) -> Floats:
    """Return where the last survivors stand after the last drop, shape (points, left[-1]): quasi-random paths."""
    from scipy.special import ndtri
    from scipy.stats import qmc

    drops = len(left)
    points = qmc.Sobol(variants * drops, scramble=False).random(_POINTS)
    # The same shift every time: the answer is a number, not a draw.
    points = (points + np.random.default_rng(20170312).random(variants * drops)) % 1.0
    steps = ndtri(np.clip(points, 1e-15, 1.0 - 1e-15)).reshape(_POINTS, drops, variants)
    steps *= np.sqrt(np.diff(np.array(fractions), prepend=0.0))[None, :, None]
    paths = np.cumsum(steps, axis=1)
    alive = np.tile(np.arange(variants), (_POINTS, 1))
    for k, number in enumerate(left):
        now = np.take_along_axis(paths[:, k], alive, axis=1)
        best = np.argpartition(-now, number - 1, axis=1)[:, :number]
        alive = np.take_along_axis(alive, best, axis=1)
    return np.asarray(np.take_along_axis(paths[:, -1], alive, axis=1) / math.sqrt(fractions[-1]))


@lru_cache(maxsize=64)
def _several_drops(variants: int, left: tuple[int, ...], fractions: tuple[float, ...]) -> Floats:
    """Return the Chebyshev coefficients over +-`_EDGE` of P(no survivor ends above a bound)."""
    from numpy.polynomial import chebyshev
    from scipy.special import ndtr

    stands = _survivors(variants, left, fractions)
    root, rest = math.sqrt(fractions[-1]), math.sqrt(1.0 - fractions[-1])
    at = chebyshev.chebpts1(_DEGREE + 1)
    inside = [float(ndtr((_EDGE * one - root * stands) / rest).prod(axis=1).mean()) for one in at]
    return np.asarray(chebyshev.chebfit(at, inside, _DEGREE))


def _checked(
    variants: int, left: Sequence[int], fractions: Sequence[float], ratio: float
) -> tuple[tuple[int, ...], tuple[float, ...]]:
    if not is_real(variants) or variants != int(variants) or not 1 <= variants <= MOST_VARIANTS:
        remedy = f"give a whole number, 1 to {MOST_VARIANTS}"
        raise InputError(WHERE, "variants", f"variants is {shown(variants)}", remedy)
    numbers = list(left)
    falling = all(is_real(n) and n == int(n) and n >= 1 for n in numbers) and all(
        b <= a for a, b in zip([variants, *numbers], numbers, strict=False)
    )
    if not falling:
        raise InputError(WHERE, "kept", f"kept is {shown(numbers)}", f"give numbers from {variants} down, at least 1")
    times = [] if not numbers else check_information(list(fractions), end=False).tolist()
    if len(times) != len(numbers) or (times and times[-1] >= 1.0):
        problem = f"{len(list(fractions))} times for {len(numbers)} drops"
        raise InputError(WHERE, "information", problem, "give one fraction below 1 for each drop")
    if not is_real(ratio) or ratio <= 0:
        raise InputError(WHERE, "ratio", f"ratio is {shown(ratio)}", "give a number above 0")
    # A look that drops nobody changes nothing.
    real = [(n, t) for n, t, was in zip(numbers, times, [variants, *numbers], strict=False) if n < was]
    return tuple(int(n) for n, _ in real), tuple(t for _, t in real)


def drop_the_losers_error(
    critical: float, variants: int, kept: Sequence[int], information: Sequence[float], ratio: float = 1.0
) -> float:
    """Return P(a survivor's z against control exceeds `critical`) when no variant differs from control.

    At each drop those with the largest means go on. Differences make false rejections rarer, so that this is the
    family-wise error at worst.

    Parameters
    ----------
    critical : float
        Bound on the z scale, one-sided.
    variants : int
        Number of variants beside the control, 1 to 20.
    kept : sequence of int
        How many go on after each drop, not rising.
    information : sequence of float
        A survivor's observations at each drop over its final ones, increasing, below 1.
    ratio : float
        Final observations of a survivor over those of the control.

    Notes
    -----
    One drop: quadrature, error below 1e-9. More: 65,536 quasi-random paths up to the last drop, the rest by
    quadrature; error about 1e-4 at a probability of 0.05 (measured against quadrature and 16 times the paths).

    References
    ----------
    .. [1] Thall, Simon, Ellenberg (1988), "Two-stage selection and testing designs for comparative clinical
       trials", Biometrika 75, 303-310.
    .. [2] Wason, Stallard, Bowden, Jennison (2017), "A multi-stage drop-the-losers design for multi-arm clinical
       trials", Statistical Methods in Medical Research 26, 508-524: strong control.
    """
    from scipy.special import ndtr

    left, times = _checked(variants, kept, information, ratio)
    noise, weight = _rule(-8.5, 8.5, 6)
    weight = weight * _density(noise)
    bounds = critical * math.sqrt(1.0 + ratio) + noise * math.sqrt(ratio)
    if not left:
        inside = ndtr(bounds) ** variants
    elif len(left) == 1:
        inside = _one_drop(variants, left[0], times[0], bounds)
    else:
        at = np.clip(bounds / _EDGE, -1.0, 1.0)
        inside = np.clip(np.polynomial.chebyshev.chebval(at, _several_drops(variants, left, times)), 0.0, 1.0)
    return float(1.0 - inside @ weight)


@lru_cache(maxsize=256)
def _critical(
    variants: int, kept: tuple[int, ...], information: tuple[float, ...], alpha: float, ratio: float
) -> float:
    from scipy.optimize import brentq

    low, high = -norm_ppf(alpha) - 1e-3, -norm_ppf(alpha / variants) + 1e-3

    def excess(critical: float) -> float:
        return drop_the_losers_error(critical, variants, kept, information, ratio) - alpha

    return float(brentq(excess, low, high, xtol=1e-10))


def drop_the_losers_critical(
    variants: int, kept: Sequence[int], information: Sequence[float], alpha: float = 0.025, ratio: float = 1.0
) -> float:
    """Return the z bound of the survivors at the end that keeps the family-wise error at `alpha`.

    Arguments as in `drop_the_losers_error`; `alpha` is one-sided. Without a drop it is Dunnett's bound.
    """
    check_error_rate(alpha, 1, WHERE)
    _checked(variants, kept, information, ratio)
    return _critical(int(variants), tuple(kept), tuple(float(t) for t in information), float(alpha), float(ratio))
