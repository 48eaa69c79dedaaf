import tomllib

import pytest
import tomli_w
from worlds import tree

from expsim_panel import library
from expsim_panel.errors import InputError
from expsim_panel.evaluation import evaluators
from expsim_panel.judge_laws import majority
from expsim_panel.scenario import Scenario
from expsim_panel.study import Study

NAN = float("nan")
BAD = {
    "unknown table": ({"metrics": {}}, r"\[metrics\]: unknown table.*did you mean 'metric'"),
    "unknown key": ({"metric": {"famly": "normal"}}, r"\[metric.famly\].*did you mean 'family'"),
    "planned table": ({"spec": {}}, r"\[spec\]: not simulated"),
    "unknown family": (
        {"metric": {"family": "poisson"}},
        r"\[metric.family\].*choose from amount, binary, normal, ordinal",
    ),
    "text for a number": ({"metric": {"sd": "wide"}}, r"\[metric.sd\]: 'wide' is not a standard deviation"),
    "true for a number": ({"metric": {"sd": True}}, r"\[metric.sd\]: True is not"),
    "nan": ({"metric": {"sd": NAN}}, r"\[metric.sd\]: nan is not a finite number"),
    "infinity": ({"economics": {"launch_cost": float("inf")}}, r"\[economics.launch_cost\]: inf is not a finite"),
    "zero spread": ({"metric": {"sd": 0}}, r"\[metric.sd\]: 0 is out of bounds"),
    "fraction of a day": ({"traffic": {"days": 2.5}}, r"\[traffic.days\]: 2.5 is not a whole number"),
    "no days": ({"traffic": {"days": 0}}, r"\[traffic.days\]: 0 is out of bounds"),
    "shares": ({"traffic": {"shares": [0.5, 0.4]}}, r"\[traffic.shares\]: shares sum to 0.9; make them sum to 1"),
    "negative share": ({"traffic": {"shares": [1.5, -0.5]}}, r"\[traffic.shares\]: share -0.5 is not positive"),
    "nan share": ({"traffic": {"shares": [NAN, 0.5]}}, r"\[traffic.shares\]: nan is not a finite number"),
    "too many shares": ({"traffic": {"shares": [0.2, 0.3, 0.5]}}, r"3 shares for 2 variants"),
    "one variant": ({"variants": [{"name": "A"}]}, r"\[variants\]: 1 variants; give 2 to 10"),
    "no variants": ({"variants": 3}, r"\[variants\]"),
    "same name": ({"variants": [{"name": "A"}, {"name": "A"}]}, r"\[variants.1.name\]: 'A' appears twice"),
    "no name": ({"variants": [{"mean": 1.0}, {"name": "B"}]}, r"\[variants.0.name\]"),
    "out of range": ({"metric": {"range": [1, 2]}}, r"\[variants.0.mean\]: 3 is outside metric.range"),
    "empty range": ({"metric": {"range": [5, 1]}}, r"\[metric.range\]"),
    "thresholds": ({"metric": {"thresholds": [1.0, 0.5]}}, r"\[metric.thresholds\]: thresholds do not ascend"),
    "unknown evaluator": ({"evaluator": {"kind": "humans"}}, r"\[evaluator.kind\].*did you mean 'human'"),
    "unknown field": ({"evaluator": {"kind": "judge", "repeat": 3}}, r"\[evaluator.repeat\].*'repeats'"),
    "unknown model": (
        {"evaluator": {"kind": "judge", "model": "gpt-99", "provider": "openai"}},
        r"\[evaluator.model\]: no price known for 'gpt-99'",
    ),
    "too much work": (
        {"evaluator": {"kind": "human", "raters": 2, "coverage": 1.0}},
        r"\[evaluator.coverage\].*h of work",
    ),
    "unused evaluator": ({"evaluators": {"human": {"raters": 0}}}, r"\[evaluators.human.raters\]"),
    "not a slug": ({"scenario": {"name": "a b"}}, r"\[scenario.name\]"),
    "unknown strategy": ({"strategies": [{"kind": "tompson"}]}, r"\[strategies.0.kind\].*did you mean 'thompson'"),
    "unknown strategy field": ({"strategies": [{"kind": "pocock", "look": 3}]}, r"\[strategies.0.look\].*'looks'"),
    "too many looks": ({"strategies": [{"kind": "pocock", "looks": 9}]}, r"\[strategies.0.looks\]: 9 looks in 5 days"),
    "alpha": ({"strategies": [{"kind": "pocock", "alpha": 2}]}, r"\[strategies.0.alpha\]: 2 is out of bounds"),
    "same strategy": ({"strategies": [{"kind": "pocock"}, {"kind": "pocock"}]}, r"\[strategies.1.name\].*twice"),
    "schema": ({"schema": 2}, r"\[schema\]: unknown schema 2"),
    "control characters": ({"scenario": {"name": "a\nb"}}, r"\[scenario.name\]"),
}


