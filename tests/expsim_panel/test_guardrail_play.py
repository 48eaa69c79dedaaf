"""Guardrails of simulated studies: figures against exact values and plain loops, the joint decision, the digest."""

from dataclasses import replace

import numpy as np
import pytest
from worlds import tree

from expsim_panel import engine, exact, guardrail_play, guardrail_verdict, operating, recommend
from expsim_panel.economics import ledger
from expsim_panel.guardrail_tests import FAIL, PASS, STUCK, UNKNOWN, Readings, classify
from expsim_panel.report import verdict_of
from expsim_panel.results import ARRAYS
from expsim_panel.study import Study

TICKETS = {"name": "tickets", "family": "binary", "means": [0.05, 0.052], "threshold": 0.015, "margin": 0.012}
LATENCY = {"name": "latency", "unit": "ms", "means": [1700, 1740], "sd": 900, "threshold": 90}
REVENUE = {
    "name": "revenue", "unit": "$", "direction": "increase", "kind": "relative",
    "means": [2.0, 1.99], "sd": 2.0, "threshold": 0.05,
}  # fmt: skip
TRAFFIC = {"units_per_day": 2000, "days": 5}


def study(*rails, names=("fixed-horizon", "obrien-fleming"), **tables):
    world = tree(
        **{"traffic": TRAFFIC, "variants": [{"name": "A", "mean": 3.0}, {"name": "B", "mean": 3.06}], **tables}
    )
    if rails:
        world["guardrails"] = list(rails)
    return Study.from_tree(world, "test", names=names)


@pytest.fixture(scope="module")
def result():
    return study(TICKETS, LATENCY, REVENUE).run(replicates=20_000, seed=3)


def test_every_figure_agrees_with_its_exact_value(result):
    compared = 0
    for one in result.strategies:
        found = [one.guarded.launch, one.guarded.held_back, one.under_null["false_launch"]]
        for check in one.guarded.checks:
            assert set(check.figures) >= {"p_pass", "p_fail", "p_unknown", "p_false_alarm", "p_pass_at_margin", "power"}
            found += check.figures.values()
        for figure in found:
            p = min(max(figure.exact, 1e-4), 1 - 1e-4)
            # 48 comparisons at 4 standard errors.
            assert figure.value == pytest.approx(figure.exact, abs=4 * np.sqrt(p * (1 - p) / 20_000))
            compared += 1
    assert compared == 48


def test_launches_are_what_the_guardrails_let_through(result):
    for one in result.strategies:
        out, codes = one.worlds["truth"], one.guarded.codes["truth"]
        won = [code > 0 for code in out.code]
        through = [w and all(c == PASS for c in codes[k, :, 0]) for k, w in enumerate(won)]
        assert one.guarded.launch.value == np.mean(through)
        assert one.guarded.held_back.value == pytest.approx(np.mean(won) - np.mean(through))
        assert 0.3 < one.guarded.held_back.value < 0.9
        assert one.figures["p_correct"].value == pytest.approx(np.mean(through))
        assert one.figures["power"].value == pytest.approx(np.mean(won), abs=0.01)
        assert sum(one.figures[name].value for name in (
            "p_correct", "p_harmful_launch", "p_suboptimal_launch", "p_missed_win", "p_inconclusive",
        )) == pytest.approx(1)  # fmt: skip


def test_the_veto_by_hand():
    codes = np.array([[PASS, PASS], [PASS, FAIL], [UNKNOWN, PASS], [UNKNOWN, FAIL], [STUCK, PASS], [FAIL, FAIL]])
    guards = guardrail_play.Guards(codes[:, :, None].astype(np.int8), None, np.zeros(2, bool), np.zeros(2))
    launch = guards.veto(np.ones(6, int), operating.KEEP, operating.NOTHING)
    assert launch.tolist() == [1, -1, 0, -1, 0, -1]
    # Without a launch there is nothing to veto.
    for chosen in (operating.KEEP, operating.NOTHING):
        assert guards.veto(np.full(6, chosen), -1, 0).tolist() == [chosen] * 6


