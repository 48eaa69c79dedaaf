"""The value of information against Monte Carlo of the decision it stands for, and published figures."""

import math

import numpy as np
import pytest

from expsim_panel.collecting import Source, Stakes, best_collection, collect_more
from expsim_panel.errors import InputError
from expsim_panel.pareto import Weights, best_probability, pareto_probability, utility
from expsim_panel.value_of_information import (
    Belief,
    best_test_size,
    expected_loss,
    judge_only_launch,
    largest_rate_without_events,
)

REPS = 400_000
BELIEFS = [Belief(0.0, 1.0), Belief(0.3, 0.5, 0.1), Belief(-0.2, 0.8, 0.3), Belief(1.0, 0.4)]


def played(belief, variance, seed):
    """Draw effects and estimates; return effect less launch cost, posterior mean less launch cost, estimate."""
    g = np.random.default_rng(seed)
    effect = belief.mean + belief.sd * g.standard_normal(REPS)
    seen = effect + math.sqrt(variance) * g.standard_normal(REPS)
    trust = belief.sd**2 / (belief.sd**2 + variance)
    return effect - belief.launch_cost, belief.mean + trust * (seen - belief.mean) - belief.launch_cost, seen


def near(values, exact, slack=4):
    assert abs(values.mean() - exact) <= slack * values.std() / math.sqrt(len(values))


@pytest.mark.parametrize("belief", BELIEFS)
@pytest.mark.parametrize("variance", [0.01, 0.3, 4.0])
def test_evsi_is_the_gain_of_deciding_by_the_posterior(belief, variance):
    gain, posterior, seen = played(belief, variance, 1)
    near(np.where(posterior > 0, gain, 0.0) - max(belief.gain, 0), belief.evsi(variance))
    threshold = 1.96 * math.sqrt(variance)
    near(np.where(seen > threshold, gain, 0.0) - max(belief.gain, 0), belief.realised(variance, threshold))
    assert belief.realised(variance, threshold) <= belief.evsi(variance) + 1e-12
    # The rule that launches where the posterior mean is positive is the Bayes decision.
    trust = belief.sd**2 / (belief.sd**2 + variance)
    bayes = belief.mean - belief.gain / trust
    assert belief.realised(variance, bayes) == pytest.approx(belief.evsi(variance), abs=1e-12)


@pytest.mark.parametrize("belief", BELIEFS)
def test_evpi_and_expected_loss(belief):
    gain, _, _ = played(belief, 1.0, 2)
    near(np.maximum(gain, 0) - max(belief.gain, 0), belief.evpi())
    assert belief.evsi(0.0) == pytest.approx(belief.evpi())
    assert belief.evsi(math.inf) == 0.0
    better, other = expected_loss(belief.gain, belief.sd)
    assert (better, other) == (pytest.approx(belief.evpi()), pytest.approx(belief.evpi() + abs(belief.gain)))


@pytest.mark.parametrize("belief", BELIEFS)
def test_enbs_is_the_payoff_of_testing_first(belief):
    n, horizon, per_row, x = 400.0, 20_000.0, 0.05, 2.0
    variance = 2 * 9.0 / n
    gain, posterior, _ = played(belief, variance, 3)
    payoff = n * x * gain + (horizon - 2 * n * x) * np.where(posterior > 0, gain, 0.0) - 2 * n * per_row
    found = belief.enbs(np.array(n), np.array(variance), horizon, np.array(2 * n * per_row), x)
    near(payoff - horizon * max(belief.gain, 0), float(found))


def test_test_and_roll():
    s = math.sqrt(0.68 * 0.32)
    assert best_test_size(100_000, s, 0.03) == pytest.approx(2283.9, abs=0.1)
    # The same optimum by ENBS: prior variance of the difference 2 sig^2, no cost, no prior difference.
    found = best_collection(Belief(0.0, 0.03 * math.sqrt(2)), Source("labels", s * s, 0.0), Stakes(1.0, 100_000.0))
    assert found.n == pytest.approx(2284, abs=1)


def test_judge_only_saturates_and_labels_do_not():
    belief, stakes = Belief(0.0, 0.1), Stakes(1.0, 1e6)
    judge, people = Source("judge", 1.0, 0.0, bias_sd=0.2), Source("human", 1.5, 0.0)
    n = np.array([1e2, 1e4, 1e6, 1e9])
    worth = [[belief.evsi(float(v)) / belief.evpi() for v in one.variance(n)] for one in (judge, people)]
    assert worth[0][-1] - worth[0][1] < 0.02
    assert worth[0][-1] == pytest.approx(0.1 / math.sqrt(0.01 + 0.04))
    assert worth[1][-1] > 0.999
    assert best_collection(belief, judge, stakes).ceiling == pytest.approx(worth[0][-1] * belief.evpi() * 1e6)


def test_bias_prior_against_monte_carlo():
    """The judge's bias is drawn anew for each study: that is what its variance in v(n) says."""
    belief, g = Belief(0.02, 0.1), np.random.default_rng(5)
    judge = Source("judge", 1.0, 0.0, bias_sd=0.15)
    n = 500
    effect = belief.mean + belief.sd * g.standard_normal(REPS)
    bias = 0.15 * g.standard_normal(REPS)
    seen = effect + bias + math.sqrt(2 / n) * g.standard_normal(REPS)
    v = float(judge.variance(np.array(n)))
    posterior = belief.mean + 0.01 / (0.01 + v) * (seen - belief.mean)
    near(np.where(posterior > 0, effect, 0.0) - 0.02, belief.evsi(v))
    # Trusting the judge (no bias in v) launches more and earns less.
    blind = belief.mean + 0.01 / (0.01 + 2 / n) * (seen - belief.mean)
    assert np.where(blind > 0, effect, 0.0).mean() < np.where(posterior > 0, effect, 0.0).mean()


