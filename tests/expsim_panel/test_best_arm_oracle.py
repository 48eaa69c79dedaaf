"""T*, w* and Lai-Robbins against a general optimiser, indices against a general root finder."""

import math

import numpy as np
import pytest
from scipy import optimize, special, stats

from expsim_panel.best_arm import identification, lai_robbins
from expsim_panel.errors import InputError
from expsim_panel.kernels.indices import beta_ppf, beta_ppf_from, kl_upper, kl_upper_from
from expsim_panel.kernels.requests import index
from expsim_panel.policy import Problem
from expsim_panel.policy_names import read_policy

pytestmark = pytest.mark.arithmetic


def kl(p, q, family="bernoulli", sd=1.0):
    if family == "gaussian":
        return (p - q) ** 2 / (2 * sd**2)
    return special.rel_entr(p, q) + special.rel_entr(1 - p, 1 - q)


def slow(means, family, sds):
    """Maximise the smallest cost over the simplex; the mean between two arms is searched for too."""
    arms, lead = len(means), int(np.argmax(means))
    others = [a for a in range(arms) if a != lead]

    def cost(w, a):
        def at(m):
            return w[lead] * kl(means[lead], m, family, sds[lead]) + w[a] * kl(means[a], m, family, sds[a])

        ends = (means[a], means[lead])
        return optimize.minimize_scalar(at, bounds=ends, method="bounded", options={"xatol": 1e-13}).fun

    start = np.full(arms, 1 / arms)
    scale = min(cost(start, a) for a in others)
    rules = [{"type": "ineq", "fun": lambda x, a=a: cost(x[:arms], a) / scale - x[arms]} for a in others]
    rules.append({"type": "eq", "fun": lambda x: x[:arms].sum() - 1})
    x = np.append(start, 1.0)
    for _ in range(2):
        bounds = [(1e-9, 1.0)] * arms + [(0.0, None)]
        x = optimize.minimize(
            lambda x: -x[arms], x, constraints=rules, bounds=bounds, method="SLSQP", options={"ftol": 1e-15}
        ).x
    return 1 / (x[arms] * scale), x[:arms]


@pytest.mark.parametrize(
    ("means", "family", "sds"),
    [
        ([0.1, 0.9], "bernoulli", None),
        ([0.9, 0.8, 0.8], "bernoulli", None),
        ([0.02, 0.05, 0.01], "bernoulli", None),
        ([0.0, 0.5, 0.3], "bernoulli", None),
        ([1.0, 0.9, 0.5], "bernoulli", None),
        ([0.62, 0.65, 0.68, 0.6, 0.55], "bernoulli", None),
        ([0.0, 0.2, 0.5, 1.0], "gaussian", None),
        ([1.0, 1.5, 1.4, -3.0], "gaussian", None),
        ([0.0, 0.2, 0.5, 1.0], "gaussian", [0.5, 1.0, 2.0, 1.5]),
        ([1.0, 0.3, 0.6, -1.0], "gaussian", [0.5, 1.0, 2.0, 1.5]),
    ],
)
def test_best_arm_sizes_are_those_of_a_general_optimiser(means, family, sds):
    found = identification(means, family, sds or 1.0)
    time, shares = slow(means, family, sds or [1.0] * len(means))
    assert found.time == pytest.approx(time, rel=1e-9)
    np.testing.assert_allclose(found.shares, shares, rtol=0, atol=1e-6)


def test_two_normal_arms_have_a_closed_form():
    """w is in proportion to the standard deviations, T* = 2 (sd_1 + sd_2)^2 / gap^2 (Kaufmann et al. 2016)."""
    found = identification([0.3, 1.0], "gaussian", [2.0, 0.5])
    assert found.time == pytest.approx(2 * 2.5**2 / 0.7**2, rel=1e-12)
    np.testing.assert_allclose(found.shares, [0.8, 0.2], rtol=0, atol=1e-9)


def test_lower_bound_with_a_deviation_for_each_arm():
    means, sds = [0.3, 1.0, 0.6], [2.0, 0.5, 1.0]
    assert lai_robbins(means, "gaussian", sds) == pytest.approx(2 * 4 / 0.7 + 2 / 0.4, rel=1e-12)
    assert lai_robbins(means, "gaussian", 2.0) == pytest.approx(4 * lai_robbins(means, "gaussian"), rel=1e-12)


@pytest.mark.parametrize("sds", [[1.0, 2.0], 0.0, [1.0, -1.0, 1.0], math.nan])
def test_wrong_deviations_are_one_line(sds):
    for call in (lai_robbins, identification):
        with pytest.raises(InputError, match="sd"):
            call([0.3, 1.0, 0.6], "gaussian", sds)


def test_indices_are_roots():
    """From an unrelated start too: a policy solves for an index from its last one."""
    rng = np.random.default_rng(2026)
    for _ in range(300):
        n, t = int(rng.integers(1, 2000)), float(rng.integers(2, 100_000))
        hits = int(rng.integers(0, n + 1))
        mean, level = hits / n, math.log(t) / n
        index = float(kl_upper(mean, level))
        if mean == 1.0:
            root = 1.0
        else:
            root = optimize.brentq(lambda q, p=mean, level=level: kl(p, q) - level, mean, 1 - 1e-16, xtol=1e-15)
        assert index == pytest.approx(root, abs=1e-9)
        entropy = -float(special.entr(mean) + special.entr(1 - mean))
        guess = float(rng.uniform(mean, 1.0))
        assert float(kl_upper_from(mean, level, entropy, guess)) == pytest.approx(root, abs=1e-9)
        quantile = stats.beta.ppf(1 - 1 / t, 1 + hits, 1 + n - hits)
        assert float(beta_ppf(1 - 1 / t, 1.0 + hits, 1.0 + n - hits)) == pytest.approx(quantile, abs=1e-9)
        guess = float(rng.uniform(0.0, 1.0))
        assert float(beta_ppf_from(1 - 1 / t, 1.0 + hits, 1.0 + n - hits, guess)) == pytest.approx(quantile, abs=1e-9)


def test_normal_indices_are_those_of_scipy():
    """Bayes-UCB's normal quantile and KL-UCB's root, as the kernels' policies compute them."""
    n, s, q, memory = np.array([7.0, 3.0]), np.array([2.0, 1.5]), np.zeros(2), np.zeros((2, 2))
    problem = Problem(2, 100, False)
    for t in (10, 57, 99):
        kl_ucb = index(read_policy("kl-ucb(c=1)").request(problem), 0, t, n, s, q, memory)
        level = math.log(t) + math.log(math.log(t))
        assert kl_ucb == pytest.approx(2 / 7 + math.sqrt(2 * level / 7), abs=1e-12)
        bayes = index(read_policy("bayes-ucb").request(problem), 0, t, n, s, q, memory)
        assert bayes == pytest.approx(stats.norm.isf(1 / t, 2 / 7, 1 / math.sqrt(7)), abs=1e-9)
