"""Codes without gaps, distinct scores and ranks: what sorting gives."""

import numpy as np
import pytest
from scipy.stats import rankdata

from expsim_panel.rating_agreement import distinct, mid_ranks
from expsim_panel.recoding import SPARSE, coded_anew, counted


@pytest.mark.parametrize("top", [1, 7, 300, 100 * SPARSE])
def test_codes_are_those_of_sorting(top):
    codes = np.random.default_rng(top).integers(0, top, 100)
    kept, again = np.unique(codes, return_inverse=True)
    for size in (None, top, 3 * top):
        found = coded_anew(codes, size)
        assert np.array_equal(found[0], kept)
        assert np.array_equal(found[1], again)
        assert np.array_equal(counted(codes, size)[1], np.bincount(again))


def test_no_codes_are_none():
    kept, again = coded_anew(np.zeros(0, dtype=np.int64))
    assert not len(kept)
    assert not len(again)
    assert not len(counted(np.zeros(0, dtype=np.int64))[1])


@pytest.mark.parametrize("digits", [0, 1, 12])
def test_scores_and_ranks_are_those_of_sorting(digits):
    score = np.random.default_rng(digits).normal(0, 2, 500).round(digits)
    values, code = distinct(score)
    want = np.unique(score, return_inverse=True)
    assert np.array_equal(values, want[0])
    assert np.array_equal(code, want[1])
    assert np.array_equal(mid_ranks(score), rankdata(score))


@pytest.mark.parametrize("score", [[3.0, -7.0, 3.0], [1e9, 0.0, 1e9], [5e5, -5e5, 2.0], [0.5, 1.0, 2.0], []], ids=str)
def test_whole_scores_are_counted_and_others_hashed(score):
    values, code = distinct(np.array(score))
    want = np.unique(score, return_inverse=True)
    assert np.array_equal(values, want[0])
    assert np.array_equal(code, want[1])
    assert values.dtype == np.float64
    assert code.dtype == np.int64
