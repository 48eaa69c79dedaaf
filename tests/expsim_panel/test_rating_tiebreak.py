"""A third rater who breaks ties is seen in a table, undone in what is fitted and played again."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from expsim_panel.calibrate import calibrate
from expsim_panel.rating_models import ProbitModel, Sheet
from expsim_panel.rating_tiebreak import first_two, play, tie_break
from expsim_panel.ratings import Ratings
from expsim_panel.realism import realism

ITEMS, RATERS = 700, 10
CUTS = {2: np.array([0.3]), 3: np.array([-0.6, 0.7]), 5: np.array([-1.4, -0.6, 0.3, 1.2])}
NOISE_SD = 0.8


def labelled(levels: int, gap: int | None, seed: int, items: int = ITEMS) -> tuple[Sheet, Sheet]:
    """Draw labels of two raters and of a third where they are more than `gap` apart; with them those of the two."""
    rng = np.random.default_rng(seed)
    people = np.argsort(rng.random((items, RATERS)), axis=1)[:, :3]
    latent = rng.standard_normal((items, 1)) + (0.2 * rng.standard_normal(RATERS))[people]
    level = ((latent + NOISE_SD * rng.standard_normal((items, 3)))[..., None] > CUTS[levels]).sum(axis=2)
    third = rng.random(items) < 0.3 if gap is None else np.abs(level[:, 0] - level[:, 1]) > gap
    there = np.ones((items, 3), dtype=bool)
    there[:, 2] = third

    def sheet(kept: np.ndarray) -> Sheet:
        item, turn = np.nonzero(kept)
        mixed = rng.permutation(len(item))
        item, turn = item[mixed], turn[mixed]
        values = np.arange(float(levels))
        names, raters = tuple(map(str, range(items))), tuple(f"r{code}" for code in range(RATERS))
        score, variant = values[level[item, turn]], np.zeros(len(item), dtype=np.int64)
        made = Ratings(item, item, variant, people[item, turn], score, names, ("A",), raters, items, "x.csv", "0" * 64)
        return Sheet.of_levels(made, values)

    return sheet(there), sheet(there & (np.arange(3) < 2))


@pytest.mark.parametrize(("levels", "gap"), [(2, 0), (3, 0), (5, 0), (5, 1)])
def test_the_rule_is_found_and_no_other(levels, gap):
    for seed in range(1, 6):
        asked, two = labelled(levels, gap, seed)
        assert tie_break(asked) == gap
        assert tie_break(two) is None
        assert tie_break(labelled(levels, None, seed)[0]) is None


def test_what_is_fitted_are_two_ratings_as_if_nobody_had_been_asked_again():
    agreed, by_hand, whole = [], [], []
    for seed in range(1, 21):
        asked, two = labelled(3, 0, seed)
        found = first_two(replace(asked, tie_break=0))
        assert (np.bincount(found.ratings.item) == 2).all()
        assert found.tie_break is None
        for kept, sheet in ((agreed, found), (by_hand, two), (whole, asked)):
            fit = ProbitModel.fitted(sheet).fit
            kept.append(fit.item_sd**2 / (fit.item_sd**2 + fit.noise_sd**2))
    off, bias = np.subtract(agreed, by_hand), np.subtract(whole, by_hand)
    errors = [float(np.std(value, ddof=1)) / np.sqrt(len(value)) for value in (off, bias)]
    assert off.mean() == pytest.approx(0, abs=4 * errors[0])
    assert bias.mean() < -4 * errors[1]  # disputed items count more: raters look less alike than they are
    assert first_two(asked) is asked


def test_plays_keep_the_rule():
    asked = replace(labelled(3, 0, 1)[0], tie_break=0)
    law = ProbitModel.fitted(first_two(asked))
    own = asked.ratings
    level = play(law, asked, np.random.default_rng(1))
    least, most = np.full(own.items, 9), np.zeros(own.items, dtype=np.int64)
    np.minimum.at(least, own.item, level)
    np.maximum.at(most, own.item, level)
    np.testing.assert_array_equal(most > least, np.bincount(own.item) > 2)
    free = replace(asked, tie_break=None)
    again, drawn = (
        what(np.random.default_rng(2)) for what in (lambda r: play(law, free, r), lambda r: law.simulate(free, r))
    )
    np.testing.assert_array_equal(again, drawn)


@pytest.mark.parametrize("levels", [2, 3])
def test_tables_with_a_tie_break_are_met(levels):
    asked, _ = labelled(levels, 0, 3)
    with_rule, without = (realism(replace(asked, tie_break=gap), splits=6) for gap in (0, None))
    assert with_rule.score is not None
    assert without.score is not None
    assert with_rule.score > 0.93
    assert without.score < 0.87


def test_the_reader_is_told():
    asked, two = labelled(3, 0, 4)
    found, plain = (calibrate(sheet.ratings, splits=2) for sheet in (asked, two))
    assert any(
        note.startswith("Items have more than two ratings where the first two disagreed") for note in found.notes
    )
    assert not any("first two" in note for note in plain.notes)
    assert found.reliability.icc1 == pytest.approx(plain.reliability.icc1, abs=0.06)
