"""Time-uniform boundaries: how far a sum may wander before it is evidence, at whatever moment one looks.

A boundary ``u(v)`` holds for a process ``S_t`` with intrinsic time ``V_t`` (its accumulated variance) at all
times at once: ``P(some t: S_t >= u(V_t)) <= alpha``. The two-sided normal mixture bounds ``|S_t|``. All are
mixtures of exponential supermartingales (Ville's inequality), tuned to be tightest near ``V_t = v_opt``.

References
----------
.. [1] Howard, Ramdas, McAuliffe, Sekhon (2021), "Time-uniform, nonparametric, nonasymptotic confidence
   sequences", Annals of Statistics 49, 1055-1080: Propositions 5 to 9, equation (10).
"""

from __future__ import annotations

import math
from collections.abc import Callable

from expsim_panel.checked import check_error_rate, check_finite, check_positive
from expsim_panel.errors import InputError, shown

WHERE = "always-valid bound"


def _check_sides(sides: int) -> None:
    if isinstance(sides, bool) or sides not in (1, 2):
        raise InputError(WHERE, "--sides", f"sides is {shown(sides)}", "give 1 or 2")


def mixture_precision(v_opt: float, alpha: float = 0.05, sides: int = 2) -> float:
    """Return the mixture's tuning ``rho`` that makes the normal mixture boundary tightest near `v_opt`.

    ``rho = v_opt / (2 log(1/a) + log(1 + 2 log(1/a)))`` with ``a = alpha`` for two sides and ``2 alpha`` for
    one (alpha below 1/2 then), [1]_ section 3.5.
    """
    check_positive("v-opt", v_opt, WHERE)
    check_error_rate(alpha, sides, WHERE)
    level = alpha if sides == 2 else 2.0 * alpha
    if level >= 1.0:
        raise InputError(WHERE, "--alpha", f"alpha is {shown(alpha)}", "give less than 0.5 for one side")
    weight = -2.0 * math.log(level)
    return v_opt / (weight + math.log1p(weight))


def normal_mixture_log(s: float, v: float, v_opt: float, sides: int = 2, alpha_opt: float = 0.05) -> float:
    """Return the log of the normal mixture supermartingale at sum `s` and intrinsic time `v`.

    Two sides: any mean; one side: positive means only (a half-normal mixture).
    """
    check_finite("s", s, WHERE)
    check_positive("v", v, WHERE)
    rho = mixture_precision(v_opt, alpha_opt, sides)
    value = 0.5 * math.log(rho / (v + rho)) + s * s / (2.0 * (v + rho))
    if sides == 2:
        return value
    from scipy.special import log_ndtr

    return value + math.log(2.0) + float(log_ndtr(s / math.sqrt(v + rho)))


def normal_mixture_bound(
    v: float, alpha: float = 0.05, v_opt: float = 1.0, sides: int = 2, alpha_opt: float = 0.05
) -> float:
    """Return the normal mixture boundary at intrinsic time `v` (sub-Gaussian sums).

    Parameters
    ----------
    v, v_opt : float
        Intrinsic time, and the one it is tuned for; greater than 0.
    alpha, alpha_opt : float
        Error probability, all times together, and the one it is tuned for.
    sides : int
        2: bounds ``|S|``, ``sqrt((v + rho) log((v + rho) / (rho alpha^2)))``. 1: bounds ``S``, by root finding.
    """
    check_positive("v", v, WHERE)
    check_error_rate(alpha, sides, WHERE)
    rho = mixture_precision(v_opt, alpha_opt, sides)
    if sides == 2:
        return math.sqrt((v + rho) * (math.log1p(v / rho) - 2.0 * math.log(alpha)))
    return _crossing(lambda s: normal_mixture_log(s, v, v_opt, 1, alpha_opt), v, alpha, math.inf)


