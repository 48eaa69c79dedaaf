"""Quality and agreement of items with any joint distribution: found, played as fitted, carried to studies."""

from __future__ import annotations

import tomllib

import numpy as np
import pytest
from scipy.special import ndtr

from expsim_panel.calibrate import calibrate, dump_scenario, to_scenario
from expsim_panel.errors import InputError
from expsim_panel.evaluators.human import Human
from expsim_panel.focused_ratings import fitted_focused
from expsim_panel.rating_law import RatingLaw
from expsim_panel.rating_law_tables import ITEMS, PANELS, law_table
from expsim_panel.rating_laws import FOCUSED, LAWS, fitted_law, others_miss
from expsim_panel.rating_models import ProbitModel, Sheet
from expsim_panel.ratings import Ratings
from expsim_panel.shaped_law import levels_by_place
from expsim_panel.shaped_ratings import Shape, ShapedModel

VALUES = np.arange(-3.0, 4.0)
NEUTRAL = np.array([0.5, 0.3])  # part of each variant's items without a side
DIVIDED, CLOSE = 1.8, 0.35  # spread of ratings, points


def table_of(score: np.ndarray) -> Ratings:
    """Return ratings, shape (2 * prompts, raters), of two variants in turn."""
    items, raters = score.shape
    item, rater = (part.ravel() for part in np.meshgrid(range(items), range(raters), indexing="ij"))
    names, people = tuple(map(str, range(items // 2))), tuple(f"r{k}" for k in range(raters))
    return Ratings(
        item // 2, item, item % 2, rater, score.ravel(), names, ("A", "B"), people, items, "sides.csv", "0" * 64
    )


def sides(prompts: int, raters: int, seed: int) -> Ratings:
    """Draw points from -3 to 3: items without a side are 0 to nearly all, half of the others divide the raters."""
    rng = np.random.default_rng(seed)
    items = np.arange(2 * prompts)
    neutral = rng.random(len(items)) < NEUTRAL[items % 2]
    side = rng.choice([-1.0, 1.0], len(items), p=[0.4, 0.6])
    size = np.clip(np.rint(rng.uniform(1, 3, (len(items), 1)) + 0.8 * rng.standard_normal((len(items), raters))), 1, 3)
    off = np.rint(CLOSE * rng.standard_normal((len(items), raters)))
    divided = (rng.random(len(items)) < 0.5)[:, None]
    wide = np.rint(DIVIDED * rng.standard_normal((len(items), raters)))
    score = np.where(neutral[:, None], off, np.where(divided, np.clip(wide, -3, 3), side[:, None] * size))
    return table_of(score + 0.0)


@pytest.mark.arithmetic
def test_neither_good_nor_bad_is_met_by_the_focused_law_and_reaches_the_study():
    """The scores are rounded points, not the law's own."""
    ratings = sides(300, 6, 3)
    found = calibrate(ratings, splits=4)
    assert found.realism.law == FOCUSED
    assert found.realism.scores[FOCUSED] > 0.95
    assert found.realism.honest is not None
    assert found.realism.honest > 0.9
    others = {name: value for name, value in found.realism.scores.items() if name in LAWS and name != FOCUSED}
    assert max(others.values()) < 0.8
    assert "how well raters agree on it" in " ".join(found.notes)
    tree = tomllib.loads(dump_scenario(to_scenario(found)))
    law = tree["evaluators"]["human"]["law"]
    assert law["name"] == FOCUSED
    assert len(law["noises"]) == len(law["places"])
    human = Human.from_tree({**tree["evaluators"]["human"], "labels_per_item": 1}, "sides.toml")
    one, three = (law_table(human.law, votes, False) for votes in (1, 3))
    for arm, facts in enumerate(found.variants):
        chance = [np.interp(facts.mean, one.centre[arm], one.table[arm, :, :, j].mean(axis=0)) for j in range(7)]
        # 1,800 ratings of 300 items; the design effect of an ICC of 0.9 is 5.5
        error = 4.5 * np.sqrt(0.25 * 5.5 / 1_800)
        np.testing.assert_allclose(chance, np.cumsum(facts.histogram) / facts.ratings, atol=error)
        scores = ratings.score.reshape(-1, 6)[arm::2]
        # the fourth moment of scores of -3 to 3 is 81 at most
        assert one.at(arm, facts.mean, one.within) == pytest.approx(scores.var(), abs=4.5 * 9 / np.sqrt(300))
        means = scores[:, [0, 2, 4]].mean(axis=1)
        assert three.at(arm, facts.mean, three.within) == pytest.approx(means.var(), abs=4.5 * 9 / np.sqrt(300))


def test_agreement_is_found_where_quality_is_in_the_middle():
    sheet = Sheet.of_levels(sides(400, 6, 5), VALUES)
    shape = fitted_focused(sheet, ProbitModel.fitted(sheet)).shape
    np.testing.assert_allclose(shape.weights.sum(axis=1), 1)
    chance = np.diff(ndtr((np.append(shape.thresholds, np.inf)[:, None] - shape.places) / shape.noises), axis=0)
    # what a pair of raters both call 0: items without a side, nearly all of them, and a few that divide
    middle = chance[2]
    alike, rare = (ndtr(0.5 / spread) - ndtr(-0.5 / spread) for spread in (CLOSE, DIVIDED))
    for variant, neutral in enumerate(NEUTRAL):
        seen = shape.weights[variant] @ middle**2
        assert seen == pytest.approx(neutral * alike**2 + (1 - neutral) / 2 * rare**2, abs=4.5 * np.sqrt(0.25 / 400))


@pytest.mark.parametrize("lapse", [0.0, 0.2])
def test_what_is_played_is_the_law(lapse):
    """Pairs of raters against sums over places with their noises."""
    items = 40_000
    ratings = table_of(np.zeros((2 * items, 2)))
    sheet = Sheet(ratings, np.zeros(ratings.rows, np.int64), VALUES[:5], np.zeros(4))
    cuts, places, noises = np.array([-1.5, -0.5, 0.5, 1.5]), np.array([-1.0, 0.0, 0.0, 1.5]), np.array([1, 0.2, 2, 0.5])
    weights = np.array([[0.1, 0.4, 0.2, 0.3], [0.4, 0.1, 0.3, 0.2]])
    severities = np.array([-0.3, 0.3])
    shape = Shape(places, weights, cuts, severities, np.zeros(2), 0.3, lapse, noises)
    fit = ProbitModel.fitted(Sheet.of_levels(sides(50, 2, 1), VALUES)).fit
    level = ShapedModel(fit, 0.0, shape).simulate(sheet, np.random.default_rng(2)).reshape(-1, 2, 2)
    edges = np.pad(cuts - severities[:, None], ((0, 0), (1, 1)), constant_values=np.inf)
    edges[:, 0] = -np.inf
    chance = np.diff(ndtr((edges[:, None, :] - places[:, None]) / noises[:, None]), axis=2)
    for variant, own in enumerate(weights):
        alone = np.einsum("p,rpl->rl", own, chance)
        both = np.einsum("p,pa,pb->ab", own, chance[0], chance[1])
        kept = (1 - lapse) ** 2
        pair = np.zeros((5, 5))
        np.add.at(pair, (level[:, variant, 0], level[:, variant, 1]), 1 / items)
        expected = kept * both + (1 - kept) * np.outer(alone[0], alone[1])
        np.testing.assert_allclose(pair, expected, atol=4.5 * np.sqrt(0.25 / items))


def test_a_study_draws_each_place_with_its_noise():
    fields = {"values": [1, 2, 3], "cuts": [[-0.5, 0.5]], "places": [0.0, 0.0, 1.0], "noises": [0.1, 2.0, 0.5]}
    law = RatingLaw.from_tree(fields | {"weights": [[0.5, 0.2, 0.3]]}, "law")
    up_to = levels_by_place(law, np.array(fields["places"]))[0]
    np.testing.assert_allclose(up_to[:, 0], ndtr([-5.0, -0.25, -3.0]), rtol=1e-12)
    chance = np.diff(up_to, axis=1, prepend=0)
    score = chance @ [1, 2, 3]
    mean = float(np.array([0.5, 0.2, 0.3]) @ score)
    single = float(np.array([0.5, 0.2, 0.3]) @ (chance @ [1, 4, 9])) - mean**2
    item = float(np.array([0.5, 0.2, 0.3]) @ score**2) - mean**2
    # of one kind of rater all panels are the same
    one, two = law_table(law, 1, False), law_table(law, 2, False)
    assert one.at(0, mean, one.within) == pytest.approx(single, rel=2e-3)
    assert two.at(0, mean, two.within) == pytest.approx(single / 2 + item / 2, rel=4.5 * np.sqrt(PANELS / ITEMS))


def test_members_of_a_crowd_are_no_more_severe_for_the_items_of_their_task():
    """Tasks of five items of like quality, each with its own raters, all equally severe."""
    rng = np.random.default_rng(4)
    tasks, each, raters = 200, 5, 4
    quality = np.repeat(rng.standard_normal(tasks), each) + 0.5 * rng.standard_normal(tasks * each)
    z = quality[:, None] + 0.6 * rng.standard_normal((tasks * each, raters))
    score = (z[..., None] > np.array([-1.0, -0.3, 0.3, 1.0])).sum(axis=-1) + 1.0
    made = table_of(score)
    task = made.item // each
    people = tuple(map(str, range(tasks * raters)))
    ratings = Ratings(
        made.item, made.item, 0 * made.item, task * raters + made.rater, made.score,
        tuple(map(str, range(made.items))), ("A",), people, made.items, "crowd.csv", "0" * 64,
    )  # fmt: skip
    sheet = Sheet.of_levels(ratings, np.arange(1.0, 6.0))
    # totals alone make the spread of tasks, 0.8 of all, that of raters; contrasts within items know better
    assert ProbitModel.fitted(sheet).fit.severity_sd < 0.15
    model = fitted_law(sheet, sheet, FOCUSED, 1)
    assert isinstance(model, ShapedModel)
    assert model.shape.severity_sd == 0
    assert not model.shape.severities.any()


def test_the_focused_law_is_tried_only_where_others_miss():
    assert others_miss({LAWS[0]: 0.96, "rounded-normal": 0.99}, 3)
    assert not others_miss({LAWS[0]: 0.98}, 3)
    assert not others_miss({LAWS[0]: 0.5}, 2)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"noises": [1.0]}, "law.noises]: [1.0] for 2 places"),
        ({"noises": [1.0, 0.0]}, "law.noises]: [1.0, 0.0] for 2 places"),
        ({"places": [2.0, -2.0]}, "law.places]: [2.0, -2.0] are no places"),
        ({"places": [], "weights": []}, "law.places]: [] are no places"),
    ],
)
def test_broken_noises_are_one_line(change, words):
    fields = {"values": [0, 1], "cuts": [[0.0]], "places": [-2.0, -2.0], "weights": [[0.4, 0.6]], "noises": [1.0, 2.0]}
    RatingLaw.from_tree(fields, "x.toml", "law")
    with pytest.raises(InputError, match=r"^[^\n]*$") as caught:
        RatingLaw.from_tree(fields | change, "x.toml", "law")
    assert words in str(caught.value)
