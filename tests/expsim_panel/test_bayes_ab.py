"""Bayesian answers against quadrature and draws, type S and M against Monte Carlo, corrections by simulation."""

import math

import numpy as np
import pytest
from scipy import integrate, stats

from expsim_panel.bayes_ab import beta_rates, normal_effect, normal_means
from expsim_panel.errors import InputError
from expsim_panel.type_s_m import correct_for_selection, type_s_m


@pytest.mark.parametrize(
    ("estimate", "se", "m0", "s0"), [(0.4, 0.13, 0.0, 0.1), (-0.2, 0.5, 0.3, 2.0), (0.1, 0.1, 0, math.inf)]
)
def test_normal_posterior_by_quadrature(estimate: float, se: float, m0: float, s0: float) -> None:
    def density(d: float) -> float:
        return float(stats.norm.pdf(estimate, d, se) * (1.0 if math.isinf(s0) else stats.norm.pdf(d, m0, s0)))

    ends = estimate - 12 * se, estimate + 12 * se
    total = integrate.quad(density, *ends, limit=200)[0]
    found = normal_effect(estimate, se, m0, s0)
    win = integrate.quad(density, 0, ends[1], limit=200)[0] / total
    loss = integrate.quad(lambda d: -d * density(d), ends[0], 0, limit=200)[0] / total
    mean = integrate.quad(lambda d: d * density(d), *ends, limit=200)[0] / total
    assert (found.chance_to_win, found.risk_choose_b, found.mean) == pytest.approx((win, loss, mean), abs=1e-8)
    assert found.risk_choose_a - found.risk_choose_b == pytest.approx(found.mean, abs=1e-12)
    inside = integrate.quad(density, found.low, found.high, limit=200)[0] / total
    assert inside == pytest.approx(0.95, abs=1e-8)


def test_relative_effect_is_the_delta_method() -> None:
    found = normal_means(10, 2, 500, 10.4, 2.2, 520, relative=True)
    rng = np.random.default_rng(3)
    a, b = rng.normal(10, 2 / math.sqrt(500), 400_000), rng.normal(10.4, 2.2 / math.sqrt(520), 400_000)
    assert found.mean == pytest.approx(0.04)
    assert found.sd == pytest.approx(np.std(b / a - 1), rel=0.01)


@pytest.mark.parametrize(
    ("data", "prior"),
    [
        ((49, 100, 51, 100), (1, 1)),
        ((0, 3, 2, 5), (0.5, 0.5)),
        ((9000, 100_000, 9200, 100_000), (1.5, 7.3)),
        ((0, 0, 1, 1), (1, 1)),
    ],
)
def test_rates_by_double_quadrature(data, prior) -> None:
    k0, n0, k1, n1 = data
    a, b = stats.beta(prior[0] + k0, prior[1] + n0 - k0), stats.beta(prior[0] + k1, prior[1] + n1 - k1)
    found = beta_rates(*data, prior=prior)
    # Substituting quantiles of the control leaves a smooth integrand on (0, 1).
    win = integrate.quad(lambda q: b.sf(a.ppf(q)), 0, 1, limit=400, epsabs=1e-10)[0]
    assert found.chance_to_win == pytest.approx(win, abs=1e-7)
    assert found.mean == pytest.approx(b.mean() - a.mean(), abs=1e-12)
    assert found.sd == pytest.approx(math.hypot(a.std(), b.std()), abs=1e-12)
    assert found.risk_choose_a - found.risk_choose_b == pytest.approx(found.mean, abs=1e-9)
    if n0 == 100:
        # E[max(B - A, 0)] is the area between the distribution functions, weighted: int F_A (1 - F_B).
        gain = integrate.quad(lambda x: a.cdf(x) * b.sf(x), 0, 1, limit=200, epsabs=1e-12)[0]
        assert found.risk_choose_a == pytest.approx(gain, abs=1e-9)
    low = integrate.quad(lambda q: b.cdf(a.ppf(q) + found.low), 0, 1, limit=400, epsabs=1e-10)[0]
    assert low == pytest.approx(0.025, abs=1e-6)


def test_rates_swap() -> None:
    one, other = beta_rates(20, 90, 31, 100), beta_rates(31, 100, 20, 90)
    assert one.chance_to_win + other.chance_to_win == pytest.approx(1, abs=1e-11)
    assert (one.risk_choose_a, one.low) == pytest.approx((other.risk_choose_b, -other.high), abs=1e-9)


