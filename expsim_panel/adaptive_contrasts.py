"""Which arm is better after a bandit: differences of arms with honest intervals, and the recommendation from them."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from expsim_panel.adaptive_inference import METHODS, covariances, estimates
from expsim_panel.errors import InputError, did_you_mean, shown
from expsim_panel.kernels.special import norm_ppf

_WHERE = "adaptive inference"
VALID = ("aipw_sqrt_e", "aipw_twopoint")
"""Methods whose studentised error is asymptotically normal however the data were collected (their theorem 2)."""


CONSTANT = 0.01
"""A constant floor from which on propensities need not follow the decaying one."""


@dataclass(frozen=True)
class Contrast:
    """The difference of two arms' means after adaptive allocation.

    Attributes
    ----------
    treatment, control : int
        The arms; the difference is treatment less control.
    estimate, se : float
        Difference, and its standard error with the covariance of the two estimates.
    se_independent : float
        The root of the sum of the two variances, which leaves the covariance out.
    interval : tuple of float
        Normal interval.
    p_value : float
        Two-sided.
    method : str
        One of `METHODS`.
    """

    treatment: int
    control: int
    estimate: float
    se: float
    se_independent: float
    interval: tuple[float, float]
    p_value: float
    method: str


def contrast(
    arms: Sequence[int],
    rewards: Sequence[float],
    propensities: object,
    treatment: int = 1,
    control: int = 0,
    *,
    method: str = "aipw_twopoint",
    alpha: float = 0.1,
    decay: float = 0.7,
) -> Contrast:
    """Return the difference of two arms from one logged experiment.

    Parameters
    ----------
    arms, rewards, propensities, decay
        As in `adaptive_inference.estimates`.
    treatment, control : int
        Arms, counted from 0.
    method : str
        One of `METHODS`; the valid ones are `VALID`.
    alpha : float
        1 - confidence.

    References
    ----------
    V. Hadad et al. (2021), "Confidence intervals for policy evaluation in adaptive experiments", PNAS 118: the
    difference of two adaptively weighted estimates. Each error is a weighted sum of martingale differences over
    the same requests, so the variance of the difference is the sum of squares of the differences of their terms:
    ``V_a + V_b - 2 C_ab``.
    """
    if method not in METHODS:
        raise InputError(_WHERE, "method", f"unknown method {shown(method)}", did_you_mean(str(method), METHODS))
    if not 0.0 < alpha < 1.0:
        raise InputError(_WHERE, "alpha", f"alpha is {shown(alpha)}", "give a number above 0 and below 1")
    table = estimates(arms, rewards, propensities, decay)[METHODS.index(method)]
    for key, arm in (("treatment", treatment), ("control", control)):
        if isinstance(arm, bool) or not isinstance(arm, int | np.integer) or not 0 <= arm < len(table):
            raise InputError(_WHERE, key, f"arm {shown(arm)} of {len(table)}", "count arms from 0")
    if treatment == control:
        raise InputError(_WHERE, "treatment", f"arm {treatment} against itself", "give two arms")
    cross = covariances(arms, rewards, propensities, decay)[METHODS.index(method)]
    return _contrast(table, cross, int(treatment), int(control), method, alpha)


def _contrast(
    table: np.ndarray, cross: np.ndarray, treatment: int, control: int, method: str, alpha: float
) -> Contrast:
    """Return a difference from one method's estimates, shape (arms, 2), and their covariances."""
    value = float(table[treatment, 0] - table[control, 0])
    both = float(table[treatment, 1] + table[control, 1])
    se = math.sqrt(max(both - 2.0 * float(cross[treatment, control]), 0.0))
    z = float(norm_ppf(1.0 - alpha / 2.0))
    if math.isnan(value) or math.isnan(se):
        raise InputError(_WHERE, "arms", f"{method} needs two pulls of both arms", "choose another method")
    p = math.erfc(abs(value) / se / math.sqrt(2.0)) if se > 0.0 else float(value == 0.0)
    around = (value - z * se, value + z * se)
    return Contrast(treatment, control, value, se, math.sqrt(both), around, p, method)


