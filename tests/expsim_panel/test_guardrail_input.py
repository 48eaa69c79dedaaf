"""Guardrails through every door: Params, files, --set, the app, decide; wrong input in one line; names escaped."""

from __future__ import annotations

import copy
import json
import re

import numpy as np
import pytest
from worlds import tree

from expsim_panel import exact, library
from expsim_panel.__main__ import main
from expsim_panel.decide import decide
from expsim_panel.economics import ledger
from expsim_panel.errors import InputError
from expsim_panel.exports import html, markdown
from expsim_panel.exports import json as as_json
from expsim_panel.guardrail import Guardrail
from expsim_panel.guardrail_data import from_flags
from expsim_panel.observed import from_counts, from_csv
from expsim_panel.response_surface import response_surface
from expsim_panel.study import Study

RAIL = {"name": "tickets", "family": "binary", "means": [0.05, 0.05], "threshold": 0.02}
LATENCY = {"name": "latency", "unit": "ms", "means": [1700, 1740], "sd": 900, "threshold": 90}
BAD = {
    "margin of the wrong sign": ({"margin": -0.01}, r"\[guardrails.0.margin\]: -0.01 is out of bounds; .*above 0"),
    "no margin at all": ({"margin": 0}, r"\[guardrails.0.margin\]: 0 is out of bounds; .*above 0"),
    "margin above the threshold": (
        {"margin": 0.03}, r"\[guardrails.0.margin\]: 0.03 is above the alarm threshold 0.02; give above 0 and at most 0.02",
    ),
    "threshold of the wrong sign": ({"threshold": -1}, r"\[guardrails.0.threshold\]: -1 is out of bounds; .*above 0"),
    "no threshold": ({"threshold": None}, r"\[guardrails.0.threshold\]: is missing"),
    "threshold out of reach": ({"threshold": 0.96}, r"\[guardrails.0.threshold\]: 0.96 is out of reach"),
    "drop out of reach": (
        {"threshold": 0.06, "direction": "increase"}, r"\[guardrails.0.threshold\]: 0.06 is out of reach.*-0.01",
    ),
    "no truth": ({"means": []}, r"\[guardrails.0.means\]: is missing"),
    "too few means": ({"means": [0.05]}, r"\[guardrails.0.means\]: 1 means for 2 variants"),
    "no rate": ({"means": [0.05, 1.5]}, r"\[guardrails.0.means\]: 1.5 is not a rate"),
    "nan": ({"means": [0.05, float("nan")]}, r"\[guardrails.0.means\]: nan is not a finite number"),
    "no spread": ({"family": "normal"}, r"\[guardrails.0.sd\]: is missing"),
    "share of nothing": ({"family": "normal", "sd": 1, "means": [0, 1], "kind": "relative"}, r"\[guardrails.0.kind\]"),
    "unknown kind": ({"kind": "ratio"}, r"\[guardrails.0.kind\]: unknown value 'ratio'"),
    "unknown key": ({"treshold": 1}, r"\[guardrails.0.treshold\]: unknown key.*did you mean 'threshold'"),
    "alpha": ({"alpha": 0.7}, r"\[guardrails.0.alpha\]: 0.7 is out of bounds"),
    "no name": ({"name": " "}, r"\[guardrails.0.name\]: ' ' is not a name"),
}  # fmt: skip


def planned(*rails, **tables):
    return Study.from_tree(tree("binary", guardrails=list(rails), **tables), "test", names=["fixed-horizon"])


@pytest.mark.parametrize("name", BAD)
def test_bad_input_is_one_line(name):
    changes, line = BAD[name]
    rail = {key: value for key, value in {**RAIL, **changes}.items() if value is not None}
    with pytest.raises(InputError, match=line) as caught:
        planned(rail)
    assert "\n" not in str(caught.value)


