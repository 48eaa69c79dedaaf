"""Differences and lifts of means and of ratio metrics (clicks per session), by the delta method; with CUPED.

A ratio metric is ``mean(numerator) / mean(denominator)`` over randomised units; its variance is that of the
linearised value ``(numerator - ratio denominator) / mean(denominator)`` of a unit.

References
----------
.. [1] Deng, Knoblich, Lu (2018), "Applying the delta method in metric analytics", KDD, sections 2 and 3.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from expsim_panel.checked import Floats, check_error_rate
from expsim_panel.cuped import cuped_coefficients
from expsim_panel.errors import InputError, shown

WHERE = "ratio metric"
Values = Sequence[float] | Floats


@dataclass(frozen=True)
class Comparison:
    """Treatment against control.

    Attributes
    ----------
    control, treatment : float
        Metric of each arm (adjusted for the covariate where there is one).
    effect, low, high : float
        Treatment less control and its interval.
    relative, relative_low, relative_high : float or None
        Lift ``treatment / control - 1``, interval on the log scale; None unless both are above 0.
    p_value : float
        Two-sided, of no difference.
    se, df : float
        Standard error of the effect; degrees of freedom (Welch-Satterthwaite), infinite for the normal law.
    """

    control: float
    treatment: float
    effect: float
    low: float
    high: float
    relative: float | None
    relative_low: float | None
    relative_high: float | None
    p_value: float
    se: float
    df: float


@dataclass(frozen=True)
class _Arm:
    value: float
    variance: float
    n: int


def _pairs(numerator: Values, denominator: Values | None, name: str) -> tuple[Floats, Floats]:
    top = np.asarray(numerator, dtype=np.float64)
    low = np.ones_like(top) if denominator is None else np.asarray(denominator, dtype=np.float64)
    if top.ndim != 1 or top.shape != low.shape or top.size < 2 or not np.all(np.isfinite(top) & np.isfinite(low)):
        problem = f"{name} has shapes {top.shape} and {low.shape}"
        raise InputError(WHERE, name, problem, "give one finite number a unit, at least two units an arm")
    if not abs(float(low.mean())) > 0.0:
        raise InputError(WHERE, name, "the denominator's mean is 0", "a ratio needs another one")
    return top, low


def linearised(numerator: Values, denominator: Values) -> Floats:
    """Return ``(numerator - ratio denominator) / mean(denominator)`` of each unit: mean 0, the ratio's variance."""
    top, low = _pairs(numerator, denominator, "metric")
    mean = float(low.mean())
    return np.asarray((top - float(top.mean()) / mean * low) / mean)


def ratio_variance(
    mean_numerator: float, mean_denominator: float, var_numerator: float, var_denominator: float, covariance: float
) -> float:
    """Return the delta-method variance of a unit's contribution to a ratio, from moments alone.

    ``(v_n - 2 R cov + R^2 v_d) / mean_d^2``; divide by the units of the arm for the ratio's variance.
    """
    if mean_denominator == 0.0:
        raise InputError(WHERE, "mean-denominator", "mean-denominator is 0", "a ratio needs another one")
    ratio = mean_numerator / mean_denominator
    made = var_numerator - 2.0 * ratio * covariance + ratio * ratio * var_denominator
    if not (math.isfinite(made) and made >= -1e-12 * abs(var_numerator)):
        raise InputError(
            WHERE, "covariance", f"covariance is {shown(covariance)}", "it exceeds what the variances allow"
        )
    return max(made, 0.0) / (mean_denominator * mean_denominator)


