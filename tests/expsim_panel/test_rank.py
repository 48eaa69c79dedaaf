"""`expsim rank` and what is behind it: against a plain likelihood, plain loops, and its own promises by simulation."""

import json
import math

import numpy as np
import pytest
from scipy import optimize

from expsim_panel.__main__ import main
from expsim_panel.errors import InputError
from expsim_panel.pairwise import davidson
from expsim_panel.ranking import bradley_terry_davidson
from expsim_panel.ranking_answers import standings
from expsim_panel.ranking_simulation import cells_of, chances, draw, fitted, limit, simulate, world_of

NAMES = ["alpha", "beta", "gamma", "delta"]


def votes(world, seed):
    """Return votes as lists, drawn by a plain loop that shares nothing with the package's draws."""
    g = np.random.default_rng(seed)
    first, second, outcomes, prompts = [], [], [], []
    arms = len(world.strengths)
    for prompt in range(world.prompts):
        own = world.seen + world.prompt_sd * g.standard_normal(arms)
        for _ in range(world.per_prompt):
            i, j = g.choice(arms, 2, replace=False)
            p = davidson(own[i] - own[j], world.tie, world.position)
            first.append(NAMES[i])
            second.append(NAMES[j])
            outcomes.append(g.choice([1, 0, -1], p=p))
            prompts.append(f"p{prompt}")
    return first, second, outcomes, prompts


@pytest.fixture(scope="module")
def some():
    """Votes on four variants."""
    world = world_of([1, 0.5, 0, 0.4], tie=0.5, position=0.3, prompts=120, per_prompt=4, prompt_sd=0.8)
    return votes(world, 3)


def test_fit_and_errors_are_those_of_a_plain_likelihood(some):
    first, second, y, prompts = some
    found = bradley_terry_davidson(first, second, y, prompts)

    def loss(theta, rows):
        ability = dict(zip(found.names, [*theta[:3], -sum(theta[:3])], strict=True))
        total = 0.0
        for k in rows:
            p = davidson(ability[first[k]] - ability[second[k]], math.exp(theta[3]), theta[4])
            total -= math.log(p[1 - int(y[k])])
        return total

    def gradient(rows, at, step=1e-5):
        e = step * np.eye(5)
        return np.array([(loss(at + e[k], rows) - loss(at - e[k], rows)) / (2 * step) for k in range(5)])

    everything = range(len(y))
    best = optimize.minimize(loss, np.zeros(5), everything, method="BFGS", options={"gtol": 1e-4}).x
    assert best[:3] == pytest.approx(found.ability[:3], abs=1e-4)
    assert (math.exp(best[3]), best[4]) == pytest.approx((found.tie, found.position), abs=2e-4)
    e = 1e-4 * np.eye(5)
    hessian = np.array(
        [(gradient(everything, best + e[k]) - gradient(everything, best - e[k])) / 2e-4 for k in range(5)]
    )
    inverse = np.linalg.inv(hessian)
    groups = {one: [k for k in everything if prompts[k] == one] for one in prompts}
    scores = np.array([gradient(rows, best) for rows in groups.values()])
    covariance = inverse @ scores.T @ scores @ inverse * 120 / 119
    assert np.sqrt(np.diag(covariance))[:3] == pytest.approx(found.se[:3], rel=1e-3)
    assert math.sqrt(covariance[4, 4]) == pytest.approx(found.position_se, rel=1e-3)


def test_standings_count_and_agree_with_each_other(some):
    first, second, y, prompts = some
    found = standings(first, second, y, prompts, bootstrap=400)
    assert [one.rank for one in found.variants] == [1, 2, 3, 4]
    assert sum(one.wins for one in found.variants) == sum(v != 0 for v in y)
    assert sum(one.losses for one in found.variants) == sum(v != 0 for v in y)
    assert sum(one.ties for one in found.variants) == 2 * sum(v == 0 for v in y)
    assert (sum(one.wins + one.losses + one.ties for one in found.pairs), found.clusters) == (len(y), 120)
    assert sum(one.p_rank for one in found.variants) == pytest.approx(np.ones(4))
    for one in found.variants:
        assert one.p_rank.sum() == pytest.approx(1)
        assert one.rank_interval[0] <= one.rank <= one.rank_interval[1]
        # Percentiles over prompts and the sandwich are two ways to the same interval.
        width = one.interval[1] - one.interval[0]
        assert one.bootstrap[1] - one.bootstrap[0] == pytest.approx(width, rel=0.2)
        assert one.bootstrap[0] == pytest.approx(one.interval[0], abs=0.15 * width)
    two = [k for k, name in enumerate(first) if {name, second[k]} == {"alpha", "gamma"}]
    pair = standings(*([part[k] for k in two] for part in some))
    p = pair.pairs[0].p_better
    assert pair.variants[0].p_rank[0] == pytest.approx(p, abs=4 * math.sqrt(p * (1 - p) / 20_000) + 1e-4)


