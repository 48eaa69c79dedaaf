"""Agreement coefficients against another package and published tables."""

import numpy as np
import pytest

from expsim_panel.rating_agreement import agreement_of, kappas, krippendorff, pile_up
from expsim_panel.ratings import parse_ratings


@pytest.mark.parametrize("metric", ["nominal", "ordinal", "interval"])
@pytest.mark.parametrize("seed", range(4))
def test_alpha_with_missing_ratings_is_that_of_another_package(metric, seed):
    other = pytest.importorskip("krippendorff")
    rng = np.random.default_rng(seed)
    table = np.clip(rng.normal(3, 1, 40) + rng.normal(0, 0.8, (5, 40)), 1, 5).round()
    table[rng.random(table.shape) < 0.35] = np.nan
    rater, item = np.nonzero(np.isfinite(table))
    ours = krippendorff(table[rater, item], item, metric)
    theirs = other.alpha(reliability_data=table, level_of_measurement=metric)
    assert ours == pytest.approx(theirs, rel=1e-9)


def test_alpha_of_krippendorffs_own_example():
    """Krippendorff (2011), example C: four observers, missing data."""
    rows = [
        "1 2 3 3 2 1 4 1 2 . . .",
        "1 2 3 3 2 2 4 1 2 5 . 3",
        ". 3 3 3 2 3 4 2 2 5 1 .",
        "1 2 3 3 2 4 4 1 2 5 1 .",
    ]
    cells = [(k, float(x)) for row in rows for k, x in enumerate(row.split()) if x != "."]
    item, score = np.array([k for k, _ in cells]), np.array([x for _, x in cells])
    for metric, want in (("nominal", 0.743), ("ordinal", 0.815), ("interval", 0.849)):
        assert krippendorff(score, item, metric) == pytest.approx(want, abs=6e-4)


# cohen_kappa_score of scikit-learn 1.9.1: unweighted, linear, quadratic
SKLEARN = [
    ([[9, 1, 0], [3, 4, 6], [3, 3, 11]], (0.3945127719962157, 0.4871794871794871, 0.5711835334476844)),
    (
        [[7, 1, 1, 0, 0], [4, 5, 1, 2, 0], [3, 1, 7, 1, 5], [0, 3, 1, 3, 4], [0, 0, 3, 1, 7]],
        (0.35416666666666663, 0.5013850415512466, 0.6581909128803669),
    ),
]


@pytest.mark.parametrize(("table", "want"), SKLEARN)
def test_kappas_are_those_of_scikit_learn(table, want):
    np.testing.assert_allclose(kappas(np.array(table, float), np.arange(len(table)) * 1.0), want, rtol=1e-12)


def test_undefined_coefficients_have_a_reason():
    text = b"item,rater,score,variant\np,a,1,A\nq,a,2,B\n"
    found = agreement_of(parse_ratings(text, "one.csv"))
    assert found.alpha_interval is None
    assert found.kappa is None
    assert found.reasons["pairs"] == "there is one rater"
    assert krippendorff(np.ones(4), np.array([0, 0, 1, 1]), "nominal") is None


def test_pile_up_by_hand():
    found = pile_up(np.array([1.0, 1.0, 2.0, 5.0]))
    assert (found.values, found.commonest, found.share, found.top, found.bottom) == (3, 1.0, 0.5, 0.25, 0.5)
    assert found.effective == pytest.approx(1 / (0.25 + 2 / 16))