@dataclass(frozen=True)
class Recommendation:
    """What to do after a bandit.

    Attributes
    ----------
    action : str
        ``launch``: an arm is better than the control; ``keep``: the control is better than every arm; ``collect``.
    arm : int
        The arm to serve: the largest estimate of those better than the control; the control otherwise.
    contrasts : tuple of Contrast
        Every arm against the control, with intervals that hold together (Bonferroni).
    sentence : str
        The same in words.
    """

    action: str
    arm: int
    contrasts: tuple[Contrast, ...]
    sentence: str


def recommendation(
    arms: Sequence[int],
    rewards: Sequence[float],
    propensities: object,
    *,
    control: int = 0,
    method: str = "aipw_twopoint",
    alpha: float = 0.1,
    decay: float = 0.7,
) -> Recommendation:
    """Recommend an arm from adaptively collected data, by a method that stays valid there.

    Raises
    ------
    InputError
        A method that is not valid after adaptive allocation, such as the sample mean; propensities below both the
        decaying floor ``t^-decay / K`` and a constant one of a hundredth, without which no method is.
    """
    if method not in VALID:
        remedy = f"choose from {', '.join(VALID)}"
        raise InputError(_WHERE, "method", f"{shown(method)} is not valid after adaptive allocation", remedy)
    if not 0.0 < alpha < 1.0:
        raise InputError(_WHERE, "alpha", f"alpha is {shown(alpha)}", "give a number above 0 and below 1")
    table = estimates(arms, rewards, propensities, decay)
    chance = np.array(propensities, dtype=np.float64, ndmin=2)
    least = np.minimum(np.arange(1.0, chance.shape[0] + 1.0) ** -decay / chance.shape[1], CONSTANT)
    low = np.flatnonzero(chance.min(axis=1) < least * (1.0 - 1e-9))
    if low.size:
        t = int(low[0])
        problem = (
            f"request {t + 1} has a propensity of {chance[t].min():.3g}, below t^-{decay:g} / K and below {CONSTANT:g}"
        )
        raise InputError(_WHERE, "propensities", problem, "floor them while collecting, or give a larger decay")
    if isinstance(control, bool) or not isinstance(control, int | np.integer) or not 0 <= control < table.shape[1]:
        raise InputError(_WHERE, "control", f"arm {shown(control)} of {table.shape[1]}", "count arms from 0")
    return recommended(table, covariances(arms, rewards, propensities, decay), method, int(control), alpha)


def recommended(table: np.ndarray, cross: np.ndarray, method: str, control: int, alpha: float) -> Recommendation:
    """Return the recommendation that estimates of every arm make.

    Parameters
    ----------
    table : ndarray, shape (5, arms, 2)
        As from `adaptive_inference.estimates`.
    cross : ndarray, shape (5, arms, arms)
        As from `adaptive_inference.covariances`.
    method, control, alpha
        As for `recommendation`.
    """
    row = METHODS.index(method)
    others = [a for a in range(table.shape[1]) if a != control]
    made = tuple(_contrast(table[row], cross[row], a, control, method, alpha / len(others)) for a in others)
    better = [one for one in made if one.interval[0] > 0.0]
    level = f"{100 * (1 - alpha):g} %"
    if better:
        best = max(better, key=lambda one: one.estimate)
        words = f"arm {best.treatment} is better than the control by {best.estimate:.3g}"
        around = f"({level} interval {best.interval[0]:.3g} to {best.interval[1]:.3g})"
        return Recommendation("launch", best.treatment, made, f"Launch: {words} {around}.")
    if all(one.interval[1] < 0.0 for one in made):
        return Recommendation("keep", int(control), made, f"Keep the control: every other arm is worse at {level}.")
    return Recommendation("collect", int(control), made, f"Collect more: no arm is proved better at {level}.")
