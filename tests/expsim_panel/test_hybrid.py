"""A study measured by a judge and people: against exact figures, against users drawn one by one, against the judge alone."""

import math

import numpy as np
import pytest
from worlds import exact_in, played, tree

from expsim_panel import library, plan
from expsim_panel.caveats import caveats
from expsim_panel.economics import ledger
from expsim_panel.errors import InputError
from expsim_panel.estimators import binary_eif, ppi_plus_plus
from expsim_panel.evaluation_budget import Rows, setting, variance_of_difference
from expsim_panel.evaluation_laws import pair_law
from expsim_panel.operating import estimates, rejected
from expsim_panel.preference_rows import ROWS_PER_COMPARISON
from expsim_panel.scenario import Scenario
from expsim_panel.study import Study

JUDGE = {"scale": 0.8, "offset": 0.3, "differential_bias": 0.05, "item_sd": 0.4, "price_override": 0.01}
JUDGE |= {"sensitivity": 0.85, "specificity": 0.9}
HUMAN = {"noise_sd": 0.5, "price_per_label": 1.0, "raters": 1000, "seconds": 5.0}
HUMAN |= {"sensitivity": 0.95, "specificity": 0.97}


def _world(family="normal", judge=(), human=(), **tables):
    own = tables.pop("evaluator", {})
    parts = {"judge": {**JUDGE, **dict(judge)}, "human": {**HUMAN, **dict(human)}}
    return tree(family, evaluators=parts, evaluator={"kind": "hybrid", "label_share": 0.2, **own}, **tables)


def _study(names=("fixed-horizon", "pocock"), **how):
    return Study.from_tree(_world(**how), "test", names=list(names))


def _se(out):
    return estimates(out, False).se


@pytest.mark.arithmetic
@pytest.mark.parametrize("correction", ["auto", "ppi", "rogan-gladen"])
@pytest.mark.parametrize("world", ["truth", "null"])
@pytest.mark.parametrize("family", ["normal", "binary"])
def test_simulated_is_exact_by_the_closed_variance(family, world, correction):
    if (family, correction) == ("normal", "rogan-gladen"):
        correction = "ppi++"
    shift = {"normal": (3.0, 3.03), "binary": (0.10, 0.09)}[family]
    variants = [{"name": name, "mean": mean} for name, mean in zip("AB", shift, strict=True)]
    # Rates by people who err: the estimand of a hybrid is the mean label.
    study = _study(family=family, variants=variants, evaluator={"correction": correction})
    out = played(study, world)
    for name, one in out.items():
        wanted = exact_in(study, world, name)
        found = rejected(one.code).mean()
        # 2,000 labels a day and arm: the variance is estimated, which the exact figure leaves out.
        assert abs(found - wanted["rejection"]) <= 3 * math.sqrt(found * (1 - found) / 200_000) + 0.0008, name
    fixed = out["fixed-horizon"]
    effect = estimates(fixed, False).effect[:, 0]
    law = plan.law(study.scenario, world, 1, 0, 1)
    sd = math.sqrt((law.sds[0] ** 2).sum() / 10_000)
    assert effect.std() == pytest.approx(sd, rel=3 / math.sqrt(400_000) + 2e-3)
    assert _se(fixed).mean() == pytest.approx(sd, rel=0.002)
    true = float(law.means[0, 1] - law.means[0, 0])
    assert abs(effect.mean() - true) <= 3 * sd / math.sqrt(200_000)
    assert np.mean(np.abs(effect - true) <= 1.959964 * _se(fixed)[:, 0]) == pytest.approx(0.95, abs=0.0023)


def _users(rng, scenario, days, n, rest, drift):
    """One experiment user by user: rows of two arms, labels of some, correction on the rows."""
    values, variances = [], []
    judge, people = scenario.evaluator.judge, scenario.evaluator.human
    raters = people.severity_sd * rng.standard_normal(people.raters)
    for arm, mean in enumerate(scenario.means):
        y, f, far = [], [], []
        seen = 0
        for day in range(days):
            count = n + rest
            tilt = judge.differential_bias * arm + drift[day]
            if scenario.family == "binary":
                q = rng.random(count) < mean
                label = np.where(q, rng.random(count) < people.sensitivity, rng.random(count) >= people.specificity)
                hit = np.where(q, judge.sensitivity, 1 - judge.specificity) + tilt
                score = (rng.random(count) < hit).astype(float)
            else:
                q = rng.normal(mean, scenario.metric.sd, count)
                label = q + people.noise_sd * rng.standard_normal(count)
                label[:n] += raters[(seen + np.arange(n)) % people.raters]
                score = judge.offset + judge.scale * q + tilt + judge.item_sd * rng.standard_normal(count)
            seen += n
            y.append(label[:n].astype(float))
            f.append(score[:n])
            far.append(score[n:])
        rows = [np.concatenate(part) for part in (y, f, far)]
        if scenario.family == "binary":
            found = binary_eif(*rows)
            variances.append(found.variance)
        else:
            found = ppi_plus_plus(*rows, bounds=None)
            variances.append(found.small_variance)
        values.append(scenario.sign * found.value)
    return values[1] - values[0], math.sqrt(sum(variances))


