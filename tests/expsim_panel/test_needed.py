"""What any strategy needs: every design of the registry, against closed forms, exact values and a simulation."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest
from worlds import tree

from expsim_panel import days_needed, effect_needed, exact, power_reached, sample_size, units_needed
from expsim_panel.__main__ import main
from expsim_panel.caveats import caveats
from expsim_panel.design import designs
from expsim_panel.economics import ledger
from expsim_panel.errors import InputError
from expsim_panel.first_enough import first_enough
from expsim_panel.mover import Mover
from expsim_panel.multiplicity import adjusted_p_values
from expsim_panel.places import EFFECT
from expsim_panel.power_points import Meter
from expsim_panel.simple_world import simple_study
from expsim_panel.study import Study

_FEW = 2000


def launches(study: Study, levels: dict[str, float]) -> float:
    """Return the exact chance of a finding for the one variant, read from `exact.operating` alone."""
    moved = Mover(study).to(levels)
    found = exact.operating(moved.scenario, moved.strategies[0], "truth", ledger(moved.scenario))
    assert isinstance(found, exact.Exact), found
    return float(found.high.sum())


@pytest.mark.parametrize("kind", designs.names())
def test_every_design_has_its_effect(kind: str) -> None:
    """Exact: the target to 1e-6; simulated: another seed agrees within 3 standard errors."""
    study = simple_study(kind, sd=1.0, base=5.0, effects=[0.1], units_per_day=500, days=6)
    found = effect_needed(study, kind, 0.8, replicates=_FEW)
    if found.value is None:
        # A design that ends with what it planned for says what it can reach.
        assert found.reason
        assert found.largest_power is not None
        assert found.largest_power < 0.8
        return
    if found.method == "exact":
        assert launches(study, {EFFECT: found.value}) == pytest.approx(0.8, abs=1e-6)
        return
    study.seed = 99
    moved = Mover(study).to({EFFECT: found.value})
    again = power_reached(moved, kind, replicates=_FEW)
    assert again.power is not None
    assert again.se is not None
    assert found.se is not None
    assert found.power is not None
    assert found.power >= 0.8
    # The search stops within 0.3 of its own error above the target.
    assert abs(again.power - 0.8) < 3 * np.hypot(again.se, found.se)
    assert found.why_simulated
    assert found.uncertainty is not None


@pytest.mark.parametrize("kind", ["fixed-horizon", "pocock", "obrien-fleming", "wang-tsiatis", "kim-demets"])
def test_units_are_those_of_the_closed_form(kind: str) -> None:
    looks = 1 if kind == "fixed-horizon" else 5
    study = simple_study(kind, sd=1.0, effects=[0.1], looks=None if looks == 1 else looks)
    found = units_needed(study, kind, 0.8)
    known = sample_size(0.8, kind=kind, looks=looks, sd=1.0, effect=0.1, directions="effect")
    step = looks * (2 if looks == 1 else 1)
    assert found.method == "exact"
    assert found.units is not None
    assert known.units_unrounded <= found.units + 1e-6
    assert found.units - known.units_unrounded < step + 1e-6


@pytest.mark.parametrize("kind", ["msprt", "bayesian", "stochastic-curtailment"])
def test_the_smallest_size_and_the_one_below(kind: str) -> None:
    study = simple_study(kind, sd=1.0, effects=[0.1], days=5)
    found = units_needed(study, kind, 0.9)
    assert found.units_per_day is not None
    here, below = (launches(study, {"traffic.units_per_day": found.units_per_day - k}) for k in (0, 1))
    assert here >= 0.9 > below
    assert (found.power, found.power_before) == pytest.approx((here, below), abs=1e-12)
    assert found.before == found.units - 5


def test_days_rise_and_fall() -> None:
    """A novelty fades, and weekdays differ: the first day that is enough is found, though later ones are not."""
    traffic = {"seasonality": {"traffic": [3, 3, 3, 3, 3, 0.2, 0.2]}, "units_per_day": 300, "days": 10}
    traffic["novelty"] = {"size": 0.2, "days": 4}
    variants = [{"name": "A", "mean": 3.0}, {"name": "B", "mean": 3.005}]
    study = Study.from_tree(
        tree(traffic=traffic, variants=variants, strategies=[{"kind": "pocock", "looks": 3}]), "test"
    )
    powers = {n: launches(study, {"traffic.days": n}) for n in range(3, 40)}
    peak = max(powers.values())
    assert peak > powers[39] + 0.05
    found = days_needed(study, "pocock", peak - 0.01)
    assert found.days == min(n for n, power in powers.items() if power >= peak - 0.01)
    assert (found.before, found.power_before) == (found.days - 1, pytest.approx(powers[found.days - 1], abs=1e-12))
    never = days_needed(study, "pocock", 0.95)
    assert (never.days, never.largest_power) == (None, pytest.approx(peak, abs=1e-12))


def test_teeth_are_looked_at() -> None:
    """The smallest step of a saw above the target, against looking at all of them."""
    heights = {n: 1 - np.exp(-n / 200) - 0.02 * (n % 7 == 3) for n in range(1, 2000)}
    for target in (0.3, 0.5, 0.8, 0.9):
        found = first_enough(heights.get, target, 1, 1999, growth=1.6, every=8, ripple=12)
        assert found.at == min(n for n, height in heights.items() if height >= target)
    gap = first_enough(lambda n: None if n > 70 else n / 100, 0.65, 1, 500, growth=1.6, every=8, ripple=12)
    assert gap.at == 65
    out = first_enough(lambda n: None if n > 70 else n / 100, 0.9, 1, 500, growth=1.6, every=8, ripple=12)
    assert (out.at, out.highest, out.last) == (None, 0.7, 70)


def test_few_rows_are_simulated() -> None:
    """Under 100 responses an arm the law of large samples is no exact one: against the noncentral t of a t test."""
    found = units_needed(simple_study("fixed-t", sd=1.0, effects=[1.5]), "fixed-t", replicates=_FEW)
    known = sample_size(0.8, test="welch", sd=1.0, effect=1.5)
    assert found.method == "simulated"
    assert found.units is not None
    assert found.units == pytest.approx(known.units_unrounded, abs=2)
    assert effect_needed(simple_study("fixed-t", sd=1.0, units_per_day=40), "fixed-t", replicates=500).why_simulated
    assert power_reached(simple_study("pocock", sd=1.0, effects=[1.0], units_per_day=8), "pocock").se is not None


def test_a_ramp_with_late_outcomes() -> None:
    """The least traffic of the search leaves looks without information: no reason to give up."""
    traffic = {"units_per_day": 900, "days": 15, "delay_days": 2, "ramp": {"start": 0.3, "days": 4}}
    study = Study.from_tree(tree("binary", traffic=traffic, strategies=[{"kind": "pocock"}]), "test")
    found = units_needed(study, "pocock")
    assert found.units_per_day is not None
    here, below = (launches(study, {"traffic.units_per_day": found.units_per_day - k}) for k in (0, 1))
    assert here >= 0.8 > below


def test_what_cannot_be_reached_says_why() -> None:
    """A judge whose bias undoes the effect; a day limit; an effect that is none."""
    biased = tree(evaluator={"kind": "judge", "differential_bias": -0.05}, strategies=[{"kind": "fixed-horizon"}])
    found = units_needed(Study.from_tree(biased, "test"), "fixed-horizon")
    assert found.units is None
    assert found.largest_power is not None
    assert found.largest_power < 0.05
    told = found.to_json()
    assert told["value"] is None
    assert "no number of units" in told["reasons"]["units"]
    slow = simple_study("fixed-horizon", sd=1.0, effects=[0.001], units_per_day=100)
    late = days_needed(slow, "fixed-horizon")
    assert (late.days, late.largest_at) == (None, 366)
    with pytest.raises(InputError, match="nothing to find"):
        units_needed(simple_study("pocock", sd=1.0, effects=[0.0]), "pocock")


@pytest.mark.parametrize(
    "kind", ["fixed-horizon", "dunnett", "holm", "benjamini-hochberg", "drop-the-losers", "obrien-fleming"]
)
def test_several_variants(kind: str) -> None:
    """Any, best and all are ordered; what is read for all agrees with the engine's own finding."""
    days = {"obrien-fleming": 2, "drop-the-losers": 2}.get(kind, 1)
    looks = 2 if days == 2 else None
    study = simple_study(kind, sd=1.0, effects=[0.1, 0.08, 0.0], units_per_day=4000 // days, days=days, looks=looks)
    any_, best = (power_reached(study, kind, finds=finds, replicates=_FEW) for finds in ("any", "best"))
    assert any_.power is not None
    assert best.power is not None
    assert any_.power > best.power > 0
    assert any_.method == best.method == "exact"
    if days == 2:
        for finds, known in (("any", any_), ("best", best)):
            seen = power_reached(study, kind, finds=finds, replicates=_FEW, simulate=True)
            assert seen.se is not None
            assert abs(seen.power - known.power) <= 3.5 * seen.se
        with pytest.raises(InputError, match="tells nothing of the other variants"):
            power_reached(study, kind, finds="all", simulate=True)
        return
    all_, seen = (power_reached(study, kind, finds="all", replicates=_FEW, simulate=simulate) for simulate in (0, 1))
    assert all_.power is not None
    assert all_.method == "exact"
    assert all_.power < any_.power
    assert seen.se is not None
    assert abs(seen.power - all_.power) <= 3 * seen.se
    size = units_needed(study, kind, 0.8, replicates=_FEW)
    assert size.units is not None
    assert size.uncertainty is None
    size = units_needed(study, kind, 0.8, replicates=_FEW, simulate=True)
    assert size.units is not None
    assert size.uncertainty is not None
    assert 0 < size.uncertainty < 0.05 * size.units


def test_procedures_tell_each_variant() -> None:
    """`found_for` is the step-wise procedure on adjusted p values."""
    from scipy.stats import norm

    z = np.random.default_rng(4).normal(1.5, 1.2, (300, 4))
    study = simple_study("holm", sd=1.0, effects=[0.1] * 4)
    setting = Meter(study, "holm").mover.study.scenario
    from expsim_panel import plan

    for kind, method in (("holm", "holm"), ("benjamini-hochberg", "bh")):
        found = designs.get(kind)().found_for(z, plan.setting_of(setting))
        want = [(adjusted_p_values(2 * norm.sf(np.abs(row)), method) <= 0.05) & (row > 0) for row in z]
        assert np.array_equal(found, want)


def told(capsys: pytest.CaptureFixture[str], line: str) -> dict[str, Any]:
    assert main(("exact", *line.split(), "--json", "-")) == 0
    return dict(json.loads(capsys.readouterr().out))


def test_commands(capsys: pytest.CaptureFixture[str]) -> None:
    """A simple world and a scenario; the four questions agree with each other."""
    size = told(capsys, "sample-size --kind msprt --effect 0.1 --sd 1 --days 5")
    power = told(capsys, f"power --kind msprt --effect 0.1 --sd 1 --days 5 --units {size['units']}")
    assert power["power"] == pytest.approx(size["power"], abs=1e-12)
    effect = told(capsys, f"mde --kind msprt --sd 1 --days 5 --units {size['units']} --power {size['power']}")
    assert effect["effect"] == pytest.approx(0.1, abs=1e-9)
    days = told(capsys, f"duration --kind msprt --sd 1 --effect 0.1 --units-per-day {size['units_per_day']}")
    assert days["power"] >= 0.8 > days["power_before"]
    assert days["experiments_per_quarter"] == pytest.approx(91 / days["expected_days"])
    rare = told(capsys, "sample-size --scenario hallucination-prompt --strategy obrien-fleming")
    again = told(capsys, f"power --scenario hallucination-prompt --strategy obrien-fleming --units {rare['units']}")
    assert again["power"] == rare["power"] >= 0.8
    assert rare["method"] == "exact"
    for line in (
        "power --kind pocock --days 10 --looks 5 --effect 0.1 --sd 1 --units 4000",
        "mde --kind bayesian --sd 1",
    ):
        words = line.split() if "--units" in line else [*line.split(), "--units", "900"]
        assert main(("exact", *words)) == 0
        assert "exact" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("sample-size --kind msprt --effect 0.1", "--sd"),
        ("sample-size --kind mspt --effect 0.1 --sd 1", "did you mean 'msprt'"),
        ("sample-size --kind bayesian --effect 0.1 --sd 1 --alpha 0.01", "bayesian has no alpha"),
        ("sample-size --kind msprt --effect 0.1 --sd 1 --margin 0.1", "--margin"),
        ("duration --kind msprt --effect 0.1 --sd 1", "--units-per-day"),
        ("sample-size --scenario hallucination-prompt --base 0.1", "--base"),
        ("power --kind msprt --effect 0.1 --sd 1", "--units"),
        ("sample-size --kind dunnett --effects 0.1,0.2 --sd 1 --finds al", "--finds"),
        ("sample-size --kind dunnett --effects 0.1,0.2 --sd 1 --allocation 1:2", "--allocation"),
        ("sample-size --kind dunnett --effects 0.1,0.2 --sd 1 --directions both", "--directions"),
        ("mde --kind msprt --effect 0.1 --sd 1 --units 1000", "--effect"),
        ("sample-size --kind msprt --effect 0.1 --sd 1 --strategy msprt", "--strategy"),
        ("sample-size --kind holm --effects 0.1,0 --sd 1 --looks 3", "--looks"),
        ("mde --kind nonsense --sd 1 --units 900", "exact mde [--kind]: unknown strategy"),
        ("mde --kind holm --sd 1 --units 900 --power 2", "exact mde [--power]:"),
        ("power --kind dunnett --effects 0.2,0.1 --sd 1 --units 0", "exact power [--units]:"),
        ("power --kind promising-zone --effect 0.2 --sd 1 --units 900 --days 1", "exact power [--days]: one day"),
        ("mde --kind blinded-reestimation --sd 1 --units 900 --days 1", "exact mde [--days]: one day"),
        ("sample-size --kind promising-zone --effect 0.2 --sd 1 --looks 1", "--looks"),
        ("sample-size --kind pocock --effect 0.2 --sd 1 --days 3", "[--looks]: 5 looks in 3 days"),
        ("sample-size --kind msprt(tau=-1) --effect 0.2 --sd 1", "[--kind.tau]:"),
    ],
)
def test_wrong_input_is_one_line(line: str, said: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(("exact", *line.split())) == 2
    text = capsys.readouterr().err
    assert text.count("\n") == 1
    assert said in text


@pytest.mark.parametrize("kind", ["promising-zone", "blinded-reestimation"])
def test_a_rule_that_sets_its_length_has_days_to_choose_from(kind: str, capsys: pytest.CaptureFixture[str]) -> None:
    given = f"--kind {kind} --effect 0.2 --sd 1"
    own = told(capsys, f"sample-size {given}")
    assert own["days"] == 14
    assert own == told(capsys, f"sample-size {given} --days 14")
    assert told(capsys, f"power {given} --units {own['units']}")["power"] == own["power"] >= 0.8


def test_looks_without_a_new_response_stop_nothing() -> None:
    """Fewer scored responses than days: some days repeat the day before, which once failed or counted twice."""
    study = Study.load("summarization-prompt", names=["bayesian"])
    found = units_needed(study, "bayesian")
    assert found.method == "exact"
    assert found.power == pytest.approx(0.8, abs=0.01)
    assert found.power >= 0.8 > (found.power_before or 0)
    result = Study.load("summarization-prompt", ["traffic.units_per_day=6"], ["bayesian"]).run(replicates=2000, seed=3)
    one = result["bayesian"].figures["power"]
    assert one.value is not None
    assert one.exact is not None
    # Ten responses an arm are no large sample, and the report says which figure counts.
    assert abs(one.value - one.exact) > 5 * (one.se or 0)
    assert any("exact values are those of large samples" in each for each in caveats(result))


@pytest.mark.parametrize(
    ("given", "flag"),
    [
        ({"sd": -1.0}, "--sd"),
        ({"sd": 1.0, "icc": 2.0, "cluster_size": 3.0}, "--icc"),
        ({"sd": 1.0, "days": -2}, "--days"),
    ],
)
def test_a_number_out_of_bounds_is_named_as_it_was_given(given: dict[str, float], flag: str) -> None:
    with pytest.raises(InputError) as caught:
        simple_study("msprt", effects=[0.1], **given)  # type: ignore[arg-type]
    assert caught.value.key == flag
