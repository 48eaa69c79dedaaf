"""Side by side on a prompt set: against loops over prompts and votes, closed forms, and what a user would try."""

import json
import math

import numpy as np
import pytest

from expsim_panel import engine, exact, plan
from expsim_panel.__main__ import main
from expsim_panel.economics import ledger
from expsim_panel.errors import InputError
from expsim_panel.offline_answers import side_by_side
from expsim_panel.preference_data import from_counts
from expsim_panel.preference_prompts import shares_of
from expsim_panel.preference_rows import reader_of
from expsim_panel.scenario import Scenario
from expsim_panel.standing import standing
from expsim_panel.study import Study

JUDGE = {"kind": "judge", "scale": 0.8, "differential_bias": 0.05, "item_variant_sd": 0.2, "repeat_sd": 0.3,
         "position_bias": 0.4, "orders": "both", "price_override": 0.002, "verbosity": 0.02}  # fmt: skip
PEOPLE = {"kind": "human", "noise_sd": 0.5, "raters": 5, "labels_per_item": 3, "error_correlation": 0.2,
          "price_per_label": 0.3, "seconds": 36.0}  # fmt: skip
HYBRID = {"kind": "hybrid", "label_share": 0.25, "judge": {k: v for k, v in JUDGE.items() if k != "kind"},
          "human": {k: v for k, v in PEOPLE.items() if k != "kind"}}  # fmt: skip
DAVIDSON = {"tie_model": "davidson", "tie_parameter": 0.7, "tie_band": 0.0, "difference_sd": 0.6}
TOPICS = {"topics": 12, "topic_interaction_sd": 0.4}
LEADS = (0.0, 0.15)


def tree(evaluator=JUDGE, leads=LEADS, metric=None, **offline):
    """Return a scenario that compares answers on a prompt set."""
    return {
        "schema": 1,
        "scenario": {"name": "arena", "indifference": 0.02},
        "metric": {"name": "preference", "family": "pairwise", "tie_band": 0.25, **(metric or {})},
        "variants": [{"name": f"v{i}", "mean": lead} for i, lead in enumerate(leads)],
        "traffic": {"units_per_day": 400, "days": 5},
        "offline": {"prompts": 48, "samples": 3, "interaction_sd": 0.6, "batches": 3, **offline},
        "evaluator": evaluator,
    }  # fmt: skip


CASES = {
    "truth": {"evaluator": {"kind": "truth"}},
    "judge, both orders": {},
    "judge, random order": {"evaluator": {**JUDGE, "orders": "random"}, **TOPICS},
    "judge, treatment first": {"evaluator": {**JUDGE, "orders": "treatment-first"}},
    "judge, prompts of a topic apart": {**TOPICS, "analysis": "prompt"},
    "people, a majority": {"evaluator": PEOPLE, **TOPICS},
    "people, averaged, comparisons apart": {"evaluator": {**PEOPLE, "combine": "mean"}, "analysis": "response"},
    "less is better": {"metric": {"direction": "decrease"}},
    "two variants": {"leads": (0.0, 0.15, 0.05), **TOPICS},
    "davidson, truth": {"evaluator": {"kind": "truth"}, "metric": DAVIDSON},
    "davidson, judge, both orders": {"metric": DAVIDSON, **TOPICS},
    "davidson, judge, treatment first": {"evaluator": {**JUDGE, "orders": "treatment-first"}, "metric": DAVIDSON},
    "davidson, judge, prompts apart": {
        "evaluator": {**JUDGE, "orders": "random"},
        "metric": DAVIDSON,
        **TOPICS,
        "analysis": "prompt",
    },
    "davidson, people, a majority": {"evaluator": PEOPLE, "metric": DAVIDSON, **TOPICS},
    "davidson, people, averaged": {
        "evaluator": {**PEOPLE, "combine": "mean"},
        "metric": DAVIDSON,
        "analysis": "response",
    },
    "davidson, two variants": {"leads": (0.0, 0.15, 0.05), "metric": DAVIDSON, **TOPICS},
}


