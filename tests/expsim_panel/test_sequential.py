"""Named group-sequential designs against slow oracles, conservation laws and each other."""

from __future__ import annotations

import math
import time
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from scipy import stats
from scipy.optimize import brentq

from expsim_panel.analytic import operating
from expsim_panel.errors import InputError
from expsim_panel.sequential import kinds, observed_bounds, sequential_design, sequential_plan
from expsim_panel.spending import hwang_shih_decani, kim_demets, lan_demets_obrien_fleming, lan_demets_pocock

INF = math.inf
SPENDING = ["lan-demets-obrien-fleming", "lan-demets-pocock", "kim-demets", "hwang-shih-decani"]
GIVEN: dict[str, dict[str, Any]] = {
    "fixed-horizon": {"looks": 1},
    "user-spending": {"alpha_spent": [0.001, 0.004, 0.02, 0.025], "information": [0.2, 0.3, 0.8, 1.0]},
}


def given(kind: str) -> dict[str, Any]:
    return GIVEN.get(kind, {"information": [0.2, 0.3, 0.8, 1.0]})


def crossing(information: np.ndarray, lower: np.ndarray, upper: np.ndarray, drift: float, look: int) -> float:
    """P(first crossing is at `look`, high) by SciPy's multivariate normal distribution function."""
    ratio = np.minimum.outer(information, information) / np.maximum.outer(information, information)
    n = look + 1
    law = stats.multivariate_normal(
        drift * np.sqrt(information[:n]), np.sqrt(ratio)[:n, :n], abseps=1e-9, releps=1e-9, seed=1
    )
    inside = [*upper[:look]]
    return float(
        law.cdf([*inside, INF], lower_limit=[*lower[:look], -INF])
        - law.cdf([*inside, upper[look]], lower_limit=[*lower[:look], -INF])
    )


@pytest.mark.parametrize("sides", [1, 2])
@pytest.mark.parametrize("kind", sorted(kinds()))
def test_every_kind_meets_its_level_exactly(kind: str, sides: int) -> None:
    found = sequential_design(kind, alpha=0.025, sides=sides, **given(kind))
    assert found.alpha_spent[-1] == pytest.approx(0.025, abs=1e-11)
    lower = -found.critical_values if sides == 2 else np.full(found.information.size, -INF)
    high, low, _ = operating(found.information, lower, found.critical_values, 0.0)
    assert high + low == pytest.approx(0.025, abs=1e-11)


@pytest.mark.parametrize("kind", ["kim-demets", "wang-tsiatis", "haybittle-peto"])
def test_bounds_against_the_multivariate_normal(kind: str) -> None:
    found = sequential_design(
        kind, alpha=0.05, sides=1, information=[0.3, 0.7, 1.0], futility=[-0.5, 0.4], binding=True
    )
    lower = np.array([-0.5, 0.4, -INF])
    total = np.cumsum([crossing(found.information, lower, found.critical_values, 0.0, k) for k in range(3)])
    np.testing.assert_allclose(total, found.alpha_spent, atol=2e-6)


@pytest.mark.parametrize("sides", [1, 2])
def test_spending_kinds_spend_by_their_function(sides: int) -> None:
    information = np.array([0.05, 0.31, 0.5, 0.77, 1.0])
    functions = {
        "lan-demets-obrien-fleming": lan_demets_obrien_fleming,
        "lan-demets-pocock": lan_demets_pocock,
        "kim-demets": lambda t, a: kim_demets(t, a, 1.7),
        "hwang-shih-decani": lambda t, a: hwang_shih_decani(t, a, 1.7),
    }
    for kind, function in functions.items():
        parameter = 1.7 if kind in ("kim-demets", "hwang-shih-decani") else None
        found = sequential_design(kind, alpha=0.04, sides=sides, information=information, parameter=parameter)
        np.testing.assert_allclose(found.alpha_spent, sides * function(information, 0.04 / sides), atol=1e-12)
        whole = sequential_design(
            kind, alpha=0.04, sides=sides, information=information, parameter=parameter, two_sided_spending="overall"
        )
        np.testing.assert_allclose(whole.alpha_spent, function(information, 0.04), atol=1e-12)
        # Only the O'Brien-Fleming type is not proportional to alpha.
        same = np.allclose(whole.critical_values, found.critical_values, atol=1e-9)
        assert same == (sides == 1 or kind != "lan-demets-obrien-fleming")