@pytest.mark.parametrize("name", BAD)
def test_bad_input_is_one_line_naming_file_key_value_and_remedy(name):
    tables, pattern = BAD[name]
    with pytest.raises(InputError, match=pattern) as caught:
        Study.from_tree(tree(**tables), "mine.toml")
    line = str(caught.value)
    assert line.startswith("mine.toml [")
    assert "\n" not in line
    assert "; " in line
    assert len(line) < 300


def test_binary_means_are_rates():
    with pytest.raises(InputError, match=r"\[variants.0.mean\]: 3 is not a rate"):
        Scenario.from_tree(tree("binary", variants=[{"name": "A", "mean": 3}, {"name": "B", "mean": 0.1}]), "x")


def test_binary_judge_must_beat_a_coin_and_stay_inside_0_to_1():
    for fields, text in (
        ({"sensitivity": 0.4, "specificity": 0.5}, "better than a coin"),
        ({"sensitivity": 0.95, "differential_bias": 0.2}, "out of 0 to 1"),
    ):
        with pytest.raises(InputError, match=text):
            Scenario.from_tree(tree("binary", evaluator={"kind": "judge", **fields}), "x")


@pytest.mark.parametrize("name", library.names())
def test_library_scenarios_survive_the_round_trip(name):
    study = Study.load(name)
    text = tomli_w.dumps(study.to_tree())
    again = Study.from_tree(tomllib.loads(text), "again")
    assert again.to_tree() == study.to_tree()
    assert again.freeze().digest == study.freeze().digest
    assert study.scenario.scenario.provenance
    assert study.scenario.scenario.question


@pytest.mark.parametrize("name", library.names())
@pytest.mark.parametrize("kind", evaluators.names())
def test_library_scenarios_work_with_every_evaluator(name, kind):
    study = Study.load(name, [f"evaluator.kind={kind}"])
    assert study.scenario.evaluator.kind == kind


def test_settings_address_the_tree():
    study = Study.load("hallucination-prompt", ["variants.1.mean=0.07", "traffic.days=14", "scenario.title=A title"])
    assert study.scenario.variants[1].mean == 0.07
    assert study.scenario.traffic.days == 14
    assert study.scenario.scenario.title == "A title"


@pytest.mark.parametrize(
    "setting",
    ["mean", "variants.9.mean=1", "variants.x.mean=1", "scenario.title.text=1", "=3", "a b=3", "variants.1.mean=abc"],
)
def test_bad_settings_are_one_line(setting):
    with pytest.raises(InputError) as caught:
        Study.load("hallucination-prompt", [setting])
    assert "\n" not in str(caught.value)


def test_majority_of_raters_is_the_binomial_tail():
    assert majority(0.8, 1) == pytest.approx(0.8)
    assert majority(0.8, 3) == pytest.approx(0.8**3 + 3 * 0.8**2 * 0.2)


def test_judge_errors_shrink_a_difference_of_rates_by_youden():
    made = evaluators.build({"kind": "judge", "sensitivity": 0.75, "specificity": 0.93}, {}, "x")
    import numpy as np

    rates = made.measure(np.array([0.08, 0.12]), np.zeros(2), "binary").means
    assert rates[1] - rates[0] == pytest.approx(0.68 * 0.04)
    # MODEL 3.1: p = 0.08, Se 0.75, Sp 0.93: the sample size grows by 3.20, not by 1 / J^2 = 2.16.
    growth = rates[0] * (1 - rates[0]) / (0.08 * 0.92 * 0.68**2)
    assert growth == pytest.approx(3.20, abs=0.005)


def test_judge_scores_have_the_stated_mean_and_variance():
    import numpy as np

    fields = {"kind": "judge", "offset": 0.5, "scale": 0.8, "differential_bias": 0.1, "item_sd": 0.3}
    made = evaluators.build({**fields, "item_variant_sd": 0.2, "repeat_sd": 0.6, "repeats": 4}, {}, "x")
    law = made.measure(np.array([3.0, 3.5]), np.array([1.0, 1.0]), "normal")
    np.testing.assert_allclose(law.means, [0.5 + 2.4, 0.5 + 2.8 + 0.1])
    np.testing.assert_allclose(law.sds**2, 0.64 + 0.09 + 0.04 + 0.09)


def test_fewer_is_better_flips_the_sign_of_effects():
    scenario = Scenario.from_tree(tree("binary"), "x")
    assert scenario.effects[1] == pytest.approx(0.006)
