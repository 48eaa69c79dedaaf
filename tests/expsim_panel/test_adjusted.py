"""Stage-wise answers of many experiments at once: coverage as promised, tables as the single solutions say."""

import math
import time

import numpy as np
import pytest
from worlds import tree

from expsim_panel import engine, estimate_figures, operating
from expsim_panel.adjusted import adjusted
from expsim_panel.kernels.ordering import drifts_at, going_on, tail_at
from expsim_panel.plan import setting_of
from expsim_panel.results import Outcomes
from expsim_panel.sequential import sequential_plan
from expsim_panel.stagewise import after_stopping, stagewise_estimate, tail_probability
from expsim_panel.study import Study

pytestmark = pytest.mark.arithmetic

REPLICATES = 20_000
STRATEGIES = [
    {"kind": "pocock", "looks": 5},
    {"kind": "obrien-fleming", "looks": 4},
    {"kind": "lan-demets-pocock", "information": [0.1, 0.3, 1.0]},
    {"kind": "hwang-shih-decani", "sides": 1, "alpha": 0.025, "futility_kind": "kim-demets", "beta": 0.1},
    {"kind": "peek-daily"},
    {"kind": "kim-demets", "futility_bounds": [0.3, 0.5, 0.7, 0.9]},
    {"kind": "wang-tsiatis", "information": [0.2, 0.3, 0.6, 1.0]},
    {"kind": "haybittle-peto", "sides": 1, "alpha": 0.025, "looks": 3, "futility_bounds": [-0.2, 0.4], "binding": True},
    {"kind": "user-spending", "alpha_spent": [0.0, 0.02, 0.05]},
    {"kind": "lan-demets-obrien-fleming", "futility_kind": "hwang-shih-decani"},
    {"kind": "thompson"},
]
STATED = len(STRATEGIES) - 1


def played(effect: float, replicates: int = REPLICATES) -> Study:
    variants = [{"name": "A", "mean": 3.0}, {"name": "B", "mean": 3.0 + effect}]
    world = tree(variants=variants, traffic={"units_per_day": 4000, "days": 10})
    study = Study.from_tree({**world, "strategies": STRATEGIES}, "test")
    study.replicates, study.seed = replicates, 20261124
    return study


@pytest.mark.parametrize("effect", [0.0, 0.02, 0.04])
def test_adjusted_intervals_cover_and_plain_ones_do_not(effect: float, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(estimate_figures, "ADJUSTED", REPLICATES)
    result = played(effect).run(replicates=REPLICATES, seed=20261124)
    for one in result.strategies[:STATED]:
        figures = one.figures
        found, level = figures["coverage_adjusted"], one.strategy.design.level()
        assert found.value is not None, found.reason
        assert abs(found.value - level) <= 3 * math.sqrt(level * (1 - level) / REPLICATES), one.name
    if effect == 0.0:
        for name in ("pocock", "peek-daily"):
            assert result[name].figures["coverage"].value < 0.95 - 8 * math.sqrt(0.95 * 0.05 / REPLICATES)
    else:
        for one in result.strategies[:5]:
            plain, better = (one.figures[name].value for name in ("exaggeration", "exaggeration_adjusted"))
            # Giving up early pulls an estimate down: there the adjusted one lies above it.
            assert better < plain if one.strategy.design.sides == 2 else better == pytest.approx(plain, abs=0.1)
            assert one.figures["exaggeration_shrunk"].value < plain
    assert "adapts" in result["thompson"].figures["coverage_adjusted"].reason


def test_repeated_intervals_of_several_variants_cover_and_plain_ones_do_not() -> None:
    variants = [{"name": name, "mean": 3.0} for name in "ABC"]
    world = tree(variants=variants, traffic={"units_per_day": 6000, "days": 10})
    kinds = [
        {"kind": "pocock"},
        {"kind": "obrien-fleming", "looks": 4},
        {"kind": "fixed-horizon"},
        {"kind": "peek-daily"},
    ]
    result = Study.from_tree({**world, "strategies": kinds}, "test").run(replicates=REPLICATES, seed=20261124)
    error = math.sqrt(0.95 * 0.05 / REPLICATES)
    for name in ("pocock", "obrien-fleming"):
        found = result[name].figures["coverage_adjusted"]
        assert found.value > 0.95 - 3 * error
        assert "no estimate" in result[name].figures["exaggeration_adjusted"].reason
    assert result["pocock"].figures["coverage"].value < 0.95 - 4 * error
    # One look: the plain interval, right for each comparison.
    fixed = result["fixed-horizon"].figures
    assert fixed["coverage_adjusted"].value == pytest.approx(fixed["coverage"].value, abs=1e-12)
    assert "does not spend" in result["peek-daily"].figures["coverage_adjusted"].reason


def test_tables_agree_with_every_single_solution() -> None:
    study = played(0.02, 3000)
    setting = setting_of(study.scenario)
    for one in study.strategies[:5]:
        out = engine.outcomes(study.freeze())[one.name]
        found = operating.estimates(out, False)
        effect, se = found.effect[:, 0], found.se[:, 0]
        made = adjusted(one.design, setting, out.day, effect, se, 0.02, np.ones(out.code.size, bool))
        assert not isinstance(made, str)
        for k in range(0, 3000, 150):
            single = after_stopping(one.design, setting, int(out.day[k]), float(effect[k]), float(se[k]))
            assert not isinstance(single, str)
            assert made.estimate[k] == pytest.approx(single.estimate, abs=2e-5 * se[k])
            half = one.design.level() / 2
            inside = abs(made.tail[k] - 0.5) < half
            assert inside == (single.low <= 0.02 <= single.high) or abs(abs(made.tail[k] - 0.5) - half) < 1e-5


@pytest.mark.parametrize(("kind", "looks"), [("pocock", 5), ("obrien-fleming", 20), ("haybittle-peto", 3)])
def test_one_pass_without_drift_answers_for_every_drift(kind: str, looks: int) -> None:
    planned = sequential_plan(kind, looks)
    t, upper = planned.information, planned.upper()
    paths = going_on(t, -upper, upper)
    for look in range(0, looks, max(1, looks // 4)):
        for z in (-3.0, 0.0, 2.0, 6.0):
            for drift in (-6.0, 0.0, 2.5, 9.0):
                tail, slope = tail_at(t, upper, *paths, look, z, drift)
                assert tail == pytest.approx(tail_probability(t, -upper, upper, look + 1, z, drift), abs=1e-12)
                near = [tail_at(t, upper, *paths, look, z, drift + step)[0] for step in (1e-4, -1e-4)]
                assert slope == pytest.approx((near[0] - near[1]) / 2e-4, abs=1e-6)
    z = np.array([-1.0, 1.5, 3.0])
    for tail in (0.025, 0.5):
        level = 1 - 2 * tail if tail < 0.5 else 0.95
        single = [stagewise_estimate(t, upper, 2, looks, float(one), level=level) for one in z]
        solved = [one.low if tail < 0.5 else one.estimate for one in single]
        np.testing.assert_allclose(drifts_at(t, upper, *paths, looks - 1, z, tail), solved, atol=1e-8)


def test_twenty_thousand_in_a_blink() -> None:
    study = played(0.02)
    setting, one = setting_of(study.scenario), study.strategies[0]
    out: Outcomes = engine.outcomes(study.freeze())[one.name]
    found = operating.estimates(out, False)
    spent = []
    for _ in range(7):
        began = time.thread_time()
        adjusted(one.design, setting, out.day, found.effect[:, 0], found.se[:, 0], 0.02, out.code > 0)
        spent.append(time.thread_time() - began)
    assert min(spent) < 0.05
