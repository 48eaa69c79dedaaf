"""Offline studies: a fixed prompt set against plain loops over rows, closed forms, and what a user would try."""

import json
import math
import re

import numpy as np
import pytest
from scipy import stats

from expsim_panel import engine, plan
from expsim_panel.__main__ import main
from expsim_panel.errors import InputError
from expsim_panel.measurement_design import Components as Sds
from expsim_panel.offline_laws import both_right
from expsim_panel.study import Study

JUDGE = {"kind": "judge", "item_sd": 0.3, "item_variant_sd": 0.2, "repeat_sd": 0.3, "repeats": 2, "scale": 0.8,
         "price_override": 0.002}  # fmt: skip
HUMAN = {"kind": "human", "noise_sd": 0.8, "severity_sd": 0.4, "raters": 10, "labels_per_item": 2}
TOPICS = {"topics": 40, "topic_sd": 0.3, "topic_interaction_sd": 0.15}


def tree(**changes):
    """Return a scenario on a prompt set."""
    made = {
        "schema": 1,
        "scenario": {"name": "offline", "indifference": 0.02},
        "metric": {"name": "helpfulness", "sd": 1.0, **changes.pop("metric", {})},
        "variants": [{"name": "a", "mean": 4.0}, {"name": "b", "mean": 4.08}],
        "traffic": {"units_per_day": 500, "days": 7},
        "offline": {
            "prompts": 120, "samples": 2, "prompt_sd": 0.5, "interaction_sd": 0.3, "batches": 5,
            **changes.pop("offline", {}),
        },
        "evaluator": changes.pop("evaluator", JUDGE),
    }  # fmt: skip
    made.update(changes)
    return made


RATES = {"metric": {"family": "binary"}, "variants": [{"name": "a", "mean": 0.7}, {"name": "b", "mean": 0.76}]}
LENIENT = {"kind": "judge", "sensitivity": 0.85, "specificity": 0.8, "differential_bias": 0.03, "price_override": 0.01}
CASES = {
    "truth": {"evaluator": {"kind": "truth"}},
    "judge": {},
    "judge, own prompts": {"offline": {"paired": False}},
    "judge, topics": {"offline": TOPICS},
    "judge, topics ignored": {"offline": {**TOPICS, "analysis": "prompt"}},
    "judge, scores as rows": {"offline": {**TOPICS, "analysis": "response", "samples": 3}},
    "people": {"evaluator": HUMAN},
    "people, labels as rows": {"evaluator": HUMAN, "offline": {"analysis": "response"}},
    "people, own prompts": {"evaluator": {**HUMAN, "severity_sd": 0.0}, "offline": {"paired": False, **TOPICS}},
    "rates": {**RATES, "evaluator": {"kind": "truth"}},
    "rates, a judge": {**RATES, "evaluator": LENIENT, "offline": TOPICS},
    "rates, a judge, own prompts": {**RATES, "evaluator": LENIENT, "offline": {**TOPICS, "paired": False}},
    "rates, topics ignored": {**RATES, "evaluator": LENIENT, "offline": {**TOPICS, "analysis": "prompt"}},
    "rates, answers as rows": {**RATES, "offline": {"samples": 3, "analysis": "response"}, "evaluator": LENIENT},
    "rates, less is better": {**RATES, "metric": {"family": "binary", "direction": "decrease"}, "evaluator": LENIENT},
}


def played(case, replicates=4000, names=("fixed-horizon",), world="truth", seed=3):
    """Play a study and return it with the arrays at its end."""
    study = Study.from_tree(tree(**json.loads(json.dumps(case))), "test", names=names)
    return study, engine.played(study, world, replicates=replicates, seed=seed)


def ends(out):
    """Return estimates of the difference and the variances that the analysis believes in."""
    n = out.rows.astype(float)
    mean = out.sums / n
    believed = (out.squares / n - mean**2) / (n - 1)
    return mean[:, 1] - mean[:, 0], believed.sum(axis=1)