def test_the_guardrails_of_the_arm_that_won_decide():
    codes = np.zeros((2, 1, 2), np.int8)
    codes[:, 0] = [[FAIL, PASS], [FAIL, PASS]]
    guards = guardrail_play.Guards(codes, None, np.zeros(3, bool), np.zeros(3))
    assert guards.veto(np.array([1, 2]), -1, 0).tolist() == [-1, 2]


def test_without_guardrails_nothing_changes_and_with_them_the_metrics_data_stay(result):
    bare = study().run(replicates=20_000, seed=3)
    assert "guardrails" not in bare.request.document
    assert all(one.guarded is None for one in bare.strategies)
    for one in bare.strategies:
        for world, arrays in one.worlds.items():
            for name in ARRAYS:
                assert np.array_equal(getattr(arrays, name), getattr(result[one.name].worlds[world], name))
        for name in ("power", "type1_error", "units", "cost", "coverage"):
            assert one.figures[name] == result[one.name].figures[name]
    assert bare.digest != result.digest
    assert result.digest == study(TICKETS, LATENCY, REVENUE).run(replicates=20_000, seed=3, workers=1).digest


@pytest.mark.parametrize(
    ("family", "digest"),
    [
        ("normal", "8f51faa7bcd6da1b0e2c174c5e3a80f1215c7ddaf4564d8624ef45ea1edcbfe3"),
        ("binary", "b088f4ecd48665acebfa2fb98befe877d46d909a4efc5a2dafe2d4a26d1c2442"),
    ],
)
def test_a_request_without_guardrails_has_the_digest_that_it_had_before_there_were_any(family, digest):
    made = Study.from_tree(tree(family), "test", names=["fixed-horizon", "obrien-fleming", "bayesian", "peek-daily"])
    assert replace(made.freeze(), seed=1, replicates=20_000).digest == digest


def test_common_luck_in_truth_and_twin_and_for_all_strategies():
    harmless = {**TICKETS, "means": [0.05, 0.05]}
    made = study(harmless, LATENCY, names=("fixed-horizon", "fixed-t")).run(replicates=1500, seed=3)
    codes = {one.name: one.guarded.codes for one in made.strategies}
    assert np.array_equal(codes["fixed-horizon"]["truth"], codes["fixed-t"]["truth"])
    assert np.array_equal(codes["fixed-t"]["truth"][:, 0], codes["fixed-t"]["null"][:, 0])
    assert not np.array_equal(codes["fixed-t"]["truth"][:, 1], codes["fixed-t"]["null"][:, 1])
    # Luck of more replicates continues that of fewer.
    more = study(harmless, LATENCY, names=("fixed-t",)).run(replicates=2500, seed=3)["fixed-t"]
    assert np.array_equal(more.guarded.codes["truth"][:1500], codes["fixed-t"]["truth"])


def test_three_arms_and_a_bandit():
    variants = [{"name": "A", "mean": 3.0}, {"name": "B", "mean": 3.05}, {"name": "C", "mean": 3.1}]
    rails = [{**TICKETS, "means": [0.05, 0.05, 0.09]}, {**LATENCY, "means": [1700, 1700, 1700]}]
    made = study(*rails, names=("fixed-horizon", "thompson"), variants=variants).run(replicates=3000, seed=2)
    for one in made.strategies:
        assert one.guarded.codes["truth"].shape == (3000, 2, 2)
        assert [(c.name, c.variant) for c in one.guarded.checks] == [
            ("tickets", "B"), ("tickets", "C"), ("latency", "B"), ("latency", "C"),
        ]  # fmt: skip
        assert [c.breached for c in one.guarded.checks] == [False, True, False, False]
        for check in one.guarded.checks:
            parts = [check.figures[name].value for name in ("p_pass", "p_fail", "p_unknown")]
            assert sum(parts) == pytest.approx(1)
        # C is the best in the metric and breaches: it must not be launched.
        assert one.guarded.checks[1].figures["p_pass"].value < 0.01
        assert one.guarded.p_breached_launch.value < 0.01
        assert one.guarded.breach_exposures.value > 0
    fixed, bandit = made["fixed-horizon"].guarded, made["thompson"].guarded
    assert all(check.figures["p_pass"].exact is not None for check in fixed.checks)
    assert bandit.checks[0].figures["p_pass"].exact is None
    shown = made["thompson"].worlds["truth"].units
    again = guardrail_play.draws(2, 0, 1000, 0, 3)
    seen = guardrail_play.readings(
        made.study.scenario.guardrails[0], shown[:1000], np.array([0.05, 0.05, 0.09]), *again
    )
    rule = made.study.scenario.guardrails[0].rule
    assert np.array_equal(classify(rule, seen), bandit.codes["truth"][:1000, 0])


