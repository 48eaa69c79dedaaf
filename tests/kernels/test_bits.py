"""The register generator against NumPy's own, draw by draw, and against the laws it claims."""

import numpy as np
import pytest
from scipy import stats

from expsim_panel.kernels import bits
from expsim_panel.kernels.jit import kernel
from expsim_panel.kernels.streams import OUTCOME, POLICY, generator

DRAWS = 200_000


@kernel
def _fill(stream, kind, a, b, out):
    d = a - 1.0 / 3.0
    c = 1.0 / np.sqrt(9.0 * d)
    for i in range(out.shape[0]):
        if kind == 0:
            out[i] = bits.uniform(stream)
        elif kind == 1:
            out[i] = bits.normal(stream)
        elif kind == 2:
            out[i] = bits.gamma(stream, d, c)
        else:
            out[i] = bits.beta(stream, a, b)


def drawn(kind, a=1.0, b=1.0, seed=5, size=DRAWS, role=POLICY, block=0, lane=0):
    out = np.empty(size)
    with np.errstate(over="ignore"):
        _fill(bits.stream(seed, role, block, lane), kind, a, b, out)
    return out


def test_words_are_those_of_numpy():
    ours = bits.stream(7, OUTCOME, 3, 11)
    theirs = generator(7, OUTCOME, 3, 11).bit_generator
    with np.errstate(over="ignore"):
        assert [int(bits.word(ours)) for _ in range(2000)] == [int(w) for w in theirs.random_raw(2000)]


def test_draws_are_those_of_numpys_generator():
    np.testing.assert_array_equal(drawn(0), generator(5, POLICY, 0).random(DRAWS))
    np.testing.assert_allclose(drawn(1), generator(5, POLICY, 0).standard_normal(DRAWS), rtol=1e-11)
    np.testing.assert_allclose(drawn(2, 4.5), generator(5, POLICY, 0).standard_gamma(4.5, DRAWS), rtol=1e-11)


@pytest.mark.parametrize(("a", "b"), [(1, 1), (1, 7), (3, 2), (40, 3), (500, 1500)])
def test_beta_has_its_law(a, b):
    assert stats.kstest(drawn(3, float(a), float(b)), stats.beta(a, b).cdf).pvalue > 1e-3


@pytest.mark.parametrize("a", [1.0, 1.3, 20.0, 4000.0])
def test_gamma_has_its_law(a):
    values = drawn(2, a, seed=8)
    assert stats.kstest(values, stats.gamma(a).cdf).pvalue > 1e-3
    assert abs(values.mean() - a) <= 4 * np.sqrt(a / DRAWS)


def test_normal_has_its_moments_and_its_tails():
    x = drawn(1, seed=9, size=2_000_000)
    for power, (expected, variance) in {1: (0, 1), 2: (1, 2), 3: (0, 15), 4: (3, 96)}.items():
        assert abs(np.mean(x**power) - expected) <= 4 * np.sqrt(variance / x.size)
    for cut in (3.0, 3.6541528853610088, 4.0):
        p = stats.norm.sf(cut)
        for side in (x > cut, x < -cut):
            assert abs(side.mean() - p) <= 4 * np.sqrt(p / x.size)
    assert stats.kstest(x[:DRAWS], "norm").pvalue > 1e-3


def test_uniform_is_flat_in_every_sixteenth_and_uncorrelated():
    u = drawn(0, seed=10)
    assert stats.chisquare(np.bincount((u * 16).astype(int), minlength=16)).pvalue > 1e-3
    for lag in (1, 2, 3, 7):
        assert abs(np.corrcoef(u[:-lag], u[lag:])[0, 1]) <= 4 / np.sqrt(DRAWS)


def test_streams_of_other_roles_blocks_lanes_and_seeds_are_independent():
    keys = [(5, POLICY, 0, 0), (5, OUTCOME, 0, 0), (5, POLICY, 1, 0), (5, POLICY, 0, 1), (6, POLICY, 0, 0)]
    rows = np.array([drawn(0, seed=s, role=r, block=b, lane=n) for s, r, b, n in keys])
    r = np.corrcoef(rows)[np.triu_indices(len(keys), 1)]
    assert np.abs(r).max() <= 4 / np.sqrt(DRAWS)
    for i in range(len(keys)):
        for j in range(i):
            joint = np.histogram2d(rows[i], rows[j], bins=8, range=[[0, 1], [0, 1]])[0]
            assert stats.chisquare(joint.ravel()).pvalue > 1e-4
