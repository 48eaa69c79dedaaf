"""Courses, words, tables, pictures and pages of guardrails, budgets, ratings, segments and duels."""

import json
import shlex
from html import unescape
from itertools import pairwise

import numpy as np
import pytest
from typer.testing import CliRunner

from expsim_panel.__main__ import app
from expsim_panel.bandit_problems import command, play
from expsim_panel.exports.bandit_json import document
from expsim_panel.exports.problem_html import page
from expsim_panel.plots import pictured
from expsim_panel.problem_forms import FORMS
from expsim_panel.problem_pictures import pictures
from expsim_panel.problem_tables import table
from expsim_panel.problem_verdicts import verdict

HORIZON, SIZE = 300, 400


@pytest.fixture(scope="module")
def played():
    """Every kind with the values that its form opens with."""
    made = {}
    for kind, form in FORMS.items():
        given = form().given()
        if kind == "budget":
            given["budget"] = 1.2
        made[kind] = (play(form.plays, given, list(form.usual), HORIZON, replicates=SIZE, seed=3), given)
    return made


@pytest.mark.parametrize("kind", list(FORMS))
def test_a_course_ends_at_the_figure(played, kind):
    """Mean, error and quantiles at the horizon are those of the replicates themselves."""
    for one in played[kind][0].policies:
        course, final = one.courses["regret"], one.final if one.final.ndim == 1 else one.final[:, 0]
        assert course.value[-1] == pytest.approx(one.regret.value, abs=1e-9)
        assert course.se[-1] == pytest.approx(one.regret.se, abs=1e-9)
        assert course.band[:, -1] == pytest.approx(np.quantile(final, [0.05, 0.5, 0.95]), abs=1e-9)
        for key in ("spent", "breach_exposures", "blind_regret"):
            if key in one.courses:
                figure = getattr(one, key)
                assert one.courses[key].value[-1] == pytest.approx(figure.value, abs=1e-9)
                assert one.courses[key].band[2, -1] == pytest.approx(figure.quantiles["0.95"], abs=1e-9)


def test_the_even_split_goes_as_it_must(played):
    """What an even split loses, spends and risks by then is arithmetic: each request has 1 / arms of every arm."""
    found, _ = played["guardrail"]
    even, at = found["even"], found.checkpoints
    # Arms 0.65, 0.62, 0.68 within the limit, 0.72 over it: the best allowed has 0.68, all of them 0.6675 on average.
    for key, slope in (("regret", 0.68 - 0.6675), ("breach_exposures", 0.25), ("reward", 0.6675), ("spent", 1.0)):
        course = even.courses[key]
        assert np.all(np.abs(course.value - slope * at) <= 4.5 * course.se + 1e-9), key
    found, _ = played["segments"]
    means = np.array([[0.60, 0.70, 0.62], [0.65, 0.55, 0.70], [0.50, 0.52, 0.64]])
    shares = np.array([0.5, 0.3, 0.2])
    course = found["even"].courses["blind_regret"]
    # The arrivals of a segment are drawn: the sum over requests has the mean below.
    slope = (shares @ means).max() - shares @ means.mean(axis=1)
    assert np.all(np.abs(course.value - slope * found.checkpoints) <= 4.5 * course.se + 1e-9)
    assert np.allclose(found["even"].right, 1 / 3, atol=4.5 * found["even"].right_se.max())


def test_who_would_be_named_is_the_chance_of_the_name(played):
    """The share of leaders has the mean of the arm that is drawn among them."""
    for one in played["duels"][0].policies:
        course = one.courses["p_best_arm"]
        assert abs(course.value[-1] - one.p_best_arm.value) <= 4 * np.hypot(course.se[-1], one.p_best_arm.se)
        assert np.all((course.value >= 0) & (course.value <= 1))
    sure = play("duels", {"preferences": "0.5,1;0,0.5"}, ["rucb"], 20, replicates=50, seed=1).policies[0]
    assert sure.courses["p_best_arm"].value[-1] == 1.0


def test_the_kept_arm_may_be_over_the_limit():
    """One arm, far better and over the limit: who does not look at harm keeps it, who does never does."""
    given = {"means": "0.1,0.9", "guardrail": "0,0.9", "limit": 0.05}
    found = play("metered", given, ["thompson", "guardrailed-thompson"], 200, replicates=200, seed=1)
    assert found["thompson"].keeps_breach.value == 1.0
    assert found["guardrailed-thompson"].keeps_breach.value == 0.0
    assert found["thompson"].breach_exposures.value > 150 > 10 > found["guardrailed-thompson"].breach_exposures.value


