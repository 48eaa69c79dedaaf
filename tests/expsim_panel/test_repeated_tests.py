"""Peeking and conditional power against closed forms, plain simulation and each other."""

from __future__ import annotations

import math
from functools import cache
from typing import Any

import numpy as np
import pytest
from scipy import stats

from expsim_panel.analytic import GroupSequential
from expsim_panel.conditional import conditional_power, predictive_power
from expsim_panel.errors import InputError
from expsim_panel.repeated_tests import look_information, peeking
from expsim_panel.sequential import sequential_design


def test_one_look_is_honest() -> None:
    found = peeking(1, 0.03, 2)
    assert found.type1_error == pytest.approx(0.03, abs=1e-14)
    assert found.nominal_for_alpha == pytest.approx(0.03, abs=1e-14)
    assert found.if_independent == pytest.approx(0.03, abs=1e-14)


@pytest.mark.parametrize("sides", [1, 2])
def test_two_looks_by_the_bivariate_normal(sides: int) -> None:
    found = peeking(alpha=0.05, sides=sides, information=[1.0, 4.0])
    law = stats.multivariate_normal([0, 0], [[1, 0.5], [0.5, 1]], abseps=1e-11, releps=1e-11)
    c = stats.norm.isf(0.05 / sides)
    low = [-c, -c] if sides == 2 else [-math.inf, -math.inf]
    assert found.type1_error == pytest.approx(1 - law.cdf([c, c], lower_limit=low), abs=1e-8)


def test_the_error_grows_with_looks_and_stays_below_independent_ones() -> None:
    errors = [peeking(looks).type1_error for looks in (1, 2, 5, 20, 100)]
    assert errors == sorted(errors)
    assert all(peeking(looks).type1_error < peeking(looks).if_independent for looks in (2, 5, 20))


def test_the_level_that_would_keep_alpha_is_pococks() -> None:
    bound = sequential_design("pocock", 7, 0.05, 2).critical_values[0]
    assert peeking(7).nominal_for_alpha == pytest.approx(2 * stats.norm.sf(bound), abs=1e-10)


def test_a_thousand_looks() -> None:
    found = peeking(1000)
    assert 0.5 < found.type1_error < 0.56
    assert np.all(np.diff(found.by_look) > 0)


def test_a_wrong_unit_of_analysis_makes_it_worse() -> None:
    assert peeking(1, design_effect=2.5).type1_error == pytest.approx(
        2 * stats.norm.sf(1.959964 / math.sqrt(2.5)), abs=1e-7
    )
    assert peeking(5, design_effect=2.5).type1_error > peeking(5).type1_error + 0.1
    kept = -stats.norm.ppf(peeking(5, design_effect=2.5).nominal_for_alpha / 2)
    assert kept == pytest.approx(math.sqrt(2.5) * sequential_design("pocock", 5).critical_values[0], abs=1e-8)


def test_looks_by_cadence() -> None:
    assert look_information(days=14, every=7).tolist() == [0.5, 1.0]
    assert look_information(days=10, every=4).tolist() == [0.4, 0.8, 1.0]
    assert look_information(days=10, every=4, first=2).tolist() == [0.2, 0.6, 1.0]
    assert look_information(days=5).tolist() == [0.2, 0.4, 0.6, 0.8, 1.0]
    assert look_information(information=[100, 250, 400]).tolist() == [0.25, 0.625, 1.0]


@pytest.mark.parametrize(
    ("change", "key"),
    [
        ({}, "--looks"),
        ({"looks": 0}, "--looks"),
        ({"looks": 1001}, "--looks"),
        ({"looks": 2.5}, "--looks"),
        ({"looks": 3, "days": 4}, "--looks"),
        ({"days": 0}, "--days"),
        ({"days": 10, "every": 11}, "--every"),
        ({"days": 10, "first": 0}, "--first"),
        ({"days": 2000}, "--every"),
        ({"information": [0.5, 0.5]}, "--information"),
        ({"information": []}, "--information"),
        ({"looks": 3, "alpha": 0.0}, "--alpha"),
        ({"looks": 3, "sides": 0}, "--sides"),
        ({"looks": 3, "design_effect": 0.0}, "--design-effect"),
    ],
)
def test_wrong_peeking_is_one_line(change: dict[str, Any], key: str) -> None:
    with pytest.raises(InputError) as caught:
        peeking(**change)
    assert (caught.value.where, caught.value.key) == ("exact peeking", key)


@cache
def plan() -> GroupSequential:
    return sequential_design("obrien-fleming", information=[0.2, 0.5, 0.9, 1.0], alpha=0.05, sides=2)


