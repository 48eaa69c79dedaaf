"""The same evaluator through every door: profiles for rates, `--set` over a profile, late labels, keys in errors."""

from __future__ import annotations

import copy
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tomli_w
from typer.testing import CliRunner

from expsim_panel import library
from expsim_panel.__main__ import app
from expsim_panel.economics import ledger
from expsim_panel.errors import InputError
from expsim_panel.estimators import paired_ppi
from expsim_panel.evaluation_laws import measurers, pace
from expsim_panel.evaluator_answers import answers, with_evaluators
from expsim_panel.evaluator_picks import fields_of
from expsim_panel.evaluator_profiles import RATES
from expsim_panel.evidence_market import Market, Seen, Stakes
from expsim_panel.label_laws import Joint
from expsim_panel.offline_answers import side_by_side
from expsim_panel.quantities import count, effect, money
from expsim_panel.scenario import Scenario
from expsim_panel.suppliers import suppliers
from expsim_panel.wording_evaluators import assumed, planning

TREE: dict[str, Any] = {
    "schema": 1,
    "scenario": {"name": "rates", "title": "t", "question": "q", "indifference": 0.02},
    "metric": {"name": "m", "family": "binary"},
    "variants": [{"name": "a", "mean": 0.2}, {"name": "b", "mean": 0.3}],
    "traffic": {"units_per_day": 500, "days": 14},
    "evaluator": {"kind": "judge"},
    "evaluators": {"judge": {"profile": "small-llm"}, "human": {"profile": "crowd", "delay_days": 4}},
}


def made(**tables: Any) -> Scenario:
    return Scenario.from_tree({**copy.deepcopy(TREE), **tables}, "rates")


def told(*words: str) -> dict[str, Any]:
    done = CliRunner().invoke(app, ["evaluators", *words, "--replicates", "100", "--json", "-"])
    assert done.exit_code == 0, done.output
    found: dict[str, Any] = json.loads(done.stdout)
    return found


@pytest.mark.parametrize("kind", ["judge", "human", "hybrid", "truth"])
@pytest.mark.parametrize(
    ("judge", "expected"),
    [
        ({"profile": "small-llm"}, RATES["suspected_bias_sd"]),
        ({"profile": "small-llm", "suspected_bias_sd": 0.004}, 0.004),
        ({"profile": "small-llm", "suspected_bias_sd": 0.0}, 0.0),
    ],
)
def test_a_profiles_points_are_no_rates_in_a_file(kind: str, judge: dict[str, Any], expected: float) -> None:
    scenario = made(evaluator={"kind": kind}, evaluators={**TREE["evaluators"], "judge": judge})
    assert measurers(scenario)[0].suspected_bias_sd == expected
    assert fields_of(scenario, "judge")["suspected_bias_sd"] == expected
    again = Scenario.from_tree(scenario.to_tree(), "again")
    assert again.to_tree() == scenario.to_tree()
    assert measurers(again)[0].suspected_bias_sd == expected


def test_a_profile_in_the_evaluators_own_table_is_read_the_same() -> None:
    own = made(evaluator={"kind": "judge", "profile": "own-family-llm"}, evaluators={})
    assert own.evaluator.suspected_bias_sd == RATES["suspected_bias_sd"]
    assert own.evaluator.differential_bias == RATES["differential_bias"]
    beside = {"judge": {"suspected_bias_sd": 0.004}}
    assert made(evaluator=own.evaluator.to_tree() | {}, evaluators={}).evaluator.suspected_bias_sd == 0.02
    given = made(evaluator={"kind": "judge", "profile": "own-family-llm"}, evaluators=beside)
    assert given.evaluator.suspected_bias_sd == 0.004
    inner = made(evaluator={"kind": "hybrid", "judge": {"profile": "small-llm"}}, evaluators={})
    assert inner.evaluator.judge.suspected_bias_sd == RATES["suspected_bias_sd"]
    points = {"metric": {"name": "m", "family": "normal", "sd": 0.7}}
    assert made(**points).evaluator.suspected_bias_sd == 0.37


def test_a_flag_and_a_file_have_the_same_judge(tmp_path: Path) -> None:
    file = tmp_path / "rates.toml"
    file.write_text(tomli_w.dumps(TREE))
    bare = {**TREE, "evaluators": {**TREE["evaluators"], "judge": {"sensitivity": 0.8}}}
    other = tmp_path / "bare.toml"
    other.write_text(tomli_w.dumps(bare))
    first, second = told(str(file)), told(str(other), "--judge", "small-llm")
    assert first["options"] == second["options"]
    assert first["suspected_bias_sd"] == second["suspected_bias_sd"] == 0.02
    assert first["launch_rule"]["floor"] == pytest.approx(0.04)


