"""A floor for each arm: ``p_a = f_a + (1 - sum f) w_a``, per request, in batches, daily, and with segments."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
from worlds import tree

from expsim_panel import bandit
from expsim_panel.bandits import enumerate_policy
from expsim_panel.duelling import duel
from expsim_panel.errors import InputError
from expsim_panel.metered_bandits import metered_bandit
from expsim_panel.metered_world import metered_world
from expsim_panel.policy import Problem
from expsim_panel.policy_names import bandit_names, canonical, read_policy
from expsim_panel.segment_bandits import segment_bandit
from expsim_panel.study import Study

MEANS, HORIZON, FLOORS = (0.3, 0.7), 7, (0.2, 0.05)


def ucb1_pulls(floors, means, horizon):
    """Expected pulls of UCB1 by walking every path of arms and rewards."""
    pulls = np.zeros(len(means))

    def walk(n, s, p):
        t = sum(n)
        if t == horizon:
            return
        index = [math.inf if not k else h / k + math.sqrt(2 * math.log(t) / k) for k, h in zip(n, s, strict=True)]
        best = [value == max(index) for value in index]
        for a, reward in itertools.product(range(len(means)), (0, 1)):
            w = best[a] / sum(best)
            share = floors[a] + (1 - sum(floors)) * w
            if share > 0:
                chance = p * share * (means[a] if reward else 1 - means[a])
                pulls[a] += chance
                walk([k + (i == a) for i, k in enumerate(n)], [h + reward * (i == a) for i, h in enumerate(s)], chance)

    walk([0] * len(means), [0] * len(means), 1.0)
    return pulls


def test_enumeration_and_play_are_those_of_every_path():
    floors = f"[{FLOORS[0]},{FLOORS[1]}]"
    expected = ucb1_pulls(FLOORS, MEANS, HORIZON)
    policy = read_policy(f"ucb1(floor={floors})")
    chosen, _ = enumerate_policy(policy, Problem(2, HORIZON, True), np.array(MEANS))
    assert chosen.sum(axis=0) == pytest.approx(expected, abs=1e-12)
    # Whatever has been seen, no arm has less than its floor.
    assert np.all(chosen >= np.array(FLOORS) - 1e-12)
    played = bandit(MEANS, [f"ucb1(floors={floors})"], HORIZON, replicates=20_000, seed=4).policies[0]
    assert np.abs(played.pulls - expected).max() < 4 * played.pulls_se.max()
    assert played.regret.exact == pytest.approx(0.4 * expected[0], abs=1e-12)


def test_equal_floors_are_the_floor():
    for how in ({}, {"world": {"batch": 20}}, {"world": {"delay": 3}}):
        one = bandit(MEANS, ["thompson(floor=0.1)"], 100, replicates=4000, seed=4, **how).policies[0]
        other = bandit(MEANS, ["thompson(floors=[0.1,0.1])"], 100, replicates=4000, seed=5, **how).policies[0]
        assert one.regret.value == pytest.approx(other.regret.value, abs=4 * math.hypot(one.regret.se, other.regret.se))


@pytest.mark.parametrize("world", [{}, {"batch": 50}, {"delay": 10}, {"delay": 50, "batch": 50}])
def test_a_hopeless_arm_gets_its_own_floor_and_no_other(world):
    # After the first requests the good arm has all that is free.
    found = bandit((0.0, 0.0, 1.0), ["thompson(floors=[0.3,0.1,0],prior_misses=1)"], 1000, replicates=200, world=world)
    assert found.policies[0].traffic[-1, :2] == pytest.approx([0.3, 0.1], abs=0.04)


def test_floors_follow_their_arm_where_arms_arrive_late():
    found = bandit(
        (0.0, 1.0, 0.0), ["thompson(floors=[0.3,0,0])"], 1000, replicates=200, world={"arrives": [500, 0, 0]}
    )
    assert found.policies[0].pulls[0] == pytest.approx(150, abs=10)


def test_days_of_a_study_keep_the_floors():
    world = tree(
        variants=[{"name": "A", "mean": 3.0}, {"name": "B", "mean": 6.0}], traffic={"units_per_day": 1000, "days": 6}
    )
    study = Study.from_tree(world, "test", names=["thompson(floors=[0.2,0])"])
    out = study.run(replicates=200, seed=1).strategies[0].worlds["truth"]
    # On the first day the policy knows nothing and says 1/2.
    assert out.units[:, 0].mean() == pytest.approx(1000 * (0.2 + 0.8 / 2) + 5 * 200, abs=6)
    assert Study.from_tree(study.to_tree(), "again").to_tree() == study.to_tree()


def test_segments_and_prices_know_floors_and_burn_in():
    asked = ["lin-ucb(floor=[0.3,0],burn_in=5)", "thompson(floors=[0.3,0])", "lin-thompson(burn_in=200)"]
    found = segment_bandit([0.5, 0.5], [[0.0, 1.0], [0.0, 1.0]], asked, 400, replicates=200)
    assert found[asked[0]].pulls.sum(axis=0)[0] == pytest.approx(5 + 0.3 * 390, abs=5)
    assert found[asked[1]].pulls.sum(axis=0)[0] == pytest.approx(0.3 * 400, abs=6)
    assert found[asked[2]].pulls.sum(axis=0) == pytest.approx([200, 200])
    paid = metered_bandit(
        metered_world(means=[0.0, 1.0], costs=[1.0, 1.0]), ["thompson(floors=[0.3,0])"], 400, replicates=200
    )
    assert paid.policies[0].pulls[0] == pytest.approx(0.3 * 400, abs=6)


@pytest.mark.parametrize(
    ("policy", "words"),
    [
        ("thompson(floor=0.4)", "at most 1 / 3"),
        ("thompson(floor=[0.1,0.2])", "one for each of the 3 arms"),
        ("thompson(floors=[0.5,0.4,0.2])", "sum to at most 1"),
        ("thompson(floors=[0.5,-0.1,0.2])", "one for each arm"),
        ("thompson(floors=[])", "one for each arm"),
        ("thompson(floors=0.1)", "one for each arm"),
        ("thompson(floor=0.1,floors=[0.1,0.1,0.1])", "give one of them"),
        ("exp3(floors=[0.1,0,0])", "leave floor at 0"),
        ("thompson(floors=[0.1,nan,0])", "finite"),
    ],
)
def test_floors_that_do_not_fit_are_refused_in_one_line(policy, words):
    with pytest.raises(InputError, match=words) as caught:
        bandit([0.1, 0.2, 0.3], [policy], 100, replicates=10)
    assert "\n" not in str(caught.value)


def test_a_duel_and_a_study_say_why():
    with pytest.raises(InputError, match="two arms at once"):
        duel([[0.5, 0.6], [0.4, 0.5]], ["rucb(floor=0.1)"], 100, replicates=10)
    with pytest.raises(InputError, match=r"strategies\.0\.floors.*each of the 2 arms"):
        Study.from_tree(tree(), "test", names=["thompson(floors=[0.1,0.1,0.1])"])


def test_the_canonical_name_reads_back():
    for name in bandit_names():
        policy = read_policy(f"{name}(floors=[0.1,0,0.05])")
        assert canonical(policy) == f"{name}(floors=[0.1,0,0.05])"
        assert read_policy(canonical(policy)).floors == [0.1, 0, 0.05]
