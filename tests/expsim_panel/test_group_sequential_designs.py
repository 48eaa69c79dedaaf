"""Group-sequential strategies in a scenario: contradictions at every door, look days, what giving up means."""

from __future__ import annotations

import json
import math
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import tomli_w
from worlds import tree

import expsim_panel
from expsim_panel import engine, operating
from expsim_panel.__main__ import main
from expsim_panel.design import designs
from expsim_panel.designs.pocock import Pocock
from expsim_panel.errors import InputError
from expsim_panel.exports.json import document
from expsim_panel.kernels.trials import FUTILE
from expsim_panel.look_lists import CumulativeSpending, Fractions, FutilityBounds, z_bounds
from expsim_panel.plan import setting_of
from expsim_panel.study import Study

CONTRADICTIONS: list[tuple[dict[str, Any], str]] = [
    ({"kind": "pocock", "information": [0.5, 0.2, 1.0]}, "information"),
    ({"kind": "pocock", "information": [0.2, 0.5]}, "information"),
    ({"kind": "pocock", "information": [0.5, 0.55, 1.0]}, "information"),
    ({"kind": "kim-demets", "looks": 6}, "looks"),
    ({"kind": "kim-demets", "gamma": -1.0}, "gamma"),
    ({"kind": "haybittle-peto", "interim_bound": 1.0}, "interim_bound"),
    ({"kind": "user-spending", "alpha_spent": [0.01, 0.06]}, "alpha_spent"),
    ({"kind": "user-spending", "alpha_spent": [0.03, 0.01, 0.05]}, "alpha_spent"),
    ({"kind": "user-spending", "alpha": 0.01}, "alpha_spent"),
    ({"kind": "obrien-fleming", "looks": 3, "futility_bounds": [-0.1, 0.0]}, "futility_bounds"),
    ({"kind": "obrien-fleming", "sides": 1, "looks": 3, "futility_bounds": [0.0, 3.0]}, "futility_bounds"),
    ({"kind": "obrien-fleming", "sides": 1, "looks": 3, "futility_bounds": [0.0]}, "futility_bounds"),
    ({"kind": "obrien-fleming", "sides": 1, "looks": 3, "futility_bounds": [0.0, "low"]}, "futility_bounds"),
    ({"kind": "user-bounds", "sides": 1, "critical_values": [2.0, 2.0], "futility_bounds": [2.5]}, "futility_bounds"),
    ({"kind": "hwang-shih-decani", "two_sided_spending": "both"}, "two_sided_spending"),
    ({"kind": "obrien-fleming", "looks": 4, "information": [0.3, 0.6, 1.0]}, "looks"),
    # The default, given: no guess of what was meant.
    ({"kind": "obrien-fleming", "looks": 5, "information": [0.3, 0.6, 1.0]}, "looks"),
    ({"kind": "user-spending", "alpha_spent": [0.01, 0.05], "looks": 5}, "looks"),
    ({"kind": "user-bounds", "looks": 5}, "looks"),
    ({"kind": "obrien-fleming", "information": [0.5, 1.0, 1.2]}, "information"),
    ({"kind": "user-spending", "alpha_spent": [0.01, 0.05], "looks": 3}, "looks"),
    ({"kind": "user-spending", "alpha_spent": [0.01, 0.05], "information": [0.3, 0.6, 1.0]}, "information"),
    ({"kind": "user-bounds", "critical_values": [3.0, 2.0], "information": [0.3, 0.6, 1.0]}, "information"),
    ({"kind": "user-bounds", "critical_values": [-3.0, -2.0]}, "critical_values"),
    ({"kind": "pocock", "looks": 3, "binding": True}, "binding"),
]


def test_a_number_of_looks_that_nobody_gave_contradicts_no_list() -> None:
    world = tree(strategies=[{"kind": "pocock", "information": [0.4, 0.7, 1.0]}])
    study = Study.from_tree(world, "here")
    design = study.strategies[0].design
    assert design.planned_looks() == 3
    assert "looks" not in design.to_tree()
    # It stays so through a frozen study, a file and a copy; a number that agrees does too.
    again = study.freeze().study()
    assert again.to_tree() == study.to_tree()
    assert "looks" not in design.copy(alpha=0.01).to_tree()
    agreed = Study.from_tree(tree(strategies=[{"kind": "pocock", "information": [0.4, 0.7, 1.0], "looks": 3}]), "here")
    assert agreed.freeze().study().strategies[0].design.to_tree()["looks"] == 3
    # Without a list the tree is what it was: the digests of older studies hold.
    plain = Study.from_tree(tree(strategies=[{"kind": "pocock"}]), "here")
    assert plain.strategies[0].design.to_tree()["looks"] == 5


