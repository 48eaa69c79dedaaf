"""Dropping by a bound, and the exact law of tests that drop variants: plain simulation, SciPy, the engine."""

from __future__ import annotations

import json
import math
from typing import Any

import numpy as np
import pytest
import tomli_w
from scipy.stats import multivariate_normal
from worlds import tree

from expsim_panel import axes, dropping_laws
from expsim_panel.__main__ import main
from expsim_panel.designs.drop_the_losers import DropTheLosers
from expsim_panel.dropping import drop_the_losers_critical, drop_the_losers_error
from expsim_panel.errors import InputError
from expsim_panel.kernels.contrasts import leave
from expsim_panel.multiplicity import dunnett_critical
from expsim_panel.plan import setting_of
from expsim_panel.response_surface import response_surface
from expsim_panel.study import Study

MEANS, SDS = np.array([0.0, 0.05, 0.08, -0.02]), np.array([1.0, 1.1, 1.0, 0.9])
RUNS = 200_000


def plain(rows, critical, kept=None, bounds=None, means=MEANS, sds=SDS):
    """Return shares of wins and of variants that stay at each look: every arm's sums, look by look."""
    rng = np.random.default_rng(20261125)
    steps = np.diff(rows, prepend=0.0)
    luck = rng.standard_normal((RUNS, len(rows), means.size)) * np.sqrt(steps)[None, :, None]
    found = np.cumsum(luck * sds + steps[None, :, None] * means, axis=1) / np.asarray(rows)[None, :, None]
    z = (found[:, :, 1:] - found[:, :, :1]) / np.sqrt((sds[1:] ** 2 + sds[0] ** 2) / np.asarray(rows)[:, None])
    alive, stays = np.ones((RUNS, means.size - 1), bool), []
    for k in range(len(rows) - 1):
        if bounds is not None:
            alive = alive & (z[:, k] >= bounds[k])
        else:
            now = np.where(alive, found[:, k, 1:], -np.inf)
            alive = alive & (np.argsort(np.argsort(-now, axis=1), axis=1) < kept[k])
        stays.append(alive.mean(axis=0))
    last = np.where(alive & (z[:, -1] > critical), z[:, -1], -np.inf)
    won = np.where(np.isfinite(last.max(axis=1)), last.argmax(axis=1), -1)
    return np.array([np.mean(won == a) for a in range(means.size - 1)]), np.array(stays), 1 - alive.any(axis=1).mean()


def near(found, share, tolerance=0.0):
    return np.all(np.abs(found - share) <= 4 * np.sqrt(np.maximum(found * (1 - found), 1e-5) / RUNS) + tolerance)


@pytest.mark.arithmetic
@pytest.mark.parametrize(("rows", "bounds"), [
    ([1000, 2000], [0.3]), ([500, 1000, 2000], [0.0, 0.5]), ([400, 800, 1200, 1600], [-0.3, -math.inf, 0.6]),
])  # fmt: skip
def test_leaving_by_a_bound_is_what_plain_simulation_finds(rows, bounds):
    law = dropping_laws.by_bounds(MEANS, SDS, np.array(rows, float), np.array(bounds), 2.1)
    wins, stays, nobody = plain(np.array(rows, float), 2.1, bounds=bounds)
    assert near(law.wins, wins, 2e-5)
    assert near(law.stays, stays, 2e-5)
    assert near(law.ends.sum(), nobody, 2e-5)


@pytest.mark.arithmetic
@pytest.mark.parametrize(("rows", "kept"), [([400, 900], [1]), ([300, 600, 900], [2, 1])])
def test_keeping_the_best_is_what_plain_simulation_finds(rows, kept):
    each = np.array(rows, float)
    if len(kept) == 1:
        law = dropping_laws.one_is_kept(MEANS, SDS, each[0], each[1], each[1], 2.0)
    else:
        law = dropping_laws.the_best_are_kept(MEANS, SDS, kept, each, each[-1], 2.0)
    wins, stays, _ = plain(each, 2.0, kept=kept)
    assert near(law.wins, wins, 3e-4 if len(kept) > 1 else 0.0)
    assert near(law.stays, stays, 3e-4 if len(kept) > 1 else 0.0)


