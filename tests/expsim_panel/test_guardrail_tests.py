"""The test of a guardrail against slow oracles, other packages and 200,000 simulated experiments."""

import numpy as np
import pytest
from scipy import optimize, special, stats

from expsim_panel.guardrail import Guardrail
from expsim_panel.guardrail_laws import chances, own_power, units_needed
from expsim_panel.guardrail_play import scaled_chi2
from expsim_panel.guardrail_tests import (
    FAIL,
    PASS,
    STUCK,
    UNKNOWN,
    Readings,
    classify,
    interval,
    restricted,
    standardised,
    t_quantile,
)
from expsim_panel.kernels.guardrails import classify_arms
from expsim_panel.kernels.quantiles import binomial_quantiles

pytestmark = pytest.mark.arithmetic

SIZE = 200_000


def rail(family="normal", means=(10.0, 10.0), threshold=1.0, **more):
    sd = {} if family == "binary" else {"sd": more.pop("sd", 4.0)}
    return Guardrail.from_tree(
        {"name": "g", "family": family, "means": list(means), "threshold": threshold, **sd, **more}, "test"
    )


def simulated(one, n0, na, mean0, mean, seed=3):
    """Draw experiments unit sum by unit sum with NumPy's own generators, and classify them."""
    rng = np.random.default_rng(seed)
    if one.binary:
        rates = np.stack([rng.binomial(n0, mean0, SIZE) / n0, rng.binomial(na, mean, SIZE) / na], axis=1)
        seen = Readings(np.broadcast_to([float(n0), float(na)], rates.shape), rates, rates)
    else:
        n = np.array([n0, na], float)
        means = np.array([mean0, mean]) + one.sd / np.sqrt(n) * rng.standard_normal((SIZE, 2))
        spread = one.sd**2 * rng.chisquare(n - 1, (SIZE, 2)) / (n - 1)
        seen = Readings(np.broadcast_to(n, means.shape), means, spread)
    found = classify(one.rule, seen)[:, 0]
    return float((found == PASS).mean()), float((found == FAIL).mean())


CASES = {
    "latency": (rail(means=(1700, 1760), sd=900, threshold=100, margin=80), 2000, 2000),
    "latency at the margin": (rail(means=(1700, 1780), sd=900, threshold=100, margin=80), 2000, 2000),
    "few, uneven, more is better": (rail(means=(10, 9.5), threshold=0.5, margin=0.3, direction="increase"), 60, 90),
    "revenue drops by a share": (
        rail(means=(10, 9.8), threshold=0.02, direction="increase", kind="relative"), 5000, 2500,
    ),
    "a share of nearly nothing": (rail(means=(10, 10), sd=100, threshold=1.0, kind="relative"), 60, 60),
    "tickets rise by a share": (rail(means=(10, 10.5), threshold=0.05, kind="relative"), 500, 500),
    "refusals": (rail("binary", (0.04, 0.045), 0.01, margin=0.008), 5000, 5000),
    "good answers": (rail("binary", (0.9, 0.88), 0.02, direction="increase"), 1000, 700),
    "relative rate": (rail("binary", (0.04, 0.044), 0.1, kind="relative"), 20_000, 20_000),
    "relative good rate": (
        rail("binary", (0.3, 0.28), 0.1, margin=0.05, direction="increase", kind="relative"), 4000, 2000,
    ),
    "rare": (rail("binary", (0.0005, 0.0005), 0.002), 1500, 1500),
    "rare, breached": (rail("binary", (0.0005, 0.0025), 0.002), 1500, 1500),
}  # fmt: skip


@pytest.mark.parametrize("name", CASES)
def test_exact_chances_agree_with_200_000_experiments(name):
    one, n0, na = CASES[name]
    means = [float(mean) for mean in one.means]
    edge = one.harmed(one.allowed)
    exact = (*chances(one, n0, na, *means), chances(one, n0, na, means[0], edge)[0])
    found = (*simulated(one, n0, na, *means), simulated(one, n0, na, means[0], edge, seed=4)[0])
    # 36 comparisons: 4 standard errors; at a chance of 0 or 1 that of three events in 200,000.
    for wanted, got in zip(exact, found, strict=True):
        p = min(max(wanted, 3 / SIZE), 1 - 3 / SIZE)
        assert got == pytest.approx(wanted, abs=4 * np.sqrt(p * (1 - p) / SIZE))