def test_bad_lists_of_guardrails():
    with pytest.raises(InputError, match=r"\[guardrails.1.name\]: 'tickets' appears twice"):
        planned(RAIL, RAIL)
    with pytest.raises(InputError, match=r"\[guardrails\]: 11 guardrails; give at most 10"):
        planned(*({**RAIL, "name": f"g{i}"} for i in range(11)))
    with pytest.raises(InputError, match=r"\[guardrails\]: 'x' is not a list of tables"):
        Study.from_tree(tree(guardrails="x"), "test")
    with pytest.raises(InputError, match=r"\[guardrails.0\]: 3 is not a table"):
        Study.from_tree(tree(guardrails=[3]), "test")


@pytest.mark.parametrize("value", [-1.0, 0.0])
def test_a_param_refuses_the_wrong_sign(value):
    for key in ("margin", "threshold"):
        with pytest.raises(ValueError, match=r"must be|below"):
            setattr(Guardrail(), key, value)


def test_a_study_whose_params_contradict_each_other_does_not_freeze():
    study = planned({**RAIL, "margin": 0.01})
    study.scenario.guardrails[0].threshold = 0.005
    with pytest.raises(InputError, match=r"guardrails.0.margin\]: 0.01 is above the alarm threshold 0.005"):
        study.freeze()


def test_the_tree_is_read_back():
    study = planned({**RAIL, "margin": 0.01, "penalty": 0.1}, LATENCY)
    again = Study.from_tree(json.loads(study.freeze().document), "again")
    assert again.to_tree() == study.to_tree()
    assert again.scenario.guardrails[0].allowed == 0.01
    assert again.scenario.guardrails[1].allowed == 90


@pytest.mark.parametrize(
    ("setting", "line"),
    [
        ("guardrails.0.margin=-1", "[guardrails.0.margin]: -1 is out of bounds"),
        ("guardrails.0.margin=301", "301 is above the alarm threshold 300"),
        ("guardrails.5.margin=1", "there is no entry '5'"),
        ("guardrails.0.means.1=wide", "guardrails.0.means"),
    ],
)
def test_the_command_line_refuses_in_one_line(setting, line, capfd):
    assert main(["run", "hallucination-prompt", "--replicates", "10", "--set", setting]) == 2
    out, err = capfd.readouterr()
    assert out == ""
    assert line in err
    assert err.count("\n") == 1


def test_set_changes_threshold_and_truth(capfd):
    words = ["run", "hallucination-prompt", "--strategy", "fixed-horizon", "--replicates", "200", "--json", "-"]
    words += [
        "--set",
        "guardrails.0.threshold=100",
        "--set",
        "guardrails.0.margin=100",
        "--set",
        "guardrails.0.means.1=1760",
    ]
    assert main(words) == 0
    made = json.loads(capfd.readouterr().out)
    check = made["strategies"][0]["guardrails"]["checks"][0]
    assert (check["harm"], check["breached"]) == (110, True)
    assert made["verdict"]["guardrails"][0]["threshold"] == 100


@pytest.mark.parametrize("name", library.names())
def test_every_shipped_scenario_has_guardrails_with_power_and_no_breach(name):
    scenario = library.load(name)
    assert len(scenario.guardrails) == 2
    assert not any(one.breached().any() for one in scenario.guardrails)
    study = Study.load(name, names=["obrien-fleming"])
    guarded = study.run(replicates=2000, seed=2)["obrien-fleming"].guarded
    assert all(check.planned_power > 0.95 for check in guarded.checks)
    assert guarded.held_back.value < 0.01


def test_thresholds_are_axes_of_a_surface():
    study = planned({**RAIL, "margin": 0.004}, traffic={"units_per_day": 4000, "days": 5})
    from expsim_panel.axes import axis

    x = axis(study, "guardrails.0.threshold", 0.01, 0.04, 2)
    y = axis(study, "guardrails.0.margin", 0.003, 0.01, 2)
    assert (x.label, y.own) == ("Alarm threshold", 0.004)
    found = response_surface(study, "fixed-horizon", x, y, metric="false_launch")
    # Exact: a third of a false alarm for the variant, times the chance to pass.
    one = study.strategies[0]
    money = ledger(study.scenario)
    tight = copy.deepcopy(study.scenario)
    tight.guardrails[0].margin = 0.003
    wanted = exact.operating(tight, one, "null", money).values["launch"]
    assert found.value[0, 0] == pytest.approx(wanted)
    assert found.value[1, 0] > found.value[0, 0]