@pytest.mark.parametrize(
    ("effect", "se", "sides", "df"),
    [(1, 3.28, 2, math.inf), (0.5, 0.5, 1, math.inf), (-0.4, 0.3, 2, 12), (0.3, 0.3, 1, 5)],
)
def test_type_s_m_against_draws(effect: float, se: float, sides: int, df: float) -> None:
    rng, runs = np.random.default_rng(19), 1_000_000
    law = stats.norm() if math.isinf(df) else stats.t(df)
    noise = rng.standard_normal(runs) if math.isinf(df) else rng.standard_t(df, runs)
    estimate = effect + se * noise
    critical = law.isf(0.05 / sides) * se
    chosen = np.abs(estimate) > critical if sides == 2 else estimate > critical
    found = type_s_m(effect, se, sides=sides, df=df)
    size = chosen.sum()
    assert found.power == pytest.approx(chosen.mean(), abs=4 * math.sqrt(0.25 / runs))
    wrong = np.sign(estimate[chosen]) != np.sign(effect)
    assert found.type_s == pytest.approx(wrong.mean(), abs=4 * math.sqrt(0.25 / size))
    magnitude = np.abs(estimate[chosen]) / abs(effect)
    assert found.type_m == pytest.approx(magnitude.mean(), abs=4 * magnitude.std() / math.sqrt(size))
    assert found.bias == pytest.approx(
        estimate[chosen].mean() - effect, abs=4 * estimate[chosen].std() / math.sqrt(size)
    )


def test_no_effect_has_a_coins_sign() -> None:
    found = type_s_m(0.0, 1.0)
    assert (found.power, found.type_s, found.type_m) == (pytest.approx(0.05), pytest.approx(0.5), None)


@pytest.mark.parametrize("truth", [0.0, 0.8, 1.5, 3.0])
def test_conditional_interval_covers_among_the_significant(truth: float) -> None:
    """The naive interval does not: that is the winner's curse."""
    rng = np.random.default_rng(23)
    z = truth + rng.standard_normal(40_000)
    chosen = z[np.abs(z) > 1.96][:1200]
    made = [correct_for_selection(float(one), 1.0, alpha=2 * stats.norm.sf(1.96)) for one in chosen]
    covered = np.mean([one.low <= truth <= one.high for one in made])
    assert abs(covered - 0.95) <= 3.5 * math.sqrt(0.95 * 0.05 / chosen.size)
    naive = np.mean(np.abs(chosen - truth) <= 1.96)
    assert naive < 0.9 or truth > 1.0
    assert all(abs(one.conditional) <= abs(one.naive) for one in made)
    corrected = abs(np.mean([one.conditional for one in made]) - truth)
    assert corrected < abs(chosen.mean() - truth) or truth in (0.0, 3.0)


def test_shrinkage_removes_the_curse_on_average() -> None:
    rng, prior_sd, se = np.random.default_rng(29), 0.5, 0.4
    truth = rng.normal(0.1, prior_sd, 400_000)
    estimate = truth + se * rng.standard_normal(truth.size)
    chosen = estimate > 1.96 * se
    shrunk = [
        correct_for_selection(float(e), se, prior_mean=0.1, prior_sd=prior_sd).shrunk for e in estimate[chosen][:3]
    ]
    share = prior_sd**2 / (prior_sd**2 + se**2)
    np.testing.assert_allclose(shrunk, share * estimate[chosen][:3] + (1 - share) * 0.1)
    gap = (share * estimate[chosen] + (1 - share) * 0.1) - truth[chosen]
    assert abs(gap.mean()) <= 4 * gap.std() / math.sqrt(chosen.sum())
    assert (estimate - truth)[chosen].mean() > 0.1


@pytest.mark.parametrize("call", [
    lambda: normal_effect(0.1, 0.0), lambda: normal_effect(0.1, 1.0, prior_sd=0.0), lambda: normal_effect(math.nan, 1.0),
    lambda: normal_means(0, 1, 5, 1, 1, 5, relative=True), lambda: beta_rates(5, 4, 1, 2), lambda: beta_rates(1, 4, 1, 2, prior=(0, 1)),
    lambda: type_s_m(1, 0), lambda: type_s_m(1, 1, df=1), lambda: correct_for_selection(1.0, 1.0), lambda: beta_rates(1, 2, 1, 2, level=1.5),
])  # fmt: skip
def test_wrong_input_is_one_line(call) -> None:
    with pytest.raises(InputError) as caught:
        call()
    assert "\n" not in str(caught.value)