def test_profiles_replace_both_halves_of_a_hybrid() -> None:
    scenario = made(evaluator={"kind": "hybrid"})
    tried = with_evaluators(
        scenario, fields_of(scenario, "judge", "strong-llm"), fields_of(scenario, "human", "expert")
    )
    judge, human = measurers(tried)
    assert (judge.sensitivity, human.price_per_label) == (0.85, 2.0)


@pytest.mark.parametrize("kind", ["judge", "human", "hybrid"])
def test_set_wins_over_a_profile(kind: str) -> None:
    start = ["summarization-prompt", "--set", f"evaluator.kind={kind}"]
    change = ["--set", "evaluators.judge.price_override=1", "--set", "evaluators.human.price_per_label=3"]
    found = told(*start, *change, "--judge", "small-llm", "--people", "crowd")
    assert found["cost_judge"] == pytest.approx(1.0)
    assert found["cost_human"] == pytest.approx(3.0)
    assert found["suspected_bias_sd"] == pytest.approx(0.37)


def test_late_labels_are_in_every_figure_of_days() -> None:
    late, soon = made(), made(evaluators={**TREE["evaluators"], "human": {"profile": "crowd"}})
    more = {"judge": 0.0, "human": 4.0, "hybrid": 4.0}
    a, b = answers(late, 100.0), answers(soon, 100.0)
    for one, other in zip(a.options, b.options, strict=True):
        assert one.days == pytest.approx(other.days + more[one.name])
    for need, other_need in zip(a.needs, b.needs, strict=True):
        if need.budget is not None and other_need.days is not None and need.days is not None:
            assert need.days == pytest.approx(other_need.days + more[need.name])
    outcomes = made(traffic={**TREE["traffic"], "delay_days": 3})
    assert pace(outcomes, 1, 1).duration(0, 100) == pytest.approx(pace(late, 1, 1).duration(0, 100) + 3)


@pytest.mark.parametrize("kind", ["judge", "human", "hybrid"])
def test_evidence_to_collect_waits_for_late_labels(kind: str) -> None:
    def offers(delay: int) -> dict[str, float]:
        people = {"profile": "crowd", "delay_days": delay}
        scenario = made(evaluator={"kind": kind}, evaluators={**TREE["evaluators"], "human": people})
        one = np.ones(1)
        seen = Seen(0.02 * one, 0.03 * one, 300 * one, 3000 * one, 0 * one, 0 * one, 0.2 * one)
        stakes = Stakes(ledger(scenario), (0.0, 0.02), 0.02, 0.1, 500, True, suppliers(scenario))
        market = Market(stakes, seen)
        return {name: float(take(np.array([[400.0]])).days[0, 0]) for name, (take, _) in market.sources().items()}

    soon, late = offers(0), offers(4)
    labelled = {"human", "hybrid"} if kind != "human" else {"human"}
    for name, days in late.items():
        assert days == pytest.approx(soon[name] + 4.0 * (name in labelled)), name


def test_live_traffic_beside_a_prompt_set_waits_for_labels() -> None:
    tree, where = library.read_tree("summarization-prompt")
    rows = {}
    for delay in (0, 4):
        library.override(tree, f"evaluators.human.delay_days={delay}")
        found = side_by_side(Scenario.from_tree(tree, where), replicates=100)
        rows[delay] = {(one.evaluator, one.mode): one.days for one in found.rows}
    assert rows[4]["human", "online"] == pytest.approx(rows[0]["human", "online"] + 4)
    assert rows[4]["judge", "online"] == rows[0]["judge", "online"]


@pytest.mark.filterwarnings("error")
def test_before_the_first_label_nothing_divides_by_zero() -> None:
    one = np.array([0.3, 0.2])
    found = Joint(one, one, np.sqrt(one * (1 - one)), np.sqrt(one * (1 - one)), 0.5 * one * (1 - one), 0.0, 0, True)
    np.testing.assert_allclose(found.per_label_favoured(0.0, 2.0), found.per_label_favoured(1e-9, 2.0), rtol=1e-7)


