"""A part of a comparison's luck is known: against the probit's own formulas, plain sampling, and limits."""

import math
from dataclasses import replace

import numpy as np
import pytest

from expsim_panel.kernels.prompt_verdicts import davidson_edge
from expsim_panel.preference import Reader, TieModel, normal_nodes
from expsim_panel.preference_luck import expected_given, luck_shares, shared_variances
from expsim_panel.preference_prompts import prompt_parts
from expsim_panel.scenario import Scenario

pytestmark = pytest.mark.arithmetic

DAVIDSON = TieModel("davidson", 0.7, 0.6)
READERS = {
    "no errors": Reader(),
    "random order": Reader(0.8, 0.3, 0.4, 0.3),
    "treatment first": Reader(0.8, 0.0, 0.4, 0.3, "treatment-first"),
    "both orders": Reader(0.8, 0.3, 0.4, 0.3, "both"),
    "both orders, no noise": Reader(0.8, 0.3, 0.0, 0.3, "both"),
    "a majority": Reader(1.0, 0.3, 0.6, votes=3),
    "averaged": Reader(1.0, 0.3, 0.6, votes=4, averaged=True),
    "averaged, no noise": Reader(1.0, 0.3, 0.0, votes=4, averaged=True),
}
Z, WEIGHTS = normal_nodes(201)


def test_the_luck_of_davidson_without_ties_is_logistic():
    assert TieModel("davidson", 0.0, 0.6).luck_sd == pytest.approx(0.6 * math.pi / math.sqrt(3), rel=1e-6)
    assert TieModel("probit", 0.3, 0.6).luck_sd == 0.6
    assert DAVIDSON.luck_sd > 0.6 * math.pi / math.sqrt(3)


@pytest.mark.parametrize("tie", [0.0, 0.7, 3.0])
def test_the_kernels_thresholds_are_those_of_the_model(tie):
    z = np.linspace(-8, 8, 65)
    low, high = TieModel("davidson", tie, 1.0).edges(z, 1.0)
    plain = getattr(davidson_edge, "py_func", davidson_edge)
    np.testing.assert_allclose([-plain(one, tie) for one in z], low, rtol=1e-11, atol=1e-13)
    np.testing.assert_allclose([plain(-one, tie) for one in z], high, rtol=1e-11, atol=1e-13)
    assert np.isfinite([plain(one, tie) for one in (-80.0, 80.0)]).all()


@pytest.mark.parametrize("name", READERS)
@pytest.mark.parametrize("model", [DAVIDSON, TieModel("probit", 0.25, 1.0)], ids=["davidson", "probit"])
def test_what_is_expected_averages_to_the_whole_and_has_its_limits(name, model):
    reader, seen = READERS[name], np.array([-0.4, 0.1])
    whole = reader.chances(model, seen) @ reader.values
    for share in (0.0, 0.2, 0.8):
        given = expected_given(reader, model, seen, share, Z)
        np.testing.assert_allclose(given @ WEIGHTS, whole, atol=3e-6)
    np.testing.assert_allclose(expected_given(reader, model, seen, 0.0, Z[:3]), whole[:, None] + np.zeros(3), atol=3e-6)
    if reader.noise > 0:
        known = np.linspace(-2, 2, 9)
        each = [reader.by_luck(model, float(one), known) @ reader.values for one in seen]
        np.testing.assert_allclose(expected_given(reader, model, seen, 1.0, known), each, atol=2e-4)


