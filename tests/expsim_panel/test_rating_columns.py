"""Tables with a column of scores for each rater: read as the same table with a row for each score."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from typer.testing import CliRunner

from expsim_panel.__main__ import app
from expsim_panel.errors import InputError
from expsim_panel.rating_faults import faults
from expsim_panel.rating_table import parse_table
from expsim_panel.ratings import parse_ratings

PEOPLE = ["ann", "bob", "cleo"]
SCORE = "ann, bob,cleo"


def sheets(empty: int = 0) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return ratings 1 to 5 of 40 prompts in two variants by three people with a judge: wide, and a row each."""
    rng = np.random.default_rng(1)
    wide = pd.DataFrame({"item": np.repeat(np.arange(40), 2), "variant": np.tile(["A", "B"], 40)})
    quality = rng.normal(3, 1, 80)
    for name in PEOPLE:
        wide[name] = np.clip(np.rint(quality + rng.normal(0, 0.7, 80)), 1, 5).astype(int).astype(str)
    wide["gpt"] = np.clip(np.rint(quality + 0.3), 1, 5)
    for row in range(empty):
        wide.loc[7 * row + 3, PEOPLE[row % 3]] = ""
    long = wide.melt(["item", "variant", "gpt"], PEOPLE, "rater", "score", ignore_index=False)
    long = long.sort_index(kind="stable")
    return wide, long[long["score"] != ""]


def text(table: pd.DataFrame) -> bytes:
    return table.to_csv(index=False).encode()


@pytest.mark.parametrize("empty", [0, 5])
def test_a_column_for_each_rater_is_the_table_with_a_row_for_each_score(empty):
    wide, long = sheets(empty)
    (first, beside), (second, other) = (
        parse_table([(text(table), "r.csv")], score=score, judges=("gpt",))
        for table, score in ((wide, SCORE), (long, "score"))
    )
    for name in ("prompt", "item", "variant", "rater", "score"):
        np.testing.assert_array_equal(getattr(first, name), getattr(second, name))
    assert (first.raters, first.variants, first.prompts) == (second.raters, second.variants, second.prompts)
    assert beside.judges == other.judges
    assert beside.agreement == other.agreement
    told = [one for one in beside.warnings if "gave no score" in one.problem]
    assert [one.count for one in told] == ([empty] if empty else [])
    # the header is line 1
    assert [one.rows for one in told] == ([tuple(f"line {7 * k + 5}" for k in range(empty))] if empty else [])
    again = parse_ratings(text(wide), "r.csv", score=SCORE)
    np.testing.assert_array_equal(again.score, first.score)


def test_other_formats_and_further_files_are_read_so_too(tmp_path: Path):
    wide, long = sheets()
    parts = [wide.iloc[:30], wide.iloc[30:]]
    for number, part in enumerate(parts):
        part.to_parquet(tmp_path / f"{number}.parquet", index=False)
    several = [((tmp_path / f"{number}.parquet").read_bytes(), f"{number}.parquet") for number in range(2)]
    ratings, _ = parse_table(several, score=SCORE)
    np.testing.assert_array_equal(ratings.score, long["score"].astype(float))
    bad = wide.copy()
    bad.loc[41, "bob"] = "good"
    halves = [(text(part), f"{number}.csv") for number, part in enumerate((bad.iloc[:30], bad.iloc[30:]))]
    with pytest.raises(InputError, match=r"\[ann, bob,cleo\]: line 13 of 1.csv holds 'good'"):
        parse_table(halves, score=SCORE)
    [fault] = faults(halves, score=SCORE)
    assert (fault.count, fault.rows) == (1, ("line 13 of 1.csv",))


@pytest.mark.parametrize(
    ("score", "words"),
    [
        ("ann,bobb", r"\[--score\]: there is no column 'bobb'; did you mean 'bob'"),
        ("ann,ann", r"\[--score\]: column 'ann' occurs twice; give each column once"),
        ("ann,variant", r"\[--score\]: column 'variant' is also --variant; give different columns"),
        ("ann,gpt", r"\[--score\]: column 'gpt' is also --judge gpt; give different columns"),
    ],
)
def test_columns_that_cannot_be_raters_are_one_line(score, words):
    wide, _ = sheets()
    with pytest.raises(InputError, match=words):
        parse_table([(text(wide), "r.csv")], score=score, judges=("gpt",))
    assert faults([(text(wide), "r.csv")], score=score, judges=("gpt",))[0].column == "--score"


def test_two_scores_of_one_rater_are_not_two_raters():
    _, long = sheets()
    table = long.assign(fluency=long["score"])
    with pytest.raises(InputError, match=r"would each be a rater, and there is a column 'rater'; give one column"):
        parse_table([(text(table), "r.csv")], score="score,fluency")


def test_what_a_row_cost_is_not_what_each_score_cost_and_no_score_at_all_is_told():
    wide, _ = sheets()
    _, beside = parse_table([(text(wide.assign(cost=0.5)), "r.csv")], score=SCORE)
    assert not beside.cost
    [told] = [one for one in beside.warnings if one.column == "cost"]
    assert told.problem == "of several scores in a row, and so of none: not read"
    with pytest.raises(InputError, match="no cell of 'ann', 'bob', 'cleo' holds a score"):
        parse_table([(text(wide.assign(ann="", bob="", cleo=" ")), "r.csv")], score=SCORE)


def test_the_command_reads_it_and_points_to_it(tmp_path: Path):
    wide, _ = sheets(2)
    path = tmp_path / "wide.csv"
    path.write_bytes(text(wide))
    done = CliRunner().invoke(app, ["calibrate", str(path), "--score", SCORE, "--json", "-"])
    assert done.exit_code == 0, done.output
    found = json.loads(done.stdout)["calibration"]
    assert (found["rows"], found["raters"], found["items"]) == (238, 3, 80)
    missed = CliRunner().invoke(app, ["calibrate", str(path)])
    assert missed.exit_code != 0
    assert "where each rater has a column, name them all: --score FIRST,SECOND" in " ".join(missed.stdout.split())
