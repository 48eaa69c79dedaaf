"""Solved bounds: the tail they leave, and the same bits without the compiler."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import stats

from expsim_panel.kernels.crossing import cross
from expsim_panel.kernels.spending import spend, spend_both, tail_bound

ONE = np.zeros(1), np.ones(1)


@pytest.mark.parametrize("target", [1e-250, 1e-30, 1e-9, 0.025, 0.5, 0.9, 0.999])
@pytest.mark.parametrize("side", [1.0, -1.0])
def test_tail_of_one_normal(target: float, side: float) -> None:
    found = tail_bound(*ONE, 0.49, target, side)
    assert found == pytest.approx(side * 0.7 * stats.norm.isf(target), abs=1e-11)


def test_nothing_and_everything_to_spend() -> None:
    assert tail_bound(*ONE, 1.0, 0.0, 1.0) == math.inf
    assert tail_bound(*ONE, 1.0, 0.0, -1.0) == -math.inf
    assert tail_bound(*ONE, 1.0, 1.0, 1.0) == -math.inf


def test_tail_of_a_mixture() -> None:
    points, mass = np.array([-2.0, 0.5, 3.0]), np.array([0.2, 0.1, 0.05])
    found = tail_bound(points, mass, 0.25, 0.06, 1.0)
    assert (mass * stats.norm.sf(found, points, 0.5)).sum() == pytest.approx(0.06, abs=1e-13)


@pytest.mark.parametrize("sides", [1, 2])
def test_bounds_spend_what_they_were_told(sides: int) -> None:
    information = np.array([0.1, 0.11, 0.5, 0.9, 2.0])
    increments = np.array([1e-7, 0.01, 0.0, 0.2, 0.03])
    lower = np.array([-math.inf, -0.5, -math.inf, 0.2, -math.inf])
    # Of two sides the last argument but one is inner bounds: see test_wedge.
    upper = spend(information, increments, lower if sides == 1 else np.full(5, -math.inf), sides)
    below, above = cross(information, -upper if sides == 2 else lower, upper, 0.0)
    np.testing.assert_allclose(above * sides, increments, atol=1e-13)
    assert sides == 1 or np.allclose(above, below, atol=1e-14)


def test_bits_without_the_compiler() -> None:
    information = np.array([0.3, 0.6, 1.0])
    increments, losses = np.array([0.002, 0.008, 0.015]), np.array([0.01, 0.03, 0.1])
    lower = np.array([-math.inf, 0.1, -math.inf])
    nan = np.full(3, math.nan)
    for sides in (1, 2):
        compiled = spend(information, increments, lower, sides)
        assert compiled.tobytes() == spend.py_func(information, increments, lower, sides).tobytes()
    compiled_both = spend_both(information, increments, losses, 3.1, nan, True)
    plain_both = spend_both.py_func(information, increments, losses, 3.1, nan, True)
    assert [part.tobytes() for part in compiled_both] == [part.tobytes() for part in plain_both]


def test_bounds_that_meet_too_early_leave_nan() -> None:
    upper, lower = spend_both(
        np.array([0.3, 0.6, 1.0]),
        np.array([0.02, 0.01, 0.01]),
        np.array([0.4, 0.1, 0.1]),
        9.0,
        np.full(3, math.nan),
        True,
    )
    assert lower[0] > upper[0]
    assert np.isnan(lower[2])
