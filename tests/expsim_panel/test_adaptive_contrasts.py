"""Adaptively weighted estimates against the paper's formulas written down again, and contrasts by simulation."""

import numpy as np
import pytest

from expsim_panel.adaptive_contrasts import contrast, recommendation
from expsim_panel.adaptive_inference import METHODS, covariances, coverage, estimates
from expsim_panel.errors import InputError

DECAY = 0.7


def logged(seed, size=60, means=(0.4, 0.6, 0.5)):
    """A made-up log: propensities that wander, floored at t^-0.7 / K."""
    rng = np.random.default_rng(seed)
    k = len(means)
    raw = rng.dirichlet(np.ones(k), size)
    f = (np.arange(1, size + 1.0) ** -DECAY / k)[:, None]
    e = f + (1 - k * f) * raw
    arms = np.array([rng.choice(k, p=row) for row in e])
    return arms, (rng.random(size) < np.array(means)[arms]).astype(float), e


def oracle(arms, rewards, e, method):
    """Hadad et al. (2021): scores (5); h_t^2 / e_t = (1 - sum of earlier h_s^2 / e_s) lambda_t; estimate (6), variance (8).

    lambda_t = 1 / (T - t + 1) for a constant allocation rate (equivalent to sqrt(e)); the two-point rate takes e_t of
    it and 1 - e_t of ``t^-a / (t^-a + (T^(1-a) - t^(1-a)) / (1 - a))``.
    """
    T, k = e.shape
    means, terms = np.zeros(k), np.zeros((k, T))
    for w in range(k):
        score, h, used = np.zeros(T), np.zeros(T), 0.0
        for i in range(T):
            past = rewards[:i][arms[:i] == w]
            m = past.mean() if past.size else 0.0
            hit = float(arms[i] == w)
            score[i] = m + hit / e[i, w] * (rewards[i] - m)
            t = i + 1
            if method == "ipw":
                score[i] = hit / e[i, w] * rewards[i]
            if method in ("ipw", "aipw_uniform"):
                h[i] = 1.0
                continue
            good = 1 / (T - t + 1)
            bad = t**-DECAY / (t**-DECAY + (T ** (1 - DECAY) - t ** (1 - DECAY)) / (1 - DECAY))
            lam = good if method == "aipw_sqrt_e" else e[i, w] * good + (1 - e[i, w]) * bad
            if t == T:
                lam = 1.0
            h[i] = np.sqrt(e[i, w] * (1 - used) * lam)
            used += h[i] ** 2 / e[i, w]
        if method.startswith("aipw_s") or method == "aipw_twopoint":
            # Variance stabilisation, their condition (9).
            assert np.sum(h**2 / e[:, w]) == pytest.approx(1.0)
        means[w] = h @ score / h.sum()
        terms[w] = h * (score - means[w]) / h.sum()
    return means, terms @ terms.T


@pytest.mark.parametrize("method", METHODS[1:])
def test_estimates_and_covariances_are_the_papers(method):
    for seed in range(4):
        arms, rewards, e = logged(seed)
        means, cross = oracle(arms, rewards, e, method)
        row = METHODS.index(method)
        found = estimates(arms, rewards, e)[row]
        np.testing.assert_allclose(found[:, 0], means, rtol=1e-10)
        np.testing.assert_allclose(found[:, 1], np.diag(cross), rtol=1e-9)
        np.testing.assert_allclose(covariances(arms, rewards, e)[row], cross, rtol=1e-8, atol=1e-14)
        one = contrast(arms, rewards, e, 2, 0, method=method)
        assert one.estimate == pytest.approx(means[2] - means[0])
        assert one.se == pytest.approx(np.sqrt(cross[2, 2] + cross[0, 0] - 2 * cross[2, 0]))
        assert one.se_independent == pytest.approx(np.sqrt(cross[2, 2] + cross[0, 0]))


def test_the_bad_case_is_the_tail_sum_of_its_floor():
    """The rate 1 / sum of (s / t)^-a over s >= t, by which the paper's integral stands for the sum."""
    T = 5000
    for t in (10, 500, 4000):
        total = np.sum((np.arange(t, T + 1) / t) ** -DECAY)
        rate = t**-DECAY / (t**-DECAY + (T ** (1 - DECAY) - t ** (1 - DECAY)) / (1 - DECAY))
        assert rate == pytest.approx(1 / total, rel=0.05)


def test_sample_means_have_no_covariance():
    arms, rewards, e = logged(1)
    cross = covariances(arms, rewards, e)[0]
    np.testing.assert_array_equal(cross, np.diag(np.diag(cross)))
    assert cross[1, 1] == pytest.approx(rewards[arms == 1].var(ddof=1) / np.sum(arms == 1))


@pytest.mark.parametrize("means", [(0.5, 0.5), (0.5, 0.55), (0.62, 0.65, 0.68)])
def test_contrasts_cover_and_the_naive_difference_does_not_always(means):
    found = coverage(means, replicates=2000, seed=11)
    assert np.all(np.abs(found.contrast_coverage[3:] - 0.9) <= 0.03)
    # Weighted differences are unbiased but for the weights' dependence on the past, a second-order effect.
    assert np.all(np.abs(found.contrast_bias[2]) <= 4 * found.contrast_bias_se[2])
    np.testing.assert_allclose(found.recommended.sum(axis=1), 1.0)


def test_the_naive_difference_is_biased_towards_the_loser_looking_worse():
    found = coverage((0.5, 0.6), replicates=2000, seed=11)
    assert found.contrast_bias[0, 0] > 8 * found.contrast_bias_se[0, 0]


def test_recommendation():
    rng = np.random.default_rng(4)
    size = 3000
    e = np.full((size, 2), 0.5)
    arms = rng.integers(0, 2, size)
    good = (rng.random(size) < np.where(arms == 1, 0.7, 0.5)).astype(float)
    found = recommendation(arms, good, e)
    assert (found.action, found.arm) == ("launch", 1)
    assert found.contrasts[0].interval[0] > 0
    assert recommendation(arms, 1 - good, e).action == "keep"
    same = (rng.random(size) < 0.5).astype(float)
    assert recommendation(arms, same, e).action == "collect"


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"method": "sample_mean"}, "not valid after adaptive allocation"),
        ({"control": 5}, "count arms from 0"),
        ({"propensities": [[0.5, 0.5]] * 19 + [[0.999, 0.001]]}, "below t"),
        ({"alpha": 2.0}, "alpha"),
    ],
)
def test_wrong_recommendations_get_one_line(change, words):
    asked = {"arms": [0, 1] * 10, "rewards": [1.0, 0.0] * 10, "propensities": [[0.5, 0.5]] * 20, **change}
    with pytest.raises(InputError, match=words) as caught:
        recommendation(**asked)
    assert "\n" not in str(caught.value)
    with pytest.raises(InputError, match="against itself"):
        contrast([0, 1], [1.0, 0.0], [[0.5, 0.5]] * 2, 1, 1)
