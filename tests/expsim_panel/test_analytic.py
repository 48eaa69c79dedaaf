"""Group-sequential designs against published values; every figure by its own tolerance."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

from expsim_panel.analytic import (
    critical_values,
    equal_information,
    group_sequential,
    operating,
    pocock_shape,
)
from expsim_panel.errors import InputError


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
        ({"futility": [-0.5]}, "--futility-bounds"),
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
