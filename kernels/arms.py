"""What policies and stopping rules ask of the arms: contrasts, posteriors, P(best), expected loss."""

from __future__ import annotations

import math

import numpy as np

from expsim_panel.kernels.draws import binomial
from expsim_panel.kernels.jit import inner, kernel
from expsim_panel.kernels.special import beta_pdf, betainc, log_beta, norm_cdf, norm_pdf

_NODES, _WEIGHTS = np.polynomial.legendre.leggauss(12)
_CUTS = np.array([-45.0, -25.0, -14.0, -8.5, -5.5, -3.5, -2.0, -1.0, 0.0, 1.0, 2.0, 3.5, 5.5, 8.5, 14.0, 25.0, 45.0])
_FAR = 12.0
_STEP = 0.5
_REACH, _SKEWED_REACH = 7.0, 35.0
_COMPARABLE = 6.0
_LARGE = 75.0


@inner
def row_variance(n: float, s: float, q: float, ddof: float) -> float:
    """Variance of a row from number, sum and sum of squares; `ddof` 1 is unbiased, 0 that of a proportion."""
    if n <= ddof:
        return 0.0
    within = q - s * s / n
    return within / (n - ddof) if within > 0.0 else 0.0


@inner
def contrast_z(state: np.ndarray, arm: int, ddof: float) -> float:
    """z statistic of `arm` against control, unpooled variance; 0 until it is defined.

    ``(mean_a - mean_0) / sqrt(v_a / n_a + v_0 / n_0)``: Welch's statistic for scores, the unpooled Wald
    statistic for proportions. `state` is the (4, arms) array of `trials`.
    """
    n1 = state[1, arm]
    n0 = state[1, 0]
    if n1 <= ddof or n0 <= ddof or n1 == 0.0 or n0 == 0.0:
        return 0.0
    v1 = row_variance(n1, state[2, arm], state[3, arm], ddof)
    v0 = row_variance(n0, state[2, 0], state[3, 0], ddof)
    v = v1 / n1 + v0 / n0
    if v <= 0.0:
        return 0.0
    difference: float = state[2, arm] / n1 - state[2, 0] / n0
    return difference / math.sqrt(v)


FIRST, SECOND, P_BEST, LOSS = 0, 1, 2, 3
"""Rows of the array (4, arms) that the functions below read and fill: the two parameters of each arm's
posterior (mean and standard deviation, or alpha and beta), P(best), expected loss of choosing it."""


@kernel
def best_of_normals(work: np.ndarray, with_loss: bool) -> None:
    """Fill P(each arm is best) and the expected loss of choosing it, independent normal posteriors.

    Two arms: ``P = Phi(z)``, loss of the arm ahead ``s [phi(z) - z Phi(-z)]``, z = |m| / s (MODEL
    section 6). More arms: numerical integration, error below 1e-9.

    Parameters
    ----------
    work : float64 ndarray, shape (4, arms)
        Posterior means, standard deviations (positive); output P(best), loss.
    with_loss : bool
        Whether two arms need their loss: it costs as much again as P(best).
    """
    if work.shape[1] != 2:
        _integrate(False, work[FIRST], work[SECOND], work)
        return
    s = math.sqrt(work[SECOND, 0] * work[SECOND, 0] + work[SECOND, 1] * work[SECOND, 1])
    z = (work[FIRST, 1] - work[FIRST, 0]) / s
    if not with_loss:
        # The smaller of the two by the tail, so that neither is a difference of nearly equal numbers.
        small = norm_cdf(-abs(z))
        work[P_BEST, 0] = small if z > 0.0 else 1.0 - small
        work[P_BEST, 1] = 1.0 - small if z > 0.0 else small
        return
    work[P_BEST, 1] = norm_cdf(z)
    work[P_BEST, 0] = norm_cdf(-z)
    work[LOSS, 0] = s * (norm_pdf(z) + z * work[P_BEST, 1])
    work[LOSS, 1] = s * (norm_pdf(z) - z * work[P_BEST, 0])


