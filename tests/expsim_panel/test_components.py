"""Variance components and intraclass correlations against slow, obvious calculations."""

import math

import numpy as np
import pytest

from expsim_panel.components import reliability, variance_components
from expsim_panel.ratings import Ratings


def table(rows):
    """Make ratings of (prompt, variant, rater, score)."""
    rows = np.array(rows, dtype=float)
    prompt, variant, rater = (rows[:, k].astype(np.int64) for k in range(3))
    cells, item = np.unique(prompt * 1000 + variant, return_inverse=True)
    names = [tuple(str(k) for k in range(int(codes.max()) + 1)) for codes in (prompt, variant, rater)]
    return Ratings(prompt, item, variant, rater, rows[:, 3], *names, len(cells), "made.csv", "0" * 64)


def crossed(prompts, variants, raters, seed, keep=1.0, sds=(0.5, 0.6, 0.4, 0.7)):
    """Draw normal scores; `sds` are of prompt, own, severity and noise."""
    rng = np.random.default_rng(seed)
    prompt, variant, rater = (
        part.ravel() for part in np.meshgrid(range(prompts), range(variants), range(raters), indexing="ij")
    )
    score = 3 + 0.3 * variant + rng.normal(0, sds[0], prompts)[prompt]
    score = score + rng.normal(0, sds[1], (prompts, variants))[prompt, variant]
    score = score + rng.normal(0, sds[2], raters)[rater] + rng.normal(0, sds[3], len(prompt))
    chosen = rng.random(len(prompt)) < keep
    return table(np.column_stack([prompt, variant, rater, score])[chosen])


def test_a_tiny_balanced_table_by_hand():
    # two items x two raters in one group (variants merged): mean squares 4, 1 and 0
    ratings = table([(0, 0, 0, 1), (0, 0, 1, 2), (1, 1, 0, 3), (1, 1, 1, 4)])
    parts = variance_components(ratings, by_variant=False)
    assert parts.noise == pytest.approx(0, abs=1e-12)
    assert parts.item == pytest.approx(2.0)  # (4 - 0) / 2 raters
    assert parts.severity == pytest.approx(0.5)  # (1 - 0) / 2 items
    np.testing.assert_allclose(parts.rater_effects, [-0.5, 0.5], atol=1e-9)
    found = reliability(ratings, parts)
    # one-way: between 4, within (0.5 + 0.5) / 2 = 0.5
    assert found.icc1 == pytest.approx((4 - 0.5) / (4 + 0.5))
    assert found.icc1k == pytest.approx((4 - 0.5) / 4)
    assert found.icc21 == pytest.approx(2 / 2.5)
    assert found.k == pytest.approx(2)


def two_way(score):
    """Return the textbook components of a balanced items x raters array of one variant."""
    items, raters = score.shape
    grand, rows, columns = score.mean(), score.mean(axis=1), score.mean(axis=0)
    ms_item = raters * sum((row - grand) ** 2 for row in rows) / (items - 1)
    ms_rater = items * sum((column - grand) ** 2 for column in columns) / (raters - 1)
    rest = sum((score[i, r] - rows[i] - columns[r] + grand) ** 2 for i in range(items) for r in range(raters))
    ms_rest = rest / ((items - 1) * (raters - 1))
    return (ms_item - ms_rest) / raters, (ms_rater - ms_rest) / items, ms_rest


def test_a_balanced_table_gives_the_textbook_components():
    ratings = crossed(30, 1, 4, seed=5)
    parts = variance_components(ratings)
    item, severity, noise = two_way(ratings.score.reshape(30, 4))
    assert (parts.item, parts.severity, parts.noise) == pytest.approx((item, severity, noise))


def projection(columns):
    return columns @ np.linalg.pinv(columns)


def test_an_unbalanced_table_agrees_with_dense_quadratic_forms():
    """Solve the expectations of three quadratic forms, written out with projection matrices."""
    ratings = crossed(12, 2, 5, seed=8, keep=0.6)
    size = ratings.rows
    item, rater, variant = (np.eye(codes.max() + 1)[codes] for codes in (ratings.item, ratings.rater, ratings.variant))
    whole, items, group = projection(np.hstack([item, rater])), projection(item), projection(variant)
    forms = [np.eye(size) - whole, whole - items, items - group]
    parts = [item @ item.T, rater @ rater.T, np.eye(size)]
    expectation = [[np.trace(form @ part) for part in parts] for form in forms]
    seen = [ratings.score @ form @ ratings.score for form in forms]
    want = np.linalg.solve(expectation, seen)
    found = variance_components(ratings)
    assert (found.item, found.severity, found.noise) == pytest.approx(tuple(np.maximum(want, 0)), rel=1e-6)


def test_estimates_are_unbiased_on_an_unbalanced_layout():
    found = []
    for seed in range(120):
        parts = variance_components(crossed(20, 3, 8, seed=seed, keep=0.4))
        found.append([parts.prompt, parts.item, parts.severity, parts.noise])
    error = np.std(found, axis=0, ddof=1) / math.sqrt(len(found))
    # prompt and severity are cut at 0 now and then, which lifts their mean by less than an error
    np.testing.assert_array_less(np.abs(np.mean(found, axis=0) - [0.25, 0.61, 0.16, 0.49]), 3.5 * error)


def test_many_raters_take_the_iterative_solver_to_the_same_answer(monkeypatch):
    ratings = crossed(60, 2, 30, seed=4, keep=0.2)
    dense = variance_components(ratings)
    monkeypatch.setattr("expsim_panel.components.DENSE_RATERS", 3)
    swept = variance_components(ratings)
    assert (swept.item, swept.severity, swept.noise) == pytest.approx(
        (dense.item, dense.severity, dense.noise), rel=1e-6
    )
    np.testing.assert_allclose(swept.rater_effects, dense.rater_effects, atol=1e-6)


def test_what_the_layout_cannot_tell_is_none_with_a_reason():
    alone = variance_components(table([(0, 0, 0, 1), (1, 0, 0, 2), (0, 1, 0, 3), (1, 1, 0, 5)]))
    assert alone.item is alone.noise is alone.severity is alone.prompt is None
    assert alone.reasons["noise"] == "no item has two ratings"
    strangers = variance_components(table([(0, 0, 0, 1), (0, 0, 1, 2), (1, 0, 2, 4), (1, 0, 3, 4)]))
    assert strangers.severity is None
    assert strangers.noise == pytest.approx(0.25)
    assert "severity" in strangers.reasons
