"""Maps over two numbers, axes of a world, forms and scenarios as bandit problems: each against the problem played alone."""

import json

import numpy as np
import pytest
from typer.testing import CliRunner

from expsim_panel import InputError, bandit
from expsim_panel.__main__ import app
from expsim_panel.bandit_axes import Setting
from expsim_panel.bandit_curves import regret_over
from expsim_panel.bandit_form import BanditArm, BanditPlace, allowed, arm_keys, form_world, place_keys
from expsim_panel.bandit_results import in_dollars
from expsim_panel.bandit_scenario import of_scenario
from expsim_panel.bandit_surface import LOST, USD, WRONG, contour, regret_surface
from expsim_panel.bandit_verdict import even_regret, verdict
from expsim_panel.exports.bandit_html import page
from expsim_panel.study import Study

MEANS, NAMES, HORIZON = [0.4, 0.6], ["even", "ucb1"], 120


def test_every_cell_is_the_problem_played_alone():
    made = regret_surface(
        MEANS, NAMES, HORIZON, ("means.0", [0.3, 0.5, 0.7]), ("horizon", [50, 100]), replicates=60, seed=4
    )  # fmt: skip
    for j, horizon in enumerate((50, 100)):
        for i, mean in enumerate((0.3, 0.5, 0.7)):
            alone = bandit([mean, 0.6], NAMES, horizon, replicates=60, seed=4)
            for k, one in enumerate(alone.policies):
                expected = one.regret.value if one.regret.exact is None else one.regret.exact
                assert made.figures[LOST][k, j, i] == pytest.approx(expected, abs=1e-12)
                assert made.figures[WRONG][k, j, i] == pytest.approx(1 - one.p_best_arm.value, abs=1e-12)
                assert made.figures[USD][k, j, i] == pytest.approx(one.money.regret.value, abs=1e-12)
    less = made.shown("ucb1", LOST, "even")
    np.testing.assert_allclose(less.value, made.figures[LOST][1] - made.figures[LOST][0])
    np.testing.assert_allclose(less.se, np.hypot(made.errors[LOST][1], made.errors[LOST][0]))
    told = made.to_json()
    assert json.dumps(told, allow_nan=False)
    assert told["minus_even"][0]["name"] == "ucb1"


def test_the_contour_is_where_the_difference_is_nothing():
    """A policy that pays for exploring late loses to an even split on one side of the map and wins on the other."""
    made = regret_surface(
        MEANS, ["even", "epsilon-greedy(start=none)"], 60, ("epsilon-greedy.epsilon", [0.0, 0.5, 1.0]),
        ("means.0", [0.2, 0.4]), replicates=400, seed=4,
    )  # fmt: skip
    less = made.shown(made.bandit, LOST, "even")
    for line in contour(less):
        for x, y in line:
            # Linear between the levels, as the contour is.
            across = [np.interp(x, less.x.values, row) for row in less.value]
            assert np.interp(y, less.y.values, across) == pytest.approx(0.0, abs=1e-6)


@pytest.mark.parametrize(
    ("path", "level", "world"),
    [
        ("delay", 30, {"delay": 30}), ("batch", 10, {"batch": 10}), ("sensitivity", 0.8, {"sensitivity": [0.8]}),
        ("specificity.1", 0.7, {"specificity": [1.0, 0.7]}), ("cost.0", 0.2, {"cost": [0.2, 0.0]}),
        ("arrives.1", 20, {"arrives": [0, 20]}), ("drift.0", 0.1, {"drift": [0.1, 0.0]}),
        ("season.amplitude", 0.05, {"season": (0.05, 30)}), ("population", 500, {"population": 500}),
        ("value-per-point", 3.0, {"value_per_point": 3.0}),
    ],
)  # fmt: skip
def test_numbers_of_the_world_are_axes(path, level, world):
    curve = regret_over(MEANS, NAMES, HORIZON, path, [level], replicates=40, seed=2)
    alone = bandit(MEANS, NAMES, HORIZON, replicates=40, seed=2, world=world)
    for k, one in enumerate(alone.policies):
        expected = one.regret.value if one.regret.exact is None else one.regret.exact
        assert curve.regret[k, 0] == pytest.approx(expected)
        assert curve.figures[USD][k, 0] == pytest.approx(one.money.regret.value)


def test_every_offered_axis_can_be_drawn_over_its_usual_range():
    for family, means in (("bernoulli", (0.4, 0.5, 0.6)), ("gaussian", (0.0, 0.3, 0.5))):
        world = {"season": (0.02, 50), "shift": [(50, [0.5, 0.4, 0.3])], "population": 5000, "arrives": (0, 0, 10)}
        setting = Setting(("even", "epsilon-greedy", "kl-ucb"), 200, means, world, family)
        for path in setting.axes().values():
            low, high = setting.usual(path)
            assert low < high
            axis = setting.axis(path, "bandit")
            moved = axis.place(setting, round(low) if axis.whole else low)
            assert isinstance(moved, Setting)


@pytest.mark.parametrize(
    ("x", "y", "said"),
    [
        ("horizon", "horizon", "other axis"), ("nope", "horizon", "no axis"), ("horizon", "cost.9", "no arm"),
        ("means.0", "horizon", "success rate"), ("shift.at", "horizon", "no axis"),
    ],
)  # fmt: skip
def test_wrong_maps_are_one_line(x, y, said):
    with pytest.raises(InputError, match=said) as caught:
        regret_surface(MEANS, NAMES, 50, (x, [0.1, 2.0]), (y, [20, 30]), replicates=5)
    assert "\n" not in str(caught.value)


