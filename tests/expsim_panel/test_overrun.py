"""Stage-wise answers with late outcomes: against plain simulation, and in the simulator."""

from __future__ import annotations

import math

import numpy as np
import pytest
from worlds import tree

from expsim_panel import estimate_figures
from expsim_panel.overrun import Overrun
from expsim_panel.sequential import sequential_design
from expsim_panel.study import Study

pytestmark = pytest.mark.arithmetic

N = 100_000
T, FINAL = np.array([0.25, 0.5, 0.8, 1.0]), np.array([0.45, 0.7, 1.0, 1.2])


def walked(drift: float) -> tuple[np.ndarray, np.ndarray, np.ndarray, Overrun]:
    """Return look, side and final z of simulated experiments whose outcomes overrun."""
    upper = sequential_design("pocock", information=T, sides=2).critical_values
    lower = np.array([-np.inf, -0.5, -upper[2], -upper[3]])
    draw = np.random.default_rng(20261125)
    steps = np.diff(T, prepend=0.0)
    score = np.cumsum(draw.standard_normal((N, T.size)) * np.sqrt(steps) + drift * steps, axis=1)
    z = score / np.sqrt(T)
    high, low = z >= upper, z <= lower
    out = high | low
    out[:, -1] = True
    look = out.argmax(axis=1)
    at = np.arange(N), look
    more = (FINAL - T)[look]
    final = (score[at] + draw.standard_normal(N) * np.sqrt(more) + drift * more) / np.sqrt(FINAL[look])
    side = np.where(low[at] & (look < T.size - 1), -1, 1)
    return look, side, final, Overrun(T, FINAL, lower, upper)


@pytest.mark.parametrize("drift", [0.0, 2.2])
def test_tails_are_uniform_and_medians_unbiased(drift: float) -> None:
    look, side, final, made = walked(drift)
    tail, median = np.full(N, np.nan), np.full(N, np.nan)
    for k in range(T.size):
        for which in (1, -1):
            mine = np.flatnonzero((look == k) & (side == which))
            if mine.size:
                tail[mine] = made.tails(k, which, final[mine], np.full(mine.size, drift))
                median[mine] = made.drifts(k, which, final[mine], 0.5)
    for share in (0.025, 0.2, 0.5, 0.8, 0.975):
        assert abs((tail < share).mean() - share) <= 4 * math.sqrt(share * (1 - share) / N)
    assert abs((median > drift).mean() - 0.5) <= 4 * math.sqrt(0.25 / N)


def test_without_late_outcomes_it_is_the_stage_wise_ordering() -> None:
    from expsim_panel.stagewise import tail_probability

    upper = sequential_design("pocock", information=T, sides=2).critical_values
    made = Overrun(T, T, -upper, upper)
    for look, z in ((0, 2.9), (2, 2.6), (3, -0.4)):
        want = tail_probability(T, -upper, upper, look + 1, z, 1.3)
        assert made.tails(look, 1, np.array([z]), np.array([1.3]))[0] == pytest.approx(want, abs=2e-3)


@pytest.mark.parametrize("effect", [0.0, 0.04])
def test_intervals_cover_in_the_simulator(effect: float, monkeypatch: pytest.MonkeyPatch) -> None:
    size = 20_000
    monkeypatch.setattr(estimate_figures, "ADJUSTED", size)
    variants = [{"name": "A", "mean": 3.0}, {"name": "B", "mean": 3.0 + effect}]
    world = tree(variants=variants, traffic={"units_per_day": 4000, "days": 10, "delay_days": 2})
    rules = [
        {"kind": "pocock"},
        {"kind": "obrien-fleming", "looks": 4},
        {"kind": "kim-demets", "futility_bounds": [0.3] * 4},
    ]
    result = Study.from_tree({**world, "strategies": rules}, "test").run(replicates=size, seed=20261125)
    for name in ("pocock", "obrien-fleming"):
        found = result[name].figures["coverage_adjusted"]
        assert found.value is not None, found.reason
        assert abs(found.value - 0.95) <= 3 * math.sqrt(0.95 * 0.05 / size), name
    if effect:
        told = result["pocock"].figures
        assert told["exaggeration_adjusted"].value < told["exaggeration"].value
    assert "late outcomes" in result["kim-demets"].figures["coverage_adjusted"].reason


def test_several_variants_with_late_outcomes_have_none() -> None:
    variants = [{"name": name, "mean": 3.0} for name in "ABC"]
    world = tree(variants=variants, traffic={"units_per_day": 900, "days": 6, "delay_days": 2})
    result = Study.from_tree({**world, "strategies": [{"kind": "pocock", "looks": 3}]}, "test").run(
        replicates=200, seed=1
    )
    assert "after the stop" in result["pocock"].figures["coverage_adjusted"].reason
