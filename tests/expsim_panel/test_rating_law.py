"""Studies draw people's ratings from the law that calibration kept: its distribution, its raters, its agreement."""

from __future__ import annotations

import itertools
import tomllib

import numpy as np
import pytest
from scipy.special import ndtr

from expsim_panel import plan
from expsim_panel.calibrate import calibrate, dump_scenario, to_scenario
from expsim_panel.caveats import caveats
from expsim_panel.components import reliability, variance_components
from expsim_panel.errors import InputError
from expsim_panel.evaluators.human import Human
from expsim_panel.item_texture import Texture
from expsim_panel.kernels.streams import generator
from expsim_panel.kernels.worlds import draw_world
from expsim_panel.rated_rows import told
from expsim_panel.rating_law import RatingLaw
from expsim_panel.rating_law_tables import ITEMS, REACH, law_table
from expsim_panel.rating_models import adjudicated_levels
from expsim_panel.ratings import Ratings
from expsim_panel.scenario import Scenario
from expsim_panel.study import Study
from expsim_panel.uneven import RATED

CUTS = np.array([[-1.6, -1.1, -0.5, 0.0], [-1.2, -0.9, -0.3, 0.6], [-2.0, -0.8, 0.1, 0.5]])
SPREADS = np.array([1.0, 1.2])
SHIFT = 0.4  # latent, of the second variant
TEXTURE = Texture(np.full((3, 1), 0.7), np.array([-1.0, 1.5]), np.array([0.6, 0.4]), lapse=0.1)
VALUES = np.arange(1.0, 6.0)
FIELDS = {
    "name": "made",
    "values": VALUES.tolist(),
    "cuts": CUTS.tolist(),
    "spreads": SPREADS.tolist(),
    "loadings": [[0.7]] * 3,
    "shifts": [-1.0, 1.5],
    "shares": [0.6, 0.4],
    "lapse": 0.1,
    "severity_sd": 0.3,
    "noise_sd": 0.6,
}


def drawn(items: int, seed: int) -> Ratings:
    """Draw a table of two variants from the law, every item rated by all three raters."""
    item, rater = (part.ravel() for part in np.meshgrid(range(2 * items), range(3), indexing="ij"))
    kind = item % 2
    rng = np.random.default_rng(seed)
    cuts = (CUTS[rater] - SHIFT * kind[:, None]) / SPREADS[kind][:, None]
    level = TEXTURE.levels(item, rater, cuts, cuts, rng.standard_normal((1, 2 * items)), rng)
    names = tuple(map(str, range(items)))
    return Ratings(
        item // 2, item, kind, rater, VALUES[level], names, ("A", "B"), ("x", "y", "z"), 2 * items, "m.csv", "0"
    )


def mean_at(latent: float, spread: float) -> float:
    return float(5 - ndtr((CUTS - latent) / spread).sum(axis=1).mean())


def study(**human: object) -> Scenario:
    """Return a scenario whose people rate by the law."""
    means = [mean_at(0.0, 1.0), mean_at(SHIFT, 1.2)]
    return Scenario.from_tree(
        {
            "schema": 1,
            "scenario": {"name": "rated", "indifference": 0.05},
            "metric": {"name": "rating", "family": "ordinal", "sd": 0.8, "range": [1, 5]},
            "variants": [{"name": "A", "mean": means[0]}, {"name": "B", "mean": means[1]}],
            "traffic": {"units_per_day": 600, "days": 2},
            "evaluator": {
                "kind": "human", "coverage": 1.0, "raters": 6, "seconds": 1.0, "severity_sd": 0.3, "noise_sd": 0.6,
                "law": FIELDS, **human,
            },
        },
        "rated.toml",
    )  # fmt: skip


def sums_of(scenario: Scenario, world: str, size: int) -> tuple[np.ndarray, np.ndarray, int]:
    """Return sums and sums of squares of a study's rows, shape (size, arms), and the rows of an arm."""
    law, rows = plan.law(scenario, world, 3, 0, size), plan.schedule(scenario).daily_rows
    assert law.uneven is not None
    assert law.uneven.family == RATED
    sums, squares = np.empty((2, size, len(rows), 2))
    kernel_law = law.uneven.rows(law.means, law.sds, law.severity_sd, law.raters, law.shared)
    streams = generator(5, 1, 0), generator(5, 2, 0)
    draw_world(*streams, kernel_law, rows, law.uneven.shares, False, 1.0, sums, squares)
    return sums[:, -1], squares[:, -1], int(rows[:, 0].sum())