def by_hand(scenario, replicates, rng):
    """Draw prompt by prompt and vote by vote; return mean net wins and their sample variance over n, by variant."""
    table, one, s = scenario.offline, scenario.evaluator, float(scenario.metric.difference_sd)
    arms, shape = len(scenario.variants), (replicates, len(scenario.variants) - 1)
    leads = np.array([v.mean - scenario.variants[0].mean for v in scenario.variants[1:]])
    kind, model = one.kind, scenario.tie_model
    davidson = model.kind == "davidson"
    part = 1 / model.luck_sd if davidson else 1.0  # of Davidson's luck on its normal scale
    luck = math.sqrt((1.0 if davidson else s**2) - table.given() * part**2)

    def answers(sd):
        """A part of every answer, so that the difference has this spread; the control's is in every difference."""
        own = sd / math.sqrt(2) * rng.standard_normal((replicates, arms))
        return own[:, 1:] - own[:, :1]

    def vote(quality, z, wrong, shift):
        seen = (one.scale * quality + one.differential_bias if kind == "judge" else quality) + wrong + shift
        noise = {"judge": lambda: one.repeat_sd, "human": lambda: one.noise_sd * math.sqrt(1 - one.error_correlation)}
        seen = seen + math.sqrt(2) * noise.get(kind, lambda: 0.0)() * rng.standard_normal(shape)
        low, high = model.edges(z, one.scale if kind == "judge" else 1.0) if davidson else (-model.tie, model.tie)
        return (seen > high).astype(float) - (seen < low)

    def comparison(given, lasting):
        z = given + luck * rng.standard_normal(shape)
        quality = leads if davidson else leads + z
        if kind == "judge" and one.orders == "both":
            first, second = (vote(quality, z, lasting, g) for g in (one.position_bias, -one.position_bias))
            return np.where(first == second, first, 0.0)
        if kind == "judge":
            coin = rng.choice([-1.0, 1.0], shape) if one.orders == "random" else 1.0
            return vote(quality, z, lasting, one.position_bias * coin)
        if kind == "truth":
            return vote(quality, z, 0.0, 0.0)
        lasting = one.noise_sd * math.sqrt(2 * one.error_correlation) * rng.standard_normal(shape)
        votes = np.array([vote(quality, z, lasting, 0.0) for _ in range(one.labels_per_item)])
        if one.combine == "mean":
            return votes.mean(axis=0)
        most = one.labels_per_item / 2
        return ((votes > 0).sum(axis=0) > most) * 1.0 - ((votes < 0).sum(axis=0) > most)

    rows, of_topic = [], []
    for i in range(table.prompts):
        if i % table.size == 0:
            topic, of_topic = answers(table.topic_interaction_sd * part), []
        prompt = topic + answers(table.interaction_sd * part)
        lasting = answers(math.sqrt(2) * one.item_variant_sd) if kind == "judge" else 0.0
        each = [scenario.sign * comparison(prompt, lasting) for _ in range(table.samples)]
        of_topic.append(np.mean(each, axis=0))
        if table.level == "response":
            rows += each
        elif table.level == "prompt":
            rows.append(of_topic[-1])
        elif (i + 1) % table.size == 0:
            rows.append(np.mean(of_topic, axis=0))
    whole = np.array(rows)
    return whole.mean(axis=0), whole.var(axis=0, ddof=1) / len(whole)


def played(case, replicates, names=("fixed-horizon",), world="truth", seed=3):
    """Play a study and return it with the arrays at its end."""
    study = Study.from_tree(tree(**json.loads(json.dumps(case))), "test", names=names)
    return study, engine.played(study, world, replicates=replicates, seed=seed)[names[0]]


def ends(out):
    """Return net win rates of the variants, and the variances that the analysis believes in."""
    n = out.rows.astype(float)
    mean = out.sums / n
    believed = (out.squares / n - mean**2) / (n - 1)
    return mean[:, 1:] - mean[:, :1], believed[:, 1:] + believed[:, :1]