def gamma_exponential_log(s: float, v: float, v_opt: float, c: float, alpha_opt: float = 0.05) -> float:
    """Return the log of the gamma-exponential mixture (sub-exponential sums of scale `c` > 0)."""
    from scipy.special import gammainc, gammaln

    check_finite("s", s, WHERE)
    for key, value in (("v", v), ("c", c)):
        check_positive(key, value, WHERE)
    square = c * c
    own = mixture_precision(v_opt, alpha_opt, 1) / square
    time = v / square + own
    reached = s / c + v / square
    lead = own * math.log(own) - float(gammaln(own)) - math.log(float(gammainc(own, own)))
    inside = math.log(float(gammainc(time, reached + own)))
    return lead + float(gammaln(time)) + inside - time * math.log(reached + own) + reached


def gamma_exponential_bound(
    v: float, alpha: float = 0.05, v_opt: float = 1.0, c: float = 1.0, alpha_opt: float = 0.05
) -> float:
    """Return the one-sided gamma-exponential boundary: the empirical-Bernstein one, with `c` the range."""
    check_error_rate(alpha, 1, WHERE)
    return _crossing(lambda s: gamma_exponential_log(s, v, v_opt, c, alpha_opt), v, alpha, math.inf)


def gamma_poisson_log(s: float, v: float, v_opt: float, c: float, alpha_opt: float = 0.05) -> float:
    """Return the log of the gamma-Poisson mixture (sub-Poisson sums with steps of at most `c` > 0)."""
    from scipy.special import gammaincc, gammaln

    check_finite("s", s, WHERE)
    for key, value in (("v", v), ("c", c)):
        check_positive(key, value, WHERE)
    square = c * c
    own = mixture_precision(v_opt, alpha_opt, 1) / square
    time = v / square + own
    reached = s / c + time
    lead = own * math.log(own) - float(gammaln(own)) - math.log(float(gammaincc(own, own)))
    inside = math.log(float(gammaincc(reached, time)))
    return lead + float(gammaln(reached)) + inside - reached * math.log(time) + v / square


def gamma_poisson_bound(
    v: float, alpha: float = 0.05, v_opt: float = 1.0, c: float = 1.0, alpha_opt: float = 0.05
) -> float:
    """Return the one-sided gamma-Poisson boundary."""
    check_error_rate(alpha, 1, WHERE)
    return _crossing(lambda s: gamma_poisson_log(s, v, v_opt, c, alpha_opt), v, alpha, math.inf)


def _binomial_prior(v_opt: float, g: float, h: float, sides: int, alpha_opt: float) -> float:
    """Return the prior weight r of the beta-binomial mixture."""
    return max(mixture_precision(v_opt, alpha_opt, sides) - g * h, 1e-3 * g * h)


def beta_binomial_log(
    s: float, v: float, v_opt: float, g: float, h: float, sides: int = 2, alpha_opt: float = 0.05
) -> float:
    """Return the log of the beta-binomial mixture: sums of steps in ``[-g, h]``, intrinsic time ``g h`` a step."""
    from scipy.special import betainc, betaln

    check_finite("s", s, WHERE)
    for key, value in (("v", v), ("g", g), ("h", h)):
        check_positive(key, value, WHERE)
    _check_sides(sides)
    both = g + h
    r = _binomial_prior(v_opt, g, h, sides, alpha_opt)
    rise, fall = (r + v - g * s) / (g * both), (r + v + h * s) / (h * both)
    if rise <= 0.0 or fall <= 0.0:
        raise InputError(WHERE, "--s", f"s is {shown(s)}", f"give a sum from {-v / h:g} to {v / g:g}")
    cut = 1.0 if sides == 2 else h / both
    ratio = float(betaln(rise, fall) - betaln(r / (g * both), r / (h * both)))
    if sides == 1:
        ratio += math.log(betainc(rise, fall, cut)) - math.log(betainc(r / (g * both), r / (h * both), cut))
    scale = v / (g * h) * math.log(both)
    return scale - (v / h + s) / both * math.log(g) - (v / g - s) / both * math.log(h) + ratio


def beta_binomial_bound(
    v: float, alpha: float = 0.05, v_opt: float = 1.0, g: float = 0.5, h: float = 0.5, sides: int = 2,
    alpha_opt: float = 0.05,
) -> float:  # fmt: skip
    """Return the upper beta-binomial boundary; at most ``v / g``, which no sum exceeds."""
    check_error_rate(alpha, sides, WHERE)
    for key, value in (("v", v), ("g", g), ("h", h)):
        check_positive(key, value, WHERE)
    return _crossing(lambda s: beta_binomial_log(s, v, v_opt, g, h, sides, alpha_opt), v, alpha, v / g)


