"""Problems like those of tests/reference/bandits.csv that are not in it: ties, rates of 0 and 1, one request, ten arms.

By every path of `slow_bandits`, by quadrature, by all counts, and by closed forms in exact fractions.
"""

import math
from fractions import Fraction

import numpy as np
import pytest
from scipy import integrate, stats
from slow_bandits import BayesUcb, EpsilonGreedy, Imed, KlUcb, Lucb, Moss, Softmax, Thompson, Ucb1, UcbV
from slow_play import Way, every_path

from expsim_panel import bandit
from expsim_panel.best_arm import lai_robbins

RULES = {
    "ucb1(c=1.3)": (Ucb1, {"c": 1.3}),
    "ucb-v(zeta=1.2,c=0.5,b=1)": (UcbV, {"zeta": 1.2, "c": 0.5}),
    "moss": (Moss, {}),
    "kl-ucb(c=2)": (KlUcb, {"c": 2.0}),
    "imed": (Imed, {}),
    "bayes-ucb(c=1)": (BayesUcb, {"c": 1.0}),
    "epsilon-greedy(epsilon=0.35)": (EpsilonGreedy, {"epsilon": 0.35}),
    "softmax(temperature=0.2)": (Softmax, {"temperature": 0.2}),
    "lucb(delta=0.1)": (Lucb, {"delta": 0.1}),
    "thompson(prior_hits=3,prior_misses=2)": (Thompson, {"prior_hits": 3.0, "prior_misses": 2.0}),
}
PROBLEMS = [
    ([0.0, 1.0], 12),
    ([1.0, 0.0], 5),
    ([0.0, 0.0], 6),
    ([1.0, 1.0, 1.0], 5),
    ([0.5, 0.5], 9),
    ([0.0, 0.3], 12),
    ([1.0, 0.7], 12),
    ([0.3, 0.3, 0.8], 6),
    ([0.62, 0.65, 0.68], 6),
    ([0.05, 0.01, 0.02, 0.01], 5),
    ([0.9, 0.1, 0.9, 0.1, 0.5], 4),
    ([0.4, 0.3, 0.2, 0.1, 0.5, 0.6], 3),
    ([0.1, 0.05, 0.05, 0.05, 0.02, 0.02, 0.02, 0.01, 0.01, 0.9], 1),
    ([0.97, 0.995], 12),
]
PLAIN, FLOOR = Way(), Way(floor=0.08)


@pytest.mark.parametrize("place", range(len(PROBLEMS)))
def test_exact_regret_of_further_problems(place):
    """Three rules on each problem, in turn: 42 problems."""
    means, horizon = PROBLEMS[place]
    names = list(RULES)
    for turn in range(3):
        name = names[(3 * place + turn) % len(names)]
        rule, parameters = RULES[name]
        way = FLOOR if turn == 1 else PLAIN
        asked = name.removesuffix(")") + (",floor=0.08)" if "(" in name else "(floor=0.08)") if way is FLOOR else name
        regret, _, kept = every_path(rule(len(means), horizon, **parameters), means, horizon, way)
        found = bandit(means, [asked], horizon, replicates=400, seed=9, workers=1).policies[0]
        gaps = max(means) - np.array(means)
        if found.regret.exact is None:
            assert (name.startswith("thompson"), len(means) > 2) == (True, True)
            assert abs(found.regret.value - regret) <= 4.5 * found.regret.se + 1e-9
            continue
        assert found.regret.exact == pytest.approx(regret, abs=1e-9)
        assert abs(found.regret.value - regret) <= 4.5 * found.regret.se + 1e-9
        assert found.p_best_arm.exact == pytest.approx(kept[gaps == 0.0].sum(), abs=1e-9)


