"""Roots and minima: SciPy's numbers to the last bit, and its points, so results from before stay."""

import math

import numpy as np
import pytest
from scipy.optimize import brentq, minimize_scalar
from scipy.special import ndtr

from expsim_panel.line_search import least_between, root_between

ROOTS = {
    "line": (lambda x: 2 * x - 0.3, -1.0, 2.0),
    "cubic": (lambda x: (x - 0.2) ** 3 + 1e-6 * (x - 0.2), -1.0, 0.9),
    "exponential": (lambda x: math.exp(x) - 5, -10.0, 8.0),
    "falling": (lambda x: 0.3 - float(ndtr(x)), -8.0, 8.0),
    "flat ends": (lambda x: math.tanh(40 * (x - 0.77)), 0.0, 1.0),
    "step": (lambda x: 1.0 if x > 0.123 else -1.0, 0.0, 1.0),
    "root at the low end": (lambda x: x, 0.0, 1.0),
    "root at the high end": (lambda x: x - 1, 0.0, 1.0),
    "wave": (lambda x: math.sin(x) - 0.1 * x, 1.0, 6.0),
}
MINIMA = {
    "parabola": (lambda x: (x - 0.3) ** 2, -1.0, 2.0),
    "low end": (lambda x: x, 0.0, 1.0),
    "high end": (lambda x: -x, 0.0, 1.0),
    "kink": (lambda x: abs(x - 1.2345), -3.0, 7.0),
    "quartic": (lambda x: (x - 2) ** 4 + 0.1 * x, 0.0, 9.0),
    "constant": (lambda _: 1.0, 0.0, 1.0),
    "wave": (lambda x: math.sin(x), 2.0, 7.0),
}


def noted(function):
    """Return the function and the list of the points that it is asked for."""
    points: list[float] = []

    def asked(x):
        points.append(float(x))
        return function(x)

    return asked, points


@pytest.mark.parametrize("tolerance", [1e-2, 5e-6, 1e-12])
@pytest.mark.parametrize("name", ROOTS)
def test_roots_are_brent_s(name, tolerance):
    function, low, high = ROOTS[name]
    mine, points = noted(function)
    other, theirs = noted(function)
    assert root_between(mine, low, high, tolerance) == brentq(other, low, high, xtol=tolerance)
    assert points == theirs


@pytest.mark.parametrize("tolerance", [0.02, 1e-5, 1e-10])
@pytest.mark.parametrize("name", MINIMA)
def test_minima_are_brent_s(name, tolerance):
    function, low, high = MINIMA[name]
    mine, points = noted(function)
    other, theirs = noted(function)
    want = minimize_scalar(other, bounds=(low, high), method="bounded", options={"xatol": tolerance}).x
    assert least_between(mine, low, high, tolerance) == want
    assert points == theirs


def test_random_curves_agree_as_well():
    rng = np.random.default_rng(1)
    for _ in range(300):
        a, b, c, d = rng.normal(size=4)
        curve = lambda x, a=a, b=b, c=c, d=d: a * x**3 + b * x**2 + c * x + d + math.sin(3 * x)  # noqa: E731
        low, high = np.sort(rng.uniform(-3, 3, 2))
        if curve(low) * curve(high) < 0:
            assert root_between(curve, low, high, 1e-9) == brentq(curve, low, high, xtol=1e-9)
        want = minimize_scalar(curve, bounds=(low, high), method="bounded", options={"xatol": 1e-4}).x
        assert least_between(curve, low, high, 1e-4) == want


def test_no_change_of_sign_is_refused():
    with pytest.raises(ValueError, match="same sign at 1 and 2"):
        root_between(lambda x: x, 1.0, 2.0, 1e-9)


def test_a_search_that_takes_too_long_is_given_up_where_scipy_gives_it_up():
    curve = lambda x: (x - 0.2) ** 3  # noqa: E731
    with pytest.raises(RuntimeError):
        brentq(curve, -1.0, 0.9, xtol=1e-12)
    with pytest.raises(ValueError, match="100 steps"):
        root_between(curve, -1.0, 0.9, 1e-12)
