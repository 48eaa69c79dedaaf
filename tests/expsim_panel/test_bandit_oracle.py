"""Every policy against `slow_bandits`: by every path over short horizons, and by experiments over longer ones."""

import numpy as np
import pytest
from slow_bandits import (
    BayesUcb,
    Commit,
    Elimination,
    EpsilonGreedy,
    Exp3,
    Exploration,
    Halving,
    Imed,
    KlUcb,
    Lucb,
    Moss,
    Softmax,
    Thompson,
    TopTwo,
    Ucb1,
    UcbV,
)
from slow_changing import Cusum, DiscountThompson, DiscountUcb, WindowThompson, WindowUcb
from slow_play import Way, every_path, play

from expsim_panel import bandit

pytestmark = pytest.mark.arithmetic

ENUMERATED = {
    "ucb1(c=0.5)": (Ucb1, {"c": 0.5}),
    "ucb-v(zeta=0.3,c=0.2)": (UcbV, {"zeta": 0.3, "c": 0.2}),
    "moss": (Moss, {}),
    "kl-ucb": (KlUcb, {}),
    "kl-ucb(c=3)": (KlUcb, {"c": 3.0}),
    "imed": (Imed, {}),
    "bayes-ucb": (BayesUcb, {}),
    "bayes-ucb(c=5,prior_hits=2,prior_misses=3)": (BayesUcb, {"c": 5.0, "prior_hits": 2.0, "prior_misses": 3.0}),
    "epsilon-greedy(epsilon=1,decay=2)": (EpsilonGreedy, {"epsilon": 1.0, "decay": 2.0}),
    "epsilon-greedy(epsilon=0.2,start=none)": (EpsilonGreedy, {"epsilon": 0.2, "untried_first": False}),
    "softmax(temperature=0.5)": (Softmax, {"temperature": 0.5}),
    "explore-then-commit(m=2)": (Commit, {"m": 2}),
    "lucb(delta=0.5)": (Lucb, {"delta": 0.5}),
    "thompson(prior_hits=2,prior_misses=1)": (Thompson, {"prior_hits": 2.0}),
    "top-two-thompson(beta=0.8)": (TopTwo, {"beta": 0.8}),
    "exploration-sampling": (Exploration, {}),
}
SHORT = [([0.45, 0.6], 11), ([0.9, 0.8], 7), ([0.2, 0.5, 0.7], 5), ([0.6, 0.5, 0.4, 0.3], 5)]


def named(name, way):
    """Return the name with burn-in and floor."""
    inside = f"floor={way.floor},burn_in={way.burn_in}"
    return f"{name[:-1]},{inside})" if name.endswith(")") else f"{name}({inside})"


@pytest.mark.parametrize("way", [Way(), Way(floor=0.1), Way(floor=0.05, burn_in=2)], ids=["plain", "floor", "both"])
@pytest.mark.parametrize("name", ENUMERATED)
def test_exact_figures_are_those_of_every_path(name, way):
    rule, parameters = ENUMERATED[name]
    for means, horizon in SHORT:
        regret, _, kept = every_path(rule(len(means), horizon, **parameters), means, horizon, way)
        found = bandit(means, [named(name, way)], horizon, replicates=2, workers=1).policies[0]
        if rule is Commit and way.floor:
            assert found.regret.exact is None  # Pulls no longer show its choice; it is played below.
            continue
        gaps = max(means) - np.array(means)
        assert found.regret.exact == pytest.approx(regret, abs=1e-9)
        if found.simple_regret.exact is not None:
            assert found.simple_regret.exact == pytest.approx(kept @ gaps, abs=1e-9)
            assert found.p_best_arm.exact == pytest.approx(kept[gaps == 0.0].sum(), abs=1e-9)