def test_one_rating_has_the_chances_of_the_probit():
    table = law_table(RatingLaw.from_tree(FIELDS, "law"), 1, False)
    for arm, (latent, spread) in enumerate(((0.0, 1.0), (SHIFT, 1.2))):
        mean = mean_at(latent, spread)
        low = int(np.searchsorted(table.centre[arm], mean)) - 1
        part = (mean - table.centre[arm, low]) / (table.centre[arm, low + 1] - table.centre[arm, low])
        found = (1 - part) * table.table[arm, :, low] + part * table.table[arm, :, low + 1]
        exact = ndtr((CUTS - latent) / spread)
        # linear between points a sixteenth of a standard deviation apart: h^2 / 8 max |phi'|
        np.testing.assert_allclose(found[:, :-1], exact, atol=3e-4)
        chance = np.diff(exact, axis=1, prepend=0, append=1)
        centre = chance @ VALUES
        variance = chance @ VALUES**2 - centre**2
        assert table.at(arm, mean, table.within) == pytest.approx(variance.mean(), rel=2e-3)
        assert table.at(arm, mean, table.between) == pytest.approx(centre.var(), rel=2e-3)
    assert table.limits[0] < 1.01
    assert table.limits[1] > 4.99


@pytest.mark.arithmetic
@pytest.mark.parametrize("labels", [1, 3])
def test_rows_of_a_study_have_the_moments_of_the_law(labels):
    """Means, spreads and raters of drawn rows against ratings drawn one by one from the same law."""
    scenario = study(labels_per_item=labels)
    size = 4_000
    sums, squares, rows = sums_of(scenario, "truth", size)
    table = law_table(RatingLaw.from_tree(FIELDS, "law"), labels, False)
    panels = 6 // labels
    for arm in (0, 1):
        mean = float(scenario.means[arm])
        within, between = (table.at(arm, mean, which) for which in (table.within, table.between))
        of_means = sums[:, arm] / rows
        # given who rates a mean varies by `within`; raters are drawn from the kinds anew in each experiment
        expected = within / rows + between / panels
        assert of_means.mean() == pytest.approx(mean, abs=4 * np.sqrt(expected / size))
        assert of_means.var() == pytest.approx(expected, rel=4.5 * np.sqrt(2 / size))
        spread = (squares[:, arm] / rows - of_means**2).mean() * rows / (rows - 1)
        seen = within + between * (1 - 1 / panels)
        assert spread == pytest.approx(seen, rel=0.012)
    if labels > 1:
        # three ratings of the same responses by the same kinds: the reliability that a table of them shows
        parts = variance_components(drawn(6_000, 4))
        assert parts.item is not None
        assert parts.noise is not None
        one = parts.item + parts.noise / 3
        # responses drawn: 6,000 of each variant here, ITEMS / 2 in the table
        assert table.at(0, float(scenario.means[0]), table.within) == pytest.approx(one, rel=0.12)
        both = np.mean([table.at(arm, float(scenario.means[arm]), table.within) for arm in (0, 1)])
        assert both == pytest.approx(one, rel=4.5 * np.sqrt(2 / 12_000 + 2 / ITEMS))


def test_the_null_twin_has_the_law_of_the_control_in_both_arms():
    scenario = study()
    sums, squares, rows = sums_of(scenario, "null", 3_000)
    means = sums / rows
    spread = squares / rows - means**2
    assert means[:, 0].mean() == pytest.approx(means[:, 1].mean(), abs=4 * means.std() * np.sqrt(2 / 3_000))
    assert spread[:, 0].mean() == pytest.approx(spread[:, 1].mean(), rel=0.01)