# An experiment already run


def test_flags_and_columns_say_the_same():
    study = planned(RAIL, LATENCY)
    scenario = study.scenario
    flags = from_flags(scenario, ["tickets=A=50/1000,B=61/1000", "latency=A=1700/900/1000,B=1750.5/910/1000"])
    squares = [1000 * 1700**2 + 999 * 900**2, 1000 * 1750.5**2 + 999 * 910**2]
    text = "variant,rows,hits,tickets.hits,latency.sum,latency.squares\n"
    text += f"A,1000,100,50,1700000,{squares[0]!r}\nB,1000,90,61,1750500,{squares[1]!r}\n"
    table = from_csv(scenario, text.encode(), "t.csv").guardrails
    for name, made in flags.items():
        one, two = made.readings(None), table[name].readings(None)
        for part in ("n", "mean", "variance"):
            np.testing.assert_allclose(getattr(one, part), getattr(two, part), rtol=1e-9)
    assert flags["latency"].readings(None).variance == pytest.approx([900**2, 910**2])


def test_rows_leave_out_what_was_not_measured_and_days_are_cut_at_the_end():
    study = planned(RAIL)
    lines = ["day,variant,value,tickets", "1,A,1,0", "1,B,0,1", "1,A,0,", "2,B,1,0", "2,A,0,1", "2,B,1,"]
    seen = from_csv(study.scenario, "\n".join(lines).encode(), "t.csv").guardrails["tickets"]
    assert seen.readings(1).n.tolist() == [1, 1]
    assert seen.readings(2).n.tolist() == [2, 2]
    assert seen.readings(2).mean.tolist() == [0.5, 0.5]
    assert seen.readings(0) is None


BAD_FLAGS = {
    "bug=A=1/2,B=1/2": "unknown guardrail 'bug'",
    "tickets=A=1/2": "'B' is missing",
    "tickets=A=1/2,B=3/2": "3 of 2",
    "tickets=A=1/2,B=x": "'B=x' is not NAME=HITS/UNITS",
    "tickets=A=1/2,C=1/2": "unknown variant 'C'",
    "tickets=A=1/2,A=1/2": "'A' is given twice",
    "latency=A=1/2,B=1/2": "is not NAME=MEAN/SD/UNITS",
    "latency=A=1/-2/9,B=1/2/9": "a spread of -2",
    "latency=A=1e99/2/9,B=1/2/9": "out of bounds",
}


@pytest.mark.parametrize("text", BAD_FLAGS)
def test_bad_flags_are_one_line(text):
    with pytest.raises(InputError, match=re.escape(BAD_FLAGS[text])):
        from_flags(planned(RAIL, LATENCY).scenario, [text])


@pytest.mark.parametrize(
    ("columns", "line"),
    [
        ("variant,rows,hits,latency.sum\nA,9,1,2\nB,9,1,2", "latency.squares"),
        ("variant,rows,hits,tickets.hits\nA,9,1,10\nB,9,1,2", "outside 0 to the number of units"),
        ("variant,rows,hits,tickets.hits\nA,9,1,x\nB,9,1,2", "'x' is not a number"),
        ("variant,value,tickets\nA,1,2\nB,0,0\nA,1,1\nB,1,0", "2 is neither 0 nor 1"),
        ("variant,rows,hits,latency.sum,latency.squares\nA,9,1,90,100\nB,9,1,9,100", "smaller than its sum allows"),
    ],
)
def test_bad_columns_are_one_line(columns, line):
    with pytest.raises(InputError, match=re.escape(line)):
        from_csv(planned(RAIL, LATENCY).scenario, columns.encode(), "t.csv")


