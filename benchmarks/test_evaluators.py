"""Judge, people and both in under two seconds: 20,000 replicates of each, frontier included."""

from __future__ import annotations

import time

import pytest

from expsim_panel import library
from expsim_panel.evaluation_simulation import compare


@pytest.mark.parametrize("name", library.names())
def test_three_evaluators_in_two_seconds(name: str) -> None:
    scenario = library.load(name)
    compare(scenario, replicates=100)
    took = []
    for _ in range(3):
        start = time.thread_time()
        compare(scenario, replicates=20_000)
        took.append(time.thread_time() - start)
    print(f"{name}: {min(took):.2f} s of processor time")
    assert min(took) < 2.0