@pytest.mark.arithmetic
@pytest.mark.parametrize("name", CASES)
def test_rows_have_the_law_of_the_closed_forms(name):
    study, out = played(CASES[name])
    scenario = study.scenario
    found, believed = ends(out["fixed-horizon"])
    law = plan.law(scenario, "truth", 0, 0, 1)
    true, expected = law.kind.variances(out["fixed-horizon"].rows[:1, 0])
    size = len(found)
    shift = law.means[0, 1] - law.means[0, 0]
    assert found.mean() == pytest.approx(shift, abs=4 * math.sqrt(true[0] / size))
    assert found.var() == pytest.approx(true[0], rel=4 * math.sqrt(2 / size))
    assert believed.mean() == pytest.approx(expected[0], abs=4 * believed.std() / math.sqrt(size))
    # What a rule believes is true where topics, or prompts, are what counts.
    if "ignored" not in name and "as rows" not in name:
        assert expected[0] == pytest.approx(true[0], rel=1e-12)
    else:
        assert expected[0] < 0.99 * true[0]


def by_hand(case, seed, replicates):
    """Draw rows one by one, each a sum of its named effects; return estimates and believed variances by prompt."""
    scenario = Study.from_tree(tree(**json.loads(json.dumps(case))), "test").scenario
    table, judge = scenario.offline, scenario.evaluator
    g = np.random.default_rng(seed)
    made = []
    for _ in range(replicates):
        y = np.zeros((table.prompts, 2))
        for i in range(table.prompts):
            if i % table.size == 0:
                topic, own_topic = table.topic_sd * g.normal(), table.topic_interaction_sd * g.normal(size=2)
            prompt, item = table.prompt_sd * g.normal(), judge.item_sd * g.normal()
            for a in range(2):
                own, own_item = table.interaction_sd * g.normal(), judge.item_variant_sd * g.normal()
                for _ in range(table.samples):
                    alike = topic + own_topic[a] + prompt + own
                    if scenario.family == "binary":
                        cut = stats.norm.ppf(scenario.means[a])
                        right = cut + alike + math.sqrt(1 - table.given()) * g.normal() > 0
                        hit = judge.sensitivity if right else 1 - judge.specificity
                        y[i, a] += (g.random() < hit + a * judge.differential_bias) / table.samples
                        continue
                    sample = math.sqrt(scenario.sds[a] ** 2 - table.given())
                    quality = scenario.means[a] + alike + sample * g.normal()
                    for _ in range(judge.repeats):
                        score = judge.scale * quality + item + own_item + judge.repeat_sd * g.normal()
                        y[i, a] += score / table.samples / judge.repeats
        d = y[:, 1] - y[:, 0]
        topics = d.reshape(table.groups, table.size).mean(axis=1)
        made.append((d.mean(), topics.var(ddof=1) / table.groups))
    return np.array(made).T


@pytest.mark.parametrize("name", ["judge, topics", "rates, a judge"])
def test_rows_are_those_of_a_plain_loop(name):
    case = {**CASES[name], "offline": {**CASES[name]["offline"], "prompts": 20, "topics": 10}}
    _, out = played(case, 4000)
    mine, theirs = ends(out["fixed-horizon"]), by_hand(case, 1, 200)
    for one, other in zip(mine, theirs, strict=True):
        assert one.mean() == pytest.approx(other.mean(), abs=4 * other.std() / math.sqrt(200))
    assert mine[0].var() == pytest.approx(theirs[0].var(), rel=4 * math.sqrt(2 / 200))


