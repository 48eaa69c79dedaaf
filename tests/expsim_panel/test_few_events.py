"""Tables on rates with few units: counted exactly, against simulation, another enumeration and what the page says."""

import re
from pathlib import Path

import numpy as np
import pytest
from scipy import stats
from worlds import played, tree

from expsim_panel.caveats import caveats
from expsim_panel.few_events import true_level
from expsim_panel.fixed_sample import power_proportions_exact
from expsim_panel.plan import setting_of
from expsim_panel.sequential import sequential_design
from expsim_panel.study import Study

pytestmark = pytest.mark.arithmetic

Z = float(stats.norm.isf(0.025))
REPLICATES = 200_000
RULES = [
    {"kind": "pocock"},
    {"kind": "obrien-fleming"},
    {"kind": "haybittle-peto", "name": "gives up", "sides": 1, "alpha": 0.025, "futility_bounds": [0.0, 0.2, "none", 0.5]},
    {"kind": "lan-demets-pocock", "name": "wedge", "futility_bounds": [0.1, 0.2, "none", 0.8]},
]  # fmt: skip


@pytest.mark.parametrize(("rate", "rows"), [(0.3, (60, 80)), (0.8, (60, 80)), (0.02, (150, 150))])
@pytest.mark.parametrize("sides", [1, 2])
def test_one_look_is_the_enumeration_of_the_fixed_test(rate, rows, sides):
    critical = float(stats.norm.isf(0.05 / sides))
    lower = np.array([-critical if sides == 2 else -np.inf])
    found = true_level(rate, np.array([rows]), lower, np.array([critical]))
    assert found == pytest.approx(power_proportions_exact(rate, rate, *rows, 0.05, sides), abs=1e-9)


@pytest.mark.parametrize(
    ("rate", "direction", "shares"), [(0.3, "increase", [0.5, 0.5]), (0.75, "increase", [0.6, 0.4]), (0.3, "decrease", [0.5, 0.5])]
)  # fmt: skip
def test_the_simulator_plays_what_is_counted(rate, direction, shares):
    """Twenty or so units of an arm between looks: far from normal, and equal to the count of all outcomes."""
    variants = [{"name": "A", "mean": rate}, {"name": "B", "mean": rate}]
    traffic = {"units_per_day": 40, "days": 5, "shares": shares}
    world = tree("binary", metric={"direction": direction}, variants=variants, traffic=traffic, strategies=RULES)
    study = Study.from_tree(world, "few")
    setting, out = setting_of(study.scenario), played(study, "null", REPLICATES, seed=20261130)
    oriented = rate if direction == "increase" else 1 - rate
    for one in study.strategies:
        planned = one.design.bounds(setting)
        rows = setting.rows[planned.days - 1]
        exact = true_level(oriented, rows, planned.lower, planned.upper, planned.futility, planned.inner)
        code = out[one.name].code
        share = np.mean((code > 0) if planned.futility else ((code == -1) | (code > 0)))
        # Twelve comparisons: 4 standard errors.
        assert abs(share - exact) <= 4 * np.sqrt(exact * (1 - exact) / REPLICATES), (one.name, share, exact)


def test_what_takes_too_long_is_not_counted():
    rows = np.array([[100_000.0, 100_000.0]])
    assert true_level(0.3, rows, np.array([-Z]), np.array([Z])) is None


def test_the_page_of_conventions_says_what_is_counted():
    page = (Path(__file__).parents[2] / "docs" / "conventions.md").read_text(encoding="utf-8")
    row = next(line for line in page.splitlines() if "few units?" in line)
    found = 0
    for told in re.finditer(r"Rate ([\d.]+): (.*?)(?=\. (?:Rate|A run))", row):
        for pocock, obf, units in re.findall(r"([\d.]+) / ([\d.]+) with (\d+)", told[2]):
            rows = np.column_stack([int(units) * np.arange(1, 6)] * 2)
            for kind, value in (("pocock", pocock), ("obrien-fleming", obf)):
                upper = sequential_design(kind, 5, 0.05, 2).critical_values
                assert f"{true_level(float(told[1]), rows, -upper, upper):.4f}" == value
                found += 1
    assert found == 16


def test_a_run_with_few_events_says_how_often_it_errs():
    variants = [{"name": "A", "mean": 0.3}, {"name": "B", "mean": 0.4}]
    traffic = {"units_per_day": 40, "days": 5}
    world = tree("binary", metric={"direction": "increase"}, variants=variants, traffic=traffic)
    rules = [{"kind": "pocock"}, {"kind": "msprt"}, {"kind": "peek-daily"}]
    said = caveats(Study.from_tree({**world, "strategies": rules}, "few").run(replicates=500))
    few = next(sentence for sentence in said if sentence.startswith("Few events"))
    assert "as few as 6 of the rarer answer" in few
    assert "pocock raises a false alarm in 6.26 % of experiments, not 5" in few
    assert "msprt" not in few
    assert "peek" not in few
    world["traffic"]["units_per_day"] = 4000
    said = caveats(Study.from_tree({**world, "strategies": rules}, "many").run(replicates=500))
    assert not [sentence for sentence in said if sentence.startswith("Few events")]
