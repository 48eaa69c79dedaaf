"""Pairwise verdicts and rankings against simulation, closed forms and a plain optimiser."""

import math

import numpy as np
import pytest
from scipy import optimize, stats

from expsim_panel.errors import InputError
from expsim_panel.pairwise import both_orders, davidson, glenn_david, latent_difference, net_preference
from expsim_panel.ranking import bradley_terry_davidson


def draw(g, probabilities, size=None):
    """Draw verdicts 1, 0, -1."""
    return g.choice([1, 0, -1], size=size, p=probabilities)


def test_tie_models():
    win, tie, loss = glenn_david(0.3, 0.4, 0.1)
    felt = 0.4 + np.random.default_rng(1).standard_normal(400_000)
    for p, seen in ((win, felt > 0.4), (tie, np.abs(felt) <= 0.4), (loss, felt < -0.4)):
        assert seen.mean() == pytest.approx(p, abs=4 * math.sqrt(p * (1 - p) / 400_000))
    assert glenn_david(0.2, 0.3) == pytest.approx(glenn_david(-0.2, 0.3)[::-1])
    assert glenn_david(0.0, 0.0) == pytest.approx((0.5, 0.0, 0.5))
    assert davidson(0.0, 1.0) == pytest.approx((1 / 3, 1 / 3, 1 / 3))
    assert davidson(math.log(3), 0.0) == pytest.approx((0.75, 0, 0.25))
    assert davidson(0.7, 0.5, 0.2) == pytest.approx(davidson(-0.7, 0.5, -0.2)[::-1])
    assert sum(davidson(800.0, 2.0)) == pytest.approx(1)
    # Win : tie : loss = a_i : nu sqrt(a_i a_j) : a_j.
    win, tie, loss = davidson(0.9, 0.6)
    assert (win / loss, tie / math.sqrt(win * loss)) == pytest.approx((math.exp(0.9), 0.6))


def test_latent_difference_inverts_and_has_its_error():
    w, t, l = glenn_david(0.25, 0.3)  # noqa: E741
    found = latent_difference(1e6 * w, 1e6 * t, 1e6 * l)
    assert (found.difference, found.tie_band) == (pytest.approx(0.25), pytest.approx(0.3))
    g = np.random.default_rng(2)
    fits = [latent_difference(*g.multinomial(400, (w, t, l))) for _ in range(4000)]
    spread = np.std([one.difference for one in fits])
    assert np.mean([one.difference_se for one in fits]) == pytest.approx(spread, rel=4 / math.sqrt(2 * 4000))
    assert np.mean([one.difference for one in fits]) == pytest.approx(0.25, abs=0.004)


def test_net_preference():
    x = np.array([1, 1, 0, -1, 1, 0, 1, -1])
    found = net_preference(x)
    assert found.value == x.mean()
    assert found.variance == pytest.approx(x.var(ddof=1) / 8)


def test_both_orders_remove_position_bias():
    g = np.random.default_rng(3)
    n, place = 40_000, 0.5
    quality = 0.1 + 0.8 * g.standard_normal(n)
    truth = np.mean([np.subtract(*glenn_david(q, 0.2)[::2]) for q in quality[:5000]])

    def verdict(shift):
        felt = quality + shift + g.standard_normal(n)
        return np.where(felt > 0.2, 1, np.where(felt < -0.2, -1, 0))

    found = both_orders(verdict(place), verdict(-place))
    fair = verdict(0.0).mean()
    assert abs(found.preference.value - fair) < 0.02  # averaging removes a shift to first order
    assert found.first_order.value - fair > 0.15
    assert found.position_bias.value > 0.15
    assert abs(found.position_bias.value - (found.first_order.value - found.preference.value)) < 1e-12
    assert 0.4 < found.consistency < 0.9
    assert fair == pytest.approx(truth, abs=0.03)
    # At no true difference the average is exactly fair.
    quality = 0.8 * g.standard_normal(n)
    none = both_orders(verdict(place), verdict(-place)).preference
    assert abs(none.value) < 4 * none.se


def test_two_variants_are_log_odds():
    names = ["A"] * 100
    others = ["B"] * 100
    y = [1] * 70 + [-1] * 30
    found = bradley_terry_davidson(names, others, y, position=False)
    value, low, high = found.difference("A", "B")
    assert value == pytest.approx(math.log(7 / 3))
    # Robust and model-based errors agree where the model has a parameter for every rate, but for n / (n - 1).
    error = math.sqrt(1 / 70 + 1 / 30) * math.sqrt(100 / 99)
    assert (high - low) / 2 == pytest.approx(stats.t.ppf(0.975, 99) * error)
    assert found.order == ("A", "B")
    assert found.ability.sum() == pytest.approx(0)


