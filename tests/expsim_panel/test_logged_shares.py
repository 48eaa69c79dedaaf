"""Adaptive strategies in studies: estimates by logged shares, against user-by-user play, and what uses them."""

import day_scores as slow
import numpy as np
import pytest
import study_inference
from scipy import stats

from expsim_panel import engine, operating, recommend, strategy
from expsim_panel.caveats import caveats
from expsim_panel.exports.json import document
from expsim_panel.kernels.day_scores import METHODS, ROOT, TWO_POINT
from expsim_panel.logged_shares import NAMES, floored, logs, moves, why_naive
from expsim_panel.named_estimator import compared, rows
from expsim_panel.policy import STUDY_FLOOR, BanditPolicy, policies
from expsim_panel.study import Study

TRUE = "evaluator.kind=truth"
GRID = (np.arange(2000) + 0.5) / 2000


def _p_best(hits, misses, floor):
    """Return the floored shares of two arms from beta posteriors, by the midpoint rule."""
    below = stats.beta.cdf(GRID, 1 + hits[0], 1 + misses[0])
    share = float(np.mean(stats.beta.pdf(GRID, 1 + hits[1], 1 + misses[1]) * below))
    return floor + (1 - 2 * floor) * np.array([1 - share, share])


def _as_rows(rows_, sums):
    which = np.repeat(np.arange(rows_.size), rows_.astype(int))
    came = np.concatenate([np.arange(n) < s for n, s in zip(rows_, sums, strict=True)]).astype(float)
    return which, came


@pytest.mark.parametrize(
    "settings",
    [(), ("traffic.delay_days=2", "traffic.seasonality.level=[0,0.1,0,-0.1,0,0.2,0]")],
    ids=["plain", "late"],
)
def test_a_watched_experiment_is_estimated_by_its_rows_and_the_policys_own_shares(settings):
    """The shares are worked out anew from what had arrived; day by day, with outcomes late and weekdays that differ."""
    base = (TRUE, "traffic.units_per_day=60", "traffic.days=7", "variants.0.mean=0.4", "variants.1.mean=0.45")
    result = Study.load("hallucination-prompt", [*base, *settings], ["thompson(floor=0.1)"]).run(replicates=40, luck=3)
    shown, delay = result.strategies[0].trace, 2 if settings else 0
    daily = np.diff(shown.state, axis=0, prepend=0.0)[delay:]
    known = np.concatenate([np.zeros((1 + delay, 4, 2)), shown.state[delay:]])[: len(daily)]
    days = []
    for t, today in enumerate(daily):
        n, s = known[t, 1], known[t, 2]
        p = _p_best(s, n - s, 0.1) if n.sum() else np.full(2, 0.5)
        days.append((*_as_rows(today[1], today[2]), p))
        value, error = slow.estimated(days, np.full(7, 60.0))
        np.testing.assert_allclose(shown.logged[t + delay, :, :, 0], value, atol=2e-5)
        np.testing.assert_allclose(shown.logged[t + delay, :, :, 1], error, rtol=2e-4)
    assert np.isnan(shown.logged[:delay]).all()
    assert result.verdict.estimate == shown.logged[-1, ROOT, 0, 0]
    assert document(result)["strategies"][0]["trace"]["days"][-1]["estimate"][0] == result.verdict.estimate
    out = result.strategies[0].worlds["truth"]
    np.testing.assert_array_equal(out.logged[3], shown.logged[-1])