SHIFT = ((6, (0.9, 0.1)),)
PLAYED = {
    "explore-then-commit(m=3)": (Commit, {"m": 3}, [0.1, 0.9], 20, Way(floor=0.15)),
    "explore-then-commit(m=2,floor=0)": (Commit, {"m": 4}, [0.2, 0.6], 20, Way(burn_in=4)),
    "successive-elimination(delta=0.5)": (Elimination, {"delta": 0.5}, [0.02, 0.98], 24, Way()),
    "sequential-halving": (Halving, {}, [0.3, 0.6, 0.5], 13, Way()),
    # A floor's pulls between the end of a round and the next question were taken for the halving.
    "sequential-halving(floor=0.25)": (Halving, {}, [0.3, 0.6, 0.5], 11, Way(floor=0.25)),
    "sequential-halving(burn_in=1)": (Halving, {}, [0.3, 0.4, 0.6, 0.5], 15, Way()),
    "exp3(gamma=0.3)": (Exp3, {"gamma": 0.3, "burn_in": 2}, [0.2, 0.7], 8, Way(burn_in=2)),
    "sliding-window-ucb(window=5,c=0.5)": (WindowUcb, {"window": 5, "c": 0.5}, [0.3, 0.6], 11, Way(shift=SHIFT)),
    "sliding-window-ucb(window=4)": (WindowUcb, {"window": 4}, [0.3, 0.6, 0.5], 8, Way(floor=0.05)),
    "discounted-ucb(gamma=0.9,c=0.5)": (DiscountUcb, {"gamma": 0.9, "c": 0.5}, [0.3, 0.6], 10, Way(shift=SHIFT)),
    "discounted-ucb(gamma=0.6)": (DiscountUcb, {"gamma": 0.6}, [0.3, 0.6, 0.5], 8, Way()),
    "sliding-window-thompson(window=4)": (WindowThompson, {"window": 4}, [0.3, 0.6], 8, Way(shift=SHIFT)),
    "cusum-ucb(first=2,threshold=1,drift=0.05,explore=0.1)": (
        Cusum, {"first": 2, "threshold": 1.0, "drift": 0.05, "explore": 0.1}, [0.2, 0.7], 9, Way(shift=SHIFT),
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", PLAYED)
def test_experiments_have_the_law_of_every_path(name):
    rule, parameters, means, horizon, way = PLAYED[name]
    regret, pulls, kept = every_path(rule(len(means), horizon, **parameters), means, horizon, way)
    asked = name if "burn_in" in name or "floor" in name else named(name, way)
    if "floor=0)" in name:
        asked = name.replace("floor=0", "burn_in=4")
    world, size = {"shift": way.shift} if way.shift else None, 100_000
    found = bandit(means, [asked], horizon, replicates=size, seed=11, world=world).policies[0]
    assert abs(found.regret.value - regret) <= 4 * max(found.regret.se, 1e-12)
    np.testing.assert_array_less(np.abs(found.pulls - pulls), 4 * found.pulls_se + 1e-9)
    best = kept[way.means(means, horizon) == way.means(means, horizon).max()].sum()
    if not (rule is Commit and way.floor):
        # With a floor and equal means the arm to keep is the first one pulled: the same regret, another last mean.
        assert abs(found.p_best_arm.value - best) <= 4 * np.sqrt(best * (1 - best) / size) + 1e-9


BINARY = [[0.4, 0.6], [0.5, 0.55, 0.45], [0.1, 0.3, 0.35, 0.5, 0.7]]
NORMAL = [[0.0, 0.5], [0.2, 0.0, 0.3], [0.0, 0.1, -0.3, 0.4, 1.0]]
LATE = Way(batch=20, delay=15)
LONG = {
    "ucb1(c=1)": (Ucb1, {"c": 1.0}, [Way(gaussian=True), LATE]),
    "ucb-v": (UcbV, {}, [Way(gaussian=True), LATE]),
    "moss": (Moss, {}, [Way(gaussian=True), LATE]),
    "kl-ucb(c=3)": (KlUcb, {"c": 3.0}, [Way(gaussian=True), LATE]),
    "imed": (Imed, {}, [Way(gaussian=True), LATE]),
    "bayes-ucb(c=2)": (BayesUcb, {"c": 2.0}, [Way(gaussian=True), LATE]),
    "epsilon-greedy(epsilon=1,decay=3)": (EpsilonGreedy, {"epsilon": 1.0, "decay": 3.0}, [Way(gaussian=True), LATE]),
    "softmax": (Softmax, {}, [Way(gaussian=True), LATE]),
    "explore-then-commit(m=10)": (Commit, {"m": 10}, [Way(gaussian=True)]),
    "successive-elimination(delta=0.5)": (Elimination, {"delta": 0.5}, [Way(gaussian=True)]),
    "sequential-halving": (Halving, {}, [Way(gaussian=True)]),
    "lucb(delta=0.2)": (Lucb, {"delta": 0.2}, [Way(gaussian=True), LATE]),
    "exp3": (Exp3, {}, [Way()]),
    "thompson": (Thompson, {}, [Way(gaussian=True), LATE]),
    "top-two-thompson": (TopTwo, {}, [Way(gaussian=True), LATE]),
    "exploration-sampling": (Exploration, {}, [LATE, Way(gaussian=True)]),
    "sliding-window-ucb(window=30)": (WindowUcb, {"window": 30}, [Way(gaussian=True), LATE]),
    "discounted-ucb(gamma=0.95)": (DiscountUcb, {"gamma": 0.95}, [Way(gaussian=True), LATE]),
    "sliding-window-thompson(window=30)": (WindowThompson, {"window": 30}, [Way(gaussian=True), LATE]),
    "discounted-thompson(gamma=0.95)": (DiscountThompson, {"gamma": 0.95}, [Way(gaussian=True), LATE]),
    "cusum-ucb(first=20,threshold=4)": (Cusum, {"first": 20, "threshold": 4.0}, [Way(gaussian=True)]),
}


@pytest.mark.parametrize("name", LONG)
def test_experiments_are_those_of_the_rule(name):
    """Regret, its quantiles, pulls and the arm to keep; each way with another problem."""
    rule, parameters, ways = LONG[name]
    horizon, size, many = 100, 700, 20_000
    for place, way in enumerate(ways):
        means = (NORMAL if way.gaussian else BINARY)[(len(name) + place) % 3]
        made = rule(len(means), horizon, binary=not way.gaussian, **parameters)
        lost, pulls, kept = play(made, means, size, 20260 + place, way)
        world = {"batch": way.batch, "delay": way.delay} if way.delay else None
        family = "gaussian" if way.gaussian else "bernoulli"
        found = bandit(means, [name], horizon, family=family, replicates=many, seed=77, world=world).policies[0]
        wider = 4 * np.sqrt(1 + many / size)
        gaps = max(means) - np.array(means)
        assert abs(found.regret.value - lost.mean()) <= wider * found.regret.se + 1e-9
        assert abs(found.simple_regret.value - gaps[kept].mean()) <= wider * found.simple_regret.se + 4 / size
        np.testing.assert_array_less(np.abs(found.pulls - pulls.mean(axis=0)), wider * found.pulls_se + 1e-9)
        for level in (0.05, 0.5, 0.95):
            quantile = np.quantile(found.final, level)
            for away in (-1e-9, 1e-9):
                ours, theirs = np.mean(found.final < quantile + away), np.mean(lost < quantile + away)
                assert abs(ours - theirs) <= wider * np.sqrt(max(ours * (1 - ours), 1 / size) / many)


def test_a_commitment_is_to_the_best_mean_whatever_the_floor_and_burn_in():
    """A floor's pulls used to be taken for the choice (118.8), and a longer burn-in for a tie (407.7)."""
    found = bandit([0.1, 0.9], ["explore-then-commit(m=20,floor=0.05)"], 1000, replicates=4000).policies[0]
    # Exploration to 20 each, then 1 in 20 requests: the floor's pulls within the exploration shift it by less than 1.
    assert abs(found.regret.value - 0.8 * (20 + 0.05 * 960)) <= 1.0
    found = bandit([0.1, 0.9], ["explore-then-commit(m=10,burn_in=20)"], 1000, replicates=4000).policies[0]
    assert abs(found.regret.value - found.regret.exact) <= 4 * found.regret.se + 1e-6
    assert found.regret.exact == pytest.approx(16.0, abs=1e-6)


def test_equal_arms_of_lucb_do_not_depend_on_their_order():
    means = [0.6, 0.5, 0.4, 0.3]
    found = [bandit(one, ["lucb"], 7, replicates=2).policies[0].regret.exact for one in (means, means[::-1])]
    assert found[0] == pytest.approx(found[1], abs=1e-12)


def test_exploration_sampling_of_two_arms_is_even():
    """p (1 - p) is the same for both; where a thousand draws agreed the leader used to get everything (8.4 of 32)."""
    found = bandit([0.1, 0.9], ["exploration-sampling", "top-two-thompson"], 80, replicates=2000).policies
    for one in found:
        assert one.regret.exact == pytest.approx(32.0, abs=1e-9)
        assert abs(one.regret.value - 32.0) <= 4 * one.regret.se
