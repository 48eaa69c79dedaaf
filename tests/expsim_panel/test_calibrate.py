"""Calibration: published facts of SummEval, the shipped scenario, and tables of every kind."""

import json
import tomllib
from importlib.resources import files

import numpy as np
import pytest
from scipy.special import ndtr
from typer.testing import CliRunner

from expsim_panel.__main__ import app
from expsim_panel.calibrate import calibrate, dump_scenario, to_scenario
from expsim_panel.errors import InputError
from expsim_panel.ratings import parse_ratings, read_ratings
from expsim_panel.scenario import Scenario


@pytest.fixture(scope="module")
def summeval():
    metajudge = pytest.importorskip("metajudge")
    with_path = files(metajudge) / "data" / "demo.csv"
    return calibrate(read_ratings(str(with_path), variant=r"_(M\d+)$"), "M17", ["M22"])


def made(kind, prompts=60, raters=4, seed=1, variants=("A", "B")):
    """Return a rating table whose second variant is better."""
    rng = np.random.default_rng(seed)
    severity = rng.normal(0, 0.3, raters)
    lines = ["item,rater,score,variant"]
    for prompt in range(prompts):
        for shift, variant in enumerate(variants):
            quality = 3 + 0.4 * shift + rng.normal(0, 0.8)
            for rater in range(raters):
                score = quality + severity[rater] + rng.normal(0, 0.7)
                text = {
                    "binary": f"{int(score > 3)}",
                    "ordinal": f"{int(np.clip(round(score), 1, 5))}",
                    "normal": f"{score:.4f}",
                }[kind]
                lines.append(f"p{prompt},r{rater},{text},{variant}")
    return parse_ratings("\n".join(lines).encode(), "made up.csv")


def test_summeval_has_its_published_reliability(summeval):
    assert (summeval.rows, summeval.items, summeval.prompts, summeval.raters) == (4800, 1600, 100, 3)
    assert summeval.family == "ordinal"
    assert summeval.levels == (1.0, 2.0, 3.0, 4.0, 5.0)
    assert summeval.reliability.icc1 == pytest.approx(0.559, abs=5e-4)
    assert summeval.reliability.icc1k == pytest.approx(0.79, abs=5e-3)
    assert summeval.reliability.within_item_sd == pytest.approx(0.82, abs=5e-3)
    assert summeval.facts("M17").mean == pytest.approx(4.00, abs=5e-3)
    assert summeval.facts("M22").mean == pytest.approx(4.18, abs=5e-3)


def test_the_two_way_icc_is_that_of_an_independent_package(summeval):
    demo = pytest.importorskip("metajudge.demo")
    theirs = pytest.importorskip("metajudge.reliability").icc(demo.load_demo())
    assert summeval.reliability.icc21 == pytest.approx(theirs.icc1, rel=1e-9)


def test_histograms_means_and_errors_are_those_of_the_rows(summeval):
    facts = summeval.facts("M17")
    counts = np.array(facts.histogram)
    assert counts.sum() == facts.ratings == 300
    assert counts @ np.arange(1, 6) / 300 == pytest.approx(facts.mean)
    # balanced: the clustered error of a mean is that of the item means
    assert facts.se == pytest.approx(facts.item_mean_sd / np.sqrt(facts.items))
    (contrast,) = summeval.contrasts
    assert contrast.difference == pytest.approx(summeval.facts("M22").mean - facts.mean)
    gain = facts.se**2 + summeval.facts("M22").se ** 2 - 2 * contrast.correlation * facts.se * summeval.facts("M22").se
    assert contrast.se == pytest.approx(np.sqrt(gain))


def test_item_means_spread_as_their_components_say(summeval):
    """Var(item mean) = item + noise / raters, severity being the same for every item."""
    parts = summeval.components
    expected = parts.item + parts.noise / 3
    spread = np.mean([facts.item_mean_sd**2 for facts in summeval.variants])
    assert spread == pytest.approx(expected, rel=1e-9)