def test_position_is_fitted_where_it_can_be(some):
    found = standings(*some)
    assert found.position_interval[0] < found.position < found.position_interval[1]
    first, second, y, prompts = some
    fixed = [(a, b, v, p) if a < b else (b, a, -v, p) for a, b, v, p in zip(*some, strict=True)]
    found = standings(*(list(part) for part in zip(*fixed, strict=True)))
    assert found.position is None
    assert found.position_reason == "no pair was shown in both orders"
    assert standings(first, second, y, prompts, position=False).position_reason == "not asked for"


def test_limit_is_where_many_votes_lead():
    world = world_of([1, 0.5, 0], [0, 0, 0.6], tie=0.5, position=0.4, prompts=60_000, per_prompt=3, prompt_sd=1.2)
    ability, covariance, _, _ = fitted(3, cells_of(3), draw(world, np.random.default_rng(5)), True)
    z = (ability - limit(world, world.seen)) / np.sqrt(np.diag(covariance))
    assert np.abs(z).max() < 3.5
    # Without a spread between prompts nothing is brought closer to 0.
    plain = world_of([1, 0.5, 0], tie=0.5)
    assert limit(plain, np.array([1, 0.5, 0])) == pytest.approx([0.5, 0, -0.5], abs=1e-9)
    assert chances(np.array(0.7), 0.5, 0.2) == pytest.approx(davidson(0.7, 0.5, 0.2))


def test_clustered_intervals_cover_and_others_do_not():
    # Many votes on one prompt, which prefers what it prefers.
    world = world_of([0.4, 0, 0.2], tie=0.4, position=0.3, prompts=60, per_prompt=12, prompt_sd=1.5)
    found = simulate(world, replicates=500, seed=2)
    for one in found.variants:
        assert abs(one.bias.value) < 3.5 * one.bias.se
        assert one.coverage.value == pytest.approx(0.95, abs=3.5 * math.sqrt(0.95 * 0.05 / 500))
        assert one.coverage_independent.value < 0.85
        assert one.se == pytest.approx(one.sd, rel=0.15)
        assert one.se_independent < 0.8 * one.sd
    # Six sets of equal strengths cannot be told apart by more than chance.
    null = simulate(world_of([0, 0], prompts=60, per_prompt=12, prompt_sd=1.5), replicates=500, seed=3)
    assert null.wrong_finding.value == pytest.approx(0.05, abs=3.5 * math.sqrt(0.05 * 0.95 / 500))
    assert null.wrong_finding_independent.value > 0.15


def test_a_judge_in_love_with_one_variant_ranks_it_first():
    fair = simulate(world_of([0.5, 0], prompts=300, prompt_sd=0.3), replicates=100)
    unfair = simulate(world_of([0.5, 0], [0, 1.0], prompts=300, prompt_sd=0.3), replicates=100)
    assert fair.best_right.value > 0.95
    assert unfair.best_right.value < 0.05
    assert unfair.variants[1].bias.value == pytest.approx(0.5, abs=0.05)
    assert unfair.variants[1].coverage.value < 0.05 < 0.8 < unfair.variants[1].coverage_limit.value


def test_position_ignored_biases_nothing_in_random_order():
    world = world_of([0.5, 0, 0], position=1.0, prompts=200)
    found = simulate(world, replicates=200, position=False)
    assert found.position is None
    assert all(abs(one.bias.value) < 3.5 * one.bias.se for one in found.variants)
    assert found.variants[0].target < 0.5 * (2 / 3)


def write(path, rows, header="prompt,first,second,winner"):
    """Write a table."""
    path.write_text("\n".join([header, *rows]) + "\n")
    return str(path)


@pytest.fixture
def table(tmp_path, some):
    """A file of votes with all the words a winner may have."""
    words = {1: ["first", "a", "model_a", "LEFT"], 0: ["tie", "draw"], -1: ["second", "B", "model_b"]}
    rows = []
    for k, (a, b, y, prompt) in enumerate(zip(*some, strict=True)):
        said = [*words[y], {1: a, -1: b, 0: "equal"}[y]]
        rows.append(f"{prompt},{a},{b},{said[k % len(said)]}")
    return write(tmp_path / "votes.csv", rows)


