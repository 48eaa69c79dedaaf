"""Fixed-sample power and size against published values and against enumeration in plain Python."""

from __future__ import annotations

import csv
import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from expsim_panel.errors import InputError
from expsim_panel.fixed_sample import (
    power_proportions,
    power_proportions_exact,
    power_t,
    power_welch,
    power_z,
    units_for_means,
    units_for_proportions,
)

REFERENCE = Path(__file__).resolve().parent.parent / "reference"


def of_area(area: str) -> list[Any]:
    with (REFERENCE / "exact_statistics.csv").open(encoding="utf-8", newline="") as file:
        chosen = [row for row in csv.DictReader(file) if row["area"] == area]
    assert chosen
    return [pytest.param(json.loads(row["inputs"]), float(row["value"]), id=row["id"]) for row in chosen]


@pytest.mark.parametrize(("inputs", "value"), of_area("power_z"))
def test_published_power_of_z(inputs: dict[str, Any], value: float) -> None:
    n = inputs["n1"]
    assert power_z(inputs["d"], 1.0, n, n * inputs["ratio_n2_n1"]) == pytest.approx(value, abs=1e-12)


@pytest.mark.parametrize(("inputs", "value"), of_area("ss_t"))
def test_published_size_of_t_gives_its_power(inputs: dict[str, Any], value: float) -> None:
    assert power_t(inputs["d"], 1.0, value, value) == pytest.approx(inputs["power"], abs=1e-8)


@pytest.mark.parametrize(("inputs", "value"), of_area("power_prop"))
def test_published_power_of_proportions(inputs: dict[str, Any], value: float) -> None:
    n = inputs["n1"]
    assert power_proportions(inputs["p2"], inputs["p1"], n, n) == pytest.approx(value, abs=1e-12)


@pytest.mark.parametrize(("inputs", "value"), of_area("ss_rates"))
def test_published_size_of_proportions(inputs: dict[str, Any], value: float) -> None:
    allocation = (1, inputs.get("allocation_1_to_2", 1))
    ours = units_for_proportions(inputs["p2"], inputs["p1"], inputs["power"], allocation=allocation)
    assert ours == pytest.approx(value, abs=1e-5)


@pytest.mark.parametrize(("inputs", "value"), of_area("ss_means"))
def test_published_size_of_means(inputs: dict[str, Any], value: float) -> None:
    allocation = (1, inputs["allocation"])
    ours = units_for_means(inputs["effect"], inputs["sd"], inputs["power"], allocation=allocation)
    assert ours == pytest.approx(value, abs=1e-5)


def test_size_in_everyday_words() -> None:
    assert math.ceil(units_for_proportions(0.10, 0.12, 0.8) / 2) == 3841


def test_estimated_variance_costs_power_and_unequal_arms_too() -> None:
    assert power_t(0.5, 1.0, 20, 20) < power_z(0.5, 1.0, 20, 20) - 0.01
    assert power_t(0.5, 1.0, 10, 30) < power_t(0.5, 1.0, 20, 20) - 0.05
    assert power_t(0.0, 1.0, 10, 30, alpha=0.05) == pytest.approx(0.05, abs=1e-12)


def test_power_of_t_and_welch_against_monte_carlo() -> None:
    random, runs, critical_30 = np.random.default_rng(5), 100_000, 2.0422724563012373
    control, treatment = random.normal(0, 1, (runs, 12)), random.normal(0.9, 1, (runs, 20))
    pooled = (control.var(axis=1, ddof=1) * 11 + treatment.var(axis=1, ddof=1) * 19) / 30
    t = (treatment.mean(axis=1) - control.mean(axis=1)) / np.sqrt(pooled * (1 / 12 + 1 / 20))
    share = np.mean(np.abs(t) >= critical_30)
    ours = power_t(0.9, 1.0, 12, 20)
    assert abs(share - ours) < 4.5 * math.sqrt(ours * (1 - ours) / runs)
    assert power_welch(0.9, 1.0, 1.0, 1e6, 20) == pytest.approx(power_t(0.9, 1.0, 1e6, 20), abs=0.05)
    # Equal sizes and variances: Welch's degrees of freedom are Student's.
    assert power_welch(0.9, 2.0, 2.0, 16, 16) == pytest.approx(power_t(0.9, 2.0, 16, 16), abs=1e-12)


