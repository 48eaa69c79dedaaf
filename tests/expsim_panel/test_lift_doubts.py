"""Tests of a lift where there is none: refused in planning, told beside real data."""

from __future__ import annotations

import math

import pytest
from scipy import stats
from worlds import tree

from expsim_panel import effect_needed, power_reached, units_needed
from expsim_panel.__main__ import main
from expsim_panel.decide import Decision, decide
from expsim_panel.errors import InputError
from expsim_panel.observed import from_counts
from expsim_panel.simple_world import simple_study
from expsim_panel.study import Study


@pytest.mark.parametrize("base", [["--base", "0"], ["--base", "-1"], []])
@pytest.mark.parametrize("asked", [
    ["power", "--effect", "0.1", "--units", "2000"], ["sample-size", "--effect", "0.1"], ["mde", "--units", "2000"],
])  # fmt: skip
def test_a_control_without_a_lift_is_refused_as_test_lift_does(
    asked: list[str], base: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    said = []
    for how in (["--kind", "fixed-lift"], ["--test", "lift"]):
        assert main(["exact", *asked, "--sd", "1", *base, *how]) == 2
        said.append(capsys.readouterr().err)
    assert said[0].count("\n") == 1
    assert "[--base]: base is" in said[0]
    if base:
        assert said[0] == said[1]
        assert "a lift needs a control above 0" in said[0]


@pytest.mark.parametrize(("family", "direction", "mean"), [
    ("normal", "increase", 0.0), ("normal", "increase", -2.0), ("binary", "increase", 0.0), ("binary", "decrease", 1.0),
])  # fmt: skip
def test_so_is_a_scenario(family: str, direction: str, mean: float) -> None:
    """Of a rate that should fall the lift is that of its complement, which 1 leaves none."""
    other = mean + 0.1 if direction == "increase" else mean - 0.1
    world = tree(family, metric={"direction": direction}, strategies=[{"kind": "fixed-lift"}],
                 variants=[{"name": "A", "mean": mean}, {"name": "B", "mean": other}])  # fmt: skip
    for ask in (power_reached, units_needed, effect_needed):
        with pytest.raises(InputError) as caught:
            ask(Study.from_tree(world, "t"), "fixed-lift")
        assert caught.value.key == "variants.0.mean"
        assert "\n" not in str(caught.value)


def test_a_simple_world_needs_a_control() -> None:
    with pytest.raises(InputError, match="base is missing; a lift needs a control above 0"):
        simple_study("fixed-lift", sd=1.0, effects=[0.1])
    study = simple_study("fixed-lift", sd=1.0, base=1.0, effects=[0.1], units_per_day=2000)
    assert power_reached(study, "fixed-lift").method == "exact"


def decided(control: float, treatment: float, kind: str = "fixed-lift", direction: str = "increase") -> Decision:
    """Return the decision on 2,000 scores a variant with a spread of 1."""
    world = tree(metric={"direction": direction}, traffic={"units_per_day": 4000, "days": 1},
                 strategies=[{"kind": kind}])  # fmt: skip
    study = Study.from_tree(world, "t")
    names = [one.name for one in study.scenario.variants]
    text = ",".join(f"{name}={mean}/1/2000" for name, mean in zip(names, (control, treatment), strict=True))
    return decide(study, from_counts(study.scenario, text))


@pytest.mark.parametrize("direction", ["increase", "decrease"])
def test_data_without_a_lift_say_so(direction: str) -> None:
    reach = stats.norm.isf(0.025) / math.sqrt(2000)
    told = [note for note in decided(0.01, 0.5, direction=direction).notes if "lift" in note]
    assert told == [
        f"No lift is defined here: the control's mean, 0.01 (95 % interval {0.01 - reach:.4g} to {0.01 + reach:.4g}), "
        "is not clearly above 0. The figures are of the difference."
    ]


def test_the_doubt_begins_where_the_controls_interval_holds_no_effect() -> None:
    reach = stats.norm.isf(0.025) / math.sqrt(2000)
    assert any("No lift" in note for note in decided(reach * 0.999, 1.0).notes)
    assert not any("lift" in note for note in decided(reach * 1.001, 1.0).notes)
    assert not any("lift" in note for note in decided(0.01, 0.5, "fixed-horizon").notes)


def test_means_on_both_sides_of_nothing_have_no_lift() -> None:
    made = decided(1.0, -0.5)
    assert made.trace.code == 0
    assert any("are not on one side of 0" in note for note in made.notes)


@pytest.mark.parametrize(("direction", "hits", "told"), [
    ("increase", (1, 30), "the control's mean, 0.05 % (95 % interval -0.05 % to 0.15 %)"),
    ("decrease", (1999, 1900), "the complement of the control's rate, 0.05 %"), ("decrease", (1, 30), ""),
])  # fmt: skip
def test_rates(direction: str, hits: tuple[int, int], told: str) -> None:
    world = tree("binary", metric={"direction": direction}, traffic={"units_per_day": 4000, "days": 1},
                 strategies=[{"kind": "fixed-lift"}])  # fmt: skip
    study = Study.from_tree(world, "t")
    names = [one.name for one in study.scenario.variants]
    text = ",".join(f"{name}={count}/2000" for name, count in zip(names, hits, strict=True))
    found = [note for note in decide(study, from_counts(study.scenario, text)).notes if "lift" in note]
    assert len(found) == bool(told)
    assert told in "".join(found)
