"""Inference after contextual bandits, against plain Python, a quadrature and the truth."""

import json

import numpy as np
import pytest
from typer.testing import CliRunner

from expsim_panel.__main__ import app
from expsim_panel.adaptive_inference import METHODS
from expsim_panel.bandit_inference import LEVEL, METHOD, to_json
from expsim_panel.bandit_problems import play
from expsim_panel.kernels.arms import P_BEST, best_of_normals
from expsim_panel.kernels.bits import stream
from expsim_panel.kernels.contextual import predict
from expsim_panel.kernels.logged import Drawn
from expsim_panel.kernels.logged_segments import play_logged_segments
from expsim_panel.kernels.requests import begin
from expsim_panel.kernels.streams import OUTCOME, POLICY, TRUTH
from expsim_panel.policy import Problem
from expsim_panel.policy_names import read_kind
from expsim_panel.problem_inference import inference_of
from expsim_panel.segment_bandits import KINDS
from expsim_panel.segment_inference import over_all
from tests.slow_logged import DRAWS, chances_of, estimated, segmented

NAIVE, EVEN, BEST = (METHODS.index(name) for name in ("sample_mean", "aipw_uniform", METHOD))
GIVEN = {"segments": "0.5,0.3,0.2", "means": "0.60,0.70,0.62;0.65,0.55,0.70;0.50,0.52,0.64"}
LINEAR = "lin-thompson(floor=0.05)"


@pytest.fixture(scope="module")
def found():
    """The problem, with a few experiments played."""
    return play("segments", GIVEN, [LINEAR], 1500, replicates=400, seed=7)


def logged(found, policy, size, horizon, seed=5):
    """Logged experiments of one policy: estimates inside segments, covariances, sample means, pulls."""
    made, (segments, arms) = read_kind(policy, KINDS, "test", "policy"), found.means.shape
    problem = Problem(arms, horizon, True, width=found.features.shape[1])
    inside, cross = (np.zeros((size, segments, 5, arms, last)) for last in (2, arms))
    pooled, pulls = np.zeros((size, arms, 2)), np.zeros((size, segments, arms), np.int64)
    params, choices, x = made.request(problem), stream(seed, POLICY, 0), np.zeros(problem.width)
    with np.errstate(over="ignore"):
        play_logged_segments(
            params, Drawn(params, choices, x, np.zeros(arms), DRAWS), stream(seed, OUTCOME, 0), stream(seed, TRUTH, 0),
            choices, True, found.means, np.cumsum(found.shares)[:-1], found.features, horizon, int(made.burn_in),
            made.floor_of(arms), 0.0, x, np.zeros(made.memory(problem)), inside, cross, pooled, pulls,
        )  # fmt: skip
    return inside, cross, pooled, pulls


@pytest.mark.arithmetic
def test_the_same_experiment_in_plain_python(found):
    """Loop and estimators written down again from the same streams, and the whole from its parts."""
    size, horizon = 3, 90
    inside, cross, pooled, pulls = logged(found, LINEAR, size, horizon)
    made = read_kind(LINEAR, KINDS, "test", "policy")
    problem = Problem(3, horizon, True, width=3)
    rewards, arrivals, choices = (stream(5, role, 0) for role in (OUTCOME, TRUTH, POLICY))
    whole, both = over_all(inside, cross, pooled, pulls.sum(axis=2))
    with np.errstate(over="ignore"):
        for r in range(size):
            memory = np.zeros(made.memory(problem))
            logs = segmented(
                made.request(problem), memory, rewards, arrivals, choices, found, horizon, made.floor_of(3)
            )  # fmt: skip
            mean, spread = np.zeros((5, 3)), np.zeros((5, 3, 3))
            parts = []
            for k, log in enumerate(logs):
                which, came, chance = zip(*log, strict=True)
                assert pulls[r, k].tolist() == np.bincount(which, minlength=3).tolist()
                assert np.min(chance) >= 0.05 - 1e-15
                one, error = estimated(which, came, chance)
                np.testing.assert_allclose(inside[r, k, :, :, 0], one, rtol=1e-9, atol=1e-12)
                np.testing.assert_allclose(cross[r, k], error, rtol=1e-9, atol=1e-12)
                share = len(log) / horizon
                mean += share * one
                spread += share**2 * error
                parts.append((share, one))
            for share, one in parts:
                off = one - mean
                spread += share * off[:, :, None] * off[:, None, :] / horizon
            np.testing.assert_allclose(whole[r, 1:, :, 0], mean[1:], rtol=1e-9)
            np.testing.assert_allclose(both[r, 1:], spread[1:], rtol=1e-9, atol=1e-12)
            np.testing.assert_allclose(whole[r, :, :, 1], np.diagonal(both[r], axis1=1, axis2=2), rtol=1e-12)
            every = [row for log in logs for row in log]
            for a in range(3):
                mine = [reward for arm, reward, _ in every if arm == a]
                assert whole[r, NAIVE, a, 0] == pytest.approx(np.mean(mine))
                assert whole[r, NAIVE, a, 1] == pytest.approx(np.var(mine, ddof=1) / len(mine))
                # Inverse-propensity weighting does not know of segments.
                plain = sum(reward / chance[a] for arm, reward, chance in every if arm == a) / horizon
                assert whole[r, METHODS.index("ipw"), a, 0] == pytest.approx(plain)


