"""Exports as tools write them: several files, pandas' index in Parquet, words among numbers, long prompts as names."""

from __future__ import annotations

import gzip
import json
import warnings
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from expsim_panel.__main__ import main
from expsim_panel.calibrate import calibrate, to_scenario
from expsim_panel.errors import InputError
from expsim_panel.rating_table import parse_table, read_table
from expsim_panel.study import Study

HEAD = "item,variant,rater,score\n"


def rows(variants: str, items: int = 12) -> str:
    return "".join(
        f"q{i},{v},r{r},{1 + (3 * i + r + ord(v)) % 5}\n" for i in range(items) for v in variants for r in range(3)
    )


def refused(*files: tuple[str, bytes], **columns: Any) -> InputError:
    with pytest.raises(InputError) as told:
        parse_table([(data, name) for name, data in files], **columns)
    return told.value


@pytest.mark.parametrize(
    ("cell", "words"),
    [
        ("bad", "line 3 of b.csv holds 'bad', not a number"),
        ("", "line 3 of b.csv has no value"),
        ("9000", "line 3 of b.csv holds 9000, where most scores are 1 to 5"),
    ],
)
def test_a_fault_of_a_further_file_names_it_and_its_own_line(
    cell: str, words: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    lines = rows("CD").splitlines()
    lines[1] = lines[1].rpartition(",")[0] + "," + cell
    (tmp_path / "a.csv").write_text(HEAD + rows("AB"), encoding="utf-8")
    (tmp_path / "b.csv").write_text(HEAD + "\n".join(lines) + "\n", encoding="utf-8")
    assert main(["calibrate", str(tmp_path / "a.csv"), "--also", str(tmp_path / "b.csv")]) == 2
    told = capsys.readouterr()
    assert words in told.err
    assert told.err.count("\n") == 1
    assert "line 3 of b.csv" in " ".join(told.out.split())


def test_a_rating_that_two_files_hold_is_named_in_both() -> None:
    again = HEAD + rows("CD") + rows("A").splitlines()[0] + "\n"
    error = refused(("a.csv", (HEAD + rows("AB")).encode()), ("b.csv", again.encode()))
    assert "line 74 of b.csv repeats line 2:" in str(error)


def test_further_files_are_read_as_the_first_is() -> None:
    first = ((HEAD + rows("AB")).encode(), "a.csv")
    want, _ = parse_table([((HEAD + rows("AB") + rows("CD")).encode(), "a.csv")])
    turned = "score,rater,variant,item\n" + "".join(
        ",".join(reversed(line.split(","))) + "\n" for line in rows("CD").splitlines()
    )
    objects = "\n".join(
        json.dumps(dict(zip(("item", "variant", "rater", "score"), line.split(","), strict=True)))
        for line in rows("CD").splitlines()
    )
    for data, name in (
        (b"\xef\xbb\xbf" + (HEAD + rows("CD")).encode(), "marked.csv"),
        (("\n\n" + HEAD + rows("CD")).encode(), "blank.csv"),
        ((HEAD + rows("CD")).replace("\n", "\r\n").encode(), "windows.csv"),
        (turned.encode(), "turned.csv"),
        (objects.encode(), "lines.jsonl"),
    ):
        found, _ = parse_table([first, (data, name)])
        assert found.score.tolist() == want.score.tolist(), name
        assert found.item.tolist() == want.item.tolist(), name
    assert "[--also]: other columns than in a.csv: 'note'" in str(
        refused(("a.csv", first[0]), ("b.csv", b"item,variant,rater,score,note\nq,C,r,1,x\n"))
    )
    for broken, words in ((HEAD.encode(), "b.csv: there is a header but no rows"), (b"i;t\n1;2\n", "b.csv: cells are")):
        assert words in str(refused(("a.csv", first[0]), ("b.csv", broken)))


def test_rows_of_a_table_without_lines_are_called_rows(tmp_path: Path) -> None:
    table = pd.DataFrame([line.split(",") for line in rows("AB").splitlines()], columns=HEAD.strip().split(","))
    table["score"] = table["score"].astype(int)
    for column, value, words in (("cost", "$0.1", "data row 6 holds '$0.1'"), ("score", 99, "data row 6 holds 99")):
        made = table.copy()
        made[column] = made.get(column, "0.1")
        made.loc[5, column] = value
        made.to_parquet(tmp_path / "t.parquet")
        with pytest.raises(InputError, match="data row 6 holds"):
            read_table(tmp_path / "t.parquet")
        assert words in str(refused(("t.parquet", (tmp_path / "t.parquet").read_bytes())))
    table.assign(item=["=" + item for item in table["item"]]).to_parquet(tmp_path / "t.parquet")
    _, beside = read_table(tmp_path / "t.parquet")
    assert beside.warnings[0].sentence().endswith("(72 rows: data row 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, ...)")


def test_columns_that_pandas_made_its_index_are_columns_of_the_file(tmp_path: Path) -> None:
    table = pd.DataFrame([line.split(",") for line in rows("AB").splitlines()], columns=HEAD.strip().split(","))
    table.to_parquet(tmp_path / "plain.parquet")
    want, _ = read_table(tmp_path / "plain.parquet")
    for index in ("item", ["item", "variant"]):
        table.set_index(index).to_parquet(tmp_path / "indexed.parquet")
        found, _ = read_table(tmp_path / "indexed.parquet")
        assert (found.items, found.score.tolist()) == (want.items, want.score.tolist())


def test_a_word_among_numbers_of_json_is_refused_as_in_csv(tmp_path: Path) -> None:
    records = [
        dict(zip(("item", "variant", "rater", "score"), (*line.split(",")[:3], int(line[-1])), strict=True))
        for line in rows("AB").splitlines()
    ]
    told = json.dumps(records).encode()
    assert parse_table([(told, "r.json")])[0].rows == 72
    mixed = json.dumps([*records[:4], records[4] | {"score": True}, *records[5:]]).encode()
    assert "data row 5 holds 'true', not a number" in str(refused(("r.json", mixed)))
    yes = json.dumps([one | {"score": one["score"] > 2} for one in records]).encode()
    assert set(parse_table([(yes, "r.json")])[0].score.tolist()) == {0.0, 1.0}


@pytest.mark.parametrize(
    ("text", "remedy"),
    [
        ('"3,000"', "write 3000 if the comma parts thousands, 3.000 if decimals"),
        ('"1,234,567"', "leave out the commas between thousands"),
        ('"3,5"', "write a point for the decimal comma"),
        ("60%", "leave out the per cent sign"),
        ("N/A", "write the score, or delete the row if it is missing"),
        ("4 - good", "give plain numbers, 0 and 1 for no and yes"),
    ],
)
def test_the_remedy_is_the_one_that_keeps_the_value(text: str, remedy: str) -> None:
    assert remedy in str(refused(("a.csv", (HEAD + f"q,A,r0,{text}\n" + rows("AB")).encode())))


def test_a_compressed_table_is_called_one() -> None:
    assert "compressed (gzip); unpack it" in str(refused(("a.csv", gzip.compress((HEAD + rows("AB")).encode()))))


def result(test: int, column: int, provider: str, label: str) -> dict[str, Any]:
    score = (3 * test + column) % 5 / 4
    parts = [{"score": score, "assertion": {"type": kind}} for kind in ("human", "llm-rubric")]
    return {
        "testIdx": test, "promptIdx": column, "provider": {"id": provider}, "score": score, "namedScores": {},
        "prompt": {"raw": label, "label": label}, "gradingResult": {"score": score, "componentResults": parts},
    }  # fmt: skip


def test_two_prompts_of_two_providers_are_four_variants_whatever_their_length(tmp_path: Path) -> None:
    long = (
        "You are a helpful assistant that writes summaries of the news for busy readers.\nBe brief, and be right " * 3
    )
    found = [
        result(test, 2 * prompt + one, f"p:{'ab'[one]}", long + str(prompt))
        for test in range(12)
        for prompt in range(2)
        for one in range(2)
    ]
    path = tmp_path / "eval.json"
    path.write_text(json.dumps({"results": {"version": 3, "results": found}}), encoding="utf-8")
    ratings, beside = read_table(path)
    assert len(set(ratings.variants)) == 4
    assert ratings.items == 48
    assert [name.endswith(f"(column {k})") for k, name in enumerate(ratings.variants, 1)] == [False, False, True, True]
    tree = to_scenario(calibrate(ratings), beside=beside)
    names = [row["name"] for row in tree["variants"]]
    assert [name[-3:] for name in names] == ["(1)", "(2)", "(3)", "(4)"]
    assert max(map(len, names)) == 60
    assert sum("in the ratings." in note for note in tree["calibration"]["notes"]) == 4
    Study.from_tree(tree, "eval.json").freeze()
    # the same provider twice under one name, asked with other settings
    path.write_text(
        json.dumps({"results": {"results": [result(t, k, "p:a", "brief") for t in range(9) for k in range(2)]}}),
        encoding="utf-8",
    )
    assert read_table(path)[0].variants == ("p:a | brief", "p:a | brief (column 2)")


def test_keys_twice_in_a_log_are_refused(tmp_path: Path) -> None:
    foo = json.dumps({"results": {"results": [result(t, k, f"p:{k}", "x") for t in range(9) for k in range(2)]}})
    assert "result 1 has the key 'score' twice" in str(
        refused(("p.json", foo.replace('"score": ', '"score": 9, "score": ', 1).encode()))
    )
    log = json.dumps({
        "eval": {"model": "m"},
        "samples": [{"id": i, "epoch": 1, "scores": {"human": {"value": i % 5}}} for i in range(9)],
    })  # fmt: skip
    assert parse_table([(log.encode(), "l.json")])[0].rows == 9
    for twice, words in (
        (log.replace('"value"', '"value": 3, "value"', 1), "score 'human' of sample 1 has the key 'value' twice"),
        (log.replace('"human"', '"human": 1, "human"', 1), "scores of sample 1 has the key 'human' twice"),
    ):
        assert words in str(refused(("l.json", twice.encode())))


def test_one_prompt_has_no_correlation_and_no_warning(tmp_path: Path) -> None:
    found = [result(test, k, f"p:{k}", "x") for test in range(9) for k in range(2)]
    for one in found:
        del one["testIdx"], one["promptIdx"]
    path = tmp_path / "old.json"
    path.write_text(json.dumps({"results": found}), encoding="utf-8")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        _, beside = read_table(path)
    assert beside.judges["llm-rubric"].rho.se is None


@pytest.mark.parametrize(
    ("other", "told"),
    [
        ("a", "'A' and 'a' count as two"),
        ("A\u200b", r"'A' and 'A\u200b' count as two"),
        ("\uff21", r"'A' and '\uff21' count as two"),
        ("C", None),
    ],
)
def test_names_that_look_alike_are_kept_apart_and_named(other: str, told: str | None) -> None:
    table = HEAD + rows("AB") + rows("C").replace(",C,", f",{other},")
    ratings, beside = parse_table([(table.encode(), "a.csv")])
    assert len(ratings.variants) == 3
    found = [doubt for doubt in beside.warnings if doubt.column == "variant"]
    assert len(found) == (told is not None)
    if told is not None:
        assert told in found[0].problem
        assert (found[0].count, found[0].rows[0]) == (36, "line 74")


def test_items_are_told_apart_by_capitals_without_a_doubt() -> None:
    table = HEAD + rows("AB") + rows("AB").replace("q", "Q")
    assert not parse_table([(table.encode(), "a.csv")])[1].warnings
    accents = HEAD + rows("AB").replace("q", "caf\u00e9") + rows("AB").replace("q", "cafe\u0301")
    (doubt,) = parse_table([(accents.encode(), "a.csv")])[1].warnings
    assert doubt.column == "item"
    assert "and 11 more such pairs" in doubt.problem


@pytest.mark.parametrize(
    ("scale", "doubts"),
    [
        ((1, 2, 3, 4, 5), 1),
        ((0, 1, 2, 3, 4), 1),
        ((0, 1), 0),
        ((-2, 0, 1, 2), 0),
    ],
)
def test_a_code_for_missing_is_asked_about(scale: tuple[int, ...], doubts: int) -> None:
    lines = "".join(
        f"q{i},{v},r{r},{-1 if (i, r) == (3, 1) else scale[(3 * i + r + ord(v)) % len(scale)]}\n"
        for i in range(20) for v in "AB" for r in range(3)
    )  # fmt: skip
    _, beside = parse_table([((HEAD + lines).encode(), "a.csv")])
    assert len(beside.warnings) == doubts
    if doubts:
        assert "a code for missing?" in beside.warnings[0].problem
        assert beside.warnings[0].count == 2


def test_what_is_printed_has_agreement_and_a_judges_bias(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    lines = rows("AB", 30).splitlines()
    liked = {"A": 0.0, "B": 1.0}
    table = pd.DataFrame([line.split(",") for line in lines], columns=HEAD.strip().split(","))
    table["score"] = table["score"].astype(int)
    mean = table.groupby(["item", "variant"])["score"].transform("mean")
    table["gpt"] = mean * 0.8 + table["variant"].map(liked)
    table.to_csv(tmp_path / "t.csv", index=False)
    assert main(["calibrate", str(tmp_path / "t.csv"), "--judge", "gpt"]) == 0
    said = " ".join(capsys.readouterr().out.split())
    # by hand: judge less people, variant by variant, less the mean of both
    items = table.groupby(["item", "variant"])[["score", "gpt"]].mean().reset_index()
    own = (items["gpt"] - items["score"]).groupby(items["variant"]).mean()
    pairs = [(a, b) for _, one in table.groupby(["item", "variant"])["score"] for a in one for b in one]
    apart = sum((a - b) ** 2 for a, b in pairs) / 2 / len(table)  # of three ratings: (m - 1) = 2
    whole = 2 * table["score"].var()
    assert f"alpha {1 - apart / whole:.2f} (1: all agree, 0: by chance)" in said
    for variant in "AB":
        assert f"for {variant} {own[variant] - own.mean():+.2f} (" in said


@pytest.mark.parametrize(
    ("votes", "words"),
    [
        ("".join(f"p{i},a,b,a\n" for i in range(9)), "v.csv [winner]: 'b' never beats 'a'"),
        ("p1,a,b,a\n", "v.csv [winner]: 1 row"),
        ("".join(f"p{i},a,b,tie\n" for i in range(9)), "v.csv [winner]: every verdict is a tie"),
        ("".join(f"p,a,b,{w}\np,b,a,{w}\n" for w in "abab"), "v.csv [prompt]: all rows are in one cluster"),
        ("", "v.csv: there is a header but no rows; give rows below the header"),
    ],
)
def test_votes_that_cannot_be_ranked_name_the_file(
    votes: str, words: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "v.csv").write_text("prompt,first,second,winner\n" + votes, encoding="utf-8")
    assert main(["rank", str(tmp_path / "v.csv")]) == 2
    told = capsys.readouterr()
    assert told.out == ""
    assert told.err.startswith(words)
    assert told.err.count("\n") == 1


def test_votes_of_json_are_counted_as_rows(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    told = [{"prompt": i, "first": "a", "second": "b", "winner": "a" if i < 2 else "zz"} for i in range(3)]
    (tmp_path / "v.jsonl").write_text("\n".join(map(json.dumps, told)), encoding="utf-8")
    assert main(["rank", str(tmp_path / "v.jsonl")]) == 2
    assert "data row 3 names 'zz'" in capsys.readouterr().err


def test_a_file_or_a_column_given_twice_is_refused() -> None:
    table = (HEAD + rows("AB")).encode()
    assert "b.csv [--also]: it holds the same as a.csv" in str(refused(("a.csv", table), ("b.csv", table)))
    again = table + rows("A").splitlines()[0].encode() + b"\n"
    assert "line 74 of a.csv (2) repeats" in str(refused(("a.csv", (HEAD + rows("CD")).encode()), ("a.csv", again)))
    assert "[--judge]: column 'score' is also --score" in str(refused(("a.csv", table), judges=("score",)))


@pytest.mark.parametrize(
    ("score", "words"),
    [
        ("4", "Judge gpt no correlation with people:"),
        ("", "Judge gpt no correlation with people: fewer than three items have both scores; 24 of 24 items without"),
    ],
)
def test_a_judge_that_says_nothing_is_named(
    score: str, words: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    told = "".join(f"{line},{score}\n" for line in rows("AB").splitlines())
    (tmp_path / "t.csv").write_text(HEAD.strip() + ",gpt\n" + told, encoding="utf-8")
    assert main(["calibrate", str(tmp_path / "t.csv"), "--judge", "gpt"]) == 0
    said = " ".join(capsys.readouterr().out.split())
    assert words in said
    assert "people: ;" not in said


def test_rows_inside_an_object_are_pointed_to() -> None:
    told = [{"item": f"q{i}", "variant": v, "rater": "a", "score": 1} for i in range(3) for v in "AB"]
    error = refused(("r.json", json.dumps({"count": 6, "data": told}).encode()))
    assert "the rows stand inside an object, in its 'data'" in str(error)
    assert "give the list alone, or one object on a line" in str(error)