def test_variances_are_those_of_the_model():
    # MODEL 3.1: paired drops s_p and s_i; severity cancels where the same raters see both, and is 2 s_s^2 / R else.
    sds = Sds(0.5, 0.3, math.sqrt(1 - 0.25 - 0.09), 0, 0.4, 0.8, 0.8, 0.3, 0.2, 0.3)
    for paired in (True, False):
        scenario = Study.from_tree(tree(offline={"paired": paired}), "t").scenario
        true, _ = plan.law(scenario, "null", 0, 0, 1).kind.variances(np.array([120.0]))
        assert true[0] == pytest.approx(sds.judge_difference(120, 2, 2, paired))
        scenario = Study.from_tree(tree(offline={"paired": paired}, evaluator=HUMAN), "t").scenario
        true, _ = plan.law(scenario, "null", 0, 0, 1).kind.variances(np.array([120.0]))
        assert true[0] == pytest.approx(sds.human_difference(120, 2, 2, None, paired))
    own = {**HUMAN, "labels_per_item": 1, "raters": 5, "shared_raters": False}
    _, out = played({"evaluator": own}, 8000, world="null")
    found, _ = ends(out["fixed-horizon"])
    assert found.var() == pytest.approx(sds.human_difference(120, 2, 1, 5, True), rel=4 * math.sqrt(2 / 8000))


def test_raters_of_ones_own_break_the_test():
    # MODEL 3.1: type I error 0.636 with 5 raters per arm and n = 300, s_s^2 = 0.34, the rest 1 in each row.
    wrong = 2 * stats.norm.cdf(-1.96 * math.sqrt((2 * 1.34 / 300) / (2 / 300 + 2 * 0.16 / 5)))
    people = {"kind": "human", "raters": 5, "shared_raters": False, "severity_sd": 0.4}
    case = {"evaluator": people, "offline": {"prompts": 300, "samples": 1, "prompt_sd": 0, "interaction_sd": 0}}
    _, out = played(case, 8000, world="null")
    share = (out["fixed-horizon"].code != 0).mean()
    exact = 2 * stats.norm.cdf(-1.96 * math.sqrt((2 * 1.16 / 300) / (2 / 300 + 2 * 0.16 / 5)))
    assert share == pytest.approx(exact, abs=0.03)
    assert 0.4 < wrong < 0.7


def test_correlated_answers():
    grid = [(-0.5, 0.8, 0.3), (0.2, 0.2, 0.9), (1.5, -1.0, 0.6)]
    for a, b, r in grid:
        assert both_right(a, b, r) == pytest.approx(
            stats.multivariate_normal([0, 0], [[1, r], [r, 1]]).cdf([a, b]), abs=1e-6
        )
    assert both_right(0.3, 0.7, 0.0) == pytest.approx(stats.norm.cdf(0.3) * stats.norm.cdf(0.7))
    assert both_right(0.3, 0.7, 1.0) == pytest.approx(stats.norm.cdf(0.3))


@pytest.mark.arithmetic
@pytest.mark.parametrize(
    ("case", "names"),
    [
        ({"offline": {"batches": 2}}, ["fixed-horizon", "fixed-t"]),
        ({"offline": {"topics": 30, "topic_sd": 0.3, "topic_interaction_sd": 0.1}}, ["fixed-horizon", "fixed-t"]),
        ({"offline": {"prompts": 1000, "samples": 1, "batches": 5, "analysis": "prompt", "topics": 250,
                      "topic_sd": 0.3, "topic_interaction_sd": 0.15}}, ["fixed-horizon", "obrien-fleming"]),
        ({**RATES, "evaluator": LENIENT, "offline": {"prompts": 1000, "samples": 1}}, ["fixed-horizon", "pocock"]),
        ({"evaluator": HUMAN, "offline": {"paired": False}}, ["fixed-horizon"]),
    ],
)  # fmt: skip
def test_exact_figures_are_those_of_the_simulation(case, names):
    from expsim_panel.economics import ledger
    from expsim_panel.exact import operating

    # 1,000 prompts drawn one by one are dear: the null, where an error of the large-sample law weighs most, is enough.
    for world in ("null",) if case.get("offline", {}).get("prompts") == 1000 else ("truth", "null"):
        study, out = played(case, 200_000, names, world)
        for one in study.strategies:
            found = operating(study.scenario, one, world, ledger(study.scenario))
            share = (out[one.name].code != 0).mean()
            exact = found.values["rejection"]
            assert share == pytest.approx(exact, abs=3.5 * math.sqrt(exact * (1 - exact) / 200_000))


