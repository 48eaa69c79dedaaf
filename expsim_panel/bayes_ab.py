"""Bayesian answers for an A/B test: chance to win, expected loss, posterior of the effect.

Normal effects with a normal prior on the effect (or none), rates with beta priors; exact, no draws.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from expsim_panel.checked import check_error_rate, check_finite, check_positive
from expsim_panel.errors import InputError, shown
from expsim_panel.kernels.special import norm_cdf, norm_pdf, norm_ppf

WHERE = "Bayesian A/B"


@dataclass(frozen=True)
class Posterior:
    """What is believed of the effect of B over A after the data.

    Attributes
    ----------
    chance_to_win : float
        P(effect > 0).
    mean, sd : float
        Of the effect; for rates of their difference.
    low, high : float
        Central credible interval.
    risk_choose_b, risk_choose_a : float
        Expected loss of choosing B, ``E[max(-effect, 0)]``, and of choosing A, ``E[max(effect, 0)]``.
    """

    chance_to_win: float
    mean: float
    sd: float
    low: float
    high: float
    risk_choose_b: float
    risk_choose_a: float


def normal_effect(
    estimate: float,
    se: float,
    prior_mean: float = 0.0,
    prior_sd: float = math.inf,
    level: float = 0.95,
) -> Posterior:
    """Return the posterior of an effect whose estimate is normal with a known standard error.

    Precisions add: ``1/s^2 = 1/se^2 + 1/prior_sd^2``; an infinite `prior_sd` is the flat prior.

    Parameters
    ----------
    estimate, se : float
        Estimate of the effect and its standard error, greater than 0.
    prior_mean, prior_sd : float
        Normal prior of the effect; ``prior_sd`` greater than 0, or infinite.
    level : float
        Of the credible interval, in (0, 1).
    """
    check_finite("estimate", estimate, WHERE)
    check_positive("se", se, WHERE)
    check_finite("prior-mean", prior_mean, WHERE)
    check_error_rate(1.0 - level, 2, WHERE)
    if not (isinstance(prior_sd, int | float) and prior_sd > 0.0):
        raise InputError(WHERE, "--prior-sd", f"prior-sd is {shown(prior_sd)}", "give more than 0, or inf")
    share = 1.0 / (1.0 + (se / prior_sd) ** 2)
    mean, sd = share * estimate + (1.0 - share) * prior_mean, se * math.sqrt(share)
    z, reach = mean / sd, norm_ppf(0.5 + level / 2.0)
    lose = sd * (norm_pdf(z) - z * norm_cdf(-z))
    gain = sd * (norm_pdf(z) + z * norm_cdf(z))
    return Posterior(norm_cdf(z), mean, sd, mean - reach * sd, mean + reach * sd, max(lose, 0.0), max(gain, 0.0))


def normal_means(
    mean_a: float, sd_a: float, n_a: float, mean_b: float, sd_b: float, n_b: float, *,
    relative: bool = False, prior_mean: float = 0.0, prior_sd: float = math.inf, level: float = 0.95,
) -> Posterior:  # fmt: skip
    """Return the posterior of the difference of two means, or of the lift ``m_b / m_a - 1`` by the delta method.

    Parameters
    ----------
    mean_a, mean_b, sd_a, sd_b, n_a, n_b : float
        Mean, standard deviation of a unit, and units of each arm.
    relative : bool
        Whether effect and prior are relative to A.
    prior_mean, prior_sd, level
        As in `normal_effect`.
    """
    for key, value in (("mean-a", mean_a), ("mean-b", mean_b)):
        check_finite(key, value, WHERE)
    for key, value in (("sd-a", sd_a), ("n-a", n_a), ("sd-b", sd_b), ("n-b", n_b)):
        check_positive(key, value, WHERE)
    own_a, own_b = sd_a * sd_a / n_a, sd_b * sd_b / n_b
    if not relative:
        return normal_effect(mean_b - mean_a, math.sqrt(own_a + own_b), prior_mean, prior_sd, level)
    if mean_a == 0.0:
        raise InputError(WHERE, "--mean-a", "mean-a is 0", "a lift needs a control other than 0")
    lift = mean_b / mean_a - 1.0
    se = math.sqrt(own_b / mean_a**2 + own_a * mean_b**2 / mean_a**4)
    return normal_effect(lift, se, prior_mean, prior_sd, level)


def beta_rates(
    successes_a: float, n_a: float, successes_b: float, n_b: float, *,
    prior: tuple[float, float] = (1.0, 1.0), prior_b: tuple[float, float] | None = None, level: float = 0.95,
) -> Posterior:  # fmt: skip
    """Return the posterior of the difference of two rates, independent beta posteriors.

    ``P(B > A)`` and the expected losses are integrals of beta laws over the narrower posterior (Gauss-Legendre
    panels, error below 1e-11), right for any positive parameters, whole or not; the interval is by root
    finding on the same integral.

    Parameters
    ----------
    successes_a, n_a, successes_b, n_b : float
        Successes among n of each arm.
    prior, prior_b : (float, float)
        Beta prior of A's and of B's rate (of both where `prior_b` is not given), both numbers above 0.
    level : float
        Of the credible interval.

    References
    ----------
    .. [1] Miller (2015), "Formulas for Bayesian A/B testing", equation 6; Stucchio (2015), "Bayesian A/B
       testing at VWO", for the expected loss.
    """
    check_error_rate(1.0 - level, 2, WHERE)
    a = _beta("a", successes_a, n_a, prior)
    b = _beta("b", successes_b, n_b, prior if prior_b is None else prior_b)
    mean_a, mean_b = a[0] / (a[0] + a[1]), b[0] / (b[0] + b[1])
    p = _exceeds(a, b, 0.0)
    # E[max(B - A, 0)] = E[B] P(B' > A) - E[A] P(B > A'), primes with one more success.
    gain = mean_b * _exceeds(a, (b[0] + 1.0, b[1]), 0.0) - mean_a * _exceeds((a[0] + 1.0, a[1]), b, 0.0)
    lose = mean_a * (1.0 - _exceeds((a[0] + 1.0, a[1]), b, 0.0)) - mean_b * (1.0 - _exceeds(a, (b[0] + 1.0, b[1]), 0.0))
    sd = math.sqrt(sum(s * f / ((s + f) ** 2 * (s + f + 1.0)) for s, f in (a, b)))
    from scipy.optimize import brentq

    ends = [
        float(brentq(lambda d, tail=tail: _exceeds(a, b, d) - tail, -1.0, 1.0, xtol=1e-10))
        for tail in (0.5 + level / 2.0, 0.5 - level / 2.0)
    ]
    return Posterior(p, mean_b - mean_a, sd, ends[0], ends[1], max(lose, 0.0), max(gain, 0.0))


def _beta(arm: str, successes: float, n: float, prior: tuple[float, float]) -> tuple[float, float]:
    check_finite(f"successes-{arm}", successes, WHERE)
    check_finite(f"n-{arm}", n, WHERE)
    if not 0.0 <= successes <= n:
        raise InputError(WHERE, f"--successes-{arm}", f"{shown(successes)} of {shown(n)}", "give 0 to n successes")
    for value in prior:
        check_positive("prior", value, WHERE)
    return prior[0] + successes, prior[1] + n - successes


def _exceeds(a: tuple[float, float], b: tuple[float, float], gap: float) -> float:
    """Return P(B - A > gap) for independent beta A and B."""
    import numpy as np
    from scipy.special import betainc, betaincinv

    # Integrate over A by its quantiles: q = F(x) makes the density constant, whatever its poles.
    nodes, weights = np.polynomial.legendre.leggauss(16)
    cuts = np.concatenate(([0.0], 10.0 ** np.arange(-14.0, -1.0), np.linspace(0.1, 0.9, 17)))
    cuts = np.unique(np.concatenate((cuts, 1.0 - cuts)))
    half, middle = 0.5 * np.diff(cuts)[:, None], 0.5 * (cuts[1:] + cuts[:-1])[:, None]
    q, w = (middle + half * nodes).ravel(), (half * weights).ravel()
    x = betaincinv(a[0], a[1], q) + gap
    above = 1.0 - betainc(b[0], b[1], np.clip(x, 0.0, 1.0))
    return float(np.sum(w * above))
