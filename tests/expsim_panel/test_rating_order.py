"""Raters who turned the scale round, names of kinds and items left out are told; scales are left in peace."""

from __future__ import annotations

import numpy as np
import pytest

from expsim_panel.calibrate import calibrate
from expsim_panel.rating_models import Sheet
from expsim_panel.rating_order import alike, factors_of, order_of_kinds, order_told, pairs_of, turned_raters
from expsim_panel.ratings import Ratings

ITEMS, RATERS = 600, 5
SCALE = np.arange(1.0, 6.0)
CUTS = np.array([-1.3, -0.5, 0.2, 1.1])


def sheet_of(level: np.ndarray, values: np.ndarray) -> Sheet:
    """Return the sheet of levels of shape (items, raters)."""
    items, raters = level.shape
    item, rater = (code.ravel() for code in np.indices(level.shape))
    names, people = tuple(f"i{code}" for code in range(items)), tuple(f"r{code}" for code in range(raters))
    variant = np.zeros(level.size, dtype=np.int64)
    score = values[level.ravel()]
    made = Ratings(item, item, variant, rater, score, names, ("A",), people, items, "x.csv", "0" * 64)
    return Sheet.of_levels(made, values)


def scaled(seed: int, quality: np.ndarray | None = None, noise: float = 0.8, turned: tuple[int, ...] = ()) -> Sheet:
    """Draw ratings from 1 to 5 by raters of whom some took 1 for the best."""
    rng = np.random.default_rng(seed)
    own = rng.standard_normal(ITEMS) if quality is None else quality
    latent = own[:, None] + 0.3 * rng.standard_normal(RATERS) + noise * rng.standard_normal((ITEMS, RATERS))
    level = (latent[..., None] > CUTS).sum(axis=2)
    level[:, list(turned)] = len(SCALE) - 1 - level[:, list(turned)]
    return sheet_of(level, SCALE)


def named(seed: int, kinds: int = 4) -> Sheet:
    """Draw names of kinds: two of them, at both ends, are taken for each other, the others for none."""
    rng = np.random.default_rng(seed)
    true = rng.integers(kinds, size=ITEMS)[:, None]
    wrong = np.where((true == 0) | (true == kinds - 1), kinds - 1 - true, rng.integers(kinds, size=(ITEMS, RATERS)))
    return sheet_of(np.where(rng.random((ITEMS, RATERS)) < 0.3, wrong, true), np.arange(1.0, kinds + 1))


def test_scores_of_levels_are_the_best_ones():
    sheet = scaled(1)
    pairs = pairs_of(sheet.ratings.item, sheet.level, 5)
    table = sheet.level.reshape(ITEMS, RATERS)

    def by_hand(value: np.ndarray) -> float:
        given = value[table]
        given = (given - given.mean()) / given.std()
        return float((given.sum(axis=1) ** 2 - (given**2).sum(axis=1)).mean() / RATERS / (RATERS - 1))

    first, second = factors_of(pairs)[:2]
    assert alike(first, pairs) == pytest.approx(by_hand(first), abs=1e-9)
    assert alike(SCALE, pairs) == pytest.approx(by_hand(SCALE), abs=1e-9)
    rng = np.random.default_rng(1)
    others = [first + 0.3 * rng.standard_normal(5) for _ in range(200)]
    assert max(by_hand(score) for score in (SCALE, second, *others)) < by_hand(first)
    given = first[table]
    np.testing.assert_allclose([given.mean(), given.var()], [0, 1], atol=1e-9)
    assert len(set(np.sign(np.diff(first)))) == 1


def test_a_scale_is_left_in_peace():
    rng = np.random.default_rng(7)
    hit = rng.choice([-2.0, 1.5], ITEMS)
    for seed in range(1, 31):
        for sheet in (scaled(seed), scaled(seed, hit), scaled(seed, noise=3.0), scaled(seed, np.zeros(ITEMS))):
            assert order_told(sheet, steps=True) == []


@pytest.mark.parametrize("turned", [(2,), (0, 4)])
def test_raters_who_turned_the_scale_round_are_named(turned):
    for seed in range(1, 11):
        found = turned_raters(scaled(seed, turned=turned))
        assert sorted(code for code, _ in found) == list(turned)
    sheet = scaled(1, turned=turned)
    (told,) = order_told(sheet, steps=True)
    assert all(f"'r{code}' (-0." in told for code in turned)
    # the correlation is that of the rater with the mean of the others
    code, value = turned_raters(sheet)[0]
    table = sheet.values[sheet.level].reshape(ITEMS, RATERS)
    rest = np.delete(table, code, axis=1).mean(axis=1)
    assert value == pytest.approx(np.corrcoef(table[:, code], rest)[0, 1])


def test_names_of_kinds_are_no_scale():
    for seed in range(1, 11):
        order = order_of_kinds(named(seed), [])
        assert order is not None
        assert abs(order.index(1.0) - order.index(4.0)) == 1
        assert order != sorted(order)
    assert order_of_kinds(named(1), list(range(RATERS))) is None
    few = named(1).half(np.arange(ITEMS * RATERS) < 300 * RATERS)
    assert order_of_kinds(few, []) is None


def test_a_calibration_tells_both():
    notes = calibrate(named(2).ratings, splits=2).notes
    assert any(note.startswith("The levels are not used as steps of one scale") for note in notes)
    notes = calibrate(scaled(2, turned=(3,)).ratings, splits=2).notes
    assert any("'r3' (-0." in note for note in notes)
    told = calibrate(scaled(2).ratings, splits=2).notes
    assert not any("steps of one scale" in note or "turned round" in note for note in told)


@pytest.mark.parametrize("cuts", [np.array([0.4]), CUTS])
def test_items_on_which_raters_agree_are_missed_where_they_were_left_out(cuts):
    rng = np.random.default_rng(5)
    latent = rng.standard_normal((ITEMS, 1)) + 0.7 * rng.standard_normal((ITEMS, 4))
    level = (latent[..., None] > cuts).sum(axis=2)
    values = np.arange(len(cuts) + 1.0)
    disputed = np.ptp(level, axis=1) > 0
    for kept, told in ((level, False), (level[disputed], True)):
        notes = calibrate(sheet_of(kept, values).ratings, splits=2).notes
        assert any(note.startswith("0.0% of items have all their raters at one level") for note in notes) == told