def test_both_conventions_of_two_sided_spending_end_where_they_are_known_to() -> None:
    per_side = sequential_design("lan-demets-obrien-fleming", 5, 0.05, 2).critical_values[-1]
    overall = sequential_design("lan-demets-obrien-fleming", 5, 0.05, 2, two_sided_spending="overall").critical_values[
        -1
    ]
    assert (per_side, overall) == pytest.approx((2.0310, 2.0635), abs=5e-5)


def test_first_bound_of_a_tiny_first_look_is_the_quantile_of_what_it_spends() -> None:
    found = sequential_design("lan-demets-obrien-fleming", alpha=0.05, sides=2, information=[0.05, 0.1, 0.4, 1.0])
    spent = 2 * stats.norm.sf(stats.norm.isf(0.0125) / math.sqrt(0.05))
    assert found.critical_values[0] == pytest.approx(stats.norm.isf(spent), abs=1e-9)
    # The second look: given that nearly nothing was stopped before, its own quantile. The difference in spending
    # is 1e-12 of a probability, which a bound that lost its precision would show.
    second = 4 * stats.norm.sf(stats.norm.isf(0.0125) / math.sqrt(0.1))
    assert found.critical_values[1] == pytest.approx(stats.norm.isf(second / 2), abs=1e-5)


@pytest.mark.parametrize("gamma", [-40.0, -1e-13, 0.0, 1e-9, 40.0])
def test_extreme_parameters_of_hwang_shih_decani(gamma: float) -> None:
    at = np.array([0.2, 0.5, 1.0])
    spent = hwang_shih_decani(at, 0.05, gamma)
    assert np.all(np.diff(spent, prepend=0.0) >= 0)
    assert spent[-1] == pytest.approx(0.05, abs=1e-15)
    found = sequential_design("hwang-shih-decani", information=at, parameter=gamma)
    assert found.alpha_spent[-1] == pytest.approx(0.05, abs=1e-11)


def test_wang_tsiatis_lies_between_its_two_ends() -> None:
    for delta, kind in ((0.0, "obrien-fleming"), (0.5, "pocock")):
        ours = sequential_design("wang-tsiatis", 4, parameter=delta).critical_values
        np.testing.assert_allclose(ours, sequential_design(kind, 4).critical_values, atol=1e-12)


def test_spending_what_a_shape_spends_gives_its_bounds_back() -> None:
    pocock = sequential_design("pocock", 6, 0.03, 2)
    again = sequential_design("user-spending", alpha=0.03, looks=6, alpha_spent=pocock.alpha_spent.tolist())
    np.testing.assert_allclose(again.critical_values, pocock.critical_values, atol=1e-9)


def test_a_look_that_spends_nothing_cannot_stop() -> None:
    found = sequential_design("user-spending", alpha=0.05, looks=3, alpha_spent=[0.0, 0.0, 0.05])
    assert found.critical_values.tolist()[:2] == [INF, INF]
    assert found.critical_values[2] == pytest.approx(1.959963984540054, abs=1e-10)