@kernel
def best_of_betas(work: np.ndarray, with_loss: bool) -> None:
    """Fill P(each arm is best) and the expected loss of choosing it, independent beta posteriors.

    Parameters
    ----------
    work : float64 ndarray, shape (4, arms)
        alpha, beta (whole numbers of at least 1: whole prior counts plus counted outcomes); output P(best),
        loss.
    with_loss : bool
        Whether two arms need their loss: it costs as much again as P(best).
    """
    arms = work.shape[1]
    if arms != 2:
        mean = np.empty(arms)
        sd = np.empty(arms)
        for a in range(arms):
            n = work[FIRST, a] + work[SECOND, a]
            mean[a] = work[FIRST, a] / n
            sd[a] = math.sqrt(work[FIRST, a] * work[SECOND, a] / (n + 1.0)) / n
        _integrate(True, mean, sd, work)
        return
    p = beta_exceeds(work[FIRST, 1], work[SECOND, 1], work[FIRST, 0], work[SECOND, 0])
    work[P_BEST, 1] = p
    work[P_BEST, 0] = 1.0 - p
    if with_loss:
        gain = beta_gain(work[FIRST, 1], work[SECOND, 1], work[FIRST, 0], work[SECOND, 0], p)
        d = work[FIRST, 1] / (work[FIRST, 1] + work[SECOND, 1]) - work[FIRST, 0] / (work[FIRST, 0] + work[SECOND, 0])
        work[LOSS, 0] = gain
        work[LOSS, 1] = max(gain - d, 0.0)


@inner
def load_posterior(binary: bool, prior_hits: float, prior_misses: float, state: np.ndarray, work: np.ndarray) -> bool:
    """Fill the posterior's parameters in `work` from the (4, arms) state of `trials`; tell whether all are proper.

    Rates: beta posterior under a beta prior. Scores: flat prior, normal posterior with the estimated
    variance, proper from the second distinct row on.
    """
    for a in range(state.shape[1]):
        n = state[1, a]
        if binary:
            work[FIRST, a] = prior_hits + state[2, a]
            work[SECOND, a] = prior_misses + n - state[2, a]
        else:
            v = row_variance(n, state[2, a], state[3, a], 1.0)
            if v <= 0.0:
                return False
            work[FIRST, a] = state[2, a] / n
            work[SECOND, a] = math.sqrt(v / n)
    return True


@kernel
def beta_exceeds(a: float, b: float, c: float, d: float) -> float:
    """P(X > Y) for X ~ Beta(a, b), Y ~ Beta(c, d), whole parameters.

    Finite sum over the smallest parameter by Cook's recurrences; above 75 in all four the Edgeworth
    expansion of X - Y to order n^(-5/2), whose error is then below 1e-6.

    References
    ----------
    J. D. Cook (2005), "Exact calculation of beta inequalities", UTMDABTR-005-05. R. N. Bhattacharya
    and J. K. Ghosh (1978), Annals of Statistics 6, 434-451, for the expansion.
    """
    x = _beta_cumulants(a, b)
    y = _beta_cumulants(c, d)
    s = math.sqrt(x[1] + y[1])
    z = (x[0] - y[0]) / s
    if z > _FAR:
        return 1.0
    if z < -_FAR:
        return 0.0
    least = min(min(a, b), min(c, d))
    if least > _LARGE:
        s3 = s * s * s
        skew = (x[2] - y[2]) / s3
        fourth, fifth = (x[3] + y[3]) / (s3 * s), (x[4] - y[4]) / (s3 * s * s)
        return _edgeworth(z, skew, fourth, fifth, (x[5] + y[5]) / (s3 * s3), (x[6] - y[6]) / (s3 * s3 * s))
    if least == a:
        return _cook_sum(a, b, c, d)
    if least == c:
        return 1.0 - _cook_sum(c, d, a, b)
    if least == b:
        return 1.0 - _cook_sum(b, a, d, c)
    return _cook_sum(d, c, b, a)