def test_a_breaching_winner_is_a_harmful_launch_and_keeping_control_is_right():
    breach = {**LATENCY, "means": [1700, 1800], "margin": 90}
    one = study(breach, names=("fixed-horizon",)).run(replicates=4000, seed=5)["fixed-horizon"]
    launched = one.guarded.launch.value
    assert one.guarded.checks[0].breached
    assert one.figures["p_harmful_launch"].value == launched == one.guarded.p_breached_launch.value
    assert one.guarded.breached_among_launches.value in (None, 1.0)
    assert one.figures["p_missed_win"].value == 0
    assert one.guarded.breach_exposures.value == 5000
    # The control is the best that is allowed: what the breaching arm serves is no loss, and nothing is gained.
    assert one.figures["regret"].value == 0
    failed = (one.worlds["truth"].code > 0) & (one.guarded.codes["truth"][:, 0, 0] == FAIL)
    assert one.figures["p_correct"].value >= failed.mean() > 0.5


def test_a_breach_costs_its_penalty():
    breach = {**LATENCY, "means": [1700, 1800], "penalty": 0.02}
    one = study(breach, names=("fixed-horizon",)).run(replicates=500, seed=5)["fixed-horizon"]
    # B is worth 0.1 x 0.06 = 0.006 a response, less 0.02: 5,000 of its responses lose 0.014 each, and more after a launch.
    launches = one.guarded.launch.value
    after = 1_000_000 - 10_000
    assert one.figures["regret"].value == pytest.approx(0.014 * (5000 + after * launches), rel=1e-9)


def test_the_verdict_never_reads_the_guardrails_truth(result):
    shown = result["fixed-horizon"].trace
    base = study(TICKETS, LATENCY, REVENUE)
    moved = study({**TICKETS, "means": [0.01, 0.3]}, {**LATENCY, "means": [10, 9000]}, {**REVENUE, "means": [50, 1]})
    first, second = (verdict_of(each.scenario, each.strategies[0], shown) for each in (base, moved))
    assert first == second == result["fixed-horizon"].verdict
    assert [check.name for check in first.guardrails] == ["tickets", "latency", "revenue"]
    worse = replace(shown, readings=(*shown.readings[:2], _readings(2.0, 1.0, 4.0)))
    changed = verdict_of(base.scenario, base.strategies[0], worse)
    assert changed.guardrails[2].result == "fail"


def _readings(control, arm, variance, n=5000.0):
    return Readings(np.array([n, n]), np.array([control, arm]), np.array([variance, variance]))


def _verdict(*seen, code=1, rails=(TICKETS, LATENCY)):
    base = study(*rails, names=("fixed-horizon",))
    means = np.array([3.0, 3.08])
    state = np.array([[5000, 5000], [5000, 5000], 5000 * means, 5000 * (1 + means**2)], float)
    from expsim_panel.results import Trace

    return verdict_of(base.scenario, base.strategies[0], Trace(0, code, 5, state[None], seen))


OK = (_readings(0.05, 0.049, 0.05), _readings(1700, 1690, 900.0**2))


