"""Slopes of the ordered probit and the covariance of an item's scores: against NumPy, differences and the interpreter."""

import numpy as np
import pytest
from scipy.special import ndtr

from expsim_panel.kernels.rating_probit import (
    LEAST,
    OF_FACTOR,
    OF_MEAN,
    OF_NARROW,
    OF_SEVERITY,
    mean_covariance,
    moved_thresholds,
    parameter_slopes,
    threshold_slopes,
)

NAMES = {OF_MEAN: "mean", OF_SEVERITY: "severity", OF_FACTOR: "factor", OF_NARROW: "narrow"}


def plain(kernel):
    return getattr(kernel, "py_func", kernel)


@pytest.fixture
def table():
    """Return counts, and everything that a cell's chances follow from, by name."""
    rng = np.random.default_rng(5)
    variants, raters = 3, 7
    there = np.flatnonzero(rng.random(variants * raters) < 0.8)
    counts = rng.multinomial(9, [0.15, 0.3, 0.35, 0.2], len(there)).astype(float)
    law = {
        "tau": np.array([-0.9, 0.1, 1.1]),
        "mean": rng.normal(0, 0.3, variants),
        "severity": rng.normal(0, 0.4, raters),
        "factor": np.exp(rng.normal(0, 0.2, raters)),
        "narrow": np.exp(rng.normal(0, 0.2, variants)),
    }
    return counts, there // raters, there % raters, law


def chances(variant, rater, law):
    """Return the chances of a cell's levels, shape (cells, levels)."""
    centre = law["mean"][variant] + law["severity"][rater]
    edge = law["narrow"][variant][:, None] * (law["factor"][rater][:, None] * law["tau"] - centre[:, None])
    below = np.concatenate([np.zeros((len(edge), 1)), ndtr(edge), np.ones((len(edge), 1))], axis=1)
    return np.maximum(np.diff(below, axis=1), LEAST)


def derivatives(variant, rater, law, name):
    """Return how the chances of a cell change with each entry of a parameter, shape (entries, cells, levels)."""
    found, step = [], 1e-5
    for entry in range(len(law[name])):
        ends = [law[name].copy() for _ in range(2)]
        ends[0][entry] -= step
        ends[1][entry] += step
        low, high = (chances(variant, rater, law | {name: end}) for end in ends)
        found.append((high - low) / (2 * step))
    return np.array(found)


@pytest.mark.parametrize("of", NAMES, ids=NAMES.values())
def test_score_and_information_are_the_differences_of_the_likelihood(of, table):
    counts, variant, rater, law = table
    chance, change = chances(variant, rater, law), derivatives(variant, rater, law, NAMES[of])
    rows = counts.sum(axis=1)[:, None]
    found = parameter_slopes(counts, variant, rater, *law.values(), of)
    np.testing.assert_allclose(found[0], (counts * change / chance).sum(axis=(1, 2)), rtol=1e-6, atol=1e-6)
    np.testing.assert_allclose(found[1], (rows * change**2 / chance).sum(axis=(1, 2)), rtol=1e-6)
    assert plain(parameter_slopes)(counts, variant, rater, *law.values(), of).tobytes() == found.tobytes()


def test_thresholds_have_theirs_and_that_of_neighbours(table):
    counts, variant, rater, law = table
    chance, change = chances(variant, rater, law), derivatives(variant, rater, law, "tau")
    rows = counts.sum(axis=1)[:, None]
    found = threshold_slopes(counts, variant, rater, *law.values())
    np.testing.assert_allclose(found[0], (counts * change / chance).sum(axis=(1, 2)), rtol=1e-6, atol=1e-6)
    np.testing.assert_allclose(found[1], (rows * change**2 / chance).sum(axis=(1, 2)), rtol=1e-6)
    beside = (rows * change[:-1] * change[1:] / chance).sum(axis=(1, 2))
    np.testing.assert_allclose(found[2], [*beside, 0.0], rtol=1e-6)
    assert plain(threshold_slopes)(counts, variant, rater, *law.values()).tobytes() == found.tobytes()


