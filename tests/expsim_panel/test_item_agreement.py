"""Items differ in how well raters agree: the likelihood, the level, and what comes back."""

import numpy as np
import pytest
from scipy.stats import multivariate_normal, norm

from expsim_panel.item_agreement import GRID, Agreement, _likelihood, _tables, fit_agreement
from expsim_panel.latent_correlation import FINE_CLASSES, item_covariance, latent_correlation, merged_cells

CUTS = np.array([-1.2, -0.3, 0.5, 1.3])
VALUES = np.arange(1.0, 6.0)
ALWAYS = np.zeros(1, dtype=np.int64)


def played(law, items, raters, seed):
    """Return levels and item codes of a complete table."""
    rng = np.random.default_rng(seed)
    item = np.repeat(np.arange(items), raters)
    z = law.latent(item, rng.standard_normal(items), rng)
    return (z[:, None] > CUTS).sum(axis=1), item


def target(level, item, items, raters):
    score = VALUES[level].reshape(items, raters)
    score = score - score.mean()
    return ((score.sum(axis=1) ** 2 - (score**2).sum(axis=1)) / (raters * (raters - 1))).mean()


def fitted(level, item, items, raters):
    goal = target(level, item, items, raters)
    cells = (CUTS[None], np.array([float(len(level))]), ALWAYS)
    common = latent_correlation(goal, cells[0], VALUES, cells[1], cells[2])
    return fit_agreement(level, item, np.zeros(len(level), dtype=np.int64), common, goal, cells, VALUES), common, goal


@pytest.mark.parametrize("lapse", [0.0, 0.2])
def test_the_likelihood_of_an_item_is_that_of_the_bivariate_normal(lapse):
    level, item = np.array([1, 3]), np.zeros(2, dtype=np.int64)
    found = _likelihood(_tables(level, np.zeros(2, dtype=np.int64), CUTS[None]), item, 1, lapse)[0]
    for rho, value in zip(GRID, found, strict=True):
        if rho > 0.95:
            continue  # there the sum over nodes is coarser; 0.94 is the last below
        both = multivariate_normal(cov=[[1, rho], [rho, 1]])
        box = sum(s * both.cdf([CUTS[a], CUTS[b]]) for s, a, b in ((1, 1, 3), (-1, 0, 3), (-1, 1, 2), (1, 0, 2)))
        apart = np.diff(norm.cdf(CUTS[:2]))[0] * np.diff(norm.cdf(CUTS[2:]))[0]
        want = (1 - lapse) ** 2 * box + (1 - (1 - lapse) ** 2) * apart
        assert np.exp(value) == pytest.approx(want, rel=1e-3)


def test_the_law_of_one_rating_is_normal_in_every_class():
    law = Agreement(np.array([0.05, 0.95]), np.array([0.4, 0.6]), 0.15)
    level, _ = played(law, 40_000, 1, seed=1)
    share = np.bincount(level, minlength=5) / 40_000
    want = np.diff(norm.cdf(np.concatenate([[-np.inf], CUTS, [np.inf]])))
    np.testing.assert_array_less(np.abs(share - want), 4 * np.sqrt(want * (1 - want) / 40_000))


def test_clear_and_ambiguous_items_come_back_and_the_covariance_is_kept():
    law = Agreement(np.array([0.05, 0.94]), np.array([0.5, 0.5]), 0.0)
    level, item = played(law, 2000, 4, seed=2)
    found, common, goal = fitted(level, item, 2000, 4)
    assert 0.35 < common < 0.65
    # half of the items at each end, hardly any where the plain model puts all of them
    assert found.shares[found.correlations < 0.3].sum() == pytest.approx(0.5, abs=0.1)
    assert found.shares[found.correlations > 0.75].sum() == pytest.approx(0.5, abs=0.1)
    model = sum(
        share * item_covariance(rho, CUTS[None], VALUES, np.ones(1), ALWAYS)
        for share, rho in zip(found.shares, found.correlations, strict=True)
    )
    assert (1 - found.lapse) ** 2 * model == pytest.approx(goal, rel=1e-3)


def test_a_plain_table_gets_no_lapses_and_classes_near_the_common_correlation():
    law = Agreement.common(0.5)
    level, item = played(law, 2000, 4, seed=3)
    found, common, _ = fitted(level, item, 2000, 4)
    assert common == pytest.approx(0.5, abs=0.05)
    assert found.lapse <= 0.02
    assert found.shares @ found.correlations == pytest.approx(0.5, abs=0.07)
    assert found.shares[np.abs(found.correlations - 0.5) < 0.25].sum() > 0.85


def test_lapses_are_seen():
    law = Agreement(np.array([0.9]), np.ones(1), 0.2)
    level, item = played(law, 2000, 5, seed=4)
    found, _, _ = fitted(level, item, 2000, 5)
    assert found.lapse in (0.1, 0.2, 0.35)
    assert found.shares @ found.correlations > 0.8


def test_little_to_see_keeps_the_plain_model():
    level, item = played(Agreement.common(0.5), 30, 3, seed=5)
    assert fitted(level, item, 30, 3)[0].shares.shape == (1,)
    level, item = played(Agreement.common(0.5), 300, 1, seed=5)
    cells = (CUTS[None], np.array([300.0]), ALWAYS)
    plain = fit_agreement(level, item, np.zeros(300, dtype=np.int64), 0.5, 0.5, cells, VALUES)
    np.testing.assert_array_equal(plain.correlations, [0.5])


def test_very_many_cells_are_merged_without_moving_the_likelihood():
    rng = np.random.default_rng(12)
    raters, variants = 250, 2
    variant = np.repeat(np.arange(variants), raters)
    cuts = CUTS + rng.normal(0, 0.3, raters * variants)[:, None] + 0.1 * variant[:, None]
    rows = rng.integers(1, 40, raters * variants).astype(float)
    at, few = merged_cells(rows, variant, cuts)
    assert len(few) == variants * FINE_CLASSES
    assert len(at) == len(cuts)
    size = np.bincount(at, rows)
    np.testing.assert_allclose(few, np.array([(rows[at == k] @ cuts[at == k]) / size[k] for k in range(len(few))]))
    assert np.unique(at * variants + variant).size == len(few)  # no class has two variants
    assert np.quantile(np.abs(few[at] - cuts).max(axis=1), 0.9) < 0.03
    item = np.repeat(np.arange(400), 10)
    cell = np.concatenate([rng.permutation(raters)[:10] + raters * (k % variants) for k in range(400)])
    effect, noise = rng.standard_normal(400)[item], rng.standard_normal(4000)
    level = (np.sqrt(0.5) * (effect + noise)[:, None] > cuts[cell]).sum(axis=1)
    full = _likelihood(_tables(level, cell, cuts), item, 400, 0.02)
    near = _likelihood(_tables(level, at[cell], few), item, 400, 0.02)
    gap = (near - near[:, 4:5]) - (full - full[:, 4:5])  # what tells classes apart, per item
    assert np.abs(gap.sum(axis=0)[3:6]).max() < 1.5  # of the log likelihood of 400 items
    assert np.sqrt((gap[:, 3:6] ** 2).mean()) < 0.05
    few_of_few, same = merged_cells(rows[:300], variant[:300], cuts[:300])
    assert np.array_equal(few_of_few, np.arange(300))
    assert same is not None
    assert np.array_equal(same, cuts[:300])
