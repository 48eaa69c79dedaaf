"""Raters with scales and factors of their own, items with a texture: each part found where it is, and only there."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from scipy.special import ndtr, ndtri

from expsim_panel.calibrate import calibrate, to_scenario
from expsim_panel.item_texture import Texture, earlier, fit_texture, widened, without
from expsim_panel.rater_factors import ORDERS, rater_loadings, scores_of
from expsim_panel.rater_scales import threshold_shifts
from expsim_panel.rating_laws import LAWS, STRUCTURED, TEXTURED, chosen_law, fitted_law, going_on, law_told
from expsim_panel.rating_models import ProbitModel, Sheet
from expsim_panel.ratings import Ratings
from expsim_panel.realism import PARTS, apart, pictures
from expsim_panel.realism_nested import nested_choice
from expsim_panel.study import Study

CUTS = np.array([-1.2, -0.4, 0.3, 1.1])
VALUES = np.arange(1.0, 6.0)
RATERS = 6


def drawn(texture: Texture, items: int, seed: int, own: np.ndarray | None = None) -> Sheet:
    """Draw one variant's items, each rated by all raters, thresholds `own` or those of all."""
    item, rater = (part.ravel() for part in np.meshgrid(range(items), range(RATERS), indexing="ij"))
    rng = np.random.default_rng(seed)
    cuts = np.broadcast_to(CUTS, (RATERS, 4)) if own is None else own
    plain = np.broadcast_to(CUTS, (len(item), 4))
    factors = rng.standard_normal((texture.loadings.shape[1], items))
    level = texture.levels(item, rater, cuts[rater], plain, factors, rng)
    names = tuple(map(str, range(items)))
    zeros = np.zeros(len(item), dtype=np.int64)
    people = tuple(f"r{k}" for k in range(RATERS))
    ratings = Ratings(item, item, zeros, rater, VALUES[level], names, ("all",), people, items, "made.csv", "0" * 64)
    return Sheet.of_levels(ratings, VALUES)


def even(rho: float, **more: float) -> Texture:
    return Texture(np.full((RATERS, 1), np.sqrt(rho)), np.zeros(1), np.ones(1), **more)


def test_the_distribution_of_a_single_rating_is_kept_whatever_the_texture():
    """Style, echoes, lapses and straight answers change how ratings go together, not how often a level is given."""
    texture = Texture(
        np.array([[0.8, 0.3], [0.7, -0.4], [-0.6, 0.2], [0.5, 0.5], [0.9, 0.0], [0.3, 0.1]]),
        np.array([-1.0, 1.0]), np.array([0.55, 0.35]), style=0.6, lapse=0.1, echo=0.3, straight=0.1,
    )  # fmt: skip
    items = 20_000
    sheet = drawn(texture, items, 1)
    below = np.append(ndtr(CUTS), 1.0)
    chance = np.diff(below, prepend=0.0)
    for rater in range(RATERS):
        seen = np.bincount(sheet.level[sheet.ratings.rater == rater], minlength=5) / items
        np.testing.assert_allclose(seen, chance, atol=4.5 * np.sqrt(0.25 / items))


def test_thresholds_are_carried_to_the_mixture_and_back():
    cuts = np.linspace(-3, 3, 13)[:, None]
    s = np.exp(0.8 * np.array([-np.sqrt(3), 0.0, np.sqrt(3)]))
    mixed = ndtr(widened(cuts, 0.8) / s) @ np.array([1 / 6, 2 / 3, 1 / 6])
    np.testing.assert_allclose(mixed, ndtr(cuts)[:, 0], atol=2e-4)
    own, plain = np.array([[-1.0, 0.0, 1.5]]), np.array([[-0.8, 0.1, 1.2]])
    rest = np.diff(np.append(np.insert(ndtr(without(own, plain, 0.1)[0]), 0, 0), 1))
    whole = 0.9 * rest + 0.1 * np.diff(np.append(np.insert(ndtr(plain[0]), 0, 0), 1))
    np.testing.assert_allclose(whole, np.diff(np.append(np.insert(ndtr(own[0]), 0, 0), 1)), atol=1e-9)


def test_echoes_come_from_an_earlier_rating_of_the_same_item():
    item = np.random.default_rng(2).permutation(np.repeat(np.arange(4_000), 3))
    turns = earlier(item, 4_000, np.random.default_rng(3))
    assert [len(mine) for mine, _ in turns] == [4_000, 4_000]
    order = np.argsort(item, kind="stable")
    place = np.empty(len(item), dtype=int)
    place[order] = np.tile(np.arange(3), 4_000)
    for turn, (mine, source) in enumerate(turns, 1):
        np.testing.assert_array_equal(item[source], item[mine])
        assert set(place[mine]) == {turn}
        assert set(place[source]) == set(range(turn))
    # without what raters see in common, two of an item tie by chance, and by the share of echoes
    chance = float((np.diff(np.append(ndtr(CUTS), 1.0), prepend=0.0) ** 2).sum())
    for echo in (0.0, 0.4):
        level = drawn(even(1e-9, echo=echo), 4_000, 4).level.reshape(-1, RATERS)
        tied = (level[:, 0] == level[:, 1]).mean()
        assert tied == pytest.approx(echo + (1 - echo) * chance, abs=4 * np.sqrt(0.25 / 4_000))


