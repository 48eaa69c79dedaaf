"""Counts from a stream in registers and from tables, against the laws that they claim."""

import numpy as np
import pytest
from scipy import stats

from expsim_panel.kernels.bits import stream
from expsim_panel.kernels.counts import hits_of, ones, scores_of, split
from expsim_panel.kernels.tallies import fill_tables, most_of, width_of

pytestmark = pytest.mark.arithmetic

DRAWS = 20_000
NO_TABLE = np.zeros((0, 4))


@pytest.fixture(autouse=True)
def _wrapping():
    with np.errstate(over="ignore"):
        yield


def fits(drawn, n, p):
    """Compare draws with Binomial(n, p) by chi-square; a p-value below 1e-4 in any of 20 has a chance of 0.002."""
    law = stats.binom(n, p)
    low, high = int(law.ppf(5e-4)), int(law.isf(5e-4))
    inner = np.arange(low + 1, high)
    expected = np.concatenate([[law.cdf(low)], law.pmf(inner), [law.sf(high - 1)]]) * len(drawn)
    observed = np.bincount(np.clip(drawn, low, high) - low, minlength=expected.size)
    return stats.chisquare(observed, expected).pvalue > 1e-4


# Trials side by side up to 64, few hits counted up, rejection from ten hits on.
@pytest.mark.parametrize(
    ("n", "p"), [(1, 0.3), (7, 0.5), (20, 0.1), (63, 0.8), (64, 0.37), (65, 0.1), (92, 0.05), (500, 0.9), (10**6, 2e-5)]
)
def test_hits_have_their_law(n, p):
    bits = stream(3, 0, 0)
    drawn = np.array([hits_of(bits, n, p, 0, NO_TABLE) for _ in range(DRAWS)], dtype=int)
    assert fits(drawn, n, p)


@pytest.mark.parametrize(("n", "p", "wanted"), [(5, 0.0, 0), (5, -0.1, 0), (5, 1.0, 5), (5, 1.1, 5), (0, 0.4, 0)])
def test_hits_at_the_edges_are_certain(n, p, wanted):
    assert hits_of(stream(1, 0, 0), n, p, 0, NO_TABLE) == wanted
    tables = np.zeros((1, width_of(5)))
    fill_tables(np.array([p]), tables)
    assert hits_of(stream(1, 0, 0), n, p, 0, tables) == wanted


def test_ones_are_counted():
    for word in (0, 1, 0b1011, 2**63, 2**64 - 1, 0x123456789ABCDEF0):
        assert ones(np.uint64(word)) == word.bit_count()


def test_tables_hold_the_law_to_rounding():
    """The law of a look into the table of 2^k trials is that of Binomial(2^k, p), and no place is out of it."""
    rates = np.array([0.0, 1e-9, 0.02, 0.3, 0.5, 1 / 3, 0.97, 1.0])
    tables = np.zeros((rates.size, width_of(10_000)))
    assert most_of(tables) == 1023
    fill_tables(rates, tables)
    for p, row in zip(rates, tables, strict=True):
        trials = 1
        while 8 * trials - 4 <= row.size:
            first, places = 2 * trials - 2, 2 * trials
            keep, other = row[2 * first : 2 * (first + places)].reshape(-1, 2).T
            law = np.bincount(np.arange(places), keep, places) + np.bincount(other.astype(int), 1 - keep, places)
            wanted = np.append(stats.binom.pmf(np.arange(trials + 1), trials, p), np.zeros(places - trials - 1))
            np.testing.assert_allclose(law / places, wanted, atol=1e-14)
            trials *= 2


@pytest.mark.parametrize("n", [1, 20, 92, 255, 1000, 1023, 1024])
def test_hits_from_tables_have_their_law(n):
    tables = np.zeros((2, width_of(1000)))
    fill_tables(np.array([0.5, 0.3]), tables)
    bits = stream(4, 0, n)
    drawn = np.array([hits_of(bits, n, 0.3, 1, tables) for _ in range(DRAWS)], dtype=int)
    assert fits(drawn, n, 0.3)


@pytest.mark.parametrize("size", [7, 100, 1000, 5000])
@pytest.mark.parametrize(
    "shares", [[0.2] * 5, [0.02, 0.92, 0.02, 0.02, 0.02], [0.1, 0.2, 0.3, 0.15, 0.25], [0, 0.5, 0.5, 0, 0], [0, 0, 1, 0, 0],
               [0.4, 0.4, 0.1, 0.1, 0.0], [0.9, 0.1, 0, 0, 0], [0, 0, 0, 0.1, 0.9]],
)  # fmt: skip
def test_a_split_is_multinomial(size, shares):
    """Every count, and every sum of two, has its binomial moments within 4.5 standard errors; 32 laws, 15 counts each."""
    tables = np.zeros((4, width_of(size)))
    fill_tables(1 / np.arange(2.0, 6.0), tables)
    work, p, bits = np.zeros((4, 5)), np.array(shares, dtype=float), stream(5, 0, size)
    work[2] = p
    drawn = np.zeros((4000, 5), np.int64)
    for row in drawn:
        split(bits, size, work, 2, tables, row)
    assert (drawn.sum(axis=1) == size).all()
    assert (drawn[:, p == 0] == 0).all()
    for pick in [[a] for a in range(5)] + [[a, b] for a in range(5) for b in range(a)]:
        count, law = drawn[:, pick].sum(axis=1), stats.binom(size, min(p[pick].sum(), 1.0))
        assert abs(count.mean() - law.mean()) <= 4.5 * law.std() / np.sqrt(4000) + 1e-9
        kurtosis = 2 + float(law.stats("k")) if law.std() > 0 else 0.0
        assert abs(count.var() - law.var()) <= 4.5 * law.var() * np.sqrt(kurtosis / 4000) + 1e-9


@pytest.mark.parametrize("n", [1, 2, 3, 50])
def test_scores_have_the_law_of_sums_and_squares(n):
    """Cochran: the sum is normal, what varies within is an independent chi-square with n - 1 degrees of freedom."""
    bits = stream(6, 0, n)
    total, square = np.array([scores_of(bits, n, 0.7, 2.0) for _ in range(DRAWS)]).T
    assert stats.kstest((total - 0.7 * n) / (2.0 * np.sqrt(n)), "norm").pvalue > 1e-3
    within = (square - total**2 / n) / 4.0
    if n == 1:
        np.testing.assert_allclose(within, 0.0, atol=1e-12)
    else:
        assert stats.kstest(within, stats.chi2(n - 1).cdf).pvalue > 1e-3
        assert abs(np.corrcoef(total, within)[0, 1]) < 4 / np.sqrt(DRAWS)
