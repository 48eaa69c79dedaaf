"""Group-sequential designs against published values; every figure by its own tolerance."""

from __future__ import annotations

import csv
import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from expsim_panel.analytic import (
    critical_values,
    equal_information,
    group_sequential,
    obrien_fleming_shape,
    operating,
    pocock_shape,
)
from expsim_panel.errors import InputError
from expsim_panel.kernels.special import norm_ppf

REFERENCE = Path(__file__).resolve().parent.parent / "reference"
SHAPES = {
    "OF": obrien_fleming_shape,
    "P": pocock_shape,
    "OBrien-Fleming": obrien_fleming_shape,
    "Pocock": pocock_shape,
}
GROUP_AREAS = ("gs_boundary", "gs_inflation", "gs_asn", "gs_twosided")


def rows(name: str) -> list[dict[str, str]]:
    with (REFERENCE / name).open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def numbers(text: str) -> np.ndarray:
    return np.array([float(word) for word in text.split()])


def of_area(*areas: str) -> list[Any]:
    chosen = [row for row in rows("exact_statistics.csv") if row["area"] in areas]
    assert chosen
    return [pytest.param(row, id=row["id"]) for row in chosen]


def test_the_reference_is_all_there() -> None:
    assert len(rows("group_sequential_of_p.csv")) == 69
    assert len(rows("group_sequential_power_of_p.csv")) == 36
    assert len(rows("exact_statistics.csv")) == 81


@pytest.mark.parametrize("row", [pytest.param(row, id=row["id"]) for row in rows("group_sequential_of_p.csv")])
def test_published_designs(row: dict[str, str]) -> None:
    information = numbers(row["info"])
    sides, alpha = int(row["sided"]), float(row["alpha"])
    design = group_sequential(SHAPES[row["type"]](information), information, alpha, sides, target_power=0.8)
    # The reference meets its level to 1e-8 only, which moves a bound of O'Brien-Fleming's first look by 3e-7.
    np.testing.assert_allclose(design.critical_values, numbers(row["crit"]), atol=1e-6)
    np.testing.assert_allclose(design.alpha_spent, numbers(row["spent"]), atol=2e-8)
    assert design.alpha_spent[-1] == pytest.approx(alpha, abs=1e-12)
    assert design.inflation_factor == pytest.approx(float(row["inflation"]), abs=1e-6)
    assert design.expected_fraction_null == pytest.approx(float(row["asn0"]), rel=1e-6)
    assert design.expected_fraction_half == pytest.approx(float(row["asn01"]), rel=1e-6)
    assert design.expected_fraction_alternative == pytest.approx(float(row["asn1"]), rel=1e-6)


@pytest.mark.parametrize(
    "row",
    [
        pytest.param(row, id="-".join(row[key] for key in ("type", "K", "eff", "ratio")))
        for row in rows("group_sequential_power_of_p.csv")
    ],
)
def test_published_power_and_expected_size(row: dict[str, str]) -> None:
    information = equal_information(int(row["K"]))
    shape = SHAPES[row["type"]](information)
    effect, units, ratio = float(row["eff"]), float(row["N"]), float(row["ratio"])
    design = group_sequential(shape, information, 0.025, 1, None, effect, 1.0, units, (1, ratio))
    assert design.power == pytest.approx(float(row["power"]), abs=1e-7)
    assert design.expected_units == pytest.approx(float(row["EN"]), abs=1e-4)


@pytest.mark.parametrize("row", of_area(*GROUP_AREAS))
def test_more_published_designs(row: dict[str, str]) -> None:
    inputs = json.loads(row["inputs"])
    information = equal_information(inputs["K"])
    shape = SHAPES[inputs["design"]](information)
    power = 1 - inputs["beta"] if "beta" in inputs else None
    design = group_sequential(shape, information, inputs["alpha"], inputs["sided"], power)
    if row["output"].startswith("z_bound"):
        ours: float | None = design.critical_values[int(row["output"][8:-1]) - 1]
    else:
        ours = {
            "inflation_factor": design.inflation_factor,
            "ASN_H0_over_nfix": design.expected_fraction_null,
            "ASN_half_over_nfix": design.expected_fraction_half,
            "ASN_H1_over_nfix": design.expected_fraction_alternative,
        }[row["output"]]
    assert ours == pytest.approx(float(row["value"]), abs=float(row["tolerance"]) / 100)


@pytest.mark.parametrize("row", of_area("gs_power"))
def test_two_sided_power_counts_both_directions(row: dict[str, str]) -> None:
    inputs = json.loads(row["inputs"])
    information = equal_information(inputs["K"])
    shape = SHAPES[inputs["design"]](information)
    units = 2 * inputs["n_per_arm_max"]
    design = group_sequential(shape, information, inputs["alpha"], 2, None, inputs["effect"], inputs["sd"], units)
    ours = {"power": design.power, "expected_total_n": design.expected_units}[row["output"]]
    assert ours == pytest.approx(float(row["value"]), abs=float(row["tolerance"]) / 100)


@pytest.mark.parametrize("row", of_area("peeking"))
def test_published_error_of_peeking(row: dict[str, str]) -> None:
    inputs = json.loads(row["inputs"])
    upper = np.full(inputs["looks"], -norm_ppf(inputs["nominal_alpha"] / 2))
    p_upper, p_lower, _ = operating(equal_information(inputs["looks"]), -upper, upper, 0.0)
    assert p_upper + p_lower == pytest.approx(float(row["value"]), abs=1e-7)


