"""The answer, the frontier, the curves and the pictures of bandit problems: every shown number has another source."""

import json
import re
import tracemalloc
from functools import cache
from html import unescape

import numpy as np
import pytest
from typer.testing import CliRunner

from expsim_panel import InputError, bandit
from expsim_panel.__main__ import app
from expsim_panel.bandit_curves import parse, regret_over
from expsim_panel.bandit_runs import CHECKPOINTS, PATHS, Run, checkpoints
from expsim_panel.bandit_verdict import break_even, check_value, even_regret, lost, verdict
from expsim_panel.exports.bandit_html import page, rows
from expsim_panel.frontier import Point, efficient, of_bandit, of_study
from expsim_panel.plots._policies import apart, spread, styles
from expsim_panel.plots.bandit_pulls import BanditPulls
from expsim_panel.plots.bandit_regret import BanditRegret
from expsim_panel.plots.bandit_traffic import BanditTraffic, layers
from expsim_panel.plots.regret_frontier import RegretFrontier
from expsim_panel.plots.regret_over_parameter import RegretOverParameter
from expsim_panel.policy import Problem
from expsim_panel.policy_names import read_policy
from expsim_panel.study import Study

MEANS, NAMES, HORIZON = [0.4, 0.5, 0.7], ["even", "ucb1", "thompson"], 400


@cache
def played():
    """Return the result that the tests show; not while they are collected, which every worker does."""
    return bandit(MEANS, NAMES, HORIZON, replicates=500, seed=3)


def test_the_even_split_loses_the_mean_gap():
    value, error = even_regret(played())
    assert value == pytest.approx(HORIZON * (0.3 + 0.2) / 3)
    assert value == pytest.approx(played()["even"].regret.exact)
    assert error == 0.0


def test_another_world_is_compared_with_the_even_split_played_there():
    moved = {"shift": [(200, [0.7, 0.5, 0.4])]}
    found = bandit(MEANS, NAMES, HORIZON, replicates=300, seed=3, world=moved)
    value, error = even_regret(found)
    assert value == found["even"].regret.value
    # Before and after the shift the mean gap is the same.
    assert value == pytest.approx(HORIZON * 0.5 / 3, abs=4 * max(error, 1e-9))
    alone = bandit(MEANS, ["ucb1"], HORIZON, replicates=50, seed=3, world=moved)
    assert even_regret(alone) is None
    assert "add the policy even" in verdict(alone).sentence
    drawn = BanditRegret()
    drawn.show(alone, "ucb1")
    assert len(drawn.bound.data["x"]) == 0
    assert "The costs of pulls" in " ".join(
        verdict(bandit(MEANS, NAMES, 50, replicates=50, world={"cost": [0.1]})).notes
    )
    assert page(alone)


def test_the_sentence_holds_the_figures_of_the_result():
    said = verdict(played())
    best = min(played().policies, key=lambda one: one.regret.value)
    assert said.policy == best.name
    assert said.clear
    gain = HORIZON * 0.5 / 3 - best.regret.value
    right = 100 * best.p_best_arm.value
    assert f"{gain:,.0f} fewer good answers" in said.sentence
    assert f"finds the best arm {right:.0f} % of the time" in said.sentence
    assert f"${0.5 * gain:.2f} less" in verdict(played(), 0.5).sentence


def test_no_policy_is_praised_without_a_clear_gain():
    same = bandit([0.5, 0.5], ["even", "thompson"], 100, replicates=200, seed=1)
    assert "equally good" in verdict(same).sentence
    # The even split's exact loss of one request is a half of the gap, and so is Thompson's.
    short = bandit([0.4, 0.6], ["even", "thompson"], 1, replicates=200, seed=1)
    assert not verdict(short).clear
    assert "add a policy" in verdict(bandit([0.4, 0.6], ["even"], 10, replicates=50, seed=1)).sentence
    assert not verdict(bandit([0.4, 0.6], ["thompson"], 100, replicates=1, seed=1)).clear


def test_break_even_is_where_both_have_lost_the_same():
    greedy = bandit([0.4, 0.5], ["even", "epsilon-greedy(epsilon=0.02)"], 200, replicates=5000, seed=1)
    level, error = break_even(greedy, "epsilon-greedy(epsilon=0.02)")
    one, even = greedy["epsilon-greedy(epsilon=0.02)"], greedy["even"]
    totals = [p.regret.value + level * p.simple_regret.value for p in (one, even)]
    # The even split's regret is exact there and simulated here.
    assert totals[0] == pytest.approx(totals[1], abs=4 * even.regret.se)
    assert 0 < error < level
    assert "later requests" in " ".join(verdict(greedy).notes)
    assert break_even(greedy, "even") is None
    assert (
        break_even(played(), "ucb1") is None
        or played()["ucb1"].simple_regret.value > played()["even"].simple_regret.value
    )


