"""Tests that drop variants on the way, at any truth: chances to win, to stay and to end early.

Means of arms are at their large-sample law, normal with the true variances. What is integrated over is written at
each function; with it everything else is independent, so that the rest is closed form or one recursion a variant.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from expsim_panel.checked import Floats

_PATHS = 2**14
_FINAL, _SMOOTH = 20, 512
_BRIDGE = {2: 10, 3: 10, 4: 6, 5: 4, 6: 3}
"""Nodes of each interim mean of the control by looks: with all of them a few thousand paths."""
_NODES, _ALONG, _REACH = 32, 24, 8.0


@dataclass(frozen=True)
class Drops:
    """The law of a test that drops variants.

    Attributes
    ----------
    wins : ndarray, shape (variants,)
        P(this variant is found better).
    stays : ndarray, shape (looks, variants)
        P(it still gets traffic after a look), looks but the last.
    ends : ndarray, shape (looks,)
        P(the last variants leave at a look, and the experiment ends).
    """

    wins: Floats
    stays: Floats
    ends: Floats


def one_is_kept(means: Floats, sds: Floats, first: float, last: float, control: float, critical: float) -> Drops:
    """Return the law of: the best of several goes on at one look and is tested at the end.

    One integral over the first-stage mean of the variant that is kept, error below 1e-9.

    Parameters
    ----------
    means, sds : ndarray, shape (arms,)
        Control first; law of a row.
    first, last, control : float
        Rows of a variant at the look; rows of the survivor and of the control at the end.
    critical : float
        Bound of the survivor's z against control.

    References
    ----------
    .. [1] Thall, Simon, Ellenberg (1988), "Two-stage selection and testing designs for comparative clinical
       trials", Biometrika 75, 303-310.
    """
    from scipy.special import ndtr

    s, weight = _legendre(-8.5, 8.5, 24)
    weight = weight * np.exp(-0.5 * s * s) / math.sqrt(2 * math.pi)
    variants = means.size - 1
    wins, stays = np.empty(variants), np.empty(variants)
    for a in range(1, variants + 1):
        at = means[a] + sds[a] / math.sqrt(first) * s
        best = weight.copy()
        for b in range(1, variants + 1):
            if b != a:
                best = best * ndtr((at - means[b]) / (sds[b] / math.sqrt(first)))
        stays[a - 1] = best.sum()
        wins[a - 1] = best @ ndtr(_excess(means, sds, a, first * at, first, last, control, critical))
    return Drops(wins, stays[None], np.zeros(1))


def _excess(
    means: Floats, sds: Floats, a: int, total: Floats, seen: float, last: float, control: float, critical: float
) -> Floats:
    """Return how many standard deviations the final z lies above its bound, given a variant's sum so far."""
    bar = critical * math.sqrt(sds[a] ** 2 / last + sds[0] ** 2 / control)
    expected = (total + (last - seen) * means[a]) / last - means[0]
    rest = math.sqrt(sds[a] ** 2 * (last - seen) / last**2 + sds[0] ** 2 / control)
    return np.asarray((expected - bar) / rest)


def the_best_are_kept(
    means: Floats, sds: Floats, kept: list[int], rows: Floats, control: float, critical: float
) -> Drops:
    """Return the law of: at each look the best go on, at the end one is tested.

    16,384 quasi-random paths up to the last drop, the rest in closed form; error about 2e-4 (measured against
    `one_is_kept` and plain simulation).

    Parameters
    ----------
    kept : list of int
        How many go on after each look but the last; ends with 1.
    rows : ndarray, shape (looks,)
        Rows of a variant that stays, at each look and at the end.
    """
    from scipy.special import ndtr

    variants, looks = means.size - 1, len(kept)
    steps = np.diff(rows, prepend=0.0)
    normal = _luck(variants * looks).reshape(_PATHS, looks, variants)
    sums = np.cumsum(normal * np.sqrt(steps[:-1])[None, :, None] * sds[1:] + steps[:-1, None] * means[1:], axis=1)
    alive = np.ones((_PATHS, variants), bool)
    stays = np.empty((looks, variants))
    for k, number in enumerate(kept):
        now = np.where(alive, sums[:, k], -np.inf)
        worst = np.argsort(np.argsort(-now, axis=1), axis=1) >= number
        alive = alive & ~worst
        stays[k] = alive.mean(axis=0)
    wins = np.empty(variants)
    for a in range(variants):
        above = _excess(means, sds, a + 1, sums[:, -1, a], rows[-2], rows[-1], control, critical)
        wins[a] = np.mean(np.where(alive[:, a], ndtr(above), 0.0))
    return Drops(wins, stays, np.zeros(looks))


