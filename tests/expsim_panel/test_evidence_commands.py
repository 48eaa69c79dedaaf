"""The command line gives the numbers of the closed forms, and one line for wrong input."""

from __future__ import annotations

import json
import math
from typing import Any

import pytest

from expsim_panel.__main__ import main


def told(capsys: pytest.CaptureFixture[str], *arguments: str) -> dict[str, Any]:
    assert main(["exact", *arguments, "--json", "-"]) == 0
    found = capsys.readouterr()
    assert found.err == ""
    return dict(json.loads(found.out))


def test_break_even_and_its_false_alarms(capsys: pytest.CaptureFixture[str]) -> None:
    found = told(capsys, "break-even", "--bias", "0.1", "--sd", "1.2", "--sd-treatment", "0.9")
    assert found["rows"] == pytest.approx((1.44 + 0.81) / 0.01)
    assert [round(one["false_rejection"], 2) for one in found["false_rejection"]] == [0.08, 0.17, 0.52, 0.98]
    assert told(capsys, "break-even", "--bias", "0", "--sd", "1")["rows"] is None


def test_replication_by_brute_force(capsys: pytest.CaptureFixture[str]) -> None:
    costs = ("--fixed-cost", "0.04", "--unit-cost", "0.001", "--fixed-variance", "0.3776", "--unit-variance", "0.09")
    found = told(capsys, "replication", *costs)
    loss = {k: (0.3776 + 0.09 / k) * (0.04 + 0.001 * k) for k in range(1, 100)}
    assert found["repeats"] == min(loss, key=loss.__getitem__)
    assert found["variance_ratio"] == pytest.approx(min(loss.values()) / loss[1])


def test_drift_labels_and_judge_launch(capsys: pytest.CaptureFixture[str]) -> None:
    found = told(capsys, "drift-labels", "--drift", "0.2", "--residual-sd", "0.9")
    assert found["labels"] == math.ceil(((1.959964 + 0.841621) * 0.9 / 0.2) ** 2)
    few = told(capsys, "drift-labels", "--drift", "0.2", "--residual-sd", "0.9", "--baseline", "10")
    assert (few["labels"], bool(few["reason"])) == (None, True)
    rule = ("judge-launch", "--se", "0.03", "--bias-sd", "0.04", "--estimate")
    assert told(capsys, *rule, "0.101")["launch"] is True
    assert told(capsys, *rule, "0.099")["launch"] is False
    assert told(capsys, *rule, "0.099")["bar"] == pytest.approx(0.1)


def test_value_gives_test_and_roll_and_saturates(capsys: pytest.CaptureFixture[str]) -> None:
    sd = ("--mean", "0", "--sd", str(0.03 * math.sqrt(2)), "--row-sd", str(math.sqrt(0.68 * 0.32)))
    found = told(capsys, "value", *sd, "--horizon", "100000")
    assert found["best"]["rows"] == pytest.approx(2284, abs=1)
    assert (found["collect"], found["rows"]) == (True, found["best"]["rows"])
    biased = told(capsys, "value", *sd, "--horizon", "100000", "--bias-sd", "0.05", "--rows", "1000000")
    assert biased["evsi"] == pytest.approx(biased["evsi_ceiling"], rel=1e-3)
    assert biased["evsi_ceiling"] < 0.7 * biased["evpi"]
    dear = told(capsys, "value", *sd, "--horizon", "100000", "--cost-per-row", "1e4", "--rows-per-day", "10")
    assert (dear["collect"], dear["days"]) == (False, 0)


def test_pareto_and_response_time(capsys: pytest.CaptureFixture[str]) -> None:
    asked = ("--quality", "0,0.1", "--quality-sd", "0.1,0.15", "--cost", "0.001,0.002", "--latency", "1,2")
    found = told(capsys, "pareto", *asked, "--value-per-point", "0.1", "--usd-per-second", "0.004")
    spread = math.hypot(0.1, 0.15)
    assert found["frontier"] == [pytest.approx(1), pytest.approx(0.5 * math.erfc(-0.1 / spread / math.sqrt(2)))]
    assert found["handicap"][1] == pytest.approx(0.005)
    assert found["best"][1] == pytest.approx(0.5 * math.erfc(-0.05 / spread / math.sqrt(2)))
    speed = (
        "--ttft-median",
        "0.5",
        "--ttft-p95",
        "0.5",
        "--tokens-median",
        "80",
        "--tokens-p95",
        "80",
        "--speed",
        "40",
    )
    assert told(capsys, "response-time", *speed)["mean"] == pytest.approx(2.5)


