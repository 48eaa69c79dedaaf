"""A judge measured beside people becomes the scenario's judge, and behaves as it was seen to."""

import numpy as np
import pandas as pd
import pytest
from bokeh.models import LinearColorMapper

from expsim_panel.calibrate import calibrate, to_scenario
from expsim_panel.plots._palette import DARK, LIGHT
from expsim_panel.plots.realism import pairs
from expsim_panel.rating_table import read_table
from expsim_panel.realism import Drawn, Realism
from expsim_panel.study import Study

NAMES = ("A", "B", "C")


def made(prompts=500, seed=1, *, quality=0.6, judge_scale=1.0, shift=0.0, binary=False):
    """Three variants, three raters, a judge that likes B more and C less."""
    rng = np.random.default_rng(seed)
    shared, rows = rng.normal(0, 0.4, prompts), []
    for p in range(prompts):
        for v, bias in enumerate((0.0, 0.4, -0.3)):
            q = 3 + 0.2 * v + shared[p] + rng.normal(0, quality)
            judge = q + bias + rng.normal(0, 0.5)
            for r in range(3):
                y = q + rng.normal(0, 0.8)
                rows.append((f"p{p}", NAMES[v], f"r{r}", y, judge))
    table = pd.DataFrame(rows, columns=["item", "variant", "rater", "score", "gpt"])
    table["score"] = np.clip(table["score"].round(), 1, 5).astype(int)
    if binary:
        table["score"] = (table["score"] > 3).astype(int)
        table["gpt"] = (table["gpt"] > 3.2).astype(int)
    else:
        table["gpt"] = shift + judge_scale * table["gpt"]
    return table


def read(tmp_path, table):
    path = tmp_path / "made.csv"
    table.to_csv(path, index=False)
    ratings, beside = read_table(path, judges=("gpt",))
    found = calibrate(ratings, "A", ["B", "C"], splits=1)
    return ratings, beside, found, to_scenario(found, beside=beside)


def implied(tree, raters):
    """Correlation of the raters' mean with the judge in a scenario (docs/model.md, "Measurement")."""
    judge, human, sd = tree["evaluators"]["judge"], tree["evaluators"]["human"], tree["metric"]["sd"]
    score = judge["scale"] ** 2 * sd**2 + judge["item_sd"] ** 2 + judge["item_variant_sd"] ** 2
    return judge["scale"] * sd**2 / np.sqrt((sd**2 + human["noise_sd"] ** 2 / raters) * score)


# At a spread of 0.15 people hardly agree with each other, as in HANNA: the judge then tells the spread.
@pytest.mark.parametrize("quality", [0.6, 0.15])
@pytest.mark.parametrize(("scale", "shift"), [(1.0, 0.0), (0.2, -0.1)], ids=["points", "fractions"])
def test_the_scenario_reproduces_correlation_and_bias_by_variant(tmp_path, quality, scale, shift):
    table = made(quality=quality, judge_scale=scale, shift=shift)
    _, beside, found, tree = read(tmp_path, table)
    facts = beside.judges["gpt"]
    low, high = facts.rho.interval
    assert low < implied(tree, 3) < high
    judge = Study.from_tree(tree, "made.toml").scenario.evaluator
    means = np.array([found.facts(name).mean for name in NAMES])
    law = judge.measure(means, np.full(3, tree["metric"]["sd"]), "ordinal")
    seen = table.groupby("variant")["gpt"].mean().to_numpy()
    if facts.same_scale:
        np.testing.assert_allclose(law.means, seen, atol=2e-5)  # files keep six digits
    # differential bias as it was estimated, up to the mean of the variants
    bias = law.means - means
    expected = np.array([facts.bias[name].value for name in NAMES])
    np.testing.assert_allclose(bias - bias.mean(), expected, atol=2e-5 if facts.same_scale else 3 * facts.bias["B"].se)
    assert judge.profile.startswith("gpt, fitted to 1,500 items")
    assert any("gpt" in line for line in tree["calibration"]["assumptions"])
    assert not any("assumed, not fitted" in line for line in tree["calibration"]["assumptions"])