@pytest.mark.arithmetic
def test_wrong_rows_raise_false_alarms_and_topics_do_not():
    right = {"offline": {**TOPICS, "topic_interaction_sd": 0.3}}
    wrong = {"offline": {**right["offline"], "analysis": "prompt"}}
    shares = {}
    for name, case in (("right", right), ("wrong", wrong)):
        _, out = played(case, 6000, ["fixed-t"], "null")
        shares[name] = (out["fixed-t"].code != 0).mean()
    assert shares["right"] == pytest.approx(0.05, abs=0.011)
    assert shares["wrong"] > 0.08


def test_time_and_money_are_those_of_scoring():
    judge = {**JUDGE, "seconds": 2.0, "concurrency": 4}
    study = Study.from_tree(tree(evaluator=judge, economics={"horizon_units": 100_000, "value_per_point": 0.5}), "t")
    result = study.run(replicates=200)
    found = result["fixed-horizon"].figures
    scores = 120 * 2 * 2
    assert (found["judged"].value, found["labelled"].value) == (scores, 0)
    assert found["cost.judge"].value == pytest.approx(scores * 2 * 0.002)
    # Two calls of 2 s for each of the answers, four at a time.
    assert found["days"].value == pytest.approx(scores * 2 * 2 / 4 / 86400)
    assert found["waiting_days"].value == 0
    assert (found["exposures"].value, found["traffic_on_worse_arms"].value) == (0, 0)
    people = {**HUMAN, "seconds": 60, "hours_per_day": 5, "price_per_label": 0.5, "days_per_week": 7, "delay_days": 2}
    found = Study.from_tree(tree(evaluator=people), "t").run(replicates=200)["fixed-horizon"].figures
    labels = 120 * 2 * 2
    assert found["cost.human"].value == pytest.approx(labels * 0.5)
    assert found["days"].value == pytest.approx(labels * 60 / 3600 / (10 * 5) + 2)
    assert found["rater_hours"].value == pytest.approx(labels * 60 / 3600)


def test_judge_and_people_together():
    both = {"kind": "hybrid", "label_share": 0.5, "judge": {k: v for k, v in JUDGE.items() if k != "kind"},
            "human": {"noise_sd": 0.5, "price_per_label": 0.4}}  # fmt: skip
    case = {"evaluator": both, "offline": {"prompts": 400}}
    study, out = played(case, 6000)
    found, _ = ends(out["fixed-horizon"])
    own = 0.09 + (1 - 0.25 - 0.09) / 2
    label, score = 2 * (own + 0.25), 2 * (0.64 * own + 0.04 + 0.09 / 4)
    square = (0.8 * 2 * own) ** 2 / (label * score)
    expected = label * ((1 - square) / 200 + square / 400)
    assert found.var() == pytest.approx(expected, rel=4 * math.sqrt(2 / 6000) + 0.01)
    assert found.mean() == pytest.approx(0.08, abs=4 * math.sqrt(expected / 6000))
    figures = study.run(replicates=200)["fixed-horizon"].figures
    assert (figures["labelled"].value, figures["judged"].value) == (400, 1600)
    assert figures["cost.human"].value == pytest.approx(400 * 0.4)


def test_a_rule_that_weighs_both_arms_sees_the_pairs():
    # P(best) from the difference and its error alone; flat prior, one look at the end.
    bayes = {"kind": "bayesian", "looks": 1, "confidence": 0.95, "max_loss": 100.0}
    study, out = played({"strategies": [bayes]}, 3000, ())
    found, believed = ends(out["bayesian"])
    assert ((found / np.sqrt(believed) > stats.norm.ppf(0.95)) == (out["bayesian"].code == 1)).mean() > 0.999
    assert study.scenario.traffic.days == 5


