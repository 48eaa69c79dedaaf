"""Planning answers: closed forms against simulated rows, brute force and draws of the decision."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest

from expsim_panel.errors import InputError
from expsim_panel.evaluation_budget import Rows
from expsim_panel.evaluation_simulation import compare, estimates
from expsim_panel.evaluator_answers import Answers, answers, split_error, with_evaluators
from expsim_panel.evaluator_picks import Picks, fields_of, profiles
from expsim_panel.plots import (
    drift_labels,
    error_floor,
    evidence_value,
    frontier,
    replication,
    split_curve,
    split_region,
    trade_off,
)
from expsim_panel.plots._palette import DARK, LIGHT
from expsim_panel.scenario import Scenario
from expsim_panel.split import optimal_split
from expsim_panel.study import Study
from expsim_panel.trade_offs import reweighted

NAMES = ("summarization-prompt", "hallucination-prompt", "ranking-diversity")


def scenario(name: str) -> Scenario:
    made = Study.load(name).scenario
    return with_evaluators(made, fields_of(made, "judge"), fields_of(made, "human"))


@pytest.fixture(scope="module")
def dear() -> Answers:
    """Judge scores at a twentieth of a label: an optimum in the middle of the budget."""
    made = scenario("summarization-prompt")
    judge = {**fields_of(made, "judge"), "price_override": 0.01, "item_sd": 0.3, "item_variant_sd": 0.2}
    return answers(with_evaluators(made, judge, fields_of(made, "human")), 600.0)


def test_the_best_split_is_the_best_of_simulated_ones(dear: Answers) -> None:
    what, best, reps = dear.what, dear.split, 20_000
    assert 1.5 < best.judged_per_label < 20
    simulated = {}
    for factor in (0.5, 0.7, 0.85, 0.95, 1.0, 1.03):
        n = round(factor * best.exact_labelled)
        judged = math.floor((300.0 - n * what.cost_human) / what.cost_judge)
        assert judged > n
        values, _ = estimates(what.law, "hybrid", Rows(n, judged), reps, 3, 3)
        simulated[factor] = float(values.var(ddof=1))
        closed = float(split_error(what, 600.0, [n])[0]) ** 2
        # Weights are estimated from n labels: a few per cent at a few hundred.
        assert simulated[factor] == pytest.approx(closed, rel=4 * math.sqrt(2 / reps) + 2 / n)
    slack = 4 * math.sqrt(4 / reps)
    assert simulated[1.0] <= min(simulated.values()) * (1 + slack)
    assert simulated[0.5] > simulated[1.0] * (1 + slack)


@pytest.mark.parametrize("g", [0.001, 0.05, 0.3])
@pytest.mark.parametrize("side", [-0.05, 0.05])
def test_the_hybrid_pays_on_the_right_side_of_the_threshold(g: float, side: float) -> None:
    rho = 2 * math.sqrt(g) / (1 + g) + side
    found = optimal_split(rho, 1.0, g, 1e6)
    ratio = np.geomspace(1, 1e6, 4000)
    brute = ((1 - rho**2) + rho**2 / ratio) * (1 + g * ratio)
    assert found.hybrid_pays == (side > 0) == (brute.min() < 1)
    saved = float(split_region.gain(np.array(rho), np.array(g)))
    assert (saved > 0) == (side > 0)
    if side > 0:
        assert 1 - saved == pytest.approx(brute.min(), rel=1e-4)


def test_break_even_is_where_simulated_noise_equals_the_bias() -> None:
    made = scenario("summarization-prompt")
    judge = {**fields_of(made, "judge"), "differential_bias": 0.1, "suspected_bias_sd": 0.1}
    found = answers(with_evaluators(made, judge, fields_of(made, "human")))
    n = round(found.floor.break_even)
    values, _ = estimates(found.what.law, "judge", Rows(0, n), 20_000, 2, 0)
    noise = float(values.std(ddof=1))
    assert noise == pytest.approx(0.1, rel=4 / math.sqrt(2 * 20_000) + 1 / n)
    assert float(values.mean()) - found.what.effect == pytest.approx(0.1, abs=4 * noise / math.sqrt(20_000))
    assert found.floor.true == pytest.approx(0.1)


def test_worth_of_a_judge_saturates_and_is_that_of_draws() -> None:
    made = scenario("summarization-prompt")
    found = answers(made)
    worth, g, reps = found.worth, np.random.default_rng(8), 400_000
    assert worth.evsi["judge"][-1] < 0.2 * worth.evpi
    assert worth.evsi["human"][-1] > 0.99 * worth.evpi
    assert (np.diff(worth.evsi["judge"]) >= 0).all()
    from expsim_panel.economics import ledger

    money = ledger(made)
    at = 60
    n = worth.rows[at]
    effect = made.prior.effect_mean + made.prior.effect_sd * g.standard_normal(reps)
    gain = money.value_per_point * effect - money.handicap[1]
    spread = float((found.what.law.score_sd**2).sum())
    noise = math.sqrt(spread / n) * g.standard_normal(reps) + found.what.bias_sd * g.standard_normal(reps)
    v = spread / n + found.what.bias_sd**2
    trust = made.prior.effect_sd**2 / (made.prior.effect_sd**2 + v)
    mean = made.prior.effect_mean + trust * (effect + noise - made.prior.effect_mean)
    decided = np.where(money.value_per_point * mean > money.handicap[1], gain, 0.0)
    now = max(money.value_per_point * made.prior.effect_mean - float(money.handicap[1]), 0.0)
    error = 4 * money.horizon * float(decided.std()) / math.sqrt(reps)
    assert worth.evsi["judge"][at] == pytest.approx(money.horizon * (float(decided.mean()) - now), abs=error)


@pytest.mark.parametrize("name", NAMES)
def test_frontier_and_repeats(name: str) -> None:
    found = answers(scenario(name))
    for kind, error in found.frontier.error.items():
        finite = error[np.isfinite(error)]
        assert (np.diff(finite) <= 1e-12).all(), kind
    assert found.frontier.error["judge"][-1] >= found.floor.true - 1e-12
    for what, loss in found.repeats.loss.items():
        assert loss.min() == 1.0
        assert loss[found.repeats.best[what] - 1] == pytest.approx(1.0)
    points, labels = found.drift
    assert points[0] < points[-1]
    assert (np.diff(labels) <= 0).all()


def test_profiles_take_the_place_of_the_scenarios_numbers() -> None:
    made = Study.load("summarization-prompt").scenario
    small = with_evaluators(made, fields_of(made, "judge", "small-llm"), fields_of(made, "human", "crowd"))
    large = with_evaluators(made, fields_of(made, "judge", "strong-llm"), fields_of(made, "human", "expert"))
    assert answers(small).rho < answers(large).rho
    assert next(iter(profiles("judge"))) == "As in the scenario"
    rates = Study.load("hallucination-prompt").scenario
    assert fields_of(rates, "judge", "strong-llm")["suspected_bias_sd"] == pytest.approx(0.005)


def test_wrong_input_is_an_input_error() -> None:
    made = scenario("summarization-prompt")
    with pytest.raises(InputError, match="two labels and scores"):
        answers(made, 0.5)
    with pytest.raises(InputError):
        with_evaluators(made, {"repeats": 0}, {})
    with pytest.raises(InputError):
        Picks.from_tree({"power": 2.0}, "evaluators", "pick")


@pytest.mark.parametrize("ink", [LIGHT, DARK])
@pytest.mark.parametrize("name", NAMES)
def test_every_figure_is_drawn(name: str, ink: object) -> None:
    made = scenario(name)
    found = answers(made)
    played = compare(made, found.budget, replicates=200)
    style = {"ink": ink}
    drawn = [
        frontier.draw(found, played.frontier, **style),
        error_floor.draw(found, **style),
        split_region.draw(found.rho, 0.01, **style),
        split_curve.draw(found, (np.array([20.0]), np.array([0.1])), **style),
        evidence_value.draw(found, **style),
        evidence_value.draw(found, net=True, **style),
        replication.draw(found, **style),
        drift_labels.draw(found, float(found.drift[0][9]), **style),
    ]
    spread = Study.load(name).run(replicates=20).verdict.trade_off
    assert spread is not None
    drawn.append(trade_off.draw(reweighted(spread, 0.1, 0.01), binary=found.family == "binary", **style))
    for figure in drawn:
        assert figure.title.text
        assert figure.xaxis.axis_label.text
        assert figure.yaxis.axis_label.text
        assert figure.renderers


def test_other_weights_move_the_best_and_not_the_frontier() -> None:
    spread = Study.load("summarization-prompt").run(replicates=20).verdict.trade_off
    assert spread is not None
    rich, poor = reweighted(spread, 10.0, 0.0), reweighted(spread, 1e-6, 1.0)
    assert rich.best[1] > 0.5 > 1e-6 > poor.best[1]
    assert rich.frontier == poor.frontier == spread.frontier
    assert reweighted(spread, 0.0, 0.0).best == (1.0, 0.0)
    assert math.fsum(replace(rich).best) == pytest.approx(1)
