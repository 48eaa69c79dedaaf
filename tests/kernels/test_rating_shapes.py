"""Places of items: chances, weights and what ratings say of raters, against NumPy and SciPy, and interpreted."""

import numpy as np
import pytest
from scipy.special import logsumexp, ndtr

from expsim_panel.kernels.rating_shapes import LEAST, place_chances, shape_step, shaped_marginal

PLACES = np.linspace(-3.0, 3.0, 7)
CUTS = np.array([[-1.0, 0.2, 1.4], [-0.5, 0.1, 0.9]])
LEVELS = 4


def plain(kernel):
    return getattr(kernel, "py_func", kernel)


def exact(cuts, places=PLACES):
    """Return the chance of each kind of rating at each place, by SciPy."""
    edges = np.pad(cuts, ((0, 0), (1, 1)), constant_values=np.inf)
    edges[:, 0] = -np.inf
    return np.diff(ndtr(edges[:, :, None] - places), axis=1).reshape(-1, len(places))


def made():
    """Return ratings of items of two variants, of 1 to 40 ratings each."""
    rng = np.random.default_rng(4)
    size = np.array([1, 2, 3, 15, 16, 17, 40, 3, 3, 2])
    start = np.concatenate([[0], np.cumsum(size)])
    kind = rng.integers(0, 2 * LEVELS, start[-1])
    weights = rng.dirichlet(np.ones(len(PLACES)), 2)
    return kind, start, np.arange(len(size)) % 2, weights, rng.random((2, len(PLACES)))


def slow(chance, kind, start, owner, weights, prior, lapse, turns):
    """Return weights, log likelihood, places after the data and each rating's chance by place, step by step."""
    own = np.repeat(owner, np.diff(start))
    near = (1 - lapse) * chance[kind]
    each = near + lapse * (weights[own] * chance[kind]).sum(axis=1)[:, None]
    like = np.add.reduceat(np.log(each), start[:-1], axis=0)
    for _ in range(turns):
        after = like + np.log(weights[owner])
        after = np.exp(after - logsumexp(after, axis=1)[:, None])
        counted = np.stack([after[owner == v].sum(axis=0) for v in range(len(weights))]) + prior
        weights = counted / counted.sum(axis=1)[:, None]
    last = like + np.log(weights[owner])
    fit = logsumexp(last, axis=1)
    return weights, fit.sum(), np.exp(last - fit[:, None]), near / each


def test_chances_and_slopes_are_those_of_the_normal_law():
    found = place_chances(CUTS, PLACES)
    np.testing.assert_allclose(found[0], np.maximum(exact(CUTS), LEAST), rtol=0, atol=1e-15)
    step = 1e-5
    slope = (np.log(exact(CUTS - step)) - np.log(exact(CUTS + step))) / (2 * step)
    wider, closer = (np.log(exact(CUTS * by, PLACES * by)) for by in (1 + step, 1 - step))
    # central differences: rounding of chances of 1e-5 and above over the step, and step^2
    seen = exact(CUTS) > 1e-5
    np.testing.assert_allclose(found[1][seen], slope[seen], atol=2e-5)
    np.testing.assert_allclose(found[2][seen], ((wider - closer) / (2 * step))[seen], atol=1e-4)
    assert plain(place_chances)(CUTS, PLACES).tobytes() == found.tobytes()


@pytest.mark.parametrize("lapse", [0.0, 0.15])
def test_weights_are_those_of_expectation_maximisation(lapse):
    kind, start, owner, weights, prior = made()
    chances = place_chances(CUTS, PLACES)
    found, known, scale, fit = shape_step(chances, kind, start, owner, weights, prior, lapse, 5, LEVELS)
    want, total, after, near = slow(chances[0], kind, start, owner, weights, prior, lapse, 5)
    np.testing.assert_allclose(found, want, rtol=1e-12)
    assert fit == pytest.approx(total, rel=1e-13)
    of = np.repeat(np.arange(len(owner)), np.diff(start))
    slopes = (after[of] * chances[1][kind] * near).sum(axis=1)
    for rater in (0, 1):
        mine = slopes[kind // LEVELS == rater]
        np.testing.assert_allclose(known[:, rater], [mine.sum(), (mine**2).sum()], rtol=1e-11)
    grown = np.add.reduceat((after[of] * chances[2][kind] * near).sum(axis=1), start[:-1])
    np.testing.assert_allclose(scale, [grown.sum(), (grown**2).sum()], rtol=1e-11)
    again = plain(shape_step)(chances, kind, start, owner, weights, prior, lapse, 5, LEVELS)
    assert again[0].tobytes() == found.tobytes()
    assert again[1].tobytes() == known.tobytes()
    assert again[2].tobytes() == scale.tobytes()
    assert again[3] == fit


def test_the_slope_of_a_rater_is_that_of_the_likelihood():
    kind, start, owner, weights, prior = made()
    _, known, _, _ = shape_step(place_chances(CUTS, PLACES), kind, start, owner, weights, prior, 0.0, 0, LEVELS)
    step = 1e-4
    for rater in (0, 1):
        moved = np.zeros((2, 1))
        moved[rater] = step
        up, down = (
            shape_step(place_chances(cuts, PLACES), kind, start, owner, weights, prior, 0.0, 0, LEVELS)[3]
            for cuts in (CUTS - moved, CUTS + moved)
        )
        assert known[0, rater] == pytest.approx((up - down) / (2 * step), rel=1e-5, abs=1e-5)


def test_ratings_that_hardly_can_be_do_not_underflow():
    chances = np.full((3, 1, 3), LEAST)
    kind, start = np.zeros(90, dtype=np.int64), np.array([0, 90])
    even = np.full((1, 3), 1 / 3)
    fit = shape_step(chances, kind, start, np.zeros(1, dtype=np.int64), even, even, 0.0, 1, 1)[3]
    assert fit == pytest.approx(90 * np.log(LEAST), rel=1e-13)


def test_the_marginal_is_the_mixture_over_cells():
    rater, variant = np.array([0, 1, 1]), np.array([0, 0, 1])
    part = np.array([0.5, 0.2, 0.3])
    weights = made()[3]
    found = shaped_marginal(CUTS, PLACES, rater, variant, part, weights)
    off = CUTS[rater][:, None, :] - PLACES[:, None]
    want = [np.einsum("c,cp,cpl->l", part, weights[variant], f) for f in (ndtr(off), np.exp(-0.5 * off**2))]
    np.testing.assert_allclose(found, [want[0], want[1] / np.sqrt(2 * np.pi)], rtol=1e-13)
    assert plain(shaped_marginal)(CUTS, PLACES, rater, variant, part, weights).tobytes() == found.tobytes()