def test_thresholds_move_by_a_fisher_step(table):
    counts, variant, rater, law = table
    score, own, beside = threshold_slopes(counts, variant, rater, *law.values())
    matrix = np.diag(own) + np.diag(beside[:-1], 1) + np.diag(beside[:-1], -1)
    found = moved_thresholds(counts, variant, rater, *law.values())
    np.testing.assert_allclose(found, law["tau"] + np.linalg.solve(matrix, score), rtol=1e-9)
    assert plain(moved_thresholds)(counts, variant, rater, *law.values()).tobytes() == found.tobytes()
    # a step that would cross is halved until it does not
    crowded = law | {"tau": np.array([-0.02, 0.0, 0.02])}
    counts[:] = [9.0, 0.0, 0.0, 9.0]
    score, own, beside = threshold_slopes(counts, variant, rater, *crowded.values())
    matrix = np.diag(own) + np.diag(beside[:-1], 1) + np.diag(beside[:-1], -1)
    step = np.linalg.solve(matrix, score)
    assert np.diff(crowded["tau"] + step).min() < 0
    found = moved_thresholds(counts, variant, rater, *crowded.values())
    assert np.diff(found).min() > 0
    halvings = np.log2(step[0] / (found - crowded["tau"])[0])
    assert halvings == pytest.approx(round(halvings), abs=1e-6)
    assert halvings > 0.5


def test_a_level_that_cannot_be_has_the_least_chance(table):
    counts, variant, rater, law = table
    far = law | {"tau": np.array([-0.9, 0.1, 40.0])}
    counts[:, 3] = 0.0
    found = parameter_slopes(counts, variant, rater, *far.values(), OF_MEAN)
    assert np.all(np.isfinite(found))
    assert np.all(np.isfinite(threshold_slopes(counts, variant, rater, *far.values())))


def covariance(rho, cuts, values, rows, variant, nodes, weights):
    """Return the covariance, an array at a time; a rater rates an item once."""
    inner = ndtr((cuts[:, None, :] - np.sqrt(rho) * nodes[:, None]) / np.sqrt(1 - rho))
    expected = values[-1] - inner @ np.diff(values)
    expected = expected - (expected @ weights)[:, None]
    found, whole = 0.0, 0.0
    several = any((variant == a).sum() > 1 for a in variant)
    for a in np.unique(variant):
        own, n = expected[variant == a], rows[variant == a]
        products = (n[:, None] * n) * ((own * weights) @ own.T)
        pairs = n[:, None] * n
        if several:
            np.fill_diagonal(products, 0.0)
            np.fill_diagonal(pairs, 0.0)
        if pairs.sum() > 0:
            found += products.sum() / pairs.sum() * n.sum()
            whole += n.sum()
    return found / whole


@pytest.mark.parametrize("rho", [0.0, 0.2, 0.7, 0.995])
@pytest.mark.parametrize("layout", ["several", "one rater of one variant", "one rater each"])
def test_the_covariance_is_that_over_pairs_of_raters(rho, layout):
    rng = np.random.default_rng(6)
    variant = {
        "several": np.array([0, 0, 0, 1, 1, 2, 2, 2]),
        "one rater of one variant": np.array([0, 0, 0, 1, 2, 2]),
        "one rater each": np.array([0, 1, 2]),
    }[layout]
    cuts = np.array([-1.0, 0.1, 0.8]) + rng.normal(0, 0.4, (len(variant), 1))
    rows, values = rng.integers(1, 30, len(variant)).astype(float), np.array([1.0, 2.0, 4.0, 5.0])
    nodes, weights = np.polynomial.hermite_e.hermegauss(31)
    case = (rho, cuts, values, rows, variant, nodes, weights / weights.sum())
    found = mean_covariance(*case)
    assert found == pytest.approx(covariance(*case), rel=1e-12, abs=1e-15)
    assert plain(mean_covariance)(*case) == found
