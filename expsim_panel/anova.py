"""Power of the F test that several variants have one mean."""

from __future__ import annotations

import math
from collections.abc import Sequence

from expsim_panel.checked import check_error_rate, check_finite, check_positive, check_power
from expsim_panel.errors import InputError, shown

WHERE = "exact power"


def _check_groups(groups: int) -> None:
    if isinstance(groups, bool) or not isinstance(groups, int) or groups < 2:
        raise InputError(WHERE, "--groups", f"groups is {shown(groups)}", "give a whole number of at least 2")


def cohen_f(means: Sequence[float], sd: float, shares: Sequence[float] | None = None) -> float:
    """Return Cohen's f: standard deviation of the group means (weighted by size) over that within groups."""
    check_positive("sd", sd, WHERE)
    weights = [1.0] * len(means) if shares is None else list(shares)
    if len(means) < 2 or len(weights) != len(means) or not all(w > 0 for w in weights):
        raise InputError(WHERE, "means", f"means are {shown(means)}", "give two means or more, one share for each")
    total = math.fsum(weights)
    middle = math.fsum(w * m for w, m in zip(weights, means, strict=True)) / total
    return math.sqrt(math.fsum(w * (m - middle) ** 2 for w, m in zip(weights, means, strict=True)) / total) / sd


def power_anova(f: float, n_total: float, groups: int, alpha: float = 0.05) -> float:
    """Return the exact power of the one-way F test.

    Noncentral F with ``groups - 1`` and ``n_total - groups`` degrees of freedom, noncentrality ``n_total f^2``.

    Parameters
    ----------
    f : float
        Cohen's f, at least 0.
    n_total : float
        Observations in all groups together, more than `groups`.
    groups : int
        Number of groups, at least 2.
    alpha : float
        Level.

    References
    ----------
    .. [1] Cohen (1988), "Statistical Power Analysis for the Behavioral Sciences", ch. 8.
    """
    from scipy.stats import f as central
    from scipy.stats import ncf

    check_error_rate(alpha, 1, WHERE)
    check_finite("f", f, WHERE)
    _check_groups(groups)
    check_positive("n-total", n_total, WHERE)
    if f < 0.0 or not n_total > groups:
        raise InputError(
            WHERE, "--n-total", f"f {f:g} with {n_total:g} observations", "give f >= 0, more than one a group"
        )
    within = n_total - groups
    critical = float(central.isf(alpha, groups - 1, within))
    if f == 0.0:
        return alpha
    return float(ncf.sf(critical, groups - 1, within, n_total * f * f))


def units_for_anova(f: float, power: float, groups: int, alpha: float = 0.05) -> float:
    """Return the total observations (not rounded) that give the F test its power."""
    from scipy.optimize import brentq

    check_power(power, alpha, WHERE)
    check_positive("f", f, WHERE)
    _check_groups(groups)
    low, high = groups + 1e-3, 2.0 * groups + 4.0
    while power_anova(f, high, groups, alpha) < power:
        low, high = high, 2.0 * high
    return float(brentq(lambda n: power_anova(f, n, groups, alpha) - power, low, high, xtol=1e-9))
