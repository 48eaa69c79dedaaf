"""Judge and people side by side on the same prompts: against rows drawn vote by vote, and closed forms."""

import math

import numpy as np
import pytest

from expsim_panel import engine, exact, plan
from expsim_panel.__main__ import main
from expsim_panel.economics import ledger
from expsim_panel.errors import InputError
from expsim_panel.preference_prompt_hybrid import joint_of_rows
from expsim_panel.scenario import Scenario
from expsim_panel.study import Study

LEAD = 0.15
TOPICS = {"topics": 12, "topic_interaction_sd": 0.4}
HYBRID = {
    "kind": "hybrid", "label_share": 0.25,
    "judge": {"scale": 0.8, "differential_bias": 0.05, "item_variant_sd": 0.2, "repeat_sd": 0.3, "position_bias": 0.4,
              "orders": "both", "price_override": 0.002},
    "human": {"noise_sd": 0.5, "raters": 5, "labels_per_item": 3, "error_correlation": 0.2, "price_per_label": 0.3},
}  # fmt: skip


DAVIDSON = {"tie_model": "davidson", "tie_parameter": 0.7, "tie_band": 0.0, "difference_sd": 0.6}


def tree(evaluator, leads=(0.0, LEAD), metric=None, **offline):
    """Return a scenario that compares answers on a prompt set."""
    return {
        "schema": 1,
        "scenario": {"name": "arena", "indifference": 0.02},
        "metric": {"name": "preference", "family": "pairwise", "tie_band": 0.25, **(metric or {})},
        "variants": [{"name": f"v{i}", "mean": lead} for i, lead in enumerate(leads)],
        "traffic": {"units_per_day": 400, "days": 5},
        "offline": {"prompts": 48, "samples": 3, "interaction_sd": 0.6, "batches": 3, **offline},
        "evaluator": evaluator,
    }


def ends(out):
    """Return net win rates of the variants, and the variances that the analysis believes in."""
    n = out.rows.astype(float)
    mean = out.sums / n
    believed = (out.squares / n - mean**2) / (n - 1)
    return mean[:, 1:] - mean[:, :1], believed[:, 1:] + believed[:, :1]


def rows_by_hand(scenario, count, rng):
    """Draw rows of one variant answer by answer, reading by reading: what people say, and what the judge says."""
    table, people, judge = scenario.offline, scenario.evaluator.human, scenario.evaluator.judge
    model, m = scenario.tie_model, table.samples
    davidson = model.kind == "davidson"
    whole = model.luck_sd  # of Davidson's luck, that is drawn on its normal scale
    luck = math.sqrt(whole**2 - table.given())
    root = math.sqrt(2)
    topic = table.topic_interaction_sd * rng.standard_normal(count)
    labels, verdicts = np.zeros((2, count))
    for _ in range(table.size):
        prompt = topic + table.interaction_sd * rng.standard_normal(count)
        mistaken = judge.differential_bias + root * judge.item_variant_sd * rng.standard_normal(count)
        for _ in range(m):
            moved = prompt + luck * rng.standard_normal(count)
            quality = LEAD + (0.0 if davidson else moved)
            low, high = model.edges(moved / whole, 1.0) if davidson else (-model.tie, model.tie)
            crowd = quality + root * people.noise_sd * math.sqrt(people.error_correlation) * rng.standard_normal(count)
            own = root * people.noise_sd * math.sqrt(1 - people.error_correlation)
            votes = crowd + own * rng.standard_normal((people.labels_per_item, count))
            labels += ((votes > high).sum(axis=0) > people.labels_per_item / 2).astype(float)
            labels -= (votes < low).sum(axis=0) > people.labels_per_item / 2
            seen = judge.scale * quality + mistaken
            first, second = (
                seen + shift + root * judge.repeat_sd * rng.standard_normal(count)
                for shift in (judge.position_bias, -judge.position_bias)
            )
            low, high = model.edges(moved / whole, judge.scale) if davidson else (low, high)
            verdicts += ((first > high) & (second > high)).astype(float) - ((first < low) & (second < low))
    return labels / (table.size * m), verdicts / (table.size * m)


@pytest.mark.arithmetic
@pytest.mark.parametrize(
    "offline",
    [{}, {**TOPICS, "samples": 2}, {"metric": DAVIDSON, **TOPICS, "samples": 2}],
    ids=["prompts", "topics", "davidson"],
)
def test_rows_have_the_moments_of_votes_drawn_one_by_one(offline):
    count = 60_000
    scenario = Scenario.from_tree(tree(HYBRID, (0.0, LEAD), **offline), "t")
    found = joint_of_rows(scenario, scenario.evaluator, scenario.means)
    label, verdict = rows_by_hand(scenario, count, np.random.default_rng(8))
    for one, mean, sd in ((label, found.label, found.label_sd), (verdict, found.score, found.score_sd)):
        assert one.mean() == pytest.approx(mean[0], abs=4 * sd[0] / math.sqrt(count))
        square = (one - one.mean()) ** 2
        assert square.mean() == pytest.approx(sd[0] ** 2, abs=4 * square.std() / math.sqrt(count))
    product = (label - label.mean()) * (verdict - verdict.mean())
    assert product.mean() == pytest.approx(found.covariance[0], abs=4 * product.std() / math.sqrt(count))


