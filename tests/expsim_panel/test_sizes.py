"""Sample size, power and MDE: inverse of each other, published values, enumeration, and the command line."""

from __future__ import annotations

import itertools
import json
import math

import numpy as np
import pytest
from scipy import stats

from expsim_panel import proportions, size_answers, sizes
from expsim_panel.__main__ import main
from expsim_panel.analytic import group_sequential, obrien_fleming_shape
from expsim_panel.errors import InputError
from expsim_panel.fixed_sample import power_proportions, power_proportions_exact, power_z, units_for_proportions

MEANS = {"sd": 1.3, "effect": 0.11, "base": 3.0}
RATES = {"family": "proportions", "base": 0.2, "effect": -0.03}
RATIO = {"family": "ratio", "numerator_mean": 1.2, "denominator_mean": 3.0, "numerator_sd": 1.4, "denominator_sd": 1.6,
         "correlation": 0.7, "lift": 0.04}  # fmt: skip
CASES = [
    *[{**MEANS, "test": test} for test in sizes.MEANS],
    *[{**RATES, "test": test} for test in sizes.PROPORTIONS if test != "exact"],
    *[{**RATIO, "test": test} for test in ("z", "t", "lift")],
    {**MEANS, "test": "welch", "sd_treatment": 2.0},
    {**RATES, "test": "score", "margin": 0.02, "direction": "decrease"},
    {**MEANS, "margin": 0.2, "effect": -0.05},
    {**MEANS, "test": "lift", "margin": 0.02},
    *[{**case, "kind": "pocock", "looks": 4} for case in (MEANS, RATES, RATIO)],
    {**MEANS, "kind": "hwang-shih-decani", "information": [0.3, 0.7, 1.0], "parameter": -2.0, "sides": 1, "futility": [0.0, 0.5]},
    {**MEANS, "test": "t", "kind": "obrien-fleming", "looks": 3},
]  # fmt: skip
EXTRAS = [
    {},
    {"allocation": (3, 1), "alpha": 0.01},
    {"cluster_size": 5.0, "icc": 0.2, "cluster_cv": 0.4, "cuped_correlation": 0.6},
]


@pytest.mark.parametrize("extra", EXTRAS)
@pytest.mark.parametrize("case", CASES)
def test_size_power_and_effect_are_inverse(case: dict, extra: dict) -> None:
    given = {**case, **extra}
    found = size_answers.sample_size(0.85, **given)
    again = size_answers.power(found.units_unrounded, **{**given, "directions": found.directions})
    # Sequential: size by the inflation factor, power by the drift; one and the same for z alone.
    near = 1e-8 if "kind" not in case or found.test == "z" else 2e-3
    assert again.power == pytest.approx(0.85, abs=near)
    asked = {key: value for key, value in given.items() if key not in ("effect", "lift")}
    direction = given.get("direction") or ("decrease" if found.effect < 0 and not found.margin else "increase")
    smallest = size_answers.mde(
        found.units_unrounded, 0.85, **{**asked, "direction": direction, "directions": found.directions}
    )
    assert smallest.effect == pytest.approx(found.effect, rel=1e-6)
    rounded = size_answers.power(found.units, **{**given, "directions": found.directions})
    assert rounded.power >= 0.85 - max(near, 1e-6)
    assert found.units == sum(found.per_arm) >= found.units_unrounded - 1e-6
    control, treatment = extra.get("allocation", (1, 1))
    assert found.per_arm_unrounded[0] / found.per_arm_unrounded[1] == pytest.approx(control / treatment)
    assert found.exposures_unrounded == pytest.approx(found.units_unrounded * extra.get("cluster_size", 1.0))


def test_factor_is_design_effect_times_cuped() -> None:
    plain = size_answers.sample_size(**MEANS)
    both = size_answers.sample_size(**MEANS, cluster_size=5, icc=0.2, cluster_cv=0.4, cuped_correlation=0.6)
    factor = (1 + ((1 + 0.16) * 5 - 1) * 0.2) * (1 - 0.36)
    assert both.variance_factor == pytest.approx(factor)
    assert both.exposures_unrounded == pytest.approx(plain.units_unrounded * factor)
    assert both.units_unrounded == pytest.approx(plain.units_unrounded * factor / 5)


