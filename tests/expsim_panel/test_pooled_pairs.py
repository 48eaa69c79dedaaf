"""Agreement over all pairs of ratings of an item: slow loops, and what is known of complete tables of two raters."""

import numpy as np
import pytest

from expsim_panel.pooled_pairs import pooled_pairs
from expsim_panel.rating_agreement import agreement_of, distinct, kappas, krippendorff
from expsim_panel.ratings import parse_ratings


def ratings(seed, items=40, most=6):
    """Return scores and items of a crowd: 1 to `most` ratings of each."""
    rng = np.random.default_rng(seed)
    size = rng.integers(1, most + 1, items)
    item = np.repeat(np.arange(items), size)
    rng.shuffle(item)
    score = np.clip(rng.normal(3, 1, items)[item] + rng.normal(0, 0.8, len(item)), 1, 5).round()
    return score, item


def by_loops(score, item):
    """Return kappa (three kinds), Pearson and the number of pairs from a list of all pairs."""
    pairs = [(a, b) for i in set(item) for a, b in _ordered(score[item == i])]
    first, second = np.array(pairs).T
    values = sorted(set(score))
    table = np.array([[np.sum((first == a) & (second == b)) for b in values] for a in values], float)
    return (*kappas(table, np.array(values)), np.corrcoef(first, second)[0, 1], len(pairs) // 2)


def _ordered(scores):
    return [(a, b) for i, a in enumerate(scores) for j, b in enumerate(scores) if i != j]


def pooled(score, item):
    values, code = distinct(score)
    return pooled_pairs(score, item, values, code)


@pytest.mark.parametrize("seed", range(4))
def test_pooled_coefficients_are_those_of_all_pairs(seed):
    score, item = ratings(seed)
    found, (plain, linear, quadratic, pearson, pairs) = pooled(score, item), by_loops(score, item)
    assert found.pairs == pairs
    assert (found.kappa, found.kappa_linear) == pytest.approx((plain, linear), rel=1e-12)
    assert (found.pearson, found.pearson) == pytest.approx((pearson, quadratic), rel=1e-12)


def test_two_raters_of_every_item():
    """Scott's pi and Krippendorff's alpha differ by one rating in n; Pearson loses what the means differ by."""
    rng = np.random.default_rng(5)
    table = np.clip(rng.normal(3, 1, 60) + np.array([[0.0], [0.7]]) + rng.normal(0, 0.7, (2, 60)), 1, 5).round()
    score, item = table.ravel(), np.tile(np.arange(60), 2)
    found, n = pooled(score, item), score.size
    for ours, metric in ((found.kappa, "nominal"), (found.pearson, "interval")):
        assert krippendorff(score, item, metric) == pytest.approx(1 - (1 - ours) * (n - 1) / n, rel=1e-12)
    covariance = np.cov(table, ddof=0)
    apart = (table[0].mean() - table[1].mean()) ** 2 / 4
    classic = (covariance[0, 1] - apart) / ((covariance[0, 0] + covariance[1, 1]) / 2 + apart)
    assert found.pearson == pytest.approx(classic, rel=1e-12)


def test_a_sparse_crowd_has_pooled_coefficients_alone():
    rng = np.random.default_rng(2)
    rows = []
    for i in range(200):
        quality = rng.normal(3, 1)
        for r in rng.choice(90, 3, replace=False):
            score = np.clip(round(quality + 0.7 * rng.normal()), 1, 5)
            rows.append(f"i{i},v{i % 2},r{r},{score:g}")
    found = agreement_of(parse_ratings(("item,variant,rater,score\n" + "\n".join(rows)).encode(), "crowd.csv"))
    assert found.kappa is None
    assert found.pearson is None
    assert 0.1 < found.pooled_kappa < found.pooled_kappa_linear < found.pooled_pearson < 0.8
    assert found.pooled_pairs == 600


def test_without_pairs_there_is_a_reason():
    data = b"item,variant,rater,score\na,x,r,1\nb,y,r,2\nc,x,r,3\nd,y,r,3\n"
    found = agreement_of(parse_ratings(data, "one.csv"))
    assert (found.pooled_kappa, found.pooled_pearson, found.pooled_pairs) == (None, None, 0)
    assert found.reasons["pooled"]
    score = np.arange(300.0)
    many = pooled_pairs(score, np.arange(300) // 2, None, np.zeros(300, dtype=np.int64))
    assert many.kappa is None
    assert many.pearson == pytest.approx(
        np.corrcoef(*np.array([(a, a + 1) for a in range(0, 300, 2)] + [(a + 1, a) for a in range(0, 300, 2)]).T)[0, 1]
    )
