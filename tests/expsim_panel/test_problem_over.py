"""Guardrails, budgets, ratings, segments and duels over one or two numbers: cells against arithmetic and every path."""

import json

import numpy as np
import pytest
from slow_bandits import Ucb1
from slow_play import every_path
from typer.testing import CliRunner

from expsim_panel import InputError
from expsim_panel.__main__ import app
from expsim_panel.bandit_curves import curve_over
from expsim_panel.bandit_problems import play
from expsim_panel.bandit_surface import surface_over
from expsim_panel.exports.bandit_json import document
from expsim_panel.exports.problem_html import page
from expsim_panel.problem_axes import ProblemSetting
from expsim_panel.problem_forms import FORMS
from expsim_panel.varied import FIGURES, LOST

HORIZON, SIZE = 60, 300
EVEN = {"duels": "even-pairs"}


def setting(kind, horizon=HORIZON, policies=None, **changes):
    """Return the problem that a form opens with."""
    form = FORMS[kind]()
    for key, value in changes.items():
        form.put(key, value, "test")
    return ProblemSetting(tuple(policies or form.usual[:2]), horizon, form.plays, form.given())


def read(text):
    return np.array([[float(part) for part in row.split(",")] for row in text.split(";")])


@pytest.mark.parametrize("kind", list(FORMS))
def test_every_offered_number_moves_what_is_typed_and_nothing_else(kind):
    """A level put in is what `value_at` reads back; its usual range is inside its bounds; the first cells play."""
    problem = setting(kind)
    axes = problem.axes()
    assert len(set(axes.values())) == len(axes)
    for words, path in axes.items():
        low, high = problem.usual(path)
        axis = problem.axis(path, "test")
        assert low < high
        assert words
        for level in (low, high):
            moved = axis.place(problem, round(level) if axis.whole else level)
            if path.split(".")[0] in moved.given:
                assert moved.value_at(path) == pytest.approx(level)
                if "." not in path:
                    continue
                before, after = (read(one.given[path.split(".")[0]]) for one in (problem, moved))
                assert before.shape == after.shape
                if path.startswith(("ratings", "segments")):
                    np.testing.assert_allclose(after.sum(axis=1), 1.0)
                elif not path.startswith("preferences"):
                    assert (before != after).sum() <= 1


def test_a_cell_is_the_same_text_played_alone():
    problem = setting("guardrail")
    made = surface_over(problem, ("guardrail.3", [0.02, 0.06]), ("limit", [0.01, 0.05]), replicates=SIZE, seed=4)
    for j, limit in enumerate((0.01, 0.05)):
        for i, risk in enumerate((0.02, 0.06)):
            given = {**problem.given, "guardrail": f"0.01,0.01,0.015,{risk}", "limit": limit}
            alone = play(problem.kind, given, problem.policies, HORIZON, replicates=SIZE, seed=4)
            for k, one in enumerate(alone.policies):
                assert made.figures[LOST][k, j, i] == one.regret.value
                assert made.errors[LOST][k, j, i] == one.regret.se
                assert made.figures["breach_exposures"][k, j, i] == one.breach_exposures.value
                assert made.figures["p_keeps_breach"][k, j, i] == one.keeps_breach.value
    told = made.to_json()
    json.dumps(told, allow_nan=False)
    assert told["minus_even"][0]["name"] == "thompson"
    np.testing.assert_allclose(
        told["minus_even"][0]["breach_exposures"],
        made.figures["breach_exposures"][1] - made.figures["breach_exposures"][0],
    )
    assert made.x.own == 0.06
    assert made.y.own == 0.03


def test_harm_and_loss_over_a_mean_are_those_of_every_path():
    """UCB1 does not look at harm: its pulls are those of the plain problem, which `every_path` follows one by one."""
    problem = ProblemSetting(
        ("even", "ucb1"), 9, "metered", {"means": "0.3,0.7", "guardrail": "0.01,0.2", "limit": 0.1}
    )
    levels = [0.2, 0.5, 0.8]
    made = curve_over(problem, "means.0", levels, replicates=4000, seed=2)
    for j, level in enumerate(levels):
        means = [level, 0.7]
        _, pulls, kept = every_path(Ucb1(2, 9), means, 9)
        # Arm 1 is over the limit: the best that is allowed is arm 0, and one may gain by breaking it.
        expected = {LOST: 9 * level - pulls @ means, "breach_exposures": pulls[1], "p_keeps_breach": kept[1]}
        even = {LOST: 9 * (level - np.mean(means)), "breach_exposures": 4.5}
        for k, row in ((1, expected), (0, even)):
            for key, value in row.items():
                assert abs(made.figures[key][k, j] - value) <= 4.5 * made.errors[key][k, j] + 1e-9, (key, level)


def test_even_splits_of_budgets_segments_ratings_and_duels_go_as_they_must():
    cases = (
        # Each request costs 0.02 on average: half of the budget of 1 serves 50 requests at most.
        (setting("budget", 40, ["even"], means="0.5,0.7", cost="0.01,0.03", budget=10.0), "means.1", [0.6, 0.9],
         lambda level: 40 * (level - (0.5 + level) / 2)),
        (setting("segments", 40, ["even"], segments="0.5,0.5", means="0.2,0.6;0.8,0.4"), "segments.0", [0.25, 0.9],
         lambda level: 40 * (level * 0.2 + (1 - level) * 0.2)),
        (setting("segments", 40, ["even"], segments="0.5,0.5", means="0.2,0.6;0.8,0.4"), "means.1.0", [0.5, 0.9],
         lambda level: 40 * (0.5 * 0.2 + 0.5 * (level - 0.4) / 2)),
        (setting("ratings", 40, ["even"], ratings="0.5,0.25,0.25;0.2,0.2,0.6"), "ratings.0.1", [0.2, 0.9],
         lambda level: 40 * abs(2.4 - (level + (1 - level) * 2.5)) / 2),
        (setting("duels", 40, ["even-pairs"], preferences="0.5,0.6,0.8;0.4,0.5,0.7;0.2,0.3,0.5"), "preferences.0.1",
         [0.55, 0.9], lambda level: 40 * ((level - 0.5) + 0.3) / 3),
    )  # fmt: skip
    for problem, path, levels, expected in cases:
        made = curve_over(problem, path, levels, replicates=3000, seed=5)
        for j, level in enumerate(levels):
            assert abs(made.regret[0, j] - expected(level)) <= 4.5 * made.regret_se[0, j] + 1e-9, (path, level)


