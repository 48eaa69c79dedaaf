"""Inference after bandits with ratings, guardrails and budgets, against plain Python and the truth."""

import json

import numpy as np
import pytest
from scipy.optimize import brentq
from typer.testing import CliRunner

from expsim_panel import InputError, bandit
from expsim_panel.__main__ import app
from expsim_panel.adaptive_contrasts import Contrast, Recommendation
from expsim_panel.adaptive_inference import METHODS
from expsim_panel.bandit_inference import LEVEL, METHOD, decisions, differences, inference, to_json
from expsim_panel.bandit_problems import play
from expsim_panel.guarded_decisions import Guard, each_z, guarded, judged, score_interval
from expsim_panel.kernels.bits import stream
from expsim_panel.kernels.logged import Drawn
from expsim_panel.kernels.logged_metered import play_logged_metered
from expsim_panel.kernels.streams import EVALUATOR, OUTCOME, POLICY
from expsim_panel.metered_world import metered_world
from expsim_panel.policy_names import read_policy
from expsim_panel.problem_inference import inference_of
from tests.slow_logged import DRAWS, estimated, metered

NAIVE, EVEN, BEST = (METHODS.index(name) for name in ("sample_mean", "aipw_uniform", METHOD))
RATED = "0.1,0.2,0.3,0.4;0.05,0.2,0.3,0.45;0.1,0.1,0.2,0.6"
GUARDED = {"means": "0.65,0.62,0.68,0.72", "guardrail": "0.01,0.01,0.015,0.06", "limit": 0.03}
PRICED = {"means": "0.5,0.6", "cost": "0.5,1", "budget": 300.0}
WORLDS = {
    "ratings": metered_world(ratings=[[float(p) for p in row.split(",")] for row in RATED.split(";")]),
    "guardrail": metered_world([0.6, 0.5, 0.7], guardrail=[0.1, 0.05, 0.5], limit=0.2),
    "budget": metered_world([0.5, 0.6], costs=[0.5, 1.2], budget=20.0, guardrail=[0.1, 0.3], limit=0.2),
    "unknown": metered_world([0.5, 0.6], family="gaussian", costs=[0.3, 0.6], unknown_costs=True, budget=12.0),
}


def logged(world, policy, size, horizon, seed=5):
    """Logged experiments of one policy, asked by twenty choices a request."""
    made, arms = read_policy(policy), world.means.size
    problem = world.problem(horizon)
    out, cross = np.zeros((size, 5, arms, 2)), np.zeros((size, 5, arms, arms))
    harm, harm_cross, load = np.zeros_like(out), np.zeros_like(cross), np.zeros((size, 5, arms))
    kept, pulls, used = np.zeros(size, np.int64), np.zeros((size, arms), np.int64), np.zeros(size, np.int64)
    params, choices = made.request(problem), stream(seed, POLICY, 0)
    with np.errstate(over="ignore"):
        play_logged_metered(
            params, Drawn(params, choices, np.zeros(0), np.zeros(arms), DRAWS), stream(seed, OUTCOME, 0),
            stream(seed, EVALUATOR, 0), choices, world.means, world.edges, world.costs, world.unknown_costs,
            world.risks, float(world.budget), horizon, int(made.burn_in), made.floor_of(arms), 0.0,
            np.zeros(made.memory(problem)), out, cross, harm, harm_cross, load, kept, pulls, used,
        )  # fmt: skip
    return out, cross, harm, harm_cross, load, pulls, used


@pytest.mark.arithmetic
@pytest.mark.parametrize(
    ("world", "policy"),
    [
        ("ratings", "dirichlet-thompson(floor=0.05)"), ("guardrail", "guardrailed-thompson(floor=[0.05,0.1,0.08],burn_in=3)"),
        ("budget", "guardrailed-thompson(floor=0.1)"), ("unknown", "budgeted-thompson(floor=0.1,burn_in=2)"),
    ],
)  # fmt: skip
def test_the_same_experiment_in_plain_python(world, policy):
    """Loop and estimators written down again, from the same streams: the same numbers, and the arm cut off at its floor."""
    place, size, horizon = WORLDS[world], 3, 120
    made = read_policy(policy)
    problem, arms = place.problem(horizon), place.means.size
    floors = made.floor_of(arms)
    out, cross, harm, harm_cross, load, pulls, used = logged(place, policy, size, horizon)
    rewards, prices, choices = (stream(5, role, 0) for role in (OUTCOME, EVALUATOR, POLICY))
    cut = 0
    with np.errstate(over="ignore"):
        for r in range(size):
            memory = np.zeros(made.memory(problem))
            log, n, closed = metered(
                made.request(problem), memory, rewards, prices, choices, place, horizon, int(made.burn_in), floors
            )
            which, came, events, chance = zip(*log, strict=True)
            assert used[r] == len(log)
            assert pulls[r].tolist() == n.tolist()
            for found, both, values in ((out, cross, came), (harm, harm_cross, events)):
                mean, spread = estimated(which, values, chance)
                np.testing.assert_allclose(found[r, :, :, 0], mean, rtol=1e-9, atol=1e-12)
                np.testing.assert_allclose(both[r], spread, rtol=1e-9, atol=1e-12)
            e = np.array(chance)
            np.testing.assert_allclose(load[r, BEST], len(log) / np.sqrt(e).sum(axis=0) ** 2, rtol=1e-9)
            np.testing.assert_allclose(load[r, EVEN], (1 / e).sum(axis=0) / len(log) ** 2, rtol=1e-9)
            assert np.all(e >= floors - 1e-15)
            if world == "guardrail":
                # A closed arm has its floor and nothing else, while another is open.
                for t in range(int(made.burn_in) * arms, len(log)):
                    for a in np.flatnonzero(closed[t]) if not closed[t].all() else ():
                        cut += 1
                        assert e[t, a] == pytest.approx(floors[a], abs=1e-15)
    assert cut > 0 or world != "guardrail"