@pytest.mark.parametrize("kind", ["obrien-fleming", "kim-demets", "haybittle-peto"])
@pytest.mark.parametrize("futility", [[0.0, 0.3, 0.8], ["none", 0.3, "none"], [-INF, -0.5, 0.0]])
def test_futility_binding_and_not(kind: str, futility: list[Any]) -> None:
    common: dict[str, Any] = {"looks": 4, "alpha": 0.025, "sides": 1, "power": 0.9, "effect": 0.2, "sd": 1.0}
    without = sequential_design(kind, **common, units=1200)
    loose = sequential_design(kind, **common, units=1200, futility=futility)
    firm = sequential_design(kind, **common, units=1200, futility=futility, binding=True)
    np.testing.assert_allclose(loose.critical_values, without.critical_values, atol=1e-12)
    assert loose.alpha_spent[-1] == pytest.approx(0.025, abs=1e-11)
    assert loose.type1_error < 0.025 - 1e-5
    assert firm.type1_error == pytest.approx(0.025, abs=1e-11)
    assert firm.critical_values[-1] < loose.critical_values[-1]
    assert loose.power is not None
    assert firm.power is not None
    assert without.power is not None
    assert loose.power < firm.power
    assert loose.power_ignoring_futility == pytest.approx(without.power, abs=1e-12)
    assert loose.expected_units_ignoring_futility == pytest.approx(without.expected_units, abs=1e-8)
    assert loose.expected_units_null is not None
    assert without.expected_units_null is not None
    assert loose.expected_units_null < without.expected_units_null - 10
    assert loose.stop_efficacy is not None
    assert loose.stop_futility is not None
    assert loose.power == pytest.approx(loose.stop_efficacy.sum(), abs=1e-12)
    assert np.all(loose.stop_futility >= 0)


def test_power_and_size_with_futility_against_plain_simulation() -> None:
    found = sequential_design(
        "hwang-shih-decani", 3, 0.05, 1, futility=["none", 0.7], effect=0.25, sd=2.0, units=900, allocation=(1, 2)
    )
    rng, runs = np.random.default_rng(11), 400_000
    information = np.array([1, 2, 3]) / 3
    drift = 0.25 / 2.0 * math.sqrt(900 * (1 / 3) * (2 / 3))
    steps = rng.standard_normal((runs, 3)) * math.sqrt(1 / 3) + drift / 3
    z = np.cumsum(steps, axis=1) / np.sqrt(information)
    high = z >= found.critical_values
    low = z <= np.array([-INF, 0.7, -INF])
    first = np.where((high | low).any(axis=1), (high | low).argmax(axis=1), 2)
    won = high[np.arange(runs), first]
    units = 900 * information[first]
    assert found.power is not None
    assert found.expected_units is not None
    assert abs(won.mean() - found.power) < 4 * math.sqrt(found.power * (1 - found.power) / runs)
    assert abs(units.mean() - found.expected_units) < 4 * units.std() / math.sqrt(runs)


@pytest.mark.parametrize("binding", [True, False])
def test_beta_spending_spends_both_errors(binding: bool) -> None:
    found = sequential_design(
        "lan-demets-obrien-fleming", 4, 0.025, 1, futility_kind="kim-demets", futility_parameter=2.0,
        binding=binding, power=0.85, effect=0.1, sd=1.0,
    )  # fmt: skip
    assert found.power == pytest.approx(0.85, abs=1e-9)
    assert found.stop_futility is not None
    lost = 0.15 * np.array([0.25, 0.5, 0.75]) ** 2
    np.testing.assert_allclose(np.cumsum(found.stop_futility)[:3], lost, atol=1e-9)
    assert found.alpha_spent[-1] == pytest.approx(0.025, abs=1e-11)
    want = lan_demets_obrien_fleming(np.arange(1, 5) / 4, 0.025)
    np.testing.assert_allclose(found.alpha_spent, want, atol=1e-11)
    obeyed = 0.025 if binding else 0.0249
    assert found.type1_error <= obeyed + 1e-11


def test_size_solved_from_power_gives_that_power() -> None:
    found = sequential_design("pocock", 5, 0.05, 1, power=0.8, effect=-0.1, sd=1.5, allocation=(1, 3))
    assert found.drift is not None
    assert found.drift < 0
    found = sequential_design("pocock", 5, 0.05, 1, power=0.8, effect=0.1, sd=1.5, allocation=(1, 3))
    assert found.power == pytest.approx(0.8, abs=1e-9)
    again = sequential_design("pocock", 5, 0.05, 1, effect=0.1, sd=1.5, units=found.units, allocation=(1, 3))
    assert again.expected_units == pytest.approx(found.expected_units, abs=1e-6)


def test_a_margin_shifts_the_null_hypothesis() -> None:
    shifted = sequential_design("obrien-fleming", 3, 0.025, 1, effect=0.01, margin=0.05, sd=1.0, units=5000)
    plain = sequential_design("obrien-fleming", 3, 0.025, 1, effect=0.06, sd=1.0, units=5000)
    assert shifted.power == pytest.approx(plain.power, abs=1e-12)


