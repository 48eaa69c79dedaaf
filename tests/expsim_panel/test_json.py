"""The JSON of a run: names as in the contract, numbers as in the Result, nothing that is not JSON."""

from __future__ import annotations

import json
import re
from collections import OrderedDict
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from expsim_panel import Study
from expsim_panel.__main__ import main
from expsim_panel.exports.json import BREAKDOWN, document, figure, write
from expsim_panel.results import Figure, Result

CONTRACT = Path(__file__).resolve().parents[2] / "docs" / "contract.md"
FIGURE = {"value", "se", "exact", "quantiles", "reason"}
NAMES = {
    "power", "type1_error", "type1_error_unbiased", "false_launch", "p_correct", "p_harmful_launch", "p_missed_win",
    "p_inconclusive", "units", "exposures", "judged", "labelled", "days", "cost", "regret", "simple_regret",
    "exaggeration", "coverage", "exaggeration_adjusted", "exaggeration_shrunk", "coverage_adjusted",
}  # fmt: skip


@pytest.fixture(scope="module")
def result() -> Result:
    return Study.load("hallucination-prompt", names=["obrien-fleming", "thompson"]).run(replicates=600, seed=1)


@pytest.fixture(scope="module")
def made(result: Result) -> dict[str, Any]:
    return document(result)


@pytest.fixture(scope="module")
def ranking() -> Result:
    return Study.load("ranking-diversity", names=["fixed-horizon", "peek-daily"]).run(replicates=500, seed=1)


def test_the_names_are_those_of_the_contract(made: dict[str, Any]) -> None:
    section = CONTRACT.read_text(encoding="utf-8").split("## JSON of a run")[1].split("Other documents:")[0]
    rows = re.findall(r"^\| (`[^|]+) \| (.*) \|$", section, flags=re.MULTILINE)
    listed = {name for cell, rest in rows if rest.endswith("| now") for name in re.findall(r"`([a-z_0-9]+)`", cell)}
    assert listed >= NAMES
    assert set(made) >= {"provenance", "strategies", "advice", "verdict"}
    assert set(made["provenance"]) == {
        "version", "schema", "seed", "replicates", "request_digest", "digest", "environment",
    }  # fmt: skip
    for one in made["strategies"]:
        assert set(one) >= {"name", "kind", "operating_characteristics", "under_null", "trace"}
        for key in ("operating_characteristics", "under_null"):
            assert set(one[key]) >= listed
            assert set(one[key]["cost"]["breakdown"]) == {"generation", "judge", "human", "latency"} == set(BREAKDOWN)
    keys = ["action", "variant", "strategy", "estimate", "interval", "more_units", "more_cost", "sentence", "reasons"]
    keys += ["sample_ratio", "guardrails", "evidence", "trade_off", "expected_penalty", "net_value", "standing"]
    assert list(made["verdict"]) == keys
    assert made["verdict"]["action"] in {"launch", "keep", "collect", "inconclusive"}


def figures(made: Any) -> Iterator[dict[str, Any]]:
    """Yield every figure in a document."""
    if isinstance(made, dict):
        if set(made) >= FIGURE:
            yield made
        for value in made.values():
            yield from figures(value)
    elif isinstance(made, list):
        for value in made:
            yield from figures(value)


@pytest.mark.parametrize("name", ["result", "ranking"])
def test_it_is_json_and_undefined_has_a_reason(name: str, request: pytest.FixtureRequest) -> None:
    made = json.loads(write(request.getfixturevalue(name)))
    found = list(figures(made))
    assert len(found) > 100
    for one in found:
        assert set(one) - {"breakdown"} == FIGURE
        if one["value"] is None:
            assert one["reason"]
        elif one["exact"] is not None:
            assert one["reason"] is None
        if one["quantiles"] is not None:
            assert list(one["quantiles"]) == ["0.05", "0.5", "0.95"]
    assert any(one["value"] is None for one in found)
    for one in made["strategies"]:
        power = one["operating_characteristics"]["power"]
        why = "simulated: no exact value" if power["exact"] is None else None
        assert power["reason"] == why if why is None else str(power["reason"]).startswith(why)
    # Of three arms only one test at the end has exact values; those of guardrails need only the sizes.
    bare = {one["name"]: {**one, "guardrails": None} for one in made["strategies"]}
    known = {key for key, one in bare.items() if any(each["exact"] is not None for each in figures(one))}
    assert known == ({"obrien-fleming"} if name == "result" else {"fixed-horizon"})


def test_one_replicate_is_json() -> None:
    made = json.loads(write(Study.load("hallucination-prompt", names=["fixed-horizon"]).run(replicates=1)))
    units = made["strategies"][0]["operating_characteristics"]["units"]
    assert units["se"] is None
    assert units["reason"] == "one replicate has no standard error"


def test_what_is_not_finite_becomes_null() -> None:
    assert figure(Figure(float("nan"), 1.0)) == {
        "value": None,
        "se": 1.0,
        "exact": None,
        "quantiles": None,
        "reason": "not a finite number",
    }
    assert figure(Figure(1.0, float("inf")))["se"] is None
    assert figure(Figure(None, reason="told"))["reason"] == "told"


