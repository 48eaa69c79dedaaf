"""The verdict for an experiment that was already run: the same as the simulated one on the same data."""

from __future__ import annotations

import json

import numpy as np
import pytest
from scipy import stats

from expsim_panel.__main__ import main
from expsim_panel.decide import decide
from expsim_panel.errors import InputError
from expsim_panel.observed import from_counts, from_csv
from expsim_panel.study import Study

NAMES = ["current prompt", "grounded prompt"]


def study(*settings: str, name: str = "hallucination-prompt", names=("obrien-fleming",)) -> Study:
    return Study.load(name, settings, names)


def table(rows, header="day,variant,rows,sum,squares") -> bytes:
    return "\n".join([header, *(",".join(map(str, row)) for row in rows)]).encode()


@pytest.mark.parametrize("name", ["obrien-fleming", "bayesian", "peek-daily"])
@pytest.mark.parametrize("scenario", ["hallucination-prompt", "ranking-diversity"])
def test_a_simulated_experiment_given_as_data_gets_its_own_verdict(name, scenario):
    for luck in (0, 3, 5):
        base = study(name=scenario, names=(name,))
        base.luck = luck
        one = base.run(replicates=10)[name]
        sign, binary = base.scenario.sign, base.scenario.family == "binary"
        days = np.diff(one.trace.state, axis=0, prepend=0)
        lines = []
        for day, (_, rows, sums, squares) in enumerate(days, start=1):
            for arm, variant in enumerate(base.scenario.variants):
                total, square = sums[arm], squares[arm]
                if sign < 0:
                    total = rows[arm] - total if binary else -total
                    square = total if binary else square
                lines.append((day, variant.name, repr(float(rows[arm])), repr(float(total)), repr(float(square))))
        made = decide(base, from_csv(base.scenario, table(lines), "data.csv"))
        assert (made.trace.code, made.trace.day) == (one.trace.code, one.trace.day)
        assert made.verdict.action == one.verdict.action
        assert made.verdict.estimate == pytest.approx(one.verdict.estimate, rel=1e-9)
        assert made.verdict.interval == pytest.approx(one.verdict.interval, rel=1e-9)


def test_counts_give_the_textbook_difference_and_interval():
    base = study(names=("fixed-horizon",))
    made = decide(base, from_counts(base.scenario, "current prompt=1400/14000,grounded prompt=1250/14000"))
    p = np.array([1400, 1250]) / 14000
    error = np.sqrt((p * (1 - p) / 14000).sum())
    assert made.verdict.estimate == pytest.approx(p[0] - p[1])
    assert made.verdict.interval == pytest.approx((p[0] - p[1] - 1.959964 * error, p[0] - p[1] + 1.959964 * error))
    assert made.stopped
    assert made.next_look is None


def test_the_truth_of_the_scenario_plays_no_part():
    counts = "current prompt=1400/14000,grounded prompt=1050/14000"
    for setting in ("variants.1.mean=0.02", "variants.1.mean=0.3"):
        base = study(setting, names=("fixed-horizon",))
        assert decide(base, from_counts(base.scenario, counts)).verdict.action == "launch"


def test_between_looks_the_plan_goes_on():
    base = study()
    made = decide(base, from_counts(base.scenario, "current prompt=600/4000,grounded prompt=560/4000"))
    assert (made.day, made.next_look, made.stopped) == (8, 12, False)
    assert made.verdict.action == "collect"
    assert made.verdict.more_units == 4000
    assert "Go on to day 12" in made.verdict.sentence


def test_a_skewed_split_is_found_and_stops_every_conclusion():
    base = study(names=("fixed-horizon",))
    made = decide(base, from_counts(base.scenario, "current prompt=1400/14000,grounded prompt=1250/13000"))
    assert made.split_p == pytest.approx(stats.chisquare([14000, 13000]).pvalue)
    assert made.verdict.action == "inconclusive"
    assert "Do not decide" in made.verdict.sentence


def test_rows_are_summed_up():
    base = study(name="summarization-prompt", names=("fixed-horizon",))
    rng = np.random.default_rng(3)
    scores = {variant.name: rng.integers(1, 6, 50) for variant in base.scenario.variants}
    rows = [(name, value) for name, values in scores.items() for value in values]
    made = decide(base, from_csv(base.scenario, table(rows, "variant,value"), "d.csv"), day=28)
    control, treatment = (scores[variant.name] for variant in base.scenario.variants)
    assert made.verdict.estimate == pytest.approx(treatment.mean() - control.mean())


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"", "the file is empty"),
        (b"variant,score\nA,1\n", "give variant,value or"),
        (b"variant,value\nA,1\nB,0\n", "unknown variant 'A'"),
        (table([(NAMES[0], 1), (NAMES[1], 0)], "variant,value"), "1 scored response"),
        (table([(NAMES[0], "x"), (NAMES[1], 0)], "variant,value"), "line 2 holds 'x'"),
        (table([(NAMES[0], 0.5), (NAMES[1], 0)], "variant,value"), "neither 0 nor 1"),
        (table([(NAMES[0], "inf"), (NAMES[1], 0)], "variant,value"), "not a number"),
        (table([(NAMES[0], 10, 11), (NAMES[1], 10, 1)], "variant,rows,hits"), "more hits than responses"),
        (table([(NAMES[0], -10, 1), (NAMES[1], 10, 1)], "variant,rows,hits"), "is no count"),
        (table([(99, NAMES[0], 9, 1, 1), (1, NAMES[1], 9, 1, 1)]), "from 1 to the planned 28"),
    ],
)
def test_bad_data_get_one_line(data, words):
    with pytest.raises(InputError, match=words) as caught:
        from_csv(study().scenario, data, "data.csv")
    assert "\n" not in str(caught.value)