@pytest.mark.arithmetic
@pytest.mark.parametrize("family", ["normal", "binary"])
def test_engine_agrees_with_users_drawn_one_by_one(family):
    people = {"raters": 4, "severity_sd": 0.4} if family == "normal" else {}
    world = _world(
        family, judge={"drift": 0.1}, human={**people, "seconds": 1.0}, traffic={"units_per_day": 200, "days": 4}
    )
    study = Study.from_tree(world, "test", names=["fixed-horizon"])
    out = played(study, "truth", 40_000)["fixed-horizon"]
    np.testing.assert_array_equal(out.rows, 80)
    effect, se = estimates(out, False).effect[:, 0], _se(out)[:, 0]
    rng, size = np.random.default_rng(8), 4000
    drift = 0.1 * (np.arange(4) + 0.5) / 4
    slow = np.array([_users(rng, study.scenario, 4, 20, 80, drift) for _ in range(size)])
    error = math.hypot(slow[:, 0].std() / math.sqrt(size), effect.std() / math.sqrt(len(effect)))
    assert abs(slow[:, 0].mean() - effect.mean()) <= 3 * error
    assert slow[:, 0].std() == pytest.approx(effect.std(), rel=3 / math.sqrt(2 * size))
    assert slow[:, 1].mean() == pytest.approx(se.mean(), rel=0.01)
    assert slow[:, 1].std() == pytest.approx(se.std(), rel=0.1)
    hits, share = np.abs(slow[:, 0] / slow[:, 1]) > 1.959964, rejected(out.code).mean()
    assert abs(hits.mean() - share) <= 3 * math.sqrt(share * (1 - share) / size)


@pytest.mark.arithmetic
@pytest.mark.parametrize("family", ["normal", "binary"])
def test_a_partial_judge_fails_ever_more_and_its_labels_mend_it(family):
    found = {"judge": [], "hybrid": []}
    bias = 0.05 if family == "normal" else 0.015
    for kind in found:
        for units in (400, 4000, 40_000):
            world = _world(family, judge={"differential_bias": bias}, traffic={"units_per_day": units, "days": 5})
            if kind == "judge":
                world["evaluator"] = {"kind": "judge"}
            study = Study.from_tree(world, "test", names=["fixed-horizon"])
            found[kind].append(float(rejected(played(study, "null", 20_000)["fixed-horizon"].code).mean()))
    assert found["judge"][0] < found["judge"][1] < found["judge"][2]
    assert found["judge"][2] > 0.99
    for share, labels in zip(found["hybrid"], (200, 2000, 20_000), strict=True):
        assert abs(share - 0.05) <= 3 * 0.00154 + 1 / labels, labels


@pytest.mark.arithmetic
@pytest.mark.parametrize("estimator", ["auto", "pooled"])
def test_days_that_change_are_corrected_day_by_day(estimator):
    """On a ramp a drifting judge and a rising level confound pooled means, whoever measures; days apart they do not."""
    traffic = {
        "units_per_day": 2000,
        "days": 6,
        "ramp": {"start": 0.2, "days": 5},
        "shock": {"day": 4, "days": 3, "size": 0.4},
    }
    study = _study(["fixed-horizon"], judge={"drift": 0.5}, traffic=traffic, analysis={"estimator": estimator})
    out = played(study, "null", 20_000)["fixed-horizon"]
    share, effect = rejected(out.code).mean(), estimates(out, False).effect[:, 0]
    if estimator == "pooled":
        assert share > 0.3
        return
    assert abs(share - 0.05) <= 3 * 0.00154 + 0.003
    assert abs(effect.mean()) <= 3 * effect.std() / math.sqrt(20_000)
    assert _se(out).mean() == pytest.approx(effect.std(), rel=0.02)


