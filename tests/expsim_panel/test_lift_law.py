"""The exact law of the test of the logarithmic lift, against drawn sample means."""

from __future__ import annotations

import math
import warnings
from pathlib import Path

import numpy as np
import pytest
from scipy.special import ndtri

from expsim_panel import sample_size
from expsim_panel.lift_law import lift_rejects

N = 200_000
CASES = [
    ((3.0, 3.1), (1.0, 1.2), (500, 900), False),
    ((1.0, 1.1), (2.0, 2.0), (2000, 800), False),
    ((-3.0, -3.1), (1.0, 1.0), (500, 500), False),
    ((0.10, 0.12), None, (3000, 3000), True),
    ((0.90, 0.91), None, (5000, 5000), True),
]


@pytest.mark.parametrize(("means", "sds", "rows", "binary"), CASES)
def test_rejections_are_those_of_drawn_means(means, sds, rows, binary) -> None:
    m, n = np.array(means), np.array(rows, float)
    s = np.sqrt(m * (1 - m)) if binary else np.array(sds)
    draw = np.random.default_rng(20261125)
    if binary:
        mean = draw.binomial(rows, means, (N, 2)) / n
        variance = mean * (1 - mean)
    else:
        mean = m + s / np.sqrt(n) * draw.standard_normal((N, 2))
        variance = np.broadcast_to(s * s, mean.shape)
    z = np.log(mean[:, 1] / mean[:, 0]) / np.sqrt((variance / (n * mean * mean)).sum(axis=1))
    z = z if m[0] > 0 else -z
    found = lift_rejects(m, s, n, 1.96, binary)
    assert found is not None
    for exact, share in zip(found, ((z < -1.96).mean(), (z > 1.96).mean()), strict=True):
        # Binomial means are a little skewed: 0.001 beside the error of the draws.
        assert abs(exact - share) <= 4 * np.sqrt(exact * (1 - exact) / N) + (0.001 if binary else 1e-9)


def test_means_near_nothing_have_no_lift() -> None:
    assert lift_rejects(np.array([0.1, 0.2]), np.ones(2), np.full(2, 100.0), 1.96, False) is None
    assert lift_rejects(np.array([-1.0, 1.0]), np.ones(2), np.full(2, 1e4), 1.96, False) is None
    assert lift_rejects(np.array([0.001, 0.002]), np.full(2, 0.03), np.full(2, 100.0), 1.96, True) is None


def test_a_control_near_nothing_bears_out_no_fall_and_no_warning() -> None:
    """Nine standard errors below 0.1 the control is nearly 0: no mean of the variant is far enough below it."""
    m, n = np.array([0.10, 0.12]), 740.0
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        found = lift_rejects(m, np.sqrt(m * (1 - m)), np.full(2, n), 1.96, True)
    assert found is not None
    draw = np.random.default_rng(20261130).standard_normal((2_000_000, 2))
    mean = np.maximum(m + np.sqrt(m * (1 - m) / n) * draw, 1e-12)
    z = np.log(mean[:, 1] / mean[:, 0]) / np.sqrt(((1 - mean) / (n * mean)).sum(axis=1))
    for exact, share in zip(found, ((z < -1.96).mean(), (z > 1.96).mean()), strict=True):
        assert abs(exact - share) <= 4 * math.sqrt(exact * (1 - exact) / z.size)


def test_the_two_tests_of_a_lift_and_their_sizes_are_written_down() -> None:
    """The ratio less 1 and its logarithm: 10 % against 12 % at power 0.8, by hand."""
    control, treatment = 0.10, 0.12
    ratio = treatment / control
    spread = (treatment * (1 - treatment) + ratio**2 * control * (1 - control)) / control**2
    quantiles = ndtri(0.975) + ndtri(0.8)
    assert math.ceil(quantiles**2 * spread / (ratio - 1) ** 2) == 4616
    assert sample_size(0.8, family="proportions", test="lift", base=control, lift=0.2).per_arm == (4616, 4616)
    means = np.array([control, treatment])
    sds = np.sqrt(means * (1 - means))
    few, enough = (lift_rejects(means, sds, np.full(2, rows), ndtri(0.975), True) for rows in (3839.0, 3841.0))
    assert few is not None
    assert enough is not None
    assert few[1] < 0.8 < enough[1]
    page = (Path(__file__).parents[2] / "docs" / "conventions.md").read_text(encoding="utf-8")
    (row,) = (line for line in page.splitlines() if line.startswith("| Which test of a relative lift?"))
    assert "4,616" in row
    assert "3,841" in row
