"""What no closed form answers is refused in one line, with the call that does."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest

import expsim_panel
from expsim_panel import InputError, mde, power, sample_size, sequential, simple_study, units_needed
from expsim_panel.__main__ import main
from expsim_panel.strategy import kinds

PUBLIC = {
    name: getattr(expsim_panel, name) for name in ("units_needed", "power_reached", "effect_needed", "simple_study")
}
ASK = {
    "exact sample-size": lambda **given: sample_size(0.9, **given),
    "exact power": lambda **given: power(600, **given),
    "exact mde": lambda **given: mde(600, 0.9, **{key: one for key, one in given.items() if key != "effect"}),
}


def refused(where: str, **given: Any) -> InputError:
    with pytest.raises(InputError) as caught:
        ASK[where](**given)
    assert caught.value.where == where
    assert "\n" not in str(caught.value)
    return caught.value


def of(line: InputError, **said: str) -> Any:
    """Return what the call in a line answers, with what it leaves open."""
    call = line.remedy.removeprefix("call ")
    for key, value in said.items():
        call = call.replace(f"{key}=...", f"{key}={value}")
    assert "..." not in call
    return eval(call, dict(PUBLIC))


@pytest.mark.parametrize("where", ASK)
@pytest.mark.parametrize("kind", sorted({*kinds()} - {"fixed-horizon", *sequential.kinds()}))
def test_every_kind_without_a_closed_form_is_refused_with_the_call(where: str, kind: str) -> None:
    line = refused(where, kind=kind, sd=1.0, effect=0.2)
    assert line.key == "--kind"
    assert f"(simple_study('{kind}', sd=1.0," in line.remedy


def test_the_call_answers_as_the_command_line_does(capsys: pytest.CaptureFixture[str]) -> None:
    def told(words: str) -> dict[str, Any]:
        assert main(("exact", *words.split(), "--kind", "dunnett", "--sd", "1", "--json", "-")) == 0
        return json.loads(capsys.readouterr().out)

    several = {"kind": "dunnett", "sd": 1.0, "effects": (0.2, 0.1)}
    needed = of(refused("exact sample-size", **several))
    assert needed == units_needed(simple_study("dunnett", sd=1.0, effects=[0.2, 0.1]), "dunnett", 0.9)
    assert needed.units == told("sample-size --effects 0.2,0.1 --power 0.9")["units"]
    reached = of(refused("exact power", **several), units_per_day="200", days="3")
    assert reached.power == told("power --effects 0.2,0.1 --units 600 --days 3")["power"]
    smallest = of(refused("exact mde", kind="dunnett", sd=1.0, alpha=0.01), units_per_day="600", days="1")
    assert smallest.effect == told("mde --units 600 --power 0.9 --alpha 0.01")["effect"]


@pytest.mark.parametrize(
    ("given", "key", "said"),
    [
        ({"kind": "nonsense"}, "--kind", "expsim list names all"),
        ({"kind": "obrian-fleming"}, "--kind", "did you mean 'obrien-fleming'?"),
        ({"kind": "pocock(looks=3)"}, "--kind", "pocock with parameters; call "),
        ({"kind": 3}, "--kind", "unknown strategy 3"),
        ({"kind": "pocock", "effects": [0.2, 0.1]}, "--effects", "effects=[0.2, 0.1]"),
        ({"days": 9}, "--days", "days=9"),
        ({"finds": "all", "effects": [0.1, 0.2]}, "--effects", "finds='all'"),
        ({"scenario": "summarization-prompt"}, "--scenario", "Study.load('summarization-prompt')"),
        ({"kind": "msprt", "margin": 0.1}, "--margin", "only closed forms know margin; leave it out"),
        ({"lifts": 0.1}, "--lifts", "did you mean 'lift'?"),
        ({"cluster-size": 3}, "--cluster-size", "did you mean 'cluster_size'?"),
        ({"needs_effect": False}, "--needs-effect", "did you mean 'effect'?"),
    ],
)
@pytest.mark.parametrize("where", ASK)
def test_what_is_unknown_or_asked_elsewhere_is_one_line(where: str, given: dict[str, Any], key: str, said: str) -> None:
    line = refused(where, sd=1.0, **given)
    assert line.key == key
    assert said in str(line)


def test_a_lift_becomes_the_effect_of_the_call() -> None:
    line = refused("exact sample-size", kind="holm", sd=2.0, base=5.0, lift=0.1)
    assert re.search(r"base=5\.0.*effects=\[0\.5\]", line.remedy)


@pytest.mark.parametrize(
    ("where", "given", "key"),
    [
        ("exact power", {"sd": 0.0, "effect": 0.1}, "--sd"),
        ("exact mde", {"sd": 1.0, "icc": 2.0, "cluster_size": 3.0}, "--icc"),
        ("exact power", {"sd": 1.0, "effect": 0.1, "kind": "pocock", "looks": 0}, "--looks"),
        ("exact sample-size", {"sd": 1.0, "effect": 0.1, "cuped_correlation": 2.0}, "--cuped-correlation"),
    ],
)
def test_a_complaint_names_the_function_that_was_called(where: str, given: dict[str, Any], key: str) -> None:
    line = refused(where, **given)
    assert line.key in (key, key.replace("--cuped-", "--"))