@pytest.mark.parametrize(
    ("means", "m", "horizon"),
    [
        ([0.0, -1.5], 3, 40),
        ([0.2, 0.2], 7, 100),
        ([0.0, 0.1], 60, 5000),
        ([3.0, 1.0], 1, 2),
        ([-0.4, 0.3, 0.0], 12, 1000),
    ],
)
def test_committing_to_normal_arms_has_a_closed_form(means, m, horizon):
    """Integral of one density of means times the others' distribution functions (scipy), 1e-9 of the regret."""
    found = bandit(means, [f"explore-then-commit(m={m})"], horizon, family="gaussian", replicates=2).policies[0]
    sd, rest, wanted = 1 / math.sqrt(m), horizon - m * len(means), 0.0
    for a, mu in enumerate(means):
        others = [other for b, other in enumerate(means) if b != a]

        def lead(x, mu=mu, others=others):
            return stats.norm.pdf(x, mu, sd) * np.prod([stats.norm.cdf(x, other, sd) for other in others])

        chance = integrate.quad(lead, mu - 12 * sd, mu + 12 * sd, epsabs=1e-14, epsrel=1e-13, points=[mu], limit=200)[0]
        wanted += (max(means) - mu) * (m + rest * chance)
    assert found.regret.exact == pytest.approx(wanted, rel=1e-9, abs=1e-9)


@pytest.mark.parametrize(
    ("means", "m", "horizon"), [([0.0, 1.0], 2, 9), ([0.5, 0.6], 20, 900), ([1.0, 1.0, 0.98], 5, 300)]
)
def test_committing_to_rates_has_a_closed_form(means, m, horizon):
    """Every pair or triple of success counts in turn, ties shared evenly."""
    found = bandit(means, [f"explore-then-commit(m={m})"], horizon, replicates=2).policies[0]
    hits = np.stack(np.meshgrid(*[np.arange(m + 1)] * len(means), indexing="ij"), axis=-1).reshape(-1, len(means))
    weight = np.prod(stats.binom.pmf(hits, m, np.array(means)), axis=1)
    lead = hits == hits.max(axis=1, keepdims=True)
    chance = weight @ (lead / lead.sum(axis=1, keepdims=True))
    wanted = (max(means) - np.array(means)) @ (m + (horizon - m * len(means)) * chance)
    assert found.regret.exact == pytest.approx(wanted, abs=1e-9)


def log_of(ratio: Fraction) -> Fraction:
    """Return the natural logarithm to some 25 digits: 2 artanh((r - 1) / (r + 1)) by its series, halved arguments first."""
    twos = 0
    while ratio > Fraction(4, 3):
        ratio, twos = ratio / 2, twos + 1
    while ratio < Fraction(2, 3):
        ratio, twos = ratio * 2, twos - 1

    def series(x):
        y = (x - 1) / (x + 1)
        return 2 * sum(y ** (2 * k + 1) / (2 * k + 1) for k in range(28))

    return series(ratio) + twos * (series(Fraction(4, 3)) + series(Fraction(3, 2)))


@pytest.mark.parametrize(
    "means",
    [["0.5", "0.4"], ["0", "0.3"], ["0.7", "0.7", "0.2"], ["0.999", "0.99", "0.9"], ["0.001", "0.002"],
     ["0.62", "0.65", "0.68", "0.0"], ["0.1", "0.2", "0.3", "0.4", "0.5", "0.6", "0.7", "0.8", "0.9", "0.95"], ["0.4", "0.4"]],
)  # fmt: skip
def test_bounds_of_further_problems_in_exact_fractions(means):
    exact = [Fraction(text) for text in means]
    best, wanted = max(exact), Fraction(0)
    for mu in exact:
        if mu < best:
            parts = ((mu, best), (1 - mu, 1 - best))
            wanted += (best - mu) / sum(p * log_of(p / q) for p, q in parts if p > 0)
    assert lai_robbins([float(mu) for mu in exact]) == pytest.approx(float(wanted), rel=1e-9, abs=1e-12)


@pytest.mark.parametrize(("means", "sd"), [([0.0, 0.5], 1.0), ([-2.0, 1.0, 1.0, 0.9], 2.0), ([5.0, 4.0, 3.0], 0.5)])
def test_bounds_of_normal_problems(means, sd):
    wanted = sum(2 * sd * sd / (max(means) - mu) for mu in means if mu < max(means))
    assert lai_robbins(means, "gaussian", sd) == pytest.approx(wanted, rel=1e-12)