def test_amounts_are_written_for_people():
    assert lost(46.2, "bernoulli", None) == "46 good answers"
    assert lost(0.5, "gaussian", None) == "0.5 points of reward"
    assert lost(1e-15, "gaussian", None) == "0 points of reward"
    assert lost(1200.0, "bernoulli", 0.5) == "$600"
    assert check_value(None) is None
    for bad in (0.0, -1.0, float("nan"), float("inf")):
        with pytest.raises(InputError, match="give an amount"):
            check_value(bad)


def test_the_frontier_is_what_no_other_beats():
    rng = np.random.default_rng(5)
    points = tuple(
        Point(str(i), float(x), 0.0, float(y), 0.0, None, True, "")
        for i, (x, y) in enumerate(rng.integers(0, 12, (40, 2)))
    )
    kept = {one.name for one in efficient(points)}
    for one in points:
        beaten = any(
            (o.regret < one.regret and o.wrong <= one.wrong) or (o.regret <= one.regret and o.wrong < one.wrong)
            for o in points
        )
        assert (one.name in kept) != beaten
    ours = of_bandit(played(), 2.0)
    assert [p.regret for p in ours][1] == pytest.approx(2.0 * played()["ucb1"].regret.value)
    assert [p.wrong for p in ours] == pytest.approx([1 - one.p_best_arm.value for one in played().policies])


def test_a_study_has_ab_tests_and_bandits_on_the_same_axes():
    result = Study.load("hallucination-prompt", (), ("fixed-horizon", "thompson")).run(replicates=300, seed=1)
    fixed, adaptive = of_study(result)
    assert (fixed.adaptive, adaptive.adaptive) == (False, True)
    for point, one in zip((fixed, adaptive), result.strategies, strict=True):
        f = one.figures
        assert point.regret == f["regret"].value
        wrong = ("p_harmful_launch", "p_suboptimal_launch", "p_missed_win", "p_inconclusive")
        assert point.wrong == pytest.approx(sum(f[key].value for key in wrong))
        assert point.cost == f["cost"].value
    drawn = RegretFrontier()
    drawn.show((fixed, adaptive), "Lost, $", True)
    sizes = np.array(drawn.source.data["size"])
    costs = np.array([fixed.cost, adaptive.cost])
    assert np.argmax(sizes) == np.argmax(costs)


@pytest.mark.parametrize(
    ("path", "values", "same"),
    [
        ("horizon", [100, 300], lambda v: (MEANS, NAMES, int(v))),
        ("lead", [0.05, 0.2], lambda v: ([0.4, 0.5, 0.5 + v], NAMES, HORIZON)),
        ("means.0", [0.1, 0.9], lambda v: ([v, 0.5, 0.7], NAMES, HORIZON)),
        ("ucb1.c", [1.0, 3.0], lambda v: (MEANS, ["even", f"ucb1(c={v})", "thompson"], HORIZON)),
    ],
)
def test_every_level_is_the_problem_played_alone(path, values, same):
    curve = regret_over(MEANS, NAMES, HORIZON, path, values, replicates=100, seed=2)
    for j, value in enumerate(values):
        means, names, horizon = same(value)
        alone = bandit(means, names, horizon, replicates=100, seed=2)
        for i, one in enumerate(alone.policies):
            expected = one.regret.value if one.regret.exact is None else one.regret.exact
            assert curve.regret[i, j] == pytest.approx(expected, abs=1e-12)
            assert curve.high[i, j] == pytest.approx(one.regret.quantiles["0.95"], abs=1e-12)
            assert curve.figures["p_wrong"][i, j] == pytest.approx(1 - one.p_best_arm.value, abs=1e-12)
    assert json.dumps(curve.to_json(), allow_nan=False)


@pytest.mark.parametrize(
    ("path", "values"),
    [
        ("nope", [0, 1]), ("means.7", [0, 1]), ("means.x", [0, 1]), ("ucb1.nope", [0, 1]), ("lead", [0.1, 0.9]),
        ("horizon", [0, 5]), ("thompson.floor", [0, 0.4]),
    ],
)  # fmt: skip
def test_a_wrong_axis_is_one_line(path, values):
    with pytest.raises(InputError) as caught:
        regret_over(MEANS, NAMES, HORIZON, path, values, replicates=10)
    assert "\n" not in str(caught.value)
    assert caught.value.remedy


@pytest.mark.parametrize(
    "text", ["horizon", "horizon=1:2", "horizon=2:1:3", "horizon=1:2:1", "horizon=a:2:3", "x=1:1e999:3"]
)
def test_a_wrong_range_is_one_line(text):
    with pytest.raises(InputError, match=r"give|write"):
        parse(text)