def test_more_than_two_variants():
    three = [{"name": "a", "mean": 4.0}, {"name": "b", "mean": 4.0}, {"name": "c", "mean": 4.3}]
    _, out = played({"variants": three}, 4000, ["dunnett", "holm"])
    assert (out["dunnett"].code == 2).mean() > 0.5
    _, null = played({"variants": three}, 6000, ["dunnett"], "null")
    # Finding one of two for the better; finding both worse is rarer.
    assert (null["dunnett"].code > 0).mean() == pytest.approx(0.025, abs=0.008)
    n = out["dunnett"].rows[0, 0]
    mean = out["dunnett"].sums / n
    spread = (out["dunnett"].squares / n - mean**2) / (n - 1)
    sds = Sds(0.5, 0.3, math.sqrt(1 - 0.25 - 0.09), 0, 0.4, 0.8, 0.8, 0.3, 0.2, 0.3)
    for a in (1, 2):
        assert (spread[:, 0] + spread[:, a]).mean() == pytest.approx(sds.judge_difference(120, 2, 2, True), rel=0.01)


def test_a_file_says_the_same_as_before(tmp_path, capsys):
    made = Study.from_tree(tree(), "t")
    again = Study.from_tree(made.to_tree(), "t")
    assert again.freeze() == made.freeze()
    assert made.scenario.to_tree()["traffic"]["units_per_day"] == 500
    assert [one.name for one in made.strategies] == [
        "fixed-t",
        "fixed-horizon",
        "obrien-fleming",
        "bayesian",
        "peek-daily",
    ]
    # A study of live traffic knows nothing of it, and keeps its digest.
    assert "offline" not in Study.load("summarization-prompt").to_tree()


def test_interpreted_rows_are_the_same_to_the_bit():
    from expsim_panel.kernels import prompt_sets

    if not hasattr(prompt_sets.draw_prompts, "py_func"):
        pytest.skip("nothing is compiled here")
    for case in (CASES["judge, topics"], CASES["rates, a judge"], CASES["people, labels as rows"]):
        scenario = Study.from_tree(tree(**json.loads(json.dumps(case))), "t").scenario
        law = plan.law(scenario, "truth", 1, 0, 1).repeated(3).kind.law
        made = []
        for function in (prompt_sets.draw_prompts, prompt_sets.draw_prompts.py_func):
            sums, squares = np.zeros((3, 2, 2)), np.zeros((3, 2, 2))
            streams = np.random.Generator(np.random.SFC64(1)), np.random.Generator(np.random.SFC64(2))
            function(*streams, law, np.array([60, 60]), sums, squares)
            made.append((sums, squares))
        assert all((one == other).all() for one, other in zip(*made, strict=True))


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"offline": {"topics": 7}}, "120 prompts in 7 topics"),
        ({"offline": {"topics": 2, "batches": 3}}, "3 batches of 2 topics"),
        ({"offline": {"prompts": 1}}, "offline.prompts"),
        ({"offline": {"prompt_sd": 1.2}}, "more than responses vary"),
        ({"offline": {"topic_sd": 0.2}}, "there are no topics"),
        ({"offline": {"analysis": "topic"}}, "there are no topics"),
        ({"offline": {"promts": 5}}, "did you mean 'prompts'"),
        ({**RATES, "offline": {"prompt_sd": 0.9, "interaction_sd": 0.8}}, "more than the latent SD of 1"),
        ({"evaluator": {**JUDGE, "refusals": 0.1}}, "refusals is not played on a prompt set"),
        (
            {**RATES, "evaluator": {"kind": "hybrid"}, "offline": {**TOPICS, "analysis": "prompt"}},
            "judge and people together correct each other by topic",
        ),
        ({"evaluator": {"kind": "hybrid", "paired": True}}, "evaluator.paired"),
        ({"strategies": [{"kind": "thompson"}]}, "thompson divides live traffic"),
        ({"analysis": {"skip_days": 1}}, "of live traffic"),
        ({"metric": {"family": "amount", "zero_share": 0.5}}, "amounts are not drawn"),
        ({"guardrails": [{"name": "g", "means": [1.0, 1.0], "sd": 1.0, "threshold": 0.1}]}, "guardrails watch live"),
        ({"offline": {"samples": 0}}, "offline.samples"),
    ],
)
def test_what_is_not_played_is_one_line(changes, said):
    with pytest.raises(InputError, match=said) as error:
        Study.from_tree(tree(**changes), "t.toml")
    assert "\n" not in str(error.value)