@lru_cache(maxsize=8)
def _luck(size: int) -> Floats:
    """Return quasi-random normal numbers, shape (paths, size): the same ones every time."""
    from scipy.special import ndtri
    from scipy.stats import qmc

    points = qmc.Sobol(size, scramble=False).random(_PATHS)
    points = (points + np.random.default_rng(20170312).random(size)) % 1.0
    return np.asarray(ndtri(np.clip(points, 1e-15, 1.0 - 1e-15)))


def by_bounds(means: Floats, sds: Floats, rows: Floats, bounds: Floats, critical: float) -> Drops:
    """Return the law of: at each look those leave whose z against control is below a bound; traffic is not moved.

    Given the control's means at all looks the variants are independent, and each follows a recursion over looks like
    that of group-sequential tests. Over the control: a product rule at two looks (error below 1e-8), quasi-random
    paths beyond, of which everything is a smooth function (error about 1e-5).

    Parameters
    ----------
    rows : ndarray, shape (looks,)
        Rows of an arm that stays, at each look and at the end.
    bounds : ndarray, shape (looks - 1,)
        On the z scale; -inf for a look that drops nobody.

    References
    ----------
    .. [1] Magirr, Jaki, Whitehead (2012), "A generalized Dunnett test for multi-arm multi-stage clinical studies with
       treatment selection", Biometrika 99, 494-501.
    """
    variants, looks = means.size - 1, rows.size
    control, weight = _control(means[0], sds[0], rows)
    stays, none = np.empty((looks - 1, variants)), np.ones((weight.size, looks - 1))
    found = []
    for a in range(1, variants + 1):
        one = _Variant(means[a], sds[a], rows, control, bounds * np.sqrt((sds[a] ** 2 + sds[0] ** 2) / rows[:-1]))
        stays[:, a - 1] = weight @ one.stays
        none *= 1.0 - one.stays
        found.append(one)
    error = np.sqrt((sds[1:] ** 2 + sds[0] ** 2) / rows[-1])
    wins = np.empty(variants)
    for a, one in enumerate(found):
        if variants == 1:
            wins[a] = weight @ one.above(control[:, -1] + critical * error[a])[:, 0]
            continue
        # Where its own final mean can lie, from the bound up; the others must be gone or lower on the z scale.
        least = np.maximum(control[:, -1] + critical * error[a], means[a + 1] - _REACH * one.scale[-1])
        most = np.maximum(least, means[a + 1] + _REACH * one.scale[-1])
        unit, along = np.polynomial.legendre.leggauss(_ALONG)
        at = 0.5 * (most + least)[:, None] + 0.5 * (most - least)[:, None] * unit
        value = one.density(at) * 0.5 * (most - least)[:, None] * along
        z = (at - control[:, -1:]) / error[a]
        for b, other in enumerate(found):
            if b != a:
                value = value * (1.0 - other.above(control[:, -1:] + z * error[b]))
        wins[a] = weight @ value.sum(axis=1)
    return Drops(wins, stays, np.diff(weight @ none, prepend=0.0))


class _Variant:
    """One variant on every path of the control: P(it stays) at each look, and the law of its final mean."""

    def __init__(self, mean: float, sd: float, rows: Floats, control: Floats, margin: Floats) -> None:
        self.mean, self.rows = mean, rows
        self.scale = sd / np.sqrt(rows)
        paths, looks = control.shape
        self.stays = np.ones((paths, looks - 1))
        unit, along = np.polynomial.legendre.leggauss(_NODES)
        # Standardised mean at the last look, on nodes above the bound, and the probability at each.
        self.at, self.mass, self.seen = np.zeros((paths, 1)), np.ones((paths, 1)), 0.0
        for k in range(looks - 1):
            if not np.isfinite(margin[k]):
                # Nobody leaves here: the next look follows from the last one that dropped.
                self.stays[:, k] = self.stays[:, k - 1] if k else 1.0
                continue
            low = np.clip((control[:, k] + margin[k] - mean) / self.scale[k], -_REACH, _REACH)
            half = 0.5 * (_REACH - low)[:, None]
            at = 0.5 * (_REACH + low)[:, None] + half * unit
            mass = half * along * self._passed(at, rows[k], density=True)
            self.at, self.mass, self.seen = at, mass, rows[k]
            self.stays[:, k] = np.minimum(mass.sum(axis=1), 1.0)

    def _passed(self, at: Floats, now: float, density: bool) -> Floats:
        """Return the density at, or the probability above, standardised means `at` after `now` rows."""
        from scipy.special import ndtr

        root, rest = math.sqrt(self.seen / now), math.sqrt(1.0 - self.seen / now)
        gap = (root * self.at[:, None, :] - at[:, :, None]) / rest
        each = np.exp(-0.5 * gap * gap) / (math.sqrt(2 * math.pi) * rest) if density else ndtr(gap)
        return np.asarray(np.einsum("pxv,pv->px", each, self.mass))

    def above(self, means: Floats) -> Floats:
        """Return P(it stays and its final mean exceeds `means`), shape (paths, points)."""
        points = means[:, None] if means.ndim == 1 else means
        return self._passed((points - self.mean) / self.scale[-1], self.rows[-1], density=False)

    def density(self, means: Floats) -> Floats:
        """Return the density of its final mean where it stays."""
        at = (means - self.mean) / self.scale[-1]
        return np.asarray(self._passed(at, self.rows[-1], density=True) / self.scale[-1])