@pytest.mark.arithmetic
@pytest.mark.parametrize("family", ["ordinal", "amount"])
def test_levels_and_amounts_keep_the_closed_variance(family):
    metric = {"name": "revenue", "family": "amount", "zero_share": 0.6, "log_sd": 0.5}
    if family == "ordinal":
        metric = {"name": "h", "family": "ordinal", "thresholds": [-1.4, -0.6, 0.2, 1.0], "range": [1, 5]}
        metric["draw_levels"] = True
    world = _world(judge={"differential_bias": 0.1}, human={"raters": 5, "severity_sd": 0.3, "seconds": 0.5})
    world["metric"], world["traffic"] = metric, {"units_per_day": 4000, "days": 4}
    study = Study.from_tree(world, "test", names=["fixed-horizon"])
    out = played(study, "null", 10_000)["fixed-horizon"]
    law = plan.law(study.scenario, "null", 1, 0, 1)
    sd = math.sqrt((law.sds[0] ** 2).sum() / 1600)
    effect = estimates(out, False).effect[:, 0]
    assert abs(effect.mean()) <= 3 * sd / 100
    assert effect.std() == pytest.approx(sd, rel=3 / math.sqrt(20_000) + 0.005)


def test_every_kind_of_rule_stops_by_estimate_and_error():
    names = ["bayesian", "msprt", "thompson"]
    study = _study(names, traffic={"units_per_day": 600, "days": 6, "delay_days": 1}, variants=[
        {"name": "A", "mean": 3.0}, {"name": "B", "mean": 3.3}, {"name": "C", "mean": 2.9}])  # fmt: skip
    result = study.run(replicates=600)
    for one in result.strategies:
        out = one.worlds["truth"]
        assert np.isfinite(out.sums).all()
        mean = out.sums / out.rows
        assert np.median(mean[:, 1] - mean[:, 0]) == pytest.approx(0.3, abs=0.08), one.name
        assert one.figures["judged"].value == pytest.approx(5 * one.figures["labelled"].value, rel=0.02)
        assert one.trace.state.shape[0] == one.trace.day
        assert np.all(np.diff(one.trace.state[:, 1], axis=0) >= 0)


@pytest.mark.arithmetic
@pytest.mark.parametrize("delay", [0, 2])
@pytest.mark.parametrize("family", ["normal", "binary"])
def test_a_policy_that_learns_nothing_plays_the_fixed_split(family, delay):
    traffic = {"units_per_day": 2000, "days": 5, "delay_days": delay}
    world = _world(family, judge={"drift": 0.05}, human={"raters": 40}, traffic=traffic)
    rows = [{"kind": "even", "stopping": "fixed-horizon"}, {"kind": "fixed-horizon"}]
    study = Study.from_tree({**world, "strategies": rows}, "test")
    out = played(study, "truth", 10_000)
    one, two = (estimates(out[name], False) for name in ("even", "fixed-horizon"))
    assert np.all(out["even"].day == 5 + delay)
    assert out["even"].rows.mean() == pytest.approx(1000, rel=0.001)
    error = math.hypot(one.effect.std(), two.effect.std()) / 100
    assert abs(one.effect.mean() - two.effect.mean()) <= 3 * error
    assert one.effect.std() == pytest.approx(two.effect.std(), rel=3 / math.sqrt(10_000))
    assert one.se.mean() == pytest.approx(two.se.mean(), rel=0.003)


def test_warnings_of_few_labels_and_of_rogan_gladen():
    few = _study(["fixed-horizon"], traffic={"units_per_day": 40, "days": 5}).run(replicates=50)
    assert "20 labels" in " ".join(caveats(few))
    study = _study(["fixed-horizon"], family="binary", evaluator={"correction": "rogan-gladen"})
    said = " ".join(caveats(study.run(replicates=50)))
    found = study.scenario.evaluator.joint(study.scenario.means, study.scenario.sds, "binary")
    caught, alarm = pair_law(study.scenario, 1).confusion(0)[1:]
    assert found.youden()[0] == pytest.approx(caught + alarm - 1)
    assert "Rogan-Gladen" in said
    assert not [line for line in caveats(_study(["fixed-horizon"]).run(replicates=50)) if "labels" in line]