def test_power_is_monotone_in_looks_and_one_look_is_the_fixed_test() -> None:
    powers = [
        sequential_design("pocock", looks, 0.05, 2, effect=0.1, sd=1.0, units=3000).power for looks in (1, 2, 5, 20)
    ]
    assert all(a is not None and b is not None and a > b for a, b in pairwise(powers))
    z = stats.norm.isf(0.025)
    drift = 0.1 * math.sqrt(3000) / 2
    assert powers[0] == pytest.approx(stats.norm.sf(z - drift) + stats.norm.cdf(-z - drift), abs=1e-12)


def test_the_looks_that_came_late_or_early_keep_the_level() -> None:
    for kind in [*SPENDING, "obrien-fleming", "pocock"]:
        planned = sequential_plan(kind, 3, 0.05, 2)
        for observed, final in (([0.3, 0.72, 1.08], False), ([0.4, 0.8], True), ([0.25, 0.5, 0.9], True)):
            upper, spent = observed_bounds(planned, observed, final)
            assert spent[-1] == 0.05
            fractions = np.array(observed) / observed[-1]
            high, low, _ = operating(fractions, -upper, upper, 0.0)
            assert high + low == pytest.approx(0.05, abs=1e-11)
    upper, spent = observed_bounds(sequential_plan("kim-demets", 3, 0.025, 1), [0.31, 0.64])
    assert spent == pytest.approx([0.025 * 0.31**3, 0.025 * 0.64**3], abs=1e-15)
    on_time = sequential_design("pocock", 3)
    np.testing.assert_allclose(
        observed_bounds(sequential_plan("pocock", 3), [1 / 3, 2 / 3, 1.0])[0], on_time.critical_values, atol=1e-9
    )


def test_observed_bounds_do_not_look_ahead() -> None:
    early = observed_bounds(sequential_plan("lan-demets-pocock", 5), [0.15, 0.45])[0]
    later = observed_bounds(sequential_plan("lan-demets-pocock", 5), [0.15, 0.45, 0.8, 1.2])[0]
    np.testing.assert_allclose(early, later[:2], atol=1e-10)


def test_rates_of_one_look_have_the_power_of_the_formula_of_fleiss() -> None:
    found = sequential_design("fixed-horizon", 1, 0.05, 1, rates=[0.2, 0.25], units=1800, allocation=(1, 2))
    low, high, n0, n1 = 0.2, 0.25, 600, 1200
    mean = (n0 * low + n1 * high) / (n0 + n1)
    pooled = math.sqrt(mean * (1 - mean) * (1 / n0 + 1 / n1))
    own = math.sqrt(low * (1 - low) / n0 + high * (1 - high) / n1)
    assert found.power == pytest.approx(stats.norm.sf((stats.norm.isf(0.05) * pooled - 0.05) / own), abs=1e-12)