def test_the_command_draws_a_map(tmp_path):
    target = tmp_path / "map.html"
    asked = ["bandit", "--means", "0.3,0.6", "--policy", "even", "--policy", "ucb1", "--horizon", "60", "--replicates", "30",
             "--inference", "0", "--over", "lead=0.1:0.3:3", "--over", "horizon=20:60:2"]  # fmt: skip
    done = CliRunner().invoke(app, [*asked, "--html", str(target), "--json", "-"])
    assert done.exit_code == 0
    over = json.loads(done.stdout)["over"]
    assert np.shape(over["policies"][1]["regret"]) == (2, 3)
    assert np.shape(over["minus_even"][0]["regret_usd_se"]) == (2, 3)
    assert "Lost while learning, ucb1 minus even" in target.read_text(encoding="utf-8")
    assert "ucb1 minus even" in CliRunner().invoke(app, asked).output
    third = CliRunner().invoke(app, [*asked, "--over", "means.0=0.1:0.2:2"])
    assert third.exit_code == 2 or "--over" in str(third.exception)


def test_costs_make_the_loss_net_value():
    """An even split of two arms: rewards and prices by hand."""
    world = {"cost": [0.0, 0.3], "value_per_point": 2.0, "population": 1000}
    found = bandit(MEANS, NAMES, HORIZON, replicates=300, seed=1, world=world)
    told = in_dollars(found)
    # Net value of a request: 0.8 and 1.2 - 0.3 = 0.9 dollars; half of the requests lose 0.1.
    value, error = even_regret(told)
    assert value == pytest.approx(HORIZON * 0.05, abs=4 * error)
    one = told["ucb1"]
    assert one.regret == found["ucb1"].money.regret
    assert one.simple_regret.value == pytest.approx(0.1 * (1 - found["ucb1"].p_best_arm.value))
    text = page(found, 2.0)
    assert "Lost to the end, $" in text
    assert "--cost=0.0,0.3" in text
    dear = bandit(MEANS, NAMES, HORIZON, replicates=20, seed=1, world={"cost": [0.0, 0.5], "value_per_point": 1.0})
    assert "By net value arm 0 is the best" in " ".join(verdict(in_dollars(dear), 1.0).notes)


def test_a_form_makes_the_world_that_its_numbers_say():
    place = {"delay": 5, "batch": 10, "season_amplitude": 0.1, "season_period": 40, "shift_at": 30, "judge_noise": 2.0}
    arms = [{"cost": 0.1, "sensitivity": 0.9}, {"drift": 0.05, "shifted": 0.7, "judge_bias": 0.4, "arrives": 3}]
    made = form_world(place, arms, MEANS, "bernoulli", "x")
    assert made == {
        "delay": 5, "batch": 10, "season": (0.1, 40), "shift": [(30, [0.4, 0.7])], "cost": (0.1, 0.0),
        "drift": (0.0, 0.05), "arrives": (0, 3), "sensitivity": (0.9, 1.0),
    }  # fmt: skip
    scores = form_world(place, arms, MEANS, "gaussian", "x")
    assert scores["judge_noise"] == 2.0
    assert scores["judge_bias"] == (0.0, 0.4)
    assert "sensitivity" not in scores
    assert form_world({}, [], MEANS, "bernoulli", "x") == {}
    with pytest.raises(InputError, match=r"arms\.1\.cost"):
        form_world({}, [{}, {"cost": -1.0}], MEANS, "bernoulli", "x")
    assert "exp3" in allowed(2, 100, "bernoulli", {})
    assert "exp3" not in allowed(2, 100, "bernoulli", {"delay": 5})
    assert "exp3" not in allowed(2, 100, "gaussian", {})
    for section, keys in ((BanditArm, [*arm_keys("bernoulli", True), *arm_keys("gaussian", True)]),
                          (BanditPlace, place_keys("gaussian"))):  # fmt: skip
        assert set(section.fields()) == set(keys)
        for key in keys:
            declared = section.param[key]
            assert declared.doc
            assert declared.label
            assert declared.bounds


@pytest.mark.parametrize("name", ["hallucination-prompt", "summarization-prompt", "ranking-diversity"])
def test_a_scenario_is_measured_and_paid_as_in_its_study(name):
    scenario = Study.load(name).scenario
    found = of_scenario(scenario)
    world = form_world(found.place, found.arms, found.means, found.family, name) | {"value_per_point": found.usd}
    one = bandit(found.means, ["even"], found.horizon, family=found.family, replicates=2, world=world)
    # Differences between arms, as seen, in the metric's own units.
    true = np.array(scenario.means)
    law = scenario.evaluator.measure(true, scenario.sds, scenario.family)
    seen = np.broadcast_to(law.means, true.shape)
    means = np.array(found.means)
    if found.family == "bernoulli":
        found_rate, right = np.array(world["sensitivity"]), np.array(world["specificity"])
        reported = means * found_rate + (1 - means) * (1 - right)
        np.testing.assert_allclose(reported, seen if scenario.sign > 0 else 1 - seen, atol=1e-9)
    else:
        spread = scenario.sds.mean()
        biased = means + np.array(world.get("judge_bias", np.zeros(means.size)))
        np.testing.assert_allclose(biased * spread * scenario.sign, seen, atol=1e-9)
        variance = spread**2 * (1 + world.get("judge_noise", 0.0) ** 2) * scenario.evaluator.row_share
        assert variance == pytest.approx(np.mean(law.sds**2), rel=1e-6)
    assert one.world.population == scenario.economics.horizon_units
    assert one.world.batch == scenario.traffic.units_per_day