def test_command_ranks_a_file(table, some, capsys):
    assert main(["rank", table, "--json", "-"]) == 0
    told = json.loads(capsys.readouterr().out)
    found = standings(*some)
    assert [one["name"] for one in told["variants"]] == [one.name for one in found.variants]
    assert [one["ability"] for one in told["variants"]] == [one.ability for one in found.variants]
    assert told["position"]["value"] == found.position
    assert told["clusters"] == 120
    assert main(["rank", table]) == 0
    assert "P(best)" in capsys.readouterr().out


def test_command_draws_a_page(table, tmp_path):
    assert main(["rank", table, "--html", str(tmp_path / "page.html")]) == 0
    assert "alpha over" in (tmp_path / "page.html").read_text()


def test_command_simulates(capsys):
    arguments = ["rank", "--strengths", "1,0.5,0", "--tie", "0.5", "--prompts", "50", "--replicates", "20"]
    assert main([*arguments, "--position", "0.3", "--judge-bias", "0,0,0.2", "--prompt-sd", "0.5", "--json", "-"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["world"]["votes"] == 150
    assert told["world"]["position"] == 0.3
    assert len(told["variants"]) == 3
    assert main([*arguments, "--both-orders"]) == 0
    assert "300 votes on 50 prompts" in capsys.readouterr().out


def _cells(printed, headings):
    """Return the rows of a printed table, each cell by the heading that it stands under."""
    lines = printed.splitlines()
    top = next(k for k, line in enumerate(lines) if all(heading in line for heading in headings))
    starts, at = [], 0
    for heading in headings:
        at = lines[top].index(heading, at)
        starts.append(at)
        at += len(heading)
    # Nothing but the headings stands in their line: no column is left out.
    assert "".join(lines[top].split()) == "".join("".join(headings).split())
    starts[0], ends = 0, [*starts[1:], None]
    rows = []
    for line in lines[top + 2 :]:
        if not line.strip():
            return rows
        rows.append({heading: line[a:b].strip() for heading, a, b in zip(headings, starts, ends, strict=True)})
    return rows


def test_headings_of_a_ranking_stand_over_what_json_calls_so(table, capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", "200")
    assert main(["rank", table, "--level", "0.9", "--json", "-"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert main(["rank", table, "--level", "0.9"]) == 0
    headings = ("Variant", "Ability", "90% interval", "Rank", "P(best)", "Won", "Tied", "Lost")
    rows = _cells(capsys.readouterr().out, headings)
    assert len(rows) == len(told["variants"]) == 4
    for place, (row, one) in enumerate(zip(rows, told["variants"], strict=True), start=1):
        assert row["Variant"].split() == [str(one["rank"]), one["name"]]
        assert one["rank"] == place
        assert float(row["Ability"]) == pytest.approx(one["ability"], abs=5.1e-4)
        low, high = map(float, row["90% interval"].split(" to "))
        assert (low, high) == pytest.approx(tuple(one["interval"]), abs=5.1e-4)
        ranks = [int(part) for part in row["Rank"].split(" to ")]
        assert [ranks[0], ranks[-1]] == one["rank_interval"]
        share = float(row["P(best)"].strip("<> %")) / 100
        assert share == pytest.approx(one["p_best"], abs=1e-3 if row["P(best)"][0] in "<>" else 5.1e-4)
        assert one["p_best"] == one["p_rank"][0]
        assert [int(row[key]) for key in ("Won", "Tied", "Lost")] == [one["wins"], one["ties"], one["losses"]]
    # Cells that are told apart: two columns swapped would be seen.
    assert all(len({row[key] for row in rows}) > 1 for key in headings)
    assert len({tuple(row[key] for row in rows) for key in headings}) == len(headings)


def test_headings_of_simulated_rankings_stand_over_what_json_calls_so(capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", "200")
    given = ["rank", "--strengths", "1,0.5,0", "--tie", "0.5", "--prompts", "40", "--replicates", "60"]
    given += ["--position", "0.3", "--judge-bias", "0,0,0.4", "--prompt-sd", "0.8"]
    assert main([*given, "--json", "-"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert main(given) == 0
    fields = {"Strength": "strength", "Seen": "limit", "Bias": "bias", "SD": "sd", "SE": "se", "SE*": "se_independent",
              "Covers truth": "coverage", "Covers seen": "coverage_limit", "Covers seen*": "coverage_independent",
              "Ranked first": "p_first"}  # fmt: skip
    rows = _cells(capsys.readouterr().out, tuple(fields))
    assert len(rows) == len(told["variants"]) == 3
    for row, one in zip(rows, told["variants"], strict=True):
        for heading, field in fields.items():
            value = one[field]["value"] if isinstance(one[field], dict) else one[field]
            shown = row[heading]
            scale = 100 if shown.endswith("%") else 1
            assert float(shown.strip("<> %")) / scale == pytest.approx(value, abs=5.1e-4), heading
    assert len({tuple(row[key] for row in rows) for key in fields}) == len(fields)


APART = ["p1,a,b,a", "p2,b,a,a", "p1,c,d,c", "p2,d,c,d", "p3,a,b,b", "p3,c,d,d"]


@pytest.mark.parametrize(
    ("rows", "said"),
    [
        (["p1,a,b,a", "p2,a,b,a"], "never beats"),
        (APART, "are never compared, not even by way of others"),
        (["p1,x,y,tie", "p2,y,x,tie"], "every verdict is a tie"),
        (["p1,a,b,z", "p2,a,b,a"], "line 2 names 'z'"),
        (["p1,a,a,a"], "line 2 compares 'a' with itself"),
        (["p1,a,b,"], "line 2 has no value"),
        (["p1,a,b,a", "p1,b,a,a", "p1,b,a,b"], "one cluster"),
        (["p1,a,b,a"], "1 row; give 2 or more"),
        (["p1,a,b,a", "p2,b,a,b"], "--position none"),
    ],
)
def test_what_cannot_be_ranked_is_refused_in_one_line(tmp_path, capsys, rows, said):
    assert main(["rank", write(tmp_path / "votes.csv", rows), "--json", "-"]) == 2
    error = capsys.readouterr().err
    assert said in error
    assert error.count("\n") == 1


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ([], "neither votes nor strengths"),
        (["FILE", "--strengths", "1,0"], "both votes and strengths"),
        (["FILE", "--tie", "1"], "belongs to simulated rankings"),
        (["FILE", "--position", "0.5"], "is to be simulated"),
        (["FILE", "--first", "winer"], "there is no column"),
        (["FILE", "--level", "2"], "no confidence"),
        (["--strengths", "1"], "1 variant; give 2 to 20"),
        (["--strengths", "1,0", "--prompts", "0"], "give 2 to 1,000,000"),
        (["--strengths", "1,0", "--item", "question"], "--item]: belongs to a file"),
        (["FILE", "--position", "fit", "--ignore-position"], "asks for the opposite"),
        (["--strengths", "1,x"], "not a list of numbers"),
        (["--strengths", "1,0", "--tie", "nan"], "--tie"),
        (["--strengths", "1,0", "--judge-bias", "1"], "1 biases for 2 variants"),
        (["--strengths", "1,0", "--prompts", "1"], "--prompts"),
        (["--strengths", "1,0", "--bootstrap", "5"], "belongs to a file"),
        (["--strengths", "15,-15", "--prompts", "5", "--replicates", "20"], "an ability is infinite"),
    ],
)
def test_wrong_input(table, capsys, arguments, said):
    assert main(["rank", *(table if one == "FILE" else one for one in arguments)]) == 2
    assert said in capsys.readouterr().err


def test_limits_of_the_python_call(some):
    with pytest.raises(InputError, match="resamples"):
        standings(*some, bootstrap=-1)


def test_as_many_votes_as_said_tell_the_best_two_apart():
    from scipy import stats

    from expsim_panel.ranking_size import separation

    strengths = {"tie": 0.5, "per_prompt": 3, "prompt_sd": 0.5}
    large = votes(world_of([0.4, 0.0, -0.5], prompts=3000, **strengths), 11)
    told = separation(standings(*large))
    assert told.separated
    small = world_of([0.4, 0.0, -0.5], prompts=told.prompts, **strengths)
    assert 60 < told.prompts < 600
    assert told.verdicts == 3 * told.prompts
    g, right, often = np.random.default_rng(2), 0, 500
    for _ in range(often):
        ability, covariance, *_ = fitted(3, cells_of(3), draw(small, g), True)
        se = math.sqrt(covariance[0, 0] + covariance[1, 1] - 2 * covariance[0, 1])
        right += ability[0] - ability[1] > stats.t.ppf(0.975, told.prompts - 1) * se
    # 3 Monte Carlo errors, and what the difference seen on 3,000 prompts may be off (its error is 5 %).
    assert right / often == pytest.approx(0.8, abs=3 * math.sqrt(0.16 / often) + 0.05)


def test_two_that_look_alike_ask_for_no_votes():
    from expsim_panel.ranking_size import said, separation

    first, second = ["a", "b"] * 20, ["b", "a"] * 20
    found = standings(first, second, [1, 1, -1, -1] * 10, list(range(40)))
    told = separation(found)
    assert (told.separated, told.prompts) == (False, None)
    assert "look alike" in said(found, told)
    with pytest.raises(InputError):
        separation(found, 1.0)