def test_the_numbers_are_those_of_the_result(result: Result, made: dict[str, Any]) -> None:
    assert [one["name"] for one in made["strategies"]] == ["obrien-fleming", "thompson"]
    for one, told in zip(result.strategies, made["strategies"], strict=True):
        assert told["kind"] == one.strategy.kind
        assert told["operating_characteristics"]["power"] == one.figures["power"].to_json()
        assert told["under_null"]["units"] == one.under_null["units"].to_json()
        cost = told["operating_characteristics"]["cost"]
        assert sum(part["value"] for part in cost["breakdown"].values()) == pytest.approx(cost["value"])
        shares = [words["share"]["value"] for words in told["verdicts"].values()]
        assert sum(shares) == pytest.approx(1.0)
    assert made["verdict"] == made["strategies"][0 if result.advice.strategy == "obrien-fleming" else 1]["verdict"]
    assert made["advice"]["units"] == 28_000
    assert made["provenance"]["digest"] == result.digest
    assert made["provenance"]["request_digest"] == result.request.digest


def test_the_scenario_in_it_runs_to_the_same_digest(made: dict[str, Any]) -> None:
    again = Study.from_tree(json.loads(json.dumps(made["scenario"])), "document").run(replicates=600, seed=1)
    assert again.digest == made["provenance"]["digest"]


def test_the_trace_is_in_the_metrics_own_direction(result: Result, made: dict[str, Any]) -> None:
    for one, told in zip(result.strategies, made["strategies"], strict=True):
        trace, last = told["trace"], told["trace"]["days"][-1]
        assert trace["luck"] == 0
        assert trace["arms"] == ["current prompt", "grounded prompt"]
        assert [row["day"] for row in trace["days"]] == list(range(1, trace["day"] + 1))
        # A rate of made-up facts: well under one half, although the engine counts the good ones.
        assert all(0 < mean < 0.3 for mean in last["mean"])
        if not one.strategy.policy.adaptive:
            # Otherwise days are weighed by their logged shares (test_logged_shares), and pooled means are biased.
            assert last["estimate"] == pytest.approx([last["mean"][0] - last["mean"][1]])
        assert last["z"] == pytest.approx([last["estimate"][0] / last["se"][0]])
        assert last["estimate"][0] == pytest.approx(one.verdict.estimate)
        assert last["interval"][0] == pytest.approx(one.verdict.interval)
        costs = [row["cost"] for row in trace["days"]]
        assert costs == sorted(costs)
        assert np.all(np.diff([row["units"] for row in trace["days"]], axis=0) >= 0)


def test_a_score_that_should_fall_keeps_its_scale() -> None:
    study = Study.load("ranking-diversity", ['metric.direction="decrease"'], ["fixed-horizon"])
    trace = document(study.run(replicates=2))["strategies"][0]["trace"]
    last = trace["days"][-1]
    assert last["mean"] == pytest.approx([3.60, 3.65, 3.57], abs=0.1)
    assert last["estimate"] == pytest.approx([last["mean"][0] - last["mean"][1], last["mean"][0] - last["mean"][2]])
    assert trace["contrasts"] == ["MMR 0.3", "MMR 0.6"]
    assert len(last["interval"]) == len(last["z"]) == 2


def test_days_without_an_estimate_say_why(result: Result) -> None:
    one = result["obrien-fleming"]
    state = one.trace.state.copy()
    state[0, 1:, :] = 0.0
    bare = replace(one, trace=replace(one.trace, state=state))
    first, second = document(replace(result, strategies=(result["obrien-fleming"], bare)))["strategies"][1]["trace"][
        "days"
    ][:2]
    assert first["mean"] == [None, None]
    assert first["estimate"] == first["se"] == first["z"] == [None]
    assert first["reason"]
    assert second["reason"] is None


def test_the_decision_is_in_words(ranking: Result) -> None:
    for one, told in zip(ranking.strategies, document(ranking)["strategies"], strict=True):
        words = {
            0: "no difference found",
            1: "MMR 0.3 found better",
            2: "MMR 0.6 found better",
            -1: "MMR off found better",
        }
        assert told["trace"]["decision"] == words[one.trace.code]


def run_cli(capsys: pytest.CaptureFixture[str], *arguments: str) -> dict[str, Any]:
    words = (
        "run",
        "hallucination-prompt",
        "--strategy",
        "obrien-fleming",
        "--strategy",
        "thompson",
        "--replicates",
        "600",
    )
    assert main([*words, *arguments, "--json", "-"]) == 0
    return dict(json.loads(capsys.readouterr().out))


def test_one_digest_for_every_door_and_number_of_workers(
    result: Result, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    told = []
    for workers in ("1", "2"):
        # Without its cache: the second run has to compute as well.
        monkeypatch.setattr("expsim_panel.engine._CACHE_SIZE", 0)
        monkeypatch.setattr("expsim_panel.engine._CACHE", OrderedDict())
        told.append(run_cli(capsys, "--workers", workers))
    for one in told:
        one["provenance"]["environment"].pop("seconds")
    assert told[0] == told[1]
    assert told[0]["provenance"]["digest"] == result.digest
    assert told[0]["provenance"]["request_digest"] == result.request.digest


def test_another_seed_is_another_run(made: dict[str, Any], capsys: pytest.CaptureFixture[str]) -> None:
    other = run_cli(capsys, "--seed", "2")
    assert other["provenance"]["digest"] != made["provenance"]["digest"]
    assert other["provenance"]["request_digest"] != made["provenance"]["request_digest"]


def test_luck_picks_the_experiment_and_nothing_else(made: dict[str, Any], capsys: pytest.CaptureFixture[str]) -> None:
    other = run_cli(capsys, "--luck", "3")
    assert other["provenance"]["digest"] == made["provenance"]["digest"]
    assert other["strategies"][0]["trace"]["luck"] == 3
    assert other["strategies"][0]["trace"]["days"] != made["strategies"][0]["trace"]["days"]
    assert other["strategies"][0]["operating_characteristics"] == made["strategies"][0]["operating_characteristics"]