@inner
def _edgeworth(z: float, k3: float, k4: float, k5: float, k6: float, k7: float) -> float:
    """P(W > 0) for a nearly normal W with mean over standard deviation z and standardised cumulants k3 to k7.

    The term of order m has a part for each partition of m, with the Hermite polynomial of m - 1 plus twice
    the number of its members.
    """
    y = -z
    h2 = y * y - 1.0
    h3 = y * h2 - 2.0 * y
    h4 = y * h3 - 3.0 * h2
    h5 = y * h4 - 4.0 * h3
    h6 = y * h5 - 5.0 * h4
    h7 = y * h6 - 6.0 * h5
    h8 = y * h7 - 7.0 * h6
    h9 = y * h8 - 8.0 * h7
    h10 = y * h9 - 9.0 * h8
    h11 = y * h10 - 10.0 * h9
    h12 = y * h11 - 11.0 * h10
    h14 = y * (y * h12 - 12.0 * h11) - 13.0 * h12
    q = k3 * k3
    first = k3 / 6.0 * h2
    second = k4 / 24.0 * h3 + q / 72.0 * h5
    third = k5 / 120.0 * h4 + k3 * k4 / 144.0 * h6 + q * k3 / 1296.0 * h8
    fourth = k6 / 720.0 * h5 + (k4 * k4 / 1152.0 + k3 * k5 / 720.0) * h7 + q * k4 / 1728.0 * h9 + q * q / 31104.0 * h11
    fifth = k7 / 5040.0 * h6 + (k3 * k6 / 4320.0 + k4 * k5 / 2880.0) * h8
    fifth += (q * k5 / 8640.0 + k3 * k4 * k4 / 6912.0) * h10 + k3 * q * (k4 / 31104.0 * h12 + q / 933120.0 * h14)
    return norm_cdf(z) + norm_pdf(y) * (first + second + third + fourth + fifth)


@kernel
def _cook_sum(a: float, b: float, c: float, d: float) -> float:
    """P(X > Y) as ``B(c, d + b) / B(c, d) + sum_{i=1}^{a-1} h(i, b, c, d) / i``, from the last term down."""
    total = 0.0
    i = a - 1.0
    if i >= 1.0:
        term = math.exp(log_beta(i + c, b + d) - log_beta(i, b) - log_beta(c, d)) / i
        while True:
            total += term
            if i <= 1.0:
                break
            # h(i-1)/(i-1) over h(i)/i
            ratio = (i - 1.0 + c + b + d) * i / ((i - 1.0 + c) * (i - 1.0 + b))
            term *= ratio
            if ratio < 1.0 and term < 1e-17 * total:
                return total
            i -= 1.0
    return total + math.exp(log_beta(c, d + b) - log_beta(c, d))


@kernel
def beta_gain(a: float, b: float, c: float, d: float, p: float) -> float:
    """E[max(X - Y, 0)] for X ~ Beta(a, b), Y ~ Beta(c, d), given ``p = P(X > Y)``.

    ``E[X] g(a+1, b, c, d) - E[Y] g(a, b, c+1, d)`` with Cook's ``g(a+1) = g + h / a`` and
    ``g(c+1) = g - h / c``.
    """
    h = math.exp(log_beta(a + c, b + d) - log_beta(a, b) - log_beta(c, d))
    gain = a / (a + b) * (p + h / a) - c / (c + d) * (p - h / c)
    return gain if gain > 0.0 else 0.0


@inner
def _beta_cumulants(a: float, b: float) -> tuple[float, float, float, float, float, float, float]:
    """First seven cumulants of Beta(a, b), by the recursion of its central moments (a Pearson law)."""
    n = a + b
    m = a / n
    tilt = 1.0 - 2.0 * m
    w = m * (1.0 - m)
    m2 = w / (n + 1.0)
    m3 = 2.0 / (n + 2.0) * tilt * m2
    m4 = 3.0 / (n + 3.0) * (tilt * m3 + w * m2)
    m5 = 4.0 / (n + 4.0) * (tilt * m4 + w * m3)
    m6 = 5.0 / (n + 5.0) * (tilt * m5 + w * m4)
    m7 = 6.0 / (n + 6.0) * (tilt * m6 + w * m5)
    k6 = m6 - 15.0 * m4 * m2 - 10.0 * m3 * m3 + 30.0 * m2 * m2 * m2
    k7 = m7 - 21.0 * m5 * m2 - 35.0 * m4 * m3 + 210.0 * m3 * m2 * m2
    return m, m2, m3, m4 - 3.0 * m2 * m2, m5 - 10.0 * m3 * m2, k6, k7


