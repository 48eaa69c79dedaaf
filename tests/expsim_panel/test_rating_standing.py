"""Items that are rated more often may be better: the laws play it, and only where it is beyond doubt."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from scipy.special import ndtri

from expsim_panel.calibrate import calibrate
from expsim_panel.rating_models import ProbitModel, Sheet, effects
from expsim_panel.rating_standing import standing_slope, standings
from expsim_panel.ratings import Ratings
from expsim_panel.realism import realism

ITEMS, RATERS = 500, 200
VALUES = np.arange(1.0, 6.0)
CUTS = np.array([-1.4, -0.6, 0.3, 1.2])
ITEM_SD, SEVERITY_SD, NOISE_SD = 0.6, 0.3, 0.75


def rated(pull: float, seed: int, spread: float = 1.0) -> Sheet:
    """Draw ratings of films: the number of ratings is lognormal, and goes with quality by `pull`."""
    rng = np.random.default_rng(seed)
    fame = rng.standard_normal(ITEMS)
    quality = ITEM_SD * (pull * fame + np.sqrt(1 - pull**2) * rng.standard_normal(ITEMS))
    count = np.clip(np.rint(12 * np.exp(spread * fame)), 2, RATERS).astype(np.int64)
    severity = SEVERITY_SD * rng.standard_normal(RATERS)
    item = np.repeat(np.arange(ITEMS), count)
    rater = np.concatenate([rng.permutation(RATERS)[:size] for size in count])
    latent = quality[item] + severity[rater] + NOISE_SD * rng.standard_normal(len(item))
    level = (latent[:, None] > CUTS).sum(axis=1)
    names = tuple(f"i{code}" for code in range(ITEMS))
    people = tuple(f"r{code}" for code in range(RATERS))
    variant = np.zeros(len(item), dtype=np.int64)
    made = Ratings(item, item, variant, rater, VALUES[level], names, ("A",), people, ITEMS, "x.csv", "0" * 64)
    return Sheet.of_levels(made, VALUES)


def test_standings_are_normal_scores_within_a_variant_of_mean_0_over_ratings():
    count = np.array([1, 2, 2, 5, 3, 3])
    variant = np.array([0, 0, 0, 0, 1, 1])
    item = np.repeat(np.arange(6), count)
    found = standings(item, variant[item], 6, 2)
    by_hand = ndtri(np.array([0.5, 2.0, 2.0, 3.5]) / 4)
    np.testing.assert_allclose(found[:4], by_hand - (by_hand * count[:4]).sum() / 10)
    np.testing.assert_array_equal(found[4:], 0)  # rated as often as each other


@pytest.mark.parametrize("pull", [0.6, -0.6])
def test_the_slope_is_what_ratings_were_drawn_with(pull):
    found = np.array([standing_slope(rated(pull, seed)) for seed in range(1, 21)])
    # the latent scale of the law has variance 1 over ratings of a rater whose severity is the mean
    size = np.hypot(ITEM_SD, NOISE_SD)
    error = found.std(ddof=1) / np.sqrt(len(found))
    assert found.mean() == pytest.approx(pull * ITEM_SD / size, abs=4 * error + 0.03)
    assert (np.sign(found) == np.sign(pull)).all()


def test_there_is_none_where_counts_say_nothing():
    assert [standing_slope(rated(0.0, seed)) for seed in range(1, 21)] == [0.0] * 20
    alike = rated(0.6, 1, spread=0.0)
    np.testing.assert_array_equal(alike.standing, 0)
    assert standing_slope(alike) == 0


def test_effects_keep_mean_and_variance_over_ratings_and_go_with_standing():
    sheet, rng = rated(0.6, 2), np.random.default_rng(1)
    item, pull = sheet.ratings.item, 0.5
    drawn = np.array([effects(sheet, 0.0, rng, pull) for _ in range(400)])
    np.testing.assert_allclose(drawn.mean(axis=0), pull * sheet.standing, atol=0.25)
    assert drawn[:, item].mean() == pytest.approx(0, abs=0.02)
    assert (drawn[:, item] ** 2).mean() == pytest.approx(1, abs=0.03)
    first, second = (effects(sheet, 0.0, np.random.default_rng(3), *more) for more in ((), (0.0,)))
    np.testing.assert_array_equal(first, second)


def test_ratings_of_what_many_know_are_met():
    sheet = rated(0.7, 3)
    told = realism(sheet, splits=6)
    assert told.score is not None
    assert told.score > 0.9
    # without standing the same law misses the pairs of ratings that come mostly from what many have rated
    with_it = ProbitModel.fitted(sheet)
    without = replace(with_it, slope=0.0)
    own = sheet.ratings
    size = np.bincount(own.item, minlength=own.items)
    many = size[own.item] > np.median(size)

    def gap(level: np.ndarray) -> float:
        return float(level[many].mean() - level[~many].mean())

    played, flat = (
        np.mean([gap(law.simulate(sheet, np.random.default_rng(seed))) for seed in range(20)])
        for law in (with_it, without)
    )
    assert gap(sheet.level) > 0.4
    assert played == pytest.approx(gap(sheet.level), abs=0.12)
    assert abs(flat) < 0.12


def test_the_reader_is_told_of_both_means():
    sheet = rated(0.7, 3)
    notes = calibrate(sheet.ratings, splits=2).notes
    own = sheet.ratings
    mean = np.mean([own.score[own.item == code].mean() for code in range(ITEMS)])
    assert any(f"mean of ratings is {own.score.mean():.2f}, that of items {mean:.2f}" in note for note in notes)
    assert not any("rated more often" in note for note in calibrate(rated(0.0, 3).ratings, splits=2).notes)
