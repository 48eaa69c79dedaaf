"""Special functions that compile, cache and give the same bits interpreted.

Only ``math.exp``, ``math.log``, ``math.sqrt`` and ``math.erfc`` are called: pointers into SciPy cannot be
cached on disk, and ``math.lgamma``, ``math.log1p`` and ``**`` differ in the last bits between compiled
and interpreted code.
"""

from __future__ import annotations

import math

from expsim_panel.kernels.jit import kernel

_ROOT_HALF = 0.7071067811865476
_ROOT_2PI = 2.5066282746310007
_HALF_LOG_2PI = 0.9189385332046728
_TINY = 1e-300
_SKEW = 50.0


@kernel
def norm_pdf(x: float) -> float:
    """Return the standard normal density at `x` (any real); relative error below 1e-13 for |x| < 38."""
    return math.exp(-0.5 * x * x) / _ROOT_2PI


@kernel
def norm_cdf(x: float) -> float:
    """Return P(N(0, 1) <= x), `x` any real or infinite; relative error below 1e-13 also in the lower tail."""
    return 0.5 * math.erfc(-x * _ROOT_HALF)


@kernel
def norm_ppf(p: float) -> float:
    """Return the standard normal quantile of `p` in [0, 1]; relative error below 1e-15.

    The ends give -inf and inf; anything outside, and nan, gives nan.

    References
    ----------
    .. [1] Wichura (1988), "Algorithm AS 241: the percentage points of the normal distribution", Applied
       Statistics 37, 477-484, routine PPND16.
    """
    if not (0.0 <= p <= 1.0):
        return math.nan
    if p == 0.0:
        return -math.inf
    if p == 1.0:
        return math.inf
    q = p - 0.5
    if abs(q) <= 0.425:
        r = 0.180625 - q * q
        top = 2.5090809287301226727e3 * r + 3.3430575583588128105e4
        top = ((top * r + 6.7265770927008700853e4) * r + 4.5921953931549871457e4) * r
        top = ((top + 1.3731693765509461125e4) * r + 1.9715909503065514427e3) * r
        top = (top + 1.3314166789178437745e2) * r + 3.3871328727963666080e0
        low = 5.2264952788528545610e3 * r + 2.8729085735721942674e4
        low = ((low * r + 3.9307895800092710610e4) * r + 2.1213794301586595867e4) * r
        low = ((low + 5.3941960214247511077e3) * r + 6.8718700749205790830e2) * r
        low = (low + 4.2313330701600911252e1) * r + 1.0
        return q * top / low
    r = math.sqrt(-math.log(min(p, 1.0 - p)))
    if r <= 5.0:
        r -= 1.6
        top = 7.74545014278341407640e-4 * r + 2.27238449892691845833e-2
        top = ((top * r + 2.41780725177450611770e-1) * r + 1.27045825245236838258e0) * r
        top = ((top + 3.64784832476320460504e0) * r + 5.76949722146069140550e0) * r
        top = (top + 4.63033784615654529590e0) * r + 1.42343711074968357734e0
        low = 1.05075007164441684324e-9 * r + 5.47593808499534494600e-4
        low = ((low * r + 1.51986665636164571966e-2) * r + 1.48103976427480074590e-1) * r
        low = ((low + 6.89767334985100004550e-1) * r + 1.67638483018380384940e0) * r
        low = (low + 2.05319162663775882187e0) * r + 1.0
    else:
        r -= 5.0
        top = 2.01033439929228813265e-7 * r + 2.71155556874348757815e-5
        top = ((top * r + 1.24266094738807843860e-3) * r + 2.65321895265761230930e-2) * r
        top = ((top + 2.96560571828504891230e-1) * r + 1.78482653991729133580e0) * r
        top = (top + 5.46378491116411436990e0) * r + 6.65790464350110377720e0
        low = 2.04426310338993978564e-15 * r + 1.42151175831644588870e-7
        low = ((low * r + 1.84631831751005468180e-5) * r + 7.86869131145613259100e-4) * r
        low = ((low + 1.48753612908506148525e-2) * r + 1.36929880922735805310e-1) * r
        low = (low + 5.99832206555887937690e-1) * r + 1.0
    return top / low if q > 0.0 else -top / low


