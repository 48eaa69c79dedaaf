"""The exact law of the test of the logarithmic lift, against drawn sample means."""

from __future__ import annotations

import numpy as np
import pytest

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