@pytest.mark.parametrize("kind", ["judge", "human", "hybrid", "truth"])
def test_an_unknown_model_is_reported_under_the_key_that_was_given(kind: str) -> None:
    judge = {"profile": "small-llm", "model": "nope-9"}
    with pytest.raises(InputError, match=r"\[evaluators\.judge\.model\]"):
        made(evaluator={"kind": kind}, evaluators={**TREE["evaluators"], "judge": judge})
    with pytest.raises(InputError, match=r"\[evaluator\.model\]"):
        made(evaluator={"kind": "judge", "model": "nope-9"})
    with pytest.raises(InputError, match=r"\[evaluators\.hybrid\.judge\.model\]"):
        made(evaluator={"kind": "hybrid"}, evaluators={**TREE["evaluators"], "hybrid": {"judge": judge}})


def test_paired_columns_that_are_no_pair_are_one_clear_line() -> None:
    y = np.zeros(5)
    with pytest.raises(InputError, match=r"\[labels\]: 5 entries where two columns belong"):
        paired_ppi(y, (y, y), (y, y))  # type: ignore[arg-type]
    with pytest.raises(InputError, match=r"\[rest\]"):
        paired_ppi((y, y), (y, y), 3.0)  # type: ignore[arg-type]


def test_the_command_prints_what_its_json_has() -> None:
    words = ["evaluators", "summarization-prompt", "--replicates", "100"]
    shown = " ".join(CliRunner().invoke(app, words).stdout.replace("\n", " ").split())
    found = told("summarization-prompt")
    planned = answers(Scenario.from_tree(library.read_tree("summarization-prompt")[0], "s"), found["budget"])
    for line in planning(planned):
        assert " ".join(line.split()) in shown, line
    whole = " ".join(planning(planned))
    best = found["collect"][0]
    for text in (
        count(found["break_even_rows"]), f"{found['rho']:.2f}", f"{found['split']['smallest_rho']:.2f}",
        f"{count(found['split']['labelled'])} labels", money(found["worth"]["evpi"]), money(best["enbs"]),
        money(best["cost"]), effect(found["launch_rule"]["bar"], "normal", False),
        *(f"{what} {n}" for what, n in found["repeats"].items()),
        *(money(one["cost_per_correct"]) for one in found["options"]),
    ):  # fmt: skip
        assert text in whole, text
    assert found["assumed"] == []


def test_what_is_assumed_of_rates_is_said(tmp_path: Path) -> None:
    file = tmp_path / "rates.toml"
    file.write_text(tomli_w.dumps(TREE))
    (said,) = told(str(file))["assumed"]
    assert "2.00 pp (SD)" in said
    assert assumed(measurers(made(metric={"name": "m", "family": "normal", "sd": 0.7}))[0], False) == ""


def test_one_field_of_a_hybrids_judge_leaves_its_others() -> None:
    def tree_with(*settings: str) -> dict[str, Any]:
        tree, _ = library.read_tree("hallucination-prompt")
        for one in ("evaluator.kind=hybrid", *settings):
            library.override(tree, one)
        return Scenario.from_tree(tree, "h").to_tree()

    plain = tree_with()
    held = plain["evaluator"]["judge"]["sensitivity"]
    assert tree_with(f"evaluator.judge.sensitivity={held}") == plain
    inner = tree_with(f"evaluators.hybrid.judge.sensitivity={held}")
    assert inner["evaluator"] == plain["evaluator"]
    other = tree_with("evaluators.hybrid.judge.sensitivity=0.8")["evaluator"]
    assert other["judge"] == {**plain["evaluator"]["judge"], "sensitivity": 0.8}
    assert other["human"] == plain["evaluator"]["human"]


@pytest.mark.parametrize("kind", ["human", "hybrid"])
def test_a_default_against_the_table_beside_survives_a_round_trip(kind: str) -> None:
    own = {"kind": "human", "delay_days": 0} if kind == "human" else {"kind": "hybrid", "human": {"delay_days": 0}}
    scenario = made(evaluator=own)
    assert scenario.delay_days == 0
    again = Scenario.from_tree(scenario.to_tree(), "again")
    assert again.delay_days == 0
    assert again.to_tree() == scenario.to_tree()


def test_a_field_that_nobody_wrote_is_named_in_the_table_of_the_file() -> None:
    people = {"raters": 2, "seconds": 900.0}
    with pytest.raises(InputError, match=r"\[evaluators\.human\.coverage\]: .* are .* h of work"):
        made(evaluator={"kind": "human"}, evaluators={**TREE["evaluators"], "human": people})
    with pytest.raises(InputError, match=r"\[evaluator\.coverage\]: .* are .* h of work"):
        made(evaluator={"kind": "human", **people}, evaluators={})
    with pytest.raises(InputError, match=r"\[evaluator\.coverage\]"):
        made(evaluator={"kind": "human", "coverage": 1.0}, evaluators={**TREE["evaluators"], "human": people})
