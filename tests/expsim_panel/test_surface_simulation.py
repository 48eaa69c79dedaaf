"""Surfaces whose cells read common paths: against the general engine, exact values, and repeated experiments."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import norm

from expsim_panel import axes, engine, operating, plan
from expsim_panel.economics import ledger
from expsim_panel.errors import InputError
from expsim_panel.mover import Mover
from expsim_panel.response_surface import METRICS, response_surface
from expsim_panel.study import Study
from expsim_panel.surface_rows import Row, rows
from expsim_panel.surface_simulation import Collector, tasks

pytestmark = pytest.mark.arithmetic

STRATEGIES = [
    {"kind": "obrien-fleming", "looks": 5},
    {"kind": "pocock", "looks": 3, "sides": 1, "futility_bounds": [0.0, 0.5], "name": "gives-up"},
    {"kind": "bayesian"},
    {"kind": "thompson"},
    {"kind": "pocock", "looks": 5},
]


def world(**changes) -> Study:
    tree = {
        "scenario": {"name": "map", "indifference": 0.05},
        "metric": {"name": "score", "family": "normal", "sd": 1.0},
        "variants": [
            {"name": "A", "mean": 3.0, "latency_ms": {"median": 900, "p95": 2000}},
            {"name": "B", "mean": 3.1, "latency_ms": {"median": 1200, "p95": 2500}},
        ],
        "traffic": {"units_per_day": 120, "days": 10},
        "economics": {"value_per_point": 0.5, "usd_per_second": 0.01, "horizon_units": 50_000},
        "strategies": STRATEGIES,
    }
    return Study.from_tree({**tree, **changes}, "map")


def surface(study: Study, strategy: str, x: str, y: str | None = None, **kw):
    up = axes.parse(study, y, "--y") if y else None
    return response_surface(study, strategy, axes.parse(study, x, "--x"), up, **kw)


RATES = {
    "metric": {"name": "solved", "family": "binary"},
    "variants": [{"name": "A", "mean": 0.6}, {"name": "B", "mean": 0.68}],
}
WORLDS = {
    "scores": ({}, "effect=0:0.3:2", "traffic.units_per_day=60:200:2"),
    "noise": ({}, "metric.sd=0.5:2:2", "effect=-0.1:0.2:2"),
    "rates by a judge": (
        {**RATES, "evaluator": {"kind": "judge", "sensitivity": 0.9, "specificity": 0.8}},
        "variants.1.mean=0.55:0.7:2",
        "traffic.days=5:12:2",
    ),
    "raters of their own": (
        {"evaluator": {"kind": "human", "coverage": 0.5, "severity_sd": 0.2, "noise_sd": 0.5, "raters": 6}},
        "effect=0:0.3:2",
        "evaluator.noise_sd=0.1:1:2",
    ),
    "three arms": (
        {"variants": [*({"name": n, "mean": m} for n, m in (("A", 3.0), ("B", 3.1), ("C", 2.95)))]},
        "effect=0.05:0.3:2",
        "economics.value_per_point=0.1:1:2",
    ),
    "clusters, unequal split": (
        {"traffic": {"units_per_day": 120, "days": 10, "shares": [0.3, 0.7], "exposures_per_unit": 3, "icc": 0.2}},
        "traffic.icc=0:0.5:2",
        "traffic.exposures_per_unit=1:4:2",
    ),
}


@pytest.mark.parametrize("strategy", ["obrien-fleming", "gives-up", "bayesian"])
@pytest.mark.parametrize("name", WORLDS)
def test_every_figure_has_the_law_of_the_engine(name, strategy):
    changes, x, y = WORLDS[name]
    study = world(**changes)
    gaps = []
    for metric in ("power", "type1_error"):
        made = surface(study, strategy, x, y, metric=metric, simulate=True, replicates=3000)
        where, _, _ = METRICS[metric]
        for i in range(2):
            for j in range(2):
                mover = Mover(study)
                there = mover.to({made.x.path: float(made.x.values[j]), made.y.path: float(made.y.values[i])})
                # Another seed: the two answers are independent.
                out = engine.played(there, where, replicates=3000, seed=77, names=[strategy], workers=2)[strategy]
                one = next(one for one in there.strategies if one.name == strategy)
                effects = plan.law(there.scenario, where, 77, 0, 1).effects
                played = operating.Played(there.scenario, one, ledger(there.scenario), out, effects)
                wanted = operating.figures(played, "simulated")
                for figure, table in made.values.items():
                    _, key, _ = METRICS[figure]
                    told = wanted[key]
                    if figure == "power" and len(there.scenario.variants) > 2:
                        told = operating.proportion((out.code > 0) & (effects[0][np.maximum(out.code, 0)] > 0))
                    if told.value is None or not np.isfinite(table[i, j]):
                        # Both sides are blank, up to the number of events that a blank hangs on.
                        assert key in ("exaggeration", "cost_per_correct", "coverage")
                        continue
                    error = np.hypot(made.errors[figure][i, j], told.se)
                    if error < 1e-12:
                        assert table[i, j] == pytest.approx(told.value, rel=1e-9)
                    else:
                        gaps.append((abs(table[i, j] - told.value) / error, figure, i, j))
    assert len(gaps) > 40
    # Bonferroni over the table of all comparisons of these tests, about 2,000, at 1 %.
    assert max(gaps)[0] < norm.isf(0.01 / 2 / 2000), max(gaps)


@pytest.mark.parametrize(
    ("x", "y"),
    [
        ("effect=0:0.3:6", "traffic.units_per_day=200:800:5"),
        ("metric.sd=0.5:2:5", "strategies.obrien-fleming.looks=1:5:5"),
        ("traffic.units_per_day=200:800:4", "traffic.days=5:20:4"),
    ],
)
def test_simulation_agrees_with_exact_values_over_the_grid(x, y):
    study = world()
    for metric in ("power", "days", "false_launch"):
        known = surface(study, "obrien-fleming", x, y, metric=metric)
        tried = surface(study, "obrien-fleming", x, y, metric=metric, simulate=True, replicates=4000)
        assert known.exact
        assert not tried.exact
        # Common random numbers: the cells of a map err together, at most 30 of them on each of nine maps.
        limit = norm.isf(0.01 / 2 / 270) * tried.se
        # The exact value is that of known variances; 1,000 rows an arm and more put it within 0.002.
        assert np.all(np.abs(known.value - tried.value) <= limit + 0.002 * (10 if metric == "days" else 1))


@pytest.mark.parametrize("name", ["fixed-horizon", "dunnett"])
def test_one_bound_at_the_end_of_several_variants_is_exact(name):
    study = world(**WORLDS["three arms"][0], strategies=[{"kind": name}])
    for metric in ("power", "type1_error", "launch", "false_launch", "cost"):
        x, y = ("variants.1.mean=2.9:3.3:4", "traffic.units_per_day=150:600:3")
        known = surface(study, name, x, y, metric=metric)
        tried = surface(study, name, x, y, metric=metric, simulate=True, replicates=20_000)
        assert known.exact, metric
        assert not tried.exact
        if metric == "cost":
            assert known.value == pytest.approx(tried.value, rel=1e-9)
            continue
        assert known.value.max() <= 1.0
        # Bonferroni over 2 designs x 4 shares x 12 cells at 1 %; 500 rows an arm put large samples within 0.002.
        assert np.all(np.abs(known.value - tried.value) <= norm.isf(0.01 / 2 / 96) * tried.se + 0.002), metric


def test_what_guardrails_let_through_of_several_variants_is_simulated():
    study = Study.load("ranking-diversity", names=["fixed-horizon"])
    x = "traffic.units_per_day=500:1500:2"
    assert surface(study, "fixed-horizon", x, metric="power", replicates=200).exact
    assert not surface(study, "fixed-horizon", x, metric="launch", replicates=200).exact


def test_the_map_is_the_same_on_any_number_of_threads():
    study = world()
    for x, y in (("effect=0:0.3:9", "traffic.units_per_day=60:200:9"), ("metric.sd=1:2:9", "effect=0:0.2:9")):
        made = [
            surface(study, "obrien-fleming", x, y, simulate=True, replicates=1500, workers=workers)
            for workers in (1, 2, 5)
        ]
        assert len({one.results_digest for one in made}) == 1
        again = surface(study, "obrien-fleming", x, y, simulate=True, replicates=1500, metric="days")
        assert np.array_equal(again.values["power"], made[0].value)
    study.seed = 2
    other = surface(study, "obrien-fleming", x, y, simulate=True, replicates=1500)
    assert other.results_digest != made[0].results_digest


def test_a_row_of_cells_shares_its_paths_and_other_worlds_go_to_the_engine():
    study = world()
    x, y = axes.parse(study, "effect=0:0.3:40", "--x"), axes.parse(study, "metric.sd=1:2:3", "--y")
    cells = [(i, j) for i in range(3) for j in range(40)]
    made = list(rows(Mover(study), x, y, cells, "truth"))
    assert all(isinstance(row, Row) for row in made)
    assert [len(row.cells) for row in made] == [40, 40, 40]
    assert tasks(made[0], [0], "truth", 1, 1000) is not None
    assert tasks(made[0], [3], "truth", 1, 1000) is None  # it adapts
    late = world(traffic={"units_per_day": 120, "days": 10, "delay_days": 2})
    row = next(iter(rows(Mover(late), axes.parse(late, "effect=0:0.3:4", "--x"), None, [(0, 0), (0, 1)], "truth")))
    assert isinstance(row, Row)
    assert row.law is None
    assert tasks(row, [0], "truth", 1, 1000) is None


def test_the_first_picture_is_the_coarse_lattice():
    pictures = []
    made = surface(world(), "obrien-fleming", "effect=0:0.3:20", "traffic.units_per_day=60:200:20", simulate=True,
                   replicates=500, partial=pictures.append)  # fmt: skip
    first = pictures[0]
    assert first.done == pytest.approx(25 / 400)
    assert np.array_equal(np.isfinite(first.value), np.isfinite(first.se))
    assert np.isfinite(first.value).sum() == 25
    assert np.array_equal(first.value[::4, ::4], made.value[::4, ::4])
    assert 0.4 < pictures[1].done < 0.6
    assert made.done == 1


def test_cancel_stops_a_simulation_between_two_cells():
    seen = []
    with pytest.raises(engine.Cancelled):
        surface(world(), "obrien-fleming", "effect=0:0.3:20", "traffic.units_per_day=60:200:20", simulate=True,
                replicates=500, progress=lambda *at: seen.append(at), cancelled=lambda: len(seen) >= 30)  # fmt: skip
    assert 30 <= len(seen) < 400


X, Y = "effect=0:0.3:3", "traffic.units_per_day=100:200:2"


def test_a_difference_is_one_surface_less_the_other():
    study = world()
    # The same looks: separately and together they read the same paths.
    for kw in ({}, {"simulate": True, "replicates": 700}):
        one, other = (surface(study, name, X, Y, **kw) for name in ("obrien-fleming", "pocock"))
        both = surface(study, "obrien-fleming", X, Y, minus="pocock", **kw)
        assert both.value == pytest.approx(one.value - other.value, abs=1e-12)
        assert both.exact == one.exact
        assert both.whose == "obrien-fleming minus pocock"
    assert both.to_json()["minus"] == "pocock"
    # Paths in common: the error of the difference is below that of two separate simulations.
    assert np.all(both.se <= np.hypot(one.se, other.se) * (1 + 1e-9))
    assert np.all(both.se[:, 0] > 0)


def test_exact_and_simulated_parts_make_a_difference_too():
    study = world()
    mixed = surface(study, "thompson", X, Y, minus="obrien-fleming", replicates=300)
    adaptive = surface(study, "thompson", X, Y, replicates=300)
    exact = surface(study, "obrien-fleming", X, Y)
    assert mixed.value == pytest.approx(adaptive.value - exact.value, abs=1e-12)
    assert mixed.se == pytest.approx(adaptive.se)
    assert "adapts" in mixed.reason
    regret = surface(study, "thompson", X, Y, minus="obrien-fleming", replicates=300, metric="regret")
    assert np.all(np.isfinite(regret.se))


def test_the_error_of_a_paired_difference_is_its_spread_over_seeds():
    study = world()
    found, told = [], []
    for seed in range(200):
        study.seed = seed
        made = surface(study, "obrien-fleming", "effect=0.05:0.15:2", minus="gives-up", simulate=True, replicates=250,
                       metric="regret", workers=1)  # fmt: skip
        found.append([made.values[key][0] for key in ("regret", "power", "days")])
        told.append([made.errors[key][0] for key in ("regret", "power", "days")])
    ratio = np.std(found, axis=0, ddof=1) / np.mean(told, axis=0)
    # The relative error of a standard deviation over 200 seeds is 1 / sqrt(398); six ratios at four each.
    assert np.all(np.abs(ratio - 1) < 4 / np.sqrt(398)), ratio


def test_bad_differences_get_one_line():
    with pytest.raises(InputError, match="less itself is 0"):
        surface(world(), "bayesian", X, minus="bayesian")
    with pytest.raises(InputError, match="did you mean 'thompson'"):
        surface(world(), "bayesian", X, minus="tompson")


def test_a_difference_of_daily_looks_stays_small():
    study = world(
        traffic={"units_per_day": 20, "days": 360},
        strategies=[{"kind": "peek-daily"}, {"kind": "pocock", "looks": 5}],
    )
    x = axes.parse(study, "effect=0:0.3:40", "--x")
    row = next(iter(rows(Mover(study), x, None, [(0, j) for j in range(40)], "truth")))
    assert isinstance(row, Row)
    both, alone = tasks(row, [0, 1], "truth", 1, 1000), tasks(row, [0], "truth", 1, 1000)
    assert both is not None
    assert alone is not None
    # 1,800 ends make three million pairs in each cell; one strategy alone has no pairs.
    assert [len(task.cells) for task in both] == [1] * 40
    assert [len(task.cells) for task in alone] == [40]
    assert [one.cells for one in Collector().add(both[0])] == [both[0].cells]