@pytest.mark.arithmetic
@pytest.mark.parametrize("name", CASES)
def test_comparisons_have_the_law_of_votes_drawn_one_by_one(name):
    replicates = 6000
    study, out = played(CASES[name], replicates)
    found, believed = ends(out)
    slow, told = by_hand(study.scenario, replicates, np.random.default_rng(11))
    law = plan.law(study.scenario, "truth", 0, 0, 1)
    true, expected = law.kind.variances(out.rows[:1, 1].astype(float))
    for c in range(found.shape[1]):
        se = math.sqrt((found[:, c].var() + slow[:, c].var()) / replicates)
        assert found[:, c].mean() == pytest.approx(slow[:, c].mean(), abs=4 * se)
        assert slow[:, c].var() == pytest.approx(found[:, c].var(), rel=4 * math.sqrt(4 / replicates))
        se = math.sqrt((believed[:, c].var() + told[:, c].var()) / replicates)
        assert believed[:, c].mean() == pytest.approx(told[:, c].mean(), abs=4 * se)
    for mean, variance in ((found, believed), (slow, told)):
        se = math.sqrt(true[0] / replicates)
        assert mean[:, 0].mean() == pytest.approx(law.means[0, 1] - law.means[0, 0], abs=4 * se)
        assert mean[:, 0].var() == pytest.approx(true[0], rel=4 * math.sqrt(2 / replicates))
        se = variance[:, 0].std() / math.sqrt(replicates)
        assert variance[:, 0].mean() == pytest.approx(expected[0], abs=4 * se)


def test_variants_on_the_same_prompts_share_what_is_the_controls():
    """Their differences have the correlation of those drawn answer by answer, well above 0."""
    study, out = played(CASES["two variants"], 6000)
    slow, _ = by_hand(study.scenario, 6000, np.random.default_rng(5))
    one, other = (np.corrcoef(each, rowvar=False)[0, 1] for each in (ends(out)[0], slow))
    assert one == pytest.approx(other, abs=4 * math.sqrt(2 / 6000))
    assert one > 0.1


FIGURES = {
    "prompts, a look at each batch": ({"prompts": 1200}, "obrien-fleming"),
    "prompts, one test": ({"prompts": 300}, "fixed-horizon"),
    "prompts, a t test": ({"prompts": 120}, "fixed-t"),
    "topics": ({"prompts": 600, "samples": 2, "topics": 200, "topic_interaction_sd": 0.4}, "fixed-horizon"),
    "comparisons apart": ({"prompts": 900, "samples": 2, "analysis": "response", "evaluator": {"kind": "truth"}},
                          "fixed-horizon"),
    "davidson": ({"prompts": 600, "topics": 200, "topic_interaction_sd": 0.4, "metric": DAVIDSON}, "fixed-horizon"),
}  # fmt: skip


@pytest.mark.arithmetic
@pytest.mark.parametrize("world", ["truth", "null"])
@pytest.mark.parametrize("name", FIGURES)
def test_chances_equal_the_simulated_ones(name, world):
    case, strategy = FIGURES[name]
    replicates = 6000
    study, out = played({**case, "leads": (0.0, 0.08)}, replicates, (strategy,), world)
    known = exact.operating(study.scenario, study.strategies[0], world, ledger(study.scenario))
    assert isinstance(known, exact.Exact), known
    chance = known.values["rejection"]
    se = math.sqrt(chance * (1 - chance) / replicates)
    assert np.mean(out.code != 0) == pytest.approx(chance, abs=3 * se)


@pytest.mark.parametrize("metric", [None, DAVIDSON], ids=["probit", "davidson"])
@pytest.mark.parametrize("evaluator", [{"kind": "truth"}, JUDGE, PEOPLE])
def test_a_comparison_is_the_one_of_live_traffic(evaluator, metric):
    """What a prompt and a topic give is part of the luck: one comparison of a prompt alone is as it was."""
    offline = plan.law(Scenario.from_tree(tree(evaluator, metric=metric, samples=1, **TOPICS), "t"), "truth", 0, 0, 1)
    live = tree(evaluator, metric=metric)
    del live["offline"]
    online = plan.law(Scenario.from_tree(live, "t"), "truth", 0, 0, 1)
    np.testing.assert_allclose(offline.means, online.means, atol=1e-12)
    parts = offline.kind.parts
    assert (parts.topic + parts.prompt + parts.score)[1] == pytest.approx((online.sds[0] ** 2).sum(), rel=1e-5)


@pytest.mark.parametrize("evaluator", [JUDGE, {**JUDGE, "orders": "random"}, PEOPLE])
def test_averaging_what_is_given_gives_the_whole_back(evaluator):
    """Chances given topic and prompt, averaged over these, are those of a comparison."""
    scenario = Scenario.from_tree(tree(evaluator, **TOPICS), "t")
    reader, tilt = reader_of(scenario.evaluator, 2)
    found = shares_of(scenario, scenario.evaluator)
    z, weights = np.polynomial.hermite_e.hermegauss(60)
    seen = reader.slope * 0.15 + tilt[0]
    whole = reader.chances(scenario.tie_model, np.array(seen))
    for spread, (model, alone) in ((found.topic, found.in_topic),
                                   (math.hypot(found.topic, found.prompt), found.in_prompt)):  # fmt: skip
        given = (weights / weights.sum()) @ alone.chances(model, seen + spread * z)
        np.testing.assert_allclose(given, whole, atol=1e-6)


