"""P(best) of many beta posteriors against SciPy's distribution functions on a fine grid, and exact cases."""

import numpy as np
import pytest
from scipy import stats

from expsim_panel.kernels import best_of_many
from expsim_panel.kernels.arms import P_BEST, best_of_betas, beta_exceeds
from expsim_panel.kernels.best_of_many import p_best_of_betas

pytestmark = pytest.mark.arithmetic


def p_best(alpha, beta):
    work = np.zeros((4, len(alpha)))
    work[0], work[1] = alpha, beta
    p_best_of_betas(work)
    return work[P_BEST]


def by_grid(alpha, beta):
    tails = 10.0 ** -np.arange(2.0, 17.0)
    levels = np.concatenate([tails, np.linspace(0.02, 0.98, 40), 1 - tails])
    cuts = [np.clip(stats.beta.ppf(levels, a, b), 0, 1) for a, b in zip(alpha, beta, strict=True)]
    cuts = np.unique(np.concatenate([[0.0, 1.0], *cuts]))
    nodes, weights = np.polynomial.legendre.leggauss(20)
    half = np.diff(cuts)[:, None] / 2
    x = cuts[:-1, None] + half * (1 + nodes)
    below = np.array([stats.beta.cdf(x, a, b) for a, b in zip(alpha, beta, strict=True)])
    found = [
        np.sum(half * weights * stats.beta.pdf(x, a, b) * np.delete(below, i, 0).prod(axis=0))
        for i, (a, b) in enumerate(zip(alpha, beta, strict=True))
    ]
    return np.array(found) / np.sum(found)


@pytest.mark.parametrize("seed", range(25))
def test_any_counts_meet_the_grid(seed):
    rng = np.random.default_rng(seed)
    arms = int(rng.integers(3, 8))
    rows = 10 ** rng.uniform(0, 5, arms) if seed % 2 else np.full(arms, 10 ** rng.uniform(0, 5.5))
    rows = rows.astype(int)
    near = np.clip(rng.uniform() + rng.normal(size=arms) * 0.5 / np.sqrt(rows), 0, 1)
    hits = rng.binomial(rows, rng.uniform(size=arms) if seed % 3 else near)
    np.testing.assert_allclose(p_best(1 + hits, 1 + rows - hits), by_grid(1.0 + hits, 1.0 + rows - hits), atol=1.5e-9)


@pytest.mark.parametrize(
    ("alpha", "beta"),
    [
        ([1, 1, 1], [1, 1, 1]),
        ([500, 499, 2], [1, 2, 5]),
        ([1, 1, 1, 30], [10, 900, 3, 1]),
        ([20, 60, 100, 200, 1600], [150, 120, 100, 90, 200]),
        ([1, 100_000, 50_001], [1, 100_000, 50_000]),
    ],
)
def test_skewed_and_unequal_posteriors(alpha, beta):
    found = p_best(alpha, beta)
    np.testing.assert_allclose(found, by_grid(alpha, beta), atol=1.5e-9)
    assert found.sum() == pytest.approx(1.0, abs=1e-12)


def test_an_arm_that_cannot_win_leaves_two():
    found = p_best([600, 610, 10], [400, 390, 990])
    assert found[1] == pytest.approx(beta_exceeds(610.0, 390.0, 600.0, 400.0), abs=1e-12)
    assert found[2] == 0.0
    np.testing.assert_array_equal(p_best([10, 9000, 10], [990, 1000, 990]), [0.0, 1.0, 0.0])


def test_rates_near_one_keep_their_tails():
    """The slower function, which also gives the expected loss, once left out the exponential tail of such a rate."""
    work = np.zeros((4, 4))
    work[0], work[1] = [25, 12, 3432, 433], [1, 1, 90, 1]
    best_of_betas(work, True)
    np.testing.assert_allclose(work[P_BEST], by_grid(work[0], work[1]), atol=1e-9)


def test_a_tail_is_called_negligible_where_it_is_by_scipy():
    """The cheap bound may only say what the exact tail says: below, at and above the threshold."""
    rng = np.random.default_rng(20261130)
    said = []
    for _ in range(4000):
        a, b = 1.0 + np.floor(10 ** rng.uniform(0, 5, 2))
        mean = a / (a + b)
        x = mean - rng.uniform(3.0, 12.0) * np.sqrt(mean * (1 - mean) / (a + b + 1))
        if x <= 0.0:
            continue
        tail = stats.beta.cdf(x, a, b)
        if abs(tail / 1e-13 - 1) < 1e-6:
            continue
        assert best_of_many._negligible(a, b, x) == (tail < 1e-13)
        said.append(tail < 1e-13)
    assert 0.2 < np.mean(said) < 0.8
