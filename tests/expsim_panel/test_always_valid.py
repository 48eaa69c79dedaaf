"""Always-valid tests and sequences: closed forms against quadrature, and never too many false alarms."""

import math

import numpy as np
import pytest
from scipy import integrate, stats

from expsim_panel.always_valid import (
    always_valid_p_values,
    asymptotic_confidence_sequence,
    asymptotic_half_width,
    asymptotic_rho,
    msprt,
    msprt_bound,
)
from expsim_panel.bounded_means import betting_sequence, empirical_bernstein_sequence, hoeffding_sequence
from expsim_panel.errors import InputError
from expsim_panel.mixture_bounds import (
    bernoulli_confidence_sequence,
    beta_binomial_log,
    gamma_exponential_bound,
    gamma_exponential_log,
    gamma_poisson_log,
    mixture_precision,
    normal_mixture_bound,
    normal_mixture_log,
    poly_stitching_bound,
)


@pytest.mark.parametrize(("mean", "variance", "tau"), [(0.2, 0.01, 0.1), (-0.5, 0.3, 2.0), (0.0, 1.0, 0.01)])
def test_msprt_is_the_mixture_of_likelihood_ratios(mean: float, variance: float, tau: float) -> None:
    def integrand(effect: float) -> float:
        ratio = stats.norm.pdf(mean, effect, math.sqrt(variance)) / stats.norm.pdf(mean, 0, math.sqrt(variance))
        return float(ratio * stats.norm.pdf(effect, 0, tau))

    mixed = integrate.quad(integrand, -12 * tau, 12 * tau, epsabs=1e-13, limit=200)[0]
    found = msprt(mean, variance, tau)
    assert found.log_lambda == pytest.approx(math.log(mixed), abs=1e-9)
    edge = msprt(found.half_width, variance, tau)
    assert edge.p_value == pytest.approx(0.05, abs=1e-12)
    assert msprt_bound(variance, tau) == pytest.approx(found.half_width / math.sqrt(variance))


def test_mixtures_are_what_they_mix() -> None:
    """exp(lambda s - psi(lambda) v) mixed over the law of lambda, by quadrature."""
    s, v, v_opt = 10.0, 100.0, 60.0
    rho = mixture_precision(v_opt, 0.05, 2)
    made = integrate.quad(lambda x: math.exp(x * s - x * x * v / 2) * stats.norm.pdf(x, 0, rho**-0.5), -2, 2)[0]
    assert normal_mixture_log(s, v, v_opt) == pytest.approx(math.log(made), abs=1e-9)
    rho = mixture_precision(v_opt, 0.05, 1)
    made = integrate.quad(lambda x: math.exp(x * s - x * x * v / 2) * 2 * stats.norm.pdf(x, 0, rho**-0.5), 0, 2)[0]
    assert normal_mixture_log(s, v, v_opt, 1) == pytest.approx(math.log(made), abs=1e-9)
    # Sub-Poisson psi(x) = (e^{cx} - cx - 1) / c^2 under a gamma law of e^{cx}, cut to x > 0.
    c = 2.0
    own = rho / c**2

    def poisson(w: float) -> float:
        x = math.log(w) / c
        return math.exp(x * s - (w - c * x - 1) / c**2 * v) * stats.gamma.pdf(w, own, scale=1 / own)

    inside = integrate.quad(poisson, 1, 30, limit=200)[0] / stats.gamma.sf(1, own, scale=1 / own)
    assert gamma_poisson_log(s, v, v_opt, c) == pytest.approx(math.log(inside), abs=1e-8)
    # Sub-exponential psi(x) = (-log(1 - cx) - cx) / c^2 under a gamma law of 1 - cx, cut to x > 0.

    def exponential(w: float) -> float:
        x = (1 - w) / c
        return math.exp(x * s - (-math.log(w) - c * x) / c**2 * v) * stats.gamma.pdf(w, own, scale=1 / own)

    inside = integrate.quad(exponential, 0, 1, limit=200)[0] / stats.gamma.cdf(1, own, scale=1 / own)
    assert gamma_exponential_log(s, v, v_opt, c) == pytest.approx(math.log(inside), abs=1e-8)
    # Bernoulli likelihood ratio under a beta law, g = p and h = 1 - p.
    p, n, x = 0.3, 50, 21
    g, h, v = p, 1 - p, n * p * (1 - p)
    r = max(mixture_precision(20.0, 0.05, 2) - g * h, 1e-3 * g * h)
    made = integrate.quad(
        lambda q: (q / p) ** x * ((1 - q) / (1 - p)) ** (n - x) * stats.beta.pdf(q, r / h, r / g), 0, 1
    )[0]
    assert beta_binomial_log(x - n * p, v, 20.0, g, h) == pytest.approx(math.log(made), abs=1e-8)


def test_tuning_makes_the_bound_tightest_where_asked() -> None:
    here = normal_mixture_bound(100.0, 0.05, 100.0)
    assert all(here <= normal_mixture_bound(100.0, 0.05, other) for other in (50.0, 90.0, 110.0, 200.0))
    assert poly_stitching_bound(5.0, 0.05, 10.0) == poly_stitching_bound(10.0, 0.05, 10.0)