def test_against_the_functions_of_single_tests() -> None:
    assert size_answers.power(500, sd=1.0, effect=0.2).power == pytest.approx(power_z(0.2, 1.0, 250, 250), abs=1e-14)
    one = size_answers.power(900, family="proportions", base=0.1, effect=0.05, allocation=(2, 1))
    assert one.power == pytest.approx(power_proportions(0.1, 0.15, 600, 300), abs=1e-14)
    down = size_answers.sample_size(family="proportions", base=0.12, effect=-0.02, test="unpooled")
    assert down.units_unrounded == pytest.approx(units_for_proportions(0.12, 0.10, 0.8, variance="unpooled"))
    worse = size_answers.power(500, sd=1.0, effect=-0.2, sides=1, direction="increase").power
    assert worse == pytest.approx(power_z(-0.2, 1.0, 250, 250, sides=1), abs=1e-15)
    assert size_answers.power(500, sd=1.0, effect=-0.2, sides=1).power == pytest.approx(
        power_z(0.2, 1.0, 250, 250, sides=1)
    )


def test_sequential_is_the_exact_core() -> None:
    information = np.arange(1, 6) / 5
    core = group_sequential(obrien_fleming_shape(information), information, 0.05, 2, 0.8, 0.2, 1.0, 1000)
    size = size_answers.sample_size(sd=1.0, effect=0.2, kind="obrien-fleming", looks=5)
    assert size.inflation_factor == pytest.approx(core.inflation_factor, abs=1e-9)
    fixed = size_answers.sample_size(sd=1.0, effect=0.2).units_unrounded
    assert size.units_unrounded == pytest.approx(core.inflation_factor * fixed)
    assert size.expected_units == pytest.approx(core.expected_fraction_alternative * fixed)
    assert size.expected_units_null == pytest.approx(core.expected_fraction_null * fixed)
    power = size_answers.power(1000, sd=1.0, effect=0.2, kind="obrien-fleming", looks=5)
    assert (power.power, power.expected_units) == pytest.approx((core.power, core.expected_units))
    assert size.critical_values == pytest.approx(tuple(core.critical_values))


def test_t_by_monte_carlo_of_its_definition() -> None:
    found = size_answers.sample_size(0.8, sd=1.0, effect=1.2, test="t", allocation=(1, 2))
    n0, n1 = found.per_arm
    power = size_answers.power(n0 + n1, sd=1.0, effect=1.2, test="t", allocation=(n0, n1)).power
    rng, runs = np.random.default_rng(3), 60_000
    p = stats.ttest_ind(rng.normal(1.2, 1, (runs, n1)), rng.normal(0, 1, (runs, n0)), axis=1).pvalue
    assert abs(np.mean(p < 0.05) - power) <= 4 * math.sqrt(power * (1 - power) / runs)
    assert power >= 0.8 - 0.01


def test_exact_size_is_the_first_that_stays_above() -> None:
    found = size_answers.sample_size(0.8, family="proportions", base=0.2, effect=0.25, test="exact")
    n = found.per_arm[0]
    each = {k: power_proportions_exact(0.2, 0.45, k, k) for k in range(2, n + 26)}
    assert all(each[k] >= 0.8 for k in range(n, n + 25))
    assert each[n - 1] < 0.8
    down = size_answers.sample_size(
        0.8, family="proportions", base=0.45, effect=-0.25, test="exact", sides=1, alpha=0.025
    )
    assert down.per_arm[0] == pytest.approx(n, abs=3)
    assert power_proportions_exact(0.55, 0.8, *down.per_arm, 0.025, 1) >= 0.8