@inner
def _fill(x: float, is_beta: bool, work: np.ndarray, density: np.ndarray, below: np.ndarray) -> None:
    """Evaluate density and distribution function of every posterior at x."""
    for a in range(work.shape[1]):
        if is_beta:
            density[a] = beta_pdf(x, work[FIRST, a], work[SECOND, a])
            below[a] = betainc(work[FIRST, a], work[SECOND, a], x)
        else:
            y = (x - work[FIRST, a]) / work[SECOND, a]
            density[a] = norm_pdf(y) / work[SECOND, a]
            below[a] = norm_cdf(y)


@inner
def _add(x: float, weight: float, density: np.ndarray, below: np.ndarray, work: np.ndarray) -> float:
    """Add ``weight f_k prod F_j`` to each P(best); return the part of E[max] that x contributes."""
    total = 0.0
    for a in range(density.shape[0]):
        part = density[a] * weight
        for b in range(density.shape[0]):
            if b != a:
                part *= below[b]
        work[P_BEST, a] += part
        total += part
    return total * x


@kernel
def _integrate(is_beta: bool, mean: np.ndarray, sd: np.ndarray, work: np.ndarray) -> None:
    """Integrate ``f_k prod F_j`` for three arms or more.

    Posteriors of comparable width: trapezoidal rule with steps of half the smallest standard deviation,
    whose error on a smooth bell is below exp(-70). Others, and rates near 0 or 1: Gauss-Legendre panels
    cut wherever a posterior bends.
    """
    arms = mean.shape[0]
    density = np.empty(arms)
    below = np.empty(arms)
    narrow = sd[0]
    wide = sd[0]
    low = -math.inf
    high = -math.inf
    inside = True
    for a in range(arms):
        work[P_BEST, a] = 0.0
        narrow = min(narrow, sd[a])
        wide = max(wide, sd[a])
        # A rate near 0 or 1 has an exponential tail: 7 standard deviations would leave out 3 in 10,000 of it.
        skewed = is_beta and min(work[FIRST, a], work[SECOND, a]) < 50.0
        reach = _SKEWED_REACH if skewed else _REACH
        low = max(low, mean[a] - reach * sd[a])
        high = max(high, mean[a] + reach * sd[a])
        if skewed:
            inside = False
    expected_max = 0.0
    if inside and wide <= _COMPARABLE * narrow:
        # Below `low` some arm is surely larger, so the maximum never lies there.
        step = _STEP * narrow
        for i in range(int((high - low) / step) + 2):
            x = low + i * step
            if is_beta and (x <= 0.0 or x >= 1.0):
                continue
            _fill(x, is_beta, work, density, below)
            expected_max += _add(x, step, density, below, work)
    else:
        cuts = np.empty(arms * _CUTS.shape[0])
        i = 0
        for a in range(arms):
            for c in range(_CUTS.shape[0]):
                x = mean[a] + _CUTS[c] * sd[a]
                cuts[i] = min(max(x, 0.0), 1.0) if is_beta else x
                i += 1
        cuts.sort()
        for i in range(cuts.shape[0] - 1):
            half = 0.5 * (cuts[i + 1] - cuts[i])
            if half <= 0.0 or cuts[i + 1] < low:
                continue
            middle = 0.5 * (cuts[i + 1] + cuts[i])
            for j in range(_NODES.shape[0]):
                x = middle + half * _NODES[j]
                _fill(x, is_beta, work, density, below)
                expected_max += _add(x, half * _WEIGHTS[j], density, below, work)
    total = 0.0
    for a in range(arms):
        total += work[P_BEST, a]
    for a in range(arms):
        work[P_BEST, a] /= total
        work[LOSS, a] = max(expected_max / total - mean[a], 0.0)


@inner
def multinomial(rng: np.random.Generator, size: int, shares: np.ndarray, row: int, out: np.ndarray) -> None:
    """Draw multinomial counts into `out` by binomials in turn (Numba's generators have no multinomial).

    The probabilities are ``shares[row]``; `out` has shape (arms,).
    """
    left = size
    rest = 1.0
    last = out.shape[0] - 1
    for a in range(last):
        share = shares[row, a] / rest if rest > 0.0 else 1.0
        drawn = binomial(rng, left, share)
        out[a] = drawn
        left -= drawn
        rest -= shares[row, a]
    out[last] = left