@pytest.mark.arithmetic
@pytest.mark.parametrize(
    ("world", "policy"), [("guardrail", "guardrailed-thompson(floor=0.05)"), ("budget", "budgeted-ucb(floor=0.1)")]
)
def test_the_logged_experiment_is_the_one_that_regret_is_of(world, policy):
    """Pulls of every arm, and bad events, with the error of both simulations."""
    given = (
        {"means": "0.6,0.5,0.7", "guardrail": "0.1,0.05,0.5", "limit": 0.2}
        if world == "guardrail"
        else {"means": "0.5,0.6", "cost": "0.5,1.2", "budget": 20.0, "guardrail": "0.1,0.3", "limit": 0.2}
    )
    *_, pulls, used = logged(WORLDS[world], policy, 600, 150)
    found = play("metered", given, [policy], 150, replicates=2000, seed=9).policies[0]
    error = np.hypot(pulls.std(axis=0) / np.sqrt(600), found.pulls_se)
    assert np.all(np.abs(pulls.mean(axis=0) - found.pulls) <= 4 * error)
    assert np.all(used <= pulls.sum(axis=1))


CASES = {
    "ratings": ({"ratings": RATED}, "dirichlet-thompson(floor=0.05)", 800, [2.0 + 1.0, 2.15 + 1.0, 2.3 + 1.0]),
    "guardrail": (
        {"means": "0.6,0.65,0.7", "guardrail": "0.05,0.05,0.2", "limit": 0.1}, "guardrailed-thompson(floor=0.1)", 1500,
        [0.6, 0.65, 0.7],
    ),
    "budget": (PRICED, "thompson(floor=0.1)", 2000, [0.5, 0.6]),
}  # fmt: skip


@pytest.mark.arithmetic
@pytest.mark.parametrize("case", list(CASES))
def test_unbiased_and_covered_where_the_naive_mean_is_biased(case):
    """AIPW with even weights within 3 errors of the truth, intervals of the adaptive weights within 3 points of 90 %.

    1,000 experiments: a coverage has a standard error of a hundredth.
    """
    given, policy, horizon, means = CASES[case]
    found = play("metered", given, [policy], horizon, replicates=20, seed=11)
    np.testing.assert_allclose(found.world.means * found.world.scale + (case == "ratings"), means)
    (one,) = inference_of(found, experiments=1000)
    told = one.coverage
    assert np.all(np.abs(told.bias[EVEN]) <= 3 * told.bias_se[EVEN])
    assert np.all(np.abs(told.contrast_bias[EVEN]) <= 3 * told.contrast_bias_se[EVEN])
    assert np.all(np.abs(told.coverage[BEST] - LEVEL) <= 0.03)
    assert np.all(np.abs(told.contrast_coverage[BEST] - LEVEL) <= 0.03)
    assert told.bias[NAIVE].min() < -4 * told.bias_se[NAIVE].max()
    assert np.abs(told.bias[BEST]).max() < 0.8 * np.abs(told.bias[NAIVE]).max()
    assert (one.harm is None) == (case != "guardrail")
    if one.harm is not None:
        rates = one.harm.coverage
        assert np.all(np.abs(rates.bias[EVEN]) <= 3 * rates.bias_se[EVEN])
        # Counts are whole: the coverage of a rate's interval goes up and down with it.
        assert np.all(np.abs(rates.coverage[BEST] - LEVEL) <= 0.04)
        # The policy leaves an arm when it sees harm: by the sample mean it looks worse than it is.
        assert rates.bias[NAIVE, 2] > 2 * rates.bias_se[NAIVE, 2]
        assert one.wrong[BEST] <= 0.05


