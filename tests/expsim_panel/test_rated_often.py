"""Items that far more raters have seen than the others are of a kind of their own, where there are such items."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.special import ndtr

from expsim_panel import shaped_ratings
from expsim_panel.calibrate import calibrate
from expsim_panel.calibrated_law import fitted_law_tree
from expsim_panel.focused_ratings import fitted_focused
from expsim_panel.rating_models import ProbitModel, Sheet
from expsim_panel.ratings import Ratings
from expsim_panel.shaped_ratings import Shape, ShapedModel, owners, rated_often

VALUES = np.arange(1.0, 6.0)
OTHERS, CHECKS = 300, 120  # items of each variant; checks, all of variant A
FEW, MANY = 4, 24


def table_of(ratings: np.ndarray, score: np.ndarray, variant: np.ndarray, raters: int) -> Ratings:
    """Return a table whose item i has `ratings[i]` ratings, its rows of `score`, by raters in turn from its own number."""
    item = np.repeat(np.arange(len(ratings)), ratings)
    turn = np.arange(len(item)) - np.repeat(np.cumsum(ratings) - ratings, ratings)
    people = tuple(f"r{k}" for k in range(raters))
    names = tuple(map(str, range(len(ratings))))
    prompt = np.arange(len(ratings))[item]
    return Ratings(
        prompt,
        item,
        variant[item],
        (item + turn) % raters,
        score,
        names,
        ("A", "B"),
        people,
        len(names),
        "x.csv",
        "0" * 64,
    )


def checked(seed: int) -> Ratings:
    """Draw answers of middling quality, four ratings each, and clear cases by which raters are checked, 24 each."""
    rng = np.random.default_rng(seed)
    variant = np.concatenate([np.zeros(OTHERS), np.ones(OTHERS), np.zeros(CHECKS)]).astype(np.int64)
    ratings = np.where(np.arange(len(variant)) < 2 * OTHERS, FEW, MANY)
    clear = rng.choice([1.2, 4.8], len(variant))
    quality = np.where(ratings == MANY, clear, 2.8 + 0.4 * variant + 0.5 * rng.standard_normal(len(variant)))
    spread = np.where(ratings == MANY, 0.4, 1.0)
    score = np.repeat(quality, ratings) + np.repeat(spread, ratings) * rng.standard_normal(ratings.sum())
    return table_of(ratings, np.clip(np.rint(score), 1, 5), variant, 30)


def counted(ratings: list[int]) -> tuple[int | None, np.ndarray]:
    """Return `rated_often` of items with so many ratings, every second of them of variant B."""
    count = np.array(ratings)
    rows = int(count.sum())
    table = table_of(count, np.arange(rows) % 5 + 1.0, np.arange(len(count)) % 2, 100)
    return rated_often(Sheet.of_levels(table, VALUES))


def test_a_gap_in_how_often_items_are_rated_is_found_and_no_other():
    often, part = counted([4] * 200 + [5] * 100 + [15] * 50 + [40] * 50)
    assert often == 15
    np.testing.assert_array_equal(part, [0.25, 0.25])
    for smooth in ([3] * 400, [4] * 300 + [11] * 200, [4] * 300 + [12] * 24, list(range(2, 40)) * 20):
        assert counted(smooth)[0] is None


def test_owners_keep_the_kinds_of_items_apart():
    sheet = Sheet.of_levels(checked(1), VALUES)
    often, part = rated_often(sheet)
    assert often == MANY
    np.testing.assert_allclose(part, [CHECKS / (CHECKS + OTHERS), 0])
    np.testing.assert_array_equal(owners(sheet, often), [0] * OTHERS + [1] * OTHERS + [2] * CHECKS)
    np.testing.assert_array_equal(owners(sheet, None), [0] * OTHERS + [1] * OTHERS + [0] * CHECKS)


@pytest.mark.parametrize("fitted", [ShapedModel.fitted, fitted_focused])
def test_each_kind_has_its_shape_and_a_variant_the_mixture(fitted):
    sheet = Sheet.of_levels(checked(2), VALUES)
    shape = fitted(sheet, ProbitModel.fitted(sheet)).shape
    assert shape.weights.shape[0] == 4
    np.testing.assert_allclose(shape.weights.sum(axis=1), 1)
    # the chance of each level, raters of no severity, against the ratings of the items themselves
    below = ndtr((shape.thresholds[:, None] - shape.places) / shape.noises)
    chance = np.diff(np.pad(below, ((1, 0), (0, 0))), axis=0, append=1.0)
    own = sheet.ratings
    owner = owners(sheet, shape.often)[own.item]
    for which in range(3):
        seen = np.bincount(sheet.level[owner == which], minlength=5) / (owner == which).sum()
        # ratings of an item go together: as if there were one rating of each of its 120 or 300 items
        items = CHECKS if which == 2 else OTHERS
        np.testing.assert_allclose(chance @ shape.weights[which], seen, atol=4.5 * np.sqrt(0.25 / items))
    mixed = shape.of_variants
    np.testing.assert_allclose(mixed[0], (OTHERS * shape.weights[0] + CHECKS * shape.weights[2]) / (OTHERS + CHECKS))
    np.testing.assert_array_equal(mixed[1], shape.weights[1])


def test_what_is_played_keeps_the_kinds_apart():
    """Chances of levels by kind against sums over places."""
    rng = np.random.default_rng(3)
    variant = np.concatenate([np.zeros(20_000), np.zeros(2_000)]).astype(np.int64)
    ratings = np.where(np.arange(len(variant)) < 20_000, 1, 5)
    table = table_of(ratings, np.ones(ratings.sum()), variant, 30)
    one = Ratings(**{**table.__dict__, "variants": ("A",)})
    sheet = Sheet.of_levels(one, VALUES)
    cuts = np.array([-1.0, -0.3, 0.4, 1.2])
    weights = np.array([[0.7, 0.3], [0.1, 0.9]])
    shape = Shape(
        np.array([-1.0, 1.5]),
        weights,
        cuts,
        np.zeros(30),
        np.zeros(30),
        0.0,
        0.2,
        often=5,
        often_part=np.array([1 / 11]),
    )
    model = ShapedModel(ProbitModel.fitted(Sheet.of_levels(checked(4), VALUES)).fit, 0.0, shape)
    level = model.simulate(sheet, rng)
    chance = np.diff(np.pad(ndtr(cuts[:, None] - shape.places), ((1, 0), (0, 0))), axis=0, append=1.0)
    for which, own in ((slice(None, 20_000), weights[0]), (slice(20_000, None), weights[1])):
        seen = np.bincount(level[which], minlength=5) / len(level[which])
        # ratings of one item share its place: 2,000 independent items at least
        np.testing.assert_allclose(seen, chance @ own, atol=4.5 * np.sqrt(0.25 / 2_000))


@pytest.mark.arithmetic
def test_checks_among_the_items_no_longer_spoil_the_law(monkeypatch):
    ratings = checked(5)
    found = calibrate(ratings, splits=4)
    score = found.realism.scores[found.realism.law]
    assert score > 0.95
    assert found.shape is not None
    assert found.shape.often == MANY
    json = found.to_json()["shape"]
    assert json["often"] == MANY
    assert len(json["weights"]) == 4
    weights = [fitted_law_tree(found, names)["weights"] for names in (("A",), ("B",))]
    assert sum(weights[0][0]) == pytest.approx(1)
    assert sum(weights[1][0]) == pytest.approx(1)
    monkeypatch.setattr(shaped_ratings, "FEWEST_OFTEN", 10**9)
    alike = calibrate(ratings, splits=4)
    assert alike.realism.scores[alike.realism.law] < score - 0.2