def poly_stitching_bound(
    v: float, alpha: float = 0.05, v_min: float = 1.0, c: float = 0.0, s: float = 1.4, eta: float = 2.0
) -> float:
    """Return the polynomial stitched boundary, of the order ``sqrt(v log log v)`` ([1]_ equation (10)).

    Parameters
    ----------
    v, v_min : float
        Intrinsic time, and the one it is tight from; below `v_min` the boundary stays at its value there.
    c : float
        Scale of sub-gamma steps; 0 for sub-Gaussian ones, may be negative.
    s, eta : float
        Exponent of the weights over epochs and ratio of two epochs, both greater than 1.
    """
    from scipy.special import zeta

    check_error_rate(alpha, 1, WHERE)
    check_positive("v", v, WHERE)
    check_positive("v-min", v_min, WHERE)
    check_finite("c", c, WHERE)
    for key, value in (("s", s), ("eta", eta)):
        check_finite(key, value, WHERE)
        if not value > 1.0:
            raise InputError(WHERE, f"--{key}", f"{key} is {shown(value)}", "give more than 1")
    first = (eta**0.25 + eta**-0.25) / math.sqrt(2.0)
    second = (math.sqrt(eta) + 1.0) / 2.0
    used = max(v, v_min)
    weight = s * math.log(math.log(eta * used / v_min))
    weight += math.log(float(zeta(s, 1)) / (alpha * math.log(eta) ** s))
    linear = second * c * weight
    return math.sqrt(first * first * used * weight + linear * linear) + linear


def bernoulli_confidence_sequence(
    successes: int, n: int, alpha: float = 0.05, t_opt: float = 100.0, alpha_opt: float = 0.05
) -> tuple[float, float]:
    """Return an interval for a rate that holds at all sample sizes at once.

    All rates p whose two-sided beta-binomial mixture stays below ``1 / alpha``; the mixture's beta law has
    mean p, and is tuned for `t_opt` observations.

    Parameters
    ----------
    successes, n : int
        Successes among `n` observations so far, ``0 <= successes <= n``, n at least 1.
    """
    from scipy.optimize import brentq
    from scipy.special import betaln

    check_error_rate(alpha, 2, WHERE)
    check_positive("t-opt", t_opt, WHERE)
    check_positive("n", n, WHERE)
    check_finite("successes", successes, WHERE)
    if not 0 <= successes <= n:
        raise InputError(WHERE, "--successes", f"{shown(successes)} of {shown(n)}", "give 0 to n successes")

    def excess(p: float) -> float:
        q = 1.0 - p
        r = _binomial_prior(t_opt * p * q, p, q, 2, alpha_opt)
        mixed = float(betaln(r / q + successes, r / p + n - successes) - betaln(r / q, r / p))
        return mixed - successes * math.log(p) - (n - successes) * math.log1p(-p) + math.log(alpha)

    edge, rate = 1e-12, successes / n
    middle = min(max(rate, edge), 1.0 - edge)
    low = high = middle
    low = 0.0 if successes == 0 or excess(edge) <= 0.0 else float(brentq(excess, edge, middle, xtol=1e-13))
    high = 1.0 if successes == n or excess(1.0 - edge) <= 0.0 else float(brentq(excess, middle, 1.0 - edge, xtol=1e-13))
    return low, high


def _crossing(log_mixture: Callable[[float], float], v: float, alpha: float, most: float) -> float:
    """Return the sum at which a log mixture reaches ``log(1 / alpha)``; `most` where it never does."""
    from scipy.optimize import brentq

    target = -math.log(alpha)
    top = most
    if math.isinf(most):
        top = max(v, 1.0)
        while log_mixture(top) <= target:
            top *= 2.0
    elif log_mixture(most) < target:
        return most
    return float(brentq(lambda s: log_mixture(s) - target, 0.0, top, xtol=1e-12, rtol=1e-14))
