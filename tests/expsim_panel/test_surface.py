from __future__ import annotations

import math

import numpy as np
import pytest
from scipy.stats import norm

from expsim_panel import engine, exact, grid
from expsim_panel.economics import ledger
from expsim_panel.errors import InputError
from expsim_panel.study import Study
from expsim_panel.surface import power_curve, power_surface


def study(name: str = "hallucination-prompt", *settings: str, names: tuple[str, ...] = ()) -> Study:
    return Study.load(name, settings, names)


def test_a_fixed_horizon_cell_is_the_closed_form() -> None:
    made = power_surface(study(), "fixed-horizon", effects=7, units=5)
    assert made.exact
    assert made.value.shape == (made.effects.size, made.units.size)
    judge = study().scenario.evaluator
    for i, effect in enumerate(made.effects):
        for j, units in enumerate(made.units):
            rates = np.array([0.096, 0.096 - effect])
            seen = rates * judge.sensitivity + (1 - rates) * (1 - judge.specificity)
            drift = (seen[0] - seen[1]) / math.sqrt((seen * (1 - seen) / (units * 28 / 2)).sum())
            power = norm.sf(1.959963984540054 - drift) + norm.cdf(-1.959963984540054 - drift)
            assert made.value[i, j] == pytest.approx(power, abs=1e-9)
    assert made.values["days"] == pytest.approx(28, rel=1e-12)


@pytest.mark.parametrize("name", ["obrien-fleming", "bayesian", "peek-daily"])
def test_a_cell_is_what_the_report_calls_exact(name: str) -> None:
    base = study()
    made = power_surface(base, name, effects=4, units=4)
    one = next(one for one in base.strategies if one.name == name)
    for i, j in ((0, 0), (2, 1), (3, 3)):
        scenario = grid.with_units(base.scenario, int(made.units[j]))
        found = exact.operating(scenario, one, "truth", ledger(scenario), float(made.effects[i]))
        assert isinstance(found, exact.Exact)
        for metric, key in (("power", "rejection"), ("days", "days"), ("cost", "cost")):
            assert made.values[metric][i, j] == found.values[key]


@pytest.mark.parametrize("name", ["fixed-horizon", "obrien-fleming", "peek-daily"])
def test_power_rises_with_effect_and_traffic(name: str) -> None:
    made = power_surface(study(), name, effects=10, units=8)
    assert np.all(np.diff(made.values["power"], axis=0) > -1e-12)
    assert np.all(np.diff(made.values["power"][1:], axis=1) > -1e-12)
    assert np.all(np.diff(made.values["cost"], axis=1) > 0)
    assert made.values["power"][0] == pytest.approx(made.values["power"][0, 0], abs=1e-3)


def test_simulated_points_lie_on_the_exact_line() -> None:
    made = power_curve(study(), "obrien-fleming", points=5, replicates=2000)
    assert made.line is not None
    assert made.reason is None
    assert made.effects[0] == 0
    on_line = np.interp(made.effects, made.line_effects, made.line)
    # The line's own points are dense; linear interpolation between them is off by far less than an error.
    assert np.all(np.abs(made.value - on_line) < 4 * made.se + 2e-3)
    assert np.all(made.se > 0)


def test_a_simulated_cell_is_the_same_world_as_a_full_run() -> None:
    base = study(names=("thompson", "fixed-horizon"))
    made = power_curve(base, "thompson", effects=[0.0, 0.015], replicates=1000)
    assert made.line is None
    assert made.reason is not None
    full = base.run(replicates=1000)["thompson"].figures["power"]
    assert made.value[1] == full.value
    assert made.se[1] == full.se


def test_an_adaptive_surface_is_simulated_and_coarser() -> None:
    made = power_surface(study(), "thompson", effects=3, units=2, replicates=200, metric="days")
    assert not made.exact
    assert made.se is not None
    assert made.value.shape == made.se.shape == (3, 2)
    assert made.reason == "no exact value: the allocation adapts to the data"
    assert made.values["power"][-1, -1] > made.values["power"][0, 0]
    assert made.origin.units in made.units


def test_several_looks_at_several_variants_are_simulated_where_there_are_many_cells() -> None:
    base = study("ranking-diversity", names=("pocock", "holm"))
    made = power_surface(base, "pocock", effects=8, units=4, replicates=200)
    assert not made.exact
    assert made.values["power"][0, 0] < 0.1 < made.values["power"][-1, -1]
    assert power_surface(base, "pocock", effects=2, units=2).exact
    known = power_surface(base, "holm", effects=3, units=2)
    assert known.exact
    assert known.values["power"][0, 0] < 0.1 < known.values["power"][2, 1]


