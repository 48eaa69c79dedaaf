"""The exact law of the empirical-Bernstein rule: its half widths against the compiled rule, its figures against play."""

import numpy as np
import pytest
from worlds import exact_in, played, tree

from expsim_panel import Study, plan
from expsim_panel.design import Setting
from expsim_panel.designs.empirical_bernstein import EmpiricalBernstein, _reaches
from expsim_panel.kernels.trials import ROWS, SQUARES, SUMS, decide
from expsim_panel.needed import units_needed
from expsim_panel.operating import rejected


def variants(low, high):
    return [{"name": "A", "mean": low}, {"name": "B", "mean": high}]


@pytest.mark.arithmetic
@pytest.mark.parametrize("binary", [True, False])
def test_half_widths_are_those_of_the_rule(binary):
    """Rows that all lie one standard deviation from the mean, half above: no mean moves, so ``effect / N`` is 0."""
    daily = np.array([[40.0, 40.0], [60.0, 20.0], [10.0, 30.0]])
    rows, sd = daily.cumsum(axis=0), 0.5 if binary else 1.7
    mean = 0.5 if binary else 3.0
    setting = Setting(rows, rows, np.array([sd, sd]), binary, 0.01)
    rule = EmpiricalBernstein(width=1.0 if binary else 5.0, min_days=1).rule(setting)
    _, half = _reaches(rule, rows, np.full(2, mean), np.full(2, sd), 0.0)
    for day in range(3):
        state = np.zeros((max(ROWS, SUMS, SQUARES) + 1, 2))
        state[ROWS], state[SUMS], state[SQUARES] = rows[day], rows[day] * mean, rows[day] * (mean**2 + sd**2)
        decide(rule, day, state)
        if binary or day > 0:
            np.testing.assert_allclose(rule.work[6], half[day], rtol=1e-12)


CASES = {
    "rates": ("binary", {"alpha": 0.2}, {
        "metric": {"direction": "increase"}, "variants": variants(0.3, 0.35), "traffic": {"units_per_day": 2000, "days": 7},
    }),
    "rare rates, one side": ("binary", {"alpha": 0.2, "sides": 1}, {
        "variants": variants(0.1, 0.075), "traffic": {"units_per_day": 2000, "days": 12},
    }),
    "scores": ("normal", {"width": 6.0}, {"variants": variants(3.0, 3.2), "traffic": {"units_per_day": 400, "days": 14}}),
    "late, uneven, few looks": ("normal", {"width": 6.0, "every": 3, "min_days": 2}, {
        "variants": variants(3.0, 3.13), "traffic": {"units_per_day": 1200, "days": 14, "delay_days": 2, "shares": [0.3, 0.7]},
    }),
    "people": ("normal", {"width": 6.0}, {
        "variants": variants(3.0, 3.24), "traffic": {"units_per_day": 600, "days": 10},
        "evaluator": {"kind": "human", "coverage": 1.0, "raters": 6, "severity_sd": 0.5, "noise_sd": 0.5, "seconds": 1.0},
    }),
}  # fmt: skip


@pytest.mark.arithmetic
@pytest.mark.parametrize("case", CASES)
def test_figures_are_those_of_simulation(case):
    family, rule, tables = CASES[case]
    study = Study.from_tree(
        {**tree(family, **tables), "strategies": [{"kind": "empirical-bernstein", "name": "eb", **rule}]}, "test"
    )
    size = 40_000
    for world in ("truth", "null"):
        known, out = exact_in(study, world, "eb"), played(study, world, size)["eb"]
        p = known["rejection"]
        # At 200,000 experiments too all five agree within 1.5 standard errors (measured).
        assert abs(rejected(out.code).mean() - p) <= 4 * np.sqrt(max(p * (1 - p), 1e-6) / size)
        assert abs(out.day.mean() - known["days"]) <= 4 * out.day.std() / np.sqrt(size) + 14 / size
    assert 0.1 < exact_in(study, "truth", "eb")["rejection"] < 0.95


def test_what_it_needs_is_exact_now():
    study = Study.from_tree(
        {
            **tree(variants=variants(3.0, 3.2)),
            "strategies": [{"kind": "empirical-bernstein", "name": "eb", "width": 6.0}],
        },
        "test",
    )
    found = units_needed(study, "eb")
    assert (found.method, found.why_simulated) == ("exact", None)
    assert found.power_before < 0.8 <= found.power < 0.81


def test_worlds_without_one_say_why():
    strategies = [{"kind": "empirical-bernstein", "name": "eb", "width": 6.0}]
    study = Study.from_tree(
        {**tree(traffic={"days": 7, "novelty": {"size": 0.1, "days": 2.0}}), "strategies": strategies}, "test"
    )
    setting, law = plan.setting_of(study.scenario), plan.law(study.scenario, "truth", 0, 0, 1)
    assert study.strategies[0].design.ending(setting, law) == (
        "no exact value for this stopping rule in a world that is not plain"
    )