@pytest.mark.arithmetic
def test_a_stopping_time_leaves_little_bias():
    """What a budget adds to the bias is a small part of a standard error, where one arm costs eight times the other.

    A lucky dear arm ends the experiment sooner, so that the sum of scores goes with the number that it is divided by.
    """
    given = {"means": "0.5,0.6", "cost": "0.1,0.8", "unknown_costs": True, "budget": 60.0}
    found = play("metered", given, ["thompson(floor=0.1)"], 3000, replicates=20, seed=4)
    (one,) = inference_of(found, experiments=1000)
    told = one.coverage
    # bias_se is the standard deviation of an estimate over the root of 1,000; 0.03 of one is simulation error.
    assert np.all(np.abs(told.bias[EVEN]) <= (0.15 + 3 * 0.03) * told.bias_se[EVEN] * np.sqrt(1000))
    assert np.all(np.abs(told.coverage[BEST] - LEVEL) <= 0.03)


@pytest.mark.arithmetic
def test_choices_inform_nearly_as_well_as_probabilities():
    """Thompson's own probabilities of two arms against twenty choices: standard errors within 5 %."""
    from expsim_panel.logged_run import LoggedRun

    given = {"means": "0.5,0.6", "guardrail": "0,0", "limit": 0.5}
    found = play("metered", given, ["thompson(floor=0.05)"], 300, replicates=20, seed=4)
    (own,) = inference_of(found, experiments=400)
    out, *_ = logged(found.world, "thompson(floor=0.05)", 400, 300)
    run = LoggedRun(1, "thompson", read_policy("thompson(floor=0.05)"), None)
    assert run.draws(found.world.problem(300)) == 0
    error = out[:, BEST, :, 0].std(axis=0) / np.sqrt(400)
    # The error of a ratio of two standard deviations of 400 is 5 %.
    assert np.all(np.abs(error / own.coverage.bias_se[BEST] - 1) <= 0.05 + 3 * 0.05)


@pytest.mark.parametrize(
    ("given", "policy", "horizon", "said"),
    [
        (GUARDED, "guardrailed-thompson", 50, "guardrailed-thompson(floor=0.05)"), (GUARDED, "thompson", 50, "thompson(floor=0.05)"),
        (GUARDED, "guardrailed-thompson(floor=[0.1,0.1,0.1,0])", 50, "floor"), (GUARDED, "epsilon-greedy(decay=5)", 50, "floor"),
        ({**PRICED, "budget": 0.7}, "even", 50, "dearest arm"), (GUARDED, "even", 51, "too many to log"),
        # Two experiments of one request pull two of four arms at most.
        (GUARDED, "even", 1, "too few requests"),
    ],
)  # fmt: skip
def test_where_nothing_honest_can_be_said_there_is_a_reason(given, policy, horizon, said, monkeypatch):
    monkeypatch.setattr("expsim_panel.logged_run._CELLS", 200)
    found = play("metered", given, [policy], horizon, replicates=20, seed=2)
    (one,) = inference_of(found, experiments=2)
    assert one.coverage is None
    assert said in one.reason
    assert "\n" not in one.reason
    assert to_json(one) == {"inference": None, "inference_reason": one.reason}


def test_policies_that_explore_by_themselves_need_no_floor():
    found = play(
        "metered", {"ratings": RATED}, ["even", "epsilon-greedy(epsilon=0.3)", "exp3"], 100, replicates=20, seed=2
    )
    made = inference_of(found, experiments=50)
    assert [one.least for one in made] == pytest.approx([1 / 3, 0.1, 0.1 / 3])
    assert all(one.coverage is not None for one in made)
    assert inference_of(found, experiments=50, workers=1)[2].estimates.tolist() == made[2].estimates.tolist()


def test_the_classic_kind_goes_through_the_same_door():
    found = bandit([0.4, 0.6], ["epsilon-greedy"], 60, replicates=20, seed=3)
    assert [to_json(one) for one in inference_of(found, experiments=50)] == [
        to_json(one) for one in inference(found, experiments=50)
    ]
    duels = play("duels", {"strengths": "1,0"}, ["rucb"], 20, replicates=20, seed=1)
    with pytest.raises(InputError, match="preferred to another"):
        inference_of(duels)
    with pytest.raises(InputError, match="whole number"):
        inference_of(play("metered", PRICED, ["even"], 20, replicates=20, seed=1), experiments=1)


