"""Judge, people and both: closed forms against simulation, and against rows drawn one by one."""

import json
import math

import numpy as np
import pytest
from worlds import tree

from expsim_panel import library
from expsim_panel.__main__ import main
from expsim_panel.errors import InputError
from expsim_panel.evaluation_budget import Rows, need, option, rows_for, setting, target_error, variance_of_difference
from expsim_panel.evaluation_laws import pair_law
from expsim_panel.evaluation_simulation import compare
from expsim_panel.measurement_design import break_even_n, false_rejection
from expsim_panel.scenario import Scenario
from expsim_panel.split import optimal_split

NAMES = library.names()
REPS = 20_000


@pytest.fixture(scope="module")
def compared():
    return {name: compare(library.load(name), replicates=REPS) for name in NAMES}


@pytest.mark.parametrize("name", NAMES)
def test_closed_forms_and_simulation_agree(compared, name):
    found = compared[name]
    for one, played in found.options:
        few = 3 / max(one.rows.labelled, 30) if one.name == "hybrid" else 0.0
        assert played.se.value == pytest.approx(one.se, rel=4 / math.sqrt(2 * REPS) + few)
        assert abs(played.bias.value - one.bias) <= 4 * played.bias.se + few * one.se
        for key in ("power", "false_rejection", "p_correct"):
            simulated, closed = getattr(played, key), getattr(one, key)
            # The closed form takes the variance as known: with 500 labels a test is off by 0.002.
            assert abs(simulated.value - closed) <= 4 * math.sqrt(closed * (1 - closed) / REPS) + 0.004, (one.name, key)
    for point in found.frontier:
        for kind, error in point.rmse.items():
            if error is not None:
                # A weight from n labels costs about 1 / n of the error: a dozen labels side by side.
                few = 1 / rows_for(found.setting, kind, point.budget).labelled if kind == "hybrid" else 0.0
                assert point.simulated[kind] == pytest.approx(error, rel=0.05 + few)


@pytest.mark.parametrize("name", NAMES)
def test_people_and_both_cover_and_a_partial_judge_does_not(compared, name):
    for one, played in compared[name].options:
        honest = abs(one.bias) < 0.05 * one.se
        if honest:
            assert played.coverage.value == pytest.approx(0.95, abs=4 * 0.00154 + 0.004)
        elif one.name == "judge":
            assert played.coverage.value < 0.85


@pytest.mark.parametrize("name", NAMES)
def test_budgets_hold_and_dollars_add_up(compared, name):
    found = compared[name]
    what = found.setting
    for one, _ in found.options:
        assert one.cost <= found.budget * (1 + 1e-9)
        spent = what.law.samples * (one.rows.labelled * what.cost_human + one.rows.judged * what.cost_judge)
        assert one.cost == pytest.approx(spent)
        assert max(one.rows.labelled, one.rows.judged) <= what.pace.cap
    human, hybrid = (one for one, _ in found.options[1:])
    assert hybrid.se < human.se
    assert found.advised.expected_error == min(one.expected_error for one, _ in found.options)


@pytest.mark.parametrize("name", NAMES)
def test_equal_accuracy_is_equal(name):
    what = setting(library.load(name))
    target = target_error(what)
    for kind in ("judge", "human", "hybrid"):
        found = need(what, kind, target)
        if found.budget is None:
            assert "no number of rows" in found.reason
            continue
        rows = Rows(*(round(one / what.law.samples) for one in (found.labelled, found.judged)))
        floor = max(abs(option(what, kind, rows).bias), what.bias_sd if kind == "judge" else 0.0)
        assert math.hypot(math.sqrt(variance_of_difference(what.law, kind, rows)), floor) == pytest.approx(
            target, rel=0.01
        )
        cost = found.labelled * what.cost_human + found.judged * what.cost_judge
        assert found.budget == pytest.approx(cost)
    # People and both need the money that their ratio at equal budget says.
    both, people = need(what, "hybrid", target), need(what, "human", target)
    split = optimal_split(math.sqrt(what.law.rho_squared), what.cost_human, what.cost_judge, 1e5)
    assert both.budget / people.budget == pytest.approx(split.variance_ratio, rel=1e-6)


