"""Variance reduction by what was known before the experiment (CUPED), for means and for ratios."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from expsim_panel.checked import Floats, check_finite
from expsim_panel.errors import InputError, shown

WHERE = "CUPED"


def cuped_variance_ratio(correlation: float) -> float:
    """Return variance with over variance without CUPED, ``1 - rho^2``: so much smaller may the experiment be.

    Parameters
    ----------
    correlation : float
        Of the metric with the covariate over units, -1 to 1 (for several covariates the multiple correlation).

    References
    ----------
    .. [1] Deng, Xu, Kohavi, Walker (2013), "Improving the sensitivity of online controlled experiments by
       utilizing pre-experiment data", WSDM, equation 4.
    """
    check_finite("correlation", correlation, WHERE)
    if not -1.0 <= correlation <= 1.0:
        problem = f"correlation is {shown(correlation)}"
        raise InputError(WHERE, "--cuped-correlation", problem, "give a number from -1 to 1")
    return 1.0 - correlation * correlation


def cuped_coefficients(metric: Floats, covariates: Floats) -> Floats:
    """Return the regression coefficients of the metric on the covariates, shape (k,), pooled over all units.

    Parameters
    ----------
    metric : ndarray, shape (n,)
        One value a unit.
    covariates : ndarray, shape (n,) or (n, k)
        What was known of the unit before it was randomised.
    """
    y, x = np.asarray(metric, float), np.asarray(covariates, float)
    x = x.reshape(len(x), -1)
    if y.ndim != 1 or x.shape[0] != y.size or y.size < x.shape[1] + 2 or not np.all(np.isfinite(x)):
        problem = f"{shown(y.shape)} metric values and {shown(x.shape)} covariates"
        raise InputError(
            WHERE, "covariates", problem, "give one row of finite numbers a unit, more units than covariates"
        )
    centred = x - x.mean(axis=0)
    solved = np.linalg.lstsq(centred, y - y.mean(), rcond=None)[0]
    return np.asarray(solved, dtype=np.float64)


def cuped_adjusted(metric: Sequence[float] | Floats, covariates: Sequence[float] | Floats) -> Floats:
    """Return the metric less what the covariates explain: same mean over all units, variance ``1 - R^2`` of it.

    The coefficients come from all arms together, so that the adjustment is the same function in each.
    """
    y, x = np.asarray(metric, float), np.asarray(covariates, float)
    coefficients = cuped_coefficients(y, x)
    x = x.reshape(len(x), -1)
    return np.asarray(y - (x - x.mean(axis=0)) @ coefficients)


def multiple_correlation(metric: Sequence[float] | Floats, covariates: Sequence[float] | Floats) -> float:
    """Return R, the correlation of the metric with its best linear prediction from the covariates."""
    y = np.asarray(metric, float)
    left = float(np.var(cuped_adjusted(y, covariates)))
    return math.sqrt(max(0.0, 1.0 - left / float(np.var(y))))
