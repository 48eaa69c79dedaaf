"""Rows of tests/reference/bandits.csv: exact to their tolerance, means within four standard errors."""

import csv
import json
import re
from pathlib import Path

import numpy as np
import pytest
from validation import bandits

pytestmark = pytest.mark.arithmetic

ROOT = Path(__file__).parent.parent
ROWS = list(csv.DictReader((ROOT / "reference" / "bandits.csv").read_text(encoding="utf-8").splitlines()))
EXACT = [
    r
    for r in ROWS
    if r["area"] not in ("regret_mc", "regret_quantile", "inference") and r["output"] != "error_probability"
]


@pytest.mark.parametrize("row", EXACT, ids=lambda r: r["id"])
def test_exact_row(row):
    found = bandits.ours(row["area"], json.loads(row["inputs"]), row["output"])
    digits = re.fullmatch(r"[0-9.e-]+", row["tolerance"])
    tolerance = float(row["tolerance"]) if digits else 1e-9
    assert found == pytest.approx(float(row["value"]), rel=1e-12, abs=tolerance)


@pytest.mark.parametrize("row", [r for r in ROWS if r["area"] == "regret_mc"], ids=lambda r: r["id"])
def test_monte_carlo_row(row):
    inputs = json.loads(row["inputs"])
    figure = bandits.result(inputs).regret
    theirs = bandits.printed(row["source"], "SE")
    assert abs(figure.value - float(row["value"])) <= 4 * np.hypot(figure.se, theirs)


QUANTILES = [r for r in ROWS if r["area"] == "regret_quantile"]


@pytest.mark.parametrize("row", QUANTILES, ids=lambda r: r["id"])
def test_quantile_row(row):
    _, low, high = bandits.range_of_quantile(row, json.loads(row["inputs"]))
    theirs = float(row["value"])
    # Regrets are sums of gaps in floating point; theirs are printed.
    assert low - 1e-6 <= theirs <= high + 1e-6


def test_there_are_99_quantile_rows_and_errors_of_a_fifth_are_seen():
    assert len(QUANTILES) == 99
    ranges = [bandits.range_of_quantile(row, json.loads(row["inputs"]))[1:] for row in QUANTILES]
    wrong = [(row, ends) for row, ends in zip(QUANTILES, ranges, strict=True) for factor in (0.8, 1.2)
             if ends[0] - 1e-6 <= factor * float(row["value"]) <= ends[1] + 1e-6]  # fmt: skip
    # Left over: upper quantiles with a long tail, of few reference experiments.
    assert len(wrong) <= 0.1 * 2 * len(QUANTILES)
    assert not [row["id"] for row, _ in wrong if row["output"] == "q50"]


@pytest.mark.parametrize("row", [r for r in ROWS if r["output"] == "error_probability"], ids=lambda r: r["id"])
def test_error_probability_row(row):
    figure = bandits.result(json.loads(row["inputs"])).p_best_arm
    p = float(row["value"])
    inputs = json.loads(row["inputs"])
    size = bandits.replicates_for(bandits.policy_name(inputs), inputs["budget"])
    assert abs(1 - figure.value - p) <= 4 * np.sqrt(p * (1 - p) / size)


@pytest.mark.parametrize("row", [r for r in ROWS if r["area"] == "inference"], ids=lambda r: r["id"])
def test_inference_row(row):
    inputs = json.loads(row["inputs"])
    found = bandits.inferred(tuple(inputs["means"]))
    method, arm = bandits.METHODS.index(inputs["method"]), inputs["arm"]
    kind = "bias" if row["output"] == "bias" else "coverage"
    value, se = getattr(found, kind)[method, arm], getattr(found, f"{kind}_se")[method, arm]
    # Both simulations have 4,000 experiments, so theirs has our standard error.
    assert abs(value - float(row["value"])) <= 4 * np.sqrt(2) * se


def test_weighted_intervals_cover_and_naive_ones_do_not():
    for means in ((0.5, 0.5), (0.5, 0.55), (0.62, 0.65, 0.68)):
        for rule in ("mix", "clip"):
            found = bandits.inferred(means, rule)
            assert np.all(np.abs(found.coverage[3:] - 0.9) <= 0.03)
            assert found.coverage[0].min() < 0.89
            assert found.bias[0].min() < -8 * found.bias_se[0].max()