@pytest.mark.arithmetic
def test_a_calibrated_scenario_draws_what_the_table_shows():
    """From ratings to a scenario file to drawn ratings: levels, spread, and agreement within their sampling errors."""
    ratings = drawn(1_000, 7)
    found = calibrate(ratings, splits=2)
    tree = tomllib.loads(dump_scenario(to_scenario(found)))
    law = tree["evaluators"]["human"]["law"]
    assert law["name"] == found.realism.law
    assert law["source"].startswith("m.csv, 6,000 ratings")
    scenario = Scenario.from_tree(tree, "m.toml")
    human = Human.from_tree({**tree["evaluators"]["human"], "labels_per_item": 1}, "m.toml")
    one, three = (law_table(human.law, votes, False) for votes in (1, 3))
    for arm, facts in enumerate(found.variants):
        mean = float(scenario.means[arm])
        chance = [np.interp(mean, one.centre[arm], one.table[arm, :, :, j].mean(axis=0)) for j in range(5)]
        seen = np.cumsum(facts.histogram) / facts.ratings
        # 3,000 ratings of 1,000 items: the design effect of ICC 0.5 is 2
        np.testing.assert_allclose(chance, seen, atol=4.5 * np.sqrt(0.25 * 2 / 3_000))
        score = ratings.score[ratings.variant == arm]
        whole = one.at(arm, mean, one.within) + one.at(arm, mean, one.between)
        assert whole == pytest.approx(score.var(), rel=0.08)
        assert facts.item_mean_sd is not None
        assert three.at(arm, mean, three.within) == pytest.approx(facts.item_mean_sd**2, rel=0.15)
    # ICC from the spread of single and of mean ratings: Var(3) = Var(1) (1 + 2 ICC) / 3
    both = [np.mean([table.at(a, float(scenario.means[a]), table.within) for a in (0, 1)]) for table in (one, three)]
    parts = reliability(ratings, variance_components(ratings))
    assert (3 * both[1] / both[0] - 1) / 2 == pytest.approx(parts.icc21 or 0.0, abs=0.06)


def test_the_law_rests_where_its_numbers_are_changed_and_this_is_said():
    scenario = study()
    assert "drawn, rater by rater, from the law that calibration kept (made)" in told(scenario)
    changed = study(noise_sd=0.9)
    assert "rests: noise_sd is not as fitted" in told(changed)
    law = plan.law(changed, "truth", 1, 0, 2)
    assert law.uneven is None
    assert law.sds[0, 0] == pytest.approx(np.hypot(0.8, 0.9))
    tree = scenario.to_tree()
    people = {key: value for key, value in tree["evaluator"].items() if key != "kind"}
    judge = {"model": "gpt-4o-mini", "provider": "openai", "item_sd": 0.3}
    tree["evaluators"], tree["evaluator"] = {"human": people, "judge": judge}, {"kind": "hybrid"}
    hybrid = Scenario.from_tree(tree, "rated.toml")
    assert "a normal shape: a judge is corrected by them" in told(hybrid)
    joint = hybrid.evaluator.joint(hybrid.means[None], hybrid.sds[None], "ordinal")
    table = law_table(people_law := RatingLaw.from_tree(FIELDS, "law"), 1, False)
    assert people_law.key() == hybrid.evaluator.human.law.key()
    assert joint.label_sd[0, 1] ** 2 == pytest.approx(table.at(1, float(hybrid.means[1]), table.within))


def test_a_study_says_where_its_ratings_come_from_and_reads_itself_back():
    tree = study().to_tree()
    assert tree["evaluator"]["law"]["cuts"] == CUTS.tolist()
    again = Scenario.from_tree(tree, "rated.toml")
    assert again.to_tree() == tree
    tree["strategies"] = [{"kind": "fixed-horizon"}]
    result = Study.from_tree(tree, "rated.toml").run(replicates=200, seed=2)
    assert result.strategies[0].figures["power"].exact is None
    assert any("from the law that calibration kept (made)" in line for line in caveats(result))


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"cuts": [[1.0, 0.0, 2.0, 3.0]] * 3}, "evaluator.law.cuts.0]: [1.0, 0.0, 2.0, 3.0] for 5 levels"),
        ({"cuts": [[0.0, 1.0, 2.0, "x"]] * 3}, "is not a list of numbers"),
        ({"loadings": [[0.7]]}, "1 lists for 3 kinds of raters"),
        ({"loadings": [[1.2]] * 3}, "sum to 1 or more"),
        ({"shares": [0.6, 0.6]}, "2 shares of 2 classes sum to 1.2"),
        ({"spreads": [1.0, 1.0, 1.0]}, "3 spreads for 2 variants"),
        ({"values": [5.0, 4.0]}, "are no scores"),
        ({"to_median": True}, "to_median]: nobody revises"),
        ({"cut": []}, "did you mean 'cuts'?"),
    ],
)
def test_a_broken_law_is_one_line(change, words):
    with pytest.raises(InputError, match=r"^[^\n]*$") as caught:
        study(law=FIELDS | change)
    assert words in str(caught.value)


