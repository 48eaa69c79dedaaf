"""What always-valid and fixed rules ask of the sums: differences with their variances, p-values of t."""

from __future__ import annotations

import math

import numpy as np

from expsim_panel.kernels.arms import row_variance
from expsim_panel.kernels.jit import inner, kernel
from expsim_panel.kernels.special import betainc, norm_cdf


@inner
def contrast(state: np.ndarray, arm: int, ddof: float) -> tuple[float, float]:
    """Difference of `arm` to control and its estimated variance, unpooled; variance 0 until it is defined.

    `state` is the (4, arms) array of `trials`; `ddof` 1 for scores, 0 for proportions.
    """
    n1 = state[1, arm]
    n0 = state[1, 0]
    if n1 <= ddof or n0 <= ddof or n1 == 0.0 or n0 == 0.0:
        return 0.0, 0.0
    v1 = row_variance(n1, state[2, arm], state[3, arm], ddof)
    v0 = row_variance(n0, state[2, 0], state[3, 0], ddof)
    difference: float = state[2, arm] / n1 - state[2, 0] / n0
    return difference, v1 / n1 + v0 / n0


@inner
def pooled_contrast(state: np.ndarray, arm: int, binary: bool) -> tuple[float, float]:
    """Difference of `arm` to control and its variance under one common variance of a row.

    Rates: of the pooled proportion. Scores: the two arms' sums of squares over ``n0 + n1 - 2``.
    """
    n1 = state[1, arm]
    n0 = state[1, 0]
    total = n0 + n1
    if n1 <= 0.0 or n0 <= 0.0 or total <= 2.0:
        return 0.0, 0.0
    if binary:
        rate = (state[2, arm] + state[2, 0]) / total
        common = rate * (1.0 - rate)
    else:
        within = row_variance(n1, state[2, arm], state[3, arm], 0.0) * n1
        within += row_variance(n0, state[2, 0], state[3, 0], 0.0) * n0
        common = within / (total - 2.0)
    difference: float = state[2, arm] / n1 - state[2, 0] / n0
    return difference, common * (1.0 / n1 + 1.0 / n0)


@inner
def welch_freedom(state: np.ndarray, arm: int) -> float:
    """Welch-Satterthwaite degrees of freedom of `arm` against control; 0 until they are defined."""
    n1 = state[1, arm]
    n0 = state[1, 0]
    if n1 <= 1.0 or n0 <= 1.0:
        return 0.0
    a = row_variance(n1, state[2, arm], state[3, arm], 1.0) / n1
    b = row_variance(n0, state[2, 0], state[3, 0], 1.0) / n0
    if a + b <= 0.0:
        return 0.0
    freedom: float = (a + b) * (a + b) / (a * a / (n1 - 1.0) + b * b / (n0 - 1.0))
    return freedom


@inner
def between(state: np.ndarray, arm: int, other: int, ddof: float) -> tuple[float, float]:
    """Difference of `arm` to `other` and its estimated variance, as `contrast` to the control."""
    n1 = state[1, arm]
    n0 = state[1, other]
    if n1 <= ddof or n0 <= ddof or n1 == 0.0 or n0 == 0.0:
        return 0.0, 0.0
    v1 = row_variance(n1, state[2, arm], state[3, arm], ddof)
    v0 = row_variance(n0, state[2, other], state[3, other], ddof)
    difference: float = state[2, arm] / n1 - state[2, other] / n0
    return difference, v1 / n1 + v0 / n0


@inner
def leave(state: np.ndarray, alive: np.ndarray, bound: float, best: bool, ddof: float) -> int:
    """Take out of `alive` (arms,) the variants whose z is below `bound`; return how many are left.

    z against the control; or, with `best`, against the living variant with the largest mean, which itself stays.
    Where no variance is known yet nobody leaves.
    """
    arms = state.shape[1]
    leader = 0
    if best:
        for a in range(1, arms):
            if alive[a] == 0.0 or state[1, a] == 0.0:
                continue
            if leader == 0 or state[2, a] * state[1, leader] > state[2, leader] * state[1, a]:
                leader = a
    left = 0
    for a in range(1, arms):
        if alive[a] == 0.0:
            continue
        if a != leader:
            d, v = between(state, a, leader, ddof)
            if v > 0.0 and d < bound * math.sqrt(v):
                alive[a] = 0.0
                continue
        left += 1
    return left


@kernel
def student_tail(t: float, freedom: float) -> float:
    """P(T > t) of Student's law, `freedom` > 0 and any real t; relative error about 1e-12.

    ``P(|T| > t) = I_x(freedom / 2, 1 / 2)`` at ``x = freedom / (freedom + t^2)``.
    """
    both = betainc(0.5 * freedom, 0.5, freedom / (freedom + t * t))
    return 0.5 * both if t >= 0.0 else 1.0 - 0.5 * both


@inner
def normal_p_value(z: float, sides: int) -> float:
    """Two-sided p-value of z, or the one-sided one of a gain."""
    return 2.0 * norm_cdf(-abs(z)) if sides == 2 else norm_cdf(-z)


@kernel
def conditional_power(z: float, information: float, drift: float, critical: float) -> float:
    """P(Z at information 1 exceeds `critical`), given z at an information fraction below 1 and a drift.

    ``Phi((z sqrt(t) + drift (1 - t) - critical) / sqrt(1 - t))``.

    References
    ----------
    .. [1] Lan, Wittes (1988), "The B-value: a tool for monitoring data", Biometrics 44, 579-585.
    """
    left = 1.0 - information
    return norm_cdf((z * math.sqrt(information) + drift * left - critical) / math.sqrt(left))
