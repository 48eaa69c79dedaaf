"""Power and size of fixed-sample tests: exact where the test has an exact law, else the approximation named.

Every function takes the *treatment less control* difference. One-sided tests reject when treatment is
better; two-sided power counts rejections in both directions. Sizes may be fractional except where a
binomial law is enumerated.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Literal

import numpy as np

from expsim_panel.checked import (
    Floats,
    check_allocation,
    check_error_rate,
    check_finite,
    check_positive,
    check_power,
)
from expsim_panel.errors import InputError, shown
from expsim_panel.kernels.special import norm_cdf, norm_ppf

WHERE = "exact power"
Variance = Literal["pooled", "unpooled"]


def _check_rate(key: str, value: float) -> None:
    check_finite(key, value, WHERE)
    if not 0.0 <= value <= 1.0:
        raise InputError(WHERE, f"--{key}", f"{key} is {shown(value)}", "give a probability, 0 to 1")


def _check_variance(variance: str) -> None:
    if variance not in ("pooled", "unpooled"):
        raise InputError(WHERE, "--variance", f"variance is {shown(variance)}", "choose pooled or unpooled")


def _check_sizes(n_control: float, n_treatment: float, least: float = 0.0) -> None:
    for key, value in (("n-control", n_control), ("n-treatment", n_treatment)):
        check_positive(key, value, WHERE)
        if value < least:
            raise InputError(WHERE, f"--{key}", f"{key} is {shown(value)}", f"give at least {least:g}")


def _normal_power(shift: float, spread: float, critical: float, sides: int) -> float:
    """Return P(N(shift, spread^2) beyond `critical`), both ways if two-sided."""
    high = norm_cdf((shift - critical) / spread)
    return high + norm_cdf((-shift - critical) / spread) if sides == 2 else high


def power_z(
    effect: float, sd: float, n_control: float, n_treatment: float, alpha: float = 0.05, sides: int = 2
) -> float:
    """Return the exact power of the z test for two normal means with known standard deviation.

    Parameters
    ----------
    effect : float
        True difference of means, in metric units.
    sd : float
        Standard deviation of one observation, greater than 0, the same in both arms.
    n_control, n_treatment : float
        Observations per arm, greater than 0.
    alpha, sides
        Level in (0, 1), over 1 or 2 sides.

    Raises
    ------
    InputError
        An argument is out of its range.

    References
    ----------
    .. [1] Cohen (1988), "Statistical Power Analysis for the Behavioral Sciences", ch. 2.
    """
    check_error_rate(alpha, sides, WHERE)
    check_finite("effect", effect, WHERE)
    check_positive("sd", sd, WHERE)
    _check_sizes(n_control, n_treatment)
    shift = effect / (sd * math.sqrt(1.0 / n_control + 1.0 / n_treatment))
    return _normal_power(shift, 1.0, -norm_ppf(alpha / sides), sides)


def _student_power(shift: float, freedom: float, alpha: float, sides: int) -> float:
    """Return P(noncentral t beyond the central t's critical value)."""
    from scipy.stats import nct, t

    critical = float(t.isf(alpha / sides, freedom))
    high = float(nct.sf(critical, freedom, shift))
    return high + float(nct.sf(critical, freedom, -shift)) if sides == 2 else high


def power_t(
    effect: float, sd: float, n_control: float, n_treatment: float, alpha: float = 0.05, sides: int = 2
) -> float:
    """Return the exact power of Student's two-sample t test (equal variances, any sizes).

    Parameters as in `power_z`, except that `sd` is estimated by the test and that the sizes must be at
    least 1 each and exceed 2 together.

    Raises
    ------
    InputError
        An argument is out of its range.

    References
    ----------
    .. [1] Johnson, Kotz, Balakrishnan (1995), "Continuous Univariate Distributions" 2, ch. 31: the
       noncentral t law.
    """
    check_error_rate(alpha, sides, WHERE)
    check_finite("effect", effect, WHERE)
    check_positive("sd", sd, WHERE)
    _check_sizes(n_control, n_treatment, least=1.0)
    freedom = n_control + n_treatment - 2.0
    if not freedom > 0.0:
        raise InputError(WHERE, "--n-control", "one observation per arm", "give more: no variance to estimate")
    shift = effect / (sd * math.sqrt(1.0 / n_control + 1.0 / n_treatment))
    return _student_power(shift, freedom, alpha, sides)


def power_welch(
    effect: float,
    sd_control: float,
    sd_treatment: float,
    n_control: float,
    n_treatment: float,
    alpha: float = 0.05,
    sides: int = 2,
) -> float:
    """Return the approximate power of Welch's t test (unequal variances).

    The approximation: a noncentral t at the Welch-Satterthwaite degrees of freedom of the true variances;
    a little high, by 0.005 at 12 per arm and less with more. Parameters as in `power_t`, at least 2 per arm.

    Raises
    ------
    InputError
        An argument is out of its range.

    References
    ----------
    .. [1] Welch (1947), "The generalization of Student's problem...", Biometrika 34, 28-35.
    """
    check_error_rate(alpha, sides, WHERE)
    check_finite("effect", effect, WHERE)
    check_positive("sd-control", sd_control, WHERE)
    check_positive("sd-treatment", sd_treatment, WHERE)
    _check_sizes(n_control, n_treatment, least=2.0)
    control, treatment = sd_control * sd_control / n_control, sd_treatment * sd_treatment / n_treatment
    variance = control + treatment
    freedom = variance**2 / (control**2 / (n_control - 1.0) + treatment**2 / (n_treatment - 1.0))
    return _student_power(effect / math.sqrt(variance), freedom, alpha, sides)


def power_proportions(
    p_control: float,
    p_treatment: float,
    n_control: float,
    n_treatment: float,
    alpha: float = 0.05,
    sides: int = 2,
    variance: Variance = "pooled",
) -> float:
    """Return the normal-approximation power of the two-proportion z test.

    Parameters
    ----------
    p_control, p_treatment : float
        True rates in [0, 1].
    n_control, n_treatment : float
        Units per arm, greater than 0.
    alpha, sides
        Level in (0, 1), over 1 or 2 sides.
    variance : {"pooled", "unpooled"}
        The standard error that the *test* uses: pooled over arms (Fleiss, statsmodels, rpact) or separate
        (Wald). The true spread of the difference is the unpooled one in both.

    Returns
    -------
    float
        Power; off by about 1/n of a continuity correction, `power_proportions_exact` for the truth.

    Raises
    ------
    InputError
        An argument is out of its range.

    References
    ----------
    .. [1] Fleiss, Levin, Paik (2003), "Statistical Methods for Rates and Proportions", section 4.2.
    """
    check_error_rate(alpha, sides, WHERE)
    _check_rate("p-control", p_control)
    _check_rate("p-treatment", p_treatment)
    _check_sizes(n_control, n_treatment)
    _check_variance(variance)
    own = math.sqrt(p_control * (1 - p_control) / n_control + p_treatment * (1 - p_treatment) / n_treatment)
    if own == 0.0:
        # Both rates are 0 or 1: the data are certain. Different rates reject for certain when pooled.
        better = p_treatment > p_control or (sides == 2 and p_treatment != p_control)
        return float(variance == "pooled" and better)
    tested = own
    if variance == "pooled":
        mean = (n_control * p_control + n_treatment * p_treatment) / (n_control + n_treatment)
        tested = math.sqrt(mean * (1 - mean) * (1.0 / n_control + 1.0 / n_treatment))
    return _normal_power(p_treatment - p_control, own, -norm_ppf(alpha / sides) * tested, sides)


def _binomial_core(n: int, p: float) -> tuple[Floats, Floats]:
    """Return the counts that carry all but 1e-14 of Binomial(n, p), and their probabilities."""
    from scipy.stats import binom

    # Bernstein: P(|X - np| > t) <= 2 exp(-t^2 / (2 v + 2 t / 3)) = 1e-14 at this t.
    bound = 33.0
    reach = bound / 3.0 + math.sqrt(bound * bound / 9.0 + 2.0 * bound * n * p * (1.0 - p))
    counts = np.arange(max(0, math.floor(n * p - reach)), min(n, math.ceil(n * p + reach)) + 1)
    return counts.astype(np.float64), np.asarray(binom.pmf(counts, n, p), dtype=np.float64)


def power_proportions_exact(
    p_control: float,
    p_treatment: float,
    n_control: int,
    n_treatment: int,
    alpha: float = 0.05,
    sides: int = 2,
) -> float:
    """Return the exact power of the unpooled (Wald) z test of two proportions, by enumeration.

    The test is ``z = (p1 - p0) / sqrt(p1 q1 / n1 + p0 q0 / n0)`` with the observed rates and normal critical
    values; where both observed variances are zero it does not reject. With equal true rates this is the
    test's true type I error, which is not `alpha`.

    Parameters
    ----------
    p_control, p_treatment : float
        True rates in [0, 1].
    n_control, n_treatment : int
        Units per arm, at least 1. Time and memory grow as sqrt(n_control n_treatment): 20 ms at 5,000.
    alpha, sides
        Level in (0, 1), over 1 or 2 sides.

    Returns
    -------
    float
        Probability of rejecting, to 1e-12.

    Raises
    ------
    InputError
        An argument is out of its range.

    References
    ----------
    .. [1] Agresti, Caffo (2000), "Simple and effective confidence intervals for proportions", The American
       Statistician 54, 280-288, on the error rates of the Wald test.
    """
    check_error_rate(alpha, sides, WHERE)
    _check_rate("p-control", p_control)
    _check_rate("p-treatment", p_treatment)
    _check_sizes(n_control, n_treatment, least=1.0)
    for key, n in (("n-control", n_control), ("n-treatment", n_treatment)):
        if n != int(n):
            raise InputError(WHERE, f"--{key}", f"{key} is {shown(n)}", "give a whole number")
    critical = -norm_ppf(alpha / sides)
    control, p_of_control = _binomial_core(int(n_control), p_control)
    treatment, p_of_treatment = _binomial_core(int(n_treatment), p_treatment)
    rate1 = treatment / n_treatment
    variance1 = rate1 * (1.0 - rate1) / n_treatment
    power = 0.0
    rows = max(1, 4_000_000 // treatment.size)
    for start in range(0, control.size, rows):
        rate0 = control[start : start + rows, None] / n_control
        spread = np.sqrt(rate0 * (1.0 - rate0) / n_control + variance1)
        gap = rate1 - rate0
        reject = gap >= critical * spread
        if sides == 2:
            reject |= gap <= -critical * spread
        reject &= spread > 0.0
        power += float(p_of_control[start : start + rows] @ (reject @ p_of_treatment))
    return power


def units_for_means(
    effect: float,
    sd: float,
    power: float,
    alpha: float = 0.05,
    sides: int = 2,
    allocation: Sequence[float] = (1, 1),
) -> float:
    """Return the total units (both arms, not rounded) that give the z test its power.

    Parameters as in `power_z`; `allocation` is control:treatment, `power` in (alpha, 1). By convention the
    power counts the effect's own direction only; the other one adds less than 1e-5 at power 0.8.

    Raises
    ------
    InputError
        An argument is out of its range, or the effect is 0.

    References
    ----------
    .. [1] Chow, Shao, Wang (2008), "Sample Size Calculations in Clinical Research", section 3.2.
    """
    check_error_rate(alpha, sides, WHERE)
    check_power(power, alpha, WHERE)
    check_finite("effect", effect, WHERE)
    check_positive("sd", sd, WHERE)
    control, treatment = check_allocation(allocation, WHERE)
    if effect == 0.0:
        raise InputError(WHERE, "--effect", "effect is 0", "no size gives power: give a difference")
    ratio = (norm_ppf(power) - norm_ppf(alpha / sides)) * sd / effect
    return ratio * ratio / (control * treatment)


def units_for_proportions(
    p_control: float,
    p_treatment: float,
    power: float,
    alpha: float = 0.05,
    sides: int = 2,
    allocation: Sequence[float] = (1, 1),
    variance: Variance = "pooled",
) -> float:
    """Return the total units (both arms, not rounded) that give the two-proportion z test its power.

    Parameters as in `power_proportions`; `allocation` is control:treatment. With the pooled variance
    10 % against 12 % needs 3,841 per arm; a popular calculator says 3,623 by the control's variance alone.

    Raises
    ------
    InputError
        An argument is out of its range, or the rates are equal.

    References
    ----------
    .. [1] Fleiss, Levin, Paik (2003), "Statistical Methods for Rates and Proportions", section 4.2.
    """
    check_error_rate(alpha, sides, WHERE)
    check_power(power, alpha, WHERE)
    _check_rate("p-control", p_control)
    _check_rate("p-treatment", p_treatment)
    _check_variance(variance)
    control, treatment = check_allocation(allocation, WHERE)
    if p_control == p_treatment:
        raise InputError(WHERE, "--p-treatment", "both rates are equal", "no size gives power: give a difference")
    own = p_control * (1 - p_control) / control + p_treatment * (1 - p_treatment) / treatment
    mean = control * p_control + treatment * p_treatment
    tested = mean * (1 - mean) / (control * treatment) if variance == "pooled" else own
    root = -norm_ppf(alpha / sides) * math.sqrt(tested) + norm_ppf(power) * math.sqrt(own)
    return (root / (p_treatment - p_control)) ** 2