def test_the_sentences_hold_the_figures(played):
    said = verdict(played["guardrail"][0])
    # In 300 requests nobody is more careful than who stays with the control.
    assert said.policy == "conservative-ucb"
    hit = played["guardrail"][0][said.policy].breach_exposures.value
    assert f"answers {hit:,.0f} of 300 requests by an arm over the limit" in said.sentence
    said = verdict(played["budget"][0])
    best = min(played["budget"][0].policies, key=lambda one: one.regret.value)
    earned = played["budget"][0].optimum - best.regret.value
    assert said.policy == best.name
    assert f"earns {earned:,.0f} good answers for $1." in said.sentence
    found = played["ratings"][0]
    least = min(one.regret.value for one in found.policies)
    assert f"loses {least:,.0f} rating points in 300 requests" in verdict(found).sentence
    found = played["segments"][0]
    assert f"{found.blind_loss * HORIZON:,.0f} good answers" in [value for value, _ in verdict(found).numbers][2]
    found = played["duels"][0]
    best = min(found.policies, key=lambda one: one.regret.value)
    assert f"gives away {best.regret.value:,.0f} wins" in verdict(found).sentence
    assert verdict(found).numbers[2][0] == "57.4 %"  # 1 / (1 + exp(-0.3))
    alike = play("segments", {"segments": "1,1", "means": "0.5,0.4;0.6,0.2"}, ["lin-ucb"], 50, replicates=20, seed=1)
    assert "One arm is best in every segment" in verdict(alike).sentence
    single = play("metered", {"means": "0.5,0.4", "budget": 20.0}, ["budgeted-ucb"], 50, replicates=1, seed=1)
    assert verdict(single).sentence
    assert "\u00b1" not in table(single)


@pytest.mark.parametrize("kind", list(FORMS))
def test_pictures_show_the_result(played, kind):
    """Every figure can be drawn with each policy in focus, and a script can switch to any of them."""
    found, _ = played[kind]
    names = [one.name for one in found.policies]
    every = [pictures(found, name) for name in names]
    assert "regret" in every[0]
    for key, picture in every[0].items():
        drawn = pictured.made_for(picture)
        pictured.draw(drawn, picture, names[0])
        drawn.paint(True)
        parts = pictured.in_focus(drawn, [one[key] for one in every])
        if parts is not None:
            assert [len(part["data"]) for part in parts] == [len(pictured.sources(drawn))] * len(names)
        if key == "regret":
            ends = drawn.ends.data
            assert ends["y"][: len(names)] == pytest.approx([one.regret.value for one in found.policies])
            gaps = [b - a for a, b in pairwise(sorted(ends["at"]))]
            assert min(gaps, default=1.0) > 0
            assert parts[1]["data"][0]["high"][-1] == pytest.approx(found.policies[1].regret.quantiles["0.95"])
        if key in ("right", "arms", "places"):
            ends = np.array(drawn.source.data["right"])
            assert ends.max() <= 100 + 1e-9


def test_the_frontier_shows_gains_too(played):
    """A policy that gains by an arm over the limit has a loss below 0: it stands inside the figure."""
    found, _ = played["guardrail"]
    drawn = pictured.made_for(picture := pictures(found, "even")["frontier"])
    pictured.draw(drawn, picture, "even")
    assert min(drawn.source.data["x"]) < 0
    assert drawn.figure.x_range.start < min(drawn.source.data["x0"])
    assert drawn.source.data["y"] == pytest.approx(
        [100 * one.breach_exposures.value / HORIZON for one in found.policies]
    )


def test_no_plan_earns_more_for_the_money(played):
    """The best plan for every amount is above what policies earn for it, and is concave: money buys the best first."""
    found, _ = played["budget"]
    shown = pictures(found, "even")["quality"]
    x, y, _ = shown.reference
    assert np.all(np.diff(np.diff(y) / np.diff(x)) <= 1e-6)
    for line, one in zip(shown.lines, found.policies, strict=True):
        assert np.all(line.y <= np.interp(line.x, x, y) + 4.5 * one.courses["reward"].se + 1e-6)


@pytest.mark.parametrize("kind", list(FORMS))
def test_the_page_is_whole_safe_and_can_be_had_again(played, kind):
    found, given = played[kind]
    made = page(found, {**given, "family": "<script>alert(1)</script>"})
    assert "<script>alert" not in made
    assert "<script src" not in made
    names = [one.name for one in found.policies]
    assert unescape(page(found, given)).count(command(given, names, HORIZON, SIZE, 3)) == 1
    assert all(name in made for name in names)
    data = document(found)
    json.dumps(data, allow_nan=False)
    assert data["policies"][0]["regret_over_time"]["quantiles"]["0.95"][-1] == pytest.approx(
        found.policies[0].regret.quantiles["0.95"]
    )


@pytest.mark.parametrize("kind", ["budget", "duels"])
def test_the_command_of_the_page_gives_the_same_digest(played, kind, tmp_path):
    found, given = played[kind]
    line = command(given, [one.name for one in found.policies], HORIZON, SIZE, 3)
    path = tmp_path / "page.html"
    ran = CliRunner().invoke(app, [*shlex.split(line)[1:], "--html", str(path), "--json", "-"])
    assert ran.exit_code == 0, ran.output
    assert json.loads(ran.stdout)["provenance"]["digest"] == found.digest
    assert found.digest in path.read_text(encoding="utf-8")
