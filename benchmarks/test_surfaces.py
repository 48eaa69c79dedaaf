"""Speed of surfaces, 40 x 40 cells: exact, and simulated with 10,000 experiments a cell against two yardsticks.

Run ``python -m pytest benchmarks/test_surfaces.py -s -q`` on a quiet machine with two cores. Processor time is
printed beside the time on the clock; the targets are times on the clock.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from expsim_panel import analytic, axes
from expsim_panel.response_surface import ResponseSurface, response_surface
from expsim_panel.study import Study

LOOKS, DAYS, CELLS, REPLICATES, WORKERS = 5, 10, 40, 10_000, 2
EFFECTS, UNITS = "effect=0:0.1:{}", "traffic.units_per_day=200:4000:{}"


def study() -> Study:
    """Two arms with normal outcomes and five looks; no judge and no raters."""
    tree = {
        "scenario": {"name": "five-looks", "indifference": 0.01},
        "metric": {"name": "score", "family": "normal", "sd": 1.0},
        "variants": [{"name": "A", "mean": 3.0}, {"name": "B", "mean": 3.03}],
        "traffic": {"units_per_day": 2000, "days": DAYS},
        "strategies": [{"kind": "obrien-fleming", "looks": LOOKS}],
    }
    return Study.from_tree(tree, "benchmark")


def surface(x: str, y: str, cells: int = CELLS, of: Study | None = None, **kw: Any) -> ResponseSurface:
    """Compute one surface of the study."""
    base = of or study()
    across, up = (axes.parse(base, text.format(cells), flag) for text, flag in ((x, "--x"), (y, "--y")))
    return response_surface(base, "obrien-fleming", across, up, workers=WORKERS, **kw)


def timed(run: Callable[[], Any], rounds: int = 3) -> tuple[float, float]:
    """Return the least seconds on the clock and of the processor."""
    spent = []
    for _ in range(rounds):
        clock, cpu = time.perf_counter(), time.process_time()
        run()
        spent.append((time.perf_counter() - clock, time.process_time() - cpu))
    return min(clock for clock, _ in spent), min(cpu for _, cpu in spent)


@pytest.mark.parametrize(
    ("x", "y"),
    [
        (EFFECTS, UNITS),
        ("metric.sd=0.5:2:{}", EFFECTS),
        ("traffic.icc=0:0.2:{}", "traffic.exposures_per_unit=1:5:{}"),
        ("metric.sd=0.5:2:{}", "traffic.days=7:46:{}"),
    ],
)
def test_an_exact_surface(x: str, y: str) -> None:
    assert surface(x, y, 3).exact
    clock, cpu = timed(lambda: surface(x, y))
    print(f"\nexact, {x.split('=')[0]} x {y.split('=')[0]}: {clock:.2f} s, processor {cpu:.2f} s")
    assert clock < 1


def numpy_over_sums(effect: float, per_look: int, replicates: int, seed: int = 1) -> float:
    """Simulate one cell by sufficient statistics with vectorised NumPy; return the rejection rate."""
    rng, information = np.random.default_rng(seed), np.arange(1, LOOKS + 1) / LOOKS
    bounds = analytic.critical_values(1 / np.sqrt(information), information, 0.05, 2)
    shape, rows = (replicates, 2, LOOKS), np.arange(1, LOOKS + 1) * per_look
    sums = np.sqrt(per_look) * rng.standard_normal(shape)
    sums[:, 1] += effect * per_look
    squares = rng.chisquare(per_look - 1, shape) + sums**2 / per_look
    return _rate(sums.cumsum(axis=2), squares.cumsum(axis=2), rows, bounds)


def numpy_over_users(effect: float, per_look: int, replicates: int, seed: int = 1) -> float:
    """Simulate one cell user by user with vectorised NumPy, 32 experiments at a time."""
    rng, information = np.random.default_rng(seed), np.arange(1, LOOKS + 1) / LOOKS
    bounds = analytic.critical_values(1 / np.sqrt(information), information, 0.05, 2)
    rows, hits = np.arange(1, LOOKS + 1) * per_look, 0.0
    for start in range(0, replicates, 32):
        size = min(32, replicates - start)
        users = rng.standard_normal((size, 2, LOOKS, per_look))
        users[:, 1] += effect
        sums, squares = users.sum(axis=3), np.einsum("...i,...i->...", users, users)
        hits += size * _rate(sums.cumsum(axis=2), squares.cumsum(axis=2), rows, bounds)
    return hits / replicates


def _rate(sums: np.ndarray, squares: np.ndarray, rows: np.ndarray, bounds: np.ndarray) -> float:
    variance = (squares - sums**2 / rows) / (rows - 1) / rows
    z = (sums[:, 1] - sums[:, 0]) / rows / np.sqrt(variance.sum(axis=1))
    return float(np.any(np.abs(z) > bounds, axis=1).mean())


def test_a_simulated_surface_and_its_yardsticks() -> None:
    ask: dict[str, Any] = {"simulate": True, "replicates": REPLICATES}
    surface(EFFECTS, UNITS, 3, **ask)
    first: list[float] = []
    started = 0.0

    def note(_: ResponseSurface) -> None:
        first.append(time.perf_counter() - started)

    clock = cpu = np.inf
    coarse = np.inf
    for _ in range(3):
        first.clear()
        started, spent = time.perf_counter(), time.process_time()
        made = surface(EFFECTS, UNITS, partial=note, **ask)
        clock, cpu = min(clock, time.perf_counter() - started), min(cpu, time.process_time() - spent)
        coarse = min(coarse, first[0])
    # The yardsticks play a 4 x 4 grid of the same cells, users with fewer experiments; both scaled to all cells.
    grid = [(j, i) for j in range(0, CELLS, 12) for i in range(0, CELLS, 12)]
    per_look = [int(units) * DAYS // LOOKS // 2 for units in made.y.values] if made.y is not None else []
    answers = np.array([numpy_over_sums(made.x.values[i], per_look[j], REPLICATES) for j, i in grid])
    ours = np.array([made.value[j, i] for j, i in grid])
    # Two simulations of 16 cells, four standard errors of the difference.
    assert np.all(np.abs(answers - ours) < 4 * np.sqrt(2 * np.maximum(ours * (1 - ours), 0.01) / REPLICATES))
    sums, sums_cpu = timed(
        lambda: [numpy_over_sums(made.x.values[i], per_look[j], REPLICATES) for j, i in grid], rounds=2
    )
    few = 64
    users, users_cpu = timed(lambda: [numpy_over_users(made.x.values[i], per_look[j], few) for j, i in grid], rounds=1)
    sums, sums_cpu = (part * CELLS**2 / len(grid) for part in (sums, sums_cpu))
    users, users_cpu = (part * CELLS**2 / len(grid) * REPLICATES / few for part in (users, users_cpu))
    print(f"\nsimulated: {clock:.2f} s, processor {cpu:.2f} s; first picture {1000 * coarse:.0f} ms")
    print(f"NumPy over sums {sums:.0f} s ({sums / clock:.0f} x), processor {sums_cpu:.0f} s ({sums_cpu / cpu:.0f} x)")
    print(f"NumPy over users {users:,.0f} s ({users / clock:,.0f} x), processor {users_cpu / cpu:,.0f} x")
    assert clock < 3
    assert coarse < 0.3
    assert sums_cpu / cpu >= 10
    assert users_cpu / cpu >= 1000


@pytest.mark.parametrize(
    ("x", "y"), [("metric.sd=0.5:2:{}", EFFECTS), ("metric.sd=0.5:2:{}", UNITS), ("traffic.days=7:46:{}", UNITS)]
)
def test_other_simulated_surfaces(x: str, y: str) -> None:
    surface(x, y, 3, simulate=True, replicates=100)
    clock, cpu = timed(lambda: surface(x, y, simulate=True, replicates=REPLICATES), rounds=2)
    print(f"\nsimulated, {x.split('=')[0]} x {y.split('=')[0]}: {clock:.2f} s, processor {cpu:.2f} s")
    assert clock < 3


@pytest.mark.parametrize(("x", "y"), [(EFFECTS, UNITS), ("variants.0.mean=0.3:0.6:{}", EFFECTS)])
def test_simulated_surfaces_of_rates(x: str, y: str) -> None:
    variants = [{"name": "A", "mean": 0.6}, {"name": "B", "mean": 0.63}]
    tree = {**study().to_tree(), "metric": {"name": "solved", "family": "binary"}, "variants": variants}
    base = Study.from_tree(tree, "benchmark")
    surface(x, y, 3, base, simulate=True, replicates=100)
    clock, cpu = timed(lambda: surface(x, y, of=base, simulate=True, replicates=REPLICATES), rounds=2)
    print(f"\nsimulated rates, {x.split('=')[0]} x {y.split('=')[0]}: {clock:.2f} s, processor {cpu:.2f} s")
    assert clock < 3