def test_the_mean_of_three_who_revise_is_that_of_every_triple():
    """Three raters alike, hardly correlated: every triple of levels, revised, against the simulated rows."""
    cuts = [-1.6, -1.1, -0.5, 0.0]
    fields = {"values": VALUES.tolist(), "cuts": [cuts] * 3, "loadings": [[0.01]] * 3}
    chance = np.diff(ndtr(cuts), prepend=0, append=1)
    triples = np.array(list(itertools.product(range(5), repeat=3)))
    weight = chance[triples].prod(axis=1)
    item = np.repeat(np.arange(125), 3)
    seen = []
    for rule in ({}, {"adjudicated": True}, {"adjudicated": True, "to_median": True}):
        law = RatingLaw.from_tree(fields | rule, "law")
        revised = triples
        if rule:
            revised = adjudicated_levels(triples.ravel().copy(), item, 125, "to_median" in rule).reshape(-1, 3)
        score = VALUES[revised].mean(axis=1)
        mean = float(weight @ score)
        variance = float(weight @ score**2) - mean**2
        table = law_table(law, 3, False)
        # ten or more different panels of 3,000 responses each; four moments of bounded scores
        assert table.at(0, mean, table.within) == pytest.approx(variance, rel=4.5 * np.sqrt(2 / 30_000))
        seen.append(variance)
    assert seen[2] > seen[1] * 1.05


def test_means_that_no_rating_can_have_are_refused():
    tree = study().to_tree()
    tree["metric"] = {"name": "rating", "family": "normal", "sd": 0.8}
    tree["variants"][1]["mean"] = 5.5
    with pytest.raises(InputError, match=r"variants\.1\.mean\]: a mean of 5\.5 is out of reach"):
        Scenario.from_tree(tree, "rated.toml")


def test_yes_and_no_by_raters_and_by_their_majority():
    cuts = [[-0.4], [0.1], [0.6]]
    fields = {**FIELDS, "values": [0, 1], "cuts": cuts, "spreads": [], "severity_sd": 0.0, "noise_sd": 0.0}
    rates = 1 - ndtr(np.array(cuts)[:, 0])
    tree = study().to_tree()
    tree["metric"] = {"name": "pass", "family": "binary"}
    tree["variants"] = [{"name": "A", "mean": float(rates.mean())}, {"name": "B", "mean": float(rates.mean())}]
    tree["evaluator"] |= {"law": fields, "severity_sd": 0.0, "noise_sd": 0.0}
    scenario = Scenario.from_tree(tree, "rated.toml")
    sums, squares, rows = sums_of(scenario, "truth", 4_000)
    np.testing.assert_array_equal(sums, squares)
    expected = (rates * (1 - rates)).mean() / rows + rates.var() / 6
    assert (sums[:, 0] / rows).mean() == pytest.approx(rates.mean(), abs=4 * np.sqrt(expected / 4_000))
    assert (sums[:, 0] / rows).var() == pytest.approx(expected, rel=4.5 * np.sqrt(2 / 4_000))
    table = law_table(RatingLaw.from_tree(fields, "law"), 3, True)
    assert table.values.tolist() == [0, 1]
    # the majority of all three kinds, drawn one by one, at the latent mean where a rating is positive in a quarter
    items, latent = 20_000, -0.6
    item, rater = (part.ravel() for part in np.meshgrid(range(items), range(3), indexing="ij"))
    rng = np.random.default_rng(8)
    own = (np.array(cuts) - latent)[rater]
    level = TEXTURE.levels(item, rater, own, own, rng.standard_normal((1, items)), rng)
    slow = (level.reshape(items, 3).sum(axis=1) >= 2).mean()
    grid = np.linspace(-0.4 - REACH, 0.6 + REACH, table.centre.shape[1])
    # panels draw kinds at random, so they need not be one of each: 16 of them, whose rates spread
    assert float(np.interp(latent, grid, table.centre[0])) == pytest.approx(slow, abs=0.03)
