"""A broken table of ratings: every kind of fault with its rows, through every door, exit code and error line kept."""

from __future__ import annotations

import io
import json

import pandas as pd
import pytest

from expsim_panel.__main__ import main
from expsim_panel.rating_faults import faults

GOOD = [(f"p{k}", f"r{r}", str(1 + (k + r) % 5), v) for k in range(6) for r in range(2) for v in "AB"]
BROKEN = [
    ("p90", "r0", "", "A"),  # row 25: no score
    ("p91", "r0", "five", "A"),
    ("p92", "", "3", "B"),
    ("p93", "r1", "inf", "B"),
    ("p0", "r0", "2", "A"),  # row 29: again
    ("p94", "r1", "x", "A"),
]
COLUMNS = ("item", "rater", "score", "variant")


def table() -> pd.DataFrame:
    return pd.DataFrame([*GOOD, *BROKEN], columns=COLUMNS)


def door(form: str) -> tuple[bytes, str]:
    """Return the broken table in a format."""
    rows = table()
    if form == "csv":
        return rows.to_csv(index=False).encode(), "t.csv"
    if form == "jsonl":
        return rows.to_json(orient="records", lines=True).encode(), "t.jsonl"
    if form == "parquet":
        pytest.importorskip("pyarrow")
        out = io.BytesIO()
        rows.to_parquet(out)
        return out.getvalue(), "t.parquet"
    samples: dict[tuple[str, str], dict[str, object]] = {}
    for one in rows.itertuples():
        scores = samples.setdefault((one.item, one.variant), {})
        scores[f"human_{one.rater}" if one.rater else ""] = one.score or None
    if form == "inspect":
        log = {
            "eval": {"model": "A"},
            "samples": [
                {
                    "id": f"{item}{kind}",
                    "epoch": 1,
                    "scores": {name: {"value": value} for name, value in scores.items()},
                }
                for (item, kind), scores in samples.items()
            ],
        }
        return json.dumps(log).encode(), "t.json"
    results = [
        {
            "testIdx": item,
            "promptIdx": 0,
            "provider": kind,
            "gradingResult": {
                "componentResults": [
                    {"score": value, "assertion": {"type": "human", "metric": name}} for name, value in scores.items()
                ]
            },
        }
        for (item, kind), scores in samples.items()
    ]
    return json.dumps({"results": {"results": results}}).encode(), "t.json"


@pytest.mark.parametrize(
    ("form", "offset", "word"), [("csv", 1, "line"), ("jsonl", 0, "data row"), ("parquet", 0, "data row")]
)
def test_every_kind_of_fault_has_its_rows(form, offset, word):
    found = {(fault.column, fault.problem.split(",")[0]): fault for fault in faults([door(form)])}
    expected = {
        ("score", "no value"): [25],
        ("score", "not a number"): [26, 30],
        ("score", "not a finite number of ordinary size"): [28],
        ("rater", "no value"): [27],
        ("rater", "the same rater scores the same item of the same variant again"): [29],
    }
    assert set(found) == set(expected)
    for key, rows in expected.items():
        assert found[key].count == len(rows)
        assert found[key].rows == tuple(f"{word} {row + offset}" for row in rows)


@pytest.mark.parametrize("form", ["inspect", "promptfoo"])
def test_logs_of_evaluations_have_theirs_counted(form):
    found = [fault for fault in faults([door(form)]) if fault.column == "score"]
    told = {fault.problem.split(",")[0]: fault for fault in found}
    # the logs hold one score of a rater and sample; what repeats is overwritten there
    assert told["no value"].count == 1
    assert told["not a number"].count == 2
    assert told["not a finite number of ordinary size"].count == 1
    assert all(row.startswith("data row ") for fault in found for row in fault.rows)


def test_rows_are_capped_and_all_of_them_counted():
    rows = [(f"q{k}", "r0", "bad", "A") for k in range(400)]
    data = pd.DataFrame([*GOOD, *rows], columns=COLUMNS).to_csv(index=False).encode()
    (fault,) = faults([(data, "t.csv")])
    assert (fault.count, len(fault.rows), fault.rows[0]) == (400, 10, "line 26")
    assert "(400 rows: line 26, 27," in fault.sentence()
    assert fault.sentence().count("\n") == 0


def test_columns_judges_kinds_and_costs():
    rows = pd.DataFrame(GOOD, columns=COLUMNS)
    rows["kind"], rows["cost"], rows["gpt"] = "human", "0.1", "3"
    rows.loc[2, "kind"], rows.loc[3, "cost"], rows.loc[4, "cost"], rows.loc[5, "gpt"] = "robot", "-1", "much", "good"
    data = rows.to_csv(index=False).encode()
    found = faults([(data, "t.csv")], judges=("gpt", "claude"))
    told = {(fault.column, fault.problem.split(",")[0]): fault.rows for fault in found}
    assert told == {
        ("--judge", "there is no column 'claude'"): (),
        ("kind", "neither human nor judge"): ("line 4",),
        ("gpt", "not a number"): ("line 7",),
        ("cost", "not a number"): ("line 6",),
        ("cost", "below 0"): ("line 5",),
    }
    assert [fault.column for fault in faults([(data, "t.csv")], item="a", score="b")][:2] == ["--item", "--score"]


