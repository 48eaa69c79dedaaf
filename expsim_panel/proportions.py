"""Intervals for a rate and for the difference of two, and what zero bad events still allow."""

from __future__ import annotations

import math
from typing import Literal

from expsim_panel.checked import check_error_rate, check_positive
from expsim_panel.errors import InputError, did_you_mean, shown
from expsim_panel.kernels.special import norm_ppf

WHERE = "interval of a rate"
NO_EVENT = "exact zero-events"
Method = Literal["wilson", "wald", "agresti-coull", "clopper-pearson", "jeffreys"]
_METHODS = {
    "wilson": "wilson",
    "wald": "wald",
    "normal": "wald",
    "agresti-coull": "agresti-coull",
    "clopper-pearson": "clopper-pearson",
    "beta": "clopper-pearson",
    "exact": "clopper-pearson",
    "jeffreys": "jeffreys",
}


def _check_count(k: float, n: float) -> None:
    check_positive("n", n, WHERE)
    if not (isinstance(k, int | float) and 0 <= k <= n):
        raise InputError(WHERE, "--k", f"{shown(k)} of {shown(n)}", "give 0 to n events")


def rate_interval(k: float, n: float, alpha: float = 0.05, method: Method = "wilson") -> tuple[float, float]:
    """Return a two-sided interval for a rate after `k` events in `n` trials.

    Parameters
    ----------
    k, n : float
        Events, 0 to n; trials, above 0.
    alpha : float
        1 less the confidence level.
    method : str
        ``wilson`` (score), ``wald`` (normal), ``agresti-coull``, ``clopper-pearson`` (beta, never below its
        level), ``jeffreys``. Wald and Agresti-Coull are cut to 0..1; Jeffreys is the equal-tailed posterior
        without the convention that moves the ends at 0 and n.

    References
    ----------
    .. [1] Brown, Cai, DasGupta (2001), "Interval estimation for a binomial proportion", Statistical Science
       16, 101-133.
    """
    check_error_rate(alpha, 2, WHERE)
    _check_count(k, n)
    name = _METHODS.get(str(method).lower().replace("_", "-"))
    if name is None:
        raise InputError(WHERE, "--method", f"unknown method {shown(method)}", did_you_mean(str(method), _METHODS))
    z = -norm_ppf(alpha / 2)
    rate = k / n
    if name == "wald":
        half = z * math.sqrt(rate * (1 - rate) / n)
        return max(0.0, rate - half), min(1.0, rate + half)
    if name == "wilson":
        grown = 1 + z * z / n
        middle = (rate + z * z / (2 * n)) / grown
        half = z / grown * math.sqrt(rate * (1 - rate) / n + z * z / (4 * n * n))
        # At the ends the score interval touches 0 or 1; say so without rounding.
        return 0.0 if k == 0 else middle - half, 1.0 if k == n else middle + half
    if name == "agresti-coull":
        more = n + z * z
        middle = (k + z * z / 2) / more
        half = z * math.sqrt(middle * (1 - middle) / more)
        return max(0.0, middle - half), min(1.0, middle + half)
    from scipy.special import betaincinv

    if name == "jeffreys":
        return float(betaincinv(k + 0.5, n - k + 0.5, alpha / 2)), float(
            betaincinv(k + 0.5, n - k + 0.5, 1 - alpha / 2)
        )
    low = 0.0 if k == 0 else float(betaincinv(k, n - k + 1, alpha / 2))
    high = 1.0 if k == n else float(betaincinv(k + 1, n - k, 1 - alpha / 2))
    return low, high


def rate_difference_interval(
    k_control: float, n_control: float, k_treatment: float, n_treatment: float, alpha: float = 0.05
) -> tuple[float, float]:
    """Return Newcombe's interval for treatment less control rate, from the two Wilson intervals.

    References
    ----------
    .. [1] Newcombe (1998), "Interval estimation for the difference between independent proportions",
       Statistics in Medicine 17, 873-890, method 10.
    """
    low0, high0 = rate_interval(k_control, n_control, alpha)
    low1, high1 = rate_interval(k_treatment, n_treatment, alpha)
    rate0, rate1 = k_control / n_control, k_treatment / n_treatment
    gap = rate1 - rate0
    low = gap - math.hypot(rate1 - low1, high0 - rate0)
    return low, gap + math.hypot(high1 - rate1, rate0 - low0)


def zero_events_bound(n: float, alpha: float = 0.05) -> tuple[float, float]:
    """Return the largest rate that no event in `n` trials still allows: exactly, and by the rule of three.

    Parameters
    ----------
    n : float
        Trials without an event, above 0.
    alpha : float
        1 less the (one-sided) confidence level.

    Returns
    -------
    exact, rule : float
        ``1 - alpha^(1/n)``, and ``-ln(alpha) / n``, at most 1: at 95 % the familiar ``3 / n``.

    References
    ----------
    .. [1] Hanley, Lippman-Hand (1983), "If nothing goes wrong, is everything all right?", JAMA 249, 1743-1745.
    """
    check_error_rate(alpha, 1, NO_EVENT)
    check_positive("units", n, NO_EVENT)
    return -math.expm1(math.log(alpha) / n), min(1.0, -math.log(alpha) / n)


def trials_without_event(rate: float, alpha: float = 0.05) -> float:
    """Return how many trials without an event rule out a rate of at least `rate` at confidence ``1 - alpha``."""
    check_error_rate(alpha, 1, NO_EVENT)
    if not (isinstance(rate, int | float) and 0.0 < rate < 1.0):
        raise InputError(NO_EVENT, "--rate", f"rate is {shown(rate)}", "give a number within 0 and 1")
    return math.log(alpha) / math.log1p(-rate)


def restricted_rates(p0: float, p1: float, c: float, t: float, gap: float) -> tuple[float, float]:
    """Return the rates nearest to (p0, p1), by likelihood, with ``p1 - p0 = gap``.

    Parameters
    ----------
    p0, p1 : float
        Rates of control and treatment.
    c, t : float
        Their shares of the units.
    gap : float
        Difference under the null hypothesis.

    References
    ----------
    .. [1] Farrington, Manning (1990), Statistics in Medicine 9, 1447-1454.
    """
    theta = c / t
    a = 1.0 + theta
    b = -(1.0 + theta + p1 + theta * p0 + gap * (theta + 2.0))
    d = gap * gap + gap * (2.0 * p1 + theta + 1.0) + p1 + theta * p0
    e = -p1 * gap * (1.0 + gap)
    v = (b / (3.0 * a)) ** 3 - b * d / (6.0 * a * a) + e / (2.0 * a)
    square = (b / (3.0 * a)) ** 2 - d / (3.0 * a)
    u = math.copysign(math.sqrt(max(square, 0.0)), v)
    ratio = 0.0 if u == 0.0 else max(-1.0, min(1.0, v / u**3))
    high = 2.0 * u * math.cos((math.pi + math.acos(ratio)) / 3.0) - b / (3.0 * a)
    high = min(max(high, max(0.0, gap)), min(1.0, 1.0 + gap))
    return high - gap, high
