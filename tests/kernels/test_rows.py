"""Rows of uneven worlds against slow draws of every single row."""

import numpy as np
import pytest
from oracles import amount_rows, clustered_scores, ordered_rows
from scipy import stats

from expsim_panel.kernels.rows import AMOUNTS, LEVELS, RATES, SCORES, Rows, draw_rows
from expsim_panel.outcomes import probit_grid

pytestmark = pytest.mark.arithmetic

CUTS, VALUES = np.array([-1.5, -0.4, 0.3, 1.1]), np.arange(1.0, 6.0)


def _law(family, icc=0.0, size=1.0, spread=0.0, scale=1.0, noise=0.0, offset=0.0, zeros=0.0, sigma=0.0, severity=()):
    one = np.zeros((1, 2))
    latent, implied = probit_grid(CUTS, VALUES)
    raters = np.zeros((2, max(len(severity), 1)))
    raters[:] = severity or 0.0
    return Rows(family, one, one, one, one, icc, size, spread, one + offset, scale, noise, VALUES, CUTS, latent, implied,
                zeros, sigma, 0.0, len(severity), True, raters, np.zeros((1, 1, 1, 1)), np.zeros((1, 1)))  # fmt: skip


def _drawn(law, rows, mean, sd=1.0, draws=8000, seed=3):
    rng = np.random.default_rng(seed)
    found = np.array([draw_rows(law, rng, 0, 1, rows, mean, sd, 0) for _ in range(draws)])
    return found[:, 0], found[:, 1] - found[:, 0] ** 2 / rows


def _alike(got, wanted):
    # Rounded: levels lie on a lattice, where the last bit of a sum of squares would untie what is tied.
    got, wanted = (tuple(np.round(column, 7) for column in one) for one in (got, wanted))
    for ours, theirs in zip(got, wanted, strict=True):
        assert stats.ks_2samp(ours, theirs).pvalue > 1e-3
    # Rank correlations: amounts have tails too heavy for a moment to settle.
    ours, theirs = (stats.spearmanr(*one).statistic for one in (got, wanted))
    assert abs(np.arctanh(ours) - np.arctanh(theirs)) < 4 * np.sqrt(2 * 1.06 / got[0].size)


def _slow(draw, draws=8000, seed=4):
    rng = np.random.default_rng(seed)
    values = [draw(rng) for _ in range(draws)]
    return np.array([v.sum() for v in values]), np.array([v.var() * v.size for v in values])


@pytest.mark.parametrize(("units", "size", "icc"), [(2, 3, 0.5), (20, 5, 0.3), (7, 2, 0.9)])
def test_clustered_scores_have_the_law_of_summed_responses(units, size, icc):
    law = _law(SCORES, icc=icc, size=float(size))
    rng = np.random.default_rng(4)
    slow = np.array([clustered_scores(rng, units, size, 3.0, 0.8, icc) for _ in range(8000)])
    _alike(_drawn(law, units * size, 3.0, 0.8), (slow[:, 0], slow[:, 1] - slow[:, 0] ** 2 / (units * size)))


@pytest.mark.parametrize(("size", "icc", "spread"), [(14.0, 0.3, 0.0), (6.0, 0.1, 0.7), (2.5, 0.6, 0.0)])
def test_clustered_hits_have_the_binomial_mean_and_the_design_effect(size, icc, spread):
    rows, rate = int(400 * size), 0.2
    hits, _ = _drawn(_law(RATES, icc=icc, size=size, spread=spread), rows, rate, draws=20_000)
    effect = 1 + ((1 + spread**2) * size - 1) * icc
    variance = rows * rate * (1 - rate) * effect
    assert hits.mean() == pytest.approx(rows * rate, abs=4 * np.sqrt(variance / hits.size))
    assert hits.var() == pytest.approx(variance, rel=4.5 * np.sqrt(2 / hits.size))
    assert np.all(hits == np.floor(hits))
    assert hits.min() >= 0
    assert hits.max() <= rows


def test_a_unit_of_two_has_the_correlation_it_should():
    """Exactly: P(both yes) = p^2 + ICC p (1 - p)."""
    hits, _ = _drawn(_law(RATES, icc=0.4, size=2.0), 2, 0.3, draws=40_000)
    wanted = 0.3**2 + 0.4 * 0.3 * 0.7
    assert np.mean(hits == 2) == pytest.approx(wanted, abs=4 * np.sqrt(wanted * (1 - wanted) / hits.size))


@pytest.mark.parametrize("mean", [1.4, 3.0, 4.6])
def test_levels_have_the_law_of_an_ordered_probit(mean):
    def implied(at):
        return VALUES[0] + stats.norm.cdf(at - CUTS).sum()

    from scipy.optimize import brentq

    latent = brentq(lambda at: implied(at) - mean, -9, 9)
    rows = 30
    got = _drawn(_law(LEVELS), rows, mean)
    _alike(got, _slow(lambda rng: ordered_rows(rng, rows, latent, CUTS, VALUES)))
    assert got[0].mean() == pytest.approx(rows * mean, abs=4 * got[0].std() / np.sqrt(got[0].size))


@pytest.mark.parametrize("rows", [3, 40])
def test_amounts_are_drawn_with_their_squares(rows):
    law = _law(AMOUNTS, zeros=0.6, sigma=0.9)
    _alike(_drawn(law, rows, 5.0), _slow(lambda rng: amount_rows(rng, rows, 5.0, 0.6, 0.9)))


def test_amounts_correlate_as_they_must():
    """MODEL section 2: mean and variance of a zero-inflated lognormal are far from independent."""
    law = _law(AMOUNTS, zeros=0.9, sigma=1.0)
    total, within = _drawn(law, 500, 2.0)
    slow = _slow(lambda rng: amount_rows(rng, 500, 2.0, 0.9, 1.0))
    ours, theirs = (np.corrcoef(*pair)[0, 1] for pair in ((total, within), slow))
    assert ours > 0.5
    assert ours == pytest.approx(theirs, abs=0.05)


@pytest.mark.parametrize("severity", [(), (0.5, -0.3, 0.1)])
def test_an_evaluator_adds_scale_offset_noise_and_severity(severity):
    law = _law(LEVELS, scale=-0.8, noise=0.5, offset=7.0, severity=severity)
    rows = 31
    latent = 0.2
    mean = VALUES[0] + stats.norm.cdf(latent - CUTS).sum()

    def slow(rng):
        scored = 7.0 - 0.8 * ordered_rows(rng, rows, latent, CUTS, VALUES) + 0.5 * rng.standard_normal(rows)
        return scored + (np.array(severity)[np.arange(rows) % 3] if severity else 0.0)

    _alike(_drawn(law, rows, mean), _slow(slow))


def test_no_rows_no_draw():
    rng, same = np.random.default_rng(1), np.random.default_rng(1)
    for family in (SCORES, RATES, LEVELS, AMOUNTS):
        assert draw_rows(_law(family), rng, 0, 0, 0, 0.5, 1.0, 0) == (0.0, 0.0)
    assert rng.random() == same.random()
