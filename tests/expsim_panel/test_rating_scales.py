"""Two scales that everybody uses are found by their levels and by items; no ordinary scale is taken for two."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from rating_levels import ORDINARY, STARS
from scipy.special import ndtr

from expsim_panel.errors import InputError
from expsim_panel.rating_faults import faults
from expsim_panel.rating_scales import two_scales
from expsim_panel.rating_table import parse_table
from expsim_panel.ratings import Ratings, parse_ratings, read_ratings


def drawn(levels: np.ndarray, seed: int = 1, prompts: int = 150, share: float = 0.5) -> pd.DataFrame:
    """Two variants, six raters of whom three rate an item; `share` of the variance is the item's, each level alike."""
    rng = np.random.default_rng(seed)
    rows = []
    for p in range(prompts):
        for v in "AB":
            quality = np.sqrt(share) * rng.standard_normal()
            for r in rng.choice(6, 3, replace=False):
                heard = ndtr(quality + np.sqrt(1 - share) * rng.standard_normal())
                rows.append((f"p{p}", v, f"r{r}", levels[min(int(heard * len(levels)), len(levels) - 1)]))
    return pd.DataFrame(rows, columns=["item", "variant", "rater", "score"])


def csv(table: pd.DataFrame) -> bytes:
    return table.to_csv(index=False).encode()


def read(table: pd.DataFrame) -> Ratings:
    return parse_ratings(csv(table), "t.csv")


def halves(table: pd.DataFrame) -> np.ndarray:
    return np.arange(len(table)) >= len(table) // 2


def alternate(table: pd.DataFrame) -> np.ndarray:
    return np.arange(len(table)) % 2 == 1


CERTAIN = {
    "stars and per cents by items": (STARS, lambda s: s * 20, halves),
    "stars and per cents row by row": (STARS, lambda s: s * 20, alternate),
    "stars and fractions by items": (STARS, lambda s: (s - 1) / 4, halves),
    "from 0, row by row": (STARS - 1, lambda s: s * 25, alternate),
    "from 1 and from 0, by items": (STARS, lambda s: (s - 1) * 25, halves),
    "ten and a hundred by items": (np.arange(1.0, 11), lambda s: s * 10, halves),
}


@pytest.mark.parametrize("name", CERTAIN)
def test_two_scales_of_one_kind_are_refused_with_line_and_count(name):
    levels, change, which = CERTAIN[name]
    table = drawn(levels)
    mine = which(table)
    table.loc[mine, "score"] = change(table.loc[mine, "score"])
    with pytest.raises(InputError, match=r"two scales: line \d+ holds .* where others are") as caught:
        parse_table([(csv(table), "t.csv")])
    assert (caught.value.key, caught.value.remedy) == ("score", "bring all scores to one scale")
    (fault,) = faults([(csv(table), "t.csv")])
    assert (fault.column, fault.problem) == ("score", caught.value.problem)
    found = two_scales(read(table))
    # what is on one scale for certain is on the right one; ends that both have are on neither
    assert not (found.high & found.low).any()
    upper = mine if table.loc[mine, "score"].max() > table.loc[~mine, "score"].max() else ~mine
    assert not (found.high & ~upper).any()
    assert not (found.low & upper).any()
    assert fault.count == min(found.low.sum(), found.high.sum())


def test_the_rows_named_are_those_of_the_rarer_scale():
    table = drawn(STARS)
    table.loc[600:, "score"] *= 20
    with pytest.raises(InputError, match=r"line 602 holds .*, and 299 more of 20 to 100, where others are 1 to 5"):
        parse_table([(csv(table), "t.csv")])


@pytest.mark.parametrize("name", ["three levels", "fractions row by row", "no steps"])
def test_what_may_be_one_scale_is_a_doubt(name):
    table = drawn(STARS[:3] if name == "three levels" else STARS)
    mine = halves(table) if name == "no steps" else alternate(table)
    rng = np.random.default_rng(2)
    change = {"three levels": lambda s: s * 30, "fractions row by row": lambda s: (s - 1) / 4,
              "no steps": lambda s: (s * 18 + rng.integers(10, 18, len(s))).round()}[name]  # fmt: skip
    table.loc[mine, "score"] = change(table.loc[mine, "score"])
    (doubt,) = parse_table([(csv(table), "t.csv")])[1].warnings
    assert doubt.problem.endswith("two scales?")
    assert doubt.count > 200


@pytest.mark.parametrize("share", [0.3, 0.8, 0.97])
@pytest.mark.parametrize("name", ORDINARY)
def test_no_ordinary_scale_is_taken_for_two(name, share):
    for seed in range(3):
        assert two_scales(read(drawn(ORDINARY[name], seed, 60, share))) is None


def test_clear_verdicts_at_both_ends_of_one_scale_are_no_two():
    table = drawn(np.r_[0.0:4, 97:101], share=0.97)
    assert two_scales(read(table)) is None


def test_a_few_scores_show_nothing():
    table = drawn(STARS, prompts=3)
    table.loc[alternate(table), "score"] *= 20
    assert two_scales(read(table)) is None


def test_published_ratings_are_on_one_scale():
    """SummEval's coherence, as metajudge ships it: 4,800 ratings of experts."""
    from importlib.resources import files

    metajudge = pytest.importorskip("metajudge")
    assert two_scales(read_ratings(str(files(metajudge) / "data" / "demo.csv"), variant=r"_(M\d+)$")) is None