@kernel
def _log1p_minus(u: float, ratio: float) -> float:
    """Return log(ratio) - u with u = ratio - 1, given both: each alone loses digits at one end."""
    if abs(u) > 0.4:
        return math.log(ratio) - u
    # log(1 + u) = 2 artanh(s) with s = u / (2 + u), |s| <= 0.25; and u = 2 s / (1 - s).
    s = u / (2.0 + u)
    square = s * s
    power, total, k = s * square, 0.0, 3.0
    for _ in range(16):
        total += power / k
        power *= square
        k += 2.0
    return 2.0 * total - s * u


@kernel
def _stirling_error(x: float) -> float:
    """Return log Gamma(x) less Stirling's (x - 1/2) log x - x + log(2 pi)/2, for x > 0."""
    shift, top = 1.0, x
    while top < 12.0:
        shift *= top
        top += 1.0
    r = 1.0 / (top * top)
    series = 1.0 / 156.0 - r * (3617.0 / 122400.0)
    series = 691.0 / 360360.0 - r * series
    series = 1.0 / 1188.0 - r * series
    series = 1.0 / 1680.0 - r * series
    series = 1.0 / 1260.0 - r * series
    series = 1.0 / 360.0 - r * series
    error = (1.0 / 12.0 - r * series) / top
    if top == x:
        return error
    return error + (top - 0.5) * math.log(top) - math.log(shift) - (x - 0.5) * math.log(x) - (top - x)


@kernel
def log_beta(a: float, b: float) -> float:
    """Return log B(a, b) for a, b > 0, to 1e-13 of max(1, its size); nan elsewhere.

    Written without the difference of three large log-gammas, which at a = 1e6 would cost nine digits.
    """
    if not (a > 0.0 and b > 0.0):
        return math.nan
    large, small = max(a, b), min(a, b)
    share = small / (large + small)
    # large log(large / n) with large / n = 1 - share
    powers = large * (_log1p_minus(-share, large / (large + small)) - share) + small * math.log(share)
    error = _stirling_error(a) + _stirling_error(b) - _stirling_error(a + b)
    return powers - 0.5 * math.log(large * share) + _HALF_LOG_2PI + error


@kernel
def _beta_power(x: float, a: float, b: float) -> float:
    """Return x^a (1 - x)^b / B(a, b) for 0 < x < 1: Loader's saddle-point form, exact near the mode."""
    n = a + b
    # a log(x n / a) + b log((1 - x) n / b): the linear terms of both logarithms cancel exactly.
    off = b * x - a * (1.0 - x)
    exponent = a * _log1p_minus(off / a, x * n / a) + b * _log1p_minus(-off / b, (1.0 - x) * n / b)
    exponent += _stirling_error(n) - _stirling_error(a) - _stirling_error(b)
    return math.sqrt(a / n * b) / _ROOT_2PI * math.exp(exponent)


@kernel
def beta_pdf(x: float, a: float, b: float) -> float:
    """Return the density of Beta(a, b) at `x`; 0 outside [0, 1], nan unless a, b > 0.

    Relative error about 1e-12 within 8 standard deviations of the mean, for a, b in [0.5, 1e6].

    References
    ----------
    .. [1] Loader (2000), "Fast and accurate computation of binomial probabilities".
    """
    if not (a > 0.0 and b > 0.0) or x != x:
        return math.nan
    if x < 0.0 or x > 1.0:
        return 0.0
    if x == 0.0 or x == 1.0:
        near, other = (a, b) if x == 0.0 else (b, a)
        if near == 1.0:
            return other
        return math.inf if near < 1.0 else 0.0
    return _beta_power(x, a, b) / (x * (1.0 - x))


