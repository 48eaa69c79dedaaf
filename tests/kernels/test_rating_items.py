"""Sums over items' ratings: what NumPy and a dense matrix give, to the last bit, compiled and interpreted."""

import numpy as np
import pytest

from expsim_panel.kernels.rating_items import LONGEST, shared_items, summed_rows


def plain(kernel):
    return getattr(kernel, "py_func", kernel)


@pytest.mark.parametrize("most", [1, 2, 8, 9, 10, 17, 30, LONGEST])
def test_sums_are_those_of_numpy_to_the_last_bit(most):
    rng = np.random.default_rng(most)
    size = np.append(rng.integers(1, most + 1, 40), most)
    start = np.concatenate([[0], np.cumsum(size)])
    table, place = rng.normal(size=(90, 7)), rng.integers(0, 90, start[-1])
    want = np.add.reduceat(table[place], start[:-1], axis=0)
    assert summed_rows(table, place, start).tobytes() == want.tobytes()
    assert plain(summed_rows)(table, place, start).tobytes() == want.tobytes()


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