@pytest.mark.parametrize(
    ("rows", "words"),
    [
        ([("p1", "r0", "3", "A"), ("p2", "r0", "3", "B")], "every score is 3"),
        ([(f"p{k}", "r0", str(1 + k % 5), "A") for k in range(30)] + [("q", "r0", "90", "A")], "holds 90"),
        ([(f"p{k}", f"r{k}", str(1 + k % 5), "A") for k in range(5)], "no rater in 'rater' rates twice"),
    ],
)
def test_what_no_single_row_is_to_blame_for(rows, words):
    (fault,) = faults([(pd.DataFrame(rows, columns=COLUMNS).to_csv(index=False).encode(), "t.csv")])
    assert words in fault.problem


def test_a_table_without_faults_has_none_and_no_table_has_one():
    assert faults([(pd.DataFrame(GOOD, columns=COLUMNS).to_csv(index=False).encode(), "t.csv")]) == ()
    assert "not UTF-8" in faults([(b"item,rater\n\xff\xfe1,2\n", "t.csv")])[0].problem
    other = faults([(b"item,rater,score,variant\na,b,1,A\n", "t.csv"), (b"x,y\n1,2\n", "u.csv")])
    assert "other columns than in t.csv" in other[0].problem


def test_the_command_lists_them_and_keeps_its_one_line(tmp_path, capsys):
    path = tmp_path / "t.csv"
    path.write_bytes(door("csv")[0])
    assert main(["calibrate", str(path), "--json", "-"]) == 2
    told = json.loads(capsys.readouterr().out)
    assert (told["calibration"], told["scenario"], len(told["faults"])) == (None, None, 5)
    assert set(told["faults"][0]) == {"column", "problem", "remedy", "count", "rows"}
    assert main(["calibrate", str(path)]) == 2
    text = capsys.readouterr()
    assert text.out.count(" - ") == 5
    (line,) = text.err.strip().splitlines()
    assert "t.csv [rater]: line 28 has no value (all 5 kinds of faults are listed on standard output)" in line
    # a table with one kind of fault says what it always said
    path.write_text("item,rater,score,variant\na,b,1,A\na,c,x,B\n")
    assert main(["calibrate", str(path)]) == 2
    (line,) = capsys.readouterr().err.strip().splitlines()
    assert "t.csv [score]: line 3 holds 'x', not a number; give plain numbers, 0 and 1 for no and yes" in line


def test_rows_that_are_too_long_hide_nothing_else():
    data = table().to_csv(index=False).encode() + b"p95,r1,2,A,more\np95,r0,4,B,x,y\n"
    found = faults([(data, "t.csv")])
    assert found[0].sentence() == (
        "more fields than the 4 of the header (2 rows: line 32, 33); put quotes around a cell that holds a comma, or "
        "delete what is too much"
    )
    assert found[1:] == faults([door("csv")])
    # Line breaks in quotes shift the lines: the first fault alone, and it says so.
    broken = data + b'"p\n96",r1,3,A,z\n'
    (only,) = faults([(broken, "t.csv")])
    assert "line 32" in only.problem
    assert "the cells are checked once the file can be read" in only.remedy


def test_a_missing_score_is_told_what_to_write():
    rows = pd.DataFrame(GOOD, columns=COLUMNS)
    rows["gpt"] = "3"
    rows.loc[2, "score"], rows.loc[3, "score"], rows.loc[4, "gpt"] = "nan", "1e12", "inf"
    data = rows.to_csv(index=False).encode()
    told = {(one.column, one.rows): one.remedy for one in faults([(data, "t.csv")], judges=("gpt",))}
    assert told == {
        ("score", ("line 4",)): "write the score, or delete the row if it is missing",
        ("score", ("line 5",)): "give at most 1e+09",
        ("gpt", ("line 6",)): "leave the cell empty if it is missing",
    }


def test_spaces_in_names_of_columns():
    rows = pd.DataFrame(GOOD, columns=[" item", "rater ", " score ", "variant"])
    assert faults([(rows.to_csv(index=False).encode(), "t.csv")]) == ()
    rows.columns = pd.Index(["the item", "rater", "score", "variant"])
    (fault,) = faults([(rows.to_csv(index=False).encode(), "t.csv")], item="the_item")
    assert fault.sentence() == "--item: there is no column 'the_item'; write --item \"the item\""
