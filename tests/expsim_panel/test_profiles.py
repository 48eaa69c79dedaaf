"""Profiles: every number has a source or is called an assumption, and every profile makes an evaluator."""

import json
import math

import numpy as np
import pytest
from worlds import tree

from expsim_panel import evaluator_profiles, library
from expsim_panel.__main__ import main
from expsim_panel.errors import InputError
from expsim_panel.evaluation import evaluators
from expsim_panel.evaluation_simulation import compare
from expsim_panel.evaluator_profiles import RATES
from expsim_panel.judge_laws import majority
from expsim_panel.scenario import Scenario

NAMES = evaluator_profiles.names()


def _world(kind, **fields):
    return tree(evaluator={"kind": kind, **fields}, traffic={"units_per_day": 100, "days": 5})


@pytest.mark.parametrize("name", NAMES)
def test_every_number_is_accounted_for(name):
    one = evaluator_profiles.load(name)
    told = set(one.sources) | set(one.assumptions)
    assert told == set(one.fields)
    assert not set(one.sources) & set(one.assumptions)
    assert all(len(text) > 5 for text in (*one.sources.values(), *one.assumptions.values()))
    assert set(one.fields) <= set(evaluators.get(one.kind, "test", "kind").fields())


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("family", ["normal", "binary"])
def test_a_profile_fills_what_the_scenario_leaves_out(name, family):
    one = evaluator_profiles.load(name)
    world = tree(family, evaluator={"kind": one.kind, "profile": name}, traffic={"units_per_day": 100, "days": 5})
    made = Scenario.from_tree(world, "test")
    # What a profile says in points is no rate.
    assumed = {key: rate for key, rate in RATES.items() if key in one.fields and made.family == "binary"}
    whole = made.evaluator.to_tree()
    assert {key: whole[key] for key in one.fields} == {**one.fields, **assumed}
    assert made.evaluator.usd_per_row() > 0
    again = Scenario.from_tree(made.to_tree(), "test")
    assert again.to_tree() == made.to_tree()


def test_the_scenario_has_the_last_word():
    judge = Scenario.from_tree(_world("judge", profile="strong-llm", item_sd=0.1), "test").evaluator
    assert (judge.item_sd, judge.repeat_sd) == (0.1, 0.43)
    world = _world("judge")
    world["evaluators"] = {"judge": {"profile": "small-llm", "seconds": 9.0}}
    judge = Scenario.from_tree(world, "test").evaluator
    assert (judge.scale, judge.seconds) == (0.6, 9.0)
    # A profile named in [evaluator] goes before the fields of [evaluators.judge].
    world["evaluator"]["profile"] = "strong-llm"
    judge = Scenario.from_tree(world, "test").evaluator
    assert (judge.scale, judge.seconds, judge.profile) == (1.0, 5.0, "strong-llm")


def test_words_are_a_label():
    label = "Fitted to our ratings; pay assumed."
    assert Scenario.from_tree(_world("human", profile=label), "test").evaluator.profile == label


@pytest.mark.parametrize(
    ("kind", "profile", "said"),
    [
        ("judge", "strong-lm", "did you mean 'strong-llm'"),
        ("judge", "crowd", "of a human"),
        ("human", "small-llm", "of a judge"),
    ],
)
def test_wrong_names(kind, profile, said):
    with pytest.raises(InputError, match=said) as caught:
        Scenario.from_tree(_world(kind, profile=profile), "test.toml")
    assert str(caught.value).startswith("test.toml [evaluator.profile]")


def test_the_numbers_are_those_of_the_sources():
    """Spearman 0.52 and 0.29 with a mean of reliability 0.79; ICC 0.18 at total SD 1.3; DICES agreements."""
    for name, published in (("strong-llm", 0.52), ("small-llm", 0.29)):
        f = evaluator_profiles.load(name).fields
        signal = (f["scale"] * 0.7) ** 2
        error = f["item_sd"] ** 2 + f["item_variant_sd"] ** 2 + f["repeat_sd"] ** 2
        assert math.sqrt(signal / (signal + error)) * math.sqrt(0.79) == pytest.approx(published, abs=0.01)
    crowd = evaluator_profiles.load("crowd").fields
    beyond = crowd["severity_sd"] ** 2 + crowd["noise_sd"] ** 2
    assert 1.3**2 - beyond == pytest.approx(0.18 * 1.3**2, rel=0.05)
    expert = evaluator_profiles.load("expert").fields
    assert math.hypot(expert["severity_sd"], expert["noise_sd"]) == pytest.approx(0.82, abs=0.01)
    safety = evaluator_profiles.load("safety-raters").fields
    assert majority(safety["sensitivity"], 5) == pytest.approx(0.842, abs=0.001)


def test_better_judges_make_hybrids_better():
    scenario = library.load("ranking-diversity")
    errors = []
    for name in ("small-llm", "strong-llm"):
        tables = {"judge": {"profile": name, "coverage": 0.5}, "human": {"profile": "crowd", "coverage": 0.1}}
        found = compare(scenario.copy(evaluators=tables), 500.0, replicates=2000)
        errors.append(found.options[2][0].se)
    assert errors[1] < errors[0]
    assert np.isfinite(errors).all()


def test_list_and_set(capsys):
    assert main(["list", "--json", "-"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert [one["name"] for one in told["profiles"]] == NAMES
    assert main(["list"]) == 0
    assert "safety-raters" in capsys.readouterr().out
    asked = ["run", "summarization-prompt", "--set", "evaluator.profile=small-llm", "--replicates", "20", "--json", "-"]
    assert main(asked) == 0
    assert json.loads(capsys.readouterr().out)["scenario"]["evaluator"]["scale"] == 0.6


@pytest.mark.parametrize("name", NAMES)
def test_a_list_says_where_every_number_comes_from(capsys, name):
    one = evaluator_profiles.load(name)
    assert main(["list", name, "--json", "-"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert {key: field["value"] for key, field in told["fields"].items()} == one.fields
    assert {key: field["source"] for key, field in told["fields"].items()} == {**one.sources, **one.assumptions}
    assert {key for key, field in told["fields"].items() if field["assumed"]} == set(one.assumptions)
    assert told["assumed_of_rates"] == {key: rate for key, rate in RATES.items() if key in one.fields}
    assert main(["list", "--json", "-"]) == 0
    everything = json.loads(capsys.readouterr().out)["profiles"]
    assert next(each for each in everything if each["name"] == name) == told
    assert main(["list", name]) == 0
    lines = capsys.readouterr().out.splitlines()
    for key in one.fields:
        row = next(line for line in lines if line.split()[:1] == [key])
        assert ("Assumed: " in row) == (key in one.assumptions), key
    way = f"evaluators.{one.kind}.profile={name}"
    assert way in lines[-1]
    assert main(["run", "summarization-prompt", "--set", way, "--replicates", "20", "--json", "-"]) == 0
    capsys.readouterr()


def test_an_unknown_profile_is_one_line(capsys):
    assert main(["list", "strnog-llm"]) == 2
    said = capsys.readouterr()
    assert "did you mean 'strong-llm'" in said.err
    assert not said.out


@pytest.mark.parametrize(
    ("flag", "name"), [("--judge", "nosuch"), ("--judge", "crowd"), ("--people", "strong-llm"), ("--people", "")]
)
def test_a_flag_names_a_profile_of_its_kind(capsys, flag, name):
    assert main(["evaluators", "summarization-prompt", flag, name]) == 2
    said = capsys.readouterr().err
    assert said.count("\n") == 1
    assert f"[{flag}]: unknown profile" in said
