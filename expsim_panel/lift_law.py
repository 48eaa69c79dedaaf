"""How often a test of the logarithmic lift rejects: the law of `fixed-lift`, without simulation."""

from __future__ import annotations

import math

import numpy as np
from numpy.polynomial.legendre import leggauss

from expsim_panel.checked import Floats

__all__ = ["lift_rejects"]

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
    errors = sds / np.sqrt(rows)
    room = np.minimum(means, 1.0 - means) if binary else np.abs(means)
    if means[0] * means[1] <= 0.0 or not np.all(np.isfinite(errors)) or np.any(room <= _FAR * errors):
        return None
    size = np.abs(means)
    unit, weight = leggauss(_NODES)
    control = size[0] + _FAR * errors[0] * unit
    weight = weight * _FAR * np.exp(-0.5 * (_FAR * unit) ** 2) / math.sqrt(2.0 * math.pi)
    own = _relative(control, sds[0], rows[0], binary)
    found = []
    for side in (-1.0, 1.0):
        # Critical mean of the variant: log(M1 / M0) = side critical sqrt(...), by fixed-point steps that contract.
        logarithm = np.log(control)
        for _ in range(_STEPS):
            at = np.exp(logarithm)
            logarithm = np.log(control) + side * critical * np.sqrt(_relative(at, sds[1], rows[1], binary) + own)
            if binary:
                logarithm = np.minimum(logarithm, -1e-12)
        beyond = (np.exp(logarithm) - size[1]) / errors[1]
        from scipy.special import ndtr

        found.append(float(weight @ ndtr(-side * beyond)))
    low, high = found
    return (low, high) if means[0] > 0.0 else (high, low)


def _relative(mean: Floats, sd: float, rows: float, binary: bool) -> Floats:
    """Return the squared relative standard error at a sample mean."""
    return np.asarray((1.0 - mean) / (mean * rows) if binary else (sd / mean) ** 2 / rows)