def test_looks_beside_a_list_at_the_param_by_set_and_by_flag(capsys: pytest.CaptureFixture[str]) -> None:
    words = "looks is 5 beside a list of 3; give 3 or leave it out"
    with pytest.raises(InputError, match=words):
        Pocock(looks=5, information=[0.4, 0.7, 1.0])
    design = Pocock(information=[0.4, 0.7, 1.0])
    with pytest.raises(InputError, match=words):
        design.looks = 5
    assert design.planned_looks() == 3
    # As it was: its default of five looks says nothing beside the list.
    study = Study.from_tree(tree(strategies=[{"kind": "pocock", "looks": 3}]), "here")
    study.strategies = [replace(study.strategies[0], design=design)]
    assert study.freeze().study().strategies[0].design.planned_looks() == 3
    named = "pocock(looks=5,information=[0.4,0.7,1])"
    for command in ("run", "decide"):
        data = [] if command == "run" else ["--counts", "current prompt=3/1/900,new prompt=3/1/900"]
        assert main([command, "summarization-prompt", "--strategy", named, *data]) == 2
        said = capsys.readouterr().err
        assert words in said
        assert said.count("\n") == 1


@pytest.mark.parametrize(("strategy", "key"), CONTRADICTIONS)
def test_contradictions_are_refused_in_a_file_and_by_set(
    strategy: dict[str, Any], key: str, tmp_path: Any, capsys: Any
) -> None:
    world = tree(strategies=[strategy])
    with pytest.raises(InputError) as caught:
        Study.from_tree(world, "here")
    assert (caught.value.where, caught.value.key) == ("here", f"strategies.0.{key}")
    path = tmp_path / "world.toml"
    path.write_text(tomli_w.dumps({"schema": 1, **world}), encoding="utf-8")
    assert main(["check", str(path)]) == 2
    said = capsys.readouterr().err
    assert said.count("\n") == 1
    assert f"strategies.0.{key}" in said
    kind = {"kind": strategy["kind"]}
    path.write_text(tomli_w.dumps({"schema": 1, **tree(strategies=[kind])}), encoding="utf-8")
    words = ["run", str(path), "--replicates", "10"]
    for name, value in strategy.items():
        if name != "kind":
            words += ["--set", f"strategies.0.{name}={json.dumps(value)}"]
    assert main(words) == 2
    said = capsys.readouterr().err
    assert said.count("\n") == 1
    assert f"strategies.0.{key}" in said


@pytest.mark.parametrize(("strategy", "key"), CONTRADICTIONS)
def test_contradictions_are_refused_at_the_params(strategy: dict[str, Any], key: str) -> None:
    # What one Param can tell is refused when it is set, what several say together when the study is frozen.
    study = Study.from_tree(tree(strategies=[{"kind": strategy["kind"]}]), "here")
    design = study.strategies[0].design
    with pytest.raises(ValueError, match=key.replace("_", ".")) as caught:  # noqa: PT012
        for name, value in strategy.items():
            if name != "kind":
                try:
                    setattr(design, name, value)
                except ValueError as error:
                    raise ValueError(f"{name}: {error}") from None
        study.freeze()
    assert "\n" not in str(caught.value).strip()


@pytest.mark.parametrize("values", [[0.5, 0.2, 1.0], [0.2, 0.9], [0.0, 1.0], [True, 1.0], [math.nan, 1.0], "0.5", []])
def test_contradictory_fractions_are_refused_at_the_param(values: Any) -> None:
    design = designs.get("pocock")()
    with pytest.raises(ValueError, match="fractions"):
        design.information = values


@pytest.mark.parametrize("values", [[0.05, 0.01], [-0.1, 0.05], [0.0, 0.0], [0.5, 1.0]])
def test_contradictory_spending_is_refused_at_the_param(values: Any) -> None:
    design = designs.get("user-spending")()
    with pytest.raises(ValueError, match="cumulative"):
        design.alpha_spent = values


@pytest.mark.parametrize("values", [[math.nan], ["low"], [41.0], [math.inf], [None]])
def test_contradictory_futility_is_refused_at_the_param(values: Any) -> None:
    design = designs.get("pocock")()
    with pytest.raises(ValueError, match="z bounds"):
        design.futility_bounds = values


def test_a_look_without_futility_is_written_in_one_form() -> None:
    declared = FutilityBounds()
    assert declared.read([-math.inf, "None", 0.5]) == ["none", "none", 0.5]
    assert declared.read([]) is None
    assert z_bounds(["none", 0.5]) == [-math.inf, 0.5]
    assert all(kind().accepts([0.1, 1.0]) for kind in (Fractions, FutilityBounds))
    assert not CumulativeSpending().accepts([0.1, 1.0])
    strategy = {"kind": "pocock", "sides": 1, "looks": 3, "futility_bounds": [-math.inf, 0.2]}
    study = Study.from_tree(tree(strategies=[strategy]), "here")
    assert study.to_tree()["strategies"][0]["futility_bounds"] == ["none", 0.2]
    json.loads(study.freeze().document)


