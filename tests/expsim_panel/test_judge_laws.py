"""Fields of judges and raters: closed forms against rows drawn one by one, and what a study makes of them."""

import json
import math

import numpy as np
import pytest
from scipy import stats
from worlds import exact_in, played, tree

from expsim_panel import judge_laws, plan
from expsim_panel.errors import InputError
from expsim_panel.label_laws import joint
from expsim_panel.operating import estimates, rejected
from expsim_panel.scenario import Scenario
from expsim_panel.study import Study

MEANS, SDS = np.array([[3.0, 3.4]]), np.array([[1.0, 0.8]])
ROWS = 400_000


def _evaluator(kind="judge", family="normal", **fields):
    return Scenario.from_tree(tree(family, evaluator={"kind": kind, **fields}), "test").evaluator


def _same(found, rows):
    """A mean and an SD against drawn rows, 4 standard errors."""
    assert found[0] == pytest.approx(rows.mean(), abs=4 * rows.std() / math.sqrt(len(rows)))
    spread = np.sqrt(np.mean((rows - rows.mean()) ** 4) / rows.var() - rows.var()) / 2 / math.sqrt(len(rows))
    assert found[1] == pytest.approx(rows.std(), abs=4 * spread)


@pytest.mark.parametrize(("judges", "correlation"), [(1, 0.5), (3, 0.0), (5, 0.3), (4, 1.0)])
def test_variance_of_a_panels_mean(judges, correlation):
    judge = _evaluator(item_sd=0.6, repeat_sd=0.4, repeats=2, judges=judges, error_correlation=correlation)
    single = 0.6**2 + 0.4**2 / 2
    found = judge.measure(MEANS, SDS, "normal").sds[0]
    np.testing.assert_allclose(found**2, SDS[0] ** 2 + single * (1 + (judges - 1) * correlation) / judges, rtol=1e-12)
    rng = np.random.default_rng(1)
    common = math.sqrt(correlation * single) * rng.standard_normal(ROWS)
    errors = common + math.sqrt((1 - correlation) * single) * rng.standard_normal((judges, ROWS))
    _same((3.0, found[0]), rng.normal(3, 1, ROWS) + errors.mean(axis=0))