@pytest.mark.arithmetic
def test_estimates_have_the_law_of_user_by_user_play():
    """500 experiments of 5 days, 40 users each, played one user at a time."""
    settings = (TRUE, "traffic.units_per_day=40", "traffic.days=5", "variants.0.mean=0.6", "variants.1.mean=0.5")
    out = engine.played(Study.load("hallucination-prompt", settings, ["thompson(floor=0.1)"]), "truth",
                        replicates=8000, seed=5)["thompson(floor=0.1)"]  # fmt: skip
    rng, rates, size = np.random.default_rng(20261130), np.array([0.4, 0.5]), 500
    found, naive = np.zeros((size, 2, METHODS)), np.zeros(size)
    for r in range(size):
        n, s, days = np.zeros(2), np.zeros(2), []
        for day in range(5):
            p = _p_best(s, n - s, 0.1) if day else np.full(2, 0.5)
            which, came = np.zeros(40, int), np.zeros(40)
            for user in range(40):
                which[user] = rng.random() < p[1]
                came[user] = rng.random() < rates[which[user]]
            days.append((which, came, p))
            for a in range(2):
                n[a] += (which == a).sum()
                s[a] += came[which == a].sum()
        value, error = slow.estimated(days, np.full(5, 40.0))
        found[r] = value[:, 0], error[:, 0]
        naive[r] = s[1] / n[1] - s[0] / n[0]
    for m in range(METHODS):
        mine, other = out.logged[:, m, 0, 0] - 0.1, found[:, 0, m] - 0.1
        spread = np.hypot(mine.std() / np.sqrt(mine.size), other.std() / np.sqrt(size))
        assert abs(mine.mean() - other.mean()) < 4 * spread
        # A variance of 500 values has a relative error of sqrt((kurtosis - 1) / 500).
        weight = np.sqrt((stats.kurtosis(mine, fisher=False) - 1) / size)
        assert abs(other.var() / mine.var() - 1) < 4 * weight
        held = [np.mean(np.abs(x) <= 1.96 * e) for x, e in ((mine, out.logged[:, m, 0, 1]), (other, found[:, 1, m]))]
        assert abs(held[0] - held[1]) < 4 * np.sqrt(0.05 * 0.95 / size)
    plain = operating.naive(out, True).effect[:, 0]
    assert abs(plain.mean() - naive.mean()) < 4 * naive.std() / np.sqrt(size)


@pytest.mark.arithmetic
@pytest.mark.parametrize("name", study_inference.WEEKS)
def test_weighted_intervals_cover_within_three_points_where_naive_ones_fall_short(name):
    scenario, out = study_inference.played(name)
    worth = study_inference.worth(name)
    for method in (ROOT, TWO_POINT):
        assert np.all(np.abs(worth[NAMES[method]][2] - 0.95) <= 0.03)
    bias, error, held = worth["sample_mean"]
    assert held.min() < 0.93
    assert np.any(np.abs(bias) > 3 * error)
    # Even weights are unbiased: what is left is simulation error.
    assert np.all(np.abs(worth["aipw_uniform"][0]) <= 4 * worth["aipw_uniform"][1])
    # What interval, verdict and figures use.
    np.testing.assert_array_equal(operating.estimates(out, scenario.by_counts).effect, out.logged[:, ROOT, :, 0])


def test_out_of_the_box_every_adaptive_strategy_has_a_valid_estimate():
    """Whatever moves traffic by what it sees keeps a small share of it for every arm, unless told not to."""
    study = Study.load("hallucination-prompt", [TRUE])
    for name in policies.names():
        kind = policies.get(name)
        if not issubclass(kind, BanditPolicy) or not kind.batched:
            continue
        one = strategy.build({"kind": name}, "test", "strategies.0")
        assert floored(study.scenario, one) == moves(study.scenario, one), name
        least = float(one.policy.floor_of(2, study=True)[0])
        assert least == (0.0 if one.policy.explores() else STUDY_FLOOR), name
        # Per request nothing is asked for and nothing is kept.
        assert one.policy.floor_of(2).tolist() == [0.0, 0.0]
    arms = policies.get("thompson")().floor_of(40, study=True)
    assert arms.sum() == pytest.approx(0.5)


def test_the_small_floor_keeps_a_loser_two_percent_of_the_traffic():
    """Far better arms: after the first day nothing but the floor goes to the loser, and the interval holds."""
    study = Study.load("summarization-prompt", [TRUE, "variants.1.mean=4.6"], ["thompson"])
    one = engine.played(study, "truth", replicates=2000, seed=5)["thompson"]
    days = study.scenario.traffic.days
    share = one.units[:, 0] / one.units.sum(axis=1)
    expected = (0.5 + 0.02 * (days - 1)) / days
    assert share.mean() == pytest.approx(expected, abs=0.01)


