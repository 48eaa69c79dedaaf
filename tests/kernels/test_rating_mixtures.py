"""The likelihood of items under classes and the shares of classes: against NumPy, and interpreted."""

import numpy as np
import pytest
from scipy.special import logsumexp, ndtr

from expsim_panel.kernels.rating_mixtures import LEAST, class_chances, class_shares, item_likelihoods, summed_rows

NODES = np.linspace(-3, 3, 13)
WEIGHTS = np.exp(-0.5 * NODES**2) / np.exp(-0.5 * NODES**2).sum()
RHO = np.array([0.01, 0.4, 0.97])
EDGES = np.array([-np.inf, -0.7, 0.2, 1.1, np.inf])


def plain(kernel):
    return getattr(kernel, "py_func", kernel)


def kinds():
    """Return the edges of every level of two cells, not all of them seen."""
    lower = np.concatenate([EDGES[:-1], EDGES[:-1] + 0.3])
    upper = np.concatenate([EDGES[1:], EDGES[1:] + 0.3])
    return np.delete(lower, 5), np.delete(upper, 5)


def test_chances_are_differences_of_the_normal_law():
    lower, upper = kinds()
    shift, scale = np.sqrt(RHO) * NODES[:, None], np.sqrt(1 - RHO)
    want = np.stack([ndtr((b - shift) / scale) - ndtr((a - shift) / scale) for a, b in zip(lower, upper, strict=True)])
    found = class_chances(lower, upper, NODES, RHO)
    np.testing.assert_allclose(found, want.reshape(len(lower), -1), rtol=0, atol=1e-15)
    assert plain(class_chances)(lower, upper, NODES, RHO).tobytes() == found.tobytes()


@pytest.mark.parametrize("lapse", [0.0, 0.15])
def test_the_likelihood_of_an_item_is_the_sum_over_its_effects_however_many_ratings_it_has(lapse):
    rng = np.random.default_rng(8)
    lower, upper = kinds()
    chance, alone = class_chances(lower, upper, NODES, RHO), ndtr(upper) - ndtr(lower)
    size = np.array([1, 2, 15, 16, 17, 32, 33, 400])
    start = np.concatenate([[0], np.cumsum(size)])
    place = rng.integers(0, len(lower), start[-1])
    log = np.log(np.maximum((1 - lapse) * chance + lapse * alone[:, None], LEAST))
    sums = np.add.reduceat(log[place], start[:-1], axis=0).reshape(len(size), len(NODES), len(RHO))
    want = logsumexp(sums, axis=1, b=WEIGHTS[:, None])
    found = item_likelihoods(chance, alone, place, start, WEIGHTS, lapse)
    np.testing.assert_allclose(found, want, rtol=1e-13, atol=1e-13)
    assert plain(item_likelihoods)(chance, alone, place, start, WEIGHTS, lapse).tobytes() == found.tobytes()


def test_ratings_that_hardly_can_be_do_not_underflow():
    least = np.full((1, len(NODES) * len(RHO)), 1e-15)
    found = item_likelihoods(least, np.zeros(1), np.zeros(90, dtype=np.int64), np.array([0, 90]), WEIGHTS, 0.0)
    np.testing.assert_allclose(found, 90 * np.log(LEAST), rtol=1e-13)


def test_shares_are_those_of_expectation_maximisation():
    rng = np.random.default_rng(9)
    joint = rng.normal(-700.0, 2.0, (50, 3))
    prior, first = np.array([2.0, 1.0, 0.5]), np.array([0.2, 0.3, 0.5])
    chance, shares = np.exp(joint - joint.max(axis=1)[:, None]), first
    for _ in range(40):
        shares = shares * (chance.T @ (1 / (chance @ shares))) + prior
        shares = shares / shares.sum()
    found, fit = class_shares(joint, prior, first, 40)
    np.testing.assert_allclose(found, shares, rtol=1e-12)
    assert fit == pytest.approx(logsumexp(joint, axis=1, b=shares).sum(), rel=1e-13)
    again, same = plain(class_shares)(joint, prior, first, 40)
    assert again.tobytes() == found.tobytes()
    assert same == fit
    np.testing.assert_array_equal(first, [0.2, 0.3, 0.5])


def test_rows_are_added_in_single_precision_in_their_order():
    rng = np.random.default_rng(10)
    table = rng.normal(size=(20, 5)).astype(np.float32)
    start = np.array([0, 3, 3, 40])
    place = rng.integers(0, 20, 40)
    want = np.zeros((3, 5), np.float32)
    for item in range(3):
        for row in place[start[item] : start[item + 1]]:
            want[item] += table[row]
    found = summed_rows(table, place, start)
    assert found.dtype == np.float32
    assert found.tobytes() == want.tobytes()
    assert plain(summed_rows)(table, place, start).tobytes() == want.tobytes()