def test_pictures_show_the_numbers_of_the_result():
    scale = 0.25
    regret, traffic, pulls, frontier = BanditRegret(), BanditTraffic(), BanditPulls(), RegretFrontier()
    regret.show(played(), "ucb1", scale)
    one = played()["ucb1"]
    np.testing.assert_allclose(regret.lines.data["ys"][1], scale * one.regret_over_time)
    np.testing.assert_allclose(regret.band.data["high"], scale * one.band[2])
    inside = regret.bound.data
    np.testing.assert_allclose(inside["y"], scale * played().lai_robbins * np.log(inside["x"]))
    traffic.show(played(), "ucb1")
    best = int(np.argmax(MEANS))
    np.testing.assert_allclose(traffic.source.data["high0"], 100 * one.traffic[:, best])
    np.testing.assert_allclose(traffic.source.data[f"high{len(MEANS) - 1}"], 100.0)
    pulls.show(played())
    widths = np.array(pulls.source.data["right"]) - np.array(pulls.source.data["left"])
    assert widths.reshape(3, 3).sum(axis=1) == pytest.approx(100.0)
    assert widths.reshape(3, 3)[1, 0] == pytest.approx(100 * one.pulls[best] / HORIZON)
    frontier.show(of_bandit(played()), "Good answers lost", False)
    assert frontier.source.data["y"] == pytest.approx([100 * (1 - p.p_best_arm.value) for p in played().policies])
    over = RegretOverParameter()
    curve = regret_over(MEANS, NAMES, HORIZON, "horizon", [50, 100], replicates=50)
    over.show(curve, scale)
    np.testing.assert_allclose(over.lines.data["ys"], scale * curve.regret)
    for drawn in (regret, traffic, pulls, frontier, over):
        drawn.paint(True)


def test_many_arms_share_a_layer_and_labels_keep_apart():
    drawn = layers(np.linspace(0.1, 0.9, 30))
    assert len(drawn) == 6
    assert sorted(arm for layer in drawn for arm in layer.arms) == list(range(30))
    assert drawn[0].arms == (29,)
    placed = np.sort(spread([1.0, 1.0, 1.1, 9.9], 0.5, 10.0))
    assert np.all(np.diff(placed) >= 0.5 - 1e-12)
    assert placed[-1] <= 10.0
    moved = apart([(0, 0), (0.1, 0), (5, 0)], 1.0, 1.0)
    assert moved[2] == 0.0
    assert abs(moved[0] - moved[1]) >= 0.99
    assert len({(s.colour, s.dash) for s in styles(["even", *"abcdefghi"])}) == 10


def test_the_page_is_one_file_with_every_number():
    curve = regret_over(MEANS, NAMES, HORIZON, "horizon", [50, 100], replicates=50)
    text = page(played(), 0.5, curve)
    outside = re.sub(r"<script[^>]*>.*?</script>", "", text, flags=re.DOTALL)
    assert not re.findall(r"<script[^>]*\bsrc=", text)
    assert not re.findall(r"""\b(?:src|href|action|data)\s*=\s*["']?(?:https?:)?//""", outside)
    assert verdict(played(), 0.5).sentence in unescape(outside)
    for name, *cells in rows(played(), 0.5):
        assert f"<th scope='row'>{name}</th>" in outside
        assert all(cell in outside for cell in cells)
    assert played().digest in outside
    assert "--value-per-point 0.5" in outside


def test_the_command_writes_page_and_curve(tmp_path):
    target = tmp_path / "b.html"
    asked = [
        "bandit",
        "--means",
        "0.2,0.6",
        "--policy",
        "even",
        "--policy",
        "ucb1",
        "--horizon",
        "60",
        "--replicates",
        "40",
    ]
    done = CliRunner().invoke(
        app, [*asked, "--html", str(target), "--value-per-point", "2", "--over", "lead=0:0.3:3", "--json", "-"]
    )
    assert done.exit_code == 0
    written = json.loads(done.stdout)
    assert written["over"]["values"] == [0.0, 0.15, 0.3]
    assert "$" in re.sub(r"<script[^>]*>.*?</script>", "", target.read_text(encoding="utf-8"), flags=re.DOTALL)
    assert "over" not in json.loads(CliRunner().invoke(app, [*asked, "--json", "-"]).stdout)


def held(horizon):
    run = Run(
        np.array(MEANS), Problem(3, horizon, True), read_policy("ucb1"), "ucb1", 1000, 1, checkpoints(horizon)
    )  # fmt: skip
    return sum(part.nbytes for part in vars(run).values() if isinstance(part, np.ndarray))


def test_memory_does_not_grow_with_the_horizon():
    for horizon in (1_000, 100_000, 100_000_000):
        assert CHECKPOINTS * 0.7 <= checkpoints(horizon).size <= CHECKPOINTS
    assert held(100_000_000) <= 1.1 * held(10_000)
    assert held(100_000_000) <= 1000 * (CHECKPOINTS + 10) * 8 + CHECKPOINTS * 8 * 6
    assert PATHS * CHECKPOINTS * 8 <= 20e6

    def peak(horizon):
        tracemalloc.start()
        bandit(MEANS, ["ucb1", "thompson"], horizon, replicates=20, seed=1, workers=1)
        most = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return most

    peak(500)
    # A value kept for each request of 20 experiments would take 64 MB more; UCB1's tables of a fixed size take 1 MB.
    assert peak(400_000) <= 1.2 * peak(2_000) + 1_200_000
    assert peak(800_000) <= 1.2 * peak(400_000)
