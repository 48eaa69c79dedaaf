"""The recursion over looks against slow, obvious oracles and against its own conservation laws."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import stats

from expsim_panel.kernels.crossing import cross

pytestmark = pytest.mark.arithmetic

INF = math.inf
EQUAL = np.array([1 / 3, 2 / 3, 1.0])


def arrays(*rows: list[float]) -> list[np.ndarray]:
    return [np.array(row) for row in rows]


def orthant_stops(
    information: np.ndarray, lower: np.ndarray, upper: np.ndarray, drift: float
) -> tuple[np.ndarray, np.ndarray]:
    """Stopping probabilities of each look by the multivariate normal distribution function."""
    looks = len(information)
    ratio = np.minimum.outer(information, information) / np.maximum.outer(information, information)
    law = stats.multivariate_normal(drift * np.sqrt(information), np.sqrt(ratio), abseps=1e-9, releps=1e-9, seed=1)
    alive = []
    low, high = np.zeros(looks), np.zeros(looks)
    for k in range(looks):
        start = [*(lower[:k]), *([-INF] * (looks - k))]
        end = [*(upper[:k]), *([INF] * (looks - k))]
        below_low, below_high = list(end), list(end)
        below_low[k], below_high[k] = lower[k], upper[k]
        total = law.cdf(end, lower_limit=start)
        low[k] = law.cdf(below_low, lower_limit=start) if lower[k] > -INF else 0.0
        high[k] = total - law.cdf(below_high, lower_limit=start) if upper[k] < INF else 0.0
        alive.append(total)
    return low, high


@pytest.mark.parametrize("drift", [0.0, 1.3, -2.0])
@pytest.mark.parametrize(
    ("information", "lower", "upper"),
    [
        ([0.2, 0.5, 1.0], [-1.5, -0.2, 1.7], [3.1, 2.2, 1.9]),
        ([0.1, 0.7, 0.8], [-INF, -2.0, -1.0], [2.0, INF, 2.4]),
        ([0.3, 0.35, 1.0], [-INF, -INF, -INF], [1.2, 2.0, 1.4]),
    ],
)
def test_three_unequal_looks_against_the_multivariate_normal(
    information: list[float], lower: list[float], upper: list[float], drift: float
) -> None:
    table = arrays(information, lower, upper)
    for ours, oracle in zip(cross(*table, drift), orthant_stops(*table, drift), strict=True):
        np.testing.assert_allclose(ours, oracle, atol=2e-6)


def test_first_look_is_a_normal_tail() -> None:
    low, high = cross(*arrays([0.25], [-1.0], [2.0]), 0.8)
    assert high[0] == pytest.approx(stats.norm.sf(2.0 - 0.4), rel=1e-13)
    assert low[0] == pytest.approx(stats.norm.cdf(-1.0 - 0.4), rel=1e-13)


@pytest.mark.parametrize("looks", [2, 7, 40, 100])
@pytest.mark.parametrize("drift", [0.0, 3.0])
def test_probability_is_conserved(looks: int, drift: float) -> None:
    information = (np.arange(looks) + 1.0) ** 1.5 / looks**1.5
    upper = np.full(looks, 2.3)
    lower = np.full(looks, -1.1)
    lower[-1] = upper[-1]  # whatever is still alive at the last look stops there
    low, high = cross(information, lower, upper, drift)
    assert low.sum() + high.sum() == pytest.approx(1.0, abs=1e-12)


@pytest.mark.parametrize("between", [0.3, 0.6001, 0.9])
def test_a_look_that_cannot_stop_changes_nothing(between: float) -> None:
    plain = cross(*arrays([0.6, 1.0], [-1.0, -2.0], [2.5, 2.0]), 1.7)
    place = 0 if between < 0.6 else 1
    information, lower, upper = (
        np.insert(row, place, value)
        for row, value in zip(arrays([0.6, 1.0], [-1.0, -2.0], [2.5, 2.0]), (between, -INF, INF), strict=True)
    )
    for one, more in zip(plain, cross(information, lower, upper, 1.7), strict=True):
        assert more[place] == 0.0
        np.testing.assert_allclose(np.delete(more, place), one, atol=1e-12)


def test_sides_swap_with_the_sign_of_the_drift() -> None:
    upper = np.array([3.0, 2.4, 2.0])
    low, high = cross(EQUAL, -0.7 * upper, upper, 1.1)
    mirrored_low, mirrored_high = cross(EQUAL, -upper, 0.7 * upper, -1.1)
    np.testing.assert_allclose(low, mirrored_high, atol=1e-14)
    np.testing.assert_allclose(high, mirrored_low, atol=1e-14)


def test_nothing_is_left_after_a_look_that_ends_all() -> None:
    low, high = cross(*arrays([0.3, 0.6, 1.0], [-2.0, 0.5, -1.0], [2.0, 0.5, 1.0]), 0.4)
    assert low[2] == high[2] == 0.0
    assert low.sum() + high.sum() == pytest.approx(1.0, abs=1e-13)


def test_variance_ratio_against_monte_carlo() -> None:
    information, upper, drift, ratio, paths = EQUAL, np.array([2.8, 2.4, 2.0]), 1.5, 2.25, 200_000
    draw = np.random.default_rng(11).normal(size=(paths, 3)) * np.sqrt(ratio / 3)
    z = np.cumsum(draw + drift / 3, axis=1) / np.sqrt(information)
    first = np.where((np.abs(z) >= upper).any(axis=1), (np.abs(z) >= upper).argmax(axis=1), -1)
    low, high = cross(information, -upper, upper, drift, ratio)
    for k in range(3):
        for side, ours in ((z[:, k] > 0, high[k]), (z[:, k] < 0, low[k])):
            share = np.mean((first == k) & side)
            assert abs(share - ours) < 4.5 * math.sqrt(ours * (1 - ours) / paths)
    plain = cross(information, -upper, upper, drift)
    assert high.sum() - plain[1].sum() > 0.02
    np.testing.assert_allclose(cross(information, -upper / 1.5, upper / 1.5, drift / 1.5)[1], high, atol=1e-13)