@pytest.mark.parametrize("kind", ["absolute", "relative"])
@pytest.mark.parametrize("direction", ["increase", "decrease"])
@pytest.mark.parametrize("n", [50, 3000])
def test_a_number_at_its_margin_passes_with_alpha(kind, direction, n):
    one = rail(threshold=0.05, kind=kind, direction=direction, alpha=0.025, sd=1.0)
    assert own_power(one, n, n, one.allowed) == pytest.approx(0.025, abs=2e-4)


def test_a_rate_at_its_margin_passes_with_alpha_give_or_take_the_lattice():
    for n in (200, 1000, 5000):
        one = rail("binary", (0.05, 0.05), 0.03)
        assert own_power(one, n, n, 0.03) == pytest.approx(0.05, abs=0.006)


@pytest.mark.parametrize("direction", ["increase", "decrease"])
@pytest.mark.parametrize("kind", ["absolute", "relative"])
def test_chances_of_rates_equal_the_sum_over_all_pairs_of_counts(kind, direction):
    one = rail("binary", (0.3, 0.35), 0.2, margin=0.15, kind=kind, direction=direction, alpha=0.1)
    n0, na = 40, 31
    counts = np.stack(np.meshgrid(np.arange(n0 + 1), np.arange(na + 1), indexing="ij"), axis=-1)
    rates = counts / np.array([n0, na])
    codes = classify(one.rule, Readings(np.broadcast_to([40.0, 31.0], rates.shape), rates, rates))[..., 0]
    mass = np.outer(stats.binom.pmf(np.arange(n0 + 1), n0, 0.3), stats.binom.pmf(np.arange(na + 1), na, 0.35))
    wanted = [mass[codes == code].sum() for code in (PASS, FAIL)]
    np.testing.assert_allclose(chances(one, n0, na, 0.3, 0.35), wanted, atol=1e-10)


@pytest.mark.parametrize("direction", ["increase", "decrease"])
@pytest.mark.parametrize(
    ("kind", "counts"),
    [(kind, ((13, 200), (19, 150))) for kind in ("absolute", "relative")]
    + [(kind, ((40, 60), (31, 70))) for kind in ("absolute", "relative")]
    # A share of nothing is never tested.
    + [("absolute", ((0, 80), (3, 90)))],
)
def test_restricted_rates_maximise_the_likelihood(kind, direction, counts):
    one = rail("binary", (0.3, 0.3), 0.1, kind=kind, direction=direction)
    (x0, n0), (xa, na) = counts

    def arm_at(p0):
        gap = one.sign * 0.1
        return p0 * (1 + gap) if kind == "relative" else p0 + gap

    def loss(p0):
        p = np.clip([p0, arm_at(p0)], 1e-12, 1 - 1e-12)
        return -(special.xlogy([x0, xa], p) + special.xlogy([n0 - x0, na - xa], 1 - p)).sum()

    low = max(0.0, -one.sign * 0.1) if kind == "absolute" else 0.0
    high = min(1.0, 1 - one.sign * 0.1) if kind == "absolute" else min(1.0, 1 / (1 + one.sign * 0.1))
    best = optimize.minimize_scalar(loss, bounds=(low, high), method="bounded", options={"xatol": 1e-10}).x
    p0, pa = restricted(one.rule, 0.1, np.array([n0]), np.array([na]), np.array([x0 / n0]), np.array([xa / na]))
    assert float(p0[0]) == pytest.approx(best, abs=2e-6)
    assert float(pa[0]) == pytest.approx(arm_at(best), abs=2e-6)


