"""Items that draw levels: nothing changes for a single rating, pairs show it, and it is found where it is."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.special import ndtr

from expsim_panel.calibrate import calibrate, to_scenario
from expsim_panel.errors import InputError
from expsim_panel.item_texture import Texture
from expsim_panel.level_tastes import KINDS, pair_table, tasted, tastes_of
from expsim_panel.rating_law import RatingLaw
from expsim_panel.rating_law_tables import law_table
from expsim_panel.rating_laws import FOCUSED, LAWS, RICH, TASTED, WANTING, fitted_law, tastes_may_help
from expsim_panel.rating_models import ProbitModel, Sheet
from expsim_panel.ratings import Ratings
from expsim_panel.realism import PARTS, apart, pictures
from expsim_panel.study import Study

RATERS = 8
CUTS = np.linspace(-0.6, 0.6, RATERS)[:, None] + np.array([-0.7, -0.1])
MIDDLE = np.array([[0.0, 1.6, 0.0]])
"""Respondents who leave out much, and such that leave out nothing."""


def drawn(tastes: np.ndarray, items: int, seed: int, rho: float = 0.15) -> Sheet:
    """Draw items of two variants, each rated by all raters, whose distributions differ."""
    item, rater = (part.ravel() for part in np.meshgrid(range(items), range(RATERS), indexing="ij"))
    rng = np.random.default_rng(seed)
    texture = Texture(np.full((RATERS, 1), np.sqrt(rho)), np.zeros(1), np.ones(1), tastes=tastes)
    level = texture.levels(item, rater, CUTS[rater], CUTS[rater], rng.standard_normal((1, items)), rng)
    names, people = tuple(map(str, range(items))), tuple(f"r{k}" for k in range(RATERS))
    ratings = Ratings(item, item, item % 2, rater, level.astype(float), names, ("A", "B"), people, items, "m.csv", "0")
    return Sheet.of_levels(ratings, np.arange(3.0))


def chances(cuts: np.ndarray) -> np.ndarray:
    return np.diff(np.append(ndtr(cuts), np.ones((len(cuts), 1)), axis=1), prepend=0.0)


def test_every_rater_keeps_their_distribution_over_all_kinds():
    tastes = np.array([[0.3, 1.5, -0.4], [-1.0, 0.0, 1.0]])
    kind = np.tile(np.arange(KINDS), RATERS)
    own = tasted(np.repeat(CUTS, KINDS, axis=0), tastes, kind)
    mean = chances(own).reshape(RATERS, KINDS, 3).mean(axis=1)
    np.testing.assert_allclose(mean, chances(CUTS), atol=2e-5)
    assert np.ptp(chances(own)[:KINDS, 1]) > 0.5
    items = 20_000
    sheet = drawn(tastes, items, 1)
    for rater in range(RATERS):
        seen = np.bincount(sheet.level[sheet.ratings.rater == rater], minlength=3) / items
        np.testing.assert_allclose(seen, chances(CUTS)[rater], atol=4.5 * np.sqrt(0.25 / items))


def test_pairs_show_tastes_to_first_order():
    """Raters alike, no item effects: p[j] p[k] (1 + t[j] t[k]), tastes centred; what is left out is of third order."""
    cuts = np.broadcast_to(CUTS.mean(axis=0), (KINDS, 2))
    p = chances(cuts[:1])[0]
    taste = np.array([0.0, 0.3, -0.1])
    own = chances(tasted(cuts, taste[None], np.arange(KINDS)))
    centred = taste - p @ taste
    first = np.outer(p, p) * (1 + np.outer(centred, centred))
    np.testing.assert_allclose(own.T @ own / KINDS, first, atol=0.3**3 * 0.1)
    beyond = (first - np.outer(p, p)) / np.sqrt(np.outer(p, p))
    found = tastes_of(beyond, p, 0.0)
    np.testing.assert_allclose(np.abs(found[-1]), np.abs(centred), atol=1e-6)


def test_noise_alone_gives_no_tastes():
    """Twenty tables of one law: the residuals' largest eigenvalue passes the edge of noise at most once."""
    found = 0
    for seed in range(20):
        sheet = drawn(np.zeros((0, 0)), 300, seed, rho=1e-9)
        own = sheet.ratings
        share, edge = pair_table(sheet.level, own.item, own.items, 3)
        p = np.bincount(sheet.level, minlength=3) / own.rows
        # without item effects pairs of different raters are independent: exact shares from the raters' own
        each = chances(CUTS)
        exact = (np.outer(each.sum(axis=0), each.sum(axis=0)) - each.T @ each) / (RATERS * (RATERS - 1))
        found += len(tastes_of((share - exact) / np.sqrt(np.outer(p, p)), p, edge)) > 0
    assert found <= 1


def test_respondents_who_leave_questions_out_are_met_by_tastes_alone():
    sheet = drawn(MIDDLE, 600, 3)
    found = calibrate(sheet.ratings, splits=4)
    assert found.realism.law == TASTED
    assert found.realism.score is not None
    assert found.realism.score > 0.9
    others = [value for name, value in found.realism.scores.items() if name != TASTED]
    assert max(others) < found.realism.score - 0.05
    assert set(found.realism.tried) == {*RICH, FOCUSED}
    assert found.realism.nested is not None
    assert TASTED in found.realism.nested.laws
    assert "keep others away" in " ".join(found.notes)

    model = fitted_law(sheet, sheet, TASTED, 1)
    level = model.simulate(sheet, np.random.default_rng(9))
    again = fitted_law(sheet, sheet, TASTED, 1)
    np.testing.assert_array_equal(level, again.simulate(sheet, np.random.default_rng(9)))
    off = dict(zip(PARTS, apart(pictures(sheet, level), pictures(sheet, sheet.level)), strict=True))
    plain = ProbitModel.fitted(sheet).simulate(sheet, np.random.default_rng(9))
    assert off["pair"] < apart(pictures(sheet, plain), pictures(sheet, sheet.level))[1] / 2

    tree = to_scenario(found)
    human = tree["evaluators"]["human"]["law"]
    assert len(human["tastes"]) == 1
    Study.from_tree(tree, "made").freeze()
    # of five ratings the middle level's share varies more between responses than if nobody had tastes
    law = RatingLaw.from_tree(human, "law")
    spread = law_table(law, 5, False).within[0]
    law.tastes = []
    without = law_table(law, 5, False).within[0]
    assert not np.allclose(spread, without, rtol=0.02)


@pytest.mark.parametrize("tastes", [[[0.1]], [[0.1, 9.0, 0.0]], [[0.1, "x", 0.0]], [[0.0] * 3] * 4])
def test_tastes_must_fit_the_levels(tastes):
    fields = {"values": [0, 1, 2], "cuts": [[-0.5, 0.5]], "loadings": [[0.5]], "tastes": tastes}
    with pytest.raises(InputError, match="tastes"):
        RatingLaw.from_tree(fields, "law").check("s.toml", "law")


def test_tastes_are_tried_only_where_others_miss():
    poor, fine = dict.fromkeys(LAWS[:-1], WANTING - 0.01), dict.fromkeys(LAWS[:-1], WANTING)
    assert tastes_may_help(poor, 2, 3)
    assert not tastes_may_help(fine, 2, 3)
    assert not tastes_may_help(poor, 2, 2)
    assert not tastes_may_help(poor, 1, 3)
    assert not tastes_may_help(poor, 5_000, 3)