def test_restricted_rates_are_those_of_greatest_likelihood() -> None:
    """Farrington and Manning's closed form against a search along the null."""
    for p0, p1, share, gap in itertools.product((0.1, 0.5, 0.85), (0.1, 0.3, 0.9), (0.3, 0.5), (-0.05, -0.2, 0.02)):
        low, high = proportions.restricted_rates(p0, p1, share, 1 - share, gap)
        assert high - low == pytest.approx(gap, abs=1e-12)
        at = np.linspace(max(0, -gap) + 1e-9, min(1, 1 - gap) - 1e-9, 200_001)
        with np.errstate(divide="ignore", invalid="ignore"):
            ahead = at + gap
            likely = share * (p0 * np.log(at) + (1 - p0) * np.log1p(-at))
            likely += (1 - share) * (p1 * np.log(ahead) + (1 - p1) * np.log1p(-ahead))
        assert low == pytest.approx(at[np.nanargmax(likely)], abs=2e-5), (p0, p1, share, gap)


def test_a_published_size_with_a_margin() -> None:
    # Farrington, Manning (1990), table II style: equal rates, margin; the Wald size by hand.
    wald = size_answers.sample_size(
        0.9, family="proportions", base=0.9, effect=0.0, margin=0.05, test="unpooled", alpha=0.025
    )
    by_hand = (stats.norm.isf(0.025) + stats.norm.isf(0.1)) ** 2 * 4 * 0.09 / 0.05**2
    assert wald.units_unrounded == pytest.approx(by_hand)
    score = size_answers.sample_size(
        0.9, family="proportions", base=0.9, effect=0.0, margin=0.05, test="score", alpha=0.025
    )
    assert 1 < score.units_unrounded / wald.units_unrounded < 1.1


def test_speed() -> None:
    fixed = size_answers.sample_size(sd=1.0, effect=0.1, units_per_day=200, gap_days=3)
    assert (fixed.days, fixed.expected_days) == (16, None)
    assert fixed.experiments_per_quarter == pytest.approx(91 / 19)
    early = size_answers.sample_size(sd=1.0, effect=0.1, units_per_day=200, kind="obrien-fleming", looks=5)
    assert early.expected_days < 14 < early.days
    assert early.experiments_per_quarter == pytest.approx(91 / early.expected_days)


def told(capsys: pytest.CaptureFixture[str], *arguments: str) -> dict:
    assert main(("exact", *arguments, "--json", "-")) == 0
    return json.loads(capsys.readouterr().out)


def test_command_line(capsys: pytest.CaptureFixture[str]) -> None:
    size = told(capsys, "sample-size", "--family", "proportions", "--base", "0.1", "--effect", "0.02")
    assert (size["per_arm"], size["units"]) == ([3841, 3841], 7682)
    assert size["units_unrounded"] == pytest.approx(7681.694965, abs=1e-5)
    assert size["inflation_factor"] is None
    assert size["reasons"]["inflation_factor"] == "one look: a fixed test"
    found = told(capsys, "power", "--units", "4000", "--sd", "1", "--effect", "0.05")
    assert found["power"] == pytest.approx(0.3526080824447023, abs=1e-9)
    smallest = told(capsys, "mde", "--units", "7682", "--family", "proportions", "--base", "0.1")
    assert smallest["effect"] == pytest.approx(0.02, abs=1e-5)
    sequential = told(capsys, "mde", "--units", "5000", "--sd", "1", "--kind", "kim-demets", "--parameter", "2",
                      "--information", "0.4,0.8,1", "--units-per-day", "100", "--allocation", "3:1")  # fmt: skip
    assert sequential["days"] == 50
    assert sequential["expected_days"] < 50
    zero = told(capsys, "zero-events", "--units", "300")
    assert zero["rate_upper_rule_of_three"] == pytest.approx(0.009986, abs=1e-6)
    assert told(capsys, "zero-events", "--rate", "0.01")["units"] == 299
    for command in ("sample-size --sd 1 --effect 0.1 --units-per-day 100", "mde --units 900 --sd 1 --kind pocock --looks 3",
                    "power --units 900 --sd 1 --effect 0.1 --cluster-size 3 --icc 0.1", "zero-events --units 20"):  # fmt: skip
        assert main(("exact", *command.split())) == 0
        assert capsys.readouterr().out.strip()


