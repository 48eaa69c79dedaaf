"""Item effects of any shape: found where they are, played as fitted, and carried to studies whose means move."""

from __future__ import annotations

import tomllib
from dataclasses import replace

import numpy as np
import pytest
from scipy.special import ndtr

from expsim_panel import plan
from expsim_panel.calibrate import calibrate, dump_scenario, to_scenario
from expsim_panel.components import reliability, variance_components
from expsim_panel.errors import InputError
from expsim_panel.evaluators.human import Human
from expsim_panel.kernels.streams import generator
from expsim_panel.kernels.worlds import draw_world
from expsim_panel.rated_rows import told
from expsim_panel.rating_law import RatingLaw
from expsim_panel.rating_law_tables import ITEMS, law_table
from expsim_panel.rating_laws import PLAIN, REVISED, SHAPED
from expsim_panel.rating_models import ProbitModel, Sheet
from expsim_panel.ratings import Ratings
from expsim_panel.realism import realism
from expsim_panel.scenario import Scenario
from expsim_panel.shaped_law import effects_by_mean, levels_by_place
from expsim_panel.shaped_ratings import Shape, ShapedModel

CUTS = np.array([-1.5, -0.5, 0.5, 1.5])
SEVERITIES = np.array([-0.4, 0.0, 0.4])
HITS = np.array([0.4, 0.7])
VALUES = np.arange(1.0, 6.0)


