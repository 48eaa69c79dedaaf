"""Sums of labels and scores against rows drawn one by one, and what is made of them against the estimators."""

import math

import numpy as np
import pytest

from expsim_panel.estimators import binary_eif, ppi_plus_plus
from expsim_panel.kernels import hybrid
from expsim_panel.kernels.hybrid import EIF, PPI, PPI_PLUS, ROGAN_GLADEN, corrected, label_and_score

pytestmark = pytest.mark.arithmetic

REPS = 40_000


def _centred(sums, n):
    y, f, yy, ff, yf = sums.T
    return np.stack([y, f, yy - y * y / n, ff - f * f / n, yf - y * f / n], axis=1)


def _moments(draws):
    products = [draws[:, i] * draws[:, j] for i in range(5) for j in range(i, 5)]
    return np.stack([*draws.T, *products], axis=1)


@pytest.mark.parametrize("severity", [0.0, 0.7])
@pytest.mark.parametrize("n", [1, 2, 3, 4, 9])
def test_label_and_score_have_the_law_of_rows(n, severity):
    rng, slope, offset, own, noise = np.random.default_rng(n), 0.8, 0.3, 0.5, 0.6
    raters = severity * np.linspace(-1, 1, n)
    between = float(((raters - raters.mean()) ** 2).sum())
    fast = np.empty((REPS, 5))
    for k in range(REPS):
        q = rng.normal(0.2, 1.1, n)
        within = float(((q - q.mean()) ** 2).sum())
        fast[k] = label_and_score(
            rng, n, float(q.sum()), within, slope, offset, own, noise, float(raters.sum()), between
        )
    q = rng.normal(0.2, 1.1, (REPS, n))
    y = q + raters + own * rng.standard_normal((REPS, n))
    f = offset + slope * q + noise * rng.standard_normal((REPS, n))
    rows = np.stack([a.sum(axis=1) for a in (y, f, y * y, f * f, y * f)], axis=1)
    one, two = _moments(_centred(fast, n)), _moments(_centred(rows, n))
    error = np.sqrt((one.var(axis=0) + two.var(axis=0)) / REPS)
    # 20 moments in each of 10 cases.
    assert np.all(np.abs(one.mean(axis=0) - two.mean(axis=0)) <= 4.2 * error + 1e-12)


def _sums(y, f, far):
    parts = [len(y), y.sum(), f.sum(), y @ y, f @ f, y @ f, len(far), far.sum(), far @ far]
    return np.array(parts, float)[:, None]


def test_corrections_are_those_of_the_estimators():
    rng = np.random.default_rng(3)
    q, far = rng.normal(3, 1, 60), rng.normal(3.2, 1, 300)
    y, f = q + rng.normal(0, 0.5, 60), 0.4 * q + rng.normal(0, 0.3, 60)
    found = ppi_plus_plus(y, f, far, bounds=None)
    value, variance = corrected(_sums(y, f, far), 0, PPI_PLUS)
    assert value == pytest.approx(found.value, rel=1e-12)
    assert variance == pytest.approx(found.small_variance, rel=1e-9)
    value, variance = corrected(_sums(y, f, far), 0, PPI)
    assert value == pytest.approx(far.mean() + (y - f).mean(), rel=1e-12)
    assert variance == pytest.approx((y - f).var(ddof=1) / 60 + far.var(ddof=1) / 300, rel=1e-9)
    label, score, rest = ((one > cut).astype(float) for one, cut in ((y, 3.2), (f, 1.2), (far, 3.3)))
    found = binary_eif(label, score, rest)
    value, variance = corrected(_sums(label, score, rest), 0, EIF)
    assert (value, variance) == pytest.approx((found.value, found.variance), rel=1e-12)


@pytest.mark.parametrize("correction", [PPI_PLUS, PPI, EIF, ROGAN_GLADEN])
def test_few_labels_stand_alone(correction):
    y, f, far = np.array([1.0, 0.0, 1.0]), np.array([1.0, 1.0, 1.0]), np.ones(50)
    assert corrected(_sums(y, f, far), 0, correction) == pytest.approx((2 / 3, y.var(ddof=1) / 3))
    # A judge no better than a coin: Rogan-Gladen would divide by nothing.
    if correction == ROGAN_GLADEN:
        y, f = np.tile([0.0, 1.0], 20), np.tile([0.0, 0.0, 1.0, 1.0], 10)
        assert corrected(_sums(y, f, far), 0, correction)[0] == pytest.approx(0.5)


def test_rows_carry_estimate_and_error():
    class Law:
        origin, sign = 1.0, -1.0

    total, square = getattr(hybrid.as_rows, "py_func", hybrid.as_rows)(Law, 40.0, 0.3, 0.002)
    mean = total / 40
    assert mean == pytest.approx(0.7)
    assert (square - total * mean) / 39 / 40 == pytest.approx(0.002)
    assert math.isfinite(square)