@pytest.mark.arithmetic
def test_choices_have_the_policy_s_probabilities(found):
    """Linear Thompson sampling draws independent normal predictions: P(largest) by quadrature, beside 6,000 choices."""
    made = read_kind(LINEAR, KINDS, "test", "policy")
    problem = Problem(3, 100, True, width=2)
    params, memory, rng = made.request(problem), np.zeros(made.memory(problem)), np.random.default_rng(2)
    begin(params, memory)
    for first in range(0, memory.shape[0], 4):
        memory[first + 2] = rng.normal(0.3, 0.3, 2)
    x, work, n = np.array([1.0, 0.4]), np.zeros((4, 3)), np.ones(3)
    for a in range(3):
        mean, square = predict(a, x, memory)
        work[0, a], work[1, a] = mean, 0.5 * np.sqrt(square)
    best_of_normals(work, False)
    bits, seen = stream(3, POLICY, 0), np.zeros(3)
    with np.errstate(over="ignore"):
        for _ in range(300):
            seen += chances_of(params, bits, x, 5, n, n, n, memory, np.zeros(3)) / 300
    assert np.all(np.abs(seen - work[P_BEST]) <= 4 * np.sqrt(work[P_BEST] * (1 - work[P_BEST]) / 6000))


@pytest.mark.arithmetic
def test_the_logged_experiment_is_the_one_that_regret_is_of(found):
    """Pulls by segment, with the error of both simulations."""
    *_, pulls = logged(found, LINEAR, 200, 1500)
    error = pulls.std(axis=0) * np.sqrt(1 / 200 + 1 / found.replicates)
    assert np.all(np.abs(pulls.mean(axis=0) - found.policies[0].pulls) <= 4 * error)


@pytest.mark.arithmetic
def test_unbiased_and_covered_where_the_naive_mean_is_that_of_some_segments(found):
    """1,000 experiments: a coverage has a standard error of a hundredth."""
    (one,) = inference_of(found, experiments=1000)
    told = one.coverage
    assert np.all(np.abs(told.bias[EVEN]) <= 3 * told.bias_se[EVEN])
    assert np.all(np.abs(told.contrast_bias[EVEN]) <= 3 * told.contrast_bias_se[EVEN])
    assert np.all(np.abs(told.coverage[BEST] - LEVEL) <= 0.03)
    assert np.all(np.abs(told.contrast_coverage[BEST] - LEVEL) <= 0.03)
    # Arm 1 is served where it is best, in segment 0: by 0.70 there, by 0.619 over all.
    assert told.bias[NAIVE, 1] > 20 * told.bias_se[NAIVE, 1]
    assert told.coverage[NAIVE, 1] < 0.4
    for part in one.inside:
        assert np.all(np.abs(part.bias[EVEN]) <= 3.5 * part.bias_se[EVEN])
        # Of nine intervals the worst; a segment has 300 requests at least, 15 of an arm at its floor.
        assert np.all(np.abs(part.coverage[BEST] - LEVEL) <= 0.05)
    assert one.least == 0.05


def test_policies_without_a_floor_have_a_reason(monkeypatch):
    made = inference_of(play("segments", GIVEN, ["lin-thompson", "even"], 60, replicates=20, seed=2), experiments=50)
    assert made[0].reason.endswith("give it a floor, as lin-thompson(floor=0.05)")
    assert to_json(made[0])["inference"] is None
    assert made[1].least == pytest.approx(1 / 3)
    assert np.all(np.abs(made[1].coverage.bias[NAIVE]) <= 4 * made[1].coverage.bias_se[NAIVE])
    monkeypatch.setattr("expsim_panel.logged_run._CELLS", 500)
    (long,) = inference_of(play("segments", GIVEN, ["even"], 60, replicates=20, seed=2), experiments=2)
    assert "too many to log" in long.reason


def test_a_segment_that_never_comes_has_no_figures():
    given = {"segments": "1,1,0", "means": GIVEN["means"]}
    (one,) = inference_of(play("segments", given, ["even"], 60, replicates=20, seed=2), experiments=50)
    assert one.inside == ()
    assert one.coverage is not None
    json.dumps(to_json(one), allow_nan=False)


def test_the_command_and_the_page_show_it(tmp_path):
    page = tmp_path / "page.html"
    asked = ["bandit", "--means", GIVEN["means"], "--segments", GIVEN["segments"], "--policy", "even", "--policy", LINEAR,
             "--horizon", "200", "--replicates", "20", "--inference", "50"]  # fmt: skip
    done = CliRunner().invoke(app, [*asked, "--json", "-", "--html", str(page)])
    assert done.exit_code == 0
    even, linear = json.loads(done.stdout)["policies"]
    assert even["inference"]["methods"][NAIVE]["valid"]
    assert not linear["inference"]["methods"][NAIVE]["valid"]
    rows = linear["inference"]["segments"]
    assert [[one["name"] for one in row] for row in rows] == [list(METHODS)] * 3
    assert len(rows[0][BEST]["coverage"]) == 3
    assert "Covers: in segments" in page.read_text()
    assert "In segments" in CliRunner().invoke(app, asked).output