def test_echoes_keep_the_distribution_of_raters_who_differ():
    """A level that a rater seldom gives is seldom taken over: exact without item effects, nearly so with them."""
    own = CUTS + np.array([-0.8, -0.3, 0.0, 0.0, 0.3, 0.8])[:, None]
    items = 20_000
    for rho, slack in ((1e-9, 0.0), (0.5, 0.02)):
        sheet = drawn(even(rho, echo=0.4), items, 5, own)
        for rater in range(RATERS):
            seen = np.bincount(sheet.level[sheet.ratings.rater == rater], minlength=5) / items
            chance = np.diff(np.append(ndtr(own[rater]), 1.0), prepend=0.0)
            np.testing.assert_allclose(seen, chance, atol=slack + 4.5 * np.sqrt(0.25 / items))


@pytest.mark.parametrize("rho", [-0.6, 0.2, 0.7])
def test_the_covariance_of_two_scores_is_that_of_the_bivariate_normal(rho):
    cuts = np.array([[-1.0, 0.2, 1.4], [-0.3, -0.1, 0.8]])
    scores, orders = scores_of(cuts)
    edges = np.concatenate([np.full((2, 1), -9.0), cuts, np.full((2, 1), 9.0)], axis=1)
    chance = np.diff(ndtr(edges), axis=1)
    np.testing.assert_allclose((chance * scores).sum(axis=1), 0, atol=1e-12)
    # E[z | level] is a projection: its covariance with z is its own variance
    np.testing.assert_allclose(orders[:, 0], (chance * scores**2).sum(axis=1), rtol=1e-9)
    # exact, by integrating the second score given the first latent value
    z = np.linspace(-9, 9, 200_001)
    first = scores[0][np.searchsorted(cuts[0], z)]
    given = np.diff(ndtr((edges[1][:, None] - rho * z) / np.sqrt(1 - rho**2)), axis=0)
    exact = np.trapezoid(np.exp(-0.5 * z**2) / np.sqrt(2 * np.pi) * first * (scores[1] @ given), z)
    powers = rho ** np.arange(1, ORDERS + 1)
    assert float((powers * orders[0] * orders[1]).sum()) == pytest.approx(exact, abs=0.003)


