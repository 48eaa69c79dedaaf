"""Whatever is wrong with the data of an experiment: one line that says where, what and what to do, and status 2."""

from __future__ import annotations

from pathlib import Path

import pytest

from expsim_panel.__main__ import main
from expsim_panel.observed import from_csv
from expsim_panel.study import Study

A, B = "current prompt", "grounded prompt"
H = "variant,rows,hits\n"
GOOD = f"{A},1000,96\n{B},1000,81\n"


def refused(words: list[str], capsys: pytest.CaptureFixture[str]) -> str:
    """Run the command, which refuses its data, and return its one line."""
    status = main(words)
    told = capsys.readouterr()
    assert (status, told.out) == (2, "")
    assert told.err.count("\n") == 1
    assert len(told.err) < 500
    assert "Traceback" not in told.err
    return told.err


@pytest.mark.parametrize(
    ("counts", "words"),
    [
        (f"{A}=5/10,groundd prompt=4/10", "did you mean 'grounded prompt'?"),
        (f"{A}=-5/10,{B}=4/10", "'current prompt=-5/10' is not NAME=HITS/ROWS"),
        (f"{A}=nan/10,{B}=4/10", "is not NAME=HITS/ROWS"),
        (f"{A}=5/99999999999999999999,{B}=4/10", "is not NAME=HITS/ROWS"),
        (f"{A}=0/0,{B}=0/0", "current prompt has 0 scored responses"),
        (f"{A}=11/10,{B}=1/10", "current prompt has 11 hits of 10 rows"),
        (f"{A}=1/10,{A}=1/10", "given twice"),
        (f"{A}=1/10,{B}=1/10,C=1/10", "unknown variant 'C'"),
        (f"{A}=1/10,{B}=1/10,", "'' is not NAME=HITS/ROWS"),
        (f"{A}=9.6%,{B}=8.1%", "'current prompt=9.6%'"),
        (f"{A}=٣/١٠,{B}=1/10", "is not NAME=HITS/ROWS"),
        ("x" * 5000 + f"=1/10,{B}=1/10", "unknown variant 'xxx"),
        (f"{A}\x1b[31m=1/10,{B}=1/10", "'current prompt\\x1b[31m'"),
        (f"{A}=1/10,\udc80=1/10", "unknown variant '\\udc80'"),
    ],
)
def test_bad_counts(counts: str, words: str, capsys: pytest.CaptureFixture[str]) -> None:
    said = refused(["decide", "hallucination-prompt", "--counts", counts], capsys)
    assert said.startswith("--counts")
    assert words in said


