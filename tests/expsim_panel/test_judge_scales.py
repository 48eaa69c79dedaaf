"""A judge that mixes two scales is found beside people who keep to one; no ordinary judge is."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest
from rating_levels import ORDINARY, STARS
from scipy.special import ndtr

from expsim_panel.__main__ import main
from expsim_panel.errors import InputError
from expsim_panel.rating_faults import faults
from expsim_panel.rating_scales import judge_scales
from expsim_panel.rating_table import parse_table


def _table(levels: np.ndarray, share: float = 0.5, seed: int = 1, prompts: int = 120) -> pd.DataFrame:
    """Two variants, three raters with stars; a judge of other levels who shares `share` of the variance with quality."""
    rng = np.random.default_rng(seed)
    rows = []
    for p in range(prompts):
        for v in "AB":
            quality = rng.standard_normal()
            heard = ndtr(np.sqrt(share) * quality + np.sqrt(1 - share) * rng.standard_normal())
            judge = levels[min(int(heard * len(levels)), len(levels) - 1)]
            for r in range(3):
                said = ndtr(0.8 * quality + 0.6 * rng.standard_normal())
                rows.append((f"p{p}", v, f"r{r}", STARS[min(int(said * 5), 4)], judge))
    return pd.DataFrame(rows, columns=["item", "variant", "rater", "score", "gpt"])


def _own_rows(table: pd.DataFrame) -> pd.DataFrame:
    people = table.drop(columns="gpt").assign(kind="human")
    judge = table.drop_duplicates(["item", "variant"])
    judge = judge.assign(rater="gpt", kind="judge", score=judge["gpt"]).drop(columns="gpt")
    return pd.concat([people, judge])


def _read(table: pd.DataFrame):
    data = table.to_csv(index=False).encode()
    return parse_table([(data, "t.csv")], judges=("gpt",) if "gpt" in table else ())[1]


def _later(table: pd.DataFrame) -> np.ndarray:
    return table["item"].isin([f"p{p}" for p in range(80, 120)]).to_numpy()


@pytest.mark.parametrize("own", [False, True])
def test_stars_and_per_cents_of_one_judge_are_refused_with_line_and_count(own):
    table = _table(STARS)
    table.loc[_later(table), "gpt"] *= 20
    first = 2 + 80 * 6
    if own:
        table, first = _own_rows(table), 2 + 720 + 160
    with pytest.raises(
        InputError, match=rf"two scales: line {first} holds .*, and 79 more of 20 to 100, where"
    ) as caught:
        _read(table)
    assert (caught.value.key, caught.value.remedy) == ("score" if own else "gpt", "bring all scores to one scale")
    assert ("judge 'gpt'" in caught.value.problem) == own
    (fault,) = faults([(table.to_csv(index=False).encode(), "t.csv")], judges=() if own else ("gpt",))
    assert (fault.problem, fault.count, fault.rows) == (caught.value.problem, 80, (f"line {first}",))


@pytest.mark.parametrize("name", ["no steps", "fractions"])
def test_what_may_be_one_scale_is_a_doubt_with_lines(name):
    table, rng = _table(STARS), np.random.default_rng(2)
    mine = _later(table)
    items = table.loc[mine].groupby(["item", "variant"], sort=False)["gpt"].transform("first")
    noise = np.repeat(rng.integers(10, 18, len(items) // 3), 3)
    table.loc[mine, "gpt"] = items * 17 + noise if name == "no steps" else (items - 1) / 4
    # A fraction of 0 is below people's scale, and a doubt of its own.
    (doubt,) = [one for one in _read(table).warnings if "unparsed" not in one.problem]
    assert (doubt.column, doubt.problem[-11:]) == ("gpt", "two scales?")
    assert doubt.lines[0] in (2 + 80 * 6, 2 + 80 * 6 + 6, *range(2, 40))
    assert doubt.count >= 40


def test_one_stray_score_is_refused_with_its_line():
    table = _table(STARS)
    table.loc[300:302, "gpt"] = 80.0
    with pytest.raises(InputError, match="line 302 holds 80, where most scores are 1 to 5") as caught:
        _read(table)
    assert caught.value.key == "gpt"


@pytest.mark.parametrize("share", [0.3, 0.8])
@pytest.mark.parametrize("name", ORDINARY)
def test_no_ordinary_judge_is_taken_for_two(name, share):
    for seed in range(3):
        table = _table(ORDINARY[name], share, seed)
        human = table.groupby(["item", "variant"], sort=False)["score"].mean().to_numpy()
        judge = table.groupby(["item", "variant"], sort=False)["gpt"].first().to_numpy(dtype=float)
        assert judge_scales(judge, human, 5.0) is None, seed


def test_a_judge_on_another_scale_than_people_is_no_mixture_until_some_scores_are_on_theirs(tmp_path, capsys):
    table = _table(np.arange(101.0), 0.6)
    assert not _read(table).warnings
    path = tmp_path / "t.csv"
    table.loc[_later(table), "gpt"] = (table.loc[_later(table), "gpt"] / 20).round() + 0.0
    table.to_csv(path, index=False)
    assert main(["calibrate", str(path), "--judge", "gpt", "--json", "-"]) == 0
    warnings = json.loads(capsys.readouterr().out)["calibration"]["warnings"]
    (doubt,) = [one for one in warnings if "two scales?" in one["problem"]]
    # A score of 0 is on either scale.
    mine = table.drop_duplicates(["item", "variant"])["gpt"].between(1, 5)
    assert (doubt["column"], doubt["count"]) == ("gpt", int(mine.sum()))
