"""Special functions against SciPy, and against exact sums where SciPy itself is off."""

from __future__ import annotations

import math
from fractions import Fraction

import numpy as np
import pytest
from scipy import special as scipy_special
from scipy import stats

from expsim_panel.kernels import special

SHAPES = [0.5, 0.7, 1.0, 1.5, 2.0, 3.3, 9.0, 11.9, 12.0, 30.0, 100.0, 1234.5, 1e4, 1e5, 1e6]


def test_normal_law_over_its_whole_range() -> None:
    for x in np.linspace(-37, 8, 901):
        assert special.norm_cdf(x) == pytest.approx(scipy_special.ndtr(x), rel=1e-13, abs=0)
        assert special.norm_pdf(x) == pytest.approx(stats.norm.pdf(x), rel=1e-13, abs=0)
    assert (special.norm_cdf(-math.inf), special.norm_cdf(math.inf)) == (0.0, 1.0)


def test_normal_quantile() -> None:
    low = 10.0 ** np.linspace(-300, -1, 400)
    for p in [*low, *np.linspace(0.01, 0.99, 401), *(1 - 10.0 ** np.linspace(-15, -1, 80))]:
        assert special.norm_ppf(p) == pytest.approx(scipy_special.ndtri(p), rel=2e-15, abs=1e-16)
    assert special.norm_ppf(0.975) == pytest.approx(1.959963984540054, rel=5e-16)
    assert (special.norm_ppf(0.0), special.norm_ppf(1.0)) == (-math.inf, math.inf)
    for outside in (-0.1, 1.1, math.nan):
        assert math.isnan(special.norm_ppf(outside))


@pytest.mark.parametrize("a", [1, 2, 7, 40])
@pytest.mark.parametrize("b", [1, 3, 30, 1_000_000])
def test_log_beta_of_whole_numbers(a: int, b: int) -> None:
    # 1 / B(a, b) = b (b + 1) ... (b + a - 1) / (a - 1)!  exactly; SciPy is off by 1e-10 at b = 1e6.
    exact = Fraction(math.prod(range(b, b + a)), math.factorial(a - 1))
    right = -(math.log(exact.numerator) - math.log(exact.denominator))
    assert special.log_beta(a, b) == pytest.approx(right, rel=2e-14, abs=2e-14)
    assert special.log_beta(b, a) == special.log_beta(a, b)


def test_log_beta_of_any_shape() -> None:
    for a in SHAPES:
        for b in SHAPES:
            assert special.log_beta(a, b) == pytest.approx(scipy_special.betaln(a, b), rel=3e-10, abs=1e-12)
    assert math.isnan(special.log_beta(0.0, 1.0))


def _points(a: float, b: float) -> list[float]:
    """Points around the mean, in standard deviations, that lie inside (0, 1)."""
    mean = a / (a + b)
    sd = math.sqrt(mean * (1 - mean) / (a + b + 1))
    steps = (-8, -7, -4, -2, -1, -0.3, -0.1, 0, 0.1, 0.7, 1.5, 3, 6, 8)
    return [x for x in (mean + step * sd for step in steps) if 0 < x < 1]


@pytest.mark.parametrize("a", SHAPES)
def test_incomplete_beta_and_density(a: float) -> None:
    for b in SHAPES:
        # SciPy loses four digits where one shape is large and the other is not: see the next test.
        skew = max(a, b) > 1e3 * min(a, b)
        for x in _points(a, b):
            right = scipy_special.betainc(a, b, x)
            assert special.betainc(a, b, x) == pytest.approx(right, rel=1e-10 if skew else 2e-12, abs=1e-300)
            density = stats.beta.pdf(x, a, b)
            assert special.beta_pdf(x, a, b) == pytest.approx(density, rel=1e-10 if skew else 2e-12, abs=1e-300)


def _positive_series(a: float, b: float, x: float) -> float:
    """I_x(a, b) by its series of positive terms (DLMF 8.17.7): slow, no cancellation; small a, x at the mean."""
    n, term, terms = 0, 1.0, []
    while n < 20 or term > 1e-20 * sum(terms):
        terms.append(term)
        term *= (a + b + n) / (a + 1 + n) * x
        n += 1
    power = math.exp(a * math.log(x) + b * math.log1p(-x) - special.log_beta(a, b))
    return power / a * math.fsum(terms)


@pytest.mark.parametrize("a", [0.5, 2.0, 9.0, 30.0])
@pytest.mark.parametrize("b", [1e4, 1e6])
def test_incomplete_beta_of_very_different_shapes(a: float, b: float) -> None:
    for x in _points(a, b):
        right = _positive_series(a, b, x)
        assert special.betainc(a, b, x) == pytest.approx(right, rel=1e-12, abs=0)
        if 1 - right > 1e-3:
            assert special.betainc(b, a, 1 - x) == pytest.approx(1 - right, rel=1e-9, abs=0)


def test_beta_ends() -> None:
    assert (special.betainc(2.0, 3.0, 0.0), special.betainc(2.0, 3.0, 1.0)) == (0.0, 1.0)
    assert special.betainc(1.0, 1.0, 0.3) == pytest.approx(0.3, rel=1e-15)
    assert math.isnan(special.betainc(0.0, 1.0, 0.5))
    assert math.isnan(special.betainc(1.0, 1.0, math.nan))
    assert [special.beta_pdf(x, 1.0, 4.0) for x in (-0.1, 0.0, 1.0, 1.1)] == [0.0, 4.0, 0.0, 0.0]
    assert special.beta_pdf(0.0, 0.5, 1.0) == math.inf