def test_means_and_spreads_are_the_rows_they_stand_for():
    base = Study.load("summarization-prompt")
    rng = np.random.default_rng(3)
    scores = {"current prompt": rng.normal(3.4, 0.9, 800), "new prompt": rng.normal(3.5, 0.8, 820)}
    given = ",".join(f"{name}={float(v.mean())!r}/{float(v.std(ddof=1))!r}/{v.size}" for name, v in scores.items())
    lines = ["variant,value", *(f"{name},{float(value)!r}" for name, values in scores.items() for value in values)]
    short = decide(base, from_counts(base.scenario, given))
    whole = decide(base, from_csv(base.scenario, "\n".join(lines).encode(), "rows"))
    assert short.verdict.estimate == pytest.approx(whole.verdict.estimate, rel=1e-9)
    assert short.verdict.interval == pytest.approx(whole.verdict.interval, rel=1e-9)
    a, b = scores.values()
    se = np.sqrt(a.var(ddof=1) / a.size + b.var(ddof=1) / b.size)
    assert short.verdict.estimate == pytest.approx(b.mean() - a.mean())
    assert short.verdict.interval[1] - short.verdict.estimate == pytest.approx(1.959964 * se, rel=1e-4)


def test_the_split_is_checked_by_what_was_counted():
    # 15 % of the units are scored; 4,200 against 4,400 scored ones are no alarm, as many times more units would be.
    from scipy.stats import chisquare

    base = Study.load("summarization-prompt")
    seen = from_counts(base.scenario, "current prompt=3.4/0.9/4200,new prompt=3.4/0.9/4400")
    assert not seen.counted
    made = decide(base, seen)
    assert made.split_p == pytest.approx(chisquare([4200, 4400]).pvalue)
    assert made.verdict.sample_ratio.p_value == made.split_p > 0.001
    table = "variant,units,rows,sum,squares\ncurrent prompt,28000,4200,14280,51951\nnew prompt,29333,4400,14960,54424\n"
    told = decide(base, from_csv(base.scenario, table.encode(), "t"))
    assert told.split_p == pytest.approx(chisquare([28000, 29333]).pvalue)
    assert told.split.alarm


@pytest.mark.parametrize(("counts", "words"), [
    ("current prompt=96/1000,new prompt=81/1000", "coherence is no rate"), ("current prompt=3/1/1000", "is missing"),
    ("current prompt=3/1/10,current prompt=3/1/10", "given twice"), ("current prompt=3/-1/10,new prompt=3/1/10", "spread"),
    ("current prompt=nan/1/10,new prompt=3/1/10", "is not NAME"), ("old=3/1/10,new prompt=3/1/10", "unknown variant"),
    ("current prompt=3/1/1,new prompt=3/1/10", "has 1 scored response; give at least 2"), ("current prompt=1e99/1/9,new prompt=3/1/9", "out of bounds"),
])  # fmt: skip
def test_bad_means_are_one_line(counts, words, capsys):
    assert main(["decide", "summarization-prompt", "--counts", counts]) == 2
    said = capsys.readouterr().err
    assert words in said
    assert said.count("\n") == 1


def test_a_spread_that_the_scale_cannot_hold_is_refused(capsys):
    """A variance given as a spread; an even split of both ends is the most there is."""
    asked = ["decide", "summarization-prompt", "--set", "evaluator.kind=truth", "--counts"]
    assert main([*asked, "current prompt=3/2.0025/400,new prompt=3/1/400"]) == 0
    capsys.readouterr()
    assert main([*asked, "current prompt=3/2.01/400,new prompt=3/1/400"]) == 2
    assert "more than scores from 1 to 5 with mean 3 can have" in capsys.readouterr().err


@pytest.mark.parametrize(
    "counts", ["", "A", "current prompt=5/10", "current prompt=12/10,grounded prompt=1/10", "A=1/x", "A=²/3"]
)
def test_bad_counts_end_with_status_2(counts, capsys):
    assert main(["decide", "hallucination-prompt", "--counts", counts]) == 2
    assert capsys.readouterr().err.count("\n") == 1


def test_the_command_line_gives_json(tmp_path, capsys):
    file = tmp_path / "d.csv"
    file.write_bytes(table([(NAMES[0], 14000, 1400), (NAMES[1], 14000, 1050)], "variant,rows,hits"))
    assert main(["decide", "hallucination-prompt", "--data", str(file), "--strategy", "pocock", "--json", "-"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["verdict"]["action"] == "launch"
    assert found["sample_ratio"]["mismatch"] is False
    assert main(["decide", "hallucination-prompt"]) == 2
    assert main(["decide", "hallucination-prompt", "--data", str(tmp_path / "no.csv")]) == 2
