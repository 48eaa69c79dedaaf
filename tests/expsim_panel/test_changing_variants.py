"""A variant that jumps or drifts alone, in a study: closed forms, a user-by-user oracle, the twin, refusals."""

import numpy as np
import pytest
from scipy import stats
from worlds import exact_in, played, tree

from expsim_panel import library, plan, timeline
from expsim_panel.errors import InputError
from expsim_panel.study import Study

DAYS, PER_DAY = 14, 1000
CHANGE = {"day": 5, "jump": 0.1, "drift": -0.05}


def world(change, names=("fixed-horizon",), days=DAYS, per_day=PER_DAY, **tables):
    variants = [{"name": "A", "mean": 3.0}, {"name": "B", "mean": 3.0, "change": change}]
    traffic = {"units_per_day": per_day, "days": days}
    return Study.from_tree({**tree(traffic=traffic, variants=variants, **tables)}, "test", names=names)


def steps(change, days=DAYS):
    """What the change adds on each day, one day after the other."""
    made = []
    for day in range(1, days + 1):
        before = -change["jump"] if day < change["day"] else 0.0
        made.append(before - change["drift"] * (1 - (day - 0.5) / days))
    return np.array(made)


def test_a_fixed_split_sees_the_average_of_the_days():
    study = world(CHANGE)
    off, rows = steps(CHANGE).mean(), DAYS * PER_DAY / 2
    error = np.sqrt((2 + steps(CHANGE).var()) / rows)
    closed = stats.norm.sf(1.959964 - off / error) + stats.norm.cdf(-1.959964 - off / error)
    exact = exact_in(study, "null", "fixed-horizon")["rejection"]
    assert exact == pytest.approx(closed, abs=2e-4)
    out = played(study, "null", 20_000, 3)["fixed-horizon"]
    assert np.mean(out.code != 0) == pytest.approx(exact, abs=3 * np.sqrt(exact * (1 - exact) / 20_000))


def test_the_truth_is_where_it_leads_and_the_twin_keeps_the_way_there():
    study = world(CHANGE)
    for name in ("truth", "null"):
        assert np.all(plan.law(study.scenario, name, 1, 0, 1).effects == 0)
        np.testing.assert_allclose(timeline.shift(study.scenario, name), np.stack([np.zeros(DAYS), steps(CHANGE)], 1))
    assert plan.law(study.scenario, "unbiased", 1, 0, 1).uneven is None
    assert plan.passing(study.scenario)
    assert Study.from_tree(study.to_tree(), "again").to_tree() == study.to_tree()
    plain = library.load("summarization-prompt").to_tree()
    assert all("change" not in one for one in plain["variants"])


@pytest.mark.arithmetic
def test_a_bandit_follows_the_change_like_a_user_by_user_oracle():
    change, days, per_day = {"day": 4, "jump": 2.0, "drift": 0.4}, 6, 60
    study = world(change, ["epsilon-greedy(epsilon=0.3)"], days, per_day)
    out = played(study, "truth", 4000, 3)["epsilon-greedy(epsilon=0.3)"]
    rng, off, ended = np.random.default_rng(8), steps(change, days), []
    for _ in range(500):
        rows = [[], []]
        for t in range(days):
            leader = None if t == 0 else int(np.mean(rows[1]) > np.mean(rows[0]))
            for _user in range(per_day):
                arm = int(rng.random() < 0.5) if leader is None or rng.random() < 0.3 else leader
                rows[arm].append(rng.normal(3.0 + arm * off[t], 1.0))
        ended.append([len(rows[1]), sum(rows[1]) - 3 * len(rows[1])])
    ended = np.array(ended)
    ours = np.stack([out.units[:, 1], out.sums[:, 1] - 3 * out.rows[:, 1]], axis=1)
    error = np.hypot(ended.std(axis=0) / np.sqrt(len(ended)), ours.std(axis=0) / np.sqrt(len(ours)))
    assert np.all(np.abs(ended.mean(axis=0) - ours.mean(axis=0)) <= 4 * error)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"day": 15, "jump": 0.1}, "variants.1.change.day.*up to 14"),
        ({"day": 0}, "variants.1.change.day"),
        ({"jumps": 1}, "did you mean 'jump'"),
        ({"drift": "much"}, "variants.1.change.drift"),
        (3, "variants.1.change.*table"),
    ],
)
def test_what_does_not_fit_is_refused_in_one_line(change, words):
    with pytest.raises(InputError, match=words) as caught:
        world(change)
    assert "\n" not in str(caught.value)


def test_a_rate_stays_a_rate():
    variants = [{"name": "A", "mean": 0.1}, {"name": "B", "mean": 0.1, "change": {"day": 3, "jump": 0.2}}]
    with pytest.raises(InputError, match="on day 1 a rate would be"):
        Study.from_tree(tree("binary", variants=variants), "test")
