"""What stands beside the table: how much of a finding is the judge's liking, and what the verdict makes of it."""

import json

import pytest
import tomli_w
from scipy import stats
from worlds import tree

from expsim_panel.__main__ import main
from expsim_panel.caveats import caveats
from expsim_panel.exports.json import document
from expsim_panel.study import Study


def test_the_judges_liking_is_told_with_the_chance_that_is_left_without_it():
    result = Study.load("summarization-prompt", names=("fixed-horizon",)).run(replicates=2000)
    scenario = result.study.scenario
    judge, n = scenario.evaluator, 0.15 * 400 * 28 / 2
    noise = judge.item_sd**2 + judge.item_variant_sd**2 + judge.repeat_sd**2 / judge.repeats
    drift = judge.scale * scenario.effects[1] / (((judge.scale * scenario.sds) ** 2 + noise).sum() / n) ** 0.5
    wanted = stats.norm.sf(1.959964 - drift) + stats.norm.cdf(-1.959964 - drift)
    said = caveats(result)[0]
    assert "assumed to favour new prompt by 0.070" in said
    assert f"favours nobody in {100 * wanted:.1f} %" in said


def test_the_verdicts_second_look_is_told():
    result = Study.load("summarization-prompt", names=("obrien-fleming",)).run(replicates=2000)
    said = caveats(result)[1]
    assert f"would launch in {100 * (result['obrien-fleming'].worlds['truth'].code > 0).mean():.0f} %" in said
    share = result["obrien-fleming"].verdicts["collect"]["share"].value
    assert share > 0.99
    assert "collect >99 %" in said


@pytest.mark.parametrize("setting", ["evaluator.kind=truth"])
def test_a_truthful_evaluator_needs_no_caveat(setting):
    assert caveats(Study.load("hallucination-prompt", [setting], ["obrien-fleming"]).run(replicates=1000)) == ()


def test_after_adaptive_allocation_the_estimator_is_named_with_its_bias_and_coverage():
    result = Study.load("hallucination-prompt", ["evaluator.kind=truth"], ["fixed-horizon", "thompson(floor=0)"]).run(
        replicates=2000
    )
    scenario = result.study.scenario
    fixed, adaptive = (document(result)["strategies"][k]["estimator"] for k in (0, 1))
    assert (fixed["valid_under_allocation"], adaptive["valid_under_allocation"]) == (True, False)
    out = result["thompson(floor=0)"].worlds["truth"]
    rates = out.sums / out.rows
    off = rates[:, 1] - rates[:, 0] - scenario.effects[1]
    assert adaptive["bias"][0]["value"] == pytest.approx(off.mean())
    assert adaptive["bias"][0]["value"] > 3 * adaptive["bias"][0]["se"]
    assert abs(fixed["bias"][0]["value"]) < 4 * fixed["bias"][0]["se"]
    assert adaptive["coverage"]["value"] == result["thompson(floor=0)"].figures["coverage"].value
    said = caveats(result)[-1]
    assert "naive difference of means" in said
    assert "thompson(floor=0) is off by" in said
    assert "fixed-horizon" not in said


def test_few_positive_labels_are_told():
    def said(mean):
        tree = {
            "schema": 1,
            "scenario": {"name": "rare", "indifference": 0.01},
            "metric": {"name": "harm", "family": "binary", "direction": "decrease"},
            "variants": [{"name": "a", "mean": mean}, {"name": "b", "mean": mean * 0.8}],
            "traffic": {"units_per_day": 800, "days": 5},
            "evaluator": {"kind": "hybrid", "label_share": 0.1, "human": {"sensitivity": 1.0, "specificity": 1.0}},
        }
        study = Study.from_tree(tree, "t", names=["fixed-horizon"])
        return [one for one in caveats(study.run(replicates=200)) if "rarer kind" in one]

    # 200 labels of a variant, of which the rarer kind is expected in a share of 0.04 and 0.24.
    assert said(0.05) == [said(0.05)[0]]
    assert said(0.05)[0].startswith("About 8 labels")
    assert said(0.3) == []


def _rates(kind, **own):
    """A yes/no study whose judge has a profile, which says its suspected bias in points."""
    evaluator = {"kind": kind, **({} if kind == "hybrid" else {"profile": "strong-llm"}), **own}
    made = tree("binary", evaluator=evaluator, evaluators={"judge": {"profile": "strong-llm"}})
    return {**made, "traffic": {"units_per_day": 500, "days": 5}, "strategies": [{"kind": "fixed-horizon"}]}


@pytest.mark.parametrize("kind", ["judge", "hybrid"])
def test_an_assumed_bias_that_the_verdict_reckons_with_is_said(kind):
    result = Study.from_tree(_rates(kind), "test").run(replicates=50)
    said = [one for one in caveats(result) if one.startswith("Assumed: a suspected bias")]
    assert document(result)["notes"] == list(caveats(result))
    # Labels correct a hybrid's judge: nothing is suspected of it.
    assert len(said) == (kind == "judge") == (result.study.scenario.evaluator.bias_sd() == 0.02)
    if said:
        assert "2.00 pp (SD)" in said[0]
        assert "launches nothing that such a bias could explain" in said[0]
        known = Study.from_tree(_rates(kind, suspected_bias_sd=0.03), "test").run(replicates=50)
        assert not [one for one in caveats(known) if one.startswith("Assumed")]


def test_the_command_prints_and_writes_it(tmp_path, capsys):
    file = tmp_path / "rates.toml"
    file.write_text(tomli_w.dumps(_rates("judge")))
    assert main(["run", str(file), "--replicates", "50", "--json", "-"]) == 0
    (note,) = [one for one in json.loads(capsys.readouterr().out)["notes"] if one.startswith("Assumed: a suspected")]
    assert main(["run", str(file), "--replicates", "50"]) == 0
    assert note in " ".join(capsys.readouterr().out.split())


@pytest.mark.parametrize("kind", ["judge", "hybrid"])
def test_calls_that_are_paid_for_nothing_are_said(kind):
    """Of yes or no; of scores repeats take noise away."""

    def played(repeats):
        made = _rates(kind)
        made["evaluators"]["judge"]["repeats"] = repeats
        return Study.from_tree(made, "test").run(replicates=50)

    one, three = played(1), played(3)
    first, second = (each["fixed-horizon"].figures for each in (one, three))
    assert second["power"].value == first["power"].value
    assert second["cost"].value > first["cost"].value
    assert not [said for said in caveats(one) if "is paid and changes nothing" in said]
    (said,) = [said for said in caveats(three) if "is paid and changes nothing" in said]
    assert "asked 3 times" in said
    scores = Study.load("summarization-prompt", ["evaluator.repeats=3"], ["fixed-horizon"]).run(replicates=50)
    assert not [said for said in caveats(scores) if "is paid and changes nothing" in said]
