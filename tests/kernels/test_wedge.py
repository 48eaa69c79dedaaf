"""Tests that give up between two inner bounds: against sums of rectangles of the multivariate normal law."""

from itertools import product

import numpy as np
import pytest
from scipy.stats import multivariate_normal

from expsim_panel.kernels.crossing import cross
from expsim_panel.kernels.spending import spend
from expsim_panel.kernels.wedge import cross_wedge
from expsim_panel.kernels.wedge_spending import spend_inside

pytestmark = pytest.mark.arithmetic

INF = np.inf
CASES = {
    "all looks": ([0.3, 0.6, 1.0], [3.0, 2.5, 2.0], [0.2, 0.8, -INF], 1.3),
    "one look without": ([0.2, 0.5, 0.8, 1.0], [2.4, 2.4, 2.4, 2.4], [-INF, 0.5, 1.1, -INF], -0.9),
    "very unequal": ([0.01, 0.9, 1.0], [4.0, 2.1, 2.0], [0.05, 1.5, -INF], 2.0),
    "at the end too": ([0.5, 1.0], [2.2, 1.9], [0.3, 1.2], 0.7),
}


def rectangles(information, upper, inner, drift):
    """Return P(low), P(inner), P(high) at each look: a sum over the ways to have gone on until then."""
    t, stops = np.array(information), []
    for k in range(t.size):
        cov = np.sqrt(np.minimum.outer(t[: k + 1], t[: k + 1]) / np.maximum.outer(t[: k + 1], t[: k + 1]))
        law = multivariate_normal(drift * np.sqrt(t[: k + 1]), cov, allow_singular=True, maxpts=100_000, abseps=1e-8)
        ways = [
            [(-upper[j], -inner[j]), (inner[j], upper[j])] if inner[j] > -INF else [(-upper[j], upper[j])]
            for j in range(k)
        ]
        ends = [(-40.0, -upper[k]), (-inner[k], inner[k]), (upper[k], 40.0)]
        found = []
        for low, high in ends:
            total = 0.0
            for way in product(*ways):
                if low < high:
                    a, b = np.array([*way, (low, high)]).T
                    total += law.cdf(b, lower_limit=a, rng=1)
            found.append(total)
        stops.append(found)
    return np.array(stops).T


def arrays(*lists):
    return tuple(np.array(one, float) for one in lists)


@pytest.mark.parametrize("name", CASES)
def test_stopping_probabilities_are_sums_of_rectangles(name: str) -> None:
    information, upper, inner, drift = CASES[name]
    t, u, a = arrays(information, upper, inner)
    found = np.array(cross_wedge(t, -u, -a, a, u, drift))
    np.testing.assert_allclose(found, rectangles(information, upper, inner, drift), atol=1e-6)


def test_without_inner_bounds_it_is_the_plain_recursion() -> None:
    t, u = arrays([0.1, 0.4, 0.45, 1.0], [3.1, 2.9, 2.5, 2.0])
    low, inner, high = cross_wedge(t, -u, np.full(4, INF), np.full(4, -INF), u, 1.1, 1.4)
    np.testing.assert_allclose((low, high), cross(t, -u, u, 1.1, 1.4), atol=1e-15)
    assert not inner.any()


def test_shifted_bounds_are_a_drift() -> None:
    t, u, a = arrays([0.25, 0.7, 1.0], [2.7, 2.3, 2.0], [0.4, 0.9, -INF])
    shift = 1.7 * np.sqrt(t)
    plain = cross_wedge(t, -u, -a, a, u, 1.7)
    np.testing.assert_allclose(cross_wedge(t, -u - shift, -a - shift, a - shift, u - shift, 0.0), plain, atol=1e-14)
    np.testing.assert_allclose(cross_wedge(t, -u, -a, a, u, -1.7), plain[::-1], atol=1e-14)


def test_binding_inner_bounds_spend_what_they_are_told() -> None:
    t, increments, inner = arrays([0.2, 0.5, 1.0], [0.004, 0.011, 0.035], [0.3, 0.7, -INF])
    upper = spend(t, increments, inner, 2)
    low, _, high = cross_wedge(t, -upper, -inner, inner, upper, 0.0)
    np.testing.assert_allclose(low + high, increments, atol=1e-13)


@pytest.mark.parametrize("binding", [True, False])
def test_both_errors_are_spent(binding: bool) -> None:
    t, increments, losses = arrays([0.3, 0.7, 1.0], [0.005, 0.015, 0.03], [0.03, 0.05, 0.08])
    fixed = spend(t, increments, np.full(3, -INF), 2)
    upper, inner = spend_inside(t, increments, losses, 2.9, fixed, binding)
    assert np.all(inner < upper)
    np.testing.assert_allclose(cross_wedge(t, -upper, -inner, inner, upper, 2.9)[1], losses, atol=1e-12)
    low, _, high = cross_wedge(t, -upper, -inner, inner, upper, 0.0)
    if binding:
        np.testing.assert_allclose(low + high, increments, atol=1e-12)
    else:
        np.testing.assert_array_equal(upper, fixed)
        assert (low + high).sum() < increments.sum()