def test_against_the_law_without_a_difference_and_against_scipy():
    null, one = np.zeros(4), np.ones(4)
    critical = drop_the_losers_critical(3, [1], [0.4])
    law = dropping_laws.one_is_kept(null, one, 400, 1000, 1000, critical)
    assert law.wins.sum() == pytest.approx(drop_the_losers_error(critical, 3, [1], [0.4]), abs=1e-9)
    several = dropping_laws.the_best_are_kept(null, one, [2, 1], np.array([300.0, 600, 1000]), 1000, critical)
    assert several.wins.sum() == pytest.approx(drop_the_losers_error(critical, 3, [2, 1], [0.3, 0.6]), abs=1e-4)
    # Nobody leaves: Dunnett's test.
    free = dropping_laws.bound_critical(3, np.array([0.5, 1.0]), np.array([-np.inf]), 0.025)
    assert free == pytest.approx(dunnett_critical(3, 0.025, 1), abs=1e-7)
    # Two variants, one bound: the four z values by SciPy's multivariate normal law.
    t, bound, critical, drift = 0.5, 0.2, 2.0, np.array([1.2, 0.4])
    law = dropping_laws.by_bounds(
        np.append(0.0, drift * np.sqrt(2 / 1000)), np.ones(3), np.array([500.0, 1000]), np.array([bound]), critical
    )
    root = math.sqrt(t)
    stay = np.array([[1, 0.5], [0.5, 1]])
    cov = np.block([[stay, root * stay], [root * stay, stay]])
    means = np.concatenate([root * drift, drift])
    # P(no winner): each variant left or ended low; by inclusion and exclusion over who stays and ends high.
    high = 0.0
    for who in ([0], [1], [0, 1]):
        pick = [*who, *(2 + a for a in who)]
        upper = multivariate_normal(-means[pick], cov[np.ix_(pick, pick)], abseps=1e-9, releps=1e-9).cdf(
            -np.array([bound] * len(who) + [critical] * len(who))
        )
        high += upper if len(who) == 1 else -upper
    assert law.wins.sum() == pytest.approx(high, abs=1e-5)


@pytest.mark.parametrize(("times", "bounds"), [([0.5, 1.0], [0.0]), ([0.2, 0.5, 0.7, 1.0], [-0.2, 0.1, 0.5])])
def test_binding_bounds_lower_the_final_bound_to_exactly_alpha(times, bounds):
    critical = dropping_laws.bound_critical(3, np.array(times), np.array(bounds), 0.05)
    assert critical < dunnett_critical(3, 0.05, 1)
    wins, *_ = plain(np.array(times) * 1000, critical, bounds=bounds, means=np.zeros(4), sds=np.ones(4))
    assert abs(wins.sum() - 0.05) <= 4 * math.sqrt(0.05 * 0.95 / RUNS)


PLANS: dict[str, dict[str, Any]] = {
    "best of two stages": {},
    "best of three stages": {"looks": 3},
    "bound": {"drop_below": [0.3]},
    "two bounds, binding": {"drop_below": [0.0, 0.6], "binding": True},
}
WORLDS = {"normal": (3.0, 3.03, 3.05, 2.99), "binary": (0.1, 0.094, 0.091, 0.102)}


@pytest.fixture(scope="module", params=list(WORLDS))
def played(request):
    names = "ABCD"
    variants = [{"name": one, "mean": mean, "price_override": 0.001 * (i + 1)}
                for i, (one, mean) in enumerate(zip(names, WORLDS[request.param], strict=True))]  # fmt: skip
    world = tree(
        request.param, variants=variants, traffic={"units_per_day": 8000, "days": 6},
        strategies=[{"kind": "drop-the-losers", "name": name, **plan} for name, plan in PLANS.items()],
    )  # fmt: skip
    return Study.from_tree(world, "t").run(replicates=20_000, seed=11)


@pytest.mark.arithmetic
@pytest.mark.parametrize("name", PLANS)
def test_the_engine_agrees_with_the_exact_figures(played, name):
    one = played[name]
    # 8 strategies and worlds with 8 figures; the lattice of rates and three-stage paths have 3e-4 of their own.
    for figure in ("power", "type1_error", "false_launch", "units", "exposures", "days", "cost", "cost.generation"):
        found = one.figures[figure]
        assert found.exact is not None, figure
        scale = 1.0 if found.exact < 1 else found.exact
        assert abs(found.value - found.exact) <= 4 * (found.se or 0.0) + 5e-4 * scale, figure
    alpha, claim = 0.025, one.strategy.design.claim(setting_of(played.study.scenario))
    if claim == "exact":
        assert one.figures["type1_error"].exact == pytest.approx(alpha, abs=1e-4)
    else:
        assert one.figures["type1_error"].exact < alpha
    if name == "bound":
        assert claim == "at most"
        assert one.figures["units"].exact < 48_000