@kernel
def _skew_fraction(x: float, y: float, a: float, b: float) -> float:
    """Return the same as `_beta_fraction`; accurate where b is small, however large a.

    There the other form subtracts nearly equal numbers and loses four digits; in this one every
    coefficient is of order 1, as in the incomplete gamma function that it tends to.
    """
    ratio = x / y
    value, c, d = 1.0, 1.0, 0.0
    # The cap only bounds the time: x up to the mean needs tens of steps.
    for m in range(1, 100_000):
        even = -(a + m - 1.0) / (a + 2 * m - 2.0) * ((b - m) / (a + 2 * m - 1.0)) * ratio
        odd = m / (a + 2 * m - 1.0) * ((a + b + m - 1.0) / (a + 2 * m)) * ratio
        d = 1.0 / (1.0 + even * d)
        c = 1.0 + even / c
        value *= c * d
        d = 1.0 / (1.0 + odd * d)
        c = 1.0 + odd / c
        change = c * d
        value *= change
        if abs(change - 1.0) < 3e-16:
            break
    return 1.0 / (a * y * value)


@kernel
def _beta_fraction(x: float, y: float, a: float, b: float) -> float:
    """Return I_x(a, b) over x^a y^b / B(a, b), with y = 1 - x, for x up to about the mean.

    The even part of the classic continued fraction, by the modified Lentz method. The classic form
    subtracts nearly equal numbers where a is large and b small, which costs four digits.
    """
    off = a * y - b * x
    value = a * (off + 1.0) / (a + 1.0)
    value = value if abs(value) > _TINY else _TINY
    c, d = value, 0.0
    # The cap only bounds the time: at a = b = 1e6 some 100 steps suffice.
    for m in range(1, 100_000):
        width = a + 2 * m - 1.0
        top = (a + m - 1.0) / width * ((a + b + m - 1.0) / width) * m * (b - m) * x * x
        low = m + m * (b - m) * x / width + (a + m) * (off + 1.0 + m * (1.0 + y)) / (width + 2.0)
        d = low + top * d
        d = 1.0 / (d if abs(d) > _TINY else _TINY)
        c = low + top / c
        c = c if abs(c) > _TINY else _TINY
        change = c * d
        value *= change
        if abs(change - 1.0) < 3e-16:
            break
    return 1.0 / value


@kernel
def _lower_fraction(x: float, y: float, a: float, b: float) -> float:
    """Choose the stable continued fraction."""
    return _skew_fraction(x, y, a, b) if b < _SKEW else _beta_fraction(x, y, a, b)


@kernel
def betainc(a: float, b: float, x: float) -> float:
    """Return the regularised incomplete beta function I_x(a, b) = P(Beta(a, b) <= x).

    Parameters
    ----------
    a, b : float
        Shapes, greater than 0 (tested from 0.5 to 1e6); otherwise nan.
    x : float
        In [0, 1]; below gives 0, above 1, nan gives nan.

    Returns
    -------
    float
        Relative error about 1e-12 of the smaller of I and 1 - I within 8 standard deviations of the mean.

    References
    ----------
    .. [1] DLMF, https://dlmf.nist.gov/8.17.E22: the continued fraction; 8.17.E4: the reflection.
    .. [2] DiDonato, Morris (1992), "Algorithm 708", ACM TOMS 18, 360-373, eq. 9: its even part.
    """
    if not (a > 0.0 and b > 0.0) or x != x:
        return math.nan
    if x <= 0.0:
        return 0.0
    if x >= 1.0:
        return 1.0
    power = _beta_power(x, a, b)
    if x * (a + b + 2.0) < a + 1.0:
        return power * _lower_fraction(x, 1.0 - x, a, b)
    return 1.0 - power * _lower_fraction(1.0 - x, x, b, a)


@kernel
def binomial_below(k: float, n: float, p: float) -> tuple[float, float]:
    """Return P(at most `k` hits) and P(`k` hits) among `n` trials of rate `p`.

    One saddle-point power serves both, which is faster than either of them apart from the other.

    Parameters
    ----------
    k, n : float
        Whole, 0 <= k <= n, n >= 1.
    p : float
        Rate, 0 < p < 1.
    """
    if k >= n:
        return 1.0, math.exp(n * math.log(p))
    x, a, b = 1.0 - p, n - k, k + 1.0
    power = _beta_power(x, a, b)
    mass = power / (p * a)
    if x * (a + b + 2.0) < a + 1.0:
        return power * _lower_fraction(x, p, a, b), mass
    return 1.0 - power * _lower_fraction(p, x, b, a), mass