@pytest.mark.parametrize("correlation", [0.0, 0.3, 0.8, 1.0])
@pytest.mark.parametrize(("rate", "votes"), [(0.75, 3), (0.93, 5), (0.2, 9)])
def test_majority_is_the_tail_of_a_crossed_probit(rate, votes, correlation):
    rng = np.random.default_rng(2)
    common = rng.standard_normal(ROWS)
    latent = math.sqrt(correlation) * common + math.sqrt(1 - correlation) * rng.standard_normal((votes, ROWS))
    share = (np.sum(latent < stats.norm.ppf(rate), axis=0) > votes / 2).mean()
    found = judge_laws.majority(rate, votes, correlation)
    assert found == pytest.approx(share, abs=4 * math.sqrt(found * (1 - found) / ROWS))
    if correlation == 0:
        assert found == pytest.approx(stats.binom.sf(votes // 2, votes, rate), rel=1e-12)
    if correlation == 1:
        assert found == rate
    alike = np.all(latent < stats.norm.ppf(rate), axis=0).mean()
    found = judge_laws.unanimous(rate, votes, correlation)
    assert found == pytest.approx(alike, abs=4 * math.sqrt(found * (1 - found) / ROWS) + 1e-9)


def test_majority_against_the_multivariate_normal():
    cut, shared = stats.norm.ppf(0.8), 0.4
    cover = np.full((3, 3), shared) + (1 - shared) * np.eye(3)
    three = stats.multivariate_normal(np.zeros(3), cover, seed=1, abseps=1e-7, maxpts=3_000_000).cdf(np.full(3, cut))
    two = stats.multivariate_normal(np.zeros(2), cover[:2, :2]).cdf(np.full(2, cut))
    assert judge_laws.majority(0.8, 3, shared) == pytest.approx(3 * two - 2 * three, abs=1e-5)


@pytest.mark.parametrize("correlation", [-0.6, 0.0, 0.5, 0.95])
def test_refusals_leave_a_selected_law(correlation):
    judge = _evaluator(refusals=0.2, refusal_correlation=correlation, scale=0.8, offset=0.2, item_sd=0.5)
    seen = judge.measure(MEANS, SDS, "normal")
    law = joint(judge, _evaluator("human"), MEANS, SDS, "normal")
    rng = np.random.default_rng(3)
    for arm in (0, 1):
        q = rng.normal(MEANS[0, arm], SDS[0, arm], ROWS)
        h = stats.norm.ppf(0.8) + correlation * (MEANS[0, arm] - 3.0) / SDS[0, arm]
        index = h + correlation * (q - MEANS[0, arm]) / SDS[0, arm]
        scored = index + math.sqrt(1 - correlation**2) * rng.standard_normal(ROWS) > 0
        if arm == 0:
            assert scored.mean() == pytest.approx(0.8, abs=4 * 0.4 / math.sqrt(ROWS))
        f = 0.2 + 0.8 * q + 0.5 * rng.standard_normal(ROWS)
        _same((seen.means[0, arm], seen.sds[0, arm]), f[scored])
        filled = np.where(scored, f, f[scored].mean())
        _same((law.score[0, arm], law.score_sd[0, arm]), filled)
        assert law.covariance[0, arm] == pytest.approx(np.cov(q, filled)[0, 1], abs=0.005)
    assert judge.row_share == pytest.approx(0.8)


def test_refusals_of_the_worst_are_a_truncation():
    judge = _evaluator(refusals=0.3, refusal_correlation=1 - 1e-12)
    cut = stats.norm.ppf(0.3)
    law = stats.truncnorm(cut, np.inf, 3.0, 1.0)
    found = judge.measure(MEANS[:, :1], SDS[:, :1], "normal")
    assert found.means[0, 0] == pytest.approx(law.mean(), rel=1e-6)
    assert found.sds[0, 0] == pytest.approx(law.std(), rel=1e-5)


@pytest.mark.parametrize("correlation", [-0.5, 0.0, 0.6])
def test_refused_rates(correlation):
    rates = np.array([[0.2, 0.3]])
    judge = _evaluator(family="binary", refusals=0.1, refusal_correlation=correlation, sensitivity=0.9, specificity=0.8)
    one, none = judge_laws.judged_rates(rates, 0.1, correlation)
    assert 0.2 * one[0, 0] + 0.8 * none[0, 0] == pytest.approx(0.9, abs=1e-12)
    slope = correlation / math.sqrt(1 - correlation**2) / 0.4
    assert stats.norm.ppf(one[0, 0]) - stats.norm.ppf(none[0, 0]) == pytest.approx(slope, abs=1e-9)
    np.testing.assert_allclose(one[0, 0], one[0, 1])
    scored = rates * one / (rates * one + (1 - rates) * none)
    found = judge.measure(rates, np.sqrt(rates * (1 - rates)), "binary").means
    np.testing.assert_allclose(found, scored * 0.9 + (1 - scored) * 0.2, rtol=1e-12)


def test_scores_on_a_favourite():
    judge = _evaluator(pile_up=0.4, pile_up_at=4.0, scale=0.9, item_sd=0.5, differential_bias=0.1)
    seen = judge.measure(MEANS, SDS, "normal")
    law = joint(judge, _evaluator("human"), MEANS, SDS, "normal")
    rng = np.random.default_rng(5)
    for arm in (0, 1):
        q = rng.normal(MEANS[0, arm], SDS[0, arm], ROWS)
        f = 0.9 * q + 0.1 * arm + 0.5 * rng.standard_normal(ROWS)
        f[rng.random(ROWS) < 0.4] = 4.0
        _same((seen.means[0, arm], seen.sds[0, arm]), f)
        assert law.covariance[0, arm] == pytest.approx(np.cov(q, f)[0, 1], abs=0.006)
        assert (law.score[0, arm], law.score_sd[0, arm]) == pytest.approx((seen.means[0, arm], seen.sds[0, arm]))


def test_longer_answers_look_better_and_upgrades_come_overnight():
    plain, long = _evaluator(), _evaluator(verbosity=0.2, length_sds=[0.0, 0.5])
    gap = long.measure(MEANS, SDS, "normal").means - plain.measure(MEANS, SDS, "normal").means
    np.testing.assert_allclose(gap, [[0, 0.1]])
    world = tree(evaluator={"kind": "judge", "upgrade_shift": 0.3, "upgrade_day": 4, "drift": 0.1})
    scenario = Scenario.from_tree(world, "test")
    law = plan.law(scenario, "truth", 1, 0, 1)
    drift = 0.1 * (np.arange(5) + 0.5) / 5
    np.testing.assert_allclose(law.uneven.shift, np.add(drift, [0, 0, 0, 0.3, 0.3])[:, None] * np.ones(2))
    assert plan.law(scenario, "unbiased", 1, 0, 1).uneven is None


def test_tired_raters():
    human = _evaluator("human", noise_sd=0.5, fatigue=1.0, labels_per_item=2, raters=20, seconds=1.0, coverage=0.1)
    found = human.measure(MEANS, SDS, "normal").sds[0]
    times = (np.arange(100_000) + 0.5) / 100_000
    noise = np.mean((0.5 * (1 + times)) ** 2)
    np.testing.assert_allclose(found**2, SDS[0] ** 2 + noise / 2, rtol=1e-8)
    human = _evaluator("human", "binary", sensitivity=0.9, specificity=0.8, fatigue=0.5)
    assert human.vote() == pytest.approx((0.9 - 0.4 * 0.25, 0.8 - 0.3 * 0.25))


def test_an_adjudicator_breaks_ties():
    fields = {"sensitivity": 0.9, "specificity": 0.8, "price_per_label": 1.0, "coverage": 0.1, "seconds": 1.0}
    two = _evaluator("human", "binary", labels_per_item=2, adjudication=True, **fields)
    three = _evaluator("human", "binary", labels_per_item=3, **fields)
    # Two labels and an equally good third where they differ: as right as three, for fewer labels.
    assert two.vote() == pytest.approx(three.vote())
    assert two.usd_per_row() == pytest.approx(2 + (2 * 0.9 * 0.1 + 2 * 0.8 * 0.2) / 2)
    assert three.usd_per_row() == 3


def test_late_labels_delay_the_decision():
    world = tree(evaluator={"kind": "human", "coverage": 0.05, "delay_days": 2, "raters": 20, "seconds": 10.0})
    study = Study.from_tree(world, "test", names=["fixed-horizon"])
    out = played(study, "truth", 200)["fixed-horizon"]
    assert np.all(out.day == 7)
    assert plan.schedule(study.scenario).rows[1].sum() == 0


@pytest.mark.parametrize(
    "fields",
    [
        {"judges": 3, "error_correlation": 0.4, "item_sd": 0.5},
        {"refusals": 0.1, "refusal_correlation": 0.5, "item_sd": 0.5},
        {"pile_up": 0.3, "item_sd": 0.5},
        {"verbosity": 0.05, "length_sds": [0, 0.4]},
    ],
)
def test_a_study_plays_the_law(fields):
    study = Study.from_tree(tree(evaluator={"kind": "judge", **fields}), "test", names=["fixed-horizon"])
    out = played(study, "truth")["fixed-horizon"]
    share = rejected(out.code).mean()
    wanted = exact_in(study, "truth", "fixed-horizon")["rejection"]
    assert abs(share - wanted) <= 3 * math.sqrt(share * (1 - share) / 200_000)
    law = plan.law(study.scenario, "truth", 1, 0, 1)
    effect = estimates(out, False).effect[:, 0]
    assert effect.mean() == pytest.approx(law.means[0, 1] - law.means[0, 0], abs=3 * effect.std() / math.sqrt(200_000))


def test_labels_mend_refusals_not_at_random():
    judge = {"refusals": 0.3, "refusal_correlation": 0.9, "pile_up": 0.2}
    world = tree(
        evaluator={"kind": "judge", **judge}, variants=[{"name": "A", "mean": 3.0}, {"name": "B", "mean": 3.1}]
    )
    alone = plan.law(Scenario.from_tree(world, "test"), "truth", 1, 0, 1)
    assert abs(alone.means[0, 1] - alone.means[0, 0] - 0.1) > 0.02
    world["evaluator"] = {"kind": "hybrid", "label_share": 0.2, "judge": judge, "human": {"seconds": 1.0, "raters": 99}}
    study = Study.from_tree(world, "test", names=["fixed-horizon"])
    out = played(study, "truth", 20_000)["fixed-horizon"]
    found = estimates(out, False)
    assert found.effect.mean() == pytest.approx(0.1, abs=3 * found.effect.std() / math.sqrt(20_000))
    assert found.se.mean() == pytest.approx(found.effect.std(), rel=3 / math.sqrt(40_000) + 0.002)
    law = plan.law(study.scenario, "truth", 1, 0, 1)
    assert found.effect.std() == pytest.approx(math.sqrt((law.sds[0] ** 2).sum() / 10_000), rel=0.02)


@pytest.mark.parametrize("kind", ["judge", "human"])
def test_new_fields_leave_older_studies_as_they_were(kind):
    scenario = Scenario.from_tree(tree(evaluator={"kind": kind}), "test")
    written = json.dumps(scenario.evaluator.to_tree())
    assert not [key for key in scenario.evaluator.added if f'"{key}"' in written]
    changed = scenario.evaluator.copy(error_correlation=0.25)
    assert changed.to_tree()["error_correlation"] == 0.25


@pytest.mark.parametrize(
    ("kind", "family", "fields", "key"),
    [
        ("judge", "binary", {"judges": 2}, "judges"),
        ("judge", "binary", {"pile_up": 0.1}, "pile_up"),
        ("judge", "normal", {"length_sds": [0.1]}, "length_sds"),
        ("judge", "normal", {"length_sds": ["x"]}, "length_sds"),
        ("judge", "normal", {"refusals": 1.0}, "refusals"),
        ("judge", "normal", {"refusal_correlation": 1.0}, "refusal_correlation"),
        ("judge", "normal", {"upgrade_shift": 0.1, "upgrade_day": 9}, "upgrade_day"),
        ("judge", "binary", {"verbosity": 2.0, "length_sds": [0, 1]}, "verbosity"),
        ("human", "normal", {"adjudication": True}, "adjudication"),
        ("human", "normal", {"adjudication": True, "labels_per_item": 2}, "adjudication"),
        ("human", "normal", {"adjudication_gap": 1.0}, "adjudication_gap"),
        ("human", "binary", {"adjudication": True, "labels_per_item": 2, "adjudication_gap": 1.0}, "adjudication_gap"),
        ("human", "binary", {"adjudication": True}, "adjudication"),
        ("human", "binary", {"fatigue": 2.0}, "fatigue"),
    ],
)
def test_bad_fields_are_one_line(kind, family, fields, key):
    with pytest.raises(InputError) as caught:
        _evaluator(kind, family, **fields)
    assert caught.value.key.startswith(f"evaluator.{key}")
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(("votes", "gap"), [(2, 1.0), (2, 0.3), (3, 1.5), (5, 2.0)])
def test_adjudicated_scores_rating_by_rating(votes, gap):
    """Where labels lie further apart than the gap one more is averaged in: variance and price of a response's label."""
    fields = {"noise_sd": 0.6, "severity_sd": 0.0, "price_per_label": 1.0, "raters": 20, "coverage": 0.01}
    human = _evaluator("human", "normal", labels_per_item=votes, adjudication=True, adjudication_gap=gap, **fields)
    rng, n = np.random.default_rng(3), 400_000
    labels = 0.6 * rng.standard_normal((n, votes))
    wide = np.ptp(labels, axis=1) > gap
    mean = (labels.sum(axis=1) + np.where(wide, 0.6 * rng.standard_normal(n), 0.0)) / (votes + wide)
    assert human.apart() == pytest.approx(wide.mean(), abs=4 * 0.5 / math.sqrt(n))
    seen = human.measure(np.array([[3.0]]), np.array([[1.0]]), "normal").sds[0, 0] ** 2 - 1
    assert seen == pytest.approx(mean.var(), rel=5 * math.sqrt(2 / n))
    assert human.usd_per_row() == pytest.approx(votes + wide.mean(), abs=4 * 0.5 / math.sqrt(n))
    assert human.seconds_per_row() == pytest.approx(human.seconds * human.usd_per_row())