def test_decide_joins_metric_and_guardrails(capfd):
    counts = ["decide", "hallucination-prompt", "--strategy", "fixed-horizon"]
    counts += ["--counts", "current prompt=1800/14000,grounded prompt=1500/14000", "--json", "-"]
    fast = ["--guardrail", "response time=current prompt=1650/1000/14000,grounded prompt=1780/1100/14000"]
    few = ["--guardrail", "refusal rate=current prompt=140/14000,grounded prompt=150/14000"]
    many = ["--guardrail", "refusal rate=current prompt=140/14000,grounded prompt=310/14000"]
    wanted = {
        ("launch", "unknown unknown"): [], ("launch", "pass pass"): [*fast, *few], ("keep", "pass fail"): [*fast, *many],
        ("collect", "pass unknown"): fast,
    }  # fmt: skip
    for (action, results), flags in wanted.items():
        assert main([*counts, *flags]) == 0
        made = json.loads(capfd.readouterr().out)
        assert made["verdict"]["action"] == action
        assert " ".join(one["result"] for one in made["verdict"]["guardrails"]) == results
        unchecked = [note for note in made["notes"] if "not checked" in note]
        assert bool(unchecked) == (not flags)


def test_decide_cuts_guardrails_at_the_end_of_the_rule():
    study = Study.from_tree(tree("binary", guardrails=[RAIL]), "test", names=["peek-daily"])
    lines = ["day,variant,rows,hits,tickets.hits"]
    for day in (1, 2):
        lines += [f"{day},A,10000,2000,500", f"{day},B,10000,1000,{500 if day == 1 else 5000}"]
    made = decide(study, from_csv(study.scenario, "\n".join(lines).encode(), "t.csv"))
    assert made.trace.day == 1
    assert made.verdict.guardrails[0].result == "pass"
    assert made.trace.readings[0].n.tolist() == [10_000, 10_000]


def test_a_guardrail_that_fails_is_told_before_the_end():
    study = Study.from_tree(tree("binary", guardrails=[RAIL]), "test", names=["obrien-fleming"])
    lines = ["day,variant,rows,hits,tickets.hits", "1,A,10000,1000,500", "1,B,10000,990,1500"]
    made = decide(study, from_csv(study.scenario, "\n".join(lines).encode(), "t.csv"))
    assert made.verdict.action == "collect"
    assert made.verdict.sentence.startswith("Go on to day 2")
    assert made.verdict.reasons[0].startswith("Stop B now or find out why: tickets: fail.")


def test_data_without_guardrails_in_the_plan():
    study = Study.from_tree(tree("binary"), "test", names=["fixed-horizon"])
    with pytest.raises(InputError, match="the scenario has no guardrails"):
        from_flags(study.scenario, ["tickets=A=1/2,B=1/2"])
    made = decide(study, from_counts(study.scenario, "A=5000/50000,B=4500/50000"))
    assert made.verdict.guardrails == ()
    assert not any("uardrail" in note for note in made.notes)


# Names that a person wrote


def test_names_are_escaped_everywhere():
    from expsim_panel.layouts.guardrails import box, compared
    from expsim_panel.layouts.pages.compare import text

    evil = "<img src=x onerror=alert(1)> | `a` & **b**"
    study = planned({**RAIL, "name": evil, "definition": evil}, {**LATENCY, "unit": "<b>ms"})
    result = study.run(replicates=200, seed=1)
    scenario, verdict = result.study.scenario, result.verdict
    pages = [box(scenario, verdict, False), text(result), compared(result, lambda figure, form: "")]
    pages += [html.write(result, ["fixed-horizon"]), markdown.write(result)]
    for page in pages:
        assert "<img src=x" not in page
        assert "<b>ms" not in page
        assert "&lt;img src=x" in page
    assert "\\| \\`a\\`" in markdown.write(result)
    assert json.loads(as_json.write(result))["verdict"]["guardrails"][0]["name"] == evil


def test_pasted_lines_bring_their_guardrails():
    from expsim_panel.layouts.pages.decide import read

    study = planned(RAIL, LATENCY)
    text = "A=5000/50000, B=4500/50000\nlatency: A=1700/900/50000, B=1710/900/50000\ntickets = A=500/10000,B=510/10000"
    made = decide(study, read(study, text, None))
    assert [check.result for check in made.verdict.guardrails] == ["pass", "pass"]
    assert made.verdict.action == "launch"
    with pytest.raises(InputError, match=r"^data \[latency\]: 'A=x' is not NAME=MEAN/SD/UNITS"):
        read(study, "A=5000/50000,B=4500/50000\nlatency: A=x", None)