def test_a_peeker_at_every_unit_is_held_to_alpha() -> None:
    rng, runs, n = np.random.default_rng(7), 4000, 2000
    paths = np.cumsum(rng.standard_normal((runs, n)), axis=1)
    t = np.arange(1, n + 1)
    mixture = np.array([normal_mixture_bound(float(k), 0.05, 200.0) for k in t])
    sprt = np.array([msprt(0.0, 1 / k, 0.1).half_width * k for k in t])
    for bound in (mixture, sprt):
        ever = np.any(np.abs(paths) >= bound, axis=1).mean()
        assert ever <= 0.05 + 3 * math.sqrt(0.05 * 0.95 / runs)
        assert ever > 0.02  # a bound that never rejects would pass the first line
    fixed = np.any(np.abs(paths) >= 1.96 * np.sqrt(t), axis=1).mean()
    assert fixed > 0.4


@pytest.mark.parametrize("make", [hoeffding_sequence, empirical_bernstein_sequence, betting_sequence])
def test_bounded_sequences_cover_at_all_times(make) -> None:
    rng, runs, n = np.random.default_rng(11), 150, 300
    missed = 0
    for _ in range(runs):
        x = rng.beta(2, 5, n)
        low, high = make(x, 0.05) if make is not betting_sequence else make(x, 0.05, breaks=200)
        missed += bool(np.any((low > 2 / 7) | (high < 2 / 7)))
    assert missed <= runs * 0.05 + 3 * math.sqrt(runs * 0.05 * 0.95)


def test_bounded_sequences_know_their_range() -> None:
    rng = np.random.default_rng(12)
    x = rng.beta(20, 20, 500)
    widths = {}
    for make in (hoeffding_sequence, empirical_bernstein_sequence, betting_sequence):
        low, high = make(x)
        stretched = make(10 + 4 * x, low=10.0, high=14.0)
        np.testing.assert_allclose(stretched[0], 10 + 4 * low, atol=1e-10)
        np.testing.assert_allclose(stretched[1], 10 + 4 * high, atol=1e-10)
        running = make(x, running=True)
        assert np.all(np.diff(running[0]) >= 0)
        assert np.all(running[0] >= low)
        widths[make] = high[-1] - low[-1]
    # Outcomes that vary little: the ones that learn the variance are much shorter.
    assert widths[betting_sequence] < widths[empirical_bernstein_sequence] < 0.6 * widths[hoeffding_sequence]


def test_bernoulli_sequence_at_its_edges() -> None:
    assert bernoulli_confidence_sequence(0, 50, 0.05, 50)[0] == 0.0
    assert bernoulli_confidence_sequence(50, 50, 0.05, 50)[1] == 1.0
    low, high = bernoulli_confidence_sequence(30, 100)
    mirrored = bernoulli_confidence_sequence(70, 100)
    assert (1 - high, 1 - low) == pytest.approx(mirrored, abs=1e-10)


def test_asymptotic_sequence_inverts_its_test() -> None:
    rho = asymptotic_rho(1000.0)
    assert all(
        asymptotic_half_width(1000.0, 2.0, rho) <= asymptotic_half_width(1000.0, 2.0, r) for r in (0.8 * rho, 1.2 * rho)
    )
    for sides in (1, 2):
        for relative in (False, True):
            base = asymptotic_confidence_sequence(
                5.0, 2.0, 900, 5.3, 2.5, 700, relative=relative, sides=sides, tuning_n=800
            )
            assert base.low == pytest.approx(base.effect - base.half_width)
        wide = asymptotic_half_width(1600, 2.0, asymptotic_rho(800.0), 0.05, sides)
        shift = wide / math.sqrt(2.0) * math.sqrt(1600 * (2.0**2 / 900 + 2.5**2 / 700))
        edge = asymptotic_confidence_sequence(5.0, 2.0, 900, 5.0 + shift, 2.5, 700, sides=sides, tuning_n=800)
        assert edge.low == pytest.approx(0.0, abs=1e-12)
        # One side: the closed-form width is an upper bound of the inverted test's, so p is at most alpha.
        assert edge.p_value == pytest.approx(0.05, abs=1e-9) if sides == 2 else 0.04 < edge.p_value <= 0.05 + 1e-12


def test_running_p_values() -> None:
    assert always_valid_p_values([0.6, 0.2, 0.4, 1.7]) == [0.6, 0.2, 0.2, 0.2]


@pytest.mark.parametrize("call", [
    lambda: msprt(0.1, 0.0, 1.0), lambda: msprt(0.1, 1.0, -1.0), lambda: normal_mixture_bound(0.0),
    lambda: mixture_precision(1.0, 0.5, 1), lambda: poly_stitching_bound(1.0, s=1.0),
    lambda: gamma_exponential_bound(1.0, c=0.0), lambda: beta_binomial_log(1e6, 1.0, 1.0, 0.5, 0.5),
    lambda: bernoulli_confidence_sequence(5, 4), lambda: betting_sequence([0.5, 1.5]), lambda: hoeffding_sequence([]),
    lambda: empirical_bernstein_sequence([0.5], truncation=1.0), lambda: betting_sequence([0.5], breaks=1),
    lambda: asymptotic_confidence_sequence(0.0, 1, 10, 1, 1, 10, relative=True), lambda: always_valid_p_values([-1.0]),
])  # fmt: skip
def test_wrong_input_is_one_line(call) -> None:
    with pytest.raises(InputError) as caught:
        call()
    assert "\n" not in str(caught.value)