def _control(mean: float, sd: float, rows: Floats) -> tuple[Floats, Floats]:
    """Return the control's mean at each look on paths (paths, looks), and the paths' weights.

    Its final mean, on which the tails hang, by Gauss-Hermite; the bridge that leads there by a product rule, or by
    quasi-random numbers where there are more than six looks.
    """
    looks = rows.size
    unit, along = np.polynomial.hermite_e.hermegauss(_FINAL)
    if looks == 1:
        normal, weight = np.empty((1, 0)), np.ones(1)
    elif looks in _BRIDGE:
        each, share = np.polynomial.hermite_e.hermegauss(_BRIDGE[looks])
        grids = np.meshgrid(*[each] * (looks - 1), indexing="ij")
        normal = np.stack([grid.ravel() for grid in grids], axis=1)
        shares = np.meshgrid(*[share / share.sum()] * (looks - 1), indexing="ij")
        weight = np.prod(np.stack(shares), axis=0).ravel()
    else:
        normal = _luck(looks - 1)[:_SMOOTH]
        weight = np.full(_SMOOTH, 1.0 / _SMOOTH)
    size = weight.size
    last = np.repeat(unit, size) * math.sqrt(rows[-1])
    steps = np.tile(normal, (unit.size, 1))
    sums = np.empty((last.size, looks))
    sums[:, -1] = last
    before, seen = np.zeros(last.size), 0.0
    for k in range(looks - 1):
        step, left = rows[k] - seen, rows[-1] - seen
        spread = math.sqrt(step * (rows[-1] - rows[k]) / left)
        before = before + step / left * (last - before) + spread * steps[:, k]
        sums[:, k], seen = before, rows[k]
    return mean + sd * sums / rows, np.repeat(along / along.sum(), size) * np.tile(weight, unit.size)


def bound_critical(variants: int, times: Floats, bounds: Floats, alpha: float) -> float:
    """Return the final z bound at which leaving by `bounds`, done without fail, makes the family-wise error `alpha`.

    Parameters
    ----------
    times : ndarray, shape (looks,)
        Rows of an arm that stays at each look, over those at the end.
    """
    return _bound_critical(variants, tuple(times), tuple(bounds), alpha)


@lru_cache(maxsize=64)
def _bound_critical(variants: int, times: tuple[float, ...], bounds: tuple[float, ...], alpha: float) -> float:
    from scipy.optimize import brentq

    rows = np.array(times)
    control, weight = _control(0.0, 1.0, rows)
    one = _Variant(0.0, 1.0, rows, control, np.array(bounds) * np.sqrt(2.0 / rows[:-1]))

    def excess(critical: float) -> float:
        above = one.above(control[:, -1] + critical * math.sqrt(2.0 / rows[-1]))[:, 0]
        return float(1.0 - weight @ (1.0 - above) ** variants) - alpha

    # With bounds that drop nearly everybody no bound at the end is too low.
    return -_REACH if excess(-_REACH) < 0 else float(brentq(excess, -_REACH, _REACH, xtol=1e-10))


def _legendre(low: float, high: float, panels: int) -> tuple[Floats, Floats]:
    """Return Gauss-Legendre nodes and weights, 16 on each panel."""
    x, w = np.polynomial.legendre.leggauss(16)
    half = 0.5 * (high - low) / panels
    middles = low + half * (2 * np.arange(panels) + 1)
    return (middles[:, None] + half * x[None, :]).ravel(), np.tile(half * w, panels)