def tournament(g, ability, nu, place, prompts, per_prompt, spread=0.0):
    """Draw verdicts on random pairs; `spread` is the SD of a variant's ability between prompts."""
    first, second, outcomes, clusters = [], [], [], []
    names = [f"v{k}" for k in range(len(ability))]
    for prompt in range(prompts):
        here = ability + spread * g.standard_normal(len(ability))
        for _ in range(per_prompt):
            i, j = g.choice(len(ability), 2, replace=False)
            p = np.exp([here[i] + place, (here[i] + here[j]) / 2 + math.log(nu), here[j]])
            first.append(names[i])
            second.append(names[j])
            outcomes.append(int(draw(g, p / p.sum())))
            clusters.append(prompt)
    return first, second, outcomes, clusters


def test_fit_is_the_maximum_of_the_likelihood():
    g = np.random.default_rng(4)
    ability = np.array([0.5, 0.0, -0.2, 0.9])
    first, second, outcomes, clusters = tournament(g, ability, 0.6, 0.3, 150, 3)
    found = bradley_terry_davidson(first, second, outcomes, clusters)
    at = {name: k for k, name in enumerate(found.names)}

    def loss(theta):
        a = np.append(theta[:3], -theta[:3].sum())
        nu, place = theta[3], theta[4]
        total = 0.0
        for i, j, y in zip(first, second, outcomes, strict=True):
            x = np.array([a[at[j]], nu + (a[at[i]] + a[at[j]]) / 2, a[at[i]] + place])
            total -= x[y + 1] - np.log(np.exp(x).sum())
        return total

    best = optimize.minimize(loss, np.zeros(5), method="BFGS", options={"gtol": 1e-6})
    assert found.ability[:3] == pytest.approx(best.x[:3], abs=1e-5)
    assert (math.log(found.tie), found.position) == pytest.approx(tuple(best.x[3:]), abs=1e-5)


@pytest.mark.arithmetic
def test_errors_are_right_where_prompts_cluster_and_naive_ones_are_too_small():
    g = np.random.default_rng(5)
    ability = np.array([0.4, 0.0, -0.4])
    runs, found, widths = 300, [], {"clustered": [], "naive": []}
    for _ in range(runs):
        first, second, outcomes, clusters = tournament(g, ability, 0.5, 0.2, 60, 6, spread=1.2)
        fits = {
            "clustered": bradley_terry_davidson(first, second, outcomes, clusters),
            "naive": bradley_terry_davidson(first, second, outcomes),
        }
        for name, one in fits.items():
            value, low, high = one.difference("v0", "v2")
            widths[name].append((high - low) / 2 / one.reach(0.95))
        found.append(value)
    # What is estimated is the marginal (attenuated) difference: compare standard errors with the true spread.
    spread = np.std(found)
    assert np.mean(widths["clustered"]) == pytest.approx(spread, rel=4 / math.sqrt(2 * runs))
    assert np.mean(widths["naive"]) < 0.85 * spread


@pytest.mark.arithmetic
def test_coverage_without_clusters_of_effect():
    g = np.random.default_rng(6)
    ability = np.array([0.3, 0.0, -0.3])
    covered = []
    for _ in range(400):
        first, second, outcomes, clusters = tournament(g, ability, 0.4, 0.3, 100, 2)
        found = bradley_terry_davidson(first, second, outcomes, clusters)
        _, low, high = found.difference("v0", "v2")
        covered.append(low <= 0.6 <= high)
    assert np.mean(covered) == pytest.approx(0.95, abs=4 * math.sqrt(0.95 * 0.05 / 400))


def test_best_probability():
    g = np.random.default_rng(7)
    first, second, outcomes, clusters = tournament(g, np.array([0.5, 0.0, -0.5]), 0.4, 0.0, 80, 3)
    found = bradley_terry_davidson(first, second, outcomes, clusters)
    best = found.best_probability(np.random.default_rng(8))
    assert best.sum() == pytest.approx(1)
    assert best.argmax() == found.ability.argmax()
    assert found.interval().shape == (3, 2)
    assert (found.interval()[:, 0] < found.ability).all()


@pytest.mark.parametrize(
    ("call", "said"),
    [
        (lambda: bradley_terry_davidson(["A", "A"], ["B", "B"], [1, 1]), "never beats"),
        (lambda: bradley_terry_davidson(["A", "A"], ["B", "A"], [1, -1]), "with itself"),
        (lambda: bradley_terry_davidson(["A", "A"], ["B", "B"], [1, 2]), "row 2 is 2"),
        (lambda: bradley_terry_davidson(["A"], ["B", "B"], [1, -1]), "1 and 2 names"),
        (lambda: bradley_terry_davidson(["A", "A"], ["B", "B"], [1, -1]), "both orders"),
        (lambda: bradley_terry_davidson(["A", "A"], ["B", "B"], [1, -1], [1, 1], position=False), "one cluster"),
        (lambda: net_preference([1, 0.5]), "row 2 is 0.5"),
        (lambda: both_orders([1, 0], [1, 0, 1]), "judge every pair twice"),
        (lambda: latent_difference(5, 2, 0), "wins and losses"),
        (lambda: glenn_david(0, -1), "tie_band"),
        (lambda: davidson(0, -1), "tie"),
    ],
)
def test_wrong_input(call, said):
    with pytest.raises(InputError, match=said) as caught:
        call()
    assert "\n" not in str(caught.value)