def test_a_single_look_is_the_fixed_design() -> None:
    design = group_sequential([1.0], [1.0], 0.05, 2, 0.8, 0.1, 1.0, 3139.6)
    assert design.critical_values[0] == pytest.approx(1.959963984540054, abs=1e-12)
    assert design.inflation_factor == pytest.approx(1.0, abs=1e-10)
    assert design.expected_fraction_null == pytest.approx(1.0, abs=1e-10)
    assert design.expected_units == 3139.6
    assert design.power == pytest.approx(0.8, abs=2e-5)


def test_what_was_not_asked_for_is_none() -> None:
    design = group_sequential([1.0, 1.0], [0.5, 1.0], 0.05, 2)
    assert [design.inflation_factor, design.drift, design.power, design.expected_units] == [None] * 4


@pytest.mark.parametrize("sides", [1, 2])
@pytest.mark.parametrize("alpha", [1e-6, 0.3, 0.5, 0.9, 0.999])
def test_extreme_levels_are_met(alpha: float, sides: int) -> None:
    information = [0.1, 0.3, 0.31, 1.0]
    upper = critical_values(pocock_shape(np.array(information)), information, alpha, sides)
    lower = -upper if sides == 2 else np.full(4, -math.inf)
    p_upper, p_lower, _ = operating(information, lower, upper, 0.0)
    assert p_upper + p_lower == pytest.approx(alpha, abs=1e-11)


def test_expected_information_counts_paths_that_never_stop() -> None:
    nowhere = [math.inf, math.inf]
    assert operating([0.2, 0.8], [-math.inf, -math.inf], nowhere, 1.0) == (0.0, 0.0, 0.8)
    p_upper, p_lower, expected = operating([0.2, 0.8], [0.0, -math.inf], [0.0, math.inf], 0.0)
    assert (p_upper, p_lower) == (0.5, 0.5)
    assert expected == pytest.approx(0.2, abs=1e-15)


GOOD: dict[str, Any] = {
    "shape": [1.0, 1.0], "information": [0.5, 1.0], "alpha": 0.05, "sides": 2, "target_power": 0.8,
    "effect": 0.1, "sd": 1.0, "units": 1000.0, "allocation": (1, 1),
}  # fmt: skip


@pytest.mark.parametrize(
    ("change", "key"),
    [
        ({"alpha": 0.0}, "--alpha"),
        ({"alpha": 1.0}, "--alpha"),
        ({"alpha": math.nan}, "--alpha"),
        ({"alpha": 1e-12}, "--alpha"),
        ({"alpha": "0.05"}, "--alpha"),
        ({"sides": 3}, "--sides"),
        ({"sides": True}, "--sides"),
        ({"information": []}, "--looks"),
        ({"information": [0.01] * 401}, "--looks"),
        ({"information": [0.5, 0.5]}, "--information"),
        ({"information": [0.5, 0.9]}, "--information"),
        ({"information": [0.0, 1.0]}, "--information"),
        ({"information": [0.5, 1.5]}, "--information"),
        ({"information": [math.nan, 1.0]}, "--information"),
        ({"information": [0.99999, 1.0]}, "--information"),
        ({"information": ["half", 1.0]}, "--information"),
        ({"shape": [1.0]}, "shape"),
        ({"shape": [1.0, 0.0]}, "shape"),
        ({"target_power": 0.05}, "--power"),
        ({"target_power": 1.0}, "--power"),
        ({"target_power": math.nan}, "--power"),
        ({"effect": math.inf}, "--effect"),
        ({"effect": None}, "--effect"),
        ({"sd": 0.0}, "--sd"),
        ({"sd": math.nan}, "--sd"),
        ({"units": -1.0}, "--units"),
        ({"units": None, "target_power": None}, "--units"),
        ({"units": 3.0}, "--units"),
        ({"futility": [0.0]}, "--futility-bounds"),
        ({"sides": 1, "futility": [0.0, 0.0]}, "--futility-bounds"),
        ({"sides": 1, "futility": [2.3]}, "--futility-bounds"),
        ({"sides": 1, "futility": [2.3], "binding": True}, "--futility-bounds"),
        ({"sides": 1, "futility": [math.nan]}, "--futility-bounds"),
        ({"sides": 1, "futility": ["low"]}, "--futility-bounds"),
        ({"allocation": (1, 0)}, "--allocation"),
        ({"allocation": (1, 1, 1)}, "--allocation"),
    ],
)
def test_wrong_input_is_one_line_naming_the_flag(change: dict[str, Any], key: str) -> None:
    group_sequential(**GOOD)
    with pytest.raises(InputError) as caught:
        group_sequential(**{**GOOD, **change})
    assert (caught.value.where, caught.value.key) == ("exact group-sequential", key)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("looks", [0, -1, 2.5, math.nan, "5", 401])
def test_wrong_numbers_of_looks(looks: Any) -> None:
    with pytest.raises(InputError, match="--looks"):
        equal_information(looks)


def test_operating_wants_ordered_bounds() -> None:
    with pytest.raises(InputError, match="lower"):
        operating([0.5, 1.0], [2.0, 0.0], [1.0, 1.0], 0.0)