def test_judge_floor_is_that_of_the_formula():
    world = tree(
        family="normal",
        variants=[{"name": "A", "mean": 3.0}, {"name": "B", "mean": 3.0}],
        evaluator={"kind": "judge", "differential_bias": 0.05, "price_override": 0.001, "suspected_bias_sd": 0.05},
        evaluators={"human": {"price_per_label": 1.0}},
    )
    what = setting(Scenario.from_tree(world, "test"))
    star = break_even_n(float((what.law.score_sd**2).sum()), 0.05)
    for ratio in (0.25, 1, 4, 16):
        one = option(what, "judge", Rows(0, round(ratio * star)))
        assert one.false_rejection == pytest.approx(false_rejection(ratio), abs=1e-3)
    assert need(what, "judge", 0.04).budget is None


def test_joint_law_of_scores_is_that_of_rows():
    scenario = library.load("ranking-diversity")
    law = pair_law(scenario, 1)
    judge, human = scenario.evaluators["judge"], scenario.evaluators["human"]
    g = np.random.default_rng(1)
    q = scenario.means[1] + scenario.sds[1] * g.standard_normal(400_000)
    noise = math.sqrt(judge["item_sd"] ** 2 + judge["item_variant_sd"] ** 2 + judge["repeat_sd"] ** 2)
    f = judge["scale"] * q + judge["differential_bias"] + noise * g.standard_normal(400_000)
    h = q + human["noise_sd"] * g.standard_normal(400_000)
    assert law.rho[1] == pytest.approx(np.corrcoef(h, f)[0, 1], abs=0.006)
    assert law.score_sd[1] == pytest.approx(f.std(), rel=0.005)
    assert law.score[1] == pytest.approx(f.mean(), abs=0.01)


def test_joint_law_of_rates_is_that_of_rows():
    scenario = library.load("hallucination-prompt").copy(
        evaluator={"kind": "judge", "sensitivity": 0.8, "specificity": 0.9, "differential_bias": 0.02, "model": "gpt-5-mini",
                   "provider": "openai", "input_tokens": 100}
    )  # fmt: skip
    law = pair_law(scenario, 1)
    g = np.random.default_rng(2)
    y = g.random(400_000) < scenario.means[1]
    h = np.where(y, g.random(400_000) < 0.9, g.random(400_000) < 0.03)
    f = np.where(y, g.random(400_000) < 0.82, g.random(400_000) < 0.12)
    p, se, sp = law.confusion(1)
    error = 4 / math.sqrt(400_000 * min(p, 1 - p))
    assert p == pytest.approx(h.mean(), abs=error)
    assert se == pytest.approx(f[h].mean(), abs=error)
    assert sp == pytest.approx(1 - f[~h].mean(), abs=error)
    assert law.rho[1] == pytest.approx(np.corrcoef(h, f)[0, 1], abs=error)


def test_own_raters_leave_a_floor():
    scenario = library.load("summarization-prompt")
    human = {**scenario.evaluators["human"], "shared_raters": False, "raters": 10}
    own = compare(scenario.copy(evaluators={**scenario.evaluators, "human": human}), 1e4, replicates=REPS)
    one, played = own.options[1]
    assert own.setting.law.severity_variance == pytest.approx(2 * human["severity_sd"] ** 2 / 10)
    assert played.se.value == pytest.approx(one.se, rel=4 / math.sqrt(2 * REPS))
    # An analysis that does not know of severity rejects far too often; the closed form here does know.
    assert played.false_rejection.value > 5 * one.false_rejection


def test_seeds():
    scenario = library.load("ranking-diversity")
    one, same, other = (compare(scenario, replicates=200, seed=seed).options[1][1].se.value for seed in (1, 1, 2))
    assert one == same
    assert one != other


def run(capsys, *arguments):
    status = main(["evaluators", *arguments])
    return status, *capsys.readouterr()