def plain_enumeration(p0: float, p1: float, n0: int, n1: int, critical: float, sides: int) -> float:
    total = 0.0
    for x0 in range(n0 + 1):
        for x1 in range(n1 + 1):
            r0, r1 = x0 / n0, x1 / n1
            variance = r0 * (1 - r0) / n0 + r1 * (1 - r1) / n1
            if variance == 0.0:
                continue
            z = (r1 - r0) / math.sqrt(variance)
            if z >= critical or (sides == 2 and z <= -critical):
                weight0 = math.comb(n0, x0) * p0**x0 * (1 - p0) ** (n0 - x0)
                total += weight0 * math.comb(n1, x1) * p1**x1 * (1 - p1) ** (n1 - x1)
    return total


@pytest.mark.parametrize(("p0", "p1"), [(0.1, 0.1), (0.2, 0.6), (0.5, 0.1), (0.0, 0.3), (0.0, 1.0)])
@pytest.mark.parametrize(("n0", "n1"), [(7, 7), (30, 12), (1, 40)])
@pytest.mark.parametrize(("sides", "critical"), [(1, 1.6448536269514722), (2, 1.959963984540054)])
def test_exact_power_against_plain_enumeration(
    p0: float, p1: float, n0: int, n1: int, sides: int, critical: float
) -> None:
    ours = power_proportions_exact(p0, p1, n0, n1, 0.05, sides)
    assert ours == pytest.approx(plain_enumeration(p0, p1, n0, n1, critical, sides), abs=1e-12)


def test_the_wald_test_does_not_keep_its_level() -> None:
    assert power_proportions_exact(0.1, 0.1, 50, 50) == pytest.approx(0.0594, abs=1e-4)
    assert power_proportions_exact(0.1, 0.1, 5000, 5000) == pytest.approx(0.05006, abs=1e-5)


def test_normal_approximation_approaches_the_exact_power() -> None:
    gaps = [
        abs(power_proportions(0.1, 0.12, n, n, variance="unpooled") - power_proportions_exact(0.1, 0.12, n, n))
        for n in (500, 5000)
    ]
    assert gaps[1] < gaps[0] < 3e-3
    assert power_proportions(0.1, 0.12, 500, 250) != power_proportions(0.1, 0.12, 500, 250, variance="unpooled")


def test_certain_data() -> None:
    assert power_proportions(0.0, 1.0, 10, 10) == 1.0
    assert power_proportions(0.0, 1.0, 10, 10, variance="unpooled") == 0.0
    assert power_proportions(1.0, 0.0, 10, 10, sides=1) == 0.0
    assert power_proportions(1.0, 1.0, 10, 10) == 0.0


@pytest.mark.parametrize(
    ("call", "key"),
    [
        (lambda: power_z(math.nan, 1, 10, 10), "--effect"),
        (lambda: power_z(0.1, 0, 10, 10), "--sd"),
        (lambda: power_z(0.1, 1, 0, 10), "--n-control"),
        (lambda: power_z(0.1, 1, 10, 10, alpha=2), "--alpha"),
        (lambda: power_z(0.1, 1, 10, 10, sides=0), "--sides"),
        (lambda: power_t(0.1, 1, 1, 1), "--n-control"),
        (lambda: power_welch(0.1, 1, 1, 5, 1), "--n-treatment"),
        (lambda: power_welch(0.1, 1, -1, 5, 5), "--sd-treatment"),
        (lambda: power_proportions(1.1, 0.1, 10, 10), "--p-control"),
        (lambda: power_proportions(0.1, 0.1, 10, 10, variance="fancy"), "--variance"),  # type: ignore[arg-type]
        (lambda: power_proportions_exact(0.1, 0.1, 10.5, 10), "--n-control"),  # type: ignore[arg-type]
        (lambda: units_for_means(0.0, 1.0, 0.8), "--effect"),
        (lambda: units_for_means(0.1, 1.0, 0.01), "--power"),
        (lambda: units_for_proportions(0.1, 0.1, 0.8), "--p-treatment"),
        (lambda: units_for_proportions(0.1, 0.2, 0.8, allocation=(0, 1)), "--allocation"),
        (lambda: units_for_proportions(0.1, 0.2, 0.8, variance="fancy"), "--variance"),  # type: ignore[arg-type]
    ],
)
def test_wrong_input_names_the_flag(call: Any, key: str) -> None:
    with pytest.raises(InputError) as caught:
        call()
    assert (caught.value.where, caught.value.key) == ("exact power", key)