def table_of(level: np.ndarray, items: int, raters: int) -> Ratings:
    """Return ratings of `items` prompts by two variants, each item by all raters, in the order of the codes."""
    item, rater = (part.ravel() for part in np.meshgrid(range(2 * items), range(raters), indexing="ij"))
    names, people = tuple(map(str, range(items))), tuple(f"r{k}" for k in range(raters))
    score = VALUES[level.ravel()]
    return Ratings(item // 2, item, item % 2, rater, score, names, ("A", "B"), people, 2 * items, "hits.csv", "0")


def drawn(items: int, seed: int, lapse: float = 0.0) -> Ratings:
    """Draw hits at 2 and misses at -2 on the latent scale, noise 1, some ratings as of another item."""
    rng = np.random.default_rng(seed)
    rate = HITS[np.arange(2 * items) % 2][:, None]
    shape = (2 * items, len(SEVERITIES))
    hit = np.where(rng.random(shape) < lapse, rng.random(shape) < rate, rng.random((2 * items, 1)) < rate)
    z = np.where(hit, 2.0, -2.0) + SEVERITIES + rng.standard_normal(shape)
    return table_of((z[..., None] > CUTS).sum(axis=-1), items, len(SEVERITIES))


def points(items: int, seed: int, noise: float, severity: float) -> Ratings:
    """Draw rounded scores around 1.2 and 4.8, by four raters."""
    rng = np.random.default_rng(seed)
    hit = rng.random((2 * items, 1)) < HITS[np.arange(2 * items) % 2][:, None]
    score = (
        np.where(hit, 4.8, 1.2) + severity * np.array([-1, -0.3, 0.3, 1]) + noise * rng.standard_normal((len(hit), 4))
    )
    return table_of(np.clip(np.rint(score), 1, 5).astype(int) - 1, items, 4)


@pytest.mark.parametrize("lapse", [0.0, 0.1])
def test_places_weights_raters_and_lapses_are_found(lapse):
    items = 600
    sheet = Sheet.of_levels(drawn(items, 1, lapse), VALUES)
    shape = ShapedModel.fitted(sheet, ProbitModel.fitted(sheet)).shape
    np.testing.assert_allclose(shape.weights.sum(axis=1), 1)
    middle = shape.thresholds[1:3].mean()
    high = shape.places > middle
    # hits are hardly ever mistaken for misses by three raters: binomial errors of 600 items
    np.testing.assert_allclose(shape.weights[:, high].sum(axis=1), HITS, atol=4.5 * np.sqrt(0.25 / items))
    for side, place in ((high, 2.0), (~high, -2.0)):
        weight = shape.weights[:, side].sum(axis=0)
        # 500 items or more, three ratings of noise 1 each, and thresholds that are as well known: 0.05 each
        assert weight @ (shape.places[side] - middle) / weight.sum() == pytest.approx(place, abs=4.5 * 0.07)
    np.testing.assert_allclose(np.diff(shape.thresholds), np.diff(CUTS), atol=4.5 * 0.07)
    np.testing.assert_allclose(shape.severities, SEVERITIES, atol=4.5 * 1.3 / np.sqrt(2 * items))
    assert shape.lapse == pytest.approx(lapse, abs=0.051)
    assert (shape.lapse > 0) == (lapse > 0)


@pytest.mark.parametrize("lapse", [0.0, 0.2])
def test_what_is_played_is_the_law(lapse):
    """Single ratings and pairs of raters against sums over places."""
    items = 40_000
    sheet = Sheet.of_levels(table_of(np.zeros((2 * items, 3), dtype=np.int64), items, 3), VALUES)
    places = np.array([-2.0, 0.5, 2.0])
    weights = np.array([[0.6, 0.1, 0.3], [0.2, 0.3, 0.5]])
    shape = Shape(places, weights, CUTS, SEVERITIES, np.zeros(3), 0.4, lapse)
    fit = ProbitModel.fitted(Sheet.of_levels(drawn(50, 1), VALUES)).fit
    level = ShapedModel(fit, 0.6, shape).simulate(sheet, np.random.default_rng(2)).reshape(-1, 2, 3)
    edges = np.pad(CUTS - SEVERITIES[:, None], ((0, 0), (1, 1)), constant_values=np.inf)
    edges[:, 0] = -np.inf
    chance = np.diff(ndtr(edges[:, None, :] - places[:, None]), axis=2)
    error = 4.5 * np.sqrt(0.25 / items)
    for variant, own in enumerate(weights):
        alone = np.einsum("p,rpl->rl", own, chance)
        seen = [np.bincount(level[:, variant, r], minlength=5) / items for r in range(3)]
        np.testing.assert_allclose(seen, alone, atol=error)
        both = np.einsum("p,pa,pb->ab", own, chance[0], chance[2])
        kept = (1 - lapse) ** 2
        pair = np.zeros((5, 5))
        np.add.at(pair, (level[:, variant, 0], level[:, variant, 2]), 1 / items)
        np.testing.assert_allclose(pair, kept * both + (1 - kept) * np.outer(alone[0], alone[2]), atol=error)


@pytest.mark.arithmetic
def test_hit_or_miss_is_met_by_the_shaped_law_alone_and_reaches_the_study():
    """From a table to drawn rows; scores are rounded points, not the law's own."""
    ratings = points(300, 5, 0.8, 0.3)
    found = calibrate(ratings, splits=4)
    assert found.realism.law == SHAPED
    assert found.realism.scores[SHAPED] > 0.95
    assert found.realism.honest is not None
    assert found.realism.honest > 0.9
    assert max(value for name, value in found.realism.scores.items() if name != SHAPED) < 0.75
    assert "such as hit or miss" in " ".join(found.notes)
    assert "look adjudicated" not in " ".join(found.notes)
    tree = tomllib.loads(dump_scenario(to_scenario(found)))
    law = tree["evaluators"]["human"]["law"]
    assert law["name"] == SHAPED
    assert "loadings" not in law
    tree["evaluator"] = {"kind": "human"}
    scenario = Scenario.from_tree(tree, "hits.toml")
    assert "drawn, rater by rater, from the law that calibration kept (ordered-probit-shaped)" in told(scenario)
    human = Human.from_tree({**tree["evaluators"]["human"], "labels_per_item": 1}, "hits.toml")
    one, three = (law_table(human.law, votes, False) for votes in (1, 3))
    for arm, facts in enumerate(found.variants):
        mean = float(scenario.means[arm])
        chance = [np.interp(mean, one.centre[arm], one.table[arm, :, :, j].mean(axis=0)) for j in range(5)]
        # 1,200 ratings of 300 items: the design effect of ICC 0.85 is 3.6
        error = 4.5 * np.sqrt(0.25 * 3.6 / 1_200)
        np.testing.assert_allclose(chance, np.cumsum(facts.histogram) / facts.ratings, atol=error)
        whole = one.at(arm, mean, one.within) + one.at(arm, mean, one.between)
        # of scores at two ends a variance is known well: its error is that of the rate of hits, and 0.05 below 1/2
        assert whole == pytest.approx(ratings.score[ratings.variant == arm].var(), rel=0.1)
    both = [np.mean([table.at(a, float(scenario.means[a]), table.within) for a in (0, 1)]) for table in (one, three)]
    whole = np.mean([one.at(a, float(scenario.means[a]), one.between) for a in (0, 1)]) + both[0]
    parts = reliability(ratings, variance_components(ratings))
    # Var(mean of 3) = item + (Var(1) - item) / 3
    assert (3 * both[1] - both[0]) / 2 / whole == pytest.approx(parts.icc21 or 0.0, abs=0.04)


def test_hits_and_misses_that_agree_well_are_not_taken_for_adjudicated():
    """Raters four levels apart are far fewer than a normal law expects, though nobody revised."""
    sheet = Sheet.of_levels(points(200, 6, 0.5, 0.2), VALUES)
    found = realism(sheet, 2)
    assert found.law == SHAPED
    assert found.scores[SHAPED] > found.scores[PLAIN] + 0.2
    assert realism(sheet, 1, adjudicated=True).law == REVISED


def test_a_moved_normal_shape_stays_normal_and_hits_stay_at_their_places():
    cuts = [CUTS.tolist(), (CUTS + 0.3).tolist()]
    places = np.linspace(-8, 8, 129)
    normal = np.exp(-0.5 * (places / 1.2) ** 2)
    two = np.exp(-0.5 * ((np.abs(places) - 2) / 0.05) ** 2)
    weights = [(own / own.sum()).tolist() for own in (normal, two)]
    law = RatingLaw.from_tree(
        {"values": VALUES.tolist(), "cuts": cuts, "places": places.tolist(), "weights": weights}, "x"
    )
    at, own = effects_by_mean(law, 81)
    mean = own @ at
    variance = own @ at**2 - mean**2
    near = np.abs(mean[0]) < 2
    assert near.sum() > 30
    # places reach 5 standard deviations beyond; the faint weight of all others is 1e-12 of exp(t x)
    np.testing.assert_allclose(variance[0, near], 1.2**2, rtol=1e-4)
    far = np.abs(np.abs(at) - 2) > 0.2
    inside = np.abs(mean[1]) < 1.9
    assert own[1, inside][:, far].sum(axis=1).max() < 1e-3
    chance = levels_by_place(law, np.array([-2.0, 2.0])).mean(axis=0)
    table = law_table(law, 1, False)
    score = np.diff(chance, axis=1, prepend=0) @ VALUES
    for rate in (0.2, 0.5, 0.83):
        target = float((1 - rate) * score[0] + rate * score[1])
        seen = [np.interp(target, table.centre[1], table.table[1, :, :, j].mean(axis=0)) for j in range(5)]
        np.testing.assert_allclose(seen, (1 - rate) * chance[0] + rate * chance[1], atol=1e-4)
    assert table.limits[0] < 1.01
    assert table.limits[1] > 4.99


@pytest.mark.parametrize("lapse", [0.0, 0.3])
def test_the_mean_of_three_varies_as_places_say(lapse):
    fields = {"values": VALUES.tolist(), "cuts": [CUTS.tolist()], "places": [-2.0, 2.0], "weights": [[0.4, 0.6]]}
    law = RatingLaw.from_tree(fields | {"lapse": lapse}, "law")
    chance = np.diff(levels_by_place(law, np.array([-2.0, 2.0]))[0], axis=1, prepend=0)
    score = chance @ VALUES
    noise = chance @ VALUES**2 - score**2
    mean, item = 0.4 * score[0] + 0.6 * score[1], 0.24 * (score[1] - score[0]) ** 2
    single = item + 0.4 * noise[0] + 0.6 * noise[1]
    one, three = law_table(law, 1, False), law_table(law, 3, False)
    assert one.at(0, mean, one.within) == pytest.approx(single, rel=1e-3)
    error = 4.5 * np.sqrt(1 / ITEMS)
    assert three.at(0, mean, three.within) == pytest.approx(single / 3 + 2 / 3 * (1 - lapse) ** 2 * item, rel=error)


def test_rows_of_a_study_have_the_moved_mean_and_its_shape():
    """An effect of +0.5 that was not in the ratings: more hits, and the spread that follows from it."""
    fields = {"values": VALUES.tolist(), "cuts": [CUTS.tolist()], "places": [-2.0, 2.0], "severity_sd": 0.1}
    fields |= {"weights": [[0.4, 0.6]] * 2, "noise_sd": 0.6, "name": SHAPED}
    chance = np.diff(levels_by_place(RatingLaw.from_tree(fields, "law"), np.array([-2.0, 2.0]))[0], axis=1, prepend=0)
    score = chance @ VALUES
    means = [float(0.4 * score[0] + 0.6 * score[1]), float(0.4 * score[0] + 0.6 * score[1] + 0.5)]
    scenario = Scenario.from_tree(
        {
            "schema": 1,
            "scenario": {"name": "hits", "indifference": 0.05},
            "metric": {"name": "rating", "family": "ordinal", "sd": 1.5, "range": [1, 5]},
            "variants": [{"name": "A", "mean": means[0]}, {"name": "B", "mean": means[1]}],
            "traffic": {"units_per_day": 600, "days": 2},
            "evaluator": {
                "kind": "human", "coverage": 1.0, "raters": 6, "seconds": 1.0, "severity_sd": 0.1, "noise_sd": 0.6,
                "law": fields,
            },
        },
        "hits.toml",
    )  # fmt: skip
    size = 1_000
    law, rows = plan.law(scenario, "truth", 3, 0, size), plan.schedule(scenario).daily_rows
    assert law.uneven is not None
    sums, squares = np.empty((2, size, len(rows), 2))
    kernel_law = law.uneven.rows(law.means, law.sds, law.severity_sd, law.raters, law.shared)
    draw_world(generator(5, 1, 0), generator(5, 2, 0), kernel_law, rows, law.uneven.shares, False, 1.0, sums, squares)
    count = int(rows[:, 0].sum())
    for arm, mean in enumerate(means):
        rate = (mean - score[0]) / (score[1] - score[0])
        second = (1 - rate) * chance[0] @ VALUES**2 + rate * chance[1] @ VALUES**2
        seen = sums[:, -1, arm] / count
        assert seen.mean() == pytest.approx(mean, abs=4.5 * np.sqrt((second - mean**2) / count / size))
        # the square of a score of 1 to 5 spreads by 12 at most
        assert (squares[:, -1, arm] / count).mean() == pytest.approx(second, abs=4.5 * 12 / np.sqrt(count * size))
    tree = scenario.to_tree()
    tree["evaluator"]["law"]["weights"] = [[0.4, 0.6]] * 3
    with pytest.raises(InputError, match=r"evaluator\.law\.weights\]: 3 weights for 2 variants"):
        Scenario.from_tree(tree, "hits.toml")


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"places": [2.0, -2.0]}, "law.places]: [2.0, -2.0] are no places"),
        ({"weights": []}, "law.weights]: no weights of 2 places"),
        ({"weights": [[0.4, 0.7]]}, "law.weights.0]: [0.4, 0.7] for 2 places"),
        ({"places": []}, "law.places]: [] are no places"),
        ({"loadings": [[0.7]]}, "law.loadings]: is read where effects are normal"),
        ({"adjudicated": True}, "law.adjudicated]: is read where effects are normal"),
    ],
)
def test_a_broken_shape_is_one_line(change, words):
    fields = {"values": [0, 1], "cuts": [[0.0]], "places": [-2.0, 2.0], "weights": [[0.4, 0.6]]}
    with pytest.raises(InputError, match=r"^[^\n]*$") as caught:
        RatingLaw.from_tree(fields | change, "x.toml", "law")
    assert words in str(caught.value)


def test_a_large_calibration_keeps_no_single_raters():
    found = calibrate(points(150, 7, 0.8, 0.3), splits=2)
    assert found.to_json()["shape"]["severities"]
    assert "severities" not in replace(found, raters=61).to_json()["shape"]