def test_judge_and_people_are_told_on_the_prompts_and_live(capsys, tmp_path):
    whole = tree({"kind": "truth"})
    whole["evaluators"] = {"judge": {k: v for k, v in JUDGE.items() if k != "kind"},
                           "human": {k: v for k, v in PEOPLE.items() if k != "kind"}}  # fmt: skip
    found = side_by_side(Scenario.from_tree(whole, "t"), replicates=500, prompts=200, budget=400.0)
    assert [(one.evaluator, one.mode) for one in found.rows] == [
        (kind, mode) for kind in ("judge", "human") for mode in ("offline", "online")
    ]
    people = found.rows[2]
    # Three labels of each of three comparisons of 200 prompts, at $0.30; no tokens are priced.
    assert people.cost == pytest.approx(200 * 3 * 3 * 0.3)
    assert people.labels == pytest.approx(200 * 3)
    assert set(found.worth) == {"judge", "human"}
    assert not found.gain
    # Three labels of three comparisons are $2.70 a prompt.
    assert found.equal[1].per_variant == 400 // 2.7
    both = found.equal[2]
    assert both.cost <= 400.0
    assert both.se is not None
    assert both.se < found.equal[1].se


REFUSED = {
    "davidson, more than the luck": ({"metric": DAVIDSON, "interaction_sd": 1.6}, "offline.interaction_sd"),
    "own prompts": ({"paired": False}, "offline.paired"),
    "shared by both": ({"prompt_sd": 0.2}, "offline.prompt_sd"),
    "shared by both, topics": ({"topics": 12, "topic_sd": 0.2}, "offline.topic_sd"),
    "more than there is": ({"interaction_sd": 1.2}, "offline.interaction_sd"),
    "refusals": ({"evaluator": {**JUDGE, "refusals": 0.1}}, "evaluator.refusals"),
    "labels by comparison": ({"evaluator": HYBRID, "analysis": "response"}, "offline.analysis"),
}  # fmt: skip


@pytest.mark.parametrize("name", REFUSED)
def test_what_is_not_played_is_one_line(name):
    case, key = REFUSED[name]
    with pytest.raises(InputError) as problem:
        Scenario.from_tree(tree(**case), "arena.toml")
    assert problem.value.key == key
    assert "\n" not in str(problem.value)


def test_shares_of_wins_are_told_of_comparisons_only():
    """One comparison a prompt has wins, ties and losses; a prompt's mean of three has none, and takes no counts."""
    for samples in (1, 3):
        study, out = played({"samples": samples, "prompts": 400}, 10)
        state = np.stack([out.rows[0], out.rows[0], out.sums[0], out.squares[0]]).astype(float)
        found = standing(study.scenario, state, 1)
        assert (found is None) == (samples > 1)
        if found is not None:
            assert found.comparisons == 400
            assert (found.wins - found.losses) * 400 == pytest.approx(out.sums[0, 1])
            assert found.wins * 400 == pytest.approx(round(found.wins * 400), abs=1e-6)
            assert from_counts(study.scenario, "v1=50/10/40", "counts")["rows"].sum() == 200
        else:
            with pytest.raises(InputError, match="which prompt"):
                from_counts(study.scenario, "v1=50/10/40", "counts")


def test_the_commands_take_it(capsys):
    settings = [
        "--set", "metric.direction=increase", "--interaction-sd", "0.5", "--prompts", "150", "--samples", "2",
        "--replicates", "300", "--budget", "5",
    ]  # fmt: skip
    assert main(["offline", "side-by-side-prompt", *settings, "--json", "-"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["offline"]["interaction_sd"] == 0.5
    assert [row["mode"] for row in told["rows"]] == ["offline", "online"] * 2
    assert all(row["power"]["exact"] is not None for row in told["rows"] if row["mode"] == "offline")
    assert main(["offline", "side-by-side-prompt", "--replicates", "300", "--budget", "5"]) == 0
    assert "30 % of the variance of a difference" in " ".join(capsys.readouterr().out.split())
