import numpy as np
import pytest
from oracles import rows_with_raters
from scipy import stats

from expsim_panel.kernels.measuring import binary_rows, draw_severity, normal_rows

pytestmark = pytest.mark.arithmetic

DRAWS = 20_000


def _both(rows, severity, first=0):
    fast, slow = np.random.default_rng(1), np.random.default_rng(2)
    raters = severity.size
    got = np.array([normal_rows(fast, rows, 3.0, 0.8, severity[None], 0, raters, first) for _ in range(DRAWS)])
    wanted = np.array([rows_with_raters(slow, rows, 3.0, 0.8, np.roll(severity, -first)) for _ in range(DRAWS)])
    return got, wanted


@pytest.mark.parametrize("rows", [1, 2, 3, 7, 50])
@pytest.mark.parametrize("severity", [np.zeros(1), np.array([0.5, -0.4, 0.1])])
def test_sums_have_the_law_of_summed_rows(rows, severity):
    got, wanted = _both(rows, severity)
    for column in (0, 1):
        assert stats.ks_2samp(got[:, column], wanted[:, column]).pvalue > 1e-4
    within = [values[:, 1] - values[:, 0] ** 2 / rows for values in (got, wanted)]
    if rows > 1:
        assert stats.ks_2samp(*within).pvalue > 1e-4
        # Cochran: the two are independent; a wrong sum of squares shows in their correlation.
        assert abs(np.corrcoef(got[:, 0], within[0])[0, 1]) < 4 / np.sqrt(DRAWS)


def test_raters_go_on_in_turn_the_next_day():
    got, wanted = _both(4, np.array([1.0, 0.0, -2.0]), first=2)
    assert got[:, 0].mean() == pytest.approx(wanted[:, 0].mean(), abs=4 * 0.8 * 2 / np.sqrt(DRAWS) * np.sqrt(2))
    assert stats.ks_2samp(got[:, 1], wanted[:, 1]).pvalue > 1e-4


def test_no_rows_no_draw():
    rng, same = np.random.default_rng(1), np.random.default_rng(1)
    assert normal_rows(rng, 0, 3.0, 1.0, np.zeros((1, 1)), 0, 0, 0) == (0.0, 0.0)
    assert binary_rows(rng, 0, 0.5) == (0.0, 0.0)
    assert rng.random() == same.random()


def test_binary_rows_are_binomial():
    rng = np.random.default_rng(4)
    hits = np.array([binary_rows(rng, 30, 0.2)[0] for _ in range(DRAWS)])
    expected = DRAWS * stats.binom.pmf(np.arange(31), 30, 0.2)
    usual = expected > 5
    seen = np.bincount(hits.astype(int), minlength=31)
    assert stats.chisquare(seen[usual], expected[usual] / expected[usual].sum() * seen[usual].sum()).pvalue > 1e-4
    assert binary_rows(rng, 30, 0.0) == (0.0, 0.0)
    assert binary_rows(rng, 30, 1.0) == (30.0, 30.0)


def test_shared_raters_are_the_same_in_every_arm():
    out = np.zeros((3, 4))
    draw_severity(np.random.default_rng(1), 0.5, 4, True, out)
    assert np.all(out == out[0])
    draw_severity(np.random.default_rng(1), 0.5, 4, False, out)
    assert len(np.unique(out)) == 12
