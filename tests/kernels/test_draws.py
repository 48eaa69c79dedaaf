"""Own draws against the laws they claim: chi-square over the whole support, moments, and the edges."""

import numpy as np
import pytest
from scipy import stats

from expsim_panel.kernels.draws import binomial

pytestmark = pytest.mark.arithmetic

DRAWS = 40_000


def _drawn(n, p, seed=1):
    rng = np.random.Generator(np.random.SFC64(seed))
    return np.array([binomial(rng, n, p) for _ in range(DRAWS)])


# Both sides of the switch at 10 expected hits, both halves of p, and sizes where no table could reach.
@pytest.mark.parametrize(
    ("n", "p"),
    [(1, 0.3), (7, 0.5), (40, 0.02), (99, 0.1), (101, 0.1), (20, 0.5), (21, 0.5), (500, 0.096), (500, 0.904), (500, 0.5),
     (500, 0.981), (10**6, 1e-5), (10**6, 2e-5), (3000, 0.25), (10**9, 2e-8)],
)  # fmt: skip
def test_binomial_has_its_law(n, p):
    law = stats.binom(n, p)
    low, high = int(law.ppf(2e-4)), int(law.isf(2e-4))
    inner = np.arange(low + 1, high)
    expected = np.concatenate([[law.cdf(low)], law.pmf(inner), [law.sf(high - 1)]]) * DRAWS
    cells = np.clip(_drawn(n, p), low, high) - low
    observed = np.bincount(cells, minlength=expected.size)
    # Fifteen tests at one fixed seed: a p-value below 1e-4 in any has a chance of 0.0015 if all is right.
    assert stats.chisquare(observed, expected).pvalue > 1e-4


@pytest.mark.parametrize(("n", "p"), [(10**6, 0.3), (10**9, 0.5), (2**31 - 1, 0.999)])
def test_binomial_of_a_crowd_has_its_moments(n, p):
    drawn, law = _drawn(n, p).astype(float), stats.binom(n, p)
    assert abs(drawn.mean() - law.mean()) <= 4 * law.std() / np.sqrt(DRAWS)
    assert abs(drawn.var(ddof=1) / law.var() - 1) <= 4 * np.sqrt(2 / DRAWS)
    assert stats.kstest((drawn - law.mean()) / law.std(), "norm").pvalue > 1e-3


@pytest.mark.parametrize(("n", "p", "wanted"), [(0, 0.5, 0), (5, 0.0, 0), (5, -0.1, 0), (5, 1.0, 5), (5, 1.2, 5)])
def test_binomial_at_the_edges_is_certain(n, p, wanted):
    assert binomial(np.random.default_rng(1), n, p) == wanted