def test_joint_decisions_in_words():
    assert _verdict(*OK).action == "launch"
    failing = _verdict(OK[0], _readings(1700, 1830, 900.0**2))
    assert (failing.action, failing.variant) == ("keep", "A")
    assert "fails the guardrail latency" in failing.sentence
    assert "+130 ms" in failing.sentence
    unknown = _verdict(OK[0], _readings(1700, 1760, 900.0**2, n=400))
    assert unknown.action == "collect"
    assert "guardrail latency is not decided yet" in unknown.sentence
    assert f"{unknown.more_units:,} more units" in unknown.sentence
    stuck = _verdict(_readings(0.05, 0.063, 0.05, n=50_000.0), OK[1])
    assert stuck.action == "inconclusive"
    assert "would stay so" in stuck.sentence
    missing = _verdict(OK[0], None)
    assert missing.action == "collect"
    assert missing.sentence.startswith("Measure latency before launching B")
    kept = _verdict(OK[0], _readings(1700, 1830, 900.0**2), code=0)
    assert kept.action == "keep"


def test_more_units_decide_at_the_same_estimate():
    base = study(LATENCY, names=("fixed-horizon",)).scenario.guardrails[0]
    seen = _readings(1700, 1760, 900.0**2, n=400.0)
    check = guardrail_verdict.checks([base], ["A", "B"], [seen])[0]
    assert check.result == "unknown"
    n = 400 + check.more_units / 2
    assert classify(base.rule, _readings(1700, 1760, 900.0**2, n=n)).tolist() == [PASS]
    assert classify(base.rule, _readings(1700, 1760, 900.0**2, n=0.9 * n)).tolist() == [UNKNOWN]


def test_no_bad_event_says_what_that_still_allows():
    base = study(TICKETS, names=("fixed-horizon",)).scenario.guardrails
    check = guardrail_verdict.checks(base, ["A", "B"], [_readings(0.0, 0.0, 0.0, n=500.0)])[0]
    assert "No bad event in 500 units of B still allows a rate of 0.60 % (about 3/n)." in check.sentence


def test_breach_probability_from_the_data():
    from scipy.stats import norm

    base = study(LATENCY, names=("fixed-horizon",)).scenario.guardrails
    check = guardrail_verdict.checks(base, ["A", "B"], [_readings(1700, 1780, 900.0**2)])[0]
    assert check.p_breached == pytest.approx(norm.cdf((80 - 90) / (900 * np.sqrt(2 / 5000))))


def test_every_replicate_is_worded_like_the_one_on_screen():
    base = study(
        TICKETS, {**LATENCY, "margin": 70}, names=("obrien-fleming",), traffic={"units_per_day": 900, "days": 5}
    )
    one = base.run(replicates=400, seed=9)["obrien-fleming"]
    request = replace(base.freeze(), replicates=400, seed=9)
    facts = recommend.known(base.scenario)
    found = recommend.judge(facts, 0.95, one.worlds["truth"])
    kinds = {name: index for index, name in enumerate(recommend.ACTIONS)}
    codes = one.guarded.codes["truth"][np.arange(400), :, found.arm - 1]
    said = guardrail_verdict.worded(found.action, one.worlds["truth"].code > 0, codes, kinds, 2, found.risky)
    assert len(set(said.tolist())) >= 3
    for luck in range(60):
        shown = engine.trace(replace(request, luck=luck), base, base.strategies[0])
        assert verdict_of(base.scenario, base.strategies[0], shown).action == recommend.ACTIONS[said[luck]]
    assert one.verdicts["collect"]["share"].value == np.mean(said == kinds["collect"])


def test_exact_launch_is_the_sum_over_looks():
    base = study(TICKETS, LATENCY)
    one = base.strategies[1]
    found = exact.operating(base.scenario, one, "truth", ledger(base.scenario))
    bare = exact.operating(study().scenario, one, "truth", ledger(base.scenario))
    passing = exact.all_pass(base.scenario, "truth", found.units[:-1])
    assert found.values["launch"] == pytest.approx(float((found.high * passing).sum()))
    assert found.values["rejection"] == bare.values["rejection"]
    assert bare.values["launch"] == pytest.approx(found.high.sum())
    assert np.all(np.diff(passing) > 0)