def test_command(capsys, tmp_path):
    asked = ("summarization-prompt", "--budget", "600", "--replicates", "500")
    status, out, err = run(capsys, *asked, "--json", "-")
    told = json.loads(out)
    assert (status, err) == (0, "")
    assert [one["name"] for one in told["options"]] == ["judge", "human", "hybrid"]
    assert told["equal_accuracy"][0]["budget"] is None
    assert "no number of rows" in told["equal_accuracy"][0]["reason"]
    assert told["advised"] == "hybrid"
    assert all(one["simulated"]["coverage"]["se"] is not None for one in told["options"])
    status, out, _ = run(capsys, *asked)
    assert status == 0
    assert "out of reach" in out
    # Lines are cut at the width of the screen.
    assert "an error floor, reached at" in " ".join(out.split())
    assert "With labels in both variants, for the same money" in " ".join(out.split())
    status, _, _ = run(capsys, *asked, "--json", str(tmp_path / "told.json"))
    assert json.loads((tmp_path / "told.json").read_text())["budget"] == 600
    free = run(capsys, "summarization-prompt", "--set", "evaluators.judge.suspected_bias_sd=0", "--replicates", "200")
    assert free[0] == 0


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("nothing",), "unknown scenario"),
        (("summarization-prompt", "--budget", "1"), "--budget"),
        (("summarization-prompt", "--budget", "nan"), "--budget"),
        (("summarization-prompt", "--replicates", "1"), "--replicates"),
        (("summarization-prompt", "--power", "2"), "--power"),
        (("summarization-prompt", "--variant", "new promt"), "did you mean"),
        (("summarization-prompt", "--concurrency", "0"), "--concurrency"),
        (("summarization-prompt", "--seed", "-1"), "--seed"),
        (("summarization-prompt", "--set", "evaluators.judge.price_override=0"), "give a price"),
    ],
)
def test_wrong_input_is_one_line(capsys, arguments, said):
    status, out, err = run(capsys, *arguments)
    assert (status, out, err.count("\n")) == (2, "", 1)
    assert said in err


def test_a_scenario_without_people_says_so():
    world = tree(evaluator={"kind": "judge", "price_override": 0.01})
    with pytest.raises(InputError, match=r"no \[evaluators.human\]"):
        compare(Scenario.from_tree(world, "test"))


def test_rows_for_a_budget():
    what = setting(library.load("summarization-prompt"))
    assert rows_for(what, "human", 100) == Rows(50, 0)
    assert rows_for(what, "judge", 100).judged == what.pace.cap
    assert rows_for(what, "hybrid", 1) == Rows(0, 0)


@pytest.mark.parametrize("family", ["normal", "binary"])
def test_refusals_not_at_random_response_by_response(family):
    """A judge that refuses good responses less: biased alone, mended by labels; asked about the same number in all."""
    judge = {"refusals": 0.3, "refusal_correlation": 0.6, "item_sd": 0.5, "price_override": 0.01}
    judge |= {"sensitivity": 0.9, "specificity": 0.92}
    means = (3.0, 3.3) if family == "normal" else (0.4, 0.5)
    made = tree(family, evaluator={"kind": "judge", **judge}, evaluators={"human": {"price_per_label": 0.2, "coverage": 0.1}},
                variants=[{"name": n, "mean": m} for n, m in zip("AB", means, strict=True)],
                metric={"direction": "increase"})  # fmt: skip
    found = compare(Scenario.from_tree(made, "test"), 40.0, replicates=REPS)
    (alone, drawn), _, (both, corrected) = found.options
    assert alone.rows.judged == 2000
    assert alone.cost == pytest.approx(40.0)
    rng, values = np.random.default_rng(6), []
    p = means[0]
    spread = np.where(rng.random(1_000_000) < p, 1 - p, -p) / math.sqrt(p * (1 - p)) if family == "binary" else 0.0
    # The share that is refused is the control's.
    cut = np.quantile(0.6 * spread + (0.8 if family == "binary" else 1.0) * rng.standard_normal(1_000_000), 0.3)
    for _ in range(1500):
        told = []
        for mean in means:
            if family == "normal":
                q = mean + rng.standard_normal(2000)
                lean = q - means[0]
                f = q + 0.5 * rng.standard_normal(2000)
            else:
                q = (rng.random(2000) < mean).astype(float)
                lean = (q - p) / math.sqrt(p * (1 - p))
                f = (rng.random(2000) < np.where(q == 1, 0.9, 0.08)).astype(float)
            index = 0.6 * lean + 0.8 * rng.standard_normal(2000)
            told.append((f, index))
        values.append(told[1][0][told[1][1] > cut].mean() - told[0][0][told[0][1] > cut].mean())
    effect = means[1] - means[0]
    error = np.std(values) / math.sqrt(1500)
    assert abs(np.mean(values) - effect - alone.bias) <= 4 * error + 1e-4
    assert np.std(values) == pytest.approx(alone.se, rel=4 / math.sqrt(3000) + 0.01)
    assert drawn.se.value == pytest.approx(alone.se, rel=4 / math.sqrt(2 * REPS))
    assert abs(drawn.bias.value - alone.bias) <= 4 * drawn.bias.se
    assert abs(alone.bias) > 5 * drawn.bias.se
    assert abs(both.bias) < 1e-9
    assert abs(corrected.bias.value) <= 4 * corrected.bias.se
    assert corrected.se.value == pytest.approx(both.se, rel=4 / math.sqrt(2 * REPS) + 3 / both.rows.labelled + 0.01)
