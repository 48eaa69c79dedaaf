"""Judge, people and both in under two seconds: 20,000 replicates of each, frontier included."""

from __future__ import annotations

import time
from dataclasses import replace

import pytest

from expsim_panel import engine, library
from expsim_panel.evaluation_simulation import compare
from expsim_panel.study import Study


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


@pytest.mark.parametrize("name", library.names())
def test_judge_people_and_hybrid_studies_in_two_seconds(name: str) -> None:
    """The same question asked of three studies in the engine: two tests, 20,000 replicates, one world."""
    requests = []
    for kind in ("judge", "human", "hybrid"):
        study = Study.load(name, [f"evaluator.kind={kind}"], ["fixed-horizon", "obrien-fleming"])
        requests.append(replace(study.freeze(), replicates=20_000))
    for request in requests:
        engine.outcomes(replace(request, replicates=10))
    took = []
    for _ in range(3):
        start = time.process_time()
        for request in requests:
            engine.outcomes(request, workers=1)
        took.append(time.process_time() - start)
    print(f"{name}: {min(took):.2f} s of processor time for three studies")
    assert min(took) < 2.0


@pytest.mark.parametrize("units", [400, 4_000_000])
def test_a_hybrid_costs_the_same_for_any_number_of_users(units: int) -> None:
    study = Study.load("summarization-prompt", ["evaluator.kind=hybrid"], ["fixed-horizon"])
    tree = study.scenario.to_tree()
    tree["traffic"]["units_per_day"] = units
    tree["evaluator"]["human"]["seconds"] = 0.001
    request = replace(Study.from_tree(tree, "test", names=["fixed-horizon"]).freeze(), replicates=20_000)
    engine.outcomes(replace(request, replicates=10))
    took = []
    for _ in range(3):
        start = time.process_time()
        engine.outcomes(request, workers=1)
        took.append(time.process_time() - start)
    print(f"{units:,} units a day: {min(took):.2f} s of processor time")
    assert min(took) < 1.5