@pytest.mark.parametrize("name", READERS)
def test_what_is_expected_is_the_mean_of_comparisons_drawn_one_by_one(name):
    reader, draws, share, seen, known = READERS[name], 200_000, 0.4, 0.15, 0.7
    rng = np.random.default_rng(5)
    z = math.sqrt(share) * known + math.sqrt(1 - share) * rng.standard_normal(draws)
    low, high = DAVIDSON.edges(z, reader.slope)
    lasting = reader.lasting * rng.standard_normal(draws)

    def reading(shift):
        lead = seen + lasting + shift + reader.noise * rng.standard_normal(draws)
        return (lead > high).astype(float) - (lead < low)

    if reader.orders == "both":
        first, second = reading(reader.position), reading(-reader.position)
        verdict = np.where(first == second, first, 0.0)
    elif reader.votes > 1:
        votes = np.array([reading(0.0) for _ in range(reader.votes)])
        verdict = votes.mean(axis=0)
        if not reader.averaged:
            verdict = (2 * (votes > 0).sum(axis=0) > reader.votes) * 1.0 - (2 * (votes < 0).sum(axis=0) > reader.votes)
    else:
        coin = rng.choice([-1.0, 1.0], draws) if reader.orders == "random" else 1.0
        verdict = reading(reader.position * coin)
    found = expected_given(reader, DAVIDSON, np.array([seen]), share, np.array([known]))[0, 0]
    assert verdict.mean() == pytest.approx(found, abs=4 * verdict.std() / math.sqrt(draws))


JUDGES = [{"orders": "both"}, {"orders": "random"}, {"orders": "treatment-first", "item_variant_sd": 0.0}]


@pytest.mark.parametrize(
    "evaluator",
    [
        {"kind": "truth"},
        *({"kind": "judge", "scale": 0.8, "differential_bias": 0.05, "item_variant_sd": 0.2, "repeat_sd": 0.3,
           "position_bias": 0.4, "price_override": 0.002} | one for one in JUDGES),
        {"kind": "human", "noise_sd": 0.5, "raters": 5, "labels_per_item": 3, "error_correlation": 0.2},
        {"kind": "human", "noise_sd": 0.5, "raters": 5, "labels_per_item": 3, "combine": "mean"},
    ],
    ids=["truth", "both", "random", "first", "people", "averaged"],
)  # fmt: skip
def test_variances_of_the_probit_are_those_of_its_own_formulas(evaluator):
    """Two ways to the same numbers: leads that add up, and a luck that is known in part."""
    scenario = Scenario.from_tree(
        {
            "schema": 1,
            "scenario": {"name": "arena", "indifference": 0.02},
            "metric": {"name": "preference", "family": "pairwise", "tie_band": 0.25},
            "variants": [{"name": "a"}, {"name": "b", "mean": 0.15}, {"name": "c", "mean": -0.4}],
            "traffic": {"units_per_day": 400, "days": 5},
            "offline": {"prompts": 48, "samples": 3, "interaction_sd": 0.6, "topics": 12, "topic_interaction_sd": 0.4},
            "evaluator": evaluator,
        },
        "t",
    )
    from expsim_panel.preference_rows import reader_of

    one, model = scenario.evaluator, scenario.tie_model
    assert luck_shares(scenario) == pytest.approx((0.16, 0.36))
    reader, tilt = reader_of(one, 3)
    seen = reader.slope * model.latent(scenario.means[1:]) + tilt
    of_prompt = reader.lasting if one.kind == "judge" else 0.0
    topic, both = shared_variances(reader, model, seen, luck_shares(scenario), of_prompt)
    parts = prompt_parts(scenario, one, scenario.means)
    np.testing.assert_allclose(topic, parts.topic[1:], rtol=1e-4)
    np.testing.assert_allclose(both - topic, parts.prompt[1:], rtol=1e-4)


def test_a_lasting_error_of_the_prompt_is_shared_like_its_luck():
    """Its variance is that of what is expected with the error known, by the law of total variance."""
    reader = READERS["both orders"]
    seen = np.array([0.2])
    _, without = shared_variances(replace(reader, lasting=0.0), DAVIDSON, seen, (0.1, 0.3), 0.0)
    _, with_it = shared_variances(reader, DAVIDSON, seen, (0.1, 0.3), reader.lasting)
    _, of_comparison = shared_variances(reader, DAVIDSON, seen, (0.1, 0.3), 0.0)
    assert of_comparison[0] < without[0] < with_it[0]
