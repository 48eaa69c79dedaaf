"""Ratio metrics, CUPED, design effect, sample-ratio check, rates: against SciPy, draws and closed forms."""

import math

import numpy as np
import pytest
from scipy import stats

from expsim_panel.anova import cohen_f, power_anova, units_for_anova
from expsim_panel.cuped import cuped_adjusted, cuped_variance_ratio, multiple_correlation
from expsim_panel.design_effect import (
    cluster_size_variation,
    design_effect,
    effective_sample_size,
    type1_error_at_wrong_unit,
)
from expsim_panel.effect_sizes import cohen_d, cohen_h, hedges_g, rate_at_h
from expsim_panel.errors import InputError
from expsim_panel.proportions import rate_difference_interval, rate_interval, trials_without_event, zero_events_bound
from expsim_panel.ratio_metrics import compare, linearised, ratio_variance
from expsim_panel.srm import sample_ratio_check, sequential_sample_ratio


def test_a_mean_is_scipys_t_test() -> None:
    rng = np.random.default_rng(31)
    a, b = rng.gamma(2, 3, 70), rng.gamma(2.3, 3, 90)
    for equal in (False, True):
        ours, theirs = compare(a, b, equal_variances=equal), stats.ttest_ind(b, a, equal_var=equal)
        interval = theirs.confidence_interval(0.95)
        expected = (theirs.pvalue, theirs.df, interval.low, interval.high)
        assert (ours.p_value, ours.df, ours.low, ours.high) == pytest.approx(expected, rel=1e-10)
    normal = compare(a, b, use_t=False)
    assert normal.p_value == pytest.approx(2 * stats.norm.sf(abs(normal.effect) / normal.se), rel=1e-12)


def test_ratio_keeps_its_level_where_sessions_are_clustered() -> None:
    """Users differ in their click rate: the delta method is right, counting sessions as independent is not."""
    rng, runs, n = np.random.default_rng(37), 2500, 300
    delta = naive = 0
    for _ in range(runs):
        arms = []
        for _arm in range(2):
            rate = rng.beta(2, 6, n)
            sessions = 1 + rng.poisson(6 * (1 + 2 * (rate > 0.3)), n)
            arms.append((rng.binomial(sessions, rate), sessions))
        (c0, s0), (c1, s1) = arms
        delta += compare(c0, c1, s0, s1).p_value < 0.05
        p0, p1, both = c0.sum() / s0.sum(), c1.sum() / s1.sum(), (c0.sum() + c1.sum()) / (s0.sum() + s1.sum())
        naive += abs(p1 - p0) > 1.96 * math.sqrt(both * (1 - both) * (1 / s0.sum() + 1 / s1.sum()))
    assert abs(delta / runs - 0.05) <= 4 * math.sqrt(0.05 * 0.95 / runs)
    assert naive / runs > 0.15


def test_moments_give_the_variance_of_the_units() -> None:
    rng = np.random.default_rng(41)
    s = 1 + rng.poisson(3, 400).astype(float)
    c = rng.binomial(s.astype(int), 0.4).astype(float)
    moments = np.cov(c, s)
    made = ratio_variance(c.mean(), s.mean(), moments[0, 0], moments[1, 1], moments[0, 1])
    assert made == pytest.approx(linearised(c, s).var(ddof=1), rel=1e-12)


def test_cuped_removes_what_the_covariate_explains() -> None:
    rng = np.random.default_rng(43)
    before = rng.normal(0, 1, (5000, 2))
    y = before @ [0.8, -0.3] + rng.normal(0, 1, 5000)
    adjusted = cuped_adjusted(y, before)
    assert adjusted.mean() == pytest.approx(y.mean(), abs=1e-12)
    r = multiple_correlation(y, before)
    assert np.var(adjusted) / np.var(y) == pytest.approx(cuped_variance_ratio(r), abs=1e-12)
    one = multiple_correlation(y, before[:, 0])
    assert one == pytest.approx(abs(np.corrcoef(y, before[:, 0])[0, 1]), abs=1e-12)
    plain = compare(y[:2500], y[2500:])
    with_it = compare(
        y[:2500], y[2500:], covariate_control=(before[:2500, 0], None), covariate_treatment=(before[2500:, 0], None)
    )
    assert (with_it.se / plain.se) ** 2 == pytest.approx(1 - one**2, rel=0.02)


def test_design_effect_is_the_variance_of_clustered_means() -> None:
    rng = np.random.default_rng(47)
    sizes = np.tile([2, 4, 12], 20)
    mean, cv = cluster_size_variation(sizes.tolist())
    assert (mean, cv) == pytest.approx((6.0, np.std([2, 4, 12]) / 6))
    icc, runs = 0.3, 20_000
    cluster = np.repeat(np.arange(60), sizes)
    u = rng.normal(0, math.sqrt(icc), (runs, 60))[:, cluster] + rng.normal(0, math.sqrt(1 - icc), (runs, cluster.size))
    ratio = u.mean(axis=1).var() * cluster.size
    deff = design_effect(mean, icc, cv)
    assert ratio == pytest.approx(deff, rel=4 * math.sqrt(2 / runs))
    assert effective_sample_size(cluster.size, mean, icc, cv) == pytest.approx(cluster.size / deff)
    z = u.mean(axis=1) * math.sqrt(cluster.size)
    wrong = np.mean(np.abs(z) > 1.959964)
    claimed = type1_error_at_wrong_unit(deff)
    assert abs(wrong - claimed) <= 4 * math.sqrt(claimed * (1 - claimed) / runs)


