"""Cells as people mean them: yes and no in every format, names with spaces, one rater."""

from __future__ import annotations

import io

import numpy as np
import pandas as pd
import pytest

from expsim_panel.calibrate import ONE_RATER, calibrate
from expsim_panel.errors import InputError
from expsim_panel.rating_faults import faults
from expsim_panel.rating_table import parse_table
from expsim_panel.ratings import parse_ratings


def table(seed: int = 1) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    rows = [(f"p{p}", v, f"r{r}", bool(rng.random() < 0.6)) for p in range(20) for v in "AB" for r in range(2)]
    return pd.DataFrame(rows, columns=["item", "variant", "rater", "score"])


def written(made: pd.DataFrame, form: str) -> bytes:
    if form == "parquet":
        pytest.importorskip("pyarrow")
        out = io.BytesIO()
        made.to_parquet(out)
        return out.getvalue()
    text = made.to_csv(index=False) if form == "csv" else made.to_json(orient="records", lines=True)
    return text.encode()


@pytest.mark.parametrize("form", ["csv", "jsonl", "parquet"])
@pytest.mark.parametrize("words", [None, ("no", "YES"), ("False ", "true")])
def test_yes_and_no_are_one_and_zero_in_every_format(form, words):
    made = table()
    want = made["score"].to_numpy(dtype=float)
    if words is not None:
        made["score"] = [words[int(one)] for one in want]
    made["gpt"] = made["score"]
    data = written(made, form)
    ratings, beside = parse_table([(data, f"t.{form}")], judges=("gpt",))
    np.testing.assert_array_equal(ratings.score, want)
    assert beside.judges["gpt"].missing == 0
    assert faults([(data, f"t.{form}")], judges=("gpt",)) == ()
    if form == "csv":
        np.testing.assert_array_equal(parse_ratings(data, "t.csv").score, want)


def test_a_word_among_other_numbers_is_still_refused():
    made = table()
    made["score"] = [str(1 + k % 5) for k in range(len(made))]
    made.loc[3, "score"] = "yes"
    with pytest.raises(InputError, match="line 5 holds 'yes', not a number"):
        parse_ratings(written(made, "csv"), "t.csv")
    # a judge's chances beside people's verdicts are one scale
    made = table().assign(kind="human", score=lambda t: t["score"].map({True: "yes", False: "no"}))
    judge = made.drop_duplicates(["item", "variant"]).assign(kind="judge", rater="gpt", score="0.7")
    judge.iloc[0, 3] = "0.2"
    assert parse_table([(written(pd.concat([made, judge]), "csv"), "t.csv")])[1].judges["gpt"].items == 40


def test_spaces_around_names_make_no_new_names_and_are_told():
    made = table()
    want = parse_table([(written(made, "csv"), "t.csv")])[0]
    made.loc[::11, "variant"] += " "
    made.loc[3, "rater"] = " " + made.loc[3, "rater"]
    made.loc[:5, "item"] += "\u00a0"
    ratings, beside = parse_table([(written(made, "csv"), "t.csv")])
    assert (ratings.variants, ratings.raters, ratings.prompts) == (want.variants, want.raters, want.prompts)
    np.testing.assert_array_equal(ratings.item, want.item)
    told = {doubt.column: (doubt.count, doubt.lines[0]) for doubt in beside.warnings}
    assert told == {"variant": (8, 2), "rater": (1, 5), "item": (6, 2)}
    assert all("taken off" in doubt.problem for doubt in beside.warnings)


def test_rows_that_are_the_same_without_spaces_are_refused_by_both_doors():
    made = pd.concat([table(), table().iloc[[4]].assign(rater="r0 ")])
    data = written(made, "csv")
    with pytest.raises(InputError, match="line 82 repeats line 6"):
        parse_table([(data, "t.csv")])
    (fault,) = faults([(data, "t.csv")])
    assert fault.rows == ("line 82",)


def test_a_name_of_nothing_but_spaces_is_missing():
    made = table()
    made.loc[2, "variant"] = "  "
    with pytest.raises(InputError, match="line 4 has no value"):
        parse_table([(written(made, "csv"), "t.csv")])


def test_one_rater_is_told_and_counted_as_one(tmp_path, capsys):
    from expsim_panel.__main__ import main

    made = table()[lambda t: t["rater"] == "r0"]
    assert ONE_RATER in calibrate(parse_ratings(written(made, "csv"), "t.csv"), splits=1).notes
    assert ONE_RATER not in calibrate(parse_ratings(written(table(), "csv"), "t.csv"), splits=1).notes
    path = tmp_path / "t.csv"
    path.write_bytes(written(made, "csv"))
    assert main(["calibrate", str(path)]) == 0
    told = " ".join(capsys.readouterr().out.split())
    assert "by 1 rater " in told
    assert "cannot be told apart" in told
