"""Tests and intervals of a mean that hold at every moment at once: mixture SPRT, asymptotic sequence.

Peeking is allowed: the probability of ever rejecting a true null is at most `alpha`, however often one looks
and whenever one stops.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from expsim_panel.checked import check_error_rate, check_finite, check_positive
from expsim_panel.errors import InputError, shown

WHERE = "always-valid test"


@dataclass(frozen=True)
class MixtureSPRT:
    """State of a mixture sequential probability ratio test.

    Attributes
    ----------
    log_lambda : float
        Log of the mixture likelihood ratio; reject when it reaches ``log(1 / alpha)``.
    p_value : float
        ``min(1, 1 / Lambda)`` of this moment alone; the always-valid p-value is its running minimum.
    half_width : float
        Half width of the confidence interval of this moment; the sequence of them covers at all times.
    """

    log_lambda: float
    p_value: float
    half_width: float


def msprt(mean: float, variance: float, tau: float, alpha: float = 0.05) -> MixtureSPRT:
    """Return the normal mixture SPRT of "no effect" for an estimate with a known variance.

    ``Lambda = sqrt(V / (V + tau^2)) exp(tau^2 d^2 / (2 V (V + tau^2)))`` for an estimate ``d ~ N(effect, V)``
    and effects mixed over ``N(0, tau^2)``. One sample: ``V = sigma^2 / n``; two arms: ``V = v0/n0 + v1/n1``.

    Parameters
    ----------
    mean : float
        The estimate.
    variance : float
        Its variance V (squared standard error), greater than 0.
    tau : float
        Standard deviation of the mixture, in the units of the estimate: the size of effect one hopes to find.
    alpha : float
        Level.

    Raises
    ------
    InputError
        An argument is out of its range.

    References
    ----------
    .. [1] Johari, Koomen, Pekelis, Walsh (2022), "Always Valid Inference: Continuous Monitoring of A/B
       Tests", Operations Research 70, 1806-1821.
    .. [2] Robbins (1970), "Statistical methods related to the law of the iterated logarithm", Annals of
       Mathematical Statistics 41, 1397-1409.
    """
    check_error_rate(alpha, 2, WHERE)
    check_finite("mean", mean, WHERE)
    check_positive("variance", variance, WHERE)
    check_positive("tau", tau, WHERE)
    mixed = tau * tau
    total = variance + mixed
    log_lambda = 0.5 * math.log(variance / total) + mixed * mean * mean / (2.0 * variance * total)
    needed = -2.0 * math.log(alpha) + math.log(total / variance)
    half = math.sqrt(variance * total / mixed * needed)
    return MixtureSPRT(log_lambda, min(1.0, math.exp(-log_lambda)), half)


def msprt_bound(variance: float, tau: float, alpha: float = 0.05) -> float:
    """Return the |z| at which the mixture SPRT rejects, for an estimate of this variance."""
    return msprt(0.0, variance, tau, alpha).half_width / math.sqrt(variance)


@dataclass(frozen=True)
class Sequence:
    """One moment of an asymptotic confidence sequence.

    Attributes
    ----------
    effect, low, high : float
        Estimate and interval; with one side the other end is infinite.
    half_width : float
        From the estimate to a finite end.
    p_value : float
        Always-valid p-value of no effect, two-sided (one-sided: of no gain).
    rho : float
        Tuning of the mixture.
    """

    effect: float
    low: float
    high: float
    half_width: float
    p_value: float
    rho: float


def asymptotic_rho(tuning_n: float, alpha: float = 0.05) -> float:
    """Return the mixture tuning that makes the sequence tightest near `tuning_n` units.

    ``rho = sqrt((-2 log alpha + log(1 - 2 log alpha)) / tuning_n)``, [1]_ section B.2.

    References
    ----------
    .. [1] Waudby-Smith, Arbour, Sinha, Kennedy, Ramdas (2024), "Time-uniform central limit theory and
       asymptotic confidence sequences", Annals of Statistics 52, 2613-2640.
    """
    check_error_rate(alpha, 2, WHERE)
    check_positive("tuning-n", tuning_n, WHERE)
    weight = -2.0 * math.log(alpha)
    return math.sqrt((weight + math.log1p(weight)) / tuning_n)


def asymptotic_half_width(n: float, variance: float, rho: float, alpha: float = 0.05, sides: int = 2) -> float:
    """Return the half width of the asymptotic confidence sequence of a mean after `n` units of this variance.

    ``sqrt(s^2) sqrt(2 (n rho^2 + 1) log(sqrt(n rho^2 + 1) / alpha) / (n rho)^2)``; one side:
    ``log(1 + sqrt(n rho^2 + 1) / (2 alpha))`` for the logarithm.
    """
    check_error_rate(alpha, sides, WHERE)
    check_positive("n", n, WHERE)
    check_positive("variance", variance, WHERE)
    check_positive("rho", rho, WHERE)
    grown = n * rho * rho + 1.0
    # At one side half of the mixture, the one that speaks for a gain, has all of the weight.
    evidence = math.log(math.sqrt(grown) / alpha) if sides == 2 else math.log1p(math.sqrt(grown) / (2.0 * alpha))
    return math.sqrt(variance) * math.sqrt(2.0 * grown * evidence) / (n * rho)


def asymptotic_confidence_sequence(
    mean_control: float,
    sd_control: float,
    n_control: float,
    mean_treatment: float,
    sd_treatment: float,
    n_treatment: float,
    *,
    relative: bool = False,
    alpha: float = 0.05,
    sides: int = 2,
    tuning_n: float = 5000.0,
) -> Sequence:
    """Return the asymptotic confidence sequence of a difference, or of a relative lift by the delta method.

    The sample size that counts is both arms together, ``n = n0 + n1``, and the variance of one of its units
    ``n (v1/n1 + v0/n0)`` (a lift: ``n (v1/(n1 m0^2) + v0 m1^2/(n0 m0^4))``). Covers at all sample sizes at once
    in the limit of large ones (a few hundred units at the first look).

    Parameters
    ----------
    mean_control, mean_treatment, sd_control, sd_treatment, n_control, n_treatment : float
        Mean, standard deviation of a unit, and units of each arm.
    relative : bool
        Effect ``m1 / m0 - 1`` instead of ``m1 - m0``.
    alpha, sides
        Level; 2 sides, or 1 for a lower end alone.
    tuning_n : float
        Units, both arms together, near which the sequence is tightest.

    References
    ----------
    .. [1] Waudby-Smith et al. (2024), Annals of Statistics 52, 2613-2640, Theorem 2.2 and equation (155) of
       the preprint 2103.06476 for the p-value.
    """
    for key, value in (("mean-control", mean_control), ("mean-treatment", mean_treatment)):
        check_finite(key, value, WHERE)
    for key, value in (("sd-control", sd_control), ("sd-treatment", sd_treatment)):
        check_positive(key, value, WHERE)
    for key, value in (("n-control", n_control), ("n-treatment", n_treatment)):
        check_positive(key, value, WHERE)
    effect, squared = mean_treatment - mean_control, sd_treatment**2 / n_treatment + sd_control**2 / n_control
    if relative:
        if mean_control == 0.0:
            raise InputError(WHERE, "--mean-control", "mean-control is 0", "a lift needs a control other than 0")
        effect /= mean_control
        control = sd_control**2 * mean_treatment**2 / (n_control * mean_control**4)
        squared = sd_treatment**2 / (n_treatment * mean_control**2) + control
    n = n_control + n_treatment
    rho = asymptotic_rho(tuning_n, alpha)
    half = asymptotic_half_width(n, n * squared, rho, alpha, sides)
    grown = n * rho * rho + 1.0
    log_e = rho * rho * n * effect * effect / (2.0 * squared * grown) - 0.5 * math.log(grown)
    if sides == 1:
        from scipy.special import log_ndtr

        reach = rho * math.sqrt(n / grown / squared) * effect
        log_e += math.log(2.0) + float(log_ndtr(reach))
    p_value = min(1.0, math.exp(-log_e)) if log_e > -700.0 else 1.0
    high = effect + half if sides == 2 else math.inf
    return Sequence(effect, effect - half, high, half, p_value, rho)


def always_valid_p_values(p_values: list[float]) -> list[float]:
    """Return the running minimum of the p-values of single moments: what an always-valid p-value is."""
    least, running = 1.0, []
    for p in p_values:
        if not (isinstance(p, int | float) and p >= 0.0):
            raise InputError(WHERE, "p-values", f"p-value is {shown(p)}", "give numbers of at least 0")
        least = min(least, p)
        running.append(least)
    return running
