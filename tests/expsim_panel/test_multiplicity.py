"""Adjusted p-values against closed testing and SciPy; Dunnett against SciPy's own integral and tables."""

import itertools
import math

import numpy as np
import pytest
from scipy import stats

from expsim_panel.errors import InputError
from expsim_panel.multiplicity import (
    METHODS,
    adjusted_p_values,
    dunnett_critical,
    dunnett_error,
    dunnett_p_values,
    rejected,
)

RNG = np.random.default_rng(20261124)
SAMPLES = [RNG.uniform(0, 1, n) ** 2 for n in (1, 2, 3, 5, 6)] + [np.array([0.01, 0.01, 0.04]), np.array([0.0, 1.0])]


def closed(p: np.ndarray, local: str) -> np.ndarray:
    """Closed testing, the slow way: the largest local p-value over all subsets that hold the hypothesis."""
    found = np.zeros(p.size)
    for size in range(1, p.size + 1):
        for subset in itertools.combinations(range(p.size), size):
            ranked = np.sort(p[list(subset)])
            bonferroni = min(1.0, size * ranked[0])
            value = bonferroni if local == "bonferroni" else float(np.min(size * ranked / np.arange(1, size + 1)))
            found[list(subset)] = np.maximum(found[list(subset)], value)
    return found


@pytest.mark.parametrize("p", SAMPLES)
@pytest.mark.parametrize(("method", "local"), [("holm", "bonferroni"), ("hommel", "simes")])
def test_closed_testing_gives_holm_and_hommel(p: np.ndarray, method: str, local: str) -> None:
    np.testing.assert_allclose(adjusted_p_values(p, method), closed(p, local), atol=1e-14)


@pytest.mark.parametrize("p", SAMPLES)
@pytest.mark.parametrize("method", ["bh", "by"])
def test_false_discovery_rates_agree_with_scipy(p: np.ndarray, method: str) -> None:
    np.testing.assert_allclose(
        adjusted_p_values(p, method), stats.false_discovery_control(p, method=method), atol=1e-14
    )


def test_the_names_of_strategies_and_authors_are_those_of_the_procedures() -> None:
    for p in SAMPLES:
        for name, short in [("benjamini-hochberg", "bh"), ("FDR", "bh"), ("benjamini-yekutieli", "by")]:
            assert adjusted_p_values(p, name).tolist() == adjusted_p_values(p, short).tolist()
    # Once refused with the name of another procedure.
    assert adjusted_p_values([0.01, 0.03, 0.04], "benjamini-hochberg") == pytest.approx([0.03, 0.04, 0.04])
    with pytest.raises(InputError, match="did you mean 'benjamini-hochberg'"):
        adjusted_p_values([0.1], "benjamini-hochber")


def test_order_of_the_procedures() -> None:
    for p in SAMPLES:
        found = {method: adjusted_p_values(p, method) for method in METHODS}
        for better, worse in [("holm", "bonferroni"), ("hochberg", "holm"), ("hommel", "hochberg"), ("bh", "hommel"),
                              ("sidak", "bonferroni"), ("bh", "by")]:  # fmt: skip
            assert np.all(found[better] <= found[worse] + 1e-15), (better, worse)
        assert np.all(found["bonferroni"] <= 1)
    assert rejected([0.01, 0.03, 0.2], 0.05, "holm").tolist() == [True, False, False]
    assert rejected([0.01, 0.03, 0.2], 0.05, "fdr").tolist() == [True, True, False]


def correlation(allocation: list[float]) -> np.ndarray:
    rows = np.array(allocation)
    loading = np.sqrt(rows[1:] / (rows[1:] + rows[0]))
    made = np.outer(loading, loading)
    np.fill_diagonal(made, 1.0)
    return made


@pytest.mark.parametrize("allocation", [[1, 1, 1], [2, 1, 1, 1], [1, 2, 3, 0.5, 1]])
@pytest.mark.parametrize("critical", [0.5, 1.96, 2.6])
def test_dunnett_error_against_scipys_multivariate_normal(allocation: list[float], critical: float) -> None:
    k = len(allocation) - 1
    law = stats.multivariate_normal(cov=correlation(allocation), seed=3, maxpts=2_000_000, abseps=1e-7, releps=1e-7)
    one = 1 - law.cdf(np.full(k, critical))
    two = 1 - law.cdf(np.full(k, critical), lower_limit=np.full(k, -critical))
    assert dunnett_error(critical, k, 1, allocation) == pytest.approx(one, abs=2e-5)
    assert dunnett_error(critical, k, 2, allocation) == pytest.approx(two, abs=2e-5)


def test_dunnett_with_an_estimated_variance() -> None:
    # Dunnett (1964): 5 % two-sided, 3 treatments, 20 degrees of freedom: 2.54; 1955, one-sided, 2, 10: 2.15 (table 1a).
    assert dunnett_critical(3, 0.05, 2, df=20) == pytest.approx(2.54, abs=0.005)
    assert dunnett_critical(2, 0.05, 1, df=10) == pytest.approx(2.15, abs=0.005)
    assert dunnett_critical(1, 0.05, 2, df=7) == pytest.approx(stats.t.isf(0.025, 7), abs=1e-8)
    assert dunnett_critical(1, 0.05, 1) == pytest.approx(stats.norm.isf(0.05), abs=1e-9)
    for df in (3.0, 20.0, math.inf):
        critical = dunnett_critical(4, 0.03, 2, [2, 1, 1, 1, 1], df)
        assert dunnett_error(critical, 4, 2, [2, 1, 1, 1, 1], df) == pytest.approx(0.03, abs=1e-10)
    rng = np.random.default_rng(5)
    rows = [rng.normal(0.4 * arm, 1, 12) for arm in (0, 1, 2)]
    pooled = np.mean([r.var(ddof=1) for r in rows])
    z = [(rows[i].mean() - rows[0].mean()) / np.sqrt(pooled * 2 / 12) for i in (1, 2)]
    theirs = stats.dunnett(*rows[1:], control=rows[0], random_state=1).pvalue
    np.testing.assert_allclose(dunnett_p_values(z, df=33), theirs, atol=2e-4)


@pytest.mark.parametrize("call", [
    lambda: adjusted_p_values([0.1, 1.2]), lambda: adjusted_p_values([]), lambda: adjusted_p_values([0.1], "holmes"),
    lambda: dunnett_critical(0), lambda: dunnett_critical(2, allocation=[1, 1]), lambda: dunnett_error(2, 2, 3),
    lambda: dunnett_error(2, 2, 2, df=0), lambda: dunnett_critical(2, 0.0),
])  # fmt: skip
def test_wrong_input_is_one_line(call) -> None:
    with pytest.raises(InputError) as caught:
        call()
    assert "\n" not in str(caught.value)