def test_command_line(tmp_path, capsys):
    lines = ['schema = 1', '[scenario]', 'name = "o"', '[metric]', 'name = "m"', '[[variants]]', 'name = "a"', 'mean = 4',
             '[[variants]]', 'name = "b"', 'mean = 4.2', '[offline]', 'prompts = 100', 'prompt_sd = 0.5']  # fmt: skip
    path = tmp_path / "o.toml"
    path.write_text("\n".join(lines))
    assert main(["run", str(path), "--replicates", "300", "--json", "-"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["scenario"]["offline"]["prompts"] == 100
    assert told["strategies"][0]["operating_characteristics"]["power"]["exact"] is not None
    for command in (["check", str(path)], ["run", str(path), "--replicates", "300"]):
        assert main(command) == 0
        said = capsys.readouterr().out
        assert "100 prompts" in said


def test_offline_then_online_side_by_side(capsys):
    arguments = ["offline", "summarization-prompt", "--prompts", "400", "--replicates", "4000"]
    assert main([*arguments, "--json", "-"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert [(one["evaluator"], one["mode"]) for one in told["rows"]] == [
        (kind, mode) for kind in ("judge", "human") for mode in ("offline", "offline-unpaired", "online")
    ]
    scenario = Study.load("summarization-prompt").scenario
    whole = float(scenario.sds.min())
    judge, found = scenario.evaluator, {(one["evaluator"], one["mode"]): one for one in told["rows"]}
    assert judge.kind == "judge"
    p, g = math.sqrt(0.3) * whole, math.sqrt(0.2) * whole
    o = math.sqrt(np.mean(scenario.sds**2) - 0.5 * whole**2)
    sds = Sds(p, g, o, 0, 0, 0, judge.scale, judge.item_sd, judge.item_variant_sd, judge.repeat_sd)
    for mode, paired in (("offline", True), ("offline-unpaired", False)):
        one = found["judge", mode]
        assert one["se"] ** 2 == pytest.approx(sds.judge_difference(400, 1, judge.repeats, paired), rel=1e-6)
        assert one["bias"] == pytest.approx((judge.scale - 1) * scenario.effects[1] + judge.differential_bias)
        for key in ("power", "type1_error"):
            exact = one[key]["exact"]
            assert one[key]["value"] == pytest.approx(exact, abs=4 * math.sqrt(exact * (1 - exact) / 4000))
        assert one["scores"] == 800
    # Live traffic as `expsim run` has it.
    live = Study.load("summarization-prompt", names=["fixed-horizon"]).run(replicates=4000)["fixed-horizon"].figures
    assert found["judge", "online"]["power"]["value"] == live["power"].value
    assert found["judge", "online"]["days"] == live["days"].value
    ratio = found["judge", "online"]["se"] ** 2 * found["judge", "online"]["per_variant"]
    assert told["responses_per_prompt"]["judge"] == pytest.approx(ratio / (found["judge", "offline"]["se"] ** 2 * 400))
    assert set(told["best"]) == {"judge calls", "raters", "samples"}
    assert main([*arguments, "--prompt-cost", "5", "--topics", "40", "--topic-sd", "0.2"]) == 0
    assert "live responses" in capsys.readouterr().out.replace("\n ", "")


@pytest.mark.parametrize("name", ["summarization-prompt", "hallucination-prompt"])
def test_nothing_is_cut_off_and_one_is_singular(capsys, name):
    assert main(["offline", name, "--replicates", "100"]) == 0
    said = capsys.readouterr().out
    assert "…" not in said
    assert " min " in said
    assert not re.search(r"(?<![.\d])1 (live responses|prompts|samples|raters|judge calls)", said)


def test_best_repeats_follow_the_closed_form():
    from expsim_panel.offline_best import best_repeats

    scenario = Study.from_tree(tree(), "t").scenario
    judge = scenario.evaluator
    human = Study.from_tree(tree(evaluator=HUMAN), "t").scenario.evaluator
    best = best_repeats(scenario, judge, human, 4.0)
    left = 0.64 * 0.09 + 0.04
    exact = math.sqrt(4.0 / (0.002 * 2) * (0.64 * 0.66 + 0.09 / 2) / left)
    assert abs(best["samples"] - exact) <= 1
    assert best["judge calls"] == best["raters"] == 1


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--prompts", "2"], "offline.prompts"),
        (["--topics", "7"], "300 prompts in 7 topics"),
        (["--prompt-cost", "-1"], "--prompt-cost"),
        (["--replicates", "5"], "--replicates"),
        (["--analysis", "word"], "offline.analysis"),
        (["--topic-interaction-sd", "0.1"], "offline.topic_interaction_sd"),
        (["--prompt-sd", "9"], "more than responses vary"),
    ],
)
def test_wrong_prompt_sets_on_the_command_line(capsys, arguments, said):
    assert main(["offline", "summarization-prompt", *arguments]) == 2
    error = capsys.readouterr().err
    assert said in error
    assert error.count("\n") == 1


OFTEN_WRONG = {"topics": 100, "prompts": 500, "topic_sd": 0.3, "analysis": "prompt"}


@pytest.mark.parametrize(
    ("prompts", "raters", "severity", "sd"), [(120, 5, 0.3, 1.0), (60, 6, 1.0, 0.9), (40, 1, 0.5, 1.0)]
)
def test_shared_raters_on_own_prompts_are_a_mixture_of_t_laws(prompts, raters, severity, sd):
    # Their severity is in the estimated variance and not in the difference: the tail, integrated over a chi-square of
    # the severities and a noncentral one of the squares, by quantiles and not by the mixture.
    from types import SimpleNamespace

    from expsim_panel.severities import severe_student

    freedom, bound, shift = 2.0 * prompts - 2, 1.9, 0.7
    law = SimpleNamespace(severity_sd=severity, raters=raters)
    found = severe_student(law, sd, prompts, freedom, shift, (-bound, bound))
    u = (np.arange(400) + 0.5) / 400
    apart = stats.chi2(raters - 1).ppf(u) * 2 * prompts / raters * (severity / sd) ** 2 if raters > 1 else np.zeros(1)
    root = np.sqrt(stats.chi2(freedom).ppf(u) if raters == 1 else stats.ncx2(freedom, apart[:, None]).ppf(u))
    root = root / math.sqrt(freedom)
    low, high = stats.norm.cdf(-bound * root - shift).mean(), stats.norm.sf(bound * root - shift).mean()
    assert found == pytest.approx((low, high), rel=2e-3)


@pytest.mark.arithmetic
def test_people_who_ignore_topics_have_their_false_alarms_shown():
    # With severity the exact value once was that of independent prompts: 0.044 where twice as many are found.
    from expsim_panel.economics import ledger
    from expsim_panel.exact import operating

    case = {"evaluator": HUMAN, "offline": {"paired": False, **OFTEN_WRONG}}
    study, out = played(case, 30_000, ["fixed-horizon", "pocock"], "null")
    for one in study.strategies:
        exact = operating(study.scenario, one, "null", ledger(study.scenario)).values["rejection"]
        assert exact > 0.08
        share = (out[one.name].code != 0).mean()
        assert share == pytest.approx(exact, abs=3.5 * math.sqrt(exact * (1 - exact) / 30_000))
