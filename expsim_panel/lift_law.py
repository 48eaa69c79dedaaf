"""How often a test of the logarithmic lift rejects: the law of `fixed-lift`, without simulation."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from expsim_panel.checked import Floats
from expsim_panel.several_exact import legendre

if TYPE_CHECKING:
    from expsim_panel.several_exact import Won

__all__ = ["lift_rejects", "lift_wins"]

_NODES, _FAR = 96, 9.0
_STEPS = 60


def lift_rejects(means: Floats, sds: Floats, rows: Floats, critical: float, binary: bool) -> tuple[float, float] | None:
    """Return P(the variant is found worse) and P(found better) of one test of ``log(M1 / M0)`` by the delta method.

    It rejects beyond `critical` standard errors ``sqrt(V1 / (n1 M1^2) + V0 / (n0 M0^2))``. Sample means are taken at
    their large-sample law, normal with the true spread; the spread of a rate follows its sample mean, that of a score
    is taken as known. Given the control's mean the variant's critical means solve an equation, so that one integral
    over the control is left.

    Parameters
    ----------
    means, sds, rows : ndarray, shape (2,)
        Law of a row and the number of rows of control and variant; more is better, of negative means the smaller size.
    critical : float
        z bound.
    binary : bool
        Whether rows are 0/1.

    Returns
    -------
    (float, float) or None
        None where a mean lies within nine standard errors of 0 (rates: of 0 or 1), where there may be no lift.

    References
    ----------
    .. [1] A. Deng, U. Knoblich, J. Lu (2018), Applying the delta method in metric analytics, KDD.
    """
    given = _given(means, sds, rows, binary)
    if given is None:
        return None
    chances = [float(given.weight @ given.beyond(1, side, np.full(_NODES, side * critical))) for side in (-1, 1)]
    low, high = chances
    return (low, high) if means[0] > 0.0 else (high, low)


def lift_wins(
    means: Floats, sds: Floats, rows: Floats, critical: float, two_sided: bool, binary: bool, better: np.ndarray
) -> Won | None:
    """Return what the same test finds among several variants: the largest z beyond the bound wins.

    Given the control's mean the variants are independent: one integral over it, and one over the mean of the variant
    that wins.

    Parameters
    ----------
    means, sds, rows : ndarray, shape (arms,)
        As of `lift_rejects`, control first.
    critical : float
        z bound of each variant.
    two_sided : bool
        Whether all variants may be found worse.
    better : bool ndarray, shape (arms - 1,)
        Which variants are truly better.

    Returns
    -------
    Won or None
        None as of `lift_rejects`.
    """
    from expsim_panel.several_exact import Won

    given = _given(means, sds, rows, binary)
    if given is None:
        return None
    # Of negative means the smaller size is better.
    side = 1 if means[0] > 0.0 else -1
    variants = range(1, means.size)
    bound = np.full(_NODES, side * critical)
    found = []
    for j in variants:
        start = given.critical(j, bound)
        end = given.size[j] + side * _FAR * given.errors[j]
        half = np.maximum(side * (end - np.where(side * (end - start) > 0, start, end)), 0.0) / 2
        at = np.where(side * (end - start) > 0, start, end) + side * half * (1.0 + _unit()[0][:, None])
        x = (at - given.size[j]) / given.errors[j]
        density = np.exp(-0.5 * x * x) / (math.sqrt(2.0 * math.pi) * given.errors[j])
        z = np.log(at / given.control) / np.sqrt(given.relative(j, at) + given.own)
        for i in variants:
            if i != j:
                density = density * given.beyond(i, -side, z)
        found.append(float((_unit()[1] @ density * half) @ given.weight))
    low = float(given.weight @ np.prod([given.beyond(i, -side, -bound) for i in variants], axis=0))
    low = low if two_sided else 0.0
    every = math.nan
    if better.any():
        each = [given.beyond(i, side, bound) for i in variants if better[i - 1]]
        every = float(given.weight @ np.prod(each, axis=0))
    return Won(np.array(found), low, every)


def _unit() -> tuple[Floats, Floats]:
    return legendre(_NODES)


@dataclass(frozen=True)
class _Given:
    """Sizes of means, their standard errors, and nodes over the control's mean with weights."""

    size: Floats
    errors: Floats
    sds: Floats
    rows: Floats
    binary: bool
    control: Floats
    weight: Floats

    @property
    def own(self) -> Floats:
        """Squared relative standard error of the control."""
        return self.relative(0, self.control)

    def relative(self, arm: int, mean: Floats) -> Floats:
        """Return the squared relative standard error of an arm at a sample mean."""
        return _relative(mean, float(self.sds[arm]), float(self.rows[arm]), self.binary)

    def critical(self, arm: int, z: Floats) -> Floats:
        """Return the mean at which ``log(M / control)`` is z standard errors, by fixed-point steps that contract."""
        logarithm = np.broadcast_to(np.log(self.control), z.shape)
        own = self.own
        # Beside a control near 0 no mean is z standard errors below it: the logarithm falls to minus infinity, the
        # mean to 0, and nothing is beyond it.
        with np.errstate(divide="ignore", over="ignore", invalid="ignore"):
            for _ in range(_STEPS):
                before = logarithm
                logarithm = np.log(self.control) + z * np.sqrt(self.relative(arm, np.exp(logarithm)) + own)
                if self.binary:
                    logarithm = np.minimum(logarithm, -1e-12)
                if np.all((np.abs(logarithm - before) < 1e-15) | (logarithm == before)):
                    break
        return np.asarray(np.exp(logarithm))

    def beyond(self, arm: int, side: int, z: Floats) -> Floats:
        """Return P(an arm's statistic is above z, or with side -1 below it), by the control on the last axis."""
        from scipy.special import ndtr

        return np.asarray(ndtr(-side * (self.critical(arm, z) - self.size[arm]) / self.errors[arm]))


def _given(means: Floats, sds: Floats, rows: Floats, binary: bool) -> _Given | None:
    errors = sds / np.sqrt(rows)
    room = np.minimum(means, 1.0 - means) if binary else np.abs(means)
    same_side = np.all(means > 0.0) or np.all(means < 0.0)
    if not same_side or not np.all(np.isfinite(errors)) or np.any(room <= _FAR * errors):
        return None
    size = np.abs(means)
    unit, weight = legendre(_NODES)
    weight = weight * _FAR * np.exp(-0.5 * (_FAR * unit) ** 2) / math.sqrt(2.0 * math.pi)
    return _Given(size, errors, sds, rows, binary, size[0] + _FAR * errors[0] * unit, weight)


def _relative(mean: Floats, sd: float, rows: float, binary: bool) -> Floats:
    """Return the squared relative standard error at a sample mean."""
    return np.asarray((1.0 - mean) / (mean * rows) if binary else (sd / mean) ** 2 / rows)