CONTRADICTIONS: list[tuple[str, dict[str, Any], str]] = [
    ("unknown kind", {"kind": "pocok"}, "--kind"),
    ("looks out of order", {"information": [0.5, 0.2, 1.0]}, "--information"),
    ("information that does not end at 1", {"information": [0.2, 0.5]}, "--information"),
    ("more fractions than looks", {"looks": 2, "information": [0.2, 0.5, 1.0]}, "--information"),
    ("alpha spent above alpha", {"kind": "user-spending", "looks": 2, "alpha_spent": [0.01, 0.06]}, "--alpha-spent"),
    ("alpha not all spent", {"kind": "user-spending", "looks": 2, "alpha_spent": [0.01, 0.04]}, "--alpha-spent"),
    ("spending that decreases", {"kind": "user-spending", "looks": 2, "alpha_spent": [0.06, 0.05]}, "--alpha-spent"),
    ("spending of too few looks", {"kind": "user-spending", "looks": 3, "alpha_spent": [0.01, 0.05]}, "--alpha-spent"),
    ("spending of a kind with its own", {"alpha_spent": [0.01, 0.05]}, "--alpha-spent"),
    ("interim bounds that spend above alpha", {"kind": "haybittle-peto", "parameter": 1.5, "looks": 3}, "--parameter"),
    ("futility above efficacy", {"sides": 1, "looks": 3, "futility": [0.0, 2.5]}, "--futility-bounds"),
    ("binding futility above efficacy", {"sides": 1, "looks": 3, "futility": [9, 9], "binding": True}, "--futility-bounds"),
    ("negative futility in a two-sided test", {"looks": 3, "futility": [0.0, -0.1]}, "--futility-bounds"),
    ("futility of too many looks", {"sides": 1, "looks": 3, "futility": [0.0] * 3}, "--futility-bounds"),
    ("futility that is no number", {"sides": 1, "looks": 3, "futility": ["low", 0]}, "--futility-bounds"),
    ("parameter of a kind without", {"kind": "pocock", "parameter": 1.0}, "--parameter"),
    ("parameter out of range", {"kind": "kim-demets", "parameter": -1.0}, "--parameter"),
    ("more looks than data", {"looks": 5, "effect": 0.1, "sd": 1.0, "units": 9}, "--units"),
    ("margin of the wrong sign", {"margin": -0.1, "effect": 0.1, "sd": 1.0, "units": 900}, "--margin"),
    ("margin of a two-sided test", {"margin": 0.1, "effect": 0.1, "sd": 1.0, "units": 900}, "--margin"),
    ("margin of no effect", {"margin": 0.1, "sides": 1}, "--margin"),
    ("rates beside an effect", {"rates": [0.1, 0.2], "effect": 0.1, "units": 900}, "--rates"),
    ("rate of 1", {"rates": [0.1, 1.0], "units": 900}, "--rates"),
    ("an unknown convention", {"two_sided_spending": "both"}, "--two-sided-spending"),
    ("beta spending without power", {"kind": "kim-demets", "sides": 1, "futility_kind": "kim-demets"}, "--futility-kind"),
    ("beta spending by a shape", {"sides": 1, "power": 0.8, "futility_kind": "kim-demets"}, "--futility-kind"),
    ("size of no effect", {"effect": 0.0, "sd": 1.0, "power": 0.8}, "--effect"),
    ("a fixed horizon with looks", {"kind": "fixed-horizon", "looks": 2}, "--looks"),
]  # fmt: skip


@pytest.mark.parametrize(("change", "key"), [pytest.param(*row[1:], id=row[0]) for row in CONTRADICTIONS])
def test_contradictions_end_in_one_line(change: dict[str, Any], key: str) -> None:
    with pytest.raises(InputError) as caught:
        sequential_design(**{"kind": "obrien-fleming", **change})
    assert (caught.value.where, caught.value.key) == ("exact group-sequential", key)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("observed", "kind"),
    [([0.5, 0.4], "pocock"), ([], "pocock"), ([0.5, 1.0, 1.1], "kim-demets"), ([0.1, 0.2, 0.3, 0.4], "pocock"), ([math.nan], "pocock")],
)  # fmt: skip
def test_wrong_observed_looks(observed: list[float], kind: str) -> None:
    with pytest.raises(InputError, match="--observed"):
        observed_bounds(sequential_plan(kind, 3), observed)


def test_pocock_constant_by_a_plain_root_of_the_multivariate_normal() -> None:
    information = np.array([0.5, 1.0])
    law = stats.multivariate_normal([0, 0], [[1, math.sqrt(0.5)], [math.sqrt(0.5), 1]], abseps=1e-10, releps=1e-10)
    constant = brentq(lambda c: 1 - law.cdf([c, c], lower_limit=[-c, -c]) - 0.05, 1.9, 2.4, xtol=1e-9)
    np.testing.assert_allclose(
        sequential_design("pocock", information=information).critical_values, constant, atol=1e-6
    )


def test_a_hundred_looks_are_solved_too() -> None:
    started = time.thread_time()
    found = sequential_design("lan-demets-pocock", 100, 0.05, 2, power=0.9)
    assert found.alpha_spent[-1] == pytest.approx(0.05, abs=1e-11)
    assert time.thread_time() - started < 20
