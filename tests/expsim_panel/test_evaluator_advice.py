"""What follows from the planning answers, against simulated experiments and brute force."""

from __future__ import annotations

import json
import math
from dataclasses import replace

import numpy as np
import pytest
from typer.testing import CliRunner

from expsim_panel.__main__ import app
from expsim_panel.evaluation_budget import Rows
from expsim_panel.evaluation_simulation import estimates
from expsim_panel.evaluator_advice import launch_bar, played_splits, to_collect
from expsim_panel.evaluator_answers import Answers, answers, scores_per_label, with_evaluators
from expsim_panel.evaluator_picks import fields_of
from expsim_panel.layouts.pages import evaluator_words
from expsim_panel.scenario import Scenario
from expsim_panel.study import Study


def scenario(name: str, **judge: object) -> Scenario:
    made = Study.load(name).scenario
    return with_evaluators(made, {**fields_of(made, "judge"), **judge}, fields_of(made, "human"))


def test_share_of_judge_only_launches_is_that_of_simulated_experiments() -> None:
    """A trusted judge and few scores: the bar is cleared by some experiments and not by all."""
    found = answers(scenario("summarization-prompt", suspected_bias_sd=0.02, price_override=0.02), 10.0)
    rule = launch_bar(found)
    what, reps = found.what, 20_000
    rows = next(one for one in found.options if one.name == "judge").rows
    assert rule.bar == pytest.approx(2 * math.hypot(rule.se, 0.02))
    assert rule.floor == pytest.approx(0.04)
    for law, share in ((what.law, rule.launches), (what.null, rule.launches_null)):
        values, _ = estimates(law, "judge", Rows(0, rows.judged), reps, 5, 1)
        seen = float((what.sign * values > rule.bar).mean())
        assert seen == pytest.approx(share, abs=4 * math.sqrt(max(share * (1 - share), 1e-4) / reps) + 2e-3)
    assert 0.02 < rule.launches < 0.98


def test_no_number_of_scores_clears_the_floor() -> None:
    made = scenario("summarization-prompt", price_override=0.2)
    few, many = (launch_bar(answers(made, budget)) for budget in (20.0, 2000.0))
    assert few.bar > many.bar > many.floor == few.floor == pytest.approx(2 * 0.29)
    # labels are not held back by the judge's bias
    assert few.labels_bar > many.labels_bar
    assert many.launches < 1e-6


def test_what_to_collect_is_the_best_of_all_numbers_of_rows() -> None:
    found = answers(scenario("summarization-prompt"))
    ranked = to_collect(found)
    assert [one.enbs for one in ranked] == sorted((one.enbs for one in ranked), reverse=True)
    for one in ranked:
        curve = found.worth.enbs[one.name]
        at = int(np.argmax(curve))
        assert one.enbs == curve[at]
        n = int(found.worth.rows[at])
        assert one.labelled == (0 if one.name == "judge" else 2 * n)
        each = {"judge": 1.0, "human": 0.0, "hybrid": scores_per_label(found.what)}[one.name]
        assert one.judged == 2 * math.ceil(n * each)
        assert one.cost == one.labelled * found.what.cost_human + one.judged * found.what.cost_judge
        assert one.days == found.what.pace.duration(one.labelled, one.judged)
        assert one.pays == (one.enbs > 0)
    nothing = replace(found, worth=replace(found.worth, best={}, reason="nothing is at stake"))
    assert to_collect(nothing) == ()


@pytest.fixture(scope="module")
def dear() -> Answers:
    return answers(scenario("summarization-prompt", price_override=0.01, item_sd=0.3, item_variant_sd=0.2), 600.0)


def test_played_splits_stand_beside_the_closed_form(dear: Answers) -> None:
    reps = 4_000
    played = played_splits(dear.what, 600.0, reps)
    assert len(played) >= 4
    for one in played:
        # weights are estimated from the labels
        assert one.simulated == pytest.approx(one.se, rel=4 / math.sqrt(2 * reps) + 1 / one.labelled)
        spent = 2 * (one.labelled * dear.what.cost_human + one.judged * dear.what.cost_judge)
        assert spent <= 600.0
    best = min(played, key=lambda one: one.simulated)
    assert best.labelled == pytest.approx(dear.split.labelled, rel=0.35)


def test_the_page_names_rows_dollars_days_and_where_a_judge_ends(dear: Answers) -> None:
    said = evaluator_words.worth(dear)
    assert "Collect " in said
    assert "labels" in said
    assert "days" in said
    assert "$" in said
    assert "never worth more than" in said
    told = evaluator_words.launch(dear)
    assert "No number of scores brings this below 0.58" in told
    trusted = evaluator_words.launch(answers(scenario("summarization-prompt", suspected_bias_sd=0.0), 50.0))
    assert "No number of scores" not in trusted
    idle = replace(dear, worth=replace(dear.worth, best={}, reason="<b>none</b>"))
    assert "&lt;b&gt;" in evaluator_words.worth(idle)


def test_the_command_line_gives_the_same(tmp_path) -> None:
    out = tmp_path / "answers.json"
    run = CliRunner().invoke(app, ["evaluators", "summarization-prompt", "--replicates", "500", "--json", str(out)])
    assert run.exit_code == 0, run.output
    told = json.loads(out.read_text())
    assert {"name", "labelled", "judged", "cost", "days", "enbs", "pays"} == set(told["collect"][0])
    assert told["launch_rule"]["bar"] > told["launch_rule"]["floor"] == pytest.approx(0.58)
    assert {"labelled", "judged", "se", "simulated", "simulated_se"} == set(told["split"]["simulated"][0])
    # every simulated figure has its error, and lies within it of the closed form
    for split in told["split"]["simulated"]:
        assert split["simulated_se"] == pytest.approx(split["simulated"] / math.sqrt(1000))
        assert abs(split["simulated"] - split["se"]) < 4 * split["simulated_se"]
    for point in told["frontier"]:
        for kind, rmse in point["rmse"].items():
            assert (rmse is None) == (point["simulated_se"][kind] is None)
            if rmse is not None:
                assert abs(point["simulated"][kind] - rmse) < 4 * point["simulated_se"][kind]


def test_the_frontier_is_printed() -> None:
    run = CliRunner().invoke(app, ["evaluators", "summarization-prompt", "--replicates", "300"])
    assert run.exit_code == 0, run.output
    said = run.output[run.output.index("What more money buys") :].splitlines()
    # the judge's error ends at its bias, people's falls with the root of the money
    assert [line.split() for line in said if line.strip().startswith(("$280", "$1,120"))] == [
        ["$280", "0.073", "0.11", "0.096"],
        ["$1,120", "0.073", "0.053", "0.048"],
    ]
