"""The normal law from a table: what SciPy says, everywhere; the same bits compiled and interpreted."""

import numpy as np
import pytest
from scipy.special import ndtr

from expsim_panel.kernels.normal_table import REACH, all_below, below, density


def plain(kernel):
    return getattr(kernel, "py_func", kernel)


@pytest.mark.parametrize(
    ("function", "want"),
    [(below, ndtr), (density, lambda x: np.exp(-0.5 * x * x) / np.sqrt(2 * np.pi))],
    ids=["below", "density"],
)
def test_both_are_right_to_the_rounding_of_doubles(function, want):
    rng = np.random.default_rng(1)
    halfway = np.arange(-REACH, REACH, 1 / 64) + 1 / 128  # as far from a point of the table as can be
    x = np.concatenate([halfway, rng.uniform(-12, 12, 20_000), [0.0, REACH, -REACH, 1e150, -np.inf, np.inf]])
    found = np.array([function(float(one)) for one in x])
    assert np.abs(found - want(x)).max() < 3e-16
    near = x[np.abs(x) < 6]
    np.testing.assert_allclose([function(float(one)) for one in near], want(near), rtol=1e-12)
    few = x[::37]
    assert np.array([plain(function)(float(one)) for one in few]).tobytes() == found[::37].tobytes()
    assert np.isnan(function(np.nan))
    assert np.isnan(plain(function)(np.nan))


def test_a_matrix_is_done_entry_by_entry():
    x = np.random.default_rng(2).normal(0, 3, (7, 11))
    found = all_below(x)
    assert np.array_equal(found, [[below(float(one)) for one in row] for row in x])
    assert plain(all_below)(x).tobytes() == found.tobytes()
