"""Dropping of losers: its law against plain simulation, its family-wise error in the simulator, its traffic."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tomli_w
from worlds import tree

from expsim_panel import strategy
from expsim_panel.__main__ import main
from expsim_panel.designs.drop_the_losers import DropTheLosers
from expsim_panel.dropping import drop_the_losers_critical, drop_the_losers_error
from expsim_panel.errors import InputError
from expsim_panel.multiplicity import dunnett_critical
from expsim_panel.study import Study

LAWS = [
    (3, [1], [0.5], 1.0), (4, [2], [0.3], 1.0), (2, [1], [0.9], 0.5), (4, [3, 1], [0.3, 0.6], 1.0),
    (5, [4, 3, 2, 1], [0.2, 0.4, 0.6, 0.8], 1.0), (6, [3, 3, 2], [0.2, 0.5, 0.7], 2.0),
]  # fmt: skip


def rejects(critical: float, variants: int, kept: list[int], times: list[float], ratio: float, runs: int) -> float:
    """Return the share of plain experiments without a difference in which a survivor passes the bound."""
    rng = np.random.default_rng(41)
    ends = np.append(times, 1.0)
    steps = rng.standard_normal((runs, ends.size, variants)) * np.sqrt(np.diff(ends, prepend=0.0))[None, :, None]
    paths, control = np.cumsum(steps, axis=1), rng.standard_normal(runs)
    alive = np.ones((runs, variants), bool)
    for k, number in enumerate(kept):
        now = np.where(alive, paths[:, k], -np.inf)
        alive &= np.argsort(np.argsort(-now, axis=1), axis=1) < number
    best = np.where(alive, paths[:, -1], -np.inf).max(axis=1)
    return float(np.mean((best - math.sqrt(ratio) * control) / math.sqrt(1 + ratio) > critical))


@pytest.mark.arithmetic
@pytest.mark.parametrize(("variants", "kept", "times", "ratio"), LAWS)
def test_the_bound_keeps_the_family_error_in_plain_simulation(
    variants: int, kept: list[int], times: list[float], ratio: float
) -> None:
    critical = drop_the_losers_critical(variants, kept, times, 0.05, ratio)
    assert drop_the_losers_error(critical, variants, kept, times, ratio) == pytest.approx(0.05, abs=1e-9)
    runs = 400_000
    assert abs(rejects(critical, variants, kept, times, ratio, runs) - 0.05) <= 4 * math.sqrt(0.05 * 0.95 / runs)
    allocation = [1.0, *[ratio] * variants]
    assert 1.6448 < critical < dunnett_critical(variants, 0.05, 1, allocation)


def test_limits() -> None:
    # Nobody is dropped: Dunnett's test. Drops at once: one variant taken at random. Just before the end: the same
    # as testing the best of all.
    assert drop_the_losers_critical(3, [], []) == pytest.approx(dunnett_critical(3, 0.025, 1), abs=1e-9)
    assert drop_the_losers_critical(3, [3, 3], [0.3, 0.6]) == pytest.approx(dunnett_critical(3, 0.025, 1), abs=1e-9)
    assert drop_the_losers_error(1.959964, 4, [1], [1e-9]) == pytest.approx(0.025, abs=1e-5)
    late = drop_the_losers_error(2.0, 4, [1], [0.9999])
    assert late == pytest.approx(drop_the_losers_error(2.0, 4, [], []), abs=1e-4)
    # Two variants, one dropped: the larger of two correlated stages, by SciPy's multivariate normal law.
    from scipy.stats import multivariate_normal

    t, critical = 0.4, 2.1
    # X1(t) - X2(t) and the final z of variant 1, which must both be high; either variant may be the one.
    cov = math.sqrt(t) * math.sqrt(t) / (math.sqrt(2 * t) * math.sqrt(2.0))
    law = multivariate_normal([0, 0], [[1, cov], [cov, 1]])
    assert drop_the_losers_error(critical, 2, [1], [t]) == pytest.approx(2 * law.cdf([0, -critical]), abs=1e-8)


WORLDS: dict[str, dict[str, Any]] = {
    "scores": {"family": "normal"},
    "rates": {"family": "binary"},
    "scores by people": {
        "family": "normal",
        "evaluator": {"kind": "human", "coverage": 0.6, "raters": 8, "severity_sd": 0.01, "noise_sd": 0.6, "seconds": 1.0},
    },
    "late scores": {"family": "normal", "traffic": {"units_per_day": 20_000, "days": 6, "delay_days": 1}},
}  # fmt: skip
PLANS: list[dict[str, Any]] = [{}, {"looks": 3}, {"kept": [3, 2], "alpha": 0.05}]


@pytest.mark.arithmetic
@pytest.mark.parametrize("name", WORLDS)
def test_the_family_error_is_alpha_in_the_simulator(name: str) -> None:
    world, replicates = WORLDS[name], 60_000
    mean = 0.1 if world["family"] == "binary" else 3.0
    variants = [{"name": one, "mean": mean} for one in "ABCDE"]
    traffic = {"units_per_day": 20_000, "days": 5, **world.get("traffic", {})}
    strategies = [{"kind": "drop-the-losers", "name": str(k), **plan} for k, plan in enumerate(PLANS)]
    made = Study.from_tree(tree(**{**world, "variants": variants, "traffic": traffic, "strategies": strategies}), "t")
    result = made.run(replicates=replicates, seed=20261124)
    for one in result.strategies:
        alpha = float(one.strategy.design.alpha)
        found = one.figures["type1_error"].value
        # 12 comparisons in all.
        assert abs(found - alpha) <= 3.5 * math.sqrt(alpha * (1 - alpha) / replicates), (one.name, found)


@pytest.mark.arithmetic
def test_false_winners_are_rarer_where_some_variant_is_good() -> None:
    variants = [
        {"name": "A", "mean": 3.0},
        {"name": "B", "mean": 3.02},
        {"name": "C", "mean": 3.0},
        {"name": "D", "mean": 2.99},
    ]
    made = Study.from_tree(
        tree(variants=variants, traffic={"units_per_day": 20_000, "days": 6}), "t", names=["drop-the-losers"]
    )
    out = made.run(replicates=20_000, seed=7)["drop-the-losers"].worlds["truth"]
    assert np.mean(out.code > 1) < 0.025
    assert np.mean(out.code == 1) > 0.5


def test_dropped_variants_get_no_more_traffic_and_the_others_get_it() -> None:
    variants = [
        {"name": "A", "mean": 3.0},
        {"name": "B", "mean": 3.5},
        {"name": "C", "mean": 3.2},
        {"name": "D", "mean": 2.0},
    ]
    made = Study.from_tree(
        tree(variants=variants, traffic={"units_per_day": 1200, "days": 6},
             strategies=[{"kind": "drop-the-losers", "looks": 3}]), "t",
    )  # fmt: skip
    result = made.run(replicates=50, seed=7)["drop-the-losers"]
    daily = np.diff(result.trace.state[:, 0], axis=0, prepend=0)
    np.testing.assert_array_equal(daily[:2], np.full((2, 4), 300))
    np.testing.assert_array_equal(daily[2:4], np.tile([400, 400, 400, 0], (2, 1)))
    np.testing.assert_array_equal(daily[4:], np.tile([600, 600, 0, 0], (2, 1)))
    assert np.all(result.worlds["truth"].code == 1)


@pytest.mark.parametrize(("changes", "key"), [
    ({"kept": [1, 2]}, "kept"), ({"kept": [0]}, "kept"), ({"kept": [5, 1]}, "kept"), ({"looks": 9}, "looks"),
    ({"kept": [2, 2], "keep": 3}, "keep"), ({"keep": 0}, "keep"), ({"sides": 2}, "sides"),
    ({"allocation": "split"}, "allocation"), ({"stopping": "obrien-fleming"}, "stopping"),
])  # fmt: skip
def test_contradictions_are_one_line(changes: dict[str, Any], key: str) -> None:
    world = tree(
        variants=[{"name": one, "mean": 3.0} for one in "ABC"], strategies=[{"kind": "drop-the-losers", **changes}]
    )
    with pytest.raises(InputError) as caught:
        Study.from_tree(world, "test.toml")
    assert caught.value.key.endswith(key)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(("names", "keep", "said"), [
    ("AB", 1, ""), ("AB", 2, "2 of 1 variant reach the test: none can be dropped; give at most 1"), ("ABC", 1, ""),
    ("ABC", 2, "2 of 2 variants reach the test: none can be dropped; give at most 1"), ("ABCD", 2, ""),
    ("ABCD", 5, "5 of 3 variants reach the test: none can be dropped; give at most 2"),
])  # fmt: skip
def test_some_variant_can_be_dropped(names: str, keep: int, said: str) -> None:
    """One variant alone is tested as it is, so that a strategy spelled out reads back; a design alone takes any."""
    assert DropTheLosers(keep=keep).keep == keep
    world = tree(
        variants=[{"name": one, "mean": 3.0} for one in names], strategies=[{"kind": "drop-the-losers", "keep": keep}]
    )
    if not said:
        study = Study.from_tree(world, "t")
        assert Study.from_tree(study.to_tree(), "t").to_tree() == study.to_tree()
        return
    with pytest.raises(InputError) as caught:
        Study.from_tree(world, "t")
    assert str(caught.value) == f"t [strategies.0.keep]: {said}"


def test_it_is_refused_at_the_param_and_on_the_command_line(tmp_path: Path, capsys: Any) -> None:
    design = DropTheLosers()
    with pytest.raises(ValueError, match="does not rise"):
        design.kept = [1, 3]
    world = tree(variants=[{"name": one, "mean": 3.0} for one in "ABC"], strategies=[{"kind": "drop-the-losers"}])
    file = tmp_path / "study.toml"
    file.write_text(tomli_w.dumps({"schema": 1, **world}), encoding="utf-8")
    words = ["run", str(file), "--replicates", "20"]
    assert main([*words, "--set", "strategies.0.kept=[1, 3]"]) == 2
    said = capsys.readouterr().err
    assert said.count("\n") == 1
    assert "kept" in said
    assert main([*words, "--json", "-"]) == 0
    assert json.loads(capsys.readouterr().out)["strategies"][0]["kind"] == "drop-the-losers"
    with pytest.raises(InputError):
        drop_the_losers_critical(3, [2, 3], [0.3, 0.6])
    assert strategy.build({"kind": "drop-the-losers"}, "t", "").policy.kind == "drop-the-losers"
