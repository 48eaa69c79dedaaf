"""The ordered probit: known parameters come back, and edge cases stay finite."""

import numpy as np
import pytest
from scipy.special import ndtr
from scipy.stats import multivariate_normal

from expsim_panel.latent_correlation import item_covariance, latent_correlation
from expsim_panel.ordered_probit import fit_marginal, fit_ordered_probit

CUTS = np.array([-1.3, -0.5, 0.2, 1.0])
VALUES = np.arange(1.0, 6.0)


def draw(items, raters, each, seed, item_sd=0.6, severity_sd=0.4, stretch=0.0):
    """Simulate two variants 0.5 apart on the unit latent scale."""
    rng = np.random.default_rng(seed)
    noise_sd = np.sqrt(1 - item_sd**2 - severity_sd**2)
    item = np.repeat(np.arange(items), each)
    rater = np.concatenate([rng.permutation(raters)[:each] for _ in range(items)])
    severity = severity_sd * rng.standard_normal(raters)
    factor = 1 + stretch * rng.standard_normal(raters)
    z = 0.5 * (item % 2) + item_sd * rng.standard_normal(items)[item] + severity[rater]
    z = z + noise_sd * rng.standard_normal(len(item))
    level = (z[:, None] > factor[rater][:, None] * CUTS).sum(axis=1)
    return level, item, item % 2, rater, severity, factor


def covariance(level, item, variant):
    """Return the observed covariance of two ratings of an item within variants, a pair at a time."""
    score = VALUES[level] - np.array([VALUES[level][variant == a].mean() for a in (0, 1)])[variant]
    total, count = 0.0, 0
    for k in range(item.max() + 1):
        own = score[item == k]
        total += own.sum() ** 2 - (own**2).sum()
        count += len(own) * (len(own) - 1)
    return total / count


def test_known_parameters_come_back():
    found, severities = [], []
    for seed in range(6):
        level, item, variant, rater, severity, _ = draw(1200, 40, 4, seed)
        # severities add to the covariance of an item's scores only through chance here
        fit = fit_ordered_probit(level, variant, rater, VALUES, 2, 40, covariance(level, item, variant))
        gaps = np.diff(fit.thresholds)
        found.append([*gaps, fit.latent_means[1], fit.item_sd, fit.severity_sd])
        severities.append(np.corrcoef(severity, fit.severities)[0, 1])
        assert fit.item_sd**2 + fit.severity_sd**2 + fit.noise_sd**2 == pytest.approx(1)
        assert fit.latent_means[0] == 0
    error = np.std(found, axis=0, ddof=1) / np.sqrt(6)
    np.testing.assert_array_less(np.abs(np.mean(found, axis=0) - [0.8, 0.7, 0.8, 0.5, 0.6, 0.4]), 4.5 * error)
    assert min(severities) > 0.9


def test_raters_who_use_the_scale_differently_are_told_apart():
    level, _, variant, rater, _, factor = draw(2000, 12, 4, seed=3, stretch=0.25)
    fit = fit_ordered_probit(level, variant, rater, VALUES, 2, 12, 0.4, stretch=True)
    assert np.corrcoef(fit.stretches, factor)[0, 1] > 0.95
    np.testing.assert_array_equal(fit_ordered_probit(level, variant, rater, VALUES, 2, 12, 0.4).stretches, np.ones(12))


def test_the_model_covariance_agrees_with_the_bivariate_normal():
    cuts = np.array([[-1.0, 0.3], [-0.4, 0.8]])
    values, rho = np.array([1.0, 2.0, 4.0]), 0.55
    both = multivariate_normal(cov=[[1, rho], [rho, 1]])
    single = multivariate_normal()
    # E[score] = top - sum of steps x P(z <= cut); hence the covariance is a sum over pairs of cuts
    want = sum(
        step * jump * (both.cdf([cuts[0, j], cuts[1, k]]) - single.cdf(cuts[0, j]) * single.cdf(cuts[1, k]))
        for j, step in enumerate(np.diff(values))
        for k, jump in enumerate(np.diff(values))
    )
    rows, variant = np.array([50.0, 50.0]), np.zeros(2, dtype=np.int64)
    assert item_covariance(rho, cuts, values, rows, variant) == pytest.approx(want, rel=1e-6)
    assert latent_correlation(want, cuts, values, rows, variant) == pytest.approx(rho, abs=1e-6)


def test_merging_similar_raters_hardly_moves_the_correlation(monkeypatch):
    rng = np.random.default_rng(2)
    cuts = CUTS - 0.4 * rng.standard_normal((300, 1))
    rows, variant = rng.integers(1, 30, 300).astype(float), np.arange(300) % 2
    merged = latent_correlation(0.5, cuts, VALUES, rows, variant)
    monkeypatch.setattr("expsim_panel.latent_correlation.CLASSES", 1000)
    assert merged == pytest.approx(latent_correlation(0.5, cuts, VALUES, rows, variant), abs=2e-3)


def test_without_raters_the_fit_reproduces_two_histograms_of_two_levels():
    counts = np.array([[30.0, 70.0], [60.0, 40.0]])
    step = fit_marginal(counts, np.arange(2), np.zeros(2, dtype=np.int64), 2, 1, False, False)
    # one threshold, two means: saturated; only the weak prior on means is felt
    np.testing.assert_allclose(ndtr(step.thresholds[0] - step.latent_means), [0.3, 0.6], atol=2e-3)


@pytest.mark.parametrize("unused", [0, 2, 4])
def test_an_unused_level_and_a_one_level_rater_stay_finite(unused):
    level, _, variant, rater, _, _ = draw(300, 6, 3, seed=1)
    level = np.where(level == unused, 1 if unused != 1 else 2, level)
    level[rater == 0] = 3
    fit = fit_ordered_probit(level, variant, rater, VALUES, 2, 6, 0.3)
    assert np.all(np.isfinite(fit.thresholds))
    assert np.all(np.diff(fit.thresholds) > 0)
    assert np.all(np.isfinite(fit.severities))


def test_an_impossible_covariance_gives_the_bounds():
    level, _, variant, rater, _, _ = draw(200, 5, 3, seed=1)
    assert fit_ordered_probit(level, variant, rater, VALUES, 2, 5, 0.0).item_sd < 0.001
    assert fit_ordered_probit(level, variant, rater, VALUES, 2, 5, 99.0).noise_sd < 0.1
