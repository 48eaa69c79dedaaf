"""Sums over items' ratings, levels and pictures: what dense tables give, compiled and interpreted."""

import numpy as np
import pytest
from scipy.sparse.csgraph import connected_components

from expsim_panel.kernels.rating_items import (
    connected_sets,
    item_sums,
    level_pictures,
    levels_above,
    shared_items,
)


def plain(kernel):
    return getattr(kernel, "py_func", kernel)


def test_shared_items_are_the_product_of_the_table_of_who_rated_what():
    rng = np.random.default_rng(3)
    there = rng.random((60, 9)) < 0.4
    there[:, 8] = False  # a rater of nothing
    _item, rater = np.nonzero(there)
    start = np.concatenate([[0], np.cumsum(there.sum(axis=1))])
    want = (there / np.maximum(there.sum(axis=1), 1)[:, None]).T @ there
    found = shared_items(start, rater, 9)
    np.testing.assert_allclose(found, want, rtol=1e-13)
    assert np.array_equal(found, found.T)
    assert found.tobytes() == plain(shared_items)(start, rater, 9).tobytes()


@pytest.mark.parametrize("share", [0.0, 0.03, 0.06, 0.5])
def test_sets_are_the_connected_components(share):
    rng = np.random.default_rng(4)
    shared = np.triu(rng.random((40, 40)) * (rng.random((40, 40)) < share), 1)
    shared += shared.T
    shared[3], shared[:, 3] = 0.0, 0.0  # a rater of nothing
    found = connected_sets(shared)
    pieces, of = connected_components(shared, directed=False)
    assert len(np.unique(found)) == pieces
    assert np.array_equal(found[:, None] == found, of[:, None] == of)
    assert plain(connected_sets)(shared).tobytes() == found.tobytes()


def test_sums_of_items_are_those_of_a_loop_over_items():
    rng = np.random.default_rng(5)
    item = rng.integers(0, 30, 200)
    item[item == 7] = 8  # an item without ratings
    score = rng.normal(3, 1, len(item))
    found = item_sums(score, item, 30, 2.5)
    own = [score[item == one] - 2.5 for one in range(30)]
    np.testing.assert_allclose(found, np.array([[len(x), x.sum(), x @ x] for x in own]).T, rtol=1e-12)
    assert plain(item_sums)(score, item, 30, 2.5).tobytes() == found.tobytes()


def test_pictures_count_what_a_loop_over_pairs_counts():
    rng = np.random.default_rng(6)
    items, levels = 25, 4
    item = np.concatenate([np.arange(items), rng.integers(0, items - 5, 60)])  # the last items have one rating
    level = rng.integers(0, levels, len(item))
    pair, ranges = np.zeros((levels, levels)), np.zeros(levels)
    for one in range(items):
        own = level[item == one]
        for at, a in enumerate(own):
            for other, b in enumerate(own):
                pair[a, b] += at != other
        ranges[np.ptp(own)] += len(own) > 1
    found = level_pictures(level, item, items, levels)
    for table, want in zip(found, (np.bincount(level, minlength=levels), pair, ranges), strict=True):
        np.testing.assert_array_equal(table, want)
    for table, again in zip(found, plain(level_pictures)(level, item, items, levels), strict=True):
        assert table.tobytes() == again.tobytes()


def test_levels_count_the_edges_below():
    rng = np.random.default_rng(7)
    edges, of = np.sort(rng.normal(size=(6, 4)), axis=1), rng.integers(0, 6, 50)
    latent = np.append(rng.normal(size=49), edges[of[-1], 2])  # on an edge is not above it
    found = levels_above(latent, of, edges)
    np.testing.assert_array_equal(found, (latent[:, None] > edges[of]).sum(axis=1))
    assert plain(levels_above)(latent, of, edges).tobytes() == found.tobytes()
