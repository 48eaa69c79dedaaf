"""A prompt set for a budget, and the best repeats of rates: against brute force, rows drawn one by one, and money."""

import json
import math

import numpy as np
import pytest
from scipy.stats import norm

from expsim_panel.__main__ import main
from expsim_panel.commands.offline import table as offline_table
from expsim_panel.economics import ledger
from expsim_panel.offline_answers import Beside
from expsim_panel.offline_best import best_repeats
from expsim_panel.results import Figure
from expsim_panel.study import Study

JUDGE = {"sensitivity": 0.85, "specificity": 0.8, "price_override": 0.02}
PEOPLE = {"sensitivity": 0.8, "specificity": 0.8, "price_per_label": 0.4}


def rates(**changes):
    """Return a scenario of rates with judge and people."""
    return {
        "schema": 1,
        "scenario": {"name": "set", "indifference": 0.02},
        "metric": {"name": "right", "family": "binary"},
        "variants": [{"name": "a", "mean": 0.7, "price_override": 0.01}, {"name": "b", "mean": 0.78,
                                                                       "price_override": 0.01}],
        "offline": {"prompts": 200, "prompt_sd": 0.6, "interaction_sd": 0.3},
        "evaluator": {"kind": "judge", **JUDGE},
        "evaluators": {"human": PEOPLE},
        **changes,
    }  # fmt: skip


def told(tmp_path, capsys, *more, **changes):
    """Return the JSON of `expsim offline`."""

    def line(value):
        return json.dumps(value) if not isinstance(value, dict) else "{" + ", ".join(
            f"{k} = {line(v)}" for k, v in value.items()) + "}"  # fmt: skip

    tree = rates(**changes)
    path = tmp_path / "set.toml"
    tables = {key: value for key, value in tree.items() if key != "variants"}
    text = "\n".join(f"{key} = {line(value)}" for key, value in tables.items())
    variants = "[" + ", ".join(line(one) for one in tree["variants"]) + "]"
    path.write_text(f"{text}\nvariants = {variants}\n", encoding="utf-8")
    assert main(["offline", str(path), "--replicates", "2000", "--json", "-", *more]) == 0
    return json.loads(capsys.readouterr().out)


def test_judge_people_and_both_for_the_same_money(tmp_path, capsys):
    found = told(tmp_path, capsys, "--prompt-cost", "0.5", "--budget", "300")["equal_budget"]
    assert found["budget"] == 300
    rows = {one["evaluator"]: one for one in found["rows"]}
    assert list(rows) == ["judge", "human", "hybrid"]
    # A prompt costs writing, two answers, two verdicts or two labels.
    assert rows["judge"]["per_variant"] == math.floor(300 / (0.5 + 2 * 0.01 + 2 * 0.02))
    assert rows["human"]["per_variant"] == math.floor(300 / (0.5 + 2 * 0.01 + 2 * 0.4))
    both, judged = rows["hybrid"], 0.5 + 2 * 0.01 + 2 * 0.02
    for one in rows.values():
        assert one["cost"] <= 300 + 1e-6
        assert one["cost"] == pytest.approx(300, abs=1.5)
        for figure in (one["power"], one["type1_error"]):
            exact = figure["exact"]
            assert figure["value"] == pytest.approx(exact, abs=4 * math.sqrt(exact * (1 - exact) / 2000) + 0.004)
    assert both["cost"] == pytest.approx(both["per_variant"] * judged + both["labels"] * 0.4)
    # No other split of the money has a smaller error.
    case = rates(evaluator={"kind": "hybrid", "judge": JUDGE, "human": PEOPLE, "label_share": 0.5})
    from expsim_panel.paired_laws import rate_differences

    scenario = Study.from_tree(json.loads(json.dumps(case)), "t", names=["fixed-horizon"]).scenario
    law = rate_differences(scenario.evaluator, scenario.means, 0.6, 0.3, 1)
    prompts = np.arange(4, math.floor(300 / judged))
    labels = np.floor((300 - prompts * judged) / 0.8)
    usable = (labels >= 4) & (labels <= prompts)
    share = labels[usable] / prompts[usable]
    square = law.rho[0] ** 2
    best = (law.label_sd[0] ** 2 * (1 - square + square * share) / labels[usable]).min()
    assert both["se"] ** 2 == pytest.approx(best, rel=1e-6)


