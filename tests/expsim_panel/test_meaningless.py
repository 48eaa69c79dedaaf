"""What a scenario asks for and its other numbers keep from happening: told beside a run, in its JSON and by a check."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import tomli_w
from worlds import tree

from expsim_panel import axes, library
from expsim_panel.__main__ import main
from expsim_panel.caveats import caveats
from expsim_panel.exports.json import document
from expsim_panel.meaningless import notes
from expsim_panel.response_surface import response_surface
from expsim_panel.study import Study

ONE = [{"kind": "fixed-horizon"}]
LATE = "traffic.shock changes nothing here: it begins on day 11, and 10 are planned."
SLOW = "traffic.ramp never reaches the full shares: it takes 11 days, and 10 are planned."
MANY = (
    "traffic.exposures_per_unit is 3, and traffic.unit = request is one response: give 1, and the requests as "
    "traffic.units_per_day."
)


def study(analysis: str = "one-response", **traffic: Any) -> Study:
    """Return a study of ten days."""
    return Study.from_tree(tree(traffic={"days": 10, **traffic}, analysis={"unit": analysis}, strategies=ONE), "t")


@pytest.mark.parametrize(("traffic", "said"), [
    ({"shock": {"day": 11, "size": 1.0}}, (LATE,)), ({"shock": {"day": 10, "days": 5, "size": 1.0}}, ()),
    ({"ramp": {"start": 0.2, "days": 11}}, (SLOW,)), ({"ramp": {"start": 0.2, "days": 10}}, ()),
    ({"unit": "request", "exposures_per_unit": 3}, (MANY,)), ({"unit": "request"}, ()), ({"exposures_per_unit": 3}, ()),
])  # fmt: skip
def test_what_does_not_come_about_is_told(traffic: dict[str, Any], said: tuple[str, ...]) -> None:
    made = study(**traffic)
    assert notes(made.scenario) == said
    result = made.run(replicates=20)
    assert caveats(result)[-1:] == said[-1:] or not said
    assert document(result)["notes"] == list(caveats(result))
    assert [one for one in caveats(result) if one.startswith("traffic.")] == list(said)


def test_the_library_has_nothing_of_the_kind() -> None:
    for name in library.names():
        assert notes(Study.load(name).scenario) == (), name


def test_a_check_tells_it(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "late.toml"
    file.write_text(tomli_w.dumps({"schema": 1, **study(shock={"day": 11, "size": 1.0}).to_tree()}), encoding="utf-8")
    assert main(["check", str(file)]) == 0
    assert LATE in " ".join(capsys.readouterr().out.split())


def test_an_event_after_the_end_is_the_same_as_none() -> None:
    late, none = (document(one.run(replicates=200)) for one in (study(shock={"day": 11, "size": 1.0}), study()))
    assert json.dumps(late["strategies"]) == json.dumps(none["strategies"])


@pytest.mark.parametrize(("made", "asked", "said"), [
    (study(shock={"day": 11}), "traffic.shock.size=0:1:3", LATE[:-1].replace("shock", "shock.size")),
    (study("response", unit="request", exposures_per_unit=3), "traffic.icc=0:0.3:3",
     "traffic.icc changes nothing here: requests are randomised, one by one"),
])  # fmt: skip
def test_a_map_over_it_says_why_it_is_flat(made: Study, asked: str, said: str) -> None:
    assert response_surface(made, "fixed-horizon", axes.parse(made, asked, "--x")).notes == (said,)


def test_an_upgrade_without_a_shift_says_so() -> None:
    made = Study.from_tree(tree(traffic={"days": 10}, evaluator={"kind": "judge"}, strategies=ONE), "t")
    x = axes.parse(made, "evaluator.upgrade_day=2:8:3", "--x")
    assert response_surface(made, "fixed-horizon", x).notes == (
        "evaluator.upgrade_day changes nothing here: upgrade_shift is 0",
    )
