"""Wrong sign (type S), exaggeration (type M), and estimates corrected for having been selected by p < alpha."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

from expsim_panel.checked import check_error_rate, check_finite, check_positive
from expsim_panel.errors import InputError, shown
from expsim_panel.kernels.special import norm_cdf, norm_pdf, norm_ppf

WHERE = "type S and M errors"


@dataclass(frozen=True)
class SignAndMagnitude:
    """What a significant result would be worth.

    Attributes
    ----------
    power : float
        P(significant), both directions for two sides.
    type_s : float
        P(wrong sign | significant); 0.5 without an effect and two sides, None with one side (never wrong).
    type_m : float or None
        E|estimate| / |effect| given significance: the exaggeration; None without an effect.
    bias : float
        E[estimate | significant] - effect, signs kept.
    """

    power: float
    type_s: float
    type_m: float | None
    bias: float


def type_s_m(
    true_effect: float, se: float, alpha: float = 0.05, sides: int = 2, df: float = math.inf
) -> SignAndMagnitude:
    """Return power, type S and type M error of a test of an effect, in closed form.

    Parameters
    ----------
    true_effect : float
        The effect that one considers plausible, not the estimate at hand.
    se : float
        Standard error of its estimate, greater than 0.
    alpha, sides
        Level of the test; one side rejects for positive estimates only.
    df : float
        Degrees of freedom behind `se`; the estimate is then ``effect + se T`` as in retrodesign.

    References
    ----------
    .. [1] Gelman, Carlin (2014), "Beyond power calculations", Perspectives on Psychological Science 9, 641-651.
    .. [2] Lu, Qiu, Deng (2019), "A note on type S/M errors in hypothesis testing", British Journal of
       Mathematical and Statistical Psychology 72, 1-17: the closed form.
    """
    check_error_rate(alpha, sides, WHERE)
    check_finite("true-effect", true_effect, WHERE)
    check_positive("se", se, WHERE)
    if not (isinstance(df, int | float) and df > 1.0):
        raise InputError(WHERE, "--df", f"df is {shown(df)}", "give more than 1, or inf for a known variance")
    shift = true_effect / se
    critical, tail, first = _law(alpha / sides, df)
    high = tail(critical - shift)
    low = tail(critical + shift) if sides == 2 else 0.0
    power = high + low
    # E[T; T > c] = first(c) for the symmetrical law.
    above = shift * high + first(critical - shift)
    below = shift * low - first(critical + shift) if sides == 2 else 0.0
    magnitude = (above - below) / power
    # One side never rejects for the worse, so a rejection has the wrong sign only where the truth is below 0.
    wrong = (low if shift >= 0.0 else high) / power if sides == 2 else float(shift < 0.0)
    exaggeration = None if shift == 0.0 else magnitude / abs(shift)
    return SignAndMagnitude(power, wrong, exaggeration, se * ((above + below) / power - shift))


def _law(tail_level: float, df: float) -> tuple[float, Callable[[float], float], Callable[[float], float]]:
    """Return critical value, tail function and partial expectation of the normal or t law."""
    if math.isinf(df):
        return -norm_ppf(tail_level), lambda x: norm_cdf(-x), norm_pdf
    from scipy.stats import t

    def first(x: float) -> float:
        return float(t.pdf(x, df)) * (df + x * x) / (df - 1.0)

    return float(t.isf(tail_level, df)), lambda x: float(t.sf(x, df)), first


@dataclass(frozen=True)
class Corrected:
    """An estimate seen only because it was significant, and what is left of it.

    Attributes
    ----------
    naive : float
        As observed.
    shrunk : float
        Posterior mean under the prior: what an average experiment of this team turns out to be worth.
    conditional : float
        Effect under which this estimate is the most likely one *among the significant*; closer to 0.
    low, high : float
        Interval of the conditional likelihood, by inverting its distribution function.
    """

    naive: float
    shrunk: float | None
    conditional: float
    low: float
    high: float


def correct_for_selection(
    estimate: float, se: float, alpha: float = 0.05, sides: int = 2, prior_mean: float = 0.0,
    prior_sd: float | None = None, level: float = 0.95,
) -> Corrected:  # fmt: skip
    """Return an estimate corrected for the winner's curse, with and without a prior.

    Parameters
    ----------
    estimate, se : float
        Observed effect and its standard error; the estimate must be significant.
    alpha, sides
        The test that selected it.
    prior_mean, prior_sd : float
        Normal prior of the team's effects; without `prior_sd` no shrinkage. Selection does not change a
        posterior, so the shrunk value needs no further correction.
    level : float
        Of the interval.

    References
    ----------
    .. [1] Zhong, Prentice (2008), "Bias-reduced estimators and confidence intervals for odds ratios in
       genome-wide association studies", Biostatistics 9, 621-634: the conditional likelihood.
    .. [2] van Zwet, Cator (2021), "The significance filter, the winner's curse and the need to shrink",
       Statistica Neerlandica 75, 437-452.
    """
    from scipy.optimize import brentq

    check_error_rate(alpha, sides, WHERE)
    check_finite("estimate", estimate, WHERE)
    check_positive("se", se, WHERE)
    check_error_rate(1.0 - level, 2, WHERE)
    z, critical = estimate / se, -norm_ppf(alpha / sides)
    if (abs(z) if sides == 2 else z) < critical:
        raise InputError(
            WHERE, "--estimate", f"z is {z:g}", f"only a significant one (beyond {critical:g}) was selected"
        )
    sign = -1.0 if z < 0.0 else 1.0
    size = abs(z)

    def below(shift: float) -> float:
        """P(Z <= size | selected) at this true z, in ratios that survive far tails."""
        from scipy.special import log_ndtr

        high = float(log_ndtr(shift - critical))
        low = float(log_ndtr(-critical - shift)) if sides == 2 else -math.inf
        total = max(high, low) + math.log1p(math.exp(-abs(high - low)))
        return 1.0 - math.exp(float(log_ndtr(shift - size)) - total)

    def score(shift: float) -> float:
        """Derivative of the conditional log-likelihood."""
        chosen = norm_cdf(shift - critical) + (norm_cdf(-shift - critical) if sides == 2 else 0.0)
        slope = norm_pdf(shift - critical) - (norm_pdf(-shift - critical) if sides == 2 else 0.0)
        return size - shift - slope / chosen

    # One side: the conditional maximum runs off to minus infinity as z nears the bound; it is cut at 0.
    conditional = float(brentq(score, 0.0, size, xtol=1e-12)) if score(0.0) > 0.0 else 0.0

    def solve(target: float) -> float:
        """Return the true z at which `below` is `target`; it falls from 1 to 0."""
        least = -size - 10.0
        while below(least) <= target:
            least *= 4.0
            if least < -1e5:
                return -math.inf
        return float(brentq(lambda m: below(m) - target, least, size + 40.0, xtol=1e-11))

    tail = (1.0 - level) / 2.0
    lower, upper = solve(1.0 - tail), solve(tail)
    ends = sorted((sign * lower * se, sign * upper * se))
    shrunk = None
    if prior_sd is not None:
        check_positive("prior-sd", prior_sd, WHERE)
        share = 1.0 / (1.0 + (se / prior_sd) ** 2)
        shrunk = share * estimate + (1.0 - share) * prior_mean
    return Corrected(estimate, shrunk, sign * conditional * se, ends[0], ends[1])
