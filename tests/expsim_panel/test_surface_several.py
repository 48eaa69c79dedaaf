"""Maps of several looks at several variants: exact where there is time, and the same as cell by cell."""

from __future__ import annotations

import numpy as np
import pytest

from expsim_panel import axes, exact
from expsim_panel.economics import ledger
from expsim_panel.mover import Mover
from expsim_panel.response_surface import response_surface
from expsim_panel.study import Study

pytestmark = pytest.mark.arithmetic


def study(strategy: dict[str, object]) -> Study:
    tree = {
        "scenario": {"name": "three", "indifference": 0.05},
        "metric": {"name": "score", "family": "normal", "sd": 1.0},
        "variants": [{"name": name, "mean": 3 + 0.1 * i} for i, name in enumerate("ABC")],
        "traffic": {"units_per_day": 120, "days": 9},
        "strategies": [strategy],
    }
    return Study.from_tree(tree, "three")


def test_a_curve_is_exact_and_a_large_map_of_it_agrees_by_simulation():
    asked = study({"kind": "pocock", "looks": 3})
    curve = response_surface(asked, "pocock", axes.parse(asked, "effect=0:0.3:4", "--x"), metric="power")
    assert curve.reason is None
    mover = Mover(asked)
    for j, level in enumerate(curve.x.values):
        there = mover.to({"effect": float(level)})
        found = exact.operating(there.scenario, there.strategies[0], "truth", ledger(there.scenario))
        assert curve.values["power"][0, j] == pytest.approx(found.values["power"], abs=1e-12)
        assert curve.values["days"][0, j] == pytest.approx(found.values["days"], abs=1e-12)

    many = exact.FEW_CELLS + 1
    fine = response_surface(
        asked, "pocock", axes.parse(asked, f"effect=0:0.3:{many}", "--x"), metric="power", replicates=4000
    )
    assert str(exact.FEW_CELLS) in fine.reason
    same = [int(np.argmin(np.abs(fine.x.values - level))) for level in curve.x.values]
    assert fine.x.values[same] == pytest.approx(curve.x.values)
    gaps = np.abs(fine.values["power"][0, same] - curve.values["power"][0])
    # Four cells at 1 % together; where nothing can be found the error is 0.
    assert np.all(gaps <= 3.03 * fine.errors["power"][0, same])
    assert curve.values["power"][0, 0] == 0


def test_a_curve_without_the_time_is_simulated():
    asked = study({"kind": "peek-daily"})
    asked.scenario.variants.append(type(asked.scenario.variants[0])(name="D", mean=3.0))
    curve = response_surface(
        asked, "peek-daily", axes.parse(asked, "effect=0:0.3:3", "--x"), metric="power", replicates=500
    )
    assert "too long" in curve.reason