def simulated(rng: np.random.Generator, drifts: np.ndarray | float, look: int, z: float) -> tuple[float, float, int]:
    """Continue a Brownian motion from a known value; return the shares that stop high and low."""
    information, upper, runs = plan().information, plan().critical_values, 300_000
    x = np.full(runs, z * math.sqrt(information[look - 1]))
    high, low = np.zeros(runs, bool), np.zeros(runs, bool)
    for k in range(look, 4):
        step = information[k] - information[k - 1]
        x = x + drifts * step + math.sqrt(step) * rng.standard_normal(runs)
        alive = ~high & ~low
        high |= alive & (x / math.sqrt(information[k]) >= upper[k])
        low |= alive & (x / math.sqrt(information[k]) <= -upper[k])
    return float(high.mean()), float(low.mean()), runs


@pytest.mark.parametrize(("look", "z", "drift"), [(1, 0.7, 2.5), (2, -0.4, 0.0), (3, 1.9, None)])
def test_conditional_power_against_plain_simulation(look: int, z: float, drift: float | None) -> None:
    found = conditional_power(plan().information, plan().critical_values, 2, look, z, drift)
    used = z / math.sqrt(plan().information[look - 1]) if drift is None else drift
    assert found.drift == used
    high, low, runs = simulated(np.random.default_rng(3), used, look, z)
    for ours, seen in ((found.upper.sum(), high), (found.lower.sum(), low)):
        assert abs(ours - seen) < 4 * math.sqrt(max(ours * (1 - ours), 1 / runs) / runs)
    assert found.power == pytest.approx(found.upper.sum() + found.lower.sum(), abs=1e-15)


@pytest.mark.parametrize(("look", "z", "prior"), [(1, 0.7, None), (2, 1.2, None), (1, 0.7, (1.0, 0.8))])
def test_predictive_power_averages_conditional_power(look: int, z: float, prior: tuple[float, float] | None) -> None:
    mean, sd = prior or (0.0, None)
    found = predictive_power(plan().information, plan().critical_values, 2, look, z, mean, sd)
    now = plan().information[look - 1]
    precision = now + (sd**-2 if sd else 0.0)
    centre = (z * math.sqrt(now) + (mean * sd**-2 if sd else 0.0)) / precision
    grid = np.linspace(-9, 9, 4001)
    weights = stats.norm.pdf(grid) / stats.norm.pdf(grid).sum()
    average = sum(
        weight
        * conditional_power(
            plan().information, plan().critical_values, 2, look, z, centre + at / math.sqrt(precision)
        ).power
        for at, weight in zip(grid, weights, strict=True)
    )
    assert found.power == pytest.approx(average, abs=1e-9)


def test_a_certain_prior_is_an_assumed_effect() -> None:
    sure = predictive_power(plan().information, plan().critical_values, 2, 1, 0.3, 2.0, 1e-7)
    assumed = conditional_power(plan().information, plan().critical_values, 2, 1, 0.3, 2.0)
    assert sure.power == pytest.approx(assumed.power, abs=1e-9)


def test_one_look_to_come_has_a_closed_form() -> None:
    found = conditional_power([0.4, 1.0], [2.5, 2.0], 1, 1, 1.0, 3.0)
    mean = math.sqrt(0.4) + 3.0 * 0.6
    assert found.power == pytest.approx(stats.norm.sf((2.0 - mean) / math.sqrt(0.6)), abs=1e-14)
    given_up = conditional_power([0.4, 0.7, 1.0], [3.0, 2.5, 2.0], 1, 1, 1.0, 0.0, [-math.inf, 0.5, -math.inf])
    assert given_up.futility == pytest.approx(
        stats.norm.cdf((0.5 * math.sqrt(0.7) - math.sqrt(0.4)) / math.sqrt(0.3)), abs=1e-14
    )


@pytest.mark.parametrize(
    ("arguments", "key"),
    [
        (([0.5, 1.0], [2.0, 2.0], 2, 2, 1.0), "--look"),
        (([0.5, 1.0], [2.0, 2.0], 2, 0, 1.0), "--look"),
        (([0.5, 1.0], [2.0, 2.0], 3, 1, 1.0), "--sides"),
        (([0.5, 1.0], [2.0, 2.0], 2, 1, math.nan), "--z"),
        (([0.5, 1.0], [2.0], 2, 1, 1.0), "bounds"),
        (([0.5, 1.0], [2.0, 2.0], 2, 1, 1.0, math.inf), "--drift"),
        (([0.5, 1.0], [2.0, 2.0], 1, 1, 1.0, 0.0, [0.0]), "--futility-bounds"),
    ],
)  # fmt: skip
def test_wrong_conditional_power_is_one_line(arguments: tuple[Any, ...], key: str) -> None:
    with pytest.raises(InputError) as caught:
        conditional_power(*arguments)
    assert (caught.value.where, caught.value.key) == ("exact conditional-power", key)