def test_factors_of_raters_are_found_turned_around_ones_too():
    true = np.array([[0.9, 0.0], [0.8, 0.3], [0.7, -0.4], [-0.6, 0.3], [0.5, 0.5], [0.2, 0.0]])
    sheet = drawn(Texture(true, np.zeros(1), np.ones(1)), 4_000, 4)
    own = sheet.ratings
    found = rater_loadings(sheet.level, own.item, own.rater, np.broadcast_to(CUTS, (own.rows, 4)), RATERS)
    assert found is not None
    off = ~np.eye(RATERS, dtype=bool)
    # correlations of 4,000 pairs, a little more noise for classes: standard error below 0.02
    np.testing.assert_allclose((found @ found.T)[off], (true @ true.T)[off], atol=0.07)
    two = sheet.half((own.rater == 0) | (own.rater == 3))  # one of them turned around
    found = rater_loadings(two.level, two.ratings.item, two.ratings.rater // 3, np.tile(CUTS, (8_000, 1)), 2)
    assert found is not None
    assert (found @ found.T)[0, 1] == pytest.approx(true[0] @ true[3], abs=0.07)
    alone = sheet.half(own.rater == 0)
    assert rater_loadings(alone.level, alone.ratings.item, alone.ratings.rater, np.tile(CUTS, (4_000, 1)), 1) is None


def test_own_thresholds_are_found_and_raters_that_are_alike_are_left_alone():
    own = np.broadcast_to(CUTS, (RATERS, 4)).copy()
    own[0] = [-2.2, -0.1, 0.2, 0.4]  # hardly ever the third or fourth level
    alike, apart_from = drawn(even(0.3), 800, 5), drawn(even(0.3), 800, 6, own)
    zeros, rater = np.zeros(RATERS, dtype=np.int64), np.arange(RATERS)
    for sheet, same in ((alike, True), (apart_from, False)):
        counts = np.zeros((RATERS, 5))
        np.add.at(counts, (sheet.ratings.rater, sheet.level), 1)
        cuts = np.broadcast_to(ndtri(counts.sum(axis=0).cumsum()[:-1] / counts.sum()), (RATERS, 4))
        shifts, kappa = threshold_shifts(counts, zeros, rater, cuts, np.ones(1), RATERS)
        if same:
            assert np.isinf(kappa)
            assert not shifts.any()
        else:
            assert kappa < 200
            np.testing.assert_allclose(ndtr(cuts[0] + shifts[0]), ndtr(own[0]), atol=0.05)


def test_straight_items_and_style_are_found_where_they_are():
    rater = np.arange(RATERS)
    plain = np.broadcast_to(CUTS, (RATERS, 4))
    for texture, name in ((even(0.3, straight=0.2), "straight"), (even(0.3, style=0.6), "style"), (even(0.3), "")):
        made = replace(texture, shares=np.array([1 - texture.straight]))
        sheet = drawn(made, 1_500, 7)
        own = sheet.ratings
        found = fit_texture(sheet.level, own.item, own.rater, plain, plain, rater, texture.loadings)
        assert found.shares.sum() + found.straight == pytest.approx(1)
        assert found.straight == pytest.approx(texture.straight, abs=0.04)
        assert (found.style >= 0.3) == (name == "style")


@pytest.mark.arithmetic
def test_a_questionnaire_with_turned_questions_is_met_by_the_structured_law_alone():
    """Respondents as items: what made the realism of such tables poor."""
    texture = Texture(
        np.array([[0.8, 0.0], [0.75, 0.2], [0.7, -0.3], [-0.7, 0.3], [-0.75, 0.1], [-0.6, -0.4]]),
        np.zeros(1), np.array([0.95]), style=0.4, straight=0.05,
    )  # fmt: skip
    sheet = drawn(texture, 500, 8)
    own = sheet.ratings
    # two variants, so that it makes a scenario; half of the respondents each
    ratings = replace(own, variant=own.item % 2, variants=("A", "B"))
    found = calibrate(ratings, splits=4)
    assert found.realism.law == STRUCTURED
    assert found.realism.score is not None
    assert found.realism.score > 0.9
    assert found.realism.scores["ordered-probit-mixed"] < 0.75
    assert found.structure is not None
    assert found.structure.texture.straight == pytest.approx(0.05, abs=0.03)
    told = " ".join(found.notes)
    assert "richer law (ordered-probit-structured" in told
    assert "Studies draw people's ratings from it" in told
    # chosen again on a quarter of the respondents: the factors are found there too
    assert found.realism.nested is not None
    assert found.realism.nested.laws.keys() <= {STRUCTURED, TEXTURED}
    assert found.realism.nested.score == pytest.approx(found.realism.score - found.realism.nested.optimism)
    tree = to_scenario(found)
    assert len(tree["calibration"]["structure"]["texture"]["loadings"]) == RATERS
    assert any("richer law" in note for note in tree["calibration"]["notes"])
    Study.from_tree(tree, "made").freeze()

    model = fitted_law(sheet, sheet, STRUCTURED, 1)
    level = model.simulate(sheet, np.random.default_rng(9))
    again = fitted_law(sheet, sheet, STRUCTURED, 1)
    np.testing.assert_array_equal(level, again.simulate(sheet, np.random.default_rng(9)))
    off = dict(zip(PARTS, apart(pictures(sheet, level), pictures(sheet, sheet.level)), strict=True))
    assert off["pair"] < 0.08
    plain = ProbitModel.fitted(sheet).simulate(sheet, np.random.default_rng(9))
    assert off["range"] < apart(pictures(sheet, plain), pictures(sheet, sheet.level))[2] / 2


def test_the_nested_check_is_the_plain_arithmetic_of_its_halvings():
    """Two halvings whose choices are known: what is scored is the law each half chose, against the law kept."""
    near, far = np.full(4, 0.02), np.full(4, 0.06)
    turns = [[{"ordered-probit": far, STRUCTURED: near}] * 2] * 2
    chosen = [("ordered-probit", STRUCTURED), (STRUCTURED, STRUCTURED)]
    found = nested_choice(STRUCTURED, 0.95, [near, near], turns, chosen)
    # own: 0.04 / 0.04; chosen within: a mean distance of 0.03, 0.04 / 0.05
    assert found.optimism == pytest.approx(1 - 0.8)
    assert found.score == pytest.approx(0.95 - 0.2)
    assert found.halvings == 2
    assert found.laws == {"ordered-probit": 1, STRUCTURED: 3}


def test_the_plainest_law_within_the_margin_is_kept():
    scores = dict.fromkeys(LAWS, 0.9)
    assert chosen_law(scores) == "ordered-probit"
    assert chosen_law(scores | {"ordered-probit-mixed": 0.93}) == "ordered-probit-mixed"
    assert chosen_law(scores | {STRUCTURED: 0.93, "ordered-probit-textured": 0.922}) == "ordered-probit-textured"
    assert chosen_law({"ordered-probit": 0.8, "rounded-normal": 0.99}) == "ordered-probit"
    assert going_on(scores) == ()
    assert going_on(scores | {STRUCTURED: 0.95}) == (STRUCTURED,)
    assert going_on({"ordered-probit": 0.8}) == ()
    assert law_told("ordered-probit", scores) == []
    assert law_told(STRUCTURED, {}) == []
    told = law_told(STRUCTURED, scores)[0]
    assert "different sides" in told
    assert "Studies draw people's ratings from it." in told