@pytest.mark.parametrize("rule", ["fixed-t", "fixed-pooled", "fixed-lift", "bayesian(looks=1)"])
def test_one_look_at_several_variants_is_exact_on_maps(rule: str) -> None:
    base = study("ranking-diversity", names=(rule,))
    made = power_surface(base, base.strategies[0].name, effects=4, units=3)
    assert made.exact
    for i, j in ((0, 0), (2, 1), (3, 2)):
        scenario = grid.with_units(base.scenario, int(made.units[j]))
        found = exact.operating(
            scenario, base.strategies[0], "truth", ledger(scenario), float(made.effects[i]), patient=True
        )
        assert isinstance(found, exact.Exact)
        assert made.values["power"][i, j] == pytest.approx(found.values["power"], abs=1e-12)
        assert made.values["cost"][i, j] == pytest.approx(found.values["cost"], rel=1e-12)


def test_traffic_that_raters_cannot_keep_up_with_is_left_out() -> None:
    base = study(
        "hallucination-prompt", "evaluator.kind=human", "evaluators.human.raters=1", "evaluators.human.coverage=0.5"
    )
    most = int(6 * 3600 / 36.8 / 0.5)
    made = power_surface(base, "fixed-horizon", effects=3, units=20)
    assert made.units.max() <= most < 2500


def test_tiny_traffic_is_left_out_of_a_daily_design() -> None:
    base = study("hallucination-prompt", "traffic.units_per_day=20", names=("peek-daily",))
    made = power_surface(base, "peek-daily", effects=3, units=20)
    assert made.exact
    assert all(np.isfinite(table).all() for table in made.values.values())
    assert made.units.min() >= 3


def test_cancel_and_progress() -> None:
    seen: list[tuple[int, int]] = []
    power_surface(study(), "fixed-horizon", effects=4, units=3, progress=lambda done, total: seen.append((done, total)))
    assert seen == [(k, 12) for k in range(1, 13)]
    seen.clear()
    with pytest.raises(engine.Cancelled):
        power_surface(study(), "thompson", effects=4, units=3, replicates=100,
                      progress=lambda done, total: seen.append((done, total)), cancelled=lambda: len(seen) >= 2)  # fmt: skip
    assert seen == [(1, 12), (2, 12)]
    with pytest.raises(engine.Cancelled):
        power_curve(study(), "bayesian", cancelled=lambda: True)


def test_the_study_is_left_alone_and_named() -> None:
    base = study()
    before = base.freeze()
    made = power_surface(base, "bayesian", effects=3, units=3)
    assert base.freeze() == before
    assert made.origin.digest == before.digest
    assert made.origin.effect == pytest.approx(0.015)
    assert made.nearest(0.0149, 1010) == (
        int(np.abs(made.effects - 0.0149).argmin()),
        int(np.abs(made.units - 1010).argmin()),
    )


@pytest.mark.parametrize(
    ("kwargs", "words"),
    [
        ({"strategy_name": "obrian-fleming"}, "did you mean 'obrien-fleming'"),
        ({"strategy_name": "bayesian", "metric": "powr"}, "did you mean 'power'"),
        ({"strategy_name": "bayesian", "effects": [0.0, math.nan]}, "finite"),
        ({"strategy_name": "bayesian", "effects": [0.0, 0.5]}, "up to 0.096"),
        ({"strategy_name": "bayesian", "replicates": 0}, "replicates"),
    ],
)
def test_bad_questions_get_one_line(kwargs: dict[str, object], words: str) -> None:
    with pytest.raises(InputError, match=words) as caught:
        power_curve(study(), **kwargs)  # type: ignore[arg-type]
    assert "\n" not in str(caught.value)


def test_levels_are_round_and_hold_the_own_point() -> None:
    scenario = study().scenario
    levels = grid.effect_levels(scenario, 25)
    assert np.allclose(levels, 0.00125 * np.arange(25))
    assert 1000 in grid.unit_levels(scenario, 20)
    assert grid.round_up(0.0301) == pytest.approx(0.04)
    assert grid.round_up(0.125) == pytest.approx(0.125)


def test_a_perfect_control_leaves_no_room() -> None:
    with pytest.raises(InputError, match="no room"):
        power_curve(study("hallucination-prompt", "variants.0.mean=0", "variants.1.mean=0"), "fixed-horizon")


def test_a_surface_is_a_holoviews_dataset() -> None:
    made = power_surface(study(), "fixed-horizon", effects=5, units=4)
    data = made.dataset()
    assert [dimension.name for dimension in data.kdims] == ["effect", "units_per_day"]
    power = data.dimension_values("power", flat=False)
    np.testing.assert_array_equal(power, made.values["power"].T)