def test_looks_fall_on_the_day_that_reaches_their_fraction() -> None:
    strategy = {"kind": "pocock", "information": [0.21, 0.6, 1.0]}
    study = Study.from_tree(tree(strategies=[strategy]), "here")
    planned = study.strategies[0].design.bounds(setting_of(study.scenario))
    assert planned is not None
    assert planned.days.tolist() == [2, 3, 5]
    want = expsim_panel.sequential_design("pocock", information=[0.4, 0.6, 1.0]).critical_values
    np.testing.assert_allclose(planned.upper, want, atol=1e-12)


@pytest.mark.parametrize("kind", ["kim-demets", "wang-tsiatis", "haybittle-peto", "hwang-shih-decani"])
def test_strategy_and_exact_command_have_the_same_bounds(kind: str) -> None:
    strategy = {"kind": kind, "sides": 1, "alpha": 0.03, "looks": 5, "futility_bounds": [0, "none", 0.1, 0.2]}
    study = Study.from_tree(tree(strategies=[{**strategy, "binding": True}]), "here")
    planned = study.strategies[0].design.bounds(setting_of(study.scenario))
    found = expsim_panel.sequential_design(kind, 5, 0.03, 1, futility=[0, "none", 0.1, 0.2], binding=True)
    assert planned is not None
    np.testing.assert_allclose(planned.upper, found.critical_values, atol=1e-12)
    np.testing.assert_array_equal(planned.lower, found.futility_bounds)


def test_giving_up_rejects_nothing_and_keeps_control() -> None:
    strategy = {"kind": "pocock", "sides": 1, "looks": 5, "futility_bounds": [0.5, 0.5, 0.5, 0.5]}
    study = Study.from_tree(tree(variants=[{"name": n, "mean": 3.0} for n in "AB"], strategies=[strategy]), "here")
    study.replicates = 4000
    result = study.run(seed=4)
    out = result["pocock"].worlds["truth"]
    gave_up = out.code == FUTILE
    assert gave_up.mean() > 0.5
    assert not operating.rejected(out.code)[gave_up].any()
    assert np.all(out.code != -1)
    figures = result["pocock"].figures
    assert figures["type1_error"].value == pytest.approx((out.code > 0).mean())
    assert figures["type1_error"].value == figures["false_launch"].value
    assert figures["p_inconclusive"].value < 0.5
    study.luck = int(np.flatnonzero(gave_up)[0])
    shown = document(study.run(seed=4))["strategies"][0]
    assert shown["trace"]["code"] == FUTILE
    assert "gave up" in shown["trace"]["decision"]
    assert shown["verdict"]["action"] == "keep"


def test_claims_follow_what_binds() -> None:
    setting = setting_of(Study.from_tree(tree(), "here").scenario)
    design = designs.get("kim-demets")()
    assert design.claim(setting) == "exact"
    design.sides, design.looks, design.futility_bounds = 1, 2, [0.0]
    assert design.claim(setting) == "at most"
    design.binding = True
    assert design.claim(setting) == "exact"
    assert designs.get("user-bounds")().claim(setting) == "none"
    assert designs.get("user-bounds")().nominal_alpha() is None


@pytest.mark.parametrize("kind", ["lan-demets-pocock", "haybittle-peto", "user-spending"])
def test_several_variants_share_alpha(kind: str) -> None:
    world = tree(variants=[{"name": n, "mean": 3.0} for n in "ABC"], strategies=[{"kind": kind}])
    study = Study.from_tree(world, "here")
    study.replicates = 40_000
    found = float(np.mean(engine.outcomes(study.freeze(), workers=2)[kind].code > 0))
    error = math.sqrt(0.025 * 0.975 / 40_000)
    assert 0.018 < found <= 0.025 + 4 * error


def test_public_names_are_functions() -> None:
    for name in ("conditional_power", "group_sequential", "observed_bounds", "peeking", "predictive_power"):
        assert callable(getattr(expsim_panel, name))
    assert expsim_panel.peeking(5).type1_error == pytest.approx(0.142, abs=5e-4)  # Armitage et al. (1969), table 2
    planned = expsim_panel.sequential_plan("kim-demets", 3)
    assert expsim_panel.observed_bounds(planned, [0.3])[1] == pytest.approx([2 * 0.025 * 0.027])