def test_a_policys_number_and_the_lead_are_axes_of_every_kind():
    for kind, path in (
        ("guardrail", "guardrailed-thompson.level"),
        ("segments", "lin-ucb.alpha"),
        ("duels", "rucb.alpha"),
    ):
        problem = setting(kind, 30, [EVEN.get(kind, "even"), path.partition(".")[0]])
        made = curve_over(problem, path, [0.6, 0.9], replicates=50)
        assert made.names == problem.policies
        assert made.regret.shape == (2, 2)
        # What an even split does has nothing to do with another policy's number.
        assert made.regret[0, 0] == made.regret[0, 1]
    moved = setting("duels").axis("lead", "test").place(setting("duels"), 0.5)
    assert moved.given["strengths"].startswith("0.8,")


@pytest.mark.parametrize(
    ("kind", "path", "levels", "said"),
    [
        ("guardrail", "nope", [0, 1], "is no axis"), ("guardrail", "guardrail", [0, 1], "is a list"),
        ("guardrail", "guardrail.9", [0, 1], "no entry '9'"), ("guardrail", "guardrail.0", [0, 2], "out of bounds"),
        ("guardrail", "limit", [0.1, 1.0], "out of bounds"), ("guardrail", "cost.0", [1, 2], "has no cost"),
        ("budget", "limit", [0.1, 0.2], "has no guardrail"), ("guardrail", "means.0", [0.5, 1.5], "at 1.5"),
        ("segments", "means.1", [0.1, 0.2], "no entry '1'"), ("segments", "lead", [0.1, 0.2], "no arm leads"),
        ("ratings", "ratings.0.0", [0.1, 0.2], "no entry"), ("duels", "tie", [-1, 1], "out of bounds"),
        ("guardrail", "horizon", [0, 10], "horizon is 0"), ("guardrail", "thompson.nope", [0, 1], "no number"),
    ],
)  # fmt: skip
def test_wrong_axes_are_one_line(kind, path, levels, said):
    with pytest.raises(InputError, match=said) as caught:
        curve_over(setting(kind), path, levels, replicates=5, where="expsim bandit")
    assert "\n" not in str(caught.value)


def test_preferences_keep_their_ties():
    problem = setting("duels", 30, ["even-pairs"], preferences="0.5,0.6;0.3,0.5")
    moved = problem.axis("preferences.0.1", "test").place(problem, 0.8)
    np.testing.assert_allclose(read(moved.given["preferences"]), [[0.5, 0.8], [0.1, 0.5]])
    with pytest.raises(InputError, match=r"at 0.95.*no probability"):
        curve_over(problem, "preferences.0.1", [0.7, 0.95], replicates=5)


@pytest.mark.parametrize(
    ("kind", "flags"),
    [
        ("guardrail", ["--over", "guardrail.3=0.02:0.08:2"]),
        ("segments", ["--over", "segments.0=0.2:0.8:2", "--over", "horizon=20:40:2"]),
        ("duels", ["--over", "lead=0.1:0.5:2", "--over", "tie=0:1:2"]),
    ],
)
def test_the_command_draws_them(kind, flags, tmp_path):
    form, target = FORMS[kind], tmp_path / "page.html"
    asked = ["bandit", "--horizon", "40", "--replicates", "30", "--inference", "0"]
    for key, value in form().given().items():
        asked.append(f"--{key.replace('_', '-')}={value}")
    for name in form.usual[:2]:
        asked += ["--policy", name]
    done = CliRunner().invoke(app, [*asked, *flags, "--html", str(target), "--json", "-"])
    assert done.exit_code == 0, done.output
    over = json.loads(done.stdout)["over"]
    assert [one["name"] for one in over["policies"]] == list(form.usual[:2])
    assert np.shape(over["policies"][1]["regret"]) == (2,) * (len(flags) // 2)
    text = target.read_text(encoding="utf-8")
    for words in (", over", FIGURES["breach_exposures"]) if kind == "guardrail" else (" minus ",):
        assert words in text
    plain = CliRunner().invoke(app, [*asked, *flags]).output
    assert ("Requests answered over the limit over" if kind == "guardrail" else " minus even") in plain


def test_pages_hold_what_was_drawn():
    problem = setting("ratings", 40)
    found = play(problem.kind, problem.given, problem.policies, 40, replicates=50, seed=1)
    curve = curve_over(problem, "ratings.0.4", [0.2, 0.6], replicates=50)
    surface = surface_over(problem, ("ratings.0.4", [0.2, 0.6]), ("ratings.1.4", [0.2, 0.6]), replicates=50)
    text = page(found, problem.given, curve, (), surface)
    assert "Lost, over Chance that arm 0 is rated 4" in text
    assert "thompson minus even" in text
    assert document(found, (), surface)["over"]["minus_even"][0]["zero_contour"] is not None