def test_decisions_wait_for_the_proof_of_safety():
    """By hand, experiment by experiment; the best arm of all is over the limit, and serving it is wrong."""
    place, z = WORLDS["guardrail"], each_z(3, 0.1)
    out, cross, harm, harm_cross, load, _, _ = logged(place, "guardrailed-thompson(floor=0.1)", 80, 300)
    guard, _ = judged(harm, harm_cross, load, place.risks, 0.2, place.safe, LEVEL)
    shares = np.array(decisions(out, cross, place.means, guard))
    apart, error = differences(out, cross)
    for m in range(5):
        seen = []
        for r in range(80):
            reach = z * np.sqrt(0.2 * 0.8 * load[r, m])
            rate = np.clip(harm[r, m, :, 0], 0, 1)
            fit = [k for k in range(2) if apart[r, m, k] > z * error[r, m, k] and rate[k + 1] + reach[k + 1] <= 0.2]
            out_of_it = [
                apart[r, m, k] < -z * error[r, m, k] or rate[k + 1] - reach[k + 1] > 0.2 for k in range(2)
            ]  # fmt: skip
            # Arm 0 is the best of the two that keep the limit.
            seen.append("wrong" if fit else "right" if all(out_of_it) else "undecided")
        assert shares[:, m] == pytest.approx([seen.count(name) / 80 for name in ("right", "wrong", "undecided")])


def test_the_recommendation_says_what_is_proved():
    def said(apart, within, over):
        made = tuple(Contrast(k + 1, 0, d, 0.1, 0.1, (d - 0.2, d + 0.2), 0.5, METHOD) for k, d in enumerate(apart))
        rows = (np.broadcast_to(np.array([False, *row]), (1, 5, 3)) for row in (within, over))
        return guarded(Recommendation("collect", 0, made, ""), Guard(*rows, np.array([True] * 3)), BEST, 0.1)

    one = said([0.5, 0.6], [True, False], [False, True])
    assert (one.action, one.arm) == ("launch", 1)
    assert "within the limit" in one.sentence
    assert said([0.5, 0.6], [True, True], [False, False]).arm == 2
    assert said([-0.5, 0.6], [True, False], [False, True]).action == "keep"
    waiting = said([-0.5, 0.6], [True, False], [False, False])
    assert (waiting.action, waiting.arm) == ("collect", 0)
    assert "arm 2" in waiting.sentence
    assert said([0.1, 0.6], [True, False], [False, True]).sentence.startswith("Collect more: no arm")


def test_the_interval_of_a_rate_is_the_inverted_test():
    for rate, load in ((0.0, 0.01), (0.02, 0.004), (0.4, 0.02)):
        low, high = score_interval(np.array([rate]), np.array([load]), 1.6)

        def off(r, rate=rate, load=load):
            return (rate - r) ** 2 - 1.6**2 * r * (1 - r) * load

        assert high[0] == pytest.approx(brentq(off, rate + 1e-12, 1 - 1e-9))
        assert low[0] == pytest.approx(brentq(off, 1e-12, rate - 1e-12) if rate else 0.0, abs=1e-12)


def test_the_command_and_the_page_show_it(tmp_path):
    page = tmp_path / "page.html"
    asked = ["bandit", "--means", GUARDED["means"], "--guardrail", GUARDED["guardrail"], "--limit", "0.03", "--policy", "thompson",
             "--policy", "guardrailed-thompson(floor=0.05)", "--horizon", "200", "--replicates", "20", "--inference", "50"]  # fmt: skip
    done = CliRunner().invoke(app, [*asked, "--json", "-", "--html", str(page)])
    assert done.exit_code == 0
    refused, told = json.loads(done.stdout)["policies"]
    assert refused["inference"] is None
    assert "floor" in refused["inference_reason"]
    harm = told["inference"]["bad_events"]
    assert harm["limit"] == 0.03
    assert [one["name"] for one in harm["methods"]] == list(METHODS)
    low, high, rate = (harm["methods"][BEST][key][0] for key in ("low", "high", "estimates"))
    assert low <= max(rate, 0) <= high
    assert set(harm["methods"][BEST]["within_limit"]) <= {True, False, None}
    assert "Bad events by arm: 0: " in page.read_text()
    assert "Covers: bad events" in page.read_text()
    shown = CliRunner().invoke(app, asked)
    assert "Weighted" in shown.output
    assert "Bad events" in shown.output
    rated = [
        "bandit",
        "--ratings",
        RATED,
        "--policy",
        "even",
        "--horizon",
        "200",
        "--replicates",
        "20",
        "--inference",
        "50",
    ]
    (even,) = json.loads(CliRunner().invoke(app, [*rated, "--json", "-"]).stdout)["policies"]
    assert all(2.5 < value < 3.8 for value in even["inference"]["methods"][0]["one_experiment"]["estimates"])
    assert "bad_events" not in even["inference"]
    duels = CliRunner().invoke(
        app, ["bandit", "--strengths", "1,0", "--policy", "rucb", "--horizon", "9", "--inference", "9"]
    )
    assert "preferred to another" in str(duels.exception) + duels.output
