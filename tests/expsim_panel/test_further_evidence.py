"""What more data is worth, and whose: against draws of the whole decision, brute force, and what must not matter."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from worlds import tree

from expsim_panel import recommend, trade_offs
from expsim_panel.economics import ledger
from expsim_panel.further_evidence import Seen, Stakes, any_pays, offers
from expsim_panel.pareto import best_probability, pareto_probability
from expsim_panel.report import verdict_of
from expsim_panel.results import Trace
from expsim_panel.scenario import Scenario
from expsim_panel.study import Study
from expsim_panel.suppliers import row_law, suppliers

pytestmark = pytest.mark.arithmetic

JUDGE = {
    "kind": "judge", "suspected_bias_sd": 0.1, "item_sd": 0.6, "repeat_sd": 0.5, "price_override": 0.002, "scale": 0.9,
}  # fmt: skip
PEOPLE = {"human": {"noise_sd": 0.5, "price_per_label": 0.5, "coverage": 0.02, "raters": 60}}
REPS = 400_000


def world(**tables: Any) -> dict[str, Any]:
    return tree(**{"evaluator": JUDGE, "evaluators": PEOPLE, "prior": {"effect_sd": 0.08}, **tables})


def stakes_of(made: dict[str, Any]) -> Stakes:
    scenario = Scenario.from_tree(made, "test")
    facts = recommend.known(scenario)
    return Stakes(
        facts.money, facts.prior, facts.suspected_bias, facts.coverage, facts.units_per_day, facts.binary, facts.who
    )


def seen(effect: float, rows: float = 500.0, units: float = 4000.0, variance: float = 1.42) -> Seen:
    return Seen(
        *(np.array([value]) for value in (effect, math.sqrt(2 * variance / rows), rows, units, 2 * units, 0.0, 0.5))
    )


def trace(effect: float, rows: int = 500, units: int = 4000, sd: float = 1.2, code: int = 0) -> Trace:
    means = np.array([3.0, 3.0 + effect])
    state = np.array([[units, units], [rows, rows], rows * means, rows * (sd**2 + means**2)], float)
    return Trace(0, code, 5, state[None])


def test_labels_on_judged_responses_are_worth_what_the_whole_decision_gains() -> None:
    """Draw effect, bias, scores and labels; decide by regression on all that was seen; compare with EVSI."""
    stakes = stakes_of(world())
    at_hand = seen(0.1)
    law = row_law(stakes.who, np.array([1.42]), np.array([0.5]), False)
    vy, vf, rho = float(law.label[0]), float(law.score[0]), float(law.rho[0])
    hybrid = next(one for one in offers(stakes, at_hand) if one.source == "hybrid")
    n, big = float(hybrid.labels[0]) / 2, 500.0
    g = np.random.default_rng(4)
    # Given F, the posterior of (D, beta) and of what labels will show: draw them jointly with F, by their law.
    d = 0.08 * g.standard_normal(REPS)
    beta = 0.1 * g.standard_normal(REPS)
    chol = np.linalg.cholesky(2 * np.array([[vy, rho * math.sqrt(vy * vf)], [rho * math.sqrt(vy * vf), vf]]))
    labelled = chol @ g.standard_normal((2, REPS)) / math.sqrt(n)
    rest = math.sqrt(2 * vf / (big - n)) * g.standard_normal(REPS)
    y, f_n = d + labelled[0], d + beta + labelled[1]
    f_all = (n * f_n + (big - n) * (d + beta + rest)) / big
    # The best linear prediction of D, before and after: its variance is what EVSI rests on.
    before = np.stack([f_all])
    after = np.stack([y, f_n, f_all])
    left = [_unexplained(d, x) for x in (before, after)]
    market = 1 / (0.08**-2 + 1 / (2 * vf / big + 0.01))
    assert left[0] == pytest.approx(market, rel=4 * math.sqrt(2 / REPS))
    s = 0.1 * math.sqrt(left[0] - left[1])
    mean = market * 0.1 / (2 * vf / big + 0.01)
    z = 0.1 * mean / s
    loss = s * (math.exp(-z * z / 2) / math.sqrt(2 * math.pi) - z * math.erfc(z / math.sqrt(2)) / 2)
    served = float(hybrid.days[0]) * stakes.units_per_day
    assert hybrid.value[0] == pytest.approx((stakes.money.horizon - 8000 - served) * loss, rel=0.02)


def _unexplained(target: np.ndarray, known: np.ndarray) -> float:
    known = np.vstack([known, np.ones(target.size)])
    weight, *_ = np.linalg.lstsq(known.T, target, rcond=None)
    return float(np.var(target - weight @ known))


@pytest.mark.parametrize("own", ["judge", "human"])
@pytest.mark.parametrize("effect", [0.0, 0.05, -0.06, 0.15])
def test_the_amount_is_the_best_of_all_by_brute_force(own: str, effect: float) -> None:
    made = world()
    if own == "human":
        made["evaluator"], made["evaluators"] = {"kind": "human", **PEOPLE["human"]}, {"judge": JUDGE | {}}
        del made["evaluators"]["judge"]["kind"]
    stakes = stakes_of(made)
    at_hand = seen(effect, rows=80.0)
    found = offers(stakes, at_hand)
    assert {one.source for one in found} == {"judge", "human", "hybrid"}
    from expsim_panel.evidence_market import Market

    market = Market(stakes, at_hand)
    for one in found:
        source, _ = market.sources()[one.source]
        every = np.arange(1.0, 100_001.0)[None, :]
        net, _ = market.net(source(every))
        assert float(one.net_benefit[0]) <= net.max() + 1e-9
        if net.max() > 1:
            assert float(one.net_benefit[0]) >= 0.98 * net.max()


def test_a_judges_scores_saturate_and_labels_do_not() -> None:
    stakes = stakes_of(world())
    found = {one.source: one for one in offers(stakes, seen(0.02))}
    assert found["judge"].ceiling[0] < 0.5 * found["human"].ceiling[0]
    more = [offers(replace(stakes, coverage=1.0), seen(0.02, rows=rows))[0].value[0] for rows in (100.0, 1e5)]
    assert more[1] < more[0]
    fair = replace(stakes, bias=0.0)
    assert offers(fair, seen(0.02))[0].ceiling[0] > found["judge"].ceiling[0]


@pytest.mark.parametrize("family", ["normal", "binary"])
@pytest.mark.parametrize("own", ["judge", "human", "truth"])
def test_thousands_of_verdicts_are_those_of_each_alone(family: str, own: str) -> None:
    rates = {"sensitivity": 0.85, "specificity": 0.9}
    judge = {**JUDGE, **rates, "suspected_bias_sd": 0.004} if family == "binary" else JUDGE
    people = {"human": {**PEOPLE["human"], **rates}} if family == "binary" else PEOPLE
    tables: dict[str, Any] = {"evaluators": {**people, "judge": {k: v for k, v in judge.items() if k != "kind"}}}
    tables["evaluator"] = {"kind": own, **tables["evaluators"].get(own, {})}
    tables["traffic"] = {"units_per_day": 2000, "days": 5}
    study = Study.from_tree(tree(family, **tables), "test", names=["peek-daily"])
    out = study.run(replicates=3000, seed=5)["peek-daily"].worlds["truth"]
    facts = recommend.known(study.scenario)
    quick = recommend.judge(facts, 0.95, out, amounts=False)
    whole = recommend.judge(facts, 0.95, out)
    np.testing.assert_array_equal(quick.action, whole.action)
    collected = whole.action == recommend.COLLECT
    assert (whole.more[collected] > 0).all()


def test_collect_if_and_only_if_something_is_worth_more_than_it_costs() -> None:
    stakes = stakes_of(world())
    effects = np.linspace(-0.3, 0.3, 200)
    for horizon in (1e4, 1e5, 1e6):
        money = replace(stakes.money, horizon=horizon)
        many = Seen(*(np.concatenate([part] * 200) for part in seen(0.0).__dict__.values()))
        many = replace(many, effect=effects)
        best = np.max([one.net_benefit for one in offers(replace(stakes, money=money), many)], axis=0)
        np.testing.assert_array_equal(any_pays(replace(stakes, money=money), many), best > 0)


def verdict(made: dict[str, Any], shown: Trace) -> Any:
    study = Study.from_tree(made, "test", names=["fixed-horizon"])
    return verdict_of(study.scenario, study.strategies[0], shown)


def test_verdict_names_source_amount_dollars_and_days() -> None:
    told = verdict(world(), trace(0.12, rows=3000, code=1))
    chosen = max(told.evidence, key=lambda one: one.net_benefit)
    assert (told.action, chosen.source, chosen.pays) == ("collect", "hybrid", True)
    assert told.more_units == chosen.labels
    assert told.more_cost == pytest.approx(0.5 * chosen.labels) == chosen.cost
    # 60 raters of 6 hours, 36.8 seconds a label.
    assert chosen.days == pytest.approx(chosen.labels * 36.8 / (60 * 6 * 3600))
    assert f"{chosen.labels:,} human labels of responses that the judge has scored" in told.sentence
    assert "on a judge's word alone launch only beyond" in told.reasons[0]
    assert any("at most" in reason and "bias stays" in reason for reason in told.reasons)
    poor = verdict(world(economics={"value_per_point": 0.001}), trace(0.12, code=1))
    assert poor.action == "inconclusive"
    assert not any(one.pays for one in poor.evidence if one.source != "judge")


def test_verdict_with_labels_lets_a_judge_help() -> None:
    made = world(evaluator={"kind": "human", **PEOPLE["human"]})
    made["evaluators"] = {"judge": {key: value for key, value in JUDGE.items() if key != "kind"}}
    told = verdict(made, trace(0.05, rows=80))
    assert told.action == "collect"
    best = max(told.evidence, key=lambda one: one.net_benefit)
    assert told.more_units == (best.units or best.labels or best.scores)


def test_truth_and_true_bias_do_not_enter() -> None:
    held = world()
    changed = world(variants=[{"name": "A", "mean": 2.0}, {"name": "B", "mean": 3.9, "sd": 2.0}])
    changed["evaluator"] = {**JUDGE, "differential_bias": 0.3, "offset": 0.2, "drift": 0.1}
    for effect, code in ((0.12, 1), (0.02, 0), (0.5, 1)):
        assert verdict(held, trace(effect, code=code)) == verdict(changed, trace(effect, code=code))


def test_row_law_is_that_of_rows() -> None:
    who = suppliers(Scenario.from_tree(world(), "test"))
    g = np.random.default_rng(3)
    q = 1.1 * g.standard_normal(REPS)
    y = q + 0.5 * g.standard_normal(REPS)
    f = 0.9 * q + 0.6 * g.standard_normal(REPS) + 0.5 * g.standard_normal(REPS)
    law = row_law(who, np.array([f.var()]), np.array([0.0]), False)
    assert law.label[0] == pytest.approx(y.var(), rel=0.01)
    assert law.rho[0] == pytest.approx(np.corrcoef(y, f)[0, 1], abs=0.005)
    rates = {"sensitivity": 0.8, "specificity": 0.9}
    made = tree("binary", evaluator={"kind": "judge", **rates}, evaluators={"human": {"sensitivity": 0.9}})
    who = suppliers(Scenario.from_tree(made, "test"))
    true = g.random(REPS) < 0.2
    f, y = g.random(REPS) < np.where(true, 0.8, 0.1), g.random(REPS) < np.where(true, 0.9, 0.0)
    law = row_law(who, np.array([f.var()]), np.array([f.mean()]), True)
    assert law.label[0] == pytest.approx(y.var(), rel=0.02)
    assert law.rho[0] == pytest.approx(np.corrcoef(y, f)[0, 1], abs=0.01)


def test_trade_off_equals_draws() -> None:
    g = np.random.default_rng(9)
    mean, sd = np.array([0.0, 0.1, -0.05, 0.2]), np.array([0.1, 0.15, 0.05, 0.2])
    cost, wait = np.array([1.0, 2.0, 1.0, 3.0]), np.array([1.0, 1.0, 0.5, 2.0])
    handicap = np.array([0.0, 0.05, -0.02, 0.12])
    q = mean + sd * g.standard_normal((REPS, 4))
    slack = 4 * 0.5 / math.sqrt(REPS)
    found = trade_offs.frontier_probability(mean, sd, cost, wait)
    assert found == pytest.approx(pareto_probability(q, cost[None], wait[None]), abs=slack)
    found = trade_offs.best_probability(mean, sd, handicap)
    assert found == pytest.approx(best_probability(q - handicap), abs=slack)
    assert found.sum() == pytest.approx(1, abs=1e-9)
    two = trade_offs.best_probability(mean[:2], sd[:2], handicap[:2])
    assert two[1] == pytest.approx(0.5 * math.erfc(-0.05 / math.hypot(0.1, 0.15) / math.sqrt(2)), abs=1e-9)


def test_trade_off_of_data_uses_prices_and_waiting() -> None:
    made = world()
    made["variants"][0] |= {"latency_ms": {"median": 1000, "p95": 2000}, "price_override": 0.001}
    made["variants"][1] |= {"latency_ms": {"median": 2000, "p95": 4000}, "price_override": 0.003}
    told = verdict(made, trace(0.12))
    assert told.trade_off is not None
    spread = told.trade_off
    assert spread.frontier[0] == 1.0
    sd = math.hypot(1.2 / math.sqrt(499), 0.1 / math.sqrt(2)) * math.sqrt(2)
    assert spread.frontier[1] == pytest.approx(0.5 * math.erfc(-0.12 / sd / math.sqrt(2)), abs=1e-6)
    handicap = ledger(Scenario.from_tree(made, "test")).handicap[1] / 0.1
    assert spread.best[1] == pytest.approx(0.5 * math.erfc(-(0.12 - handicap) / sd / math.sqrt(2)), abs=1e-6)
    assert [row["variant"] for row in spread.to_json()] == ["A", "B"]


def hybrid(**own: Any) -> dict[str, Any]:
    judge = {key: value for key, value in JUDGE.items() if key != "kind"}
    return world(evaluator={"kind": "hybrid", "coverage": 0.5, "label_share": 0.2, "judge": judge, **own,
                            "human": PEOPLE["human"]})  # fmt: skip


def test_a_hybrid_can_have_more_units_more_labels_or_more_scores() -> None:
    """The posterior variance of a normal D after more labels, by least squares on drawn labels and scores."""
    stakes = stakes_of(hybrid())
    quality, n, judged = 1.0, 80, 400
    label, score = quality + 0.25, 0.81 * quality + 0.61
    rho = 0.9 * quality / math.sqrt(label * score)
    per_label = label * (1 - rho**2 + rho**2 * 0.2)
    at_hand = seen(0.05, rows=n, units=800, variance=per_label)
    law = row_law(stakes.who, np.array([per_label]), np.array([0.5]), False)
    assert (law.label[0], law.score[0], law.rho[0]) == tuple(map(pytest.approx, (label, score, rho)))
    found = {one.source: one for one in offers(stakes, at_hand)}
    assert list(found) == ["hybrid", "human", "judge"]
    assert [one.own for one in found.values()] == [True, False, False]
    from expsim_panel.evidence_market import Market

    market = Market(stakes, at_hand)
    g = np.random.default_rng(2)
    for name, more in (("human", 200), ("judge", 300)):
        labels, scores = (n + more, judged) if name == "human" else (n, judged + more)
        # The difference of two corrected means, regression coefficient known, from sums of many experiments.
        spread = np.linalg.cholesky([[label, rho * math.sqrt(label * score)], [rho * math.sqrt(label * score), score]])
        near = spread @ g.standard_normal((2, 2, REPS)).reshape(2, -1) / math.sqrt(labels)
        far = math.sqrt(score / (scores - labels)) * g.standard_normal(2 * REPS)
        weight = rho * math.sqrt(label / score)
        every = (labels * near[1] + (scores - labels) * far) / scores
        means = (near[0] + weight * (every - near[1])).reshape(2, REPS)
        variance = float(np.var(means[1] - means[0]))
        told = market.sources()[name][0](np.array([[float(more)]]))
        assert told.precision[0, 0] == pytest.approx(0.08**-2 + 1 / variance, rel=4 * math.sqrt(2 / REPS))
    assert found["human"].ceiling[0] > found["judge"].ceiling[0] > 0
    for one in found.values():
        source, _ = market.sources()[one.source]
        net, _ = market.net(source(np.arange(1.0, 100_001.0)[None, :]))
        assert float(one.net_benefit[0]) <= net.max() + 1e-9
        if net.max() > 1:
            assert float(one.net_benefit[0]) >= 0.98 * net.max()
    told = verdict(hybrid(), trace(0.05, rows=80, units=800, sd=1.0))
    assert {one.source for one in told.evidence} == {"hybrid", "human", "judge"}
    pays = bool(any_pays(stakes, at_hand)[0])
    assert pays == any(one.net_benefit[0] > 0 for one in found.values())


@pytest.mark.parametrize(("days_per_week", "left"), [(7, 0.0), (5, 28 * 7 / 5 - 28)])
def test_the_answer_waits_for_the_last_label(days_per_week: int, left: float) -> None:
    """One rater of 6 hours who has 6 hours of work a day: weekends are what is left at the end."""
    people = {"kind": "human", "raters": 1, "hours_per_day": 6, "seconds": 36, "coverage": 1.0, "price_per_label": 0.1}
    made = tree(evaluator={**people, "days_per_week": days_per_week}, traffic={"units_per_day": 600, "days": 28})
    result = Study.from_tree(made, "test", names=["fixed-horizon"]).run(replicates=50)
    assert result["fixed-horizon"].figures["waiting_days"].value == pytest.approx(left)


def test_the_judge_keeps_up_by_its_calls_at_a_time() -> None:
    slow = {"kind": "judge", "seconds": 60.0, "concurrency": 1}
    made = tree(evaluator=slow, traffic={"units_per_day": 2880, "days": 10})
    result = Study.from_tree(made, "test", names=["fixed-horizon"]).run(replicates=50)
    assert result["fixed-horizon"].figures["waiting_days"].value == pytest.approx(10.0)


@pytest.mark.parametrize("limit", ["people", "judge", "neither"])
def test_calendar_days_of_a_hybrid_by_a_queue_hour_by_hour(limit: str) -> None:
    """A day brings its labels and scores; people clear theirs in their hours, the judge its calls around the clock."""
    week = 5 if limit == "people" else 7
    people = {"raters": 2, "hours_per_day": 6.0, "seconds": 120.0, "price_per_label": 0.1, "days_per_week": week}
    judge = {"seconds": 40.0 if limit == "judge" else 1.0, "concurrency": 1, "price_override": 0.001}
    own = {"kind": "hybrid", "coverage": 1.0, "label_share": 0.1, "judge": judge, "human": people}
    made = tree(evaluator=own, traffic={"units_per_day": 3000, "days": 12})
    one = Study.from_tree(made, "test", names=["fixed-horizon"]).run(replicates=40)["fixed-horizon"]
    labels, scores, ended = 0.0, 0.0, 0.0
    for hour in range(24 * 200):
        if hour < 12 * 24:
            labels, scores = labels + 300 / 24, scores + 3000 / 24
        labels = max(0.0, labels - 2 * 6 * 3600 / 120 * week / 7 / 24)
        scores = max(0.0, scores - 3600 / judge["seconds"])
        if labels + scores > 1e-9 or hour < 12 * 24:
            ended = (hour + 1) / 24
    assert one.figures["calendar_days"].value == pytest.approx(max(ended, 12.0), abs=0.05)
    assert one.figures["waiting_days"].value == pytest.approx(max(ended, 12.0) - 12, abs=0.05)
    assert one.figures["rater_hours"].value == pytest.approx(3600 * 120 / 3600)


@pytest.mark.parametrize(
    ("value", "said"),
    [(None, "n/a"), (0.02, "less than an hour"), (1 / 24, "1 hour"), (2 / 24, "2 hours"), (1.0, "1 day"),
     (3104.0, "3,104 days")],
)  # fmt: skip
def test_times_are_said_as_people_do(value: float | None, said: str) -> None:
    from expsim_panel.wording_evidence import _time

    assert _time(value) == said
