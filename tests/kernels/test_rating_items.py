"""Sums over items' ratings: what a dense matrix gives, compiled and interpreted."""

import numpy as np

from expsim_panel.kernels.rating_items import shared_items


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