def test_without_a_floor_the_naive_estimate_stays_and_is_said_to_be_biased():
    bare, index = "thompson(floor=0)", "ucb1(floor=0)"
    names = [bare, index, "even", "thompson(floor=0.1)", "fixed-horizon"]
    result = Study.load("hallucination-prompt", [TRUE, "traffic.units_per_day=200", "traffic.days=7"], names).run(
        replicates=400
    )
    scenario = result.study.scenario
    told = {one["name"]: one["estimator"] for one in document(result)["strategies"]}
    assert [told[name]["valid_under_allocation"] for name in names] == [False, False, True, True, True]
    assert [len(told[name]["compared"]) for name in names] == [5, 5, 1, 5, 1]
    assert "thompson(floor=0.05)" in told[bare]["note"]
    assert told["thompson(floor=0.1)"]["note"] is None
    assert told["thompson(floor=0.1)"]["name"] == "adaptively weighted AIPW"
    for name in names:
        used = [each for each in told[name]["compared"] if each["used"]]
        assert len(used) == 1
        # The report's figure adds that it has no exact value.
        shown = {**result[name].figures["coverage"].to_json(), "reason": None}
        assert used[0]["coverage"] == shown == told[name]["coverage"]
    said = caveats(result)[-1]
    assert "thompson(floor=0.1) is off by" in said.partition("Without a valid one")[0]
    assert f"{index} is off by" in said.partition("Without a valid one")[2]
    assert "even is" not in said
    assert {row[0] for row in rows(result)} == {bare, index, "thompson(floor=0.1)"}
    assert {row[2] for row in rows(result) if row[0] == bare} == {"yes, not valid", "not valid"}
    worth = compared(result[bare], scenario)
    assert [one.used for one in worth] == [True, False, False, False, False]


def test_a_hybrid_and_dropped_losers_have_no_days_of_their_own():
    study = Study.load("ranking-diversity", [TRUE], ["drop-the-losers", "thompson(floor=0.1)"])
    drops, bandit = study.strategies
    assert (logs(study.scenario, drops), logs(study.scenario, bandit)) == (False, True)
    assert floored(study.scenario, bandit)
    assert "leave" in why_naive(study.scenario, drops)
    hybrid = Study.load("summarization-prompt", ["evaluator.kind=hybrid"], ["thompson(floor=0.1)"])
    assert not floored(hybrid.scenario, hybrid.strategies[0])
    assert "hybrid" in why_naive(hybrid.scenario, hybrid.strategies[0])


def test_a_winner_that_the_valid_estimate_does_not_confirm_is_not_launched():
    study = Study.load("hallucination-prompt", [TRUE, "traffic.units_per_day=150", "traffic.days=7"],
                       ["thompson(floor=0.1)"])  # fmt: skip
    result = study.run(replicates=1500)
    one = result.strategies[0]
    out = one.worlds["truth"]
    facts = recommend.known(study.scenario)
    found = recommend.judge(facts, 0.95, out, amounts=False, promised=False)
    value, error = out.logged[:, ROOT, 0, 0], out.logged[:, ROOT, 0, 1]
    won = out.code > 0
    wanted = won & ~(value - 1.959964 * error > 0)
    np.testing.assert_array_equal(found.unconfirmed, wanted)
    assert 30 < wanted.sum() < won.sum()
    assert not np.any(found.action[wanted] == recommend.LAUNCH)
    assert one.verdicts["launch"]["share"].value <= (won & ~wanted).mean()
    luck = int(np.flatnonzero(wanted)[0])
    verdict = study.run(replicates=luck + 1, luck=luck).strategies[0].verdict
    assert verdict.action != "launch"
    assert "pooled means" in verdict.reasons[0]
    # A rule that keeps its error rate on such traffic needs no second word.
    assert not recommend.judge(facts, 0.95, out, amounts=False).unconfirmed.any()