@pytest.mark.parametrize(
    "arguments",
    [
        ("break-even", "--bias", "nan", "--sd", "1"),
        ("break-even", "--bias", "0.1", "--sd", "0"),
        ("replication", "--fixed-cost", "1", "--unit-cost", "0", "--fixed-variance", "1", "--unit-variance", "1"),
        ("drift-labels", "--drift", "0", "--residual-sd", "1"),
        ("judge-launch", "--estimate", "inf", "--se", "1", "--bias-sd", "1"),
        ("value", "--mean", "0", "--sd", "0", "--horizon", "10", "--row-sd", "1"),
        ("value", "--mean", "nan", "--sd", "1", "--horizon", "10", "--row-sd", "1"),
        ("pareto", "--quality", "0", "--quality-sd", "1", "--cost", "1", "--latency", "1"),
        ("pareto", "--quality", "0,1", "--quality-sd", "1,0", "--cost", "1,1", "--latency", "1,1"),
        (
            "response-time",
            "--ttft-median",
            "1",
            "--ttft-p95",
            "0.5",
            "--tokens-median",
            "1",
            "--tokens-p95",
            "1",
            "--speed",
            "1",
        ),
    ],
)
def test_wrong_input_is_one_line(arguments: tuple[str, ...], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["exact", *arguments, "--json", "-"]) == 2
    found = capsys.readouterr()
    assert (found.out, found.err.count("\n")) == ("", 1)


@pytest.mark.parametrize("command", ["break-even", "value", "pareto"])
def test_printed_answers_are_words(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    given = {
        "break-even": ("--bias", "0.1", "--sd", "1"),
        "value": ("--mean", "0", "--sd", "0.1", "--horizon", "1e5", "--row-sd", "1", "--rows-per-day", "300"),
        "pareto": ("--quality", "0,0.1", "--quality-sd", "0.1,0.1", "--cost", "1,1", "--latency", "1,2"),
    }
    assert main(["exact", command, *given[command]]) == 0
    assert capsys.readouterr().out.strip()


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        ("value --mean 0 --sd 1 --horizon 9 --row-sd 1 --cost-per-row -3", "exact value [--cost-per-row]: -3.0"),
        ("value --mean nan --sd 1 --horizon 9 --row-sd 1", "exact value [--mean]: nan"),
        ("value --mean 0 --sd 1 --horizon 9 --row-sd 1 --bias-sd -1", "exact value [--bias-sd]: -1.0"),
        ("drift-labels --drift 0 --residual-sd 1", "exact drift-labels [--drift]: 0.0"),
        ("drift-labels --drift 1 --residual-sd 1 --power 2", "exact drift-labels [--power]: 2.0"),
        ("drift-labels --drift 1 --residual-sd 1 --sides 3", "exact drift-labels [--sides]: 3"),
        ("judge-launch --estimate 1 --se 1 --bias-sd -1", "exact judge-launch [--bias-sd]: -1.0"),
        ("judge-launch --estimate nan --se 1 --bias-sd 1", "exact judge-launch [--estimate]: nan"),
        (
            "replication --fixed-cost -1 --unit-cost 1 --fixed-variance 1 --unit-variance 1",
            "exact replication [--fixed-cost]: -1.0",
        ),
        (
            "response-time --ttft-median 1 --ttft-p95 2 --tokens-median 9 --tokens-p95 5 --speed 60",
            "exact response-time [--tokens-p95]: median 9",
        ),
    ],
)
def test_a_wrong_number_is_named_by_command_and_flag(
    arguments: str, told: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["exact", *arguments.split()]) == 2
    said = capsys.readouterr()
    assert said.out == ""
    assert said.err.startswith(told)
    assert said.err.count("\n") == 1


def test_worth_and_split_say_what_they_cost(capsys: pytest.CaptureFixture[str]) -> None:
    asked = "value --mean 0.01 --sd 0.05 --horizon 200000 --row-sd 0.9 --value-per-point 0.5 --launch-cost 0.002"
    assert main(["exact", *asked.split(), "--cost-per-row", "0.02", "--rows", "1000"]) == 0
    said = " ".join(capsys.readouterr().out.split())
    assert "Launch $0.0020 per exposure, $400 in all" in said
    assert "1,000 rows per variant" in said
    assert "for $40" in said
    assert (
        main(["exact", "split", "--rho", "0.3", "--cost-human", "0.3", "--cost-judge", "0.02", "--budget", "200"]) == 0
    )
    said = " ".join(capsys.readouterr().out.split())
    assert said.startswith("Answer spend everything on labels: the judge does not pay Labels 666 at $0.30 Best mix 617")
    assert "a variance 6.4 % larger" in said
