"""Scores on several scales are refused or named with their lines; cells like formulas stay text."""

import numpy as np
import pandas as pd
import pytest

from expsim_panel.errors import InputError
from expsim_panel.rating_table import read_table


def table(rows=60, seed=1):
    """Twenty prompts of two variants, three raters, 1 to 5."""
    rng = np.random.default_rng(seed)
    made = [
        (f"p{p}", "AB"[v], f"r{r}", int(rng.integers(1, 6)))
        for p in range(rows // 6)
        for v in range(2)
        for r in range(3)
    ]
    return pd.DataFrame(made, columns=["item", "variant", "rater", "score"])


def read(tmp_path, made):
    path = tmp_path / "t.csv"
    made.to_csv(path, index=False)
    return read_table(path)


def test_ordinary_ratings_raise_no_doubt(tmp_path):
    assert read(tmp_path, table())[1].warnings == ()


@pytest.mark.parametrize("change", [lambda s: s * 20, lambda s: s / 6], ids=["percent", "fractions"])
def test_two_raters_on_different_scales_are_refused_with_their_lines(tmp_path, change):
    made = table()
    own = made["rater"] == "r2"
    made["score"] = made["score"].astype(float)
    made.loc[own, "score"] = change(made.loc[own, "score"])
    with pytest.raises(InputError) as caught:
        read(tmp_path, made)
    text = str(caught.value)
    assert "two scales" in text
    assert "rater 'r2'" in text
    assert "(line 4)" in text  # the first row of r2
    assert "bring all scores to one scale" in text


def test_a_stray_score_is_refused_with_its_line_and_the_number_of_others(tmp_path):
    made = table()
    made.loc[[10, 30], "score"] = [85, 90]
    with pytest.raises(InputError, match=r"line 12 holds 85, and 1 more, where most scores are 1 to 5"):
        read(tmp_path, made)


def test_a_probable_second_scale_is_kept_and_named(tmp_path):
    rng = np.random.default_rng(2)
    made = table(120)
    made["score"] = rng.integers(0, 101, len(made)).astype(float)
    own = made["rater"] == "r1"
    made.loc[own, "score"] = rng.integers(1, 6, own.sum())
    (doubt,) = read(tmp_path, made)[1].warnings
    assert doubt.problem == "rater 'r1' gives 1 to 5, others up to 100: two scales?"
    assert doubt.count == 40
    assert doubt.lines[:2] == (3, 6)


@pytest.mark.parametrize("scores", [(1, 1, 1), (1, 2, 1)])
def test_a_severe_rater_is_no_second_scale(tmp_path, scores):
    made = table(120)
    own = made["rater"] == "r1"
    made.loc[own, "score"] = np.resize(scores, own.sum())
    assert read(tmp_path, made)[1].warnings == ()


def test_counts_with_a_long_tail_are_no_second_scale(tmp_path):
    made = table(600)
    made["score"] = np.random.default_rng(3).lognormal(5, 1.0, len(made)).round()
    assert read(tmp_path, made)[1].warnings == ()


def test_cells_like_formulas_are_named_and_stay_text(tmp_path):
    made = table()
    made.loc[made["rater"] == "r0", "rater"] = '=HYPERLINK("x")'
    made.loc[made["variant"] == "B", "variant"] = "@SUM(A1)"
    ratings, beside = read(tmp_path, made)
    assert '=HYPERLINK("x")' in ratings.raters
    assert {doubt.column: doubt.count for doubt in beside.warnings} == {"rater": 20, "variant": 30}
    assert beside.warnings[0].lines[:2] == (2, 5)


def test_repeated_rows_are_refused_with_both_lines(tmp_path):
    made = table()
    made = pd.concat([made, made.iloc[[7, 8]]])
    with pytest.raises(
        InputError, match=r"line 62 repeats line 9: rater 'r1' scores item 'p1' of variant 'A' twice, and 1 more"
    ):
        read(tmp_path, made)


def test_empty_cells_are_counted(tmp_path):
    made = table().astype({"score": object})
    made.loc[[3, 4, 5], "score"] = ""
    with pytest.raises(InputError, match="line 5 has no value, and 2 more"):
        read(tmp_path, made)