def test_a_judge_of_rates_keeps_its_share_of_yes_by_variant(tmp_path):
    table = made(binary=True)
    _, _, found, tree = read(tmp_path, table)
    judge = Study.from_tree(tree, "made.toml").scenario.evaluator
    means = np.array([found.facts(name).mean for name in NAMES])
    rates = judge.measure(means, np.zeros(3), "binary").means
    seen = table.groupby("variant")["gpt"].mean().to_numpy()
    # the scenario has no bias on the control: what is kept is each difference from it
    np.testing.assert_allclose(np.diff(rates), np.diff(seen), atol=2e-5)
    crossed = pd.crosstab(table["score"], table["gpt"], normalize="index").to_numpy()
    assert judge.sensitivity == pytest.approx(crossed[1, 1], abs=1e-5)
    assert judge.specificity == pytest.approx(crossed[0, 0], abs=1e-5)


def test_measured_costs_replace_the_assumed_ones(tmp_path):
    table = made(200)
    people = table.drop(columns="gpt").assign(kind="human", cost=0.5, seconds=40.0)
    judge = table.drop_duplicates(["item", "variant"]).assign(rater="gpt", kind="judge", cost=0.004, seconds=3.0)
    judge["score"] = judge["gpt"]
    path = tmp_path / "long.csv"
    pd.concat([people, judge.drop(columns="gpt")]).to_csv(path, index=False)
    ratings, beside = read_table(path)
    tree = to_scenario(calibrate(ratings, splits=1), beside=beside)
    made_judge, human = tree["evaluators"]["judge"], tree["evaluators"]["human"]
    assert (made_judge["price_override"], made_judge["seconds"]) == (0.004, 3.0)
    assert (human["price_per_label"], human["seconds"]) == (0.5, 40.0)
    assert not any("pay is assumed" in line for line in tree["calibration"]["assumptions"])
    assert any("a human's rating cost $0.5" in line for line in tree["calibration"]["assumptions"])


def test_a_judge_that_scored_one_arm_only_is_not_used(tmp_path):
    table = made(200).astype({"gpt": object})
    table.loc[table["variant"] != "A", "gpt"] = ""
    *_, tree = read(tmp_path, table)
    assert any("assumed, not fitted" in line for line in tree["calibration"]["assumptions"])


@pytest.mark.parametrize("biases", [[0.1], [0.1, 0.2, 0.3], [0.1, 1e13]])
def test_biases_must_fit_the_variants(tmp_path, biases):
    from expsim_panel.errors import InputError

    *_, tree = read(tmp_path, made(200))
    tree["evaluators"]["judge"]["biases"] = biases
    with pytest.raises(InputError, match="biases"):
        Study.from_tree(tree, "made.toml").freeze()


def test_the_page_draws_the_distances_and_escapes_names(tmp_path):
    from expsim_panel.exports.calibration_html import page

    table = made(200).replace({"variant": {"B": "<b>B</b>"}}).rename(columns={"gpt": "<i>"})
    path = tmp_path / "made.csv"
    table.to_csv(path, index=False)
    ratings, beside = read_table(path, judges=("<i>",))
    text = page(calibrate(ratings, splits=2), beside)
    for words in ("Distance from unseen ratings", "Distances of every law", "Judges beside people", "ordered-probit"):
        assert words in text
    assert "<b>B</b>" not in text
    assert "&lt;b&gt;B&lt;/b&gt;" in text
    assert "<td><i></td>" not in text
    assert "https://" not in text.split("<style>")[0]


@pytest.mark.parametrize("ink", [LIGHT, DARK])
def test_pairs_that_do_not_differ_have_the_colour_of_the_ground(ink):
    seen = Drawn(np.full(2, 0.5), np.full((2, 2), 0.25), np.full(2, 0.5), 0.5)
    plot = pairs(Realism(1.0, "", real=seen, model=seen), (0.0, 1.0), ink=ink)
    (mapper,) = plot.select({"type": LinearColorMapper})
    assert mapper.low == -mapper.high
    assert mapper.palette[len(mapper.palette) // 2].upper() == ink.panel
