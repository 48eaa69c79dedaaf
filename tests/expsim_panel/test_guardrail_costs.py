"""A guardrail's penalty in the verdict: expected from the data, never from the truth."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest
import tomli_w
from scipy.stats import norm, t
from worlds import tree

from expsim_panel import engine, guardrail_costs, guardrail_verdict, recommend
from expsim_panel.__main__ import main
from expsim_panel.guardrail_tests import Readings, interval
from expsim_panel.report import verdict_of
from expsim_panel.results import Trace
from expsim_panel.study import Study

LATENCY = {"name": "latency", "unit": "ms", "means": [1700, 1700], "sd": 900, "threshold": 90, "penalty": 0.02}
TICKETS = {"name": "tickets", "family": "binary", "means": [0.05, 0.05], "threshold": 0.02, "penalty": 0.01}


def planned(*rails, name="fixed-horizon", **changes):
    traffic = {"units_per_day": 2000, "days": 5}
    return Study.from_tree(tree(guardrails=list(rails), traffic=traffic, **changes), "test", names=[name])


def readings(control, arm, variance, n=5000.0):
    return Readings(np.array([n, n]), np.array([control, arm], float), np.array([variance, variance], float))


def verdict(*seen, rails=(LATENCY,), code=1, gap=0.08, **changes):
    base = planned(*rails, **changes)
    means = np.array([3.0, 3.0 + gap])
    state = np.array([[5000, 5000], [5000, 5000], 5000 * means, 5000 * (1 + means**2)], float)
    return verdict_of(base.scenario, base.strategies[0], Trace(0, code, 5, state[None], seen))


@pytest.mark.parametrize("kind", ["absolute", "relative"])
@pytest.mark.parametrize("direction", ["increase", "decrease"])
def test_the_chance_of_a_breach_is_the_normal_posterior(kind, direction):
    # Oracle: draws of both means from their flat-prior posteriors, for every kind of threshold and direction.
    threshold = 90 if kind == "absolute" else 0.05
    rail = {**LATENCY, "kind": kind, "direction": direction, "threshold": threshold}
    rule = planned(rail).scenario.guardrails[0].rule
    arm = 1775 if direction == "decrease" else 1625
    seen = readings(1700, arm, 900.0**2)
    found = float(guardrail_costs.p_breached(rule, seen)[0])
    rng = np.random.default_rng(20261125)
    control, other = (mean + 900 / np.sqrt(5000) * rng.standard_normal(400_000) for mean in (1700, arm))
    harm = (other - control) * (1 if direction == "decrease" else -1) / (control if kind == "relative" else 1)
    share = float(np.mean(harm >= threshold))
    assert 0.1 < found < 0.5
    assert abs(found - share) <= 4 * np.sqrt(share * (1 - share) / 400_000)


def test_the_chance_is_dual_to_the_interval_and_nan_without_data():
    rule = planned(TICKETS).scenario.guardrails[0].rule
    seen = readings(0.05, 0.056, 0)
    high = interval(rule, seen)[1]
    assert float(guardrail_costs.p_breached(replace(rule, threshold=high), seen)[0]) == pytest.approx(rule.alpha)
    assert np.isnan(guardrail_costs.p_breached(rule, readings(0.05, 0.05, 0, n=1.0))).all()
    rails = planned(TICKETS, LATENCY).scenario.guardrails
    both = guardrail_costs.expected_penalty(rails, (seen, None), 2)
    assert both.tolist() == [0.01 * float(guardrail_costs.p_breached(rule, seen)[0])]


def test_expected_breaches_are_weighed_against_the_gain():
    # B is worth 0.08 x 0.1 = 0.008 dollars a response; P(breach) = P(N(45, 18^2) >= 90) = 0.0062.
    seen = readings(1700, 1745, 900.0**2)
    chance = norm.sf((90 - 45) / (900 * np.sqrt(2 / 5000)))
    assert t.sf((90 - 45) / 18, 9998) == pytest.approx(chance, rel=0.01)
    small, large = verdict(seen), verdict(seen, rails=({**LATENCY, "penalty": 1.5},))
    money = recommend.known(planned(LATENCY).scenario).money
    gain = money.value_per_point * 0.08 - money.handicap[1]
    for penalty, told in ((0.02, small), (1.5, large)):
        assert told.expected_penalty == pytest.approx(penalty * chance)
        assert told.net_value == pytest.approx(gain - penalty * chance)
        assert told.guardrails[0].result == "pass"
        assert told.guardrails[0].expected_penalty == told.expected_penalty
        assert "breaches are expected to cost" in " ".join(told.reasons)
        assert told.trade_off.penalty == (0.0, told.expected_penalty)
    assert (small.action, small.variant) == ("launch", "B")
    assert (large.action, large.variant) == ("keep", "A")
    assert "less than what breaches of its guardrails" in large.reasons[0]
    assert large.trade_off.best[1] < 0.5 < small.trade_off.best[1]
    assert verdict(seen, rails=({**LATENCY, "penalty": 0.0},)).expected_penalty == 0


def test_an_undecided_guardrail_asks_for_units_before_its_expected_cost_is_final():
    unknown = verdict(readings(1700, 1760, 900.0**2, n=400.0), rails=({**LATENCY, "penalty": 1.5},))
    assert (unknown.action, unknown.variant, unknown.guardrails[0].result) == ("collect", "B", "unknown")
    assert unknown.net_value < 0
    # Where more of the same would not decide, what is expected now does.
    stuck = readings(1700, 1780, 900.0**2, n=50_000.0)
    rail = {**LATENCY, "margin": 40}
    assert verdict(stuck, rails=({**rail, "penalty": 0.0},)).action == "inconclusive"
    assert verdict(stuck, rails=({**rail, "penalty": 1.0},)).action == "keep"
    failing = verdict(readings(1700, 1830, 900.0**2), rails=({**LATENCY, "penalty": 1.5},))
    assert "fails the guardrail latency" in failing.sentence
    assert failing.reasons[0].startswith("On the metric alone B would be launched.")


def test_more_data_is_worth_less_where_the_variant_is_expected_to_breach():
    seen = readings(1700, 1745, 900.0**2)
    free, dear = (verdict(seen, rails=({**LATENCY, "penalty": p},), code=0, gap=0.02) for p in (0.0, 5.0))
    assert free.evidence[0].value > dear.evidence[0].value


def test_the_verdict_does_not_move_when_only_the_truth_does():
    rails = ({**LATENCY, "margin": 80}, TICKETS)
    base = planned(*rails)
    shown = base.run(replicates=20, seed=3)["fixed-horizon"].trace
    moved = planned({**rails[0], "means": [10, 9000]}, {**TICKETS, "means": [0.01, 0.9]})
    first, second = (verdict_of(each.scenario, each.strategies[0], shown) for each in (base, moved))
    assert first == second
    assert first.expected_penalty > 0


def test_every_replicate_weighs_its_own_breaches():
    base = planned({**LATENCY, "means": [1700, 1730], "penalty": 2.0, "margin": 80}, {**TICKETS, "penalty": 0.0})
    one = base.run(replicates=400, seed=9)["fixed-horizon"]
    request = replace(base.freeze(), replicates=400, seed=9)
    said = []
    for luck in range(60):
        shown = engine.trace(replace(request, luck=luck), base, base.strategies[0])
        said.append(verdict_of(base.scenario, base.strategies[0], shown).action)
    assert {"launch", "keep", "collect"} <= set(said)
    few = base.run(replicates=60, seed=9)["fixed-horizon"]
    for action in recommend.ACTIONS:
        assert few.verdicts[action]["share"].value == pytest.approx(said.count(action) / 60)
    assert sum(entry["share"].value for entry in one.verdicts.values()) == pytest.approx(1)
    # The true value of a launch counts true breaches alone: nothing breaches here, so no launch is harmful.
    assert one.figures["p_harmful_launch"].value == 0


def test_decide_counts_them_too(tmp_path, capsys):
    path = tmp_path / "study.toml"
    rails = [{**TICKETS, "penalty": 3.0}]
    made = tree("binary", guardrails=rails, strategies=[{"kind": "fixed-horizon"}])
    path.write_text(tomli_w.dumps({"schema": 1, **made}), encoding="utf-8")
    words = ["decide", str(path), "--counts", "A=650/5000,B=500/5000", "--day", "5", "--json", "-"]
    words += ["--guardrail", "tickets=A=250/5000,B=300/5000"]
    for extra, action in (("guardrails.0.penalty=0.0", "launch"), ("guardrails.0.penalty=30.0", "keep")):
        assert main([*words, "--set", extra]) == 0
        told = json.loads(capsys.readouterr().out)["verdict"]
        assert told["action"] == action
    assert told["expected_penalty"] == pytest.approx(30 * told["guardrails"][0]["p_breached"])
    assert told["net_value"] < 0
    assert main([*words, "--set", "guardrails.0.means=[0.05, 0.9]", "--set", "guardrails.0.penalty=30.0"]) == 0
    assert json.loads(capsys.readouterr().out)["verdict"] == told


def test_the_sentence_names_every_guardrail_that_costs():
    rails = planned(TICKETS, LATENCY).scenario.guardrails
    found = guardrail_verdict.checks(rails, ["A", "B"], (readings(0.05, 0.06, 0), readings(1700, 1745, 900.0**2)))
    said = guardrail_verdict.expected_costs(found, "B")
    assert said.count("at a") == 2
    assert guardrail_verdict.expected_costs(found, "C") == ""


def test_with_several_variants_each_is_weighed_against_its_own_breaches():
    # Oracle: draws of every mean from its flat-prior posterior, nothing else of the product's used. The seed was set
    # before the first run.
    variants = [{"name": name, "mean": mean} for name, mean in (("A", 3.0), ("B", 3.05), ("C", 3.06))]
    rails = ({**LATENCY, "means": [1700] * 3, "penalty": 1.5}, {**TICKETS, "means": [0.05] * 3, "penalty": 0.4})
    base = planned(*rails, variants=variants)
    rows = np.array([5000.0, 4000.0, 4500.0])
    means, shown = np.array([3.0, 3.05, 3.06]), np.array([1700.0, 1705.0, 1780.0])
    rates = np.array([0.05, 0.062, 0.055])
    state = np.array([rows, rows, rows * means, rows * (1 + means**2)])
    seen = (Readings(rows, shown, np.full(3, 900.0**2)), Readings(rows, rates, np.zeros(3)))
    told = verdict_of(base.scenario, base.strategies[0], Trace(0, 2, 5, state[None], seen))

    size, rng = 400_000, np.random.default_rng(20261130)
    quality = means + rng.standard_normal((size, 3)) / np.sqrt(rows - 1)
    slow = shown + 900 / np.sqrt(rows) * rng.standard_normal((size, 3))
    angry = rates + np.sqrt(rates * (1 - rates) / rows) * rng.standard_normal((size, 3))
    risk = np.zeros(3)
    for arm in (1, 2):
        risk[arm] = 1.5 * np.mean(slow[:, arm] - slow[:, 0] >= 90) + 0.4 * np.mean(angry[:, arm] - angry[:, 0] >= 0.02)
    found = told.trade_off
    value = 0.1 * (quality - quality[:, :1]) - np.array(found.penalty)
    best = np.bincount(value.argmax(axis=1), minlength=3) / size
    # A share of draws errs by at most 1/2 sqrt(size); at tails of a few percent the variance pooled over both arms
    # and the unpooled one part by less than that.
    tolerance = 4 * 0.5 / np.sqrt(size) * (1.5 + 0.4)
    assert found.penalty == pytest.approx(risk, abs=tolerance)
    assert min(found.penalty[1:]) > 0
    assert told.expected_penalty == found.penalty[2]
    gain = 0.1 * (means[2] - means[0])
    assert told.net_value == pytest.approx(gain - risk[2], abs=tolerance)
    assert found.best == pytest.approx(best, abs=4 * 0.5 / np.sqrt(size))