def test_thresholds_and_latent_means_give_the_observed_means(summeval):
    tree = to_scenario(summeval)
    cuts = np.array(tree["metric"]["thresholds"])
    for row, name in zip(tree["variants"], ("M17", "M22"), strict=True):
        assert 5 - ndtr(cuts - row["latent_mean"]).sum() == pytest.approx(row["mean"], abs=2e-5)
        below = np.append(ndtr(cuts - row["latent_mean"]), 1)
        seen = np.cumsum(summeval.facts(name).histogram) / 300
        assert np.abs(below - seen).max() < 0.04  # three parameters fewer than a saturated model


def test_the_shipped_scenario_holds_what_calibrate_measures(summeval):
    shipped = tomllib.loads((files("expsim_panel.scenarios") / "summarization-prompt.toml").read_text("utf-8"))
    fresh = to_scenario(summeval, name="summarization-prompt")
    for key in ("sd", "range", "thresholds"):
        assert shipped["metric"][key] == pytest.approx(fresh["metric"][key], rel=1e-4, abs=1e-5)
    for mine, theirs in zip(shipped["variants"], fresh["variants"], strict=True):
        for key in ("mean", "sd", "latent_mean"):
            assert mine[key] == pytest.approx(theirs[key], rel=1e-4)
    for key in ("severity_sd", "noise_sd"):
        human = shipped["evaluators"]["human"]
        assert human[key] == pytest.approx(fresh["evaluators"]["human"][key], rel=1e-4)
    kept, made_now = shipped["calibration"], fresh["calibration"]
    assert set(kept) == set(made_now)
    for key in ("source", "sha256", "rows", "items", "raters", "notes", "control", "treatments"):
        assert kept[key] == made_now[key]
    for key in ("components", "chosen", "reliability"):
        assert kept[key] == pytest.approx(made_now[key], rel=1e-4)
    assert kept["realism"]["law"] == "ordered-probit-stretched-adjudicated"
    # found by simulation: a secant step may fall differently on another platform
    assert kept["ordered_probit"]["thresholds"] == pytest.approx(made_now["ordered_probit"]["thresholds"], abs=0.03)
    assert kept["realism"]["scores"] == pytest.approx(made_now["realism"]["scores"], abs=0.02)
    for mine, theirs in zip(kept["variants"], made_now["variants"], strict=True):
        assert mine["histogram"] == theirs["histogram"]


def test_the_shipped_scenario_is_valid_and_cites_its_source():
    shipped = tomllib.loads((files("expsim_panel.scenarios") / "summarization-prompt.toml").read_text("utf-8"))
    scenario = Scenario.from_tree(shipped, "summarization-prompt.toml")
    assert scenario.effects[1] == pytest.approx(0.18, abs=5e-3)
    for words in ("2007.12626", "MIT", "metajudge 0.3.0"):
        assert words in shipped["scenario"]["provenance"]
    assert any("judge is assumed" in line for line in shipped["calibration"]["assumptions"])


@pytest.mark.parametrize("kind", ["binary", "ordinal", "normal"])
def test_every_family_makes_a_valid_scenario(kind):
    found = calibrate(made(kind, prompts=110), splits=3)
    assert found.family == kind
    assert found.realism.score is not None
    tree = to_scenario(found)
    scenario = Scenario.from_tree(tree, "made.toml")
    assert scenario.to_tree()["metric"]["family"] == kind
    assert tree["scenario"]["name"] == "made-up"
    assert tomllib.loads(dump_scenario(tree)) == tree
    plain = json.loads(json.dumps(found.to_json(), allow_nan=False))
    assert len(plain["probit"]["thresholds"]) == len(
        plain["classes"]["edges"] if kind == "normal" else plain["levels"][1:]
    )
    assert [row["name"] for row in tree["variants"]] == ["A", "B"]
    if kind == "normal":  # the parameters that made the table, errors from 110 x 2 items and 4 raters
        assert found.chosen.noise == pytest.approx(0.49, abs=4 * 0.49 * np.sqrt(2 / 660))
        assert found.chosen.item == pytest.approx(0.64, abs=4 * 0.76 * np.sqrt(2 / 218))