@pytest.mark.parametrize(
    ("data", "words"),
    [
        ("", "the file is empty"),
        ("\n\n", "the file is empty"),
        (H, "a header but no rows"),
        ("name,rows,hits\n" + GOOD, "columns are ['name', 'rows', 'hits']"),
        ("variant,row,hits\n" + GOOD, "[rows]: there is no such column, but 'row'"),
        ("varient,rows,hits\n" + GOOD, "[variant]: there is no such column, but 'varient'"),
        ("Variant,Rows,Hits\n" + GOOD, "but 'Variant'"),
        ("variant,the rows,hits\n" + GOOD, "columns are ['variant', 'the rows', 'hits']"),
        ("variant;rows;hits\n1;1;1\n", "save it as CSV with commas"),
        ("variant;value\n1;0,5\n", "separated by semicolons, not by commas, and numbers have decimal commas ('0,5' in line 2)"),
        ("variant\trows\thits\n1\t1\t1\n", "save it as CSV with commas"),
        ((H + GOOD).encode("utf-16"), "UTF-16"),
        (H.encode() + b"caf\xe9,1,1\n", "line 2 is not UTF-8 text"),
        (b"PK\x03\x04xxx", "workbook"),
        ((H + GOOD).replace("\n", "\r"), "carriage returns"),
        (H + f"{A},nan,1\n{B},1,1\n", "[rows]: line 2 holds 'nan'"),
        (H + f"{A},10,1\n{B},inf,1\n", "[rows]: line 3 holds 'inf'"),
        (H + f"{A},1e13,1\n{B},10,1\n", "'1e13', which is out of bounds; give numbers up to 1e+12"),
        (H + f"{A},-1,1\n{B},10,1\n", "[rows]: line 2 has -1, which is no count"),
        (H + f"{A},10.5,1\n{B},10,1\n", "line 2 has 10.5, which is no count"),
        (H + f"{A},ten,1\n{B},10,1\n", "line 2 holds 'ten'"),
        (H + f'{A},"1,000",96\n{B},"1,000",81\n', "line 2 holds '1,000'"),
        (H + f"{A},,1\n{B},10,1\n", "[rows]: line 2 has no value"),
        (H + f",10,1\n{B},10,1\n", "[variant]: line 2 has no value"),
        (H + f"{A},10,1,5\n{B},10,1\n", "malformed CSV"),
        (H + f'"{A},10,1\n{B},10,1\n', "close every quote"),
        (H + f"{A},10,11\n{B},10,1\n", "[hits]: line 2 has 11 hits of 10 rows"),
        (H + f"{A},10,1\ngrounded promt,10,1\n", "did you mean 'grounded prompt'?"),
        (H + f"{A},10,1\n", "grounded prompt has 0 scored responses"),
        (H + f"{A},10,1\n{A},10,1\n{B},20,2\n", "line 3 says the same as a line before it"),
        ("day," + H + f"1,{A},10,1\n1,{B},20,2\n1,{A},10,1\n", "line 4 says the same as a line before it"),
        ("variant,rows,rows,hits\n" + f"{A},10,10,1\n{B},10,10,1\n", "[rows]: the column 'rows' occurs twice"),
        ("day," + H + f"0,{A},10,1\n1,{B},10,1\n", "[day]: days run from 0 to 1"),
        ("day," + H + f"29,{A},10,1\n1,{B},10,1\n", "from 1 to the planned 28, or set traffic.delay_days"),
        ("day," + H + f"1.5,{A},10,1\n1,{B},10,1\n", "[day]: days run from 1 to 1.5"),
        ("day," + H + f"2026-03-01,{A},10,1\n2026-02-01,{B},10,1\n", "[day]: line 2 holds '2026-03-01'"),
        ("Day," + H + f"1,{A},10,1\n1,{B},10,1\n", "[Day]: there is no such column to read; did you mean 'day'?"),
        ("unit," + H + f"10,{A},10,1\n10,{B},10,1\n", "[unit]: there is no such column to read; did you mean 'units'?"),
        ("units," + H + f"5,{A},10,1\n50,{B},10,1\n", "[units]: line 2 has 5 units"),
        ("variant,value\n" + f"{A},1\n{B},2\n", "[value]: line 3 has 2, which is neither 0 nor 1"),
        ("variant,rows,sum,squares\n" + f"{A},10,20,20\n{B},10,1,1\n", "[sum]: line 2 has a sum of 20"),
        ("variant,rows,sum,squares\n" + f"{A},10,5,1\n{B},10,1,1\n", "[squares]: line 2 has 1 beside a sum of 5"),
        ("refusals.hits," + H + f"1,{A},10,1\n1,{B},10,1\n", "unknown guardrail 'refusals'; did you mean 'refusal rate'?"),
        (H + "<img src=x onerror=alert(1)>,10,1\n", "unknown variant '<img src=x"),
    ],
)  # fmt: skip
def test_bad_tables(data: str | bytes, words: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "results.csv"
    path.write_bytes(data if isinstance(data, bytes) else data.encode())
    said = refused(["decide", "hallucination-prompt", "--data", str(path)], capsys)
    assert words in said
    assert "results.csv" in said


@pytest.mark.parametrize(
    ("given", "words"),
    [
        (["--day", "0"], "give 1 to the planned 28"),
        (["--day", "99999999999999999999"], "out of bounds"),
        (["--day", "x"], "'x' is not a whole number"),
        (["--strategy", "pocok"], "did you mean 'pocock'?"),
        (["--strategy", "fixed horizon"], "did you mean 'fixed-horizon'?"),
        (["--guardrail", "refusal=x"], "did you mean 'refusal rate'?"),
        (["--guardrail", "refusal rate=x"], "'x' is not NAME=HITS/UNITS"),
        (["--set", "traffic.dayz=3"], "did you mean 'days'?"),
        (["--dya", "3"], "did you mean '--day'?"),
        (["--data", "x.csv"], "needs the data once"),
    ],
)
def test_bad_options(given: list[str], words: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert words in refused(["decide", "hallucination-prompt", "--counts", f"{A}=96/1000,{B}=81/1000", *given], capsys)


def test_an_empty_strategy_is_not_the_default(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["decide", "hallucination-prompt", "--counts", f"{A}=1/9,{B}=1/9", "--strategy", ""]) == 2
    assert "unknown strategy ''" in capsys.readouterr().err


def test_lines_that_another_column_tells_apart_are_summed() -> None:
    base = Study.load("hallucination-prompt").scenario
    text = "country,variant,rows,hits\n" + "".join(f"{land},{name},10,1\n" for land in "xy" for name in (A, B))
    assert from_csv(base, text.encode(), "d.csv").rows[-1].tolist() == [20, 20]


def test_dates_are_not_days_and_it_says_so(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "results.csv"
    path.write_text("date," + H + f"2026-03-02,{A},1000,96\n2026-03-01,{B},1000,81\n")
    assert main(["decide", "hallucination-prompt", "--data", str(path)]) == 0
    assert "The column date was not read" in " ".join(capsys.readouterr().out.split())


def test_more_units_than_the_plan_has_are_not_about_as_many(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["decide", "hallucination-prompt", "--counts", f"{A}=5000/50000,{B}=4000/50000"]) == 0
    assert "the last one: the plan has no more than 28,000 units" in " ".join(capsys.readouterr().out.split())


def test_spaces_around_the_names_of_columns_are_no_part_of_them() -> None:
    scenario = Study.load("hallucination-prompt").scenario
    found = [from_csv(scenario, (head + GOOD).encode(), "t.csv") for head in (H, "variant, rows , hits\n")]
    assert found[0].rows.tolist() == found[1].rows.tolist()