@pytest.mark.arithmetic
@pytest.mark.parametrize("world", ["truth", "null"])
@pytest.mark.parametrize(
    ("leads", "changes", "offline"),
    [
        ((0.0, 0.08), {}, {}),
        ((0.0, 0.08), {"correction": "ppi", "label_share": 0.5}, {"samples": 1}),
        ((0.0, 0.08), {}, {"topics": 400, "topic_interaction_sd": 0.4, "samples": 1}),
        ((0.0, 0.08, 0.05), {}, {}),
        ((0.0, 0.08), {}, {"metric": DAVIDSON, "topics": 400, "topic_interaction_sd": 0.4, "samples": 2}),
    ],
    ids=["ppi++", "ppi", "topics", "two variants", "davidson"],
)
def test_corrected_net_wins_have_the_law_of_the_closed_forms(leads, changes, offline, world):
    """Means of the labels whatever the judge is like, the variance of the corrected mean, and the chances of the test."""
    replicates = 3000
    made = tree({**HYBRID, **changes}, leads, **{"prompts": 800, "batches": 1, **offline})
    study = Study.from_tree(made, "t", names=["fixed-horizon"])
    out = engine.played(study, world, replicates=replicates, seed=3)["fixed-horizon"]
    law = plan.law(study.scenario, world, 0, 0, 1)
    found, believed = ends(out)
    spread = law.sds[0] ** 2 / out.rows[0]
    for c in range(found.shape[1]):
        true = spread[0] + spread[c + 1]
        assert found[:, c].mean() == pytest.approx(law.means[0, c + 1], abs=4 * math.sqrt(true / replicates))
        assert found[:, c].var() == pytest.approx(true, rel=4 * math.sqrt(2 / replicates))
        # Believed variances are free of bias to order 1 / n of the labelled rows, of which there are 100 or more.
        assert believed[:, c].mean() == pytest.approx(true, rel=0.01)
    if len(leads) == 2:
        known = exact.operating(study.scenario, study.strategies[0], world, ledger(study.scenario))
        assert isinstance(known, exact.Exact), known
        chance = known.values["rejection"]
        se = math.sqrt(chance * (1 - chance) / replicates)
        assert np.mean(out.code != 0) == pytest.approx(chance, abs=3 * se)


def test_labels_and_verdicts_are_paid_by_comparison():
    """A quarter of 800 prompts has three labels of each of three comparisons, all of them have verdicts."""
    scenario = Scenario.from_tree(tree(HYBRID, prompts=800), "t")
    planned, money = plan.schedule(scenario), ledger(scenario)
    spent = money.costs(planned.units[-1:].astype(float), planned.scored[-1:][None].astype(float))
    assert spent["human"][0] == pytest.approx(200 * 3 * 3 * 0.3)
    judged = scenario.evaluator.judge.usd_per_row() * 800 * 3
    assert spent["judge"][0] == pytest.approx(judged)


def test_what_labels_cannot_correct_is_one_line():
    for offline, key in (({"analysis": "response"}, "offline.analysis"), ({"paired": False}, "offline.paired")):
        with pytest.raises(InputError) as problem:
            Scenario.from_tree(tree(HYBRID, **offline), "arena.toml")
        assert problem.value.key == key


def test_a_run_takes_it(tmp_path, capsys):
    path = tmp_path / "arena.toml"
    path.write_text(
        """schema = 1
scenario = {name = "arena", indifference = 0.02}
metric = {name = "preference", family = "pairwise", tie_band = 0.25}
variants = [{name = "old"}, {name = "new", mean = 0.1}]
traffic = {units_per_day = 400, days = 5}
offline = {prompts = 500, samples = 2, interaction_sd = 0.5, topics = 100, topic_interaction_sd = 0.3, batches = 4}
evaluator = {kind = "hybrid", label_share = 0.5}
strategies = [{kind = "fixed-horizon"}]
evaluators = {judge = {position_bias = 0.3, orders = "both", repeat_sd = 0.3}, human = {noise_sd = 0.5}}
"""
    )
    assert main(["run", str(path), "--replicates", "300"]) == 0
    assert "500 prompts in 100 topics" in " ".join(capsys.readouterr().out.split())