def test_numbers_are_tested_as_scipys_welch_test_does():
    rng = np.random.default_rng(5)
    a, b = rng.normal(10, 2, 40), rng.normal(10.4, 3, 25)
    one = rail(threshold=2.0, margin=1.5)
    seen = Readings(np.array([40.0, 25.0]), np.array([a.mean(), b.mean()]), np.array([a.var(ddof=1), b.var(ddof=1)]))
    z, quantile = standardised(one.rule, 1.5, seen)
    wanted = stats.ttest_ind(b - 1.5, a, equal_var=False, alternative="less")
    assert float(z[0]) == pytest.approx(wanted.statistic)
    assert float(quantile[0]) == pytest.approx(stats.t.ppf(0.95, wanted.df))
    low, high = interval(one.rule, seen)
    both = stats.ttest_ind(b, a, equal_var=False).confidence_interval(0.9)
    assert (low, high) == (pytest.approx(both.low), pytest.approx(both.high))


@pytest.mark.parametrize(
    ("change", "n", "code"),
    [
        (0.0, 5000, PASS),
        (1.2, 5000, FAIL),
        (0.0, 20, UNKNOWN),
        (1.2, 10, UNKNOWN),
        (0.9, 5000, STUCK),
        (0.0, 1, UNKNOWN),
    ],
)
def test_codes(change, n, code):
    one = rail(threshold=1.0, margin=0.8)
    seen = Readings(np.array([n, n], float), np.array([10, 10 + change]), np.array([16.0, 16.0]))
    assert classify(one.rule, seen).tolist() == [code]
    mirrored = rail(threshold=1.0, margin=0.8, direction="increase")
    seen = Readings(seen.n, np.array([10, 10 - change]), seen.variance)
    assert classify(mirrored.rule, seen).tolist() == [code]


@pytest.mark.parametrize("kind", ["absolute", "relative"])
@pytest.mark.parametrize("family", ["normal", "binary"])
def test_the_upper_bound_is_the_margin_at_which_it_just_passes(family, kind):
    seen = Readings(np.array([900.0, 700.0]), np.array([0.2, 0.21]), np.array([0.16, 0.166]))
    low, high = interval(rail(family, (0.2, 0.2), 0.3, kind=kind).rule, seen)
    assert low < (0.05 if kind == "relative" else 0.01) < high
    for margin, passes in ((high * 1.001, True), (high * 0.999, False)):
        one = rail(family, (0.2, 0.2), 0.3, margin=margin, kind=kind)
        assert (classify(one.rule, seen)[0] == PASS) is np.bool_(passes)


def test_no_bad_event_rules_out_three_in_n_and_not_much_less():
    # Control and variant without an event: the score test needs n M / (1 - M) > z^2 = 2.71; the rule says 3 / n.
    for n in (100.0, 1000.0):
        seen = Readings(np.array([n, n]), np.zeros(2), np.zeros(2))
        for margin, code in ((3.0 / n, PASS), (2.6 / n, UNKNOWN)):
            assert classify(rail("binary", (0.01, 0.01), margin).rule, seen).tolist() == [code]


def test_a_share_of_nothing_is_unknown():
    seen = Readings(np.array([500.0, 500.0]), np.array([0.0, 0.1]), np.array([0.0, 0.1]))
    assert classify(rail("binary", (0.1, 0.1), 0.2, kind="relative").rule, seen).tolist() == [UNKNOWN]
    seen = Readings(seen.n, np.array([-1.0, 1.0]), np.ones(2))
    assert classify(rail(threshold=0.2, kind="relative").rule, seen).tolist() == [UNKNOWN]


def test_units_needed_are_the_textbooks():
    one = rail(threshold=0.5, sd=4.0)
    wanted = 2 * 16 * (stats.norm.ppf(0.95) + stats.norm.ppf(0.8)) ** 2 / 0.25
    # Student's t asks for z^2 / 4 more than the normal law, and units are whole.
    assert wanted < units_needed(one) < wanted + 2
    found = units_needed(rail("binary", (0.02, 0.02), 0.005))
    assert own_power(rail("binary", (0.02, 0.02), 0.005), found, found) == pytest.approx(0.8, abs=0.01)
    # Half of the units measured: twice the units.
    assert units_needed(rail(threshold=0.5, sd=4.0, coverage=0.5)) == pytest.approx(2 * units_needed(one), abs=2)