def compare(
    numerator_control: Values,
    numerator_treatment: Values,
    denominator_control: Values | None = None,
    denominator_treatment: Values | None = None,
    *,
    covariate_control: tuple[Values, Values | None] | None = None,
    covariate_treatment: tuple[Values, Values | None] | None = None,
    alpha: float = 0.05,
    use_t: bool = True,
    equal_variances: bool = False,
) -> Comparison:
    """Return treatment against control from unit-level data, for a mean or a ratio, with CUPED on request.

    Parameters
    ----------
    numerator_control, numerator_treatment : array_like, shape (n,)
        The metric of a mean, or the numerator of a ratio, one value a randomised unit.
    denominator_control, denominator_treatment : array_like, optional
        Denominator of a ratio; without one the metric is a mean.
    covariate_control, covariate_treatment : (numerator, denominator or None), optional
        What was known before, itself a mean or a ratio. Its coefficient comes from both arms together.
    alpha : float
        1 less the level of the intervals.
    use_t : bool
        t law with the Welch-Satterthwaite (or, with equal variances, the pooled) degrees of freedom; else normal.
    equal_variances : bool
        Student's pooled variance in place of Welch's.

    Raises
    ------
    InputError
        Shapes differ, or a denominator averages 0.
    """
    check_error_rate(alpha, 2, WHERE)
    tops = (numerator_control, numerator_treatment)
    lows = (denominator_control, denominator_treatment)
    metric = [_pairs(top, low, "metric") for top, low in zip(tops, lows, strict=True)]
    covariate = None
    if covariate_control is not None and covariate_treatment is not None:
        covariate = [_pairs(*one, "covariate") for one in (covariate_control, covariate_treatment)]
        if any(one[0].size != own[0].size for one, own in zip(covariate, metric, strict=True)):
            raise InputError(WHERE, "covariate", "covariate and metric have different units", "give one value a unit")
    elif (covariate_control is None) != (covariate_treatment is None):
        raise InputError(WHERE, "covariate", "one arm has no covariate", "give it for both arms or for neither")
    return _compared([*_arms(metric, covariate)], alpha, use_t, equal_variances)


def _arms(metric: list[tuple[Floats, Floats]], covariate: list[tuple[Floats, Floats]] | None) -> list[_Arm]:
    slope, centre = 0.0, 0.0
    if covariate is not None:
        together = [np.concatenate([arm[i] for arm in metric]) for i in (0, 1)]
        before = [np.concatenate([arm[i] for arm in covariate]) for i in (0, 1)]
        slope = float(cuped_coefficients(linearised(*together), linearised(*before))[0])
        centre = float(before[0].mean() / before[1].mean())
    made = []
    for arm, (top, low) in enumerate(metric):
        value, unit = float(top.mean() / low.mean()), linearised(top, low)
        if covariate is not None:
            value -= slope * (float(covariate[arm][0].mean() / covariate[arm][1].mean()) - centre)
            unit = unit - slope * linearised(*covariate[arm])
        made.append(_Arm(value, float(unit.var(ddof=1)), top.size))
    return made


def _error(arms: list[_Arm], scale: tuple[float, float], equal: bool) -> tuple[float, float]:
    """Return standard error and degrees of freedom of a difference of scaled arm values."""
    own = [arm.variance / (s * s) for arm, s in zip(arms, scale, strict=True)]
    n0, n1 = arms[0].n, arms[1].n
    if equal:
        pooled = ((n0 - 1) * own[0] + (n1 - 1) * own[1]) / (n0 + n1 - 2)
        return math.sqrt(pooled * (1 / n0 + 1 / n1)), float(n0 + n1 - 2)
    a, b = own[0] / n0, own[1] / n1
    if a + b == 0.0:
        raise InputError(WHERE, "metric", "the outcome does not vary", "there is no error to estimate")
    return math.sqrt(a + b), (a + b) ** 2 / (a * a / (n0 - 1) + b * b / (n1 - 1))


def _compared(arms: list[_Arm], alpha: float, use_t: bool, equal: bool) -> Comparison:
    from scipy.stats import norm, t

    control, treatment = arms[0].value, arms[1].value
    se, df = _error(arms, (1.0, 1.0), equal)
    law = t(df) if use_t else norm()
    effect = treatment - control
    reach = float(law.isf(alpha / 2)) * se
    p_value = 2.0 * float(law.sf(abs(effect) / se))
    relative = low = high = None
    if control > 0.0 and treatment > 0.0:
        log_se, log_df = _error(arms, (control, treatment), equal)
        far = float((t(log_df) if use_t else norm()).isf(alpha / 2)) * log_se
        ratio = treatment / control
        relative, low, high = ratio - 1.0, ratio * math.exp(-far) - 1.0, ratio * math.exp(far) - 1.0
    shown_df = df if use_t else math.inf
    return Comparison(
        control, treatment, effect, effect - reach, effect + reach, relative, low, high, p_value, se, shown_df
    )