def test_wrong_unit_of_the_specification() -> None:
    # ICC 0.3, 14 returning days treated as new units: 0.374 (MODEL section 1), there by simulation.
    assert type1_error_at_wrong_unit(design_effect(14, 0.3)) == pytest.approx(0.374, abs=0.01)


def test_sample_ratio_is_scipys_chi_square() -> None:
    counts, shares = [3300, 1610, 5290], [2, 1, 3]
    theirs = stats.chisquare(counts, np.array(shares) / 6 * sum(counts))
    ours = sample_ratio_check(counts, shares)
    assert (ours.p_value, ours.chi_square, ours.df) == pytest.approx((theirs.pvalue, theirs.statistic, 2), rel=1e-12)
    assert ours.mismatch
    assert not sample_ratio_check(counts, shares, threshold=1e-4).mismatch
    assert sample_ratio_check([5000, 5400]).mismatch


def test_sequential_sample_ratio_may_be_peeked_at() -> None:
    rng, runs = np.random.default_rng(53), 1500
    alarms = 0
    for _ in range(runs):
        counts = np.cumsum(rng.multinomial(100, [0.5, 0.5], 60), axis=0)
        alarms += any(sequential_sample_ratio(c.tolist(), None, 1000.0) < 0.05 for c in counts)
    assert alarms / runs <= 0.05
    assert sequential_sample_ratio([4500, 5500]) < 1e-6


@pytest.mark.parametrize(("k", "n"), [(45, 500), (0, 30), (30, 30), (1, 7)])
def test_intervals_of_rates_against_scipy(k: int, n: int) -> None:
    made = stats.binomtest(k, n)
    for ours, theirs in (("wilson", "wilson"), ("clopper-pearson", "exact")):
        expected = made.proportion_ci(0.9, theirs)
        assert rate_interval(k, n, 0.1, ours) == pytest.approx((expected.low, expected.high), abs=1e-9)
    low, high = rate_interval(k, n, 0.1, "jeffreys")
    assert (low, high) == pytest.approx(stats.beta(k + 0.5, n - k + 0.5).interval(0.9), abs=1e-9)
    assert rate_interval(k, n, method="beta") == rate_interval(k, n, method="clopper-pearson")


def test_newcombe_published() -> None:
    # Newcombe (1998), table II: 56/70 against 48/80, method 10: 0.0524 to 0.3339.
    assert rate_difference_interval(48, 80, 56, 70) == pytest.approx((0.0524, 0.3339), abs=5e-5)


def test_zero_events() -> None:
    exact, rule = zero_events_bound(300)
    assert rule == pytest.approx(3 / 300, rel=0.002)
    assert stats.binom.pmf(0, 300, exact) == pytest.approx(0.05, rel=1e-9)
    assert rate_interval(0, 300, 0.1, "exact")[1] == pytest.approx(exact, rel=1e-9)
    assert zero_events_bound(1)[1] == 1.0
    assert trials_without_event(exact) == pytest.approx(300, rel=1e-9)


def test_anova_and_effect_sizes() -> None:
    # Two groups: F is t squared, and f is half of d.
    d, n = 0.4, 120
    ours = power_anova(d / 2, n, 2)
    critical = stats.t.isf(0.025, n - 2)
    shift = d / math.sqrt(4 / n)
    assert ours == pytest.approx(stats.nct.sf(critical, n - 2, shift) + stats.nct.sf(critical, n - 2, -shift), abs=1e-9)
    assert power_anova(0.1, units_for_anova(0.1, 0.9, 5), 5) == pytest.approx(0.9, abs=1e-9)
    assert cohen_f([0, d], 1.0) == pytest.approx(d / 2)
    assert power_anova(0.0, 50, 3, 0.07) == 0.07
    assert rate_at_h(cohen_h(0.12, 0.1), 0.1) == pytest.approx(0.12, abs=1e-14)
    assert cohen_d(1, 2, 2) == 0.5
    assert hedges_g(1, 2, 2, 10, 12) == pytest.approx(0.5 * (1 - 3 / (4 * 20 - 1)), rel=1e-3)


@pytest.mark.parametrize("call", [
    lambda: compare([1, 2], [1]), lambda: compare([1, 1], [1, 1]), lambda: compare([1, 2], [1, 2], [0, 0], [1, 1]),
    lambda: compare([1, 2], [1, 3], covariate_control=([1, 2], None)), lambda: ratio_variance(1, 0, 1, 1, 0),
    lambda: ratio_variance(1, 1, 1, 1, 5), lambda: cuped_variance_ratio(1.1), lambda: cuped_adjusted([1.0, 2.0], [1.0]),
    lambda: design_effect(0.5, 0.1), lambda: design_effect(2, 1.5), lambda: design_effect(2, 0.5, -1),
    lambda: cluster_size_variation([]), lambda: sample_ratio_check([10]), lambda: sample_ratio_check([1, 2], [1]),
    lambda: sample_ratio_check([0, 0]), lambda: sequential_sample_ratio([1, 2], None, 0), lambda: rate_interval(5, 4),
    lambda: rate_interval(1, 4, method="willson"), lambda: zero_events_bound(0), lambda: trials_without_event(0),
    lambda: power_anova(0.1, 3, 3), lambda: power_anova(-1, 30, 3), lambda: power_anova(0.1, 30, 1), lambda: cohen_f([1], 1),
    lambda: cohen_h(1.2, 0.1), lambda: rate_at_h(4, 0.1), lambda: hedges_g(1, 1, 1, 1, 1), lambda: cohen_d(1, 0, 1),
])  # fmt: skip
def test_wrong_input_is_one_line(call) -> None:
    with pytest.raises(InputError) as caught:
        call()
    assert "\n" not in str(caught.value)