def test_less_can_be_better():
    tree = to_scenario(calibrate(made("normal"), splits=1), direction="decrease")
    assert tree["metric"]["direction"] == "decrease"
    assert tree["evaluators"]["judge"]["differential_bias"] < 0


def test_two_other_values_are_binary_and_the_higher_one_is_yes():
    text = "item,rater,score,variant\np,a,2,A\np,b,5,A\np,a,5,B\np,b,5,B\n"
    found = calibrate(parse_ratings(text.encode(), "two.csv"))
    assert found.family == "binary"
    assert [facts.mean for facts in found.variants] == [0.5, 1.0]
    assert "5 counts as yes" in found.notes[0]
    assert found.realism.score is None
    assert "not assessable" in found.realism.reason
    json.dumps(found.to_json(), allow_nan=False)
    Scenario.from_tree(to_scenario(found), "two.toml")


def test_one_rating_per_item_still_gives_a_scenario_that_says_what_is_missing():
    lines = [f"p{k},r{k % 3},{1 + (k * 7 + v) % 5},{'AB'[v]}" for k in range(30) for v in (0, 1)]
    found = calibrate(parse_ratings("\n".join(["item,rater,score,variant", *lines]).encode(), "single.csv"))
    assert found.components.item is None
    assert found.reliability.icc1 is None
    tree = to_scenario(found)
    Scenario.from_tree(tree, "single.toml")
    assert any("No item has two ratings" in line for line in tree["calibration"]["assumptions"])


def test_variants_are_chosen_by_name_or_by_default():
    ratings = made("ordinal", prompts=6, variants=("A", "B", "C"))
    assert calibrate(ratings).treatments == ("B", "C")
    chosen = calibrate(ratings, "C", ["A"])
    assert (chosen.control, chosen.treatments) == ("C", ("A",))
    many = calibrate(made("ordinal", prompts=4, variants=tuple("ABCDEFGHIJKL")))
    assert len(many.treatments) == 1
    assert many.facts(many.control).mean <= many.facts(many.treatments[0]).mean
    assert any("flattering" in note for note in many.notes)


@pytest.mark.parametrize(
    ("control", "treatments", "words"),
    [
        ("AA", None, "there is no variant 'AA'; did you mean 'A'?"),
        ("A", ["b"], "there is no variant 'b'"),
        ("A", ["A"], "'A' is the control"),
    ],
)
def test_bad_variants_give_one_line(control, treatments, words):
    with pytest.raises(InputError) as caught:
        calibrate(made("ordinal", prompts=3), control, treatments)
    assert words in str(caught.value)


@pytest.mark.parametrize("flags", [{"direction": "up"}, {"name": "a b"}])
def test_bad_flags_give_one_line(flags):
    found = calibrate(made("ordinal", prompts=3))
    with pytest.raises(InputError, match=r"^made up\.csv \[--(direction|name)\]: [^\n]*$"):
        to_scenario(found, **flags)


def test_ratings_of_one_variant_are_measured_and_make_no_scenario(tmp_path):
    """Crowd ratings of one system (DICES is such a table) have components, agreement and a realism score."""
    rng = np.random.default_rng(2)
    path, quality = tmp_path / "one.csv", rng.standard_normal(210)
    lines = [f"i{i},r{r},{int(q + rng.standard_normal() > 0)},A" for i, q in enumerate(quality) for r in range(3)]
    path.write_text("\n".join(["item,rater,score,variant", *lines]))
    runner = CliRunner()
    found = runner.invoke(app, ["calibrate", str(path), "--json", "-"])
    told = json.loads(found.stdout)
    assert (found.exit_code, told["scenario"]) == (0, None)
    assert "two variants" in told["scenario_reason"]
    assert told["calibration"]["treatments"] == []
    assert told["calibration"]["realism"]["score"] > 0.9
    # Two raters of a yes or no with latent correlation 1/2: ICC = (2 / pi) asin(1 / 2) = 1/3
    assert told["calibration"]["reliability"]["icc1"] == pytest.approx(1 / 3, abs=4 * 0.045)
    with pytest.raises(InputError, match="there is one variant"):
        to_scenario(calibrate(read_ratings(str(path)), splits=1))