def test_quantiles_of_t_and_of_the_spread():
    df = np.array([3.0, 40.0, 101.0, 1e4, 1e9])
    np.testing.assert_allclose(t_quantile(0.95, df), stats.t.ppf(0.95, df), rtol=2e-8)
    np.testing.assert_allclose(t_quantile(0.9999, df), stats.t.ppf(0.9999, df), rtol=2e-6)
    z = np.linspace(-4, 4, 81)
    for freedom in (2.0, 150.0, 201.0, 5000.0):
        wanted = stats.chi2.ppf(stats.norm.cdf(z), freedom) / freedom
        np.testing.assert_allclose(scaled_chi2(np.full(81, freedom), z), wanted, rtol=2e-3)


@pytest.mark.parametrize(("n", "p"), [(14_000, 0.05), (100, 0.001), (5000, 0.9), (1, 0.5), (10**9, 1e-6)])
def test_counts_are_scipys_quantiles_and_the_same_interpreted(n, p):
    z = np.random.default_rng(1).standard_normal((500, 2))
    size, counts, slow = np.full((500, 2), float(n)), np.empty((500, 2)), np.empty((500, 2))
    binomial_quantiles(size, np.array([p, 0.0]), z, counts)
    assert np.array_equal(counts[:, 0], stats.binom.ppf(special.ndtr(z[:, 0]), n, p))
    assert not counts[:, 1].any()
    getattr(binomial_quantiles, "py_func", binomial_quantiles)(size, np.array([p, 0.0]), z, slow)
    assert np.array_equal(counts, slow)


@pytest.mark.parametrize("kind", ["absolute", "relative"])
@pytest.mark.parametrize("direction", ["decrease", "increase"])
@pytest.mark.parametrize("family", ["normal", "binary"])
def test_the_loop_over_many_gives_the_results_of_few_and_the_same_interpreted(family, direction, kind):
    threshold = 0.1 if kind == "relative" else 0.02 if family == "binary" else 1.0
    means = (0.3, 0.3) if family == "binary" else (10.0, 10.0)
    one = rail(family, means, threshold, margin=0.8 * threshold, kind=kind, direction=direction)
    rng = np.random.default_rng(9)
    # From none to many units, from no harm to plenty, three arms, with zeros and ties among them.
    n = rng.integers(0, 40, (3000, 3)) ** rng.integers(1, 4, (3000, 1)).astype(float)
    hits = rng.binomial(n.astype(int), rng.uniform(0, 0.4, (3000, 1)))
    rates = hits / np.maximum(n, 1)
    mean = rates if one.binary else rng.normal(0.2, 1, (3000, 1)) * 10 + rng.normal(0, 1, (3000, 3))
    variance = rates if one.binary else rng.choice([0.0, 1.0, 16.0], (3000, 3))
    many = classify(one.rule, Readings(n, mean, variance))
    few = [classify(one.rule, Readings(n[i : i + 1], mean[i : i + 1], variance[i : i + 1])) for i in range(3000)]
    assert np.array_equal(many, np.concatenate(few))
    assert len(np.unique(many)) == 4
    law = one.binary, one.rule.sign, one.rule.relative, one.rule.threshold, one.rule.margin, one.rule.z
    codes, left = np.zeros((3000, 2), np.int8), np.zeros(3000, np.bool_)
    slow, slow_left = codes.copy(), left.copy()
    classify_arms(*law, n, mean, variance, codes, left)
    getattr(classify_arms, "py_func", classify_arms)(*law, n, mean, variance, slow, slow_left)
    assert np.array_equal(left, slow_left)
    assert np.array_equal(codes, slow)


def test_counts_by_a_table_and_one_by_one_are_scipys():
    rng = np.random.default_rng(4)
    z = rng.standard_normal((4000, 1))
    z[:4, 0] = (-7.0, 7.0, -5.0, 5.0)
    # Two sizes in tables, a thousand sizes with a few each, and sizes far apart.
    for n in (
        rng.choice([30.0, 5600.0], (4000, 1)),
        rng.integers(1, 1000, (4000, 1)) + 0.0,
        10.0 ** rng.integers(1, 9, (4000, 1)),
    ):
        counts = np.empty_like(n)
        binomial_quantiles(n, np.array([0.03]), z, counts)
        assert np.array_equal(counts, stats.binom.ppf(special.ndtr(z), n, 0.03))