def test_who_is_below_the_bound_leaves_and_takes_the_traffic_along():
    variants = [{"name": n, "mean": m} for n, m in (("A", 3.0), ("B", 3.5), ("C", 2.0), ("D", 3.6))]
    base = {"kind": "drop-the-losers", "drop_below": [0.0]}
    strategies = [{**base, "name": "control"}, {**base, "name": "best", "against": "best"}]
    world = tree(variants=variants, traffic={"units_per_day": 1200, "days": 4}, strategies=strategies)
    result = Study.from_tree(world, "t").run(replicates=50, seed=7)
    daily = np.diff(result["control"].trace.state[:, 0], axis=0, prepend=0)
    np.testing.assert_array_equal(daily, [[300] * 4, [300] * 4, [300, 300, 0, 300], [300, 300, 0, 300]])
    assert result["control"].figures["power"].exact == pytest.approx(1)
    daily = np.diff(result["best"].trace.state[:, 0], axis=0, prepend=0)
    np.testing.assert_array_equal(daily[2:], [[300, 0, 0, 300]] * 2)
    assert result["best"].figures["power"].exact is None
    # Nobody left: the experiment ends at the look, and finds nothing.
    world["variants"] = [{"name": n, "mean": m} for n, m in (("A", 3.0), ("B", 2.0), ("C", 2.0))]
    ended = Study.from_tree(world, "t").run(replicates=50, seed=7)["control"]
    assert np.all(ended.worlds["truth"].code == -2)
    assert np.all(ended.worlds["truth"].day == 2)
    assert ended.figures["power"].value in (None, 0.0)


def test_leaving_by_hand():
    state = np.array([[100.0] * 4, [100.0] * 4, [300.0, 310, 290, 305], [1000.0, 1050, 950, 1020]])
    var = state[3] / 100 - (state[2] / 100) ** 2
    z = (state[2] - state[2, 0]) / 100 / np.sqrt((var + var[0]) / 99)
    for bound in (-2.0, 0.0, z[3] + 1e-9, 5.0):
        alive = np.ones(4)
        left = leave(state, alive, bound, False, 1.0)
        assert alive[1:].tolist() == (z[1:] >= bound).tolist()
        assert left == alive[1:].sum()
    alive = np.ones(4)
    assert leave(state, alive, 0.0, True, 1.0) == 1
    assert alive[1:].tolist() == [1, 0, 0]


def test_the_claim_of_bounds():
    world = tree(variants=[{"name": n, "mean": 3.0} for n in "ABC"])
    setting = setting_of(Study.from_tree(world, "t", names=["fixed-horizon"]).scenario)
    assert DropTheLosers(drop_below=[0.0]).claim(setting) == "at most"
    assert DropTheLosers(drop_below=[0.0], binding=True).claim(setting) == "exact"
    assert DropTheLosers().claim(setting) == "exact"


@pytest.mark.parametrize(("changes", "key"), [
    ({"drop_below": [0.0], "kept": [1]}, "kept"), ({"drop_below": [0.0], "keep": 2}, "keep"),
    ({"drop_below": [0.0, 1.0], "looks": 5}, "looks"), ({"against": "best"}, "against"), ({"binding": True}, "binding"),
    ({"drop_below": [0.0], "against": "best", "binding": True}, "binding"), ({"drop_below": [0.0] * 9}, "drop_below"),
    ({"drop_below": [0.0, 1.0], "looks": 2}, "looks"), ({"drop_below": [0.0], "keep": 1}, "keep"),
    ({"kept": [2, 1], "looks": 2}, "looks"), ({"kept": [2, 2], "keep": 1}, "keep"),
    ({"drop_below": ["x"]}, "drop_below"), ({"drop_below": "x"}, "drop_below"), ({"against": "worst"}, "against"),
])  # fmt: skip
def test_contradictions_are_one_line(changes: dict[str, Any], key: str) -> None:
    world = tree(
        variants=[{"name": n, "mean": 3.0} for n in "ABC"], strategies=[{"kind": "drop-the-losers", **changes}]
    )
    with pytest.raises(InputError) as caught:
        Study.from_tree(world, "test.toml")
    assert caught.value.key.endswith(key)
    assert "\n" not in str(caught.value)


def test_on_the_command_line_and_as_a_surface(tmp_path, capsys):
    file = tmp_path / "study.toml"
    variants = [{"name": n, "mean": m} for n, m in (("A", 3.0), ("B", 3.04), ("C", 3.02))]
    world = tree(variants=variants, strategies=[{"kind": "drop-the-losers", "drop_below": [0.0]}])
    file.write_text(tomli_w.dumps({"schema": 1, **world}), encoding="utf-8")
    assert main(["run", str(file), "--replicates", "200", "--json", "-"]) == 0
    one = json.loads(capsys.readouterr().out)["strategies"][0]["operating_characteristics"]
    study = Study.load(str(file))
    known = response_surface(study, "drop-the-losers", axes.parse(study, "effect=0.02:0.04:2", "--x"))
    assert known.exact
    assert known.value[0, 1] == pytest.approx(one["power"]["exact"], rel=1e-9)


def test_one_bound_is_a_list_of_one(capsys: pytest.CaptureFixture[str]) -> None:
    one = Study.load("summarization-prompt", (), ("drop-the-losers(looks=2,drop_below=0.5)",)).strategies[0].design
    assert one.planned_looks() == 2
    asked = ["run", "summarization-prompt", "--strategy", "drop-the-losers(looks=3,drop_below=0.5)"]
    assert main(asked) == 2
    assert "at 1 look;" in capsys.readouterr().err