def test_two_payees():
    study = _study(["fixed-horizon"], traffic={"units_per_day": 1000, "days": 2})
    result = study.run(replicates=200)["fixed-horizon"].figures
    assert result["judged"].value == result["judged"].exact == 2000
    assert result["labelled"].value == result["labelled"].exact == 400
    assert result["cost.judge"].value == pytest.approx(20.0)
    assert result["cost.human"].value == pytest.approx(400.0)
    assert result["rater_hours"].value == pytest.approx(400 * 5 / 3600)
    assert result["cost.judge"].exact == pytest.approx(20.0)
    assert ledger(study.scenario).payee == "hybrid"


@pytest.mark.parametrize("name", library.names())
def test_study_and_comparison_agree(name):
    tree_of, where = library.read_tree(name)
    tree_of["evaluator"] = {"kind": "hybrid"}
    if tree_of["metric"]["family"] == "binary":
        tree_of["evaluator"]["correction"] = "ppi++"
    scenario = Scenario.from_tree(tree_of, where)
    own = Scenario.from_tree(library.read_tree(name)[0], where)
    arm = 1 + int(scenario.effects[1:].argmax())
    share = scenario.evaluator.label_share
    for null in (False, True):
        one, two = pair_law(own, arm, null), pair_law(scenario, arm, null)
        np.testing.assert_allclose(one.rho, two.rho, rtol=1e-12)
        law = plan.law(scenario, "null" if null else "truth", 1, 0, 1)
        ours = (law.sds[0, [0, arm]] ** 2).sum() / 1000
        assert ours == pytest.approx(variance_of_difference(one, "hybrid", Rows(1000, 1000 / share)), rel=1e-6)
    priced = setting(own)
    money = ledger(scenario)
    # A comparison is a row of both variants.
    rows = ROWS_PER_COMPARISON if scenario.side_by_side else 1
    assert money.per_row == pytest.approx((priced.cost_human + priced.cost_judge / share) / rows)
    study = Study.from_tree(tree_of, where, names=["fixed-horizon"])
    out = played(study, "truth", 5000)["fixed-horizon"]
    law = plan.law(scenario, "truth", 1, 0, 1)
    wanted = math.sqrt((law.sds[0, [0, arm]] ** 2 / out.rows[0, [0, arm]]).sum() + (
        2 * law.severity_sd**2 / max(law.raters, 1) if not law.shared else 0.0))  # fmt: skip
    found = estimates(out, False).effect[:, arm - 1].std()
    assert found == pytest.approx(wanted, rel=3 / math.sqrt(10_000) + 2 / out.rows[0, arm])


@pytest.mark.parametrize(
    ("change", "key"),
    [
        ({"evaluator": {"correction": "eif"}}, "evaluator.correction"),
        ({"evaluator": {"label_share": 0}}, "evaluator.label_share"),
        ({"evaluator": {"judge": {"itemsd": 1}}}, "evaluator.judge.itemsd"),
        ({"evaluator": {"judge": 3}}, "evaluator.judge"),
        ({"evaluator": {"human": {"kind": "judge"}}}, "evaluator.human.kind"),
        ({"human": {"raters": 1, "seconds": 3600}}, "evaluator.label_share"),
        ({"analysis": {"unit": "unit"}}, "analysis.unit"),
        ({"analysis": {"covariate_correlation": 0.5}}, "analysis.covariate_correlation"),
        ({"judge": {"model": "no-such-model", "price_override": None}}, "evaluators.judge.model"),
    ],
)
def test_bad_input_is_one_line(change, key):
    world = _world(**change)
    if "model" in change.get("judge", {}):
        del world["evaluators"]["judge"]["price_override"]
    with pytest.raises(InputError) as caught:
        Scenario.from_tree(world, "test")
    assert caught.value.key == key
    assert "\n" not in str(caught.value)


def test_round_trip_and_profiles_of_both_halves():
    own = {"kind": "hybrid", "judge": {"profile": "strong-llm"}, "human": {"profile": "crowd", "noise_sd": 0.9}}
    made = Scenario.from_tree(tree(evaluator=own, traffic={"units_per_day": 500, "days": 5}), "test")
    assert (made.evaluator.judge.repeat_sd, made.evaluator.human.noise_sd) == (0.43, 0.9)
    again = Scenario.from_tree(made.to_tree(), "test")
    assert again.to_tree() == made.to_tree()
    assert again.evaluator.bias_sd() == 0.0