def test_what_a_budget_cannot_buy_is_said(tmp_path, capsys):
    found = told(tmp_path, capsys, "--budget", "3")["equal_budget"]["rows"]
    assert [one["reason"] is None for one in found] == [True, False, False]
    assert "buys fewer than 4" in found[2]["reason"]
    assert main(["offline", "summarization-prompt", "--budget", "0"]) == 2
    assert capsys.readouterr().err.count("\n") == 1
    # The variant that is best may not be the second one; topics stay whole.
    three = [*rates()["variants"], {"name": "c", "mean": 0.8, "price_override": 0.01}]
    found = told(tmp_path, capsys, "--budget", "200", variants=three)["equal_budget"]["rows"]
    assert all(one["se"] > 0 for one in found)
    table = {"prompts": 200, "topics": 20, "topic_sd": 0.3}
    found = told(tmp_path, capsys, "--budget", "200", offline=table)["equal_budget"]["rows"]
    assert [one["reason"] is None for one in found] == [True, True, True]
    assert all(one["per_variant"] % 10 == 0 for one in found)
    assert all(one["cost"] <= 200 + 1e-6 for one in found)


def test_best_answers_and_raters_of_rates_are_the_cheapest_of_all():
    def scenario(samples=1, labels=1):
        table = {"prompts": 200, "prompt_sd": 0.6, "interaction_sd": 0.3, "samples": samples}
        human = {"kind": "human", **PEOPLE, "labels_per_item": labels}
        return Study.from_tree(rates(offline=table, evaluator=human), "t", names=["fixed-horizon"]).scenario

    from expsim_panel.offline_laws import components

    judge = Study.from_tree(rates(), "t").scenario.evaluator
    found = best_repeats(scenario(), judge, scenario().evaluator, 5.0)
    cost = {}
    for m in range(1, 80):
        one = scenario(m)
        variance = components(one, judge, one.means, one.sds).of_mean(np.array(1.0)).sum()
        cost[m] = variance * (5.0 + m * (0.01 + 0.02))
    assert found["samples"] == min(cost, key=cost.get)
    assert found["samples"] > 1
    worth = {}
    for r in (1, 3, 5, 7):
        one = scenario(1, r)
        yes, no = one.evaluator.vote()
        variance = components(one, one.evaluator, one.means, one.sds).of_mean(np.array(1.0)).sum()
        worth[r] = variance / (yes + no - 1) ** 2 * (ledger(one).generation.mean() + 0.4 * r)
    assert found["raters"] == min(worth, key=worth.get)


def test_a_bias_of_many_errors_has_an_exact_false_alarm(tmp_path, capsys):
    # The noncentral t at 100,000 prompts and a shift of 16 errors is no number; the normal law is exact enough there.
    assert main(["offline", "summarization-prompt", "--budget", "600", "--replicates", "100", "--json", "-"]) == 0
    rows = json.loads(capsys.readouterr().out)["equal_budget"]["rows"]
    assert rows[0]["per_variant"] == 100_000
    assert rows[0]["type1_error"]["exact"] == pytest.approx(1.0)


def test_evaluators_answer_a_prompt_set_on_its_prompts(tmp_path, capsys):
    """The chances on the frontier are those of one normal difference, P(better) = Phi(difference / error)."""
    told(tmp_path, capsys)
    path = str(tmp_path / "set.toml")
    flags = ["--budget", "120", "--replicates", "200"]
    assert main(["evaluators", path, *flags, "--json", "-"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["prompt_set"]["prompts"] == 200
    assert [row["evaluator"] for row in found["prompt_set"]["rows"]] == ["judge", "human", "hybrid"]
    assert all(row["cost"] <= 120 for row in found["prompt_set"]["rows"])
    for option, chances in zip(found["options"], found["pareto"], strict=True):
        control, other = chances["variants"]
        better = norm.cdf((found["effect"] + option["bias"]) / option["expected_error"])
        # As cheap and as fast: on the frontier is better.
        assert other["frontier"] == pytest.approx(better, abs=1e-9)
        assert control["frontier"] == pytest.approx(1 - better, abs=1e-9)
        assert control["best"] + other["best"] == pytest.approx(1, abs=1e-9)
    assert main(["evaluators", path, *flags]) == 0
    said = capsys.readouterr().out
    assert said.index("On prompts that all variants answer") < said.index("On live traffic instead")
    assert "whatever the traffic" not in said
    assert "on the frontier" in " ".join(said.split())


@pytest.mark.parametrize(
    ("figure", "told"),
    [
        (Figure(0.91, se=0.014, exact=0.9042), "90 %"),
        (Figure(0.91, se=0.0143), "91 ±1 %"),
        (Figure(0.004, se=0.0015), "<1 ±0.1 %"),
        (Figure(1.0, se=0.0), "100 %"),
    ],
)
def test_simulated_shares_are_printed_with_their_error(figure: Figure, told: str) -> None:
    table = offline_table([Beside("judge", "online", 9, 0.1, 0.0, figure, figure, 18, 0, 1.0, 1.0)], "normal")
    assert [next(iter(column.cells)) for column in table.columns][-2:] == [told, told]