def test_collect_more_names_amount_source_dollars_and_days():
    belief = Belief(0.0, 0.005)
    judge = Source("judge", 1.2, 0.002, bias_sd=0.3, rows_per_day=20_000)
    people = Source("human", 1.4, 1.0, rows_per_day=300)
    stakes = Stakes(0.05, 2_000_000, exposures_per_day=5000)
    advice = collect_more(belief, [judge, people], stakes)
    assert advice.best is not None
    best = {one.source: one for one in advice.all}
    # Every n by brute force.
    for source in (judge, people):
        n = np.arange(1, 30_001, dtype=float)
        brute = belief.enbs(n, 0.0025 * source.variance(n), 2e6, 2 * n * source.cost_per_row)
        assert best[source.name].net_benefit == pytest.approx(brute.max(), rel=1e-9)
        assert best[source.name].n == n[brute.argmax()]
    chosen = best[advice.best.source]
    assert chosen.net_benefit == max(one.net_benefit for one in advice.all)
    assert best["human"].cost == pytest.approx(2 * best["human"].n)
    assert best["human"].days == pytest.approx(2 * best["human"].n / 300)
    assert f"{chosen.n:,} more per variant from {chosen.source}" in advice.sentence
    none = collect_more(Belief(0.0, 1e-6), [people], Stakes(0.05, 1000))
    assert none.best is None
    assert "Decide now" in none.sentence
    # Waiting has a price too.
    slow = collect_more(belief, [people], Stakes(0.05, 2_000_000, 5000, delay_per_day=1e5))
    assert slow.best is None or slow.best.n < best["human"].n


def test_judge_only_launch():
    assert judge_only_launch(0.2, 0.03, 0.05).launch
    assert not judge_only_launch(-0.2, 0.03, 0.05).launch
    partial = judge_only_launch(0.1, 0.01, 0.1)
    assert not partial.launch
    assert partial.floor == 0.2
    assert "labels in both variants can" in partial.sentence
    assert "within the noise" in judge_only_launch(0.01, 0.03, 0.05).sentence
    # At no true difference, with bias and noise as stated, one judge-only test in 44 is beyond the bar upwards.
    g = np.random.default_rng(6)
    estimates = 0.07 * g.standard_normal(200_000) + 0.04 * g.standard_normal(200_000)
    bar = judge_only_launch(0.0, 0.04, 0.07).bar
    assert (estimates > bar).mean() == pytest.approx(0.02275, abs=4 * math.sqrt(0.02275 / 200_000))


def test_none_seen_is_not_none_there():
    assert largest_rate_without_events(300) == pytest.approx(3 / 300, rel=0.01)
    assert (1 - largest_rate_without_events(50)) ** 50 == pytest.approx(0.05)


def test_pareto_against_a_slow_oracle():
    g = np.random.default_rng(7)
    q, c, t = g.integers(0, 4, (3, 500, 4)).astype(float)
    wanted = np.zeros(4)
    for i in range(500):
        for a in range(4):
            beaten = False
            for b in range(4):
                least = q[i, b] >= q[i, a] and c[i, b] <= c[i, a] and t[i, b] <= t[i, a]
                differs = (q[i, b], c[i, b], t[i, b]) != (q[i, a], c[i, a], t[i, a])
                beaten = beaten or (least and differs)
            wanted[a] += not beaten
    assert pareto_probability(q, c, t) == pytest.approx(wanted / 500)


def test_pareto_of_normal_qualities():
    """Dearer and slower: on the frontier iff better, with probability Phi(m / s)."""
    g = np.random.default_rng(8)
    q = np.stack([np.zeros(100_000), 0.1 + 0.2 * g.standard_normal(100_000)], 1)
    on = pareto_probability(q, [[1.0, 2.0]], [[1.0, 1.5]])
    assert on[0] == 1.0
    assert on[1] == pytest.approx(0.691462, abs=4 * math.sqrt(0.21 / 1e5))
    value = utility(q, [[0.001, 0.002]], [[1.0, 1.5]], Weights(0.05, 0.01, 0.1))
    assert value[:, 1] == pytest.approx(0.05 * q[:, 1] - 0.001 - 0.004)
    best = best_probability(value)
    assert best.sum() == pytest.approx(1)
    assert best[1] == pytest.approx((q[:, 1] > 0.1).mean())
    assert utility(q, [[0, 0]], [[0, 0]], Weights(1, penalty=3), [[0, 1]])[:, 1] == pytest.approx(q[:, 1] - 3)
    assert best_probability([[1.0, 1.0], [0.0, 2.0]]) == pytest.approx([0.25, 0.75])


@pytest.mark.parametrize(
    "call",
    [
        lambda: Belief(0.0, 0.0),
        lambda: Belief(math.nan, 1.0),
        lambda: Belief(0.0, 1.0).evsi(-1.0),
        lambda: Source("judge", -1.0, 0.0),
        lambda: Source("judge", 1.0, 0.0, rows_per_day=0),
        lambda: collect_more(Belief(0, 1), [], Stakes(1, 1)),
        lambda: best_collection(Belief(0, 1), Source("judge", 1.0, 0.0), Stakes(0, 1)),
        lambda: judge_only_launch(0.1, -1, 0.1),
        lambda: largest_rate_without_events(0),
        lambda: best_test_size(100, 0, 1),
        lambda: pareto_probability([1.0, 2.0], [1.0, 2.0], [1.0, 2.0]),
    ],
)
def test_wrong_input(call):
    with pytest.raises(InputError):
        call()