WRONG = [
    ("sample-size --sd 1", "--effect"),
    ("sample-size --effect 0.1", "--sd"),
    ("sample-size --effect 0 --sd 1", "--effect"),
    ("sample-size --effect nan --sd 1", "--effect"),
    ("sample-size --effect 0.1 --lift 0.1 --sd 1 --base 1", "--lift"),
    ("sample-size --lift 0.1 --sd 1", "--base"),
    ("sample-size --effect 0.1 --sd 1 --power 0.01", "--power"),
    ("sample-size --effect 0.1 --sd 1 --margin -1", "--margin"),
    ("sample-size --effect 0.1 --sd 1 --margin 0.1 --sides 2", "--margin"),
    ("sample-size --effect 0.1 --family proportions --base 0.95", "--effect"),
    ("sample-size --effect 0.1 --family proportions --base 1.5", "--base"),
    ("sample-size --effect 0.1 --family proportion --base 0.5", "--family"),
    ("sample-size --effect 0.1 --sd 1 --test pooled", "--test"),
    ("sample-size --effect 0.1 --sd 1 --icc 2", "--icc"),
    ("sample-size --effect 0.1 --sd 1 --cluster-size 0.5", "--cluster-size"),
    ("sample-size --effect 0.1 --sd 1 --cuped-correlation 1", "--cuped-correlation"),
    ("sample-size --effect 0.1 --sd 1 --kind obrian-fleming", "--kind"),
    ("sample-size --effect 0.1 --sd 1 --looks 3", "--looks"),
    ("sample-size --effect 0.1 --sd 1 --kind pocock --looks 3 --binding", "--binding"),
    ("sample-size --effect 0.1 --sd 1 --kind pocock --looks 3 --futility-bounds=-1,0", "--futility-bounds"),
    ("sample-size --effect 0.1 --sd 1 --allocation 1", "--allocation"),
    ("sample-size --effect 0.1 --sd 1 --direction up", "--direction"),
    ("sample-size --effect 0.1 --sd 1 --directions up", "--directions"),
    ("sample-size --effect 0.1 --sd 1 --units-per-day 0", "--units-per-day"),
    ("sample-size --effect 0.1 --sd 1 --units-per-day 9 --gap-days -1", "--gap-days"),
    ("sample-size --family ratio --effect 0.1 --numerator-mean 1", "--denominator-mean"),
    (
        "sample-size --family ratio --effect 0.1 --numerator-mean 1 --denominator-mean 0 --numerator-sd 1 --denominator-sd 1",
        "mean",
    ),
    ("power --units 0 --effect 0.1 --sd 1", "--units"),
    ("power --units 2 --effect 0.1 --sd 1 --test t", "--units"),
    ("mde --units 4 --family proportions --base 0.5", "--units"),
    ("mde --units 200 --family proportions --base 0.01 --direction decrease", "--units"),
    ("mde --units 200 --sd 0", "--sd"),
    ("power --units 4 --effect 0.1 --sd 1 --kind pocock --looks 8", "--units"),
    ("mde --units 4 --sd 1 --kind pocock --looks 8", "--units"),
    (
        "power --units 900 --effect 0.1 --sd 1 --sides 1 --kind pocock --looks 3 --futility-bounds 0,9",
        "--futility-bounds",
    ),
    ("zero-events", "--units"),
    ("zero-events --units -3", "--units"),
    ("zero-events --rate 2", "--rate"),
]


@pytest.mark.parametrize(("command", "key"), WRONG)
def test_wrong_input_is_one_line(capsys: pytest.CaptureFixture[str], command: str, key: str) -> None:
    assert main(("exact", *command.split())) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.count("\n") == 1
    assert key in captured.err
    if not command.startswith("zero-events"):
        assert captured.err.startswith(f"exact {command.split()[0]} [")


def test_python_refuses_what_the_command_line_does() -> None:
    with pytest.raises(InputError):
        size_answers.mde(100, effect=0.1, sd=1.0)
    with pytest.raises(InputError):
        size_answers.sample_size(effect=0.1, sd=True)
